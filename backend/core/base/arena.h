/*
 * Memory for many small things that live and die together, such as the rows of a snapshot.
 *
 * Nothing is freed one by one; arena_release() frees all. Allocations are zeroed and aligned for
 * any type. A failed one returns NULL and changes nothing.
 */
#ifndef STICKY_CORE_BASE_ARENA_H
#define STICKY_CORE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first; NULL in an empty arena */
};

void arena_release(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size);

/* Copies `length` bytes and adds a NUL. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

#endif

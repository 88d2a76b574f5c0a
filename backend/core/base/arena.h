/*
 * Memory for many small objects that are freed together, such as the rows of a snapshot.
 *
 * Nothing is freed individually; arena_release() frees everything. Memory is zeroed and aligned for
 * any type. A failed allocation returns NULL and changes nothing.
 */
#ifndef STICKY_CORE_BASE_ARENA_H
#define STICKY_CORE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first; NULL in an empty arena */
    struct arena_block *spare;  /* kept by arena_reset() */
};

void arena_release(struct arena *arena);

/*
 * Frees everything, but keeps memory for what is allocated next: up to ARENA_KEPT_MAX bytes. For
 * work that is done again and again, such as reading messages.
 */
#define ARENA_KEPT_MAX (1 << 20)
void arena_reset(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t size);

/* Copies `length` bytes and adds a NUL. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

#endif

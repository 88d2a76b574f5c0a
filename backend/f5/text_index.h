/*
 * Finds objects by their names, so that a configuration of a hundred thousand names is not searched
 * for each of them.
 *
 * Names and objects belong to the caller and have to stay. The memory is the arena's.
 */
#ifndef STICKY_F5_TEXT_INDEX_H
#define STICKY_F5_TEXT_INDEX_H

#include "f5/work.h"

struct text_index {
    struct text_slot *slots;
    size_t count, capacity; /* the capacity is 0 or a power of two */
};

/* The object of that name, or NULL. */
void *text_index_find(const struct text_index *index, const char *name);

/* Adds an object whose name is not in the index. 0 or ERR_NOMEM. */
int text_index_add(struct f5_work *work, struct text_index *index, const char *name,
                   const void *object);

#endif

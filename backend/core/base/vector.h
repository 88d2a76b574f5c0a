/*
 * Growing arrays. The owner keeps pointer, count and capacity in its struct.
 *
 * VECTOR_ADD(items, count, capacity) appends an uninitialized element and returns its address, or
 * NULL with nothing changed when there is no memory. The owner frees `items`.
 */
#ifndef STICKY_CORE_BASE_VECTOR_H
#define STICKY_CORE_BASE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define VECTOR_FIRST 8

/* Doubles `*items` when it is full; false when there is no memory. */
static inline bool vector_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : VECTOR_FIRST;
    if (wanted > SIZE_MAX / 2 / size)
        return false;
    void **place = items;
    void *grown = realloc(*place, wanted * size);
    if (!grown)
        return false;
    *place = grown;
    *capacity = wanted;
    return true;
}

#define VECTOR_ADD(items, count, capacity)                                                         \
    (vector_grow(&(items), (count), &(capacity), sizeof *(items)) ? &(items)[(count)++] : NULL)

#endif

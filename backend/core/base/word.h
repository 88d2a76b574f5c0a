/*
 * Finds a word of a database column in the list of all its words; the index is the enum value.
 */
#ifndef STICKY_CORE_BASE_WORD_H
#define STICKY_CORE_BASE_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* False for an unknown word, and for NULL, which SQLite returns when it is out of memory. */
static inline bool word_find(const char *const *words, size_t count, const char *word,
                             size_t *ret_index)
{
    for (size_t i = 0; word && i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

#endif

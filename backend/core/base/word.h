/*
 * The words of a column: finds one in the list of all, whose index is the value that it stands for.
 */
#ifndef STICKY_CORE_BASE_WORD_H
#define STICKY_CORE_BASE_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* False for any other word, and for NULL, which SQLite gives when it has no memory. */
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

/*
 * What all parts of the import share: memory, the error with its line, lists and comments.
 *
 * Everything that is read or planned lives in one arena and is freed with it, so nothing here is
 * released by itself.
 */
#ifndef STICKY_F5_WORK_H
#define STICKY_F5_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/error.h"

struct f5_work {
    struct arena *arena;
    struct error *error; /* may be NULL */
};

/* Pointers that an arena holds. */
struct list {
    void **items;
    size_t count, capacity;
};

/*
 * 0, or ERR_NOMEM with nothing added. A list may hold what is only read, too: who takes it out
 * knows what it holds.
 */
int list_add(struct f5_work *work, struct list *list, const void *item);

/* Zeroed memory of the arena, or NULL with the error set. */
void *work_alloc(struct f5_work *work, size_t size);

/* A copy of a text in the arena, or NULL with the error set. */
char *work_copy(struct f5_work *work, const char *text);
char *work_printf(struct f5_work *work, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what is wrong on a line of the input. Returns ERR_INVAL. */
int work_error(struct f5_work *work, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A comment for the operator: what has no counterpart, or another meaning. Properties for which the
 * same reason is given share one comment.
 */
struct f5_note {
    const char
        *subject; /* the properties: "qos-rtt 75, qos-hops 11"; NULL: the reason says it all */
    const char *reason;
};

/* Both add a comment to a list of them; 0 or ERR_NOMEM. `reason` is compared by its address. */
int note_property(struct f5_work *work, struct list *notes, const char *subject,
                  const char *reason);
int note_add(struct f5_work *work, struct list *notes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

#include "f5/work.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buffer.h"

#define LIST_FIRST 8

void *work_alloc(struct f5_work *work, size_t size)
{
    void *memory = arena_alloc(work->arena, size);
    if (!memory)
        error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    return memory;
}

char *work_copy(struct f5_work *work, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = work_alloc(work, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

char *work_printf(struct f5_work *work, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    char *copy = NULL;
    if (text.failed)
        error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    else
        copy = work_copy(work, buffer_text(&text));
    buffer_release(&text);
    return copy;
}

int list_add(struct f5_work *work, struct list *list, const void *item)
{
    if (list->count == list->capacity) {
        size_t wanted = list->capacity ? 2 * list->capacity : LIST_FIRST;
        void **grown = work_alloc(work, wanted * sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->capacity = wanted;
    }
    list->items[list->count++] = (void *)(uintptr_t)item;
    return 0;
}

int work_error(struct f5_work *work, int line, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(work->error, ERR_INVAL, "line %d: %s", line, text);
}

static struct f5_note *new_note(struct f5_work *work, struct list *notes)
{
    struct f5_note *note = work_alloc(work, sizeof *note);
    return note && list_add(work, notes, note) == 0 ? note : NULL;
}

int note_property(struct f5_work *work, struct list *notes, const char *subject, const char *reason)
{
    struct f5_note *note = NULL;
    for (size_t i = 0; i < notes->count; i++) {
        struct f5_note *other = notes->items[i];
        if (other->subject && other->reason == reason)
            note = other;
    }
    if (note) {
        note->subject = work_printf(work, "%s, %s", note->subject, subject);
        return note->subject ? 0 : ERR_NOMEM;
    }
    note = new_note(work, notes);
    if (!note || !(note->subject = work_copy(work, subject)))
        return ERR_NOMEM;
    note->reason = reason;
    return 0;
}

int note_add(struct f5_work *work, struct list *notes, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    struct f5_note *note = text.failed ? NULL : new_note(work, notes);
    if (note)
        note->reason = work_copy(work, buffer_text(&text));
    else
        error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    buffer_release(&text);
    return note && note->reason ? 0 : ERR_NOMEM;
}

#include "dialect/json_read.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/arena.h"

/* While a text is read, jansson's memory comes from the arena; otherwise from malloc(). */
static _Thread_local bool reading;
static _Thread_local struct arena arena;
static _Thread_local jmp_buf without_memory;

static void *allocate(size_t size)
{
    if (!reading)
        return malloc(size);
    void *place = arena_alloc(&arena, size);
    if (!place)
        longjmp(without_memory, 1);
    return place;
}

static void release(void *place)
{
    if (!reading)
        free(place);
}

const json_t *json_read(const char *text, size_t length)
{
    const json_t *volatile value = NULL;
    json_set_alloc_funcs(allocate, release);
    reading = true;
    if (setjmp(without_memory) == 0)
        value = json_loadb(text, length, 0, NULL);
    reading = false;
    return value;
}

void json_read_end(void)
{
    arena_release(&arena);
}

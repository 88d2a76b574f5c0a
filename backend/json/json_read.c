#include "json/json_read.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* While a text is read, jansson's memory comes from this arena; otherwise (NULL) from malloc(). */
static _Thread_local struct arena *memory;
static _Thread_local size_t left; /* octets that may still be allocated */
static _Thread_local jmp_buf without_memory;

static void *allocate(size_t size)
{
    if (!memory)
        return malloc(size);
    if (size > left)
        longjmp(without_memory, ERR_LIMIT);
    left -= size;
    void *place = arena_alloc(memory, size);
    if (!place)
        longjmp(without_memory, ERR_NOMEM);
    return place;
}

static void release(void *place)
{
    if (!memory)
        free(place);
}

/* What setjmp() returns may only be compared, so each code has a case. */
static int load(const char *text, size_t length, const struct json_limits *limits,
                const json_t **ret_value, struct error *error)
{
    json_error_t problem;
    switch (setjmp(without_memory)) {
    case 0:
        *ret_value = json_loadb(text, length, limits->flags, &problem);
        if (*ret_value)
            return 0;
        return error_set(error, ERR_INVAL, "octet %d: %s", problem.position, problem.text);
    case ERR_LIMIT:
        return error_set(error, ERR_INVAL, "takes more than %zu octets of memory",
                         limits->memory_max);
    default:
        return error_set(error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    }
}

int json_read(const char *text, size_t length, const struct json_limits *limits,
              struct arena *arena, const json_t **ret_value, struct error *error)
{
    const json_t *value = NULL;
    json_set_alloc_funcs(allocate, release);
    left = limits->memory_max ? limits->memory_max : SIZE_MAX;
    memory = arena;
    int code = load(text, length, limits, &value, error);
    memory = NULL;
    if (code == 0)
        *ret_value = value;
    return code;
}

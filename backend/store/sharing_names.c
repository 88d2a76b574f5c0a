#include "store/sharing_names.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"
#include "core/sharing/entry.h"

static void release(struct name_list *list)
{
    free(list->by_name);
    free(list->by_id);
}

void sharing_names_release(struct sharing_names *names)
{
    release(&names->pools);
    release(&names->controllers);
    arena_release(&names->texts);
    *names = (struct sharing_names){0};
}

/* ---------------------------------------------------------------- texts */

/* The length of the character that begins here, or 0 when it is not UTF-8. */
static size_t character_length(const unsigned char *text, size_t left)
{
    unsigned char first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90))
        return 0; /* longer than it has to be */
    if ((first == 0xed && text[1] >= 0xa0) || (first == 0xf4 && text[1] >= 0x90))
        return 0; /* half of a pair of UTF-16, or above U+10FFFF */
    return length;
}

bool sharing_text_is_valid(const char *text, size_t length, size_t size)
{
    const unsigned char *octets = (const unsigned char *)text;
    if (!text || length == 0 || length >= size)
        return false;
    for (size_t i = 0; i < length;) {
        size_t character = character_length(octets + i, length - i);
        if (character == 0 || octets[i] < 0x20 || octets[i] == 0x7f)
            return false;
        i += character;
    }
    return true;
}

/* ---------------------------------------------------------------- reading */

/* One that cannot be told is left out: nothing of it is shared. */
static int add(struct arena *texts, sqlite3_stmt *statement, struct name_list *list,
               size_t *capacity)
{
    const char *name = (const char *)sqlite3_column_text(statement, 1);
    size_t length = (size_t)sqlite3_column_bytes(statement, 1);
    if (!sharing_text_is_valid(name, length, SHARED_NAME_MAX))
        return 0;
    const char *copy = arena_copy(texts, name, length);
    struct name_row *row = copy ? VECTOR_ADD(list->by_name, list->count, *capacity) : NULL;
    if (!row)
        return ERR_NOMEM;
    *row = (struct name_row){.name = copy, .id = sqlite3_column_int64(statement, 0)};
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct name_row *first = a, *second = b;
    return (first->id > second->id) - (first->id < second->id);
}

static int order_by_id(struct name_list *list)
{
    if (list->count == 0)
        return 0;
    list->by_id = malloc(list->count * sizeof *list->by_id);
    if (!list->by_id)
        return ERR_NOMEM;
    memcpy(list->by_id, list->by_name, list->count * sizeof *list->by_id);
    qsort(list->by_id, list->count, sizeof *list->by_id, compare_ids);
    return 0;
}

static int read_list(struct arena *texts, struct database *database, enum query query,
                     struct name_list *list, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, query);
    size_t capacity = 0;
    int result = SQLITE_DONE, code = 0;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
        code = add(texts, statement, list, &capacity);
    if (code == 0 && result != SQLITE_DONE)
        code = database_error(database, result, "names cannot be read", error);
    sqlite3_reset(statement);
    if (code == 0)
        code = order_by_id(list);
    if (code == ERR_NOMEM)
        error_set(error, code, "%s: names cannot be read: %s", database->path, error_text(code));
    return code;
}

int sharing_names_refresh(struct sharing_names *names, struct database *database, int64_t revision,
                          struct error *error)
{
    if (names->loaded && names->opening == database->openings && names->revision == revision)
        return 0;
    sharing_names_release(names);
    int code = read_list(&names->texts, database, QUERY_SHARE_POOLS, &names->pools, error);
    if (code == 0)
        code =
            read_list(&names->texts, database, QUERY_SHARE_CONTROLLERS, &names->controllers, error);
    if (code != 0) {
        sharing_names_release(names);
        return code;
    }
    names->loaded = true;
    names->opening = database->openings;
    names->revision = revision;
    return 0;
}

/* ---------------------------------------------------------------- looking up */

size_t name_list_from(const struct name_list *list, const char *name)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->by_name[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t name_list_id(const struct name_list *list, const char *name)
{
    size_t place = name_list_from(list, name);
    if (place == list->count || strcmp(list->by_name[place].name, name) != 0)
        return 0;
    return list->by_name[place].id;
}

const char *name_list_name(const struct name_list *list, int64_t id)
{
    const struct name_row wanted = {.id = id}, *found = NULL;
    if (list->count > 0)
        found = bsearch(&wanted, list->by_id, list->count, sizeof wanted, compare_ids);
    return found ? found->name : NULL;
}

/*
 * Each list is kept in two orders, and both are searched by bisection. The query sorts by name,
 * with COLLATE BINARY, which is the order of strcmp(); the copy in the order of ids is sorted here.
 */
#include "store/sharing/sharing_names.h"

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

/* ---------------------------------------------------------------- reading */

/* One that is too long, or has a NUL, is left out: nothing of it is shared. */
static int add(struct arena *texts, sqlite3_stmt *statement, struct name_list *list,
               size_t *capacity)
{
    const char *name = (const char *)sqlite3_column_text(statement, 1);
    size_t length = (size_t)sqlite3_column_bytes(statement, 1);
    if (!name || length >= ROW_NAME_MAX || strlen(name) != length)
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

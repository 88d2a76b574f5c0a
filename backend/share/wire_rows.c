/*
 * Written by hand, as building jansson's objects takes several times as long. Read without checks
 * of its own: whether a row can be shared is said by shared_row_problem() on both sides.
 */
#include "share/wire_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/sharing/row_problem.h"
#include "share/wire.h"

enum { POOL, KEY, DECIDED, ORIGIN, TIMESTAMP, TTL, CONTROLLER, METHOD };

/* Elements of a row that is deleted, and of any other. */
#define GONE_ELEMENTS 6
#define LIVE_ELEMENTS 8

/* ---------------------------------------------------------------- writing */

/* A power of two, and at most half full. */
#define SLOTS 8192
_Static_assert(SLOTS >= 2 * WIRE_ROWS_MAX, "a free slot is found soon");

/* Names in the order of their first use, in a hash table. */
struct names {
    const char *names[WIRE_ROWS_MAX];
    size_t count;
    uint16_t slots[SLOTS]; /* an index + 1; 0: free */
};

static size_t index_of(struct names *names, const char *name)
{
    size_t slot = text_hash(name) % SLOTS;
    while (names->slots[slot]) {
        size_t index = names->slots[slot] - 1U;
        if (strcmp(names->names[index], name) == 0)
            return index;
        slot = (slot + 1) % SLOTS;
    }
    names->names[names->count++] = name;
    names->slots[slot] = (uint16_t)names->count;
    return names->count - 1;
}

void wire_write_text(struct buffer *out, const char *text)
{
    buffer_add_char(out, '"');
    while (*text) {
        size_t plain = strcspn(text, "\"\\");
        buffer_add(out, text, plain);
        text += plain;
        if (*text) {
            buffer_add_char(out, '\\');
            buffer_add_char(out, *text++);
        }
    }
    buffer_add_char(out, '"');
}

static void write_names(struct buffer *out, const char *member, const struct names *names)
{
    buffer_printf(out, ",\"%s\":[", member);
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        wire_write_text(out, names->names[i]);
    }
    buffer_add_char(out, ']');
}

static void write_next(struct buffer *out, int64_t number)
{
    buffer_add_char(out, ',');
    buffer_add_integer(out, number);
}

struct row_names {
    struct names pools, controllers, methods, homes;
};

static void write_row(struct buffer *out, struct row_names *names, const struct shared_row *row)
{
    const struct entry *entry = &row->entry;
    buffer_add_char(out, '[');
    buffer_add_integer(out, (int64_t)index_of(&names->pools, row->pool));
    buffer_add_char(out, ',');
    wire_write_text(out, row->key);
    write_next(out, entry->decided);
    write_next(out, entry->origin);
    write_next(out, entry->timestamp_s);
    write_next(out, entry->ttl_s);
    if (!entry->gone) {
        write_next(out, (int64_t)index_of(&names->controllers, entry->controller));
        write_next(out, (int64_t)index_of(&names->methods, entry->method));
    }
    buffer_add_char(out, ']');
}

/* The pairs of `homes`. The rows that are left out have no index. */
static void write_homes(struct buffer *out, struct names *homes, const struct shared_row *rows,
                        size_t count)
{
    const char *separator = ",\"homes\":[";
    int64_t index = 0;
    for (size_t i = 0; i < count; i++) {
        if (shared_row_problem(&rows[i]))
            continue;
        if (rows[i].entry.home[0]) {
            buffer_printf(out, "%s[%lld,%zu]", separator, (long long)index,
                          index_of(homes, rows[i].entry.home));
            separator = ",";
        }
        index++;
    }
    if (homes->count == 0)
        return;
    buffer_add_char(out, ']');
    write_names(out, "home_names", homes);
}

void wire_rows_write(struct buffer *out, const struct shared_row *rows, size_t count)
{
    struct row_names names = {0};
    const char *separator = "";
    assert(count <= WIRE_ROWS_MAX);
    buffer_add_text(out, ",\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        if (shared_row_problem(&rows[i]))
            continue;
        buffer_add_text(out, separator);
        write_row(out, &names, &rows[i]);
        separator = ",";
    }
    buffer_add_char(out, ']');
    write_names(out, "pools", &names.pools);
    write_names(out, "controllers", &names.controllers);
    write_names(out, "methods", &names.methods);
    write_homes(out, &names.homes, rows, count);
}

static void write_path(struct buffer *out, struct names *controllers,
                       const struct shared_path *path)
{
    buffer_add_char(out, '[');
    wire_write_text(out, path->network);
    write_next(out, (int64_t)index_of(controllers, path->controller));
    buffer_printf(out, ",%.17g", path->rtt_ms); /* the same number is read again */
    write_next(out, path->measured_at_s);
    buffer_add_char(out, ']');
}

void wire_paths_write(struct buffer *out, const struct shared_path *paths, size_t count)
{
    struct names controllers = {0};
    const char *separator = "";
    assert(count <= WIRE_PATHS_MAX);
    buffer_add_text(out, ",\"paths\":[");
    for (size_t i = 0; i < count; i++) {
        if (shared_path_problem(&paths[i]))
            continue;
        buffer_add_text(out, separator);
        write_path(out, &controllers, &paths[i]);
        separator = ",";
    }
    buffer_add_char(out, ']');
    write_names(out, "controllers", &controllers);
}

/* ---------------------------------------------------------------- reading */

bool wire_read_text(const json_t *value, size_t size, char *ret_text)
{
    if (!json_is_string(value) || json_string_length(value) >= size)
        return false;
    memcpy(ret_text, json_string_value(value), json_string_length(value) + 1);
    return true;
}

bool wire_read_number(const json_t *value, int64_t least, int64_t most, int64_t *ret_number)
{
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return false;
    *ret_number = json_integer_value(value);
    return true;
}

/* The arrays of names of a message. */
struct name_lists {
    const json_t *pools, *controllers, *methods;
};

/* Copies the name that an element refers to. */
static bool read_name(const json_t *row, size_t element, const json_t *names, size_t size,
                      char *ret_name)
{
    const json_t *index = json_array_get(row, element);
    return json_is_integer(index) && json_integer_value(index) >= 0 &&
           wire_read_text(json_array_get(names, (size_t)json_integer_value(index)), size, ret_name);
}

static bool read_integer(const json_t *row, size_t element, int64_t *ret_number)
{
    return wire_read_number(json_array_get(row, element), INT64_MIN, INT64_MAX, ret_number);
}

/* Why not, or NULL. */
static const char *read_row(const json_t *row, const struct name_lists *lists,
                            struct shared_row *ret_row)
{
    struct entry *entry = &ret_row->entry;
    size_t elements = json_array_size(row);
    if (elements != GONE_ELEMENTS && elements != LIVE_ELEMENTS)
        return "it is not an array of 6 or 8";
    if (!read_name(row, POOL, lists->pools, sizeof ret_row->pool, ret_row->pool))
        return "its pool is not the index of a name";
    if (!wire_read_text(json_array_get(row, KEY), sizeof ret_row->key, ret_row->key))
        return "its key is not a text of at most 70 octets";
    if (!read_integer(row, DECIDED, &entry->decided) ||
        !read_integer(row, ORIGIN, &entry->origin) ||
        !read_integer(row, TIMESTAMP, &entry->timestamp_s) ||
        !read_integer(row, TTL, &entry->ttl_s))
        return "one of its numbers is not an integer";
    entry->gone = elements == GONE_ELEMENTS;
    entry->controller[0] = entry->method[0] = entry->home[0] = '\0';
    if (!entry->gone && !read_name(row, CONTROLLER, lists->controllers, sizeof entry->controller,
                                   entry->controller))
        return "its controller is not the index of a name";
    if (!entry->gone &&
        !read_name(row, METHOD, lists->methods, sizeof entry->method, entry->method))
        return "its method is not the index of a name";
    return shared_row_problem(ret_row);
}

static int read_rows(const json_t *array, const struct name_lists *lists, struct shared_row *rows,
                     struct error *error)
{
    const char *problem = NULL;
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        problem = read_row(json_array_get(array, i), lists, &rows[i]);
        if (problem)
            return error_set(error, ERR_INVAL, "row %zu: %s", i, problem);
    }
    return 0;
}

static int check_lists(const json_t *rows, const struct name_lists *lists, struct error *error)
{
    const struct {
        const char *name;
        const json_t *list;
    } all[] = {{"rows", rows},
               {"pools", lists->pools},
               {"controllers", lists->controllers},
               {"methods", lists->methods}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!json_is_array(all[i].list) || json_array_size(all[i].list) > WIRE_ROWS_MAX)
            return error_set(error, ERR_INVAL, "'%s' is not an array of at most %d", all[i].name,
                             WIRE_ROWS_MAX);
    return 0;
}

static int make_room(struct wire_rows *rows, size_t count)
{
    if (count <= rows->capacity)
        return 0;
    free(rows->rows);
    rows->rows = malloc(count * sizeof *rows->rows);
    rows->capacity = rows->rows ? count : 0;
    return rows->rows ? 0 : ERR_NOMEM;
}

/* Why not, or NULL. */
static const char *read_home(const json_t *pair, const json_t *names, struct wire_rows *rows)
{
    int64_t index;
    if (json_array_size(pair) != 2 || rows->count == 0 ||
        !wire_read_number(json_array_get(pair, 0), 0, (int64_t)rows->count - 1, &index))
        return "it is not the index of a row, and a home";
    struct shared_row *row = &rows->rows[index];
    if (!read_name(pair, 1, names, sizeof row->entry.home, row->entry.home))
        return "it is not the index of a name";
    return shared_row_problem(row);
}

static int read_homes(const json_t *message, struct wire_rows *rows, struct error *error)
{
    const json_t *homes = json_object_get(message, "homes");
    const json_t *names = json_object_get(message, "home_names");
    size_t count = json_array_size(homes);
    if (!homes && !names)
        return 0; /* an older version tells none */
    if (!json_is_array(homes) || count > WIRE_ROWS_MAX || !json_is_array(names) ||
        json_array_size(names) > WIRE_ROWS_MAX)
        return error_set(error, ERR_INVAL, "'homes' or 'home_names' is not an array of at most %d",
                         WIRE_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *problem = read_home(json_array_get(homes, i), names, rows);
        if (problem)
            return error_set(error, ERR_INVAL, "home %zu: %s", i, problem);
    }
    return 0;
}

int wire_rows_read(const json_t *message, struct wire_rows *rows, struct error *error)
{
    const json_t *array = json_object_get(message, "rows");
    const struct name_lists lists = {json_object_get(message, "pools"),
                                     json_object_get(message, "controllers"),
                                     json_object_get(message, "methods")};
    int code = check_lists(array, &lists, error);
    if (code != 0)
        return code;
    if (make_room(rows, json_array_size(array)) != 0)
        return error_set(error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    code = read_rows(array, &lists, rows->rows, error);
    if (code == 0)
        rows->count = json_array_size(array);
    if (code == 0)
        code = read_homes(message, rows, error);
    if (code != 0)
        rows->count = 0;
    return code;
}

/* Elements of a round trip time. */
enum { NETWORK, PATH_CONTROLLER, RTT, MEASURED_AT, PATH_ELEMENTS };

/* Why not, or NULL. */
static const char *read_path(const json_t *row, const json_t *controllers,
                             struct shared_path *ret_path)
{
    const json_t *rtt = json_array_get(row, RTT);
    if (json_array_size(row) != PATH_ELEMENTS)
        return "it is not an array of 4";
    if (!wire_read_text(json_array_get(row, NETWORK), sizeof ret_path->network, ret_path->network))
        return "its network is not a text of at most 49 octets";
    if (!read_name(row, PATH_CONTROLLER, controllers, sizeof ret_path->controller,
                   ret_path->controller))
        return "its controller is not the index of a name";
    if (!json_is_number(rtt) || !read_integer(row, MEASURED_AT, &ret_path->measured_at_s))
        return "its rtt or measured_at is not a number";
    ret_path->rtt_ms = json_number_value(rtt);
    return shared_path_problem(ret_path);
}

int wire_paths_read(const json_t *message, struct wire_paths *paths, struct error *error)
{
    const json_t *array = json_object_get(message, "paths");
    const json_t *controllers = json_object_get(message, "controllers");
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count > WIRE_PATHS_MAX || !json_is_array(controllers) ||
        json_array_size(controllers) > WIRE_PATHS_MAX)
        return error_set(error, ERR_INVAL, "'paths' or 'controllers' is not an array of at most %d",
                         WIRE_PATHS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *problem = read_path(json_array_get(array, i), controllers, &paths->paths[i]);
        if (problem)
            return error_set(error, ERR_INVAL, "path %zu: %s", i, problem);
    }
    paths->count = count;
    return 0;
}

void wire_rows_release(struct wire_rows *rows)
{
    free(rows->rows);
    arena_release(&rows->memory);
    *rows = (struct wire_rows){0};
}

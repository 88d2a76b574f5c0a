#include "program/control/mapping_json.h"

#include <inttypes.h>
#include <string.h>

#include "json/json_read.h"
#include "program/command/json_output.h"

/* A line takes less than 1 KiB; what is longer is no mapping. */
#define LINE_MEMORY_MAX (64 << 10)

/* The schema's bounds for persistence.timestamp and persistence.ttl. */
#define TIMESTAMP_MAX INT64_C(253402300799)
#define TTL_MAX INT64_C(2147483647)

json_t *mapping_json(const struct snapshot *snapshot, const struct pool *pool, const char *key,
                     const struct mapping *mapping)
{
    const struct controller *site = snapshot_controller(snapshot, mapping->controller_id);
    const struct controller *home = snapshot_controller(snapshot, mapping->home_id);
    json_t *value = json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "pool", json_text(pool->name),
                              "ldns", json_text(key), "site", json_text(site ? site->name : NULL),
                              "method", json_text(mapping->method), "timestamp",
                              (json_int_t)mapping->timestamp_s, "ttl", (json_int_t)mapping->ttl_s);
    if (home)
        json_object_set_new(value, "home", json_text(home->name));
    return value;
}

static int read_text(const json_t *object, const char *member, const char **ret_text,
                     struct error *error)
{
    const json_t *value = json_object_get(object, member);
    if (!json_is_string(value))
        return error_set(error, ERR_INVAL, "%s is missing, or is not a text", member);
    *ret_text = json_string_value(value);
    return 0;
}

static int read_number(const json_t *object, const char *member, int64_t most, int64_t *ret_number,
                       struct error *error)
{
    const json_t *value = json_object_get(object, member);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > most)
        return error_set(error, ERR_INVAL, "%s is missing, or is not a number from 0 to %" PRId64,
                         member, most);
    *ret_number = json_integer_value(value);
    return 0;
}

static int read_method(const json_t *object, struct mapping_line *line, struct error *error)
{
    const char *method = NULL;
    int code = read_text(object, "method", &method, error);
    if (code != 0)
        return code;
    if (!method_find(method))
        return error_set(error, ERR_INVAL, "there is no method %s", method);
    strcpy(line->mapping.method, method);
    return 0;
}

int mapping_json_read(const char *text, size_t length, struct arena *arena,
                      struct mapping_line *ret_line, struct error *error)
{
    const struct json_limits limits = {.flags = JSON_REJECT_DUPLICATES,
                                       .memory_max = LINE_MEMORY_MAX};
    struct mapping_line line = {0};
    const json_t *object;
    int code = json_read(text, length, &limits, arena, &object, error);
    if (code == 0 && !json_is_object(object))
        code = error_set(error, ERR_INVAL, "not an object");
    if (code == 0)
        code = read_text(object, "pool", &line.pool, error);
    if (code == 0)
        code = read_text(object, "ldns", &line.ldns, error);
    if (code == 0)
        code = read_text(object, "site", &line.site, error);
    if (code == 0 && json_object_get(object, "home"))
        code = read_text(object, "home", &line.home, error);
    if (code == 0)
        code = read_method(object, &line, error);
    if (code == 0)
        code = read_number(object, "timestamp", TIMESTAMP_MAX, &line.mapping.timestamp_s, error);
    if (code == 0)
        code = read_number(object, "ttl", TTL_MAX, &line.mapping.ttl_s, error);
    if (code == 0)
        *ret_line = line;
    return code;
}

int mapping_json_check(struct mapping_line *line, const struct snapshot *snapshot, int64_t now_s,
                       struct error *error)
{
    const struct pool *pool = snapshot_pool_named(snapshot, line->pool);
    const struct controller *site = snapshot_controller_named(snapshot, line->site);
    const struct controller *home =
        line->home ? snapshot_controller_named(snapshot, line->home) : NULL;
    if (!pool)
        return error_set(error, ERR_INVAL, "there is no pool %s", line->pool);
    if (pool->persistence_pool != pool)
        return error_set(error, ERR_INVAL,
                         "pool %s has no mappings of its own: it shares those of"
                         " pool %s",
                         pool->name, pool->persistence_pool->name);
    if (!site)
        return error_set(error, ERR_INVAL, "there is no site %s", line->site);
    if (line->home && !home)
        return error_set(error, ERR_INVAL, "there is no site %s", line->home);
    if (!client_key_can_match(line->ldns, pool, &snapshot->groups))
        return error_set(error, ERR_INVAL, "no client of pool %s has the key %s", pool->name,
                         line->ldns);
    if (line->mapping.timestamp_s > now_s + snapshot->settings.share_skew_s)
        return error_set(error, ERR_INVAL, "timestamp %" PRId64 " is in the future",
                         line->mapping.timestamp_s);
    line->pool_id = pool->id;
    line->mapping.controller_id = site->id;
    line->mapping.home_id = home ? home->id : 0;
    return 0;
}

/*
 * The commands `drain`, `enable` and `disable`: set the state of a site, of servers or of a pool,
 * and say what becomes of the mappings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/decimal.h"
#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/leftover.h"
#include "program/control/mapping_filter.h"
#include "program/control/progress.h"
#include "system/clock.h"

/* How long others may write: somebody may have a transaction open in the sqlite3 shell. */
#define LOCK_WAIT_MS 5000

/* Between two counts of --wait; longer, if a count takes long: it shall use a tenth of the time. */
#define WAIT_MS 1000
#define WAIT_PER_COUNT 9

/* A controller or a server whose state is set. */
struct change {
    char pool[ROW_NAME_MAX]; /* "": a controller */
    char site[ROW_NAME_MAX];
    int64_t position;
    enum state was;
    enum state of_site; /* of a server */
};

struct changes {
    const struct command_call *call;
    enum state state; /* that is set */
    struct change rows[POOL_SERVERS_MAX];
    struct state_target targets[POOL_SERVERS_MAX];
    size_t count;
};

/* ---------------------------------------------------------------- what is meant */

static void add_server(struct changes *changes, const struct pool *pool,
                       const struct virtual_server *server)
{
    struct change *row = &changes->rows[changes->count];
    snprintf(row->pool, sizeof row->pool, "%s", pool->name);
    snprintf(row->site, sizeof row->site, "%s", server->controller->name);
    row->position = server->position;
    row->was = server->state;
    row->of_site = server->controller->state;
    changes->targets[changes->count++] = (struct state_target){true, server->id};
}

static enum command_result add_site(struct changes *changes, const struct snapshot *snapshot,
                                    const char *name)
{
    const struct controller *site = NULL;
    enum command_result result = command_find_site(changes->call, snapshot, name, &site);
    if (result != COMMAND_OK)
        return result;
    snprintf(changes->rows[0].site, sizeof changes->rows[0].site, "%s", site->name);
    changes->rows[0].was = site->state;
    changes->targets[changes->count++] = (struct state_target){false, site->id};
    return COMMAND_OK;
}

/* All servers of a pool, or those at a site or a position: the name of a site comes first. */
static enum command_result add_servers(struct changes *changes, const struct snapshot *snapshot,
                                       const char *pool_name, const char *which)
{
    const struct pool *pool = NULL;
    int64_t position = -1;
    enum command_result result = command_find_pool(changes->call, snapshot, pool_name, &pool);
    if (result != COMMAND_OK)
        return result;
    for (size_t i = 0; i < pool->server_count; i++)
        if (!which || strcasecmp(pool->servers[i].controller->name, which) == 0)
            add_server(changes, pool, &pool->servers[i]);
    if (changes->count == 0 && which)
        decimal_parse(which, strlen(which), 1, INT64_MAX, &position);
    for (size_t i = 0; i < pool->server_count && position > 0; i++)
        if (pool->servers[i].position == position)
            add_server(changes, pool, &pool->servers[i]);
    if (changes->count > 0)
        return COMMAND_OK;
    if (!which)
        return command_failure(changes->call, "pool %s has no servers", pool->name);
    return command_failure(changes->call, "pool %s has no server %s", pool->name, which);
}

static enum command_result find_targets(struct changes *changes)
{
    const struct command_call *call = changes->call;
    const char *kind = call->words[1], *name = call->words[2];
    struct decision_inputs inputs;
    struct error error = {0};
    enum command_result result;
    bool is_server = strcmp(kind, "server") == 0;
    if (strcmp(kind, "site") != 0 && strcmp(kind, "pool") != 0 && !is_server)
        return command_misused(call, "%s what? site SITE, pool POOL or server POOL SITE",
                               call->command->name);
    if (call->count != (is_server ? 4 : 3))
        return command_misused(call, "usage: %s %s", call->command->name,
                               is_server ? "server POOL SITE|POSITION" : "site SITE | pool POOL");
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (strcmp(kind, "site") == 0)
        result = add_site(changes, inputs.snapshot, name);
    else
        result = add_servers(changes, inputs.snapshot, name, is_server ? call->words[3] : NULL);
    responder_end(call->responder);
    return result;
}

/* ---------------------------------------------------------------- printing */

static void print_change(const struct changes *changes, const struct change *row,
                         struct buffer *out)
{
    bool is_server = row->pool[0] != '\0';
    if (is_server)
        buffer_printf(out, "pool %s, server %" PRId64 " at %s: ", row->pool, row->position,
                      row->site);
    else
        buffer_printf(out, "site %s: ", row->site);
    if (row->was == changes->state)
        buffer_printf(out, "%s already\n", state_word(row->was));
    else
        buffer_printf(out, "%s, was %s\n", state_word(changes->state), state_word(row->was));
    if (is_server && row->of_site > changes->state)
        buffer_printf(out, "  but the site is %s, and that counts\n", state_word(row->of_site));
}

/* A pin leads to a draining site as well, and to a disabled one it does not. */
static void print_pins(const struct changes *changes, const struct leftover_pool *row,
                       struct buffer *out)
{
    bool drains = changes->state == STATE_DRAINING, is_one = row->pins == 1;
    if (row->pins == 0 || changes->state == STATE_ENABLED)
        return;
    buffer_printf(out, "pool %s: %" PRId64 " pin%s ", row->name, row->pins, is_one ? "" : "s");
    if (drains)
        buffer_printf(out, "go%s on sending clients there\n", is_one ? "es" : "");
    else
        buffer_printf(out, "%s no effect while it is disabled\n", is_one ? "has" : "have");
}

static void print_pool(const struct changes *changes, const struct leftover_pool *row,
                       struct buffer *out)
{
    bool is_one = row->mappings == 1;
    const char *s = is_one ? "" : "s";
    buffer_printf(out, "pool %s: ", row->name);
    if (changes->state == STATE_DISABLED && row->mappings == 0)
        buffer_printf(out, "no mapping leads there\n");
    else if (row->mappings == 0)
        buffer_printf(out, "no live mappings\n");
    else if (changes->state == STATE_DISABLED)
        buffer_printf(out, "%" PRId64 " mapping%s there %s no longer live; %s\n", row->mappings, s,
                      is_one ? "is" : "are",
                      row->has_server ? "from now on the resolvers are sent elsewhere"
                                      : "the pool has no enabled server left");
    else
        buffer_printf(out, "%" PRId64 " live mapping%s, the last ends in %" PRId64 " s%s\n",
                      row->mappings, s, row->last_ends_in_s,
                      row->is_sliding ? " unless it is renewed" : "");
}

static void print_text(const struct changes *changes, const struct leftover *leftover)
{
    struct buffer *out = changes->call->out;
    for (size_t i = 0; i < changes->count; i++)
        print_change(changes, &changes->rows[i], out);
    for (size_t i = 0; i < leftover->count; i++)
        print_pool(changes, &leftover->pools[i], out);
    for (size_t i = 0; i < leftover->count; i++)
        print_pins(changes, &leftover->pools[i], out);
    if (changes->state == STATE_ENABLED)
        buffer_add_text(out, "no resolver moves because of that\n");
}

static json_t *change_json(const struct changes *changes, const struct change *row)
{
    json_t *value = row->pool[0] ? json_pack("{s:o, s:I}", "pool", json_text(row->pool), "position",
                                             (json_int_t)row->position)
                                 : json_object();
    json_object_set_new(value, "site", json_text(row->site));
    json_object_set_new(value, "state", json_text(state_word(changes->state)));
    json_object_set_new(value, "was", json_text(state_word(row->was)));
    return value;
}

static json_t *pool_json(const struct leftover_pool *row)
{
    return json_pack("{s:o, s:I, s:I, s:b, s:I}", "pool", json_text(row->name), "mappings",
                     (json_int_t)row->mappings, "last_ends_in_s", (json_int_t)row->last_ends_in_s,
                     "may_be_renewed", (int)row->is_sliding, "pins", (json_int_t)row->pins);
}

static void print_json(const struct changes *changes, const struct leftover *leftover)
{
    json_t *rows = json_array(), *pools = json_array();
    for (size_t i = 0; i < changes->count; i++)
        json_array_append_new(rows, change_json(changes, &changes->rows[i]));
    for (size_t i = 0; i < leftover->count; i++)
        json_array_append_new(pools, pool_json(&leftover->pools[i]));
    json_output(json_pack("{s:o, s:o}", "changed", rows, "pools", pools), changes->call->out);
}

/* ---------------------------------------------------------------- waiting */

/* Says whether somebody has enabled one of them again. */
static bool is_enabled_again(const struct changes *changes, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < changes->count; i++) {
        int64_t id = changes->targets[i].id;
        const struct virtual_server *server = snapshot_server(snapshot, id);
        const struct controller *site = snapshot_controller(snapshot, id);
        if (changes->targets[i].is_server ? server && server->state == STATE_ENABLED
                                          : site && site->state == STATE_ENABLED)
            return true;
    }
    return false;
}

static enum command_result check_states(const struct changes *changes)
{
    const struct command_call *call = changes->call;
    struct decision_inputs inputs;
    struct error error = {0};
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    bool enabled = is_enabled_again(changes, inputs.snapshot);
    responder_end(call->responder);
    return enabled ? command_failure(call, "somebody enabled it again") : COMMAND_OK;
}

/* On a terminal each count replaces the one before; else there is a line for each new number. */
static bool tell_count(const struct changes *changes, const struct leftover *leftover,
                       struct progress *progress)
{
    const struct command_call *call = changes->call;
    if (call->json)
        json_output(json_pack("{s:I, s:I}", "mappings", (json_int_t)leftover->mappings,
                              "last_ends_in_s", (json_int_t)leftover->last_ends_in_s),
                    call->out);
    else if (leftover->mappings == 0)
        buffer_add_text(call->out, "no live mappings are left\n");
    else if (progress->is_seen) {
        progress_show(progress, "%" PRId64 " live mappings, the last ends in %" PRId64 " s",
                      leftover->mappings, leftover->last_ends_in_s);
        return true;
    } else
        buffer_printf(call->out, "%" PRId64 " live mapping%s, the last ends in %" PRId64 " s\n",
                      leftover->mappings, leftover->mappings == 1 ? "" : "s",
                      leftover->last_ends_in_s);
    progress_clear(progress);
    return call->flush(call->out);
}

static void rest(int64_t count_ms)
{
    int64_t wait_ms = count_ms * WAIT_PER_COUNT > WAIT_MS ? count_ms * WAIT_PER_COUNT : WAIT_MS;
    nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000},
              NULL);
}

/* Counts until none is left. `last` is the number that was printed before. */
static enum command_result wait_until_drained(const struct changes *changes, int64_t last)
{
    struct progress progress;
    enum command_result result = COMMAND_OK;
    bool goes_on = changes->call->flush(changes->call->out);
    progress_begin(&progress);
    while (goes_on && last > 0 && (result = check_states(changes)) == COMMAND_OK) {
        struct leftover leftover;
        struct error error = {0};
        int64_t start_ms = clock_monotonic_ms();
        int code = leftover_count(changes->call, changes->targets, changes->count, false, &leftover,
                                  &error);
        int64_t mappings = leftover.mappings;
        if (code == 0 && (mappings != last || progress.is_seen))
            goes_on = tell_count(changes, &leftover, &progress);
        leftover_release(&leftover);
        if (code != 0) {
            result = command_failed(changes->call, &error);
            break;
        }
        last = mappings;
        if (goes_on && last > 0)
            rest(clock_monotonic_ms() - start_ms);
    }
    progress_clear(&progress);
    return result;
}

/* ---------------------------------------------------------------- the commands */

static enum command_result set_and_tell(struct changes *changes)
{
    const struct command_call *call = changes->call;
    struct leftover leftover = {0};
    struct error error = {0};
    int code = store_set_state(responder_store(call->responder), changes->targets, changes->count,
                               changes->state, LOCK_WAIT_MS, &error);
    if (code == 0)
        code = leftover_count(call, changes->targets, changes->count,
                              changes->state == STATE_DISABLED, &leftover, &error);
    if (code == 0 && call->json)
        print_json(changes, &leftover);
    else if (code == 0)
        print_text(changes, &leftover);
    int64_t mappings = leftover.mappings;
    leftover_release(&leftover);
    if (code != 0)
        return command_failed(call, &error);
    return command_value(call, "wait", 0) ? wait_until_drained(changes, mappings) : COMMAND_OK;
}

static enum command_result set_state(const struct command_call *call, enum state state)
{
    struct changes *changes = calloc(1, sizeof *changes);
    if (!changes)
        return command_failure(call, "out of memory");
    changes->call = call;
    changes->state = state;
    enum command_result result = find_targets(changes);
    if (result == COMMAND_OK)
        result = set_and_tell(changes);
    free(changes);
    return result;
}

static enum command_result run_drain(const struct command_call *call)
{
    return set_state(call, STATE_DRAINING);
}

static enum command_result run_enable(const struct command_call *call)
{
    return set_state(call, STATE_ENABLED);
}

static enum command_result run_disable(const struct command_call *call)
{
    return set_state(call, STATE_DISABLED);
}

#define TARGET_ARGUMENTS "site SITE | pool POOL | server POOL SITE"

static const struct command_option drain_options[] = {
    {"wait", NULL, "count until no live mapping is left", false},
    {NULL, NULL, NULL, false},
};

const struct command command_drain = {
    .name = "drain",
    .arguments = TARGET_ARGUMENTS,
    .summary = "keep the resolvers that are there, and send no new ones",
    .least = 3,
    .most = 4,
    .options = drain_options,
    .has_json = true,
    .run = run_drain,
};

const struct command command_enable = {
    .name = "enable",
    .arguments = TARGET_ARGUMENTS,
    .summary = "send new resolvers there again",
    .least = 3,
    .most = 4,
    .has_json = true,
    .run = run_enable,
};

const struct command command_disable = {
    .name = "disable",
    .arguments = TARGET_ARGUMENTS,
    .summary = "send nobody there, and decide its resolvers anew",
    .least = 3,
    .most = 4,
    .has_json = true,
    .run = run_disable,
};

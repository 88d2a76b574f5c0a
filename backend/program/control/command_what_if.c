/*
 * Prints what would become of all clients; what_if.c works it out.
 */
#include <inttypes.h>

#include "program/command/json_output.h"
#include "program/command/supposing.h"
#include "program/control/control.h"
#include "program/control/what_if.h"

/* For most names; a longer one moves the rest of its line. */
#define SITE_WIDTH 24

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* A site that nobody gets, neither now nor then, is left out. */
static bool has_clients(const struct site_share *site)
{
    return site->mapped_now + site->mapped_then + site->new_now + site->new_then > 0;
}

static bool is_changed(const struct what_if_pool *pool)
{
    return pool->moved > 0 || pool->new_moved > 0;
}

/* ---------------------------------------------------------------- as text */

static void print_site(const struct what_if_pool *pool, const char *name,
                       const struct site_share *site, struct buffer *out)
{
    buffer_add_text(out, "  ");
    buffer_add_column(out, name, SITE_WIDTH);
    buffer_printf(out, " %10" PRId64 " %10" PRId64 "   %6.1f %% %6.1f %%\n", site->mapped_now,
                  site->mapped_then, percent(site->new_now, pool->new_count),
                  percent(site->new_then, pool->new_count));
}

static void print_pool(const struct what_if *what_if, const struct what_if_pool *pool,
                       struct buffer *out)
{
    buffer_printf(out, "pool %s: %" PRId64 " of %" PRId64 " live mappings move (%.1f %%)\n",
                  pool->pool->name, pool->moved, pool->mapped, percent(pool->moved, pool->mapped));
    buffer_printf(out, "  %-*s %10s %10s   %8s %8s\n", SITE_WIDTH, "", "mappings", "then", "new",
                  "then");
    for (size_t i = 0; i <= what_if->snapshot->controller_count; i++)
        if (has_clients(&pool->sites[i]))
            print_site(pool, what_if_site(what_if, i), &pool->sites[i], out);
    for (size_t i = 0; i < pool->move_count; i++)
        buffer_printf(out, "  %" PRId64 " from %s to %s\n", pool->moves[i].count,
                      what_if_site(what_if, pool->moves[i].from),
                      what_if_site(what_if, pool->moves[i].to));
}

static void print_text(const struct what_if *what_if, const struct supposing *supposing,
                       struct buffer *out)
{
    int64_t mapped = 0, moved = 0;
    size_t unchanged = 0;
    supposing_print(supposing, out);
    for (size_t i = 0; i < what_if->pool_count; i++) {
        const struct what_if_pool *pool = &what_if->pools[i];
        mapped += pool->mapped;
        moved += pool->moved;
        if (is_changed(pool))
            print_pool(what_if, pool, out);
        else
            unchanged++;
    }
    if (unchanged > 0)
        buffer_printf(out, "%zu pool%s: nothing changes\n", unchanged, unchanged == 1 ? "" : "s");
    buffer_printf(out, "in all, %" PRId64 " of %" PRId64 " live mappings move (%.1f %%)\n", moved,
                  mapped, percent(moved, mapped));
    buffer_printf(out, "new resolvers: a sample of %zu %s\n", what_if->sample_count,
                  what_if->sample_is_random ? "random addresses" : "clients that have mappings");
    if (what_if->unmatched > 0)
        buffer_printf(out, "%" PRId64 " mapping%s not counted, since no client can have %s\n",
                      what_if->unmatched, what_if->unmatched == 1 ? " is" : "s are",
                      what_if->unmatched == 1 ? "it" : "them");
}

/* ---------------------------------------------------------------- as JSON */

/* null: no site. */
static json_t *site_json(const struct what_if *what_if, size_t index)
{
    bool is_site = index < what_if->snapshot->controller_count;
    return json_text(is_site ? what_if_site(what_if, index) : NULL);
}

static json_t *sites_json(const struct what_if *what_if, const struct what_if_pool *pool)
{
    json_t *sites = json_array();
    for (size_t i = 0; i <= what_if->snapshot->controller_count; i++) {
        const struct site_share *site = &pool->sites[i];
        if (has_clients(site))
            json_array_append_new(sites, json_pack("{s:o, s:I, s:I, s:I, s:I}", "site",
                                                   site_json(what_if, i), "mappings_now",
                                                   (json_int_t)site->mapped_now, "mappings_then",
                                                   (json_int_t)site->mapped_then, "new_now",
                                                   (json_int_t)site->new_now, "new_then",
                                                   (json_int_t)site->new_then));
    }
    return sites;
}

static json_t *moves_json(const struct what_if *what_if, const struct what_if_pool *pool)
{
    json_t *moves = json_array();
    for (size_t i = 0; i < pool->move_count; i++)
        json_array_append_new(moves, json_pack("{s:o, s:o, s:I}", "from",
                                               site_json(what_if, pool->moves[i].from), "to",
                                               site_json(what_if, pool->moves[i].to), "mappings",
                                               (json_int_t)pool->moves[i].count));
    return moves;
}

static json_t *pools_json(const struct what_if *what_if)
{
    json_t *pools = json_array();
    for (size_t i = 0; i < what_if->pool_count; i++) {
        const struct what_if_pool *pool = &what_if->pools[i];
        json_array_append_new(
            pools,
            json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "pool", json_text(pool->pool->name),
                      "mappings", (json_int_t)pool->mapped, "mappings_moved",
                      (json_int_t)pool->moved, "new", (json_int_t)pool->new_count, "new_moved",
                      (json_int_t)pool->new_moved, "sites", sites_json(what_if, pool), "moves",
                      moves_json(what_if, pool)));
    }
    return pools;
}

static void print_json(const struct what_if *what_if, const struct supposing *supposing,
                       struct buffer *out)
{
    json_output(json_pack("{s:o, s:o, s:I, s:b, s:I}", "supposed", supposing_json(supposing),
                          "pools", pools_json(what_if), "sample", (json_int_t)what_if->sample_count,
                          "sample_is_random", what_if->sample_is_random, "unmatched",
                          (json_int_t)what_if->unmatched),
                out);
}

/* ---------------------------------------------------------------- the command */

static int gather_and_print(const struct command_call *call, const struct supposing *supposing,
                            const struct decision_inputs *inputs, struct error *error)
{
    struct store *store = responder_store(call->responder);
    struct decision_inputs then = *inputs;
    struct supposition supposition;
    struct what_if what_if;
    int code = supposing_apply(supposing, store, &then, &supposition, error);
    if (code != 0)
        return code;
    code = what_if_gather(inputs, &supposition, store, &what_if, error);
    if (code == 0 && call->json)
        print_json(&what_if, supposing, call->out);
    else if (code == 0)
        print_text(&what_if, supposing, call->out);
    if (code == 0)
        what_if_release(&what_if);
    supposition_release(&supposition);
    return code;
}

static enum command_result suppose(const struct command_call *call,
                                   const struct supposing *supposing)
{
    struct decision_inputs inputs;
    struct error error = {0};
    if (supposing->needs_topology)
        responder_want_topology(call->responder);
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    int code = gather_and_print(call, supposing, &inputs, &error);
    responder_end(call->responder);
    return code == 0 ? COMMAND_OK : command_failed(call, &error);
}

static enum command_result run_what_if(const struct command_call *call)
{
    struct supposing supposing;
    enum command_result result = supposing_read(call, &supposing);
    if (result == COMMAND_OK && supposing.count == 0)
        result = command_misused(call, "what is to be supposed? For example: --drain ams");
    if (result == COMMAND_OK)
        result = suppose(call, &supposing);
    supposing_release(&supposing);
    return result;
}

static const struct command_option options[] = {
    OPTION_DOWN,    OPTION_UP,     OPTION_DRAIN,      OPTION_ENABLE,
    OPTION_DISABLE, OPTION_METHOD, OPTION_ADD_SERVER, {NULL, NULL, NULL, false},
};

const struct command command_what_if = {
    .name = "what-if",
    .arguments = "",
    .summary = "show where all resolvers would go; change nothing",
    .least = 1,
    .most = 1,
    .options = options,
    .has_json = true,
    .run = run_what_if,
};

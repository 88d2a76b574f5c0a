#include "core/sticky/assign.h"

#include <string.h>

#include "core/base/error.h"

/*
 * A claim is lost when another process wrote the row in between; that row then usually binds. To
 * lose more often takes somebody who writes rows that do not bind, and then the choice itself is as
 * good.
 */
#define CLAIMS_MAX 4

/* One pool's part of the decision. */
struct attempt {
    const struct world *world;
    const struct pool *first, *pool; /* the one asked, and where its fallback has led */
    struct client client;
    struct election election;      /* without turns */
    const struct metrics *metrics; /* NULL: availability is left aside */
    bool recorded;                 /* mappings are kept for this client and pool */
    struct error error;            /* why the mapping could not be read or written */
};

/* NULL when there is none of that id any more. */
static const char *controller_name(const struct world *world, int64_t id)
{
    const struct controller *controller = snapshot_controller(world->snapshot, id);
    return controller ? controller->name : NULL;
}

static void say_mapping(const struct attempt *attempt, const struct mapping *mapping)
{
    const struct world *world = attempt->world;
    TRACE(world->trace, .what = STEP_MAPPING, .outcome = OUTCOME_FOUND,
          .values = {TRACE_INTEGER("controller_id", mapping->controller_id),
                     TRACE_TEXT("controller", controller_name(world, mapping->controller_id)),
                     TRACE_TEXT("method", mapping->method),
                     TRACE_INTEGER("age_s", mapping_age_s(mapping, world->now_s)),
                     TRACE_INTEGER("left_s", mapping_left_s(mapping, world->now_s))});
}

static int find_mapping(struct attempt *attempt, struct mapping *ret_mapping)
{
    const struct mapping_table *table = attempt->world->mappings;
    int code = table->find(table->context, attempt->pool->keeper->id, attempt->client.key,
                           ret_mapping, &attempt->error);
    if (code == ERR_NOTFOUND)
        TRACE(attempt->world->trace, .what = STEP_MAPPING, .outcome = OUTCOME_NOT_FOUND);
    if (code == 0 || code == ERR_NOTFOUND)
        return code;
    TRACE(attempt->world->trace, .what = STEP_MAPPING, .outcome = OUTCOME_UNREADABLE,
          .values = {TRACE_TEXT("error", error_text(code))});
    return code;
}

static int claim_mapping(struct attempt *attempt, const struct mapping *seen,
                         const struct mapping *wanted)
{
    const struct mapping_table *table = attempt->world->mappings;
    if (!table->claim)
        return 0;
    return table->claim(table->context, attempt->pool->keeper->id, attempt->client.key, seen,
                        wanted, &attempt->error);
}

static struct mapping new_mapping(const struct attempt *attempt, int64_t controller_id)
{
    const struct pool *keeper = attempt->pool->keeper;
    struct mapping mapping = {.controller_id = controller_id,
                              .timestamp_s = attempt->world->now_s,
                              .ttl_s = keeper->persistence_ttl_s};
    strcpy(mapping.method, keeper->method->name);
    return mapping;
}

/* The server of a mapping that binds, or NULL; moves the timestamp of a sliding one. */
static const struct virtual_server *follow(struct attempt *attempt, const struct mapping *mapping)
{
    const struct world *world = attempt->world;
    const struct virtual_server *server = NULL;
    say_mapping(attempt, mapping);
    enum mapping_state state =
        mapping_evaluate(mapping, &attempt->election, world->snapshot, attempt->metrics, &server);
    bool live = state == MAPPING_LIVE;
    TRACE(world->trace, .what = STEP_MAPPING_STATE,
          .outcome = live ? OUTCOME_LIVE : OUTCOME_NOT_LIVE,
          .values = {TRACE_TEXT("reason", live ? NULL : mapping_state_text(state))});
    if (!live)
        return NULL;
    /* With availability aside nothing is written, not even a timestamp. */
    if ((attempt->metrics || !world->metrics) &&
        mapping_is_due(mapping, attempt->pool->keeper, world->now_s)) {
        struct mapping moved = new_mapping(attempt, mapping->controller_id);
        claim_mapping(attempt, mapping, &moved); /* if somebody else moved it, so much the better */
    }
    return server;
}

/* A choice; `turns` is NULL if it is not going to be remembered though it should. */
static const struct virtual_server *elect(const struct attempt *attempt, struct turns *turns)
{
    struct candidates candidates;
    struct election election = attempt->election;
    election.turns = turns;
    candidates_for_new(attempt->pool, &candidates);
    const struct virtual_server *server = choose(&election, attempt->metrics, &candidates);
    if (!server || chooses_by_client(attempt->pool))
        return server;
    candidates_of_controller(attempt->pool, server->controller, &candidates);
    if (candidates.count == 1)
        return server;
    return choose_within(&election, attempt->metrics, server->controller);
}

/*
 * What stands in for a choice that could not be written: by turns the client would be sent
 * elsewhere with every question.
 */
static const struct virtual_server *elect_steadily(const struct attempt *attempt,
                                                   const struct virtual_server *choice)
{
    return chooses_by_turns(attempt->pool) ? elect(attempt, NULL) : choice;
}

/*
 * The table was locked; perhaps by another process that wrote this very row. Its row counts then,
 * so that both give one answer; if there is none, the choice does.
 */
static const struct virtual_server *look_again(struct attempt *attempt,
                                               const struct virtual_server *choice)
{
    struct mapping mapping;
    const struct virtual_server *server = NULL;
    if (find_mapping(attempt, &mapping) == 0)
        server = follow(attempt, &mapping);
    if (!server)
        return elect_steadily(attempt, choice);
    attempt->error = (struct error){0};
    return server;
}

/* The next pool that was passed over on the way here and shares the mappings, from `pool` on. */
static const struct pool *sharing(const struct attempt *attempt, const struct pool *pool)
{
    while (pool != attempt->pool && pool->keeper != attempt->pool->keeper)
        pool = pool->fallback_pool;
    return pool != attempt->pool ? pool : NULL;
}

/*
 * What a mapping will give the next question: such a pool, which could not decide, may have a
 * server at its controller. Then that is the answer at once, so that asking again changes nothing.
 */
static const struct virtual_server *bound_before(const struct attempt *attempt,
                                                 const struct mapping *mapping)
{
    const struct world *world = attempt->world;
    const struct virtual_server *server;
    struct election election = attempt->election;
    election.trace = NULL;
    for (const struct pool *pool = attempt->first; (pool = sharing(attempt, pool));
         pool = pool->fallback_pool) {
        election.pool = pool;
        if (mapping_evaluate(mapping, &election, world->snapshot, attempt->metrics, &server) !=
            MAPPING_LIVE)
            continue;
        TRACE(world->trace, .what = STEP_SHARING_POOL, .outcome = OUTCOME_LIVE,
              .values = {TRACE_TEXT("pool", pool->name),
                         TRACE_INTEGER("position", server->position)});
        return server;
    }
    return NULL;
}

/* Says whether a mapping could send a new client to a server of such a pool that drains. */
static bool drains_before(const struct attempt *attempt)
{
    for (const struct pool *pool = attempt->first; (pool = sharing(attempt, pool));
         pool = pool->fallback_pool)
        for (size_t i = 0; i < pool->server_count; i++)
            if (virtual_server_state(&pool->servers[i]) == STATE_DRAINING) {
                TRACE(attempt->world->trace, .what = STEP_SHARING_POOL, .outcome = OUTCOME_DRAINING,
                      .values = {TRACE_TEXT("pool", pool->name)});
                return true;
            }
    return false;
}

/* A choice that goes by the client alone and needs no mapping to stay. */
static const struct virtual_server *elect_by_client(const struct attempt *attempt)
{
    struct candidates candidates;
    candidates_for_new(attempt->pool, &candidates);
    return choose_by(&method_modulus, &attempt->election, attempt->metrics, &candidates);
}

/* Mapping, else choice and claim, until a claim holds or somebody else's row binds. */
static const struct virtual_server *stick(struct attempt *attempt)
{
    struct mapping mapping;
    const struct virtual_server *server = NULL;
    for (int i = 0; i < CLAIMS_MAX; i++) {
        int found = find_mapping(attempt, &mapping);
        if (found == 0 && (server = follow(attempt, &mapping)))
            return server;
        if (found != 0 && found != ERR_NOTFOUND)
            return elect(attempt, NULL);
        if (drains_before(attempt))
            return elect_by_client(attempt);
        server = elect(attempt, attempt->world->turns);
        if (!server)
            return NULL;
        struct mapping wanted = new_mapping(attempt, server->controller->id);
        const struct virtual_server *before = bound_before(attempt, &wanted);
        int claimed = claim_mapping(attempt, found == 0 ? &mapping : NULL, &wanted);
        if (claimed == 0)
            return before ? before : server;
        if (claimed == ERR_BUSY)
            return look_again(attempt, server);
        if (claimed != ERR_NOTFOUND)
            return elect_steadily(attempt, server);
        TRACE(attempt->world->trace, .what = STEP_CLAIM, .outcome = OUTCOME_LOST);
    }
    error_set(&attempt->error, ERR_BUSY,
              "pool %s, %s: other processes change this mapping all the time, so it is not kept",
              attempt->pool->keeper->name, attempt->client.key);
    return elect_steadily(attempt, server);
}

static const struct virtual_server *try_pool(struct attempt *attempt)
{
    return attempt->recorded ? stick(attempt) : elect(attempt, attempt->world->turns);
}

/*
 * All are down: with fallback 'any' they count as up; what binds still binds, nothing is written.
 */
static const struct virtual_server *ignore_availability(struct attempt *attempt)
{
    struct mapping mapping;
    const struct virtual_server *server = NULL;
    attempt->metrics = NULL;
    if (attempt->recorded && find_mapping(attempt, &mapping) == 0)
        server = follow(attempt, &mapping);
    return server ? server : elect(attempt, attempt->recorded ? NULL : attempt->world->turns);
}

static void say_client(const struct attempt *attempt)
{
    const struct client *client = &attempt->client;
    const struct pool *pool = attempt->pool;
    struct trace *trace = attempt->world->trace;
    char number[NUMBER_TEXT_MAX];
    TRACE(trace, .what = STEP_POOL,
          .values = {TRACE_TEXT("pool", pool->name), TRACE_TEXT("method", pool->method->name),
                     TRACE_TEXT("alternate", pool->alternate ? pool->alternate->name : NULL),
                     TRACE_TEXT("mappings_of", pool->keeper != pool ? pool->keeper->name : NULL)});
    if (!client->known)
        TRACE(trace, .what = STEP_CLIENT, .outcome = OUTCOME_NO_CLIENT);
    else
        TRACE(trace, .what = STEP_CLIENT,
              .outcome = attempt->recorded ? OUTCOME_NONE : OUTCOME_NOT_KEPT,
              .values = {TRACE_TEXT("key", client->key),
                         TRACE_TEXT("number", number_format(client->number, number))});
}

/* Who asks this pool, as the methods see it. */
static void begin_pool(struct attempt *attempt, const struct pool *pool,
                       const struct source *source)
{
    const struct world *world = attempt->world;
    const struct settings *settings = &world->snapshot->settings;
    attempt->pool = pool;
    client_identify(source, pool, &world->snapshot->groups, &attempt->client);
    attempt->recorded = attempt->client.known && pool->keeper->persistence_ttl_s > 0;
    attempt->election = (struct election){.pool = pool,
                                          .client = &attempt->client,
                                          .now_s = world->now_s,
                                          .measured = world->measured,
                                          .metric_max_age_s = settings->metric_max_age_s,
                                          .path_metric_max_age_s = settings->path_metric_max_age_s,
                                          .topology = world->topology,
                                          .locator = world->locator,
                                          .trace = world->trace,
                                          .warnings = world->warnings};
    say_client(attempt);
}

void assign(const struct world *world, const struct pool *pool, const struct source *source,
            struct assignment *ret_assignment)
{
    struct attempt attempt = {.world = world, .first = pool, .metrics = world->metrics};
    struct assignment assignment = {0};
    for (;; pool = pool->fallback_pool) {
        begin_pool(&attempt, pool, source);
        assignment.server = try_pool(&attempt);
        if (assignment.server || !pool->fallback_pool)
            break;
        TRACE(world->trace, .what = STEP_FALLBACK,
              .values = {TRACE_TEXT("pool", pool->fallback_pool->name)});
    }
    if (!assignment.server) {
        TRACE(world->trace, .what = STEP_FALLBACK,
              .values = {TRACE_TEXT("fallback", fallback_word(pool->fallback))});
        if (pool->fallback == FALLBACK_ANY)
            assignment.server = ignore_availability(&attempt);
        assignment.failed = pool->fallback == FALLBACK_SERVFAIL;
    }
    if (attempt.error.code != 0)
        warnings_add(world->warnings, "%s", attempt.error.text);
    assignment.scope_bits = attempt.client.scope_bits;
    *ret_assignment = assignment;
}

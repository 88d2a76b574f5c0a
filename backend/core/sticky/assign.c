/*
 * The decision for one client, pool by pool: looks for a pin, reads the mapping, chooses where it
 * is not live, and claims the choice before it is returned. What fails or is lost to another
 * process still gives an answer.
 */
#include "core/sticky/assign.h"

#include <string.h>

#include "core/balance/turns.h"
#include "core/base/error.h"
#include "core/sticky/addresses.h"
#include "core/sticky/failback.h"

/*
 * A claim is lost when another process was first; its mapping is then usually live. It can be lost
 * repeatedly only if others keep making mappings that are not live; then our own choice is as good
 * as any.
 */
#define CLAIMS_MAX 4

/* The decision, at one pool. */
struct attempt {
    const struct decision_inputs *inputs;
    const struct pool *first; /* the pool of the question */
    const struct pool *pool;  /* the present one in its chain of fallback pools */
    struct client client;
    struct selection selection;              /* of the pool whose server is given; without turns */
    const struct availability *availability; /* NULL: availability is ignored */
    bool keeps_mapping;                      /* the client is known and the pool keeps mappings */
    unsigned scope_bits;                     /* the most that any pool so far has looked at */
    bool lacks_topology;                     /* a pool so far goes by it, and it is not loaded */
    struct error error;                      /* why the mapping could not be read or written */
};

/* NULL when the controller does not exist any more. */
static const char *controller_name(const struct decision_inputs *inputs, int64_t id)
{
    const struct controller *controller = snapshot_controller(inputs->snapshot, id);
    return controller ? controller->name : NULL;
}

static void trace_mapping(const struct attempt *attempt, const struct mapping *mapping)
{
    const struct decision_inputs *inputs = attempt->inputs;
    TRACE(inputs->trace, .what = STEP_MAPPING, .outcome = OUTCOME_FOUND,
          .values = {TRACE_INTEGER("controller_id", mapping->controller_id),
                     TRACE_TEXT("controller", controller_name(inputs, mapping->controller_id)),
                     TRACE_TEXT("method", mapping->method),
                     TRACE_INTEGER("age_s", mapping_age_s(mapping, inputs->now_s)),
                     TRACE_INTEGER("left_s", mapping_left_s(mapping, inputs->now_s))});
}

static int find_mapping(struct attempt *attempt, struct mapping *ret_mapping)
{
    const struct mapping_table *table = attempt->inputs->mappings;
    int code = table->find(table->context, attempt->pool->persistence_pool->id, attempt->client.key,
                           ret_mapping, &attempt->error);
    if (code == 0)
        trace_mapping(attempt, ret_mapping);
    if (code == ERR_NOTFOUND)
        TRACE(attempt->inputs->trace, .what = STEP_MAPPING, .outcome = OUTCOME_NOT_FOUND);
    if (code == 0 || code == ERR_NOTFOUND)
        return code;
    TRACE(attempt->inputs->trace, .what = STEP_MAPPING, .outcome = OUTCOME_UNREADABLE,
          .values = {TRACE_TEXT("error", attempt->error.text)});
    return code;
}

static int claim_mapping(struct attempt *attempt, const struct mapping *seen,
                         const struct mapping *wanted)
{
    const struct mapping_table *table = attempt->inputs->mappings;
    if (!table->claim)
        return 0;
    return table->claim(table->context, attempt->pool->persistence_pool->id, attempt->client.key,
                        seen, wanted, &attempt->error);
}

static struct mapping new_mapping(const struct attempt *attempt, int64_t controller_id)
{
    const struct pool *persistence_pool = attempt->pool->persistence_pool;
    struct mapping mapping = {.controller_id = controller_id,
                              .timestamp_s = attempt->inputs->now_s,
                              .ttl_s = persistence_pool->persistence_ttl_s};
    strcpy(mapping.method, persistence_pool->method->name);
    return mapping;
}

/*
 * The server of a mapping if it is live, or NULL; `ret_state` may be NULL. Moves the timestamp of a
 * sliding mapping.
 */
static const struct virtual_server *follow_mapping(struct attempt *attempt,
                                                   const struct mapping *mapping,
                                                   enum mapping_state *ret_state)
{
    const struct decision_inputs *inputs = attempt->inputs;
    const struct virtual_server *server = NULL;
    enum mapping_state state = mapping_evaluate(mapping, &attempt->selection, inputs->snapshot,
                                                attempt->availability, &server);
    bool live = state == MAPPING_LIVE;
    if (ret_state)
        *ret_state = state;
    TRACE(inputs->trace, .what = STEP_MAPPING_STATE,
          .outcome = live ? OUTCOME_LIVE : OUTCOME_NOT_LIVE,
          .values = {TRACE_TEXT("reason", live ? NULL : mapping_state_text(state))});
    if (!live)
        return NULL;
    /* While availability is ignored nothing is written, not even a timestamp. */
    if ((attempt->availability || !inputs->availability) &&
        mapping_is_due(mapping, attempt->pool->persistence_pool, inputs->now_s)) {
        struct mapping moved = new_mapping(attempt, mapping->controller_id);
        moved.decided = mapping->decided;
        moved.origin = mapping->origin;
        moved.home_id = mapping->home_id;
        claim_mapping(attempt, mapping,
                      &moved); /* if another process has moved it, that is as good */
    }
    return server;
}

/* Chooses a server. `turns` is NULL when the choice should be stored but cannot be. */
static const struct virtual_server *select_server(const struct attempt *attempt,
                                                  struct turns *turns)
{
    struct candidates candidates;
    struct selection selection = attempt->selection;
    selection.turns = turns;
    candidates_for_new(&selection, attempt->availability, &candidates);
    const struct virtual_server *server = choose(&selection, attempt->availability, &candidates);
    if (!server || chooses_by_client(attempt->pool))
        return server;
    candidates_of_controller(attempt->pool, server->controller, &candidates);
    if (candidates.count == 1)
        return server;
    return choose_within(&selection, attempt->availability, server->controller);
}

/*
 * The server to return when the choice could not be written. A method that takes turns would send
 * the client elsewhere with each question.
 */
static const struct virtual_server *select_repeatably(const struct attempt *attempt,
                                                      const struct virtual_server *choice)
{
    return chooses_in_turn(attempt->pool) ? select_server(attempt, NULL) : choice;
}

/*
 * The next pool, from `pool` on, that comes before the present one in the chain of fallback pools
 * and shares its mappings; or NULL.
 */
static const struct pool *next_sharing_pool(const struct attempt *attempt, const struct pool *pool)
{
    while (pool != attempt->pool && pool->persistence_pool != attempt->pool->persistence_pool)
        pool = pool->fallback_pool;
    return pool != attempt->pool ? pool : NULL;
}

/*
 * The answer that a mapping gives to the next question. An earlier pool of the chain that shares
 * the mappings could not decide, but may have a server at the mapped controller. Then that server
 * is the answer already now, so that asking again changes nothing. NULL when there is none.
 */
static const struct virtual_server *live_in_earlier_pool(const struct attempt *attempt,
                                                         const struct mapping *mapping,
                                                         const struct pool **ret_pool)
{
    const struct decision_inputs *inputs = attempt->inputs;
    const struct virtual_server *server;
    struct selection selection = attempt->selection;
    selection.trace = NULL;
    for (const struct pool *pool = attempt->first; (pool = next_sharing_pool(attempt, pool));
         pool = pool->fallback_pool) {
        selection.pool = pool;
        if (mapping_evaluate(mapping, &selection, inputs->snapshot, attempt->availability,
                             &server) != MAPPING_LIVE)
            continue;
        TRACE(inputs->trace, .what = STEP_SHARING_POOL, .outcome = OUTCOME_LIVE,
              .values = {TRACE_TEXT("pool", pool->name),
                         TRACE_INTEGER("position", server->position)});
        *ret_pool = pool;
        return server;
    }
    return NULL;
}

/* The state of a mapping in a pool; not in the trace of this pool. */
static enum mapping_state state_in(const struct attempt *attempt, const struct pool *pool,
                                   const struct mapping *mapping)
{
    const struct virtual_server *server;
    struct selection selection = attempt->selection;
    selection.trace = NULL;
    selection.pool = pool;
    return mapping_evaluate(mapping, &selection, attempt->inputs->snapshot, attempt->availability,
                            &server);
}

static bool is_live_where_kept(const struct attempt *attempt, const struct mapping *mapping)
{
    return state_in(attempt, attempt->pool->persistence_pool, mapping) == MAPPING_LIVE;
}

/*
 * Says whether a mapping, which is not live here because of `state`, must not be replaced by
 * `wanted`: it is live in the pool that keeps it, and this pool has no server at its site, or that
 * pool none at the site of `wanted`. Otherwise two pools that share mappings, but not all sites,
 * would move each other's clients. Where both have servers, both move together.
 */
static bool must_stay(const struct attempt *attempt, const struct mapping *mapping,
                      enum mapping_state state, const struct mapping *wanted)
{
    const struct pool *keeper = attempt->pool->persistence_pool;
    if (keeper == attempt->pool || !is_live_where_kept(attempt, mapping) ||
        (state != MAPPING_NO_SERVER && is_live_where_kept(attempt, wanted)))
        return false;
    TRACE(attempt->inputs->trace, .what = STEP_SHARING_POOL, .outcome = OUTCOME_KEPT_ELSEWHERE,
          .values = {TRACE_TEXT("pool", keeper->name)});
    return true;
}

enum made {
    MADE,
    LOST,     /* another process has made or changed the mapping meanwhile */
    NOT_KEPT, /* the table does not take it, or the mapping that was seen must stay */
};

/*
 * Makes a choice the mapping, in place of the one that was seen (NULL: none), which is not live
 * because of `state`. MADE sets `server` to what the mapping gives from now on.
 */
static enum made make_mapping(struct attempt *attempt, const struct mapping *seen,
                              enum mapping_state state, const struct virtual_server **server)
{
    const struct pool *keeper = attempt->pool->persistence_pool;
    struct mapping wanted = new_mapping(attempt, (*server)->controller->id);
    const struct pool *earlier;
    const struct virtual_server *before = live_in_earlier_pool(attempt, &wanted, &earlier);
    if (seen && must_stay(attempt, seen, state, &wanted))
        return NOT_KEPT;
    if (seen)
        wanted.home_id = failback_home(seen, state, state_in(attempt, keeper, seen), keeper,
                                       attempt->inputs->snapshot, wanted.controller_id);
    int code = claim_mapping(attempt, seen, &wanted);
    if (code != 0)
        return code == ERR_NOTFOUND ? LOST : NOT_KEPT;
    if (before) {
        *server = before;
        attempt->selection.pool = earlier;
    }
    return MADE;
}

/* The outcomes of STEP_HOME, for a home that takes clients and for one that does not. */
static enum trace_outcome home_outcome(enum failback_verdict verdict, enum home_state state)
{
    static const enum trace_outcome open[] = {[FAILBACK_NEVER] = OUTCOME_NEVER,
                                              [FAILBACK_WAITS] = OUTCOME_WAITS,
                                              [FAILBACK_MISSED] = OUTCOME_MISSED};
    static const enum trace_outcome closed[] = {[HOME_ABSENT] = OUTCOME_ABSENT,
                                                [HOME_DRAINING] = OUTCOME_DRAINING,
                                                [HOME_DOWN] = OUTCOME_DOWN,
                                                [HOME_HELD] = OUTCOME_HELD};
    return verdict == FAILBACK_CLOSED ? closed[state] : open[verdict];
}

/* The server at the home of a mapping, if its client goes there now; else NULL. */
static const struct virtual_server *
home_server(struct attempt *attempt, const struct mapping *mapping, enum mapping_state state)
{
    const struct decision_inputs *inputs = attempt->inputs;
    const struct pool *keeper = attempt->pool->persistence_pool;
    const struct controller *controller = snapshot_controller(inputs->snapshot, mapping->home_id);
    const struct home home = home_look(attempt->pool, controller, attempt->availability);
    enum failback_verdict verdict =
        failback_judge(keeper, &home, mapping_decided_s(mapping), inputs->now_s);
    bool is_due = failback_is_due(verdict, state);
    TRACE(inputs->trace, .what = STEP_HOME,
          .outcome = is_due ? OUTCOME_TAKEN : home_outcome(verdict, home.state),
          .values = {TRACE_TEXT("home", controller_name(inputs, mapping->home_id)),
                     TRACE_TEXT("pool", home.pool->name),
                     TRACE_TEXT("failback", failback_word(keeper->failback)),
                     TRACE_INTEGER("up_s", inputs->now_s - home.up_since_s),
                     TRACE_INTEGER("delay_s", keeper->failback_delay_s)});
    return is_due ? choose_within(&attempt->selection, attempt->availability, controller) : NULL;
}

/*
 * Moves a client home if that is due: MADE sets `ret_server`. NOT_KEPT: it is not, or the move
 * cannot be stored; then the mapping counts as it is.
 */
static enum made go_home(struct attempt *attempt, const struct mapping *mapping,
                         const struct virtual_server **ret_server)
{
    enum mapping_state state = state_in(attempt, attempt->pool, mapping);
    if (!mapping_can_have_home(state))
        return NOT_KEPT;
    const struct virtual_server *server = home_server(attempt, mapping, state);
    if (!server)
        return NOT_KEPT;
    *ret_server = server;
    return make_mapping(attempt, mapping, state, ret_server);
}

static void trace_lost(const struct attempt *attempt)
{
    TRACE(attempt->inputs->trace, .what = STEP_CLAIM, .outcome = OUTCOME_LOST);
}

/* Says whether a mapping could send a new client to a draining server of an earlier pool. */
static bool earlier_pool_drains(const struct attempt *attempt)
{
    for (const struct pool *pool = attempt->first; (pool = next_sharing_pool(attempt, pool));
         pool = pool->fallback_pool)
        for (size_t i = 0; i < pool->server_count; i++)
            if (virtual_server_state(&pool->servers[i]) == STATE_DRAINING) {
                TRACE(attempt->inputs->trace, .what = STEP_SHARING_POOL,
                      .outcome = OUTCOME_DRAINING, .values = {TRACE_TEXT("pool", pool->name)});
                return true;
            }
    return false;
}

/* A choice that depends only on the client, so that it stays the same without a mapping. */
static const struct virtual_server *select_by_client(const struct attempt *attempt)
{
    struct candidates candidates;
    candidates_for_new(&attempt->selection, attempt->availability, &candidates);
    return choose_by(&method_modulus, &attempt->selection, attempt->availability, &candidates);
}

/*
 * Uses the mapping if it is live; else chooses and claims, until the claim is made or the mapping
 * of another process is live.
 */
static const struct virtual_server *use_or_make_mapping(struct attempt *attempt)
{
    struct mapping mapping;
    const struct virtual_server *server = NULL;
    for (int i = 0; i < CLAIMS_MAX; i++) {
        enum mapping_state state = MAPPING_LIVE;
        enum made made = NOT_KEPT;
        int found = find_mapping(attempt, &mapping);
        if (found == 0 && mapping.home_id != 0)
            made = go_home(attempt, &mapping, &server);
        if (made == MADE)
            return server;
        if (made == LOST) {
            trace_lost(attempt);
            continue;
        }
        if (found == 0 && (server = follow_mapping(attempt, &mapping, &state)))
            return server;
        if ((found != 0 && found != ERR_NOTFOUND) || attempt->lacks_topology)
            return select_server(attempt, NULL);
        if (earlier_pool_drains(attempt))
            return select_by_client(attempt);
        struct turns turns = turns_for_choice(attempt->inputs->turns);
        server = select_server(attempt, &turns);
        if (!server)
            return NULL;
        made = make_mapping(attempt, found == 0 ? &mapping : NULL, state, &server);
        if (made == MADE)
            return server;
        turns_give_back(&turns);
        if (made == NOT_KEPT)
            return select_repeatably(attempt, server);
        trace_lost(attempt);
    }
    error_set(&attempt->error, ERR_BUSY,
              "pool %s, %s: other processes change this mapping all the time, so it is not kept",
              attempt->pool->persistence_pool->name, attempt->client.key);
    return select_repeatably(attempt, server);
}

static void trace_pin(const struct attempt *attempt, const struct pin *pin)
{
    char client[PIN_TEXT_MAX];
    const struct mapping time = {.timestamp_s = pin->until_s};
    TRACE(attempt->inputs->trace, .what = STEP_PIN, .outcome = OUTCOME_FOUND,
          .values = {TRACE_INTEGER("id", pin->id), TRACE_TEXT("client", pin_format(pin, client)),
                     TRACE_TEXT("controller", pin->controller->name),
                     TRACE_TEXT("pool", pin->pool ? pin->pool->name : NULL),
                     TRACE_TEXT("comment", pin->comment),
                     /* Without a name, it is none. */
                     TRACE_INTEGER(pin->until_s == PIN_WITHOUT_END ? NULL : "left_s",
                                   mapping_left_s(&time, attempt->inputs->now_s))});
}

/*
 * The server of the client's pin, or NULL when there is none or its site is not up. A pin leads to
 * where a mapping would that is new.
 */
static const struct virtual_server *follow_pin(const struct attempt *attempt)
{
    const struct decision_inputs *inputs = attempt->inputs;
    const struct snapshot *snapshot = inputs->snapshot;
    const struct pin *pin = pins_find(&snapshot->pins, attempt->pool, &attempt->client,
                                      &snapshot->groups, inputs->now_s);
    if (!pin)
        return NULL;
    trace_pin(attempt, pin);
    const struct virtual_server *server = NULL;
    struct mapping mapping = new_mapping(attempt, pin->controller->id);
    mapping.ttl_s = 1; /* the pool may keep no mappings */
    enum mapping_state state =
        mapping_evaluate(&mapping, &attempt->selection, snapshot, attempt->availability, &server);
    bool live = state == MAPPING_LIVE;
    TRACE(inputs->trace, .what = STEP_PIN_STATE, .outcome = live ? OUTCOME_LIVE : OUTCOME_NOT_LIVE,
          .values = {TRACE_TEXT("reason", live ? NULL : mapping_state_text(state))});
    return server;
}

static const struct virtual_server *try_pool(struct attempt *attempt)
{
    const struct virtual_server *pinned = attempt->pool->has_pins ? follow_pin(attempt) : NULL;
    if (pinned)
        return pinned;
    return attempt->keeps_mapping ? use_or_make_mapping(attempt)
                                  : select_server(attempt, attempt->inputs->turns);
}

/*
 * All are down, and with fallback 'any' count as up. A mapping that is otherwise live is used;
 * nothing is written.
 */
static const struct virtual_server *ignore_availability(struct attempt *attempt)
{
    struct mapping mapping;
    const struct virtual_server *server = NULL;
    attempt->availability = NULL;
    if (attempt->keeps_mapping && find_mapping(attempt, &mapping) == 0)
        server = follow_mapping(attempt, &mapping, NULL);
    return server ? server
                  : select_server(attempt, attempt->keeps_mapping ? NULL : attempt->inputs->turns);
}

static void trace_client(const struct attempt *attempt)
{
    const struct client *client = &attempt->client;
    const struct pool *pool = attempt->pool;
    struct trace *trace = attempt->inputs->trace;
    char number[NUMBER_TEXT_MAX];
    TRACE(trace, .what = STEP_POOL,
          .values = {TRACE_TEXT("pool", pool->name), TRACE_TEXT("method", pool->method->name),
                     TRACE_TEXT("alternate", pool->alternate ? pool->alternate->name : NULL),
                     TRACE_TEXT("mappings_of", pool->persistence_pool != pool
                                                   ? pool->persistence_pool->name
                                                   : NULL)});
    if (!client->known)
        TRACE(trace, .what = STEP_CLIENT, .outcome = OUTCOME_NO_CLIENT);
    else
        TRACE(trace, .what = STEP_CLIENT,
              .outcome = attempt->keeps_mapping ? OUTCOME_NONE : OUTCOME_NOT_KEPT,
              .values = {TRACE_TEXT("key", client->key),
                         TRACE_TEXT("number", number_format(client->number, number))});
}

/* Identifies the client for a pool, and prepares what methods are shown. */
static void begin_pool(struct attempt *attempt, const struct pool *pool,
                       const struct source *source)
{
    const struct decision_inputs *inputs = attempt->inputs;
    const struct settings *settings = &inputs->snapshot->settings;
    attempt->pool = pool;
    client_identify(source, pool, &inputs->snapshot->groups, &attempt->client);
    attempt->client.scope_bits = pins_scope_bits(pool, &attempt->client);
    attempt->keeps_mapping = attempt->client.known && pool->persistence_pool->persistence_ttl_s > 0;
    attempt->lacks_topology |= !inputs->topology && chooses_by_topology(pool);
    if (attempt->client.scope_bits > attempt->scope_bits)
        attempt->scope_bits = attempt->client.scope_bits;
    attempt->selection =
        (struct selection){.pool = pool,
                           .client = &attempt->client,
                           .now_s = inputs->now_s,
                           .measured = inputs->measured,
                           .metric_max_age_s = settings->metric_max_age_s,
                           .path_metric_max_age_s = settings->path_metric_max_age_s,
                           .topology = inputs->topology,
                           .locator = inputs->locator,
                           .trace = inputs->trace,
                           .warnings = inputs->warnings};
    trace_client(attempt);
}

static struct family_answer address_of(const struct attempt *attempt,
                                       const struct virtual_server *server,
                                       enum address_family family)
{
    return addresses_of_family(&attempt->selection, attempt->availability, server, family);
}

void assign(const struct decision_inputs *inputs, const struct pool *pool,
            const struct source *source, struct assignment *ret_assignment)
{
    struct attempt attempt = {
        .inputs = inputs, .first = pool, .availability = inputs->availability};
    struct assignment assignment = {0};
    for (;; pool = pool->fallback_pool) {
        begin_pool(&attempt, pool, source);
        assignment.server = try_pool(&attempt);
        if (assignment.server || !pool->fallback_pool)
            break;
        TRACE(inputs->trace, .what = STEP_FALLBACK,
              .values = {TRACE_TEXT("pool", pool->fallback_pool->name)});
    }
    if (!assignment.server) {
        TRACE(inputs->trace, .what = STEP_FALLBACK,
              .values = {TRACE_TEXT("fallback", fallback_word(pool->fallback))});
        if (pool->fallback == FALLBACK_ANY)
            assignment.server = ignore_availability(&attempt);
        assignment.failed = pool->fallback == FALLBACK_SERVFAIL;
    }
    if (assignment.server) {
        assignment.offer.name = assignment.server->name;
        const struct family_answer ipv4 = address_of(&attempt, assignment.server, FAMILY_IPV4);
        const struct family_answer ipv6 = address_of(&attempt, assignment.server, FAMILY_IPV6);
        assignment.offer.ipv4 = ipv4.address;
        assignment.offer.ipv6 = ipv6.address;
        assignment.ipv4_failed = ipv4.failed;
        assignment.ipv6_failed = ipv6.failed;
    }
    if (attempt.error.code != 0)
        warnings_add(inputs->warnings, "%s", attempt.error.text);
    assignment.scope_bits = attempt.scope_bits;
    *ret_assignment = assignment;
}

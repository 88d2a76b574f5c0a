/*
 * Who moves, when, and how often at most, under each policy: rules one by one, then random
 * histories of failures and recoveries with every method, alone and with pools that share mappings.
 */
#include "core/sticky/failback.h"

#include <stdio.h>
#include <string.h>

#include "core/balance/topology.h"
#include "core/base/error.h"
#include "core/sharing/entry.h"
#include "fixture.h"
#include "suites.h"

#define NOW SCENE_NOW_S
#define WEB 1
#define API 2
#define CLIENT SCENE_CLIENT

static const enum failback policies[] = {FAILBACK_STAY, FAILBACK_RETURN, FAILBACK_DELAYED,
                                         FAILBACK_MANUAL};

/* ---------------------------------------------------------------- a site */

/* Paris has two servers in web and one in api; nice has none in api. */
static const struct rows sites = {
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "paris"), CONTROLLER(2, "lyon"), CONTROLLER(3, "nice"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(WEB, "web"), POOL(API, "api"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, WEB, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, WEB, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(13, WEB, 3, 3, "192.0.2.3", NULL),
                                                   SERVER(14, WEB, 1, 4, "192.0.2.4", NULL),
                                                   SERVER(21, API, 1, 1, "192.0.2.5", NULL),
                                                   SERVER(22, API, 2, 2, "192.0.2.6", NULL),
                                                   {.state = NULL}},
};

static struct scene scene;

/* Api uses the mappings of web. */
static void share_mappings(void)
{
    scene_pool(&scene, "api")->persistence_pool = scene_pool(&scene, "web");
    scene_pool(&scene, "web")->first_sharing = scene_pool(&scene, "api");
}

/* As the triggers of the schema do: what a site's servers in a pool say of it. */
static void note_site(int64_t pool_id, int64_t controller_id, int64_t up_since_s,
                      int64_t held_since_s)
{
    const struct site_history history = {up_since_s, held_since_s};
    for (size_t i = 0; i < scene.snapshot->server_count; i++) {
        const struct virtual_server *server = &scene.snapshot->servers[i];
        const struct pool *pool = snapshot_pool(scene.snapshot, pool_id);
        bool is_in = server >= pool->servers && server < pool->servers + pool->server_count;
        if (is_in && server->controller->id == controller_id &&
            availability_set_site(scene.availability, server, &history) != 0)
            CHECK(false, "no memory");
    }
}

static void set_site_down(int64_t controller_id, bool down)
{
    scene_set_controller_down(&scene, controller_id, down);
}

static void put_mapping(int64_t controller_id, int64_t home_id, int64_t decided_s)
{
    struct mapping mapping = MAPPING(controller_id, "modulus", NOW - 100, 3600);
    mapping.home_id = home_id;
    mapping.decided = decided_s * 1000 * ENTRY_TICKS;
    memory_table_put(&scene.table, WEB, CLIENT, &mapping);
}

static const struct mapping *row(void)
{
    return memory_table_get(&scene.table, WEB, CLIENT);
}

/* ---------------------------------------------------------------- which site is home */

/* A mapping to lyon that ends, and who is the home of the next one. */
static void a_home_is_where_a_failure_found_the_client(void)
{
    static const struct {
        const char *what;
        int64_t home; /* before */
        enum state lyon, paris;
        const char *method;
        int64_t ttl_s;
        bool is_down;
        int64_t expected;
    } rows[] = {
        {"a failure", 0, STATE_ENABLED, STATE_ENABLED, "modulus", 3600, true, 2},
        {"a second failure", 3, STATE_ENABLED, STATE_ENABLED, "modulus", 3600, true, 3},
        {"of a draining site", 0, STATE_DRAINING, STATE_ENABLED, "modulus", 3600, true, 0},
        {"of a draining site, with a home", 3, STATE_DRAINING, STATE_ENABLED, "modulus", 3600, true,
         3},
        {"of a disabled site", 0, STATE_DISABLED, STATE_ENABLED, "modulus", 3600, true, 0},
        {"of a disabled site, with a home", 3, STATE_DISABLED, STATE_ENABLED, "modulus", 3600,
         false, 0},
        {"its home is gone", 99, STATE_ENABLED, STATE_ENABLED, "modulus", 3600, true, 2},
        {"its home drains", 1, STATE_ENABLED, STATE_DRAINING, "modulus", 3600, true, 1},
        {"its home is disabled", 1, STATE_ENABLED, STATE_DISABLED, "modulus", 3600, true, 2},
        {"it was over", 3, STATE_ENABLED, STATE_ENABLED, "modulus", 100, true, 0},
        {"of another method", 3, STATE_ENABLED, STATE_ENABLED, "failover", 3600, true, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        scene_init(&scene, &sites);
        scene_controller(&scene, 2)->state = rows[i].lyon;
        scene_controller(&scene, 1)->state = rows[i].paris;
        set_site_down(2, rows[i].is_down);
        struct mapping mapping = MAPPING(2, "", NOW - 100, rows[i].ttl_s);
        strcpy(mapping.method, rows[i].method);
        mapping.home_id = rows[i].home;
        memory_table_put(&scene.table, WEB, CLIENT, &mapping);
        scene_pool(&scene, "web")->method = &method_failover;
        if (strcmp(rows[i].method, "failover") == 0)
            strcpy(memory_table_get(&scene.table, WEB, CLIENT)->method, "modulus");
        else
            strcpy(memory_table_get(&scene.table, WEB, CLIENT)->method, "failover");
        int64_t server = scene_ask_client(&scene, "web");
        CHECK(server == 11 || (rows[i].paris != STATE_ENABLED && server == 13), "%s: server %d",
              rows[i].what, (int)server);
        CHECK_INTEGER(row()->home_id, rows[i].expected, "%s", rows[i].what);
        CHECK_INTEGER(row()->timestamp_s, NOW, "%s: the ttl begins anew", rows[i].what);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), server, "%s: again", rows[i].what);
        CHECK_INTEGER((int64_t)scene.table.writes, 1, "%s: once", rows[i].what);
        scene_release(&scene);
    }
}

static void an_extension_keeps_the_home(void)
{
    scene_init(&scene, &sites);
    scene_pool(&scene, "web")->timer = TIMER_SLIDING;
    put_mapping(2, 3, 0);
    scene.inputs.now_s = NOW + 1000;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "extended");
    CHECK_INTEGER(row()->timestamp_s, NOW + 1000, "extended");
    CHECK_INTEGER(row()->home_id, 3, "home");
    scene_release(&scene);
}

/* ---------------------------------------------------------------- when it goes there */

/* A live mapping to lyon whose home is nice, which has been up for 300 s. */
static void each_policy_has_its_time(void)
{
    static const struct {
        const char *what;
        enum failback failback;
        uint32_t delay_s;
        enum state nice;
        bool is_down, is_held;
        int64_t decided_ago_s; /* 0: while nothing was shared */
        bool returns;
    } rows[] = {
        {"stay", FAILBACK_STAY, 0, STATE_ENABLED, false, false, 0, false},
        {"return", FAILBACK_RETURN, 0, STATE_ENABLED, false, false, 0, true},
        {"return, down", FAILBACK_RETURN, 0, STATE_ENABLED, true, false, 0, false},
        {"return, draining", FAILBACK_RETURN, 0, STATE_DRAINING, false, false, 0, false},
        {"return, disabled", FAILBACK_RETURN, 0, STATE_DISABLED, false, false, 0, false},
        {"return, left before", FAILBACK_RETURN, 0, STATE_ENABLED, false, false, 301, true},
        {"return, left then", FAILBACK_RETURN, 0, STATE_ENABLED, false, false, 300, true},
        {"return, left since", FAILBACK_RETURN, 0, STATE_ENABLED, false, false, 299, false},
        {"delayed, too early", FAILBACK_DELAYED, 301, STATE_ENABLED, false, false, 0, false},
        {"delayed, in time", FAILBACK_DELAYED, 300, STATE_ENABLED, false, false, 0, true},
        {"delayed, by nothing", FAILBACK_DELAYED, 0, STATE_ENABLED, false, false, 0, true},
        {"delayed, down", FAILBACK_DELAYED, 1, STATE_ENABLED, true, false, 0, false},
        {"delayed, left since", FAILBACK_DELAYED, 300, STATE_ENABLED, false, false, 10, false},
        {"manual, held", FAILBACK_MANUAL, 0, STATE_ENABLED, false, true, 0, false},
        {"manual, resumed", FAILBACK_MANUAL, 0, STATE_ENABLED, false, false, 0, true},
        {"manual, left since", FAILBACK_MANUAL, 0, STATE_ENABLED, false, false, 10, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        scene_init(&scene, &sites);
        scene_pool(&scene, "web")->failback = rows[i].failback;
        scene_pool(&scene, "web")->failback_delay_s = rows[i].delay_s;
        scene_controller(&scene, 3)->state = rows[i].nice;
        set_site_down(3, rows[i].is_down);
        note_site(WEB, 3, NOW - 300, rows[i].is_held ? NOW - 300 : 0);
        put_mapping(2, 3, rows[i].decided_ago_s ? NOW - rows[i].decided_ago_s : 0);
        int64_t server = rows[i].returns ? 13 : 12;
        for (int again = 0; again < 2; again++)
            CHECK_INTEGER(scene_ask_client(&scene, "web"), server, "%s", rows[i].what);
        CHECK_INTEGER((int64_t)scene.table.writes, rows[i].returns, "%s: once", rows[i].what);
        CHECK_INTEGER(row()->home_id, rows[i].returns ? 0 : 3, "%s: home", rows[i].what);
        CHECK_INTEGER(row()->timestamp_s, rows[i].returns ? NOW : NOW - 100, "%s", rows[i].what);
        CHECK_INTEGER(row()->decided != 0, !rows[i].returns && rows[i].decided_ago_s != 0,
                      "%s: a new decision has no place yet", rows[i].what);
        scene_release(&scene);
    }
}

static void who_has_to_move_goes_home_also_in_the_delay(void)
{
    for (size_t i = 0; i < COUNT(policies); i++) {
        bool stays = policies[i] == FAILBACK_STAY;
        scene_init(&scene, &sites);
        scene_pool(&scene, "web")->method = &method_failover;
        scene_pool(&scene, "web")->failback = policies[i];
        note_site(WEB, 3, NOW - 1, 0);
        set_site_down(2, true);
        put_mapping(2, 3, NOW);
        strcpy(memory_table_get(&scene.table, WEB, CLIENT)->method, "failover");
        CHECK_INTEGER(scene_ask_client(&scene, "web"), stays ? 11 : 13, "policy %zu", i);
        CHECK_INTEGER(row()->home_id, stays ? 3 : 0, "policy %zu", i);
        scene_release(&scene);
    }
}

static void a_mapping_that_has_ended_goes_nowhere(void)
{
    static const struct mapping mappings[] = {
        {.controller_id = 2, .method = "failover", .timestamp_s = NOW - 3600, .ttl_s = 3600},
        {.controller_id = 2, .method = "modulus", .timestamp_s = NOW, .ttl_s = 3600},
        {.controller_id = 99, .method = "failover", .timestamp_s = NOW, .ttl_s = 3600},
    };
    for (size_t i = 0; i < COUNT(mappings); i++) {
        struct mapping mapping = mappings[i];
        scene_init(&scene, &sites);
        scene_pool(&scene, "web")->method = &method_failover;
        scene_pool(&scene, "web")->failback = FAILBACK_RETURN;
        mapping.home_id = 3;
        memory_table_put(&scene.table, WEB, CLIENT, &mapping);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "row %zu: the method decides", i);
        CHECK_INTEGER(row()->home_id, 0, "row %zu", i);
        scene_release(&scene);
    }
}

static void a_move_that_cannot_be_stored_is_not_made(void)
{
    scene_init(&scene, &sites);
    scene_pool(&scene, "web")->failback = FAILBACK_RETURN;
    put_mapping(2, 3, 0);
    scene.table.claim_code = ERR_LIMIT;
    for (int again = 0; again < 2; again++)
        CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "it stays");
    scene.table.claim_code = 0;
    scene.table.rival = (struct mapping)MAPPING(1, "modulus", NOW, 3600);
    scene.table.rivals = 1;
    int64_t server = scene_ask_client(&scene, "web");
    CHECK(server == 11 || server == 14, "another process was first: %d", (int)server);
    scene_release(&scene);
}

static void while_all_is_held_the_fallback_counts(void)
{
    static const struct {
        enum fallback fallback;
        int64_t answer;
    } rows[] = {{FALLBACK_ANY, 12}, {FALLBACK_NONE, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        scene_init(&scene, &sites);
        scene_pool(&scene, "web")->failback = FAILBACK_MANUAL;
        scene_pool(&scene, "web")->fallback = rows[i].fallback;
        for (int64_t id = 1; id <= 3; id++)
            note_site(WEB, id, NOW, NOW);
        put_mapping(2, 3, 0);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), rows[i].answer, "row %zu", i);
        CHECK_INTEGER((int64_t)scene.table.writes, 0, "row %zu", i);
        scene_release(&scene);
    }
}

/* ---------------------------------------------------------------- pools that share mappings */

/* A live mapping to lyon whose home is paris, in web; api uses it, too. */
static void a_home_has_to_be_up_in_all_pools_that_share(void)
{
    static const struct {
        const char *what;
        enum failback web, api;
        bool web_down, api_down, api_disabled;
        int64_t web_since_s, api_since_s;
        bool returns;
    } rows[] = {
        {"up in both", FAILBACK_RETURN, FAILBACK_STAY, false, false, false, NOW, NOW, true},
        {"the other one's policy", FAILBACK_STAY, FAILBACK_RETURN, false, false, false, NOW, NOW,
         false},
        {"down in web", FAILBACK_RETURN, FAILBACK_STAY, true, false, false, NOW, NOW, false},
        {"down in api", FAILBACK_RETURN, FAILBACK_STAY, false, true, false, NOW, NOW, false},
        {"down in api, where it is disabled", FAILBACK_RETURN, FAILBACK_STAY, false, true, true,
         NOW, NOW, true},
        {"later in api", FAILBACK_DELAYED, FAILBACK_STAY, false, false, false, NOW - 60, NOW - 59,
         false},
        {"for long in both", FAILBACK_DELAYED, FAILBACK_STAY, false, false, false, NOW - 60,
         NOW - 60, true},
    };
    static const char *const asked[] = {"web", "api"};
    for (size_t i = 0; i < COUNT(rows) * COUNT(asked); i++) {
        size_t n = i / COUNT(asked);
        const char *pool = asked[i % COUNT(asked)];
        scene_init(&scene, &sites);
        share_mappings();
        scene_pool(&scene, "web")->failback = rows[n].web;
        scene_pool(&scene, "web")->failback_delay_s = 60;
        scene_pool(&scene, "api")->failback = rows[n].api;
        scene_set_server_down(&scene, 11, rows[n].web_down);
        scene_set_server_down(&scene, 14, rows[n].web_down);
        scene_set_server_down(&scene, 21, rows[n].api_down);
        if (rows[n].api_disabled)
            scene_server(&scene, 21)->state = STATE_DISABLED;
        note_site(WEB, 1, rows[n].web_since_s, 0);
        note_site(API, 1, rows[n].api_since_s, 0);
        put_mapping(2, 1, 0);
        for (int again = 0; again < 2; again++)
            scene_ask_client(&scene, pool);
        bool returns = rows[n].returns && !(rows[n].api_disabled && strcmp(pool, "api") == 0);
        CHECK_INTEGER(row()->controller_id, returns ? 1 : 2, "%s, %s asked", rows[n].what, pool);
        CHECK_INTEGER((int64_t)scene.table.writes, returns, "%s, %s asked", rows[n].what, pool);
        scene_release(&scene);
    }
}

static void a_failure_in_one_pool_sends_nobody_back_and_forth(void)
{
    scene_init(&scene, &sites);
    share_mappings();
    scene_pool(&scene, "web")->failback = FAILBACK_RETURN;
    put_mapping(1, 0, 0);
    scene_set_server_down(&scene, 21, true); /* paris in api alone */
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 22, "api leaves");
    CHECK_INTEGER(row()->home_id, 1, "home");
    for (int again = 0; again < 3; again++) {
        CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "web goes with it");
        CHECK_INTEGER(scene_ask_client(&scene, "api"), 22, "api stays");
    }
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "one move");
    scene_set_server_down(&scene, 21, false);
    note_site(API, 1, NOW, 0);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 21, "api returns");
    int64_t server = scene_ask_client(&scene, "web");
    CHECK(server == 11 || server == 14, "and web: %d", (int)server);
    CHECK_INTEGER((int64_t)scene.table.writes, 2, "another move");
    scene_release(&scene);
}

/* Web has paris and nice, and falls back on api, which keeps its mappings in web and has lyon. */
static void begin_fallback(enum failback failback)
{
    scene_init(&scene, &sites);
    share_mappings();
    scene_pool(&scene, "web")->failback = failback;
    scene_pool(&scene, "web")->failback_delay_s = 60;
    scene_pool(&scene, "web")->method = &method_failover;
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "api");
    scene_server(&scene, 12)->state = STATE_DISABLED;
    scene_server(&scene, 21)->state = STATE_DISABLED;
    set_site_down(1, true);
    set_site_down(3, true);
    put_mapping(3, 0, 0);
    strcpy(memory_table_get(&scene.table, WEB, CLIENT)->method, "failover");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 22, "the fallback pool");
    CHECK_INTEGER(row()->controller_id, 2, "its site");
    CHECK_INTEGER(row()->home_id, 3, "home");
}

/* The first pool decides as soon as any of its sites is up, as without failback. */
static void who_comes_back_from_a_fallback_pool(void)
{
    static const struct {
        enum failback failback;
        int64_t returned;
    } rows[] = {{FAILBACK_STAY, 11}, {FAILBACK_RETURN, 13}, {FAILBACK_DELAYED, 13}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin_fallback(rows[i].failback);
        set_site_down(1, false);
        note_site(WEB, 1, NOW, 0);
        int64_t server = scene_ask_client(&scene, "web");
        CHECK(server == 11 || server == 14, "policy %zu: another site of the first pool", i);
        CHECK_INTEGER(row()->home_id, 3, "policy %zu: it is still not at home", i);
        scene_release(&scene);
        begin_fallback(rows[i].failback);
        set_site_down(1, false);
        set_site_down(3, false);
        note_site(WEB, 3, NOW, 0);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), rows[i].returned, "policy %zu: its home", i);
        scene_release(&scene);
    }
}

/* ---------------------------------------------------------------- random histories */

#define CLIENTS 24
#define STEPS 400
#define DELAY_S 30

/* A site, and what happened to a client there since it came up. */
struct site_life {
    bool down, held;
    int64_t up_since_s;
    size_t returns[CLIENTS]; /* of a live client, to this site, since it came up or was resumed */
};

struct history {
    uint64_t state;
    enum failback failback;
    struct site_life lives[4]; /* by controller */
    size_t failures, moves[CLIENTS], returned;
};

static struct history history;

static void tell_site(int64_t id)
{
    const struct site_life *life = &history.lives[id];
    set_site_down(id, life->down);
    note_site(WEB, id, life->up_since_s, life->held ? NOW : 0);
    note_site(API, id, life->up_since_s, life->held ? NOW : 0);
}

static void open_site(struct site_life *life)
{
    life->up_since_s = scene.inputs.now_s;
    memset(life->returns, 0, sizeof life->returns);
}

static void change_site(int64_t id)
{
    struct site_life *life = &history.lives[id];
    if (life->held && !life->down && random_below(&history.state, 2)) {
        life->held = false;
        open_site(life);
    } else if (life->down) {
        life->down = false;
        open_site(life);
    } else {
        life->down = true;
        life->held = history.failback == FAILBACK_MANUAL;
        history.failures++;
    }
    tell_site(id);
}

static bool takes(int64_t id)
{
    return !history.lives[id].down && !history.lives[id].held;
}

/* What one question may do: move who has lost its site, and bring home whose time has come. */
static void ask_client(size_t n, const char *pool)
{
    char key[32];
    snprintf(key, sizeof key, "192.0.2.%zu", n + 1);
    const struct mapping *found = memory_table_get(&scene.table, WEB, key);
    struct mapping before = found ? *found : (struct mapping){.controller_id = 0};
    bool was_live = found && takes(before.controller_id);
    struct assignment assignment = scene_ask(&scene, pool, key);
    found = memory_table_get(&scene.table, WEB, key);
    if (!assignment.server || !found || !takes(assignment.server->controller->id)) {
        CHECK(!takes(1) && !takes(2) && !takes(3), "client %zu: some site is up", n);
        return;
    }
    struct mapping after = *found;
    int64_t id = after.controller_id;
    size_t writes = scene.table.writes;
    CHECK(scene_ask(&scene, pool, key).server == assignment.server && scene.table.writes == writes,
          "client %zu: asking again changes nothing", n);
    CHECK(after.home_id != id, "client %zu: who is at home has none", n);
    if (before.controller_id == 0 || id == before.controller_id)
        return;
    history.moves[n]++;
    if (!was_live) {
        CHECK_INTEGER(after.home_id,
                      id == before.home_id ? 0
                      : before.home_id     ? before.home_id
                                           : before.controller_id,
                      "client %zu: the first home", n);
        return;
    }
    struct site_life *life = &history.lives[id];
    history.returned++;
    CHECK_INTEGER(id, before.home_id, "client %zu: who moves from a live site goes home", n);
    CHECK(history.failback != FAILBACK_STAY, "client %zu: nobody does", n);
    CHECK(history.failback != FAILBACK_DELAYED || scene.inputs.now_s - life->up_since_s >= DELAY_S,
          "client %zu: not before it was up for long enough", n);
    CHECK(++life->returns[n] == 1, "client %zu: once for each recovery", n);
}

static void live_through(const struct method *method, enum failback failback, bool shared,
                         uint64_t seed)
{
    static struct topology *nowhere;
    struct topology_builder *builder = NULL;
    if (!nowhere && topology_builder_new(&builder) == 0)
        CHECK_INTEGER(topology_builder_finish(builder, &nowhere), 0, "a topology");
    topology_builder_free(builder);
    history = (struct history){.state = seed, .failback = failback};
    scene_init(&scene, &sites);
    scene.inputs.trace = NULL;
    scene.inputs.topology = nowhere;
    if (shared) {
        share_mappings();
        scene_server(&scene, 13)->state = STATE_DISABLED; /* so that both pools have all sites */
        history.lives[3].down = true;
    }
    struct pool *web = scene_pool(&scene, "web");
    web->method = scene_pool(&scene, "api")->method = method;
    web->timer = random_below(&history.state, 2) ? TIMER_SLIDING : TIMER_FIXED;
    web->failback = failback;
    web->failback_delay_s = DELAY_S;
    web->persistence_ttl_s = INT32_MAX;
    for (size_t step = 0; step < STEPS; step++) {
        scene.inputs.now_s += (int64_t)random_below(&history.state, 20);
        if (random_below(&history.state, 6) == 0)
            change_site(1 + (int64_t)random_below(&history.state, shared ? 2 : 3));
        ask_client(random_below(&history.state, CLIENTS),
                   shared && random_below(&history.state, 2) ? "api" : "web");
    }
    for (size_t n = 0; n < CLIENTS; n++)
        CHECK(history.moves[n] <= 2 * history.failures, "client %zu: %zu moves, %zu failures", n,
              history.moves[n], history.failures);
    if (failback == FAILBACK_RETURN)
        CHECK(history.returned > 0, "somebody went home");
    scene_release(&scene);
}

static void nobody_moves_without_a_failure_or_a_recovery(void)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t m = 0; m < count; m++)
        for (size_t p = 0; p < COUNT(policies); p++)
            for (uint64_t seed = 1; seed <= 4; seed++)
                live_through(methods[m], policies[p], seed % 2, seed);
}

/* A site that comes up again and again, but never for long enough, brings nobody back. */
static void a_flapping_home_moves_nobody_until_it_stays_up(void)
{
    scene_init(&scene, &sites);
    scene.inputs.trace = NULL;
    scene_pool(&scene, "web")->failback = FAILBACK_DELAYED;
    scene_pool(&scene, "web")->failback_delay_s = DELAY_S;
    put_mapping(2, 3, 0);
    for (int64_t second = 0; second < 50 * DELAY_S; second++) {
        int64_t phase = second % DELAY_S;
        scene.inputs.now_s = NOW + second;
        set_site_down(3, phase == 0);
        note_site(WEB, 3, phase == 0 ? 0 : scene.inputs.now_s - phase + 1, 0);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "second %d", (int)second);
    }
    CHECK_INTEGER((int64_t)scene.table.writes, 0, "nobody moves");
    int64_t up_s = scene.inputs.now_s + 1;
    note_site(WEB, 3, up_s, 0);
    scene.inputs.now_s = up_s + DELAY_S - 1;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "a second too early");
    scene.inputs.now_s = up_s + DELAY_S;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "home");
    scene_release(&scene);
}

static void times_of_any_size_do_no_harm(void)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, NOW, INT64_MAX};
    const struct pool pool = {.failback = FAILBACK_DELAYED, .failback_delay_s = INT32_MAX};
    for (size_t i = 0; i < COUNT(times); i++)
        for (size_t j = 0; j < COUNT(times); j++)
            for (size_t k = 0; k < COUNT(times); k++) {
                const struct home home = {.state = HOME_UP, .pool = &pool, .up_since_s = times[i]};
                enum failback_verdict verdict = failback_judge(&pool, &home, times[j], times[k]);
                CHECK(verdict == FAILBACK_MISSED || times[j] <= times[i], "%zu %zu %zu", i, j, k);
            }
}

static const CU_TestInfo tests[] = {
    {"a home is where a failure found the client", a_home_is_where_a_failure_found_the_client},
    {"an extension keeps the home", an_extension_keeps_the_home},
    {"each policy has its time", each_policy_has_its_time},
    {"who has to move goes home also in the delay", who_has_to_move_goes_home_also_in_the_delay},
    {"a mapping that has ended goes nowhere", a_mapping_that_has_ended_goes_nowhere},
    {"a move that cannot be stored is not made", a_move_that_cannot_be_stored_is_not_made},
    {"while all is held, the fallback counts", while_all_is_held_the_fallback_counts},
    {"a home has to be up in all pools that share", a_home_has_to_be_up_in_all_pools_that_share},
    {"a failure in one pool sends nobody back and forth",
     a_failure_in_one_pool_sends_nobody_back_and_forth},
    {"who comes back from a fallback pool", who_comes_back_from_a_fallback_pool},
    {"nobody moves without a failure or a recovery", nobody_moves_without_a_failure_or_a_recovery},
    {"a flapping home moves nobody until it stays up",
     a_flapping_home_moves_nobody_until_it_stays_up},
    {"times of any size do no harm", times_of_any_size_do_no_harm},
    CU_TEST_INFO_NULL,
};

const struct suite suite_failback = {"failback", tests};

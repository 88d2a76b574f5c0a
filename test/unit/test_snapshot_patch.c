/*
 * A patched snapshot equals one that is built of all rows. Single rows show what can be patched and
 * what cannot; random changes by SQL, good and bad ones, show that nothing was forgotten.
 */
#include "core/configuration/snapshot_patch.h"

#include <string.h>

#include "core/balance/method.h"
#include "core/base/error.h"
#include "fixture.h"
#include "store/store.h"
#include "suites.h"

/* ---------------------------------------------------------------- all of a snapshot as text */

static const char *word(const char *text)
{
    return text ? text : "-";
}

static void write_pools(const struct snapshot *snapshot, struct buffer *out)
{
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        buffer_printf(out, "pool %lld %s %s %s %s %u %u %u %d %d %u %u %d %d %u",
                      (long long)pool->id, pool->name, pool->method->name,
                      pool->alternate ? pool->alternate->name : "-", word(pool->metric),
                      pool->tolerance_percent, pool->ttl_s, pool->persistence_ttl_s, pool->timer,
                      pool->client, pool->ipv4_prefix_bits, pool->ipv6_prefix_bits, pool->fallback,
                      pool->failback, pool->failback_delay_s);
        buffer_printf(out, " falls back on %td, keeps in %td, with %td and %td",
                      pool->fallback_pool ? pool->fallback_pool - snapshot->pools : -1,
                      pool->persistence_pool - snapshot->pools,
                      pool->first_sharing ? pool->first_sharing - snapshot->pools : -1,
                      pool->next_sharing ? pool->next_sharing - snapshot->pools : -1);
        buffer_printf(out, ", %zu servers from %td\n", pool->server_count,
                      pool->server_count ? pool->servers - snapshot->servers : -1);
    }
}

static void write_servers(const struct snapshot *snapshot, struct buffer *out)
{
    for (size_t i = 0; i < snapshot->controller_count; i++) {
        const struct controller *controller = &snapshot->controllers[i];
        buffer_printf(out, "controller %lld %s %s %d %zu\n", (long long)controller->id,
                      controller->name, word(controller->address), controller->state,
                      controller->index);
    }
    for (size_t i = 0; i < snapshot->server_count; i++) {
        const struct virtual_server *server = &snapshot->servers[i];
        buffer_printf(out, "server %lld of %td at %lld: %s %s %s %u %d %zu; %lld is %zu\n",
                      (long long)server->id, server->controller - snapshot->controllers,
                      (long long)server->position, word(server->ipv4), word(server->ipv6),
                      word(server->name), server->weight, server->state, server->index,
                      (long long)snapshot->server_ids[i].id, snapshot->server_ids[i].index);
    }
}

static void write_names(const struct snapshot *snapshot, struct buffer *out)
{
    for (size_t i = 0; i < snapshot->zone_count; i++)
        buffer_printf(out, "zone %d %s\n", snapshot->zones[i].id, snapshot->zones[i].name);
    for (size_t i = 0; i < snapshot->name_count; i++) {
        const struct name_entry *name = &snapshot->names[i];
        buffer_printf(out, "name %s in %td from %td %d%d%d", name->text,
                      name->zone ? name->zone - snapshot->zones : -1,
                      name->pool ? name->pool - snapshot->pools : -1, name->balanced,
                      name->delegated, name->cut);
        for (size_t k = 0; k < name->record_count; k++)
            buffer_printf(out, ", %s %s %u", name->records[k].type, name->records[k].content,
                          name->records[k].ttl_s);
        buffer_add_char(out, '\n');
    }
}

/* Replaces what the buffer held. */
static const char *snapshot_text(const struct snapshot *snapshot, struct buffer *out)
{
    buffer_clear(out);
    write_pools(snapshot, out);
    write_servers(snapshot, out);
    write_names(snapshot, out);
    buffer_printf(out, "%zu groups, batch %lld\n", snapshot->groups.count,
                  (long long)snapshot->settings.sweep_batch);
    for (size_t i = 0; i < snapshot->pins.count; i++) {
        const struct pin *pin = &snapshot->pins.pins[i];
        char text[PIN_TEXT_MAX];
        buffer_printf(out, "pin %s in %td to %zu until %lld\n", pin_format(pin, text),
                      pin->pool ? pin->pool - snapshot->pools : -1, pin->controller->index,
                      (long long)pin->until_s);
    }
    for (size_t i = 0; i < snapshot->pool_count; i++)
        buffer_printf(out, "pins of %zu: %d, %u, %u\n", i, snapshot->pools[i].has_pins,
                      snapshot->pools[i].longest_ipv4_pin_bits,
                      snapshot->pools[i].longest_ipv6_pin_bits);
    for (size_t i = 0; i < snapshot->problems.count; i++)
        buffer_printf(out, "problem %s\n", snapshot->problems.lines[i]);
    return buffer_text(out);
}

/* ---------------------------------------------------------------- single rows */

/* Pool "heavy" chooses by weight, and only server 31 has one; "shared" has the mappings of "web".
 */
#define POOL_OF(id, name, method, keeper, fallback)                                                \
    {id,     name,   method, 30,     3600,  "fixed",         (keeper) != 0,                        \
     keeper, "ldns", 32,     128,    "any", (fallback) != 0, fallback,                             \
     NULL,   NULL,   20,     "stay", 300}
#define SERVER_OF(id, pool, controller, position, ipv4, state, weight)                             \
    {id, pool, controller, position, ipv4, NULL, state, weight, NULL}

static const struct rows base = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   {3, "odd", NULL, "asleep"},
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"),
                                       POOL_OF(2, "shared", "modulus", 1, 1),
                                       POOL_OF(3, "heavy", "ratio", 0, 0),
                                       POOL_OF(4, "least", "least", 0, 0),
                                       POOL_OF(5, "cloud", "modulus", 0, 0),
                                       {.name = NULL}},
    .servers =
        (const struct virtual_server_row[]){SERVER_OF(11, 1, 1, 10, "198.51.100.1", "enabled", 1),
                                            SERVER_OF(12, 1, 2, 20, "198.51.100.2", "enabled", 1),
                                            SERVER_OF(13, 1, 3, 30, "198.51.100.3", "enabled", 1),
                                            SERVER_OF(21, 2, 1, 10, "198.51.100.4", "enabled", 1),
                                            SERVER_OF(31, 3, 1, 10, "198.51.100.5", "enabled", 7),
                                            SERVER_OF(32, 3, 2, 20, "198.51.100.6", "enabled", 0),
                                            SERVER_OF(41, 4, 1, 10, "198.51.100.7", "enabled", 1),
                                            NAMED(51, 5, 1, 10, "lb.cloud.example"),
                                            {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"www.example.com", 1}, {.name = NULL}},
};

/* One row that takes the place of the old one, and whether it can. */
static const struct {
    const char *what;
    bool patched;
    enum { OF_CONTROLLER_TABLE, OF_POOL_TABLE, OF_SERVER_TABLE } table;
    struct controller_row controller;
    struct pool_row pool;
    struct virtual_server_row server;
} single_rows[] = {
    {"a controller drains", true, OF_CONTROLLER_TABLE, .controller = {2, "lyon", NULL, "draining"}},
    {"an address", true, OF_CONTROLLER_TABLE, .controller = {1, "paris", "192.0.2.1", "enabled"}},
    {"another name", false, OF_CONTROLLER_TABLE, .controller = {2, "nice", NULL, "enabled"}},
    {"an unknown state", false, OF_CONTROLLER_TABLE, .controller = {2, "lyon", NULL, "asleep"}},
    {"one that wakes up", false, OF_CONTROLLER_TABLE, .controller = {3, "odd", NULL, "enabled"}},
    {"a new one", false, OF_CONTROLLER_TABLE, .controller = {9, "new", NULL, "enabled"}},
    {"another method", true, OF_POOL_TABLE, .pool = POOL_OF(1, "web", "failover", 0, 0)},
    {"with its references", true, OF_POOL_TABLE, .pool = POOL_OF(2, "shared", "rtt", 1, 1)},
    {"a capital letter", false, OF_POOL_TABLE, .pool = POOL_OF(1, "Web", "modulus", 0, 0)},
    {"an unknown method", false, OF_POOL_TABLE, .pool = POOL_OF(1, "web", "tarot", 0, 0)},
    {"without its metric", false, OF_POOL_TABLE, .pool = POOL_OF(1, "web", "least", 0, 0)},
    {"a problem ends", false, OF_POOL_TABLE, .pool = POOL_OF(4, "least", "modulus", 0, 0)},
    {"a fallback pool", false, OF_POOL_TABLE, .pool = POOL_OF(1, "web", "modulus", 0, 3)},
    {"another fallback pool", false, OF_POOL_TABLE, .pool = POOL_OF(2, "shared", "rtt", 1, 3)},
    {"without its fallback", false, OF_POOL_TABLE, .pool = POOL_OF(2, "shared", "rtt", 1, 0)},
    {"other mappings", false, OF_POOL_TABLE, .pool = POOL_OF(2, "shared", "rtt", 3, 1)},
    {"its own mappings", false, OF_POOL_TABLE, .pool = POOL_OF(2, "shared", "rtt", 0, 1)},
    {"a new one", false, OF_POOL_TABLE, .pool = POOL_OF(9, "new", "modulus", 0, 1)},
    {"drains", true, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 1, 10, "198.51.100.1", "draining", 1)},
    {"a weight", true, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 1, 10, "198.51.100.1", "enabled", 0)},
    {"another address", true, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 1, 10, "198.51.100.9", "enabled", 1)},
    {"another controller", true, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 2, 10, "198.51.100.1", "enabled", 1)},
    {"a controller that cannot be used", false, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 3, 10, "198.51.100.1", "enabled", 1)},
    {"an address that is none", false, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 1, 10, "198.51.100.999", "enabled", 1)},
    {"another position", false, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 1, 1, 25, "198.51.100.1", "enabled", 1)},
    {"another pool", false, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 2, 1, 10, "198.51.100.1", "enabled", 1)},
    {"a pool that is not there", false, OF_SERVER_TABLE,
     .server = SERVER_OF(11, 9, 1, 10, "198.51.100.1", "enabled", 1)},
    {"a name in place of an address", false, OF_SERVER_TABLE,
     .server = {11, 1, 1, 10, NULL, NULL, "enabled", 1, "lb.cloud.example"}},
    {"another name", true, OF_SERVER_TABLE,
     .server = {51, 5, 1, 10, NULL, NULL, "enabled", 1, "lb-2.cloud.example"}},
    {"a name that is none", false, OF_SERVER_TABLE,
     .server = {51, 5, 1, 10, NULL, NULL, "enabled", 1, "lb..cloud.example"}},
    {"one that was left out", false, OF_SERVER_TABLE,
     .server = SERVER_OF(13, 1, 1, 30, "198.51.100.3", "enabled", 1)},
    {"the last weight of a pool", false, OF_SERVER_TABLE,
     .server = SERVER_OF(31, 3, 1, 10, "198.51.100.5", "enabled", 0)},
    {"one of its weights", true, OF_SERVER_TABLE,
     .server = SERVER_OF(32, 3, 2, 20, "198.51.100.6", "enabled", 4)},
    {"of a pool with a problem", false, OF_SERVER_TABLE,
     .server = SERVER_OF(41, 4, 1, 10, "198.51.100.7", "enabled", 2)},
    {"a new one", false, OF_SERVER_TABLE,
     .server = SERVER_OF(99, 1, 1, 99, "198.51.100.1", "enabled", 1)},
};

static struct snapshot *build_base(void)
{
    struct snapshot *snapshot = NULL;
    CHECK_INTEGER(rows_build(&base, &snapshot), 0, "the snapshot");
    return snapshot;
}

static struct snapshot_builder *begin_patch(struct snapshot *snapshot, size_t count)
{
    struct snapshot_builder *builder = NULL;
    CHECK_INTEGER(snapshot_patch_begin(snapshot, count, &builder), 0, "the builder");
    return builder;
}

static int add_single_row(struct snapshot_builder *builder, size_t i)
{
    switch (single_rows[i].table) {
    case OF_CONTROLLER_TABLE:
        return snapshot_add_controller(builder, &single_rows[i].controller);
    case OF_POOL_TABLE:
        return snapshot_add_pool(builder, &single_rows[i].pool);
    default:
        return snapshot_add_virtual_server(builder, &single_rows[i].server);
    }
}

static void a_row_is_patched_if_it_stays_in_its_place_and_brings_or_ends_no_problem(void)
{
    struct buffer before = {0}, after = {0};
    for (size_t i = 0; i < COUNT(single_rows); i++) {
        const char *what = single_rows[i].what;
        struct snapshot *snapshot = build_base();
        struct snapshot_builder *builder = begin_patch(snapshot, 1);
        snapshot_text(snapshot, &before);
        CHECK_INTEGER(add_single_row(builder, i), 0, "%s", what);
        bool patched = snapshot_patch_finish(snapshot, builder);
        CHECK_INTEGER(patched, single_rows[i].patched, "%s", what);
        snapshot_builder_free(builder);
        bool same = strcmp(buffer_text(&before), snapshot_text(snapshot, &after)) == 0;
        CHECK(same == !patched, "%s", what);
        snapshot_free(snapshot);
    }
    buffer_release(&before);
    buffer_release(&after);
}

static void a_row_that_is_gone_is_not_patched(void)
{
    struct snapshot *snapshot = build_base();
    struct snapshot_builder *builder = begin_patch(snapshot, 2);
    CHECK_INTEGER(add_single_row(builder, 0), 0, "one row");
    CHECK(!snapshot_patch_finish(snapshot, builder), "of two");
    snapshot_builder_free(builder);
    snapshot_free(snapshot);
}

static void set_address(struct snapshot *snapshot, const char *address)
{
    const struct virtual_server_row row = SERVER_OF(11, 1, 1, 10, address, "enabled", 1);
    struct snapshot_builder *builder = begin_patch(snapshot, 1);
    CHECK_INTEGER(snapshot_add_virtual_server(builder, &row), 0, "%s", address);
    CHECK(snapshot_patch_finish(snapshot, builder), "%s", address);
    snapshot_builder_free(builder);
}

static void replaced_rows_do_not_fill_the_memory(void)
{
    struct snapshot *snapshot = build_base();
    struct snapshot_builder *builder = NULL;
    for (size_t i = 0; i < SNAPSHOT_PATCHED_ROWS_MAX; i++)
        set_address(snapshot, i % 2 ? "198.51.100.1" : "198.51.100.2");
    CHECK_TEXT(snapshot_server(snapshot, 11)->ipv4, "198.51.100.1", "the last one");
    CHECK_INTEGER(snapshot_patch_begin(snapshot, 1, &builder), ERR_LIMIT, "one too many");
    CHECK_INTEGER(snapshot_patch_begin(snapshot, SIZE_MAX, &builder), ERR_LIMIT, "far too many");
    CHECK_INTEGER(snapshot_patch_begin(snapshot, 0, &builder), 0, "none");
    CHECK(snapshot_patch_finish(snapshot, builder), "none");
    snapshot_builder_free(builder);
    snapshot_free(snapshot);
}

/* ---------------------------------------------------------------- the changes in a database */

struct desk {
    struct place place;
    struct store *store;
    struct snapshot *snapshot;
    struct revision loaded;
};

/* Begins to read anew; the revision. */
static struct revision desk_begin(struct desk *desk)
{
    struct revision revision = {0};
    struct error error = {0};
    store_rest(desk->store);
    CHECK_INTEGER(store_begin(desk->store, 1, &revision, &error), 0, "%s", error.text);
    return revision;
}

static void desk_load(struct desk *desk)
{
    struct error error = {0};
    snapshot_free(desk->snapshot);
    desk->snapshot = NULL;
    CHECK_INTEGER(store_load(desk->store, &desk->snapshot, &error), 0, "%s", error.text);
}

static void desk_init(struct desk *desk)
{
    *desk = (struct desk){.snapshot = NULL};
    place_init_served(&desk->place);
    place_run(&desk->place, "PRAGMA synchronous = OFF");
    CHECK_INTEGER(store_new(desk->place.path, &desk->store), 0, "store_new");
    desk->loaded = desk_begin(desk);
    desk_load(desk);
}

static void desk_release(struct desk *desk)
{
    snapshot_free(desk->snapshot);
    store_free(desk->store);
    place_release(&desk->place);
}

/* Patches the snapshot or loads another one; whether it was patched. Compares with a full load. */
static bool desk_follow(struct desk *desk, const char *what)
{
    struct buffer text = {0}, full = {0};
    struct revision revision = desk_begin(desk);
    snapshot_text(desk->snapshot, &text);
    bool patched = store_patch(desk->store, desk->loaded.configuration, desk->snapshot);
    if (!patched)
        CHECK_TEXT(snapshot_text(desk->snapshot, &full), buffer_text(&text), "untouched: %s", what);
    snapshot_text(desk->snapshot, &text);
    struct snapshot *before = desk->snapshot;
    desk->snapshot = NULL;
    desk_load(desk);
    snapshot_text(desk->snapshot, &full);
    if (patched) {
        CHECK_TEXT(buffer_text(&text), buffer_text(&full), "after: %s", what);
        snapshot_free(desk->snapshot);
        desk->snapshot = before;
    } else
        snapshot_free(before);
    desk->loaded = revision;
    buffer_release(&text);
    buffer_release(&full);
    return patched;
}

static const struct {
    const char *sql;
    bool patched;
} statements[] = {
    {"", true},
    {"UPDATE virtual_server SET state = 'draining', weight = 9 WHERE id = 1", true},
    {"UPDATE virtual_server SET controller_id = 1, ipv4 = '192.0.2.7' WHERE id = 2", true},
    {"UPDATE virtual_server SET port = 80", true},
    {"UPDATE pool SET method = 'round-robin', ttl = 5, fallback = 'none', client = 'ecs'", true},
    {"UPDATE controller SET state = 'draining', address = '192.0.2.9' WHERE id = 1", true},
    {"UPDATE controller SET state = 'enabled'; UPDATE pool SET ttl = 6;"
     " UPDATE virtual_server SET weight = 2",
     true},
    {"BEGIN; UPDATE pool SET ttl = 7; UPDATE pool SET ttl = 8; COMMIT", true},
    {"BEGIN; UPDATE pool SET ttl = 9; ROLLBACK", true},
    {"INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
     " VALUES (1, '192.0.2.1', 1, 'modulus', 0, 0)",
     true},
    {"UPDATE pool SET ttl = 7; INSERT INTO ldns_group VALUES ('192.0.2.0/24', 'office')", false},
    {"INSERT INTO ldns_group VALUES ('192.0.3.0/24', 'office'); UPDATE pool SET ttl = 8", false},
    {"UPDATE pool SET ttl = 7; INSERT INTO pin (network, pool_id, controller_id)"
     " VALUES ('192.0.2.0/24', 1, 1)",
     false},
    {"UPDATE pool SET ttl = 8; UPDATE virtual_server SET weight = 3", true},
    {"UPDATE virtual_server SET controller_id = 2 WHERE id = 2", false},
    {"UPDATE pin SET until = unixepoch()", false},
    {"UPDATE setting SET value = 77 WHERE name = 'sweep_batch'", false},
    {"UPDATE virtual_server SET position = 7 WHERE id = 1", false},
    {"UPDATE OR REPLACE virtual_server SET position = 2 WHERE id = 1;"
     " UPDATE virtual_server SET position = 7 WHERE id = 1",
     false},
    {"UPDATE pool SET name = 'WEB'", false},
    {"INSERT INTO pool (id, name, fallback_pool_id) VALUES (2, 'api', 1)", false},
    {"UPDATE pool SET ttl = 3 WHERE id = 2", true},
    {"UPDATE pool SET fallback_pool_id = 1, persistence_pool_id = 1 WHERE id = 2", false},
    {"UPDATE OR REPLACE pool SET name = 'api' WHERE id = 1", false},
    {"UPDATE pool SET ttl = 3 WHERE id = 1; DELETE FROM configuration_change", false},
    {"UPDATE pool SET ttl = 4; UPDATE pool SET ttl = 5; UPDATE pool SET ttl = 6;"
     " DELETE FROM configuration_change WHERE number = (SELECT max(number) - 1"
     " FROM configuration_change)",
     false},
    {"UPDATE revision SET configuration = 1", false},
    {"UPDATE pool SET ttl = 9; UPDATE revision SET configuration = 2", false},
};

static void updates_of_rows_are_patched_and_all_else_is_loaded(void)
{
    struct desk desk;
    desk_init(&desk);
    for (size_t i = 0; i < COUNT(statements); i++) {
        place_run(&desk.place, statements[i].sql);
        CHECK_INTEGER(desk_follow(&desk, statements[i].sql), statements[i].patched, "%s",
                      statements[i].sql);
    }
    desk_release(&desk);
}

static void who_has_missed_hundreds_of_changes_loads_everything(void)
{
    static const struct {
        int changes;
        bool patched;
    } rows[] = {{255, true}, {256, true}, {400, false}, {1000, false}, {1, true}};
    struct desk desk;
    desk_init(&desk);
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int k = 0; k < rows[i].changes; k++)
            place_run(&desk.place, "UPDATE pool SET ttl = ttl + 1");
        CHECK_INTEGER(desk_follow(&desk, "ttl"), rows[i].patched, "%d changes", rows[i].changes);
        CHECK(place_number(&desk.place, "SELECT count(*) FROM configuration_change") < 320, "rows");
    }
    desk_release(&desk);
}

static void a_patch_without_memory_leaves_the_snapshot_as_it_was(void)
{
    struct desk desk;
    struct buffer before = {0}, after = {0};
    bool failed = true;
    desk_init(&desk);
    place_run(&desk.place, "UPDATE virtual_server SET ipv4 = '192.0.2.77', ipv6 = '2001:db8::77';"
                           "UPDATE controller SET address = '192.0.2.78';"
                           "UPDATE pool SET method = 'least', metric = 'cpu'");
    desk_begin(&desk);
    snapshot_text(desk.snapshot, &before);
    size_t n = 1;
    for (; failed && n < 1000; n++) {
        memory_fail_at(n);
        bool patched = store_patch(desk.store, desk.loaded.configuration, desk.snapshot);
        failed = memory_fail_end();
        CHECK(patched != failed, "allocation %zu", n);
        if (failed)
            CHECK_TEXT(snapshot_text(desk.snapshot, &after), buffer_text(&before), "untouched");
    }
    CHECK(n > 5 && n < 1000, "%zu allocations", n);
    CHECK(desk_follow(&desk, "at last"), "once more");
    buffer_release(&before);
    buffer_release(&after);
    desk_release(&desk);
}

/* ---------------------------------------------------------------- random changes */

#define ROUNDS 25
#define STEPS 60 /* in a round, which begins with rows that can all be used */

#define ONE_OF_3(a, b, c) "CASE ?2 % 3 WHEN 0 THEN '" a "' WHEN 1 THEN '" b "' ELSE '" c "' END"
#define ONE_OF_4(a, b, c, d)                                                                       \
    "CASE ?2 % 4 WHEN 0 THEN '" a "' WHEN 1 THEN '" b "' WHEN 2 THEN '" c "' ELSE '" d "' END"
#define ONE_OF_5(a, b, c, d, e)                                                                    \
    "CASE ?2 % 5 WHEN 0 THEN '" a "' WHEN 1 THEN '" b "' WHEN 2 THEN '" c "' WHEN 3 THEN '" d      \
    "' ELSE '" e "' END"

#define INSERT_SERVER                                                                              \
    "INSERT OR IGNORE INTO virtual_server (id, pool_id, controller_id, position, ipv4)"

/* ?1 is the id of a row, ?2 any number. The first ones are what operators do all the time. */
static const char *const changes[] = {
    "UPDATE virtual_server SET state = " ONE_OF_3("enabled", "draining",
                                                  "disabled") " WHERE id = ?1",
    "UPDATE virtual_server SET weight = ?2 % 4 WHERE id = ?1",
    "UPDATE virtual_server SET weight = ?2 % 2 WHERE pool_id = ?1 % 6",
    "UPDATE virtual_server SET ipv4 = '192.0.2.' || (?2 % 250) WHERE id = ?1",
    "UPDATE virtual_server SET ipv6 = '2001:db8::' || (?2 % 250) WHERE id = ?1",
    "UPDATE virtual_server SET controller_id = 1 + ?2 % 4 WHERE id = ?1",
    "UPDATE virtual_server SET name = 'lb-' || (?2 % 9) || '.example', ipv4 = NULL, ipv6 = NULL"
    " WHERE id = ?1",
    "UPDATE pool SET ttl = ?2 % 100 WHERE id = ?1 % 6",
    "UPDATE pool SET ttl = ?2 % 100",
    "UPDATE pool SET method = " ONE_OF_5("modulus", "ratio", "rendezvous", "least",
                                         "failover") " WHERE id = ?1 % 6",
    "UPDATE pool SET alternate_method = " ONE_OF_3("ratio", "least",
                                                   "modulus") " WHERE id = ?1 % 6",
    "UPDATE pool SET alternate_method = NULL WHERE id = ?1 % 6",
    "UPDATE pool SET metric = " ONE_OF_3("cpu", "rtt", "load") ", tolerance = ?2 % 50"
                                                               " WHERE id = ?1 % 6",
    "UPDATE pool SET metric = NULL WHERE id = ?1 % 6",
    "UPDATE pool SET failback = " ONE_OF_4("stay", "return", "delayed",
                                           "manual") " WHERE id = ?1 % 6",
    "UPDATE pool SET failback_delay = ?2 % 99 WHERE id = ?1 % 6",
    "UPDATE pool SET persistence_ttl = ?2 % 99, ipv4_prefix = ?2 % 33, ipv6_prefix = ?2 % 129,"
    " client = iif(?2 % 2, 'ecs', 'ldns'), persistence_timer = iif(?2 % 2, 'fixed', 'sliding'),"
    " fallback = " ONE_OF_3("any", "none", "servfail") " WHERE id = ?1 % 6",
    "UPDATE controller SET state = " ONE_OF_3("enabled", "draining",
                                              "disabled") " WHERE id = ?1 % 5",
    "UPDATE controller SET address = 'host-' || ?2 % 9 WHERE id = ?1 % 5",
    "UPDATE controller SET address = NULL WHERE id = ?1 % 5",
    /* What moves rows, or makes others of them. */
    "UPDATE OR IGNORE virtual_server SET position = 1 + ?2 % 9 WHERE id = ?1",
    "UPDATE OR REPLACE virtual_server SET position = 1 + ?2 % 9 WHERE id = ?1",
    "UPDATE OR IGNORE virtual_server SET pool_id = 1 + ?2 % 6 WHERE id = ?1",
    "UPDATE OR REPLACE virtual_server SET id = 1 + ?2 % 24 WHERE id = ?1",
    "DELETE FROM virtual_server WHERE id = ?1",
    INSERT_SERVER " VALUES (?1, 1 + ?2 % 5, 1 + ?2 % 4, 1 + ?2 % 9, '192.0.2.1')",
    "UPDATE OR REPLACE pool SET name = 'pool-' || ?2 % 6 WHERE id = ?1 % 6",
    "UPDATE pool SET fallback_pool_id = ?2 % 6 WHERE id = ?1 % 6",
    "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL WHERE id = ?1 % 6",
    "UPDATE pool SET persistence_pool_id = ?2 % 6 WHERE id = ?1 % 6",
    "DELETE FROM pool WHERE id = ?1 % 6",
    "INSERT OR REPLACE INTO pool (id, name) VALUES (?1 % 6, 'pool-' || ?1 % 6)",
    "UPDATE OR REPLACE controller SET name = 'site-' || ?2 % 5 WHERE id = ?1 % 5",
    "INSERT OR REPLACE INTO controller (id, name) VALUES (?1 % 5, 'site-' || ?1 % 5)",
    "INSERT OR REPLACE INTO balanced_name VALUES ('www-' || ?2 % 9 || '.example.com', ?1 % 6)",
    "DELETE FROM balanced_name WHERE name = 'www-' || ?2 % 9 || '.example.com'",
    "INSERT OR REPLACE INTO ldns_group VALUES ('192.0.2.' || ?2 % 9, 'office')",
    "INSERT OR REPLACE INTO pin (id, network, pool_id, controller_id)"
    " VALUES (?1, '192.0.2.' || ?2 % 9, ?1 % 6, 1 + ?2 % 4)",
    "INSERT OR REPLACE INTO pin (id, ldns_group, controller_id, until)"
    " VALUES (?1, 'office', 1 + ?2 % 4, ?2)",
    "UPDATE pin SET controller_id = 1 + ?2 % 4, network = '2001:db8::/' || ?2 % 129 WHERE id = ?1",
    "DELETE FROM pin WHERE id = ?1",
    "UPDATE setting SET value = 1 + ?2 % 99 WHERE name = 'sweep_batch'",
    /* What cannot be used. */
    "UPDATE virtual_server SET state = 'asleep' WHERE id = ?1",
    "UPDATE virtual_server SET weight = 70000 WHERE id = ?1",
    "UPDATE virtual_server SET ipv4 = '192.0.2.999' WHERE id = ?1",
    "UPDATE virtual_server SET ipv4 = NULL WHERE id = ?1",
    "UPDATE virtual_server SET name = 'lb..example' WHERE id = ?1",
    "UPDATE virtual_server SET name = 'lb.example', ipv4 = NULL, ipv6 = NULL"
    " WHERE pool_id = ?1 % 6",
    "UPDATE virtual_server SET name = NULL, ipv4 = '192.0.2.1' WHERE pool_id = ?1 % 6",
    "UPDATE virtual_server SET controller_id = 77 WHERE id = ?1",
    "UPDATE virtual_server SET weight = 0 WHERE pool_id = ?1 % 6",
    "UPDATE pool SET method = 'tarot' WHERE id = ?1 % 6",
    "UPDATE pool SET alternate_method = 'tarot' WHERE id = ?1 % 6",
    "UPDATE pool SET ttl = -1 WHERE id = ?1 % 6",
    "UPDATE pool SET fallback_pool_id = 77 WHERE id = ?1 % 6",
    "UPDATE pool SET persistence_pool_id = 77 WHERE id = ?1 % 6",
    "UPDATE controller SET state = 'asleep' WHERE id = ?1 % 5",
};

/* As many at the beginning of `changes` keep each row in its place. */
#define USUAL_CHANGES 18

static const char fresh_rows[] =
    "DELETE FROM balanced_name; DELETE FROM virtual_server; DELETE FROM pool;"
    "DELETE FROM controller; DELETE FROM ldns_group; DELETE FROM pin;"
    "INSERT INTO controller (id, name) VALUES (1, 'site-1'), (2, 'site-2'), (3, 'site-3'),"
    " (4, 'site-4');"
    "INSERT INTO pool (id, name) VALUES (1, 'pool-1'), (2, 'pool-2'), (3, 'pool-3'),"
    " (4, 'pool-4'), (5, 'pool-5');"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
    " INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
    " SELECT i, 1 + i % 5, 1 + i % 4, 1 + i / 5, '192.0.2.' || i FROM n;"
    "INSERT INTO balanced_name VALUES ('www-1.example.com', 1), ('www-2.example.com', 2)";

/* Only the triggers of the revision stay, so that rows are written that cannot be used. */
static void drop_guards(struct place *place)
{
    struct buffer sql = {0};
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(place->shell,
                       "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
                       " AND name NOT LIKE 'revision%'",
                       -1, &statement, NULL);
    while (sqlite3_step(statement) == SQLITE_ROW)
        buffer_printf(&sql, "DROP TRIGGER %s;", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    place_run(place, buffer_text(&sql));
    place_run(place, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    buffer_release(&sql);
}

static const char *change_at_random(struct place *place, uint64_t *seed, size_t count)
{
    const char *sql = changes[random_below(seed, count)];
    sqlite3_stmt *statement = NULL;
    CHECK(sqlite3_prepare_v2(place->shell, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
          sqlite3_errmsg(place->shell));
    sqlite3_bind_int64(statement, 1, 1 + (int64_t)random_below(seed, 24));
    sqlite3_bind_int64(statement, 2, (int64_t)random_below(seed, 1000));
    int result = sqlite3_step(statement);
    CHECK(result == SQLITE_DONE || result == SQLITE_CONSTRAINT, "%s: %s", sql,
          sqlite3_errmsg(place->shell));
    sqlite3_finalize(statement);
    return sql;
}

/* Some changes in a transaction, most of them usual; the last one. */
static const char *change_some(struct place *place, uint64_t *seed)
{
    const char *sql = "";
    place_run(place, "BEGIN");
    for (size_t i = 1 + random_below(seed, 3); i > 0; i--)
        sql = change_at_random(place, seed, random_below(seed, 6) ? USUAL_CHANGES : COUNT(changes));
    place_run(place, "COMMIT");
    return sql;
}

static void after_random_changes_it_equals_a_full_load(void)
{
    struct desk desk;
    uint64_t seed = 31;
    size_t patched = 0;
    desk_init(&desk);
    drop_guards(&desk.place);
    for (size_t round = 0; round < ROUNDS; round++) {
        place_run(&desk.place, fresh_rows);
        for (size_t step = 0; step < STEPS; step++)
            patched += desk_follow(&desk, change_some(&desk.place, &seed));
    }
    CHECK(patched > ROUNDS * STEPS / 3 && patched < ROUNDS * STEPS * 9 / 10, "%zu", patched);
    desk_release(&desk);
}

static const CU_TestInfo tests[] = {
    {"a row is patched if it stays in its place, and brings or ends no problem",
     a_row_is_patched_if_it_stays_in_its_place_and_brings_or_ends_no_problem},
    {"a row that is gone is not patched", a_row_that_is_gone_is_not_patched},
    {"replaced rows do not fill the memory", replaced_rows_do_not_fill_the_memory},
    {"updates of rows are patched, and all else is loaded",
     updates_of_rows_are_patched_and_all_else_is_loaded},
    {"who has missed hundreds of changes loads everything",
     who_has_missed_hundreds_of_changes_loads_everything},
    {"a patch without memory leaves the snapshot as it was",
     a_patch_without_memory_leaves_the_snapshot_as_it_was},
    {"after random changes it equals a full load", after_random_changes_it_equals_a_full_load},
    CU_TEST_INFO_NULL,
};

const struct suite suite_snapshot_patch = {"snapshot_patch", tests};

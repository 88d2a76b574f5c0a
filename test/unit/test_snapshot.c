#include "core/configuration/snapshot.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define SOA(id, zone, name)                                                                        \
    RECORD(id, zone, name, "SOA", "ns.example.com hostmaster.example.com 1 2 3 4 5")

static const struct rows sample = {
    .zones =
        (const struct zone_row[]){
            {7, "Example.com"}, {3, "sub.example.com"}, {5, "a.b.c.example.net"}, {.name = NULL}},
    .records = (const struct record_row[]){SOA(11, 7, "example.com"),
                                           SOA(12, 3, "sub.example.com"),
                                           SOA(13, 5, "a.b.c.example.net"),
                                           RECORD(1, 7, "example.com", "NS", "ns.example.com"),
                                           RECORD(2, 7, "a.b.example.com", "A", "192.0.2.1"),
                                           RECORD(3, 7, "z.example.com", "TXT", "\"z\""),
                                           RECORD(4, 3, "x.y.sub.example.com", "A", "192.0.2.1"),
                                           {.name = NULL}},
    .controllers = (const struct controller_row[]){CONTROLLER(30, "nice"),
                                                   CONTROLLER(10, "paris"),
                                                   CONTROLLER(20, "lyon"),
                                                   {.name = NULL}},
    .pools =
        (const struct pool_row[]){POOL(2, "api"), POOL(9, "Web"), POOL(4, "mail"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(500, 9, 30, 3, "192.0.2.3", NULL),
                                                   SERVER(100, 9, 10, 1, "192.0.2.1", NULL),
                                                   SERVER(300, 2, 20, 7, "192.0.2.9", NULL),
                                                   SERVER(900, 9, 20, -2, "192.0.2.2", NULL),
                                                   {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"www.example.com", 9},
                                                   {"x.example.org", 2},
                                                   {.name = NULL}},
};

static struct snapshot *build(const struct rows *rows)
{
    struct snapshot *snapshot = NULL;
    CHECK_INTEGER(rows_build(rows, &snapshot), 0, "the snapshot");
    return snapshot;
}

static void rows_are_found_by_id(void)
{
    static const int64_t ids[] = {INT64_MIN, -1, 0,   2,   3,   4,   5,   7,    9,        10,
                                  20,        30, 100, 300, 500, 900, 901, 1000, INT64_MAX};
    struct snapshot *snapshot = build(&sample);
    size_t controllers = 0, pools = 0, zones = 0, servers = 0;
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct controller *controller = snapshot_controller(snapshot, ids[i]);
        const struct pool *pool = snapshot_pool(snapshot, ids[i]);
        const struct zone *zone = snapshot_zone(snapshot, ids[i]);
        const struct virtual_server *server = snapshot_server(snapshot, ids[i]);
        CHECK(!controller || controller->id == ids[i], "controller %lld", (long long)ids[i]);
        CHECK(!pool || pool->id == ids[i], "pool %lld", (long long)ids[i]);
        CHECK(!zone || zone->id == ids[i], "zone %lld", (long long)ids[i]);
        CHECK(!server || server->id == ids[i], "server %lld", (long long)ids[i]);
        controllers += controller != NULL;
        pools += pool != NULL;
        zones += zone != NULL;
        servers += server != NULL;
    }
    CHECK_INTEGER((int64_t)controllers, 3, "controllers");
    CHECK_INTEGER((int64_t)pools, 3, "pools");
    CHECK_INTEGER((int64_t)zones, 3, "zones");
    CHECK_INTEGER((int64_t)servers, 4, "servers");
    snapshot_free(snapshot);
}

static void pools_are_found_by_name(void)
{
    static const struct {
        const char *name;
        int64_t id;
    } rows[] = {{"web", 9}, {"WEB", 9}, {"api", 2}, {"Mail", 4}, {"we", 0}, {"webs", 0}, {"", 0}};
    struct snapshot *snapshot = build(&sample);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct pool *pool = snapshot_pool_named(snapshot, rows[i].name);
        CHECK_INTEGER(pool ? pool->id : 0, rows[i].id, "%s", rows[i].name);
    }
    snapshot_free(snapshot);
}

static void servers_stand_by_position_and_have_their_index(void)
{
    static const int64_t ids[] = {900, 100, 500};
    struct snapshot *snapshot = build(&sample);
    const struct pool *pool = snapshot_pool(snapshot, 9);
    CHECK_INTEGER((int64_t)pool->server_count, 3, "web");
    for (size_t i = 0; i < pool->server_count; i++)
        CHECK_INTEGER(pool->servers[i].id, ids[i], "server %zu", i);
    for (size_t i = 0; i < snapshot->server_count; i++)
        CHECK_INTEGER((int64_t)snapshot->servers[i].index, (int64_t)i, "server %zu", i);
    for (size_t i = 0; i < snapshot->controller_count; i++)
        CHECK_INTEGER((int64_t)snapshot->controllers[i].index, (int64_t)i, "controller %zu", i);
    snapshot_free(snapshot);
}

static void names_are_found_with_what_lies_below(void)
{
    static const struct {
        const char *name;
        bool found, below;
    } rows[] = {
        {"example.com", true, true},
        {"EXAMPLE.COM.", true, true},
        {"www.example.com", true, false},
        {"b.example.com", false, true},
        {"a.b.example.com", true, false},
        {"c.example.com", false, false},
        {"com", false, true},
        {".", false, true},
        {"net", false, true},
        {"c.example.net", false, true},
        {"org", false, true},
        {"x.example.org", true, false},
        {"y.sub.example.com", false, true},
        {"zz.example.com", false, false},
        {"z.example.com", true, false},
        {"0.example.com", false, false},
        {"exampl.com", false, false},
        {"example.co", false, false},
        {"zzz", false, false},
        {"0", false, false},
    };
    struct snapshot *snapshot = build(&sample);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name;
        bool below = !rows[i].below;
        name_parse(rows[i].name, strlen(rows[i].name), &name);
        const struct name_entry *entry = snapshot_find(snapshot, &name, &below);
        CHECK_INTEGER(entry != NULL, rows[i].found, "%s", rows[i].name);
        CHECK_INTEGER(below, rows[i].below, "%s", rows[i].name);
        if (entry)
            CHECK_TEXT(entry->text, name.text, "%s", rows[i].name);
    }
    snapshot_free(snapshot);
}

static void a_name_is_answered_from_the_wildcard_of_the_closest_name_above_it(void)
{
    static const struct {
        const char *name, *answering;
    } rows[] = {
        {"example.com", "example.com"},
        {"no.such.example.com", NULL},
        {"x.wild.example.com", "*.wild.example.com"},
        {"x.y.wild.example.com", "*.wild.example.com"},
        {"*.wild.example.com", "*.wild.example.com"},
        {"wild.example.com", NULL},
        {"there.wild.example.com", "there.wild.example.com"},
        {"x.there.wild.example.com", NULL},
        {"empty.wild.example.com", NULL},
        {"x.empty.wild.example.com", NULL},
        {"zzz", NULL},
    };
    const struct rows wild = {
        .zones = (const struct zone_row[]){{7, "example.com"}, {.name = NULL}},
        .records =
            (const struct record_row[]){RECORD(1, 7, "example.com", "NS", "ns.example.com"),
                                        RECORD(2, 7, "*.wild.example.com", "A", "192.0.2.1"),
                                        RECORD(3, 7, "there.wild.example.com", "A", "192.0.2.1"),
                                        RECORD(4, 7, "b.empty.wild.example.com", "A", "192.0.2.1"),
                                        {.name = NULL}},
    };
    struct snapshot *snapshot = build(&wild);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name;
        name_parse(rows[i].name, strlen(rows[i].name), &name);
        const struct name_entry *entry = snapshot_find_answering(snapshot, &name);
        CHECK_TEXT(entry ? entry->text : "", rows[i].answering ? rows[i].answering : "", "%s",
                   rows[i].name);
    }
    snapshot_free(snapshot);
}

static void a_name_lies_in_its_deepest_zone(void)
{
    static const struct {
        const char *name;
        int32_t zone;
    } rows[] = {
        {"example.com", 7},
        {"www.example.com", 7},
        {"no.such.example.com", 7},
        {"b.example.com", 7},
        {"sub.example.com", 3},
        {"x.y.sub.example.com", 3},
        {"other.sub.example.com", 3},
        {"notsub.example.com", 7},
        {"com", 0},
        {".", 0},
        {"badexample.com", 0},
        {"x.example.org", 0},
        {"b.c.example.net", 0},
        {"1.a.b.c.example.net", 5},
        {"www.x.example.org", 0},
    };
    struct snapshot *snapshot = build(&sample);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name;
        name_parse(rows[i].name, strlen(rows[i].name), &name);
        const struct zone *zone = snapshot_zone_of(snapshot, &name);
        CHECK_INTEGER(zone ? zone->id : 0, rows[i].zone, "%s", rows[i].name);
    }
    snapshot_free(snapshot);
}

static void a_zone_is_a_range_of_names(void)
{
    static const struct {
        int64_t zone;
        const char *first;
        size_t count;
    } rows[] = {{7, "example.com", 6}, {3, "sub.example.com", 2}, {5, "a.b.c.example.net", 1}};
    struct snapshot *snapshot = build(&sample);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct name_entry *first;
        size_t count;
        snapshot_range(snapshot, snapshot_zone(snapshot, rows[i].zone), &first, &count);
        CHECK_TEXT(first->text, rows[i].first, "zone %lld", (long long)rows[i].zone);
        CHECK_INTEGER((int64_t)count, (int64_t)rows[i].count, "zone %lld", (long long)rows[i].zone);
    }
    snapshot_free(snapshot);
}

static void the_root_can_be_a_zone(void)
{
    const struct rows rows = {
        .zones = (const struct zone_row[]){{1, "."}, {.name = NULL}},
        .records = (const struct record_row[]){SOA(3, 1, "."),
                                               RECORD(1, 1, ".", "NS", "a.root"),
                                               RECORD(2, 1, "a.root", "A", "192.0.2.1"),
                                               {.name = NULL}}};
    struct snapshot *snapshot = build(&rows);
    struct name name;
    const struct name_entry *first;
    size_t count;
    bool below;
    name_parse(".", 1, &name);
    CHECK(snapshot_find(snapshot, &name, &below) != NULL && below, "the root");
    name_parse("any.name", 8, &name);
    CHECK(snapshot_zone_of(snapshot, &name) == snapshot_zone(snapshot, 1), "any name");
    snapshot_range(snapshot, snapshot_zone(snapshot, 1), &first, &count);
    CHECK_INTEGER((int64_t)count, 2, "all names");
    CHECK(!snapshot->names[0].cut && !snapshot->names[0].delegated, "NS at its apex");
    snapshot_free(snapshot);
}

static void an_empty_snapshot_answers_everything(void)
{
    struct snapshot *snapshot = build(&(struct rows){.zones = NULL});
    struct name name;
    bool below = true;
    name_parse("example.com", 11, &name);
    CHECK(!snapshot_find(snapshot, &name, &below) && !below, "a name");
    CHECK(!snapshot_zone_of(snapshot, &name), "its zone");
    name_parse(".", 1, &name);
    CHECK(!snapshot_find(snapshot, &name, &below) && !below, "the root");
    CHECK(!snapshot_controller(snapshot, 1) && !snapshot_pool(snapshot, 1), "ids");
    CHECK(!snapshot_zone(snapshot, 1) && !snapshot_server(snapshot, 1), "ids");
    CHECK(!snapshot_pool_named(snapshot, ""), "a pool");
    CHECK_INTEGER((int64_t)snapshot->problems.count, 0, "problems");
    snapshot_free(snapshot);
    snapshot_free(NULL);
}

static const CU_TestInfo tests[] = {
    {"a name is answered from the wildcard of the closest name above it",
     a_name_is_answered_from_the_wildcard_of_the_closest_name_above_it},
    {"rows are found by id", rows_are_found_by_id},
    {"pools are found by name, in capitals or not", pools_are_found_by_name},
    {"servers stand by position and have their index",
     servers_stand_by_position_and_have_their_index},
    {"names are found with what lies below", names_are_found_with_what_lies_below},
    {"a name lies in its deepest zone", a_name_lies_in_its_deepest_zone},
    {"a zone is a range of names", a_zone_is_a_range_of_names},
    {"the root can be a zone", the_root_can_be_a_zone},
    {"an empty snapshot answers everything", an_empty_snapshot_answers_everything},
    CU_TEST_INFO_NULL,
};

const struct suite suite_snapshot = {"snapshot", tests};

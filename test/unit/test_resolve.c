#include "core/sticky/resolve.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

/* The server of the client that asks in these tests is 12: 3221225994 leaves 0 by 3. */
#define CLIENT "192.0.2.10"
#define NOBODY "0.0.0.0"

#define SOA "ns.example.com hostmaster.example.com 1 3600 600 86400 300"
#define DS "1 13 2 00ff"

static const struct rows alone = {
    .zones = (const struct zone_row[]){{1, "example.com"}, {2, "sub.example.com"}, {.name = NULL}},
    .records =
        (const struct record_row[]){RECORD(1, 1, "example.com", "SOA", SOA),
                                    RECORD(2, 1, "example.com", "NS", "ns.example.com"),
                                    RECORD(3, 1, "ns.example.com", "A", "192.0.2.53"),
                                    RECORD(4, 1, "www.example.com", "MX", "10 mail.example.com"),
                                    RECORD(5, 1, "*.example.com", "TXT", "\"wild\""),
                                    RECORD(6, 1, "cut.example.com", "NS", "ns.cut.example.com"),
                                    RECORD(7, 1, "cut.example.com", "DS", DS),
                                    RECORD(8, 1, "ns.cut.example.com", "A", "192.0.2.54"),
                                    RECORD(9, 1, "sub.example.com", "NS", "ns.example.com"),
                                    RECORD(10, 1, "sub.example.com", "DS", DS),
                                    RECORD(11, 2, "sub.example.com", "SOA", SOA),
                                    RECORD(12, 2, "sub.example.com", "NS", "ns.example.com"),
                                    RECORD(13, 1, "a.b.example.com", "A", "192.0.2.55"),
                                    RECORD(14, 1, "a.b.example.com", "TXT", "\"x\""),
                                    RECORD(15, 0, "shop.example.net", "TXT", "\"shop\""),
                                    RECORD(16, 1, "ns.cut.example.com", "DS", DS),
                                    {.name = NULL}},
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "paris"), CONTROLLER(2, "lyon"), CONTROLLER(3, "nice"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), {.name = NULL}},
    .servers =
        (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "198.51.100.1", "2001:db8::1"),
                                            SERVER(12, 1, 2, 2, "198.51.100.2", "2001:db8::2"),
                                            SERVER(13, 1, 3, 3, "198.51.100.3", NULL),
                                            {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"www.example.com", 1},
                                                   {"lb.cut.example.com", 1},
                                                   {"app.sub.example.com", 1},
                                                   {"shop.example.net", 1},
                                                   {"lost.example.com", 99},
                                                   {"lost.example.net", 99},
                                                   {.name = NULL}},
};

/* Writes an answer as lines `owner type ttl content, zone, scope, a(uthoritative) or -`. */
static const char *text_of(const struct answer *answer, struct buffer *text)
{
    buffer_clear(text);
    if (answer->failed)
        buffer_add_text(text, "failed\n");
    for (size_t i = 0; i < answer->count; i++) {
        const struct answer_record *record = &answer->records[i];
        buffer_printf(text, "%s %s %u %s z%d s%u %s\n", record->owner, record->type, record->ttl_s,
                      record->content, (int)record->zone_id, record->scope_bits,
                      record->authoritative ? "a" : "-");
    }
    return buffer_text(text);
}

struct question_row {
    const char *name, *type, *remote;
    int32_t zone_id;
    const char *answer;
};

static struct question question_of(const struct question_row *row)
{
    struct question question = {.zone_id = row->zone_id};
    question.source = source_of(row->remote, NULL);
    snprintf(question.type, sizeof question.type, "%s", row->type);
    CHECK_INTEGER(name_parse(row->name, strlen(row->name), &question.name), 0, "%s", row->name);
    return question;
}

static void check_question(struct scene *scene, const struct question_row *row)
{
    struct answer answer = {.count = 0};
    struct buffer text = {0};
    struct question question = question_of(row);
    resolve(&scene->inputs, &question, &answer);
    scene_check_warned(scene, 0, row->name);
    CHECK_TEXT(text_of(&answer, &text), row->answer, "%s %s from %s in %d", row->name, row->type,
               row->remote, (int)row->zone_id);
    buffer_release(&text);
    answer_release(&answer);
}

static void check_questions(const struct question_row *rows, size_t count)
{
    struct scene scene;
    scene_init(&scene, &alone);
    for (size_t i = 0; i < count; i++)
        check_question(&scene, &rows[i]);
    scene_release(&scene);
}

#define WWW_A "www.example.com A 30 198.51.100.2 z1 s1 a\n"
#define WWW_AAAA "www.example.com AAAA 30 2001:db8::2 z1 s1 a\n"
#define WWW_MX "www.example.com MX 3600 10 mail.example.com z1 s0 a\n"
#define APEX_SOA "example.com SOA 3600 " SOA " z1 s0 a\n"
#define APEX_NS "example.com NS 3600 ns.example.com z1 s0 a\n"

static void the_soa_is_answered_at_the_apex_alone(void)
{
    static const struct question_row rows[] = {
        {"example.com", "SOA", NOBODY, -1, APEX_SOA},
        {"EXAMPLE.com", "SOA", NOBODY, -1, APEX_SOA},
        {"example.com", "SOA", CLIENT, 1, APEX_SOA},
        {"example.com", "SOA", NOBODY, 2, ""},
        {"com", "SOA", NOBODY, -1, ""},
        {".", "SOA", NOBODY, -1, ""},
        {"www.example.com", "SOA", NOBODY, -1, ""},
        {"www.example.com", "SOA", CLIENT, -1, ""},
        {"b.example.com", "SOA", NOBODY, -1, ""},
        {"cut.example.com", "SOA", NOBODY, -1, ""},
        {"nothing.example.com", "SOA", NOBODY, -1, ""},
        {"badexample.com", "SOA", NOBODY, -1, ""},
        {"shop.example.net", "SOA", NOBODY, -1, ""},
        {"example.net", "SOA", NOBODY, -1, ""},
        {"sub.example.com", "SOA", NOBODY, -1, "sub.example.com SOA 3600 " SOA " z2 s0 a\n"},
        {"sub.example.com", "SOA", NOBODY, 1, ""},
    };
    check_questions(rows, COUNT(rows));
}

static void any_means_all_records_of_a_name(void)
{
    static const struct question_row rows[] = {
        {"example.com", "ANY", CLIENT, 1, APEX_SOA APEX_NS},
        {"example.com", "ANY", NOBODY, -1, APEX_SOA APEX_NS},
        {"www.example.com", "ANY", CLIENT, 1, WWW_MX WWW_A WWW_AAAA},
        {"wWw.eXample.com", "ANY", CLIENT, -1, WWW_MX WWW_A WWW_AAAA},
        {"www.example.com", "ANY", CLIENT, 2, ""},
        {"a.b.example.com", "ANY", CLIENT, 1,
         "a.b.example.com A 3600 192.0.2.55 z1 s0 a\na.b.example.com TXT 3600 \"x\" z1 s0 a\n"},
        {"nothing.example.com", "ANY", CLIENT, 1, ""},
        {"x.www.example.com", "ANY", CLIENT, 1, ""},
        {"example.org", "ANY", CLIENT, -1, ""},
    };
    check_questions(rows, COUNT(rows));
}

static void a_type_is_answered_alone(void)
{
    static const struct question_row rows[] = {
        {"www.example.com", "A", CLIENT, 1, WWW_A},
        {"www.example.com", "AAAA", CLIENT, 1, WWW_AAAA},
        {"www.example.com", "MX", CLIENT, 1, WWW_MX},
        {"www.example.com", "TXT", CLIENT, 1, ""},
        {"www.example.com", "HTTPS", CLIENT, 1, ""},
        {"example.com", "NS", CLIENT, 1, APEX_NS},
        {"example.com", "A", CLIENT, 1, ""},
        {"a.b.example.com", "TXT", CLIENT, 1, "a.b.example.com TXT 3600 \"x\" z1 s0 a\n"},
        {"a.b.example.com", "AAAA", CLIENT, 1, ""},
    };
    check_questions(rows, COUNT(rows));
}

#define EXISTS(name) name " TYPE0 60 \\# 0 z1 s0 a\n"

static void a_name_between_exists(void)
{
    static const struct question_row rows[] = {
        {"b.example.com", "ANY", CLIENT, 1, EXISTS("b.example.com")},
        {"B.Example.Com", "ANY", NOBODY, -1, EXISTS("b.example.com")},
        {"b.example.com", "TYPE0", CLIENT, 1, EXISTS("b.example.com")},
        {"b.example.com", "A", CLIENT, 1, ""},
        {"b.example.com", "NS", CLIENT, 1, ""},
        {"b.example.com", "ANY", CLIENT, 2, ""},
        {"c.example.com", "ANY", CLIENT, 1, ""},
        {"lost.example.com", "ANY", CLIENT, 1, EXISTS("lost.example.com")},
        {"lost.example.com", "A", CLIENT, 1, ""},
        {"lost.example.net", "ANY", CLIENT, -1, ""},
        {"com", "ANY", CLIENT, -1, ""},
        {"example.net", "ANY", CLIENT, -1, ""},
        {".", "ANY", CLIENT, -1, ""},
    };
    check_questions(rows, COUNT(rows));
}

static void a_wildcard_is_a_name_like_others(void)
{
    static const struct question_row rows[] = {
        {"*.example.com", "ANY", CLIENT, 1, "*.example.com TXT 3600 \"wild\" z1 s0 a\n"},
        {"*.example.com", "TXT", CLIENT, 1, "*.example.com TXT 3600 \"wild\" z1 s0 a\n"},
        {"*.example.com", "A", CLIENT, 1, ""},
        {"any.example.com", "ANY", CLIENT, 1, ""},
        {"*.b.example.com", "ANY", CLIENT, 1, ""},
        {"\\*.example.com", "TXT", CLIENT, 1, "*.example.com TXT 3600 \"wild\" z1 s0 a\n"},
    };
    check_questions(rows, COUNT(rows));
}

static void a_delegation_is_not_ours_but_its_ds(void)
{
    static const struct question_row rows[] = {
        {"cut.example.com", "ANY", CLIENT, 1,
         "cut.example.com NS 3600 ns.cut.example.com z1 s0 -\n"
         "cut.example.com DS 3600 " DS " z1 s0 a\n"},
        {"cut.example.com", "NS", CLIENT, 1,
         "cut.example.com NS 3600 ns.cut.example.com z1 s0 -\n"},
        {"ns.cut.example.com", "A", CLIENT, 1, "ns.cut.example.com A 3600 192.0.2.54 z1 s0 -\n"},
        {"ns.cut.example.com", "DS", CLIENT, 1, "ns.cut.example.com DS 3600 " DS " z1 s0 -\n"},
        {"lb.cut.example.com", "A", CLIENT, 1, "lb.cut.example.com A 30 198.51.100.2 z1 s1 -\n"},
    };
    check_questions(rows, COUNT(rows));
}

static void parent_and_child_zone_answer_for_themselves(void)
{
    static const struct question_row rows[] = {
        {"sub.example.com", "ANY", CLIENT, 2,
         "sub.example.com SOA 3600 " SOA
         " z2 s0 a\nsub.example.com NS 3600 ns.example.com z2 s0 a\n"},
        {"sub.example.com", "ANY", CLIENT, -1,
         "sub.example.com SOA 3600 " SOA
         " z2 s0 a\nsub.example.com NS 3600 ns.example.com z2 s0 a\n"},
        {"sub.example.com", "ANY", CLIENT, 1,
         "sub.example.com NS 3600 ns.example.com z1 s0 -\nsub.example.com DS 3600 " DS
         " z1 s0 a\n"},
        {"sub.example.com", "DS", CLIENT, 1, "sub.example.com DS 3600 " DS " z1 s0 a\n"},
        {"sub.example.com", "DS", CLIENT, 2, ""},
        {"app.sub.example.com", "A", CLIENT, 2, "app.sub.example.com A 30 198.51.100.2 z2 s1 a\n"},
        {"app.sub.example.com", "A", CLIENT, -1, "app.sub.example.com A 30 198.51.100.2 z2 s1 a\n"},
        {"app.sub.example.com", "A", CLIENT, 1, ""},
    };
    check_questions(rows, COUNT(rows));
}

static void beside_another_backend_only_balanced_names_are_ours(void)
{
    static const struct question_row rows[] = {
        {"shop.example.net", "ANY", CLIENT, 77,
         "shop.example.net TXT 3600 \"shop\" z77 s0 a\n"
         "shop.example.net A 30 198.51.100.2 z77 s1 a\n"
         "shop.example.net AAAA 30 2001:db8::2 z77 s1 a\n"},
        {"shop.example.net", "A", CLIENT, -1, "shop.example.net A 30 198.51.100.2 z-1 s1 a\n"},
        {"shop.example.net", "A", CLIENT, 0, "shop.example.net A 30 198.51.100.2 z0 s1 a\n"},
        {"shop.example.net", "A", CLIENT, INT32_MAX,
         "shop.example.net A 30 198.51.100.2 z2147483647 s1 a\n"},
        {"shop.example.net", "NS", CLIENT, 77, ""},
        {"example.net", "ANY", CLIENT, 77, ""},
        {"x.shop.example.net", "ANY", CLIENT, 77, ""},
    };
    check_questions(rows, COUNT(rows));
}

/* A question without client, with states of the servers 11 (both), 12 (both) and 13 (IPv4). */
static const struct {
    const char *what, *servers; /* u(p), d(own), g: draining, x: disabled */
    enum fallback fallback;
    const char *answer;
} crowds[] = {
    {"all", "uuu", FALLBACK_ANY, "www.example.com A 30 198.51.100.1 z1 s1 a\n"},
    {"the IPv4 one down", "uud", FALLBACK_ANY,
     "www.example.com A 30 198.51.100.1 z1 s1 a\nwww.example.com AAAA 30 2001:db8::1 z1 s1 "
     "a\n"},
    {"the IPv4 one off", "dux", FALLBACK_ANY,
     "www.example.com A 30 198.51.100.2 z1 s1 a\nwww.example.com AAAA 30 2001:db8::2 z1 s1 "
     "a\n"},
    {"the IPv4 one draining", "uug", FALLBACK_ANY, "www.example.com A 30 198.51.100.1 z1 s1 a\n"},
    {"all down", "ddd", FALLBACK_ANY, "www.example.com A 30 198.51.100.1 z1 s1 a\n"},
    {"all down, servfail", "ddd", FALLBACK_SERVFAIL, "www.example.com A 30 198.51.100.1 z1 s1 a\n"},
    {"all down, none", "ddd", FALLBACK_NONE, "www.example.com TYPE0 60 \\# 0 z1 s1 a\n"},
    {"all off", "xxx", FALLBACK_ANY, "www.example.com TYPE0 60 \\# 0 z1 s1 a\n"},
    {"all off, servfail", "xxx", FALLBACK_SERVFAIL, "www.example.com TYPE0 60 \\# 0 z1 s1 a\n"},
};

static void nobody_gets_the_types_that_all_sites_have(void)
{
    for (size_t i = 0; i < COUNT(crowds); i++) {
        char expected[256];
        struct scene scene;
        scene_init(&scene, &alone);
        scene_pool(&scene, "web")->fallback = crowds[i].fallback;
        for (int64_t id = 11; id <= 13; id++) {
            char letter = crowds[i].servers[id - 11];
            scene_set_server_down(&scene, id, letter == 'd');
            scene_server(&scene, id)->state = letter == 'x'   ? STATE_DISABLED
                                              : letter == 'g' ? STATE_DRAINING
                                                              : STATE_ENABLED;
        }
        snprintf(expected, sizeof expected, "%s%s", WWW_MX, crowds[i].answer);
        check_question(&scene,
                       &(struct question_row){"www.example.com", "ANY", NOBODY, 1, expected});
        check_question(&scene, &(struct question_row){"www.example.com", "ANY", "::", 1, expected});
        CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "%s", crowds[i].what);
        scene_release(&scene);
    }
}

/* Servers with one family each, and a pool that falls back on another. */
static const struct rows mixed = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "mixed"), POOL(2, "empty"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "198.51.100.1", NULL),
                                                   SERVER(12, 1, 2, 2, NULL, "2001:db8::2"),
                                                   {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"mixed.example.net", 1}, {.name = NULL}},
};

#define MIXED_A "mixed.example.net A 30 198.51.100.1 z7 s1 a\n"
#define MIXED_AAAA "mixed.example.net AAAA 30 2001:db8::2 z7 s1 a\n"
#define MIXED_NEITHER "mixed.example.net TYPE0 60 \\# 0 z7 s1 a\n"

static void without_a_common_type_nobody_is_promised_any(void)
{
    static const struct question_row rows[] = {
        {"mixed.example.net", "ANY", NOBODY, 7, MIXED_NEITHER},
        {"mixed.example.net", "A", NOBODY, 7, ""},
        {"mixed.example.net", "AAAA", NOBODY, 7, ""},
        {"mixed.example.net", "ANY", "192.0.2.1", 7, MIXED_A},
        {"mixed.example.net", "AAAA", "192.0.2.1", 7, ""},
        {"mixed.example.net", "ANY", "192.0.2.2", 7, MIXED_AAAA},
        {"mixed.example.net", "A", "192.0.2.2", 7, ""},
    };
    struct scene scene;
    scene_init(&scene, &mixed);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_question(&scene, &rows[i]);
    CHECK_INTEGER((int64_t)scene.table.writes, 2, "A and AAAA of a client are one decision");
    scene_release(&scene);
}

/* Which families server 11 and server 12 offer, and what a question without client gets. */
static void nobody_gets_the_family_that_both_sites_have(void)
{
    static const struct {
        const char *ipv4[2], *ipv6[2], *answer;
    } rows[] = {
        {{"198.51.100.1", NULL}, {NULL, "2001:db8::2"}, MIXED_NEITHER},
        {{"198.51.100.1", NULL}, {"2001:db8::2", "2001:db8::3"}, MIXED_AAAA},
        {{NULL, "198.51.100.1"}, {"2001:db8::2", "2001:db8::3"}, MIXED_AAAA},
        {{"198.51.100.1", "198.51.100.2"}, {NULL, "2001:db8::2"}, MIXED_A},
        {{"198.51.100.1", "198.51.100.2"}, {"2001:db8::2", NULL}, MIXED_A},
        {{NULL, NULL}, {"2001:db8::2", "2001:db8::3"}, MIXED_AAAA},
        {{"198.51.100.1", "198.51.100.2"}, {NULL, NULL}, MIXED_A},
        {{"198.51.100.1", "198.51.100.2"}, {"2001:db8::2", "2001:db8::3"}, MIXED_A MIXED_AAAA},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &mixed);
        for (int64_t k = 0; k < 2; k++) {
            scene_server(&scene, 11 + k)->ipv4 = rows[i].ipv4[k];
            scene_server(&scene, 11 + k)->ipv6 = rows[i].ipv6[k];
        }
        check_question(
            &scene, &(struct question_row){"mixed.example.net", "ANY", NOBODY, 7, rows[i].answer});
        scene_release(&scene);
    }
}

/*
 * Sites with names: pool cloud falls back on an empty pool, and that one on sorry. Records with
 * automatic hints point at a name of theirs, and at one with addresses.
 */
static const struct rows named = {
    .zones = (const struct zone_row[]){{1, "example.com"}, {.name = NULL}},
    .records =
        (const struct record_row[]){
            RECORD(1, 1, "example.com", "SOA", SOA),
            RECORD(2, 1, "svc.example.com", "HTTPS",
                   "1 app.example.com alpn=h2 ipv4hint=auto ipv6hint=auto"),
            RECORD(3, 1, "app.example.com", "TXT", "\"not beside a CNAME\""),
            RECORD(4, 1, "example.com", "TXT", "\"apex\""),
            {.name = NULL}},
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "paris"), CONTROLLER(2, "lyon"), CONTROLLER(3, "nice"), {.name = NULL}},
    .pools =
        (const struct pool_row[]){
            POOL(1, "cloud"), POOL(2, "empty"), POOL(3, "sorry"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){NAMED(11, 1, 1, 1, "lb-1.Cloud.example"),
                                                   NAMED(12, 1, 2, 2, "lb-2.cloud.example"),
                                                   NAMED(13, 1, 3, 3, "lb_3.cloud.example"),
                                                   NAMED(31, 3, 1, 1, "sorry.cloud.example"),
                                                   {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"app.example.com", 1},
                                                   {"*.any.example.com", 1},
                                                   {"app.example.net", 1},
                                                   {"example.com", 1},
                                                   {.name = NULL}},
};

#define APP_IS(number, scope)                                                                      \
    "app.example.com CNAME 30 lb-" number ".cloud.example z1 s" scope " a\n"
#define SVC "svc.example.com HTTPS 3600 1 app.example.com alpn=h2 z1 s0 a\n"

static void scene_init_named(struct scene *scene)
{
    scene_init(scene, &named);
    scene_pool(scene, "cloud")->fallback_pool = scene_pool(scene, "empty");
    scene_pool(scene, "empty")->fallback_pool = scene_pool(scene, "sorry");
}

static void a_site_with_a_name_is_answered_with_a_cname(void)
{
    static const struct question_row rows[] = {
        {"app.example.com", "ANY", CLIENT, 1, APP_IS("2", "1")},
        {"App.Example.com", "ANY", CLIENT, 1, APP_IS("2", "1")},
        {"app.example.com", "CNAME", CLIENT, 1, APP_IS("2", "1")},
        {"app.example.com", "A", CLIENT, 1, ""}, /* PowerDNS asks for ANY; see resolve.h */
        {"app.example.com", "NS", CLIENT, 1, ""},
        {"app.example.com", "SOA", CLIENT, 1, ""},
        {"app.example.com", "TXT", CLIENT, 1, ""},
        {"*.any.example.com", "ANY", CLIENT, 1,
         "*.any.example.com CNAME 30 lb-2.cloud.example z1 s1 a\n"},
        {"app.example.net", "ANY", CLIENT, 7,
         "app.example.net CNAME 30 lb-2.cloud.example z7 s1 a\n"},
        {"example.com", "ANY", CLIENT, 1,
         "example.com SOA 3600 " SOA " z1 s0 a\nexample.com TXT 3600 \"apex\" z1 s0 a\n"},
        {"app.example.com", "ANY", NOBODY, 1, APP_IS("1", "1")},
        {"svc.example.com", "ANY", CLIENT, 1, SVC},
        {"svc.example.com", "HTTPS", NOBODY, 1, SVC},
    };
    struct scene scene;
    scene_init_named(&scene);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_question(&scene, &rows[i]);
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "one decision for all names and types");
    CHECK(snapshot_has_problem(scene.snapshot,
                               "balanced_name example.com: is the apex of a zone, which cannot be a"
                               " CNAME to the names of pool cloud"),
          "the apex");
    CHECK(snapshot_has_problem(scene.snapshot,
                               "record 3 (app.example.com TXT): belongs to a balanced name, whose"
                               " pool answers every type with a CNAME"),
          "the record");
    CHECK_INTEGER((int64_t)scene.snapshot->problems.count, 3, "and a pool without servers");
    scene_release(&scene);
}

static void a_mapping_leads_to_the_name_of_its_site(void)
{
    static const struct question_row third = {
        "app.example.com", "ANY", CLIENT, 1,
        "app.example.com CNAME 30 lb_3.cloud.example z1 s1 a\n"};
    static const struct question_row last = {
        "app.example.com", "ANY", CLIENT, 1,
        "app.example.com CNAME 30 sorry.cloud.example z1 s1 a\n"};
    struct scene scene;
    scene_init_named(&scene);
    scene_put_mapping(&scene, 1, 3, 60);
    check_question(&scene, &third);
    scene_set_server_down(&scene, 12, true);
    check_question(&scene, &third);
    for (int64_t id = 11; id <= 13; id++)
        scene_set_server_down(&scene, id, true);
    check_question(&scene, &last);
    scene_set_server_down(&scene, 13, false);
    check_question(&scene, &third);
    scene_release(&scene);
}

static void nobody_gets_a_cname_if_everybody_does(void)
{
    static const struct {
        enum fallback fallback;
        const char *down, *answer;
    } rows[] = {
        {FALLBACK_NONE, "", APP_IS("1", "1")},
        {FALLBACK_NONE, "abc", "app.example.com TYPE0 60 \\# 0 z1 s1 a\n"},
        {FALLBACK_ANY, "abc", APP_IS("1", "1")},
        {FALLBACK_SERVFAIL, "abc", APP_IS("1", "1")},
        {FALLBACK_NONE, "a", APP_IS("2", "1")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &named);
        scene_pool(&scene, "cloud")->fallback = rows[i].fallback;
        for (const char *c = rows[i].down; *c; c++)
            scene_set_server_down(&scene, 11 + *c - 'a', true);
        check_question(&scene,
                       &(struct question_row){"app.example.com", "ANY", NOBODY, 1, rows[i].answer});
        scene_release(&scene);
    }
}

static void a_transfer_has_the_cname_of_one_site(void)
{
    struct scene scene;
    struct answer answer = {.count = 0};
    struct buffer text = {0};
    scene_init_named(&scene);
    scene_set_server_down(&scene, 11, true);
    resolve_zone(&scene.inputs, 1, NULL, &answer);
    CHECK_TEXT(text_of(&answer, &text),
               "example.com SOA 3600 " SOA " z1 s0 a\nexample.com TXT 3600 \"apex\" z1 s0 a\n"
               "*.any.example.com CNAME 30 lb-2.cloud.example z1 s1 a\n" APP_IS("2", "1") SVC,
               "the zone");
    buffer_release(&text);
    answer_release(&answer);
    scene_release(&scene);
}

static void nobody_is_sent_down_the_chain_of_pools(void)
{
    static const struct question_row row = {"mixed.example.net", "ANY", NOBODY, 7,
                                            MIXED_A MIXED_AAAA};
    struct scene scene;
    scene_init(&scene, &mixed);
    struct pool *pool = scene_pool(&scene, "mixed"), *empty = scene_pool(&scene, "empty");
    struct pool full = *pool;
    *pool = *empty;
    pool->ttl_s = 30;
    pool->fallback_pool = empty;
    empty->servers = full.servers;
    empty->server_count = full.server_count;
    scene_server(&scene, 11)->ipv6 = "2001:db8::2";
    scene_server(&scene, 12)->ipv4 = "198.51.100.2";
    check_question(&scene, &row);
    scene_set_controller_down(&scene, 1, true);
    scene_set_controller_down(&scene, 2, true);
    check_question(&scene, &row);
    empty->fallback = FALLBACK_NONE;
    check_question(&scene,
                   &(struct question_row){"mixed.example.net", "ANY", NOBODY, 7, MIXED_NEITHER});
    scene_release(&scene);
}

static void the_fallback_shows_in_the_answer(void)
{
    static const struct {
        enum fallback fallback;
        const char *type, *answer;
    } rows[] = {
        {FALLBACK_ANY, "ANY", WWW_MX WWW_A WWW_AAAA},
        {FALLBACK_NONE, "ANY", WWW_MX "www.example.com TYPE0 60 \\# 0 z1 s1 a\n"},
        {FALLBACK_NONE, "A", ""},
        {FALLBACK_NONE, "MX", WWW_MX},
        {FALLBACK_SERVFAIL, "ANY", "failed\n"},
        {FALLBACK_SERVFAIL, "A", "failed\n"},
        {FALLBACK_SERVFAIL, "AAAA", "failed\n"},
        {FALLBACK_SERVFAIL, "MX", WWW_MX},
        {FALLBACK_SERVFAIL, "SOA", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &alone);
        scene_pool(&scene, "web")->fallback = rows[i].fallback;
        for (int64_t id = 11; id <= 13; id++)
            scene_set_server_down(&scene, id, true);
        check_question(&scene, &(struct question_row){"www.example.com", rows[i].type, CLIENT, 1,
                                                      rows[i].answer});
        scene_release(&scene);
    }
}

/* The IPv4 addresses of both sites are down. */
static void a_family_that_is_down_everywhere_falls_back(void)
{
    static const struct {
        enum fallback fallback;
        const char *type, *remote, *answer;
    } rows[] = {
        {FALLBACK_ANY, "ANY", "192.0.2.2", MIXED_A MIXED_AAAA},
        {FALLBACK_ANY, "ANY", NOBODY, MIXED_A MIXED_AAAA},
        {FALLBACK_NONE, "ANY", "192.0.2.2", MIXED_AAAA},
        {FALLBACK_NONE, "A", "192.0.2.2", ""},
        {FALLBACK_NONE, "ANY", NOBODY, MIXED_AAAA},
        {FALLBACK_SERVFAIL, "ANY", "192.0.2.2", MIXED_AAAA},
        {FALLBACK_SERVFAIL, "AAAA", "192.0.2.2", MIXED_AAAA},
        {FALLBACK_SERVFAIL, "A", "192.0.2.2", "failed\n"},
        {FALLBACK_SERVFAIL, "ANY", NOBODY, MIXED_AAAA},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &mixed);
        scene_pool(&scene, "mixed")->fallback = rows[i].fallback;
        for (int64_t id = 11; id <= 12; id++) {
            scene_server(&scene, id)->ipv4 = "198.51.100.1";
            scene_server(&scene, id)->ipv6 = "2001:db8::2";
            scene_set_address_down(&scene, id, FAMILY_IPV4);
        }
        check_question(&scene, &(struct question_row){"mixed.example.net", rows[i].type,
                                                      rows[i].remote, 7, rows[i].answer});
        scene_release(&scene);
    }
}

static void the_scope_is_that_of_the_client(void)
{
    static const struct {
        enum client_kind kind;
        const char *subnet;
        int scope;
    } rows[] = {
        {CLIENT_LDNS, "198.51.100.0/24", 1},
        {CLIENT_ECS, "198.51.100.0/24", 24},
        {CLIENT_ECS, "198.51.100.7/32", 32},
        {CLIENT_ECS, "0.0.0.0/0", 1},
        {CLIENT_ECS, "2001:db8::/56", 56},
        {CLIENT_ECS, "2001:db8::1/128", 128},
        {CLIENT_ECS, NULL, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        struct answer answer = {.count = 0};
        struct question question =
            question_of(&(struct question_row){"www.example.com", "ANY", CLIENT, 1, NULL});
        scene_init(&scene, &alone);
        scene_pool(&scene, "web")->client = rows[i].kind;
        question.source = source_of(CLIENT, rows[i].subnet);
        resolve(&scene.inputs, &question, &answer);
        CHECK(answer.count >= 2, "row %zu", i);
        for (size_t k = 0; k < answer.count; k++)
            CHECK_INTEGER(answer.records[k].scope_bits,
                          strcmp(answer.records[k].type, "MX") == 0 ? 0 : rows[i].scope,
                          "row %zu, %s", i, answer.records[k].type);
        answer_release(&answer);
        scene_release(&scene);
    }
}

static void one_question_is_one_decision(void)
{
    static const char *const types[] = {"ANY", "A", "AAAA", "ANY"};
    struct scene scene;
    scene_init(&scene, &alone);
    for (size_t i = 0; i < COUNT(types); i++) {
        struct answer answer = {.count = 0};
        struct question question =
            question_of(&(struct question_row){"www.example.com", types[i], CLIENT, 1, NULL});
        resolve(&scene.inputs, &question, &answer);
        CHECK_INTEGER((int64_t)scene.table.finds, (int64_t)i + 1, "%s", types[i]);
        CHECK_INTEGER((int64_t)scene.table.writes, 1, "%s", types[i]);
        answer_release(&answer);
    }
    scene_release(&scene);
}

static void other_types_leave_the_mappings_alone(void)
{
    static const char *const types[] = {"MX", "SOA", "NS", "TXT", "HTTPS", "DS"};
    struct scene scene;
    scene_init(&scene, &alone);
    for (size_t i = 0; i < COUNT(types); i++) {
        struct answer answer = {.count = 0};
        struct question question =
            question_of(&(struct question_row){"www.example.com", types[i], CLIENT, 1, NULL});
        resolve(&scene.inputs, &question, &answer);
        CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "%s", types[i]);
        answer_release(&answer);
    }
    scene_release(&scene);
}

static void a_lost_table_is_told_beside_a_good_answer(void)
{
    struct scene scene;
    struct answer answer = {.count = 0};
    struct buffer text = {0};
    struct question question =
        question_of(&(struct question_row){"www.example.com", "ANY", CLIENT, 1, NULL});
    scene_init(&scene, &alone);
    scene.table.claim_code = ERR_READONLY;
    resolve(&scene.inputs, &question, &answer);
    scene_check_warned(&scene, ERR_READONLY, "told");
    CHECK_TEXT(text_of(&answer, &text), WWW_MX WWW_A WWW_AAAA, "answer");
    buffer_release(&text);
    answer_release(&answer);
    scene_release(&scene);
}

#define SUB_ZONE                                                                                   \
    "sub.example.com SOA 3600 " SOA " z2 s0 a\n"                                                   \
    "sub.example.com NS 3600 ns.example.com z2 s0 a\n"                                             \
    "app.sub.example.com A 30 198.51.100.1 z2 s1 a\n"                                              \
    "app.sub.example.com AAAA 30 2001:db8::1 z2 s1 a\n"
#define EXAMPLE_ZONE                                                                               \
    APEX_SOA APEX_NS "*.example.com TXT 3600 \"wild\" z1 s0 a\n"                                   \
                     "a.b.example.com A 3600 192.0.2.55 z1 s0 a\n"                                 \
                     "a.b.example.com TXT 3600 \"x\" z1 s0 a\n"                                    \
                     "cut.example.com NS 3600 ns.cut.example.com z1 s0 -\n"                        \
                     "cut.example.com DS 3600 " DS " z1 s0 a\n"                                    \
                     "lb.cut.example.com A 30 198.51.100.1 z1 s1 -\n"                              \
                     "lb.cut.example.com AAAA 30 2001:db8::1 z1 s1 -\n"                            \
                     "ns.cut.example.com A 3600 192.0.2.54 z1 s0 -\n"                              \
                     "ns.cut.example.com DS 3600 " DS " z1 s0 -\n"                                 \
                     "ns.example.com A 3600 192.0.2.53 z1 s0 a\n"                                  \
                     "sub.example.com NS 3600 ns.example.com z1 s0 -\n"                            \
                     "sub.example.com DS 3600 " DS " z1 s0 a\n" WWW_MX                             \
                     "www.example.com A 30 198.51.100.1 z1 s1 a\n"                                 \
                     "www.example.com AAAA 30 2001:db8::1 z1 s1 a\n"

static void a_zone_is_transferred_whole(void)
{
    static const struct {
        int32_t zone_id;
        const char *name, *answer;
    } rows[] = {
        {1, "example.com", EXAMPLE_ZONE},
        {1, NULL, EXAMPLE_ZONE},
        {-1, "Example.Com", EXAMPLE_ZONE},
        {77, "example.com", EXAMPLE_ZONE},
        {2, "sub.example.com", SUB_ZONE},
        {2, NULL, SUB_ZONE},
        {1, "sub.example.com", SUB_ZONE},
        {-1, "www.example.com", ""},
        {1, "www.example.com", ""},
        {1, "example.net", ""},
        {77, NULL, ""},
        {-1, NULL, ""},
        {-1, "com", ""},
        {-1, ".", ""},
        {-1, "shop.example.net", ""},
    };
    struct scene scene;
    scene_init(&scene, &alone);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer = {.count = 0};
        struct buffer text = {0};
        struct name name;
        if (rows[i].name)
            name_parse(rows[i].name, strlen(rows[i].name), &name);
        resolve_zone(&scene.inputs, rows[i].zone_id, rows[i].name ? &name : NULL, &answer);
        CHECK_TEXT(text_of(&answer, &text), rows[i].answer, "row %zu", i);
        buffer_release(&text);
        answer_release(&answer);
    }
    CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "no mapping is touched");
    scene_release(&scene);
}

static void each_zone_of_ours_is_told_by_its_soa(void)
{
    static const struct zone_row odd_zones[] = {{3, "."},           {4, "example.net"},
                                                {5, "Example.NET"}, {6, "bare.org"},
                                                {7, "late.org"},    {.name = NULL}};
    static const struct record_row odd_records[] = {
        RECORD(0, 3, "example.net", "NS", "ns.example.com"),
        RECORD(1, 3, ".", "SOA", SOA),
        RECORD(2, 4, "example.net", "SOA", SOA),
        RECORD(3, 4, "example.net", "SOA", "second. mailbox. 2 3600 600 86400 300"),
        RECORD(4, 5, "example.net", "SOA", SOA),
        RECORD(5, 6, "bare.org", "NS", "ns.example.com"),
        RECORD(6, 6, "sub.bare.org", "SOA", SOA),
        RECORD(7, 7, "late.org", "NS", "ns.example.com"),
        RECORD(8, 7, "late.org", "SOA", SOA),
        {.name = NULL}};
    static const struct {
        struct rows rows;
        const char *answer;
    } cases[] = {
        {{.zones = NULL}, ""},
        {{.zones = odd_zones, .records = odd_records},
         ". SOA 3600 " SOA " z3 s0 a\n"
         "example.net SOA 3600 " SOA " z4 s0 a\n"
         "late.org SOA 3600 " SOA " z7 s0 a\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct snapshot *snapshot = NULL;
        struct answer answer = {.count = 0};
        struct buffer text = {0};
        CHECK_INTEGER(rows_build(&cases[i].rows, &snapshot), 0, "row %zu", i);
        resolve_zones(snapshot, &answer);
        CHECK_TEXT(text_of(&answer, &text), cases[i].answer, "row %zu", i);
        buffer_release(&text);
        answer_release(&answer);
        snapshot_free(snapshot);
    }
}

static void without_memory_the_question_fails(void)
{
    struct scene scene;
    struct question question =
        question_of(&(struct question_row){"www.example.com", "ANY", CLIENT, 1, NULL});
    scene_init(&scene, &alone);
    scene.inputs.trace = NULL;
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct answer answer = {.count = 0};
        memory_fail_at(n);
        resolve(&scene.inputs, &question, &answer);
        failing = memory_fail_end();
        CHECK_INTEGER(answer.failed, failing, "allocation %zu", n);
        CHECK_INTEGER((int64_t)answer.count, failing ? 0 : 3, "allocation %zu", n);
        answer_release(&answer);
    }
    scene_release(&scene);
}

static const CU_TestInfo tests[] = {
    {"a family that is down everywhere falls back", a_family_that_is_down_everywhere_falls_back},
    {"the SOA is answered at the apex alone", the_soa_is_answered_at_the_apex_alone},
    {"ANY means all records of a name", any_means_all_records_of_a_name},
    {"a type is answered alone", a_type_is_answered_alone},
    {"a name between exists", a_name_between_exists},
    {"a wildcard is a name like others", a_wildcard_is_a_name_like_others},
    {"a delegation is not ours, but its DS is", a_delegation_is_not_ours_but_its_ds},
    {"parent and child zone answer for themselves", parent_and_child_zone_answer_for_themselves},
    {"beside another backend only balanced names are ours",
     beside_another_backend_only_balanced_names_are_ours},
    {"without a client the types are those of all sites",
     nobody_gets_the_types_that_all_sites_have},
    {"without a client and a common type none is promised",
     without_a_common_type_nobody_is_promised_any},
    {"without a client a family that not all sites have is left out",
     nobody_gets_the_family_that_both_sites_have},
    {"without a client the chain of pools counts", nobody_is_sent_down_the_chain_of_pools},
    {"a site with a name is answered with a CNAME", a_site_with_a_name_is_answered_with_a_cname},
    {"a mapping leads to the name of its site", a_mapping_leads_to_the_name_of_its_site},
    {"nobody gets a CNAME if everybody does", nobody_gets_a_cname_if_everybody_does},
    {"a transfer has the CNAME of one site", a_transfer_has_the_cname_of_one_site},
    {"the fallback shows in the answer", the_fallback_shows_in_the_answer},
    {"the scope is that of the client", the_scope_is_that_of_the_client},
    {"one question is one decision", one_question_is_one_decision},
    {"other types leave the mappings alone", other_types_leave_the_mappings_alone},
    {"a lost table is told beside a good answer", a_lost_table_is_told_beside_a_good_answer},
    {"a zone is transferred whole", a_zone_is_transferred_whole},
    {"each zone of ours is told by its SOA", each_zone_of_ours_is_told_by_its_soa},
    {"without memory the question fails", without_memory_the_question_fails},
    CU_TEST_INFO_NULL,
};

const struct suite suite_resolve = {"resolve", tests};

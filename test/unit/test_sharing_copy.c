#include "store/sharing/sharing_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW_MS INT64_C(1700000000000)

/* A database, which follows node 1 if it is a follower. */
struct desk {
    struct place place;
    struct sharing *sharing;
};

/* Every column has a value that is not its default, and texts that have to be escaped. */
static const char configured[] =
    "INSERT INTO monitor (id, name, type, port, path, host, body, query, status_min, status_max,"
    " verify, interval, timeout, rise, fall, headers, proxy, source, each_family) VALUES (5, 'm', "
    "'http', 1, "
    "'/p',"
    " 'h', 'a\"\\' || char(1, 10, 8364), 'MX', 201, 202, 0, 9, 2, 3, 4, 'X: \"\\', 1, '::1', 1);"
    "INSERT INTO monitor (id, name, type, send, expect, tls) VALUES (6, 't', 'tcp', 's', 'e', 1);"
    "INSERT INTO monitor (name, type, http_method) VALUES ('h', 'http', 'HEAD');"
    "INSERT INTO monitor (name, type, steps) VALUES ('s', 'tcp', 'expect a' || char(10) || 'send "
    "b');"
    "INSERT INTO monitor (name, type, host, answer) VALUES ('d', 'dns', 'x', 'y');"
    "INSERT INTO monitor (name, type, host, rcode) VALUES ('n', 'dns', 'x', 'NXDOMAIN');"
    "INSERT INTO monitor (name, type, path, arguments) VALUES ('p', 'exec', 'x', '-v 1');"
    "INSERT INTO controller (id, name, address, state, monitor_id) VALUES"
    " (7, 'ams', '192.0.2.1', 'draining', 6), (8, 'fra', NULL, 'enabled', NULL);"
    "INSERT INTO pool (id, name) VALUES (9, 'web'), (10, 'sorry');"
    "INSERT INTO pool (id, name, method, ttl, persistence_ttl, persistence_timer,"
    " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback, fallback_pool_id,"
    " alternate_method, metric, tolerance, monitor_id, failback, failback_delay) VALUES"
    " (11, 'api', 'least', 12, 13, 'sliding', 9, 'ecs', 24, 56, 'none', 10, 'rtt', 'cpu', 14, 5,"
    " 'manual', 15);"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, port, weight, state,"
    " monitor_id, check_address, checked) VALUES (9, 7, 1, '192.0.2.80', NULL, 15, 16, 'disabled',"
    " 6, '10.0.0.1', 1), (9, 7, 2, '192.0.2.80', NULL, 17, 1, 'enabled', NULL, NULL, 0),"
    " (9, 8, 3, NULL, '2001:db8::1', NULL, 0, 'enabled', NULL, NULL, 1);"
    "INSERT INTO pool (id, name) VALUES (23, 'cloud');"
    "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
    " VALUES (23, 7, 4, 'lb.cloud.example');"
    "INSERT INTO balanced_name VALUES ('www.example.com', 9);"
    "INSERT INTO zone (id, name) VALUES (18, 'example.com');"
    "INSERT INTO record (zone_id, name, type, ttl, content, disabled) VALUES"
    " (18, 'example.com', 'TXT', 19, '\"\\', 1), (NULL, 'www.example.com', 'MX', 20, '1 m', 0);"
    "INSERT INTO ldns_group VALUES ('10.0.0.0/8', 'g');"
    "INSERT INTO pin (network, pool_id, controller_id, until, comment)"
    " VALUES ('2001:db8::/32', 9, 7, 4102444801, 'a\"\\');"
    "INSERT INTO pin (ldns_group, controller_id) VALUES ('g', 7);"
    "INSERT INTO pin (network, controller_id, until) VALUES ('10.2.0.0/16', 8, 4102444802);"
    "UPDATE pin SET until = 3 WHERE controller_id = 8;"
    "INSERT INTO topology (cidr, controller_id, preference) VALUES ('10.0.0.0/8', 7, 21);"
    "INSERT INTO topology (country, controller_id) VALUES ('DE', 8);"
    "INSERT INTO topology (continent, controller_id) VALUES ('EU', 8);"
    "INSERT INTO topology (asn, controller_id) VALUES (22, 8);";

static void desk_init(struct desk *desk, const char *sql)
{
    struct share_setup setup;
    struct error error = {0};
    place_init(&desk->place);
    place_run(&desk->place, sql);
    CHECK_INTEGER(sharing_new(desk->place.path, &desk->sharing), 0, "sharing_new");
    CHECK_INTEGER(sharing_load(desk->sharing, &setup, &error), 0, "%s", error.text);
}

static void follow(struct desk *desk)
{
    place_run(&desk->place, "UPDATE share SET node = 2;"
                            "INSERT INTO peer VALUES (1, 'ns1', 'nats://192.0.2.2:4222');"
                            "UPDATE share SET follow = 1");
}

static void desk_release(struct desk *desk)
{
    sharing_free(desk->sharing);
    place_release(&desk->place);
}

static uint64_t revision_of(struct desk *desk)
{
    uint64_t revision = 0;
    struct error error = {0};
    CHECK_INTEGER(sharing_copy_revision(desk->sharing, &revision, &error), 0, "%s", error.text);
    return revision;
}

/* Puts the configuration of one in place of that of the other. */
static int take_over(struct desk *from, struct desk *to, struct error *error)
{
    struct share_copy copy;
    CHECK_INTEGER(sharing_copy(from->sharing, &copy, error), 0, "%s", error->text);
    return sharing_take_copy(to->sharing, 1, copy.revision, copy.text, copy.length, NOW_MS, error);
}

static void all_columns_are_taken_over(void)
{
    struct desk one, two;
    struct error error = {0};
    desk_init(&one, configured);
    desk_init(&two, "");
    follow(&two);
    CHECK(revision_of(&one) != revision_of(&two), "before");
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK(revision_of(&one) == revision_of(&two), "afterwards");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM share_follow WHERE node = 1 AND"
                                           " taken_at = 1700000000 AND length(revision) = 16"),
                  1, "noted");
    CHECK_INTEGER(place_number(&two.place, "SELECT follow FROM share"), 1, "it follows");
    desk_release(&one);
    desk_release(&two);
}

/* They could not be written here, and the primary goes on without them, too. */
static void pins_that_match_nobody_are_left_out(void)
{
    struct desk one, two;
    struct error error = {0};
    desk_init(&one, configured);
    desk_init(&two, "");
    follow(&two);
    place_run(&one.place, "INSERT INTO pin (network, pool_id, controller_id)"
                          " VALUES ('192.0.2.0/24', 9, 8), ('192.0.2.0/25', 9, 7);"
                          "DELETE FROM virtual_server WHERE pool_id = 9 AND controller_id = 8;"
                          "DELETE FROM ldns_group");
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK_INTEGER(place_number(&one.place, "SELECT count(*) FROM pin"), 5, "of the primary");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM pin"), 2, "taken over");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM pin AS n JOIN controller AS c"
                                           " ON c.id = n.controller_id AND c.name = 'ams'"),
                  2, "those with a server");
    place_run(&one.place, "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
                          " VALUES (9, 8, 9, '192.0.2.9')");
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM pin"), 4, "with the server");
    place_run(&one.place, "DELETE FROM virtual_server WHERE pool_id = 9 AND controller_id = 8");
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM pin"), 2, "without it again");
    CHECK(revision_of(&one) == revision_of(&two), "the same in the end");
    desk_release(&one);
    desk_release(&two);
}

static void each_column_counts(void)
{
    static const char *const changes[] = {
        "UPDATE zone SET name = 'EXAMPLE.com'",
        "UPDATE record SET disabled = 1 - disabled WHERE type = 'MX'",
        "UPDATE record SET name = 'WWW.example.com' WHERE type = 'MX'",
        "UPDATE monitor SET body = NULL",
        "UPDATE monitor SET fall = 9 WHERE name = 't'",
        "UPDATE monitor SET http_method = 'GET' WHERE name = 'h'",
        "UPDATE monitor SET headers = 'X: y' WHERE name = 'h'",
        "UPDATE monitor SET proxy = 2 WHERE name = 't'",
        "UPDATE monitor SET tls = 0",
        "UPDATE monitor SET steps = 'send c' WHERE name = 's'",
        "UPDATE monitor SET rcode = 'REFUSED' WHERE name = 'n'",
        "UPDATE monitor SET answer = NULL",
        "UPDATE monitor SET source = '127.0.0.1' WHERE name = 'm'",
        "UPDATE monitor SET arguments = NULL",
        "UPDATE virtual_server SET checked = 1 - checked",
        "UPDATE monitor SET each_family = 1 WHERE name = 't'",
        "UPDATE controller SET address = '192.0.2.9', name = 'AMS' WHERE id = 7",
        "UPDATE controller SET monitor_id = NULL",
        "UPDATE pool SET name = 'Web' WHERE id = 9",
        "UPDATE pool SET monitor_id = 6",
        "UPDATE pool SET fallback_pool_id = 9 WHERE id = 10",
        "UPDATE virtual_server SET check_address = NULL",
        "UPDATE virtual_server SET position = 10 - position",
        "UPDATE virtual_server SET ipv4 = '192.0.2.81' WHERE position = 8",
        "UPDATE virtual_server SET name = 'lb-2.cloud.example' WHERE pool_id = 23",
        "UPDATE balanced_name SET pool_id = 11",
        "UPDATE pin SET until = 4 WHERE until = 3",
        "UPDATE pin SET until = NULL WHERE comment IS NOT NULL",
        "UPDATE pin SET comment = 'b'",
        "UPDATE pin SET network = '2001:DB8::/32' WHERE pool_id = 9",
        "UPDATE pin SET controller_id = 8 WHERE ldns_group = 'g'",
        "UPDATE pin SET pool_id = NULL",
        "INSERT OR REPLACE INTO pin (ldns_group, pool_id, controller_id) VALUES ('g', 9, 7)",
        "UPDATE ldns_group SET name = 'h'", /* whereby its pins match nobody */
        "UPDATE ldns_group SET name = 'g'",
        "DELETE FROM pin WHERE ldns_group = 'g' AND pool_id IS NULL",
        "UPDATE topology SET preference = 3",
        "DELETE FROM topology",
    };
    struct desk one, two;
    desk_init(&one, configured);
    desk_init(&two, "");
    follow(&two);
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct error error = {0};
        uint64_t before = revision_of(&one);
        place_run(&one.place, changes[i]);
        CHECK(revision_of(&one) != before, "%s", changes[i]);
        CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s: %s", changes[i], error.text);
        CHECK(revision_of(&one) == revision_of(&two), "%s", changes[i]);
    }
    desk_release(&one);
    desk_release(&two);
}

/* Each has something that may not stand beside what the other has; in between nothing may. */
static const char addresses[] =
    "INSERT INTO zone (name) VALUES ('.'), ('example.net');"
    "INSERT INTO controller (id, name) VALUES (7, 'ams');"
    "INSERT INTO pool (id, name) VALUES (1, 'last'), (2, 'front');"
    "UPDATE pool SET fallback_pool_id = 1 WHERE id = 2;"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) VALUES"
    " (1, 7, 1, '192.0.2.1'), (2, 7, 1, '192.0.2.2');"
    "INSERT INTO balanced_name VALUES ('example.net', 2), ('app.example.net', 2);"
    "INSERT INTO record (zone_id, name, type, content)"
    " SELECT id, 'app.example.net', 'TXT', 'x' FROM zone WHERE name = '.';";
static const char names[] =
    "INSERT INTO controller (id, name) VALUES (7, 'Ams');"
    "INSERT INTO pool (id, name) VALUES (1, 'Front'), (2, 'last'), (3, 'first');"
    "UPDATE pool SET fallback_pool_id = 1 WHERE id = 3;"
    "INSERT INTO virtual_server (pool_id, controller_id, position, name) VALUES"
    " (1, 7, 1, 'lb.cloud.example'), (3, 7, 1, 'lb-2.cloud.example');"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) VALUES"
    " (2, 7, 1, '192.0.2.1');"
    "INSERT INTO balanced_name VALUES ('example.net', 1), ('app.example.net', 3);";

static void a_pool_may_change_from_addresses_to_names(void)
{
    static const char *const ways[][2] = {{addresses, names}, {names, addresses}};
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct desk one, two;
        struct error error = {0};
        desk_init(&one, ways[i][0]);
        desk_init(&two, ways[i][1]);
        follow(&two);
        CHECK_INTEGER(take_over(&one, &two, &error), 0, "way %zu: %s", i, error.text);
        CHECK(revision_of(&one) == revision_of(&two), "way %zu", i);
        desk_release(&one);
        desk_release(&two);
    }
}

/* Loops that arise only in between are none. */
static void references_may_turn_round(void)
{
    struct desk one, two;
    struct error error = {0};
    desk_init(&one, "INSERT INTO pool (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c');"
                    "UPDATE pool SET fallback_pool_id = 1, persistence_pool_id = 1 WHERE id > 1;");
    desk_init(&two, "INSERT INTO pool (id, name) VALUES (1, 'c'), (2, 'a'), (3, 'b'), (4, 'd');"
                    "UPDATE pool SET fallback_pool_id = 3 WHERE id = 2;"
                    "UPDATE pool SET persistence_pool_id = 1 WHERE id = 2;"
                    "UPDATE pool SET fallback_pool_id = 4 WHERE id = 3;");
    follow(&two);
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK(revision_of(&one) == revision_of(&two), "the same");
    desk_release(&one);
    desk_release(&two);
}

static void rows_that_stay_keep_their_ids(void)
{
    struct desk one, two;
    struct error error = {0};
    desk_init(&one, configured);
    desk_init(&two, "INSERT INTO controller (id, name) VALUES (31, 'gone'), (32, 'AMS');"
                    "INSERT INTO pool (id, name) VALUES (33, 'gone'), (34, 'WEB');"
                    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) VALUES"
                    " (35, 34, 32, 8, '192.0.2.80');"
                    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                    " VALUES (34, 'k', 32, 'modulus', 1, 2), (34, 'l', 31, 'modulus', 1, 2),"
                    " (33, 'k', 32, 'modulus', 1, 2);"
                    "INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
                    " VALUES (35, 'availability', 0);");
    follow(&two);
    CHECK_INTEGER(take_over(&one, &two, &error), 0, "%s", error.text);
    CHECK_INTEGER(place_number(&two.place, "SELECT id FROM pool WHERE name = 'web'"), 34, "pool");
    CHECK_INTEGER(place_number(&two.place, "SELECT id FROM controller WHERE name = 'ams'"), 32,
                  "controller");
    CHECK_INTEGER(place_number(&two.place, "SELECT position FROM virtual_server WHERE id = 35"), 1,
                  "the first of equal servers");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM virtual_server_metric"), 1,
                  "what was measured");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM persistence WHERE pool_id = 34"
                                           " AND controller_id = 32 AND ldns = 'k'"),
                  1, "the mapping");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM persistence"), 1, "no other");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM share_deleted"), 0,
                  "nothing is told of those that went with their pool");
    desk_release(&one);
    desk_release(&two);
}

static void what_is_refused_changes_nothing(void)
{
    static const struct {
        const char *text;
        uint64_t revision;
    } copies[] = {
        {"", 0},
        {"{", 0},
        {"7", 1},
        {"{\"zone\":[[\"a.example\"]]}", 1},
        {"{\"zone\":[[7.5]]}", 1},
        {"{\"zone\":[[null]]}", 1},
        {"{\"zone\":[[\"a.example.\"]]}", 1},
        {"{\"pool\":[[\"x\",\"best\"]]}", 1},
        {"{\"virtual_server\":[[\"x\",1,\"c\",\"192.0.2.1\"]]}", 1},
    };
    struct desk two;
    desk_init(&two, configured);
    follow(&two);
    uint64_t before = revision_of(&two);
    for (size_t i = 0; i < COUNT(copies); i++) {
        struct error error = {0};
        CHECK_INTEGER(sharing_take_copy(two.sharing, 1, copies[i].revision, copies[i].text,
                                        strlen(copies[i].text), NOW_MS, &error),
                      ERR_INVAL, "%s", copies[i].text);
        CHECK(error.text[0], "%s", copies[i].text);
        CHECK(revision_of(&two) == before, "%s", copies[i].text);
        CHECK_INTEGER(place_number(&two.place, "SELECT follow FROM share"), 1, "%s",
                      copies[i].text);
    }
    desk_release(&two);
}

static void whoever_follows_another_one_takes_nothing(void)
{
    struct desk one, two;
    struct error error = {0};
    desk_init(&one, configured);
    desk_init(&two, "");
    CHECK_INTEGER(take_over(&one, &two, &error), ERR_NOTFOUND, "nobody is followed");
    follow(&two);
    place_run(&two.place, "INSERT INTO peer VALUES (3, 'ns3', 'nats://192.0.2.3:4222');"
                          "UPDATE share SET follow = 3");
    error = (struct error){0};
    CHECK_INTEGER(take_over(&one, &two, &error), ERR_NOTFOUND, "another one");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM pool"), 0, "nothing is there");
    desk_release(&one);
    desk_release(&two);
}

static void a_copy_is_kept_until_something_changes(void)
{
    struct desk one;
    struct share_copy copy, again;
    struct error error = {0};
    desk_init(&one, configured);
    CHECK_INTEGER(sharing_copy(one.sharing, &copy, &error), 0, "%s", error.text);
    CHECK_INTEGER(sharing_copy(one.sharing, &again, &error), 0, "%s", error.text);
    CHECK(copy.text == again.text, "the same");
    place_run(&one.place, "UPDATE topology SET preference = 99");
    CHECK_INTEGER(sharing_copy(one.sharing, &again, &error), 0, "%s", error.text);
    CHECK(copy.revision != again.revision, "another one");
    CHECK(revision_of(&one) == again.revision, "its revision");
    desk_release(&one);
}

static void a_configuration_can_be_too_large(void)
{
    struct desk one;
    struct share_copy copy;
    struct error error = {0};
    desk_init(&one,
              "INSERT INTO zone (id, name) VALUES (1, '.');"
              "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9000)"
              "INSERT INTO record (zone_id, name, type, content)"
              " SELECT 1, 'n' || n, 'TXT', printf('\"%02000d\"', n) FROM n;");
    CHECK_INTEGER(sharing_copy(one.sharing, &copy, &error), 0, "%s", error.text);
    CHECK(!copy.text && copy.length > COPY_BYTES_MAX, "%zu octets", copy.length);
    desk_release(&one);
}

/* What is said of a copy, or "code N". */
static const char *difference(struct desk *desk, const struct share_copy *copy)
{
    static char text[SHARE_DIFFERENCE_MAX];
    struct error error = {0};
    int code = sharing_copy_difference(desk->sharing, copy, text, sizeof text, &error);
    CHECK_INTEGER(error.code, code, "%s", error.text);
    if (code != 0)
        snprintf(text, sizeof text, "code %d", code);
    return text;
}

static uint64_t digest_of(struct desk *desk)
{
    struct error error = {0};
    uint64_t digest = 0;
    CHECK_INTEGER(sharing_configuration_digest(desk->sharing, &digest, &error), 0, "%s",
                  error.text);
    return digest;
}

/* There is a difference just where the digests of two servers differ. */
static void the_first_difference_is_named(void)
{
    static const struct {
        const char *change, *said;
    } rows[] = {
        {"", ""},
        {"UPDATE monitor SET port = 99", ""},
        {"UPDATE virtual_server SET port = 99, check_address = '192.0.2.1'", ""},
        {"UPDATE zone SET name = 'EXAMPLE.com'", ""},
        {"UPDATE pool SET ttl = 99 WHERE name = 'web'",
         "only there: pool [\"web\",\"modulus\",30,3600,\"fixed\",null,"},
        {"DELETE FROM pool WHERE name = 'api'", "only there: pool [\"api\",\"least\",12,13,"},
        {"UPDATE controller SET state = 'disabled' WHERE name = 'fra'",
         "only here: controller [\"fra\",\"disabled\"]"},
        {"UPDATE virtual_server SET weight = 17 WHERE position = 1",
         "only there: virtual_server [\"web\",\"ams\",1,\"192.0.2.80\",null,\"disabled\",16,null]"},
        {"INSERT INTO balanced_name VALUES ('api.example.com', 11)",
         "only here: balanced_name [\"api.example.com\",\"api\"]"},
        {"INSERT INTO zone (name) VALUES ('example.net')", "only here: zone [\"example.net\"]"},
        {"DELETE FROM record WHERE type = 'MX'",
         "only there: record [null,\"www.example.com\",\"MX\",20,\"1 m\"]"},
        {"UPDATE record SET disabled = 0",
         "only here: record [\"example.com\",\"example.com\",\"TXT\",19,\"\\\"\\\\\"]"},
        {"DELETE FROM ldns_group", "only there: ldns_group [\"10.0.0.0/8\",\"g\"]"},
        {"UPDATE pin SET comment = NULL", ""},
        {"DELETE FROM pin WHERE ldns_group = 'g'",
         "only there: pin [null,\"g\",null,\"ams\",null]"},
        {"UPDATE pin SET until = 5 WHERE until = 3",
         "only there: pin [\"10.2.0.0/16\",null,null,\"fra\",3]"},
        {"DELETE FROM topology WHERE country = 'DE'",
         "only there: topology [null,\"DE\",null,null,\"fra\","},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct desk here, there;
        struct share_copy copy;
        struct error error = {0};
        desk_init(&there, configured);
        desk_init(&here, configured);
        place_run(&here.place, rows[i].change);
        CHECK_INTEGER(sharing_copy(there.sharing, &copy, &error), 0, "%s", error.text);
        const char *said = difference(&here, &copy);
        CHECK(strncmp(said, rows[i].said, strlen(rows[i].said)) == 0 && !*said == !*rows[i].said,
              "%s: %s", rows[i].change, said);
        CHECK((digest_of(&here) != digest_of(&there)) == (*said != '\0'), "%s", rows[i].change);
        desk_release(&here);
        desk_release(&there);
    }
}

static void what_is_no_copy_has_no_difference(void)
{
    static const char *const texts[] = {"", "{", "{\"pool\":"};
    struct desk desk;
    desk_init(&desk, configured);
    for (size_t i = 0; i < COUNT(texts); i++)
        CHECK(strncmp(difference(&desk, &(struct share_copy){0, texts[i], strlen(texts[i])}),
                      "code ", 5) == 0,
              "%s", texts[i]);
    desk_release(&desk);
    desk_init(&desk, "");
    const char *strange = "{\"pool\":[[\"\xff\\u001b[1m\"]]}";
    CHECK_TEXT(
        difference(&desk, &(struct share_copy){0, strange, strlen(strange)}),
        "only there: pool [\"?\\u001b[1m\",null,null,null,null,null,null,null,null,null,null,"
        "null,null,null,null,null]",
        "nothing for a terminal");
    desk_release(&desk);
}

static void a_note_is_of_whom_is_followed(void)
{
    struct desk two;
    struct error error = {0};
    desk_init(&two, "");
    sharing_note_follow(two.sharing, 1, NOW_MS, "why", &error);
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM share_follow"), 0, "nobody");
    follow(&two);
    sharing_note_follow(two.sharing, 1, NOW_MS, "why", &error);
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM share_follow WHERE node = 1 AND"
                                           " heard_at = 1700000000 AND problem = 'why' AND"
                                           " revision = '' AND taken_at = 0"),
                  1, "a note");
    place_run(&two.place, "UPDATE share SET follow = NULL");
    CHECK_INTEGER(place_number(&two.place, "SELECT count(*) FROM share_follow"), 0, "afterwards");
    CHECK_INTEGER(error.code, 0, "%s", error.text);
    desk_release(&two);
}

static const CU_TestInfo tests[] = {
    {"all columns are taken over", all_columns_are_taken_over},
    {"each column counts", each_column_counts},
    {"pins that match nobody are left out", pins_that_match_nobody_are_left_out},
    {"references may turn round", references_may_turn_round},
    {"a pool may change from addresses to names", a_pool_may_change_from_addresses_to_names},
    {"rows that stay keep their ids", rows_that_stay_keep_their_ids},
    {"what is refused changes nothing", what_is_refused_changes_nothing},
    {"whoever follows another one takes nothing", whoever_follows_another_one_takes_nothing},
    {"a copy is kept until something changes", a_copy_is_kept_until_something_changes},
    {"a configuration can be too large", a_configuration_can_be_too_large},
    {"the first difference is named", the_first_difference_is_named},
    {"what is no copy has no difference", what_is_no_copy_has_no_difference},
    {"a note is of whom is followed", a_note_is_of_whom_is_followed},
    CU_TEST_INFO_NULL,
};

const struct suite suite_sharing_copy = {"sharing_copy", tests};

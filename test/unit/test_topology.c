#include "core/balance/topology.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define CIDR(id, cidr, controller, preference)                                                     \
    {id, cidr, NULL, NULL, false, 0, controller, preference}
#define COUNTRY(id, country, controller, preference)                                               \
    {id, NULL, country, NULL, false, 0, controller, preference}
#define CONTINENT(id, continent, controller, preference)                                           \
    {id, NULL, NULL, continent, false, 0, controller, preference}
#define ASN(id, asn, controller, preference)                                                       \
    {id, NULL, NULL, NULL, true, asn, controller, preference}

static const struct topology_row example[] = {
    CIDR(1, "10.0.0.0/8", 1, 10),   CIDR(2, "10.0.0.0/8", 2, 20),   CIDR(3, "10.1.0.0/16", 3, 10),
    CIDR(4, "2001:db8::/32", 2, 0), CIDR(5, "192.0.2.1", 1, 65535), COUNTRY(6, "NL", 1, 10),
    COUNTRY(7, "DE", 2, 10),        COUNTRY(8, "DE", 1, 20),        CONTINENT(9, "EU", 1, 10),
    CONTINENT(10, "NA", 3, 10),     ASN(11, 64500, 3, 10),          ASN(12, 4294967295, 1, 10),
    CIDR(13, "10.0.0.77/8", 2, 5), /* the same as 10.0.0.0/8 */
    CIDR(14, "10.0.0.78/8", 2, 30),
};

static const char *const geo_databases[] = {"/a.mmdb", "/b.mmdb"};

static int build(const struct topology_row *rows, size_t count, struct topology **ret_topology)
{
    struct topology_builder *builder = NULL;
    int code = topology_builder_new(&builder);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = topology_add(builder, &rows[i]);
    for (size_t i = 0; code == 0 && i < COUNT(geo_databases); i++)
        code = topology_add_geo_database(builder, geo_databases[i]);
    if (code == 0)
        code = topology_builder_finish(builder, ret_topology);
    topology_builder_free(builder);
    return code;
}

static struct topology *topology_of(const struct topology_row *rows, size_t count)
{
    struct topology *topology = NULL;
    CHECK_INTEGER(build(rows, count, &topology), 0, "%zu rows", count);
    return topology;
}

/* The preference of a controller in what matched; -1 for none. */
static int64_t preference_of(const struct topology_match *match, int64_t controller_id)
{
    uint32_t preference;
    return topology_match_preference(match, controller_id, &preference) ? (int64_t)preference : -1;
}

static void networks_match_from_long_to_short(void)
{
    static const struct {
        const char *network, *first, *second;
        int64_t preferences[3]; /* of the first */
    } rows[] = {
        {"10.1.2.3", "network 10.1.0.0/16", "network 10.0.0.0/8", {-1, -1, 10}},
        {"10.2.2.3", "network 10.0.0.0/8", NULL, {10, 5, -1}},
        {"192.0.2.1", "network 192.0.2.1", NULL, {65535, -1, -1}},
        {"192.0.2.2", NULL, NULL, {-1, -1, -1}},
        {"2001:db8::1", "network 2001:db8::/32", NULL, {-1, 0, -1}},
        {"::ffff:10.1.2.3", "network 10.1.0.0/16", "network 10.0.0.0/8", {-1, -1, 10}},
        /* one that is larger than a row does not lie in it */
        {"10.1.0.0/16", "network 10.1.0.0/16", "network 10.0.0.0/8", {-1, -1, 10}},
        {"10.1.0.0/15", "network 10.0.0.0/8", NULL, {10, 5, -1}},
        {"10.0.0.0/7", NULL, NULL, {-1, -1, -1}},
        {"2001:db8::/31", NULL, NULL, {-1, -1, -1}},
        {NULL, NULL, NULL, {-1, -1, -1}},
    };
    struct topology *topology = topology_of(example, COUNT(example));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prefix network = network_of(rows[i].network);
        struct topology_match match;
        char text[TOPOLOGY_TEXT_MAX];
        bool found = topology_match_network(topology, &network, &match);
        CHECK_TEXT(found ? topology_match_format(&match, text) : NULL, rows[i].first, "row %zu", i);
        for (int id = 1; found && id <= 3; id++)
            CHECK_INTEGER(preference_of(&match, id), rows[i].preferences[id - 1],
                          "row %zu, controller %d", i, id);
        found = found && topology_match_shorter(&match);
        CHECK_TEXT(found ? topology_match_format(&match, text) : NULL, rows[i].second, "row %zu",
                   i);
        CHECK(!found || !topology_match_shorter(&match), "row %zu", i);
    }
    topology_free(topology);
}

static void locations_match_by_kind(void)
{
    static const struct {
        enum topology_kind kind;
        struct location location;
        const char *text;
        int64_t preferences[3];
    } rows[] = {
        {TOPOLOGY_COUNTRY, {"DE", "EU", 64500}, "country DE", {20, 10, -1}},
        {TOPOLOGY_CONTINENT, {"DE", "EU", 64500}, "continent EU", {10, -1, -1}},
        {TOPOLOGY_ASN, {"DE", "EU", 64500}, "AS64500", {-1, -1, 10}},
        {TOPOLOGY_CIDR, {"DE", "EU", 64500}, NULL, {-1, -1, -1}},
        {TOPOLOGY_COUNTRY, {"NL", "", 0}, "country NL", {10, -1, -1}},
        {TOPOLOGY_CONTINENT, {"NL", "", 0}, NULL, {-1, -1, -1}},
        {TOPOLOGY_ASN, {"NL", "", 0}, NULL, {-1, -1, -1}},
        {TOPOLOGY_ASN, {"", "", 4294967295}, "AS4294967295", {10, -1, -1}},
        {TOPOLOGY_ASN, {"", "", 1}, NULL, {-1, -1, -1}},
        {TOPOLOGY_COUNTRY, {"EU", "NL", 0}, NULL, {-1, -1, -1}},
        {TOPOLOGY_COUNTRY, {"ZZ", "", 0}, NULL, {-1, -1, -1}},
        {TOPOLOGY_COUNTRY, {"nl", "", 0}, NULL, {-1, -1, -1}},
        {TOPOLOGY_CONTINENT, {"", "NA", 0}, "continent NA", {-1, -1, 10}},
    };
    struct topology *topology = topology_of(example, COUNT(example));
    CHECK(topology_needs_location(topology), "there are countries");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct topology_match match;
        char text[TOPOLOGY_TEXT_MAX];
        bool found = topology_match_location(topology, rows[i].kind, &rows[i].location, &match);
        CHECK_TEXT(found ? topology_match_format(&match, text) : NULL, rows[i].text, "row %zu", i);
        for (int id = 1; found && id <= 3; id++)
            CHECK_INTEGER(preference_of(&match, id), rows[i].preferences[id - 1],
                          "row %zu, controller %d", i, id);
        CHECK(!found || !topology_match_shorter(&match), "row %zu", i);
    }
    topology_free(topology);
}

static void a_row_about_nothing_is_the_default(void)
{
    static const struct topology_row rows[] = {CIDR(1, "10.0.0.0/8", 1, 10), CIDR(2, NULL, 2, 20),
                                               CIDR(3, NULL, 1, 30)};
    struct topology_match match;
    char text[TOPOLOGY_TEXT_MAX];
    struct topology *topology = topology_of(rows, COUNT(rows));
    CHECK_INTEGER((int64_t)topology_row_count(topology), 3, "rows");
    CHECK(!topology_needs_location(topology), "a default needs no location");
    CHECK(topology_match_default(topology, &match), "there is one");
    CHECK_TEXT(topology_match_format(&match, text), "default", "text");
    CHECK_INTEGER(preference_of(&match, 1), 30, "the first controller");
    CHECK_INTEGER(preference_of(&match, 2), 20, "the second");
    CHECK_INTEGER(preference_of(&match, 3), -1, "another");
    topology_free(topology);
    topology = topology_of(rows, 1);
    CHECK(!topology_match_default(topology, &match), "there is none");
    topology_free(topology);
}

static void rows_that_cannot_be_used_are_named(void)
{
    static const struct {
        struct topology_row row;
        const char *problem;
    } rows[] = {
        {CIDR(1, "10.0.0.0/33", 1, 10), "topology 1: cidr is not an address or prefix"},
        {CIDR(2, "ten", 1, 10), "topology 2: cidr is not an address or prefix"},
        {CIDR(3, "10.0.0.0/8", 0, 10), "topology 3: controller_id is not 1..2147483647"},
        {CIDR(4, "10.0.0.0/8", 2147483648, 10), "topology 4: controller_id is not 1..2147483647"},
        {CIDR(5, "10.0.0.0/8", 1, -1), "topology 5: preference is not 0..65535"},
        {CIDR(6, "10.0.0.0/8", 1, 65536), "topology 6: preference is not 0..65535"},
        {COUNTRY(7, "nl", 1, 10), "topology 7: country is not two capitals"},
        {COUNTRY(7, "Nl", 1, 10), "topology 7: country is not two capitals"},
        {COUNTRY(7, "N1", 1, 10), "topology 7: country is not two capitals"},
        {COUNTRY(8, "NLD", 1, 10), "topology 8: country is not two capitals"},
        {COUNTRY(9, "N", 1, 10), "topology 9: country is not two capitals"},
        {COUNTRY(10, "", 1, 10), "topology 10: country is not two capitals"},
        {CONTINENT(11, "XX", 1, 10), "topology 11: continent is not one of AF AN AS EU NA OC SA"},
        {ASN(12, 0, 1, 10), "topology 12: asn is not 1..4294967295"},
        {ASN(13, 4294967296, 1, 10), "topology 13: asn is not 1..4294967295"},
        {{15, "10.0.0.0/8", "NL", NULL, false, 0, 1, 10},
         "topology 15: is about more than one of cidr, country, continent, asn"},
        {{16, NULL, NULL, "EU", true, 1, 1, 10},
         "topology 16: is about more than one of cidr, country, continent, asn"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct topology *topology = topology_of(&rows[i].row, 1);
        const struct problems *problems = topology_problems(topology);
        CHECK_INTEGER((int64_t)topology_row_count(topology), 0, "row %zu", i);
        if (CHECK_INTEGER((int64_t)problems->count, 1, "row %zu", i))
            CHECK_TEXT(problems->lines[0], rows[i].problem, "row %zu", i);
        topology_free(topology);
    }
}

static void of_many_wrong_rows_some_are_named_and_all_counted(void)
{
    struct topology_row rows[150];
    bool failed = true;
    for (size_t i = 0; i < COUNT(rows); i++)
        rows[i] = (struct topology_row)CIDR((int64_t)i, i == 0 ? "10.0.0.0/8" : "x", 1, 10);
    struct topology *topology = topology_of(rows, COUNT(rows));
    const struct problems *problems = topology_problems(topology);
    CHECK_INTEGER((int64_t)topology_row_count(topology), 1, "what is left");
    if (CHECK_INTEGER((int64_t)problems->count, 101, "problems"))
        CHECK_TEXT(problems->lines[100], "topology: 49 more rows cannot be used", "the last");
    topology_free(topology);
    for (size_t n = 1; failed; n++) {
        topology = NULL;
        memory_fail_at(n);
        int code = build(rows, COUNT(rows), &topology);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        topology_free(topology);
    }
}

static void geo_databases_are_kept_in_order(void)
{
    size_t count;
    struct topology *topology = topology_of(example, COUNT(example));
    const char *const *paths = topology_geo_databases(topology, &count);
    if (CHECK_INTEGER((int64_t)count, COUNT(geo_databases), "count"))
        for (size_t i = 0; i < count; i++)
            CHECK_TEXT(paths[i], geo_databases[i], "path %zu", i);
    topology_free(topology);
}

static void an_empty_topology_matches_nothing(void)
{
    struct topology *topology = topology_of(NULL, 0);
    struct prefix network = network_of("192.0.2.1");
    struct location location = {"NL", "EU", 64500};
    struct topology_match match;
    CHECK(!topology_needs_location(topology), "no rows");
    CHECK(!topology_match_network(topology, &network, &match), "no rows");
    for (int kind = TOPOLOGY_CIDR; kind <= TOPOLOGY_CONTINENT; kind++)
        CHECK(!topology_match_location(topology, (enum topology_kind)kind, &location, &match),
              "kind %d", kind);
    topology_free(topology);
    topology_free(NULL);
    topology_builder_free(NULL);
}

/* As a route table has it: few controllers, each named by many networks. */
static void a_row_takes_few_bytes(void)
{
    enum { ROWS = 50000 };
    struct topology_builder *builder = NULL;
    struct topology *topology = NULL;
    char cidr[32];
    CHECK_INTEGER(topology_builder_new(&builder), 0, "new");
    for (int i = 0; i < ROWS; i++) {
        snprintf(cidr, sizeof cidr, "%d.%d.%d.0/24", 1 + i / 65536, i / 256 % 256, i % 256);
        struct topology_row row = CIDR(i, cidr, 1 + i * 7 % 50, 10 * (1 + i % 3));
        CHECK_INTEGER(topology_add(builder, &row), 0, "row %d", i);
    }
    CHECK_INTEGER(topology_builder_finish(builder, &topology), 0, "finish");
    topology_builder_free(builder);
    CHECK_INTEGER((int64_t)topology_row_count(topology), ROWS, "rows");
    CHECK(topology_bytes(topology) < 17 * ROWS, "%zu bytes", topology_bytes(topology));
    topology_free(topology);
}

static void without_memory_there_is_no_topology_and_no_leak(void)
{
    static const struct topology_row wrong[] = {CIDR(1, "x", 1, 10)};
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct topology *topology = NULL;
        memory_fail_at(n);
        int code = build(example, COUNT(example), &topology);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK_INTEGER(topology != NULL, !failed, "allocation %zu", n);
        topology_free(topology);
        CHECK(n > 8 || failed, "allocation %zu", n);
    }
    for (size_t n = 1; n <= 4; n++) {
        struct topology *topology = NULL;
        memory_fail_at(n);
        CHECK_INTEGER(build(wrong, 1, &topology), ERR_NOMEM, "allocation %zu", n);
        CHECK(memory_fail_end() && !topology, "allocation %zu", n);
    }
}

/* Rows of one network: far more controllers and preferences than are kept in mind. */
static void choices_that_differ_are_told_apart(void)
{
    enum { CONTROLLERS = 20000 };
    struct topology_builder *builder = NULL;
    struct topology *topology = NULL;
    struct topology_match match;
    struct prefix network = network_of("192.0.2.1");
    CHECK_INTEGER(topology_builder_new(&builder), 0, "new");
    for (int i = 1; i <= CONTROLLERS; i++) {
        struct topology_row row = CIDR(i, "192.0.2.0/24", i, i % 1000);
        CHECK_INTEGER(topology_add(builder, &row), 0, "row %d", i);
    }
    CHECK_INTEGER(topology_builder_finish(builder, &topology), 0, "finish");
    topology_builder_free(builder);
    CHECK(topology_match_network(topology, &network, &match), "the network");
    for (int i = 1; i <= CONTROLLERS; i += 37)
        CHECK_INTEGER(preference_of(&match, i), i % 1000, "controller %d", i);
    CHECK_INTEGER(preference_of(&match, CONTROLLERS + 1), -1, "a controller of no row");
    topology_free(topology);
}

static const CU_TestInfo tests[] = {
    {"networks match from long to short", networks_match_from_long_to_short},
    {"locations match by kind", locations_match_by_kind},
    {"a row about nothing is the default", a_row_about_nothing_is_the_default},
    {"rows that cannot be used are named", rows_that_cannot_be_used_are_named},
    {"of many wrong rows some are named and all counted",
     of_many_wrong_rows_some_are_named_and_all_counted},
    {"geo databases are kept in order", geo_databases_are_kept_in_order},
    {"an empty topology matches nothing", an_empty_topology_matches_nothing},
    {"a row takes few bytes", a_row_takes_few_bytes},
    {"choices that differ are told apart", choices_that_differ_are_told_apart},
    {"without memory there is no topology and no leak",
     without_memory_there_is_no_topology_and_no_leak},
    CU_TEST_INFO_NULL,
};

const struct suite suite_topology = {"topology", tests};

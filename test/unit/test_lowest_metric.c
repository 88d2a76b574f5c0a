#include "core/balance/lowest_metric.h"

#include "fixture.h"
#include "suites.h"

#define SERVERS 4
#define NOTHING 1e300 /* no value */

/* Servers with the values of a row, all of weight 1. */
struct four {
    double values[SERVERS];
    struct controller controller;
    struct virtual_server servers[SERVERS];
    const struct virtual_server *list[SERVERS];
    struct pool pool;
    struct client client;
    struct buffer warned;
    struct warnings warnings;
    struct selection selection;
};

static struct four four;

static void four_init(const double values[static SERVERS], uint32_t tolerance_percent)
{
    four = (struct four){.controller = {.id = 1, .name = "one"},
                         .pool = {.name = "web", .tolerance_percent = tolerance_percent},
                         .warnings = warnings_into(&four.warned)};
    for (size_t i = 0; i < SERVERS; i++) {
        four.values[i] = values[i];
        four.servers[i] = (struct virtual_server){
            .id = (int64_t)i + 11, .controller = &four.controller, .weight = 1};
        four.list[i] = &four.servers[i];
    }
    four.selection = (struct selection){.pool = &four.pool,
                                        .client = &four.client,
                                        .servers = four.list,
                                        .count = SERVERS,
                                        .metric_max_age_s = 60,
                                        .warnings = &four.warnings};
}

static bool read(const struct selection *selection, const struct virtual_server *server,
                 struct fresh_metric *ret_metric)
{
    (void)selection;
    double value = four.values[server->id - 11];
    if (value == NOTHING)
        return false;
    *ret_metric = (struct fresh_metric){value, 0};
    return true;
}

static size_t pick(uint64_t number, double least_width)
{
    four.client.number = (struct number){0, number};
    return lowest_metric_pick(&four.selection, "cpu", read, least_width);
}

/* Who gets clients, as a text of digits from 1 on. */
static const char *takers(double least_width, char text[static SERVERS + 1])
{
    bool taken[SERVERS] = {false};
    size_t length = 0;
    for (uint64_t n = 0; n < 200; n++)
        taken[pick(n, least_width)] = true;
    for (size_t i = 0; i < SERVERS; i++)
        if (taken[i])
            text[length++] = (char)('1' + i);
    text[length] = '\0';
    return text;
}

static void what_lies_within_the_tolerance_is_equal(void)
{
    static const struct {
        double values[SERVERS];
        uint32_t tolerance_percent;
        double least_width;
        const char *takers;
    } rows[] = {
        {{10, 20, 30, 40}, 20, 0, "1"},
        {{10, 12, 12.01, 40}, 20, 0, "12"},
        {{12.01, 10, 40, 12}, 20, 0, "24"},
        {{10, 10, 10, 10}, 0, 0, "1234"},
        {{10, 10.001, 10, 10}, 0, 0, "134"},
        {{10, 20, 30, 40}, 100, 0, "12"},
        {{10, 20, 30, 40}, 1000, 0, "1234"},
        {{0, 0, 0.001, 1}, 50, 0, "12"},        /* a part of nothing is nothing */
        {{0, 0, 0.001, 1}, 50, 0.5, "123"},     /* but the tolerance has a least width */
        {{0.1, 0.9, 1.1, 1.2}, 20, 1, "123"},   /* which holds near 0 */
        {{100, 119, 121, 101}, 20, 1, "124"},   /* and not far from it */
        {{-10, -12, -9.59, -9.5}, 20, 0, "12"}, /* below 0 the part is of the distance to 0 */
        {{-10, 0, NOTHING, -9}, 20, 0, "14"},   /* no value is no standing */
        {{NOTHING, NOTHING, 5, NOTHING}, 0, 0, "3"},
        {{1e308, 1e308, 1e307, 1e308}, 1000, 0, "1234"}, /* an edge beyond all numbers */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[SERVERS + 1];
        four_init(rows[i].values, rows[i].tolerance_percent);
        CHECK_TEXT(takers(rows[i].least_width, text), rows[i].takers, "row %zu", i);
        CHECK_TEXT(buffer_text(&four.warned), "", "row %zu", i);
    }
}

static void noise_within_the_tolerance_moves_nobody(void)
{
    uint64_t seed = 7;
    size_t before[100];
    four_init((const double[]){100, 105, 200, 110}, 20);
    for (uint64_t n = 0; n < COUNT(before); n++)
        before[n] = pick(n, 0);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < SERVERS; i++)
            four.values[i] = (i == 2 ? 180 : 100) + (double)random_below(&seed, 20);
        for (uint64_t n = 0; n < COUNT(before); n++)
            CHECK_INTEGER((int64_t)pick(n, 0), (int64_t)before[n], "round %d", round);
    }
}

static void a_server_that_leaves_the_tolerance_takes_its_own_clients_along(void)
{
    size_t before[1000];
    four_init((const double[]){100, 100, 100, 100}, 20);
    for (uint64_t n = 0; n < COUNT(before); n++)
        before[n] = pick(n, 0);
    four.values[1] = 121;
    for (uint64_t n = 0; n < COUNT(before); n++) {
        size_t now = pick(n, 0);
        CHECK(now != 1 && (before[n] == 1 || now == before[n]), "client %llu",
              (unsigned long long)n);
    }
}

static void without_any_value_it_is_undecided_and_says_so(void)
{
    four_init((const double[]){NOTHING, NOTHING, NOTHING, NOTHING}, 20);
    CHECK(pick(1, 0) == METHOD_UNDECIDED, "undecided");
    CHECK_TEXT(buffer_text(&four.warned), "pool web: no server has a metric cpu newer than 60 s\n",
               "warned");
    buffer_release(&four.warned);
    four_init((const double[]){1, 1, 1, 1}, 20);
    four.servers[0].weight = four.servers[1].weight = 0;
    CHECK(pick(1, 0) >= 2, "weights count among equals");
    four.servers[2].weight = four.servers[3].weight = 0;
    CHECK(pick(1, 0) < SERVERS, "but they do not keep the lowest from being taken");
}

static const CU_TestInfo tests[] = {
    {"what lies within the tolerance is equal", what_lies_within_the_tolerance_is_equal},
    {"noise within the tolerance moves nobody", noise_within_the_tolerance_moves_nobody},
    {"a server that leaves the tolerance takes its own clients along",
     a_server_that_leaves_the_tolerance_takes_its_own_clients_along},
    {"without any value it is undecided and says so",
     without_any_value_it_is_undecided_and_says_so},
    CU_TEST_INFO_NULL,
};

const struct suite suite_lowest_metric = {"lowest_metric", tests};

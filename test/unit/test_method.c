#include "core/balance/method.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void methods_are_found_by_name(void)
{
    static const struct {
        const char *name;
        const struct method *method;
    } rows[] = {
        {"modulus", &method_modulus},
        {"rendezvous", &method_rendezvous},
        {"round-robin", &method_round_robin},
        {"ratio", &method_ratio},
        {"failover", &method_failover},
        {"rtt", &method_rtt},
        {"least", &method_least},
        {"Modulus", NULL},
        {"modulus ", NULL},
        {"", NULL},
        {"modulu", NULL},
        {"weighted", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(method_find(rows[i].name) == rows[i].method, "%s", rows[i].name);
    CHECK_TEXT(method_modulus.name, "modulus", "its own name");
}

/* A later method is looked at too. */
static void every_method_fits_its_row(void)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    CHECK(count >= 7, "%zu methods", count);
    for (size_t i = 0; i < count; i++) {
        const struct method *method = methods[i];
        CHECK(method_find(method->name) == method, "%s", method->name);
        CHECK(strlen(method->name) < METHOD_NAME_MAX, "%s", method->name);
        CHECK(strspn(method->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(method->name), "%s",
              method->name);
        CHECK(method->pick && method->within && method->within->by_client, "%s", method->name);
        CHECK(!method->by_client || (!method->takes_turns && !method->metric), "%s", method->name);
    }
}

static void a_method_reads_its_own_metric_or_the_pools(void)
{
    const struct pool pool = {.metric = "cpu"}, without = {.metric = NULL};
    CHECK_TEXT(method_metric(&method_rtt, &pool), "rtt", "rtt");
    CHECK_TEXT(method_metric(&method_least, &pool), "cpu", "least");
    CHECK_TEXT(method_metric(&method_least, &without), NULL, "least without");
    CHECK_TEXT(method_metric(&method_modulus, &pool), NULL, "modulus");
}

/* Index of the picked server, from 0. The rows follow the claim: remainder, plus one, one greater.
 */
static void modulus_counts_on_from_the_last_to_the_first(void)
{
    static const struct {
        struct number client;
        size_t count, index;
    } rows[] = {
        {{0, 0}, 1, 0},
        {{0, 7}, 1, 0},
        {{0, 0}, 2, 1},
        {{0, 1}, 2, 0},
        {{0, 0}, 3, 1},
        {{0, 1}, 3, 2},
        {{0, 2}, 3, 0},
        {{0, 3}, 3, 1},
        {{0, 63}, 64, 0},
        {{0, 62}, 64, 63},
        {{0, 3221225994}, 3, 1},
        {{0, 3221225994}, 2, 1},
        {{UINT64_MAX, UINT64_MAX}, 3, 1},
        {{UINT64_MAX, UINT64_MAX}, 1024, 0},
        {{1, 0}, 10, 7},
        {{0, 1022}, POOL_SERVERS_MAX, 1023},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct client client = {.number = rows[i].client};
        const struct selection selection = {.client = &client, .count = rows[i].count};
        CHECK_INTEGER((int64_t)method_modulus.pick(&selection), (int64_t)rows[i].index, "row %zu",
                      i);
    }
}

#define SERVERS 5

/* Servers of one site each, with weights, and a turn. */
struct field {
    struct controller controllers[SERVERS];
    struct virtual_server servers[SERVERS];
    const struct virtual_server *list[SERVERS];
    struct pool pool;
    struct client client;
    struct turn turn;
    struct turns turns;
    struct memory_metrics metrics;
    struct metric_table table;
    struct selection selection;
};

static void field_init(struct field *field, size_t count, const uint32_t weights[])
{
    *field = (struct field){.pool = {.id = 1, .name = "web", .metric = "cpu"},
                            .client = {.network = network_of("192.0.2.1")},
                            .turn = {.pool_id = 1},
                            .turns = {.pools = &field->turn, .count = 1}};
    for (size_t i = 0; i < count; i++) {
        field->controllers[i] = (struct controller){.id = (int64_t)i + 1, .name = "site"};
        field->servers[i] = (struct virtual_server){.id = (int64_t)i + 11,
                                                    .controller = &field->controllers[i],
                                                    .position = (int64_t)i + 1,
                                                    .weight = weights ? weights[i] : 1};
        field->list[i] = &field->servers[i];
    }
    field->table = memory_metrics_table(&field->metrics);
    field->selection = (struct selection){.pool = &field->pool,
                                          .client = &field->client,
                                          .servers = field->list,
                                          .count = count,
                                          .now_s = SCENE_NOW_S,
                                          .measured = &field->table,
                                          .metric_max_age_s = 60,
                                          .path_metric_max_age_s = 1000,
                                          .turns = &field->turns};
}

/* The picks of so many turns as letters from A on, "-" where there is none. */
static const char *picks(const struct method *method, struct field *field, size_t turns, char *text)
{
    for (size_t i = 0; i < turns; i++) {
        size_t index = method->pick(&field->selection);
        text[i] = index == METHOD_UNDECIDED ? '-' : (char)('A' + index);
    }
    text[turns] = '\0';
    return text;
}

static void round_robin_and_ratio_go_round(void)
{
    static const struct {
        const struct method *method;
        size_t count;
        uint32_t weights[SERVERS];
        const char *picks;
    } rows[] = {
        {&method_round_robin, 3, {1, 1, 1}, "ABCABCA"},
        {&method_round_robin, 3, {0, 5, 0}, "ABCABCA"},
        {&method_round_robin, 1, {1}, "AAA"},
        {&method_ratio, 3, {1, 1, 1}, "ABCABCA"},
        {&method_ratio, 3, {7, 7, 7}, "ABCABCA"},
        {&method_ratio, 2, {3, 2}, "ABABAABABA"},
        {&method_ratio, 2, {2, 3}, "BABABBABAB"},
        {&method_ratio, 2, {5, 1}, "AAABAAAAABAA"},
        {&method_ratio, 3, {1, 2, 3}, "CBACBCCBACBC"},
        {&method_ratio, 3, {0, 1, 0}, "BBB"},
        {&method_ratio, 3, {0, 65535, 65535}, "BCBCBC"},
        {&method_ratio, 2, {0, 0}, "--"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct field field;
        char text[16];
        field_init(&field, rows[i].count, rows[i].weights);
        CHECK_TEXT(picks(rows[i].method, &field, strlen(rows[i].picks), text), rows[i].picks,
                   "row %zu", i);
    }
}

static void in_every_round_each_server_has_its_weight(void)
{
    uint64_t seed = 11;
    for (int round = 0; round < 300; round++) {
        uint32_t weights[SERVERS], sum = 0;
        uint32_t turns[SERVERS] = {0};
        struct field field;
        for (size_t i = 0; i < SERVERS; i++)
            sum += weights[i] = (uint32_t)random_below(&seed, 40);
        weights[0]++;
        field_init(&field, SERVERS, weights);
        field.turn.next = random_next(&seed) / 2;
        for (uint32_t i = 0; i < sum + 1; i++)
            turns[method_ratio.pick(&field.selection)]++;
        for (size_t i = 0; i < SERVERS; i++)
            CHECK_INTEGER(turns[i], weights[i], "round %d, server %zu", round, i);
    }
}

/* Many processes with beginnings of their own, each with few questions. */
static void several_processes_together_give_the_right_shares(void)
{
    enum { PROCESSES = 50, TURNS = 77 };
    const int questions = PROCESSES * TURNS;
    static const uint32_t weights[SERVERS] = {1, 2, 3, 4, 10};
    const struct method *methods[] = {&method_round_robin, &method_ratio};
    uint64_t seed = 3;
    for (size_t m = 0; m < COUNT(methods); m++) {
        uint32_t turns[SERVERS] = {0};
        for (int process = 0; process < PROCESSES; process++) {
            struct field field;
            field_init(&field, SERVERS, weights);
            field.turn.next = random_next(&seed);
            for (int i = 0; i < TURNS; i++)
                turns[methods[m]->pick(&field.selection)]++;
        }
        for (size_t i = 0; i < SERVERS; i++) {
            double share = m == 0 ? 1.0 / SERVERS : weights[i] / 20.0;
            double wanted = share * questions;
            CHECK(turns[i] > wanted - 40 && turns[i] < wanted + 40, "%s, server %zu: %u of %g",
                  methods[m]->name, i, turns[i], wanted);
        }
    }
}

/* Of every method that can decide here at all. */
static void only_methods_by_weight_need_one(void)
{
    static const uint32_t none[3];
    size_t count, by_weight = 0;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct field with, without;
        field_init(&with, 3, NULL);
        field_init(&without, 3, none);
        for (int64_t id = 11; id <= 13; id++) {
            memory_metrics_put(&with.metrics, OF_SERVER, id, "rtt", 1, 0);
            memory_metrics_put(&with.metrics, OF_SERVER, id, "cpu", 1, 0);
        }
        without.metrics = with.metrics;
        if (methods[i]->pick(&with.selection) == METHOD_UNDECIDED)
            continue;
        bool undecided = methods[i]->pick(&without.selection) == METHOD_UNDECIDED;
        CHECK_INTEGER(undecided, methods[i]->by_weight, "%s", methods[i]->name);
        by_weight += methods[i]->by_weight;
    }
    CHECK_INTEGER((int64_t)by_weight, 2, "rendezvous and ratio");
}

/* A choice that is not stored must be the same when it is made again. */
static void without_turns_the_client_decides(void)
{
    static const uint32_t weights[SERVERS] = {0, 1, 0, 0, 3};
    struct field field;
    field_init(&field, SERVERS, weights);
    field.selection.turns = NULL;
    for (uint64_t n = 0; n < 100; n++) {
        field.client.number.low = n;
        CHECK_INTEGER((int64_t)method_round_robin.pick(&field.selection),
                      (int64_t)method_modulus.pick(&field.selection), "round-robin, client %llu",
                      (unsigned long long)n);
        CHECK_INTEGER((int64_t)method_ratio.pick(&field.selection),
                      (int64_t)method_rendezvous.pick(&field.selection), "ratio, client %llu",
                      (unsigned long long)n);
    }
}

static void failover_takes_the_first(void)
{
    struct field field;
    field_init(&field, SERVERS, (const uint32_t[SERVERS]){0, 1, 1, 1, 9});
    for (uint64_t n = 0; n < 100; n++) {
        field.client.number.low = n;
        CHECK_INTEGER((int64_t)method_failover.pick(&field.selection), 0, "client %llu",
                      (unsigned long long)n);
    }
}

#define NO {0, 0}

/* Values of two servers: of the path, the server and the controller, each with its age. */
static void rtt_goes_by_the_nearest_fresh_value(void)
{
    static const struct {
        struct {
            double value;
            int64_t age_s;
        } path[2], server[2], controller[2]; /* value 0: none */
        char pick;
    } rows[] = {
        {{NO, NO}, {{10, 0}, {20, 0}}, {NO, NO}, 'A'},
        {{NO, NO}, {{20, 0}, {10, 0}}, {NO, NO}, 'B'},
        {{{30, 0}, {20, 0}}, {{10, 0}, {90, 0}}, {NO, NO}, 'B'},
        {{{30, 0}, NO}, {{10, 0}, {20, 0}}, {NO, NO}, 'B'},
        {{{30, 1001}, NO}, {{10, 0}, {20, 0}}, {NO, NO}, 'A'},
        {{{30, 1000}, NO}, {{10, 0}, {20, 0}}, {NO, NO}, 'B'},
        {{NO, NO}, {{10, 61}, {20, 0}}, {NO, NO}, 'B'},
        {{NO, NO}, {{10, 61}, {20, 0}}, {{15, 0}}, 'A'},
        {{NO, NO}, {{10, 61}, {20, 61}}, {{15, 61}, {15, 61}}, '-'},
        {{NO, NO}, {NO, NO}, {NO, NO}, '-'},
        {{NO, NO}, {{2, 0}, {1, 0}}, {NO, NO}, '='}, /* a millisecond is nothing */
        {{NO, NO}, {{2.01, 0}, {1, 0}}, {NO, NO}, 'B'},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct field field;
        field_init(&field, 2, NULL);
        for (int64_t k = 0; k < 2; k++) {
            if (rows[i].path[k].value > 0)
                memory_metrics_put(&field.metrics, OF_PATH, k + 1, "rtt", rows[i].path[k].value,
                                   rows[i].path[k].age_s);
            if (rows[i].server[k].value > 0)
                memory_metrics_put(&field.metrics, OF_SERVER, k + 11, "rtt",
                                   rows[i].server[k].value, rows[i].server[k].age_s);
            if (rows[i].controller[k].value > 0)
                memory_metrics_put(&field.metrics, OF_CONTROLLER, k + 1, "rtt",
                                   rows[i].controller[k].value, rows[i].controller[k].age_s);
        }
        bool taken[2] = {false, false}, undecided = false;
        for (uint64_t n = 0; n < 50; n++) {
            field.client.number.low = n;
            size_t index = method_rtt.pick(&field.selection);
            if (index < 2)
                taken[index] = true;
            else
                undecided = true;
        }
        char pick = undecided ? '-' : taken[0] && taken[1] ? '=' : taken[0] ? 'A' : 'B';
        CHECK_INTEGER(pick, rows[i].pick, "row %zu", i);
    }
}

static void least_goes_by_the_pools_metric(void)
{
    struct field field;
    field_init(&field, 3, NULL);
    memory_metrics_put(&field.metrics, OF_SERVER, 11, "cpu", 3, 0);
    memory_metrics_put(&field.metrics, OF_SERVER, 12, "cpu", -4, 0);
    memory_metrics_put(&field.metrics, OF_CONTROLLER, 3, "cpu", 2, 0);
    memory_metrics_put(&field.metrics, OF_SERVER, 13, "rtt", 0, 0);
    memory_metrics_put(&field.metrics, OF_SERVER, 11, "connections", 5, 0);
    CHECK_INTEGER((int64_t)method_least.pick(&field.selection), 1, "cpu");
    field.pool.metric = "connections";
    CHECK_INTEGER((int64_t)method_least.pick(&field.selection), 0, "connections");
    field.pool.metric = "memory";
    CHECK(method_least.pick(&field.selection) == METHOD_UNDECIDED, "memory");
    field.pool.metric = NULL;
    CHECK(method_least.pick(&field.selection) == METHOD_UNDECIDED, "no metric at all");
}

static const CU_TestInfo tests[] = {
    {"methods are found by name", methods_are_found_by_name},
    {"modulus counts on from the last server to the first",
     modulus_counts_on_from_the_last_to_the_first},
    {"every method fits its row", every_method_fits_its_row},
    {"a method reads its own metric or the pool's", a_method_reads_its_own_metric_or_the_pools},
    {"round-robin and ratio go round", round_robin_and_ratio_go_round},
    {"in every round each server has its weight", in_every_round_each_server_has_its_weight},
    {"several processes together give the right shares",
     several_processes_together_give_the_right_shares},
    {"only methods by weight need one", only_methods_by_weight_need_one},
    {"without turns the client decides", without_turns_the_client_decides},
    {"failover takes the first", failover_takes_the_first},
    {"rtt goes by the nearest fresh value", rtt_goes_by_the_nearest_fresh_value},
    {"least goes by the pool's metric", least_goes_by_the_pools_metric},
    CU_TEST_INFO_NULL,
};

const struct suite suite_method = {"method", tests};

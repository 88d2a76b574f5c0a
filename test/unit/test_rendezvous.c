#include "core/balance/rendezvous.h"

#include "fixture.h"
#include "suites.h"

#define SERVERS 4
#define CLIENTS 20000

struct four {
    struct controller controller;
    struct virtual_server servers[SERVERS];
    const struct virtual_server *list[SERVERS];
};

static void four_init(struct four *four, const uint32_t weights[static SERVERS])
{
    four->controller = (struct controller){.id = 1, .name = "one"};
    for (size_t i = 0; i < SERVERS; i++) {
        four->servers[i] = (struct virtual_server){
            .id = (int64_t)i + 11, .controller = &four->controller, .weight = weights[i]};
        four->list[i] = &four->servers[i];
    }
}

static size_t pick(const struct four *four, uint64_t number, const bool *stands, bool any)
{
    const struct client client = {.known = true, .number = {0, number}};
    const struct selection selection = {.client = &client, .servers = four->list, .count = SERVERS};
    return any ? rendezvous_pick_any(&selection, stands) : rendezvous_pick(&selection, stands);
}

static void scores_are_the_same_for_ever(void)
{
    static const struct {
        struct number client;
        int64_t server_id;
        uint32_t weight;
        int64_t thousandths;
    } rows[] = {
        {{0, 0}, 1, 0, 0},
        {{0, 3221225994}, 11, 1, 476},
        {{0, 3221225994}, 11, 10, 4769},
        {{0, 3221225994}, 12, 1, 1810},
        {{UINT64_MAX, UINT64_MAX}, INT64_MAX, 65535, 66495462},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(
            (int64_t)(1000 * rendezvous_score(rows[i].client, rows[i].server_id, rows[i].weight)),
            rows[i].thousandths, "row %zu", i);
}

static void clients_are_shared_out_by_weight(void)
{
    static const uint32_t weights[][SERVERS] = {
        {1, 1, 1, 1}, {1, 2, 3, 4}, {0, 1, 0, 3}, {65535, 65535, 1, 0}, {0, 0, 0, 7}};
    for (size_t i = 0; i < COUNT(weights); i++) {
        struct four four;
        int64_t clients[SERVERS] = {0}, sum = 0;
        four_init(&four, weights[i]);
        for (size_t k = 0; k < SERVERS; k++)
            sum += weights[i][k];
        for (uint64_t n = 0; n < CLIENTS; n++)
            clients[pick(&four, 3221225984 + n, NULL, false)]++;
        for (size_t k = 0; k < SERVERS; k++) {
            int64_t wanted = CLIENTS * (int64_t)weights[i][k] / sum;
            CHECK(clients[k] >= wanted - CLIENTS / 50 && clients[k] <= wanted + CLIENTS / 50,
                  "row %zu, server %zu: %lld of %lld", i, k, (long long)clients[k],
                  (long long)wanted);
            CHECK(weights[i][k] > 0 || clients[k] == 0, "row %zu, server %zu: weight 0", i, k);
        }
    }
}

/* What is changed is server 2: it goes, comes, gets heavier or lighter. */
static void only_those_clients_move_that_have_to(void)
{
    static const struct {
        uint32_t before, after;
    } rows[] = {{2, 0}, {0, 2}, {2, 3}, {3, 2}, {1, 65535}, {5, 5}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct four before, after;
        int64_t moved = 0;
        four_init(&before, (const uint32_t[]){1, 2, rows[i].before, 3});
        four_init(&after, (const uint32_t[]){1, 2, rows[i].after, 3});
        for (uint64_t n = 0; n < CLIENTS; n++) {
            size_t was = pick(&before, n, NULL, false), is = pick(&after, n, NULL, false);
            moved += was != is;
            CHECK(was == is || (rows[i].after > rows[i].before ? is : was) == 2,
                  "row %zu, client %llu", i, (unsigned long long)n);
        }
        CHECK((moved > 0) == (rows[i].before != rows[i].after), "row %zu: %lld moved", i,
              (long long)moved);
    }
}

static void who_does_not_stand_is_passed_over(void)
{
    static const struct {
        uint32_t weights[SERVERS];
        bool stands[SERVERS];
        size_t weighed, any; /* SERVERS: one of those that stand */
    } rows[] = {
        {{1, 1, 1, 1}, {false, true, false, false}, 1, 1},
        {{1, 1, 1, 1}, {false, false, false, false}, METHOD_UNDECIDED, METHOD_UNDECIDED},
        {{0, 0, 0, 0}, {false, false, true, false}, METHOD_UNDECIDED, 2},
        {{0, 0, 0, 0}, {true, true, true, true}, METHOD_UNDECIDED, SERVERS},
        {{0, 0, 5, 0}, {true, true, true, true}, 2, 2},
        {{0, 0, 5, 0}, {true, true, false, false}, METHOD_UNDECIDED, SERVERS},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct four four;
        four_init(&four, rows[i].weights);
        for (uint64_t n = 0; n < 100; n++) {
            size_t any = pick(&four, n, rows[i].stands, true);
            CHECK_INTEGER((int64_t)pick(&four, n, rows[i].stands, false), (int64_t)rows[i].weighed,
                          "row %zu", i);
            if (rows[i].any == SERVERS)
                CHECK(any < SERVERS && rows[i].stands[any], "row %zu", i);
            else
                CHECK_INTEGER((int64_t)any, (int64_t)rows[i].any, "row %zu", i);
        }
    }
}

static const CU_TestInfo tests[] = {
    {"scores are the same for ever", scores_are_the_same_for_ever},
    {"clients are shared out by weight", clients_are_shared_out_by_weight},
    {"only those clients move that have to", only_those_clients_move_that_have_to},
    {"who does not stand is passed over", who_does_not_stand_is_passed_over},
    CU_TEST_INFO_NULL,
};

const struct suite suite_rendezvous = {"rendezvous", tests};

/*
 * The choice against an oracle, on random pools: the definition of the choice written down a second
 * time, straight and slow, with arithmetic of its own and no function of the project. And what
 * follows from the definition: who moves when a server goes down and who when it returns.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/sticky/assign.h"
#include "fixture.h"
#include "suites.h"

#define SERVERS_MAX 64
#define CASES 220000
#define CLIENTS 40

/* A pool of literals with everything that points into it. */
struct field {
    struct controller controllers[SERVERS_MAX];
    struct virtual_server servers[SERVERS_MAX];
    bool server_down[SERVERS_MAX], controller_down[SERVERS_MAX];
    size_t count;
    struct availability availability;
    struct pool pool;
    struct snapshot snapshot;
    struct memory_table table;
    struct mapping_table mappings;
    struct decision_inputs inputs;
};

static struct field field;

/* No mapping is kept, so that each answer is a choice. */
static int find_nothing(void *context, int64_t pool_id, const char *key, struct mapping *mapping,
                        struct error *error)
{
    (void)context, (void)pool_id, (void)key, (void)mapping, (void)error;
    return ERR_NOTFOUND;
}

static enum state random_state(uint64_t *seed)
{
    size_t dice = random_below(seed, 8);
    return dice == 0 ? STATE_DISABLED : dice == 1 ? STATE_DRAINING : STATE_ENABLED;
}

/* `chances` out of ten servers and controllers are down. */
static void field_fill(uint64_t *seed, size_t chances)
{
    field.count = 1 + random_below(seed, SERVERS_MAX);
    size_t controllers = 1 + random_below(seed, field.count);
    for (size_t i = 0; i < controllers; i++) {
        field.controllers[i] = (struct controller){
            .id = (int64_t)i + 1, .name = "site", .state = random_state(seed), .index = i};
        field.controller_down[i] = random_below(seed, 30) < chances;
    }
    for (size_t i = 0; i < field.count; i++) {
        field.servers[i] = (struct virtual_server){
            .id = (int64_t)i + 1,
            .controller = &field.controllers[random_below(seed, controllers)],
            .position = (int64_t)i,
            .ipv4 = "192.0.2.1",
            .state = random_state(seed),
            .index = i};
        field.server_down[i] = random_below(seed, 10) < chances;
    }
    field.snapshot.controller_count = controllers;
    field.pool.server_count = field.count;
}

static void field_init(void)
{
    memset(&field, 0, sizeof field);
    field.availability = (struct availability){
        field.server_down, field.controller_down, SERVERS_MAX, SERVERS_MAX, NULL, NULL};
    field.pool = (struct pool){.id = 1,
                               .name = "pool",
                               .method = &method_modulus,
                               .persistence_ttl_s = 3600,
                               .ipv4_prefix_bits = 32,
                               .ipv6_prefix_bits = 128,
                               .fallback = FALLBACK_NONE,
                               .persistence_pool = &field.pool,
                               .servers = field.servers};
    field.snapshot.controllers = field.controllers;
    field.mappings = (struct mapping_table){find_nothing, NULL, NULL};
    field.inputs = (struct decision_inputs){.snapshot = &field.snapshot,
                                            .availability = &field.availability,
                                            .mappings = &field.mappings,
                                            .now_s = SCENE_NOW_S};
}

/* An address that is never 0.0.0.0 or ::, and often near a power of two. */
static struct source random_client(uint64_t *seed)
{
    struct source source = {.remote.family = random_below(seed, 2) ? FAMILY_IPV4 : FAMILY_IPV6};
    size_t bytes = source.remote.family == FAMILY_IPV4 ? 4 : 16;
    size_t zeros = random_below(seed, 4) ? 0 : random_below(seed, bytes);
    for (size_t i = 0; i < bytes; i++)
        source.remote.bytes[i] = i < zeros ? 0 : (uint8_t)random_next(seed);
    source.remote.bytes[bytes - 1] |= 1;
    return source;
}

/*
 * The oracle.
 *
 * The first `bits` bits of the address are its number, written in base two; the remainder by n is
 * built up digit by digit.
 */
static size_t oracle_remainder(const uint8_t *bytes, size_t bits, size_t n)
{
    size_t remainder = 0;
    for (size_t i = 0; i < bits; i++) {
        size_t digit = (bytes[i / 8] & (0x80 >> i % 8)) != 0;
        remainder = (2 * remainder + digit) % n;
    }
    return remainder;
}

static bool oracle_up(size_t server)
{
    size_t controller = (size_t)(field.servers[server].controller - field.controllers);
    return !field.server_down[server] && !field.controller_down[controller];
}

static bool oracle_enabled(size_t server)
{
    return field.servers[server].state == STATE_ENABLED &&
           field.servers[server].controller->state == STATE_ENABLED;
}

static bool oracle_drains(size_t server)
{
    return field.servers[server].state != STATE_DISABLED &&
           field.servers[server].controller->state != STATE_DISABLED && !oracle_enabled(server);
}

/* Draining servers stand for new clients only while nobody else can. */
static bool oracle_stands(size_t server)
{
    bool enabled_up = false, draining_up = false;
    for (size_t i = 0; i < field.count; i++) {
        enabled_up |= oracle_enabled(i) && oracle_up(i);
        draining_up |= oracle_drains(i) && oracle_up(i);
    }
    if (!enabled_up && draining_up)
        return oracle_drains(server);
    return oracle_enabled(server);
}

/* The chosen server, counted from 0, or -1. */
static int oracle_choice(const uint8_t *bytes, size_t bits)
{
    int list[SERVERS_MAX + 1]; /* numbered from 1 on */
    size_t n = 0;
    for (size_t i = 0; i < field.count; i++)
        if (oracle_stands(i))
            list[++n] = (int)i;
    while (n > 0) {
        size_t second = oracle_remainder(bytes, bits, n) + 1;
        size_t number = second == n ? 1 : second + 1;
        if (oracle_up((size_t)list[number]))
            return list[number];
        for (size_t i = number; i < n; i++)
            list[i] = list[i + 1];
        n--;
    }
    return -1;
}

static size_t oracle_bits(const struct source *source)
{
    return source->remote.family == FAMILY_IPV4 ? field.pool.ipv4_prefix_bits
                                                : field.pool.ipv6_prefix_bits;
}

static int answered(const struct source *source)
{
    struct assignment assignment;
    assign(&field.inputs, &field.pool, source, &assignment);
    return assignment.server ? (int)(assignment.server - field.servers) : -1;
}

static void the_choice_is_the_definitions(void)
{
    uint64_t seed = 2024;
    field_init();
    for (size_t i = 0; i < CASES; i++) {
        if (i % 8 == 0) {
            field_fill(&seed, random_below(&seed, 11));
            field.pool.ipv4_prefix_bits =
                (uint8_t)(random_below(&seed, 2) ? 32 : random_below(&seed, 33));
            field.pool.ipv6_prefix_bits =
                (uint8_t)(random_below(&seed, 2) ? 128 : random_below(&seed, 129));
        }
        struct source source = random_client(&seed);
        int expected = oracle_choice(source.remote.bytes, oracle_bits(&source));
        CHECK_INTEGER(answered(&source), expected, "case %zu", i);
    }
}

/* All of a pool enabled and up, one controller each. */
static void field_even(size_t count)
{
    field_init();
    field.count = field.pool.server_count = field.snapshot.controller_count = count;
    for (size_t i = 0; i < count; i++) {
        field.controllers[i] =
            (struct controller){.id = (int64_t)i + 1, .name = "site", .index = i};
        field.servers[i] = (struct virtual_server){.id = (int64_t)i + 1,
                                                   .controller = &field.controllers[i],
                                                   .position = (int64_t)i,
                                                   .index = i};
    }
}

static void the_worked_example_holds(void)
{
    static const struct {
        const char *down;
        int server;
    } rows[] = {{"", 2}, {"2", 3}, {"23", 1}, {"123", 0}, {"1", 2}, {"3", 2}};
    const struct source source = {.remote = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 10}}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        field_even(3);
        for (const char *c = rows[i].down; *c; c++)
            field.server_down[*c - '1'] = true;
        CHECK_INTEGER(answered(&source) + 1, rows[i].server, "down: %s", rows[i].down);
        CHECK_INTEGER(oracle_choice(source.remote.bytes, 32) + 1, rows[i].server, "down: %s",
                      rows[i].down);
    }
}

/* Answers for all clients. */
static void answer_all(const struct source *sources, int *ret_answers)
{
    for (size_t i = 0; i < CLIENTS; i++)
        ret_answers[i] = answered(&sources[i]);
}

static void only_its_own_clients_move_when_a_server_goes_down(void)
{
    uint64_t seed = 7;
    field_init();
    for (size_t i = 0; i < 2000; i++) {
        struct source sources[CLIENTS];
        int before[CLIENTS], after[CLIENTS];
        field_fill(&seed, random_below(&seed, 6));
        for (size_t k = 0; k < CLIENTS; k++)
            sources[k] = random_client(&seed);
        answer_all(sources, before);
        int victim = (int)random_below(&seed, field.count);
        field.server_down[victim] = true;
        answer_all(sources, after);
        for (size_t k = 0; k < CLIENTS; k++) {
            if (before[k] == victim)
                CHECK(after[k] != victim, "pool %zu, client %zu", i, k);
            else
                CHECK_INTEGER(after[k], before[k], "pool %zu, client %zu", i, k);
        }
    }
}

/* Uses the table of the scene, so that mappings are kept. */
static void keep_mappings(const struct scene *scene)
{
    field.table = (struct memory_table){.count = 0};
    field.mappings = scene->mappings;
    field.mappings.context = &field.table;
}

static void nobody_moves_when_a_server_returns(void)
{
    uint64_t seed = 11;
    struct scene scene;
    scene_init(&scene, &three_sites);
    field_init();
    for (size_t i = 0; i < 500; i++) {
        struct source sources[CLIENTS];
        int away[CLIENTS], back[CLIENTS];
        field_fill(&seed, random_below(&seed, 6));
        keep_mappings(&scene);
        for (size_t k = 0; k < CLIENTS; k++)
            sources[k] = random_client(&seed);
        size_t victim = random_below(&seed, field.count);
        field.server_down[victim] = true;
        answer_all(sources, away);
        field.server_down[victim] = false;
        answer_all(sources, back);
        for (size_t k = 0; k < CLIENTS; k++)
            if (away[k] >= 0) /* several servers of one site share a client by modulus */
                CHECK(field.servers[back[k]].controller == field.servers[away[k]].controller,
                      "pool %zu, client %zu", i, k);
    }
    scene_release(&scene);
}

/* Says whether each count lies within a fifth of the mean, more than six standard deviations. */
static void check_even(const size_t *counts, size_t count, size_t mean, const char *what)
{
    for (size_t i = 0; i < count; i++)
        CHECK(counts[i] > mean - mean / 5 && counts[i] < mean + mean / 5,
              "%s, server %zu of %zu: %zu", what, i + 1, count, counts[i]);
}

static void clients_spread_evenly(void)
{
    enum { MEAN = 1000 };
    static const struct {
        uint8_t ipv4_bits, ipv6_bits;
        const char *what;
    } rows[] = {{32, 128, "whole addresses"}, {24, 56, "networks"}};
    uint64_t seed = 13;
    for (size_t r = 0; r < COUNT(rows); r++) {
        for (size_t n = 1; n <= SERVERS_MAX; n = n < 8 ? n + 1 : 2 * n) {
            size_t counts[SERVERS_MAX] = {0};
            field_even(n);
            field.pool.ipv4_prefix_bits = rows[r].ipv4_bits;
            field.pool.ipv6_prefix_bits = rows[r].ipv6_bits;
            for (size_t i = 0; i < n * MEAN; i++) {
                struct source source = {.remote.family = i % 2 ? FAMILY_IPV4 : FAMILY_IPV6};
                for (size_t k = 0; k < (i % 2 ? 4 : 16); k++)
                    source.remote.bytes[k] = (uint8_t)random_next(&seed);
                counts[answered(&source)]++;
            }
            check_even(counts, n, MEAN, rows[r].what);
        }
    }
}

static void neighbours_go_to_neighbours(void)
{
    for (size_t n = 1; n <= SERVERS_MAX; n++) {
        size_t counts[SERVERS_MAX] = {0};
        field_even(n);
        for (size_t i = 0; i < n; i++) {
            struct source source = {
                .remote = {.family = FAMILY_IPV4, .bytes = {203, 0, 113, (uint8_t)(100 + i)}}};
            counts[answered(&source)]++;
        }
        for (size_t i = 0; i < n; i++)
            CHECK_INTEGER((int64_t)counts[i], 1, "server %zu of %zu", i + 1, n);
    }
}

static const CU_TestInfo tests[] = {
    {"the choice is that of the definition", the_choice_is_the_definitions},
    {"the worked example holds", the_worked_example_holds},
    {"only its own clients move when a server goes down",
     only_its_own_clients_move_when_a_server_goes_down},
    {"nobody moves when a server returns", nobody_moves_when_a_server_returns},
    {"clients spread evenly over the servers", clients_spread_evenly},
    {"neighbouring addresses go to neighbouring servers", neighbours_go_to_neighbours},
    CU_TEST_INFO_NULL,
};

const struct suite suite_property = {"property", tests};

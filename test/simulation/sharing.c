/*
 * Plays random schedules of what can happen to two to five name servers that share their mappings,
 * and checks that all have the same tables when everything works again. Each schedule has a seed
 * and can be played again, with all its steps shown. A mutant breaks one rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define EXIT_FOUND 1
#define EXIT_USAGE 64

#define START_MS INT64_C(1700000000000)

/* -------------------------------------------------------------- what can happen */

static struct server *any_server(struct world *world)
{
    return &world->servers[world_below(world, world->server_count)];
}

static size_t any_key(struct world *world)
{
    return world_below(world, KEYS);
}

static void ask(struct world *world)
{
    server_ask(world, any_server(world), any_key(world), false);
}

static void ask_several(struct world *world)
{
    size_t key = any_key(world);
    for (size_t i = 0; i < world->server_count; i++)
        if (world_below(world, 3) > 0)
            server_ask(world, &world->servers[i], key, false);
}

static void move(struct world *world)
{
    server_ask(world, any_server(world), any_key(world), true);
}

static void recover(struct world *world)
{
    server_recover(world, any_server(world), world_below(world, SITES));
}

static void store(struct world *world)
{
    struct server *server = any_server(world);
    for (size_t key = 0; key < KEYS; key++)
        server_store(world, server, key);
}

static void delete(struct world *world)
{
    server_delete(world, any_server(world), any_key(world));
}

static void sweep(struct world *world)
{
    server_sweep(world, any_server(world));
}

static void hand_over(struct world *world)
{
    server_hand_over(world, any_server(world), world_below(world, 8) > 0);
}

static void acknowledge(struct world *world)
{
    server_end_waiting(world, any_server(world), world_below(world, 6) > 0);
}

static void restart(struct world *world)
{
    server_restart(world, any_server(world));
}

static void with_peer(struct world *world,
                      void (*what)(struct world *, struct server *, struct server *))
{
    struct server *server = any_server(world), *peer = any_server(world);
    if (can_hear(server, peer))
        what(world, server, peer);
}

static void read_all(struct world *world, struct server *server, struct server *peer)
{
    while (feed_read(world, server, peer))
        ;
}

/* A client asks one server and then the other, twice, and each hears of it before. */
static void ask_in_turn(struct world *world, struct server *server, struct server *peer)
{
    size_t key = any_key(world);
    for (int i = 0; i < 4; i++) {
        struct server *asked = i % 2 ? peer : server, *other = i % 2 ? server : peer;
        server_ask(world, asked, key, false);
        server_store(world, asked, key);
        while (server_hand_over(world, asked, true))
            server_end_waiting(world, asked, true);
        if (can_hear(other, asked))
            read_all(world, other, asked);
    }
}

static void ask_both(struct world *world)
{
    with_peer(world, ask_in_turn);
}

static void read_one(struct world *world, struct server *server, struct server *peer)
{
    feed_read(world, server, peer);
}

static void read_log(struct world *world)
{
    with_peer(world, world_below(world, 2) ? read_all : read_one);
}

static void look(struct world *world)
{
    with_peer(world, feed_look);
}

static void begin_walk(struct world *world, struct server *server, struct server *peer)
{
    if (world->mutant != MUTANT_NO_WALK && world_below(world, 8) == 0)
        feed_begin_walk(server, peer);
}

static void walk(struct world *world)
{
    with_peer(world, begin_walk);
    with_peer(world, feed_walk);
}

/* A message that was on its way for long, or comes twice. */
static void hear_stray(struct world *world, struct server *server, struct server *peer)
{
    const struct log *log = &peer->log;
    if (log->last < log->first)
        return;
    size_t length = (size_t)(log->last - log->first) + 1;
    int64_t sequence = log->first + (int64_t)world_below(world, length);
    const struct message *message = &log->messages[sequence % LOG_MAX];
    for (size_t i = message->count; i-- > 0;)
        server_hear(world, server, message->rows[i].key, &message->rows[i].version);
}

static void stray(struct world *world)
{
    with_peer(world, hear_stray);
}

static void pass_time(struct world *world)
{
    static const size_t most_ms[] = {2, 1000, 1000, 1000, 5000, 5000, 60000, 150000};
    static const size_t much_ms[] = {400000, HOUR_MS + 60000, 2 * 86400000};
    bool much = world_below(world, 12) == 0;
    size_t limit_ms = much ? much_ms[world_below(world, COUNT(much_ms))]
                           : most_ms[world_below(world, COUNT(most_ms))];
    world->now_ms += 1 + (int64_t)world_below(world, limit_ms);
}

static void split(struct world *world)
{
    bool whole = world_below(world, 2) == 0;
    for (size_t i = 0; i < world->server_count; i++)
        world->servers[i].side = whole ? 0 : world_below(world, world->server_count);
    say(world, "a partition %s", whole ? "ends" : "begins");
}

static void switch_log(struct world *world)
{
    struct server *server = any_server(world);
    server->log_runs = !server->log_runs;
    say(world, "node %d: nats-server %s", (int)server->node, server->log_runs ? "up" : "down");
}

static void damage_log(struct world *world)
{
    struct server *server = any_server(world);
    size_t count = 1 + world_below(world, 4), how = world_below(world, 5);
    if (how == 0)
        log_begin(world, &server->log);
    else if (how == 1)
        log_expire(&server->log, count);
    else
        log_lose_tail(&server->log, count);
    say(world, "node %d: log damaged, now %lld to %lld", (int)server->node,
        (long long)server->log.first, (long long)server->log.last);
}

static void drift(struct world *world)
{
    int64_t offset_ms = (int64_t)world_below(world, 2 * HONEST_MS + 1) - HONEST_MS;
    server_set_clock(world, any_server(world), offset_ms);
}

static void lose_hour(struct world *world)
{
    if (!world->hours || world_below(world, 2))
        return;
    world->was_hour = true;
    server_set_clock(world, any_server(world), world_below(world, 2) ? HOUR_MS : -HOUR_MS);
}

static void wipe(struct world *world)
{
    if (world->wipes && world_below(world, 2))
        server_wipe(world, any_server(world));
}

static const struct {
    size_t weight;
    void (*happens)(struct world *world);
} events[] = {
    {14, ask},      {8, ask_several}, {6, move},       {3, ask_both},   {6, recover},
    {5, delete},    {14, store},      {5, sweep},      {16, hand_over}, {16, acknowledge},
    {22, read_log}, {12, look},       {12, walk},      {3, stray},      {14, pass_time},
    {4, split},     {3, switch_log},  {3, damage_log}, {3, drift},      {2, restart},
    {4, lose_hour}, {2, wipe},
};

static size_t weights(void)
{
    size_t sum = 0;
    for (size_t i = 0; i < COUNT(events); i++)
        sum += events[i].weight;
    return sum;
}

static void happen(struct world *world)
{
    size_t chosen = world_below(world, weights()), i = 0;
    for (; chosen >= events[i].weight; i++)
        chosen -= events[i].weight;
    events[i].happens(world);
}

/* -------------------------------------------------------------- a schedule */

static void begin_table(struct world *world, struct server *server)
{
    for (size_t key = 0; key < KEYS; key++)
        if (world_below(world, 2))
            server_begin_with(world, server, key);
}

static void begin(struct world *world, uint64_t seed, enum mutant mutant, bool trace)
{
    memset(world, 0, sizeof *world);
    world->seed = seed;
    world->mutant = mutant;
    world->trace = trace;
    world->now_ms = START_MS;
    world->sliding = world_below(world, 2);
    world->wipes = world_below(world, 4) == 0;
    world->hours = world_below(world, 4) == 0;
    world->server_count = 2 + world_below(world, SERVERS_MAX - 1);
    world->pool = (struct pool){.failback = (enum failback)world_below(world, FAILBACK_MANUAL),
                                .failback_delay_s = (uint32_t)world_below(world, 60)};
    bool before = world_below(world, 4) == 0;
    for (size_t i = 0; i < world->server_count; i++) {
        struct server *server = &world->servers[i];
        server->node = (int64_t)i + 1;
        server->log_runs = true;
        server->incarnation = ++world->counter;
        log_begin(world, &server->log);
        if (before)
            begin_table(world, server);
    }
    if (world_below(world, 2))
        for (size_t i = 0; i < world->server_count; i++)
            drift(world);
    if (world_below(world, 4) == 0)
        any_server(world)->lacks[world_below(world, SITES)] = true;
}

static void repair(struct world *world)
{
    say(world, "everything works again");
    for (size_t i = 0; i < world->server_count; i++) {
        struct server *server = &world->servers[i];
        server->side = 0;
        server->log_runs = true;
        memset(server->lacks, 0, sizeof server->lacks);
        server_set_clock(world, server, 0);
        for (size_t key = 0; key < KEYS; key++)
            server_store(world, server, key);
        server_end_waiting(world, server, true);
    }
}

static void walk_to_the_end(struct world *world, struct server *server, struct server *peer)
{
    for (size_t i = 0; i < 2 * KEYS; i++)
        feed_walk(world, server, peer);
}

/* Each pair of servers, beginning anywhere. */
static void for_each_pair(struct world *world,
                          void (*what)(struct world *, struct server *, struct server *))
{
    size_t n = world->server_count, from = world_below(world, n * n);
    for (size_t i = from; i < from + n * n; i++) {
        struct server *server = &world->servers[i % n], *peer = &world->servers[i / n % n];
        if (can_hear(server, peer))
            what(world, server, peer);
    }
}

static void hand_over_all(struct world *world)
{
    for (size_t i = 0; i < world->server_count; i++)
        while (server_hand_over(world, &world->servers[i], true))
            server_end_waiting(world, &world->servers[i], true);
}

/* Three seconds go by, with a beat each. */
static void beat(struct world *world)
{
    for (int i = 0; i < 3; i++) {
        hand_over_all(world);
        for (int message = 0; message < LOG_MAX; message++)
            for_each_pair(world, read_one);
        for_each_pair(world, feed_look);
        for_each_pair(world, walk_to_the_end);
    }
}

static void walk_all(struct world *world, struct server *server, struct server *peer)
{
    feed_begin_walk(server, peer);
    walk_to_the_end(world, server, peer);
}

/* NULL, or what did not hold. */
static const char *play(struct world *world, uint64_t seed, enum mutant mutant, bool trace)
{
    begin(world, seed, mutant, trace);
    size_t steps = 10 + world_below(world, 70);
    for (size_t i = 0; i < steps; i++)
        happen(world);
    repair(world);
    greatest_count_rows(world);
    watch_moves(world);
    beat(world);
    const char *wrong = check_before_walk(world);
    if (wrong)
        return wrong;
    if (mutant != MUTANT_NO_WALK)
        for_each_pair(world, walk_all);
    return check_at_end(world);
}

/* -------------------------------------------------------------- the program */

static const char *const mutants[] = {
#define X(name, word) word,
    MUTANTS(X)
#undef X
};

struct options {
    uint64_t seed, count;
    enum mutant mutant;
    bool replay;
};

static bool read_mutant(const char *word, enum mutant *ret_mutant)
{
    for (size_t i = 0; i < COUNT(mutants); i++)
        if (strcmp(mutants[i], word) == 0) {
            *ret_mutant = (enum mutant)i;
            return true;
        }
    return false;
}

static bool read_number(const char *word, uint64_t *ret_number)
{
    char *end;
    *ret_number = strtoull(word, &end, 0);
    return *word && !*end;
}

static bool read_option(const char *name, const char *value, struct options *options)
{
    if (strcmp(name, "--seed") == 0)
        return read_number(value, &options->seed);
    if (strcmp(name, "--count") == 0)
        return read_number(value, &options->count);
    if (strcmp(name, "--mutant") == 0)
        return read_mutant(value, &options->mutant);
    options->replay = true;
    return strcmp(name, "--replay") == 0 && read_number(value, &options->seed);
}

static bool read_options(int argc, char **argv, struct options *ret_options)
{
    *ret_options = (struct options){.seed = 1, .count = 200000};
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1], ret_options))
            return false;
    return true;
}

static int usage(void)
{
    fprintf(stderr, "usage: sharing [--seed N] [--count N] [--mutant NAME]\n"
                    "       sharing --replay SEED [--mutant NAME]\n"
                    "mutants:");
    for (size_t i = 0; i < COUNT(mutants); i++)
        fprintf(stderr, " %s", mutants[i]);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static struct world world;

static int replay(const struct options *options)
{
    const char *wrong = play(&world, options->seed, options->mutant, true);
    printf("%s\n", wrong ? wrong : "all tables are equal");
    return wrong ? EXIT_FOUND : 0;
}

/* Plays until something does not hold. */
static int search(const struct options *options)
{
    uint64_t seeds = options->seed;
    for (uint64_t i = 1; i <= options->count; i++) {
        uint64_t seed = random_next(&seeds);
        const char *wrong = play(&world, seed, options->mutant, false);
        if (wrong) {
            printf("schedule %llu: %s; --replay 0x%llx shows it\n", (unsigned long long)i, wrong,
                   (unsigned long long)seed);
            return EXIT_FOUND;
        }
    }
    printf("%llu schedules from seed %llu: all tables are equal\n",
           (unsigned long long)options->count, (unsigned long long)options->seed);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!read_options(argc, argv, &options))
        return usage();
    return options.replay ? replay(&options) : search(&options);
}

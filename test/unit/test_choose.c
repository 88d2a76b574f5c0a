#include "core/balance/choose.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define SERVERS 5

/* Five servers of as many controllers, in a pool of literals. */
struct five {
    struct controller controllers[SERVERS];
    struct virtual_server servers[SERVERS];
    struct pool pool;
    bool server_down[SERVERS], controller_down[SERVERS];
    struct availability availability;
};

static void five_init(struct five *five, size_t count)
{
    static const char *const names[SERVERS] = {"one", "two", "three", "four", "five"};
    memset(five, 0, sizeof *five);
    for (size_t i = 0; i < SERVERS; i++) {
        five->controllers[i] =
            (struct controller){.id = (int64_t)i + 1, .name = names[i], .index = i};
        five->servers[i] = (struct virtual_server){.id = (int64_t)i + 11,
                                                   .controller = &five->controllers[i],
                                                   .position = (int64_t)i + 1,
                                                   .index = i};
    }
    five->pool =
        (struct pool){.method = &method_modulus, .servers = five->servers, .server_count = count};
    five->availability = (struct availability){
        five->server_down, five->controller_down, SERVERS, SERVERS, NULL, NULL};
}

/* One letter per server: e(nabled), d(raining) or x for disabled. */
static enum state state_of(char letter)
{
    return letter == 'e' ? STATE_ENABLED : letter == 'd' ? STATE_DRAINING : STATE_DISABLED;
}

/* The ids of candidates as digits from 1 on. */
static const char *numbers(const struct candidates *candidates, char text[static SERVERS + 1])
{
    size_t count = candidates->count;
    for (size_t i = 0; i < count; i++)
        text[i] = (char)('0' + candidates->servers[i]->id - 10);
    text[count] = '\0';
    return text;
}

/* Draining ones only while no enabled one is up, and one of them is. */
static void candidates_are_enabled_like_their_controllers(void)
{
    static const struct {
        const char *servers, *controllers, *down, *candidates; /* numbers of servers */
    } rows[] = {
        {"eeeee", "eeeee", "", "12345"},  {"edxee", "eeeee", "", "145"},
        {"eeeee", "xdeee", "", "345"},    {"edxed", "edxde", "", "1"},
        {"xxxxx", "eeeee", "", ""},       {"eeeee", "xxxxx", "", ""},
        {"ddddd", "eeeee", "", "12345"},  {"dddde", "eeeee", "", "5"},
        {"eeeee", "ddddd", "2", "12345"}, {"eedde", "eeeee", "15", "125"},
        {"eedde", "eeeee", "125", "34"},  {"eedde", "eexee", "125", "4"},
        {"eedde", "eeeee", "1235", "34"}, {"eedde", "eeeee", "12345", "125"},
        {"ddddd", "eeeee", "12345", ""},  {"xxddx", "eeeee", "3", "34"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct five five;
        struct candidates candidates;
        char text[SERVERS + 1];
        five_init(&five, SERVERS);
        for (size_t k = 0; k < SERVERS; k++) {
            five.servers[k].state = state_of(rows[i].servers[k]);
            five.controllers[k].state = state_of(rows[i].controllers[k]);
        }
        for (const char *c = rows[i].down; *c; c++)
            five.server_down[*c - '1'] = true;
        const struct selection selection = {.pool = &five.pool};
        candidates_for_new(&selection, &five.availability, &candidates);
        CHECK_TEXT(numbers(&candidates, text), rows[i].candidates, "row %zu", i);
    }
}

static void a_controllers_servers_stay_while_they_drain(void)
{
    static const struct {
        const char *servers; /* all but the last are the first controller's */
        char controller;
        const char *candidates;
    } rows[] = {
        {"eeeee", 'e', "1234"}, {"edxde", 'e', "124"}, {"eeeee", 'd', "1234"},
        {"edxde", 'd', "124"},  {"eeeee", 'x', ""},    {"xxxxe", 'e', ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct five five;
        struct candidates candidates;
        char text[SERVERS + 1];
        five_init(&five, SERVERS);
        five.controllers[0].state = state_of(rows[i].controller);
        for (size_t k = 0; k < SERVERS; k++) {
            five.servers[k].state = state_of(rows[i].servers[k]);
            five.servers[k].controller = &five.controllers[k == SERVERS - 1];
        }
        candidates_of_controller(&five.pool, &five.controllers[0], &candidates);
        CHECK_TEXT(numbers(&candidates, text), rows[i].candidates, "row %zu", i);
        candidates_of_controller(&five.pool, &five.controllers[2], &candidates);
        CHECK_INTEGER((int64_t)candidates.count, 0, "row %zu, a controller without servers", i);
    }
}

/* What the pool's chain chooses for a client of that number, out of what is left. */
static const struct virtual_server *choose_for(const struct pool *pool, uint64_t number,
                                               const struct availability *availability,
                                               struct candidates *candidates, struct trace *trace)
{
    const struct client client = {.known = true, .number = {0, number}};
    const struct selection selection = {.pool = pool, .client = &client, .trace = trace};
    candidates_for_new(&selection, availability, candidates);
    return choose(&selection, availability, candidates);
}

static int64_t chosen(const struct five *five, uint64_t client)
{
    struct candidates candidates;
    const struct virtual_server *server =
        choose_for(&five->pool, client, &five->availability, &candidates, NULL);
    CHECK_INTEGER(candidates.count > 0, server != NULL, "candidates left");
    return server ? server->id - 10 : 0;
}

static void the_choice_passes_over_what_is_down(void)
{
    static const struct {
        size_t servers;
        uint64_t client;
        const char *down; /* numbers of servers */
        int64_t chosen;   /* 0: nobody */
    } rows[] = {
        {3, 3221225994, "", 2},  {3, 3221225994, "2", 3}, {3, 3221225994, "23", 1},
        {3, 3221225994, "3", 2}, {3, 3221225994, "1", 2}, {3, 3221225994, "123", 0},
        {3, 1, "", 3},           {3, 2, "", 1},           {1, 0, "", 1},
        {1, 99, "", 1},          {1, 99, "1", 0},         {0, 99, "", 0},
        {2, 0, "", 2},           {2, 1, "", 1},           {2, 0, "2", 1},
        {5, 4, "", 1},           {5, 3, "", 5},           {5, 3, "5", 1},
        {5, 3, "51", 3},         {5, 3, "134", 5},        {5, 0, "2345", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct five five;
        five_init(&five, rows[i].servers);
        for (const char *c = rows[i].down; *c; c++)
            five.server_down[*c - '1'] = true;
        CHECK_INTEGER(chosen(&five, rows[i].client), rows[i].chosen, "row %zu, servers", i);
        five_init(&five, rows[i].servers);
        for (const char *c = rows[i].down; *c; c++)
            five.controller_down[*c - '1'] = true;
        CHECK_INTEGER(chosen(&five, rows[i].client), rows[i].chosen, "row %zu, controllers", i);
    }
}

static void without_metrics_all_are_up(void)
{
    struct five five;
    struct candidates candidates;
    five_init(&five, SERVERS);
    const struct virtual_server *server = choose_for(&five.pool, 7, NULL, &candidates, NULL);
    CHECK_INTEGER(server ? server->id : 0, 14, "7 mod 5");
}

static size_t pick_last(const struct selection *selection)
{
    return selection->count - 1;
}

static void a_method_that_strikes_is_asked_again_with_one_fewer(void)
{
    static const struct {
        bool strikes_down;
        const char *left, *told;
    } rows[] = {
        {true, "123",
         "server 5 is five, position 5: down, struck from the list\n"
         "server 4 is four, position 4: down, struck from the list\n"
         "server 3 is three, position 3: up, taken\n"},
        {false, "123",
         "four, position 4: down, left out\nfive, position 5: down, left out\n"
         "server 3 is three, position 3: up, taken\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct method last = {
            .name = "last", .strikes_down = rows[i].strikes_down, .pick = pick_last};
        struct five five;
        struct candidates candidates;
        struct buffer told = {0};
        struct trace trace = {.steps = NULL};
        char text[SERVERS + 1];
        five_init(&five, SERVERS);
        five.pool.method = &last;
        five.server_down[4] = five.server_down[3] = true;
        const struct virtual_server *server =
            choose_for(&five.pool, 7, &five.availability, &candidates, &trace);
        CHECK_INTEGER(server ? server->id : 0, 13, "row %zu: the last that is up", i);
        CHECK_TEXT(numbers(&candidates, text), rows[i].left, "row %zu: those left", i);
        CHECK_TEXT(steps_text(&trace, &told), rows[i].told, "row %zu", i);
        trace_release(&trace);
        buffer_release(&told);
    }
}

static void a_full_pool_is_no_too_long_list(void)
{
    static struct virtual_server servers[POOL_SERVERS_MAX];
    static const struct controller controller = {.id = 1, .name = "one"};
    static bool down[POOL_SERVERS_MAX], up[1];
    const struct availability availability = {down, up, POOL_SERVERS_MAX, 1, NULL, NULL};
    const struct pool pool = {
        .method = &method_modulus, .servers = servers, .server_count = POOL_SERVERS_MAX};
    struct candidates candidates;
    for (size_t i = 0; i < POOL_SERVERS_MAX; i++) {
        servers[i] = (struct virtual_server){.controller = &controller, .index = i};
        down[i] = i != 777;
    }
    const struct selection selection = {.pool = &pool};
    candidates_for_new(&selection, &availability, &candidates);
    CHECK_INTEGER((int64_t)candidates.count, POOL_SERVERS_MAX, "all");
    const struct virtual_server *server = choose_for(&pool, 5, &availability, &candidates, NULL);
    CHECK(server == &servers[777], "the only one that is up");
    down[777] = true;
    CHECK(!choose_for(&pool, 5, &availability, &candidates, NULL), "none is up");
}

static void every_step_is_told(void)
{
    struct five five;
    struct candidates candidates;
    struct buffer told = {0};
    struct trace trace = {.steps = NULL};
    five_init(&five, 3);
    five.server_down[1] = true;
    choose_for(&five.pool, 3221225994, &five.availability, &candidates, &trace);
    CHECK_TEXT(steps_text(&trace, &told),
               "N = 3: 3221225994 mod 3 leaves 0, second value 1, server 2\n"
               "server 2 is two, position 2: down, struck from the list\n"
               "N = 2: 3221225994 mod 2 leaves 0, second value 1, server 2\n"
               "server 2 is three, position 3: up, taken\n",
               "the worked example");
    trace_release(&trace);
    buffer_release(&told);
}

static const CU_TestInfo tests[] = {
    {"candidates are enabled, and so are their controllers",
     candidates_are_enabled_like_their_controllers},
    {"a controller's servers stay while they drain", a_controllers_servers_stay_while_they_drain},
    {"the choice passes over what is down", the_choice_passes_over_what_is_down},
    {"without availability all are up", without_metrics_all_are_up},
    {"a method that strikes is asked again with one server fewer, others see those that are up",
     a_method_that_strikes_is_asked_again_with_one_fewer},
    {"a full pool fits the list", a_full_pool_is_no_too_long_list},
    {"every step is told to the trace", every_step_is_told},
    CU_TEST_INFO_NULL,
};

const struct suite suite_choose = {"choose", tests};

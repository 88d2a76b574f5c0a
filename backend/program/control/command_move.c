/*
 * The command `move`: sends a share of the resolvers of one site to another one, at once or spread
 * over a time.
 *
 * Which ones is decided by a hash of their keys, so a second run moves the same ones, and goes on
 * where the first was stopped.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "core/base/decimal.h"
#include "core/base/hash.h"
#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/mapping_tour.h"
#include "program/control/progress.h"
#include "system/clock.h"

/* A share is in millionths; four decimals of a percentage. */
#define MILLION 1000000
#define DECIMALS_MAX 4

/* The longest time of --over: a year. */
#define OVER_MAX_S (366 * 86400)

/* How long it waits at most before it looks around. */
#define PAUSE_MS 100

struct moving {
    const struct command_call *call;
    int64_t from_id, to_id;
    int64_t share, over_ms;
    bool counts_only; /* the first tour */
    int64_t start_ms; /* monotonic, of the second */
    int64_t wanted, moved;
    bool is_again; /* because others have changed mappings: the time was spread already */
    bool to_is_down;
    struct progress progress;
};

/* ---------------------------------------------------------------- being stopped */

static volatile sig_atomic_t is_interrupted;

static void note_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static void catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = note_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---------------------------------------------------------------- words */

/* "10%", "10" or "0.5%", above 0 and up to 100, in millionths. */
static bool read_share(const char *text, int64_t *ret_share)
{
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '%')
        length--;
    const char *point = memchr(text, '.', length);
    size_t whole_length = point ? (size_t)(point - text) : length;
    size_t decimals = point ? length - whole_length - 1 : 0;
    int64_t whole, part = 0;
    if (!decimal_parse(text, whole_length, 0, 100, &whole) || (point && decimals == 0) ||
        decimals > DECIMALS_MAX ||
        (point && !decimal_parse(point + 1, decimals, 0, MILLION, &part)))
        return false;
    for (size_t i = decimals; i < DECIMALS_MAX; i++)
        part *= 10;
    int64_t share = whole * (MILLION / 100) + part;
    if (share < 1 || share > MILLION)
        return false;
    *ret_share = share;
    return true;
}

/* "90", "90s", "30m", "1h" or "2d", in seconds. */
static bool read_time(const char *text, int64_t *ret_s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t length = strlen(text);
    int64_t seconds = 1, number;
    for (size_t i = 0; length > 0 && i < sizeof units / sizeof *units; i++)
        if (text[length - 1] == units[i].unit) {
            seconds = units[i].seconds;
            length--;
            break;
        }
    if (!decimal_parse(text, length, 0, OVER_MAX_S / seconds, &number))
        return false;
    *ret_s = number * seconds;
    return true;
}

/* ---------------------------------------------------------------- which, and where to */

/* Says whether the site may get resolvers in a pool: a server of it is enabled and up. */
static bool may_get_resolvers(const struct decision_inputs *inputs, const struct pool *pool,
                              int64_t site_id)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].controller->id == site_id &&
            virtual_server_state(&pool->servers[i]) == STATE_ENABLED &&
            availability_server_up(inputs->availability, &pool->servers[i]))
            return true;
    return false;
}

static bool is_in_share(const struct moving *moving, const char *key)
{
    return (int64_t)(hash_mix(0, text_hash(key)) % MILLION) < moving->share;
}

/* What a mapping becomes, unless it is another one by now. */
struct relocation {
    int64_t from_id, now_s;
    struct mapping wanted;
};

static enum mapping_fate judge_move(const void *context, const struct mapping *mapping,
                                    struct mapping *ret_wanted)
{
    const struct relocation *relocation = context;
    if (!mapping || mapping->controller_id != relocation->from_id ||
        mapping_left_s(mapping, relocation->now_s) == 0)
        return MAPPING_STAYS;
    *ret_wanted = relocation->wanted;
    return MAPPING_BECOMES;
}

static int move_mapping(struct moving *moving, const struct visited_mapping *visited,
                        struct error *error)
{
    const struct pool *pool = visited->pool;
    struct relocation relocation = {.from_id = moving->from_id,
                                    .now_s = visited->inputs->now_s,
                                    .wanted = {.controller_id = moving->to_id,
                                               .timestamp_s = visited->inputs->now_s,
                                               .ttl_s = pool->persistence_ttl_s}};
    const struct mapping_judge judge = {judge_move, &relocation};
    strcpy(relocation.wanted.method, pool->method->name);
    int code = store_change(responder_store(moving->call->responder), pool->id, visited->key,
                            &judge, 0, true, error);
    moving->moved += code == 0 && !moving->is_again;
    return code == ERR_NOTFOUND ? 0 : code;
}

/* ---------------------------------------------------------------- the tour */

/* So many may be moved by now. */
static int64_t due(const struct moving *moving)
{
    int64_t passed_ms = clock_monotonic_ms() - moving->start_ms;
    if (moving->is_again || passed_ms >= moving->over_ms)
        return INT64_MAX;
    return (int64_t)((double)moving->wanted * (double)passed_ms / (double)moving->over_ms);
}

static int visit(void *context, const struct visited_mapping *visited, struct error *error)
{
    struct moving *moving = context;
    const struct virtual_server *server;
    if (!is_in_share(moving, visited->key) ||
        visited_state(visited, visited->asked, &server) != MAPPING_LIVE)
        return 0;
    if (moving->counts_only) {
        moving->wanted++;
        return 0;
    }
    if (is_interrupted)
        return TOUR_END;
    if (!may_get_resolvers(visited->inputs, visited->asked, moving->to_id)) {
        moving->to_is_down = true;
        return TOUR_END;
    }
    return moving->moved >= due(moving) ? TOUR_WAIT : move_mapping(moving, visited, error);
}

static bool pause_tour(void *context, int64_t read)
{
    struct moving *moving = context;
    if (progress_is_due(&moving->progress) && moving->counts_only)
        progress_show(&moving->progress, "%" PRId64 " mappings read, %" PRId64 " to be moved", read,
                      moving->wanted);
    else if (progress_is_due(&moving->progress))
        progress_show(&moving->progress, "%" PRId64 " of %" PRId64 " moved", moving->moved,
                      moving->wanted);
    if (!moving->counts_only && moving->moved >= due(moving)) {
        store_unwritten(responder_store(moving->call->responder), PAUSE_MS);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return !is_interrupted;
}

static void begin_again(void *context)
{
    struct moving *moving = context;
    moving->is_again = true;
}

/* ---------------------------------------------------------------- the command */

static void print(const struct moving *moving, const char *stopped)
{
    const struct command_call *call = moving->call;
    /* Some were made since they were counted. */
    int64_t wanted = moving->moved > moving->wanted ? moving->moved : moving->wanted;
    if (call->json)
        json_output(json_pack("{s:I, s:I, s:o}", "moved", (json_int_t)moving->moved, "of",
                              (json_int_t)wanted, "stopped", json_text(stopped)),
                    call->out);
    else
        buffer_printf(call->out, "%" PRId64 " of %" PRId64 " mappings moved\n", moving->moved,
                      wanted);
}

static enum command_result move(struct moving *moving, const struct mapping_filter *filter)
{
    const struct command_call *call = moving->call;
    const struct tour_guide guide = {.visit = visit, .pause = pause_tour, .context = moving};
    struct error error = {0};
    progress_begin(&moving->progress);
    moving->counts_only = true;
    int code = mapping_tour(call, filter, &guide, &error);
    moving->counts_only = false;
    moving->start_ms = clock_monotonic_ms();
    if (code == 0)
        code = mapping_tour_of_changes(call, filter, &guide, begin_again, &error);
    progress_clear(&moving->progress);
    if (code < 0 && moving->moved > 0)
        return command_failure(call, "%" PRId64 " mappings moved, and then: %s", moving->moved,
                               error.text);
    if (code < 0)
        return command_failed(call, &error);
    const char *stopped = moving->to_is_down ? "the site is not enabled and up any more"
                          : code == TOUR_END ? "interrupted"
                                             : NULL;
    print(moving, stopped);
    if (!stopped)
        return COMMAND_OK;
    return command_failure(call, "stopped: %s; the same command goes on", stopped);
}

/* Names become ids, and the site is looked at. */
static enum command_result find_places(struct moving *moving, const struct decision_inputs *inputs,
                                       struct mapping_filter *filter)
{
    const struct command_call *call = moving->call;
    const struct snapshot *snapshot = inputs->snapshot;
    const struct pool *pool = NULL;
    const struct controller *from = NULL, *to = NULL;
    enum command_result result =
        command_find_pool(call, snapshot, command_value(call, "pool", 0), &pool);
    if (result == COMMAND_OK)
        result = command_find_site(call, snapshot, command_value(call, "from", 0), &from);
    if (result == COMMAND_OK)
        result = command_find_site(call, snapshot, command_value(call, "to", 0), &to);
    if (result != COMMAND_OK)
        return result;
    if (from == to)
        return command_failure(call, "they are at %s already", to->name);
    if (pool->persistence_pool->persistence_ttl_s == 0)
        return command_failure(call, "pool %s keeps no mappings", pool->persistence_pool->name);
    if (!may_get_resolvers(inputs, pool, to->id))
        return command_failure(call, "%s has no server in pool %s that is enabled and up", to->name,
                               pool->name);
    moving->from_id = from->id;
    moving->to_id = to->id;
    *filter = (struct mapping_filter){.pool_id = pool->id, .site_id = from->id, .expiring_s = -1};
    return COMMAND_OK;
}

static enum command_result run_move(const struct command_call *call)
{
    static const char *const needed[] = {"pool", "from", "to", "share"};
    const char *over = command_value(call, "over", 0);
    struct moving moving = {.call = call};
    struct mapping_filter filter;
    struct decision_inputs inputs;
    struct error error = {0};
    int64_t over_s = 0;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!command_value(call, needed[i], 0))
            return command_misused(call, "--%s is missing", needed[i]);
    if (!read_share(command_value(call, "share", 0), &moving.share))
        return command_misused(call, "--share is above 0%% and up to 100%%, such as 10%%");
    if (over && !read_time(over, &over_s))
        return command_misused(call, "--over is a time such as 90s, 30m, 1h or 2d");
    moving.over_ms = over_s * 1000;
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    enum command_result result = find_places(&moving, &inputs, &filter);
    responder_end(call->responder);
    if (result != COMMAND_OK)
        return result;
    catch_interrupts();
    return move(&moving, &filter);
}

static const struct command_option options[] = {
    {"pool", "POOL", "whose resolvers", false},
    {"from", "SITE", "where they are", false},
    {"to", "SITE", "where they go", false},
    {"share", "PERCENT", "how many of them, such as 10%", false},
    {"over", "TIME", "spread over this time, such as 1h; without it, at once", false},
    {NULL, NULL, NULL, false},
};

const struct command command_move = {
    .name = "move",
    .arguments = "",
    .summary = "send a share of a site's resolvers to another site",
    .least = 1,
    .most = 1,
    .options = options,
    .has_json = true,
    .run = run_move,
};

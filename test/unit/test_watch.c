#include "monitor/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define TARGETS_MAX 2000
#define UNIX_S 1700000000
#define CHECK_MS 5 /* how long a check takes on the stage */

/* The stage's own checks: they end when time has gone on. */
struct probe {
    struct check check;
    void (*done)(void *context, const struct check_result *result);
    void *done_context;
    int64_t ends_ms;
    struct probe *next;
};

/* What the engine sees: a clock, targets that answer or not, a database, and a log. */
static struct stage {
    int64_t now_ms;
    struct probe *probes;
    size_t running, most_running, started, cancelled;
    size_t starts[TARGETS_MAX + 1];      /* by the last part of the address */
    int64_t started_ms[TARGETS_MAX + 1]; /* the last */
    char answers[TARGETS_MAX + 1];       /* 0: well, 'x': fails, '?': our own trouble */
    const char *refused;                 /* a monitor's name */
    int write_code, start_code;
    struct target_verdict rows[2][TARGETS_MAX + 1]; /* as written */
    enum verdict_state counts[TARGETS_MAX + 1];     /* of servers, as written */
    enum verdict_state others;                      /* what they say of all; NONE: nothing */
    size_t writes, rows_written, ended, news, alarms;
    struct buffer said;
    struct watch *watch;
} stage;

static int64_t monotonic_ms(void)
{
    return stage.now_ms;
}

static int64_t unix_s(void)
{
    return UNIX_S + stage.now_ms / 1000;
}

static size_t number_of(const struct address *address)
{
    return (size_t)address->bytes[2] * 256 + address->bytes[3];
}

static int start(void *context, const struct check *check,
                 void (*done)(void *context, const struct check_result *result), void *done_context,
                 struct probe **ret_probe)
{
    struct probe *probe = stage.start_code ? NULL : calloc(1, sizeof *probe), **end = &stage.probes;
    (void)context;
    if (!probe)
        return ERR_NOMEM;
    *probe = (struct probe){*check, done, done_context, stage.now_ms + CHECK_MS, NULL};
    while (*end)
        end = &(*end)->next;
    *end = *ret_probe = probe;
    stage.started++;
    stage.starts[number_of(&check->address)]++;
    stage.started_ms[number_of(&check->address)] = stage.now_ms;
    if (++stage.running > stage.most_running)
        stage.most_running = stage.running;
    return 0;
}

static void remove_probe(struct probe *probe)
{
    struct probe **place = &stage.probes;
    while (*place != probe)
        place = &(*place)->next;
    *place = probe->next;
    stage.running--;
}

static void cancel(void *context, struct probe *probe)
{
    (void)context;
    remove_probe(probe);
    stage.cancelled++;
    free(probe);
}

static const char *refuses(void *context, const struct monitor *monitor, struct error *ret_error)
{
    (void)context;
    if (!stage.refused || strcmp(stage.refused, monitor->name) != 0)
        return NULL;
    error_set(ret_error, ERR_INVAL, "no right to send ICMP");
    return ret_error->text;
}

static int write_rows(void *context, const struct verdict_row *rows, size_t count,
                      const struct target_key *ended, size_t ended_count)
{
    (void)context;
    if (stage.write_code)
        return stage.write_code;
    for (size_t i = 0; i < ended_count; i++)
        stage.rows[ended[i].kind][ended[i].id] = (struct target_verdict){0};
    for (size_t i = 0; i < count; i++) {
        CHECK(rows[i].verdict.state != VERDICT_NONE, "row %zu", i);
        stage.rows[rows[i].key.kind][rows[i].key.id] = rows[i].verdict;
        stage.counts[rows[i].key.id] = rows[i].counts;
    }
    stage.writes++;
    stage.rows_written += count;
    stage.ended += ended_count;
    return 0;
}

static void news(void *context)
{
    (void)context;
    stage.news++;
}

static enum verdict_state agree(void *context, const struct target *target,
                                enum verdict_state verdict, enum verdict_state counted)
{
    (void)context, (void)target, (void)counted;
    return stage.others != VERDICT_NONE ? stage.others : verdict;
}

static void say(void *context, bool alarm, const char *text)
{
    (void)context;
    stage.alarms += alarm;
    buffer_printf(&stage.said, "%s\n", text);
}

static const struct watch_limits usual = {1000, 50, 30};

static void stage_begin(void)
{
    static const struct watch_callbacks callbacks = {.monotonic_ms = monotonic_ms,
                                                     .unix_s = unix_s,
                                                     .start = start,
                                                     .cancel = cancel,
                                                     .refusal = refuses,
                                                     .write = write_rows,
                                                     .urgent = news,
                                                     .agree = agree,
                                                     .log = say};
    stage = (struct stage){.now_ms = 5000000};
    buffer_reserve(&stage.said, 16384); /* so that no failing allocation is this one */
    CHECK_INTEGER(watch_new(&callbacks, &stage.watch), 0, "watch_new");
}

static void stage_end(void)
{
    watch_free(stage.watch);
    CHECK_INTEGER((int64_t)stage.running, 0, "checks that are left behind");
    buffer_release(&stage.said);
}

static const struct monitor usual_monitor = {
    .id = 1, .name = "tcp", .interval_s = 10, .timeout_s = 3, .rise = 2, .fall = 3};

/* Servers first..last, server n at 10.0.x.y; or the code that came up. */
static int make_targets(int first, int last, const struct monitor *monitor,
                        struct targets **ret_targets)
{
    struct targets *targets = NULL;
    int code = targets_new(&targets);
    if (code == 0)
        code = targets_add_monitor(targets, monitor);
    for (int n = first; code == 0 && n <= last; n++) {
        char address[ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "10.0.%d.%d", n / 256, n % 256);
        code = targets_add(
            targets,
            &(struct target_row){
                {TARGET_SERVER, n, FAMILY_NONE}, "web", "ams", address, 80, monitor->id, n, NULL});
    }
    if (code == 0) {
        targets_finish(targets);
        *ret_targets = targets;
    } else
        targets_release(targets);
    return code;
}

static int configure(int first, int last, const struct monitor *monitor,
                     const struct watch_limits *limits)
{
    struct targets *targets = NULL;
    int code = make_targets(first, last, monitor, &targets);
    if (code == 0)
        code = watch_configure(stage.watch, targets, limits);
    targets_release(targets);
    return code;
}

static void set_up(int first, int last)
{
    CHECK_INTEGER(configure(first, last, &usual_monitor, &usual), 0, "configure");
}

static void end_probes(void)
{
    while (stage.probes && stage.probes->ends_ms <= stage.now_ms) {
        struct probe *probe = stage.probes;
        char answer = stage.answers[number_of(&probe->check.address)];
        const struct check_result result = {.reason = answer == 0     ? REASON_OK
                                                      : answer == 'x' ? REASON_REFUSED
                                                                      : REASON_INTERNAL,
                                            .rtt_ms = 4};
        remove_probe(probe);
        probe->done(probe->done_context, &result);
        free(probe);
    }
}

/* Lets time go on as the daemon would, in steps of a millisecond, and writes once a second. */
static void pass_ms(int64_t ms)
{
    int64_t next_ms = watch_run(stage.watch);
    for (int64_t end_ms = stage.now_ms + ms; stage.now_ms < end_ms;) {
        stage.now_ms++;
        end_probes();
        if (stage.now_ms >= next_ms)
            next_ms = watch_run(stage.watch);
        if (watch_has_urgent(stage.watch))
            watch_flush(stage.watch, false);
        if (stage.now_ms % 1000 == 0)
            watch_flush(stage.watch, true);
    }
}

static enum verdict_state written(int server)
{
    return stage.rows[TARGET_SERVER][server].state;
}

static size_t count_written(enum verdict_state state)
{
    size_t count = 0;
    for (int i = 0; i <= TARGETS_MAX; i++)
        count += written(i) == state;
    return count;
}

static void adopt(int server, enum verdict_state state)
{
    const struct verdict_row row = {.key = {TARGET_SERVER, server, FAMILY_NONE},
                                    .verdict = {.state = state, .since_s = 77, .flaps = 5}};
    CHECK_INTEGER(watch_adopt(stage.watch, &row), 0, "adopt");
    stage.rows[TARGET_SERVER][server] = row.verdict;
}

static void every_target_is_checked_once_an_interval(void)
{
    stage_begin();
    set_up(1, 30);
    pass_ms(100000);
    for (int i = 1; i <= 30; i++)
        CHECK_INTEGER((int64_t)stage.starts[i], 10, "server %d", i);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 30, "up");
    CHECK(stage.most_running <= 2, "%zu at once", stage.most_running);
    CHECK_TEXT(buffer_text(&stage.said), "", "nothing to tell");
    CHECK_INTEGER((int64_t)watch_count(stage.watch).up, 30, "counted");
    stage_end();
}

static void one_that_dies_is_written_in_time_and_comes_back(void)
{
    stage_begin();
    set_up(1, 3);
    pass_ms(20000);
    stage.answers[2] = 'x';
    int64_t died_ms = stage.now_ms;
    while (written(2) != VERDICT_DOWN && stage.now_ms < died_ms + 60000)
        pass_ms(1);
    CHECK(stage.now_ms - died_ms <= 30000 + CHECK_MS + 1, "%lld ms",
          (long long)(stage.now_ms - died_ms));
    CHECK_INTEGER(stage.rows[TARGET_SERVER][2].reason, REASON_REFUSED, "why");
    CHECK(strstr(buffer_text(&stage.said), "pool web, controller ams, 10.0.0.2:80: down, refused,"),
          "%s", buffer_text(&stage.said));
    CHECK_INTEGER((int64_t)stage.alarms, 0, "no alarm for one");
    CHECK(written(1) == VERDICT_UP && written(3) == VERDICT_UP, "the others");
    stage.answers[2] = 0;
    pass_ms(20001 + CHECK_MS);
    CHECK_INTEGER(written(2), VERDICT_UP, "back");
    CHECK_INTEGER(stage.rows[TARGET_SERVER][2].flaps, 2, "down and up");
    stage_end();
}

static void our_own_trouble_is_no_verdict(void)
{
    stage_begin();
    set_up(1, 3);
    pass_ms(20000);
    int64_t checked_s = stage.rows[TARGET_SERVER][1].checked_s;
    memset(stage.answers, '?', sizeof stage.answers);
    pass_ms(100000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 3, "up");
    CHECK(stage.rows[TARGET_SERVER][1].checked_s <= checked_s + 1, "not checked");
    stage.start_code = ERR_NOMEM;
    pass_ms(100000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 3, "without memory");
    stage.start_code = 0;
    memset(stage.answers, 0, sizeof stage.answers);
    pass_ms(20000);
    CHECK(stage.rows[TARGET_SERVER][1].checked_s > checked_s + 200, "checked again");
    stage_end();
}

static void at_most_so_many_run_at_once_and_none_is_forgotten(void)
{
    static const struct monitor busy = {
        .id = 1, .name = "tcp", .interval_s = 1, .timeout_s = 1, .rise = 1, .fall = 1};
    static const struct watch_limits two = {2, 50, 30};
    stage_begin();
    CHECK_INTEGER(configure(1, 380, &busy, &two), 0, "configure");
    pass_ms(10000);
    CHECK_INTEGER((int64_t)stage.most_running, 2, "at once");
    for (int i = 1; i <= 380; i++)
        CHECK(stage.starts[i] >= 9 && stage.starts[i] <= 10, "server %d: %zu", i, stage.starts[i]);
    CHECK_INTEGER(configure(1, 400, &busy, &(struct watch_limits){1, 50, 30}), 0, "too few");
    pass_ms(10000);
    CHECK(watch_count(stage.watch).waiting > 100, "they wait");
    size_t least = SIZE_MAX;
    for (int i = 1; i <= 400; i++)
        least = stage.starts[i] < least ? stage.starts[i] : least;
    CHECK(least >= 4, "each in its turn: %zu", least);
    CHECK_INTEGER(configure(300, 400, &busy, &two), 0, "those that wait go");
    CHECK(watch_count(stage.watch).waiting <= 101, "they are gone");
    pass_ms(3000);
    stage_end();
}

static void changes_leave_the_others_undisturbed(void)
{
    stage_begin();
    set_up(1, 50);
    pass_ms(30000);
    int64_t started_ms[51];
    size_t cancelled = stage.cancelled;
    memcpy(started_ms, stage.started_ms, sizeof started_ms);
    set_up(11, 80);
    CHECK_INTEGER((int64_t)stage.cancelled, (int64_t)cancelled, "no check was ended");
    pass_ms(10000);
    for (int i = 11; i <= 50; i++)
        CHECK_INTEGER(stage.started_ms[i], started_ms[i] + 10000, "server %d", i);
    for (int i = 51; i <= 80; i++)
        CHECK_INTEGER((int64_t)stage.starts[i], 1, "server %d is new", i);
    for (int i = 1; i <= 10; i++)
        CHECK(stage.starts[i] == 3 && written(i) == VERDICT_NONE, "server %d is gone", i);
    CHECK_INTEGER((int64_t)stage.ended, 10, "ends that were written");
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 70, "verdicts");
    stage_end();
}

static void another_kind_of_check_keeps_the_state(void)
{
    static const struct monitor faster = {
        .id = 1, .name = "tcp", .interval_s = 2, .timeout_s = 2, .rise = 2, .fall = 3};
    stage_begin();
    set_up(1, 5);
    stage.answers[2] = 'x';
    pass_ms(40000);
    CHECK_INTEGER(written(2), VERDICT_DOWN, "down");
    int64_t since_s = stage.rows[TARGET_SERVER][2].since_s;
    CHECK_INTEGER(configure(1, 5, &faster, &usual), 0, "configure");
    size_t starts = stage.starts[1];
    pass_ms(20000);
    CHECK(written(2) == VERDICT_DOWN && stage.rows[TARGET_SERVER][2].since_s == since_s,
          "still down");
    CHECK_INTEGER((int64_t)(stage.starts[1] - starts), 10, "and faster");
    stage_end();
}

/* Server n at the address of server `other`, at port 80, or at another one. */
static void move(int n, int other, int port)
{
    struct targets *targets = NULL;
    char address[ADDRESS_TEXT_MAX];
    snprintf(address, sizeof address, "10.0.0.%d", other);
    CHECK_INTEGER(targets_new(&targets), 0, "targets");
    CHECK_INTEGER(targets_add_monitor(targets, &usual_monitor), 0, "monitor");
    CHECK_INTEGER(targets_add(targets, &(struct target_row){{.kind = TARGET_SERVER, .id = n},
                                                            "web",
                                                            "ams",
                                                            address,
                                                            port,
                                                            usual_monitor.id,
                                                            n,
                                                            NULL}),
                  0, "target");
    targets_finish(targets);
    CHECK_INTEGER(watch_configure(stage.watch, targets, &usual), 0, "configure");
    targets_release(targets);
}

static void a_corrected_address_or_port_begins_as_a_new_target(void)
{
    stage_begin();
    stage.answers[1] = 'x';
    move(1, 1, 80);
    pass_ms(40000);
    CHECK_INTEGER(written(1), VERDICT_DOWN, "down");
    move(1, 2, 80);
    CHECK(watch_has_urgent(stage.watch), "what is stored is to be deleted soon");
    pass_ms(1);
    CHECK_INTEGER(written(1), VERDICT_NONE, "nothing is stored, so it counts as up");
    pass_ms(10000);
    CHECK_INTEGER(written(1), VERDICT_UP, "the first check says so");
    stage.answers[2] = 'x';
    pass_ms(40000);
    CHECK_INTEGER(written(1), VERDICT_DOWN, "down again");
    move(1, 2, 81);
    pass_ms(10001);
    CHECK(written(1) != VERDICT_DOWN, "not after one failure");
    pass_ms(30000);
    CHECK_INTEGER(written(1), VERDICT_DOWN, "but after three");
    CHECK_INTEGER((int64_t)stage.ended, 2, "verdicts that were deleted");
    stage_end();
}

static void one_that_is_corrected_while_it_fails_does_not_hold_the_brake(void)
{
    stage_begin();
    set_up(1, 1);
    pass_ms(20000);
    stage.answers[1] = 'x';
    pass_ms(10000);
    move(1, 2, 80);
    CHECK_INTEGER((int64_t)watch_count(stage.watch).targets, 1, "targets");
    stage.answers[2] = 'x';
    pass_ms(40000);
    CHECK(!watch_brakes(stage.watch), "one failure is one");
    CHECK_INTEGER(written(1), VERDICT_DOWN, "down");
    stage_end();
}

/* Servers 1 and 2 with one monitor, 3 to 5 with another one. */
static void set_up_two_monitors(void)
{
    struct monitor other = usual_monitor;
    struct targets *targets = NULL;
    other.id = 2;
    other.name = "http";
    CHECK_INTEGER(targets_new(&targets), 0, "targets");
    CHECK_INTEGER(targets_add_monitor(targets, &usual_monitor), 0, "monitor");
    CHECK_INTEGER(targets_add_monitor(targets, &other), 0, "monitor");
    for (int n = 1; n <= 5; n++) {
        char address[ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "10.0.0.%d", n);
        CHECK_INTEGER(targets_add(targets, &(struct target_row){{TARGET_SERVER, n, FAMILY_NONE},
                                                                "web",
                                                                "ams",
                                                                address,
                                                                80,
                                                                n <= 2 ? 1 : 2,
                                                                n,
                                                                NULL}),
                      0, "target");
    }
    targets_finish(targets);
    CHECK_INTEGER(watch_configure(stage.watch, targets, &usual), 0, "configure");
    targets_release(targets);
}

/* Its targets fail, and then nobody asks them any more. */
static void a_monitor_that_is_broken_while_its_targets_fail_does_not_hold_the_brake(void)
{
    stage_begin();
    set_up_two_monitors();
    pass_ms(20000);
    stage.answers[1] = stage.answers[2] = 'x';
    pass_ms(10000);
    stage.refused = "tcp";
    set_up_two_monitors();
    pass_ms(60000);
    CHECK(!watch_brakes(stage.watch), "of those that are checked, all answer");
    CHECK(written(1) == VERDICT_UP && written(2) == VERDICT_UP, "as they were");
    stage.answers[3] = 'x';
    pass_ms(40000);
    CHECK_INTEGER(written(3), VERDICT_DOWN, "one of three fails");
    stage_end();
}

/* Those that answer later than others are not down in between; those that still fail are. */
static void after_an_outage_of_all_nobody_goes_down_who_answers_again(void)
{
    for (int held_s = 0; held_s < 30; held_s++) {
        stage_begin();
        set_up(1, 4);
        pass_ms(20000);
        memset(stage.answers + 1, 'x', 4);
        pass_ms(40000);
        CHECK(watch_brakes(stage.watch), "the brake is on");
        pass_ms(held_s * 1000);
        memset(stage.answers + 1, 0, 3);
        for (int i = 0; i < 40; i++) {
            pass_ms(500);
            CHECK_INTEGER((int64_t)count_written(VERDICT_DOWN), written(4) == VERDICT_DOWN,
                          "%d s later, after %d of them", held_s, i);
        }
        CHECK(!watch_brakes(stage.watch), "it is off");
        CHECK_INTEGER(written(4), VERDICT_DOWN, "the one that still fails");
        stage_end();
    }
}

static void servers_that_were_never_up_do_not_engage_the_brake(void)
{
    stage_begin();
    set_up(1, 4);
    pass_ms(20000);
    memset(stage.answers + 5, 'x', 6);
    set_up(1, 10);
    pass_ms(40000);
    CHECK(!watch_brakes(stage.watch), "no network has failed");
    CHECK_INTEGER((int64_t)count_written(VERDICT_DOWN), 6, "those that are not there yet");
    stage.answers[1] = 'x';
    pass_ms(40000);
    CHECK_INTEGER(written(1), VERDICT_DOWN, "one of four");
    stage_end();
}

static void a_target_may_go_while_it_is_checked(void)
{
    stage_begin();
    set_up(1, 200);
    for (int i = 0; i < 40; i++) {
        while (stage.running == 0)
            pass_ms(1);
        set_up(1 + i, 200 - i);
        pass_ms(7);
        set_up(1, 200);
    }
    CHECK(stage.cancelled > 0, "some were");
    pass_ms(20000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 200, "all are back");
    stage_end();
}

static void stored_verdicts_hold_until_everybody_was_asked(void)
{
    static const struct monitor hasty = {
        .id = 1, .name = "tcp", .interval_s = 10, .timeout_s = 3, .rise = 1, .fall = 1};
    stage_begin();
    CHECK_INTEGER(configure(1, 100, &hasty, &usual), 0, "configure");
    for (int i = 1; i <= 100; i++)
        adopt(i, i <= 20 ? VERDICT_DOWN : VERDICT_UP);
    adopt(500, VERDICT_DOWN);
    for (int i = 21; i <= 40; i++)
        stage.answers[i] = 'x';
    for (int ms = 0; stage.started < 100 || stage.running > 0; ms++) {
        pass_ms(1);
        if (stage.started < 100)
            CHECK(count_written(VERDICT_UP) == 80, "after %d ms", ms);
    }
    pass_ms(1);
    for (int i = 1; i <= 100; i++)
        CHECK_INTEGER(written(i), i > 20 && i <= 40 ? VERDICT_DOWN : VERDICT_UP, "server %d", i);
    CHECK_INTEGER(stage.rows[TARGET_SERVER][1].flaps, 6, "one more than was stored");
    CHECK_INTEGER(stage.rows[TARGET_SERVER][90].since_s, 77, "since it was stored");
    CHECK_INTEGER(written(500), VERDICT_NONE, "a target that is gone");
    CHECK(stage.now_ms < 5000000 + 11000, "within an interval");
    stage_end();
}

static void a_mass_failure_is_not_believed(void)
{
    stage_begin();
    set_up(1, 100);
    pass_ms(20000);
    memset(stage.answers, 'x', sizeof stage.answers);
    pass_ms(120000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 100, "nobody went down");
    CHECK_INTEGER((int64_t)stage.alarms, 1, "%s", buffer_text(&stage.said));
    struct buffer report = {0};
    watch_report(stage.watch, &report);
    CHECK(strstr(buffer_text(&report), "100 of 100 targets began to fail"), "%s",
          buffer_text(&report));
    buffer_release(&report);
    for (int i = 31; i <= 100; i++)
        stage.answers[i] = 0;
    pass_ms(40000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 70, "the rest is believed");
    CHECK_INTEGER((int64_t)count_written(VERDICT_DOWN), 30, "the rest is believed");
    CHECK_INTEGER((int64_t)stage.alarms, 2, "%s", buffer_text(&stage.said));
    stage_end();
}

static void what_was_believed_too_soon_is_taken_back(void)
{
    static const struct monitor hasty = {
        .id = 1, .name = "tcp", .interval_s = 10, .timeout_s = 3, .rise = 1, .fall = 1};
    stage_begin();
    CHECK_INTEGER(configure(1, 100, &hasty, &usual), 0, "configure");
    pass_ms(20000);
    memset(stage.answers, 'x', sizeof stage.answers);
    pass_ms(3000);
    CHECK(count_written(VERDICT_DOWN) > 20, "a quarter of an interval");
    pass_ms(5000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 100, "all are kept");
    memset(stage.answers, 0, sizeof stage.answers);
    pass_ms(12000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 100, "and nothing else came of it");
    stage_end();
}

/* Servers die in two steps; how many of them are down then. */
static void a_site_is_believed(void)
{
    static const struct {
        int servers, dead;
        int64_t percent;
        size_t down;
    } rows[] = {{3, 1, 50, 1},   {2, 1, 50, 1},   {1, 1, 50, 1},    {3, 2, 50, 0},
                {2, 2, 50, 0},   {2, 2, 0, 2},    {30, 10, 50, 10}, {20, 10, 50, 10},
                {20, 11, 50, 0}, {20, 11, 60, 11}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct watch_limits limits = {1000, rows[i].percent, 30};
        stage_begin();
        CHECK_INTEGER(configure(1, rows[i].servers, &usual_monitor, &limits), 0, "configure");
        pass_ms(20000);
        memset(stage.answers, 'x', (size_t)rows[i].dead + 1);
        pass_ms(50000);
        CHECK_INTEGER((int64_t)count_written(VERDICT_DOWN), (int64_t)rows[i].down, "row %zu", i);
        stage_end();
    }
}

static void what_could_not_be_written_is_written_later(void)
{
    stage_begin();
    set_up(1, 30);
    pass_ms(20000);
    stage.write_code = ERR_BUSY;
    stage.answers[7] = 'x';
    pass_ms(50000);
    CHECK_INTEGER(written(7), VERDICT_UP, "locked");
    set_up(1, 25);
    set_up(1, 29);
    stage.write_code = 0;
    CHECK(watch_has_urgent(stage.watch), "it waits");
    CHECK_INTEGER(watch_flush(stage.watch, false), 0, "flush");
    CHECK_INTEGER(written(7), VERDICT_DOWN, "now it is there");
    CHECK_INTEGER(written(30), VERDICT_NONE, "this one is gone");
    CHECK_INTEGER(written(28), VERDICT_UP, "this one is back before it was");
    CHECK(!watch_has_urgent(stage.watch), "nothing is left");
    pass_ms(11000);
    stage.rows_written = 0;
    watch_rewrite(stage.watch);
    CHECK_INTEGER(watch_flush(stage.watch, true), 0, "flush");
    CHECK_INTEGER((int64_t)stage.rows_written, 29, "another database gets all");
    stage_end();
}

static void many_rows_are_written_in_batches(void)
{
    stage_begin();
    set_up(1, 1500);
    pass_ms(11000);
    watch_rewrite(stage.watch);
    stage.rows_written = stage.writes = 0;
    for (int i = 0; i < 10 && watch_has_pending(stage.watch); i++) {
        CHECK_INTEGER(watch_flush(stage.watch, true), 0, "flush");
        CHECK(stage.rows_written <= (size_t)(i + 1) * WATCH_BATCH_MAX, "batch %d", i);
    }
    CHECK_INTEGER((int64_t)stage.writes, 2, "batches");
    CHECK_INTEGER((int64_t)stage.rows_written, 1500, "rows");
    stage_end();
}

static void what_cannot_be_run_is_named_and_keeps_its_verdict(void)
{
    stage_begin();
    stage.refused = "tcp";
    set_up(1, 3);
    adopt(2, VERDICT_DOWN);
    pass_ms(30000);
    CHECK_INTEGER((int64_t)stage.started, 0, "not checked");
    CHECK_INTEGER(written(2), VERDICT_DOWN, "kept");
    CHECK_TEXT(buffer_text(&stage.said), "monitor tcp cannot be run: no right to send ICMP\n",
               "said");
    struct buffer report = {0};
    watch_report(stage.watch, &report);
    CHECK_TEXT(buffer_text(&report), buffer_text(&stage.said), "and in status");
    buffer_release(&report);
    set_up(1, 4);
    CHECK_INTEGER((int64_t)stage.alarms, 1, "said once");
    stage.refused = NULL;
    set_up(1, 3);
    pass_ms(30000);
    CHECK_INTEGER((int64_t)count_written(VERDICT_UP), 3, "now it can");
    stage_end();
}

static void without_memory_all_stays_as_it_is(void)
{
    bool failed = true;
    size_t n = 1;
    stage_begin();
    set_up(1, 20);
    pass_ms(20000);
    for (; failed && n < 200; n++) {
        struct targets *targets = NULL;
        stage.refused = "tcp";
        CHECK_INTEGER(make_targets(5, 40, &usual_monitor, &targets), 0, "targets");
        memory_fail_at(n);
        int code = watch_configure(stage.watch, targets, &usual);
        failed = memory_fail_end();
        stage.refused = NULL;
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK_INTEGER((int64_t)watch_count(stage.watch).targets, failed ? 20 : 36, "targets");
        targets_release(targets);
    }
    CHECK(n > 20 && n < 200, "%zu allocations", n);
    memory_fail_at(1);
    struct watch *watch = NULL;
    CHECK_INTEGER(watch_new(&(struct watch_callbacks){0}, &watch), ERR_NOMEM, "watch_new");
    CHECK(memory_fail_end() && !watch, "none");
    watch_free(NULL);
    stage_end();
}

static void what_others_say_counts_and_the_verdict_stays(void)
{
    stage_begin();
    set_up(1, 2);
    pass_ms(20000);
    CHECK_INTEGER(stage.counts[1], VERDICT_UP, "as checked");
    stage.others = VERDICT_DOWN;
    pass_ms(500);
    CHECK_INTEGER(stage.counts[1], VERDICT_UP, "nobody has asked yet");
    watch_reconsider(stage.watch);
    CHECK(watch_has_urgent(stage.watch), "to be written soon");
    pass_ms(1);
    CHECK_INTEGER(stage.counts[1], VERDICT_DOWN, "as others say");
    CHECK_INTEGER(written(1), VERDICT_UP, "the verdict here");
    CHECK(strstr(buffer_text(&stage.said), "counts as down now") != NULL, "it is said");
    watch_reconsider(stage.watch);
    CHECK(!watch_has_urgent(stage.watch), "nothing new");
    stage.others = VERDICT_UP;
    watch_reconsider(stage.watch);
    stage.answers[1] = 'x';
    pass_ms(40000);
    CHECK_INTEGER(written(1), VERDICT_DOWN, "the verdict here");
    CHECK_INTEGER(stage.counts[1], VERDICT_UP, "as others say");
    CHECK(strstr(buffer_text(&stage.said), "counts as up, as too few") != NULL, "it is said");
    stage_end();
}

static void verdicts_are_told_those_that_are_down_first(void)
{
    struct ballot *ballot = ballot_new();
    stage_begin();
    set_up(1, 9);
    uint64_t before = watch_changes(stage.watch);
    CHECK_INTEGER(watch_vote(stage.watch, ballot), 0, "vote");
    CHECK_INTEGER((int64_t)ballot->count, 0, "nothing is known");
    stage.answers[7] = 'x';
    pass_ms(40000);
    CHECK(watch_changes(stage.watch) != before, "there is something to tell");
    before = watch_changes(stage.watch);
    CHECK_INTEGER(watch_vote(stage.watch, ballot), 0, "vote");
    CHECK_INTEGER((int64_t)ballot->count, 9, "all");
    CHECK_INTEGER(ballot_find(ballot, &(struct vote){"web", "ams", 7, VERDICT_NONE, FAMILY_NONE}),
                  VERDICT_DOWN, "one is down");
    CHECK_INTEGER(ballot_find(ballot, &(struct vote){"web", "ams", 8, VERDICT_NONE, FAMILY_NONE}),
                  VERDICT_UP, "another one is up");
    CHECK(!ballot->brake && !watch_brakes(stage.watch), "no brake");
    pass_ms(20000);
    CHECK(watch_changes(stage.watch) == before, "all is told");
    memset(stage.answers, 'x', sizeof stage.answers);
    pass_ms(10000);
    ballot->count = 0;
    CHECK_INTEGER(watch_vote(stage.watch, ballot), 0, "vote");
    CHECK(ballot->brake && watch_brakes(stage.watch), "the brake is on");
    CHECK(watch_changes(stage.watch) != before, "that is to be told");
    ballot_free(ballot);
    stage_end();
}

/* Server 1 as a whole at 10.0.0.1, or its addresses 10.0.0.1 and, as if that were IPv6, 10.0.0.2.
 */
static void set_up_server_at(const char *whole, bool each_address)
{
    struct targets *targets = NULL;
    CHECK_INTEGER(targets_new(&targets), 0, "targets_new");
    CHECK_INTEGER(targets_add_monitor(targets, &usual_monitor), 0, "monitor");
    for (int n = 1; n <= (each_address ? 2 : 1); n++) {
        enum address_family family = !each_address ? FAMILY_NONE
                                     : n == 1      ? FAMILY_IPV4
                                                   : FAMILY_IPV6;
        CHECK_INTEGER(targets_add(targets, &(struct target_row){{TARGET_SERVER, 1, family},
                                                                "web",
                                                                "ams",
                                                                n == 1 ? whole : "10.0.0.2",
                                                                80,
                                                                usual_monitor.id,
                                                                1,
                                                                NULL}),
                      0, "%d", n);
    }
    targets_finish(targets);
    CHECK_INTEGER(watch_configure(stage.watch, targets, &usual), 0, "configure");
    targets_release(targets);
}

static void set_up_server(bool each_address)
{
    set_up_server_at("10.0.0.1", each_address);
}

/* The votes on server 1: of it, its IPv4 and its IPv6 address. U(p), D(own), -: none. */
static void check_votes(const char *expected, const char *what)
{
    struct ballot *ballot = ballot_new();
    char votes[4] = "";
    CHECK_INTEGER(watch_vote(stage.watch, ballot), 0, "%s", what);
    for (enum address_family family = FAMILY_NONE; family <= FAMILY_IPV6; family++) {
        const struct vote target = {"web", "ams", 1, VERDICT_NONE, family};
        votes[family] = "-UD"[ballot_find(ballot, &target)];
    }
    CHECK_TEXT(votes, expected, "%s", what);
    ballot_free(ballot);
}

static void addresses_have_votes_and_so_has_their_server(void)
{
    stage_begin();
    set_up_server(true);
    check_votes("---", "nothing is known");
    stage.answers[2] = 'x';
    pass_ms(40000);
    check_votes("UUD", "one is down");
    CHECK(strstr(buffer_text(&stage.said), "controller ams, 10.0.0.2:80: down, refused") != NULL,
          "%s", buffer_text(&stage.said));
    stage.answers[1] = 'x';
    pass_ms(10000);
    stage.answers[2] = 0;
    pass_ms(40000);
    check_votes("UDU", "the other one is");
    stage_end();
}

static void a_server_keeps_its_state_when_its_addresses_become_targets(void)
{
    stage_begin();
    set_up_server(false);
    pass_ms(20000);
    check_votes("U--", "as a whole");
    set_up_server(true);
    check_votes("UUU", "both as the server was");
    pass_ms(1000);
    CHECK_INTEGER((int64_t)stage.ended, 1, "the server is no target any more");
    stage.answers[2] = 'x';
    pass_ms(40000);
    check_votes("UUD", "each for itself");
    set_up_server(false);
    check_votes("U--", "as the address that is checked");
    stage_end();
}

static void of_a_corrected_address_nothing_is_known(void)
{
    stage_begin();
    set_up_server_at("10.0.0.3", false);
    stage.answers[3] = 'x';
    pass_ms(40000);
    check_votes("D--", "where nothing is");
    set_up_server(true);
    check_votes("---", "the addresses were never checked");
    pass_ms(20000);
    check_votes("UUU", "now they were");
    stage_end();
}

static const CU_TestInfo tests[] = {
    {"of a corrected address nothing is known", of_a_corrected_address_nothing_is_known},
    {"addresses have votes, and so has their server", addresses_have_votes_and_so_has_their_server},
    {"a server keeps its state when its addresses become targets",
     a_server_keeps_its_state_when_its_addresses_become_targets},
    {"what others say counts, and the verdict stays", what_others_say_counts_and_the_verdict_stays},
    {"verdicts are told, those that are down first", verdicts_are_told_those_that_are_down_first},
    {"every target is checked once an interval", every_target_is_checked_once_an_interval},
    {"one that dies is written in time, and comes back",
     one_that_dies_is_written_in_time_and_comes_back},
    {"our own trouble is no verdict", our_own_trouble_is_no_verdict},
    {"at most so many run at once, and none is forgotten",
     at_most_so_many_run_at_once_and_none_is_forgotten},
    {"changes leave the others undisturbed", changes_leave_the_others_undisturbed},
    {"another kind of check keeps the state", another_kind_of_check_keeps_the_state},
    {"a corrected address or port begins as a new target",
     a_corrected_address_or_port_begins_as_a_new_target},
    {"one that is corrected while it fails does not hold the brake",
     one_that_is_corrected_while_it_fails_does_not_hold_the_brake},
    {"a monitor that is broken while its targets fail does not hold the brake",
     a_monitor_that_is_broken_while_its_targets_fail_does_not_hold_the_brake},
    {"after an outage of all, nobody goes down who answers again",
     after_an_outage_of_all_nobody_goes_down_who_answers_again},
    {"servers that were never up do not engage the brake",
     servers_that_were_never_up_do_not_engage_the_brake},
    {"a target may go while it is checked", a_target_may_go_while_it_is_checked},
    {"stored verdicts hold until everybody was asked",
     stored_verdicts_hold_until_everybody_was_asked},
    {"a mass failure is not believed", a_mass_failure_is_not_believed},
    {"what was believed too soon is taken back", what_was_believed_too_soon_is_taken_back},
    {"a site is believed, most of all is not", a_site_is_believed},
    {"what could not be written is written later", what_could_not_be_written_is_written_later},
    {"many rows are written in batches", many_rows_are_written_in_batches},
    {"what cannot be run is named and keeps its verdict",
     what_cannot_be_run_is_named_and_keeps_its_verdict},
    {"without memory all stays as it is", without_memory_all_stays_as_it_is},
    CU_TEST_INFO_NULL,
};

const struct suite suite_watch = {"watch", tests};

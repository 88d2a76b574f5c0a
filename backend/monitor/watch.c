#include "monitor/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "monitor/brake.h"
#include "monitor/schedule.h"

/* Of a sentence for the log; longer ones are cut. */
#define SENTENCE_MAX 512

/* A target and all that is known of it. It stays where it is as long as it is watched. */
struct watched {
    struct schedule_entry entry; /* the first, so that it leads back here */
    struct watch *watch;
    const struct target *target; /* of the present set */
    struct target_verdict verdict;
    struct probe *probe;          /* the check that runs, or NULL */
    struct targets *held;         /* the set that it was started from */
    struct watched *next_waiting; /* for a place among the checks that run */
    int64_t began_s;              /* as the brake counts it; 0: it does not */
    bool waiting;
    bool again;                     /* it was due while the check before still ran */
    bool unasked;                   /* since the cold start */
    bool pending, turned, measured; /* to be written, urgently, with its round trip */
};

struct watch {
    struct watch_hands hands;
    struct watch_limits limits;
    struct targets *targets; /* NULL before the first set */
    struct watched **list;   /* in the order of the set */
    size_t count;
    size_t unasked;
    struct schedule schedule;
    struct brake brake;
    struct watched *first_waiting, *last_waiting;
    size_t running, waiting;
    struct watched **pending; /* has room for all */
    size_t pending_count, turned;
    struct target_key *ended;
    size_t ended_count, ended_capacity;
    struct complaints refusals;
    struct verdict_row rows[WATCH_BATCH_MAX];
};

int watch_new(const struct watch_hands *hands, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return ERR_NOMEM;
    watch->hands = *hands;
    *ret_watch = watch;
    return 0;
}

static void say(const struct watch *watch, bool alarm, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct watch *watch, bool alarm, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    watch->hands.say(watch->hands.context, alarm, text);
}

static int64_t now_s(const struct watch *watch)
{
    return watch->hands.monotonic_ms() / 1000;
}

/* ---------------------------------------------------------------- checks that run and wait */

static void take_result(void *context, const struct check_result *result);

/* Without memory the check is left out; the next one is due soon enough. */
static void start(struct watched *watched)
{
    struct watch *watch = watched->watch;
    const struct target *target = watched->target;
    const struct check check = {
        .monitor = target->monitor, .address = target->address, .port = target->port};
    if (watch->hands.start(watch->hands.context, &check, take_result, watched, &watched->probe) !=
        0) {
        watched->probe = NULL;
        return;
    }
    watched->held = targets_hold(watch->targets);
    watch->running++;
}

static void put_in_line(struct watched *watched)
{
    struct watch *watch = watched->watch;
    watched->waiting = true;
    watched->next_waiting = NULL;
    if (watch->last_waiting)
        watch->last_waiting->next_waiting = watched;
    else
        watch->first_waiting = watched;
    watch->last_waiting = watched;
    watch->waiting++;
}

static bool has_room(const struct watch *watch)
{
    return (int64_t)watch->running < watch->limits.max_checks;
}

static void call_from_line(struct watch *watch)
{
    while (watch->first_waiting && has_room(watch)) {
        struct watched *watched = watch->first_waiting;
        watch->first_waiting = watched->next_waiting;
        if (!watch->first_waiting)
            watch->last_waiting = NULL;
        watched->waiting = false;
        watch->waiting--;
        start(watched);
    }
}

static void leave_line(struct watched *watched)
{
    struct watch *watch = watched->watch;
    struct watched *before = NULL, **place = &watch->first_waiting;
    if (!watched->waiting)
        return;
    while (*place != watched) {
        before = *place;
        place = &before->next_waiting;
    }
    *place = watched->next_waiting;
    if (watch->last_waiting == watched)
        watch->last_waiting = before;
    watched->waiting = false;
    watch->waiting--;
}

static void check_now(struct watched *watched)
{
    if (watched->probe)
        watched->again = true;
    else if (!watched->waiting && has_room(watched->watch))
        start(watched);
    else if (!watched->waiting)
        put_in_line(watched);
}

/* Ends its check without a result. */
static void stop(struct watched *watched)
{
    struct watch *watch = watched->watch;
    leave_line(watched);
    watched->again = false;
    if (!watched->probe)
        return;
    watch->hands.cancel(watch->hands.context, watched->probe);
    watched->probe = NULL;
    watch->running--;
    targets_release(watched->held);
}

/* ---------------------------------------------------------------- what is to be written */

static void mark(struct watched *watched, bool turned)
{
    struct watch *watch = watched->watch;
    if (watched->verdict.state == VERDICT_NONE)
        return;
    if (!watched->pending)
        watch->pending[watch->pending_count++] = watched;
    watched->pending = true;
    if (!turned)
        return;
    watch->turned += !watched->turned;
    watched->turned = true;
    watch->hands.news(watch->hands.context);
}

static void unmark(struct watched *watched)
{
    watched->watch->turned -= watched->turned;
    watched->pending = watched->turned = watched->measured = false;
}

/* Drops from the list those that are not pending any more. */
static void close_ranks(struct watch *watch)
{
    size_t kept = 0;
    for (size_t i = 0; i < watch->pending_count; i++)
        if (watch->pending[i]->pending)
            watch->pending[kept++] = watch->pending[i];
    watch->pending_count = kept;
}

static size_t fill_batch(struct watch *watch, bool all, struct watched **chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < watch->pending_count && count < WATCH_BATCH_MAX; i++) {
        struct watched *watched = watch->pending[i];
        if (!all && !watched->turned)
            continue;
        watch->rows[count] = (struct verdict_row){.key = watched->target->key,
                                                  .verdict = watched->verdict,
                                                  .measured = watched->measured};
        chosen[count++] = watched;
    }
    return count;
}

int watch_flush(struct watch *watch, bool all)
{
    struct watched *chosen[WATCH_BATCH_MAX];
    size_t count = fill_batch(watch, all, chosen);
    if (count == 0 && watch->ended_count == 0)
        return 0;
    int code = watch->hands.write(watch->hands.context, watch->rows, count, watch->ended,
                                  watch->ended_count);
    if (code != 0)
        return code;
    watch->ended_count = 0;
    for (size_t i = 0; i < count; i++)
        unmark(chosen[i]);
    close_ranks(watch);
    return 0;
}

bool watch_has_rows(const struct watch *watch)
{
    return watch->pending_count > 0 || watch->ended_count > 0;
}

bool watch_has_news(const struct watch *watch)
{
    return watch->turned > 0 || watch->ended_count > 0;
}

void watch_rewrite(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        watch->list[i]->measured = watch->list[i]->verdict.has_rtt;
        mark(watch->list[i], true);
    }
}

/* ---------------------------------------------------------------- what follows from a result */

static enum verdict_hold hold_now(const struct watch *watch)
{
    if (watch->unasked > 0)
        return HOLD_BOTH;
    return watch->brake.engaged ? HOLD_UP : HOLD_NOTHING;
}

static void tell_turn(const struct watched *watched, const struct target_verdict *before)
{
    const struct target_verdict *now = &watched->verdict;
    const char *name = watched->target->name;
    if (before->state == VERDICT_NONE && now->state == VERDICT_UP)
        return; /* as it was assumed to be */
    if (before->state == VERDICT_NONE)
        say(watched->watch, false, "%s: down, %s", name, reason_word(now->reason));
    else
        say(watched->watch, false, "%s: %s, %s, after %" PRId64 " s %s", name,
            verdict_state_word(now->state), reason_word(now->reason),
            now->since_s > before->since_s ? now->since_s - before->since_s : 0,
            verdict_state_word(before->state));
}

static void settle_all(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = watch->list[i];
        const struct target_verdict before = watched->verdict;
        if (!verdict_settle(&watched->verdict, watched->target->monitor, hold_now(watch),
                            watch->hands.unix_s()))
            continue;
        tell_turn(watched, &before);
        mark(watched, true);
    }
}

/* Those that went down before it was known that so many do. */
static void take_back(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = watch->list[i];
        if (watched->verdict.state != VERDICT_DOWN || watched->began_s == 0 ||
            !brake_counts(&watch->brake, watched->began_s))
            continue;
        verdict_take_back(&watched->verdict, watch->hands.unix_s());
        mark(watched, true);
    }
}

static void judge_brake(struct watch *watch)
{
    const struct watch_limits *limits = &watch->limits;
    if (!brake_judge(&watch->brake, watch->schedule.count, limits->brake_percent,
                     limits->brake_window_s, now_s(watch)))
        return;
    if (watch->brake.engaged) {
        say(watch, true,
            "%zu of %zu targets began to fail within %" PRId64
            " s: the monitor's own network is suspected, nobody goes down until they answer again"
            " (settings brake_percent, brake_window)",
            watch->brake.failing, watch->schedule.count, limits->brake_window_s);
        take_back(watch);
    } else {
        say(watch, true, "the brake is off again, verdicts follow the checks");
        settle_all(watch);
    }
}

/* Tells the brake of one that begins to fail, or ends to. */
static void count_for_brake(struct watched *watched, bool failed)
{
    struct watch *watch = watched->watch;
    if (!failed && watched->began_s != 0) {
        brake_end(&watch->brake, watched->began_s);
        watched->began_s = 0;
    } else if (failed && watched->began_s == 0 && watched->verdict.state != VERDICT_DOWN)
        watched->began_s = brake_begin(&watch->brake, now_s(watch));
    judge_brake(watch);
}

/* It was asked, or never will be; without any such target the stored verdicts do not hold. */
static void count_as_asked(struct watched *watched)
{
    watched->watch->unasked -= watched->unasked;
    watched->unasked = false;
}

static void judge(struct watched *watched, const struct check_result *result)
{
    struct watch *watch = watched->watch;
    const struct target_verdict before = watched->verdict;
    if (result->reason == REASON_INTERNAL)
        return;
    count_for_brake(watched, result->reason != REASON_OK);
    bool turned = verdict_take(&watched->verdict, result, watched->target->monitor, hold_now(watch),
                               watch->hands.unix_s());
    if (turned)
        tell_turn(watched, &before);
    watched->measured |= result->reason == REASON_OK;
    mark(watched, turned);
}

static void take_result(void *context, const struct check_result *result)
{
    struct watched *watched = context;
    struct watch *watch = watched->watch;
    watched->probe = NULL;
    watch->running--;
    targets_release(watched->held);
    bool was_cold = watch->unasked > 0;
    judge(watched, result);
    count_as_asked(watched);
    if (was_cold && watch->unasked == 0)
        settle_all(watch);
    if (watched->again) {
        watched->again = false;
        put_in_line(watched);
    }
    call_from_line(watch);
}

int64_t watch_run(struct watch *watch)
{
    int64_t now_ms = watch->hands.monotonic_ms();
    struct schedule_entry *entry;
    while ((entry = schedule_take(&watch->schedule, now_ms)))
        check_now((struct watched *)entry);
    judge_brake(watch);
    return schedule_next_ms(&watch->schedule);
}

/* ---------------------------------------------------------------- another configuration */

/* What a new set needs, all of it there before anything is changed. */
struct plan {
    struct watch *watch;
    const struct targets *targets;
    struct watched **list;
    size_t old, new; /* where the comparison stands in both lists */
    bool failed;
    struct complaints refusals;
    const struct monitor **refused;
    size_t refused_count, refused_capacity;
};

static void free_watched(struct watched *watched)
{
    free(watched);
}

static void plan_target(void *context, enum target_change change, const struct target *before,
                        const struct target *after)
{
    struct plan *plan = context;
    if (before && after)
        plan->list[plan->new] = plan->watch->list[plan->old];
    else if (after) {
        plan->list[plan->new] = calloc(1, sizeof(struct watched));
        plan->failed |= !plan->list[plan->new];
    }
    (void)change;
    plan->old += before != NULL;
    plan->new += after != NULL;
}

static bool is_used(const struct targets *targets, const struct monitor *monitor)
{
    for (size_t i = 0; i < targets_count(targets); i++)
        if (targets_at(targets, i)->monitor == monitor)
            return true;
    return false;
}

static int plan_monitor(struct plan *plan, const struct monitor *monitor)
{
    struct error error = {0};
    const struct watch_hands *hands = &plan->watch->hands;
    const char *why = hands->refuses(hands->context, monitor, &error);
    if (!why || !is_used(plan->targets, monitor))
        return 0;
    const struct monitor **place =
        VECTOR_ADD(plan->refused, plan->refused_count, plan->refused_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = monitor;
    return complaints_add(&plan->refusals, "monitor %s cannot be run: %s", monitor->name, why);
}

/* Grows an array of the watch to so many elements. */
static bool make_room(void *items, size_t count, size_t size)
{
    void **place = items;
    void *grown = realloc(*place, (count + 1) * size);
    if (grown)
        *place = grown;
    return grown != NULL;
}

static int make_plan(struct plan *plan)
{
    struct watch *watch = plan->watch;
    size_t count = targets_count(plan->targets), both = count + watch->count;
    plan->list = calloc(count + 1, sizeof *plan->list);
    if (!plan->list || schedule_reserve(&watch->schedule, both) != 0 ||
        !make_room(&watch->pending, both, sizeof *watch->pending) ||
        !make_room(&watch->ended, watch->ended_count + both, sizeof *watch->ended))
        return ERR_NOMEM;
    watch->ended_capacity = watch->ended_count + both + 1;
    int code = 0;
    for (size_t i = 0; code == 0 && i < targets_monitor_count(plan->targets); i++)
        code = plan_monitor(plan, targets_monitor_at(plan->targets, i));
    if (code == 0)
        targets_compare(watch->targets, plan->targets, plan_target, plan);
    return plan->failed ? ERR_NOMEM : code;
}

static void drop_plan(struct plan *plan)
{
    for (size_t i = 0; plan->list && i < targets_count(plan->targets); i++)
        if (plan->list[i] && !plan->list[i]->watch) /* a new one */
            free_watched(plan->list[i]);
    free(plan->list);
    complaints_release(&plan->refusals);
    free(plan->refused);
}

static bool is_refused(const struct plan *plan, const struct target *target)
{
    for (size_t i = 0; i < plan->refused_count; i++)
        if (plan->refused[i] == target->monitor)
            return true;
    return false;
}

/* One that is not checked takes part in nothing, and keeps the verdict that it has. */
static void begin_checks(const struct plan *plan, struct watched *watched)
{
    struct watch *watch = plan->watch;
    if (is_refused(plan, watched->target)) {
        stop(watched);
        schedule_remove(&watch->schedule, &watched->entry);
        count_as_asked(watched);
    } else if (watched->entry.place == 0)
        schedule_add(&watch->schedule, &watched->entry, watched->target->monitor->interval_s,
                     watch->hands.monotonic_ms());
}

static void begin_target(const struct plan *plan, struct watched *watched)
{
    struct watch *watch = plan->watch;
    watched->watch = watch;
    watched->unasked = !watch->targets;
    watch->unasked += watched->unasked;
    for (size_t i = 0; i < watch->ended_count; i++) /* it is back before its end was written */
        if (target_key_compare(&watch->ended[i], &watched->target->key) == 0)
            watch->ended[i] = watch->ended[--watch->ended_count];
}

static void end_target(struct watched *watched)
{
    struct watch *watch = watched->watch;
    stop(watched);
    schedule_remove(&watch->schedule, &watched->entry);
    count_as_asked(watched);
    if (watched->began_s != 0)
        brake_end(&watch->brake, watched->began_s);
    unmark(watched);
    watch->ended[watch->ended_count++] = watched->target->key;
}

/* Its state is kept; what the checks of the old kind said beyond that is not. */
static void change_target(struct watched *watched)
{
    struct watch *watch = watched->watch;
    stop(watched);
    schedule_remove(&watch->schedule, &watched->entry);
    watched->verdict.run = 0;
    watched->verdict.has_rtt = watched->measured = false;
}

/* The first pass ends and stops; the list of those to be written is closed behind it. */
static void carry_out_ends(void *context, enum target_change change, const struct target *before,
                           const struct target *after)
{
    struct plan *plan = context;
    if (change == TARGET_REMOVED)
        end_target(plan->watch->list[plan->old]);
    if (change == TARGET_CHANGED)
        change_target(plan->watch->list[plan->old]);
    (void)after;
    plan->old += before != NULL;
}

static void carry_out_beginnings(void *context, enum target_change change,
                                 const struct target *before, const struct target *after)
{
    struct plan *plan = context;
    if (before && !after)
        free_watched(plan->watch->list[plan->old]);
    if (after) {
        struct watched *watched = plan->list[plan->new];
        watched->target = after;
        if (change == TARGET_ADDED)
            begin_target(plan, watched);
    }
    plan->old += before != NULL;
    plan->new += after != NULL;
}

static bool has_line(const struct complaints *complaints, const char *line)
{
    for (size_t i = 0; i < complaints->count; i++)
        if (strcmp(complaints->lines[i], line) == 0)
            return true;
    return false;
}

static void say_new(const struct watch *watch, const struct complaints *now,
                    const struct complaints *before)
{
    for (size_t i = 0; i < now->count; i++)
        if (!before || !has_line(before, now->lines[i]))
            say(watch, true, "%s", now->lines[i]);
}

static void carry_out(struct plan *plan, struct targets *targets)
{
    struct watch *watch = plan->watch;
    struct targets *old = watch->targets;
    bool was_cold = watch->unasked > 0;
    plan->old = plan->new = 0;
    targets_compare(old, targets, carry_out_ends, plan);
    close_ranks(watch);
    plan->old = plan->new = 0;
    targets_compare(old, targets, carry_out_beginnings, plan);
    say_new(watch, targets_complaints(targets), old ? targets_complaints(old) : NULL);
    say_new(watch, &plan->refusals, &watch->refusals);
    free(watch->list);
    watch->list = plan->list;
    watch->count = targets_count(targets);
    watch->targets = targets_hold(targets);
    for (size_t i = 0; i < watch->count; i++)
        begin_checks(plan, watch->list[i]);
    complaints_release(&watch->refusals);
    watch->refusals = plan->refusals;
    targets_release(old);
    free(plan->refused);
    if (was_cold && watch->unasked == 0)
        settle_all(watch);
    call_from_line(watch);
    if (watch_has_news(watch))
        watch->hands.news(watch->hands.context);
}

int watch_configure(struct watch *watch, struct targets *targets, const struct watch_limits *limits)
{
    struct plan plan = {.watch = watch, .targets = targets};
    int code = make_plan(&plan);
    if (code != 0) {
        drop_plan(&plan);
        return code;
    }
    watch->limits = *limits;
    carry_out(&plan, targets);
    return 0;
}

static struct watched *find(const struct watch *watch, const struct target_key *key)
{
    size_t first = 0, end = watch->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = target_key_compare(&watch->list[middle]->target->key, key);
        if (order == 0)
            return watch->list[middle];
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

int watch_adopt(struct watch *watch, const struct verdict_row *stored)
{
    struct watched *watched = find(watch, &stored->key);
    if (watched && watched->verdict.state == VERDICT_NONE) {
        uint32_t run = stored->verdict.state == VERDICT_UP ? watched->verdict.run : 0;
        watched->verdict = stored->verdict;
        watched->verdict.run = run;
    }
    if (watched)
        return 0;
    struct target_key *place = VECTOR_ADD(watch->ended, watch->ended_count, watch->ended_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = stored->key;
    watch->hands.news(watch->hands.context);
    return 0;
}

struct watch_counts watch_count(const struct watch *watch)
{
    struct watch_counts counts = {
        .targets = watch->count, .running = watch->running, .waiting = watch->waiting};
    for (size_t i = 0; i < watch->count; i++) {
        counts.up += watch->list[i]->verdict.state == VERDICT_UP;
        counts.down += watch->list[i]->verdict.state == VERDICT_DOWN;
    }
    return counts;
}

static void add_lines(const struct complaints *complaints, struct buffer *out)
{
    for (size_t i = 0; i < complaints->count; i++)
        buffer_printf(out, "%s\n", complaints->lines[i]);
}

void watch_report(const struct watch *watch, struct buffer *out)
{
    if (watch->brake.engaged)
        buffer_printf(out,
                      "%zu of %zu targets fail since about the same time: the monitor's own network"
                      " is suspected and nobody goes down (brake_percent)\n",
                      watch->brake.failing, watch->schedule.count);
    if (watch->targets)
        add_lines(targets_complaints(watch->targets), out);
    add_lines(&watch->refusals, out);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < watch->count; i++) {
        stop(watch->list[i]);
        free_watched(watch->list[i]);
    }
    schedule_release(&watch->schedule);
    targets_release(watch->targets);
    complaints_release(&watch->refusals);
    free(watch->list);
    free(watch->pending);
    free(watch->ended);
    free(watch);
}

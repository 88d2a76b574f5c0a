/*
 * The engine: a list of watched targets with their verdicts, a schedule, a queue of checks that
 * wait for room, and a list of verdicts to be written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/vector.h"
#include "monitor/watch_parts.h"

/* The longest sentence for the log, with NUL; longer ones are truncated. */
#define SENTENCE_MAX 512

int watch_new(const struct watch_callbacks *callbacks, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return ERR_NOMEM;
    watch->callbacks = *callbacks;
    *ret_watch = watch;
    return 0;
}

void watch_log(const struct watch *watch, bool alarm, const char *format, ...)
{
    char text[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    watch->callbacks.log(watch->callbacks.context, alarm, text);
}

static int64_t now_s(const struct watch *watch)
{
    return watch->callbacks.monotonic_ms() / 1000;
}

/* ---------------------------------------------------------------- running and waiting checks */

static void take_result(void *context, const struct check_result *result);

/* Without memory the check is skipped; the next one comes soon enough. */
static void start(struct watched *watched)
{
    struct watch *watch = watched->watch;
    const struct target *target = watched->target;
    const struct check check = {.monitor = target->monitor,
                                .address = target->address,
                                .port = target->port,
                                .name = target->host};
    if (watch->callbacks.start(watch->callbacks.context, &check, take_result, watched,
                               &watched->probe) != 0) {
        watched->probe = NULL;
        return;
    }
    watched->checked_from = targets_retain(watch->targets);
    watch->running++;
}

static void enqueue(struct watched *watched)
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

void watch_start_waiting(struct watch *watch)
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

static void dequeue(struct watched *watched)
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
        enqueue(watched);
}

/* Ends the check of a target without a result. */
void watch_stop(struct watched *watched)
{
    struct watch *watch = watched->watch;
    dequeue(watched);
    watched->again = false;
    if (!watched->probe)
        return;
    watch->callbacks.cancel(watch->callbacks.context, watched->probe);
    watched->probe = NULL;
    watch->running--;
    targets_release(watched->checked_from);
}

/* ---------------------------------------------------------------- what has to be written */

static void mark(struct watched *watched, bool changed)
{
    struct watch *watch = watched->watch;
    if (watched->verdict.state == VERDICT_NONE)
        return;
    if (!watched->pending)
        watch->pending[watch->pending_count++] = watched;
    watched->pending = true;
    if (!changed)
        return;
    watch->changes++;
    watch->changed_count += !watched->changed;
    watched->changed = true;
    watch->callbacks.urgent(watch->callbacks.context);
}

void watch_mark_changed(struct watched *watched)
{
    mark(watched, true);
}

void watch_unmark(struct watched *watched)
{
    watched->watch->changed_count -= watched->changed;
    watched->pending = watched->changed = watched->measured = false;
}

/* Removes from the list the targets that are no longer pending. */
void watch_compact_pending(struct watch *watch)
{
    size_t kept = 0;
    for (size_t i = 0; i < watch->pending_count; i++)
        if (watch->pending[i]->pending)
            watch->pending[kept++] = watch->pending[i];
    watch->pending_count = kept;
}

static enum verdict_state agree(const struct watched *watched)
{
    const struct watch_callbacks *callbacks = &watched->watch->callbacks;
    enum verdict_state verdict = watched->verdict.state;
    if (!callbacks->agree || verdict == VERDICT_NONE)
        return verdict;
    return callbacks->agree(callbacks->context, watched->target, verdict, watched->counts);
}

static size_t fill_batch(struct watch *watch, bool all, struct watched **chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < watch->pending_count && count < WATCH_BATCH_MAX; i++) {
        struct watched *watched = watch->pending[i];
        if (!all && !watched->changed)
            continue;
        watched->counts = agree(watched);
        watch->rows[count] = (struct verdict_row){.key = watched->target->key,
                                                  .counts = watched->counts,
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
    int code = watch->callbacks.write(watch->callbacks.context, watch->rows, count, watch->ended,
                                      watch->ended_count);
    if (code != 0)
        return code;
    watch->ended_count = 0;
    for (size_t i = 0; i < count; i++)
        watch_unmark(chosen[i]);
    watch_compact_pending(watch);
    return 0;
}

bool watch_has_pending(const struct watch *watch)
{
    return watch->pending_count > 0 || watch->ended_count > 0;
}

bool watch_has_urgent(const struct watch *watch)
{
    return watch->changed_count > 0 || watch->ended_count > 0;
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
    if (watch->unchecked > 0)
        return HOLD_BOTH;
    return watch->brake.engaged ? HOLD_UP : HOLD_NOTHING;
}

/* "", or that others have a say, and see it in another way. */
static const char *objection(const struct watched *watched)
{
    enum verdict_state counts = agree(watched);
    if (counts == watched->verdict.state)
        return "";
    return counts == VERDICT_UP ? "; counts as up, as too few name servers find it down"
                                : "; counts as down, as other name servers find it down";
}

static void log_change(const struct watched *watched, const struct target_verdict *before)
{
    const struct target_verdict *now = &watched->verdict;
    const char *name = watched->target->name;
    if (before->state == VERDICT_NONE && now->state == VERDICT_UP)
        return; /* as was assumed before */
    if (before->state == VERDICT_NONE)
        watch_log(watched->watch, false, "%s: down, %s%s", name, reason_word(now->reason),
                  objection(watched));
    else
        watch_log(watched->watch, false, "%s: %s, %s, after %" PRId64 " s %s%s", name,
                  verdict_state_word(now->state), reason_word(now->reason),
                  now->since_s > before->since_s ? now->since_s - before->since_s : 0,
                  verdict_state_word(before->state), objection(watched));
}

void watch_reconsider(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = watch->list[i];
        enum verdict_state counts = agree(watched);
        if (counts == watched->counts || watched->changed)
            continue;
        if (watched->counts != VERDICT_NONE)
            watch_log(watch, false, "%s: counts as %s now, as the name servers have agreed",
                      watched->target->name, verdict_state_word(counts));
        mark(watched, true);
    }
}

void watch_catch_up(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = watch->list[i];
        const struct target_verdict before = watched->verdict;
        if (!verdict_catch_up(&watched->verdict, watched->target->monitor, hold_now(watch),
                              watch->callbacks.unix_s()))
            continue;
        log_change(watched, &before);
        mark(watched, true);
    }
}

/* Reverts targets that went down before the brake was engaged. */
static void revert_downs(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *watched = watch->list[i];
        if (watched->verdict.state != VERDICT_DOWN || watched->began_s == 0 ||
            !brake_counts(&watch->brake, watched->began_s))
            continue;
        verdict_revert(&watched->verdict, watch->callbacks.unix_s());
        mark(watched, true);
    }
}

static void update_brake(struct watch *watch)
{
    const struct watch_limits *limits = &watch->limits;
    if (!brake_update(&watch->brake, watch->schedule.count, limits->brake_percent,
                      limits->brake_window_s, now_s(watch)))
        return;
    watch->changes++;
    if (watch->brake.engaged) {
        watch_log(watch, true,
                  "%zu of %zu targets began to fail within %" PRId64
                  " s: the monitor's own network is suspected, no target goes down until they "
                  "answer again"
                  " (settings brake_percent, brake_window)",
                  watch->brake.failing, watch->schedule.count, limits->brake_window_s);
        revert_downs(watch);
    } else {
        /* What failed before says nothing now: each goes down when it fails again. */
        watch_log(watch, true, "the brake is released, verdicts follow the checks again");
    }
}

/* Tells the brake when a target begins or ceases to fail, before its verdict follows. */
static void count_for_brake(struct watched *watched, bool failed)
{
    struct watch *watch = watched->watch;
    if (!failed && watched->began_s != 0) {
        brake_end(&watch->brake, watched->began_s);
        watched->began_s = 0;
    } else if (failed && watched->began_s == 0 && watched->verdict.state == VERDICT_UP)
        watched->began_s = brake_begin(&watch->brake, now_s(watch));
    update_brake(watch);
}

void watch_count_as_checked(struct watched *watched)
{
    watched->watch->unchecked -= watched->unchecked;
    watched->unchecked = false;
}

static void add_result(struct watched *watched, const struct check_result *result)
{
    struct watch *watch = watched->watch;
    const struct target_verdict before = watched->verdict;
    if (result->reason == REASON_INTERNAL)
        return;
    count_for_brake(watched, result->reason != REASON_OK);
    bool changed = verdict_add_result(&watched->verdict, result, watched->target->monitor,
                                      hold_now(watch), watch->callbacks.unix_s());
    if (changed)
        log_change(watched, &before);
    watched->measured |= result->reason == REASON_OK;
    mark(watched, changed);
}

static void take_result(void *context, const struct check_result *result)
{
    struct watched *watched = context;
    struct watch *watch = watched->watch;
    watched->probe = NULL;
    watch->running--;
    targets_release(watched->checked_from);
    bool was_cold = watch->unchecked > 0;
    add_result(watched, result);
    watch_count_as_checked(watched);
    if (was_cold && watch->unchecked == 0)
        watch_catch_up(watch);
    if (watched->again) {
        watched->again = false;
        enqueue(watched);
    }
    watch_start_waiting(watch);
}

int64_t watch_run(struct watch *watch)
{
    int64_t now_ms = watch->callbacks.monotonic_ms();
    struct schedule_entry *entry;
    while ((entry = schedule_take(&watch->schedule, now_ms)))
        check_now((struct watched *)entry);
    update_brake(watch);
    return schedule_next_ms(&watch->schedule);
}

/* ---------------------------------------------------------------- other queries */

struct watched *watch_find(const struct watch *watch, const struct target_key *key)
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
    struct watched *watched = watch_find(watch, &stored->key);
    if (watched && watched->verdict.state == VERDICT_NONE) {
        uint32_t run = stored->verdict.state == VERDICT_UP ? watched->verdict.run : 0;
        watched->verdict = stored->verdict;
        watched->verdict.run = run;
        watched->counts = stored->counts;
        watch->changes++;
    }
    if (watched)
        return 0;
    struct target_key *place = VECTOR_ADD(watch->ended, watch->ended_count, watch->ended_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = stored->key;
    watch->callbacks.urgent(watch->callbacks.context);
    return 0;
}

bool watch_has_refusals(const struct watch *watch)
{
    return watch->refusals.count > 0;
}

bool watch_brakes(const struct watch *watch)
{
    return watch->brake.engaged;
}

static enum verdict_state state_at(const struct watch *watch, size_t index)
{
    return watch->list[index]->verdict.state;
}

/*
 * Votes on a server as a whole for the first of its addresses: the list is by key, so the other one
 * follows. The server is up while one of them is, and without a verdict while one may be.
 */
static enum verdict_state state_of_server(const struct watch *watch, size_t index)
{
    const struct target_key *key = &watch->list[index]->target->key;
    enum verdict_state one = state_at(watch, index), other = VERDICT_NONE;
    if (key->family != FAMILY_IPV4)
        return VERDICT_NONE;
    if (index + 1 < watch->count && watch->list[index + 1]->target->key.id == key->id &&
        watch->list[index + 1]->target->key.kind == key->kind)
        other = state_at(watch, index + 1);
    if (one == VERDICT_UP || other == VERDICT_UP)
        return VERDICT_UP;
    return one == other ? one : VERDICT_NONE;
}

/* Adds a vote if there is room. 0 or ERR_NOMEM. */
static int vote(const struct target *target, enum address_family family, enum verdict_state state,
                struct ballot *ballot)
{
    if (ballot->count >= BALLOT_VOTES_MAX)
        return 0;
    struct vote *place = ballot_add(ballot);
    if (!place)
        return ERR_NOMEM;
    *place = vote_on_target(target, state);
    place->family = family;
    return 0;
}

static int vote_on(const struct watch *watch, enum verdict_state state, struct ballot *ballot)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < watch->count; i++) {
        const struct target *target = watch->list[i]->target;
        if (state_at(watch, i) == state)
            code = vote(target, target->key.family, state, ballot);
        if (code == 0 && state_of_server(watch, i) == state)
            code = vote(target, FAMILY_NONE, state, ballot);
    }
    return code;
}

int watch_vote(const struct watch *watch, struct ballot *ballot)
{
    ballot->brake = watch->brake.engaged;
    int code = vote_on(watch, VERDICT_DOWN, ballot);
    if (code == 0)
        code = vote_on(watch, VERDICT_UP, ballot);
    ballot_sort(ballot);
    return code;
}

uint64_t watch_changes(const struct watch *watch)
{
    return watch->changes;
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

static void add_lines(const struct problems *problems, struct buffer *out)
{
    for (size_t i = 0; i < problems->count; i++)
        buffer_printf(out, "%s\n", problems->lines[i]);
}

void watch_report(const struct watch *watch, struct buffer *out)
{
    if (watch->brake.engaged)
        buffer_printf(out,
                      "%zu of %zu targets began to fail at about the same time: the monitor's own"
                      " network is suspected, no target goes down (brake_percent)\n",
                      watch->brake.failing, watch->schedule.count);
    if (watch->targets)
        add_lines(targets_problems(watch->targets), out);
    add_lines(&watch->refusals, out);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < watch->count; i++) {
        watch_stop(watch->list[i]);
        free(watch->list[i]);
    }
    schedule_release(&watch->schedule);
    targets_release(watch->targets);
    problems_release(&watch->refusals);
    free(watch->list);
    free(watch->pending);
    free(watch->ended);
    free(watch);
}

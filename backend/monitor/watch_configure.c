/*
 * Replaces the set of targets. First everything that can fail is done, then the new set takes the
 * place of the old one, with the checks and verdicts of unchanged targets.
 */
#include <stdlib.h>

#include "core/base/vector.h"
#include "monitor/watch_parts.h"

/* What the new set needs; complete before anything is changed. */
struct plan {
    struct watch *watch;
    const struct targets *targets;
    struct watched **list;
    size_t old, new; /* positions of the comparison in both lists */
    bool failed;
    struct problems refusals;
    const struct monitor **refused;
    size_t refused_count, refused_capacity;
};

/* Says whether an address is that of a target of this row. */
static bool is_of_row(const struct targets *targets, const struct target_key *row,
                      const struct address *address)
{
    for (enum address_family family = FAMILY_NONE; family <= FAMILY_IPV6; family++) {
        const struct target *target =
            targets_find(targets, &(struct target_key){row->kind, row->id, family});
        if (target && address_equal(&target->address, address))
            return true;
    }
    return false;
}

/*
 * What the server of a new target was watched as before: by the same address, or as a whole at one
 * of the addresses that are now targets of their own. NULL if it was not; of a corrected address
 * nothing is known.
 */
static const struct watched *find_before(const struct plan *plan, const struct target *target)
{
    const struct watched *whole = NULL;
    for (enum address_family family = FAMILY_NONE; family <= FAMILY_IPV6; family++) {
        const struct target_key key = {target->key.kind, target->key.id, family};
        const struct watched *before = watch_find(plan->watch, &key);
        if (before && address_equal(&before->target->address, &target->address))
            return before;
        if (before && family == FAMILY_NONE &&
            is_of_row(plan->targets, &key, &before->target->address))
            whole = before;
    }
    return whole;
}

/* One whose server was watched under another key keeps its state, as change_target() does. */
static struct watched *plan_added(const struct plan *plan, const struct target *target)
{
    struct watched *watched = calloc(1, sizeof *watched);
    const struct watched *before = find_before(plan, target);
    if (!watched || !before)
        return watched;
    watched->verdict = before->verdict;
    watched->verdict.run = 0;
    watched->verdict.has_rtt = false;
    watched->counts = before->counts;
    return watched;
}

static void plan_target(void *context, enum target_change change, const struct target *before,
                        const struct target *after)
{
    struct plan *plan = context;
    if (change == TARGET_SAME || change == TARGET_CHANGED)
        plan->list[plan->new] = plan->watch->list[plan->old];
    else if (after) {
        plan->list[plan->new] =
            change == TARGET_ADDED ? plan_added(plan, after) : calloc(1, sizeof(struct watched));
        plan->failed |= !plan->list[plan->new];
    }
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
    const struct watch_callbacks *callbacks = &plan->watch->callbacks;
    const char *why = callbacks->refusal(callbacks->context, monitor, &error);
    if (!why || !is_used(plan->targets, monitor))
        return 0;
    const struct monitor **place =
        VECTOR_ADD(plan->refused, plan->refused_count, plan->refused_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = monitor;
    return problems_add(&plan->refusals, "monitor %s cannot be run: %s", monitor->name, why);
}

/* Grows an array of the engine to at least `count` elements. */
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
            free(plan->list[i]);
    free(plan->list);
    problems_release(&plan->refusals);
    free(plan->refused);
}

static bool is_refused(const struct plan *plan, const struct target *target)
{
    for (size_t i = 0; i < plan->refused_count; i++)
        if (plan->refused[i] == target->monitor)
            return true;
    return false;
}

/* It is not checked from now on, so no answer of it can release the brake. */
static void end_checks(struct watched *watched)
{
    struct watch *watch = watched->watch;
    watch_stop(watched);
    schedule_remove(&watch->schedule, &watched->entry);
    watch_count_as_checked(watched);
    if (watched->began_s != 0)
        brake_end(&watch->brake, watched->began_s);
    watched->began_s = 0;
}

/* A target that cannot be checked is not scheduled, and keeps its verdict. */
static void begin_checks(const struct plan *plan, struct watched *watched)
{
    struct watch *watch = plan->watch;
    if (is_refused(plan, watched->target)) {
        end_checks(watched);
    } else if (watched->entry.place == 0)
        schedule_add(&watch->schedule, &watched->entry, watched->target->monitor->interval_s,
                     watch->callbacks.monotonic_ms());
}

static void begin_target(const struct plan *plan, struct watched *watched)
{
    struct watch *watch = plan->watch;
    watched->watch = watch;
    watched->unchecked = !watch->targets;
    watch->unchecked += watched->unchecked;
    if (watched->verdict.state != VERDICT_NONE)
        watch_mark_changed(watched);
}

/* A target that is back before its removal was written keeps what is stored. */
static void withdraw_end(struct watch *watch, const struct watched *watched)
{
    for (size_t i = watch->ended_count; i > 0; i--)
        if (target_key_compare(&watch->ended[i - 1], &watched->target->key) == 0)
            watch->ended[i - 1] = watch->ended[--watch->ended_count];
}

static void end_target(struct watched *watched)
{
    struct watch *watch = watched->watch;
    end_checks(watched);
    watch_unmark(watched);
    watch->ended[watch->ended_count++] = watched->target->key;
}

/* Keeps the state, but not what else the previous checks have shown. */
static void change_target(struct watched *watched)
{
    struct watch *watch = watched->watch;
    watch_stop(watched);
    schedule_remove(&watch->schedule, &watched->entry);
    watched->verdict.run = 0;
    watched->verdict.has_rtt = watched->measured = false;
}

/* The first pass, over targets that end or change; then the list of pending ones is compacted. */
static void carry_out_ends(void *context, enum target_change change, const struct target *before,
                           const struct target *after)
{
    struct plan *plan = context;
    if (change == TARGET_REMOVED || change == TARGET_REPLACED)
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
    if (change == TARGET_REMOVED || change == TARGET_REPLACED)
        free(plan->watch->list[plan->old]);
    if (after) {
        struct watched *watched = plan->list[plan->new];
        watched->target = after;
        if (change == TARGET_ADDED || change == TARGET_REPLACED)
            begin_target(plan, watched);
        if (change == TARGET_ADDED)
            withdraw_end(plan->watch, watched);
    }
    plan->old += before != NULL;
    plan->new += after != NULL;
}

static void say_new(const struct watch *watch, const struct problems *now,
                    const struct problems *before)
{
    for (size_t i = 0; i < now->count; i++)
        if (!problems_has(before, now->lines[i]))
            watch_log(watch, true, "%s", now->lines[i]);
}

static void carry_out(struct plan *plan, struct targets *targets)
{
    struct watch *watch = plan->watch;
    struct targets *old = watch->targets;
    bool was_cold = watch->unchecked > 0;
    plan->old = plan->new = 0;
    targets_compare(old, targets, carry_out_ends, plan);
    watch_compact_pending(watch);
    plan->old = plan->new = 0;
    targets_compare(old, targets, carry_out_beginnings, plan);
    say_new(watch, targets_problems(targets), old ? targets_problems(old) : NULL);
    say_new(watch, &plan->refusals, &watch->refusals);
    free(watch->list);
    watch->list = plan->list;
    watch->count = targets_count(targets);
    watch->targets = targets_retain(targets);
    watch->changes++;
    for (size_t i = 0; i < watch->count; i++)
        begin_checks(plan, watch->list[i]);
    problems_release(&watch->refusals);
    watch->refusals = plan->refusals;
    targets_release(old);
    free(plan->refused);
    if (was_cold && watch->unchecked == 0)
        watch_catch_up(watch);
    watch_start_waiting(watch);
    if (watch_has_urgent(watch))
        watch->callbacks.urgent(watch->callbacks.context);
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

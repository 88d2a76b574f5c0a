#include "core/health/verdict.h"

#include <string.h>

static const char *const words[] = {[VERDICT_UP] = "up", [VERDICT_DOWN] = "down"};

const char *verdict_state_word(enum verdict_state state)
{
    return words[state];
}

bool verdict_state_parse(const char *word, enum verdict_state *ret_state)
{
    for (enum verdict_state state = VERDICT_UP; word && state <= VERDICT_DOWN; state++)
        if (strcmp(words[state], word) == 0) {
            *ret_state = state;
            return true;
        }
    return false;
}

static bool is_held(const struct target_verdict *verdict, enum verdict_state wanted,
                    enum verdict_hold hold)
{
    if (hold == HOLD_BOTH)
        return verdict->state != VERDICT_NONE || wanted == VERDICT_DOWN;
    return hold == HOLD_UP && wanted == VERDICT_DOWN;
}

static void turn(struct target_verdict *verdict, enum verdict_state state, int64_t now_s)
{
    verdict->flaps += verdict->state != VERDICT_NONE;
    verdict->state = state;
    verdict->since_s = now_s;
    verdict->run = 0;
}

bool verdict_catch_up(struct target_verdict *verdict, const struct monitor *monitor,
                      enum verdict_hold hold, int64_t now_s)
{
    bool comes_up = verdict->state == VERDICT_DOWN;
    enum verdict_state wanted = comes_up ? VERDICT_UP : VERDICT_DOWN;
    if (verdict->run < (comes_up ? monitor->rise : monitor->fall) || is_held(verdict, wanted, hold))
        return false;
    turn(verdict, wanted, now_s);
    return true;
}

static void smooth(struct target_verdict *verdict, double rtt_ms)
{
    if (!(rtt_ms >= 0))
        return;
    if (verdict->has_rtt)
        rtt_ms = verdict->rtt_ms + (rtt_ms - verdict->rtt_ms) * VERDICT_RTT_WEIGHT;
    verdict->rtt_ms = rtt_ms;
    verdict->has_rtt = true;
}

bool verdict_add_result(struct target_verdict *verdict, const struct check_result *result,
                        const struct monitor *monitor, enum verdict_hold hold, int64_t now_s)
{
    bool well = result->reason == REASON_OK;
    if (result->reason == REASON_INTERNAL)
        return false;
    verdict->reason = result->reason;
    verdict->checked_s = now_s;
    if (well)
        smooth(verdict, result->rtt_ms);
    if (well && verdict->state == VERDICT_NONE) {
        turn(verdict, VERDICT_UP, now_s);
        return true;
    }
    if (well != (verdict->state == VERDICT_DOWN))
        verdict->run = 0;
    else if (verdict->run < UINT32_MAX)
        verdict->run++;
    return verdict_catch_up(verdict, monitor, hold, now_s);
}

void verdict_revert(struct target_verdict *verdict, int64_t now_s)
{
    if (verdict->state != VERDICT_DOWN)
        return;
    turn(verdict, VERDICT_UP, now_s);
    verdict->run = UINT32_MAX; /* after the hold, it goes down when it fails once more */
}

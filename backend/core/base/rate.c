#include "core/base/rate.h"

#define TOKEN 1000

bool rate_take(struct rate *rate, int64_t per_second, int64_t now_ms)
{
    int64_t full = per_second * RATE_BURST_S * TOKEN;
    int64_t passed_ms = now_ms > rate->last_ms ? now_ms - rate->last_ms : 0;
    if (!rate->started || passed_ms >= RATE_BURST_S * 1000)
        rate->tokens = full;
    else /* thousandths of a token for milliseconds: the factors cancel out */
        rate->tokens += passed_ms * per_second;
    if (rate->tokens > full)
        rate->tokens = full;
    rate->started = true;
    rate->last_ms = now_ms;
    if (rate->tokens < TOKEN)
        return false;
    rate->tokens -= TOKEN;
    return true;
}

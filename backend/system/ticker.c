#include "system/ticker.h"

#include <signal.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void tick(int number)
{
    (void)number;
}

void ticker_init(struct ticker *ticker)
{
    struct sigaction action = {.sa_handler = tick}; /* without SA_RESTART */
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    event.sigev_notify_thread_id = gettid();
    *ticker = (struct ticker){0};
    ticker->exists = sigaction(SIGALRM, &action, NULL) == 0 &&
                     timer_create(CLOCK_MONOTONIC, &event, &ticker->timer) == 0;
}

static bool set(struct ticker *ticker, int interval_ms)
{
    struct timespec interval = {.tv_sec = interval_ms / 1000,
                                .tv_nsec = (long)(interval_ms % 1000) * 1000000};
    struct itimerspec times = {.it_interval = interval, .it_value = interval};
    return timer_settime(ticker->timer, 0, &times, NULL) == 0;
}

bool ticker_start(struct ticker *ticker, int interval_ms)
{
    if (ticker->exists && !ticker->running)
        ticker->running = set(ticker, interval_ms);
    return ticker->running;
}

void ticker_stop(struct ticker *ticker)
{
    if (ticker->running)
        ticker->running = !set(ticker, 0);
}

void ticker_release(struct ticker *ticker)
{
    if (ticker->exists)
        timer_delete(ticker->timer);
    *ticker = (struct ticker){0};
}

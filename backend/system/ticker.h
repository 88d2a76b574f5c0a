/*
 * Interrupts a blocking call of this thread at intervals, so that one without a timeout does not
 * last for ever: the wait for a lock, or read(), which then needs no poll() before it.
 *
 * A tick is SIGALRM to the thread that started the ticker; what it interrupts fails with EINTR. One
 * that comes just before the call is made interrupts nothing; the next one does.
 */
#ifndef STICKY_SYSTEM_TICKER_H
#define STICKY_SYSTEM_TICKER_H

#include <stdbool.h>
#include <time.h>

struct ticker {
    timer_t timer;
    bool exists, running;
};

/*
 * Makes a ticker that stands still, for this thread. Without one (a limit on signals), starting it
 * does nothing.
 */
void ticker_init(struct ticker *ticker);
void ticker_release(struct ticker *ticker);

/* Ticks from now on; says whether it does. */
bool ticker_start(struct ticker *ticker, int interval_ms);
void ticker_stop(struct ticker *ticker);

#endif

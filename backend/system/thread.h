/*
 * Threads for work that no question may wait for.
 */
#ifndef STICKY_SYSTEM_THREAD_H
#define STICKY_SYSTEM_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Runs `work` with `context`, which the thread owns until it is joined. Signals to the process stay
 * with the threads that there were before; the new one takes those of its own faults (page_guard.h)
 * and of its own ticker.
 *
 * False when there can be no more threads: nothing was run, and the caller does the work itself.
 */
bool thread_start(void *(*work)(void *context), void *context, pthread_t *ret_thread);

#endif

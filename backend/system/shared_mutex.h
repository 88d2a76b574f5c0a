/*
 * A mutex in memory that processes share, which outlives the death of whoever holds it.
 *
 * It is a robust, process-shared pthread mutex. When its owner was killed, the next one gets it and
 * is not told: what it guards has to be whole after each single store, so that there is nothing to
 * repair. Nobody waits for it without end, since the memory may hold anything: somebody may have
 * overwritten the file, or its owner may be stopped.
 *
 * A mutex belongs to one start of the machine and one build of the C library; whoever keeps it in a
 * file has to see to that.
 */
#ifndef STICKY_SYSTEM_SHARED_MUTEX_H
#define STICKY_SYSTEM_SHARED_MUTEX_H

#include <pthread.h>

/* 0, or an errno such as ENOTSUP. */
int shared_mutex_init(pthread_mutex_t *mutex);

/*
 * Waits at most `wait_ms`, or not at all with 0. 0 when it is held now; ETIMEDOUT, or another errno
 * when the memory is no mutex, and then it is not held.
 */
int shared_mutex_lock(pthread_mutex_t *mutex, int wait_ms);

/* Cannot fail for whoever holds it. */
void shared_mutex_unlock(pthread_mutex_t *mutex);

#endif

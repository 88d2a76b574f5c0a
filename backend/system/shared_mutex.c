#include "system/shared_mutex.h"

#include <errno.h>
#include <time.h>

#define NS_OF_MS 1000000L
#define NS_OF_S 1000000000L

int shared_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int problem = pthread_mutexattr_init(&attributes);
    if (problem != 0)
        return problem;
    problem = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (problem == 0)
        problem = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (problem == 0)
        problem = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return problem;
}

static int lock_within(pthread_mutex_t *mutex, int wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * NS_OF_MS;
    if (until.tv_nsec >= NS_OF_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_OF_S;
    }
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

int shared_mutex_lock(pthread_mutex_t *mutex, int wait_ms)
{
    int result = pthread_mutex_trylock(mutex); /* nearly always free; asks for no time */
    if (result == EBUSY)
        result = wait_ms > 0 ? lock_within(mutex, wait_ms) : ETIMEDOUT;
    return result == EOWNERDEAD ? pthread_mutex_consistent(mutex) : result;
}

void shared_mutex_unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}

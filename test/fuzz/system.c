/*
 * What the program asks of the system, in place of it, so that an input meets the same in every
 * run: no thread is to be had, hence all that threads would load is loaded by the question that
 * waits for it, and random numbers are always the same. scripts/fuzz builds the program with these
 * names.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

int fuzz_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                        void *(*start)(void *context), void *context);
ssize_t fuzz_getrandom(void *buffer, size_t size, unsigned flags);

int fuzz_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                        void *(*start)(void *context), void *context)
{
    (void)thread, (void)attributes, (void)start, (void)context;
    return EAGAIN;
}

ssize_t fuzz_getrandom(void *buffer, size_t size, unsigned flags)
{
    (void)flags;
    memset(buffer, 42, size);
    return (ssize_t)size;
}

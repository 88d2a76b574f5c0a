/*
 * Waiting for a number in memory that processes share, without a lock (futex(2)).
 */
#ifndef STICKY_SYSTEM_FUTEX_H
#define STICKY_SYSTEM_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Returns when the number is not `seen` any more, after `wait_ms`, or early for no reason. Cannot
 * fail.
 */
void futex_wait(_Atomic uint32_t *number, uint32_t seen, int64_t wait_ms);

/* Wakes one process, or all, that wait for this number. */
void futex_wake(_Atomic uint32_t *number);
void futex_wake_all(_Atomic uint32_t *number);

#endif

#include "system/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void futex_wait(_Atomic uint32_t *number, uint32_t seen, int64_t wait_ms)
{
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    syscall(SYS_futex, number, FUTEX_WAIT, seen, &wait, NULL, 0);
}

void futex_wake(_Atomic uint32_t *number)
{
    syscall(SYS_futex, number, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void futex_wake_all(_Atomic uint32_t *number)
{
    syscall(SYS_futex, number, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

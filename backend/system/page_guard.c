#include "system/page_guard.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_uint losses;
static uintptr_t page_bytes;

/* Without a page to put there, the signal comes again and ends the process. */
static void replace_page(int number, siginfo_t *signal_info, void *context)
{
    (void)context;
    void *page = (void *)((uintptr_t)signal_info->si_addr & ~(page_bytes - 1));
    atomic_fetch_add(&losses, 1);
    if (signal_info->si_code != BUS_ADRERR ||
        mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED)
        signal(number, SIG_DFL);
}

void page_guard_install(void)
{
    struct sigaction action = {.sa_sigaction = replace_page, .sa_flags = SA_SIGINFO};
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, &action, NULL);
}

unsigned page_guard_losses(void)
{
    return atomic_load(&losses);
}

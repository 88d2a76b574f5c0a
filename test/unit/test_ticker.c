#include "system/ticker.h"

#include <errno.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

#define TICK_MS 2

/* Reads from a pipe that stays empty. The errno, or 0 when it came to an end. */
static int read_in_vain(int descriptor)
{
    char byte;
    return read(descriptor, &byte, 1) < 0 ? errno : 0;
}

static void a_tick_interrupts_a_read(void)
{
    int ends[2];
    struct ticker ticker;
    if (!CHECK(pipe(ends) == 0, "a pipe"))
        return;
    ticker_init(&ticker);
    CHECK(ticker_start(&ticker, TICK_MS), "it ticks");
    for (int i = 0; i < 5; i++)
        CHECK_INTEGER(read_in_vain(ends[0]), EINTR, "read %d", i);
    ticker_stop(&ticker);
    CHECK(ticker_start(&ticker, TICK_MS), "it ticks again");
    CHECK_INTEGER(read_in_vain(ends[0]), EINTR, "after a stop");
    ticker_release(&ticker);
    close(ends[0]);
    close(ends[1]);
}

static void one_that_stands_still_interrupts_nothing(void)
{
    struct ticker ticker;
    ticker_init(&ticker);
    CHECK_INTEGER(usleep(5000 * TICK_MS), 0, "never started");
    ticker_start(&ticker, TICK_MS);
    ticker_stop(&ticker);
    CHECK_INTEGER(usleep(5000 * TICK_MS), 0, "stopped");
    ticker_start(&ticker, TICK_MS);
    ticker_release(&ticker);
    CHECK_INTEGER(usleep(5000 * TICK_MS), 0, "released");
    CHECK(!ticker_start(&ticker, TICK_MS), "a released one cannot start");
}

static const CU_TestInfo tests[] = {
    {"a tick interrupts a read", a_tick_interrupts_a_read},
    {"one that stands still interrupts nothing", one_that_stands_still_interrupts_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_ticker = {"ticker", tests};

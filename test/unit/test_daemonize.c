#include "system/daemonize.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* The exit status of a process that goes into the background and is ready there, or is not. */
static int status_of(bool becomes_ready)
{
    int status = -1, ready = -1;
    pid_t child = fork();
    if (child == 0) {
        if (daemonize_begin(&ready) == 0 && becomes_ready)
            daemonize_ready(ready);
        _exit(77); /* of the daemon, which nobody sees */
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status), "it ends");
    return WEXITSTATUS(status);
}

static void who_starts_it_learns_whether_there_is_one(void)
{
    CHECK_INTEGER(status_of(true), EXIT_SUCCESS, "ready");
    CHECK_INTEGER(status_of(false), EXIT_FAILURE, "ended before");
}

static const CU_TestInfo tests[] = {
    {"who starts a daemon learns whether there is one", who_starts_it_learns_whether_there_is_one},
    CU_TEST_INFO_NULL,
};

const struct suite suite_daemonize = {"daemonize", tests};

#include "system/thread.h"

#include <signal.h>

#include "fixture.h"
#include "suites.h"

struct work {
    pthread_t self;
    sigset_t blocked;
};

static void *note(void *context)
{
    struct work *work = context;
    work->self = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &work->blocked);
    return context;
}

static void the_work_is_done_in_another_thread(void)
{
    struct work work;
    pthread_t thread;
    void *result = NULL;
    if (!CHECK(thread_start(note, &work, &thread), "a thread"))
        return;
    CHECK(pthread_join(thread, &result) == 0, "it ends");
    CHECK(result == &work, "what it worked on is given back");
    CHECK(pthread_equal(work.self, thread), "it ran there");
    CHECK(!pthread_equal(work.self, pthread_self()), "and not here");
}

static void signals_stay_with_the_threads_before(void)
{
    static const struct row {
        int number;
        bool blocked;
    } rows[] = {{SIGTERM, true}, {SIGINT, true},   {SIGHUP, true},  {SIGCHLD, true},
                {SIGUSR1, true}, {SIGALRM, false}, {SIGBUS, false}, {0, false}};
    struct work work;
    pthread_t thread;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    if (!CHECK(thread_start(note, &work, &thread), "a thread"))
        return;
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    pthread_join(thread, NULL);
    for (const struct row *row = rows; row->number; row++) {
        CHECK_INTEGER(sigismember(&work.blocked, row->number), row->blocked, "signal %d there",
                      row->number);
        CHECK_INTEGER(sigismember(&after, row->number), sigismember(&before, row->number),
                      "signal %d here", row->number);
    }
}

/* More than any machine can address. */
#define STACK_BYTES ((size_t)1 << 60)

static void no_room_for_another_thread_is_told(void)
{
    struct work work;
    pthread_t thread;
    pthread_attr_t usual, vast;
    sigset_t before, after;
    pthread_getattr_default_np(&usual);
    pthread_attr_init(&vast);
    pthread_attr_setstacksize(&vast, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    if (CHECK(pthread_setattr_default_np(&vast) == 0, "a limit"))
        CHECK(!thread_start(note, &work, &thread), "no thread");
    pthread_setattr_default_np(&usual);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    CHECK_INTEGER(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM), "signals here");
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&vast);
}

static const CU_TestInfo tests[] = {
    {"the work is done in another thread", the_work_is_done_in_another_thread},
    {"signals stay with the threads before", signals_stay_with_the_threads_before},
    {"no room for another thread is told", no_room_for_another_thread_is_told},
    CU_TEST_INFO_NULL,
};

const struct suite suite_thread = {"thread", tests};

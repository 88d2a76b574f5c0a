#include "system/thread.h"

#include <signal.h>

bool thread_start(void *(*work)(void *context), void *context, pthread_t *ret_thread)
{
    sigset_t others, before;
    sigfillset(&others);
    sigdelset(&others, SIGALRM);
    sigdelset(&others, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    bool started = pthread_create(ret_thread, NULL, work, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/*
 * What an operator must see, held until the dialect can say it.
 *
 * The same sentence is said at most once in LOG_QUEUE_QUIET_MS, and sentences that nobody fetches
 * are dropped from the oldest on. Under a coprocess they become LOG lines in PowerDNS's log.
 */
#ifndef STICKY_PROGRAM_ANSWER_LOG_QUEUE_H
#define STICKY_PROGRAM_ANSWER_LOG_QUEUE_H

#include <stdint.h>

#include "core/base/problems.h"

/* Long enough not to fill a log, short enough not to be missed when somebody looks. */
#define LOG_QUEUE_QUIET_MS 60000
/* Sentences waiting to be said, and sentences remembered. */
#define LOG_QUEUE_WAITING_MAX 16
#define LOG_QUEUE_REMEMBERED_MAX 64
/* With NUL; longer ones are cut. */
#define LOG_QUEUE_TEXT_MAX 768

/* Complaints named after one load; `status` has all of them. */
#define LOG_QUEUE_PROBLEMS_MAX 10

struct log_queue {
    char waiting[LOG_QUEUE_WAITING_MAX][LOG_QUEUE_TEXT_MAX];
    unsigned first, count;
    struct {
        uint64_t hash;
        int64_t until_ms; /* 0: free */
    } remembered[LOG_QUEUE_REMEMBERED_MAX];
    char taken[LOG_QUEUE_TEXT_MAX];
};

/* `now_ms` is monotonic and above 0. Cannot fail. Tabs and line ends become spaces. */
void log_queue_add(struct log_queue *queue, int64_t now_ms, const char *text);

/*
 * Says what is wrong with rows that were just loaded, unless it was with those before. Of many some
 * are said. Both may be NULL.
 */
void log_queue_add_problems(struct log_queue *queue, int64_t now_ms, const struct problems *now,
                            const struct problems *before);

/* The oldest sentence that waits, or NULL; valid until the next call. */
const char *log_queue_take(struct log_queue *queue);

#endif

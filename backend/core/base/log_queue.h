/*
 * Sentences for the operator's log, kept until they can be written.
 *
 * The same sentence is taken at most once in LOG_QUEUE_QUIET_MS. When the queue is full, the oldest
 * sentence is dropped. A coprocess can write to PowerDNS's log only within an answer, hence the
 * queue.
 */
#ifndef STICKY_CORE_BASE_LOG_QUEUE_H
#define STICKY_CORE_BASE_LOG_QUEUE_H

#include <stdint.h>

#include "core/base/problems.h"

/* Long enough not to fill the log, short enough to be seen by an operator who watches it. */
#define LOG_QUEUE_QUIET_MS 60000
/* Sentences waiting to be written, and sentences remembered. */
#define LOG_QUEUE_WAITING_MAX 16
#define LOG_QUEUE_REMEMBERED_MAX 64
/* With NUL; longer sentences are truncated. */
#define LOG_QUEUE_TEXT_MAX 768

/* Problems logged after a load; `status` shows all of them. */
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
 * Adds the problems of rows that were just loaded, without those that were known before; of many,
 * only some. Both lists may be NULL.
 */
void log_queue_add_problems(struct log_queue *queue, int64_t now_ms, const struct problems *now,
                            const struct problems *before);

/* Takes the oldest sentence, or NULL. Valid until the next call. */
const char *log_queue_take(struct log_queue *queue);

#endif

#include "core/base/log_queue.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

/* Says whether the sentence was added lately; if not, remembers it in place of the oldest one. */
static bool was_added_lately(struct log_queue *queue, uint64_t hash, int64_t now_ms)
{
    unsigned place = 0;
    for (unsigned i = 0; i < LOG_QUEUE_REMEMBERED_MAX; i++) {
        if (queue->remembered[i].hash == hash && queue->remembered[i].until_ms > now_ms)
            return true;
        if (queue->remembered[i].until_ms < queue->remembered[place].until_ms)
            place = i;
    }
    queue->remembered[place].hash = hash;
    queue->remembered[place].until_ms = now_ms + LOG_QUEUE_QUIET_MS;
    return false;
}

void log_queue_add(struct log_queue *queue, int64_t now_ms, const char *text)
{
    if (!*text || was_added_lately(queue, text_hash(text), now_ms))
        return;
    if (queue->count == LOG_QUEUE_WAITING_MAX) {
        queue->first = (queue->first + 1) % LOG_QUEUE_WAITING_MAX;
        queue->count--;
    }
    char *place = queue->waiting[(queue->first + queue->count++) % LOG_QUEUE_WAITING_MAX];
    snprintf(place, LOG_QUEUE_TEXT_MAX, "%s", text);
    for (char *c = strpbrk(place, "\t\r\n"); c; c = strpbrk(c, "\t\r\n"))
        *c = ' ';
}

void log_queue_add_problems(struct log_queue *queue, int64_t now_ms, const struct problems *now,
                            const struct problems *before)
{
    char more[LOG_QUEUE_TEXT_MAX];
    size_t said = 0;
    for (size_t i = 0; now && i < now->count && said < LOG_QUEUE_PROBLEMS_MAX; i++) {
        if (problems_has(before, now->lines[i]))
            continue;
        log_queue_add(queue, now_ms, now->lines[i]);
        said++;
    }
    if (said < LOG_QUEUE_PROBLEMS_MAX)
        return;
    snprintf(more, sizeof more, "%zu rows cannot be used; pdns-stickyctl status lists them all",
             now->count);
    log_queue_add(queue, now_ms, more);
}

const char *log_queue_take(struct log_queue *queue)
{
    if (queue->count == 0)
        return NULL;
    memcpy(queue->taken, queue->waiting[queue->first], LOG_QUEUE_TEXT_MAX);
    queue->first = (queue->first + 1) % LOG_QUEUE_WAITING_MAX;
    queue->count--;
    return queue->taken;
}

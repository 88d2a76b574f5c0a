#include "program/answer/log_queue.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

/* Says whether the sentence was said lately; if not, remembers it, in place of the oldest. */
static bool said_lately(struct log_queue *journal, uint64_t hash, int64_t now_ms)
{
    unsigned place = 0;
    for (unsigned i = 0; i < LOG_QUEUE_REMEMBERED_MAX; i++) {
        if (journal->remembered[i].hash == hash && journal->remembered[i].until_ms > now_ms)
            return true;
        if (journal->remembered[i].until_ms < journal->remembered[place].until_ms)
            place = i;
    }
    journal->remembered[place].hash = hash;
    journal->remembered[place].until_ms = now_ms + LOG_QUEUE_QUIET_MS;
    return false;
}

void log_queue_add(struct log_queue *journal, int64_t now_ms, const char *text)
{
    if (!*text || said_lately(journal, text_hash(text), now_ms))
        return;
    if (journal->count == LOG_QUEUE_WAITING_MAX) {
        journal->first = (journal->first + 1) % LOG_QUEUE_WAITING_MAX;
        journal->count--;
    }
    char *place = journal->waiting[(journal->first + journal->count++) % LOG_QUEUE_WAITING_MAX];
    snprintf(place, LOG_QUEUE_TEXT_MAX, "%s", text);
    for (char *c = strpbrk(place, "\t\r\n"); c; c = strpbrk(c, "\t\r\n"))
        *c = ' ';
}

void log_queue_add_problems(struct log_queue *journal, int64_t now_ms, const struct problems *now,
                            const struct problems *before)
{
    char more[LOG_QUEUE_TEXT_MAX];
    size_t said = 0;
    for (size_t i = 0; now && i < now->count && said < LOG_QUEUE_PROBLEMS_MAX; i++) {
        if (problems_has(before, now->lines[i]))
            continue;
        log_queue_add(journal, now_ms, now->lines[i]);
        said++;
    }
    if (said < LOG_QUEUE_PROBLEMS_MAX)
        return;
    snprintf(more, sizeof more, "%zu rows cannot be used; pdns-sticky status names them all",
             now->count);
    log_queue_add(journal, now_ms, more);
}

const char *log_queue_take(struct log_queue *journal)
{
    if (journal->count == 0)
        return NULL;
    memcpy(journal->taken, journal->waiting[journal->first], LOG_QUEUE_TEXT_MAX);
    journal->first = (journal->first + 1) % LOG_QUEUE_WAITING_MAX;
    journal->count--;
    return journal->taken;
}

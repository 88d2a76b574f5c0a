#include "program/journal.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"

/* Says whether the sentence was said lately; if not, remembers it, in place of the oldest. */
static bool said_lately(struct journal *journal, uint64_t hash, int64_t now_ms)
{
    unsigned place = 0;
    for (unsigned i = 0; i < JOURNAL_REMEMBERED_MAX; i++) {
        if (journal->remembered[i].hash == hash && journal->remembered[i].until_ms > now_ms)
            return true;
        if (journal->remembered[i].until_ms < journal->remembered[place].until_ms)
            place = i;
    }
    journal->remembered[place].hash = hash;
    journal->remembered[place].until_ms = now_ms + JOURNAL_QUIET_MS;
    return false;
}

void journal_say(struct journal *journal, int64_t now_ms, const char *text)
{
    if (!*text || said_lately(journal, text_hash(text), now_ms))
        return;
    if (journal->count == JOURNAL_WAITING_MAX) {
        journal->first = (journal->first + 1) % JOURNAL_WAITING_MAX;
        journal->count--;
    }
    char *place = journal->waiting[(journal->first + journal->count++) % JOURNAL_WAITING_MAX];
    snprintf(place, JOURNAL_TEXT_MAX, "%s", text);
    for (char *c = strpbrk(place, "\t\r\n"); c; c = strpbrk(c, "\t\r\n"))
        *c = ' ';
}

void journal_complain(struct journal *journal, int64_t now_ms, const struct complaints *now,
                      const struct complaints *before)
{
    char more[JOURNAL_TEXT_MAX];
    size_t said = 0;
    for (size_t i = 0; now && i < now->count && said < JOURNAL_COMPLAINTS_MAX; i++) {
        if (complaints_has(before, now->lines[i]))
            continue;
        journal_say(journal, now_ms, now->lines[i]);
        said++;
    }
    if (said < JOURNAL_COMPLAINTS_MAX)
        return;
    snprintf(more, sizeof more, "%zu rows cannot be used; pdns-sticky status names them all",
             now->count);
    journal_say(journal, now_ms, more);
}

const char *journal_take(struct journal *journal)
{
    if (journal->count == 0)
        return NULL;
    memcpy(journal->taken, journal->waiting[journal->first], JOURNAL_TEXT_MAX);
    journal->first = (journal->first + 1) % JOURNAL_WAITING_MAX;
    journal->count--;
    return journal->taken;
}

/*
 * What an operator must see, held until the dialect can say it.
 *
 * The same sentence is said at most once in JOURNAL_QUIET_MS, and sentences that nobody fetches are
 * dropped from the oldest on. Under a coprocess they become LOG lines in PowerDNS's log.
 */
#ifndef STICKY_PROGRAM_JOURNAL_H
#define STICKY_PROGRAM_JOURNAL_H

#include <stdint.h>

#include "core/complaints.h"

/* Long enough not to fill a log, short enough not to be missed when somebody looks. */
#define JOURNAL_QUIET_MS 60000
/* Sentences waiting to be said, and sentences remembered. */
#define JOURNAL_WAITING_MAX 16
#define JOURNAL_REMEMBERED_MAX 64
/* With NUL; longer ones are cut. */
#define JOURNAL_TEXT_MAX 768

/* Complaints named after one load; `status` has all of them. */
#define JOURNAL_COMPLAINTS_MAX 10

struct journal {
    char waiting[JOURNAL_WAITING_MAX][JOURNAL_TEXT_MAX];
    unsigned first, count;
    struct {
        uint64_t hash;
        int64_t until_ms; /* 0: free */
    } remembered[JOURNAL_REMEMBERED_MAX];
    char taken[JOURNAL_TEXT_MAX];
};

/* `now_ms` is monotonic and above 0. Cannot fail. Tabs and line ends become spaces. */
void journal_say(struct journal *journal, int64_t now_ms, const char *text);

/*
 * Says what is wrong with rows that were just loaded, unless it was with those before. Of many some
 * are said. Both may be NULL.
 */
void journal_complain(struct journal *journal, int64_t now_ms, const struct complaints *now,
                      const struct complaints *before);

/* The oldest sentence that waits, or NULL; valid until the next call. */
const char *journal_take(struct journal *journal);

#endif

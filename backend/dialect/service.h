/*
 * What a dialect needs from the program. Every dialect converts its requests into these calls, and
 * their results into replies; nothing here depends on a protocol.
 */
#ifndef STICKY_DIALECT_SERVICE_H
#define STICKY_DIALECT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/dns/question.h"

/* The notice about a record that is not sound (answer_record_is_sound()). */
#define ANSWER_LACKS_RECORD "a record was left out of an answer, because PowerDNS could not read it"

struct service {
    void *context; /* passed to every call */

    /* Answers a question. The answer has been cleared; its texts are valid until the next call. */
    void (*answer)(void *context, const struct question *question, struct answer *answer);

    /* Lists a zone, by id or by name (which may be NULL); otherwise like `answer`. */
    void (*list)(void *context, int32_t zone_id, const struct name *name, struct answer *answer);

    /* Lists the zones of this database, each by its SOA record; otherwise like `answer`. */
    void (*zones)(void *context, struct answer *answer);

    /* Runs an operator's command and prints into `out`, lines that end in a newline. */
    void (*command)(void *context, const char *text, struct buffer *out);

    /* The next line for the operator's log, or NULL. Valid until the next call. */
    const char *(*next_notice)(void *context);

    /* Takes a line for the operator's log. */
    void (*notify)(void *context, const char *text);
};

#endif

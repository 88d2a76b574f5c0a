/*
 * What a dialect asks of the program behind it. Every dialect turns its requests into these calls
 * and the results into its replies; nothing here depends on a protocol.
 */
#ifndef STICKY_DIALECT_SERVICE_H
#define STICKY_DIALECT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/dns/question.h"

/* What the operator is told of a record that is not sound (answer_record_is_sound()). */
#define ANSWER_LACKS_RECORD "a record was left out of an answer, PowerDNS would not read it"

struct service {
    void *context; /* handed to every call */

    /* Answers a question. The answer was cleared; its texts are valid until the next call. */
    void (*answer)(void *context, const struct question *question, struct answer *answer);

    /* Lists a zone, by id or (may be NULL) by name; else like `answer`. */
    void (*list)(void *context, int32_t zone_id, const struct name *name, struct answer *answer);

    /* Tells the zones of ours, each by its SOA record; else like `answer`. */
    void (*zones)(void *context, struct answer *answer);

    /* Runs a command of the operator and prints into `out`, lines ending in a newline. */
    void (*command)(void *context, const char *text, struct buffer *out);

    /* The next line for the operator's log, or NULL. Valid until the next call. */
    const char *(*next_notice)(void *context);

    /* Takes a line for the operator's log. */
    void (*notify)(void *context, const char *text);
};

#endif

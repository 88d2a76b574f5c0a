/*
 * How a question is decided, as values. They are gathered here and printed by command_explain.c,
 * also as the JSON of explanation_json.c.
 *
 * The decision is made by the same functions that answer PowerDNS, but nothing is written and no
 * turn is used up. If the client has a mapping, the question is decided a second time as if it had
 * none.
 */
#ifndef STICKY_PROGRAM_COMMAND_EXPLANATION_H
#define STICKY_PROGRAM_COMMAND_EXPLANATION_H

#include <jansson.h>
#include <stdbool.h>

#include "core/balance/client.h"
#include "core/base/buffer.h"
#include "core/base/problems.h"
#include "core/base/trace.h"
#include "core/dns/question.h"
#include "core/sticky/resolve.h"
#include "program/command/peers.h"
#include "store/sharing_view.h"

/* What the database says about the name. */
enum name_status {
    NAME_STATUS_BALANCED,
    NAME_STATUS_UNUSABLE,  /* its pool cannot be used */
    NAME_STATUS_DELEGATED, /* balanced, but at or below a delegation */
    NAME_STATUS_PLAIN,     /* only plain records */
    NAME_STATUS_ABOVE,     /* only names below it */
    NAME_STATUS_UNKNOWN,
};

/* A decision: its steps and the answer. */
struct decision {
    struct trace steps;
    struct answer answer;
};

struct explanation {
    const char *name;
    struct question asked; /* as PowerDNS asks in the end: for a wildcard, if that answers */
    const char *wildcard;  /* its name; NULL: none does */
    enum name_status status;
    const struct zone *zone; /* NULL: it is in none of ours */
    bool has_zones;          /* ours; else all zones are in other backends */
    bool hides_records;      /* a CNAME stands beside other records */
    struct decision actual;
    bool has_mapping; /* live or not; only then `without_mapping` is filled */
    struct decision without_mapping;
    bool has_history; /* of the mapping, while mappings are shared */
    struct mapping_history history;
    char misfit[CLIENT_KEY_MAX];       /* a row meant for this client that nobody finds; "": none */
    const char *misfit_pool;           /* that it is in */
    char misfit_needs[CLIENT_KEY_MAX]; /* the key by which this client is found */
    struct problems held;              /* sites of its pool and of fallback pools, see holds.h */
    struct peers peers; /* why servers of its pool count as up or down, where others have a say */
};

/*
 * Fills an explanation, which must stay where it is: texts of answers belong to it, to the question
 * and to the snapshot of the inputs. It is valid as long as these. Cannot fail: without memory,
 * steps or records are missing, and the trace or the answer says so. Must be released.
 *
 * `ldns` is the resolver as the operator wrote it: perhaps that is what stands in a row.
 */
void explanation_gather(const struct decision_inputs *inputs, struct store *store,
                        const struct question *question, const char *ldns,
                        struct explanation *ret_explanation);
void explanation_release(struct explanation *explanation);

/* As JSON, or NULL without memory; command_explain.c prints it as text. */
json_t *explanation_json(const struct explanation *explanation);

/* The word of a status: "balanced". */
const char *name_status_word(enum name_status status);

#endif

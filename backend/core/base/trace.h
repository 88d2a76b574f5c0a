/*
 * The steps of a decision, recorded as values while it is made: what was done, with which numbers
 * and names, and how it turned out.
 *
 * Decisions take a pointer to a trace. In normal service it is NULL; TRACE() then costs one
 * comparison and does not compute its values. `explain` runs the same code with a trace, so it
 * cannot explain anything other than what happens.
 *
 * A reader need not know the steps: every step has a word, a word for its outcome, and named values
 * in a fixed order. That is enough for JSON or a page. The sentences of `explain` are made from the
 * same values; the table in program/command/step_text.c lists every step with its outcomes and
 * values.
 *
 * Initialize with zeros. A trace owns copies of all texts, so it may outlive their sources;
 * trace_release() frees it. If there is no memory for a step, the step is lost and `incomplete` is
 * set.
 */
#ifndef STICKY_CORE_BASE_TRACE_H
#define STICKY_CORE_BASE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"

/* What a step is about, and its word. A balancing method's own step is named after the method. */
#define TRACE_STEPS(X)                                                                             \
    X(STEP_POOL, "pool")                                                                           \
    X(STEP_CLIENT, "client")                                                                       \
    X(STEP_PIN, "pin")                                                                             \
    X(STEP_PIN_STATE, "pin-state")                                                                 \
    X(STEP_MAPPING, "mapping")                                                                     \
    X(STEP_MAPPING_STATE, "mapping-state")                                                         \
    X(STEP_HOME, "home")                                                                           \
    X(STEP_SHARING_POOL, "sharing-pool")                                                           \
    X(STEP_CLAIM, "claim")                                                                         \
    X(STEP_FALLBACK, "fallback")                                                                   \
    X(STEP_METHOD, "method")                                                                       \
    X(STEP_CANDIDATES, "candidates")                                                               \
    X(STEP_SERVER, "server")                                                                       \
    X(STEP_TURN, "turn")                                                                           \
    X(STEP_METRIC, "metric")                                                                       \
    X(STEP_LOWEST, "lowest")                                                                       \
    X(STEP_MODULUS, "modulus")                                                                     \
    X(STEP_RENDEZVOUS, "rendezvous")                                                               \
    X(STEP_ROUND_ROBIN, "round-robin")                                                             \
    X(STEP_RATIO, "ratio")                                                                         \
    X(STEP_FAILOVER, "failover")                                                                   \
    X(STEP_LOCATION, "location")                                                                   \
    X(STEP_TOPOLOGY, "topology")

/* How a step turned out, and its word. A step that can turn out in one way only has none. */
#define TRACE_OUTCOMES(X)                                                                          \
    X(OUTCOME_NONE, "")                                                                            \
    X(OUTCOME_FOUND, "found")                                                                      \
    X(OUTCOME_NOT_FOUND, "not-found")                                                              \
    X(OUTCOME_NO_CLIENT, "no-client")                                                              \
    X(OUTCOME_NOT_KEPT, "not-kept")                                                                \
    X(OUTCOME_LIVE, "live")                                                                        \
    X(OUTCOME_NOT_LIVE, "not-live")                                                                \
    X(OUTCOME_DRAINING, "draining")                                                                \
    X(OUTCOME_LOST, "lost")                                                                        \
    X(OUTCOME_NEXT, "next")                                                                        \
    X(OUTCOME_UNDECIDED, "undecided")                                                              \
    X(OUTCOME_TAKEN, "taken")                                                                      \
    X(OUTCOME_TAKEN_ANYWAY, "taken-anyway")                                                        \
    X(OUTCOME_STRUCK, "struck")                                                                    \
    X(OUTCOME_LEFT_OUT, "left-out")                                                                \
    X(OUTCOME_NONE_LEFT, "none-left")                                                              \
    X(OUTCOME_ELSEWHERE, "elsewhere")                                                              \
    X(OUTCOME_OTHER_FAMILY, "other-family")                                                        \
    X(OUTCOME_ELSEWHERE_OF_FAMILY, "elsewhere-of-family")                                          \
    X(OUTCOME_KEPT_ELSEWHERE, "kept-elsewhere")                                                    \
    X(OUTCOME_NEVER, "never")                                                                      \
    X(OUTCOME_WAITS, "waits")                                                                      \
    X(OUTCOME_MISSED, "missed")                                                                    \
    X(OUTCOME_ABSENT, "absent")                                                                    \
    X(OUTCOME_DOWN, "down")                                                                        \
    X(OUTCOME_HELD, "held")                                                                        \
    X(OUTCOME_NO_WEIGHT, "no-weight")                                                              \
    X(OUTCOME_TOO_OLD, "too-old")                                                                  \
    X(OUTCOME_UNREADABLE, "unreadable")                                                            \
    X(OUTCOME_NOT_LOADED, "not-loaded")

enum trace_what {
#define X(name, word) name,
    TRACE_STEPS(X)
#undef X
};

enum trace_outcome {
#define X(name, word) name,
    TRACE_OUTCOMES(X)
#undef X
};

enum trace_kind { TRACE_KIND_INTEGER, TRACE_KIND_REAL, TRACE_KIND_TEXT };

struct trace_value {
    const char *name; /* a string literal, with the unit: "age_s"; NULL: no value */
    enum trace_kind kind;
    union {
        int64_t integer;
        double real;
        const char *text;
    };
};

/* STEP_METRIC has the most: six. */
#define TRACE_VALUES_MAX 8

struct trace_step {
    enum trace_what what;
    enum trace_outcome outcome;
    struct trace_value values[TRACE_VALUES_MAX]; /* up to the first without a name */
};

struct trace {
    struct trace_step *steps; /* in the order in which they happened */
    size_t count, capacity;
    struct arena texts;
    bool incomplete; /* there was no memory for at least one step */
};

void trace_release(struct trace *trace);

/*
 * Records a step if `trace` is not NULL, for example
 *
 *     TRACE(trace, .what = STEP_SERVER, .outcome = OUTCOME_TAKEN,
 *           .values = {TRACE_TEXT("controller", controller->name), TRACE_INTEGER("server", 2)});
 *
 * A text that is NULL is not recorded. A whole number that may not fit into 64 bits is recorded as
 * the text of its digits.
 */
#define TRACE(trace, ...)                                                                          \
    do {                                                                                           \
        if ((trace) != NULL)                                                                       \
            trace_record((trace), &(const struct trace_step){__VA_ARGS__});                        \
    } while (0)

#define TRACE_INTEGER(label, value)                                                                \
    {.name = (label), .kind = TRACE_KIND_INTEGER, .integer = (int64_t)(value)}
#define TRACE_REAL(label, value) {.name = (label), .kind = TRACE_KIND_REAL, .real = (value)}
#define TRACE_TEXT(label, value) {.name = (label), .kind = TRACE_KIND_TEXT, .text = (value)}

/* What TRACE() calls. Copies the step and its texts. */
void trace_record(struct trace *trace, const struct trace_step *step);

/* The value of that name, or NULL. */
const struct trace_value *trace_value(const struct trace_step *step, const char *name);

/* The word of a step and of an outcome: "" for OUTCOME_NONE. Cannot fail. */
const char *trace_what_word(enum trace_what what);
const char *trace_outcome_word(enum trace_outcome outcome);

#endif

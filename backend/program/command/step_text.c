/*
 * The table of sentences, one for each step and outcome, and the templates in which they are
 * written:
 *
 *     {name}      the value of that name; {name.3}: a real number with three decimals
 *     [a|b]       the first part whose values have all been recorded; [a] is [a|]
 */
#include "program/command/step_text.h"

#include <stdlib.h>
#include <string.h>

static const struct sentence {
    enum trace_what what;
    enum trace_outcome outcome;
    const char *text;
} sentences[] = {
    {STEP_POOL, OUTCOME_NONE,
     "pool {pool}, method {method}[, alternate {alternate}][, mappings of pool {mappings_of}]"},
    {STEP_CLIENT, OUTCOME_NONE, "key {key}, first value {number}"},
    {STEP_CLIENT, OUTCOME_NOT_KEPT, "key {key}, first value {number}, the pool keeps no mappings"},
    {STEP_CLIENT, OUTCOME_NO_CLIENT, "no client: no mapping is read or written"},
    {STEP_PIN, OUTCOME_FOUND,
     "pin {id}: {client} to {controller} in [pool {pool}|all pools][, {left_s} s left][: "
     "{comment}]"},
    {STEP_PIN_STATE, OUTCOME_LIVE, "the pin holds: no mapping is read or written"},
    {STEP_PIN_STATE, OUTCOME_NOT_LIVE, "the pin does not hold: {reason}"},
    {STEP_MAPPING, OUTCOME_NOT_FOUND, "mapping: none"},
    {STEP_MAPPING, OUTCOME_FOUND,
     "mapping: to [{controller}|a controller that is gone], method {method}, {age_s} s old, "
     "{left_s} s left"},
    {STEP_MAPPING, OUTCOME_UNREADABLE, "mapping: {error}"},
    {STEP_MAPPING_STATE, OUTCOME_LIVE, "the mapping is live"},
    {STEP_MAPPING_STATE, OUTCOME_NOT_LIVE, "the mapping is not live: {reason}"},
    {STEP_HOME, OUTCOME_TAKEN,
     "home is {home}, which is up: with failback {failback}, the resolver goes back there"},
    {STEP_HOME, OUTCOME_NEVER, "home is {home}, which is up: with failback stay, nobody goes back"},
    {STEP_HOME, OUTCOME_WAITS,
     "home is {home}, which has been up for {up_s} s: nobody goes back before {delay_s} s"},
    {STEP_HOME, OUTCOME_MISSED,
     "home is {home}, which is up here since before the last decision: a name server that finds it "
     "down may have made that, so the resolver stays"},
    {STEP_HOME, OUTCOME_ABSENT,
     "home is [{home}, which is disabled or has no server in pool {pool}|a controller that is "
     "gone]: it counts as none"},
    {STEP_HOME, OUTCOME_DRAINING, "home is {home}, which is draining: nobody goes back"},
    {STEP_HOME, OUTCOME_DOWN, "home is {home}, which is down in pool {pool}"},
    {STEP_HOME, OUTCOME_HELD,
     "home is {home}, which is up, but held in pool {pool} until it is resumed"},
    {STEP_SHARING_POOL, OUTCOME_LIVE,
     "the mapping is live in pool {pool}, with the server at position {position}"},
    {STEP_SHARING_POOL, OUTCOME_DRAINING,
     "pool {pool} shares the mappings and has a draining server: no mapping is made"},
    {STEP_SHARING_POOL, OUTCOME_KEPT_ELSEWHERE,
     "the mapping is live in pool {pool}, and is left as it is"},
    {STEP_CLAIM, OUTCOME_LOST, "another process made this mapping first"},
    {STEP_FALLBACK, OUTCOME_NONE, "fallback: [pool {pool}|{fallback}]"},
    {STEP_FALLBACK, OUTCOME_OTHER_FAMILY, "fallback for {type}: [pool {pool}|{fallback}]"},
    {STEP_METHOD, OUTCOME_UNDECIDED, "method {method} cannot decide"},
    {STEP_METHOD, OUTCOME_NEXT, "next in the chain: method {method}"},
    {STEP_CANDIDATES, OUTCOME_NONE, "among the servers of {controller}:"},
    {STEP_CANDIDATES, OUTCOME_ELSEWHERE,
     "this is not a server of {controller}; among its own servers:"},
    {STEP_CANDIDATES, OUTCOME_DRAINING, "no enabled server is up; among the draining ones:"},
    {STEP_CANDIDATES, OUTCOME_OTHER_FAMILY,
     "[{down} is down; for {type}, among the servers of {controller}:|"
     "for {type}, among the other servers of {controller}:]"},
    {STEP_CANDIDATES, OUTCOME_ELSEWHERE_OF_FAMILY, "for {type}, among all servers of pool {pool}:"},
    {STEP_CANDIDATES, OUTCOME_NONE_LEFT, "no server is left"},
    {STEP_SERVER, OUTCOME_TAKEN, "server {server} is {controller}, position {position}: up, taken"},
    {STEP_SERVER, OUTCOME_TAKEN_ANYWAY,
     "server {server} is {controller}, position {position}: taken as if it were up"},
    {STEP_SERVER, OUTCOME_STRUCK,
     "server {server} is {controller}, position {position}: [{address} is |]down, "
     "struck from the list"},
    {STEP_SERVER, OUTCOME_HELD,
     "[server {server} is {controller}|{controller}], position {position}: up, but held until it"
     " is resumed"},
    {STEP_SERVER, OUTCOME_LEFT_OUT,
     "{controller}, position {position}: [{address} is |]down, left out"},
    {STEP_TURN, OUTCOME_NOT_KEPT, "no turn is taken, because the choice cannot be stored"},
    {STEP_METRIC, OUTCOME_FOUND,
     "{controller}, position {position}: {metric} of the {of} {value}, {age_s} s old"},
    {STEP_METRIC, OUTCOME_TOO_OLD,
     "{controller}, position {position}: {metric} of the {of} {value}, {age_s} s old, not trusted"},
    {STEP_METRIC, OUTCOME_UNREADABLE,
     "{controller}, position {position}: {metric} of the {of} cannot be read: {error}"},
    {STEP_METRIC, OUTCOME_NOT_FOUND, "{controller}, position {position}: no usable {metric}"},
    {STEP_LOWEST, OUTCOME_NONE,
     "lowest {metric} {lowest}, values up to {equal_up_to} count as equal"},
    {STEP_LOWEST, OUTCOME_TOO_OLD, "no server has a metric {metric} newer than {max_age_s} s"},
    {STEP_LOWEST, OUTCOME_NOT_FOUND, "the pool names no metric"},
    {STEP_MODULUS, OUTCOME_NONE,
     "N = {candidates}: {number} mod {candidates} leaves {remainder}, second value {second}, "
     "server {server}"},
    {STEP_RENDEZVOUS, OUTCOME_NONE,
     "server {server}, {controller}: weight {weight}, score {score.3}"},
    {STEP_RENDEZVOUS, OUTCOME_NO_WEIGHT, "no server has a weight above 0"},
    {STEP_ROUND_ROBIN, OUTCOME_NONE,
     "round-robin: turn {turn} mod {candidates} leaves {remainder}, server {server}"},
    {STEP_RATIO, OUTCOME_NONE,
     "ratio: turn {turn} is number {place} of {round} in a round, server {server}"},
    {STEP_RATIO, OUTCOME_NO_WEIGHT, "no server has a weight above 0"},
    {STEP_FAILOVER, OUTCOME_NONE, "failover: the first of {candidates}, at position {position}"},
    {STEP_LOCATION, OUTCOME_NONE,
     "location: country [{country}|not known], continent [{continent}|not known], "
     "[AS{asn}|AS not known]"},
    {STEP_TOPOLOGY, OUTCOME_FOUND,
     "{match}: server {server}, {controller}, preference {preference}"},
    {STEP_TOPOLOGY, OUTCOME_NONE_LEFT, "{match}: names no candidate"},
    {STEP_TOPOLOGY, OUTCOME_NOT_LOADED, "topology: not loaded"},
    {STEP_TOPOLOGY, OUTCOME_NO_CLIENT, "topology: no client, so no location"},
    {STEP_TOPOLOGY, OUTCOME_UNDECIDED, "topology: no row decides for this client"},
};

#define SENTENCES (sizeof sentences / sizeof *sentences)

/* The longest name of a value, with NUL. */
#define NAME_MAX_BYTES 32

static const char *find_sentence(const struct trace_step *step)
{
    for (size_t i = 0; i < SENTENCES; i++)
        if (sentences[i].what == step->what && sentences[i].outcome == step->outcome)
            return sentences[i].text;
    return NULL;
}

/* `decimals` below 0: as many as needed, up to six digits in all. */
static void print_value(const struct trace_value *value, int decimals, struct buffer *out)
{
    switch (value->kind) {
    case TRACE_KIND_INTEGER:
        buffer_add_integer(out, value->integer);
        break;
    case TRACE_KIND_REAL:
        if (decimals < 0)
            buffer_printf(out, "%g", value->real);
        else
            buffer_printf(out, "%.*f", decimals, value->real);
        break;
    case TRACE_KIND_TEXT:
        buffer_add_text(out, value->text);
        break;
    }
}

/* Prints the value of the `{name}` that begins at `text`; false when there is none. */
static bool print_place(const char *text, const struct trace_step *step, struct buffer *out)
{
    char name[NAME_MAX_BYTES];
    size_t length = strcspn(text + 1, ".}");
    int decimals = text[1 + length] == '.' ? atoi(text + 1 + length + 1) : -1;
    if (length >= sizeof name)
        return false;
    memcpy(name, text + 1, length);
    name[length] = '\0';
    const struct trace_value *value = trace_value(step, name);
    if (value)
        print_value(value, decimals, out);
    return value != NULL;
}

/* Prints `length` characters without brackets; false when a value is missing. */
static bool print_part(const char *text, size_t length, const struct trace_step *step,
                       struct buffer *out)
{
    for (const char *end = text + length; text < end; text++) {
        if (*text != '{')
            buffer_add_char(out, *text);
        else if (print_place(text, step, out))
            text = strchr(text, '}');
        else
            return false;
    }
    return true;
}

/* Prints the first alternative before `]` whose values are all there, or nothing. */
static void print_first(const char *text, const struct trace_step *step, struct buffer *out)
{
    size_t before = out->length;
    for (;; text++) {
        size_t length = strcspn(text, "|]");
        if (print_part(text, length, step, out))
            return;
        buffer_truncate(out, before);
        text += length;
        if (*text == ']')
            return;
    }
}

static void print_sentence(const char *text, const struct trace_step *step, struct buffer *out)
{
    while (*text) {
        size_t length = strcspn(text, "[");
        print_part(text, length, step, out);
        text += length;
        if (*text == '[') {
            print_first(text + 1, step, out);
            text = strchr(text, ']') + 1;
        }
    }
}

static void print_values(const struct trace_step *step, struct buffer *out)
{
    const char *outcome = trace_outcome_word(step->outcome);
    buffer_add_text(out, trace_what_word(step->what));
    for (size_t i = 0; i < TRACE_VALUES_MAX && step->values[i].name; i++) {
        buffer_printf(out, "%s%s ", i == 0 ? ": " : ", ", step->values[i].name);
        print_value(&step->values[i], -1, out);
    }
    buffer_printf(out, "%s%s", *outcome ? ": " : "", outcome);
}

void step_text_print(const struct trace *trace, const char *indent, struct buffer *out)
{
    for (size_t i = 0; i < trace->count; i++) {
        const char *text = find_sentence(&trace->steps[i]);
        buffer_add_text(out, indent);
        if (text)
            print_sentence(text, &trace->steps[i], out);
        else
            print_values(&trace->steps[i], out);
        buffer_add_char(out, '\n');
    }
    if (trace->incomplete)
        buffer_printf(out, "%sout of memory: steps are missing\n", indent);
}

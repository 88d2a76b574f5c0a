/*
 * Reads the words of `explain` as a question, and prints the explanation as text; explanation.c
 * gathers it.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/base/decimal.h"
#include "program/command/command.h"
#include "program/command/explanation.h"
#include "program/command/json_output.h"
#include "program/command/step_text.h"
#include "program/command/supposing.h"

/* Fills the question that PowerDNS would ask. Returns what is wrong with the words, or NULL. */
static const char *read_words(const struct command_call *call, struct question *ret_question)
{
    const char *name = call->words[1], *ldns = call->words[2];
    const char *subnet = command_value(call, "ecs", 0);
    *ret_question = (struct question){.type = "ANY", .zone_id = ZONE_ID_ANY};
    if (name_parse(name, strlen(name), &ret_question->name) != 0)
        return "NAME is not a domain name";
    if (address_parse(ldns, strlen(ldns), &ret_question->source.remote) != 0)
        return "LDNS is not an address";
    if (subnet && prefix_parse(subnet, strlen(subnet), &ret_question->source.subnet) != 0)
        return "--ecs is not an address or a network";
    return NULL;
}

static void print_record(const struct answer_record *record, struct buffer *out)
{
    if (strcmp(record->type, TYPE_EMPTY) == 0) {
        buffer_printf(out, "answer: %s exists, and has no address\n", record->owner);
        return;
    }
    buffer_printf(out, "answer: %s %u %s %s", record->owner, record->ttl_s, record->type,
                  record->content);
    if (record->scope_bits > 0)
        buffer_printf(out, " (scope %u)", record->scope_bits);
    buffer_add_char(out, '\n');
}

static void print_answer(const struct answer *answer, struct buffer *out)
{
    if (answer->failed)
        buffer_add_text(out, "answer: SERVFAIL\n");
    else if (answer->count == 0)
        buffer_add_text(out,
                        "answer: nothing; PowerDNS asks its other backends, or says NXDOMAIN\n");
    for (size_t i = 0; i < answer->count; i++)
        print_record(&answer->records[i], out);
}

/* Of today, UTC, without the day. */
static void print_time(int64_t unix_ms, int64_t now_s, struct buffer *out)
{
    const time_t seconds = (time_t)(unix_ms / 1000), now = (time_t)now_s;
    struct tm time, today;
    char text[64];
    if (!gmtime_r(&seconds, &time) || !gmtime_r(&now, &today))
        return;
    bool is_today = time.tm_year == today.tm_year && time.tm_yday == today.tm_yday;
    strftime(text, sizeof text, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &time);
    buffer_printf(out, " %s.%03d", text, (int)(unix_ms % 1000));
}

static void print_history(const struct mapping_history *history, int64_t now_s, struct buffer *out)
{
    buffer_add_text(out, "decided");
    if (history->decided_ms > 0)
        print_time(history->decided_ms, now_s, out);
    buffer_printf(out, " by %s", history->by);
    if (history->has_lag)
        buffer_printf(out, ", here %" PRId64 " ms later", history->lag_ms);
    if (history->has_replaced)
        buffer_printf(out, "; replaced %s, by %s",
                      *history->replaced ? history->replaced : "a controller that is gone",
                      history->replaced_by);
    buffer_add_char(out, '\n');
}

/* In an overlay, most balanced names need a stand-in: see README. */
static void print_name(const struct explanation *explanation, struct buffer *out)
{
    const struct zone *zone = explanation->zone;
    buffer_printf(out, "name %s: ", explanation->name);
    if (explanation->wildcard)
        buffer_printf(out, "answered by %s, ", explanation->wildcard);
    buffer_printf(out, "%s, ", name_status_word(explanation->status));
    if (zone)
        buffer_printf(out, "in our zone %s\n", zone->name);
    else if (explanation->status == NAME_STATUS_BALANCED && explanation->has_zones)
        buffer_add_text(out, "in none of our zones: PowerDNS refuses it unless another backend"
                             " serves its zone\n");
    else if (explanation->status == NAME_STATUS_BALANCED)
        buffer_add_text(out, "in an overlay: another backend has to serve the zone, and there the"
                             " name needs a stand-in\n");
    else
        buffer_add_text(out, "another backend has to serve the zone\n");
    if (explanation->hides_records)
        buffer_add_text(out, "records: a CNAME beside others, of which resolvers then may find"
                             " none\n");
}

static void print_misfit(const struct explanation *explanation, struct buffer *out)
{
    if (*explanation->misfit)
        buffer_printf(out,
                      "the mapping of %s in pool %s can never be found: the key of this client is"
                      " %s\n",
                      explanation->misfit, explanation->misfit_pool, explanation->misfit_needs);
}

static void print_explanation(const struct explanation *explanation, int64_t now_s,
                              struct buffer *out)
{
    print_name(explanation, out);
    step_text_print(&explanation->actual.steps, "", out);
    if (explanation->has_history)
        print_history(&explanation->history, now_s, out);
    print_misfit(explanation, out);
    print_answer(&explanation->actual.answer, out);
    if (explanation->has_mapping) {
        buffer_add_text(out, "without a mapping:\n");
        step_text_print(&explanation->without_mapping.steps, "  ", out);
    }
    for (size_t i = 0; i < explanation->held.count; i++)
        buffer_printf(out, "%s\n", explanation->held.lines[i]);
    peers_print(&explanation->peers, out);
}

/* The moment of --at: Unix seconds, "+SECONDS" from now, or a time of day of UTC. False: neither.
 */
static bool read_time(const char *text, int64_t now_s, int64_t *ret_time_s)
{
    struct tm time = {0};
    int64_t seconds;
    const char *digits = *text == '+' ? text + 1 : text;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &time);
    if (decimal_parse(digits, strlen(digits), 0, INT64_C(1) << 40, &seconds)) {
        *ret_time_s = *text == '+' ? now_s + seconds : seconds;
        return true;
    }
    if (!end || (*end && strcmp(end, "Z") != 0))
        return false;
    const int day = time.tm_mday;
    *ret_time_s = timegm(&time);
    return time.tm_mday == day; /* there is no 30 February, which would be 2 March */
}

static int explain(const struct command_call *call, const struct question *question,
                   const struct supposing *supposing, struct decision_inputs *inputs,
                   struct error *error)
{
    struct explanation explanation;
    struct supposition supposition;
    struct store *store = responder_store(call->responder);
    int code = supposing_apply(supposing, store, inputs, &supposition, error);
    if (code != 0)
        return code;
    explanation_gather(inputs, store, question, call->words[2], &explanation);
    if (call->json) {
        json_t *object = explanation_json(&explanation);
        if (supposing->count > 0)
            json_object_set_new(object, "supposed", supposing_json(supposing));
        json_output(object, call->out);
    } else {
        supposing_print(supposing, call->out);
        print_explanation(&explanation, inputs->now_s, call->out);
    }
    explanation_release(&explanation);
    supposition_release(&supposition);
    return 0;
}

static enum command_result run_supposing(const struct command_call *call,
                                         const struct question *question,
                                         const struct supposing *supposing)
{
    struct decision_inputs inputs;
    struct error error = {0};
    const char *at = command_value(call, "at", 0);
    if (supposing->needs_topology)
        responder_want_topology(call->responder);
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (at && !read_time(at, inputs.now_s, &inputs.now_s)) {
        responder_end(call->responder);
        return command_misused(call, "--at takes a time such as +3600 or 2027-01-31T12:00:00Z");
    }
    int code = explain(call, question, supposing, &inputs, &error);
    responder_end(call->responder);
    return code == 0 ? COMMAND_OK : command_failed(call, &error);
}

static enum command_result run_explain(const struct command_call *call)
{
    struct question question;
    struct supposing supposing;
    const char *wrong = read_words(call, &question);
    if (wrong)
        return command_misused(call, "%s", wrong);
    enum command_result result = supposing_read(call, &supposing);
    if (result == COMMAND_OK)
        result = run_supposing(call, &question, &supposing);
    supposing_release(&supposing);
    return result;
}

static const struct command_option options[] = {
    {"ecs", "NET", "the client's network, as the resolver sends it", false},
    OPTION_DOWN,
    OPTION_UP,
    OPTION_DRAIN,
    OPTION_ENABLE,
    OPTION_DISABLE,
    OPTION_METHOD,
    OPTION_ADD_SERVER,
    {"at", "TIME", "as if it were that time: 2027-01-31T12:00:00Z, +3600 or Unix seconds", false},
    {NULL, NULL, NULL, false},
};

const struct command command_explain = {
    .name = "explain",
    .arguments = "NAME LDNS",
    .summary = "show how a resolver's question is decided; change nothing",
    .least = 3,
    .most = 3,
    .options = options,
    .has_json = true,
    .run = run_explain,
};

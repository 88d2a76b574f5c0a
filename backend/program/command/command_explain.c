/*
 * Reads the words of `explain` as a question, and prints the explanation as text; explanation.c
 * gathers it.
 */
#include <string.h>

#include "program/command/command.h"
#include "program/command/explanation.h"
#include "program/command/step_text.h"

/* Fills the question that PowerDNS would ask. Returns what is wrong with the words, or NULL. */
static const char *read_words(const struct command_call *call, struct question *ret_question)
{
    const char *name = call->words[1], *ldns = call->words[2];
    const char *subnet = call->count > 3 ? call->words[3] : NULL;
    *ret_question = (struct question){.type = "ANY", .zone_id = ZONE_ID_ANY};
    if (name_parse(name, strlen(name), &ret_question->name) != 0)
        return "NAME is not a domain name";
    if (address_parse(ldns, strlen(ldns), &ret_question->source.remote) != 0)
        return "LDNS is not an address";
    if (subnet && prefix_parse(subnet, strlen(subnet), &ret_question->source.subnet) != 0)
        return "ECS is not an address or prefix";
    return NULL;
}

static void print_record(const struct answer_record *record, struct buffer *out)
{
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

static void print_explanation(const struct explanation *explanation, struct buffer *out)
{
    const struct zone *zone = explanation->zone;
    buffer_printf(out, "name %s: %s, %s%s\n", explanation->name,
                  name_status_word(explanation->status),
                  zone ? "in our zone " : "the zone is another backend's", zone ? zone->name : "");
    step_text_print(&explanation->actual.steps, "", out);
    print_answer(&explanation->actual.answer, out);
    if (explanation->has_mapping) {
        buffer_add_text(out, "without a mapping:\n");
        step_text_print(&explanation->without_mapping.steps, "  ", out);
    }
    peers_print(&explanation->peers, out);
}

enum command_result command_explain(const struct command_call *call)
{
    struct question question;
    struct decision_inputs inputs;
    struct explanation explanation;
    struct error error = {0};
    const char *wrong = read_words(call, &question);
    if (wrong) {
        buffer_printf(call->out, "%s\n", wrong);
        return COMMAND_USAGE;
    }
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    explanation_gather(&inputs, responder_store(call->responder), &question, &explanation);
    print_explanation(&explanation, call->out);
    explanation_release(&explanation);
    responder_end(call->responder);
    return COMMAND_OK;
}

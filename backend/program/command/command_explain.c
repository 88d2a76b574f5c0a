#include <string.h>

#include "program/command/command.h"
#include "program/command/explanation.h"

/* Fills the question that PowerDNS would ask for these words; says which word is wrong, or NULL. */
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

enum command_result command_explain(const struct command_call *call)
{
    struct question question;
    struct world world;
    struct explanation explanation;
    struct error error = {0};
    const char *wrong = read_words(call, &question);
    if (wrong) {
        buffer_printf(call->out, "%s\n", wrong);
        return COMMAND_USAGE;
    }
    if (responder_enter(call->responder, &world, &error) != 0)
        return command_failed(call, &error);
    explanation_gather(&world, &question, &explanation);
    explanation_print(&explanation, call->out);
    explanation_release(&explanation);
    responder_leave(call->responder);
    return COMMAND_OK;
}

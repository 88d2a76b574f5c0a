#include <string.h>

#include "core/balance/turns.h"
#include "core/sticky/resolve.h"
#include "program/command/command.h"

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

static void print_step(void *context, const char *text)
{
    buffer_printf(context, "%s\n", text);
}

static void print_substep(void *context, const char *text)
{
    buffer_printf(context, "  %s\n", text);
}

static void print_answer(const struct answer *answer, struct buffer *out)
{
    if (answer->failed)
        buffer_add_text(out, "answer: SERVFAIL\n");
    else if (answer->count == 0)
        buffer_add_text(out,
                        "answer: nothing; PowerDNS asks its other backends, or says NXDOMAIN\n");
    for (size_t i = 0; i < answer->count; i++) {
        const struct answer_record *record = &answer->records[i];
        buffer_printf(out, "answer: %s %u %s %s", record->owner, record->ttl_s, record->type,
                      record->content);
        if (record->scope_bits > 0)
            buffer_printf(out, " (scope %u)", record->scope_bits);
        buffer_add_char(out, '\n');
    }
}

static void print_name(const struct world *world, const struct question *question,
                       struct buffer *out)
{
    bool below;
    const struct name_entry *entry = snapshot_find(world->snapshot, &question->name, &below);
    const struct zone *zone = snapshot_zone_of(world->snapshot, &question->name);
    buffer_printf(out, "name %s: %s, %s%s\n", question->name.text,
                  entry && entry->pool       ? "balanced"
                  : entry && entry->balanced ? "balanced, but its pool cannot be used"
                  : entry                    ? "not balanced"
                  : below                    ? "only names below it"
                                             : "not in this database",
                  zone ? "in our zone " : "the zone is another backend's", zone ? zone->name : "");
}

/* Reads mappings and writes none; can look away, too. */
struct onlooker {
    const struct mapping_table *table;
    bool looks_away;
    bool found; /* a mapping was there */
};

static int look(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping)
{
    struct onlooker *onlooker = context;
    if (onlooker->looks_away)
        return ERR_NOTFOUND;
    int code = onlooker->table->find(onlooker->table->context, pool_id, key, ret_mapping);
    onlooker->found |= code == 0;
    return code;
}

static void explain(struct world *world, const struct question *question, struct buffer *out)
{
    struct onlooker onlooker = {.table = world->mappings};
    struct mapping_table only_read = {.find = look, .context = &onlooker};
    struct turns turns = turns_hold(world->turns);
    struct trace trace = {.line = print_step, .context = out};
    struct answer answer = {0};
    int code;
    world->mappings = &only_read;
    world->turns = &turns;
    world->trace = &trace;
    world->warnings = NULL; /* the trace tells as much */
    print_name(world, question, out);
    resolve(world, question, &answer, &code);
    print_answer(&answer, out);
    if (onlooker.found) {
        buffer_add_text(out, "without a mapping:\n");
        trace.line = print_substep;
        onlooker.looks_away = true;
        answer_clear(&answer);
        resolve(world, question, &answer, &code);
    }
    answer_release(&answer);
}

enum command_result command_explain(const struct command_call *call)
{
    struct question question;
    struct world world;
    struct error error = {0};
    const char *wrong = read_words(call, &question);
    if (wrong) {
        buffer_printf(call->out, "%s\n", wrong);
        return COMMAND_USAGE;
    }
    if (responder_enter(call->responder, &world, &error) != 0)
        return command_failed(call, &error);
    explain(&world, &question, call->out);
    responder_leave(call->responder);
    return COMMAND_OK;
}

/*
 * An explanation as text, as `explain` prints it.
 */
#include "program/command/explanation.h"
#include "program/command/step_text.h"

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

void explanation_print(const struct explanation *explanation, struct buffer *out)
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
}

/*
 * An explanation as JSON: the same values that command_explain.c prints as text.
 */
#include "program/command/explanation.h"
#include "program/command/json_output.h"

static json_t *value_json(const struct trace_value *value)
{
    switch (value->kind) {
    case TRACE_KIND_INTEGER:
        return json_integer(value->integer);
    case TRACE_KIND_REAL:
        return json_real(value->real);
    case TRACE_KIND_TEXT:
        return json_text(value->text);
    }
    return NULL;
}

static json_t *step_json(const struct trace_step *step)
{
    json_t *object = json_object();
    json_object_set_new(object, "step", json_text(trace_what_word(step->what)));
    if (step->outcome != OUTCOME_NONE)
        json_object_set_new(object, "outcome", json_text(trace_outcome_word(step->outcome)));
    for (size_t i = 0; i < TRACE_VALUES_MAX && step->values[i].name; i++)
        json_object_set_new(object, step->values[i].name, value_json(&step->values[i]));
    return object;
}

static json_t *steps_json(const struct trace *trace)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < trace->count; i++)
        json_array_append_new(steps, step_json(&trace->steps[i]));
    return steps;
}

static json_t *records_json(const struct answer *answer)
{
    json_t *records = json_array();
    for (size_t i = 0; i < answer->count; i++) {
        const struct answer_record *record = &answer->records[i];
        json_array_append_new(
            records,
            json_pack("{s:o, s:o, s:I, s:o, s:i}", "name", json_text(record->owner), "type",
                      json_text(record->type), "ttl", (json_int_t)record->ttl_s, "content",
                      json_text(record->content), "scope", (int)record->scope_bits));
    }
    return records;
}

static json_t *decision_json(const struct decision *decision)
{
    return json_pack("{s:o, s:b, s:b, s:o}", "steps", steps_json(&decision->steps), "incomplete",
                     decision->steps.incomplete, "failed", decision->answer.failed, "answer",
                     records_json(&decision->answer));
}

static json_t *history_json(const struct mapping_history *history)
{
    json_t *object = json_pack("{s:I, s:o}", "decided_ms", (json_int_t)history->decided_ms, "by",
                               json_text(history->by));
    if (history->has_lag)
        json_object_set_new(object, "lag_ms", json_integer(history->lag_ms));
    if (history->has_replaced) {
        json_object_set_new(object, "replaced", json_text(history->replaced));
        json_object_set_new(object, "replaced_by", json_text(history->replaced_by));
    }
    return object;
}

static json_t *misfit_json(const struct explanation *explanation)
{
    return json_pack("{s:o, s:o, s:o}", "key", json_text(explanation->misfit), "pool",
                     json_text(explanation->misfit_pool), "needs",
                     json_text(explanation->misfit_needs));
}

json_t *explanation_json(const struct explanation *explanation)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:b, s:o}", "name", json_text(explanation->name), "status",
                  json_text(name_status_word(explanation->status)), "zone",
                  json_text(explanation->zone ? explanation->zone->name : NULL), "hides_records",
                  explanation->hides_records, "decision", decision_json(&explanation->actual));
    if (explanation->wildcard)
        json_object_set_new(object, "wildcard", json_text(explanation->wildcard));
    if (explanation->has_mapping)
        json_object_set_new(object, "without_mapping",
                            decision_json(&explanation->without_mapping));
    if (explanation->has_history)
        json_object_set_new(object, "history", history_json(&explanation->history));
    if (*explanation->misfit)
        json_object_set_new(object, "misfit", misfit_json(explanation));
    json_object_set_new(object, "held", json_lines(&explanation->held));
    json_object_set_new(object, "peers", peers_json(&explanation->peers));
    return object;
}

/*
 * Topology records, and the regions in them.
 */
#include <string.h>

#include "f5/model_parts.h"

static const struct {
    const char *word;
    enum f5_where where;
} kinds[] = {
    {"subnet", WHERE_SUBNET}, {"country", WHERE_COUNTRY}, {"continent", WHERE_CONTINENT},
    {"region", WHERE_REGION}, {"pool", WHERE_POOL},       {"datacenter", WHERE_DATACENTER},
    {"state", WHERE_ELSE},    {"isp", WHERE_ELSE},        {"geoip-isp", WHERE_ELSE},
};

static int find_kind(struct f5_work *work, struct f5_condition *condition)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].word, condition->kind) == 0) {
            condition->where = kinds[i].where;
            return 0;
        }
    }
    return work_error(work, condition->line, "'%s' is not what a topology record has",
                      condition->kind);
}

static int find_value(struct f5_work *work, struct f5_condition *condition)
{
    const char *value = condition->value;
    switch (condition->where) {
    case WHERE_SUBNET:
        if (prefix_parse(value, strlen(value), &condition->subnet) == 0)
            return 0;
        return work_error(work, condition->line, "'%s' is not a subnet like 192.0.2.0/24", value);
    case WHERE_REGION:
    case WHERE_POOL:
    case WHERE_DATACENTER:
        condition->value = model_path(work, value);
        return condition->value ? 0 : ERR_NOMEM;
    default:
        return 0;
    }
}

/* Reads `not subnet 192.0.2.0/24` off the words from `*at` on. */
static int read_condition(struct f5_work *work, const struct f5_item *item, size_t *at,
                          struct f5_condition *ret_condition)
{
    struct f5_condition condition = {.line = item->line};
    if (*at < item->word_count && strcmp(item->words[*at], "not") == 0) {
        condition.negated = true;
        ++*at;
    }
    if (item->word_count - *at < 2)
        return work_error(work, item->line,
                          "a condition is a word and a value, like 'subnet 192.0.2.0/24'");
    condition.kind = item->words[(*at)++];
    condition.value = item->words[(*at)++];
    int code = find_kind(work, &condition);
    if (code == 0)
        code = find_value(work, &condition);
    if (code == 0)
        *ret_condition = condition;
    return code;
}

static int take_conditions(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_region *region = object;
    for (size_t i = 0; property->item && i < property->item->items.count; i++) {
        const struct f5_item *item = property->item->items.items[i];
        for (size_t at = 0; at < item->word_count;) {
            struct f5_condition *condition = work_alloc(work, sizeof *condition);
            if (!condition)
                return ERR_NOMEM;
            int code = read_condition(work, item, &at, condition);
            if (code == 0)
                code = list_add(work, &region->conditions, condition);
            if (code != 0)
                return code;
        }
    }
    return 0;
}

static const struct f5_property_rule region_rules[] = {
    OBJECT_RULES,
    {"region-members", SHAPE_BLOCK, take_conditions, NULL},
};

int model_read_region(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(region_rules);
    struct f5_region *region = work_alloc(work, sizeof *region);
    if (!region)
        return ERR_NOMEM;
    int code = model_object_init(work, item, 2, &region->object);
    if (code == 0)
        code = f5_properties_read(work, item, &table, region, &region->object.notes);
    if (code == 0)
        code = model_add(work, model, &model->regions, "region", &region->object);
    return code;
}

static int take_score(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_topology_record *record = object;
    return f5_property_number(work, property, UINT32_MAX, &record->score);
}

static const struct f5_property_rule record_rules[] = {
    OBJECT_RULES,
    {"order", SHAPE_VALUE, NULL, NULL}, /* the input is in this order */
    {"score", SHAPE_VALUE, take_score, NULL},
    {"weight", SHAPE_VALUE, take_score, NULL},
};

static bool is_word(const struct f5_item *item, size_t at, const char *word)
{
    return at < item->word_count && strcmp(item->words[at], word) == 0;
}

int model_read_record(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(record_rules);
    size_t at = 3;
    struct f5_topology_record *record = work_alloc(work, sizeof *record);
    if (!record)
        return ERR_NOMEM;
    record->object.line = item->line;
    record->score = 1;
    if (!is_word(item, 2, "ldns:"))
        return work_error(work, item->line,
                          "a topology record begins with 'ldns:' and a condition");
    int code = read_condition(work, item, &at, &record->ldns);
    if (code == 0 && !is_word(item, at++, "server:"))
        code = work_error(work, item->line, "a topology record has 'server:' and a condition");
    if (code == 0)
        code = read_condition(work, item, &at, &record->server);
    if (code == 0 && at != item->word_count)
        code = work_error(work, item->line, "more words than two conditions");
    if (code == 0)
        code = f5_properties_read(work, item, &table, record, &record->object.notes);
    return code == 0 ? list_add(work, &model->records, record) : code;
}

#include "f5/properties.h"

#include <string.h>

#include "core/base/buffer.h"
#include "core/base/decimal.h"

/* A comment shows no more of a value. */
#define SHOWN_MAX 200

static const char unknown[] = "has no counterpart";

/* An item whose words are used up from the front. */
struct words {
    const struct f5_item *item;
    size_t next;
};

static size_t words_left(const struct words *words)
{
    return words->item->word_count - words->next;
}

static const char *word_at(const struct words *words, size_t offset)
{
    return offset < words_left(words) ? words->item->words[words->next + offset] : "";
}

static bool rule_is_for(const struct f5_property_rule *rule, const char *name)
{
    size_t length = strlen(rule->name);
    if (rule->name[length - 1] == '*')
        return strncmp(rule->name, name, length - 1) == 0;
    return strcmp(rule->name, name) == 0;
}

static const struct f5_property_rule *find_rule(const struct f5_property_table *table,
                                                const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (rule_is_for(&table->rules[i], name))
            return &table->rules[i];
    return NULL;
}

/* How many words the list of monitors has: NAME and NAME ..., or `min 1 of` and a block. */
static size_t monitor_words(const struct words *words)
{
    size_t count = 1;
    if (strcmp(word_at(words, 0), "min") == 0 || strcmp(word_at(words, 0), "require") == 0)
        return words_left(words);
    while (strcmp(word_at(words, count), "and") == 0)
        count += 2;
    return count;
}

static size_t pool_words(const struct words *words)
{
    static const char *const types[] = {"a",     "aaaa", "cname", "mx",
                                        "naptr", "srv",  "https", "svcb"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(word_at(words, 0), types[i]) == 0 && words_left(words) > 1)
            return 2;
    return 1;
}

/* How many values follow the name of a property. */
static size_t value_count(const struct words *words, enum f5_shape shape)
{
    switch (shape) {
    case SHAPE_FLAG:
        return 0;
    case SHAPE_PAIR:
        return 2;
    case SHAPE_MONITOR:
        return monitor_words(words);
    case SHAPE_POOL:
        return pool_words(words);
    case SHAPE_BLOCK:
        return words_left(words) > 0 && strcmp(word_at(words, 0), "none") == 0;
    default:
        return 1;
    }
}

/* What a rule does not tell: a block, a value, or nothing. */
static enum f5_shape guessed_shape(const struct words *words)
{
    if (words_left(words) > 0)
        return SHAPE_VALUE;
    return words->item->has_block ? SHAPE_BLOCK : SHAPE_FLAG;
}

/* Takes a property off the words, or says what it lacks. */
static int next_property(struct f5_work *work, struct words *words, enum f5_shape shape,
                         struct f5_property *property)
{
    size_t count = value_count(words, shape);
    if (count > words_left(words))
        return work_error(work, property->line, "%s has no value", property->name);
    property->values = words->item->words + words->next;
    property->count = count;
    words->next += count;
    if (words_left(words) == 0 && words->item->has_block)
        property->item = words->item;
    if (shape == SHAPE_BLOCK && count == 0 && !property->item)
        return work_error(work, property->line, "%s has no block in braces", property->name);
    return 0;
}

static int comment(struct f5_work *work, struct list *notes, const struct f5_property *property,
                   const char *reason)
{
    struct buffer text = {0};
    buffer_add_text(&text, property->name);
    for (size_t i = 0; i < property->count; i++)
        buffer_printf(&text, " %.*s", SHOWN_MAX, property->values[i]);
    int code = text.failed ? error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM))
                           : note_property(work, notes, buffer_text(&text), reason);
    buffer_release(&text);
    return code;
}

static int read_property(struct f5_work *work, struct words *words,
                         const struct f5_property_table *table, void *object, struct list *notes)
{
    struct f5_property property = {.line = words->item->line, .name = word_at(words, 0)};
    const struct f5_property_rule *rule = find_rule(table, property.name);
    words->next++;
    int code = next_property(work, words, rule ? rule->shape : guessed_shape(words), &property);
    if (code != 0)
        return code;
    if (!rule)
        return comment(work, notes, &property, unknown);
    if (rule->take)
        return rule->take(work, object, &property);
    return rule->note ? comment(work, notes, &property, rule->note) : 0;
}

int f5_properties_read(struct f5_work *work, const struct f5_item *item,
                       const struct f5_property_table *table, void *object, struct list *notes)
{
    for (size_t i = 0; i < item->items.count; i++) {
        struct words words = {.item = item->items.items[i]};
        if (words_left(&words) == 0)
            return work_error(work, words.item->line, "a block without a name before it");
        while (words_left(&words) > 0) {
            int code = read_property(work, &words, table, object, notes);
            if (code != 0)
                return code;
        }
    }
    return 0;
}

int f5_property_number(struct f5_work *work, const struct f5_property *property, int64_t most,
                       int64_t *ret_number)
{
    const char *value = property->values[0];
    if (decimal_parse(value, strlen(value), 0, most, ret_number))
        return 0;
    return work_error(work, property->line, "%s is a number of 0 to %lld, not '%.*s'",
                      property->name, (long long)most, SHOWN_MAX, value);
}

int f5_property_switch(struct f5_work *work, const struct f5_property *property, bool *ret_on)
{
    static const char *const words[] = {"disabled", "enabled", "no",    "yes",
                                        "disable",  "enable",  "false", "true"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], property->values[0]) == 0) {
            *ret_on = i % 2 == 1;
            return 0;
        }
    }
    return work_error(work, property->line, "%s is enabled or disabled, not '%.*s'", property->name,
                      SHOWN_MAX, property->values[0]);
}

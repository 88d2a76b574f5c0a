/*
 * Gathers an explanation: runs the decision with a trace and a read-only table of mappings, and
 * again with a table that seems empty.
 */
#include "program/command/explanation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/balance/turns.h"
#include "core/base/error.h"
#include "core/sticky/contradictions.h"
#include "program/command/holds.h"

/* Reads mappings from another table, and writes none. */
struct read_only_table {
    const struct mapping_table *table;
    bool hides_all;
    bool found; /* a mapping was found: this one, and where */
    struct mapping mapping;
    int64_t pool_id;
    char key[CLIENT_KEY_MAX];
};

static int find(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                struct error *error)
{
    struct read_only_table *read_only = context;
    if (read_only->hides_all)
        return ERR_NOTFOUND;
    int code = read_only->table->find(read_only->table->context, pool_id, key, ret_mapping, error);
    if (code != 0)
        return code;
    read_only->found = true;
    read_only->mapping = *ret_mapping;
    read_only->pool_id = pool_id;
    snprintf(read_only->key, sizeof read_only->key, "%s", key);
    return 0;
}

static enum name_status status_of(const struct decision_inputs *inputs, const struct name *name,
                                  const struct name_entry *entry)
{
    bool below;
    if (!entry) {
        snapshot_find(inputs->snapshot, name, &below);
        return below ? NAME_STATUS_ABOVE : NAME_STATUS_UNKNOWN;
    }
    if (!entry->balanced)
        return NAME_STATUS_PLAIN;
    if (!entry->pool)
        return NAME_STATUS_UNUSABLE;
    return entry->delegated ? NAME_STATUS_DELEGATED : NAME_STATUS_BALANCED;
}

static void decide(struct decision_inputs *shown, const struct question *question,
                   struct decision *decision)
{
    shown->trace = &decision->steps;
    resolve(shown, question, &decision->answer);
}

static void decide_both(const struct decision_inputs *inputs, struct store *store,
                        const struct question *question, struct explanation *explanation)
{
    struct read_only_table read_only = {.table = inputs->mappings};
    const struct mapping_table mappings = {.find = find, .context = &read_only};
    struct turns turns = turns_peek(inputs->turns);
    struct decision_inputs shown = *inputs;
    shown.mappings = &mappings;
    shown.turns = &turns;
    shown.warnings = NULL; /* the steps say the same */
    decide(&shown, question, &explanation->actual);
    explanation->has_mapping = read_only.found;
    if (!read_only.found)
        return;
    explanation->has_history =
        store_read_history(store, read_only.pool_id, read_only.key, &read_only.mapping,
                           &explanation->history, NULL) == 0;
    read_only.hides_all = true;
    decide(&shown, question, &explanation->without_mapping);
}

/* ---------------------------------------------------------------- rows that nobody finds */

/* A row that has this key, which no client of the pool has. */
static bool is_misfit(const struct decision_inputs *inputs, const struct pool *pool,
                      const char *key)
{
    const struct mapping_table *table = inputs->mappings;
    struct mapping mapping;
    return strlen(key) < CLIENT_KEY_MAX &&
           !client_key_can_match(key, pool, &inputs->snapshot->groups) &&
           table->find(table->context, pool->id, key, &mapping, NULL) == 0;
}

/* The spellings of a network in which SQL may have put it in: with its length, in capitals. */
enum { SPELT_WITH_LENGTH = 1, SPELT_IN_CAPITALS = 2, SPELLINGS = 4 };

/* Writes such a key; `start` is what comes before the network. */
static void spell(const struct prefix *prefix, int spelling, const char *start,
                  char ret_key[static CLIENT_KEY_MAX])
{
    char text[PREFIX_TEXT_MAX], length[16] = "";
    prefix_format(prefix, text);
    if ((spelling & SPELT_WITH_LENGTH) && !strchr(text, '/'))
        snprintf(length, sizeof length, "/%u", prefix->bits);
    for (char *c = text; (spelling & SPELT_IN_CAPITALS) && *c; c++)
        *c = (char)toupper((unsigned char)*c);
    snprintf(ret_key, CLIENT_KEY_MAX, "%s%s%s", start, text, length);
}

/* Looks for one with the address, or a network that contains it. */
static bool find_misfit_around(const struct decision_inputs *inputs, const struct pool *pool,
                               const struct address *address, const char *start,
                               char ret_key[static CLIENT_KEY_MAX])
{
    for (int bits = (int)family_bits(address->family); bits >= 0; bits--) {
        const struct prefix prefix = prefix_of(address, (unsigned)bits);
        for (int spelling = 0; spelling < SPELLINGS; spelling++) {
            spell(&prefix, spelling, start, ret_key);
            if (is_misfit(inputs, pool, ret_key))
                return true;
        }
    }
    return false;
}

static bool find_misfit(const struct decision_inputs *inputs, const struct pool *pool,
                        const struct source *source, const char *ldns,
                        char ret_key[static CLIENT_KEY_MAX])
{
    if (is_misfit(inputs, pool, ldns)) {
        snprintf(ret_key, CLIENT_KEY_MAX, "%s", ldns);
        return true;
    }
    return find_misfit_around(inputs, pool, &source->remote, "", ret_key) ||
           (source->subnet.address.family != FAMILY_NONE &&
            find_misfit_around(inputs, pool, &source->subnet.address, "ecs:", ret_key));
}

/* Rows that were written by hand, in another form or for another prefix or kind of client. */
static void gather_misfit(const struct decision_inputs *inputs, const struct pool *pool,
                          const struct question *question, const char *ldns,
                          struct explanation *explanation)
{
    const struct pool *keeper = pool->persistence_pool;
    struct client client;
    client_identify(&question->source, pool, &inputs->snapshot->groups, &client);
    if (!client.known ||
        !find_misfit(inputs, keeper, &question->source, ldns, explanation->misfit)) {
        explanation->misfit[0] = '\0';
        return;
    }
    explanation->misfit_pool = keeper->name;
    snprintf(explanation->misfit_needs, sizeof explanation->misfit_needs, "%s", client.key);
}

/* ---------------------------------------------------------------- all of it */

/* PowerDNS gives the records of a wildcard to the name that was asked for. */
static void name_owners(const struct explanation *explanation, struct decision *decision)
{
    for (size_t i = 0; i < decision->answer.count; i++)
        if (strcmp(decision->answer.records[i].owner, explanation->asked.name.text) == 0)
            decision->answer.records[i].owner = explanation->name;
}

void explanation_gather(const struct decision_inputs *inputs, struct store *store,
                        const struct question *question, const char *ldns,
                        struct explanation *ret_explanation)
{
    const struct name *name = &question->name;
    const struct name_entry *entry = snapshot_find_answering(inputs->snapshot, name);
    *ret_explanation =
        (struct explanation){.name = name->text,
                             .asked = *question,
                             .status = status_of(inputs, name, entry),
                             .zone = snapshot_zone_of(inputs->snapshot, name),
                             .has_zones = inputs->snapshot->zone_count > 0,
                             .hides_records = entry && contradictions_hide_records(entry)};
    bool is_own =
        entry && name_key_compare(entry->key, entry->key_length, name->key, name->key_length) == 0;
    if (entry && !is_own &&
        name_parse(entry->text, strlen(entry->text), &ret_explanation->asked.name) == 0)
        ret_explanation->wildcard = entry->text;
    decide_both(inputs, store, &ret_explanation->asked, ret_explanation);
    name_owners(ret_explanation, &ret_explanation->actual);
    name_owners(ret_explanation, &ret_explanation->without_mapping);
    if (!entry || !entry->pool)
        return;
    gather_misfit(inputs, entry->pool, question, ldns, ret_explanation);
    (void)holds_add(inputs->snapshot, inputs->availability, entry->pool, &ret_explanation->held);
    peers_gather(store, entry->pool->name, &ret_explanation->peers);
}

static void decision_release(struct decision *decision)
{
    trace_release(&decision->steps);
    answer_release(&decision->answer);
}

void explanation_release(struct explanation *explanation)
{
    decision_release(&explanation->actual);
    decision_release(&explanation->without_mapping);
    problems_release(&explanation->held);
    peers_release(&explanation->peers);
}

const char *name_status_word(enum name_status status)
{
    static const char *const words[] = {
        [NAME_STATUS_BALANCED] = "balanced",
        [NAME_STATUS_UNUSABLE] = "balanced, but its pool cannot be used",
        [NAME_STATUS_DELEGATED] = "balanced, but delegated, so PowerDNS refers to other servers",
        [NAME_STATUS_PLAIN] = "not balanced",
        [NAME_STATUS_ABOVE] = "only names below it",
        [NAME_STATUS_UNKNOWN] = "not in this database",
    };
    return words[status];
}

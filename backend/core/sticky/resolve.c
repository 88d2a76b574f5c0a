/*
 * Answers questions and zone transfers from the snapshot; what depends on the client is decided by
 * assign().
 */
#include "core/sticky/resolve.h"

#include <string.h>

#include "core/dns/svcb.h"
#include "core/sticky/without_client.h"

/* Used only by PowerDNS's query cache, which does not keep records with a TTL of 0. */
#define EMPTY_TTL_S 60

static bool wants(const struct question *question, const char *type)
{
    return strcmp(question->type, "ANY") == 0 || strcmp(question->type, type) == 0;
}

/*
 * At a delegation we are authoritative for DS but not for NS; below it, for nothing (RFC 4035
 * section 2.2).
 */
static bool is_authoritative(const struct name_entry *entry, const struct record *record)
{
    if (strcmp(record->type, "DS") == 0)
        return !entry->delegated || entry->cut;
    return record->zone == entry->zone ? !entry->delegated : record->zone == entry->without_soa;
}

/* The zone id of an answer: the question's if it has one. */
static int32_t zone_id_of(const struct question *question, const struct zone *zone)
{
    if (question->zone_id != ZONE_ID_ANY)
        return question->zone_id;
    return zone ? zone->id : ZONE_ID_ANY;
}

static void add_record(const struct name_entry *entry, const struct record *record, int32_t zone_id,
                       unsigned scope_bits, struct answer *answer)
{
    answer_add(answer, &(struct answer_record){.owner = entry->text,
                                               .type = record->type,
                                               .content = record->content,
                                               .ttl_s = record->ttl_s,
                                               .zone_id = zone_id,
                                               .scope_bits = (uint8_t)scope_bits,
                                               .authoritative = is_authoritative(entry, record)});
}

/* A record of the pool: an address or a CNAME. */
static void add_given(const struct name_entry *entry, const char *type, const char *content,
                      int32_t zone_id, unsigned scope_bits, struct answer *answer)
{
    answer_add(answer, &(struct answer_record){.owner = entry->text,
                                               .type = type,
                                               .content = content,
                                               .ttl_s = entry->pool->ttl_s,
                                               .zone_id = zone_id,
                                               .scope_bits = (uint8_t)scope_bits,
                                               .authoritative = !entry->delegated});
}

/* A question at one name; what the client is given there is decided at most once. */
struct asking {
    const struct decision_inputs *inputs;
    const struct question *question;
    const struct name_entry *entry;
    bool decided;
    struct assignment assignment;
};

/* A client that is not known is given the addresses or the name of one site. */
static struct assignment give(const struct decision_inputs *inputs, const struct source *source,
                              const struct pool *pool)
{
    struct assignment assignment = {.scope_bits = 1};
    if (address_is_unspecified(&source->remote))
        assignment.offer = offer_of_one_site(inputs, pool);
    else
        assign(inputs, pool, source, &assignment);
    return assignment;
}

static struct assignment decide(struct asking *asking)
{
    if (!asking->decided)
        asking->assignment = give(asking->inputs, &asking->question->source, asking->entry->pool);
    asking->decided = true;
    return asking->assignment;
}

const struct name_entry *resolve_hint_target(const struct snapshot *snapshot,
                                             const struct name_entry *entry,
                                             const struct record *record)
{
    struct name target;
    bool below;
    return svcb_target(record->content, &target) ? snapshot_find(snapshot, &target, &below) : entry;
}

/* The pool that decides which addresses a record's hints are; NULL: they are left to PowerDNS. */
static const struct pool *pool_of_hints(const struct snapshot *snapshot,
                                        const struct name_entry *entry, const struct record *record)
{
    const struct name_entry *target =
        record->has_auto_hints ? resolve_hint_target(snapshot, entry, record) : NULL;
    return target ? target->pool : NULL;
}

static void add_hinted(const struct name_entry *entry, const struct record *record, int32_t zone_id,
                       const struct assignment *given, struct answer *answer)
{
    struct record hinted = *record;
    hinted.content =
        svcb_fill_hints(record->content, given->offer.ipv4, given->offer.ipv6, &answer->texts);
    if (hinted.content)
        add_record(entry, &hinted, zone_id, given->scope_bits, answer);
    else
        answer_fail(answer);
}

static void add_offer(const struct name_entry *entry, const struct offer *offer, int32_t zone_id,
                      unsigned scope_bits, struct answer *answer)
{
    if (offer->ipv4)
        add_given(entry, "A", offer->ipv4, zone_id, scope_bits, answer);
    if (offer->ipv6)
        add_given(entry, "AAAA", offer->ipv6, zone_id, scope_bits, answer);
    if (offer->name)
        add_given(entry, "CNAME", offer->name, zone_id, scope_bits, answer);
}

static void add_empty(const char *owner, int32_t zone_id, unsigned scope_bits, bool authoritative,
                      struct answer *answer)
{
    answer_add(answer, &(struct answer_record){.owner = owner,
                                               .type = TYPE_EMPTY,
                                               .content = CONTENT_EMPTY,
                                               .ttl_s = EMPTY_TTL_S,
                                               .zone_id = zone_id,
                                               .scope_bits = (uint8_t)scope_bits,
                                               .authoritative = authoritative});
}

/* The name exists even when nothing is offered. */
static void add_offer_or_empty(const struct name_entry *entry, const struct offer *offer,
                               int32_t zone_id, unsigned scope_bits, struct answer *answer)
{
    if (offer->ipv4 || offer->ipv6 || offer->name)
        add_offer(entry, offer, zone_id, scope_bits, answer);
    else
        add_empty(entry->text, zone_id, scope_bits, !entry->delegated, answer);
}

/* Drops records of other types: both addresses are always decided together. */
static void keep_wanted(const struct question *question, struct answer *answer)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++)
        if (wants(question, answer->records[i].type))
            answer->records[kept++] = answer->records[i];
    answer->count = kept;
}

/* Says whether the answer is an error: as a whole, or for the only type that is asked for. */
static bool fails(const struct question *question, const struct assignment *assignment)
{
    return assignment->failed || (assignment->ipv4_failed && strcmp(question->type, "A") == 0) ||
           (assignment->ipv6_failed && strcmp(question->type, "AAAA") == 0);
}

static void add_balanced(struct asking *asking, struct answer *answer)
{
    const struct decision_inputs *inputs = asking->inputs;
    const struct question *question = asking->question;
    const struct name_entry *entry = asking->entry;
    int32_t zone_id = zone_id_of(question, entry->zone);
    if (address_is_unspecified(&question->source.remote)) {
        TRACE(inputs->trace, .what = STEP_CLIENT, .outcome = OUTCOME_NO_CLIENT);
        struct common_offer common;
        offer_common_to_all(inputs, entry->pool, &common);
        add_offer_or_empty(entry, &common.offer, zone_id, 1, answer);
        return;
    }
    struct assignment assignment = decide(asking);
    if (fails(question, &assignment))
        answer_fail(answer);
    else
        add_offer_or_empty(entry, &assignment.offer, zone_id, assignment.scope_bits, answer);
}

/* Says whether the question is about this zone, or about any. */
static bool asks_zone(const struct question *question, const struct zone *zone)
{
    return !zone || question->zone_id == ZONE_ID_ANY || question->zone_id == zone->id;
}

/* Says whether the question is about the zone of a name, or about any. */
static bool asks_zone_of(const struct question *question, const struct name_entry *entry)
{
    return asks_zone(question, entry->zone) ||
           (entry->without_soa && entry->without_soa->id == question->zone_id);
}

/* A plain record, with the hints of this client if it has any. */
static void add_plain(struct asking *asking, const struct record *record, struct answer *answer)
{
    const struct name_entry *entry = asking->entry;
    int32_t zone_id = zone_id_of(asking->question, record->zone);
    const struct pool *pool = pool_of_hints(asking->inputs->snapshot, entry, record);
    if (!pool) {
        add_record(entry, record, zone_id, 0, answer);
        return;
    }
    if (pool_has_names(pool)) { /* nobody gets an address */
        add_hinted(entry, record, zone_id, &(struct assignment){.server = NULL}, answer);
        return;
    }
    struct assignment given = pool == entry->pool
                                  ? decide(asking)
                                  : give(asking->inputs, &asking->question->source, pool);
    add_hinted(entry, record, zone_id, &given, answer);
}

static bool wants_offer(const struct question *question, const struct pool *pool)
{
    return pool_has_names(pool) ? wants(question, "CNAME")
                                : wants(question, "A") || wants(question, "AAAA");
}

static void add_entry(const struct decision_inputs *inputs, const struct question *question,
                      const struct name_entry *entry, struct answer *answer)
{
    struct asking asking = {.inputs = inputs, .question = question, .entry = entry};
    for (size_t i = 0; i < entry->record_count; i++) {
        const struct record *record = &entry->records[i];
        bool in_zone = question->zone_id == ZONE_ID_ANY ? record->zone == entry->zone
                                                        : asks_zone(question, record->zone);
        if (in_zone && wants(question, record->type))
            add_plain(&asking, record, answer);
    }
    if (entry->pool && asks_zone_of(question, entry) && wants_offer(question, entry->pool)) {
        add_balanced(&asking, answer);
        keep_wanted(question, answer);
    }
}

/* A name that exists without records in a zone of this database must not become NXDOMAIN. */
static void add_existence(const struct decision_inputs *inputs, const struct question *question,
                          struct answer *answer)
{
    const struct name_entry *above = snapshot_entry_above(inputs->snapshot, &question->name);
    if (!above || (!above->zone && !above->without_soa) || !asks_zone_of(question, above) ||
        !wants(question, TYPE_EMPTY))
        return;
    add_empty(question->name.text, zone_id_of(question, above->zone), 0, true, answer);
}

void resolve(const struct decision_inputs *inputs, const struct question *question,
             struct answer *answer)
{
    bool below;
    const struct name_entry *entry = snapshot_find(inputs->snapshot, &question->name, &below);
    if (entry)
        add_entry(inputs, question, entry, answer);
    if ((entry || below) && answer->count == 0 && !answer->failed)
        add_existence(inputs, question, answer);
}

/* `nobody` is a question without client for the zone. */
static void add_transfer(const struct decision_inputs *inputs, const struct question *nobody,
                         const struct zone *zone, const struct name_entry *entry,
                         struct answer *answer)
{
    struct asking asking = {.inputs = inputs, .question = nobody, .entry = entry};
    for (size_t i = 0; i < entry->record_count; i++)
        if (entry->records[i].zone == zone)
            add_plain(&asking, &entry->records[i], answer);
    if (entry->pool && entry->zone == zone) {
        struct assignment given = decide(&asking);
        add_offer(entry, &given.offer, zone->id, given.scope_bits, answer);
    }
}

void resolve_zone(const struct decision_inputs *inputs, int32_t zone_id, const struct name *name,
                  struct answer *answer)
{
    const struct zone *zone = snapshot_zone(inputs->snapshot, zone_id);
    if (name && (!zone || strcmp(zone->name, name->text) != 0)) {
        zone = snapshot_zone_of(inputs->snapshot, name);
        if (zone && strcmp(zone->name, name->text) != 0)
            zone = NULL;
    }
    if (!zone)
        return;
    const struct name_entry *entry;
    size_t count;
    snapshot_range(inputs->snapshot, zone, &entry, &count);
    const struct question nobody = {.zone_id = zone->id, .source.remote.family = FAMILY_IPV4};
    for (; count > 0; count--, entry++)
        add_transfer(inputs, &nobody, zone, entry, answer);
}

/* If a zone exists twice, the first one has the names. */
static void add_soa(const struct snapshot *snapshot, const struct zone *zone, struct answer *answer)
{
    const struct name_entry *apex;
    size_t count;
    snapshot_range(snapshot, zone, &apex, &count);
    if (apex->zone != zone)
        return;
    for (size_t i = 0; i < apex->record_count; i++)
        if (apex->records[i].zone == zone && strcmp(apex->records[i].type, "SOA") == 0) {
            add_record(apex, &apex->records[i], zone->id, 0, answer);
            return;
        }
}

void resolve_zones(const struct snapshot *snapshot, struct answer *answer)
{
    for (size_t i = 0; i < snapshot->zone_count; i++)
        add_soa(snapshot, &snapshot->zones[i], answer);
}

/*
 * Answers questions and zone transfers from the snapshot; what depends on the client is decided by
 * assign().
 */
#include "core/sticky/resolve.h"

#include <string.h>

/*
 * A record that only says that the name exists. The type is from the range for private use (RFC
 * 6895 section 3.1), so no question asks for it by accident.
 */
#define EXISTS_TYPE "TYPE65534"
#define EXISTS_CONTENT "\\# 0"
/* Used only by PowerDNS's query cache, which does not keep records with a TTL of 0. */
#define EXISTS_TTL_S 60

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
    return !entry->delegated && record->zone == entry->zone;
}

/* The zone id of an answer: the question's if it has one. */
static int32_t zone_id_of(const struct question *question, const struct zone *zone)
{
    if (question->zone_id != ZONE_ID_ANY)
        return question->zone_id;
    return zone ? zone->id : ZONE_ID_ANY;
}

static void add_record(const struct name_entry *entry, const struct record *record, int32_t zone_id,
                       struct answer *answer)
{
    answer_add(answer, &(struct answer_record){.owner = entry->text,
                                               .type = record->type,
                                               .content = record->content,
                                               .ttl_s = record->ttl_s,
                                               .zone_id = zone_id,
                                               .authoritative = is_authoritative(entry, record)});
}

static void add_address(const struct name_entry *entry, const char *type, const char *content,
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

/* The servers for a question without client: all that a client could get. */
static size_t reachable(const struct pool *pool, const struct availability *availability,
                        struct candidates *ret_servers)
{
    ret_servers->count = 0;
    for (size_t i = 0; i < pool->server_count; i++)
        if (virtual_server_state(&pool->servers[i]) != STATE_DISABLED &&
            availability_server_up(availability, &pool->servers[i]))
            ret_servers->servers[ret_servers->count++] = &pool->servers[i];
    return ret_servers->count;
}

/*
 * Without client: an address of each type that all servers have; if they have none in common, of
 * every type.
 */
static void add_without_client(const struct decision_inputs *inputs, const struct name_entry *entry,
                               int32_t zone_id, struct answer *answer)
{
    const struct pool *pool = entry->pool;
    struct candidates servers;
    while (reachable(pool, inputs->availability, &servers) == 0 && pool->fallback_pool)
        pool = pool->fallback_pool;
    if (servers.count == 0 && pool->fallback != FALLBACK_NONE)
        reachable(pool, NULL, &servers);
    size_t with_ipv4 = 0, with_ipv6 = 0;
    const char *ipv4 = NULL, *ipv6 = NULL;
    for (size_t i = servers.count; i-- > 0;) {
        const struct virtual_server *server = servers.servers[i];
        with_ipv4 += server->ipv4 != NULL;
        with_ipv6 += server->ipv6 != NULL;
        ipv4 = server->ipv4 ? server->ipv4 : ipv4;
        ipv6 = server->ipv6 ? server->ipv6 : ipv6;
    }
    bool nothing_common = with_ipv4 < servers.count && with_ipv6 < servers.count;
    if (ipv4 && (nothing_common || with_ipv4 == servers.count))
        add_address(entry, "A", ipv4, zone_id, 1, answer);
    if (ipv6 && (nothing_common || with_ipv6 == servers.count))
        add_address(entry, "AAAA", ipv6, zone_id, 1, answer);
    if (servers.count == 0)
        add_address(entry, EXISTS_TYPE, EXISTS_CONTENT, zone_id, 1, answer);
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

static void add_balanced(const struct decision_inputs *inputs, const struct question *question,
                         const struct name_entry *entry, struct answer *answer)
{
    int32_t zone_id = zone_id_of(question, entry->zone);
    if (address_is_unspecified(&question->source.remote)) {
        TRACE(inputs->trace, .what = STEP_CLIENT, .outcome = OUTCOME_NO_CLIENT);
        add_without_client(inputs, entry, zone_id, answer);
        return;
    }
    struct assignment assignment;
    assign(inputs, entry->pool, &question->source, &assignment);
    if (assignment.failed) {
        answer_fail(answer);
        return;
    }
    unsigned scope_bits = assignment.scope_bits;
    const struct virtual_server *server = assignment.server;
    if (server && server->ipv4)
        add_address(entry, "A", server->ipv4, zone_id, scope_bits, answer);
    if (server && server->ipv6)
        add_address(entry, "AAAA", server->ipv6, zone_id, scope_bits, answer);
    if (!server) /* the name exists even when it has no address */
        add_address(entry, EXISTS_TYPE, EXISTS_CONTENT, zone_id, scope_bits, answer);
}

/* Says whether the question is about this zone, or about any. */
static bool asks_zone(const struct question *question, const struct zone *zone)
{
    return !zone || question->zone_id == ZONE_ID_ANY || question->zone_id == zone->id;
}

static void add_entry(const struct decision_inputs *inputs, const struct question *question,
                      const struct name_entry *entry, struct answer *answer)
{
    for (size_t i = 0; i < entry->record_count; i++) {
        const struct record *record = &entry->records[i];
        bool in_zone = question->zone_id == ZONE_ID_ANY ? record->zone == entry->zone
                                                        : asks_zone(question, record->zone);
        if (in_zone && wants(question, record->type))
            add_record(entry, record, zone_id_of(question, record->zone), answer);
    }
    if (entry->pool && asks_zone(question, entry->zone) &&
        (wants(question, "A") || wants(question, "AAAA"))) {
        add_balanced(inputs, question, entry, answer);
        keep_wanted(question, answer);
    }
}

/* A name that exists without records in a zone of this database must not become NXDOMAIN. */
static void add_existence(const struct decision_inputs *inputs, const struct question *question,
                          struct answer *answer)
{
    const struct zone *zone = snapshot_zone_of(inputs->snapshot, &question->name);
    if (!zone || !asks_zone(question, zone) || !wants(question, EXISTS_TYPE))
        return;
    answer_add(answer, &(struct answer_record){.owner = question->name.text,
                                               .type = EXISTS_TYPE,
                                               .content = EXISTS_CONTENT,
                                               .ttl_s = EXISTS_TTL_S,
                                               .zone_id = zone_id_of(question, zone),
                                               .authoritative = true});
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

static void add_transfer(const struct decision_inputs *inputs, const struct zone *zone,
                         const struct name_entry *entry, struct answer *answer)
{
    for (size_t i = 0; i < entry->record_count; i++)
        if (entry->records[i].zone == zone)
            add_record(entry, &entry->records[i], zone->id, answer);
    if (entry->pool && entry->zone == zone)
        add_without_client(inputs, entry, zone->id, answer);
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
    for (; count > 0; count--, entry++)
        add_transfer(inputs, zone, entry, answer);
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
            add_record(apex, &apex->records[i], zone->id, answer);
            return;
        }
}

void resolve_zones(const struct snapshot *snapshot, struct answer *answer)
{
    for (size_t i = 0; i < snapshot->zone_count; i++)
        add_soa(snapshot, &snapshot->zones[i], answer);
}

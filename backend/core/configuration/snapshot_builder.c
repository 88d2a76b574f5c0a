/*
 * Takes the rows of all tables as drafts, checks each by itself, and in snapshot_builder_finish()
 * sorts them, resolves references between them and checks what needs more than one row. Names,
 * zones and records are completed in snapshot_names.c, pins in
 * snapshot_pins.c.
 */
#include "core/configuration/snapshot_builder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/balance/client.h"
#include "core/balance/method.h"
#include "core/balance/metric.h"
#include "core/base/error.h"
#include "core/base/vector.h"
#include "core/configuration/snapshot_builder_parts.h"
#include "core/dns/rdata.h"
#include "core/dns/svcb.h"

int snapshot_builder_new(struct snapshot_builder **ret_builder)
{
    struct snapshot_builder *builder = calloc(1, sizeof *builder);
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!builder || !snapshot) {
        free(builder);
        free(snapshot);
        return ERR_NOMEM;
    }
    snapshot->settings = settings_default();
    builder->snapshot = snapshot;
    builder->arena = &snapshot->arena;
    *ret_builder = builder;
    return 0;
}

void snapshot_builder_free(struct snapshot_builder *builder)
{
    if (!builder)
        return;
    snapshot_free(builder->snapshot);
    free(builder->pools);
    free(builder->servers);
    free(builder->names);
    free(builder->pins);
    free(builder);
}

/*
 * A copy in the snapshot. NULL for NULL, and when there is no memory; callers tell the two apart.
 */
static const char *keep(struct snapshot_builder *builder, const char *text)
{
    return text ? arena_copy(builder->arena, text, strlen(text)) : NULL;
}

/* PowerDNS removes white space at the end of a line; at the start, it would split an MX wrongly. */
static const char *keep_trimmed(struct snapshot_builder *builder, const char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return arena_copy(builder->arena, text, length);
}

static int add_name(struct snapshot_builder *builder, const struct name *name,
                    struct name_draft *draft)
{
    struct arena *arena = builder->arena;
    draft->key = arena_copy(arena, name->key, name->key_length);
    draft->key_length = name->key_length;
    draft->text = arena_copy(arena, name->text, name->text_length);
    if (!draft->key || !draft->text)
        return ERR_NOMEM;
    struct name_draft *place =
        VECTOR_ADD(builder->names, builder->name_count, builder->name_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = *draft;
    return 0;
}

int snapshot_add_zone(struct snapshot_builder *builder, const struct zone_row *row)
{
    struct snapshot *snapshot = builder->snapshot;
    struct name name;
    if (row->id < 1 || row->id > INT32_MAX)
        return problems_add(&builder->snapshot->problems,
                            "zone %s: id %" PRId64 " is not 1..2147483647", row->name, row->id);
    if (name_parse(row->name, strlen(row->name), &name) != 0)
        return problems_add(&builder->snapshot->problems, "zone %s: not a domain name", row->name);
    struct name_draft draft = {.kind = NAME_ZONE, .row_id = row->id, .refers_to = row->id};
    int code = add_name(builder, &name, &draft);
    if (code != 0)
        return code;
    struct zone *zone = VECTOR_ADD(snapshot->zones, snapshot->zone_count, builder->zone_capacity);
    if (!zone)
        return ERR_NOMEM;
    *zone = (struct zone){.id = (int32_t)row->id,
                          .name = builder->names[builder->name_count - 1].text,
                          .key = builder->names[builder->name_count - 1].key,
                          .key_length = name.key_length};
    return 0;
}

int snapshot_add_record(struct snapshot_builder *builder, const struct record_row *row)
{
    struct name name;
    struct error error = {0};
    if (name_parse(row->name, strlen(row->name), &name) != 0)
        return problems_add(&builder->snapshot->problems,
                            "record %" PRId64 ": %s is not a domain name", row->id, row->name);
    if (rdata_check(row->type, row->content, builder->snapshot->settings.powerdns_version,
                    &error) != 0)
        return problems_add(&builder->snapshot->problems, "record %" PRId64 " (%s %s): %s", row->id,
                            row->name, row->type, error.text);
    if (row->ttl_s < 0 || row->ttl_s > INT32_MAX)
        return problems_add(&builder->snapshot->problems,
                            "record %" PRId64 " (%s %s): ttl %" PRId64 " is out of range", row->id,
                            row->name, row->type, row->ttl_s);
    struct name_draft draft = {.kind = NAME_RECORD,
                               .row_id = row->id,
                               .has_reference = row->has_zone,
                               .refers_to = row->zone_id,
                               .record = {.type = keep(builder, row->type),
                                          .content = keep_trimmed(builder, row->content),
                                          .ttl_s = (uint32_t)row->ttl_s}};
    if (!draft.record.type || !draft.record.content)
        return ERR_NOMEM;
    draft.record.has_auto_hints =
        svcb_is_type(row->type) && svcb_has_auto_hints(draft.record.content);
    return add_name(builder, &name, &draft);
}

int snapshot_add_balanced_name(struct snapshot_builder *builder,
                               const struct balanced_name_row *row)
{
    struct name name;
    if (name_parse(row->name, strlen(row->name), &name) != 0)
        return problems_add(&builder->snapshot->problems, "balanced_name %s: not a domain name",
                            row->name);
    struct name_draft draft = {
        .kind = NAME_BALANCED, .has_reference = true, .refers_to = row->pool_id};
    return add_name(builder, &name, &draft);
}

int snapshot_add_controller(struct snapshot_builder *builder, const struct controller_row *row)
{
    struct snapshot *snapshot = builder->snapshot;
    struct controller controller = {
        .id = row->id, .name = keep(builder, row->name), .address = keep(builder, row->address)};
    if (!controller.name || (row->address && !controller.address))
        return ERR_NOMEM;
    if (!state_parse(row->state, &controller.state))
        return problems_add(&builder->snapshot->problems, "controller %s: unknown state %s",
                            row->name, row->state);
    struct controller *place =
        VECTOR_ADD(snapshot->controllers, snapshot->controller_count, builder->controller_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = controller;
    return 0;
}

/* Copies the columns of a pool and checks them. Returns the column that is not valid, or NULL. */
static const char *read_pool(const struct pool_row *row, struct pool *pool)
{
    if (!(pool->method = method_find(row->method)))
        return "method";
    if (!persistence_timer_parse(row->persistence_timer, &pool->timer))
        return "persistence_timer";
    if (!client_kind_parse(row->client, &pool->client))
        return "client";
    if (!fallback_parse(row->fallback, &pool->fallback))
        return "fallback";
    if (!failback_parse(row->failback, &pool->failback))
        return "failback";
    if (row->ttl_s < 0 || row->ttl_s > INT32_MAX)
        return "ttl";
    if (row->persistence_ttl_s < 0 || row->persistence_ttl_s > INT32_MAX)
        return "persistence_ttl";
    if (row->ipv4_prefix_bits < 0 || row->ipv4_prefix_bits > 32)
        return "ipv4_prefix";
    if (row->ipv6_prefix_bits < 0 || row->ipv6_prefix_bits > 128)
        return "ipv6_prefix";
    if (row->tolerance_percent < 0 || row->tolerance_percent > TOLERANCE_PERCENT_MAX)
        return "tolerance";
    if (row->failback_delay_s < 0 || row->failback_delay_s > INT32_MAX)
        return "failback_delay";
    pool->tolerance_percent = (uint32_t)row->tolerance_percent;
    pool->failback_delay_s = (uint32_t)row->failback_delay_s;
    pool->ttl_s = (uint32_t)row->ttl_s;
    pool->persistence_ttl_s = (uint32_t)row->persistence_ttl_s;
    pool->ipv4_prefix_bits = (uint8_t)row->ipv4_prefix_bits;
    pool->ipv6_prefix_bits = (uint8_t)row->ipv6_prefix_bits;
    return NULL;
}

/*
 * Without its metric the method is always undecided, and the next one of the chain decides. So the
 * pool can be used, but the operator should know.
 */
static int check_metric(struct snapshot_builder *builder, const struct pool *pool,
                        const struct method *method, const char *column)
{
    if (!method || !method->reads_pool_metric || pool->metric)
        return 0;
    return problems_add(&builder->snapshot->problems, "pool %s: %s %s needs a metric", pool->name,
                        column, method->name);
}

/* The alternate method; an unknown one is left out, since the pool works without it. */
static int read_chain(struct snapshot_builder *builder, const struct pool_row *row,
                      struct pool *pool)
{
    int code = 0;
    if (row->metric && strlen(row->metric) < METRIC_NAME_MAX &&
        !(pool->metric = keep(builder, row->metric)))
        return ERR_NOMEM;
    if (row->alternate_method && !(pool->alternate = method_find(row->alternate_method)))
        code = problems_add(&builder->snapshot->problems, "pool %s: unknown alternate_method %s",
                            row->name, row->alternate_method);
    if (code == 0)
        code = check_metric(builder, pool, pool->method, "method");
    if (code == 0)
        code = check_metric(builder, pool, pool->alternate, "alternate_method");
    return code;
}

int snapshot_add_pool(struct snapshot_builder *builder, const struct pool_row *row)
{
    struct pool_draft draft = {.pool = {.id = row->id, .name = keep(builder, row->name)},
                               .has_persistence_pool = row->has_persistence_pool,
                               .persistence_pool_id = row->persistence_pool_id,
                               .has_fallback = row->has_fallback_pool,
                               .fallback_id = row->fallback_pool_id};
    if (!draft.pool.name)
        return ERR_NOMEM;
    const char *column = read_pool(row, &draft.pool);
    if (column && strcmp(column, "method") == 0)
        return problems_add(&builder->snapshot->problems, "pool %s: unknown method %s", row->name,
                            row->method);
    if (column)
        return problems_add(&builder->snapshot->problems, "pool %s: %s cannot be used", row->name,
                            column);
    int code = read_chain(builder, row, &draft.pool);
    if (code != 0)
        return code;
    struct pool_draft *place =
        VECTOR_ADD(builder->pools, builder->pool_count, builder->pool_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = draft;
    return 0;
}

/*
 * Checks an address column and copies its text: IPv4 in canonical form, since IPv4-mapped addresses
 * are accepted too; IPv6 as it was written. 0, ERR_INVAL or ERR_NOMEM.
 */
static int read_address(struct snapshot_builder *builder, const char *text,
                        enum address_family family, const char **ret_text)
{
    struct address address;
    char plain[ADDRESS_TEXT_MAX];
    if (!text)
        return 0;
    if (strchr(text, '%') || address_parse(text, strlen(text), &address) != 0 ||
        address.family != family)
        return ERR_INVAL;
    bool is_mapped = family == FAMILY_IPV4 && strchr(text, ':');
    *ret_text = keep(builder, is_mapped ? address_format(&address, plain) : text);
    return *ret_text ? 0 : ERR_NOMEM;
}

/* Checks a column with a host name and copies its canonical text. 0, ERR_INVAL or ERR_NOMEM. */
static int read_host(struct snapshot_builder *builder, const char *text, const char **ret_text)
{
    struct name name;
    if (!text)
        return 0;
    if (name_parse(text, strlen(text), &name) != 0 || name.key_length == 0 ||
        rdata_check("CNAME", name.text, POWERDNS_LEAST, NULL) != 0)
        return ERR_INVAL;
    *ret_text = keep(builder, name.text);
    return *ret_text ? 0 : ERR_NOMEM;
}

/*
 * Reads what a server is answered with. 0, ERR_NOMEM, or ERR_INVAL with what is not valid: the text
 * of a column, and what it should be.
 */
static int read_offer(struct snapshot_builder *builder, const struct virtual_server_row *row,
                      struct virtual_server *server, const char **ret_text, const char **ret_what)
{
    int code = read_address(builder, row->ipv4, FAMILY_IPV4, &server->ipv4);
    *ret_text = row->ipv4;
    *ret_what = "an IPv4 address";
    if (code != 0)
        return code;
    code = read_address(builder, row->ipv6, FAMILY_IPV6, &server->ipv6);
    *ret_text = row->ipv6;
    *ret_what = "an IPv6 address";
    if (code != 0)
        return code;
    *ret_text = row->name;
    *ret_what = "a host name";
    return read_host(builder, row->name, &server->name);
}

int snapshot_add_virtual_server(struct snapshot_builder *builder,
                                const struct virtual_server_row *row)
{
    struct server_draft draft = {.server = {.id = row->id, .position = row->position},
                                 .pool_id = row->pool_id,
                                 .controller_id = row->controller_id};
    const char *text, *what;
    int code = read_offer(builder, row, &draft.server, &text, &what);
    if (code == ERR_INVAL)
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": %s is not %s", row->id, text, what);
    if (code != 0)
        return code;
    if (!virtual_server_text(&draft.server))
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": has no address", row->id);
    if (draft.server.name && (draft.server.ipv4 || draft.server.ipv6))
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": has an address beside its name", row->id);
    if (!state_parse(row->state, &draft.server.state))
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": unknown state %s", row->id, row->state);
    if (row->weight < 0 || row->weight > WEIGHT_MAX)
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": weight %" PRId64 " is not 0..65535",
                            row->id, row->weight);
    draft.server.weight = (uint32_t)row->weight;
    struct server_draft *place =
        VECTOR_ADD(builder->servers, builder->server_count, builder->server_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = draft;
    return 0;
}

int snapshot_add_group(struct snapshot_builder *builder, const struct group_row *row)
{
    struct prefix prefix;
    if (prefix_parse(row->cidr, strlen(row->cidr), &prefix) != 0)
        return problems_add(&builder->snapshot->problems, "ldns_group %s: not an address or prefix",
                            row->cidr);
    size_t length = strlen(row->name);
    if (length == 0 || length >= GROUP_NAME_MAX)
        return problems_add(&builder->snapshot->problems,
                            "ldns_group %s: the name is empty or too long", row->cidr);
    const char *name = keep(builder, row->name);
    if (!name)
        return ERR_NOMEM;
    return prefix_map_add(&builder->snapshot->groups, &prefix, name);
}

int snapshot_add_setting(struct snapshot_builder *builder, const struct setting_row *row)
{
    switch (settings_set(&builder->snapshot->settings, row->name, row->value)) {
    case 0:
        return 0;
    case ERR_NOTFOUND:
        return problems_add(&builder->snapshot->problems, "setting %s: unknown", row->name);
    default:
        return problems_add(&builder->snapshot->problems,
                            "setting %s: %" PRId64 " is out of range, the default is used",
                            row->name, row->value);
    }
}

#define COMPARE_FIELD(type, field)                                                                 \
    const type *a = left, *b = right;                                                              \
    return (a->field > b->field) - (a->field < b->field)

static int compare_zones(const void *left, const void *right)
{
    COMPARE_FIELD(struct zone, id);
}

static int compare_controllers(const void *left, const void *right)
{
    COMPARE_FIELD(struct controller, id);
}

static int compare_pool_drafts(const void *left, const void *right)
{
    COMPARE_FIELD(struct pool_draft, pool.id);
}

static int compare_server_drafts(const void *left, const void *right)
{
    COMPARE_FIELD(struct server_draft, server.id);
}

/* Compares drafts of one pool. */
static int compare_positions(const void *left, const void *right)
{
    const struct server_draft *a = *(struct server_draft *const *)left;
    const struct server_draft *b = *(struct server_draft *const *)right;
    if (a->server.position != b->server.position)
        return a->server.position < b->server.position ? -1 : 1;
    return compare_server_drafts(a, b);
}

static void sort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    const char *row = array;
    size_t sorted = 1; /* most tables are already sorted */
    while (sorted < count && compare(row + (sorted - 1) * size, row + sorted * size) <= 0)
        sorted++;
    if (sorted < count)
        qsort(array, count, size, compare);
}

/* Makes pools of the drafts, sorted by id. link_pools() resolves the references between them. */
static int place_pools(struct snapshot_builder *builder)
{
    struct snapshot *snapshot = builder->snapshot;
    sort(builder->pools, builder->pool_count, sizeof *builder->pools, compare_pool_drafts);
    snapshot->pools = calloc(builder->pool_count + 1, sizeof *snapshot->pools);
    if (!snapshot->pools)
        return ERR_NOMEM;
    for (size_t i = 0; i < builder->pool_count; i++)
        snapshot->pools[i] = builder->pools[i].pool;
    snapshot->pool_count = builder->pool_count;
    return 0;
}

/* The index of a draft's pool; one past the last if it has none. */
static size_t pool_number(const struct snapshot *snapshot, const struct server_draft *draft)
{
    return draft->pool ? (size_t)(draft->pool - snapshot->pools) : snapshot->pool_count;
}

/* Where the drafts of each pool begin. */
static void count_by_pool(struct snapshot_builder *builder, size_t *ret_begins)
{
    struct snapshot *snapshot = builder->snapshot;
    for (size_t i = 0; i < builder->server_count; i++) {
        struct server_draft *draft = &builder->servers[i];
        const struct pool *pool = snapshot_pool(snapshot, draft->pool_id);
        draft->pool = pool ? &snapshot->pools[pool - snapshot->pools] : NULL;
        ret_begins[pool_number(snapshot, draft) + 1]++;
    }
    for (size_t i = 1; i <= snapshot->pool_count + 1; i++)
        ret_begins[i] += ret_begins[i - 1];
}

/*
 * The drafts by pool and, within a pool, in their present order. A counting sort, since a question
 * may be waiting for ten thousand of them. To be freed; NULL without memory.
 */
static struct server_draft **order_servers(struct snapshot_builder *builder)
{
    const struct snapshot *snapshot = builder->snapshot;
    size_t *ends = calloc(snapshot->pool_count + 2, sizeof *ends);
    struct server_draft **order = calloc(builder->server_count + 1, sizeof *order);
    if (!ends || !order) {
        free(ends);
        free(order);
        return NULL;
    }
    count_by_pool(builder, ends);
    for (size_t i = 0; i < builder->server_count; i++) {
        struct server_draft *draft = &builder->servers[i];
        order[ends[pool_number(snapshot, draft)]++] = draft;
    }
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        size_t begin = i > 0 ? ends[i - 1] : 0;
        sort(order + begin, ends[i] - begin, sizeof *order, compare_positions);
    }
    free(ends);
    return order;
}

/* What the servers of a pool have. */
static const char *kind_of(const struct pool *pool)
{
    return pool_has_names(pool) ? "names" : "addresses";
}

static int place_server(struct snapshot_builder *builder, struct server_draft *draft)
{
    struct snapshot *snapshot = builder->snapshot;
    struct pool *pool = draft->pool;
    const struct controller *controller = snapshot_controller(snapshot, draft->controller_id);
    if (!pool)
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": pool %" PRId64
                            " does not exist or cannot be used",
                            draft->server.id, draft->pool_id);
    if (!controller)
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": controller %" PRId64
                            " does not exist or cannot be used",
                            draft->server.id, draft->controller_id);
    if (pool->server_count == POOL_SERVERS_MAX)
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": pool %s already has %d", draft->server.id,
                            pool->name, POOL_SERVERS_MAX);
    if (pool->server_count > 0 && pool_has_names(pool) != (draft->server.name != NULL))
        return problems_add(&builder->snapshot->problems,
                            "virtual_server %" PRId64 ": the servers of pool %s before it have %s",
                            draft->server.id, pool->name, kind_of(pool));
    struct virtual_server *place = &snapshot->servers[snapshot->server_count];
    *place = draft->server;
    place->controller = controller;
    place->index = snapshot->server_count++;
    draft->placed = place;
    if (pool->server_count++ == 0)
        pool->servers = place;
    return 0;
}

/* The drafts are sorted by id. */
static void index_servers(struct snapshot_builder *builder)
{
    struct id_index *next = builder->snapshot->server_ids;
    for (size_t i = 0; i < builder->server_count; i++) {
        const struct virtual_server *placed = builder->servers[i].placed;
        if (placed)
            *next++ = (struct id_index){placed->id, placed->index};
    }
}

static int place_servers(struct snapshot_builder *builder)
{
    struct snapshot *snapshot = builder->snapshot;
    sort(builder->servers, builder->server_count, sizeof *builder->servers, compare_server_drafts);
    snapshot->servers = calloc(builder->server_count + 1, sizeof *snapshot->servers);
    snapshot->server_ids = calloc(builder->server_count + 1, sizeof *snapshot->server_ids);
    struct server_draft **order = order_servers(builder);
    int code = snapshot->servers && snapshot->server_ids && order ? 0 : ERR_NOMEM;
    for (size_t i = 0; code == 0 && i < builder->server_count; i++)
        code = place_server(builder, order[i]);
    free(order);
    if (code == 0)
        index_servers(builder);
    return code;
}

/*
 * Sets the persistence pool and the fallback pool. One that does not exist is left out, with a
 * problem.
 */
static int link_pool(struct snapshot_builder *builder, size_t index)
{
    struct snapshot *snapshot = builder->snapshot;
    const struct pool_draft *draft = &builder->pools[index];
    struct pool *pool = &snapshot->pools[index];
    pool->persistence_pool = pool;
    if (draft->has_persistence_pool) {
        const struct pool *persistence_pool = snapshot_pool(snapshot, draft->persistence_pool_id);
        if (persistence_pool &&
            !builder->pools[persistence_pool - snapshot->pools].has_persistence_pool)
            pool->persistence_pool = persistence_pool;
        else if (problems_add(&builder->snapshot->problems,
                              "pool %s: persistence_pool_id %" PRId64 " cannot be used", pool->name,
                              draft->persistence_pool_id) != 0)
            return ERR_NOMEM;
    }
    if (draft->has_fallback) {
        pool->fallback_pool = snapshot_pool(snapshot, draft->fallback_id);
        if (!pool->fallback_pool)
            return problems_add(&builder->snapshot->problems,
                                "pool %s: fallback_pool_id %" PRId64 " cannot be used", pool->name,
                                draft->fallback_id);
    }
    return 0;
}

/* Says whether the fallback pools of a pool lead back to it. */
static bool falls_back_on_itself(const struct snapshot *snapshot, const struct pool *pool)
{
    const struct pool *next = pool->fallback_pool;
    for (size_t i = 0; next && i < snapshot->pool_count; i++) {
        if (next == pool)
            return true;
        next = next->fallback_pool;
    }
    return false;
}

/* Leaves out a fallback pool that leads back to the pool. 0 or ERR_NOMEM. */
static int cut_loop(struct snapshot *snapshot, struct pool *pool)
{
    if (!falls_back_on_itself(snapshot, pool))
        return 0;
    pool->fallback_pool = NULL;
    return problems_add(&snapshot->problems, "pool %s: its fallback pools lead back to it",
                        pool->name);
}

/*
 * Leaves out a fallback pool that has names where the pool has addresses, or the other way round:
 * the types of a name must not depend on who asks (without_client.h). Needs chains without loops. 0
 * or ERR_NOMEM.
 */
static int cut_other_kind(struct snapshot *snapshot, struct pool *pool)
{
    const struct pool *next = pool->fallback_pool;
    while (next && next->server_count == 0)
        next = next->fallback_pool;
    if (pool->server_count == 0 || !next || pool_has_names(pool) == pool_has_names(next))
        return 0;
    pool->fallback_pool = NULL;
    return problems_add(&snapshot->problems,
                        "pool %s: has %s, and its fallback pool %s has %s, so it is not used",
                        pool->name, kind_of(pool), next->name, kind_of(next));
}

/* Puts a pool on the list of those that use the mappings of another one. */
static void list_sharing(struct snapshot *snapshot, struct pool *pool)
{
    if (pool->persistence_pool == pool)
        return;
    struct pool *keeper = &snapshot->pools[pool->persistence_pool - snapshot->pools];
    pool->next_sharing = keeper->first_sharing;
    keeper->first_sharing = pool;
}

static int link_pools(struct snapshot_builder *builder)
{
    struct snapshot *snapshot = builder->snapshot;
    int code = 0;
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++)
        code = link_pool(builder, i);
    for (size_t i = snapshot->pool_count; code == 0 && i-- > 0;)
        list_sharing(snapshot, &snapshot->pools[i]);
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++)
        code = cut_loop(snapshot, &snapshot->pools[i]);
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++)
        code = cut_other_kind(snapshot, &snapshot->pools[i]);
    return code;
}

static bool has_weight(const struct pool *pool)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].weight > 0)
            return true;
    return false;
}

static int check_weights(struct problems *problems, const struct pool *pool,
                         const struct method *method, const char *column)
{
    if (!method || !method->by_weight || has_weight(pool))
        return 0;
    return problems_add(problems, "pool %s: %s %s needs a virtual server with a weight above 0",
                        pool->name, column, method->name);
}

int snapshot_check_pool(struct problems *problems, const struct pool *pool)
{
    if (pool->server_count > 0) {
        int code = check_weights(problems, pool, pool->method, "method");
        return code == 0 ? check_weights(problems, pool, pool->alternate, "alternate_method")
                         : code;
    }
    if (pool->fallback_pool)
        return 0;
    return problems_add(problems, "pool %s: has no virtual servers", pool->name);
}

static int check_pools(struct snapshot *snapshot)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++)
        code = snapshot_check_pool(&snapshot->problems, &snapshot->pools[i]);
    return code;
}

int snapshot_builder_finish(struct snapshot_builder *builder, struct snapshot **ret_snapshot)
{
    struct snapshot *snapshot = builder->snapshot;
    sort(snapshot->zones, snapshot->zone_count, sizeof *snapshot->zones, compare_zones);
    sort(snapshot->controllers, snapshot->controller_count, sizeof *snapshot->controllers,
         compare_controllers);
    for (size_t i = 0; i < snapshot->controller_count; i++)
        snapshot->controllers[i].index = i;
    prefix_map_seal(&snapshot->groups);
    int code = place_pools(builder);
    if (code == 0)
        code = place_servers(builder);
    if (code == 0)
        code = link_pools(builder);
    if (code == 0)
        code = check_pools(snapshot);
    if (code == 0)
        code = snapshot_place_pins(snapshot, builder->pins, builder->pin_count);
    if (code == 0)
        code = snapshot_place_names(snapshot, builder->names, builder->name_count);
    if (code != 0)
        return code;
    builder->snapshot = NULL;
    *ret_snapshot = snapshot;
    return 0;
}

/*
 * Pins: each row is checked by itself when it is added, and completed once the pools and their
 * servers are in place. A row that can match nobody is left out, with a problem: the schema rejects
 * it when it is written, but a server or a group may have been deleted since.
 */
#include "core/configuration/snapshot_pins.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/vector.h"
#include "core/configuration/snapshot_builder_parts.h"

/* ---------------------------------------------------------------- a row by itself */

/* 0, or ERR_INVAL with what is wrong with the text of a network. */
static int read_network(const char *text, struct prefix *ret_network, const char **ret_what)
{
    struct address address;
    *ret_what = "is not a network or an address";
    if (prefix_parse(text, strlen(text), ret_network) != 0 ||
        address_parse(text, strcspn(text, "/"), &address) != 0)
        return ERR_INVAL;
    *ret_what = "has bits after its prefix, as 192.0.2.1/24 has";
    if (!address_equal(&address, &ret_network->address))
        return ERR_INVAL;
    *ret_what = "is not the address of any client";
    bool is_whole = ret_network->bits == family_bits(address.family);
    return is_whole && address_is_unspecified(&address) ? ERR_INVAL : 0;
}

static int keep_text(struct snapshot_builder *builder, const char *text, const char **ret_text)
{
    *ret_text = text ? arena_copy(builder->arena, text, strlen(text)) : NULL;
    return text && !*ret_text ? ERR_NOMEM : 0;
}

int snapshot_add_pin(struct snapshot_builder *builder, const struct pin_row *row)
{
    struct problems *problems = &builder->snapshot->problems;
    struct pin_draft draft = {
        .pin = {.id = row->id, .until_s = row->has_until ? row->until_s : PIN_WITHOUT_END},
        .has_pool = row->has_pool,
        .pool_id = row->pool_id,
        .controller_id = row->controller_id};
    const char *what;
    builder->snapshot->has_pin_rows = true;
    if (!row->network == !row->group)
        return problems_add(problems, "pin %" PRId64 ": needs a network or a group, and not both",
                            row->id);
    if (row->network && read_network(row->network, &draft.pin.network, &what) != 0)
        return problems_add(problems, "pin %" PRId64 ": %s %s", row->id, row->network, what);
    if (row->group && (!*row->group || strlen(row->group) >= GROUP_NAME_MAX))
        return problems_add(problems, "pin %" PRId64 ": the group is empty or too long", row->id);
    if (keep_text(builder, row->group, &draft.pin.group) != 0 ||
        keep_text(builder, row->comment, &draft.pin.comment) != 0)
        return ERR_NOMEM;
    struct pin_draft *place = VECTOR_ADD(builder->pins, builder->pin_count, builder->pin_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = draft;
    return 0;
}

/* ---------------------------------------------------------------- among the other rows */

/* What is known of a controller. */
struct site {
    bool has_server; /* in some pool */
    bool has_pins;   /* of all pools; the longest ones for networks: */
    uint8_t longest_ipv4_bits, longest_ipv6_bits;
};

/* What pins refer to, so that it need not be searched for with each of them. */
struct others {
    struct site *sites;  /* by controller.index */
    const char **groups; /* the name of each row, sorted */
    size_t group_count;
};

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void others_release(struct others *others)
{
    free(others->sites);
    free(others->groups);
}

/* 0 or ERR_NOMEM; to be released in either case. */
static int others_find(const struct snapshot *snapshot, struct others *others)
{
    const struct prefix_map *groups = &snapshot->groups;
    *others = (struct others){
        .sites = calloc(snapshot->controller_count + 1, sizeof *others->sites),
        .groups = calloc(groups->count + 1, sizeof *others->groups),
        .group_count = groups->count,
    };
    if (!others->sites || !others->groups)
        return ERR_NOMEM;
    for (size_t i = 0; i < snapshot->server_count; i++)
        others->sites[snapshot->servers[i].controller->index].has_server = true;
    for (size_t i = 0; i < groups->count; i++)
        others->groups[i] = groups->values[i];
    qsort(others->groups, groups->count, sizeof *others->groups, compare_names);
    return 0;
}

/* Says so, too, of a pin that is for a network. */
static bool has_group(const struct others *others, const struct pin *pin)
{
    return !pin->group || bsearch(&pin->group, others->groups, others->group_count,
                                  sizeof *others->groups, compare_names) != NULL;
}

static bool has_server(const struct others *others, const struct pin *pin)
{
    return pin->pool ? pin_is_of_pool(pin, pin->pool)
                     : others->sites[pin->controller->index].has_server;
}

/* Adds a pin that refers to rows that are there, or a problem if it can match nobody. */
static int add_pin(struct snapshot *snapshot, const struct pin *pin, const struct others *others)
{
    char text[PIN_TEXT_MAX];
    pin_format(pin, text);
    if (has_group(others, pin) && has_server(others, pin))
        return pins_add(&snapshot->pins, pin);
    if (!has_group(others, pin))
        return problems_add(&snapshot->problems,
                            "pin %" PRId64 " (%s): ldns_group has no such group", pin->id, text);
    return problems_add(&snapshot->problems,
                        "pin %" PRId64 " (%s): %s has no virtual server in %s%s", pin->id, text,
                        pin->controller->name, pin->pool ? "pool " : "any pool",
                        pin->pool ? pin->pool->name : "");
}

static int place_pin(struct snapshot *snapshot, const struct pin_draft *draft,
                     const struct others *others)
{
    char text[PIN_TEXT_MAX];
    struct pin pin = draft->pin;
    pin.controller = snapshot_controller(snapshot, draft->controller_id);
    pin.pool = draft->has_pool ? snapshot_pool(snapshot, draft->pool_id) : NULL;
    if (draft->has_pool && !pin.pool)
        return problems_add(&snapshot->problems,
                            "pin %" PRId64 " (%s): pool %" PRId64
                            " does not exist or cannot be used",
                            pin.id, pin_format(&pin, text), draft->pool_id);
    if (!pin.controller)
        return problems_add(&snapshot->problems,
                            "pin %" PRId64 " (%s): controller %" PRId64
                            " does not exist or cannot be used",
                            pin.id, pin_format(&pin, text), draft->controller_id);
    return add_pin(snapshot, &pin, others);
}

/* Of two pins for the same network or group of a pool, the one with the lower id counts. */
static int drop_repeated(struct snapshot *snapshot)
{
    struct pins *pins = &snapshot->pins;
    size_t kept = 0;
    if (pins->count == 0)
        return 0;
    qsort(pins->pins, pins->count, sizeof *pins->pins, pin_compare);
    for (size_t i = 1; i < pins->count; i++) {
        char text[PIN_TEXT_MAX];
        const struct pin *pin = &pins->pins[i];
        if (!pin_is_for_same(&pins->pins[kept], pin))
            pins->pins[++kept] = *pin;
        else if (problems_add(&snapshot->problems,
                              "pin %" PRId64 " (%s): pin %" PRId64 " is for the same", pin->id,
                              pin_format(pin, text), pins->pins[kept].id) != 0)
            return ERR_NOMEM;
    }
    pins->count = kept + 1;
    return 0;
}

/* ---------------------------------------------------------------- what pools have of them */

static void raise_to(uint8_t *bits, uint8_t to)
{
    if (to > *bits)
        *bits = to;
}

static void note_in_pool(struct pool *pool, uint8_t ipv4_bits, uint8_t ipv6_bits)
{
    pool->has_pins = true;
    raise_to(&pool->longest_ipv4_pin_bits, ipv4_bits);
    raise_to(&pool->longest_ipv6_pin_bits, ipv6_bits);
}

static void note_pin(struct snapshot *snapshot, const struct pin *pin, struct site *sites)
{
    const struct prefix *network = &pin->network;
    uint8_t ipv4_bits = network->address.family == FAMILY_IPV4 ? network->bits : 0;
    uint8_t ipv6_bits = network->address.family == FAMILY_IPV6 ? network->bits : 0;
    if (pin->pool) {
        note_in_pool(&snapshot->pools[pin->pool - snapshot->pools], ipv4_bits, ipv6_bits);
        return;
    }
    struct site *site = &sites[pin->controller->index];
    site->has_pins = true;
    raise_to(&site->longest_ipv4_bits, ipv4_bits);
    raise_to(&site->longest_ipv6_bits, ipv6_bits);
}

static void note_pins(struct snapshot *snapshot, struct site *sites)
{
    for (size_t i = 0; i < snapshot->pins.count; i++)
        note_pin(snapshot, &snapshot->pins.pins[i], sites);
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        struct pool *pool = &snapshot->pools[i];
        for (size_t k = 0; k < pool->server_count; k++) {
            const struct site *site = &sites[pool->servers[k].controller->index];
            if (site->has_pins)
                note_in_pool(pool, site->longest_ipv4_bits, site->longest_ipv6_bits);
        }
    }
}

int snapshot_place_pins(struct snapshot *snapshot, const struct pin_draft *drafts, size_t count)
{
    if (count == 0)
        return 0;
    struct others others;
    int code = others_find(snapshot, &others);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = place_pin(snapshot, &drafts[i], &others);
    if (code == 0)
        code = drop_repeated(snapshot);
    if (code == 0)
        code = pins_seal(&snapshot->pins);
    if (code == 0)
        note_pins(snapshot, others.sites);
    others_release(&others);
    return code;
}

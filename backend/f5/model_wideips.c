/*
 * Wide IPs: the names that are answered from pools.
 */
#include <stdlib.h>
#include <string.h>

#include "f5/model_parts.h"

/* The name without a trailing dot. */
static const char *without_dot(struct f5_work *work, const char *name)
{
    size_t length = strlen(name);
    if (length > 1 && name[length - 1] == '.')
        length--;
    return work_printf(work, "%.*s", (int)length, name);
}

static int take_aliases(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    for (size_t i = 0; property->item && i < property->item->items.count; i++) {
        const struct f5_item *item = property->item->items.items[i];
        for (size_t j = 0; j < item->word_count; j++) {
            const char *alias = without_dot(work, item->words[j]);
            if (!alias || list_add(work, &wideip->aliases, alias) != 0)
                return ERR_NOMEM;
        }
    }
    return 0;
}

static int take_order(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_use *use = object;
    return f5_property_number(work, property, INT32_MAX, &use->order);
}

static int take_ratio(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_use *use = object;
    return f5_property_number(work, property, 65535, &use->ratio);
}

static const struct f5_property_rule use_rules[] = {
    OBJECT_RULES,
    {"order", SHAPE_VALUE, take_order, NULL},
    {"ratio", SHAPE_VALUE, take_ratio, NULL},
};

static int read_use(struct f5_work *work, const struct f5_item *item, size_t word,
                    struct list *uses)
{
    static const struct f5_property_table table = F5_TABLE(use_rules);
    const struct f5_item empty = {0};
    struct f5_use *use = work_alloc(work, sizeof *use);
    if (!use || model_object_init(work, item, word, &use->object) != 0)
        return ERR_NOMEM;
    use->order = INT32_MAX;
    use->ratio = 1;
    use->place = uses->count;
    bool has_block = item->has_block && word + 1 == item->word_count;
    int code = f5_properties_read(work, has_block ? item : &empty, &table, use, &use->object.notes);
    return code == 0 ? list_add(work, uses, use) : code;
}

static int compare_uses(const void *left, const void *right)
{
    const struct f5_use *a = *(void *const *)left, *b = *(void *const *)right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

static int take_uses(struct f5_work *work, const struct f5_property *property, struct list *uses)
{
    int code = 0;
    for (size_t i = 0; property->item && i < property->item->items.count; i++) {
        const struct f5_item *item = property->item->items.items[i];
        for (size_t j = 0; code == 0 && j < item->word_count; j++)
            code = read_use(work, item, j, uses);
    }
    if (code == 0 && uses->count > 1)
        qsort(uses->items, uses->count, sizeof *uses->items, compare_uses);
    return code;
}

static int take_pools(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return take_uses(work, property, &wideip->uses);
}

static int take_cname_pools(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return take_uses(work, property, &wideip->cname_uses);
}

static int take_spread(struct f5_work *work, void *object, const struct f5_property *property)
{
    static const char *const words[] = {"round-robin", "ratio", "global-availability", "topology"};
    struct f5_wideip *wideip = object;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], property->values[0]) == 0) {
            wideip->spread = (enum f5_spread)i;
            return 0;
        }
    }
    return work_error(work, property->line, "%s '%s' is not known", property->name,
                      property->values[0]);
}

static int take_last_resort(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    const char *name = property->values[property->count - 1];
    wideip->last_resort_record = wideip->record;
    if (strcmp(name, "none") == 0)
        return 0;
    if (property->count == 2 &&
        !model_record_find(property->values[0], &wideip->last_resort_record))
        return note_add(work, &wideip->object.notes, "last-resort-pool %s %s: not imported",
                        property->values[0], name);
    wideip->last_resort_path = model_path(work, name);
    return wideip->last_resort_path ? 0 : ERR_NOMEM;
}

static int take_persistence(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return f5_property_switch(work, property, &wideip->persistence);
}

static int take_persistence_ttl(struct f5_work *work, void *object,
                                const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    int code = f5_property_number(work, property, UINT32_MAX, &wideip->persistence_ttl_s);
    if (code == 0 && wideip->persistence_ttl_s > F5_SECONDS_MAX) {
        wideip->persistence_ttl_s = F5_SECONDS_MAX;
        code = note_add(work, &wideip->object.notes, "ttl-persistence %s: 68 years are the most",
                        property->values[0]);
    }
    return code;
}

static int take_ipv4_bits(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return f5_property_number(work, property, 32, &wideip->ipv4_bits);
}

static int take_ipv6_bits(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return f5_property_number(work, property, 128, &wideip->ipv6_bits);
}

static int take_client_subnet(struct f5_work *work, void *object,
                              const struct f5_property *property)
{
    struct f5_wideip *wideip = object;
    return f5_property_switch(work, property, &wideip->client_subnet);
}

static const struct f5_property_rule wideip_rules[] = {
    OBJECT_RULES,
    {"aliases", SHAPE_BLOCK, take_aliases, NULL},
    {"pools", SHAPE_BLOCK, take_pools, NULL},
    {"pools-cname", SHAPE_BLOCK, take_cname_pools, NULL},
    {"pool-lb-mode", SHAPE_VALUE, take_spread, NULL},
    {"last-resort-pool", SHAPE_POOL, take_last_resort, NULL},
    {"persistence", SHAPE_VALUE, take_persistence, NULL},
    {"ttl-persistence", SHAPE_VALUE, take_persistence_ttl, NULL},
    {"persist-cidr-ipv4", SHAPE_VALUE, take_ipv4_bits, NULL},
    {"persist-cidr-ipv6", SHAPE_VALUE, take_ipv6_bits, NULL},
    {"topology-prefer-edns0-client-subnet", SHAPE_VALUE, take_client_subnet, NULL},
    {"rules", SHAPE_BLOCK, NULL, "iRules have no counterpart: see what they do"},
    {"failure-rcode*", SHAPE_VALUE, NULL,
     "the answer without a server is that of pool.fallback: 'any', 'none' or 'servfail'"},
    {"minimal-response", SHAPE_VALUE, NULL, "PowerDNS decides what is in an answer besides"},
    {"load-balancing-decision-log-verbosity", SHAPE_BLOCK, NULL,
     "`pdns-sticky explain NAME LDNS` shows each step of a decision"},
    {"ipv6-no-error-*", SHAPE_VALUE, NULL,
     "a name with one family of addresses gives an empty answer for the other one (NODATA)"},
};

int model_read_wideip(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(wideip_rules);
    bool typed = item->word_count == 4;
    struct f5_wideip *wideip = work_alloc(work, sizeof *wideip);
    if (!wideip)
        return ERR_NOMEM;
    if (typed && !model_record_find(item->words[2], &wideip->record))
        return list_add(work, &model->others, item);
    wideip->persistence_ttl_s = 3600;
    wideip->ipv4_bits = 32;
    wideip->ipv6_bits = 128;
    int code = model_object_init(work, item, typed ? 3 : 2, &wideip->object);
    if (code == 0)
        code = f5_properties_read(work, item, &table, wideip, &wideip->object.notes);
    if (code == 0 && !(wideip->name = without_dot(work, model_leaf(wideip->object.path))))
        code = ERR_NOMEM;
    if (code == 0)
        code = model_add(work, model, &model->wideips,
                         work_printf(work, "wideip %s", model_record_word(wideip->record)),
                         &wideip->object);
    return code;
}

static int link_pool(struct f5_work *work, const struct f5_model *model, int line,
                     enum f5_record record, const char *path, struct f5_pool **ret_pool)
{
    const char *kind = work_printf(work, "pool %s", model_record_word(record));
    struct f5_pool *pool = kind ? f5_model_find(work, model, kind, path) : NULL;
    if (!pool)
        return work_error(work, line,
                          "the input has no pool %s %s; give all of bigip_gtm.conf, with those of"
                          " other partitions",
                          model_record_word(record), path);
    pool->used = true;
    *ret_pool = pool;
    return 0;
}

static int link_uses(struct f5_work *work, const struct f5_model *model, enum f5_record record,
                     const struct list *uses)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < uses->count; i++) {
        struct f5_use *use = uses->items[i];
        code = link_pool(work, model, use->object.line, record, use->object.path, &use->pool);
    }
    return code;
}

int model_link_wideips(struct f5_work *work, struct f5_model *model)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < model->wideips.count; i++) {
        struct f5_wideip *wideip = model->wideips.items[i];
        code = link_uses(work, model, wideip->record, &wideip->uses);
        if (code == 0)
            code = link_uses(work, model, RECORD_CNAME, &wideip->cname_uses);
        if (code == 0 && wideip->last_resort_path)
            code = link_pool(work, model, wideip->object.line, wideip->last_resort_record,
                             wideip->last_resort_path, &wideip->last_resort);
    }
    return code;
}

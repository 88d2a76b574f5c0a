/*
 * Pools of A, AAAA and CNAME records, and their members.
 */
#include <stdlib.h>
#include <string.h>

#include "f5/model_parts.h"

static int take_member_order(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_member *member = object;
    return f5_property_number(work, property, INT32_MAX, &member->order);
}

static int take_member_ratio(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_member *member = object;
    return f5_property_number(work, property, 65535, &member->ratio);
}

static const char limits[] = "there are no limits of this kind here";

static const struct f5_property_rule member_rules[] = {
    OBJECT_RULES,
    {"member-order", SHAPE_VALUE, take_member_order, NULL},
    {"order", SHAPE_VALUE, take_member_order, NULL},
    {"ratio", SHAPE_VALUE, take_member_ratio, NULL},
    {"static-target", SHAPE_VALUE, NULL, NULL}, /* whether the name is a wide IP itself */
    {"monitor", SHAPE_MONITOR, NULL, "a member has the monitor of its virtual server"},
    {"limit-*", SHAPE_VALUE, NULL, limits},
    {"depends-on", SHAPE_BLOCK, NULL,
     "the availability of a server depends on its own check alone: let that check what it needs"},
};

static int read_member(struct f5_work *work, const struct f5_item *item, struct f5_pool *pool)
{
    static const struct f5_property_table table = F5_TABLE(member_rules);
    struct f5_member *member = work_alloc(work, sizeof *member);
    if (!member)
        return ERR_NOMEM;
    if (item->word_count != 1)
        return work_error(work, item->line, "a member is one name and its block");
    member->object = (struct f5_object){.path = item->words[0], .line = item->line};
    member->order = INT32_MAX;
    member->ratio = 1;
    member->place = pool->members.count;
    int code = f5_properties_read(work, item, &table, member, &member->object.notes);
    return code == 0 ? list_add(work, &pool->members, member) : code;
}

/* `members { A B }` on one line is a single item of two words. */
static int read_members(struct f5_work *work, const struct f5_item *item, struct f5_pool *pool)
{
    int code = 0;
    if (item->word_count < 2)
        return read_member(work, item, pool);
    for (size_t i = 0; code == 0 && i < item->word_count; i++) {
        struct f5_item one = {.line = item->line, .word_count = 1, .words = item->words + i};
        if (i + 1 == item->word_count)
            one.items = item->items;
        code = read_member(work, &one, pool);
    }
    return code;
}

static int take_members(struct f5_work *work, void *object, const struct f5_property *property)
{
    int code = 0;
    for (size_t i = 0; property->item && code == 0 && i < property->item->items.count; i++)
        code = read_members(work, property->item->items.items[i], object);
    return code;
}

static int take_mode(struct f5_work *work, const struct f5_property *property,
                     const struct f5_mode **ret_mode)
{
    const struct f5_mode *mode = f5_mode_find(property->values[0]);
    if (!mode)
        return work_error(work, property->line, "%s '%s' is not known", property->name,
                          property->values[0]);
    *ret_mode = mode;
    return 0;
}

static int take_preferred(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    return take_mode(work, property, &pool->preferred);
}

static int take_alternate(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    return take_mode(work, property, &pool->alternate);
}

static int take_fallback(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    return take_mode(work, property, &pool->fallback);
}

static int take_fallback_ip(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    if (model_address(property->values[0], &pool->fallback_ip) == 0)
        return 0;
    return work_error(work, property->line, "%s is an address, not '%s'", property->name,
                      property->values[0]);
}

static int take_ttl(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    int code = f5_property_number(work, property, UINT32_MAX, &pool->ttl_s);
    if (code == 0 && pool->ttl_s > F5_SECONDS_MAX) {
        pool->ttl_s = F5_SECONDS_MAX;
        code = note_add(work, &pool->object.notes, "ttl %s is too long for DNS (RFC 2181)",
                        property->values[0]);
    }
    return code;
}

static int take_verify(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    return f5_property_switch(work, property, &pool->verifies);
}

static int take_monitors(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    return model_monitors(work, property, &pool->monitors);
}

static int take_answers(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_pool *pool = object;
    int64_t answers;
    int code = f5_property_number(work, property, UINT32_MAX, &answers);
    if (code == 0 && answers > 1)
        code = note_add(work, &pool->object.notes,
                        "max-answers-returned %s: a resolver gets the address of one site",
                        property->values[0]);
    return code;
}

static const struct f5_property_rule pool_rules[] = {
    OBJECT_RULES,
    {"members", SHAPE_BLOCK, take_members, NULL},
    {"load-balancing-mode", SHAPE_VALUE, take_preferred, NULL},
    {"alternate-mode", SHAPE_VALUE, take_alternate, NULL},
    {"fallback-mode", SHAPE_VALUE, take_fallback, NULL},
    {"fallback-ip", SHAPE_VALUE, take_fallback_ip, NULL},
    {"fallback-ipv4", SHAPE_VALUE, take_fallback_ip, NULL},
    {"fallback-ipv6", SHAPE_VALUE, take_fallback_ip, NULL},
    {"ttl", SHAPE_VALUE, take_ttl, NULL},
    {"verify-member-availability", SHAPE_VALUE, take_verify, NULL},
    {"monitor", SHAPE_MONITOR, take_monitors, NULL},
    {"max-answers-returned", SHAPE_VALUE, take_answers, NULL},
    {"max-address-returned", SHAPE_VALUE, take_answers, NULL},
    {"dynamic-ratio", SHAPE_VALUE, NULL,
     "measured values are not turned into ratios; column tolerance says which values count as "
     "equal"},
    {"manual-resume", SHAPE_VALUE, NULL,
     "a server that recovers is used again; live mappings stay at the other site until they end"},
    {"min-members-up-*", SHAPE_VALUE, NULL, "a pool is used as long as one of its servers is up"},
    {"qos-*", SHAPE_VALUE, NULL, "there is no quality-of-service score here"},
    {"limit-*", SHAPE_VALUE, NULL, limits},
    {"canonical-name", SHAPE_VALUE, NULL,
     "a pool answers with addresses or with names, not with both (virtual_server.name)"},
    {"cname", SHAPE_VALUE, NULL,
     "a pool answers with addresses or with names, not with both (virtual_server.name)"},
};

/* Equal ones stay in the order of the input. */
static int compare_members(const void *left, const void *right)
{
    const struct f5_member *a = *(void *const *)left, *b = *(void *const *)right;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

static void sort_members(struct list *members)
{
    if (members->count > 1)
        qsort(members->items, members->count, sizeof *members->items, compare_members);
}

int model_read_pool(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(pool_rules);
    bool typed = item->word_count == 4;
    struct f5_pool *pool = work_alloc(work, sizeof *pool);
    if (!pool)
        return ERR_NOMEM;
    if (typed && !model_record_find(item->words[2], &pool->record))
        return list_add(work, &model->others, item);
    pool->mixed = !typed;
    pool->ttl_s = 30;
    pool->verifies = true;
    pool->preferred = pool->alternate = f5_mode_find("round-robin");
    pool->fallback = f5_mode_find("return-to-dns");
    int code = model_object_init(work, item, typed ? 3 : 2, &pool->object);
    if (code == 0)
        code = f5_properties_read(work, item, &table, pool, &pool->object.notes);
    sort_members(&pool->members);
    if (code == 0)
        code =
            model_add(work, model, &model->pools,
                      work_printf(work, "pool %s", model_record_word(pool->record)), &pool->object);
    return code;
}

/* Finds SERVER:VIRTUAL-SERVER, in whose names there may be colons too. */
static void find_member(struct f5_work *work, const struct f5_model *model,
                        struct f5_member *member)
{
    const char *reference = member->object.path;
    for (const char *colon = strchr(reference, ':'); colon && !member->virtual_server;
         colon = strchr(colon + 1, ':')) {
        const char *name = work_printf(work, "%.*s", (int)(colon - reference), reference);
        const char *path = name ? model_path(work, name) : NULL;
        member->server = path ? f5_model_find(work, model, "server", path) : NULL;
        if (member->server)
            member->virtual_server = text_index_find(&member->server->names, colon + 1);
    }
}

static int link_member(struct f5_work *work, const struct f5_model *model,
                       const struct f5_pool *pool, struct f5_member *member)
{
    if (pool->record == RECORD_CNAME)
        return 0;
    find_member(work, model, member);
    if (!member->virtual_server)
        return work_error(work, member->object.line,
                          "the input has no virtual server '%s', of which pool %s is made; give"
                          " all of bigip_gtm.conf, with those of other partitions",
                          member->object.path, pool->object.path);
    enum address_family family = member->virtual_server->address.family;
    if (!pool->mixed && family != (pool->record == RECORD_A ? FAMILY_IPV4 : FAMILY_IPV6))
        return work_error(work, member->object.line, "the address of '%s' is not for pool %s %s",
                          member->object.path, model_record_word(pool->record), pool->object.path);
    return 0;
}

int model_link_pools(struct f5_work *work, struct f5_model *model)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < model->pools.count; i++) {
        const struct f5_pool *pool = model->pools.items[i];
        for (size_t j = 0; code == 0 && j < pool->members.count; j++)
            code = link_member(work, model, pool, pool->members.items[j]);
    }
    return code;
}

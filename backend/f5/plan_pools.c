/*
 * From stages to pools. A stage that was planned for another name, with the same pools behind it
 * and the same persistence, is the same pool; with other ones it is another pool of the same
 * servers.
 */
#include <string.h>

#include "core/base/buffer.h"
#include "f5/model_parts.h"
#include "f5/plan_parts.h"

/* What a pool is planned from. */
struct pooling {
    struct f5_work *work;
    struct f5_plan *plan;
    struct f5_model *model;
    const struct f5_answering *answering;
};

static const char *path_of(const struct f5_pool *pool)
{
    return pool ? pool->object.path : "";
}

/* The same for stages of the same servers, chosen from in the same way. */
static const char *parts_key(struct f5_work *work, const struct f5_stage *stage)
{
    struct buffer key = {0};
    char ipv4[ADDRESS_TEXT_MAX], ipv6[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        buffer_printf(&key, "%s|%s|%s|%lld;", path_of(part->a), path_of(part->aaaa),
                      path_of(part->cname), (long long)part->ratio);
    }
    buffer_printf(&key, "%d %s %s", stage->parts.count > 1 ? (int)stage->spread : 0,
                  address_format(&stage->ipv4, ipv4), address_format(&stage->ipv6, ipv6));
    char *copy = key.failed ? NULL : work_copy(work, buffer_text(&key));
    if (key.failed)
        error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    buffer_release(&key);
    return copy;
}

/* The pool whose settings count. */
static const struct f5_pool *first_pool(const struct f5_stage *stage)
{
    const struct f5_part *part = stage->parts.count > 0 ? stage->parts.items[0] : NULL;
    if (!part)
        return NULL;
    return part->a ? part->a : part->aaaa ? part->aaaa : part->cname;
}

static int add_from(struct f5_work *work, struct buffer *from, const struct f5_pool *pool)
{
    const char *kind = pool ? work_printf(work, "pool %s", model_record_word(pool->record)) : NULL;
    const char *text = kind ? plan_from(work, kind, &pool->object) : NULL;
    if (text)
        buffer_printf(from, "%s%s", from->length ? "; " : "", text);
    return !pool || text ? 0 : ERR_NOMEM;
}

static int set_from(struct f5_work *work, const struct f5_stage *stage,
                    struct f5_planned_pool *pool)
{
    struct buffer from = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        code = add_from(work, &from, part->a);
        if (code == 0)
            code = add_from(work, &from, part->aaaa);
        if (code == 0)
            code = add_from(work, &from, part->cname);
    }
    if (stage->parts.count == 0)
        buffer_add_text(&from, "the fallback-ip of the pool that falls back on this one");
    if (code == 0)
        code = from.failed || !(pool->from = work_copy(work, buffer_text(&from)))
                   ? error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM))
                   : 0;
    buffer_release(&from);
    return code;
}

static int copy_notes_of(struct f5_work *work, const struct f5_stage *stage,
                         struct f5_planned_pool *pool)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        const struct f5_pool *pools[] = {part->a, part->aaaa, part->cname};
        for (size_t j = 0; code == 0 && j < sizeof pools / sizeof *pools; j++) {
            if (!pools[j])
                continue;
            code = plan_copy_notes(work, &pools[j]->object, &pool->notes);
            if (code == 0 && pools[j]->object.disabled)
                code = note_add(work, &pool->notes, "%s is disabled, and so are its servers here",
                                pools[j]->object.path);
        }
    }
    return code;
}

static int note_mode(struct pooling *pooling, struct f5_planned_pool *pool, const char *property,
                     const struct f5_mode *mode)
{
    return mode->note ? note_add(pooling->work, &pool->notes, "%s %s: %s", property, mode->word,
                                 mode->note)
                      : 0;
}

/* The alternate mode counts where the preferred one may find nothing; else nobody is up either. */
static int set_alternate(struct pooling *pooling, const struct f5_mode *mode,
                         struct f5_planned_pool *pool)
{
    if (mode->kind != MODE_METHOD || strcmp(mode->method, pool->method) == 0)
        return 0;
    if (mode->metric && pool->metric && strcmp(mode->metric, pool->metric) != 0)
        return note_add(pooling->work, &pool->notes,
                        "alternate-mode %s: a pool has one metric; left out", mode->word);
    pool->alternate = mode->method;
    if (mode->metric)
        pool->metric = mode->metric;
    return note_mode(pooling, pool, "alternate-mode", mode);
}

/* How one pool chooses. */
static int set_method(struct pooling *pooling, const struct f5_pool *from,
                      struct f5_planned_pool *pool)
{
    if (plan_is_fixed(from)) {
        pool->method = "failover";
        return 0;
    }
    pool->method = from->preferred->method;
    pool->metric = from->preferred->metric;
    int code = note_mode(pooling, pool, "load-balancing-mode", from->preferred);
    return code == 0 && from->preferred->undecided ? set_alternate(pooling, from->alternate, pool)
                                                   : code;
}

/* The method that all parts have, or round robin. */
static const char *common_method(const struct f5_stage *stage)
{
    const char *method = NULL;
    for (size_t i = 0; i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        const struct f5_pool *pool = part->a ? part->a : part->aaaa ? part->aaaa : part->cname;
        const char *own = plan_is_fixed(pool) ? "round-robin" : pool->preferred->method;
        if (method && strcmp(method, own) != 0)
            return "round-robin";
        method = own;
    }
    return strcmp(method, "topology") == 0 || strcmp(method, "least") == 0 ? "round-robin" : method;
}

static bool has_single_members(const struct f5_stage *stage)
{
    for (size_t i = 0; i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        const struct f5_pool *pool = part->a ? part->a : part->aaaa ? part->aaaa : part->cname;
        if (!plan_is_fixed(pool) && pool->members.count != 1)
            return false;
    }
    return true;
}

/* How several pools that become one choose. */
static int set_merged_method(struct pooling *pooling, const struct f5_stage *stage,
                             struct f5_planned_pool *pool)
{
    if (stage->spread == SPREAD_TOPOLOGY) {
        pool->method = "topology";
        pool->alternate = common_method(stage);
        return note_add(pooling->work, &pool->notes,
                        "pool-lb-mode topology: these pools are one here, since a name has one"
                        " pool; table topology leads to the controllers of each of them. Among"
                        " servers that are equally close, their weight counts");
    }
    bool in_turn = stage->spread == SPREAD_ROUND_ROBIN && has_single_members(stage);
    pool->method = in_turn ? "round-robin" : "ratio";
    return note_add(pooling->work, &pool->notes,
                    "pool-lb-mode %s: these pools are one here, since a name has one pool%s",
                    stage->spread == SPREAD_RATIO ? "ratio" : "round-robin",
                    in_turn ? ""
                            : "; the weights are the shares of the pools times 100, split"
                              " among their members");
}

/* What is said when all servers are down. */
static int set_fallback(struct pooling *pooling, const struct f5_pool *from,
                        struct f5_planned_pool *pool)
{
    const struct f5_mode *end = plan_end(from);
    struct list *notes = &pool->notes;
    pool->fallback = "any";
    if (plan_is_fixed(from) || (pool->next && end->kind == MODE_DNS) ||
        (end->kind == MODE_FALLBACK_IP && pool->next && pool->next->rows.count > 0 &&
         from->fallback_ip.family != FAMILY_NONE))
        return 0;
    switch (end->kind) {
    case MODE_DROP:
        pool->fallback = "servfail";
        return note_add(pooling->work, notes,
                        "drop-packet: an error instead of silence, so that a resolver asks another"
                        " name server at once%s",
                        pool->next ? "; counts only in the last pool of the chain" : "");
    case MODE_FALLBACK_IP:
        return note_add(pooling->work, notes, "fallback-ip: the pool has none");
    case MODE_METHOD:
        return note_add(pooling->work, notes,
                        "fallback-mode %s: with all servers down, one of them is given as if all"
                        " were up%s",
                        end->word, pool->next ? "; counts only in the last pool of the chain" : "");
    default:
        return note_add(pooling->work, notes, "fallback-mode %s: fallback 'any', see above",
                        end->word);
    }
}

static int compare_ttls(struct pooling *pooling, const struct f5_stage *stage,
                        struct f5_planned_pool *pool)
{
    for (size_t i = 0; i < stage->parts.count; i++) {
        const struct f5_part *part = stage->parts.items[i];
        const struct f5_pool *pools[] = {part->a, part->aaaa, part->cname};
        for (size_t j = 0; j < sizeof pools / sizeof *pools; j++)
            if (pools[j] && pools[j]->ttl_s != pool->ttl_s)
                return note_add(pooling->work, &pool->notes,
                                "%s has the ttl %lld: the first counts", pools[j]->object.path,
                                (long long)pools[j]->ttl_s);
    }
    return 0;
}

static int compare_modes(struct pooling *pooling, const struct f5_stage *stage,
                         struct f5_planned_pool *pool)
{
    const struct f5_part *part = stage->parts.items[0];
    if (stage->parts.count > 1 || !part->a || !part->aaaa ||
        part->a->preferred == part->aaaa->preferred)
        return 0;
    return note_add(pooling->work, &pool->notes,
                    "its AAAA records had load-balancing-mode %s: A and AAAA are one decision here,"
                    " by that of the A records",
                    part->aaaa->preferred->word);
}

static int fill_from(struct pooling *pooling, const struct f5_stage *stage,
                     const struct f5_pool *from, struct f5_planned_pool *pool)
{
    struct f5_check *check = NULL;
    int code = copy_notes_of(pooling->work, stage, pool);
    pool->ttl_s = from->ttl_s;
    if (code == 0)
        code = stage->parts.count > 1 ? set_merged_method(pooling, stage, pool)
                                      : set_method(pooling, from, pool);
    if (code == 0)
        code = set_fallback(pooling, from, pool);
    if (code == 0)
        code = compare_ttls(pooling, stage, pool);
    if (code == 0)
        code = compare_modes(pooling, stage, pool);
    if (code == 0)
        code = plan_check(pooling->work, pooling->plan, pooling->model, &from->monitors,
                          &pool->notes, &check);
    pool->check = check;
    if (code == 0 && check)
        check->used = true;
    return code;
}

/* Whom a mapping is for. A hash over networks needs the same prefixes as mappings for them do. */
static int set_clients(struct pooling *pooling, struct f5_planned_pool *pool)
{
    const struct f5_wideip *wideip = pooling->answering->wideip;
    bool by_hash = strcmp(pool->method, "rendezvous") == 0;
    pool->persistence_ttl_s = wideip->persistence ? wideip->persistence_ttl_s : 0;
    pool->ipv4_bits = by_hash ? pooling->model->static_ipv4_bits : 32;
    pool->ipv6_bits = by_hash ? pooling->model->static_ipv6_bits : 128;
    if (wideip->persistence) {
        pool->ipv4_bits = wideip->ipv4_bits;
        pool->ipv6_bits = wideip->ipv6_bits;
    }
    pool->client_subnet = wideip->client_subnet && strcmp(pool->method, "topology") == 0;
    int code = 0;
    if (pool->persistence_ttl_s > 0 && pool->next)
        code =
            note_add(pooling->work, &pool->notes,
                     "a resolver that was sent to the next pool comes back as soon as a server of"
                     " this one is up; BIG-IP keeps it there until its persistence ends");
    if (code != 0 || !pool->client_subnet)
        return code;
    return note_add(pooling->work, &pool->notes,
                    "topology-prefer-edns0-client-subnet: the client network counts for mappings,"
                    " too; PowerDNS needs edns-subnet-processing=yes");
}

/* The pool of the BIG-IP, or all of them, whose mappings a pool has. */
static const char *sharing_key(struct f5_work *work, const struct f5_stage *stage,
                               const char *parts)
{
    const struct f5_pool *from = first_pool(stage);
    if (stage->parts.count != 1)
        return parts;
    return work_printf(work, "%s %s", model_record_word(from->record), from->object.path);
}

/* The same for pools whose mappings last equally long and are for the same clients. */
static const char *settings_key(struct f5_work *work, const char *key,
                                const struct f5_planned_pool *pool)
{
    return work_printf(work, "%s>%lld %lld %lld %d", key, (long long)pool->persistence_ttl_s,
                       (long long)pool->ipv4_bits, (long long)pool->ipv6_bits, pool->client_subnet);
}

/* The first pool of a key; this one, if it is. */
static int first_of(struct pooling *pooling, const char *key, struct f5_planned_pool *pool,
                    struct f5_planned_pool **ret_first)
{
    struct f5_planned_pool *first = text_index_find(&pooling->plan->pools_by_parts, key);
    *ret_first = first ? first : pool;
    return first ? 0 : text_index_add(pooling->work, &pooling->plan->pools_by_parts, key, pool);
}

/* A pool that was planned before from the same one: both share mappings if they last equally long.
 */
static int set_sharing(struct pooling *pooling, const char *key, struct f5_planned_pool *pool)
{
    const char *settings = key ? settings_key(pooling->work, key, pool) : NULL;
    struct f5_planned_pool *same, *any;
    if (!settings)
        return ERR_NOMEM;
    if (pool->persistence_ttl_s == 0)
        return 0;
    int code = first_of(pooling, settings, pool, &same);
    if (code == 0)
        code = first_of(pooling, key, pool, &any);
    if (code != 0 || any == pool)
        return code;
    if (same == pool)
        return note_add(pooling->work, &pool->notes,
                        "as pool %s, but with another persistence: they share no mappings",
                        any->name);
    pool->shares = same;
    return note_add(pooling->work, &pool->notes,
                    "as pool %s, but with other addresses, or other pools to fall back on: both"
                    " share their mappings",
                    same->name);
}

static const char *wanted_name(struct pooling *pooling, const struct f5_stage *stage)
{
    if (stage->name)
        return stage->name;
    return stage->parts.count > 1 ? pooling->answering->wideip->name
                                  : plan_path_name(pooling->work, first_pool(stage)->object.path);
}

static int fill(struct pooling *pooling, const struct f5_stage *stage, const char *key,
                struct f5_planned_pool *pool)
{
    const struct f5_pool *from = first_pool(stage);
    const char *wanted = wanted_name(pooling, stage);
    pool->name =
        wanted ? plan_name(pooling->work, &pooling->plan->pool_names, wanted, false) : NULL;
    int code = pool->name ? set_from(pooling->work, stage, pool) : ERR_NOMEM;
    if (code == 0 && from)
        code = fill_from(pooling, stage, from, pool);
    if (code == 0 && !from) {
        pool->method = "failover";
        pool->fallback = "any";
        pool->ttl_s = stage->ttl_s;
    }
    if (code == 0)
        code = set_clients(pooling, pool);
    if (code == 0)
        code = set_sharing(pooling, sharing_key(pooling->work, stage, key), pool);
    if (code == 0)
        code = plan_rows(pooling->work, pooling->plan, pooling->model, stage, pool);
    return code;
}

static int pool_of(struct pooling *pooling, const struct f5_stage *stage,
                   struct f5_planned_pool *next, struct f5_planned_pool **ret_pool)
{
    const struct f5_wideip *wideip = pooling->answering->wideip;
    const char *parts = parts_key(pooling->work, stage);
    const char *key =
        parts ? work_printf(pooling->work, "%s>%s>%d %lld %lld %lld %d", parts,
                            next ? next->name : "", wideip->persistence,
                            wideip->persistence ? (long long)wideip->persistence_ttl_s : 0,
                            (long long)wideip->ipv4_bits, (long long)wideip->ipv6_bits,
                            wideip->client_subnet)
              : NULL;
    struct f5_planned_pool *pool = key ? text_index_find(&pooling->plan->pools_by_key, key) : NULL;
    if (!key || (!pool && !(pool = work_alloc(pooling->work, sizeof *pool))))
        return ERR_NOMEM;
    *ret_pool = pool;
    if (pool->name)
        return 0;
    pool->next = next;
    int code = text_index_add(pooling->work, &pooling->plan->pools_by_key, key, pool);
    if (code == 0)
        code = fill(pooling, stage, parts, pool);
    return code == 0 ? list_add(pooling->work, &pooling->plan->pools, pool) : code;
}

int plan_pools(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
               const struct f5_answering *answering, struct f5_planned_pool **ret_pool)
{
    struct pooling pooling = {work, plan, model, answering};
    struct f5_planned_pool *pool = NULL;
    int code = 0;
    for (size_t i = answering->stages.count; code == 0 && i > 0; i--)
        code = pool_of(&pooling, answering->stages.items[i - 1], pool, &pool);
    if (code == 0)
        *ret_pool = pool;
    return code;
}

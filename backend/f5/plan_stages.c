/*
 * From the pools of wide IPs to stages: what is chosen from first, and what after it. A stage
 * becomes one pool.
 */
#include <string.h>

#include "f5/model_parts.h"
#include "f5/plan_parts.h"

bool plan_is_fixed(const struct f5_pool *pool)
{
    if (pool->fallback_ip.family == FAMILY_NONE)
        return false;
    if (pool->preferred->kind == MODE_FALLBACK_IP)
        return true;
    return pool->members.count == 0 &&
           (pool->alternate->kind == MODE_FALLBACK_IP || pool->fallback->kind == MODE_FALLBACK_IP);
}

/* Why a pool never answers, or NULL. */
static const char *why_unusable(const struct f5_pool *pool)
{
    if (plan_is_fixed(pool))
        return NULL;
    if (pool->preferred->kind == MODE_DNS)
        return "it leaves all answers to the BIND of the BIG-IP; these records belong in the zone";
    if (pool->preferred->kind == MODE_DROP)
        return "it answers nobody";
    if (pool->preferred->kind == MODE_FALLBACK_IP)
        return "it has no fallback-ip";
    return pool->members.count == 0 ? "it has no members" : NULL;
}

static struct f5_part *new_part(struct f5_work *work, struct f5_pool *pool, int64_t ratio)
{
    struct f5_part *part = work_alloc(work, sizeof *part);
    if (!part)
        return NULL;
    part->ratio = ratio;
    if (pool->record == RECORD_A)
        part->a = pool;
    else if (pool->record == RECORD_AAAA)
        part->aaaa = pool;
    else
        part->cname = pool;
    return part;
}

static int add_stage(struct f5_work *work, struct list *stages, enum f5_spread spread,
                     struct f5_stage **ret_stage)
{
    struct f5_stage *stage = work_alloc(work, sizeof *stage);
    if (!stage || list_add(work, stages, stage) != 0)
        return ERR_NOMEM;
    stage->spread = spread;
    *ret_stage = stage;
    return 0;
}

static int add_part(struct f5_work *work, struct f5_stage *stage, struct f5_pool *pool,
                    int64_t ratio)
{
    struct f5_part *part = new_part(work, pool, ratio);
    return part ? list_add(work, &stage->parts, part) : ERR_NOMEM;
}

/* The pools that can answer; what is said of the others goes to the notes. */
static int usable_uses(struct f5_work *work, const struct list *uses, struct list *notes,
                       struct list *ret_usable)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < uses->count; i++) {
        struct f5_use *use = uses->items[i];
        const char *why = why_unusable(use->pool);
        code = why ? note_add(work, notes, "pool %s is left out: %s", use->pool->object.path, why)
                   : list_add(work, ret_usable, use);
    }
    return code;
}

/* Says whether round robin or ratio over all members does what it does over the pools. */
static bool spreads_evenly(const struct list *uses)
{
    for (size_t i = 0; i < uses->count; i++) {
        const struct f5_pool *pool = ((struct f5_use *)uses->items[i])->pool;
        if (plan_is_fixed(pool) || pool->members.count == 1)
            continue;
        if (strcmp(pool->preferred->method, "round-robin") != 0 &&
            strcmp(pool->preferred->method, "ratio") != 0)
            return false;
    }
    return true;
}

/* Says whether two pools have servers of one controller: topology cannot choose between these. */
static int share_sites(struct f5_work *work, const struct list *uses, bool *ret_shared)
{
    struct text_index pools = {0}; /* by the path of a site */
    int code = 0;
    for (size_t i = 0; i < uses->count; i++) {
        struct f5_pool *pool = ((struct f5_use *)uses->items[i])->pool;
        for (size_t j = 0; code == 0 && j < pool->members.count; j++) {
            const struct f5_server *server = ((struct f5_member *)pool->members.items[j])->server;
            if (!server)
                continue;
            const char *site =
                server->is_generic_host ? server->datacenter->object.path : server->object.path;
            const struct f5_pool *other = text_index_find(&pools, site);
            *ret_shared |= other && other != pool;
            if (!other)
                code = text_index_add(work, &pools, site, pool);
        }
    }
    return code;
}

/* All pools in one stage. */
static int merge(struct f5_work *work, const struct list *uses, enum f5_spread spread,
                 struct list *stages)
{
    struct f5_stage *stage;
    int code = add_stage(work, stages, spread, &stage);
    for (size_t i = 0; code == 0 && i < uses->count; i++) {
        const struct f5_use *use = uses->items[i];
        code = add_part(work, stage, use->pool, use->ratio);
    }
    return code;
}

/* Each pool in a stage of its own. */
static int chain(struct f5_work *work, const struct list *uses, struct list *stages)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < uses->count; i++) {
        const struct f5_use *use = uses->items[i];
        struct f5_stage *stage;
        code = add_stage(work, stages, SPREAD_IN_ORDER, &stage);
        if (code == 0)
            code = add_part(work, stage, use->pool, 1);
    }
    return code;
}

static int spread_uses(struct f5_work *work, const struct f5_wideip *wideip,
                       const struct list *uses, struct list *notes, struct list *stages)
{
    bool by_topology = wideip->spread == SPREAD_TOPOLOGY, shared = false;
    if (uses->count < 2 || wideip->spread == SPREAD_IN_ORDER)
        return chain(work, uses, stages);
    int code = by_topology ? share_sites(work, uses, &shared) : 0;
    if (code == 0 && (by_topology ? !shared : spreads_evenly(uses)))
        return merge(work, uses, wideip->spread, stages);
    if (code == 0)
        code = note_add(work, notes,
                        "pool-lb-mode %s: %s; the first pool is used here, and the others"
                        " when it is down",
                        by_topology                      ? "topology"
                        : wideip->spread == SPREAD_RATIO ? "ratio"
                                                         : "round-robin",
                        by_topology ? "table topology leads to controllers, and several of these"
                                      " pools have servers of the same one (as with split DNS)"
                                    : "a name has one pool here, and these choose in ways that one"
                                      " pool cannot");
    return code == 0 ? chain(work, uses, stages) : code;
}

static bool stage_has(const struct list *stages, const struct f5_pool *pool)
{
    for (size_t i = 0; i < stages->count; i++) {
        const struct f5_stage *stage = stages->items[i];
        for (size_t j = 0; j < stage->parts.count; j++) {
            const struct f5_part *part = stage->parts.items[j];
            if (part->a == pool || part->aaaa == pool || part->cname == pool)
                return true;
        }
    }
    return false;
}

static bool answers_with_names(const struct list *stages)
{
    const struct f5_stage *first = stages->count > 0 ? stages->items[0] : NULL;
    return first && ((struct f5_part *)first->parts.items[0])->cname;
}

/* A chain has servers with addresses or servers with names, not both. */
static bool fits(const struct list *stages, const struct f5_pool *pool)
{
    return stages->count == 0 || answers_with_names(stages) == (pool->record == RECORD_CNAME);
}

static int add_last_resort(struct f5_work *work, const struct f5_wideip *wideip, struct list *notes,
                           struct list *stages)
{
    struct f5_pool *pool = wideip->last_resort;
    struct f5_stage *stage;
    const char *why = NULL;
    if (!pool)
        return 0;
    if (stage_has(stages, pool))
        why = "it is one of the pools already";
    else if (!fits(stages, pool))
        why = "it answers with names, and the pools with addresses, or the other way round";
    else
        why = why_unusable(pool);
    if (why)
        return note_add(work, notes, "last-resort-pool %s is left out: %s", pool->object.path, why);
    int code = add_stage(work, stages, SPREAD_IN_ORDER, &stage);
    return code == 0 ? add_part(work, stage, pool, 1) : code;
}

const struct f5_mode *plan_end(const struct f5_pool *pool)
{
    bool ends = pool->alternate->kind == MODE_FALLBACK_IP || pool->alternate->kind == MODE_DROP;
    return ends ? pool->alternate : pool->fallback;
}

static bool ends_with_fallback_ip(const struct f5_pool *pool)
{
    return pool && !plan_is_fixed(pool) && pool->fallback_ip.family != FAMILY_NONE &&
           plan_end(pool)->kind == MODE_FALLBACK_IP;
}

/* Says whether nothing of it is enabled, so that it answers nobody, whatever is up. */
static bool is_disabled(const struct f5_pool *pool)
{
    if (pool->object.disabled || plan_is_fixed(pool) || ends_with_fallback_ip(pool))
        return pool->object.disabled;
    for (size_t i = 0; i < pool->members.count; i++) {
        const struct f5_member *member = pool->members.items[i];
        const struct f5_server *server = member->server;
        bool disabled =
            member->object.disabled ||
            (server && (server->object.disabled || server->datacenter->object.disabled ||
                        member->virtual_server->object.disabled));
        if (!disabled)
            return false;
    }
    return true;
}

static const struct f5_pool *pool_of(const struct f5_part *part)
{
    return part->a ? part->a : part->aaaa ? part->aaaa : part->cname;
}

static bool stage_is_disabled(const struct f5_stage *stage)
{
    for (size_t i = 0; i < stage->parts.count; i++)
        if (!is_disabled(pool_of(stage->parts.items[i])))
            return false;
    return true;
}

/*
 * What is given when all is down comes from the last pool. BIG-IP passes over one that is disabled;
 * here the answer would be empty.
 */
static int drop_disabled_ends(struct f5_work *work, struct list *notes, struct list *stages)
{
    int code = 0;
    while (code == 0 && stages->count > 1 && stage_is_disabled(stages->items[stages->count - 1])) {
        const struct f5_stage *last = stages->items[--stages->count];
        for (size_t i = 0; code == 0 && i < last->parts.count; i++)
            code = note_add(work, notes,
                            "pool %s is left out, since it is disabled: as the last one it would"
                            " take the answers away when the others are down",
                            pool_of(last->parts.items[i])->object.path);
    }
    return code;
}

static int stages_of(struct f5_work *work, const struct f5_wideip *wideip, struct list *notes,
                     struct list *stages)
{
    struct list usable = {0};
    bool by_name = wideip->uses.count == 0;
    int code = usable_uses(work, by_name ? &wideip->cname_uses : &wideip->uses, notes, &usable);
    if (code == 0 && !by_name && wideip->cname_uses.count > 0)
        code = note_add(work, notes,
                        "pools-cname: left out, since a name has addresses or a CNAME, not both");
    if (code == 0)
        code = spread_uses(work, wideip, &usable, notes, stages);
    if (code == 0)
        code = add_last_resort(work, wideip, notes, stages);
    return code == 0 ? drop_disabled_ends(work, notes, stages) : code;
}

/* Puts the pools of AAAA records next to those of A records, in their order. */
static int join_stages(struct f5_work *work, const struct list *others, struct list *stages)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < others->count; i++) {
        struct f5_stage *other = others->items[i];
        struct f5_stage *stage = i < stages->count ? stages->items[i] : NULL;
        if (!stage) {
            code = list_add(work, stages, other);
            continue;
        }
        for (size_t j = 0; code == 0 && j < other->parts.count; j++) {
            struct f5_part *part = other->parts.items[j];
            if (j < stage->parts.count)
                ((struct f5_part *)stage->parts.items[j])->aaaa = part->aaaa;
            else
                code = list_add(work, &stage->parts, part);
        }
        if (stage->parts.count > 1 && other->parts.count > 1)
            stage->spread = stage->spread == SPREAD_IN_ORDER ? other->spread : stage->spread;
    }
    return code;
}

static void take_fallback_ip(const struct f5_pool *pool, struct f5_stage *stage)
{
    if (!ends_with_fallback_ip(pool))
        return;
    if (pool->fallback_ip.family == FAMILY_IPV4)
        stage->ipv4 = pool->fallback_ip;
    else
        stage->ipv6 = pool->fallback_ip;
}

/* The fallback IP of the last pools is a stage behind them. */
static int add_fallback_ip(struct f5_work *work, struct list *stages)
{
    const struct f5_stage *last = stages->count > 0 ? stages->items[stages->count - 1] : NULL;
    const struct f5_part *part = last ? last->parts.items[0] : NULL;
    struct f5_stage *stage;
    if (!part || part->cname ||
        (!ends_with_fallback_ip(part->a) && !ends_with_fallback_ip(part->aaaa)))
        return 0;
    int code = add_stage(work, stages, SPREAD_IN_ORDER, &stage);
    if (code != 0)
        return code;
    take_fallback_ip(part->a, stage);
    take_fallback_ip(part->aaaa, stage);
    const struct f5_pool *pool = part->a ? part->a : part->aaaa;
    const char *name = plan_path_name(work, pool->object.path);
    stage->ttl_s = pool->ttl_s;
    stage->name = name ? work_printf(work, "%s-fallback-ip", name) : NULL;
    return stage->name ? 0 : ERR_NOMEM;
}

static int compare_settings(struct f5_work *work, const struct f5_wideip *a,
                            const struct f5_wideip *aaaa, struct list *notes)
{
    if (a->spread == aaaa->spread && a->persistence == aaaa->persistence &&
        (!a->persistence || a->persistence_ttl_s == aaaa->persistence_ttl_s))
        return 0;
    return note_add(work, notes,
                    "the wide IP of type aaaa has another pool-lb-mode or persistence: both types"
                    " are one decision here, by that of type a");
}

/* Adds the pools of the wide IP of type aaaa to those of type a. */
static int add_aaaa(struct f5_work *work, const struct f5_wideip *a, const struct f5_wideip *aaaa,
                    struct f5_answering *answering)
{
    struct list others = {0};
    int code = stages_of(work, aaaa, &answering->notes, &others);
    if (code == 0)
        code = compare_settings(work, a, aaaa, &answering->notes);
    if (code != 0)
        return code;
    if (answers_with_names(&others) || answers_with_names(&answering->stages))
        return note_add(work, &answering->notes,
                        "one of its types answers with a CNAME: type aaaa is left out");
    return join_stages(work, &others, &answering->stages);
}

int plan_stages(struct f5_work *work, const struct f5_wideip *a, const struct f5_wideip *aaaa,
                const struct f5_wideip *cname, struct f5_answering *ret_answering)
{
    const struct f5_wideip *first = a ? a : aaaa ? aaaa : cname;
    struct f5_answering answering = {.wideip = first};
    int code = stages_of(work, first, &answering.notes, &answering.stages);
    if (code == 0 && a && aaaa)
        code = add_aaaa(work, a, aaaa, &answering);
    if (code == 0 && cname && first != cname)
        code = note_add(work, &answering.notes,
                        "there is a wide IP of type cname, too: it is left out, since a name has"
                        " addresses or a CNAME, not both");
    if (code == 0)
        code = add_fallback_ip(work, &answering.stages);
    if (code == 0)
        *ret_answering = answering;
    return code;
}

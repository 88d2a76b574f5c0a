/*
 * The virtual servers of a pool.
 */
#include <string.h>

#include "f5/plan_parts.h"

/* What the filling of a pool needs. */
struct filling {
    struct f5_work *work;
    struct f5_plan *plan;
    struct f5_model *model;
    const struct f5_stage *stage;
    struct f5_planned_pool *pool;
};

static bool is_merged(const struct f5_stage *stage)
{
    return stage->parts.count > 1;
}

static int add_row(struct filling *filling, struct f5_row **ret_row)
{
    struct f5_row *row = work_alloc(filling->work, sizeof *row);
    if (!row)
        return ERR_NOMEM;
    row->weight = 1;
    *ret_row = row;
    return list_add(filling->work, &filling->pool->rows, row);
}

/* A row of the same controller that has no IPv6 address yet, of those from `first` on. */
static struct f5_row *row_without_ipv6(const struct filling *filling, size_t first,
                                       const struct f5_controller *controller)
{
    const struct list *rows = &filling->pool->rows;
    for (size_t i = first; i < rows->count; i++) {
        struct f5_row *row = rows->items[i];
        if (row->controller == controller && row->ipv6.family == FAMILY_NONE)
            return row;
    }
    return NULL;
}

/* A server at a fallback IP, which BIG-IP does not check either. */
static int add_fixed(struct filling *filling, size_t first, const struct address *address)
{
    struct f5_row *row = NULL;
    int code = 0;
    if (!filling->plan->fallback_controller)
        code = plan_new_controller(
            filling->work, filling->plan, "fallback-ip",
            "stands for the addresses of fallback-ip, which belong to no server",
            &filling->plan->fallback_controller);
    if (code == 0 && address->family == FAMILY_IPV6)
        row = row_without_ipv6(filling, first, filling->plan->fallback_controller);
    if (code == 0 && !row)
        code = add_row(filling, &row);
    if (code != 0)
        return code;
    row->controller = filling->plan->fallback_controller;
    row->from = "fallback-ip";
    row->unchecked = true;
    if (address->family == FAMILY_IPV4)
        row->ipv4 = *address;
    else
        row->ipv6 = *address;
    return 0;
}

static int64_t ratio_sum(const struct f5_pool *pool)
{
    int64_t sum = 0;
    bool by_ratio = strcmp(pool->preferred->method, "ratio") == 0;
    for (size_t i = 0; i < pool->members.count; i++)
        sum += by_ratio ? ((struct f5_member *)pool->members.items[i])->ratio : 1;
    return sum;
}

/* Where pools share the resolvers, a member has the share of its pool times its share in it. */
#define SHARE_UNIT 100

static int64_t weight_of(const struct filling *filling, const struct f5_part *part,
                         const struct f5_pool *pool, const struct f5_member *member)
{
    if (strcmp(filling->pool->method, "rendezvous") == 0)
        return 1; /* static persistence knows no ratios */
    if (!is_merged(filling->stage) || strcmp(filling->pool->method, "ratio") != 0)
        return member->ratio;
    int64_t sum = ratio_sum(pool), ratio = filling->stage->spread == SPREAD_RATIO ? part->ratio : 1;
    bool by_ratio = strcmp(pool->preferred->method, "ratio") == 0;
    int64_t mine = by_ratio ? member->ratio : 1;
    if (pool->members.count == 1)
        return ratio * SHARE_UNIT > 65535 ? 65535 : ratio * SHARE_UNIT;
    if (sum == 0 || mine == 0 || ratio == 0)
        return 0;
    int64_t weight = (ratio * SHARE_UNIT * mine + sum / 2) / sum;
    return weight < 1 ? 1 : weight > 65535 ? 65535 : weight;
}

/* The check of a server: its own; else that of the pool, by NULL; else that of the BIG-IP's server.
 */
static int set_check(struct filling *filling, const struct f5_member *member, struct f5_row *row)
{
    struct f5_check *own = NULL, *host = NULL;
    struct list said = {0}; /* at the controller already */
    int code = plan_check(filling->work, filling->plan, filling->model,
                          &member->virtual_server->monitors, &row->notes, &own);
    if (code == 0)
        code = plan_check(filling->work, filling->plan, filling->model, &member->server->monitors,
                          &said, &host);
    if (code != 0)
        return code;
    row->check = own ? own : filling->pool->check ? NULL : host;
    if (own)
        own->used = true;
    else if (row->check)
        host->used = true;
    if (own && filling->pool->check && own != filling->pool->check)
        code = note_add(filling->work, &row->notes,
                        "its own monitor is used, not also that of the pool");
    return code;
}

/* What is checked: the address behind a translation, or the one that the monitor names. */
static void set_target(const struct filling *filling, const struct f5_virtual_server *server,
                       struct f5_row *row)
{
    const struct f5_check *check = row->check ? row->check : filling->pool->check;
    if (server->translation.family != FAMILY_NONE)
        row->check_address = server->translation;
    else if (check && check->target.family != FAMILY_NONE)
        row->check_address = check->target;
    if (server->translation_port > 0)
        row->port = server->translation_port;
}

static int describe(struct filling *filling, const struct f5_pool *pool,
                    const struct f5_member *member, struct f5_row *row)
{
    row->from =
        work_printf(filling->work, "member %s, line %d", member->object.path, member->object.line);
    int code = row->from ? plan_copy_notes(filling->work, &member->object, &row->notes) : ERR_NOMEM;
    if (code == 0 && member->virtual_server)
        code = plan_copy_notes(filling->work, &member->virtual_server->object, &row->notes);
    if (code == 0 && !pool->verifies)
        code = note_add(filling->work, &row->notes,
                        "verify-member-availability disabled: it is not checked and counts as up");
    return code;
}

static void set_address(const struct address *address, struct f5_row *row)
{
    if (address->family == FAMILY_IPV4)
        row->ipv4 = *address;
    else
        row->ipv6 = *address;
}

/* A member of a pool as a row of its own. */
static int add_member(struct filling *filling, const struct f5_part *part,
                      const struct f5_pool *pool, const struct f5_member *member)
{
    const struct f5_virtual_server *server = member->virtual_server;
    struct f5_controller *controller;
    struct f5_row *row;
    int code =
        plan_controller(filling->work, filling->plan, filling->model, member->server, &controller);
    if (code == 0)
        code = add_row(filling, &row);
    if (code == 0)
        code = describe(filling, pool, member, row);
    if (code == 0)
        code = set_check(filling, member, row);
    if (code != 0)
        return code;
    row->controller = controller;
    set_address(&server->address, row);
    row->port = server->port;
    row->weight = weight_of(filling, part, pool, member);
    row->disabled = member->object.disabled || server->object.disabled || pool->object.disabled ||
                    (member->server->is_generic_host && member->server->object.disabled);
    row->unchecked = !pool->verifies;
    set_target(filling, server, row);
    return 0;
}

/* Adds the IPv6 address of a member to the row of its site, and says what of it is not kept. */
static int join_member(struct filling *filling, const struct f5_pool *pool,
                       const struct f5_member *member, struct f5_row *row)
{
    const struct f5_virtual_server *server = member->virtual_server;
    bool disabled = member->object.disabled || server->object.disabled || pool->object.disabled;
    row->ipv6 = server->address;
    row->from = work_printf(filling->work, "%s; and %s, line %d", row->from, member->object.path,
                            member->object.line);
    int code = row->from ? plan_copy_notes(filling->work, &member->object, &row->notes) : ERR_NOMEM;
    if (code == 0)
        code = plan_copy_notes(filling->work, &server->object, &row->notes);
    if (code == 0 && server->port != row->port && server->translation_port == 0)
        code = note_add(filling->work, &row->notes, "the port of the IPv6 address was %lld",
                        (long long)server->port);
    if (code == 0 && disabled != row->disabled)
        code = note_add(filling->work, &row->notes,
                        "only one of its two addresses was disabled: the state of ipv4 counts");
    return code;
}

static int add_ipv6_member(struct filling *filling, size_t first, const struct f5_part *part,
                           const struct f5_member *member)
{
    struct f5_controller *controller;
    int code =
        plan_controller(filling->work, filling->plan, filling->model, member->server, &controller);
    if (code != 0)
        return code;
    struct f5_row *row = part->a ? row_without_ipv6(filling, first, controller) : NULL;
    return row ? join_member(filling, part->aaaa, member, row)
               : add_member(filling, part, part->aaaa, member);
}

static bool is_host_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= 253 && strchr(name, '.') && *name != '.' &&
           !strstr(name, "..") && strspn(name, allowed) == length &&
           strspn(name, "0123456789._-") < length;
}

/* The controller that stands for a name: each is a site of its own. */
static int name_controller(struct filling *filling, const char *name,
                           struct f5_controller **ret_controller)
{
    struct f5_controller *controller = text_index_find(&filling->plan->name_controllers, name);
    int code = 0;
    if (!controller) {
        code = plan_new_controller(filling->work, filling->plan, name,
                                   "stands for the host of that name", &controller);
        if (code == 0)
            code =
                text_index_add(filling->work, &filling->plan->name_controllers, name, controller);
    }
    if (code == 0)
        *ret_controller = controller;
    return code;
}

static int add_name(struct filling *filling, const struct f5_part *part,
                    const struct f5_member *member)
{
    struct f5_controller *controller;
    struct f5_row *row;
    const char *path = member->object.path;
    size_t length = strlen(path);
    const char *name =
        work_printf(filling->work, "%.*s",
                    (int)(length > 1 && path[length - 1] == '.' ? length - 1 : length), path);
    if (!name)
        return ERR_NOMEM;
    if (!is_host_name(name))
        return work_error(filling->work, member->object.line, "'%s' is not a full host name", name);
    int code = name_controller(filling, name, &controller);
    if (code == 0)
        code = add_row(filling, &row);
    if (code == 0)
        code = describe(filling, part->cname, member, row);
    if (code != 0)
        return code;
    row->controller = controller;
    row->name = name;
    row->weight = weight_of(filling, part, part->cname, member);
    row->disabled = member->object.disabled || part->cname->object.disabled;
    row->unchecked = !part->cname->verifies;
    return 0;
}

/* The servers of a pool of A or CNAME records, or of its AAAA records alone. */
static int add_part(struct filling *filling, const struct f5_part *part)
{
    size_t first = filling->pool->rows.count;
    const struct f5_pool *pool = part->cname ? part->cname : part->a;
    int code = 0;
    if (pool && plan_is_fixed(pool))
        code = add_fixed(filling, first, &pool->fallback_ip);
    for (size_t i = 0; pool && !plan_is_fixed(pool) && code == 0 && i < pool->members.count; i++)
        code = part->cname ? add_name(filling, part, pool->members.items[i])
                           : add_member(filling, part, pool, pool->members.items[i]);
    if (code != 0 || !part->aaaa)
        return code;
    if (plan_is_fixed(part->aaaa))
        return add_fixed(filling, first, &part->aaaa->fallback_ip);
    for (size_t i = 0; code == 0 && i < part->aaaa->members.count; i++)
        code = add_ipv6_member(filling, first, part, part->aaaa->members.items[i]);
    return code;
}

/* Says where clients of a site get no address of one family. */
static int name_missing_families(struct filling *filling)
{
    const struct list *rows = &filling->pool->rows;
    size_t ipv4 = 0, ipv6 = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct f5_row *row = rows->items[i];
        ipv4 += row->ipv4.family != FAMILY_NONE;
        ipv6 += row->ipv6.family != FAMILY_NONE;
    }
    if (ipv4 == 0 || ipv6 == 0 || (ipv4 == rows->count && ipv6 == rows->count))
        return 0;
    return note_add(filling->work, &filling->pool->notes,
                    "not every server has both addresses: A and AAAA are one decision here, so a"
                    " resolver that is sent to a server with one address gets no other");
}

/* A mapping leads to a controller, where BIG-IP remembers the virtual server. */
static int name_shared_controllers(struct filling *filling)
{
    const struct list *rows = &filling->pool->rows;
    bool *seen = work_alloc(filling->work, filling->plan->controllers.count + 1);
    if (!seen)
        return ERR_NOMEM;
    for (size_t i = 0; filling->pool->persistence_ttl_s > 0 && i < rows->count; i++) {
        const struct f5_row *row = rows->items[i];
        if (seen[row->controller->index])
            return note_add(filling->work, &filling->pool->notes,
                            "a mapping leads to a controller, not to a virtual server: where"
                            " controller %s has several in this pool, modulus chooses among them",
                            row->controller->name);
        seen[row->controller->index] = true;
    }
    return 0;
}

int plan_rows(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
              const struct f5_stage *stage, struct f5_planned_pool *pool)
{
    struct filling filling = {work, plan, model, stage, pool};
    int code = 0;
    if (stage->ipv4.family != FAMILY_NONE)
        code = add_fixed(&filling, 0, &stage->ipv4);
    if (code == 0 && stage->ipv6.family != FAMILY_NONE)
        code = add_fixed(&filling, 0, &stage->ipv6);
    for (size_t i = 0; code == 0 && i < stage->parts.count; i++)
        code = add_part(&filling, stage->parts.items[i]);
    if (code == 0)
        code = name_shared_controllers(&filling);
    return code == 0 ? name_missing_families(&filling) : code;
}

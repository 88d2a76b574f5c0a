/*
 * Balanced names: the wide IPs of all types that have one name, and their aliases.
 */
#include <string.h>

#include "core/dns/name.h"
#include "f5/model_parts.h"
#include "f5/plan_parts.h"

/* The wide IPs of one name. */
struct group {
    const struct f5_wideip *of[RECORD_KINDS];       /* NULL: there is none of that type */
    const struct f5_wideip *left_out[RECORD_KINDS]; /* disabled, while another type is not */
};

/* Says whether the database has names like this one; a wildcard is a whole label, the first. */
static const char *why_no_name(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    if (strpbrk(rest, "*?"))
        return "a wildcard is the first label here, and a whole one: *.example.com";
    for (const char *at = name; *at; at++)
        if (*at < '!' || *at > '~')
            return "it has a space or another character that DNS names here have as \\DDD";
    return NULL;
}

/* Adds a name; `why` says why it is not imported. */
static int add_name(struct f5_work *work, struct f5_plan *plan, const char *text, const char *from,
                    struct f5_planned_name **ret_name)
{
    struct f5_planned_name *name = work_alloc(work, sizeof *name);
    if (!name)
        return ERR_NOMEM;
    name->name = text;
    name->from = from;
    int code = list_add(work, &plan->names, name);
    if (code == 0)
        *ret_name = name;
    return code;
}

/* The canonical form of a name. */
static int canonical(struct f5_work *work, int line, const char *text, const char **ret_text)
{
    struct name name;
    if (name_parse(text, strlen(text), &name) != 0 || strstr(text, "://"))
        return work_error(work, line, "'%s' is not a domain name", text);
    *ret_text = work_copy(work, name.text);
    return *ret_text ? 0 : ERR_NOMEM;
}

/* Gives a name its pool, or says why not. */
static int set_pool(struct f5_work *work, struct f5_plan *plan, struct f5_planned_pool *pool,
                    int line, struct f5_planned_name *name)
{
    const char *why = why_no_name(name->name);
    if (why)
        return note_add(work, &name->notes, "not imported: %s", why);
    int code = canonical(work, line, name->name, &name->name);
    if (code != 0)
        return code;
    if (!pool)
        return note_add(work, &name->notes,
                        "not imported: no pool of it can answer; what the BIND of the BIG-IP"
                        " answered belongs in the zone");
    const struct f5_planned_name *other = text_index_find(&plan->names_by_key, name->name);
    if (other)
        return note_add(work, &name->notes, "not imported: the name is there already, from %s",
                        other->from);
    name->pool = pool;
    if (strncmp(name->name, "*.", 2) == 0)
        code = note_add(work, &name->notes,
                        "a wildcard of DNS (RFC 4592): it does not count for names that exist, or"
                        " that have names below them");
    return code == 0 ? text_index_add(work, &plan->names_by_key, name->name, name) : code;
}

static const char *from_of(struct f5_work *work, const struct group *group)
{
    const char *from = NULL;
    for (size_t i = 0; i < RECORD_KINDS; i++) {
        const struct f5_wideip *wideip = group->of[i];
        if (!wideip)
            continue;
        const char *one = work_printf(work, "gtm wideip %s %s, line %d", model_record_word(i),
                                      wideip->object.path, wideip->object.line);
        from = one && from ? work_printf(work, "%s; %s", from, one) : one;
        if (!from)
            return NULL;
    }
    return from;
}

static int add_notes(struct f5_work *work, const struct group *group,
                     const struct f5_answering *answering, struct list *notes)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < RECORD_KINDS; i++) {
        if (group->of[i])
            code = plan_copy_notes(work, &group->of[i]->object, notes);
        if (code == 0 && group->left_out[i])
            code = note_add(work, notes, "the wide IP of type %s, line %d, is disabled: left out",
                            model_record_word(i), group->left_out[i]->object.line);
    }
    for (size_t i = 0; code == 0 && i < answering->notes.count; i++)
        code = list_add(work, notes, answering->notes.items[i]);
    return code;
}

static bool has_alias(const struct f5_wideip *wideip, const char *alias)
{
    for (size_t i = 0; wideip && i < wideip->aliases.count; i++)
        if (strcmp(wideip->aliases.items[i], alias) == 0)
            return true;
    return false;
}

/* The aliases of a wide IP that none of the types before it has. */
static int add_aliases(struct f5_work *work, struct f5_plan *plan, const struct group *group,
                       size_t record, struct f5_planned_pool *pool, bool disabled)
{
    const struct f5_wideip *wideip = group->of[record];
    int code = 0;
    for (size_t i = 0; code == 0 && i < wideip->aliases.count; i++) {
        const char *alias = wideip->aliases.items[i];
        struct f5_planned_name *name;
        if (record > 0 && has_alias(group->of[0], alias))
            continue;
        code = add_name(work, plan, alias, work_printf(work, "alias of %s", wideip->name), &name);
        if (code == 0)
            code = name->from ? set_pool(work, plan, pool, wideip->object.line, name) : ERR_NOMEM;
        if (code == 0)
            name->disabled = disabled;
        if (code == 0 && record > 0 && group->of[0])
            code = note_add(work, &name->notes, "an alias of type %s alone; here it has both types",
                            model_record_word(record));
    }
    return code;
}

static int plan_group(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
                      const struct group *group, bool disabled)
{
    struct f5_answering answering;
    struct f5_planned_pool *pool = NULL;
    struct f5_planned_name *name = NULL;
    const char *from = from_of(work, group);
    int code = from ? plan_stages(work, group->of[RECORD_A], group->of[RECORD_AAAA],
                                  group->of[RECORD_CNAME], &answering)
                    : ERR_NOMEM;
    if (code == 0)
        code = plan_pools(work, plan, model, &answering, &pool);
    if (code == 0)
        code = add_name(work, plan, answering.wideip->name, from, &name);
    if (code == 0)
        code = set_pool(work, plan, pool, answering.wideip->object.line, name);
    if (code == 0)
        code = add_notes(work, group, &answering, &name->notes);
    if (code != 0)
        return code;
    name->disabled = disabled;
    for (size_t i = 0; code == 0 && i < RECORD_KINDS; i++)
        if (group->of[i])
            code = add_aliases(work, plan, group, i, pool, disabled);
    return code;
}

/* Leaves out the types that are disabled, unless all are. Says whether all are. */
static bool drop_disabled(struct group *group)
{
    bool all = true;
    for (size_t i = 0; i < RECORD_KINDS; i++)
        all = all && (!group->of[i] || group->of[i]->object.disabled);
    for (size_t i = 0; !all && i < RECORD_KINDS; i++) {
        if (!group->of[i] || !group->of[i]->object.disabled)
            continue;
        group->left_out[i] = group->of[i];
        group->of[i] = NULL;
    }
    return all;
}

/* Puts a wide IP into the group of its name. */
static int add_to_group(struct f5_work *work, struct f5_plan *plan, struct text_index *groups,
                        struct list *order, const struct f5_wideip *wideip)
{
    const char *key = plan_lower(work, wideip->name);
    struct group *group = key ? text_index_find(groups, key) : NULL;
    struct f5_planned_name *name;
    int code = 0;
    if (!key || (!group && !(group = work_alloc(work, sizeof *group))))
        return ERR_NOMEM;
    if (group->of[wideip->record]) {
        code = add_name(work, plan, wideip->name, from_of(work, group), &name);
        return code == 0
                   ? note_add(work, &name->notes,
                              "that of line %d is not imported: it has the same name and type",
                              wideip->object.line)
                   : code;
    }
    bool is_new = !group->of[RECORD_A] && !group->of[RECORD_AAAA] && !group->of[RECORD_CNAME];
    group->of[wideip->record] = wideip;
    if (is_new)
        code = text_index_add(work, groups, key, group);
    return code == 0 && is_new ? list_add(work, order, group) : code;
}

int plan_names(struct f5_work *work, struct f5_plan *plan, struct f5_model *model)
{
    struct text_index groups = {0};
    struct list order = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < model->wideips.count; i++)
        code = add_to_group(work, plan, &groups, &order, model->wideips.items[i]);
    for (size_t i = 0; code == 0 && i < order.count; i++) {
        struct group *group = order.items[i];
        bool disabled = drop_disabled(group);
        code = plan_group(work, plan, model, group, disabled);
    }
    return code;
}

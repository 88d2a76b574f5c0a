/*
 * Names and controllers, and the order in which all is planned.
 */
#include "f5/plan.h"

#include <ctype.h>
#include <string.h>

#include "f5/plan_parts.h"

#define COMMON "/Common/"

char *plan_lower(struct f5_work *work, const char *text)
{
    char *lower = work_copy(work, text);
    for (char *at = lower; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return lower;
}

/* What the database allows in a name, of the length that leaves room for a number. */
static char *allowed_name(struct f5_work *work, const char *wanted, bool spaces)
{
    char *name = work_printf(work, "%.*s", F5_NAME_MAX - 8, *wanted ? wanted : "unnamed");
    for (char *at = name; at && *at; at++)
        if ((*at < '!' || *at > '~') && !(spaces && *at == ' '))
            *at = '_';
    return name;
}

const char *plan_name(struct f5_work *work, struct text_index *taken, const char *wanted,
                      bool spaces)
{
    const char *base = allowed_name(work, wanted, spaces), *name = base;
    for (int i = 2; name; i++) {
        const char *key = plan_lower(work, name);
        if (!key)
            return NULL;
        if (!text_index_find(taken, key))
            return text_index_add(work, taken, key, name) == 0 ? name : NULL;
        name = work_printf(work, "%s.%d", base, i);
    }
    return NULL;
}

const char *plan_path_name(struct f5_work *work, const char *path)
{
    bool is_common = strncmp(path, COMMON, strlen(COMMON)) == 0;
    return work_copy(work, is_common ? path + strlen(COMMON) : path + (*path == '/'));
}

const char *plan_from(struct f5_work *work, const char *kind, const struct f5_object *object)
{
    return work_printf(work, "gtm %s %s, line %d", kind, object->path, object->line);
}

int plan_copy_notes(struct f5_work *work, const struct f5_object *object, struct list *notes)
{
    int code = 0;
    if (object->description && *object->description)
        code = note_add(work, notes, "\"%s\"", object->description);
    for (size_t i = 0; code == 0 && i < object->notes.count; i++)
        code = list_add(work, notes, object->notes.items[i]);
    return code;
}

int plan_new_controller(struct f5_work *work, struct f5_plan *plan, const char *wanted,
                        const char *from, struct f5_controller **ret_controller)
{
    struct f5_controller *controller = work_alloc(work, sizeof *controller);
    if (!controller || !from ||
        !(controller->name = plan_name(work, &plan->controller_names, wanted, true)))
        return ERR_NOMEM;
    controller->from = from;
    controller->index = plan->controllers.count;
    int code = list_add(work, &plan->controllers, controller);
    if (code == 0)
        *ret_controller = controller;
    return code;
}

/* A load balancer. */
static int server_controller(struct f5_work *work, struct f5_plan *plan, struct f5_server *server,
                             struct f5_controller **ret_controller)
{
    const struct f5_datacenter *datacenter = server->datacenter;
    const char *wanted = plan_path_name(work, server->object.path);
    struct f5_controller *controller;
    int code = wanted ? plan_new_controller(work, plan, wanted,
                                            plan_from(work, "server", &server->object), &controller)
                      : ERR_NOMEM;
    if (code != 0)
        return code;
    controller->address = server->address;
    controller->disabled = server->object.disabled || datacenter->object.disabled;
    code = note_add(work, &controller->notes, "in the data center %s%s", datacenter->object.path,
                    datacenter->object.disabled ? ", which is disabled" : "");
    if (code == 0)
        code = plan_copy_notes(work, &datacenter->object, &controller->notes);
    if (code == 0)
        code = plan_copy_notes(work, &server->object, &controller->notes);
    controller->is_site = true;
    *ret_controller = controller;
    return code;
}

/* All generic hosts of a data center. */
static int datacenter_controller(struct f5_work *work, struct f5_plan *plan,
                                 struct f5_datacenter *datacenter,
                                 struct f5_controller **ret_controller)
{
    const char *wanted = plan_path_name(work, datacenter->object.path);
    int code = 0;
    if (!datacenter->controller) {
        const char *from = plan_from(work, "datacenter", &datacenter->object);
        code = wanted && from ? plan_new_controller(work, plan, wanted,
                                                    work_printf(work, "generic hosts of %s", from),
                                                    &datacenter->controller)
                              : ERR_NOMEM;
        if (code != 0)
            return code;
        datacenter->controller->disabled = datacenter->object.disabled;
        datacenter->controller->is_site = true;
        code = plan_copy_notes(work, &datacenter->object, &datacenter->controller->notes);
    }
    *ret_controller = datacenter->controller;
    return code;
}

/* What a generic host says is said at the controller of its site. */
static int name_host(struct f5_work *work, struct f5_server *server,
                     struct f5_controller *controller)
{
    int code = note_add(work, &controller->notes, "%s",
                        work_printf(work, "generic host %s%s", server->object.path,
                                    server->object.disabled ? ", disabled" : ""));
    return code == 0 ? plan_copy_notes(work, &server->object, &controller->notes) : code;
}

/* Says that a monitor of a server does not check anything here. */
static int name_monitors(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
                         struct f5_server *server, struct f5_controller *controller)
{
    struct f5_check *check;
    return plan_check(work, plan, model, &server->monitors, &controller->notes, &check);
}

int plan_controller(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
                    struct f5_server *server, struct f5_controller **ret_controller)
{
    int code = 0;
    if (!server->controller) {
        code = server->is_generic_host
                   ? datacenter_controller(work, plan, server->datacenter, &server->controller)
                   : server_controller(work, plan, server, &server->controller);
        if (code == 0 && server->is_generic_host)
            code = name_host(work, server, server->controller);
        if (code == 0)
            code = name_monitors(work, plan, model, server, server->controller);
    }
    if (code == 0)
        *ret_controller = server->controller;
    return code;
}

int f5_plan_make(struct f5_work *work, struct f5_model *model, struct f5_plan *ret_plan)
{
    struct f5_plan plan = {0};
    int code = plan_names(work, &plan, model);
    if (code == 0)
        code = plan_topology(work, &plan, model);
    if (code == 0)
        *ret_plan = plan;
    return code;
}

/*
 * Monitors.
 */
#include <string.h>

#include "f5/model_parts.h"

/* Longer times than a day are not those of a health check. */
#define CHECK_SECONDS_MAX 86400

static int take_parent(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    monitor->parent = model_path(work, property->values[0]);
    return monitor->parent ? 0 : ERR_NOMEM;
}

static int take_send(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    (void)work;
    monitor->send = property->values[0];
    return 0;
}

static int take_receive(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    (void)work;
    monitor->receive = property->values[0];
    return 0;
}

static int take_target(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    (void)work;
    monitor->destination = property->values[0];
    return 0;
}

static int take_program(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    (void)work;
    monitor->program = property->values[0];
    return 0;
}

static int take_arguments(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    (void)work;
    monitor->arguments = property->values[0];
    return 0;
}

static int take_interval(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    return f5_property_number(work, property, CHECK_SECONDS_MAX, &monitor->interval_s);
}

static int take_timeout(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    return f5_property_number(work, property, CHECK_SECONDS_MAX, &monitor->timeout_s);
}

static int take_probe_timeout(struct f5_work *work, void *object,
                              const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    return f5_property_number(work, property, CHECK_SECONDS_MAX, &monitor->probe_timeout_s);
}

static int take_reverse(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_monitor *monitor = object;
    return f5_property_switch(work, property, &monitor->reverse);
}

static const char tls[] = "a check of TLS has no key, ciphers or versions of its own";
static const char login[] = "a check does not log in";

static const struct f5_property_rule monitor_rules[] = {
    OBJECT_RULES,
    {"defaults-from", SHAPE_VALUE, take_parent, NULL},
    {"send", SHAPE_VALUE, take_send, NULL},
    {"recv", SHAPE_VALUE, take_receive, NULL},
    {"destination", SHAPE_VALUE, take_target, NULL},
    {"interval", SHAPE_VALUE, take_interval, NULL},
    {"timeout", SHAPE_VALUE, take_timeout, NULL},
    {"probe-timeout", SHAPE_VALUE, take_probe_timeout, NULL},
    {"reverse", SHAPE_VALUE, take_reverse, NULL},
    {"run", SHAPE_VALUE, take_program, NULL},
    {"args", SHAPE_VALUE, take_arguments, NULL},
    {"user-defined", SHAPE_PAIR, NULL, "a program of ours gets arguments, no variables"},
    {"ignore-down-response", SHAPE_VALUE, NULL,
     "a check that fails counts at once; see column fall for how many it takes"},
    {"transparent", SHAPE_VALUE, NULL, "a check connects to what it checks"},
    {"probe-*", SHAPE_VALUE, NULL, "a check is a single probe"},
    {"cert", SHAPE_VALUE, NULL, tls},
    {"key", SHAPE_VALUE, NULL, tls},
    {"cipherlist", SHAPE_VALUE, NULL, tls},
    {"compatibility", SHAPE_VALUE, NULL, NULL},
    {"sni-server-name", SHAPE_VALUE, NULL, tls},
    {"username", SHAPE_VALUE, NULL, login},
    {"password", SHAPE_VALUE, NULL, NULL}, /* not to be repeated */
    {"debug", SHAPE_VALUE, NULL, NULL},
};

/* tmsh saves an empty text as none. */
static void none_is_null(const char **text)
{
    if (*text && strcmp(*text, "none") == 0)
        *text = "";
}

int model_read_monitor(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(monitor_rules);
    struct f5_monitor *monitor = work_alloc(work, sizeof *monitor);
    if (!monitor)
        return ERR_NOMEM;
    monitor->type = item->words[2];
    int code = model_object_init(work, item, 3, &monitor->object);
    if (code == 0)
        code = f5_properties_read(work, item, &table, monitor, &monitor->object.notes);
    none_is_null(&monitor->send);
    none_is_null(&monitor->receive);
    if (code == 0)
        code = model_add(work, model, &model->monitors, "monitor", &monitor->object);
    return code;
}

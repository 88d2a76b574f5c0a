/*
 * Data centers, and the servers in them with their virtual servers.
 */
#include <stdio.h>
#include <string.h>

#include "f5/model_parts.h"

static const char limits[] = "there are no limits of this kind here";
static const char probers[] = "the checks are run by pdns-stickyd, on each name server";
static const char iquery[] = "there is no iQuery here";

static const struct f5_property_rule datacenter_rules[] = {
    OBJECT_RULES,
    {"contact", SHAPE_VALUE, NULL, "there is no such column"},
    {"location", SHAPE_VALUE, NULL, "there is no such column"},
    {"prober-*", SHAPE_VALUE, NULL, probers},
};

static int new_datacenter(struct f5_work *work, const struct f5_item *item, const char *path,
                          struct f5_model *model, struct f5_datacenter **ret_datacenter)
{
    struct f5_datacenter *datacenter = work_alloc(work, sizeof *datacenter);
    if (!datacenter)
        return ERR_NOMEM;
    datacenter->object = (struct f5_object){.path = path, .line = item->line};
    int code = model_add(work, model, &model->datacenters, "datacenter", &datacenter->object);
    if (code == 0)
        *ret_datacenter = datacenter;
    return code;
}

int model_read_datacenter(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(datacenter_rules);
    struct f5_datacenter *datacenter = NULL;
    const char *path = model_path(work, item->words[2]);
    int code = path ? new_datacenter(work, item, path, model, &datacenter) : ERR_NOMEM;
    if (code == 0)
        code = f5_properties_read(work, item, &table, datacenter, &datacenter->object.notes);
    return code;
}

static int take_destination(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_virtual_server *server = object;
    if (model_destination(property->values[0], &server->address, &server->port) == 0)
        return 0;
    return work_error(work, property->line,
                      "destination is an address and a port, like 192.0.2.80:443, not '%s'",
                      property->values[0]);
}

static int take_translation(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_virtual_server *server = object;
    if (model_address(property->values[0], &server->translation) == 0)
        return 0;
    return work_error(work, property->line, "translation-address is an address, not '%s'",
                      property->values[0]);
}

static int take_translation_port(struct f5_work *work, void *object,
                                 const struct f5_property *property)
{
    struct f5_virtual_server *server = object;
    struct address any;
    char text[300];
    snprintf(text, sizeof text, "*:%s", property->values[0]);
    if (model_destination(text, &any, &server->translation_port) == 0)
        return 0;
    return work_error(work, property->line, "translation-port is a port, not '%s'",
                      property->values[0]);
}

static int take_virtual_monitors(struct f5_work *work, void *object,
                                 const struct f5_property *property)
{
    struct f5_virtual_server *server = object;
    return model_monitors(work, property, &server->monitors);
}

static const struct f5_property_rule virtual_rules[] = {
    OBJECT_RULES,
    {"destination", SHAPE_VALUE, take_destination, NULL},
    {"translation-address", SHAPE_VALUE, take_translation, NULL},
    {"translation-port", SHAPE_VALUE, take_translation_port, NULL},
    {"monitor", SHAPE_MONITOR, take_virtual_monitors, NULL},
    {"depends-on", SHAPE_BLOCK, NULL,
     "the availability of a server depends on its own check alone: let that check what it needs"},
    {"limit-*", SHAPE_VALUE, NULL, limits},
    {"explicit-link-name", SHAPE_VALUE, NULL, "there are no links here"},
    {"ltm-name", SHAPE_VALUE, NULL, NULL},
};

/* Before version 11 a virtual server was named by its address. */
static int address_from_name(struct f5_virtual_server *server, const char *name)
{
    return server->address.family == FAMILY_NONE
               ? model_destination(name, &server->address, &server->port)
               : 0;
}

static int read_virtual_server(struct f5_work *work, const struct f5_item *item,
                               struct f5_server *server)
{
    static const struct f5_property_table table = F5_TABLE(virtual_rules);
    struct f5_virtual_server *virtual_server = work_alloc(work, sizeof *virtual_server);
    if (!virtual_server)
        return ERR_NOMEM;
    const char *name = item->word_count > 0 ? item->words[0] : "";
    virtual_server->object = (struct f5_object){.path = name, .line = item->line};
    if (text_index_find(&server->names, name))
        return work_error(work, item->line, "the virtual server '%s' is there twice", name);
    int code =
        f5_properties_read(work, item, &table, virtual_server, &virtual_server->object.notes);
    if (code == 0 && address_from_name(virtual_server, name) != 0)
        return work_error(work, item->line, "the virtual server '%s' has no destination", name);
    if (code == 0)
        code = text_index_add(work, &server->names, name, virtual_server);
    if (code == 0)
        code = list_add(work, &server->virtual_servers, virtual_server);
    return code;
}

static int take_virtual_servers(struct f5_work *work, void *object,
                                const struct f5_property *property)
{
    int code = 0;
    for (size_t i = 0; property->item && code == 0 && i < property->item->items.count; i++)
        code = read_virtual_server(work, property->item->items.items[i], object);
    return code;
}

/* The first address of a block `addresses { 192.0.2.1 { } ... }` is the server's. */
static int take_addresses(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_server *server = object;
    const struct list *items = property->item ? &property->item->items : NULL;
    const struct f5_item *first = items && items->count > 0 ? items->items[0] : NULL;
    if (!first || first->word_count == 0 || server->address.family != FAMILY_NONE)
        return 0;
    if (model_address(first->words[0], &server->address) == 0)
        return 0;
    return work_error(work, first->line, "'%s' is not an address", first->words[0]);
}

static const struct f5_property_rule device_rules[] = {
    {"addresses", SHAPE_BLOCK, take_addresses, NULL},
    {"description", SHAPE_VALUE, NULL, NULL},
};

static int take_devices(struct f5_work *work, void *object, const struct f5_property *property)
{
    static const struct f5_property_table table = F5_TABLE(device_rules);
    struct f5_server *server = object;
    int code = 0;
    for (size_t i = 0; property->item && code == 0 && i < property->item->items.count; i++)
        code = f5_properties_read(work, property->item->items.items[i], &table, server,
                                  &server->object.notes);
    return code;
}

/* The data center is found when all have been read. */
static int take_datacenter(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_server *server = object;
    struct f5_datacenter *datacenter = work_alloc(work, sizeof *datacenter);
    if (!datacenter || !(datacenter->object.path = model_path(work, property->values[0])))
        return ERR_NOMEM;
    server->datacenter = datacenter;
    return 0;
}

static int take_product(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_server *server = object;
    (void)work;
    server->is_generic_host = strcmp(property->values[0], "generic-host") == 0;
    return 0;
}

static int take_monitors(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_server *server = object;
    return model_monitors(work, property, &server->monitors);
}

static const struct f5_property_rule server_rules[] = {
    OBJECT_RULES,
    {"addresses", SHAPE_BLOCK, take_addresses, NULL},
    {"datacenter", SHAPE_VALUE, take_datacenter, NULL},
    {"devices", SHAPE_BLOCK, take_devices, NULL},
    {"product", SHAPE_VALUE, take_product, NULL},
    {"monitor", SHAPE_MONITOR, take_monitors, NULL},
    {"virtual-servers", SHAPE_BLOCK, take_virtual_servers, NULL},
    {"virtual-server-discovery", SHAPE_VALUE, NULL, "virtual servers are not discovered here"},
    {"link-discovery", SHAPE_VALUE, NULL, "there are no links here"},
    {"expose-route-domains", SHAPE_VALUE, NULL, "there are no route domains here"},
    {"limit-*", SHAPE_VALUE, NULL, limits},
    {"prober-*", SHAPE_VALUE, NULL, probers},
    {"iq*", SHAPE_VALUE, NULL, iquery},
};

int model_read_server(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(server_rules);
    struct f5_server *server = work_alloc(work, sizeof *server);
    if (!server)
        return ERR_NOMEM;
    int code = model_object_init(work, item, 2, &server->object);
    if (code == 0)
        code = f5_properties_read(work, item, &table, server, &server->object.notes);
    if (code == 0)
        code = model_add(work, model, &model->servers, "server", &server->object);
    return code;
}

/* A data center that the input does not have is made up: its name alone is needed. */
static int link_server(struct f5_work *work, struct f5_model *model, struct f5_server *server)
{
    const struct f5_item item = {.line = server->object.line};
    if (!server->datacenter)
        return work_error(work, server->object.line, "the server %s has no data center",
                          server->object.path);
    const char *path = server->datacenter->object.path;
    server->datacenter = f5_model_find(work, model, "datacenter", path);
    if (server->datacenter)
        return 0;
    int code = new_datacenter(work, &item, path, model, &server->datacenter);
    if (code == 0)
        code =
            note_add(work, &server->object.notes, "its data center %s is not in the input", path);
    return code;
}

int model_link_servers(struct f5_work *work, struct f5_model *model)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < model->servers.count; i++)
        code = link_server(work, model, model->servers.items[i]);
    return code;
}

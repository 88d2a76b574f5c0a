/*
 * What the files of the model share: model.c knows the kinds of objects, each other file reads some
 * of them.
 */
#ifndef STICKY_F5_MODEL_PARTS_H
#define STICKY_F5_MODEL_PARTS_H

#include "f5/model.h"
#include "f5/properties.h"

/* The path of an object or a reference: what has no partition is in /Common. NULL: no memory. */
const char *model_path(struct f5_work *work, const char *word);

/* What a path is without its folders. */
const char *model_leaf(const char *path);

/* Initializes the object that an item names with its word number `word`. 0 or ERR_NOMEM. */
int model_object_init(struct f5_work *work, const struct f5_item *item, size_t word,
                      struct f5_object *ret_object);

/* For the tables: enabled, disabled and description of any object. */
int take_enabled(struct f5_work *work, void *object, const struct f5_property *property);
int take_disabled(struct f5_work *work, void *object, const struct f5_property *property);
int take_description(struct f5_work *work, void *object, const struct f5_property *property);

#define OBJECT_RULES                                                                               \
    {"enabled", SHAPE_FLAG, take_enabled, NULL}, {"disabled", SHAPE_FLAG, take_disabled, NULL},    \
        {"description", SHAPE_VALUE, take_description, NULL},                                      \
        {"app-service", SHAPE_VALUE, NULL, NULL},                                                  \
    {                                                                                              \
        "metadata", SHAPE_BLOCK, NULL, NULL                                                        \
    }                                                                                              \
    /* What BIG-IP writes for itself. */

/* The monitors of a property. 0 or ERR_NOMEM. */
int model_monitors(struct f5_work *work, const struct f5_property *property,
                   struct f5_monitors *ret_monitors);

/* The word of a record type, an enum f5_record: "a", "aaaa", "cname". */
const char *model_record_word(size_t record);

/* False for a type that is not imported, such as mx. */
bool model_record_find(const char *word, enum f5_record *ret_record);

/*
 * An address with a port, as BIG-IP writes it: 192.0.2.1:443, 2001:db8::1.443, 192.0.2.1%2:https;
 * and *:* for any. 0, or ERR_INVAL.
 */
int model_destination(const char *text, struct address *ret_address, int64_t *ret_port);

/* The address of a word; FAMILY_NONE for `any`, `any6` and `none`. 0, or ERR_INVAL. */
int model_address(const char *text, struct address *ret_address);

/* Each reads one stanza and adds its object to the model. 0, ERR_NOMEM or ERR_INVAL. */
int model_read_datacenter(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_server(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_pool(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_wideip(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_monitor(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_region(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
int model_read_record(struct f5_work *work, const struct f5_item *item, struct f5_model *model);

/* Adds an object to a list and to the index. 0; ERR_NOMEM; ERR_INVAL if it is there twice. */
int model_add(struct f5_work *work, struct f5_model *model, struct list *list, const char *kind,
              struct f5_object *object);

/* Find what pools, wide IPs and servers refer to, when all has been read. */
int model_link_servers(struct f5_work *work, struct f5_model *model);
int model_link_pools(struct f5_work *work, struct f5_model *model);
int model_link_wideips(struct f5_work *work, struct f5_model *model);

#endif

/*
 * Reads the properties of an object by a table of what it may have.
 *
 * tmsh saves one property a line and lists several on one (`list one-line`), so how many words
 * belong to a property is known from its name alone. What a table does not have, BIG-IP may have in
 * another version: it becomes a comment, and its next word is taken as its value.
 */
#ifndef STICKY_F5_PROPERTIES_H
#define STICKY_F5_PROPERTIES_H

#include <stdint.h>

#include "f5/document.h"

struct f5_property {
    int line;
    const char *name;
    const char *const *values;
    size_t count;               /* of values */
    const struct f5_item *item; /* with the block, if the property has one; else NULL */
};

enum f5_shape {
    SHAPE_FLAG,    /* enabled */
    SHAPE_VALUE,   /* ttl 30 */
    SHAPE_PAIR,    /* user-defined NAME VALUE */
    SHAPE_BLOCK,   /* members { ... }, or `members none` */
    SHAPE_MONITOR, /* monitor A and B; monitor min 1 of { A B } */
    SHAPE_POOL,    /* last-resort-pool a NAME; or NAME */
};

/*
 * One of `take` and `note` is given, or neither for a property that changes nothing here. A name
 * that ends with '*' stands for all that begin with it.
 */
struct f5_property_rule {
    const char *name;
    enum f5_shape shape;
    /* 0, or an error of work_error(); `object` is the caller's. */
    int (*take)(struct f5_work *work, void *object, const struct f5_property *property);
    const char *note; /* why it has no counterpart */
};

struct f5_property_table {
    const struct f5_property_rule *rules;
    size_t count;
};

#define F5_TABLE(rules) {rules, sizeof(rules) / sizeof *(rules)}

/*
 * Reads the block of an item. Comments go to `notes`. 0, ERR_NOMEM, or ERR_INVAL with the line of a
 * property without its value or of one that `take` rejected.
 */
int f5_properties_read(struct f5_work *work, const struct f5_item *item,
                       const struct f5_property_table *table, void *object, struct list *notes);

/* The value as a number. 0, or ERR_INVAL with the line. */
int f5_property_number(struct f5_work *work, const struct f5_property *property, int64_t most,
                       int64_t *ret_number);

/* The value as enabled or yes, or as disabled or no. 0, or ERR_INVAL with the line. */
int f5_property_switch(struct f5_work *work, const struct f5_property *property, bool *ret_on);

#endif

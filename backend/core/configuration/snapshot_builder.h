/*
 * Builds a snapshot from the rows of the database.
 *
 * Rows may be added in any order. Texts are copied; NULL means NULL. A row that cannot be used is
 * left out, with a sentence in the snapshot's problems, so that a bad row never affects others. The
 * only failure is ERR_NOMEM; then the builder can only be freed.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_BUILDER_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/configuration/snapshot.h"

struct snapshot_builder;

struct zone_row {
    int64_t id;
    const char *name;
};

struct record_row {
    int64_t id;
    bool has_zone;
    int64_t zone_id;
    const char *name, *type, *content;
    int64_t ttl_s;
};

struct controller_row {
    int64_t id;
    const char *name, *address, *state;
};

struct pool_row {
    int64_t id;
    const char *name, *method;
    int64_t ttl_s, persistence_ttl_s;
    const char *persistence_timer;
    bool has_persistence_pool;
    int64_t persistence_pool_id;
    const char *client;
    int64_t ipv4_prefix_bits, ipv6_prefix_bits;
    const char *fallback;
    bool has_fallback_pool;
    int64_t fallback_pool_id;
    const char *alternate_method, *metric;
    int64_t tolerance_percent;
    const char *failback;
    int64_t failback_delay_s;
};

struct virtual_server_row {
    int64_t id, pool_id, controller_id, position;
    const char *ipv4, *ipv6, *state;
    int64_t weight;
    const char *name;
};

struct balanced_name_row {
    const char *name;
    int64_t pool_id;
};

struct group_row {
    const char *cidr, *name;
};

struct pin_row {
    int64_t id;
    const char *network, *group;
    bool has_pool;
    int64_t pool_id, controller_id;
    bool has_until;
    int64_t until_s;
    const char *comment;
};

struct setting_row {
    const char *name;
    int64_t value;
};

int snapshot_builder_new(struct snapshot_builder **ret_builder);
void snapshot_builder_free(struct snapshot_builder *builder);

int snapshot_add_zone(struct snapshot_builder *builder, const struct zone_row *row);
int snapshot_add_record(struct snapshot_builder *builder, const struct record_row *row);
int snapshot_add_controller(struct snapshot_builder *builder, const struct controller_row *row);
int snapshot_add_pool(struct snapshot_builder *builder, const struct pool_row *row);
int snapshot_add_virtual_server(struct snapshot_builder *builder,
                                const struct virtual_server_row *row);
int snapshot_add_balanced_name(struct snapshot_builder *builder,
                               const struct balanced_name_row *row);
int snapshot_add_group(struct snapshot_builder *builder, const struct group_row *row);
int snapshot_add_pin(struct snapshot_builder *builder, const struct pin_row *row);
int snapshot_add_setting(struct snapshot_builder *builder, const struct setting_row *row);

/* Completes the snapshot, which is then the caller's. The builder has to be freed all the same. */
int snapshot_builder_finish(struct snapshot_builder *builder, struct snapshot **ret_snapshot);

#endif

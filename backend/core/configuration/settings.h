/*
 * The rows of the table `setting`: limits and switches. Plain values; a missing row means the
 * default. Defaults and ranges are in settings.c; a test compares them with the schema.
 */
#ifndef STICKY_CORE_CONFIGURATION_SETTINGS_H
#define STICKY_CORE_CONFIGURATION_SETTINGS_H

#include <stdint.h>

struct settings {
    int64_t checkpoint_interval_s; /* from one checkpoint to the next */
    int64_t sweep_interval_s;      /* from one round of the sweep to the next */
    int64_t sweep_batch;           /* rows that one transaction of the sweep examines */
    int64_t max_megabytes;         /* size of the database above which no mappings are added */
    int64_t max_writes_per_second; /* mappings that each process writes */
    int64_t metric_max_age_s;      /* methods ignore older metrics */
    int64_t path_metric_max_age_s; /* and older path metrics */
    int64_t brake_percent; /* when more begin to fail within brake_window_s, none goes down */
    int64_t brake_window_s;
    int64_t max_checks;    /* that the monitor runs at the same time */
    int64_t share_skew_s;  /* a decision of a peer that is further in the future is not taken */
    int64_t share_grace_s; /* how long expired mappings are kept while mappings are shared */
    int64_t share_walk_s;  /* from one comparison of the whole table to the next */
    int64_t share_rows_per_second; /* that are taken of each peer */
    int64_t share_outbox_rows;     /* changes that wait until the oldest are dropped */
    int64_t share_poll_ms;         /* from one look for changes to the next */
    int64_t share_quorum;     /* servers that have to find a target down; 0: each believes itself */
    int64_t powerdns_version; /* 100 * major + minor, see core/dns/rdata.h */
};

struct settings settings_default(void);

/* max_megabytes in bytes. */
int64_t settings_max_bytes(const struct settings *settings);

/* 0; ERR_NOTFOUND for an unknown name; ERR_INVAL out of range. Changes nothing on failure. */
int settings_set(struct settings *settings, const char *name, int64_t value);

#endif

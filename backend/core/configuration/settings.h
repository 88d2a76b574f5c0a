/*
 * The rows of the table `setting`: limits and switches with their defaults and ranges.
 * Plain values; a missing row means the default.
 */
#ifndef STICKY_CORE_CONFIGURATION_SETTINGS_H
#define STICKY_CORE_CONFIGURATION_SETTINGS_H

#include <stdint.h>

struct settings {
    int64_t checkpoint_interval_s; /* between checkpoints of the write-ahead log: 5, 1..3600 */
    int64_t sweep_interval_s;      /* between looks for expired mappings: 1, 1..3600 */
    int64_t sweep_batch;           /* rows deleted in one transaction: 1000, 10..100000 */
    int64_t max_megabytes;         /* of the database; no new mappings above: 1024, 1..1048576 */
    int64_t max_writes_per_second; /* of mappings, by each process: 2000, 1..1000000 */
    int64_t metric_max_age_s;      /* of what dynamic methods trust: 60, 1..86400 */
    int64_t path_metric_max_age_s; /* the same for path metrics: 86400, 1..31536000 */
    int64_t brake_percent;         /* of targets failing together, not believed above: 50, 0..100 */
    int64_t brake_window_s;        /* how near in time "together" is: 30, 1..3600 */
    int64_t max_checks;            /* that the monitor runs at once: 1000, 1..10000 */
};

struct settings settings_default(void);

/* max_megabytes in bytes. */
int64_t settings_max_bytes(const struct settings *settings);

/* 0; ERR_NOTFOUND for an unknown name; ERR_INVAL out of range. Changes nothing on failure. */
int settings_set(struct settings *settings, const char *name, int64_t value);

#endif

/*
 * The table `setting`: limits and switches, each with its default and range. Plain values; without
 * a row the default is used.
 */
#ifndef STICKY_CORE_CONFIGURATION_SETTINGS_H
#define STICKY_CORE_CONFIGURATION_SETTINGS_H

#include <stdint.h>

struct settings {
    int64_t checkpoint_interval_s; /* between checkpoints of the write-ahead log: 5, 1..3600 */
    int64_t sweep_interval_s;      /* between sweeps for expired mappings: 1, 1..3600 */
    int64_t sweep_batch;           /* rows deleted in one transaction: 1000, 10..100000 */
    int64_t max_megabytes;         /* of the database; above it no new mappings: 1024, 1..1048576 */
    int64_t max_writes_per_second; /* of mappings, for each process: 2000, 1..1000000 */
    int64_t metric_max_age_s;      /* older metrics are not used: 60, 1..86400 */
    int64_t path_metric_max_age_s; /* likewise for path metrics: 86400, 1..31536000 */
    int64_t brake_percent;         /* of targets that may go down together: 50, 0..100 */
    int64_t brake_window_s;        /* what counts as together: 30, 1..3600 */
    int64_t max_checks;            /* that the monitor runs at the same time: 1000, 1..10000 */
};

struct settings settings_default(void);

/*
 * 0; or, with nothing changed, ERR_NOTFOUND for an unknown name, ERR_INVAL for a value out of
 * range.
 */
int settings_set(struct settings *settings, const char *name, int64_t value);

#endif

#include "core/configuration/settings.h"

#include <stddef.h>
#include <string.h>

#include "core/base/error.h"
#include "core/dns/rdata.h"

static const struct row {
    const char *name;
    size_t offset;
    int64_t preset, least, most;
} rows[] = {
    {"checkpoint_interval", offsetof(struct settings, checkpoint_interval_s), 5, 1, 3600},
    {"sweep_interval", offsetof(struct settings, sweep_interval_s), 1, 1, 3600},
    {"sweep_batch", offsetof(struct settings, sweep_batch), 1000, 10, 100000},
    {"max_megabytes", offsetof(struct settings, max_megabytes), 1024, 1, 1048576},
    {"max_writes_per_second", offsetof(struct settings, max_writes_per_second), 2000, 1, 1000000},
    {"metric_max_age", offsetof(struct settings, metric_max_age_s), 60, 1, 86400},
    {"path_metric_max_age", offsetof(struct settings, path_metric_max_age_s), 86400, 1, 31536000},
    {"brake_percent", offsetof(struct settings, brake_percent), 50, 0, 100},
    {"brake_window", offsetof(struct settings, brake_window_s), 30, 1, 3600},
    {"max_checks", offsetof(struct settings, max_checks), 1000, 1, 10000},
    {"share_skew", offsetof(struct settings, share_skew_s), 10, 1, 3600},
    {"share_grace", offsetof(struct settings, share_grace_s), 60, 0, 86400},
    {"share_walk", offsetof(struct settings, share_walk_s), 3600, 1, 604800},
    {"share_rows_per_second", offsetof(struct settings, share_rows_per_second), 20000, 10, 1000000},
    {"share_outbox_rows", offsetof(struct settings, share_outbox_rows), 1000000, 10, 1000000000},
    {"share_poll_ms", offsetof(struct settings, share_poll_ms), 10, 1, 10000},
    {"share_quorum", offsetof(struct settings, share_quorum), 0, 0, 64},
    {"powerdns_version", offsetof(struct settings, powerdns_version), 407, 407, 9999},
};

_Static_assert(POWERDNS_LEAST == 407, "the oldest version is the preset");

#define ROWS (sizeof rows / sizeof *rows)

static int64_t *place(struct settings *settings, const struct row *row)
{
    return (int64_t *)((char *)settings + row->offset);
}

struct settings settings_default(void)
{
    struct settings settings;
    for (size_t i = 0; i < ROWS; i++)
        *place(&settings, &rows[i]) = rows[i].preset;
    return settings;
}

int settings_set(struct settings *settings, const char *name, int64_t value)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (value < rows[i].least || value > rows[i].most)
            return ERR_INVAL;
        *place(settings, &rows[i]) = value;
        return 0;
    }
    return ERR_NOTFOUND;
}

int64_t settings_max_bytes(const struct settings *settings)
{
    return settings->max_megabytes * 1024 * 1024;
}

#include "core/configuration/settings.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void settings_have_defaults(void)
{
    struct settings settings = settings_default();
    CHECK_INTEGER(settings.checkpoint_interval_s, 5, "checkpoint_interval");
    CHECK_INTEGER(settings.sweep_interval_s, 1, "sweep_interval");
    CHECK_INTEGER(settings.sweep_batch, 1000, "sweep_batch");
    CHECK_INTEGER(settings.max_megabytes, 1024, "max_megabytes");
    CHECK_INTEGER(settings.max_writes_per_second, 2000, "max_writes_per_second");
    CHECK_INTEGER(settings.metric_max_age_s, 60, "metric_max_age");
    CHECK_INTEGER(settings.path_metric_max_age_s, 86400, "path_metric_max_age");
    CHECK_INTEGER(settings.brake_percent, 50, "brake_percent");
    CHECK_INTEGER(settings.brake_window_s, 30, "brake_window");
    CHECK_INTEGER(settings.max_checks, 1000, "max_checks");
    CHECK_INTEGER(settings.share_skew_s, 10, "share_skew");
    CHECK_INTEGER(settings.share_grace_s, 60, "share_grace");
    CHECK_INTEGER(settings.share_walk_s, 3600, "share_walk");
    CHECK_INTEGER(settings.share_rows_per_second, 20000, "share_rows_per_second");
    CHECK_INTEGER(settings.share_outbox_rows, 1000000, "share_outbox_rows");
    CHECK_INTEGER(settings.share_poll_ms, 10, "share_poll_ms");
    CHECK_INTEGER(settings.share_quorum, 0, "share_quorum");
    CHECK_INTEGER(settings.powerdns_version, 407, "powerdns_version");
}

static const struct {
    const char *name;
    int64_t value;
    int code;
} ranges[] = {
    {"checkpoint_interval", 1, 0},
    {"checkpoint_interval", 3600, 0},
    {"checkpoint_interval", 0, ERR_INVAL},
    {"checkpoint_interval", 3601, ERR_INVAL},
    {"sweep_interval", 1, 0},
    {"sweep_interval", 3600, 0},
    {"sweep_interval", 0, ERR_INVAL},
    {"sweep_interval", 3601, ERR_INVAL},
    {"sweep_batch", 10, 0},
    {"sweep_batch", 100000, 0},
    {"sweep_batch", 9, ERR_INVAL},
    {"sweep_batch", 100001, ERR_INVAL},
    {"sweep_batch", -10, ERR_INVAL},
    {"sweep_batch", INT64_MAX, ERR_INVAL},
    {"sweep_batch", INT64_MIN, ERR_INVAL},
    {"max_megabytes", 1, 0},
    {"max_megabytes", 1048576, 0},
    {"max_megabytes", 0, ERR_INVAL},
    {"max_megabytes", 1048577, ERR_INVAL},
    {"max_writes_per_second", 1, 0},
    {"max_writes_per_second", 1000000, 0},
    {"max_writes_per_second", 0, ERR_INVAL},
    {"max_writes_per_second", 1000001, ERR_INVAL},
    {"metric_max_age", 1, 0},
    {"metric_max_age", 86400, 0},
    {"metric_max_age", 0, ERR_INVAL},
    {"metric_max_age", 86401, ERR_INVAL},
    {"path_metric_max_age", 1, 0},
    {"path_metric_max_age", 31536000, 0},
    {"path_metric_max_age", 0, ERR_INVAL},
    {"path_metric_max_age", 31536001, ERR_INVAL},
    {"brake_percent", 0, 0},
    {"brake_percent", 100, 0},
    {"brake_percent", -1, ERR_INVAL},
    {"brake_percent", 101, ERR_INVAL},
    {"brake_window", 1, 0},
    {"brake_window", 3600, 0},
    {"brake_window", 0, ERR_INVAL},
    {"brake_window", 3601, ERR_INVAL},
    {"max_checks", 1, 0},
    {"max_checks", 10000, 0},
    {"max_checks", 0, ERR_INVAL},
    {"max_checks", 10001, ERR_INVAL},
    {"share_skew", 1, 0},
    {"share_skew", 3600, 0},
    {"share_skew", 0, ERR_INVAL},
    {"share_skew", 3601, ERR_INVAL},
    {"share_grace", 0, 0},
    {"share_grace", 86400, 0},
    {"share_grace", -1, ERR_INVAL},
    {"share_grace", 86401, ERR_INVAL},
    {"share_walk", 1, 0},
    {"share_walk", 604800, 0},
    {"share_walk", 0, ERR_INVAL},
    {"share_walk", 604801, ERR_INVAL},
    {"share_rows_per_second", 10, 0},
    {"share_rows_per_second", 1000000, 0},
    {"share_rows_per_second", 9, ERR_INVAL},
    {"share_rows_per_second", 1000001, ERR_INVAL},
    {"share_outbox_rows", 10, 0},
    {"share_outbox_rows", 1000000000, 0},
    {"share_outbox_rows", 9, ERR_INVAL},
    {"share_outbox_rows", 1000000001, ERR_INVAL},
    {"share_poll_ms", 1, 0},
    {"share_poll_ms", 10000, 0},
    {"share_poll_ms", 0, ERR_INVAL},
    {"share_poll_ms", 10001, ERR_INVAL},
    {"share_quorum", 0, 0},
    {"share_quorum", 64, 0},
    {"share_quorum", -1, ERR_INVAL},
    {"share_quorum", 65, ERR_INVAL},
    {"powerdns_version", 407, 0},
    {"powerdns_version", 9999, 0},
    {"powerdns_version", 406, ERR_INVAL},
    {"powerdns_version", 10000, ERR_INVAL},
    {"Sweep_batch", 10, ERR_NOTFOUND},
    {"sweep", 10, ERR_NOTFOUND},
    {"", 10, ERR_NOTFOUND},
};

static void settings_are_set_within_their_ranges(void)
{
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct settings settings = settings_default(), before = settings;
        CHECK_INTEGER(settings_set(&settings, ranges[i].name, ranges[i].value), ranges[i].code,
                      "%s %lld", ranges[i].name, (long long)ranges[i].value);
        if (ranges[i].code != 0)
            CHECK(memcmp(&settings, &before, sizeof before) == 0, "%s", ranges[i].name);
    }
}

static void each_name_sets_its_own_value(void)
{
    struct settings settings = settings_default();
    CHECK_INTEGER(settings_set(&settings, "checkpoint_interval", 11), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "sweep_interval", 12), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "sweep_batch", 13), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "max_megabytes", 14), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "max_writes_per_second", 15), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "metric_max_age", 16), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "path_metric_max_age", 17), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "brake_percent", 18), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "brake_window", 19), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "max_checks", 20), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_skew", 21), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_grace", 22), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_walk", 23), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_rows_per_second", 24), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_outbox_rows", 25), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_poll_ms", 26), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "share_quorum", 27), 0, "set");
    CHECK_INTEGER(settings_set(&settings, "powerdns_version", 501), 0, "set");
    CHECK_INTEGER(settings.checkpoint_interval_s, 11, "checkpoint_interval");
    CHECK_INTEGER(settings.sweep_interval_s, 12, "sweep_interval");
    CHECK_INTEGER(settings.sweep_batch, 13, "sweep_batch");
    CHECK_INTEGER(settings.max_megabytes, 14, "max_megabytes");
    CHECK_INTEGER(settings.max_writes_per_second, 15, "max_writes_per_second");
    CHECK_INTEGER(settings.metric_max_age_s, 16, "metric_max_age");
    CHECK_INTEGER(settings.path_metric_max_age_s, 17, "path_metric_max_age");
    CHECK_INTEGER(settings.brake_percent, 18, "brake_percent");
    CHECK_INTEGER(settings.brake_window_s, 19, "brake_window");
    CHECK_INTEGER(settings.max_checks, 20, "max_checks");
    CHECK_INTEGER(settings.share_skew_s, 21, "share_skew");
    CHECK_INTEGER(settings.share_grace_s, 22, "share_grace");
    CHECK_INTEGER(settings.share_walk_s, 23, "share_walk");
    CHECK_INTEGER(settings.share_rows_per_second, 24, "share_rows_per_second");
    CHECK_INTEGER(settings.share_outbox_rows, 25, "share_outbox_rows");
    CHECK_INTEGER(settings.share_poll_ms, 26, "share_poll_ms");
    CHECK_INTEGER(settings.share_quorum, 27, "share_quorum");
    CHECK_INTEGER(settings.powerdns_version, 501, "powerdns_version");
}

static const CU_TestInfo tests[] = {
    {"settings have defaults", settings_have_defaults},
    {"settings are set within their ranges", settings_are_set_within_their_ranges},
    {"each name sets its own value", each_name_sets_its_own_value},
    CU_TEST_INFO_NULL,
};

const struct suite suite_settings = {"settings", tests};

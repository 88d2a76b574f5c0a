#include "core/sharing/path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/sharing/row_problem.h"

/* Only the one spelling that is looked up, which has its length also when it is that of a host. */
static bool is_network(const char *text)
{
    char address[ADDRESS_TEXT_MAX], canonical[PREFIX_TEXT_MAX];
    struct prefix prefix;
    if (prefix_parse(text, strlen(text), &prefix) != 0)
        return false;
    snprintf(canonical, sizeof canonical, "%s/%u", address_format(&prefix.address, address),
             (unsigned)prefix.bits);
    return strcmp(canonical, text) == 0;
}

const char *shared_path_problem(const struct shared_path *path)
{
    if (!is_network(path->network))
        return "its network is not written like 192.0.2.0/24 or 2001:db8::/48";
    if (!shared_is_controller(path->controller))
        return "its controller is not 1 to 64 characters without control characters";
    if (!(path->rtt_ms >= 0 && path->rtt_ms <= SHARED_RTT_MAX_MS))
        return "its rtt is not 0 to 3600000";
    if (path->measured_at_s < 0 || path->measured_at_s > SHARED_TIMESTAMP_MAX_S)
        return "its measured_at is not 0 to 253402300799";
    return NULL;
}

static bool is_future(const struct path_judge *judge, int64_t measured_at_s)
{
    return measured_at_s > judge->now_s && measured_at_s - judge->now_s > judge->skew_s;
}

enum entry_fate path_fate(const struct path_judge *judge, int64_t told_s, const int64_t *standing_s)
{
    bool stands = standing_s && !is_future(judge, *standing_s);
    if (told_s < judge->now_s && judge->now_s - told_s > judge->max_age_s)
        return ENTRY_OLDER;
    if (stands && told_s == *standing_s)
        return ENTRY_KNOWN;
    if (stands && told_s < *standing_s)
        return ENTRY_OLDER;
    return is_future(judge, told_s) ? ENTRY_FUTURE : ENTRY_NEWER;
}

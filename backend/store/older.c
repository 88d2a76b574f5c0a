#include "store/older.h"

#include <stddef.h>

/*
 * The star takes in what a migration adds while the file is open; the true column then comes first
 * and counts, since SQLite gives the second one of a name another name.
 */
static const char version_1[] =
    "PRAGMA temp_store = MEMORY;"
    "CREATE TEMP VIEW revision AS SELECT *, 1 AS topology FROM main.revision;"
    "CREATE TEMP VIEW controller AS SELECT *, NULL AS monitor_id FROM main.controller;"
    "CREATE TEMP VIEW pool AS SELECT *, NULL AS alternate_method, NULL AS metric, 20 AS tolerance,"
    " NULL AS monitor_id FROM main.pool;"
    "CREATE TEMP VIEW virtual_server AS SELECT *, NULL AS monitor_id, NULL AS check_address"
    " FROM main.virtual_server;"
    "CREATE TEMP TABLE monitor (id INTEGER PRIMARY KEY, name, type, port, path, host, query,"
    " status_min, status_max, body, send, expect, verify, interval, timeout, rise, fall);"
    "CREATE TEMP TABLE controller_verdict"
    " (controller_id INTEGER PRIMARY KEY, state, reason, since, checked_at, flaps);"
    "CREATE TEMP TABLE virtual_server_verdict"
    " (virtual_server_id INTEGER PRIMARY KEY, state, reason, since, checked_at, flaps);"
    "CREATE TEMP TABLE topology"
    " (id INTEGER PRIMARY KEY, cidr, country, continent, asn, controller_id, preference);"
    "CREATE TEMP TABLE geo_database (path TEXT PRIMARY KEY);"
    "CREATE TEMP TABLE path_metric (network TEXT, controller_id INTEGER, rtt, measured_at, bits,"
    " ipv6, PRIMARY KEY (network, controller_id));";

const char *older_stand_ins(int64_t version)
{
    return version == 1 ? version_1 : NULL;
}

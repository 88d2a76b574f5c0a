#include "store/powerdns_zones.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* pdnsutil and the API write for longer than that only when they load a large zone. */
#define BUSY_MS 2000

enum { HAS_ZONE, HAS_RECORD, SIGNED_ZONES, STATEMENTS };

struct powerdns_zones {
    sqlite3 *connection;
    sqlite3_stmt *statements[STATEMENTS];
    struct error error;
};

#define FIND_RECORD                                                                                \
    "SELECT 1 FROM records WHERE name = ?1 AND (?2 IS NULL OR type = ?2) AND type IS NOT NULL"     \
    " AND NOT coalesce(disabled, 0) LIMIT 1"

static const char *const texts[STATEMENTS] = {
    [HAS_ZONE] = "SELECT 1 FROM domains WHERE name = ?1",
    [HAS_RECORD] = FIND_RECORD,
    [SIGNED_ZONES] = "SELECT count(DISTINCT domain_id) FROM cryptokeys WHERE active",
};

void powerdns_zones_close(struct powerdns_zones *zones)
{
    if (!zones)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(zones->statements[i]);
    sqlite3_close(zones->connection);
    free(zones);
}

int powerdns_zones_open(const char *path, struct powerdns_zones **ret_zones, struct error *error)
{
    struct powerdns_zones *zones = calloc(1, sizeof *zones);
    if (!zones)
        return error_set(error, ERR_NOMEM, "out of memory");
    int result = sqlite3_open_v2(path, &zones->connection, SQLITE_OPEN_READONLY, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_busy_timeout(zones->connection, BUSY_MS);
    for (size_t i = 0; result == SQLITE_OK && i < STATEMENTS; i++)
        result = sqlite3_prepare_v2(zones->connection, texts[i], -1, &zones->statements[i], NULL);
    if (result == SQLITE_OK) {
        *ret_zones = zones;
        return 0;
    }
    error_set(error, result == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", path,
              zones->connection ? sqlite3_errmsg(zones->connection) : sqlite3_errstr(result));
    powerdns_zones_close(zones);
    return error ? error->code : ERR_IO;
}

/* The first column of the first row; 0 without one. */
static int64_t ask(struct powerdns_zones *zones, int statement, const char *name, const char *type)
{
    sqlite3_stmt *row = zones->statements[statement];
    if (name)
        sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    if (type)
        sqlite3_bind_text(row, 2, type, -1, SQLITE_STATIC);
    int result = sqlite3_step(row);
    int64_t number = result == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        error_set(&zones->error, ERR_IO, "%s", sqlite3_errmsg(zones->connection));
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    return number;
}

bool powerdns_zones_have(struct powerdns_zones *zones, const char *name)
{
    return ask(zones, HAS_ZONE, name, NULL) != 0;
}

/* What is above a name in the tree: what follows its first dot that is not escaped. */
static const char *parent(const char *name)
{
    for (; *name && *name != '.'; name++)
        if (*name == '\\' && name[1])
            name++;
    return *name ? name + 1 : NULL;
}

const char *powerdns_zones_find(struct powerdns_zones *zones, const char *name)
{
    for (; name; name = parent(name))
        if (powerdns_zones_have(zones, name))
            return name;
    return NULL;
}

bool powerdns_zones_have_record(struct powerdns_zones *zones, const char *name, const char *type)
{
    return ask(zones, HAS_RECORD, name, type) != 0;
}

int64_t powerdns_zones_signed(struct powerdns_zones *zones)
{
    return ask(zones, SIGNED_ZONES, NULL, NULL);
}

int powerdns_zones_error(const struct powerdns_zones *zones, struct error *error)
{
    return zones->error.code == 0 ? 0
                                  : error_set(error, zones->error.code, "%s", zones->error.text);
}

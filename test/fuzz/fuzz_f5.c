/*
 * A configuration of a BIG-IP DNS, malformed or not: either an error with text and nothing printed,
 * or SQL that a database of schema.sql takes without an error and as a whole.
 *
 * Input: the text. A database is asked only now and then, since it is slow: by a hash of the text.
 */
#include <string.h>

#include "core/base/hash.h"
#include "f5/import.h"
#include "fuzz.h"

/* One input in so many is read by SQLite. */
#define ASKED_EVERY 16

static void empty(sqlite3 *connection)
{
    scratch_run(connection,
                "DELETE FROM balanced_name; DELETE FROM topology; DELETE FROM virtual_server;"
                "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL;"
                "DELETE FROM pool; DELETE FROM controller; DELETE FROM monitor;");
}

static void ask_database(const char *sql)
{
    static sqlite3 *connection;
    char *problem = NULL;
    if (!connection)
        connection = scratch_open(scratch_database());
    empty(connection);
    int code = sqlite3_exec(connection, sql, NULL, NULL, &problem);
    REQUIRE(code == SQLITE_OK, "%s: %s", problem, sql);
    REQUIRE(sqlite3_get_autocommit(connection), "a transaction is left: %s", sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer sql = {0};
    struct error error = {0};
    const char *text = (const char *)data;
    buffer_add_text(&sql, "");
    int code = f5_import(text, size, &sql, &error);
    REQUIRE(code == 0 || code == ERR_INVAL, "code %d: %s", code, error.text);
    REQUIRE((code == 0) == (error.text[0] == '\0'), "code %d: '%s'", code, error.text);
    REQUIRE(code == 0 || sql.length == 0, "printed, and then: %s", error.text);
    REQUIRE(code != 0 || strlen(buffer_text(&sql)) == sql.length, "a NUL byte was printed");
    if (code == 0 && text_hash(buffer_text(&sql)) % ASKED_EVERY == 0)
        ask_database(buffer_text(&sql));
    buffer_release(&sql);
    return 0;
}

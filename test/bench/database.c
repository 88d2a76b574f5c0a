/*
 * Fills a database with mappings, for all resolvers of a crowd.
 *
 *   database FILE COUNT
 *
 * FILE has the schema and the pool 1 with the controllers 1 to 3 already, and nobody uses it.
 *
 * A table that has grown by chance has pages that are two thirds full, one that is written in the
 * order of its keys has full ones: a new mapping would then split a page nearly always. So half of
 * the rows are written in their order, and then the other half in between.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "resolvers.h"

#define CONTROLLERS 3
#define TTL_S (30 * 24 * 3600) /* outlives the benchmark */
#define PASSES 2

static void fail(sqlite3 *database, const char *doing)
{
    fprintf(stderr, "database: %s: %s\n", doing, sqlite3_errmsg(database));
    exit(EXIT_FAILURE);
}

static void run(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(database, sql);
}

static sqlite3_stmt *prepare(sqlite3 *database)
{
    sqlite3_stmt *statement = NULL;
    const char *sql = "INSERT INTO persistence"
                      " (pool_id, ldns, controller_id, method, timestamp, ttl)"
                      " VALUES (1, ?1, ?2, 'modulus', ?3, ?4)";
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail(database, sql);
    sqlite3_bind_int64(statement, 3, time(NULL));
    sqlite3_bind_int64(statement, 4, TTL_S);
    return statement;
}

static void write_pass(sqlite3 *database, const struct crowd *crowd, unsigned pass)
{
    sqlite3_stmt *statement = prepare(database);
    struct crowd_walk walk;
    struct resolver resolver;
    uint64_t number;
    crowd_walk_init(crowd, &walk);
    while (crowd_next(crowd, &walk, &number, &resolver)) {
        if (scramble(~number) % PASSES != pass)
            continue;
        sqlite3_bind_text(statement, 1, resolver.text, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)(1 + number % CONTROLLERS));
        if (sqlite3_step(statement) != SQLITE_DONE)
            fail(database, resolver.text);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
}

int main(int argc, char **argv)
{
    sqlite3 *database;
    struct crowd crowd;
    if (argc != 3) {
        fprintf(stderr, "usage: database FILE COUNT\n");
        return 64;
    }
    if (sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail(database, argv[1]);
    crowd_init(&crowd, strtoull(argv[2], NULL, 10));
    run(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                  " PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; BEGIN");
    for (unsigned pass = 0; pass < PASSES; pass++)
        write_pass(database, &crowd, pass);
    run(database, "COMMIT; PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL");
    sqlite3_close(database);
    return EXIT_SUCCESS;
}

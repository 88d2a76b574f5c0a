/*
 * The rows of the verdict tables, and the metrics that go with them.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/buffer.h"
#include "core/base/hash.h"
#include "store/monitoring.h"
#include "store/sqlite/lock_bytes.h"
#include "store/sqlite/table_reader.h"
#include "store/store_parts.h"
#include "system/clock.h"

/* The statements of each kind of target. */
static const struct {
    enum query each, write, availability, rtt, end_metrics, end;
} queries[] = {
    [TARGET_CONTROLLER] = {QUERY_CONTROLLER_VERDICTS, QUERY_CONTROLLER_VERDICT_WRITE,
                           QUERY_CONTROLLER_AVAILABILITY_WRITE, QUERY_CONTROLLER_RTT_WRITE,
                           QUERY_CONTROLLER_METRICS_END, QUERY_CONTROLLER_VERDICT_END},
    [TARGET_SERVER] = {QUERY_SERVER_VERDICTS, QUERY_SERVER_VERDICT_WRITE,
                       QUERY_SERVER_AVAILABILITY_WRITE, QUERY_SERVER_RTT_WRITE,
                       QUERY_SERVER_METRICS_END, QUERY_SERVER_VERDICT_END},
};

/* ---------------------------------------------------------------- reading */

static bool read_row(sqlite3_stmt *row, enum target_kind kind, struct verdict_row *ret_row)
{
    *ret_row = (struct verdict_row){
        .key = {.kind = kind, .id = sqlite3_column_int64(row, 0)},
        .verdict = {.since_s = sqlite3_column_int64(row, 3),
                    .checked_s = sqlite3_column_int64(row, 4),
                    .flaps = sqlite3_column_int64(row, 5),
                    .has_rtt = sqlite3_column_type(row, 6) != SQLITE_NULL,
                    .rtt_ms = sqlite3_column_double(row, 6)},
    };
    if (sqlite3_column_type(row, 7) != SQLITE_NULL)
        ret_row->counts = sqlite3_column_double(row, 7) != 0 ? VERDICT_UP : VERDICT_DOWN;
    const char *reason = (const char *)sqlite3_column_text(row, 2);
    return reason && reason_parse(reason, &ret_row->verdict.reason) &&
           verdict_state_parse((const char *)sqlite3_column_text(row, 1),
                               &ret_row->verdict.state) &&
           target_family_parse((const char *)sqlite3_column_text(row, 8), &ret_row->key.family);
}

static int each_of_kind(struct store *store, enum target_kind kind,
                        int (*each)(void *context, const struct verdict_row *row), void *context,
                        struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, queries[kind].each);
    struct verdict_row row;
    int code = 0, result = SQLITE_ROW;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
        if (read_row(statement, kind, &row))
            code = each(context, &row);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = database_error(&store->database, result, "verdicts cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

int store_each_verdict(struct store *store,
                       int (*each)(void *context, const struct verdict_row *row), void *context,
                       struct error *error)
{
    int code = each_of_kind(store, TARGET_CONTROLLER, each, context, error);
    return code == 0 ? each_of_kind(store, TARGET_SERVER, each, context, error) : code;
}

int store_each_peers_row(struct store *store,
                         void (*each)(void *context, const struct peers_row *row), void *context,
                         struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_HEALTH_PEERS);
    int code = 0, result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        each(context, &(struct peers_row){row_text(statement, 0), row_text(statement, 1),
                                          row_text(statement, 2), row_text(statement, 3),
                                          row_text(statement, 4), row_text(statement, 5)});
    if (result != SQLITE_DONE)
        code = database_error(&store->database, result, "verdicts of peers cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* ---------------------------------------------------------------- writing */

static int run(struct store *store, enum query query, struct error *error)
{
    return database_run(&store->database, database_statement(&store->database, query),
                        "verdicts cannot be written", error);
}

/* Binds a text, where the statement has that parameter: those of controllers know no families. */
static void bind_if_asked(sqlite3_stmt *statement, int parameter, const char *text)
{
    if (parameter <= sqlite3_bind_parameter_count(statement))
        sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

static int write_metric(struct store *store, enum query query, const struct target_key *key,
                        double value, int64_t measured_s, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, query);
    sqlite3_bind_int64(statement, 1, key->id);
    sqlite3_bind_double(statement, 2, value);
    sqlite3_bind_int64(statement, 3, measured_s);
    bind_if_asked(statement, 4, target_family_word(key->family));
    return run(store, query, error);
}

/* A server's metrics follow from those of its addresses. */
static int sum_up(struct store *store, int64_t server_id, struct error *error)
{
    static const enum query sums[] = {QUERY_SERVER_AVAILABILITY_SUM, QUERY_SERVER_RTT_SUM};
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof sums / sizeof *sums; i++) {
        sqlite3_bind_int64(database_statement(&store->database, sums[i]), 1, server_id);
        code = run(store, sums[i], error);
    }
    return code;
}

static int write_verdict(struct store *store, const struct verdict_row *row, struct error *error)
{
    const struct target_verdict *verdict = &row->verdict;
    enum query query = queries[row->key.kind].write;
    sqlite3_stmt *statement = database_statement(&store->database, query);
    sqlite3_bind_int64(statement, 1, row->key.id);
    sqlite3_bind_text(statement, 2, verdict_state_word(verdict->state), -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, reason_word(verdict->reason), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, verdict->since_s);
    sqlite3_bind_int64(statement, 5, verdict->checked_s);
    sqlite3_bind_int64(statement, 6, verdict->flaps);
    bind_if_asked(statement, 7, target_family_word(row->key.family));
    return run(store, query, error);
}

static int write_row(struct store *store, const struct verdict_row *row, struct error *error)
{
    const struct target_verdict *verdict = &row->verdict;
    enum verdict_state counts = row->counts != VERDICT_NONE ? row->counts : verdict->state;
    int code = write_verdict(store, row, error);
    if (code == 0)
        code = write_metric(store, queries[row->key.kind].availability, &row->key,
                            counts == VERDICT_UP, verdict->checked_s, error);
    if (code == 0 && row->measured && verdict->has_rtt)
        code = write_metric(store, queries[row->key.kind].rtt, &row->key, verdict->rtt_ms,
                            verdict->checked_s, error);
    return code == 0 && row->key.family != FAMILY_NONE ? sum_up(store, row->key.id, error) : code;
}

/* Its metrics go only with a verdict; without one they are somebody else's. */
static int end_row(struct store *store, const struct target_key *key, struct error *error)
{
    const enum query ends[] = {queries[key->kind].end_metrics, queries[key->kind].end};
    int code = 0;
    for (int i = 0; code == 0 && i < 2; i++) {
        sqlite3_stmt *statement = database_statement(&store->database, ends[i]);
        sqlite3_bind_int64(statement, 1, key->id);
        bind_if_asked(statement, 2, target_family_word(key->family));
        code = run(store, ends[i], error);
    }
    return code;
}

static int write_all(struct store *store, const struct verdict_row *rows, size_t count,
                     const struct target_key *ended, size_t ended_count, struct error *error)
{
    int code = run(store, QUERY_BEGIN, error);
    if (code != 0)
        return code;
    for (size_t i = 0; code == 0 && i < ended_count; i++)
        code = end_row(store, &ended[i], error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = write_row(store, &rows[i], error);
    if (code == 0)
        code = run(store, QUERY_COMMIT, error);
    if (code != 0 && !sqlite3_get_autocommit(store->database.connection))
        (void)run(store, QUERY_ROLLBACK, NULL);
    return code;
}

int store_write_verdicts(struct store *store, const struct verdict_row *rows, size_t count,
                         const struct target_key *ended, size_t ended_count, int wait_ms,
                         struct error *error)
{
    struct database *database = &store->database;
    if (!database->connection)
        return error_set(error, ERR_IO, "%s is not open", database->path);
    if (database->read_only[0])
        return error_set(error, ERR_READONLY, "%s", database->read_only);
    int code = database_check(database, 0, clock_monotonic_ms(), error);
    if (code != 0)
        return code;
    database_end(database);
    int usual_ms = database->lock_wait_ms;
    database->lock_wait_ms = wait_ms;
    code = write_all(store, rows, count, ended, ended_count, error);
    database->lock_wait_ms = usual_ms;
    return code;
}

/* ---------------------------------------------------------------- signs of life */

/* What stands in the lock file. The hash tells whether all of it is there. */
struct report {
    uint64_t hash;
    int64_t written_ms;
    char problems[STORE_REPORT_MAX];
};

int store_be_monitor(struct store *store, struct error *error)
{
    database_open_lock(&store->database);
    if (store->database.lock.descriptor < 0)
        return error_set(error, ERR_IO, "%s-lock cannot be opened", store->database.path);
    store->is_monitor = lock_file_take(&store->database.lock, LOCK_MONITOR);
    if (store->is_monitor)
        return 0;
    return error_set(error, ERR_BUSY, "%s: another pdns-stickyd watches it already",
                     store->database.path);
}

bool store_has_monitor(const struct store *store)
{
    return store->is_monitor || lock_file_is_taken(&store->database.lock, LOCK_MONITOR);
}

void store_report(const struct store *store, int64_t now_ms, const char *problems)
{
    struct report report = {.written_ms = now_ms};
    snprintf(report.problems, sizeof report.problems, "%s", problems);
    report.hash = text_hash(report.problems);
    lock_file_write(&store->database.lock, LOCK_BYTES_REPORT, &report, sizeof report);
}

bool store_read_report(const struct store *store, int64_t now_ms, int64_t *ret_ago_ms,
                       char ret_problems[static STORE_REPORT_MAX])
{
    struct report report;
    if (!lock_file_read(&store->database.lock, LOCK_BYTES_REPORT, &report, sizeof report) ||
        report.problems[STORE_REPORT_MAX - 1] != '\0' ||
        report.hash != text_hash(report.problems) || report.written_ms <= 0 ||
        report.written_ms > now_ms)
        return false;
    *ret_ago_ms = now_ms - report.written_ms;
    memcpy(ret_problems, report.problems, sizeof report.problems);
    return true;
}

/*
 * What was changed here, how far the logs of others were read, and sweeping: the tables
 * `share_change`, `share_cursor` and `share_deleted`.
 */
#include <stdio.h>
#include <string.h>

#include "core/sharing/row_problem.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"
#include "store/sqlite/persistence_row.h"

/* ---------------------------------------------------------------- what was changed here */

/*
 * Adds the entry of the key that a statement stands on, if there is one that is shared. Whether it
 * is over is for those to say who are told.
 */
static int add_changed(struct sharing *sharing, sqlite3_stmt *change, struct shared_rows *rows,
                       struct error *error)
{
    struct shared_row *row = &rows->rows[rows->count];
    struct known known;
    int64_t pool_id = sqlite3_column_int64(change, 1);
    const char *pool = name_list_name(&sharing->names.pools, pool_id);
    if (!pool || !sharing_read_key(change, 2, row->key))
        return 0;
    int code = sharing_find(sharing, pool_id, row->key, &known, error);
    const struct entry *entry = code == 0 ? sharing_standing(sharing, &known, 0) : NULL;
    if (!entry)
        return code;
    strcpy(row->pool, pool);
    row->entry = *entry;
    if (!shared_row_problem(row))
        rows->count++;
    return 0;
}

static int read_changes(struct sharing *sharing, struct shared_rows *rows, int64_t *ret_stamp,
                        bool *ret_more, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_CHANGES);
    sqlite3_bind_int64(statement, 1, (int64_t)rows->capacity);
    int64_t last = 0, count = 0;
    int code;
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        int64_t stamp = sqlite3_column_int64(statement, 0);
        last = stamp > last ? stamp : last;
        count += sqlite3_column_int64(statement, 3);
        code = add_changed(sharing, statement, rows, error);
        if (code != 0) {
            sqlite3_reset(statement);
            return code;
        }
    }
    if (code == ERR_NOTFOUND)
        *ret_stamp = last;
    *ret_more = count == (int64_t)rows->capacity;
    return code == ERR_NOTFOUND ? 0 : code;
}

int sharing_read_changes(struct sharing *sharing, struct shared_rows *ret_rows, int64_t *ret_stamp,
                         bool *ret_more, struct error *error)
{
    ret_rows->count = 0;
    *ret_more = false;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = read_changes(sharing, ret_rows, ret_stamp, ret_more, error);
    sharing_end(sharing);
    return code;
}

static int end_changes(struct sharing *sharing, int64_t stamp, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_CHANGES_END);
    sqlite3_bind_int64(statement, 1, stamp);
    return database_run(&sharing->database, statement, "changes cannot be removed", error);
}

/* In a transaction that has begun. */
static int end_changes_as_batch(struct sharing *sharing, int64_t stamp, int64_t batch,
                                struct error *error)
{
    int code = end_changes(sharing, stamp, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_BATCH);
    sqlite3_bind_int64(statement, 1, batch);
    return database_run(&sharing->database, statement, "table share cannot be written", error);
}

int sharing_forget_changes(struct sharing *sharing, int64_t stamp, int64_t batch,
                           struct error *error)
{
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    return sharing_end_writing(sharing, end_changes_as_batch(sharing, stamp, batch, error), error);
}

/*
 * The changes that wait. Stamps follow one another without gaps, since the oldest ones are removed
 * and new ones get the next number, so nobody has to count a million rows.
 */
struct waiting {
    int64_t first, last, oldest_ms;
};

static int read_waiting(struct sharing *sharing, struct waiting *ret_waiting, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_CHANGES_WAITING);
    int code = sharing_step(sharing, statement, error);
    *ret_waiting = (struct waiting){.first = 1};
    if (code == ERR_NOTFOUND)
        return 0;
    if (code != 0)
        return code;
    *ret_waiting = (struct waiting){.first = sqlite3_column_int64(statement, 0),
                                    .oldest_ms = sqlite3_column_int64(statement, 1),
                                    .last = sqlite3_column_int64(statement, 2)};
    sqlite3_reset(statement);
    return 0;
}

int sharing_count_changes(struct sharing *sharing, int64_t *ret_count, int64_t *ret_oldest_ms,
                          struct error *error)
{
    struct waiting waiting;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = read_waiting(sharing, &waiting, error);
    sharing_end(sharing);
    if (code != 0)
        return code;
    *ret_count = (int64_t)((uint64_t)waiting.last - (uint64_t)waiting.first + 1);
    if (*ret_count < 0) /* SQL has put in stamps that are further apart than numbers go */
        *ret_count = INT64_MAX;
    *ret_oldest_ms = waiting.oldest_ms;
    return 0;
}

/* ---------------------------------------------------------------- cursors */

int sharing_cursor(struct sharing *sharing, int64_t node, struct share_cursor *ret_cursor,
                   struct error *error)
{
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_CURSOR);
    sqlite3_bind_int64(statement, 1, node);
    code = sharing_step(sharing, statement, error);
    if (code == 0) {
        *ret_cursor = (struct share_cursor){.node = node,
                                            .created = sqlite3_column_int64(statement, 0),
                                            .sequence = sqlite3_column_int64(statement, 1),
                                            .incarnation = sqlite3_column_int64(statement, 2),
                                            .batch = sqlite3_column_int64(statement, 3)};
        sqlite3_reset(statement);
    } else if (code == ERR_NOTFOUND) {
        *ret_cursor = (struct share_cursor){.node = node};
        code = 0;
    }
    sharing_end(sharing);
    return code;
}

/* ---------------------------------------------------------------- sweeping */

/* So many changes are removed at once, and tombstones examined: some ten milliseconds. */
#define SWEEP_CHANGES_MAX 50000
#define SWEEP_TOMBSTONES_MAX 5000

/* What is to be deleted in a round. */
struct round {
    int64_t stamp, dropped; /* the changes up to that stamp, and how many; 0: none */
    int64_t before_s;       /* timestamp + ttl of what has ended is no later */
    bool has_ended;         /* tombstones up to `to` */
    struct sharing_sweep to;
};

/* The oldest changes, of those above the limit. */
static int look_at_changes(struct sharing *sharing, struct round *round, struct error *error)
{
    struct waiting waiting;
    int code = read_waiting(sharing, &waiting, error);
    if (code != 0)
        return code;
    int64_t above = waiting.last - waiting.first + 1 - sharing->settings.share_outbox_rows;
    if (above <= 0)
        return 0;
    round->dropped = above < SWEEP_CHANGES_MAX ? above : SWEEP_CHANGES_MAX;
    round->stamp = waiting.first + round->dropped - 1;
    return 0;
}

static void bind_sweep(sqlite3_stmt *statement, const struct sharing_sweep *from, int64_t before_s)
{
    sqlite3_bind_int64(statement, 1, from->pool_id);
    sqlite3_bind_text(statement, 2, from->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, before_s);
}

/* Where the batch ends, and whether any of its tombstones has ended. */
static int look_at_tombstones(struct sharing *sharing, struct round *round, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_SWEEP_LOOK);
    bind_sweep(statement, &sharing->sweep, round->before_s);
    sqlite3_bind_int64(statement, 4, SWEEP_TOMBSTONES_MAX);
    int rows = 0, code;
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        round->has_ended |= sqlite3_column_int(statement, 2) != 0;
        if (++rows < SWEEP_TOMBSTONES_MAX)
            continue;
        round->to.pool_id = sqlite3_column_int64(statement, 0);
        if (!persistence_place_behind(statement, 1, round->to.key, sizeof round->to.key))
            round->has_ended = true; /* perhaps of rows that were passed over */
    }
    if (rows < SWEEP_TOMBSTONES_MAX)
        round->to.pool_id = INT64_MAX;
    return code == ERR_NOTFOUND ? 0 : code;
}

static int look(struct sharing *sharing, struct round *round, struct error *error)
{
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = look_at_changes(sharing, round, error);
    if (code == 0)
        code = look_at_tombstones(sharing, round, error);
    sharing_end(sharing);
    return code;
}

static int delete_round(struct sharing *sharing, const struct round *round, int64_t batch,
                        struct error *error)
{
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    if (round->dropped > 0)
        code = end_changes_as_batch(sharing, round->stamp, batch, error);
    if (code == 0 && round->has_ended) {
        sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_SWEEP_DELETE);
        bind_sweep(statement, &sharing->sweep, round->before_s);
        sqlite3_bind_int64(statement, 4, round->to.pool_id);
        sqlite3_bind_text(statement, 5, round->to.key, -1, SQLITE_STATIC);
        code = database_run(&sharing->database, statement, "tombstones cannot be deleted", error);
    }
    return sharing_end_writing(sharing, code, error);
}

int sharing_sweep(struct sharing *sharing, const struct share_sweep *sweep,
                  struct share_swept *ret_swept, struct error *error)
{
    struct round round = {.before_s = sweep->now_ms / 1000 - sharing->settings.share_grace_s -
                                      TOMBSTONE_KEPT_S};
    *ret_swept = (struct share_swept){0};
    int code = look(sharing, &round, error);
    if (code == 0 && (round.dropped > 0 || round.has_ended))
        code = delete_round(sharing, &round, sweep->batch, error);
    if (code != 0)
        return code;
    sharing->sweep = round.to;
    if (round.to.pool_id == INT64_MAX)
        sharing->sweep = (struct sharing_sweep){0};
    ret_swept->dropped = round.dropped;
    code = sharing_sweep_paths(sharing, sweep->now_ms, error);
    if (code != 0 || !sweep->clock_is_right)
        return code;
    return sharing_take_back(sharing, sweep->now_ms, &ret_swept->taken_back, error);
}

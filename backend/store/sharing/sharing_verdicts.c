/*
 * What the peers have found out about their targets: the table `peer_verdict`.
 */
#include <stdio.h>

#include "core/base/vector.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"

#define MS_PER_S 1000

/* The target of a vote, at the parameters 2 to 5. */
static void bind_target(sqlite3_stmt *statement, int64_t node, const struct vote *vote)
{
    sqlite3_bind_int64(statement, 1, node);
    sqlite3_bind_text(statement, 2, vote->pool, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, vote->controller, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, vote->position);
    sqlite3_bind_text(statement, 5, target_family_word(vote->family), -1, SQLITE_STATIC);
}

static int write_vote(struct sharing *sharing, int64_t node, const struct vote *vote,
                      int64_t now_ms, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_PEER_VERDICT_WRITE);
    bind_target(statement, node, vote);
    sqlite3_bind_text(statement, 6, verdict_state_word(vote->state), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 7, now_ms / MS_PER_S);
    return database_run(&sharing->database, statement, "peer_verdict cannot be written", error);
}

static void copy_text(sqlite3_stmt *row, int column, char ret_text[static ROW_NAME_MAX])
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(ret_text, ROW_NAME_MAX, "%s", text ? text : "");
}

/* Collects the targets that have a row and no vote any more. */
static int find_ended(struct sharing *sharing, const struct ballot *ballot, struct ballot *ended,
                      struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_PEER_VERDICTS);
    int code;
    sqlite3_bind_int64(statement, 1, ballot->node);
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        struct vote row = {.position = sqlite3_column_int64(statement, 2)};
        copy_text(statement, 0, row.pool);
        copy_text(statement, 1, row.controller);
        if (!target_family_parse((const char *)sqlite3_column_text(statement, 3), &row.family) ||
            ballot_find(ballot, &row) != VERDICT_NONE)
            continue;
        struct vote *place = ballot_add(ended);
        if (!place)
            break; /* there is no room: the rest follows the next time */
        *place = row;
    }
    sqlite3_reset(statement);
    return code == ERR_NOTFOUND ? 0 : code;
}

static int end_votes(struct sharing *sharing, const struct ballot *ballot, struct error *error)
{
    struct ballot ended = {0};
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_PEER_VERDICT_END);
    int code = find_ended(sharing, ballot, &ended, error);
    for (size_t i = 0; code == 0 && i < ended.count; i++) {
        bind_target(statement, ballot->node, &ended.votes[i]);
        code = database_run(&sharing->database, statement, "peer_verdict cannot be written", error);
    }
    free(ended.votes);
    return code;
}

int sharing_write_ballot(struct sharing *sharing, const struct ballot *ballot, int64_t now_ms,
                         struct error *error)
{
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    code = end_votes(sharing, ballot, error);
    for (size_t i = 0; code == 0 && i < ballot->count; i++)
        code = write_vote(sharing, ballot->node, &ballot->votes[i], now_ms, error);
    return sharing_end_writing(sharing, code, error);
}

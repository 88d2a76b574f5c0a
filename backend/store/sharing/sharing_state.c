/*
 * What is to be seen of sharing: the tables `share_state` and `peer_state`. As everywhere in the
 * database, their times are Unix seconds.
 */
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"

#define MS_PER_S 1000

/* Each value in the order of the parameters. */
static void bind_numbers(sqlite3_stmt *statement, int first, const int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(statement, first + i, numbers[i]);
}

static int write_share(struct sharing *sharing, const struct share_state *state, int64_t now_ms,
                       struct error *error)
{
    const int64_t numbers[] = {now_ms / MS_PER_S,           state->connected, state->waiting,
                               state->oldest_ms / MS_PER_S, state->dropped,   state->copied};
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_STATE_WRITE);
    bind_numbers(statement, 1, numbers, sizeof numbers / sizeof *numbers);
    sqlite3_bind_text(statement, 7, state->problem, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 8, state->warning, -1, SQLITE_STATIC);
    return database_run(&sharing->database, statement, "share_state cannot be written", error);
}

static int write_peer(struct sharing *sharing, const struct share_peer_state *peer, int64_t now_ms,
                      struct error *error)
{
    const struct share_counts *counts = &peer->counts;
    const int64_t before_name[] = {peer->node,
                                   now_ms / MS_PER_S,
                                   peer->connected,
                                   peer->heard_ms / MS_PER_S,
                                   peer->clock_offset_ms,
                                   peer->lag_ms,
                                   counts->newer,
                                   counts->known,
                                   counts->older,
                                   counts->future,
                                   counts->moved,
                                   counts->unknown};
    const int64_t after_name[] = {counts->no_room, peer->refused, peer->equal_ms / MS_PER_S,
                                  peer->walking, peer->differs};
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_PEER_STATE_WRITE);
    bind_numbers(statement, 1, before_name, sizeof before_name / sizeof *before_name);
    sqlite3_bind_text(statement, 13, counts->unknown_name, -1, SQLITE_STATIC);
    bind_numbers(statement, 14, after_name, sizeof after_name / sizeof *after_name);
    sqlite3_bind_text(statement, 19, peer->problem, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 20, counts->paths);
    sqlite3_bind_text(statement, 21, peer->difference, -1, SQLITE_STATIC);
    return database_run(&sharing->database, statement, "peer_state cannot be written", error);
}

int sharing_write_state(struct sharing *sharing, const struct share_state *state,
                        const struct share_peer_state *peers, size_t count, int64_t now_ms,
                        struct error *error)
{
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    code = write_share(sharing, state, now_ms, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = write_peer(sharing, &peers[i], now_ms, error);
    code = sharing_end_writing(sharing, code, error);
    if (code == 0)
        sharing->state_at = now_ms / MS_PER_S;
    return code;
}

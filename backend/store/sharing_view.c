/*
 * Copies rows into structs by column number, in the column order of QUERY_SHARE_VIEW,
 * QUERY_PEER_VIEW and QUERY_MAPPING_HISTORY. The state tables keep points in time in seconds;
 * struct share_state and struct share_peer_state keep them in milliseconds.
 */
#include "store/sharing_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/persistence_row.h"
#include "store/store_parts.h"

#define MS_PER_S 1000

static void copy_text(sqlite3_stmt *statement, int column, char *ret_text, size_t size)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    snprintf(ret_text, size, "%s", text ? (const char *)text : "");
}

static void read_follow(sqlite3_stmt *row, struct share_follow_view *ret_follow)
{
    ret_follow->node = sqlite3_column_int64(row, 10);
    copy_text(row, 11, ret_follow->name, sizeof ret_follow->name);
    copy_text(row, 12, ret_follow->revision, sizeof ret_follow->revision);
    ret_follow->taken_s = sqlite3_column_int64(row, 13);
    ret_follow->heard_s = sqlite3_column_int64(row, 14);
    copy_text(row, 15, ret_follow->problem, sizeof ret_follow->problem);
}

static void read_share(sqlite3_stmt *row, struct share_view *ret_view)
{
    struct share_state *state = &ret_view->state;
    ret_view->node = sqlite3_column_int64(row, 0);
    copy_text(row, 1, ret_view->name, sizeof ret_view->name);
    ret_view->written_s = sqlite3_column_int64(row, 2);
    state->connected = sqlite3_column_int64(row, 3) != 0;
    state->waiting = sqlite3_column_int64(row, 4);
    state->oldest_ms = sqlite3_column_int64(row, 5) * MS_PER_S;
    state->dropped = sqlite3_column_int64(row, 6);
    state->copied = sqlite3_column_int64(row, 7) != 0;
    copy_text(row, 8, state->problem, sizeof state->problem);
    copy_text(row, 9, state->warning, sizeof state->warning);
    read_follow(row, &ret_view->follow);
}

static void read_peer(sqlite3_stmt *row, struct share_peer_view *ret_peer)
{
    struct share_peer_state *state = &ret_peer->state;
    copy_text(row, 0, ret_peer->name, sizeof ret_peer->name);
    state->node = sqlite3_column_int64(row, 1);
    ret_peer->written = sqlite3_column_type(row, 2) != SQLITE_NULL;
    state->connected = sqlite3_column_int64(row, 3) != 0;
    state->heard_ms = sqlite3_column_int64(row, 4) * MS_PER_S;
    state->clock_offset_ms = sqlite3_column_int64(row, 5);
    state->lag_ms = sqlite3_column_int64(row, 6);
    state->counts.newer = sqlite3_column_int64(row, 7);
    state->counts.known = sqlite3_column_int64(row, 8);
    state->counts.older = sqlite3_column_int64(row, 9);
    state->counts.future = sqlite3_column_int64(row, 10);
    state->counts.moved = sqlite3_column_int64(row, 11);
    state->counts.unknown = sqlite3_column_int64(row, 12);
    copy_text(row, 13, state->counts.unknown_name, sizeof state->counts.unknown_name);
    state->counts.no_room = sqlite3_column_int64(row, 14);
    state->refused = sqlite3_column_int64(row, 15);
    state->equal_ms = sqlite3_column_int64(row, 16) * MS_PER_S;
    state->walking = sqlite3_column_int64(row, 17) != 0;
    state->differs = sqlite3_column_int64(row, 18) != 0;
    copy_text(row, 19, state->problem, sizeof state->problem);
    state->counts.paths = sqlite3_column_int64(row, 20);
    copy_text(row, 21, state->difference, sizeof state->difference);
}

static int read_peers(struct store *store, struct share_view *view, struct error *error)
{
    struct database *database = &store->database;
    sqlite3_stmt *statement = database_statement(database, QUERY_PEER_VIEW);
    int result, code = 0;
    view->peers = calloc(SHARE_PEERS_MAX, sizeof *view->peers);
    if (!view->peers)
        return error_set(error, ERR_NOMEM, "out of memory");
    while ((result = sqlite3_step(statement)) == SQLITE_ROW && view->peer_count < SHARE_PEERS_MAX)
        read_peer(statement, &view->peers[view->peer_count++]);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = database_error(database, result, "table peer cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

int store_read_sharing(struct store *store, struct share_view *ret_view, struct error *error)
{
    struct database *database = &store->database;
    struct share_view view = {0};
    sqlite3_stmt *statement = database_statement(database, QUERY_SHARE_VIEW);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        read_share(statement, &view);
    else if (result != SQLITE_DONE)
        code = database_error(database, result, "table share cannot be read", error);
    sqlite3_reset(statement);
    if (code == 0 && view.node != 0)
        code = read_peers(store, &view, error);
    if (code == 0)
        *ret_view = view;
    else
        share_view_release(&view);
    return code;
}

/* The name of a peer, else that of this server, else a number. */
static void write_server(sqlite3_stmt *row, int peer_column, int64_t node,
                         char ret_text[static ROW_NAME_MAX])
{
    bool is_peer = sqlite3_column_type(row, peer_column) != SQLITE_NULL;
    int column = is_peer ? peer_column : 1;
    if (is_peer ||
        (node == sqlite3_column_int64(row, 0) && sqlite3_column_type(row, 1) != SQLITE_NULL))
        copy_text(row, column, ret_text, ROW_NAME_MAX);
    else if (node == 0)
        snprintf(ret_text, ROW_NAME_MAX, "a name server that shared nothing then");
    else
        snprintf(ret_text, ROW_NAME_MAX, "name server %" PRId64, node);
}

static void read_history(sqlite3_stmt *row, const struct mapping *mapping,
                         struct mapping_history *history)
{
    bool is_ours = mapping->origin == sqlite3_column_int64(row, 0);
    history->decided_ms = mapping->decided / ENTRY_TICKS;
    write_server(row, 2, mapping->origin, history->by);
    history->has_lag = !is_ours && sqlite3_column_type(row, 3) != SQLITE_NULL;
    history->lag_ms = sqlite3_column_int64(row, 3);
    history->has_replaced = sqlite3_column_type(row, 4) != SQLITE_NULL;
    if (!history->has_replaced)
        return;
    write_server(row, 5, sqlite3_column_int64(row, 4), history->replaced_by);
    copy_text(row, 6, history->replaced, sizeof history->replaced);
}

int store_read_history(struct store *store, int64_t pool_id, const char *key,
                       const struct mapping *mapping, struct mapping_history *ret_history,
                       struct error *error)
{
    struct database *database = &store->database;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_HISTORY);
    int code = 0;
    if (mapping->decided <= 0)
        return ERR_NOTFOUND;
    persistence_bind_key(statement, pool_id, key);
    sqlite3_bind_int64(statement, 3, mapping->decided);
    sqlite3_bind_int64(statement, 4, mapping->origin);
    int result = sqlite3_step(statement);
    *ret_history = (struct mapping_history){0};
    if (result == SQLITE_ROW)
        read_history(statement, mapping, ret_history);
    else
        code = result == SQLITE_DONE
                   ? ERR_NOTFOUND
                   : database_error(database, result, "a mapping cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

void share_view_release(struct share_view *view)
{
    free(view->peers);
    *view = (struct share_view){0};
}

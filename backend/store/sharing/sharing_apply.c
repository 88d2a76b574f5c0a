/*
 * Merging: what others tell of a key is compared with what is known of it here, and the greater
 * entry is written (core/sharing/entry.h). There is no rule in SQL.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/maintenance/room.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"
#include "store/sqlite/persistence_row.h"

/* Rows of share_moved: some hundred kilobytes, and explain looks through them in a millisecond. */
#define MOVED_MAX 4096

/* The writer of this server looks for the lock that often. */
#define PAUSE_NS 100000L

/* ---------------------------------------------------------------- what is known of a key */

bool sharing_read_key(sqlite3_stmt *row, int column, char ret_key[static CLIENT_KEY_MAX])
{
    const char *key = (const char *)sqlite3_column_text(row, column);
    size_t length = (size_t)sqlite3_column_bytes(row, column);
    if (!key || length >= CLIENT_KEY_MAX || strlen(key) != length)
        return false;
    memcpy(ret_key, key, length + 1);
    return true;
}

bool sharing_read_mapping(const struct sharing *sharing, sqlite3_stmt *row, struct entry *ret_entry)
{
    struct mapping mapping;
    persistence_read_mapping(row, &mapping);
    const char *controller = name_list_name(&sharing->names.controllers, mapping.controller_id);
    if (!controller)
        return false;
    ret_entry->decided = mapping.decided;
    ret_entry->origin = mapping.origin;
    ret_entry->gone = false;
    ret_entry->timestamp_s = mapping.timestamp_s;
    ret_entry->ttl_s = mapping.ttl_s;
    strcpy(ret_entry->controller, controller);
    strcpy(ret_entry->method, mapping.method);
    const char *home = name_list_name(&sharing->names.controllers, mapping.home_id);
    strcpy(ret_entry->home, home ? home : ""); /* one that is gone is none */
    return true;
}

void sharing_read_tombstone(sqlite3_stmt *row, struct entry *ret_entry)
{
    ret_entry->decided = sqlite3_column_int64(row, 2);
    ret_entry->origin = sqlite3_column_int64(row, 3);
    ret_entry->gone = true;
    ret_entry->timestamp_s = sqlite3_column_int64(row, 0);
    ret_entry->ttl_s = sqlite3_column_int64(row, 1);
    ret_entry->controller[0] = ret_entry->method[0] = ret_entry->home[0] = '\0';
}

static int find_mapping(struct sharing *sharing, int64_t pool_id, const char *key,
                        struct known *known, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_MAPPING_FIND);
    persistence_bind_key(statement, pool_id, key);
    int code = sharing_step(sharing, statement, error);
    known->has_mapping = code == 0;
    known->maps = code == 0 && sharing_read_mapping(sharing, statement, &known->mapping);
    sqlite3_reset(statement);
    return code == ERR_NOTFOUND ? 0 : code;
}

static int find_tombstone(struct sharing *sharing, int64_t pool_id, const char *key,
                          struct known *known, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_TOMBSTONE_FIND);
    persistence_bind_key(statement, pool_id, key);
    int code = sharing_step(sharing, statement, error);
    known->has_tombstone = code == 0;
    if (code == 0)
        sharing_read_tombstone(statement, &known->tombstone);
    sqlite3_reset(statement);
    return code == ERR_NOTFOUND ? 0 : code;
}

int sharing_find(struct sharing *sharing, int64_t pool_id, const char *key, struct known *ret_known,
                 struct error *error)
{
    int code = find_mapping(sharing, pool_id, key, ret_known, error);
    return code == 0 ? find_tombstone(sharing, pool_id, key, ret_known, error) : code;
}

const struct entry *sharing_standing(const struct sharing *sharing, const struct known *known,
                                     int64_t now_ms)
{
    int64_t grace_s = sharing->settings.share_grace_s;
    bool maps = known->maps && !entry_is_over(&known->mapping, now_ms, grace_s);
    bool gone = known->has_tombstone && !entry_is_over(&known->tombstone, now_ms, grace_s);
    if (maps && gone)
        maps = entry_compare(&known->mapping, &known->tombstone) > 0;
    return maps ? &known->mapping : gone ? &known->tombstone : NULL;
}

/* ---------------------------------------------------------------- one row */

/* What the rows of a transaction are judged by, and what became of them. */
struct merging {
    struct sharing *sharing;
    int64_t now_ms;
    enum room room;
    struct share_counts counts;
};

/* 0 also when the clock of the one that decided is ahead; false: there is no time of decision. */
static bool find_lag(const struct entry *told, int64_t now_ms, int64_t *ret_lag_ms)
{
    int64_t decided_ms = told->decided / ENTRY_TICKS;
    *ret_lag_ms = now_ms > decided_ms ? now_ms - decided_ms : 0;
    return decided_ms > 0;
}

static int write_mapping(struct sharing *sharing, int64_t pool_id, int64_t controller_id,
                         const struct shared_row *told, int64_t now_ms, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_MAPPING_WRITE);
    int64_t lag_ms;
    struct mapping mapping = {.controller_id = controller_id,
                              .timestamp_s = told->entry.timestamp_s,
                              .ttl_s = told->entry.ttl_s,
                              .decided = told->entry.decided,
                              .origin = told->entry.origin,
                              .home_id =
                                  name_list_id(&sharing->names.controllers, told->entry.home)};
    strcpy(mapping.method, told->entry.method);
    persistence_bind_key(statement, pool_id, told->key);
    persistence_bind_mapping(statement, 3, &mapping);
    if (find_lag(&told->entry, now_ms, &lag_ms))
        sqlite3_bind_int64(statement, 10, lag_ms);
    else
        sqlite3_bind_null(statement, 10);
    return database_run(&sharing->database, statement, "a mapping cannot be written", error);
}

static int write_tombstone(struct sharing *sharing, int64_t pool_id, const struct shared_row *told,
                           struct error *error)
{
    struct database *database = &sharing->database;
    sqlite3_stmt *statement = database_statement(database, QUERY_TOMBSTONE_WRITE);
    persistence_bind_key(statement, pool_id, told->key);
    sqlite3_bind_int64(statement, 3, told->entry.timestamp_s);
    sqlite3_bind_int64(statement, 4, told->entry.ttl_s);
    sqlite3_bind_int64(statement, 5, told->entry.decided);
    sqlite3_bind_int64(statement, 6, told->entry.origin);
    return database_run(database, statement, "a tombstone cannot be written", error);
}

static int delete_row(struct sharing *sharing, enum query query, int64_t pool_id, const char *key,
                      struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, query);
    persistence_bind_key(statement, pool_id, key);
    return database_run(&sharing->database, statement, "a mapping cannot be deleted", error);
}

int sharing_replace(struct sharing *sharing, int64_t pool_id, int64_t controller_id,
                    const struct shared_row *told, const struct known *known, int64_t now_ms,
                    struct error *error)
{
    bool gone = told->entry.gone;
    int code = gone ? write_tombstone(sharing, pool_id, told, error)
                    : write_mapping(sharing, pool_id, controller_id, told, now_ms, error);
    if (code == 0 && gone && known->has_mapping)
        code = delete_row(sharing, QUERY_MAPPING_DELETE, pool_id, told->key, error);
    if (code == 0 && !gone && known->has_tombstone)
        code = delete_row(sharing, QUERY_TOMBSTONE_DELETE, pool_id, told->key, error);
    return code;
}

/* A resolver that was sent to one controller is sent to another one now. */
static bool moves(const struct entry *told, const struct entry *standing, int64_t now_s)
{
    return standing && !told->gone && !standing->gone && entry_end_s(standing) > now_s &&
           strcmp(told->controller, standing->controller) != 0;
}

/* What is replaced, for explain. */
static int note_moved(struct sharing *sharing, int64_t pool_id, const struct shared_row *told,
                      const struct entry *standing, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_MOVED_NOTE);
    persistence_bind_key(statement, pool_id, told->key);
    sqlite3_bind_int64(statement, 3, told->entry.decided);
    sqlite3_bind_int64(statement, 4,
                       name_list_id(&sharing->names.controllers, standing->controller));
    sqlite3_bind_int64(statement, 5, standing->origin);
    return database_run(&sharing->database, statement, "share_moved cannot be written", error);
}

static int end_moved(struct sharing *sharing, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_MOVED_END);
    sqlite3_bind_int64(statement, 1, MOVED_MAX);
    return database_run(&sharing->database, statement, "share_moved cannot be written", error);
}

int sharing_count_unknown(struct share_counts *counts, const char *kind, const char *name)
{
    counts->unknown++;
    snprintf(counts->unknown_name, sizeof counts->unknown_name, "%s %s", kind, name);
    return 0;
}

/* Says whether an entry can be written; replacing one takes no more room. */
static bool has_room(const struct merging *merging, const struct known *known)
{
    bool adds = !known->has_mapping && !known->has_tombstone;
    return merging->room == ROOM_ENOUGH || (merging->room == ROOM_TABLE_FULL && !adds);
}

static int merge_known(struct merging *merging, int64_t pool_id, int64_t controller_id,
                       const struct shared_row *told, struct error *error)
{
    struct sharing *sharing = merging->sharing;
    struct share_counts *counts = &merging->counts;
    struct known known;
    int code = sharing_find(sharing, pool_id, told->key, &known, error);
    if (code != 0)
        return code;
    const struct entry *standing = sharing_standing(sharing, &known, merging->now_ms);
    enum entry_fate fate =
        entry_judge(&told->entry, standing, merging->now_ms, sharing->settings.share_skew_s * 1000);
    counts->known += fate == ENTRY_KNOWN;
    counts->older += fate == ENTRY_OLDER;
    counts->future += fate == ENTRY_FUTURE;
    if (fate != ENTRY_NEWER)
        return 0;
    if (!has_room(merging, &known)) {
        counts->no_room++;
        return 0;
    }
    counts->newer++;
    if (moves(&told->entry, standing, merging->now_ms / 1000)) {
        counts->moved++;
        code = note_moved(sharing, pool_id, told, standing, error);
    }
    if (code != 0)
        return code;
    return sharing_replace(sharing, pool_id, controller_id, told, &known, merging->now_ms, error);
}

static int merge(struct merging *merging, const struct shared_row *told, struct error *error)
{
    const struct sharing *sharing = merging->sharing;
    struct share_counts *counts = &merging->counts;
    const char *controller = told->entry.controller, *home = told->entry.home;
    struct shared_row without_home;
    bool gone = told->entry.gone;
    int64_t pool_id = name_list_id(&sharing->names.pools, told->pool);
    int64_t controller_id = gone ? 0 : name_list_id(&sharing->names.controllers, controller);
    if (pool_id == 0)
        return sharing_count_unknown(counts, "pool", told->pool);
    if (controller_id == 0 && !gone)
        return sharing_count_unknown(counts, "controller", controller);
    if (entry_is_over(&told->entry, merging->now_ms, sharing->settings.share_grace_s)) {
        counts->older++;
        return 0;
    }
    if (home[0] && name_list_id(&sharing->names.controllers, home) == 0) {
        without_home = *told;
        without_home.entry.home[0] = '\0';
        told = &without_home;
    }
    return merge_known(merging, pool_id, controller_id, told, error);
}

/* ---------------------------------------------------------------- transactions */

static int write_cursor(struct sharing *sharing, const struct share_cursor *cursor,
                        struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_CURSOR_WRITE);
    sqlite3_bind_int64(statement, 1, cursor->node);
    sqlite3_bind_int64(statement, 2, cursor->created);
    sqlite3_bind_int64(statement, 3, cursor->sequence);
    sqlite3_bind_int64(statement, 4, cursor->incarnation);
    sqlite3_bind_int64(statement, 5, cursor->batch);
    return database_run(&sharing->database, statement, "a cursor cannot be written", error);
}

void sharing_add_counts(struct share_counts *sum, const struct share_counts *counts)
{
    sum->newer += counts->newer;
    sum->known += counts->known;
    sum->older += counts->older;
    sum->future += counts->future;
    sum->moved += counts->moved;
    sum->unknown += counts->unknown;
    sum->no_room += counts->no_room;
    sum->paths += counts->paths;
    if (counts->unknown_name[0])
        memcpy(sum->unknown_name, counts->unknown_name, sizeof sum->unknown_name);
}

/* Merges the rows of a delivery, in a transaction that has begun. */
static int merge_delivery(struct merging *merging, const struct share_delivery *delivery,
                          struct error *error)
{
    int code = 0;
    merging->counts = (struct share_counts){0};
    for (size_t i = 0; code == 0 && i < delivery->count; i++)
        code = merge(merging, &delivery->rows[i], error);
    if (code == 0 && delivery->cursor)
        code = write_cursor(merging->sharing, delivery->cursor, error);
    if (code == 0 && merging->counts.moved > 0)
        code = end_moved(merging->sharing, error);
    return code;
}

/* One transaction for all that is given, which are at most SHARE_PEERS_MAX. */
static int write_together(struct sharing *sharing, const struct share_delivery *deliveries,
                          size_t count, int64_t now_ms, struct error *error)
{
    struct merging merging = {.sharing = sharing, .now_ms = now_ms};
    struct share_counts counts[SHARE_PEERS_MAX];
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    merging.room = room_of(&sharing->database, settings_max_bytes(&sharing->settings));
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = merge_delivery(&merging, &deliveries[i], error);
        counts[i] = merging.counts;
    }
    code = sharing_end_writing(sharing, code, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        sharing_add_counts(deliveries[i].counts, &counts[i]);
    return code;
}

void sharing_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

/* In parts, between which others get SQLite's lock. */
static int write_in_parts(struct sharing *sharing, struct share_delivery *delivery, int64_t now_ms,
                          struct error *error)
{
    struct share_delivery part = *delivery;
    size_t left = delivery->count;
    for (;;) {
        part.count = left < SHARING_APPLY_ROWS ? left : SHARING_APPLY_ROWS;
        part.cursor = part.count == left ? delivery->cursor : NULL;
        int code = write_together(sharing, &part, 1, now_ms, error);
        if (code != 0)
            return code;
        left -= part.count;
        if (left == 0)
            break;
        part.rows += part.count;
        sharing_pause();
    }
    delivery->written = true;
    return 0;
}

static size_t all_rows(const struct share_delivery *deliveries, size_t count)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += deliveries[i].count;
    return rows;
}

int sharing_apply(struct sharing *sharing, struct share_delivery *deliveries, size_t count,
                  int64_t now_ms, struct error *error)
{
    int code = 0;
    bool together = count > 1 && all_rows(deliveries, count) <= SHARING_APPLY_ROWS;
    if (together)
        code = write_together(sharing, deliveries, count, now_ms, error);
    for (size_t i = 0; i < count; i++)
        deliveries[i].written = together && code == 0;
    if (code == ERR_BUSY || (together && code == 0))
        return code;
    code = 0;
    for (size_t i = 0; i < count && code != ERR_BUSY; i++) { /* one wait for the lock is enough */
        int written = write_in_parts(sharing, &deliveries[i], now_ms, error);
        code = code == 0 ? written : code;
    }
    return code;
}

/*
 * Round trip times: what was measured here, for the peers, and what they have measured. The rule is
 * in core/sharing/path.h.
 *
 * The rows themselves say what peers are to be told: a trigger gives each that is measured here its
 * place in the column `changed`. So there is nothing to note, to hand over and to forget, and a
 * peer that was away goes on where it was, or begins at the beginning.
 */
#include <string.h>

#include "store/maintenance/room.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"

#define MS_PER_S 1000

/* So many are deleted at once: some milliseconds. */
#define SWEEP_PATHS_MAX 1000

/* ---------------------------------------------------------------- what was measured here */

/* Reads the only value of a statement; 0 for NULL and for no row. */
static int read_number(struct sharing *sharing, sqlite3_stmt *statement, int64_t *ret_number,
                       struct error *error)
{
    int code = sharing_step(sharing, statement, error);
    *ret_number = code == 0 ? sqlite3_column_int64(statement, 0) : 0;
    if (code == 0)
        sqlite3_reset(statement);
    return code == ERR_NOTFOUND ? 0 : code;
}

int sharing_last_path(struct sharing *sharing, int64_t *ret_place, struct error *error)
{
    int64_t place;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = read_number(sharing, database_statement(&sharing->database, QUERY_SHARE_PATH_LAST),
                       &place, error);
    sharing_end(sharing);
    if (code == 0)
        *ret_place = place;
    return code;
}

/* False for one that no peer would take. */
static bool read_path(const struct sharing *sharing, sqlite3_stmt *row, int64_t oldest_s,
                      struct shared_path *ret_path)
{
    const char *network = (const char *)sqlite3_column_text(row, 1);
    const char *controller =
        name_list_name(&sharing->names.controllers, sqlite3_column_int64(row, 2));
    if (!network || strlen(network) >= sizeof ret_path->network || !controller)
        return false;
    strcpy(ret_path->network, network);
    strcpy(ret_path->controller, controller);
    ret_path->rtt_ms = sqlite3_column_double(row, 3);
    ret_path->measured_at_s = sqlite3_column_int64(row, 4);
    return ret_path->measured_at_s >= oldest_s && !shared_path_problem(ret_path);
}

static int64_t oldest_s(const struct sharing *sharing, int64_t now_ms)
{
    return now_ms / MS_PER_S - sharing->settings.path_metric_max_age_s;
}

int sharing_read_paths(struct sharing *sharing, int64_t after, int64_t now_ms,
                       struct shared_path *ret_paths, size_t capacity, size_t *ret_count,
                       int64_t *ret_to, bool *ret_last, struct error *error)
{
    size_t looked = 0, count = 0;
    int64_t to = after, least_s = oldest_s(sharing, now_ms);
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_PATHS);
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int64(statement, 2, (int64_t)capacity);
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        looked++;
        to = sqlite3_column_int64(statement, 0);
        count += read_path(sharing, statement, least_s, &ret_paths[count]);
    }
    sharing_end(sharing);
    if (code != ERR_NOTFOUND)
        return code;
    *ret_count = count;
    *ret_to = to;
    *ret_last = looked < capacity;
    return 0;
}

/* ---------------------------------------------------------------- what peers have measured */

/* What the round trip times of a transaction are judged by, and what became of them. */
struct taking {
    struct sharing *sharing;
    int64_t origin, kept;
    struct path_judge judge;
    enum room room;
    struct share_counts counts;
};

static void bind_key(sqlite3_stmt *statement, const struct shared_path *told, int64_t controller_id)
{
    sqlite3_bind_text(statement, 1, told->network, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, controller_id);
}

/* `ret_stands`: there is one, measured at `ret_measured_at_s`. */
static int find_path(struct taking *taking, const struct shared_path *told, int64_t controller_id,
                     bool *ret_stands, int64_t *ret_measured_at_s, struct error *error)
{
    struct sharing *sharing = taking->sharing;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_PATH_FIND);
    bind_key(statement, told, controller_id);
    int code = sharing_step(sharing, statement, error);
    *ret_stands = code == 0;
    if (code == 0) {
        *ret_measured_at_s = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return code == ERR_NOTFOUND ? 0 : code;
}

static int write_path(struct taking *taking, enum query query, const struct shared_path *told,
                      int64_t controller_id, struct error *error)
{
    struct database *database = &taking->sharing->database;
    sqlite3_stmt *statement = database_statement(database, query);
    bind_key(statement, told, controller_id);
    sqlite3_bind_double(statement, 3, told->rtt_ms);
    sqlite3_bind_int64(statement, 4, told->measured_at_s);
    sqlite3_bind_int64(statement, 5, taking->origin);
    return database_run(database, statement, "a round trip time cannot be written", error);
}

/* Replacing one takes no more room, but on a disk that is nearly full it may. */
static bool has_room(const struct taking *taking, bool stands)
{
    return taking->room == ROOM_ENOUGH ? stands || taking->kept < SHARE_PATHS_MAX
                                       : taking->room == ROOM_TABLE_FULL && stands;
}

static int take_path(struct taking *taking, const struct shared_path *told, struct error *error)
{
    struct share_counts *counts = &taking->counts;
    bool stands;
    int64_t measured_at_s;
    int64_t controller_id = name_list_id(&taking->sharing->names.controllers, told->controller);
    if (controller_id == 0)
        return sharing_count_unknown(counts, "controller", told->controller);
    int code = find_path(taking, told, controller_id, &stands, &measured_at_s, error);
    if (code != 0)
        return code;
    enum entry_fate fate =
        path_fate(&taking->judge, told->measured_at_s, stands ? &measured_at_s : NULL);
    counts->known += fate == ENTRY_KNOWN;
    counts->older += fate == ENTRY_OLDER;
    counts->future += fate == ENTRY_FUTURE;
    if (fate != ENTRY_NEWER)
        return 0;
    if (!has_room(taking, stands)) {
        counts->no_room++;
        return 0;
    }
    counts->newer++;
    counts->paths++;
    taking->kept += !stands;
    return write_path(taking, stands ? QUERY_SHARE_PATH_REPLACE : QUERY_SHARE_PATH_ADD, told,
                      controller_id, error);
}

static int count_kept(struct taking *taking, struct error *error)
{
    struct sharing *sharing = taking->sharing;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_PATH_COUNT);
    sqlite3_bind_int64(statement, 1, taking->origin);
    return read_number(sharing, statement, &taking->kept, error);
}

/* One transaction. */
static int take_part(struct taking *taking, const struct shared_path *paths, size_t count,
                     struct error *error)
{
    struct sharing *sharing = taking->sharing;
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    taking->room = room_of(&sharing->database, settings_max_bytes(&sharing->settings));
    if (taking->kept < 0)
        code = count_kept(taking, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = take_path(taking, &paths[i], error);
    return sharing_end_writing(sharing, code, error);
}

int sharing_apply_paths(struct sharing *sharing, int64_t origin, const struct shared_path *paths,
                        size_t count, int64_t now_ms, int64_t *kept, struct share_counts *counts,
                        struct error *error)
{
    const struct settings *settings = &sharing->settings;
    int code = 0;
    for (size_t done = 0, part; code == 0 && done < count; done += part) {
        struct taking taking = {
            .sharing = sharing,
            .origin = origin,
            .kept = *kept,
            .judge = {now_ms / MS_PER_S, settings->share_skew_s, settings->path_metric_max_age_s}};
        part = count - done < SHARING_APPLY_ROWS ? count - done : SHARING_APPLY_ROWS;
        if (done > 0)
            sharing_pause();
        code = take_part(&taking, paths + done, part, error);
        if (code == 0) {
            *kept = taking.kept;
            sharing_add_counts(counts, &taking.counts);
        }
    }
    return code;
}

/* ---------------------------------------------------------------- sweeping */

/* Goes to the next node of which there are any; 0: to the beginning. */
static int find_old(struct sharing *sharing, int64_t least_s, int64_t *ret_origin, bool *ret_found,
                    struct error *error)
{
    int64_t found = 0;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    sqlite3_stmt *next = database_statement(&sharing->database, QUERY_SHARE_PATH_ORIGIN);
    sqlite3_stmt *look = database_statement(&sharing->database, QUERY_SHARE_PATH_SWEEP_LOOK);
    sqlite3_bind_int64(next, 1, sharing->swept_origin);
    code = read_number(sharing, next, ret_origin, error);
    if (code == 0 && *ret_origin != 0) {
        sqlite3_bind_int64(look, 1, *ret_origin);
        sqlite3_bind_int64(look, 2, least_s);
        code = read_number(sharing, look, &found, error);
    }
    sharing_end(sharing);
    *ret_found = found != 0;
    return code;
}

int sharing_sweep_paths(struct sharing *sharing, int64_t now_ms, struct error *error)
{
    struct database *database = &sharing->database;
    int64_t origin, least_s = oldest_s(sharing, now_ms);
    bool found;
    int code = find_old(sharing, least_s, &origin, &found, error);
    if (code == 0 && found && (code = sharing_begin_writing(sharing, error)) == 0) {
        sqlite3_stmt *statement = database_statement(database, QUERY_SHARE_PATH_SWEEP_DELETE);
        sqlite3_bind_int64(statement, 1, origin);
        sqlite3_bind_int64(statement, 2, least_s);
        sqlite3_bind_int64(statement, 3, SWEEP_PATHS_MAX);
        code = database_run(database, statement, "round trip times cannot be deleted", error);
        code = sharing_end_writing(sharing, code, error);
    }
    if (code == 0)
        sharing->swept_origin = origin;
    return code;
}

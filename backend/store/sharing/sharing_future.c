/*
 * After our clock was set back, what was decided here before is from the future. Peers do not take
 * it, and we would not take what they decide in its place. So it is made a decision that counts
 * less than all others, and handed over again.
 */
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"
#include "store/sqlite/persistence_row.h"

/* So many entries are looked at in a second, and so many of them changed: a few milliseconds. */
#define LOOK_ROWS 5000
#define CHANGE_ROWS 50

static int note_change(struct sharing *sharing, int64_t pool_id, const char *key, int64_t now_ms,
                       struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_CHANGE_NOTE);
    persistence_bind_key(statement, pool_id, key);
    sqlite3_bind_int64(statement, 3, now_ms);
    return database_run(&sharing->database, statement, "a change cannot be noted", error);
}

/* It may have been replaced since it was found. */
static int take_back(struct sharing *sharing, struct shared_row *row, int64_t now_ms,
                     struct error *error)
{
    int64_t skew_ms = sharing->settings.share_skew_s * 1000;
    struct known known;
    int64_t pool_id = name_list_id(&sharing->names.pools, row->pool);
    int code = sharing_find(sharing, pool_id, row->key, &known, error);
    const struct entry *standing = code == 0 ? sharing_standing(sharing, &known, now_ms) : NULL;
    if (!standing || !entry_is_future(standing, now_ms, skew_ms))
        return code;
    row->entry = *standing;
    entry_take_back(&row->entry, now_ms, skew_ms);
    int64_t controller_id = name_list_id(&sharing->names.controllers, row->entry.controller);
    code = sharing_replace(sharing, pool_id, controller_id, row, &known, now_ms, error);
    return code == 0 ? note_change(sharing, pool_id, row->key, now_ms, error) : code;
}

int sharing_take_back(struct sharing *sharing, int64_t now_ms, int64_t *ret_count,
                      struct error *error)
{
    struct shared_row found[CHANGE_ROWS];
    struct shared_rows rows = {.rows = found, .capacity = CHANGE_ROWS};
    struct shared_place place = sharing->looked;
    int code = sharing_find_future(sharing, &place, LOOK_ROWS, now_ms, &rows, error);
    if (code == 0 && rows.count > 0) {
        code = sharing_begin_writing(sharing, error);
        if (code != 0)
            return code;
        for (size_t i = 0; code == 0 && i < rows.count; i++)
            code = take_back(sharing, &found[i], now_ms, error);
        code = sharing_end_writing(sharing, code, error);
    }
    if (code != 0)
        return code;
    sharing->looked = place;
    *ret_count = (int64_t)rows.count;
    return 0;
}

/*
 * All rows in order: those of persistence and of share_deleted as one sequence, in the order of the
 * octets of pool and key.
 */
#include <string.h>

#include "core/sharing/row_problem.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"
#include "store/sqlite/persistence_row.h"

/* Goes through the entries, one pool after the other. */
struct scan {
    struct sharing *sharing;
    int64_t now_ms;
    size_t pool; /* its place among the names */
    sqlite3_stmt *mappings, *tombstones;
    bool has_mapping, has_tombstone; /* they stand on one */
    struct shared_row row;           /* the last one that was found */
};

static int step(struct scan *scan, sqlite3_stmt *statement, bool *ret_has, struct error *error)
{
    int code = sharing_step(scan->sharing, statement, error);
    *ret_has = code == 0;
    return code == ERR_NOTFOUND ? 0 : code;
}

/* Begins with the keys of the pool after one. */
static int open_pool(struct scan *scan, const char *after, struct error *error)
{
    const struct name_row *pool = &scan->sharing->names.pools.by_name[scan->pool];
    sqlite3_reset(scan->mappings);
    sqlite3_reset(scan->tombstones);
    persistence_bind_key(scan->mappings, pool->id, after);
    persistence_bind_key(scan->tombstones, pool->id, after);
    strcpy(scan->row.pool, pool->name);
    int code = step(scan, scan->mappings, &scan->has_mapping, error);
    return code == 0 ? step(scan, scan->tombstones, &scan->has_tombstone, error) : code;
}

static int scan_begin(struct scan *scan, struct sharing *sharing, const struct shared_place *after,
                      int64_t now_ms, struct error *error)
{
    const struct name_list *pools = &sharing->names.pools;
    *scan = (struct scan){
        .sharing = sharing,
        .now_ms = now_ms,
        .pool = name_list_from(pools, after->pool),
        .mappings = database_statement(&sharing->database, QUERY_SHARE_MAPPINGS),
        .tombstones = database_statement(&sharing->database, QUERY_SHARE_TOMBSTONES),
    };
    if (scan->pool == pools->count)
        return 0;
    bool is_same = strcmp(pools->by_name[scan->pool].name, after->pool) == 0;
    return open_pool(scan, is_same ? after->key : "", error);
}

static void scan_end(struct scan *scan)
{
    sqlite3_reset(scan->mappings);
    sqlite3_reset(scan->tombstones);
}

/* Column of the key, in both statements. */
#define MAPPING_KEY 7
#define TOMBSTONE_KEY 4

/* Which of the two statements has the smaller key: negative, positive, or 0 for the same. */
static int compare_keys(const struct scan *scan)
{
    if (!scan->has_tombstone)
        return -1;
    if (!scan->has_mapping)
        return 1;
    const void *mapping = sqlite3_column_text(scan->mappings, MAPPING_KEY);
    const void *tombstone = sqlite3_column_text(scan->tombstones, TOMBSTONE_KEY);
    int mapping_length = sqlite3_column_bytes(scan->mappings, MAPPING_KEY);
    int tombstone_length = sqlite3_column_bytes(scan->tombstones, TOMBSTONE_KEY);
    int shorter = mapping_length < tombstone_length ? mapping_length : tombstone_length;
    int order = mapping && tombstone ? memcmp(mapping, tombstone, (size_t)shorter) : 0;
    return order ? order : mapping_length - tombstone_length;
}

static bool take_greater(struct scan *scan)
{
    struct known known = {.has_mapping = true, .has_tombstone = true};
    known.maps = sharing_read_mapping(scan->sharing, scan->mappings, &known.mapping);
    sharing_read_tombstone(scan->tombstones, &known.tombstone);
    const struct entry *entry = sharing_standing(scan->sharing, &known, scan->now_ms);
    if (entry)
        scan->row.entry = *entry;
    return entry != NULL;
}

static bool take_entry(struct scan *scan, int order)
{
    struct entry *entry = &scan->row.entry;
    if (order == 0)
        return take_greater(scan);
    if (order < 0)
        return sharing_read_mapping(scan->sharing, scan->mappings, entry);
    sharing_read_tombstone(scan->tombstones, entry);
    return true;
}

/*
 * Takes the entry of the smallest key. False when it is none that is shared, or one that the sweep
 * may delete: a server that has swept and one that has not are to have the same rows.
 */
static bool take(struct scan *scan, int order)
{
    struct shared_row *row = &scan->row;
    bool has_key = order > 0 ? sharing_read_key(scan->tombstones, TOMBSTONE_KEY, row->key)
                             : sharing_read_key(scan->mappings, MAPPING_KEY, row->key);
    return has_key && take_entry(scan, order) &&
           !entry_is_over(&row->entry, scan->now_ms, scan->sharing->settings.share_grace_s) &&
           !shared_row_problem(row);
}

/* Goes to the next pool that has anything. 0, ERR_NOTFOUND, or a code with `error` set. */
static int find_pool(struct scan *scan, struct error *error)
{
    size_t count = scan->sharing->names.pools.count;
    int code = 0;
    while (code == 0 && !scan->has_mapping && !scan->has_tombstone) {
        if (scan->pool >= count || ++scan->pool == count)
            return ERR_NOTFOUND;
        code = open_pool(scan, "", error);
    }
    return code;
}

/* 0 with scan->row set; ERR_NOTFOUND at the end; or a code with `error` set. */
static int scan_next(struct scan *scan, struct error *error)
{
    bool found = false;
    int code = 0;
    while (!found && (code = find_pool(scan, error)) == 0) {
        int order = compare_keys(scan);
        found = take(scan, order);
        if (order <= 0)
            code = step(scan, scan->mappings, &scan->has_mapping, error);
        if (code == 0 && order >= 0)
            code = step(scan, scan->tombstones, &scan->has_tombstone, error);
        if (code != 0)
            return code;
    }
    return code;
}

static int read_page(struct sharing *sharing, const struct shared_place *after, int64_t now_ms,
                     struct shared_rows *rows, struct error *error)
{
    struct scan scan;
    int code = scan_begin(&scan, sharing, after, now_ms, error);
    while (code == 0 && (code = scan_next(&scan, error)) == 0) {
        if (rows->count == rows->capacity)
            break;
        rows->rows[rows->count++] = scan.row;
    }
    scan_end(&scan);
    return code;
}

int sharing_page(struct sharing *sharing, const struct shared_place *after, int64_t now_ms,
                 struct shared_rows *ret_rows, bool *ret_last, struct error *error)
{
    ret_rows->count = 0;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = read_page(sharing, after, now_ms, ret_rows, error);
    sharing_end(sharing);
    if (code != 0 && code != ERR_NOTFOUND)
        return code;
    *ret_last = code == ERR_NOTFOUND;
    return 0;
}

static bool is_behind(const struct shared_row *row, const struct shared_place *place)
{
    int order = strcmp(row->pool, place->pool);
    return order > 0 || (order == 0 && strcmp(row->key, place->key) > 0);
}

int sharing_digest(struct sharing *sharing, const struct shared_place *after,
                   const struct shared_place *to, int64_t most, int64_t now_ms,
                   uint64_t *ret_digest, int64_t *ret_count, struct error *error)
{
    struct scan scan;
    uint64_t digest = 0;
    int64_t count = 0;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = scan_begin(&scan, sharing, after, now_ms, error);
    while (code == 0 && count <= most && (code = scan_next(&scan, error)) == 0) {
        if (to && is_behind(&scan.row, to))
            break;
        digest += shared_row_digest(&scan.row);
        count++;
    }
    scan_end(&scan);
    sharing_end(sharing);
    if (code != 0 && code != ERR_NOTFOUND)
        return code;
    *ret_digest = digest;
    *ret_count = count;
    return 0;
}

/* ---------------------------------------------------------------- entries from the future */

static int collect_future(struct scan *scan, struct shared_place *place, size_t limit,
                          struct shared_rows *rows, struct error *error)
{
    int64_t skew_ms = scan->sharing->settings.share_skew_s * 1000;
    int code = 0;
    for (size_t i = 0; i < limit && rows->count < rows->capacity; i++) {
        code = scan_next(scan, error);
        if (code != 0)
            return code;
        strcpy(place->pool, scan->row.pool);
        strcpy(place->key, scan->row.key);
        if (entry_is_future(&scan->row.entry, scan->now_ms, skew_ms))
            rows->rows[rows->count++] = scan->row;
    }
    return 0;
}

int sharing_find_future(struct sharing *sharing, struct shared_place *place, size_t limit,
                        int64_t now_ms, struct shared_rows *ret_rows, struct error *error)
{
    struct scan scan;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    ret_rows->count = 0;
    code = scan_begin(&scan, sharing, place, now_ms, error);
    if (code == 0)
        code = collect_future(&scan, place, limit, ret_rows, error);
    scan_end(&scan);
    sharing_end(sharing);
    if (code != ERR_NOTFOUND)
        return code;
    *place = (struct shared_place){0};
    return 0;
}

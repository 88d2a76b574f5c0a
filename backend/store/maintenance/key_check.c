#include "store/maintenance/key_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/balance/client.h"
#include "store/sqlite/table_reader.h"

#define MARK 0x6b6579636865636bu /* "keycheck" */

void key_check_verify(struct key_check *check)
{
    if (check->mark != MARK)
        *check = (struct key_check){.mark = MARK};
}

void key_check_begin(struct key_check *check, int64_t revision)
{
    if (check->revision != revision)
        *check = (struct key_check){.mark = MARK, .revision = revision, .runs = true};
}

void key_check_add(struct key_check *check, const struct snapshot *snapshot, int64_t pool_id,
                   sqlite3_stmt *row, int column)
{
    const struct pool *pool = snapshot_pool(snapshot, pool_id);
    const char *key = row_text(row, column);
    if (!pool || !key)
        return;
    bool is_whole = strlen(key) == (size_t)sqlite3_column_bytes(row, column);
    if (is_whole && client_key_can_match(key, pool, &snapshot->groups))
        return;
    if (check->found++ > 0)
        return;
    snprintf(check->first, sizeof check->first, "%s", key);
    snprintf(check->pool, sizeof check->pool, "%s", pool->name);
}

void key_check_finish(struct key_check *check)
{
    check->runs = false;
}

int key_check_tell(struct key_check *check, struct error *error)
{
    int64_t found = check->runs ? 0 : check->found;
    if (found == 0)
        return 0;
    check->found = 0;
    return error_set(error, ERR_INVAL,
                     "%" PRId64 " mapping%s can never be found, by the pool's prefixes and kind of"
                     " client; the first is %s in pool %s",
                     found, found == 1 ? "" : "s", check->first, check->pool);
}

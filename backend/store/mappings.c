/*
 * The mappings of clients: claims that are not written yet, and behind them the rows of
 * `persistence`.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/sharing/entry.h"
#include "store/sqlite/persistence_row.h"
#include "store/store_parts.h"
#include "system/clock.h"

/* So often a decision may meet a commit of others before it reads under the bucket's mutex. */
#define LOST_MAX 2

/* So often a claim may be replaced by one of another revision while it is looked up. */
#define LOOKS_MAX 100

/* Why FILE-claims takes no more mappings. */
#define CLAIMS_FULL "it is full, since they cannot be written to the database"

/* The time between two looks of somebody who waits for the writer. */
#define LOOK_NS 1000000L

/* ---------------------------------------------------------------- finding */

static int find_row(struct store *store, int64_t pool_id, const char *key,
                    struct mapping *ret_mapping, struct error *error)
{
    struct database *database = &store->database;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_FIND);
    persistence_bind_key(statement, pool_id, key);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        persistence_read_mapping(statement, ret_mapping);
    else if (result == SQLITE_DONE)
        code = ERR_NOTFOUND;
    else
        code = database_error(database, result, "a mapping cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* 0, ERR_NOTFOUND where the table has to be asked, or a code with `error` set. */
static int find_claim(struct store *store, int64_t pool_id, const char *key,
                      struct claim *ret_claim, struct error *error)
{
    if (!store->claims)
        return ERR_NOTFOUND;
    int code = claims_find(store->claims, pool_id, key, ret_claim);
    if (code == 0 || code == ERR_NOTFOUND)
        return code;
    return error_set(error, code, "%s-claims: %s", store->database.real_path,
                     code == ERR_BUSY ? "a process that is stopped holds a part of it"
                                      : "somebody overwrote or truncated it");
}

/* What a claim says of the mapping: 0 or ERR_NOTFOUND. */
static int follow_claim(const struct claim *claim, struct mapping *ret_mapping)
{
    if (!claim->maps)
        return ERR_NOTFOUND;
    *ret_mapping = claim->wanted;
    return 0;
}

/*
 * When a claim cannot be looked up, a row is the next best: it was an answer once, and what is
 * claimed instead of it is rare. Else `code`. `error` says why in both cases.
 */
static int find_without_claims(struct store *store, int64_t pool_id, const char *key, int code,
                               struct mapping *ret_mapping)
{
    bool found =
        store_renew(store, NULL) == 0 && find_row(store, pool_id, key, ret_mapping, NULL) == 0;
    return found ? 0 : code;
}

static int changes_all_the_time(const struct store *store, struct error *error)
{
    return error_set(error, ERR_BUSY, "%s: table persistence is changed all the time",
                     store->database.path);
}

/*
 * Claims come first, and the table in a transaction that is at least as new: what was taken out of
 * the claims before the look was committed before it. Only such a transaction tells whether a claim
 * of another revision counts. If it brings a new revision, another claim may stand there by now.
 */
static int find(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                struct error *error)
{
    struct store *store = context;
    struct claim claim;
    if (!store->database.connection) /* it was told why */
        return ERR_IO;
    for (int look = 0; look < LOOKS_MAX; look++) {
        int64_t revision = store->mappings_revision;
        int code = find_claim(store, pool_id, key, &claim, error);
        if (code != 0 && code != ERR_NOTFOUND)
            return find_without_claims(store, pool_id, key, code, ret_mapping);
        if (code == 0 && claim.revision == revision)
            return follow_claim(&claim, ret_mapping);
        int renewed = store_renew(store, error);
        if (renewed != 0)
            return renewed;
        if (code == ERR_NOTFOUND || store->mappings_revision == revision)
            return find_row(store, pool_id, key, ret_mapping, error);
    }
    return changes_all_the_time(store, error);
}

/* ---------------------------------------------------------------- claiming */

int store_check_open(struct store *store, struct error *error)
{
    struct database *database = &store->database;
    if (!database->connection)
        return error_set(error, ERR_IO, "%s is not open", database->path);
    if (!store->claims && database->read_only[0])
        return error_set(error, ERR_READONLY, "%s", database->read_only);
    if (!store->claims)
        return error_set(error, store->claims_error.code ? store->claims_error.code : ERR_IO, "%s",
                         store->claims_error.text);
    return 0;
}

int store_check_writable(struct store *store, bool adds_row, struct error *error)
{
    int code = store_check_open(store, error);
    return code == 0 ? store_check_limits(store, adds_row, error) : code;
}

/* What a decision has read, to be looked at again under the mutex of its bucket. */
struct basis {
    struct store *store;
    int64_t pool_id;
    const char *key;
    const struct mapping *mapping; /* NULL: there was no row */
    int64_t revision;
    bool decides; /* by the configuration, where to send a client */
};

/* Looking again for a row may show a configuration and verdicts that the decision has not seen. */
static bool decides_on_the_past(const struct store *store)
{
    return store->revision.configuration != store->given.configuration ||
           store->revision.metrics != store->given.metrics;
}

static bool is_still_seen(const struct basis *basis)
{
    struct mapping now;
    int code = store_renew(basis->store, NULL);
    if (code == 0 && (basis->store->mappings_revision != basis->revision ||
                      (basis->decides && decides_on_the_past(basis->store))))
        return false;
    if (code == 0)
        code = find_row(basis->store, basis->pool_id, basis->key, &now, NULL);
    if (code == ERR_NOTFOUND)
        return !basis->mapping;
    return code == 0 && basis->mapping && mapping_equal(&now, basis->mapping);
}

/*
 * Usually nobody has committed since the row was read, and then it is as it was. Where others
 * commit so often that this fails, or nothing tells whether they do, the row is read once more.
 */
static bool is_current(void *context)
{
    const struct basis *basis = context;
    struct store *store = basis->store;
    const struct wal_index *index = &store->database.wal_index;
    bool is_known = store->database.in_transaction && index->has_seen;
    if (is_known && !wal_index_moved(index))
        return true;
    return (store->lost >= LOST_MAX || !is_known) && is_still_seen(basis);
}

static int put_claim(struct store *store, int64_t pool_id, const char *key,
                     const struct mapping *seen, const struct claim *claim, bool decides)
{
    struct basis basis = {store, pool_id, key, seen, claim->revision, decides};
    int code = claims_put(store->claims, pool_id, key, seen, claim, is_current, &basis);
    store->lost = code == ERR_NOTFOUND ? store->lost + 1 : 0;
    store->has_claimed |= code == 0;
    return code;
}

/* When the client's last mapping was deleted, as a decision has to know it; 0: it was not. */
static int64_t deletion_decided(struct store *store, int64_t pool_id, const char *key)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_TOMBSTONE_FIND);
    persistence_bind_key(statement, pool_id, key);
    int64_t decided =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 2) : 0;
    sqlite3_reset(statement);
    return decided;
}

/* Says whether a live mapping is only extended. */
static bool extends(const struct mapping *wanted, const struct mapping *seen)
{
    return seen && wanted->controller_id == seen->controller_id &&
           strcmp(wanted->method, seen->method) == 0 &&
           mapping_left_s(seen, wanted->timestamp_s) > 0;
}

/* A mapping of the time before sharing, which has no place of its own. */
static void adopt(const struct store *store, struct mapping *wanted)
{
    struct entry entry = {.timestamp_s = wanted->timestamp_s};
    entry_refresh(&entry, store->node, wanted->timestamp_s);
    wanted->decided = entry.decided;
    wanted->origin = entry.origin;
}

/* Gives a new decision its place among those of all servers. */
static void decide(struct store *store, int64_t pool_id, const char *key,
                   const struct mapping *seen, struct mapping *wanted)
{
    bool was_shared = seen && seen->decided != 0; /* peers have the older decision */
    if (wanted->decided != 0 || (store->node == 0 && !was_shared))
        return;
    if (store->node != 0 && extends(wanted, seen)) {
        adopt(store, wanted);
        return;
    }
    int64_t known = seen ? seen->decided : deletion_decided(store, pool_id, key);
    wanted->decided = entry_decide(clock_unix_ms(), known);
    wanted->origin = store->node;
}

static int claim(void *context, int64_t pool_id, const char *key, const struct mapping *seen,
                 const struct mapping *wanted, struct error *error)
{
    struct store *store = context;
    int code = store_check_writable(store, !seen, error);
    if (code != 0)
        return code;
    if (decides_on_the_past(store)) {
        store->outdated = true;
        return ERR_BUSY;
    }
    struct claim claim = {.maps = true, .wanted = *wanted, .revision = store->mappings_revision};
    decide(store, pool_id, key, seen, &claim.wanted);
    code = put_claim(store, pool_id, key, seen, &claim, true);
    if (code == 0 || code == ERR_NOTFOUND)
        return code;
    return error_set(
        error, code, "%s-claims: %s; some mappings are not kept", store->database.real_path,
        code == ERR_LIMIT ? CLAIMS_FULL
                          : "it was overwritten, or a process that is stopped holds a part of it");
}

struct mapping_table store_mappings(struct store *store)
{
    store->uses_claims = true;
    return (struct mapping_table){.find = find, .claim = claim, .context = store};
}

/* ---------------------------------------------------------------- what operators change */

/* The claim that there is no such mapping. */
static struct claim deletion_of(struct store *store, int64_t pool_id, const char *key,
                                const struct mapping *mapping)
{
    struct claim none = {.revision = store->mappings_revision};
    if (store->node == 0)
        return none;
    none.wanted = (struct mapping){.timestamp_s = clock_unix_s(), .ttl_s = mapping->ttl_s};
    decide(store, pool_id, key, mapping, &none.wanted);
    return none;
}

/* The claim of another mapping. One that only lasts longer keeps its place. */
static struct claim replacement_of(struct store *store, int64_t pool_id, const char *key,
                                   const struct mapping *mapping, const struct mapping *wanted)
{
    struct claim claim = {.maps = true, .wanted = *wanted, .revision = store->mappings_revision};
    bool keeps_place = extends(wanted, mapping) && wanted->timestamp_s >= mapping->timestamp_s;
    claim.wanted.decided = keeps_place ? mapping->decided : 0;
    claim.wanted.origin = keeps_place ? mapping->origin : 0;
    decide(store, pool_id, key, mapping, &claim.wanted);
    return claim;
}

int store_claim_change(struct store *store, int64_t pool_id, const char *key,
                       const struct mapping_judge *judge, struct error *error)
{
    for (int look = 0; look < LOOKS_MAX; look++) {
        struct mapping mapping, wanted;
        int code = find(store, pool_id, key, &mapping, error);
        if (code != 0 && code != ERR_NOTFOUND)
            return code;
        const struct mapping *seen = code == 0 ? &mapping : NULL;
        enum mapping_fate fate = judge->judge(judge->context, seen, &wanted);
        if (fate == MAPPING_STAYS)
            return ERR_NOTFOUND;
        if (!seen && (code = store_check_room(store, error)) != 0)
            return code;
        const struct claim claim = fate == MAPPING_GOES
                                       ? deletion_of(store, pool_id, key, seen)
                                       : replacement_of(store, pool_id, key, seen, &wanted);
        code = put_claim(store, pool_id, key, seen, &claim, false);
        if (code == 0)
            return 0;
        if (code != ERR_NOTFOUND)
            return error_set(error, code, "%s-claims: a mapping cannot be %s now: %s",
                             store->database.real_path,
                             fate == MAPPING_GOES ? "forgotten" : "changed",
                             code == ERR_LIMIT ? CLAIMS_FULL : error_text(code));
    }
    return changes_all_the_time(store, error);
}

static enum mapping_fate forget_any(const void *context, const struct mapping *mapping,
                                    struct mapping *ret_wanted)
{
    (void)context, (void)ret_wanted;
    return mapping ? MAPPING_GOES : MAPPING_STAYS;
}

const struct mapping_judge store_forgets_any = {.judge = forget_any};

int store_claim_deletion(struct store *store, int64_t pool_id, const char *key, struct error *error)
{
    return store_claim_change(store, pool_id, key, &store_forgets_any, error);
}

/* ---------------------------------------------------------------- waiting for the writer */

void store_let_write(struct store *store)
{
    store_write_claims(store);
    nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

size_t store_unwritten(struct store *store, int64_t wait_ms)
{
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    size_t left;
    if (!store->claims)
        return 0;
    store_rest(store);
    uint64_t last = claims_last_number(store->claims);
    while ((left = claims_count_until(store->claims, last)) > 0 && clock_monotonic_ms() < until_ms)
        store_let_write(store);
    return left;
}

uint64_t store_decisions(const struct store *store)
{
    return store->claims ? claims_last_number(store->claims) : 0;
}

bool store_claims_are_full(const struct store *store)
{
    return store->claims && claims_are_full(store->claims);
}

int store_each_mapping(struct store *store,
                       bool (*each)(void *context, int64_t pool_id, const char *key,
                                    const struct mapping *mapping),
                       void *context, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_MAPPING_EACH);
    int result, code = 0;
    struct mapping mapping;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        persistence_read_mapping(statement, &mapping);
        const char *key = (const char *)sqlite3_column_text(statement, 8);
        if (!each(context, sqlite3_column_int64(statement, 7), key ? key : "", &mapping))
            break;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = database_error(&store->database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

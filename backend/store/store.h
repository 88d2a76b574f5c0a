/*
 * The database file, as the rest of the program sees it.
 *
 * A store is made without touching the file. store_begin() opens it when it is not open, when the
 * path means another file now, or after an error that a fresh connection may mend, so a file that
 * appears, is replaced or repaired counts from the next question on. What cannot be done is
 * returned with a sentence for the log that says what to do about it.
 *
 * Calling order for a question: store_begin(), then the readers and the mapping table. The
 * transaction stays begun for the next question, which goes on with it unless somebody
 * has committed meanwhile; store_rest() ends it when no question comes soon, since a reader keeps
 * the log from being started over.
 *
 * Nothing on the way to an answer waits longer than STORE_BUSY_MS for a lock. But while somebody
 * is stopped in the midst of a commit, a question waits for a second, and then one each second for
 * 0.3 to 0.5 s (kept_map.c).
 *
 * One store belongs to one thread, and must not cross a fork().
 */
#ifndef STICKY_STORE_STORE_H
#define STICKY_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/balance/metric.h"
#include "core/balance/availability.h"
#include "core/balance/topology.h"
#include "core/base/error.h"
#include "core/configuration/settings.h"
#include "core/configuration/snapshot.h"
#include "core/sticky/mapping.h"

/*
 * PowerDNS kills a coprocess that is silent for 2000 ms and resolvers ask again after some 400 ms;
 * a question may wait for a lock to read, and still be answered within 100 ms.
 */
#define STORE_BUSY_MS 40

/*
 * A transaction is kept for so long while questions come in: long enough for hundreds of them,
 * short beside the second that starting the log over may take.
 */
#define STORE_KEPT_MS 5

struct store;

/*
 * Random numbers that triggers change: as long as one is equal to the last, what it stands for is
 * unchanged.
 */
struct revision {
    int64_t opening; /* of this process; a copy of the file has the same numbers */
    int64_t configuration;
    int64_t metrics;  /* of availability alone */
    int64_t topology; /* of the databases of places, too */
};

/*
 * Prepares the process, once, before it has other threads or a store: SQLite does without its
 * memory statistics, which take a lock for every allocation, freed memory is kept to be used again
 * (system/memory.h), and a mapped file that is cut short is an error and not the end
 * (system/page_guard.h).
 */
void store_prepare_process(void);

/* 0 or ERR_NOMEM. `path` is copied. */
int store_new(const char *path, struct store **ret_store);
void store_free(struct store *store);

/*
 * Begins a read transaction: all that is read until the first mapping is looked up is of one
 * moment, and nothing was committed before this call that it does not show. `now_ms` is monotonic.
 * 0, or a code with `error` set and no transaction begun.
 */
int store_begin(struct store *store, int64_t now_ms, struct revision *ret_revision,
                struct error *error);

/*
 * Says whether a mapping was not taken since store_begin(), because somebody has changed the
 * configuration or the availability after that: the decision is of the past, and has to be made
 * again from store_begin() on.
 */
bool store_is_outdated(const struct store *store);

/* Ends the transaction, if there is one. */
void store_rest(struct store *store);

/* Reads the whole configuration. The snapshot is the caller's. */
int store_load(struct store *store, struct snapshot **ret_snapshot, struct error *error);

/*
 * Makes a snapshot that was loaded when the configuration had revision `since` what store_load()
 * would give now, by reading only the rows that have changed. False, with the rows of the snapshot
 * as they were, if these are not known, too many, or of a kind that is not patched: then
 * store_load() has to do it.
 */
bool store_patch(struct store *store, int64_t since, struct snapshot *snapshot);

/* Reads what is measured, for the servers of a snapshot. The metrics are the caller's. */
int store_load_availability(struct store *store, const struct snapshot *snapshot,
                            struct availability **ret_availability, struct error *error);

/*
 * Reads the topology, apart from the configuration, since it may have half a million rows. The
 * topology is the caller's.
 */
int store_load_topology(struct store *store, struct topology **ret_topology, struct error *error);

/*
 * Why mappings cannot be written to this file at all, or NULL: it is of a newer version, or owned
 * by somebody else. Valid until the next store_begin().
 */
const char *store_read_only(const struct store *store);

/*
 * The owner of the directory, if the file is root's and the directory is not; 0 otherwise. PowerDNS
 * most likely runs as that user, and cannot write the file. Root, who runs a command, can.
 */
uid_t store_owner_wanted(const struct store *store);

/* Says whether the lock of writers could not be got for so long. Opens a connection for that. */
bool store_is_locked(const struct store *store, int wait_ms, int64_t now_ms);

/* Why it is slow to take new mappings, or NULL: it is not in WAL mode, and could not be changed. */
const char *store_without_log(const struct store *store);

/* The rows of `persistence` as a mapping table, valid as long as the store. */
struct mapping_table store_mappings(struct store *store);

/*
 * What was measured of servers, controllers and paths, as a table that is read in the transaction
 * that is begun; valid as long as the store.
 */
struct metric_table store_measurements(struct store *store);

/* Says whether anything at all was measured on paths to clients. */
bool store_has_path_metrics(struct store *store);

/* Sets the limits on new mappings; until then the defaults hold. */
void store_limit(struct store *store, const struct settings *settings);

/*
 * Why no new mappings are kept now, or NULL: the file is as large as it may be, or the disk nearly
 * full. A constant text that follows the name of the file.
 */
const char *store_full(struct store *store);

/*
 * How long ago, in milliseconds, any process did not keep a new mapping for max_writes_per_second;
 * -1 when that is not known of.
 */
int64_t store_refused_ago_ms(const struct store *store, int64_t now_ms);

/* Says whether somebody's transaction keeps a large part of the log from being copied. */
bool store_log_is_blocked(const struct store *store);

/*
 * Deletes the mappings of a client key, of one pool or (pool_id 0) of all. Returns when the rows
 * are gone; if nothing can be written until `until_ms`, which is monotonic, they go later, unless
 * others change a mapping before. 0 with the number of mappings, or a code with `error` set.
 */
int store_forget(struct store *store, const char *key, int64_t pool_id, int64_t until_ms,
                 int64_t *ret_count, struct error *error);

/* What is to become of a mapping. */
enum mapping_fate { MAPPING_STAYS, MAPPING_GOES, MAPPING_BECOMES };

/*
 * Decides it. `mapping` is the present one, NULL if there is none, and then it must not go. For
 * MAPPING_BECOMES it sets `ret_wanted`, without `decided` and `origin`: while mappings are shared,
 * the store makes it a decision of this name server, made now. It may be asked several times about
 * one mapping, and must always say the same.
 */
struct mapping_judge {
    enum mapping_fate (*judge)(const void *context, const struct mapping *mapping,
                               struct mapping *ret_wanted);
    const void *context;
};

/*
 * Changes the mapping of a client key in one pool, for all processes at once; it is stored some
 * milliseconds later, see store_unwritten(). While there is no room, the writer is waited for until
 * `until_ms`, which is monotonic. Who is `patient` leaves room for new resolvers, too: while many
 * changes wait to be stored, the writer is waited for as long as it stores some within five
 * seconds. 0, ERR_NOTFOUND when the mapping stays as it is, or a code with `error` set.
 *
 * If others change a mapping by SQL, changes that wait are dropped: whoever makes many looks at
 * store_mappings_revision() afterwards, and makes them again if it is another number.
 */
int store_change(struct store *store, int64_t pool_id, const char *key,
                 const struct mapping_judge *judge, int64_t until_ms, bool patient,
                 struct error *error);

/* Changes when others than pdns-sticky change mappings. Of the last transaction that began. */
int64_t store_mappings_revision(const struct store *store);

/* Says whether no mappings may be added now; 0, or a code with `error` set. */
int store_check_room(struct store *store, struct error *error);

/*
 * A walk through the mappings of one pool in the order of the octets of their keys, between two
 * texts, neither of which belongs to it. Mappings that are not in the table yet are among them. It
 * reads them in parts, each in the transaction of that moment, so that nobody is held up by a long
 * one: a mapping that is made or deleted meanwhile may be missing or not. Between two parts others
 * may use the store, and end its transaction.
 */
struct mapping_walk;

struct mapping_row {
    const char *key;
    struct mapping mapping;
};

/* Before and behind all keys. */
#define WALK_START ""
#define WALK_END "\xff"

/* 0, or a code with `error` set. Texts are copied. */
int store_walk_new(struct store *store, int64_t pool_id, const char *after, const char *before,
                   struct mapping_walk **ret_walk, struct error *error);

/*
 * The next rows, after store_begin(). They are valid until the next call. 0, with no rows at the
 * end; or a code with `error` set.
 */
int store_walk_next(struct mapping_walk *walk, const struct mapping_row **ret_rows,
                    size_t *ret_count, struct error *error);

/* 0, or ERR_BUSY with `error` set: some mappings that are not stored yet are left out. */
int store_walk_problem(const struct mapping_walk *walk, struct error *error);

/* Takes NULL. */
void store_walk_free(struct mapping_walk *walk);

/* A controller, or a virtual server. */
struct state_target {
    bool is_server;
    int64_t id;
};

/*
 * Sets the state of those that have another one, in one transaction that waits `wait_ms` for the
 * lock of writers.
 * The schema's triggers have their say, and their words are in `error`. 0, or a code with `error`
 * set and nothing changed.
 */
int store_set_state(struct store *store, const struct state_target *targets, size_t count,
                    enum state state, int wait_ms, struct error *error);

/* The keys between two texts, in the order of their octets, to which `matches` says yes. */
struct key_range {
    const char *after, *before;
    bool (*matches)(const void *context, const char *key);
    const void *context;
};

/*
 * Deletes the mappings of all such keys in one pool, by a walk and store_change(). After a failure
 * `ret_count` says how many are deleted.
 */
int store_forget_range(struct store *store, int64_t pool_id, const struct key_range *range,
                       int64_t until_ms, bool patient, int64_t *ret_count, struct error *error);

/*
 * How many of the mappings that were decided before this call are not in the table. Waits until all
 * are, but no longer than `wait_ms`; usually they are within a few milliseconds. Ends the
 * transaction.
 */
size_t store_unwritten(struct store *store, int64_t wait_ms);

/*
 * A number that grows by one with each mapping that any process makes, moves or extends; 0 while
 * that is not known. It begins anew with each start of the machine.
 */
uint64_t store_decisions(const struct store *store);

/* Says whether so many mappings wait to be stored that not every new one can be kept. */
bool store_claims_are_full(const struct store *store);

/*
 * Calls `each` for every mapping in key order until it returns false. 0, or a code with `error`
 * set.
 */
int store_each_mapping(struct store *store,
                       bool (*each)(void *context, int64_t pool_id, const char *key,
                                    const struct mapping *mapping),
                       void *context, struct error *error);

/*
 * Maintenance: runs checkpoints and deletes expired mappings, each when its interval is over and no
 * other process is doing it. That happens in a thread of its own with a connection of its own, so
 * that no question waits for the disk; this starts it where it is due, and returns at once. To be
 * called between questions, and now and then without any. `now_ms` is monotonic. 0, or a code with
 * `error` set, of what was started before; what failed is tried again.
 */
int store_maintain(struct store *store, const struct settings *settings, int64_t now_s,
                   int64_t now_ms, struct error *error);

/*
 * What has happened to the file of claims by which mappings may be lost: 0, or a code with `error`
 * set, once. store_maintain() says it where nothing else is to be said.
 */
int store_claims_loss(struct store *store, struct error *error);

/* Waits for the end of what was started. 0, or a code with `error` set, of that. */
int store_finish_maintenance(struct store *store, struct error *error);

#endif

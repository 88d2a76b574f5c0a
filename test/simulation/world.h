/*
 * Name servers that share their mappings, in memory, with a clock that is told: what the simulation
 * of sharing.c plays with. Rows, claims, outboxes, logs, cursors, beats and walks are as in the
 * program, in small; what becomes of an entry is decided by core/sharing/entry.h itself.
 *
 * Beside it stands what no server can know, and what they are measured by: which decision an entry
 * comes from, what its maker had seen, and the greatest entry of each key.
 *
 * Each server finds sites down and up by itself, at other times than the others. Whether a client
 * goes home is decided by core/sticky/failback.h.
 */
#ifndef TEST_SIMULATION_WORLD_H
#define TEST_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/pool.h"
#include "core/sharing/entry.h"

/* Small, so that whatever can meet does meet. */
#define SERVERS_MAX 5
#define KEYS 3
#define SITES 3
#define SITE_NAME_MAX 4
#define LOG_MAX 12   /* messages; the oldest expire */
#define OUTBOX_MAX 5 /* changes; the oldest are dropped */
#define BATCH_KEYS 2
#define PAGE_KEYS 2
#define DECISIONS_MAX 64 /* bits of a mask */

#define SKEW_MS 10000
#define GRACE_S 60
#define HONEST_MS 4000 /* how wrong the clock of an honest server may be */
#define HOUR_MS 3600000

/* Rules that can be broken, to see whether that is found. */
#define MUTANTS(X)                                                                                 \
    X(NONE, "none")                                                                                \
    X(NO_WALK, "no-walk")                     /* tables are never compared */                      \
    X(NO_GAPS, "no-gaps")                     /* holes in a log are not noticed */                 \
    X(EXPIRED_LOSES, "expired-loses")         /* against what has not expired */                   \
    X(REFRESH_DECIDES, "refresh-decides")     /* a refresh is a new decision */                    \
    X(CLOCK_ALONE, "clock-alone")             /* a decision may be earlier than what it knew */    \
    X(NO_GRACE, "no-grace")                   /* what has ended counts no more */                  \
    X(NO_GUARD, "no-guard")                   /* the future is believed */                         \
    X(DECISION_GUARD, "decision-guard")       /* a timestamp of the future is believed */          \
    X(NO_TAKING_BACK, "no-taking-back")       /* the future of our own table stays */              \
    X(WRITER_OVERWRITES, "writer-overwrites") /* a claim replaces a greater row */                 \
    X(CURSOR_FIRST, "cursor-first")           /* the cursor is stored before the walk has ended */ \
    X(NUMBERS_RESTART, "numbers-restart")     /* batches count from 1 after a restart */           \
    X(REFRESH_FORGETS, "refresh-forgets")     /* a refresh loses the home */                       \
    X(HOME_IGNORED, "home-ignored")           /* entries that differ in it are the same */         \
    X(HOME_AT_ONCE, "home-at-once")           /* also to one that came up before it was left */

enum mutant {
#define X(name, word) MUTANT_##name,
    MUTANTS(X)
#undef X
};

/* An entry, and the decision that it comes from. A refresh is another version of a decision. */
struct version {
    struct entry entry;
    size_t decision;
};

/* A row of a table, or a claim. Masks have a bit for each decision. */
struct slot {
    bool filled;
    struct version version;
    uint64_t seen;   /* what stood here, and what its makers had seen */
    uint64_t recent; /* the same since the row was last swept */
};

struct message {
    int64_t incarnation, number, acknowledged;
    size_t count;
    struct {
        size_t key;
        struct version version;
    } rows[BATCH_KEYS];
};

/* Message n is at n % LOG_MAX. */
struct log {
    int64_t created, first, last; /* empty: first is last + 1 */
    struct message messages[LOG_MAX];
};

/* How far a peer's log was read, and what the peer was then: a row of share_cursor. */
struct position {
    int64_t created, sequence, incarnation, batch;
};

struct feed {
    struct position stored, current; /* in the database, and in memory */
    bool walking, wants_rows;
    size_t place; /* of the walk: keys below it are done */
};

struct server {
    int64_t node, offset_ms;
    size_t side;   /* of a partition */
    bool log_runs; /* its nats-server */
    int64_t incarnation;
    struct slot rows[KEYS], claims[KEYS];
    struct {
        int64_t stamp;
        size_t key;
    } outbox[OUTBOX_MAX];
    size_t changes;
    int64_t stamp;
    int64_t number, acknowledged; /* of batches: the last one given, and the last one in the log */
    struct {
        bool is, arrived;
        int64_t number, stamp;
    } waiting; /* a batch that was given to the log */
    struct log log;
    struct feed feeds[SERVERS_MAX];
    bool lacks[SITES]; /* they are not in its configuration yet */
    struct {
        bool down;
        int64_t up_since_s;   /* 0: it was never down */
        size_t returns[KEYS]; /* of clients that could have stayed, since then */
    } sites[SITES];
};

struct decision {
    size_t key;
    uint64_t seen; /* by its maker, itself included */
    bool unshared; /* made while nothing was shared */
    char home[ROW_NAME_MAX];
};

/* The greatest entry of a key. When something was lost for good, greater ones may be in a log. */
struct greatest {
    bool known;
    struct version version;
};

struct world {
    uint64_t seed;
    enum mutant mutant;
    bool trace;
    bool sliding, wipes, hours; /* what may happen in this schedule */
    int64_t now_ms, counter;    /* the counter gives numbers that were never used before */
    size_t server_count;
    struct server servers[SERVERS_MAX];
    struct decision decisions[DECISIONS_MAX];
    size_t decision_count;
    struct greatest greatest[KEYS];
    struct pool pool;         /* how clients fail back */
    bool wiped, was_hour;     /* did happen */
    bool was_off, has_lacked; /* a clock was wrong; a server could not take all of an entry */
    bool returned_twice;      /* one recovery brought a client home more than once */
    size_t refused;           /* as from the future */
    size_t moved[SERVERS_MAX][KEYS]; /* since watch_moves() */
    size_t moves_allowed[SERVERS_MAX][KEYS];
    char answers[SERVERS_MAX][KEYS][SITE_NAME_MAX]; /* the last site; "": none yet */
};

/* Random numbers (SplitMix64). */
uint64_t random_next(uint64_t *state);
size_t world_below(struct world *world, size_t limit);

void world_init(struct world *world, uint64_t seed, enum mutant mutant, bool trace);

void say(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

int64_t server_clock_ms(const struct world *world, const struct server *server);
int64_t world_grace_s(const struct world *world);

/* ---------------------------------------------------------------- server.c: alone */

/* A client asks. `fails`: the site that it is at goes down here before. */
void server_ask(struct world *world, struct server *server, size_t key, bool fails);

/* A site that is down here comes up. */
void server_recover(struct world *world, struct server *server, size_t site);

/* The writer stores a claim, if there is one. */
void server_store(struct world *world, struct server *server, size_t key);

void server_delete(struct world *world, struct server *server, size_t key);
void server_sweep(struct world *world, struct server *server);

/* Sets the clock. When it was wrong before, entries of the future are taken back. */
void server_set_clock(struct world *world, struct server *server, int64_t offset_ms);

/* Takes a row back if it is of the future, and says whether it was. */
bool server_take_back(struct world *world, struct server *server, size_t key);

/* All of its files are lost but the log. */
void server_wipe(struct world *world, struct server *server);

/* A row that was made while nothing was shared. */
void server_begin_with(struct world *world, struct server *server, size_t key);

/* An entry was told. */
void server_hear(struct world *world, struct server *server, size_t key,
                 const struct version *told);

/* ---------------------------------------------------------------- exchange.c: with others */

void outbox_note(struct world *world, struct server *server, size_t key);

/* Gives a batch to its log, if nothing waits. Says whether it did. */
bool server_hand_over(struct world *world, struct server *server, bool arrives);

/* The log acknowledges, or not. */
void server_end_waiting(struct world *world, struct server *server, bool acknowledges);

/* The sharer starts anew, from its database. */
void server_restart(struct world *world, struct server *server);

bool can_hear(const struct server *server, const struct server *peer);

/* Each wants can_hear(). The first looks at the bounds of the log and at a beat. */
void feed_look(struct world *world, struct server *server, struct server *peer);
bool feed_read(struct world *world, struct server *server, struct server *peer);
void feed_begin_walk(struct server *server, struct server *peer);
void feed_walk(struct world *world, struct server *server, struct server *peer);

void log_lose_tail(struct log *log, size_t count);
void log_expire(struct log *log, size_t count);
void log_begin(struct world *world, struct log *log);

/* ---------------------------------------------------------------- truth.c: what has to hold */

/* A new decision of a key, whose maker had seen these. */
size_t decision_add(struct world *world, size_t key, uint64_t seen);

/* A version was made. */
void greatest_count(struct world *world, const struct server *server, size_t key,
                    const struct version *version);

/* Rows were lost in a way that no rule can make good: the greatest is what is still there. */
void greatest_retreat(struct world *world, size_t key);

/* The slot gets this version. */
void slot_put(struct world *world, struct server *server, struct slot *slot, size_t key,
              const struct version *version);

/* Counts what stands in the tables now, such as what was of the future when it was made. */
void greatest_count_rows(struct world *world);

/* From now on moves of clients are counted; each server's clients ask it all the time. */
void watch_moves(struct world *world);
void count_move(struct world *world, const struct server *server, size_t key);

/*
 * Each returns NULL, or what does not hold. The first wants to hear the tables before any walk that
 * the logs did not call for.
 */
const char *check_before_walk(const struct world *world);
const char *check_at_end(const struct world *world);

#endif

/*
 * What the tests share: checks that name their row, allocations that fail on demand, snapshots made
 * of literal rows, a table of mappings in memory, and databases in a directory of their own.
 */
#ifndef TEST_UNIT_FIXTURE_H
#define TEST_UNIT_FIXTURE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/metric.h"
#include "core/balance/turns.h"
#include "core/base/buffer.h"
#include "core/configuration/snapshot_builder.h"
#include "core/sticky/assign.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/*
 * Checks. The words behind the condition say which row it is about and are printed when it fails.
 * Each returns whether it held.
 */
#define CHECK(condition, ...) check_at(__FILE__, __LINE__, (condition), #condition, __VA_ARGS__)
#define CHECK_INTEGER(actual, expected, ...)                                                       \
    check_integer_at(__FILE__, __LINE__, (actual), (expected), #actual, __VA_ARGS__)
#define CHECK_TEXT(actual, expected, ...)                                                          \
    check_text_at(__FILE__, __LINE__, (actual), (expected), #actual, __VA_ARGS__)

bool check_at(const char *file, unsigned line, bool holds, const char *condition,
              const char *format, ...) __attribute__((format(printf, 5, 6)));
bool check_integer_at(const char *file, unsigned line, int64_t actual, int64_t expected,
                      const char *what, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* NULL equals NULL alone. */
bool check_text_at(const char *file, unsigned line, const char *actual, const char *expected,
                   const char *what, const char *format, ...) __attribute__((format(printf, 6, 7)));

/*
 * Failing allocations. The linker puts the wrappers in place of malloc, calloc, realloc and strdup
 * in the project's own objects (-Wl,--wrap=malloc and so on).
 */

/* From now on the n-th allocation fails, counting from 1, and only that one; 0: none does. */
void memory_fail_at(size_t n);

/* Takes it back and says whether the failure came to pass. */
bool memory_fail_end(void);

/* Random numbers that are the same in every run (SplitMix64); `state` is the seed. */
uint64_t random_next(uint64_t *state);
size_t random_below(uint64_t *state, size_t limit);

/*
 * Rows of a configuration. Each list may be NULL; else it ends with a row whose first pointer
 * (name, cidr, or a server's state) is NULL, or whose controller is 0 (a pin).
 */
struct rows {
    const struct zone_row *zones;
    const struct record_row *records;
    const struct controller_row *controllers;
    const struct pool_row *pools;
    const struct virtual_server_row *servers;
    const struct balanced_name_row *balanced;
    const struct group_row *groups;
    const struct pin_row *pins;
    const struct setting_row *settings;
};

/* Rows with the defaults of the database. */
#define CONTROLLER(id, name) {id, name, NULL, "enabled"}
#define POOL(id, name)                                                                             \
    {id,  name,  "modulus", 30, 3600, "fixed", false, 0,      "ldns", 32,                          \
     128, "any", false,     0,  NULL, NULL,    20,    "stay", 300}
#define SERVER(id, pool, controller, position, ipv4, ipv6)                                         \
    {id, pool, controller, position, ipv4, ipv6, "enabled", 1, NULL}
#define NAMED(id, pool, controller, position, name)                                                \
    {id, pool, controller, position, NULL, NULL, "enabled", 1, name}
/* A struct mapping that was made while nothing was shared. */
#define MAPPING(controller, name, at_s, lasts_s)                                                   \
    {.controller_id = (controller), .method = (name), .timestamp_s = (at_s), .ttl_s = (lasts_s)}
/* Of a pool, or with 0 of all pools; without end. */
#define PIN(id, network, group, pool, controller)                                                  \
    {id, network, group, (pool) != 0, pool, controller, false, 0, NULL}
#define RECORD(id, zone, name, type, content) {id, (zone) != 0, zone, name, type, content, 3600}

/* 0 or ERR_NOMEM; nothing is left behind then. */
int rows_build(const struct rows *rows, struct snapshot **ret_snapshot);

/* Says whether one of the snapshot's problems is this sentence. */
bool snapshot_has_problem(const struct snapshot *snapshot, const char *sentence);

/* A table of mappings in memory that counts its calls and can be told to fail or to be raced. */
#define MEMORY_ROWS_MAX 256

struct memory_row {
    int64_t pool_id;
    char key[CLIENT_KEY_MAX];
    struct mapping mapping;
};

struct memory_table {
    struct memory_row rows[MEMORY_ROWS_MAX];
    size_t count;
    size_t finds, claims, writes; /* calls, and claims that wrote */
    int find_code, claim_code; /* returned, with a sentence, instead of doing anything, unless 0 */
    /* What another process writes right before the next `rivals` claims. */
    struct mapping rival;
    size_t rivals;
};

struct mapping *memory_table_get(struct memory_table *table, int64_t pool_id, const char *key);
void memory_table_put(struct memory_table *table, int64_t pool_id, const char *key,
                      const struct mapping *mapping);

/* Measured values in memory. What is not put there is not measured. */
#define MEMORY_METRICS_MAX 64

enum memory_metric_of { OF_SERVER, OF_CONTROLLER, OF_PATH };

struct memory_metric {
    enum memory_metric_of of;
    int64_t id; /* of the server or controller */
    const char *name;
    struct prefix network; /* of a path: from where; without a family, from everywhere */
    struct metric metric;
};

struct memory_metrics {
    struct memory_metric rows[MEMORY_METRICS_MAX];
    size_t count;
    size_t reads; /* calls */
    int code;     /* returned instead of doing anything, unless 0 */
};

/* `age_s` before SCENE_NOW_S. Takes the place of an older value. */
void memory_metrics_put(struct memory_metrics *metrics, enum memory_metric_of of, int64_t id,
                        const char *name, double value, int64_t age_s);

/*
 * The round trip time now between the clients of a network and a controller, likewise: a controller
 * has a path to one network, or by memory_metrics_put() to every client.
 */
void memory_metrics_put_path(struct memory_metrics *metrics, const char *network,
                             int64_t controller_id, double value);
struct metric_table memory_metrics_table(struct memory_metrics *metrics);

/* Warnings that fill a buffer, one a line. */
struct warnings warnings_into(struct buffer *buffer);

/* The steps of a trace in sentences, one a line, in place of what the buffer held. */
const char *steps_text(const struct trace *trace, struct buffer *buffer);

/*
 * The inputs of decisions, made of rows: all up, no mappings, at SCENE_NOW_S, with a trace (see
 * scene_told()) and warnings that fill `warned`. The snapshot may be changed by hand, for what rows
 * cannot say.
 */
#define SCENE_NOW_S 1700000000

struct scene {
    struct snapshot *snapshot;
    struct availability *availability;
    struct memory_table table;
    struct mapping_table mappings;
    struct memory_metrics measured;
    struct metric_table metric_table;
    struct turns *turns; /* from 0 on */
    struct trace trace;
    struct buffer told, warned;
    struct warnings warnings;
    struct decision_inputs inputs;
};

void scene_init(struct scene *scene, const struct rows *rows);
void scene_release(struct scene *scene);

/* The steps recorded so far, in sentences, one a line. Valid until the next call. */
const char *scene_told(struct scene *scene);

/* The rows of that id or name; they must exist. */
struct pool *scene_pool(struct scene *scene, const char *name);
struct controller *scene_controller(struct scene *scene, int64_t id);
struct virtual_server *scene_server(struct scene *scene, int64_t id);

void scene_set_server_down(struct scene *scene, int64_t server_id, bool down);
void scene_set_address_down(struct scene *scene, int64_t server_id, enum address_family family);
void scene_set_controller_down(struct scene *scene, int64_t controller_id, bool down);

/* Sources, networks and addresses from text; NULL stands for none. */
struct address address_of(const char *text);
struct prefix network_of(const char *text); /* of an address: all of its bits */
struct source source_of(const char *remote, const char *subnet);

/*
 * Three sites in one pool and a spare one in another, one server each. Servers 11, 12, 13 of
 * controllers 1, 2, 3 in pool "web" (1), server 21 of controller 4 in pool "spare" (2).
 */
extern const struct rows three_sites;

/* In that pool 192.0.2.10, which is 3221225994 and leaves 0 by 3, gets server 12. */
#define SCENE_CLIENT "192.0.2.10"
#define SCENE_CHOICE 12

struct assignment scene_ask(struct scene *scene, const char *pool, const char *remote);

/* The id of the server that SCENE_CLIENT gets, 0 for none. */
int64_t scene_ask_client(struct scene *scene, const char *pool);

/* Gives SCENE_CLIENT a mapping that was made so long ago and lasts an hour. */
void scene_put_mapping(struct scene *scene, int64_t pool_id, int64_t controller_id, int64_t age_s);

/* Checks the row of a client: who it leads to (0: there is no row) and since when. */
void scene_check_row(struct scene *scene, int64_t pool_id, const char *key, int64_t controller_id,
                     int64_t timestamp_s, const char *what);

/* Checks that the operator was warned of a table that failed with this code, or (0) of nothing. */
void scene_check_warned(struct scene *scene, int code, const char *what);

/* Controllers 1 to 3, and so all servers of "web". */
void scene_set_web_down(struct scene *scene, bool down);

/* Adds what is in a file. */
void read_file(const char *path, struct buffer *ret_text);

/* A database of schema.sql in a new directory below TMPDIR or /tmp, and somebody who changes it. */
#define PLACE_PATH_MAX 320

struct place {
    char directory[256];
    char path[PLACE_PATH_MAX];
    sqlite3 *shell;
};

void place_init(struct place *place);

/* The same with two controllers, and the pool 1 of theirs that answers www.example.com. */
void place_init_served(struct place *place);

/* Closes the shell and removes the directory with the files in it. */
void place_release(struct place *place);

void place_open_shell(struct place *place);
void place_close_shell(struct place *place);

void place_run(struct place *place, const char *sql);
void place_run_file(struct place *place, const char *path);

/* The number that a query gives, -1 when there is none. */
int64_t place_number(struct place *place, const char *sql);

/* Files beside the database. */
void place_name(const struct place *place, const char *name, char ret_path[static PLACE_PATH_MAX]);
void place_write(const struct place *place, const char *name, const char *text);

#endif

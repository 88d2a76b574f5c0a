#include "fixture.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "program/command/step_text.h"

#define MESSAGE_MAX 2048

static void fail(const char *file, unsigned line, const char *what, const char *format,
                 va_list arguments)
{
    char row[MESSAGE_MAX / 2], message[MESSAGE_MAX * 2];
    vsnprintf(row, sizeof row, format, arguments);
    snprintf(message, sizeof message, "[%s] %s", row, what);
    CU_assertImplementation(CU_FALSE, line, message, file, "", CU_FALSE);
}

static void pass(const char *file, unsigned line)
{
    CU_assertImplementation(CU_TRUE, line, "", file, "", CU_FALSE);
}

bool check_at(const char *file, unsigned line, bool holds, const char *condition,
              const char *format, ...)
{
    va_list arguments;
    if (holds) {
        pass(file, line);
        return true;
    }
    va_start(arguments, format);
    fail(file, line, condition, format, arguments);
    va_end(arguments);
    return false;
}

bool check_integer_at(const char *file, unsigned line, int64_t actual, int64_t expected,
                      const char *what, const char *format, ...)
{
    va_list arguments;
    char text[MESSAGE_MAX / 2];
    if (actual == expected) {
        pass(file, line);
        return true;
    }
    snprintf(text, sizeof text, "%s is %lld, not %lld", what, (long long)actual,
             (long long)expected);
    va_start(arguments, format);
    fail(file, line, text, format, arguments);
    va_end(arguments);
    return false;
}

bool check_text_at(const char *file, unsigned line, const char *actual, const char *expected,
                   const char *what, const char *format, ...)
{
    va_list arguments;
    char text[MESSAGE_MAX / 2];
    if (actual && expected ? strcmp(actual, expected) == 0 : actual == expected) {
        pass(file, line);
        return true;
    }
    snprintf(text, sizeof text, "%s is \"%s\", not \"%s\"", what, actual ? actual : "(null)",
             expected ? expected : "(null)");
    va_start(arguments, format);
    fail(file, line, text, format, arguments);
    va_end(arguments);
    return false;
}

static size_t until_failure; /* allocations up to and with the failing one; 0: none fails */
static bool failed;

void memory_fail_at(size_t n)
{
    until_failure = n;
    failed = false;
}

bool memory_fail_end(void)
{
    until_failure = 0;
    return failed;
}

static bool fails_now(void)
{
    if (until_failure == 0 || --until_failure > 0)
        return false;
    failed = true;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *place, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *place, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *place, size_t size)
{
    return fails_now() ? NULL : __real_realloc(place, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31;
}

size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(random_next(state) % limit);
}

/* Adds the rows of one list until the one whose `last` is NULL. */
#define ADD_ALL(list, last, add)                                                                   \
    for (size_t i = 0; code == 0 && (list) && (list)[i].last; i++)                                 \
        code = add(builder, &(list)[i]);

int rows_build(const struct rows *rows, struct snapshot **ret_snapshot)
{
    struct snapshot_builder *builder;
    int code = snapshot_builder_new(&builder);
    if (code != 0)
        return code;
    ADD_ALL(rows->settings, name, snapshot_add_setting)
    ADD_ALL(rows->groups, cidr, snapshot_add_group)
    ADD_ALL(rows->pins, controller_id, snapshot_add_pin)
    ADD_ALL(rows->records, name, snapshot_add_record)
    ADD_ALL(rows->balanced, name, snapshot_add_balanced_name)
    ADD_ALL(rows->servers, state, snapshot_add_virtual_server)
    ADD_ALL(rows->pools, name, snapshot_add_pool)
    ADD_ALL(rows->controllers, name, snapshot_add_controller)
    ADD_ALL(rows->zones, name, snapshot_add_zone)
    if (code == 0)
        code = snapshot_builder_finish(builder, ret_snapshot);
    snapshot_builder_free(builder);
    return code;
}

bool snapshot_has_problem(const struct snapshot *snapshot, const char *sentence)
{
    for (size_t i = 0; i < snapshot->problems.count; i++)
        if (strcmp(snapshot->problems.lines[i], sentence) == 0)
            return true;
    return false;
}

struct mapping *memory_table_get(struct memory_table *table, int64_t pool_id, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].pool_id == pool_id && strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i].mapping;
    return NULL;
}

void memory_table_put(struct memory_table *table, int64_t pool_id, const char *key,
                      const struct mapping *mapping)
{
    struct mapping *place = memory_table_get(table, pool_id, key);
    if (!place) {
        struct memory_row *row = &table->rows[table->count++ % MEMORY_ROWS_MAX];
        row->pool_id = pool_id;
        snprintf(row->key, sizeof row->key, "%s", key);
        place = &row->mapping;
    }
    *place = *mapping;
}

static int set_error(int code, struct error *error)
{
    return error_set(error, code, "the table: %s", error_text(code));
}

static int memory_find(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                       struct error *error)
{
    struct memory_table *table = context;
    table->finds++;
    if (table->find_code != 0)
        return set_error(table->find_code, error);
    const struct mapping *found = memory_table_get(table, pool_id, key);
    if (!found)
        return ERR_NOTFOUND;
    *ret_mapping = *found;
    return 0;
}

static int memory_claim(void *context, int64_t pool_id, const char *key, const struct mapping *seen,
                        const struct mapping *wanted, struct error *error)
{
    struct memory_table *table = context;
    table->claims++;
    if (table->claim_code != 0)
        return set_error(table->claim_code, error);
    if (table->rivals > 0) {
        table->rivals--;
        table->rival.timestamp_s++; /* every time another row */
        memory_table_put(table, pool_id, key, &table->rival);
    }
    const struct mapping *found = memory_table_get(table, pool_id, key);
    if (!found != !seen || (found && !mapping_equal(found, seen)))
        return ERR_NOTFOUND;
    memory_table_put(table, pool_id, key, wanted);
    table->writes++;
    return 0;
}

/* The row of that value, perhaps a new one. */
static struct memory_metric *metric_row(struct memory_metrics *metrics, enum memory_metric_of of,
                                        int64_t id, const char *name)
{
    size_t i = 0;
    while (i < metrics->count && (metrics->rows[i].of != of || metrics->rows[i].id != id ||
                                  strcmp(metrics->rows[i].name, name) != 0))
        i++;
    if (i == MEMORY_METRICS_MAX)
        abort();
    if (i == metrics->count)
        metrics->count++;
    return &metrics->rows[i];
}

void memory_metrics_put(struct memory_metrics *metrics, enum memory_metric_of of, int64_t id,
                        const char *name, double value, int64_t age_s)
{
    *metric_row(metrics, of, id, name) = (struct memory_metric){
        .of = of, .id = id, .name = name, .metric = {value, SCENE_NOW_S - age_s}};
}

void memory_metrics_put_path(struct memory_metrics *metrics, const char *network,
                             int64_t controller_id, double value)
{
    memory_metrics_put(metrics, OF_PATH, controller_id, "rtt", value, 0);
    metric_row(metrics, OF_PATH, controller_id, "rtt")->network = network_of(network);
}

/* `client` is NULL except for paths. */
static bool counts_for(const struct memory_metric *row, const struct prefix *client)
{
    return row->network.address.family == FAMILY_NONE ||
           (client && prefix_contains(&row->network, &client->address));
}

static int memory_metrics_get(struct memory_metrics *metrics, enum memory_metric_of of, int64_t id,
                              const char *name, const struct prefix *client,
                              struct metric *ret_metric)
{
    metrics->reads++;
    if (metrics->code != 0)
        return metrics->code;
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->rows[i].of == of && metrics->rows[i].id == id &&
            strcmp(metrics->rows[i].name, name) == 0 && counts_for(&metrics->rows[i], client)) {
            *ret_metric = metrics->rows[i].metric;
            return 0;
        }
    return ERR_NOTFOUND;
}

static int metric_of_server(void *context, int64_t id, const char *name, struct metric *ret_metric)
{
    return memory_metrics_get(context, OF_SERVER, id, name, NULL, ret_metric);
}

static int metric_of_controller(void *context, int64_t id, const char *name,
                                struct metric *ret_metric)
{
    return memory_metrics_get(context, OF_CONTROLLER, id, name, NULL, ret_metric);
}

static int metric_of_path(void *context, const struct prefix *client, int64_t id,
                          struct metric *ret_metric)
{
    return memory_metrics_get(context, OF_PATH, id, "rtt", client, ret_metric);
}

struct metric_table memory_metrics_table(struct memory_metrics *metrics)
{
    return (struct metric_table){metric_of_server, metric_of_controller, metric_of_path, metrics};
}

static void add_line(void *context, const char *sentence)
{
    buffer_printf(context, "%s\n", sentence);
}

struct warnings warnings_into(struct buffer *buffer)
{
    return (struct warnings){.add = add_line, .context = buffer};
}

const char *steps_text(const struct trace *trace, struct buffer *buffer)
{
    buffer_clear(buffer);
    step_text_print(trace, "", buffer);
    return buffer_text(buffer);
}

const char *scene_told(struct scene *scene)
{
    return steps_text(&scene->trace, &scene->told);
}

void scene_init(struct scene *scene, const struct rows *rows)
{
    *scene = (struct scene){.snapshot = NULL};
    if (rows_build(rows, &scene->snapshot) != 0 ||
        availability_new(scene->snapshot->server_count, scene->snapshot->controller_count,
                         &scene->availability) != 0 ||
        turns_new(scene->snapshot->pools, scene->snapshot->pool_count, NULL, 0, &scene->turns) != 0)
        abort();
    for (size_t i = 0; i < scene->turns->count; i++)
        scene->turns->pools[i].next = 0;
    scene->mappings = (struct mapping_table){memory_find, memory_claim, &scene->table};
    scene->metric_table = memory_metrics_table(&scene->measured);
    scene->warnings = warnings_into(&scene->warned);
    scene->inputs = (struct decision_inputs){.snapshot = scene->snapshot,
                                             .availability = scene->availability,
                                             .mappings = &scene->mappings,
                                             .now_s = SCENE_NOW_S,
                                             .measured = &scene->metric_table,
                                             .turns = scene->turns,
                                             .trace = &scene->trace,
                                             .warnings = &scene->warnings};
}

void scene_release(struct scene *scene)
{
    trace_release(&scene->trace);
    buffer_release(&scene->told);
    buffer_release(&scene->warned);
    turns_free(scene->turns);
    availability_free(scene->availability);
    snapshot_free(scene->snapshot);
}

struct pool *scene_pool(struct scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->snapshot->pool_count; i++)
        if (strcmp(scene->snapshot->pools[i].name, name) == 0)
            return &scene->snapshot->pools[i];
    abort();
}

struct controller *scene_controller(struct scene *scene, int64_t id)
{
    for (size_t i = 0; i < scene->snapshot->controller_count; i++)
        if (scene->snapshot->controllers[i].id == id)
            return &scene->snapshot->controllers[i];
    abort();
}

struct virtual_server *scene_server(struct scene *scene, int64_t id)
{
    for (size_t i = 0; i < scene->snapshot->server_count; i++)
        if (scene->snapshot->servers[i].id == id)
            return &scene->snapshot->servers[i];
    abort();
}

void scene_set_server_down(struct scene *scene, int64_t server_id, bool down)
{
    scene->availability->server_down[scene_server(scene, server_id)->index] = down;
}

void scene_set_address_down(struct scene *scene, int64_t server_id, enum address_family family)
{
    if (availability_set_address_down(scene->availability, scene_server(scene, server_id),
                                      family) != 0)
        abort();
}

void scene_set_controller_down(struct scene *scene, int64_t controller_id, bool down)
{
    scene->availability->controller_down[scene_controller(scene, controller_id)->index] = down;
}

struct address address_of(const char *text)
{
    struct address address = {.family = FAMILY_NONE};
    if (text && address_parse(text, strlen(text), &address) != 0)
        abort();
    return address;
}

struct prefix network_of(const char *text)
{
    struct prefix network = {.bits = 0};
    if (text && prefix_parse(text, strlen(text), &network) != 0)
        abort();
    return network;
}

struct source source_of(const char *remote, const char *subnet)
{
    return (struct source){.remote = address_of(remote), .subnet = network_of(subnet)};
}

struct assignment scene_ask(struct scene *scene, const char *pool, const char *remote)
{
    struct assignment assignment;
    struct source source = source_of(remote, NULL);
    assign(&scene->inputs, scene_pool(scene, pool), &source, &assignment);
    return assignment;
}

int64_t scene_ask_client(struct scene *scene, const char *pool)
{
    struct assignment assignment = scene_ask(scene, pool, SCENE_CLIENT);
    return assignment.server ? assignment.server->id : 0;
}

void scene_put_mapping(struct scene *scene, int64_t pool_id, int64_t controller_id, int64_t age_s)
{
    const struct mapping mapping = MAPPING(controller_id, "modulus", SCENE_NOW_S - age_s, 3600);
    memory_table_put(&scene->table, pool_id, SCENE_CLIENT, &mapping);
}

void scene_check_warned(struct scene *scene, int code, const char *what)
{
    char expected[128] = "";
    if (code != 0)
        snprintf(expected, sizeof expected, "the table: %s\n", error_text(code));
    CHECK_TEXT(buffer_text(&scene->warned), expected, "%s", what);
}

void scene_check_row(struct scene *scene, int64_t pool_id, const char *key, int64_t controller_id,
                     int64_t timestamp_s, const char *what)
{
    const struct mapping *mapping = memory_table_get(&scene->table, pool_id, key);
    CHECK_INTEGER(mapping ? mapping->controller_id : 0, controller_id, "%s: row of %s", what, key);
    if (mapping && controller_id)
        CHECK_INTEGER(mapping->timestamp_s, timestamp_s, "%s: row of %s", what, key);
}

void scene_set_web_down(struct scene *scene, bool down)
{
    for (int64_t id = 1; id <= 3; id++)
        scene_set_controller_down(scene, id, down);
}

void place_name(const struct place *place, const char *name, char ret_path[static PLACE_PATH_MAX])
{
    snprintf(ret_path, PLACE_PATH_MAX, "%s/%s", place->directory, name);
}

void place_open_shell(struct place *place)
{
    CHECK(sqlite3_open(place->path, &place->shell) == SQLITE_OK, "%s", place->path);
    sqlite3_busy_timeout(place->shell, 5000);
}

void place_close_shell(struct place *place)
{
    sqlite3_close(place->shell);
    place->shell = NULL;
}

/*
 * The file that schema.sql makes. To read the script takes much longer than to copy this and to
 * draw the random numbers anew.
 */
static struct buffer fresh_database;

static void write_fresh_database(struct place *place)
{
    if (fresh_database.length == 0) {
        place_open_shell(place);
        place_run_file(place, TEST_SCHEMA_DIR "/schema.sql");
        place_close_shell(place);
        read_file(place->path, &fresh_database);
        return;
    }
    FILE *file = fopen(place->path, "w");
    if (!CHECK(file != NULL, "%s", place->path))
        return;
    fwrite(buffer_text(&fresh_database), 1, fresh_database.length, file);
    CHECK_INTEGER(fclose(file), 0, "%s", place->path);
}

void place_init(struct place *place)
{
    const char *parent = getenv("TMPDIR");
    *place = (struct place){.shell = NULL};
    snprintf(place->directory, sizeof place->directory, "%s/pdns-sticky-unit-XXXXXX",
             parent ? parent : "/tmp");
    CHECK(mkdtemp(place->directory) != NULL, "mkdtemp %s", place->directory);
    place_name(place, "sticky.sqlite", place->path);
    write_fresh_database(place);
    place_open_shell(place);
    place_run(place, "UPDATE revision SET identity = random(), configuration = random(),"
                     " metrics = random(), topology = random(), mappings = random();"
                     "UPDATE share SET incarnation = random();");
}

void place_init_served(struct place *place)
{
    place_init(place);
    place_run(place, "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
                     "INSERT INTO pool (id, name) VALUES (1, 'web');"
                     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
                     " VALUES (1, 1, 1, '192.0.2.1'), (1, 2, 2, '192.0.2.2');"
                     "INSERT INTO balanced_name VALUES ('www.example.com', 1);");
}

void place_release(struct place *place)
{
    place_close_shell(place);
    DIR *directory = opendir(place->directory);
    if (!CHECK(directory != NULL, "%s", place->directory))
        return;
    for (struct dirent *file; (file = readdir(directory));)
        unlinkat(dirfd(directory), file->d_name, 0);
    closedir(directory);
    CHECK(rmdir(place->directory) == 0, "%s is not empty", place->directory);
}

void place_run(struct place *place, const char *sql)
{
    char *message = NULL;
    int result = sqlite3_exec(place->shell, sql, NULL, NULL, &message);
    CHECK(result == SQLITE_OK, "%s: %.60s", message ? message : "", sql);
    sqlite3_free(message);
}

void read_file(const char *path, struct buffer *ret_text)
{
    char part[4096];
    size_t count;
    FILE *file = fopen(path, "r");
    if (!CHECK(file != NULL, "%s", path))
        return;
    while ((count = fread(part, 1, sizeof part, file)) > 0)
        buffer_add(ret_text, part, count);
    fclose(file);
}

void place_run_file(struct place *place, const char *path)
{
    struct buffer text = {0};
    read_file(path, &text);
    place_run(place, buffer_text(&text));
    buffer_release(&text);
}

int64_t place_number(struct place *place, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (CHECK(sqlite3_prepare_v2(place->shell, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
              sql) &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

void place_write(const struct place *place, const char *name, const char *text)
{
    char path[PLACE_PATH_MAX];
    place_name(place, name, path);
    FILE *file = fopen(path, "w");
    if (CHECK(file != NULL, "%s", path)) {
        fputs(text, file);
        fclose(file);
    }
}

const struct rows three_sites = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   CONTROLLER(3, "nice"),
                                                   CONTROLLER(4, "brest"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), POOL(2, "spare"), {.name = NULL}},
    .servers =
        (const struct virtual_server_row[]){SERVER(11, 1, 1, 10, "198.51.100.1", "2001:db8:1::1"),
                                            SERVER(12, 1, 2, 20, "198.51.100.2", "2001:db8:2::1"),
                                            SERVER(13, 1, 3, 30, "198.51.100.3", NULL),
                                            SERVER(21, 2, 4, 10, "198.51.100.4", NULL),
                                            {.state = NULL}},
};

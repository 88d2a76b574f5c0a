/*
 * Whether a copy fits is left to the schema: it is written with the triggers on, so that what they
 * refuse when a person writes it is refused here, too. The triggers that keep people from changing
 * the tables of a follower look at share.follow, which is 0 until the end of the transaction.
 *
 * All differences are found by SQL (QUERY_TAKE_*), which reads the JSON itself. What it may have
 * misread, such as a row that stands there twice, shows in the revision of what was written.
 */
#include "store/sharing/sharing_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sharing/sharing_parts.h"
#include "system/clock.h"

#define MS_PER_S 1000

/*
 * How much processor time a copy may take while SQLite's lock is held; on a busy machine any copy
 * takes long. Claims keep what is decided meanwhile.
 */
#define TAKE_MS 10000

/* The same for a comparison, during which nothing else is shared. */
#define COMPARE_MS 2000

/* How many instructions of SQLite pass between two looks at the clock: about a millisecond. */
#define INSTRUCTIONS 10000

static const struct {
    const char *name;
    enum query query;
} tables[] = {
    {"zone", QUERY_COPY_ZONES},
    {"record", QUERY_COPY_RECORDS},
    {"monitor", QUERY_COPY_MONITORS},
    {"controller", QUERY_COPY_CONTROLLERS},
    {"pool", QUERY_COPY_POOLS},
    {"virtual_server", QUERY_COPY_SERVERS},
    {"balanced_name", QUERY_COPY_BALANCED_NAMES},
    {"ldns_group", QUERY_COPY_GROUPS},
    {"pin", QUERY_COPY_PINS},
    {"topology", QUERY_COPY_TOPOLOGY},
};

/* ---------------------------------------------------------------- our own */

/* As SQLite reads it: other octets than these stand for themselves. */
static void add_text(struct buffer *out, const char *text)
{
    buffer_add_char(out, '"');
    for (const char *at = text; at && *at; at++) /* NULL: out of memory, which the hash shows */
        if ((unsigned char)*at < ' ' || *at == '"' || *at == '\\')
            buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)*at);
        else
            buffer_add_char(out, *at);
    buffer_add_char(out, '"');
}

static void add_row(struct buffer *out, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        buffer_add_char(out, i == 0 ? '[' : ',');
        if (sqlite3_column_type(row, i) == SQLITE_NULL)
            buffer_add_text(out, "null");
        else if (sqlite3_column_type(row, i) == SQLITE_INTEGER)
            buffer_add_integer(out, sqlite3_column_int64(row, i));
        else
            add_text(out, (const char *)sqlite3_column_text(row, i));
    }
    buffer_add_char(out, ']');
}

static bool is_full(const struct buffer *text)
{
    return text->length > COPY_BYTES_MAX;
}

/* `text` is NULL where only the hash is wanted; once it is too large, nothing is added. */
static int add_table(struct sharing *sharing, size_t table, struct buffer *text, uint64_t *revision,
                     struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, tables[table].query);
    int code;
    bool is_first = true;
    if (text)
        buffer_printf(text, "%c\"%s\":[", table == 0 ? '{' : ',', tables[table].name);
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        *revision += sharing_row_hash(statement, table);
        if (!text || is_full(text))
            continue;
        if (!is_first)
            buffer_add_char(text, ',');
        add_row(text, statement);
        is_first = false;
    }
    if (text)
        buffer_add_char(text, ']');
    return code == ERR_NOTFOUND ? 0 : code;
}

static int add_tables(struct sharing *sharing, struct buffer *text, uint64_t *ret_revision,
                      struct error *error)
{
    uint64_t revision = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof tables / sizeof *tables; i++)
        code = add_table(sharing, i, text, &revision, error);
    if (text)
        buffer_add_char(text, '}');
    if (code == 0 && text && text->failed)
        code = error_set(error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    if (code == 0)
        *ret_revision = revision;
    return code;
}

static bool is_current(const struct sharing *sharing, bool with_text)
{
    const struct copied *copied = &sharing->copied;
    return copied->known && copied->opening == sharing->database.openings &&
           copied->configuration == sharing->revision.configuration &&
           copied->topology == sharing->revision.topology && (copied->has_text || !with_text);
}

static void drop_copy(struct sharing *sharing)
{
    buffer_release(&sharing->copied.text);
    sharing->copied = (struct copied){0};
}

/* Reads all tables anew, in the transaction that is begun. */
static int read_tables(struct sharing *sharing, bool with_text, struct error *error)
{
    struct copied *copied = &sharing->copied;
    drop_copy(sharing);
    int code = add_tables(sharing, with_text ? &copied->text : NULL, &copied->revision, error);
    if (code != 0)
        return code;
    copied->known = true;
    copied->has_text = with_text;
    copied->opening = sharing->database.openings;
    copied->configuration = sharing->revision.configuration;
    copied->topology = sharing->revision.topology;
    return 0;
}

static int refresh(struct sharing *sharing, bool with_text, struct error *error)
{
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    if (!is_current(sharing, with_text))
        code = read_tables(sharing, with_text, error);
    sharing_end(sharing);
    return code;
}

int sharing_copy(struct sharing *sharing, struct share_copy *ret_copy, struct error *error)
{
    const struct copied *copied = &sharing->copied;
    int code = refresh(sharing, true, error);
    if (code == 0)
        *ret_copy = (struct share_copy){.revision = copied->revision,
                                        .text = is_full(&copied->text) ? NULL : copied->text.data,
                                        .length = copied->text.length};
    return code;
}

int sharing_copy_revision(struct sharing *sharing, uint64_t *ret_revision, struct error *error)
{
    int code = refresh(sharing, false, error);
    if (code == 0)
        *ret_revision = sharing->copied.revision;
    return code;
}

/* ---------------------------------------------------------------- another's */

static int is_too_much(void *limit_ms)
{
    return clock_thread_ms() >= *(int64_t *)limit_ms;
}

/* What is the fault of the copy, and what of this machine. */
static int refuse(struct sharing *sharing, int result, struct error *error)
{
    sqlite3 *connection = sharing->database.connection;
    switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return error_set(error, ERR_INVAL, "a row is not valid here: %s",
                         sqlite3_errmsg(connection));
    case SQLITE_INTERRUPT:
        return error_set(error, ERR_INVAL, "it takes too long");
    default:
        return database_error(&sharing->database, result, "the configuration cannot be written",
                              error);
    }
}

static int run_take(struct sharing *sharing, enum query query, const char *text, size_t length,
                    struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, query);
    sqlite3_bind_text64(statement, 1, text, length, SQLITE_STATIC, SQLITE_UTF8);
    int result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? 0 : refuse(sharing, result, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* the text is the caller's */
    return code;
}

/* Sets share.follow, if it is `before`; ERR_NOTFOUND if it is not. */
static int set_follow(struct sharing *sharing, int64_t before, int64_t follow, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_FOLLOW);
    sqlite3_bind_int64(statement, 1, follow);
    sqlite3_bind_int64(statement, 2, before);
    int code = database_run(&sharing->database, statement, "share.follow cannot be written", error);
    if (code == 0 && sqlite3_changes(sharing->database.connection) == 0)
        code = error_set(error, ERR_NOTFOUND, "it is not followed any more");
    return code;
}

static int write_taken(struct sharing *sharing, int64_t node, uint64_t revision, int64_t now_ms,
                       struct error *error)
{
    char text[17];
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_FOLLOW_WRITE);
    snprintf(text, sizeof text, "%016" PRIx64, revision);
    sqlite3_bind_int64(statement, 1, node);
    sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, now_ms / MS_PER_S);
    sqlite3_bind_int64(statement, 4, now_ms / MS_PER_S);
    return database_run(&sharing->database, statement, "share_follow cannot be written", error);
}

static int take(struct sharing *sharing, int64_t node, uint64_t revision, const char *text,
                size_t length, struct error *error)
{
    uint64_t reached = 0;
    int code = set_follow(sharing, node, 0, error);
    for (int i = QUERY_TAKE_BALANCED_NAMES_END; code == 0 && i <= QUERY_TAKE_PINS; i++)
        code = run_take(sharing, (enum query)i, text, length, error);
    if (code == 0)
        code = add_tables(sharing, NULL, &reached, error);
    if (code == 0 && reached != revision)
        code = error_set(error, ERR_INVAL, "its rows are not those that its revision stands for");
    return code == 0 ? set_follow(sharing, 0, node, error) : code;
}

static void run_triggers(sqlite3 *connection, bool do_run)
{
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)do_run, NULL);
}

int sharing_take_copy(struct sharing *sharing, int64_t node, uint64_t revision, const char *text,
                      size_t length, int64_t now_ms, struct error *error)
{
    int64_t limit_ms = clock_thread_ms() + TAKE_MS;
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    sqlite3 *connection = sharing->database.connection;
    sqlite3_progress_handler(connection, INSTRUCTIONS, is_too_much, &limit_ms);
    run_triggers(connection, true);
    code = take(sharing, node, revision, text, length, error);
    run_triggers(connection, false);
    sqlite3_progress_handler(connection, 0, NULL, NULL);
    if (code == 0)
        code = write_taken(sharing, node, revision, now_ms, error);
    return sharing_end_writing(sharing, code, error);
}

/* ---------------------------------------------------------------- differences */

/* In the order in which people would look. */
static const struct {
    const char *name;
    enum query query;
} compared[] = {
    {"pool", QUERY_DIFFER_POOLS},
    {"controller", QUERY_DIFFER_CONTROLLERS},
    {"virtual_server", QUERY_DIFFER_SERVERS},
    {"balanced_name", QUERY_DIFFER_BALANCED_NAMES},
    {"zone", QUERY_DIFFER_ZONES},
    {"record", QUERY_DIFFER_RECORDS},
    {"ldns_group", QUERY_DIFFER_GROUPS},
    {"pin", QUERY_DIFFER_PINS},
    {"topology", QUERY_DIFFER_TOPOLOGY},
};

/* What a peer tells is shown to people, and so has printable characters only. */
static void describe(sqlite3_stmt *row, const char *table, char *ret_text, size_t size)
{
    const char *values = (const char *)sqlite3_column_text(row, 0);
    snprintf(ret_text, size, "only %s: %s %s", sqlite3_column_int(row, 1) > 0 ? "here" : "there",
             table, values ? values : "");
    for (char *at = ret_text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

/* 0 with the first row described, ERR_NOTFOUND when there is none, or a code with `error` set. */
static int differ(struct sharing *sharing, size_t table, const struct share_copy *copy,
                  char *ret_text, size_t size, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, compared[table].query);
    sqlite3_bind_text64(statement, 1, copy->text, copy->length, SQLITE_STATIC, SQLITE_UTF8);
    int result = sqlite3_step(statement);
    int code = result == SQLITE_DONE  ? ERR_NOTFOUND
               : result == SQLITE_ROW ? 0
                                      : refuse(sharing, result, error);
    if (code == 0)
        describe(statement, compared[table].name, ret_text, size);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* the text is the caller's */
    return code;
}

int sharing_copy_difference(struct sharing *sharing, const struct share_copy *copy, char *ret_text,
                            size_t size, struct error *error)
{
    int64_t limit_ms = clock_thread_ms() + COMPARE_MS;
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    sqlite3_progress_handler(sharing->database.connection, INSTRUCTIONS, is_too_much, &limit_ms);
    ret_text[0] = '\0';
    code = ERR_NOTFOUND;
    for (size_t i = 0; code == ERR_NOTFOUND && i < sizeof compared / sizeof *compared; i++)
        code = differ(sharing, i, copy, ret_text, size, error);
    sqlite3_progress_handler(sharing->database.connection, 0, NULL, NULL);
    sharing_end(sharing);
    return code == ERR_NOTFOUND ? 0 : code;
}

/* ---------------------------------------------------------------- what is to be seen */

int sharing_note_follow(struct sharing *sharing, int64_t node, int64_t heard_ms,
                        const char *problem, struct error *error)
{
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_FOLLOW_NOTE);
    sqlite3_bind_int64(statement, 1, node);
    sqlite3_bind_int64(statement, 2, heard_ms / MS_PER_S);
    sqlite3_bind_text(statement, 3, problem, -1, SQLITE_STATIC);
    code = database_run(&sharing->database, statement, "share_follow cannot be written", error);
    return sharing_end_writing(sharing, code, error);
}

#include "gauge.h"

#include <stdio.h>
#include <sys/stat.h>

#include "clock.h"

#define USED                                                                                       \
    "SELECT (page_count - freelist_count) * page_size"                                             \
    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
#define ROWS "SELECT count(*) FROM persistence"

static sqlite3_stmt *prepare(const struct gauge *gauge, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(gauge->database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(gauge->database));
    return statement;
}

void gauge_open(struct gauge *gauge, const char *path)
{
    snprintf(gauge->path, sizeof gauge->path, "%s", path);
    snprintf(gauge->log_path, sizeof gauge->log_path, "%s-wal", path);
    if (sqlite3_open_v2(path, &gauge->database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail("%s: %s", path, sqlite3_errmsg(gauge->database));
    sqlite3_busy_timeout(gauge->database, 1000);
    sqlite3_db_config(gauge->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    gauge->used = prepare(gauge, USED);
    gauge->rows = prepare(gauge, ROWS);
    gauge_reset(gauge);
}

void gauge_reset(struct gauge *gauge)
{
    gauge->file_bytes = gauge->log_bytes = gauge->used_bytes = 0;
}

static int64_t read_number(const struct gauge *gauge, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_ROW)
        fail("%s: %s", gauge->path, sqlite3_errmsg(gauge->database));
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return number;
}

static int64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void raise_to(int64_t *most, int64_t value)
{
    if (value > *most)
        *most = value;
}

void gauge_look(struct gauge *gauge)
{
    raise_to(&gauge->file_bytes, size_of(gauge->path));
    raise_to(&gauge->log_bytes, size_of(gauge->log_path));
    raise_to(&gauge->used_bytes, read_number(gauge, gauge->used));
}

int64_t gauge_rows(struct gauge *gauge)
{
    return read_number(gauge, gauge->rows);
}

void gauge_close(struct gauge *gauge)
{
    sqlite3_finalize(gauge->used);
    sqlite3_finalize(gauge->rows);
    sqlite3_close(gauge->database);
}

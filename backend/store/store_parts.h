/*
 * What a store is made of, for the files in this folder.
 */
#ifndef STICKY_STORE_STORE_PARTS_H
#define STICKY_STORE_STORE_PARTS_H

#include "store/limits.h"
#include "store/maintenance/maintenance.h"
#include "store/sqlite/database.h"
#include "store/store.h"

struct store {
    struct database database;
    struct maintenance maintenance;
    struct limits limits;
    int64_t now_ms;           /* monotonic, of the last store_begin() */
    unsigned begun;           /* so many transactions */
    struct revision revision; /* of the transaction that is begun */
    int64_t kept_until_ms;    /* monotonic: then it is begun anew */
    int64_t locked_out_ms;    /* monotonic: until then a lock is hardly waited for */
    bool is_monitor;          /* holds LOCK_MONITOR */
};

/* A table and what takes its rows: 0, or a code that ends the reading. */
struct table_reader {
    enum query query;
    int (*add)(void *context, sqlite3_stmt *row);
};

/* Reads tables one after the other, each whole. 0, or a code with `error` set. */
int store_read_tables(struct store *store, const struct table_reader *readers, size_t count,
                      void *context, struct error *error);

/* A text of a row, valid until the next step. NULL stays NULL. */
static inline const char *row_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

/* 0, or ERR_LIMIT with `error` set when this write would be one too many in the file or this
 * second. */
int store_check_limits(struct store *store, bool adds_row, struct error *error);

#endif

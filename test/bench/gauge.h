/*
 * How large a database and its log are, while others write it.
 *
 * Open, look as often as wanted, close. Looking neither writes nor makes a checkpoint. What goes
 * wrong ends the program.
 */
#ifndef BENCH_GAUGE_H
#define BENCH_GAUGE_H

#include <sqlite3.h>
#include <stdint.h>

#define GAUGE_PATH_MAX 4096

struct gauge {
    sqlite3 *database;
    sqlite3_stmt *used, *rows;
    char path[GAUGE_PATH_MAX], log_path[GAUGE_PATH_MAX];
    /* The most that was seen since gauge_reset(). used: without pages that wait for use. */
    int64_t file_bytes, log_bytes, used_bytes;
};

void gauge_open(struct gauge *gauge, const char *path);
void gauge_reset(struct gauge *gauge);
void gauge_look(struct gauge *gauge);

/* How many mappings there are; reads the whole table. */
int64_t gauge_rows(struct gauge *gauge);

void gauge_close(struct gauge *gauge);

#endif

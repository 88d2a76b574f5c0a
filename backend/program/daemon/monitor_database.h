/*
 * Connects the monitor's engine with the database: loads the configuration when it changes, reads
 * and writes verdicts, does maintenance, and reports problems.
 *
 * While the database is missing, locked, full or being replaced, the engine keeps its verdicts, and
 * writes them as soon as it can. For one thread; must not cross a fork().
 */
#ifndef STICKY_PROGRAM_DAEMON_MONITOR_DATABASE_H
#define STICKY_PROGRAM_DAEMON_MONITOR_DATABASE_H

#include "core/base/error.h"
#include "monitor/watch.h"

struct monitor_database;

/* 0 or ERR_NOMEM. The path is copied. */
int monitor_database_new(const char *path, struct monitor_database **ret_database);
void monitor_database_free(struct monitor_database *database);

/* Sets the engine. To be called before any function below; the engine must live as long. */
void monitor_database_attach(struct monitor_database *database, struct watch *watch);

/*
 * Loads what has changed in the tables; to be called several times a second. 0, or a code with
 * `error` set. ERR_BUSY means that another pdns-stickyd uses this database, and only one may.
 */
int monitor_database_refresh(struct monitor_database *database, struct error *error);

/* The setting share_quorum, as it was loaded last. */
int64_t monitor_database_quorum(const struct monitor_database *database);

/* Starts maintenance if it is due. 0, or a code with `error` set, from an earlier round. */
int monitor_database_maintain(struct monitor_database *database, struct error *error);

/* The engine's callback `write`, with `error` set on failure. */
int monitor_database_write(struct monitor_database *database, const struct verdict_row *rows,
                           size_t count, const struct target_key *ended, size_t ended_count,
                           struct error *error);

/* Reports to `pdns-stickyctl status` that this process is alive, and what is wrong. */
void monitor_database_report(struct monitor_database *database);

#endif

/*
 * The monitor's dealings with its database: it follows the configuration, brings verdicts to the
 * engine and away from it, keeps house, and tells what is wrong.
 *
 * A database that is missing, locked, full or replaced is no end: the engine keeps its verdicts,
 * and they are written as soon as that can be done. One thread; must not cross a fork().
 */
#ifndef STICKY_PROGRAM_DAEMON_MONITOR_DATABASE_H
#define STICKY_PROGRAM_DAEMON_MONITOR_DATABASE_H

#include "core/base/error.h"
#include "monitor/watch.h"

struct monitor_database;

/* 0 or ERR_NOMEM. The path is copied. */
int monitor_database_new(const char *path, struct monitor_database **ret_database);
void monitor_database_free(struct monitor_database *database);

/* The engine must be there before anything below is called, and live as long. */
void monitor_database_attach(struct monitor_database *database, struct watch *watch);

/*
 * Takes up what has changed in the tables; to be called several times a second. 0, or a code with
 * `error` set; ERR_BUSY means that another pdns-stickyd has this database, and there may be but
 * one.
 */
int monitor_database_refresh(struct monitor_database *database, struct error *error);

/* Does what housekeeping is due. 0, or a code with `error` set, of a round before. */
int monitor_database_maintain(struct monitor_database *database, struct error *error);

/* As the hand of the engine; what goes wrong is set in `error`. */
int monitor_database_write(struct monitor_database *database, const struct verdict_row *rows,
                           size_t count, const struct target_key *ended, size_t ended_count,
                           struct error *error);

/* Leaves word for `pdns-sticky status` that we live, and of what is wrong. */
void monitor_database_report(struct monitor_database *database);

#endif

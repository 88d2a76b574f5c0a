/*
 * Brings a database to a newer version, by the files `N.sql` of a directory.
 *
 * `N.sql` holds the statements that make version N out of N-1. Each is run in one transaction that
 * also sets the version, so a migration happens whole or not at all, and once, however many try.
 * Backends go on answering meanwhile. Never on the way to an answer.
 */
#ifndef STICKY_STORE_SQLITE_MIGRATE_H
#define STICKY_STORE_SQLITE_MIGRATE_H

#include <stdint.h>

#include "core/base/error.h"

/*
 * Runs every file above the database's version that follows without a gap. 0 with the versions
 * before and after, or a code with `error` set; steps that were committed before the error stay.
 */
int store_migrate(const char *path, const char *directory, int64_t *ret_from, int64_t *ret_to,
                  struct error *error);

#endif

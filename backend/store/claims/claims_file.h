/*
 * The file `DATABASE-claims`, which every process that has the database open maps.
 *
 * It holds mutexes and is worth nothing to another start of the machine, another build of the
 * program or another database, so its head says for which it was made. One that does not fit is
 * replaced, but not while a process that made or accepted it still uses it: two files would be two
 * answers. Until those processes are gone, the file is refused with a message.
 *
 * The file may be deleted while nothing runs. Deleting, cutting or overwriting it under running
 * processes is noticed (claims_are_current(), or an error of claims_find() and claims_put()), and
 * they go over to a new one; the claims that were not in the table yet may be lost then.
 */
#ifndef STICKY_STORE_CLAIMS_CLAIMS_FILE_H
#define STICKY_STORE_CLAIMS_CLAIMS_FILE_H

#include <sys/stat.h>

#include "core/base/error.h"
#include "store/claims/claims.h"
#include "system/lock_file.h"

/* In place of `wait_ms`: a file that is there is opened, and none is made. */
#define CLAIMS_ONLY_USE (-1)

/*
 * Opens or makes the file, with the owner and mode of the database. `identity` is the number that
 * the database was given when it was made (table revision). `lock` is the open lock file of the
 * database; it holds LOCK_CLAIMS_USED until claims_close(). 0; ERR_BUSY while another process makes
 * it, while one of another build or with another boot_id uses it, or when the database was just
 * replaced; ERR_IO, ERR_FULL, ERR_READONLY; with `error` set.
 *
 * Making the file takes some milliseconds, or seconds where the disk is slow. Whoever finds another
 * process at it waits for `wait_ms`. With CLAIMS_ONLY_USE, ERR_NOTFOUND
 * says that there is none which fits; `error` is not set then.
 */
int claims_open(const char *database_path, const struct stat *database, int64_t identity,
                struct lock_file *lock, int wait_ms, struct claims **ret_claims,
                struct error *error);

/* Takes NULL. Claims stay in the file. */
void claims_close(struct claims *claims);

/*
 * Says whether this opening has replaced a file that did not fit: ERR_IO with `error` set, which
 * says what it was. 0 where none was there, or one of an earlier start of this machine.
 */
int claims_replaced(const struct claims *claims, struct error *error);

/* Says whether they are of the database with this number. */
bool claims_are_of(const struct claims *claims, int64_t identity);

/* Says whether the path still names the file that is open, whole. */
bool claims_are_current(const struct claims *claims);

#endif

/*
 * The database as a whole: made, copied to a file, and replaced by such a copy while it is served.
 */
#ifndef STICKY_STORE_SQLITE_WHOLE_FILE_H
#define STICKY_STORE_SQLITE_WHOLE_FILE_H

#include "core/base/error.h"

/*
 * Makes an empty database with the statements of the file `schema`. 0, or a code with `error` set;
 * then nothing is left of it. ERR_INVAL: there is a file that is not empty.
 */
int store_create(const char *path, const char *schema, struct error *error);

/*
 * Writes what is committed now to `file`, which must not exist. It is whole and on the disk once it
 * has that name. The copy is not in WAL mode. 0, or a code with `error` set and nothing left of it.
 */
int store_back_up(const char *path, const char *file, struct error *error);

/*
 * Makes everything in the database what it is in `file`, in one transaction, so that each question
 * is answered from the one or the other. Afterwards the database is in WAL mode. The file has to be
 * whole, of this version, and of this name server if mappings are shared. 0, or a code with `error`
 * set and nothing changed.
 */
int store_restore(const char *path, const char *file, struct error *error);

#endif

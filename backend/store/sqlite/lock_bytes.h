/*
 * What the processes leave for each other in the lock file, and where it stands. Each has its
 * layout where it is written; all are in the byte order of the machine, and may be lost.
 */
#ifndef STICKY_STORE_SQLITE_LOCK_BYTES_H
#define STICKY_STORE_SQLITE_LOCK_BYTES_H

#define LOCK_BYTES_MAINTENANCE 0 /* how far it is (store/maintenance) */
#define LOCK_BYTES_OPENINGS 512  /* that the database is to be opened again (file_check.c) */
#define LOCK_BYTES_REFUSED 1024  /* when a mapping was last refused (store/limits.c) */
#define LOCK_BYTES_REPORT 2048   /* the monitor's sign of life (store/verdicts.c) */

#endif

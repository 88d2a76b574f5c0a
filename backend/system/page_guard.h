/*
 * Outlives a database file, or its wal-index, that somebody cuts short while SQLite has it mapped.
 *
 * Touching a mapped page that has lost its file raises SIGBUS. The guard's handler puts a page of
 * zeros there and counts it, so that SQLite goes on and finds damage instead of ending the process.
 * What a connection read since then may be wrong: nothing it has read may be committed, and it must
 * be closed, with all others of this process, before the file is used again.
 */
#ifndef STICKY_SYSTEM_PAGE_GUARD_H
#define STICKY_SYSTEM_PAGE_GUARD_H

/*
 * Installs the handler for the whole process; to be called by main() before there are threads.
 * Without it SIGBUS does what it always does.
 */
void page_guard_install(void);

/* How many pages were lost so far. Cannot fail. */
unsigned page_guard_losses(void);

#endif

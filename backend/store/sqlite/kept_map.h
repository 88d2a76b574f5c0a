/*
 * SQLite's own access to files (its VFS), except that a database stays mapped into memory, and that
 * no pause between two tries is long.
 *
 * SQLite maps the file for a transaction and gives the map up as soon as another process has
 * committed, for systems on which a map and the file may differ (pager.c,
 * pagerBeginReadTransaction). On Linux they are the same pages. Mapped anew, each piece that is
 * read costs a page fault, which is dearer than to find a mapping in it. So the map is kept, and
 * made anew only when the file has become shorter or much longer. What lies beyond it is read as
 * without a map.
 *
 * A file that somebody cuts short is the matter of system/page_guard.h, as with SQLite's own map.
 */
#ifndef STICKY_STORE_SQLITE_KEPT_MAP_H
#define STICKY_STORE_SQLITE_KEPT_MAP_H

#include <sqlite3.h>
#include <stdbool.h>

/*
 * The name to give to sqlite3_open_v2(), registered when it is asked for first, by any thread.
 * NULL, which means SQLite's default, when that one cannot map files.
 */
const char *kept_map_vfs(void);

/*
 * Somebody was found stopped in the midst of a commit: the pauses of this thread add up to 0.3 s
 * from now on, or 0.5 s on a busy machine. With false, to 0.9 s, or 1 s.
 */
void kept_map_be_brief(bool brief);

/*
 * Has the system enter the pages of the map that are in memory into this process's page tables, in
 * a thread of its own: 15 ms of work for 400 MB, which otherwise are thousands of page faults on
 * the way to answers. Nothing is read from the disk. Does nothing where it was done for this map,
 * where there is none or a small one, and where no thread can be started.
 */
void kept_map_fill(sqlite3 *connection);

#endif

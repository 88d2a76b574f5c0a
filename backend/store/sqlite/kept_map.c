/*
 * A copy of SQLite's default VFS with its own xOpen and xSleep. For a database file, xOpen replaces
 * xFetch and xUnfetch too, and keeps a struct kept behind SQLite's own struct of the file. All
 * other calls go to SQLite's functions. kept_map_fill() and its thread are in the second half.
 */
#include "store/sqlite/kept_map.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/sqlite/sqlite_file.h"
#include "system/clock.h"
#include "system/thread.h"

#define NAME "pdns-sticky-kept-map"

/*
 * The longest pause. Where somebody was stopped in the midst of a commit, SQLite tries 91 times to
 * begin to read, with growing pauses that add up to ten seconds (wal.c, walTryBeginRead). These add
 * up to 0.9 s: on two processors with a load of 20 a process was seen to wait for one for half a
 * second. Who knows that somebody is stopped waits for 0.3 s. On a busy machine a pause takes much
 * longer than was asked for, so after some time there are no more.
 */
struct pauses {
    int longest_us;
    int64_t all_ns;
};

static const struct pauses patient = {12000, 1000000000}, brief = {4000, 500000000};

static _Thread_local bool is_brief;

/* So short are the first of its pauses, and no others. */
#define SLEEP_FIRST_US 1

/* A file may be longer than its map by this share of it. */
#define GROWTH_SHARE 8

/* Stands behind what SQLite keeps of a file. */
struct kept {
    sqlite3_io_methods methods; /* SQLite's own but for two */
    const sqlite3_io_methods *own;
    sqlite3_int64 bytes; /* of the file when it was mapped; 0: it is not */
    char *start;         /* of the map; NULL: nothing was read from it yet */
    bool filled;         /* kept_map_fill() has been there */
};

static sqlite3_vfs *own_vfs, kept_vfs;
static size_t own_bytes;

static struct kept *kept_of(sqlite3_file *file)
{
    return (void *)((char *)file + own_bytes);
}

static int fetch(sqlite3_file *file, sqlite3_int64 at, int count, void **ret_page)
{
    struct kept *kept = kept_of(file);
    if (kept->bytes == 0 && kept->own->xFileSize(file, &kept->bytes) != SQLITE_OK)
        kept->bytes = 0;
    int result = kept->own->xFetch(file, at, count, ret_page);
    if (result == SQLITE_OK && *ret_page)
        kept->start = (char *)*ret_page - at;
    return result;
}

static bool still_fits(sqlite3_file *file, struct kept *kept)
{
    sqlite3_int64 bytes;
    return kept->own->xFileSize(file, &bytes) == SQLITE_OK && bytes >= kept->bytes &&
           bytes - kept->bytes <= kept->bytes / GROWTH_SHARE;
}

/* Without a page, all of the map is meant. */
static int unfetch(sqlite3_file *file, sqlite3_int64 at, void *page)
{
    struct kept *kept = kept_of(file);
    if (!page && still_fits(file, kept))
        return SQLITE_OK;
    if (!page) {
        kept->bytes = 0;
        kept->start = NULL;
        kept->filled = false;
    }
    return kept->own->xUnfetch(file, at, page);
}

static int open_kept(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    (void)vfs;
    int result = own_vfs->xOpen(own_vfs, name, file, flags, ret_flags);
    if (result != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) || file->pMethods->iVersion < 3)
        return result;
    struct kept *kept = kept_of(file);
    *kept = (struct kept){.methods = *file->pMethods, .own = file->pMethods};
    kept->methods.xFetch = fetch;
    kept->methods.xUnfetch = unfetch;
    file->pMethods = &kept->methods;
    return SQLITE_OK;
}

/* Of a map that may be gone while it is filled: then what lies there instead is, if anything. */
struct range {
    char *start;
    size_t bytes, page_bytes;
};

/* So much at once, so that nobody waits for the address space for long. */
#define PIECE_PAGES 1024

/* Smaller files take a few dozen page faults. */
#define FILLED_BYTES_MIN (4 << 20)

static void fill_piece(char *start, size_t bytes, size_t page_bytes)
{
    unsigned char in_memory[PIECE_PAGES];
    if (mincore(start, bytes, in_memory) == 0 &&
        !memchr(in_memory, 0, (bytes + page_bytes - 1) / page_bytes))
        madvise(start, bytes, MADV_POPULATE_READ);
}

static void *fill(void *context)
{
    struct range range = *(struct range *)context;
    size_t piece_bytes = PIECE_PAGES * range.page_bytes;
    free(context);
    for (size_t at = 0; at < range.bytes; at += piece_bytes) {
        size_t left = range.bytes - at;
        fill_piece(range.start + at, left < piece_bytes ? left : piece_bytes, range.page_bytes);
    }
    return NULL;
}

void kept_map_fill(sqlite3 *connection)
{
    sqlite3_file *file = sqlite_file(connection);
    pthread_t thread;
    if (!file || file->pMethods->xFetch != fetch)
        return;
    struct kept *kept = kept_of(file);
    if (kept->filled || !kept->start || kept->bytes < FILLED_BYTES_MIN)
        return;
    struct range *range = malloc(sizeof *range);
    if (!range)
        return;
    *range = (struct range){.start = kept->start,
                            .bytes = (size_t)kept->bytes,
                            .page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
    kept->filled = true;
    if (thread_start(fill, range, &thread))
        pthread_detach(thread);
    else
        free(range);
}

void kept_map_be_brief(bool brief_now)
{
    is_brief = brief_now;
}

static int sleep_shortly(sqlite3_vfs *vfs, int microseconds)
{
    static _Thread_local int64_t slept_ns; /* since the first pause */
    (void)vfs;
    if (microseconds <= SLEEP_FIRST_US)
        slept_ns = 0;
    const struct pauses *pauses = is_brief ? &brief : &patient;
    if (slept_ns >= pauses->all_ns)
        return 0;
    int64_t start_ns = clock_monotonic_ns();
    int slept_us = own_vfs->xSleep(own_vfs, microseconds < pauses->longest_us ? microseconds
                                                                              : pauses->longest_us);
    slept_ns += clock_monotonic_ns() - start_ns;
    return slept_us;
}

static void prepare(void)
{
    size_t alignment = _Alignof(struct kept);
    sqlite3_vfs *found = sqlite3_vfs_find(NULL);
    if (!found)
        return;
    own_bytes = ((size_t)found->szOsFile + alignment - 1) / alignment * alignment;
    kept_vfs = *found;
    kept_vfs.pNext = NULL;
    kept_vfs.zName = NAME;
    kept_vfs.szOsFile = (int)(own_bytes + sizeof(struct kept));
    kept_vfs.xOpen = open_kept;
    kept_vfs.xSleep = sleep_shortly;
    if (sqlite3_vfs_register(&kept_vfs, 0) == SQLITE_OK)
        own_vfs = found;
}

const char *kept_map_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
    return own_vfs ? NAME : NULL;
}

#include "store/sqlite/wal_index.h"

#include <stddef.h>
#include <string.h>

#include "store/sqlite/database.h"

/* The size in which SQLite maps the wal-index. */
#define WAL_INDEX_REGION_BYTES 32768

/* NULL when the file is too short for it. */
static volatile void *region(sqlite3_file *file, int number)
{
    volatile void *found = NULL;
    int result = file->pMethods->xShmMap(file, number, WAL_INDEX_REGION_BYTES, 0, &found);
    return result == SQLITE_OK ? found : NULL;
}

void wal_index_attach(struct wal_index *index, sqlite3 *connection)
{
    index->file = database_file(connection, SQLITE_FCNTL_FILE_POINTER);
    bool has_index = index->file && index->file->pMethods->iVersion >= 2;
    index->header = has_index ? region(index->file, 0) : NULL;
}

void wal_index_look(struct wal_index *index)
{
    for (int i = 0; index->header && i < WAL_INDEX_HEADER_WORDS; i++)
        index->seen[i] = index->header[i];
}

/* Words of the header: every commit adds one to the first; the next ones are about the log. */
#define CHANGES_WORD 2
#define PAGE_SIZE_WORD 3 /* its second half */
#define PAGES_WORD 4
#define CHECKSUM_WORD 6                    /* of the last frame, 2 words */
#define SALT_WORD 8                        /* 2 words */
#define COPIED_WORD WAL_INDEX_HEADER_WORDS /* right behind it */

/*
 * A region has the page numbers of its frames, and behind them a hash table from pages to frames,
 * which count from 1; the first has all headers in the place of some frames.
 */
#define HEADERS_WORDS 34
#define REGION_FRAMES 4096
#define FIRST_REGION_FRAMES (REGION_FRAMES - HEADERS_WORDS)
#define SLOTS 8192
#define HASH_FACTOR 383

/* The log itself. */
#define LOG_HEADER_BYTES 32
#define LOG_HEADER_SALT 16
#define FRAME_HEADER_BYTES 24
#define FRAME_SALT 8
#define FRAME_CHECKSUM 16
#define SALT_BYTES 8

/* Both copies are the same: nobody is writing it. */
static bool is_whole(const struct wal_index *index)
{
    return memcmp(index->seen, index->seen + WAL_INDEX_HEADER_WORDS / 2, sizeof index->seen / 2) ==
           0;
}

/* The header as it is now; false when there is none, or somebody is writing it. */
static bool take_header(const struct wal_index *index, struct wal_index *ret_now)
{
    *ret_now = *index;
    wal_index_look(ret_now);
    return ret_now->header && is_whole(ret_now);
}

void wal_index_commit(struct wal_index *index)
{
    struct wal_index now;
    if (take_header(index, &now) && now.seen[CHANGES_WORD] == index->seen[CHANGES_WORD] + 1)
        *index = now;
}

bool wal_index_moved(const struct wal_index *index)
{
    if (!index->header)
        return true;
    for (int i = 0; i < WAL_INDEX_HEADER_WORDS; i++)
        if (index->seen[i] != index->header[i])
            return true;
    return false;
}

uint32_t wal_index_commits(const struct wal_index *index)
{
    return index->header ? index->header[CHANGES_WORD] : 0;
}

uint32_t wal_index_pages(const struct wal_index *index)
{
    return index->header ? index->header[PAGES_WORD] : 0;
}

uint32_t wal_index_backlog(const struct wal_index *index)
{
    uint32_t pages = wal_index_pages(index);
    uint32_t copied = index->header ? index->header[COPIED_WORD] : 0;
    return pages > copied ? pages - copied : 0; /* between two looks the log may start over */
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The size stands in 16 bits, 64 KiB as 1. */
static int64_t page_bytes(const struct wal_index *index)
{
    uint16_t halves[2];
    memcpy(halves, &index->seen[PAGE_SIZE_WORD], sizeof halves);
    return halves[1] == 1 ? 65536 : halves[1];
}

/* Says whether the file has these bytes; a disk that does not answer is another matter. */
static bool read_bytes(sqlite3_file *file, int64_t at, uint8_t *bytes, int count, bool *ret_failed)
{
    int result = file->pMethods->xRead(file, bytes, count, at);
    *ret_failed = result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ;
    return result == SQLITE_OK;
}

static bool fits(const struct wal_index *index, sqlite3_file *log)
{
    uint8_t header[LOG_HEADER_BYTES], frame[FRAME_HEADER_BYTES];
    int64_t last = index->seen[PAGES_WORD] - INT64_C(1);
    int64_t at = LOG_HEADER_BYTES + last * (FRAME_HEADER_BYTES + page_bytes(index));
    bool failed;
    if (!read_bytes(log, 0, header, sizeof header, &failed) ||
        !read_bytes(log, at, frame, sizeof frame, &failed))
        return failed;
    return memcmp(header + LOG_HEADER_SALT, &index->seen[SALT_WORD], SALT_BYTES) == 0 &&
           memcmp(frame + FRAME_SALT, &index->seen[SALT_WORD], SALT_BYTES) == 0 &&
           big_endian(frame + FRAME_CHECKSUM) == index->seen[CHECKSUM_WORD] &&
           big_endian(frame + FRAME_CHECKSUM + 4) == index->seen[CHECKSUM_WORD + 1];
}

bool wal_index_fits_log(const struct wal_index *index, sqlite3 *connection)
{
    struct wal_index before;
    sqlite3_file *log = database_file(connection, SQLITE_FCNTL_JOURNAL_POINTER);
    return !take_header(index, &before) || before.seen[PAGES_WORD] == 0 || !log ||
           fits(&before, log) || wal_index_moved(&before);
}

static bool finds(const volatile uint32_t *pages, const volatile uint16_t *slots, uint32_t frame)
{
    uint32_t slot = pages[frame - 1] * HASH_FACTOR % SLOTS;
    for (int i = 0; i < SLOTS && slots[slot] != 0; i++) {
        if (slots[slot] == frame)
            return true;
        slot = (slot + 1) % SLOTS;
    }
    return false;
}

static bool finds_ends(volatile uint32_t *words, bool is_first, uint32_t frames)
{
    const volatile uint16_t *slots = (volatile uint16_t *)(words + REGION_FRAMES);
    const volatile uint32_t *pages = is_first ? words + HEADERS_WORDS : words;
    return finds(pages, slots, 1) && finds(pages, slots, frames);
}

bool wal_index_finds_frames(const struct wal_index *index)
{
    struct wal_index before;
    if (!take_header(index, &before))
        return true;
    uint32_t left = before.seen[PAGES_WORD];
    bool found = true;
    for (int number = 0; left > 0 && found; number++) {
        uint32_t most = number == 0 ? FIRST_REGION_FRAMES : REGION_FRAMES;
        uint32_t frames = left < most ? left : most;
        volatile uint32_t *words = region(before.file, number);
        found = words && finds_ends(words, number == 0, frames);
        left -= frames;
    }
    return found || wal_index_moved(&before);
}

void wal_index_invalidate(const struct wal_index *index)
{
    for (int i = 0; index->header && i < WAL_INDEX_HEADER_WORDS; i++)
        index->header[i] = 0;
}

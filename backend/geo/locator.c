/*
 * A set of MaxMind DB files, each copied into memory (memfd) and opened there. A new set takes over
 * the files that have not changed.
 */
#include "geo/locator.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/decimal.h"
#include "core/base/error.h"

#define STILL_USED "; its previous content is still used"
#define NO_LOCATIONS                                                                               \
    "has no country, continent or autonomous system in a field that is read; pdns-sticky.sql(5)"   \
    " lists them"

/* What changes when a path means another file, or its content or rights change. All 0: no file. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

/* Equal to that of no file. */
static const struct identity never = {.bytes = -1};

struct geo_file {
    char *path; /* owned */
    struct identity identity;
    MMDB_s *mmdb;   /* owned; NULL: not open */
    bool unchanged; /* since the previous set; its file is to be taken over */
    size_t problem; /* its line among the problems, from 1; 0: none */
};

struct geo {
    struct geo_file *files;
    size_t count;
    struct problems problems;
    int64_t look_ms; /* monotonic: not before */
};

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){status->st_dev, status->st_ino, status->st_size, status->st_ctim};
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct identity look_at(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? identity_of(&status) : (struct identity){.bytes = 0};
}

static void close_mmdb(MMDB_s *mmdb)
{
    if (!mmdb)
        return;
    MMDB_close(mmdb);
    free(mmdb);
}

void geo_free(struct geo *geo)
{
    if (!geo)
        return;
    for (size_t i = 0; i < geo->count; i++) {
        close_mmdb(geo->files[i].mmdb);
        free(geo->files[i].path);
    }
    free(geo->files);
    problems_release(&geo->problems);
    free(geo);
}

static struct geo_file *find_file(const struct geo *geo, const char *path)
{
    for (size_t i = 0; geo && i < geo->count; i++)
        if (strcmp(geo->files[i].path, path) == 0)
            return &geo->files[i];
    return NULL;
}

/* Copies a whole file. NULL, or what is wrong. */
static const char *copy_all(int from, int to, off_t bytes)
{
    for (off_t done = 0; done < bytes;) {
        ssize_t part = sendfile(to, from, NULL, (size_t)(bytes - done));
        if (part < 0 && errno != EINTR)
            return strerror(errno);
        if (part == 0)
            return "is truncated";
        done += part > 0 ? part : 0;
    }
    return NULL;
}

/*
 * What is wrong with a file, and whether it may be temporary, so that the file is read again next
 * time.
 */
struct outcome {
    const char *wrong; /* NULL: nothing is wrong */
    bool passes;
};

static struct outcome copy_file(int file, int memory, struct identity *ret_identity)
{
    struct stat before, after;
    if (fstat(file, &before) != 0)
        return (struct outcome){strerror(errno), true};
    *ret_identity = identity_of(&before);
    if (!S_ISREG(before.st_mode))
        return (struct outcome){"is not a file", false};
    if (before.st_size == 0)
        return (struct outcome){"is empty", false};
    if (before.st_size > GEO_BYTES_MAX)
        return (struct outcome){"is too large", false};
    const char *wrong = copy_all(file, memory, before.st_size);
    struct identity now = fstat(file, &after) == 0 ? identity_of(&after) : never;
    if (!same_identity(&now, ret_identity))
        wrong = "changes while it is read";
    return (struct outcome){wrong, true};
}

/*
 * Where vendors keep what is read here, each place with its end. The first is MaxMind's, which most
 * others use too; the next ones are those of flat databases. A network's registered country may be
 * another one than where it is used, so it comes last.
 */
static const char *const countries[][3] = {
    {"country", "iso_code"}, {"country_code"}, {"country"}, {"registered_country", "iso_code"}};
static const char *const continents[][3] = {
    {"continent", "code"}, {"continent_code"}, {"continent"}};
static const char *const numbers[][3] = {{"autonomous_system_number"}, {"asn"}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool read_place(MMDB_entry_s *entry, const char *const *place, MMDB_entry_data_s *ret_data)
{
    return MMDB_aget_value(entry, ret_data, place) == MMDB_SUCCESS && ret_data->has_data;
}

/* Reads a text of two letters in one of the places. */
static void read_word(MMDB_entry_s *entry, const char *const (*places)[3], size_t count,
                      char word[static 3])
{
    MMDB_entry_data_s data;
    for (size_t i = 0; i < count && !word[0]; i++) {
        if (!read_place(entry, places[i], &data) || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
            data.data_size != 2)
            continue;
        memcpy(word, data.utf8_string, 2);
        word[2] = '\0';
    }
}

/* A number, or a text such as "AS64500"; 0 for anything else. */
static uint32_t number_of(const MMDB_entry_data_s *data)
{
    const char *digits = data->utf8_string;
    size_t length = data->data_size;
    int64_t number;
    switch (data->type) {
    case MMDB_DATA_TYPE_UINT16:
        return data->uint16;
    case MMDB_DATA_TYPE_UINT32:
        return data->uint32;
    case MMDB_DATA_TYPE_UTF8_STRING:
        if (length > 2 && memcmp(digits, "AS", 2) == 0) {
            digits += 2;
            length -= 2;
        }
        return decimal_parse(digits, length, 1, UINT32_MAX, &number) ? (uint32_t)number : 0;
    default:
        return 0;
    }
}

static void read_entry(MMDB_entry_s *entry, struct location *location)
{
    MMDB_entry_data_s data;
    read_word(entry, countries, COUNT(countries), location->country);
    read_word(entry, continents, COUNT(continents), location->continent);
    for (size_t i = 0; i < COUNT(numbers) && location->asn == 0; i++)
        if (read_place(entry, numbers[i], &data))
            location->asn = number_of(&data);
}

/* So many nodes of a file's tree are looked at, some of which lead to entries. */
#define SAMPLE_NODES 4096
#define SAMPLE_WAITING 256

/* Says whether any entry of a sample has a field that is read; true if there are no entries. */
static bool has_locations(const MMDB_s *mmdb)
{
    uint64_t waiting[SAMPLE_WAITING] = {0};
    size_t count = 1, entries = 0;
    for (size_t seen = 0; count > 0 && seen < SAMPLE_NODES; seen++) {
        MMDB_search_node_s node;
        if (MMDB_read_node(mmdb, (uint32_t)waiting[--count], &node) != MMDB_SUCCESS)
            continue;
        const uint8_t types[] = {node.right_record_type, node.left_record_type};
        const uint64_t records[] = {node.right_record, node.left_record};
        MMDB_entry_s below[] = {node.right_record_entry, node.left_record_entry};
        for (size_t i = 0; i < 2; i++) {
            struct location location = {.asn = 0};
            if (types[i] == MMDB_RECORD_TYPE_SEARCH_NODE && count < SAMPLE_WAITING)
                waiting[count++] = records[i];
            if (types[i] != MMDB_RECORD_TYPE_DATA)
                continue;
            entries++;
            read_entry(&below[i], &location);
            if (location.country[0] || location.continent[0] || location.asn != 0)
                return true;
        }
    }
    return entries == 0;
}

static struct outcome open_copy(int memory, MMDB_s **ret_mmdb)
{
    char name[32];
    MMDB_s *mmdb = malloc(sizeof *mmdb);
    if (!mmdb)
        return (struct outcome){error_text(ERR_NOMEM), true};
    snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
    int result = MMDB_open(name, MMDB_MODE_MMAP, mmdb);
    if (result == MMDB_SUCCESS) {
        *ret_mmdb = mmdb;
        return (struct outcome){NULL, false};
    }
    free(mmdb);
    if (result == MMDB_FILE_OPEN_ERROR)
        return (struct outcome){"cannot be opened without /proc", true};
    return (struct outcome){MMDB_strerror(result),
                            result == MMDB_IO_ERROR || result == MMDB_OUT_OF_MEMORY_ERROR};
}

static struct outcome read_open(int file, struct geo_file *geo_file)
{
    int memory = memfd_create("geo", MFD_CLOEXEC);
    if (memory < 0)
        return (struct outcome){strerror(errno), true};
    struct outcome outcome = copy_file(file, memory, &geo_file->identity);
    if (!outcome.wrong)
        outcome = open_copy(memory, &geo_file->mmdb);
    close(memory);
    return outcome;
}

/* Says what is wrong, or NULL. */
static const char *read_file(struct geo_file *geo_file)
{
    struct outcome outcome;
    int file = open(geo_file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file >= 0) {
        outcome = read_open(file, geo_file);
        close(file);
    } else {
        outcome = (struct outcome){strerror(errno), errno == EMFILE || errno == ENFILE};
        geo_file->identity = look_at(geo_file->path);
    }
    if (outcome.wrong && outcome.passes)
        geo_file->identity = never;
    return outcome.wrong;
}

static int add_problem(struct geo *geo, struct geo_file *file, const char *wrong, bool still_used)
{
    int code = problems_add(&geo->problems, "geo_database %s: %s%s", file->path, wrong,
                            still_used ? STILL_USED : "");
    if (code == 0)
        file->problem = geo->problems.count;
    return code;
}

static int repeat_problem(struct geo *geo, struct geo_file *file, const struct geo *before,
                          const struct geo_file *old)
{
    if (old->problem == 0)
        return 0;
    int code = problems_add(&geo->problems, "%s", before->problems.lines[old->problem - 1]);
    if (code == 0)
        file->problem = geo->problems.count;
    return code;
}

static int add_file(struct geo *geo, const char *path, const struct geo *before)
{
    struct geo_file *file = &geo->files[geo->count];
    const struct geo_file *old = find_file(before, path);
    struct identity now = look_at(path);
    file->path = strdup(path);
    if (!file->path)
        return ERR_NOMEM;
    geo->count++;
    file->unchanged = old && same_identity(&old->identity, &now);
    if (file->unchanged) {
        file->identity = now;
        return repeat_problem(geo, file, before, old);
    }
    const char *wrong = read_file(file);
    if (wrong)
        return add_problem(geo, file, wrong, old && old->mmdb);
    return has_locations(file->mmdb) ? 0 : add_problem(geo, file, NO_LOCATIONS, false);
}

int geo_open(const char *const *paths, size_t count, const struct geo *before, struct geo **ret_geo)
{
    struct geo *geo = calloc(1, sizeof *geo);
    if (!geo)
        return ERR_NOMEM;
    geo->files = calloc(count + 1, sizeof *geo->files);
    int code = geo->files ? 0 : ERR_NOMEM;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = add_file(geo, paths[i], before);
    if (code == 0)
        *ret_geo = geo;
    else
        geo_free(geo);
    return code;
}

void geo_take_over(struct geo *geo, struct geo *before)
{
    for (size_t i = 0; i < geo->count; i++) {
        struct geo_file *old = find_file(before, geo->files[i].path);
        if (!old || geo->files[i].mmdb)
            continue;
        geo->files[i].mmdb = old->mmdb;
        old->mmdb = NULL;
    }
}

bool geo_changed(struct geo *geo, int64_t now_ms)
{
    if (now_ms < geo->look_ms)
        return false;
    geo->look_ms = now_ms + GEO_LOOK_MS;
    for (size_t i = 0; i < geo->count; i++) {
        struct identity now = look_at(geo->files[i].path);
        if (!same_identity(&geo->files[i].identity, &now))
            return true;
    }
    return false;
}

const struct problems *geo_problems(const struct geo *geo)
{
    return &geo->problems;
}

static void locate(void *context, const struct address *address, struct location *ret_location)
{
    const struct geo *geo = context;
    struct location location = {.asn = 0};
    struct sockaddr_storage storage;
    int error;
    address_to_socket(address, 0, &storage);
    for (size_t i = 0; i < geo->count && address->family != FAMILY_NONE; i++) {
        if (!geo->files[i].mmdb)
            continue;
        MMDB_lookup_result_s found =
            MMDB_lookup_sockaddr(geo->files[i].mmdb, (struct sockaddr *)&storage, &error);
        if (error == MMDB_SUCCESS && found.found_entry)
            read_entry(&found.entry, &location);
    }
    *ret_location = location;
}

struct locator geo_locator(struct geo *geo)
{
    return (struct locator){.locate = locate, .context = geo};
}

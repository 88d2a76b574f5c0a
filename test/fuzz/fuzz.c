#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[256], database[300], geo_database[300];

_Noreturn void give_up(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: does not hold: %s\n    ", file, line, condition);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

const char *shown(const char *bytes, size_t length)
{
    static char texts[4][1024];
    static unsigned turn;
    char *text = texts[turn++ % COUNT(texts)], *out = text;
    for (size_t i = 0; i < length && out < text + sizeof texts[0] - 8; i++)
        if (bytes[i] >= ' ' && bytes[i] <= '~')
            *out++ = bytes[i];
        else
            out += sprintf(out, "\\x%02x", (uint8_t)bytes[i]);
    *out = '\0';
    return text;
}

uint8_t input_byte(struct input *input)
{
    return input->next < input->end ? *input->next++ : 0;
}

size_t input_below(struct input *input, size_t limit)
{
    return input_byte(input) % limit;
}

size_t input_text(struct input *input, char *text, size_t size)
{
    size_t wanted = input_byte(input), rest = (size_t)(input->end - input->next);
    size_t length = wanted < rest ? wanted : rest;
    if (length > size - 1)
        length = size - 1;
    memcpy(text, input->next, length);
    text[length] = '\0';
    input->next += length;
    return length;
}

static void remove_scratch(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-lock"};
    char path[sizeof database + 8];
    for (size_t i = 0; i < COUNT(ends); i++) {
        snprintf(path, sizeof path, "%s%s", database, ends[i]);
        unlink(path);
    }
    unlink(geo_database);
    rmdir(directory);
}

const char *scratch_database(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/pdns-sticky-fuzz-XXXXXX", parent ? parent : "/tmp");
    REQUIRE(mkdtemp(directory), "no directory %s", directory);
    snprintf(database, sizeof database, "%s/sticky.sqlite", directory);
    atexit(remove_scratch);
    sqlite3 *connection = scratch_open(database);
    scratch_run_file(connection, "schema.sql");
    sqlite3_close(connection);
    return database;
}

const char *scratch_geo_database(void)
{
    char command[512];
    if (geo_database[0])
        return geo_database;
    snprintf(geo_database, sizeof geo_database, "%s/geo.mmdb", directory);
    snprintf(command, sizeof command, "%s --ipv4 %s", TEST_MMDB, geo_database);
    FILE *writer = popen(command, "w");
    REQUIRE(writer, "%s", command);
    fputs("0.0.0.0/1 NL EU 64500\n128.0.0.0/1 US NA 64501\n", writer);
    REQUIRE(pclose(writer) == 0, "%s", command);
    return geo_database;
}

sqlite3 *scratch_open(const char *path)
{
    sqlite3 *connection = NULL;
    REQUIRE(sqlite3_open(path, &connection) == SQLITE_OK, "%s cannot be opened", path);
    sqlite3_busy_timeout(connection, 10000);
    return connection;
}

void scratch_run(sqlite3 *connection, const char *sql)
{
    char *problem = NULL;
    sqlite3_exec(connection, sql, NULL, NULL, &problem);
    REQUIRE(!problem, "%s: %s", sql, problem);
}

void scratch_run_file(sqlite3 *connection, const char *name)
{
    static char text[1 << 18];
    snprintf(text, sizeof text, "%s/%s", SCHEMA_DIRECTORY, name);
    FILE *file = fopen(text, "r");
    REQUIRE(file, "%s cannot be read", text);
    size_t length = fread(text, 1, sizeof text - 1, file);
    REQUIRE(feof(file), "%s is too long", name);
    text[length] = '\0';
    fclose(file);
    scratch_run(connection, text);
}

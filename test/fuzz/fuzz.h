/*
 * What the fuzz targets share: properties that must hold, the input cut into values, and a scratch
 * database.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* libFuzzer's entry, one in each target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold and why, and aborts: libFuzzer keeps the input. */
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            give_up(__FILE__, __LINE__, #condition, __VA_ARGS__);                                  \
    } while (0)

_Noreturn void give_up(const char *file, int line, const char *condition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Bytes as a C string for messages, odd ones escaped; one of a few static buffers. */
const char *shown(const char *bytes, size_t length);

/* An input that is used up from the front; what is beyond its end reads as 0. */
struct input {
    const uint8_t *next, *end;
};

uint8_t input_byte(struct input *input);
/* 0 .. limit-1 out of one byte; `limit` 1 to 256. */
size_t input_below(struct input *input, size_t limit);
/* One byte of length and as many bytes; NUL-terminated, at most size - 1. Returns the length. */
size_t input_text(struct input *input, char *text, size_t size);

/* A new database of schema.sql in a directory of its own, removed when the program ends; once. */
const char *scratch_database(void);

/* A file beside it that tells where addresses are: below 128.0.0.0 and above. */
const char *scratch_geo_database(void);

/* Opens it as the sqlite3 shell would; statements that must not fail. */
sqlite3 *scratch_open(const char *path);
void scratch_run(sqlite3 *connection, const char *sql);
void scratch_run_file(sqlite3 *connection, const char *name);

#endif

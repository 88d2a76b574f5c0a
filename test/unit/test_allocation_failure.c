/*
 * Whole conversations with a real database, in which the n-th allocation fails: every line gets its
 * one answer, what is answered is right, and nothing stays behind.
 *
 * Of our own allocations each is tried, with sanitizers one in some; of SQLite's, some thousands,
 * so many that it takes two seconds, and each with UNIT_EVERY_ALLOCATION in the environment, as
 * scripts/coverage has it.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "program/answer/responder.h"
#include "program/server/serve.h"
#include "suites.h"

#define ALLOCATIONS_MAX 100000

/* A prime, so that no rhythm in what SQLite does hides anything. */
#define SQLITE_STRIDE 499

/* With sanitizers a conversation takes ten times as long. */
#ifdef __has_feature
#define OUR_STRIDE (__has_feature(address_sanitizer) ? 19 : 1)
#else
#define OUR_STRIDE 1
#endif

static const char conversation[] =
    "HELO\t5\n"
    "Q\twww.example.com\tIN\tSOA\t-1\t0.0.0.0\t0.0.0.0\t0.0.0.0/0\n"
    "Q\twww.example.com\tIN\tANY\t-1\t192.0.2.10\t198.51.100.53\t192.0.2.10/32\n"
    "Q\tshop.example.com\tIN\tANY\t-1\t192.0.2.10\t198.51.100.53\t192.0.2.10/32\n"
    "Q\tapi.example.com\tIN\tAAAA\t-1\t2001:db8::53\t198.51.100.53\t2001:db8::53/128\n"
    "AXFR\t1\texample.com\n"
    "CMD\tstatus\n"
    "CMD\texplain www.example.com 192.0.2.10\n"
    "CMD\tforget 192.0.2.10\n";

#define LINES 9

/* A database with the sample in it, and nobody who changes it. */
static void place_begin(struct place *place)
{
    place_init(place);
    place_run_file(place, TEST_SCHEMA_DIR "/../test/sample.sql");
    place_close_shell(place);
}

static void check_whole(struct place *place)
{
    place_open_shell(place);
    CHECK_INTEGER(place_number(place, "SELECT count(*) FROM pragma_integrity_check"
                                      " WHERE integrity_check <> 'ok'"),
                  0, "what is broken");
}

/* By what an allocation is made to fail. */
struct breaker {
    void (*fail_at)(size_t n);
    bool (*end)(void);
    size_t stride; /* every so manieth n is tried */
    int unsaid;    /* lines whose answer had no memory at all */
};

/* Fails nothing. */
static void fail_never(size_t n)
{
    (void)n;
}

static bool never_failed(void)
{
    return false;
}

static const struct breaker none = {fail_never, never_failed, 1, 0};

/*
 * Holds the conversation until its end; what was said is added to `said`. Both fit into a pipe.
 * Says whether an allocation failed.
 */
static bool converse(const struct breaker *breaker, struct responder *responder,
                     const struct place *place, struct buffer *said)
{
    int in[2], out[2];
    char part[4096];
    ssize_t count;
    if (!CHECK(pipe(in) == 0 && pipe(out) == 0, "pipe"))
        return breaker->end();
    CHECK(write(in[1], conversation, sizeof conversation - 1) == sizeof conversation - 1, "write");
    close(in[1]);
    CHECK_INTEGER(serve(responder, place->path, in[0], out[1]), 0, "serve");
    close(in[0]);
    close(out[1]);
    bool failed = breaker->end(); /* the buffer is not under test */
    while ((count = read(out[0], part, sizeof part)) > 0)
        buffer_add(said, part, (size_t)count);
    close(out[0]);
    return failed;
}

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* Answers are counted by their last lines; records have to be among those that are `right`. */
static int check_answers(const char *said, const char *right, size_t n)
{
    int answers = 0;
    char line[1024];
    for (const char *end; (end = strchr(said, '\n')); said = end + 1) {
        snprintf(line, sizeof line, "%.*s", (int)(end - said + 1), said);
        if (starts(line, "OK\t") || strcmp(line, "END\n") == 0 || strcmp(line, "FAIL\n") == 0)
            answers++;
        if (starts(line, "DATA\t"))
            CHECK(strstr(right, line) != NULL, "allocation %zu: %s", n, line);
    }
    CHECK_TEXT(said, "", "allocation %zu: the end of a line", n);
    return answers;
}

/* What is said when all goes well. */
static void rehearse(const struct place *place, struct buffer *said)
{
    struct responder *responder = NULL;
    CHECK_INTEGER(responder_new(place->path, &responder), 0, "responder_new");
    converse(&none, responder, place, said);
    responder_free(responder);
    CHECK_INTEGER(check_answers(buffer_text(said), buffer_text(said), 0), LINES, "%s",
                  buffer_text(said));
    CHECK(strstr(buffer_text(said), "\tSOA\t") || strstr(buffer_text(said), "\tA\t"), "%s",
          buffer_text(said));
}

/* One conversation with the n-th allocation failing, and one after it. Says whether it failed. */
static bool converse_without(const struct breaker *breaker, const struct place *place, size_t n,
                             const char *right)
{
    struct responder *responder = NULL;
    struct buffer said = {0}, later = {0};
    breaker->fail_at(n);
    int code = responder_new(place->path, &responder);
    bool failed = code == 0 ? converse(breaker, responder, place, &said) : breaker->end();
    if (code == 0) {
        int answers = check_answers(buffer_text(&said), right, n);
        CHECK(answers >= LINES - (failed ? breaker->unsaid : 0) && answers <= LINES,
              "allocation %zu: %d answers in %s", n, answers, buffer_text(&said));
        converse(&none, responder, place, &later);
        CHECK_INTEGER(check_answers(buffer_text(&later), right, n), LINES, "after allocation %zu",
                      n);
        CHECK(strstr(buffer_text(&later), "FAIL\n") == NULL, "after allocation %zu: %s", n,
              buffer_text(&later));
    } else
        CHECK(failed && code == ERR_NOMEM, "allocation %zu: %s", n, error_text(code));
    responder_free(responder);
    buffer_release(&said);
    buffer_release(&later);
    return failed;
}

/* Else each new responder would read a longer log than the one before. */
static void shorten_log(struct place *place)
{
    place_open_shell(place);
    place_run(place, "PRAGMA wal_checkpoint(TRUNCATE)");
    place_close_shell(place);
}

static void try_allocations(const struct breaker *breaker)
{
    struct place place;
    struct buffer right = {0};
    size_t n = 1;
    place_begin(&place);
    rehearse(&place, &right);
    while (converse_without(breaker, &place, n, buffer_text(&right)) && n < ALLOCATIONS_MAX) {
        n += breaker->stride;
        shorten_log(&place);
    }
    CHECK(n > 20 && n < ALLOCATIONS_MAX, "%zu allocations", n);
    check_whole(&place);
    buffer_release(&right);
    place_release(&place);
}

static void whichever_allocation_of_ours_fails_every_line_is_answered(void)
{
    try_allocations(&(struct breaker){memory_fail_at, memory_fail_end, OUR_STRIDE, 1});
}

/* SQLite's allocations, of which the n-th fails. */
static sqlite3_mem_methods usual;
static size_t until_failure;
static bool failed_one;

static bool fails_now(void)
{
    if (until_failure == 0 || --until_failure > 0)
        return false;
    failed_one = true;
    return true;
}

static void *failing_malloc(int size)
{
    return fails_now() ? NULL : usual.xMalloc(size);
}

static void *failing_realloc(void *place, int size)
{
    return fails_now() ? NULL : usual.xRealloc(place, size);
}

static void sqlite_fail_at(size_t n)
{
    until_failure = n;
    failed_one = false;
}

static bool sqlite_fail_end(void)
{
    until_failure = 0;
    return failed_one;
}

static void whichever_allocation_of_sqlite_fails_every_line_is_answered(void)
{
    CHECK(sqlite3_shutdown() == SQLITE_OK, "all connections are closed");
    CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual) == SQLITE_OK, "GETMALLOC");
    sqlite3_mem_methods failing = usual;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK, "MALLOC");
    CHECK(sqlite3_initialize() == SQLITE_OK, "initialize");
    size_t stride = getenv("UNIT_EVERY_ALLOCATION") ? 1 : SQLITE_STRIDE;
    try_allocations(&(struct breaker){sqlite_fail_at, sqlite_fail_end, stride, 0});
    CHECK_INTEGER(sqlite3_memory_used(), 0, "bytes that are left behind");
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &usual);
    sqlite3_initialize();
}

static const CU_TestInfo tests[] = {
    {"whichever allocation of ours fails, every line is answered",
     whichever_allocation_of_ours_fails_every_line_is_answered},
    {"whichever allocation of SQLite fails, every line is answered",
     whichever_allocation_of_sqlite_fails_every_line_is_answered},
    CU_TEST_INFO_NULL,
};

const struct suite suite_allocation_failure = {"allocation_failure", tests};

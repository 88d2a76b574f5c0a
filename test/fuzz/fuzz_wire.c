/*
 * Messages between name servers. Any bytes at all, read as each kind of message: what is taken can
 * be shared, and reads the same when it is written again; what is not is refused with a reason.
 *
 * Input: the message.
 */
#include <string.h>

#include "core/sharing/row_problem.h"
#include "fuzz.h"
#include "share/wire.h"
#include "share/wire_copy.h"

/* What was written again, and what that is when it is read. */
static struct buffer text;
static struct wire_rows rows, again;

static void check_code(int code, const struct error *error)
{
    REQUIRE(code == 0 || code == ERR_INVAL, "code %d", code);
    REQUIRE(code == error->code && (code == 0 || error->text[0]), "code %d, but error %d: %s", code,
            error->code, error->text);
}

static bool entry_equal(const struct entry *a, const struct entry *b)
{
    return a->decided == b->decided && a->origin == b->origin && a->gone == b->gone &&
           a->timestamp_s == b->timestamp_s && a->ttl_s == b->ttl_s &&
           strcmp(a->controller, b->controller) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->home, b->home) == 0;
}

static void check_rows(void)
{
    REQUIRE(rows.count <= WIRE_ROWS_MAX && rows.count == again.count, "%zu rows, and %zu again",
            rows.count, again.count);
    for (size_t i = 0; i < rows.count; i++) {
        const struct shared_row *a = &rows.rows[i], *b = &again.rows[i];
        const char *problem = shared_row_problem(a);
        REQUIRE(!problem, "row %zu: %s", i, problem);
        REQUIRE(strcmp(a->pool, b->pool) == 0 && strcmp(a->key, b->key) == 0 &&
                    entry_equal(&a->entry, &b->entry),
                "row %zu is another", i);
    }
}

/* Reads what was written again; it must be a message. */
#define READ_AGAIN(read, ...)                                                                      \
    do {                                                                                           \
        struct error refused = {0};                                                                \
        REQUIRE(!text.failed && text.length <= WIRE_BYTES_MAX, "%zu octets", text.length);         \
        REQUIRE(read(buffer_text(&text), text.length, __VA_ARGS__, &refused) == 0, "%s: %s",       \
                refused.text, shown(buffer_text(&text), text.length));                             \
    } while (0)

static void read_batch(const char *bytes, size_t size)
{
    struct wire_batch batch, same;
    struct error error = {0};
    int code = wire_read_batch(bytes, size, &batch, &rows, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    wire_write_batch(&text, &batch, rows.rows, rows.count);
    READ_AGAIN(wire_read_batch, &same, &again);
    REQUIRE(memcmp(&batch, &same, sizeof batch) == 0, "another batch");
    check_rows();
}

static void read_beat(const char *bytes, size_t size)
{
    static struct ballot ballot, votes;
    struct wire_beat beat, same;
    struct error error = {0};
    int code = wire_read_beat(bytes, size, &beat, &ballot, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    wire_write_beat(&text, &beat, &ballot);
    READ_AGAIN(wire_read_beat, &same, &votes);
    REQUIRE(memcmp(&beat, &same, sizeof beat) == 0, "another beat");
    REQUIRE(ballot_equal(&ballot, &votes), "other votes");
}

static void read_question(const char *bytes, size_t size)
{
    struct wire_question question, same;
    struct error error = {0};
    int code = wire_read_question(bytes, size, &question, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    wire_write_question(&text, &question);
    READ_AGAIN(wire_read_question, &same);
    REQUIRE(question.paths == same.paths && question.path == same.path && question.path >= 0,
            "another question for round trip times");
    REQUIRE(strcmp(question.after.pool, same.after.pool) == 0 &&
                strcmp(question.after.key, same.after.key) == 0 && question.rows == same.rows,
            "another question");
}

static void read_answer(const char *bytes, size_t size)
{
    struct wire_answer answer, same;
    struct error error = {0};
    int code = wire_read_answer(bytes, size, &answer, &rows, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    wire_write_answer(&text, &answer, rows.rows, rows.count);
    READ_AGAIN(wire_read_answer, &same, &again);
    REQUIRE(answer.digest == same.digest && answer.count == same.count && answer.last == same.last,
            "another answer");
    REQUIRE(answer.last || (strcmp(answer.to.pool, same.to.pool) == 0 &&
                            strcmp(answer.to.key, same.to.key) == 0),
            "another place");
    check_rows();
}

static void read_paths(const char *bytes, size_t size)
{
    static struct wire_paths paths, same;
    struct error error = {0};
    int code = wire_read_paths(bytes, size, &paths, &error);
    check_code(code, &error);
    REQUIRE(code == 0 || paths.count == 0, "refused, with %zu round trip times", paths.count);
    if (code != 0)
        return;
    wire_write_paths(&text, &paths);
    READ_AGAIN(wire_read_paths, &same);
    REQUIRE(paths.to == same.to && paths.last == same.last && paths.count == same.count,
            "other round trip times");
    for (size_t i = 0; i < paths.count; i++) {
        const struct shared_path *a = &paths.paths[i], *b = &same.paths[i];
        const char *problem = shared_path_problem(a);
        REQUIRE(!problem, "round trip time %zu: %s", i, problem);
        REQUIRE(strcmp(a->network, b->network) == 0 && strcmp(a->controller, b->controller) == 0 &&
                    a->rtt_ms == b->rtt_ms && a->measured_at_s == b->measured_at_s,
                "round trip time %zu is another", i);
    }
}

static void read_copy_question(const char *bytes, size_t size)
{
    struct wire_copy_question question, same;
    struct error error = {0};
    int code = wire_read_copy_question(bytes, size, &question, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    wire_write_copy_question(&text, &question);
    READ_AGAIN(wire_read_copy_question, &same);
    REQUIRE(question.revision == same.revision && question.offset == same.offset,
            "another question");
}

static void read_part(const char *bytes, size_t size)
{
    struct wire_part part, same;
    struct error error = {0};
    int code = wire_read_part(bytes, size, &part, &error);
    check_code(code, &error);
    if (code != 0)
        return;
    REQUIRE(part.count <= WIRE_PART_MAX && part.bytes + part.count == bytes + size,
            "%zu octets of %zu", part.count, size);
    REQUIRE(part.offset + (int64_t)part.count <= part.length, "beyond its end");
    wire_write_part(&text, &part);
    READ_AGAIN(wire_read_part, &same);
    REQUIRE(part.node == same.node && part.follows == same.follows &&
                part.revision == same.revision && part.length == same.length &&
                part.offset == same.offset && part.count == same.count &&
                memcmp(part.bytes, same.bytes, part.count) == 0,
            "another part");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *, size_t) = {
        read_batch, read_beat,          read_question, read_answer,
        read_paths, read_copy_question, read_part};
    for (size_t i = 0; i < COUNT(readers); i++) {
        buffer_clear(&text);
        readers[i]((const char *)data, size);
    }
    return 0;
}

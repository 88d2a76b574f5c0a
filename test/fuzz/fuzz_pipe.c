/*
 * Any bytes at all on standard input: they are cut into lines, each gets exactly one answer, and
 * PowerDNS takes every line of it. On the sample database, all servers up.
 *
 * Input: a byte that says how the bytes come in and whether a HELO goes before them, then the
 * bytes. 0xfe and another byte stand for so many KiB of the letter x, since long lines are rarely
 * found by chance.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dialogue.h"
#include "fuzz.h"

#define STREAM_MAX (1 << 18)
#define REPEAT 0xfe

static struct dialogue dialogue;
static sqlite3 *shell;
static int pipe_ends[2], nothing;

static void prepare(void)
{
    const char *path = scratch_database();
    shell = scratch_open(path);
    scratch_run_file(shell, "../test/sample.sql");
    scratch_run(shell, "PRAGMA synchronous = OFF");
    dialogue_open(&dialogue, path);
    REQUIRE(pipe(pipe_ends) == 0, "no pipe");
    nothing = open("/dev/null", O_RDONLY);
}

/* The bytes that come in. */
static size_t unfold(struct input *input, unsigned abi, char *stream)
{
    size_t length = 0;
    if (abi >= 1 && abi <= 5) {
        memcpy(stream, "HELO\t0\n", 7);
        stream[5] = (char)('0' + abi);
        length = 7;
    }
    while (input->next < input->end && length < STREAM_MAX - 1) {
        uint8_t byte = input_byte(input);
        size_t repeat = byte == REPEAT ? 1024U * input_byte(input) : 1;
        for (; repeat > 0 && length < STREAM_MAX - 1; repeat--)
            stream[length++] = (char)(byte == REPEAT ? 'x' : byte);
    }
    return length;
}

/* The line that must come next, cut here in the plainest way; false at the end. */
static bool expect_line(const char *stream, size_t length, size_t *at, struct line *ret_line)
{
    if (*at == length)
        return false;
    const char *newline = memchr(stream + *at, '\n', length - *at);
    size_t size = newline ? (size_t)(newline - stream) - *at : length - *at;
    *ret_line =
        (struct line){.text = stream + *at, .length = size, .too_long = size > LINE_LENGTH_MAX};
    *at += size + (newline != NULL);
    return true;
}

static void take_lines(struct line_reader *reader, const char *stream, size_t length, size_t *at)
{
    struct line line, expected;
    while (line_reader_next(reader, &line)) {
        REQUIRE(expect_line(stream, length, at, &expected), "a line where none was left");
        REQUIRE(line.too_long == expected.too_long, "line of %zu bytes: too long %d",
                expected.length, line.too_long);
        REQUIRE(line.too_long || (line.length == expected.length &&
                                  memcmp(line.text, expected.text, line.length) == 0),
                "another line: %s", shown(line.text, line.length));
        dialogue_say(&dialogue, &line);
        const struct reply *reply = &dialogue.reply;
        if (dialogue.asked.verb == ASKED_NONSENSE)
            REQUIRE(reply->failed && reply->count == 0, "an answer to nonsense: %s",
                    shown(line.text, line.too_long ? 0 : line.length));
        else if (dialogue.asked.verb >= ASKED_QUESTION)
            REQUIRE(!reply->failed, "FAIL to: %s", shown(line.text, line.length));
    }
}

/* At the end of the input the descriptor reads as empty: /dev/null stands for a closed pipe. */
static void converse(const char *stream, size_t length, size_t chunk)
{
    struct line_reader reader = {0};
    size_t at = 0;
    for (size_t written = 0; written < length;) {
        size_t size = length - written < chunk ? length - written : chunk;
        REQUIRE(write(pipe_ends[1], stream + written, size) == (ssize_t)size, "write");
        REQUIRE(line_reader_fill(&reader, pipe_ends[0]) == (ssize_t)size, "read");
        written += size;
        take_lines(&reader, stream, length, &at);
    }
    REQUIRE(line_reader_fill(&reader, nothing) == 0, "the end");
    take_lines(&reader, stream, length, &at);
    REQUIRE(at == length, "%zu bytes were not given out", length - at);
    line_reader_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char stream[STREAM_MAX];
    static const size_t chunks[] = {4096, 1, 7, 500};
    struct input input = {data, data + size};
    if (!shell)
        prepare();
    dialogue.abi = dialogue.pipe.abi = 0;
    unsigned how = input_byte(&input);
    size_t length = unfold(&input, how & 7, stream);
    size_t chunk = chunks[how >> 3 & 3];
    converse(stream, length, length > 8192 ? chunks[0] : chunk);
    responder_idle(dialogue.responder);
    scratch_run(shell, "DELETE FROM persistence");
    return 0;
}

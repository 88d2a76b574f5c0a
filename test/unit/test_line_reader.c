#include "dialect/line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* Lines as they came out, each followed by a bar, or by "long|" in place of its text. */
static void drain(struct line_reader *reader, struct buffer *out)
{
    struct line line;
    while (line_reader_next(reader, &line)) {
        if (line.too_long)
            buffer_add_text(out, "long");
        else
            buffer_add(out, line.text, line.length);
        buffer_add_char(out, '|');
    }
}

/* Sends text through a pipe in pieces, ends it, and gives what the reader made of it. */
static void send_in_pieces(const char *text, size_t length, size_t piece, struct buffer *out)
{
    struct line_reader reader = {0};
    int ends[2];
    CHECK(pipe(ends) == 0, "pipe");
    for (size_t sent = 0; sent < length; sent += piece) {
        size_t count = length - sent < piece ? length - sent : piece;
        CHECK_INTEGER(write(ends[1], text + sent, count), (int64_t)count, "piece of %zu", piece);
        for (size_t left = count; left > 0;) {
            ssize_t filled = line_reader_fill(&reader, ends[0]);
            if (!CHECK(filled > 0, "piece of %zu", piece))
                break;
            left -= (size_t)filled;
            drain(&reader, out);
        }
    }
    close(ends[1]);
    CHECK_INTEGER(line_reader_fill(&reader, ends[0]), 0, "the end, piece of %zu", piece);
    drain(&reader, out);
    close(ends[0]);
    line_reader_release(&reader);
}

static void lines_are_the_same_however_they_arrive(void)
{
    static const struct {
        const char *text, *lines;
    } rows[] = {
        {"", ""},
        {"\n", "|"},
        {"\n\n\n", "|||"},
        {"one\n", "one|"},
        {"one\ntwo\nthree\n", "one|two|three|"},
        {"one\ntwo", "one|two|"},
        {"one", "one|"},
        {"one\n\ntwo\n", "one||two|"},
        {"a\tb\r\n\x01\xff\n", "a\tb\r|\x01\xff|"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t piece = 1; piece <= 20; piece++) {
            struct buffer out = {0};
            send_in_pieces(rows[i].text, strlen(rows[i].text), piece, &out);
            CHECK_TEXT(buffer_text(&out), rows[i].lines, "row %zu in pieces of %zu", i, piece);
            buffer_release(&out);
        }
}

static void nul_bytes_are_part_of_a_line(void)
{
    struct buffer out = {0};
    send_in_pieces("a\0b\n\0\n", 6, 1, &out);
    CHECK_INTEGER((int64_t)out.length, 6, "length");
    CHECK(memcmp(out.data, "a\0b|\0|", 6) == 0, "bytes");
    buffer_release(&out);
}

/* A line of so many bytes between two short ones, with a newline or the end behind. */
static void check_length(size_t length, const char *behind, bool too_long, size_t piece)
{
    struct buffer text = {0}, out = {0};
    buffer_add_text(&text, "before\n");
    for (size_t i = 0; i < length; i++)
        buffer_add_char(&text, 'x');
    buffer_add_text(&text, behind);
    send_in_pieces(text.data, text.length, piece, &out);
    const char *middle = buffer_text(&out) + strlen("before|");
    CHECK(strncmp(buffer_text(&out), "before|", strlen("before|")) == 0, "%zu bytes", length);
    size_t shown = too_long ? strlen("long") : length;
    CHECK_INTEGER((int64_t)strcspn(middle, "|"), (int64_t)shown, "%zu bytes, pieces of %zu", length,
                  piece);
    CHECK_TEXT(middle + strcspn(middle, "|"), *behind ? "|after|" : "|", "%zu bytes, pieces of %zu",
               length, piece);
    buffer_release(&text);
    buffer_release(&out);
}

static void a_line_that_is_too_long_is_reported_once_and_the_next_is_whole(void)
{
    static const struct {
        size_t length;
        bool too_long;
    } rows[] = {
        {LINE_LENGTH_MAX - 1, false}, {LINE_LENGTH_MAX, false},
        {LINE_LENGTH_MAX + 1, true},  {LINE_LENGTH_MAX + 4096, true},
        {2 * LINE_LENGTH_MAX, true},  {3 * LINE_LENGTH_MAX + 7, true},
    };
    static const size_t pieces[] = {1000, 4095, 4096, 4097, 60000};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(pieces); j++) {
            check_length(rows[i].length, "\nafter\n", rows[i].too_long, pieces[j]);
            check_length(rows[i].length, "", rows[i].too_long, pieces[j]);
        }
}

static void a_line_that_is_too_long_is_known_by_its_opening(void)
{
    static const struct {
        const char *start;
        char opening;
    } rows[] = {{"", 'x'}, {"{", '{'}, {" \t\r {", '{'}, {"HELO", 'H'}, {"\v{", '\v'}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct line_reader reader = {0};
        struct line line = {.too_long = false};
        buffer_add_text(&reader.buffer, rows[i].start);
        while (reader.buffer.length <= LINE_LENGTH_MAX)
            buffer_add_char(&reader.buffer, 'x');
        CHECK(!line_reader_next(&reader, &line), "row %zu: its end is not there", i);
        buffer_add_text(&reader.buffer, "{\n");
        CHECK(line_reader_next(&reader, &line) && line.too_long, "row %zu", i);
        CHECK_INTEGER(line.first_byte, rows[i].opening, "row %zu", i);
        line_reader_release(&reader);
    }
    CHECK_INTEGER(line_first_byte(" \t\r", 3), '\0', "blanks alone");
    CHECK_INTEGER(line_first_byte(" \0{", 3), '\0', "NUL is no blank");
    CHECK_INTEGER(line_first_byte("", 0), '\0', "nothing");
}

static void an_endless_line_takes_no_endless_memory(void)
{
    static char block[4096];
    struct line_reader reader = {0};
    struct line line;
    int ends[2];
    memset(block, 'x', sizeof block);
    CHECK(pipe(ends) == 0, "pipe");
    for (int i = 0; i < 256; i++) {
        CHECK(write(ends[1], block, sizeof block) == (ssize_t)sizeof block, "block %d", i);
        CHECK(line_reader_fill(&reader, ends[0]) > 0, "block %d", i);
        CHECK(!line_reader_next(&reader, &line), "block %d", i);
    }
    CHECK(reader.buffer.capacity <= 4 * LINE_LENGTH_MAX, "%zu bytes", reader.buffer.capacity);
    close(ends[0]);
    close(ends[1]);
    line_reader_release(&reader);
}

static void without_memory_nothing_is_read_and_nothing_is_lost(void)
{
    struct line_reader reader = {0};
    struct buffer out = {0};
    int ends[2];
    CHECK(pipe(ends) == 0, "pipe");
    CHECK(write(ends[1], "one\ntwo\n", 8) == 8, "write");
    memory_fail_at(1);
    CHECK_INTEGER(line_reader_fill(&reader, ends[0]), -1, "without memory");
    CHECK_INTEGER(errno, ENOMEM, "without memory");
    CHECK(memory_fail_end(), "the failure");
    drain(&reader, &out);
    CHECK_TEXT(buffer_text(&out), "", "nothing yet");
    CHECK_INTEGER(line_reader_fill(&reader, ends[0]), 8, "with memory");
    drain(&reader, &out);
    CHECK_TEXT(buffer_text(&out), "one|two|", "both lines");
    close(ends[0]);
    close(ends[1]);
    buffer_release(&out);
    line_reader_release(&reader);
}

static void a_broken_descriptor_is_an_error(void)
{
    struct line_reader reader = {0};
    CHECK_INTEGER(line_reader_fill(&reader, -1), -1, "no descriptor");
    CHECK_INTEGER(errno, EBADF, "no descriptor");
    line_reader_release(&reader);
}

static const CU_TestInfo tests[] = {
    {"lines are the same however they arrive", lines_are_the_same_however_they_arrive},
    {"NUL bytes are part of a line", nul_bytes_are_part_of_a_line},
    {"a line that is too long is reported once and the next is whole",
     a_line_that_is_too_long_is_reported_once_and_the_next_is_whole},
    {"a line that is too long is known by its opening",
     a_line_that_is_too_long_is_known_by_its_opening},
    {"an endless line takes no endless memory", an_endless_line_takes_no_endless_memory},
    {"without memory nothing is read and nothing is lost",
     without_memory_nothing_is_read_and_nothing_is_lost},
    {"a broken descriptor is an error", a_broken_descriptor_is_an_error},
    CU_TEST_INFO_NULL,
};

const struct suite suite_line_reader = {"line_reader", tests};

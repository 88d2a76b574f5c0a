#include "core/base/buffer.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void everything_is_added_at_the_end(void)
{
    struct buffer buffer = {0};
    CHECK_TEXT(buffer_text(&buffer), "", "nothing");
    buffer_add(&buffer, NULL, 0);
    CHECK_TEXT(buffer_text(&buffer), "", "nothing added");
    buffer_add_text(&buffer, "DATA");
    buffer_add_char(&buffer, '\t');
    buffer_add(&buffer, "www.example.com.", 15);
    buffer_printf(&buffer, "\t%s\t%d", "IN", 30);
    buffer_add_char(&buffer, '\t');
    buffer_add_integer(&buffer, -1);
    CHECK_TEXT(buffer_text(&buffer), "DATA\twww.example.com\tIN\t30\t-1", "a line");
    CHECK_INTEGER((int64_t)buffer.length, (int64_t)strlen(buffer.data), "a line");
    buffer_release(&buffer);
    CHECK(!buffer.data && buffer.length == 0 && buffer.capacity == 0, "released");
    buffer_release(&buffer);
}

static void integers_are_written_in_decimal(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {7, "7"},
        {-7, "-7"},
        {10, "10"},
        {4294967295, "4294967295"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer buffer = {0};
        buffer_add_integer(&buffer, rows[i].value);
        CHECK_TEXT(buffer_text(&buffer), rows[i].text, "row %zu", i);
        buffer_release(&buffer);
    }
}

static void bytes_of_any_value_are_kept(void)
{
    struct buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        buffer_add_char(&buffer, (char)i);
    CHECK_INTEGER((int64_t)buffer.length, 1000, "length");
    for (size_t i = 0; i < 1000; i++)
        CHECK(buffer.data[i] == (char)i, "byte %zu", i);
    CHECK(buffer.data[1000] == '\0', "its end");
    buffer_release(&buffer);
}

static void a_long_text_grows_the_buffer(void)
{
    static char text[100001];
    struct buffer buffer = {0};
    memset(text, 'x', sizeof text - 1);
    buffer_printf(&buffer, "%s%s", text, text);
    CHECK_INTEGER((int64_t)buffer.length, 200000, "printed");
    buffer_add(&buffer, text, sizeof text - 1);
    CHECK_INTEGER((int64_t)buffer.length, 300000, "added");
    CHECK_INTEGER((int64_t)strspn(buffer_text(&buffer), "x"), 300000, "all");
    buffer_release(&buffer);
}

static void a_buffer_is_cut_back(void)
{
    static const struct {
        size_t length;
        const char *text;
    } rows[] = {{10, "example"}, {7, "example"}, {3, "exa"}, {0, ""}, {1, ""}};
    struct buffer buffer = {0};
    buffer_truncate(&buffer, 0);
    CHECK_TEXT(buffer_text(&buffer), "", "before the first addition");
    buffer_add_text(&buffer, "example");
    for (size_t i = 0; i < COUNT(rows); i++) {
        buffer_truncate(&buffer, rows[i].length);
        CHECK_TEXT(buffer_text(&buffer), rows[i].text, "to %zu", rows[i].length);
    }
    buffer_release(&buffer);
}

static void clearing_keeps_the_memory(void)
{
    struct buffer buffer = {0};
    buffer_add_text(&buffer, "example");
    const char *data = buffer.data;
    buffer_clear(&buffer);
    CHECK_TEXT(buffer_text(&buffer), "", "cleared");
    buffer_add_text(&buffer, "other");
    CHECK(buffer.data == data, "the same memory");
    CHECK_TEXT(buffer_text(&buffer), "other", "used again");
    buffer_release(&buffer);
}

static void room_is_made_ahead(void)
{
    struct buffer buffer = {0};
    CHECK(buffer_reserve(&buffer, 5000), "5000 bytes");
    CHECK_TEXT(buffer_text(&buffer), "", "nothing is there yet");
    memory_fail_at(1);
    for (int i = 0; i < 5000; i++)
        buffer_add_char(&buffer, 'x');
    CHECK(!memory_fail_end(), "no further allocation");
    CHECK_INTEGER((int64_t)buffer.length, 5000, "all added");
    buffer_release(&buffer);
}

static void sizes_beyond_memory_are_refused(void)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 - 3};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct buffer buffer = {0};
        buffer_add_text(&buffer, "kept");
        CHECK(!buffer_reserve(&buffer, sizes[i]), "row %zu", i);
        CHECK(buffer.failed, "row %zu", i);
        CHECK_TEXT(buffer_text(&buffer), "kept", "row %zu", i);
        buffer_release(&buffer);
    }
}

/* In the locale of the program no character beyond ASCII can be written. */
static void what_cannot_be_formatted_leaves_the_content_and_sets_the_flag(void)
{
    struct buffer buffer = {0};
    buffer_add_text(&buffer, "kept");
    buffer_printf(&buffer, "%ls", L"\u20ac");
    CHECK(buffer.failed, "not written");
    CHECK_TEXT(buffer_text(&buffer), "kept", "and nothing of it");
    buffer_release(&buffer);
}

static void add_much(struct buffer *buffer)
{
    for (int i = 0; i < 300; i++) {
        buffer_add_text(buffer, "text");
        buffer_add_char(buffer, ' ');
        buffer_add_integer(buffer, i);
        buffer_printf(buffer, "%30d", i);
    }
}

static void without_memory_the_content_stays_and_the_flag_is_set(void)
{
    struct buffer whole = {0};
    add_much(&whole);
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct buffer buffer = {0};
        memory_fail_at(n);
        add_much(&buffer);
        failing = memory_fail_end();
        CHECK_INTEGER(buffer.failed, failing, "allocation %zu", n);
        CHECK(strncmp(buffer_text(&buffer), whole.data, buffer.length) == 0, "allocation %zu", n);
        CHECK_INTEGER((int64_t)strlen(buffer_text(&buffer)), (int64_t)buffer.length,
                      "allocation %zu", n);
        buffer_clear(&buffer);
        add_much(&buffer);
        CHECK_TEXT(buffer_text(&buffer), whole.data, "allocation %zu, then cleared", n);
        buffer_release(&buffer);
    }
    buffer_release(&whole);
}

static void columns_are_as_wide_as_their_characters(void)
{
    static const struct {
        const char *text, *column;
    } rows[] = {
        {"", "     "},       {"ams", "ams  "},     {"brême", "brême"},          {"kö", "kö   "},
        {"北京", "北京   "}, {"longer", "longer"}, {"\xff\xc3", "\xff\xc3   "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer buffer = {0};
        buffer_add_column(&buffer, rows[i].text, 5);
        CHECK_TEXT(buffer_text(&buffer), rows[i].column, "row %zu", i);
        buffer_release(&buffer);
    }
}

static const CU_TestInfo tests[] = {
    {"everything is added at the end", everything_is_added_at_the_end},
    {"integers are written in decimal", integers_are_written_in_decimal},
    {"bytes of any value are kept", bytes_of_any_value_are_kept},
    {"a long text grows the buffer", a_long_text_grows_the_buffer},
    {"columns are as wide as their characters", columns_are_as_wide_as_their_characters},
    {"a buffer is cut back and never forward", a_buffer_is_cut_back},
    {"clearing keeps the memory", clearing_keeps_the_memory},
    {"room is made ahead", room_is_made_ahead},
    {"sizes beyond memory are refused", sizes_beyond_memory_are_refused},
    {"what cannot be formatted leaves the content and sets the flag",
     what_cannot_be_formatted_leaves_the_content_and_sets_the_flag},
    {"without memory the content stays and the flag is set",
     without_memory_the_content_stays_and_the_flag_is_set},
    CU_TEST_INFO_NULL,
};

const struct suite suite_buffer = {"buffer", tests};

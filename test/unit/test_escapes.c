#include "monitor/escapes.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void escapes_are_the_bytes_they_stand_for(void)
{
    static const struct {
        const char *text, *bytes;
        size_t length;
    } rows[] = {
        {"", "", 0},
        {"PING", "PING", 4},
        {"QUIT\\r\\n", "QUIT\r\n", 6},
        {"a\\tb", "a\tb", 3},
        {"\\\\r", "\\r", 2},
        {"\\x00\\x7f\\xFf", "\x00\x7f\xff", 3},
        {"\\xaB1",
         "\xab"
         "1",
         2},
        {"\xc3\xa9", "\xc3\xa9", 2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer bytes = {0};
        CHECK_INTEGER(escapes_decode(rows[i].text, &bytes), 0, "%s", rows[i].text);
        CHECK_INTEGER((int64_t)bytes.length, (int64_t)rows[i].length, "%s", rows[i].text);
        CHECK(memcmp(buffer_text(&bytes), rows[i].bytes, rows[i].length) == 0, "%s", rows[i].text);
        buffer_release(&bytes);
    }
}

static void another_backslash_is_refused_and_adds_nothing(void)
{
    static const char *const texts[] = {"\\", "a\\", "\\q", "\\x", "\\x1", "\\xg0", "\\x0g", "\\R"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct buffer bytes = {0};
        buffer_add_text(&bytes, "before");
        CHECK_INTEGER(escapes_decode(texts[i], &bytes), ERR_INVAL, "%s", texts[i]);
        CHECK_TEXT(buffer_text(&bytes), "before", "%s", texts[i]);
        buffer_release(&bytes);
    }
}

static void without_memory_that_is_said(void)
{
    struct buffer bytes = {0};
    memory_fail_at(1);
    CHECK_INTEGER(escapes_decode("text", &bytes), ERR_NOMEM, "the first allocation");
    CHECK(memory_fail_end(), "it failed");
    buffer_release(&bytes);
}

static const CU_TestInfo tests[] = {
    {"escapes are the bytes they stand for", escapes_are_the_bytes_they_stand_for},
    {"another backslash is refused and adds nothing",
     another_backslash_is_refused_and_adds_nothing},
    {"without memory that is said", without_memory_that_is_said},
    CU_TEST_INFO_NULL,
};

const struct suite suite_escapes = {"escapes", tests};

#include "core/base/utf8.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void characters_are_counted_and_others_refused(void)
{
    static const struct {
        const char *text;
        int count; /* -1: refused */
    } rows[] = {
        {"", 0},
        {"ams", 3},
        {" ~", 2},
        {"m\xc3\xbcnchen", 7},
        {"\xe2\x82\xac", 1},
        {"\xf0\x9f\x8c\x8d", 1},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 6},
        {"a\tb", -1},
        {"\n", -1},
        {"\x01", -1},
        {"\x1f", -1},
        {"\x7f", -1},
        {"a\x80", -1},            /* a continuation alone */
        {"\xc3", -1},             /* cut off */
        {"\xe2\x82", -1},         /* cut off later */
        {"\xe2\x82z", -1},        /* another character within */
        {"\xc0\xaf", -1},         /* longer than it need be */
        {"\xc1\xbf", -1},         /* longer than it need be */
        {"\xe0\x9f\xbf", -1},     /* longer than it need be */
        {"\xf0\x8f\xbf\xbf", -1}, /* longer than it need be */
        {"\xed\xa0\x80", -1},     /* a surrogate */
        {"\xed\xbf\xbf", -1},     /* a surrogate */
        {"\xed\x9f\xbf", 1},      /* just before them */
        {"\xee\x80\x80", 1},      /* just after them */
        {"\xf4\x90\x80\x80", -1}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80", -1}, /* no such octet */
        {"\xff", -1},             /* no such octet */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t count = 4711;
        CHECK_INTEGER(utf8_count(rows[i].text, &count), rows[i].count >= 0, "row %zu", i);
        CHECK_INTEGER((int64_t)count, rows[i].count >= 0 ? rows[i].count : 4711, "row %zu", i);
    }
}

static const CU_TestInfo tests[] = {
    {"characters are counted, and what is no text is refused",
     characters_are_counted_and_others_refused},
    CU_TEST_INFO_NULL,
};
const struct suite suite_utf8 = {"utf8", tests};

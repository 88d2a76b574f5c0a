#include "f5/document.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void describe_items(const struct list *items, struct buffer *out);

/* [words](items) with the line before it where that is not the line of the item around it. */
static void describe_item(const struct f5_item *item, struct buffer *out)
{
    buffer_printf(out, "%d[", item->line);
    for (size_t i = 0; i < item->word_count; i++)
        buffer_printf(out, "%s%s", i ? "|" : "", item->words[i]);
    buffer_add_text(out, "]");
    if (item->has_block)
        describe_items(&item->items, out);
}

static void describe_items(const struct list *items, struct buffer *out)
{
    buffer_add_char(out, '(');
    for (size_t i = 0; i < items->count; i++)
        describe_item(items->items[i], out);
    buffer_add_char(out, ')');
}

/* The tree as a text, or what is wrong. */
static void describe(const char *text, size_t length, struct buffer *out)
{
    struct arena arena = {0};
    struct error error = {0};
    struct f5_work work = {&arena, &error};
    struct list stanzas = {0};
    if (f5_document_read(&work, text, length, &stanzas) == 0)
        for (size_t i = 0; i < stanzas.count; i++)
            describe_item(stanzas.items[i], out);
    else
        buffer_add_text(out, error.text);
    arena_release(&arena);
}

struct row {
    const char *text, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer out = {0};
        describe(rows[i].text, strlen(rows[i].text), &out);
        CHECK_TEXT(buffer_text(&out), rows[i].expected, "row %zu", i);
        buffer_release(&out);
    }
}

static void a_text_becomes_a_tree(void)
{
    static const struct row rows[] = {
        {"", ""},
        {"\n\n  \t\r\n", ""},
        {"# a comment {\n", ""},
        {"gtm pool a /Common/web { }", "1[gtm|pool|a|/Common/web]()"},
        {"\n\ngtm pool a web {\n    ttl 30\n\n    disabled\n}\n",
         "3[gtm|pool|a|web](4[ttl|30]6[disabled])"},
        {"gtm pool a web { members { s:v { ratio 3 } } ttl 30 }",
         "1[gtm|pool|a|web](1[members](1[s:v](1[ratio|3]))1[ttl|30])"},
        {"gtm pool a w {\r\n  ttl 30\r\n}\r\n", "1[gtm|pool|a|w](2[ttl|30])"},
        {"gtm wideip a w { aliases { a b c } }", "1[gtm|wideip|a|w](1[aliases](1[a|b|c]))"},
        {"gtm pool a w { ttl 30 # a comment }\n}", "1[gtm|pool|a|w](1[ttl|30])"},
        {"gtm pool a w { x a#b }", "1[gtm|pool|a|w](1[x|a#b])"},
        {"gtm server s { { a 1 } }", "1[gtm|server|s](1[](1[a|1]))"},
    };
    check_rows(rows, COUNT(rows));
}

static void quotes_and_backslashes_are_taken_off(void)
{
    static const struct row rows[] = {
        {"gtm pool a \"/Common/a b\" { }", "1[gtm|pool|a|/Common/a b]()"},
        {"gtm pool a w { x \"} { #\" }", "1[gtm|pool|a|w](1[x|} { #])"},
        {"gtm pool a w { x \"a \\\"b\\\" \\\\ \\r\\n\" }",
         "1[gtm|pool|a|w](1[x|a \"b\" \\ \\r\\n])"},
        {"gtm pool a w { x \"\" y }", "1[gtm|pool|a|w](1[x||y])"},
        {"gtm pool a w { x \"two\nlines\"\n y }", "1[gtm|pool|a|w](1[x|two\nlines]3[y])"},
        {"gtm pool a w { \\?.example \\{\\} a\\ b }", "1[gtm|pool|a|w](1[?.example|{}|a b])"},
        {"gtm pool a w { a\"b }", "1[gtm|pool|a|w](1[a\"b])"},
        {"gtm pool a w { \"a\"b\"c }", "1[gtm|pool|a|w](1[ab\"c])"},
        {"gtm pool a w { \"a\"b\\ c }", "1[gtm|pool|a|w](1[ab c])"},
    };
    check_rows(rows, COUNT(rows));
}

/* In Tcl, braces in quotes and comments count, and a backslash takes one out. */
static void what_is_not_imported_is_skipped_whole(void)
{
    static const struct row rows[] = {
        {"ltm pool x {\n  a {\n    b \"}\"\n  }\n}\ngtm region r { }",
         "1[ltm|pool|x]()6[gtm|region|r]()"},
        {"gtm rule r {\nwhen X {\n  # it's \\{ \"\n  log \"[a] \\}\"\n}\n}\ngtm region r { }",
         "1[gtm|rule|r]()7[gtm|region|r]()"},
        {"ltm rule r { if { \"{\" } { } } }\ngtm region r { }", "1[ltm|rule|r]()2[gtm|region|r]()"},
        {"cli script /Common/x {\nproc a {} { puts \"b }\n}\ngtm region r { }",
         "1[cli|script|/Common/x]()4[gtm|region|r]()"},
        {"sys icall script x { definition { \" } }\ngtm region r { }",
         "1[sys|icall|script|x]()2[gtm|region|r]()"},
        {"sys global { }", "1[sys|global]()"},
    };
    check_rows(rows, COUNT(rows));
}

static void what_is_malformed_is_told_with_its_line(void)
{
    static const struct row rows[] = {
        {"gtm pool a w {\n  ttl 30\n", "line 1: the block that begins here is not closed"},
        {"gtm pool a w {\n  members {\n    a { }\n  }\n",
         "line 1: the block that begins here is not closed"},
        {"gtm pool a w {\n  members {\n    a { }\n",
         "line 2: the block that begins here is not closed"},
        {"gtm pool a w { }\n}\n", "line 2: '}' without a '{' before it"},
        {"\n{ }\n", "line 2: '{' without words before it"},
        {"gtm pool a w {\n  x \"abc\n\n}\n", "line 2: the quote is not closed"},
        {"gtm pool a w\n{\n}\n", "line 1: no '{' on the line of 'gtm'; an object is a line like"
                                 " 'gtm pool a /Common/web {' and what follows it"},
        {"tmsh create gtm pool a w\n",
         "line 1: no '{' on the line of 'tmsh'; an object is a line like"
         " 'gtm pool a /Common/web {' and what follows it"},
        {"ltm pool w {\n\n", "line 1: the block that begins here is not closed"},
        {"\ngtm rule w {\n  { }\n", "line 2: the block that begins here is not closed"},
        {"ltm pool w {\n a \"\n", "line 2: the quote is not closed"},
    };
    struct buffer out = {0};
    check_rows(rows, COUNT(rows));
    describe("a { }\n\0", 7, &out);
    CHECK_TEXT(buffer_text(&out), "line 2: a NUL byte: this is not text", "a NUL byte");
    buffer_release(&out);
}

static void blocks_have_a_limit(void)
{
    for (int over = 0; over <= 1; over++) {
        struct buffer text = {0}, out = {0};
        buffer_add_text(&text, "gtm pool a w {\n");
        for (int i = 1; i < F5_DEPTH_MAX + over; i++)
            buffer_add_text(&text, "a {\n");
        for (int i = 0; i < F5_DEPTH_MAX + over; i++)
            buffer_add_text(&text, "}\n");
        describe(buffer_text(&text), text.length, &out);
        bool told =
            strcmp(buffer_text(&out), "line 33: more than 32 blocks within each other") == 0;
        CHECK(told == (over == 1), "%d over: %s", over, buffer_text(&out));
        buffer_release(&text);
        buffer_release(&out);
    }
}

static const CU_TestInfo tests[] = {
    {"a text becomes a tree", a_text_becomes_a_tree},
    {"quotes and backslashes are taken off", quotes_and_backslashes_are_taken_off},
    {"what is not imported is skipped whole", what_is_not_imported_is_skipped_whole},
    {"what is malformed is told with its line", what_is_malformed_is_told_with_its_line},
    {"blocks have a limit", blocks_have_a_limit},
    CU_TEST_INFO_NULL,
};

const struct suite suite_f5_document = {"f5_document", tests};

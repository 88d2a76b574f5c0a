#include "core/dns/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define TEN "0123456789"
#define LABEL_63 TEN TEN TEN TEN TEN TEN "012"
#define LABEL_61 TEN TEN TEN TEN TEN TEN "0"

static int parse(const char *text, struct name *ret_name)
{
    return name_parse(text, strlen(text), ret_name);
}

static const struct {
    const char *text, *canonical; /* NULL: no name */
} name_texts[] = {
    {".", "."},
    {"com", "com"},
    {"com.", "com"},
    {"www.example.com", "www.example.com"},
    {"www.example.com.", "www.example.com"},
    {"WwW.ExAmPlE.CoM", "www.example.com"},
    {"*.example.com", "*.example.com"},
    {"_sip._tcp.example.com", "_sip._tcp.example.com"},
    {"a\\.b.example.com", "a\\.b.example.com"},
    {"a\\\\b.example.com", "a\\\\b.example.com"},
    {"\\..example.com", "\\..example.com"},
    {"\\\\.example.com", "\\\\.example.com"},
    {"\\..", "\\."},
    {"a\\\\.", "a\\\\"},
    {"a\\ b", "a\\032b"},
    {"a\\032b", "a\\032b"},
    {"a b", "a\\032b"},
    {"a\tb", "a\\009b"},
    {"\\065\\090", "az"},
    {"\\046", "\\."},
    {"\\092", "\\\\"},
    {"\\000", "\\000"},
    {"\\255", "\\255"},
    {"\xff", "\\255"},
    {"\\W\\w", "ww"},
    {"\\\"", "\""},
    {"\\@", "@"},
    {"!~", "!~"},
    {"\x7f", "\\127"},
    {LABEL_63 ".com", LABEL_63 ".com"},
    {"", NULL},
    {"..", NULL},
    {".com", NULL},
    {"www..com", NULL},
    {"com..", NULL},
    {"\\", NULL},
    {"com\\", NULL},
    {"com.\\", NULL},
    {"\\1", NULL},
    {"\\12", NULL},
    {"\\12.com", NULL},
    {"\\1a2", NULL},
    {"\\12a", NULL},
    {"\\256", NULL},
    {"\\999", NULL},
    {LABEL_63 "3.com", NULL},
    {LABEL_63 "\\051", NULL},
};

static void names_are_read_into_one_form(void)
{
    for (size_t i = 0; i < COUNT(name_texts); i++) {
        struct name name;
        int code = parse(name_texts[i].text, &name);
        CHECK_INTEGER(code, name_texts[i].canonical ? 0 : ERR_INVAL, "%s", name_texts[i].text);
        if (code != 0 || !name_texts[i].canonical)
            continue;
        CHECK_TEXT(name.text, name_texts[i].canonical, "%s", name_texts[i].text);
        CHECK_INTEGER(name.text_length, (int64_t)strlen(name.text), "%s", name_texts[i].text);
    }
}

static void only_the_length_given_is_read(void)
{
    struct name name;
    CHECK_INTEGER(name_parse("www.example.com", 11, &name), 0, "eleven characters");
    CHECK_TEXT(name.text, "www.example", "eleven characters");
    CHECK_INTEGER(name_parse("a\\032", 4, &name), ERR_INVAL, "an escape cut off");
    CHECK_INTEGER(name_parse("a\0b", 3, &name), 0, "a NUL in the text");
    CHECK_TEXT(name.text, "a\\000b", "a NUL in the text");
}

static void keys_are_the_labels_turned_round(void)
{
    static const struct {
        const char *text, *key;
        size_t length;
    } rows[] = {
        {".", "", 0},
        {"com", "com\0", 4},
        {"www.Example.com.", "com\0example\0www\0", 16},
        {"a\\.b.com", "com\0a\\.b\0", 9},
        {"\\000.com", "com\0\\000\0", 9},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name;
        CHECK_INTEGER(parse(rows[i].text, &name), 0, "%s", rows[i].text);
        CHECK_INTEGER(name.key_length, (int64_t)rows[i].length, "%s", rows[i].text);
        CHECK(memcmp(name.key, rows[i].key, rows[i].length) == 0, "%s", rows[i].text);
    }
}

/* One byte as PowerDNS writes it inside a label, in lower case. */
static void write_escaped(unsigned byte, char text[static 5])
{
    if (byte >= 'A' && byte <= 'Z')
        byte += 'a' - 'A';
    if (byte <= 0x20 || byte >= 0x7f)
        snprintf(text, 5, "\\%03u", byte);
    else
        snprintf(text, 5, "%s%c", byte == '.' || byte == '\\' ? "\\" : "", (char)byte);
}

static void every_byte_can_stand_in_a_label(void)
{
    for (unsigned byte = 0; byte <= 255; byte++) {
        struct name name;
        char number[32], expected[5], whole[32];
        snprintf(number, sizeof number, "x\\%03u.com", byte);
        write_escaped(byte, expected);
        snprintf(whole, sizeof whole, "x%s.com", expected);
        CHECK_INTEGER(parse(number, &name), 0, "byte %u", byte);
        CHECK_TEXT(name.text, whole, "byte %u as a number", byte);
        CHECK_INTEGER(parse(whole, &name), 0, "byte %u", byte);
        CHECK_TEXT(name.text, whole, "byte %u in its usual form", byte);
        if (byte == '.' || byte == '\\')
            continue;
        char raw[6] = {'x', (char)byte, '.', 'c', 'o', 'm'};
        CHECK_INTEGER(name_parse(raw, sizeof raw, &name), 0, "byte %u", byte);
        CHECK_TEXT(name.text, whole, "byte %u as it is", byte);
    }
}

/* Labels of the given lengths, each byte written by `byte`; returns the length of the text. */
static size_t write_labels(const size_t *lengths, size_t count, const char *byte, char *text)
{
    char *out = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *out++ = '.';
        for (size_t k = 0; k < lengths[i]; k++)
            out = stpcpy(out, byte);
    }
    *out = '\0';
    return (size_t)(out - text);
}

static void names_end_at_255_bytes(void)
{
    static const struct {
        size_t lengths[5];
        size_t count;
        int code;
    } rows[] = {
        {{63, 63, 63, 61}, 4, 0},
        {{63, 63, 63, 62}, 4, ERR_INVAL},
        {{63, 63, 63, 63}, 4, ERR_INVAL},
        {{63, 63, 63, 61, 1}, 5, ERR_INVAL},
        {{63, 63, 63, 61, 63}, 5, ERR_INVAL},
        {{63, 63, 63, 59, 1}, 5, 0},
        {{63, 63, 63, 60, 1}, 5, ERR_INVAL},
        {{64}, 1, ERR_INVAL},
        {{63}, 1, 0},
        {{1, 64}, 2, ERR_INVAL},
    };
    static const char *const bytes[] = {"a", "Z", "\\000", "\\255", "\\.", "\\\\"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t k = 0; k < COUNT(bytes); k++) {
            char text[2048];
            struct name name;
            size_t length = write_labels(rows[i].lengths, rows[i].count, bytes[k], text);
            CHECK_INTEGER(name_parse(text, length, &name), rows[i].code, "row %zu of %s", i,
                          bytes[k]);
            text[length++] = '.';
            CHECK_INTEGER(name_parse(text, length, &name), rows[i].code, "row %zu of %s.", i,
                          bytes[k]);
        }
    }
}

static void a_name_has_up_to_127_labels(void)
{
    char text[300];
    struct name name;
    for (size_t i = 0; i < 128; i++)
        memcpy(text + 2 * i, "a.", 2);
    CHECK_INTEGER(name_parse(text, 254, &name), 0, "127 labels");
    CHECK_INTEGER(name.text_length, 253, "127 labels");
    CHECK_INTEGER(name.key_length, 254, "127 labels");
    CHECK_INTEGER(name_parse(text, 256, &name), ERR_INVAL, "128 labels");
}

static void names_lie_within_their_ancestors(void)
{
    static const struct {
        const char *below, *above;
        bool within;
    } rows[] = {
        {"www.example.com", "example.com", true},
        {"example.com", "example.com", true},
        {"example.com", ".", true},
        {".", ".", true},
        {".", "com", false},
        {"com", "example.com", false},
        {"badexample.com", "example.com", false},
        {"example.com.org", "example.com", false},
        {"a\\.example.com", "example.com", false},
        {"a.b.c.example.com", "c.example.com", true},
        {"b\\.example.com", "com", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name below, above;
        CHECK_INTEGER(parse(rows[i].below, &below) + parse(rows[i].above, &above), 0, "row %zu", i);
        CHECK_INTEGER(name_key_within(below.key, below.key_length, above.key, above.key_length),
                      rows[i].within, "%s in %s", rows[i].below, rows[i].above);
    }
}

static int compare(const struct name *a, const struct name *b)
{
    return name_key_compare(a->key, a->key_length, b->key, b->key_length);
}

static void names_are_ordered_from_the_root(void)
{
    static const char *const rows[] = {
        ".",       "com",    "a.com",  "\\000.a.com", "a.a.com", "z.a.com",
        "a-b.com", "a0.com", "ab.com", "b.com",       "com0",    "org",
    };
    struct name names[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(parse(rows[i], &names[i]), 0, "%s", rows[i]);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t k = 0; k < COUNT(rows); k++) {
            int order = compare(&names[i], &names[k]);
            CHECK_INTEGER((order > 0) - (order < 0), (i > k) - (i < k), "%s, %s", rows[i], rows[k]);
        }
}

/* Names over a tiny alphabet, so that many are each other's ancestors and near neighbours. */
static void random_name(uint64_t *seed, struct name *ret_name)
{
    static const char *const bytes[] = {"a", "b", "-", "\\.", "\\000", "\\255"};
    char text[128], *out = text;
    size_t labels = 1 + random_below(seed, 4);
    for (size_t i = 0; i < labels; i++) {
        for (size_t k = 1 + random_below(seed, 2); k > 0; k--)
            out = stpcpy(out, bytes[random_below(seed, COUNT(bytes))]);
        out = stpcpy(out, ".");
    }
    CHECK_INTEGER(parse(text, ret_name), 0, "%s", text);
}

static int compare_names(const void *a, const void *b)
{
    return compare(a, b);
}

static void what_lies_below_a_name_follows_it_directly(void)
{
    enum { NAMES = 400 };
    static struct name names[NAMES];
    uint64_t seed = 3;
    for (size_t i = 0; i < NAMES; i++)
        random_name(&seed, &names[i]);
    qsort(names, NAMES, sizeof *names, compare_names);
    for (size_t i = 0; i < NAMES; i++) {
        bool ended = false;
        for (size_t k = i + 1; k < NAMES; k++) {
            bool within = name_key_within(names[k].key, names[k].key_length, names[i].key,
                                          names[i].key_length);
            CHECK(!(ended && within), "%s after %s", names[k].text, names[i].text);
            ended = ended || !within;
        }
    }
}

static void random_names_come_back_from_their_text(void)
{
    uint64_t seed = 4;
    for (int i = 0; i < 5000; i++) {
        char text[1024], *out = text;
        struct name name, back;
        size_t labels = 1 + random_below(&seed, 4);
        for (size_t k = 0; k < labels; k++) {
            for (size_t bytes = 1 + random_below(&seed, k ? 59 : 63); bytes > 0; bytes--) {
                write_escaped((unsigned)random_below(&seed, 256), out);
                out += strlen(out);
            }
            *out++ = '.';
        }
        *--out = '\0';
        CHECK_INTEGER(parse(text, &name), 0, "%s", text);
        CHECK_TEXT(name.text, text, "case %d", i);
        CHECK_INTEGER(parse(name.text, &back), 0, "%s", text);
        CHECK_INTEGER(compare(&name, &back), 0, "%s", text);
    }
}

static const CU_TestInfo tests[] = {
    {"names are read into one form", names_are_read_into_one_form},
    {"only the length given is read", only_the_length_given_is_read},
    {"keys are the labels turned round", keys_are_the_labels_turned_round},
    {"every byte can stand in a label", every_byte_can_stand_in_a_label},
    {"labels end at 63 bytes and names at 255", names_end_at_255_bytes},
    {"a name has up to 127 labels", a_name_has_up_to_127_labels},
    {"names lie within their ancestors and nothing else", names_lie_within_their_ancestors},
    {"names are ordered from the root", names_are_ordered_from_the_root},
    {"what lies below a name follows it directly", what_lies_below_a_name_follows_it_directly},
    {"random names come back from their text", random_names_come_back_from_their_text},
    CU_TEST_INFO_NULL,
};

const struct suite suite_name = {"name", tests};

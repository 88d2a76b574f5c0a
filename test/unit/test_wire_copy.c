#include "share/wire_copy.h"

#include <string.h>

#include "fixture.h"
#include "share/wire.h"
#include "suites.h"

static void a_question_is_read_as_it_was_written(void)
{
    static const struct wire_copy_question questions[] = {
        {0, 0},
        {UINT64_MAX, INT64_C(1) << 40},
        {0x123456789abcdef, 7},
    };
    for (size_t i = 0; i < COUNT(questions); i++) {
        struct buffer text = {0};
        struct error error = {0};
        struct wire_copy_question read = {0};
        wire_write_copy_question(&text, &questions[i]);
        CHECK_INTEGER(wire_read_copy_question(buffer_text(&text), text.length, &read, &error), 0,
                      "%s", error.text);
        CHECK(read.revision == questions[i].revision && read.offset == questions[i].offset,
              "question %zu", i);
        buffer_release(&text);
    }
}

static void check_part(const struct wire_part *part)
{
    struct buffer text = {0};
    struct error error = {0};
    struct wire_part read = {0};
    wire_write_part(&text, part);
    CHECK(text.length <= WIRE_BYTES_MAX, "%zu octets", text.length);
    if (CHECK_INTEGER(wire_read_part(buffer_text(&text), text.length, &read, &error), 0, "%s",
                      error.text)) {
        CHECK(read.node == part->node && read.follows == part->follows, "nodes");
        CHECK(read.revision == part->revision && read.length == part->length &&
                  read.offset == part->offset,
              "the place");
        CHECK(read.count == part->count &&
                  (part->count == 0 || memcmp(read.bytes, part->bytes, part->count) == 0),
              "the octets");
    }
    buffer_release(&text);
}

static void a_part_is_read_as_it_was_written(void)
{
    static char octets[WIRE_PART_MAX];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)(i % 251);
    check_part(&(struct wire_part){.node = 1});
    check_part(&(struct wire_part){.node = 65535, .follows = 65535});
    check_part(&(struct wire_part){.node = 2, .revision = UINT64_MAX, .length = INT64_C(1) << 40});
    check_part(&(struct wire_part){.node = 2,
                                   .revision = 3,
                                   .length = WIRE_PART_MAX + 5,
                                   .offset = 5,
                                   .bytes = octets,
                                   .count = WIRE_PART_MAX});
}

static void a_question_that_is_not_valid_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"v\":1,\"kind\":\"copy\"}",
        "{\"v\":2,\"kind\":\"copy\",\"revision\":\"0000000000000000\",\"offset\":0}",
        "{\"v\":1,\"kind\":\"part\",\"revision\":\"0000000000000000\",\"offset\":0}",
        "{\"v\":1,\"kind\":\"copy\",\"revision\":\"000000000000000\",\"offset\":0}",
        "{\"v\":1,\"kind\":\"copy\",\"revision\":0,\"offset\":0}",
        "{\"v\":1,\"kind\":\"copy\",\"revision\":\"0000000000000000\",\"offset\":-1}",
        "{\"v\":1,\"kind\":\"copy\",\"revision\":\"0000000000000000\",\"offset\":1099511627777}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct error error = {0};
        struct wire_copy_question read;
        CHECK_INTEGER(wire_read_copy_question(texts[i], strlen(texts[i]), &read, &error), ERR_INVAL,
                      "%s", texts[i]);
        CHECK(error.text[0], "%s", texts[i]);
    }
}

#define HEAD(node, length, offset)                                                                 \
    "{\"v\":1,\"kind\":\"part\",\"node\":" node ",\"follows\":0,"                                  \
    "\"revision\":\"0000000000000000\",\"length\":" length ",\"offset\":" offset "}"

static void a_part_that_is_not_valid_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "\n",
        HEAD("1", "2", "0"), /* without a line */
        HEAD("0", "2", "0") "\nab",
        HEAD("65536", "2", "0") "\nab",
        HEAD("1", "1", "0") "\nab",
        HEAD("1", "3", "2") "\nab",
        HEAD("1", "2", "3") "\n",
        HEAD("1", "2", "-1") "\n",
        HEAD("1", "-1", "0") "\n",
        HEAD("1", "1099511627777", "0") "\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct error error = {0};
        struct wire_part read;
        CHECK_INTEGER(wire_read_part(texts[i], strlen(texts[i]), &read, &error), ERR_INVAL, "%s",
                      texts[i]);
        CHECK(error.text[0], "%s", texts[i]);
    }
}

static void a_message_is_not_too_long(void)
{
    struct buffer text = {0};
    struct error error = {0};
    struct wire_copy_question question;
    struct wire_part part;
    buffer_add_text(&text, HEAD("1", "1000000", "0") "\n");
    while (text.length < WIRE_PART_MAX + 1000)
        buffer_add_char(&text, 'x');
    CHECK_INTEGER(wire_read_part(buffer_text(&text), text.length, &part, &error), ERR_INVAL,
                  "a part");
    buffer_clear(&text);
    wire_write_copy_question(&text, &(struct wire_copy_question){0});
    while (text.length < 513)
        buffer_add_char(&text, ' ');
    CHECK_INTEGER(wire_read_copy_question(buffer_text(&text), text.length, &question, NULL),
                  ERR_INVAL, "a question");
    buffer_release(&text);
}

static const CU_TestInfo tests[] = {
    {"a question is read as it was written", a_question_is_read_as_it_was_written},
    {"a part is read as it was written", a_part_is_read_as_it_was_written},
    {"a question that is not valid is refused", a_question_that_is_not_valid_is_refused},
    {"a part that is not valid is refused", a_part_that_is_not_valid_is_refused},
    {"a message is not too long", a_message_is_not_too_long},
    CU_TEST_INFO_NULL,
};

const struct suite suite_wire_copy = {"wire_copy", tests};

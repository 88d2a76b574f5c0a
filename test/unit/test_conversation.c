#include "dialect/conversation.h"

#include <string.h>

#include "fixture.h"
#include "play.h"
#include "suites.h"

#define BANNER "OK\tpdns-sticky " PACKAGE_VERSION "\n"
#define NO_RESULT "{\"error\":\"not understood, or out of memory\"}\n"
#define INITIALIZE "{\"method\":\"initialize\",\"parameters\":{}}"

static void check_lines(const char *const *lines, size_t count, const char *answered)
{
    struct play play;
    struct conversation conversation;
    struct buffer out = {0};
    play_init(&play);
    conversation_init(&conversation, &play.service);
    for (size_t i = 0; i < count; i++)
        conversation_handle(&conversation,
                            &(struct line){.text = lines[i], .length = strlen(lines[i])}, &out);
    CHECK_TEXT(buffer_text(&out), answered, "%s", lines[0]);
    buffer_release(&out);
    conversation_release(&conversation);
    play_release(&play);
}

static void the_first_line_chooses_the_dialect_for_good(void)
{
    static const struct {
        const char *lines[3], *answered;
    } rows[] = {
        {{"HELO\t5", "CMD\tx", INITIALIZE}, BANNER "END\nFAIL\n"},
        {{INITIALIZE, "HELO\t5", INITIALIZE},
         "{\"result\":true}\n" NO_RESULT "{\"result\":true}\n"},
        {{" \t " INITIALIZE " \r", "", "{"}, "{\"result\":true}\n" NO_RESULT NO_RESULT},
        {{"{", INITIALIZE, "HELO\t5"}, NO_RESULT "{\"result\":true}\n" NO_RESULT},
        {{"", INITIALIZE, "HELO\t5"}, "FAIL\nFAIL\n" BANNER},
        {{"nonsense", INITIALIZE, "HELO\t5"}, "FAIL\nFAIL\n" BANNER},
        {{"[" INITIALIZE "]", INITIALIZE, "HELO\t5"}, "FAIL\nFAIL\n" BANNER},
        {{"HELO\t6", INITIALIZE, "HELO\t5"}, "FAIL\nFAIL\n" BANNER},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_lines(rows[i].lines, COUNT(rows[i].lines), rows[i].answered);
}

static void a_first_line_that_is_too_long_chooses_by_its_opening(void)
{
    static const struct {
        char opening;
        const char *answered;
    } rows[] = {{'{', NO_RESULT}, {'[', "FAIL\n"}, {'H', "FAIL\n"}, {'\0', "FAIL\n"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        struct conversation conversation;
        struct buffer out = {0};
        struct line line = {.text = "", .too_long = true, .first_byte = rows[i].opening};
        play_init(&play);
        conversation_init(&conversation, &play.service);
        conversation_handle(&conversation, &line, &out);
        CHECK_TEXT(buffer_text(&out), rows[i].answered, "row %zu", i);
        CHECK_INTEGER(conversation.dialect, rows[i].opening == '{' ? DIALECT_JSON : DIALECT_PIPE,
                      "row %zu", i);
        buffer_release(&out);
        conversation_release(&conversation);
        play_release(&play);
    }
}

static const CU_TestInfo tests[] = {
    {"the first line chooses the dialect for good", the_first_line_chooses_the_dialect_for_good},
    {"a first line that is too long chooses by its opening",
     a_first_line_that_is_too_long_chooses_by_its_opening},
    CU_TEST_INFO_NULL,
};

const struct suite suite_conversation = {"conversation", tests};

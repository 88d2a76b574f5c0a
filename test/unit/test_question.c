#include "core/dns/question.h"

#include "fixture.h"
#include "suites.h"

static const struct answer_record record = {
    .owner = "www.example.com", .type = "A", .content = "192.0.2.1", .ttl_s = 30};

static void records_are_added_in_order(void)
{
    struct answer answer = {.count = 0};
    for (uint32_t i = 0; i < 100; i++) {
        struct answer_record one = record;
        one.ttl_s = i;
        answer_add(&answer, &one);
    }
    CHECK_INTEGER((int64_t)answer.count, 100, "added");
    for (uint32_t i = 0; i < answer.count; i++)
        CHECK_INTEGER(answer.records[i].ttl_s, i, "record %u", i);
    answer_release(&answer);
    CHECK(!answer.records && answer.count == 0 && answer.capacity == 0, "released");
}

static void a_failed_answer_has_no_records(void)
{
    struct answer answer = {.count = 0};
    answer_add(&answer, &record);
    answer_fail(&answer);
    CHECK(answer.failed && answer.count == 0, "failed");
    answer_add(&answer, &record);
    CHECK(answer.failed && answer.count == 0, "it stays so");
    answer_clear(&answer);
    CHECK(!answer.failed && answer.count == 0, "cleared");
    answer_add(&answer, &record);
    CHECK(!answer.failed && answer.count == 1, "used again");
    answer_release(&answer);
    answer_release(&answer);
}

static void clearing_keeps_the_memory(void)
{
    struct answer answer = {.count = 0};
    answer_add(&answer, &record);
    const struct answer_record *records = answer.records;
    answer_clear(&answer);
    memory_fail_at(1);
    answer_add(&answer, &record);
    CHECK(!memory_fail_end(), "no allocation");
    CHECK(answer.records == records && answer.count == 1, "the same memory");
    answer_release(&answer);
}

static void without_memory_the_answer_fails(void)
{
    struct answer answer = {.count = 0};
    memory_fail_at(1);
    answer_add(&answer, &record);
    CHECK(memory_fail_end(), "the first record");
    CHECK(answer.failed && answer.count == 0, "the first record");
    answer_clear(&answer);
    while (answer.count < answer.capacity || answer.count == 0)
        answer_add(&answer, &record);
    memory_fail_at(1);
    answer_add(&answer, &record);
    CHECK(memory_fail_end(), "a full array");
    CHECK(answer.failed && answer.count == 0, "a full array");
    answer_release(&answer);
}

static void a_text_is_sound_where_it_can_stand_in_a_line(void)
{
    static const struct {
        const char *text;
        bool sound;
    } rows[] = {
        {"192.0.2.80", true}, {"x", true},        {"two words", true}, {" leads", true},
        {"\"\xff\"", true},   {"\x01\x7f", true}, {"", false},         {" ", false},
        {"trails ", false},   {"a\tb", false},    {"a\nb", false},     {"a\rb", false},
        {"a\vb", false},      {"a\fb", false},    {"a\n", false},      {"\ta", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(answer_text_is_sound(rows[i].text), rows[i].sound, "%s", rows[i].text);
}

static void a_record_is_sound_in_all_its_parts(void)
{
    static const struct {
        const char *owner, *type, *content;
        uint32_t ttl_s;
        uint8_t scope_bits;
        bool sound;
    } rows[] = {
        {"www.example.com", "A", "192.0.2.80", 0, 0, true},
        {"www.example.com", "A", "192.0.2.80", INT32_MAX, 128, true},
        {".", "TXT", "\"\"", 1, 24, true},
        {"", "A", "192.0.2.80", 30, 0, false},
        {"www.example.com", "", "192.0.2.80", 30, 0, false},
        {"www.example.com", "A", "", 30, 0, false},
        {"www.example.com\n", "A", "192.0.2.80", 30, 0, false},
        {"www.example.com", "A\tA", "192.0.2.80", 30, 0, false},
        {"www.example.com", "A", "192.0.2.80\nEND", 30, 0, false},
        {"www.example.com", "A", "192.0.2.80", (uint32_t)INT32_MAX + 1, 0, false},
        {"www.example.com", "A", "192.0.2.80", 30, 129, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer_record one = {.owner = rows[i].owner,
                                    .type = rows[i].type,
                                    .content = rows[i].content,
                                    .ttl_s = rows[i].ttl_s,
                                    .scope_bits = rows[i].scope_bits};
        CHECK_INTEGER(answer_record_is_sound(&one), rows[i].sound, "row %zu", i);
    }
}

static const CU_TestInfo tests[] = {
    {"records are added in order", records_are_added_in_order},
    {"a failed answer has no records", a_failed_answer_has_no_records},
    {"clearing keeps the memory", clearing_keeps_the_memory},
    {"without memory the answer fails", without_memory_the_answer_fails},
    {"a text is sound where it can stand in a line", a_text_is_sound_where_it_can_stand_in_a_line},
    {"a record is sound in all its parts", a_record_is_sound_in_all_its_parts},
    CU_TEST_INFO_NULL,
};

const struct suite suite_question = {"question", tests};

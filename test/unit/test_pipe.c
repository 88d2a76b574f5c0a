#include "dialect/pipe.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "play.h"
#include "suites.h"

/* A service on a stage, and the dialect that speaks to it. */
struct talk {
    struct play play;
    struct pipe pipe;
};

static void talk_begin(struct talk *talk)
{
    play_init(&talk->play);
    pipe_init(&talk->pipe, &talk->play.service);
}

static void talk_end(struct talk *talk)
{
    pipe_release(&talk->pipe);
    play_release(&talk->play);
}

static void talk_line(struct talk *talk, const char *text, size_t length, struct buffer *out)
{
    struct line line = {.text = text, .length = length};
    buffer_clear(&talk->play.asked);
    buffer_clear(out);
    pipe_handle(&talk->pipe, &line, out);
}

/* Sends one line at an ABI (0: without a HELO) and checks what was asked and what was answered. */
static void check_line(int abi, const char *text, const char *asked, const char *answered)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin(&talk);
    talk.pipe.abi = abi;
    talk_line(&talk, text, strlen(text), &out);
    CHECK_TEXT(buffer_text(&out), answered, "ABI %d: %s", abi, text);
    CHECK_TEXT(buffer_text(&talk.play.asked), asked, "ABI %d: %s", abi, text);
    buffer_release(&out);
    talk_end(&talk);
}

#define WITHOUT_SCOPE                                                                              \
    ": this pipe-abi-version has no scope bits; set cache-ttl, query-cache-ttl and"                \
    " negquery-cache-ttl to 0 or use 3 or later"

static void helo_is_answered_for_the_versions_that_there_are(void)
{
    static const struct {
        const char *line;
        int abi;
    } rows[] = {
        {"HELO\t1", 1},   {"HELO\t2", 2},  {"HELO\t3", 3},   {"HELO\t4", 4},
        {"HELO\t5", 5},   {"HELO\t05", 5}, {"HELO\t0", 0},   {"HELO\t6", 0},
        {"HELO\t-1", 0},  {"HELO\t", 0},   {"HELO", 0},      {"HELO\tx", 0},
        {"HELO\t3x", 0},  {"HELO 3", 0},   {"helo\t3", 0},   {"HELO\t3\t", 0},
        {"HELO\t 3", 0},  {"HELO\t+3", 0}, {"HELO\t3.0", 0}, {"HELO\t4294967299", 0},
        {"\tHELO\t3", 0}, {"", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int abi = rows[i].abi;
        const char *banner = abi >= PIPE_ABI_SCOPE ? "OK\tpdns-sticky " PACKAGE_VERSION "\n"
                             : abi > 0 ? "OK\tpdns-sticky " PACKAGE_VERSION WITHOUT_SCOPE "\n"
                                       : "FAIL\n";
        check_line(0, rows[i].line, "", banner);
    }
}

static void a_helo_that_fails_leaves_no_version(void)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin(&talk);
    talk_line(&talk, "HELO\t5", 6, &out);
    CHECK_INTEGER(talk.pipe.abi, 5, "known");
    talk_line(&talk, "HELO\t6", 6, &out);
    CHECK_INTEGER(talk.pipe.abi, 0, "unknown");
    talk_line(&talk, "HELO\t2", 6, &out);
    CHECK_INTEGER(talk.pipe.abi, 2, "known again");
    buffer_release(&out);
    talk_end(&talk);
}

#define Q1 "Q\twww.example.com\tIN\tANY\t-1\t192.0.2.10"
#define Q2 Q1 "\t198.51.100.53"
#define Q3 Q2 "\t203.0.113.0/24"

static void a_question_has_the_fields_of_its_version(void)
{
    static const struct {
        const char *line;
        int first_abi, last_abi; /* that take it */
        const char *asked;
    } rows[] = {
        {"Q\twww.example.com\tIN\tANY\t-1", 0, 0, ""},
        {Q1, 1, 1, "www.example.com ANY -1 192.0.2.10 -"},
        {Q2, 2, 2, "www.example.com ANY -1 192.0.2.10 -"},
        {Q3, 3, 5, "www.example.com ANY -1 192.0.2.10 203.0.113.0/24"},
        {Q3 "\tmore", 0, 0, ""},
        {Q3 "\t", 0, 0, ""},
        {"Q", 0, 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int abi = 0; abi <= PIPE_ABI_MAX; abi++) {
            bool taken = abi > 0 && abi >= rows[i].first_abi && abi <= rows[i].last_abi;
            check_line(abi, rows[i].line, taken ? rows[i].asked : "", taken ? "END\n" : "FAIL\n");
        }
}

static void what_stands_in_a_question_reaches_the_service(void)
{
    static const struct {
        const char *line, *asked; /* NULL: not asked, FAIL */
    } rows[] = {
        {"Q\tWwW.Example.COM.\tIN\tA\t7\t192.0.2.10\tx\t192.0.2.10/32",
         "www.example.com A 7 192.0.2.10 192.0.2.10"},
        {"Q\t.\tIN\tSOA\t-1\t0.0.0.0\t0.0.0.0\t0.0.0.0/0", ". SOA -1 0.0.0.0 0.0.0.0/0"},
        {"Q\ta\\.b\\032c\tIN\tA\t-1\t::1\t::1\t::/0", "a\\.b\\032c A -1 ::1 ::/0"},
        {"Q\ta\tIN\tA\t-1\tfe80::1%eth0\t::1\tfe80::1/128", "a A -1 fe80::1 fe80::1"},
        {"Q\ta\tIN\tA\t-1\t::ffff:192.0.2.1\t::1\t::ffff:192.0.2.0/120",
         "a A -1 192.0.2.1 192.0.2.0/24"},
        {"Q\ta\tIN\tA\t-1\tinvalid x\t::1\tnonsense", "a A -1 - -"},
        {"Q\ta\tIN\tA\t-1\t\t\t", "a A -1 - -"},
        {"Q\ta\tIN\tTYPE65280\t2147483647\t192.0.2.1\t\t", "a TYPE65280 2147483647 192.0.2.1 -"},
        {"Q\ta\tIN\tA\t-2147483648\t192.0.2.1\t\t", "a A -2147483648 192.0.2.1 -"},
        {"Q\t\tIN\tA\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta..b\tIN\tA\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\\\tIN\tA\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\tCH\tA\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\t\tA\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\tIN\t\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\tIN\tAVERYLONGWORDFORATYPE\t-1\t192.0.2.1\t\t", NULL},
        {"Q\ta\tIN\tA\t\t192.0.2.1\t\t", NULL},
        {"Q\ta\tIN\tA\tx\t192.0.2.1\t\t", NULL},
        {"Q\ta\tIN\tA\t2147483648\t192.0.2.1\t\t", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_line(5, rows[i].line, rows[i].asked ? rows[i].asked : "",
                   rows[i].asked ? "END\n" : "FAIL\n");
}

static void a_transfer_names_its_zone_from_version_4_on(void)
{
    static const struct {
        const char *line;
        int first_abi, last_abi;
        const char *asked;
    } rows[] = {
        {"AXFR\t1", 1, 3, "list 1 (no name)"},
        {"AXFR\t-1", 1, 3, "list -1 (no name)"},
        {"AXFR\t1\tExample.com", 4, 5, "list 1 example.com"},
        {"AXFR\t-1\t.", 4, 5, "list -1 ."},
        {"AXFR\tx", 0, 0, ""},
        {"AXFR\t1\ta..b", 0, 0, ""},
        {"AXFR\t1\t", 0, 0, ""},
        {"AXFR\t\texample.com", 0, 0, ""},
        {"AXFR", 0, 0, ""},
        {"AXFR\t1\texample.com\tmore", 0, 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int abi = 0; abi <= PIPE_ABI_MAX; abi++) {
            bool taken = abi > 0 && abi >= rows[i].first_abi && abi <= rows[i].last_abi;
            check_line(abi, rows[i].line, taken ? rows[i].asked : "", taken ? "END\n" : "FAIL\n");
        }
}

static void unknown_words_and_nul_bytes_fail(void)
{
    static const char *const lines[] = {"q",  "PING", "END", "FAIL", "LOG\tx",
                                        "OK", "DATA", "Q ",  " "};
    for (size_t i = 0; i < COUNT(lines); i++)
        for (int abi = 0; abi <= PIPE_ABI_MAX; abi++)
            check_line(abi, lines[i], "", "FAIL\n");
    struct talk talk;
    struct buffer out = {0};
    talk_begin(&talk);
    talk.pipe.abi = 5;
    for (size_t i = 0; i < sizeof Q3; i++) {
        char copy[sizeof Q3];
        memcpy(copy, Q3, sizeof Q3);
        copy[i] = '\0';
        talk_line(&talk, copy, sizeof copy, &out);
        CHECK_TEXT(buffer_text(&out), "FAIL\n", "NUL at %zu", i);
        CHECK_TEXT(buffer_text(&talk.play.asked), "", "NUL at %zu", i);
    }
    buffer_release(&out);
    talk_end(&talk);
}

static void a_line_that_was_too_long_fails(void)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin(&talk);
    pipe_handle(&talk.pipe, &(struct line){.text = "", .too_long = true}, &out);
    CHECK_TEXT(buffer_text(&out), "FAIL\n", "too long");
    buffer_release(&out);
    talk_end(&talk);
}

static const struct answer_record mixed[] = {
    {"www.example.com", "A", "192.0.2.80", 30, 1, 24, true},
    {"example.com", "MX", "10 mail.example.com", 3600, -1, 0, false},
    {"example.com", "MX", "20   spaced.example.com", 0, 1, 0, true},
    {"_sip._udp.example.com", "SRV", "0 5 5060 sip.example.com", 2147483647, 2147483647, 0, true},
    {"example.com", "TXT", "\"10 words\"", 60, 1, 0, true},
};

static void check_mixed(int abi, const char *answered)
{
    struct talk talk;
    struct buffer out = {0};
    char line[128];
    snprintf(line, sizeof line, "%s", abi == 1 ? Q1 : abi == 2 ? Q2 : Q3);
    talk_begin(&talk);
    talk.pipe.abi = abi;
    talk.play.records = mixed;
    talk.play.count = COUNT(mixed);
    talk_line(&talk, line, strlen(line), &out);
    CHECK_TEXT(buffer_text(&out), answered, "ABI %d", abi);
    buffer_release(&out);
    talk_end(&talk);
}

static void records_are_written_in_the_fields_of_the_version(void)
{
    for (int abi = 1; abi <= 2; abi++)
        check_mixed(abi, "DATA\twww.example.com\tIN\tA\t30\t1\t192.0.2.80\n"
                         "DATA\texample.com\tIN\tMX\t3600\t-1\t10\tmail.example.com\n"
                         "DATA\texample.com\tIN\tMX\t0\t1\t20\tspaced.example.com\n"
                         "DATA\t_sip._udp.example.com\tIN\tSRV\t2147483647\t2147483647\t0\t"
                         "5 5060 sip.example.com\n"
                         "DATA\texample.com\tIN\tTXT\t60\t1\t\"10 words\"\n"
                         "END\n");
    for (int abi = 3; abi <= 5; abi++)
        check_mixed(abi, "DATA\t24\t1\twww.example.com\tIN\tA\t30\t1\t192.0.2.80\n"
                         "DATA\t0\t0\texample.com\tIN\tMX\t3600\t-1\t10\tmail.example.com\n"
                         "DATA\t0\t1\texample.com\tIN\tMX\t0\t1\t20\tspaced.example.com\n"
                         "DATA\t0\t1\t_sip._udp.example.com\tIN\tSRV\t2147483647\t2147483647\t0\t"
                         "5 5060 sip.example.com\n"
                         "DATA\t0\t1\texample.com\tIN\tTXT\t60\t1\t\"10 words\"\n"
                         "END\n");
}

static void a_record_that_powerdns_would_not_read_is_left_out_and_told_of(void)
{
    static const struct answer_record broken[] = {
        {"", "A", "192.0.2.80", 30, 1, 1, true},
        {"www\t.example.com", "A", "192.0.2.80", 30, 1, 1, true},
        {"www.example.com", "", "192.0.2.80", 30, 1, 1, true},
        {"www.example.com", "A", "192.0.2.80 ", 30, 1, 1, true},
        {"www.example.com", "TXT", "\"a\tb\"", 30, 1, 0, true},
        {"www.example.com", "TXT", "\"a\nDATA\"", 30, 1, 0, true},
        {"www.example.com", "TXT", "", 30, 1, 0, true},
        {"www.example.com", "A", "192.0.2.80", 30, 1, 129, true},
    };
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct talk talk;
        struct buffer out = {0};
        struct answer_record records[] = {mixed[0], broken[i], mixed[0]};
        talk_begin(&talk);
        talk.pipe.abi = 5;
        talk.play.records = records;
        talk.play.count = COUNT(records);
        talk_line(&talk, Q3, strlen(Q3), &out);
        const char *good = "DATA\t24\t1\twww.example.com\tIN\tA\t30\t1\t192.0.2.80\n";
        CHECK(strncmp(buffer_text(&out), good, strlen(good)) == 0, "row %zu", i);
        CHECK(strncmp(buffer_text(&out) + strlen(good), good, strlen(good)) == 0, "row %zu", i);
        CHECK(talk.play.notified != NULL, "row %zu", i);
        buffer_release(&out);
        talk_end(&talk);
    }
}

static void notices_stand_in_an_answer_and_nowhere_else(void)
{
    static const struct {
        int abi;
        const char *line, *answered;
    } rows[] = {
        {0, "HELO\t5", "OK\tpdns-sticky " PACKAGE_VERSION "\n"},
        {0, Q3, "FAIL\n"},
        {5, "CMD\tstatus", "END\n"},
        {5, "nonsense", "FAIL\n"},
        {5, Q3, "LOG\tfirst\nLOG\tsecond\nEND\n"},
        {5, "AXFR\t1\texample.com", "LOG\tfirst\nLOG\tsecond\nEND\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct talk talk;
        struct buffer out = {0};
        talk_begin(&talk);
        talk.pipe.abi = rows[i].abi;
        talk.play.notices[0] = "first";
        talk.play.notices[1] = "second";
        talk_line(&talk, rows[i].line, strlen(rows[i].line), &out);
        CHECK_TEXT(buffer_text(&out), rows[i].answered, "row %zu", i);
        buffer_release(&out);
        talk_end(&talk);
    }
}

static void a_notice_that_powerdns_would_not_read_is_left_out(void)
{
    static const char *const notices[] = {
        "", " ", "\t", "ends in a space ", "two\nlines", "a\rb", "ends in a line\n",
    };
    for (size_t i = 0; i < COUNT(notices); i++) {
        struct talk talk;
        struct buffer out = {0};
        talk_begin(&talk);
        talk.pipe.abi = 5;
        talk.play.notices[0] = "before";
        talk.play.notices[1] = notices[i];
        talk.play.notices[2] = "behind";
        talk_line(&talk, Q3, strlen(Q3), &out);
        CHECK_TEXT(buffer_text(&out), "LOG\tbefore\nLOG\tbehind\nEND\n", "row %zu", i);
        buffer_release(&out);
        talk_end(&talk);
    }
}

static void a_failed_answer_ends_in_fail_alone(void)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin(&talk);
    talk.pipe.abi = 5;
    talk.play.records = mixed;
    talk.play.count = COUNT(mixed);
    talk.play.fails = true;
    talk.play.notices[0] = "why";
    talk_line(&talk, Q3, strlen(Q3), &out);
    CHECK_TEXT(buffer_text(&out), "LOG\twhy\nFAIL\n", "failed");
    buffer_release(&out);
    talk_end(&talk);
}

static void what_a_command_prints_ends_where_it_ends(void)
{
    static const struct {
        const char *line, *asked, *printed, *answered;
    } rows[] = {
        {"CMD\tstatus", "command <status>", "one\ntwo\n", "one\ntwo\nEND\n"},
        {"CMD\texplain a  b", "command <explain a  b>", "", "END\n"},
        {"CMD\ta\tb", "command <a\tb>", "x", "x\nEND\n"},
        {"CMD\t", "command <>", "x\n\ny\n", "x\n\ny\nEND\n"},
        {"CMD\tx", "command <x>", "END\n", "END.\nEND\n"},
        {"CMD\tx", "command <x>", "END \t\nENDE\n END\n", "END \t.\nENDE\n END\nEND\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct talk talk;
        struct buffer out = {0};
        talk_begin(&talk);
        talk.pipe.abi = 5;
        talk.play.printed = rows[i].printed;
        talk_line(&talk, rows[i].line, strlen(rows[i].line), &out);
        CHECK_TEXT(buffer_text(&out), rows[i].answered, "row %zu", i);
        CHECK_TEXT(buffer_text(&talk.play.asked), rows[i].asked, "row %zu", i);
        buffer_release(&out);
        talk_end(&talk);
    }
    for (int abi = 0; abi < 5; abi++)
        check_line(abi, "CMD\tstatus", "", "FAIL\n");
    check_line(5, "CMD", "", "FAIL\n");
}

/* An answer longer than a buffer's first room, so that it may run out at any line. */
static void talk_begin_long(struct talk *talk)
{
    static char notice[1000];
    memset(notice, 'x', sizeof notice - 1);
    talk_begin(talk);
    talk->pipe.abi = 5;
    talk->play.records = mixed;
    talk->play.count = COUNT(mixed);
    talk->play.printed = "one\ntwo\n";
    talk->play.notices[0] = notice;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* One line with the n-th allocation failing; says whether that came to pass. */
static bool handle_without_memory(const char *line, size_t n, const char *whole)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin_long(&talk);
    memory_fail_at(n);
    talk_line(&talk, line, strlen(line), &out);
    bool failed = memory_fail_end();
    const char *said = buffer_text(&out);
    bool ended = ends_in(said, "END\n") || (ends_in(said, "FAIL\n") && !strstr(said, "DATA"));
    /* Nothing at all can be said when there is no memory for the word. */
    CHECK(!*said || ended, "allocation %zu: %s", n, said);
    if (!failed)
        CHECK_TEXT(said, whole, "with memory");
    buffer_release(&out);
    talk_end(&talk);
    return failed;
}

static void without_memory_an_answer_is_whole_or_fails(void)
{
    static const char *const lines[] = {Q3, "AXFR\t1\texample.com", "CMD\tstatus"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct talk talk;
        struct buffer whole = {0};
        talk_begin_long(&talk);
        talk_line(&talk, lines[i], strlen(lines[i]), &whole);
        size_t n = 1;
        while (handle_without_memory(lines[i], n, buffer_text(&whole)) && n < 100)
            n++;
        CHECK(n > 1 && n < 100, "%zu allocations", n);
        buffer_release(&whole);
        talk_end(&talk);
    }
}

static void without_memory_a_command_is_not_run(void)
{
    struct talk talk;
    struct buffer out = {0};
    talk_begin_long(&talk);
    memory_fail_at(1);
    talk_line(&talk, "CMD\tforget 192.0.2.10", strlen("CMD\tforget 192.0.2.10"), &out);
    CHECK(memory_fail_end(), "the command's text");
    CHECK_TEXT(buffer_text(&talk.play.asked), "", "nothing was run");
    CHECK_TEXT(buffer_text(&out), "out of memory\nEND\n", "and it is said");
    buffer_release(&out);
    talk_end(&talk);
}

static const CU_TestInfo tests[] = {
    {"HELO is answered for the versions that there are",
     helo_is_answered_for_the_versions_that_there_are},
    {"a HELO that fails leaves no version", a_helo_that_fails_leaves_no_version},
    {"a question has the fields of its version", a_question_has_the_fields_of_its_version},
    {"what stands in a question reaches the service",
     what_stands_in_a_question_reaches_the_service},
    {"a transfer names its zone from version 4 on", a_transfer_names_its_zone_from_version_4_on},
    {"unknown words and NUL bytes fail", unknown_words_and_nul_bytes_fail},
    {"a line that was too long fails", a_line_that_was_too_long_fails},
    {"records are written in the fields of the version",
     records_are_written_in_the_fields_of_the_version},
    {"a record that PowerDNS would not read is left out and told of",
     a_record_that_powerdns_would_not_read_is_left_out_and_told_of},
    {"notices stand in an answer and nowhere else", notices_stand_in_an_answer_and_nowhere_else},
    {"a notice that PowerDNS would not read is left out",
     a_notice_that_powerdns_would_not_read_is_left_out},
    {"a failed answer ends in FAIL alone", a_failed_answer_ends_in_fail_alone},
    {"what a command prints ends where it ends", what_a_command_prints_ends_where_it_ends},
    {"without memory an answer is whole or fails", without_memory_an_answer_is_whole_or_fails},
    {"without memory a command is not run", without_memory_a_command_is_not_run},
    CU_TEST_INFO_NULL,
};

const struct suite suite_pipe = {"pipe", tests};

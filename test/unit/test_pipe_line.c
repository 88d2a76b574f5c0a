#include "dialect/pipe_line.h"

#include <string.h>

#include "core/buffer.h"
#include "fixture.h"
#include "suites.h"

static bool sound(const char *line, int abi)
{
    return pipe_line_is_sound(line, strlen(line), abi);
}

static void words_stand_alone_and_log_says_something(void)
{
    static const struct {
        const char *line;
        bool sound;
    } rows[] = {
        {"END", true},
        {"FAIL", true},
        {"LOG\tx", true},
        {"LOG\tseveral words, a \"quote\" and a\ttab", true},
        {"", false},
        {" ", false},
        {"\t", false},
        {"END ", false},
        {"END\t", false},
        {"END\tx", false},
        {" END", false},
        {"end", false},
        {"ENDE", false},
        {"FAIL\tx", false},
        {"fail", false},
        /* line.substr(4) of four bytes or fewer: nothing to log, or an exception. */
        {"LOG", false},
        {"LOG\t", false},
        {"LOG x", false},
        {"LOGx", false},
        {"\tLOG\tx", false},
        {"OK\tx", false},
        {"DATA", false},
        {"HELO\t1", false},
        {"LOG\ta\nb", false},
        {"LOG\ta\r", false},
        {"LOG\ta\rb", false},
        {"LOG\t\tb", true},
        {"LOG\t b", true},
        {"LOG\t\t", false},
    };
    for (int abi = PIPE_ABI_MIN; abi <= PIPE_ABI_MAX; abi++)
        for (size_t i = 0; i < COUNT(rows); i++)
            CHECK_INTEGER(sound(rows[i].line, abi), rows[i].sound, "ABI %d: %s", abi, rows[i].line);
}

/* What stands behind DATA, and behind scope bits and authority from ABI 3 on. */
static const struct {
    const char *rest;
    bool sound;
} data_rows[] = {
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80", true},
    {"www.example.com\tIN\tA\t0\t-1\t192.0.2.80", true},
    {"www.example.com\tIN\tA\t4294967295\t2147483647\t192.0.2.80", true},
    {"www.example.com\tIN\tAAAA\t30\t1\t2001:db8::80", true},
    {".\tIN\tNS\t30\t1\tns.example.com", true},
    {"*.example.com\tIN\tTXT\t30\t1\t\"two\" \"strings\"", true},
    {"a\\.b\\\\c\\032d.example.com\tIN\tTXT\t30\t1\t\"x\"", true},
    {"example.com\tIN\tMX\t30\t1\t10\tmail.example.com", true},
    {"example.com\tIN\tMX\t30\t1\t0\t.", true},
    {"_sip._udp.example.com\tIN\tSRV\t30\t1\t0\t5 5060 sip.example.com", true},
    {"b.example.com\tIN\tTYPE65534\t60\t1\t\\# 0", true},
    {"example.com\tIN\tTYPE65280\t60\t1\t\\# 3 010203", true},
    {"example.com\tIN\tSOA\t60\t1\tns1.example.com hostmaster.example.com 1 2 3 4 5", true},
    {"example.com\tIN\tHTTPS\t60\t1\t1 . alpn=h2 ipv4hint=192.0.2.80", true},
    /* Runs of tabs count as one: an empty field makes all that follows stand wrong. */
    {"\tIN\tA\t30\t1\t192.0.2.80", false},
    {"www.example.com\tIN\t\t30\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30\t\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30\t1\t", false},
    {"www.example.com\tIN\tA\t30\t1", false},
    {"www.example.com\tIN\tA\t30", false},
    {"www.example.com", false},
    {"", false},
    /* Numbers: std::stoul() and its like throw, and what is left of the answer stays in the pipe.
     */
    {"www.example.com\tIN\tA\t-1\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t4294967296\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\tx\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30s\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30\t2147483648\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30\t-2147483649\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t30\tx\t192.0.2.80", false},
    {"www.example.com\tIN\tA\t99999999999999999999\t1\t192.0.2.80", false},
    /* Names. */
    {"www..example.com\tIN\tA\t30\t1\t192.0.2.80", false},
    {".example.com\tIN\tA\t30\t1\t192.0.2.80", false},
    {"www.example.com\\\tIN\tA\t30\t1\t192.0.2.80", false},
    {"www\\300.example.com\tIN\tA\t30\t1\t192.0.2.80", false},
    /* The class is read over by PowerDNS; ours is IN, or the fields stand wrong. */
    {"www.example.com\tCH\tA\t30\t1\t192.0.2.80", false},
    /* An unknown mnemonic would be taken for an empty non-terminal. */
    {"www.example.com\tIN\tNOSUCH\t30\t1\t192.0.2.80", false},
    {"www.example.com\tIN\ta\t30\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tTYPE65280TYPE652\t30\t1\t\\# 0", false},
    {"www.example.com\tIN\tAVERYLONGWORDFORATYPE\t30\t1\t\\# 0", false},
    {"www.example.com\tIN\tTYPE65536\t30\t1\t\\# 0", false},
    {"www.example.com\tIN\tTYPE0\t30\t1\t\\# 0", false},
    /* MX and SRV in two fields, all others in one. */
    {"example.com\tIN\tMX\t30\t1\t10 mail.example.com", false},
    {"example.com\tIN\tMX\t30\t1\t10\tmail.example.com\tmore", false},
    {"example.com\tIN\tMX\t30\t1\t10", false},
    {"_sip._udp.example.com\tIN\tSRV\t30\t1\t0 5 5060 sip.example.com", false},
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80\t192.0.2.81", false},
    {"example.com\tIN\tTXT\t30\t1\t\"a\tb\"", false},
    /* White space at the end is cut off, which a content must not need. */
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80 ", false},
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80\r", false},
    {"example.com\tIN\tTXT\t30\t1\t\"a\rb\"", false},
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80\x0b", false},
    /* Contents that a record of the type cannot have. */
    {"www.example.com\tIN\tA\t30\t1\t192.0.2", false},
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.256", false},
    {"www.example.com\tIN\tAAAA\t30\t1\t192.0.2.80", false},
    {"www.example.com\tIN\tAAAA\t30\t1\tfe80::1%eth0", false},
    {"example.com\tIN\tMX\t30\t1\tx\tmail.example.com", false},
    {"example.com\tIN\tMX\t30\t1\t65536\tmail.example.com", false},
    {"example.com\tIN\tTXT\t30\t1\tno quotes", false},
    {"example.com\tIN\tTXT\t30\t1\t\"no end", false},
    {"example.com\tIN\tSOA\t60\t1\tns1.example.com hostmaster.example.com 1 2 3 4", false},
    {"example.com\tIN\tTYPE65280\t60\t1\t\\# 3 0102", false},
    {"example.com\tIN\tTYPE65280\t60\t1\t010203", false},
    {"www.example.com\tIN\tA\t30\t1\t192.0.2.80\nDATA", false},
};

static void check_data(const char *before, const char *rest, int abi, bool expected)
{
    struct buffer line = {0};
    buffer_printf(&line, "DATA\t%s%s", before, rest);
    CHECK_INTEGER(sound(buffer_text(&line), abi), expected, "ABI %d: %s", abi, buffer_text(&line));
    buffer_release(&line);
}

static void data_is_taken_with_as_many_fields_as_the_version_has(void)
{
    for (size_t i = 0; i < COUNT(data_rows); i++) {
        for (int abi = PIPE_ABI_MIN; abi < PIPE_ABI_SCOPE; abi++)
            check_data("", data_rows[i].rest, abi, data_rows[i].sound);
        for (int abi = PIPE_ABI_SCOPE; abi <= PIPE_ABI_MAX; abi++) {
            check_data("0\t1\t", data_rows[i].rest, abi, data_rows[i].sound);
            check_data("24\t0\t", data_rows[i].rest, abi, data_rows[i].sound);
        }
    }
}

static void a_line_of_another_version_is_refused(void)
{
    const char *rest = "www.example.com\tIN\tA\t30\t1\t192.0.2.80";
    for (int abi = PIPE_ABI_MIN; abi < PIPE_ABI_SCOPE; abi++)
        check_data("0\t1\t", rest, abi, false);
    for (int abi = PIPE_ABI_SCOPE; abi <= PIPE_ABI_MAX; abi++)
        check_data("", rest, abi, false);
}

static void scope_bits_and_authority_have_their_range(void)
{
    static const struct {
        const char *before;
        bool sound;
    } rows[] = {
        {"0\t0\t", true},   {"0\t1\t", true},    {"1\t1\t", true},    {"32\t1\t", true},
        {"128\t1\t", true}, {"129\t1\t", false}, {"256\t1\t", false}, {"-1\t1\t", false},
        {"x\t1\t", false},  {"\t1\t", false},    {"0\t2\t", false},   {"0\ttrue\t", false},
        {"0\t-1\t", false}, {"0\t\t", false},    {"0\t01\t", false},  {"1.5\t1\t", false},
    };
    for (int abi = PIPE_ABI_SCOPE; abi <= PIPE_ABI_MAX; abi++)
        for (size_t i = 0; i < COUNT(rows); i++)
            check_data(rows[i].before, "www.example.com\tIN\tA\t30\t1\t192.0.2.80", abi,
                       rows[i].sound);
}

static void a_nul_is_refused_wherever_it_stands(void)
{
    const char *line = "DATA\t0\t1\twww.example.com\tIN\tA\t30\t1\t192.0.2.80";
    char copy[128];
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++) {
        memcpy(copy, line, length);
        copy[i] = '\0';
        /* In the owner it is a byte like any other, that PowerDNS takes; nowhere else. */
        bool in_owner = i >= 9 && i < 9 + strlen("www.example.com");
        if (!in_owner)
            CHECK(!pipe_line_is_sound(copy, length, 5), "NUL at %zu", i);
    }
}

static void a_content_has_a_greatest_length(void)
{
    static const size_t lengths[] = {10, 1000, 60000, 65535, 65536, 200000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct buffer line = {0};
        buffer_add_text(&line, "DATA\t0\t1\texample.com\tIN\tTXT\t30\t1\t\"");
        for (size_t j = 0; j < lengths[i]; j++)
            buffer_add_char(&line, 'x');
        buffer_add_char(&line, '"');
        bool taken = pipe_line_is_sound(line.data, line.length, 5);
        CHECK_INTEGER(taken, lengths[i] <= 60000, "%zu bytes", lengths[i]);
        buffer_release(&line);
    }
}

static const CU_TestInfo tests[] = {
    {"words stand alone, and LOG says something", words_stand_alone_and_log_says_something},
    {"DATA is taken with as many fields as the version has",
     data_is_taken_with_as_many_fields_as_the_version_has},
    {"a line of another version is refused", a_line_of_another_version_is_refused},
    {"scope bits and authority have their range", scope_bits_and_authority_have_their_range},
    {"a NUL is refused wherever it stands", a_nul_is_refused_wherever_it_stands},
    {"a content has a greatest length", a_content_has_a_greatest_length},
    CU_TEST_INFO_NULL,
};

const struct suite suite_pipe_line = {"pipe_line", tests};

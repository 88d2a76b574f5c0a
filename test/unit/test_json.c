#include "dialect/json.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "play.h"
#include "suites.h"

#define NONE "{\"result\":[]}\n"
#define FALSE "{\"result\":false}\n"
#define TRUE "{\"result\":true}\n"
#define NO_RESULT "{\"error\":\"not understood, or out of memory\"}\n"
#define FAILED_RECORD                                                                              \
    "{\"qtype\":\"A\",\"qname\":\".\",\"content\":\"lookup failed\",\"ttl\":0,\"domain_id\":-1,"   \
    "\"auth\":1,\"scopeMask\":0}"
#define FAILED "{\"result\":[" FAILED_RECORD "]}\n"

/* Requests in single quotes, to be read more easily. */
static size_t quote(const char *text, char *quoted, size_t size)
{
    size_t length = strlen(text);
    CHECK(length < size, "%s", text);
    for (size_t i = 0; i <= length; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    return length;
}

static void say(struct play *play, const char *text, size_t length, struct buffer *out)
{
    struct json json;
    json_init(&json, &play->service);
    json_handle(&json, &(struct line){.text = text, .length = length}, out);
    json_release(&json);
}

/* Sends a request and checks what was asked and what was answered. */
static void check_play(struct play *play, const char *text, const char *asked, const char *answered)
{
    struct buffer out = {0};
    char request[2048];
    size_t length = quote(text, request, sizeof request);
    say(play, request, length, &out);
    CHECK_TEXT(buffer_text(&out), answered, "%s", text);
    CHECK_TEXT(buffer_text(&play->asked), asked, "%s", text);
    buffer_release(&out);
}

static void check_request(const char *text, const char *asked, const char *answered)
{
    struct play play;
    play_init(&play);
    check_play(&play, text, asked, answered);
    play_release(&play);
}

#define LOOKUP(parameters) "{'method':'lookup','parameters':{" parameters "}}"
#define WWW                                                                                        \
    LOOKUP("'qtype':'ANY','qname':'www.example.com.','remote':'192.0.2.10',"                       \
           "'local':'198.51.100.53','real-remote':'203.0.113.0/24','zone-id':-1")

static void what_stands_in_a_lookup_reaches_the_service(void)
{
    static const struct {
        const char *request, *asked; /* NULL: not asked, and it fails */
    } rows[] = {
        {WWW, "www.example.com ANY -1 192.0.2.10 203.0.113.0/24"},
        {LOOKUP("'qtype':'SOA','qname':'.','remote':'0.0.0.0','real-remote':'0.0.0.0/0',"
                "'zone-id':7"),
         ". SOA 7 0.0.0.0 0.0.0.0/0"},
        {LOOKUP("'qtype':'A','qname':'WwW.Example.COM','remote':'::1','real-remote':'::/0'"),
         "www.example.com A -1 ::1 ::/0"},
        {LOOKUP("'qtype':'A','qname':'a\\\\.b\\\\032c.','remote':'192.0.2.1',"
                "'real-remote':'192.0.2.1'"),
         "a\\.b\\032c A -1 192.0.2.1 192.0.2.1"},
        {LOOKUP("'qtype':'A','qname':'\\u0061.','remote':'fe80::1%eth0',"
                "'real-remote':'fe80::1/128'"),
         "a A -1 fe80::1 fe80::1"},
        {LOOKUP("'qtype':'TYPE65280','qname':'a.','zone-id':2147483647"),
         "a TYPE65280 2147483647 - -"},
        {LOOKUP("'qtype':'A','qname':'a.','remote':'nonsense','real-remote':7"), "a A -1 - -"},
        {LOOKUP("'qtype':'A','qname':'a.','more':[{}],'zone-id':-2147483648"),
         "a A -2147483648 - -"},
        {LOOKUP("'qtype':'A','qname':'b.','qname':'a.'"), "a A -1 - -"},
        {LOOKUP("'qname':'a.'"), NULL},
        {LOOKUP("'qtype':'A'"), NULL},
        {LOOKUP("'qtype':'','qname':'a.'"), NULL},
        {LOOKUP("'qtype':1,'qname':'a.'"), NULL},
        {LOOKUP("'qtype':'AVERYLONGWORDFORATYPE','qname':'a.'"), NULL},
        {LOOKUP("'qtype':'A','qname':''"), NULL},
        {LOOKUP("'qtype':'A','qname':'a..b.'"), NULL},
        {LOOKUP("'qtype':'A','qname':null"), NULL},
        {LOOKUP("'qtype':'A','qname':['a.']"), NULL},
        {LOOKUP("'qtype':'A','qname':'a.','zone-id':'1'"), NULL},
        {LOOKUP("'qtype':'A','qname':'a.','zone-id':1.0"), NULL},
        {LOOKUP("'qtype':'A','qname':'a.','zone-id':null"), NULL},
        {LOOKUP("'qtype':'A','qname':'a.','zone-id':2147483648"), NULL},
        {LOOKUP("'qtype':'A','qname':'a.','zone-id':-2147483649"), NULL},
        {LOOKUP(""), NULL},
        {"{'method':'lookup'}", NULL},
        {"{'method':'lookup','parameters':[]}", NULL},
        {"{'method':'lookup','parameters':'qname'}", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(rows[i].request, rows[i].asked ? rows[i].asked : "",
                      rows[i].asked ? NONE : FAILED);
}

static void every_method_has_its_reply(void)
{
    static const struct {
        const char *request, *asked, *answered;
    } rows[] = {
        {"{'method':'initialize','parameters':{'command':'/x y','timeout':'2000'}}", "", TRUE},
        {"{'method':'initialize'}", "", TRUE},
        {"{'method':'APILookup','parameters':{'qtype':'A','qname':'a.','remote':'0.0.0.0',"
         "'local':'0.0.0.0','real-remote':'0.0.0.0/0','zone-id':1,'include-disabled':true}}",
         "a A 1 0.0.0.0 0.0.0.0/0", NONE},
        {"{'method':'list','parameters':{'zonename':'Example.com.','domain_id':1,"
         "'include_disabled':false}}",
         "list 1 example.com", NONE},
        {"{'method':'list','parameters':{'zonename':'.'}}", "list -1 .", NONE},
        {"{'method':'list','parameters':{'zonename':'example.com..view','domain_id':1}}", "", NONE},
        {"{'method':'list','parameters':{'domain_id':1}}", "", NONE},
        {"{'method':'list','parameters':{'zonename':'a.','domain_id':'1'}}", "", NONE},
        {"{'method':'getAllDomains','parameters':{'include_disabled':true}}", "zones", NONE},
        {"{'method':'getAllDomains'}", "zones", NONE},
        {"{'method':'getDomainInfo','parameters':{'name':'Example.com.'}}",
         "example.com SOA -1 - -", FALSE},
        {"{'method':'getDomainInfo','parameters':{'name':'example.com..view'}}", "", FALSE},
        {"{'method':'getDomainInfo','parameters':{}}", "", FALSE},
        {"{'method':'getAllDomainMetadata','parameters':{'name':'example.com.'}}",
         "example.com SOA -1 - -", FALSE},
        {"{'method':'getDomainMetadata','parameters':{'name':'a.','kind':'PRESIGNED'}}",
         "a SOA -1 - -", FALSE},
        {"{'method':'directBackendCmd','parameters':{'query':'explain a  b'}}",
         "command <explain a  b>", "{\"result\":\"\"}\n"},
        {"{'method':'directBackendCmd','parameters':{}}", "command <>", "{\"result\":\"\"}\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(rows[i].request, rows[i].asked, rows[i].answered);
}

static void every_other_method_gets_false(void)
{
    static const char *const methods[] = {
        "getBeforeAndAfterNamesAbsolute",
        "setDomainMetadata",
        "getDomainKeys",
        "addDomainKey",
        "removeDomainKey",
        "activateDomainKey",
        "deactivateDomainKey",
        "publishDomainKey",
        "unpublishDomainKey",
        "getTSIGKey",
        "setTSIGKey",
        "deleteTSIGKey",
        "getTSIGKeys",
        "setNotified",
        "superMasterBackend",
        "createSlaveDomain",
        "replaceRRSet",
        "feedRecord",
        "feedEnts",
        "feedEnts3",
        "startTransaction",
        "commitTransaction",
        "abortTransaction",
        "searchRecords",
        "getUpdatedMasters",
        "getUnfreshSlaveInfos",
        "setFresh",
        "setStale",
        "",
        "Lookup",
        "lookup ",
    };
    char request[128];
    for (size_t i = 0; i < COUNT(methods); i++) {
        snprintf(request, sizeof request, "{'method':'%s','parameters':{'name':'a.'}}", methods[i]);
        check_request(request, "", FALSE);
    }
}

static void what_is_no_request_gets_no_result(void)
{
    static const char *const lines[] = {
        "",
        " ",
        "{",
        "}",
        "{}",
        "[]",
        "null",
        "1",
        "'lookup'",
        "[" WWW "]",
        WWW WWW,
        WWW " x",
        "{'method':null}",
        "{'method':7,'parameters':{}}",
        "{'method':['lookup']}",
        "{'Method':'lookup'}",
        "{'parameters':{'method':'lookup'}}",
        "{'method':'initialize','parameters':{'number':1e999}}",
        "{'method':'initialize','parameters':{'number':99999999999999999999}}",
        "{'method':'initialize','parameters':{'text':'\\u0000'}}",
        "{'method':'initialize','parameters':{'text':'\\ud800'}}",
        "{'method':'initialize','parameters':{'text':'\xff'}}",
        "{'method':'initialize','parameters':{'text':'\xc0\x80'}}",
        "{'method':'initialize','parameters':{'text':'\xe2\x82'}}",
        "{'method':'initialize','parameters':{'text':'\t'}}",
        "{'method':'initialize',}",
        "{\"method\":\"initialize\",'parameters':{}} // said so",
        "\xef\xbb\xbf{'method':'initialize'}",
        "HELO\t5",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        check_request(lines[i], "", NO_RESULT);
    check_request("{'method':'initialize','method':'getTSIGKeys'}", "", FALSE);
}

static void a_nul_byte_anywhere_makes_it_no_request(void)
{
    struct play play;
    char request[] = "{\"method\":\"initialize\",\"parameters\":{}}";
    play_init(&play);
    for (size_t i = 0; i < sizeof request; i++) {
        struct buffer out = {0};
        char copy[sizeof request];
        memcpy(copy, request, sizeof request);
        copy[i] = '\0';
        say(&play, copy, sizeof copy, &out);
        CHECK_TEXT(buffer_text(&out), NO_RESULT, "NUL at %zu", i);
        buffer_release(&out);
    }
    play_release(&play);
}

static void a_line_that_was_too_long_gets_no_result(void)
{
    struct play play;
    struct json json;
    struct buffer out = {0};
    play_init(&play);
    json_init(&json, &play.service);
    json_handle(&json, &(struct line){.text = "", .too_long = true}, &out);
    CHECK_TEXT(buffer_text(&out), NO_RESULT, "too long");
    buffer_release(&out);
    json_release(&json);
    play_release(&play);
}

static void a_line_as_deep_as_it_is_long_is_survived(void)
{
    static const char *const openings[] = {"[",
                                           "{\"a\":", "{\"method\":\"lookup\",\"parameters\":"};
    for (size_t i = 0; i < COUNT(openings); i++) {
        struct play play;
        struct buffer line = {0}, out = {0};
        play_init(&play);
        while (line.length + strlen(openings[i]) < LINE_LENGTH_MAX)
            buffer_add_text(&line, openings[i]);
        say(&play, buffer_text(&line), line.length, &out);
        CHECK_TEXT(buffer_text(&out), NO_RESULT, "row %zu", i);
        buffer_release(&line);
        buffer_release(&out);
        play_release(&play);
    }
}

static const struct answer_record mixed[] = {
    {"www.example.com", "A", "192.0.2.80", 30, 1, 24, true},
    {"example.com", "MX", "10 mail.example.com", 3600, -1, 0, false},
    {"_sip._udp.example.com", "SRV", "0 5 5060 sip.example.com", INT32_MAX, INT32_MAX, 128, true},
    {"a\\.b\\032\\\"c.example.com", "TXT", "\"10 \\\"words\\\" / \\\\\" \"more\"", 0, 1, 0, true},
    {"www.example.com", "HTTPS", "1 . alpn=h2,h3", 60, 1, 0, true},
    {"www.example.com", "ALIAS", "example.net", 60, 1, 0, true},
    {"between.example.com", "TYPE0", "\\# 0", 60, 1, 0, true},
};

#define MIXED                                                                                      \
    "[{\"qtype\":\"A\",\"qname\":\"www.example.com\",\"content\":\"192.0.2.80\",\"ttl\":30,"       \
    "\"domain_id\":1,\"auth\":1,\"scopeMask\":24},"                                                \
    "{\"qtype\":\"MX\",\"qname\":\"example.com\",\"content\":\"10 mail.example.com\","             \
    "\"ttl\":3600,\"domain_id\":-1,\"auth\":0,\"scopeMask\":0},"                                   \
    "{\"qtype\":\"SRV\",\"qname\":\"_sip._udp.example.com\","                                      \
    "\"content\":\"0 5 5060 sip.example.com\",\"ttl\":2147483647,\"domain_id\":2147483647,"        \
    "\"auth\":1,\"scopeMask\":128},"                                                               \
    "{\"qtype\":\"TXT\",\"qname\":\"a\\\\.b\\\\032\\\\\\\"c.example.com\","                        \
    "\"content\":\"\\\"10 \\\\\\\"words\\\\\\\" / \\\\\\\\\\\" \\\"more\\\"\",\"ttl\":0,"          \
    "\"domain_id\":1,\"auth\":1,\"scopeMask\":0},"                                                 \
    "{\"qtype\":\"HTTPS\",\"qname\":\"www.example.com\",\"content\":\"1 . alpn=h2,h3\","           \
    "\"ttl\":60,\"domain_id\":1,\"auth\":1,\"scopeMask\":0},"                                      \
    "{\"qtype\":\"ALIAS\",\"qname\":\"www.example.com\",\"content\":\"example.net\",\"ttl\":60,"   \
    "\"domain_id\":1,\"auth\":1,\"scopeMask\":0},"                                                 \
    "{\"qtype\":\"TYPE0\",\"qname\":\"between.example.com\",\"content\":\"\",\"ttl\":60,"          \
    "\"domain_id\":1,\"auth\":0,\"scopeMask\":0}]"

#define LIST "{'method':'list','parameters':{'zonename':'a.','domain_id':1}}"

static void records_have_the_types_that_powerdns_reads(void)
{
    static const struct {
        const char *request, *asked;
    } rows[] = {
        {WWW, "www.example.com ANY -1 192.0.2.10 203.0.113.0/24"},
        {LIST, "list 1 a"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        play_init(&play);
        play.records = mixed;
        play.count = COUNT(mixed);
        check_play(&play, rows[i].request, rows[i].asked, "{\"result\":" MIXED "}\n");
        play_release(&play);
    }
}

static void bytes_that_are_not_utf_8_are_escaped_once(void)
{
    static const struct {
        const char *content, *written;
    } rows[] = {
        {"\"gr\xc3\xbc\xc3\x9f\"", "\\\"gr\xc3\xbc\xc3\x9f\\\""},
        {"\"\xff\"", "\\\"\\\\255\\\""},
        {"\"\xc3\xbc \xfc\"", "\\\"\\\\195\\\\188 \\\\252\\\""},
        {"\"\\\xff\"", "\\\"\\\\255\\\""},
        {"\"\\\\\xff\"", "\\\"\\\\\\\\\\\\255\\\""},
        {"\"\\100\xff\"", "\\\"\\\\100\\\\255\\\""},
        {"\"\x01\x7f\"", "\\\"\\u0001\x7f\\\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        struct buffer answered = {0};
        struct answer_record record = {"a", "TXT", rows[i].content, 60, 1, 0, true};
        play_init(&play);
        play.records = &record;
        play.count = 1;
        buffer_printf(&answered,
                      "{\"result\":[{\"qtype\":\"TXT\",\"qname\":\"a\",\"content\":\"%s\","
                      "\"ttl\":60,\"domain_id\":1,\"auth\":1,\"scopeMask\":0}]}\n",
                      rows[i].written);
        check_play(&play, LIST, "list 1 a", buffer_text(&answered));
        buffer_release(&answered);
        play_release(&play);
    }
}

static void a_record_that_powerdns_would_not_read_is_left_out_and_told_of(void)
{
    static const struct answer_record broken[] = {
        {"", "A", "192.0.2.80", 30, 1, 1, true},
        {"www.example.com", "", "192.0.2.80", 30, 1, 0, true},
        {"www.example.com", "TXT", "\"a\tb\"", 30, 1, 0, true},
        {"www.example.com", "TXT", "", 30, 1, 0, true},
        {"www.example.com", "A", "192.0.2.80", 30, 1, 129, true},
        {"www.example.com", "A", "192.0.2.80", 2147483648, 1, 0, true},
    };
    static const char good[] =
        "{\"qtype\":\"A\",\"qname\":\"www.example.com\",\"content\":\"192.0.2.80\",\"ttl\":30,"
        "\"domain_id\":1,\"auth\":1,\"scopeMask\":24}";
    char answered[512];
    snprintf(answered, sizeof answered, "{\"result\":[%s,%s]}\n", good, good);
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct play play;
        struct answer_record records[] = {broken[i], mixed[0], broken[i], mixed[0], broken[i]};
        play_init(&play);
        play.records = records;
        play.count = COUNT(records);
        check_play(&play, LIST, "list 1 a", answered);
        CHECK(play.notified != NULL, "row %zu", i);
        play_release(&play);
    }
}

static const struct answer_record soas[] = {
    {"example.com", "SOA", "ns1.example.com hm.example.com 4294967295 3600 600 604800 60", 60, 1, 0,
     true},
    {".", "SOA", "ns1  hm  7  3600 600 604800 60", 60, INT32_MAX, 0, true},
};

static void a_zone_is_told_with_its_id_and_serial(void)
{
    static const struct {
        const char *request, *asked, *answered;
    } rows[] = {
        {"{'method':'getAllDomains','parameters':{'include_disabled':true}}", "zones",
         "{\"result\":[{\"id\":1,\"zone\":\"example.com\",\"kind\":\"native\","
         "\"serial\":4294967295},{\"id\":2147483647,\"zone\":\".\",\"kind\":\"native\","
         "\"serial\":7}]}\n"},
        {"{'method':'getDomainInfo','parameters':{'name':'example.com.'}}",
         "example.com SOA -1 - -",
         "{\"result\":{\"id\":1,\"zone\":\"example.com\",\"kind\":\"native\","
         "\"serial\":4294967295}}\n"},
        {"{'method':'getAllDomainMetadata','parameters':{'name':'example.com.'}}",
         "example.com SOA -1 - -", "{\"result\":{}}\n"},
        {"{'method':'getDomainMetadata','parameters':{'name':'example.com.','kind':'SOA-EDIT'}}",
         "example.com SOA -1 - -", "{\"result\":[]}\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        play_init(&play);
        play.records = soas;
        play.count = COUNT(soas);
        check_play(&play, rows[i].request, rows[i].asked, rows[i].answered);
        play_release(&play);
    }
}

static void what_a_command_prints_is_one_text(void)
{
    static const struct {
        const char *printed, *answered;
    } rows[] = {
        {"one\ntwo\n", "{\"result\":\"one\\ntwo\\n\"}\n"},
        {"END\n", "{\"result\":\"END\\n\"}\n"},
        {"\xfc\n", "{\"result\":\"\\\\252\\n\"}\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        play_init(&play);
        play.printed = rows[i].printed;
        check_play(&play, "{'method':'directBackendCmd','parameters':{'query':'status'}}",
                   "command <status>", rows[i].answered);
        play_release(&play);
    }
}

#define LOG "\"log\":[\"first\",\"a \\\"second\\\" \\\\255\"]"

static void notices_go_with_the_next_result(void)
{
    static const struct {
        const char *request, *answered;
        bool fails;
    } rows[] = {
        {WWW, "{\"result\":[]," LOG "}\n", false},
        {WWW, "{\"result\":[" FAILED_RECORD "]," LOG "}\n", true},
        {LIST, "{\"result\":[]," LOG "}\n", false},
        {LIST, NO_RESULT, true},
        {"{'method':'getAllDomains'}", "{\"result\":[]," LOG "}\n", false},
        {"{'method':'getAllDomains'}", "{\"result\":[{\"id\":-1}]," LOG "}\n", true},
        {"{'method':'getDomainInfo','parameters':{'name':'a.'}}", "{\"result\":false," LOG "}\n",
         false},
        {"{'method':'getDomainInfo','parameters':{'name':'a.'}}", NO_RESULT, true},
        {"{'method':'initialize'}", TRUE, false},
        {"{'method':'setFresh'}", FALSE, false},
        {"nonsense", NO_RESULT, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        struct buffer out = {0};
        char request[512];
        size_t length = quote(rows[i].request, request, sizeof request);
        play_init(&play);
        play.fails = rows[i].fails;
        play.notices[0] = "first";
        play.notices[1] = "a \"second\" \xff";
        say(&play, request, length, &out);
        CHECK_TEXT(buffer_text(&out), rows[i].answered, "row %zu", i);
        CHECK_INTEGER((int64_t)play.notice, strstr(rows[i].answered, "log") ? 3 : 0, "row %zu", i);
        buffer_release(&out);
        play_release(&play);
    }
}

/* One request with the n-th allocation failing; says whether that came to pass. */
static bool handle_without_memory(const char *request, size_t n, const char *whole)
{
    struct play play;
    struct buffer out = {0};
    play_init(&play);
    play.records = mixed;
    play.count = COUNT(mixed);
    play.printed = "one\ntwo\xff\n";
    play.notices[0] = "first";
    memory_fail_at(n);
    say(&play, request, strlen(request), &out);
    bool failed = memory_fail_end();
    const char *said = buffer_text(&out);
    /* Nothing at all can be said when there is no memory for the reply's first byte. */
    bool refused = !*said || strcmp(said, NO_RESULT) == 0 ||
                   strstr(said, "[" FAILED_RECORD "]") != NULL ||
                   strstr(said, "[{\"id\":-1}]") != NULL ||
                   strcmp(said, "{\"result\":\"out of memory\\n\"}\n") == 0;
    CHECK((failed && refused) || strcmp(said, whole) == 0, "allocation %zu: %s", n, said);
    buffer_release(&out);
    play_release(&play);
    return failed;
}

static void without_memory_a_reply_is_whole_or_an_error(void)
{
    static const char *const requests[] = {
        WWW,
        LIST,
        "{'method':'getAllDomains'}",
        "{'method':'getDomainInfo','parameters':{'name':'a.'}}",
        "{'method':'getAllDomainMetadata','parameters':{'name':'a.'}}",
        "{'method':'directBackendCmd','parameters':{'query':'status'}}",
        "{'method':'initialize','parameters':{'command':'x'}}",
        "nonsense",
    };
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct play play;
        struct buffer whole = {0};
        char request[512];
        size_t length = quote(requests[i], request, sizeof request), n = 1;
        play_init(&play);
        play.records = mixed;
        play.count = COUNT(mixed);
        play.printed = "one\ntwo\xff\n";
        play.notices[0] = "first";
        say(&play, request, length, &whole);
        while (handle_without_memory(request, n, buffer_text(&whole)) && n < 1000)
            n++;
        CHECK(n > 1 && n < 1000, "%zu allocations", n);
        buffer_release(&whole);
        play_release(&play);
    }
}

static const CU_TestInfo tests[] = {
    {"what stands in a lookup reaches the service", what_stands_in_a_lookup_reaches_the_service},
    {"every method has its reply", every_method_has_its_reply},
    {"every other method gets false", every_other_method_gets_false},
    {"what is no request gets no result", what_is_no_request_gets_no_result},
    {"a NUL byte anywhere makes it no request", a_nul_byte_anywhere_makes_it_no_request},
    {"a line that was too long gets no result", a_line_that_was_too_long_gets_no_result},
    {"a line as deep as it is long is survived", a_line_as_deep_as_it_is_long_is_survived},
    {"records have the types that PowerDNS reads", records_have_the_types_that_powerdns_reads},
    {"bytes that are not UTF-8 are escaped once", bytes_that_are_not_utf_8_are_escaped_once},
    {"a record that PowerDNS would not read is left out and told of",
     a_record_that_powerdns_would_not_read_is_left_out_and_told_of},
    {"a zone is told with its id and serial", a_zone_is_told_with_its_id_and_serial},
    {"what a command prints is one text", what_a_command_prints_is_one_text},
    {"notices go with the next result", notices_go_with_the_next_result},
    {"without memory a reply is whole or an error", without_memory_a_reply_is_whole_or_an_error},
    CU_TEST_INFO_NULL,
};

const struct suite suite_json = {"json", tests};

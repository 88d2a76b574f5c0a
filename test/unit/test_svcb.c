#include "core/dns/svcb.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void parameters_are_read_as_powerdns_reads_them(void)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"   ", true},
        {"alpn=h2", true},
        {" alpn=h2,h3  port=443 ", true},
        {"alpn=\"h2,h3\"", true},
        {"alpn=\"h2, h3\"", true}, /* the second protocol begins with a space */
        {"alpn", false},
        {"alpn=", false},
        {"alpn=\"\"", false},
        {"alpn=h2,", false},
        {"alpn=h2,,h3", false},
        {"alpn=h2 alpn=h3", false},
        {"alpn=a\\,b", false},
        {"alpn=\"h2", false},
        {"alpn=\"h2\"x", false},
        {"alpn=h;2", false},
        {"no-default-alpn", true},
        {"no-default-alpn=", false},
        {"no-default-alpn=x", false},
        {"port=0", true},
        {"port=65536", false},
        {"port=\"443\"", false},
        {"ipv4hint=192.0.2.1,192.0.2.2", true},
        {"ipv4hint=\"192.0.2.1,192.0.2.2\"", true},
        {"ipv4hint=auto", true},
        {"ipv4hint=\"auto\"", true},
        {"ipv4hint=auto,192.0.2.1", false},
        {"ipv4hint=2001:db8::1", false},
        {"ipv6hint=2001:db8::1", true},
        {"ipv6hint=192.0.2.1", false},
        {"ipv6hint=auto", true},
        {"ech=AAAA", true},
        {"ech=\"AAAA\"", true},
        {"ech=\"AA AA\"", false},
        {"ech=AAA", false},
        {"mandatory=alpn,port", true},
        {"mandatory=alpn,key65280", true},
        {"mandatory=\"alpn,port\"", true},
        {"mandatory=nothing", false},
        {"mandatory=ohttp", false},
        {"ohttp", false}, /* PowerDNS 5.1 and later */
        {"key7=/q{?dns}", true},
        {"key7=\"\"", false},
        {"key8", false},
        {"key9=29", false},
        {"key10=\"\"", true},
        {"key10=", false},
        {"key10", false},
        {"key65535=\"a b\"", true},
        {"key65535=a\\032b\\;", true},
        {"key65535=a\\256", false},
        {"key65535=a\\25", false},
        {"key65535=a\\", false},
        {"key65536=x", false},
        {"key010=x", false},
        {"key4=x", false},
        {"key10=x key10=x", false},
        {"=x", false},
        {"nothing=x", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(svcb_parameters_are_valid(rows[i].text, false), rows[i].valid, "%s",
                      rows[i].text);
}

static void some_parameters_are_for_5_1_only(void)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"ohttp", true},
        {"alpn=h2 ohttp port=\"8443\"", true},
        {"port=\"0\"", true},
        {"port=\"65536\"", false},
        {"port=\"\"", false},
        {"port=\"1", false},
        {"ohttp=", false},
        {"ohttp=\"\"", false},
        {"ohttp=1", false},
        {"ohttp ohttp", false},
        {"key8", false},
        {"mandatory=ohttp ohttp", true},
        {"mandatory=port,ohttp", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INTEGER(svcb_parameters_are_valid(rows[i].text, true), rows[i].valid, "%s",
                      rows[i].text);
        CHECK(!svcb_parameters_are_valid(rows[i].text, false), "%s before 5.1", rows[i].text);
    }
}

static void a_target_is_a_name_or_the_owner(void)
{
    static const struct {
        const char *content, *target; /* NULL: the owner */
    } rows[] = {
        {"1 .", NULL},
        {"1  .  alpn=h2", NULL},
        {"1 www.example.com", "www.example.com"},
        {" 1   WWW.example.com. alpn=h2", "www.example.com"},
        {"0 www.example.com", "www.example.com"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name;
        bool found = svcb_target(rows[i].content, &name);
        CHECK_TEXT(found ? name.text : NULL, rows[i].target, "%s", rows[i].content);
    }
}

static void automatic_hints_become_addresses(void)
{
    static const struct {
        const char *content;
        bool automatic;
        const char *ipv4, *ipv6, *filled;
    } rows[] = {
        {"1 .", false, "192.0.2.80", "2001:db8::80", "1 ."},
        {"1 . alpn=h2", false, "192.0.2.80", "2001:db8::80", "1 . alpn=h2"},
        {"1 . ipv4hint=auto", true, "192.0.2.80", NULL, "1 . ipv4hint=192.0.2.80"},
        {"1 . ipv4hint=auto", true, NULL, "2001:db8::80", "1 ."},
        {"1 . alpn=h2 ipv4hint=auto ipv6hint=auto port=8443", true, "192.0.2.80", "2001:db8::80",
         "1 . alpn=h2 ipv4hint=192.0.2.80 ipv6hint=2001:db8::80 port=8443"},
        {"1  a.example.com   ipv6hint=\"auto\"  key10=\"a  b\"", true, NULL, "2001:db8::80",
         "1  a.example.com ipv6hint=2001:db8::80 key10=\"a  b\""},
        {"1 . ipv4hint=192.0.2.1 key11=auto", false, "192.0.2.80", NULL,
         "1 . ipv4hint=192.0.2.1 key11=auto"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = {0};
        CHECK_INTEGER(svcb_has_auto_hints(rows[i].content), rows[i].automatic, "%s",
                      rows[i].content);
        CHECK_TEXT(svcb_fill_hints(rows[i].content, rows[i].ipv4, rows[i].ipv6, &arena),
                   rows[i].filled, "%s", rows[i].content);
        arena_release(&arena);
    }
}

static void a_hint_is_found_however_it_is_written(void)
{
    static const struct {
        const char *content, *address;
        bool found;
    } rows[] = {
        {"1 . ipv4hint=192.0.2.1,192.0.2.2", "192.0.2.2", true},
        {"1 . ipv4hint=192.0.2.1", "192.0.2.2", false},
        {"1 . ipv6hint=2001:DB8:0:0::1", "2001:db8::1", true},
        {"1 . ipv6hint=auto", "2001:db8::1", false},
        {"1 .", "192.0.2.1", false},
        {"1 . no-default-alpn alpn=x", "192.0.2.1", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(svcb_hints_at(rows[i].content, rows[i].address), rows[i].found, "%s at %s",
                      rows[i].content, rows[i].address);
}

static void without_memory_there_is_no_content(void)
{
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct arena arena = {0};
        memory_fail_at(n);
        const char *filled = svcb_fill_hints("1 . ipv4hint=auto", "192.0.2.1", NULL, &arena);
        failing = memory_fail_end();
        CHECK_TEXT(filled, failing ? NULL : "1 . ipv4hint=192.0.2.1", "allocation %zu", n);
        arena_release(&arena);
    }
}

static const CU_TestInfo tests[] = {
    {"parameters are read as PowerDNS reads them", parameters_are_read_as_powerdns_reads_them},
    {"some parameters are for 5.1 only", some_parameters_are_for_5_1_only},
    {"a target is a name or the owner", a_target_is_a_name_or_the_owner},
    {"automatic hints become addresses", automatic_hints_become_addresses},
    {"a hint is found however it is written", a_hint_is_found_however_it_is_written},
    {"without memory there is no content", without_memory_there_is_no_content},
    CU_TEST_INFO_NULL,
};

const struct suite suite_svcb = {"svcb", tests};

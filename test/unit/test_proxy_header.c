#include "monitor/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

static struct sockaddr_storage end_of(const char *address, uint16_t port)
{
    struct sockaddr_storage end = {0};
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&end;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&end;
    if (strchr(address, ':')) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(port);
        CHECK_INTEGER(inet_pton(AF_INET6, address, &ipv6->sin6_addr), 1, "%s", address);
    } else {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(port);
        CHECK_INTEGER(inet_pton(AF_INET, address, &ipv4->sin_addr), 1, "%s", address);
    }
    return end;
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) text, sizeof(text) - 1

static void headers_are_those_of_the_protocol(void)
{
    static const struct {
        enum proxy_header version;
        const char *source;
        uint16_t source_port;
        const char *target;
        uint16_t target_port;
        const char *bytes;
        size_t length;
    } rows[] = {
        {PROXY_VERSION_1, "192.0.2.1", 40000, "198.51.100.2", 443,
         BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n")},
        {PROXY_VERSION_1, "2001:db8::1", 1, "2001:db8::2", 65535,
         BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n")},
        {PROXY_VERSION_2, "192.0.2.1", 40000, "198.51.100.2", 443,
         BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\1\xbb")},
        {PROXY_VERSION_2, "2001:db8::1", 1, "2001:db8::2", 65535,
         BYTES(SIGNATURE "\x21\x21\0\x24"
                         "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                         "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
                         "\0\1\xff\xff")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer out = {0};
        const struct sockaddr_storage source = end_of(rows[i].source, rows[i].source_port);
        const struct sockaddr_storage target = end_of(rows[i].target, rows[i].target_port);
        proxy_header_add(rows[i].version, &source, &target, &out);
        CHECK(out.length == rows[i].length && memcmp(out.data, rows[i].bytes, out.length) == 0,
              "row %zu", i);
        buffer_release(&out);
    }
}

static const CU_TestInfo tests[] = {
    {"headers are those of the protocol", headers_are_those_of_the_protocol},
    CU_TEST_INFO_NULL,
};

const struct suite suite_proxy_header = {"proxy_header", tests};

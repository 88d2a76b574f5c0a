#include "monitor/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

/* Version 2, command PROXY. */
#define VERSION_AND_COMMAND 0x21

/* A family of addresses, over a stream. */
#define STREAM_IPV4 0x11
#define STREAM_IPV6 0x21

static const void *address_of_socket(const struct sockaddr_storage *end)
{
    if (end->ss_family == AF_INET)
        return &((const struct sockaddr_in *)end)->sin_addr;
    return &((const struct sockaddr_in6 *)end)->sin6_addr;
}

/* In network byte order. */
static const in_port_t *port_of_socket(const struct sockaddr_storage *end)
{
    if (end->ss_family == AF_INET)
        return &((const struct sockaddr_in *)end)->sin_port;
    return &((const struct sockaddr_in6 *)end)->sin6_port;
}

static void add_text(const struct sockaddr_storage *source, const struct sockaddr_storage *target,
                     struct buffer *out)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    inet_ntop(source->ss_family, address_of_socket(source), from, sizeof from);
    inet_ntop(target->ss_family, address_of_socket(target), to, sizeof to);
    buffer_printf(out, "PROXY TCP%c %s %s %u %u\r\n", source->ss_family == AF_INET ? '4' : '6',
                  from, to, ntohs(*port_of_socket(source)), ntohs(*port_of_socket(target)));
}

static void add_binary(const struct sockaddr_storage *source, const struct sockaddr_storage *target,
                       struct buffer *out)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    bool ipv4 = source->ss_family == AF_INET;
    size_t size = ipv4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const uint8_t head[] = {VERSION_AND_COMMAND, ipv4 ? STREAM_IPV4 : STREAM_IPV6, 0,
                            (uint8_t)(2 * size + 2 * sizeof(in_port_t))};
    buffer_add(out, signature, sizeof signature - 1);
    buffer_add(out, head, sizeof head);
    buffer_add(out, address_of_socket(source), size);
    buffer_add(out, address_of_socket(target), size);
    buffer_add(out, port_of_socket(source), sizeof(in_port_t));
    buffer_add(out, port_of_socket(target), sizeof(in_port_t));
}

void proxy_header_add(enum proxy_header version, const struct sockaddr_storage *source,
                      const struct sockaddr_storage *target, struct buffer *out)
{
    if (version == PROXY_VERSION_1)
        add_text(source, target, out);
    else
        add_binary(source, target, out);
}

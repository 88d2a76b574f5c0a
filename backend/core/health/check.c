#include "core/health/check.h"

#include "core/base/word.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const reasons[] = {
    [REASON_OK] = "ok",
    [REASON_TIMEOUT] = "timeout",
    [REASON_REFUSED] = "refused",
    [REASON_UNREACHABLE] = "unreachable",
    [REASON_CLOSED] = "closed",
    [REASON_TLS] = "tls",
    [REASON_PROTOCOL] = "protocol",
    [REASON_STATUS] = "status",
    [REASON_CONTENT] = "content",
    [REASON_UNRESOLVED] = "unresolved",
    [REASON_INTERNAL] = "internal",
    [REASON_NO_TLS] = "no-tls",
    [REASON_UNTRUSTED] = "untrusted",
    [REASON_EXPIRED] = "expired",
    [REASON_WRONG_NAME] = "wrong-name",
};

static const char *const types[] = {
    [CHECK_TCP] = "tcp",   [CHECK_HTTP] = "http", [CHECK_HTTPS] = "https",
    [CHECK_ICMP] = "icmp", [CHECK_DNS] = "dns",   [CHECK_EXEC] = "exec",
};

static const char *const http_methods[] = {[METHOD_GET] = "GET", [METHOD_HEAD] = "HEAD"};

static const uint16_t usual_ports[] = {
    [CHECK_HTTP] = 80, [CHECK_HTTPS] = 443, [CHECK_DNS] = 53, [CHECK_EXEC] = 0};

const char *reason_word(enum reason reason)
{
    return reasons[reason];
}

bool reason_parse(const char *word, enum reason *ret_reason)
{
    size_t index;
    if (!word_find(reasons, COUNT(reasons), word, &index))
        return false;
    *ret_reason = (enum reason)index;
    return true;
}

const char *check_type_word(enum check_type type)
{
    return types[type];
}

bool check_type_parse(const char *word, enum check_type *ret_type)
{
    size_t index;
    if (!word_find(types, COUNT(types), word, &index))
        return false;
    *ret_type = (enum check_type)index;
    return true;
}

const char *http_method_word(enum http_method method)
{
    return http_methods[method];
}

bool http_method_parse(const char *word, enum http_method *ret_method)
{
    size_t index;
    if (!word_find(http_methods, COUNT(http_methods), word, &index))
        return false;
    *ret_method = (enum http_method)index;
    return true;
}

uint16_t monitor_port(const struct monitor *monitor, uint16_t port)
{
    if (monitor->type == CHECK_ICMP)
        return 0;
    if (monitor->port != 0)
        return monitor->port;
    return port != 0 ? port : usual_ports[monitor->type];
}

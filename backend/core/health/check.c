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
};

static const char *const types[] = {
    [CHECK_TCP] = "tcp",   [CHECK_HTTP] = "http", [CHECK_HTTPS] = "https",
    [CHECK_ICMP] = "icmp", [CHECK_DNS] = "dns",   [CHECK_EXEC] = "exec",
};

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

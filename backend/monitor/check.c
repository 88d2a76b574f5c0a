#include "monitor/check.h"

#include <string.h>

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
    [REASON_INTERNAL] = "internal",
};

static const char *const types[] = {
    [CHECK_TCP] = "tcp",   [CHECK_HTTP] = "http", [CHECK_HTTPS] = "https",
    [CHECK_ICMP] = "icmp", [CHECK_DNS] = "dns",   [CHECK_EXEC] = "exec",
};

/* The index of a word, or `count`. */
static size_t find_word(const char *const *words, size_t count, const char *word)
{
    size_t i = 0;
    while (i < count && strcmp(words[i], word) != 0)
        i++;
    return i;
}

const char *reason_word(enum reason reason)
{
    return reasons[reason];
}

bool reason_parse(const char *word, enum reason *ret_reason)
{
    size_t found = find_word(reasons, COUNT(reasons), word);
    if (found < COUNT(reasons))
        *ret_reason = (enum reason)found;
    return found < COUNT(reasons);
}

const char *check_type_word(enum check_type type)
{
    return types[type];
}

bool check_type_parse(const char *word, enum check_type *ret_type)
{
    size_t found = find_word(types, COUNT(types), word);
    if (found < COUNT(types))
        *ret_type = (enum check_type)found;
    return found < COUNT(types);
}

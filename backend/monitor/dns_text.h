/*
 * Writes the data of a DNS record as text, as the column content of the table record has it: names
 * without a trailing dot, TXT in double quotes. Types that are not known here are written in the
 * generic form of RFC 3597: `\# 4 c0000201`.
 *
 * The data comes from the network: it is read within its bounds, and nothing about it is trusted.
 */
#ifndef STICKY_MONITOR_DNS_TEXT_H
#define STICKY_MONITOR_DNS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buffer.h"

/* A message, and where within it the data of a record lies. */
struct dns_data {
    const uint8_t *message, *message_end;
    int type;
    const uint8_t *begin, *end;
};

/* Adds the text. 0, ERR_INVAL for data that is not of its type, or ERR_NOMEM. */
int dns_text_add(const struct dns_data *data, struct buffer *out);

#endif

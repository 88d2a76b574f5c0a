/*
 * Answers of name servers: the records of any message are written as text, within the bounds of the
 * message, in characters that a pattern can match and a log can show.
 *
 * Input: the message.
 */
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "fuzz.h"
#include "monitor/dns_text.h"

static void check_text(const struct buffer *text)
{
    const char *bytes = buffer_text(text);
    for (size_t i = 0; bytes[i] != '\0'; i++)
        REQUIRE(bytes[i] >= ' ' && bytes[i] <= '~', "octet %zu of %s", i,
                shown(bytes, strlen(bytes)));
}

static void check_data(const struct dns_data *data)
{
    struct buffer once = {0}, again = {0};
    int code = dns_text_add(data, &once);
    REQUIRE(code == 0 || code == ERR_INVAL, "code %d", code);
    REQUIRE(dns_text_add(data, &again) == code, "another code");
    REQUIRE(strcmp(buffer_text(&once), buffer_text(&again)) == 0, "another text");
    check_text(&once);
    buffer_release(&once);
    buffer_release(&again);
}

/* As a check reads an answer. */
static void check_records(const uint8_t *bytes, size_t size)
{
    ns_msg message;
    ns_rr record;
    if (ns_initparse(bytes, (int)size, &message) != 0)
        return;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++)
        if (ns_parserr(&message, ns_s_an, i, &record) == 0)
            check_data(&(struct dns_data){.message = ns_msg_base(message),
                                          .message_end = ns_msg_end(message),
                                          .type = (int)ns_rr_type(record),
                                          .begin = ns_rr_rdata(record),
                                          .end = ns_rr_rdata(record) + ns_rr_rdlen(record)});
}

/* All that is behind the head of a message as the data of one record, whatever its length says. */
static void check_whole(const uint8_t *bytes, size_t size)
{
    if (size >= NS_HFIXEDSZ)
        check_data(&(struct dns_data){.message = bytes,
                                      .message_end = bytes + size,
                                      .type = bytes[0] * 256 + bytes[1],
                                      .begin = bytes + NS_HFIXEDSZ,
                                      .end = bytes + size});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size); /* of the exact size */
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    check_records(bytes, size);
    check_whole(bytes, size);
    free(bytes);
    return 0;
}

#include "monitor/dns_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

/* A message that has the name www.example.com at octet 12, as a question would. */
#define HEAD "\0\0\0\0\0\0\0\0\0\0\0\0\3www\7example\3com\0"
#define HEAD_LENGTH (sizeof HEAD - 1)

/* The data of a record, with its length; the names in it may point into the head. */
#define DATA(text) text, sizeof(text) - 1

struct row {
    int type;
    const char *data;
    size_t length;
    const char *text; /* NULL: it is not valid */
};

/* Writes the text of data that lies behind the head, in a block of its exact size. */
static int write(const struct row *row, struct buffer *out)
{
    size_t length = HEAD_LENGTH + row->length;
    uint8_t *message = malloc(length);
    memcpy(message, HEAD, HEAD_LENGTH);
    memcpy(message + HEAD_LENGTH, row->data, row->length);
    const struct dns_data data = {.message = message,
                                  .message_end = message + length,
                                  .type = row->type,
                                  .begin = message + HEAD_LENGTH,
                                  .end = message + length};
    int code = dns_text_add(&data, out);
    free(message);
    return code;
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer out = {0};
        int code = write(&rows[i], &out);
        CHECK_INTEGER(code, rows[i].text ? 0 : ERR_INVAL, "row %zu", i);
        if (rows[i].text)
            CHECK_TEXT(buffer_text(&out), rows[i].text, "row %zu", i);
        buffer_release(&out);
    }
}

static void records_are_written_as_in_the_table_record(void)
{
    static const struct row rows[] = {
        {1, DATA("\300\0\2\1"), "192.0.2.1"},
        {28, DATA("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::1"},
        {2, DATA("\xc0\x0c"), "www.example.com"},
        {2, DATA("\3ns1\xc0\x10"), "ns1.example.com"},
        {5, DATA("\0"), "."},
        {12, DATA("\3a.b\3com\0"), "a\\.b.com"},
        {15, DATA("\0\x0a\xc0\x0c"), "10 www.example.com"},
        {16, DATA("\3abc"), "\"abc\""},
        {16, DATA("\2\"\\\0\3\n\xff "), "\"\\\"\\\\\" \"\" \"\\010\\255 \""},
        {6, DATA("\0\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\xff\xff\xff\xff"),
         ". www.example.com 1 2 3 4 4294967295"},
        {33, DATA("\0\1\0\2\1\xbb\xc0\x0c"), "1 2 443 www.example.com"},
        {257, DATA("\x80\5issueca.example"), "128 issue \"ca.example\""},
        {257, DATA("\0\5issue"), "0 issue \"\""},
        {43, DATA("\xff\xff\x08\2\xab\xcd"), "65535 8 2 abcd"},
        {35, DATA("\0\1\0\2\1u\3E2U\0\0"), "1 2 \"u\" \"E2U\" \"\" ."},
        {65, DATA("\0\1\0"), "\\# 3 000100"},
        {65280, DATA(""), "\\# 0"},
    };
    check_rows(rows, COUNT(rows));
}

static void data_that_is_not_of_its_type_is_refused(void)
{
    static const struct row rows[] = {
        {1, DATA("\300\0\2"), NULL},
        {1, DATA("\300\0\2\1\0"), NULL},
        {1, DATA(""), NULL},
        {28, DATA("\300\0\2\1"), NULL},
        {2, DATA(""), NULL},
        {2, DATA("\xc0"), NULL},
        {2, DATA("\5ns1"), NULL},
        {2, DATA("\xc0\xff"), NULL},   /* behind the message */
        {2, DATA("\xc0\x1d"), NULL},   /* a name that points to itself */
        {2, DATA("\xc0\x0c\0"), NULL}, /* more data than a name */
        {15, DATA("\0"), NULL},
        {15, DATA("\0\x0a"), NULL},
        {16, DATA(""), NULL},
        {16, DATA("\4abc"), NULL},
        {16, DATA("\1ab"), NULL},
        {6, DATA("\0\0\0\0\0\1"), NULL},
        {257, DATA("\0\7issue"), NULL},
        {43, DATA("\0\1\x08"), NULL},
        {35, DATA("\0\1\0\2\1u"), NULL},
    };
    check_rows(rows, COUNT(rows));
}

static void data_of_any_octets_stays_within_its_bounds(void)
{
    static const int types[] = {1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 65, 257};
    uint32_t state = 1;
    for (int i = 0; i < 20000; i++) {
        char data[40];
        struct buffer out = {0};
        for (size_t j = 0; j < sizeof data; j++) {
            state = state * 1664525 + 1013904223;
            data[j] = (char)(state >> 24);
        }
        const struct row row = {types[(state >> 16) % COUNT(types)], data, (state >> 8) % 40, NULL};
        int code = write(&row, &out);
        CHECK(code == 0 || code == ERR_INVAL, "round %d", i);
        buffer_release(&out);
    }
}

static const CU_TestInfo tests[] = {
    {"records are written as in the table record", records_are_written_as_in_the_table_record},
    {"data that is not of its type is refused", data_that_is_not_of_its_type_is_refused},
    {"data of any octets stays within its bounds", data_of_any_octets_stays_within_its_bounds},
    CU_TEST_INFO_NULL,
};

const struct suite suite_dns_text = {"dns_text", tests};

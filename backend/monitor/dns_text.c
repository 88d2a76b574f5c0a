/*
 * Each type is a row of letters, one for each field of its data; a field reads from a cursor and
 * writes its text.
 */
#include "monitor/dns_text.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"

/*
 * a, 6: an address. n: a name. 1, 2, 4: a number of so many octets. s: a string in quotes. w: one
 * without. The last field may be t: strings; q: the rest as a string in quotes; x: the rest in
 * hexadecimal.
 */
static const struct {
    int type;
    const char *fields;
} layouts[] = {
    {ns_t_a, "a"},      {ns_t_aaaa, "6"},  {ns_t_ns, "n"},    {ns_t_cname, "n"},
    {ns_t_ptr, "n"},    {ns_t_mx, "2n"},   {ns_t_txt, "t"},   {ns_t_soa, "nn44444"},
    {ns_t_srv, "222n"}, {ns_t_caa, "1wq"}, {ns_t_ds, "211x"}, {ns_t_naptr, "22sssn"},
};

/* What is left of the data. */
struct cursor {
    const struct dns_data *data;
    const uint8_t *at;
    struct buffer *out;
};

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->data->end - cursor->at);
}

/* The fields return false for data that is not of this form. */

static bool add_address(struct cursor *cursor, int family, size_t length)
{
    char text[INET6_ADDRSTRLEN];
    if (left(cursor) < length || !inet_ntop(family, cursor->at, text, sizeof text))
        return false;
    buffer_add_text(cursor->out, text);
    cursor->at += length;
    return true;
}

/* A compressed name may lead anywhere in the message, but its own octets end with the data. */
static bool add_name(struct cursor *cursor)
{
    const struct dns_data *data = cursor->data;
    char name[NS_MAXDNAME];
    int length =
        ns_name_uncompress(data->message, data->message_end, cursor->at, name, sizeof name);
    if (length < 0 || (size_t)length > left(cursor))
        return false;
    buffer_add_text(cursor->out, name);
    cursor->at += length;
    return true;
}

static bool add_number(struct cursor *cursor, size_t length)
{
    uint32_t value = 0;
    if (left(cursor) < length)
        return false;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | *cursor->at++;
    buffer_add_integer(cursor->out, value);
    return true;
}

static void add_octet(struct buffer *out, uint8_t octet)
{
    if (octet < ' ' || octet > '~')
        buffer_printf(out, "\\%03u", octet);
    else if (octet == '"' || octet == '\\')
        buffer_printf(out, "\\%c", octet);
    else
        buffer_add_char(out, (char)octet);
}

static void add_octets(struct cursor *cursor, size_t length, const char *quote)
{
    buffer_add_text(cursor->out, quote);
    for (size_t i = 0; i < length; i++)
        add_octet(cursor->out, *cursor->at++);
    buffer_add_text(cursor->out, quote);
}

static bool add_string(struct cursor *cursor, const char *quote)
{
    if (left(cursor) == 0 || left(cursor) - 1 < *cursor->at)
        return false;
    size_t length = *cursor->at++;
    add_octets(cursor, length, quote);
    return true;
}

static bool add_strings(struct cursor *cursor)
{
    do {
        if (!add_string(cursor, "\""))
            return false;
        if (left(cursor) > 0)
            buffer_add_char(cursor->out, ' ');
    } while (left(cursor) > 0);
    return true;
}

static bool add_hexadecimal(struct cursor *cursor)
{
    while (left(cursor) > 0)
        buffer_printf(cursor->out, "%02x", *cursor->at++);
    return true;
}

static bool add_field(struct cursor *cursor, char field)
{
    switch (field) {
    case 'a':
        return add_address(cursor, AF_INET, NS_INADDRSZ);
    case '6':
        return add_address(cursor, AF_INET6, NS_IN6ADDRSZ);
    case 'n':
        return add_name(cursor);
    case 's':
        return add_string(cursor, "\"");
    case 'w':
        return add_string(cursor, "");
    case 't':
        return add_strings(cursor);
    case 'q':
        return add_octets(cursor, left(cursor), "\""), true;
    case 'x':
        return add_hexadecimal(cursor);
    default:
        return add_number(cursor, (size_t)(field - '0'));
    }
}

static bool add_fields(struct cursor *cursor, const char *fields)
{
    for (const char *field = fields; *field != '\0'; field++) {
        if (field > fields)
            buffer_add_char(cursor->out, ' ');
        if (!add_field(cursor, *field))
            return false;
    }
    return left(cursor) == 0;
}

static const char *layout_of(int type)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].type == type)
            return layouts[i].fields;
    return NULL;
}

int dns_text_add(const struct dns_data *data, struct buffer *out)
{
    struct cursor cursor = {.data = data, .at = data->begin, .out = out};
    const char *fields = layout_of(data->type);
    bool valid = true;
    if (fields)
        valid = add_fields(&cursor, fields);
    else {
        buffer_printf(out, left(&cursor) > 0 ? "\\# %zu " : "\\# %zu", left(&cursor));
        add_hexadecimal(&cursor);
    }
    return out->failed ? ERR_NOMEM : valid ? 0 : ERR_INVAL;
}

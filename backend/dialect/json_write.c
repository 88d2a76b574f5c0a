/*
 * Writes records by hand, and everything else by jansson. Texts that are not UTF-8 are escaped
 * first.
 */
#include "dialect/json_write.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "core/base/decimal.h"

/* The index of the serial among the fields of an SOA. */
#define SERIAL_FIELD 2

static int add_bytes(const char *bytes, size_t count, void *context)
{
    struct buffer *out = context;
    buffer_add(out, bytes, count);
    return out->failed ? -1 : 0;
}

/* Writes a value and drops the reference. NULL means that there was no memory for it. */
static void write_value(json_t *value, struct buffer *out)
{
    if (!value || json_dump_callback(value, add_bytes, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        out->failed = true;
    json_decref(value);
}

/* A backslash before such a byte is part of its escape: both become `\DDD`. */
static void escape(const char *text, struct buffer *out)
{
    bool escaped = false;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte >= 0x80)
            buffer_printf(out, escaped ? "%03d" : "\\%03d", byte);
        else
            buffer_add_char(out, *text);
        escaped = byte == '\\' && !escaped;
    }
}

static json_t *make_text(const char *text)
{
    struct buffer escaped = {0};
    json_t *value = json_string(text);
    if (value)
        return value;
    escape(text, &escaped);
    value = escaped.failed ? NULL : json_string(buffer_text(&escaped));
    buffer_release(&escaped);
    return value;
}

/* Says whether a text needs no escapes in JSON, as nearly all do. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text >= 0x7f || *text == '"' || *text == '\\')
            return false;
    return true;
}

void json_write_text(const char *text, struct buffer *out)
{
    if (!is_plain(text)) {
        write_value(make_text(text), out);
        return;
    }
    buffer_add_char(out, '"');
    buffer_add_text(out, text);
    buffer_add_char(out, '"');
}

/*
 * By hand: building a jansson object for each record took half the time of a lookup.
 *
 * TYPE_EMPTY is PowerDNS's own type for an empty non-terminal (QType::ENT, pdns/qtype.hh). It is
 * put into no answer and, as long as it is not authoritative, into no proof of non-existence
 * (pdns/packethandler.cc). It must not have content (pdns/dnsparser.cc).
 */
void json_write_record(const struct answer_record *record, struct buffer *out)
{
    bool is_empty = strcmp(record->type, TYPE_EMPTY) == 0;
    buffer_add_text(out, "{\"qtype\":");
    json_write_text(record->type, out);
    buffer_add_text(out, ",\"qname\":");
    json_write_text(record->owner, out);
    buffer_add_text(out, ",\"content\":");
    json_write_text(is_empty ? "" : record->content, out);
    buffer_add_text(out, ",\"ttl\":");
    buffer_add_integer(out, record->ttl_s);
    buffer_add_text(out, ",\"domain_id\":");
    buffer_add_integer(out, record->zone_id);
    buffer_add_text(out, record->authoritative && !is_empty ? ",\"auth\":1" : ",\"auth\":0");
    buffer_add_text(out, ",\"scopeMask\":");
    buffer_add_integer(out, record->scope_bits);
    buffer_add_char(out, '}');
}

static int64_t serial_of(const char *content)
{
    int64_t serial = 0;
    for (int i = 0; i < SERIAL_FIELD; i++) {
        content += strcspn(content, " ");
        content += strspn(content, " ");
    }
    (void)decimal_parse(content, strcspn(content, " "), 0, UINT32_MAX, &serial);
    return serial;
}

static json_t *make_zone(const struct answer_record *soa)
{
    json_t *object = json_object();
    if (json_object_set_new(object, "id", json_integer(soa->zone_id)) == 0 &&
        json_object_set_new(object, "zone", make_text(soa->owner)) == 0 &&
        json_object_set_new(object, "kind", json_string("native")) == 0 &&
        json_object_set_new(object, "serial", json_integer(serial_of(soa->content))) == 0)
        return object;
    json_decref(object);
    return NULL;
}

void json_write_zone(const struct answer_record *soa, struct buffer *out)
{
    write_value(make_zone(soa), out);
}

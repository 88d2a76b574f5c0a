/*
 * Parses a name from PowerDNS's text form into the canonical text, and makes its sort key.
 */
#include "core/dns/name.h"

#include <string.h>

#include "core/base/error.h"

#define LABEL_MAX 63
#define WIRE_MAX 255
/* On the wire a label takes at least two bytes, and the root one. */
#define LABELS_MAX ((WIRE_MAX - 1) / 2)

struct reader {
    const char *next, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads one byte of a label, unescaping it; -1 for a broken escape. */
static int read_byte(struct reader *reader)
{
    unsigned char c = (unsigned char)*reader->next++;
    if (c != '\\')
        return c;
    if (reader->next == reader->end)
        return -1;
    if (!is_digit(*reader->next))
        return (unsigned char)*reader->next++;
    if (reader->end - reader->next < 3 || !is_digit(reader->next[1]) || !is_digit(reader->next[2]))
        return -1;
    int value =
        (reader->next[0] - '0') * 100 + (reader->next[1] - '0') * 10 + (reader->next[2] - '0');
    reader->next += 3;
    return value <= 255 ? value : -1;
}

static char *write_byte(char *out, int byte)
{
    if (byte >= 'A' && byte <= 'Z')
        byte += 'a' - 'A';
    if (byte <= 0x20 || byte >= 0x7f) {
        *out++ = '\\';
        *out++ = (char)('0' + byte / 100);
        *out++ = (char)('0' + byte / 10 % 10);
        *out++ = (char)('0' + byte % 10);
        return out;
    }
    if (byte == '.' || byte == '\\')
        *out++ = '\\';
    *out++ = (char)byte;
    return out;
}

/* Bytes that are copied as they are; most names consist of these alone. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

/*
 * Copies a label up to its dot or the end of the text. Returns the number of its bytes, or -1 if it
 * is empty, has more than `most` bytes, or has a broken escape.
 */
static int read_label(struct reader *reader, int most, char **out)
{
    int bytes = 0;
    while (reader->next < reader->end && *reader->next != '.') {
        if (++bytes > most)
            return -1;
        if (is_plain(*reader->next)) {
            *(*out)++ = *reader->next++;
            continue;
        }
        int byte = read_byte(reader);
        if (byte < 0)
            return -1;
        *out = write_byte(*out, byte);
    }
    return bytes > 0 ? bytes : -1;
}

static void make_key(struct name *name, const uint16_t *starts, size_t labels)
{
    char *out = name->key;
    size_t end = name->text_length;
    while (labels-- > 0) {
        size_t length = end - starts[labels];
        memcpy(out, name->text + starts[labels], length);
        out[length] = '\0';
        out += length + 1;
        end = starts[labels] - 1U;
    }
    name->key_length = (uint16_t)(out - name->key);
}

int name_parse(const char *text, size_t length, struct name *ret_name)
{
    struct reader reader = {text, text + length};
    uint16_t starts[LABELS_MAX];
    size_t labels = 0;
    int wire = 1;
    char *out = ret_name->text;
    if (length == 1 && *text == '.')
        reader.next++;
    else if (length == 0)
        return ERR_INVAL;
    while (reader.next < reader.end) {
        if (labels > 0)
            *out++ = '.';
        char *start = out;
        int room = WIRE_MAX - wire - 1;
        int bytes = read_label(&reader, room < LABEL_MAX ? room : LABEL_MAX, &out);
        if (bytes < 0)
            return ERR_INVAL;
        wire += bytes + 1;
        starts[labels++] = (uint16_t)(start - ret_name->text);
        if (reader.next < reader.end)
            reader.next++; /* the dot between labels, or the trailing one */
    }
    ret_name->text_length = (uint16_t)(out - ret_name->text);
    make_key(ret_name, starts, labels);
    if (labels == 0) {
        ret_name->text[0] = '.';
        ret_name->text_length = 1;
    }
    ret_name->text[ret_name->text_length] = '\0';
    return 0;
}

bool name_key_within(const char *below, size_t below_length, const char *above, size_t above_length)
{
    return below_length >= above_length && memcmp(below, above, above_length) == 0;
}

int name_key_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    if (order != 0)
        return order;
    return (a_length > b_length) - (a_length < b_length);
}

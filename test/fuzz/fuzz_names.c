/*
 * Names: what name_parse() takes and what it makes of it, against a second reading of PowerDNS's
 * notation; and the order of keys, in which all that lies below a name follows it.
 *
 * Input: two names, the first with its length in the first byte (times four).
 */
#include <string.h>

#include "core/dns/name.h"
#include "fuzz.h"
#include "powerdns.h"

/* Both refuse it, or both take it and mean the same. */
static bool read_both(const char *text, size_t length, struct name *name, struct wire_name *wire)
{
    char written[NAME_TEXT_SIZE];
    const char *problem = length == 0 ? "nothing" : powerdns_read_name(text, length, wire);
    bool taken = name_parse(text, length, name) == 0;
    REQUIRE(taken == !problem, "\"%s\" is %s; PowerDNS: %s", shown(text, length),
            taken ? "taken" : "refused", problem ? problem : "good");
    if (!taken)
        return false;
    powerdns_write_name(wire, written);
    REQUIRE(strcmp(name->text, written) == 0, "\"%s\" became \"%s\", not \"%s\"",
            shown(text, length), shown(name->text, strlen(name->text)), written);
    REQUIRE(name->text_length == strlen(name->text) && name->text_length < NAME_TEXT_MAX,
            "a text of %u", name->text_length);
    return true;
}

/* A name's own text means the same name, with and without a dot behind it. */
static void check_again(const struct name *name)
{
    char text[NAME_TEXT_MAX + 1];
    struct name again, dotted;
    REQUIRE(name_parse(name->text, name->text_length, &again) == 0, "\"%s\" is not read again",
            name->text);
    REQUIRE(strcmp(again.text, name->text) == 0 && again.key_length == name->key_length &&
                memcmp(again.key, name->key, name->key_length) == 0,
            "\"%s\" became \"%s\"", name->text, again.text);
    if (strcmp(name->text, ".") == 0)
        return;
    memcpy(text, name->text, name->text_length);
    text[name->text_length] = '.';
    REQUIRE(name_parse(text, name->text_length + 1U, &dotted) == 0 &&
                strcmp(dotted.text, name->text) == 0,
            "\"%s.\" is another name", name->text);
}

/* The labels of a name from its last to its first, each ended by a NUL, are its key. */
static void check_key(const struct name *name, const struct wire_name *wire)
{
    char key[NAME_TEXT_MAX], label[NAME_TEXT_SIZE];
    size_t starts[128], labels = 0, length = 0;
    for (size_t at = 0; wire->bytes[at] != 0; at += wire->bytes[at] + 1U)
        starts[labels++] = at;
    while (labels-- > 0) {
        struct wire_name one = {.length = wire->bytes[starts[labels]] + 2U};
        memcpy(one.bytes, wire->bytes + starts[labels], one.length - 1);
        powerdns_write_name(&one, label);
        memcpy(key + length, label, strlen(label) + 1);
        length += strlen(label) + 1;
    }
    REQUIRE(length == name->key_length && memcmp(key, name->key, length) == 0,
            "the key of \"%s\" is \"%s\"", name->text, shown(name->key, name->key_length));
}

static bool is_within(const struct wire_name *below, const struct wire_name *above)
{
    size_t at = 0;
    while (below->length - at > above->length)
        at += below->bytes[at] + 1U;
    return below->length - at == above->length &&
           memcmp(below->bytes + at, above->bytes, above->length) == 0;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void check_pair(const struct name *a, const struct wire_name *wire_a, const struct name *b,
                       const struct wire_name *wire_b)
{
    int order = name_key_compare(a->key, a->key_length, b->key, b->key_length);
    int back = name_key_compare(b->key, b->key_length, a->key, a->key_length);
    bool within = name_key_within(a->key, a->key_length, b->key, b->key_length);
    REQUIRE(sign(order) == -sign(back), "\"%s\" and \"%s\" compare as %d and %d", a->text, b->text,
            order, back);
    REQUIRE((order == 0) == wire_name_equal(wire_a, wire_b), "\"%s\" and \"%s\" compare as %d",
            a->text, b->text, order);
    REQUIRE(within == is_within(wire_a, wire_b), "\"%s\" is %s \"%s\"", a->text,
            within ? "within" : "not within", b->text);
    REQUIRE(!within || order >= 0, "\"%s\" comes before \"%s\", in which it lies", a->text,
            b->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct name a, b;
    struct wire_name wire_a, wire_b;
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    size_t first = data[0] * 4U < size - 1 ? data[0] * 4U : size - 1;
    bool good_a = read_both(text, first, &a, &wire_a);
    bool good_b = read_both(text + first, size - 1 - first, &b, &wire_b);
    if (good_a) {
        check_again(&a);
        check_key(&a, &wire_a);
    }
    if (good_b) {
        check_again(&b);
        check_key(&b, &wire_b);
    }
    if (good_a && good_b) {
        check_pair(&a, &wire_a, &b, &wire_b);
        check_pair(&b, &wire_b, &a, &wire_a);
    }
    return 0;
}

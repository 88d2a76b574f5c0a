/*
 * Texts are decoded as UTF-8, to count characters as SQLite does for the limits of the schema, and
 * to reject malformed sequences and control characters. The messages are constants, so a range in
 * one of them has to be changed together with its limit.
 */
#include "core/sharing/row_problem.h"

#include <stddef.h>
#include <string.h>

/*
 * The octets of the character that begins here, 0 if none does. NUL continues no character, so
 * nothing is read beyond the end.
 */
static size_t sequence_length(const unsigned char *octets)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (octets[0] < 0x80)
        return octets[0] >= ' ' && octets[0] != 0x7f;
    if (octets[0] < 0xc0 || octets[0] >= 0xf8)
        return 0;
    size_t length = octets[0] >= 0xf0 ? 4 : octets[0] >= 0xe0 ? 3 : 2;
    uint32_t character = octets[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((octets[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (octets[i] & 0x3fU);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    bool control = character <= 0x9f; /* those of ISO 6429 that have a second form in one octet */
    return character >= least[length] && character <= 0x10ffff && !surrogate && !control ? length
                                                                                         : 0;
}

/*
 * Says whether a text is UTF-8 without control characters (1 to 31, and 127 to 159), and of how
 * many characters; `ret_count` is untouched if not.
 */
static bool count_characters(const char *text, size_t *ret_count)
{
    size_t count = 0;
    for (const unsigned char *octets = (const unsigned char *)text; *octets; count++) {
        size_t length = sequence_length(octets);
        if (length == 0)
            return false;
        octets += length;
    }
    *ret_count = count;
    return true;
}

bool shared_is_controller(const char *name)
{
    size_t count = 0;
    return count_characters(name, &count) && count >= 1 && count <= ROW_NAME_CHARACTERS_MAX;
}

bool shared_is_pool(const char *name)
{
    return shared_is_controller(name) && !strchr(name, ' ');
}

/* May be empty. Any other is short enough by its type. */
static bool is_key(const char *key)
{
    size_t count;
    return count_characters(key, &count);
}

static bool is_method(const char *name)
{
    return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] == '\0';
}

static bool is_within(int64_t value, int64_t most)
{
    return value >= 0 && value <= most;
}

#define POOL_PROBLEM "its pool is not 1 to 64 characters without spaces and control characters"

static const char *entry_problem(const struct entry *entry)
{
    if (!is_within(entry->decided, SHARED_DECIDED_MAX))
        return "its decided is not 0 to 2^62";
    if (!is_within(entry->origin, NODE_MAX))
        return "its origin is not 0 to 65535";
    if (!is_within(entry->timestamp_s, SHARED_TIMESTAMP_MAX_S))
        return "its timestamp is not 0 to 253402300799";
    if (!is_within(entry->ttl_s, SHARED_TTL_MAX_S))
        return "its ttl is not 0 to 2147483647";
    if (entry->gone)
        return entry->controller[0] || entry->method[0] || entry->home[0]
                   ? "it is deleted, but leads to a site"
                   : NULL;
    if (!shared_is_controller(entry->controller))
        return "its controller is not 1 to 64 characters without control characters";
    if (!is_method(entry->method))
        return "its method is not a word of 1 to 32 lower-case letters and hyphens";
    if (entry->home[0] && !shared_is_controller(entry->home))
        return "its home is not 1 to 64 characters without control characters";
    return NULL;
}

const char *shared_row_problem(const struct shared_row *row)
{
    if (!shared_is_pool(row->pool))
        return POOL_PROBLEM;
    if (!row->key[0] || !is_key(row->key))
        return "its key is empty, or has control characters";
    return entry_problem(&row->entry);
}

const char *shared_place_problem(const struct shared_place *place)
{
    if (!place->pool[0] && !place->key[0])
        return NULL;
    if (!shared_is_pool(place->pool))
        return POOL_PROBLEM;
    return is_key(place->key) ? NULL : "its key has control characters";
}

/*
 * A sorted array for each family, with a link from every prefix to the next shorter one that
 * contains it, and an index by leading bits that shortens the binary search.
 */
#include "core/network/prefix_table.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/vector.h"

#define NO_LINK UINT32_MAX
#define KEY_WORDS_MAX 4
/* Prefixes that contain each other have different lengths, 0..128. */
#define DEPTH_MAX 129
/* The index takes 256 KiB at most; it has one slot for about eight entries. */
#define START_BITS_MAX 16
#define START_ENTRIES_BITS 3
#define TRIMMED_MIN 256

/* The key has one word for IPv4, four for IPv6, the first with the leading bits. */
struct prefix_entry {
    uint32_t value;
    uint32_t
        link; /* once sealed: the last entry of the next shorter prefix that contains this one */
    uint32_t bits;
    uint32_t key[];
};

static size_t key_words(enum address_family family)
{
    return family == FAMILY_IPV4 ? 1 : KEY_WORDS_MAX;
}

static size_t entry_bytes(size_t words)
{
    return sizeof(struct prefix_entry) + words * sizeof(uint32_t);
}

/* Entries consist of words only, so they lie at multiples of a word. */
static struct prefix_entry *entry_at(const struct prefix_array *array, size_t words, size_t index)
{
    uint32_t *first = (uint32_t *)array->entries;
    return (struct prefix_entry *)(first + index * (entry_bytes(words) / sizeof *first));
}

static void read_key(const struct address *address, size_t words, uint32_t *key)
{
    const uint8_t *byte = address->bytes;
    for (size_t i = 0; i < words; i++, byte += 4)
        key[i] = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 |
                 (uint32_t)byte[3];
}

static int compare_keys(const uint32_t *a, const uint32_t *b, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int compare_entries(const struct prefix_entry *a, const struct prefix_entry *b, size_t words)
{
    int order = compare_keys(a->key, b->key, words);
    if (order != 0)
        return order;
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

static int compare_ipv4(const void *left, const void *right)
{
    return compare_entries(left, right, 1);
}

static int compare_ipv6(const void *left, const void *right)
{
    return compare_entries(left, right, KEY_WORDS_MAX);
}

static bool holds(const struct prefix_entry *entry, const uint32_t *key)
{
    uint32_t whole = entry->bits / 32, rest = entry->bits % 32;
    for (uint32_t i = 0; i < whole; i++)
        if (entry->key[i] != key[i])
            return false;
    return rest == 0 || (entry->key[whole] ^ key[whole]) >> (32 - rest) == 0;
}

static bool same_prefix(const struct prefix_entry *a, const struct prefix_entry *b)
{
    return a->bits == b->bits && holds(a, b->key);
}

static void release(struct prefix_array *array)
{
    free(array->entries);
    free(array->starts);
    *array = (struct prefix_array){0};
}

void prefix_table_release(struct prefix_table *table)
{
    release(&table->ipv4);
    release(&table->ipv6);
}

static void forget_starts(struct prefix_array *array)
{
    free(array->starts);
    array->starts = NULL;
}

int prefix_table_add(struct prefix_table *table, const struct prefix *prefix, uint32_t value)
{
    enum address_family family = prefix->address.family;
    if (family == FAMILY_NONE)
        return ERR_INVAL;
    struct prefix_array *array = family == FAMILY_IPV4 ? &table->ipv4 : &table->ipv6;
    size_t words = key_words(family);
    if (array->count >= NO_LINK ||
        !vector_grow(&array->entries, array->count, &array->capacity, entry_bytes(words)))
        return ERR_NOMEM;
    struct prefix_entry *entry = entry_at(array, words, array->count++);
    entry->value = value;
    entry->link = NO_LINK;
    entry->bits = prefix->bits;
    read_key(&prefix->address, words, entry->key);
    forget_starts(array);
    return 0;
}

/* Returns what doubling allocated in excess, if it is worth the copy. */
static void trim(struct prefix_array *array, size_t words)
{
    struct prefix_entry *fitting;
    if (array->count < TRIMMED_MIN || array->count == array->capacity)
        return;
    fitting = realloc(array->entries, array->count * entry_bytes(words));
    if (!fitting)
        return;
    array->entries = fitting;
    array->capacity = array->count;
}

/* `path` holds the previous entry and the prefixes that contain it, outermost first. */
static void set_links(struct prefix_array *array, size_t words)
{
    uint32_t path[DEPTH_MAX];
    size_t depth = 0;
    for (size_t i = 0; i < array->count; i++) {
        struct prefix_entry *entry = entry_at(array, words, i);
        while (depth > 0 && !holds(entry_at(array, words, path[depth - 1]), entry->key))
            depth--;
        if (depth > 0 && same_prefix(entry_at(array, words, path[depth - 1]), entry))
            depth--;
        entry->link = depth > 0 ? path[depth - 1] : NO_LINK;
        path[depth++] = (uint32_t)i;
    }
}

static unsigned fitting_start_bits(size_t count)
{
    unsigned bits = 0;
    while (bits < START_BITS_MAX && count >> (bits + START_ENTRIES_BITS) > 1)
        bits++;
    return bits;
}

/* starts[s] is the first entry whose leading bits are s or more. */
static void set_starts(struct prefix_array *array, size_t words)
{
    unsigned bits = fitting_start_bits(array->count);
    if (bits == 0)
        return;
    size_t slots = (size_t)1 << bits, slot = 0;
    array->start_bits = bits;
    array->starts = malloc((slots + 1) * sizeof *array->starts);
    if (!array->starts)
        return;
    for (size_t i = 0; i < array->count; i++)
        while (slot <= entry_at(array, words, i)->key[0] >> (32 - bits))
            array->starts[slot++] = (uint32_t)i;
    while (slot <= slots)
        array->starts[slot++] = (uint32_t)array->count;
}

static void seal(struct prefix_array *array, size_t words)
{
    forget_starts(array);
    trim(array, words);
    if (array->count > 1)
        qsort(array->entries, array->count, entry_bytes(words),
              words == 1 ? compare_ipv4 : compare_ipv6);
    set_links(array, words);
    set_starts(array, words);
}

void prefix_table_seal(struct prefix_table *table)
{
    seal(&table->ipv4, key_words(FAMILY_IPV4));
    seal(&table->ipv6, key_words(FAMILY_IPV6));
}

size_t prefix_table_count(const struct prefix_table *table)
{
    return table->ipv4.count + table->ipv6.count;
}

static size_t array_bytes(const struct prefix_array *array, size_t words)
{
    size_t slots = array->starts ? ((size_t)1 << array->start_bits) + 1 : 0;
    return array->capacity * entry_bytes(words) + slots * sizeof *array->starts;
}

size_t prefix_table_bytes(const struct prefix_table *table)
{
    return array_bytes(&table->ipv4, key_words(FAMILY_IPV4)) +
           array_bytes(&table->ipv6, key_words(FAMILY_IPV6));
}

/* The number of entries that begin at the key or before it. */
static size_t upper_bound(const struct prefix_array *array, size_t words, const uint32_t *key)
{
    size_t low = 0, high = array->count;
    if (array->starts) {
        size_t slot = key[0] >> (32 - array->start_bits);
        low = array->starts[slot];
        high = array->starts[slot + 1];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(entry_at(array, words, middle)->key, key, words) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* All entries of the prefix whose last entry is given. */
static void match_at(const struct prefix_array *array, enum address_family family, size_t last,
                     struct prefix_match *ret_match)
{
    size_t words = key_words(family), first = last;
    const struct prefix_entry *entry = entry_at(array, words, last);
    while (first > 0 && same_prefix(entry_at(array, words, first - 1), entry))
        first--;
    *ret_match = (struct prefix_match){array, family, first, last - first + 1};
}

bool prefix_table_match(const struct prefix_table *table, const struct address *address,
                        struct prefix_match *ret_match)
{
    enum address_family family = address->family;
    if (family == FAMILY_NONE)
        return false;
    const struct prefix_array *array = family == FAMILY_IPV4 ? &table->ipv4 : &table->ipv6;
    size_t words = key_words(family);
    uint32_t key[KEY_WORDS_MAX];
    read_key(address, words, key);
    size_t place = upper_bound(array, words, key);
    if (place-- == 0)
        return false;
    while (!holds(entry_at(array, words, place), key)) {
        place = entry_at(array, words, place)->link;
        if (place == NO_LINK)
            return false;
    }
    match_at(array, family, place, ret_match);
    return true;
}

bool prefix_match_shorter(struct prefix_match *match)
{
    uint32_t link = entry_at(match->array, key_words(match->family), match->first)->link;
    if (link == NO_LINK)
        return false;
    match_at(match->array, match->family, link, match);
    return true;
}

uint32_t prefix_match_value(const struct prefix_match *match, size_t index)
{
    return entry_at(match->array, key_words(match->family), match->first + index)->value;
}

static struct prefix prefix_of_entry(const struct prefix_entry *entry, enum address_family family)
{
    struct prefix prefix = {.address.family = family, .bits = (uint8_t)entry->bits};
    for (size_t i = 0; i < 4 * key_words(family); i++)
        prefix.address.bytes[i] = (uint8_t)(entry->key[i / 4] >> (24 - 8 * (i % 4)));
    return prefix;
}

struct prefix prefix_match_prefix(const struct prefix_match *match)
{
    return prefix_of_entry(entry_at(match->array, key_words(match->family), match->first),
                           match->family);
}

static bool find_in(const struct prefix_array *array, enum address_family family, uint32_t value,
                    struct prefix *ret_prefix)
{
    for (size_t i = 0; i < array->count; i++) {
        const struct prefix_entry *entry = entry_at(array, key_words(family), i);
        if (entry->value != value)
            continue;
        *ret_prefix = prefix_of_entry(entry, family);
        return true;
    }
    return false;
}

bool prefix_table_find(const struct prefix_table *table, uint32_t value, struct prefix *ret_prefix)
{
    return find_in(&table->ipv4, FAMILY_IPV4, value, ret_prefix) ||
           find_in(&table->ipv6, FAMILY_IPV6, value, ret_prefix);
}

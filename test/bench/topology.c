/*
 * What a topology costs: to load, and to ask for an address.
 *
 *   topology FILE LOOKUPS      numbers as one JSON object
 *
 * FILE has rows in table topology. As many addresses are looked for as LOOKUPS says, each in a
 * network of the table that is drawn by lot, in both families. The same addresses are looked for in
 * an array of the same networks sorted by length and then by address, with one binary search for
 * each length, from the longest on; both must find the same networks.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/balance/topology.h"
#include "store/store.h"

struct list {
    struct prefix *prefixes; /* by family, length falling, address */
    size_t count;
    size_t first[3][130]; /* where those of a family and length begin */
};

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("topology: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t number = *state += 0x9e3779b97f4a7c15U;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9U;
    number = (number ^ number >> 27) * 0x94d049bb133111ebU;
    return number ^ number >> 31;
}

static int compare(const struct prefix *a, const struct prefix *b)
{
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
}

static int compare_for_sort(const void *left, const void *right)
{
    return compare(left, right);
}

static void read_list(const char *path, struct list *list)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *row = NULL;
    const char *sql = "SELECT cidr FROM topology WHERE cidr IS NOT NULL";
    size_t capacity = 0;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, sql, -1, &row, NULL) != SQLITE_OK)
        fail("%s: %s", path, sqlite3_errmsg(database));
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (list->count == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            list->prefixes = realloc(list->prefixes, capacity * sizeof *list->prefixes);
            if (!list->prefixes)
                fail("out of memory");
        }
        if (prefix_parse(text, strlen(text), &list->prefixes[list->count++]) != 0)
            fail("not a prefix: %s", text);
    }
    sqlite3_finalize(row);
    sqlite3_close(database);
    qsort(list->prefixes, list->count, sizeof *list->prefixes, compare_for_sort);
}

/* first[family][bits] to first[family][bits - 1] are those of that length. */
static void index_list(struct list *list)
{
    size_t place = 0;
    for (int family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
        for (int bits = 128; bits >= -1; bits--) {
            list->first[family][bits + 1] = place;
            while (place < list->count && bits >= 0 &&
                   (int)list->prefixes[place].address.family == family &&
                   list->prefixes[place].bits == bits)
                place++;
        }
}

static const struct prefix *search_length(const struct list *list, const struct prefix *wanted)
{
    size_t low = list->first[wanted->address.family][wanted->bits + 1];
    size_t high = list->first[wanted->address.family][wanted->bits];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&list->prefixes[middle], wanted);
        if (order == 0)
            return &list->prefixes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct prefix *search(const struct list *list, const struct address *address)
{
    const size_t *first = list->first[address->family];
    for (int bits = (int)family_bits(address->family); bits >= 0; bits--) {
        if (first[bits + 1] == first[bits])
            continue;
        struct prefix wanted = prefix_of(address, (unsigned)bits);
        const struct prefix *found = search_length(list, &wanted);
        if (found)
            return found;
    }
    return NULL;
}

/* An address in a network of the list that is drawn by lot. */
static struct address draw(const struct list *list, enum address_family family, uint64_t *seed)
{
    const struct prefix *prefix;
    do
        prefix = &list->prefixes[next_random(seed) % list->count];
    while (prefix->address.family != family);
    struct address address = prefix->address;
    for (unsigned bit = prefix->bits; bit < family_bits(family); bit++)
        if (next_random(seed) & 1)
            address.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return address;
}

static struct topology *load(const char *path, double *ret_ms)
{
    struct store *store = NULL;
    struct topology *topology = NULL;
    struct revision revision;
    struct error error = {0};
    double started_ns = now_ns();
    if (store_new(path, &store) != 0 || store_begin(store, 1, &revision, &error) != 0 ||
        store_load_topology(store, &topology, &error) != 0)
        fail("%s", error.text);
    *ret_ms = (now_ns() - started_ns) / 1e6;
    store_free(store);
    return topology;
}

/* What a lookup costs in the topology and in the list, and how often they disagree. */
struct cost {
    double own_ns, by_length_ns;
    size_t wrong;
};

static struct cost measure(const struct topology *topology, const struct list *list,
                           enum address_family family, size_t count)
{
    struct address *addresses = calloc(count, sizeof *addresses);
    uint8_t *bits = calloc(count, 1);
    struct topology_match match;
    struct cost cost = {.wrong = 0};
    uint64_t seed = 1, sum = 0;
    if (!addresses || !bits)
        fail("out of memory");
    for (size_t i = 0; i < count; i++)
        addresses[i] = draw(list, family, &seed);
    double started_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        uint32_t preference = 0;
        const struct prefix whole = {addresses[i], family_bits(family)};
        if (!topology_match_network(topology, &whole, &match))
            continue;
        topology_match_preference(&match, 1, &preference);
        sum += preference;
        bits[i] = (uint8_t)(prefix_match_prefix(&match.network).bits + 1);
    }
    cost.own_ns = (now_ns() - started_ns) / (double)count;
    started_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        const struct prefix *found = search(list, &addresses[i]);
        cost.wrong += (found ? found->bits + 1 : 0) != bits[i];
    }
    cost.by_length_ns = (now_ns() - started_ns) / (double)count;
    if (sum == UINT64_MAX) /* never; so that nothing is left out */
        puts("");
    free(bits);
    free(addresses);
    return cost;
}

int main(int count, char **words)
{
    struct list list = {.count = 0};
    double load_ms;
    if (count != 3)
        fail("usage: topology FILE LOOKUPS");
    store_prepare_process();
    size_t lookups = strtoul(words[2], NULL, 10);
    struct topology *topology = load(words[1], &load_ms);
    size_t rows = topology_row_count(topology);
    read_list(words[1], &list);
    index_list(&list);
    struct cost ipv4 = measure(topology, &list, FAMILY_IPV4, lookups);
    struct cost ipv6 = measure(topology, &list, FAMILY_IPV6, lookups);
    printf("{\"rows\": %zu, \"load_ms\": %.3f, \"bytes_per_row\": %.2f, \"ipv4_ns\": %.2f,"
           " \"ipv4_by_length_ns\": %.2f, \"ipv6_ns\": %.2f, \"ipv6_by_length_ns\": %.2f,"
           " \"wrong\": %zu}\n",
           rows, load_ms, (double)topology_bytes(topology) / (double)rows, ipv4.own_ns,
           ipv4.by_length_ns, ipv6.own_ns, ipv6.by_length_ns, ipv4.wrong + ipv6.wrong);
    topology_free(topology);
    free(list.prefixes);
    return 0;
}

/*
 * The topology in memory: networks in a prefix table, the other rows in arrays sorted by code. All
 * of them point to pairs of controller and preference, of which there are few.
 */
#include "core/balance/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/vector.h"

#define PREFERENCE_MAX 65535

/* So many unusable rows are named; the rest are counted. */
#define PROBLEMS_MAX 100

/*
 * Pairs of controller and preference that were used recently, by hash, so that most are stored
 * once.
 */
#define RECENT_SLOTS 4096

/* A controller, and how much it is preferred. */
struct controller_preference {
    uint32_t controller_id;
    uint16_t preference;
};

/* A row for an autonomous system, a country or a continent; a default has code 0. */
struct location_row {
    uint32_t code;
    uint32_t preference; /* index into `preferences` */
};

struct location_rows {
    struct location_row *rows; /* sorted by code once built */
    size_t count, capacity;
};

struct topology {
    struct prefix_table networks; /* to indexes into `preferences` */
    struct location_rows asns, countries, continents, defaults;
    struct controller_preference *preferences;
    size_t preference_count, preference_capacity;
    struct problems problems;
    char **geo_databases; /* paths, owned */
    size_t geo_count, geo_capacity;
};

struct topology_builder {
    struct topology *topology;
    size_t unreported; /* unusable rows beyond PROBLEMS_MAX */
    uint32_t recent[RECENT_SLOTS];
};

int topology_builder_new(struct topology_builder **ret_builder)
{
    struct topology_builder *builder = calloc(1, sizeof *builder);
    struct topology *topology = calloc(1, sizeof *topology);
    if (!builder || !topology) {
        free(builder);
        free(topology);
        return ERR_NOMEM;
    }
    builder->topology = topology;
    *ret_builder = builder;
    return 0;
}

void topology_builder_free(struct topology_builder *builder)
{
    if (!builder)
        return;
    topology_free(builder->topology);
    free(builder);
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    prefix_table_release(&topology->networks);
    free(topology->asns.rows);
    free(topology->countries.rows);
    free(topology->continents.rows);
    free(topology->defaults.rows);
    free(topology->preferences);
    problems_release(&topology->problems);
    for (size_t i = 0; i < topology->geo_count; i++)
        free(topology->geo_databases[i]);
    free(topology->geo_databases);
    free(topology);
}

/* Finds the pair among the recent ones, or adds it. 0 or ERR_NOMEM. */
static int add_preference(struct topology_builder *builder, const struct topology_row *row,
                          uint32_t *ret_index)
{
    struct topology *topology = builder->topology;
    const struct controller_preference wanted = {(uint32_t)row->controller_id,
                                                 (uint16_t)row->preference};
    uint64_t hash = hash_mix(hash_mix(0, wanted.controller_id), wanted.preference);
    uint32_t *slot = &builder->recent[hash % RECENT_SLOTS];
    if (*slot < topology->preference_count) {
        const struct controller_preference *before = &topology->preferences[*slot];
        if (before->controller_id == wanted.controller_id &&
            before->preference == wanted.preference) {
            *ret_index = *slot;
            return 0;
        }
    }
    struct controller_preference *place = VECTOR_ADD(
        topology->preferences, topology->preference_count, topology->preference_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = wanted;
    *ret_index = *slot = (uint32_t)(topology->preference_count - 1);
    return 0;
}

static int add_location_row(struct location_rows *rows, uint32_t code, uint32_t preference)
{
    struct location_row *row = VECTOR_ADD(rows->rows, rows->count, rows->capacity);
    if (!row)
        return ERR_NOMEM;
    *row = (struct location_row){code, preference};
    return 0;
}

/* Two capital letters as a number above 0; 0 for anything else. */
static uint32_t code_of(const char *capitals)
{
    if (capitals[0] < 'A' || capitals[0] > 'Z' || capitals[1] < 'A' || capitals[1] > 'Z' ||
        capitals[2] != '\0')
        return 0;
    return (uint32_t)capitals[0] << 8 | (uint32_t)capitals[1];
}

static bool is_continent(const char *word)
{
    static const char *const continents[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    for (size_t i = 0; i < sizeof continents / sizeof *continents; i++)
        if (strcmp(continents[i], word) == 0)
            return true;
    return false;
}

/* Says what is wrong with a row, or NULL. Reads the prefix or the code of a valid one. */
static const char *read_row(const struct topology_row *row, struct prefix *prefix, uint32_t *code)
{
    if (!!row->cidr + !!row->country + !!row->continent + row->has_asn > 1)
        return "is about more than one of cidr, country, continent, asn";
    if (row->controller_id < 1 || row->controller_id > INT32_MAX)
        return "controller_id is not 1..2147483647";
    if (row->preference < 0 || row->preference > PREFERENCE_MAX)
        return "preference is not 0..65535";
    if (row->cidr && prefix_parse(row->cidr, strlen(row->cidr), prefix) != 0)
        return "cidr is not an address or prefix";
    if (row->country && (*code = code_of(row->country)) == 0)
        return "country is not two capitals";
    if (row->continent && !is_continent(row->continent))
        return "continent is not one of AF AN AS EU NA OC SA";
    if (row->continent)
        *code = code_of(row->continent);
    if (row->has_asn && (row->asn < 1 || row->asn > UINT32_MAX))
        return "asn is not 1..4294967295";
    if (row->has_asn)
        *code = (uint32_t)row->asn;
    return NULL;
}

static int add_problem(struct topology_builder *builder, const struct topology_row *row,
                       const char *wrong)
{
    struct problems *problems = &builder->topology->problems;
    if (problems->count >= PROBLEMS_MAX) {
        builder->unreported++;
        return 0;
    }
    return problems_add(problems, "topology %" PRId64 ": %s", row->id, wrong);
}

int topology_add(struct topology_builder *builder, const struct topology_row *row)
{
    struct topology *topology = builder->topology;
    struct prefix prefix;
    uint32_t code = 0, preference;
    const char *wrong = read_row(row, &prefix, &code);
    if (wrong)
        return add_problem(builder, row, wrong);
    int failed = add_preference(builder, row, &preference);
    if (failed != 0)
        return failed;
    if (row->cidr)
        return prefix_table_add(&topology->networks, &prefix, preference);
    return add_location_row(row->has_asn     ? &topology->asns
                            : row->country   ? &topology->countries
                            : row->continent ? &topology->continents
                                             : &topology->defaults,
                            code, preference);
}

int topology_add_geo_database(struct topology_builder *builder, const char *path)
{
    struct topology *topology = builder->topology;
    char *copy = strdup(path);
    char **place =
        copy ? VECTOR_ADD(topology->geo_databases, topology->geo_count, topology->geo_capacity)
             : NULL;
    if (!place) {
        free(copy);
        return ERR_NOMEM;
    }
    *place = copy;
    return 0;
}

static int compare_location_rows(const void *left, const void *right)
{
    const struct location_row *a = left, *b = right;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return (a->preference > b->preference) - (a->preference < b->preference);
}

static void seal_location_rows(struct location_rows *rows)
{
    if (rows->count > 1)
        qsort(rows->rows, rows->count, sizeof *rows->rows, compare_location_rows);
}

int topology_builder_finish(struct topology_builder *builder, struct topology **ret_topology)
{
    struct topology *topology = builder->topology;
    if (builder->unreported > 0) {
        int code = problems_add(&topology->problems, "topology: %zu more rows cannot be used",
                                builder->unreported);
        if (code != 0)
            return code;
    }
    prefix_table_seal(&topology->networks);
    seal_location_rows(&topology->asns);
    seal_location_rows(&topology->countries);
    seal_location_rows(&topology->continents);
    builder->topology = NULL;
    *ret_topology = topology;
    return 0;
}

static size_t location_row_count(const struct topology *topology)
{
    return topology->asns.count + topology->countries.count + topology->continents.count;
}

size_t topology_row_count(const struct topology *topology)
{
    return prefix_table_count(&topology->networks) + location_row_count(topology) +
           topology->defaults.count;
}

size_t topology_bytes(const struct topology *topology)
{
    size_t rows = topology->asns.capacity + topology->countries.capacity +
                  topology->continents.capacity + topology->defaults.capacity;
    return sizeof *topology + prefix_table_bytes(&topology->networks) +
           rows * sizeof(struct location_row) +
           topology->preference_capacity * sizeof(struct controller_preference);
}

const struct problems *topology_problems(const struct topology *topology)
{
    return &topology->problems;
}

const char *const *topology_geo_databases(const struct topology *topology, size_t *ret_count)
{
    *ret_count = topology->geo_count;
    return (const char *const *)topology->geo_databases;
}

bool topology_needs_location(const struct topology *topology)
{
    return location_row_count(topology) > 0;
}

bool topology_match_network(const struct topology *topology, const struct prefix *network,
                            struct topology_match *ret_match)
{
    struct topology_match match = {.topology = topology, .kind = TOPOLOGY_CIDR};
    if (!prefix_table_match(&topology->networks, &network->address, &match.network))
        return false;
    while (prefix_match_prefix(&match.network).bits > network->bits)
        if (!prefix_match_shorter(&match.network))
            return false;
    *ret_match = match;
    return true;
}

bool topology_match_shorter(struct topology_match *match)
{
    return match->kind == TOPOLOGY_CIDR && prefix_match_shorter(&match->network);
}

static const struct location_rows *location_rows_of(const struct topology *topology,
                                                    enum topology_kind kind)
{
    switch (kind) {
    case TOPOLOGY_ASN:
        return &topology->asns;
    case TOPOLOGY_COUNTRY:
        return &topology->countries;
    case TOPOLOGY_CONTINENT:
        return &topology->continents;
    case TOPOLOGY_DEFAULT:
        return &topology->defaults;
    case TOPOLOGY_CIDR:
        break;
    }
    return NULL;
}

static uint32_t location_code(const struct location *location, enum topology_kind kind)
{
    if (kind == TOPOLOGY_ASN)
        return location->asn;
    return code_of(kind == TOPOLOGY_COUNTRY ? location->country : location->continent);
}

static size_t first_of_code(const struct location_rows *rows, uint32_t code)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->rows[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool topology_match_location(const struct topology *topology, enum topology_kind kind,
                             const struct location *location, struct topology_match *ret_match)
{
    const struct location_rows *rows = location_rows_of(topology, kind);
    uint32_t code = rows ? location_code(location, kind) : 0;
    if (code == 0)
        return false;
    struct topology_match match = {.topology = topology, .kind = kind};
    match.first = first_of_code(rows, code);
    while (match.first + match.count < rows->count &&
           rows->rows[match.first + match.count].code == code)
        match.count++;
    if (match.count == 0)
        return false;
    *ret_match = match;
    return true;
}

bool topology_match_default(const struct topology *topology, struct topology_match *ret_match)
{
    if (topology->defaults.count == 0)
        return false;
    *ret_match = (struct topology_match){
        .topology = topology, .kind = TOPOLOGY_DEFAULT, .count = topology->defaults.count};
    return true;
}

static size_t preference_count(const struct topology_match *match)
{
    return match->kind == TOPOLOGY_CIDR ? match->network.count : match->count;
}

static const struct controller_preference *preference_at(const struct topology_match *match,
                                                         size_t index)
{
    const struct topology *topology = match->topology;
    if (match->kind == TOPOLOGY_CIDR)
        return &topology->preferences[prefix_match_value(&match->network, index)];
    const struct location_rows *rows = location_rows_of(topology, match->kind);
    return &topology->preferences[rows->rows[match->first + index].preference];
}

bool topology_match_preference(const struct topology_match *match, int64_t controller_id,
                               uint32_t *ret_preference)
{
    uint32_t lowest = PREFERENCE_MAX + 1;
    for (size_t i = 0; i < preference_count(match); i++) {
        const struct controller_preference *entry = preference_at(match, i);
        if (entry->controller_id == controller_id && entry->preference < lowest)
            lowest = entry->preference;
    }
    if (lowest > PREFERENCE_MAX)
        return false;
    *ret_preference = lowest;
    return true;
}

const char *topology_match_format(const struct topology_match *match,
                                  char text[static TOPOLOGY_TEXT_MAX])
{
    if (match->kind == TOPOLOGY_CIDR) {
        char written[PREFIX_TEXT_MAX];
        struct prefix prefix = prefix_match_prefix(&match->network);
        snprintf(text, TOPOLOGY_TEXT_MAX, "network %s", prefix_format(&prefix, written));
        return text;
    }
    uint32_t code = location_rows_of(match->topology, match->kind)->rows[match->first].code;
    if (match->kind == TOPOLOGY_DEFAULT)
        snprintf(text, TOPOLOGY_TEXT_MAX, "default");
    else if (match->kind == TOPOLOGY_ASN)
        snprintf(text, TOPOLOGY_TEXT_MAX, "AS%" PRIu32, code);
    else
        snprintf(text, TOPOLOGY_TEXT_MAX, "%s %c%c",
                 match->kind == TOPOLOGY_COUNTRY ? "country" : "continent", (char)(code >> 8),
                 (char)code);
    return text;
}

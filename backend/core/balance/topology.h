/*
 * The table `topology`: which controllers are preferred for the clients of a network, an autonomous
 * system, a country or a continent, and for all others (claim 12).
 *
 * Built row by row, and from then on only read, through a const pointer. It is not part of the
 * snapshot, because half a million rows are loaded at another time than the rest. So rows name
 * controllers by id; whether such a controller exists and is up is checked for each question. An
 * IPv4 network takes 16 bytes, an IPv6 network 28, other rows 8; a pair of controller and
 * preference is stored once for many rows.
 *
 * A lookup begins with the longest network that contains the address, and continues with the next
 * shorter one as long as the caller cannot use the match.
 */
#ifndef STICKY_CORE_BALANCE_TOPOLOGY_H
#define STICKY_CORE_BALANCE_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/location.h"
#include "core/base/problems.h"
#include "core/network/prefix_table.h"

/* What a row applies to, in the order in which a client is looked up. */
enum topology_kind {
    TOPOLOGY_CIDR,
    TOPOLOGY_ASN,
    TOPOLOGY_COUNTRY,
    TOPOLOGY_CONTINENT,
    TOPOLOGY_DEFAULT, /* for every client, and also without one */
};

/* A row of the table `topology`, unchecked. Texts belong to the caller. */
struct topology_row {
    int64_t id;
    /* One of these and asn is set, the others NULL; or none, in a default row. */
    const char *cidr, *country, *continent;
    bool has_asn;
    int64_t asn;
    int64_t controller_id;
    int64_t preference; /* lower is preferred */
};

struct topology;
struct topology_builder;

/* 0 or ERR_NOMEM. */
int topology_builder_new(struct topology_builder **ret_builder);

/* Takes NULL. */
void topology_builder_free(struct topology_builder *builder);

/* 0 or ERR_NOMEM. A row that cannot be used is skipped, with a problem. Host bits are cleared. */
int topology_add(struct topology_builder *builder, const struct topology_row *row);

/* Adds the path of a GeoIP database; `path` is copied. 0 or ERR_NOMEM. */
int topology_add_geo_database(struct topology_builder *builder, const char *path);

/*
 * Completes the topology, which is then the caller's. 0 or ERR_NOMEM; the builder has to be freed
 * in either case.
 */
int topology_builder_finish(struct topology_builder *builder, struct topology **ret_topology);

/* Takes NULL. */
void topology_free(struct topology *topology);

/* The number of usable rows, the bytes that they take, and the problems of the others. */
size_t topology_row_count(const struct topology *topology);
size_t topology_bytes(const struct topology *topology);
const struct problems *topology_problems(const struct topology *topology);

/* Says whether any row needs the location of an address. */
bool topology_needs_location(const struct topology *topology);

/* The paths of the GeoIP databases, in the order in which they were added. */
const char *const *topology_geo_databases(const struct topology *topology, size_t *ret_count);

/* What a client matched: a network, or rows of one of the other kinds. */
struct topology_match {
    const struct topology *topology;
    enum topology_kind kind;
    struct prefix_match network; /* TOPOLOGY_CIDR */
    size_t first, count;         /* all other kinds */
};

/* The longest network that contains the given one; false when none does. */
bool topology_match_network(const struct topology *topology, const struct prefix *network,
                            struct topology_match *ret_match);

/* Goes on to the next shorter network; false, with nothing changed, when there is none. */
bool topology_match_shorter(struct topology_match *match);

/* The rows of another kind; false when the location lacks it, or no row matches. */
bool topology_match_location(const struct topology *topology, enum topology_kind kind,
                             const struct location *location, struct topology_match *ret_match);

/* The default rows; false when there are none. */
bool topology_match_default(const struct topology *topology, struct topology_match *ret_match);

/* The preference of a controller: the lowest of its rows. False when it has none. */
bool topology_match_preference(const struct topology_match *match, int64_t controller_id,
                               uint32_t *ret_preference);

/* Long enough for "network " and a prefix, with NUL. */
#define TOPOLOGY_TEXT_MAX (8 + PREFIX_TEXT_MAX)

/* Writes "network 192.0.2.0/24", "AS64500", "country NL", "continent EU" or "default"; returns it.
 */
const char *topology_match_format(const struct topology_match *match,
                                  char text[static TOPOLOGY_TEXT_MAX]);

#endif

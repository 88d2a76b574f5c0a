/*
 * Which controllers are near to whom: networks, autonomous systems, countries and continents, each
 * with controllers and how much they are preferred there (claim 12).
 *
 * Made row by row with a builder, then sealed, then only read, through a const pointer. Apart from
 * the snapshot, since half a million rows are loaded at another time than the rest: rows name
 * controllers by id, and whether there is one of that id, and whether it is up, is asked when a
 * client is. An IPv4 network takes 16 bytes, one of IPv6 28, the others 8; which controller with
 * which preference is kept once for many rows.
 *
 * A question to it begins at the longest network that holds an address, and goes on as long as what
 * matched does not help.
 */
#ifndef STICKY_CORE_BALANCE_TOPOLOGY_H
#define STICKY_CORE_BALANCE_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/location.h"
#include "core/base/problems.h"
#include "core/network/prefix_table.h"

/* What a row is about, in the order in which a client is looked for. */
enum topology_kind { TOPOLOGY_CIDR, TOPOLOGY_ASN, TOPOLOGY_COUNTRY, TOPOLOGY_CONTINENT };

/* A row of table `topology`, as it comes. Texts belong to the caller. */
struct topology_row {
    int64_t id;
    const char *cidr, *country, *continent; /* exactly one of these and asn; NULL: not that */
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

/*
 * 0 or ERR_NOMEM. A row that cannot be used is left out with a problem; bits behind a prefix are
 * cleared.
 */
int topology_add(struct topology_builder *builder, const struct topology_row *row);

/* 0 or ERR_NOMEM. Takes down a file that tells where addresses are; `path` is copied. */
int topology_add_geo_database(struct topology_builder *builder, const char *path);

/* Seals it. 0 with the topology the caller's, or ERR_NOMEM. The builder is to be freed after both.
 */
int topology_builder_finish(struct topology_builder *builder, struct topology **ret_topology);

/* Takes NULL. */
void topology_free(struct topology *topology);

/* The rows that can be used, the bytes that they take, and what is wrong with the others. */
size_t topology_row_count(const struct topology *topology);
size_t topology_bytes(const struct topology *topology);
const struct problems *topology_problems(const struct topology *topology);

/* Says whether any row asks for more than the address. */
bool topology_needs_location(const struct topology *topology);

/* The files that tell where addresses are, in the order they came. */
const char *const *topology_geo_databases(const struct topology *topology, size_t *ret_count);

/* What a client was found by: one network, or one of the others. */
struct topology_match {
    const struct topology *topology;
    enum topology_kind kind;
    struct prefix_match network; /* TOPOLOGY_CIDR */
    size_t first, count;         /* all other kinds */
};

/* The longest network that holds the address; false when none does. */
bool topology_match_network(const struct topology *topology, const struct address *address,
                            struct topology_match *ret_match);

/* Goes on to the next shorter network; false, with nothing changed, when there is none. */
bool topology_match_shorter(struct topology_match *match);

/* Any other kind; false when the location has none of it, or no row has that one. */
bool topology_match_location(const struct topology *topology, enum topology_kind kind,
                             const struct location *location, struct topology_match *ret_match);

/* How a controller is preferred there: the lowest number of its rows. False when it has none. */
bool topology_match_preference(const struct topology_match *match, int64_t controller_id,
                               uint32_t *ret_preference);

/* Long enough for "network " and a prefix, with NUL. */
#define TOPOLOGY_TEXT_MAX (8 + PREFIX_TEXT_MAX)

/* Writes "network 192.0.2.0/24", "AS64500", "country NL" or "continent EU"; returns `text`. */
const char *topology_match_format(const struct topology_match *match,
                                  char text[static TOPOLOGY_TEXT_MAX]);

#endif

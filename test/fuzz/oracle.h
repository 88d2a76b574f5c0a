/*
 * The choice seen from outside: which servers may be answered with, said a second time from the
 * rules in schema.sql and not from the code that chooses. Where these leave it open, because of
 * numbers that were measured, turns or places, the oracle allows all that remain.
 *
 * It looks at what the program has read, not at the tables, so that a row which the program cannot
 * use counts for neither.
 */
#ifndef TEST_FUZZ_ORACLE_H
#define TEST_FUZZ_ORACLE_H

#include "core/sticky/assign.h"

#define WAY_MAX 64

/* How a question of one client for one balanced name may end. Valid as long as the inputs are. */
struct outlook {
    const struct decision_inputs *inputs;
    const struct pool *way[WAY_MAX]; /* that may be asked for a server, one after the other */
    size_t count;
    bool ends;     /* the last one may have none to give, so that its fallback counts */
    bool by_turns; /* and not by the client alone */
    bool kept;     /* mappings, by all of them, for longer than one looks */
    bool pins;     /* some client may be pinned in one of them */
};

struct outlook oracle_look(const struct decision_inputs *inputs, const struct pool *pool);

bool oracle_allows_failure(const struct outlook *outlook);
bool oracle_allows_nothing(const struct outlook *outlook);

/*
 * Says whether a server with these addresses (NULL: has none) may be answered. A client that is
 * `mapped`, or perhaps pinned, may be kept at a draining one.
 */
bool oracle_allows(const struct outlook *outlook, const char *ipv4, const char *ipv6, bool mapped);

/*
 * The only server with these addresses that a client without mapping can have been sent to since it
 * is up, and its pool; NULL if there are several or none.
 */
const struct virtual_server *oracle_chosen(const struct outlook *outlook, const char *ipv4,
                                           const char *ipv6, const struct pool **ret_pool);

/*
 * Says whether a choice of that pool makes no mapping, which could send the client to a draining
 * server of a pool that was passed over before.
 */
bool oracle_forgets(const struct outlook *outlook, const struct pool *pool);

#endif

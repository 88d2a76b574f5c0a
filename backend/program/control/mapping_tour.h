/*
 * Goes through the mappings that a filter means, of one pool after the other.
 *
 * It reads them in parts. Each part is a short transaction with the configuration of that moment,
 * so that a tour of ten million mappings keeps no checkpoint waiting and sees what is changed
 * meanwhile. Where the key helps (a pool and a resolver or a network are given), only these are
 * read; else all are.
 */
#ifndef STICKY_PROGRAM_CONTROL_MAPPING_TOUR_H
#define STICKY_PROGRAM_CONTROL_MAPPING_TOUR_H

#include "program/control/mapping_filter.h"

/* One mapping, during a visit. */
struct visited_mapping {
    const struct decision_inputs *inputs;
    const struct pool *asked; /* that of the filter, or the pool that has the mapping */
    const struct pool *pool;  /* that has the mapping */
    const char *key;
    const struct mapping *mapping;
};

/* What a visit returns besides 0 and error codes. */
#define TOUR_END 1  /* the tour ends here */
#define TOUR_WAIT 2 /* to be visited again, after a pause, in another transaction */

struct tour_guide {
    /* May change mappings. A code ends the tour, with `error` set. */
    int (*visit)(void *context, const struct visited_mapping *visited, struct error *error);
    /*
     * Is called between parts, outside of transactions: for output, progress and waits. `read` says
     * how many mappings were read so far. False: the tour ends here. NULL: nothing is to be done.
     */
    bool (*pause)(void *context, int64_t read);
    void *context;
};

/*
 * 0; TOUR_END when a visit or a pause has ended it; or a code with `error` set. Mappings that are
 * not stored yet are visited as well; ERR_BUSY at the end says that some of them could not be.
 */
int mapping_tour(const struct command_call *call, const struct mapping_filter *filter,
                 const struct tour_guide *guide, struct error *error);

/*
 * The same for a guide that changes mappings: waits until the changes are stored, and makes the
 * tour again if others have changed mappings by SQL meanwhile, by which changes are dropped. A
 * guide is told so by `again`, which may be NULL.
 */
int mapping_tour_of_changes(const struct command_call *call, const struct mapping_filter *filter,
                            const struct tour_guide *guide, void (*again)(void *context),
                            struct error *error);

/*
 * The revision of the mappings that others have changed, read now; and whether it is still the
 * same after all changes were stored. 0, or a code with `error` set.
 */
int mappings_revision_now(const struct command_call *call, int64_t *ret_revision,
                          struct error *error);
int mappings_settle(const struct command_call *call, int64_t revision, bool *ret_same,
                    struct error *error);

/* The state of a mapping for a pool, and the server if it is live. */
enum mapping_state visited_state(const struct visited_mapping *visited, const struct pool *pool,
                                 const struct virtual_server **ret_server);

#endif

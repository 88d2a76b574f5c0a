/*
 * The parts of status_gather(), for the files of status.h.
 */
#ifndef STICKY_PROGRAM_COMMAND_STATUS_PARTS_H
#define STICKY_PROGRAM_COMMAND_STATUS_PARTS_H

#include "program/command/status.h"
#include "store/store.h"

/*
 * Fills status->monitor, and adds the monitor's problems to `ret_problems`. What cannot be read is
 * left out. 0 or ERR_NOMEM.
 */
int status_gather_monitor(struct store *store, const struct decision_inputs *inputs,
                          struct status *status, struct problems *ret_problems);

/*
 * Fills status->sharing, and adds what is wrong with sharing to `ret_problems`. What cannot be read
 * is left out. 0 or ERR_NOMEM.
 */
int status_gather_sharing(struct store *store, const struct decision_inputs *inputs,
                          struct status *status, struct problems *ret_problems);

/* Counts pins, once status->pools is filled. 0 or ERR_NOMEM. */
int status_gather_pins(const struct decision_inputs *inputs, struct status *status);

/*
 * Adds pools that cannot do what they are configured for as things are. `has_paths`: round trips of
 * paths are measured. 0 or ERR_NOMEM.
 */
int status_add_pool_problems(const struct decision_inputs *inputs, bool has_paths,
                             struct problems *problems);

/*
 * Fills status->problems from the rest of the status, which has to be gathered before;
 * `others`, those of monitor and sharing, come last. 0 or ERR_NOMEM.
 */
int status_gather_problems(struct responder *responder, const struct decision_inputs *inputs,
                           const struct problems *others, struct status *status);

#endif

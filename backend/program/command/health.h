/*
 * The part of `status` that tells what the monitor knows, and whether there is one.
 */
#ifndef STICKY_PROGRAM_COMMAND_HEALTH_H
#define STICKY_PROGRAM_COMMAND_HEALTH_H

#include "core/base/buffer.h"
#include "core/sticky/resolve.h"
#include "store/store.h"

/*
 * Prints a line of problem for each thing that is wrong with the monitor, after store_begin(). What
 * cannot be read is left out.
 */
void health_print_problems(struct store *store, struct buffer *out);

/* Prints how many are up and down, and each that is down: since when, and why. */
void health_print(struct store *store, const struct world *world, struct buffer *out);

#endif

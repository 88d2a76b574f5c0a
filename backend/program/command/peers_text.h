/*
 * What other name servers have found out about targets, as lines for `status` and `explain`.
 */
#ifndef STICKY_PROGRAM_COMMAND_PEERS_TEXT_H
#define STICKY_PROGRAM_COMMAND_PEERS_TEXT_H

#include "core/base/buffer.h"
#include "store/store.h"

/*
 * Prints a line for each target that peers have verdicts on and that is down for anybody: those of
 * one pool and of controllers, or all (NULL). What cannot be read is left out. In the transaction
 * that is begun.
 */
void peers_text_print(struct store *store, const char *pool, struct buffer *out);

#endif

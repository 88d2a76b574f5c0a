/*
 * Random rows for every table, out of a fuzz input: what a CHECK or a trigger refuses is left out
 * silently, all else stays and is what an operator might have committed.
 */
#ifndef TEST_FUZZ_ROWS_H
#define TEST_FUZZ_ROWS_H

#include "fuzz.h"

/* Prepares the statements; once. */
void rows_prepare(sqlite3 *connection);

/* Empties every table and fills in the beginning that the input's first byte names. */
void rows_reset(sqlite3 *connection, struct input *input);

/* Inserts, updates and deletes as the input says, in one transaction with rows_reset(). */
void rows_change(struct input *input, size_t count);

#endif

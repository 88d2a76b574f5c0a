/*
 * Rows within a message: the member `rows` and the names that they refer to. And round trip times,
 * the member `paths`, each an array of its network, the index of its controller, rtt and
 * measured_at.
 *
 * A row is an array: the index of its pool, key, decided, origin, timestamp, ttl, and, unless it is
 * deleted, the indices of its controller and method. The names stand in the members `pools`,
 * `controllers` and `methods`, each once.
 *
 * Rows with a home are listed in the member `homes`, as pairs of the index of the row and that of
 * the home in `home_names`. Both members are left out when there are none, and older versions
 * ignore them: a row has as many elements as they want.
 */
#ifndef STICKY_SHARE_WIRE_ROWS_H
#define STICKY_SHARE_WIRE_ROWS_H

#include <jansson.h>
#include <stddef.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/sharing/entry.h"
#include "core/sharing/path.h"

struct wire_rows;
struct wire_paths;

/* Appends these members, each with a comma before it. No more than WIRE_ROWS_MAX rows. */
void wire_rows_write(struct buffer *out, const struct shared_row *rows, size_t count);

/* Reads them from a message. 0; ERR_INVAL or ERR_NOMEM with `error` set, and no rows. */
int wire_rows_read(const json_t *message, struct wire_rows *rows, struct error *error);

/* The same for round trip times, no more than WIRE_PATHS_MAX. */
void wire_paths_write(struct buffer *out, const struct shared_path *paths, size_t count);
int wire_paths_read(const json_t *message, struct wire_paths *paths, struct error *error);

/* Appends a text in quotes; it must be UTF-8 without control characters. */
void wire_write_text(struct buffer *out, const char *text);

/*
 * Copies a text with its NUL. False, with `ret_text` untouched, when the value is none, or does not
 * fit into `size` octets.
 */
bool wire_read_text(const json_t *value, size_t size, char *ret_text);

/* False, with `ret_number` untouched, when the value is not an integer of least..most. */
bool wire_read_number(const json_t *value, int64_t least, int64_t most, int64_t *ret_number);

#endif

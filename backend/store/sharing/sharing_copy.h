/*
 * The configuration as a whole: a copy for a server that follows this one (share.follow), and a
 * copy of another server's put in place of ours.
 *
 * A copy is a JSON object with an array of rows for each table: zone, record, monitor, controller,
 * pool, virtual_server, balanced_name, ldns_group, pin, topology. Rows refer to each other by
 * names, since each database has ids of its own. A pin that can no longer match anybody is not in
 * it. What belongs to one machine is not in it: `setting`, `geo_database`, all that is measured,
 * all that is shared.
 *
 * Its revision is a hash of all rows and their tables. Two servers with the same rows have the same
 * revision, whatever ids and order these have.
 */
#ifndef STICKY_STORE_SHARING_COPY_H
#define STICKY_STORE_SHARING_COPY_H

#include "store/sharing/sharing.h"

/* The most octets of a copy: some 150,000 rows. It is held in memory on both sides. */
#define COPY_BYTES_MAX (16 << 20)

struct share_copy {
    uint64_t revision;
    const char *text; /* NULL: it would be larger than COPY_BYTES_MAX */
    size_t length;
};

/*
 * The copy of our configuration. It is kept as long as the configuration does not change. 0 with
 * `ret_copy` set, valid until the next call of any function that takes `sharing`; or a code with
 * `error` set.
 */
int sharing_copy(struct sharing *sharing, struct share_copy *ret_copy, struct error *error);

/* The revision of our own configuration; cheap while it does not change. */
int sharing_copy_revision(struct sharing *sharing, uint64_t *ret_revision, struct error *error);

/*
 * Puts a copy of the peer `node` in place of our configuration, all of it in one transaction or
 * nothing. Rows that stay, by their names, keep their ids and with them their mappings and what is
 * measured. All checks of the schema are made, those of its triggers too, and afterwards our
 * revision must be `revision`. Notes in `share_follow` that it was taken.
 *
 * 0; ERR_BUSY: not now; ERR_NOTFOUND: that peer is not followed any more; ERR_INVAL: the copy is
 * refused, as `error` says; or another code, when nothing can be written.
 */
int sharing_take_copy(struct sharing *sharing, int64_t node, uint64_t revision, const char *text,
                      size_t length, int64_t now_ms, struct error *error);

/*
 * The first row in which a copy of another server is not as our configuration, in what
 * sharing_configuration_digest() counts: "only here: " or "only there: ", the table, and the values
 * as JSON; "" if there is none. 0, or a code with `error` set.
 */
int sharing_copy_difference(struct sharing *sharing, const struct share_copy *copy, char *ret_text,
                            size_t size, struct error *error);

/* Notes in `share_follow` when the followed peer was heard last, and what is wrong. */
int sharing_note_follow(struct sharing *sharing, int64_t node, int64_t heard_ms,
                        const char *problem, struct error *error);

#endif

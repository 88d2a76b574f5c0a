/*
 * The last part of building a snapshot: makes the sorted array of names from zones, balanced names
 * and records. Used only by the snapshot builder.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_NAMES_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/configuration/snapshot.h"

/* The order in which the rows of a name are handled. */
enum name_kind { NAME_ZONE, NAME_BALANCED, NAME_RECORD };

struct name_draft {
    const char *key; /* key and text belong to the snapshot's arena */
    const char *text;
    uint16_t key_length;
    enum name_kind kind;
    int64_t row_id;
    bool has_reference; /* a record's zone may be NULL */
    int64_t refers_to;  /* the id of a zone, or for a balanced name of a pool */
    struct record record;
};

/*
 * Fills `names`, and checks what needs all rows: a record is in its zone, an extra record belongs
 * to a balanced name, a balanced name has no addresses but its pool's, and a name that is answered
 * with CNAME has no records and is no apex. Zones and pools must be in place. Sorts `drafts`.
 * Problems are added to the snapshot's. 0 or ERR_NOMEM.
 */
int snapshot_place_names(struct snapshot *snapshot, struct name_draft *drafts, size_t count);

#endif

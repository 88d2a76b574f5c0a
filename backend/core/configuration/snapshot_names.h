/*
 * The second half of building a snapshot: zones, balanced names and records become one sorted array
 * of names. Used by the snapshot builder alone.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_NAMES_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/configuration/snapshot.h"

/* In this order the rows of one name are looked at. */
enum name_kind { NAME_ZONE, NAME_BALANCED, NAME_RECORD };

struct name_draft {
    const char *key; /* key and text are in the snapshot's arena */
    const char *text;
    uint16_t key_length;
    enum name_kind kind;
    int64_t row_id;
    bool has_reference; /* a record's zone may be NULL */
    int64_t refers_to;  /* the id of a zone, for a balanced name of a pool */
    struct record record;
};

/*
 * Fills `names` and checks what needs all rows: a record lies in its zone, an extra record belongs
 * to a balanced name, a balanced name has no addresses beside its pool. Zones and pools have to be
 * in place. Sorts `drafts`. 0 or ERR_NOMEM; problems go to the snapshot's.
 */
int snapshot_place_names(struct snapshot *snapshot, struct name_draft *drafts, size_t count);

#endif

/*
 * How much room there is for more rows, in the bounds that keep forged resolvers from filling the
 * disk.
 */
#ifndef STICKY_STORE_MAINTENANCE_ROOM_H
#define STICKY_STORE_MAINTENANCE_ROOM_H

#include <stdint.h>

#include "store/sqlite/database.h"

enum room {
    ROOM_ENOUGH,
    ROOM_TABLE_FULL, /* more than max_megabytes are in use */
    ROOM_DISK_SHORT, /* hardly more is left than a checkpoint may need */
};

/* Of an open database. What cannot be found out counts as enough. */
enum room room_of(struct database *database, int64_t max_bytes);

#endif

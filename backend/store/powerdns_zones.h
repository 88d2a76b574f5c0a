/*
 * The zones that PowerDNS's backend gsqlite3 keeps in an SQLite file of its own, for reading.
 *
 * The tables are those of modules/gsqlite3backend/schema.sqlite3.sql, which PowerDNS has had since
 * 3.4: domains, records and cryptokeys. Names have no trailing dot and are in lower case. Of other
 * statements that somebody has configured for gsqlite3, nothing is known here.
 */
#ifndef STICKY_STORE_POWERDNS_ZONES_H
#define STICKY_STORE_POWERDNS_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct powerdns_zones;

/* 0, or a code with `error` set: it does not exist, cannot be read, or is of another kind. */
int powerdns_zones_open(const char *path, struct powerdns_zones **ret_zones, struct error *error);

/* Takes NULL. */
void powerdns_zones_close(struct powerdns_zones *zones);

/* Says whether there is a zone of this name. */
bool powerdns_zones_have(struct powerdns_zones *zones, const char *name);

/* The end of `name` that is the deepest zone which contains it, or NULL. */
const char *powerdns_zones_find(struct powerdns_zones *zones, const char *name);

/*
 * Says whether a name has records of a type, disabled ones left out; of any type where it is NULL.
 */
bool powerdns_zones_have_record(struct powerdns_zones *zones, const char *name, const char *type);

/* How many zones have active DNSSEC keys. */
int64_t powerdns_zones_signed(struct powerdns_zones *zones);

/* What could not be read since it was opened: 0, or a code with `error` set. */
int powerdns_zones_error(const struct powerdns_zones *zones, struct error *error);

#endif

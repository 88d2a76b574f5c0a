/*
 * What is configured and valid, but will not do what it says: pools whose servers are at one place
 * or lead back to them, pools that share mappings and not sites, names that PowerDNS does not
 * answer from their pool, records that hide others or send everybody to one site.
 *
 * Rows that cannot be used at all are in the problems of the snapshot.
 */
#ifndef STICKY_CORE_STICKY_CONTRADICTIONS_H
#define STICKY_CORE_STICKY_CONTRADICTIONS_H

#include "core/base/problems.h"
#include "core/configuration/snapshot.h"

/* Adds a sentence for each, or one for many names of a kind. 0 or ERR_NOMEM. */
int contradictions_add(const struct snapshot *snapshot, struct problems *problems);

/*
 * Says whether a name has a CNAME beside other records, of which resolvers then may find none (RFC
 * 1034, section 3.6.2); RRSIG and NSEC may stand there (RFC 4035, section 2.5).
 */
bool contradictions_hide_records(const struct name_entry *entry);

#endif

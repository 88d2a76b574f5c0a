/*
 * Makes an answer for a question.
 *
 * It follows the way in which PowerDNS asks (pdns/packethandler.cc, pdns/ueberbackend.cc of 4.7.3).
 * An SOA is answered only at the exact apex, and never fails. `ANY` means all records of a name. A
 * name that exists without records in a zone of this database gets a record of TYPE_EMPTY. Records
 * of a balanced name have a scope above 0, because records with scope 0 go into caches that serve
 * them to any client.
 *
 * A site with a name in place of addresses is answered with a CNAME, in a lookup of ANY, which is
 * what PowerDNS makes of a question for any type, and of CNAME. Lookups of other types get nothing:
 * PowerDNS makes them for itself, and would take the CNAME for an NS or SOA record.
 *
 * A record's automatic hints (svcb.h) are the addresses of this client's site; sites with names
 * have none.
 *
 * The types that a name has must not depend on the client, because PowerDNS signs proofs of
 * non-existence from them. So a question without client gets the types that every client gets
 * (without_client.h).
 */
#ifndef STICKY_CORE_STICKY_RESOLVE_H
#define STICKY_CORE_STICKY_RESOLVE_H

#include "core/dns/question.h"
#include "core/sticky/assign.h"

/*
 * Fills an answer, which was cleared before. If a mapping could not be read or written there is a
 * warning; the answer is valid all the same.
 */
void resolve(const struct decision_inputs *inputs, const struct question *question,
             struct answer *answer);

/*
 * All records of a zone, for a zone transfer; balanced names with the addresses or the CNAME of one
 * site. The zone is found by its id or, if that is unknown, by its name (may be NULL). No records
 * if the zone is not in this database.
 */
void resolve_zone(const struct decision_inputs *inputs, int32_t zone_id, const struct name *name,
                  struct answer *answer);

/* The SOA record of every zone of this database that has one; PowerDNS does not find the others. */
void resolve_zones(const struct snapshot *snapshot, struct answer *answer);

/*
 * The name that an HTTPS or SVCB record of an entry leads to, whose addresses its hints are: the
 * entry itself, another one, or NULL if it is not in this database.
 */
const struct name_entry *resolve_hint_target(const struct snapshot *snapshot,
                                             const struct name_entry *entry,
                                             const struct record *record);

#endif

/*
 * From a question to an answer.
 *
 * Follows how PowerDNS asks (pdns/packethandler.cc, pdns/ueberbackend.cc of 4.7.3): an SOA is
 * answered at the exact apex only and never fails; `ANY` means all records of a name; a name of our
 * own zones that exists without records is told by a record of a type nobody asks for, since "no
 * records" would make it NXDOMAIN; records of a balanced name carry a scope above 0, because those
 * with 0 go into caches that do not care who asked.
 *
 * Which types a name has does not depend on who asks. A question without client gets the types that
 * all servers of the pool offer, so that a proof of non-existence signed from it (NSEC, NSEC3)
 * never denies or promises what another answer contradicts; if they have none in common, all types.
 */
#ifndef STICKY_CORE_STICKY_RESOLVE_H
#define STICKY_CORE_STICKY_RESOLVE_H

#include "core/dns/question.h"
#include "core/sticky/assign.h"

/*
 * Fills an answer that was cleared. `ret_code` is 0 or why a mapping could not be read or written;
 * the answer is good either way.
 */
void resolve(const struct decision_inputs *inputs, const struct question *question,
             struct answer *answer, int *ret_code);

/*
 * All records of a zone, as in a zone transfer: balanced names as a question without client gets
 * them. The zone is named by its id or, when that is not one of ours, by its name (may be NULL). No
 * records when the zone is not ours.
 */
void resolve_zone(const struct decision_inputs *inputs, int32_t zone_id, const struct name *name,
                  struct answer *answer);

/* The SOA record of every zone of ours that has one; PowerDNS does not find the others. */
void resolve_zones(const struct snapshot *snapshot, struct answer *answer);

#endif

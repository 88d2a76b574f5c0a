/*
 * Questions to DNS servers (RFC 1035 section 4), as checks and the resolver ask them.
 */
#ifndef STICKY_MONITOR_DNS_QUESTION_H
#define STICKY_MONITOR_DNS_QUESTION_H

#include <arpa/nameser.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes a question for a name and a type, with recursion desired, without EDNS, and with an id
 * that cannot be guessed. Returns its length; 0 if the name is not a DNS name, or there are no
 * random numbers.
 */
size_t dns_question_write(const char *name, int type, uint8_t ret_question[static NS_PACKETSZ]);

/*
 * Says in a question that answers may be longer than 512 octets (EDNS, RFC 6891 section 6.1). The
 * length with that; the same length if there is no room.
 */
size_t dns_question_add_edns(uint8_t question[static NS_PACKETSZ], size_t length,
                             unsigned answer_max);

#endif

/*
 * Record types and contents as PowerDNS reads them.
 *
 * One record that PowerDNS cannot parse costs the whole answer: SERVFAIL for every record of the
 * name (pdns/dnsparser.cc, pdns/rcpgenerator.cc of 4.7.3). So contents are checked when the
 * configuration is loaded, by a grammar per type that is no wider than PowerDNS's. A type that is
 * not in the table can be written in the generic form of RFC 3597: type `TYPE65280`, content `\# 3
 * 010203`.
 */
#ifndef STICKY_CORE_DNS_RDATA_H
#define STICKY_CORE_DNS_RDATA_H

#include <stdbool.h>

#include "core/base/error.h"

/* The longest mnemonic that PowerDNS knows, with NUL. */
#define RECORD_TYPE_MAX 16

/*
 * Checks that `content` is right for `type` (upper case). 0, or ERR_INVAL with a text that names
 * the field that is wrong. Touches nothing else; cannot run out of memory.
 */
int rdata_check(const char *type, const char *content, struct error *error);

#endif

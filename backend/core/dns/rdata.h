/*
 * Checks record types and contents as PowerDNS's parser would.
 *
 * If PowerDNS cannot parse one record of a name, it answers SERVFAIL for all of them
 * (pdns/dnsparser.cc, pdns/rcpgenerator.cc of 4.7.3). So contents are checked when the
 * configuration is loaded, by a grammar for each type that accepts nothing that PowerDNS rejects. A
 * type that is not in the table can be written in the generic form of RFC 3597: type `TYPE65280`,
 * content `\# 3 010203`.
 */
#ifndef STICKY_CORE_DNS_RDATA_H
#define STICKY_CORE_DNS_RDATA_H

#include <stdbool.h>

#include "core/base/error.h"

/* The longest mnemonic that PowerDNS knows, with NUL. */
#define RECORD_TYPE_MAX 16

/*
 * Checks that `content` is valid for `type` (upper case). 0, or ERR_INVAL with a text that names
 * the invalid field. Does not allocate.
 */
int rdata_check(const char *type, const char *content, struct error *error);

#endif

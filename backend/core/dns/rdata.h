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
#include <stdint.h>

#include "core/base/error.h"

/* The longest mnemonic that PowerDNS knows, with NUL. */
#define RECORD_TYPE_MAX 16

/*
 * Versions of PowerDNS, 100 * major + minor: the oldest one that is supported, and the first one
 * that reads type WALLET, and the parameter `ohttp` and a port in quotes of SVCB and HTTPS.
 */
#define POWERDNS_LEAST 407
#define POWERDNS_5_1 501

/*
 * Checks that `content` is valid for `type` (upper case) in PowerDNS from version `powerdns` on.
 * 0, or ERR_INVAL with a text that names the invalid field. Does not allocate.
 */
int rdata_check(const char *type, const char *content, int64_t powerdns, struct error *error);

#endif

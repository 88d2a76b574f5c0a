/*
 * Service parameters of SVCB and HTTPS records (RFC 9460), read as PowerDNS reads them
 * (pdns/rcpgenerator.cc, pdns/dnslabeltext.rl and pdns/svc-records.cc of 4.7.3).
 *
 * A hint is an address of the target that a browser may connect to without asking for it. With
 * `ipv4hint=auto` PowerDNS fills in what the target has, asked without a client. That would send
 * everybody to one site, so for a balanced name we fill it in, with the addresses of this client's
 * site.
 */
#ifndef STICKY_CORE_DNS_SVCB_H
#define STICKY_CORE_DNS_SVCB_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/dns/name.h"

/*
 * Says whether PowerDNS takes `text`, all that follows priority and target, as parameters: each
 * known, or written keyNNN, at most once, and with a value where it needs one. `is_5_1`: it is of
 * version 5.1 or later, which also takes `ohttp` and a port in quotes.
 */
bool svcb_parameters_are_valid(const char *text, bool is_5_1);

/* Says whether a type can have parameters: "SVCB", "HTTPS". */
bool svcb_is_type(const char *type);

/* All following functions take the whole content of such a record, which rdata_check() accepted. */

/* Says whether `ipv4hint=auto` or `ipv6hint=auto` is among its parameters. */
bool svcb_has_auto_hints(const char *content);

/* Its target. False if that is ".", which stands for the owner of the record. */
bool svcb_target(const char *content, struct name *ret_target);

/* Says whether an address, as text, is one of its hints. */
bool svcb_hints_at(const char *content, const char *address);

/*
 * A copy of it in which each `auto` is an address; without address (NULL) the parameter is left
 * out. NULL when there is no memory.
 */
const char *svcb_fill_hints(const char *content, const char *ipv4, const char *ipv6,
                            struct arena *arena);

#endif

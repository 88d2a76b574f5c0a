/*
 * Finds an address of a host name, by asking the name servers of a file like resolv.conf(5).
 *
 * The file is read for each lookup, so that its changes count at once. Of its lines only those that
 * begin with `nameserver` matter: the name is a full one, and neither a search list nor /etc/hosts
 * is used. The port is 53, unless the address is written with another one: [127.0.0.1]:5353.
 * Without a usable line, 127.0.0.1 is asked.
 *
 * The first A record counts or, if there is none, the first AAAA record; a lookup for one family
 * asks for that alone. Servers that give no answer, or an error, are asked in turn. Each lookup has
 * a new socket and an id that cannot be guessed. Questions go over UDP, with EDNS; of a truncated
 * answer, an address that is there counts, and without one the next server is asked.
 */
#ifndef STICKY_MONITOR_RESOLVER_H
#define STICKY_MONITOR_RESOLVER_H

#include <event2/event.h>

#include "core/network/address.h"

#define RESOLV_CONF "/etc/resolv.conf"

struct lookup;

/*
 * Begins a lookup. `done` is called at most once, from the event loop, with the address, or with
 * NULL if the name has none or every server has answered with an error. While servers do not
 * answer, it goes on asking. `family` is FAMILY_NONE for either kind. The name is copied. 0,
 * ERR_INVAL if it is not a DNS name, or ERR_NOMEM.
 */
int lookup_begin(struct event_base *base, const char *resolv_conf, const char *name,
                 enum address_family family,
                 void (*done)(void *context, const struct address *address), void *context,
                 struct lookup **ret_lookup);

/* Ends a lookup, also one that is done; within `done`, too. Takes NULL. */
void lookup_end(struct lookup *lookup);

#endif

"""Addresses of resolvers, and the server that each of them is promised."""

import ipaddress
import re


def ldns(number):
    """A resolver's address for a number."""
    return str(ipaddress.ip_address(0xC6120000 + number))  # 198.18.0.0/15, for measurements


def addresses_of_many_resolvers(count, random):
    """Distinct resolver addresses, half of them IPv4 and half IPv6, from all over both."""
    found = {}
    while len(found) < count:
        if len(found) % 2:
            address = ipaddress.IPv6Address((0x2 << 124) | random.getrandbits(124))
        else:
            address = ipaddress.IPv4Address(random.randrange(0x01000000, 0xDF000000))
        found[str(address)] = None
    return list(found)


def mixed_case(name, random):
    """The name with capitals here and there, as resolvers send it."""
    return re.sub("[a-z]", lambda m: random.choice((m[0], m[0].upper())), name)


def chosen(client, count, down=(), prefix=None):
    """The server (0 .. count-1) that a new client is sent to: modulus arithmetic with failover.

    client: the resolver's address, or with `prefix` one of the network that counts.
    None when all are down.
    """
    address = ipaddress.ip_address(client)
    number = int(address) >> (address.max_prefixlen - (prefix or address.max_prefixlen))
    standing = list(range(count))
    while standing:
        second_value = number % len(standing) + 1
        place = second_value + 1 if second_value < len(standing) else 1
        server = standing[place - 1]
        if server not in down:
            return server
        standing.remove(server)
    return None

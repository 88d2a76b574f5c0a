"""Pools whose sites do not all answer the same types, so that a proof could deny what they answer.

DENIALS      how each is made, and whether a resolver that uses proofs again finds its addresses
pool_name()  what it is called, and the first label of its balanced name
make_pool()  makes one in an overlay
"""

from zones import THREE_SITES, pdnsutil


def all_enabled_sites_drain(database, name):
    pool = database.add_pool(name, THREE_SITES, fallback="none")
    database.sql(f"UPDATE controller SET state = 'draining' WHERE name LIKE '{name}-%';")
    return pool


def the_last_one_up_drains(database, name):
    pool = all_enabled_sites_drain(database, name)
    database.sql(f"UPDATE controller SET state = 'enabled' WHERE name IN ('{name}-1', '{name}-2');")
    for index in (0, 1):
        database.set_available(pool, index, False)
    return pool


def a_draining_pool_falls_back_on_one_without_ipv6(database, name):
    spare = database.add_pool(f"{name}spare", [("203.0.113.66", None)])
    pool = all_enabled_sites_drain(database, name)
    database.sql(
        f"UPDATE pool SET fallback_pool_id = (SELECT id FROM pool WHERE name = '{spare.name}')"
        f" WHERE name = '{name}';"
    )
    return pool


def one_site_without_ipv4_beside_one_without_ipv6(database, name):
    return database.add_pool(name, [("203.0.113.1", None), (None, "2001:db8:203::2")])


def a_method_cannot_decide(database, name):
    pool = database.add_pool(name, THREE_SITES, fallback="none", method="topology")
    database.sql(
        "INSERT INTO topology (cidr, controller_id)"
        f" SELECT '127.0.1.0/24', id FROM controller WHERE name = '{name}-1';"
    )
    return pool


def a_site_has_lost_ipv6(database, name):
    """The second one, to which the tests' resolvers are sent."""
    pool = database.add_pool(name, THREE_SITES, fallback="none")
    database.set_available(pool, 1, False, family="ipv6")
    return pool


# How a pool is made that once promised, or might promise, what it does not give; and whether a
# resolver that uses denials again finds its addresses.
DENIALS = [
    (all_enabled_sites_drain, True),
    (the_last_one_up_drains, True),
    (a_draining_pool_falls_back_on_one_without_ipv6, True),
    (one_site_without_ipv4_beside_one_without_ipv6, False),
    (a_method_cannot_decide, False),
    (a_site_has_lost_ipv6, True),
]


def pool_name(make):
    return make.__name__.replace("_", "")[:30]


def make_pool(server, make):
    """The pool, with a record of its name in the other backend, from which the chain is made."""
    pool = make(server.database, pool_name(make))
    pdnsutil(server, "add-record", "example.com", pool.name, "A", "192.0.2.66")
    pdnsutil(server, "rectify-zone", "example.com")
    return pool

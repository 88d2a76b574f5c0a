"""What tests have to know of the database in test/sample.sql.

Its pool `web` answers www.example.com and shop.example.com, by modulus, from three sites.
"""

from resolvers import chosen

IPV4 = ("192.0.2.80", "198.51.100.80", "203.0.113.80")  # pool web, in order of position
SITES = dict(zip(IPV4, ("ams", "fra", "nyc")))


def expected(resolver, **more):
    """The address of pool web that a new resolver gets.  more: for chosen()."""
    return IPV4[chosen(resolver, len(IPV4), **more)]

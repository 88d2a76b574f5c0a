"""The zone example.com as a real PowerDNS serves it, from pdns-sticky alone or with gsqlite3."""

import contextlib
import functools

from database import Database
from powerdns import PowerDNS
from processes import as_user, run, workspace

THREE_SITES = [(f"203.0.113.{n}", f"2001:db8:0:{n}::80") for n in (1, 2, 3)]

# Worked out by hand: 192.0.2.10 is 3221225994, remainder 0 of three servers, so the second server.
RESOLVER = "192.0.2.10"
ITS_SITE = ("203.0.113.2", "2001:db8:0:2::80")

# What that resolver is answered, as texts of Reply.answer_texts.
A, AAAA, MX = f"A {ITS_SITE[0]}", f"AAAA {ITS_SITE[1]}", "MX 10 mail.example.com."
NS1, NS2 = "NS ns1.example.com.", "NS ns2.example.com."
SOA = "SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 60"


# ---------------------------------------------------------------- in pdns-sticky


RECORDS = """
    INSERT INTO zone (id, name) VALUES (1, 'example.com'), (2, 'example.net');
    INSERT INTO record (zone_id, name, type, content) VALUES
        (1, 'example.com', 'SOA', 'ns1.example.com hostmaster.example.com 1 7200 900 1209600 60'),
        (1, 'example.com', 'NS', 'ns1.example.com'),
        (1, 'example.com', 'NS', 'ns2.example.com'),
        (1, 'ns1.example.com', 'A', '192.0.2.1'),
        (1, 'ns2.example.com', 'AAAA', '2001:db8::53'),
        (1, 'mail.example.com', 'A', '192.0.2.25'),
        (1, 'www.example.com', 'MX', '10 mail.example.com'),
        (1, 'leaf.between.example.com', 'TXT', '"below nothing"'),
        (1, '*.wild.example.com', 'A', '192.0.2.99'),
        (2, 'example.net', 'SOA', 'ns1.example.com hostmaster.example.com 1 7200 900 1209600 60'),
        (2, 'example.net', 'NS', 'ns1.example.com');
"""


# ---------------------------------------------------------------- in gsqlite3


GSQLITE3_SCHEMA = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"

ZONE = """
$ORIGIN example.com.
$TTL 3600
@             SOA  ns1 hostmaster 1 7200 900 1209600 60
@             NS   ns1
@             NS   ns2
ns1           A    192.0.2.1
ns2           AAAA 2001:db8::53
mail          A    192.0.2.25
leaf.between  TXT  "below nothing"
*.wild        A    192.0.2.99
shop          A    192.0.2.66          ; a balanced name too: none of these two is ever seen
shop          TXT  "hidden"
api.eu        A    192.0.2.67          ; nor this one, but it makes the name eu exist
"""


def pdnsutil(server, *arguments):
    result = server.pdnsutil(*map(str, arguments))
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@functools.cache
def zone_key(server):
    """Flags, protocol, algorithm and key of the signed zone example.com.  A server has the same ones
    as long as it runs, so it is asked once.
    """
    return pdnsutil(server, "export-zone-dnskey", "example.com", 1).split()[3:7]


def load_zone(server):
    """What an operator does for a new zone; pdnsutil works on gsqlite3, as if alone."""
    path = server.directory / "zone"
    path.write_text(ZONE)
    pdnsutil(server, "load-zone", "example.com", path)
    pdnsutil(server, "rectify-zone", "example.com")


def load_and_sign(server, records):
    """The zone with these records in addition; without more it has NSEC.

    A proof lives for an hour, so that none expires on a machine that stalls.
    """
    path = server.directory / "zone"
    assert "1209600 60\n" in ZONE
    path.write_text(ZONE.replace("1209600 60\n", "1209600 3600\n") + records)
    pdnsutil(server, "load-zone", "example.com", path)
    pdnsutil(server, "secure-zone", "example.com")


def make_narrow(server):
    pdnsutil(server, "set-nsec3", "example.com", "1 0 0 -", "narrow")
    pdnsutil(server, "rectify-zone", "example.com")


# What each balanced name of balance() has beside its addresses, and all that it answers.
MORE = [("MX", "10 mail.example.com"), ("HTTPS", "1 . alpn=h2")]
BALANCED = {"A": [A], "AAAA": [AAAA], "MX": [MX], "HTTPS": ['HTTPS 1 . alpn="h2"']}

# In gsqlite3: two below names that exist by them alone, two wrong ones, and a right one.  Their
# contents differ from those of balanced names, so each answer shows where it comes from.
STAND_INS = """
a.c    A      192.0.2.66
*.e    A      192.0.2.66
text   TXT    "nothing else"
ipv4   A      192.0.2.66
right  A      192.0.2.66
right  AAAA   2001:db8::66
right  MX     66 mail
right  HTTPS  1 . alpn=h3
"""


def balance(server, *names):
    """A pool for each of these names."""
    for number, name in enumerate(names):
        server.database.add_pool(f"pool{number}", THREE_SITES, f"{name}.example.com")
        for rdtype, content in MORE:
            server.database.sql(
                "INSERT INTO record (zone_id, name, type, content)"
                f" VALUES (NULL, '{name}.example.com', '{rdtype}', '{content}');"
            )


@contextlib.contextmanager
def overlay(conf, prepare, **more):
    """A server with both databases."""
    with workspace() as directory:
        zone_database = directory / "pdns.sqlite3"
        with open(GSQLITE3_SCHEMA) as schema:
            assert run(as_user(["sqlite3", zone_database]), stdin=schema).returncode == 0
        database = Database.create(directory)
        for name in ("www", "shop"):
            setattr(database, name, database.add_pool(name, THREE_SITES))
        database.add_pool("eu", THREE_SITES, balanced_name="api.eu.example.com")
        database.add_pool("us", THREE_SITES, balanced_name="api.us.example.com")
        database.sql(
            "INSERT INTO record (zone_id, name, type, content)"
            " VALUES (NULL, 'www.example.com', 'MX', '10 mail.example.com');"
        )
        options = {"gsqlite3-database": zone_database, **more.pop("options", {})}
        if "remote" in conf:
            options["gsqlite3-meta-database"] = zone_database
        with PowerDNS(conf, database, prepare=prepare, options=options, **more) as server:
            yield server

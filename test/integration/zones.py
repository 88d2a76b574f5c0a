"""The zone example.com as a real PowerDNS serves it, from pdns-sticky alone or with gsqlite3."""

import contextlib

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


def load_zone(server):
    """What an operator does for a new zone; pdnsutil works on gsqlite3, as if alone."""
    path = server.directory / "zone"
    path.write_text(ZONE)
    pdnsutil(server, "load-zone", "example.com", path)
    pdnsutil(server, "rectify-zone", "example.com")


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

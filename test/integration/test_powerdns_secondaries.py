"""A secondary of the zone, NSD: what it gets, and how it is told of a new serial in each setup.

The commands are those of the README.
"""

import contextlib

import pytest

from database import Database
from nsd import Nsd
from powerdns import PowerDNS
from processes import SECONDS_MAX, free_port, workspace
from zones import RECORDS, THREE_SITES, load_zone, overlay, pdnsutil

# A change of the zone, which secondaries take from a greater serial.
CHANGE = """
    UPDATE record SET content = 'ns1.example.com hostmaster.example.com 2 7200 900 1209600 60'
     WHERE name = 'example.com' AND type = 'SOA';
    UPDATE record SET content = '192.0.2.26' WHERE name = 'mail.example.com';"""


def settings(port):
    """The name servers of the zone are not there to be told."""
    return {"primary": "yes", "also-notify": f"127.0.0.1:{port}", "only-notify": ""}


@contextlib.contextmanager
def alone(conf):
    """A server and its secondary."""
    port = free_port()
    with workspace() as directory:
        database = Database.create(directory)
        database.sql(RECORDS)
        database.add_pool("www", THREE_SITES)
        with PowerDNS(conf, database, options=settings(port)) as server:
            with Nsd(server, port) as secondary:
                secondary.wait_for_serial(1, SECONDS_MAX)
                yield server, secondary


@pytest.mark.parametrize("conf", ["pipe.conf", "remote-pipe.conf", "remote-unix.conf"])
def test_a_secondary_has_the_new_serial_once_it_is_told(conf):
    """It serves the plain records, and the same site to everybody."""
    with alone(conf) as (server, secondary):
        assert secondary.records("www.example.com", "A") == ["A 203.0.113.1"]
        assert secondary.records("mail.example.com", "A") == ["A 192.0.2.25"]
        server.database.sql(CHANGE)
        server.control("purge", "example.com$")
        server.control("notify-host", "example.com", f"127.0.0.1:{secondary.port}")
        secondary.wait_for_serial(2, SECONDS_MAX)
        assert secondary.records("mail.example.com", "A") == ["A 192.0.2.26"]


@pytest.mark.parametrize("conf", ["remote-pipe.conf", "remote-unix.conf"])
def test_with_the_remote_backend_one_command_tells_all_of_them(conf):
    with alone(conf) as (server, secondary):
        server.database.sql(CHANGE)
        server.control("purge", "example.com$")
        assert server.control("notify", "example.com") == "Added to queue"
        secondary.wait_for_serial(2, SECONDS_MAX)


def test_with_the_pipe_backend_that_command_knows_no_zone():
    with alone("pipe.conf") as (server, _):
        assert server.control("notify", "example.com").startswith("Failed to add")


@pytest.mark.parametrize("conf", ["overlay-gsqlite3.conf", "overlay-remote-gsqlite3.conf"])
def test_in_an_overlay_powerdns_tells_them_by_itself(conf):
    """The stand-in of a balanced name is what they serve."""

    def prepare(server):
        load_zone(server)
        pdnsutil(server, "set-kind", "example.com", "primary")

    port = free_port()
    options = {**settings(port), "xfr-cycle-interval": 1}
    with overlay(conf, prepare, options=options) as server, Nsd(server, port) as secondary:
        secondary.wait_for_serial(1, SECONDS_MAX)
        assert secondary.records("shop.example.com", "A") == ["A 192.0.2.66"]
        pdnsutil(server, "increase-serial", "example.com")
        secondary.wait_for_serial(2, SECONDS_MAX)

"""A secondary of the zone, BIND, which signs what it is sent: inline signing.

With records of TYPE65534 at the apex BIND marks how far its signing has come, and it signs nothing
if the zone that it is sent has one there.  What it serves is judged by delv, with the key that it
made as the only trust anchor.
"""

import contextlib
import shutil

import pytest

from database import SAMPLE, Database
from dns_client import PLAIN_ADDRESS, delv
from powerdns import PowerDNS
from processes import (
    SECONDS_MAX,
    LoggedProcess,
    free_port,
    give_to_user,
    run,
    wait_until,
    workspace,
)
from test_powerdns_overlay import NOTHING_THERE, VALIDATED

# Names without records that have names below them: one record and one balanced name.
BETWEEN = """
    INSERT INTO record (zone_id, name, type, content)
      VALUES (1, 'a.between.example.com', 'A', '192.0.2.3');
    INSERT INTO balanced_name (name, pool_id) VALUES ('www.deep.example.com', 1);"""

# A change of the zone, which secondaries take from a greater serial.
CHANGE = """
    UPDATE record SET content = 'ns1.example.com hostmaster.example.com 2 3600 600 604800 60'
     WHERE name = 'example.com' AND type = 'SOA';
    UPDATE record SET content = '192.0.2.26' WHERE name = 'mail.example.com' AND type = 'A';"""

# The policy `default` makes one key, and proofs by NSEC.  A transfer that failed is tried
# again after a second, but the first one after a minute.
SETTINGS = """\
options {{
  directory "{directory}";
  pid-file none;
  session-keyfile none;
  listen-on {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
  allow-transfer {{ 127.0.0.0/8; }};
}};
controls {{ }};
zone "example.com" {{
  type secondary;
  file "example.com";
  primaries port {primary_port} {{ {primary}; }};
  transfer-source {source};
  allow-notify {{ 127.0.0.0/8; }};
  min-retry-time 1;
  max-retry-time 1;
  dnssec-policy default;
  inline-signing yes;
}};
"""
FIRST_SECONDS = 2 * SECONDS_MAX


class Bind(LoggedProcess):
    """server: a PowerDNS that serves example.com and lets it be transferred."""

    def __init__(self, server):
        found = shutil.which("named", path="/usr/sbin:/usr/bin")
        assert found, "named is missing; scripts/install-packages test brings it"
        self.port = free_port()
        self.directory = server.directory / f"named-{self.port}"
        self.directory.mkdir()
        primary, primary_port = server.address
        settings = self.directory / "named.conf"
        settings.write_text(SETTINGS.format(
            directory=self.directory, primary=primary, primary_port=primary_port,
            source=PLAIN_ADDRESS))
        give_to_user(self.directory)
        argv = [found, "-g", "-c", settings, "-p", self.port]
        super().__init__(argv, self.directory / "log", "all zones loaded")

    def dig(self, *arguments):
        """Lines of dig, without those that are empty."""
        argv = ["dig", "@127.0.0.1", "-p", str(self.port), *arguments]
        return [line for line in run(argv).stdout.splitlines() if line]

    def rcode(self, name, rdtype):
        (line,) = [line for line in self.dig(name, rdtype) if "status: " in line]
        return line.split("status: ")[1].split(",")[0]

    def delv(self, name, rdtype, flags="257"):
        """What delv finds, and the records of the answer as "TYPE content"."""
        (key,) = self.directory.glob("Kexample.com.+*.key")
        (line,) = [line for line in key.read_text().splitlines() if line[0] != ";"]
        algorithm_and_key = line.partition(" DNSKEY 257 ")[2].split(None, 2)
        anchors = self.directory / f"anchors-{flags}"
        anchors.write_text(
            'trust-anchors { "example.com" static-key %s %s %s "%s"; };\n'
            % (flags, *algorithm_and_key)
        )
        return delv(self.port, anchors, name, rdtype, "@127.0.0.1")

    def is_signed(self):
        """Whether it says that the work with its key is complete.  Another mark is of work under
        way.
        """
        marks = self.dig("+noall", "+answer", "example.com", "TYPE65534")
        return bool(marks) and all(mark.endswith("0001") for mark in marks)

    def wait_until_signed(self):
        wait_until(self.is_signed, FIRST_SECONDS, lambda: f"the zone is signed: {self.said()}")


@contextlib.contextmanager
def transferred(conf, more=""):
    """A server and its secondary.  more: statements."""
    with workspace() as directory:
        database = Database.create(directory, SAMPLE)
        database.sql(BETWEEN + more)
        options = {"primary": "yes", "only-notify": ""}  # the zone's name servers are not there
        with PowerDNS(conf, database, options=options) as server, Bind(server) as secondary:
            yield server, secondary


@pytest.fixture(scope="module", params=["pipe", "remote-unix"])
def pair(request):
    """A server and its secondary, which has signed the zone."""
    with transferred(f"{request.param}.conf") as (server, secondary):
        secondary.wait_until_signed()
        yield server, secondary


@pytest.fixture
def server(pair):
    return pair[0]


@pytest.fixture
def secondary(pair):
    return pair[1]


def test_a_transfer_carries_no_type_for_private_use(server):
    """For a name between PowerDNS may be told of a record of such a type."""
    assert server.one(PLAIN_ADDRESS, "between.example.com").rcode == "NOERROR"
    lines = server.dig("+noall", "+answer", "example.com", "AXFR").splitlines()
    records = [line.split() for line in lines]
    assert {record[3] for record in records} == {"SOA", "NS", "MX", "TXT", "A", "AAAA"}
    assert {record[0].removesuffix(".example.com.") for record in records} == {
        "example.com.", "ns1", "ns2", "mail", "www", "shop", "api", "a.between", "www.deep"
    }


ANSWERS = [
    # name, type, rcode, answer
    ("www.example.com", "A", "NOERROR", ["A 192.0.2.80"]),
    ("www.example.com", "AAAA", "NOERROR", ["AAAA 2001:db8:1::80"]),
    ("www.example.com", "HTTPS", "NOERROR", []),
    ("shop.example.com", "A", "NOERROR", ["A 192.0.2.80"]),
    ("shop.example.com", "MX", "NOERROR", ["MX 10 mail.example.com."]),
    ("www.deep.example.com", "AAAA", "NOERROR", ["AAAA 2001:db8:1::80"]),
    ("deep.example.com", "A", "NOERROR", []),
    ("deep.example.com", "TXT", "NOERROR", []),
    ("a.between.example.com", "A", "NOERROR", ["A 192.0.2.3"]),
    ("between.example.com", "A", "NOERROR", []),
    ("between.example.com", "TYPE65280", "NOERROR", []),
    ("mail.example.com", "A", "NOERROR", ["A 192.0.2.25"]),
    ("mail.example.com", "MX", "NOERROR", []),
    ("example.com", "MX", "NOERROR", ["MX 10 mail.example.com."]),
    ("example.com", "NS", "NOERROR", ["NS ns1.example.com.", "NS ns2.example.com."]),
    ("unknown.example.com", "A", "NXDOMAIN", []),
    ("b.between.example.com", "A", "NXDOMAIN", []),
    ("below.www.example.com", "A", "NXDOMAIN", []),
]


@pytest.mark.parametrize("name, rdtype, rcode, answer", ANSWERS)
def test_a_validator_is_content_with(secondary, name, rdtype, rcode, answer):
    """The same site for everybody."""
    verdict = VALIDATED if answer else NOTHING_THERE
    assert secondary.delv(name, rdtype) == (verdict, answer)
    assert secondary.rcode(name, rdtype) == rcode


def test_the_validator_is_not_content_with_another_key(secondary):
    """So that the test above means something: the same key with other flags is another key."""
    verdict, records = secondary.delv("www.example.com", "A", flags="256")
    assert "validated" not in verdict and records == []


@pytest.mark.parametrize("conf", ["pipe.conf", "remote-unix.conf"])
def test_a_change_is_transferred_and_signed(conf):
    with transferred(conf) as (server, secondary):
        secondary.wait_until_signed()
        server.database.sql(CHANGE)
        server.control("purge", "example.com$")
        server.control("notify-host", "example.com", f"127.0.0.1:{secondary.port}")
        wanted = (VALIDATED, ["A 192.0.2.26"])
        wait_until(lambda: secondary.delv("mail.example.com", "A") == wanted, SECONDS_MAX,
                   lambda: f"the new address: {secondary.said()}")
        assert secondary.delv("unknown.example.com", "A") == (NOTHING_THERE, [])
        assert "zone_rekey" not in secondary.said()


def test_its_signing_has_not_failed(secondary):
    assert "zone_rekey" not in secondary.said()


def test_it_would_fail_with_a_mark_of_its_own_in_the_zone():
    """So that the test above means something."""
    mark = r"""
        INSERT INTO record (zone_id, name, type, content)
          VALUES (1, 'example.com', 'TYPE65534', '\# 0');"""
    with transferred("pipe.conf", mark) as (_, secondary):
        wait_until(lambda: "zone_rekey" in secondary.said(), FIRST_SECONDS, secondary.said)
        assert "validated" not in secondary.delv("www.example.com", "A")[0]

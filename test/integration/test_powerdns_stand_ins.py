"""Why the other backend of an overlay needs a stand-in for each balanced name, and the right one.

By overlay-gsqlite3.conf and overlay-remote-gsqlite3.conf.  The resolvers are real unbounds, and
the secondary is a real NSD that has transferred the zone.
"""

import shutil

import pytest

from nsd import Nsd
from processes import SECONDS_MAX, free_port, run
from unbound import Unbound
from zones import (
    A,
    AAAA,
    BALANCED,
    NS1,
    NS2,
    STAND_INS,
    THREE_SITES,
    balance,
    load_and_sign,
    make_narrow,
    pdnsutil,
)

# Where all resolvers ask from.  Worked out by hand: 127.0.1.1 is 2130706689, remainder 0 of three
# servers, so the second server.
SOURCE = "127.0.1.1"


class Resolver(Unbound):
    """unbound with further lines of its section `server`."""

    def __init__(self, server, *lines):
        super().__init__(server, SOURCE)
        self.settings = self.argv[-1]
        control = server.directory / f"control-{self.port}"
        with open(self.settings, "a") as settings:
            remote = ("remote-control:", "control-enable: yes", f'control-interface: "{control}"')
            settings.write("".join(f"{line}\n" for line in ("server:", *lines, *remote)))

    def now_ask(self, server):
        """From now on it asks this server, and keeps what it knows."""
        program = shutil.which("unbound-control", path="/usr/sbin:/usr/bin")
        address, port = server.address
        change = ["stub_add", "example.com", f"{address}@{port}"]
        result = run([program, "-c", self.settings, *change])
        assert result.stdout == "ok\n", result

    def answers(self, name, rdtypes):
        """The answer to each type; all of them NOERROR."""
        replies = {rdtype: self.ask(name, rdtype) for rdtype in rdtypes}
        assert {rcode for rcode, _ in replies.values()} == {"NOERROR"}, replies
        return {rdtype: records for rdtype, (_, records) in replies.items()}


class Secondary:
    """An NSD as a resolver sees it: it serves the zone, signed with the keys of the primary."""

    def __init__(self, primary, nsd):
        self.address = ("127.0.0.1", nsd.port)
        self.directory, self.pdnsutil = primary.directory, primary.pdnsutil


# ---------------------------------------------------------------- names between


@pytest.fixture(scope="module")
def narrow(start_overlay):
    """Signed as the configuration file recommends, and with names that are deep."""

    def prepare(server):
        load_and_sign(server, STAND_INS)
        make_narrow(server)

    with start_overlay(prepare) as server:
        balance(server, "a.b", "a.c", "*.d", "*.e")
        yield server


MINIMISES = "qname-minimisation: yes"
STRICT = "qname-minimisation-strict: yes"
DOES_NOT = "qname-minimisation: no"
DOES_NOT_VALIDATE = 'module-config: "iterator"'


@pytest.mark.parametrize("lines, stops", [
    ((MINIMISES,), True),
    ((MINIMISES, STRICT), True),
    ((MINIMISES, STRICT, DOES_NOT_VALIDATE), True),
    ((MINIMISES, DOES_NOT_VALIDATE), False),
    ((DOES_NOT,), False),
])
def test_without_a_stand_in_a_resolver_that_asks_label_by_label_stops(narrow, lines, stops):
    """At b and d, where gsqlite3 has nothing.  c and e exist, by what stands below them.

    One that does not validate goes on, unless it is strict.
    """
    lacking = ("NXDOMAIN", []) if stops else ("NOERROR", [A])
    with Resolver(narrow, *lines) as resolver:
        for name, reply in [
            ("a.b", lacking),
            ("a.c", ("NOERROR", [A])),
            ("any.d", lacking),
            ("any.e", ("NOERROR", [A])),
        ]:
            assert resolver.ask(f"{name}.example.com", "A") == reply, name


# ---------------------------------------------------------------- types, with NSEC


@pytest.fixture(scope="module")
def primary_and_secondary(start_overlay):
    """Both serve the zone with the same proofs, apart from the balanced names."""

    def prepare(server):
        load_and_sign(server, STAND_INS)
        pdnsutil(server, "set-kind", "example.com", "primary")

    port = free_port()
    options = {"primary": "yes", "also-notify": f"127.0.0.1:{port}", "only-notify": ""}
    with start_overlay(prepare, options=options) as server, Nsd(server, port) as nsd:
        balance(server, "text", "ipv4", "right")
        nsd.wait_for_serial(1, SECONDS_MAX)
        yield server, Secondary(server, nsd)


STOOD_FOR = [
    # balanced name, the types that its stand-in has
    ("text", []),
    ("ipv4", ["A"]),
    ("right", ["A", "AAAA", "MX", "HTTPS"]),
]


@pytest.mark.parametrize("name, types", STOOD_FOR)
def test_a_type_that_the_stand_in_lacks_is_denied_for_the_primary_too(
    primary_and_secondary, name, types
):
    """The secondary is asked once, for a type that nobody has.  Its proof lists the types of the
    stand-in, and the resolver uses it again instead of asking the primary for the others."""
    primary, secondary = primary_and_secondary
    with Resolver(secondary) as resolver:
        assert resolver.answers(f"{name}.example.com", ["CAA"]) == {"CAA": []}
        resolver.now_ask(primary)
        assert resolver.answers(f"{name}.example.com", BALANCED) == {
            rdtype: answer if rdtype in types else [] for rdtype, answer in BALANCED.items()
        }


def test_a_resolver_that_does_not_use_proofs_again_finds_all_types(primary_and_secondary):
    """So it was the proof, in the test above."""
    primary, secondary = primary_and_secondary
    with Resolver(secondary, "aggressive-nsec: no") as resolver:
        assert resolver.answers("text.example.com", ["CAA"]) == {"CAA": []}
        resolver.now_ask(primary)
        assert resolver.answers("text.example.com", BALANCED) == BALANCED


def test_from_the_secondary_alone_come_all_types_of_the_right_stand_in(primary_and_secondary):
    _, secondary = primary_and_secondary
    with Resolver(secondary) as resolver:
        assert resolver.answers("right.example.com", ["CAA", *BALANCED]) == {
            "CAA": [],
            "A": ["A 192.0.2.66"],
            "AAAA": ["AAAA 2001:db8::66"],
            "MX": ["MX 66 mail.example.com."],
            "HTTPS": ['HTTPS 1 . alpn="h3"'],
        }


@pytest.mark.parametrize("name, types", STOOD_FOR)
def test_the_primary_alone_denies_no_type_of_a_balanced_name(primary_and_secondary, name, types):
    """Whatever its stand-in has: PowerDNS takes the types of a proof from pdns-sticky, also when it
    denies a name that comes just behind."""
    primary, _ = primary_and_secondary
    with Resolver(primary) as resolver:
        assert resolver.answers(f"{name}.example.com", ["CAA"]) == {"CAA": []}
        assert resolver.ask(f"{name}0.example.com", "A") == ("NXDOMAIN", [])
        assert resolver.answers(f"{name}.example.com", BALANCED) == BALANCED


def test_without_a_stand_in_the_proof_for_another_name_denies_the_balanced_one(
    primary_and_secondary
):
    """By the primary alone: no name of gsqlite3 is between www and the end of the zone."""
    primary, _ = primary_and_secondary
    with Resolver(primary) as resolver:
        assert resolver.ask("www.example.com", "A") == ("NOERROR", [A])
    with Resolver(primary) as resolver:
        assert resolver.ask("xyz.example.com", "A") == ("NXDOMAIN", [])
        assert resolver.ask("www.example.com", "A") == ("NXDOMAIN", [])


# ---------------------------------------------------------------- an ALIAS at the apex


@pytest.fixture(scope="module")
def alias(start_overlay):
    """A signed server whose apex is an ALIAS of www, and the resolver that it asks for that.  The
    resolver is also the one that asks it, and validates."""

    def prepare(server):
        load_and_sign(server, "@  ALIAS  www.example.com.\n")
        make_narrow(server)

    port = free_port()
    options = {"expand-alias": "yes", "resolver": f"127.0.0.1:{port}"}
    with start_overlay(prepare, options=options) as server:
        with Resolver(server, f"interface: 127.0.0.1@{port}") as resolver:
            yield server, resolver


def test_from_an_alias_all_resolvers_get_one_site(alias):
    """That of the resolver which PowerDNS asks."""
    server, _ = alias
    resolvers = ("198.51.100.0", "198.51.100.1", "198.51.100.2")
    answers = {name: [server.one(ldns, name).answer_texts for ldns in resolvers]
               for name in ("www.example.com", "example.com")}
    assert sorted(answers["www.example.com"]) == [[f"A {ipv4}"] for ipv4, _ in THREE_SITES]
    assert answers["example.com"] == [[A]] * 3


def test_an_answer_from_an_alias_has_no_signature_so_validating_resolvers_fail(alias):
    server, resolver = alias
    for rdtype, answer in (("A", A), ("AAAA", AAAA)):
        for name, signatures in (("www.example.com", 1), ("example.com", 0)):
            reply = server.one(SOURCE, name, rdtype, dnssec=True)
            assert reply.answer_texts == [answer], name
            assert len(reply.message.answer) == 1 + signatures, reply.message
        assert resolver.ask("www.example.com", rdtype) == ("NOERROR", [answer])
        assert resolver.ask("example.com", rdtype) == ("SERVFAIL", [])
    assert resolver.ask("example.com", "NS") == ("NOERROR", [NS1, NS2])

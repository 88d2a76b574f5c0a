"""What PowerDNS Recursor, as its package is, makes of the balanced names of a signed overlay.

It validates, minimises names and uses denials again.  test_powerdns_overlay.py and
test_powerdns_stand_ins.py have the same and more of delv and unbound, and of both configuration
files; a resolver does not see which of them it is.
"""

import pytest

from denials import DENIALS, pool_name
from powerdns import is_lookup, name_and_type
from processes import SECONDS_MAX, wait_until
from recursor import OPTIONS, Recursor, add_root, name_server
from resolvers import chosen
from zones import (
    A,
    BALANCED,
    STAND_INS,
    THREE_SITES,
    balance,
    load_and_sign,
    make_narrow,
    overlay,
)

# Where the resolver asks from.  Worked out by hand: 127.0.1.1 is 2130706689, remainder 0 of three
# servers, so the second server.
SOURCE = "127.0.1.1"

# The kinds of proof.
NARROW, NSEC = "narrow NSEC3", "NSEC"

NOTHING = ("NOERROR", [], True)
NO_SUCH_NAME = ("NXDOMAIN", [], True)


def secure(*records):
    """A good answer."""
    return "NOERROR", list(records), True


@pytest.fixture(scope="module", autouse=True)
def namespace():
    with name_server():
        yield


@pytest.fixture(scope="module", params=[NARROW, NSEC])
def chain(request, namespace):
    """A signed server, with each kind of proof.  All its names are there before anybody asks: a
    proof denies for an hour what comes later."""
    makers = [make for make, _ in DENIALS]
    stand_ins = ["sticky AAAA 2001:db8::66"]
    stand_ins += [f"{name} A 192.0.2.66" for name in ("sticky", *map(pool_name, makers))]

    def prepare(server):
        load_and_sign(server, STAND_INS + "\n".join(stand_ins))
        if request.param == NARROW:
            make_narrow(server)
        add_root(server)

    with overlay("overlay-gsqlite3.conf", prepare, options=OPTIONS, tap=True) as server:
        balance(server, "a.b", "a.c", "*.d", "*.e", "text", "ipv4", "right")
        server.proofs = request.param
        server.sticky = server.database.add_pool("sticky", THREE_SITES, ttl=1)
        for make in makers:
            make(server.database, pool_name(make))
        yield server


@pytest.fixture(scope="module")
def resolver(chain):
    with Recursor(chain, SOURCE) as running:
        yield running


# ---------------------------------------------------------------- answers


def times_asked(server, name):
    """How often PowerDNS asked pdns-sticky for a name: for balanced ones it does so each time."""
    return [name_and_type(line)[0] for line in server.asked_lines() if is_lookup(line)].count(name)


def test_the_site_is_secure_and_stays_when_the_answer_has_left_the_cache(chain, resolver):
    """The site that the method chooses is down for the first questions, so it is the mapping that
    answers afterwards."""
    pool = chain.sticky
    index = chosen(SOURCE, 3, down={1})
    for available in (False, True, True):
        chain.database.set_available(pool, 1, available)
        before = times_asked(chain, pool.question_name)

        def asked_again():
            for rdtype in ("A", "AAAA"):
                (address,) = pool.answer(index, rdtype)
                answer = secure(f"{rdtype} {address}")
                assert resolver.ask(pool.question_name, rdtype) == answer
            return times_asked(chain, pool.question_name) >= before + 2

        wait_until(asked_again, SECONDS_MAX, "no answer is from the cache of the time before")
    assert chain.database.mappings("sticky") == {SOURCE: pool.controller(index)}


# ---------------------------------------------------------------- denials


@pytest.mark.parametrize("make, found", DENIALS)
def test_no_denial_contradicts_an_answer(resolver, make, found):
    name = f"{pool_name(make)}.example.com"
    assert resolver.ask(name, "HTTPS") == NOTHING
    for rdtype in ("A", "AAAA"):
        status, records, is_secure = resolver.ask(name, rdtype)
        assert (status, is_secure) == ("NOERROR", True), rdtype
        assert records or not found, rdtype


@pytest.mark.parametrize("name", ["text", "ipv4", "right"])
def test_no_type_of_a_balanced_name_is_denied(resolver, name):
    """Whatever its stand-in has, and whatever was denied before."""
    assert resolver.ask(f"{name}.example.com", "CAA") == NOTHING
    assert resolver.ask(f"{name}0.example.com", "A") == NO_SUCH_NAME
    for rdtype, answer in BALANCED.items():
        assert resolver.ask(f"{name}.example.com", rdtype) == secure(*answer), rdtype


# ---------------------------------------------------------------- without a stand-in


@pytest.mark.parametrize("chain", [NARROW], indirect=True)
@pytest.mark.parametrize("settings, stops", [
    ({}, True),
    ({"qname-minimization": "no"}, False),
    ({"dnssec": "off"}, False),
])
def test_without_a_stand_in_a_resolver_that_asks_label_by_label_stops(chain, settings, stops):
    """At b and d, where gsqlite3 has nothing.  c and e exist, by what stands below them.

    One that does not validate goes on.
    """
    validates = "dnssec" not in settings
    found = ("NOERROR", [A], validates)
    lacking = ("NXDOMAIN", [], validates) if stops else found
    with Recursor(chain, SOURCE, settings) as resolver:
        for name, reply in [("a.b", lacking), ("a.c", found), ("any.d", lacking), ("any.e", found)]:
            assert resolver.ask(f"{name}.example.com", "A") == reply, name


def test_without_a_stand_in_the_proof_for_another_name_denies_the_balanced_one(chain):
    """With NSEC: no name of gsqlite3 is between www and the end of the zone.  In narrow mode a
    proof is for one name."""
    with Recursor(chain, SOURCE) as resolver:
        assert resolver.ask("xyz.example.com", "A") == NO_SUCH_NAME
        reply = NO_SUCH_NAME if chain.proofs == NSEC else secure(A)
        assert resolver.ask("www.example.com", "A") == reply

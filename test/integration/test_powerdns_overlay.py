"""pdns-sticky in front of gsqlite3, by overlay-gsqlite3.conf and overlay-remote-gsqlite3.conf.

gsqlite3 holds the zone and its DNSSEC keys; the balanced names are in the other database, whose
table `zone` is empty.  Signed answers are judged by delv, BIND's validator, with the zone's own key
as its only trust anchor.
"""

import collections
import json
import random
import time
import urllib.request

import pytest

import dns_client
from denials import DENIALS, make_pool
from dns_client import Question, ask
from powerdns import PowerDNS, is_lookup, name_and_type
from processes import SECONDS_MAX, free_port
from resolvers import addresses_of_many_resolvers, chosen
from unbound import Unbound
from zones import A, AAAA, MX, NS1, NS2, SOA, THREE_SITES, load_zone, overlay, pdnsutil, zone_key

# Worked out by hand: 127.0.0.2 is 2130706434, remainder 0 of three servers, so the second server.
RESOLVER = "127.0.0.2"


def sign_zone(server):
    """The commands from the head of the configuration file."""
    load_zone(server)
    pdnsutil(server, "secure-zone", "example.com")
    pdnsutil(server, "set-nsec3", "example.com", "1 0 0 -", "narrow")
    pdnsutil(server, "rectify-zone", "example.com")


def sign_zone_with_nsec(server):
    load_zone(server)
    pdnsutil(server, "secure-zone", "example.com")


@pytest.fixture(scope="module")
def signed(start_overlay):
    with start_overlay(sign_zone) as server:
        yield server


@pytest.fixture(scope="module")
def unsigned(start_overlay):
    with start_overlay(load_zone) as server:
        yield server


# ---------------------------------------------------------------- one zone from two backends


ANSWERS = [
    # name, type, rcode, answer
    ("www.example.com", "A", "NOERROR", [A]),
    ("www.example.com", "AAAA", "NOERROR", [AAAA]),
    ("www.example.com", "MX", "NOERROR", [MX]),
    ("www.example.com", "HTTPS", "NOERROR", []),
    ("www.example.com", "TXT", "NOERROR", []),
    ("below.www.example.com", "A", "NXDOMAIN", []),
    ("WWW.Example.COM", "A", "NOERROR", [A]),
    ("shop.example.com", "A", "NOERROR", [A]),
    ("shop.example.com", "AAAA", "NOERROR", [AAAA]),
    ("shop.example.com", "TXT", "NOERROR", []),
    ("api.eu.example.com", "A", "NOERROR", [A]),
    ("eu.example.com", "A", "NOERROR", []),
    ("api.us.example.com", "A", "NOERROR", [A]),
    ("us.example.com", "A", "NXDOMAIN", []),  # the other backend has no record below it
    ("mail.example.com", "A", "NOERROR", ["A 192.0.2.25"]),
    ("mail.example.com", "AAAA", "NOERROR", []),
    ("something.wild.example.com", "A", "NOERROR", ["A 192.0.2.99"]),
    ("something.wild.example.com", "AAAA", "NOERROR", []),
    ("leaf.between.example.com", "TXT", "NOERROR", ['TXT "below nothing"']),
    ("between.example.com", "A", "NOERROR", []),
    ("unknown.example.com", "A", "NXDOMAIN", []),
    ("example.com", "SOA", "NOERROR", [SOA]),
    ("example.com", "NS", "NOERROR", [NS1, NS2]),
    ("example.com", "A", "NOERROR", []),
]


@pytest.mark.parametrize("name, rdtype, rcode, answer", ANSWERS)
def test_a_name_answers_from_the_backend_that_has_it(unsigned, name, rdtype, rcode, answer):
    reply = unsigned.one(RESOLVER, name, rdtype)
    assert (reply.rcode, reply.answer_texts) == (rcode, sorted(answer))
    assert reply.authority_types == ([] if answer else ["SOA"])


def test_a_zone_that_nobody_has_is_refused(unsigned):
    assert unsigned.one(RESOLVER, "example.org").rcode == "REFUSED"


# ---------------------------------------------------------------- signed


# What delv says of a good answer, and of a well-proven "no".
VALIDATED = "; fully validated"
NOTHING_THERE = "; negative response, fully validated"


def delv(server, name, rdtype, source=RESOLVER, flags="257"):
    """What delv finds, and the records of the answer as "TYPE content"."""
    _, *algorithm_and_key = zone_key(server)
    anchors = server.directory / f"anchors-{flags}"
    anchors.write_text(
        'trust-anchors { "example.com" static-key %s %s %s "%s"; };\n' % (flags, *algorithm_and_key)
    )
    address, port = server.address
    return dns_client.delv(port, anchors, name, rdtype, f"@{address}", "-b", source)


@pytest.mark.parametrize("name, rdtype, rcode, answer", ANSWERS)
def test_a_validator_is_content_with(signed, name, rdtype, rcode, answer):
    verdict, records = delv(signed, name, rdtype)
    assert (verdict, records) == (VALIDATED if answer else NOTHING_THERE, sorted(answer))
    assert signed.one(RESOLVER, name, rdtype, dnssec=True).rcode == rcode


def test_the_validator_is_not_content_with_another_key(signed):
    """So that the test above means something: the same key with other flags is another key."""
    verdict, records = delv(signed, "www.example.com", "A", flags="256")
    assert "validated" not in verdict and records == []


@pytest.mark.parametrize(
    "source, site",  # 127.0.1.0 is 2130706688, remainder 2
    [("127.0.1.0", 1), ("127.0.1.1", 2), ("127.0.1.2", 3)],
)
def test_each_resolver_gets_its_own_answer_validated(signed, source, site):
    answer = [f"A 203.0.113.{site}"]
    assert delv(signed, "www.example.com", "A", source) == (VALIDATED, answer)
    assert delv(signed, "www.example.com", "A", source) == (VALIDATED, answer)


@pytest.fixture(scope="module")
def hinting(signed):
    """A pool for networks, whose name has an HTTPS record with automatic hints."""
    pool = signed.database.add_pool("hinting", THREE_SITES, client="ecs")
    signed.database.sql(
        "INSERT INTO record (zone_id, name, type, content) VALUES (NULL, 'hinting.example.com',"
        " 'HTTPS', '1 . alpn=h2 ipv4hint=auto ipv6hint=auto');"
    )
    return pool


def with_hints(pool, index):
    ipv4, ipv6 = pool.servers[index]
    return f'1 . alpn="h2" ipv4hint="{ipv4}" ipv6hint="{ipv6}"'


@pytest.mark.parametrize("source", ["127.0.1.0", "127.0.1.1", "127.0.1.2"])
def test_the_hints_of_each_resolver_are_its_own_addresses_validated(signed, hinting, source):
    index = chosen(source, 3)
    for rdtype, content in (
        ("HTTPS", with_hints(hinting, index)),
        ("A", hinting.answer(index, "A")[0]),
        ("AAAA", hinting.answer(index, "AAAA")[0]),
    ):
        verdict, records = delv(signed, hinting.question_name, rdtype, source)
        texts = (f"{rdtype} {content}", *records)
        answer, *records = (text.replace('"', "") for text in texts)  # delv writes fewer of them
        assert (verdict, records) == (VALIDATED, [answer])


def test_signed_hints_are_for_the_network_that_asked_alone(signed, hinting):
    networks = [f"198.51.{n}.0" for n in range(100, 106)]
    questions = [
        Question(RESOLVER, hinting.question_name, rdtype, ecs=f"{network}/24", dnssec=True)
        for rdtype in ("HTTPS", "A") for network in networks
    ]
    for reply in ask(signed, questions):
        index = chosen(reply.question.ecs.split("/")[0], 3, prefix=24)
        content = {"HTTPS": with_hints(hinting, index), "A": hinting.answer(index)[0]}
        rdtype = reply.question.rdtype
        assert reply.answer_texts == [f"{rdtype} {content[rdtype]}"]
        assert (len(reply.message.answer), reply.ecs_scope) == (2, 24), "signed, for this network"


def test_every_resolver_keeps_its_signed_answer_and_none_sees_anothers(signed):
    dice = random.Random(21)
    pool = signed.database.www
    resolvers = addresses_of_many_resolvers(2000, dice)
    questions = [
        Question(ldns, pool.question_name, dice.choice(("A", "AAAA")), dnssec=True)
        for ldns in resolvers
        for _ in range(3)
    ]
    dice.shuffle(questions)
    replies = ask(signed, questions)
    wrong = [
        (reply.question.ldns, reply.addresses)
        for reply in replies
        if reply.addresses
        != pool.answer(chosen(reply.question.ldns, 3), reply.question.rdtype)
    ]
    assert wrong == []
    assert {len(reply.message.answer) for reply in replies} == {2}, "the address and its signature"
    mappings = signed.database.mappings("www")
    assert {ldns: mappings[ldns] for ldns in resolvers} == {
        ldns: pool.controller(chosen(ldns, 3)) for ldns in resolvers
    }


def test_a_server_goes_down_and_the_new_answer_is_signed_too(signed):
    database = signed.database
    database.set_available(database.shop, 1, False)
    assert delv(signed, "shop.example.com", "A") == (VALIDATED, ["A 203.0.113.3"])
    database.set_available(database.shop, 1, True)
    assert delv(signed, "shop.example.com", "A") == (VALIDATED, ["A 203.0.113.3"])
    database.sql("DELETE FROM persistence;")


def test_an_address_family_that_only_some_sites_have_is_granted_and_denied_with_proof(signed):
    pool = signed.database.add_pool("mixed", [("203.0.113.1", None), *THREE_SITES[1:]])
    without, with_ipv6 = "127.0.1.0", RESOLVER  # the first and the second server
    assert delv(signed, pool.question_name, "AAAA", without) == (NOTHING_THERE, [])
    assert delv(signed, pool.question_name, "AAAA", with_ipv6) == (VALIDATED, [AAAA])
    assert delv(signed, pool.question_name, "A", without) == (VALIDATED, ["A 203.0.113.1"])


def test_an_address_that_is_down_is_answered_from_another_site_and_validated(signed):
    pool = signed.database.add_pool("lost", THREE_SITES, fallback="none")
    signed.database.set_available(pool, 1, False, family="ipv6")
    (other,) = pool.answer(chosen(RESOLVER, 3, down={1}), "AAAA")
    assert delv(signed, pool.question_name, "A") == (VALIDATED, [A]), "its own"
    assert delv(signed, pool.question_name, "AAAA") == (VALIDATED, [f"AAAA {other}"])


def test_a_pool_with_nothing_up_is_denied_with_proof(signed):
    pool = signed.database.add_pool("nothing", THREE_SITES, fallback="none")
    for index in range(3):
        signed.database.set_available(pool, index, False)
    assert delv(signed, pool.question_name, "A") == (NOTHING_THERE, [])
    assert signed.one(RESOLVER, pool.question_name, dnssec=True).rcode == "NOERROR"


@pytest.fixture(scope="module", params=["narrow NSEC3", "NSEC"])
def chain(request, start_overlay):
    """A signed server, with each kind of proof."""
    if request.param == "narrow NSEC3":
        yield request.getfixturevalue("signed")
        return
    with start_overlay(sign_zone_with_nsec) as server:
        yield server


@pytest.mark.parametrize("make, found", DENIALS)
def test_no_denial_contradicts_an_answer(chain, make, found):
    pool = make_pool(chain, make)
    for source in ("127.0.1.0", "127.0.1.1", RESOLVER):
        for rdtype in ("A", "AAAA", "HTTPS"):
            verdict, records = delv(chain, pool.question_name, rdtype, source)
            assert verdict == (VALIDATED if records else NOTHING_THERE), (source, rdtype)
            assert records or rdtype == "HTTPS" or not found, (source, rdtype)
    with Unbound(chain, "127.0.1.1") as resolver:
        assert resolver.ask(pool.question_name, "HTTPS") == ("NOERROR", [])
        for rdtype in ("A", "AAAA"):
            status, records = resolver.ask(pool.question_name, rdtype)
            assert status == "NOERROR" and (records or not found), rdtype
    problem = f"pool {pool.name}: in a signed zone, validating resolvers may find no address"
    assert (problem in pdnsutil(chain, "backend-cmd", chain.backend, "status")) is not found


def test_signing_makes_no_mapping_for_nobody(signed):
    """PowerDNS asks for a name's types without saying for whom: to deny a type, for one."""
    signed.database.sql("DELETE FROM persistence;")
    time.sleep(1.1)  # what PowerDNS remembers of "no such type"
    assert delv(signed, "www.example.com", "HTTPS") == (NOTHING_THERE, [])
    assert set(signed.database.mappings("www")) <= {RESOLVER}


# ---------------------------------------------------------------- other chains, and transfers


def test_with_nsec_a_balanced_name_needs_a_record_in_the_other_backend(start_overlay):
    """Its chain is made from gsqlite3's names: www is not among them, shop is."""
    with start_overlay(sign_zone_with_nsec) as server:
        assert delv(server, "shop.example.com", "A") == (VALIDATED, [A])
        assert delv(server, "shop.example.com", "HTTPS") == (NOTHING_THERE, [])
        assert "validated" not in delv(server, "www.example.com", "HTTPS")[0]
        assert "shop.example.com.\t3600\tIN\tA\t192.0.2.66" in server.dig("example.com", "AXFR")


def test_a_transfer_has_the_other_backends_records(unsigned):
    lines = unsigned.dig("+noall", "+answer", "example.com", "AXFR").splitlines()
    names = [line.split()[0] for line in lines]
    assert collections.Counter(names) == {
        "example.com.": 4,
        "ns1.example.com.": 1,
        "ns2.example.com.": 1,
        "mail.example.com.": 1,
        "leaf.between.example.com.": 1,
        "*.wild.example.com.": 1,
        "shop.example.com.": 2,
        "api.eu.example.com.": 1,
    }


def test_powerdns_refuses_to_transfer_a_zone_signed_with_narrow_nsec3(signed):
    assert "Transfer failed" in signed.dig("example.com", "AXFR")


# ---------------------------------------------------------------- the operator's tools


def test_pdnsutil_finds_nothing_wrong_with_the_zone(signed, unsigned):
    for server in (signed, unsigned):
        assert "0 errors, 0 warnings" in pdnsutil(server, "check-zone", "example.com")


def test_pdnsutil_lists_the_other_backends_records(unsigned):
    output = pdnsutil(unsigned, "list-zone", "example.com")
    assert "mail.example.com\t3600\tIN\tA\t192.0.2.25" in output
    assert "www.example.com" not in output


def test_pdnsutil_adds_to_the_other_backends_records(unsigned):
    pdnsutil(unsigned, "add-record", "example.com", "added", "A", "192.0.2.70")
    pdnsutil(unsigned, "add-record", "example.com", "added", "A", "192.0.2.71")
    reply = unsigned.one(RESOLVER, "added.example.com")
    assert reply.answer_texts == ["A 192.0.2.70", "A 192.0.2.71"]
    pdnsutil(unsigned, "delete-rrset", "example.com", "added", "A")
    assert pdnsutil(unsigned, "list-all-zones").split() == ["example.com"]


def test_a_search_finds_each_record_and_comment_once(start_overlay):
    port = free_port()
    options = {"api": "yes", "api-key": "x", "webserver": "yes", "webserver-port": port}

    def call(path, method="GET", body=None):
        url = f"http://127.0.0.1:{port}/api/v1/servers/localhost/{path}"
        data = json.dumps(body).encode() if body else None
        headers = {"X-API-Key": "x", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as reply:
            return json.loads(reply.read() or "null")

    comment = {"content": "the post office", "account": "operator"}
    rrset = {"name": "mail.example.com.", "type": "A", "changetype": "REPLACE"}
    with start_overlay(load_zone, options=options):
        call("zones/example.com.", "PATCH", {"rrsets": [{**rrset, "comments": [comment]}]})
        found = call("search-data?q=mail*")
    contents = [(row["object_type"], row["content"]) for row in found if "content" in row]
    assert contents.count(("record", "192.0.2.25")) == 1, found
    assert contents.count(("comment", "the post office")) == 1, found


def test_pdnsutil_reaches_the_backends_commands(unsigned):
    command = f"explain www.example.com {RESOLVER}"
    output = pdnsutil(unsigned, "backend-cmd", unsigned.backend, command)
    assert "2130706434" in output and "203.0.113.2" in output


# ---------------------------------------------------------------- what it costs


def test_in_steady_state_a_question_costs_one_round_trip_to_pdns_sticky(start_overlay):
    """Counted on the wire, as PowerDNS's counter has the lookups in gsqlite3 as well."""
    resolvers = addresses_of_many_resolvers(500, random.Random(22))
    questions = [Question(ldns, "www.example.com", dnssec=True) for ldns in resolvers] * 4
    with start_overlay(sign_zone, tap=True) as server:
        ask(server, questions)
        before = len(server.asked_lines())
        began = time.monotonic()
        ask(server, questions)
        seconds = time.monotonic() - began

        lines = server.asked_lines()[before:]
    kinds = collections.Counter(name_and_type(line) for line in lines if is_lookup(line))
    assert kinds.pop(("www.example.com", "ANY")) == len(questions)
    assert sum(kinds.values()) <= 2 * 3 * (int(seconds) + 2), kinds


def regex_of_the_configuration():
    """The pattern in the commented line."""
    text = (PowerDNS("overlay-gsqlite3.conf", None).conf).read_text()
    (pattern,) = [line for line in text.splitlines() if line.startswith("#pipe-regex=")]
    return pattern.partition("=")[2]


def test_with_pipe_regex_only_the_balanced_names_reach_pdns_sticky():
    options = {"pipe-regex": regex_of_the_configuration()}
    with overlay("overlay-gsqlite3.conf", load_zone, options=options, tap=True) as server:
        for name, rdtype, rcode, answer in ANSWERS:
            if not name.startswith("api."):
                reply = server.one(RESOLVER, name, rdtype)
                assert (reply.rcode, reply.answer_texts) == (rcode, sorted(answer))
        lines = server.asked_lines()
    names = {line.split("\t")[1].lower() for line in lines if line[0] == "Q"}
    assert names == {"www.example.com", "shop.example.com"}

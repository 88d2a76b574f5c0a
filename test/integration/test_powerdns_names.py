"""Sites with host names in place of addresses: a real PowerDNS answers with CNAME.

Alone by pipe.conf and remote-unix.conf; and with gsqlite3, where the answers are signed and delv and
unbound judge them.
"""

import random
import time

import pytest
from dns.rdatatype import NSEC, NSEC3

from database import Database
from dns_client import Question, ask
from powerdns import PowerDNS
from processes import workspace
from resolvers import addresses_of_many_resolvers, chosen
from test_powerdns_overlay import (
    NOTHING_THERE, VALIDATED, delv, sign_zone, sign_zone_with_nsec)
from unbound import Unbound
from zones import RECORDS, RESOLVER, pdnsutil

NAMES = ("lb-1.cloud.example", "lb-2.cloud.example", "lb-3.cloud.example")
TYPES = ("A", "AAAA", "TXT", "HTTPS", "MX", "CNAME", "NS", "SOA", "DS", "SRV", "TYPE65280")

# Targets within the zone itself, so that PowerDNS follows them.
INSIDE = ("lb-1.example.com", "lb-2.example.com", "lb-3.example.com")


def cname(name):
    return f"CNAME {name}."


# ---------------------------------------------------------------- alone


@pytest.fixture(scope="module", params=["pipe", "remote-unix"])
def conf(request):
    return f"{request.param}.conf"


@pytest.fixture(scope="module")
def alone(conf):
    with workspace() as directory:
        database = Database.create(directory)
        database.sql(RECORDS)
        database.sql(
            "INSERT INTO record (zone_id, name, type, content) VALUES"
            " (1, 'lb-1.example.com', 'A', '192.0.2.11'), (1, 'lb-2.example.com', 'A', '192.0.2.12'),"
            " (1, 'lb-3.example.com', 'TXT', '\"no address\"'),"
            " (2, 'svc.example.net', 'HTTPS', '1 app.example.com alpn=h2 ipv4hint=auto');"
        )
        database.app = database.add_pool("app", NAMES, ttl=17)
        database.inside = database.add_pool("inside", INSIDE)
        database.add_pool("wild", NAMES, balanced_name="*.any.example.com")
        database.add_pool("other", ("x.example.net",) * 3)
        with PowerDNS(conf, database) as server:
            yield server


@pytest.mark.parametrize("rdtype", TYPES)
def test_every_type_is_answered_with_the_name_of_the_site(alone, rdtype):
    reply = alone.one(RESOLVER, "app.example.com", rdtype)
    assert (reply.rcode, reply.answer_texts) == ("NOERROR", [cname(NAMES[1])])
    assert [rrset.ttl for rrset in reply.message.answer] == [17]


@pytest.mark.parametrize("name, rdtype, rcode, answer", [
    ("App.Example.COM", "A", "NOERROR", [cname(NAMES[1])]),
    ("below.app.example.com", "A", "NXDOMAIN", []),
    ("x.y.any.example.com", "AAAA", "NOERROR", [cname(NAMES[1])]),
    ("inside.example.com", "A", "NOERROR", ["A 192.0.2.12", cname(INSIDE[1])]),
    ("inside.example.com", "AAAA", "NOERROR", [cname(INSIDE[1])]),
    ("inside.example.com", "CNAME", "NOERROR", [cname(INSIDE[1])]),
    ("other.example.com", "A", "NXDOMAIN", [cname("x.example.net")]),
    ("svc.example.net", "HTTPS", "NOERROR", ['HTTPS 1 app.example.com. alpn="h2"']),
])
def test_a_name_answers(alone, name, rdtype, rcode, answer):
    reply = alone.one(RESOLVER, name, rdtype)
    assert (reply.rcode, reply.answer_texts) == (rcode, answer)


def wrong_answers(server, pool, names, resolvers, dice, **more):
    """The replies that do not name the site which the resolver gets by modulus."""
    questions = [Question(ldns, pool.question_name, dice.choice(("A", "AAAA", "TXT")), **more)
                 for ldns in resolvers for _ in range(3)]
    dice.shuffle(questions)
    return [(reply.question, reply.answer_texts) for reply in ask(server, questions)
            if cname(names[chosen(reply.question.ldns, 3)]) not in reply.answer_texts
            or sum(text.startswith("CNAME") for text in reply.answer_texts) != 1]


@pytest.mark.parametrize("pool, names", [("app", NAMES), ("inside", INSIDE)])
def test_no_resolver_sees_the_name_of_anothers_site(alone, pool, names):
    dice = random.Random(5)
    pool = getattr(alone.database, pool)
    resolvers = addresses_of_many_resolvers(500, dice)
    assert wrong_answers(alone, pool, names, resolvers, dice) == []
    mappings = alone.database.mappings(pool.name)
    assert {ldns: mappings[ldns] for ldns in resolvers} == {
        ldns: pool.controller(chosen(ldns, 3)) for ldns in resolvers}


def test_a_transfer_has_the_name_of_one_site(alone):
    lines = alone.dig("+noall", "+answer", "example.com", "AXFR").splitlines()
    found = {line.split()[0]: line.split(None, 3)[3] for line in lines}
    assert found["app.example.com."].split() == ["CNAME", f"{NAMES[0]}."]
    assert found["*.any.example.com."].split() == ["CNAME", f"{NAMES[0]}."]


def test_a_resolver_stays_at_its_site_over_a_restart_and_leaves_it_when_it_is_down(conf, workspace):
    """By modulus it would be sent elsewhere after the site before its own was disabled."""
    database = Database.create(workspace)
    database.sql(RECORDS)
    pool = database.add_pool("app", NAMES)
    ldns, name = "192.0.2.11", pool.question_name
    site = chosen(ldns, 3)
    with PowerDNS(conf, database) as server:
        assert server.one(ldns, name).answer_texts == [cname(NAMES[site])]
        database.wait_for_mappings("app", {ldns: pool.controller(site)})
    database.sql("UPDATE virtual_server SET state = 'disabled' WHERE position = 1;")
    with PowerDNS(conf, database) as server:
        assert server.one(ldns, name).answer_texts == [cname(NAMES[site])]
        database.set_available(pool, site, False)
        (other,) = server.one(ldns, name).answer_texts
        assert other == cname(NAMES[3 - site]), "the only one that is up"
        database.set_available(pool, site, True)
        assert server.one(ldns, name).answer_texts == [other]


# ---------------------------------------------------------------- in front of gsqlite3


@pytest.fixture(scope="module", params=["narrow NSEC3", "NSEC"])
def signed(request, start_overlay):
    """Signed by gsqlite3's keys; the targets are in the same zone, so that delv can follow them."""
    sign = sign_zone if request.param == "narrow NSEC3" else sign_zone_with_nsec
    with start_overlay(sign) as server:
        for number in (1, 2, 3):
            pdnsutil(server, "add-record", "example.com", f"lb-{number}", "A", f"192.0.2.1{number}")
        yield server


def make_pool(server, name, servers=INSIDE, **columns):
    """The pool, and a record of its name in the other backend, from which the chain is made."""
    pool = server.database.add_pool(name, servers, **columns)
    pdnsutil(server, "add-record", "example.com", name, "CNAME", f"{servers[0]}.")
    pdnsutil(server, "rectify-zone", "example.com")
    return pool


# 127.0.1.0 is 2130706688, remainder 2 of three servers.
SOURCES = [("127.0.1.0", 1), ("127.0.1.1", 2), ("127.0.1.2", 3)]


def test_each_resolver_gets_the_name_of_its_site_validated(signed):
    pool = make_pool(signed, "app")
    for source, site in SOURCES * 2:
        answer = ["A 192.0.2.1%d" % site, cname(INSIDE[site - 1])]
        assert delv(signed, pool.question_name, "A", source) == (VALIDATED, answer)
        assert delv(signed, pool.question_name, "CNAME", source) == (VALIDATED, answer[1:])


def test_no_denial_contradicts_a_cname(signed):
    pool = make_pool(signed, "every")
    for source, site in SOURCES:
        for rdtype in ("TXT", "HTTPS", "AAAA", "MX", "SRV"):
            verdict, records = delv(signed, pool.question_name, rdtype, source)
            assert verdict in (VALIDATED, NOTHING_THERE), (source, rdtype)
            assert records in ([], [cname(INSIDE[site - 1])]), (source, rdtype)
    with Unbound(signed, "127.0.1.1") as resolver:
        for rdtype in ("HTTPS", "TXT", "A", "AAAA", "CNAME", "A"):
            status, records = resolver.ask(pool.question_name, rdtype)
            assert status == "NOERROR" and cname(INSIDE[1]) in records, rdtype
        assert "A 192.0.2.12" in resolver.ask(pool.question_name, "A")[1]
    assert "find no address" not in pdnsutil(signed, "backend-cmd", signed.backend, "status")


def test_the_list_of_types_has_the_cname_for_everybody(signed):
    """The proof that there is no name below it shows the types of the name itself."""
    pool = make_pool(signed, "types")
    reply = signed.one("192.0.2.10", pool.question_name, "CNAME", dnssec=True)
    assert reply.answer_texts == [cname(INSIDE[1])]
    assert delv(signed, f"below.{pool.question_name}", "A") == (
        "; negative response, fully validated", [])
    reply = signed.one("192.0.2.10", f"below.{pool.question_name}", "A", dnssec=True)
    lists = [set(record.to_text().split()) for rrset in reply.message.authority
             if rrset.rdtype in (NSEC, NSEC3) for record in rrset]
    assert any("CNAME" in types and not types & {"A", "AAAA", "TXT"} for types in lists), lists


def test_every_resolver_keeps_its_signed_cname_and_none_sees_anothers(signed):
    dice = random.Random(6)
    pool = make_pool(signed, "many")
    resolvers = addresses_of_many_resolvers(300, dice)
    assert wrong_answers(signed, pool, INSIDE, resolvers, dice, dnssec=True) == []


def test_a_target_in_another_zone_is_signed_too(signed):
    pool = make_pool(signed, "foreign", NAMES)
    assert delv(signed, pool.question_name, "CNAME") == (VALIDATED, [cname(NAMES[1])])


def test_a_pool_of_names_with_nothing_up_is_denied_with_proof(signed):
    pool = make_pool(signed, "nothing", fallback="none")
    for index in range(3):
        signed.database.set_available(pool, index, False)
    time.sleep(1.1)  # what PowerDNS remembers of "no such type"
    assert delv(signed, pool.question_name, "A") == (NOTHING_THERE, [])

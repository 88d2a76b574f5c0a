"""What PowerDNS answers for a name: balanced names and plain records, types, hints and transfers."""

import random
import time

import dns.name
import dns.rdata
import pytest

from alone import FORGOTTEN_SECONDS
from dns_client import Question, ask
from processes import SECONDS_MAX, wait_until
from resolvers import addresses_of_many_resolvers, chosen, mixed_case
from zones import A, AAAA, ITS_SITE, MX, NS1, NS2, RESOLVER, SOA, THREE_SITES

# ---------------------------------------------------------------- names and types


@pytest.fixture(scope="module")
def names(server):
    """Balanced names in all the places where names can be."""
    server.database.add_pool("eu", THREE_SITES, balanced_name="api.eu.example.com")
    server.database.add_pool("any", THREE_SITES, balanced_name="*.any.example.com")
    server.database.add_pool("apex", THREE_SITES, balanced_name="example.net")
    server.database.add_pool("odd", THREE_SITES, balanced_name=ODD_NAME)
    return server


ODD_NAME = r"a\032space\.and\.dots.example.com"

ANSWERS = [
    # name, type, rcode, answer
    ("www.example.com", "A", "NOERROR", [A]),
    ("www.example.com", "AAAA", "NOERROR", [AAAA]),
    ("www.example.com", "MX", "NOERROR", [MX]),
    ("www.example.com", "HTTPS", "NOERROR", []),
    ("www.example.com", "TXT", "NOERROR", []),
    ("www.example.com", "NS", "NOERROR", []),
    ("www.example.com", "SOA", "NOERROR", []),
    ("below.www.example.com", "A", "NXDOMAIN", []),
    ("unknown.example.com", "A", "NXDOMAIN", []),
    ("mail.example.com", "A", "NOERROR", ["A 192.0.2.25"]),
    ("between.example.com", "A", "NOERROR", []),
    ("between.example.com", "TXT", "NOERROR", []),
    ("eu.example.com", "A", "NOERROR", []),
    ("api.eu.example.com", "A", "NOERROR", [A]),
    ("other.eu.example.com", "A", "NXDOMAIN", []),
    ("something.wild.example.com", "A", "NOERROR", ["A 192.0.2.99"]),
    ("*.wild.example.com", "A", "NOERROR", ["A 192.0.2.99"]),
    ("something.any.example.com", "A", "NOERROR", [A]),
    ("deep.something.any.example.com", "AAAA", "NOERROR", [AAAA]),
    ("*.any.example.com", "A", "NOERROR", [A]),
    ("any.example.com", "A", "NOERROR", []),
    ("example.com", "SOA", "NOERROR", [SOA]),
    ("example.com", "NS", "NOERROR", [NS1, NS2]),
    ("example.com", "A", "NOERROR", []),
    ("example.net", "A", "NOERROR", [A]),
    ("example.net", "NS", "NOERROR", [NS1]),
    ("example.net", "SOA", "NOERROR", [SOA]),
    (ODD_NAME, "A", "NOERROR", [A]),
    (ODD_NAME.upper(), "AAAA", "NOERROR", [AAAA]),
    ("and.dots.example.com", "A", "NXDOMAIN", []),
    ("example.org", "A", "REFUSED", []),
]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name, rdtype, rcode, answer", ANSWERS)
def test_a_name_answers(names, name, rdtype, rcode, answer, transport):
    reply = (names.one if transport == "udp" else names.one_tcp)(RESOLVER, name, rdtype)
    assert (reply.rcode, reply.answer_texts) == (rcode, sorted(answer))
    assert reply.authority_types == ([] if answer or rcode == "REFUSED" else ["SOA"])


def test_any_over_tcp_gives_all_that_the_name_has(names):
    reply = names.one_tcp(RESOLVER, "www.example.com", "ANY")
    assert reply.answer_texts == sorted([A, AAAA, MX])


def test_the_addresses_of_a_site_may_be_rows_of_their_own(server):
    """A resolver gets both from the same site."""
    server.database.sql(
        "INSERT INTO pool (id, name) VALUES (900, 'split');"
        "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
        " SELECT 900, id, id, '192.0.2.' || (200 + id) FROM controller WHERE id <= 3;"
        "INSERT INTO virtual_server (pool_id, controller_id, position, ipv6)"
        " SELECT 900, id, 3 + id, '2001:db8:' || id || '::200' FROM controller WHERE id <= 3;"
        "INSERT INTO balanced_name (name, pool_id) VALUES ('split.example.com', 900);"
    )
    sites = set()
    for resolver in addresses_of_many_resolvers(30, random.Random(5)):
        (ipv4,), (ipv6,) = (
            server.one(resolver, "split.example.com", rdtype).addresses for rdtype in ("A", "AAAA")
        )
        site = int(ipv4.rpartition(".")[2]) - 200
        sites.add(site)
        assert ipv6 == f"2001:db8:{site}::200"
    assert sites == {1, 2, 3}


RARER_TYPES = [
    # type, content; one name each, since one content that PowerDNS rejects fails the whole name
    ("APL", "1:192.0.2.0/24 !2:2001:db8::/32"),
    ("CERT", "1 7 8 AAECAw=="),
    ("CSYNC", "66 3 A NS AAAA"),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    ("DLV", f"12345 8 2 {32 * 'ab'}"),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("HTTPS", '1 . alpn="h2,h3" ech="AAAA" key7="/q{?dns}" key65280="a b"'),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG"),
    ("IPSECKEY", "10 3 2 gateway.example.com AQNRU3mG"),
    ("KEY", "256 3 5 AQNRU3mG"),
    ("L32", "10 192.0.2.1"),
    ("L64", "10 2001:0DB8:1140:1000"),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m"),
    ("LOC", "52 S 4 W 0m"),
    ("LP", "10 mail.example.com"),
    ("MB", "mail.example.com"),
    ("MG", "mail.example.com"),
    ("MINFO", "a.example.com b.example.com"),
    ("MR", "mail.example.com"),
    ("NID", "10 0014:4FFF:FF20:EE64"),
    ("OPENPGPKEY", "AAECAw=="),
    ("RKEY", "0 255 2 AQNRU3mG"),
    ("SMIMEA", "3 1 1 0123456789abcdef"),
    ("SVCB", '1 mail.example.com alpn=dot port=853 key7="/q{?dns}"'),
    ("ZONEMD", f"2018031500 1 1 {48 * 'FE'}"),
]


def some_answer(server, *words):
    """On a very busy machine PowerDNS may give up on a coprocess, after two seconds."""
    outputs = []
    wait_until(
        lambda: outputs.append(server.dig("+noall", "+answer", *words)) or outputs[-1].strip(),
        SECONDS_MAX,
        lambda: f"an answer to {words}",
    )
    return outputs[-1]


def test_rarer_types_are_answered(start, fresh_database):
    database = fresh_database()
    rows = "".join(
        "INSERT INTO record (zone_id, name, type, content)"
        f" SELECT id, 'n{place}.example.com', '{rdtype}', '{content}' FROM zone"
        " WHERE name = 'example.com';"
        for place, (rdtype, content) in enumerate(RARER_TYPES)
    )
    database.sql(rows)
    with start(database) as server:
        for place, (rdtype, content) in enumerate(RARER_TYPES):
            output = some_answer(
                server, "+unknownformat", "+nosplit", f"n{place}.example.com", rdtype
            )
            form = FORMS.get(rdtype, rdtype)
            data = dns.rdata.from_text("IN", form, content).to_wire(origin=dns.name.root)
            assert output.split()[4:] == ["\\#", str(len(data)), data.hex().upper()], output


# Of types that dnspython cannot read: others that are written in the same way.
FORMS = {"KEY": "DNSKEY", "MB": "NS", "MG": "NS", "MINFO": "RP", "MR": "NS", "RKEY": "DNSKEY"}


def hints(reply):
    (rrset,) = reply.message.answer
    return sorted(text for text in rrset[0].to_text().split() if "hint=" in text)


def test_a_hint_is_the_address_of_the_clients_site(start, fresh_database):
    """With PowerDNS's own automatic hints, which would be one site's for everybody."""
    database = fresh_database()
    database.sql(
        "INSERT INTO record (zone_id, name, type, content) SELECT id, 'www.example.com', 'HTTPS',"
        " '1 . alpn=h2 ipv4hint=auto ipv6hint=auto' FROM zone WHERE name = 'example.com';"
        "INSERT INTO record (zone_id, name, type, content) SELECT id, 'example.com', 'HTTPS',"
        " '1 www.example.com ipv6hint=auto' FROM zone WHERE name = 'example.com';"
    )
    resolvers = addresses_of_many_resolvers(200, random.Random(19))
    with start(database, options={"svc-autohints": "yes"}) as server:
        for name, families in (("www.example.com", "A AAAA"), ("example.com", "AAAA")):
            for reply in ask(server, [Question(ldns, name, "HTTPS") for ldns in resolvers]):
                site = chosen(reply.question.ldns, 3)
                wanted = [f'ipv4hint="{address}"' for address in database.www.answer(site, "A")]
                wanted *= "A " in families
                wanted += [f'ipv6hint="{address}"' for address in database.www.answer(site, "AAAA")]
                assert hints(reply) == wanted
        replies = ask(server, [Question(ldns, "www.example.com") for ldns in resolvers])
        assert all(
            reply.addresses == database.www.answer(chosen(reply.question.ldns, 3), "A")
            for reply in replies
        )


def test_a_name_without_records_shows_none(names):
    """The pipe protocol needs a record of some type, which only a question for ANY shows."""
    reply = names.one_tcp(RESOLVER, "between.example.com", "ANY")
    assert reply.rcode == "NOERROR"
    shown = [text.strip() for text in reply.answer_texts]
    assert shown == (["TYPE65280 \\# 0"] if names.backend == "pipe" else [])


def test_a_referral_to_the_zone_brings_the_name_servers_addresses(names):
    reply = names.one(RESOLVER, "example.com", "NS")
    assert sorted(str(rrset) for rrset in reply.message.additional) == [
        "ns1.example.com. 3600 IN A 192.0.2.1",
        "ns2.example.com. 3600 IN AAAA 2001:db8::53",
    ]


def test_capitals_make_no_difference_and_no_second_row(server):
    pool = server.database.add_pool("capitals", THREE_SITES)
    dice = random.Random(5)
    spellings = [mixed_case(pool.question_name, dice) for _ in range(100)]
    replies = ask(server, [Question(RESOLVER, spelling) for spelling in spellings])
    assert {reply.addresses for reply in replies} == {pool.answer(1)}
    assert server.database.mappings("capitals") == {RESOLVER: "capitals-2"}


def test_all_names_below_a_wildcard_share_the_pools_mapping(server):
    pool = server.database.add_pool("below", THREE_SITES, balanced_name="*.below.example.com")
    replies = ask(server, [Question(RESOLVER, f"n{n}.below.example.com") for n in range(50)])
    assert {reply.addresses for reply in replies} == {pool.answer(1)}
    assert server.database.mappings("below") == {RESOLVER: "below-2"}


def test_resolvers_without_a_proxy_are_told_apart_as_well(server):
    """dig asks from 127.0.0.2 itself: 2130706434, remainder 0 of three servers, so the second."""
    assert server.dig("+short", "www.example.com") == f"{ITS_SITE[0]}\n"


# ---------------------------------------------------------------- what PowerDNS remembers


def test_a_name_asked_for_before_it_was_added_is_there_seconds_later(server):
    """The caches keep "no such name" for a second, which in PowerDNS is up to two."""
    assert server.one(RESOLVER, "early.example.com").rcode == "NXDOMAIN"
    pool = server.database.add_pool("early", THREE_SITES)
    added = time.monotonic()
    wait_until(
        lambda: server.one(RESOLVER, pool.question_name).addresses == pool.answer(1),
        SECONDS_MAX,
        "it is there",
    )
    assert time.monotonic() - added < FORGOTTEN_SECONDS


def test_no_ipv6_at_one_site_is_told_to_all_sites_clients_for_seconds_only(server):
    """PowerDNS caches "no such type" without regard to who asked, and no backend can prevent it.

    So all servers of a pool should have addresses of the same families.  Nobody gets the address of
    another site, though, and resolvers that ask for signatures do not meet this.
    """
    pool = server.database.add_pool("mixed", [("203.0.113.1", None), *THREE_SITES[1:]])
    without, with_ipv6 = "192.0.2.9", RESOLVER  # the latter's remainder is 0, so the former's is 2
    assert server.one(without, pool.question_name, "AAAA").addresses == ()
    assert server.one(with_ipv6, pool.question_name, "A").addresses == pool.answer(1, "A")
    assert server.one(with_ipv6, pool.question_name, "AAAA").addresses in ((), ITS_SITE[1:])
    asked = time.monotonic()
    wait_until(
        lambda: server.one(with_ipv6, pool.question_name, "AAAA").addresses == ITS_SITE[1:],
        SECONDS_MAX,
        "it is told",
    )
    assert time.monotonic() - asked < FORGOTTEN_SECONDS


# ---------------------------------------------------------------- transfers


def test_a_transfer_has_the_plain_records_and_one_server_for_each_balanced_name(names):
    """The first server that is up, as a transfer is for no client in particular."""
    lines = names.dig("+noall", "+answer", "example.net", "AXFR").splitlines()
    records = [" ".join(line.split()[3:]) for line in lines]
    assert records[0] == records[-1] == SOA
    assert sorted(records[1:-1]) == ["A 203.0.113.1", "AAAA 2001:db8:0:1::80", NS1]
    assert names.database.mappings("apex").keys() <= {RESOLVER}


def test_a_transfer_of_an_unknown_zone_fails(server):
    assert "Transfer failed" in server.dig("example.org", "AXFR")

"""What a coprocess answers to which name, client and type, and that PowerDNS can read all of it."""

import random

import pytest

from coprocess import Coprocess, question
from generated_rows import RANDOM_TYPES, fill_at_random
from powerdns_parser import check_content, labels, parse


# ---------------------------------------------------------------- names, clients, types


def test_capitals_make_no_other_client_and_no_other_site(served):
    coprocess, database = served
    names = ("www.example.com", "WWW.EXAMPLE.COM", "wWw.ExAmPlE.cOm", "SHOP.example.com")
    assert len({coprocess.ask(name, "A").ipv4 for name in names}) == 1
    assert database.mappings("web") == {"192.0.2.10": "fra"}


def test_odd_clients_get_an_answer_and_a_sane_key(served):
    coprocess, database = served
    database.sql("UPDATE pool SET client = 'ecs', ipv4_prefix = 24, ipv6_prefix = 56;")
    rows = (  # remote, client network, key or None, scope
        ("fe80::1%eth0", "fe80::1/128", "fe80::/56", 1),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1/128", "192.0.2.0/24", 1),
        ("invalid address", "0.0.0.0/0", None, 1),
        ("", "", None, 1),
        ("198.18.1.1", "0.0.0.0/0", "198.18.1.0/24", 1),
        ("198.18.2.1", "::/0", "198.18.2.0/24", 1),
        ("198.18.3.1", "2001:db8:aaaa:bbbb::/64", "ecs:2001:db8:aaaa:bb00::/56", 56),
        ("2001:db8:9::1", "203.0.113.0/24", "ecs:203.0.113.0/24", 24),
        ("198.18.4.1", "203.0.0.0/13", "ecs:203.0.0.0/13", 13),
        ("198.18.5.1", "198.18.5.1/32", "198.18.5.0/24", 1),
        ("198.18.6.1", "no network", "198.18.6.0/24", 1),
    )
    keys = set()
    for remote, network, key, scope in rows:
        fields = ["Q", "www.example.com", "IN", "ANY", "-1", remote, "198.51.100.53", network]
        answer = coprocess.request("\t".join(fields).encode() + b"\n")
        assert [record.scope for record in answer.records] == [scope, scope], (remote, network)
        keys |= {key} - {None}
        assert set(database.mappings("web")) == keys, (remote, network)


def test_every_type_of_a_balanced_name_agrees_with_any(served):
    coprocess, database = served
    for remote in ("192.0.2.10", None):
        whole = coprocess.ask("shop.example.com", "ANY", remote).records
        assert sorted({record.rdtype for record in whole}) == ["A", "AAAA", "MX"]
        for rdtype in ("A", "AAAA", "MX", "TXT", "SOA", "NS", "DS", "CNAME", "HTTPS", "NSEC"):
            answer = coprocess.ask("shop.example.com", rdtype, remote)
            assert not answer.failed
            assert answer.records == [record for record in whole if record.rdtype == rdtype]
        for record in whole:
            assert (record.scope > 0) == (record.rdtype in ("A", "AAAA"))
    assert database.mappings("web") == {"192.0.2.10": "fra"}


def test_questions_that_powerdns_asks_by_itself_leave_no_row(served):
    coprocess, database = served
    for rdtype in ("ANY", "A", "AAAA", "SOA", "NS"):
        for name in ("www.example.com", "shop.example.com", "api.example.com"):
            assert not coprocess.ask(name, rdtype, None).failed
    coprocess.request(b"AXFR\t1\texample.com\n")
    assert database.rows("SELECT * FROM persistence") == []


def test_soa_is_answered_at_the_apex_only_and_never_fails(served):
    coprocess, database = served
    database.sql("UPDATE pool SET fallback = 'servfail', fallback_pool_id = NULL;")
    database.sql("INSERT INTO controller_metric SELECT id, 'availability', 0, 0 FROM controller;")
    for remote in (None, "192.0.2.10"):
        assert [r.rdtype for r in coprocess.ask("example.com", "SOA", remote).records] == ["SOA"]
        for name in ("www.example.com", "x.y.example.com", "com", ".", "example.org"):
            assert coprocess.ask(name, "SOA", remote).lines == [b"END"]
    assert coprocess.ask("www.example.com", "ANY").failed  # as the pool wants it


# ---------------------------------------------------------------- every line, re-read


def check_answer(lines, abi, asked):
    """Every line is what PowerDNS takes, in its place; the records are what was asked for."""
    parsed = [parse(line, abi) for line in lines]
    assert parsed[-1] in ("END", "FAIL")
    records = [item for item in parsed[:-1] if item != "LOG"]
    for line, record in zip(lines, parsed):
        assert record != "LOG" or line.startswith(b"LOG\t") and line[4:].strip(), line
    for record in records:
        assert record not in ("END", "FAIL"), lines
        check_content(record)
        assert record.scope <= 128 and not set(record.content) & set("\t\r\n")
        if asked:
            name, rdtype, network_bits = asked
            assert record.owner == labels(name), lines
            assert rdtype in ("ANY", record.rdtype), lines
            assert record.scope <= network_bits, lines
    if asked and asked[1] == "SOA":
        assert parsed[-1] == "END" and len(records) <= 1
    return len(records)


@pytest.mark.parametrize("seed", range(6))
def test_powerdns_would_take_every_line_of_random_answers(sample_database, seed):
    rng = random.Random(seed)
    names = fill_at_random(sample_database.path, rng)
    seen = 0
    with Coprocess(sample_database.path) as coprocess:
        for abi in range(1, 6):
            coprocess.hello(abi)
            asked = []
            for name in names:
                rdtype = rng.choice(["ANY"] * 4 + ["SOA", "A", "AAAA", *RANDOM_TYPES])
                remote = rng.choice([None, "192.0.2.10", "2001:db8::53", "fe80::1%lo", "10.1.2.3"])
                network = rng.choice([None, "203.0.113.0/24", "2001:db8:7::/48", "0.0.0.0/0"])
                bits = 128 if ":" in (network or remote or "") else 32
                zone_id = rng.choice([-1, -1, 1])
                asked.append((name, rdtype, bits))
                coprocess.send(question(name, rdtype, remote, zone_id, network, abi))
            for what in asked:
                seen += check_answer(coprocess.lines_until_end(), abi, what)
            transfer = coprocess.request(b"AXFR\t1\texample.com\n" if abi >= 4 else b"AXFR\t1\n")
            seen += check_answer(transfer.lines, abi, None)
        assert coprocess.silent(0.02)
        assert coprocess.close() == 0
    assert seen > 300

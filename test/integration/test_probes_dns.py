"""Checks of type dns: which answers are good."""

import socket
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from probes import check, check_at, reply, within
from targets import LOOPBACK, DnsTarget


def with_id(answer, number):
    return struct.pack("!H", number) + answer[2:]


def other_question(question):
    asked = dns.message.make_query("www.example.net", "A")
    asked.id = dns.message.from_wire(question).id
    return reply(asked.to_wire())


def without_question(question, rcode):
    number = struct.unpack("!H", question[:2])[0]
    return struct.pack("!HHHHHH", number, 0x8000 | rcode, 0, 0, 0, 0)


def other_id(question):
    return with_id(reply(question), struct.unpack("!H", question[:2])[0] ^ 1)


def in_capitals(question):
    return reply(question).replace(b"www", b"WwW").replace(b"example", b"EXAMPLE")


DNS_ROWS = {
    "an address": (lambda q: [reply(q)], "ok"),
    "in capitals": (lambda q: [in_capitals(q)], "ok"),
    "cut off": (lambda q: [reply(q, flags=dns.flags.TC)], "ok"),
    "cut off before the first record": (lambda q: [reply(q, (), flags=dns.flags.TC)], "ok"),
    "no record": (lambda q: [reply(q, ())], "content"),
    "no such name": (lambda q: [reply(q, (), dns.rcode.NXDOMAIN)], "status"),
    "a failure": (lambda q: [reply(q, (), dns.rcode.SERVFAIL)], "status"),
    "refused": (lambda q: [reply(q, (), dns.rcode.REFUSED)], "status"),
    "refused without the question": (lambda q: [without_question(q, 5)], "status"),
    "well without the question": (lambda q: [without_question(q, 0)], "protocol"),
    "another id": (lambda q: [other_id(q)], "protocol"),
    "another question": (lambda q: [other_question(q)], "protocol"),
    "garbage": (lambda q: [bytes(range(200))], "protocol"),
    "garbage behind the right id": (lambda q: [q[:2] + b"\x80" + b"\xff" * 60], "protocol"),
    "a piece": (lambda q: [reply(q)[:-3]], "protocol"),
    "three bytes": (lambda q: [q[:3]], "protocol"),
    "nothing in it": (lambda q: [b""], "protocol"),
    "the question itself": (lambda q: [q], "protocol"),
    "silence": (lambda q: [], "timeout"),
    "forged ones first": (lambda q: [other_id(q), b"", other_question(q), reply(q)], "ok"),
    "twice": (lambda q: [reply(q), reply(q)], "ok"),
}


@pytest.mark.parametrize("row", DNS_ROWS)
def test_dns(row):
    answers, reason = DNS_ROWS[row]
    with DnsTarget(answers) as target:
        # A datagram that is no answer is told of when no better one came in time.
        limit = within("timeout" if reason == "protocol" else reason)
        result = check_at(target, type="dns", host="www.example.com", **limit)
    assert result.reason == reason
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms


RCODE_ROWS = [
    ("NXDOMAIN", lambda q: reply(q, (), dns.rcode.NXDOMAIN), "ok"),
    ("REFUSED", lambda q: reply(q, (), dns.rcode.REFUSED), "ok"),
    ("REFUSED", lambda q: without_question(q, 5), "ok"),
    ("REFUSED", lambda q: reply(q), "status"),
    ("NXDOMAIN", lambda q: reply(q, (), dns.rcode.REFUSED), "status"),
    ("NOERROR", lambda q: reply(q), "ok"),
    ("NOERROR", lambda q: reply(q, ()), "content"),
]


@pytest.mark.parametrize("number", range(len(RCODE_ROWS)))
def test_dns_wanted_rcode(number):
    rcode, answer, reason = RCODE_ROWS[number]
    with DnsTarget(lambda q: [answer(q)]) as target:
        result = check_at(target, type="dns", host="www.example.com", rcode=rcode)
    assert result.reason == reason


# The type that is asked for, the records, and a pattern that has to match one of them.
ANSWER_ROWS = [
    ("A", ("192.0.2.1", "192.0.2.2"), r"^192\.0\.2\.2$", "ok"),
    ("A", ("192.0.2.1", "192.0.2.2"), r"^192\.0\.2\.3$", "content"),
    ("A", ("192.0.2.1", "192.0.2.2"), "1.*2$", "ok"),
    ("A", ("192.0.2.1", "192.0.2.2"), "1[^0-9.]+192", "content"),
    ("AAAA", ("2001:db8::0:1",), "^2001:db8::1$", "ok"),
    ("NS", ("ns1.example.com.",), r"^ns1\.example\.com$", "ok"),
    ("CNAME", ("a.example.net.",), r"^a\.example\.net$", "ok"),
    ("PTR", ("host.example.com.",), "^host", "ok"),
    ("MX", ("10 mail.example.com.",), r"^10 mail\.example\.com$", "ok"),
    ("SRV", ("1 2 443 a.example.com.",), r"^1 2 443 a\.example\.com$", "ok"),
    ("SOA", ("a. b. 2024 2 3 4 5",), "^a b 2024 2 3 4 5$", "ok"),
    ("TXT", ('"v=spf1 -all" "b\\"\\\\"',), r'^"v=spf1 -all" "b\\"\\\\"$', "ok"),
    ("CAA", ('0 issue "ca.example"',), '^0 issue "ca.example"$', "ok"),
    ("NAPTR", ('1 2 "u" "E2U" "!x!y!" .',), r'^1 2 "u" "E2U" "!x!y!" \.$', "ok"),
    ("DS", ("1 8 2 " + "ab" * 32,), f"^1 8 2 {'ab' * 32}$", "ok"),
    ("HTTPS", ("1 . alpn=h2",), r"^\\# 10 00010000010003026832$", "ok"),
]


@pytest.mark.parametrize("number", range(len(ANSWER_ROWS)))
def test_dns_wanted_answer(number):
    query, records, pattern, reason = ANSWER_ROWS[number]
    keys = {"type": "dns", "host": "www.example.com", "query": query, "answer": pattern}
    with DnsTarget(lambda q: [reply(q, records, kind=query)]) as target:
        assert check_at(target, **keys).reason == reason
    question = dns.message.from_wire(target.questions[0]).question[0]
    assert dns.rdatatype.to_text(question.rdtype) == query


def test_dns_wanted_answer_behind_an_alias():
    def answer(question):
        message = dns.message.from_wire(reply(question))
        alias = dns.rrset.from_text("www.example.com.", 60, "IN", "CNAME", "a.example.com.")
        message.answer.insert(0, alias)
        return [message.to_wire()]

    for pattern, reason in [("^192", "ok"), ("^a.example.com$", "ok"), ("^b", "content")]:
        with DnsTarget(answer) as target:
            result = check_at(target, type="dns", host="www.example.com", answer=pattern)
            assert result.reason == reason, pattern


def test_dns_records_that_are_not_of_their_type_match_nothing():
    """Their data is too short, or too long."""
    for data in (b"", b"\xc0", b"\x0a\0\0", b"\x0a\0\0\2\x0a"):
        def answer(question, data=data):
            made = reply(question)
            return [made[:-6] + struct.pack("!H", len(data)) + data]

        with DnsTarget(answer) as target:
            result = check_at(target, type="dns", host="www.example.com", answer=".", timeout=1)
            assert result.reason in ("content", "protocol"), data


def test_dns_nobody_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1]
    assert check(port=port, type="dns", host="www.example.com").reason == "refused"


def test_dns_ids_and_ports_differ_and_the_type_is_asked_for():
    with DnsTarget(lambda q: [reply(q, ("10 mx.example.com.",), kind="MX")]) as target:
        result = check_at(target, type="dns", host="www.example.com", query="MX", count=50)
    assert result.counts["ok"] == 50
    questions = [dns.message.from_wire(question) for question in target.questions]
    assert len({question.id for question in questions}) > 45
    assert {question.question[0].to_text() for question in questions} == {"www.example.com. IN MX"}


DNS_REFUSED = [
    ({}, "host, the name to ask for, is missing"),
    ({"host": "www.example.com", "query": "AXFR"}, "query 'AXFR' is not a type that can be asked for"),
    ({"host": "a..b"}, "host 'a..b' is not a DNS name"),
    ({"host": "x" * 64 + ".com"}, f"host '{'x' * 64}.com' is not a DNS name"),
]


@pytest.mark.parametrize("keys, words", DNS_REFUSED)
def test_dns_that_cannot_be_asked(keys, words):
    result = check(type="dns", port=99, **keys)
    assert (result.cannot, result.reason) == (words, "internal")

"""Checks of targets that have a name in place of an address."""

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from probes import check
from targets import LOOPBACK, Asked, DnsTarget, Target, answering, behind_tls, page, stay

NAME = "lb.cloud.example"


def resolving(kinds, rcode=dns.rcode.NOERROR, change=lambda answer: None):
    """Answers each question with the records of its type: {"A": ["192.0.2.1"]}."""

    def answers(question):
        answer = dns.message.make_response(dns.message.from_wire(question))
        (asked,) = answer.question
        answer.set_rcode(rcode)
        owner = asked.name.to_text()
        for target in kinds.get("CNAME", ()):
            answer.answer.append(dns.rrset.from_text(owner, 60, "IN", "CNAME", target))
            owner = target
        kind = dns.rdatatype.to_text(asked.rdtype)
        for content in kinds.get(kind, ()):  # one by one, or dnspython shuffles them
            answer.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, content))
        change(answer)
        return [answer.to_wire()]

    return answers


def change_id(answer):
    answer.id ^= 1


def take_back_the_answer(answer):
    answer.flags &= ~dns.flags.QR


@pytest.fixture
def resolv_conf(tmp_path):
    """Writes a file that names these servers."""

    def write(*servers):
        lines = [f"nameserver [{server.address}]:{server.port}\n" for server in servers]
        path = tmp_path / "resolv.conf"
        path.write_text("# of a test\nsearch example.com\n" + "".join(lines))
        return path

    return write


NOTHING = {}

RESOLVED = {
    "an address": (resolving({"A": [LOOPBACK]}), "ok"),
    "several addresses": (resolving({"A": [LOOPBACK, "127.0.0.99"]}), "ok"),
    "an alias": (resolving({"CNAME": ["x.cloud.example."], "A": [LOOPBACK]}), "ok"),
    "truncated": (resolving({"A": [LOOPBACK]}, change=lambda answer: setattr(
        answer, "flags", answer.flags | dns.flags.TC)), "ok"),
    "a dead address": (resolving({"A": ["127.0.0.99"], "AAAA": ["::1"]}), "refused"),
    "no address": (resolving(NOTHING), "unresolved"),
    "an alias of nothing": (resolving({"CNAME": ["x.cloud.example."]}), "unresolved"),
    "no such name": (resolving(NOTHING, dns.rcode.NXDOMAIN), "unresolved"),
    "a failure": (resolving(NOTHING, dns.rcode.SERVFAIL), "unresolved"),
    "refused": (resolving(NOTHING, dns.rcode.REFUSED), "unresolved"),
    "silence": (lambda question: [], "unresolved"),
    "another id": (resolving({"A": [LOOPBACK]}, change=change_id), "unresolved"),
    "the question": (resolving({"A": [LOOPBACK]}, change=take_back_the_answer), "unresolved"),
    "garbage": (lambda question: [b"", b"x", question[:12], bytes(500)], "unresolved"),
}


@pytest.mark.parametrize("row", RESOLVED)
def test_a_name_is_resolved_before_its_address_is_checked(resolv_conf, row):
    answers, reason = RESOLVED[row]
    with Target(stay) as target, DnsTarget(answers) as server:
        result = check(target_name=NAME, resolv_conf=resolv_conf(server), port=target.port,
                       type="tcp", timeout=1 if reason == "unresolved" else 10)
        assert result.reason == reason
        assert server.questions and target.seen == (reason == "ok")


def test_a_name_with_ipv6_alone_is_checked_there(resolv_conf):
    with Target(stay, address="::1") as target, DnsTarget(resolving({"AAAA": ["::1"]})) as server:
        keys = {"target_name": NAME, "resolv_conf": resolv_conf(server), "port": target.port}
        assert check(type="tcp", **keys).reason == "ok"
        kinds = [dns.message.from_wire(question).question[0].rdtype for question in server.questions]
        assert kinds == [dns.rdatatype.A, dns.rdatatype.AAAA]


@pytest.mark.parametrize("first", [
    lambda question: [], resolving(NOTHING, dns.rcode.SERVFAIL),
    resolving(NOTHING, dns.rcode.REFUSED)])
def test_another_server_is_asked_when_the_first_one_fails(resolv_conf, first):
    with Target(stay) as target, DnsTarget(first) as one, \
            DnsTarget(resolving({"A": [LOOPBACK]}), address="::1") as two:
        keys = {"target_name": NAME, "resolv_conf": resolv_conf(one, two), "port": target.port}
        assert check(type="tcp", **keys).reason == "ok"
        assert one.questions and two.questions


def test_a_name_is_resolved_for_each_check_with_another_id(resolv_conf):
    with Target(stay) as target, DnsTarget(resolving({"A": [LOOPBACK]})) as server:
        keys = {"target_name": NAME, "resolv_conf": resolv_conf(server), "port": target.port}
        assert check(type="tcp", count=30, **keys).counts["ok"] == 30
        questions = [dns.message.from_wire(question) for question in server.questions]
    assert len(questions) == 30 and len({question.id for question in questions}) > 20
    assert {question.question[0].name.to_text() for question in questions} == {f"{NAME}."}
    assert all(question.flags & dns.flags.RD for question in questions)


@pytest.mark.parametrize("host, expected", [(None, NAME), ("www.example.com", "www.example.com")])
def test_a_name_is_the_host_of_a_request_unless_the_monitor_has_one(resolv_conf, host, expected):
    asked = Asked()
    with Target(asked) as target, DnsTarget(resolving({"A": [LOOPBACK]})) as server:
        keys = {"target_name": NAME, "resolv_conf": resolv_conf(server), "port": target.port}
        assert check(type="http", **keys, **({"host": host} if host else {})).reason == "ok"
    assert f"Host: {expected}" in asked.lines


@pytest.mark.parametrize("subject, reason", [(NAME, "ok"), ("www.example.com", "wrong-name")])
@pytest.mark.parametrize("kind", [{"type": "https"}, {"type": "tcp", "tls": 1}])
@pytest.mark.parametrize("has_address", [False, True])  # as with check_address
def test_a_certificate_must_be_valid_for_the_name(
        certificates, resolv_conf, subject, reason, kind, has_address):
    certificate = certificates.signed(f"{kind['type']}-{has_address}-{reason}", f"DNS:{subject}")
    with Target(behind_tls(answering(page()), certificate)) as target, \
            DnsTarget(resolving({"A": [LOOPBACK]})) as server:
        where = {"address": LOOPBACK} if has_address else {"resolv_conf": resolv_conf(server)}
        result = check(target_name=NAME, port=target.port, ca_file=certificates.authority, **kind,
                       **where)
        assert result.reason == reason
        assert bool(server.questions) != has_address

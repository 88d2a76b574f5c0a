"""The backend as a process of PowerDNS's remote backend: JSON in, JSON out.

No PowerDNS here: the tests themselves hold the other ends of its pipes.  What does not depend on
the protocol is tested with the pipe protocol only.
"""

import dataclasses
import json
import random
import threading

import pytest

from coprocess import NOBODY, Coprocess, assert_little_memory, question
from faults import strace, writes_to_stdout
from generated_rows import add_hosts, fill_at_random
from powerdns_parser import EMPTY, Record, Refused, check_content, labels
from resolvers import ldns
from sample import expected

INITIALIZE = {"method": "initialize", "parameters": {"command": "x", "timeout": "2000"}}

INTEGERS = {  # and what they may be
    "ttl": range(2**31),
    "domain_id": range(-(2**31), 2**31),
    "auth": range(2),
    "scopeMask": range(129),
}


def lookup(name, rdtype="ANY", remote="192.0.2.10", zone_id=-1, ecs=None):
    """The request by which PowerDNS asks.  remote None: it asks by itself."""
    where = NOBODY
    if remote:
        where = (remote, "198.51.100.53", ecs or f"{remote}/{128 if ':' in remote else 32}")
    parameters = {"qname": name, "qtype": rdtype, "zone-id": zone_id}
    parameters |= dict(zip(("remote", "local", "real-remote"), where))
    return {"method": "lookup", "parameters": parameters}


def _no_key_twice(pairs):
    assert len(dict(pairs)) == len(pairs), f"a key is there twice: {pairs}"
    return dict(pairs)


def read(line):
    """A reply, which has to be what every reader of JSON takes."""
    return json.loads(line.decode("utf-8", "strict"), object_pairs_hook=_no_key_twice)


class Peer(Coprocess):
    """A coprocess that speaks JSON."""

    def __init__(self, database, **options):
        super().__init__(database, helo=False, **options)
        assert self.say(INITIALIZE) == {"result": True}

    def say(self, request):
        """Sends a request, or a line as it is, and returns the only line that comes back."""
        line = request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
        self.send(line)
        return self.reply()

    def reply(self, alone=True):
        line = self.read_line()
        assert not (alone and self._rest), f"more than one line: {line} {self._rest}"
        return read(line)

    def records(self, request):
        """What PowerDNS makes of the reply to a lookup."""
        return [record(row) for row in self.say(request)["result"]]

    def ipv4(self, request=None):
        """The one IPv4 address in the reply to a lookup, or in the next that comes."""
        rows = (self.say(request) if request else self.reply(alone=False))["result"]
        (address,) = [row["content"] for row in rows if row["qtype"] == "A"]
        return address


def record(row):
    """A record as modules/remotebackend of 4.7.3 reads it; a value of another type fails."""
    assert row.keys() == {"qtype", "qname", "content", *INTEGERS}
    for name, allowed in INTEGERS.items():
        assert type(row[name]) is int and row[name] in allowed, row
    made = Record(
        scope=row["scopeMask"],
        authoritative=row["auth"] == 1,
        owner=labels(row["qname"]),
        rdtype=row["qtype"],
        ttl=row["ttl"],
        zone_id=row["domain_id"],
        content=row["content"].encode().decode("latin-1"),  # octets, as in the pipe protocol
    )
    check_content(made)
    return made


@pytest.fixture
def served(sample_database):
    """A coprocess on the sample that has said its first word, and the database."""
    with Peer(sample_database.path) as peer:
        yield peer, sample_database


# ---------------------------------------------------------------- lines in and out


def test_two_requests_in_one_write_get_two_replies_in_order(served):
    peer, _ = served
    for first in range(0, 200, 2):
        pair = [ldns(first), ldns(first + 1)]
        lines = [json.dumps(lookup("www.example.com.", "A", remote)) for remote in pair]
        peer.send("\n".join([*lines, ""]).encode())
        assert [peer.ipv4(), peer.ipv4()] == [expected(remote) for remote in pair]
        assert peer.silent(0)


def test_hundreds_of_requests_at_once_are_all_answered_in_order(served):
    peer, _ = served
    remotes = [ldns(number) for number in range(2000)]
    lines = [json.dumps(lookup("www.example.com.", "A", remote)) for remote in remotes]
    writer = threading.Thread(target=peer.send, args=("\n".join([*lines, ""]).encode(),))
    writer.start()
    assert [peer.ipv4() for _ in remotes] == [expected(remote) for remote in remotes]
    writer.join()
    assert peer.silent(0.02)


def test_one_byte_in_each_write_makes_one_reply(served):
    peer, _ = served
    for remote in (ldns(1), ldns(2)):
        for byte in json.dumps(lookup("www.example.com.", "A", remote)).encode() + b"\n":
            assert peer.silent(0)
            peer.send(bytes([byte]))
        assert peer.ipv4() == expected(remote)


@pytest.mark.parametrize("first", [False, True], ids=["later", "first"])
def test_a_line_of_a_megabyte_gets_one_reply(sample_database, first):
    with Coprocess(sample_database.path, helo=False) as peer:
        peer.send(b"" if first else json.dumps(INITIALIZE).encode() + b"\n")
        assert first or read(peer.read_line()) == {"result": True}
        for size in (65537, 1 << 20, 3 << 20):
            filler = b'"' + b"x" * size + b'"'
            peer.send(b'  {"method":"lookup","parameters":{"qname":%s}}\n' % filler)
            assert "result" not in read(peer.read_line())
            assert peer.silent(0.02)
        peer.send(json.dumps(lookup("www.example.com.", "A")).encode() + b"\n")
        (row,) = read(peer.read_line())["result"]
        assert row["content"] == expected("192.0.2.10")


def test_a_line_that_never_ends_costs_no_memory(served):
    peer, _ = served
    peer.send(b'{"method":"')
    for _ in range(64):
        peer.send(b"x" * (1 << 20))
    assert_little_memory(peer)
    assert "result" not in peer.say(b"\n")
    assert peer.ipv4(lookup("www.example.com.", "A")) == expected("192.0.2.10")


DEEP = [b"[", b'{"a":', b'[{"a":', b'{"method":"lookup","parameters":', b'["', b"[[],"]


@pytest.mark.parametrize("depth", [100, 1000, 2047, 2048, 2049, 5000, 60000])
def test_deep_nesting_gets_one_reply(served, depth):
    peer, _ = served
    for opening in DEEP:
        inner = opening * (min(depth, 65000 // len(opening)))
        for line in (inner, b'{"method":"initialize","parameters":' + inner):
            assert "result" not in peer.say(line + b"\n")
    inner = b"[" * depth + b"]" * depth
    reply = peer.say(b'{"method":"initialize","parameters":{"a":%s}}\n' % inner)
    assert ("result" in reply) == (depth <= 1000), "jansson reads to a depth of 2048"
    assert peer.ipv4(lookup("www.example.com.", "A")) == expected("192.0.2.10")


def test_the_widest_line_costs_little_memory(served):
    """Every two or three bytes a value, up to the longest line that is read."""
    peer, _ = served
    for value in (b"[],", b"{},", b"0,", b'"",', b'{"":0},'):
        inner = (value * 70000)[: 65000 // len(value) * len(value) - 1]
        assert peer.say(b'{"method":"initialize","parameters":[%s]}\n' % inner) == {"result": True}
    assert_little_memory(peer)


def test_each_reply_is_one_write(sample_database, workspace):
    add_hosts(sample_database, 500)
    sample_database.sql("INSERT INTO pool (name) VALUES ('without-servers');")
    trace = workspace / "trace"
    before = strace(trace, "write,writev,pwrite64,pwritev,sendto,sendmsg")
    requests = [INITIALIZE, lookup("www.example.com."), lookup("nosuch.example.com.")]
    requests += [{"method": "list", "parameters": {"zonename": "example.com.", "domain_id": 1}}]
    requests += [{"method": method} for method in ("getAllDomains", "getDomainKeys", "lookup")]
    requests += [{"method": "directBackendCmd", "parameters": {"query": "status"}}, [], "x"]
    sizes = []
    with Coprocess(sample_database.path, before=before, helo=False) as peer:
        for request in requests:
            peer.send(json.dumps(request).encode() + b"\n")
            sizes.append(len(peer.read_line()) + 1)
        assert peer.close() == 0
    assert max(sizes) > 4096
    assert writes_to_stdout(trace) == sizes


def test_noise_of_every_kind_gets_one_reply_for_each_line(served):
    peer, _ = served
    rng = random.Random(1)
    whole = [json.dumps(lookup("www.example.com.")).encode(), json.dumps(INITIALIZE).encode()]
    words = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u00", b"null", b"true", b"-1"]
    words += [b"1e9", b'"method"', b'"lookup"', b'"parameters"', b"\xff", b"\0", b"HELO\t5", b" "]
    for _ in range(100):
        lines = []
        for _ in range(30):
            line = bytearray(rng.choice(whole))
            for _ in range(rng.choice([0, 1, 1, 3])):
                at = rng.randrange(len(line) + 1)
                line[at : at + rng.choice([0, 0, 1, 20])] = rng.choice(words)
            lines.append(bytes(line) + b"\n")
        peer.send(b"".join(lines))
        for _ in lines:
            assert read(peer.read_line()).keys() in ({"result"}, {"error"}, {"result", "log"})
    assert peer.silent(0.02)
    assert peer.ipv4(lookup("www.example.com.", "A")) == expected("192.0.2.10")


# ---------------------------------------------------------------- both protocols


def without_protocol(made):
    """The pipe protocol has no empty non-terminal, so a type that nobody asks for stands for it."""
    if (made.rdtype, made.content) not in ((EMPTY, ""), ("TYPE65280", "\\# 0")):
        return made
    assert made.rdtype != EMPTY or not made.authoritative, "type 0 would be in proofs"
    return dataclasses.replace(made, rdtype=EMPTY, content="", authoritative=False)


def compare(pipe, peer, name, rdtype, remote, zone_id, ecs):
    """Asks in both protocols; both coprocesses serve the same database.  How many records came."""
    answer = pipe.request(question(name, rdtype, remote, zone_id, ecs))
    reply = peer.say(lookup(name.rstrip(".") + ".", rdtype, remote, zone_id, ecs))
    if answer.failed:
        (row,) = reply["result"]
        with pytest.raises(Refused):  # which in PowerDNS is SERVFAIL
            record(row)
        return 0
    records = [without_protocol(record(row)) for row in reply["result"]]
    assert records == list(map(without_protocol, answer.records)), (name, rdtype, remote)
    return len(records)


@pytest.mark.parametrize("seed", range(4))
def test_a_question_has_one_answer_in_both_protocols(sample_database, seed):
    rng = random.Random(seed)
    names = fill_at_random(sample_database.path, rng)
    seen = 0
    with Coprocess(sample_database.path) as pipe, Peer(sample_database.path) as peer:
        for _ in range(1500):
            name = rng.choice([*names, "www.example.com", "example.com", "nosuch.example.com"])
            rdtype = rng.choice(["ANY", "ANY", "A", "AAAA", "SOA", "NS", "TXT", "MX", "HTTPS"])
            remote = rng.choice(["192.0.2.10", "2001:db8::1", ldns(rng.randrange(1000)), None])
            ecs = rng.choice([None, None, "203.0.113.0/24", "0.0.0.0/0"]) if remote else None
            seen += compare(pipe, peer, name, rdtype, remote, rng.choice([-1, 1, 7]), ecs)
    assert seen > 100


def test_a_site_that_one_protocol_gave_the_other_gives_too(sample_database):
    with Coprocess(sample_database.path) as pipe, Peer(sample_database.path) as peer:
        ways = [
            lambda remote: pipe.ask("www.example.com", "A", remote).ipv4,
            lambda remote: peer.ipv4(lookup("www.example.com.", "A", remote)),
        ]
        for number in range(100):
            first, second = (way(ldns(number)) for way in ways)
            assert first == second == expected(ldns(number))
            ways.reverse()
    assert len(sample_database.mappings("web")) == 100

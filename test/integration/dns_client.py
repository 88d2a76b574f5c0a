"""Questions from thousands of resolvers to a real PowerDNS, over UDP and TCP.

Each carries a PROXY protocol header (version 2): PowerDNS takes the address in it for the
resolver's own.

Question, Reply   what is asked, and what came back
ask(), ask_tcp()  many questions, and the replies to all of them
ask_directly()    one question, from the resolver's own address, without that header
dig()             one question to a resolver on this machine
delv()            one question, and whether the answer is valid by a key
Load              questions without end, in the background
"""

import dataclasses
import functools
import ipaddress
import select
import socket
import struct
import threading
import time

import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype

from processes import SECONDS_MAX, run, wait_until

# Questions from this address need no PROXY header, and must not have one: dig and delv use it.
PLAIN_ADDRESS = "127.0.0.2"


@dataclasses.dataclass(frozen=True)
class Question:
    """What one resolver asks.  ldns None: asked from PLAIN_ADDRESS, with no PROXY header."""

    ldns: str
    name: str
    rdtype: str = "A"
    ecs: str = None  # "198.51.100.0/24"
    dnssec: bool = False


@dataclasses.dataclass
class Reply:
    question: Question
    wire: bytes
    sent: float  # time.monotonic()
    received: float

    @property
    def seconds(self):
        return self.received - self.sent

    @property
    def message(self):
        return _parse(b"\0\0" + self.wire[2:])

    @property
    def rcode(self):
        return dns.rcode.to_text(self.message.rcode())

    @property
    def addresses(self):
        """The A and AAAA records of the answer."""
        return _addresses(b"\0\0" + self.wire[2:])

    @property
    def ipv4(self):
        """The one IPv4 address; None if there is none."""
        (address,) = self.addresses or (None,)
        return address

    @property
    def authority_types(self):
        return sorted(dns.rdatatype.to_text(rrset.rdtype) for rrset in self.message.authority)

    @property
    def answer_texts(self):
        """The records of the answer as "TYPE content", signatures left out."""
        return sorted(
            f"{dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
            for rrset in self.message.answer
            for rdata in rrset
            if rrset.rdtype != dns.rdatatype.RRSIG
        )

    @property
    def ecs_scope(self):
        """How many bits of the client's network the answer is for; None without that option."""
        scopes = [o.scopelen for o in self.message.options if isinstance(o, dns.edns.ECSOption)]
        return scopes[0] if scopes else None


@functools.lru_cache(maxsize=None)
def _parse(wire):
    return dns.message.from_wire(wire)


@functools.lru_cache(maxsize=None)
def _addresses(wire):
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    answer = _parse(wire).answer
    return tuple(sorted(rd.address for rrset in answer if rrset.rdtype in kinds for rd in rrset))


@functools.lru_cache(maxsize=None)
def _question_wire(name, rdtype, ecs, dnssec):
    """The question with ID 0.

    Padded: PowerDNS 4.7 takes a question to be longer than it is, by the PROXY header's length,
    and finds the last octets of what came there.  Of a short question these include the header, and
    the packet cache would tell resolvers apart only because of the harness.
    """
    options = []
    if ecs:
        network, bits = ecs.split("/")
        options = [dns.edns.ECSOption(network, int(bits))]
    message = dns.message.make_query(name, rdtype, id=0, want_dnssec=dnssec)
    message.use_edns(0, message.ednsflags, 1232, options=options, pad=128)
    return message.to_wire()


@functools.lru_cache(maxsize=None)
def _proxy_header(ldns, tcp=False):
    source = ipaddress.ip_address(ldns)
    family = 0x10 if source.version == 4 else 0x20
    destination = ipaddress.ip_address("192.0.2.1" if source.version == 4 else "2001:db8::1")
    block = source.packed + destination.packed + struct.pack("!HH", 53053, 53)
    start = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, family | (1 if tcp else 2)])
    return start + struct.pack("!H", len(block)) + block


def forget_parsed():
    """Empties the caches of this module, which would hold every resolver that ever asked."""
    for cached in (_parse, _addresses, _question_wire, _proxy_header):
        cached.cache_clear()


class LostReply(AssertionError):
    """PowerDNS left a question unanswered."""


class _Line:
    """One UDP socket of the asking side, with an ID for each question under way on it."""

    def __init__(self, server, plain=False):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((PLAIN_ADDRESS if plain else "127.0.0.1", 0))
        self.socket.connect(server.address)
        self.socket.setblocking(False)
        self.waiting = {}  # ID -> (place in the order of questions, question, when sent)
        self.next_id = 0

    def send(self, place, question):
        self.next_id = (self.next_id + 1) & 0xFFFF
        wire = _question_wire(question.name, question.rdtype, question.ecs, question.dnssec)
        header = _proxy_header(question.ldns) if question.ldns else b""
        self.waiting[self.next_id] = (place, question, time.monotonic())
        self.socket.send(header + struct.pack("!H", self.next_id) + wire[2:])

    def receive(self):
        """All replies that have come: (place, Reply)."""
        while True:
            try:
                wire = self.socket.recv(4096)
            except BlockingIOError:
                return
            waiting = self.waiting.pop(struct.unpack_from("!H", wire)[0], None)
            assert waiting, f"a reply to nothing that was asked: {wire.hex()}"
            place, question, sent = waiting
            reply = Reply(question, wire, sent, time.monotonic())
            asked = _question_wire(question.name, question.rdtype, question.ecs, question.dnssec)
            end = asked.index(b"\0", 12) + 5
            assert wire[12:end] == asked[12:end], f"a reply to another question: {reply.message}"
            yield place, reply


def ask(server, questions, window=64, seconds=SECONDS_MAX):
    """Asks over UDP, at most `window` at a time, and returns the replies in the questions' order.

    A question that gets no reply within `seconds` raises LostReply.  Nothing is asked twice.
    """
    proxied = [_Line(server) for _ in range(8)]
    plain = [_Line(server, plain=True)]
    lines = {line.socket.fileno(): line for line in proxied + plain}
    poll = select.poll()
    for descriptor in lines:
        poll.register(descriptor, select.POLLIN)
    source = enumerate(questions)
    replies, under_way, more = {}, 0, True
    try:
        while more or under_way:
            while more and under_way < window:
                place, question = next(source, (None, None))
                if question is None:
                    more = False
                    break
                candidates = proxied if question.ldns else plain
                candidates[place % len(candidates)].send(place, question)
                under_way += 1
            if not under_way:
                break
            ready = poll.poll(seconds * 1000)
            for descriptor, _ in ready:
                for place, reply in lines[descriptor].receive():
                    replies[place] = reply
                    under_way -= 1
            _raise_if_lost(lines.values(), seconds)
    finally:
        for line in lines.values():
            line.socket.close()
    return [replies[place] for place in sorted(replies)]


def _raise_if_lost(lines, seconds):
    """The oldest question of a socket is the first in its dictionary."""
    late = time.monotonic() - seconds
    for line in lines:
        first = next(iter(line.waiting.values()), None)
        if first and first[2] < late:
            raise LostReply(f"no reply within {seconds} s to {first[1]}")


def ask_tcp(server, questions, seconds=SECONDS_MAX):
    """The same over TCP, one connection per run of questions from the same resolver."""
    replies, connection, whose = [], None, object()
    for question in questions:
        if question.ldns != whose:
            if connection:
                connection.close()
            address = "127.0.0.1" if question.ldns else PLAIN_ADDRESS
            connection = socket.create_connection(server.address, seconds, (address, 0))
            connection.sendall(_proxy_header(question.ldns, tcp=True) if question.ldns else b"")
            whose = question.ldns
        wire = _question_wire(question.name, question.rdtype, question.ecs, question.dnssec)
        sent = time.monotonic()
        connection.sendall(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", _read_exactly(connection, 2))
        wire = _read_exactly(connection, length)
        replies.append(Reply(question, wire, sent, time.monotonic()))
    if connection:
        connection.close()
    return replies


def ask_directly(server, question, seconds=SECONDS_MAX):
    """The reply of a server, (address, port), over UDP.  The address of the resolver is one that the
    network of this thread has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.bind((question.ldns, 0))
        client.connect(server)
        sent = time.monotonic()
        client.send(_question_wire(question.name, question.rdtype, question.ecs, question.dnssec))
        return Reply(question, client.recv(4096), sent, time.monotonic())


def _read_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise LostReply("PowerDNS closed the connection without an answer")
        data += piece
    return data


def dig(port, name, rdtype):
    """What a resolver answers, which listens on 127.0.0.1: the rcode, the records as "TYPE content"
    without signatures, and whether it calls them secure (AD)."""
    argv = ["dig", "@127.0.0.1", "-p", str(port), "+tries=10"]  # of 5 s, as resolvers may drop one
    lines = run([*argv, "+noall", "+answer", "+comments", name, rdtype]).stdout.splitlines()
    (status,) = [line.split("status: ")[1].split(",")[0] for line in lines if "status: " in line]
    (flags,) = [line.split("flags: ")[1].split(";")[0] for line in lines if ";; flags: " in line]
    records = [line.split(None, 4)[3:] for line in lines if line and line[0] != ";"]
    return status, sorted(" ".join(record) for record in records), "ad" in flags.split()


def delv(port, anchors, name, rdtype, *options):
    """What delv finds, and the records of the answer as "TYPE content" without signatures.

    anchors: of example.com, in a file.  delv waits some seconds for a server, which on a busy
    machine may need more, and is then asked again.
    """
    argv = ["delv", *options, "-p", str(port), "-a", str(anchors), "+root=example.com", "+nosplit",
            name, rdtype]  # fmt: skip
    end = time.monotonic() + SECONDS_MAX
    while True:
        result = run(argv)
        verdict, *lines = result.stdout.splitlines() or [result.stderr]
        if "timed out" not in verdict or time.monotonic() > end:
            break
    records = [line.split(None, 4)[3:] for line in lines if line.strip() and line[0] != ";"]
    return verdict, sorted(f"{kind} {content}" for kind, content in records if kind != "RRSIG")


class Load(threading.Thread):
    """Questions without end, in the background, until the `with` block is left.

    make_question(n) gives the n-th.  The block begins when hundreds have their replies.  Afterwards
    .replies has every one of them.
    """

    BEGUN = 500

    def __init__(self, server, make_question, window=32):
        super().__init__(daemon=True)
        self.server, self.make_question, self.window = server, make_question, window
        self.replies, self.error = [], None
        self.asked = 0
        self.leaving = threading.Event()

    def _questions(self):
        while not self.leaving.is_set():
            yield self.make_question(self.asked)
            self.asked += 1

    def run(self):
        try:
            self.replies = ask(self.server, self._questions(), self.window)
        except BaseException as error:  # raised again where the test sees it
            self.error = error

    def __enter__(self):
        self.start()
        self.until_answered(self.BEGUN)
        return self

    def until_answered(self, count):
        """Returns when so many questions have their replies."""
        # No more than `window` are under way.
        enough = count + self.window
        wait_until(lambda: self.asked > enough or self.error, SECONDS_MAX, f"{count} replies")

    def __exit__(self, kind, value, trace):
        self.leaving.set()
        self.join()
        if self.error and not kind:
            raise self.error

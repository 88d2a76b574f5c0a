"""Health checks of real targets on loopback: each check is run by the program test/monitor/probe."""

import os
import socket
import ssl
import struct
import subprocess
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

import versions
from processes import REPOSITORY, SECONDS_MAX, group_members, wait_until
from targets import (
    LOOPBACK,
    Certificates,
    DnsTarget,
    Endless,
    Target,
    answering,
    behind_tls,
    head_of,
    page,
    reset,
    saying,
    stay,
    until_closed,
)

PROGRAM = (
    Path(os.environ.get("PDNS_STICKY") or REPOSITORY / "build" / "pdns-sticky").absolute().parent
    / "probe"
)

# What the content of an answer is searched for is bounded; more than that fits into the buffers of
# two sockets.
CONTENT_MAX = 65536
BUFFERS_MAX = 16 << 20


class Result:
    """What the program printed: the reason and the time of one check, or counts of many.

    run_ms: how long the program ran.
    """

    def __init__(self, said, run_ms):
        self.run_ms = run_ms
        lines = said.splitlines()
        self.cannot = lines[0].removeprefix("cannot: ") if lines[0].startswith("cannot: ") else None
        rows = [line.split() for line in lines[1 if self.cannot else 0 :]]
        self.counts = {row[0]: float(row[1]) for row in rows}
        self.reason = rows[0][0]
        self.rtt_ms = float(rows[0][1])


def command(**keys):
    keys = {"address": LOOPBACK, "timeout": 10} | keys
    return [PROGRAM, *(f"{key}={value}" for key, value in keys.items())]


def within(reason):
    """The timeout of a check that is to end so: short where the test has to wait for it."""
    return {"timeout": 1} if reason == "timeout" else {}


def result_of(argv, **options):
    begin = time.monotonic()
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, **options
    )
    if "unshare" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return Result(done.stdout, 1000 * (time.monotonic() - begin))


def check(environment=None, **keys):
    """Runs one check and returns its Result."""
    return result_of(command(**keys), env=environment)


def check_at(target, **keys):
    return check(address=getattr(target, "address", LOOPBACK), port=target.port, **keys)


# TCP


def test_tcp_target_goes_down_and_comes_back():
    with Target(stay) as target:
        reasons = [check_at(target, type="tcp").reason]
        target.down()
        reasons.append(check_at(target, type="tcp").reason)
        target.up()
        reasons.append(check_at(target, type="tcp").reason)
    assert reasons == ["ok", "refused", "ok"]


def test_tcp_over_ipv6():
    with Target(saying(b"hello"), address="::1") as target:
        assert check_at(target, type="tcp", expect="hello").reason == "ok"


TCP_ROWS = {
    "one piece": (saying(b"+OK ready\r\n"), r"^\+OK", "ok"),
    "byte by byte": (saying(*(bytes([c]) for c in b"+OK ready")), "ready", "ok"),
    "too slow": (saying(*(bytes([c]) for c in b"+OK ready"), pause_s=0.3), "ready", "timeout"),
    "something else": (saying(b"-ERR\r\n"), r"^\+OK", "timeout"),
    "something else, and the end": (saying(b"-ERR", then=lambda _: None), r"^\+OK", "content"),
    "the end": (saying(then=lambda _: None), r"^\+OK", "closed"),
    "a reset": (saying(then=reset), r"^\+OK", "closed"),
    "NUL bytes": (saying(b"\0\0+OK\0"), r"\+OK", "ok"),
    "a long way to it": (saying(b"-" * (CONTENT_MAX - 3) + b"+OK"), r"\+OK", "ok"),
    "too long a way to it": (saying(b"-" * (CONTENT_MAX - 2) + b"+OK"), r"\+OK", "content"),
    "the last bytes of a long line": (saying(b"-" * 5000, b"+OK"), r"\+OK", "ok"),
}


@pytest.mark.parametrize("row", TCP_ROWS)
def test_tcp_answer(row):
    serve, expect, reason = TCP_ROWS[row]
    with Target(serve) as target:
        # What came last may be searched only when the time is over.
        limit = {"timeout": 3} if row.startswith("the last bytes") else within(reason)
        result = check_at(target, type="tcp", expect=expect, **limit)
        assert result.reason == reason


def test_tcp_answer_without_end_is_not_read_on():
    endless = Endless(b"", b"x" * CONTENT_MAX)

    def serve(connection):
        connection.sendall(b"\r\n\r\n")
        while True:
            connection.sendall(endless.block)
            endless.sent += len(endless.block)

    with Target(serve) as target:
        assert check_at(target, type="tcp", expect="never").reason == "content"
    assert endless.sent < BUFFERS_MAX


def test_tcp_bytes_are_sent():
    heard = []

    def serve(connection):
        heard.append(connection.recv(100))
        connection.sendall(b"\x80+")

    with Target(serve) as target:
        assert check_at(target, type="tcp", send="\\x00PING\\r\\n\\\\", expect=r"\+").reason == "ok"
    assert heard == [b"\0PING\r\n\\"]


@pytest.mark.parametrize("keys, how", [({}, "end"), ({"expect": "never", "timeout": 1}, "reset")])
def test_tcp_ends_softly_when_well_and_hard_when_not(keys, how):
    ends = []

    def serve(connection):
        try:
            until_closed(connection)
            ends.append("end")
        except ConnectionResetError:
            ends.append("reset")

    with Target(serve) as target:
        check_at(target, type="tcp", **keys)
        wait_until(lambda: ends == [how], SECONDS_MAX, how)


class Dialogue:
    """A server of lines: greets, answers each line that it knows, keeps what it has heard."""

    def __init__(self, greeting, answers, pause_s=0):
        self.greeting, self.answers, self.pause_s = greeting, answers, pause_s
        self.heard = []

    def say(self, connection, text):
        """In single octets, if there is a pause between them."""
        for piece in [text] if not self.pause_s else [bytes([c]) for c in text]:
            time.sleep(self.pause_s)
            connection.sendall(piece)

    def __call__(self, connection):
        self.say(connection, self.greeting)
        rest = b""
        connection.settimeout(SECONDS_MAX)
        while part := connection.recv(4096):
            *lines, rest = (rest + part).split(b"\r\n")
            for line in lines:
                self.heard.append(line)
                self.say(connection, self.answers.get(line, b""))


EHLO = b"250-mail.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n"
MAIL = {b"EHLO ns1": EHLO, b"QUIT": b"221 bye\r\n"}
GREETING = b"220 mail.example.com ESMTP\r\n"
POLITE = ("expect ^220 ", r"send EHLO ns1\r\n", "expect ^250 ", r"send QUIT\r\n", "expect ^221 ")

STEPS_ROWS = {
    "greeting, EHLO and QUIT": (GREETING, MAIL, POLITE, "ok", [b"EHLO ns1", b"QUIT"]),
    "it greets in another way": (b"554 no\r\n", MAIL, POLITE, "timeout", []),
    "EHLO is refused": (GREETING, {b"EHLO ns1": b"502 no\r\n"}, POLITE, "timeout", [b"EHLO ns1"]),
    "two answers come at once": (b"one\r\ntwo\r\n", {}, ("expect one", "expect ^two"), "ok", []),
    "what was matched is not matched again": (b"one\r\n", {}, ("expect one", "expect one"),
                                              "timeout", []),
    "the other way round": (b"one\r\ntwo\r\n", {}, ("expect two", "expect one"), "timeout", []),
    "two in a row are sent": (GREETING, MAIL, ("send a", r"send b\r\n", "expect ^220"), "ok",
                              [b"ab"]),
    "the last one is sent": (GREETING, MAIL, ("expect .", r"send QUIT\r\n"), "ok", [b"QUIT"]),
    "one alone": (GREETING, MAIL, ("expect ESMTP",), "ok", []),
}


@pytest.mark.parametrize("row", STEPS_ROWS)
def test_tcp_steps(row):
    greeting, answers, steps, reason, heard = STEPS_ROWS[row]
    dialogue = Dialogue(greeting, answers)
    with Target(dialogue) as target:
        result = check_at(target, type="tcp", steps="\n".join(steps) + "\n", **within(reason))
        assert result.reason == reason
        wait_until(lambda: dialogue.heard == heard, SECONDS_MAX, f"{heard}: {dialogue.heard}")


def test_tcp_steps_that_are_answered_in_single_octets():
    with Target(Dialogue(GREETING, MAIL, pause_s=0.002)) as target:
        assert check_at(target, type="tcp", steps="\n".join(POLITE)).reason == "ok"


@pytest.mark.parametrize(
    "serve, reason",
    [
        (saying(GREETING, then=lambda _: None), "closed"),
        (saying(GREETING + b"rest", then=lambda _: None), "content"),
        (saying(GREETING, then=reset), "closed"),
        (saying(GREETING + b"-" * CONTENT_MAX), "content"),
    ],
)
def test_tcp_steps_that_come_to_no_end(serve, reason):
    with Target(serve) as target:
        assert check_at(target, type="tcp", steps="expect ESMTP\\r\\n\nexpect x").reason == reason


# PROXY

TCP4, TCP6 = b"\x21\x11\0\x0c", b"\x21\x21\0\x24"


class Behind:
    """A server behind a load balancer: takes a PROXY header first, and keeps it and its peer."""

    def __init__(self, serve):
        self.serve = serve
        self.header = self.ends = None

    def take_line(self, connection):
        line = b""
        while not line.endswith(b"\r\n"):
            line += connection.recv(1)
        return line

    def __call__(self, connection):
        first = connection.recv(1, socket.MSG_PEEK)
        if first == b"P":
            self.header = self.take_line(connection)
        else:
            head = connection.recv(16, socket.MSG_WAITALL)
            self.header = head + connection.recv(int.from_bytes(head[14:]), socket.MSG_WAITALL)
        self.ends = connection.getpeername()[:2], connection.getsockname()[:2]
        self.serve(connection)

    def text(self):
        """Version 1, as it should be."""
        (source, from_port), (target, to_port) = self.ends
        family = 6 if ":" in source else 4
        return f"PROXY TCP{family} {source} {target} {from_port} {to_port}\r\n".encode()

    def binary(self):
        """Version 2, as it should be."""
        (source, from_port), (target, to_port) = self.ends
        family, head = (socket.AF_INET6, TCP6) if ":" in source else (socket.AF_INET, TCP4)
        addresses = socket.inet_pton(family, source) + socket.inet_pton(family, target)
        ports = struct.pack("!HH", from_port, to_port)
        return b"\r\n\r\n\0\r\nQUIT\n" + head + addresses + ports


@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
@pytest.mark.parametrize("version", [1, 2])
def test_tcp_proxy_header(version, address):
    behind = Behind(saying(b"hello"))
    with Target(behind, address) as target:
        assert check_at(target, type="tcp", proxy=version, expect="hello").reason == "ok"
    assert behind.header == (behind.text() if version == 1 else behind.binary())


@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
def test_http_proxy_header(address):
    behind = Behind(answering(page(b"well")))
    with Target(behind, address) as target:
        assert check_at(target, type="http", proxy=1, body="well").reason == "ok"
    assert behind.header == behind.text()


def test_proxy_header_goes_ahead_of_tls(certificates):
    certificate = certificates.signed("proxied", "IP:127.0.0.1")
    for kind, serve, keys in [
        ("https", answering(page()), {"proxy": 1}),
        ("tcp", saying(b"hello"), {"proxy": 1, "tls": 1, "expect": "hello"}),
        ("tcp", saying(b"hello"), {"proxy": 2, "tls": 1, "expect": "hello"}),
    ]:
        behind = Behind(behind_tls(serve, certificate))
        with Target(behind) as target:
            result = check_at(target, type=kind, ca_file=certificates.authority, **keys)
            assert result.reason == "ok", (kind, keys)
        assert behind.header in (behind.text(), behind.binary())


def test_http_with_the_binary_header_is_refused():
    result = check(type="http", port=99, proxy=2)
    assert (result.cannot, result.reason) == ("proxy 2 is not possible for http: use 1", "internal")


# Source address


@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_source_address(kind):
    seen = []

    def serve(connection):
        seen.append(connection.getpeername()[0])
        answering(page())(connection)

    with Target(serve) as target:
        assert check_at(target, type=kind, source="127.0.0.77").reason == "ok"
        wait_until(lambda: seen == ["127.0.0.77"], SECONDS_MAX, "a connection")


def test_source_address_of_a_question():
    with DnsTarget(lambda q: [reply(q)]) as target:
        result = check_at(target, type="dns", host="www.example.com", source="127.0.0.77")
        assert result.reason == "ok"
        assert target.sources == ["127.0.0.77"]


@pytest.mark.parametrize("kind", ["tcp", "http", "dns", "icmp"])
def test_source_address_that_is_somebody_elses(kind):
    keys = {} if kind == "icmp" else {"port": 99}
    keys |= {"host": "example.com"} if kind == "dns" else {}
    result = check(type=kind, source="198.51.100.77", **keys)
    assert result.reason == "internal"
    if kind != "icmp" or "ICMP" not in result.cannot:
        assert result.cannot == ("it is not possible to check from 198.51.100.77:"
                                 " Cannot assign requested address")


# Another host, for the commands that begin with $there, and a link to it.
ANOTHER_HOST = """
echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range
unshare -n sleep 60 &
other=$!
trap 'kill $other' EXIT
there="nsenter -t $other -n"
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add here address 02:00:00:00:00:01 type veth peer name there address 02:00:00:00:00:02 \\
    netns $other
"""

# The target answers only who asks from the second address of this machine.
SOURCES = ANOTHER_HOST + """
for address in 198.18.0.1/24 198.18.0.9/24; do ip addr add $address dev here; done
for address in 2001:db8::1/64 2001:db8::9/64; do ip addr add $address dev here nodad; done
ip link set here up
$there ip addr add 198.18.0.2/24 dev there
$there ip addr add 2001:db8::2/64 dev there nodad
$there ip link set there up
ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev here
$there ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:01 dev there
$there ip route add blackhole 198.18.0.1/32
$there ip route add blackhole 2001:db8::1/128
"""


@pytest.mark.parametrize(
    "address, source, other",
    [("198.18.0.2", "198.18.0.9", "198.18.0.1"), ("2001:db8::2", "2001:db8::9", "2001:db8::1")],
)
def test_source_address_of_a_ping(address, source, other):
    assert in_namespace(SOURCES, type="icmp", address=address, source=source).reason == "ok"
    keys = {"type": "icmp", "address": address, "source": other, "timeout": 1}
    assert in_namespace(SOURCES, **keys).reason == "timeout"


# Networks


def in_namespace(script, **keys):
    """Runs a check in a network of its own, in which `script` was run before."""
    line = " ".join(f"'{word}'" for word in command(**keys))
    return result_of(["unshare", "-n", "sh", "-ec", f"ip link set lo up\n{script}\n{line}"])


def test_tcp_connection_with_itself_is_no_answer():
    """With so few ports to choose from, every second one is connected with itself."""
    script = "echo '40000 40001' >/proc/sys/net/ipv4/ip_local_port_range"
    result = in_namespace(script, type="tcp", port=40000, count=200)
    assert set(result.counts) <= {"refused", "internal", "cpu_us"} and result.counts["refused"] > 0


# What goes to 198.18.0.2 is dropped: nobody in this network has that address.
NETWORK = """
ip addr add 198.18.0.1/32 dev lo
ip route add 198.18.0.0/24 dev lo
ip route add unreachable 198.18.1.0/24
echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range
"""

NETWORK_ROWS = [
    ("tcp", "198.18.0.2", "timeout"),
    ("tcp", "198.18.1.2", "unreachable"),
    ("tcp", "203.0.113.1", "unreachable"),
    ("tcp", "2001:db8::1", "unreachable"),
    ("http", "198.18.0.2", "timeout"),
    ("http", "198.18.1.2", "unreachable"),
    ("http", "2001:db8::1", "unreachable"),
    ("dns", "198.18.0.2", "timeout"),
    ("dns", "198.18.1.2", "unreachable"),
    ("icmp", "127.0.0.1", "ok"),
    ("icmp", "::1", "ok"),
    ("icmp", "198.18.0.1", "ok"),
    ("icmp", "198.18.0.2", "timeout"),
    ("icmp", "198.18.1.2", "unreachable"),
    ("icmp", "2001:db8::1", "unreachable"),
]


def check_network(script, kind, address, reason, **keys):
    """The result of a check in a network, which has to end for that reason."""
    if kind != "icmp":
        keys |= {"port": 99, "host": "example.com"}
    result = in_namespace(script, type=kind, address=address, **within(reason), **keys)
    assert result.cannot is None
    assert result.reason == reason
    return result


@pytest.mark.parametrize("kind, address, reason", NETWORK_ROWS)
def test_network(kind, address, reason):
    result = check_network(NETWORK, kind, address, reason)
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms


# Another host is the router. Where it has no way to go, it says so. The two need not find each
# other first, which may take longer than a check.
ROUTED = ANOTHER_HOST + """
ip addr add 198.18.0.1/24 dev here
ip addr add 2001:db8::1/64 dev here nodad
ip link set here up
$there ip addr add 198.18.0.2/24 dev there
$there ip addr add 2001:db8::2/64 dev there nodad
$there ip link set there up
$there sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev here
$there ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev there
ip route add default via 198.18.0.2
ip route add default via 2001:db8::2
for kind in unreachable prohibit blackhole; do
    case $kind in unreachable) n=1 ;; prohibit) n=2 ;; blackhole) n=3 ;; esac
    $there ip route add $kind 198.18.$n.0/24
    $there ip route add $kind 2001:db8:$n::/48
done
"""

ROUTED_ROWS = [
    ("icmp", "198.18.0.2", "ok"),
    ("icmp", "198.18.1.1", "unreachable"),
    ("icmp", "198.18.2.1", "unreachable"),
    ("icmp", "198.18.3.1", "timeout"),
    ("icmp", "2001:db8::2", "ok"),
    ("icmp", "2001:db8:1::1", "unreachable"),
    ("icmp", "2001:db8:2::1", "unreachable"),
    ("icmp", "2001:db8:3::1", "timeout"),
    ("tcp", "198.18.1.1", "unreachable"),
    ("tcp", "198.18.2.1", "unreachable"),
    ("tcp", "2001:db8:1::1", "unreachable"),
    ("tcp", "2001:db8:2::1", "unreachable"),
    ("http", "2001:db8:2::1", "unreachable"),
    ("dns", "2001:db8:2::1", "unreachable"),
]


@pytest.mark.parametrize("kind, address, reason", ROUTED_ROWS)
def test_what_a_router_says(kind, address, reason):
    """Here it says so before connect() is over, and is heard the next time, within two seconds."""
    check_network(ROUTED, kind, address, reason)


@pytest.mark.parametrize(
    "good, bad", [("198.18.0.2", "198.18.1.1"), ("2001:db8::2", "2001:db8:1::1")]
)
def test_icmp_what_is_said_of_one_target_is_not_meant_for_another(good, bad):
    """A router says only so much in a second; of what it doesn't say, the time runs out."""
    keys = {"address": good, "other": bad, "count": 60, "at_once": 30}
    counts = in_namespace(ROUTED, type="icmp", **keys).counts
    assert counts["ok"] == 30
    assert counts["unreachable"] > 0
    assert counts["unreachable"] + counts.get("timeout", 0) == 30


def test_icmp_many_at_once():
    result = in_namespace(NETWORK, type="icmp", count=20000, at_once=300)
    assert result.counts["ok"] == 20000


def test_icmp_without_the_right():
    script = "echo '1 0' >/proc/sys/net/ipv4/ping_group_range"
    result = in_namespace(script, type="icmp")
    assert result.cannot.startswith("no group of this process may send ICMP; sysctl -w ")
    assert result.reason == "internal"


# HTTP


def redirecting(connection):
    head_of(connection)
    connection.sendall(page(b"", "302 Found", "Location: /elsewhere"))
    until_closed(connection)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNBOUNDED = b"HTTP/1.1 200 OK\r\n\r\n"

HTTP_ROWS = {
    "a page": (answering(page(b"all is well")), {}, "ok"),
    "a page that matches": (answering(page(b"all is well")), {"body": "well$"}, "ok"),
    "a page that does not": (answering(page(b"all is bad")), {"body": "well$"}, "content"),
    "an empty page": (answering(page()), {"body": "well"}, "content"),
    "an empty page is looked for": (answering(page()), {"body": "^$"}, "ok"),
    "in pieces": (answering(*(bytes([c]) for c in page(b"well"))), {"body": "well"}, "ok"),
    "in chunks": (
        answering(CHUNKED, b"2\r\nwe\r\n", b"2\r\nll\r\n0\r\n\r\n"),
        {"body": "^well$"},
        "ok",
    ),
    "to the end": (answering(UNBOUNDED + b"well", then=lambda _: None), {"body": "^well$"}, "ok"),
    "404": (answering(page(b"", "404 Not Found")), {}, "status"),
    "404 is wanted": (answering(page(b"", "404 Not Found")), {"status_max": 404}, "ok"),
    "200 is not": (answering(page()), {"status_min": 300}, "status"),
    "a status goes before the body": (
        answering(page(b"well", "500 Oops")),
        {"body": "well"},
        "status",
    ),
    "a redirect": (redirecting, {}, "ok"),
    "a redirect is no page": (redirecting, {"status_max": 299}, "status"),
    "early hints": (answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + page()), {}, "ok"),
    "HTTP/1.0": (answering(b"HTTP/1.0 200 OK\r\n\r\n"), {}, "ok"),
    "headers alone": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), {}, "ok"),
    "a page that does not come": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        {"body": "x"},
        "timeout",
    ),
    "a page that is cut off": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", then=lambda _: None),
        {"body": "x"},
        "closed",
    ),
    "a page that is reset": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", b"c", then=reset),
        {"body": "x"},
        "closed",
    ),
    "a stream that matches": (answering(UNBOUNDED + b"well", b"and so on"), {"body": "well"}, "ok"),
    "silence": (stay, {}, "timeout"),
    "an end": (answering(then=lambda _: None), {}, "closed"),
    "an end before the question": (lambda _: None, {}, "closed"),
    "a reset": (answering(then=reset), {}, "closed"),
    "half a status line": (answering(b"HTTP/1.1 20"), {}, "timeout"),
    "half the headers": (answering(b"HTTP/1.1 200 OK\r\nDate: "), {}, "timeout"),
    "headers byte by byte": (
        answering(*(bytes([c]) for c in page()), pause_s=0.2),
        {},
        "timeout",
    ),
    "garbage": (answering(b"\0\1\2\3garbage\r\n\r\n" * 9), {}, "protocol"),
    "another protocol": (saying(b"220 mail.example.com ESMTP\r\n"), {}, "protocol"),
    "HTTP/0.9": (answering(b"<html>well</html>", then=lambda _: None), {"body": "w"}, "protocol"),
    "HTTP/9.9": (answering(b"HTTP/9.9 200 OK\r\n\r\n", then=lambda _: None), {}, "protocol"),
    "bad chunks": (answering(CHUNKED, b"zz\r\nwell\r\n"), {"body": "x"}, "protocol"),
    "too long a chunk": (answering(CHUNKED, b"f" * 30 + b"\r\n"), {"body": "x"}, "protocol"),
    "found where nobody looks": (
        answering(page(b"-" * CONTENT_MAX + b"well")),
        {"body": "well"},
        "content",
    ),
    "found at the edge": (
        answering(page(b"-" * (CONTENT_MAX - 4) + b"well" + b"-" * 100)),
        {"body": "well"},
        "ok",
    ),
}


@pytest.mark.parametrize("row", HTTP_ROWS)
def test_http(row):
    serve, keys, reason = HTTP_ROWS[row]
    with Target(serve) as target:
        result = check_at(target, type="http", **within(reason), **keys)
        assert target.seen == 1
    assert result.reason == reason
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms


ENDLESS_ROWS = {
    "a body": (UNBOUNDED, b"x" * 65536, {"body": "never"}, "content"),
    "a body in chunks": (CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n", {"body": "y"}, "content"),
    "a body that nobody looks at": (UNBOUNDED, b"x" * 65536, {}, "ok"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000, {}, "protocol"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536, {}, "protocol"),
    "a status line": (b"HTTP/1.1 200 ", b"x" * 65536, {}, "protocol"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, {}, "protocol"),
    "trailers": (CHUNKED + b"0\r\n", b"X-More: and more\r\n" * 1000, {"body": "y"}, "protocol"),
}


@pytest.mark.parametrize("row", ENDLESS_ROWS)
def test_http_without_end_is_not_read_on(row):
    beginning, block, keys, reason = ENDLESS_ROWS[row]
    endless = Endless(beginning, block)
    with Target(endless) as target:
        assert check_at(target, type="http", **keys).reason == reason
    assert endless.sent < BUFFERS_MAX


class Asked:
    """Keeps the head of the request, and answers."""

    def __init__(self):
        self.head = b""

    def __call__(self, connection):
        self.head = head_of(connection)
        connection.sendall(page())

    @property
    def lines(self):
        return self.head.decode().split("\r\n")


def test_http_request_is_what_the_columns_say():
    asked = Asked()
    with Target(asked) as target:
        check_at(target, type="http", host="www.example.com", path="/a/../b//c?x=%20&y#z")
    assert asked.lines[0] == "GET /a/../b//c?x=%20&y#z HTTP/1.1"
    assert sorted(line.split(":")[0] for line in asked.lines[1:-2]) == [
        "Accept",
        "Host",
        "User-Agent",
    ]
    assert "Host: www.example.com" in asked.lines
    version = subprocess.run(
        [PROGRAM.parent / "pdns-sticky", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    assert f"User-Agent: pdns-sticky/{version}" in asked.lines


def test_http_headers_are_added_or_replace_those_of_ours():
    asked = Asked()
    lines = ["Authorization: Bearer a:b\\\"", "accept: text/html", "User-Agent: me", "X-Empty:  -"]
    with Target(asked) as target:
        result = check_at(target, type="http", headers="\n".join(lines), host="www.example.com")
        assert result.reason == "ok"
    assert asked.lines[0] == "GET / HTTP/1.1"
    assert sorted(asked.lines[1:-2]) == sorted([*lines, "Host: www.example.com"])


def test_http_head_asks_for_the_headers_alone():
    """A page that is not read is closed early, and then the server gets a reset."""
    ends = []

    def serve(connection):
        head = head_of(connection)
        try:
            connection.sendall(page(b"x" * (4 << 20)) if head.startswith(b"GET") else page())
            until_closed(connection)
            ends.append((head.split()[0], "end"))
        except OSError as error:
            ends.append((head.split()[0], type(error).__name__))

    with Target(serve) as target:
        assert check_at(target, type="http", http_method="HEAD").reason == "ok"
        wait_until(lambda: ends == [(b"HEAD", "end")], SECONDS_MAX, f"an end: {ends}")
        assert check_at(target, type="http").reason == "ok"
        wait_until(lambda: len(ends) == 2, SECONDS_MAX, "another end")
        assert ends[1][1] in ("ConnectionResetError", "BrokenPipeError")


@pytest.mark.parametrize("status, reason", [("200 OK", "ok"), ("503 Busy", "status")])
def test_http_head_goes_by_the_status_and_waits_for_no_body(status, reason):
    head = page(b"x" * 100, status).removesuffix(b"x" * 100)
    with Target(answering(head)) as target:
        assert check_at(target, type="http", http_method="HEAD").reason == reason


@pytest.mark.parametrize(
    "address, keys, host",
    [
        (LOOPBACK, {}, "127.0.0.1:{port}"),
        ("::1", {}, "[::1]:{port}"),
        (LOOPBACK, {"host": "www.example.com:8080"}, "www.example.com:8080"),
        ("::1", {"host": "198.51.100.1"}, "198.51.100.1"),
    ],
)
def test_http_host(address, keys, host):
    asked = Asked()
    with Target(asked, address) as target:
        assert check_at(target, type="http", **keys).reason == "ok"
        assert f"Host: {host.format(port=target.port)}" in asked.lines


def test_http_takes_nothing_from_its_surroundings(tmp_path):
    (tmp_path / ".netrc").write_text("default login somebody password secret\n")
    (tmp_path / ".curlrc").write_text("user-agent = somebody\n")
    asked = Asked()
    with Target(asked) as target, Target(stay) as proxy:
        address = f"http://{LOOPBACK}:{proxy.port}"
        names = ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")
        environment = {"HOME": str(tmp_path)} | {name: address for name in names}
        result = check_at(target, type="http", host="www.example.com", environment=environment)
        assert result.reason == "ok"
        assert proxy.seen == 0
    assert "Authorization" not in asked.head.decode()


def test_http_rtt_is_the_time_to_the_first_byte():
    def serve(connection):
        head_of(connection)
        time.sleep(0.2)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        time.sleep(2)
        connection.sendall(b"\r\n")

    with Target(serve) as target:
        result = check_at(target, type="http")
    assert result.reason == "ok"
    assert 200 <= result.rtt_ms < 2000


def test_http_never_asks_for_a_name_and_starts_no_thread(tmp_path):
    with Target(answering(page())) as target:
        log = tmp_path / "trace"
        keys = {"port": target.port, "type": "http", "host": "www.example.com"}
        words = ["strace", "-f", "-o", log, "-e", "trace=clone,clone3,vfork,connect,openat"]
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}  # which strace excludes
        subprocess.run([*words, *command(**keys)], check=True, capture_output=True, env=environment)
    calls = log.read_text()
    assert calls.count("connect(") == 1, calls
    assert "clone" not in calls and "vfork" not in calls, calls
    assert "/etc/hosts" not in calls and "nsswitch" not in calls, calls


# HTTPS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def check_tls(certificates, target, **keys):
    return check_at(target, type="https", ca_file=certificates.authority, **keys)


CERTIFICATE_ROWS = {
    "the right name": ("DNS:www.example.com", {}, {"host": "www.example.com"}, "ok"),
    "a name and a port": ("DNS:www.example.com", {}, {"host": "www.example.com:8443"}, "ok"),
    "another name": ("DNS:www.example.net", {}, {"host": "www.example.com"}, "wrong-name"),
    "the address": ("IP:127.0.0.1", {}, {}, "ok"),
    "another address": ("IP:127.0.0.2", {}, {}, "wrong-name"),
    "a name, and none is asked for": ("DNS:www.example.com", {}, {}, "wrong-name"),
    "expired": (
        "DNS:www.example.com",
        {"end": "20210101000000Z"},
        {"host": "www.example.com"},
        "expired",
    ),
    "of the future": (
        "DNS:www.example.com",
        {"begin": "20900101000000Z"},
        {"host": "www.example.com"},
        "expired",
    ),
}


@pytest.mark.parametrize("verify", [1, 0])
@pytest.mark.parametrize("row", CERTIFICATE_ROWS)
def test_https_certificate(certificates, row, verify):
    subject, dates, keys, reason = CERTIFICATE_ROWS[row]
    certificate = certificates.signed(f"{list(CERTIFICATE_ROWS).index(row)}{verify}", subject, **dates)
    with Target(behind_tls(answering(page(b"well")), certificate)) as target:
        result = check_tls(certificates, target, body="well", verify=verify, **keys)
    assert result.reason == (reason if verify else "ok")


@pytest.mark.parametrize("verify, reason", [(1, "untrusted"), (0, "ok")])
def test_https_with_a_certificate_that_nobody_signed(certificates, verify, reason):
    certificate = certificates.self_signed(f"self{verify}", "DNS:www.example.com")
    with Target(behind_tls(answering(page()), certificate)) as target:
        result = check_tls(certificates, target, host="www.example.com", verify=verify)
    assert result.reason == reason


def test_https_trusts_the_system_if_nobody_else(certificates):
    certificate = certificates.signed("system", "DNS:www.example.com")
    with Target(behind_tls(answering(page()), certificate)) as target:
        assert check_at(target, type="https", host="www.example.com").reason == "untrusted"


def test_https_without_the_file_of_certificates(certificates):
    with Target(stay) as target:
        result = check_at(target, type="https", ca_file="/nowhere/ca.pem")
        assert result.cannot.startswith(
            "/nowhere/ca.pem: certificates cannot be read: No such file or directory"
        )
        assert result.reason == "internal"


TLS_ROWS = {
    "plain text": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9), "no-tls"),
    "garbage": (saying(bytes(range(256))), "no-tls"),
    "an alert": (saying(bytes.fromhex("15030300020228"), then=lambda _: None), "tls"),
    "silence": (stay, "timeout"),
    "an end": (lambda _: None, "tls"),
}


@pytest.mark.parametrize("row", TLS_ROWS)
def test_https_with_bad_tls(certificates, row):
    serve, reason = TLS_ROWS[row]
    with Target(serve) as target:
        assert check_tls(certificates, target, **within(reason)).reason == reason


def test_https_server_name_is_the_host(certificates):
    names = []
    certificate = certificates.signed("named", "DNS:www.example.com")
    def serve(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _, name, __: names.append(name)
        with context.wrap_socket(connection, server_side=True) as wrapped:
            answering(page())(wrapped)

    with Target(serve) as target:
        check_tls(certificates, target, host="www.example.com")
        check_tls(certificates, target, verify=0)
    assert names == ["www.example.com", None]


# TLS over TCP


def check_tcp_tls(certificates, target, **keys):
    return check_at(target, type="tcp", tls=1, ca_file=certificates.authority, **keys)


@pytest.mark.parametrize("verify", [1, 0])
@pytest.mark.parametrize("row", CERTIFICATE_ROWS)
def test_tcp_certificate(certificates, row, verify):
    subject, dates, keys, reason = CERTIFICATE_ROWS[row]
    keys = {name: value.removesuffix(":8443") for name, value in keys.items()}
    name = f"tcp{list(CERTIFICATE_ROWS).index(row)}{verify}"
    certificate = certificates.signed(name, subject, **dates)
    with Target(behind_tls(saying(b"* OK IMAP4rev1\r\n"), certificate)) as target:
        result = check_tcp_tls(certificates, target, expect=r"^\* OK", verify=verify, **keys)
    assert result.reason == (reason if verify else "ok")
    assert result.reason != "ok" or 0 < result.rtt_ms < result.run_ms


@pytest.mark.parametrize("verify, reason", [(1, "untrusted"), (0, "ok")])
def test_tcp_with_a_certificate_that_nobody_signed(certificates, verify, reason):
    certificate = certificates.self_signed(f"tcpself{verify}", "DNS:www.example.com")
    with Target(behind_tls(stay, certificate)) as target:
        result = check_tcp_tls(certificates, target, host="www.example.com", verify=verify)
    assert result.reason == reason


def test_tcp_trusts_the_system_if_nobody_else(certificates):
    certificate = certificates.signed("tcpsystem", "DNS:www.example.com")
    with Target(behind_tls(stay, certificate)) as target:
        result = check_at(target, type="tcp", tls=1, host="www.example.com")
        assert (result.cannot, result.reason) == (None, "untrusted")


@pytest.mark.parametrize("row", TLS_ROWS)
def test_tcp_with_bad_tls(certificates, row):
    serve, reason = TLS_ROWS[row]
    with Target(serve) as target:
        assert check_tcp_tls(certificates, target, **within(reason)).reason == reason


TCP_TLS_ROWS = {
    "nothing is expected": (stay, {}, "ok"),
    "steps": (Dialogue(GREETING, MAIL), {"steps": "\n".join(POLITE)}, "ok"),
    "in single octets": (Dialogue(GREETING, MAIL, 0.002), {"steps": "\n".join(POLITE)}, "ok"),
    "sent and heard": (Dialogue(b"", MAIL), {"send": r"QUIT\r\n", "expect": "bye"}, "ok"),
    "a long answer": (saying(b"-" * (CONTENT_MAX - 3) + b"+OK"), {"expect": r"\+OK"}, "ok"),
    "too long an answer": (saying(b"-" * CONTENT_MAX + b"+OK"), {"expect": r"\+OK"}, "content"),
    "another answer": (saying(b"-ERR", then=lambda _: None), {"expect": r"\+OK"}, "content"),
    "an end": (lambda _: None, {"expect": "x"}, "closed"),
    "silence": (stay, {"expect": "x"}, "timeout"),
}


@pytest.mark.parametrize("row", TCP_TLS_ROWS)
def test_tcp_over_tls(certificates, row):
    serve, keys, reason = TCP_TLS_ROWS[row]
    path = certificates.directory / "tcp.both"
    certificate = path if path.exists() else certificates.signed("tcp", "IP:127.0.0.1")
    with Target(behind_tls(serve, certificate)) as target:
        result = check_tcp_tls(certificates, target, **within(reason), **keys)
    assert result.reason == reason


def test_tcp_server_name_is_the_host(certificates):
    names = []
    certificate = certificates.signed("tcpnamed", "DNS:www.example.com")

    def serve(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _, name, __: names.append(name)
        with context.wrap_socket(connection, server_side=True) as wrapped:
            until_closed(wrapped)

    with Target(serve) as target:
        assert check_tcp_tls(certificates, target, host="www.example.com").reason == "ok"
        assert check_tcp_tls(certificates, target, verify=0, host="127.0.0.1").reason == "ok"
        assert check_tcp_tls(certificates, target, verify=0).reason == "ok"
    assert names == ["www.example.com", None, None]


def test_tcp_many_read_the_certificates_of_the_system_once(certificates):
    certificate = certificates.signed("tcpmany", "DNS:www.example.com")
    with Target(behind_tls(stay, certificate)) as target:
        result = check_at(target, type="tcp", tls=1, count=100, at_once=4)
    assert result.counts["untrusted"] == 100


def test_tcp_without_the_file_of_certificates(tmp_path):
    for path, words in [
        ("/nowhere/ca.pem", "/nowhere/ca.pem: certificates cannot be read: No such file"),
        (tmp_path / "empty", f"{tmp_path}/empty: there are no certificates in it"),
    ]:
        (tmp_path / "empty").write_text("")
        with Target(stay) as target:
            result = check_at(target, type="tcp", tls=1, ca_file=path)
        assert result.cannot.startswith(words)
        assert result.reason == "internal"


HTTP2_FRAMES = {
    "settings": bytes.fromhex("000000 04 00 00000000") + bytes.fromhex("000000 04 01 00000000"),
    "200": bytes.fromhex("000001 01 04 00000001 88"),
    "500": bytes.fromhex("000001 01 04 00000001 8e"),
    "well": bytes.fromhex("000004 00 01 00000001") + b"well",
    "rubbish": b"HTTP/1.1 200 OK\r\n\r\n" * 5,
}

HTTP2_ROWS = [
    (("settings", "200", "well"), {}, "ok"),
    (("settings", "200", "well"), {"body": "^well$"}, "ok"),
    (("settings", "200", "well"), {"body": "bad"}, "content"),
    (("settings", "500", "well"), {}, "status"),
    (("settings",), {}, "timeout"),
    (("rubbish",), {}, versions.expected("an HTTP/2 target without frames")),
]


@pytest.mark.parametrize("frames, keys, reason", HTTP2_ROWS)
def test_https_with_http2(certificates, frames, keys, reason):
    path = certificates.directory / "h2.both"
    certificate = path if path.exists() else certificates.signed("h2", "IP:127.0.0.1")

    def serve(connection):
        assert connection.selected_alpn_protocol() == "h2"
        connection.recv(24)
        connection.sendall(b"".join(HTTP2_FRAMES[name] for name in frames))
        until_closed(connection)

    with Target(behind_tls(serve, certificate, ["h2"])) as target:
        assert check_tls(certificates, target, **within(reason), **keys).reason == reason


def test_https_many_do_not_read_the_certificates_of_the_system_each(certificates):
    certificate = certificates.self_signed("many", "DNS:www.example.com")
    with Target(behind_tls(answering(page()), certificate)) as target:
        few = check_at(target, type="https", count=2)
        many = check_at(target, type="https", count=100, at_once=4)
    assert (few.counts["untrusted"], many.counts["untrusted"]) == (2, 100)
    assert many.counts["cpu_us"] < few.counts["cpu_us"] / 2  # they are read at the first one


# DNS


def reply(question, records=("192.0.2.1",), rcode=dns.rcode.NOERROR, flags=0, kind="A"):
    answer = dns.message.make_response(dns.message.from_wire(question))
    answer.set_rcode(rcode)
    answer.flags |= flags
    if records:
        answer.answer.append(dns.rrset.from_text("www.example.com.", 60, "IN", kind, *records))
    return answer.to_wire()


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
# Names that are resolved


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
def test_a_certificate_must_be_valid_for_the_name(certificates, resolv_conf, subject, reason):
    certificate = certificates.signed(f"named-{reason}", f"DNS:{subject}")
    with Target(behind_tls(answering(page()), certificate)) as target, \
            DnsTarget(resolving({"A": [LOOPBACK]})) as server:
        result = check_tls(certificates, target, target_name=NAME, resolv_conf=resolv_conf(server))
        assert result.reason == reason


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


# Programs


@pytest.fixture
def programs(tmp_path):
    """A directory of programs; write(name, body) adds one."""
    directory = tmp_path / "programs"
    directory.mkdir()

    def write(name, body, mode=0o755):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(mode)
        return path

    directory_and_write = type("Programs", (), {"directory": directory, "write": staticmethod(write)})
    return directory_and_write


def check_program(programs, path="check", **keys):
    return check(type="exec", exec_directory=programs.directory, path=path, **keys)


EXEC_ROWS = {
    "well": ("exit 0", "ok"),
    "not well": ("exit 1", "status"),
    "another status": ("exit 255", "status"),
    "killed": ("kill -KILL $$", "status"),
    "it hangs": ("sleep 60", "timeout"),
    "it hangs and does not want to end": ("trap '' TERM INT HUP; sleep 60; sleep 60", "timeout"),
    "something in the background": ("sleep 60 & exit 0", "ok"),
}


@pytest.mark.parametrize("row", EXEC_ROWS)
def test_exec(programs, row, tmp_path):
    body, reason = EXEC_ROWS[row]
    pids = tmp_path / "pids"
    programs.write("check", f"echo $$ >{pids}\n{body}")
    # A shell has to begin before its time is over.
    result = check_program(programs, timeout=3 if reason == "timeout" else 10)
    assert result.reason == reason
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms
    wait_until(
        lambda: not group_members(int(pids.read_text())), SECONDS_MAX, "the group has ended"
    )


def test_exec_has_nothing_of_ours(programs, tmp_path):
    said = tmp_path / "said"
    programs.write(
        "sub/check",
        f"""exec 3>&1 >{said}
        echo "$# $1 $2"
        env | grep -v '^PWD=\\|^SHLVL=\\|^_=\\|^OLDPWD=' | sort
        ls -l /proc/$$/fd | sed 's/.* //' | grep -v {said} | sort
        # Read by the shell itself, which blocks all signals for as long as it starts a command.
        while read -r line; do case $line in Sig[BI]*) echo "$line"; esac; done </proc/$$/status
        [ "$(ps -o pgid= -p $$ | tr -d ' ')" = $$ ] && echo leads""",
    )
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        done = subprocess.run(
            command(
                type="exec", exec_directory=programs.directory, path="sub/check", name="web check",
                address="2001:db8::1", target_port=8080,
            ),
            env={"SECRET": "x"}, close_fds=False, capture_output=True, text=True, check=True,
        )
    lines = said.read_text().splitlines()
    assert done.stdout.startswith("ok "), lines
    assert lines[:3] == [
        "2 2001:db8::1 8080",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "STICKY_MONITOR=web check",
    ]
    assert "leads" in lines
    assert not [line for line in lines if line.startswith("/") and line not in
                ("/dev/null", f"{programs.directory}/sub/check")], lines
    # Two signals belong to the C library.
    signals = [int(line.split()[-1], 16) for line in lines if line.startswith("Sig")]
    assert [number & 0x7FFFFFFF for number in signals] == [0, 0]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (None, ["127.0.0.1", "0"]),
        ("-v", ["127.0.0.1", "0", "-v"]),
        (" a  b 'c $HOME;d* ", ["127.0.0.1", "0", "a", "b", "'c", "$HOME;d*"]),
        (" ", ["127.0.0.1", "0"]),
        (" ".join("x" * 512), ["127.0.0.1", "0", *"x" * 512]),
    ],
)
def test_exec_arguments(programs, tmp_path, arguments, words):
    said = tmp_path / "said"
    programs.write("check", f"""for word in "$@"; do printf '%s\\n' "$word"; done >{said}""")
    keys = {"arguments": arguments} if arguments else {}
    assert check_program(programs, **keys).reason == "ok"
    assert said.read_text().splitlines() == words


def test_exec_only_below_its_directory(programs, tmp_path):
    inside = programs.write("check", "exit 0")
    programs.write("plain", "exit 0", mode=0o644)
    outside = tmp_path / "outside"
    outside.write_text("#!/bin/sh\nexit 0\n")
    outside.chmod(0o755)
    (tmp_path / "programs-too").mkdir()
    (tmp_path / "programs-too" / "check").symlink_to(outside)
    directory = programs.directory
    (directory / "out").symlink_to(outside)
    (directory / "up").symlink_to("../outside")
    (directory / "away").symlink_to(tmp_path)
    (directory / "next").symlink_to("../programs-too")
    (directory / "same").symlink_to(inside)
    (directory / "sub").mkdir()
    below = "is not a path below the directory of programs"
    rows = {
        "check": None,
        "./check": None,
        "sub/": f"{directory}/sub is not a program that this user may run",
        "same": None,
        "plain": f"{directory}/plain is not a program that this user may run",
        "none": f"{directory}/none: No such file or directory",
        "out": f"{outside} is outside {directory}",
        "up": f"{outside} is outside {directory}",
        "away/outside": f"{outside} is outside {directory}",
        "next/check": f"{outside} is outside {directory}",
        "../outside": f"path '../outside' {below}",
        "sub/../check": f"path 'sub/../check' {below}",
        "..": f"path '..' {below}",
        "": f"path '' {below}",
        str(inside): f"path '{inside}' {below}",
    }
    for path, words in rows.items():
        result = check_program(programs, path)
        assert (result.cannot, result.reason) == (words, "internal" if words else "ok"), path
    result = check(type="exec", path="check")
    assert result.cannot == "pdns-stickyd was started without --exec-directory"
    assert result.reason == "internal"


def test_exec_what_the_system_cannot_run(programs):
    (programs.directory / "check").write_bytes(b"\0\1\2\3")
    (programs.directory / "check").chmod(0o755)
    assert check_program(programs).reason == "internal"


def test_exec_many_at_once_leave_nothing(programs):
    programs.write("check", "exit 0")
    result = check_program(programs, count=300, at_once=30, timeout=30)
    assert result.counts["ok"] == 300


# All


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"type": "http", "body": "("}, "body '(' is not a regular expression: "),
        ({"type": "http", "host": "a b"}, "host 'a b' is not a host name"),
        ({"type": "http", "host": "a/b"}, "host 'a/b' is not a host name"),
        ({"type": "http", "host": "me@a"}, "host 'me@a' is not a host name"),
        ({"type": "http", "host": "a:b"}, "host 'a:b' is not a host name"),
        ({"type": "http", "host": ""}, "host '' is not a host name"),
        ({"type": "http", "path": "x"}, "path 'x' is not '/' followed by what "),
        ({"type": "http", "path": "/a b"}, "path '/a b' is not '/' followed by what "),
        ({"type": "https", "path": "/a\nX: y"}, "path '/a\nX: y' is not '/' followed by what "),
        ({"type": "tcp", "expect": "["}, "expect '[' is not a regular expression: "),
    ],
)
def test_what_cannot_be_checked_is_told(keys, words):
    done = subprocess.run(
        command(port=99, **keys), capture_output=True, text=True, timeout=SECONDS_MAX, check=True
    )
    assert done.stdout.startswith(f"cannot: {words}")
    assert done.stdout.splitlines()[-1].startswith("internal ")


def test_many_checks_cost_little():
    """A thousand of them a second are to be had for a tenth of a processor."""
    with socket.create_server((LOOPBACK, 0), backlog=4096) as listener:
        port = listener.getsockname()[1]
        result = check(port=port, type="tcp", count=3000, at_once=50)
    assert result.counts["ok"] == 3000
    assert result.counts["cpu_us"] < 200

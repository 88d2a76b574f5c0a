"""Checks through a load balancer, which wants a PROXY header first."""

import socket
import struct

import pytest

from probes import check, check_at
from targets import LOOPBACK, Target, answering, behind_tls, page, saying

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

"""Checks over TLS: https, and tcp with tls: certificates, bad handshakes, HTTP/2."""

import pytest

import versions
from probes import CONTENT_MAX, check_at, check_tls, within
from targets import (
    GREETING,
    MAIL,
    POLITE,
    Dialogue,
    Target,
    answering,
    behind_tls,
    page,
    saying,
    stay,
    until_closed,
)

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
    with Target(behind_tls(answering(page()), certificate, names=names)) as target:
        check_tls(certificates, target, host="www.example.com")
        check_tls(certificates, target, verify=0)
    assert names == ["www.example.com", None]


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
    with Target(behind_tls(until_closed, certificate, names=names)) as target:
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

"""Checks of type http."""

import os
import subprocess
import time

import pytest

from probes import BUFFERS_MAX, CONTENT_MAX, PROGRAM, check_at, command, within
from processes import SECONDS_MAX, wait_until
from targets import (
    LOOPBACK,
    Asked,
    Endless,
    Target,
    answering,
    head_of,
    page,
    reset,
    saying,
    stay,
    until_closed,
)


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
    "letters of either case": (answering(page(b"all is 1")), {"body": r"(?i)\bIS \d\Z"}, "ok"),
    "a word that is not there": (answering(page(b"all is well")), {"body": "^(?!.*error)"}, "ok"),
    "and one that is": (answering(page(b"no error")), {"body": "^(?!.*error)"}, "content"),
    "an empty page": (answering(page()), {"body": "well"}, "content"),
    "an empty page is looked for": (answering(page()), {"body": "^$"}, "ok"),
    "in pieces": (answering(*(bytes([c]) for c in page(b"well"))), {"body": "well"}, "ok"),
    "in chunks": (
        answering(CHUNKED, b"2\r\nwe\r\n", b"2\r\nll\r\n0\r\n\r\n"),
        {"body": "^well$"},
        "ok",
    ),
    "more behind the first piece": (
        answering(CHUNKED, b"2\r\nup\r\n", b"3\r\n no\r\n0\r\n\r\n"),
        {"body": "up$"},
        "content",
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
    "a page whose end may say something else": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", then=lambda _: None),
        {"body": "b$"},
        "closed",
    ),
    "a page whose end does not come": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
        {"body": "^(?!.*error)"},
        "timeout",
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

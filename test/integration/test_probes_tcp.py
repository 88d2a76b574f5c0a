"""Checks of type tcp: what a target says, and dialogues of several steps."""

import pytest

from probes import BUFFERS_MAX, CONTENT_MAX, check_at, within
from processes import SECONDS_MAX, wait_until
from targets import (
    GREETING,
    MAIL,
    POLITE,
    Dialogue,
    Endless,
    Target,
    reset,
    saying,
    stay,
    until_closed,
)


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

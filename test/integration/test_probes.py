"""Checks that cannot be run, and many at once.

The types have files of their own: test_probes_TYPE.py.
"""

import socket
import subprocess

import pytest

from probes import check, command
from processes import SECONDS_MAX
from targets import LOOPBACK


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

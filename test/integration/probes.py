"""Health checks of real targets on loopback: each check is run by the program test/monitor/probe."""

import os
import subprocess
import time
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from processes import REPOSITORY, SECONDS_MAX
from targets import LOOPBACK

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
    address = {} if "target_name" in keys else {"address": LOOPBACK}
    keys = {**address, "timeout": 10, **keys}
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


def in_namespace(script, **keys):
    """Runs a check in a network of its own, in which `script` was run before."""
    line = " ".join(f"'{word}'" for word in command(**keys))
    return result_of(["unshare", "-n", "sh", "-ec", f"ip link set lo up\n{script}\n{line}"])


def reply(question, records=("192.0.2.1",), rcode=dns.rcode.NOERROR, flags=0, kind="A"):
    answer = dns.message.make_response(dns.message.from_wire(question))
    answer.set_rcode(rcode)
    answer.flags |= flags
    if records:
        answer.answer.append(dns.rrset.from_text("www.example.com.", 60, "IN", kind, *records))
    return answer.to_wire()


def check_tls(certificates, target, **keys):
    return check_at(target, type="https", ca_file=certificates.authority, **keys)

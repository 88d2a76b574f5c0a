"""The backend as PowerDNS runs it: a process with two pipes, asked one line at a time.

Coprocess  starts the program, sends lines and reads answers, each with a deadline
Answer     one answer, taken apart
"""

import contextlib
import dataclasses
import os
import re
import select
import subprocess
import time

from powerdns_parser import Record, parse
from processes import SECONDS_MAX, USER, as_user, backend_path, processor_seconds

PATIENCE_SECONDS = 2  # PowerDNS kills a coprocess that takes longer for one answer
PROMPT_SECONDS = PATIENCE_SECONDS / 2  # how fast an answer can be is for the benchmarks to say
BANNER = re.compile(rb"OK\tpdns-sticky [0-9.]+")
NOBODY = ("0.0.0.0", "0.0.0.0", "0.0.0.0/0")  # how PowerDNS says that it asks by itself


# ---------------------------------------------------------------- questions and answers


@dataclasses.dataclass
class Answer:
    lines: list  # of bytes, the last one END or FAIL
    seconds: float  # from the question to the last byte
    abi: int

    @property
    def failed(self):
        return self.lines[-1] == b"FAIL"

    @property
    def records(self):
        parsed = [parse(line, self.abi) for line in self.lines]
        return [record for record in parsed if isinstance(record, Record)]

    @property
    def logs(self):
        """What the operator is told."""
        return [line[4:].decode() for line in self.lines if line.startswith(b"LOG\t")]

    def contents(self, rdtype):
        return [record.content for record in self.records if record.rdtype == rdtype]

    @property
    def ipv4(self):
        """The one IPv4 address; None if there is none."""
        addresses = self.contents("A")
        assert len(addresses) <= 1, self.lines
        return addresses[0] if addresses else None


def question(name, rdtype="ANY", remote="192.0.2.10", zone_id=-1, ecs=None, abi=5):
    """The line in which PowerDNS asks.  remote None: it asks by itself."""
    where = NOBODY
    if remote:
        where = (remote, "198.51.100.53", ecs or f"{remote}/{128 if ':' in remote else 32}")
    fields = ["Q", name, "IN", rdtype, str(zone_id), *where[: min(abi, 3)]]
    return "\t".join(fields).encode("latin-1") + b"\n"


# ---------------------------------------------------------------- the process


class Coprocess:
    """One running backend.  Usable in `with`; its end is looked at only where a test asks for it.

    user: whom it runs as when we are root.  before: words in front of the command, such as strace.
    program: another one than that under test.
    """

    def __init__(self, database, abi=5, user=USER, before=(), helo=True, program=None, **options):
        argv = as_user([*before, program or backend_path(), "--database", database], user)
        self.abi = abi
        self._rest = b""
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            bufsize=0,
            # PowerDNS ignores SIGPIPE, and so do those it starts.
            restore_signals=options.pop("restore_signals", False),
            **options,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.banner = self.hello() if helo else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    @property
    def pid(self):
        return self.process.pid

    def send(self, data):
        """Writes everything, in one write() where the pipe has room."""
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def read_line(self, seconds=SECONDS_MAX):
        """The next line, without its newline.  None when the output has ended."""
        deadline = time.monotonic() + seconds
        searched = 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            left = deadline - time.monotonic()
            if not select.select([self.process.stdout], [], [], max(left, 0))[0]:
                raise AssertionError(f"no whole line within {seconds} s; so far: {self._rest!r}")
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                assert not self._rest, f"the output ends in mid-line: {self._rest!r}"
                return None
            self._rest += part
        line, self._rest = self._rest[:end], self._rest[end + 1 :]
        return line

    def lines_until_end(self, seconds=SECONDS_MAX):
        lines = []
        while not lines or lines[-1] not in (b"END", b"FAIL"):
            line = self.read_line(seconds)
            assert line is not None, f"the output ends in mid-answer: {lines}"
            lines.append(line)
        return lines

    def answer(self, sent=None, alone=True, limit=SECONDS_MAX):
        """The next answer.  alone: nothing may come behind it.  limit: how long it may take, in
        seconds."""
        started = sent or time.monotonic()
        lines = self.lines_until_end(limit)
        seconds = time.monotonic() - started
        assert not (alone and self._rest), f"more than one answer: {lines} {self._rest!r}"
        return Answer(lines, seconds, self.abi)

    def hello(self, abi=None):
        """Says HELO and returns the banner."""
        self.abi = abi or self.abi
        self.send(b"HELO\t%d\n" % self.abi)
        banner = self.read_line()
        assert banner is not None, f"it ended: {self.process.stderr and self.process.stderr.read()}"
        return banner

    def request(self, line):
        """Sends a line and returns its answer."""
        started = time.monotonic()
        self.send(line)
        return self.answer(started)

    def ask(self, name="www.example.com", rdtype="ANY", remote="192.0.2.10", **more):
        return self.request(question(name, rdtype, remote, abi=self.abi, **more))

    def command(self, text):
        """The lines of an operator's command, without the END."""
        self.send(b"CMD\t%s\n" % text.encode())
        lines = []
        while (line := self.read_line()) != b"END":
            lines.append(line.decode())
        return lines

    def silent(self, seconds):
        """Says whether nothing comes for so long."""
        return not self._rest and not select.select([self.process.stdout], [], [], seconds)[0]

    def close(self):
        """Ends the input, as PowerDNS does when it stops.  The exit status.

        A coprocess has nothing to say on standard error: it would go unseen.
        """
        self.process.stdin.close()
        status = self.process.wait(SECONDS_MAX)
        said = self.process.stderr.read() if self.process.stderr else b""
        assert said == b"", said.decode(errors="replace")
        return status

    def kill(self):
        """As PowerDNS gets rid of a coprocess."""
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self):
        return processor_seconds(self.pid)


# ---------------------------------------------------------------- what holds of every one


def assert_prompt(answers):
    """The answers came in time; one in four may have met a stall of the machine."""
    seconds = sorted(answer.seconds for answer in answers)
    assert seconds[(len(seconds) - 1) * 3 // 4] < PROMPT_SECONDS, seconds


def assert_within(limit, action, tries=4):
    """action() takes no longer than so many seconds, or one of a few tries doesn't: what is slow by
    itself is slow each time, a stall of the machine is not."""
    taken = []
    for _ in range(tries):
        started = time.monotonic()
        action()
        taken.append(time.monotonic() - started)
        if taken[-1] < limit:
            return
    raise AssertionError(f"never within {limit} s: {taken}")


def assert_banner_is_prompt(path):
    """HELO is answered at once, whatever the database is like."""

    def hello():
        with Coprocess(path) as coprocess:
            assert BANNER.fullmatch(coprocess.banner)

    assert_within(PROMPT_SECONDS, hello)


def assert_little_memory(process):
    """The process never had much more memory than it begins with."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        peak_kib = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])
    sanitized = b"__asan" in backend_path().read_bytes()
    assert peak_kib < (512 << 10 if sanitized else 32 << 10)

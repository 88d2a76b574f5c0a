"""The backend as PowerDNS runs it: a process with two pipes, asked one line at a time.

Coprocess    starts the program, sends lines and reads answers, each with a deadline.
Answer       one answer, taken apart.
parse()      PowerDNS's own reading of an answer line, from modules/pipebackend of 4.7.3, written
             anew and from nothing of the program; check_content() its reading of a content.
Shell        one sqlite3 shell that stays open, so that hundreds of changes take no time.
"""

import contextlib
import dataclasses
import ipaddress
import os
import re
import select
import subprocess
import threading
import time

import powerdns

SECONDS_MAX = 20  # no answer takes so long on any machine; then the test fails
PROMPT_SECONDS = 0.1  # an answer is to come within this time

NOBODY = ("0.0.0.0", "0.0.0.0", "0.0.0.0/0")  # how PowerDNS says that it asks by itself


class Refused(Exception):
    """PowerDNS would not take the line."""


# ---------------------------------------------------------------- what PowerDNS reads


@dataclasses.dataclass(frozen=True)
class Record:
    """What PowerDNS makes of a DATA line."""

    scope: int
    authoritative: bool
    owner: tuple  # labels as bytes, in small letters
    rdtype: str
    ttl: int
    zone_id: int
    content: str


def _number(text, least, most):
    """std::stoi() and its like: white space, a sign, digits, and then whatever there is."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    if not found or not least <= int(found[1]) <= most:
        raise Refused(f"not a number between {least} and {most}: {text!r}")
    return int(found[1])


def labels(text):
    """The labels of a name in PowerDNS's notation."""
    if text in ("", "."):
        return ()
    found, label, at = [], bytearray(), 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == ".":
            found.append(bytes(label))
            label.clear()
            continue
        if letter == "\\":
            digits = text[at : at + 3]
            if digits[:1].isdigit():
                if not re.fullmatch(r"[0-9]{3}", digits) or int(digits) > 255:
                    raise Refused(f"a broken escape in {text!r}")
                label.append(int(digits))
                at += 3
                continue
            if not digits:
                raise Refused(f"nothing behind the last backslash of {text!r}")
            letter = text[at]
            at += 1
        label.append(ord(letter))
    if label:
        found.append(bytes(label))
    if any(not 1 <= len(part) <= 63 for part in found):
        raise Refused(f"an empty or too long label in {text!r}")
    if sum(len(part) + 1 for part in found) + 1 > 255:
        raise Refused(f"too long a name: {text!r}")
    return tuple(part.lower() for part in found)


TYPES = frozenset(
    "A NS CNAME SOA PTR HINFO MX TXT RP AFSDB AAAA LOC SRV NAPTR KX CERT DNAME DS SSHFP IPSECKEY"
    " RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB"
    " HTTPS SPF NID L32 L64 LP EUI48 EUI64 URI CAA ALIAS LUA".split()
)


def parse(line, abi):
    """A Record; "END", "FAIL" or "LOG" for a line that is one; or Refused."""
    text = line.decode("latin-1").rstrip(" \t\n\v\f\r")
    fields = [field for field in text.split("\t") if field]  # runs of tabs count as one
    if not fields:
        raise Refused("an empty line")
    if fields[0] in ("END", "FAIL"):
        return fields[0]
    if fields[0] == "LOG":
        if len(text) < 4:
            raise Refused("LOG without anything behind it")
        return "LOG"
    if fields[0] != "DATA":
        raise Refused(f"an unknown word: {text!r}")
    extra = 2 if abi >= 3 else 0
    if len(fields) < 7 + extra:
        raise Refused(f"too few fields: {text!r}")
    rdtype = fields[3 + extra]
    if rdtype not in TYPES and not re.fullmatch(r"TYPE[1-9][0-9]{0,4}", rdtype):
        raise Refused(f"an unknown type: {rdtype!r}")
    if rdtype in ("MX", "SRV"):
        if len(fields) < 8 + extra:
            raise Refused(f"no second field of an {rdtype}: {text!r}")
        content = " ".join(fields[6 + extra : 8 + extra])
    else:
        content = " ".join(fields[6 + extra :])
    return Record(
        scope=_number(fields[1], 0, 255) if extra else 0,
        authoritative=fields[2] == "1" if extra else True,
        owner=labels(fields[1 + extra]),
        rdtype=rdtype,
        ttl=_number(fields[4 + extra], 0, 2**32 - 1),
        zone_id=_number(fields[5 + extra], -(2**31), 2**31 - 1),
        content=content,
    )


class _Content:
    """PowerDNS's reading of a content, field by field (pdns/rcpgenerator.cc)."""

    def __init__(self, text):
        self.text = text.strip(" \t\r\n")

    def _word(self, pattern, what):
        self.text = self.text.lstrip(" \t")
        found = re.match(pattern, self.text, re.DOTALL)
        if not self.text or not found:
            raise Refused(f"{what} expected at {self.text!r}")
        self.text = self.text[found.end() :]
        return found[0]

    def number(self, most):
        _number(self._word(r"[0-9]+", "a number"), 0, most)

    def name(self):
        labels(self._word(r"[^ \t\n]+", "a name"))

    def ipv4(self):
        octets = self._word(r"[0-9.]+", "an IPv4 address").split(".")
        if len(octets) != 4 or any(not octet or int(octet) > 255 for octet in octets):
            raise Refused(f"not an IPv4 address: {octets}")

    def ipv6(self):
        address = self._word(r"[0-9A-Fa-f:.]+", "an IPv6 address")
        try:
            ipaddress.IPv6Address(address)
        except ValueError as error:
            raise Refused(str(error)) from error

    def quoted(self):
        string = self._word(r'"(\\.|[^"\\])*"', "a quoted string")
        if re.search(r"(?<!\\)(\\\\)*\\(?![0-9]{3}|[^0-9])", string[1:-1]):
            raise Refused(f"a broken escape in {string!r}")

    def all_quoted(self):
        self.quoted()
        while self.text:
            self.quoted()

    def hexadecimal(self):
        if len(self._word(r"[0-9A-Fa-f ]+", "hexadecimal digits").replace(" ", "")) % 2:
            raise Refused("an odd number of hexadecimal digits")

    def generic(self):
        fields = self._word(r".+", "a length").split()
        data = fields[2] if len(fields) > 2 else ""
        if fields[0] != "\\#" or len(fields) > 3 or len(data) != 2 * int(fields[1]):
            raise Refused(f"not of the form for unknown types: {fields}")

    def tag(self):
        self._word(r"[a-zA-Z0-9]+", "a tag")

    def parameters(self):
        while self.text:
            self._word(r"[a-z][a-z0-9-]*(=[^ =]+)?", "a service parameter")


_FIELDS = {  # numbers stand for their greatest value
    "A": ("ipv4",),
    "AAAA": ("ipv6",),
    "CAA": (255, "tag", "quoted"),
    "CNAME": ("name",),
    "DS": (65535, 255, 255, "hexadecimal"),
    "HTTPS": (65535, "name", "parameters"),
    "MX": (65535, "name"),
    "NAPTR": (65535, 65535, "quoted", "quoted", "quoted", "name"),
    "NS": ("name",),
    "PTR": ("name",),
    "SOA": ("name", "name", *[2**32 - 1] * 5),
    "SRV": (65535, 65535, 65535, "name"),
    "TLSA": (255, 255, 255, "hexadecimal"),
    "TXT": ("all_quoted",),
}


def check_content(record):
    """Raises Refused when PowerDNS could not read the content."""
    content = _Content(record.content)
    if record.rdtype.startswith("TYPE"):
        content.generic()
        return
    for field in _FIELDS[record.rdtype]:
        if isinstance(field, int):
            content.number(field)
        else:
            getattr(content, field)()
    if content.text:
        raise Refused(f"more than the type has: {record}")


# ---------------------------------------------------------------- answers


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
    """

    def __init__(self, database, abi=5, user=powerdns.USER, before=(), helo=True, **options):
        argv = [*before, str(powerdns.backend_path()), "--database", str(database)]
        if user:
            options |= {"user": user, "group": user, "extra_groups": []}
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

    def answer(self, sent=None, alone=True):
        """The next answer.  alone: nothing may come behind it."""
        started = sent or time.monotonic()
        lines = self.lines_until_end()
        seconds = time.monotonic() - started
        assert not (alone and self._rest), f"more than one answer: {lines} {self._rest!r}"
        return Answer(lines, seconds, self.abi)

    def hello(self, abi=None):
        """Says HELO and returns the banner."""
        self.abi = abi or self.abi
        self.send(b"HELO\t%d\n" % self.abi)
        return self.read_line()

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
        fields = _stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields of /proc/PID/stat behind the name: the state, ..."""
    with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
        return stat.read().rsplit(")", 1)[1].split()


def is_gone(pid):
    """True for a process that has ended, reaped or not."""
    try:
        return _stat(pid)[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


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


# ---------------------------------------------------------------- the sqlite3 shell


class Shell:
    """A sqlite3 shell that stays open.  run() returns when the statements are done."""

    MARK = "--done--"

    def __init__(self, path, user=powerdns.USER):
        options = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.process = subprocess.Popen(
            ["sqlite3", "-batch", "-separator", " ", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
        self.run(".timeout 5000")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(SECONDS_MAX)
        self.process.stdout.close()

    def run(self, sql):
        """The lines that the shell printed, errors among them."""
        self.process.stdin.write(f"{sql}\n.print {self.MARK}\n")
        self.process.stdin.flush()
        guard = threading.Timer(SECONDS_MAX, self.process.kill)
        guard.start()
        printed = []
        while (line := self.process.stdout.readline().rstrip("\n")) != self.MARK:
            assert self.process.poll() is None or line, f"the shell ended: {printed}"
            printed.append(line)
        guard.cancel()
        return printed

    def change(self, sql):
        """Runs statements that print nothing."""
        printed = self.run(sql)
        assert printed == [], printed

"""The real pdns_server, and thousands of resolvers that ask it.

Five parts, each usable without the others:

Database   a database file as an operator makes and changes it: with the sqlite3 shell, owned by the
           user that PowerDNS runs as (pdns, when the tests run as root).
chosen()   what the product promises: the choice by modulus, written from its definition and from
           nothing of the program.
ask()      many questions from many resolver addresses.  Each carries a PROXY protocol header
           (version 2): PowerDNS takes the address in it for the resolver's own.
Service    the program as a service on a Unix socket.
PowerDNS   one server, started with a file of pdns-conf/ exactly as it is shipped.  The command line
           overrides only what a test must: paths, port, and who may send PROXY headers.
"""

import atexit
import contextlib
import dataclasses
import fcntl
import functools
import ipaddress
import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = REPOSITORY / "schema" / "schema.sql"
DEMO = REPOSITORY / "schema" / "demo.sql"
CONFIGURATIONS = REPOSITORY / "pdns-conf"

USER = "pdns" if os.geteuid() == 0 else None  # whom the server and the shell run as

# Questions from this address need no PROXY header, and must not have one: dig and delv use it.
PLAIN_ADDRESS = "127.0.0.2"


# ---------------------------------------------------------------- programs and places


def as_user(argv):
    """The command, run as the unprivileged user when we are root."""
    return ["runuser", "-u", USER, "--", *argv] if USER else list(argv)


def run(argv, **options):
    """The finished command; its output is text in .stdout and .stderr, its exit code unchecked."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, **options)


@functools.cache
def backend_path():
    """The program under test: a copy of $PDNS_STICKY, or of the one in build/.

    A copy, because the unprivileged user may not be let into the checkout, and because a build
    that goes on meanwhile should not change what is tested.
    """
    path = Path(os.environ.get("PDNS_STICKY") or REPOSITORY / "build" / "pdns-sticky").absolute()
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: build it first, or say where it is in PDNS_STICKY")
    directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-program-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)
    shutil.copy(path, directory)
    return directory / path.name


@contextlib.contextmanager
def workspace():
    """A directory of the unprivileged user, removed at the end.  (pytest's own are only root's.)"""
    directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-"))
    directory.chmod(0o755)
    if USER:
        shutil.chown(directory, USER, pwd.getpwnam(USER).pw_gid)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def wait_until(condition, seconds, what):
    """Returns when condition() is true; fails with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


# ---------------------------------------------------------------- the database


class Database:
    """One database file, used only through the sqlite3 shell."""

    def __init__(self, path):
        self.path = Path(path)

    @classmethod
    def create(cls, directory, *scripts, name="sticky.sqlite"):
        """A new file from the schema and then the given SQL files."""
        database = cls(Path(directory) / name)
        for script in (SCHEMA, *scripts):
            database.sql(script.read_text())
        return database

    def _shell(self, text, *options):
        argv = as_user(["sqlite3", "-batch", "-bail", *options, str(self.path)])
        result = run(argv, input=".timeout 5000\n" + text)
        assert result.returncode == 0, f"sqlite3: {result.stderr.strip()}"
        return result.stdout

    def sql(self, text):
        """Runs statements; an error fails the test.  Committed when this returns."""
        self._shell(text)

    def rows(self, query):
        """The rows of a query, as tuples."""
        text = self._shell(query, "-json")
        return [tuple(row.values()) for row in json.loads(text or "[]")]

    def mappings(self, pool_name):
        """Which controller each resolver of a pool is mapped to: {ldns: controller name}."""
        return dict(
            self.rows(
                "SELECT p.ldns, c.name FROM persistence AS p"
                " JOIN controller AS c ON c.id = p.controller_id"
                f" JOIN pool ON pool.id = p.pool_id WHERE pool.name = '{pool_name}'"
            )
        )

    @contextlib.contextmanager
    def locked(self):
        """For the time of the block another program is in the middle of a transaction."""
        argv = as_user(["sqlite3", "-batch", str(self.path)])
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(argv, text=True, **pipes) as shell:
            shell.stdin.write(".timeout 5000\nBEGIN IMMEDIATE; SELECT 'locked';\n")
            shell.stdin.flush()
            assert shell.stdout.readline() == "locked\n"
            yield
            shell.communicate("ROLLBACK;\n")

    @contextlib.contextmanager
    def without_housekeeping(self):
        """No round runs in the block, however long the disk takes for one: we hold its lock, the
        first of backend/system/lock_file.h.  A backend that serves this database makes the file.
        """
        path = Path(f"{self.path}-lock")
        wait_until(path.exists, 10, "a file for locks")
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
            yield

    def add_pool(self, name, servers, balanced_name=None, **columns):
        """A pool with its own controllers (NAME-1, NAME-2, ...), and one name that it answers.

        servers: one (ipv4, ipv6) each, in their order.  columns: those of the table `pool`.
        """
        pool = Pool(name, tuple(servers), balanced_name or f"{name}.example.com")
        values = {"name": name, **columns}
        statements = [
            "BEGIN",
            f"INSERT INTO pool ({', '.join(values)})"
            f" VALUES ({', '.join(map(_literal, values.values()))})",
        ]
        for position, (ipv4, ipv6) in enumerate(servers, 1):
            controller = pool.controller(position - 1)
            statements += [
                "INSERT INTO controller (name, address)"
                f" VALUES ('{controller}', {_literal(ipv4 or ipv6)})",
                "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)"
                " SELECT pool.id, controller.id,"
                f" {position}, {_literal(ipv4)}, {_literal(ipv6)} FROM pool, controller"
                f" WHERE pool.name = '{name}' AND controller.name = '{controller}'",
            ]
        statements += [
            "INSERT INTO balanced_name (name, pool_id)"
            f" SELECT '{pool.question_name}', id FROM pool WHERE name = '{name}'",
            "COMMIT",
        ]
        self.sql(";\n".join(statements) + ";\n")
        return pool

    def set_available(self, pool, index, available):
        """What the monitor would do: the metric of one server of a pool, up (True) or down."""
        self.sql(
            "INSERT OR REPLACE INTO virtual_server_metric"
            " (virtual_server_id, name, value, measured_at)"
            f" SELECT v.id, 'availability', {int(available)}, unixepoch()"
            f" FROM virtual_server AS v JOIN pool ON pool.id = v.pool_id"
            f" WHERE pool.name = '{pool.name}' AND v.position = {index + 1};"
        )

    def age(self, pool, seconds):
        """Lets the mappings of a pool be so much older, instead of waiting."""
        self.sql(
            f"UPDATE persistence SET timestamp = timestamp - {seconds}"
            f" WHERE pool_id = (SELECT id FROM pool WHERE name = '{pool.name}');"
        )


def _literal(value):
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


@dataclasses.dataclass(frozen=True)
class Pool:
    """What a test knows of a pool that it has put into the database."""

    name: str
    servers: tuple  # (ipv4, ipv6) of each, in order
    question_name: str

    def controller(self, index):
        return f"{self.name}-{index + 1}"

    def answer(self, index, rdtype="A"):
        """The addresses in the answer when server `index` is chosen."""
        address = self.servers[index][rdtype == "AAAA"]
        return (address,) if address else ()

    def index_of(self, reply):
        """Which server a reply names."""
        (address,) = reply.addresses
        return next(i for i, server in enumerate(self.servers) if address in server)


# ---------------------------------------------------------------- what is promised


def chosen(client, count, down=(), prefix=None):
    """The server (0 .. count-1) that a new client is sent to: modulus arithmetic with failover.

    client: the resolver's address, or with `prefix` one of the network that counts.
    None when all are down.
    """
    address = ipaddress.ip_address(client)
    number = int(address) >> (address.max_prefixlen - (prefix or address.max_prefixlen))
    standing = list(range(count))
    while standing:
        second_value = number % len(standing) + 1
        place = second_value + 1 if second_value < len(standing) else 1
        server = standing[place - 1]
        if server not in down:
            return server
        standing.remove(server)
    return None


# ---------------------------------------------------------------- questions and replies


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


def ask(server, questions, window=64, seconds=5):
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


def ask_tcp(server, questions, seconds=5):
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


def _read_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise LostReply("PowerDNS closed the connection without an answer")
        data += piece
    return data


class Load(threading.Thread):
    """Questions without end, in the background, until the `with` block is left.

    make_question(n) gives the n-th.  Afterwards .replies has every one of them.
    """

    def __init__(self, server, make_question, window=32):
        super().__init__(daemon=True)
        self.server, self.make_question, self.window = server, make_question, window
        self.replies, self.error = [], None
        self.leaving = threading.Event()

    def _questions(self):
        count = 0
        while not self.leaving.is_set():
            yield self.make_question(count)
            count += 1

    def run(self):
        try:
            self.replies = ask(self.server, self._questions(), self.window)
        except BaseException as error:  # raised again where the test sees it
            self.error = error

    def __enter__(self):
        self.start()
        time.sleep(0.2)
        return self

    def __exit__(self, kind, value, trace):
        self.leaving.set()
        self.join()
        if self.error and not kind:
            raise self.error


# ---------------------------------------------------------------- the service


# In front of a command: it is the process that descriptor 3 is meant for.
HANDED_OVER = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]


def listening_socket(path):
    """A socket as pdns-sticky.socket makes it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o660)
    if USER:
        shutil.chown(path, USER, USER)
    listener.listen(4096)
    return listener


class Service:
    """pdns-sticky on a Unix socket, from `with` to the end of its block.

    listener: a socket at `path`, which is handed over as systemd does it.  before: words in front
    of the command.  Further options are those of subprocess.Popen.
    """

    def __init__(self, database, path, *arguments, listener=None, before=(), **options):
        self.path = Path(path)
        self.log = self.path.with_name(self.path.name + ".log")
        self.argv = [backend_path(), "--database", database.path, *arguments]
        self.options = {"user": USER, "group": USER, "extra_groups": []} if USER else {}
        if listener:
            self.argv = [*HANDED_OVER, *self.argv]
            self.options |= {"preexec_fn": lambda: os.dup2(listener.fileno(), 3), "pass_fds": [3]}
        else:
            self.argv += ["--socket", self.path]
        self.argv = [*before, *self.argv]
        self.options |= options
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        log = self.log.read_text(errors="replace")
        assert "Sanitizer" not in log and "runtime error" not in log, log

    def start(self):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                list(map(str, self.argv)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **self.options
            )
        wait_until(lambda: self._is_ready(begin), 5, "the service is ready")

    def _is_ready(self, begin):
        said = self.log.read_bytes()[begin:].decode()
        assert self.process.poll() is None, said
        return "ready at" in said

    def connect(self, seconds=20):
        """A connection that waits so long at most."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(seconds)
        try:
            client.connect(str(self.path))
        except OSError:
            client.close()
            raise
        return client

    @property
    def pid(self):
        """The process that accepts connections."""
        return self.process.pid

    def processes(self):
        """Process IDs of the connections."""
        return sorted(children(self.process.pid))

    def stop(self):
        """As systemd stops it.  The exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(10)


def _copy(source, sink, path):
    with source, contextlib.suppress(OSError), open(path, "ab", buffering=0) as copied:
        while data := source.recv(1 << 16):
            copied.write(data)
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def tapped(path, target, directory):
    """Hands on what comes to one socket to another, and keeps it in files `asked` and `told`."""

    def accept():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                service = socket.socket(socket.AF_UNIX)
                service.connect(str(target))
                for way in ((client, service, "asked"), (service, client, "told")):
                    arguments = (*way[:2], directory / way[2])
                    threading.Thread(target=_copy, args=arguments, daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


# ---------------------------------------------------------------- the server


def _free_port():
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                with contextlib.suppress(OSError):
                    udp.bind(("127.0.0.1", port))
                    return port
    raise OSError("no port is free for UDP and TCP")


def children(pid):
    """The processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(after_name[1]) == pid and after_name[0] != "Z":
                    found.append(int(entry.name))
    return found


def is_running(pid):
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class PowerDNS:
    """pdns_server with one of the shipped configurations, from `with` to the end of its block.

    A configuration that connects to a socket gets a service there, which outlives the server.

    conf       the file's name in pdns-conf/
    database   what the backend serves
    tap        keep every line between PowerDNS and its coprocesses; see asked_lines()
    exit_codes keep the exit codes of the coprocesses; see exit_codes()
    options    further settings, {"cache-ttl": 0}: a test that has any says why
    listen     makes the service's socket, as systemd would; called with its path
    prepare    called with this object before the server starts; it may use pdnsutil()
    """

    def __init__(
        self,
        conf,
        database,
        *,
        tap=False,
        exit_codes=False,
        options=None,
        listen=None,
        prepare=None,
    ):
        self.conf, self.database = CONFIGURATIONS / conf, database
        launch = re.search("^launch=(.*)", self.conf.read_text(), re.MULTILINE)[1]
        self.backend = next(name for name in launch.split(",") if name in ("pipe", "remote"))
        self.needs_service = "\nremote-connection-string=unix:" in self.conf.read_text()
        self.service = None
        self.tap, self.keep_exit_codes = tap, exit_codes
        self.extra, self.listen, self.prepare = options or {}, listen, prepare
        self.process = None

    # -- life

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self.directory = self._stack.enter_context(workspace())
        self.log = self.directory / "log"
        shutil.copy(self.conf, self.directory / "pdns.conf")
        try:
            if self.needs_service:
                self._start_service()
            self._configure()
            if self.prepare:
                self.prepare(self)
            for _ in range(3):  # another program may take the port first
                self._start()
                if self._answers():
                    return self
                self.stop()
            raise AssertionError(f"pdns_server does not answer\n{self.log_tail()}")
        except BaseException:
            self.stop()
            self._stack.close()
            raise

    def __exit__(self, kind, value, trace):
        self.stop()
        log = self.log.read_text(errors="replace")
        if kind:
            print(self.log_tail())
        self._stack.close()
        assert "Sanitizer" not in log and "runtime error" not in log, log

    def _configure(self):
        """The overrides; and a file with them for pdnsutil, whose command line takes none."""
        self.settings = {
            **self._backend(),
            "socket-dir": self.directory,
            "proxy-protocol-from": "127.0.0.1",
            **({} if USER else {"setuid": "", "setgid": ""}),
            **self.extra,
        }
        text = self.conf.read_text()
        text += "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.directory / "pdns-tools.conf").write_text(text)

    def _start_service(self):
        path = self.directory / "socket"
        listener = self.listen(path) if self.listen else None
        service = Service(self.database, path, listener=listener)
        self.service = self._stack.enter_context(service)
        self.socket = path
        if self.tap:
            tap = tapped(self.directory / "tap", path, self.directory)
            self.socket = self._stack.enter_context(tap)

    def _backend(self):
        """The setting that names the program, with the program under test."""
        if self.service:
            return {"remote-connection-string": f"unix:path={self.socket},timeout=2000"}
        if self.backend == "remote":
            return {"remote-connection-string": f"pipe:command={self._command()},timeout=2000"}
        return {"pipe-command": self._command()}

    def _start(self):
        self.address = ("127.0.0.1", _free_port())
        argv = ["pdns_server", f"--config-dir={self.directory}", "--disable-syslog=yes"]
        argv += [f"--local-address={self.address[0]}", f"--local-port={self.address[1]}"]
        argv += [f"--{name}={value}" for name, value in self.settings.items()]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _command(self):
        """What PowerDNS starts: the backend, or a shell script around it."""
        program = self.directory / "pdns-sticky"
        if not program.exists():  # a copy, for a checkout that the unprivileged user cannot enter
            shutil.copy(backend_path(), program)
        command = f"{program} --database {self.database.path}"
        if self.tap:
            line = f"tee -a {self.directory}/asked | {command} | tee -a {self.directory}/told"
            # Not with the pipes of other coprocesses, which a fork of PowerDNS's may hand on: two
            # taps would keep each other alive.
            text = f"import os\nos.closerange(3, 1024)\nos.execv('/bin/sh', ['sh', '-c', '{line}'])"
            command = self._script("tap", text, "/usr/bin/python3")
        if self.keep_exit_codes:
            command = self._script("keep", f"{command}\necho $? >>{self.directory}/exit-codes")
        return command

    def _script(self, name, text, interpreter="/bin/sh"):
        path = self.directory / name
        path.write_text(f"#!{interpreter}\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def _answers(self):
        """True as soon as it answers anything, False if it ends."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(LostReply, OSError):
                ask(self, [Question(None, "example.com", "SOA")], seconds=0.2)
                return True
        return False

    def stop(self):
        """Ends the server and nothing else; its coprocesses end by themselves."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    # -- looking at it

    def coprocesses(self):
        """Process IDs of the coprocesses, or of the connections to the service."""
        return self.service.processes() if self.service else sorted(children(self.process.pid))

    def log_tail(self, lines=25):
        """The end of the server's log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def asked_lines(self):
        """With tap: the lines that PowerDNS sent to all its coprocesses so far."""
        return (self.directory / "asked").read_text().splitlines()

    def told_lines(self):
        """With tap: the lines that all coprocesses sent to PowerDNS so far."""
        return (self.directory / "told").read_text().splitlines()

    def exit_codes(self):
        """With exit_codes: the exit code of each coprocess that has ended."""
        path = self.directory / "exit-codes"
        return [int(code) for code in path.read_text().split()] if path.exists() else []

    def counter(self, name):
        """One of PowerDNS's own counters."""
        return int(self.control("show", name))

    def control(self, *arguments):
        """Output of pdns_control."""
        where = [f"--config-dir={self.directory}", f"--socket-dir={self.directory}"]
        result = run(["pdns_control", *where, *arguments])
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def pdnsutil(self, *arguments, as_root=False):
        """pdnsutil with the server's configuration; the finished command."""
        argv = ["pdnsutil", f"--config-dir={self.directory}", "--config-name=tools", *arguments]
        return run(argv if as_root else as_user(argv))

    # -- asking it

    def one(self, ldns, name, rdtype="A", **more):
        """The reply to one question over UDP."""
        return ask(self, [Question(ldns, name, rdtype, **more)])[0]

    def one_tcp(self, ldns, name, rdtype="A", **more):
        """The reply to one question over TCP."""
        return ask_tcp(self, [Question(ldns, name, rdtype, **more)])[0]

    def dig(self, *arguments):
        """Output of dig, asked from PLAIN_ADDRESS."""
        address, port = self.address
        argv = ["dig", f"@{address}", "-p", str(port), "-b", PLAIN_ADDRESS, *arguments]
        return run(argv).stdout


def is_lookup(line):
    return line.startswith("Q\t") or '"method": "lookup"' in line


def name_and_type(line):
    """What a lookup asks for, in either protocol."""
    if line.startswith("{"):
        parameters = json.loads(line)["parameters"]
        return parameters["qname"].removesuffix("."), parameters["qtype"]
    return tuple(line.split("\t")[1:4:2])


def kill(pids, number=signal.SIGKILL):
    """A signal to these processes, all of them children of a server of ours."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def addresses_of_many_resolvers(count, random):
    """Distinct resolver addresses, half of them IPv4 and half IPv6, from all over both."""
    found = {}
    while len(found) < count:
        if len(found) % 2:
            address = ipaddress.IPv6Address((0x2 << 124) | random.getrandbits(124))
        else:
            address = ipaddress.IPv4Address(random.randrange(0x01000000, 0xDF000000))
        found[str(address)] = None
    return list(found)


def mixed_case(name, random):
    """The name with capitals here and there, as resolvers send it."""
    return re.sub("[a-z]", lambda m: random.choice((m[0], m[0].upper())), name)

"""What PowerDNS makes of it: the contenders behind a real pdns_server, under the same load.

Every contender runs with the threads and caches of a file of pdns-conf/, and with what its own way
needs.  Each round starts all of them, one after the other.  Processor time is taken from /proc,
of pdns_server and of its coprocesses; both include the load's warm-up, and so does what they are
divided by.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import databases
import processors
import rounds

CONFIGURATIONS = databases.HERE.parents[1] / "pdns-conf"
GSQLITE3_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
MILLION = 1_000_000
MIXTURES = {"mixed": [], "A alone": ["--a-alone"]}

PIPE_CONF = "pipe.conf"
REMOTE_PIPE_CONF = "remote-pipe.conf"
REMOTE_UNIX_CONF = "remote-unix.conf"
SOCKET = "service"

NO_CACHES = {"cache-ttl": 0, "query-cache-ttl": 0, "negquery-cache-ttl": 0}

RECORDS = """
INSERT INTO domains (id, name, type) VALUES (1, 'bench.example', 'NATIVE');
INSERT INTO records (domain_id, name, type, ttl, disabled, auth, content) VALUES
  (1, 'bench.example', 'SOA', 3600, 0, 1,
   'ns1.bench.example hostmaster.bench.example 1 3600 600 604800 60'),
  (1, 'bench.example', 'NS', 3600, 0, 1, 'ns1.bench.example'),
  (1, 'ns1.bench.example', 'A', 3600, 0, 1, '192.0.2.1');
"""

PLAIN = (
    RECORDS
    + """
INSERT INTO records (domain_id, name, type, ttl, disabled, auth, content) VALUES
  (1, 'www.bench.example', 'A', 30, 0, 1, '192.0.2.81'),
  (1, 'www.bench.example', 'AAAA', 30, 0, 1, '2001:db8::81');
"""
)

LUA = (
    RECORDS
    + """
INSERT INTO records (domain_id, name, type, ttl, disabled, auth, content) VALUES
  (1, 'www.bench.example', 'LUA', 30, 0, 1,
   'A "pickwhashed({{1, ''192.0.2.81''}, {1, ''192.0.2.82''}, {1, ''192.0.2.83''}})"'),
  (1, 'www.bench.example', 'LUA', 30, 0, 1,
   'AAAA "pickwhashed({{1, ''2001:db8::81''}, {1, ''2001:db8::82''}, {1, ''2001:db8::83''}})"');
"""
)


@dataclasses.dataclass(frozen=True)
class Contender:
    """configuration: a file of pdns-conf.  crowd: mappings in its database, 0 to do nothing.

    records: what gsqlite3 serves instead of a coprocess.  is_other: the other program of --against.
    """

    name: str
    configuration: str = PIPE_CONF
    crowd: int = 0
    strangers: bool = False
    records: str = None
    settings: dict = dataclasses.field(default_factory=dict)
    is_other: bool = False

    def other(self):
        """The same with the other program; None where no program of ours takes part."""
        return dataclasses.replace(self, name=f"{self.name} *", is_other=True) if self.crowd else None

    @property
    def does_nothing(self):
        return not self.crowd and not self.records

    @property
    def is_service(self):
        return self.configuration == REMOTE_UNIX_CONF

    @property
    def load_options(self):
        options = ["--crowd", str(self.crowd or MILLION)]
        if self.strangers:
            return [*options, "--strangers"]
        return [*options, "--stuck"] if self.crowd else options


NOTHING = Contender("does nothing")
HITS = Contender("hits, 1 million", crowd=MILLION)
MANY_HITS = Contender("hits, 10 million", crowd=10 * MILLION)
STRANGERS = Contender("all new, 1 million", crowd=MILLION, strangers=True)
PICKWHASHED = Contender("LUA pickwhashed", records=LUA, settings={"enable-lua-records": "yes"})
SHARED_LUA = Contender("LUA, shared state", records=LUA, settings={"enable-lua-records": "shared"})
UNCACHED = Contender("gsqlite3, no caches", records=PLAIN, settings=NO_CACHES)
CONTENDERS = (NOTHING, HITS, MANY_HITS, STRANGERS, UNCACHED, PICKWHASHED, SHARED_LUA)

# The remote backend; hits too, of 1 million.
PIPE = Contender("pipe", crowd=MILLION)
REMOTE_PIPE = Contender("remote-pipe", REMOTE_PIPE_CONF, crowd=MILLION)
REMOTE_UNIX = Contender("remote-unix", REMOTE_UNIX_CONF, crowd=MILLION)
NOTHING_REMOTE_PIPE = Contender("nothing, remote-pipe", REMOTE_PIPE_CONF)
NOTHING_REMOTE_UNIX = Contender("nothing, remote-unix", REMOTE_UNIX_CONF)
REMOTE_CONTENDERS = (PIPE, NOTHING_REMOTE_PIPE, REMOTE_PIPE, NOTHING_REMOTE_UNIX, REMOTE_UNIX)


# ---------------------------------------------------------------- the server


def shipped_settings(configuration):
    """The settings of a file of pdns-conf."""
    lines = (CONFIGURATIONS / configuration).read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return dict(pairs)


def _backend_settings(contender, command, directory):
    """The shipped settings, with the benchmark's own paths."""
    settings = shipped_settings(contender.configuration)
    if contender.records:
        settings = {k: v for k, v in settings.items() if not k.startswith("pipe-")}
        del settings["zone-cache-refresh-interval"]  # off for the pipe backend's sake alone
        return settings | {"launch": "gsqlite3", "gsqlite3-database": directory / "pdns.sqlite3"}
    command = " ".join(map(str, command))
    if contender.configuration == PIPE_CONF:
        return settings | {"pipe-command": command}
    kind, _, rest = settings["remote-connection-string"].partition("=")
    place = directory / SOCKET if contender.is_service else command
    return settings | {"remote-connection-string": f"{kind}={place},{rest.partition(',')[2]}"}


def _settings(contender, command, directory, port):
    return _backend_settings(contender, command, directory) | {
        "receiver-threads": os.cpu_count(),
        "local-address": "127.0.0.1",
        "local-port": port,
        "socket-dir": directory,
        "proxy-protocol-from": "127.0.0.1",
        "setuid": "",
        "setgid": "",
        "disable-syslog": "yes",
        **contender.settings,
    }


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
        tcp.bind(("127.0.0.1", 0))
        return tcp.getsockname()[1]


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """One pdns_server with one contender, from `with` to the end of its block."""

    def __init__(self, contender, command):
        self.contender, self.command = contender, command

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        made = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pdns-bench-"))
        self.directory, self.process, self.service = Path(made), None, None
        try:
            self._start()
            return self
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, kind, value, trace):
        self._stack.close()

    def _start(self):
        if self.contender.records:
            self._fill_gsqlite3()
        if self.contender.is_service:
            self._start_service()
        self.port = _free_port()
        settings = _settings(self.contender, self.command, self.directory, self.port)
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.directory / "pdns.conf").write_text(text)
        argv = [shutil.which("pdns_server") or "/usr/sbin/pdns_server"]
        self.process = self._run([*argv, f"--config-dir={self.directory}"])
        self._await_answer()

    def _run(self, argv):
        """A process that lives until the end of the block; those started last end first."""
        with open(self.directory / "log", "ab") as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._stack.callback(_end, process)
        return process

    def _start_service(self):
        """And waits for it, since PowerDNS does not start without."""
        path = str(self.directory / SOCKET)
        self.service = self._run([*self.command, "--socket", path])
        end = time.monotonic() + 5
        while True:
            with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
                client.connect(path)
                return
            if time.monotonic() > end or self.service.poll() is not None:
                raise RuntimeError(f"no service of {self.contender.name}\n{self._log()}")
            time.sleep(0.02)

    def _log(self):
        return (self.directory / "log").read_text(errors="replace")[-3000:]

    def _fill_gsqlite3(self):
        argv = ["sqlite3", "-batch", "-bail", self.directory / "pdns.sqlite3"]
        text = GSQLITE3_SCHEMA.read_text() + self.contender.records
        subprocess.run(argv, input=text, text=True, check=True, stdout=subprocess.DEVNULL)

    def _await_answer(self):
        """A question for the zone's SOA, which no coprocess has to look up."""
        proxy = b"\r\n\r\n\0\r\nQUIT\n\x21\x12" + struct.pack("!H4B4BHH", 12, *8 * (1,), 53, 53)
        query = b"\0\1\0\0\0\1\0\0\0\0\0\0\5bench\7example\0\0\6\0\1"
        end = time.monotonic() + 15
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.1)
            asker.connect(("127.0.0.1", self.port))
            while time.monotonic() < end and self.process.poll() is None:
                with contextlib.suppress(OSError):
                    asker.send(proxy + query)
                    if asker.recv(512)[3] & 15 == 0:
                        return
                time.sleep(0.05)
        raise RuntimeError(f"pdns_server does not answer for {self.contender.name}\n{self._log()}")

    # -- looking at it

    def coprocesses(self):
        """Their process IDs; those of a service are its own children."""
        parent, found = (self.service or self.process).pid, set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if int(processors.stat(entry.name)[1]) == parent:
                        found.add(int(entry.name))
        return found

    def counter(self, name):
        """One of PowerDNS's own counters."""
        where = [f"--config-dir={self.directory}", f"--socket-dir={self.directory}"]
        argv = ["pdns_control", *where, "show", name]
        return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


# ---------------------------------------------------------------- the measurements


class Served:
    """run() does all: {mixture: {contender: medians and rounds}}.

    against   another pdns-sticky for the same database; takes its turn beside this one.  None: none.
    """

    contenders, mixtures = CONTENDERS, MIXTURES

    def __init__(self, tools, program, store, scale, quiet, say, against=None):
        self.tools, self.program, self.store = tools, program, store
        self.scale, self.quiet, self.say, self.asked = scale, quiet, say, 0
        self.rounds, self.against = scale.rounds, against

    def run(self):
        runs = {mixture: {} for mixture in self.mixtures}
        for number in range(self.rounds):
            for contender in self._order(number):
                self.say(f"PowerDNS, round {number + 1} of {self.rounds}: {contender.name}")
                for mixture, numbers in self._round(contender).items():
                    runs[mixture].setdefault(contender.name, []).append(numbers)
        return {
            mixture: {name: rounds.medians(all_rounds) for name, all_rounds in found.items()}
            for mixture, found in runs.items()
        }

    def _order(self, number):
        """Who runs second finds the caches warm, so two programs take turns at that."""
        for contender in self.contenders:
            both = [contender, contender.other()] if self.against else [contender]
            yield from filter(None, both if number % 2 == 0 else reversed(both))

    def _round(self, contender):
        with contextlib.ExitStack() as stack:
            path = self._database(contender, stack)
            program = self.against if contender.is_other else self.program
            command = [program, "--database", path] if path else [self.tools / "nothing"]
            server = stack.enter_context(Server(contender, command))
            if contender.configuration != PIPE_CONF:
                self._wake(server)
            return {
                mixture: self.quiet.measure(lambda o=options: self._measure(server, path, o))
                for mixture, options in self.mixtures.items()
            }

    def _wake(self, server):
        """A thread of PowerDNS's remote backend starts its coprocess with its first question."""
        self._load(server.port, [*server.contender.load_options, "--seconds", "0.1"])

    def _database(self, contender, stack):
        path = self.store.web(contender.crowd) if contender.crowd else None
        return stack.enter_context(self.store.copy(path)) if contender.strangers else path

    def _measure(self, server, path, options):
        if not server.contender.strangers:
            return self._measure_cost(server, options)
        before = databases.mappings(path)
        numbers = self._measure_cost(server, options)
        made = databases.mappings(path) - before
        return {**numbers, "written": made / (numbers["asked"] * numbers["round_trips"])}

    def _measure_cost(self, server, options):
        servers, coprocesses = [server.process.pid], server.coprocesses()
        others = processors.Others([*servers, *coprocesses])
        queries = server.counter("backend-queries")
        before = processors.used_s(servers), processors.used_s(coprocesses)
        numbers = self._load(server.port, [*server.contender.load_options, *options])
        asked = numbers["asked"]
        if server.coprocesses() != coprocesses:
            raise RuntimeError(f"a coprocess of {server.contender.name} was replaced")
        numbers["server_us"] = 1e6 * (processors.used_s(servers) - before[0]) / asked
        numbers["coprocess_us"] = 1e6 * (processors.used_s(coprocesses) - before[1]) / asked
        numbers["round_trips"] = (server.counter("backend-queries") - queries) / asked
        numbers["others"] = others.share()
        return numbers

    def _load(self, port, options):
        argv = [self.tools / "load", "--port", port, "--seconds", self.scale.seconds]
        argv += ["--first", self.asked, *options]
        done = subprocess.run(
            list(map(str, argv)), stdout=subprocess.PIPE, text=True, timeout=60, check=True
        )
        numbers = json.loads(done.stdout)
        self.asked += 400_000  # more than one run can ask, so that strangers stay strangers
        return numbers


class Remote(Served):
    """The same with PowerDNS's remote backend."""

    contenders, mixtures = REMOTE_CONTENDERS, {"mixed": MIXTURES["mixed"]}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.rounds = self.scale.remote_rounds

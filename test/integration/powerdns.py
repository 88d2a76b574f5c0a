"""The real pdns_server, started with a file of pdns-conf/ exactly as it is shipped.

The command line overrides only what a test must: paths, port, and who may send PROXY headers.
"""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import threading
import time

from dns_client import PLAIN_ADDRESS, LostReply, Question, ask, ask_tcp
from processes import (
    REPOSITORY,
    SECONDS_MAX,
    USER,
    as_user,
    assert_no_sanitizer_report,
    backend_path,
    children,
    free_port,
    run,
    workspace,
)
from service import Service

CONFIGURATIONS = REPOSITORY / "pdns-conf"


# ---------------------------------------------------------------- between PowerDNS and the program


def _copy(source, sink, path):
    with source, contextlib.suppress(OSError), open(path, "ab", buffering=0) as copied:
        while data := source.recv(1 << 16):
            copied.write(data)
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


# What _copy() does, for a pipe: keeps lines before it hands them on. With tee it is the other way
# round, so whoever has an answer might not find the question yet.
KEEP = """open my $kept, ">>", shift or die;
while (sysread STDIN, my $lines, 65536) { syswrite $kept, $lines; syswrite STDOUT, $lines }"""


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


def is_lookup(line):
    return line.startswith("Q\t") or '"method": "lookup"' in line


def name_and_type(line):
    """What a lookup asks for, in either protocol."""
    if line.startswith("{"):
        parameters = json.loads(line)["parameters"]
        return parameters["qname"].removesuffix("."), parameters["qtype"]
    return tuple(line.split("\t")[1:4:2])


# ---------------------------------------------------------------- the server


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
        assert_no_sanitizer_report(log)

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
        text = text.replace("timeout=2000", f"timeout={1000 * SECONDS_MAX}")  # of its coprocess
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
        command = self._command()
        is_slow = self.tap or self.keep_exit_codes  # scripts, which take longer to start
        patience_ms = 1000 * SECONDS_MAX
        if self.backend == "remote":
            timeout = patience_ms if is_slow else 2000
            return {"remote-connection-string": f"pipe:command={command},timeout={timeout}"}
        return {"pipe-command": command, **({"pipe-timeout": patience_ms} if is_slow else {})}

    def _start(self):
        self.address = ("127.0.0.1", free_port())
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
            ways = [f"perl -e '{KEEP}' {path}" for path in self._tapped()]
            command = self._script("tap", f"{ways[0]} | {command} | {ways[1]}")
        if self.keep_exit_codes:
            command = self._script("keep", f"{command}\necho $? >>{self.directory}/exit-codes")
        return command

    def _script(self, name, lines):
        """A program that runs lines of the shell.

        Not with the pipes of other coprocesses, which a fork of PowerDNS's may hand on: two scripts
        would keep each other's coprocesses alive.
        """
        path = self.directory / name
        path.write_text(
            "#!/usr/bin/python3\nimport os\nos.closerange(3, 1024)\n"
            f"os.execv('/bin/sh', ['sh', '-c', {lines!r}])\n"
        )
        path.chmod(0o755)
        return str(path)

    def _answers(self):
        """True as soon as it answers anything, False if it ends."""
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(LostReply, OSError):
                ask(self, [Question(None, "example.com", "SOA")], seconds=1)
                return True
        return False

    def stop(self):
        """Ends the server and nothing else; its coprocesses end by themselves."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS_MAX)
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

    def _tapped(self):
        return self.directory / "asked", self.directory / "told"

    def asked_lines(self):
        """With tap: the lines that PowerDNS sent to all its coprocesses so far."""
        return self._tapped()[0].read_text().splitlines()

    def told_lines(self):
        """With tap: the lines that all coprocesses sent to PowerDNS so far."""
        return self._tapped()[1].read_text().splitlines()

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

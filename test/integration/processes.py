"""The programs under test, other processes, whom they run as, and waiting for what they do.

backend_path(), control_path(), daemon_path()  the programs under test
LoggedProcess                  one that stays in the foreground and writes a log
workspace()                    a directory that the unprivileged user owns
free_port()                    a port for a server that is started next
wait_until()                   waits for a fact
"""

import atexit
import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS_MAX = 60  # nothing that a test waits for takes so long, on any machine; then it fails
LONG = bool(os.environ.get("PDNS_STICKY_LONG"))  # some tests then take a minute; scripts/test --long
USER = "pdns" if os.geteuid() == 0 else None  # whom the server and the shell run as


# ---------------------------------------------------------------- users and commands


def as_user(argv, user=USER):
    """The command by which root runs another as this user, in the same process.

    Starting many programs is most of the work of these tests, and of all ways this is the cheapest.
    """
    argv = list(map(str, argv))
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *argv] if user else argv


def give_to_user(path):
    """Makes the unprivileged user the owner of a file, when we are root."""
    if USER:
        shutil.chown(path, USER, USER)


def now_ms():
    """Unix time in milliseconds."""
    return int(time.time() * 1000)


def run(argv, **options):
    """The finished command; its output is text in .stdout and .stderr, its exit code unchecked."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS_MAX, **options)


# ---------------------------------------------------------------- programs and places


@functools.cache
def program_directory():
    """A directory for copies of the programs under test, removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-program-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)
    return directory


@functools.cache
def copy_of_program(name):
    """A copy of a program that stands beside $PDNS_STICKY, or in build/.

    A copy, because the unprivileged user may not be let into the checkout, and because a build
    that goes on meanwhile should not change what is tested.
    """
    built = Path(os.environ.get("PDNS_STICKY") or REPOSITORY / "build" / "pdns-sticky").absolute()
    path = built.with_name(name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: build it first, or say where it is in PDNS_STICKY")
    return Path(shutil.copy(path, program_directory()))


def backend_path():
    return copy_of_program("pdns-sticky")


def control_path():
    return copy_of_program("pdns-stickyctl")


def daemon_path():
    return copy_of_program("pdns-stickyd")


@contextlib.contextmanager
def workspace():
    """A directory of the unprivileged user, removed at the end.  (pytest's own are only root's.)"""
    directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-"))
    directory.chmod(0o755)
    give_to_user(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


PORTS = range(10_000, 32_000)  # below those that the system gives to connections


def free_port(address="127.0.0.1"):
    """A port that nobody has there.  Tests that run at once take turns, so nobody else gets it until
    the server is started."""
    with open(Path(tempfile.gettempdir(), f"pdns-sticky-port-{os.getuid()}"), "a+b") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        last.seek(0)
        port = int(last.read() or PORTS[0])
        for _ in PORTS:
            port = port + 1 if port + 1 in PORTS else PORTS[0]
            if _is_free(address, port):
                last.truncate(0)
                last.write(str(port).encode())
                return port
    raise OSError("no port is free")


def _is_free(address, port):
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind((address, port))
            udp.bind((address, port))
        except OSError:
            return False
        return True


def wait_until(condition, seconds, what):
    """Returns when condition() is true; fails with `what` after so many seconds.

    what: words, or a function that finds them then.
    """
    begin = time.monotonic()
    while not condition():
        waited = time.monotonic() - begin
        assert waited < seconds, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(min(max(waited / 10, 0.02), 0.1))  # a look may cost as much as a program's start


# ---------------------------------------------------------------- processes


def memory_kib(pid):
    """KiB that a process has to itself.  The pages of a database are the system's, and count once for
    each connection that maps them."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"RssAnon:\s*(\d+)", status.read())[1])


def process_stat(pid):
    """The fields of /proc/PID/stat after the name: the state, the parent, the group, ..."""
    with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
        return stat.read().rpartition(")")[2].split()


def processor_seconds(pid):
    """What a process has used, of user and system."""
    fields = process_stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_running(pid):
    """Whether a process exists and is not a zombie."""
    try:
        return process_stat(pid)[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _running_with(field, value):
    """The processes, zombies apart, whose stat has this value in one field."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = process_stat(entry.name)
                if int(stat[field]) == value and stat[0] != "Z":
                    found.append(int(entry.name))
    return found


def children(pid):
    """The processes whose parent is `pid`."""
    return _running_with(1, pid)


def group_members(group):
    """The processes of a process group."""
    return _running_with(2, group)


def bytes_written(pid):
    """By a process, to files and pipes; 0 also when it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/io").read_text().splitlines():
            if line.startswith("wchar:"):
                return int(line.split()[1])
    return 0


def kill(pids, number=signal.SIGKILL):
    """Sends a signal to these processes, all of which the tests have started."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _stands_still(pid):
    """Whether each of its threads is stopped."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one ends meanwhile
        threads = Path(f"/proc/{pid}/task").iterdir()
        return all(process_stat(f"{pid}/task/{thread.name}")[0] in "TZ" for thread in threads)
    return False


def stop(pids):
    """By SIGSTOP, and all of them stand still on return: a thread that waits for its turn may go on
    for a while, and read what is sent to it.
    """
    kill(pids, signal.SIGSTOP)
    for pid in pids:
        wait_until(
            lambda: _stands_still(pid) or not is_running(pid),
            SECONDS_MAX,
            f"process {pid} is stopped",
        )


@contextlib.contextmanager
def busy_processors(count=2):
    """So many loops that do nothing and never rest."""
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def assert_no_sanitizer_report(log):
    assert "Sanitizer" not in log and "runtime error" not in log, log


class LoggedProcess:
    """A program in the foreground whose standard output and error are a file.

    argv, options  for subprocess.Popen
    log            path of the file; what is said later is added to it
    ready          the words in the log that tell that it can be used
    user           whom it runs as when we are root
    has_children   it starts others, which would outlive it when it is killed
    """

    def __init__(self, argv, log, ready, user=USER, has_children=False, **options):
        self.argv, self.log, self.ready = list(map(str, argv)), Path(log), ready
        self.user, self.options = user, {"start_new_session": has_children, **options}
        self.has_children = has_children
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.has_children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert_no_sanitizer_report(self.said())

    def start(self):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                as_user(self.argv, self.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.options,
            )
        wait_until(lambda: self._is_ready(begin), SECONDS_MAX, f'"{self.ready}" in the log')

    def _is_ready(self, begin):
        said = self.log.read_bytes()[begin:].decode()
        assert self.process.poll() is None, said
        return self.ready in said

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        """The whole log."""
        return self.log.read_text(errors="replace")

    log_tail = said

    def stop(self):
        """Stops it as systemd does.  The exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(SECONDS_MAX)

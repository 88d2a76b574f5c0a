"""The program as a service on a Unix socket, and what systemd has to do with it."""

import os
import re
import socket
from pathlib import Path

from processes import (
    SECONDS_MAX,
    LoggedProcess,
    as_user,
    backend_path,
    children,
    give_to_user,
    run,
)

# In front of a command: it is the process that descriptor 3 is meant for.
HANDED_OVER = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]


def listening_socket(path):
    """A socket as pdns-sticky.socket makes it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o660)
    give_to_user(path)
    listener.listen(4096)
    return listener


class Service(LoggedProcess):
    """pdns-sticky on a Unix socket, from `with` to the end of its block.

    listener: a socket at `path`, which is handed over as systemd does it.  before: words in front
    of the command.  Further options are those of subprocess.Popen.
    """

    def __init__(self, database, path, *arguments, listener=None, before=(), **options):
        self.path = Path(path)
        argv = [backend_path(), "--database", database.path, *arguments]
        if listener:
            argv = [*HANDED_OVER, *argv]
            options = {
                "preexec_fn": lambda: os.dup2(listener.fileno(), 3), "pass_fds": [3], **options
            }  # fmt: skip
        else:
            argv += ["--socket", self.path]
        log = self.path.with_name(self.path.name + ".log")
        super().__init__([*before, *argv], log, "ready at", **options)

    def __exit__(self, *exception):
        self.stop()
        super().__exit__(*exception)

    def connect(self, seconds=SECONDS_MAX):
        """A connection that waits so long at most."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(seconds)
        try:
            client.connect(str(self.path))
        except OSError:
            client.close()
            raise
        return client

    def processes(self):
        """Process IDs of the connections; `pid` is the process that accepts them."""
        return sorted(children(self.pid))


def unit_settings(*files):
    """What a unit and its drop-ins say under [Service], {name: value}: the last one counts."""
    found = {}
    for file in files:
        section = Path(file).read_text().partition("\n[Service]\n")[2].partition("\n[")[0]
        found.update(re.findall(r"^(\w+)=(.*)", section, re.MULTILINE))
    assert found, f"no [Service] in {files}"
    return found


def with_proc_of(unit):
    """In front of a command: it runs as the user, and sees the /proc that systemd would give to the
    unit.  Needs root."""
    settings = unit_settings(unit)
    words = {"ProtectProc": "hidepid", "ProcSubset": "subset"}
    options = [f"{word}={settings[name]}" for name, word in words.items() if name in settings]
    mount = 'mount -t proc -o "$0" proc /proc && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, ",".join(["rw", *options]), *as_user([])]


def allowed_calls(unit):
    """The system calls that the filter of a unit lets through, by the words of systemd itself."""

    def named(group):
        lines = run(["systemd-analyze", "syscall-filter", group]).stdout.splitlines()
        found = set()
        for line in (line.strip() for line in lines[1:]):
            if line.startswith("@"):
                found |= named(line)
            elif line and not line.startswith("#"):
                found.add(line)
        return found

    calls = set()
    for words in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(), re.MULTILINE):
        words_of_line = words.removeprefix("~").split()
        groups = set().union(*(named(w) if w.startswith("@") else {w} for w in words_of_line))
        calls = calls - groups if words.startswith("~") else calls | groups
    return calls

"""`pdns-stickyctl check` on a sample file of pdns-conf/, with the paths of a test.

Place     a directory with databases, the program, and a pdns_server that only prints its version
Findings  what one run of the command has found
"""

import contextlib
import getpass
import json
import os
import re
import shutil
import socket
from pathlib import Path

from database import SAMPLE, Database
from powerdns import CONFIGURATIONS
from processes import USER, backend_path, control_path, give_to_user, run, workspace
from zones import GSQLITE3_SCHEMA, THREE_SITES

SAMPLES = (
    "pipe.conf", "remote-pipe.conf", "remote-unix.conf", "overlay-gsqlite3.conf",
    "overlay-remote-gsqlite3.conf",
)  # fmt: skip

# What a test's machine has, in place of what the sample files are written for.
PROCESSORS = len(os.sched_getaffinity(0))
OWNER = USER or getpass.getuser()

# The zone of the overlay, and what stands in for its balanced names.
STAND_INS = """
    INSERT INTO domains (id, name, type) VALUES (1, 'example.com', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content) VALUES
      (1, 'example.com', 'SOA', 'ns1.example.com hostmaster.example.com 1 7200 900 1209600 60'),
      (1, 'example.com', 'NS', 'ns1.example.com'),
      (1, 'www.example.com', 'A', '203.0.113.1'),
      (1, 'www.example.com', 'AAAA', '2001:db8:0:1::80'),
      (1, 'www.example.com', 'MX', 'mail.example.com'),
      (1, 'api.eu.example.com', 'A', '203.0.113.1'),
      (1, 'api.eu.example.com', 'AAAA', '2001:db8:0:1::80');
"""


class Findings:
    """What one run has found: as it was printed with --json, with the exit status."""

    def __init__(self, done):
        self.status, self.errors = done.returncode, done.stderr
        self.document = json.loads(done.stdout)
        self.list = self.document["findings"]
        self.unchecked = self.document["unchecked"]
        assert self.status == (1 if self.list else 0), done

    @property
    def names(self):
        return [finding["name"] for finding in self.list]

    def only(self, name):
        """The one finding there is, which has this name."""
        assert self.names == [name], self.list
        return self.list[0]


def with_settings(text, settings):
    """A configuration with other values: {name: value}; None leaves the setting out."""
    for name, value in settings.items():
        text = re.sub(rf"^{re.escape(name)}=.*\n", "", text, flags=re.MULTILINE)
        if value is not None:
            text += f"{name}={value}\n"
    return text


class Place:
    """A directory of the user that PowerDNS runs as, from `with` to the end of its block."""

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self.directory = self._stack.enter_context(workspace())
        self.program = Path(shutil.copy(backend_path(), self.directory / "pdns-sticky"))
        self.sample = Database.create(self.directory, SAMPLE)
        self.overlay = self._make_overlay()
        self.zones = Database(self.directory / "pdns.sqlite3")
        self.zones.sql(Path(GSQLITE3_SCHEMA).read_text() + STAND_INS)
        self.socket = self._listen()
        self.tools = self.directory / "tools"
        self.tools.mkdir()
        self.write_tool(
            "pdns_server", 'echo "PowerDNS Authoritative Server $PDNS_TEST_VERSION (C) 2001"'
        )
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _make_overlay(self):
        database = Database.create(self.directory, name="overlay.sqlite")
        database.add_pool("www", THREE_SITES)
        database.add_pool("eu", THREE_SITES, balanced_name="api.eu.example.com")
        database.sql(
            "INSERT INTO record (zone_id, name, type, content)"
            " VALUES (NULL, 'www.example.com', 'MX', '10 mail.example.com');"
        )
        return database

    def _listen(self):
        path = self.directory / "socket"
        listener = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        give_to_user(path)
        return path

    def write_tool(self, name, lines):
        """A program that stands before others of its name."""
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    def database_of(self, sample):
        return self.overlay if "overlay" in sample else self.sample

    def settings(self, database):
        """What stands in the sample files for other machines, with what is right here."""
        command = f"{self.program} --database {database.path}"
        return {
            "pipe-command": command,
            "remote-connection-string": {
                "unix": f"unix:path={self.socket},timeout=2000",
                "pipe": f"pipe:command={command},timeout=2000",
            },
            "gsqlite3-database": self.zones.path,
            "gsqlite3-meta-database": self.zones.path,
            "receiver-threads": PROCESSORS,
            "setuid": OWNER,
        }

    def conf(self, sample, database, settings):
        """The text of a sample file with the paths of this test, and other settings."""
        text = (CONFIGURATIONS / sample).read_text()
        for name, value in self.settings(database).items():
            if isinstance(value, dict):
                value = value["unix" if f"\n{name}=unix:" in text else "pipe"]
            if f"\n{name}=" in text:
                text = with_settings(text, {name: value})
        return with_settings(text, settings)

    def run(self, path, database, *, version="4.7.3", before=(), json=True, words=()):
        """The finished command, on a configuration that is there."""
        argv = [*before, control_path(), "--database", database.path, "check", "--powerdns", path]
        environment = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "PDNS_TEST_VERSION": version,
        }
        return run([*map(str, argv), *(["--json"] if json else []), *words], env=environment)

    def check(self, sample, settings=None, *, database=None, more="", name="pdns.conf", **options):
        """What is found with a sample file.

        settings: as with_settings() takes them.  more: further lines.  name: of the copy.
        """
        database = database or self.database_of(sample)
        path = self.directory / name
        path.write_text(self.conf(sample, database, settings or {}) + more)
        return Findings(self.run(path, database, **options))

"""A flood of forged resolvers, while a thousand honest ones keep asking.

Two coprocesses on one database, as a PowerDNS with two receiver threads has.  The honest ones have
mappings that the method would not make, so that each answer shows whether it came from the row.

First the settings are the defaults.  Then max_megabytes is small and the forged mappings expire
soon: the flood reaches the bound, expired rows are swept, and a second flood finds the room again.
"""

import contextlib
import json
import sqlite3
import subprocess
from pathlib import Path

import databases
import processors

HONEST = 1_000
HONEST_TTL_S = 30 * 24 * 3600
FORGED_PER_SECOND = 5_000_000 / 60
DEFAULT_MEGABYTES = 1024

# Of the second part: the bound is reached in some 15 seconds, and with the end of the flood the
# first of the forged mappings expire.
BOUND_MEGABYTES = 4
BOUND_FLOOD_S = 25
FORGED_TTL_S = 25
DRAIN_S = 150

# What two processes may write between two looks at the size of the file.
LOOK_S = 1
WRITES_PER_SECOND = 2_000
MAPPING_BYTES = 128
BOUND_BYTES = (BOUND_MEGABYTES << 20) + 2 * LOOK_S * WRITES_PER_SECOND * MAPPING_BYTES

MOVED = f"""
UPDATE persistence SET controller_id = controller_id % {databases.SERVERS} + 1;
DELETE FROM setting WHERE name IN ('max_writes_per_second', 'max_megabytes');
UPDATE pool SET persistence_ttl = 3600;
"""
BOUND = f"""
INSERT INTO setting (name, value) VALUES ('max_megabytes', {BOUND_MEGABYTES});
UPDATE pool SET persistence_ttl = {FORGED_TTL_S};
"""


class Flood:
    """run() does all: {"flood": ..., "bound": ...}, each {"phases": [...], ...}."""

    def __init__(self, tools, program, store, scale, quiet, say):
        self.tools, self.program, self.store = tools, program, store
        self.scale, self.quiet, self.say = scale, quiet, say

    def run(self):
        """The first part is repeated while others disturb; in the second nothing is timed."""
        return {"flood": self.quiet.measure(self._flood), "bound": self._bound()}

    def _flood(self):
        seconds, phase = self.scale.flood_s, _flood_phase(self.scale.flood_s)
        self.say(f"{self.scale.quiet_s} quiet seconds, and a flood of {seconds}")
        return self._measure("", (f"quiet:{self.scale.quiet_s}", phase))

    def _bound(self):
        phase = _flood_phase(BOUND_FLOOD_S)
        self.say(f"a flood up to {BOUND_MEGABYTES} megabytes, its end, and another")
        return self._measure(BOUND, (phase, f"drain:{DRAIN_S}", phase))

    def _measure(self, settings, phases):
        with self.store.fresh("flood", databases.WEB) as path:
            self._settle_honest(path)
            _change(path, settings)
            before = _honest_rows(path)
            others = processors.Others()
            found = self._tool("flood", path, *phases, "--", *self._command(path))
            numbers = {"phases": found, "others": others.share()}
            numbers["rows_changed"] = len(before ^ _honest_rows(path))
            numbers["status"] = self._problems(path)
        return numbers

    def _settle_honest(self, path):
        """The program itself maps them, and then each is moved on by one."""
        options = ["--crowd", HONEST, "--count", HONEST]
        self._tool("replay", *options, "--", *self._command(path))
        _change(path, MOVED)
        if len(_honest_rows(path)) != HONEST:
            raise RuntimeError("the honest resolvers have no mappings")

    def _problems(self, path):
        """The problems that `status` names."""
        control = Path(self.program).with_name("pdns-stickyctl")
        argv = [str(control), "--database", str(path), "status"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if line.startswith("problem: ")]

    def _command(self, path):
        return [self.program, "--database", path]

    def _tool(self, name, *arguments):
        argv = [str(self.tools / name), *map(str, arguments)]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=600, check=True)
        return json.loads(done.stdout)


def _flood_phase(seconds):
    return f"flood:{seconds}:{int(seconds * FORGED_PER_SECOND)}"


def _change(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def _honest_rows(path):
    """Theirs bind for longer than any forged one's."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT * FROM persistence WHERE ttl = ?", (HONEST_TTL_S,)))

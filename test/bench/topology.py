"""A topology of 500 thousand networks: to load it, to ask it, and to change it while questions come.

The networks are drawn by lot with the lengths that a route table has, four fifths of them IPv4; each
leads to one of ten controllers with one of three preferences.
"""

import contextlib
import ipaddress
import json
import random
import sqlite3
import subprocess
import time

import databases
import processors
import rounds

ROWS = 500_000
LOOKUPS = 1_000_000
RESOLVER = "198.51.100.7"
PAUSE_S = 1.2  # after a load that took long, the next one begins no sooner than in a second

# Lengths and how many of a hundred have them.
IPV4 = {24: 60, 23: 8, 22: 11, 21: 5, 20: 5, 19: 3, 18: 2, 17: 1, 16: 2, 15: 1, 12: 1, 8: 1}
IPV6 = {48: 46, 47: 3, 46: 3, 45: 2, 44: 9, 42: 2, 40: 9, 36: 5, 33: 3, 32: 13, 29: 4, 24: 1}

CONFIGURATION = (
    databases.WEB
    + """
WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
  INSERT INTO controller (id, name) SELECT i, 'site-' || i FROM n;
UPDATE pool SET method = 'topology', persistence_ttl = 0;
DROP TRIGGER topology_insert;
DROP TRIGGER revision_topology_insert;
"""
)


def _networks():
    """Texts of networks, each once; the last leads the resolver of the questions to a site."""
    lot, seen = random.Random(1), set()
    while len(seen) < ROWS - 1:
        if len(seen) < ROWS * 4 // 5:
            bits = lot.choices(list(IPV4), IPV4.values())[0]
            address = lot.randrange(1 << 24, 224 << 24) >> (32 - bits) << (32 - bits)
            seen.add(f"{ipaddress.IPv4Address(address)}/{bits}")
        else:
            bits = lot.choices(list(IPV6), IPV6.values())[0]
            address = (0x2A00 + lot.randrange(16)) << 112 | lot.getrandbits(112)
            seen.add(f"{ipaddress.IPv6Address(address >> (128 - bits) << (128 - bits))}/{bits}")
    return [*sorted(seen, key=lambda _: lot.random()), f"{RESOLVER}/32"]


def _fill(path):
    lot = random.Random(2)
    rows = [(cidr, lot.randint(1, 10), lot.choice((10, 20, 30))) for cidr in _networks()]
    rows[-1] = (rows[-1][0], 1, 10)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO topology (cidr, controller_id, preference) VALUES (?, ?, ?)", rows
        )
        connection.execute("UPDATE revision SET topology = topology + 1")


class Topology:
    """run() does all and returns the numbers, medians and all rounds."""

    def __init__(self, tools, program, store, scale, quiet, say):
        self.tools, self.program, self.store = tools, program, store
        self.scale, self.quiet, self.say = scale, quiet, say

    def run(self):
        self.say(f"a topology of {ROWS} networks")
        with self.store.fresh("topology", CONFIGURATION) as path:
            _fill(path)
            databases.checkpoint(path)
            found = []
            for number in range(self.scale.rounds):
                self.say(f"topology, round {number + 1} of {self.scale.rounds}")
                found.append(self.quiet.measure(lambda: self._round(path)))
        return rounds.medians(found)

    def _round(self, path):
        others = processors.Others()
        argv = [self.tools / "topology", path, str(LOOKUPS)]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        numbers = {**json.loads(done.stdout), **self._questions(path)}
        return {**numbers, "others": others.share()}

    def _questions(self, path):
        """The first answer of a coprocess; then the resolver's network moves to another site."""
        with contextlib.closing(sqlite3.connect(path)) as connection:
            (before,) = connection.execute(
                f"SELECT controller_id FROM topology WHERE cidr = '{RESOLVER}/32'"
            ).fetchone()
            started_s = time.monotonic()
            with _Asker([self.program, "--database", path]) as asker:
                wrong = asker.site() != before
                first_s = time.monotonic() - started_s
                time.sleep(PAUSE_S)
                after = before % databases.SERVERS + 1
                with connection:
                    connection.execute(
                        f"UPDATE topology SET controller_id = {after} WHERE cidr = '{RESOLVER}/32'"
                    )
                changed_s, waits_s = time.monotonic(), []
                while asker.site(waits_s) != after:
                    pass
                return {
                    "wrong_site": int(wrong),
                    "first_answer_ms": 1e3 * first_s,
                    "change_ms": 1e3 * (time.monotonic() - changed_s),
                    "longest_wait_ms": 1e3 * max(waits_s),
                }


class _Asker:
    """A coprocess that is asked for the pool's name."""

    QUESTION = (
        f"Q\t{databases.NAME}\tIN\tA\t1\t{RESOLVER}\t127.0.0.1\t{RESOLVER}/32\n".encode()
    )

    def __init__(self, argv):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.lines = self.process.stdout
        self.process.stdin.write(b"HELO\t5\n")
        self.lines.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.lines.close()

    def site(self, waits_s=None):
        """The number of the controller that is answered; the time that took goes to waits_s."""
        started_s, site = time.monotonic(), 0
        self.process.stdin.write(self.QUESTION)
        while (line := self.lines.readline()) not in (b"END\n", b"FAIL\n", b""):
            if line.startswith(b"DATA"):
                site = int(line.rstrip()[-1:])
        if waits_s is not None:
            waits_s.append(time.monotonic() - started_s)
        return site

"""pdns-stickyd with ten thousand targets on loopback, beside a program that only connects to them.

Monitor      run(): {"daemon": ..., "connects": ..., "deaths": ...}
"""

import contextlib
import json
import random
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import processors

TARGETS = 10_000
INTERVAL_S = 10
TIMEOUT_S = 2
FALL = 3
VICTIMS = 20
POOL_SERVERS = 500
POOLS = TARGETS // POOL_SERVERS  # and one more, of the victims
DEATH_BOUND_S = INTERVAL_S * FALL + TIMEOUT_S + 1

CONFIGURATION = f"""
INSERT INTO monitor (id, name, type, port, interval, timeout, fall) VALUES
  (1, 'tcp', 'tcp', {{port}}, {INTERVAL_S}, {TIMEOUT_S}, {FALL}),
  (2, 'victim', 'tcp', {{victim_port}}, {INTERVAL_S}, {TIMEOUT_S}, {FALL});
INSERT INTO controller (id, name) VALUES (1, 'site');
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {POOLS})
  INSERT INTO pool (id, name, monitor_id)
    SELECT i + 1, 'pool-' || i, iif(i = {POOLS}, 2, 1) FROM n;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {TARGETS} - 1)
  INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)
    SELECT i + 1, i / {POOL_SERVERS} + 1, 1, i % {POOL_SERVERS} + 1,
           '127.1.' || (i / 256) || '.' || (i % 256) FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {VICTIMS})
  INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)
    SELECT 100000 + i, {POOLS} + 1, 1, i, '127.2.0.' || i FROM n;
"""


def _free_port():
    with socket.socket() as tried:
        tried.bind(("0.0.0.0", 0))
        return tried.getsockname()[1]


def _memory_kib(pid, key):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


class Sites:
    """tools/sites; a context.  numbers: what it prints at the end."""

    def __init__(self, tools, port, victim_port):
        self.argv = [tools / "sites", port, INTERVAL_S, victim_port, VICTIMS]
        self.numbers = None

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(list(map(str, self.argv)), text=True, bufsize=1, **pipes)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        printed = self.process.stdout.read()
        self.process.wait(10)
        self.numbers = json.loads(printed) if printed else None

    def begin_anew(self):
        self.process.stdin.write("\n")

    def end_victim(self, number):
        """When it died, by time.monotonic()."""
        self.process.stdin.write(f"{number}\n")
        return int(self.process.stdout.readline()) / 1e9


class Monitor:
    def __init__(self, tools, program, store, scale, quiet, say):
        self.tools, self.program, self.store = tools, program, store
        self.scale, self.quiet, self.say = scale, quiet, say

    def run(self):
        return self.quiet.measure(self._all)

    def _all(self):
        others = processors.Others()
        found = {"connects": self._connects(), **self._daemon()}
        return {**found, "others": others.share()}

    def _connects(self):
        seconds = self.scale.monitor_s
        self.say(f"{seconds} seconds of {TARGETS} connections every {INTERVAL_S} s, nothing else")
        port = _free_port()
        with Sites(self.tools, port, _free_port()) as sites:
            argv = [self.tools / "connects", port, TARGETS, INTERVAL_S, seconds]
            with subprocess.Popen(list(map(str, argv))) as process:
                time.sleep(1)
                used = self._used_share(process.pid, seconds - 2)
        return {"cpu": used, **sites.numbers}

    @staticmethod
    def _used_share(pid, seconds):
        before, began = processors.used_s([pid]), time.monotonic()
        time.sleep(seconds)
        return (processors.used_s([pid]) - before) / (time.monotonic() - began)

    def _daemon(self):
        ports = {"port": _free_port(), "victim_port": _free_port()}
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(self.store.fresh("monitor", CONFIGURATION.format(**ports)))
            sites = stack.enter_context(Sites(self.tools, ports["port"], ports["victim_port"]))
            daemon = stack.enter_context(self._started(path))
            rows = sqlite3.connect(path)
            stack.callback(rows.close)
            self.say(f"the same by pdns-stickyd, and {VICTIMS} sites that die")
            self._await_up(rows)
            time.sleep(INTERVAL_S)  # each has an interval behind it
            sites.begin_anew()
            numbers = {"cpu": self._used_share(daemon.pid, self.scale.monitor_s)}
            numbers["rss_kib"] = _memory_kib(daemon.pid, "Rss")
            numbers["private_kib"] = _memory_kib(daemon.pid, "Anonymous")
            deaths = self._deaths(sites, rows)
        return {"daemon": {**numbers, **sites.numbers}, "deaths": sorted(deaths)}

    @contextlib.contextmanager
    def _started(self, path):
        log = path.with_name("monitor.log")
        argv = [self.program.with_name("pdns-stickyd"), "--database", path, "--foreground"]
        with open(log, "wb") as output:
            process = subprocess.Popen(list(map(str, argv)), stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)

    @staticmethod
    def _await_up(rows):
        end = time.monotonic() + 60
        query = "SELECT count(*) FROM virtual_server_verdict WHERE state = 'up'"
        while rows.execute(query).fetchone() != (TARGETS + VICTIMS,):
            if time.monotonic() > end:
                raise RuntimeError("not all targets are up within a minute")
            time.sleep(0.2)

    @staticmethod
    def _deaths(sites, rows):
        """From a site's death to the committed verdict, in seconds."""
        died, seconds = {}, []
        query = "SELECT virtual_server_id FROM virtual_server_verdict WHERE state = 'down'"
        luck = random.Random(1)
        for number in range(1, VICTIMS + 1):
            time.sleep(luck.uniform(0, 2 * INTERVAL_S / VICTIMS))
            died[100000 + number] = sites.end_victim(number)
        while died and time.monotonic() < max(died.values()) + 2 * DEATH_BOUND_S:
            for (server,) in rows.execute(query).fetchall():
                if server in died:
                    seconds.append(time.monotonic() - died.pop(server))
            time.sleep(0.01)
        if died:
            raise RuntimeError(f"{len(died)} dead sites were never found")
        return seconds

"""Name servers that share their mappings.

Each has a database, a nats-server and a pdns-stickyd.  New resolvers ask one of them, and a
connection to the database of another one looks for their rows (visible.c).  What an answer costs,
and how long it takes, is compared with sharing off (replay.c).
"""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import databases
import processors
import rounds

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))

CROWD = 1_000_000
RATES = (200, 2000)
FAR_RATE, FAR_DELAY_S = 200, 0.075
MANY, MANY_RATE, MANY_LOOK_US = 10, 100, 1000
COST_RATE = 2000
ANSWER_ROUNDS, ANSWER_RATE = 5, 1000
CHANGES = 200  # rows that are moved, and then deleted, one after the other
SEED_QUESTIONS, SEED_PAUSE_S = 1000, 5  # new resolvers that ask a server that receives rows
SEED_LIMIT_S = 600
FRESH = 0.99  # of the strangers; a few have, by chance, an address that one of ten million has
WARM_UP = SEED_QUESTIONS // 10  # replay.c
STILL_S = 3  # something is wrong for so long, while all three servers of a cluster are asked
EQUAL_LIMIT_S = 60
APART = 10_000_000  # in the order of strangers: no two measurements ask for the same

# What is done to a row, and in this order.
CHANGE = {
    "moved": "UPDATE persistence SET controller_id = 1 + controller_id % 3"
             " WHERE pool_id = 1 AND ldns = ?",
    "deleted": "DELETE FROM persistence WHERE pool_id = 1 AND ldns = ?",
}


class Share:
    """run() does all: {"lag": {rate: ...}, "changes": ..., "answers": {what: ...}, "cost": ...,
    "far": ..., "many": ..., "still": {what was wrong: ...}, "seed": ...}."""

    def __init__(self, tools, program, store, scale, quiet, say):
        os.environ["PDNS_STICKY"] = str(program)
        self.tools, self.program, self.store = tools, program, store
        self.scale, self.quiet, self.say = scale, quiet, say
        self.parts = 0

    def run(self):
        return {
            **self._two(),
            "far": self._far(),
            "many": self._many(),
            "still": self._still(),
            "seed": self._seed(),
        }

    # -- clusters

    @contextlib.contextmanager
    def _cluster(self, crowds, delay_s=0, compared=True):
        """A name server for each number of mappings that one has at first.  compared: the first
        comparison of the tables is over."""
        import cluster  # needs PDNS_STICKY
        import processes

        with processes.workspace() as directory:
            script = directory / "web.sql"
            script.write_text(databases.WEB)
            servers = cluster.Cluster(
                directory, len(crowds), scripts=(script,), has_links=delay_s > 0
            )
            for node, rows in zip(servers.nodes, crowds):
                if rows:
                    shutil.copyfile(self.store.web(rows), node.database.path)
            for link in servers.links.values():
                link.delay_s = delay_s
            with servers:
                if compared:
                    self._await_walks(servers)
                yield servers

    @staticmethod
    def _await_walks(servers):
        query = "SELECT count(*) FROM peer_state WHERE equal_at <> 0"
        _await_value(servers, query, len(servers.nodes) - 1, "the tables were not compared")

    @staticmethod
    def _await_calm(servers):
        """Until all that waited was handed over, and a moment longer."""
        waiting = "SELECT count(*) FROM share_change"
        _await_value(servers, waiting, 0, "changes were not handed over")
        time.sleep(1)

    # -- the time from an answer here to the row there

    def _two(self):
        """Beside a million mappings, both ways; and what the same costs with sharing off."""
        result = {"lag": {}}
        with self._cluster((CROWD, CROWD)) as servers:
            for rate in RATES:
                self.say(f"{rate} new mappings a second on each of two name servers")
                result["lag"][rate] = self.quiet.measure(lambda: self._lag(servers, rate))
            self.say("mappings that are moved and deleted")
            result["changes"] = self.quiet.measure(lambda: self._changes(servers))
            with self._alone() as alone:
                result["cost"] = {"on": self._cost(servers[1]), "off": self._cost(alone)}
                result["answers"] = self._answers(servers, alone)
        return result

    @contextlib.contextmanager
    def _alone(self):
        """A name server with as many mappings that does not share."""
        import cluster
        import processes

        with processes.workspace() as directory:
            node = cluster.Node(directory, 1, scripts=())
            shutil.copyfile(self.store.web(CROWD), node.database.path)
            node.start()
            try:
                yield node
            finally:
                node.close()

    def _changes(self, servers):
        """From the commit of a change here until it is seen there, in milliseconds.  Mappings that
        were made in this measurement: of the others, hits are measured."""
        here, there = (node.database.path for node in servers.nodes)
        others, lags = processors.Others(_pids(servers)), {"moved": [], "deleted": []}
        with _connected(here) as source, _connected(there) as sink:
            new = "SELECT ldns FROM persistence WHERE decided > 0 LIMIT ?"
            for (ldns,) in source.execute(new, (CHANGES,)).fetchall():
                for kind, sql in CHANGE.items():
                    source.execute(sql, (ldns,))
                    wanted, since = _controller(source, ldns), time.monotonic()
                    while _controller(sink, ldns) != wanted:
                        time.sleep(0.0005)
                    lags[kind].append(1000 * (time.monotonic() - since))
        result = {"others": others.share()}
        for kind, found in lags.items():
            found.sort()
            result[kind] = {"p50_ms": found[len(found) // 2], "p99_ms": found[-1 - len(found) // 100]}
        return result

    # -- what an answer costs here

    def _answers(self, servers, alone):
        """Of a name server that shares, of one that does not, and of one around which something is
        wrong, by turns: {what: {"hit": numbers, "new": numbers}}."""
        found = {}
        for number in range(ANSWER_ROUNDS):
            self.say(f"what an answer costs, round {number + 1} of {ANSWER_ROUNDS}")
            for what, node, fault in self._situations(servers, alone):
                with fault():
                    for kind, run in self._answer(servers, node).items():
                        found.setdefault(what, {}).setdefault(kind, []).append(run)
                self._await_calm(servers)
        return {what: {kind: rounds.medians(runs) for kind, runs in kinds.items()}
                for what, kinds in found.items()}

    @staticmethod
    def _situations(servers, alone):
        """(what, who is asked, a context in which that is so)."""
        import faults

        one, other = servers.nodes
        return (
            ("on", one, contextlib.nullcontext),
            ("off", alone, contextlib.nullcontext),
            ("nats stopped", one, lambda: faults.stopped(one.nats, other.nats)),
            ("nats killed", one, lambda: _killed(one.nats)),
            ("peer stopped", one, lambda: faults.stopped(other.daemon)),
            ("pdns-stickyd stopped", one, lambda: faults.stopped(one.daemon)),
        )

    def _answer(self, servers, node):
        """Hits as fast as they are answered, and new mappings at a rate that leaves the processors
        some time: with sharing on, others use them too."""
        hit = ["--stuck", "--count", self.scale.questions]
        new = ["--strangers", "--rate", ANSWER_RATE, "--count", ANSWER_RATE * self.scale.share_s // 2]
        pids = [pid for pid in (*_pids(servers), node.daemon.pid) if Path(f"/proc/{pid}").exists()]
        return {"hit": self._replay(node, pids, *hit), "new": self._replay(node, pids, *new)}

    def _replay(self, node, pids, *options):
        argv = [self.tools / "replay", "--crowd", CROWD, "--first", self._part(), *options,
                "--", self.program, "--database", node.database.path]
        others = processors.Others(pids)
        done = subprocess.run(
            [str(word) for word in argv], stdout=subprocess.PIPE, timeout=120, check=True
        )
        return {**json.loads(done.stdout), "others": others.share()}

    def _far(self):
        self.say(f"two name servers, {FAR_DELAY_S * 1000:.0f} ms apart")
        with self._cluster((0, 0), delay_s=FAR_DELAY_S) as servers:
            return self.quiet.measure(lambda: self._lag(servers, FAR_RATE))

    def _many(self):
        self.say(f"{MANY} name servers")
        with self._cluster((0,) * MANY) as servers:
            return self.quiet.measure(lambda: self._lag(servers, MANY_RATE, MANY_LOOK_US))

    def _lag(self, servers, rate, look_us=200):
        """Each node is asked, and the next one's database is looked at."""
        nodes, seconds = servers.nodes, self.scale.share_s
        pids = _pids(servers)
        others, used = processors.Others(pids), [processors.used_s([pid]) for pid in pids]
        octets = sum(link.received for link in servers.links.values())
        runs = self._visible(list(zip(nodes, nodes[1:] + nodes[:1])), rate, seconds, look_us)
        octets = sum(link.received for link in servers.links.values()) - octets
        used = [processors.used_s([pid]) - before for pid, before in zip(pids, used)]
        count = rate * (seconds + 1) * len(nodes)
        return {
            "others": others.share(),
            "missing": sum(run["missing"] for run in runs),
            "wrong": sum(run["wrong"] for run in runs),
            **{key: max(run[key] for run in runs) for key in ("p50_ms", "p99_ms", "longest_ms")},
            "per_second": min(run["per_second"] for run in runs),
            "daemon_share": max(used[::2]) / (seconds + 1),
            "nats_share": max(used[1::2]) / (seconds + 1),
            "daemon_kib": max(_anonymous_kib(pid) for pid in pids[::2]),
            "nats_kib": max(_anonymous_kib(pid) for pid in pids[1::2]),
            "wire_bytes": octets / count,
        }

    def _cost(self, node):
        """Processor time of a new mapping, looked for in the table of the server that is asked."""
        self.say("what a new mapping costs")
        return self.quiet.measure(lambda: self._cost_once(node))

    def _cost_once(self, node):
        others, used = processors.Others([node.daemon.pid]), processors.used_s([node.daemon.pid])
        (run,) = self._visible([(node, node)], COST_RATE, self.scale.share_s)
        used = processors.used_s([node.daemon.pid]) - used
        count = COST_RATE * (self.scale.share_s + 1)
        return {**run, "daemon_us": 1e6 * used / count, "others": others.share()}

    def _visible(self, pairs, rate, seconds, look_us=200):
        """What visible.c tells of each (node that is asked, node whose table is looked at)."""
        processes = [
            subprocess.Popen(
                [self.tools / "visible", "--database", there.database.path,
                 "--first", str(self._part()), "--rate", str(rate), "--seconds", str(seconds),
                 "--look", str(look_us),
                 "--", self.program, "--database", here.database.path],
                stdout=subprocess.PIPE,
            )
            for here, there in pairs
        ]
        said = [process.communicate(timeout=180)[0] for process in processes]
        return [json.loads(text) for text in said]

    def _part(self):
        self.parts += 1
        return self.parts * APART

    # -- a server that stood still

    def _still(self):
        """From the moment in which all is well again until three tables are equal, all that was answered
        included.  Resolvers that have a mapping ask all the time; before that, new ones as well."""
        import cluster
        import processes
        import sharing_load

        record = sharing_load.Record()
        with processes.workspace() as directory, contextlib.ExitStack() as stack:
            servers = stack.enter_context(cluster.Cluster(directory, 3))
            self._await_walks(servers)
            askers = [sharing_load.Asker(node, record, random.Random(node.number))
                      for node in servers.nodes]
            for asker in askers:
                asker.start()
                stack.callback(asker.stop)
            faults = sharing_load.Faults(servers, askers, record, random)
            found = {}
            for what, fault in (("a pdns-stickyd was stopped", faults.break_daemon_stopped),
                                ("a nats-server was stopped", faults.break_nats_stopped),
                                ("a pdns-stickyd was killed", faults.break_daemon_killed),
                                ("a nats-server was killed", faults.break_nats_killed),
                                ("a link was cut", faults.break_link_cut)):
                self.say(f"{what}, and all is well again")
                found[what] = self.quiet.measure(lambda: self._still_once(servers, askers, fault))
            return found

    @staticmethod
    def _still_once(servers, askers, fault):
        pids = [node.coprocess.process.pid for node in servers.nodes]
        pids += _pids(servers)[2:]  # the first server's may be killed
        others, record = processors.Others(pids), askers[0].record
        for asker in askers:
            asker.makes = True
        mend = fault(servers[1])
        time.sleep(STILL_S)
        for asker in askers:
            with asker.lock:
                asker.makes = False
        behind = len(set.union(*map(_entries, servers.nodes)) - set.intersection(
            *map(_entries, servers.nodes)))
        began = time.monotonic()
        mend()
        while not _are_equal(servers.nodes, len({resolver for _, resolver in record.told})):
            if time.monotonic() > began + EQUAL_LIMIT_S:
                raise RuntimeError("the tables do not become equal")
            time.sleep(0.01)
        return {"seconds": time.monotonic() - began, "behind": behind, "others": others.share()}

    # -- an empty server

    def _seed(self):
        rows = self.scale.share_rows
        self.say(f"an empty name server receives {rows:,} mappings")
        return self.quiet.measure(lambda: self._seed_once(rows))

    def _seed_once(self, rows):
        """New resolvers ask the empty server now and then."""
        query = "SELECT count(*) FROM persistence"
        with self._cluster((rows, 0), compared=False) as servers:
            path, asked = servers[2].database.path, []
            others, began = processors.Others(_pids(servers)), time.monotonic()
            first = _value(path, query)
            while _value(path, query) < rows + FRESH * (SEED_QUESTIONS + WARM_UP) * len(asked):
                if time.monotonic() > began + SEED_LIMIT_S:
                    raise RuntimeError(f"{_value(path, query)} of {rows} mappings came")
                if time.monotonic() > began + SEED_PAUSE_S * len(asked):
                    asked.append(self._replay(servers[2], _pids(servers), "--strangers",
                                              "--count", SEED_QUESTIONS))
                time.sleep(0.1)
            seconds = time.monotonic() - began
            return {
                "rows_per_second": (rows - first) / seconds,
                "daemon_kib": max(_anonymous_kib(node.daemon.pid) for node in servers.nodes),
                "wrong": sum(run["wrong"] for run in asked),
                "p99_us": max(run["p99_us"] for run in asked),
                "others": others.share(),
            }


@contextlib.contextmanager
def _killed(nats):
    nats.kill()
    try:
        yield
    finally:
        nats.start()


def _pids(servers):
    """Of all that shares: daemon and nats-server of each node."""
    return [each.pid for node in servers.nodes for each in (node.daemon, node.nats)]


def _connected(path):
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def _controller(connection, ldns):
    query = "SELECT controller_id FROM persistence WHERE pool_id = 1 AND ldns = ?"
    return connection.execute(query, (ldns,)).fetchone()


def _entries(node):
    import cluster

    with _connected(node.database.path) as connection:
        return set(connection.execute(cluster.ENTRIES))


def _are_equal(nodes, count):
    """With at least so many rows."""
    first, *tables = map(_entries, nodes)
    return len(first) >= count and all(table == first for table in tables)


def _value(path, query):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def _await_value(servers, query, value, problem):
    """On every server."""
    end = time.monotonic() + 60
    while any(_value(node.database.path, query) != value for node in servers.nodes):
        if time.monotonic() > end:
            raise RuntimeError(f"{problem} within a minute")
        time.sleep(0.2)


def _anonymous_kib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.split("Anonymous:")[1].split()[0])

"""A real PowerDNS under steady load, while coprocesses are killed, servers fail and come back, the
configuration changes, mappings are forgotten and somebody else checkpoints the database.

Two things are watched all the time:

Answers    Honest resolvers, which ask again and again, and new ones. Each reply is held against a
           model of what is promised: a resolver stays on its site until something is done that
           ends its mapping, and goes where the modulus sends it then.
Resources  Descriptors and private memory of the server and of each coprocess, and the sizes of the
           database's files. The first tenth is left aside; of the rest, no maximum may pass its
           bound, and the second half may not lie above the first by more than noise.

One coprocess is never killed, so that its memory is watched over the whole time. A question that a
killed coprocess had in hand may come back without an address, and PowerDNS remembers that for a
second or two: such replies are counted, and excused shortly after a kill only.
"""

import argparse
import collections
import contextlib
import dataclasses
import ipaddress
import random
import statistics
import sys
import threading
import time
from pathlib import Path

from database import Database
from dns_client import LostReply, Question, ask, ask_tcp, forget_parsed
from powerdns import PowerDNS
from processes import as_user, kill, run, workspace
from resolvers import addresses_of_many_resolvers, chosen, mixed_case

HONEST = 600  # resolvers that ask again and again
BATCH = 250  # questions between two events
QUESTIONS_PER_SECOND = 1500  # a few per cent of what the machine can do
KILL_EXCUSES_S = 4.0  # PowerDNS forgets "no such name" in one or two, and starts coprocesses anew
SAMPLE_S = 1.0
YOUNG_S = 4.0  # a new coprocess has not read the configuration yet
SITES = [(f"203.0.113.{n}", f"2001:db8:{n}::80") for n in range(1, 6)]
GSQLITE3_SCHEMA = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"
ZONE = """$ORIGIN example.com.
$TTL 3600
@   SOA ns1 h 1 7200 900 1209600 60
@   NS  ns1
ns1 A   192.0.2.1
"""
ZONE_ROWS = """
INSERT INTO zone (id, name) VALUES (1, 'example.com');
INSERT INTO record (zone_id, name, type, content) VALUES
  (1, 'example.com', 'SOA', 'ns1.example.com h.example.com 1 7200 900 1209600 60'),
  (1, 'example.com', 'NS', 'ns1.example.com'), (1, 'ns1.example.com', 'A', '192.0.2.1');
"""

MIB = 1 << 20


# ---------------------------------------------------------------- what is promised


class Model:
    """One pool, and where each of its honest resolvers is."""

    def __init__(self, pool):
        self.pool = pool
        self.states = ["enabled"] * len(pool.servers)
        self.down = set()
        self.where = {}

    def may_keep(self, site):
        return site not in self.down and self.states[site] != "disabled"

    def choice(self, ldns):
        standing = [i for i, state in enumerate(self.states) if state == "enabled"]
        down = {place for place, site in enumerate(standing) if site in self.down}
        return standing[chosen(ldns, len(standing), down)]

    def usable(self):
        """Sites that may get new clients."""
        return [i for i, state in enumerate(self.states) if state == "enabled" and self.may_keep(i)]

    def expected(self, ldns):
        site = self.where.get(ldns)
        if site is None or not self.may_keep(site):
            site = self.where[ldns] = self.choice(ldns)
        return site


# ---------------------------------------------------------------- what happens to it


class Mishaps(threading.Thread):
    """Kills and checkpoints at random moments, in the background."""

    def __init__(self, server, database, seed):
        super().__init__(daemon=True)
        self.server, self.database, self.random = server, database, random.Random(seed)
        self.leaving = threading.Event()
        self.spared = None
        self.kills, self.checkpoints, self.killed_at = 0, 0, -1e9

    def run(self):
        while not self.leaving.wait(self.random.uniform(1, 4)):
            if self.random.random() < 0.7:
                self.kill()
            else:
                self.checkpoint()

    def kill(self):
        pids = self.server.coprocesses()
        if self.spared not in pids:
            self.spared = pids[0] if pids else None
        victims = [pid for pid in pids if pid != self.spared]
        if victims:
            kill([self.random.choice(victims)])
            self.killed_at = time.monotonic()
            self.kills += 1

    def checkpoint(self):
        mode = self.random.choice(("PASSIVE", "FULL", "RESTART", "TRUNCATE"))
        self.database.rows(f"PRAGMA wal_checkpoint({mode})")
        self.checkpoints += 1


class Changes:
    """What an operator or a health check does, between two batches of questions."""

    def __init__(self, database, models, seed):
        self.database, self.models, self.random = database, models, random.Random(seed)
        self.count, self.forgotten = 0, 0

    def one(self):
        model = self.random.choice(self.models)
        self.random.choice((self.availability, self.state, self.forget, self.reload))(model)
        self.count += 1

    def availability(self, model):
        site = self.random.randrange(len(SITES))
        if site in model.down:
            model.down.discard(site)
        elif len(model.usable()) > 2:
            model.down.add(site)
        self.database.set_available(model.pool, site, site not in model.down)

    def state(self, model):
        site = self.random.randrange(len(SITES))
        state = self.random.choice(("enabled", "enabled", "draining", "disabled"))
        if state != "enabled" and len(model.usable()) <= 2:
            state = "enabled"
        model.states[site] = state
        self.database.sql(
            f"UPDATE controller SET state = '{state}' WHERE name = '{model.pool.controller(site)}';"
        )

    def forget(self, model):
        chosen_ones = self.random.sample(sorted(model.where), min(20, len(model.where)))
        for ldns in chosen_ones:
            model.where.pop(ldns)
        names = ", ".join(f"'{ldns}'" for ldns in chosen_ones)
        self.database.sql(
            f"DELETE FROM mapping WHERE pool = '{model.pool.name}' AND ldns IN ({names});"
        )
        self.forgotten += len(chosen_ones)

    def reload(self, model):
        self.database.sql(
            f"UPDATE pool SET ttl = {self.random.randint(20, 40)} WHERE name = '{model.pool.name}';"
        )


# ---------------------------------------------------------------- what it uses


@dataclasses.dataclass
class Bound:
    """A series of samples, and what it may come to."""

    title: str
    most: float  # no sample above
    growth: float  # from the first half's median to the second's
    unit: float = 1
    samples: list = dataclasses.field(default_factory=list)

    def judge(self):
        """Prints a row; says whether all is well."""
        steady = self.samples[len(self.samples) // 10 :]
        half = len(steady) // 2
        if half == 0:
            print(f"{self.title:36s} no samples")
            return False
        first, second = statistics.median(steady[:half]), statistics.median(steady[half:])
        good = max(steady) <= self.most and second - first <= self.growth
        numbers = (first, second, max(steady), self.most, self.growth)
        text = "".join(f"{number / self.unit:11.2f}" for number in numbers)
        print(f"{self.title:36s}{text}  {'ok' if good else 'NOT OK'}")
        return good


def private_bytes(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = (line.split() for line in text.splitlines() if line.startswith("Private_"))
    return 1024 * sum(int(words[1]) for words in sizes)


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Watch(threading.Thread):
    """Looks once a second."""

    def __init__(self, server, database, mishaps, rows_most):
        super().__init__(daemon=True)
        self.server, self.database, self.mishaps = server, database, mishaps
        self.leaving, self.error = threading.Event(), None
        self.seen = {}
        self.bounds = {
            "spared": Bound("spared coprocess, private MiB", 10 * MIB, MIB / 4, MIB),
            "others": Bound("any coprocess, private MiB", 10 * MIB, MIB / 2, MIB),
            # Eight, and four more while a round of maintenance has the database open too.
            "fds": Bound("any coprocess, descriptors", 12, 0),
            "server": Bound("pdns_server, private MiB", 512 * MIB, 16 * MIB, MIB),
            "server_fds": Bound("pdns_server, descriptors", 64, 2),
            "count": Bound("coprocesses", 8, 1),
            "wal": Bound("write-ahead log, MiB", 160 * MIB, 4 * MIB, MIB),
            "file": Bound("database, MiB", rows_most * 200 + 2 * MIB, MIB, MIB),
        }

    def run(self):
        try:
            while not self.leaving.wait(SAMPLE_S):
                self.look()
        except BaseException as error:
            self.error = error

    def put(self, name, value):
        self.bounds[name].samples.append(value)

    def look(self):
        now = time.monotonic()
        pids = self.server.coprocesses()
        self.seen = {pid: self.seen.get(pid, now) for pid in pids}
        private, opened = [], []
        for pid in pids:
            if now - self.seen[pid] < YOUNG_S:
                continue
            with contextlib.suppress(OSError):  # it may be killed just now
                private.append(private_bytes(pid))
                opened.append(descriptors(pid))
                if pid == self.mishaps.spared:
                    self.put("spared", private[-1])
        if private:
            self.put("others", max(private))
        if opened:
            self.put("fds", max(opened))
        self.put("count", len(pids))
        self.put("server", private_bytes(self.server.process.pid))
        self.put("server_fds", descriptors(self.server.process.pid))
        self.put("file", self.database.path.stat().st_size)
        self.put("wal", Path(f"{self.database.path}-wal").stat().st_size)

    def judge(self):
        """Prints the table; says whether all is well."""
        columns = ("1st half", "2nd half", "maximum", "bound", "may grow")
        print(f"{'':36s}" + "".join(f"{column:>11s}" for column in columns))
        return all([bound.judge() for bound in self.bounds.values()])


# ---------------------------------------------------------------- the load


class Soak:
    def __init__(self, server, database, models, short_pool, seed):
        self.server, self.models, self.short = server, models, Model(short_pool)
        self.random = random.Random(seed)
        self.honest = addresses_of_many_resolvers(HONEST, self.random)
        self.newcomers = 0
        self.mishaps = Mishaps(server, database, seed + 1)
        self.changes = Changes(database, models, seed + 2)
        self.asked, self.problems = 0, []
        self.lost, self.lost_latest_s = collections.Counter(), 0.0

    def newcomer(self):
        """A resolver that never asked before."""
        self.newcomers += 1
        first = "2001:db9::" if self.newcomers % 2 else "100.64.0.0"
        return str(ipaddress.ip_address(first) + self.newcomers)

    def question(self):
        """A question and the model that knows its answer. One in ten comes from a newcomer."""
        rdtype = self.random.choice(("A", "A", "AAAA"))
        if self.random.random() < 0.1:
            model, ldns = self.short, self.newcomer()
        else:
            model, ldns = self.random.choice(self.models), self.random.choice(self.honest)
        name = mixed_case(model.pool.question_name, self.random)
        return Question(ldns, name, rdtype), model

    def check(self, reply, model):
        question = reply.question
        after_kill_s = reply.received - self.mishaps.killed_at
        if not reply.addresses and after_kill_s < KILL_EXCUSES_S:
            self.lost[reply.rcode] += 1
            self.lost_latest_s = max(self.lost_latest_s, after_kill_s)
            return
        expect = model.choice if model is self.short else model.expected
        site = expect(question.ldns)
        expected = model.pool.answer(site, question.rdtype)
        if reply.addresses != expected:
            self.problems.append(
                f"{question.ldns} {question.name} {question.rdtype}: {reply.rcode}"
                f" {reply.addresses}, not {expected}, {after_kill_s:.1f} s after the last kill"
            )

    def batch(self, tcp):
        pairs = [self.question() for _ in range(5 if tcp else BATCH)]
        questions = [question for question, _ in pairs]
        replies = ask_tcp(self.server, questions) if tcp else ask(self.server, questions, window=32)
        for reply, (_, model) in zip(replies, pairs):
            self.check(reply, model)
        self.asked += len(replies)

    def run(self, seconds):
        """Asks for so long."""
        self.mishaps.start()
        started = time.monotonic()
        batches = 0
        while (now := time.monotonic()) - started < seconds and len(self.problems) < 20:
            batches += 1
            try:
                self.batch(tcp=batches % 10 == 0)
            except LostReply as lost:
                self.problems.append(str(lost))
            if self.random.random() < 0.1:
                self.changes.one()
            if batches % 1000 == 0:  # they would hold every newcomer for ever
                forget_parsed()
            time.sleep(max(0, now + BATCH / QUESTIONS_PER_SECOND - time.monotonic()))
        self.mishaps.leaving.set()
        self.mishaps.join()


# ---------------------------------------------------------------- all of it


@contextlib.contextmanager
def served(overlay, directory):
    """The server on a database with three pools: fixed and sliding mappings, and brief ones."""
    database = Database.create(directory)
    pools = [
        database.add_pool("fixed", SITES, persistence_ttl=10 * 86400),
        database.add_pool("sliding", SITES, persistence_ttl=900, persistence_timer="sliding"),
        database.add_pool("brief", SITES, persistence_ttl=10),
    ]
    options = {}
    if overlay:
        zone_database = directory / "pdns.sqlite3"
        with open(GSQLITE3_SCHEMA, encoding="ascii") as schema:
            assert run(as_user(["sqlite3", zone_database]), stdin=schema).returncode == 0
        options["gsqlite3-database"] = zone_database
    else:
        database.sql(ZONE_ROWS)

    def load_zone(server):
        (server.directory / "zone").write_text(ZONE)
        loaded = server.pdnsutil("load-zone", "example.com", str(server.directory / "zone"))
        assert loaded.returncode == 0, loaded.stderr

    conf = "overlay-gsqlite3.conf" if overlay else "pipe.conf"
    prepare = load_zone if overlay else None
    with PowerDNS(conf, database, options=options, prepare=prepare) as server:
        yield server, database, pools


def soak(seconds, overlay, seed):
    with workspace() as directory, served(overlay, directory) as (server, database, pools):
        test = Soak(server, database, [Model(pool) for pool in pools[:2]], pools[2], seed)
        rows_most = 2 * HONEST + QUESTIONS_PER_SECOND // 10 * 30
        watch = Watch(server, database, test.mishaps, rows_most)
        watch.start()
        test.run(seconds)
        watch.leaving.set()
        watch.join()
        if watch.error:
            raise watch.error
        print(
            f"{test.asked} questions in {seconds} s, {test.mishaps.kills} coprocesses killed,"
            f" {test.changes.count} changes, {test.changes.forgotten} mappings forgotten,"
            f" {test.mishaps.checkpoints} checkpoints by the shell\n"
            f"{test.lost.total()} replies without address after kills {dict(test.lost)}, the latest"
            f" {test.lost_latest_s:.1f} s after one\n"
        )
        good = watch.judge()
        integrity = database.rows("PRAGMA integrity_check")
        kept = sum(len(database.mappings(pool.name)) for pool in pools[:2])
        print(f"\nintegrity_check: {integrity[0][0]}; {kept} mappings of the honest are kept")
        for problem in test.problems:
            print(problem)
        print(f"{len(test.problems)} answers that nothing explains")
        if test.problems or not good:
            print(server.log_tail(40))
        return good and integrity == [("ok",)] and not test.problems


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    duration = parser.add_mutually_exclusive_group()
    duration.add_argument("--minutes", type=float, default=3, help="how long; 3 if not given")
    duration.add_argument("--hours", type=float, help="how long")
    parser.add_argument("--overlay", action="store_true", help="run in front of gsqlite3")
    parser.add_argument("--seed", type=int, default=1, help="the seed of every random choice; 1 if not given")
    options = parser.parse_args()
    seconds = int(options.hours * 3600 if options.hours else options.minutes * 60)
    good = soak(seconds, options.overlay, options.seed)
    print("soak: ok" if good else "soak: NOT OK")
    return 0 if good else 1


sys.exit(main())

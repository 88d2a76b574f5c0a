"""A cluster under load while anything in it fails.

Echo    how long a question takes at least on this machine, now
Served  PowerDNS in the place of a node's coprocess; served_by_powerdns() puts it there
Asker   asks the coprocess of one node, all the time, and remembers the answers
Record  what all askers were told; says which answers the tables do not account for
Faults  breaks and mends things of a cluster, at random
"""

import contextlib
import dataclasses
import signal
import subprocess
import threading
import time
import types

from faults import holds_lock_to_write, stop_unless
from powerdns import PowerDNS
from processes import SECONDS_MAX, now_ms, wait_until
from resolvers import ldns
from sample import SITES

HOT = 200  # resolvers that are asked for often, moved and deleted
PAUSE_SECONDS = 0.002  # between two questions of an asker
DECIDED_PER_MS = 4096  # core/sharing/entry.h


# ---------------------------------------------------------------- what was answered


@dataclasses.dataclass
class Told:
    """What a node said last to a resolver."""

    site: str
    moves: int = 0
    history: list = dataclasses.field(default_factory=list)  # (when, site) of what was said anew


class Record:
    """Times are Unix milliseconds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.told = {}  # {(node, resolver): Told}
        self._since = {}  # {(resolver, site): when somebody may have decided for the site first}
        self._unanswered = {}  # {resolver: when a question was asked that was never answered}

    def note(self, node, resolver, site, sent_ms):
        with self.lock:
            self._note_since(resolver, site, sent_ms)
            told = self.told.setdefault((node, resolver), Told(site))
            if told.site != site or not told.history:
                told.history.append((now_ms(), site))
            told.moves += told.site != site
            told.site = site

    def _note_since(self, resolver, site, sent_ms):
        first = min(sent_ms, self._unanswered.get(resolver, sent_ms))
        self._since.setdefault((resolver, site), first)

    def note_unanswered(self, resolver, sent_ms):
        with self.lock:
            self._unanswered.setdefault(resolver, sent_ms)

    def note_shell(self, resolver, site, now_ms):
        with self.lock:
            self._note_since(resolver, site, now_ms)

    def forget(self, node):
        """Its database is lost, and with it what it had not handed over."""
        with self.lock:
            self.told = {key: told for key, told in self.told.items() if key[0] != node}

    def begin_counting_moves(self):
        """From now on, and from what each node said last."""
        with self.lock:
            for told in self.told.values():
                told.moves = 0
                told.history = told.history[-1:]

    def moves(self):
        return max((told.moves for told in self.told.values()), default=0)

    def histories(self, moves, entries):
        """What those were told that moved more often, and what the tables have for them."""
        return [
            (resolver, entries.get(("web", resolver)),
             {node: told.history for (node, asked), told in self.told.items() if asked == resolver})
            for resolver in {key[1] for key, told in self.told.items() if told.moves > moves}
        ]

    def lost(self, entries):
        """Answers that the tables neither have, nor have anything that was decided later."""
        return [
            (node, resolver, told.site, entries.get(("web", resolver)))
            for (node, resolver), told in self.told.items()
            if not self._is_kept(resolver, told.site, entries.get(("web", resolver)))
        ]

    def _is_kept(self, resolver, site, entry):
        if entry is None:
            return False
        controller, decided = entry[0], entry[4]
        return controller == site or decided // DECIDED_PER_MS >= self._since[resolver, site]


# ---------------------------------------------------------------- asking


class Echo:
    """A process that gives back at once what it is sent: a measure for answers on a busy machine."""

    def __init__(self):
        self._process = subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.seconds = []

    def ask(self):
        started = time.monotonic()
        self._process.stdin.write(b"\n")
        assert self._process.stdout.read(1) == b"\n"
        self.seconds.append(time.monotonic() - started)

    def close(self):
        for stream in (self._process.stdin, self._process.stdout):
            stream.close()
        self._process.wait()


class Served:
    """PowerDNS in the place of a node's coprocess: it is asked in the same way."""

    def __init__(self, server):
        self.server = server

    def ask(self, name, rdtype, resolver):
        reply = self.server.one(resolver, name, rdtype)
        return types.SimpleNamespace(ipv4=reply.ipv4, lines=reply.rcode, logs=[])

    def logged(self):
        """What its coprocesses told the operator."""
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [line.partition("Coprocess: ")[2] for line in lines if "Coprocess: " in line]


@contextlib.contextmanager
def served_by_powerdns(cluster):
    """Each node's coprocess is one of a PowerDNS, to the end of the block."""
    with contextlib.ExitStack() as stack:
        for node in cluster.nodes:
            node.coprocess.__exit__()
            node.coprocess = Served(stack.enter_context(PowerDNS("pipe.conf", node.database)))
        yield


class Asker(threading.Thread):
    """Asks for new and old resolvers until stop().

    lock    whoever holds it has the coprocess for himself
    seconds how long each answer took, and when it was asked for
    echo    is asked as often
    makes   new resolvers are among those that ask, and old ones whose mapping may be lost with a
            database
    excused the coprocess is stopped, so that its answers may take any time
    """

    NEW_SHARE = 0.3

    def __init__(self, node, record, random):
        super().__init__(daemon=True)
        self.node, self.record, self.random = node, record, random
        self.lock = threading.Lock()
        self.makes, self.excused = True, False
        self.seconds, self.said = [], []
        self.echo = Echo()
        self.fault = None
        self._next = node.number * 1_000_000
        self._own = []
        self._ended = threading.Event()

    def run(self):
        try:
            while not self._ended.wait(PAUSE_SECONDS):
                self.echo.ask()
                with self.lock:
                    self._ask_one(self._resolver())
        except Exception as fault:  # stop() tells it
            self.fault = fault

    def ask_all(self):
        """Asks for every resolver that others ask for too, so that what was said last is what this
        node has."""
        with self.lock:
            for number in range(HOT):
                self._ask_one(ldns(number))

    def stop(self):
        """May be called more than once."""
        self._ended.set()
        self.join()
        self.echo.close()
        if self.fault:
            raise self.fault

    def _resolver(self):
        if self.makes and self.random.random() < self.NEW_SHARE:
            self._next += 1
            self._own.append(ldns(self._next))
            return self._own[-1]
        if self.makes and self._own and self.random.random() < 0.2:
            return self.random.choice(self._own)
        return ldns(self.random.randrange(HOT))

    def _ask_one(self, resolver):
        sent_ms, started = now_ms(), time.monotonic()
        excused = self.excused
        try:
            answer = self.node.coprocess.ask("www.example.com", "A", resolver)
        except (AssertionError, BrokenPipeError, TypeError):
            if not self._was_killed():
                raise
            self.record.note_unanswered(resolver, sent_ms)
            self.restart()
            return
        if not (excused or self.excused):
            self.seconds.append((time.monotonic() - started, started))
        assert answer.ipv4 in SITES, answer.lines
        self.said += answer.logs
        self.record.note(self.node.number, resolver, SITES[answer.ipv4], sent_ms)

    def _was_killed(self):
        """Its pipes may end some moments before it does."""
        try:
            return self.node.coprocess.process.wait(SECONDS_MAX) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def logged(self):
        """What the operator was told."""
        one = self.node.coprocess
        return self.said + (one.logged() if isinstance(one, Served) else [])

    def restart(self):
        self.node.coprocess.__exit__()
        self.node.coprocess = self.node.new_coprocess()


# ---------------------------------------------------------------- faults


def take_down(node, site):
    """A monitor of this node finds that all is down at a site; returns what mends it."""
    which = f"(SELECT id FROM controller WHERE name = '{site}')"
    node.database.sql(
        "INSERT OR REPLACE INTO controller_metric (controller_id, name, value, measured_at)"
        f" VALUES ({which}, 'availability', 0, unixepoch());"
    )
    return lambda: node.database.sql(f"DELETE FROM controller_metric WHERE controller_id = {which};")


class Faults:
    """Each break_*() breaks one thing, and returns what mends it, or None if it is broken already.

    kinds   the names of those that happen, without "break_"; None: of all
    """

    def __init__(self, cluster, askers, record, random, kinds=None):
        self.kinds = kinds or [name[6:] for name in dir(self) if name.startswith("break_")]
        self.cluster, self.askers, self.record, self.random = cluster, askers, record, random
        self._broken = {}  # what is broken: (when it is mended, how)
        self.counts = {}
        self.events = []  # what was broken and mended: (when, text)

    def go_on(self, seconds):
        """Breaks and mends for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            assert not any(asker.fault for asker in self.askers)
            time.sleep(self.random.uniform(0, 0.2))

    def step(self):
        """Mends what is due, breaks something else, and changes a mapping in a shell."""
        self._mend(time.monotonic())
        if self.random.random() < 0.4:
            self._break(self.random.choice(self.kinds))
        self._change_in_shell(self.random.choice(self.cluster.nodes))

    def mend_all(self):
        self._mend(float("inf"))

    def _mend(self, now):
        for key, (due, mend) in list(self._broken.items()):
            if due <= now:
                del self._broken[key]
                self._note(f"node {key[0]}: {key[1]} mended")
                mend()

    def _note(self, text):
        self.events.append((time.monotonic(), text))

    def events_before(self, when, seconds=3):
        """What was broken and mended just before, and how long before."""
        return [f"{text} {when - at:.2f} s before" for at, text in self.events
                if 0 <= when - at < seconds]

    def _break(self, kind):
        node = self.random.choice(self.cluster.nodes)
        part = kind.split("_")[0]
        needs = {"database": ("daemon", "coprocess")}.get(part, (part,))
        if any((node.number, one) in self._broken for one in needs):
            return
        self._note(f"node {node.number}: {kind}")
        mend = getattr(self, f"break_{kind}")(node)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if mend:
            due = time.monotonic() + self.random.uniform(0.1, 4)
            self._broken[node.number, part] = (due, mend)

    def _asker(self, node):
        return self.askers[node.number - 1]

    @staticmethod
    def _kill(process):
        process.process.kill()
        process.process.wait()

    def break_nats_killed(self, node):
        self._kill(node.nats)
        return node.nats.start

    def break_nats_stopped(self, node):
        node.nats.pause()
        return node.nats.resume

    def break_nats_log_lost(self, node):
        self._kill(node.nats)
        node.nats.wipe()
        return node.nats.start

    def break_daemon_killed(self, node):
        self._kill(node.daemon)
        return node.daemon.start

    @staticmethod
    def _stop(process, node):
        """What is broken and mended in a shell meanwhile has to be written."""
        stop_unless(holds_lock_to_write, process, node.database)

    def break_daemon_stopped(self, node):
        self._stop(node.daemon.process, node)
        return lambda: node.daemon.process.send_signal(signal.SIGCONT)

    def break_coprocess_killed(self, node):
        """The asker starts another one."""
        node.coprocess.process.kill()

    def break_coprocess_stopped(self, node):
        asker, process = self._asker(node), node.coprocess.process
        asker.excused = True
        self._stop(process, node)

        def mend():
            process.send_signal(signal.SIGCONT)
            with asker.lock:
                asker.excused = False

        return mend

    def break_link_cut(self, node):
        other = self.random.choice([one for one in self.cluster.nodes if one is not node])
        self.cluster.cut(node, other)
        return lambda: self.cluster.heal(node, other)

    def break_site_down(self, node):
        return take_down(node, self.random.choice(list(SITES.values())))

    def break_database_lost(self, node):
        if self.random.random() < 0.5 or (node.number, "site") in self._broken:
            return None
        with self._asker(node).lock:
            node.lose_database()
            self.record.forget(node.number)
        return None

    def _change_in_shell(self, node):
        """An operator moves or deletes a mapping.  What others write to the table takes back claims
        of the same moment (store/claims/claims.h), so nobody asks meanwhile and none waits."""
        if {(node.number, "daemon"), (node.number, "coprocess")} & set(self._broken):
            return
        resolver = ldns(self.random.randrange(HOT))
        with self._asker(node).lock:
            with contextlib.suppress(AssertionError):
                wait_until(lambda: node.database.claims.waiting() == 0, SECONDS_MAX, "no claims")
                self._change(node, resolver)

    def _change(self, node, resolver):
        where = f"WHERE ldns = '{resolver}' AND pool_id = 1"
        if self.random.random() < 0.3:
            node.database.sql(f"DELETE FROM persistence {where};")
            return
        number, site = self.random.choice(list(enumerate(SITES.values(), 1)))
        self.record.note_shell(resolver, site, now_ms())
        node.database.sql(f"UPDATE persistence SET controller_id = {number} {where};")

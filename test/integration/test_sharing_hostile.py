"""A peer that was let in and tells lies.  It may move resolvers among the sites that exist, delete
mappings, and fill the table to its limit.  It brings in no address, delays no answer, keeps no
process busy, and others share as before.  And `status` tells of it.
"""

import contextlib
import itertools
import json
import os
import random
import time

import pytest

from cluster import Cluster
from faults import assert_as_prompt
from hostile import BEAT, LOG, WALK, Greedy, Hostile, answer, flood, row
from processes import SECONDS_MAX, memory_kib, processor_seconds, wait_until
from resolvers import ldns
from sample import IPV4, SITES, expected

# With sanitizers all of it takes several times as much.
IS_INSTRUMENTED = "sanitizers" in os.environ.get("PDNS_STICKY", "")
PROCESSOR_MAX = 0.6 if not IS_INSTRUMENTED else 2.0  # of one processor, under attack
GROWTH_MAX = (48 if not IS_INSTRUMENTED else 500) << 10  # KiB
LOG_GROWTH_MAX = 20_000  # octets in the daemon's log, by one attack
ATTACK_SECONDS = 2

CONFIGURATION = (
    "SELECT * FROM virtual_server ORDER BY id", "SELECT * FROM controller ORDER BY id",
    "SELECT * FROM pool ORDER BY id", "SELECT * FROM record ORDER BY id",
    "SELECT * FROM balanced_name ORDER BY name", "SELECT node, name, url FROM share",
    "SELECT * FROM peer ORDER BY node", "SELECT * FROM setting ORDER BY name",
)  # fmt: skip

numbers = itertools.count(1)


class Scene:
    """Three servers; the third is hostile.  The first is looked at, and the second is honest."""

    def __init__(self, cluster):
        self.cluster, self.victim, self.honest, self.place = cluster, *cluster.nodes
        self.configuration = self._configuration()
        self.hostile = Hostile(self.place.nats.port, 3)

    def _configuration(self):
        return [self.victim.database.rows(query) for query in CONFIGURATION]

    def counted(self, column):
        return self.victim.state(self.place).get(column, 0)

    def wait_for_count(self, column, more_than, seconds=SECONDS_MAX):
        wait_until(lambda: self.counted(column) > more_than, seconds,
                   lambda: f"{column}, more than {more_than}: {self.victim.state(self.place)}")

    def wait_until_heard(self):
        """From now on; who listened may have hung up after a flood."""
        now = time.time()
        wait_until(lambda: self.counted("heard_at") > now and self.counted("connected"), SECONDS_MAX,
                   "it is heard")

    def status(self):
        return self.victim.status()

    def wait_for_status(self, words):
        wait_until(lambda: words in self.status(), SECONDS_MAX,
                   lambda: f"{words} in {self.status()}")

    def ask(self, count=50):
        """The answers of the victim, and of one who has nothing to do with it."""
        answers, others = [], []
        for resolver in (ldns(next(numbers)) for _ in range(count)):
            answers.append(self.victim.coprocess.ask(remote=resolver))
            others.append(self.cluster.bystander.ask(remote=resolver))
        assert all(answer.ipv4 in IPV4 for answer in answers)
        return answers, others

    def assert_prompt(self, count=50):
        assert_as_prompt(*self.ask(count), "meanwhile")

    def assert_others_share(self):
        """What the victim and the honest one decide reaches the other."""
        for one, other in ((self.victim, self.honest), (self.honest, self.victim)):
            resolver = ldns(next(numbers))
            one.ask(resolver)
            wait_until(lambda: ("web", resolver) in other.entries(), SECONDS_MAX,
                       f"{resolver}, told by {one.name}; {self.status()}")

    @contextlib.contextmanager
    def attack(self, seconds=ATTACK_SECONDS):
        """For the block and some seconds more, all has to be well with the victim."""
        daemon = self.victim.daemon
        pid, size = daemon.pid, len(daemon.said())
        before = memory_kib(pid)
        yield
        begun, used = time.monotonic(), processor_seconds(pid)
        answers, others = [], []
        while time.monotonic() - begun < seconds:
            for known, new in zip((answers, others), self.ask()):
                known += new
            time.sleep(0.1)
        if answers:
            assert_as_prompt(answers, others, "meanwhile")
        used = (processor_seconds(pid) - used) / (time.monotonic() - begun)
        self.assert_others_share()
        assert daemon.process.poll() is None and daemon.pid == pid, daemon.said()
        assert memory_kib(pid) - before < GROWTH_MAX
        assert used < PROCESSOR_MAX
        assert len(daemon.said()) - size < LOG_GROWTH_MAX, daemon.said()[size:][-2000:]
        assert self._configuration() == self.configuration


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    from processes import workspace as new_workspace

    with new_workspace() as directory:
        cluster = Cluster(directory, 3)
        nats = cluster[3].nats.configuration
        nats.write_text(nats.read_text() + "\nmax_payload: 8MB\n")
        with cluster:
            cluster.wait_until_heard()
            cluster[3].daemon.stop()
            yield cluster


@pytest.fixture
def scene(servers):
    made = Scene(servers)
    with made.hostile:
        made.hostile.client.request("$JS.API.STREAM.PURGE.STICKY")  # what a flood has left
        wait_until(lambda: made.counted("heard_at") >= time.time() - 5, SECONDS_MAX, "it is heard")
        yield made


# ---------------------------------------------------------------- batches


def test_what_it_may_do(scene):
    """A resolver is moved to another site, and unstuck.  The greatest stamp counts."""
    resolver = ldns(next(numbers))
    scene.victim.ask(resolver)
    for site, address in (("ams", IPV4[0]), ("nyc", IPV4[2])):
        scene.hostile.append(scene.hostile.batch([row(resolver, site, ahead_ms=500)]))
        wait_until(lambda: scene.victim.ask(resolver) == address, SECONDS_MAX, site)
        time.sleep(0.6)
    with scene.attack(seconds=0):
        scene.hostile.append(scene.hostile.batch([row(resolver, None, ahead_ms=2000)]))
    wait_until(lambda: scene.victim.entries()["web", resolver][0] is None, SECONDS_MAX, "unstuck")


def test_malformed_batches(scene):
    """Each is refused whole."""
    shuffle = random.Random(1)
    before = scene.counted("refused")
    good = scene.hostile.batch([row("192.0.2.1"), row("192.0.2.2", None)])

    def spoiled():
        octets = bytearray(good)
        for _ in range(shuffle.randint(1, 8)):
            at = shuffle.randrange(len(octets))
            way = shuffle.randrange(3)
            if way == 0:
                octets[at] = shuffle.randrange(256)
            elif way == 1:
                del octets[at]
            else:
                octets[at:at] = bytes(octets[at : at + shuffle.randint(1, 20)])
        return bytes(octets)

    with scene.attack():
        scene.hostile.append(*(spoiled() for _ in range(300)), b"", b"[" * 1000, b"{}", b"\xff\x00",
                             b'{"v":1,"kind":"batch","rows":' + b"[" * 100_000)
        scene.wait_for_count("refused", before + 100)
    scene.wait_for_status("malformed or not its own")


def test_oversized_batches(scene):
    before = scene.counted("refused")
    with scene.attack():
        for size in (1 << 20, (1 << 20) + 1, 3 << 20, 7 << 20):
            scene.hostile.append(b" " * size)
            scene.hostile.append(b'{"v":1,"a":"' + b"x" * (size - 20) + b'"}')
            scene.hostile.append(b"[" + b"{}," * (size // 3 - 2) + b"{}]")
        scene.wait_for_count("refused", before + 11)


def test_too_many_rows(scene):
    before = scene.counted("refused")
    rows = [row(f"10.{n >> 8}.{n & 255}.1") for n in range(4001)]
    with scene.attack(seconds=0):
        scene.hostile.append(scene.hostile.batch(rows))
        scene.wait_for_count("refused", before)
    assert ("web", rows[0]["key"]) not in scene.victim.entries()


@pytest.mark.parametrize("what", ("empty", "malformed", "large", "gap"))
def test_a_flood_of_batches(scene, what):
    hostile = scene.hostile
    messages = {
        "empty": hostile.batch(number=5),
        "malformed": b"no batch",
        "large": b"[" + b"1," * 300_000 + b"1]",
        "gap": hostile.batch(number=1 << 60, acknowledged=(1 << 60) - 1),
    }
    with hostile.repeating(flood(LOG, messages[what], 5 if what == "large" else 500)):
        with scene.attack():
            pass


def test_a_flood_of_rows(scene):
    """The same resolvers again and again."""
    def act(client):
        rows = [row(f"10.99.{n >> 8}.{n & 255}") for n in range(1000)]
        flood(LOG, scene.hostile.batch(rows), 20)(client)

    with scene.hostile.repeating(act), scene.attack():
        pass


def test_the_number_of_another_server(scene):
    """Neither that of the victim nor that of a peer."""
    resolver = ldns(next(numbers))
    scene.wait_until_heard()
    before = scene.counted("refused")
    with scene.attack():
        for node in (1, 2, 4, 65535):
            scene.hostile.append(scene.hostile.batch([row(resolver)], node=node))
        # What was left of a flood is read first, and slowly.
        scene.wait_for_count("refused", before + 3, 5 * SECONDS_MAX)

        def after_beats(condition):  # one that nobody hears is lost
            for node in (1, 2, 4, 65535):
                scene.hostile.client.publish(BEAT, scene.hostile.beat(node=node, clock=1))
            return condition()

        wait_until(lambda: after_beats(lambda: scene.counted("refused") > before + 7),
                   SECONDS_MAX, scene.status)
        wait_until(lambda: after_beats(lambda: "its server says that it is node" in scene.status()),
                   SECONDS_MAX, scene.status)
    assert ("web", resolver) not in scene.victim.entries()
    assert scene.victim.state(scene.honest)["refused"] == 0


def test_stamps_of_the_future(scene):
    keys = [ldns(next(numbers)) for _ in range(4)]
    before = scene.counted("future")
    year_ms = 365 * 86400 * 1000
    with scene.attack():
        scene.hostile.append(scene.hostile.batch([
            row(keys[0], ahead_ms=60_000), row(keys[1], ahead_ms=year_ms),
            row(keys[2], timestamp=int(time.time()) + 86400), row(keys[3], None, ahead_ms=year_ms),
        ]))  # fmt: skip
        scene.wait_for_count("future", before + 3)
    assert not {("web", key) for key in keys} & scene.victim.entries().keys()
    scene.wait_for_status("came from the future")


def test_stamps_that_are_no_times(scene):
    before = scene.counted("refused")
    limits = (-1, -(1 << 63), (1 << 63) - 1, 1 << 62 | 1)
    with scene.attack(seconds=0):
        for name, value in itertools.product(("decided", "origin", "timestamp", "ttl"), limits):
            scene.hostile.append(scene.hostile.batch([{**row("192.0.2.9"), name: value}]))
        scene.wait_for_count("refused", before + 15)


def test_thousands_of_unknown_names(scene):
    before = scene.counted("unknown")
    with scene.attack():
        for part in range(10):
            rows = [row("192.0.2.1", pool=f"pool-{part}-{n}") for n in range(400)]
            rows += [row("192.0.2.1", controller=f"site-{part}-{n}") for n in range(400)]
            scene.hostile.append(scene.hostile.batch(rows))
        scene.wait_for_count("unknown", before + 7999)
    scene.wait_for_status("do not exist here, such as ")


def test_an_address_is_no_site(scene):
    """There is no row by which one could come in."""
    before = scene.counted("unknown") + scene.counted("refused")
    with scene.attack(seconds=0):
        for name in ("203.0.113.66", "ams' OR 1=1 --", "ams\n", "Ams", ""):
            scene.hostile.append(scene.hostile.batch([row("192.0.2.1", name)]) if name else
                                 scene.hostile.batch([row("192.0.2.1", "x")]).replace(b'"x"', b'""'))
        wait_until(lambda: scene.counted("unknown") + scene.counted("refused") >= before + 5,
                   SECONDS_MAX, "all are left out")


# ---------------------------------------------------------------- beats


def test_a_flood_of_beats(scene):
    with scene.hostile.repeating(flood(BEAT, scene.hostile.beat())), scene.attack():
        scene.wait_for_status("sends too many messages")


def test_malformed_beats(scene):
    """Each again and again, since who listens may have hung up after a flood."""
    spoiled = [b"", b"{}", b"\xff", b"x" * 2_000_000,
               scene.hostile.beat(clock=-1), scene.hostile.beat(batch=1 << 63)]  # fmt: skip

    def act(client):
        client.publish(BEAT, spoiled[0])
        client.flush()
        time.sleep(0.2)

    with scene.attack(seconds=0):
        while spoiled:
            before = scene.counted("refused")
            with scene.hostile.repeating(act):
                scene.wait_for_count("refused", before)
            spoiled.pop(0)


def test_incarnations_that_take_turns(scene):
    """Each is a reason to compare tables, but not without a pause."""
    turns = itertools.count()
    scene.hostile.on_question = lambda question: answer([], digest="f" * 16)

    def act(client):
        client.publish(BEAT, scene.hostile.beat(incarnation=next(turns) % 2))
        client.flush()
        time.sleep(0.005)

    with scene.hostile.repeating(act), scene.attack():
        scene.wait_for_status("one is a copy of the other")


def test_batches_that_never_come(scene):
    with scene.attack():
        for number in range(100):
            scene.hostile.client.publish(BEAT, scene.hostile.beat(batch=(1 << 61) + number))


def test_a_clock_that_is_wrong(scene):
    def act(client):
        client.publish(BEAT, scene.hostile.beat(clock=1))
        client.flush()
        time.sleep(0.05)

    with scene.hostile.repeating(act), scene.attack(seconds=0):
        scene.wait_for_status("its clock is -")


# ---------------------------------------------------------------- the log


def test_a_log_that_is_made_anew_all_the_time(scene):
    stream = {"name": "STICKY", "subjects": [LOG], "storage": "file"}

    def act(client):
        client.request("$JS.API.STREAM.DELETE.STICKY")
        client.request("$JS.API.STREAM.CREATE.STICKY", stream)
        client.request(LOG, scene.hostile.batch([row("192.0.2.77")]))

    with scene.hostile.repeating(act), scene.attack():
        pass


def test_a_log_that_jumps(scene):
    """Its beginning is put where it likes, forward and back."""
    stream = {"name": "STICKY", "subjects": [LOG], "storage": "file"}
    with scene.attack():
        for _ in range(5):
            scene.hostile.client.request("$JS.API.STREAM.PURGE.STICKY", {"seq": 1 << 40})
            scene.hostile.append(scene.hostile.batch(number=3, acknowledged=1))
            scene.hostile.client.request("$JS.API.STREAM.DELETE.STICKY")
            scene.hostile.client.request("$JS.API.STREAM.CREATE.STICKY", stream)
            scene.hostile.append(scene.hostile.batch(number=2, acknowledged=0))


def test_replies_that_nobody_asked_for(scene):
    """Whoever owns a server knows the subjects on which its clients wait."""
    scene.hostile.client.publish(BEAT, scene.hostile.beat(incarnation=8))  # a reason to ask
    wait_until(lambda: scene.hostile.questions, SECONDS_MAX, "a question")
    inbox = scene.hostile.questions[-1][1].rpartition(".answer.")[0]
    great = (1 << 63) - 1
    bounds = [
        json.dumps({"created": created, "state": {"first_seq": first, "last_seq": last}}).encode()
        for created in ("2024-05-01T10:00:00Z", "9999-12-31T23:59:59Z", "", None)
        for first, last in ((1, great), (great, great), (0, great), (-1, -1), (1 << 62, 1 << 62))
    ]
    with scene.attack():
        for name in ("info", "read", "append.1", "answer.1", "answer.", "answer.-1", "x", "answer.x",
                     "answer.99999999999999999999"):
            for data in (*bounds, b"", b"{", b"[]", b'{"error":{"description":"\\u001b[2J"}}',
                         answer([row("192.0.2.1")])):
                scene.hostile.client.publish(f"{inbox}.{name}", data)
        scene.hostile.client.flush()


# ---------------------------------------------------------------- walks

WALKS = {
    "no end": lambda question, n: answer(
        [row(f"k{n:08}x{i}", pool="unknown") for i in range(1000)], [f"a{n:08}", "z"], 1000),
    "a step of one key": lambda question, n: answer([], ["web", f"{n:08}"]),
    "backwards": lambda question, n: answer([], ["a", "a"]),
    "not forward": lambda question, n: answer([], question.get("after", ["a", "a"])),
    "far too large": lambda question, n: answer([], ["web", f"{n:08}"], 1 << 61),
    "rows beside the page": lambda question, n: answer(
        [row("192.0.2.200", "ams")] * 100, ["web", f"{n:08}"]),
    "no JSON": lambda question, n: b"\xff" * 1000,
    "a megabyte": lambda question, n: b"[" + b"1," * 1_000_000 + b"1]",
    "empty": lambda question, n: b"",
}  # fmt: skip


@pytest.mark.parametrize("how", WALKS)
def test_walks(scene, how):
    """The beat of another incarnation makes the victim ask, again and again."""
    turns = itertools.count(1)
    scene.hostile.on_question = lambda question: WALKS[how](question, next(turns))

    def act(client):
        client.publish(BEAT, scene.hostile.beat(incarnation=next(turns)))
        client.flush()
        time.sleep(0.5)

    with scene.hostile.repeating(act), scene.attack():
        wait_until(lambda: scene.hostile.questions, SECONDS_MAX, "it is asked")


@pytest.mark.parametrize("what", ("rows", "digests", "malformed", "large"))
def test_a_flood_of_questions(scene, what):
    """The victim's own server is asked; answers go to somebody who does not wait for them."""
    question = {"v": 1, "kind": "question", "after": ["", ""], "rows": what == "rows"}
    text = {"malformed": b"?", "large": b"[" + b"1," * 300_000 + b"1]"}.get(
        what, json.dumps(question).encode())
    count = 1 if what == "large" else 20
    one = f"PUB {WALK} _INBOX.nobody {len(text)}\r\n".encode() + text + b"\r\n"

    def act(client):
        client._socket.sendall(one * count)
        client.flush()
        time.sleep(0.1)

    with scene.hostile.repeating(act, scene.victim.nats.port), scene.attack():
        pass


# ---------------------------------------------------------------- a full table


def test_a_table_that_is_filled_to_its_limit(workspace):
    """By rows of a peer that may tell them.  Answers stay right, who has a mapping keeps it, and new
    resolvers are sent where modulus says."""
    with Cluster(workspace, 3) as cluster:
        cluster.wait_until_heard()
        cluster[3].daemon.stop()
        scene = Scene(cluster)
        victim = scene.victim
        kept, site = ldns(next(numbers)), IPV4[2]
        with scene.hostile as hostile:
            hostile.append(hostile.batch([row(kept, SITES[site])]))
            wait_until(lambda: victim.ask(kept) == site, SECONDS_MAX, "a mapping from before")
            victim.database.sql("UPDATE setting SET value = 2 WHERE name = 'max_megabytes';")
            keys = (f"ecs:{n:08x}" + "x" * 58 for n in itertools.count())
            while not scene.counted("no_room"):
                hostile.append(hostile.batch(
                    [row(key, "ams") for key in itertools.islice(keys, 1000)]))
                scene.assert_prompt(5)
            scene.wait_for_status("peer ns3: there was no room for")
            scene.wait_for_status("max_megabytes")
            filled = victim.database.rows("SELECT count(*) FROM persistence")[0][0]
            for _ in range(5):
                hostile.append(hostile.batch(
                    [row(key, "ams") for key in itertools.islice(keys, 1000)]))
            for resolver in (ldns(next(numbers)) for _ in range(100)):
                assert [victim.ask(resolver) for _ in range(2)] == [expected(resolver)] * 2
            assert victim.ask(kept) == site
            hostile.append(hostile.batch([row(kept, "ams", ahead_ms=100)]))
            wait_until(lambda: victim.ask(kept) == IPV4[0], SECONDS_MAX, "what is there is replaced")
            assert victim.database.rows("SELECT count(*) FROM persistence")[0][0] < filled + 1000
            assert victim.database.path.stat().st_size < 4 << 20
            assert victim.daemon.process.poll() is None, victim.daemon.said()


# ---------------------------------------------------------------- all connections

CONNECTIONS = 256  # max_connections in pdns-conf/nats.conf


def refusals(node):
    return node.nats.said().count("maximum connections exceeded")


def test_a_peer_that_takes_all_connections(workspace):
    """Of one server, with a certificate that is let in.  What is connected goes on.  Whoever has to
    connect anew is kept out, and told, until the operator strikes the peer from nats.conf."""
    with Cluster(workspace, 3, has_tls=True) as cluster:
        cluster.wait_until_heard()
        cluster[3].daemon.stop()
        scene = Scene(cluster)
        victim, honest = scene.victim, scene.honest
        resolvers = [ldns(next(numbers)) for _ in range(60)]
        told = {resolver: victim.ask(resolver) for resolver in resolvers}
        cluster.wait_until_equal(nodes=[victim, honest])
        with Greedy(victim.nats.port, cluster[3].nats.identity) as greedy:
            # Each is a handshake of TLS.
            wait_until(lambda: refusals(victim) > 0, 4 * SECONDS_MAX, "all are taken")
            with scene.attack(seconds=1):
                pass
            victim.daemon.stop()
            link = cluster.links[honest.number, victim.number]
            link.cut()
            wait_until(lambda: greedy.count() == CONNECTIONS, 4 * SECONDS_MAX, "all are the peer's")
            received = link.received
            victim.daemon.start()
            link.heal()
            wait_until(lambda: link.received > received, SECONDS_MAX, "the honest one is refused")
            scene.wait_for_status("not connected to this server's nats-server: cannot connect")
            assert "peer ns1, node 1: not connected" in honest.status()
            scene.assert_prompt()
            assert {resolver: victim.ask(resolver) for resolver in resolvers} == told
            unheard = ldns(next(numbers))
            victim.ask(unheard)
            assert greedy.count() == CONNECTIONS
            assert ("web", unheard) not in honest.entries()
            victim.nats.let_in("ns2")
            wait_until(lambda: greedy.count() == 0, SECONDS_MAX, "they are closed")
            entries = cluster.wait_until_equal(nodes=[victim, honest])
            assert greedy.count() == 0, "it is refused"
        assert ("web", unheard) in entries
        assert all(entries["web", resolver][0] == SITES[told[resolver]] for resolver in resolvers)
        for node in (victim, honest):
            assert {resolver: node.ask(resolver) for resolver in resolvers} == told
        scene.assert_others_share()


# ---------------------------------------------------------------- afterwards


def test_all_is_well_when_it_is_honest_again(servers):
    """With its own daemon, all three have the same tables."""
    servers[3].daemon.start()
    servers.wait_until_equal(SECONDS_MAX)

"""Round trip times (path_metric) that name servers tell each other: real nats-servers and daemons."""

import itertools
import json
import time

import pytest

from cluster import Cluster
from hostile import Hostile
from processes import SECONDS_MAX, processor_seconds, wait_until
from sample import IPV4, SITES

NETWORK = "192.0.2.0/24"
YEAR = 365 * 86400


def measure(node, site, rtt, network=NETWORK, ago=0):
    """As a script at a site writes it."""
    node.database.sql(
        "INSERT INTO path_metric (network, controller_id, rtt, measured_at)"
        f" SELECT '{network}', id, {rtt}, unixepoch() - {ago} FROM controller"
        f" WHERE name = '{site}' ON CONFLICT (network, controller_id)"
        " DO UPDATE SET rtt = excluded.rtt, measured_at = excluded.measured_at;"
    )


def paths(node):
    """{(network, site): (rtt, origin)}"""
    return {
        (network, site): (rtt, origin)
        for network, site, rtt, origin in node.database.rows(
            "SELECT m.network, c.name, m.rtt, m.origin FROM path_metric AS m"
            " JOIN controller AS c ON c.id = m.controller_id")
    }


def wait_for(node, site, rtt, origin, network=NETWORK):
    wait_until(lambda: paths(node).get((network, site)) == (rtt, origin), SECONDS_MAX,
               f"{node.name} has {rtt} of {site} from {origin}; it has {paths(node)};"
               f" {node.daemon.said()[-500:]}")


# ---------------------------------------------------------------- what is told


def test_what_is_measured_on_one_server_is_used_by_all(three):
    """And counts with the next question."""
    for node in three.nodes:
        node.database.sql("UPDATE pool SET method = 'rtt', tolerance = 0 WHERE id = 1;")
    measure(three[1], "ams", 80.25)
    measure(three[2], "fra", 7.125)
    measure(three[3], "nyc", 1e-3)
    for node in three.nodes:
        for number, (site, rtt) in enumerate((("ams", 80.25), ("fra", 7.125), ("nyc", 1e-3)), 1):
            wait_for(node, site, rtt, 0 if node.number == number else number)
    assert [node.ask("192.0.2.7") for node in three.nodes] == [IPV4[2]] * 3


@pytest.mark.parametrize("way", (
    "UPDATE path_metric SET rtt = 9, measured_at = measured_at + 1",
    "INSERT OR REPLACE INTO path_metric (network, controller_id, rtt, measured_at)"
    f" VALUES ('{NETWORK}', 1, 9, unixepoch())",
))
def test_whoever_writes_it_has_measured_it(two, way):
    measure(two[1], "ams", 5, ago=100)
    wait_for(two[2], "ams", 5, 1)
    two[2].database.sql(f"{way};")
    wait_for(two[1], "ams", 9, 2)
    assert paths(two[2])[NETWORK, "ams"] == (9, 0)


def test_of_two_the_later_one_stays_on_both(two):
    two.cut(*two.nodes)
    measure(two[1], "ams", 11, ago=50)
    measure(two[2], "ams", 22, ago=40)
    measure(two[1], "fra", 33, ago=40)
    measure(two[2], "fra", 44, ago=50)
    two.heal(*two.nodes)
    wait_for(two[1], "ams", 22, 2)
    wait_for(two[2], "fra", 33, 1)
    assert paths(two[2])[NETWORK, "ams"] == (22, 0)
    assert paths(two[1])[NETWORK, "fra"] == (33, 0)


def test_of_two_from_one_second_each_keeps_its_own(two):
    two[1].daemon.stop()
    at = two[1].database.rows("SELECT unixepoch() - 30")[0][0]
    for node, rtt in zip(two.nodes, (11, 22)):
        node.database.sql("INSERT INTO path_metric (network, controller_id, rtt, measured_at)"
                          f" VALUES ('{NETWORK}', 1, {rtt}, {at});")
    two[1].daemon.start()
    for node, other in (two.nodes, two.nodes[::-1]):
        wait_until(lambda: node.state(other).get("known", 0) > 0, SECONDS_MAX, "it was told")
    assert [paths(node)[NETWORK, "ams"] for node in two.nodes] == [(11, 0), (22, 0)]


def test_what_was_measured_before_is_told_when_sharing_begins(workspace):
    cluster = Cluster(workspace, 2)
    for number in range(50):
        measure(cluster[1], "ams", number, f"10.{number}.0.0/16")
    with cluster:
        wait_until(lambda: len(paths(cluster[2])) == 50, SECONDS_MAX, "all of them")


def test_what_a_peer_measured_is_not_told_on(three):
    """Node 3 hears of it from node 1 only, when that is to be heard."""
    three.cut(three[1], three[3])
    measure(three[1], "ams", 5)
    wait_for(three[2], "ams", 5, 1)
    measure(three[2], "fra", 6)
    wait_for(three[3], "fra", 6, 2)
    assert (NETWORK, "ams") not in paths(three[3])
    three.heal(three[1], three[3])
    wait_for(three[3], "ams", 5, 1)


def test_nothing_is_told_while_nothing_is_shared(sample_database):
    sample_database.sql("INSERT INTO path_metric (network, controller_id, rtt)"
                        f" VALUES ('{NETWORK}', 1, 5); UPDATE path_metric SET rtt = 6;")
    assert sample_database.rows("SELECT origin, changed FROM path_metric") == [(0, 0)]


# ---------------------------------------------------------------- who was away


@pytest.mark.parametrize("way", ("daemon", "nats", "cut", "database"))
def test_a_server_that_was_away_has_them_again(two, way):
    one, other = two.nodes
    measure(one, "fra", 1)
    wait_for(other, "fra", 1, 1)
    if way == "daemon":
        other.daemon.process.kill()
        other.daemon.process.wait()
    elif way == "nats":
        one.nats.kill()
    elif way == "cut":
        two.cut(one, other)
    one.database.sql(
        "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 2499)"
        " INSERT INTO path_metric (network, controller_id, rtt)"
        " SELECT '10.' || (n / 256) || '.' || (n % 256) || '.0/24', 1, n FROM n;")
    if way == "daemon":
        other.daemon.start()
    elif way == "nats":
        one.nats.start()
    elif way == "cut":
        two.heal(one, other)
    else:
        other.lose_database()
    wait_until(lambda: len(paths(other)) == 2501, SECONDS_MAX,
               f"all of them; {len(paths(other))}; {other.daemon.said()[-500:]}")
    assert paths(other)["10.9.195.0/24", SITES[IPV4[0]]] == (2499, 1)


def test_a_shorter_time_until_all_are_asked_for_counts_at_once(two):
    measure(two[1], "ams", 5)
    wait_for(two[2], "ams", 5, 1)
    two[2].database.sql("DELETE FROM path_metric;"
                        "UPDATE setting SET value = 1 WHERE name = 'share_walk';")
    wait_for(two[2], "ams", 5, 1)


# ---------------------------------------------------------------- what is not taken


def test_unknown_sites_are_named_and_come_later(two):
    two[1].database.sql("INSERT INTO controller (name) VALUES ('lon');")
    measure(two[1], "lon", 5)
    measure(two[1], "ams", 6)
    wait_for(two[2], "ams", 6, 1)
    wait_until(lambda: two[2].state(two[1]).get("unknown", 0) > 0, SECONDS_MAX, "it is counted")
    assert two[2].state(two[1])["unknown_name"] == "controller lon"
    two[2].database.sql("INSERT INTO controller (name) VALUES ('lon');")
    wait_for(two[2], "lon", 5, 1)


def test_what_is_too_old_is_neither_told_nor_kept(two):
    for node in two.nodes:
        node.daemon.stop()
        node.database.sql("UPDATE setting SET value = 20 WHERE name = 'path_metric_max_age';")
        node.daemon.start()
    measure(two[1], "ams", 5, ago=60)
    measure(two[1], "fra", 6)
    wait_for(two[2], "fra", 6, 1)
    assert (NETWORK, "ams") not in paths(two[2])
    wait_until(lambda: paths(two[2]) == {}, SECONDS_MAX + 20, "what has become too old is gone")
    assert len(paths(two[1])) == 2, "what was measured here is its owner's to delete"


# ---------------------------------------------------------------- a hostile peer

numbers = itertools.count(1)


def page(rows, to=None, last=True, controllers=("ams", "fra", "nyc"), **members):
    return json.dumps({"v": 1, "kind": "paths", "to": next(numbers) if to is None else to,
                       "last": last, "paths": rows, "controllers": controllers,
                       **members}).encode()


@pytest.fixture
def scene(workspace):
    """A victim, and a peer (node 2) whose nats-server and beats are ours."""
    with Cluster(workspace, 2) as cluster:
        cluster.wait_until_heard()
        cluster[2].daemon.stop()
        with Hostile(cluster[2].nats.port, 2) as hostile:
            victim = cluster[1]
            victim.place = cluster[2]
            wait_until(lambda: victim.state(victim.place)["heard_at"] >= time.time() - 5,
                       SECONDS_MAX, "it is heard")
            yield victim, hostile


def tell(hostile, answered):
    """From now on, questions for round trip times get this answer, and there is always more."""
    told = itertools.count(int(time.time() * 1000) << 12)

    def answer(question):
        return answered(question) if question["kind"] == "path-question" else b""

    def act(client):
        client.publish("sticky.beat", hostile.beat(path=next(told)))
        client.flush()
        time.sleep(0.1)

    hostile.on_question = answer
    return hostile.repeating(act)


@pytest.mark.parametrize("wrong", (
    page([["192.0.2.0/24", 0, 1e308, 1]]), page([["192.0.2.0/24'--", 0, 1, 1]]),
    page([["192.0.2.0/24", 0, 1, 1]] * 1001), page([], to=0, last=False), b"[" * 1000,
))
def test_what_is_malformed_is_refused(scene, wrong):
    """Whole, and for a while nothing is asked; what else there is, test_wire.c has."""
    victim, hostile = scene
    before = victim.state(victim.place)["refused"]
    with tell(hostile, lambda question: wrong):
        wait_until(lambda: victim.state(victim.place)["refused"] > before, SECONDS_MAX,
                   f"{wrong[:200]}: {victim.state(victim.place)}")
        time.sleep(2)
    assert victim.state(victim.place)["refused"] == before + 1
    assert paths(victim) == {}


def test_what_is_of_the_future_or_not_newer_changes_nothing(scene):
    victim, hostile = scene
    measure(victim, "ams", 5, ago=10)
    at = victim.database.rows("SELECT measured_at FROM path_metric")[0][0]
    rows = [["192.0.2.0/24", 0, 1, at], ["192.0.2.0/24", 0, 2, at - 1],
            ["192.0.2.0/24", 0, 3, int(time.time()) + YEAR], ["10.0.0.0/8", 0, 4, at + 86400],
            ["10.0.0.0/8", 1, 4, at - YEAR], ["10.0.0.0/8", 2, 6, at]]  # fmt: skip
    with tell(hostile, lambda question: page(rows, to=question["after"] + 1)):
        wait_for(victim, "nyc", 6, 2, "10.0.0.0/8")
    assert paths(victim) == {(NETWORK, "ams"): (5, 0), ("10.0.0.0/8", "nyc"): (6, 2)}
    wait_until(lambda: "from the future" in "\n".join(victim.coprocess.command("status")),
               SECONDS_MAX, "status tells of it")


@pytest.mark.parametrize("what", ("new", "known", "empty", "large", "no end"))
def test_a_flood_is_taken_slowly(scene, what):
    """Neither the daemon nor answers are kept busy."""
    victim, hostile = scene
    victim.database.sql("UPDATE setting SET value = 2000 WHERE name = 'share_rows_per_second';")
    time.sleep(2)  # it is read twice a second, and so is what is allowed
    networks = itertools.count()

    def rows():
        if what in ("empty", "large"):
            return []
        fixed = what == "known"
        return [[f"{16 + n // 65536 % 64}.{n // 256 % 256}.{n % 256}.0/24", n % 3, 1.5,
                 int(time.time())] for n in (i if fixed else next(networks) for i in range(1000))]

    more = {"padding": "x" * 1_000_000} if what == "large" else {}
    with tell(hostile, lambda question: page(rows(), to=question["after"] + 1,
                                             last=what != "no end", **more)):
        begun, used = time.monotonic(), processor_seconds(victim.daemon.pid)
        while time.monotonic() - begun < 4:
            assert victim.coprocess.ask(remote=f"192.0.2.{next(numbers) % 250}").ipv4 in IPV4
            time.sleep(0.05)
        seconds = time.monotonic() - begun
        used = (processor_seconds(victim.daemon.pid) - used) / seconds
    assert len(paths(victim)) < 2000 * (seconds + 5)
    assert used < 2.0
    assert victim.daemon.process.poll() is None, victim.daemon.said()

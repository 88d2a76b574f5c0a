"""Name servers that share their mappings: real nats-servers, daemons and coprocesses."""

import itertools
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import EQUAL_SECONDS, Cluster
from coprocess import Coprocess
from database import SAMPLE, Database
from faults import assert_as_prompt, holds_lock_to_write, stop_unless
from monitor import Daemon
from nats import Nats
from processes import SECONDS_MAX, give_to_user, wait_until
from resolvers import ldns
from sample import IPV4, SITES, expected

# How long batches may be missing before a walk: LOST_END_MS in program/sharing/feed.c.
LOST_END_SECONDS = 5

# How far node 2 has read the log of node 1.
CURSOR = "SELECT sequence FROM share_cursor WHERE node = 1"


def site_down(node, site):
    """A monitor has found that all is down there."""
    node.database.sql(
        "INSERT OR REPLACE INTO controller_metric (controller_id, name, value, measured_at)"
        f" SELECT id, 'availability', 0, unixepoch() FROM controller WHERE name = '{site}';"
    )


def site_up(node, site):
    node.database.sql(
        "DELETE FROM controller_metric WHERE controller_id ="
        f" (SELECT id FROM controller WHERE name = '{site}');"
    )


def elsewhere(address):
    """Another address than this one, of a site that works."""
    return next(other for other in IPV4 if other != address)


def assert_answer(node, resolver, address):
    """A row may still be on its way into the table that the coprocess reads."""
    wait_until(lambda: node.ask(resolver) == address, SECONDS_MAX, f"{resolver} is sent to {address}")


# ---------------------------------------------------------------- what is made, moved, deleted


def test_what_one_server_answers_all_others_answer(three):
    """The site is one that modulus would not choose, so only the mapping can say so."""
    one, *others = three.nodes
    resolver = ldns(1)
    usual = expected(resolver)
    site_down(one, SITES[usual])
    moved = one.ask(resolver)
    assert moved != usual
    three.wait_until_equal(EQUAL_SECONDS)
    for node in others:
        assert node.ask(resolver) == moved
    assert all(origin == 1 for *_, origin in three[2].entries().values())


def test_a_mapping_that_moves_is_moved_everywhere(two):
    resolver = ldns(2)
    first = two[1].ask(resolver)
    two.wait_until_equal(EQUAL_SECONDS)
    site_down(two[2], SITES[first])
    second = two[2].ask(resolver)
    assert second != first
    two.wait_until_equal(EQUAL_SECONDS)
    assert_answer(two[1], resolver, second)


@pytest.mark.parametrize("way", ("shell", "forget"))
def test_a_mapping_that_is_deleted_is_deleted_everywhere(two, way):
    resolver, other = ldns(3), ldns(4)
    site_down(two[1], SITES[expected(resolver)])
    two[1].ask(resolver), two[1].ask(other)
    two.wait_until_equal(EQUAL_SECONDS)
    if way == "shell":
        two[2].database.sql(f"DELETE FROM persistence WHERE ldns = '{resolver}';")
    else:
        assert two[2].coprocess.command(f"forget {resolver}")
    entries = two.wait_until_equal(EQUAL_SECONDS)
    assert entries["web", resolver][0] is None, "a tombstone"
    assert entries["web", other][0] is not None, "the other one stays"
    assert resolver not in two[1].database.rows_of("web")


def test_a_row_of_the_shell_is_everywhere(two):
    address = elsewhere(expected(ldns(5)))
    two[1].database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        f" SELECT 1, '{ldns(5)}', id, 'modulus', unixepoch(), 3600 FROM controller"
        f" WHERE name = '{SITES[address]}';"
    )
    two.wait_until_equal(EQUAL_SECONDS)
    assert_answer(two[2], ldns(5), address)


def test_an_unstuck_table_is_unstuck_everywhere(two):
    for number in range(200):
        two[number % 2 + 1].ask(ldns(number))
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 200
    two[1].database.sql("DELETE FROM persistence;")
    entries = two.wait_until_equal(EQUAL_SECONDS)
    assert [site for site, *_ in entries.values()] == [None] * 200
    assert two[2].database.rows_of("web") == {}


def test_a_renewed_mapping_keeps_its_decision(two):
    """A sliding timer moves the timestamp, which is no new decision and beats none."""
    for node in two.nodes:
        node.database.sql(
            "UPDATE pool SET persistence_timer = 'sliding', persistence_ttl = 600 WHERE id = 1;"
            "INSERT INTO persistence"
            " (pool_id, ldns, controller_id, method, timestamp, ttl, decided, origin)"
            f" SELECT 1, '{ldns(6)}', 2, 'modulus', unixepoch() - 300, 600, 1, 1"
            f" WHERE {node.number} = 1;"
        )
    before = two.wait_until_equal(EQUAL_SECONDS)["web", ldns(6)]
    assert two[2].ask(ldns(6)) == IPV4[1]
    wait_until(lambda: two[1].entries()["web", ldns(6)] != before, SECONDS_MAX, "it is renewed")
    after = two.wait_until_equal(EQUAL_SECONDS)["web", ldns(6)]
    assert after[:2] == before[:2] and after[3:] == before[3:], "only the timestamp moves"
    assert after[2] > before[2]


# ---------------------------------------------------------------- both at once, and cut off


def test_two_that_decide_at_one_moment_agree_and_move_once(two):
    """Each server has another site down, so that they cannot but differ."""
    site_down(two[1], "ams")
    site_down(two[2], "nyc")
    answers = {}
    two.cut(*two.nodes)
    for number in range(60):
        answers[number] = [node.ask(ldns(number)) for node in two.nodes]
    for node, site in ((two[1], "ams"), (two[2], "nyc")):
        site_up(node, site)
    two.heal(*two.nodes)
    two.wait_until_equal(EQUAL_SECONDS)
    moves = 0
    for number, before in answers.items():
        after = [node.ask(ldns(number)) for node in two.nodes]
        assert after[0] == after[1] and after[0] in before
        moves += sum(a != b for a, b in zip(before, after))
        assert sum(a != b for a, b in zip(before, after)) <= 1
    assert moves > 0, "there were conflicts"


def test_two_that_are_asked_at_one_moment_agree_and_move_once(two):
    """They are connected, and each resolver asks both at once, before one has heard of the other."""
    site_down(two[1], "ams")
    site_down(two[2], "nyc")
    resolvers = [ldns(number) for number in range(200)]
    at_once = threading.Barrier(2, timeout=SECONDS_MAX)

    def ask_all(node):
        return [(at_once.wait(), node.ask(resolver))[1] for resolver in resolvers]

    def ask_both():
        """The two answers to each resolver."""
        return list(zip(*threads.map(ask_all, two.nodes)))

    with ThreadPoolExecutor(2) as threads:
        answers = [ask_both()]
        site_up(two[1], "ams")
        site_up(two[2], "nyc")
        answers += [ask_both(), ask_both()]
        entries = two.wait_until_equal(EQUAL_SECONDS)
        answers += [ask_both()]
    moves = []
    for resolver, told in zip(resolvers, zip(*answers)):
        address = next(a for a in SITES if SITES[a] == entries["web", resolver][0])
        assert told[-1] == (address, address) and address in told[0]
        moves.append(sum(a != b for node in zip(*told) for a, b in itertools.pairwise(node)))
    assert max(moves) == 1, "there were conflicts, and each cost one move"


def test_a_partition_heals(three):
    """Each of three goes on alone, and all know the same afterwards."""
    for a, b in ((1, 2), (1, 3), (2, 3)):
        three.cut(three[a], three[b])
    for number in range(300):
        three[number % 3 + 1].ask(ldns(number))
    for a, b in ((1, 2), (1, 3), (2, 3)):
        three.heal(three[a], three[b])
    assert len(three.wait_until_equal(EQUAL_SECONDS)) == 300


# ---------------------------------------------------------------- what is killed, stopped, lost


@pytest.mark.parametrize("what", ("nats", "daemon"))
@pytest.mark.parametrize("how", ("killed", "stopped"))
def test_answers_go_on_and_changes_wait(two, what, how):
    """Whatever is gone, nothing is lost: it is handed over later."""
    process = getattr(two[1], what)
    process.process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    answers, others = [], []
    for number in range(100):
        answers.append(two[1].coprocess.ask(remote=ldns(number)))
        others.append(two.bystander.ask(remote=ldns(number)))
        assert answers[-1].ipv4 == expected(ldns(number))
        two[2].ask(ldns(1000 + number))
    assert_as_prompt(answers, others, f"{what} {how}")
    if how == "killed":
        process.process.wait()
        process.start()
    else:
        process.process.send_signal(signal.SIGCONT)
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 200


def hand_over(node, numbers):
    """New mappings, all of which are in the node's log on return."""
    for number in numbers:
        node.ask(ldns(number))
    node.database.wait_for_writer()
    wait_until(lambda: node.database.rows("SELECT count(*) FROM share_change") == [(0,)],
               SECONDS_MAX, "all is handed over")


def save_log(node):
    """As it is now; node.nats.rewind() puts it back."""
    node.nats.kill()
    node.nats.save()
    node.nats.start()


def rewind_log(node):
    node.nats.kill()
    node.nats.rewind()
    node.nats.start()


def expire_log(node):
    """As if all in it were older than its max_age."""
    with Nats(node.nats.port) as client:
        purged = client.request("$JS.API.STREAM.PURGE.STICKY")
    assert purged["success"] and purged["purged"] > 0


def wait_until_heard_anew(node, peer):
    since = node.state(peer)["heard_at"]
    wait_until(lambda: node.state(peer)["heard_at"] > since, SECONDS_MAX, f"{peer.name} is heard")


def assert_soon_equal(cluster, limit, act, tries=4):
    """After act(try), the tables are equal within so many seconds, in one try of a few: what is slow
    by itself is slow each time, a stall of the machine is not."""
    taken = []
    for number in range(tries):
        act(number)
        started = time.monotonic()
        cluster.wait_until_equal(EQUAL_SECONDS)
        taken.append(time.monotonic() - started)
        if taken[-1] < limit:
            return
    raise AssertionError(f"never within {limit} s: {taken}")


def kill_daemon(node):
    node.daemon.process.kill()
    node.daemon.process.wait()


def pause_daemon(node):
    stop_unless(holds_lock_to_write, node.daemon.process, node.database)


# What is broken between nodes 1 and 2, and how it is mended.
BREAKS = {
    "link": (lambda two: two.cut(*two.nodes), lambda two: two.heal(*two.nodes)),
    "nats": (lambda two: two[1].nats.kill(), lambda two: two[1].nats.start()),
    "daemon": (lambda two: kill_daemon(two[1]), lambda two: two[1].daemon.start()),
    "nats stopped": (lambda two: two[1].nats.pause(), lambda two: two[1].nats.resume()),
    "daemon stopped": (lambda two: pause_daemon(two[1]),
                       lambda two: two[1].daemon.process.send_signal(signal.SIGCONT)),
}


@pytest.mark.parametrize("what", BREAKS)
def test_tables_are_equal_within_two_seconds_of_the_healing(two, what):
    """What was decided meanwhile, by both, is in the logs or goes there."""
    broken, mended = BREAKS[what]

    def act(number):
        broken(two)
        for resolver in range(100 * number, 100 * number + 100):
            two.nodes[resolver % 2].ask(ldns(resolver))
        for node in two.nodes:
            node.database.wait_for_writer()
        assert two[1].entries() != two[2].entries()
        mended(two)

    assert_soon_equal(two, 2, act)


def test_a_log_that_is_lost_is_made_up_for_by_a_walk(two):
    """Node 2 was away while node 1 wrote its log, and then the log is gone."""
    kill_daemon(two[2])
    hand_over(two[1], range(100))
    two[1].nats.kill()
    two[1].nats.wipe()
    two[1].nats.start()
    two[2].daemon.start()
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 100


def test_a_log_that_expired_before_it_was_read_is_made_up_for_by_a_walk(two):
    """Node 2 was cut off meanwhile.  It walks at once, and not only when it finds that the end of the
    log is missing."""
    link = two.links[2, 1]

    def act(number):
        link.cut()
        hand_over(two[1], range(100 * number, 100 * number + 100))
        expire_log(two[1])
        link.heal()

    hand_over(two[1], [1000])
    two.wait_until_equal(EQUAL_SECONDS)
    assert_soon_equal(two, LOST_END_SECONDS, act)


def test_a_long_absence_is_made_up_for_by_a_walk(two):
    """All that was handed over meanwhile has expired."""
    kill_daemon(two[2])
    hand_over(two[1], range(100))
    expire_log(two[1])
    two[2].daemon.start()
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 100


def test_a_log_that_is_rewound_is_read_from_its_beginning(two):
    """Node 2 has read more of it than there is now.  It does not wait until there is as much again."""
    one, other = two.nodes
    hand_over(one, range(10))
    save_log(one)
    for begin in range(10, 60, 10):  # several batches
        hand_over(one, range(begin, begin + 10))
    two.wait_until_equal(EQUAL_SECONDS)
    [(before,)] = other.database.rows(CURSOR)
    rewind_log(one)
    wait_until_heard_anew(other, one)
    one.database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        + " UNION ALL".join(f" SELECT 1, '{ldns(number)}', 1, 'modulus', unixepoch(), 3600"
                            for number in range(100, 150))
        + ";"
    )  # in one batch
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 110
    wait_until(lambda: other.database.rows(CURSOR) < [(before,)], SECONDS_MAX, "a cursor before")


@pytest.mark.parametrize("read", (10, 0), ids=("some", "nothing"))
def test_a_lost_end_of_a_log_is_made_up_for_by_a_walk(two, read):
    """Node 2 was cut off while node 1 wrote it, and so the log has what node 2 has read of it."""
    link = two.links[2, 1]
    hand_over(two[1], range(read))
    two.wait_until_equal(EQUAL_SECONDS)
    save_log(two[1])
    link.cut()
    hand_over(two[1], range(read, read + 50))
    rewind_log(two[1])
    link.heal()
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == read + 50


def test_a_shorter_time_between_walks_counts_at_once(two):
    """A change was lost before it was handed over, so only a walk can find it."""
    one, other = two.nodes
    wait_until(lambda: other.state(one).get("equal_at"), SECONDS_MAX, "the first walk")
    one.daemon.stop()
    one.ask(ldns(30))
    one.database.wait_for_writer()
    one.database.sql("DELETE FROM share_change;")
    one.daemon.start()
    now = time.time()
    wait_until(lambda: other.state(one)["heard_at"] > now, SECONDS_MAX, "it is heard")
    assert ("web", ldns(30)) not in other.entries()
    other.database.sql("UPDATE setting SET value = 1 WHERE name = 'share_walk';")
    two.wait_until_equal(EQUAL_SECONDS)
    assert ("web", ldns(30)) in other.entries()


def test_a_database_that_is_lost_comes_back_from_the_peers(three, workspace):
    for number in range(300):
        three[number % 3 + 1].ask(ldns(number))
    before = three.wait_until_equal(EQUAL_SECONDS)
    one = three[1]
    one.daemon.stop()
    one.coprocess.close()
    share = one.database.rows("SELECT name, url FROM share")[0]
    peers = one.database.rows("SELECT node, name, url FROM peer")
    for path in one.database.path.parent.glob("sticky.sqlite*"):
        path.unlink()
    fresh = Database.create(one.directory, SAMPLE)
    fresh.sql(
        f"UPDATE share SET node = 1, name = '{share[0]}', url = '{share[1]}';"
        + "".join(f"INSERT INTO peer (node, name, url) VALUES ({n}, '{name}', '{url}');"
                  for n, name, url in peers)
    )
    one.daemon.start()
    assert three.wait_until_equal(EQUAL_SECONDS) == before


@pytest.mark.parametrize("is_restarted", (False, True), ids=("", "restarted"))
def test_what_was_told_to_some_before_a_database_was_lost_comes_to_all(three, is_restarted):
    """Node 2 finds node 3 empty, and only node 1 knows what node 3 has told.  Node 2 notices also
    when it has not heard of node 3 since its start."""
    one, other, lost = three.nodes

    def wait_for_walk_after(act, peer):
        walked = other.state(peer)["equal_at"]
        time.sleep(1)  # the unit of that time
        act()
        wait_until(lambda: other.state(peer)["equal_at"] > walked, SECONDS_MAX, "they are compared")

    hand_over(lost, [0])
    three.wait_until_equal(EQUAL_SECONDS)
    three.cut(other, lost)
    if is_restarted:
        kill_daemon(other)
        wait_for_walk_after(other.daemon.start, one)
    hand_over(lost, range(1, 50))
    three.wait_until_equal(EQUAL_SECONDS, nodes=[one, lost])
    three.cut(one, lost)
    lost.nats.kill()
    lost.nats.wipe()
    lost.nats.start()
    lost.lose_database()
    wait_for_walk_after(lambda: three.heal(other, lost), lost)
    three.heal(one, lost)
    assert len(three.wait_until_equal(EQUAL_SECONDS)) == 50


@pytest.mark.parametrize("pause_s", (0, 0.75))
def test_a_backup_that_is_restored_while_it_is_shared_is_made_up_for(two, pause_s):
    """It holds how far the log of node 2 had been read then.  Restored soon after the state was
    written, and shortly before that is done again."""
    one, other = two.nodes
    backup = one.directory / "backup.sqlite"
    hand_over(one, range(50))
    hand_over(other, range(50, 100))
    two.wait_until_equal(EQUAL_SECONDS)
    one.database.sql(f"VACUUM INTO '{backup}';")
    [(saved,)] = one.database.rows("SELECT written_at FROM share_state")
    hand_over(one, range(100, 150))
    hand_over(other, range(150, 200))
    other.database.sql(f"DELETE FROM persistence WHERE ldns = '{ldns(7)}';")
    before = two.wait_until_equal(EQUAL_SECONDS)
    later = f"SELECT written_at > {saved} FROM share_state"
    wait_until(lambda: one.database.rows(later) == [(1,)], SECONDS_MAX, "a later state")
    time.sleep(pause_s)
    one.database.sql(f".restore '{backup}'")
    assert ("web", ldns(120)) not in one.entries()
    assert two.wait_until_equal(EQUAL_SECONDS) == before
    wait_until(lambda: "the database is as it was some time ago" in one.daemon.said(), SECONDS_MAX,
               "it is reported")


def test_what_was_decided_while_sharing_was_off_is_made_up_for(two):
    one, other = two.nodes
    hand_over(one, range(50))
    two.wait_until_equal(EQUAL_SECONDS)
    one.database.sql("UPDATE share SET node = 0;")
    hand_over(one, range(50, 100))
    hand_over(other, range(100, 150))
    assert ("web", ldns(70)) not in other.entries()
    left = SITES[one.ask(ldns(1))]
    site_down(one, left)
    moved = {ldns(1): one.ask(ldns(1)), ldns(2): elsewhere(expected(ldns(2)))}
    site_up(one, left)
    one.database.wait_for_mappings("web", {ldns(1): SITES[moved[ldns(1)]]})
    one.database.sql("UPDATE persistence SET controller_id = (SELECT id FROM controller"
                     f" WHERE name = '{SITES[moved[ldns(2)]]}') WHERE ldns = '{ldns(2)}';")
    one.database.sql("UPDATE share SET node = 1;")
    entries = two.wait_until_equal(EQUAL_SECONDS)
    assert len(entries) == 150
    assert {key: entries["web", key][0] for key in moved} == {
        key: SITES[address] for key, address in moved.items()}


# ---------------------------------------------------------------- what does not fit together


# What only one server has, under ids of its own: SQL by {pool}, {site} and {server}, and whom to ask.
EXTRA = {
    "pool extra": (
        "BEGIN; INSERT INTO pool (id, name) VALUES ({pool}, 'extra');"
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES ({server}, {pool}, 1, 1, '192.0.2.99');"
        "INSERT INTO balanced_name (name, pool_id) VALUES ('extra.example.com', {pool}); COMMIT;",
        "extra.example.com",
    ),
    "controller extra": (
        "BEGIN; INSERT INTO controller (id, name) VALUES ({site}, 'extra');"
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES ({server}, 1, {site}, 4, '192.0.2.99'); COMMIT;",
        "www.example.com",
    ),
}


@pytest.mark.parametrize("what", EXTRA)
def test_names_that_do_not_exist_here_are_named_and_come_later(two, what):
    """They come by the walk that follows a change of the configuration."""
    script, name = EXTRA[what]
    one, other = two.nodes
    one.database.sql(script.format(pool=9, site=9, server=91))
    asked = []

    def is_sent_there():
        asked.append(ldns(len(asked)))
        return one.ask(asked[-1], name=name) == "192.0.2.99"

    wait_until(is_sent_there, SECONDS_MAX, "a resolver for whom it counts")
    wait_until(lambda: other.state(one).get("unknown", 0) > 0, SECONDS_MAX, "it is counted")
    assert other.state(one)["unknown_name"] == what
    status = "\n".join(other.coprocess.command("status"))
    assert what in status, status
    other.database.sql(script.format(pool=17, site=18, server=99))
    entries = two.wait_until_equal(EQUAL_SECONDS)
    assert {key[1] for key in entries} == set(asked)
    assert other.ask(asked[-1], name=name) == "192.0.2.99"


@pytest.mark.parametrize("what", ("the database", "the machine"))
def test_a_copied_database_is_told(workspace, what):
    """Two servers that say they are node 1: neither hands over.  On a machine that was copied, the
    file is where the original is, by its numbers."""
    with Cluster(workspace, 2) as cluster:
        cluster.wait_until_heard()
        directory = cluster[1].directory / "copy"
        directory.mkdir()
        give_to_user(directory)
        path = directory / "sticky.sqlite"
        cluster[1].database.sql(f"VACUUM INTO '{path}';")
        if what == "the machine":
            machine = cluster[1].database.rows("SELECT place FROM share")[0][0].split(":")[0]
            Database(path).sql(f"UPDATE share SET place = '{machine}:{path.stat().st_ino}';")
        with Daemon(Database(path)):
            wait_until(
                lambda: "copy" in "\n".join(cluster[1].coprocess.command("status")),
                SECONDS_MAX, "the alarm",
            )


def test_nothing_is_noted_while_nothing_is_shared(sample_database):
    with Coprocess(sample_database.path) as coprocess:
        for number in range(20):
            coprocess.ask(remote=ldns(number))
    sample_database.wait_for_writer()
    assert sample_database.rows("SELECT count(*), max(decided), max(origin) FROM persistence") == [
        (20, 0, 0)]
    assert sample_database.rows("SELECT count(*) FROM share_change") == [(0,)]

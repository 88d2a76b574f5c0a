"""What an operator sees of name servers that share while something is wrong, and that it goes away.

test_sharing.py has the faults themselves; here it is what `status` says of them, which waits for
ten seconds before it calls something silent or late.
"""

import os
import re
import subprocess
import time

import pytest

from cluster import EQUAL_SECONDS, Cluster
from faults import assert_as_prompt, fill_up, small_disk
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import expected


def problems(node):
    return [
        line for line in node.coprocess.command("status")
        if line.startswith("problem: ") and any(
            word in line for word in ("peer", "nats-server", "changes", "shared", "node"))
    ]  # fmt: skip


def wait_for_problem(node, *words):
    def found():
        return any(all(word in line for word in words) for line in problems(node))

    wait_until(found, SECONDS_MAX, f"{words}: {problems(node)}, {node.daemon.said()}")


def wait_until_well(cluster):
    for node in cluster.nodes:
        wait_until(lambda: problems(node) == [], SECONDS_MAX, f"no problem: {problems(node)}")


def change_many(node, count):
    """So many mappings at once, as an operator makes them."""
    node.database.sql(
        f"WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        " INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " SELECT 1, printf('10.9.%d.%d', i / 256, i % 256), 1, 'modulus', unixepoch(), 3600"
        " FROM n;"
    )


def ask_in_time(cluster, node, numbers):
    """New resolvers get the choice of the method, as fast as ever."""
    answers, others = [], []
    for number in numbers:
        answers.append(node.coprocess.ask(remote=ldns(number)))
        others.append(cluster.bystander.ask(remote=ldns(number)))
    assert [each.ipv4 for each in answers] == [expected(ldns(number)) for number in numbers]
    assert_as_prompt(answers, others, node.name)


def test_a_nats_server_that_is_down_is_told_here_and_there(two):
    one, other = two.nodes
    wait_until_well(two)
    one.nats.kill()
    for number in range(20):
        assert one.ask(ldns(number)) == expected(ldns(number))
    wait_for_problem(one, "not connected to this server's nats-server")
    wait_for_problem(one, "20 changes wait to be handed over, the oldest for")
    wait_for_problem(other, "peer ns1 was not heard for")
    one.nats.start()
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 20
    wait_until_well(two)


def test_a_daemon_that_is_down_is_told_here_and_there(two):
    one, other = two.nodes
    one.daemon.stop()
    wait_for_problem(one, "pdns-stickyd has not written share_state for")
    wait_for_problem(other, "peer ns1 was not heard for")
    one.daemon.start()
    wait_until_well(two)


def known_again(node, peer):
    """How many rows of a peer were read that were known already, up to now."""
    now = time.time()
    wait_until(lambda: node.state(peer).get("written_at", 0) > now, SECONDS_MAX, "it is written")
    return node.state(peer)["known"]


@pytest.mark.parametrize("is_killed", (False, True), ids=("cut", "killed"))
def test_after_a_link_was_down_the_log_is_read_on_from_the_cursor(three, is_killed):
    """Node 2 does not read again what it has read before."""
    one, other, third = three.nodes
    many = 500
    for number in range(many):
        one.ask(ldns(number))
    three.wait_until_equal(EQUAL_SECONDS)
    before = 0 if is_killed else known_again(other, one)
    three.cut(one, other)
    wait_for_problem(other, "peer ns1 was not heard for")
    one.ask(ldns(many)), third.ask(ldns(many + 1))
    three.wait_until_equal(EQUAL_SECONDS, nodes=[one, third])
    wait_until(lambda: ("web", ldns(many + 1)) in other.entries(), SECONDS_MAX, "ns3 is heard")
    assert ("web", ldns(many)) not in other.entries()
    three.heal(one, other)
    three.wait_until_equal(EQUAL_SECONDS)
    if is_killed:  # it walks when it starts, and a walk of equal tables brings no rows
        walked = other.state(one)["equal_at"]
        other.daemon.process.kill()
        other.daemon.process.wait()
        other.daemon.start()
        wait_until(lambda: other.state(one)["equal_at"] > walked, SECONDS_MAX, "it has walked")
    one.ask(ldns(many + 2))
    assert len(three.wait_until_equal(EQUAL_SECONDS)) == many + 3
    assert known_again(other, one) - before < many


def test_changes_beyond_the_limit_are_dropped_and_found_by_comparing(workspace):
    with Cluster(workspace, 2, settings={"share_outbox_rows": 10}) as two:
        two.wait_until_heard()
        one = two[1]
        one.nats.kill()
        ask_in_time(two, one, range(200))
        wait_for_problem(one, "changes were dropped, since more than share_outbox_rows")
        one.nats.start()
        assert len(two.wait_until_equal(EQUAL_SECONDS)) == 200


def refusals(node):
    """How often nats-server has logged that it could not write."""
    return node.nats.said().count("no space left on device")


def restart(nats):
    """As systemd does it: one that does not end is killed (TimeoutStopSec)."""
    nats.process.terminate()
    try:
        nats.process.wait(3)
    except subprocess.TimeoutExpired:
        nats.kill()
    nats.start()


def test_a_log_without_room_is_told_and_goes_on_after_a_restart(workspace):
    """nats-server 2.9 stands still with its first write that fails, though it lets everybody in;
    2.10 refuses each message until there is room."""
    with small_disk(workspace, 2048) as disk:
        two = Cluster(workspace, 2)
        one, other = two.nodes
        one.nats.keep_store_in(disk)
        with two:
            two.wait_until_heard()
            ask_in_time(two, one, range(5))
            assert len(two.wait_until_equal(EQUAL_SECONDS)) == 5
            fill_up(disk / "full")
            change_many(one, 2000)
            ask_in_time(two, one, range(10, 40))
            wait_for_problem(one, "changes wait to be handed over, the oldest for")
            text = "the server does not answer" if refusals(one) == 0 else "no space left on device"
            wait_for_problem(one, "nats-server: ", text)
            said = refusals(one)
            for _ in range(20):
                assert any(text in line for line in problems(one)), problems(one)
                time.sleep(0.1)
            assert refusals(one) - said <= 10, "it is not asked again and again"
            ask_in_time(two, one, range(40, 50))
            ask_in_time(two, other, range(50, 60))
            (disk / "full").unlink()
            restart(one.nats)
            assert len(two.wait_until_equal(EQUAL_SECONDS)) == 2055
            wait_until_well(two)


def test_a_log_that_is_turned_off_is_told(two):
    """Not as if nats-server had never had one.  A restart without JetStream stands for whatever has
    turned it off."""
    one = two[1]
    whole = one.nats.configuration.read_text()
    one.nats.configuration.write_text(re.sub(r"jetstream \{.*\}", "", whole))
    restart(one.nats)
    wait_for_problem(one, "nats-server: JetStream is no longer enabled: see the log of nats-server")
    ask_in_time(two, one, range(10))
    one.nats.configuration.write_text(whole)
    restart(one.nats)
    assert len(two.wait_until_equal(EQUAL_SECONDS)) == 10
    wait_until_well(two)


def test_rows_without_room_are_counted_and_come_later(workspace):
    """A server whose database may be no larger takes nothing, and answers as ever."""
    with Cluster(workspace, 2, settings={"share_walk": 2}) as two:
        two.wait_until_heard()
        one, small = two.nodes
        small.database.sql("UPDATE setting SET value = 1 WHERE name = 'max_megabytes';")
        change_many(one, 40000)
        wait_for_problem(small, "peer ns1: there was no room for")
        assert small.ask(ldns(1)) == expected(ldns(1))
        small.database.sql("UPDATE setting SET value = 1024 WHERE name = 'max_megabytes';")
        two.wait_until_equal(SECONDS_MAX)
        assert len(small.database.rows("SELECT 1 FROM persistence WHERE pool_id = 1")) >= 40000


@pytest.mark.parametrize("left", (0, 1 << 20))
def test_rows_that_come_while_the_disk_is_full_are_there_once_it_has_room(workspace, left):
    """With little room left, rows are counted and left out; with none, they stay in the peer's log."""
    with small_disk(workspace, 16 << 10) as disk:
        two = Cluster(workspace, 2, settings={"share_walk": 2}, directories={2: disk})
        one, full = two.nodes
        with two:
            two.wait_until_heard()
            fill_up(disk / "full")
            os.truncate(disk / "full", (disk / "full").stat().st_size - left)
            change_many(one, 2000)
            ask_in_time(two, full, range(20))
            if left:
                wait_for_problem(full, "peer ns1: there was no room for")
            else:
                log = "mappings of other name servers cannot be written: database or disk is full"
                wait_until(lambda: log in full.daemon.said(), SECONDS_MAX, log)
            assert any("disk is nearly full" in line for line in full.coprocess.command("status"))
            theirs = "SELECT count(*) FROM persistence WHERE ldns LIKE '10.9.%'"
            assert full.database.rows(theirs) == [(0,)]
            ask_in_time(two, full, range(20, 40))
            ask_in_time(two, one, range(40, 60))
            (disk / "full").unlink()
            assert len(two.wait_until_equal(SECONDS_MAX)) == 2060

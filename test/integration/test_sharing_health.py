"""Name servers that tell each other which sites they find down.

Each node has sites of its own, on the same addresses and another port: what one node cannot reach,
another one can.
"""

import contextlib

import pytest

from cluster import Cluster
from monitor import Sites, states, watched
from processes import wait_until
from resolvers import ldns

COUNT = 3
ALL_UP = dict.fromkeys(range(1, COUNT + 1), "up")
RESOLVER = ldns(1)

# Within this time a change is seen by checks, told, and agreed on, even on a busy machine.
AGREED_SECONDS = 60


class Views:
    """A cluster, and the sites as each of its nodes sees them."""

    def __init__(self, cluster, sites):
        self.cluster, self.sites = cluster, sites

    def lose(self, node, *sites):
        """The node does not reach these sites any more."""
        for site in sites:
            self.sites[node.number - 1].end(site)

    def regain(self, node, *sites):
        for site in sites:
            self.sites[node.number - 1].begin(site)


@contextlib.contextmanager
def views(workspace, nodes, **settings):
    with contextlib.ExitStack() as stack:
        sites = [stack.enter_context(Sites(COUNT)) for _ in range(nodes)]
        cluster = Cluster(workspace, nodes, settings, scripts=())
        for node, seen in zip(cluster.nodes, sites):
            watched(node.database, seen, COUNT, fall=2)
        stack.enter_context(cluster)
        cluster.wait_until_heard()
        for node in cluster.nodes:
            until(lambda: states(node.database) == ALL_UP, f"{node.name} checks")
            until(lambda: len(told(node)) == COUNT, f"{node.name} is told")
        yield Views(cluster, sites)


def until(condition, what):
    wait_until(condition, AGREED_SECONDS, what)


def counts(node):
    """What answers go by: {site: 'up' or 'down'}."""
    query = ("SELECT virtual_server_id, value FROM virtual_server_metric"
             " WHERE name = 'availability'")
    return {site: "up" if value else "down" for site, value in node.database.rows(query)}


def told(node):
    """What the view health says that others have found out: {site: text}."""
    query = "SELECT controller, peers FROM health WHERE peers IS NOT NULL"
    return {int(name.removeprefix("site")): said for name, said in node.database.rows(query)}


def until_found(node, *down):
    """Until its own checks have found just these sites down."""
    expected = {**ALL_UP, **dict.fromkeys(down, "down")}
    until(lambda: states(node.database) == expected, f"{node.name} finds {down} down")


def until_counts(node, *down):
    expected = {**ALL_UP, **dict.fromkeys(down, "down")}
    until(lambda: counts(node) == expected,
          f"{down} down at {node.name}: {counts(node)}, {told(node)}, {node.daemon.said()[-1000:]}")


def ask_in_turn(cluster, times):
    """The sites that the resolver is sent to by the nodes in turn, with equal tables each time."""
    answers = []
    for _ in range(times):
        for node in cluster.nodes:
            answers.append(node.ask(RESOLVER))
            cluster.wait_until_equal()
    return answers


def split(views):
    """Two nodes with opposite views: each one loses the site that the other one keeps."""
    one, two = views.cluster.nodes
    views.lose(one, 1)
    views.lose(two, 2)
    until_found(one, 1)
    until_found(two, 2)
    until(lambda: told(one)[2].endswith("down") and told(two)[1].endswith("down"), "both are told")


# ---------------------------------------------------------------- the quorum


def test_without_a_quorum_opposite_views_send_a_resolver_back_and_forth(workspace):
    with views(workspace, 2) as two:
        split(two)
        for node, down in zip(two.cluster.nodes, (1, 2)):
            until_counts(node, down)
            node.database.sql("UPDATE virtual_server SET state = 'disabled' WHERE id = 3;")
        answers = ask_in_turn(two.cluster, 5)
        site1, site2 = Sites.address(1), Sites.address(2)
        assert answers[-6:] == [site2, site1] * 3


def test_with_a_quorum_opposite_views_move_nobody(workspace):
    with views(workspace, 2, share_quorum=2) as two:
        before = set(ask_in_turn(two.cluster, 1))
        assert len(before) == 1
        split(two)
        for node in two.cluster.nodes:
            until_counts(node)
            until(lambda: "counts as up, as too few name servers find it down"
                  in node.daemon.said(), f"{node.name} says why")
        assert set(ask_in_turn(two.cluster, 5)) == before


def test_what_all_find_down_is_down(workspace):
    with views(workspace, 2, share_quorum=2) as two:
        one, other = two.cluster.nodes
        two.lose(one, 1)
        until_found(one, 1)
        until_counts(one)
        two.lose(other, 1)
        until_counts(one, 1)
        until_counts(other, 1)
        two.regain(one, 1)
        until_counts(one)
        until_counts(other)
        assert states(other.database)[1] == "down", "its own verdict is another matter"


def test_two_of_three_decide_and_one_that_is_cut_off_believes_itself(workspace):
    with views(workspace, 3, share_quorum=2) as three:
        one, two, other = three.cluster.nodes
        three.lose(one, 1)
        three.lose(two, 1)
        for node in three.cluster.nodes:
            until_counts(node, 1)
        assert states(other.database) == ALL_UP
        three.cluster.cut(other, one)
        three.cluster.cut(other, two)
        until_counts(other)
        until(lambda: told(other) == {}, "neither is heard any more")
        until_counts(one, 1)
        three.cluster.heal(other, one)
        three.cluster.heal(other, two)
        until_counts(other, 1)


def test_the_quorum_can_be_changed_while_all_runs(workspace):
    with views(workspace, 2) as two:
        one, other = two.cluster.nodes
        two.lose(one, 1)
        until_counts(one, 1)
        for quorum, down in ((2, ()), (1, (1,)), (0, (1,))):
            one.database.sql(f"UPDATE setting SET value = {quorum} WHERE name = 'share_quorum';")
            until_counts(one, *down)
        assert counts(other) == ALL_UP
        other.database.sql("UPDATE setting SET value = 1 WHERE name = 'share_quorum';")
        until_counts(other, 1)


def test_after_a_restart_nothing_changes_before_the_peers_are_heard(workspace):
    with views(workspace, 2, share_quorum=2) as two:
        one, _ = two.cluster.nodes
        two.lose(one, 1)
        until_found(one, 1)
        until_counts(one)
        metrics = one.database.rows("SELECT metrics FROM revision")
        one.daemon.stop()
        checked = "SELECT min(checked_at) FROM virtual_server_verdict"
        before = one.database.rows(checked)
        one.daemon.start()
        until(lambda: one.database.rows(checked) > before, "all were checked again")
        until_found(one, 1)
        assert counts(one) == ALL_UP
        assert one.database.rows("SELECT metrics FROM revision") == metrics


# ---------------------------------------------------------------- the brake


def test_a_server_whose_brake_is_on_does_not_outvote_the_others(workspace):
    with views(workspace, 2, share_quorum=2) as two:
        one, other = two.cluster.nodes
        two.lose(other, 1, 2, 3)
        until(lambda: "network is suspected" in other.daemon.said(), "the brake is on")
        until(lambda: told(one) == {}, "what it finds down does not count")
        assert states(other.database) == ALL_UP
        two.lose(one, 1)
        for node in two.cluster.nodes:
            until_counts(node, 1)
        assert states(other.database) == ALL_UP
        until(lambda: "its own network is suspected" in one.state(other)["problem"], "peer_state")
        two.regain(other, 1, 2, 3)
        until(lambda: told(one).get(1) == "ns2 up", "its brake is off")
        until_counts(one)
        until_counts(other)


# ---------------------------------------------------------------- who said what


def test_who_said_what_is_shown(workspace):
    with views(workspace, 3, share_quorum=2) as three:
        one, two, other = three.cluster.nodes
        three.lose(two, 1)
        until_found(two, 1)
        until(lambda: told(one).get(1) == "ns2 down, ns3 up", "ns1 knows")
        until(lambda: told(two).get(1) == "ns1 up, ns3 up", "ns2 knows")
        assert told(one)[2] == "ns2 up, ns3 up"
        rows = two.database.rows("SELECT state, counts FROM health WHERE controller = 'site1'")
        assert rows == [("down", "up")]
        since = one.database.rows(
            "SELECT state, unixepoch() - heard_at BETWEEN 0 AND 600 FROM peer_verdict"
            " WHERE node = 2 AND pool = 'web' AND controller = 'site1' AND position = 1")
        assert since == [("down", 1)]
        line = f"  pool web, site1 127.1.0.1:{three.sites[0].port}: up here, ns2 down, ns3 up; counts as up"
        until(lambda: line in one.coprocess.command("status"),
              f"{line!r} in {one.coprocess.command('status')}")
        line = f"  pool web, site1 127.1.0.1:{three.sites[1].port}: down here, ns1 up, ns3 up; counts as up"
        until(lambda: line in two.coprocess.command("status"),
              f"{line!r} in {two.coprocess.command('status')}")
        assert line in two.coprocess.command(f"explain www.example.com {RESOLVER}")


def test_a_target_that_is_gone_is_not_told_any_more(workspace):
    with views(workspace, 2) as two:
        one, other = two.cluster.nodes
        other.database.sql("DELETE FROM virtual_server WHERE id = 3;")
        until(lambda: set(told(one)) == {1, 2}, "two are left")
        rows = one.database.rows("SELECT controller, position FROM peer_verdict ORDER BY 2")
        assert rows == [("site1", 1), ("site2", 2)]
        one.database.sql("DELETE FROM peer;")
        until(lambda: one.database.rows("SELECT * FROM peer_verdict") == [], "nor is the peer")


@pytest.mark.parametrize("quorum", (0, 2))
def test_a_controller_is_voted_on_as_well(workspace, quorum):
    with views(workspace, 2, share_quorum=quorum) as two:
        one, other = two.cluster.nodes
        for node, seen in zip(two.cluster.nodes, two.sites):
            node.database.sql(
                f"UPDATE controller SET monitor_id = (SELECT id FROM monitor),"
                f" address = '{seen.address(1)}' WHERE name = 'site1';")
        two.lose(one, 1)
        query = "SELECT state, counts, peers FROM health WHERE pool IS NULL"
        down = "down" if quorum == 0 else "up"
        until(lambda: one.database.rows(query) == [("down", down, "ns2 up")],
              f"{one.database.rows(query)}")
        until(lambda: other.database.rows(query) == [("up", "up", "ns1 down")],
              f"{other.database.rows(query)}")

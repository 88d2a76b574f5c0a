"""Programs of two versions, while an update goes from one name server to the next.

A peer of a later version tells members that this one does not know.  They are ignored: what the
message says otherwise counts, and nothing is refused.
"""

import json
import time

import pytest

from cluster import Cluster
from hostile import WALK, Hostile, answer, row
from nats import Nats
from processes import SECONDS_MAX, kill, wait_until
from resolvers import ldns
from test_sharing_follow import configuration, follow
from test_sharing_paths import page, wait_for

# Of every type, with names that sort before and after those that are known.
LATER = {"a-flag": True, "clocks": [1, -2.5e3, "x"], "none": None, "zone": {"kind": "beat", "v": 2}}


def later(message):
    """The same message with members of a later version; what follows its first line stays."""
    head, newline, rest = message.partition(b"\n")
    return json.dumps({**LATER, **json.loads(head), "a": 1, "z": ""}).encode() + newline + rest


class Newer(Hostile):
    """A peer of a later version, which means well.  answers  to the questions that it is asked, by
    kind: functions from the question to a message of this version."""

    def __init__(self, port, number):
        super().__init__(port, number)
        self.answers, self.path = {}, 0
        self.on_question = self._answer

    def _answer(self, question):
        known = self.answers.get(question["kind"])
        return later(known(question)) if known else b""

    def beat(self, **members):
        return later(super().beat(**({"path": self.path} if self.path else {}), **members))

    def batch(self, rows=(), **members):
        return later(super().batch(rows, **members))


@pytest.fixture
def scene(workspace):
    """Node 1, and node 2 in place of which a later version speaks."""
    with Cluster(workspace, 2) as cluster:
        cluster.wait_until_heard()
        kill([cluster[2].daemon.pid])
        cluster[2].daemon.process.wait()
        ours = cluster[1]
        with Newer(cluster[2].nats.port, 2) as newer:
            began = time.time()
            wait_until(lambda: ours.state(cluster[2])["heard_at"] > began, SECONDS_MAX, "beats")
            yield ours, newer
            state = ours.state(cluster[2])
        assert state["refused"] == 0 and "malformed" not in state["problem"], state


def wait_for_row(node, resolver):
    wait_until(lambda: node.entries().get(("web", resolver)), SECONDS_MAX, node.daemon.said)
    assert node.entries()["web", resolver][0] == "ams"


def test_a_row_of_its_batch_arrives(scene):
    ours, newer = scene
    newer.append(newer.batch([row(ldns(1), origin=2)]))
    wait_for_row(ours, ldns(1))


def test_a_row_of_its_table_arrives(scene):
    """The beat of another incarnation is a reason to compare tables."""
    ours, newer = scene
    newer.answers["question"] = lambda question: answer([row(ldns(2), origin=2)])
    newer.incarnation = 8
    wait_for_row(ours, ldns(2))


def test_a_round_trip_time_of_it_arrives(scene):
    ours, newer = scene
    newer.answers["path-question"] = lambda question: page(
        [["192.0.2.0/24", 0, 7.5, int(time.time())]], to=5)
    newer.path = 5
    wait_for(ours, "ams", 7.5, 2)


QUESTIONS = (
    ({"kind": "question", "after": ["", ""], "rows": True}, "answer"),
    ({"kind": "question", "after": ["", ""], "rows": False}, "answer"),
    ({"kind": "path-question", "after": 0}, "paths"),
    ({"kind": "copy", "revision": "0" * 16, "offset": 0}, "part"),
)


def ask(node, question):
    """The answer of its daemon, which it gets by its own nats-server."""
    with Nats(node.nats.port) as client:
        client.subscribe("_INBOX.later", count=1)
        client.publish(WALK, question, "_INBOX.later")
        return client.next("_INBOX.later").data


@pytest.mark.parametrize("question, kind", QUESTIONS)
def test_its_questions_are_answered(scene, question, kind):
    ours, _ = scene
    ours.ask(ldns(3))
    ours.database.wait_for_writer()
    text = ask(ours, later(json.dumps({"v": 1, **question}).encode()))
    head = json.loads(text.partition(b"\n")[0])
    assert head["kind"] == kind
    assert head.get("count", 1) == 1


def test_its_configuration_is_followed(workspace):
    """The copy is one of this version, and what comes before it is of a later one."""
    with Cluster(workspace, 2) as cluster:
        one, two = cluster.nodes
        cluster.wait_until_heard()
        one.database.sql("UPDATE pool SET ttl = 17 WHERE name = 'web'")
        part = ask(one, json.dumps({"v": 1, **QUESTIONS[3][0]}).encode())
        kill([one.daemon.pid])
        one.daemon.process.wait()
        with Newer(one.nats.port, 1) as newer:
            newer.answers["copy"] = lambda question: part
            follow(two, 1)
            wait_until(lambda: configuration(two) == configuration(one), SECONDS_MAX,
                       lambda: two.coprocess.command("status"))
            assert two.state(one)["refused"] == 0

"""What is set up wrong is named by `status`: two name servers with TLS and pdns-conf/nats.conf."""

import contextlib
import re

import pytest

from cluster import Node
from coprocess import Coprocess
from database import Database
from monitor import Daemon
from nats_server import make_identities, sign_identity
from processes import SECONDS_MAX, daemon_path, free_port, give_to_user, run, wait_until
from resolvers import ldns
from sample import expected

# Whatever is wrong with sharing is told by sentences with one of these.
OF_SHARING = ("peer ns", "nats-server", "sharing:", "not shared")


class Pair:
    """ns1 and ns2, set up but not started.

    open_servers  their nats-servers let everybody who has a certificate do everything
    """

    def __init__(self, directory, open_servers=False):
        names = ("ns1", "ns2")
        self.identities = make_identities(directory / "ca", *names)
        self.nodes = [
            Node(directory, number, identity=identity,
                 peers=None if open_servers else [names[2 - number]])
            for number, identity in enumerate(self.identities, 1)
        ]  # fmt: skip
        for node, other, own in zip(self.nodes, self.nodes[::-1], self.identities):
            node.join({other.number: other.nats.url})
            node.database.sql(f"UPDATE share SET ca = '{own.ca}', certificate = '{own.certificate}',"
                              f" key = '{own.key}';")

    @contextlib.contextmanager
    def running(self):
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.callback(node.close)
                node.start()
            yield self

    def status(self, number=1):
        return "\n".join(self.nodes[number - 1].coprocess.command("status"))

    def wait_for(self, *words, number=1):
        def are_there():
            found = self.status(number)
            return all(word in found for word in words)

        wait_until(are_there, SECONDS_MAX, lambda: f"{words} in {self.status(number)}")

    def is_quiet(self, number):
        lines = self.status(number).splitlines()
        return not [line for line in lines if line.startswith("problem: ")
                    and any(words in line for words in OF_SHARING)]

    def is_heard(self):
        one, two = self.nodes
        return one.state(two).get("heard_at") and two.state(one).get("heard_at")


@pytest.fixture
def pair(workspace):
    return Pair(workspace)


def test_of_two_that_are_set_up_well_nothing_is_said(pair):
    with pair.running():
        wait_until(pair.is_heard, SECONDS_MAX, f"both are heard: {pair.status()}")
        texts = [node.database.rows("SELECT problem FROM share_state UNION ALL"
                                    " SELECT warning FROM share_state UNION ALL"
                                    " SELECT problem FROM peer_state") for node in pair.nodes]
        assert texts == [[("",)] * 3] * 2


SHARING_LINES = r"""sharing as ns1, node 1: connected to nats-server, 0 changes wait
  peer ns2, node 2: connected, heard \d+ s ago, clock [+-]\d+ ms, the same configuration
    {taken} rows taken over, of these 0 moved a resolver; \d+ older, \d+ known(; the last came .*)?
    tables compared \d+ s ago(, and being compared now)?
"""


def test_of_each_peer_it_is_said_how_sharing_goes(pair):
    other = pair.nodes[1].database

    def is_said(taken):
        return re.search(SHARING_LINES.format(taken=taken), pair.status() + "\n")

    with pair.running():
        wait_until(lambda: is_said(0), SECONDS_MAX, pair.status)
        for number in range(7):
            assert pair.nodes[1].ask(ldns(number)) == expected(ldns(number))
        wait_until(lambda: len(other.rows_of("web")) == 7, SECONDS_MAX, lambda: pair.status(2))
        wait_until(lambda: is_said(7), SECONDS_MAX, pair.status)


def test_of_a_peer_that_was_never_heard_nothing_else_is_said(pair):
    with contextlib.ExitStack() as stack:
        stack.callback(pair.nodes[0].close)
        pair.nodes[0].start()
        pair.wait_for("peer ns2, node 2: not connected, heard never\n    0 rows taken over")


def test_following_needs_no_more_permissions(pair):
    one, two = pair.nodes
    two.database.sql("UPDATE share SET follow = 1")
    ttl = "SELECT ttl FROM pool WHERE name = 'web'"
    with pair.running():
        one.database.sql("UPDATE pool SET ttl = 17 WHERE name = 'web'")
        wait_until(lambda: two.database.rows(ttl) == [(17,)], SECONDS_MAX, "it is taken over")
        pair.wait_for("follows ns1, revision ", "the same configuration", number=2)
        assert not [line for line in pair.status(2).splitlines() if "not followed" in line]


def test_the_first_row_in_which_two_differ_is_named(pair):
    one, two = pair.nodes
    with pair.running():
        wait_until(pair.is_heard, SECONDS_MAX, "both are heard")
        one.database.sql("UPDATE controller SET state = 'draining' WHERE name = 'ams'")
        words = 'has another configuration, only %s: controller ["ams","draining"]'
        pair.wait_for(f"peer ns2 {words % 'here'}")
        pair.wait_for(f"peer ns1 {words % 'there'}", number=2)
        one.database.sql("UPDATE controller SET state = 'enabled' WHERE name = 'ams';"
                         "UPDATE pool SET ttl = ttl + 1 WHERE name = 'web'")
        pair.wait_for('has another configuration, only ', ': pool ["web","modulus",', number=2)
        two.database.sql("UPDATE pool SET ttl = ttl + 1 WHERE name = 'web'")
        wait_until(lambda: "another configuration" not in pair.status(1) + pair.status(2),
                   SECONDS_MAX, "they are equal")


def test_a_server_that_nothing_of_this_build_can_reach(sample_database):
    """One that is configured --without-nats says so, any other that nobody is there."""
    sample_database.sql("UPDATE share SET node = 1, name = 'ns1',"
                        f" url = 'nats://127.0.0.1:{free_port()}';"
                        "INSERT INTO peer (node, name, url) VALUES (2, 'ns2', 'nats://127.0.0.1:1');")
    has_nats = "libnats" in run(["ldd", daemon_path()]).stdout
    words = "nothing listens there" if has_nats else "this build has no NATS"
    with Daemon(sample_database), Coprocess(sample_database.path) as coprocess:

        def said():
            return [line for line in coprocess.command("status") if line.startswith(
                "problem: not connected to this server's nats-server: ") and words in line]

        wait_until(said, SECONDS_MAX, lambda: coprocess.command("status"))
        assert coprocess.ask(remote=ldns(1)).ipv4 == expected(ldns(1))


def test_no_nats_server(pair):
    with pair.running():
        wait_until(pair.is_heard, SECONDS_MAX, "both are heard")
        pair.nodes[0].nats.kill()
        pair.wait_for("not connected to this server's nats-server: cannot connect to")
        pair.wait_for("peer ns1 was not heard for", number=2)


def test_a_peer_with_the_certificate_of_another(pair):
    """Its nats-server is not the one that table peer names."""
    pair.nodes[0].database.sql("UPDATE peer SET name = 'ns3';")
    with pair.running():
        pair.wait_for("peer ns3 was never heard: cannot connect to", "hostname mismatch")


def test_a_name_that_the_peer_does_not_know(workspace):
    pair = Pair(workspace)
    conf = pair.nodes[1].nats.configuration
    conf.write_text(conf.read_text().replace('user: "CN=ns1"', 'user: "CN=ns7"'))
    with pair.running():
        pair.wait_for("peer ns2 was never heard: cannot connect to", "uthorization")


@pytest.mark.parametrize("days, words", (("10", "ns1.crt: it expires in"),
                                         ("0", "ns1.crt: it has expired")))
def test_a_certificate_that_ends(workspace, monkeypatch, days, words):
    monkeypatch.setenv("DAYS", days)
    with Pair(workspace).running() as pair:
        pair.wait_for(words)


def test_certificates_that_have_ended_are_renewed(workspace, monkeypatch):
    """With what the README says: make-certificates again, and a restart of both programs."""
    monkeypatch.setenv("DAYS", "0")
    pair = Pair(workspace)
    monkeypatch.delenv("DAYS")
    with pair.running():
        for number in (1, 2):
            pair.wait_for("it has expired", "was never heard: cannot connect to", number=number)
        assert pair.nodes[0].ask(ldns(1)) == expected(ldns(1))
        make_identities(workspace / "ca", "ns1", "ns2")
        for node in pair.nodes:
            for process in (node.nats, node.daemon):
                process.stop()
                process.start()
        wait_until(lambda: pair.is_quiet(1) and pair.is_quiet(2), SECONDS_MAX, pair.status)
        wait_until(lambda: ("web", ldns(1)) in pair.nodes[1].entries(), SECONDS_MAX, pair.status)


def test_a_certificate_of_another_name(pair):
    pair.nodes[0].database.sql("UPDATE share SET name = 'ns9';")
    with pair.running():
        pair.wait_for("it is of 'ns1', and share.name is 'ns9'")


def test_a_certificate_of_two_names(pair):
    """nats-server goes by the last one."""
    made = sign_identity(pair.identities[0].ca.parent, "two", "/CN=ns1/CN=ns9")
    for path in (made.certificate, made.key):
        give_to_user(path)
    pair.nodes[0].database.sql(
        f"UPDATE share SET certificate = '{made.certificate}', key = '{made.key}';")
    with pair.running():
        pair.wait_for("it is of 'ns9', and share.name is 'ns1'")


def test_a_file_that_cannot_be_read(pair):
    pair.nodes[0].database.sql("UPDATE share SET key = '/nonexistent/ns1.key';")
    with pair.running():
        pair.wait_for("/nonexistent/ns1.key: No such file or directory")


def test_a_key_that_others_can_read(pair):
    pair.identities[0].key.chmod(0o644)
    with pair.running():
        pair.wait_for("ns1.key: others can read or change it")


def test_permissions_that_are_too_wide(workspace):
    with Pair(workspace, open_servers=True).running() as pair:
        pair.wait_for("peer ns2: its nats-server lets this server write to its log")
        log = pair.nodes[1].database.rows("SELECT batch FROM share")
        assert log == [(0,)] and pair.nodes[0].state(pair.nodes[1])["refused"] == 0


def test_a_peer_of_another_number(pair):
    pair.nodes[1].database.sql("UPDATE share SET node = 3;")
    with pair.running():
        pair.wait_for("its server says that it is node 3: compare share.node there with peer.node")


def test_two_servers_of_one_number(pair):
    pair.nodes[1].database.sql("DELETE FROM peer; UPDATE share SET node = 1;"
                               f"INSERT INTO peer VALUES (2, 'ns1', '{pair.nodes[0].nats.url}');")
    with pair.running():
        for number in (1, 2):
            pair.wait_for("its server says that it is node 1, which is this server", number=number)


def test_a_peer_that_does_not_know_this_server(pair):
    pair.nodes[1].database.sql("DELETE FROM peer;")
    with pair.running():
        pair.wait_for("node 2 does not read our changes: is this server in its table peer?")


def test_a_copy_with_no_peer_in_common(pair):
    """Both servers tell of it, and neither hands over."""
    one = pair.nodes[0]
    with pair.running():
        wait_until(pair.is_heard, SECONDS_MAX, "both are heard")
        directory = one.directory / "copy"
        directory.mkdir()
        give_to_user(directory)
        copy = Database(directory / "sticky.sqlite")
        one.database.sql(f"VACUUM INTO '{copy.path}';")
        copy.sql("DELETE FROM peer;")
        with Daemon(copy):
            pair.wait_for("another server says that it is node 1")
            copied = "SELECT copied FROM share_state"
            wait_until(lambda: copy.rows(copied) == [(1,)], SECONDS_MAX, "the copy knows it, too")
            for database in (one.database, copy):
                database.sql(
                    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                    " VALUES (1, '192.0.2.250', 1, 'modulus', unixepoch(), 3600);")
            wait_until(lambda: "1 changes wait" in pair.status(), SECONDS_MAX, pair.status())
            assert copy.rows("SELECT count(*) FROM share_change") == [(1,)]
            assert ("web", "192.0.2.250") not in pair.nodes[1].entries()
        wait_until(lambda: ("web", "192.0.2.250") in pair.nodes[1].entries(), SECONDS_MAX,
                   "when the copy has gone, it is handed over")

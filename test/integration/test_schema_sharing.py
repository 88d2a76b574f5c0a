"""Sharing with other name servers: what the schema checks, and what its triggers note."""

import pytest

from schema import assert_refused, assert_untouched, checks_of, count, revision
from schema_statements import put, ranged

TABLES = ("share", "peer", "share_cursor", "share_change", "share_deleted")

SHARE_URL = "share.url is like nats://127.0.0.1:4222 or tls://ns1.example.com:4222"
PEER_URL = "peer.url is like nats://192.0.2.53:4222 or tls://ns2.example.com:4222"
WORD = "is a word of 1 to 64 letters, digits, dots, hyphens and underscores"
PEM = {"ca": "ca.pem", "certificate": "ns1.pem", "key": "ns1.key"}


def share(**columns):
    return put("share", **columns)


def peer(node="2", name="'ns2'", url="'nats://192.0.2.2:4222'"):
    return f"INSERT INTO peer (node, name, url) VALUES ({node}, {name}, {url})"


def word_rows(statement, message):
    return [(statement(name=wrong), message, statement(name=right)) for wrong, right in (
        ("''", "'x'"), (f"'{'x' * 65}'", f"'{'x' * 64}'"), ("'ns 1'", "'ns-1.example_2'"),
        ("'ns1' || char(0)", "'ns1'"), ("'*'", "'A'"), ("'ü'", "'u'"))]


def url_rows(statement, message):
    long = "nats://" + "x" * 993
    return [(statement(url=wrong), message, statement(url=right)) for wrong, right in (
        ("''", "'nats://x'"), ("'nats://'", "'tls://x'"), ("'http://x'", "'tls://[::1]:4222'"),
        ("'nats://a b'", "'nats://ns1.example.com:4222'"), ("'nats://x' || char(10)", "'nats://x'"),
        ("'nats://x' || char(0)", "'nats://x'"), (f"'{long}x'", f"'{long}'"))]


def files(column, value):
    return share(**{**{name: "'/x'" for name in PEM}, column: value})


def file_rows(column):
    message = f"share.{column} is the full path of a file: /etc/pdns-sticky/{PEM[column]}, or NULL"
    return [(files(column, wrong), message, files(column, right)) for wrong, right in (
        ("''", "'/x'"), ("'x.pem'", "'/x.pem'"), ("'/'", "'/x y'"), ("'/x' || char(0)", "'/x'"),
        (f"'/{'x' * 1000}'", f"'/{'x' * 999}'"))]


FOLLOW = "share.follow is the node of a peer, or 0 to follow nobody"

ROWS = [
    ("INSERT INTO share (id) VALUES (2)", "share has one row",
     "INSERT OR IGNORE INTO share (id) VALUES (1)"),
    *ranged(share(node="@"), "share.node is 1 to 65535, or 0 to share nothing", 0, 65535),
    *word_rows(share, f"share.name {WORD}"),
    *url_rows(share, SHARE_URL),
    *[row for column in PEM for row in file_rows(column)],
    *[(files(column, "NULL"), "share.ca, share.certificate and share.key are set together,"
       " or all NULL", files(column, "'/y'")) for column in PEM],
    (share(follow="-1"), FOLLOW, share(follow="0")),
    (share(follow="65536"), FOLLOW, (peer(node="65535"), share(follow="65535"))),
    *ranged(peer(node="@"), "peer.node is 1 to 65535", 1, 65535),
    *word_rows(peer, f"peer.name {WORD}"),
    *url_rows(peer, PEER_URL),
]


@pytest.mark.parametrize("statement, message, neighbour", ROWS)
def test_an_invalid_row_is_rejected_with_a_message_and_its_neighbour_passes(
        rows_world, statement, message, neighbour):
    assert_refused(rows_world, statement, message, neighbour)


def test_a_rejected_statement_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


def test_every_check_has_a_row_that_trips_it():
    assert checks_of(TABLES) == {message for _, message, _ in ROWS}


# ---------------------------------------------------------------- what is noted

NODE = 7
FAR = 2 ** 62  # of a clock that is ahead by thousands of years


@pytest.fixture
def sharing(world):
    """A world with one live row and one that has expired, shared from now on."""
    world.execute("DELETE FROM persistence")
    world.execute("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, 'live', 1, 'modulus', unixepoch(), 3600),"
                  "        (1, 'over', 1, 'modulus', unixepoch() - 3600, 3600)")
    world.execute("UPDATE share SET node = ?", (NODE,))
    return world


def stamp(db, key="live"):
    return db.execute("SELECT decided, origin FROM persistence WHERE ldns = ?", (key,)).fetchone()


def tombstone(db, key="live"):
    return db.execute("SELECT decided, origin, ttl FROM share_deleted WHERE ldns = ?",
                      (key,)).fetchone()


def noted(db):
    """The keys that were noted, in their order."""
    return [key for (key,) in db.execute("SELECT ldns FROM share_change ORDER BY stamp")]


def now(db):
    return db.execute("SELECT unixepoch() * 1000 * 4096").fetchone()[0]


def insert(key="new", verb="INSERT", controller=1, then=""):
    return (f"{verb} INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            f" VALUES (1, '{key}', {controller}, 'modulus', unixepoch(), 3600) {then}")


def decided_elsewhere(db, decided, key="live"):
    """The row is another server's, as the sharer writes it: without triggers."""
    db.execute("UPDATE persistence SET decided = ?, origin = 9 WHERE ldns = ?", (decided, key))


@pytest.mark.parametrize("statement", (
    insert(), insert("live", "INSERT OR REPLACE", 2), "UPDATE persistence SET controller_id = 2",
    "DELETE FROM persistence", "UPDATE persistence SET ldns = '::1' WHERE ldns = 'live'"))
def test_nothing_is_noted_while_nothing_is_shared(sharing, statement):
    sharing.execute("UPDATE share SET node = 0")
    sharing.execute(statement)
    assert (count(sharing, "share_change"), count(sharing, "share_deleted")) == (0, 0)
    assert count(sharing, "persistence", "decided <> 0 OR origin <> 0") == 0


@pytest.mark.parametrize("statement, key", (
    (insert(), "new"),
    (insert("live", "INSERT OR REPLACE", 2), "live"),
    (insert("live", then="ON CONFLICT DO UPDATE SET controller_id = 2"), "live"),
    ("UPDATE persistence SET controller_id = 2 WHERE ldns = 'live'", "live"),
    ("UPDATE persistence SET method = 'rtt' WHERE ldns = 'live'", "live"),
    ("UPDATE persistence SET ttl = 60 WHERE ldns = 'live'", "live"),
    ("UPDATE persistence SET timestamp = timestamp - 1 WHERE ldns = 'live'", "live"),
    ("UPDATE persistence SET ttl = 60, timestamp = timestamp + 1 WHERE ldns = 'live'", "live"),
))
def test_a_change_is_a_new_decision_of_this_server_and_is_noted(sharing, statement, key):
    before = now(sharing)
    sharing.execute(statement)
    decided, origin = stamp(sharing, key)
    assert before <= decided <= now(sharing) + 1000 * 4096
    assert origin == NODE
    assert noted(sharing) == [key]
    assert count(sharing, "share_change", "abs(noted_ms - unixepoch() * 1000) < 60000") == 1


def test_moving_the_timestamp_on_is_noted_and_is_no_new_decision(sharing):
    decided_elsewhere(sharing, 5)
    sharing.execute("UPDATE persistence SET timestamp = timestamp + 1 WHERE ldns = 'live'")
    assert (stamp(sharing), noted(sharing)) == ((5, 9), ["live"])


def test_moving_the_timestamp_of_a_row_of_the_time_before_sharing_gives_it_the_lowest_number(
        sharing):
    sharing.execute("UPDATE persistence SET timestamp = timestamp + 1 WHERE ldns = 'live'")
    assert (stamp(sharing), noted(sharing)) == ((1, NODE), ["live"])


@pytest.mark.parametrize("statement", (
    "UPDATE persistence SET controller_id = 1, ttl = 3600 WHERE ldns = 'live'",
    insert("live", "INSERT OR IGNORE", 2),
    insert("live", then="ON CONFLICT DO NOTHING"),
    "DELETE FROM persistence WHERE ldns = 'unknown'",
    "UPDATE persistence SET pool_id = 1, ldns = 'live' WHERE ldns = 'live'"))
def test_a_statement_that_changes_nothing_notes_nothing(sharing, statement):
    decided_elsewhere(sharing, 5)
    sharing.execute(statement)
    assert (stamp(sharing), noted(sharing), tombstone(sharing)) == ((5, 9), [], None)


@pytest.mark.parametrize("statement", (
    "UPDATE persistence SET controller_id = 2 WHERE ldns = 'live'",
    insert("live", "INSERT OR REPLACE", 2),
    insert("live", then="ON CONFLICT DO UPDATE SET controller_id = 2")))
def test_a_change_comes_after_what_it_replaces_whatever_the_clock_says(sharing, statement):
    decided_elsewhere(sharing, FAR)
    sharing.execute(statement)
    assert stamp(sharing) == (FAR + 1, NODE)
    assert sharing.execute("SELECT controller_id FROM persistence WHERE ldns = 'live'"
                           ).fetchone() == (2,)


def test_a_row_that_comes_after_one_of_the_future_leaves_the_next_ones_in_the_present(sharing):
    decided_elsewhere(sharing, FAR)
    sharing.execute(insert("live", "INSERT OR REPLACE", 2))
    assert stamp(sharing) == (FAR + 1, NODE)
    for key in ("next", "one more"):
        sharing.execute(insert(key))
        assert stamp(sharing, key)[0] < FAR


def test_a_deletion_leaves_a_tombstone_that_comes_after_the_row(sharing):
    decided_elsewhere(sharing, FAR)
    sharing.execute("DELETE FROM persistence WHERE ldns = 'live'")
    assert tombstone(sharing) == (FAR + 1, NODE, 3600)
    assert noted(sharing) == ["live"]
    assert count(sharing, "share_deleted", "abs(timestamp - unixepoch()) < 60") == 1


def test_deleting_from_the_view_is_the_same(sharing):
    sharing.execute("DELETE FROM mapping WHERE pool = 'web' AND ldns = 'live'")
    assert tombstone(sharing)[1:] == (NODE, 3600)


def test_deleting_an_expired_row_leaves_none(sharing):
    sharing.execute("DELETE FROM persistence WHERE ldns = 'over'")
    assert (tombstone(sharing, "over"), noted(sharing)) == (None, [])


@pytest.mark.parametrize("recursive", (0, 1))
def test_a_row_that_is_made_again_comes_after_its_tombstone_and_removes_it(sharing, recursive):
    sharing.execute(f"PRAGMA recursive_triggers = {recursive}")
    decided_elsewhere(sharing, FAR)
    sharing.execute("DELETE FROM persistence WHERE ldns = 'live'")
    sharing.execute(insert("live"))
    assert (stamp(sharing), tombstone(sharing)) == ((FAR + 2, NODE), None)
    sharing.execute(insert("live", "INSERT OR REPLACE", 2))
    assert stamp(sharing)[0] > FAR + 2
    assert tombstone(sharing) is None


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement", ("DELETE FROM pool WHERE id = 4",
                                       "DELETE FROM controller WHERE id = 3"))
def test_mappings_that_go_with_their_pool_or_controller_leave_no_tombstones(
        sharing, statement, foreign_keys):
    sharing.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    sharing.execute("INSERT INTO persistence"
                    " (pool_id, ldns, controller_id, method, timestamp, ttl)"
                    " VALUES (4, 'x', 3, 'modulus', unixepoch(), 3600)")
    sharing.execute("DELETE FROM share_change")
    sharing.execute(statement)
    assert count(sharing, "persistence", "ldns = 'x'") == 0
    assert (count(sharing, "share_deleted"), noted(sharing)) == (0, [])


@pytest.mark.parametrize("foreign_keys", (0, 1))
def test_tombstones_go_with_their_pool(sharing, foreign_keys):
    sharing.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    sharing.execute("INSERT INTO share_deleted VALUES (4, 'x', 1, 1, 1, 1), (5, 'x', 1, 1, 1, 1)")
    sharing.execute("DELETE FROM pool WHERE id = 4")
    assert sharing.execute("SELECT pool_id FROM share_deleted").fetchall() == [(5,)]


def test_a_rollback_leaves_no_note(sharing):
    sharing.execute("BEGIN")
    sharing.execute("DELETE FROM persistence")
    assert noted(sharing) == ["live"]
    sharing.execute("ROLLBACK")
    assert (noted(sharing), tombstone(sharing)) == ([], None)


def test_what_was_noted_is_forgotten_when_sharing_ends_and_not_when_the_number_changes(sharing):
    sharing.execute("DELETE FROM persistence")
    sharing.execute("UPDATE share SET node = 8")
    assert (count(sharing, "share_change"), count(sharing, "share_deleted")) == (1, 1)
    sharing.execute("UPDATE share SET node = 0")
    assert (count(sharing, "share_change"), count(sharing, "share_deleted")) == (0, 0)


def test_what_an_operator_changes_still_moves_the_revision_of_mappings(sharing):
    (before,) = sharing.execute("SELECT mappings FROM revision").fetchone()
    sharing.execute(insert())
    assert sharing.execute("SELECT mappings FROM revision").fetchone() != (before,)


# ---------------------------------------------------------------- peers

@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, left", (
    ("DELETE FROM peer WHERE node = 2", [(3,)]),
    ("UPDATE peer SET url = 'nats://y' WHERE node = 2", [(2,), (3,)]),
    ("INSERT OR REPLACE INTO peer (node, name, url) VALUES (4, 'ns3', 'nats://x')", [(2,)]),
))
def test_a_cursor_goes_with_its_peer(world, statement, left, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute("INSERT INTO peer (node, name, url)"
                  " VALUES (2, 'ns2', 'nats://x'), (3, 'ns3', 'nats://x')")
    world.execute("INSERT INTO share_cursor (node) VALUES (2), (3)")
    world.execute(statement)
    assert world.execute("SELECT node FROM share_cursor").fetchall() == left


def test_another_number_of_a_peer_forgets_its_cursor(world):
    world.execute(peer())
    world.execute("INSERT INTO share_cursor (node) VALUES (2)")
    world.execute("UPDATE peer SET node = 3")
    assert count(world, "share_cursor") == 0


def test_share_and_peers_are_no_part_of_the_configuration_that_answers_depend_on(world):
    before = revision(world)
    world.execute(share(node="1", name="'ns1'"))
    world.execute(peer())
    world.execute("DELETE FROM peer")
    assert revision(world) == before

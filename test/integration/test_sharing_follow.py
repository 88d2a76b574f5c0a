"""A name server that follows another one (share.follow) takes over its configuration.

ns2 begins with other ids than ns1: its pools and controllers were made in another order.
"""

import json
import random
import threading
import time

import pytest

from cluster import EQUAL_SECONDS, Cluster
from database import Shell
from faults import holds_lock_to_write
from hostile import Hostile
from monitor import Sites
from processes import LONG, SECONDS_MAX, as_user, kill, run, wait_until, workspace

# All that a follower takes over, by names.
CONFIGURATION = {
    "zone": "SELECT name FROM zone",
    "record": "SELECT z.name AS zone, r.name, type, ttl, content, disabled FROM record AS r"
              " LEFT JOIN zone AS z ON z.id = r.zone_id",
    "monitor": "SELECT name, type, port, path, host, query, status_min, status_max, body, send,"
               " expect, verify, interval, timeout, rise, fall, http_method, headers, proxy, tls,"
               " steps, rcode, answer, source, arguments, each_family FROM monitor",
    "controller": "SELECT c.name, address, state, m.name AS monitor FROM controller AS c"
                  " LEFT JOIN monitor AS m ON m.id = c.monitor_id",
    "pool": "SELECT p.name, p.method, p.ttl, p.persistence_ttl, p.persistence_timer,"
            " s.name AS persistence, p.client, p.ipv4_prefix, p.ipv6_prefix, p.fallback,"
            " f.name AS fallback_pool, p.alternate_method, p.metric, p.tolerance, p.failback,"
            " p.failback_delay,"
            " m.name AS monitor FROM pool AS p"
            " LEFT JOIN pool AS s ON s.id = p.persistence_pool_id"
            " LEFT JOIN pool AS f ON f.id = p.fallback_pool_id"
            " LEFT JOIN monitor AS m ON m.id = p.monitor_id",
    "virtual_server": "SELECT p.name AS pool, position, c.name AS controller, ipv4, ipv6, v.port,"
                      " weight, v.state, m.name AS monitor, check_address, checked,"
                      " v.name AS host"
                      " FROM virtual_server AS v"
                      " JOIN pool AS p ON p.id = v.pool_id"
                      " JOIN controller AS c ON c.id = v.controller_id"
                      " LEFT JOIN monitor AS m ON m.id = v.monitor_id",
    "balanced_name": "SELECT b.name, p.name AS pool FROM balanced_name AS b"
                     " JOIN pool AS p ON p.id = b.pool_id",
    "ldns_group": "SELECT cidr, name FROM ldns_group",
    "pin": "SELECT network, ldns_group, p.name AS pool, c.name AS controller, until, comment"
           " FROM pin AS n JOIN controller AS c ON c.id = n.controller_id"
           " LEFT JOIN pool AS p ON p.id = n.pool_id",
    "topology": "SELECT cidr, country, continent, asn, c.name AS controller, preference"
                " FROM topology AS t JOIN controller AS c ON c.id = t.controller_id",
}  # fmt: skip

# Every table of the sample has rows in another order, with other ids, other values and some more.
OTHER_IDS = """
    BEGIN IMMEDIATE;
    DELETE FROM balanced_name; DELETE FROM virtual_server; DELETE FROM record; DELETE FROM zone;
    UPDATE pool SET fallback_pool_id = NULL; DELETE FROM pool; DELETE FROM controller;
    DELETE FROM ldns_group;
    INSERT INTO controller (name) VALUES ('old'), ('nyc'), ('FRA'), ('ams');
    INSERT INTO monitor (name, type) VALUES ('old', 'tcp');
    INSERT INTO pool (name, ttl) VALUES ('old', 7), ('api', 7), ('web', 7);
    INSERT INTO pool (name, fallback_pool_id, persistence_pool_id, monitor_id)
      SELECT 'older', id, id, (SELECT id FROM monitor) FROM pool WHERE name = 'old';
    INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)
      SELECT p.id, c.id, c.id, '192.0.2.' || c.id FROM pool AS p, controller AS c
       WHERE p.name IN ('web', 'old');
    INSERT INTO balanced_name (name, pool_id) SELECT 'www.example.com', id FROM pool
       WHERE name = 'old';
    INSERT INTO zone (name) VALUES ('old.example'), ('Example.com');
    INSERT INTO record (zone_id, name, type, content)
      SELECT id, 'api.example.com', 'A', '192.0.2.9' FROM zone WHERE name = 'example.com';
    INSERT INTO ldns_group VALUES ('10.1.0.0/16', 'other');
    INSERT INTO pin (ldns_group, pool_id, controller_id)
      SELECT 'other', p.id, c.id FROM pool AS p, controller AS c
       WHERE p.name = 'old' AND c.name = 'old';
    INSERT INTO topology (country, controller_id) SELECT 'DE', id FROM controller;
    COMMIT;"""

# What the sample lacks.
MORE = r"""
    INSERT INTO monitor (name, type, path, host, body)
      VALUES ('https', 'https', '/h', 'www.example.com', '^"ok\\"' || char(10, 233, 128522));
    INSERT INTO monitor (name, type, send, expect) VALUES ('tcp', 'tcp', 'a\r\n', '^2');
    INSERT INTO monitor (name, type, http_method, headers, proxy, source, each_family)
      VALUES ('head', 'http', 'HEAD', 'X-Check: "1"', 1, '::1', 1);
    INSERT INTO monitor (name, type, tls, steps)
      VALUES ('steps', 'tcp', 1, 'expect ^220 ' || char(10) || 'send QUIT\r\n');
    INSERT INTO monitor (name, type, host, query, answer)
      VALUES ('dns', 'dns', 'example.com', 'MX', '^10 ');
    INSERT INTO monitor (name, type, host, rcode)
      VALUES ('refused', 'dns', 'example.com', 'REFUSED');
    INSERT INTO monitor (name, type, path, arguments) VALUES ('exec', 'exec', 'check', '-v 1');
    UPDATE virtual_server SET checked = 0 WHERE position = 3;
    UPDATE controller SET monitor_id = (SELECT id FROM monitor WHERE name = 'tcp')
     WHERE name = 'ams';
    UPDATE pool SET alternate_method = 'modulus', method = 'least', metric = 'cpu'
     WHERE name = 'api';
    INSERT INTO pool (name, persistence_pool_id) SELECT 'static', id FROM pool WHERE name = 'web';
    INSERT INTO pin (ldns_group, controller_id, until)
      SELECT 'office', id, 4102444800 FROM controller WHERE name = 'fra';
    INSERT INTO pin (network, pool_id, controller_id, comment)
      SELECT '2001:db8:7::/48', p.id, c.id, 'why "so"' FROM pool AS p, controller AS c
       WHERE p.name = 'web' AND c.name = 'nyc';
    INSERT INTO pin (network, controller_id) SELECT '198.18.0.0/15', id FROM controller
       WHERE name = 'ams';
    UPDATE pin SET until = unixepoch() WHERE network = '198.18.0.0/15';
    INSERT INTO topology (cidr, controller_id) SELECT '10.0.0.0/8', id FROM controller;
    INSERT INTO topology (asn, controller_id, preference)
      SELECT 4294967295, id, 3 FROM controller WHERE name = 'fra';"""

def configuration(node):
    return {table: sorted(node.database.rows(query), key=repr)
            for table, query in CONFIGURATION.items()}


def wait_for_status(node, *words):
    def are_there():
        found = node.status()
        return all(word in found for word in words)

    wait_until(are_there, SECONDS_MAX, lambda: f"{words} in {node.status()}")


def wait_until_same(one, two, seconds=EQUAL_SECONDS):
    def differences():
        theirs, found = configuration(one), configuration(two)
        differ = {name: (rows, found[name]) for name, rows in theirs.items() if rows != found[name]}
        return f"{differ}\n{two.status()}\n{two.daemon.said()[-1000:]}"

    wait_until(lambda: configuration(one) == configuration(two), seconds, differences)


def follow(node, number):
    node.database.sql(f"UPDATE share SET follow = {number}")


def refusal(node, sql):
    """What the shell says to a statement; "" if it is done."""
    return run(as_user(["sqlite3", "-batch", "-bail", node.database.path]),
               input=f".timeout 30000\n{sql}\n").stderr


@pytest.fixture
def pair(workspace):
    with Cluster(workspace, 2) as cluster:
        cluster.wait_until_heard()
        yield cluster


def let_follow(pair):
    """ns2 follows ns1, and has its configuration."""
    pair[2].database.sql(OTHER_IDS)
    pair[1].database.sql(MORE)
    follow(pair[2], 1)
    wait_until_same(pair[1], pair[2])
    return pair


@pytest.fixture
def following(pair):
    return let_follow(pair)


def test_every_column_is_looked_at(sample_database):
    """Those of CONFIGURATION are as many as the tables have, without ids."""
    for table, query in CONFIGURATION.items():
        sample_database.sql(f"CREATE VIEW looked_at AS {query}")
        (counts,) = sample_database.rows(
            f"SELECT (SELECT count(*) FROM pragma_table_info('{table}') WHERE name <> 'id') AS has,"
            " (SELECT count(*) FROM pragma_table_info('looked_at')) AS looked_at")
        sample_database.sql("DROP VIEW looked_at")
        assert counts[0] == counts[1], table


def test_all_of_it_is_taken_over(following):
    one, two = following[1], following[2]
    wait_for_status(two, "follows ns1, revision ", "the same configuration")
    assert "problem: the configuration" not in two.status()
    wait_until(lambda: two.ask("192.0.2.53") == one.ask("192.0.2.53"), SECONDS_MAX, "answers")
    assert "follows" not in one.status()


# Each builds on those before it.
CHANGES = (
    "UPDATE pool SET ttl = 17 WHERE name = 'web'",
    "UPDATE controller SET name = 'Ams' WHERE name = 'ams'",
    "UPDATE monitor SET body = 'x'  WHERE name = 'https'",
    "INSERT INTO record (zone_id, name, type, content)"
    " SELECT id, 'n.example.com', 'TXT', '\"\\\\ \"' FROM zone",
    "DELETE FROM balanced_name WHERE name = 'shop.example.com'",
    "DELETE FROM topology",
    "UPDATE virtual_server SET position = position + 10; "
    "UPDATE virtual_server SET position = 21 - position WHERE pool_id = 2",
    "DELETE FROM virtual_server; DELETE FROM balanced_name; UPDATE pool SET fallback_pool_id ="
    " NULL, persistence_pool_id = NULL; DELETE FROM pool; DELETE FROM controller; DELETE FROM"
    " record; DELETE FROM zone; DELETE FROM monitor; DELETE FROM ldns_group",
)  # fmt: skip


def test_changes_arrive(following):
    for sql in CHANGES:
        before = configuration(following[1])
        following[1].database.sql(f"BEGIN IMMEDIATE; {sql}; COMMIT")
        assert configuration(following[1]) != before, sql
        wait_until_same(following[1], following[2])


# Comparing each of so many rows with each would take longer than a copy may.
THOUSANDS = """
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
      INSERT INTO pool (name) SELECT 'of' || n FROM n;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10)
      INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)
      SELECT p.id, c.id, n, '198.18.' || n || '.' || (p.id & 255)
        FROM n, pool AS p, controller AS c WHERE p.name GLOB 'of*' AND c.name = 'ams';
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
      INSERT INTO balanced_name (name, pool_id)
      SELECT n || '.example.com', p.id FROM n JOIN pool AS p ON p.name = 'of' || (1 + n % 300);
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
      INSERT INTO record (zone_id, name, type, content)
      SELECT z.id, 'r' || n || '.example.com', 'A', '192.0.2.1' FROM n, zone AS z
       WHERE z.name = 'example.com';
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
      INSERT INTO pin (network, controller_id)
      SELECT '10.' || (n >> 8) || '.' || (n & 255) || '.0/24', c.id FROM n, controller AS c
       WHERE c.name = 'ams';"""


def test_a_configuration_of_thousands_is_taken_over(following):
    one, two = following[1], following[2]
    for sql in (THOUSANDS, "UPDATE pool SET ttl = 17; UPDATE virtual_server SET port = 17;"
                " UPDATE record SET ttl = 17; UPDATE pin SET until = unixepoch() + 100000;"):
        one.database.sql(f"BEGIN IMMEDIATE; {sql} COMMIT")
        wait_until_same(one, two, 4 * EQUAL_SECONDS)


def test_the_answers_are_the_new_ones(following):
    following[1].database.sql("UPDATE virtual_server SET ipv4 = '192.0.2.99'"
                              " WHERE ipv4 = '192.0.2.80'; UPDATE controller SET state = 'disabled'"
                              " WHERE name <> 'ams'")
    wait_until(lambda: following[2].ask("192.0.2.53") == "192.0.2.99", SECONDS_MAX, "the answer")


def test_changes_here_are_rejected(following):
    two = following[2]
    before = configuration(two)
    for table in CONFIGURATION:
        column = {"record": "ttl", "topology": "preference", "pin": "comment"}.get(table, "name")
        if table == "virtual_server":
            column = "port"
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}",
                    f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"):
            assert "ns1 decides the configuration of this server" in refusal(two, sql), sql
    untrusting = "PRAGMA trusted_schema = OFF;"
    assert "ns1 decides the configuration" in refusal(two, f"{untrusting} DELETE FROM topology")
    assert configuration(two) == before
    assert not refusal(following[1], f"{untrusting} UPDATE pool SET ttl = ttl + 1")


def test_what_is_local_can_be_changed(following):
    two = following[2]
    assert not refusal(two, """
        UPDATE setting SET value = 11 WHERE name = 'checkpoint_interval';
        INSERT INTO geo_database VALUES ('/none.mmdb');
        INSERT INTO controller_metric (controller_id, name, value)
          SELECT id, 'cpu', 3 FROM controller;
        INSERT INTO path_metric (network, controller_id, rtt)
          SELECT '192.0.2.0/24', min(id), 3 FROM controller;""")
    following[1].database.sql("UPDATE pool SET ttl = 18 WHERE name = 'web'")
    wait_until_same(following[1], two)
    assert two.database.rows("SELECT value FROM setting WHERE name = 'checkpoint_interval'") == [(11,)]
    assert two.database.rows("SELECT count(*) FROM geo_database") == [(1,)]
    assert two.database.rows("SELECT count(*) FROM controller_metric WHERE name = 'cpu'") == [(3,)]
    assert two.database.rows("SELECT count(*) FROM path_metric") == [(1,)]


# What a server knows and sets for itself.  Round trip times of a peer are told beside this.
LOCAL = {
    "share": "SELECT node, name, url, ca, certificate, key, follow FROM share",
    "path_metric": "SELECT * FROM path_metric WHERE origin = 0",
    **{table: f"SELECT * FROM {table}" for table in (
        "peer", "setting", "geo_database", "controller_metric", "virtual_server_metric",
        "controller_verdict", "virtual_server_verdict")},
}  # fmt: skip

# What the primary has there, too; {0} is a number.
OF_ITS_OWN = """
    UPDATE setting SET value = value + {0};
    INSERT INTO geo_database VALUES ('/{0}.mmdb');
    INSERT INTO controller_metric (controller_id, name, value)
      SELECT id, 'cpu', {0} FROM controller;
    INSERT INTO virtual_server_metric (virtual_server_id, name, value)
      SELECT id, 'cpu', {0} FROM virtual_server;
    INSERT INTO path_metric (network, controller_id, rtt)
      SELECT '192.0.{0}.0/24', id, {0} FROM controller;"""

VERDICTS = """
    SELECT (SELECT count(*) FROM controller_verdict) + count(*) FROM virtual_server_verdict"""


def local(node):
    return {table: sorted(node.database.rows(query), key=repr) for table, query in LOCAL.items()}


def test_what_is_local_stays(following):
    """Not a row of it is another one, also of what two servers check that both have."""
    one, two = following[1], following[2]
    for number, node in enumerate((one, two), 1):
        node.database.sql(f"BEGIN IMMEDIATE; {OF_ITS_OWN.format(number)} COMMIT")
    with Sites(2) as sites:
        sites.end(2)
        one.database.sql(
            "BEGIN IMMEDIATE; INSERT INTO monitor (name, type, port, interval, rise, fall)"
            f" VALUES ('once', 'tcp', {sites.port}, 3600, 1, 1);"
            "UPDATE virtual_server SET monitor_id = (SELECT id FROM monitor WHERE name = 'once'),"
            " check_address = '127.1.0.' || position WHERE pool_id = 1 AND position < 3;"
            "UPDATE controller SET monitor_id = (SELECT id FROM monitor WHERE name = 'once'),"
            " address = '127.1.0.1' WHERE name = 'ams'; COMMIT")
        wait_until_same(one, two)
        wait_until(lambda: two.database.rows(VERDICTS) == [(3,)], SECONDS_MAX, "verdicts")
        before = local(two)
        one.database.sql("""
            BEGIN IMMEDIATE; UPDATE virtual_server SET position = 100 - position;
            UPDATE pool SET ttl = ttl + 1; UPDATE record SET ttl = ttl + 1; DELETE FROM topology;
            INSERT INTO controller (name) VALUES ('new');
            DELETE FROM ldns_group WHERE name NOT IN (SELECT ldns_group FROM pin WHERE ldns_group > '');
            UPDATE controller SET address = '192.0.2.9' WHERE name = 'fra'; COMMIT""")
        wait_until_same(one, two)
        after, theirs = local(two), local(one)
    for table, rows in before.items():
        assert after[table] == rows and rows, table
        assert theirs[table] != rows, f"{table} is to differ on the primary"


def test_the_primary_is_gone_and_comes_back(following):
    one, two = following[1], following[2]
    before = configuration(two)
    following.cut(one, two)
    one.database.sql("UPDATE pool SET ttl = 19 WHERE name = 'web'")
    wait_for_status(two, "ns1, which this server follows, was not heard for ")
    assert configuration(two) == before
    assert "ns1 decides" in refusal(two, "DELETE FROM topology")
    assert two.ask("192.0.2.77")
    following.heal(one, two)
    wait_until_same(one, two)


def test_a_follower_is_restarted(following):
    one, two = following[1], following[2]
    two.daemon.process.kill()
    two.daemon.process.wait()
    one.database.sql("UPDATE pool SET ttl = 20 WHERE name = 'web'")
    assert "ns1 decides" in refusal(two, "DELETE FROM topology")
    two.daemon.start()
    wait_until_same(one, two)


@pytest.mark.parametrize("nobody", ("0", "NULL"))
def test_one_statement_makes_it_independent(following, nobody):
    one, two = following[1], following[2]
    following.cut(one, two)
    follow(two, nobody)
    assert not refusal(two, "UPDATE pool SET ttl = 21 WHERE name = 'web'")
    following.heal(one, two)
    one.database.sql("UPDATE pool SET ttl = 22 WHERE name = 'web'")
    wait_until(lambda: two.state(one).get("differs"), SECONDS_MAX, "it is heard")
    assert two.database.rows("SELECT ttl FROM pool WHERE name = 'web'") == [(21,)]
    assert two.database.rows("SELECT count(*) FROM share_follow") == [(0,)]
    assert "follows" not in two.status()


def test_mappings_are_kept_whatever_their_ids(pair):
    one, two = pair[1], pair[2]
    two.database.sql(OTHER_IDS)
    resolvers = [f"198.51.100.{n}" for n in range(1, 40)]
    two.database.sql("BEGIN; " + "".join(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        f" SELECT p.id, '{ldns}', c.id, 'modulus', unixepoch(), 3600 FROM pool AS p, controller AS c"
        f" WHERE p.name = 'web' AND c.name = '{('ams', 'nyc')[n % 2]}';"
        for n, ldns in enumerate(resolvers)) + "COMMIT")
    sites = {"ams": "192.0.2.80", "nyc": "203.0.113.80"}
    follow(two, 1)
    wait_until_same(one, two)
    ids = "SELECT id FROM pool WHERE name = 'web'"
    assert one.database.rows(ids) != two.database.rows(ids), "the ids are to differ"
    kept = two.database.rows_of("web")
    assert {ldns: kept.get(ldns) for ldns in resolvers} == {
        ldns: ("ams", "nyc")[n % 2] for n, ldns in enumerate(resolvers)}
    for n, ldns in enumerate(resolvers):
        for node in (two, one):
            wait_until(lambda: node.ask(ldns) == sites[("ams", "nyc")[n % 2]], SECONDS_MAX, ldns)


def test_health_is_kept_where_only_the_place_changes(following):
    one, two = following[1], following[2]
    down = "SELECT ipv4 FROM virtual_server AS v JOIN virtual_server_metric ON virtual_server_id = v.id"
    two.database.sql("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
                     " SELECT id, 'availability', 0 FROM virtual_server WHERE ipv4 = '192.0.2.80'")
    one.database.sql("UPDATE virtual_server SET position = 100 - position")
    wait_until_same(one, two)
    assert two.database.rows(down) == [("192.0.2.80",)]


def test_a_server_that_follows_is_not_followed(pair):
    """Two that follow each other keep what they have."""
    one, two = pair[1], pair[2]
    two.database.sql("UPDATE pool SET ttl = 23 WHERE name = 'web'")
    for node, number in ((one, 2), (two, 1)):
        node.daemon.process.kill()
        node.daemon.process.wait()
        follow(node, number)
    before = [configuration(node) for node in (one, two)]
    for node in (one, two):
        node.daemon.start()
    wait_for_status(one, "ns2 is not followed: it follows another server itself, node 1")
    wait_for_status(two, "ns1 is not followed: it follows another server itself, node 2")
    assert [configuration(node) for node in (one, two)] == before
    follow(two, 0)
    wait_until_same(two, one)


def test_a_large_configuration_comes_in_parts(following):
    one, two = following[1], following[2]
    one.database.sql("""
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000)
        INSERT INTO record (zone_id, name, type, content)
          SELECT z.id, 'n' || n || '.example.com', 'TXT', '"' || printf('%0100d', n) || '"'
            FROM n, zone AS z""")
    wait_until_same(one, two)


# ---------------------------------------------------------------- all at once


FLIPS = 60 if LONG else 6  # of the configuration, with a kill after each

# So many that it takes some time to write them. In pools of 50, since each server that changes has all
# servers of its site in that pool looked at.
MANY_SERVERS = """
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40)
    INSERT INTO pool (name) SELECT 'large' || n FROM n;
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50)
    INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)
      SELECT p.id, c.id, n, '198.18.' || (p.id & 255) || '.' || n
        FROM n, pool AS p, controller AS c WHERE p.name LIKE 'large%' AND c.name = 'ams';"""

# One number in all rows of tables that are written one after the other.
FLIP = """
    UPDATE pool SET ttl = {0}; UPDATE virtual_server SET port = {0}; UPDATE record SET ttl = {0};
    UPDATE topology SET preference = {0};"""
NUMBERS = """
    SELECT ttl FROM pool UNION SELECT port FROM virtual_server UNION SELECT ttl FROM record
     UNION SELECT preference FROM topology;"""


class Watcher(threading.Thread):
    """Looks at those numbers on a server, all the time in the block.  seen: what it found, whenever
    that was not the same as before."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.database, self.seen = node.database, []
        self._ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()

    def run(self):
        with Shell(self.database.path) as shell:
            while not self._ended.wait(0.02):  # or it needs a processor for itself
                found = shell.run(NUMBERS)
                if self.seen[-1:] != [found]:
                    self.seen.append(found)


def flip(node, number, before=""):
    node.database.sql(f"BEGIN IMMEDIATE; {before} {FLIP.format(number)} COMMIT")


def wait_for_transaction(node):
    """Until its daemon is in a transaction that takes long, or for some seconds."""
    until, looks = time.monotonic() + 3, 0
    while time.monotonic() < until and looks < 10:
        looks = looks + 1 if holds_lock_to_write(node.daemon.process, node.database) else 0
        time.sleep(0.001)


def test_all_is_taken_over_at_once_whenever_the_follower_is_killed(following, seed):
    """Nobody ever sees a part of the new configuration beside a part of the old one."""
    one, two, luck = following[1], following[2], random.Random(seed)
    flip(one, 2, before=MANY_SERVERS)
    wait_until_same(one, two)
    cut_short = 0
    with Watcher(two) as watcher:
        for step in range(FLIPS):
            flip(one, 1 + step % 2)
            if step % 3 == 0:
                time.sleep(luck.uniform(0, 1.5))
            elif step % 3 == 1:
                wait_for_transaction(two)
                time.sleep(luck.uniform(0, 0.1))
            else:
                wait_until(lambda: watcher.seen[-1:] == [[str(1 + step % 2)]], SECONDS_MAX, "the flip")
            cut_short += holds_lock_to_write(two.daemon.process, two.database)
            kill([two.daemon.pid])
            two.daemon.process.wait()
            two.daemon.start()
        flip(one, 1)
        wait_until_same(one, two)
    print(f"{cut_short} of {FLIPS} kills in a transaction; {len(watcher.seen)} changes seen")
    assert all(found in (["1"], ["2"]) for found in watcher.seen), watcher.seen
    assert len(watcher.seen) >= FLIPS / 3


# ---------------------------------------------------------------- a primary that is hostile


class Primary:
    """In place of the daemon of ns1: answers with a text, in parts, under any revision."""

    def __init__(self, server):
        self.server, self.text, self.revision, self.head, self.asked = server, b"{}", "1" * 16, {}, 0
        server.on_question = self.answer

    def answer(self, question):
        if question["kind"] != "copy":
            return b""
        self.asked += 1
        offset = question["offset"] if question["revision"] == self.revision else 0
        head = {"v": 1, "kind": "part", "node": 1, "follows": 0, "revision": self.revision,
                "length": len(self.text), "offset": offset, **self.head}
        return json.dumps(head).encode() + b"\n" + self.text[offset : offset + (1 << 19)]


@pytest.fixture(scope="module")
def deserted():
    """ns2 has the configuration of ns1, whose daemon is gone; and its nats-server is there."""
    with workspace() as directory, Cluster(directory, 2) as cluster:
        cluster.wait_until_heard()
        let_follow(cluster)
        cluster[1].daemon.process.kill()
        cluster[1].daemon.process.wait()
        yield cluster


@pytest.fixture
def attacked(deserted):
    """ns2, and who answers it in place of ns1 when it follows that again."""
    one, two = deserted[1], deserted[2]
    two.database.sql("UPDATE share SET follow = NULL")
    wait_until(lambda: "follow" not in two.status(), SECONDS_MAX, two.status)
    before = configuration(two)
    with Hostile(one.nats.port, 1) as server:
        yield two, Primary(server)
    assert configuration(two) == before
    assert two.database.rows("SELECT follow FROM share") == [(1,)]
    assert "ns1 decides" in refusal(two, "DELETE FROM topology")


POOL = ["x", "modulus", 1, 1, "fixed", None, "ldns", 32, 128, "any", None, None, None, 20, None, "stay",
        300]
SERVER = ["x", 1, "c", "192.0.2.1", None, None, 1, "enabled", None, None, 1, None]
COPIES = {
    "no JSON": (b"\xff{", "malformed JSON"),
    "deep": (b'{"zone":' + b"[" * 100_000, "not valid here"),
    "a word": ({"pool": [POOL[:1] + ["best"] + POOL[2:]]}, "method must be one of"),
    "a range": ({"pool": [POOL[:2] + [-1] + POOL[3:]]}, "pool.ttl is 0 to"),
    "a type": ({"pool": [POOL[:2] + ["x"] + POOL[3:]]}, "not valid here"),
    "a loop": ({"pool": [POOL[:10] + ["x"] + POOL[11:]]}, "is the pool itself"),
    "an unknown pool": ({"virtual_server": [SERVER]}, "not valid here"),
    "an address": ({"pool": [POOL], "controller": [["c", None, "enabled", None]],
                    "virtual_server": [SERVER[:3] + ["192.0.2.x"] + SERVER[4:]]},
                   "virtual_server.ipv4 is an address"),
    "a record outside": ({"zone": [["a.example"]],
                          "record": [["a.example", "b.example", "A", 1, "192.0.2.1", 0]]},
                         "record.name is not in its zone"),
    "a program above": ({"monitor": [["m", "exec", None, "../x", None, "A", 200, 399, None, None,
                                      None, 1, 10, 3, 2, 3, "GET", None, 0, 0, None, "NOERROR",
                                      None, None, None, 0]]}, "without .."),
    "twice": ({"zone": [["a.example"], ["A.example"]]}, "not valid here"),
    "another revision": ({"zone": [["a.example"]]}, "not those that its revision stands for"),
    "no rows": ({"zone": 7, "pool": {"a": 1}}, "ns1 is not followed"),
}  # fmt: skip


@pytest.mark.parametrize("what", COPIES)
def test_a_copy_is_refused_whole(attacked, what):
    two, primary = attacked
    copy, words = COPIES[what]
    if not isinstance(copy, bytes):
        copy = json.dumps({table: [] for table in CONFIGURATION} | copy).encode()
    primary.text = copy
    follow(two, 1)
    wait_for_status(two, "ns1 is not followed: its configuration is refused", words)
    assert two.ask("192.0.2.53")


@pytest.mark.parametrize("head, words", (
    ({"length": 1 << 39}, "larger than 16 MiB"),
    ({"node": 2}, "another node"),
    ({"node": 0}, "malformed part"),
    ({"length": 1}, "malformed part"),
    ({"length": 100, "offset": 50}, "do not belong together"),
    ({"revision": "x"}, "malformed part"),
))  # fmt: skip
def test_a_head_is_refused(attacked, head, words):
    two, primary = attacked
    primary.head = head
    follow(two, 1)
    wait_for_status(two, "ns1 is not followed: ", words)


def test_parts_of_two_copies_are_not_put_together(attacked):
    """The first part of one and the second of another, under one length; to whoever asks, since
    who compares asks as well."""
    two, primary = attacked
    primary.text = b"[" * ((1 << 19) + 7)

    def mixed(question):
        offset = question.get("offset")
        primary.head = {"revision": "2" * 16, "offset": offset} if offset else {}
        return primary.answer(question)

    primary.server.on_question = mixed
    follow(two, 1)
    wait_for_status(two, "do not belong together")

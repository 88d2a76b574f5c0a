"""What the CHECKs refuse in monitors, metrics, verdicts, topology and round trips."""

import pytest

from schema import assert_refused, assert_untouched, checks_of
from schema_statements import (
    geo, id_rows, metric, monitor, path, ranged, topology)

TABLES = ("monitor", "controller_metric", "virtual_server_metric", "controller_verdict",
          "virtual_server_verdict", "topology", "geo_database", "path_metric")

ADDRESS_METRIC = "the metrics availability-ipv4 and availability-ipv6 are 0 or 1"
FAMILY = "virtual_server_verdict.family is ipv4, ipv6 or empty"
SIZE_64, SIZE_65 = "x" * 64, "x" * 65
PATH_SIZE = "monitor.path has 1 to 1024 characters"
PATH_ASCII = "monitor.path is plain ASCII without spaces"
HOST_WORD = "monitor.host is one word of 1 to 255 ASCII characters, or NULL"
HEADERS_ASCII = "monitor.headers is plain ASCII in lines: no tab or carriage return"
STEPS_CONTROL = "monitor.steps has no control characters but newlines"
ANSWER_SIZE = "monitor.answer has 1 to 1024 characters, or is NULL"
SOURCE = "monitor.source is an address like 192.0.2.1 or 2001:db8::1, or NULL"
ARGUMENTS_SIZE = "monitor.arguments has 1 to 1024 characters, or is NULL"
ARGUMENTS_CONTROL = "monitor.arguments has no control characters"
TOPOLOGY_CIDR = "topology.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
TOPOLOGY_SLASH = "topology.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
CONTINENT = "topology.continent is one of AF, AN, AS, EU, NA, OC, SA"
GEO_PATH = "geo_database.path is absolute, of 2 to 4095 characters: /var/lib/GeoIP/x.mmdb"
GEO_CONTROL = "geo_database.path has no control characters"
NETWORK = "path_metric.network is a network in lower case: 192.0.2.0/24, 2001:db8::/48"
NETWORK_BITS = "path_metric.network ends in /0 to /32 for IPv4, in /0 to /128 for IPv6"
NETWORK_ZEROS = "path_metric.network has no leading zeros: 192.0.2.0/24, not 192.000.002.000/24"
NETWORK_END = "path_metric.network has no bits after its prefix: 192.0.2.0/24, not 192.0.2.1/24"


def metric_rows(table):
    word = f"{table}_metric.name is a word of 1 to 32 lower-case letters, digits, _ and -"
    return [
        (metric(table, "''", 1), word, metric(table, "'x'", 1)),
        (metric(table, f"'{'x' * 33}'", 1), word, metric(table, f"'{'x' * 32}'", 1)),
        (metric(table, "'Load'", 1), word, metric(table, "'load-1_5'", 1)),
        (metric(table, "'availability'", 0.5), "the metric availability is 0 or 1",
         metric(table, "'availability'", 0)),
        (metric(table, "'availability'", 2), "the metric availability is 0 or 1",
         metric(table, "'load'", 2)),
        (metric(table, "'rtt'", -0.1), "the metric rtt is 0 or more milliseconds",
         f"UPDATE {table}_metric SET value = 0 WHERE name = 'rtt'"),
        (f"UPDATE {table}_metric SET value = -1 WHERE name = 'rtt'",
         "the metric rtt is 0 or more milliseconds", metric(table, "'rtt2'", -1)),
        *ranged(metric(table, "'x'", 1, "@"),
                f"{table}_metric.measured_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
    ]


def verdict_rows(table, free_id):
    def verdict(state="'up'", reason="'ok'", since=1, checked_at=1, flaps=0):
        return (f"INSERT INTO {table}_verdict"
                f" ({table}_id, state, reason, since, checked_at, flaps) VALUES "
                f"({free_id}, {state}, {reason}, {since}, {checked_at}, {flaps})")

    return [
            *ranged(verdict(since="@"), f"{table}_verdict.since is Unix seconds, 0 to 253402300799",
                0, 253402300799),
        *ranged(verdict(checked_at="@"),
                f"{table}_verdict.checked_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
        *ranged(verdict(flaps="@"), f"{table}_verdict.flaps is 0 or more", 0, 9)[:1],
    ]


def size_rows(column, kind, most, words, beginning=""):
    """The lengths of a text of a monitor, which begins so."""
    def sized(text):
        return monitor(type=f"'{kind}'", **{column: text})

    longest = beginning + "x" * (most - len(beginning))
    return [(sized("''"), words, sized(f"'{beginning}x'")),
            (sized(f"'{longest}x'"), words, sized(f"'{longest}'"))]


def exec_arguments(text):
    return monitor(type="'exec'", path="'x'", arguments=text)


ROWS = [
    *metric_rows("controller"),
    *metric_rows("virtual_server"),
    (metric("virtual_server", "'availability-ipv6'", 0.5), ADDRESS_METRIC,
     metric("virtual_server", "'availability-ipv6'", 0)),
    (metric("virtual_server", "'availability-ipv4'", 2), ADDRESS_METRIC,
     metric("virtual_server", "'availability-ipv5'", 2)),
    (metric("controller", "'x'", "NULL"), "NOT NULL constraint failed: controller_metric.value",
     metric("controller", "'x'", "-3")),

    *id_rows("monitor", "INSERT INTO monitor (id, name, type) VALUES (@, 'new', 'tcp')"),
    (monitor(name="''"), "monitor.name has 1 to 64 characters", monitor(name="'x'")),
    (monitor(name=f"'{SIZE_65}'"), "monitor.name has 1 to 64 characters",
     monitor(name=f"'{SIZE_64}'")),
    (monitor(name="'a b'"), "monitor.name has no spaces or control characters",
     monitor(name="'a_b-ü'")),
    (monitor(name="'Web'"), "UNIQUE constraint failed: monitor.name", monitor(name="'web2'")),
    (monitor(type="NULL"), "NOT NULL constraint failed: monitor.type", monitor()),
    *ranged(monitor(port="@"), "monitor.port is 1 to 65535, or NULL", 1, 65535),
    (monitor(path="''"), PATH_SIZE, monitor(path="'/'")),
    (monitor(path=f"'/{'x' * 1024}'"), PATH_SIZE, monitor(path=f"'/{'x' * 1023}'")),
    (monitor(path="'/a b'"), PATH_ASCII, monitor(path="'/a%20b'")),
    (monitor(path="'/ü'"), PATH_ASCII, monitor(path="'/?q=1'")),
    (monitor(path="'/' || char(10)"), PATH_ASCII, monitor(path="'/~'")),
    (monitor(path="'/' || char(0)"), PATH_ASCII, monitor(path="NULL")),
    (monitor(host="''"), HOST_WORD, monitor(host="'x'")),
    (monitor(host="'a b'"), HOST_WORD, monitor(host="'www.example.com'")),
    (monitor(host="'a' || char(13, 10)"), HOST_WORD, monitor(host="NULL")),
    (monitor(host=f"'{'x' * 256}'"), HOST_WORD, monitor(host=f"'{'x' * 255}'")),
    *ranged(monitor(status_min="@", status_max="599"), "monitor.status_min is 100 to 599",
            100, 599),
    *ranged(monitor(status_min="100", status_max="@"), "monitor.status_max is 100 to 599",
            100, 599)[1:],
    (monitor(status_max="99"), "monitor.status_max is 100 to 599", monitor(status_max="200")),
    (monitor(status_min="301", status_max="300"),
     "monitor.status_max is not below status_min", monitor(status_min="300", status_max="300")),
    *ranged(monitor(each_family="@"), "monitor.each_family is 0 or 1", 0, 1),
    ("UPDATE virtual_server_verdict SET family = 'ipv5'", FAMILY,
     "UPDATE virtual_server_verdict SET family = 'ipv6'"),
    ("UPDATE virtual_server_verdict SET family = 'IPv4'", FAMILY,
     "UPDATE virtual_server_verdict SET family = ''"),
    *size_rows("body", "https", 1024, "monitor.body has 1 to 1024 characters, or is NULL"),
    (monitor(body="'a' || char(0)"), "monitor.body has 1 to 1024 characters, or is NULL",
     monitor(body="'a' || char(10)")),
    *size_rows("send", "tcp", 1024, "monitor.send has 1 to 1024 characters, or is NULL"),
    (monitor(type="'tcp'", send="char(0)"), "monitor.send has 1 to 1024 characters, or is NULL",
     monitor(type="'tcp'", send="'PING' || char(13)")),
    *size_rows("expect", "tcp", 1024, "monitor.expect has 1 to 1024 characters, or is NULL"),
    (monitor(type="'tcp'", expect="char(0)"),
     "monitor.expect has 1 to 1024 characters, or is NULL",
     monitor(type="'tcp'", expect="'^220 '")),
    *size_rows("headers", "http", 4096, "monitor.headers has 1 to 4096 characters, or is NULL",
               "X: "),
    (monitor(headers="'X: y' || char(13, 10)"), HEADERS_ASCII, monitor(headers="'X: y' || char(10)")),
    (monitor(headers="'X: ' || char(9)"), HEADERS_ASCII, monitor(headers="'X: ~'")),
    (monitor(headers="'X: ü'"), HEADERS_ASCII, monitor(headers="'X: u'")),
    (monitor(headers="'X: y' || char(0)"), HEADERS_ASCII, monitor(headers="NULL")),
    *ranged(monitor(type="'tcp'", proxy="@"), "monitor.proxy is 0 to 2", 0, 2),
    *ranged(monitor(type="'tcp'", tls="@"), "monitor.tls is 0 or 1", 0, 1),
    *size_rows("steps", "tcp", 4096, "monitor.steps has 1 to 4096 characters, or is NULL", "send "),
    (monitor(type="'tcp'", steps="'send x' || char(13)"), STEPS_CONTROL,
     monitor(type="'tcp'", steps="'send x' || char(10)")),
    (monitor(type="'tcp'", steps="'send x' || char(0)"), STEPS_CONTROL,
     monitor(type="'tcp'", steps="'send ü'")),
    (monitor(type="'dns'", host="'x'", answer="''"), ANSWER_SIZE,
     monitor(type="'dns'", host="'x'", answer="'x'")),
    (monitor(type="'dns'", host="'x'", answer=f"'{'x' * 1025}'"), ANSWER_SIZE,
     monitor(type="'dns'", host="'x'", answer=f"'{'x' * 1024}'")),
    (monitor(source="''"), SOURCE, monitor(source="NULL")),
    (monitor(source="'eth0'"), SOURCE, monitor(source="'10.0.0.1'")),
    (monitor(source="'10.0.0'"), SOURCE, monitor(source="'::'")),
    (monitor(source="'10.0.0.1:80'"), SOURCE, monitor(source="'2001:db8::1'")),
    (exec_arguments("''"), ARGUMENTS_SIZE, exec_arguments("'-v'")),
    (exec_arguments(f"'{'x' * 1025}'"), ARGUMENTS_SIZE, exec_arguments(f"'{'x' * 1024}'")),
    (exec_arguments("'a' || char(10) || 'b'"), ARGUMENTS_CONTROL, exec_arguments("'a b ü'")),
    (exec_arguments("'a' || char(0)"), ARGUMENTS_CONTROL, exec_arguments("NULL")),
    *ranged(monitor(verify="@"), "monitor.verify is 0 or 1", 0, 1),
    *ranged(monitor(timeout="1", interval="@"), "monitor.interval is 1 to 3600 seconds", 1, 3600),
    *ranged(monitor(interval="60", timeout="@"), "monitor.timeout is 1 to 60 seconds", 1, 60)[:1],
    (monitor(interval="61", timeout="61"), "monitor.timeout is 1 to 60 seconds",
     monitor(interval="61", timeout="60")),
    (monitor(interval="2"), "monitor.timeout is not longer than the interval",
     monitor(interval="3")),
    *ranged(monitor(rise="@"), "monitor.rise is 1 to 100 checks", 1, 100),
    *ranged(monitor(fall="@"), "monitor.fall is 1 to 100 checks", 1, 100),

    *verdict_rows("controller", 2),
    *verdict_rows("virtual_server", 3),
    ("INSERT INTO controller_verdict VALUES (1, 'up', 'ok', 1, 1, 0)",
     "UNIQUE constraint failed: controller_verdict.controller_id",
     "INSERT INTO controller_verdict VALUES (2, 'up', 'ok', 1, 1, 0)"),

    (topology("cidr", "''"), TOPOLOGY_CIDR, topology("cidr", "'::'")),
    (topology("cidr", "'DE'"), TOPOLOGY_CIDR, topology("country", "'DE'")),
    (topology("cidr", "'10.1/16'"), TOPOLOGY_CIDR, topology("cidr", "'10.1.0.0/16'")),
    (topology("cidr", "'192.0.2.a/24'"), TOPOLOGY_CIDR, topology("cidr", "'2001:db8::a/64'")),
    (topology("cidr", "'192.0.2.0.0/24'"), TOPOLOGY_CIDR, topology("cidr", "'192.0.2.53'")),
    (topology("cidr", "'192.0.2.0/33'"), TOPOLOGY_SLASH, topology("cidr", "'192.0.2.0/32'")),
    (topology("cidr", "'2001:db8::/129'"), TOPOLOGY_SLASH, topology("cidr", "'2001:db8::/128'")),
    (topology("cidr", "'192.0.2.0/'"), TOPOLOGY_SLASH, topology("cidr", "'0.0.0.0/0'")),
    (topology("country", "'de'"), "topology.country is two capital letters: DE",
     topology("country", "'NL'")),
    (topology("country", "'DEU'"), "topology.country is two capital letters: DE",
     topology("country", "'XK'")),
    (topology("continent", "'DE'"), CONTINENT, topology("continent", "'AN'")),
    (topology("continent", "'eu'"), CONTINENT, topology("continent", "'EU'")),
    *ranged(topology("asn", "@"), "topology.asn is 1 to 4294967295", 1, 4294967295),
    *ranged(topology("asn", "7", "@"), "topology.preference is 0 to 65535", 0, 65535),
    (topology("cidr", "'192.0.2.0/24'"),
     "UNIQUE constraint failed: topology.cidr, topology.controller_id",
     topology("cidr", "'192.0.2.0/24'", controller=2)),
    (topology("cidr", "'2001:DB8::/32'", controller=3),
     "UNIQUE constraint failed: topology.cidr, topology.controller_id",
     topology("cidr", "'2001:DB8::/33'", controller=3)),
    (topology("country", "'DE'", controller=2),
     "UNIQUE constraint failed: topology.country, topology.controller_id",
     topology("country", "'EU'", controller=2)),
    (topology("continent", "'EU'", controller=2),
     "UNIQUE constraint failed: topology.continent, topology.controller_id",
     topology("continent", "'AS'", controller=2)),
    (topology("asn", "64500", controller=3),
     "UNIQUE constraint failed: topology.asn, topology.controller_id",
     topology("asn", "64500", controller=2)),

    (geo("'/'"), GEO_PATH, geo("'/x'")),
    (geo("'GeoIP/x.mmdb'"), GEO_PATH, geo("'/GeoIP/x y.mmdb'")),
    (geo(f"'/{'x' * 4095}'"), GEO_PATH, geo(f"'/{'x' * 4094}'")),
    (geo("'/x' || char(10)"), GEO_CONTROL, geo("'/ü'")),
    (geo("'/x' || char(0)"), GEO_CONTROL, geo("'/x'")),
    (geo("'/var/lib/GeoIP/country.mmdb'"), "UNIQUE constraint failed: geo_database.path",
     geo("'/var/lib/GeoIP/asn.mmdb'")),

    (path("192.0.3.0"), NETWORK, path("192.0.3.0/24")),
    (path("192.0.2/24"), NETWORK, path("192.0.3.53/32")),
    (path("2001:DB8::/48"), NETWORK, path("2001:db8::/48")),
    (path("192.0.3.a/24"), NETWORK, path("::/0")),
    (path(".../24"), NETWORK, path("0.0.0.0/0")),
    (path("1.2.3.4.0/24"), NETWORK, path("2001:db8::53/128")),
    (path("192.0.3.0/"), NETWORK_BITS, path("192.0.3.0/25")),
    (path("192.0.3.0/33"), NETWORK_BITS, path("192.0.3.0/32")),
    (path("2001:db8::/129"), NETWORK_BITS, path("2001:db8::/128")),
    (path("10.0.0.0/8/9"), NETWORK_BITS, path("10.0.0.0/8")),
    (path("192.0.03.0/24"), NETWORK_ZEROS, path("192.0.30.0/24")),
    (path("192.0.3.0/08"), NETWORK_ZEROS, path("192.0.0.0/16")),
    (path("2001:0db8::/48"), NETWORK_ZEROS, path("2001:db80::/48")),
    (path("01.0.0.0/8"), NETWORK_ZEROS, path("1.0.0.0/8")),
    (path("2001:db8::0/48"), NETWORK_ZEROS, path("2001:db8:0:1::/64")),
    (path("192.0.3.1/24"), NETWORK_END, path("192.0.3.128/25")),
    (path("192.0.3.0/16"), NETWORK_END, path("192.1.0.0/17")),
    (path("10.1.0.0/8"), NETWORK_END, path("128.0.0.0/1")),
    (path("10.0.0.0/0"), NETWORK_END, path("10.0.0.0/9")),
    (path("2001:db8::1/48"), NETWORK_END, path("2001:db8::1/128")),
    (path("2001:db8::1/64"), NETWORK_END, path("2001:db8:0:0:1::/80")),
    (path("::1/9"), NETWORK_END, path("8000::/1")),
    (path("10.2.0.0/16", -0.1), "path_metric.rtt is 0 or more milliseconds",
     path("10.2.0.0/16", 0)),
    *ranged(path("10.2.0.0/16", 1, "@"),
            "path_metric.measured_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
    *ranged("INSERT INTO path_metric (network, controller_id, rtt, origin)"
            " VALUES ('10.2.0.0/16', 1, 1, @)", "path_metric.origin is 0 to 65535", 0, 65535),
    (path("192.0.2.0/24"),
     "UNIQUE constraint failed: path_metric.network, path_metric.controller_id",
     path("192.0.2.0/25")),
]


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, message, neighbour", ROWS)
def test_an_invalid_row_is_rejected_with_a_message_and_its_neighbour_passes(
        rows_world, statement, message, neighbour, foreign_keys):
    rows_world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    assert_refused(rows_world, statement, message, neighbour)


def test_a_rejected_statement_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


def test_every_check_has_a_row_that_trips_it():
    declared = checks_of(TABLES)
    assert len(declared) > 40
    assert declared <= {message for _, message, _ in ROWS}

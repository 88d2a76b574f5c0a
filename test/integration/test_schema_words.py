"""The lists that will grow: the words of columns, settings, and what types of monitors need."""

import re

import pytest

from schema import (
    SCHEMA_SQL, assert_refused, assert_untouched, refusal, refusing_triggers)
from schema_statements import dns_host, exec_path, monitor, pool, put, ranged, server

# The view with the words of each column.
COLUMNS = {
    ("controller", "state"): "allowed_state",
    ("virtual_server", "state"): "allowed_state",
    ("pool", "method"): "allowed_method",
    ("pool", "alternate_method"): "allowed_method",
    ("pool", "persistence_timer"): "allowed_timer",
    ("pool", "client"): "allowed_client",
    ("pool", "fallback"): "allowed_fallback",
    ("pool", "failback"): "allowed_failback",
    ("monitor", "type"): "allowed_monitor_type",
    ("monitor", "query"): "allowed_query",
    ("monitor", "rcode"): "allowed_rcode",
    ("monitor", "http_method"): "allowed_http_method",
    ("controller_verdict", "state"): "allowed_verdict",
    ("virtual_server_verdict", "state"): "allowed_verdict",
    ("controller_verdict", "reason"): "allowed_reason",
    ("virtual_server_verdict", "reason"): "allowed_reason",
}


def verdict(table, state, reason):
    target = table.removesuffix("_verdict")
    return (f"INSERT INTO {table} ({target}_id, state, reason, since, checked_at)"
            f" SELECT max(id), {state}, {reason}, 1, 1 FROM {target} WHERE id NOT IN"
            f" (SELECT {target}_id FROM {table})")


def insertion(table, column, value):
    """An INSERT of a row that is legal but for this value."""
    if table == "controller":
        return f"INSERT INTO controller (name, {column}) VALUES ('new', {value})"
    if table == "virtual_server":
        return server(f"ipv4, {column}", f"'192.0.2.9', {value}")
    if table == "pool":
        return pool(column, value)
    if table == "monitor":
        kind = {"rcode": "'dns'", "http_method": "'http'"}.get(column, "'tcp'")
        columns = {"type": kind, column: value}
        path = {"'dns'": "NULL, 'x'", "'exec'": "'x', NULL"}.get(columns["type"], "NULL, NULL")
        return (f"INSERT INTO monitor (name, {', '.join(columns)}, path, host)"
                f" VALUES ('new', {', '.join(columns.values())}, {path})")
    return verdict(table, **{"state": "'up'", "reason": "'ok'", column: value})


def change(table, column, value):
    """An UPDATE of every row to this value."""
    if (table, column) == ("monitor", "type"):
        path = {"'exec'": "'x'"}.get(value, "NULL")
        host = {"'dns'": "'x'"}.get(value, "NULL")
        return put(table, type=value, path=path, host=host)
    if (table, column) == ("monitor", "rcode"):
        return put(table, type="'dns'", path="NULL", host="'x'", rcode=value)
    if (table, column) == ("monitor", "http_method"):
        return put(table, type="'http'", path="NULL", host="NULL", body="NULL", http_method=value)
    return put(table, **{column: value})


def words(db, view):
    return [word for (word,) in db.execute(f"SELECT word FROM {view}")]


def message(view):
    """What the trigger of the view says."""
    (said,) = [said for trigger, said in refusing_triggers() if trigger == f"{view}_check"]
    return said


@pytest.mark.parametrize("write", (insertion, change))
@pytest.mark.parametrize("table, column", COLUMNS)
def test_a_column_takes_the_words_of_its_list_and_no_others(rows_world, table, column, write):
    view = COLUMNS[table, column]
    allowed = words(rows_world, view)
    for word in allowed:
        assert refusal(rows_world, write(table, column, f"'{word}'")) is None, word
        for other in (word.swapcase(), f"{word} ", f" {word}", f"{word}x", word[:-1]):
            said = refusal(rows_world, write(table, column, f"'{other}'"))
            assert other in allowed or said == message(view), other
    for other in ("''", "'roundrobin'", "'enabled, draining'", f"'{allowed[0]}' || char(0)"):
        assert refusal(rows_world, write(table, column, other)) == message(view), other


@pytest.mark.parametrize("write", (insertion, change))
@pytest.mark.parametrize("table, column", COLUMNS)
def test_only_the_alternate_method_may_be_null(rows_world, table, column, write):
    expected = f"NOT NULL constraint failed: {table}.{column}"
    if column == "alternate_method":
        expected = None
    assert refusal(rows_world, write(table, column, "NULL")) == expected


@pytest.mark.parametrize("view", sorted(set(COLUMNS.values())))
def test_the_message_names_the_words_of_the_list(rows_world, view):
    said = message(view)
    assert said.split(" must be one of ")[1].split(", ") == words(rows_world, view)


def test_the_message_about_a_method_is_what_an_operator_reads(rows_world):
    assert refusal(rows_world, "UPDATE pool SET method = 'roundrobin'") == (
        "method must be one of modulus, rendezvous, round-robin, ratio, failover, rtt, least,"
        " topology")


def test_every_list_belongs_to_a_column(world):
    views = {name for (name,) in world.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'allowed%'")}
    assert views == {*COLUMNS.values(), "allowed_setting", "allowed_monitor", "allowed_answer",
                     "allowed_pin"}


# ---------------------------------------------------------------- settings


def settings(db):
    return db.execute("SELECT * FROM allowed_setting").fetchall()


INSERTED = "INSERT OR REPLACE INTO setting VALUES ('{}', @)"
UPDATED = "UPDATE setting SET value = @ WHERE name = '{}'"


@pytest.mark.parametrize("statement", (INSERTED, UPDATED))
def test_a_setting_takes_the_values_of_its_range_and_no_others(rows_world, statement):
    for name, value, least, most, unit in settings(rows_world):
        assert least <= value <= most
        for row in ranged(statement.format(name), f"{name} must be {least} to {most} {unit}",
                          least, most):
            assert_refused(rows_world, *row)


@pytest.mark.parametrize("statement, neighbour", (
    ("INSERT INTO setting VALUES ('sweep', 5)",
     ("DELETE FROM setting", "INSERT INTO setting VALUES ('sweep_batch', 5000)")),
    ("UPDATE setting SET name = 'sweep' WHERE name = 'sweep_batch'",
     "UPDATE setting SET value = 500 WHERE name = 'sweep_batch'"),
    ("INSERT INTO setting VALUES ('Sweep_batch', 10)",
     "INSERT OR REPLACE INTO setting VALUES ('sweep_batch', 10)"),
))
def test_there_are_no_other_settings(rows_world, statement, neighbour):
    names = [name for name, *_ in settings(rows_world)]
    assert_refused(rows_world, statement, f"setting.name must be one of {', '.join(names)}",
                   neighbour)


def test_a_new_database_has_every_setting_with_its_default(rows_world):
    assert rows_world.execute("SELECT name, value FROM setting ORDER BY name").fetchall() == sorted(
        (name, value) for name, value, *_ in settings(rows_world))


# ---------------------------------------------------------------- monitors


PATH_TYPES = "monitor.path is only for http, https and exec"
PATH_HTTP = "monitor.path must begin with / for http and https: /health"
PATH_EXEC = "monitor.path must name a program for exec, without a leading / and without .."
HOST_TYPES = "monitor.host is only for http, https, dns, and tcp with tls"
HOST_TCP = "monitor.host of tcp has no port and no brackets: imap.example.com, ::1"
METHOD_TYPES = "monitor.http_method is only for http and https"
METHOD_BODY = "monitor.body needs http_method GET: a reply to HEAD has no body"
HEADERS_TYPES = "monitor.headers is only for http and https"
HEADERS_LINE = ("a line of monitor.headers is a name, a colon, a space and a value:"
                " Accept: */*")
HEADERS_NAMES = ("monitor.headers has no Host, which is column host, Content-Length or"
                 " Transfer-Encoding")
PROXY_TYPES = "monitor.proxy is only for tcp, http and https"
PROXY_HTTP = "monitor.proxy 2 is only for tcp: http and https send version 1"
STEPS_INSTEAD = "monitor.steps takes the place of send and expect, which must be NULL"
STEPS_LINE = "a line of monitor.steps is send or expect, a space and a text"
ANSWER_RCODE = "monitor.answer needs rcode NOERROR: no other reply has the records"
SOURCE_EXEC = "monitor.source is not for exec: give the program an argument"
HOST_IPV6 = "monitor.host of http and https has an IPv6 address in brackets: [2001:db8::1]"
HOST_DNS = "monitor.host is required for dns: it is the name to ask for"


def headers(text):
    return monitor(headers=text)


def steps(text):
    return monitor(type="'tcp'", steps=text)


def tls_host(text):
    return monitor(type="'tcp'", tls="1", host=text)


def types_rows(column, value, said, wrong, right):
    """A column that only some types have."""
    return [(monitor(type=f"'{kind}'", **{column: value}), said,
             monitor(type=f"'{right}'", **{column: value})) for kind in wrong.split()]


ROWS = [
    *types_rows("port", "7", "monitor.port must be NULL for icmp: a ping has no port", "icmp",
                "tcp"),
    *types_rows("path", "'x'", PATH_TYPES, "tcp icmp", "exec"),
    (monitor(type="'dns'", host="'a'", path="'/x'"), PATH_TYPES,
     monitor(type="'https'", host="'a'", path="'/x'")),
    (monitor(path="'health'"), PATH_HTTP, monitor(path="'/health'")),
    (monitor(type="'https'", path="'http://x/'"), PATH_HTTP,
     monitor(type="'https'", path="'//x'")),
    (monitor(type="'exec'"), PATH_EXEC, exec_path("check")),
    (exec_path("/bin/true"), PATH_EXEC, exec_path("bin/true")),
    (exec_path(".."), PATH_EXEC, exec_path("...")),
    (exec_path("../check"), PATH_EXEC, exec_path("..check")),
    (exec_path("a/../b"), PATH_EXEC, exec_path("a/.b/c..")),
    (exec_path("a/.."), PATH_EXEC, exec_path("a/..b")),
    *types_rows("host", "'x'", HOST_TYPES, "tcp icmp", "https"),
    (monitor(type="'exec'", host="'x'", path="'x'"), HOST_TYPES,
     monitor(type="'exec'", path="'x'")),
    (monitor(host="'2001:db8::1'"), HOST_IPV6, monitor(host="'[2001:db8::1]'")),
    (monitor(type="'https'", host="'::1'"), HOST_IPV6, monitor(type="'https'", host="'a:443'")),
    (dns_host("NULL"), HOST_DNS, dns_host("'www.example.com'")),
    (monitor(type="'dns'"), HOST_DNS, dns_host("'.'")),
    *types_rows("body", "'x'", "monitor.body is only for http and https", "tcp icmp", "http"),
    *types_rows("send", "'x'", "monitor.send is only for tcp", "http https icmp", "tcp"),
    *types_rows("expect", "'x'", "monitor.expect is only for tcp", "http https icmp", "tcp"),
    (tls_host("'a:993'"), HOST_TCP, tls_host("'imap.example.com'")),
    (tls_host("'[::1]'"), HOST_TCP, tls_host("'::1'")),
    (monitor(type="'tcp'", host="'x'"), HOST_TYPES, tls_host("'x'")),
    *types_rows("http_method", "'HEAD'", METHOD_TYPES, "tcp icmp", "http"),
    (monitor(http_method="'HEAD'", body="'x'"), METHOD_BODY, monitor(http_method="'HEAD'")),
    *types_rows("headers", "'X: y'", HEADERS_TYPES, "tcp icmp", "https"),
    (headers("'X y'"), HEADERS_LINE, headers("'X: y z: \"\\'")),
    (headers("'X:y'"), HEADERS_LINE, headers("'X_-9: y'")),
    (headers("': y'"), HEADERS_LINE, headers("'0: y'")),
    (headers("'X: '"), HEADERS_LINE, headers("'X:  y '")),
    (headers("'X (a): y'"), HEADERS_LINE, headers("'X: (a)'")),
    (headers("'X: y' || char(10) || 'z'"), HEADERS_LINE, headers("'X: y' || char(10) || 'Z: z'")),
    (headers("'X: y' || char(10, 10) || 'Z: z'"), HEADERS_LINE,
     headers("'X: y' || char(10) || 'Z: z' || char(10)")),
    (headers("'X: y' || char(10) || ' continued'"), HEADERS_LINE, headers("'X: y continued'")),
    (headers("'Host: x'"), HEADERS_NAMES, headers("'X-Host: x'")),
    (headers("'X: y' || char(10) || 'hOST: x'"), HEADERS_NAMES, headers("'X: Host: x'")),
    (headers("'Content-Length: 0'"), HEADERS_NAMES, headers("'Content-Type: 0'")),
    (headers("'transfer-encoding: chunked'"), HEADERS_NAMES, headers("'TE: chunked'")),
    *types_rows("proxy", "1", PROXY_TYPES, "icmp", "http"),
    (monitor(type="'dns'", host="'x'", proxy="1"), PROXY_TYPES, monitor(type="'tcp'", proxy="2")),
    *types_rows("proxy", "2", PROXY_HTTP, "http https", "tcp"),
    *types_rows("tls", "1", "monitor.tls is only for tcp", "http https icmp", "tcp"),
    *types_rows("steps", "'send x'", "monitor.steps is only for tcp", "http https icmp", "tcp"),
    (monitor(type="'tcp'", steps="'send x'", send="'x'"), STEPS_INSTEAD, steps("'send x'")),
    (monitor(type="'tcp'", steps="'send x'", expect="'x'"), STEPS_INSTEAD, steps("'expect x'")),
    (steps("'sent x'"), STEPS_LINE, steps("'send  x'")),
    (steps("'send '"), STEPS_LINE, steps("'send ' || char(32)")),
    (steps("'send x' || char(10, 10) || 'send y'"), STEPS_LINE,
     steps("'send \"\\n' || char(10) || 'expect ^2' || char(10)")),
    (steps("'send x' || char(10) || ' expect y'"), STEPS_LINE,
     steps("'send x' || char(10) || 'expect y'")),
    (monitor(type="'tcp'", rcode="'REFUSED'"), "monitor.rcode is only for dns",
     monitor(type="'dns'", host="'x'", rcode="'REFUSED'")),
    (monitor(type="'http'", answer="'x'"), "monitor.answer is only for dns",
     monitor(type="'dns'", host="'x'", answer="'x'")),
    (monitor(type="'dns'", host="'x'", answer="'x'", rcode="'REFUSED'"), ANSWER_RCODE,
     monitor(type="'dns'", host="'x'", answer="'x'", rcode="'NOERROR'")),
    (monitor(type="'exec'", path="'x'", source="'::1'"), SOURCE_EXEC,
     monitor(type="'icmp'", source="'::1'")),
    (monitor(type="'tcp'", arguments="'x'"), "monitor.arguments is only for exec",
     monitor(type="'exec'", path="'x'", arguments="'x'")),
    # By an update, too.
    (put("monitor", type="'exec'"), PATH_EXEC, put("monitor", type="'exec'", path="'x'")),
    (put("monitor", host="'x'"), HOST_TYPES, put("monitor", type="'https'", host="'x'")),
]


@pytest.mark.parametrize("statement, said, neighbour", ROWS)
def test_a_monitor_has_what_its_type_needs_and_no_more(rows_world, statement, said, neighbour):
    assert_refused(rows_world, statement, said, neighbour)


def test_a_rejected_monitor_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


def test_every_rule_for_monitors_has_a_row_that_trips_it():
    rules = {said for trigger, said in refusing_triggers() if trigger == "allowed_monitor_check"}
    assert len(rules) == 27
    assert rules == {said for _, said, _ in ROWS}


def test_no_word_is_listed_in_a_check():
    checks = re.findall(r"CHECK \([^\n]*\bIN \('", SCHEMA_SQL)
    assert len(checks) == 1, checks  # the continents, which stay seven

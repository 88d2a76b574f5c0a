"""pdns-stickyd with real sites, a real database, and the coprocess that answers from it."""

import contextlib
import itertools
import os
import re
import signal
import socket
import statistics
import time
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from coprocess import Coprocess
from database import Database
from faults import Shim, stopped
from monitor import Daemon, Sites, add_server, states, watched
from processes import (
    REPOSITORY,
    SECONDS_MAX,
    USER,
    as_user,
    children,
    daemon_path,
    is_running,
    kill,
    run,
    stop,
    wait_until,
)
from service import allowed_calls, with_proc_of
from targets import DnsTarget

ALL_UP = {1: "up", 2: "up", 3: "up"}


@pytest.fixture
def sites():
    with Sites(3) as running:
        yield running


@pytest.fixture
def database(empty_database, sites):
    """Three sites that are checked every second."""
    watched(empty_database, sites, 3)
    return empty_database


def until_states(database, expected):
    wait_until(lambda: states(database) == expected, SECONDS_MAX, f"states {expected}")


def until_said(daemon, *words):
    """Until all of them are in the log."""
    wait_until(lambda: all(word in daemon.said() for word in words), SECONDS_MAX, f"{words}")


def problems(database):
    return [line for line in database.command("status").splitlines() if line.startswith("problem: ")]


# ---------------------------------------------------------------- verdicts


def test_sites_go_down_and_come_back(database, sites):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        sites.end(2)
        until_states(database, {**ALL_UP, 2: "down"})
        rows = database.rows("SELECT reason, flaps FROM virtual_server_verdict ORDER BY 1")
        assert rows == [("ok", 0), ("ok", 0), ("refused", 1)]
        sites.begin(2)
        until_states(database, ALL_UP)
        assert re.search(r"site2, 127\.1\.0\.2:\d+: down, refused, after \d+ s up", daemon.said())
        assert re.search(r"site2, 127\.1\.0\.2:\d+: up, ok, after \d+ s down", daemon.said())


def test_what_is_measured_stands_in_the_metrics(database, sites):
    sites.end(3)
    with Daemon(database):
        until_states(database, {**ALL_UP, 3: "down"})
        query = ("SELECT virtual_server_id, name, value, measured_at FROM virtual_server_metric"
                 " ORDER BY 1, 2")

        def until_measured_again():
            before = max((row[3] for row in database.rows(query)), default=0)

            def is_newer():
                rows = database.rows(query)
                return len(rows) == 5 and min(row[3] for row in rows) > before

            wait_until(is_newer, SECONDS_MAX, "new measurements of all")

        until_measured_again()
        rows = database.rows(query)
        assert [row[:2] for row in rows] == [
            (1, "availability"), (1, "rtt"), (2, "availability"), (2, "rtt"), (3, "availability")
        ]
        assert [row[2] for row in rows if row[1] == "availability"] == [1, 1, 0]
        assert all(0 < row[2] < 1000 for row in rows if row[1] == "rtt")
        before = database.rows("SELECT metrics FROM revision")
        until_measured_again()
        assert database.rows("SELECT metrics FROM revision") == before, "no state has changed"


@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_a_site_that_dies_is_avoided_in_time(empty_database, sites, kind):
    """Within interval * fall + timeout + 1 seconds, and nobody else moves.

    Counted in checks of another site, one in each interval, as the daemon may be late; twice as many
    are let pass, as those who look may be late too.
    """
    interval, fall, timeout = 1, 3, 1
    watched(empty_database, sites, 3, kind, interval, timeout, rise=2, fall=fall)
    empty_database.sql("UPDATE pool SET persistence_ttl = 3600;")
    crowd = [f"192.0.2.{number}" for number in range(1, 31)]
    with Daemon(empty_database), Coprocess(empty_database.path) as coprocess:
        until_states(empty_database, ALL_UP)
        before = {ldns: coprocess.ask(remote=ldns).ipv4 for ldns in crowd}
        dead = "127.1.0.2"
        assert sorted(before.values()).count(dead) == 10
        sites.end(2)
        counted = sites.asked[1]
        theirs = [ldns for ldns in crowd if before[ldns] == dead]
        while coprocess.ask(remote=theirs[0]).ipv4 == dead:
            assert interval * (sites.asked[1] - counted) <= 2 * (interval * fall + timeout + 1)
            time.sleep(0.01)
        after = {ldns: coprocess.ask(remote=ldns).ipv4 for ldns in crowd}
        assert dead not in after.values()
        assert {ldns: after[ldns] for ldns in crowd if ldns not in theirs} == {
            ldns: before[ldns] for ldns in crowd if ldns not in theirs
        }


def test_http_goes_by_the_status(empty_database, sites):
    watched(empty_database, sites, 3, "http", path="/health")
    sites.statuses = {2: 503, 3: 302}
    with Daemon(empty_database):
        until_states(empty_database, {**ALL_UP, 2: "down"})
        query = "SELECT reason FROM virtual_server_verdict WHERE virtual_server_id = 2"
        assert empty_database.rows(query) == [("status",)]
        sites.statuses = {}
        until_states(empty_database, ALL_UP)


def test_controllers_are_checked_too(database, sites):
    database.sql(
        "UPDATE controller SET address = '127.1.0.' || id, monitor_id = 1;"
        "UPDATE pool SET monitor_id = NULL;"
    )
    sites.end(1)
    with Daemon(database):
        query = "SELECT controller_id, state FROM controller_verdict"
        expected = {**ALL_UP, 1: "down"}
        wait_until(lambda: dict(database.rows(query)) == expected, SECONDS_MAX, "verdicts")
        assert f"controller site1 127.1.0.1:{sites.port}: down for" in database.command("status")


def test_another_address_than_the_one_that_is_answered_can_be_checked(database, sites):
    database.sql("UPDATE virtual_server SET ipv4 = '192.0.2.1', check_address = '127.1.0.1'"
                 " WHERE id = 1;")
    with Daemon(database):
        until_states(database, ALL_UP)


class Names(DnsTarget):
    """A name server on loopback: site1.cloud.example has the address of site 1, and so on."""

    def __init__(self, count):
        self.addresses = {f"site{n}.cloud.example.": Sites.address(n) for n in range(1, count + 1)}
        super().__init__(self.reply)

    def reply(self, question):
        answer = dns.message.make_response(dns.message.from_wire(question))
        (asked,) = answer.question
        address = self.addresses.get(asked.name.to_text())
        if not address:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "A", address))
        return [answer.to_wire()]


def test_a_name_is_resolved_each_time_it_is_checked(database, sites, workspace):
    """The names of sites 2 and 3 lead elsewhere for a while, or nowhere."""
    resolv_conf = workspace / "resolv.conf"
    reasons = "SELECT virtual_server_id, reason FROM virtual_server_verdict ORDER BY 1"
    database.sql("DELETE FROM virtual_server; INSERT INTO virtual_server (id, pool_id,"
                 " controller_id, position, name) SELECT id, 1, id, id, 'site' || id ||"
                 " '.cloud.example' FROM controller;"
                 "UPDATE setting SET value = 0 WHERE name = 'brake_percent';")
    with Names(3) as names:
        resolv_conf.write_text(f"nameserver [127.0.0.1]:{names.port}\n")
        resolv_conf.chmod(0o644)
        with Daemon(database, "--resolv-conf", resolv_conf) as daemon:
            until_states(database, ALL_UP)
            names.addresses["site2.cloud.example."] = "127.1.0.99"  # where nobody listens
            del names.addresses["site3.cloud.example."]
            until_states(database, {**ALL_UP, 2: "down", 3: "down"})
            assert database.rows(reasons) == [(1, "ok"), (2, "refused"), (3, "unresolved")]
            place = f"site3.cloud.example:{sites.port}"
            until_said(daemon, f"pool web, controller site3, {place}: down, unresolved")
            query = "SELECT address, reason FROM health WHERE controller = 'site3'"
            assert database.rows(query) == [(place, "unresolved")]
            assert any(f"site3 {place}: down for" in line for line in database.command("status").splitlines())
            names.addresses.update({f"site{n}.cloud.example.": Sites.address(1) for n in (2, 3)})
            until_states(database, ALL_UP)


# ---------------------------------------------------------------- changes while it runs


def test_changes_leave_the_other_checks_undisturbed(database, sites):
    with Daemon(database):
        until_states(database, ALL_UP)
        begin, counted = time.monotonic(), sites.asked[1]
        for change in range(20):
            database.sql(f"UPDATE controller SET state = 'draining' WHERE id = 2;"
                         f"UPDATE virtual_server SET port = {1000 + change} WHERE id = 3;")
            time.sleep(0.2)
        passed = time.monotonic() - begin
        # A change that began the interval anew would leave none of them; a daemon that is late may
        # omit some.
        assert passed / 2 <= sites.asked[1] - counted <= passed + 2


def test_what_is_added_is_checked_and_what_is_deleted_is_forgotten(database, sites):
    with Daemon(database):
        until_states(database, ALL_UP)
        database.sql("DELETE FROM virtual_server WHERE id = 3;")
        until_states(database, {1: "up", 2: "up"})
        asked = sites.asked[3]
        time.sleep(2)
        assert sites.asked[3] <= asked + 1
        database.sql("DELETE FROM controller WHERE id = 3;" + add_server(3, sites))
        until_states(database, ALL_UP)
        database.sql("UPDATE pool SET monitor_id = NULL;"
                     "UPDATE virtual_server SET monitor_id = 1 WHERE id = 1;")
        until_states(database, {1: "up"})
        rows = database.rows("SELECT DISTINCT virtual_server_id FROM virtual_server_metric")
        assert rows == [(1,)], "the metrics go too"


def test_metrics_of_servers_without_a_monitor_are_somebody_elses(database, sites):
    database.sql(
        "UPDATE pool SET monitor_id = NULL; UPDATE virtual_server SET monitor_id = 1 WHERE id = 1;"
        "INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
        " VALUES (2, 'availability', 0), (2, 'rtt', 7), (1, 'cpu', 30);"
    )
    with Daemon(database):
        until_states(database, {1: "up"})
        database.sql("UPDATE virtual_server SET monitor_id = NULL;")
        until_states(database, {})
        time.sleep(1.2)
    rows = database.rows("SELECT virtual_server_id, name, value FROM virtual_server_metric"
                         " ORDER BY 1, 2")
    assert rows == [(1, "cpu", 30), (2, "availability", 0), (2, "rtt", 7)]


def availability(database, number, change=""):
    """What answers go by: 1, 0, or None for a server about which nothing is written.

    With a change, what it leaves: before it is committed, so that no check comes between.
    """
    rows = database.rows(f"BEGIN IMMEDIATE; {change};"
                         " SELECT value FROM virtual_server_metric WHERE name = 'availability'"
                         f" AND virtual_server_id = {number}; COMMIT")
    return rows[0][0] if rows else None


def test_a_corrected_address_begins_as_a_new_one(database, sites):
    """It counts as up at once, and goes down only after `fall` checks of its own."""
    database.sql("UPDATE monitor SET rise = 100, fall = 3;"
                 "UPDATE virtual_server SET ipv4 = '127.1.0.77' WHERE id = 2;")
    with Daemon(database) as daemon, Coprocess(database.path) as coprocess:
        until_states(database, {**ALL_UP, 2: "down"})
        assert availability(database, 2) == 0
        corrected = "UPDATE virtual_server SET ipv4 = '127.1.0.2' WHERE id = 2"
        assert availability(database, 2, corrected) is None
        answers = {coprocess.ask(remote=f"192.0.2.{i}").ipv4 for i in range(40)}
        assert answers == {"127.1.0.1", "127.1.0.2", "127.1.0.3"}
        until_states(database, ALL_UP)
        sites.end(2)
        until_said(daemon, f"site2, 127.1.0.2:{sites.port}: down, refused")
        until_states(database, {**ALL_UP, 2: "down"})


def test_an_address_that_is_corrected_while_nobody_checks_begins_as_a_new_one(database, sites):
    database.sql("UPDATE monitor SET rise = 100;"
                 "UPDATE virtual_server SET check_address = '127.1.0.77' WHERE id = 2;")
    with Daemon(database) as daemon:
        until_states(database, {**ALL_UP, 2: "down"})
        assert daemon.stop() == 0
    database.sql("UPDATE virtual_server SET check_address = NULL WHERE id = 2;")
    assert (availability(database, 2), states(database).get(2)) == (None, None)
    with Daemon(database):
        until_states(database, ALL_UP)


def test_a_corrected_port_begins_as_a_new_one(database, sites):
    database.sql("UPDATE monitor SET rise = 100, port = NULL;"
                 f"UPDATE virtual_server SET port = iif(id = 2, 1, {sites.port});")
    with Daemon(database) as daemon:
        until_states(database, {**ALL_UP, 2: "down"})
        assert "site2, 127.1.0.2:1: down, refused" in daemon.said()
        rows = database.rows("SELECT address FROM health ORDER BY address")
        assert rows == [(f"127.1.0.{n}:{1 if n == 2 else sites.port}",) for n in (1, 2, 3)]
        assert any("pool web, site2 127.1.0.2:1: down for" in line for line in database.command("status").splitlines())
        database.sql(f"UPDATE virtual_server SET port = {sites.port};")
        until_states(database, ALL_UP)


def test_a_server_may_be_exempt_from_the_monitor_of_its_pool(database, sites):
    sites.end(3)
    with Daemon(database):
        until_states(database, {**ALL_UP, 3: "down"})
        database.sql("UPDATE virtual_server SET checked = 0 WHERE id = 3;")
        until_states(database, {1: "up", 2: "up"})
        time.sleep(1.2)
        assert states(database) == {1: "up", 2: "up"}
        assert availability(database, 3) is None
        assert database.rows("SELECT controller FROM health") == [("site1",), ("site2",)]
        database.sql("UPDATE virtual_server SET checked = 1;")
        until_states(database, {**ALL_UP, 3: "down"})


def test_a_source_of_the_other_family_is_named(database):
    database.sql("INSERT INTO monitor (id, name, type, port, source) VALUES"
                 " (2, 'near', 'tcp', 9, '::1');"
                 "UPDATE virtual_server SET monitor_id = 2 WHERE id = 3;")
    words = ("127.1.0.3:9: not checked, because monitor near checks from ::1, an address of the"
             " other family")
    with Daemon(database) as daemon:
        until_states(database, {1: "up", 2: "up"})
        assert words in daemon.said()
        wait_until(lambda: words in "\n".join(problems(database)), SECONDS_MAX, "a problem")


def test_a_tcp_check_without_a_port_is_named(database):
    database.sql("INSERT INTO monitor (id, name, type) VALUES (2, 'nowhere', 'tcp');"
                 "UPDATE virtual_server SET monitor_id = 2, port = NULL WHERE id = 3;")
    words = "127.1.0.3: not checked, because neither it nor monitor nowhere has a port"
    with Daemon(database) as daemon:
        until_states(database, {1: "up", 2: "up"})
        assert words in daemon.said()
        wait_until(lambda: words in "\n".join(problems(database)), SECONDS_MAX, "a problem")
        database.sql("UPDATE virtual_server SET port = 9 WHERE id = 3;")
        until_states(database, {1: "up", 2: "up", 3: "down"})


def test_a_monitor_that_can_be_run_later_is_run_then(database, workspace):
    """Nobody has to change the configuration again when its cause is gone."""
    programs = workspace / "programs"
    programs.mkdir(mode=0o755)
    database.sql("INSERT INTO monitor (id, name, type, path) VALUES (2, 'script', 'exec', 'x');"
                 "UPDATE virtual_server SET monitor_id = 2 WHERE id = 3;")
    with Daemon(database, "--exec-directory", programs):
        until_states(database, {1: "up", 2: "up"})
        wait_until(lambda: problems(database), SECONDS_MAX, "a problem")
        (programs / "new").write_text("#!/bin/sh\nexit 0\n")
        (programs / "new").chmod(0o755)
        (programs / "new").rename(programs / "x")
        until_states(database, ALL_UP)
        wait_until(lambda: problems(database) == [], SECONDS_MAX, "no problem any more")


def test_a_monitor_that_cannot_be_run_is_named(database):
    database.sql("INSERT INTO monitor (id, name, type, path) VALUES (2, 'script', 'exec', 'x');"
                 "UPDATE virtual_server SET monitor_id = 2 WHERE id = 3;")
    with Daemon(database) as daemon:
        until_states(database, {1: "up", 2: "up"})
        assert "monitor script cannot be run: " in daemon.said()
        assert any("monitor script cannot be run: " in line for line in problems(database))
        database.sql("UPDATE virtual_server SET monitor_id = NULL;")
        until_states(database, ALL_UP)
        wait_until(lambda: problems(database) == [], SECONDS_MAX, "no problem any more")


# ---------------------------------------------------------------- when it cannot be known


def test_verdicts_of_the_last_run_hold_until_everybody_was_asked(database, sites):
    # By HTTP, as then a site has counted the check before the daemon has the result.
    database.sql("UPDATE monitor SET type = 'http', interval = 3, timeout = 3, rise = 1, fall = 1;")
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        sites.end(1)
        until_states(database, {**ALL_UP, 1: "down"})
        assert daemon.stop() == 0
    sites.begin(1)
    since = database.rows("SELECT since FROM virtual_server_verdict ORDER BY 1")
    asked = sites.asked[:]
    with Daemon(database):
        seen = states(database)
        while min(now - before for now, before in zip(sites.asked[1:], asked[1:])) == 0:
            assert seen == {**ALL_UP, 1: "down"}
            seen = states(database)
        until_states(database, ALL_UP)
        assert database.rows("SELECT since FROM virtual_server_verdict ORDER BY 1")[:2] == since[:2]


def test_a_dead_monitor_leaves_its_verdicts(database, sites):
    with Daemon(database) as daemon, Coprocess(database.path) as coprocess:
        sites.end(2)
        until_states(database, {**ALL_UP, 2: "down"})
        assert problems(database) == []
        daemon.process.kill()
        daemon.process.wait(SECONDS_MAX)
        database.sql("UPDATE virtual_server_verdict SET checked_at = checked_at - 340;")
        assert re.fullmatch(r"problem: the last check was 34\d s ago: pdns-stickyd does not run",
                            *problems(database))
        answers = {coprocess.ask(remote=f"192.0.2.{i}").ipv4 for i in range(20)}
        assert answers == {"127.1.0.1", "127.1.0.3"}


def test_a_monitor_that_hangs_is_told_of(database):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        silent = re.compile(r"problem: the last check was \d+ s ago: pdns-stickyd has not reported"
                            r" for \d+ s")
        with stopped(daemon):
            wait_until(
                lambda: any(map(silent.fullmatch, problems(database))), SECONDS_MAX, "silence"
            )
        wait_until(lambda: problems(database) == [], SECONDS_MAX, "a report")


def test_a_mass_failure_is_not_believed(database, sites):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        for number in (1, 2, 3):
            sites.end(number)
        wait_until(lambda: problems(database), SECONDS_MAX, "the brake")
        assert re.match(r"problem: [23] of 3 targets began to fail at about the same time: the"
                        r" monitor's own network is suspected", problems(database)[0])
        time.sleep(3)
        assert states(database) == ALL_UP
        assert daemon.said().count("own network is suspected") == 1
        database.sql("UPDATE setting SET value = 0 WHERE name = 'brake_percent';")
        until_states(database, dict.fromkeys(ALL_UP, "down"))
        wait_until(lambda: problems(database) == [], SECONDS_MAX, "the brake is off")
        sites.begin(3)
        until_states(database, {1: "down", 2: "down", 3: "up"})


# ---------------------------------------------------------------- the database


def test_a_locked_database_is_written_later(database, sites):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        with database.locked():
            sites.end(3)
            until_said(daemon, f"site3, 127.1.0.3:{sites.port}: down")
            assert states(database) == ALL_UP
        until_states(database, {**ALL_UP, 3: "down"})


def test_a_full_disk_is_written_later(database, sites, workspace):
    shim = Shim(workspace)
    with Daemon(database, env={**os.environ, **shim.environment}) as daemon:
        until_states(database, ALL_UP)
        shim.set(write_errno=28)
        sites.end(3)
        until_said(daemon, f"site3, 127.1.0.3:{sites.port}: down", "verdicts cannot be written")
        shim.set(write_errno=0)
        until_states(database, {**ALL_UP, 3: "down"})


def test_a_database_may_be_replaced(database, sites, workspace):
    with Daemon(database):
        until_states(database, ALL_UP)
        sites.end(2)
        until_states(database, {**ALL_UP, 2: "down"})
        other = Database.create(workspace, name="other.sqlite")
        watched(other, sites, 2)
        other.sql("INSERT INTO controller (id, name) VALUES (9, 'gone');"
                  "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
                  " VALUES (9, 1, 9, 9, '192.0.2.9');"
                  "INSERT INTO virtual_server_verdict (virtual_server_id, state, reason, since,"
                  " checked_at) VALUES (9, 'down', 'timeout', 1, 1);"
                  "UPDATE virtual_server SET monitor_id = NULL;"
                  "UPDATE pool SET monitor_id = NULL;"
                  "UPDATE virtual_server SET monitor_id = 1 WHERE id < 9;"
                  "PRAGMA wal_checkpoint(TRUNCATE);")
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{other.path}{suffix}")
                os.unlink(f"{database.path}{suffix}")
        os.replace(other.path, database.path)
        until_states(database, {1: "up", 2: "down"})


def test_a_database_that_is_missing_is_waited_for(sites, workspace):
    missing = Database(workspace / "missing.sqlite")
    with Daemon(missing) as daemon:
        assert "is not there" in daemon.said()
        made = Database.create(workspace, name="made.sqlite")
        watched(made, sites, 3)
        made.sql("PRAGMA wal_checkpoint(TRUNCATE);")
        os.rename(made.path, missing.path)
        until_states(missing, ALL_UP)
        saved = missing.path.read_bytes()
        os.rename(missing.path, workspace / "away.sqlite")
        time.sleep(2)
        assert daemon.process.poll() is None
        assert saved


def test_there_is_one_daemon_for_a_database(database):
    with Daemon(database) as daemon:
        argv = [daemon_path(), "--database", database.path]
        for more in ([], ["--foreground"]):
            result = run(as_user([*argv, *more]))
            assert result.returncode == 1
            assert "another pdns-stickyd watches it already" in result.stderr
        daemon.process.kill()
        daemon.process.wait(SECONDS_MAX)
        daemon.start()
        until_states(database, ALL_UP)


# ---------------------------------------------------------------- maintenance


def threads_started(trace):
    return len(re.findall(r"\bclone3?\(", trace.read_text()))


def test_maintenance_is_the_monitors_while_it_lives(database, workspace):
    """A round is a thread of its own in a coprocess; expired mappings go all the same."""
    expired = ("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
               " VALUES (1, '{}', 1, 'modulus', 1, 1);")

    def is_swept():
        return database.rows("SELECT count(*) FROM persistence WHERE timestamp = 1") == [(0,)]

    trace = workspace / "trace"
    before = ["strace", "-f", "-o", str(trace), "-e", "trace=clone,clone3"]
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        with Coprocess(database.path, before=before) as coprocess:
            coprocess.ask()
            time.sleep(1)
            started = threads_started(trace)
            database.sql(expired.format("192.0.2.1"))
            for _ in range(30):
                coprocess.ask()
                time.sleep(0.1)
            wait_until(lambda: coprocess.ask() and is_swept(), SECONDS_MAX, "the monitor sweeps")
            assert threads_started(trace) == started, "the coprocess left it to the monitor"
            with database.without_maintenance():  # it holds no lock while it hangs
                stop([daemon.pid])
            database.sql(expired.format("192.0.2.2"))
            # New resolvers: that their mappings wait is how the others notice.
            crowd = (f"198.18.{i >> 8 & 255}.{i & 255}" for i in itertools.count())
            wait_until(
                lambda: coprocess.ask(remote=next(crowd)) and is_swept(), SECONDS_MAX, "it hangs"
            )
            os.kill(daemon.pid, signal.SIGCONT)
            time.sleep(2)
            started = threads_started(trace)
            daemon.process.kill()
            daemon.process.wait(SECONDS_MAX)
            database.sql(expired.format("192.0.2.3"))
            wait_until(lambda: coprocess.ask() and is_swept(), SECONDS_MAX, "it is dead")
            assert threads_started(trace) > started


# ---------------------------------------------------------------- the daemon itself


ENDED_SECONDS = 10  # it takes 0.7 at most on a machine that is free


def test_it_ends_at_once_and_writes_what_it_has(database, sites):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        begin, began = time.monotonic(), time.time()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < ENDED_SECONDS
        (last,) = database.rows("SELECT min(checked_at) FROM virtual_server_verdict")
        assert last[0] >= began - 5, "each site was checked once a second until then"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_while_the_database_is_locked(database, number):
    with Daemon(database) as daemon:
        until_states(database, ALL_UP)
        with database.locked():
            time.sleep(1)
            daemon.process.send_signal(number)
            assert daemon.process.wait(ENDED_SECONDS) == 0


def test_a_hangup_is_survived(database):
    with Daemon(database) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        until_states(database, ALL_UP)
        assert daemon.process.poll() is None


def test_systemd_is_told(database, workspace):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(workspace / "notify"))
        (workspace / "notify").chmod(0o666)
        notified.settimeout(SECONDS_MAX)
        is_status_of_all = re.compile("STATUS=3 targets, 3 up, 0 down,").match
        environment = {**os.environ, "NOTIFY_SOCKET": str(workspace / "notify"),
                       "WATCHDOG_USEC": "600000", "JOURNAL_STREAM": "8:1"}
        with Daemon(database, env=environment) as daemon:
            told = [notified.recv(1000).decode()]
            assert told == ["READY=1"]
            times = []
            while len(times) < 12 or not any(map(is_status_of_all, told)):
                told.append(notified.recv(1000).decode())
                if told[-1] == "WATCHDOG=1":
                    times.append(time.monotonic())
            # Twice in the time that systemd gives it; some may have been late.
            gaps = [later - earlier for earlier, later in zip(times, times[1:])]
            assert 0.2 < statistics.median(gaps) < 0.6, gaps
            assert daemon.stop() == 0
            while told[-1] != "STOPPING=1":
                told.append(notified.recv(1000).decode())
            assert daemon.said().startswith("<6>pdns-stickyd: version ")


def test_it_goes_into_the_background_by_itself(database, workspace):
    result = run(as_user([daemon_path(), "--database", database.path.name]), cwd=workspace)
    assert (result.returncode, result.stdout) == (0, "")
    found = run(["pgrep", "-f", f"{daemon_path()} --database {database.path.name}"]).stdout.split()
    assert len(found) == 1
    pid = int(found[0])
    try:
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert {os.readlink(f"/proc/{pid}/fd/{stream}") for stream in range(3)} == {"/dev/null"}
        until_states(database, ALL_UP)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_running(pid), SECONDS_MAX, "it ends")


def test_who_starts_it_by_hand_is_told_what_is_wrong(workspace):
    result = run(as_user([daemon_path(), "--database", workspace / "missing"]))
    assert result.returncode == 1
    assert "is not there" in result.stderr


@pytest.mark.parametrize(
    "arguments, status_code, words",
    [
        (["--help"], 0, "usage: pdns-stickyd"),
        (["--version"], 0, "pdns-stickyd "),
        ([], 64, "no database"),
        (["--database", "x", "y"], 64, "unexpected argument"),
        (["--nonsense"], 64, "bad option"),
    ],
)
def test_the_command_line(arguments, status_code, words):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PDNS_STICKY")}
    result = run([daemon_path(), *arguments], env=environment)
    assert result.returncode == status_code
    assert words in result.stdout + result.stderr


# ---------------------------------------------------------------- the unit


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    text = (REPOSITORY / "pdns-conf/pdns-stickyd.service.in").read_text()
    path = tmp_path_factory.mktemp("units") / "pdns-stickyd.service"
    path.write_text(text.replace("@sbindir@", str(daemon_path().parent)))
    return path


def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    result = run(["systemd-analyze", "verify", "--man=no", unit])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_systemd_calls_the_unit_ok(unit):
    """It needs the network; its scale is from 0 to 10, and nothing with it is below 1."""
    options = ["--offline=yes", "--threshold=15", "--no-pager"]
    result = run(["systemd-analyze", "security", *options, unit])
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(not USER, reason="needs root")
def test_the_unit_hides_nothing_of_proc_that_is_needed(unit, database):
    """It stores the mappings that coprocesses claim in memory that it shares with them, for one start
    of the machine, which the kernel tells in /proc."""
    with Daemon(database, before=with_proc_of(unit), user=None) as daemon:
        maps = Path(f"/proc/{daemon.pid}/maps")
        wait_until(lambda: f"{database.path.name}-claims" in maps.read_text(), SECONDS_MAX,
                   "it shares the claims")


def test_the_filter_of_the_unit_lets_all_system_calls_through(unit, database, sites, workspace):
    """Watched while it checks in each way, writes, does maintenance and ends."""
    programs = workspace / "programs"
    programs.mkdir(mode=0o755)
    (programs / "check").write_text("#!/bin/sh\nexit 0\n")
    (programs / "check").chmod(0o755)
    database.sql(
        "INSERT INTO monitor (id, name, type, path, host, interval, timeout) VALUES"
        " (2, 'web', 'https', '/', NULL, 3, 3), (3, 'name', 'dns', NULL, 'example.com', 3, 3),"
        " (4, 'script', 'exec', 'check', NULL, 3, 3), (5, 'ping', 'icmp', NULL, NULL, 3, 3);"
        "INSERT INTO monitor (id, name, type, port, tls, source, interval, timeout) SELECT"
        " 6, 'imaps', 'tcp', port, 1, '127.0.0.1', 3, 3 FROM monitor WHERE id = 1;"
        "UPDATE virtual_server SET monitor_id = 1 + id;"
        "UPDATE controller SET address = '127.1.0.' || id, monitor_id = 3 + id WHERE id < 3;"
        "UPDATE controller SET address = '127.1.0.3', monitor_id = 6 WHERE id = 3;"
        "UPDATE setting SET value = 1 WHERE name IN ('checkpoint_interval', 'sweep_interval');"
    )
    trace = workspace / "trace"
    before = ["strace", "-f", "-o", trace, "-e", "trace=all"]
    needed = {"epoll_wait", "connect", "fdatasync", "sendto"}

    def calls_of_the_daemon():
        lines = trace.read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if str(daemon_path()) in line)
        return set(re.findall(r"^\d+ +(\w+)\(", "\n".join(lines[first:]), re.MULTILINE))

    with Daemon(database, "--exec-directory", programs, before=before) as daemon:
        wait_until(lambda: states(database).get(3) == "up", SECONDS_MAX, "a check that is well")
        wait_until(lambda: needed <= calls_of_the_daemon(), SECONDS_MAX, f"{needed}")
        time.sleep(3)
        kill(children(daemon.pid), signal.SIGTERM)
        assert daemon.process.wait(SECONDS_MAX) == 0
    assert calls_of_the_daemon() - allowed_calls(unit) == set()

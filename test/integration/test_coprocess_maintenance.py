"""Maintenance by coprocesses: expired mappings are swept, and checkpoints are run."""

import fcntl
import os
import struct
import time
from pathlib import Path

from claims import Promises
from coprocess import Coprocess
from database import Shell
from faults import maintain_often, strace, traced_calls
from monitor import Daemon
from processes import SECONDS_MAX, give_to_user, run, wait_until
from resolvers import ldns
from sample import expected


def expire(database, count):
    database.sql(
        "UPDATE setting SET value = 1 WHERE name LIKE '%_interval';"
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {count}) SELECT 1, 'expired' || i, 1, 'modulus', unixepoch() - 100, 60 FROM n;"
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " VALUES (1, 'kept', 1, 'modulus', unixepoch(), 3600);"
    )


def test_expired_rows_are_swept_while_nobody_asks(served):
    coprocess, database = served
    expire(database, 2500)  # three batches
    coprocess.ask("www.example.com", "A", ldns(1))
    with Shell(database.path) as reader:
        wait_until(
            lambda: reader.run("SELECT count(*) FROM persistence;") == ["2"],
            SECONDS_MAX,
            "the sweep",
        )
    assert set(database.mappings("web")) == {"kept", ldns(1)}


def map_by_sql(database, *keys):
    rows = ", ".join(f"(1, '{key}', 1, 'modulus', unixepoch(), 3600)" for key in keys)
    database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        f" VALUES {rows};"
    )


def unfound(count, first):
    return (
        f"{count} can never be found, by the pool's prefixes and kind of client; the first is"
        f" {first} in pool web"
    )


def test_mappings_that_nobody_can_have_are_logged_after_each_change(served):
    coprocess, database = served
    logs = []

    def is_told(sentence):
        logs.extend(coprocess.ask("www.example.com", "A", ldns(1)).logs)
        return sentence in logs

    def wait_until_told(*sentence):
        wait_until(lambda: is_told(unfound(*sentence)), SECONDS_MAX, lambda: f"in {logs}")

    maintain_often(database)
    map_by_sql(database, "192.0.2.7", "2001:db8::7", "2001:DB8::53")
    wait_until_told("1 mapping", "2001:DB8::53")
    map_by_sql(database, "198.51.0.0/16", "' || x'3100' || '", "9" * 128, "garbage")
    wait_until_told("5 mappings", "1")
    database.sql("DELETE FROM persistence WHERE ldns < '198.51' OR ldns > '20';")
    wait_until_told("1 mapping", "198.51.0.0/16")
    database.sql(
        "UPDATE pool SET ipv4_prefix = 16 WHERE id = 1;"
        "DELETE FROM persistence WHERE ldns <> '198.51.0.0/16';"
    )
    map_by_sql(database, "192.0.2.7")
    wait_until_told("1 mapping", "192.0.2.7")


def test_mappings_that_nobody_can_have_are_in_the_log_of_the_daemon(sample_database):
    maintain_often(sample_database)
    with Daemon(sample_database) as daemon:
        map_by_sql(sample_database, "2001:DB8::53")
        sentence = unfound("1 mapping", "2001:DB8::53")
        wait_until(lambda: sentence in daemon.said(), SECONDS_MAX, daemon.said)


def test_the_log_is_copied_back_while_nobody_asks(served):
    coprocess, database = served
    database.sql("UPDATE setting SET value = 1 WHERE name = 'checkpoint_interval';")
    coprocess.ask("www.example.com", "A", ldns(1))
    # Read as it lies, without the log.
    bare = ["sqlite3", f"file:{database.path}?immutable=1"]

    def copied():
        return ldns(1) in run([*bare, "SELECT ldns FROM persistence"]).stdout.split()

    with Shell(database.path) as reader:  # the last one to close copies too: it isn't that
        reader.run("SELECT 1 FROM pool;")
        wait_until(copied, SECONDS_MAX, "the row in the file itself")


def test_a_large_log_is_started_over_while_nobody_asks(served):
    coprocess, database = served
    log = Path(f"{database.path}-wal")
    with Shell(database.path) as shell, Shell(database.path) as reader:
        shell.run("PRAGMA wal_autocheckpoint = 0;")
        shell.change("UPDATE setting SET value = 1 WHERE name = 'checkpoint_interval';")
        coprocess.ask("www.example.com", "A", ldns(1))
        shell.change("CREATE TABLE ballast (content BLOB);")
        # While somebody reads it, no log is started over, and this one grows.
        reader.run("BEGIN; SELECT count(*) FROM ballast;")
        for _ in range(20):
            shell.change("INSERT INTO ballast VALUES (randomblob(1000000));")
        assert log.stat().st_size > 20_000_000
        reader.run("COMMIT;")
        wait_until(lambda: log.stat().st_size < 1_000_000, SECONDS_MAX, "a small log")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    assert database.rows("SELECT count(*), sum(length(content)) FROM ballast") == [(20, 20000000)]
    assert database.rows("PRAGMA integrity_check") == [("ok",)]


def test_one_process_at_a_time_does_maintenance(sample_database):
    expire(sample_database, 100)
    with open(f"{sample_database.path}-lock", "a+b") as lock:
        give_to_user(lock.name)
        # The first byte is that of maintenance (struct flock: type, whence, start, length, pid).
        set_lock = 37  # F_OFD_SETLK: the lock of this open file, as among processes
        fcntl.fcntl(lock, set_lock, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
        with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                for coprocess in (first, second):
                    assert coprocess.ask().ipv4 == expected("192.0.2.10")
                time.sleep(0.05)
            assert sample_database.rows("SELECT count(*) FROM persistence") == [(102,)]
            fcntl.fcntl(lock, set_lock, struct.pack("hhqqi4x", fcntl.F_UNLCK, 0, 0, 1, 0))
            wait_until(
                lambda: sample_database.rows("SELECT count(*) FROM persistence") == [(2,)],
                SECONDS_MAX,
                "the sweep",
            )


# ---------------------------------------------------------------- who writes


def traced(trace):
    """Words in front of a command whose writing calls are seen with the names of the files."""
    calls = "write,pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync"
    return [*strace(trace, calls), "-y"]


def writes_to(database, trace):
    """Those calls to the database or its log."""
    calls = traced_calls(trace)
    assert calls, "it writes its answers, at least"
    names = [f"<{database.path.resolve()}{suffix}>" for suffix in ("", "-wal")]
    return [call for call in calls if any(name in call for name in names)]


def test_only_the_writer_writes_the_database(sample_database, workspace):
    """The other one is asked for new resolvers, extends mappings, and forgets one."""
    database, promises = sample_database, Promises(sample_database)
    traces = workspace / "writer", workspace / "other"
    maintain_often(database)
    database.sql("UPDATE pool SET persistence_timer = 'sliding';")
    with Coprocess(database.path, before=traced(traces[0])) as writer:
        promises.ask(promises.new(10), writer)
        promises.wait_until_kept()
        with Coprocess(database.path, before=traced(traces[1])) as other:
            [gone, *_] = remotes = promises.new(100)
            promises.ask(remotes, other)
            promises.wait_until_kept()
            database.sql("UPDATE persistence SET timestamp = timestamp - 1800;")
            old = "SELECT 1 FROM persistence WHERE timestamp < unixepoch() - 1000"

            def are_extended():
                promises.ask_again(other)  # what meets a commit is answered and not extended
                return database.rows(old) == []

            wait_until(are_extended, SECONDS_MAX, lambda: f"extended mappings; {promises.logs}")
            copied = traces[0].read_text().count(f"{database.path.name}>")
            assert other.command(f"forget {gone}") == ["1 mapping forgotten"]
            assert gone not in database.rows_of("web")
            wait_until(
                lambda: traces[0].read_text().count(f"{database.path.name}>") > copied,
                SECONDS_MAX,
                "another checkpoint",
            )
            assert other.close() == 0
        assert writer.close() == 0
    assert writes_to(database, traces[0]) != []
    assert writes_to(database, traces[1]) == []

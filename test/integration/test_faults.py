"""A world around the backend that breaks while questions are asked, and is mended.

During each fault every question gets its answer, the choice by modulus where the table cannot be
read or written; after it, new mappings are kept again with no restart.  test/FAULTS is the table of
all faults, those of the other files among them.
"""

import contextlib
import errno
import os
import random
import sys
import threading
import time
import pytest

import faults
from coprocess import Coprocess, question
from database import SAMPLE, Database, Shell
from faults import (
    HEAL_SECONDS,
    Crowd,
    Shim,
    assert_in_time,
    assert_said_once_a_minute,
    beside,
    maintain_often,
    said,
    set_limit,
)
from processes import LONG, SECONDS_MAX, as_user, control_path, is_running, run, wait_until
from resolvers import ldns
from sample import IPV4, expected

DAY = 86400


# ---------------------------------------------------------------- disk


@pytest.mark.parametrize("when", ["while serving", "before the start"])
def test_a_disk_that_is_full_is_served_from_and_written_once_there_is_room(workspace, when):
    with faults.small_disk(workspace, 16 << 10) as folder, contextlib.ExitStack() as stack:
        database = Database.create(folder, SAMPLE)
        ballast = folder / "ballast"
        if when == "before the start":
            faults.fill_up(ballast)
        coprocesses = [stack.enter_context(Coprocess(database.path)) for _ in range(2)]
        crowd = Crowd(database, *coprocesses)
        answers = []
        if when == "while serving":
            crowd.ask(300)
            faults.fill_up(ballast)
        kept = len(crowd.told)
        begin = time.monotonic()
        answers += crowd.ask(300) + crowd.ask_again()
        seconds = time.monotonic() - begin
        assert_in_time(answers, f"disk full {when}")
        logs = said(answers)
        assert 1 <= len(set(logs)) <= 3, logs
        assert_said_once_a_minute(logs, len(coprocesses), seconds)
        if when == "while serving":
            assert any("full" in log for log in logs), logs
        ballast.unlink()
        crowd.heals()
        assert not set(crowd.forgotten()) & set(list(crowd.told)[:kept])
        crowd.keeps_all()


def test_our_own_log_does_not_fill_a_disk_for_good(workspace):
    with faults.small_disk(workspace, 24 << 10) as folder, contextlib.ExitStack() as stack:
        database = Database.create(folder, SAMPLE)
        database.sql("UPDATE setting SET value = 1000000 WHERE name = 'max_writes_per_second';")
        crowd = Crowd(database, stack.enter_context(Coprocess(database.path)))
        answers = []
        wait_until(
            lambda: answers.extend(crowd.ask(200)) or said(answers), HEAL_SECONDS, "a full disk"
        )
        assert all("full" in log for log in said(answers)), said(answers)
        assert_in_time(answers, "the log fills the disk")
        crowd.heals()
        crowd.keeps_all()


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EDQUOT, errno.ENOSPC])
def test_a_disk_that_refuses_to_be_written_changes_no_answer(sample_database, workspace, number):
    maintain_often(sample_database)
    shim = Shim(workspace)
    with contextlib.ExitStack() as stack:
        coprocesses = [
            stack.enter_context(Coprocess(sample_database.path, env=shim.environment))
            for _ in range(2)
        ]
        crowd = Crowd(sample_database, *coprocesses)
        crowd.ask(300)
        shim.set(write_errno=number)
        answers = []
        begin = time.monotonic()
        for _ in range(60):  # maintenance fails too
            answers += crowd.ask(10)
            time.sleep(0.025)
        answers += crowd.ask_again()
        seconds = time.monotonic() - begin
        shim.set(write_errno=0)
        assert_in_time(answers, errno.errorcode[number])
        logs = said(answers)
        assert logs
        assert_said_once_a_minute(logs, len(coprocesses), seconds)
        crowd.heals()
        crowd.keeps_all()


@pytest.mark.parametrize("kib", [0, 64])
def test_a_limit_on_the_size_of_files_changes_no_answer(sample_database, kib):
    # Without Python's own setting, which would be inherited, its signal ends the process.
    with Coprocess(sample_database.path, restore_signals=True) as coprocess:
        crowd = Crowd(sample_database, coprocess)
        crowd.ask(10)
        set_limit(coprocess, fsize=kib << 10)
        answers = crowd.ask(300) + crowd.ask_again()
        wait_until(lambda: said(answers) or answers.extend(crowd.ask()), HEAL_SECONDS, "a log line")
        assert_in_time(answers, f"files of {kib} KiB at most")
        set_limit(coprocess, fsize="unlimited")
        crowd.heals()
        crowd.keeps_all()


# ---------------------------------------------------------------- descriptors


@pytest.mark.parametrize("limit", [0, 3])
def test_without_descriptors_it_goes_on_and_opens_a_new_file_once_it_can(sample_database, limit):
    with Coprocess(sample_database.path) as coprocess:
        crowd = Crowd(sample_database, coprocess)
        crowd.ask(10)
        set_limit(coprocess, nofile=limit)
        answers = crowd.ask(100)  # what is open stays open
        copy = sample_database.path.with_name("copy")
        sample_database.sql(f"VACUUM INTO '{copy}';")
        os.replace(copy, sample_database.path)
        for suffix in ("-wal", "-shm"):
            beside(sample_database, suffix).unlink(missing_ok=True)
        answers += crowd.ask(100)
        assert_in_time(answers, f"{limit} descriptors")
        assert len(said(answers)) >= 1
        set_limit(coprocess, nofile=1000)
        wait_until(
            lambda: crowd.ask() and sample_database.rows("PRAGMA journal_mode") == [("wal",)],
            HEAL_SECONDS,
            "VACUUM makes a file without a log, and it gets one",
        )
        crowd.heals()


@pytest.mark.parametrize("limit", range(4, 8))
def test_started_with_few_descriptors_it_serves_and_does_maintenance_once_it_can(sample_database, limit):
    maintain_often(sample_database)
    command = ["prlimit", f"--nofile={limit}:1000"]
    with Coprocess(sample_database.path, before=command) as coprocess:
        crowd = Crowd(sample_database, coprocess)
        answer = coprocess.ask("www.example.com", "A", ldns(1))
        assert answer.ipv4 in (None, expected(ldns(1))) and not answer.failed
        # At the first question it waits for a second itself.
        assert answer.seconds < 2 * faults.PATIENCE_SECONDS
        set_limit(coprocess, nofile=1000)
        sample_database.sql(
            "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            " VALUES (1, 'expired', 1, 'modulus', 100, 60);")
        wait_until(
            lambda: coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1)),
            HEAL_SECONDS,
            "the configuration",
        )
        crowd.heals()
        wait_until(lambda: "expired" not in keys(sample_database), HEAL_SECONDS, "the sweep")


def keys(database):
    return {key for (key,) in database.rows("SELECT ldns FROM persistence")}


# ---------------------------------------------------------------- clock


def test_a_clock_that_jumps_a_day_moves_nobody_who_is_bound(sample_database, workspace):
    maintain_often(sample_database)
    shim = Shim(workspace)
    remotes = [ldns(i) for i in range(100)]
    with Coprocess(sample_database.path, env=shim.environment) as coprocess:

        def ask():
            answers = [coprocess.ask("www.example.com", "A", remote) for remote in remotes]
            assert_in_time(answers, "the clock jumped")
            assert {record.ttl for answer in answers for record in answer.records} == {30}
            assert coprocess.command("status")
            return [answer.ipv4 for answer in answers]

        by_choice = [expected(remote) for remote in remotes]
        assert ask() == by_choice
        # From now on everybody is bound to a site that is not the choice.
        sample_database.wait_for_writer()
        sample_database.sql("UPDATE persistence SET controller_id = controller_id % 3 + 1;")
        bound = ask()
        assert not set(zip(remotes, bound)) & set(zip(remotes, by_choice))
        shim.set(clock_offset_s=-DAY)
        assert ask() == bound
        assert sample_database.rows("SELECT count(*) FROM persistence") == [(100,)]
        shim.set(clock_offset_s=0)
        assert ask() == bound
        shim.set(clock_offset_s=DAY)  # their time is over, and they choose anew
        assert ask() == by_choice
        assert ask() == by_choice
        wait_until(lambda: len(keys(sample_database)) == 100, HEAL_SECONDS, "one row each")
        shim.set(clock_offset_s=0)  # rows of a time to come bind
        assert ask() == by_choice
        assert ask() == by_choice
        sample_database.wait_for_writer()
        sample_database.sql("UPDATE persistence SET controller_id = controller_id % 3 + 1;")
        assert ask() == bound


# ---------------------------------------------------------------- the log


def test_kills_while_writing_and_checkpointing_lose_no_answered_mapping(
    sample_database, workspace
):
    rng = random.Random(11)
    rounds, together = 334 if LONG else 84, 400  # three kills in each
    maintain_often(sample_database)
    shim = Shim(workspace)
    shim.set(sync_delay_us=3000)  # a checkpoint is long enough to be hit
    lock = beside(sample_database, "-lock")
    told, in_checkpoint, kills = {}, 0, 0
    with Coprocess(sample_database.path) as witness, contextlib.ExitStack() as stack:
        witness.ask()
        for round_ in range(rounds):
            doomed = [
                stack.enter_context(Coprocess(sample_database.path, env=shim.environment))
                for _ in range(3)
            ]
            os.truncate(lock, 0)  # no checkpoint is known of: one is due
            batches = [
                [ldns((3 * round_ + which) * together + i) for i in range(together)]
                for which in range(3)
            ]
            for coprocess, remotes in zip(doomed, batches):
                coprocess.send(
                    b"".join(question("www.example.com", "A", remote) for remote in remotes)
                )
            assert not doomed[0].silent(SECONDS_MAX)
            time.sleep(rng.uniform(0, 0.04))
            for coprocess in doomed:
                kills += is_running(coprocess.pid)
                coprocess.kill()
            in_checkpoint += is_being_copied(lock)
            for coprocess, remotes in zip(doomed, batches):
                for remote in remotes:
                    try:
                        answer = coprocess.answer(alone=False)
                    except AssertionError:  # the kill cut this one
                        break
                    assert answer.logs == []
                    told[remote] = answer.ipv4
            assert witness.ask().ipv4 == expected("192.0.2.10")
            stack.pop_all().close()
            if round_ % 20 == 0:
                assert sample_database.rows("PRAGMA integrity_check") == [("ok",)]
        crowd = Crowd(sample_database)
        crowd.told = told
        crowd.kept()
    print(f"{kills} kills, {in_checkpoint} rounds in maintenance, {len(told)} answered")
    assert in_checkpoint > 0
    assert sample_database.rows("PRAGMA integrity_check") == [("ok",)]


def is_being_copied(lock):
    """After a kill: maintenance had begun and did not come to its last step, which is to say in the
    first bytes of the file when it began."""
    return not any(lock.read_bytes()[:16])


def has_left_its_page(lock):
    """The last round has copied the whole log, and written a page of its own into it: the 22nd
    number of struct progress (store/maintenance/maintenance.h)."""
    content = lock.read_bytes()
    return len(content) >= 176 and int.from_bytes(content[168:176], sys.byteorder) == 1


@contextlib.contextmanager
def quiet_after_a_round(database, coprocess):
    """No round runs in the block, and the one before has left its page.

    One that meets a writer may not be able to; then no further one may copy beside a writer, and so
    none finds a reader that is in the way.
    """
    lock = beside(database, "-lock")
    while True:
        wait_until(lambda: coprocess.ask() and has_left_its_page(lock), HEAL_SECONDS, "a round")
        with database.without_maintenance():
            if has_left_its_page(lock):
                yield
                return


def test_a_reader_that_stays_makes_the_log_grow_until_it_goes(pair):
    maintain_often(pair.database)
    log = beside(pair.database, "-wal")
    with Shell(pair.database.path) as reader:
        before = reader.run("BEGIN; SELECT count(*) FROM persistence;")
        answers = []
        while (grown := log.stat().st_size) <= 8 << 20:
            answers += pair.ask(2000)
        assert_in_time(answers, "a reader stays")
        time.sleep(1.5)  # a checkpoint is due, and cannot start the log over
        assert log.stat().st_size >= grown
        assert reader.run("SELECT count(*) FROM persistence;") == before
        reader.run("COMMIT;")
        wait_until(lambda: log.stat().st_size < 1 << 20, HEAL_SECONDS, "a small log")
    pair.kept()
    assert pair.database.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_log_that_somebody_pins_is_named(sample_database):
    maintain_often(sample_database)
    sample_database.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
        " INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " SELECT 1, '172.' || (16 + i / 65536) || '.' || (i / 256 % 256) || '.' || (i % 256), 1,"
        " 'modulus', unixepoch(), 3600 FROM n;"
    )
    with Coprocess(sample_database.path) as coprocess, Shell(sample_database.path) as reader:
        crowd = Crowd(sample_database, coprocess)
        answers = crowd.ask(10)
        sample_database.wait_for_writer()  # claims of before a change of ours are dropped
        reader.run("BEGIN; SELECT count(*) FROM persistence;")
        log = beside(sample_database, "-wal")
        while log.stat().st_size <= 70 << 20:
            sample_database.sql("UPDATE persistence SET ttl = ttl + 1 WHERE ldns LIKE '172.%';")
        time.sleep(0.6)  # maintenance is for the time between questions
        words = "keeps a transaction open"
        wait_until(lambda: answers.extend(crowd.ask()) or any(words in line for line in said(answers)),
                   HEAL_SECONDS, lambda: f"it is named: {said(answers)}")
        # Our own statements have the lock to write for long.
        known = (words, "database is locked")
        assert all(any(word in line for word in known) for line in said(answers)), said(answers)
        assert any(words in line for line in coprocess.command("status"))
        reader.run("COMMIT;")
        wait_until(lambda: log.stat().st_size < 1 << 20, HEAL_SECONDS, "a small log")
        assert not any(words in line for line in coprocess.command("status"))
        crowd.heals()


@pytest.mark.parametrize("is_read", (False, True))
def test_a_large_log_is_blamed_on_who_reads_and_not_on_who_writes(sample_database, is_read):
    """It is copied to the database beside one who writes for long, but cannot be started over."""
    maintain_often(sample_database)
    with contextlib.ExitStack() as stack:
        coprocess = stack.enter_context(Coprocess(sample_database.path))
        reader, writer = (stack.enter_context(Shell(sample_database.path)) for _ in range(2))
        crowd = Crowd(sample_database, coprocess)
        crowd.ask(10)
        writer.run("PRAGMA wal_autocheckpoint = 0;")
        with quiet_after_a_round(sample_database, coprocess):
            if is_read:
                reader.run("BEGIN; SELECT count(*) FROM persistence;")
            writer.change("CREATE TABLE bulk (x); INSERT INTO bulk VALUES (zeroblob(80000000));")
            writer.change("BEGIN IMMEDIATE; DELETE FROM bulk;")
        until = time.monotonic() + 2.5  # two checkpoints are due
        answers = []
        while time.monotonic() < until:  # no more than there is room for while they wait
            answers += crowd.ask()
            time.sleep(0.002)
        assert_in_time(answers, "a writer stays")
        words = "keeps a transaction open"

        def is_blamed():
            told = any(words in line for line in said(answers))
            return told and any(words in line for line in coprocess.command("status"))

        if is_read:
            wait_until(lambda: answers.extend(crowd.ask()) or is_blamed(), HEAL_SECONDS, words)
        assert is_blamed() == is_read, said(answers)
        assert not any("its log" in line for line in said(answers)), said(answers)
        writer.change("ROLLBACK; DROP TABLE bulk;")
        if is_read:
            reader.change("COMMIT;")
        log = beside(sample_database, "-wal")
        wait_until(lambda: log.stat().st_size < 1 << 20, HEAL_SECONDS, "a small log")
        crowd.heals()


# ---------------------------------------------------------------- the flood


def used_bytes(database):
    [(count,)] = database.rows("PRAGMA page_count")
    [(free,)] = database.rows("PRAGMA freelist_count")
    [(size,)] = database.rows("PRAGMA page_size")
    return (count - free) * size


def test_a_flood_of_forged_resolvers_fills_the_file_to_its_bound_and_moves_nobody(sample_database):
    bound, burst = 1 << 20, 2 << 20  # what may come between two looks at the size
    honest = {f"10.9.{i // 250}.{i % 250 + 1}": 3 for i in range(200)}
    sample_database.sql(
        "UPDATE setting SET value = 1 WHERE name = 'max_megabytes' OR name LIKE '%_interval';"
        "UPDATE pool SET persistence_ttl = 600 WHERE name = 'web';"
        + "".join(
            "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            f" VALUES (1, '{remote}', {site}, 'modulus', unixepoch(), 3600);"
            for remote, site in honest.items()
        )
    )
    with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
        crowd = Crowd(sample_database, first, second)
        answers, quiet = [], []

        def ask_honest():
            for remote in list(honest)[:: random.Random(crowd.next).randrange(5, 20)]:
                quiet.append(first.ask("www.example.com", "A", remote))
                assert quiet[-1].ipv4 == IPV4[2], (remote, quiet[-1].lines)

        def told(words):
            answers.extend(crowd.ask(200))
            ask_honest()
            return any(words in log for log in said(answers))

        wait_until(lambda: told("max_megabytes"), 2 * SECONDS_MAX, "the log line about the size")
        assert any("max_megabytes" in line for line in second.command("status"))
        rows = len(sample_database.mappings("web"))
        since = len(crowd.told)
        answers += crowd.ask(1000)
        ask_honest()
        assert used_bytes(sample_database) < bound + burst
        assert_in_time(answers, f"the flood, {rows} rows kept")
        assert_in_time(quiet, "honest ones meanwhile")
        assert len(crowd.forgotten(since)) > 500  # answered without a row
        # The forged ones expire, are swept, and there is room again.
        sample_database.sql("UPDATE persistence SET timestamp = timestamp - 600 WHERE ttl = 600;")
        wait_until(lambda: used_bytes(sample_database) < bound, 2 * SECONDS_MAX, "room")
        size = sample_database.path.stat().st_size
        crowd.heals()
        ask_honest()
        status = second.command("status")
        assert not any("max_megabytes" in line for line in status), status
        assert sample_database.path.stat().st_size <= max(size, bound + burst)


# ---------------------------------------------------------------- versions


@pytest.mark.parametrize("version", [0, 2])
def test_a_version_that_changes_while_serving_changes_nothing_until_the_next_start(pair, version):
    """A round of maintenance opens the database anew, and may say so."""
    pair.kept()  # so the writer has opened it
    pair.database.sql(f"PRAGMA user_version = {version};")
    answers = pair.ask(100)
    assert all(f"is of version {version}" in log for log in said(answers)), said(answers)
    pair.kept()
    with Coprocess(pair.database.path) as newcomer:
        answer = newcomer.ask("www.example.com", "A", ldns(5000))
        assert answer.ipv4 == (expected(ldns(5000)) if version else None)
        assert not answer.failed and len(answer.logs) == 1 and "version" in answer.logs[0]
        pair.database.sql("PRAGMA user_version = 1;")
        pair.coprocesses.append(newcomer)
        wait_until(
            lambda: newcomer.ask("www.example.com", "A", ldns(5000)).ipv4 == expected(ldns(5000)),
            HEAL_SECONDS,
            "the configuration",
        )
        pair.heals()


def test_eight_coprocesses_answer_while_a_migration_runs(sample_database, workspace):
    folder = workspace / "migrations"
    folder.mkdir()
    (folder / "2.sql").write_text(
        "ALTER TABLE persistence ADD COLUMN remark TEXT;\n"
        "ALTER TABLE pool ADD COLUMN motto TEXT NOT NULL DEFAULT 'semper';\n"
        "CREATE TABLE motto (id INTEGER PRIMARY KEY) STRICT;\n"
        "INSERT INTO motto WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 300000) SELECT i FROM n;\n"
    )
    folder.chmod(0o755)
    argv = [control_path(), "--database", sample_database.path, "migrate", folder]
    with contextlib.ExitStack() as stack:
        coprocesses = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(8)]
        crowd = Crowd(sample_database, *coprocesses)
        crowd.ask(80)
        migrated = []
        migration = threading.Thread(
            target=lambda: migrated.append(run(as_user(argv)))
        )
        migration.start()
        answers = crowd.ask_for(migration.is_alive)
        migration.join()
        assert migrated[0].returncode == 0, migrated[0].stderr
        answers += crowd.ask(80)
        assert_in_time(answers, "a migration")
        assert all("locked" in log for log in said(answers)), said(answers)
        assert sample_database.rows("PRAGMA user_version") == [(2,)]
        crowd.heals()
        crowd.keeps_all()

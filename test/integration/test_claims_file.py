"""The file of claims is damaged, foreign, of another build or cannot be made, before the start or
while it is used.

Nobody crashes, no claim comes of what a stranger wrote, answers go on, and the operator is told.
What fits nobody is made anew; what may be somebody else's is left alone until it is taken away.
"""

import contextlib
import os

import pytest

import faults
from claims import Promises
from claims_file import ClaimsFile
from coprocess import Coprocess
from database import SAMPLE, Database, Shell
from faults import (
    HEAL_SECONDS,
    answers_without_rows,
    assert_in_time,
    beside,
    delete,
    empty,
    halve,
    heals,
    overwrite,
    replace_by_copy,
    replace_by_directory,
    said,
)
from monitor import Daemon
from processes import (
    SECONDS_MAX,
    USER,
    as_user,
    control_path,
    give_to_user,
    run,
    wait_until,
)
from resolvers import ldns


# ---------------------------------------------------------------- what is done to the file


def lengthen(path):
    os.truncate(path, path.stat().st_size + 4096)


def overwrite_buckets(path):
    overwrite(path, ClaimsFile(path).locks_at()[0])


def clear(path):
    with open(path, "r+b") as file:
        file.write(bytes(path.stat().st_size))


def clear_buckets(path):
    begin = ClaimsFile(path).locks_at()[0]
    with open(path, "r+b") as file:
        file.seek(begin)
        file.write(bytes(path.stat().st_size - begin))


def of_another_boot(path):
    ClaimsFile(path).change_head(start=bytes(range(16)))


def of_another_device(path):
    ClaimsFile(path).change_head(device=1)


def of_another_database(path):
    ClaimsFile(path).change_head(database=1)


def of_another_byte_order(path):
    file = ClaimsFile(path)
    file.change_head(magic=int.from_bytes(file.head()["magic"].to_bytes(8, "little"), "big"))


def of_a_build_with(field, more):
    """One to which a number of the head is greater by so much."""

    def way(path):
        file = ClaimsFile(path)
        file.change_head(**{field: file.head()[field] + more})

    way.__name__ = f"another_{field}"
    return way


def of_half_the_buckets(path):
    """As a build makes it that has 512 of them; its length fits its head."""
    gone = 512
    of_a_build_with("bucket_count", -gone)(path)
    bucket = ClaimsFile(path).head()["bucket_bytes"]
    marks = gone // 8 + gone * 8  # a bit and a number for each, which stand before the buckets
    os.truncate(path, path.stat().st_size - gone * bucket - marks)


def of_another_machine(path):
    of_another_boot(path)
    replace_by_copy(path)


def of_another_boot_and_database(path):
    of_another_boot(path)
    of_another_database(path)


def of_another_boot_and_build(path):
    of_another_boot(path)
    of_a_build_with("mutex_bytes", 8)(path)


def of_another_boot_and_device(path):
    of_another_boot(path)
    of_another_device(path)


BUILDS = [
    of_a_build_with("format", 1),
    of_a_build_with("bucket_bytes", 64),
    of_a_build_with("bucket_count", -512),
    of_a_build_with("slot_count", -8),
    of_a_build_with("slot_bytes", 64),
    of_a_build_with("mutex_bytes", 8),
]
COPIES = [replace_by_copy, of_another_machine, of_another_device]
DATABASES = [of_another_database, of_another_boot_and_database]
BOOTS = [of_another_boot, of_another_boot_and_device, of_another_boot_and_build]
BUCKETS = [overwrite_buckets, clear_buckets]
DAMAGES = [empty, halve, lengthen, overwrite, clear]


# ---------------------------------------------------------------- before the start


@pytest.fixture
def left(sample_database):
    """A file with claims that are not written, which nobody has open; what was promised."""
    promises = Promises(sample_database)
    with Shell(sample_database.path) as shell:
        with Coprocess(sample_database.path) as coprocess:
            promises.ask(promises.new(20), coprocess)
            promises.wait_until_kept()
            shell.change("BEGIN IMMEDIATE;")
            promises.ask(promises.new(20), coprocess)
    assert sample_database.claims.waiting() == 20
    return sample_database, promises


MISFITS = {
    "was damaged": [*DAMAGES, of_another_byte_order],
    "was a copy": COPIES,
    "was of another database": DATABASES,
    "was of another version": [*BUILDS, of_half_the_buckets],
    None: [delete, *BOOTS],  # nobody has to know
    "overwr": BUCKETS,  # only a question finds it
}


def assert_told_once(logs, what):
    """One process has made the file anew, and that one says why."""
    assert len(logs) == 1 and what in logs[0] and "-claims " in logs[0], logs


@pytest.mark.parametrize("way, what", [(way, what) for what in MISFITS for way in MISFITS[what]])
def test_a_file_that_does_not_fit_is_made_anew(left, way, what):
    """None of its claims becomes a row; resolvers get their rows when they ask again."""
    database, promises = left
    rows = database.rows_of("web")
    way(beside(database, "-claims"))
    with Coprocess(database.path) as first, Coprocess(database.path) as second:
        fresh = Promises(database)
        fresh.new(100)
        answers = fresh.ask(fresh.new(50), first, second)
        fresh.ask_again(first, second)
        fresh.wait_until_kept()
        assert_in_time(answers, way.__name__)
        assert set(database.mappings("web")) == set(rows) | set(fresh.told)
        fresh.ask(list(promises.told), first, second)
        fresh.wait_until_kept()
        assert first.close() == second.close() == 0
    if what is None:
        assert fresh.broken() == []
    elif way in BUCKETS:
        assert any(what in log for log in fresh.broken()), fresh.logs
    else:
        assert_told_once(fresh.broken(), what)


def test_a_command_that_makes_the_file_anew_says_so_and_only_that_one(left):
    database, _ = left
    overwrite(beside(database, "-claims"))
    argv = as_user([control_path(), "--database", database.path, "explain", "www.example.com", ldns(0)])
    first, second = run(argv), run(argv)
    assert first.returncode == second.returncode == 0
    assert_told_once(first.stderr.splitlines(), "was damaged")
    assert second.stderr == ""


def test_the_daemon_that_makes_the_file_anew_says_so(left):
    database, _ = left
    of_another_database(beside(database, "-claims"))
    ready = "-claims was of another database"
    with Daemon(database, ready=ready), Coprocess(database.path) as coprocess:
        fresh = Promises(database)
        fresh.new(100)
        fresh.ask(fresh.new(10), coprocess)
        fresh.wait_until_kept()
        assert fresh.broken() == []


def make_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def make_fifo(path):
    path.unlink()
    os.mkfifo(path)
    give_to_user(path)


def give_to_root(path):
    if not USER:
        pytest.skip("needs root: a file of another owner")
    os.chown(path, 0, 0)
    path.chmod(0o600)


def remove(path):
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


IN_THE_WAY = [replace_by_directory, make_link, make_fifo, give_to_root]


@pytest.mark.parametrize("way", IN_THE_WAY)
def test_what_is_not_ours_is_named_and_left_alone_until_it_is_gone(left, way):
    database, _ = left
    path = beside(database, "-claims")
    way(path)
    status = path.lstat()
    with Coprocess(database.path) as coprocess:
        answers_without_rows(coprocess, "-claims .*no mappings are kept", first=100)
        assert path.lstat()[:6] == status[:6]
        remove(path)
        heals(coprocess, database, 200)
        assert coprocess.close() == 0


def test_without_the_right_to_make_it_nothing_is_kept_until_there_is(left):
    if not USER:
        pytest.skip("needs root: a directory of another owner")
    database, _ = left
    delete(beside(database, "-claims"))
    with Coprocess(database.path) as keeps_log_open:
        keeps_log_open.ask(remote=None)
        delete(beside(database, "-claims"))
        os.chown(database.path.parent, 0, 0)
        with Coprocess(database.path) as coprocess:
            answers_without_rows(coprocess, "-claims cannot be made as uid", first=100)
            give_to_user(database.path.parent)
            heals(coprocess, database, 200)


def test_while_another_process_makes_it_nothing_is_kept_and_then_all_is(sample_database, workspace):
    """The disk takes three seconds for the room, and no answer waits for so long."""
    trace = workspace / "trace"
    slow = faults.strace(trace, "fallocate") + ["-e", "inject=fallocate:delay_enter=3000000"]
    with Daemon(sample_database, before=slow), Coprocess(sample_database.path) as coprocess:
        wait_until(lambda: beside(sample_database, "-claims-new").exists(), SECONDS_MAX, "it begins")
        answers_without_rows(coprocess, "-claims is being made by another process", first=100)
        heals(coprocess, sample_database, 200)


def test_without_room_for_it_nothing_is_kept_until_there_is(workspace):
    with faults.small_disk(workspace, 16 << 10) as folder, contextlib.ExitStack() as stack:
        database = Database.create(folder, SAMPLE)
        with Coprocess(database.path) as coprocess:
            heals(coprocess, database, 1)
            wait_until(database.claims.is_at_rest, SECONDS_MAX, "rows")
        delete(beside(database, "-claims"))
        ballast = folder / "ballast"
        faults.fill_up(ballast)
        coprocess = stack.enter_context(Coprocess(database.path))
        answers_without_rows(coprocess, "-claims cannot be made.*No space", first=100)
        assert not beside(database, "-claims-new").exists()
        ballast.unlink()
        heals(coprocess, database, 200)


# ---------------------------------------------------------------- while it is used


TOLD = "deleted, replaced, truncated or overwrote"


@pytest.mark.parametrize(
    "way", [delete, replace_by_copy, replace_by_directory, *DAMAGES, *BUCKETS]
)
def test_a_file_that_is_changed_while_it_is_used_moves_nobody_who_has_a_row(pair, way):
    """Claims that were not written are lost with it; and it is told."""
    pair.kept()
    path = beside(pair.database, "-claims")
    with contextlib.suppress(FileNotFoundError):
        way(path)
    answers = pair.ask_again()
    answers += pair.ask(300)
    if way is replace_by_directory:
        wait_until(
            lambda: answers.extend(pair.ask(10)) or said(answers), HEAL_SECONDS, "a log line"
        )
        remove(path)
    pair.heals()
    wait_until(
        lambda: answers.extend(pair.ask(10)) or any(TOLD in log for log in said(answers)),
        HEAL_SECONDS,
        "a log line",
    )
    assert_in_time(answers, way.__name__)
    pair.keeps_all()
    wait_until(pair.database.claims.is_at_rest, SECONDS_MAX, "a file at rest")
    for coprocess in pair.coprocesses:
        assert coprocess.close() == 0


def test_a_file_that_root_takes_is_used_by_those_who_have_it_and_refused_to_others(pair):
    if not USER:
        pytest.skip("needs root: a file of another owner")
    pair.kept()
    give_to_root(beside(pair.database, "-claims"))
    with Coprocess(pair.database.path) as third:
        answers_without_rows(third, "-claims cannot be opened as uid", first=5000)
        answers = pair.ask(100)
        pair.kept()
        give_to_user(beside(pair.database, "-claims"))
        assert_in_time(answers, "root took the file")
        pair.coprocesses.append(third)
        pair.heals()


def waits_for_the_end_of_others(pair, coprocess, words):
    """It keeps nothing, and says why, until the pair has ended."""
    answers_without_rows(coprocess, words, first=5000)
    pair.ask(50)
    pair.ask_again()
    pair.kept()
    for each in pair.coprocesses:
        assert each.close() == 0
    heals(coprocess, pair.database, 6000)
    pair.coprocesses = [coprocess]
    pair.ask_again()


@pytest.mark.parametrize("way", BUILDS)
def test_another_build_that_is_running_is_told_apart_and_waited_for(pair, way):
    """Here it is the one that has its file patched.  Who came later says so, and follows the rows."""
    pair.kept()
    way(beside(pair.database, "-claims"))
    with Coprocess(pair.database.path) as other:
        for remote, address in list(pair.told.items())[:50]:
            assert other.ask("www.example.com", "A", remote).ipv4 == address
        waits_for_the_end_of_others(pair, other, "-claims is used by another version")


def test_with_another_boot_id_the_file_is_left_to_those_who_use_it(pair, workspace):
    """As in a container, which has one of its own."""
    if not USER:
        pytest.skip("needs root: a mount")
    boot_id = workspace / "boot_id"
    boot_id.write_text("01234567-89ab-4cde-8f01-23456789abcd\n")
    boot_id.chmod(0o644)
    # A container has a deleted file mounted there, on which nothing can be mounted.
    mount = 'umount $1 2>&-; mount --bind "$0" $1 && shift && exec "$@"'
    there = "/proc/sys/kernel/random/boot_id"
    elsewhere = ["unshare", "--mount", "sh", "-c", mount, boot_id, there, *as_user([])]
    pair.kept()
    with Coprocess(pair.database.path, user=None, before=elsewhere) as other:
        said_so = "-claims is used where the machine has another boot_id"
        waits_for_the_end_of_others(pair, other, said_so)


def test_a_file_with_forged_claims_gives_none(pair):
    """Words that say "used" over what is no claim."""
    pair.kept()
    file = pair.database.claims
    head = file.head()
    with open(file.path, "r+b") as raw:
        for bucket in file.buckets_at():
            for slot in range(head["slot_count"]):
                raw.seek(bucket + head["bucket_bytes"] - 8 - slot * head["slot_bytes"])
                raw.write(b"\x01\0\0\0")
    assert file.waiting() > file.capacity() // 2  # the writer may have begun to look at them
    rows = pair.database.rows_of("web")
    pair.ask(200)
    pair.kept()
    pair.ask_again()
    assert set(pair.database.rows_of("web")) == set(rows) | set(pair.told)

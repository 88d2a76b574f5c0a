"""A database that can be read and not written, for its owner, rights or mount, and then can."""

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from coprocess import Coprocess, assert_prompt
from faults import answers_without_rows, heals, slow_disk, until_a_round_waits
from processes import USER, control_path, give_to_user, run
from resolvers import ldns
from sample import expected


@pytest.fixture
def root_only():
    """What only root can arrange: other owners, other users, mounts."""
    if os.geteuid() != 0:
        pytest.skip("needs root: files of another owner")


def test_a_file_of_root_is_served_read_only_until_it_is_given_away(root_only, sample_database):
    os.chown(sample_database.path, 0, 0)
    with Coprocess(sample_database.path) as coprocess:
        answers_without_rows(coprocess, r"belongs to uid 0\b.*directory.* user PowerDNS runs as")
        give_to_user(sample_database.path)
        heals(coprocess, sample_database, 1)


def test_root_is_told_whose_the_file_should_be(root_only, sample_database):
    """Who asks with pdnsutil, and can write it."""
    told = f"belongs to root and its directory to uid {sample_database.path.parent.stat().st_uid}"
    argv = [control_path(), "--database", sample_database.path, "status"]
    assert told not in run(argv).stdout
    os.chown(sample_database.path, 0, 0)
    assert told in run(argv).stdout
    assert told not in sample_database.command("status")  # it can only be read, and says so


def test_a_running_coprocess_survives_that_root_takes_the_file(root_only, sample_database):
    with Coprocess(sample_database.path) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(100)).ipv4 == expected(ldns(100))
        os.chown(sample_database.path, 0, 0)
        time.sleep(0.05)  # between questions it looks at the file only so often
        answers_without_rows(coprocess, r"uid 0")
        give_to_user(sample_database.path)
        heals(coprocess, sample_database, 1)


def test_root_takes_the_file_while_maintenance_has_it_open(root_only, sample_database, workspace):
    """SQLite would hand on a descriptor that was opened when the file could still be written."""
    trace = workspace / "trace"
    with Coprocess(sample_database.path, before=slow_disk(trace)) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(100)).ipv4 == expected(ldns(100))
        until_a_round_waits(trace)
        os.chown(sample_database.path, 0, 0)
        time.sleep(0.05)
        answers_without_rows(coprocess, r"uid 0", besides="database is locked")  # by the round
        give_to_user(sample_database.path)
        heals(coprocess, sample_database, 1)


def test_a_directory_that_cannot_be_written_is_served_read_only(root_only, sample_database):
    folder = sample_database.path.parent
    for suffix in ("-wal", "-shm", "-lock"):
        Path(f"{sample_database.path}{suffix}").unlink(missing_ok=True)
    os.chown(folder, 0, 0)
    with Coprocess(sample_database.path) as coprocess:
        answers_without_rows(coprocess, r"beside it.*directory.* the user PowerDNS runs as")
        give_to_user(folder)
        heals(coprocess, sample_database, 1)


def test_a_directory_that_becomes_unwritable_while_running_changes_no_answer(
    root_only, sample_database
):
    with Coprocess(sample_database.path) as coprocess:
        coprocess.ask("www.example.com", "A", ldns(100))
        os.chown(sample_database.path.parent, 0, 0)
        for i in range(10):
            assert coprocess.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
        with Coprocess(sample_database.path) as second:
            for i in range(20):
                assert second.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
        give_to_user(sample_database.path.parent)
        heals(coprocess, sample_database, 50)


def test_a_file_without_the_right_to_write_is_served_read_only(sample_database):
    sample_database.path.chmod(0o444)
    with Coprocess(sample_database.path) as coprocess:
        answers_without_rows(coprocess, r"only (be )?read")
        for path in sample_database.path.parent.glob(f"{sample_database.path.name}*"):
            path.chmod(0o644)  # what SQLite made beside the file has the file's rights
        heals(coprocess, sample_database, 1)


@contextlib.contextmanager
def read_only_mount(folder):
    """Mounts the folder onto itself read-only; says whether that is possible here."""
    steps = (["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder])
    mounted = [subprocess.run(step, capture_output=True).returncode == 0 for step in steps]
    try:
        yield all(mounted)
    finally:
        if mounted[0]:
            subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("with_log", [False, True], ids=["at rest", "with a log"])
def test_a_read_only_file_system_is_served_until_it_can_be_written(
    root_only, sample_database, with_log
):
    with Coprocess(sample_database.path) as writer:
        if with_log:
            writer.ask("www.example.com", "A", ldns(100))
            writer.kill()
    with read_only_mount(str(sample_database.path.parent)) as possible:
        if not possible:  # a container without that right: the nearest thing
            os.chown(sample_database.path.parent, 0, 0)
            os.chown(sample_database.path, 0, 0)
        with Coprocess(sample_database.path) as coprocess:
            answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
            assert_prompt(answers)
            assert {a.lines[-1] for a in answers} == {b"END"}
            if not with_log:
                assert [a.ipv4 for a in answers] == [expected(ldns(i)) for i in range(10)]
            assert len([log for answer in answers for log in answer.logs]) == 1
            if possible:
                folder = str(sample_database.path.parent)
                subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)
            else:
                for path in (sample_database.path.parent, sample_database.path):
                    give_to_user(path)
            heals(coprocess, sample_database, 1)


def test_root_may_be_the_first_without_locking_the_others_out(root_only, sample_database):
    with Coprocess(sample_database.path, user=None) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
        status = run([control_path(), "--database", sample_database.path, "status"])
        assert status.returncode == 0
    with Coprocess(sample_database.path) as coprocess:
        heals(coprocess, sample_database, 2)
    for suffix in ("-wal", "-shm", "-lock"):
        path = Path(f"{sample_database.path}{suffix}")
        assert not path.exists() or path.owner() == USER

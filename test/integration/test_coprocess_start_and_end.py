"""How a coprocess starts, with its banner at once, and what ends it: its input or its parent."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coprocess import (
    PATIENCE_SECONDS,
    Coprocess,
    assert_banner_is_prompt,
    assert_prompt,
    assert_within,
    question,
)
from database import Shell
from faults import heals, strace
from processes import SECONDS_MAX, backend_path, is_running, wait_until
from resolvers import ldns
from sample import expected


# ---------------------------------------------------------------- the banner


def test_the_banner_comes_before_the_database_is_touched(sample_database, workspace):
    trace = workspace / "trace"
    with Coprocess(sample_database.path, before=strace(trace, "%file,write")) as coprocess:
        wait_until(lambda: "write(1, " in trace.read_text("latin-1"), SECONDS_MAX, "the banner")
        assert coprocess.silent(0.1)
        before_question = trace.read_text("latin-1")
        assert coprocess.ask().ipv4
        coprocess.close()
    program_starts = before_question.index("execve(")
    touched = before_question[before_question.index("\n", program_starts) :]
    assert "write(1, " in touched
    assert str(sample_database.path) not in touched.split("write(1, ")[0]
    assert str(sample_database.path) in trace.read_text("latin-1").split("write(1, ", 1)[1]


@contextlib.contextmanager
def locked(path, how):
    """Another process holds the database locked."""
    with Shell(path) as shell:
        shell.run("PRAGMA locking_mode = EXCLUSIVE;" if how == "alone" else "")
        shell.change("BEGIN IMMEDIATE; UPDATE pool SET ttl = ttl;")
        yield


@pytest.mark.parametrize("how", ["for writing", "alone"])
def test_a_locked_database_does_not_delay_the_banner(sample_database, how):
    with contextlib.ExitStack() as stack:
        with locked(sample_database.path, how):
            assert_banner_is_prompt(sample_database.path)
            coprocess = stack.enter_context(Coprocess(sample_database.path))
            answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
            assert_prompt(answers)
            if how == "for writing":  # the configuration can be read
                assert [a.ipv4 for a in answers] == [expected(ldns(i)) for i in range(10)]
        heals(coprocess, sample_database, 20)


def test_a_process_that_starts_while_the_database_is_locked_waits_for_it_and_says_no_untruth(
        sample_database):
    """It knows no name yet, and PowerDNS would cache that there is none."""
    with contextlib.ExitStack() as stack:
        with locked(sample_database.path, "alone"):
            coprocess = stack.enter_context(Coprocess(sample_database.path))
            coprocess.send(question("www.example.com"))
            assert coprocess.silent(0.3)
        assert coprocess.answer().ipv4 == expected("192.0.2.10")


def test_a_log_of_a_gigabyte_does_not_delay_the_banner(sample_database):
    log = Path(f"{sample_database.path}-wal")
    with Shell(sample_database.path) as shell:
        shell.run("PRAGMA wal_autocheckpoint = 0;")
        shell.change("CREATE TABLE ballast (content BLOB); BEGIN;")
        for _ in range(32):
            shell.change("INSERT INTO ballast VALUES (randomblob(1000000));")
        shell.change("COMMIT;")
        shell.process.kill()  # so that it doesn't copy the log back when it ends
        shell.process.wait()
    assert log.stat().st_size > 32_000_000
    os.truncate(log, 1 << 30)
    assert_banner_is_prompt(sample_database.path)

    def seconds_of_first_answer():
        Path(f"{sample_database.path}-shm").unlink(missing_ok=True)  # so that the log is read whole
        with Coprocess(sample_database.path) as coprocess:
            answer = coprocess.ask()
            assert answer.ipv4 == expected("192.0.2.10")
            return answer.seconds

    assert min(seconds_of_first_answer() for _ in range(4)) < PATIENCE_SECONDS


# ---------------------------------------------------------------- the end


def test_sigterm_is_ignored_and_the_end_of_input_ends_it(served):
    coprocess, _ = served
    for _ in range(3):
        coprocess.process.send_signal(signal.SIGTERM)
        assert coprocess.silent(0.05)
        assert coprocess.ask().ipv4 == expected("192.0.2.10")
    assert coprocess.close() == 0


def test_the_end_of_input_ends_it_at_once(sample_database):
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(4)]
        for process in processes:
            process.ask()
            process.process.send_signal(signal.SIGTERM)
        endings = iter(processes)
        assert_within(5, lambda: next(endings).close())


def test_it_never_ends_while_its_input_is_open(served):
    coprocess, database = served
    coprocess.ask()
    database.path.unlink()
    for line in (b"FAIL", b"", b"HELO\t9", b"Q", b"\0"):
        coprocess.request(line + b"\n")
    assert coprocess.silent(1.2)
    assert coprocess.process.poll() is None


PARENT = """
import subprocess, sys, time
# The writing end of the child's input is not this process's alone.
child = subprocess.Popen(sys.argv[3:], stdin=int(sys.argv[1]), stdout=int(sys.argv[2]))
print(child.pid, flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def orphan(database):
    """A coprocess that loses its parent by SIGKILL, while its input stays open.  Its pid."""
    with contextlib.ExitStack() as stack:
        ends = [*os.pipe(), *os.pipe()]
        for end in ends:
            stack.callback(os.close, end)
        question_read, question_write, answer_read, answer_write = ends
        argv = [sys.executable, "-c", PARENT, str(question_read), str(answer_write)]
        argv += [str(backend_path()), "--database", str(database)]
        passed = (question_read, answer_write)
        parent = stack.enter_context(
            subprocess.Popen(argv, stdout=subprocess.PIPE, pass_fds=passed)
        )
        pid = int(parent.stdout.readline())
        os.write(question_write, b"HELO\t5\n")
        assert os.read(answer_read, 4096).startswith(b"OK\t")
        assert is_running(pid)
        parent.kill()
        parent.wait()
        yield pid


def test_a_killed_parent_takes_it_along_though_a_sibling_holds_its_input(sample_database):
    def vanish():
        with orphan(sample_database.path) as pid:
            wait_until(lambda: not is_running(pid), SECONDS_MAX, "the coprocess is gone")

    assert_within(10, vanish)


def test_it_holds_its_three_descriptors_and_the_database_alone(sample_database, workspace):
    (workspace / "secret").touch()
    leaky = ["sh", "-c", 'exec 7<"$0" 9<"$0"; exec "$@"', str(workspace / "secret")]
    with Coprocess(sample_database.path, before=leaky) as coprocess:
        coprocess.ask()
        folder = Path(f"/proc/{coprocess.pid}/fd")
        open_files = {int(entry.name): os.readlink(entry) for entry in folder.iterdir()}
    assert set(open_files) >= {0, 1, 2}
    path = str(sample_database.path)
    allowed = {path, f"{path}-wal", f"{path}-shm", f"{path}-lock"}
    assert {open_files[number] for number in set(open_files) - {0, 1, 2}} <= allowed

"""A world that breaks on demand: what the tests of faults share.

Crowd         asks with ever new resolvers, checks each answer, and remembers who was told what
heals()       waits until mappings are written again, once what was broken is mended
overwrite()   and its like do to a file what nobody should; put_in_place() mends it
commits()     counts those of a database
strace()      records a process's system calls; slow_disk() also makes it wait for its disk
stopped()     SIGSTOP, and SIGCONT; half_committed() is one of its worst moments
set_limit()   sets a resource limit of a process that runs
small_disk()  mounts a file system of a few hundred KiB
Shim          a library in front of the C library's: the clock jumps, the disk fails
"""

import contextlib
import fcntl
import itertools
import mmap
import os
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import time
from pathlib import Path

import pytest

from coprocess import PATIENCE_SECONDS, assert_prompt
from processes import SECONDS_MAX, as_user, give_to_user, kill, run, stop, wait_until
from resolvers import ldns
from sample import SITES, expected

HEAL_SECONDS = SECONDS_MAX  # what has been mended counts within two, on a machine that is free


def beside(database, suffix):
    """A file beside the database: its -wal, -shm or -lock."""
    return Path(f"{database.path}{suffix}")


def maintain_often(database):
    """Checkpoints and sweeps every second."""
    database.sql("UPDATE setting SET value = 1 WHERE name LIKE '%_interval';")


# ---------------------------------------------------------------- answers, and mappings again


def said(answers):
    """What the operator was told."""
    return [log for answer in answers for log in answer.logs]


def assert_said_once_a_minute(logs, processes, seconds):
    """No line came more often from one of so many processes that were asked for so long."""
    most = processes * (1 + int(seconds // 60))
    assert all(logs.count(log) <= most for log in logs), logs


def assert_as_prompt(answers, others, what):
    """As prompt as others that were given at the same time, and that nothing is wrong for: what slows
    both down is the machine.
    """
    assert_in_time(answers, what)
    mine, theirs = (sorted(answer.seconds for answer in each) for each in (answers, others))
    for percent, allowance in ((50, 0.02), (90, 0.1)):
        if percent > 50 and len(mine) < 50:  # of few, a stall would be a tenth
            break
        one, other = (each[len(each) * percent // 100] for each in (mine, theirs))
        assert one < 3 * other + allowance, f"{what}: p{percent} {one:.4f} s and {other:.4f} s"


def assert_in_time(answers, what):
    """Prompt, and none so late that PowerDNS would have lost patience, but for one that may have met
    a stall of the machine; prints the times.
    """
    seconds = sorted(answer.seconds for answer in answers)
    worst = seconds[-1]
    print(
        f"{what}: {len(seconds)} answers, median {statistics.median(seconds) * 1000:.2f} ms,"
        f" p99 {seconds[len(seconds) * 99 // 100] * 1000:.1f} ms, longest {worst * 1000:.1f} ms"
    )
    assert_prompt(answers)
    assert all(each < PATIENCE_SECONDS for each in seconds[:-1]), seconds[-5:]


def answers_without_rows(coprocess, pattern, first=0, besides=None):
    """Answers to new resolvers go on, and the log says once what is wrong.  besides: words of lines
    that may be there as well."""
    remotes = [ldns(first + i) for i in range(10)]
    answers = [coprocess.ask("www.example.com", "A", remote) for remote in remotes]
    assert [answer.ipv4 for answer in answers] == [expected(remote) for remote in remotes]
    assert_prompt(answers)
    logs = [log for log in said(answers) if not (besides and besides in log)]
    assert len(logs) == 1 and re.search(pattern, logs[0]), logs


def heals(coprocess, database, number):
    """Waits until a new resolver's answer leaves its row."""

    def has_row():
        right = coprocess.ask("www.example.com", "A", ldns(number)).ipv4 == expected(ldns(number))
        return right and ldns(number) in database.rows_of("web")

    wait_until(has_row, HEAL_SECONDS, "a row for a new resolver")


class Crowd:
    """New resolvers, one after the other, asking a coprocess or several in turn."""

    def __init__(self, database, *coprocesses):
        self.database, self.coprocesses = database, list(coprocesses)
        self.told = {}  # who was answered what
        self.next = 0

    def _ask_one(self, coprocess):
        """A new resolver and the answer to it, which is the choice by modulus."""
        remote = ldns(self.next)
        self.next += 1
        answer = coprocess.ask("www.example.com", "A", remote)
        assert answer.ipv4 == expected(remote), answer.lines
        self.told[remote] = answer.ipv4
        return remote, answer

    def ask(self, count=1):
        """The answers to so many new resolvers."""
        return [
            self._ask_one(self.coprocesses[self.next % len(self.coprocesses)])[1]
            for _ in range(count)
        ]

    def ask_again(self):
        """Everybody once more: nobody moves."""
        answers = []
        for place, (remote, address) in enumerate(self.told.items()):
            coprocess = self.coprocesses[place % len(self.coprocesses)]
            answers.append(coprocess.ask("www.example.com", "A", remote))
            assert answers[-1].ipv4 == address, (remote, answers[-1].lines)
        return answers

    def ask_for(self, condition):
        """New resolvers as long as the condition holds.  Their answers."""
        answers = []
        while condition():
            answers += self.ask()
        return answers

    def forgotten(self, since=0):
        """Those who were answered and have no such row, from the since-th on, once all that can be
        written is."""
        rows = self.database.mappings("web")
        told = list(self.told.items())[since:]
        return [remote for remote, address in told if rows.get(remote) != SITES[address]]

    def kept(self, since=0):
        """Waits until all who were answered have their rows, from the since-th on."""
        told = list(self.told.items())[since:]
        self.database.wait_for_mappings(
            "web", {remote: SITES[address] for remote, address in told}
        )

    def keeps_all(self):
        """Who was answered and got no row gets it now.  A thread that finds the damage only now makes
        all close the database once more, and until it is open again there are none."""

        def all_are_kept():
            self.ask_again()
            return self.forgotten() == []

        wait_until(all_are_kept, HEAL_SECONDS, "rows for all")

    def heals(self):
        """Every coprocess keeps the rows of new resolvers again, and everybody reads them."""

        def keeps(coprocess, asked, logs):
            remote, answer = self._ask_one(coprocess)
            asked.append(remote)
            logs += answer.logs
            try:
                rows = self.database.rows_of("web")
            except AssertionError:  # the shell cannot read it yet
                return False
            return any(remote in rows for remote in asked)

        for each in self.coprocesses:
            asked, logs = [], []
            wait_until(
                lambda: keeps(each, asked, logs),
                HEAL_SECONDS,
                lambda: f"rows for new resolvers: {logs}, {each.command('status')}",
            )

        def keep_all():
            """Another process may find the damage only now, and all open the database once more."""
            since = len(self.told)
            self.ask(50)
            return self.forgotten(since) == []

        wait_until(keep_all, HEAL_SECONDS, "rows for fifty new resolvers")
        assert self.database.rows("PRAGMA integrity_check") == [("ok",)]


# ---------------------------------------------------------------- the file


def damage(path):
    """Overwrites all pages but the first."""
    overwrite(path, 4096)


def delete(path):
    path.unlink()


def empty(path):
    os.truncate(path, 0)


def halve(path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path, begin=0):
    """With garbage, from an offset on."""
    with open(path, "r+b") as file:
        file.seek(begin)
        file.write(random.Random(1).randbytes(path.stat().st_size - begin))


def replace_by_copy(path):
    """As some tools edit files."""
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    give_to_user(copy)
    os.replace(copy, path)


def replace_by_directory(path):
    path.unlink()
    path.mkdir()
    give_to_user(path)


def put_in_place(source, target):
    """Makes `target` a copy of the file `source` in one step, whatever was there."""
    if target.is_dir():
        target.rmdir()
    copy = target.with_name("copy")
    shutil.copyfile(source, copy)
    give_to_user(copy)
    os.replace(copy, target)


# ---------------------------------------------------------------- system calls


def strace(trace, calls):
    """Words in front of a command whose system calls are to be seen in the file `trace`."""
    without_leak_check = ["env", "ASAN_OPTIONS=detect_leaks=0"]  # which fails when it is traced
    return [*without_leak_check, "strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}"]


def traced_calls(trace):
    """The lines of strace's output; a call that another thread's came in between is one line again."""
    begun, calls = {}, []
    for line in trace.read_text("latin-1").splitlines():
        thread, call = line.split(maxsplit=1)
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", call)
        if call.endswith(" <unfinished ...>"):
            begun[thread] = call.removesuffix(" <unfinished ...>")
        elif resumed:
            calls.append(begun.pop(thread) + resumed[1])
        else:
            calls.append(call)
    return calls


def writes_to_stdout(trace):
    """The sizes of the write() calls to descriptor 1 in the output of strace."""
    found = (re.match(r"(\w+)\(1,.* = (-?\d+)", call) for call in traced_calls(trace))
    calls = [call.groups() for call in found if call]
    assert {name for name, _ in calls} <= {"write"}, calls
    return [int(size) for _, size in calls]


def slow_disk(trace):
    """The same for one whose disk takes half a second for each fdatasync()."""
    return [*strace(trace, "fdatasync"), "-e", "inject=fdatasync:delay_enter=500ms"]


def until_a_round_waits(trace):
    """Until a thread that is not the first waits for the slow disk."""

    def waits():
        return len(set(re.findall(r"^(\d+) +fdatasync", trace.read_text(), re.MULTILINE))) > 1

    wait_until(waits, HEAL_SECONDS, "a round of maintenance")


# ---------------------------------------------------------------- processes


@contextlib.contextmanager
def stopped(*processes):
    """These are stopped by SIGSTOP in the block, each with all of its threads."""

    pids = [each.pid for each in processes]
    try:
        stop(pids)
        yield
    finally:
        kill(pids, signal.SIGCONT)


def stop_unless(holds, process, database):
    """Stops it by SIGSTOP at a moment in which it does not hold such a thing.  Returns how often it was
    stopped at another moment; on a busy machine that may have been for long."""
    for tries in itertools.count():
        stop([process.pid])
        if not holds(process, database):
            return tries
        kill([process.pid], signal.SIGCONT)
        time.sleep(0.001)


@contextlib.contextmanager
def stopped_unless(holds, process, database):
    """It is stopped so in the block, which is given what stop_unless() returns."""
    try:
        yield stop_unless(holds, process, database)
    finally:
        kill([process.pid], signal.SIGCONT)


def holds_lock_to_write(process, database):
    """Whether it has SQLite's lock, a byte of FILE-shm."""
    inode = beside(database, "-shm").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        kind, pid, file = line.split()[-5:-2]
        if (kind, int(pid)) == ("WRITE", process.pid) and file.endswith(f":{inode}"):
            return True
    return False


WAL_INDEX_CHANGES = 8  # where the header of the wal-index counts commits, 32 bits


def commits(database):
    """How many commits there were, from any number on."""
    with open(beside(database, "-shm"), "rb") as index:
        return struct.unpack_from("=I", index.read(WAL_INDEX_CHANGES + 4), WAL_INDEX_CHANGES)[0]


@contextlib.contextmanager
def half_committed(database):
    """In the block all is as when a writer was stopped between the two copies of the header that it
    puts into the wal-index: it has SQLite's lock, and the copies differ.
    https://sqlite.org/walformat.html, sections 2.1 and 2.3
    """
    second_copy, lock_to_write = 48, 120
    changes = second_copy + WAL_INDEX_CHANGES
    with open(beside(database, "-shm"), "r+b", buffering=0) as index:
        fcntl.lockf(index, fcntl.LOCK_EX, 1, lock_to_write)
        count = os.pread(index.fileno(), 4, changes)
        os.pwrite(index.fileno(), bytes([count[0] ^ 1]), changes)
        try:
            yield
        finally:
            os.pwrite(index.fileno(), count, changes)


# ---------------------------------------------------------------- limits and full disks


def set_limit(coprocess, **limits):
    """Sets soft limits by the names of prlimit(1); the process's own user may."""
    options = [f"--{name}={value}:" for name, value in limits.items()]
    result = run(as_user(["prlimit", "--pid", str(coprocess.pid), *options]))
    assert result.returncode == 0, result.stderr


@contextlib.contextmanager
def small_disk(workspace, kib):
    """A folder that is a new file system of so many KiB.  Without the right to mount one, the test is
    skipped.
    """
    folder = workspace / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        give_to_user(folder)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(path):
    """A file that takes all the space there is."""
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass


# ---------------------------------------------------------------- the C library, changed


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Nothing is changed until start() has run: constructors of other libraries may run before. */
struct control { int64_t clock_offset_s, write_errno, sync_delay_us; };
static volatile struct control none, *control = &none;

__attribute__((constructor)) static void start(void)
{
    int file = open(getenv("SHIM_CONTROL"), O_RDONLY);
    control = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += control->clock_offset_s;
    return result;
}

time_t time(time_t *now)
{
    struct timespec both;
    clock_gettime(CLOCK_REALTIME, &both);
    return now ? *now = both.tv_sec : both.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec both;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &both);
    *now = (struct timeval){both.tv_sec, both.tv_nsec / 1000};
    return 0;
}

/*
 * The kernel's clock is as it was, so a moment of the changed one is told in its terms. Ours are
 * waits for the monotonic clock, by pthread_cond_clockwait(); these are of libraries.
 */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    struct timespec moment = *until;
    moment.tv_sec -= control->clock_offset_s;
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &moment);
}

#define FAILING(result_type, name, parameters, arguments)                  \
    result_type name parameters                                            \
    {                                                                      \
        static result_type (*next) parameters;                             \
        if (!next)                                                         \
            next = dlsym(RTLD_NEXT, #name);                                \
        if (control->write_errno) {                                        \
            errno = (int)control->write_errno;                             \
            return -1;                                                     \
        }                                                                  \
        return next arguments;                                             \
    }

FAILING(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off64_t at),
        (file, bytes, count, at))
FAILING(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t at),
        (file, bytes, count, at))
FAILING(int, ftruncate64, (int file, off64_t size), (file, size))
FAILING(int, ftruncate, (int file, off_t size), (file, size))
FAILING(int, fsync, (int file), (file))

int fdatasync(int file)
{
    static int (*next)(int);
    if (!next)
        next = dlsym(RTLD_NEXT, "fdatasync");
    if (control->sync_delay_us)
        usleep((useconds_t)control->sync_delay_us);
    if (control->write_errno) {
        errno = (int)control->write_errno;
        return -1;
    }
    return next(file);
}
"""


class Shim:
    """To be given to coprocesses as `env=shim.environment`; then its attributes work on them all.

    clock_offset_s  added to the time of day, not to the monotonic clock
    write_errno     with which writing to files fails; not to pipes
    sync_delay_us   how long the disk takes to write what it was given
    """

    FIELDS = ("clock_offset_s", "write_errno", "sync_delay_us")

    def __init__(self, folder):
        source, library, control = folder / "shim.c", folder / "shim.so", folder / "control"
        source.write_text(SHIM)
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        result = run(command)
        assert result.returncode == 0, result.stderr
        control.write_bytes(bytes(8 * len(self.FIELDS)))
        with open(control, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(library), "SHIM_CONTROL": str(control)}

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("q", self._control, 8 * self.FIELDS.index(name), value)

"""Resolvers whose mappings are claimed, and the processes that do it.

Promises     what resolvers were answered, by whichever process, and that the table says the same
writer_of()  the coprocess that writes
"""

import contextlib
import re
from pathlib import Path

from coprocess import question
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import SITES

ANSWER_SECONDS = 10  # a process that needs longer for an answer hangs

# Mappings that no peer would be told; none is meant to be while nothing is shared.
UNNOTED = """
    SELECT ldns, decided, m.origin FROM persistence AS m, share
     WHERE share.node <> 0
       AND (m.decided <= 0 OR m.origin <> share.node
            OR (m.pool_id, m.ldns) NOT IN (SELECT pool_id, ldns FROM share_change))"""


# ---------------------------------------------------------------- who is the writer


# Bytes of FILE-lock, as in enum lock_kind: of the process that copies the log, of the one that
# writes mappings, and of one that does so while that one hangs or is stopped.
MAINTENANCE, WRITER, STANDBY = 0, 3, 4


def holds(process, byte):
    """Whether it has locked that byte of FILE-lock now."""
    locks = []
    for info in Path(f"/proc/{process.pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            locks += re.findall(r"OFDLCK ADVISORY +WRITE .* (\d+) \d+$", info.read_text(), re.M)
    return str(byte) in locks


def writer_of(coprocesses):
    """The one of them that writes."""
    found = []

    def look():
        found.extend(each for each in coprocesses if holds(each, WRITER))
        return found

    wait_until(look, SECONDS_MAX, "one of them writes")
    return found[0]


# ---------------------------------------------------------------- what was answered


class Promises:
    """Resolvers that ask pool web, and what they were told.  Whoever asks twice, whomever, is told
    the same; and the table has a row of it, at the latest some moments after the answer.
    """

    def __init__(self, database):
        self.database = database
        self.told = {}
        self.logs = []
        self._next = 0

    def new(self, count):
        """So many resolvers that have not asked yet."""
        self._next += count
        return [ldns(self._next - count + i) for i in range(count)]

    @staticmethod
    def send(coprocess, remotes):
        coprocess.send(b"".join(question("www.example.com", "A", each) for each in remotes))

    def note(self, remote, answer):
        assert answer.ipv4 in SITES, answer.lines
        self.logs += answer.logs
        first = self.told.setdefault(remote, answer.ipv4)
        assert answer.ipv4 == first, f"{remote}: first {first}, now {answer.ipv4}; {self.logs[-5:]}"

    def broken(self):
        """What was logged, but for what a busy machine brings: somebody else's transaction takes so
        long that who writes or opens the database says so and tries again.  Claims wait meanwhile,
        and answers are checked anyhow."""
        locked = re.compile("(mappings cannot be written|cannot be read): database is locked")
        return [log for log in self.logs if not locked.search(log)]

    def receive(self, coprocess, remotes):
        """The answers to what was sent."""
        answers = []
        for remote in remotes:
            answers.append(coprocess.answer(alone=False, limit=ANSWER_SECONDS))
            self.note(remote, answers[-1])
        return answers

    def receive_of_killed(self, coprocess, remotes):
        """The answers that it had given before.  How many."""
        for count, remote in enumerate(remotes):
            try:
                answer = coprocess.answer(alone=False, limit=ANSWER_SECONDS)
            except AssertionError as cut:
                assert "ends in mid" in str(cut), cut
                return count
            self.note(remote, answer)
        return len(remotes)

    def ask(self, remotes, *coprocesses):
        """Everybody asks each of them.  The answers."""
        for each in coprocesses:
            self.send(each, remotes)
        return [answer for each in coprocesses for answer in self.receive(each, remotes)]

    def ask_again(self, *coprocesses):
        """Those who asked before, a few at a time."""
        remotes = list(self.told)
        for begin in range(0, len(remotes), 100):
            self.ask(remotes[begin : begin + 100], *coprocesses)

    def rows(self):
        """What the table should have: {resolver: site}."""
        return {remote: SITES[address] for remote, address in self.told.items()}

    def wait_until_kept(self):
        """Until everybody's row is there; and then no claim waits and no bucket is locked.  While
        mappings are shared and nothing is handed over, each row is noted for the peers."""
        self.database.wait_for_mappings("web", self.rows())
        wait_until(self.database.claims.is_at_rest, SECONDS_MAX, "a file of claims at rest")
        assert self.database.rows(UNNOTED) == []
        assert self.database.rows("PRAGMA integrity_check") == [("ok",)]


def allow_many(database):
    """The rate of new resolvers is not what a test is about."""
    database.sql("UPDATE setting SET value = 1000000 WHERE name = 'max_writes_per_second';")


def change_choice(shell, step):
    """Another site drains from now on, so that two processes which choose for the same resolver
    agree only if they know of each other.  Not while somebody holds the database locked."""
    site = ("ams", "fra", "nyc")[step % 3]
    sql = f"UPDATE controller SET state = iif(name = '{site}', 'draining', 'enabled');"
    printed = shell.run(sql)
    assert not printed or "locked" in printed[0], printed

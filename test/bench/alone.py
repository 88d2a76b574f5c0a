"""What pdns-sticky costs without PowerDNS: recorded questions through its standard input.

Processor time is the coprocess's own, user and system, start-up left out; what the coprocess that
does nothing needs for the same questions is subtracted.  Each question waits for the answer to the
one before, as PowerDNS does it; "in a row" is the cheaper other end, all of them at once.
"""

import contextlib
import json
import subprocess

import databases
import processors
import rounds

SIZES = (10_000, 1_000_000, 10_000_000)
LARGEST = SIZES[-1]

# New mappings a second, into a table of so many; so many of them are looked for.
RATES = (1, 1000, 10_000, 20_000)
CROWD = 1_000_000
LOOKS = 1000

AGAINST = " against"  # in the names of what is measured of another program

# Hits are measured also while somebody else writes: another coprocess, on most days.
COMMIT_PAUSE_S = 0.1


class Alone:
    """The measurements; run() does all and returns them.

    against   another pdns-sticky for the same database, such as that of the last release: whatever
              is measured of questions is measured of it too, in turn.  None: there is none.
    """

    def __init__(self, tools, program, store, scale, quiet, say, against=None):
        self.tools, self.program, self.store = tools, program, store
        self.programs = {"": program, **({AGAINST: against} if against else {})}
        self.scale, self.quiet, self.say = scale, quiet, say
        self.strangers_seen = dict.fromkeys(SIZES, 0)

    def run(self):
        """{"nothing": ..., "hit": {size: ...}, "new": {size: ...}, ...}, medians and all rounds."""
        result = {"questions": self._questions()}
        result["visible"] = self._visible()
        self.say("memory, disk, starts, reloads")
        result["start"] = self._starts()
        result["reload"] = self._reloads()
        return result

    # -- questions

    def _questions(self):
        runs = {}
        with self._copy(LARGEST) as largest_copy:
            for number in range(self.scale.rounds):
                self.say(f"without PowerDNS, round {number + 1} of {self.scale.rounds}")
                self._add(runs, "nothing", self._replay(None, LARGEST))
                self._add(runs, "nothing in a row", self._replay(None, LARGEST, "--in-a-row"))
                for size in SIZES:
                    self._hits(runs, size, number)
                    self._writes(runs, size, largest_copy, number)
        return {name: rounds.medians(found) for name, found in runs.items()}

    @staticmethod
    def _add(runs, name, numbers):
        runs.setdefault(name, []).append(numbers)

    def _order(self, number):
        """Who runs second finds the caches warm, so two programs take turns at that."""
        programs = list(self.programs.items())
        return programs if number % 2 == 0 else programs[::-1]

    def _hits(self, runs, size, number):
        path = self.store.web(size)
        for whose, program in self._order(number):
            hits = self._replay(path, size, "--stuck", program=program)
            self._add(runs, f"hit {size}{whose}", hits)
            hits = self._replay(path, size, "--stuck", "--in-a-row", program=program)
            self._add(runs, f"hit in a row {size}{whose}", hits)

    def _writes(self, runs, size, largest_copy, number):
        """Into a copy; the largest is copied once, and grows by less than a hundredth."""
        is_copied = size == LARGEST
        copy = contextlib.nullcontext(largest_copy) if is_copied else self._copy(size)
        with copy as path:
            for whose, program in self._order(number):
                with databases.commits(path, COMMIT_PAUSE_S):
                    hits = self._replay(path, size, "--stuck", program=program)
                self._add(runs, f"hit beside commits {size}{whose}", hits)
                self._add(runs, f"new {size}{whose}", self._new(path, size, program))

    def _copy(self, size):
        return self.store.copy(self.store.web(size))

    def _new(self, path, size, program):
        databases.checkpoint(path)
        rows, octets = databases.mappings(path), path.stat().st_size
        count = min(self.scale.strangers, size)
        numbers = self._replay(path, size, "--strangers", count=count, program=program)
        checkpoint_s = databases.checkpoint(path)
        made = databases.mappings(path) - rows
        if made < count:
            raise RuntimeError(f"{count} new resolvers got {made} mappings")
        numbers["checkpoint_us"] = 1e6 * checkpoint_s / made
        numbers["bytes_per_mapping"] = (path.stat().st_size - octets) / made
        return numbers

    def _replay(self, path, size, *options, count=None, program=None):
        """One run; path None for the coprocess that does nothing."""
        command = [self.tools / "nothing"] if path is None else self._command(path, program)
        return self.quiet.measure(
            lambda: self._replay_once(command, size, count or self.scale.questions, options)
        )

    def _replay_once(self, command, size, count, options):
        first = self.strangers_seen[size]
        self.strangers_seen[size] += 2 * count  # the warm-up takes some too
        options = ["--crowd", size, "--count", count, "--first", first, *options]
        return self._tool("replay", *options, "--", *command)

    # -- how soon the rows appear

    def _visible(self):
        """{rate: numbers}, new mappings a second beside a million."""
        result = {}
        with self._copy(CROWD) as path:
            for rate in RATES:
                self.say(f"{rate} new mappings a second")
                seconds = self.scale.visible_s * (3 if rate == 1 else 1)
                result[rate] = self.quiet.measure(lambda: self._visible_once(path, rate, seconds))
                result[rate]["rows"] = self.quiet.measure(lambda: self._rows(path, rate, seconds))
        return result

    def _visible_once(self, path, rate, seconds):
        """Of many rows one in some is looked for, since that takes as long as to make it."""
        every, rows = max(1, rate // LOOKS), databases.mappings(path)
        options = ["--database", path, "--every", every, *self._steadily(rate, seconds)]
        numbers = self._tool("visible", *options, "--", *self._command(path))
        made = databases.mappings(path) - rows
        late = numbers["missing"]
        return {**numbers, "late": late, "missing": rate * (seconds + 1) - made}

    def _rows(self, path, rate, seconds):
        """As many rows, written by SQLite alone."""
        return self._tool("rows", *self._steadily(rate, seconds), path)

    def _steadily(self, rate, seconds):
        first = self.strangers_seen[CROWD]
        self.strangers_seen[CROWD] += 2 * rate * seconds
        return ["--crowd", CROWD, "--first", first, "--rate", rate, "--seconds", seconds]

    # -- the rest

    def _starts(self):
        path = self.store.web(LARGEST)
        options = ["--crowd", LARGEST, "--starts", self.scale.starts]
        command = self._command(path)
        numbers = self.quiet.measure(lambda: self._tool("replay", *options, "--", *command))
        return {**numbers, "bytes_per_mapping": path.stat().st_size / LARGEST}

    def _reloads(self):
        with self.store.fresh("large", databases.LARGE) as path:
            return {what: self._reload(path, what) for what in ("one", "all")}

    def _reload(self, path, what):
        options, command = [path, what, self.scale.reloads], self._command(path)
        return self.quiet.measure(lambda: self._tool("reload", *options, "--", *command))

    def _command(self, path, program=None):
        return [program or self.program, "--database", path]

    def _tool(self, name, *arguments):
        argv = [str(self.tools / name), *map(str, arguments)]
        others = processors.Others()
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        return {**json.loads(done.stdout), "others": others.share()}

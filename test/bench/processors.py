"""Whose processor time it was: a process's own, and what other programs took meanwhile."""

import os
import resource
import time
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def stat(pid):
    """The fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def used_s(pids):
    """Seconds that these processes have used so far, in user and system mode."""
    return sum(sum(map(int, stat(pid)[11:13])) for pid in pids) * TICK_S


def _busy_s():
    """Seconds of all processors in all programs, and what the host took from this machine."""
    user, nice, system, _, _, _, _, steal = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    return (user + nice + system + steal) * TICK_S


def _own_s():
    """Seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Others:
    """From its making to share(): the part of the machine that programs other than ours had.

    pids: ours that are neither this process nor children that end in the meantime.
    """

    def __init__(self, pids=()):
        self.pids = tuple(pids)
        self.start_s, self.busy_s, self.own_s = time.monotonic(), _busy_s(), self._ours_s()

    def _ours_s(self):
        return _own_s() + used_s(self.pids)

    def share(self):
        """0 to 1."""
        seconds = (time.monotonic() - self.start_s) * os.cpu_count()
        others_s = _busy_s() - self.busy_s - (self._ours_s() - self.own_s)
        return min(max(others_s / seconds, 0), 1)


class Quiet:
    """Other programs disturb; this has so many seconds in all to avoid them."""

    LOOK_S = 0.25
    SHARE_MAX = 0.05

    def __init__(self, patience_s):
        self.left_s = patience_s

    def measure(self, run):
        """The numbers of run(), which says in "others" how much it was disturbed.

        It is called when the others are quiet, and once more as long as they were not; the least
        disturbed run counts.  With the patience used up it is called once, at once.
        """
        self._wait()
        best = run()
        while best["others"] > self.SHARE_MAX and self.left_s > 0:
            started_s = time.monotonic()
            self._wait()
            best = min(best, run(), key=lambda numbers: numbers["others"])
            self.left_s -= time.monotonic() - started_s
        return best

    def _wait(self):
        while self.left_s > 0:
            others = Others()
            time.sleep(self.LOOK_S)
            if others.share() <= self.SHARE_MAX:
                return
            self.left_s -= self.LOOK_S

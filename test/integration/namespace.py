"""Network namespaces, in which a test has addresses that this machine does not have.

Namespace  one, with addresses of its own
"""

import contextlib
import ctypes
import os
import subprocess
import threading

import pytest

from processes import SECONDS_MAX, as_user


def _enter(descriptor):
    """Puts the calling thread into a namespace, and what it starts from then on."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Namespace:
    """A network namespace whose loopback interface has further addresses, each with its prefix.

    before   for a program that is to run there
    """

    def __init__(self, *addresses):
        self.ready = "".join(
            f"ip address add {address} dev lo {'nodad' * (':' in address)}\n"
            for address in addresses)

    def __enter__(self):
        script = f"ip link set lo up\n{self.ready}echo ready\nexec sleep 1000"
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-ec", script],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            self.__exit__()
            pytest.skip(f"no namespaces can be made here: {self.holder.stderr.read().strip()}")
        self.before = ("nsenter", "-t", self.holder.pid, "-n", *as_user([]))
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()

    def _open(self):
        return open(f"/proc/{self.holder.pid}/ns/net", encoding="ascii")

    def do(self, what):
        """Calls a function in a thread that is in the namespace, for its sockets to be there."""
        def act():
            with self._open() as namespace:
                _enter(namespace.fileno())
            made.append(what())

        made = []
        thread = threading.Thread(target=act)
        thread.start()
        thread.join(SECONDS_MAX)
        return made[0]

    @contextlib.contextmanager
    def entered(self):
        """For the block this thread is in the namespace, with all that it starts."""
        with open("/proc/thread-self/ns/net", encoding="ascii") as outside:
            with self._open() as inside:
                _enter(inside.fileno())
            try:
                yield
            finally:
                _enter(outside.fileno())

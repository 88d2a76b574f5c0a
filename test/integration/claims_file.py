"""FILE-claims, the mappings that were answered and are not in the table yet, as tests look at it.

ClaimsFile      how many claims wait, which buckets are locked; and its head, which can be changed
hold_buckets()  locks buckets, as a process that is stopped in the middle of a claim does
"""

import contextlib
import ctypes
import mmap
import os
import signal
import struct
from pathlib import Path


class ClaimsFile:
    """The file of a database; its layout is that of backend/store/claims/claims_parts.h."""

    HEAD = struct.Struct("=QIIIIIIQQ16sqQ")
    FIELDS = (
        "magic format bucket_bytes bucket_count slot_count mutex_bytes slot_bytes inode device"
        " start database salt"
    ).split()

    def __init__(self, path):
        self.path = Path(path)

    def _read(self):
        """The head and all bytes; nothing where there is no such file now."""
        try:
            data = self.path.read_bytes()
            head = dict(zip(self.FIELDS, self.HEAD.unpack_from(data)))
        except (OSError, struct.error):
            return None, b""
        whole = len(data) > head["bucket_count"] * head["bucket_bytes"] > 0
        return (head, data) if whole else (None, b"")

    def head(self):
        return self._read()[0]

    def change_head(self, **fields):
        """Overwrites fields of the head, as if another build or another machine had made it."""
        with open(self.path, "r+b") as file:
            file.write(self.HEAD.pack(*{**self.head(), **fields}.values()))

    LOCK_BYTES = 64  # of the mutex of a bucket, its guard and what fills the cache line

    def locks_at(self):
        """Where the mutex of each bucket is."""
        head, data = self._read()
        return self._locks(head, len(data))

    def buckets_at(self):
        """Where each bucket begins."""
        head, data = self._read()
        return self._buckets(head, len(data))

    def _locks(self, head, size):
        """They are in front of the buckets, which are the last part of the file."""
        end = self._buckets(head, size)[0]
        return range(end - head["bucket_count"] * self.LOCK_BYTES, end, self.LOCK_BYTES)

    @staticmethod
    def _buckets(head, size):
        step = head["bucket_bytes"]
        begin = size - head["bucket_count"] * step
        return range(begin, size, step)

    def waiting(self):
        """How many claims are not in the table yet; none where there is no file."""
        head, data = self._read()
        if not head:
            return 0
        bucket, slot = head["bucket_bytes"], head["slot_bytes"]
        last_words = range(bucket - 8, bucket - 8 - head["slot_count"] * slot, -slot)
        return sum(
            word != 0 for at in last_words
            for word in self._words(self._buckets(head, len(data)), data, at)
        )

    def owners(self):
        """The threads that have a bucket locked, alive or not; glibc keeps the owner there."""
        words = [word & 0x3FFFFFFF for word, in struct.iter_unpack("=I60x", self._read_locks())]
        return [word for word in words if word != 0]

    def _read_locks(self):
        """Them alone: who looks may have stopped their owner, for whom others wait."""
        with contextlib.suppress(OSError, struct.error), open(self.path, "rb") as file:
            head = dict(zip(self.FIELDS, self.HEAD.unpack(file.read(self.HEAD.size))))
            size = os.fstat(file.fileno()).st_size
            if size > head["bucket_count"] * head["bucket_bytes"] > 0:
                places = self._locks(head, size)
                return os.pread(file.fileno(), places.stop - places.start, places.start)
        return b""

    def locked(self):
        """How many buckets are locked by somebody."""
        return len(self.owners())

    @staticmethod
    def _words(places, data, offset):
        """The 32-bit word at this offset of each of them."""
        words = memoryview(data)[: len(data) // 4 * 4].cast("I")
        return words[(places[0] + offset) // 4 : (places[-1] + offset) // 4 + 1 : places.step // 4]

    def capacity(self):
        head = self.head()
        return head["bucket_count"] * head["slot_count"]

    def is_at_rest(self):
        return self.waiting() == 0 and self.locked() == 0


@contextlib.contextmanager
def hold_buckets(claims_file, which=slice(None)):
    """A process that holds the mutexes of these buckets in the block, and is killed at its end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _lock_buckets(claims_file, which, write)
    try:
        os.close(write)
        assert os.read(read, 1) == b".", "the mutexes could not be locked"
        yield
    finally:
        os.close(read)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _lock_buckets(claims_file, which, write):
    """In a process of its own, which never returns."""
    try:
        libc = ctypes.CDLL(None)
        with open(claims_file.path, "r+b") as file:
            shared = mmap.mmap(file.fileno(), 0)
        base = ctypes.addressof(ctypes.c_char.from_buffer(shared))
        for at in claims_file.locks_at()[which]:
            if libc.pthread_mutex_lock(ctypes.c_void_p(base + at)) != 0:
                os._exit(1)
        os.write(write, b".")
        while True:
            signal.pause()
    finally:
        os._exit(1)

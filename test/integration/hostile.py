"""A peer with a nats-server and a database of its own that tells the others whatever it likes.

Hostile  speaks NATS by hand to its own server, which the others listen to
Greedy   takes all connections of another server, with a certificate that it lets in
"""

import contextlib
import itertools
import json
import threading
import time

from nats import Nats, Refused
from processes import now_ms

LOG, BEAT, WALK = "sticky.log", "sticky.beat", "sticky.walk"
TICKS = 4096


def row(key, controller="ams", pool="web", ahead_ms=0, timestamp=None, ttl=3600, origin=3):
    """What a batch has of a mapping; controller None: a deletion."""
    return {"pool": pool, "key": key, "decided": (now_ms() + ahead_ms) * TICKS, "origin": origin,
            "timestamp": int(time.time()) if timestamp is None else timestamp, "ttl": ttl,
            "controller": controller}


def with_rows(message, rows):
    """The message with rows as they are written: names once, and their indices."""
    pools = sorted({r["pool"] for r in rows})
    controllers = sorted({r["controller"] for r in rows if r["controller"]})
    written = [
        [pools.index(r["pool"]), r["key"], r["decided"], r["origin"], r["timestamp"], r["ttl"]]
        + ([controllers.index(r["controller"]), 0] if r["controller"] else [])
        for r in rows
    ]
    lists = {"rows": written, "pools": pools, "controllers": controllers, "methods": ["modulus"]}
    return json.dumps({"v": 1, **message, **lists}).encode()


def answer(rows, to=None, count=None, digest="0" * 16):
    """A page of a walk; to None: the last one."""
    return with_rows({"kind": "answer", "to": to or ["", ""], "last": to is None, "digest": digest,
                      "count": len(rows) if count is None else count}, rows)


class _Repeated(threading.Thread):
    """Does something again and again with a connection of its own, until it is ended."""

    def __init__(self, port, act):
        super().__init__(daemon=True)
        self._client, self._act, self._ended = Nats(port), act, False
        self.start()

    def run(self):
        with contextlib.suppress(OSError, ValueError, AssertionError):
            while not self._ended:
                self._act(self._client)

    def end(self):
        self._ended = True
        self.join(1)
        with contextlib.suppress(OSError):
            self._client._socket.shutdown(2)
        self.join()


class Hostile:
    """Node `number`, whose nats-server listens at a port.  From `with` to the end of its block.

    on_question  what it answers to a walk, a function from {after, rows} to bytes; None: nothing
    """

    def __init__(self, port, number):
        self.port, self.number = port, number
        self.incarnation, self.batches = 7, itertools.count(now_ms())
        self.on_question = None
        self.questions = []  # (when, the subject for the answer)
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        self.client = self._stack.enter_context(Nats(self.port))
        self.repeated(self._tell_that_it_is_there)
        self.repeated(self._answer_questions)
        return self

    def __exit__(self, *_):
        self._stack.close()

    def repeated(self, act, port=None):
        """Goes on until the end of the block."""
        self._stack.callback(_Repeated(port or self.port, act).end)

    @contextlib.contextmanager
    def repeating(self, act, port=None):
        repeated = _Repeated(port or self.port, act)
        try:
            yield
        finally:
            repeated.end()

    def beat(self, **members):
        return json.dumps({"v": 1, "kind": "beat", "node": self.number, "batch": 0, "waiting": 0,
                           "incarnation": self.incarnation, "clock": now_ms(),
                           "configuration": "0" * 16, **members}).encode()

    def batch(self, rows=(), **members):
        return with_rows({"kind": "batch", "node": self.number, "number": next(self.batches),
                          "incarnation": self.incarnation, "acknowledged": 0, **members}, rows)

    def append(self, *messages):
        for message in messages:
            assert "error" not in self.client.request(LOG, message)

    def _tell_that_it_is_there(self, client):
        client.publish(BEAT, self.beat())
        client.flush()
        time.sleep(0.3)

    def _answer_questions(self, client):
        if not getattr(client, "listens", False):
            client.subscribe(WALK)
            client.listens = True
        question = client.next(WALK)
        self.questions.append((time.monotonic(), question.reply))
        if self.on_question:
            client.publish(WALK if not question.reply else question.reply,
                           self.on_question(json.loads(question.data)))


class Greedy(threading.Thread):
    """Takes all connections of a nats-server, and what comes free.  From `with` to the end of its
    block."""

    PAUSE_SECONDS = 0.5

    def __init__(self, port, identity):
        super().__init__(daemon=True)
        self.port, self.identity = port, identity
        self._held, self._lock, self._ended = [], threading.Lock(), threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()
        for client in self._held:
            client.close()

    def run(self):
        while not self._ended.wait(self.PAUSE_SECONDS):
            with contextlib.suppress(Refused):
                while not self._ended.is_set():
                    self._take_one()
            self.count()  # answers the server, which would close what is silent

    def _take_one(self):
        client = Nats(self.port, ca=self.identity.ca, certificate=self.identity)
        with self._lock:
            self._held.append(client)

    def count(self):
        """How many are open now."""
        with self._lock:
            gone = [client for client in self._held if not client.flush()]
            self._held = [client for client in self._held if client not in gone]
            for client in gone:
                client.close()
            return len(self._held)


def flood(subject, message, count=500):
    """An act for repeating(): as many messages as the network takes."""
    one = f"PUB {subject} {len(message)}\r\n".encode() + message + b"\r\n"
    return lambda client: (client._socket.sendall(one * count), client.flush())

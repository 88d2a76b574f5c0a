"""pdns-stickyd as systemd runs it, and sites on loopback addresses that it can watch.

Daemon     starts the program in the foreground, with its log in a file.
Sites      servers 127.1.0.1, 127.1.0.2, ... on one port, each of which can be stopped.
watched()  gives a database a pool `web` that has such sites, and a monitor.
"""

import contextlib
import selectors
import socket
import threading

from processes import SECONDS_MAX, LoggedProcess, daemon_path, free_port


class Daemon(LoggedProcess):
    """pdns-stickyd in the foreground, from `with` to the end of its block."""

    def __init__(self, database, *arguments, before=(), ready="version", **options):
        argv = [daemon_path(), "--database", database.path, "--foreground", *arguments]
        log = database.path.with_name("pdns-stickyd.log")
        super().__init__([*before, *argv], log, ready, has_children=bool(before), **options)


def _answer(connection, status):
    with connection, contextlib.suppress(OSError):
        connection.settimeout(SECONDS_MAX)
        if connection.recv(1000):
            head = f"HTTP/1.1 {status} so\r\nContent-Length: 2\r\n\r\nok"
            connection.sendall(head.encode())


class Sites(threading.Thread):
    """Sites 1 to count.  Each takes connections, counts them, and answers a request as HTTP does.

    statuses: what site n answers with, 200 where it is not there.
    """

    def __init__(self, count):
        super().__init__(daemon=True)
        self.port = free_port(self.address(1))
        self.statuses = {}
        self.asked = [0] * (count + 1)
        self._selector = selectors.DefaultSelector()
        self._listeners = {}
        self._lock = threading.Lock()
        self._ended = False
        for number in range(1, count + 1):
            self.begin(number)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ended = True
        self.join()
        for number in list(self._listeners):
            self.end(number)

    @staticmethod
    def address(number):
        return f"127.1.{number >> 8}.{number & 255}"

    def begin(self, number):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address(number), self.port))
        listener.listen(100)
        listener.setblocking(False)
        with self._lock:
            self._listeners[number] = listener
            self._selector.register(listener, selectors.EVENT_READ, number)

    def end(self, number):
        with self._lock:
            listener = self._listeners.pop(number)
            self._selector.unregister(listener)
        listener.close()

    def run(self):
        while not self._ended:
            with self._lock:
                ready = self._selector.select(0)
                for key, _ in ready:
                    self._accept(key.fileobj, key.data)
            if not ready:
                threading.Event().wait(0.002)

    def _accept(self, listener, number):
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            self.asked[number] += 1
            status = self.statuses.get(number, 200)
            threading.Thread(target=_answer, args=(connection, status), daemon=True).start()


def watched(database, sites, count, kind="tcp", interval=1, timeout=1, rise=1, fall=2, **columns):
    """Gives the database a pool `web` of sites 1 to count with a monitor."""
    names = {"name": "check", "type": kind, "port": sites.port, "interval": interval,
             "timeout": timeout, "rise": rise, "fall": fall, **columns}
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value)
                       for value in names.values())
    statements = [
        f"INSERT INTO monitor ({', '.join(names)}) VALUES ({values});",
        "INSERT INTO pool (id, name, ttl, monitor_id) SELECT 1, 'web', 1, id FROM monitor;",
        "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1);",
    ]
    statements += [add_server(number, sites) for number in range(1, count + 1)]
    database.sql("".join(statements))


def add_server(number, sites):
    return (
        f"INSERT INTO controller (id, name) VALUES ({number}, 'site{number}');"
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        f" VALUES ({number}, 1, {number}, {number}, '{sites.address(number)}');"
    )


def states(database):
    """What is written of each server: {number: 'up' or 'down'}."""
    query = "SELECT virtual_server_id, state FROM virtual_server_verdict"
    return dict(database.rows(query))

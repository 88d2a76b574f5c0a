"""Name servers that share their mappings, on this machine.

Node     a database, a nats-server, pdns-stickyd, and coprocesses that are asked
Link     the network from one node to the nats-server of another, or to its own: it can be cut and
         slowed down
Cluster  some nodes, each with a link to each other one
"""

import contextlib
import functools
import itertools
import queue
import socket
import threading
import time

from coprocess import Coprocess
from database import SAMPLE, Database
from faults import put_in_place
from monitor import Daemon
from nats_server import NatsServer, make_identities
from processes import SECONDS_MAX, give_to_user, wait_until

# Tables are equal two seconds after all is well again; this is for a machine that is busy.
EQUAL_SECONDS = 30

# Table by table: what has to be the same on all nodes when nothing changes any more.
ENTRIES = """
    SELECT p.name AS pool, m.ldns, c.name AS controller, m.method, m.timestamp, m.ttl, m.decided, m.origin
      FROM persistence AS m JOIN pool AS p ON p.id = m.pool_id
      JOIN controller AS c ON c.id = m.controller_id
    UNION ALL
    SELECT p.name, d.ldns, NULL, NULL, d.timestamp, d.ttl, d.decided, d.origin
      FROM share_deleted AS d JOIN pool AS p ON p.id = d.pool_id
    ORDER BY 1, 2"""


class Link(threading.Thread):
    """Forwards connections to a port of 127.0.0.1, until it is cut.

    delay_s   how long every octet is on its way, in either direction; any number may be under way
    received  octets that came out at either end so far
    is_used   somebody is connected through it
    """

    QUEUE_MAX = 4096  # pieces under way; more wait with the sender

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.delay_s, self.received = port, 0.0, 0
        self._is_cut = False
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with self._lock:
            if self._is_cut:
                client.close()
                return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), SECONDS_MAX)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.settimeout(None)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        for pair in ((client, server), (server, client)):
            threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source, sink):
        line = queue.Queue(self.QUEUE_MAX)
        threading.Thread(target=self._deliver, args=(line, sink), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                line.put((time.monotonic() + self.delay_s, data))
        line.put(None)
        self._end(source)

    def _deliver(self, line, sink):
        """Each piece when it is due, until the end; what a cut leaves is thrown away."""
        while piece := line.get():
            due, data = piece
            time.sleep(max(due - time.monotonic(), 0))
            with contextlib.suppress(OSError):
                sink.sendall(data)
                with self._lock:
                    self.received += len(data)
        self._end(sink)

    def _end(self, *sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            with self._lock:
                self._sockets.discard(one)

    @property
    def is_used(self):
        with self._lock:
            return bool(self._sockets)

    def cut(self):
        with self._lock:
            self._is_cut = True
            sockets = list(self._sockets)
        self._end(*sockets)

    def heal(self):
        with self._lock:
            self._is_cut = False

    def close(self):
        self.cut()
        self._listener.close()


class Node:
    """One name server: number N, called nsN."""

    def __init__(self, directory, number, scripts=(SAMPLE,), **nats_options):
        self.directory, self.number, self.name = directory / f"ns{number}", number, f"ns{number}"
        self._scripts, self._joined = scripts, ()
        self.directory.mkdir()
        give_to_user(self.directory)
        self.database = Database.create(self.directory, *scripts)
        self.nats = NatsServer(self.directory / "nats", **nats_options)
        self.daemon = None
        self.coprocess = None
        self.daemon_options, self.coprocess_options = {}, {}
        self._stack = contextlib.ExitStack()

    def join(self, peers, settings=None, home=None):
        """Tells this node who it is, the peers, {node: url}, and settings, {name: value}.

        home: the URL of its own nats-server, when it is another than self.nats.url
        """
        self._joined = (peers, settings, home)
        rows = ", ".join(f"({n}, 'ns{n}', '{url}')" for n, url in peers.items())
        self.database.sql(
            "".join(f"UPDATE setting SET value = {value} WHERE name = '{name}';"
                    for name, value in (settings or {}).items())
            + f"UPDATE share SET node = {self.number}, name = '{self.name}',"
            f" url = '{home or self.nats.url}'{self._certificate()};"
            f"INSERT INTO peer (node, name, url) VALUES {rows};"
        )

    def _certificate(self):
        one = self.nats.identity
        if not one:
            return ""
        return f", ca = '{one.ca}', certificate = '{one.certificate}', key = '{one.key}'"

    def start(self):
        self._stack.enter_context(self.nats)
        self.daemon = self._stack.enter_context(Daemon(self.database, **self.daemon_options))
        self.coprocess = self._stack.enter_context(self.new_coprocess())

    def new_coprocess(self):
        return Coprocess(self.database.path, **self.coprocess_options)

    def lose_database(self):
        """Everything that uses it is killed, the file is lost, and all is set up and started again."""
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.coprocess.__exit__()
        for path in self.directory.glob("sticky.sqlite*"):
            path.unlink()
        self.database = Database.create(self.directory, *self._scripts)
        self.join(*self._joined)
        self.daemon.start()
        self.coprocess = self._stack.enter_context(self.new_coprocess())

    def put_new_database(self):
        """In place of one that is lost, under all that uses it: whole, and there at once."""
        lost = self.database
        self.database = Database.create(self.directory, *self._scripts, name="new.sqlite")
        self.join(*self._joined)
        put_in_place(self.database.path, lost.path)
        self.database = lost

    def close(self):
        self._stack.close()

    def status(self):
        return "\n".join(self.coprocess.command("status"))

    def ask(self, remote, name="www.example.com"):
        """The address that a resolver gets here."""
        return self.coprocess.ask(name=name, remote=remote).ipv4

    def entries(self):
        """All that this node knows of mappings: {(pool, ldns): the rest}."""
        return {tuple(row[:2]): tuple(row[2:]) for row in self.database.rows(ENTRIES)}

    def state(self, peer):
        """The row of peer_state about a peer, {column: value}."""
        rows = self.database.records(f"SELECT * FROM peer_state WHERE node = {peer.number}")
        return rows[0] if rows else {}


class Cluster:
    """Nodes 1 to count, all of which share, from `with` to the end of its block.

    has_links       False: nodes reach each other without anything in between
    has_home_links  each node reaches its own nats-server through a link as well
    links           {(node, node): the link from the first to the nats-server of the second}
    directories     {number: directory} of nodes that are elsewhere
    has_tls         each has a certificate, and nats-server runs with pdns-conf/nats.conf
    bystander       a coprocess on a database of its own that is not shared, once it is asked for
    """

    def __init__(self, directory, count, settings=None, has_links=True, has_home_links=False,
                 directories=None, has_tls=False, **node_options):
        places = directories or {}
        tls = self._tls(directory, count) if has_tls else itertools.repeat({})
        self.nodes = [Node(places.get(number, directory), number, **options, **node_options)
                      for number, options in zip(range(1, count + 1), tls)]
        self.links = {
            (a.number, b.number): Link(b.nats.port)
            for a in self.nodes for b in self.nodes if (has_home_links if a is b else has_links)
        }
        self.settings = settings or {}
        self._directory, self._stack = directory, contextlib.ExitStack()

    @functools.cached_property
    def bystander(self):
        database = Database.create(self._directory, SAMPLE, name="alone.sqlite")
        return self._stack.enter_context(Coprocess(database.path))

    @staticmethod
    def _tls(directory, count):
        """The options of each node's nats-server."""
        names = [f"ns{number}" for number in range(1, count + 1)]
        return [
            {"identity": one, "peers": [name for name in names if name != one.name]}
            for one in make_identities(directory / "ca", *names)
        ]

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        for node in self.nodes:
            node.join({
                other.number: self._url(node, other)
                for other in self.nodes if other is not node
            }, self.settings, self._url(node, node))
        for node in self.nodes:
            node.start()

    def _url(self, node, other):
        url, link = other.nats.url, self.links.get((node.number, other.number))
        return url.replace(str(other.nats.port), str(link.port)) if link else url

    def __exit__(self, *_):
        for node in self.nodes:
            node.close()
        for link in self.links.values():
            link.close()
        self._stack.close()

    def __getitem__(self, number):
        return self.nodes[number - 1]

    def between(self, a, b):
        """Both links of two nodes."""
        return self.links[a.number, b.number], self.links[b.number, a.number]

    def cut(self, a, b):
        for link in self.between(a, b):
            link.cut()

    def heal(self, a, b):
        for link in self.between(a, b):
            link.heal()

    def wait_until_equal(self, seconds=SECONDS_MAX, nodes=None):
        """Waits until all nodes know the same, all that was answered included; returns it."""
        nodes = nodes or self.nodes
        for node in nodes:
            node.database.wait_for_writer()
        tables = []

        def are_equal():
            tables[:] = [node.entries() for node in nodes]
            return all(table == tables[0] for table in tables)

        with contextlib.suppress(AssertionError):
            wait_until(are_equal, seconds, "equal tables")
        # As they were looked at last: who is still asked may change his table at any time.
        differences = self._differences(tables)
        assert not differences, (
            f"{len(differences)} entries differ, such as {differences[:3]};"
            f" {[node.daemon.said()[-500:] for node in nodes]}"
        )
        return tables[0]

    @staticmethod
    def _differences(tables):
        keys = set().union(*tables)
        return [
            (key, [table.get(key) for table in tables])
            for key in sorted(keys) if len({table.get(key) for table in tables}) > 1
        ]

    def wait_until_heard(self):
        """Waits until each node has heard each other one."""
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    wait_until(
                        lambda: node.state(other).get("heard_at"), SECONDS_MAX,
                        f"{node.name} hears {other.name}: {node.daemon.said()}",
                    )

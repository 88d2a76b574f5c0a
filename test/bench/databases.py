"""The databases of the benchmark: made once, used again, copied where a measurement writes.

They lie in build/bench/data.  A name carries a hash of all that its contents come from, so a new
schema makes new ones and the old ones go.
"""

import contextlib
import hashlib
import resource
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "schema" / "schema.sql"
AGE_MAX_S = 14 * 24 * 3600  # their mappings live for thirty days

NAME = "www.bench.example"
SERVERS = 3

ZONE = """
INSERT INTO zone (id, name) VALUES (1, 'bench.example');
INSERT INTO record (zone_id, name, type, content) VALUES
  (1, 'bench.example', 'SOA',
   'ns1.bench.example hostmaster.bench.example 1 3600 600 604800 60'),
  (1, 'bench.example', 'NS', 'ns1.bench.example'),
  (1, 'ns1.bench.example', 'A', '192.0.2.1');
"""

# One pool. Server n has the address 192.0.2.8n. What a new mapping costs is to be measured, so none
# is refused for being one of too many.
WEB = (
    ZONE
    + f"""
INSERT OR REPLACE INTO setting (name, value) VALUES
  ('max_writes_per_second', 1000000), ('max_megabytes', 1048576);
INSERT INTO pool (id, name, ttl, persistence_ttl) VALUES (1, 'web', 30, 2592000);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SERVERS})
  INSERT INTO controller (id, name, address) SELECT i, 'site-' || i, '192.0.2.' || i FROM n;
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)
  SELECT 1, id, id, '192.0.2.8' || id, '2001:db8::8' || id FROM controller;
INSERT INTO balanced_name (name, pool_id) VALUES ('{NAME}', 1);
"""
)

# A large configuration: 1,000 pools of 10 servers, and a name for each.
LARGE = (
    ZONE
    + """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
  INSERT INTO controller (id, name, address) SELECT i, 'site-' || i, '192.0.2.' || i FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  INSERT INTO pool (id, name) SELECT i, 'pool-' || i FROM n;
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)
  SELECT p.id, c.id, c.id,
         '198.18.' || (p.id % 250) || '.' || (p.id / 250 * 10 + c.id),
         printf('2001:db8:%x::%x', p.id, c.id)
    FROM pool AS p, controller AS c;
INSERT INTO balanced_name (name, pool_id)
  SELECT 'www-' || id || '.bench.example', id FROM pool;
"""
)


def create(path, configuration):
    """A database with the schema and a configuration, without mappings."""
    subprocess.run(
        ["sqlite3", "-batch", "-bail", path],
        input=f"{SCHEMA.read_text()}\nBEGIN;\n{configuration}\nCOMMIT;\n",
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def remove(path):
    """The file, and what SQLite keeps beside it."""
    for found in path.parent.glob(path.name + "*"):
        found.unlink()


@contextlib.contextmanager
def commits(path, pause_s):
    """Another process's commits meanwhile, of a row that nobody asks for."""
    over = threading.Event()

    def commit():
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            while not over.wait(pause_s):
                connection.execute(
                    "INSERT OR REPLACE INTO persistence"
                    " (pool_id, ldns, controller_id, method, timestamp, ttl)"
                    " VALUES (1, 'group:bench', 1, 'modulus', unixepoch(), 60)"
                )

    thread = threading.Thread(target=commit)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Databases:
    """Those in one directory.  tools: where the programs of the benchmark are."""

    def __init__(self, directory, tools):
        self.directory, self.tools = Path(directory), Path(tools)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ready = {}  # path of each crowd's database

    def _source(self):
        parts = [SCHEMA, HERE / "database.c", HERE / "resolvers.c"]
        text = b"".join(part.read_bytes() for part in parts) + WEB.encode()
        return hashlib.sha256(text).hexdigest()[:12]

    def web(self, crowd):
        """One pool with so many mappings: its path.  The file is in the page cache."""
        if crowd not in self.ready:
            path = self.directory / f"web-{crowd}-{self._source()}.sqlite"
            if not path.exists() or time.time() - _born_s(path) > AGE_MAX_S:
                self._make(crowd, path)
            _warm(path)
            self.ready[crowd] = path
        return self.ready[crowd]

    def _make(self, crowd, path):
        for old in self.directory.glob(f"web-{crowd}-*.sqlite"):
            remove(old)
        fresh = self.directory / f"new-{crowd}.sqlite"
        remove(fresh)
        create(fresh, WEB)
        subprocess.run([self.tools / "database", fresh, str(crowd)], check=True)
        fresh.rename(path)

    @contextlib.contextmanager
    def copy(self, path):
        """A copy to write into, gone at the end."""
        copied = self.directory / f"copy-of-{path.name}"
        remove(copied)
        checkpoint(path)
        shutil.copyfile(path, copied)
        try:
            yield copied
        finally:
            remove(copied)

    @contextlib.contextmanager
    def fresh(self, name, configuration):
        """A database without mappings, gone at the end."""
        path = self.directory / f"{name}.sqlite"
        remove(path)
        create(path, configuration)
        try:
            yield path
        finally:
            remove(path)


def _born_s(path):
    """When its mappings were written; they all say the same."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (born_s,) = connection.execute("SELECT timestamp FROM persistence LIMIT 1").fetchone()
    return born_s


def _warm(path):
    """Reads the file once, so that no measurement waits for the disk."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def checkpoint(path):
    """Copies the log back; returns the processor time of that in seconds."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        before = resource.getrusage(resource.RUSAGE_SELF)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def mappings(path):
    """How many there are."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM persistence").fetchone()[0]

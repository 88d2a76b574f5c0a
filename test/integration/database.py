"""Database files as an operator makes and changes them: with the sqlite3 shell.

Database  a file, owned by the user that PowerDNS runs as (pdns, when the tests run as root)
Pool      what a test knows of a pool that Database.add_pool() has made
Shell     one shell that stays open, so that hundreds of changes take no time
"""

import contextlib
import dataclasses
import fcntl
import json
import subprocess
import threading
from pathlib import Path

from claims_file import ClaimsFile
from processes import (
    REPOSITORY,
    SECONDS_MAX,
    USER,
    as_user,
    control_path,
    give_to_user,
    run,
    wait_until,
)

SCHEMA = REPOSITORY / "schema" / "schema.sql"
SAMPLE = REPOSITORY / "test" / "sample.sql"

# What schema.sql draws at random.
ANOTHER = """
    UPDATE revision SET identity = random(), configuration = random(), metrics = random(),
      topology = random(), mappings = random();
    UPDATE share SET incarnation = random();"""

# How long the shell waits for who writes. Less than a command may take.
PATIENT = ".timeout 30000"

_idle_shells = []  # of this process, without a database; see Database._run()
_images = {}  # {scripts: the file that they make}; see Database.create()


class Database:
    """One database file, used only through the sqlite3 shell."""

    def __init__(self, path):
        self.path = Path(path)

    @classmethod
    def create(cls, directory, *scripts, name="sticky.sqlite"):
        """A new file from the schema and then the given SQL files.

        What was made before is copied, which takes a tenth of the time, with other random numbers.
        """
        database = cls(Path(directory) / name)
        if scripts in _images:
            database.path.write_bytes(_images[scripts])
            give_to_user(database.path)
            database.sql(ANOTHER)
            return database
        for script in (SCHEMA, *scripts):
            database.sql(script.read_text())
        _images[scripts] = database.path.read_bytes()
        return database

    def _run(self, text, mode):
        """What a shell prints that has the database open for no longer than this.

        Starting a program takes longer than most queries, so a shell that has ended well waits for
        the next text, of any database, with none open.
        """
        shell = _idle_shells.pop() if _idle_shells else Shell(":memory:", "-bail")
        opening = f'.mode {mode}\n.open "{self.path}"\n{PATIENT}'
        printed = shell.run(f"{opening}\n{text}\n;\n.open :memory:")
        _idle_shells.append(shell)
        return "\n".join(printed)

    def sql(self, text):
        """Runs statements; an error fails the test.  Committed when this returns."""
        self._run(text, "list")

    def rows(self, query):
        """The rows of a query, as tuples."""
        return [tuple(row.values()) for row in self.records(query)]

    def records(self, query):
        """The rows of a query, each {column: value}."""
        return json.loads(self._run(query, "json") or "[]")

    def lose(self):
        """As when its disk is lost, under all that uses it.  The file of locks stays: nobody may ever
        delete it."""
        for suffix in ("", "-wal", "-shm", "-claims"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    @property
    def claims(self):
        """The file of what was answered and is not in the table yet."""
        return ClaimsFile(f"{self.path.resolve()}-claims")

    def wait_for_writer(self):
        """Waits until all that was answered is in the table.

        The processes that answered may have been killed; then a command writes what they left.
        """

        def written():
            if self.claims.waiting() == 0:
                return True
            run(self._argv("status"))
            return self.claims.waiting() == 0

        wait_until(written, SECONDS_MAX, "all claims are written")

    def command(self, *words):
        """What a command of the program prints, run by the user in a process of its own."""
        done = run(self._argv(*words))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _argv(self, *words):
        return as_user([control_path(), "--database", self.path, *words])

    def mappings(self, pool_name):
        """Which controller each resolver of a pool is mapped to, once all that was answered is in
        the table: {ldns: controller name}."""
        self.wait_for_writer()
        return self.rows_of(pool_name)

    def rows_of(self, pool_name):
        """The same as the table has it now."""
        return dict(
            self.rows(
                "SELECT p.ldns, c.name FROM persistence AS p"
                " JOIN controller AS c ON c.id = p.controller_id"
                f" JOIN pool ON pool.id = p.pool_id WHERE pool.name = '{pool_name}'"
            )
        )

    def wait_for_mappings(self, pool_name, wanted):
        """Waits until a pool has these mappings, {ldns: controller name}, and perhaps others: an
        answer's row is there some moments after it."""

        def missing():
            found = self.rows_of(pool_name)
            return {ldns: name for ldns, name in wanted.items() if found.get(ldns) != name}

        def what():
            left = missing()
            return (f"{len(left)} of {len(wanted)} have no such row,"
                    f" {self.claims.waiting()} claims wait: {left}")

        wait_until(lambda: not missing(), SECONDS_MAX, what)

    @contextlib.contextmanager
    def locked(self):
        """For the time of the block another program is in the middle of a transaction."""
        argv = as_user(["sqlite3", "-batch", self.path])
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(argv, text=True, **pipes) as shell:
            shell.stdin.write(f"{PATIENT}\nBEGIN IMMEDIATE; SELECT 'locked';\n")
            shell.stdin.flush()
            assert shell.stdout.readline() == "locked\n"
            yield
            shell.communicate("ROLLBACK;\n")

    @contextlib.contextmanager
    def without_maintenance(self):
        """No round runs in the block, however long the disk takes for one: we hold its lock, the
        first of backend/system/lock_file.h.  A backend that serves this database makes the file.
        """
        path = Path(f"{self.path}-lock")
        wait_until(path.exists, SECONDS_MAX, "a file for locks")
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
            yield

    def add_pool(self, name, servers, balanced_name=None, **columns):
        """A pool with its own controllers (NAME-1, NAME-2, ...), and one name that it answers.

        servers: one (ipv4, ipv6) or host name each, in their order.  columns: those of the table
        `pool`.
        """
        pool = Pool(name, tuple(servers), balanced_name or f"{name}.example.com")
        values = {"name": name, **columns}
        statements = [
            "BEGIN",
            f"INSERT INTO pool ({', '.join(values)})"
            f" VALUES ({', '.join(map(_literal, values.values()))})",
        ]
        for position, server in enumerate(servers, 1):
            host = server if isinstance(server, str) else None
            ipv4, ipv6 = (None, None) if host else server
            controller = pool.controller(position - 1)
            statements += [
                "INSERT INTO controller (name, address)"
                f" VALUES ('{controller}', {_literal(ipv4 or ipv6 or host)})",
                "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, name)"
                f" SELECT pool.id, controller.id, {position}, {_literal(ipv4)}, {_literal(ipv6)},"
                f" {_literal(host)} FROM pool, controller"
                f" WHERE pool.name = '{name}' AND controller.name = '{controller}'",
            ]
        statements += [
            "INSERT INTO balanced_name (name, pool_id)"
            f" SELECT '{pool.question_name}', id FROM pool WHERE name = '{name}'",
            "COMMIT",
        ]
        self.sql(";\n".join(statements) + ";\n")
        return pool

    def set_available(self, pool, index, available, family=None):
        """What the monitor would do: the metric of one server of a pool, up (True) or down.

        family: "ipv4" or "ipv6", if that address alone is meant.
        """
        metric = f"availability-{family}" if family else "availability"
        self.sql(
            "INSERT OR REPLACE INTO virtual_server_metric"
            " (virtual_server_id, name, value, measured_at)"
            f" SELECT v.id, '{metric}', {int(available)}, unixepoch()"
            f" FROM virtual_server AS v JOIN pool ON pool.id = v.pool_id"
            f" WHERE pool.name = '{pool.name}' AND v.position = {index + 1};"
        )

    def age(self, pool, seconds):
        """Lets the mappings of a pool be so much older, instead of waiting."""
        self.wait_for_writer()
        self.sql(
            f"UPDATE persistence SET timestamp = timestamp - {seconds}"
            f" WHERE pool_id = (SELECT id FROM pool WHERE name = '{pool.name}');"
        )


def _literal(value):
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


@dataclasses.dataclass(frozen=True)
class Pool:
    """What a test knows of a pool that it has put into the database."""

    name: str
    servers: tuple  # (ipv4, ipv6) or the host name of each, in order
    question_name: str

    def controller(self, index):
        return f"{self.name}-{index + 1}"

    def answer(self, index, rdtype="A"):
        """The addresses in the answer when server `index` is chosen."""
        address = self.servers[index][rdtype == "AAAA"]
        return (address,) if address else ()

    def index_of(self, reply):
        """Which server a reply names."""
        (address,) = reply.addresses
        return next(i for i, server in enumerate(self.servers) if address in server)


class Shell:
    """A sqlite3 shell that stays open.  run() returns when the statements are done."""

    MARK = "--done--"

    def __init__(self, path, *options, user=USER):
        self.process = subprocess.Popen(
            as_user(["sqlite3", "-batch", *options, "-separator", " ", path], user),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.run(PATIENT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(SECONDS_MAX)
        self.process.stdout.close()

    def run(self, sql):
        """The lines that the shell printed, errors among them."""
        guard = threading.Timer(SECONDS_MAX, self.process.kill)
        guard.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it ends at an error, with -bail
                self.process.stdin.write(f"{sql}\n.print {self.MARK}\n")
                self.process.stdin.flush()
            return self._until_mark()
        finally:
            guard.cancel()

    def _until_mark(self):
        printed = []
        while (line := self.process.stdout.readline().rstrip("\n")) != self.MARK:
            assert self.process.poll() is None or line, f"the shell ended: {printed}"
            printed.append(line)
        return printed

    def change(self, sql):
        """Runs statements that print nothing."""
        printed = self.run(sql)
        assert printed == [], printed

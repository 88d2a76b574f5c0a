"""The show of scripts/demo: real questions to a real PowerDNS, and every sentence checked.

    demo.py PROGRAM PORT [--once]      PROGRAM: the built pdns-sticky

Server   a pdns_server of our own, its sample database and their temporary directory
Screen   how things look: headings, tables, SQL, colours on a terminal
Show     what is shown, step by step; Wrong is raised as soon as an answer is not as said
"""

import contextlib
import importlib.machinery
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
TOP = SCRIPTS.parent
ask = importlib.machinery.SourceFileLoader("ask", str(SCRIPTS / "ask")).load_module()

USER = "pdns" if os.geteuid() == 0 else None  # whom we become for the server and the database
ADDRESS = ask.SERVER
NAME = "www.example.com"
POOL = "web"
SITES = ("ams", "fra", "nyc")
RESOLVERS = (
    "192.0.2.10",
    "192.0.2.11",
    "192.0.2.12",
    "198.51.100.53",
    "198.51.100.54",
    "203.0.113.7",
    "2001:db8:53::1",
    "2001:db8:53::2",
)
WIDTH = 78


class Failed(Exception):
    """The show can't go on; the text says why."""


class Wrong(Failed):
    """Something was said on the screen and the answers are otherwise."""


class Stopped(Exception):
    """A signal asked us to end; its number is the argument."""


# ---------------------------------------------------------------- the server


class Server:
    """pdns_server and its database, from `with` to the end of the block."""

    def __init__(self, program, port):
        self.built, self.port = Path(program), port
        self.directory = self.process = None

    @property
    def database(self):
        return self.directory / "sticky.sqlite"

    @property
    def program(self):
        return self.directory / "pdns-sticky"

    def __enter__(self):
        try:
            self._refuse_taken_port()
            self._make_directory()
            for script in ("schema.sql", "demo.sql"):
                self.sql((TOP / "schema" / script).read_text())
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.process:
                self._end_process()
        finally:
            if self.directory:
                shutil.rmtree(self.directory, ignore_errors=True)

    def as_user(self, *argv):
        """The command line that runs argv as the unprivileged user, and not longer than we run."""
        switch = [f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if USER else []
        return ["setpriv", *switch, "--pdeathsig=KILL", "--", *map(str, argv)]

    def run(self, *argv, text=None):
        """What a command printed. It must succeed."""
        result = subprocess.run(
            self.as_user(*argv), input=text, capture_output=True, text=True, cwd=self.directory
        )
        if result.returncode:
            raise Failed(f"{Path(argv[0]).name} failed: {(result.stderr or result.stdout).strip()}")
        return result.stdout

    def sql(self, text, *options):
        """What the sqlite3 shell prints for these statements; committed when this returns."""
        shell = ("sqlite3", "-batch", "-bail", "-init", "/dev/null")
        return self.run(*shell, *options, self.database, text=".timeout 5000\n" + text + ";\n")

    def rows(self, query):
        return json.loads(self.sql(query, "-json") or "[]")

    def log_tail(self):
        with contextlib.suppress(OSError, TypeError):
            return "\n".join((self.directory / "pdns.log").read_text().splitlines()[-15:])
        return ""

    def _refuse_taken_port(self):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((ADDRESS, self.port))
                except OSError as error:
                    raise Failed(
                        f"port {self.port} of {ADDRESS} can't be used ({error.strerror});"
                        f" another one: scripts/demo --port {self.port + 1}"
                    ) from None

    def _make_directory(self):
        """A directory where the user can write and run the program; not every /tmp lets it.

        The program is copied there because the checkout may be closed to that user.
        """
        for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
            if " " in parent:  # PowerDNS would cut its pipe-command there
                continue
            self.directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-demo.", dir=parent))
            self.directory.chmod(0o755)
            shutil.copy(self.built, self.program)
            shutil.copy(TOP / "pdns-conf" / "pipe.conf", self.directory / "pdns.conf")
            self.program.chmod(0o755)
            (self.directory / "pdns.conf").chmod(0o644)
            if USER:
                shutil.chown(self.directory, USER, pwd.getpwnam(USER).pw_gid)
            with contextlib.suppress(Failed, OSError):
                self.run(self.program, "--version")
                return
            shutil.rmtree(self.directory)
            self.directory = None
        raise Failed(
            f"{self.built.name} doesn't run as user {USER or 'you'} from /tmp or /var/tmp;"
            " name another directory in TMPDIR"
        )

    def _start(self):
        """PowerDNS with pdns-conf/pipe.conf as it is; only what a demonstration must is changed."""
        settings = {
            "config-dir": self.directory,
            "pipe-command": f"{self.program} --database {self.database}",
            "local-address": ADDRESS,
            "local-port": self.port,
            "proxy-protocol-from": ask.PROXY_ADDRESS,
            "socket-dir": self.directory,
            "setuid": "",
            "setgid": "",
            "daemon": "no",
            "guardian": "no",
            "write-pid": "no",
            "disable-syslog": "yes",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with open(self.directory / "pdns.log", "wb") as log:
            self.process = subprocess.Popen(
                self.as_user(shutil.which("pdns_server", path="/usr/sbin:/usr/bin"), *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for us; we end PowerDNS
            )
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"pdns_server ended at once, code {self.process.returncode}")
            with contextlib.suppress(ask.NoReply):
                if ask.ask(None, "example.com", "SOA", port=self.port, seconds=1).answer:
                    return
            time.sleep(0.05)
        raise Failed("pdns_server doesn't answer")

    def _end_process(self):
        """PowerDNS first, then what is left of its process group.

        It stays a zombie until the group is dealt with, so that nobody else can have the number.
        """
        pid, done = self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG
        if self.process.returncode is None:
            self.process.terminate()
            end = time.monotonic() + 5
            while time.monotonic() < end and not os.waitid(os.P_PID, pid, done):
                time.sleep(0.02)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            self.process.wait()


# ---------------------------------------------------------------- the screen


class Screen:
    """80 columns of plain text; colours and pauses where somebody looks."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.colours = self.terminal and os.environ.get("TERM") != "dumb"
        self.colours = self.colours and "NO_COLOR" not in os.environ
        self.boxes = "-box" if sys.stdout.encoding.lower() == "utf-8" else "-table"
        sys.stdout.reconfigure(line_buffering=True)

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text

    def heading(self, text):
        if self.terminal:
            time.sleep(1.5)
        print("\n" + self._paint("1", text) + "\n" + self._paint("1", "-" * len(text)))

    def say(self, text):
        print(textwrap.fill(" ".join(text.split()), WIDTH))

    def command(self, text):
        """What is about to be run, as one would type it."""
        print("\n" + self._paint("36", textwrap.indent(text, "  ")) + "\n")

    def output(self, text):
        print(textwrap.indent(text.rstrip("\n"), "  "))

    def table(self, head, rows, marked=()):
        """rows: tuples, as many columns as head. marked: numbers of the rows to stand out."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in [head, *rows]]
        print("\n  " + self._paint("4", lines[0]))
        for number, line in enumerate(lines[1:]):
            print("  " + (self._paint("33;1", line) if number in marked else line))
        print()

    def right(self, text):
        """A sentence that has just been checked."""
        print(self._paint("32", textwrap.fill(text, WIDTH, subsequent_indent="    ", initial_indent="ok: ")))


# ---------------------------------------------------------------- the show


def check(condition, text):
    if not condition:
        raise Wrong(text)


class Show:
    def __init__(self, server, screen):
        self.server, self.screen = server, screen
        self.asked = 0
        self.site_of = {
            row["ipv4"]: row["name"]
            for row in server.rows(
                "SELECT v.ipv4, c.name FROM virtual_server AS v"
                " JOIN controller AS c ON c.id = v.controller_id"
                f" JOIN pool AS p ON p.id = v.pool_id WHERE p.name = '{POOL}'"
            )
        }
        self.address_of = {site: address for address, site in self.site_of.items()}
        check(set(self.address_of) == set(SITES), f"the sample database has other sites: {self.site_of}")

    def site(self, resolver):
        """The site that a resolver is sent to, from the answer to a real question."""
        self.asked += 1
        try:
            reply = ask.ask(resolver, NAME, port=self.server.port)
        except ask.NoReply as error:
            raise Wrong(f"{resolver} asked for {NAME}: {error}") from None
        addresses = ask.addresses(reply)
        known = len(addresses) == 1 and addresses[0] in self.site_of
        check(known, f"{resolver} asked for {NAME} and got:\n{ask.describe(reply, 'A')}")
        return self.site_of[addresses[0]]

    def sites(self, resolvers):
        """{resolver: site}, which the table must have down just so when the answers are here."""
        answers = {resolver: self.site(resolver) for resolver in resolvers}
        table = self.remembered()
        for resolver, site in answers.items():
            check(
                table.get(resolver) == site,
                f"{resolver} was sent to {site}, but the table says {table.get(resolver)}",
            )
        return answers

    def remembered(self):
        rows = self.server.rows(f"SELECT ldns, controller FROM mapping WHERE pool = '{POOL}'")
        return {row["ldns"]: row["controller"] for row in rows}

    def sql(self, text):
        """Shows a statement and runs it."""
        self.screen.command(f'sqlite3 $db "{text}"')
        self.server.sql(text)

    def _site_and_address(self, site):
        return f"{site}  {self.address_of[site]}"

    def everything(self):
        screen = self.screen
        screen.say(
            f"""PowerDNS listens on {ADDRESS} port {self.server.port}, as user
            {USER or pwd.getpwuid(os.geteuid()).pw_name}, with the settings of pdns-conf/pipe.conf.
            {NAME} is balanced over the sites {SITES[0]}, {SITES[1]} and {SITES[2]}. The questions
            are real ones, over UDP; a PROXY protocol header before each says which resolver (LDNS)
            it comes from. Lines with "ok:" were checked against the answers."""
        )
        first = self.step_sticks()
        down = self.step_down(first)
        self.step_returns(first, down)
        self.step_operator(down)
        self.step_explain()

    def step_sticks(self):
        screen = self.screen
        screen.heading("1. Each resolver gets a site, and keeps it")
        screen.say(f"{len(RESOLVERS)} resolvers ask for {NAME}, and then five times more each.")
        first = self.sites(RESOLVERS)
        rows, same = [], 0
        for resolver, site in first.items():
            again = {self.site(resolver) for _ in range(5)}
            same += again == {site}
            text = "the same" if again == {site} else " ".join(sorted(again))
            rows.append((resolver, site, self.address_of[site], text))
        screen.table(("resolver (LDNS)", "site", "answer", "5 times more"), rows)
        check(same == len(RESOLVERS), "not every resolver got the same site again")
        check(set(first.values()) == set(SITES), "not every site got a resolver")
        screen.right("all three sites have resolvers, and each resolver always got its own site.")
        screen.say("What pdns-sticky remembers is a table of the database:")
        query = f"SELECT pool, ldns, controller, since, left_s, live\n  FROM mapping WHERE pool = '{POOL}'"
        screen.command(f'sqlite3 {screen.boxes} $db "{query}"')
        screen.output(self.server.sql(query, screen.boxes))
        return first

    def step_down(self, first):
        screen = self.screen
        screen.heading("2. A site goes down: only its resolvers move")
        screen.say("A health check would write this. From the next question on it counts.")
        self.sql(
            "INSERT INTO controller_metric (controller_id, name, value)\n"
            "  SELECT id, 'availability', 0 FROM controller WHERE name = 'fra'"
        )
        now = self.sites(RESOLVERS)
        self.compare(("resolver (LDNS)", "before", "fra is down"), (first, now))
        moved = self.moved(first, now)
        homeless = {resolver for resolver, site in first.items() if site == "fra"}
        check(moved == homeless, "others than the resolvers of fra moved, or not all of those did")
        check("fra" not in now.values(), "a resolver was sent to fra, which is down")
        screen.right(f"the {len(moved)} resolvers of fra moved, the other {len(now) - len(moved)} didn't.")
        return now

    def step_returns(self, first, down):
        screen = self.screen
        screen.heading("3. The site returns: nobody moves again")
        self.sql(
            "UPDATE controller_metric SET value = 1 WHERE name = 'availability'\n"
            "  AND controller_id = (SELECT id FROM controller WHERE name = 'fra')"
        )
        now = self.sites(RESOLVERS)
        self.compare(("resolver (LDNS)", "at first", "fra was down", "fra is back"), (first, down, now))
        check(now == down, "a resolver moved when fra returned")
        screen.right("all stayed where they were, those of fra on their new site.")
        newcomer = "192.0.2.16"
        check(self.sites([newcomer])[newcomer] == "fra", f"{newcomer} was not sent to fra")
        screen.right(f"{newcomer}, which never asked before, is sent to fra: it is in use again.")

    def step_operator(self, before):
        screen = self.screen
        screen.heading("4. The operator decides: let one go, drain a site")
        resolver = RESOLVERS[0]
        screen.say(f"Without its row {resolver} is decided anew, and comes home to fra:")
        self.sql(f"DELETE FROM persistence WHERE ldns = '{resolver}'")
        now = self.sites(RESOLVERS)
        check(self.moved(before, now) == {resolver}, f"others than {resolver} moved, or it did not")
        check(now[resolver] == "fra", f"{resolver} went to {now[resolver]}")
        screen.right(f"{resolver} moved from {before[resolver]} to {now[resolver]}, nobody else did.")

        print()
        screen.say(
            """A draining site keeps the resolvers it has and gets no new ones. Of the three
            newcomers, neighbours by address, one would have been for nyc:"""
        )
        self.sql("UPDATE controller SET state = 'draining' WHERE name = 'nyc'")
        newcomers = [f"192.0.2.{last}" for last in (20, 21, 22)]
        numbers = {int(ipaddress.ip_address(newcomer)) % len(SITES) for newcomer in newcomers}
        check(len(numbers) == len(SITES), "the newcomers are chosen badly")
        drained = self.sites(RESOLVERS)
        new = self.sites(newcomers)
        everybody = {**drained, **new}
        stays = {resolver: site for resolver, site in everybody.items() if site == "nyc"}
        rows = [(r, self._site_and_address(s), "new" if r in new else "stays") for r, s in stays.items()]
        rows += [(r, self._site_and_address(s), "new") for r, s in new.items()]
        screen.table(("resolver (LDNS)", "answer", "nyc drains"), rows)
        check(drained == now, "a resolver moved when nyc began to drain")
        check(stays, "nyc has no resolvers to keep")
        check("nyc" not in new.values(), "nyc drains and got a new resolver")
        screen.right(f"nyc keeps its {len(stays)} resolvers; the newcomers went to the other sites.")

    def step_explain(self):
        screen = self.screen
        screen.heading("5. Why does a resolver get this answer?")
        resolver = RESOLVERS[3]
        screen.say(
            f"""explain shows each step for {resolver}: the mapping binds. Below it, where the
            arithmetic alone would have sent it. It changes nothing."""
        )
        screen.command(f"pdns-sticky --database $db explain {NAME} {resolver}")
        before = self.remembered()
        text = self.server.run(
            self.server.program, "--database", self.server.database, "explain", NAME, resolver
        )
        screen.output(text)
        site = self.site(resolver)
        check(f"mapping: to {site}" in text, f"explain doesn't tell of the mapping to {site}")
        check(f" A {self.address_of[site]}" in text, "explain gives another answer than PowerDNS")
        check(self.remembered() == before, "explain or the question after it changed a mapping")
        print()
        screen.right(f"PowerDNS answered {resolver} as explained: {self._site_and_address(site)}.")

    @staticmethod
    def moved(before, now):
        return {resolver for resolver in before if before[resolver] != now[resolver]}

    def compare(self, head, columns):
        """A row for each resolver, marked if the last column differs from the first."""
        rows, marked = [], set()
        for number, resolver in enumerate(columns[0]):
            sites = [column[resolver] for column in columns]
            text = ""
            if len(set(sites)) > 1:
                marked.add(number)
                text = "<- moved" if sites[-2] != sites[-1] else "<- stays"
            cells = [*sites[:-1], self._site_and_address(sites[-1])]
            rows.append((resolver, *cells, text))
        self.screen.table((*head, ""), rows, marked)


# ---------------------------------------------------------------- afterwards


def what_to_try(server, screen):
    other_port = f" --port {server.port}" if server.port != ask.PORT else ""
    dig = "" if shutil.which("dig") else "   # Debian has dig in bind9-dnsutils"
    root = "\n  sudo -s     # the database belongs to the user pdns" if USER else ""
    screen.heading("Now you")
    screen.say("All this stays up until you press Ctrl-C here. In another terminal:")
    screen.command(
        f"cd {TOP}\ndb={server.database}{root.replace(chr(10) + '  ', chr(10))}\n"
        f"scripts/ask 192.0.2.10 {NAME}{other_port}        # as that resolver\n"
        f"dig @{ADDRESS} -p {server.port} {NAME} +short{dig}\n"
        f'sqlite3 {screen.boxes} $db "SELECT * FROM server"\n'
        f"sqlite3 $db \"UPDATE controller SET state='enabled' WHERE name='nyc'\"\n"
        f"sqlite3 $db \"DELETE FROM mapping WHERE ldns='127.0.0.1'\"\n"
        f"{server.program} -d $db status"
    )


def stay(server, screen):
    what_to_try(server, screen)
    server.process.wait()
    raise Failed(f"pdns_server has ended, code {server.process.returncode}")


def end_by_signal(number, _):
    signal.signal(number, signal.SIG_IGN)
    raise Stopped(number)


def main(program, port, once):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    screen = Screen()
    server = Server(program, int(port))
    shown = False
    try:
        with server:
            try:
                show = Show(server, screen)
                show.everything()
                shown = True
                screen.heading("All as it should be")
                screen.say(f"{show.asked} questions asked, every answer as shown.")
                if not once:
                    stay(server, screen)
            except Failed as error:
                error.log = server.log_tail()
                raise
    except Failed as error:
        tail = getattr(error, "log", "")
        if tail:
            print(f"\nThe end of PowerDNS's log:\n{tail}", file=sys.stderr)
        kind = "NOT AS IT SHOULD BE" if isinstance(error, Wrong) else "demo"
        print(f"\n{kind}: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print("\nstopped, cleaned up")
        return 0 if shown else 128 + stopped.args[0]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], "--once" in sys.argv[3:]))

"""What scripts/demo shows: real questions to a real PowerDNS, and every sentence checked.

    demo.py DIRECTORY PORT [--once]    DIRECTORY: where the programs were built

Server   a pdns_server of our own, its sample database and their temporary directory
Sites    a small web server for each site, and the monitor that watches them
Screen   how it looks: headings, tables, SQL, colours on a terminal
Show     what is shown, step by step; raises Wrong as soon as an answer is not as it says
"""

import contextlib
import errno
import importlib.machinery
import importlib.util
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


def load_script(path):
    """A Python script as a module, though its name has no .py."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


ask = load_script(SCRIPTS / "ask")

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
NEW_FOR_FRA, NEW_FOR_NYC = "192.0.2.16", "192.0.2.23"  # by modulus, with all three sites
NEIGHBOURS = ("192.0.2.20", "192.0.2.21", "192.0.2.22")  # one of them for each site
SITE_ADDRESSES = {"ams": "127.0.0.11", "fra": "127.0.0.12", "nyc": "127.0.0.13"}
NOTICED_S = 10  # pdns-stickyd checks every second; after two failures a site is down
WIDTH = 78
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_DIRECTORY = 60  # PowerDNS's control socket goes there, and its path may have 107 bytes


class Failed(Exception):
    """The demonstration cannot go on; the text says why."""


class Wrong(Failed):
    """An answer is not as the screen says."""


class Stopped(Exception):
    """A signal asked us to end; its number is the argument."""


# ---------------------------------------------------------------- the server


class Server:
    """pdns_server and its database, from `with` to the end of the block."""

    script = "scripts/demo"

    def __init__(self, built, port):
        self.built, self.port = Path(built), port
        self.directory = self.process = None
        self.last_log = ""  # the end of PowerDNS's log, after the block

    @property
    def database(self):
        return self.directory / "sticky.sqlite"

    @property
    def program(self):
        return self.directory / "pdns-sticky"

    @property
    def control(self):
        return self.directory / "pdns-stickyctl"

    @property
    def monitor(self):
        return self.directory / "pdns-stickyd"

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
        for number in SIGNALS:  # a second Ctrl-C must not leave half of it behind
            signal.signal(number, signal.SIG_IGN)
        try:
            if self.process:
                end_process(self.process)
        finally:
            if self.directory:
                with contextlib.suppress(OSError):
                    log = (self.directory / "pdns.log").read_text(errors="replace")
                    self.last_log = "\n".join(log.splitlines()[-15:])
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
        """The rows of a query, once all mappings that were answered are stored: status waits."""
        self.run(self.control, "--database", self.database, "status")
        return json.loads(self.sql(query, "-json") or "[]")

    def start(self, log, *argv):
        """A process that stays, as the unprivileged user, with its output in a file."""
        with open(self.directory / log, "wb") as output:
            return subprocess.Popen(
                self.as_user(*argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for us; we end it
            )

    def _refuse_taken_port(self):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((ADDRESS, self.port))
                except OSError as error:
                    taken = error.errno == errno.EADDRINUSE
                    raise Failed(
                        f"port {self.port} of {ADDRESS}"
                        f" {'is in use' if taken else 'cannot be used: ' + error.strerror};"
                        f" choose another with {self.script} --port N"
                    ) from None

    def _make_directory(self):
        """A directory where the user can write and run the program; not every /tmp lets it.

        The programs are copied there because the checkout may be closed to that user.
        """
        for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
            # PowerDNS would cut its pipe-command at a space.
            if " " in parent or len(parent) > LONGEST_DIRECTORY:
                continue
            with contextlib.suppress(Failed, OSError):
                self.directory = Path(tempfile.mkdtemp(prefix="pdns-sticky-demo.", dir=parent))
                self._fill_directory()
                # In a shell of the user: setpriv itself starts programs with root's rights.
                trial = 'test -w "$1" && "$2" --version'
                self.run("sh", "-c", trial, "sh", self.directory, self.program)
                return
            if self.directory:
                shutil.rmtree(self.directory, ignore_errors=True)
                self.directory = None
        raise Failed(
            f"user {USER or 'you'} cannot run pdns-sticky from /tmp or /var/tmp;"
            " set TMPDIR to another directory"
        )

    def _fill_directory(self):
        for source, target, mode in (
            (self.built / "pdns-sticky", self.program, 0o755),
            (self.built / "pdns-stickyd", self.monitor, 0o755),
            (self.built / "pdns-stickyctl", self.control, 0o755),
            (TOP / "pdns-conf" / "pipe.conf", self.directory / "pdns.conf", 0o644),
        ):
            shutil.copy(source, target)
            target.chmod(mode)
        self.directory.chmod(0o755)
        if USER:
            shutil.chown(self.directory, USER, pwd.getpwnam(USER).pw_gid)

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
        pdns_server = shutil.which("pdns_server", path="/usr/sbin:/usr/bin")
        self.process = self.start("pdns.log", pdns_server, *options)
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"pdns_server exited at once with status {self.process.returncode}")
            with contextlib.suppress(ask.NoReply):
                if ask.ask(None, "example.com", "SOA", port=self.port, seconds=1).answer:
                    return
            time.sleep(0.05)
        raise Failed("pdns_server does not answer")


def end_process(process):
    """A process first, then what is left of its group.

    It stays a zombie until the group is dealt with, so that nobody else can have the number.
    """
    pid, done = process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG
    if process.returncode is None:
        process.terminate()
        end = time.monotonic() + 5
        while time.monotonic() < end and not os.waitid(os.P_PID, pid, done):
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        process.wait()


class Sites:
    """A web server of Python's for each site on a loopback address, and pdns-stickyd."""

    def __init__(self, server):
        self.server = server
        self.port = None
        self.processes = {}

    def __enter__(self):
        try:
            self.port = self._free_port()
            self.server.run("mkdir", "site")
            for site in SITES:
                self.start(site)
            monitor = (self.server.monitor, "--foreground", "--database", self.server.database)
            self.processes["monitor"] = self.server.start("monitor.log", *monitor)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)

    def start(self, site):
        web = (sys.executable, "-m", "http.server", "--directory", "site")
        self.processes[site] = self.server.start(
            f"{site}.log", *web, "--bind", SITE_ADDRESSES[site], self.port
        )

    def stop(self, name):
        end_process(self.processes.pop(name))

    @staticmethod
    def _free_port():
        """One that no site's address has in use."""
        for _ in range(100):
            with contextlib.ExitStack() as stack:
                port = 0
                with contextlib.suppress(OSError):
                    for address in SITE_ADDRESSES.values():
                        trial = stack.enter_context(socket.socket())
                        trial.bind((address, port))
                        port = trial.getsockname()[1]
                    return port
        raise Failed("the web servers find no free port")


# ---------------------------------------------------------------- the screen


class Screen:
    """80 columns of plain text; colours and pauses where somebody looks."""

    PAUSE_S = 1.5

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.colours = self.terminal and os.environ.get("TERM") != "dumb"
        self.colours = self.colours and "NO_COLOR" not in os.environ
        self.boxes = "-box" if sys.stdout.encoding.lower() == "utf-8" else "-table"
        self.after_gap = True
        sys.stdout.reconfigure(line_buffering=True)

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text

    def _print(self, text):
        print(text)
        self.after_gap = False

    def gap(self):
        """An empty line, but never two."""
        if not self.after_gap:
            print()
        self.after_gap = True

    def heading(self, text):
        if self.terminal:
            time.sleep(self.PAUSE_S)
        self.gap()
        self._print(self._paint("1", text))
        self._print(self._paint("1", "-" * len(text)))

    def say(self, text):
        text = " ".join(text.split())
        self._print(textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False))

    def command(self, text):
        """What is about to be run, as one would type it."""
        self.gap()
        self._print(self._paint("36", textwrap.indent(text, "  ")))
        self.gap()

    def output(self, text):
        """What a command printed; a line too long for the screen goes on in the next."""
        for line in text.splitlines():
            start = line[: len(line) - len(line.lstrip())]
            folded = textwrap.wrap(
                line, WIDTH - 2, initial_indent="  ", subsequent_indent=start + "      "
            )
            self._print("\n".join(folded) if len(line) > WIDTH - 2 else "  " + line)
        self.gap()

    def table(self, head, rows, marked=()):
        """rows: tuples, as many columns as head. marked: numbers of the rows to stand out."""
        self.gap()
        widths = [max(map(len, column)) for column in zip(head, *rows)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in (head, *rows)
        ]
        self._print("  " + self._paint("4", lines[0]))
        for number, line in enumerate(lines[1:]):
            self._print("  " + (self._paint("33;1", line) if number in marked else line))
        self.gap()

    def right(self, text):
        """A sentence that has just been checked."""
        text = textwrap.fill("ok: " + text, WIDTH, subsequent_indent="    ")
        self._print(self._paint("32;1", "ok:") + text[3:])


# ---------------------------------------------------------------- the show


def check(condition, text):
    if not condition:
        raise Wrong(text)


class Show:
    def __init__(self, server, sites, screen):
        self.server, self.watched, self.screen = server, sites, screen
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
        found = " ".join(sorted(self.address_of))
        check(set(self.address_of) == set(SITES), f"the sample database has the sites {found}")

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

    def check_newcomer(self, resolver, site):
        got = self.sites([resolver])[resolver]
        check(got == site, f"the new resolver {resolver} was sent to {got}, not to {site}")
        self.screen.right(f"{resolver} asked for the first time and was sent to {site}.")

    def _site_and_address(self, site):
        return f"{site}  {self.address_of[site]}"

    def everything(self):
        screen = self.screen
        screen.say(
            f"""PowerDNS listens on {ADDRESS} port {self.server.port} as user
            {USER or pwd.getpwuid(os.geteuid()).pw_name}, with the settings of pdns-conf/pipe.conf.
            The name {NAME} is balanced over three sites: {SITES[0]}, {SITES[1]} and {SITES[2]}. The
            questions are real DNS questions over UDP. A PROXY protocol header before each tells
            PowerDNS which resolver (LDNS) asks. Each sentence after "ok:" was checked against the
            answers."""
        )
        screen.say(f"$db is the sample database, {self.server.database}")
        first = self.step_sticks()
        self.step_watch()
        down = self.step_down(first)
        self.step_returns(first, down)
        self.step_operator(down)
        self.step_explain()

    def step_sticks(self):
        screen = self.screen
        screen.heading("1. Each resolver gets a site and keeps it")
        screen.say(f"Each of these resolvers asks for {NAME}, and then asks five times more.")
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
        screen.right("every site has resolvers, and each resolver got the same site every time.")
        screen.gap()
        screen.say("pdns-sticky remembers this in a table of the database:")
        columns = "pool, ldns, controller, since, left_s, live"
        query = f"SELECT {columns}\n  FROM mapping WHERE pool = '{POOL}'"
        screen.command(f'sqlite3 {screen.boxes} $db "{query}"')
        screen.output(self.server.sql(query, screen.boxes))
        return first

    def wait_for(self, states):
        """Waits until pdns-stickyd has found the sites so; returns the seconds that took."""
        begin = time.monotonic()
        query = f"SELECT controller, state FROM health WHERE pool = '{POOL}'"
        while time.monotonic() - begin < NOTICED_S:
            found = {row["controller"]: row["state"] for row in self.server.rows(query)}
            if found == states:
                return time.monotonic() - begin
            time.sleep(0.1)
        raise Wrong(f"after {NOTICED_S} s pdns-stickyd found {found}, not {states}")

    def show_health(self):
        columns = "controller, address, state, reason, rtt"
        query = f"SELECT {columns}\n  FROM health WHERE pool = '{POOL}'"
        self.screen.command(f'sqlite3 {self.screen.boxes} $db "{query}"')
        self.screen.output(self.server.sql(query, self.screen.boxes))

    def step_watch(self):
        screen = self.screen
        screen.heading("2. pdns-stickyd checks the sites")
        screen.say(
            """pdns-stickyd gets a page from each site every second. After two failures in a row a
            site is down. Nobody has the addresses of the example, so three small web servers on
            this machine stand for the sites, and check_address says where they are."""
        )
        self.sql(
            "INSERT INTO monitor\n    (name, type, port, interval, timeout, rise, fall)\n"
            f"  VALUES ('page', 'http', {self.watched.port}, 1, 1, 1, 2)"
        )
        self.sql(
            "UPDATE pool SET monitor_id =\n    (SELECT id FROM monitor WHERE name = 'page')"
        )
        self.sql("UPDATE virtual_server\n  SET check_address = '127.0.0.1' || controller_id")
        self.wait_for(dict.fromkeys(SITES, "up"))
        self.show_health()
        screen.right("pdns-stickyd finds all three sites up.")

    def step_down(self, first):
        screen = self.screen
        screen.heading("3. A site fails: only its resolvers move")
        screen.say("We stop the web server of fra.")
        self.watched.stop("fra")
        seconds = self.wait_for({"ams": "up", "fra": "down", "nyc": "up"})
        self.show_health()
        now = self.sites(RESOLVERS)
        self.compare(("resolver (LDNS)", "before", "fra is down"), (first, now))
        moved = self.moved(first, now)
        homeless = {resolver for resolver, site in first.items() if site == "fra"}
        check(moved == homeless, "resolvers of other sites moved, or not all resolvers of fra did")
        check("fra" not in now.values(), "a resolver was sent to fra, which is down")
        others = len(now) - len(moved)
        screen.right(
            f"fra was down {seconds:.1f} s later. The next questions of its {len(moved)} resolvers"
            f" were answered with other sites. The other {others} resolvers did not move."
        )
        return now

    def step_returns(self, first, down):
        screen = self.screen
        screen.heading("4. The site returns: no resolver moves again")
        screen.say(
            """We start its web server again. A load balancer that remembers nothing would now send
            the resolvers of fra back, and so move them a second time."""
        )
        self.watched.start("fra")
        self.wait_for(dict.fromkeys(SITES, "up"))
        now = self.sites(RESOLVERS)
        head = ("resolver (LDNS)", "at first", "fra was down", "fra is back")
        self.compare(head, (first, down, now))
        check(now == down, "a resolver moved when fra returned")
        screen.right("every resolver stayed where it was; those of fra stayed at their new sites.")
        self.check_newcomer(NEW_FOR_FRA, "fra")

    def step_operator(self, before):
        screen = self.screen
        screen.heading("5. You decide: forget one resolver, drain a site")
        resolver = RESOLVERS[0]
        screen.say(f"Delete the row of {resolver}. Its next question is decided anew, and leads to fra:")
        self.sql(f"DELETE FROM persistence WHERE ldns = '{resolver}'")
        now = self.sites(RESOLVERS)
        check(self.moved(before, now) == {resolver}, f"other resolvers moved, or {resolver} did not")
        check(now[resolver] == "fra", f"{resolver} went to {now[resolver]}")
        screen.right(f"{resolver} moved from {before[resolver]} to fra; no other resolver moved.")

        screen.gap()
        screen.say(
            """A draining site keeps its resolvers and gets no new ones. Three resolvers ask for the
            first time. Modulus would have sent one of them to nyc:"""
        )
        self.sql("UPDATE controller SET state = 'draining' WHERE name = 'nyc'")
        drained, new = self.sites(RESOLVERS), self.sites(NEIGHBOURS)
        kept = {resolver: site for resolver, site in drained.items() if site == "nyc"}
        screen.table(
            ("resolver (LDNS)", "nyc drains", ""),
            [(r, self._site_and_address(s), "stays") for r, s in kept.items()]
            + [(r, self._site_and_address(s), "new") for r, s in new.items()],
        )
        numbers = {int(ipaddress.ip_address(neighbour)) % len(SITES) for neighbour in NEIGHBOURS}
        check(len(numbers) == len(SITES), "modulus would have sent none of the new resolvers to nyc")
        check(drained == now, "a resolver moved when nyc began to drain")
        check(kept, "nyc has no resolvers to keep")
        check("nyc" not in new.values(), "nyc drains and got a new resolver")
        screen.right(f"nyc keeps its {len(kept)} resolvers, and the new ones went to other sites.")

        self.sql("UPDATE controller SET state = 'enabled' WHERE name = 'nyc'")
        self.check_newcomer(NEW_FOR_NYC, "nyc")

    def step_explain(self):
        screen = self.screen
        screen.heading("6. Why does a resolver get this answer?")
        resolver = RESOLVERS[3]
        screen.say(
            f"""{resolver} moved when fra was down, and now has a live mapping. Without it, modulus
            would send the resolver to fra. explain shows each step and changes nothing."""
        )
        screen.command(f"pdns-stickyctl --database $db explain {NAME} {resolver}")
        before = self.remembered()
        text = self.server.run(
            self.server.control, "--database", self.server.database, "explain", NAME, resolver
        )
        screen.output(text)
        site = self.site(resolver)
        check(f"mapping: to {site}" in text, f"explain does not show the mapping to {site}")
        check(f" A {self.address_of[site]}" in text, "explain gives another answer than PowerDNS")
        without = text.partition("without a mapping:")[2]
        check(" is fra, " in without, "explain does not say that modulus would choose fra")
        check(self.remembered() == before, "explain or the question after it changed a mapping")
        screen.right(f"PowerDNS answered {resolver} as explain said: {self._site_and_address(site)}.")

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


def what_to_try(server, sites, screen):
    try_as = "192.0.2.77"
    port = f" --port {server.port}" if server.port != ask.PORT else ""
    dig = "" if shutil.which("dig") else "   # in Debian's bind9-dnsutils"
    screen.heading("Try it yourself")
    where = "In another terminal, as root," if USER else "In another terminal,"
    screen.say(f"PowerDNS runs until you press Ctrl-C here. {where} type:")
    screen.command(f"cd {TOP}\ndb={server.database}")
    screen.say("Ask as any resolver or as 127.0.0.1, and look at the result:")
    screen.command(
        f"scripts/ask {try_as} {NAME}{port}\n"
        f"dig @{ADDRESS} -p {server.port} {NAME} +short{dig}\n"
        f'sqlite3 {screen.boxes} $db "SELECT pool, controller, state, up FROM server"\n'
        f'sqlite3 {screen.boxes} $db "SELECT ldns, controller, until, live FROM mapping"\n'
        f"{os.path.relpath(server.built / 'pdns-stickyctl', TOP)} -d $db explain {NAME} {try_as}"
    )
    screen.say("Change something, and ask again after each change:")
    screen.command(
        "sqlite3 $db \"UPDATE controller SET state = 'disabled' WHERE name = 'nyc'\"\n"
        "sqlite3 $db \"UPDATE controller SET state = 'enabled' WHERE name = 'nyc'\"\n"
        f"sqlite3 $db \"DELETE FROM persistence WHERE ldns = '{try_as}'\""
    )
    screen.say("Let pdns-stickyd find a site down, as long as its web server is stopped:")
    screen.command(
        f"kill -STOP {sites.processes['ams'].pid}\n"
        f'sqlite3 {screen.boxes} $db "SELECT * FROM health"\n'
        f"kill -CONT {sites.processes['ams'].pid}"
    )


def stay(server, sites, screen):
    what_to_try(server, sites, screen)
    server.process.wait()
    raise Failed(f"pdns_server has exited with status {server.process.returncode}")


def end_by_signal(number, _):
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def present(server, sites, screen, once):
    """Shows everything. Raises Stopped(0) when Ctrl-C comes after the end."""
    show = Show(server, sites, screen)
    show.everything()
    screen.heading("Everything was as it should be")
    screen.say(f"We asked {show.asked} questions, and every answer was as shown here.")
    if once:
        return
    try:
        stay(server, sites, screen)
    except Stopped:
        raise Stopped(0) from None


def complain(text):
    for line in ("", *text.splitlines()):
        print(textwrap.fill(line, WIDTH, break_on_hyphens=False), file=sys.stderr)


def run(name, removed, work):
    """The exit status of work(), which is a demonstration: says why it ended early, and what is
    gone then."""
    for number in SIGNALS:
        signal.signal(number, end_by_signal)
    try:
        work()
    except Failed as error:
        kind = "NOT AS IT SHOULD BE" if isinstance(error, Wrong) else name
        complain(f"{kind}: {error}")
        return 1
    except Stopped as stopped:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\nStopped. {removed}")
        return stopped.args[0] and 128 + stopped.args[0]
    except BrokenPipeError:  # head or less has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        complain(f"{name}: {error}")
        return 1
    return 0


def main(built, port, once):
    server = Server(built, int(port))

    def work():
        try:
            with server, Sites(server) as sites:
                present(server, sites, Screen(), once)
        except Failed:
            if server.last_log:
                print(f"\nThe end of PowerDNS's log:\n{server.last_log}", file=sys.stderr)
            raise

    return run("demo", "PowerDNS and the sample database were removed.", work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], "--once" in sys.argv[3:]))

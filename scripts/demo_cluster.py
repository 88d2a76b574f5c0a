"""What scripts/demo-cluster shows: three name servers, real questions, every sentence checked.

    demo_cluster.py DIRECTORY PORT [--once]    DIRECTORY: where the programs were built

Node     a name server: PowerDNS, pdns-stickyd, nats-server and a database
Cluster  three of them, which share their mappings
Show     what is shown, step by step; raises Wrong as soon as an answer is not as it says
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import demo
from demo import ADDRESS, NAME, POOL, RESOLVERS, SITES, TOP, Failed, Stopped, Wrong, ask, check

NAMES = ("ns1", "ns2", "ns3")
NEWCOMERS = tuple(f"192.0.2.{number}" for number in range(101, 107))
TORN = tuple(f"198.51.100.{number}" for number in range(101, 110))
WAIT_S = 30  # for what takes a second or two; beyond it something is wrong
ANSWER_S = 1  # no answer waits for another server
ENTRIES = f"SELECT ldns, controller FROM mapping WHERE pool = '{POOL}' ORDER BY ldns"


def free_port():
    with socket.socket() as trial:
        trial.bind((ADDRESS, 0))
        return trial.getsockname()[1]


def wait_for(found, what):
    """Waits until found() is true; returns the seconds that took."""
    begin = time.monotonic()
    while not found():
        if time.monotonic() - begin > WAIT_S:
            raise Wrong(f"not within {WAIT_S} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - begin


# ---------------------------------------------------------------- the servers


class Node(demo.Server):
    """Name server number 1, 2 or 3, from `with` to the end of the block."""

    script = "scripts/demo-cluster"

    def __init__(self, built, number, port):
        super().__init__(built, port)
        self.number, self.name = number, NAMES[number - 1]
        self.nats_port = free_port()
        self.others = {}  # processes beside PowerDNS, by name

    @property
    def url(self):
        return f"nats://{ADDRESS}:{self.nats_port}"

    def __enter__(self):
        super().__enter__()
        try:
            (self.directory / "nats.conf").write_text(
                f'listen: "{ADDRESS}:{self.nats_port}"\n'
                f'jetstream {{ store_dir: "{self.directory}/log", max_file_store: 512MB }}\n'
            )
            self.start_others()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.resume_nats()
        for name in list(self.others):
            demo.end_process(self.others.pop(name))
        super().__exit__()

    def start_others(self):
        program = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")
        self.others["nats"] = self.start("nats.log", program, "-c", self.directory / "nats.conf")
        self.others["daemon"] = self.start(
            "daemon.log", self.monitor, "--foreground", "--database", self.database
        )

    def share_with(self, peers):
        rows = ", ".join(f"({p.number}, '{p.name}', '{p.url}')" for p in peers)
        self.sql(
            f"UPDATE share SET node = {self.number}, name = '{self.name}', url = '{self.url}';"
            f"INSERT INTO peer (node, name, url) VALUES {rows}"
        )

    def kill(self):
        """All of its processes at once, as when the machine loses its power."""
        for process in (self.process, *self.others.values()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.process, self.others = None, {}

    def start_again(self):
        self._start()
        self.start_others()

    def _signal_nats(self, number):
        if "nats" in self.others:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.others["nats"].pid, number)

    def stop_nats(self):
        """It stands still: its connections stay open, and nothing moves on them."""
        self._signal_nats(signal.SIGSTOP)

    def resume_nats(self):
        self._signal_nats(signal.SIGCONT)

    def heard(self):
        """How many peers it heard within the last 3 seconds."""
        query = "SELECT count(*) AS peers FROM peer_state WHERE connected AND heard_at > unixepoch() - 3"
        return self.rows(query)[0]["peers"]


class Cluster(contextlib.ExitStack):
    """The three, which have heard each other when the block begins."""

    def __init__(self, built, port):
        super().__init__()
        self.nodes = [Node(built, number, port + number - 1) for number in (1, 2, 3)]

    def __enter__(self):
        super().__enter__()
        try:
            for node in self.nodes:
                self.enter_context(node)
                # Each server alone would choose the next site in turn: equal answers come from
                # shared mappings only.
                node.sql(f"UPDATE pool SET method = 'round-robin' WHERE name = '{POOL}'")
            for node in self.nodes:
                node.share_with([other for other in self.nodes if other is not node])
            self.wait_until_heard()
        except BaseException:
            self.close()
            raise
        return self

    def wait_until_heard(self):
        wait_for(lambda: all(n.heard() == 2 for n in self.nodes), "all servers hear each other")

    def wait_until_equal(self):
        """Waits until all tables are equal. (seconds, {resolver: site})"""
        tables = []

        def equal():
            tables[:] = [node.rows(ENTRIES) for node in self.nodes]
            return all(table == tables[0] for table in tables)

        seconds = wait_for(equal, "equal tables")
        return seconds, {row["ldns"]: row["controller"] for row in tables[0]}

    def log_tails(self):
        """The ends of the logs, for whoever looks for what went wrong."""
        for node in self.nodes:
            for log in ("daemon.log", "nats.log"):
                with contextlib.suppress(OSError, TypeError):
                    lines = (node.directory / log).read_text(errors="replace").splitlines()
                    yield "\n".join([f"{node.name}, {log}:", *lines[-8:]])


# ---------------------------------------------------------------- the show


class Show:
    def __init__(self, cluster, screen):
        self.cluster, self.screen = cluster, screen
        self.asked, self.slowest_s = 0, 0.0
        self.site_of = {
            row["ipv4"]: row["name"]
            for row in cluster.nodes[0].rows(
                "SELECT v.ipv4, c.name FROM virtual_server AS v"
                " JOIN controller AS c ON c.id = v.controller_id"
                f" JOIN pool AS p ON p.id = v.pool_id WHERE p.name = '{POOL}'"
            )
        }
        self.nodes = cluster.nodes

    def site(self, node, resolver):
        """The site that a resolver is sent to, from the answer to a real question."""
        self.asked += 1
        begin = time.monotonic()
        try:
            reply = ask.ask(resolver, NAME, port=node.port)
        except ask.NoReply as error:
            raise Wrong(f"{resolver} asked {node.name} for {NAME}: {error}") from None
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        addresses = ask.addresses(reply)
        known = len(addresses) == 1 and addresses[0] in self.site_of
        check(known, f"{resolver} asked {node.name} and got:\n{ask.describe(reply, 'A')}")
        return self.site_of[addresses[0]]

    def ask_all(self, resolvers, nodes=None):
        """{resolver: [its site at each server]}"""
        nodes = nodes or self.nodes
        return {resolver: [self.site(node, resolver) for node in nodes] for resolver in resolvers}

    def one_answer(self, resolvers, nodes=None):
        """{resolver: site}, which is the same at each server."""
        answers = self.ask_all(resolvers, nodes)
        for resolver, sites in answers.items():
            check(len(set(sites)) == 1, f"{resolver} was sent to {' and '.join(sites)}")
        return {resolver: sites[0] for resolver, sites in answers.items()}

    def ask_first(self, resolvers, nodes):
        """The servers in turn are the first that a resolver asks. {resolver: (server, site)}"""
        asked = {r: nodes[number % len(nodes)] for number, r in enumerate(resolvers)}
        return {r: (node, self.site(node, r)) for r, node in asked.items()}

    def agree(self, expected):
        """Waits for equal tables; then each server answers as expected. The seconds."""
        seconds, table = self.cluster.wait_until_equal()
        answers = self.one_answer(expected)
        for resolver, site in expected.items():
            check(answers[resolver] == site, f"{resolver}: {answers[resolver]}, not {site}")
            check(table[resolver] == site, f"{resolver}: the tables say {table[resolver]}")
        return seconds

    def sql_everywhere(self, text):
        self.screen.command(f'for db in $ns1 $ns2 $ns3; do\n  sqlite3 $db "{text}"\ndone')
        for node in self.nodes:
            node.sql(text)

    def everything(self):
        screen = self.screen
        screen.say(
            f"""Three name servers, ns1, ns2 and ns3, run on this machine, on the ports {self.nodes[0].port} to {self.nodes[-1].port} of
            {ADDRESS}. Each has a PowerDNS with pdns-sticky, its own database, pdns-stickyd and
            nats-server. The name {NAME} is balanced over the sites {', '.join(SITES[:-1])} and
            {SITES[-1]}. Its method is round-robin: a server alone would send the next resolver to
            the next site. So it is by the shared mappings alone that all servers answer alike. Each
            sentence after "ok:" was checked against the answers."""
        )
        screen.say("The databases are:")
        screen.command("\n".join(f"{node.name}={node.database}" for node in self.nodes))
        first = self.step_one_answer()
        moved = self.step_site(first)
        known = self.step_kill(moved)
        self.step_partition(known)
        check(self.slowest_s < ANSWER_S, f"an answer took {self.slowest_s:.1f} s")

    def step_one_answer(self):
        screen = self.screen
        screen.heading("1. A resolver gets one answer from all servers")
        screen.say(
            """Each of these resolvers asks one of the servers for the first time, and then, when the
            mappings are in all three databases, all of them."""
        )
        asked = self.ask_first(RESOLVERS, self.nodes)
        first = {resolver: site for resolver, (_, site) in asked.items()}
        self.agree(first)
        again = self.ask_all(RESOLVERS)
        rows = [(r, f"{asked[r][0].name}: {asked[r][1]}", *again[r]) for r in RESOLVERS]
        screen.table(("resolver (LDNS)", "first question", *NAMES), rows)
        screen.right("each resolver gets the site of its first answer from every server.")
        self.show_status(self.nodes[0])
        return first

    def show_status(self, node):
        """What status says of the peers."""
        screen = self.screen
        screen.command(f"pdns-stickyctl --database ${node.name} status | sed -n '/^sharing/,$p'")
        text = node.run(node.control, "--database", node.database, "status")
        screen.output("sharing" + text.partition("\nsharing")[2])
        check(f"sharing as {node.name}" in text, "status does not say that mappings are shared")

    def step_site(self, first):
        screen = self.screen
        screen.heading("2. A site fails: each of its resolvers moves once, for all servers")
        failed = max(SITES, key=list(first.values()).count)
        self.sql_everywhere(
            "INSERT INTO controller_metric\n"
            "      (controller_id, name, value, measured_at)\n"
            "    SELECT id, 'availability', 0, unixepoch() FROM controller\n"
            f"      WHERE name = '{failed}'"
        )
        homeless = [resolver for resolver, site in first.items() if site == failed]
        screen.say(f"The resolvers of {failed} ask one server each, and later all servers:")
        asked = self.ask_first(homeless, self.nodes[1:])
        now = {**first, **{resolver: site for resolver, (_, site) in asked.items()}}
        check(failed not in now.values(), f"a resolver was sent to {failed}, which is down")
        self.agree(now)
        rows = [(r, failed, f"{asked[r][0].name}: {now[r]}", *[now[r]] * 3) for r in homeless]
        screen.table(("resolver (LDNS)", "before", "asks", *NAMES), rows)
        others = len(first) - len(homeless)
        screen.right(f"they moved to the same site everywhere; the other {others} stayed.")
        screen.gap()
        screen.say("The site returns:")
        self.sql_everywhere("DELETE FROM controller_metric WHERE name = 'availability'")
        self.agree(now)
        screen.right("no server sends a resolver back; all stay where they are.")
        return now

    def step_kill(self, known):
        screen = self.screen
        screen.heading("3. A server is killed and returns")
        one, two, three = self.nodes
        screen.say(
            """We kill PowerDNS, pdns-stickyd and nats-server of ns3 at once. Meanwhile new resolvers
            ask the other two, and we let ns1 forget one mapping:"""
        )
        three.kill()
        forgotten = RESOLVERS[0]
        screen.command(f"pdns-stickyctl --database $ns1 forget {forgotten}")
        one.run(one.control, "--database", one.database, "forget", forgotten)
        asked = self.ask_first(NEWCOMERS, (one, two))
        now = {**known, **{resolver: site for resolver, (_, site) in asked.items()}}
        del now[forgotten]
        wait_for(lambda: one.rows(ENTRIES) == two.rows(ENTRIES), "equal tables of ns1 and ns2")
        check(forgotten not in self.table(two), f"ns2 still has a mapping of {forgotten}")
        check(self.one_answer(now, (one, two)) == now, "ns1 and ns2 changed an answer")
        screen.right("ns1 and ns2 give one answer to all, the new resolvers among them.")
        screen.gap()
        screen.say("ns3 is started again. Nobody tells it what it has missed:")
        three.start_again()
        self.cluster.wait_until_heard()
        self.agree(now)
        check(forgotten not in self.table(three), f"ns3 still has a mapping of {forgotten}")
        answers = self.ask_all(NEWCOMERS)
        rows = [(r, f"{asked[r][0].name}: {asked[r][1]}", *answers[r]) for r in NEWCOMERS]
        screen.table(("new resolver", "first question", *NAMES), rows)
        screen.right(f"ns3 knows the new mappings, and that {forgotten} was forgotten.")
        return now

    def table(self, node):
        return {row["ldns"]: row["controller"] for row in node.rows(ENTRIES)}

    def step_partition(self, known):
        screen = self.screen
        screen.heading("4. The servers are cut off from each other, and meet again")
        screen.say(
            """All three nats-servers are stopped (SIGSTOP), so no server learns anything of another.
            New resolvers ask each of the servers, which can only go on alone:"""
        )
        for node in self.nodes:
            node.stop_nats()
        screen.gap()
        # In another order at each server, so that their turns differ.
        orders = (TORN, TORN[::-1], TORN[4:] + TORN[:4])
        apart = {}
        for node, order in zip(self.nodes, orders):
            for resolver in order:
                apart[resolver, node] = self.site(node, resolver)
        answers = {r: [apart[r, node] for node in self.nodes] for r in TORN}
        torn = {resolver for resolver, sites in answers.items() if len(set(sites)) > 1}
        check(torn, "by chance, all servers chose the same sites")
        check(self.one_answer(known) == known, "a known resolver moved")
        screen.right(
            f"all {len(known)} known resolvers stay, wherever they ask. Of {len(TORN)} new ones,"
            f" {len(torn)} were sent to different sites by different servers."
        )
        screen.gap()
        screen.say("The nats-servers go on. Of two decisions about one resolver, the later one stays:")
        for node in self.nodes:
            node.resume_nats()
        self.cluster.wait_until_heard()
        _, table = self.cluster.wait_until_equal()
        now = self.one_answer(TORN)
        rows, marked, moves = [], set(), 0
        for number, resolver in enumerate(TORN):
            check(now[resolver] in answers[resolver], f"{resolver} was sent to a third site")
            check(table[resolver] == now[resolver], f"{resolver}: the tables say {table[resolver]}")
            moves += sum(site != now[resolver] for site in answers[resolver])
            if resolver in torn:
                marked.add(number)
            rows.append((resolver, *answers[resolver], now[resolver]))
        screen.table(("new resolver", *NAMES, "all servers now"), rows, marked)
        check(self.one_answer(known) == known, "a known resolver moved")
        screen.right(
            f"all servers give one answer again. {moves} of {3 * len(TORN)} answers changed, each of"
            " them once."
        )


# ---------------------------------------------------------------- afterwards


def stay(cluster, screen):
    one, _, three = cluster.nodes
    screen.heading("Try it yourself")
    where = "In another terminal, as root," if demo.USER else "In another terminal,"
    screen.say(f"The servers run until you press Ctrl-C here. {where} type:")
    databases = "\n".join(f"{node.name}={node.database}" for node in cluster.nodes)
    screen.command(f"cd {TOP}\n{databases}")
    screen.say("Ask as any resolver, first one server and then another:")
    screen.command(
        f"scripts/ask 192.0.2.77 {NAME} --port {one.port}\n"
        f"scripts/ask 192.0.2.77 {NAME} --port {three.port}"
    )
    screen.say("Change something at one server, and look at another:")
    program = os.path.relpath(one.built / "pdns-stickyctl", TOP)
    screen.command(
        "sqlite3 $ns1 \"DELETE FROM persistence WHERE ldns = '192.0.2.77'\"\n"
        "sqlite3 $ns3 \"SELECT * FROM share_deleted\"\n"
        f"{program} -d $ns3 status\n"
        f"kill -STOP {one.others['nats'].pid}   # later -CONT"
    )
    one.process.wait()
    raise Failed(f"pdns_server has exited with status {one.process.returncode}")


def present(cluster, screen, once):
    """Shows everything. Raises Stopped(0) when Ctrl-C comes after the end."""
    show = Show(cluster, screen)
    show.everything()
    screen.heading("Everything was as it should be")
    screen.say(
        f"We asked {show.asked} questions, and every answer was as shown here. The slowest took"
        f" {show.slowest_s * 1000:.0f} ms: no answer waits for another server."
    )
    if once:
        return
    try:
        stay(cluster, screen)
    except Stopped:
        raise Stopped(0) from None


def main(built, port, once):
    def work():
        with Cluster(Path(built), int(port)) as cluster:
            try:
                present(cluster, demo.Screen(), once)
            except Wrong:
                for text in cluster.log_tails():
                    print(f"\n{text}", file=sys.stderr)
                raise

    return demo.run("demo-cluster", "The servers and their databases were removed.", work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], "--once" in sys.argv[3:]))

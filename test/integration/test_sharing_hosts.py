"""Two name servers on two machines, set up with the commands of the README.

A machine is a network namespace with an address of its own, and a mount namespace with an /etc and
a /var/lib of its own, so that all files are where they really are, with the owners that they really
have.  What installs packages or speaks to systemd is left out: nats-server and pdns-stickyd are
started here, as the users that their units name; pdns_server by root, as pipe.conf allows.

Between them is a router, where all resolvers are: they ask over the network, each from its own
address.  The router can drop what one machine sends to the other.
"""

import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster import ENTRIES
from coprocess import Coprocess
from database import SAMPLE, Database
from dns_client import Question, ask_directly
from faults import assert_in_time, put_in_place, strace
from namespace import Namespace
from nats import Nats
from nats_server import NatsServer, nats_server_path
from processes import (
    LONG,
    REPOSITORY,
    SECONDS_MAX,
    USER,
    LoggedProcess,
    backend_path,
    control_path,
    children,
    daemon_path,
    kill,
    run,
    wait_until,
    workspace as new_workspace,
)
from resolvers import ldns
from sample import IPV4, SITES, expected
from service import allowed_calls, unit_settings
from sharing_load import take_down

ADDRESSES = {"ns1": "192.0.2.1", "ns2": "198.51.100.1"}
DATABASE = "/var/lib/pdns-sticky/sticky.sqlite"

# The unit of Debian's nats-server, and what we add to it.
NATS_UNIT = Path("/usr/lib/systemd/system/nats-server.service")
DROP_IN = REPOSITORY / "pdns-conf" / "nats-server.service.d" / "pdns-sticky.conf"

PDNS_UNIT = Path("/usr/lib/systemd/system/pdns.service")
PIPE_CONF = REPOSITORY / "pdns-conf" / "pipe.conf"

# An /etc that can be written, over the real one, and an empty /var/lib. $1: where the database is.
OWN_FILES = """
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/pdns-sticky /var/lib/upper /var/lib/work
mount -t overlay -o lowerdir=/etc,upperdir=/var/lib/upper,workdir=/var/lib/work overlay /etc
mount --bind "$1" /var/lib/pdns-sticky
ip link set lo up
echo ready
exec sleep infinity
"""


def commands():
    """The blocks of commands in the README's section about two name servers."""
    text = (REPOSITORY / "README").read_text()
    section = text.partition("\nTwo name servers\n")[2].partition("\nWhat you can rely on:")[0]
    blocks, lines = [], []
    for line in [*section.splitlines(), "end"]:
        if line.startswith("       "):
            lines.append(line)
        elif line.strip() and lines:
            blocks.append(textwrap.dedent("\n".join(lines)))
            lines = []
    return blocks


# The copies are left out, since both machines see the same directory of certificates.
CERTIFICATES, COPIES, NATS, SQL_NS1, SQL_NS2, START = commands()


def succeed(argv):
    done = run(list(map(str, argv)))
    assert done.returncode == 0, f"{argv}\n{done.stderr}"


class Network(Namespace):
    """A router between the machines, which has the addresses of all resolvers."""

    def __init__(self):
        super().__init__("198.18.0.1/15")  # see ldns()
        self.ready += self._forwarding(1)

    @staticmethod
    def _forwarding(number):
        return f"echo {number} >/proc/sys/net/ipv4/ip_forward\n"

    def run(self, commands):
        succeed(["nsenter", "-t", self.holder.pid, "-n", "sh", "-ec", commands])

    def drop(self):
        """What a machine sends to another one gets lost from now on, and nobody is told."""
        self.run(self._forwarding(0))

    def heal(self):
        self.run(self._forwarding(1))


class Machine:
    """A machine without services: namespaces that last until close()."""

    def __init__(self, name, directory, certificates, network):
        self.name, self.address = name, ADDRESSES[name]
        self.certificates, self.network = certificates, network
        self.directory = directory / name
        self.directory.mkdir()
        (self.directory / "lib").mkdir()
        if USER:
            run(["chown", "-R", f"{USER}:", self.directory])
        self.database = Database.create(self.directory / "lib", SAMPLE)
        self.holder = subprocess.Popen(
            ["unshare", "-n", "-m", "sh", "-ec", OWN_FILES, "sh", self.directory / "lib"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self.holder.stdout.readline() != "ready\n":
            self.close()
            pytest.skip(f"no namespaces can be made here: {self.holder.stderr.read().strip()}")

    def close(self):
        self.holder.kill()
        self.holder.wait()

    def inside(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", *map(str, argv)]

    def as_user(self, user, *argv):
        """As a unit does with User=."""
        switch = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        return self.inside(*switch, *argv)

    def do(self, text):
        """Runs commands of the README, with the files of this tree as if they were installed."""
        for path, found in (
            ("/usr/local/share/pdns-sticky/make-certificates",
             REPOSITORY / "scripts" / "make-certificates"),
            ("/usr/local/share/pdns-sticky/pdns-conf", REPOSITORY / "pdns-conf"),
            ("/root/sticky-ca", self.certificates),
        ):  # fmt: skip
            text = text.replace(path, str(found))
        left_out = ("apt-get ", "systemctl ")
        lines = [line for line in text.splitlines() if not line.startswith(left_out)]
        done = run(self.inside("sh", "-euc", "\n".join(lines)))
        assert done.returncode == 0, f"{text}\n{done.stderr}"

    def set_up(self):
        self.do(NATS.replace("me=ns1", f"me={self.name}"))
        self.do({"ns1": SQL_NS1, "ns2": SQL_NS2}[self.name])

    def connect(self):
        """A cable to the router."""
        gateway = re.sub(r"\d+$", "254", self.address)
        self.network.run(
            f"ip link add {self.name} type veth peer name net netns {self.holder.pid};"
            f" ip address add {gateway}/24 dev {self.name}; ip link set {self.name} up"
        )
        succeed(self.inside(
            "sh", "-ec", f"ip address add {self.address}/24 dev net; ip link set net up;"
            f" ip route add default via {gateway}"
        ))  # fmt: skip

    def ask(self, resolver):
        """What PowerDNS here replies to a resolver."""
        with self.network.entered():
            return ask_directly((self.address, 53), Question(resolver, "www.example.com"))

    def nats(self):
        """nats-server as its unit with our drop-in starts it."""
        unit = unit_settings(NATS_UNIT, DROP_IN)
        made = run(self.inside("install", "-d", "-o", unit["User"], "-g", unit["Group"],
                               "-m", unit["StateDirectoryMode"],
                               Path("/var/lib") / unit["StateDirectory"]))  # fmt: skip
        assert made.returncode == 0, made.stderr
        program, *arguments = shlex.split(unit["ExecStart"])
        assert program == "/usr/sbin/nats-server"
        argv = self.as_user(unit["User"], "sh", "-c", f'umask {unit["UMask"]}; exec "$@"', "sh",
                            nats_server_path(), *arguments)  # fmt: skip
        return LoggedProcess(argv, self.directory / "nats.log", "Server is ready", user=None)

    def daemon(self):
        argv = self.as_user("pdns", daemon_path(), "--foreground", "--database", DATABASE)
        return LoggedProcess(argv, self.directory / "daemon.log", "version", user=None)

    def powerdns(self):
        """pdns_server as its unit starts it, but by root; pipe.conf names the program under test."""
        edit = f"s|/usr/local/libexec/pdns-sticky|{backend_path()}|"
        succeed(self.inside("sh", "-c", 'sed "$0" "$1" >/etc/powerdns/pdns.conf', edit, PIPE_CONF))
        program, *arguments = shlex.split(unit_settings(PDNS_UNIT)["ExecStart"])
        argv = self.inside(program, *arguments, f"--socket-dir={self.directory}")
        return LoggedProcess(argv, self.directory / "pdns.log", "Backend launched with banner",
                             user=None, has_children=True)  # fmt: skip

    def status(self):
        done = run(self.as_user("pdns", control_path(), "--database", DATABASE, "status"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def problem_of_peer(self):
        return "".join(text for (text,) in self.database.rows("SELECT problem FROM peer_state"))


@contextlib.contextmanager
def machines(directory):
    """ns1 and ns2, set up and connected; nothing runs."""
    certificates = directory / "sticky-ca"
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network())
        both = []
        for name in ADDRESSES:
            both.append(Machine(name, directory, certificates, network))
            stack.callback(both[-1].close)
            both[-1].connect()
        began = time.monotonic()
        both[0].do(CERTIFICATES)
        for machine in both:
            machine.set_up()
        print(f"the commands of the README took {time.monotonic() - began:.1f} s")
        yield both


@contextlib.contextmanager
def running(both):
    with contextlib.ExitStack() as stack:
        for machine in both:
            machine.server = stack.enter_context(machine.nats())
        for machine in both:
            machine.log = stack.enter_context(machine.daemon())
            stack.enter_context(machine.powerdns())
        yield both


@pytest.fixture(scope="module")
def two():
    if not USER:
        pytest.skip("needs root: namespaces and users")
    with new_workspace() as directory, machines(directory) as both:
        began = time.monotonic()
        with running(both):
            wait_until_shared(both)
            print(f"they share {time.monotonic() - began:.1f} s after the first start")
            yield both


def is_well(machine):
    """Whether `status` says what the README says that it does."""
    status = machine.status()
    return (
        "connected to nats-server" in status
        and "the same configuration" in status
        and re.search(r"peer ns\d, node \d: connected, heard \d+ s ago", status)
        and not re.search("problem: (peer|mappings|not connected|nats-server|another)", status)
    )


def wait_until_shared(two):
    for machine in two:
        wait_until(lambda: is_well(machine), SECONDS_MAX,
                   lambda: f"it shares: {machine.status()}{machine.log.said()}")


def wait_until_equal(two):
    for machine in two:
        machine.database.wait_for_writer()
    wait_until(lambda: two[0].database.rows(ENTRIES) == two[1].database.rows(ENTRIES), SECONDS_MAX,
               f"equal tables: {[machine.status() for machine in two]}")  # fmt: skip


def test_with_the_commands_of_the_readme_both_give_one_answer(two):
    """By DNS, whichever is asked first."""
    told = {}
    for number, first in enumerate(two):
        first.database.sql("UPDATE controller SET state = 'disabled' WHERE name = 'ams';")
        for resolver in map(ldns, range(30 * number + 1, 30 * number + 31)):
            told[resolver] = first.ask(resolver).ipv4
        first.database.sql("UPDATE controller SET state = 'enabled' WHERE name = 'ams';")
    assert any(address != expected(resolver) for resolver, address in told.items())
    wait_until_equal(two)
    for machine in two:
        for resolver, address in told.items():
            assert machine.ask(resolver).ipv4 == address
    two[1].database.sql("DELETE FROM persistence;")
    wait_until_equal(two)
    assert two[0].database.rows("SELECT count(*) FROM persistence") == [(0,)]


def test_the_key_is_for_nats_server_and_pdns_stickyd_alone(two):
    for machine in two:
        for user, readable in (("pdns", True), ("nats", True), ("nobody", False)):
            done = run(machine.as_user(user, "cat", "/etc/pdns-sticky/server.key"))
            assert (done.returncode == 0) == readable, user


def change_identity(machine, sql):
    """Connections are made anew with the next look at the setup."""
    machine.database.sql(f"UPDATE share SET {sql};")


@contextlib.contextmanager
def another_certificate(machine, name):
    """ns2 shows the certificate of a server that no configuration names."""
    made = run([REPOSITORY / "scripts" / "make-certificates", machine.certificates, name])
    assert made.returncode == 0, made.stderr
    for suffix in ("crt", "key"):
        done = run(machine.inside("install", "-o", "pdns", "-m", "600",
                                  machine.certificates / f"{name}.{suffix}",
                                  f"/etc/pdns-sticky/{name}.{suffix}"))  # fmt: skip
        assert done.returncode == 0, done.stderr
    change_identity(machine, f"certificate = '/etc/pdns-sticky/{name}.crt',"
                             f" key = '/etc/pdns-sticky/{name}.key'")  # fmt: skip
    try:
        yield
    finally:
        change_identity(machine, "certificate = '/etc/pdns-sticky/server.crt',"
                                 " key = '/etc/pdns-sticky/server.key'")  # fmt: skip


def test_a_server_that_is_not_in_nats_conf_is_refused_and_told(two):
    other = two[1]
    with another_certificate(other, "ns9"):
        wait_until(lambda: "Authorization Violation" in other.problem_of_peer(), SECONDS_MAX,
                   f"it is told: {other.problem_of_peer()}")  # fmt: skip
        assert "problem: " in other.status()
    wait_until_shared(two)


def test_a_server_without_tls_is_refused_and_told(two):
    other = two[1]
    change_identity(other, "ca = NULL, certificate = NULL, key = NULL")
    other.database.sql("UPDATE peer SET url = replace(url, 'tls:', 'nats:');")
    try:
        wait_until(lambda: other.problem_of_peer() != "", SECONDS_MAX, "it is told")
        assert other.database.rows("SELECT connected FROM peer_state") == [(0,)]
    finally:
        other.database.sql("UPDATE peer SET url = replace(url, 'nats:', 'tls:');")
        change_identity(other, "ca = '/etc/pdns-sticky/ca.crt',"
                               " certificate = '/etc/pdns-sticky/server.crt',"
                               " key = '/etc/pdns-sticky/server.key'")  # fmt: skip
    wait_until_shared(two)


def test_a_name_that_is_not_in_the_certificate_of_the_peer_is_refused_and_told(two):
    """The peer must be who the table says, not only somebody with a certificate."""
    other = two[1]
    other.database.sql("UPDATE peer SET name = 'ns7';")
    try:
        wait_until(lambda: other.problem_of_peer() != "", SECONDS_MAX, "it is told")
        assert other.database.rows("SELECT connected FROM peer_state") == [(0,)]
    finally:
        other.database.sql("UPDATE peer SET name = 'ns1';")
    wait_until_shared(two)


# ---------------------------------------------------------------- a database that was copied


def put_copy(machine, source):
    """The database of another server in the place of its own."""
    copy = source.directory / "copy.sqlite"
    source.database.sql(f"VACUUM INTO '{copy}';")
    machine.database.lose()
    put_in_place(copy, machine.database.path)
    copy.unlink()


def put_new_database(machine):
    """As the README says."""
    machine.database.lose()
    made = Database.create(machine.directory, SAMPLE, name="new.sqlite")
    put_in_place(made.path, machine.database.path)
    machine.set_up()


def set_number(machine):
    """The mappings of the copy stay."""
    machine.database.sql("DELETE FROM peer;")
    machine.set_up()


def other_site(resolver):
    """The id of a controller that modulus would not choose."""
    return 1 + (IPV4.index(expected(resolver)) + 1) % len(IPV4)


@contextlib.contextmanager
def set_up_meanwhile(machine):
    """Nothing of what shares runs there."""
    machine.log.stop()
    machine.server.stop()
    yield
    machine.server.start()
    machine.log.start()


def assert_chosen(machine, resolvers):
    """They get the choice of the method."""
    for resolver in resolvers:
        assert machine.ask(resolver).ipv4 == expected(resolver)


def wait_until_told(machine, words):
    wait_until(lambda: words in machine.status(), SECONDS_MAX,
               lambda: f"{words}: {machine.status()}{machine.log.said()}")


TWIN = "another server says that it is node 1: one database is a copy of the other"
IMPOSTOR = "it is of 'ns2', and share.name is 'ns1'"

# Whether certificate and nats.conf are copies, too; what tells of it there, and on the server that it
# was copied from; and what mends it.
COPIES = {
    "the disk": (True, TWIN, TWIN, put_new_database),
    "the disk, it gets a number": (True, TWIN, TWIN, set_number),
    "the database": (False, IMPOSTOR, "peer ns2 was not heard for", put_new_database),
    "the database, it gets a number": (False, IMPOSTOR, "peer ns2 was not heard for", set_number),
}
numbers = itertools.count(1000)


@pytest.mark.parametrize("what", list(COPIES)[: None if LONG else 1])
def test_a_server_that_was_copied_is_told_and_shares_again_with_an_identity_of_its_own(two, what):
    one, other = two
    is_disk, there, here, mend = COPIES[what]
    wait_until_shared(two)
    kept, *strangers = [ldns(next(numbers)) for _ in range(61)]
    one.database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        f" VALUES (1, '{kept}', {other_site(kept)}, 'modulus', unixepoch(), 3600);"
    )
    address = one.ask(kept).ipv4
    assert address != expected(kept)
    with set_up_meanwhile(other):
        put_copy(other, one)
        if is_disk:
            other.do(NATS)  # me=ns1
    wait_until_told(other, there)
    wait_until_told(one, here)
    assert_chosen(one, strangers[:20])
    assert_chosen(other, strangers[20:40])
    assert other.ask(kept).ipv4 == address, "as the copy says"
    with set_up_meanwhile(other):
        mend(other)
    wait_until_shared(two)
    assert_chosen(other, strangers[40:])
    wait_until_equal(two)
    for machine in two:
        assert machine.ask(kept).ipv4 == address
        assert_chosen(machine, strangers)


# ---------------------------------------------------------------- a network that drops packets

PAUSE_SECONDS = 0.02  # between two questions of one who asks
BOTH = 20  # resolvers that ask both


@contextlib.contextmanager
def router_that_drops(two):
    """Gives a function that asks ns1, and one that asks ns2."""
    network = two[0].network
    network.drop()
    try:
        yield [machine.ask for machine in two]
    finally:
        network.heal()


@contextlib.contextmanager
def cable_that_is_out(two):
    """That of ns1, which is asked without the network.  ns2 hears that ns1 cannot be reached."""
    one, other = two
    with Coprocess(one.database.path) as coprocess:
        one.network.run(f"ip link set {one.name} down")
        try:
            yield [lambda resolver: coprocess.ask(remote=resolver), other.ask]
        finally:
            one.network.run(f"ip link set {one.name} up")


PARTITIONS = {"the router drops": router_that_drops, "a cable is out": cable_that_is_out}


@contextlib.contextmanager
def asked_all_the_time(asks, first):
    """For the block, each is asked by some resolvers first and then by ever new ones; gives what
    each told, {resolver: answer}."""
    told, ended = [{} for _ in asks], threading.Event()

    def ask_on(ask, answers):
        resolvers = itertools.chain(first, map(ldns, numbers))
        while not ended.wait(PAUSE_SECONDS):
            resolver = next(resolvers)
            answers[resolver] = ask(resolver)

    with ThreadPoolExecutor() as pool:
        askers = [pool.submit(ask_on, *each) for each in zip(asks, told)]
        try:
            yield told
        finally:
            ended.set()
            for asker in askers:
                asker.result()


def wait_until_cut_off(two, told):
    """Each has left the connection that is silent, and tried to make another one."""
    wait_until(lambda: all("cannot connect" in machine.problem_of_peer() for machine in two)
               and all(len(answers) > 2 * BOTH for answers in told), SECONDS_MAX,
               lambda: f"cut off: {[machine.problem_of_peer() for machine in two]},"
               f" {[len(answers) for answers in told]} answers")  # fmt: skip


@pytest.mark.parametrize("what", list(PARTITIONS)[: None if LONG else 1])
def test_while_the_network_drops_packets_both_go_on_and_afterwards_they_become_equal(two, what):
    """No connection is closed, but nothing arrives.  Each has another site down meanwhile, so that
    some resolvers are told different things."""
    wait_until_shared(two)
    both = [ldns(next(numbers)) for _ in range(BOTH)]
    with PARTITIONS[what](two) as asks:
        mends = [take_down(machine, site) for machine, site in zip(two, SITES.values())]
        with asked_all_the_time(asks, both) as told:
            wait_until_cut_off(two, told)
        for mend in mends:
            mend()
        for machine in two:
            machine.database.wait_for_writer()
        assert two[0].database.rows(ENTRIES) != two[1].database.rows(ENTRIES)
    healed = time.monotonic()
    wait_until_equal(two)
    print(f"{what}: equal {time.monotonic() - healed:.1f} s after the healing")
    for place, (machine, answers) in enumerate(zip(two, told)):
        assert_in_time(answers.values(), machine.name)
        for resolver, answer in answers.items():
            assert answer.ipv4 == expected(resolver, down={place})
    assert any(len({answers[resolver].ipv4 for answers in told}) == 2 for resolver in both)
    sites = two[0].database.rows_of("web")
    for resolver in {*told[0], *told[1]}:
        said = [answers[resolver].ipv4 for answers in told if resolver in answers]
        assert sites[resolver] in map(SITES.get, said)
    for resolver in (*both, *list(told[0])[-BOTH:], *list(told[1])[-BOTH:]):
        for machine in two:
            assert SITES[machine.ask(resolver).ipv4] == sites[resolver]
    wait_until_shared(two)


# ---------------------------------------------------------------- the unit of nats-server


@pytest.fixture
def unit(tmp_path):
    """A directory with Debian's unit and our drop-in."""
    shutil.copy(NATS_UNIT, tmp_path)
    shutil.copytree(DROP_IN.parent, tmp_path / DROP_IN.parent.name)
    return tmp_path / NATS_UNIT.name


def test_systemd_finds_nothing_wrong_with_the_unit_of_nats_server(unit):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    paths = {**os.environ, "SYSTEMD_UNIT_PATH": f"{unit.parent}:"}
    result = run(["systemd-analyze", "verify", "--man=no", unit], env=paths)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_unit_lets_all_system_calls_of_nats_server_through(workspace):
    """Watched while it starts, keeps a log, is asked and ends."""
    trace = workspace / "trace"
    server = NatsServer(workspace / "nats")
    server.argv = [*strace(trace, "all"), *server.argv]
    with server:
        try:
            with Nats(server.port) as client:
                client.request("$JS.API.STREAM.CREATE.LOG", {"name": "LOG", "subjects": ["log"]})
                for _ in range(100):
                    assert client.request("log", b"x" * 1000)["stream"] == "LOG"
        finally:
            kill(children(server.pid), signal.SIGTERM)  # strace keeps its own signals to itself
            server.process.wait(SECONDS_MAX)
    calls = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"accept4", "futex", "openat", "write"} <= calls
    assert calls - allowed_calls(DROP_IN) == set()

"""The service on its socket, asked by the tests themselves: many clients, odd ones, and its life.

What PowerDNS does with it is in test_remote_unix.py, and in the tests that run with each way.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from coprocess import question
from faults import set_limit, stopped
from processes import (
    REPOSITORY,
    SECONDS_MAX,
    USER,
    backend_path,
    children,
    is_running,
    kill,
    memory_kib,
    processor_seconds,
    run,
    wait_until,
)
from resolvers import ldns
from sample import expected
from service import HANDED_OVER, Service, allowed_calls, listening_socket, with_proc_of

NAME = "www.example.com"


class Client:
    """One connection.  reply() is the next whole reply; None when the service has closed."""

    def __init__(self, service):
        self.socket = service.connect()
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lines.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        with contextlib.suppress(ConnectionResetError):
            return self.lines.readline() or None

    def ask(self, remote):
        """The address that is answered."""
        self.send(self.request(remote))
        return self.address(self.reply())


class PipeClient(Client):
    greeting = b"HELO\t5\n"
    greeted = re.compile(rb"OK\tpdns-sticky [0-9.]+\n")

    @staticmethod
    def request(remote):
        return question(NAME, remote=remote)

    def reply(self):
        lines = []
        while not lines or lines[-1] not in (b"END\n", b"FAIL\n"):
            lines.append(self.line())
            if lines[-1] is None:
                assert len(lines) == 1, f"the service closed in mid-reply: {lines}"
                return None
        return lines

    @staticmethod
    def address(reply):
        return next(line.split(b"\t")[8].decode().strip() for line in reply if b"\tA\t" in line)

    @staticmethod
    def is_refusal(reply):
        return reply[-1] == b"FAIL\n"


class JsonClient(Client):
    greeting = b'{"method":"initialize","parameters":{}}\n'
    greeted = re.compile(rb'{"result": ?true.*}\n')

    @staticmethod
    def request(remote):
        parameters = {"qname": NAME + ".", "qtype": "ANY", "zone-id": -1, "local": "0.0.0.0"}
        parameters |= {"remote": remote, "real-remote": f"{remote}/32"}
        return json.dumps({"method": "lookup", "parameters": parameters}).encode() + b"\n"

    def reply(self):
        line = self.line()
        return line and json.loads(line)

    @staticmethod
    def address(reply):
        return next(record["content"] for record in reply["result"] if record["qtype"] == "A")

    @staticmethod
    def is_refusal(reply):
        return "result" not in reply


@pytest.fixture(params=[PipeClient, JsonClient], ids=["pipe", "json"])
def kind(request):
    """The class of clients of one dialect."""
    return request.param


def greeted(kind, service):
    client = kind(service)
    client.send(kind.greeting)
    assert kind.greeted.fullmatch(client.line())
    return client


@pytest.fixture
def service(sample_database, workspace):
    with Service(sample_database, workspace / "socket") as running:
        yield running


def usage(service):
    """Open descriptors, threads and children, zombies among them, of the process that accepts."""
    folder = Path(f"/proc/{service.pid}")
    own_children = (folder / "task" / folder.name / "children").read_text().split()
    return len(os.listdir(folder / "fd")), len(os.listdir(folder / "task")), len(own_children)


def connections_end(service):
    wait_until(lambda: usage(service)[2] == 0, SECONDS_MAX, "the processes of the connections end")


def comes_to_rest(service, idle):
    """A process that has ended is counted until the service takes notice of it."""
    wait_until(lambda: usage(service) == idle, SECONDS_MAX, f"the service is as before: {idle}")


# ---------------------------------------------------------------- conversations


def test_clients_of_both_dialects_are_served_at_once_and_agree(service):
    with greeted(PipeClient, service) as pipe, greeted(JsonClient, service) as other:
        for number in range(50):
            remote = ldns(number)
            assert pipe.ask(remote) == other.ask(remote) == expected(remote)
        assert len(service.processes()) == 2


def test_two_requests_in_one_write_get_two_replies(kind, service):
    with kind(service) as client:
        client.send(kind.greeting + kind.request(ldns(1)) + kind.request(ldns(2)))
        assert kind.greeted.fullmatch(client.line())
        for number in (1, 2):
            assert kind.address(client.reply()) == expected(ldns(number))


def test_one_byte_per_write(kind, service):
    with kind(service) as client:
        for byte in kind.greeting + kind.request(ldns(1)):
            client.send(bytes([byte]))
        assert kind.greeted.fullmatch(client.line())
        assert kind.address(client.reply()) == expected(ldns(1))


def test_a_line_of_a_megabyte_gets_one_refusal(kind, service):
    with greeted(kind, service) as client:
        start = b'{"method":"' if kind is JsonClient else b"Q\t"
        client.send(start + b"x" * (1 << 20) + b"\n" + kind.request(ldns(1)))
        assert kind.is_refusal(client.reply())
        assert kind.address(client.reply()) == expected(ldns(1))


def test_a_client_that_ends_its_side_still_gets_its_replies(kind, service):
    with greeted(kind, service) as client:
        client.send(b"".join(kind.request(ldns(number)) for number in range(100)))
        client.socket.shutdown(socket.SHUT_WR)
        for number in range(100):
            assert kind.address(client.reply()) == expected(ldns(number))
        assert client.reply() is None
    connections_end(service)


def test_clients_that_vanish_in_mid_request_leave_nothing_behind(kind, service):
    before = usage(service)
    request = kind.request(ldns(1))
    for cut in (1, len(request) // 2, len(request) - 1):
        greeted(kind, service).close()
        client = greeted(kind, service)
        client.send(request[:cut])
        client.close()
        client = greeted(kind, service)  # and one that does not wait for the replies
        client.send(request * 1000 + request[:cut])
        client.close()
    comes_to_rest(service, before)
    with greeted(kind, service) as client:
        assert client.ask(ldns(1)) == expected(ldns(1))


# ---------------------------------------------------------------- many


@pytest.fixture
def many_descriptors():
    """For the tests themselves, which hold the other ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connections_max():
    header = (REPOSITORY / "backend/program/server/connections.h").read_text()
    return int(re.search(r"CONNECTIONS_MAX (\d+)", header)[1])


def test_as_many_connections_as_there_may_be(service, many_descriptors):
    """Five hundred are asked, in both dialects by turns; the rest says nothing, or half a line."""
    limit = connections_max()
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context((PipeClient, JsonClient)[number % 2](service))
            for number in range(limit)
        ]
        asking, silent = clients[:500], clients[500:]
        for client in silent[:100]:
            client.send(client.greeting[:5])
        for number, client in enumerate(asking):
            client.send(client.greeting + client.request(ldns(number)))
        for number, client in enumerate(asking):
            assert client.greeted.fullmatch(client.line())
            assert client.address(client.reply()) == expected(ldns(number))
        wait_until(lambda: len(service.processes()) == limit, SECONDS_MAX, "all are let in")
        for _ in range(3):  # and nobody else
            assert stack.enter_context(Client(service)).line() is None
        for client in silent[:100]:
            client.send(client.greeting[5:])
            assert client.greeted.fullmatch(client.line())
        for client in asking[:5]:
            client.close()
        wait_until(
            lambda: len(service.processes()) == limit - 5, SECONDS_MAX, "there is room again"
        )
        with greeted(JsonClient, service) as client:
            assert client.ask(ldns(1)) == expected(ldns(1))
    connections_end(service)
    words = [line.split(": ", 1)[1] for line in service.log.read_text().splitlines()]
    assert words[2:] == ["too many connections, new ones are closed"], "said once, and nothing else"


def test_two_thousand_connections_leave_nothing_behind(service):
    def go_through(count):
        for number in range(count):
            kind = (PipeClient, JsonClient)[number % 2]
            with kind(service) as client:
                client.send(kind.greeting)
                if number % 4 < 2:
                    assert kind.greeted.fullmatch(client.line())

    idle = usage(service)
    go_through(100)
    comes_to_rest(service, idle)
    memory_before = memory_kib(service.pid)
    go_through(2000)
    comes_to_rest(service, idle)
    assert memory_kib(service.pid) <= memory_before + 256


@pytest.mark.skipif(not USER, reason="needs a user without rights")
def test_without_descriptors_it_waits_without_using_the_processor(service):
    """Not even poll() works then."""
    with greeted(JsonClient, service):
        set_limit(service, nofile=0)
        with Client(service) as client:
            client.socket.settimeout(0.3)
            with contextlib.suppress(TimeoutError):
                assert client.line() is None
        wait_until(lambda: "Invalid argument" in service.log.read_text(), SECONDS_MAX, "poll fails")
        before = processor_seconds(service.pid)
        time.sleep(2)
        assert processor_seconds(service.pid) - before < 0.5
        set_limit(service, nofile=100)


def test_without_processes_or_descriptors_it_waits_until_there_are_some(service):
    with greeted(JsonClient, service) as first:
        for limit, enough, words in [
            ("nproc", 10_000, "no process can be started"),
            ("nofile", 100, "cannot be accepted"),
        ]:
            set_limit(service, **{limit: 0})
            with Client(service) as client:
                client.socket.settimeout(0.3)
                with contextlib.suppress(TimeoutError):
                    assert client.line() is None
            wait_until(lambda: words in service.log.read_text(), SECONDS_MAX, "it is said")
            assert first.ask(ldns(1)) == expected(ldns(1))
            set_limit(service, **{limit: enough})
            with greeted(JsonClient, service) as client:
                assert client.ask(ldns(2)) == expected(ldns(2))


# ---------------------------------------------------------------- the socket


def test_the_socket_is_for_owner_and_group_and_goes_with_the_service(service):
    status = service.path.stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o660
    assert service.stop() == 0
    assert not service.path.exists()


@pytest.mark.skipif(not USER, reason="needs root")
def test_members_of_the_group_can_connect_and_others_cannot(sample_database, workspace):
    """The service runs as the database's owner; its group is another one."""
    group = "games"
    member = ["setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={group}"]
    options = {"user": None, "before": member}
    connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    with Service(sample_database, workspace / "socket", "--group", group, **options) as service:
        assert service.path.group() == group
        argv = ["/usr/bin/python3", "-c", connect, str(service.path)]
        assert run(argv, user="nobody", group=group, extra_groups=[]).returncode == 0
        refused = run(argv, user="nobody", group="nogroup", extra_groups=[])
        assert "PermissionError" in refused.stderr


@pytest.mark.skipif(not USER, reason="needs root")
def test_a_group_that_the_user_is_not_in_is_refused(sample_database, workspace):
    with pytest.raises(AssertionError, match="cannot be given to the group"):
        with Service(sample_database, workspace / "socket", "--group", "games"):
            pass
    assert not (workspace / "socket").exists()


def test_a_socket_that_a_killed_service_left_is_replaced(service):
    connections_end(service)
    service.process.kill()
    service.process.wait()
    assert service.path.exists()
    service.start()
    with greeted(JsonClient, service) as client:
        assert client.ask(ldns(1)) == expected(ldns(1))


def test_a_second_service_refuses_and_the_first_one_serves_on(service, sample_database):
    second = run([backend_path(), "--database", sample_database.path, "--socket", service.path])
    assert second.returncode == 1
    assert second.stderr == (
        f"pdns-sticky: {service.path}: another process listens there;"
        " stop it, or give another --socket\n"
    )
    with greeted(JsonClient, service) as client:
        assert client.ask(ldns(1)) == expected(ldns(1))


@pytest.mark.parametrize("stale", [False, True])
def test_of_services_that_start_at_one_moment_one_lives(sample_database, workspace, stale):
    for turn in range(10):
        path = workspace / f"socket-{turn}"
        if stale:
            listening_socket(path).close()
        argv = [backend_path(), "--database", sample_database.path, "--socket", path]
        services = [
            subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(4)
        ]
        wait_until(
            lambda: sum(s.poll() is None for s in services) == 1, SECONDS_MAX, "all but one give up"
        )
        (living,) = [s for s in services if s.poll() is None]
        assert {s.returncode for s in services if s is not living} == {1}
        socket.socket(socket.AF_UNIX).connect(str(path))
        living.terminate()
        assert living.wait(SECONDS_MAX) == 0


def test_a_file_that_is_no_socket_is_left_alone(sample_database, workspace):
    path = workspace / "socket"
    path.write_text("precious")
    result = run([backend_path(), "--database", sample_database.path, "--socket", path])
    assert result.returncode == 1
    assert result.stderr == f"pdns-sticky: {path} already exists and is not a socket\n"
    assert path.read_text() == "precious"


# ---------------------------------------------------------------- its end


def test_sigterm_answers_what_was_asked_and_ends_with_0(kind, service):
    """Ten clients have sent a hundred requests each, and read nothing yet."""
    clients = [greeted(kind, service) for _ in range(10)]
    for client in clients:
        client.send(b"".join(kind.request(ldns(number)) for number in range(100)))
    service.process.terminate()
    for client in clients:
        for number in range(100):
            assert kind.address(client.reply()) == expected(ldns(number))
        assert client.reply() is None
        client.close()
    assert service.process.wait(SECONDS_MAX) == 0
    assert not service.path.exists()
    assert "did not end" not in service.log.read_text()


def test_sigterm_answers_those_who_wait_to_be_let_in(kind, service):
    with stopped(service):
        clients = [kind(service) for _ in range(20)]
        for client in clients:
            client.send(kind.greeting + kind.request(ldns(1)))
        os.kill(service.pid, signal.SIGTERM)
    for client in clients:
        assert kind.greeted.fullmatch(client.line())
        assert kind.address(client.reply()) == expected(ldns(1))
        assert client.reply() is None
        client.close()
    assert service.process.wait(SECONDS_MAX) == 0


def test_a_client_that_reads_nothing_delays_the_end_by_ten_seconds_only(service):
    with greeted(JsonClient, service) as client:
        client.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            client.send(client.request(ldns(1)) * 20_000)
        begin = time.monotonic()
        assert service.stop() == 0
        # It waits for ten; a machine that is busy adds to them.
        assert 9 < time.monotonic() - begin < 40
    assert "1 connections did not end" in service.log.read_text()


def test_sigterm_twice_and_to_all_processes_is_the_same(kind, service):
    clients = [greeted(kind, service) for _ in range(5)]
    kill([*service.processes(), service.pid], signal.SIGTERM)
    kill([service.pid], signal.SIGTERM)
    assert service.process.wait(SECONDS_MAX) == 0
    assert [client.reply() for client in clients] == [None] * 5


def test_connections_end_when_the_accepting_process_is_killed(kind, service):
    with greeted(kind, service) as client:
        processes = service.processes()
        service.process.kill()
        assert client.reply() is None
        # a round of maintenance comes to its end before
        wait_until(lambda: not any(map(is_running, processes)), SECONDS_MAX, "they end")


def test_a_connection_that_is_killed_is_the_only_one_and_the_log_says_so(kind, service):
    with greeted(kind, service) as victim, contextlib.ExitStack() as stack:
        (process,) = service.processes()
        other = stack.enter_context(greeted(kind, service))
        kill([process])
        assert victim.reply() is None
        assert other.ask(ldns(1)) == expected(ldns(1))
        wait_until(
            lambda: "signal 9 (Killed)" in service.log.read_text(), SECONDS_MAX, "it is said"
        )


# ---------------------------------------------------------------- systemd


def test_a_socket_of_systemd_is_served_and_left_for_the_next_service(
    kind, sample_database, workspace
):
    path = workspace / "socket"
    with listening_socket(path) as listener:
        service = Service(sample_database, path, listener=listener)
        with service, greeted(kind, service) as client:
            assert client.ask(ldns(1)) == expected(ldns(1))
            assert service.stop() == 0
            assert client.reply() is None
            with kind(service) as waiting:  # nobody serves now, yet it can connect and ask
                waiting.send(kind.greeting + kind.request(ldns(2)))
                service.start()
                assert kind.greeted.fullmatch(waiting.line())
                assert kind.address(waiting.reply()) == expected(ldns(2))
        assert path.exists()


def test_a_socket_of_systemd_may_be_the_one_that_is_named(sample_database, workspace):
    path = workspace / "socket"
    with listening_socket(path) as listener:
        with Service(sample_database, path, "--socket", path, listener=listener) as service:
            with greeted(JsonClient, service) as client:
                assert client.ask(ldns(1)) == expected(ldns(1))


@pytest.mark.parametrize(
    "sort, arguments, words",
    [
        ("another", ["--socket", "/tmp/elsewhere"], "not a listening Unix stream socket at /tmp"),
        ("datagram", [], "not a listening Unix stream socket"),
        ("deaf", [], "not a listening Unix stream socket"),
        ("inet", [], "not a listening Unix stream socket"),
    ],
)
def test_what_systemd_hands_over_must_fit(sample_database, workspace, sort, arguments, words):
    family = socket.AF_INET if sort == "inet" else socket.AF_UNIX
    sort_of_socket = socket.SOCK_DGRAM if sort == "datagram" else socket.SOCK_STREAM
    with socket.socket(family, sort_of_socket) as handed:
        handed.bind(("127.0.0.1", 0) if sort == "inet" else str(workspace / "socket"))
        if sort in ("another", "inet"):
            handed.listen()
        result = run(
            [*HANDED_OVER, backend_path(), "--database", sample_database.path, *arguments],
            preexec_fn=lambda: os.dup2(handed.fileno(), 3),
            pass_fds=[3],
        )
    assert result.returncode == 1
    assert words in result.stderr


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(sample_database, workspace):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(workspace / "notify"))
        (workspace / "notify").chmod(0o666)
        notified.settimeout(SECONDS_MAX)
        environment = {**os.environ, "NOTIFY_SOCKET": str(workspace / "notify")}
        with Service(sample_database, workspace / "socket", env=environment) as service:
            assert notified.recv(100) == b"READY=1"
            service.connect().close()
            assert service.stop() == 0
            assert notified.recv(100) == b"STOPPING=1"


def test_in_the_journal_lines_have_their_priority(sample_database, workspace):
    environment = {**os.environ, "JOURNAL_STREAM": "8:1"}
    argv = [backend_path(), "--database", sample_database.path, "--socket", "/nonexistent/socket"]
    assert run(argv, env=environment).stderr.startswith("<3>pdns-sticky: /nonexistent/socket: ")
    with Service(sample_database, workspace / "socket", env=environment) as service:
        assert service.log.read_text().startswith("<6>pdns-sticky: version ")


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units, with the path of the program under test."""
    folder = tmp_path_factory.mktemp("units")
    text = (REPOSITORY / "pdns-conf/pdns-sticky.service.in").read_text()
    text = text.replace("@libexecdir@/pdns-sticky", str(backend_path()))
    assert "@" not in text.replace("@system-service", "").replace("@privileged @resources", "")
    (folder / "pdns-sticky.service").write_text(text)
    shutil.copy(REPOSITORY / "pdns-conf/pdns-sticky.socket", folder)
    return folder


def test_systemd_finds_nothing_wrong_with_the_units(units):
    paths = [units / "pdns-sticky.service", units / "pdns-sticky.socket"]
    result = run(["systemd-analyze", "verify", "--man=no", *paths])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_systemd_calls_the_service_safe(units):
    """Its scale is from 0 to 10, and it calls safe what is below 1."""
    options = ["--offline=yes", "--threshold=10", "--no-pager"]
    result = run(["systemd-analyze", "security", *options, units / "pdns-sticky.service"])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SAFE" in result.stdout.splitlines()[-1]


@pytest.mark.skipif(not USER, reason="needs root")
def test_the_unit_hides_nothing_of_proc_that_is_needed(units, sample_database, workspace):
    """Mappings are claimed in memory that is of one start of the machine, which the kernel tells in
    /proc."""
    before = with_proc_of(units / "pdns-sticky.service")
    with Service(sample_database, workspace / "socket", before=before, user=None) as service:
        with greeted(PipeClient, service) as pipe:
            pipe.ask(ldns(1))
        assert list(sample_database.mappings("web")) == [ldns(1)]
        assert "no mappings are kept" not in service.said()


def test_the_filter_of_the_unit_lets_all_system_calls_through(units, sample_database, workspace):
    """Watched while it is asked, writes, copies its log back, meets a damaged one, and ends."""
    trace = workspace / "trace"
    sample_database.sql(
        "UPDATE setting SET value = 1 WHERE name IN ('checkpoint_interval', 'sweep_interval');"
    )
    before = ["strace", "-f", "-o", trace, "-e", "trace=all"]
    path = workspace / "socket"
    with listening_socket(path) as listener:
        service = Service(sample_database, path, listener=listener, before=before)
        with service, greeted(PipeClient, service) as pipe, greeted(JsonClient, service) as other:
            for number in range(50):
                pipe.ask(ldns(number))
                other.ask(ldns(number))
            wait_until(lambda: "fdatasync(" in trace.read_text(), SECONDS_MAX, "a checkpoint")
            sample_database.path.with_name(sample_database.path.name + "-wal").unlink()
            pipe.ask(ldns(1))
            time.sleep(2)
            pipe.ask(ldns(2))
            kill(children(service.pid), signal.SIGTERM)
            assert service.process.wait(SECONDS_MAX) == 0
    calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE)
    used = set(calls[len(calls) - calls[::-1].index("execve") :])  # the shell's are not ours
    assert {"accept4", "clone", "fdatasync", "timer_settime"} <= used
    allowed = allowed_calls(units / "pdns-sticky.service")
    assert used - allowed == set()
    assert "mincore" in allowed  # for a table of some megabytes

"""What the remote backend does otherwise than the pipe backend, started with remote-pipe.conf.

What both do alike is in the tests that use alone.py, which run with each.
"""

import concurrent.futures
import contextlib
import fcntl
import termios
import time

import pytest

from alone import all_coprocesses
from database import SCHEMA, Database
from dns_client import Question, ask
from powerdns import PowerDNS
from processes import SECONDS_MAX, USER, is_running, kill, stop, wait_until, workspace
from zones import RESOLVER, THREE_SITES

SOA = "ns1.example.com hostmaster.example.com 7 7200 900 1209600 60"

ZONES = f"""
    INSERT INTO zone (id, name) VALUES (1, 'example.com'), (2, 'example.net');
    INSERT INTO record (zone_id, name, type, content) VALUES
        (1, 'example.com', 'SOA', '{SOA}'),
        (1, 'example.com', 'NS', 'ns1.example.com'),
        (1, 'ns1.example.com', 'A', '192.0.2.1'),
        (2, 'example.net', 'SOA', '{SOA}'),
        (2, 'example.net', 'NS', 'ns1.example.com');
"""

# One of each kind of content that JSON writes in a way of its own, or PowerDNS reads in one.
CONTENTS = r"""
    INSERT INTO record (zone_id, name, type, content) VALUES
        (1, 'types.example.com', 'MX', '10 mail.example.com'),
        (1, 'types.example.com', 'SRV', '0 5 5060 sip.example.com'),
        (1, 'types.example.com', 'CAA', '0 issue "ca.example.net"'),
        (1, 'types.example.com', 'NAPTR', '100 10 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .'),
        (1, 'types.example.com', 'HTTPS', '1 . alpn=h2,h3 port=8443'),
        (1, 'types.example.com', 'SVCB', '1 svc.example.com ipv4hint=192.0.2.1'),
        (1, 'types.example.com', 'TLSA', '3 1 1 00ff00ff'),
        (1, 'types.example.com', 'TYPE65280', '\# 3 010203'),
        (1, 'quotes.example.com', 'TXT', '"a \"quoted\" \\ text / {more}" "and [more]"'),
        (1, 'escapes.example.com', 'TXT', '"\000\009\010\127\128\255"'),
        (1, 'control.example.com', 'TXT', CAST(x'22017f22' AS TEXT)),
        (1, 'utf8.example.com', 'TXT', '"grüße 🦆"'),
        (1, 'latin1.example.com', 'TXT', CAST(x'226772fcdf6522' AS TEXT)),
        (1, 'mixed.example.com', 'TXT', CAST(x'22c3bc205cff205c5cff2022' AS TEXT)),
        (1, 'name\.with\032odd\092bytes.example.com', 'CNAME', 'a\.b\032c.example.org'),
        (1, 'cut.example.com', 'NS', 'ns.cut.example.com'),
        (1, 'ns.cut.example.com', 'A', '192.0.2.28');
"""

NAMES = [
    ("types.example.com", ("MX", "SRV", "CAA", "NAPTR", "HTTPS", "SVCB", "TLSA", "TYPE65280")),
    ("quotes.example.com", ("TXT",)),
    ("escapes.example.com", ("TXT",)),
    ("control.example.com", ("TXT",)),
    ("utf8.example.com", ("TXT",)),
    ("latin1.example.com", ("TXT",)),
    ("mixed.example.com", ("TXT",)),
    (r"name\.with\032odd\092bytes.example.com", ("CNAME", "A")),
    ("cut.example.com", ("NS", "A", "DS")),
    ("ns.cut.example.com", ("A",)),
    ("below.ns.cut.example.com", ("A",)),
]


@pytest.fixture(scope="module")
def database():
    with workspace() as directory:
        made = Database.create(directory)
        made.sql(ZONES + CONTENTS)
        made.www = made.add_pool("www", THREE_SITES)
        yield made


@pytest.fixture(scope="module")
def server(database):
    with PowerDNS("remote-pipe.conf", database, tap=True) as running:
        yield running


def until_rcode(server, name, rdtype, rcode):
    wait_until(lambda: server.one(RESOLVER, name, rdtype).rcode == rcode, SECONDS_MAX, rcode)


def lookups(server):
    """How many lookups PowerDNS has sent so far."""
    return sum('"lookup"' in line for line in server.asked_lines())


# ---------------------------------------------------------------- answers


def test_both_protocols_give_the_same_answers(server, database):
    """Octet by octet, whatever JSON makes of them on the way."""
    questions = [Question(RESOLVER, name, rdtype) for name, types in NAMES for rdtype in types]
    with PowerDNS("pipe.conf", database) as other:
        expected = [(reply.rcode, reply.wire[2:]) for reply in ask(other, questions)]
    assert [(reply.rcode, reply.wire[2:]) for reply in ask(server, questions)] == expected
    assert {rcode for rcode, _ in expected} == {"NOERROR"}


def test_octets_that_are_not_utf_8_arrive_as_they_are(server):
    (rrset,) = server.one(RESOLVER, "mixed.example.com", "TXT").message.answer
    assert rrset[0].strings == (b"\xc3\xbc \xff \\\xff ",)


def test_a_delegation_is_answered_with_a_referral(server):
    reply = server.one(RESOLVER, "www.cut.example.com")
    assert (reply.rcode, reply.message.answer, reply.authority_types) == ("NOERROR", [], ["NS"])
    assert [str(rrset) for rrset in reply.message.additional] == [
        "ns.cut.example.com. 3600 IN A 192.0.2.28"
    ]


# ---------------------------------------------------------------- zones


def test_a_question_for_an_unknown_zone_is_refused_without_asking(server):
    before = lookups(server)
    questions = [Question(RESOLVER, f"n{n}.example{n}.org") for n in range(100)]
    assert {reply.rcode for reply in ask(server, questions)} == {"REFUSED"}
    assert lookups(server) == before


def test_a_zone_that_is_added_is_served_after_rediscover(server, database):
    assert server.one(RESOLVER, "example.org", "SOA").rcode == "REFUSED"
    database.sql(f"""
        INSERT INTO zone (id, name) VALUES (3, 'example.org');
        INSERT INTO record (zone_id, name, type, content) VALUES
            (3, 'example.org', 'SOA', '{SOA}'), (3, 'example.org', 'NS', 'ns1.example.com');
    """)
    server.control("rediscover")
    # That it was refused is in the cache of whole replies.
    until_rcode(server, "example.org", "SOA", "NOERROR")
    database.sql("DELETE FROM record WHERE zone_id = 3; DELETE FROM zone WHERE id = 3;")
    server.control("rediscover")
    until_rcode(server, "example.org", "SOA", "REFUSED")


@contextlib.contextmanager
def unreadable(database):
    mode = database.path.stat().st_mode
    database.path.chmod(0)
    try:
        yield
    finally:
        database.path.chmod(mode)


SAID = "cannot be opened"


@pytest.mark.skipif(not USER, reason="needs root, to take the right to read from pdns")
def test_the_zones_are_kept_while_the_database_cannot_be_read(database):
    """For the list PowerDNS starts a coprocess anew, and that one never saw the zones."""
    options = {"zone-cache-refresh-interval": 1}  # so as not to wait a minute
    with PowerDNS("remote-pipe.conf", database, options=options) as server:
        ask(server, [Question(RESOLVER, "www.example.com")] * 64)
        with unreadable(database):
            wait_until(lambda: SAID in server.log.read_text(), SECONDS_MAX, "the log says why")
            assert ask(server, [Question(RESOLVER, "ns1.example.com")] * 9)[8].addresses


@pytest.mark.skipif(not USER, reason="needs root, to take the right to read from pdns")
def test_powerdns_does_not_start_when_it_cannot_learn_the_zones(database):
    """As with its own backends; with a zone cache it would refuse every question."""
    with unreadable(database), pytest.raises(AssertionError, match=SAID):
        with PowerDNS("remote-pipe.conf", database):
            pass


def test_powerdns_starts_when_there_is_no_database_yet(workspace):
    database = Database(workspace / "later.sqlite")
    with PowerDNS("remote-pipe.conf", database) as server:
        assert server.one(RESOLVER, "example.net", "NS").rcode == "REFUSED"
        database.sql(SCHEMA.read_text())
        database.sql(ZONES)
        server.control("rediscover")
        until_rcode(server, "example.net", "NS", "NOERROR")


def test_pdnsutil_lists_the_zones_and_what_is_in_them(server):
    assert server.pdnsutil("list-all-zones").stdout.split() == ["example.com", "example.net"]
    listed = server.pdnsutil("list-zone", "example.net").stdout.splitlines()
    assert "example.net\t3600\tIN\tNS\tns1.example.com." in listed


def test_pdnsutil_checks_a_zone(server):
    result = server.pdnsutil("check-zone", "example.net")
    assert result.returncode == 0
    assert "Checked 2 records of 'example.net', 0 errors" in result.stdout


@pytest.mark.parametrize("command", ["check-zone", "list-zone"])
def test_pdnsutil_finds_no_zone_that_is_not_there(server, command):
    assert server.pdnsutil(command, "example.org").returncode == 1


def test_pdnsutil_cannot_write(server, database):
    before = database.rows("SELECT count(*) FROM record")
    result = server.pdnsutil("add-record", "example.net", "new", "A", "192.0.2.3")
    assert result.returncode != 0
    assert database.rows("SELECT count(*) FROM record") == before


# ---------------------------------------------------------------- failures


def test_a_lookup_that_fails_costs_neither_the_coprocess_nor_its_neighbours(server, database):
    """A reply without a result would do: PowerDNS kills the coprocess and starts another."""
    pool = database.add_pool("failing", THREE_SITES, fallback="servfail")
    for index in range(3):
        database.set_available(pool, index, False)
    coprocesses = all_coprocesses(server)
    questions = [Question(RESOLVER, name) for name in (pool.question_name, "www.example.com")] * 50
    assert [reply.rcode for reply in ask(server, questions)] == ["SERVFAIL", "NOERROR"] * 50
    assert server.one_tcp(RESOLVER, pool.question_name).rcode == "SERVFAIL"
    assert set(coprocesses) <= set(server.coprocesses())


def test_a_failure_that_is_over_is_not_remembered(server, database):
    pool = database.add_pool("shortly", THREE_SITES, fallback="servfail")
    for index in range(3):
        database.set_available(pool, index, False)
    assert server.one(RESOLVER, pool.question_name).rcode == "SERVFAIL"
    database.set_available(pool, 1, True)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(1)


def test_what_the_operator_must_see_is_in_the_log(server, database):
    database.sql("INSERT INTO pool (name) VALUES ('bare');")
    server.one(RESOLVER, "www.example.com")
    wait_until(
        lambda: "[remotebackend]: pool bare: has no virtual servers" in server.log.read_text(),
        SECONDS_MAX,
        "it is said",
    )
    database.sql("DELETE FROM pool WHERE name = 'bare';")


def test_a_coprocess_that_dies_between_two_questions_is_not_replaced(database):
    """A fault of PowerDNS, told in the manual: the thread answers SERVFAIL until a restart."""
    options = {"receiver-threads": 1}  # so that one thread has all the questions
    with PowerDNS("remote-pipe.conf", database, options=options) as server:
        assert server.one(RESOLVER, "www.example.com").rcode == "NOERROR"
        coprocesses = server.coprocesses()
        kill(coprocesses)
        wait_until(lambda: not any(map(is_running, coprocesses)), SECONDS_MAX, "they are dead")
        for _ in range(3):
            assert server.one(RESOLVER, "www.example.com").rcode == "SERVFAIL"
            time.sleep(0.5)
        assert server.one_tcp(RESOLVER, "www.example.com").rcode == "NOERROR"


def has_a_question(pid):
    """Whether something waits in the pipe to a process that is stopped.

    It did if PowerDNS has killed the process, for which two seconds without an answer are enough.
    """
    try:
        with open(f"/proc/{pid}/fd/0", "rb", buffering=0) as pipe:
            return any(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    except FileNotFoundError:
        return True


def test_a_coprocess_that_dies_with_a_question_in_hand_is_replaced(database):
    options = {"receiver-threads": 1}
    with PowerDNS("remote-pipe.conf", database, options=options) as server:
        assert server.one(RESOLVER, "www.example.com").rcode == "NOERROR"
        coprocesses = server.coprocesses()
        stop(coprocesses)
        with concurrent.futures.ThreadPoolExecutor() as threads:
            reply = threads.submit(server.one, RESOLVER, "www.example.com")
            wait_until(
                lambda: any(map(has_a_question, coprocesses)), SECONDS_MAX, "the question is in hand"
            )
            kill(coprocesses)
        assert reply.result().rcode == "SERVFAIL"
        assert server.one(RESOLVER, "www.example.com").rcode == "NOERROR"

"""The backend as a process: good and bad input, and a world around it that breaks.

No PowerDNS here: the tests themselves hold the other ends of its pipes.
"""

import contextlib
import fcntl
import ipaddress
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import powerdns
from coprocess import (
    SECONDS_MAX,
    Coprocess,
    Shell,
    assert_prompt,
    assert_within,
    check_content,
    is_gone,
    labels,
    parse,
    question,
)
from faults import slow_disk, strace, until_a_round_waits
from powerdns import Database, as_user, chosen, wait_until

IPV4 = ("192.0.2.80", "198.51.100.80", "203.0.113.80")  # pool web of the example, in order
SITES = dict(zip(IPV4, ("ams", "fra", "nyc")))

BANNER = re.compile(rb"OK\tpdns-sticky [0-9.]+")
BANNER_SECONDS = 0.2
HEAL_SECONDS = 10  # a file that is right again counts within one, on a machine that is free


def ldns(number):
    """A resolver's address for a number."""
    return str(ipaddress.ip_address(0xC6120000 + number))  # 198.18.0.0/15, for measurements


def expected(address, count=3, **more):
    """The address of pool web that a new resolver gets."""
    return IPV4[chosen(address, count, **more)]


def assert_banner_is_prompt(path):
    """HELO is answered at once, whatever the database is like."""

    def hello():
        with Coprocess(path) as coprocess:
            assert BANNER.fullmatch(coprocess.banner)

    assert_within(BANNER_SECONDS, hello)


@pytest.fixture
def served(demo_database):
    """A coprocess on the example, and the database."""
    with Coprocess(demo_database.path) as coprocess:
        yield coprocess, demo_database


@pytest.fixture
def root_only():
    """What only root can arrange: other owners, other users, mounts."""
    if os.geteuid() != 0:
        pytest.skip("needs root: files of another owner")


# ---------------------------------------------------------------- lines in and out


@pytest.mark.parametrize("line", [b"HELO\t0", b"HELO\t6", b"HELO", b"HELO\tx", b"\0\xff\x80\x01"])
def test_an_unknown_version_gets_one_fail_and_the_process_stays(demo_database, line):
    with Coprocess(demo_database.path, helo=False) as coprocess:
        assert coprocess.request(line + b"\n").lines == [b"FAIL"]
        assert coprocess.silent(0.05)
        assert BANNER.fullmatch(coprocess.hello(3))
        assert coprocess.ask().ipv4 == expected("192.0.2.10")
        assert coprocess.close() == 0


def test_a_line_of_a_megabyte_gets_one_fail(served):
    coprocess, _ = served
    for size in (65537, 1 << 20, 3 << 20):
        assert coprocess.request(b"Q\t" + b"x" * size + b"\n").lines == [b"FAIL"]
        assert coprocess.silent(0.02)
        assert coprocess.ask().ipv4 == expected("192.0.2.10")


def test_a_line_that_never_ends_costs_no_memory(served):
    coprocess, _ = served
    for _ in range(64):
        coprocess.send(b"x" * (1 << 20))
    with open(f"/proc/{coprocess.pid}/status", encoding="ascii") as status:
        peak_kib = int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])
    limit_kib = 512 << 10 if b"__asan" in powerdns.backend_path().read_bytes() else 32 << 10
    assert peak_kib < limit_kib
    assert coprocess.request(b"\n").lines == [b"FAIL"]
    assert coprocess.ask().ipv4 == expected("192.0.2.10")


def test_a_nul_in_a_line_gets_one_fail(served):
    coprocess, _ = served
    whole = question("www.example.com")
    for at in range(len(whole)):
        assert coprocess.request(whole[:at] + b"\0" + whole[at:]).lines == [b"FAIL"]
    assert coprocess.ask().ipv4 == expected("192.0.2.10")


def test_two_questions_in_one_write_get_two_answers_in_order(served):
    coprocess, _ = served
    for first in range(0, 200, 2):
        pair = [ldns(first), ldns(first + 1)]
        coprocess.send(b"".join(question("www.example.com", "A", remote) for remote in pair))
        answers = [coprocess.answer(alone=False).ipv4, coprocess.answer().ipv4]
        assert answers == [expected(remote) for remote in pair]


def test_hundreds_of_questions_at_once_are_all_answered_in_order(served):
    coprocess, _ = served
    count = 2000
    lines = b"".join(question("www.example.com", "A", ldns(i)) for i in range(count))
    writer = threading.Thread(target=coprocess.send, args=(lines,))
    writer.start()
    answers = [coprocess.answer(alone=False).ipv4 for _ in range(count)]
    writer.join()
    assert answers == [expected(ldns(i)) for i in range(count)]
    assert coprocess.silent(0.02)


def test_one_byte_in_each_write_makes_one_answer(served):
    coprocess, _ = served
    for remote in (ldns(1), ldns(2)):
        for byte in question("www.example.com", "A", remote):
            assert coprocess.silent(0)
            coprocess.send(bytes([byte]))
        assert coprocess.answer().ipv4 == expected(remote)


def test_a_stop_in_mid_line_is_waited_out(served):
    coprocess, _ = served
    whole = question("www.example.com", "A", ldns(1))
    coprocess.send(whole[:20])
    before = coprocess.cpu_seconds()
    assert coprocess.silent(1.2)
    assert coprocess.cpu_seconds() - before < 0.3
    coprocess.send(whole[20:])
    assert coprocess.answer().ipv4 == expected(ldns(1))


def test_a_last_line_without_newline_is_answered(served):
    coprocess, _ = served
    coprocess.send(question("www.example.com", "A", ldns(1)).rstrip(b"\n"))
    coprocess.process.stdin.close()
    assert coprocess.answer().ipv4 == expected(ldns(1))
    assert coprocess.read_line() is None
    assert coprocess.process.wait(SECONDS_MAX) == 0


def writes_to_stdout(trace):
    """The sizes of the write() calls to descriptor 1 in the output of strace."""
    calls = re.findall(r"^\d+ +(\w+)\(1,.* = (-?\d+)", trace.read_text("latin-1"), re.MULTILINE)
    assert {name for name, _ in calls} <= {"write"}, calls
    return [int(size) for _, size in calls]


def test_each_answer_is_one_write(demo_database, workspace):
    demo_database.sql(
        "INSERT INTO record (zone_id, name, type, content)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        " SELECT 1, 'host' || i || '.example.com', 'A', '192.0.2.1' FROM n;"
        "INSERT INTO pool (name, method) VALUES ('odd', 'tarot');"
    )
    trace = workspace / "trace"
    before = strace(trace, "write,writev,pwrite64,pwritev,sendto,sendmsg")
    with Coprocess(demo_database.path, before=before, helo=False) as coprocess:
        lines = [b"HELO\t5\n", question("www.example.com"), question("mail.example.com")]
        lines += [question("nosuch.example.com"), question("example.com", "SOA", None)]
        lines += [b"Q\tbroken\n", b"\n", b"AXFR\t1\texample.com\n", b"AXFR\t7\texample.org\n"]
        lines += [b"CMD\thelp\n", b"CMD\tstatus\n", b"CMD\texplain www.example.com 192.0.2.10\n"]
        sizes = []
        for line in lines:
            coprocess.send(line)
            first = coprocess.read_line()
            answer = [first]
            while answer[-1] not in (b"END", b"FAIL") and not first.startswith(b"OK"):
                answer.append(coprocess.read_line())
            sizes.append(sum(len(part) + 1 for part in answer))
        assert coprocess.close() == 0
    assert max(sizes) > 4096
    assert writes_to_stdout(trace) == sizes


def test_a_reader_that_stops_loses_nothing_and_makes_nobody_spin(served):
    coprocess, _ = served
    count = 500  # some 500 KB of answers; a pipe holds 64
    lines = b"AXFR\t1\texample.com\n" * count
    writer = threading.Thread(target=coprocess.send, args=(lines,))
    writer.start()
    time.sleep(0.3)
    before = coprocess.cpu_seconds()
    time.sleep(1)
    assert coprocess.cpu_seconds() - before < 0.3
    answers = {tuple(coprocess.answer(alone=False).lines) for _ in range(count)}
    writer.join()
    assert len(answers) == 1
    assert coprocess.silent(0.02)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")


@pytest.mark.parametrize("sigpipe", ["ignored by the parent", "not ignored by the parent"])
def test_a_reader_that_is_gone_ends_it_without_error(demo_database, sigpipe):
    default = sigpipe.startswith("not")
    with Coprocess(demo_database.path, restore_signals=default) as coprocess:
        coprocess.process.stdout.close()
        coprocess.send(question("www.example.com"))
        assert coprocess.process.wait(SECONDS_MAX) == 0


def test_noise_of_every_kind_gets_one_answer_for_each_line(served):
    coprocess, _ = served
    rng = random.Random(1)
    words = (
        rb"Q AXFR HELO www.example.com example.com IN ANY SOA A -1 1 5 192.0.2.10 192.0.2.10/32"
        rb" 2001:db8::1 0.0.0.0/0 . \ \300 * % / LOG END 99999999999"
    ).split()
    words += [b"", b"x" * 300]
    for _ in range(100):
        lines = []
        for _ in range(30):
            fields = [rng.choice(words) for _ in range(rng.randrange(10))]
            line = bytearray(rng.choice([b"\t", b"\t", b" "]).join(fields))
            for _ in range(rng.choice([0, 0, 0, 1, 5])):
                line.insert(rng.randrange(len(line) + 1), rng.choice([0, 9, 32, 92, 127, 255]))
            lines.append(bytes(line) + b"\n")
        coprocess.send(b"".join(lines))
        for line in lines:
            first = coprocess.read_line()
            while first not in (b"END", b"FAIL") and not BANNER.match(first):
                first = coprocess.read_line()
    coprocess.hello(5)
    assert coprocess.silent(0.02)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")


# ---------------------------------------------------------------- names, clients, types


def test_capitals_make_no_other_client_and_no_other_site(served):
    coprocess, database = served
    names = ("www.example.com", "WWW.EXAMPLE.COM", "wWw.ExAmPlE.cOm", "SHOP.example.com")
    assert len({coprocess.ask(name, "A").ipv4 for name in names}) == 1
    assert database.mappings("web") == {"192.0.2.10": "fra"}


def test_odd_clients_get_an_answer_and_a_sane_key(served):
    coprocess, database = served
    database.sql("UPDATE pool SET client = 'ecs', ipv4_prefix = 24, ipv6_prefix = 56;")
    rows = (  # remote, client network, key or None, scope
        ("fe80::1%eth0", "fe80::1/128", "fe80::/56", 1),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1/128", "192.0.2.0/24", 1),
        ("invalid address", "0.0.0.0/0", None, 1),
        ("", "", None, 1),
        ("198.18.1.1", "0.0.0.0/0", "198.18.1.0/24", 1),
        ("198.18.2.1", "::/0", "198.18.2.0/24", 1),
        ("198.18.3.1", "2001:db8:aaaa:bbbb::/64", "ecs:2001:db8:aaaa:bb00::/56", 56),
        ("2001:db8:9::1", "203.0.113.0/24", "ecs:203.0.113.0/24", 24),
        ("198.18.4.1", "203.0.0.0/13", "ecs:203.0.0.0/13", 13),
        ("198.18.5.1", "198.18.5.1/32", "198.18.5.0/24", 1),
        ("198.18.6.1", "no network", "198.18.6.0/24", 1),
    )
    keys = set()
    for remote, network, key, scope in rows:
        fields = ["Q", "www.example.com", "IN", "ANY", "-1", remote, "198.51.100.53", network]
        answer = coprocess.request("\t".join(fields).encode() + b"\n")
        assert [record.scope for record in answer.records] == [scope, scope], (remote, network)
        keys |= {key} - {None}
        assert set(database.mappings("web")) == keys, (remote, network)


def test_every_type_of_a_balanced_name_agrees_with_any(served):
    coprocess, database = served
    for remote in ("192.0.2.10", None):
        whole = coprocess.ask("shop.example.com", "ANY", remote).records
        assert sorted({record.rdtype for record in whole}) == ["A", "AAAA", "MX"]
        for rdtype in ("A", "AAAA", "MX", "TXT", "SOA", "NS", "DS", "CNAME", "HTTPS", "NSEC"):
            answer = coprocess.ask("shop.example.com", rdtype, remote)
            assert not answer.failed
            assert answer.records == [record for record in whole if record.rdtype == rdtype]
        for record in whole:
            assert (record.scope > 0) == (record.rdtype in ("A", "AAAA"))
    assert database.mappings("web") == {"192.0.2.10": "fra"}


def test_questions_that_powerdns_asks_by_itself_leave_no_row(served):
    coprocess, database = served
    for rdtype in ("ANY", "A", "AAAA", "SOA", "NS"):
        for name in ("www.example.com", "shop.example.com", "api.example.com"):
            assert not coprocess.ask(name, rdtype, None).failed
    coprocess.request(b"AXFR\t1\texample.com\n")
    assert database.rows("SELECT * FROM persistence") == []


def test_soa_is_answered_at_the_apex_only_and_never_fails(served):
    coprocess, database = served
    database.sql("UPDATE pool SET fallback = 'servfail', fallback_pool_id = NULL;")
    database.sql("INSERT INTO controller_metric SELECT id, 'availability', 0, 0 FROM controller;")
    for remote in (None, "192.0.2.10"):
        assert [r.rdtype for r in coprocess.ask("example.com", "SOA", remote).records] == ["SOA"]
        for name in ("www.example.com", "x.y.example.com", "com", ".", "example.org"):
            assert coprocess.ask(name, "SOA", remote).lines == [b"END"]
    assert coprocess.ask("www.example.com", "ANY").failed  # as the pool wants it


# ---------------------------------------------------------------- every line, re-read


def random_label(rng):
    if rng.random() < 0.7:
        return "".join(rng.choices("abcdxyzABC019-_", k=rng.randint(1, 12)))
    parts = []
    for _ in range(rng.randint(1, 8)):
        byte = rng.randrange(256)
        if byte <= 32 or byte >= 127:
            parts.append(f"\\{byte:03d}")
        else:
            parts.append(("\\" if chr(byte) in ".\\" else "") + chr(byte))
    return "".join(parts)


def random_content(rng, rdtype):
    """A content that may be right for the type; one in three is damaged."""
    host = rng.choice(["mail.example.com", "x.example.net.", ".", "a\\.b.example", "*.example"])

    def string():
        parts = ["a", "b", " ", "\\\\", '\\"', "\\065", ";", "=", "\\", '"']
        return '"' + "".join(rng.choices(parts, [9] * 8 + [1, 1], k=rng.randint(0, 6))) + '"'

    def number():
        return str(rng.choice([0, 1, 10, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -1]))

    hexadecimal = "".join(rng.choices("0123456789abcdef", k=rng.choice([2, 40, 64, 63])))
    content = {
        "A": rng.choice(["192.0.2.1", "255.255.255.255", "192.0.2.256", "192.0.2", "1.2.3.4.5"]),
        "AAAA": rng.choice(["2001:db8::1", "::", "::ffff:192.0.2.1", "fe80::1%eth0", "1::2::3"]),
        "MX": f"{number()} {host}",
        "SRV": f"{number()} {number()} {number()} {host}",
        "TXT": " ".join(string() for _ in range(rng.randint(1, 3))),
        "CAA": f"{rng.choice([0, 128, 256])} issue {string()}",
        "NS": host,
        "CNAME": host,
        "PTR": host,
        "DS": f"{number()} 13 2 {hexadecimal}",
        "TLSA": f"3 1 1 {hexadecimal}",
        "NAPTR": f"{number()} 10 {string()} {string()} {string()} {host}",
        "HTTPS": f"{number()} {host} {rng.choice(['alpn=h2', 'port=443', 'ipv4hint=1.2.3.4'])}",
        "SOA": f"{host} {host} {' '.join(number() for _ in range(5))}",
        "TYPE65280": f"\\# {rng.choice(['0', '2 abcd', '2 abc', '2 ab cd', 'x'])}",
    }[rdtype]
    if rng.random() < 0.33:
        at = rng.randrange(len(content) + 1)
        content = content[:at] + rng.choice('  "\\;x.0é\x0b\x1f') + content[at + rng.randrange(2) :]
    return content


RANDOM_TYPES = (
    "A AAAA MX SRV TXT CAA NS CNAME PTR DS TLSA NAPTR HTTPS SOA TYPE65280".split()
)


def fill_at_random(path, rng):
    """Random configuration and records, those of them that pass the schema.  The names in it."""
    names = ["example.com", "www.example.com", "shop.example.com", "nosuch.example.com", "."]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("BEGIN IMMEDIATE")

    def insert(sql, *values):
        with contextlib.suppress(sqlite3.Error, UnicodeError):
            connection.execute(sql, values)

    for number in range(3, 12):
        insert(
            "INSERT INTO pool (id, name, method, ttl, persistence_ttl, persistence_timer,"
            " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback, fallback_pool_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            number, f"pool{number}", rng.choice(["modulus"] * 4 + ["tarot"]),
            rng.choice([0, 30, 2147483647, 2147483648]), rng.choice([0, 60, 2147483647]),
            rng.choice(["fixed", "sliding"]), rng.choice([None, None, 1, 2]),
            rng.choice(["ldns", "ecs"]), rng.choice([0, 1, 24, 32]), rng.choice([0, 1, 56, 128]),
            rng.choice(["any", "none", "servfail"]), rng.choice([None, None, 1, 3, 4]),
        )  # fmt: skip
        for position in range(1, rng.randint(1, 8)):
            insert(
                "INSERT INTO virtual_server"
                " (pool_id, controller_id, position, ipv4, ipv6, state) VALUES (?, ?, ?, ?, ?, ?)",
                number, rng.randint(1, 3), position,
                rng.choice(["192.0.2.7", "0.0.0.0", "255.255.255.255", "1.2.3.999", None]),
                rng.choice(["2001:db8::7", "::", "::ffff:192.0.2.7", "1:2:3:4:5:6:7:8:9", None]),
                rng.choice(["enabled", "enabled", "draining", "disabled"]),
            )  # fmt: skip
        name = f"{random_label(rng)}.example.{rng.choice(['com', 'com', 'net'])}"
        insert("INSERT INTO balanced_name VALUES (?, ?)", name, number)
        names.append(name)
    for _ in range(150):
        name = ".".join([random_label(rng) for _ in range(rng.randint(1, 3))] + ["example", "com"])
        rdtype = rng.choice(RANDOM_TYPES)
        insert(
            "INSERT INTO record (zone_id, name, type, ttl, content) VALUES (1, ?, ?, ?, ?)",
            name, rdtype, rng.choice([0, 1, 3600, 2147483647, -1]), random_content(rng, rdtype),
        )  # fmt: skip
        names.append(name)
    for kind, ids in (("controller", range(1, 4)), ("virtual_server", range(1, 40))):
        for number in ids:
            if rng.random() < 0.2:
                insert(
                    f"INSERT INTO {kind}_metric ({kind}_id, name, value)"
                    " VALUES (?, 'availability', 0)", number,
                )  # fmt: skip
    connection.execute("COMMIT")
    connection.close()
    return names


def check_answer(lines, abi, asked):
    """Every line is what PowerDNS takes, in its place; the records are what was asked for."""
    parsed = [parse(line, abi) for line in lines]
    assert parsed[-1] in ("END", "FAIL")
    records = [item for item in parsed[:-1] if item != "LOG"]
    for line, record in zip(lines, parsed):
        assert record != "LOG" or line.startswith(b"LOG\t") and line[4:].strip(), line
    for record in records:
        assert record not in ("END", "FAIL"), lines
        check_content(record)
        assert record.scope <= 128 and not set(record.content) & set("\t\r\n")
        if asked:
            name, rdtype, network_bits = asked
            assert record.owner == labels(name), lines
            assert rdtype in ("ANY", record.rdtype), lines
            assert record.scope <= network_bits, lines
    if asked and asked[1] == "SOA":
        assert parsed[-1] == "END" and len(records) <= 1
    return len(records)


@pytest.mark.parametrize("seed", range(6))
def test_powerdns_would_take_every_line_of_random_answers(demo_database, seed):
    rng = random.Random(seed)
    names = fill_at_random(demo_database.path, rng)
    seen = 0
    with Coprocess(demo_database.path) as coprocess:
        for abi in range(1, 6):
            coprocess.hello(abi)
            asked = []
            for name in names:
                rdtype = rng.choice(["ANY"] * 4 + ["SOA", "A", "AAAA", *RANDOM_TYPES])
                remote = rng.choice([None, "192.0.2.10", "2001:db8::53", "fe80::1%lo", "10.1.2.3"])
                network = rng.choice([None, "203.0.113.0/24", "2001:db8:7::/48", "0.0.0.0/0"])
                bits = 128 if ":" in (network or remote or "") else 32
                zone_id = rng.choice([-1, -1, 1])
                asked.append((name, rdtype, bits))
                coprocess.send(question(name, rdtype, remote, zone_id, network, abi))
            for what in asked:
                seen += check_answer(coprocess.lines_until_end(), abi, what)
            transfer = coprocess.request(b"AXFR\t1\texample.com\n" if abi >= 4 else b"AXFR\t1\n")
            seen += check_answer(transfer.lines, abi, None)
        assert coprocess.silent(0.02)
        assert coprocess.close() == 0
    assert seen > 300


# ---------------------------------------------------------------- start and end


def damage(path):
    """Overwrites all pages but the first."""
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(os.path.getsize(path) - 4096))


@contextlib.contextmanager
def locked(path, how):
    """Another process holds the database locked."""
    with Shell(path) as shell:
        shell.run("PRAGMA locking_mode = EXCLUSIVE;" if how == "alone" else "")
        shell.change("BEGIN IMMEDIATE; UPDATE pool SET ttl = ttl;")
        yield


def make_missing(database):
    database.path.unlink()


def make_empty(database):
    database.path.write_bytes(b"")


def make_garbage(database):
    database.path.write_bytes(b"\x7fELF" + os.urandom(50000))


def make_corrupt(database):
    damage(database.path)


def make_foreign(database):
    database.path.unlink()
    database.sql("CREATE TABLE address_book (name TEXT);")


def make_directory(database):
    database.path.unlink()
    database.path.mkdir()


def make_fifo(database):
    database.path.unlink()
    os.mkfifo(database.path)


def make_unreadable(database):
    database.path.chmod(0)


BROKEN = {  # how, and what the log must say about it
    make_missing: r"is not there; make it .* sqlite3 \S+ < \S+/schema.sql",
    make_empty: r"is empty; make one .* sqlite3 \S+ < \S+/schema.sql",
    make_garbage: r"is not a pdns-sticky database; make one .* sqlite3 \S+ < \S+/schema.sql",
    make_corrupt: r"sticky|demo",
    make_foreign: r"is not a pdns-sticky database; make one .* sqlite3 \S+ < \S+/schema.sql",
    make_directory: r"is not a file",
    make_fifo: r"is not a file",
    make_unreadable: r"unable to open|cannot be (opened|read)|permission",
}


def put_in_place(source, target):
    """Makes `target` a copy of the file `source` in one step, whatever was there."""
    if target.is_dir():
        target.rmdir()
    copy = target.with_name("copy")
    shutil.copyfile(source, copy)
    if powerdns.USER:
        shutil.chown(copy, powerdns.USER, powerdns.USER)
    os.replace(copy, target)


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda function: function.__name__[5:])
def test_without_a_usable_file_it_says_what_to_do_and_goes_on_once_the_file_is_right(
    demo_database, workspace, break_it
):
    good = workspace / "good"
    shutil.copyfile(demo_database.path, good)
    break_it(demo_database)
    assert_banner_is_prompt(demo_database.path)
    with Coprocess(demo_database.path) as coprocess:
        answers = [coprocess.ask("example.com", "SOA", None)]
        answers += [coprocess.ask(remote=ldns(i)) for i in range(9)]
        assert_prompt(answers)
        assert all(answer.lines[-1] == b"END" and not answer.records for answer in answers)
        said = [log for answer in answers for log in answer.logs]
        assert len(said) == 1 and re.search(BROKEN[break_it], said[0]), said
        put_in_place(good, demo_database.path)
        assert coprocess.ask("example.com", "SOA", None).contents("SOA")
        assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
        assert demo_database.mappings("web") == {ldns(1): SITES[expected(ldns(1))]}
        assert coprocess.close() == 0


def test_a_database_made_under_a_running_coprocess_counts_at_once(workspace):
    path = workspace / "sticky.sqlite"
    with Coprocess(path) as coprocess:
        assert coprocess.ask().lines[-1] == b"END"
        database = Database.create(workspace)
        assert coprocess.ask("example.com", "SOA", None).lines == [b"END"]
        database.sql(powerdns.DEMO.read_text())
        assert coprocess.ask("example.com", "SOA", None).contents("SOA")
        assert coprocess.ask().ipv4 == expected("192.0.2.10")


def test_the_banner_comes_before_the_database_is_touched(demo_database, workspace):
    trace = workspace / "trace"
    with Coprocess(demo_database.path, before=strace(trace, "%file,write")) as coprocess:
        assert coprocess.silent(0.1)
        before_question = trace.read_text("latin-1")
        assert coprocess.ask().ipv4
        coprocess.close()
    program_starts = before_question.index("execve(")
    touched = before_question[before_question.index("\n", program_starts) :]
    assert "write(1, " in touched
    assert str(demo_database.path) not in touched.split("write(1, ")[0]
    assert str(demo_database.path) in trace.read_text("latin-1").split("write(1, ", 1)[1]


@pytest.mark.parametrize("how", ["for writing", "alone"])
def test_a_locked_database_does_not_delay_the_banner(demo_database, how):
    with contextlib.ExitStack() as stack:
        with locked(demo_database.path, how):
            assert_banner_is_prompt(demo_database.path)
            coprocess = stack.enter_context(Coprocess(demo_database.path))
            answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
            assert_prompt(answers)
            if how == "for writing":  # the configuration can be read
                assert [a.ipv4 for a in answers] == [expected(ldns(i)) for i in range(10)]
        heals(coprocess, demo_database, 20)


def test_a_log_of_a_gigabyte_does_not_delay_the_banner(demo_database):
    log = Path(f"{demo_database.path}-wal")
    with Shell(demo_database.path) as shell:
        shell.run("PRAGMA wal_autocheckpoint = 0;")
        shell.change("CREATE TABLE ballast (content BLOB); BEGIN;")
        for _ in range(32):
            shell.change("INSERT INTO ballast VALUES (randomblob(1000000));")
        shell.change("COMMIT;")
        shell.process.kill()  # so that it doesn't copy the log back when it ends
        shell.process.wait()
    assert log.stat().st_size > 32_000_000
    os.truncate(log, 1 << 30)
    assert_banner_is_prompt(demo_database.path)

    def answer():
        Path(f"{demo_database.path}-shm").unlink(missing_ok=True)  # so that the log is read whole
        with Coprocess(demo_database.path) as coprocess:
            assert coprocess.ask().ipv4 == expected("192.0.2.10")

    assert_within(2, answer)  # PowerDNS's patience


def test_sigterm_is_ignored_and_the_end_of_input_ends_it(served):
    coprocess, _ = served
    for _ in range(3):
        coprocess.process.send_signal(signal.SIGTERM)
        assert coprocess.silent(0.05)
        assert coprocess.ask().ipv4 == expected("192.0.2.10")
    assert coprocess.close() == 0


def test_the_end_of_input_ends_it_at_once(demo_database):
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(Coprocess(demo_database.path)) for _ in range(4)]
        for process in processes:
            process.ask()
            process.process.send_signal(signal.SIGTERM)
        endings = iter(processes)
        assert_within(1, lambda: next(endings).close())


def test_it_never_ends_while_its_input_is_open(served):
    coprocess, database = served
    coprocess.ask()
    database.path.unlink()
    for line in (b"FAIL", b"", b"HELO\t9", b"Q", b"\0"):
        coprocess.request(line + b"\n")
    assert coprocess.silent(1.2)
    assert coprocess.process.poll() is None


PARENT = """
import subprocess, sys, time
# The writing end of the child's input is not this process's alone.
child = subprocess.Popen(sys.argv[3:], stdin=int(sys.argv[1]), stdout=int(sys.argv[2]))
print(child.pid, flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def orphan(database):
    """A coprocess that loses its parent by SIGKILL, while its input stays open.  Its pid."""
    with contextlib.ExitStack() as stack:
        ends = [*os.pipe(), *os.pipe()]
        for end in ends:
            stack.callback(os.close, end)
        question_read, question_write, answer_read, answer_write = ends
        argv = [sys.executable, "-c", PARENT, str(question_read), str(answer_write)]
        argv += [str(powerdns.backend_path()), "--database", str(database)]
        passed = (question_read, answer_write)
        parent = stack.enter_context(
            subprocess.Popen(argv, stdout=subprocess.PIPE, pass_fds=passed)
        )
        pid = int(parent.stdout.readline())
        os.write(question_write, b"HELO\t5\n")
        assert os.read(answer_read, 4096).startswith(b"OK\t")
        assert not is_gone(pid)
        parent.kill()
        parent.wait()
        yield pid


def test_a_killed_parent_takes_it_along_though_a_sibling_holds_its_input(demo_database):
    def vanish():
        with orphan(demo_database.path) as pid:
            wait_until(lambda: is_gone(pid), SECONDS_MAX, "the coprocess is gone")

    assert_within(2, vanish)


def test_it_holds_its_three_descriptors_and_the_database_alone(demo_database, workspace):
    (workspace / "secret").touch()
    leaky = ["sh", "-c", 'exec 7<"$0" 9<"$0"; exec "$@"', str(workspace / "secret")]
    with Coprocess(demo_database.path, before=leaky) as coprocess:
        coprocess.ask()
        folder = Path(f"/proc/{coprocess.pid}/fd")
        open_files = {int(entry.name): os.readlink(entry) for entry in folder.iterdir()}
    assert set(open_files) >= {0, 1, 2}
    path = str(demo_database.path)
    allowed = {path, f"{path}-wal", f"{path}-shm", f"{path}-lock"}
    assert {open_files[number] for number in set(open_files) - {0, 1, 2}} <= allowed


def test_descriptors_do_not_pile_up_when_the_file_comes_and_goes(served):
    coprocess, database = served
    coprocess.ask()
    folder = Path(f"/proc/{coprocess.pid}/fd")
    before = len(list(folder.iterdir()))
    spare = database.path.with_name("spare")
    for round_ in range(50):
        shutil.copyfile(database.path, spare)
        if powerdns.USER:
            shutil.chown(spare, powerdns.USER, powerdns.USER)
        database.path.unlink()
        assert coprocess.ask(remote=ldns(round_)).lines[-1] == b"END"
        os.replace(spare, database.path)
        assert coprocess.ask(remote=ldns(round_)).ipv4 == expected(ldns(round_))
    # a round of housekeeping has some of its own
    wait_until(lambda: len(list(folder.iterdir())) <= before, HEAL_SECONDS, "as few as before")


# ---------------------------------------------------------------- owners, rights, mounts


def heals(coprocess, database, number):
    """Waits until a new resolver's answer leaves its row."""

    def has_row():
        right = coprocess.ask("www.example.com", "A", ldns(number)).ipv4 == expected(ldns(number))
        return right and ldns(number) in database.mappings("web")

    wait_until(has_row, HEAL_SECONDS, "a row for a new resolver")


def answers_without_rows(coprocess, pattern):
    """Answers go on, and the log says once what is wrong."""
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(10)]
    assert_prompt(answers)
    said = [log for answer in answers for log in answer.logs]
    assert len(said) == 1 and re.search(pattern, said[0]), said


def test_a_file_of_root_is_served_read_only_until_it_is_given_away(root_only, demo_database):
    os.chown(demo_database.path, 0, 0)
    with Coprocess(demo_database.path) as coprocess:
        answers_without_rows(coprocess, r"belongs to uid 0\b.*directory.* user PowerDNS runs as")
        shutil.chown(demo_database.path, powerdns.USER, powerdns.USER)
        heals(coprocess, demo_database, 1)


def test_a_running_coprocess_survives_that_root_takes_the_file(root_only, demo_database):
    with Coprocess(demo_database.path) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(100)).ipv4 == expected(ldns(100))
        os.chown(demo_database.path, 0, 0)
        time.sleep(0.05)  # between questions it looks at the file only so often
        answers_without_rows(coprocess, r"uid 0")
        shutil.chown(demo_database.path, powerdns.USER, powerdns.USER)
        heals(coprocess, demo_database, 1)


def test_root_takes_the_file_while_housekeeping_has_it_open(root_only, demo_database, workspace):
    """SQLite would hand on a descriptor that was opened when the file could still be written."""
    trace = workspace / "trace"
    with Coprocess(demo_database.path, before=slow_disk(trace)) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(100)).ipv4 == expected(ldns(100))
        until_a_round_waits(trace)
        os.chown(demo_database.path, 0, 0)
        time.sleep(0.05)
        answers_without_rows(coprocess, r"uid 0")
        shutil.chown(demo_database.path, powerdns.USER, powerdns.USER)
        heals(coprocess, demo_database, 1)


def test_a_directory_that_cannot_be_written_is_served_read_only(root_only, demo_database):
    folder = demo_database.path.parent
    for suffix in ("-wal", "-shm", "-lock"):
        Path(f"{demo_database.path}{suffix}").unlink(missing_ok=True)
    os.chown(folder, 0, 0)
    with Coprocess(demo_database.path) as coprocess:
        answers_without_rows(coprocess, r"beside it.*directory.* the user PowerDNS runs as")
        shutil.chown(folder, powerdns.USER, powerdns.USER)
        heals(coprocess, demo_database, 1)


def test_a_directory_that_becomes_unwritable_while_running_changes_no_answer(
    root_only, demo_database
):
    with Coprocess(demo_database.path) as coprocess:
        coprocess.ask("www.example.com", "A", ldns(100))
        os.chown(demo_database.path.parent, 0, 0)
        for i in range(10):
            assert coprocess.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
        with Coprocess(demo_database.path) as second:
            for i in range(20):
                assert second.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
        shutil.chown(demo_database.path.parent, powerdns.USER, powerdns.USER)
        heals(coprocess, demo_database, 50)


def test_a_file_without_the_right_to_write_is_served_read_only(demo_database):
    demo_database.path.chmod(0o444)
    with Coprocess(demo_database.path) as coprocess:
        answers_without_rows(coprocess, r"only (be )?read")
        for path in demo_database.path.parent.glob(f"{demo_database.path.name}*"):
            path.chmod(0o644)  # what SQLite made beside the file has the file's rights
        heals(coprocess, demo_database, 1)


@contextlib.contextmanager
def read_only_mount(folder):
    """Mounts the folder onto itself read-only; says whether that is possible here."""
    steps = (["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder])
    mounted = [subprocess.run(step, capture_output=True).returncode == 0 for step in steps]
    try:
        yield all(mounted)
    finally:
        if mounted[0]:
            subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("with_log", [False, True], ids=["at rest", "with a log"])
def test_a_read_only_file_system_is_served_until_it_can_be_written(
    root_only, demo_database, with_log
):
    with Coprocess(demo_database.path) as writer:
        if with_log:
            writer.ask("www.example.com", "A", ldns(100))
            writer.kill()
    with read_only_mount(str(demo_database.path.parent)) as possible:
        if not possible:  # a container without that right: the nearest thing
            os.chown(demo_database.path.parent, 0, 0)
            os.chown(demo_database.path, 0, 0)
        with Coprocess(demo_database.path) as coprocess:
            answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
            assert_prompt(answers)
            assert {a.lines[-1] for a in answers} == {b"END"}
            if not with_log:
                assert [a.ipv4 for a in answers] == [expected(ldns(i)) for i in range(10)]
            assert len([log for answer in answers for log in answer.logs]) == 1
            if possible:
                folder = str(demo_database.path.parent)
                subprocess.run(["mount", "-o", "remount,bind,rw", folder], check=True)
            else:
                for path in (demo_database.path.parent, demo_database.path):
                    shutil.chown(path, powerdns.USER, powerdns.USER)
            heals(coprocess, demo_database, 1)


def test_root_may_be_the_first_without_locking_the_others_out(root_only, demo_database):
    with Coprocess(demo_database.path, user=None) as coprocess:
        assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
        status = powerdns.run([powerdns.backend_path(), "--database", demo_database.path, "status"])
        assert status.returncode == 0
    with Coprocess(demo_database.path) as coprocess:
        heals(coprocess, demo_database, 2)
    for suffix in ("-wal", "-shm", "-lock"):
        path = Path(f"{demo_database.path}{suffix}")
        assert not path.exists() or path.owner() == powerdns.USER


# ---------------------------------------------------------------- another file, another version


def test_a_file_replaced_by_mv_counts_from_the_next_question_on(served):
    coprocess, database = served
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    for number in range(1, 6):
        other = Database.create(database.path.parent, powerdns.DEMO, name=f"other{number}.sqlite")
        other.sql(f"UPDATE virtual_server SET ipv4 = '192.0.2.{100 + number}';")
        os.replace(other.path, database.path)
        assert coprocess.ask().ipv4 == f"192.0.2.{100 + number}"
        assert database.mappings("web") == {"192.0.2.10": "fra"}


def test_a_file_that_is_damaged_while_running_changes_no_answer(served):
    coprocess, database = served
    good = database.path.with_name("good")
    shutil.copyfile(database.path, good)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    damage(database.path)
    for i in range(20):
        answer = coprocess.ask("www.example.com", "A", ldns(i))
        assert answer.ipv4 == expected(ldns(i)), answer.lines
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink(missing_ok=True)
    put_in_place(good, database.path)
    heals(coprocess, database, 30)


@pytest.mark.parametrize("way", ["deleted", "emptied", "directory", "unreadable"])
def test_a_file_that_goes_while_running_changes_no_answer(served, way):
    coprocess, database = served
    good = database.path.with_name("good")
    shutil.copyfile(database.path, good)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    if way == "emptied":
        os.truncate(database.path, 0)
    elif way == "unreadable":
        database.path.chmod(0)
    else:
        database.path.unlink()
    if way == "directory":
        database.path.mkdir()
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(20)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(20)]
    assert_prompt(answers)
    said = [log for answer in answers for log in answer.logs]
    assert len(set(said)) == len(said), said
    assert said or way in ("emptied", "unreadable")  # what is read and open already still serves
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink(missing_ok=True)
    put_in_place(good, database.path)
    heals(coprocess, database, 30)


def test_a_database_of_a_newer_version_is_served_read_only_and_says_so(demo_database):
    demo_database.sql("PRAGMA user_version = 3;")
    with Coprocess(demo_database.path) as coprocess:
        answers_without_rows(coprocess, r"version 3, newer than this program's 2.* read-only")
        assert demo_database.rows("SELECT * FROM persistence") == []
        assert any("newer" in line for line in coprocess.command("status"))


def run_program(database, *words):
    argv = [str(powerdns.backend_path()), "--database", str(database), *words]
    return powerdns.run(as_user(argv))


def test_migrations_run_while_backends_answer(demo_database, workspace):
    folder = workspace / "migrations"
    folder.mkdir()
    (folder / "3.sql").write_text(
        "ALTER TABLE pool ADD COLUMN motto TEXT NOT NULL DEFAULT 'semper';\n"
        "CREATE TABLE motto (id INTEGER PRIMARY KEY) STRICT;\n"
        "INSERT INTO motto WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 20000) SELECT i FROM n;\n"
    )
    (folder / "4.sql").write_text("CREATE TABLE half (id INTEGER) STRICT;\nNOT SQL AT ALL;\n")
    folder.chmod(0o755)
    stop, failures, asked = threading.Event(), [], [0, 0]

    def resolver(which, coprocess):
        number = which
        while not stop.is_set():
            remote = ldns(number)
            answer = coprocess.ask("www.example.com", "A", remote)
            if answer.ipv4 != expected(remote):
                failures.append(answer.lines)
            number += 2
        asked[which] = number

    with Coprocess(demo_database.path) as first, Coprocess(demo_database.path) as second:
        threads = [
            threading.Thread(target=resolver, args=pair) for pair in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        migrated = run_program(demo_database.path, "migrate", str(folder))
        broken = run_program(demo_database.path, "migrate", str(folder))
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert min(asked) > 2
        assert migrated.returncode == broken.returncode == 1
        assert "4.sql" in migrated.stderr and "syntax error" in migrated.stderr
        assert demo_database.rows("PRAGMA user_version") == [(3,)]
        assert demo_database.rows("SELECT count(*) FROM motto") == [(20000,)]
        assert demo_database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'half'") == []
        (folder / "4.sql").write_text("CREATE TABLE whole (id INTEGER) STRICT;\n")
        last = run_program(demo_database.path, "migrate", str(folder))
        assert (last.returncode, last.stderr) == (0, "")
        assert "version 3 became 4" in last.stdout
        assert demo_database.rows("PRAGMA user_version") == [(4,)]
        again = run_program(demo_database.path, "migrate", str(folder))
        assert again.returncode == 0 and "already" in again.stdout
        for coprocess in (first, second):
            assert coprocess.ask().ipv4 == expected("192.0.2.10")


# ---------------------------------------------------------------- changes by SQL


def test_a_committed_change_counts_for_the_very_next_question(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for number in range(400):
            address = f"192.0.2.{number % 250 + 1}"
            shell.change(f"UPDATE virtual_server SET ipv4 = '{address}' WHERE ipv4 IS NOT NULL;")
            assert coprocess.ask("www.example.com", "A").ipv4 == address


def test_a_committed_metric_counts_for_the_very_next_question(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for number in range(200):
            down = number % 3
            shell.change(
                "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
                f" SELECT id, 'availability', id <> {down + 1} FROM controller;"
            )
            remote = ldns(number)
            answer = coprocess.ask("www.example.com", "A", remote)
            assert answer.ipv4 == expected(remote, down={down})


def test_a_rollback_changes_nothing(served):
    coprocess, database = served
    first = coprocess.ask("www.example.com", "A").ipv4
    with Shell(database.path) as shell:
        for number in range(100):
            shell.change(f"BEGIN; UPDATE virtual_server SET ipv4 = '10.0.0.{number}';")
            assert coprocess.ask("www.example.com", "A").ipv4 == first
            shell.change("ROLLBACK;")
            assert coprocess.ask("www.example.com", "A").ipv4 == first


def test_a_change_of_several_rows_is_seen_whole_or_not_at_all(served):
    coprocess, database = served
    stop = threading.Event()

    def change():
        number = 0
        with Shell(database.path) as shell:
            while not stop.is_set():
                number = number % 200 + 1
                shell.change(
                    f"BEGIN IMMEDIATE; UPDATE virtual_server SET ipv4 = '192.0.2.{number}';"
                    f"UPDATE virtual_server SET ipv6 = '2001:db8::{number}'; COMMIT;"
                )

    writer = threading.Thread(target=change)
    coprocess.ask(remote=None)
    writer.start()
    seen = set()
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while len(seen) < 50 and time.monotonic() < deadline:
            answer = coprocess.ask(remote=None)
            (ipv4,), (ipv6,) = answer.contents("A"), answer.contents("AAAA")
            seen.add(ipv4)
            assert ipv4 in IPV4 or ipv4.rsplit(".", 1)[1] == ipv6.rsplit(":", 1)[1]
    finally:
        stop.set()
        writer.join()
    assert len(seen) >= 50


def test_an_unstuck_resolver_is_decided_anew(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    other = (IPV4.index(expected(ldns(1))) + 1) % 3
    database.sql(f"UPDATE persistence SET controller_id = {other + 1};")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == IPV4[other]
    database.sql(f"DELETE FROM persistence WHERE ldns = '{ldns(1)}';")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))


BAD_ROWS = (  # what an operator may do without the triggers, and the words in the log
    ("INSERT INTO pool (id, name, method) VALUES (20, 'odd', 'tarot')", "pool odd: .*tarot"),
    ("INSERT INTO pool (id, name) VALUES (21, 'bare')", "pool bare: .*no virtual servers"),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (31, 1, 1, 31, '192.0.2.999')",
        "virtual_server 31: 192.0.2.999",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv6)"
        " VALUES (32, 1, 1, 32, '2001:db8:::1')",
        "virtual_server 32: 2001:db8:::1",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (33, 1, 77, 33, '192.0.2.1')",
        "virtual_server 33: controller 77",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (34, 77, 1, 34, '192.0.2.1')",
        "virtual_server 34: pool 77",
    ),
    ("INSERT INTO balanced_name VALUES ('lost.example.com', 77)", "lost.example.com: pool 77"),
    (
        "INSERT INTO record (id, zone_id, name, type, content)"
        " VALUES (41, 77, 'x.example.net', 'A', '192.0.2.1')",
        "record 41 .*zone",
    ),
    (
        "INSERT INTO record (id, zone_id, name, type, content)"
        " VALUES (42, 1, 'x.example.com', 'A', 'no address')",
        "record 42 .*IPv4",
    ),
    ("UPDATE pool SET fallback_pool_id = 77 WHERE id = 2", "pool api: fallback_pool_id 77"),
    ("UPDATE pool SET persistence_pool_id = 77 WHERE id = 2", "pool api: persistence_pool_id 77"),
)


def drop_guards(database):
    """Without the triggers that refuse what would dangle; those that count changes stay."""
    names = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'revision%'"
    )
    database.sql("".join(f"DROP TRIGGER {name};" for (name,) in names))


@pytest.mark.parametrize("sql, words", BAD_ROWS, ids=[words for _, words in BAD_ROWS])
def test_a_row_that_cannot_be_used_is_named_once_and_the_rest_serves_on(served, sql, words):
    coprocess, database = served
    drop_guards(database)
    assert coprocess.ask("www.example.com", "A").logs == []
    database.sql(sql + ";")
    answer = coprocess.ask("www.example.com", "A")
    assert answer.ipv4 == expected("192.0.2.10")
    assert len(answer.logs) == 1 and re.search(words, answer.logs[0]), answer.logs
    for _ in range(3):  # another reload does not say it again
        database.sql("UPDATE pool SET ttl = ttl + 1;")
        answer = coprocess.ask("www.example.com", "A")
        assert (answer.ipv4, answer.logs) == (expected("192.0.2.10"), [])
    assert any(re.search(words, line) for line in coprocess.command("status"))


def test_a_row_that_is_mended_and_broken_again_is_not_named_twice_within_a_minute(served):
    coprocess, database = served
    for number in range(4):
        database.sql("INSERT INTO pool (name, method) VALUES ('odd', 'tarot');")
        assert len(coprocess.ask().logs) == (number == 0)
        database.sql("DELETE FROM pool WHERE name = 'odd';")
        assert coprocess.ask().logs == []


def test_a_thousand_bad_rows_make_a_short_log(served):
    coprocess, database = served
    database.sql(
        "INSERT INTO pool (name, method) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
        " FROM n WHERE i < 1000) SELECT 'odd' || i, 'tarot' FROM n;"
    )
    answer = coprocess.ask("www.example.com", "A")
    assert answer.ipv4 == expected("192.0.2.10")
    assert 2 <= len(answer.logs) <= 20
    assert "1000" in answer.logs[-1]


# ---------------------------------------------------------------- sticking among processes


def test_a_locked_database_delays_no_answer_and_rows_follow_when_it_is_free(demo_database):
    with Coprocess(demo_database.path) as coprocess, Shell(demo_database.path) as other:
        coprocess.ask("www.example.com", "A", ldns(1000))
        other.change("BEGIN IMMEDIATE;")
        until = time.monotonic() + 1.2
        answers = []
        while time.monotonic() < until:
            remote = ldns(len(answers))
            answers.append(coprocess.ask("www.example.com", "A", remote))
            assert answers[-1].ipv4 == expected(remote)
        other.change("COMMIT;")
        assert_prompt(answers)
        said = [log for answer in answers for log in answer.logs]
        assert len(said) == 1 and "locked" in said[0], said
        assert coprocess.ask("www.example.com", "A", ldns(1000)).ipv4 == expected(ldns(1000))
        for i in range(len(answers)):
            assert coprocess.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
        wait_until(
            lambda: coprocess.ask("www.example.com", "A", ldns(0)).ipv4
            and len(demo_database.mappings("web")) >= 2,
            HEAL_SECONDS,
            "rows once the lock is gone",
        )


def test_a_mapping_that_binds_does_not_need_the_lock(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).logs == []
    with Shell(database.path) as other:
        other.change("BEGIN IMMEDIATE;")
        answers = [coprocess.ask("www.example.com", "A", ldns(1)) for _ in range(50)]
        other.change("ROLLBACK;")
    assert {(answer.ipv4, tuple(answer.logs)) for answer in answers} == {(expected(ldns(1)), ())}
    assert_prompt(answers)


def test_a_new_resolver_gets_one_answer_from_all_processes(demo_database):
    resolvers, together = 4000, 100
    answered = {}
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell(demo_database.path))
        shell.run("PRAGMA synchronous = OFF;")  # a slow disk under a lock is another test
        processes = [stack.enter_context(Coprocess(demo_database.path)) for _ in range(4)]
        for first in range(0, resolvers, together):
            remotes = [ldns(first + i) for i in range(together)]
            batch = b"".join(question("www.example.com", "A", remote) for remote in remotes)
            for process in processes:
                process.send(batch)
            # What a choice depends on changes in their midst; a mapping outlives it.
            site = ("ams", "fra", "nyc")[first // together % 3]
            shell.change(
                f"UPDATE controller SET state = iif(name = '{site}', 'draining', 'enabled');"
            )
            for process in processes:
                for remote in remotes:
                    answered.setdefault(remote, set()).add(process.answer(alone=False).ipv4)
    different = {remote: sites for remote, sites in answered.items() if len(sites) > 1}
    assert different == {}
    mappings = demo_database.mappings("web")
    assert {remote: SITES[sites.pop()] for remote, sites in answered.items()} == mappings
    assert any(mappings[remote] != SITES[expected(remote)] for remote in mappings)


def read_what_came(coprocess, remotes):
    """The answers that a killed coprocess had given: {resolver: address}.  And how many of the last
    ones it gave after it had said that it could not write."""
    answers, excused = {}, 0
    for remote in remotes:
        try:
            answer = coprocess.answer(alone=False)
        except AssertionError:  # the kill cut this one
            break
        answers[remote] = answer.ipv4
        excused += bool(excused or answer.logs)
    return answers, excused


def test_no_answered_mapping_is_lost_when_coprocesses_are_killed(demo_database):
    rng = random.Random(7)
    rounds, together = 45, 150
    answered, unwritten = {}, set()
    with Coprocess(demo_database.path) as witness, contextlib.ExitStack() as stack:
        for round_ in range(rounds):
            doomed = [stack.enter_context(Coprocess(demo_database.path)) for _ in range(3)]
            # Two of them are asked by the same resolvers.
            starts = [(2 * round_ + which) * together for which in (0, 0, 1)]
            remotes = [[ldns(start + i) for i in range(together)] for start in starts]
            for coprocess, mine in zip(doomed, remotes):
                coprocess.send(b"".join(question("www.example.com", "A", r) for r in mine))
            wait_until(lambda: not doomed[0].silent(0.01), SECONDS_MAX, "a first answer")
            time.sleep(rng.uniform(0, 0.01))
            for coprocess in doomed:
                coprocess.kill()
            for coprocess, mine in zip(doomed, remotes):
                answers, excused = read_what_came(coprocess, mine)
                unwritten |= set(list(answers)[len(answers) - excused :])
                for remote, address in answers.items():
                    assert answered.setdefault(remote, address) == address
            assert witness.ask("www.example.com", "A").ipv4 == expected("192.0.2.10")
            stack.pop_all().close()
    mappings = demo_database.mappings("web")
    promised = {remote: SITES[answered[remote]] for remote in set(answered) - unwritten}
    assert len(promised) > 10 * rounds
    lost = {remote: site for remote, site in promised.items() if mappings.get(remote) != site}
    assert lost == {}
    assert demo_database.rows("PRAGMA integrity_check") == [("ok",)]


def test_all_down_answers_as_the_pool_says_and_writes_nothing(served):
    coprocess, database = served
    coprocess.ask("www.example.com", "A", ldns(1))
    database.sql(
        "UPDATE persistence SET controller_id = 3;"
        "INSERT INTO controller_metric SELECT id, 'availability', 0, 0 FROM controller;"
    )
    before = database.rows("SELECT * FROM persistence")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == IPV4[2]  # what binds, binds
    assert coprocess.ask("www.example.com", "A", ldns(2)).ipv4 == expected(ldns(2))
    database.sql("UPDATE pool SET fallback = 'none' WHERE name = 'web';")
    assert coprocess.ask("www.example.com", "A", ldns(1)).lines == [b"END"]
    assert coprocess.ask("www.example.com", "ANY", ldns(1)).records  # the name stays
    database.sql("UPDATE pool SET fallback = 'servfail' WHERE name = 'web';")
    assert coprocess.ask("www.example.com", "A", ldns(1)).lines == [b"FAIL"]
    assert coprocess.ask("www.example.com", "SOA", ldns(1)).lines == [b"END"]
    assert database.rows("SELECT * FROM persistence") == before
    database.sql("DELETE FROM controller_metric;")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == IPV4[2]


def test_a_controller_that_is_removed_lets_its_clients_go(served):
    coprocess, database = served
    remotes = [ldns(i) for i in range(30)]
    before = {remote: coprocess.ask("www.example.com", "A", remote).ipv4 for remote in remotes}
    database.sql(
        "DELETE FROM virtual_server WHERE controller_id = 2; DELETE FROM controller WHERE id = 2;"
    )
    after = {remote: coprocess.ask("www.example.com", "A", remote).ipv4 for remote in remotes}
    assert IPV4[1] not in after.values()
    for remote in remotes:
        if before[remote] != IPV4[1]:
            assert after[remote] == before[remote]
        else:
            assert after[remote] == (IPV4[0], IPV4[2])[chosen(remote, 2)]
    assert database.mappings("web") == {remote: SITES[after[remote]] for remote in remotes}


def test_rows_of_a_controller_that_is_gone_behind_the_triggers_do_not_bind(served):
    coprocess, database = served
    coprocess.ask("www.example.com", "A", ldns(1))
    database.sql("UPDATE persistence SET controller_id = 77;")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    assert database.mappings("web") == {ldns(1): SITES[expected(ldns(1))]}


def test_a_reload_that_cannot_be_done_leaves_the_last_configuration(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    database.sql("ALTER TABLE balanced_name RENAME TO away; UPDATE pool SET ttl = 31;")
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(10)]
    assert any("balanced_name" in log for answer in answers for log in answer.logs)
    database.sql("ALTER TABLE away RENAME TO balanced_name; UPDATE pool SET ttl = 32;")
    wait_until(
        lambda: [r.ttl for r in coprocess.ask("www.example.com", "A").records] == [32],
        HEAL_SECONDS,
        "the new configuration",
    )


def test_more_new_resolvers_than_the_rate_allows_are_answered_without_rows(served):
    coprocess, database = served
    database.sql("UPDATE setting SET value = 1 WHERE name = 'max_writes_per_second';")
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(200)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(200)]
    said = [log for answer in answers for log in answer.logs]
    assert len(said) == 1 and "max_writes_per_second" in said[0], said
    assert 10 <= len(database.mappings("web")) < 100  # ten seconds' worth, and those of the test
    database.sql("UPDATE setting SET value = 1000 WHERE name = 'max_writes_per_second';")
    heals(coprocess, database, 500)


def test_a_file_that_is_full_takes_no_new_mappings_and_keeps_the_old(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    database.sql(
        "UPDATE setting SET value = 1 WHERE name = 'max_megabytes';"
        "CREATE TABLE ballast AS SELECT randomblob(2000000);"
    )

    numbers = iter(range(1000, 100000))

    def told():
        answer = coprocess.ask("www.example.com", "A", ldns(next(numbers)))
        return any("max_megabytes" in log for log in answer.logs)

    wait_until(told, 15, "the log line about the size")
    rows = len(database.mappings("web"))
    for i in range(10, 30):
        assert coprocess.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
    assert len(database.mappings("web")) == rows
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))


def expire(database, count):
    database.sql(
        "UPDATE setting SET value = 1 WHERE name LIKE '%_interval';"
        "INSERT INTO persistence WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {count}) SELECT 1, 'expired' || i, 1, 'modulus', unixepoch() - 100, 60 FROM n;"
        "INSERT INTO persistence VALUES (1, 'kept', 1, 'modulus', unixepoch(), 3600);"
    )


def test_expired_rows_are_swept_while_nobody_asks(served):
    coprocess, database = served
    expire(database, 2500)  # three batches
    coprocess.ask("www.example.com", "A", ldns(1))
    with Shell(database.path) as reader:
        wait_until(
            lambda: reader.run("SELECT count(*) FROM persistence;") == ["2"], 15, "the sweep"
        )
    assert set(database.mappings("web")) == {"kept", ldns(1)}


def test_the_log_is_copied_back_while_nobody_asks(served):
    coprocess, database = served
    database.sql("UPDATE setting SET value = 1 WHERE name = 'checkpoint_interval';")
    coprocess.ask("www.example.com", "A", ldns(1))
    # Read as it lies, without the log.
    bare = ["sqlite3", f"file:{database.path}?immutable=1"]

    def copied():
        return ldns(1) in powerdns.run([*bare, "SELECT ldns FROM persistence"]).stdout.split()

    with Shell(database.path) as reader:  # the last one to close copies too: it isn't that
        reader.run("SELECT 1 FROM pool;")
        wait_until(copied, 15, "the row in the file itself")


def test_a_large_log_is_started_over_while_nobody_asks(served):
    coprocess, database = served
    log = Path(f"{database.path}-wal")
    with Shell(database.path) as shell:
        shell.run("PRAGMA wal_autocheckpoint = 0;")
        shell.change("UPDATE setting SET value = 1 WHERE name = 'checkpoint_interval';")
        coprocess.ask("www.example.com", "A", ldns(1))
        shell.change("CREATE TABLE ballast (content BLOB);")
        for _ in range(20):
            shell.change("INSERT INTO ballast VALUES (randomblob(1000000));")
        assert log.stat().st_size > 20_000_000
        wait_until(lambda: log.stat().st_size < 1_000_000, 15, "a small log")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    assert database.rows("SELECT count(*), sum(length(content)) FROM ballast") == [(20, 20000000)]
    assert database.rows("PRAGMA integrity_check") == [("ok",)]


def test_one_process_at_a_time_keeps_house(demo_database):
    expire(demo_database, 100)
    with open(f"{demo_database.path}-lock", "a+b") as lock:
        if powerdns.USER:
            shutil.chown(lock.name, powerdns.USER, powerdns.USER)
        # The first byte is the housekeeper's (struct flock: type, whence, start, length, pid).
        set_lock = 37  # F_OFD_SETLK: the lock of this open file, as among processes
        fcntl.fcntl(lock, set_lock, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
        with Coprocess(demo_database.path) as first, Coprocess(demo_database.path) as second:
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                for coprocess in (first, second):
                    assert coprocess.ask().ipv4 == expected("192.0.2.10")
                time.sleep(0.05)
            assert demo_database.rows("SELECT count(*) FROM persistence") == [(102,)]
            fcntl.fcntl(lock, set_lock, struct.pack("hhqqi4x", fcntl.F_UNLCK, 0, 0, 1, 0))
            wait_until(
                lambda: demo_database.rows("SELECT count(*) FROM persistence") == [(2,)],
                15,
                "the sweep",
            )

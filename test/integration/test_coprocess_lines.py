"""The pipe protocol, line by line: odd lines, many at once, halves, and readers that stop.

No PowerDNS here: the tests themselves hold the other ends of the coprocess's pipes.
"""

import random
import threading
import time

import pytest

from coprocess import BANNER, Coprocess, assert_little_memory, question
from faults import strace, writes_to_stdout
from generated_rows import add_hosts
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import expected


@pytest.mark.parametrize("line", [b"HELO\t0", b"HELO\t6", b"HELO", b"HELO\tx", b"\0\xff\x80\x01"])
def test_an_unknown_version_gets_one_fail_and_the_process_stays(sample_database, line):
    with Coprocess(sample_database.path, helo=False) as coprocess:
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
    assert_little_memory(coprocess)
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


def test_each_answer_is_one_write(sample_database, workspace):
    add_hosts(sample_database, 500)
    sample_database.sql("INSERT INTO pool (name) VALUES ('without-servers');")
    trace = workspace / "trace"
    before = strace(trace, "write,writev,pwrite64,pwritev,sendto,sendmsg")
    with Coprocess(sample_database.path, before=before, helo=False) as coprocess:
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
    coprocess, database = served
    count = 500  # some 500 KB of answers; a pipe holds 64
    lines = b"AXFR\t1\texample.com\n" * count
    writer = threading.Thread(target=coprocess.send, args=(lines,))
    writer.start()
    time.sleep(0.3)
    before = coprocess.cpu_seconds()
    time.sleep(1)
    assert coprocess.cpu_seconds() - before < 0.3
    database.sql("INSERT OR REPLACE INTO setting (name, value) VALUES ('max_checks', 10);")
    checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"  # busy while somebody reads as of before
    wait_until(lambda: database.rows(checkpoint)[0][0] == 0, SECONDS_MAX, "no transaction is open")
    answers = {tuple(coprocess.answer(alone=False).lines) for _ in range(count)}
    writer.join()
    assert len(answers) == 1
    assert coprocess.silent(0.02)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")


@pytest.mark.parametrize("sigpipe", ["ignored by the parent", "not ignored by the parent"])
def test_a_reader_that_is_gone_ends_it_without_error(sample_database, sigpipe):
    default = sigpipe.startswith("not")
    with Coprocess(sample_database.path, restore_signals=default) as coprocess:
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

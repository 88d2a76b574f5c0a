"""Mappings that several coprocesses share: each resolver keeps its site, whoever writes or dies."""

import contextlib
import time

from coprocess import Coprocess, assert_prompt, question
from database import Shell
from faults import heals
from processes import SECONDS_MAX, wait_until
from resolvers import chosen, ldns
from sample import IPV4, SITES, expected


def test_a_mapping_that_binds_does_not_need_the_lock(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).logs == []
    with Shell(database.path) as other:
        other.change("BEGIN IMMEDIATE;")
        answers = [coprocess.ask("www.example.com", "A", ldns(1)) for _ in range(50)]
        other.change("ROLLBACK;")
    assert {(answer.ipv4, tuple(answer.logs)) for answer in answers} == {(expected(ldns(1)), ())}
    assert_prompt(answers)


def test_a_new_resolver_gets_one_answer_from_all_processes(sample_database):
    resolvers, together = 4000, 100
    answered = {}
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell(sample_database.path))
        shell.run("PRAGMA synchronous = OFF;")  # a slow disk under a lock is another test
        processes = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(4)]
        for process in processes:  # a slow disk may take seconds for the file of claims
            heals(process, sample_database, resolvers)
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
                    answer = process.answer(alone=False)
                    # On a busy machine the writer may have to wait for a change, and say so.
                    assert all("database is locked" in log for log in answer.logs), answer.logs
                    answered.setdefault(remote, set()).add(answer.ipv4)
    different = {remote: sites for remote, sites in answered.items() if len(sites) > 1}
    assert different == {}
    mappings = sample_database.mappings("web")
    promised = {remote: SITES[sites.pop()] for remote, sites in answered.items()}
    assert {remote: mappings[remote] for remote in promised} == promised
    assert any(site != SITES[expected(remote)] for remote, site in promised.items())


def test_all_down_answers_as_the_pool_says_and_writes_nothing(served):
    coprocess, database = served
    coprocess.ask("www.example.com", "A", ldns(1))
    database.wait_for_writer()
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
    database.wait_for_writer()
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
    database.wait_for_writer()
    database.sql("UPDATE persistence SET controller_id = 77;")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    assert database.mappings("web") == {ldns(1): SITES[expected(ldns(1))]}


def test_more_new_resolvers_than_the_rate_allows_are_answered_without_rows(served):
    coprocess, database = served
    database.sql("UPDATE setting SET value = 1 WHERE name = 'max_writes_per_second';")
    started = time.monotonic()
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(200)]
    seconds = time.monotonic() - started
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(200)]
    said = [log for answer in answers for log in answer.logs]
    assert len(said) == 1 and "max_writes_per_second" in said[0], said
    # Ten seconds' worth at once, and one in each second of the test.
    assert 10 <= len(database.mappings("web")) <= 11 + seconds
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

    wait_until(told, SECONDS_MAX, "the log line about the size")
    rows = len(database.mappings("web"))
    for i in range(10, 30):
        assert coprocess.ask("www.example.com", "A", ldns(i)).ipv4 == expected(ldns(i))
    assert len(database.mappings("web")) == rows
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))


def test_a_transaction_that_somebody_forgot_is_named(served):
    coprocess, database = served
    words = "somebody keeps a transaction open that writes"
    assert not any(words in line for line in coprocess.command("status"))
    with Shell(database.path) as other:
        other.change("BEGIN IMMEDIATE;")
        assert any(words in line for line in coprocess.command("status"))
        other.change("COMMIT;")
    assert not any(words in line for line in coprocess.command("status"))

"""Mappings that several coprocesses share: each resolver keeps its site, whoever writes or dies."""

import contextlib
import random
import time

from coprocess import Coprocess, assert_prompt, question
from database import Shell
from faults import HEAL_SECONDS, heals
from processes import SECONDS_MAX, wait_until
from resolvers import chosen, ldns
from sample import IPV4, SITES, expected


def test_a_locked_database_delays_no_answer_and_rows_follow_when_it_is_free(sample_database):
    with Coprocess(sample_database.path) as coprocess, Shell(sample_database.path) as other:
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
            and len(sample_database.mappings("web")) >= 2,
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


def test_a_new_resolver_gets_one_answer_from_all_processes(sample_database):
    resolvers, together = 4000, 100
    answered, talked = {}, set()
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell(sample_database.path))
        shell.run("PRAGMA synchronous = OFF;")  # a slow disk under a lock is another test
        processes = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(4)]
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
                    assert all("locked" in log for log in answer.logs), answer.logs
                    if answer.logs:  # it says that it keeps no rows now, and says so once
                        talked.add(process)
                    if process not in talked:
                        answered.setdefault(remote, set()).add(answer.ipv4)
    different = {remote: sites for remote, sites in answered.items() if len(sites) > 1}
    assert different == {}
    mappings = sample_database.mappings("web")
    promised = {remote: SITES[sites.pop()] for remote, sites in answered.items()}
    assert {remote: mappings[remote] for remote in promised} == promised
    assert any(site != SITES[expected(remote)] for remote, site in promised.items())


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


def test_no_answered_mapping_is_lost_when_coprocesses_are_killed(sample_database):
    rng = random.Random(7)
    rounds, together = 45, 150
    answered, unwritten = {}, set()
    with Coprocess(sample_database.path) as witness, contextlib.ExitStack() as stack:
        for round_ in range(rounds):
            doomed = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(3)]
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
    mappings = sample_database.mappings("web")
    promised = {remote: SITES[answered[remote]] for remote in set(answered) - unwritten}
    assert len(promised) > 10 * rounds
    lost = {remote: site for remote, site in promised.items() if mappings.get(remote) != site}
    assert lost == {}
    assert sample_database.rows("PRAGMA integrity_check") == [("ok",)]


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

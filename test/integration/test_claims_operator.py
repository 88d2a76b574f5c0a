"""What an operator does to mappings that are answered and not written yet: DELETE, `forget`, INSERT
and UPDATE mean what they say; and a database that is restored or replaced has nothing of the old.
"""

import contextlib
import os

import pytest

from claims import Promises, change_choice, writer_of
from coprocess import Coprocess
from database import SAMPLE, Database, Shell
from faults import beside, holds_lock_to_write, stopped_unless
from processes import SECONDS_MAX, as_user, control_path, run, wait_until
from sample import IPV4, SITES

WEB = 1  # the id of the pool
DROPPED = "{} not stored, because somebody changed mappings meanwhile or restored a copy"


class Held:
    """A coprocess or two, and a shell in the midst of a transaction, so that claims wait."""

    def __init__(self, database, shell, coprocesses):
        self.database, self.shell, self.coprocesses = database, shell, coprocesses
        self.file = database.claims

    def ask(self, promises, count):
        """New resolvers, whose claims wait."""
        remotes = promises.new(count)
        promises.ask(remotes, *self.coprocesses)
        return remotes

    def commit(self):
        self.shell.change("COMMIT;")
        wait_until(lambda: self.file.waiting() == 0, SECONDS_MAX, "no claim waits")


@pytest.fixture
def held(sample_database):
    with contextlib.ExitStack() as stack:
        coprocesses = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(2)]
        shell = stack.enter_context(Shell(sample_database.path))
        promises = Promises(sample_database)
        promises.ask(promises.new(20), *coprocesses)
        promises.wait_until_kept()
        shell.change("BEGIN IMMEDIATE;")
        yield Held(sample_database, shell, coprocesses), promises


def another_site(address):
    """The id and the address of a site that a resolver was not told."""
    number = (IPV4.index(address) + 1) % 3
    return number + 1, IPV4[number]


def test_a_delete_of_everything_holds_for_claims_too(held):
    world, promises = held
    world.ask(promises, 50)
    world.shell.change("DELETE FROM persistence;")
    assert world.file.waiting() == 50
    world.commit()
    assert world.database.mappings("web") == {}
    change_choice(world.shell, 0)
    fresh = Promises(world.database)  # they are new ones now
    fresh.ask(list(promises.told), *world.coprocesses)
    assert IPV4[0] not in fresh.told.values()
    fresh.wait_until_kept()
    [log] = promises.broken() + fresh.broken()
    assert DROPPED.format("50 new mappings were") in log


def test_a_delete_of_one_resolver_holds_for_its_claim_and_hurts_no_row(held):
    """A resolver that was answered before the DELETE, and whose claim was dropped with it, is new."""
    world, promises = held
    before = promises.rows()
    [gone, *others] = world.ask(promises, 10)
    world.shell.change(
        f"DELETE FROM persistence WHERE ldns = '{gone}' OR ldns = '{next(iter(before))}';"
    )
    world.commit()
    rows = world.database.mappings("web")
    assert gone not in rows
    del before[next(iter(before))]
    assert before.items() <= rows.items()
    promises.ask(others, *world.coprocesses)
    rows = {remote: SITES[promises.told[remote]] for remote in others}
    world.database.wait_for_mappings("web", rows)


NO_ROW = [  # {claim} has a claim and no row, {row} has a row
    "DELETE FROM persistence WHERE ldns = '{claim}';",
    "DELETE FROM mapping WHERE pool = 'web' AND ldns = '{claim}';",
    "DELETE FROM persistence WHERE pool_id = 1000;",
    "UPDATE persistence SET ttl = 0 WHERE ldns = '{claim}';",
]
SOME_ROW = [
    "DELETE FROM persistence WHERE ldns = '{row}';",
    "DELETE FROM mapping WHERE pool = 'web' AND ldns = '{row}';",
    "DELETE FROM persistence WHERE ldns IN ('{claim}', '{row}');",
]


@pytest.mark.parametrize("sql", NO_ROW + SOME_ROW)
def test_a_change_discards_claims_only_if_it_finds_a_row(held, sql):
    """SQLite tells nobody of a statement that changes no row."""
    world, promises = held
    row = next(iter(promises.told))
    before = promises.rows()
    [claim, *_] = world.ask(promises, 10)
    world.shell.change(sql.format(claim=claim, row=row))
    world.commit()
    if sql in NO_ROW:
        promises.wait_until_kept()
    else:
        del before[row]
        assert world.database.mappings("web") == before
    assert promises.broken() == []


def test_a_delete_of_an_empty_table_discards_no_claim_and_forget_does(held):
    world, promises = held
    world.shell.change("ROLLBACK; DELETE FROM persistence; BEGIN IMMEDIATE;")
    promises.told.clear()
    [claim, *_] = world.ask(promises, 10)
    world.shell.change("DELETE FROM persistence; DELETE FROM mapping;")
    assert world.coprocesses[0].command(f"forget {claim}") == ["1 mapping forgotten"]
    world.commit()
    del promises.told[claim]
    assert world.database.mappings("web") == promises.rows()


@pytest.mark.parametrize("how", ["CMD", "shell"])
def test_forget_holds_for_claims_and_rows(held, how):
    world, promises = held
    row = next(iter(promises.told))
    [claim, other] = world.ask(promises, 2)
    for remote in (row, claim):
        if how == "CMD":
            assert world.coprocesses[0].command(f"forget {remote}") == ["1 mapping forgotten"]
        else:
            argv = [control_path(), "--database", world.database.path, "forget", remote]
            result = run(as_user(argv))
            assert (result.returncode, result.stdout) == (0, "1 mapping forgotten\n"), result
    change_in_the_transaction = "UPDATE controller SET state = 'draining' WHERE name = '{}';"
    world.shell.change(change_in_the_transaction.format(SITES[promises.told[claim]]))
    world.commit()
    rows = world.database.mappings("web")
    assert row not in rows and claim not in rows
    assert rows[other] == SITES[promises.told[other]]
    told = promises.told.pop(claim)
    promises.ask([claim], *world.coprocesses)
    assert promises.told[claim] != told
    del promises.told[row]
    promises.wait_until_kept()


def test_who_is_forgotten_and_asks_again_at_once_has_the_new_row(held):
    world, promises = held
    [remote] = world.ask(promises, 1)
    world.coprocesses[0].command(f"forget {remote}")
    promises.ask([remote], *world.coprocesses)
    world.commit()
    promises.wait_until_kept()


def test_forget_is_dropped_if_somebody_changes_a_mapping_before_it_is_stored(held):
    """The manual says so, and that it has to be given again."""
    world, promises = held
    row, another = list(promises.told)[:2]
    assert world.coprocesses[0].command(f"forget {row}") == ["1 mapping forgotten"]
    world.shell.change(f"UPDATE persistence SET ttl = ttl + 1 WHERE ldns = '{another}';")
    world.commit()
    assert world.database.mappings("web") == promises.rows()
    assert world.coprocesses[0].command(f"forget {row}") == ["1 mapping forgotten"]
    del promises.told[row]
    assert world.database.rows_of("web") == promises.rows()


def test_a_row_that_an_operator_inserts_stays_though_a_claim_waits(held):
    world, promises = held
    remotes = world.ask(promises, 5)
    for remote in remotes:
        site, promises.told[remote] = another_site(promises.told[remote])
        world.shell.change(
            "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            f" VALUES ({WEB}, '{remote}', {site}, 'modulus', unixepoch(), 60);"
        )
    world.commit()
    promises.wait_until_kept()
    promises.ask(remotes, *world.coprocesses)
    promises.wait_until_kept()


def test_a_row_that_an_operator_updates_stays_though_a_claim_replaces_it(held):
    world, promises = held
    world.shell.change("ROLLBACK;")
    remotes = list(promises.told)[:5]
    # As if the pool had had another method. Had their time passed, a sweep might take them.
    for remote in remotes:
        world.database.sql(f"UPDATE persistence SET method = 'rtt' WHERE ldns = '{remote}';")
    world.shell.change("BEGIN IMMEDIATE;")
    promises.ask(remotes, *world.coprocesses)
    assert world.file.waiting() == len(remotes)
    for remote in remotes:
        site, promises.told[remote] = another_site(promises.told[remote])
        world.shell.change(
            f"UPDATE persistence SET controller_id = {site}, method = 'modulus'"
            f" WHERE ldns = '{remote}';"
        )
    world.commit()
    promises.ask(remotes, *world.coprocesses)
    promises.wait_until_kept()


def test_a_claim_for_a_controller_or_pool_that_is_gone_is_no_row(held):
    world, promises = held
    world.ask(promises, 20)
    world.shell.change(
        "DELETE FROM virtual_server WHERE controller_id = 2; DELETE FROM controller WHERE id = 2;"
    )
    world.commit()
    rows = world.database.rows("SELECT controller_id FROM persistence")
    assert rows and (2,) not in rows
    promises.told = {each: at for each, at in promises.told.items() if at != IPV4[1]}
    promises.ask_again(*world.coprocesses)
    promises.wait_until_kept()


# ---------------------------------------------------------------- another database in its place


def leave_claims(database, promises, count=30):
    """Claims in the file of a database that nobody serves any more."""
    with Shell(database.path) as shell, contextlib.ExitStack() as stack:
        coprocesses = [stack.enter_context(Coprocess(database.path)) for _ in range(2)]
        promises.ask(promises.new(1), *coprocesses)
        wait_until(lambda: database.mappings("web"), SECONDS_MAX, "a row")
        shell.change("BEGIN IMMEDIATE;")
        promises.ask(promises.new(count), *coprocesses)
        coprocesses[0].kill()
        coprocesses[1].kill()
        shell.change("ROLLBACK;")
    assert database.claims.waiting() == count


def replace(database, other):
    """By mv, as when a database is made anew, with its log gone."""
    for suffix in ("-wal", "-shm"):
        beside(database, suffix).unlink(missing_ok=True)
    os.replace(other, database.path)


OTHER = "-claims was of another database"


def assert_nothing_of_the_old(database, promises, told=()):
    """New answers are kept in the new one, and nothing else.  told: words of each log line."""
    old = set(promises.told)
    fresh = Promises(database)
    fresh.new(1000)
    with Coprocess(database.path) as first, Coprocess(database.path) as second:
        fresh.ask(fresh.new(50), first, second)
        fresh.wait_until_kept()
        assert not old & set(database.mappings("web"))

        def all_is_told():
            fresh.ask_again(first, second)  # log lines come with answers
            return len(fresh.broken()) >= len(told)

        wait_until(all_is_told, SECONDS_MAX, lambda: f"log lines: {fresh.logs}")
        logs = fresh.broken()
        assert len(logs) == len(told), logs
        assert all(what in log for what, log in zip(told, logs)), logs
        fresh.ask(list(old), first, second)
        fresh.wait_until_kept()


def test_another_database_beside_an_old_file_of_claims_has_none_of_them(
    sample_database, workspace
):
    promises = Promises(sample_database)
    leave_claims(sample_database, promises)
    other = Database.create(workspace, SAMPLE, name="other.sqlite")
    replace(sample_database, other.path)
    assert_nothing_of_the_old(sample_database, promises, [OTHER])


def test_another_database_that_comes_while_it_is_served_gets_no_claim_of_the_old(
    sample_database, workspace
):
    promises = Promises(sample_database)
    other = Database.create(workspace, SAMPLE, name="other.sqlite")
    with (
        Coprocess(sample_database.path) as first,
        Coprocess(sample_database.path) as second,
        Shell(sample_database.path) as shell,
    ):
        promises.ask(promises.new(1), first, second)
        promises.wait_until_kept()
        shell.change("BEGIN IMMEDIATE;")
        promises.ask(promises.new(30), first, second)
        assert sample_database.claims.waiting() == 30
        replace(sample_database, other.path)
        fresh = Promises(sample_database)
        fresh.new(1000)

        def kept():
            remotes = fresh.new(5)
            fresh.ask(remotes, first, second)
            return set(remotes) <= set(sample_database.rows_of("web"))  # no other process opens it

        def told():
            fresh.ask(list(fresh.told)[:1], first, second)
            return [log for log in fresh.logs if OTHER in log]

        wait_until(kept, SECONDS_MAX, "rows in the new database")
        wait_until(told, SECONDS_MAX, "a log line")
        assert len(told()) == 1, fresh.logs
        assert not set(promises.told) & set(sample_database.mappings("web"))


def restore(database, copy, way):
    if way == "mv":
        replace(database, copy)
    else:
        database.sql(f".restore '{copy}'")


@pytest.mark.parametrize("way", ["mv", ".restore"])
def test_a_copy_of_before_an_operators_change_has_no_claim_of_after_it(
    sample_database, workspace, way
):
    copy = workspace / "copy"
    promises = Promises(sample_database)
    sample_database.sql(f"VACUUM INTO '{copy}';")
    sample_database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " VALUES (1, 'k', 1, 'modulus', unixepoch(), 3600);")
    leave_claims(sample_database, promises)
    restore(sample_database, copy, way)
    assert_nothing_of_the_old(sample_database, promises, [DROPPED.format("30 new mappings were")])


def test_a_copy_that_is_restored_while_it_is_served_has_no_claim_of_after_it(held, workspace):
    """Its mappings stay, and claims that wait for somebody's transaction are dropped."""
    world, before = held
    database, copy = world.database, workspace / "copy"
    world.shell.change("ROLLBACK;")
    database.sql(f"VACUUM INTO '{copy}';")
    after = Promises(database)
    after.new(1000)
    database.sql(f"DELETE FROM persistence WHERE ldns = '{next(iter(before.told))}';")
    world.shell.change("BEGIN IMMEDIATE;")
    world.ask(after, 50)
    writer = writer_of(world.coprocesses)
    with stopped_unless(holds_lock_to_write, writer, database):
        assert world.file.waiting() == 50
        world.shell.change(f"ROLLBACK;\n.restore '{copy}'")
    fresh = Promises(database)
    fresh.new(2000)
    fresh.ask(fresh.new(50), *world.coprocesses)
    fresh.wait_until_kept()
    assert database.rows_of("web") == {**before.rows(), **fresh.rows()}
    before.ask_again(*world.coprocesses)
    fresh.ask(list(after.told), *world.coprocesses)
    fresh.wait_until_kept()


@pytest.mark.parametrize("way", ["mv", ".restore"])
def test_a_copy_is_the_same_database_and_its_claims_hold(sample_database, workspace, way):
    """They are what resolvers were answered, and nobody has decided otherwise since."""
    copy = workspace / "copy"
    promises = Promises(sample_database)
    sample_database.sql(f"VACUUM INTO '{copy}';")
    leave_claims(sample_database, promises)
    restore(sample_database, copy, way)
    with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
        promises.ask_again(first, second)
        promises.wait_until_kept()

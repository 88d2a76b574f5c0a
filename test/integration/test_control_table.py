"""The commands of pdns-stickyctl that change many mappings, or states, while PowerDNS is served."""

import contextlib
import json
import os
import signal
import subprocess

import pytest

from claims import allow_many
from coprocess import Coprocess, assert_prompt
from database import Shell
from processes import LONG, SECONDS_MAX, as_user, control_path, give_to_user, run, wait_until
from resolvers import ldns
from sample import SITES

MANY = 100_000 if LONG else 6_000
SOME = 3_000  # more than may wait in memory at a time
NAMES = ("ams", "fra", "nyc")


def argv(database, *words):
    return as_user([control_path(), "--database", database.path, *words])


@contextlib.contextmanager
def running(database, *words):
    """The command, which is killed if it still runs at the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(argv(database, *words), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def imported_address(number):
    """Of a resolver that none of ldns() is."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def lines(database, count):
    """A file with so many mappings of now, a third of them to each site."""
    path = database.path.with_name("mappings.json")
    [(now,)] = database.rows("SELECT unixepoch() AS now")
    mapping = '{"pool":"web","ldns":"%s","site":"%s","method":"modulus","timestamp":%d,"ttl":3600}\n'
    with path.open("w") as file:
        for i in range(count):
            file.write(mapping % (imported_address(i), NAMES[i % 3], now))
    path.chmod(0o644)
    return path


def count(database, where="1"):
    [(rows,)] = database.rows(f"SELECT count(*) AS n FROM persistence WHERE {where}")
    return rows


def at(name):
    return f"controller_id = (SELECT id FROM controller WHERE name = '{name}')"


# ---------------------------------------------------------------- what is answered meanwhile


class Asker:
    """New resolvers that ask while a command runs."""

    def __init__(self, database, coprocess):
        self.database, self.coprocess = database, coprocess
        self.told, self.answers = {}, []

    def ask_while(self, process):
        """Until the command has ended; at least once."""
        while True:
            remote = ldns(len(self.told))
            self.answers.append(self.coprocess.ask(rdtype="A", remote=remote))
            self.told[remote] = SITES[self.answers[-1].ipv4]
            if process.poll() is not None:
                return

    def assert_all_is_well(self):
        assert_prompt(self.answers)
        assert [log for answer in self.answers for log in answer.logs if "locked" not in log] == []


def test_answers_go_on_while_many_mappings_are_imported_moved_and_forgotten(sample_database):
    """All new resolvers get a mapping, and keep it unless they are moved."""
    allow_many(sample_database)
    path = lines(sample_database, MANY)
    with Coprocess(sample_database.path) as coprocess:
        asker = Asker(sample_database, coprocess)
        with running(sample_database, "import", path) as process:
            asker.ask_while(process)
            assert process.communicate() == (f"{MANY} mappings imported\n", "")
        sample_database.wait_for_mappings("web", asker.told)
        move = ("move", "--pool", "web", "--from", "fra", "--to", "nyc", "--share", "100%", "--json")
        with running(sample_database, *move) as process:
            asker.ask_while(process)
            moved = json.loads(process.communicate()[0])
        assert moved["moved"] >= MANY // 3 and moved["stopped"] is None
        assert count(sample_database, f"ldns GLOB '10.*' AND {at('fra')}") == 0
        forget = ("forget", "--pool", "web", "--ldns", "10.0.0.0/8", "--json")
        with running(sample_database, *forget) as process:
            asker.ask_while(process)
            assert json.loads(process.communicate()[0])["forgotten"] == MANY
    asker.assert_all_is_well()
    rows = sample_database.mappings("web")
    assert set(rows) == set(asker.told)
    for remote, told in asker.told.items():
        assert rows[remote] in ({told, "nyc"} if told == "fra" else {told})


# ---------------------------------------------------------------- killed, and begun again


def wait_for_claims(database, number):
    wait_until(lambda: database.claims.waiting() >= number, SECONDS_MAX, "claims that wait")


def test_an_import_that_is_killed_goes_on_and_leaves_newer_ones(served):
    coprocess, database = served
    coprocess.ask()
    path = lines(database, SOME)
    database.wait_for_writer()
    before = count(database)
    with database.locked(), running(database, "import", path) as process:
        wait_for_claims(database, SOME // 4)
        process.kill()
    newer = imported_address(0)
    coprocess.command(f"forget {newer}")
    coprocess.ask(remote=newer)
    done = json.loads(database.command("import", path, "--json"))
    assert done["imported"] > 0 and done["same"] > 0
    assert done["imported"] + done["same"] + done["newer"] == SOME
    assert count(database) == before + SOME
    done = json.loads(database.command("import", path, "--json"))
    assert (done["imported"], done["same"] + done["newer"]) == (0, SOME)


MOVE_HALF = ("move", "--pool", "web", "--from", "fra", "--to", "nyc", "--share", "50%")


def test_a_move_that_is_killed_goes_on_and_moves_no_others(served):
    _, database = served
    database.command("import", lines(database, SOME))
    wanted = json.loads(database.command(*MOVE_HALF, "--json"))["moved"]
    moved = set(database.rows(f"SELECT ldns FROM persistence WHERE {at('nyc')}"))
    database.sql("DELETE FROM persistence;")
    database.command("import", lines(database, SOME))
    with database.locked(), running(database, *MOVE_HALF) as process:
        wait_for_claims(database, wanted // 4)
        process.kill()
    again = json.loads(database.command(*MOVE_HALF, "--json"))
    assert again["moved"] < wanted
    assert set(database.rows(f"SELECT ldns FROM persistence WHERE {at('nyc')}")) == moved
    assert json.loads(database.command(*MOVE_HALF, "--json"))["of"] == 0


def test_a_move_over_a_time_is_gradual_and_can_be_stopped(served):
    _, database = served
    database.command("import", lines(database, SOME))
    third = count(database, at("fra"))
    whole = (*MOVE_HALF[:-1], "100%")
    with running(database, *whole, "--over", "10m") as process:
        wait_until(lambda: count(database, at("nyc")) > third + 2, SECONDS_MAX, "some are moved")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1
    assert "stopped: interrupted; the same command goes on" in err
    moved, of = int(out.split()[0]), int(out.split()[2])
    assert 0 < moved < of == third
    assert count(database, at("fra")) == third - moved
    assert database.command(*whole) == f"{third - moved} of {third - moved} mappings moved\n"


def test_a_move_ends_when_the_site_goes_down(served):
    _, database = served
    database.command("import", lines(database, 300))
    with running(database, *MOVE_HALF[:-1], "100%", "--over", "1m") as process:
        wait_until(lambda: count(database, at("nyc")) > 100, SECONDS_MAX, "some are moved")
        database.sql("INSERT INTO controller_metric (controller_id, name, value)"
                     " VALUES (3, 'availability', 0);")
        _, err = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 1 and "not enabled and up any more" in err
    assert count(database, at("fra")) > 0


# ---------------------------------------------------------------- what is not stored yet


@pytest.fixture
def held(served):
    """Three resolvers whose mappings are answered, and not stored while the shell holds the
    database; one of them at each site."""
    coprocess, database = served
    coprocess.ask(remote=ldns(1000))
    database.wait_for_writer()
    with Shell(database.path) as shell:
        shell.change("BEGIN IMMEDIATE;")
        told = {}
        for i in range(3):
            told[ldns(i)] = SITES[coprocess.ask(remote=ldns(i)).ipv4]
        assert set(told.values()) == set(NAMES)
        yield database, shell, told
        shell.run("ROLLBACK;")


def listed(database, *words):
    return [json.loads(line) for line in database.command("list", "--json", *words).splitlines()]


def test_mappings_that_wait_are_listed_forgotten_and_moved(held):
    database, shell, told = held
    rows = listed(database, "--ldns", f"{ldns(0)}/30")
    assert {row["ldns"]: row["site"] for row in rows} == told
    assert all(row["live"] for row in rows)
    shell.change("ROLLBACK; BEGIN IMMEDIATE;")
    with running(database, "forget", "--site", "ams", "--ldns", f"{ldns(0)}/30") as forget:
        with running(database, *MOVE_HALF[:-1], "100%") as move:
            gone = next(remote for remote, site in told.items() if site == "ams")
            wait_until(lambda: gone not in {row["ldns"] for row in listed(database)},
                       SECONDS_MAX, "it is forgotten at once")
            wait_until(lambda: not listed(database, "--site", "fra", "--ldns", f"{ldns(0)}/30"),
                       SECONDS_MAX, "it is moved at once")
            shell.change("COMMIT;")
            assert forget.communicate()[0] == "1 mapping forgotten\n"
            assert "moved" in move.communicate()[0]
    del told[gone]
    assert dict.fromkeys(told, "nyc").items() <= database.mappings("web").items()


def test_an_import_is_made_again_where_others_change_mappings_meanwhile(held):
    database, shell, _ = held
    path = lines(database, 50)
    with running(database, "import", path) as process:
        wait_for_claims(database, 53)
        shell.change("UPDATE persistence SET ttl = ttl + 1; COMMIT;")
        assert process.communicate()[0] == "50 mappings imported\n"
    assert count(database, "ldns GLOB '10.*'") == 50


@pytest.mark.skipif(not LONG, reason="it waits for five seconds")
def test_what_cannot_be_stored_is_told(held):
    """The command does not hang, and leaves room in memory for new resolvers."""
    database, _, _ = held
    done = run(argv(database, "import", lines(database, SOME)))
    assert done.returncode == 1
    assert "mappings cannot be stored now, so no more are changed" in done.stderr
    assert 2000 < database.claims.waiting() < 2200


# ---------------------------------------------------------------- list, and states


def test_a_list_that_nobody_reads_any_more_ends(served):
    _, database = served
    database.command("import", lines(database, SOME))
    with running(database, "list", "--json") as process:
        assert json.loads(process.stdout.readline())["pool"] == "web"
        process.stdout.close()
        process.wait(SECONDS_MAX)


def test_an_export_is_what_an_import_takes(served):
    coprocess, database = served
    for i in range(30):
        coprocess.ask(remote=ldns(i))
    before = database.mappings("web")
    database.wait_for_mappings("web", before)
    path = database.path.with_name("exported.json")
    assert database.command("export", path) == f"{len(before)} mappings exported\n"
    database.sql("DELETE FROM persistence;")
    assert database.command("import", path) == f"{len(before)} mappings imported\n"
    assert database.mappings("web") == before


def draining(database, *words):
    """`drain --wait` of the site with the one mapping."""
    return running(database, "drain", "site", "fra", "--wait", *words)


def test_drain_waits_until_the_last_mapping_ends(served):
    _, database = served
    database.sql("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                 " VALUES (1, '10.0.0.1', 2, 'modulus', unixepoch(), 3),"
                 " (1, '10.0.0.2', 2, 'modulus', unixepoch(), 4);")
    with draining(database, "--json") as process:
        out, err = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, err) == (0, "")
    first, *counts = map(json.loads, out.splitlines())
    assert first["changed"] == [{"site": "fra", "state": "draining", "was": "enabled"}]
    counted = [first["pools"][0]["mappings"], *(each["mappings"] for each in counts)]
    assert counted == sorted(set(counted), reverse=True)  # one object for each change
    assert counted[-1] == 0 and counted[0] <= 2


def test_drain_stops_waiting_when_somebody_enables_the_site(served):
    _, database = served
    database.sql("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                 " VALUES (1, '10.0.0.1', 2, 'modulus', unixepoch(), 3600);")
    with draining(database) as process:
        assert process.stdout.readline() == "site fra: draining, was enabled\n"
        assert "1 live mapping, the last ends in" in process.stdout.readline()
        database.command("enable", "site", "fra")
        _, err = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, err) == (1, "somebody enabled it again\n")


def test_a_follower_refuses_and_says_who_decides(sample_database):
    sample_database.sql(
        "INSERT INTO peer (node, name, url) VALUES (1, 'ns1', 'tls://192.0.2.1:4222');"
        "UPDATE share SET node = 2, name = 'ns2', follow = 1;"
    )
    done = run(argv(sample_database, "disable", "pool", "web"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "ns1 decides the configuration of this server: make the change there" in done.stderr


# ---------------------------------------------------------------- two servers


def test_a_peer_hears_of_what_is_forgotten_moved_and_imported(two):
    first, second = two.nodes
    told = {ldns(i): SITES[first.ask(ldns(i))] for i in range(30)}
    two.wait_until_equal()
    number = sum(site == "ams" for site in told.values())
    printed = second.database.command("forget", "--pool", "web", "--site", "ams")
    assert printed == f"{number} mappings forgotten\n"
    two.wait_until_equal()
    second.database.command(*MOVE_HALF[:-1], "100%")
    two.wait_until_equal()
    rows = first.database.rows_of("web")
    assert rows == {remote: "nyc" for remote, site in told.items() if site != "ams"}
    first.database.command("import", lines(first.database, 20))
    two.wait_until_equal()
    rows = second.database.records("SELECT DISTINCT origin, decided > 0 AS decided FROM persistence"
                                   " WHERE ldns GLOB '10.*'")
    assert rows == [{"origin": 1, "decided": 1}]


def test_an_export_leaves_devices_and_links_what_they_are(sample_database, workspace):
    sample_database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        " SELECT p.id, '192.0.2.10', c.id, 'modulus', unixepoch(), 3600 FROM pool AS p, controller AS c"
        " WHERE p.name = 'web' AND c.name = 'ams';"
    )
    target, link = workspace / "target.json", workspace / "link.json"
    target.write_text("before")
    give_to_user(target)
    link.symlink_to(target)
    sample_database.command("export", str(link))
    assert link.is_symlink() and '"192.0.2.10"' in target.read_text()
    pipe = workspace / "pipe"
    os.mkfifo(pipe, 0o666)
    give_to_user(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    sample_database.command("export", str(pipe))
    assert b'"192.0.2.10"' in os.read(reader, 65536) and pipe.is_fifo()
    os.close(reader)
    assert '"192.0.2.10"' in sample_database.command("export", "-")


@pytest.mark.parametrize("words", (["list"], ["status", "--json"], ["help"]))
def test_output_that_cannot_be_written_is_a_failure(sample_database, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(argv(sample_database, *words), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr

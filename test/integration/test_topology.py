"""The method topology with the real program: networks, countries, files that come, change and break,
and a table so large that it is loaded beside the questions.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

from coprocess import PATIENCE_SECONDS, Coprocess, assert_prompt
from processes import SECONDS_MAX, as_user, control_path, wait_until
from sample import SITES

# What changes counts within a second or two on a machine that is free: files are looked at once a
# second, and a large table is loaded at most once a second.
SOON_SECONDS = SECONDS_MAX

ROWS = 300_000
FIRST_WAIT_SECONDS = 1.2  # as long the first question waits for the rows

WRITER = Path(__file__).resolve().parents[1] / "mmdb"


class Asker:
    """A coprocess on pool web; each question is that of a resolver that never asked before."""

    def __init__(self, database):
        self.database = database
        self.coprocess = Coprocess(database.path)
        self.asked = 0

    def answer(self, network):
        """The answer to a new resolver of that /16, written 192.0."""
        self.asked += 1
        remote = f"{network}.{self.asked // 250}.{1 + self.asked % 250}"
        return self.coprocess.ask("www.example.com", remote=remote)

    def site(self, network):
        answer = self.answer(network)
        return SITES[answer.ipv4]

    def becomes(self, network, site):
        wait_until(lambda: self.site(network) == site, SOON_SECONDS, f"{network} gets {site}")


@pytest.fixture
def asker(sample_database):
    sample_database.sql(
        "UPDATE pool SET method = 'topology', alternate_method = 'failover' WHERE name = 'web'"
    )
    found = Asker(sample_database)
    with found.coprocess:
        yield found


def write_mmdb(path, lines):
    """A file for the user that PowerDNS runs as, put there by renaming."""
    subprocess.run([WRITER, path], input="\n".join(lines) + "\n", text=True, check=True)
    path.chmod(0o644)


def insert(database, **columns):
    names, values = zip(*columns.items())
    site = f"(SELECT id FROM controller WHERE name = '{values[names.index('controller')]}')"
    pairs = [
        (name, repr(value)) for name, value in columns.items() if name != "controller"
    ] + [("controller_id", site)]
    database.sql(
        f"INSERT INTO topology ({', '.join(name for name, _ in pairs)})"
        f" VALUES ({', '.join(value for _, value in pairs)})"
    )


def test_a_network_counts_from_the_next_question_on(asker):
    """The longest, then the preference; and what is in none gets the alternate method's."""
    assert asker.site("198.18") == "ams"
    insert(asker.database, cidr="198.18.0.0/15", controller="fra")
    asker.becomes("198.18", "fra")
    insert(asker.database, cidr="198.18.0.0/16", controller="nyc", preference=20)
    asker.becomes("198.18", "nyc")
    assert asker.site("198.19") == "fra"
    insert(asker.database, cidr="198.18.0.0/16", controller="ams", preference=10)
    asker.becomes("198.18", "ams")
    asker.database.sql("DELETE FROM topology")
    asker.becomes("198.19", "ams")


def test_the_default_comes_last_and_a_network_of_all_hides_countries(asker):
    countries = asker.database.path.with_name("countries.mmdb")
    write_mmdb(countries, ["198.18.0.0/16 NL EU -"])
    asker.database.sql(f"INSERT INTO geo_database (path) VALUES ('{countries}')")
    insert(asker.database, controller="nyc")
    asker.becomes("198.19", "nyc")
    insert(asker.database, country="NL", controller="fra")
    asker.becomes("198.18", "fra")
    assert asker.site("198.19") == "nyc", "only what nothing else says"
    insert(asker.database, cidr="0.0.0.0/0", controller="ams")
    asker.becomes("198.18", "ams")
    assert asker.site("198.19") == "ams"


def test_a_controller_that_is_down_is_passed_over(asker):
    insert(asker.database, cidr="198.18.0.0/16", controller="nyc")
    insert(asker.database, cidr="198.18.0.0/15", controller="fra")
    asker.becomes("198.18", "nyc")
    asker.database.sql(
        "INSERT INTO controller_metric (controller_id, name, value)"
        " SELECT id, 'availability', 0 FROM controller WHERE name = 'nyc'"
    )
    assert asker.site("198.18") == "fra"
    asker.database.sql("DELETE FROM controller_metric")
    assert asker.site("198.18") == "nyc"


def test_a_mapping_outlives_the_topology(asker):
    insert(asker.database, cidr="192.0.2.0/24", controller="nyc")
    wait_until(
        lambda: "topology 1 rows" in "\n".join(asker.coprocess.command("status")),
        SOON_SECONDS,
        "the row is loaded",
    )
    assert SITES[asker.coprocess.ask("www.example.com").ipv4] == "nyc"
    asker.database.sql("DELETE FROM topology")
    for _ in range(3):
        assert SITES[asker.coprocess.ask("www.example.com").ipv4] == "nyc"


def test_a_file_tells_countries_and_numbers_and_is_replaced_while_it_serves(asker, workspace):
    path = workspace / "places.mmdb"
    write_mmdb(path, ["198.18.0.0/16 NL EU 64500", "198.19.0.0/16 US NA 64501"])
    insert(asker.database, country="NL", controller="fra")
    insert(asker.database, continent="NA", controller="nyc")
    asker.database.sql(f"INSERT INTO geo_database VALUES ('{path}')")
    asker.becomes("198.18", "fra")
    assert asker.site("198.19") == "nyc"
    assert asker.site("198.20") == "ams"
    explained = asker.coprocess.command("explain www.example.com 198.18.255.1")
    assert "location: country NL, continent EU, AS64500" in explained
    assert "country NL: server 2, fra, preference 10" in explained
    write_mmdb(path, ["198.18.0.0/16 US NA 64501", "198.19.0.0/16 NL EU 64500"])
    asker.becomes("198.18", "nyc")
    assert asker.site("198.19") == "fra"
    insert(asker.database, asn=64500, controller="ams")
    asker.becomes("198.19", "ams")


def test_a_file_that_is_broken_while_it_serves_hurts_nobody(asker, workspace):
    """Cut short, overwritten piece by piece, deleted: what it said before counts until it is whole."""
    path = workspace / "places.mmdb"
    other = workspace / "other.mmdb"
    write_mmdb(path, ["198.18.0.0/16 NL EU -"])
    write_mmdb(other, ["198.18.0.0/16 US NA -"])
    insert(asker.database, country="NL", controller="fra")
    insert(asker.database, country="US", controller="nyc")
    asker.database.sql(f"INSERT INTO geo_database VALUES ('{path}')")
    asker.becomes("198.18", "fra")

    def problem():
        assert asker.site("198.18") == "fra"
        return any(f"problem: geo_database {path}: " in line for line in status())

    def status():
        return asker.coprocess.command("status")

    whole = other.read_bytes()
    for size in (len(whole) // 2, 0):
        os.truncate(path, size)
        wait_until(problem, SOON_SECONDS, "status tells that the file is truncated")
    with open(path, "r+b") as file:
        for at in range(0, len(whole), 100):
            file.write(whole[at : at + 100])
            file.flush()
            assert asker.site("198.18") in ("fra", "nyc")
            time.sleep(0.01)
    asker.becomes("198.18", "nyc")
    wait_until(
        lambda: not any(str(path) in line for line in status()), SOON_SECONDS, "all is well again"
    )
    path.unlink()
    wait_until(
        lambda: any("No such file" in line for line in status()), SOON_SECONDS, "it is missed"
    )
    assert asker.site("198.18") == "nyc"
    assert asker.coprocess.close() == 0


def test_a_file_may_come_later(asker, workspace):
    path = workspace / "places.mmdb"
    insert(asker.database, country="NL", controller="fra")
    asker.database.sql(f"INSERT INTO geo_database VALUES ('{path}')")
    wait_until(
        lambda: any("No such file" in line for line in asker.answer("198.18").logs)
        or any("No such file" in line for line in asker.coprocess.command("status")),
        SOON_SECONDS,
        "it is missed",
    )
    assert asker.site("198.18") == "ams"
    write_mmdb(path, ["198.18.0.0/16 NL EU -"])
    asker.becomes("198.18", "fra")


def fill(database, site):
    """Very many rows in one transaction, without the triggers that look at each."""
    database.sql(
        "DROP TRIGGER IF EXISTS topology_insert; DROP TRIGGER IF EXISTS revision_topology_insert;"
        "DROP TRIGGER IF EXISTS revision_topology_delete;"
        "BEGIN IMMEDIATE; DELETE FROM topology;"
        f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})"
        " INSERT INTO topology (cidr, controller_id)"
        " SELECT (195 + i / 65536) || '.' || (i / 256 % 256) || '.' || (i % 256) || '.0/24', c.id"
        f" FROM n JOIN controller AS c ON c.name = '{site}';"
        "UPDATE revision SET topology = topology + 1; COMMIT"
    )


def test_a_large_table_is_loaded_beside_the_questions(asker):
    fill(asker.database, "fra")
    first = asker.answer("198.18")
    assert SITES[first.ipv4] == "fra" or first.seconds >= FIRST_WAIT_SECONDS, "it waits for them"
    assert first.seconds < FIRST_WAIT_SECONDS + PATIENCE_SECONDS
    asker.becomes("198.18", "fra")
    fill(asker.database, "nyc")
    answers = []
    wait_until(
        lambda: answers.append(asker.answer("198.18")) or SITES[answers[-1].ipv4] == "nyc",
        SOON_SECONDS,
        "the new rows count",
    )
    assert {SITES[answer.ipv4] for answer in answers} <= {"fra", "nyc"}
    assert_prompt(answers)


def test_explain_and_status_in_the_shell_wait_for_a_large_table(asker):
    fill(asker.database, "fra")
    for words, expected in (
        (["explain", "www.example.com", "198.18.0.1"], "network 198.18.0.0/24: server 2, fra"),
        (["status"], f"topology {ROWS} rows, geo databases 0"),
    ):
        printed = subprocess.run(
            as_user([control_path(), "--database", asker.database.path, *words]),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert expected in printed

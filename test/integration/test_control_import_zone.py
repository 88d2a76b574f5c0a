"""pdns-stickyctl import-zone: a zone file, read by PowerDNS's zone2json, becomes rows that are served."""

import json

import pytest

from processes import as_user, control_path, give_to_user, run

ZONE = r"""
$ORIGIN example.org.
$TTL 3600
@       IN SOA ns1 hostmaster ( 2026113001 ; serial
                1h 15m 4w 1h )
        NS    ns1
        MX    10 mail
ns1     A     192.0.2.1
mail    300 IN A 192.0.2.25
*.wild  CNAME mail
txt     TXT   "two words" "a \" quote"
_sip._tcp SRV 1 2 5060 sip
$GENERATE 1-3 host$ A 198.51.100.$
www     A     192.0.2.99
www     TXT   "beside the balanced addresses"
ns1     RRSIG A 8 3 3600 20370101000000 20260101000000 1 example.org. AAAA
elsewhere.example. A 192.0.2.9
"""


@pytest.fixture
def zone_file(workspace):
    path = workspace / "example.org.zone"
    path.write_text(ZONE)
    give_to_user(path)
    return path


def import_zone(database, path, *options, name="example.org"):
    return run(as_user([control_path(), "--database", database.path, "import-zone", *options, path, name]))


def contents(database, name):
    return database.rows(f"SELECT type, ttl, content FROM record WHERE name = '{name}' ORDER BY type")


def test_a_zone_file_is_served(served, zone_file):
    coprocess, database = served
    database.sql("INSERT INTO balanced_name SELECT 'www.example.org', id FROM pool WHERE name = 'web';")
    done = import_zone(database, zone_file)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "zone example.org: 12 records imported, 3 left out"
    left_out = {tuple(line.split(":")[0].split()) for line in lines[1:]}
    assert left_out == {
        ("www.example.org", "A"), ("ns1.example.org", "RRSIG"), ("elsewhere.example", "A")
    }  # fmt: skip
    assert contents(database, "example.org") == [
        ("MX", 3600, "10 mail.example.org"),
        ("NS", 3600, "ns1.example.org"),
        ("SOA", 3600, "ns1.example.org hostmaster.example.org 2026113001 3600 900 2419200 3600"),
    ]
    assert contents(database, "txt.example.org") == [("TXT", 3600, r'"two words" "a \" quote"')]
    assert contents(database, "_sip._tcp.example.org") == [("SRV", 3600, "1 2 5060 sip.example.org")]
    assert "198.51.100.2" in str(coprocess.ask("host2.example.org", remote="192.0.2.10"))
    assert "192.0.2.99" not in str(coprocess.ask("www.example.org", remote="192.0.2.10"))


def test_a_zone_that_is_there_is_exchanged_only_if_that_is_wanted(sample_database, zone_file):
    assert import_zone(sample_database, zone_file).returncode == 0
    zone_file.write_text("example.org. 60 IN SOA ns1 hostmaster 2 3600 600 604800 60\n")
    refused = import_zone(sample_database, zone_file)
    assert refused.returncode == 1 and "--replace" in refused.stderr
    assert contents(sample_database, "mail.example.org") == [("A", 300, "192.0.2.25")]
    done = import_zone(sample_database, zone_file, "--replace", "--json")
    assert json.loads(done.stdout) == {"zone": "example.org", "imported": 1, "left_out": []}
    assert contents(sample_database, "mail.example.org") == []


@pytest.mark.parametrize(
    "text, told",
    [("a (\n", "line 1"), (None, "No such file"), ("a A 192.0.2.1\n", "0 valid SOA records")],
    ids=["malformed", "missing", "without SOA"],
)
def test_nothing_is_imported_of_a_file_that_cannot_be_read(sample_database, zone_file, text, told):
    if text is None:
        zone_file.unlink()
    else:
        zone_file.write_text(text)
    done = import_zone(sample_database, zone_file)
    assert done.returncode == 1 and told in done.stderr
    assert sample_database.rows("SELECT count(*) FROM zone WHERE name = 'example.org'") == [(0,)]

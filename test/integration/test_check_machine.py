"""`pdns-stickyctl check` and what is outside pdns.conf: the rows of the database, its files, the
zones of the other backend, systemd's units, the clock."""

import contextlib
import ctypes
import os
import time
from pathlib import Path

import pytest

from checking import OWNER, SAMPLES, STAND_INS, Place
from database import SAMPLE, Database
from faults import small_disk
from monitor import Daemon
from processes import REPOSITORY, SECONDS_MAX, USER, run
from service import Service

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has users to choose from")
OVERLAY = "overlay-gsqlite3.conf"


@pytest.fixture(scope="module")
def place():
    with Place() as made:
        yield made


@pytest.fixture
def database(place, workspace):
    """The sample, to be changed."""
    return Database.create(workspace, SAMPLE)


# ---------------------------------------------------------------- rows


UNUSED = [
    ("INSERT INTO pool (name) VALUES ('spare');"
     " INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
     " SELECT id, 1, 1, '192.0.2.99' FROM pool WHERE name = 'spare';", "pool spare"),
    ("INSERT INTO controller (name) VALUES ('o''slo');", "controller o'slo"),
    ("INSERT INTO monitor (name, type) VALUES ('page', 'http');", "monitor page"),
    ("UPDATE pool SET metric = 'cpu' WHERE id = 1;", "names a metric"),
    ("UPDATE pool SET alternate_method = 'rendezvous' WHERE id = 1;", "alternate method"),
    ("INSERT INTO topology (country, controller_id) VALUES ('DE', 1), ('FR', 1);", "2 rows of"),
    ("INSERT INTO geo_database VALUES ('/nowhere.mmdb');", "1 row of table geo_database"),
    ("INSERT INTO path_metric (network, controller_id, rtt) VALUES ('192.0.2.0/24', 1, 5);",
     "1 row of table path_metric"),
    ("INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'cpu', 5);",
     "metric cpu"),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'load', 5);",
     "metric load"),
    ("UPDATE setting SET value = 2 WHERE name = 'share_quorum';", "setting share_quorum"),
    ("UPDATE setting SET value = 9 WHERE name = 'brake_percent';", "setting brake_percent"),
    ("UPDATE setting SET value = 9 WHERE name = 'max_checks';", "setting max_checks"),
]  # fmt: skip


@pytest.mark.parametrize("sql, words", UNUSED, ids=[words for _, words in UNUSED])
def test_rows_without_effect(place, database, sql, words):
    database.sql(sql)
    finding = place.check("pipe.conf", database=database).only("unused-rows")
    assert words in finding["text"] and finding["effect"] == "warning"
    database.sql(finding["line"] + ";")
    assert place.check("pipe.conf", database=database).names == []


def test_rows_that_are_used_are_not_named(place, database):
    database.sql("""
        UPDATE pool SET method = 'least', metric = 'cpu', alternate_method = 'topology'
          WHERE id = 1;
        INSERT INTO controller_metric (controller_id, name, value)
          SELECT id, 'cpu', 5 FROM controller;
        INSERT INTO topology (controller_id) VALUES (1);
        UPDATE pool SET method = 'rtt' WHERE id = 2;
        INSERT INTO path_metric (network, controller_id, rtt) VALUES ('192.0.2.0/24', 1, 5);
        INSERT INTO controller_metric (controller_id, name, value)
          SELECT id, 'rtt', 5 FROM controller;
        UPDATE share SET node = 1;
        UPDATE setting SET value = 2 WHERE name = 'share_quorum';""")
    found = place.check("pipe.conf", database=database)
    assert "unused-rows" not in found.names, found.list


def test_nothing_is_found_on_the_demo(place, workspace):
    database = Database.create(workspace, REPOSITORY / "schema" / "demo.sql")
    assert place.check("pipe.conf", database=database).names == []


def test_many_rows_without_effect_are_counted(place, database):
    database.sql("".join(f"INSERT INTO controller (name) VALUES ('c{n}');" for n in range(25)))
    found = place.check("pipe.conf", database=database)
    assert found.names == ["unused-rows"] * 21
    assert found.list[-1]["text"] == "5 more rows without effect"


@pytest.mark.parametrize(
    "ttl, lasts, line", [(3600, 3600, 43200), (300, 300, 3600), (30, 89, 3600)]
)
def test_a_mapping_has_to_outlast_the_answer(place, database, ttl, lasts, line):
    database.sql(f"UPDATE pool SET ttl = {ttl}, persistence_ttl = {lasts} WHERE name = 'web';")
    finding = place.check("pipe.conf", database=database).only("persistence-ttl")
    assert finding["line"] == f"UPDATE pool SET persistence_ttl = {line} WHERE name = 'web'"
    database.sql(finding["line"] + ";")
    assert place.check("pipe.conf", database=database).names == []


@pytest.mark.parametrize("ttl, lasts", [(30, 90), (3600, 0), (0, 1)])
def test_a_mapping_that_lasts_or_is_not_kept_is_no_finding(place, database, ttl, lasts):
    database.sql(f"UPDATE pool SET ttl = {ttl}, persistence_ttl = {lasts};")
    assert place.check("pipe.conf", database=database).names == []


def test_the_setting_of_a_newer_powerdns(place, database):
    database.sql("UPDATE setting SET value = 501 WHERE name = 'powerdns_version';")
    assert place.check("pipe.conf", database=database, version="5.1.4").names == []
    finding = place.check("pipe.conf", database=database).only("powerdns-version")
    assert finding["line"] == "UPDATE setting SET value = 407 WHERE name = 'powerdns_version'"


def test_what_status_says_is_told(place, database):
    database.sql("UPDATE virtual_server SET ipv4 = '192.0.2.999' WHERE id = 1;")
    finding = place.check("pipe.conf", database=database).only("database")
    assert "192.0.2.999" in finding["text"]


def test_a_database_that_is_not_there(place, workspace):
    database = Database(workspace / "none.sqlite")
    finding = place.check("pipe.conf", database=database).only("database")
    assert str(database.path) in finding["text"] and finding["effect"] == "answers"


# ---------------------------------------------------------------- monitors


CHECKED = """
    INSERT INTO monitor (id, name, type, path) VALUES (1, 'own', '{type}', {path});
    UPDATE pool SET monitor_id = 1 WHERE id = 1;"""


def without_the_daemon(found):
    """The findings but that pdns-stickyd does not run, which `status` says."""
    return [f for f in found.list if "pdns-stickyd does not run" not in f["text"]]


@AS_ROOT
@pytest.mark.parametrize("who, expected", (("1 0", ["monitors"]), ("0 2147483647", [])))
def test_pings_need_a_group_in_the_range(place, database, who, expected):
    database.sql(CHECKED.format(type="icmp", path="NULL"))
    script = f'echo "{who}" >/proc/sys/net/ipv4/ping_group_range && exec "$@"'
    inside = ["unshare", "--net", "sh", "-c", script, "sh"]
    found = without_the_daemon(place.check("pipe.conf", database=database, before=inside))
    assert [finding["name"] for finding in found] == expected
    assert all("net.ipv4.ping_group_range" in finding["line"] for finding in found)


def test_a_program_of_a_monitor_is_not_looked_for_without_a_unit(place, database):
    database.sql(CHECKED.format(type="exec", path="'check-db'"))
    found = place.check("pipe.conf", database=database)
    assert without_the_daemon(found) == []
    assert [text for text in found.unchecked if "monitor own can run its program" in text]


def test_a_daemon_that_runs_tells_by_itself(place, database):
    database.sql(CHECKED.format(type="exec", path="'check-db'"))
    with Daemon(database):
        deadline = time.monotonic() + SECONDS_MAX
        while (found := place.check("pipe.conf", database=database)).names != ["monitors"]:
            assert time.monotonic() < deadline, found.list
    assert "was started without --exec-directory" in found.list[0]["text"]


# ---------------------------------------------------------------- the other backend's zones


@pytest.fixture
def overlay(place):
    """Both databases of the overlay, which are put back afterwards."""
    yield place
    place.zones.sql("DELETE FROM cryptokeys; DELETE FROM records; DELETE FROM domains;" + STAND_INS)
    place.overlay.sql("DELETE FROM zone; DELETE FROM balanced_name WHERE name NOT LIKE 'www.%'"
                      " AND name NOT LIKE 'api.%';")


@pytest.mark.parametrize(
    "sql, words, line",
    [
        ("DELETE FROM records WHERE name = 'api.eu.example.com'",
         "api.eu.example.com has no stand-in in gsqlite3",
         "pdnsutil add-record example.com 'api.eu' A '203.0.113.1'"),
        ("UPDATE records SET disabled = 1 WHERE name = 'api.eu.example.com'",
         "has no stand-in", "pdnsutil add-record"),
        ("DELETE FROM records WHERE name = 'www.example.com' AND type = 'AAAA'",
         "has no record of type AAAA",
         "pdnsutil add-record example.com 'www' AAAA '2001:db8:0:1::80'"),
        ("DELETE FROM records WHERE type = 'MX'", "has no record of type MX",
         "pdnsutil add-record example.com 'www' MX '10 mail.example.com'"),
        ("DELETE FROM domains", "is in none of the zones of gsqlite3", None),
        ("UPDATE domains SET name = 'api.eu.example.com'", "is the apex", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sample", SAMPLES[3:])
def test_stand_ins_that_are_missing(overlay, sample, sql, words, line):
    overlay.zones.sql(f"PRAGMA foreign_keys = 0; {sql};")
    found = overlay.check(sample)
    assert set(found.names) == {"stand-ins"}
    (finding,) = [f for f in found.list if words in f["text"]][:1]
    assert finding["line"] is None if line is None else finding["line"].startswith(line)


@pytest.mark.parametrize("sample", SAMPLES[3:])
def test_zones_of_its_own_need_no_order_and_no_stand_in(place, sample):
    """Another backend has other zones: all balanced names are in zones of this database."""
    launch = "gsqlite3,pipe" if "remote" not in sample else "gsqlite3:meta,gsqlite3,remote"
    place.zones.sql("UPDATE domains SET name = 'example.net';")
    try:
        found = place.check(sample, {"launch": launch}, database=place.sample)
        slow = place.check(sample, {"consistent-backends": "yes"}, database=place.sample)
    finally:
        place.zones.sql("UPDATE domains SET name = 'example.com';")
    assert found.names == []
    assert slow.only("consistent-backends")["effect"] == "speed"


def test_a_newer_pdnsutil_takes_full_names(overlay):
    overlay.zones.sql("DELETE FROM records WHERE name = 'api.eu.example.com';")
    finding = overlay.check(OVERLAY, version="5.0.7").only("stand-ins")
    assert finding["line"].startswith("pdnsutil add-record example.com 'api.eu.example.com' A ")


def test_a_zone_that_both_have(overlay):
    overlay.overlay.sql("INSERT INTO zone (name) VALUES ('example.com');")
    found = overlay.check(OVERLAY)
    assert "zone-twice" in found.names
    other = overlay.check(OVERLAY, {"launch": "gsqlite3,pipe"})
    (twice,) = [f for f in other.list if f["name"] == "zone-twice"]
    assert (twice["effect"], twice["line"]) == ("stickiness", "launch=pipe,gsqlite3")
    overlay.overlay.sql([f for f in found.list if f["name"] == "zone-twice"][0]["line"] + ";")
    assert overlay.check(OVERLAY).names == []


@pytest.mark.parametrize(
    "sample, setting", [(SAMPLES[3], "gsqlite3-dnssec"), (SAMPLES[4], "gsqlite3-meta-dnssec")]
)
def test_keys_that_are_not_used(overlay, sample, setting):
    overlay.zones.sql("INSERT INTO cryptokeys (domain_id, flags, active, content)"
                      " VALUES (1, 257, 1, 'key');")
    assert overlay.check(sample).names == []
    assert overlay.check(sample, {setting: None}).only("dnssec")["line"] == f"{setting}=yes"


@pytest.mark.parametrize("settings, words", [
    ({"gsqlite3-database": "/nowhere"}, "/nowhere"),
    ({"launch": "pipe,bind"}, "stand-ins and zones in bind are not read"),
    ({"launch": "pipe,gsqlite3,bind"}, "may be in any of 2 backends"),
])
def test_zones_that_cannot_be_read_are_told(place, settings, words):
    found = place.check(OVERLAY, settings)
    assert found.names == []
    assert [text for text in found.unchecked if words in text], found.unchecked


# ---------------------------------------------------------------- files


@contextlib.contextmanager
def mode_of(path, mode):
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


@AS_ROOT
@pytest.mark.parametrize("suffix", ("", "-wal", "-shm", "-lock", "-claims"))
def test_files_of_another_user(place, database, suffix):
    path = Path(f"{database.path}{suffix}")
    path.touch()
    os.chown(path, 0, 0)
    found = place.check("pipe.conf", database=database)
    assert "owner" in found.names
    (finding,) = [f for f in found.list if f["name"] == "owner"]
    assert finding["line"] == f"chown {OWNER} {path}"
    assert set(found.names) <= {"owner", "database"}


@AS_ROOT
def test_a_directory_of_another_user(place, database):
    os.chown(database.path.parent, 0, 0)
    finding = place.check("pipe.conf", database=database).list[0]
    assert (finding["name"], finding["line"]) == ("owner", f"chown {OWNER} {database.path.parent}")


@AS_ROOT
@pytest.mark.parametrize("mode, line", ((0o444, "chmod u+rw"), (0o666, "chmod o-w")))
def test_modes_of_the_database(place, database, mode, line):
    with mode_of(database.path, mode):
        finding = place.check("pipe.conf", database=database).only("mode")
    assert finding["line"] == f"{line} {database.path}"


@AS_ROOT
def test_a_directory_that_the_user_may_not_enter(place, workspace):
    folder = workspace / "below"
    folder.mkdir()
    database = Database.create(workspace, SAMPLE, name="there.sqlite")
    os.chown(folder, 0, 0)
    folder.chmod(0o700)
    moved = Database(folder / "there.sqlite")
    database.path.rename(moved.path)
    found = place.check("pipe.conf", database=moved)
    assert [f["line"] for f in found.list if f["name"] == "mode"] == [f"chmod o+x {folder}"]


@pytest.mark.parametrize("change, words", [
    (lambda path: path.chmod(0o600), "may not be run"),
    (lambda path: (path.unlink(), path.mkdir()), "is not a program"),
    (lambda path: path.write_text("#!/bin/sh\necho pdns-sticky 0.0.1\n"), "is pdns-sticky 0.0.1"),
])
def test_the_program_that_powerdns_starts(place, workspace, change, words):
    if "may not" in words and not USER:
        pytest.skip("the owner is let in by another rule")
    program = workspace / "pdns-sticky"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    change(program)
    command = f"{program} --database {place.sample.path}"
    assert words in place.check("pipe.conf", {"pipe-command": command}).only("program")["text"]


@pytest.mark.parametrize("space, words", (("  ", "two spaces"), (' "', "a quote")))
def test_a_command_that_powerdns_splits_in_another_way(place, space, words):
    command = f"{place.program}{space}--database {place.sample.path}"
    assert words in place.check("pipe.conf", {"pipe-command": command}).only("program")["text"]


@pytest.mark.parametrize("sample", ("pipe.conf", "remote-pipe.conf"))
def test_another_database(place, database, sample):
    command = f"{place.program} --database={database.path}"
    setting = (
        {"pipe-command": command}
        if sample == "pipe.conf"
        else {"remote-connection-string": f"pipe:command={command}"}
    )
    finding = place.check(sample, setting).only("database-path")
    assert finding["line"] == f"pdns-stickyctl --database {database.path} check"


def test_the_database_of_a_service_without_systemd(place, database):
    with Service(database, database.path.with_name("own")) as service:
        setting = {"remote-connection-string": f"unix:path={service.path}"}
        finding = place.check("remote-unix.conf", setting).only("database-path")
        found = place.check("remote-unix.conf", setting, database=database)
    assert finding["line"] == f"pdns-stickyctl --database {database.path} check"
    assert (found.names, found.unchecked) == ([], [])


def test_a_socket_where_nobody_listens(place, workspace):
    path = workspace / "file"
    path.write_text("")
    setting = {"remote-connection-string": f"unix:path={path}"}
    assert "is not a socket" in place.check("remote-unix.conf", setting).only("socket")["text"]
    left = workspace / "left"
    run(["python3", "-c", f"import socket; socket.socket(1).bind({str(left)!r})"])
    if USER:
        os.chown(left, place.socket.stat().st_uid, 0)
    setting = {"remote-connection-string": f"unix:path={left}"}
    assert "nobody listens" in place.check("remote-unix.conf", setting).only("socket")["text"]


@AS_ROOT
def test_a_socket_that_powerdns_may_not_connect_to(place):
    with mode_of(place.socket, 0o500):
        finding = place.check("remote-unix.conf").only("socket")
    assert finding["text"].startswith(f"{OWNER} may not connect to")


@AS_ROOT
def test_a_disk_that_is_nearly_full(place, workspace):
    with small_disk(workspace, 32 * 1024) as folder:
        database = Database.create(folder, SAMPLE)
        finding = place.check("pipe.conf", database=database).only("disk")
    assert str(database.path) in finding["text"]


# ---------------------------------------------------------------- the machine


def is_synchronized():
    """What adjtimex(2) says; the struct begins with its modes, and has the status at offset 40.

    None where it says nothing, as in a container that may not ask.
    """
    state = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None, use_errno=True).adjtimex(state) < 0:
        return None
    return not int.from_bytes(state[40:44], "little") & 0x40


def test_the_clock_counts_while_mappings_are_shared(place, database):
    assert "clock" not in place.check("pipe.conf", database=database).names
    database.sql("UPDATE share SET node = 1;")
    found = place.check("pipe.conf", database=database)
    synchronized = is_synchronized()
    assert ("clock" in found.names) == (synchronized is False)
    assert ("whether the clock is synchronized" in found.unchecked) == (synchronized is None)


def with_systemd():
    """What runs a command where systemd seems to be, to be asked by the systemctl of the test."""
    script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


SYSTEMCTL = """case "$*" in
*pdns-stickyd*) {daemon} ;;
*pdns-sticky*) echo LoadState=loaded; echo ActiveState=active; {socket} ;;
*) echo LoadState=loaded; echo ActiveState=active; echo UnitFileState=enabled; echo User={user} ;;
esac"""
RUNS = "echo LoadState=loaded; echo ActiveState=active"
DISABLED = f"{RUNS}; echo UnitFileState=disabled"
DIES = "echo LoadState=loaded; echo ActiveState=failed"
NONE = "echo LoadState=not-found"


@AS_ROOT
@pytest.mark.parametrize("sample, daemon, socket, expected", [
    ("pipe.conf", RUNS, DISABLED, []),
    ("pipe.conf", DISABLED, "", ["the unit pdns-stickyd is not enabled"]),
    ("pipe.conf", DIES, "", ["the unit pdns-stickyd is not active"]),
    ("pipe.conf", NONE, "", ["systemd has no unit pdns-stickyd"]),
    ("pipe.conf", f"{RUNS}; echo Environment=PDNS_STICKY_DATABASE=/other", "",
     ["the unit pdns-stickyd uses the database /other"]),
    ("remote-unix.conf", RUNS, "echo UnitFileState=disabled",
     ["the unit pdns-sticky.socket is not enabled"]),
    ("remote-unix.conf", RUNS, "echo Environment=X=1 PDNS_STICKY_DATABASE=/other", ["/other"]),
])
def test_units_of_systemd(place, database, sample, daemon, socket, expected):
    database.sql(CHECKED.format(type="tcp", path="NULL"))
    place.write_tool("systemctl", SYSTEMCTL.format(daemon=daemon, socket=socket, user=OWNER))
    found = without_the_daemon(
        place.check(sample, {"setuid": None}, database=database, before=with_systemd())
    )
    assert len(found) == len(expected)
    for finding, words in zip(found, expected):
        assert words in finding["text"]
        assert finding["name"] == ("database-path" if words == "/other" else "units")


@AS_ROOT
def test_the_unit_of_a_virtual_configuration(place, database):
    there = "echo LoadState=loaded; echo ActiveState=active"
    place.write_tool("systemctl", f'case "$*" in *" pdns@eu.service") {there} ;; esac')
    for name, expected in (("pdns-eu.conf", []), ("pdns.conf", ["units"])):
        found = place.check("pipe.conf", database=database, name=name, before=with_systemd())
        assert found.names == expected, found.list


@AS_ROOT
@pytest.mark.parametrize("command, words", [
    ("", "has no --exec-directory"),
    ("; echo 'ExecStart={ argv[]=pdns-stickyd --exec-directory /nowhere ; }'", "/nowhere/check-db"),
])
def test_the_directory_of_programs_is_that_of_the_unit(place, database, command, words):
    database.sql(CHECKED.format(type="exec", path="'check-db'"))
    place.write_tool("systemctl", SYSTEMCTL.format(daemon=RUNS + command, socket="", user=OWNER))
    (finding,) = without_the_daemon(
        place.check("pipe.conf", database=database, before=with_systemd())
    )
    assert finding["name"] == "monitors" and words in finding["text"]

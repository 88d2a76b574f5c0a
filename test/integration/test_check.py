"""`pdns-stickyctl check` and pdns.conf: nothing is found on the sample files, and on a copy that is
broken in one setting, the finding with the name that the manual has for it."""

import json
import re

import pytest

from checking import OWNER, PROCESSORS, SAMPLES, Findings, Place
from powerdns import CONFIGURATIONS
from processes import REPOSITORY, as_user, control_path, run

REVIEW = REPOSITORY / "backend" / "program" / "review"
PIPE = ("pipe.conf", "overlay-gsqlite3.conf")
REMOTE = tuple(name for name in SAMPLES if name not in PIPE)
META = ("basic-query", "id-query", "any-query", "any-id-query")


@pytest.fixture(scope="module")
def place():
    with Place() as made:
        yield made


# ---------------------------------------------------------------- the sample files


@pytest.mark.parametrize("version", ("4.7.3", "5.1.4"))
@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_is_found_on_the_sample_files(place, sample, version):
    found = place.check(sample, version=version)
    assert (found.list, found.status) == ([], 0)
    assert found.document["powerdns"] == version
    assert found.document["user"] == OWNER


# The samples, {setting: value}, the finding, and what it harms.
BROKEN = [
    (SAMPLES, {"launch": None}, "launch", "answers"),
    (SAMPLES, {"launch": "bind"}, "launch", "answers"),
    (REMOTE, {"remote-connection-string": "http:url=http://[::1]/"}, "launch", "answers"),
    (PIPE[1:], {"launch": "gsqlite3,pipe"}, "launch-order", "stickiness"),
    (REMOTE[2:], {"launch": "gsqlite3:meta,gsqlite3,remote"}, "launch-order", "stickiness"),
    *((REMOTE[2:], {f"gsqlite3-meta-{query}": value}, "launch-order", "stickiness")
      for query in META for value in (None, "SELECT content FROM records WHERE name=:qname")),
    (REMOTE[2:], {"launch": "remote,gsqlite3"}, "launch-metadata", "answers"),
    *((PIPE, {"pipe-abi-version": value}, "pipe-abi-version", "stickiness")
      for value in (None, "1", "2")),
    (PIPE, {"pipe-abi-version": "6"}, "pipe-abi-version", "answers"),
    *((PIPE, {"zone-cache-refresh-interval": value}, "zone-cache-refresh-interval", "answers")
      for value in (None, "60")),
    (REMOTE, {"zone-cache-refresh-interval": "0"}, "zone-cache-refresh-interval", "speed"),
    *((SAMPLES[:3], {"consistent-backends": value}, "consistent-backends", "speed")
      for value in (None, "yes")),
    *((SAMPLES[3:], {"consistent-backends": value}, "consistent-backends", "answers")
      for value in (None, "yes")),
    (SAMPLES, {"svc-autohints": "yes"}, "svc-autohints", "stickiness"),
    *((SAMPLES, {"cache-ttl": value}, "cache-ttl", "answers") for value in (None, "20")),
    (SAMPLES, {"cache-ttl": "0"}, "cache-ttl", "speed"),
    (SAMPLES, {"query-cache-ttl": "0"}, "query-cache-ttl", "speed"),
    *((SAMPLES, {"negquery-cache-ttl": value}, "negquery-cache-ttl", "answers")
      for value in (None, "60")),
    (SAMPLES, {"negquery-cache-ttl": "0"}, "negquery-cache-ttl", "speed"),
    *((SAMPLES, {"distributor-threads": value}, "distributor-threads", "speed")
      for value in (None, "3")),
    (SAMPLES, {"receiver-threads": "0"}, "receiver-threads", "speed"),
    (SAMPLES, {"reuseport": "yes"}, "reuseport", "speed"),
    (PIPE, {"pipe-timeout": "100"}, "timeout", "answers"),
    (PIPE, {"pipe-regex": r"^mail\."}, "pipe-regex", "answers"),
    (PIPE, {"pipe-regex": "("}, "pipe-regex", "answers"),
    (PIPE, {"pipe-command": "/nowhere/pdns-sticky"}, "program", "answers"),
    (REMOTE, {"remote-dnssec": "yes"}, "remote-dnssec", "speed"),
    *((REMOTE, {"loglevel": value}, "loglevel", "warning") for value in (None, "5")),
    (REMOTE[1:], {"remote-connection-string": "unix:path=/nowhere"}, "socket", "answers"),
    (REMOTE[:1], {"remote-connection-string": "pipe:command=/nowhere"}, "program", "answers"),
]

# One of these is left out, and still resolvers stay at their sites and answers come as fast.
HARMLESS = {
    "allow-axfr-ips", "disable-axfr", "security-poll-suffix",  # nothing of balancing
    "setgid", "setuid",  # under systemd they change nothing
    "pipe-timeout", "query-cache-ttl", "remote-dnssec", "reuseport",  # the default is the same
    "edns-subnet-processing",  # no pool of these databases has client 'ecs'; see below
    "gsqlite3-dnssec", "gsqlite3-meta-dnssec",  # the zone has no keys; see below
    "gsqlite3-database", "gsqlite3-meta-database",  # told as what cannot be looked at; see below
    "gsqlite3-meta-info-zone-query", "gsqlite3-meta-get-all-domains-query",  # zones listed twice
    "gsqlite3-meta-search-records-query", "gsqlite3-meta-search-comments-query",  # found twice
}  # fmt: skip


@pytest.mark.parametrize(
    "sample, settings, name, effect",
    [
        pytest.param(samples[number % len(samples)], settings, name, effect,
                     id=f"{name}-{number}")
        for number, (samples, settings, name, effect) in enumerate(BROKEN)
    ],
)  # fmt: skip
def test_a_copy_that_is_broken_has_its_finding(place, sample, settings, name, effect):
    finding = place.check(sample, settings).only(name)
    assert finding["effect"] == effect
    (setting,) = settings
    if finding["place"] == "pdns.conf":
        assert finding["line"].startswith(f"{setting}=") or setting.startswith("gsqlite3-meta-")


def test_every_setting_of_the_samples_is_broken_once_or_harmless():
    named = {name for _, settings, *_ in BROKEN for name in settings}
    for sample in SAMPLES:
        text = (CONFIGURATIONS / sample).read_text()
        for name in re.findall(r"^([a-z0-9-]+)=", text, re.MULTILINE):
            assert (name in named) or name in HARMLESS, f"{sample}: {name}"


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_harmless_is_not_found(place, sample):
    settings = {name: None for name in HARMLESS if not name.endswith("database")}
    assert place.check(sample, settings).names == []


@pytest.mark.parametrize("sample, setting", (("pipe.conf", None), (SAMPLES[4], "no")))
def test_client_networks_are_needed_by_a_pool_with_ecs(place, sample, setting):
    database = place.database_of(sample)
    database.sql("UPDATE pool SET client = 'ecs' WHERE name IN ('web', 'www');")
    try:
        assert place.check(sample).names == []
        finding = place.check(sample, {"edns-subnet-processing": setting}).only(
            "edns-subnet-processing"
        )
    finally:
        database.sql("UPDATE pool SET client = 'ldns';")
    assert finding["effect"] == "stickiness"


@pytest.mark.skipif(PROCESSORS < 2, reason="one thread uses the one processor")
def test_one_receiver_thread_does_not_use_all_processors(place):
    finding = place.check("pipe.conf", {"receiver-threads": None}).only("receiver-threads")
    assert finding["line"] == f"receiver-threads={PROCESSORS}"
    assert finding["file_line"] is None


@pytest.mark.parametrize(
    "sample, version, ends",
    [
        ("remote-unix.conf", "5.0.7", False),
        ("remote-unix.conf", "5.1.4", True),
        ("remote-pipe.conf", "5.2.0-alpha0", True),
        ("pipe.conf", "5.1.4", False),
    ],
)
def test_structured_logging_ends_powerdns_5_1_with_the_remote_backend(place, sample, version, ends):
    found = place.check(sample, {"logging-structured": "yes"}, version=version)
    assert found.names == ["logging-structured"] * ends


@pytest.mark.parametrize("sample", REMOTE[:2])
def test_a_timeout_of_the_remote_backend(place, sample):
    way = "unix" if "unix" in sample else "pipe"
    right = place.settings(place.sample)["remote-connection-string"][way]
    wrong = right.replace("=2000", "=99")
    finding = place.check(sample, {"remote-connection-string": wrong}).only("timeout")
    assert finding["line"] == f"remote-connection-string={right}"


def test_a_remote_backend_before_bind_has_no_line(place):
    found = place.check(SAMPLES[4], {"launch": "remote,bind"})
    assert found.only("launch-metadata")["line"] is None


def test_without_the_mark_all_caches_have_to_be_off(place):
    off = {"cache-ttl": "0", "query-cache-ttl": "0", "negquery-cache-ttl": "0"}
    found = place.check("pipe.conf", {"pipe-abi-version": "2", **off})
    assert found.names == ["pipe-abi-version", *off]
    assert {finding["effect"] for finding in found.list} == {"speed"}


# ---------------------------------------------------------------- how the file is read


def test_settings_come_from_included_files_too(place):
    folder = place.directory / "pdns.d"
    folder.mkdir()
    (folder / "b.conf").write_text("negquery-cache-ttl = 60   # of b\n")
    (folder / "A.conf").write_text("negquery-cache-ttl=30\n")
    (folder / "c.conf.dpkg-old").write_text("cache-ttl=20\n")
    (folder / ".d.conf").write_text("cache-ttl=20\n")
    more = f"include-dir={folder}\n"
    finding = place.check("pipe.conf", more=more).only("negquery-cache-ttl")
    assert "is 60" in finding["text"]
    assert (finding["file"], finding["file_line"]) == (f"{folder}/b.conf", 1)
    (folder / "e.conf").mkdir()
    assert "is not a regular file" in place.check("pipe.conf", more=more).only("pdns-conf")["text"]


def test_launch_is_added_to_and_has_suffixes(place):
    settings = {"launch": None, "pipe-command": None, "pipe-abi-version": None}
    command = place.settings(place.sample)["pipe-command"]
    more = f"launch=\nlaunch+=pipe:first\npipe-first-command={command}\n"
    right = place.check("pipe.conf", settings, more=f"{more}pipe-first-abi-version=5\n")
    assert right.names == []
    finding = place.check("pipe.conf", settings, more=more).only("pipe-abi-version")
    assert finding["line"] == "pipe-first-abi-version=5"


@pytest.mark.parametrize(
    "more, name",
    [
        ("cache-ttl=\\\n20\n", "cache-ttl"),
        ("  cache-ttl = 20 # here\n", "cache-ttl"),
        ("# all of this \\\ncache-ttl=20\n", None),
        ("cache-ttl=1#20\n", None),
        ("cache-ttl=20\ncache-ttl=1\n", None),
        ("cache-ttl=20\\", None),
        ("reuseport\n", "reuseport"),
        ("allow-axfr-ips+=192.0.2.1\n", None),
    ],
)
def test_lines_are_read_as_powerdns_reads_them(place, more, name):
    assert place.check("pipe.conf", more=more).names == ([name] if name else [])


@pytest.mark.parametrize(
    "more, words",
    [
        ("setgid=\nsecurity-poll-suffix+=x\ninclude-dir+=/x\n", "comes before any"),
        ("include-dir=/nowhere\n", "/nowhere"),
    ],
)
def test_what_keeps_powerdns_from_starting_is_told(place, more, words):
    assert words in place.check("pipe.conf", more=more).only("pdns-conf")["text"]


def test_a_file_that_is_not_there_or_may_not_be_read(place):
    missing = place.directory / "none.conf"
    done = place.run(missing, place.sample, json=False)
    assert done.returncode == 1 and f"{missing} cannot be read: No such file" in done.stdout
    secret = place.directory / "secret.conf"
    secret.write_text("launch=pipe\n")
    secret.chmod(0)
    done = place.run(secret, place.sample, json=False, before=as_user([]))
    assert done.returncode == 1 and f"{secret} cannot be read: Permission denied" in done.stdout


# ---------------------------------------------------------------- PowerDNS itself


def test_the_defaults_are_those_of_the_installed_powerdns():
    printed = run(["pdns_server", "--config=default"]).stdout
    installed = dict(re.findall(r"^# ([a-z0-9-]+)=(.*)", printed, re.MULTILINE))
    text = (REVIEW / "pdns_version.c").read_text()
    known = dict(re.findall(r'\{NULL, "([^"]+)", "([^"]*)"\}', text))
    assert len(known) > 10
    assert {name: installed[name] for name in known if name in installed} == {
        name: value for name, value in known.items() if name in installed
    }
    assert set(known) - set(installed) <= {"logging-structured"}


def check_with_powerdns(place, sample, settings, name="pdns.conf"):
    """With the one that is installed."""
    database, path = place.database_of(sample), place.directory / name
    path.write_text(place.conf(sample, database, settings))
    argv = [control_path(), "--database", database.path, "check", "--powerdns", path, "--json"]
    return Findings(run(argv))


def test_the_version_is_that_of_the_installed_powerdns(place):
    done = run(["pdns_server", "--version"])
    (version,) = re.findall(r"Authoritative Server (\S+)", done.stdout + done.stderr)
    assert check_with_powerdns(place, "pipe.conf", {}).document["powerdns"] == version


@pytest.mark.parametrize("name", ("pdns.conf", "pdns-second.conf"))
@pytest.mark.parametrize("sample", SAMPLES)
def test_powerdns_itself_reads_the_settings(place, sample, name):
    assert "pdns-conf" not in check_with_powerdns(place, sample, {}, name).names
    found = check_with_powerdns(place, sample, {"no-such-setting": "3"}, name)
    (text,) = [f["text"] for f in found.list if f["name"] == "pdns-conf"]
    assert "PowerDNS does not start with" in text and "no-such-setting" in text


def test_powerdns_cannot_read_a_file_of_any_name(place):
    found = check_with_powerdns(place, "pipe.conf", {"no-such-setting": "3"}, "other.conf")
    assert found.names == []
    assert any("whether PowerDNS takes each line" in text for text in found.unchecked)


@pytest.mark.parametrize("lines", ("exit 1", "echo PowerDNS", "exit 127"))
def test_a_version_that_cannot_be_found_out_is_told(lines):
    with Place() as place:
        place.write_tool("pdns_server", lines)
        found = place.check("pipe.conf")
        assert (found.names, found.document["powerdns"]) == ([], None)
        assert [text for text in found.unchecked if "the version of PowerDNS" in text]


def test_a_newer_powerdns_is_told(place):
    found = place.check("pipe.conf", version="6.3.0")
    assert found.names == [] and "newer than this program" in found.unchecked[0]


# ---------------------------------------------------------------- what is printed


def test_text_and_json_have_the_same_findings(place):
    settings = {"cache-ttl": None, "reuseport": "yes", "pipe-abi-version": "1"}
    found = place.check("pipe.conf", settings)
    assert found.names == ["pipe-abi-version", "cache-ttl", "reuseport"]
    done = place.run(place.directory / "pdns.conf", place.sample, json=False)
    assert done.returncode == 1
    assert max(map(len, done.stdout.splitlines())) <= 100
    text = re.sub(r"\s+", " ", done.stdout)
    for finding in found.list:
        assert f"{finding['name']} (" in text and finding["text"] in text
        where = f", line {finding['file_line']}" if finding["file_line"] else ""
        assert f"{finding['file']}{where}: {finding['line']}" in text
    assert text.endswith("3 findings ")


@pytest.mark.parametrize("words", (["more"], ["--powerdns"], ["--other"], ["--json=1"]))
def test_wrong_usage_ends_with_64(place, words):
    argv = [control_path(), "--database", place.sample.path, "check", *words]
    done = run(argv)
    assert (done.returncode, done.stdout) == (64, "") and done.stderr


def test_the_manual_has_a_paragraph_for_each_finding():
    table = re.findall(r'^    \{"([a-z-]+)", REVIEW_', (REVIEW / "review.c").read_text(),
                       re.MULTILINE)  # fmt: skip
    page = (REPOSITORY / "backend" / "pdns-stickyctl.8").read_text()
    section = page.partition("\n.Sh FINDINGS OF CHECK\n")[2].partition("\n.Sh ")[0]
    described = re.findall(r"^\.It Sy (\S+)", section, re.MULTILINE)
    assert len(table) > 30 and described == table

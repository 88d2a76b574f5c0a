"""pdns-stickyctl watch: what it shows of real changes, on a terminal and elsewhere."""

import contextlib
import json
import os
import pty
import subprocess

import pytest

from processes import SECONDS_MAX, as_user, control_path, run, wait_until


@contextlib.contextmanager
def watching(database, *options, **streams):
    argv = as_user([control_path(), "--database", database.path, "watch", "--interval", "1", *options])
    with subprocess.Popen(argv, **streams) as process:
        try:
            yield process
        finally:
            process.terminate()


def set_available(database, site, value):
    database.sql(
        "INSERT INTO controller_metric (controller_id, name, value)"
        f" SELECT id, 'availability', {value} FROM controller WHERE name = '{site}'"
        " ON CONFLICT DO UPDATE SET value = excluded.value;"
    )


def test_programs_see_a_site_fail_and_return(sample_database):
    picture = {}
    with watching(sample_database, "--json", stdout=subprocess.PIPE, text=True) as process:

        def health_of_fra():
            picture.update(json.loads(process.stdout.readline()))
            return {site["site"]: site["health"] for site in picture["sites"]}["fra"]

        assert health_of_fra() == "up"
        for value, health in ((0, "down"), (1, "up")):
            set_available(sample_database, "fra", value)
            wait_until(lambda health=health: health_of_fra() == health, SECONDS_MAX, f"fra is {health}")
    assert [change["text"] for change in picture["changes"]] == ["fra: up, was down",
                                                                 "fra: down, was up"]
    assert picture["problems"] == []


def test_a_terminal_is_refreshed_and_names_what_has_changed(served):
    coprocess, database = served
    for host in range(1, 6):
        coprocess.ask("www.example.com", remote=f"192.0.2.{host}")
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    shown = ""
    with watching(database, stdout=follower, env=environment):
        os.close(follower)

        def is_shown(text):
            nonlocal shown
            shown += os.read(leader, 65536).decode()
            return text in shown

        wait_until(lambda: is_shown("5 are live"), SECONDS_MAX, "the mappings are shown")
        set_available(database, "fra", 0)
        wait_until(lambda: is_shown("fra: down, was up"), SECONDS_MAX, "the change is shown")
    os.close(leader)
    assert shown.startswith("\x1b[2J\x1b[H") and shown.count("\x1b[H") >= 2
    assert "\x1b[1;31mdown" in shown and "\x1b[32mup" in shown


def test_without_a_terminal_it_is_plain_text(sample_database):
    sample_database.sql("UPDATE controller SET state = 'draining' WHERE name = 'ams'")
    done = run(as_user([control_path(), "--database", sample_database.path, "watch", "--count", "1"]))
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert any(line.split()[:2] == ["ams", "draining"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("options", (["--interval", "0"], ["--count", "x"], ["more"]))
def test_wrong_options_are_refused(sample_database, options):
    argv = as_user([control_path(), "--database", sample_database.path, "watch", *options])
    assert run(argv).returncode == 64


def test_it_ends_when_nobody_reads_any_more(sample_database):
    with watching(sample_database, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(SECONDS_MAX) == 0

"""What the schema allows is what the program knows: words and settings, read from the sources."""

import re

import pytest

from processes import REPOSITORY

BACKEND = REPOSITORY / "backend"


def initializer(path, name):
    """What stands between the braces of an array."""
    (found,) = re.findall(rf"\b{name}\[\] = \{{(.*?)\}};", (BACKEND / path).read_text(), re.DOTALL)
    return found


def quoted(path, name):
    return re.findall(r'"([^"]+)"', initializer(path, name))


def methods():
    """The names of the methods, in the order of their table."""
    names = {}
    for source in (BACKEND / "core/balance").glob("method_*.c"):
        names.update(re.findall(r"struct method (\w+) = \{\s*\.name = \"([^\"]+)\"",
                                source.read_text()))
    table = initializer("core/balance/method.c", "methods")
    return [names[method] for method in re.findall(r"&(\w+)", table)]


KNOWN = {
    "allowed_state": quoted("core/balance/pool.c", "state_words"),
    "allowed_method": methods(),
    "allowed_timer": quoted("core/balance/pool.c", "timer_words"),
    "allowed_client": quoted("core/balance/pool.c", "client_words"),
    "allowed_fallback": quoted("core/balance/pool.c", "fallback_words"),
    "allowed_failback": quoted("core/balance/pool.c", "failback_words"),
    "allowed_monitor_type": quoted("core/health/check.c", "types"),
    "allowed_query": quoted("monitor/probe_dns.c", "types"),
    "allowed_rcode": quoted("monitor/probe_dns.c", "rcodes"),
    "allowed_http_method": quoted("core/health/check.c", "http_methods"),
    "allowed_verdict": quoted("core/health/verdict.c", "words"),
    "allowed_reason": quoted("core/health/check.c", "reasons"),
}


@pytest.mark.parametrize("view", KNOWN)
def test_the_program_knows_the_words_of_a_list_and_no_others(rows_world, view):
    allowed = [word for (word,) in rows_world.execute(f"SELECT word FROM {view}")]
    assert KNOWN[view] == allowed


def test_every_list_is_compared_with_the_program(rows_world):
    views = {name for (name,) in rows_world.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'allowed%'")}
    assert views == {*KNOWN, "allowed_setting", "allowed_monitor", "allowed_answer",
                     "allowed_pin"}


def test_the_program_has_the_settings_of_the_schema_with_their_defaults_and_ranges(rows_world):
    known = re.findall(r'\{"(\w+)", offsetof\(struct settings, \w+\), (\d+), (\d+), (\d+)\}',
                       initializer("core/configuration/settings.c", "rows"))
    assert [(name, *map(int, numbers)) for name, *numbers in known] == rows_world.execute(
        "SELECT name, value, least, most FROM allowed_setting").fetchall()


def test_the_units_of_settings_are_those_of_the_program(rows_world):
    header = (BACKEND / "core/configuration/settings.h").read_text()
    for name, unit in rows_world.execute("SELECT name, unit FROM allowed_setting"):
        assert f"int64_t {name}{'_s' if unit == 'seconds' else ''};" in header

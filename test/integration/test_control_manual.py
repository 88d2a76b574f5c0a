"""pdns-stickyctl(8) has every command and every option that the program has, and no other."""

import re

import pytest

from processes import REPOSITORY, control_path, run

PAGE = (REPOSITORY / "backend" / "pdns-stickyctl.8").read_text()


def commands():
    lines = run([control_path(), "help"]).stdout.splitlines()
    return [line.split()[0] for line in lines if re.match(r"  [a-z]", line)]


def section(command):
    """What the page says of a command."""
    found = re.search(rf"^\.It Cm {command}\b.*?(?=^\.It Cm |^\.Sh )", PAGE, re.M | re.S)
    assert found, f"the page does not describe {command}"
    return found[0]


def options(command):
    lines = run([control_path(), "help", command]).stdout.splitlines()
    return {line.split()[0][2:] for line in lines if line.startswith("  --")}


def test_the_page_has_the_commands():
    listed = re.findall(r"^\.It Cm ([a-z0-9-]+)", PAGE, re.M)
    assert sorted(listed) == sorted(commands())


@pytest.mark.parametrize("command", commands())
def test_the_page_has_the_options_of_a_command(command):
    told = set(re.findall(r"Fl \\-([a-z0-9-]+)", section(command)))
    assert options(command) <= told, section(command)

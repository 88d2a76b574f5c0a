"""Completion for pdns-stickyctl in real shells, with the program under test behind it."""

import pytest

from processes import REPOSITORY, control_path, run

COMPLETION = REPOSITORY / "pdns-conf" / "completion"

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_pdns_stickyctl
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
"""

# What the completion gives to the editor is printed instead.
ZSH = """
source=$1; shift
words=("$@"); CURRENT=$#; PREFIX=${words[-1]}
compadd() { local word; for word in "${@:2}"; do [[ $word != ${PREFIX}* ]] || print -r -- $word; done }
_files() { print -rl -- ${PREFIX}*(N) }
run() { source $source }
run
"""


def complete(shell, database, *words):
    words = [str(word) for word in (control_path(), "--database", database.path, *words)]
    if shell == "bash":
        argv = ["bash", "-c", BASH, "bash", COMPLETION / "pdns-stickyctl", *words]
    else:
        argv = ["zsh", "-f", "-c", ZSH, "zsh", COMPLETION / "_pdns-stickyctl", *words]
    done = run(argv)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


@pytest.fixture(params=["bash", "zsh"])
def completed(request, sample_database):
    return lambda *words: complete(request.param, sample_database, *words)


def test_every_command_is_offered(completed):
    help_text = run([control_path(), "help"]).stdout
    listed = {line.split()[0] for line in help_text.splitlines() if line.startswith("  ") and line[2] != " "}
    assert {"explain", "init"} <= listed <= set(completed(""))
    assert completed("exp")[0] == "explain"


def test_every_option_of_a_command_is_offered(completed):
    assert {"--down", "--ecs", "--at"} <= set(completed("explain", "--"))
    assert completed("explain", "--dr") == ["--drain"]


def test_names_come_from_the_database(completed):
    assert completed("explain", "--method", "w") == ["web"]
    assert set(completed("what-if", "--drain", "")) == {"ams", "fra", "nyc"}
    assert "www.example.com" in completed("explain", "")
    assert "www.example.com" in completed("explain", "--ecs", "192.0.2.0/24", "ww")


def test_each_kind_of_target_has_names_of_its_own(completed):
    assert completed("drain", "") == ["site", "pool", "server"]
    assert set(completed("drain", "site", "")) == {"ams", "fra", "nyc"}
    assert set(completed("enable", "--json", "pool", "")) == {"web", "api"}
    assert completed("drain", "server", "w") == ["web"]
    assert "fra" in completed("drain", "server", "web", "")
    assert completed("drain", "site", "ams", "") == []


def test_files_come_from_the_disk(completed, sample_database):
    path = str(sample_database.path)
    assert path in completed("backup", path[:-3])


def test_a_command_can_be_described(completed):
    assert "explain" in completed("help", "exp")


def test_nothing_is_offered_where_nothing_is_known(completed):
    assert completed("status", "") == []
    assert completed("nosuch", "") == []

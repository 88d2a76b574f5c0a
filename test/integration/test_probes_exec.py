"""Checks of type exec: programs of the operator."""

import os
import subprocess

import pytest

from probes import check, command
from processes import SECONDS_MAX, group_members, wait_until


@pytest.fixture
def programs(tmp_path):
    """A directory of programs; write(name, body) adds one."""
    directory = tmp_path / "programs"
    directory.mkdir()

    def write(name, body, mode=0o755):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(mode)
        return path

    directory_and_write = type("Programs", (), {"directory": directory, "write": staticmethod(write)})
    return directory_and_write


def check_program(programs, path="check", **keys):
    return check(type="exec", exec_directory=programs.directory, path=path, **keys)


EXEC_ROWS = {
    "well": ("exit 0", "ok"),
    "not well": ("exit 1", "status"),
    "another status": ("exit 255", "status"),
    "killed": ("kill -KILL $$", "status"),
    "it hangs": ("sleep 60", "timeout"),
    "it hangs and does not want to end": ("trap '' TERM INT HUP; sleep 60; sleep 60", "timeout"),
    "something in the background": ("sleep 60 & exit 0", "ok"),
}


@pytest.mark.parametrize("row", EXEC_ROWS)
def test_exec(programs, row, tmp_path):
    body, reason = EXEC_ROWS[row]
    pids = tmp_path / "pids"
    programs.write("check", f"echo $$ >{pids}\n{body}")
    # A shell has to begin before its time is over.
    result = check_program(programs, timeout=3 if reason == "timeout" else 10)
    assert result.reason == reason
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms
    wait_until(
        lambda: not group_members(int(pids.read_text())), SECONDS_MAX, "the group has ended"
    )


def test_exec_has_nothing_of_ours(programs, tmp_path):
    said = tmp_path / "said"
    programs.write(
        "sub/check",
        f"""exec 3>&1 >{said}
        echo "$# $1 $2"
        env | grep -v '^PWD=\\|^SHLVL=\\|^_=\\|^OLDPWD=' | sort
        ls -l /proc/$$/fd | sed 's/.* //' | grep -v {said} | sort
        # Read by the shell itself, which blocks all signals for as long as it starts a command.
        while read -r line; do case $line in Sig[BI]*) echo "$line"; esac; done </proc/$$/status
        [ "$(ps -o pgid= -p $$ | tr -d ' ')" = $$ ] && echo leads""",
    )
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        done = subprocess.run(
            command(
                type="exec", exec_directory=programs.directory, path="sub/check", name="web check",
                address="2001:db8::1", target_port=8080,
            ),
            env={"SECRET": "x"}, close_fds=False, capture_output=True, text=True, check=True,
        )
    lines = said.read_text().splitlines()
    assert done.stdout.startswith("ok "), lines
    assert lines[:3] == [
        "2 2001:db8::1 8080",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "STICKY_MONITOR=web check",
    ]
    assert "leads" in lines
    assert not [line for line in lines if line.startswith("/") and line not in
                ("/dev/null", f"{programs.directory}/sub/check")], lines
    # Two signals belong to the C library.
    signals = [int(line.split()[-1], 16) for line in lines if line.startswith("Sig")]
    assert [number & 0x7FFFFFFF for number in signals] == [0, 0]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (None, ["127.0.0.1", "0"]),
        ("-v", ["127.0.0.1", "0", "-v"]),
        (" a  b 'c $HOME;d* ", ["127.0.0.1", "0", "a", "b", "'c", "$HOME;d*"]),
        (" ", ["127.0.0.1", "0"]),
        (" ".join("x" * 512), ["127.0.0.1", "0", *"x" * 512]),
    ],
)
def test_exec_arguments(programs, tmp_path, arguments, words):
    said = tmp_path / "said"
    programs.write("check", f"""for word in "$@"; do printf '%s\\n' "$word"; done >{said}""")
    keys = {"arguments": arguments} if arguments else {}
    assert check_program(programs, **keys).reason == "ok"
    assert said.read_text().splitlines() == words


def test_exec_only_below_its_directory(programs, tmp_path):
    inside = programs.write("check", "exit 0")
    programs.write("plain", "exit 0", mode=0o644)
    outside = tmp_path / "outside"
    outside.write_text("#!/bin/sh\nexit 0\n")
    outside.chmod(0o755)
    (tmp_path / "programs-too").mkdir()
    (tmp_path / "programs-too" / "check").symlink_to(outside)
    directory = programs.directory
    (directory / "out").symlink_to(outside)
    (directory / "up").symlink_to("../outside")
    (directory / "away").symlink_to(tmp_path)
    (directory / "next").symlink_to("../programs-too")
    (directory / "same").symlink_to(inside)
    (directory / "sub").mkdir()
    below = "is not a path below the directory of programs"
    rows = {
        "check": None,
        "./check": None,
        "sub/": f"{directory}/sub is not a program that this user may run",
        "same": None,
        "plain": f"{directory}/plain is not a program that this user may run",
        "none": f"{directory}/none: No such file or directory",
        "out": f"{outside} is outside {directory}",
        "up": f"{outside} is outside {directory}",
        "away/outside": f"{outside} is outside {directory}",
        "next/check": f"{outside} is outside {directory}",
        "../outside": f"path '../outside' {below}",
        "sub/../check": f"path 'sub/../check' {below}",
        "..": f"path '..' {below}",
        "": f"path '' {below}",
        str(inside): f"path '{inside}' {below}",
    }
    for path, words in rows.items():
        result = check_program(programs, path)
        assert (result.cannot, result.reason) == (words, "internal" if words else "ok"), path
    result = check(type="exec", path="check")
    assert result.cannot == "pdns-stickyd was started without --exec-directory"
    assert result.reason == "internal"


def test_exec_what_the_system_cannot_run(programs):
    (programs.directory / "check").write_bytes(b"\0\1\2\3")
    (programs.directory / "check").chmod(0o755)
    assert check_program(programs).reason == "internal"


def test_exec_many_at_once_leave_nothing(programs):
    programs.write("check", "exit 0")
    result = check_program(programs, count=300, at_once=30, timeout=30)
    assert result.counts["ok"] == 300

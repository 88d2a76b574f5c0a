"""test/FAULTS names tests that exist, by their file or folder and without `test_`."""

import re

import pytest

from processes import REPOSITORY

FAULTS = (REPOSITORY / "test" / "FAULTS").read_text()
INTEGRATION = REPOSITORY / "test" / "integration"
DEFAULT = "test_faults.py"  # of tests that are named without a file


def entries():
    """{fault: what stands behind `test`, on one line}"""
    found = {}
    for block in FAULTS.split("\n\n"):
        if "\n    answer " in block:
            fault = " ".join(block.partition("\n    answer ")[0].split())
            found[fault] = " ".join(block.partition("\n    test ")[2].split())
    return found


def named(text):
    """The files, tests and suites that an entry names: {file or "unit": [names]}; {} for "none"."""
    found = {}
    if text.startswith("none; "):
        return found
    for part in text.split("; "):
        place, colon, names = part.partition(": ")
        if not colon and not re.fullmatch(r"test_\w+\.py|test/\S+|scripts/.*", place):
            place, names = DEFAULT, part
        found.setdefault(place, []).extend(names.split(", ") if names else [])
    return found


ENTRIES = entries()


@pytest.mark.parametrize("fault", ENTRIES)
def test_what_an_entry_names_exists(fault):
    suites = (REPOSITORY / "test" / "unit" / "suites.h").read_text()
    for place, names in named(ENTRIES[fault]).items():
        for name in names:
            if place == "unit":
                assert re.search(rf"\b{name.split()[0]}\b", suites), name
            elif place.startswith("test_") and not name.startswith("section "):
                tests = (INTEGRATION / place).read_text()
                assert re.search(rf"def test_{name.removesuffix('...')}", tests), name
        if place.startswith("test_"):
            assert (INTEGRATION / place).exists(), place


def test_every_entry_names_something():
    assert len(ENTRIES) > 60 and all(ENTRIES.values())

"""The check of includes, itself checked; and what is logged, which the manual explains."""

import re
import shutil

import pytest

from processes import REPOSITORY, run


@pytest.mark.parametrize("included, why", [
    ('"store/store.h"', "backend/core/base/x.c includes backend/store/store.h"),
    ("<sqlite3.h>", "backend/core/base/x.c includes <sqlite3.h>"),
    ('"core/base/error.h"', None),
    ("<string.h>", None),
])
def test_an_include_that_points_outward_is_refused_and_both_files_are_named(
    tmp_path, included, why
):
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts/check-includes", tmp_path / "scripts")
    shutil.copy(REPOSITORY / "CONTRIBUTING", tmp_path)
    source = tmp_path / "backend/core/base/x.c"
    source.parent.mkdir(parents=True)
    source.write_text(f"#include {included}\n")
    result = run([tmp_path / "scripts/check-includes"])
    assert result.returncode == (1 if why else 0), result
    assert not why or why in result.stdout
    assert f"1 includes checked, {1 if why else 0} not allowed" in result.stdout


# ---------------------------------------------------------------- what is logged


# Where it is said why a mapping is not kept or cannot be found.
SPEAKERS = (
    "store/claims/claims_file.c",
    "store/limits.c",
    "store/maintenance/maintenance.c",
    "store/maintenance/writer.c",
    "store/mappings.c",
    "store/store.c",
)

# SQLite adds why, or the words say all.
SELF_EVIDENT = {
    "a mapping cannot be read",
    "is not open",
    "mappings cannot be read",
    "out of memory",
    "pools cannot be read",
}


def sentences(path):
    """How each sentence in the string literals of a source begins, up to its first mark or value."""
    code = (REPOSITORY / "backend" / path).read_text()
    code = re.sub(r"/\*.*?\*/|^#include.*?$|^_Static_assert.*?;", "", code, flags=re.M | re.S)
    joined = re.sub(r'"\n\s*"', "", code)
    for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', joined):
        parts = [part.strip(" :") for part in re.split(r"%[a-z]+|[,;]", literal)]
        if " " in literal.strip() and any(parts):
            yield next(filter(None, parts))


def diagnostics():
    """That section of the manual, without its macros."""
    page = (REPOSITORY / "backend/pdns-sticky.1").read_text()
    (section,) = re.findall(r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", page, re.M | re.S)
    return re.sub(r"^\.(?:It Li|Ql) ", "", section, flags=re.M).replace("\n", " ")


@pytest.mark.parametrize("path", SPEAKERS)
def test_the_manual_explains_why_a_mapping_is_not_kept(path):
    found = set(sentences(path)) - SELF_EVIDENT
    assert found
    missing = [sentence for sentence in found if sentence not in diagnostics()]
    assert missing == []

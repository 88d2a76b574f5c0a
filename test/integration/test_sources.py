"""The check of includes, itself checked."""

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

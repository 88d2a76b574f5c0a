"""pdns-sticky.sql(5) and the comments of schema.sql say what the schema says."""

import re

import pytest

from schema import SCHEMA, SCHEMA_SQL, TABLES, VIEWS, connect
from test_schema_words import COLUMNS, settings, words

PAGE = (SCHEMA / "pdns-sticky.sql.5").read_text()


def sections():
    """The subsections of the page: {table or view: its lines}."""
    found = {}
    for heading, body in re.findall(r"^\.Ss (.*)\n((?:(?!\.S[sh] ).*\n)*)", PAGE, re.MULTILINE):
        for name in heading.split(" and "):
            found[name] = body
    return found


def items(body, macro):
    """The items of the outer list with this macro: {name: (default or None, text)}."""
    found = {}
    pattern = rf"^\.It {macro} (.*)\n((?:(?!\.It {macro} |\.Ss |\.El\n\.(?:Pp|Ss|Sh)).*\n)*)"
    for names, text in re.findall(pattern, body, re.MULTILINE):
        names, _, default = names.partition(" Pq ")
        for name in re.split(rf" , | No or {macro} ", names):
            found[name] = (default or None, text.replace("\n", " "))
    return found


SECTIONS = sections()


def documented(table):
    return items(SECTIONS[table], "Va")


@pytest.mark.parametrize("table", (*TABLES, *VIEWS))
def test_the_page_names_the_columns_of_every_table_and_view_and_no_others(rows_world, table):
    columns = [row[1] for row in rows_world.execute(f"PRAGMA table_xinfo({table})")]
    shared = {"controller_id", "virtual_server_id", "family"} - set(columns)
    named = [name for name in documented(table)
             if not (table.endswith(("_metric", "_verdict")) and name in shared)]
    assert sorted(named) == sorted(columns)


def test_the_page_has_a_section_for_every_table_and_view_and_no_others(rows_world):
    views = {name for (name,) in rows_world.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'view'")}
    lists = views - set(VIEWS)
    assert set(SECTIONS) == {*TABLES, *VIEWS, "allowed_*"}
    assert all(re.search(rf"\b{name}\b", SECTIONS["allowed_*"]) for name in lists)
    assert all(name.startswith("allowed_") for name in lists)


@pytest.mark.parametrize("table", TABLES)
def test_the_page_gives_the_default_of_every_column(rows_world, table):
    page = documented(table)
    for _, column, _, required, default, primary in rows_world.execute(
            f"PRAGMA table_info({table})"):
        if default is None and not required and not primary:
            default = "NULL"
        if column == "measured_at":
            default = "now"
        assert page[column][0] == (default and (default.strip("'") or "empty")), column


def ranges():
    """What the checks say of numbers and lengths: (table, column, such as "0 to 65535")."""
    return sorted(set(re.findall(
        r'CONSTRAINT "(\w+)\.(\w+) (?:is|has|is a word of|is one word of)(?: Unix seconds,)?'
        r' (\d+ (?:to|or) \w+)', SCHEMA_SQL)))


def test_the_page_gives_the_range_of_every_column():
    assert len(ranges()) > 50
    for table, column, expected in ranges():
        text = documented(table)[column][1]
        if column == "id":  # said once for all tables
            text = PAGE[:PAGE.index(".Ss zone")]
        assert re.search(rf"\b{expected}\b", text), (table, column, expected)


@pytest.mark.parametrize("table, column", COLUMNS)
def test_the_page_names_the_words_of_every_list_in_order(rows_world, table, column):
    text = documented(table)[column][1]
    named = re.findall(r"\.(?:It )?Ql (\S+)", text)
    if column == "alternate_method":
        assert named == [] and "method" in text  # the same words as method
    else:
        assert named == words(rows_world, COLUMNS[table, column])


@pytest.mark.parametrize("table, column", COLUMNS)
def test_the_comment_of_a_column_names_the_words_of_its_list(rows_world, table, column):
    if table == "virtual_server_verdict" or column == "alternate_method":
        return  # see controller_verdict, and method
    (body,) = re.findall(rf"^CREATE TABLE IF NOT EXISTS {table} \((.*?)^\) STRICT", SCHEMA_SQL,
                         re.DOTALL | re.MULTILINE)
    (comment,) = re.findall(rf"((?:^  --.*\n)+)  {column} TEXT", body, re.MULTILINE)
    prose = re.sub(r"--   +(?:UPDATE|WHERE|INSERT|SELECT|SET).*", "", comment)
    named = re.findall(r"'([A-Za-z-]+)'", prose)
    assert set(named) - {"name"} == set(words(rows_world, COLUMNS[table, column]))


def test_the_page_gives_every_setting_with_its_default_and_range(rows_world):
    page = items(SECTIONS["setting"], "Ic")
    assert list(page) == [name for name, *_ in settings(rows_world)]
    for name, value, least, most, unit in settings(rows_world):
        assert page[name][0] == str(value)
        assert f"{least} to {most} {unit}" in page[name][1], name


def test_the_page_gives_the_version_of_the_database(empty):
    (version,) = connect(empty).execute("PRAGMA user_version").fetchone()
    assert f".Ql PRAGMA user_version ,\nhere {version}.\n" in PAGE

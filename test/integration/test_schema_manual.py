"""pdns-sticky.sql(5) says what the schema says."""

import re

from schema import SCHEMA, TABLES, VIEWS, connect


def test_the_manual_page_names_every_table_column_and_setting(empty):
    page = (SCHEMA / "pdns-sticky.sql.5").read_text()
    words = set(re.findall(r"\w+", page))
    db = connect(empty)
    for table in (*TABLES, *VIEWS):
        assert table in words
        assert {row[1] for row in db.execute(f"PRAGMA table_xinfo({table})")} <= words
    assert {name for (name,) in db.execute("SELECT name FROM setting")} <= words


def test_the_manual_page_gives_the_default_of_every_column(empty):
    page = (SCHEMA / "pdns-sticky.sql.5").read_text()
    db = connect(empty)
    for table in TABLES:
        for _, column, _, _, default, _ in db.execute(f"PRAGMA table_info({table})"):
            if default is not None and column != "measured_at":
                assert f".It Va {column} Pq " + default.strip("'") in page

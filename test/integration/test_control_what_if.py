"""pdns-stickyctl what-if foretells what the change then does to real questions."""

import json

import pytest

from processes import as_user, control_path, run
from sample import SITES

RESOLVERS = [f"198.51.{n % 7}.{n}" for n in range(1, 61)] + [f"2001:db8:{n:x}::53" for n in range(1, 41)]

CHANGES = {
    "a site is down": (
        ["--down", "ams"],
        "INSERT INTO controller_metric (controller_id, name, value)"
        " SELECT id, 'availability', 0 FROM controller WHERE name = 'ams';",
    ),
    "a server is disabled": (
        ["--disable", "web/fra"],
        "UPDATE virtual_server SET state = 'disabled' WHERE controller_id ="
        " (SELECT id FROM controller WHERE name = 'fra')"
        " AND pool_id = (SELECT id FROM pool WHERE name = 'web');",
    ),
    "a site drains": (
        ["--drain", "nyc"],
        "UPDATE controller SET state = 'draining' WHERE name = 'nyc';",
    ),
    "another method": (
        ["--method", "web/rendezvous"],
        "UPDATE pool SET method = 'rendezvous' WHERE name = 'web';",
    ),
    "one more server": (
        ["--add-server", "web/lon=203.0.113.99,2", "--method", "web/rendezvous"],
        "INSERT INTO controller (name) VALUES ('lon');"
        "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, weight)"
        " SELECT p.id, c.id, 9, '203.0.113.99', 2 FROM pool AS p, controller AS c"
        " WHERE p.name = 'web' AND c.name = 'lon';"
        "UPDATE pool SET method = 'rendezvous' WHERE name = 'web';",
    ),
}


def sites_of(coprocess):
    sites = {**SITES, "203.0.113.99": "lon"}
    return {r: sites[coprocess.ask("www.example.com", remote=r).ipv4] for r in RESOLVERS}


@pytest.mark.parametrize("options, sql", CHANGES.values(), ids=CHANGES)
def test_what_it_foretells_comes_true(served, options, sql):
    coprocess, database = served
    before = sites_of(coprocess)
    database.wait_for_writer()
    argv = as_user([control_path(), "--database", database.path, "what-if", *options, "--json"])
    told = json.loads(run(argv).stdout)
    (web,) = (pool for pool in told["pools"] if pool["pool"] == "web")
    database.sql(sql)
    after = sites_of(coprocess)
    assert web["mappings"] == len(RESOLVERS) and told["unmatched"] == 0
    assert web["mappings_moved"] == sum(before[r] != after[r] for r in RESOLVERS)
    for site in web["sites"]:
        assert site["mappings_now"] == sum(name == site["site"] for name in before.values())
        assert site["mappings_then"] == sum(name == site["site"] for name in after.values())

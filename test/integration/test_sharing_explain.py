"""`explain` says of a mapping when it was decided, by whom, when it was here, and what it replaced."""

import re

from cluster import EQUAL_SECONDS
from coprocess import Coprocess
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import IPV4, SITES, expected
from test_sharing import site_down, site_up

TIME = r"decided (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}"


def decided(node, resolver):
    """The line that begins with `decided`."""
    lines = [line for line in node.coprocess.command(f"explain www.example.com {resolver}")
             if line.startswith("decided")]
    assert len(lines) <= 1, lines
    return lines[0] if lines else ""


def wait_for(node, resolver, pattern):
    wait_until(lambda: re.fullmatch(pattern, decided(node, resolver)), SECONDS_MAX,
               f"{pattern}: {decided(node, resolver)}")


def test_a_mapping_of_a_peer_says_when_it_was_here(two):
    resolver = ldns(1)
    two[2].ask(resolver)
    two.wait_until_equal(EQUAL_SECONDS)
    wait_for(two[1], resolver, rf"{TIME} by ns2, here \d+ ms later")
    wait_for(two[2], resolver, rf"{TIME} by ns2")


def test_what_the_mapping_of_a_peer_has_replaced(two):
    """Both decide while they are cut off, and the second one wins."""
    resolver = ldns(2)
    usual = SITES[expected(resolver)]
    two.cut(*two.nodes)
    two[1].ask(resolver)
    site_down(two[2], usual)
    two[1].database.wait_for_writer()
    other = SITES[two[2].ask(resolver)]
    assert other != usual
    site_up(two[2], usual)
    two.heal(*two.nodes)
    two.wait_until_equal(EQUAL_SECONDS)
    wait_for(two[1], resolver, rf"{TIME} by ns2, here \d+ ms later; replaced {usual}, by ns1")
    wait_for(two[2], resolver, rf"{TIME} by ns2")
    two[1].database.sql(f"UPDATE persistence SET controller_id ="
                        f" (SELECT id FROM controller WHERE name = '{usual}')"
                        f" WHERE ldns = '{resolver}';")
    wait_for(two[1], resolver, rf"{TIME} by ns1")
    two.wait_until_equal(EQUAL_SECONDS)
    wait_for(two[2], resolver, rf"{TIME} by ns1, here \d+ ms later; replaced {other}, by ns2")


def test_nothing_of_it_is_said_while_nothing_is_shared(sample_database):
    with Coprocess(sample_database.path) as coprocess:
        assert coprocess.ask(remote=ldns(3)).ipv4 in IPV4
        lines = coprocess.command(f"explain www.example.com {ldns(3)}")
    assert any(line.startswith("mapping: to") for line in lines), lines
    assert not [line for line in lines if line.startswith("decided")], lines

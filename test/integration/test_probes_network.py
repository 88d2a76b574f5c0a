"""Checks in networks of their own: from which address, what routers say, and pings."""

import pytest

from probes import check, check_at, in_namespace, reply, within
from processes import SECONDS_MAX, wait_until
from targets import DnsTarget, Target, answering, page


@pytest.mark.parametrize("kind", ["tcp", "http"])
def test_source_address(kind):
    seen = []

    def serve(connection):
        seen.append(connection.getpeername()[0])
        answering(page())(connection)

    with Target(serve) as target:
        assert check_at(target, type=kind, source="127.0.0.77").reason == "ok"
        wait_until(lambda: seen == ["127.0.0.77"], SECONDS_MAX, "a connection")


def test_source_address_of_a_question():
    with DnsTarget(lambda q: [reply(q)]) as target:
        result = check_at(target, type="dns", host="www.example.com", source="127.0.0.77")
        assert result.reason == "ok"
        assert target.sources == ["127.0.0.77"]


@pytest.mark.parametrize("kind", ["tcp", "http", "dns", "icmp"])
def test_source_address_that_is_somebody_elses(kind):
    keys = {} if kind == "icmp" else {"port": 99}
    keys |= {"host": "example.com"} if kind == "dns" else {}
    result = check(type=kind, source="198.51.100.77", **keys)
    assert result.reason == "internal"
    if kind != "icmp" or "ICMP" not in result.cannot:
        assert result.cannot == ("it is not possible to check from 198.51.100.77:"
                                 " Cannot assign requested address")


# Another host, for the commands that begin with $there, and a link to it.
ANOTHER_HOST = """
echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range
unshare -n sleep 60 &
other=$!
trap 'kill $other' EXIT
there="nsenter -t $other -n"
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add here address 02:00:00:00:00:01 type veth peer name there address 02:00:00:00:00:02 \\
    netns $other
"""

# The target answers only who asks from the second address of this machine.
SOURCES = ANOTHER_HOST + """
for address in 198.18.0.1/24 198.18.0.9/24; do ip addr add $address dev here; done
for address in 2001:db8::1/64 2001:db8::9/64; do ip addr add $address dev here nodad; done
ip link set here up
$there ip addr add 198.18.0.2/24 dev there
$there ip addr add 2001:db8::2/64 dev there nodad
$there ip link set there up
ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev here
$there ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:01 dev there
$there ip route add blackhole 198.18.0.1/32
$there ip route add blackhole 2001:db8::1/128
"""


@pytest.mark.parametrize(
    "address, source, other",
    [("198.18.0.2", "198.18.0.9", "198.18.0.1"), ("2001:db8::2", "2001:db8::9", "2001:db8::1")],
)
def test_source_address_of_a_ping(address, source, other):
    assert in_namespace(SOURCES, type="icmp", address=address, source=source).reason == "ok"
    keys = {"type": "icmp", "address": address, "source": other, "timeout": 1}
    assert in_namespace(SOURCES, **keys).reason == "timeout"


def test_tcp_connection_with_itself_is_no_answer():
    """With so few ports to choose from, every second one is connected with itself."""
    script = "echo '40000 40001' >/proc/sys/net/ipv4/ip_local_port_range"
    result = in_namespace(script, type="tcp", port=40000, count=200)
    assert set(result.counts) <= {"refused", "internal", "cpu_us"} and result.counts["refused"] > 0


# What goes to 198.18.0.2 is dropped: nobody in this network has that address.
NETWORK = """
ip addr add 198.18.0.1/32 dev lo
ip route add 198.18.0.0/24 dev lo
ip route add unreachable 198.18.1.0/24
echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range
"""

NETWORK_ROWS = [
    ("tcp", "198.18.0.2", "timeout"),
    ("tcp", "198.18.1.2", "unreachable"),
    ("tcp", "203.0.113.1", "unreachable"),
    ("tcp", "2001:db8::1", "unreachable"),
    ("http", "198.18.0.2", "timeout"),
    ("http", "198.18.1.2", "unreachable"),
    ("http", "2001:db8::1", "unreachable"),
    ("dns", "198.18.0.2", "timeout"),
    ("dns", "198.18.1.2", "unreachable"),
    ("icmp", "127.0.0.1", "ok"),
    ("icmp", "::1", "ok"),
    ("icmp", "198.18.0.1", "ok"),
    ("icmp", "198.18.0.2", "timeout"),
    ("icmp", "198.18.1.2", "unreachable"),
    ("icmp", "2001:db8::1", "unreachable"),
]


def check_network(script, kind, address, reason, **keys):
    """The result of a check in a network, which has to end for that reason."""
    if kind != "icmp":
        keys |= {"port": 99, "host": "example.com"}
    result = in_namespace(script, type=kind, address=address, **within(reason), **keys)
    assert result.cannot is None
    assert result.reason == reason
    return result


@pytest.mark.parametrize("kind, address, reason", NETWORK_ROWS)
def test_network(kind, address, reason):
    result = check_network(NETWORK, kind, address, reason)
    assert reason != "ok" or 0 < result.rtt_ms < result.run_ms


# Another host is the router. Where it has no way to go, it says so. The two need not find each
# other first, which may take longer than a check.
ROUTED = ANOTHER_HOST + """
ip addr add 198.18.0.1/24 dev here
ip addr add 2001:db8::1/64 dev here nodad
ip link set here up
$there ip addr add 198.18.0.2/24 dev there
$there ip addr add 2001:db8::2/64 dev there nodad
$there ip link set there up
$there sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev here
$there ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev there
ip route add default via 198.18.0.2
ip route add default via 2001:db8::2
for kind in unreachable prohibit blackhole; do
    case $kind in unreachable) n=1 ;; prohibit) n=2 ;; blackhole) n=3 ;; esac
    $there ip route add $kind 198.18.$n.0/24
    $there ip route add $kind 2001:db8:$n::/48
done
"""

ROUTED_ROWS = [
    ("icmp", "198.18.0.2", "ok"),
    ("icmp", "198.18.1.1", "unreachable"),
    ("icmp", "198.18.2.1", "unreachable"),
    ("icmp", "198.18.3.1", "timeout"),
    ("icmp", "2001:db8::2", "ok"),
    ("icmp", "2001:db8:1::1", "unreachable"),
    ("icmp", "2001:db8:2::1", "unreachable"),
    ("icmp", "2001:db8:3::1", "timeout"),
    ("tcp", "198.18.1.1", "unreachable"),
    ("tcp", "198.18.2.1", "unreachable"),
    ("tcp", "2001:db8:1::1", "unreachable"),
    ("tcp", "2001:db8:2::1", "unreachable"),
    ("http", "2001:db8:2::1", "unreachable"),
    ("dns", "2001:db8:2::1", "unreachable"),
]


@pytest.mark.parametrize("kind, address, reason", ROUTED_ROWS)
def test_what_a_router_says(kind, address, reason):
    """Here it says so before connect() is over, and is heard the next time, within two seconds."""
    check_network(ROUTED, kind, address, reason)


@pytest.mark.parametrize(
    "good, bad", [("198.18.0.2", "198.18.1.1"), ("2001:db8::2", "2001:db8:1::1")]
)
def test_icmp_what_is_said_of_one_target_is_not_meant_for_another(good, bad):
    """A router says only so much in a second; of what it doesn't say, the time runs out."""
    keys = {"address": good, "other": bad, "count": 60, "at_once": 30}
    counts = in_namespace(ROUTED, type="icmp", **keys).counts
    assert counts["ok"] == 30
    assert counts["unreachable"] > 0
    assert counts["unreachable"] + counts.get("timeout", 0) == 30


def test_icmp_many_at_once():
    result = in_namespace(NETWORK, type="icmp", count=20000, at_once=300)
    assert result.counts["ok"] == 20000


def test_icmp_without_the_right():
    script = "echo '1 0' >/proc/sys/net/ipv4/ping_group_range"
    result = in_namespace(script, type="icmp")
    assert result.cannot.startswith("no group of this process may send ICMP; sysctl -w ")
    assert result.reason == "internal"

"""PowerDNS Recursor: a validating resolver that minimises names and uses denials again, as it does
by default.

Of a zone that it forwards it believes more than of others: it uses no denial again, and does not
conclude from a name that does not exist that there is nothing below.  So it gets to example.com as
in life, by a delegation from the root, in a namespace where the name server of both has its address
and port.

name_server()  such a namespace
OPTIONS        with which a PowerDNS listens there
add_root()     gives it the root, signed, with the delegation
Recursor       asks that PowerDNS, from an address of its own
"""

import contextlib
import shutil

from dns_client import dig
from namespace import Namespace
from processes import SECONDS_MAX, LoggedProcess, free_port, give_to_user
from zones import pdnsutil

ADDRESS = "192.0.2.1"  # of ns1.example.com
OPTIONS = {"local-address": f"127.0.0.1,{ADDRESS}:53"}

ROOT = f"""
$ORIGIN .
$TTL 3600
@                SOA  ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 3600
@                NS   ns1.example.com.
example.com      NS   ns1.example.com.
ns1.example.com  A    {ADDRESS}
"""

HINTS = f"""\
.                 3600  IN  NS  ns1.example.com.
ns1.example.com.  3600  IN  A   {ADDRESS}
"""


@contextlib.contextmanager
def name_server():
    """This thread is in a namespace with the address of the name server."""
    with Namespace(f"{ADDRESS}/32") as namespace, namespace.entered():
        yield


def digests(server, zone):
    """The contents of the DS records for the keys of a zone."""
    lines = pdnsutil(server, "export-zone-ds", zone).splitlines()
    return [line.split(" IN DS ")[1].split(" ;")[0].strip() for line in lines]


def add_root(server):
    """To a server that has example.com, signed."""
    path = server.directory / "root"
    path.write_text(ROOT + "".join(
        f"example.com  DS  {digest}\n" for digest in digests(server, "example.com")))
    pdnsutil(server, "load-zone", ".", path)
    pdnsutil(server, "secure-zone", ".")


class Recursor(LoggedProcess):
    """server: a PowerDNS with example.com and the root, in the namespace of name_server().  source:
    the address from which it is asked.  more: further settings, {"threads": 1}."""

    def __init__(self, server, source, more=None):
        found = shutil.which("pdns_recursor", path="/usr/sbin:/usr/bin")
        assert found, "pdns_recursor is missing; scripts/install-packages test brings it"
        self.port = free_port()
        directory = server.directory / f"recursor-{self.port}"
        directory.mkdir()
        (directory / "hints").write_text(HINTS)
        (directory / "trust.lua").write_text("clearTA()\n" + "".join(
            f'addTA(".", "{digest}")\n' for digest in digests(server, ".")))
        give_to_user(directory)
        # Before 5.2 a file has other words than since then; those of the command line stayed.
        settings = {
            "config-dir": directory,
            "socket-dir": directory,
            "local-address": "127.0.0.1",
            "local-port": self.port,
            "query-local-address": source,
            "dont-query": "",
            "hint-file": directory / "hints",
            "lua-config-file": directory / "trust.lua",
            "dnssec": "validate",
            "network-timeout": 1000 * SECONDS_MAX,  # an answer that takes seconds is not lost
            "disable-syslog": "yes",
            "security-poll-suffix": "",
            "write-pid": "no",
            **(more or {}),
        }
        argv = [found, *(f"--{name}={value}" for name, value in settings.items())]
        super().__init__(argv, directory / "log", "Enabled multiplexer")

    def ask(self, name, rdtype):
        """The rcode, the answer's records as "TYPE content", and whether they are secure."""
        return dig(self.port, name, rdtype)

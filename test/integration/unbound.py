"""unbound: a validating resolver that uses denials again (RFC 8198), as it does by default.

Unbound       one that asks a single server, from an address of its own
trust_anchor  the line by which a resolver trusts the zone of a signed server
"""

import shutil

from dns_client import dig
from processes import LoggedProcess, free_port
from zones import zone_key

SETTINGS = """\
server:
  interface: 127.0.0.1@{port}
  outgoing-interface: {source}
  do-ip6: no
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  pidfile: ""
  directory: "{directory}"
  do-not-query-localhost: no
  module-config: "validator iterator"
  aggressive-nsec: yes
  {anchor}
stub-zone:
  name: "example.com"
  stub-addr: {address}@{server_port}
"""


def trust_anchor(server):
    """Of the zone example.com."""
    return f'trust-anchor: "example.com. IN DNSKEY {" ".join(zone_key(server))}"'


class Unbound(LoggedProcess):
    """server: a PowerDNS that serves example.com.  source: the address from which it is asked."""

    def __init__(self, server, source):
        found = shutil.which("unbound", path="/usr/sbin:/usr/bin")
        assert found, "unbound is missing; scripts/install-packages test brings it"
        self.port = free_port()
        name = f"unbound-{self.port}"
        settings = server.directory / f"{name}.conf"
        address, port = server.address
        settings.write_text(
            SETTINGS.format(
                port=self.port,
                source=source,
                directory=server.directory,
                anchor=trust_anchor(server),
                address=address,
                server_port=port,
            )
        )
        log = server.directory / f"{name}.log"
        super().__init__([found, "-d", "-c", settings], log, "start of service")

    def ask(self, name, rdtype):
        """The rcode, and the answer's records as "TYPE content" without signatures."""
        return dig(self.port, name, rdtype)[:2]

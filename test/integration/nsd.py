"""NSD as a secondary of example.com, which takes the zone from a PowerDNS and is notified by it."""

import shutil

from dns_client import PLAIN_ADDRESS
from processes import LoggedProcess, give_to_user, run, wait_until

SETTINGS = """\
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  pidfile: ""
remote-control:
  control-enable: no
zone:
  name: "example.com"
  zonefile: "{directory}/example.com"
  allow-notify: 127.0.0.1 NOKEY
  outgoing-interface: {source}
  request-xfr: AXFR {primary}@{primary_port} NOKEY
"""


class Nsd(LoggedProcess):
    """server: a PowerDNS that serves example.com and lets it be transferred.  port: where it is
    notified and asked."""

    def __init__(self, server, port):
        found = shutil.which("nsd", path="/usr/sbin:/usr/bin")
        assert found, "nsd is missing; scripts/install-packages test brings it"
        self.port = port
        directory = server.directory / f"nsd-{self.port}"
        directory.mkdir()
        primary, primary_port = server.address
        settings = directory / "nsd.conf"
        settings.write_text(SETTINGS.format(
            port=self.port, directory=directory, primary=primary, primary_port=primary_port,
            source=PLAIN_ADDRESS))
        give_to_user(directory)
        super().__init__([found, "-d", "-c", settings], directory / "log", "nsd started",
                         has_children=True)

    def records(self, name, rdtype):
        argv = ["dig", "@127.0.0.1", "-p", str(self.port), "+noall", "+answer", name, rdtype]
        return sorted(" ".join(line.split()[3:]) for line in run(argv).stdout.splitlines())

    def serial(self):
        """Of the zone as it serves it; None: it has none yet."""
        soa = self.records("example.com", "SOA")
        return int(soa[0].split()[3]) if soa else None

    def wait_for_serial(self, serial, seconds):
        wait_until(lambda: self.serial() == serial, seconds,
                   lambda: f"serial {serial}, not {self.serial()}: {self.said()}")

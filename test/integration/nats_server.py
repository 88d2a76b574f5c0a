"""nats-server as each name server has one, and certificates for it.

NatsServer         a nats-server on a port of 127.0.0.1, with a store of its own
make_identities()  the certificates of name servers, by scripts/make-certificates
sign_identity()    one that this script would never make, of the same authority
our_settings()     the text of pdns-conf/nats.conf for such a server

The environment variable NATS_SERVER names another nats-server than the one of this Debian.
"""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from processes import (
    REPOSITORY,
    SECONDS_MAX,
    LoggedProcess,
    free_port,
    give_to_user,
    run,
    wait_until,
)

LOOPBACK = "127.0.0.1"


def nats_server_path():
    named = os.environ.get("NATS_SERVER", "nats-server")
    found = shutil.which(named, path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert found, f"{named} is missing; Debian has it in nats-server"
    return found


@dataclass
class Identity:
    """Paths of a name server's certificate and key, and of the CA that signed it."""

    name: str
    ca: Path
    certificate: Path
    key: Path


def make_identities(directory, *names, more=()):
    """An Identity for each name, made in a directory by one CA, which is made with the first.

    The certificates also count for 127.0.0.1, localhost, and more DNS names.
    """
    directory = Path(directory)
    servers = [f"{name}={','.join((LOOPBACK, 'localhost', *more))}" for name in names]
    made = run([REPOSITORY / "scripts" / "make-certificates", directory, *servers])
    assert made.returncode == 0, made.stderr
    give_to_user(directory)
    for path in directory.iterdir():
        give_to_user(path)
    return [
        Identity(n, directory / "ca.crt", directory / f"{n}.crt", directory / f"{n}.key")
        for n in names
    ]


def sign_identity(directory, name, subject, alternatives=None):
    """An Identity of any subject and subjectAltName, by the CA that make_identities() put there."""
    directory = Path(directory)
    key, request, certificate = (directory / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
    extensions = directory / f"{name}.ext"
    lines = ["extendedKeyUsage = clientAuth"]
    lines += [f"subjectAltName = {alternatives}"] if alternatives else []
    extensions.write_text("\n".join(lines))
    for argv in (
        ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         key, "-out", request, "-subj", subject, "-multivalue-rdn"],
        ["x509", "-req", "-in", request, "-CA", directory / "ca.crt", "-CAkey", directory / "ca.key",
         "-days", "1", "-extfile", extensions, "-out", certificate],
    ):  # fmt: skip
        done = run(["openssl", *argv])
        assert done.returncode == 0, done.stderr
    return Identity(name, directory / "ca.crt", certificate, key)


def our_settings(directory, port, identity, peers):
    """pdns-conf/nats.conf with paths, port and names replaced, and nothing else.

    directory  where the store is to be
    identity   of the server and of its own pdns-stickyd
    peers      names of the others
    """
    text = (REPOSITORY / "pdns-conf" / "nats.conf").read_text()
    owner = 'users: [{{ user: "CN={}", permissions: $OWNER }}]'.format
    peer = '{0}: {{ users: [{{ user: "CN={0}", permissions: $PEER }}], imports: $IMPORTS }}'.format
    for old, new in (
        ("[::]:4222", f"{LOOPBACK}:{port}"),
        ("/etc/pdns-sticky/server.crt\"", f'{identity.certificate}"'),
        ("/etc/pdns-sticky/server.key\"", f'{identity.key}"'),
        ("/etc/pdns-sticky/ca.crt\"", f'{identity.ca}"'),
        ("/var/lib/pdns-sticky-nats", str(directory / "store")),
        (owner("ns1"), owner(identity.name)),
        (peer("ns2"), "\n".join(map(peer, peers))),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class NatsServer(LoggedProcess):
    """A nats-server with JetStream, from `with` to the end of its block.

    directory      where its configuration, its log and its store are; made if it is not there
    identity       of the server; it then wants TLS, and a certificate of the same CA from clients.
                   Everybody who has one may do everything. None: no TLS
    peers          names of those who may read: the server then runs with pdns-conf/nats.conf
    port           None: a free one. It stays the same when the server is started again

    It can be stopped, killed and started again as often as wanted; the store stays.
    """

    def __init__(self, directory, *, identity=None, peers=None, port=None, **options):
        self.directory = Path(directory)
        self.directory.mkdir(exist_ok=True)
        give_to_user(self.directory)
        self.store, self._saved = self.directory / "store", self.directory / "saved"
        self.identity = identity
        self.port = port or free_port()
        self.configuration = self.directory / "nats.conf"
        self.configuration.write_text(
            self._plain()
            if peers is None
            else our_settings(self.directory, self.port, identity, peers)
        )
        argv = [nats_server_path(), "-c", self.configuration]
        super().__init__(argv, self.directory / "nats.log", "Server is ready", **options)

    def __exit__(self, *exception):
        self.resume()
        super().__exit__(*exception)

    def _plain(self):
        text = f"""
            listen: "{LOOPBACK}:{self.port}"
            jetstream {{ store_dir: "{self.store}", max_memory_store: 16MB, max_file_store: 1GB }}
            """
        if self.identity:
            text += f"""
                tls {{
                    cert_file: "{self.identity.certificate}"
                    key_file: "{self.identity.key}"
                    ca_file: "{self.identity.ca}"
                    verify: true
                }}
                """
        return text

    @property
    def url(self):
        return f"{'tls' if self.identity else 'nats'}://{LOOPBACK}:{self.port}"

    def _signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def pause(self):
        """It stands still; its connections stay open and nothing moves on them."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def kill(self):
        """It is gone at once, paused or not."""
        self._signal(signal.SIGKILL)
        self.process.wait(SECONDS_MAX)

    def stop(self):
        self.resume()
        return super().stop()

    def let_in(self, *peers):
        """From now on these may read, and nobody else: nats.conf is changed, and read again."""
        text = our_settings(self.directory, self.port, self.identity, peers)
        self.configuration.write_text(text)
        begin = len(self.said())
        self._signal(signal.SIGHUP)
        wait_until(lambda: "Reloaded server configuration" in self.said()[begin:], SECONDS_MAX,
                   "it is read")

    def keep_store_in(self, directory):
        """Its log is elsewhere from the next start on."""
        text = self.configuration.read_text()
        self.configuration.write_text(text.replace(str(self.store), str(directory)))
        self.store = Path(directory)

    def wipe(self):
        """Removes the store of a server that does not run: the log is lost."""
        assert self.process.poll() is not None, "it still runs"
        shutil.rmtree(self.store, ignore_errors=True)

    def save(self):
        """Keeps a copy of the store of a server that does not run, for rewind()."""
        assert self.process.poll() is not None, "it still runs"
        shutil.rmtree(self._saved, ignore_errors=True)
        shutil.copytree(self.store, self._saved)

    def rewind(self):
        """Puts the copy in place of the store: the log has nothing of what came after save()."""
        self.wipe()
        shutil.copytree(self._saved, self.store)
        for path in (self.store, *self.store.rglob("*")):
            give_to_user(path)

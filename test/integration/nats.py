"""A client of nats-server that speaks its protocol by hand, so that it can ask for anything."""

import contextlib
import itertools
import json
import socket
import ssl
from dataclasses import dataclass

from nats_server import LOOPBACK
from processes import SECONDS_MAX


@dataclass
class Message:
    subject: str
    reply: str
    data: bytes


class Refused(Exception):
    """The server did not let the client in."""


class Nats:
    """A connection, from `with` to the end of its block.

    ca           path of the authority whose servers are trusted; None: no TLS
    certificate  an Identity to show; None: no certificate
    errors       what the server has refused so far, in its words
    """

    def __init__(self, port, *, ca=None, certificate=None):
        self.errors, self._inbox, self._names = [], [], itertools.count(1)
        self._socket = socket.create_connection((LOOPBACK, port), SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self._socket.recv(1) not in (b"\n", b""):  # INFO, and nothing of what TLS says
                pass
            if ca:
                context = ssl.create_default_context(cafile=ca)
                if certificate:
                    context.load_cert_chain(certificate.certificate, certificate.key)
                self._socket = context.wrap_socket(self._socket, server_hostname=LOOPBACK)
            self._lines = self._socket.makefile("rb")
            self._send(b"CONNECT " + json.dumps({"verbose": False, "headers": True}).encode())
            if not self.flush():
                raise OSError("closed by the server")
        except OSError as error:
            self._socket.close()
            raise Refused(" ".join((*self.errors, str(error)))) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._lines.close()
        self._socket.close()

    def _send(self, line, data=None):
        self._socket.sendall(line + b"\r\n" + (b"" if data is None else data + b"\r\n"))

    def _read(self):
        """Reads one operation, and keeps what it brings.  Its verb; "" at the end."""
        verb, *words = self._lines.readline().decode().split() or [""]
        if verb == "MSG":
            data = self._lines.read(int(words[-1]) + 2)[:-2]
            self._inbox.append(Message(words[0], words[2] if len(words) == 4 else "", data))
        elif verb == "HMSG":
            data = self._lines.read(int(words[-1]) + 2)[int(words[-2]) : -2]
            self._inbox.append(Message(words[0], words[2] if len(words) == 5 else "", data))
        elif verb == "PING":
            self._send(b"PONG")
        elif verb == "-ERR":
            self.errors.append(" ".join(words))
        return verb

    def flush(self):
        """Returns when the server has dealt with all that was sent before; false if it has gone."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            self._send(b"PING")
            while (verb := self._read()) not in ("PONG", ""):
                pass
            return verb == "PONG"
        return False

    def publish(self, subject, data=b"", reply=""):
        self._send(f"PUB {subject} {reply} {len(data)}".encode(), data)

    def subscribe(self, subject, count=None):
        """For so many messages; None: for all."""
        name = next(self._names)
        self._send(f"SUB {subject} {name}".encode())
        if count:
            self._send(f"UNSUB {name} {count}".encode())

    def next(self, subject):
        """The next message of a subject."""
        while True:
            for message in self._inbox:
                if message.subject == subject:
                    self._inbox.remove(message)
                    return message
            assert self._read(), "the server has closed the connection"

    def waiting(self):
        """All messages that are there now."""
        self.flush()
        messages, self._inbox = self._inbox, []
        return messages

    def request(self, subject, data=b""):
        """The answer, which is JSON as all of JetStream's are."""
        inbox = f"_INBOX.{id(self)}.{next(self._names)}"
        self.subscribe(inbox, count=1)
        self.publish(subject, data if isinstance(data, bytes) else json.dumps(data).encode(), inbox)
        return json.loads(self.next(inbox).data)

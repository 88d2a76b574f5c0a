"""A client of nats-server that speaks its protocol by hand, so that it can ask for anything."""

import contextlib
import itertools
import json
import socket
import ssl
from collections import deque
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
        self.errors, self._inbox, self._names = [], deque(), itertools.count(1)
        self._socket = socket.create_connection((LOOPBACK, port), SECONDS_MAX)
        try:
            while not self._socket.recv(1) == b"\n":  # INFO, and nothing of what TLS says
                pass
            if ca:
                context = ssl.create_default_context(cafile=ca)
                if certificate:
                    context.load_cert_chain(certificate.certificate, certificate.key)
                self._socket = context.wrap_socket(self._socket, server_hostname=LOOPBACK)
            self._lines = self._socket.makefile("rb")
            self._send(b"CONNECT " + json.dumps({"verbose": False, "headers": True}).encode())
            self.flush()
        except OSError as error:
            self._socket.close()
            raise Refused(str(error)) from error
        if self.errors:
            self._socket.close()
            raise Refused(self.errors[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
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
        """Returns when the server has dealt with everything that was sent before."""
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            self._send(b"PING")
            while self._read() not in ("PONG", ""):
                pass

    def publish(self, subject, data=b"", reply=""):
        self._send(f"PUB {subject} {reply} {len(data)}".encode(), data)

    def subscribe(self, subject):
        self._send(f"SUB {subject} {next(self._names)}".encode())

    def next(self, subject=None):
        """The next message; with a subject, the next one of it, and others before are dropped."""
        while True:
            while self._inbox:
                message = self._inbox.popleft()
                if subject in (None, message.subject):
                    return message
            assert self._read(), "the server has closed the connection"

    def waiting(self):
        """Messages that have come before a flush()."""
        self.flush()
        messages, self._inbox = list(self._inbox), deque()
        return messages

    def request(self, subject, value=None):
        """The answer to a request of JetStream's API, which is JSON like the value."""
        inbox = f"_INBOX.request.{next(self._names)}.{id(self)}"
        self.subscribe(inbox)
        self.publish(subject, b"" if value is None else json.dumps(value).encode(), inbox)
        return json.loads(self.next(inbox).data)

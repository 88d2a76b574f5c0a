"""Targets of health checks: small servers on loopback that do one thing each, most of it wrong."""

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
import time

from processes import SECONDS_MAX

LOOPBACK = "127.0.0.1"


class Target:
    """A TCP server; `serve(connection)` is called for each connection in a thread of its own.

    Used as a context manager.  `seen` counts connections; down() stops listening and up() starts
    again at the same port.
    """

    def __init__(self, serve, address=LOOPBACK, port=0):
        self.serve = serve
        self.address = address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.port = port
        self.seen = 0
        self.up()

    def up(self):
        self.listener = socket.create_server((self.address, self.port), family=self.family)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def down(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


def until_closed(connection):
    """Reads until the peer has closed; returns all of it."""
    connection.settimeout(SECONDS_MAX)
    heard = b""
    while part := connection.recv(65536):
        heard += part
    return heard


def stay(connection):
    """Says nothing."""
    until_closed(connection)


def reset(connection):
    """Ends the connection in the hard way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def saying(*pieces, pause_s=0.01, then=until_closed):
    """Sends pieces one by one, whatever is asked."""

    def serve(connection):
        for number, piece in enumerate(pieces):
            time.sleep(pause_s if number else 0)
            connection.sendall(piece)
        then(connection)

    return serve


def head_of(connection):
    """An HTTP request up to its empty line."""
    head = b""
    while b"\r\n\r\n" not in head:
        part = connection.recv(65536)
        if not part:
            break
        head += part
    return head


def answering(*pieces, pause_s=0.01, then=until_closed):
    """Sends pieces once an HTTP request has come."""
    say = saying(*pieces, pause_s=pause_s, then=then)

    def serve(connection):
        head_of(connection)
        say(connection)

    return serve


def page(body=b"", status="200 OK", *headers):
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Asked:
    """Keeps the head of the request, and answers."""

    def __init__(self):
        self.head = b""

    def __call__(self, connection):
        self.head = head_of(connection)
        connection.sendall(page())

    @property
    def lines(self):
        return self.head.decode().split("\r\n")


class Endless:
    """Sends a beginning, and one block again and again until nobody listens; counts the bytes."""

    def __init__(self, beginning, block):
        self.beginning = beginning
        self.block = block
        self.sent = 0

    def __call__(self, connection):
        head_of(connection)
        connection.sendall(self.beginning)
        while True:
            connection.sendall(self.block)
            self.sent += len(self.block)


class Dialogue:
    """A server of lines: greets, answers each line that it knows, keeps what it has heard."""

    def __init__(self, greeting, answers, pause_s=0):
        self.greeting, self.answers, self.pause_s = greeting, answers, pause_s
        self.heard = []

    def say(self, connection, text):
        """In single octets, if there is a pause between them."""
        for piece in [text] if not self.pause_s else [bytes([c]) for c in text]:
            time.sleep(self.pause_s)
            connection.sendall(piece)

    def __call__(self, connection):
        self.say(connection, self.greeting)
        rest = b""
        connection.settimeout(SECONDS_MAX)
        while part := connection.recv(4096):
            *lines, rest = (rest + part).split(b"\r\n")
            for line in lines:
                self.heard.append(line)
                self.say(connection, self.answers.get(line, b""))


# What a mail server says, to whom, and the steps of a check that is polite to it.
EHLO = b"250-mail.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n"
MAIL = {b"EHLO ns1": EHLO, b"QUIT": b"221 bye\r\n"}
GREETING = b"220 mail.example.com ESMTP\r\n"
POLITE = ("expect ^220 ", r"send EHLO ns1\r\n", "expect ^250 ", r"send QUIT\r\n", "expect ^221 ")


def behind_tls(serve, certificate, protocols=None, names=None):
    """The same over TLS.  `certificate` is a PEM file with key and certificate; the server name of
    each handshake, or None, is added to the list `names`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if names is not None:
        context.sni_callback = lambda _, name, __: names.append(name)
    if protocols:
        context.set_alpn_protocols(protocols)

    def serve_tls(connection):
        with context.wrap_socket(connection, server_side=True) as wrapped:
            serve(wrapped)

    return serve_tls


class Certificates:
    """Made in a directory by openssl(1); each is a file with key and certificate."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = directory / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=Test CA", "-days", "10", "-keyout", "ca.key", "-out", "ca.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

    def signed(self, name, subject, begin="20200101000000Z", end="20991231235959Z"):
        """For `subject`, as in a subjectAltName."""
        directory = self.directory
        (directory / "index.txt").write_text("")
        (directory / "serial").write_text(f"{len(list(directory.iterdir())):04x}\n")
        (directory / "ca.cnf").write_text(f"""
            [ca]
            default_ca = here
            [here]
            database = index.txt
            serial = serial
            new_certs_dir = .
            certificate = ca.pem
            private_key = ca.key
            default_md = sha256
            policy = any
            unique_subject = no
            [any]
            commonName = supplied
            [extensions]
            subjectAltName = {subject}
            """)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("ca", "-batch", "-config", "ca.cnf", "-extensions", "extensions", "-startdate",
                     begin, "-enddate", end, "-in", f"{name}.csr", "-out", f"{name}.crt", "-notext")
        return self.joined(name)

    def self_signed(self, name, subject):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={name}", "-days", "10", "-addext", f"subjectAltName={subject}",
                     "-keyout", f"{name}.key", "-out", f"{name}.crt")
        return self.joined(name)

    def joined(self, name):
        parts = [(self.directory / f"{name}{end}").read_text() for end in (".key", ".crt")]
        path = self.directory / f"{name}.both"
        path.write_text("".join(parts))
        return path


class DnsTarget:
    """A UDP server; `answers(question)` gives the datagrams to send for one that came."""

    def __init__(self, answers, address=LOOPBACK):
        self.answers, self.address = answers, address
        self.socket = socket.socket(
            socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self.questions = []
        self.sources = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                question, source = self.socket.recvfrom(4096)
                if question == b"end":
                    return
                self.questions.append(question)
                self.sources.append(source[0])
                for answer in self.answers(question):
                    self.socket.sendto(answer, source)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(self.socket.family, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", self.socket.getsockname())
        self.socket.close()

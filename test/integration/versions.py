"""What the tests expect where versions of the software around the program behave differently.

One row for each difference. A test asks `expected(WHAT)` and needs no version itself.
"""

import ctypes
import dataclasses
import re

from processes import run


@dataclasses.dataclass(frozen=True)
class Difference:
    """Before version `since` of a software the tests expect `before`, from then on `after`."""

    what: str
    software: str
    since: tuple
    before: object
    after: object


DIFFERENCES = (
    # A target that negotiates HTTP/2 and sends something else, and leaves the connection open.
    # libcurl 7 gives the transfer up at once; libcurl 8 (seen with 8.14) sends GOAWAY and waits.
    Difference("an HTTP/2 target without frames", "libcurl", (8, 0), "closed", "timeout"),
    # Whether PowerDNS passes on the client subnet of a question when it looks an ALIAS up.
    Difference("an ALIAS with a client subnet", "pdns_server", (4, 9), False, True),
)


def pdns_server():
    said = run(["pdns_server", "--version"])
    return re.search(r"Server ([0-9]+\.[0-9]+)", said.stdout + said.stderr)[1]


def libcurl():
    text = ctypes.CDLL("libcurl.so.4").curl_version
    text.restype = ctypes.c_char_p
    return re.match(r"libcurl/([0-9.]+)", text().decode())[1]


VERSION_OF = {"libcurl": libcurl, "pdns_server": pdns_server}


def expected(what):
    (row,) = (row for row in DIFFERENCES if row.what == what)
    version = tuple(int(part) for part in VERSION_OF[row.software]().split("."))
    return row.after if version >= row.since else row.before

"""PowerDNS's own reading of answers in the pipe protocol.

Written anew from modules/pipebackend and pdns/rcpgenerator.cc of 4.7.3, and from nothing of the
program: parse() reads a line, labels() a name, check_content() a content.
"""

import dataclasses
import ipaddress
import re


class Refused(Exception):
    """PowerDNS would not take the line."""


@dataclasses.dataclass(frozen=True)
class Record:
    """What PowerDNS makes of a DATA line."""

    scope: int
    authoritative: bool
    owner: tuple  # labels as bytes, in small letters
    rdtype: str
    ttl: int
    zone_id: int
    content: str


def _number(text, least, most):
    """std::stoi() and its like: white space, a sign, digits, and then whatever there is."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    if not found or not least <= int(found[1]) <= most:
        raise Refused(f"not a number between {least} and {most}: {text!r}")
    return int(found[1])


def labels(text):
    """The labels of a name in PowerDNS's notation."""
    if text in ("", "."):
        return ()
    found, label, at = [], bytearray(), 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == ".":
            found.append(bytes(label))
            label.clear()
            continue
        if letter == "\\":
            digits = text[at : at + 3]
            if digits[:1].isdigit():
                if not re.fullmatch(r"[0-9]{3}", digits) or int(digits) > 255:
                    raise Refused(f"a broken escape in {text!r}")
                label.append(int(digits))
                at += 3
                continue
            if not digits:
                raise Refused(f"nothing behind the last backslash of {text!r}")
            letter = text[at]
            at += 1
        label.append(ord(letter))
    if label:
        found.append(bytes(label))
    if any(not 1 <= len(part) <= 63 for part in found):
        raise Refused(f"an empty or too long label in {text!r}")
    if sum(len(part) + 1 for part in found) + 1 > 255:
        raise Refused(f"too long a name: {text!r}")
    return tuple(part.lower() for part in found)


TYPES = frozenset(
    "A NS CNAME SOA PTR HINFO MX TXT RP AFSDB AAAA LOC SRV NAPTR KX CERT DNAME DS SSHFP IPSECKEY"
    " RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB"
    " HTTPS SPF NID L32 L64 LP EUI48 EUI64 URI CAA ALIAS LUA".split()
)


# PowerDNS's own type for a name with nothing but names below it (QType::ENT).
EMPTY = "TYPE0"


def parse(line, abi):
    """A Record; "END", "FAIL" or "LOG" for a line that is one; or Refused."""
    text = line.decode("latin-1").rstrip(" \t\n\v\f\r")
    fields = [field for field in text.split("\t") if field]  # runs of tabs count as one
    if not fields:
        raise Refused("an empty line")
    if fields[0] in ("END", "FAIL"):
        return fields[0]
    if fields[0] == "LOG":
        if len(text) < 4:
            raise Refused("LOG without anything behind it")
        return "LOG"
    if fields[0] != "DATA":
        raise Refused(f"an unknown word: {text!r}")
    extra = 2 if abi >= 3 else 0
    if len(fields) < 7 + extra:
        raise Refused(f"too few fields: {text!r}")
    rdtype = fields[3 + extra]
    if rdtype not in TYPES and not re.fullmatch(r"TYPE[1-9][0-9]{0,4}", rdtype):
        raise Refused(f"an unknown type: {rdtype!r}")
    if rdtype in ("MX", "SRV"):
        if len(fields) < 8 + extra:
            raise Refused(f"no second field of an {rdtype}: {text!r}")
        content = " ".join(fields[6 + extra : 8 + extra])
    else:
        content = " ".join(fields[6 + extra :])
    return Record(
        scope=_number(fields[1], 0, 255) if extra else 0,
        authoritative=fields[2] == "1" if extra else True,
        owner=labels(fields[1 + extra]),
        rdtype=rdtype,
        ttl=_number(fields[4 + extra], 0, 2**32 - 1),
        zone_id=_number(fields[5 + extra], -(2**31), 2**31 - 1),
        content=content,
    )


class _Content:
    """PowerDNS's reading of a content, field by field (pdns/rcpgenerator.cc)."""

    def __init__(self, text):
        self.text = text.strip(" \t\r\n")

    def _word(self, pattern, what):
        self.text = self.text.lstrip(" \t")
        found = re.match(pattern, self.text, re.DOTALL)
        if not self.text or not found:
            raise Refused(f"{what} expected at {self.text!r}")
        self.text = self.text[found.end() :]
        return found[0]

    def number(self, most):
        _number(self._word(r"[0-9]+", "a number"), 0, most)

    def name(self):
        labels(self._word(r"[^ \t\n]+", "a name"))

    def ipv4(self):
        octets = self._word(r"[0-9.]+", "an IPv4 address").split(".")
        if len(octets) != 4 or any(not octet or int(octet) > 255 for octet in octets):
            raise Refused(f"not an IPv4 address: {octets}")

    def ipv6(self):
        address = self._word(r"[0-9A-Fa-f:.]+", "an IPv6 address")
        try:
            ipaddress.IPv6Address(address)
        except ValueError as error:
            raise Refused(str(error)) from error

    def quoted(self):
        string = self._word(r'"(\\.|[^"\\])*"', "a quoted string")
        if re.search(r"(?<!\\)(\\\\)*\\(?![0-9]{3}|[^0-9])", string[1:-1]):
            raise Refused(f"a broken escape in {string!r}")

    def all_quoted(self):
        self.quoted()
        while self.text:
            self.quoted()

    def hexadecimal(self):
        if len(self._word(r"[0-9A-Fa-f ]+", "hexadecimal digits").replace(" ", "")) % 2:
            raise Refused("an odd number of hexadecimal digits")

    def generic(self):
        fields = self._word(r".+", "a length").split()
        data = fields[2] if len(fields) > 2 else ""
        if fields[0] != "\\#" or len(fields) > 3 or len(data) != 2 * int(fields[1]):
            raise Refused(f"not of the form for unknown types: {fields}")

    def tag(self):
        self._word(r"[a-zA-Z0-9]+", "a tag")

    def parameters(self):
        while self.text:
            self._word(r"[a-z][a-z0-9-]*(=[^ =]+)?", "a service parameter")


_FIELDS = {  # numbers stand for their greatest value
    "A": ("ipv4",),
    "AAAA": ("ipv6",),
    "CAA": (255, "tag", "quoted"),
    "CNAME": ("name",),
    "DS": (65535, 255, 255, "hexadecimal"),
    "HTTPS": (65535, "name", "parameters"),
    "MX": (65535, "name"),
    "NAPTR": (65535, 65535, "quoted", "quoted", "quoted", "name"),
    "NS": ("name",),
    "PTR": ("name",),
    "SOA": ("name", "name", *[2**32 - 1] * 5),
    "SRV": (65535, 65535, 65535, "name"),
    "TLSA": (255, 255, 255, "hexadecimal"),
    "TXT": ("all_quoted",),
}


def check_content(record):
    """Raises Refused when PowerDNS could not read the content."""
    content = _Content(record.content)
    if record.rdtype == EMPTY:
        if record.content:
            raise Refused(f"content of an empty non-terminal: {record}")
        return
    if record.rdtype.startswith("TYPE"):
        content.generic()
        return
    for field in _FIELDS[record.rdtype]:
        if isinstance(field, int):
            content.number(field)
        else:
            getattr(content, field)()
    if content.text:
        raise Refused(f"more than the type has: {record}")

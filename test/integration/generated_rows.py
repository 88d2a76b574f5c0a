"""Rows for a database that nobody wants to write by hand: very many, or random and often wrong."""

import contextlib
import sqlite3


def add_hosts(database, count):
    """Gives zone 1, example.com, so many names host1, host2, ... with an address."""
    database.sql(
        "INSERT INTO record (zone_id, name, type, content)"
        f" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        " SELECT 1, 'host' || i || '.example.com', 'A', '192.0.2.1' FROM n;"
    )


def random_label(rng):
    if rng.random() < 0.7:
        return "".join(rng.choices("abcdxyzABC019-_", k=rng.randint(1, 12)))
    parts = []
    for _ in range(rng.randint(1, 8)):
        byte = rng.randrange(256)
        if byte <= 32 or byte >= 127:
            parts.append(f"\\{byte:03d}")
        else:
            parts.append(("\\" if chr(byte) in ".\\" else "") + chr(byte))
    return "".join(parts)


def random_content(rng, rdtype):
    """A content that may be right for the type; one in three is damaged."""
    host = rng.choice(["mail.example.com", "x.example.net.", ".", "a\\.b.example", "*.example"])

    def string():
        parts = ["a", "b", " ", "\\\\", '\\"', "\\065", ";", "=", "\\", '"']
        return '"' + "".join(rng.choices(parts, [9] * 8 + [1, 1], k=rng.randint(0, 6))) + '"'

    def number():
        return str(rng.choice([0, 1, 10, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -1]))

    hexadecimal = "".join(rng.choices("0123456789abcdef", k=rng.choice([2, 40, 64, 63])))
    content = {
        "A": rng.choice(["192.0.2.1", "255.255.255.255", "192.0.2.256", "192.0.2", "1.2.3.4.5"]),
        "AAAA": rng.choice(["2001:db8::1", "::", "::ffff:192.0.2.1", "fe80::1%eth0", "1::2::3"]),
        "MX": f"{number()} {host}",
        "SRV": f"{number()} {number()} {number()} {host}",
        "TXT": " ".join(string() for _ in range(rng.randint(1, 3))),
        "CAA": f"{rng.choice([0, 128, 256])} issue {string()}",
        "NS": host,
        "CNAME": host,
        "PTR": host,
        "DS": f"{number()} 13 2 {hexadecimal}",
        "TLSA": f"3 1 1 {hexadecimal}",
        "NAPTR": f"{number()} 10 {string()} {string()} {string()} {host}",
        "HTTPS": f"{number()} {host} {rng.choice(['alpn=h2', 'port=443', 'ipv4hint=1.2.3.4'])}",
        "SOA": f"{host} {host} {' '.join(number() for _ in range(5))}",
        "TYPE65280": f"\\# {rng.choice(['0', '2 abcd', '2 abc', '2 ab cd', 'x'])}",
    }[rdtype]
    if rng.random() < 0.33:
        at = rng.randrange(len(content) + 1)
        content = content[:at] + rng.choice('  "\\;x.0é\x0b\x1f') + content[at + rng.randrange(2) :]
    return content


RANDOM_TYPES = (
    "A AAAA MX SRV TXT CAA NS CNAME PTR DS TLSA NAPTR HTTPS SOA TYPE65280".split()
)


def fill_at_random(path, rng):
    """Random configuration and records, those of them that pass the schema.  The names in it."""
    names = ["example.com", "www.example.com", "shop.example.com", "nosuch.example.com", "."]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DROP TRIGGER pool_allowed_insert")  # a newer version has other methods

    def insert(sql, *values):
        with contextlib.suppress(sqlite3.Error, UnicodeError):
            connection.execute(sql, values)

    for number in range(3, 12):
        insert(
            "INSERT INTO pool (id, name, method, ttl, persistence_ttl, persistence_timer,"
            " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback, fallback_pool_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            number, f"pool{number}", rng.choice(["modulus"] * 4 + ["tarot"]),
            rng.choice([0, 30, 2147483647, 2147483648]), rng.choice([0, 60, 2147483647]),
            rng.choice(["fixed", "sliding"]), rng.choice([None, None, 1, 2]),
            rng.choice(["ldns", "ecs"]), rng.choice([0, 1, 24, 32]), rng.choice([0, 1, 56, 128]),
            rng.choice(["any", "none", "servfail"]), rng.choice([None, None, 1, 3, 4]),
        )  # fmt: skip
        for position in range(1, rng.randint(1, 8)):
            insert(
                "INSERT INTO virtual_server"
                " (pool_id, controller_id, position, ipv4, ipv6, state) VALUES (?, ?, ?, ?, ?, ?)",
                number, rng.randint(1, 3), position,
                rng.choice(["192.0.2.7", "0.0.0.0", "255.255.255.255", "1.2.3.999", None]),
                rng.choice(["2001:db8::7", "::", "::ffff:192.0.2.7", "1:2:3:4:5:6:7:8:9", None]),
                rng.choice(["enabled", "enabled", "draining", "disabled"]),
            )  # fmt: skip
        name = f"{random_label(rng)}.example.{rng.choice(['com', 'com', 'net'])}"
        insert("INSERT INTO balanced_name VALUES (?, ?)", name, number)
        names.append(name)
    for _ in range(150):
        name = ".".join([random_label(rng) for _ in range(rng.randint(1, 3))] + ["example", "com"])
        rdtype = rng.choice(RANDOM_TYPES)
        insert(
            "INSERT INTO record (zone_id, name, type, ttl, content) VALUES (1, ?, ?, ?, ?)",
            name, rdtype, rng.choice([0, 1, 3600, 2147483647, -1]), random_content(rng, rdtype),
        )  # fmt: skip
        names.append(name)
    for kind, ids in (("controller", range(1, 4)), ("virtual_server", range(1, 40))):
        for number in ids:
            if rng.random() < 0.2:
                insert(
                    f"INSERT INTO {kind}_metric ({kind}_id, name, value)"
                    " VALUES (?, 'availability', 0)", number,
                )  # fmt: skip
    connection.execute("COMMIT")
    connection.close()
    return names

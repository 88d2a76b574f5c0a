"""Statements on the world of schema.py, built from SQL texts of values."""


def zone_named(name):
    return f"INSERT INTO zone (name) VALUES ({name})"


def record_named(name):
    return f"INSERT INTO record (zone_id, name, type, content) VALUES (3, {name}, 'TXT', '\"x\"')"


def balanced(name):
    return f"INSERT INTO balanced_name (name, pool_id) VALUES ({name}, 1)"


def record(columns, values, name="'new.example.com'"):
    return (f"INSERT INTO record (zone_id, name, {columns}) VALUES (1, {name}, {values})")


def typed(text):
    return record("type, content", f"'{text}', 'x'")


def containing(expression):
    return record("type, content", f"'TXT', {expression}")


def put(table, **columns):
    return f"UPDATE {table} SET " + ", ".join(f"{k} = {v}" for k, v in columns.items())


def server(columns, values):
    return ("INSERT INTO virtual_server (pool_id, controller_id, position, "
            f"{columns}) VALUES (1, 1, 9, {values})")


def metric(table, name, value, measured_at=0):
    return (f"INSERT INTO {table}_metric ({table}_id, name, value, measured_at) "
            f"VALUES (2, {name}, {value}, {measured_at})")


def group(cidr, name="office"):
    return f"INSERT INTO ldns_group (cidr, name) VALUES ('{cidr}', '{name}')"


def mapping(ldns="'192.0.2.99'", method="'modulus'", timestamp=1000, ttl=3600):
    return ("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) "
            f"VALUES (1, {ldns}, 1, {method}, {timestamp}, {ttl})")


def monitor(name="'new'", type="'http'", **columns):
    columns = {"name": name, "type": type, **columns}
    return f"INSERT INTO monitor ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"


def topology(column, value, preference=10, controller=1):
    return (f"INSERT INTO topology ({column}, controller_id, preference) "
            f"VALUES ({value}, {controller}, {preference})")


def path(network, rtt=1, measured_at=0):
    return ("INSERT INTO path_metric (network, controller_id, rtt, measured_at) "
            f"VALUES ('{network}', 1, {rtt}, {measured_at})")


def exec_path(text):
    return monitor(type="'exec'", path=f"'{text}'")


def dns_host(text):
    return monitor(type="'dns'", host=text)


def checked_at(address):
    return put("controller", address=address, monitor_id=1)


def check_address(text):
    return put("virtual_server", check_address=f"'{text}'")


def named(text):
    return ("INSERT INTO virtual_server (pool_id, controller_id, position, name)"
            f" VALUES (4, 1, 1, {text})")


def pin(network, pool="NULL", controller=1, **columns):
    columns = {"network": f"'{network}'", "pool_id": pool, "controller_id": controller, **columns}
    return (f"INSERT INTO pin ({', '.join(columns)})"
            f" VALUES ({', '.join(map(str, columns.values()))})")


def geo(text):
    return f"INSERT INTO geo_database VALUES ({text})"


def pool(columns, values):
    return f"INSERT INTO pool (name, {columns}) VALUES ('new', {values})"


def ranged(statement, message, low, high):
    """Both ends of a range: statement holds @ where the number goes."""
    return [(statement.replace("@", str(low - 1)), message, statement.replace("@", str(low))),
            (statement.replace("@", str(high + 1)), message, statement.replace("@", str(high)))]


def id_rows(table, insert):
    return ranged(insert, f"{table}.id is 1 to 2147483647", 1, 2147483647)[1:] + [
        (insert.replace("@", "0"), f"{table}.id is 1 to 2147483647", insert.replace("@", "77"))]

-- Version 2: monitors and what they find, methods that measure, topology. What is new is explained
-- in schema.sql; the columns below carry their words with them, for .schema.

CREATE TABLE monitor (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never given twice, so no late check finds a new monitor
    CONSTRAINT "monitor.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A word of 1 to 64 characters: 'https'. The view "health" and log lines use it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "monitor.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "monitor.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127) || ']*' AND instr(name, char(0)) = 0),

  -- 'tcp': a connection; 'http', 'https': a GET; 'icmp': a ping; 'dns': a question over UDP;
  -- 'exec': a program of yours, up when it ends with 0.
  type TEXT NOT NULL
    CONSTRAINT "monitor.type is one of tcp, http, https, icmp, dns, exec"
      CHECK (type IN ('tcp', 'http', 'https', 'icmp', 'dns', 'exec')),

  -- The port to check. NULL: the virtual server's, else 80, 443 or 53 by the type.
  port INTEGER
    CONSTRAINT "monitor.port is 1 to 65535, or NULL" CHECK (port BETWEEN 1 AND 65535)
    CONSTRAINT "monitor.port is not for icmp: a ping has no port"
      CHECK (port IS NULL OR type <> 'icmp'),

  -- http and https: the path to get, with its query, as in '/health?full=1'; NULL: '/'.
  -- exec: the program, below the directory that pdns-stickyd was given: 'check-db'.
  path TEXT
    CONSTRAINT "monitor.path has 1 to 1024 characters" CHECK (length(path) BETWEEN 1 AND 1024)
    CONSTRAINT "monitor.path is plain ASCII without spaces"
      CHECK (path NOT GLOB '*[^!-~]*' AND instr(path, char(0)) = 0)
    CONSTRAINT "monitor.path is for http, https and exec"
      CHECK (path IS NULL OR type IN ('http', 'https', 'exec'))
    CONSTRAINT "monitor.path begins with / for http and https: /health"
      CHECK (path GLOB '/*' OR type NOT IN ('http', 'https'))
    CONSTRAINT "monitor.path names the program for exec, below a directory: no / in front, no .."
      CHECK (type <> 'exec' OR (path IS NOT NULL AND path NOT GLOB '/*'
                                AND '/' || path || '/' NOT GLOB '*/../*')),

  -- http and https: the Host header, and the name that TLS asks for and checks; NULL: the address.
  -- dns: the name to ask for.
  host TEXT
    CONSTRAINT "monitor.host is one word of 1 to 255 ASCII characters, or NULL"
      CHECK (length(host) BETWEEN 1 AND 255 AND host NOT GLOB '*[^!-~]*'
             AND instr(host, char(0)) = 0)
    CONSTRAINT "monitor.host is for http, https and dns"
      CHECK (host IS NULL OR type IN ('http', 'https', 'dns'))
    CONSTRAINT "monitor.host is the name to ask for, where the type is dns"
      CHECK (type <> 'dns' OR host IS NOT NULL),

  -- dns: the type to ask for. Up is an answer with at least one such record.
  query TEXT NOT NULL DEFAULT 'A'
    CONSTRAINT "monitor.query is one of A, AAAA, NS, SOA, TXT, MX"
      CHECK (query IN ('A', 'AAAA', 'NS', 'SOA', 'TXT', 'MX')),

  -- http and https: the first and the last status that means up. Redirects are not followed.
  status_min INTEGER NOT NULL DEFAULT 200
    CONSTRAINT "monitor.status_min is 100 to 599" CHECK (status_min BETWEEN 100 AND 599),
  status_max INTEGER NOT NULL DEFAULT 399
    CONSTRAINT "monitor.status_max is 100 to 599" CHECK (status_max BETWEEN 100 AND 599)
    CONSTRAINT "monitor.status_max is not below status_min" CHECK (status_max >= status_min),

  -- http and https: an extended regular expression that the body must match. NULL: any body.
  body TEXT
    CONSTRAINT "monitor.body has 1 to 1024 characters, or is NULL"
      CHECK (length(body) BETWEEN 1 AND 1024 AND instr(body, char(0)) = 0)
    CONSTRAINT "monitor.body is for http and https"
      CHECK (body IS NULL OR type IN ('http', 'https')),

  -- tcp: what to send once connected, 'PING\r\n' (\r, \n, \t, \\ and \xHH as in C), and an
  -- extended regular expression that the answer must match. NULL: send nothing, and be content with
  -- the connection.
  send TEXT
    CONSTRAINT "monitor.send has 1 to 1024 characters, or is NULL"
      CHECK (length(send) BETWEEN 1 AND 1024 AND instr(send, char(0)) = 0)
    CONSTRAINT "monitor.send is for tcp" CHECK (send IS NULL OR type = 'tcp'),
  expect TEXT
    CONSTRAINT "monitor.expect has 1 to 1024 characters, or is NULL"
      CHECK (length(expect) BETWEEN 1 AND 1024 AND instr(expect, char(0)) = 0)
    CONSTRAINT "monitor.expect is for tcp" CHECK (expect IS NULL OR type = 'tcp'),

  -- https: 1: the certificate must be valid for the host; 0: any certificate will do.
  verify INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "monitor.verify is 0 or 1" CHECK (verify IN (0, 1)),

  -- Seconds from one check of a target to the next, 1 to 3600.
  interval INTEGER NOT NULL DEFAULT 10
    CONSTRAINT "monitor.interval is 1 to 3600 seconds" CHECK (interval BETWEEN 1 AND 3600),

  -- Seconds after which a check without an answer has failed, 1 to 60.
  timeout INTEGER NOT NULL DEFAULT 3
    CONSTRAINT "monitor.timeout is 1 to 60 seconds" CHECK (timeout BETWEEN 1 AND 60)
    CONSTRAINT "monitor.timeout is not longer than the interval" CHECK (timeout <= interval),

  -- So many checks in a row must go well until a target that was down is up, and so many must fail
  -- until one that was up is down, 1 to 100.
  rise INTEGER NOT NULL DEFAULT 2
    CONSTRAINT "monitor.rise is 1 to 100 checks" CHECK (rise BETWEEN 1 AND 100),
  fall INTEGER NOT NULL DEFAULT 3
    CONSTRAINT "monitor.fall is 1 to 100 checks" CHECK (fall BETWEEN 1 AND 100)
) STRICT;

CREATE TABLE controller_verdict (
  controller_id INTEGER PRIMARY KEY REFERENCES controller (id) ON DELETE CASCADE,

  -- 'up' or 'down', as rise and fall of the monitor have it.
  state TEXT NOT NULL
    CONSTRAINT "controller_verdict.state is one of up, down" CHECK (state IN ('up', 'down')),

  -- How the last check ended, a word of 1 to 32 small letters: 'ok', 'timeout', 'refused'.
  reason TEXT NOT NULL
    CONSTRAINT "controller_verdict.reason is a word of 1 to 32 small letters and hyphens"
      CHECK (length(reason) BETWEEN 1 AND 32 AND reason NOT GLOB '*[^a-z-]*'),

  -- When the state was taken, and when the target was last checked.
  since INTEGER NOT NULL
    CONSTRAINT "controller_verdict.since is Unix seconds, 0 to 253402300799"
      CHECK (since BETWEEN 0 AND 253402300799),
  checked_at INTEGER NOT NULL
    CONSTRAINT "controller_verdict.checked_at is Unix seconds, 0 to 253402300799"
      CHECK (checked_at BETWEEN 0 AND 253402300799),

  -- How often the state has changed.
  flaps INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "controller_verdict.flaps is 0 or more" CHECK (flaps >= 0)
) STRICT;

CREATE TABLE virtual_server_verdict (
  virtual_server_id INTEGER PRIMARY KEY REFERENCES virtual_server (id) ON DELETE CASCADE,
  state TEXT NOT NULL
    CONSTRAINT "virtual_server_verdict.state is one of up, down" CHECK (state IN ('up', 'down')),
  reason TEXT NOT NULL
    CONSTRAINT "virtual_server_verdict.reason is a word of 1 to 32 small letters and hyphens"
      CHECK (length(reason) BETWEEN 1 AND 32 AND reason NOT GLOB '*[^a-z-]*'),
  since INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.since is Unix seconds, 0 to 253402300799"
      CHECK (since BETWEEN 0 AND 253402300799),
  checked_at INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.checked_at is Unix seconds, 0 to 253402300799"
      CHECK (checked_at BETWEEN 0 AND 253402300799),
  flaps INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "virtual_server_verdict.flaps is 0 or more" CHECK (flaps >= 0)
) STRICT;

CREATE TABLE topology (
  id INTEGER PRIMARY KEY,

  -- Who: exactly one of these four. A network or one address: '198.51.100.0/24', '2001:db8::/32'.
  cidr TEXT COLLATE NOCASE
    CONSTRAINT "topology.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
      CHECK (length(cidr) BETWEEN 2 AND 49 AND cidr NOT GLOB '*[^0-9A-Fa-f:./]*'
             AND instr(cidr, char(0)) = 0
             AND (cidr GLOB '*:*:*'
                  OR (cidr GLOB '*.*.*.*' AND cidr NOT GLOB '*[^0-9./]*'
                      AND length(cidr) - length(replace(cidr, '.', '')) = 3)))
    CONSTRAINT "topology.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
      CHECK (instr(cidr, '/') = 0
             OR (substr(cidr, instr(cidr, '/') + 1) GLOB '[0-9]*'
                 AND substr(cidr, instr(cidr, '/') + 1) NOT GLOB '*[^0-9]*'
                 AND CAST(substr(cidr, instr(cidr, '/') + 1) AS INTEGER)
                     <= iif(instr(cidr, ':'), 128, 32))),

  -- ISO 3166 code of the country, two capitals: 'DE'.
  country TEXT
    CONSTRAINT "topology.country is two capitals: DE"
      CHECK (length(country) = 2 AND country GLOB '[A-Z][A-Z]'),

  -- 'AF' Africa, 'AN' Antarctica, 'AS' Asia, 'EU' Europe, 'NA' North and 'SA' South America,
  -- 'OC' Oceania.
  continent TEXT
    CONSTRAINT "topology.continent is one of AF, AN, AS, EU, NA, OC, SA"
      CHECK (continent IN ('AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA')),

  -- Number of the autonomous system, 1 to 4294967295.
  asn INTEGER
    CONSTRAINT "topology.asn is 1 to 4294967295" CHECK (asn BETWEEN 1 AND 4294967295),

  -- To where.
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- Among several controllers for the same: the lower is preferred, as with MX. 0 to 65535. Equal
  -- ones share the resolvers.
  preference INTEGER NOT NULL DEFAULT 10
    CONSTRAINT "topology.preference is 0 to 65535" CHECK (preference BETWEEN 0 AND 65535),

  CONSTRAINT "topology needs exactly one of cidr, country, continent, asn"
    CHECK ((cidr IS NOT NULL) + (country IS NOT NULL) + (continent IS NOT NULL)
           + (asn IS NOT NULL) = 1)
) STRICT;

CREATE TABLE geo_database (
  -- Absolute; the user PowerDNS runs as must be able to read the file.
  path TEXT NOT NULL PRIMARY KEY
    CONSTRAINT "geo_database.path is absolute, of 2 to 4095 characters: /var/lib/GeoIP/x.mmdb"
      CHECK (length(path) BETWEEN 2 AND 4095 AND path GLOB '/*')
    CONSTRAINT "geo_database.path has no control characters"
      CHECK (path NOT GLOB '*[' || char(1, 45, 31, 127) || ']*' AND instr(path, char(0)) = 0)
) STRICT;

CREATE TABLE path_metric (
  -- The network, always with its length, in the one spelling that is looked for: small letters, no
  -- needless zeros, zero beyond its length: '192.0.2.0/24', '2001:db8::/48', '192.0.2.53/32'.
  network TEXT NOT NULL
    CONSTRAINT "path_metric.network is a network in small letters: 192.0.2.0/24, 2001:db8::/48"
      CHECK (length(network) BETWEEN 4 AND 49 AND network NOT GLOB '*[^0-9a-f:./]*'
             AND instr(network, char(0)) = 0
             AND (network GLOB '*:*:*/*'
                  OR (network GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*/*' AND network NOT GLOB '*[^0-9./]*'
                      AND length(network) - length(replace(network, '.', '')) = 3)))
    CONSTRAINT "path_metric.network ends in /0 to /32 for IPv4, in /0 to /128 for IPv6"
      CHECK (substr(network, instr(network, '/') + 1) GLOB '[0-9]*'
             AND substr(network, instr(network, '/') + 1) NOT GLOB '*[^0-9]*'
             AND CAST(substr(network, instr(network, '/') + 1) AS INTEGER)
                 <= iif(instr(network, ':'), 128, 32))
    CONSTRAINT "path_metric.network has no needless zeros: 192.0.2.0/24, not 192.000.002.000/24"
      CHECK (':' || network NOT GLOB '*[:./]0[0-9a-f]*' AND network NOT GLOB '*::0/*')
    CONSTRAINT "path_metric.network is zero beyond its length: 192.0.2.0/24, not 192.0.2.1/24"
      CHECK (network GLOB CASE
               WHEN network GLOB '*:*/[0-9]' OR network GLOB '*:*/[1-5][0-9]'
                 OR network GLOB '*:*/6[0-4]' THEN '*::/*'
               WHEN network GLOB '*:*' THEN '*'
               WHEN network GLOB '*/0' THEN '0.0.0.0/0'
               WHEN network GLOB '*/[1-8]' THEN '*.0.0.0/*'
               WHEN network GLOB '*/9' OR network GLOB '*/1[0-6]' THEN '*.0.0/*'
               WHEN network GLOB '*/1[7-9]' OR network GLOB '*/2[0-4]' THEN '*.0/*'
               ELSE '*'
             END),

  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- Milliseconds, 0 or more.
  rtt REAL NOT NULL
    CONSTRAINT "path_metric.rtt is 0 or more milliseconds" CHECK (rtt >= 0),

  -- When it was measured; the present, where left out. Older than the setting path_metric_max_age
  -- it doesn't count.
  measured_at INTEGER NOT NULL DEFAULT (unixepoch())
    CONSTRAINT "path_metric.measured_at is Unix seconds, 0 to 253402300799"
      CHECK (measured_at BETWEEN 0 AND 253402300799),

  -- Made from the network: its length, and 1 for IPv6.
  bits INTEGER AS (CAST(substr(network, instr(network, '/') + 1) AS INTEGER)) VIRTUAL,
  ipv6 INTEGER AS (instr(network, ':') > 0) VIRTUAL,

  PRIMARY KEY (network, controller_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE controller ADD COLUMN monitor_id INTEGER
  -- How the controller itself is checked, at its address, which must then be numeric: while it is
  -- down, so are all its virtual servers. NULL: it isn't checked.
  --   UPDATE controller SET monitor_id = (SELECT id FROM monitor WHERE name = 'ping')
  --     WHERE name = 'ams';
  REFERENCES monitor (id)
  CONSTRAINT "controller.monitor_id needs a numeric controller.address: 192.0.2.1, 2001:db8::1"
    CHECK (monitor_id IS NULL
           OR (address IS NOT NULL AND length(address) <= 45
               AND address NOT GLOB '*[^0-9A-Fa-f:.]*'
               AND (address GLOB '*:*:*'
                    OR (address GLOB '[0-9]*.*.*.[0-9]*' AND address NOT GLOB '*[^0-9.]*'
                        AND length(address) - length(replace(address, '.', '')) = 3))));

ALTER TABLE pool ADD COLUMN alternate_method TEXT
  -- The method that is asked when the first can't decide: no metric is fresh, no topology matches.
  -- When it can't either, the fallback says what happens; 'any' is modulus. NULL: none.
  -- A mapping carries column method, whichever of them decided.
  --   UPDATE pool SET method = 'topology', alternate_method = 'rtt' WHERE name = 'web';
  CONSTRAINT "pool.alternate_method is a word of 1 to 32 small letters and hyphens, or NULL"
    CHECK (length(alternate_method) BETWEEN 1 AND 32 AND alternate_method NOT GLOB '*[^a-z-]*');

ALTER TABLE pool ADD COLUMN metric TEXT
  -- What method 'least' compares, a name from virtual_server_metric, or else from
  -- controller_metric: 'cpu', 'connections'. NULL: nothing, and 'least' can't decide.
  --   UPDATE pool SET method = 'least', metric = 'cpu' WHERE name = 'web';
  CONSTRAINT "pool.metric is a word of 1 to 32 small letters, digits, _ and -, or NULL"
    CHECK (length(metric) BETWEEN 1 AND 32 AND metric NOT GLOB '*[^a-z0-9_-]*');

ALTER TABLE pool ADD COLUMN tolerance INTEGER NOT NULL DEFAULT 20
  -- Percent, 0 to 1000, for 'rtt' and 'least': servers whose values lie within so much of the best
  -- count as equal and share the resolvers by weight, so small differences send nobody elsewhere.
  CONSTRAINT "pool.tolerance is 0 to 1000 percent" CHECK (tolerance BETWEEN 0 AND 1000);

ALTER TABLE pool ADD COLUMN monitor_id INTEGER
  -- How the pool's virtual servers are checked, where they have no monitor of their own. NULL:
  -- they aren't.
  --   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'https')
  --     WHERE name = 'web';
  REFERENCES monitor (id);

ALTER TABLE virtual_server ADD COLUMN monitor_id INTEGER
  -- How it is checked. NULL: as its pool says.
  REFERENCES monitor (id);

ALTER TABLE virtual_server ADD COLUMN check_address TEXT
  -- The address to check in place of its own, IPv4 or IPv6. NULL: its own, ipv4 where it has one,
  -- else ipv6.
  --   UPDATE virtual_server SET check_address = '10.0.0.80' WHERE ipv4 = '192.0.2.80';
  CONSTRAINT "virtual_server.check_address is an address like 192.0.2.80 or 2001:db8::80, or NULL"
    CHECK (length(check_address) BETWEEN 2 AND 45 AND instr(check_address, char(0)) = 0
           AND check_address NOT GLOB '*[^0-9A-Fa-f:.]*'
           AND (check_address GLOB '*:*:*'
                OR (check_address GLOB '[0-9]*.*.*.[0-9]*' AND check_address NOT GLOB '*[^0-9.]*'
                    AND length(check_address) - length(replace(check_address, '.', '')) = 3)));

ALTER TABLE revision ADD COLUMN topology INTEGER
  -- Moves with topology and geo_database.
  NOT NULL DEFAULT 1;

CREATE UNIQUE INDEX topology_cidr ON topology (cidr, controller_id)
  WHERE cidr IS NOT NULL;
CREATE UNIQUE INDEX topology_country ON topology (country, controller_id)
  WHERE country IS NOT NULL;
CREATE UNIQUE INDEX topology_continent ON topology (continent, controller_id)
  WHERE continent IS NOT NULL;
CREATE UNIQUE INDEX topology_asn ON topology (asn, controller_id)
  WHERE asn IS NOT NULL;
CREATE INDEX topology_controller ON topology (controller_id);
CREATE INDEX path_metric_bits ON path_metric (ipv6, bits);

CREATE VIEW health
  (pool, controller, address, monitor, state, reason, since, checked, age_s, rtt, flaps) AS
SELECT
  t.pool,
  t.controller,
  t.address,
  (SELECT name FROM monitor WHERE id = t.monitor_id),
  coalesce(t.state, 'unknown'),
  t.reason,
  strftime('%m-%d %H:%M:%S', t.since, 'unixepoch'),
  strftime('%m-%d %H:%M:%S', t.checked_at, 'unixepoch'),
  max(unixepoch() - t.checked_at, 0),
  round(t.rtt, 1),
  t.flaps
FROM (
  SELECT p.name AS pool, v.position AS position, c.name AS controller,
         coalesce(v.check_address, v.ipv4, v.ipv6) AS address,
         coalesce(v.monitor_id, p.monitor_id) AS monitor_id,
         d.state AS state, d.reason AS reason, d.since AS since, d.checked_at AS checked_at,
         (SELECT value FROM virtual_server_metric
           WHERE virtual_server_id = v.id AND name = 'rtt') AS rtt,
         d.flaps AS flaps
    FROM virtual_server AS v
    JOIN pool AS p ON p.id = v.pool_id
    JOIN controller AS c ON c.id = v.controller_id
    LEFT JOIN virtual_server_verdict AS d ON d.virtual_server_id = v.id
   UNION ALL
  SELECT NULL, NULL, c.name, c.address, c.monitor_id, d.state, d.reason, d.since, d.checked_at,
         (SELECT value FROM controller_metric WHERE controller_id = c.id AND name = 'rtt'),
         d.flaps
    FROM controller AS c
    LEFT JOIN controller_verdict AS d ON d.controller_id = c.id
) AS t
WHERE t.monitor_id IS NOT NULL OR t.state IS NOT NULL
ORDER BY t.pool, t.position, t.controller;

-- What goes with a controller and with a virtual server.

DROP TRIGGER controller_insert;
CREATE TRIGGER controller_insert AFTER INSERT ON controller BEGIN
  SELECT RAISE(ABORT, 'this would remove a controller that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
END;

DROP TRIGGER controller_rename;
CREATE TRIGGER controller_rename AFTER UPDATE OF name ON controller BEGIN
  SELECT RAISE(ABORT, 'this would remove a controller that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
END;

DROP TRIGGER controller_delete;
CREATE TRIGGER controller_delete BEFORE DELETE ON controller BEGIN
  SELECT RAISE(ABORT, 'the controller still has virtual servers: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE controller_id = OLD.id);
  DELETE FROM controller_metric WHERE controller_id = OLD.id;
  DELETE FROM controller_verdict WHERE controller_id = OLD.id;
  DELETE FROM topology WHERE controller_id = OLD.id;
  DELETE FROM path_metric WHERE controller_id = OLD.id;
  DELETE FROM persistence WHERE controller_id = OLD.id;
END;

DROP TRIGGER virtual_server_insert;
CREATE TRIGGER virtual_server_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.pool_id names no pool: see table pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
               'virtual_server.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
  DELETE FROM virtual_server_verdict
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

DROP TRIGGER virtual_server_move;
CREATE TRIGGER virtual_server_move
AFTER UPDATE OF pool_id, controller_id, position ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.pool_id names no pool: see table pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
               'virtual_server.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
  DELETE FROM virtual_server_verdict
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

DROP TRIGGER virtual_server_delete;
CREATE TRIGGER virtual_server_delete BEFORE DELETE ON virtual_server BEGIN
  DELETE FROM virtual_server_metric WHERE virtual_server_id = OLD.id;
  DELETE FROM virtual_server_verdict WHERE virtual_server_id = OLD.id;
END;

-- Monitors, and those that name one.

CREATE TRIGGER monitor_insert AFTER INSERT ON monitor BEGIN
  SELECT RAISE(ABORT, 'this would remove a monitor that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER monitor_update BEFORE UPDATE ON monitor WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'monitor.id never changes: insert another monitor and delete this one');
END;

CREATE TRIGGER monitor_rename AFTER UPDATE OF name ON monitor BEGIN
  SELECT RAISE(ABORT, 'this would remove a monitor that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER monitor_delete BEFORE DELETE ON monitor BEGIN
  SELECT RAISE(ABORT, 'a pool still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a virtual server still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a controller still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM controller WHERE monitor_id = OLD.id);
END;

CREATE TRIGGER pool_monitor_insert AFTER INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER pool_monitor_update AFTER UPDATE OF monitor_id ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER virtual_server_monitor_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER virtual_server_monitor_update
AFTER UPDATE OF monitor_id ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER controller_monitor_insert AFTER INSERT ON controller BEGIN
  SELECT RAISE(ABORT, 'controller.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER controller_monitor_update
AFTER UPDATE OF monitor_id ON controller BEGIN
  SELECT RAISE(ABORT, 'controller.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

-- Verdicts, topology and round trips.

CREATE TRIGGER controller_verdict_insert AFTER INSERT ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER controller_verdict_update
AFTER UPDATE OF controller_id ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER virtual_server_verdict_insert
AFTER INSERT ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_verdict.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER virtual_server_verdict_update
AFTER UPDATE OF virtual_server_id ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_verdict.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER topology_insert AFTER INSERT ON topology BEGIN
  SELECT RAISE(ABORT, 'topology.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER topology_update AFTER UPDATE OF controller_id ON topology BEGIN
  SELECT RAISE(ABORT, 'topology.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER path_metric_insert AFTER INSERT ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER path_metric_update AFTER UPDATE OF controller_id ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

-- Settings.

DROP TRIGGER setting_insert;
CREATE TRIGGER setting_insert AFTER INSERT ON setting BEGIN
  SELECT RAISE(ABORT,
               'setting.name is not one of those that SELECT name FROM setting shows in a new file')
   WHERE NEW.name NOT IN ('checkpoint_interval', 'sweep_interval', 'sweep_batch',
                          'max_megabytes', 'max_writes_per_second', 'metric_max_age',
                          'path_metric_max_age', 'brake_percent', 'brake_window', 'max_checks');
  SELECT RAISE(ABORT, 'the setting checkpoint_interval is 1 to 3600 seconds')
   WHERE NEW.name = 'checkpoint_interval' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting sweep_interval is 1 to 3600 seconds')
   WHERE NEW.name = 'sweep_interval' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting sweep_batch is 10 to 100000 rows')
   WHERE NEW.name = 'sweep_batch' AND NEW.value NOT BETWEEN 10 AND 100000;
  SELECT RAISE(ABORT, 'the setting max_megabytes is 1 to 1048576')
   WHERE NEW.name = 'max_megabytes' AND NEW.value NOT BETWEEN 1 AND 1048576;
  SELECT RAISE(ABORT, 'the setting max_writes_per_second is 1 to 1000000')
   WHERE NEW.name = 'max_writes_per_second' AND NEW.value NOT BETWEEN 1 AND 1000000;
  SELECT RAISE(ABORT, 'the setting metric_max_age is 1 to 86400 seconds')
   WHERE NEW.name = 'metric_max_age' AND NEW.value NOT BETWEEN 1 AND 86400;
  SELECT RAISE(ABORT, 'the setting path_metric_max_age is 1 to 31536000 seconds')
   WHERE NEW.name = 'path_metric_max_age' AND NEW.value NOT BETWEEN 1 AND 31536000;
  SELECT RAISE(ABORT, 'the setting brake_percent is 0 to 100, 0 for no brake')
   WHERE NEW.name = 'brake_percent' AND NEW.value NOT BETWEEN 0 AND 100;
  SELECT RAISE(ABORT, 'the setting brake_window is 1 to 3600 seconds')
   WHERE NEW.name = 'brake_window' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting max_checks is 1 to 10000')
   WHERE NEW.name = 'max_checks' AND NEW.value NOT BETWEEN 1 AND 10000;
END;

DROP TRIGGER setting_update;
CREATE TRIGGER setting_update AFTER UPDATE ON setting BEGIN
  SELECT RAISE(ABORT,
               'setting.name is not one of those that SELECT name FROM setting shows in a new file')
   WHERE NEW.name NOT IN ('checkpoint_interval', 'sweep_interval', 'sweep_batch',
                          'max_megabytes', 'max_writes_per_second', 'metric_max_age',
                          'path_metric_max_age', 'brake_percent', 'brake_window', 'max_checks');
  SELECT RAISE(ABORT, 'the setting checkpoint_interval is 1 to 3600 seconds')
   WHERE NEW.name = 'checkpoint_interval' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting sweep_interval is 1 to 3600 seconds')
   WHERE NEW.name = 'sweep_interval' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting sweep_batch is 10 to 100000 rows')
   WHERE NEW.name = 'sweep_batch' AND NEW.value NOT BETWEEN 10 AND 100000;
  SELECT RAISE(ABORT, 'the setting max_megabytes is 1 to 1048576')
   WHERE NEW.name = 'max_megabytes' AND NEW.value NOT BETWEEN 1 AND 1048576;
  SELECT RAISE(ABORT, 'the setting max_writes_per_second is 1 to 1000000')
   WHERE NEW.name = 'max_writes_per_second' AND NEW.value NOT BETWEEN 1 AND 1000000;
  SELECT RAISE(ABORT, 'the setting metric_max_age is 1 to 86400 seconds')
   WHERE NEW.name = 'metric_max_age' AND NEW.value NOT BETWEEN 1 AND 86400;
  SELECT RAISE(ABORT, 'the setting path_metric_max_age is 1 to 31536000 seconds')
   WHERE NEW.name = 'path_metric_max_age' AND NEW.value NOT BETWEEN 1 AND 31536000;
  SELECT RAISE(ABORT, 'the setting brake_percent is 0 to 100, 0 for no brake')
   WHERE NEW.name = 'brake_percent' AND NEW.value NOT BETWEEN 0 AND 100;
  SELECT RAISE(ABORT, 'the setting brake_window is 1 to 3600 seconds')
   WHERE NEW.name = 'brake_window' AND NEW.value NOT BETWEEN 1 AND 3600;
  SELECT RAISE(ABORT, 'the setting max_checks is 1 to 10000')
   WHERE NEW.name = 'max_checks' AND NEW.value NOT BETWEEN 1 AND 10000;
END;

INSERT INTO setting (name, value) VALUES
  ('metric_max_age', 60),
  ('path_metric_max_age', 86400),
  ('brake_percent', 50),
  ('brake_window', 30),
  ('max_checks', 1000);

-- What counts the revision.

CREATE TRIGGER revision_monitor_insert AFTER INSERT ON monitor BEGIN
  UPDATE revision SET configuration = configuration + 1;
END;
CREATE TRIGGER revision_monitor_update AFTER UPDATE ON monitor BEGIN
  UPDATE revision SET configuration = configuration + 1;
END;
CREATE TRIGGER revision_monitor_delete AFTER DELETE ON monitor BEGIN
  UPDATE revision SET configuration = configuration + 1;
END;

CREATE TRIGGER revision_topology_insert AFTER INSERT ON topology BEGIN
  UPDATE revision SET topology = topology + 1;
END;
CREATE TRIGGER revision_topology_update AFTER UPDATE ON topology BEGIN
  UPDATE revision SET topology = topology + 1;
END;
CREATE TRIGGER revision_topology_delete AFTER DELETE ON topology BEGIN
  UPDATE revision SET topology = topology + 1;
END;

CREATE TRIGGER revision_geo_database_insert AFTER INSERT ON geo_database BEGIN
  UPDATE revision SET topology = topology + 1;
END;
CREATE TRIGGER revision_geo_database_update AFTER UPDATE ON geo_database BEGIN
  UPDATE revision SET topology = topology + 1;
END;
CREATE TRIGGER revision_geo_database_delete AFTER DELETE ON geo_database BEGIN
  UPDATE revision SET topology = topology + 1;
END;

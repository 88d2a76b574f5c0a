-- The database of pdns-sticky, version 1.
--
--   sqlite3 /var/lib/pdns-sticky/sticky.sqlite < schema.sql
--
-- makes a complete empty one. Run it as the user that PowerDNS runs as: that user must be able to
-- write the file and its directory. On a file that already has this version it changes nothing.
-- On any other database it ends with an error and takes every table back.
--
-- What it is for: a resolver (LDNS) asks for www.example.com. The name is balanced over the
-- virtual servers of a pool, each of them an address that one site's controller (its load
-- balancer) offers. One server is chosen, the resolver gets its address, and the table
-- "persistence" remembers resolver and controller, so that the next question gets the same site.
--
-- How it is used:
--
--   * Everything is changed with SQL while PowerDNS runs. What is committed counts from the next
--     question on; several changes that belong together go between BEGIN IMMEDIATE and COMMIT.
--   * A row that can't be meant is refused here, by a CHECK or a trigger, with words that say what
--     would be right. The triggers do it because the sqlite3 shell leaves foreign keys off.
--   * Times are Unix seconds (UTC), durations are seconds.
--   * DNS names are written without a trailing dot, "." alone being the root; capitals and small
--     letters are the same. Odd bytes are escaped as in a zone file, a space as \032, and an
--     international name is written in its xn-- form.
--   * The columns are explained inside each CREATE TABLE, so ".schema pool" shows them too. Those
--     that came with a later version stand last, as in a database that was migrated.

PRAGMA journal_mode = WAL;

BEGIN IMMEDIATE;

-- The sqlite3 shell goes on after an error. So this remembers what the file was, and the last
-- statement of this transaction rolls everything back if the file was not for us.
CREATE TEMP TABLE target (
  fits INTEGER NOT NULL,
  decided INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT
    "this file holds another database or another version: pdns-sticky migrate; nothing was changed"
    CHECK (fits OR NOT decided)
);
INSERT INTO temp.target (fits)
  SELECT NOT EXISTS (SELECT 1 FROM main.sqlite_schema)
      OR (a.application_id = 1347638361 AND v.user_version = 1)
    FROM pragma_application_id AS a, pragma_user_version AS v;

PRAGMA application_id = 1347638361;  -- 0x50535459, "PSTY": file(1) and we know the file by it
PRAGMA user_version = 1;             -- raised by the files in migrations/

-----------------------------------------------------------------------------------------------
-- zone: the zones that this backend answers alone. Leave it empty where another PowerDNS backend
-- holds the zone and pdns-sticky only adds the balanced names to it.
--
--   INSERT INTO zone (name) VALUES ('example.com');
--   SELECT id FROM zone WHERE name = 'example.com';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS zone (
  -- Number of the zone, given by SQLite and never given twice; PowerDNS sees it. 1 to 2147483647.
  id INTEGER PRIMARY KEY AUTOINCREMENT
    CONSTRAINT "zone.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- Name of the apex: 'example.com', or '.' for the root.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "zone.name has 1 to 1004 characters" CHECK (length(name) BETWEEN 1 AND 1004)
    CONSTRAINT "zone.name is plain ASCII: no space (\032), tab or newline, xn-- for other letters"
      CHECK (name NOT GLOB '*[^!-~]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "zone.name has no trailing dot: example.com, not example.com."
      CHECK (name = '.' OR replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%.')
    CONSTRAINT "zone.name has no leading dot and no two dots in a row"
      CHECK (name = '.' OR '.' || replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%..%')
) STRICT;

-----------------------------------------------------------------------------------------------
-- record: the plain records of the zones above. A zone needs its SOA and NS records here.
-- A balanced name may have records too, of any type but A, AAAA and CNAME: those are what
-- balancing answers. Where the name's zone lies in another backend they have no zone_id.
--
--   INSERT INTO record (zone_id, name, type, content)
--     SELECT id, 'mail.example.com', 'A', '192.0.2.25' FROM zone WHERE name = 'example.com';
--   UPDATE record SET disabled = 1 WHERE name = 'mail.example.com' AND type = 'A';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY,

  -- The zone it belongs to. NULL: another record of a balanced name whose zone lies in another
  -- backend; it is used once that balanced name is there.
  zone_id INTEGER REFERENCES zone (id),

  -- Owner name in full: 'mail.example.com', not 'mail'. It lies in its zone. A first label '*' is
  -- a wildcard.
  name TEXT NOT NULL COLLATE NOCASE
    CONSTRAINT "record.name has 1 to 1004 characters" CHECK (length(name) BETWEEN 1 AND 1004)
    CONSTRAINT "record.name is plain ASCII: no space (\032), tab or newline, xn-- for other letters"
      CHECK (name NOT GLOB '*[^!-~]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "record.name has no trailing dot: www.example.com, not www.example.com."
      CHECK (name = '.' OR replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%.')
    CONSTRAINT "record.name has no leading dot and no two dots in a row"
      CHECK (name = '.' OR '.' || replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%..%'),

  -- Type in capitals: 'A', 'MX', 'TXT', 'HTTPS', 'TYPE65280'.
  type TEXT NOT NULL
    CONSTRAINT "record.type is 1 to 10 capitals, digits or hyphens, a letter first: A, MX, TYPE99"
      CHECK (length(type) BETWEEN 1 AND 10 AND type GLOB '[A-Z]*' AND type NOT GLOB '*[^A-Z0-9-]*'),

  -- Seconds that a resolver may keep it, 0 to 2147483647.
  ttl INTEGER NOT NULL DEFAULT 3600
    CONSTRAINT "record.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  -- The data as PowerDNS writes it, on one line: '192.0.2.25', '10 mail.example.com' for an MX,
  -- '"v=spf1 -all"' for a TXT (with the double quotes), for a SOA its seven fields.
  content TEXT NOT NULL
    CONSTRAINT "record.content is not empty" CHECK (trim(content) <> '')
    CONSTRAINT "record.content is one line: no tab, carriage return, newline or NUL"
      CHECK (content NOT GLOB '*[' || char(9, 10, 13) || ']*' AND instr(content, char(0)) = 0),

  -- 1: kept here, but not answered.
  disabled INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "record.disabled is 0 or 1" CHECK (disabled IN (0, 1))
) STRICT;

-----------------------------------------------------------------------------------------------
-- controller: the server array controllers, in practice one load balancer for each site.
-- A mapping binds a resolver to a controller.
--
--   INSERT INTO controller (name, address) VALUES ('ams', '192.0.2.1');
--   UPDATE controller SET state = 'draining' WHERE name = 'ams';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never given twice, so no old mapping finds a new site
    CONSTRAINT "controller.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- Short name of the site, 1 to 64 characters: 'ams'.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "controller.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "controller.name has no control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 31, 127) || ']*' AND instr(name, char(0)) = 0),

  -- Where the controller itself is reached, an address or a host name. For people and for
  -- checking it (monitor_id); no DNS answer carries it. NULL: not given.
  address TEXT
    CONSTRAINT "controller.address is one word of 1 to 255 ASCII characters, or NULL"
      CHECK (length(address) BETWEEN 1 AND 255 AND address NOT GLOB '*[^!-~]*'
             AND instr(address, char(0)) = 0),

  -- 'enabled'; 'draining': live mappings stay, none are made; 'disabled': as if it were absent,
  -- so its mappings stop to bind at once.
  state TEXT NOT NULL DEFAULT 'enabled',

  -- How the controller itself is checked, at its address, which must then be numeric: while it is
  -- down, so are all its virtual servers. NULL: it isn't checked.
  --   UPDATE controller SET monitor_id = (SELECT id FROM monitor WHERE name = 'ping')
  --     WHERE name = 'ams';
  monitor_id INTEGER REFERENCES monitor (id)
) STRICT;

-----------------------------------------------------------------------------------------------
-- pool: one service that is offered in several places, and how its clients are sent there.
--
--   INSERT INTO pool (name, ttl, persistence_ttl) VALUES ('web', 30, 3600);
--   UPDATE pool SET persistence_ttl = 7200 WHERE name = 'web';    -- for mappings made from now on
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS pool (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never given twice, so no old mapping finds a new pool
    CONSTRAINT "pool.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A word of 1 to 64 characters: 'web'. Commands and log lines use it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "pool.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "pool.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127) || ']*' AND instr(name, char(0)) = 0),

  -- How a server is chosen for a resolver that has no live mapping:
  --   'modulus'      by the resolver's address, so the same resolver is sent the same way as long
  --                  as the same servers are up
  --   'rendezvous'   by address and weight; a change moves only the resolvers that it must
  --   'round-robin'  one after the other
  --   'ratio'        one after the other, each as often as its weight says
  --   'failover'     always the first that is up, by position
  --   'rtt'          the lowest round trip: see tables path_metric and virtual_server_metric
  --   'least'        the lowest value of the metric named in column metric
  --   'topology'     where table topology sends the resolver's network or country
  -- A pool with a method that the backend doesn't know is skipped and named in the log. To change
  -- the method ends every mapping of the pool:
  --   UPDATE pool SET method = 'rendezvous' WHERE name = 'web';
  method TEXT NOT NULL DEFAULT 'modulus',

  -- TTL of the DNS answer, seconds, 0 to 2147483647: how soon clients hear of a change.
  ttl INTEGER NOT NULL DEFAULT 30
    CONSTRAINT "pool.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  -- How long a mapping binds, seconds, 0 to 2147483647. 0: keep no mappings.
  persistence_ttl INTEGER NOT NULL DEFAULT 3600
    CONSTRAINT "pool.persistence_ttl is 0 to 2147483647 seconds, 0 to keep no mappings"
      CHECK (persistence_ttl BETWEEN 0 AND 2147483647),

  -- 'fixed': that long from when the mapping was made. 'sliding': from the last question.
  persistence_timer TEXT NOT NULL DEFAULT 'fixed',

  -- Share the mappings of that pool, so that a resolver meets one site in both; its three
  -- persistence settings count then. That pool must not share another's. NULL: our own mappings.
  --   UPDATE pool SET persistence_pool_id = (SELECT id FROM pool WHERE name = 'web')
  --     WHERE name = 'static';
  persistence_pool_id INTEGER REFERENCES pool (id),

  -- Whom a mapping is for. 'ldns': the resolver that asks. 'ecs': the client network that the
  -- resolver reports (EDNS Client Subnet), where it does; PowerDNS needs
  -- edns-subnet-processing=yes for that.
  client TEXT NOT NULL DEFAULT 'ldns',

  -- Resolvers whose addresses agree in so many leading bits count as one: 24 makes one client of
  -- 192.0.2.0/24. IPv4 0 to 32, IPv6 0 to 128.
  ipv4_prefix INTEGER NOT NULL DEFAULT 32
    CONSTRAINT "pool.ipv4_prefix is 0 to 32" CHECK (ipv4_prefix BETWEEN 0 AND 32),
  ipv6_prefix INTEGER NOT NULL DEFAULT 128
    CONSTRAINT "pool.ipv6_prefix is 0 to 128" CHECK (ipv6_prefix BETWEEN 0 AND 128),

  -- What to answer when no server is up and fallback_pool_id doesn't help. 'any': one of the
  -- servers that are down, for a wrong verdict of the health checks must not take the name away;
  -- 'none': no address; 'servfail': an error, so that a resolver tries another name server.
  fallback TEXT NOT NULL DEFAULT 'any',

  -- The pool to choose from when no server of this one is up. Following it from pool to pool must
  -- not lead back. NULL: none.
  --   UPDATE pool SET fallback_pool_id = (SELECT id FROM pool WHERE name = 'sorry')
  --     WHERE name = 'web';
  fallback_pool_id INTEGER REFERENCES pool (id),

  -- The method that is asked when the first can't decide: no metric is fresh, no topology matches.
  -- When it can't either, the fallback says what happens; 'any' is modulus. NULL: none.
  -- A mapping carries column method, whichever of them decided.
  --   UPDATE pool SET method = 'topology', alternate_method = 'rtt' WHERE name = 'web';
  alternate_method TEXT,

  -- What method 'least' compares, a name from virtual_server_metric, or else from
  -- controller_metric: 'cpu', 'connections'. NULL: nothing, and 'least' can't decide.
  --   UPDATE pool SET method = 'least', metric = 'cpu' WHERE name = 'web';
  metric TEXT
    CONSTRAINT "pool.metric is a word of 1 to 32 small letters, digits, _ and -, or NULL"
      CHECK (length(metric) BETWEEN 1 AND 32 AND metric NOT GLOB '*[^a-z0-9_-]*'),

  -- Percent, 0 to 1000, for 'rtt' and 'least': servers whose values lie within so much of the best
  -- count as equal and share the resolvers by weight, so small differences send nobody elsewhere.
  tolerance INTEGER NOT NULL DEFAULT 20
    CONSTRAINT "pool.tolerance is 0 to 1000 percent" CHECK (tolerance BETWEEN 0 AND 1000),

  -- How the pool's virtual servers are checked, where they have no monitor of their own. NULL:
  -- they aren't.
  --   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'https')
  --     WHERE name = 'web';
  monitor_id INTEGER REFERENCES monitor (id)
) STRICT;

-----------------------------------------------------------------------------------------------
-- virtual_server: an address that one controller offers in one pool.
--
--   INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)
--     SELECT p.id, c.id, 1, '192.0.2.80', '2001:db8:1::80'
--       FROM pool AS p, controller AS c WHERE p.name = 'web' AND c.name = 'ams';
--   UPDATE virtual_server SET state = 'disabled' WHERE ipv4 = '192.0.2.80';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS virtual_server (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never given twice, so no late metric finds a new server
    CONSTRAINT "virtual_server.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),
  pool_id INTEGER NOT NULL REFERENCES pool (id),
  controller_id INTEGER NOT NULL REFERENCES controller (id),

  -- Its place in the pool's list, 1 or more, each place once in a pool; gaps are fine. The usable
  -- servers are numbered 1 to N in this order, and modulus picks a number.
  position INTEGER NOT NULL
    CONSTRAINT "virtual_server.position is 1 or more" CHECK (position >= 1),

  -- The addresses of one service, for the A and the AAAA answer: both, or one of them.
  ipv4 TEXT
    CONSTRAINT "virtual_server.ipv4 is an address like 192.0.2.80"
      CHECK (length(ipv4) BETWEEN 7 AND 15 AND ipv4 NOT GLOB '*[^0-9.]*'
             AND length(ipv4) - length(replace(ipv4, '.', '')) = 3 AND instr(ipv4, char(0)) = 0),
  ipv6 TEXT
    CONSTRAINT "virtual_server.ipv6 is an address like 2001:db8::80"
      CHECK (length(ipv6) BETWEEN 2 AND 45 AND ipv6 NOT GLOB '*[^0-9A-Fa-f:.]*'
             AND ipv6 GLOB '*:*:*' AND instr(ipv6, char(0)) = 0),

  -- The port of the service, 1 to 65535, which is checked where the monitor names no other; no A or
  -- AAAA answer carries it. NULL: not given.
  port INTEGER
    CONSTRAINT "virtual_server.port is 1 to 65535, or NULL" CHECK (port BETWEEN 1 AND 65535),

  -- Its share beside the others, 0 to 65535, for methods that weigh: rendezvous and ratio, and rtt
  -- and least among equals. 0: nobody is sent there by them. modulus doesn't look at it.
  weight INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "virtual_server.weight is 0 to 65535" CHECK (weight BETWEEN 0 AND 65535),

  -- 'enabled'; 'draining': live mappings stay, none are made; 'disabled': as if it were absent.
  -- Its controller's state holds too: the stricter of both counts.
  state TEXT NOT NULL DEFAULT 'enabled',

  -- How it is checked. NULL: as its pool says.
  monitor_id INTEGER REFERENCES monitor (id),

  -- The address to check in place of its own, IPv4 or IPv6. NULL: its own, ipv4 where it has one,
  -- else ipv6.
  --   UPDATE virtual_server SET check_address = '10.0.0.80' WHERE ipv4 = '192.0.2.80';
  check_address TEXT
    CONSTRAINT "virtual_server.check_address is an address like 192.0.2.80 or 2001:db8::80, or NULL"
      CHECK (length(check_address) BETWEEN 2 AND 45 AND instr(check_address, char(0)) = 0
             AND check_address NOT GLOB '*[^0-9A-Fa-f:.]*'
             AND (check_address GLOB '*:*:*'
                  OR (check_address GLOB '[0-9]*.*.*.[0-9]*' AND check_address NOT GLOB '*[^0-9.]*'
                      AND length(check_address) - length(replace(check_address, '.', '')) = 3))),

  UNIQUE (pool_id, position)
) STRICT;

-----------------------------------------------------------------------------------------------
-- balanced_name: a DNS name whose addresses come from a pool. Names that share a pool share its
-- mappings: a resolver meets the same site under all of them.
--
--   INSERT INTO balanced_name (name, pool_id)
--     SELECT 'www.example.com', id FROM pool WHERE name = 'web';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS balanced_name (
  -- The name in full, in a zone of this or of another backend. An A, AAAA or CNAME record of the
  -- same name must be deleted or disabled first.
  name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE
    CONSTRAINT "balanced_name.name has 1 to 1004 characters" CHECK (length(name) BETWEEN 1 AND 1004)
    CONSTRAINT
      "balanced_name.name is plain ASCII: no space (\032), tab or newline, xn-- for other letters"
      CHECK (name NOT GLOB '*[^!-~]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "balanced_name.name has no trailing dot: www.example.com, not www.example.com."
      CHECK (name = '.' OR replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%.')
    CONSTRAINT "balanced_name.name has no leading dot and no two dots in a row"
      CHECK (name = '.' OR '.' || replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%..%'),

  pool_id INTEGER NOT NULL REFERENCES pool (id)
) STRICT;

-----------------------------------------------------------------------------------------------
-- monitor: ways to check whether a virtual server or a controller is up. pdns-stickyd does it for
-- those that name one, and writes what it finds into the metrics and verdicts below.
--
--   INSERT INTO monitor (name, type, path, body) VALUES ('web', 'https', '/health', '^ok');
--   INSERT INTO monitor (name, type, send, expect) VALUES ('smtp', 'tcp', NULL, '^220 ');
--   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'web') WHERE name = 'web';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS monitor (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never given twice, so no late check finds a new monitor
    CONSTRAINT "monitor.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A word of 1 to 64 characters: 'https'. The view "health" and log lines use it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "monitor.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "monitor.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127) || ']*' AND instr(name, char(0)) = 0),

  -- 'tcp': a connection; 'http', 'https': a GET; 'icmp': a ping; 'dns': a question over UDP;
  -- 'exec': a program of yours, up when it ends with 0.
  type TEXT NOT NULL,

  -- The port to check. NULL: the virtual server's, else 80, 443 or 53 by the type.
  port INTEGER
    CONSTRAINT "monitor.port is 1 to 65535, or NULL" CHECK (port BETWEEN 1 AND 65535),

  -- http and https: the path to get, with its query, as in '/health?full=1'; NULL: '/'.
  -- exec: the program, below the directory that pdns-stickyd was given: 'check-db'.
  path TEXT
    CONSTRAINT "monitor.path has 1 to 1024 characters" CHECK (length(path) BETWEEN 1 AND 1024)
    CONSTRAINT "monitor.path is plain ASCII without spaces"
      CHECK (path NOT GLOB '*[^!-~]*' AND instr(path, char(0)) = 0),

  -- http and https: the Host header, and the name that TLS asks for and checks; NULL: the address.
  -- dns: the name to ask for.
  host TEXT
    CONSTRAINT "monitor.host is one word of 1 to 255 ASCII characters, or NULL"
      CHECK (length(host) BETWEEN 1 AND 255 AND host NOT GLOB '*[^!-~]*'
             AND instr(host, char(0)) = 0),

  -- dns: the type to ask for. Up is an answer with at least one such record.
  query TEXT NOT NULL DEFAULT 'A',

  -- http and https: the first and the last status that means up. Redirects are not followed.
  status_min INTEGER NOT NULL DEFAULT 200
    CONSTRAINT "monitor.status_min is 100 to 599" CHECK (status_min BETWEEN 100 AND 599),
  status_max INTEGER NOT NULL DEFAULT 399
    CONSTRAINT "monitor.status_max is 100 to 599" CHECK (status_max BETWEEN 100 AND 599)
    CONSTRAINT "monitor.status_max is not below status_min" CHECK (status_max >= status_min),

  -- http and https: an extended regular expression that the body must match. NULL: any body.
  body TEXT
    CONSTRAINT "monitor.body has 1 to 1024 characters, or is NULL"
      CHECK (length(body) BETWEEN 1 AND 1024 AND instr(body, char(0)) = 0),

  -- tcp: what to send once connected, 'PING\r\n' (\r, \n, \t, \\ and \xHH as in C), and an
  -- extended regular expression that the answer must match. NULL: send nothing, and be content with
  -- the connection.
  send TEXT
    CONSTRAINT "monitor.send has 1 to 1024 characters, or is NULL"
      CHECK (length(send) BETWEEN 1 AND 1024 AND instr(send, char(0)) = 0),
  expect TEXT
    CONSTRAINT "monitor.expect has 1 to 1024 characters, or is NULL"
      CHECK (length(expect) BETWEEN 1 AND 1024 AND instr(expect, char(0)) = 0),

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

-----------------------------------------------------------------------------------------------
-- controller_metric, virtual_server_metric: what is known about them, one row for each number.
-- 'availability' is 1 (up) or 0 (down), and no row means up; a server is down when its own or its
-- controller's is 0. 'rtt' is a round trip in milliseconds. pdns-stickyd writes these two for all
-- that have a monitor. Other names are yours: pool.metric says which one method 'least' compares.
-- By hand:
--
--   INSERT INTO controller_metric (controller_id, name, value)
--     SELECT id, 'availability', 0 FROM controller WHERE name = 'ams'
--     ON CONFLICT (controller_id, name)
--       DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at;
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller_metric (
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- 'availability', 'rtt', or another word of 1 to 32 small letters, digits, '_' and '-'.
  name TEXT NOT NULL
    CONSTRAINT "controller_metric.name is a word of 1 to 32 small letters, digits, _ and -"
      CHECK (length(name) BETWEEN 1 AND 32 AND name NOT GLOB '*[^a-z0-9_-]*'),
  value REAL NOT NULL,

  -- When it was measured; the present, where left out.
  measured_at INTEGER NOT NULL DEFAULT (unixepoch())
    CONSTRAINT "controller_metric.measured_at is Unix seconds, 0 to 253402300799"
      CHECK (measured_at BETWEEN 0 AND 253402300799),

  PRIMARY KEY (controller_id, name),
  CONSTRAINT "the metric availability is 0 or 1" CHECK (name <> 'availability' OR value IN (0, 1)),
  CONSTRAINT "the metric rtt is 0 or more milliseconds" CHECK (name <> 'rtt' OR value >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS virtual_server_metric (
  virtual_server_id INTEGER NOT NULL REFERENCES virtual_server (id) ON DELETE CASCADE,
  name TEXT NOT NULL
    CONSTRAINT "virtual_server_metric.name is a word of 1 to 32 small letters, digits, _ and -"
      CHECK (length(name) BETWEEN 1 AND 32 AND name NOT GLOB '*[^a-z0-9_-]*'),
  value REAL NOT NULL,
  measured_at INTEGER NOT NULL DEFAULT (unixepoch())
    CONSTRAINT "virtual_server_metric.measured_at is Unix seconds, 0 to 253402300799"
      CHECK (measured_at BETWEEN 0 AND 253402300799),

  PRIMARY KEY (virtual_server_id, name),
  CONSTRAINT "the metric availability is 0 or 1" CHECK (name <> 'availability' OR value IN (0, 1)),
  CONSTRAINT "the metric rtt is 0 or more milliseconds" CHECK (name <> 'rtt' OR value >= 0)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- controller_verdict, virtual_server_verdict: what their monitors found. pdns-stickyd alone writes
-- them, and the metrics 'availability' and 'rtt' of the same target with them; people read the view
-- "health". To take a site out by hand, change its state.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller_verdict (
  controller_id INTEGER PRIMARY KEY REFERENCES controller (id) ON DELETE CASCADE,

  -- 'up' or 'down', as rise and fall of the monitor have it.
  state TEXT NOT NULL,

  -- How the last check ended, a word of 1 to 32 small letters: 'ok', 'timeout', 'refused'.
  reason TEXT NOT NULL,

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

CREATE TABLE IF NOT EXISTS virtual_server_verdict (
  virtual_server_id INTEGER PRIMARY KEY REFERENCES virtual_server (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.since is Unix seconds, 0 to 253402300799"
      CHECK (since BETWEEN 0 AND 253402300799),
  checked_at INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.checked_at is Unix seconds, 0 to 253402300799"
      CHECK (checked_at BETWEEN 0 AND 253402300799),
  flaps INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "virtual_server_verdict.flaps is 0 or more" CHECK (flaps >= 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- topology: which controller is near to whom, for method 'topology'. The longest network that holds
-- the resolver counts first, then its autonomous system, its country and its continent; controllers
-- of which no server is up are passed over. geo_database says where a country is known from.
--
--   INSERT INTO topology (cidr, controller_id)
--     SELECT '198.51.100.0/24', id FROM controller WHERE name = 'fra';
--   INSERT INTO topology (country, controller_id, preference)
--     SELECT 'DE', id, 20 FROM controller WHERE name = 'ams';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS topology (
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
    CONSTRAINT "topology.preference is 0 to 65535" CHECK (preference BETWEEN 0 AND 65535)
) STRICT;

-----------------------------------------------------------------------------------------------
-- geo_database: MaxMind DB files that tell country, continent and autonomous system of an address.
-- All are asked, since they often come in two. A file that is replaced is opened anew.
--
--   INSERT INTO geo_database VALUES ('/var/lib/GeoIP/GeoLite2-Country.mmdb');
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS geo_database (
  -- Absolute; the user PowerDNS runs as must be able to read the file.
  path TEXT NOT NULL PRIMARY KEY
    CONSTRAINT "geo_database.path is absolute, of 2 to 4095 characters: /var/lib/GeoIP/x.mmdb"
      CHECK (length(path) BETWEEN 2 AND 4095 AND path GLOB '/*')
    CONSTRAINT "geo_database.path has no control characters"
      CHECK (path NOT GLOB '*[' || char(1, 45, 31, 127) || ']*' AND instr(path, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- path_metric: round trips between networks of resolvers and controllers, for method 'rtt'. Whoever
-- measures them writes this table; of several networks that hold a resolver the longest counts.
--
--   INSERT INTO path_metric (network, controller_id, rtt)
--     SELECT '198.51.100.0/24', id, 12.5 FROM controller WHERE name = 'fra'
--     ON CONFLICT (network, controller_id)
--       DO UPDATE SET rtt = excluded.rtt, measured_at = excluded.measured_at;
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS path_metric (
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

-----------------------------------------------------------------------------------------------
-- ldns_group: resolvers that count as one client, for example all those of one provider, whose
-- users may be served by any of them. All rows with the same name make one group; its mapping
-- stands in persistence under 'group:NAME'.
--
--   INSERT INTO ldns_group (cidr, name)
--     VALUES ('10.1.0.0/16', 'office'), ('2001:db8:ff::/48', 'office');
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS ldns_group (
  -- A network or one address: '10.1.0.0/16', '2001:db8:ff::/48', '192.0.2.53'.
  cidr TEXT NOT NULL PRIMARY KEY COLLATE NOCASE
    CONSTRAINT "ldns_group.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
      CHECK (length(cidr) BETWEEN 2 AND 49 AND cidr NOT GLOB '*[^0-9A-Fa-f:./]*'
             AND instr(cidr, char(0)) = 0
             AND (cidr GLOB '*:*:*'
                  OR (cidr GLOB '*.*.*.*' AND cidr NOT GLOB '*[^0-9./]*'
                      AND length(cidr) - length(replace(cidr, '.', '')) = 3)))
    CONSTRAINT "ldns_group.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
      CHECK (instr(cidr, '/') = 0
             OR (substr(cidr, instr(cidr, '/') + 1) GLOB '[0-9]*'
                 AND substr(cidr, instr(cidr, '/') + 1) NOT GLOB '*[^0-9]*'
                 AND CAST(substr(cidr, instr(cidr, '/') + 1) AS INTEGER)
                     <= iif(instr(cidr, ':'), 128, 32))),

  -- A word of 1 to 64 characters.
  name TEXT NOT NULL
    CONSTRAINT "ldns_group.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "ldns_group.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127) || ']*' AND instr(name, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- setting: limits and switches. A new database has them all, with their defaults. Where a row is
-- missing, the default counts.
--
--   SELECT * FROM setting;
--   UPDATE setting SET value = 10 WHERE name = 'checkpoint_interval';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS setting (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

-- Their names, defaults (value) and ranges. Triggers insert each row of setting here, which stores
-- nothing, and rejects another name or a value out of range.
CREATE VIEW IF NOT EXISTS allowed_setting (name, value, least, most, unit) AS VALUES
  -- Between two checkpoints, which copy what was written from FILE-wal into FILE.
  ('checkpoint_interval', 5, 1, 3600, 'seconds'),
  -- Between two rounds of the sweep that deletes expired mappings.
  ('sweep_interval', 1, 1, 3600, 'seconds'),
  -- How many rows one transaction of a round looks at.
  ('sweep_batch', 1000, 10, 100000, 'rows'),
  -- The size of the file above which no new mappings are kept. 1024 hold some 16 million.
  ('max_megabytes', 1024, 1, 1048576, 'megabytes'),
  -- How many mappings each process writes in a second. A burst may have ten seconds' worth on top.
  ('max_writes_per_second', 2000, 1, 1000000, 'mappings'),
  -- After that time no method trusts a metric of a controller or a virtual server.
  ('metric_max_age', 60, 1, 86400, 'seconds'),
  -- The same for path_metric.
  ('path_metric_max_age', 86400, 1, 31536000, 'seconds'),
  -- The brake: when more than so many percent of all targets turn down within brake_window,
  -- pdns-stickyd suspects its own network and keeps the verdicts. 0: there is no brake.
  ('brake_percent', 50, 0, 100, 'percent'),
  -- See brake_percent.
  ('brake_window', 30, 1, 3600, 'seconds'),
  -- How many checks pdns-stickyd runs at once.
  ('max_checks', 1000, 1, 10000, 'checks');

CREATE TRIGGER IF NOT EXISTS allowed_setting_name INSTEAD OF INSERT ON allowed_setting
WHEN NOT EXISTS (SELECT 1 FROM allowed_setting WHERE name = NEW.name) BEGIN
  SELECT RAISE(ABORT,
    'setting.name must be one of checkpoint_interval, sweep_interval, sweep_batch, max_megabytes, max_writes_per_second, metric_max_age, path_metric_max_age, brake_percent, brake_window, max_checks');
END;
CREATE TRIGGER IF NOT EXISTS allowed_setting_value INSTEAD OF INSERT ON allowed_setting
WHEN EXISTS (SELECT 1 FROM allowed_setting
              WHERE name = NEW.name AND NEW.value NOT BETWEEN least AND most) BEGIN
  SELECT RAISE(ABORT, 'checkpoint_interval must be 1 to 3600 seconds')
   WHERE NEW.name = 'checkpoint_interval';
  SELECT RAISE(ABORT, 'sweep_interval must be 1 to 3600 seconds')
   WHERE NEW.name = 'sweep_interval';
  SELECT RAISE(ABORT, 'sweep_batch must be 10 to 100000 rows')
   WHERE NEW.name = 'sweep_batch';
  SELECT RAISE(ABORT, 'max_megabytes must be 1 to 1048576 megabytes')
   WHERE NEW.name = 'max_megabytes';
  SELECT RAISE(ABORT, 'max_writes_per_second must be 1 to 1000000 mappings')
   WHERE NEW.name = 'max_writes_per_second';
  SELECT RAISE(ABORT, 'metric_max_age must be 1 to 86400 seconds')
   WHERE NEW.name = 'metric_max_age';
  SELECT RAISE(ABORT, 'path_metric_max_age must be 1 to 31536000 seconds')
   WHERE NEW.name = 'path_metric_max_age';
  SELECT RAISE(ABORT, 'brake_percent must be 0 to 100 percent')
   WHERE NEW.name = 'brake_percent';
  SELECT RAISE(ABORT, 'brake_window must be 1 to 3600 seconds')
   WHERE NEW.name = 'brake_window';
  SELECT RAISE(ABORT, 'max_checks must be 1 to 10000 checks')
   WHERE NEW.name = 'max_checks';
END;

INSERT OR IGNORE INTO setting (name, value) SELECT name, value FROM allowed_setting;

-----------------------------------------------------------------------------------------------
-- persistence: the mappings. PowerDNS's questions write this table; people read it through the
-- view "mapping" and delete from it to let a resolver go:
--
--   DELETE FROM persistence
--     WHERE pool_id = (SELECT id FROM pool WHERE name = 'web') AND ldns = '192.0.2.53';
--
-- A row is written for nearly every new resolver, so nothing is hung on it but these checks: no
-- trigger, no further index. An expired row binds nobody and goes with the next sweep.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS persistence (
  -- The pool whose mapping it is: the pool asked, or the one whose mappings it shares.
  pool_id INTEGER NOT NULL REFERENCES pool (id) ON DELETE CASCADE,

  -- For whom: an address '192.0.2.53' or '2001:db8::53'; a network '192.0.2.0/24', where the pool
  -- has a shorter prefix; 'ecs:198.51.100.0/24', where the client network counts; 'group:office'.
  ldns TEXT NOT NULL
    CONSTRAINT "persistence.ldns has 1 to 128 characters" CHECK (length(ldns) BETWEEN 1 AND 128),

  -- To where.
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- The pool's method when the mapping was made. It binds while the pool still has that method.
  method TEXT NOT NULL
    CONSTRAINT "persistence.method is a word of 1 to 32 small letters and hyphens"
      CHECK (length(method) BETWEEN 1 AND 32 AND method NOT GLOB '*[^a-z-]*'),

  -- When it was made, or with the sliding timer last moved on.
  timestamp INTEGER NOT NULL
    CONSTRAINT "persistence.timestamp is Unix seconds, 0 to 253402300799"
      CHECK (timestamp BETWEEN 0 AND 253402300799),

  -- Seconds after timestamp that it binds.
  ttl INTEGER NOT NULL
    CONSTRAINT "persistence.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  PRIMARY KEY (pool_id, ldns)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- revision: one row whose numbers change with every committed change of the tables named below. A
-- process reads them with each question, and reads the tables again when a number is not the one it
-- had. The triggers at the end of this file draw the numbers at random, and nobody else writes here.
-- At random, because a count would repeat after a backup was restored: a process that had seen the
-- same count before would not notice the restored rows.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS revision (
  id INTEGER PRIMARY KEY CONSTRAINT "revision has one row" CHECK (id = 1),

  -- Changes with zone, record, controller, pool, virtual_server, balanced_name, monitor, ldns_group
  -- and setting.
  configuration INTEGER NOT NULL,

  -- Changes when a metric 'availability' is inserted, deleted or gets another value.
  metrics INTEGER NOT NULL,

  -- Changes with topology and geo_database.
  topology INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO revision (id, configuration, metrics, topology)
  VALUES (1, random(), random(), random());

-----------------------------------------------------------------------------------------------
-- Indexes. A record stands once in its zone: a set of records has no doubles. A controller stands
-- once in the topology for the same network, country, continent or autonomous system.
-----------------------------------------------------------------------------------------------
CREATE UNIQUE INDEX IF NOT EXISTS record_once ON record (zone_id, name, type, content);
CREATE UNIQUE INDEX IF NOT EXISTS record_once_without_zone ON record (name, type, content)
  WHERE zone_id IS NULL;
CREATE INDEX IF NOT EXISTS record_name ON record (name);
CREATE INDEX IF NOT EXISTS virtual_server_controller ON virtual_server (controller_id, pool_id);
CREATE INDEX IF NOT EXISTS balanced_name_pool ON balanced_name (pool_id);
CREATE INDEX IF NOT EXISTS pool_fallback ON pool (fallback_pool_id)
  WHERE fallback_pool_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS pool_persistence ON pool (persistence_pool_id)
  WHERE persistence_pool_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS topology_cidr ON topology (cidr, controller_id)
  WHERE cidr IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS topology_country ON topology (country, controller_id)
  WHERE country IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS topology_continent ON topology (continent, controller_id)
  WHERE continent IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS topology_asn ON topology (asn, controller_id)
  WHERE asn IS NOT NULL;
CREATE INDEX IF NOT EXISTS topology_controller ON topology (controller_id);
CREATE INDEX IF NOT EXISTS path_metric_bits ON path_metric (ipv6, bits);

-----------------------------------------------------------------------------------------------
-- View server: the virtual servers as people call them.
--
--   SELECT * FROM server WHERE pool = 'web';
--
-- state is the stricter of the server's and its controller's. up is 'yes', 'server down' or
-- 'controller down'.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS server
  (pool, position, controller, answer, weight, state, up) AS
SELECT
  p.name,
  v.position,
  c.name,
  trim(coalesce(v.ipv4, '') || ' ' || coalesce(v.ipv6, '')),
  v.weight,
  CASE
    WHEN 'disabled' IN (v.state, c.state) THEN 'disabled'
    WHEN 'draining' IN (v.state, c.state) THEN 'draining'
    ELSE 'enabled'
  END,
  CASE 0
    WHEN (SELECT value FROM controller_metric
           WHERE controller_id = c.id AND name = 'availability') THEN 'controller down'
    WHEN (SELECT value FROM virtual_server_metric
           WHERE virtual_server_id = v.id AND name = 'availability') THEN 'server down'
    ELSE 'yes'
  END
FROM virtual_server AS v
JOIN pool AS p ON p.id = v.pool_id
JOIN controller AS c ON c.id = v.controller_id
ORDER BY p.name, v.position;

-----------------------------------------------------------------------------------------------
-- View health: what is checked, and with what result.
--
--   SELECT * FROM health WHERE state <> 'up';
--
-- pool, controller  whose virtual server it is; pool is NULL for a controller itself
-- address           that is checked
-- monitor           how; NULL, where none is named any more
-- state             'up', 'down', or 'unknown' before the first verdict
-- reason            how the last check ended
-- since, checked    when the state was taken, and when the last check was: month-day
--                   hour:minute:second, UTC
-- age_s             seconds since the last check; much more than the interval of the monitor, if
--                   pdns-stickyd doesn't run
-- rtt               round trip in milliseconds, smoothed
-- flaps             how often the state has changed
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS health
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

-----------------------------------------------------------------------------------------------
-- View mapping: persistence as people read it.
--
--   SELECT * FROM mapping WHERE pool = 'web' AND ldns = '192.0.2.53';
--   SELECT controller, count(*) FROM mapping WHERE live = 'yes' GROUP BY controller;
--   DELETE FROM mapping WHERE pool = 'web' AND ldns = '192.0.2.53';  -- deletes from persistence
--
-- pool        the pool whose mapping it is; pools that share it are not listed for themselves
-- address     of the controller
-- answer      addresses of that controller's servers in the pool that are not disabled, and of
--             those only the ones that are up, if any is; several servers are joined by ' or '
-- since       when it was made or moved on, until when it binds: month-day hour:minute, UTC
-- left_s      seconds until then, 0 when it is over
-- live        'yes', or why it no longer binds, the first that holds of 'expired', 'method
--             changed', 'controller gone', 'controller disabled', 'no server' (none of that
--             controller in the pool that is not disabled), 'server down' (none of those is up;
--             where the whole pool is down and falls back to 'any', it binds even so)
--
-- CROSS JOIN keeps pool outside, so that a WHERE on ldns, with or without pool, uses the key.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS mapping
  (pool, ldns, controller, address, answer, method, since, until, left_s, live) AS
SELECT
  p.name,
  m.ldns,
  c.name,
  c.address,
  (SELECT coalesce(group_concat(addresses, ' or ') FILTER (WHERE up),
                   group_concat(addresses, ' or '))
     FROM (SELECT trim(coalesce(v.ipv4, '') || ' ' || coalesce(v.ipv6, '')) AS addresses,
                  NOT EXISTS (SELECT 1 FROM virtual_server_metric AS a
                               WHERE a.virtual_server_id = v.id
                                 AND a.name = 'availability' AND a.value = 0) AS up
             FROM virtual_server AS v
            WHERE v.pool_id = m.pool_id AND v.controller_id = m.controller_id
              AND v.state <> 'disabled'
            ORDER BY v.position)),
  m.method,
  strftime('%m-%d %H:%M', m.timestamp, 'unixepoch'),
  strftime('%m-%d %H:%M', min(m.timestamp + m.ttl, 253402300799), 'unixepoch'),
  max(m.timestamp + m.ttl - unixepoch(), 0),
  CASE
    WHEN m.timestamp + m.ttl <= unixepoch() THEN 'expired'
    WHEN m.method <> p.method THEN 'method changed'
    WHEN c.id IS NULL THEN 'controller gone'
    WHEN c.state = 'disabled' THEN 'controller disabled'
    WHEN NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      WHERE v.pool_id = m.pool_id AND v.controller_id = m.controller_id
                        AND v.state <> 'disabled') THEN 'no server'
    WHEN EXISTS (SELECT 1 FROM controller_metric AS a
                  WHERE a.controller_id = c.id AND a.name = 'availability' AND a.value = 0)
      OR NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      WHERE v.pool_id = m.pool_id AND v.controller_id = m.controller_id
                        AND v.state <> 'disabled'
                        AND NOT EXISTS (SELECT 1 FROM virtual_server_metric AS a
                                         WHERE a.virtual_server_id = v.id
                                           AND a.name = 'availability' AND a.value = 0))
      THEN 'server down'
    ELSE 'yes'
  END
FROM pool AS p
CROSS JOIN persistence AS m ON m.pool_id = p.id
LEFT JOIN controller AS c ON c.id = m.controller_id;

CREATE TRIGGER IF NOT EXISTS mapping_delete INSTEAD OF DELETE ON mapping BEGIN
  DELETE FROM persistence
   WHERE pool_id = (SELECT id FROM pool WHERE name = OLD.pool) AND ldns = OLD.ldns;
END;

-----------------------------------------------------------------------------------------------
-- The words that columns take: one view for each list, which people can read, too.
--
--   SELECT word FROM allowed_method;
--
-- A trigger inserts what is written to such a column into its view. Nothing is stored there, but a
-- word that is not in the view is rejected with a message that names those that are. The lists will
-- grow: a migration drops a view, and creates it and its trigger anew. It could not change a CHECK.
-----------------------------------------------------------------------------------------------

-- For controller.state, virtual_server.state.
CREATE VIEW IF NOT EXISTS allowed_state (word) AS VALUES ('enabled'), ('draining'), ('disabled');
CREATE TRIGGER IF NOT EXISTS allowed_state_check INSTEAD OF INSERT ON allowed_state
WHEN NOT EXISTS (SELECT 1 FROM allowed_state WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'state must be one of enabled, draining, disabled');
END;

-- For pool.method, pool.alternate_method.
CREATE VIEW IF NOT EXISTS allowed_method (word) AS
  VALUES ('modulus'), ('rendezvous'), ('round-robin'), ('ratio'), ('failover'), ('rtt'), ('least'),
         ('topology');
CREATE TRIGGER IF NOT EXISTS allowed_method_check INSTEAD OF INSERT ON allowed_method
WHEN NOT EXISTS (SELECT 1 FROM allowed_method WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT,
    'method must be one of modulus, rendezvous, round-robin, ratio, failover, rtt, least, topology');
END;

-- For pool.persistence_timer.
CREATE VIEW IF NOT EXISTS allowed_timer (word) AS VALUES ('fixed'), ('sliding');
CREATE TRIGGER IF NOT EXISTS allowed_timer_check INSTEAD OF INSERT ON allowed_timer
WHEN NOT EXISTS (SELECT 1 FROM allowed_timer WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'pool.persistence_timer must be one of fixed, sliding');
END;

-- For pool.client.
CREATE VIEW IF NOT EXISTS allowed_client (word) AS VALUES ('ldns'), ('ecs');
CREATE TRIGGER IF NOT EXISTS allowed_client_check INSTEAD OF INSERT ON allowed_client
WHEN NOT EXISTS (SELECT 1 FROM allowed_client WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'pool.client must be one of ldns, ecs');
END;

-- For pool.fallback.
CREATE VIEW IF NOT EXISTS allowed_fallback (word) AS VALUES ('any'), ('none'), ('servfail');
CREATE TRIGGER IF NOT EXISTS allowed_fallback_check INSTEAD OF INSERT ON allowed_fallback
WHEN NOT EXISTS (SELECT 1 FROM allowed_fallback WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'pool.fallback must be one of any, none, servfail');
END;

-- For monitor.type.
CREATE VIEW IF NOT EXISTS allowed_monitor_type (word) AS
  VALUES ('tcp'), ('http'), ('https'), ('icmp'), ('dns'), ('exec');
CREATE TRIGGER IF NOT EXISTS allowed_monitor_type_check INSTEAD OF INSERT ON allowed_monitor_type
WHEN NOT EXISTS (SELECT 1 FROM allowed_monitor_type WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'monitor.type must be one of tcp, http, https, icmp, dns, exec');
END;

-- For monitor.query.
CREATE VIEW IF NOT EXISTS allowed_query (word) AS
  VALUES ('A'), ('AAAA'), ('NS'), ('SOA'), ('TXT'), ('MX');
CREATE TRIGGER IF NOT EXISTS allowed_query_check INSTEAD OF INSERT ON allowed_query
WHEN NOT EXISTS (SELECT 1 FROM allowed_query WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'monitor.query must be one of A, AAAA, NS, SOA, TXT, MX');
END;

-- For controller_verdict.state, virtual_server_verdict.state.
CREATE VIEW IF NOT EXISTS allowed_verdict (word) AS VALUES ('up'), ('down');
CREATE TRIGGER IF NOT EXISTS allowed_verdict_check INSTEAD OF INSERT ON allowed_verdict
WHEN NOT EXISTS (SELECT 1 FROM allowed_verdict WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'the state of a verdict must be one of up, down');
END;

-- For controller_verdict.reason, virtual_server_verdict.reason.
CREATE VIEW IF NOT EXISTS allowed_reason (word) AS
  VALUES ('ok'), ('timeout'), ('refused'), ('unreachable'), ('closed'), ('tls'), ('protocol'),
         ('status'), ('content'), ('internal');
CREATE TRIGGER IF NOT EXISTS allowed_reason_check INSTEAD OF INSERT ON allowed_reason
WHEN NOT EXISTS (SELECT 1 FROM allowed_reason WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT,
    'reason must be one of ok, timeout, refused, unreachable, closed, tls, protocol, status, content, internal');
END;

-- What a type of monitor needs, and what it has no use for. This view is always empty.
CREATE VIEW IF NOT EXISTS allowed_monitor (type, port, path, host, body, send, expect) AS
  SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;
CREATE TRIGGER IF NOT EXISTS allowed_monitor_check INSTEAD OF INSERT ON allowed_monitor BEGIN
  SELECT RAISE(ABORT, 'monitor.port must be NULL for icmp: a ping has no port')
   WHERE NEW.type = 'icmp' AND NEW.port IS NOT NULL;
  SELECT RAISE(ABORT, 'monitor.path is only for http, https and exec')
   WHERE NEW.path IS NOT NULL AND NEW.type NOT IN ('http', 'https', 'exec');
  SELECT RAISE(ABORT, 'monitor.path must begin with / for http and https: /health')
   WHERE NEW.type IN ('http', 'https') AND NEW.path NOT GLOB '/*';
  SELECT RAISE(ABORT,
    'monitor.path must name a program for exec, without a leading / and without ..')
   WHERE NEW.type = 'exec'
     AND (NEW.path IS NULL OR NEW.path GLOB '/*' OR '/' || NEW.path || '/' GLOB '*/../*');
  SELECT RAISE(ABORT, 'monitor.host is only for http, https and dns')
   WHERE NEW.host IS NOT NULL AND NEW.type NOT IN ('http', 'https', 'dns');
  SELECT RAISE(ABORT, 'monitor.host is required for dns: it is the name to ask for')
   WHERE NEW.type = 'dns' AND NEW.host IS NULL;
  SELECT RAISE(ABORT, 'monitor.body is only for http and https')
   WHERE NEW.body IS NOT NULL AND NEW.type NOT IN ('http', 'https');
  SELECT RAISE(ABORT, 'monitor.send is only for tcp')
   WHERE NEW.send IS NOT NULL AND NEW.type <> 'tcp';
  SELECT RAISE(ABORT, 'monitor.expect is only for tcp')
   WHERE NEW.expect IS NOT NULL AND NEW.type <> 'tcp';
END;

-----------------------------------------------------------------------------------------------
-- Triggers that keep the tables in step. INSERT OR REPLACE and UPDATE OR REPLACE remove rows
-- without a delete trigger, so after each insert and each renaming we look for what they left
-- dangling.
-----------------------------------------------------------------------------------------------

-- Zones and their records.

CREATE TRIGGER IF NOT EXISTS zone_insert AFTER INSERT ON zone BEGIN
  SELECT RAISE(ABORT, 'this would remove a zone that still has records: no REPLACE, but UPDATE')
   WHERE EXISTS (WITH RECURSIVE used (id) AS (
                   SELECT min(zone_id) FROM record
                    UNION
                   SELECT (SELECT min(zone_id) FROM record WHERE zone_id > used.id)
                     FROM used WHERE used.id IS NOT NULL)
                 SELECT 1 FROM used WHERE id NOT IN (SELECT id FROM zone));
  SELECT RAISE(ABORT, 'the zone has records outside this name: delete or rename them first')
   WHERE NEW.name <> '.'
     AND EXISTS (SELECT 1 FROM record
                  WHERE zone_id = NEW.id AND name <> NEW.name COLLATE NOCASE
                    AND substr(name, -length(NEW.name) - 1) <> '.' || NEW.name COLLATE NOCASE);
END;

CREATE TRIGGER IF NOT EXISTS zone_update BEFORE UPDATE ON zone WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'zone.id never changes: insert another zone and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS zone_rename AFTER UPDATE OF name ON zone BEGIN
  SELECT RAISE(ABORT, 'this would remove a zone that still has records: no REPLACE, but UPDATE')
   WHERE EXISTS (WITH RECURSIVE used (id) AS (
                   SELECT min(zone_id) FROM record
                    UNION
                   SELECT (SELECT min(zone_id) FROM record WHERE zone_id > used.id)
                     FROM used WHERE used.id IS NOT NULL)
                 SELECT 1 FROM used WHERE id NOT IN (SELECT id FROM zone));
  SELECT RAISE(ABORT, 'the zone has records outside this name: delete or rename them first')
   WHERE NEW.name <> '.'
     AND EXISTS (SELECT 1 FROM record
                  WHERE zone_id = NEW.id AND name <> NEW.name COLLATE NOCASE
                    AND substr(name, -length(NEW.name) - 1) <> '.' || NEW.name COLLATE NOCASE);
END;

CREATE TRIGGER IF NOT EXISTS zone_delete BEFORE DELETE ON zone BEGIN
  SELECT RAISE(ABORT, 'the zone still has records: delete them first')
   WHERE EXISTS (SELECT 1 FROM record WHERE zone_id = OLD.id);
END;

CREATE TRIGGER IF NOT EXISTS record_insert AFTER INSERT ON record BEGIN
  SELECT RAISE(ABORT, 'record.zone_id names no zone: see table zone')
   WHERE NEW.zone_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM zone WHERE id = NEW.zone_id);
  SELECT RAISE(ABORT, 'record.name lies outside its zone: write it in full, www.example.com')
    FROM zone
   WHERE id = NEW.zone_id AND name <> '.' AND NEW.name <> name COLLATE NOCASE
     AND substr(NEW.name, -length(name) - 1) <> '.' || name COLLATE NOCASE;
  SELECT RAISE(ABORT, 'a balanced name has no A, AAAA or CNAME records: its pool answers them')
   WHERE NEW.disabled = 0 AND NEW.type IN ('A', 'AAAA', 'CNAME')
     AND EXISTS (SELECT 1 FROM balanced_name WHERE name = NEW.name COLLATE NOCASE);
END;

CREATE TRIGGER IF NOT EXISTS record_update AFTER UPDATE ON record BEGIN
  SELECT RAISE(ABORT, 'record.zone_id names no zone: see table zone')
   WHERE NEW.zone_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM zone WHERE id = NEW.zone_id);
  SELECT RAISE(ABORT, 'record.name lies outside its zone: write it in full, www.example.com')
    FROM zone
   WHERE id = NEW.zone_id AND name <> '.' AND NEW.name <> name COLLATE NOCASE
     AND substr(NEW.name, -length(name) - 1) <> '.' || name COLLATE NOCASE;
  SELECT RAISE(ABORT, 'a balanced name has no A, AAAA or CNAME records: its pool answers them')
   WHERE NEW.disabled = 0 AND NEW.type IN ('A', 'AAAA', 'CNAME')
     AND EXISTS (SELECT 1 FROM balanced_name WHERE name = NEW.name COLLATE NOCASE);
END;

-- Controllers. To delete one deletes with it what was measured of it, its topology and its
-- mappings.

CREATE TRIGGER IF NOT EXISTS controller_insert AFTER INSERT ON controller BEGIN
  SELECT RAISE(ABORT, 'this would remove a controller that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_update BEFORE UPDATE ON controller
WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'controller.id never changes: insert another controller and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS controller_rename AFTER UPDATE OF name ON controller BEGIN
  SELECT RAISE(ABORT, 'this would remove a controller that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_delete BEFORE DELETE ON controller BEGIN
  SELECT RAISE(ABORT, 'the controller still has virtual servers: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE controller_id = OLD.id);
  DELETE FROM controller_metric WHERE controller_id = OLD.id;
  DELETE FROM controller_verdict WHERE controller_id = OLD.id;
  DELETE FROM topology WHERE controller_id = OLD.id;
  DELETE FROM path_metric WHERE controller_id = OLD.id;
  DELETE FROM persistence WHERE controller_id = OLD.id;
END;

-- Pools. To delete one deletes its mappings with it.

CREATE TRIGGER IF NOT EXISTS pool_insert AFTER INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'this would remove a pool that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM balanced_name WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool
                  WHERE id <> NEW.id AND fallback_pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool
                  WHERE id <> NEW.id AND persistence_pool_id NOT IN (SELECT id FROM pool));
  SELECT RAISE(ABORT, 'pool.fallback_pool_id names the pool itself: NULL means no other pool')
   WHERE NEW.fallback_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.fallback_pool_id names no pool: see table pool')
   WHERE NEW.fallback_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'pool.fallback_pool_id leads back to this pool: fallbacks make no circle')
   WHERE NEW.id IN (WITH RECURSIVE chain (id) AS (
                      SELECT NEW.fallback_pool_id
                       UNION
                      SELECT p.fallback_pool_id FROM pool AS p JOIN chain USING (id))
                    SELECT id FROM chain);
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names the pool itself: NULL means its own mappings')
   WHERE NEW.persistence_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names no pool: see table pool')
   WHERE NEW.persistence_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names a pool that shares a third''s: name that one')
    FROM pool WHERE id = NEW.persistence_pool_id AND persistence_pool_id IS NOT NULL;
  SELECT RAISE(ABORT, 'other pools share the mappings of this one, so it can''t share another''s')
   WHERE NEW.persistence_pool_id IS NOT NULL
     AND EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = NEW.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_update BEFORE UPDATE ON pool WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'pool.id never changes: insert another pool and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS pool_rename AFTER UPDATE OF name ON pool BEGIN
  SELECT RAISE(ABORT, 'this would remove a pool that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM balanced_name WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool WHERE fallback_pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id NOT IN (SELECT id FROM pool));
END;

CREATE TRIGGER IF NOT EXISTS pool_refer
AFTER UPDATE OF fallback_pool_id, persistence_pool_id ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.fallback_pool_id names the pool itself: NULL means no other pool')
   WHERE NEW.fallback_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.fallback_pool_id names no pool: see table pool')
   WHERE NEW.fallback_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'pool.fallback_pool_id leads back to this pool: fallbacks make no circle')
   WHERE NEW.id IN (WITH RECURSIVE chain (id) AS (
                      SELECT NEW.fallback_pool_id
                       UNION
                      SELECT p.fallback_pool_id FROM pool AS p JOIN chain USING (id))
                    SELECT id FROM chain);
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names the pool itself: NULL means its own mappings')
   WHERE NEW.persistence_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names no pool: see table pool')
   WHERE NEW.persistence_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'pool.persistence_pool_id names a pool that shares a third''s: name that one')
    FROM pool WHERE id = NEW.persistence_pool_id AND persistence_pool_id IS NOT NULL;
  SELECT RAISE(ABORT, 'other pools share the mappings of this one, so it can''t share another''s')
   WHERE NEW.persistence_pool_id IS NOT NULL
     AND EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = NEW.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_delete BEFORE DELETE ON pool BEGIN
  SELECT RAISE(ABORT, 'the pool still has virtual servers: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id = OLD.id);
  SELECT RAISE(ABORT, 'the pool still has balanced names: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM balanced_name WHERE pool_id = OLD.id);
  SELECT RAISE(ABORT, 'another pool falls back to this one: change its fallback_pool_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE fallback_pool_id = OLD.id);
  SELECT RAISE(ABORT, 'another pool shares the mappings of this one: end that first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = OLD.id);
  DELETE FROM persistence WHERE pool_id = OLD.id;
END;

-- Virtual servers and balanced names. To delete a virtual server deletes its metrics and its
-- verdict with it.

CREATE TRIGGER IF NOT EXISTS virtual_server_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'a virtual server needs ipv4 or ipv6, or both')
   WHERE NEW.ipv4 IS NULL AND NEW.ipv6 IS NULL;
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

CREATE TRIGGER IF NOT EXISTS virtual_server_update BEFORE UPDATE ON virtual_server
WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'virtual_server.id never changes: insert another one and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_move
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

CREATE TRIGGER IF NOT EXISTS virtual_server_address
AFTER UPDATE OF ipv4, ipv6 ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'a virtual server needs ipv4 or ipv6, or both')
   WHERE NEW.ipv4 IS NULL AND NEW.ipv6 IS NULL;
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_delete BEFORE DELETE ON virtual_server BEGIN
  DELETE FROM virtual_server_metric WHERE virtual_server_id = OLD.id;
  DELETE FROM virtual_server_verdict WHERE virtual_server_id = OLD.id;
END;

CREATE TRIGGER IF NOT EXISTS balanced_name_insert AFTER INSERT ON balanced_name BEGIN
  SELECT RAISE(ABORT, 'balanced_name.pool_id names no pool: see table pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'the name has A, AAAA or CNAME records: delete or disable them first')
   WHERE EXISTS (SELECT 1 FROM record
                  WHERE name = NEW.name COLLATE NOCASE AND disabled = 0
                    AND type IN ('A', 'AAAA', 'CNAME'));
END;

CREATE TRIGGER IF NOT EXISTS balanced_name_update AFTER UPDATE ON balanced_name BEGIN
  SELECT RAISE(ABORT, 'balanced_name.pool_id names no pool: see table pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'the name has A, AAAA or CNAME records: delete or disable them first')
   WHERE EXISTS (SELECT 1 FROM record
                  WHERE name = NEW.name COLLATE NOCASE AND disabled = 0
                    AND type IN ('A', 'AAAA', 'CNAME'));
END;

-- Monitors, and those that name one.

CREATE TRIGGER IF NOT EXISTS monitor_insert AFTER INSERT ON monitor BEGIN
  SELECT RAISE(ABORT, 'this would remove a monitor that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER IF NOT EXISTS monitor_update BEFORE UPDATE ON monitor WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'monitor.id never changes: insert another monitor and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS monitor_rename AFTER UPDATE OF name ON monitor BEGIN
  SELECT RAISE(ABORT, 'this would remove a monitor that is in use: no REPLACE, but UPDATE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER IF NOT EXISTS monitor_delete BEFORE DELETE ON monitor BEGIN
  SELECT RAISE(ABORT, 'a pool still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a virtual server still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a controller still names the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM controller WHERE monitor_id = OLD.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_monitor_insert AFTER INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS pool_monitor_update AFTER UPDATE OF monitor_id ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_monitor_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_monitor_update
AFTER UPDATE OF monitor_id ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS controller_monitor_insert AFTER INSERT ON controller BEGIN
  SELECT RAISE(ABORT,
    'controller.monitor_id needs a numeric controller.address: 192.0.2.1, 2001:db8::1')
   WHERE NEW.monitor_id IS NOT NULL
     AND (NEW.address IS NULL OR length(NEW.address) > 45 OR NEW.address GLOB '*[^0-9A-Fa-f:.]*'
          OR (NEW.address NOT GLOB '*:*:*'
              AND (NEW.address NOT GLOB '[0-9]*.*.*.[0-9]*' OR NEW.address GLOB '*[^0-9.]*'
                   OR length(NEW.address) - length(replace(NEW.address, '.', '')) <> 3)));
  SELECT RAISE(ABORT, 'controller.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS controller_monitor_update
AFTER UPDATE OF monitor_id, address ON controller BEGIN
  SELECT RAISE(ABORT,
    'controller.monitor_id needs a numeric controller.address: 192.0.2.1, 2001:db8::1')
   WHERE NEW.monitor_id IS NOT NULL
     AND (NEW.address IS NULL OR length(NEW.address) > 45 OR NEW.address GLOB '*[^0-9A-Fa-f:.]*'
          OR (NEW.address NOT GLOB '*:*:*'
              AND (NEW.address NOT GLOB '[0-9]*.*.*.[0-9]*' OR NEW.address GLOB '*[^0-9.]*'
                   OR length(NEW.address) - length(replace(NEW.address, '.', '')) <> 3)));
  SELECT RAISE(ABORT, 'controller.monitor_id names no monitor: see table monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

-- Metrics.

CREATE TRIGGER IF NOT EXISTS controller_metric_insert AFTER INSERT ON controller_metric BEGIN
  SELECT RAISE(ABORT,
               'controller_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_metric_update
AFTER UPDATE OF controller_id ON controller_metric BEGIN
  SELECT RAISE(ABORT,
               'controller_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_metric_insert AFTER INSERT ON virtual_server_metric
BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_metric.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_metric_update
AFTER UPDATE OF virtual_server_id ON virtual_server_metric BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_metric.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

-- Verdicts.

CREATE TRIGGER IF NOT EXISTS controller_verdict_insert AFTER INSERT ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_verdict_update
AFTER UPDATE OF controller_id ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_insert
AFTER INSERT ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_verdict.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_update
AFTER UPDATE OF virtual_server_id ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT,
               'virtual_server_verdict.virtual_server_id names no virtual server: see its id')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

-- Topology and round trips.

CREATE TRIGGER IF NOT EXISTS topology_insert AFTER INSERT ON topology BEGIN
  SELECT RAISE(ABORT, 'topology needs exactly one of cidr, country, continent, asn')
   WHERE (NEW.cidr IS NOT NULL) + (NEW.country IS NOT NULL) + (NEW.continent IS NOT NULL)
         + (NEW.asn IS NOT NULL) <> 1;
  SELECT RAISE(ABORT, 'topology.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS topology_update AFTER UPDATE ON topology BEGIN
  SELECT RAISE(ABORT, 'topology needs exactly one of cidr, country, continent, asn')
   WHERE (NEW.cidr IS NOT NULL) + (NEW.country IS NOT NULL) + (NEW.continent IS NOT NULL)
         + (NEW.asn IS NOT NULL) <> 1;
  SELECT RAISE(ABORT, 'topology.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS path_metric_insert AFTER INSERT ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS path_metric_update AFTER UPDATE OF controller_id ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id names no controller: see table controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

-- Words: what is written to these columns must be in the view for them.

CREATE TRIGGER IF NOT EXISTS controller_allowed_insert AFTER INSERT ON controller BEGIN
  INSERT INTO allowed_state VALUES (NEW.state);
END;
CREATE TRIGGER IF NOT EXISTS controller_allowed_update AFTER UPDATE OF state ON controller BEGIN
  INSERT INTO allowed_state VALUES (NEW.state);
END;

CREATE TRIGGER IF NOT EXISTS pool_allowed_insert AFTER INSERT ON pool BEGIN
  INSERT INTO allowed_method VALUES (NEW.method);
  INSERT INTO allowed_method
    SELECT NEW.alternate_method WHERE NEW.alternate_method IS NOT NULL;
  INSERT INTO allowed_timer VALUES (NEW.persistence_timer);
  INSERT INTO allowed_client VALUES (NEW.client);
  INSERT INTO allowed_fallback VALUES (NEW.fallback);
END;
CREATE TRIGGER IF NOT EXISTS pool_allowed_update
AFTER UPDATE OF method, alternate_method, persistence_timer, client, fallback ON pool BEGIN
  INSERT INTO allowed_method VALUES (NEW.method);
  INSERT INTO allowed_method
    SELECT NEW.alternate_method WHERE NEW.alternate_method IS NOT NULL;
  INSERT INTO allowed_timer VALUES (NEW.persistence_timer);
  INSERT INTO allowed_client VALUES (NEW.client);
  INSERT INTO allowed_fallback VALUES (NEW.fallback);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_allowed_insert AFTER INSERT ON virtual_server BEGIN
  INSERT INTO allowed_state VALUES (NEW.state);
END;
CREATE TRIGGER IF NOT EXISTS virtual_server_allowed_update
AFTER UPDATE OF state ON virtual_server BEGIN
  INSERT INTO allowed_state VALUES (NEW.state);
END;

CREATE TRIGGER IF NOT EXISTS monitor_allowed_insert AFTER INSERT ON monitor BEGIN
  INSERT INTO allowed_monitor_type VALUES (NEW.type);
  INSERT INTO allowed_query VALUES (NEW.query);
  INSERT INTO allowed_monitor
    VALUES (NEW.type, NEW.port, NEW.path, NEW.host, NEW.body, NEW.send, NEW.expect);
END;
CREATE TRIGGER IF NOT EXISTS monitor_allowed_update AFTER UPDATE ON monitor BEGIN
  INSERT INTO allowed_monitor_type VALUES (NEW.type);
  INSERT INTO allowed_query VALUES (NEW.query);
  INSERT INTO allowed_monitor
    VALUES (NEW.type, NEW.port, NEW.path, NEW.host, NEW.body, NEW.send, NEW.expect);
END;

CREATE TRIGGER IF NOT EXISTS controller_verdict_allowed_insert
AFTER INSERT ON controller_verdict BEGIN
  INSERT INTO allowed_verdict VALUES (NEW.state);
  INSERT INTO allowed_reason VALUES (NEW.reason);
END;
CREATE TRIGGER IF NOT EXISTS controller_verdict_allowed_update
AFTER UPDATE OF state, reason ON controller_verdict BEGIN
  INSERT INTO allowed_verdict VALUES (NEW.state);
  INSERT INTO allowed_reason VALUES (NEW.reason);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_allowed_insert
AFTER INSERT ON virtual_server_verdict BEGIN
  INSERT INTO allowed_verdict VALUES (NEW.state);
  INSERT INTO allowed_reason VALUES (NEW.reason);
END;
CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_allowed_update
AFTER UPDATE OF state, reason ON virtual_server_verdict BEGIN
  INSERT INTO allowed_verdict VALUES (NEW.state);
  INSERT INTO allowed_reason VALUES (NEW.reason);
END;

CREATE TRIGGER IF NOT EXISTS setting_allowed_insert AFTER INSERT ON setting BEGIN
  INSERT INTO allowed_setting (name, value) VALUES (NEW.name, NEW.value);
END;
CREATE TRIGGER IF NOT EXISTS setting_allowed_update AFTER UPDATE ON setting BEGIN
  INSERT INTO allowed_setting (name, value) VALUES (NEW.name, NEW.value);
END;

-----------------------------------------------------------------------------------------------
-- Triggers that draw a new number for the revision.
-----------------------------------------------------------------------------------------------

CREATE TRIGGER IF NOT EXISTS revision_zone_insert AFTER INSERT ON zone BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_zone_update AFTER UPDATE ON zone BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_zone_delete AFTER DELETE ON zone BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_record_insert AFTER INSERT ON record BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_record_update AFTER UPDATE ON record BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_record_delete AFTER DELETE ON record BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_controller_insert AFTER INSERT ON controller BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_controller_update AFTER UPDATE ON controller BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_controller_delete AFTER DELETE ON controller BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_pool_insert AFTER INSERT ON pool BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_pool_update AFTER UPDATE ON pool BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_pool_delete AFTER DELETE ON pool BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_virtual_server_insert AFTER INSERT ON virtual_server BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_update AFTER UPDATE ON virtual_server BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_delete AFTER DELETE ON virtual_server BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_balanced_name_insert AFTER INSERT ON balanced_name BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_balanced_name_update AFTER UPDATE ON balanced_name BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_balanced_name_delete AFTER DELETE ON balanced_name BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_monitor_insert AFTER INSERT ON monitor BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_monitor_update AFTER UPDATE ON monitor BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_monitor_delete AFTER DELETE ON monitor BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_ldns_group_insert AFTER INSERT ON ldns_group BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_ldns_group_update AFTER UPDATE ON ldns_group BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_ldns_group_delete AFTER DELETE ON ldns_group BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_setting_insert AFTER INSERT ON setting BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_setting_update AFTER UPDATE ON setting BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_setting_delete AFTER DELETE ON setting BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_controller_metric_insert
AFTER INSERT ON controller_metric
WHEN NEW.name = 'availability' BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_controller_metric_update
AFTER UPDATE ON controller_metric
WHEN 'availability' IN (OLD.name, NEW.name)
 AND (NEW.controller_id, NEW.name, NEW.value)
     <> (OLD.controller_id, OLD.name, OLD.value) BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_controller_metric_delete
AFTER DELETE ON controller_metric
WHEN OLD.name = 'availability' BEGIN
  UPDATE revision SET metrics = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_virtual_server_metric_insert
AFTER INSERT ON virtual_server_metric
WHEN NEW.name = 'availability' BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_metric_update
AFTER UPDATE ON virtual_server_metric
WHEN 'availability' IN (OLD.name, NEW.name)
 AND (NEW.virtual_server_id, NEW.name, NEW.value)
     <> (OLD.virtual_server_id, OLD.name, OLD.value) BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_metric_delete
AFTER DELETE ON virtual_server_metric
WHEN OLD.name = 'availability' BEGIN
  UPDATE revision SET metrics = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_topology_insert AFTER INSERT ON topology BEGIN
  UPDATE revision SET topology = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_topology_update AFTER UPDATE ON topology BEGIN
  UPDATE revision SET topology = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_topology_delete AFTER DELETE ON topology BEGIN
  UPDATE revision SET topology = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_geo_database_insert AFTER INSERT ON geo_database BEGIN
  UPDATE revision SET topology = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_geo_database_update AFTER UPDATE ON geo_database BEGIN
  UPDATE revision SET topology = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_geo_database_delete AFTER DELETE ON geo_database BEGIN
  UPDATE revision SET topology = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_delete BEFORE DELETE ON revision BEGIN
  SELECT RAISE(ABORT, 'the revision keeps its row: without it no process would see a change');
END;

UPDATE OR ROLLBACK temp.target SET decided = 1;
DROP TABLE IF EXISTS temp.target;

COMMIT;

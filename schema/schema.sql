-- The database of pdns-sticky, version 1.
--
--   sqlite3 /var/lib/pdns-sticky/sticky.sqlite < schema.sql
--
-- creates a complete, empty database. Run it as the user that PowerDNS runs as: that user must be
-- able to write the file and its directory. A file that already holds this version is not changed.
-- On any other database the script fails with an error, and changes nothing.
--
-- What the database is for: a resolver (LDNS) asks for www.example.com. This name is balanced over
-- the virtual servers of a pool. Each virtual server is an address that the controller (the load
-- balancer) of one site offers, or a host name where the site has no fixed address. pdns-sticky
-- chooses a server and answers with its address or name. The table "persistence" remembers resolver
-- and controller, so that the resolver's next question is answered from the same site.
--
-- How to use it:
--
--   * Change everything with SQL while PowerDNS runs. A committed change takes effect with the next
--     question. Put changes that belong together between BEGIN IMMEDIATE and COMMIT.
--   * An invalid row is rejected by a CHECK or a trigger, with a message that says what is valid.
--     References are checked by triggers, because the sqlite3 shell leaves foreign keys off.
--   * Times are Unix seconds (UTC), durations are seconds.
--   * DNS names have no trailing dot; "." alone is the root. Case does not matter. Unusual bytes
--     are escaped as in a zone file: a space is \032. International names are in their xn-- form.
--   * The columns are explained inside each CREATE TABLE, so that ".schema pool" shows them, too.

PRAGMA journal_mode = WAL;

BEGIN IMMEDIATE;

-- The sqlite3 shell carries on after an error. This table remembers what the file was. The last
-- statement of the transaction rolls everything back if this schema does not fit the file.
CREATE TEMP TABLE target (
  fits INTEGER NOT NULL,
  decided INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT
    "this file is another database or another version (see pdns-stickyctl migrate); nothing changed"
    CHECK (fits OR NOT decided)
);
INSERT INTO temp.target (fits)
  SELECT NOT EXISTS (SELECT 1 FROM main.sqlite_schema)
      OR (a.application_id = 1347638361 AND v.user_version = 1)
    FROM pragma_application_id AS a, pragma_user_version AS v;

PRAGMA application_id = 1347638361;  -- 0x50535459, "PSTY": identifies the file
PRAGMA user_version = 1;             -- raised by the files in migrations/

-----------------------------------------------------------------------------------------------
-- zone: the zones that this backend serves alone. Leave this table empty if another PowerDNS
-- backend serves the zone and pdns-sticky only adds balanced names to it.
--
--   INSERT INTO zone (name) VALUES ('example.com');
--   SELECT id FROM zone WHERE name = 'example.com';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS zone (
  -- Assigned by SQLite and never reused. PowerDNS sees it as the zone's id. 1 to 2147483647.
  id INTEGER PRIMARY KEY AUTOINCREMENT
    CONSTRAINT "zone.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- The name of the apex: 'example.com', or '.' for the root.
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
-- A balanced name may have records of any type but A, AAAA and CNAME, which its pool answers; none
-- at all if its pool answers with host names (virtual_server.name). If another backend serves the
-- zone of the balanced name, these records have no zone_id.
--
--   INSERT INTO record (zone_id, name, type, content)
--     SELECT id, 'mail.example.com', 'A', '192.0.2.25' FROM zone WHERE name = 'example.com';
--   UPDATE record SET disabled = 1 WHERE name = 'mail.example.com' AND type = 'A';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY,

  -- The zone of the record. NULL: a record of a balanced name whose zone another backend serves. It
  -- is used as long as that name is in table balanced_name.
  zone_id INTEGER REFERENCES zone (id),

  -- The full owner name, 'mail.example.com' and not 'mail', at or below the zone's apex. A name
  -- whose first label is '*' is a wildcard.
  name TEXT NOT NULL COLLATE NOCASE
    CONSTRAINT "record.name has 1 to 1004 characters" CHECK (length(name) BETWEEN 1 AND 1004)
    CONSTRAINT "record.name is plain ASCII: no space (\032), tab or newline, xn-- for other letters"
      CHECK (name NOT GLOB '*[^!-~]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "record.name has no trailing dot: www.example.com, not www.example.com."
      CHECK (name = '.' OR replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%.')
    CONSTRAINT "record.name has no leading dot and no two dots in a row"
      CHECK (name = '.' OR '.' || replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%..%'),

  -- The type in capital letters: 'A', 'MX', 'TXT', 'HTTPS', 'TYPE65280'.
  type TEXT NOT NULL
    CONSTRAINT "record.type is 1 to 10 capital letters, digits or -, a letter first: A, MX, TYPE99"
      CHECK (length(type) BETWEEN 1 AND 10 AND type GLOB '[A-Z]*' AND type NOT GLOB '*[^A-Z0-9-]*'),

  -- For how long a resolver may cache the record: 0 to 2147483647 seconds.
  ttl INTEGER NOT NULL DEFAULT 3600
    CONSTRAINT "record.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  -- The data on one line, as PowerDNS writes it: '192.0.2.25'; '10 mail.example.com' for an MX
  -- record; '"v=spf1 -all"', with the double quotes, for a TXT record; seven fields for an SOA.
  content TEXT NOT NULL
    CONSTRAINT "record.content is not empty" CHECK (trim(content) <> '')
    CONSTRAINT "record.content is one line: no tab, carriage return, newline or NUL"
      CHECK (content NOT GLOB '*[' || char(9, 10, 13) || ']*' AND instr(content, char(0)) = 0),

  -- 1: the record stays in the table but is not served.
  disabled INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "record.disabled is 0 or 1" CHECK (disabled IN (0, 1))
) STRICT;

-----------------------------------------------------------------------------------------------
-- controller: the sites, one row each; in practice their load balancers. A mapping ties a resolver
-- to a controller.
--
--   INSERT INTO controller (name, address) VALUES ('ams', '192.0.2.1');
--   UPDATE controller SET state = 'draining' WHERE name = 'ams';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never reused, so no old mapping leads to a new site
    CONSTRAINT "controller.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A short name of the site, 1 to 64 characters: 'ams'.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "controller.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "controller.name has no control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 31, 127, 45, 159) || ']*'
             AND instr(name, char(0)) = 0),

  -- The address or host name of the controller itself. It is for people, and for checking the
  -- controller (see monitor_id). It is never part of a DNS answer. NULL: unknown.
  address TEXT
    CONSTRAINT "controller.address is one word of 1 to 255 ASCII characters, or NULL"
      CHECK (length(address) BETWEEN 1 AND 255 AND address NOT GLOB '*[^!-~]*'
             AND instr(address, char(0)) = 0),

  -- 'enabled'; 'draining': live mappings stay, and new ones are made only if no enabled server of
  -- the pool is up; 'disabled': as if the controller did not exist, so its mappings end at once.
  state TEXT NOT NULL DEFAULT 'enabled',

  -- How the controller itself is checked. Its address must then be numeric. While the controller is
  -- down, all its virtual servers count as down. NULL: it is not checked.
  --   UPDATE controller SET monitor_id = (SELECT id FROM monitor WHERE name = 'ping')
  --     WHERE name = 'ams';
  monitor_id INTEGER REFERENCES monitor (id)
) STRICT;

-----------------------------------------------------------------------------------------------
-- pool: a service that several sites offer, and how resolvers are sent to these sites.
--
--   INSERT INTO pool (name, ttl, persistence_ttl) VALUES ('web', 30, 3600);
--   UPDATE pool SET persistence_ttl = 7200 WHERE name = 'web';  -- for mappings made from now on
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS pool (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never reused, so a new pool has no old mappings
    CONSTRAINT "pool.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A word of 1 to 64 characters: 'web'. Commands and log lines show it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "pool.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "pool.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127, 45, 159) || ']*'
             AND instr(name, char(0)) = 0),

  -- How a server is chosen for a resolver without a live mapping:
  --   'modulus'      by the resolver's address: the same resolver gets the same server as long as
  --                  the same servers are up
  --   'rendezvous'   by the resolver's address and the weights of the servers; a change of the
  --                  servers moves as few resolvers as possible
  --   'round-robin'  each server in turn
  --   'ratio'        each server in turn, as often as its weight says
  --   'failover'     the first server, by position, that is up
  --   'rtt'          the lowest round trip time: see tables path_metric and virtual_server_metric
  --   'least'        the lowest value of the metric that is named in column metric
  --   'topology'     where table topology sends the resolver's network or country
  -- Changing the method ends all mappings of the pool:
  --   UPDATE pool SET method = 'rendezvous' WHERE name = 'web';
  method TEXT NOT NULL DEFAULT 'modulus',

  -- The TTL of the DNS answer, 0 to 2147483647 seconds: how soon clients learn of a change.
  ttl INTEGER NOT NULL DEFAULT 30
    CONSTRAINT "pool.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  -- How long a mapping lasts, 0 to 2147483647 seconds. 0: no mappings are kept.
  persistence_ttl INTEGER NOT NULL DEFAULT 3600
    CONSTRAINT "pool.persistence_ttl is 0 to 2147483647 seconds, 0 to keep no mappings"
      CHECK (persistence_ttl BETWEEN 0 AND 2147483647),

  -- When that time begins. 'fixed': when the mapping is made. 'sliding': with each question.
  persistence_timer TEXT NOT NULL DEFAULT 'fixed',

  -- The pool whose mappings this pool shares, so that a resolver gets the same site from both. That
  -- pool's persistence_ttl, persistence_timer, client, prefixes and failback count for both. It must
  -- have mappings of its own. NULL: this pool has its own mappings. Those that it had before have no
  -- effect, and expire.
  --   UPDATE pool SET persistence_pool_id = (SELECT id FROM pool WHERE name = 'web')
  --     WHERE name = 'static';
  persistence_pool_id INTEGER REFERENCES pool (id),

  -- Whom a mapping is for. 'ldns': the resolver that asks. 'ecs': the client network that the
  -- resolver reports (EDNS Client Subnet), or the resolver if it reports none. PowerDNS then needs
  -- edns-subnet-processing=yes.
  client TEXT NOT NULL DEFAULT 'ldns',

  -- Resolvers count as one client if this many leading bits of their addresses are equal: with 24,
  -- all of 192.0.2.0/24 is one client. IPv4: 0 to 32. IPv6: 0 to 128.
  ipv4_prefix INTEGER NOT NULL DEFAULT 32
    CONSTRAINT "pool.ipv4_prefix is 0 to 32" CHECK (ipv4_prefix BETWEEN 0 AND 32),
  ipv6_prefix INTEGER NOT NULL DEFAULT 128
    CONSTRAINT "pool.ipv6_prefix is 0 to 128" CHECK (ipv6_prefix BETWEEN 0 AND 128),

  -- The answer when no server is up. It counts only in a pool without fallback_pool_id: the last
  -- pool in a chain of fallback pools decides. 'any': one of the servers that are down, so that a
  -- mistake of the health checks does not make the name vanish. 'none': no address. 'servfail': an
  -- error, so that the resolver asks another name server.
  fallback TEXT NOT NULL DEFAULT 'any',

  -- The pool to choose from when no server of this one is up. Fallback pools must not form a loop.
  -- NULL: none.
  --   UPDATE pool SET fallback_pool_id = (SELECT id FROM pool WHERE name = 'sorry')
  --     WHERE name = 'web';
  fallback_pool_id INTEGER REFERENCES pool (id),

  -- The method to use when the first one cannot decide, because no metric is fresh or no row of
  -- topology matches. If this one cannot decide either, the fallback pool does; without one, column
  -- fallback counts, where 'any' means modulus. NULL: none. Mappings are marked with column method,
  -- whichever of the two decided.
  --   UPDATE pool SET method = 'topology', alternate_method = 'rtt' WHERE name = 'web';
  alternate_method TEXT,

  -- The metric that method 'least' compares, such as 'cpu' or 'connections': that of the virtual
  -- server, or of its controller if the server has none. NULL: 'least' cannot decide.
  --   UPDATE pool SET method = 'least', metric = 'cpu' WHERE name = 'web';
  metric TEXT
    CONSTRAINT "pool.metric is a word of 1 to 32 lower-case letters, digits, _ and -, or NULL"
      CHECK (length(metric) BETWEEN 1 AND 32 AND metric NOT GLOB '*[^a-z0-9_-]*'),

  -- For 'rtt' and 'least', 0 to 1000 percent. Servers whose values are within this percentage of
  -- the best value count as equal and share the resolvers by weight, so that a small difference
  -- does not send everybody to one server.
  tolerance INTEGER NOT NULL DEFAULT 20
    CONSTRAINT "pool.tolerance is 0 to 1000 percent" CHECK (tolerance BETWEEN 0 AND 1000),

  -- How those virtual servers are checked that have no monitor of their own. NULL: not at all.
  --   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'https')
  --     WHERE name = 'web';
  monitor_id INTEGER REFERENCES monitor (id),

  -- When the resolvers that left a site because it failed go back there (see persistence.home_id):
  --   'stay'     never: they stay where they are
  --   'return'   with their next question once the site is up again
  --   'delayed'  the same, once it has been up for failback_delay seconds without a break
  --   'manual'   a site that went down takes nobody, whoever was there before included, until it is
  --              resumed, see view site; then they go back
  -- A change counts at once, also for those that have left already. The pool that keeps the mappings
  -- decides, see persistence_pool_id.
  --   UPDATE pool SET failback = 'delayed', failback_delay = 600 WHERE name = 'web';
  failback TEXT NOT NULL DEFAULT 'stay',

  -- For 'delayed': for how long a site has to be up, 0 to 2147483647 seconds.
  failback_delay INTEGER NOT NULL DEFAULT 300
    CONSTRAINT "pool.failback_delay is 0 to 2147483647 seconds"
      CHECK (failback_delay BETWEEN 0 AND 2147483647)
) STRICT;

-----------------------------------------------------------------------------------------------
-- virtual_server: an address that a controller offers in a pool, or a host name.
--
--   INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)
--     SELECT p.id, c.id, 1, '192.0.2.80', '2001:db8:1::80'
--       FROM pool AS p, controller AS c WHERE p.name = 'web' AND c.name = 'ams';
--   UPDATE virtual_server SET state = 'disabled' WHERE ipv4 = '192.0.2.80';
--
-- The load balancer of a cloud has a name, but no fixed address:
--
--   INSERT INTO virtual_server (pool_id, controller_id, position, name)
--     SELECT p.id, c.id, 1, 'lb-1.eu-west.cloud.example'
--       FROM pool AS p, controller AS c WHERE p.name = 'app' AND c.name = 'cloud-eu';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS virtual_server (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never reused, so a new server gets no late metric
    CONSTRAINT "virtual_server.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),
  pool_id INTEGER NOT NULL REFERENCES pool (id),
  controller_id INTEGER NOT NULL REFERENCES controller (id),

  -- Its place in the pool's list, 1 or more; gaps are fine. Modulus numbers the enabled servers 1 to
  -- N in this order and picks a number. An INSERT at a place that is taken is rejected. An UPDATE is
  -- not, so that one statement can exchange two servers or shift all of them; `status` names two
  -- that were left at one place.
  --   UPDATE virtual_server SET position = position + 1 WHERE pool_id = 1;
  --   UPDATE virtual_server SET position = iif(position = 1, 2, 1)
  --     WHERE pool_id = 1 AND position IN (1, 2);
  position INTEGER NOT NULL
    CONSTRAINT "virtual_server.position is 1 or more" CHECK (position >= 1),

  -- The addresses of the service for A and AAAA answers: both, or one of them. A server with a name
  -- has none. A server whose address or port is corrected is a new one to the checks: it counts as up
  -- until they say otherwise.
  ipv4 TEXT
    CONSTRAINT "virtual_server.ipv4 is an address like 192.0.2.80"
      CHECK (length(ipv4) BETWEEN 7 AND 15 AND ipv4 NOT GLOB '*[^0-9.]*'
             AND length(ipv4) - length(replace(ipv4, '.', '')) = 3 AND instr(ipv4, char(0)) = 0),
  ipv6 TEXT
    CONSTRAINT "virtual_server.ipv6 is an address like 2001:db8::80"
      CHECK (length(ipv6) BETWEEN 2 AND 45 AND ipv6 NOT GLOB '*[^0-9A-Fa-f:.]*'
             AND ipv6 GLOB '*:*:*' AND instr(ipv6, char(0)) = 0),

  -- The port of the service, 1 to 65535. It is checked unless the monitor names another port, and
  -- is never part of an answer. NULL: unknown.
  port INTEGER
    CONSTRAINT "virtual_server.port is 1 to 65535, or NULL" CHECK (port BETWEEN 1 AND 65535),

  -- Its share of the resolvers, relative to the other servers, 0 to 65535. Used by rendezvous and
  -- ratio, which send nobody to a server of weight 0; and by rtt, least and topology among servers
  -- that count as equal. The other methods ignore it. To keep new resolvers away, use 'draining'.
  weight INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "virtual_server.weight is 0 to 65535" CHECK (weight BETWEEN 0 AND 65535),

  -- 'enabled'; 'draining': live mappings stay, and new ones are made only if no enabled server of
  -- the pool is up; 'disabled': as if the server did not exist. Of this state and that of its
  -- controller, the more restrictive one counts.
  state TEXT NOT NULL DEFAULT 'enabled',

  -- How it is checked. NULL: by the monitor of its pool.
  monitor_id INTEGER REFERENCES monitor (id),

  -- The IPv4 or IPv6 address to check instead of its own. NULL: its own, which is ipv4 or, if the
  -- server has none, ipv6; or both, see monitor.each_family; a name is resolved each time it is
  -- checked.
  --   UPDATE virtual_server SET check_address = '10.0.0.80' WHERE ipv4 = '192.0.2.80';
  check_address TEXT
    CONSTRAINT "virtual_server.check_address is an address like 192.0.2.80 or 2001:db8::80, or NULL"
      CHECK (length(check_address) BETWEEN 2 AND 45 AND instr(check_address, char(0)) = 0
             AND check_address NOT GLOB '*[^0-9A-Fa-f:.]*'
             AND (check_address GLOB '*:*:*'
                  OR (check_address GLOB '[0-9]*.*.*.[0-9]*' AND check_address NOT GLOB '*[^0-9.]*'
                      AND length(check_address) - length(replace(check_address, '.', '')) = 3))),

  -- 0: it is not checked, whatever monitor its pool has, and counts as up. 1: it is checked if it or
  -- its pool has a monitor.
  --   UPDATE virtual_server SET checked = 0 WHERE ipv4 = '192.0.2.80';
  checked INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "virtual_server.checked is 0 or 1" CHECK (checked IN (0, 1)),

  -- The full host name of a site without fixed addresses. The answer is then a CNAME, whatever type
  -- is asked for. So a pool and its fallback pools have servers with addresses or servers with
  -- names, not both; and the balanced names of a pool with names have no records of their own, and
  -- are not the apex of a zone. To change from addresses to names, make a new pool that shares the
  -- mappings of the old one (pool.persistence_pool_id), and give the balanced names to it.
  name TEXT
    CONSTRAINT "virtual_server.name has 1 to 253 characters" CHECK (length(name) BETWEEN 1 AND 253)
    CONSTRAINT "virtual_server.name has letters, digits, hyphens, underscores and dots alone"
      CHECK (name NOT GLOB '*[^A-Za-z0-9._-]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "virtual_server.name has no trailing dot: lb.cloud.example, not lb.cloud.example."
      CHECK (name NOT GLOB '*.')
    CONSTRAINT "virtual_server.name has no leading dot and no two dots in a row"
      CHECK ('.' || name NOT GLOB '*..*')
    CONSTRAINT "virtual_server.name is a full name, not an address: lb.cloud.example"
      CHECK (name GLOB '*.*' AND name GLOB '*[A-Za-z]*')
) STRICT;

-----------------------------------------------------------------------------------------------
-- balanced_name: a DNS name whose addresses, or whose CNAME, come from a pool. Names with the same
-- pool share its mappings: a resolver gets the same site for all of them.
--
--   INSERT INTO balanced_name (name, pool_id)
--     SELECT 'www.example.com', id FROM pool WHERE name = 'web';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS balanced_name (
  -- The full name, in a zone of this backend or of another one. An A, AAAA or CNAME record of the
  -- same name must be deleted or disabled first; records of any type, if the pool answers with host
  -- names. Such a pool cannot answer for the apex of a zone, not of one in another backend either.
  name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE
    CONSTRAINT "balanced_name.name has 1 to 1004 characters" CHECK (length(name) BETWEEN 1 AND 1004)
    CONSTRAINT
      "balanced_name.name is plain ASCII: no space (\032), tab or newline, xn-- for other letters"
      CHECK (name NOT GLOB '*[^!-~]*' AND instr(name, char(0)) = 0)
    CONSTRAINT "balanced_name.name has no trailing dot: www.example.com, not www.example.com."
      CHECK (name = '.' OR replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%.')
    CONSTRAINT "balanced_name.name has no leading dot and no two dots in a row"
      CHECK (name = '.' OR '.' || replace(replace(name, '\\', 'x'), '\.', 'x') NOT LIKE '%..%')
    CONSTRAINT "balanced_name.name is a name, not a URL: www.example.com"
      CHECK (instr(name, '://') = 0),

  pool_id INTEGER NOT NULL REFERENCES pool (id)
) STRICT;

-----------------------------------------------------------------------------------------------
-- monitor: how to check whether a virtual server or a controller is up. pdns-stickyd checks those
-- whose monitor_id names a monitor, and writes the results to the metrics and verdicts below.
--
--   INSERT INTO monitor (name, type, path, body) VALUES ('web', 'https', '/health', '^ok');
--   INSERT INTO monitor (name, type, expect) VALUES ('smtp', 'tcp', '^220 ');
--   INSERT INTO monitor (name, type, port, tls, host, expect)
--     VALUES ('imaps', 'tcp', 993, 1, 'imap.example.com', '^\* OK');
--   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'web') WHERE name = 'web';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS monitor (
  id INTEGER PRIMARY KEY AUTOINCREMENT  -- never reused, so a new monitor gets no late result
    CONSTRAINT "monitor.id is 1 to 2147483647" CHECK (id BETWEEN 1 AND 2147483647),

  -- A word of 1 to 64 characters: 'https'. The view "health" and log lines show it.
  name TEXT NOT NULL UNIQUE COLLATE NOCASE
    CONSTRAINT "monitor.name has 1 to 64 characters" CHECK (length(name) BETWEEN 1 AND 64)
    CONSTRAINT "monitor.name has no spaces or control characters"
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127, 45, 159) || ']*'
             AND instr(name, char(0)) = 0),

  -- 'tcp': connects; 'http' and 'https': send a request; 'icmp': pings; 'dns': asks a question
  -- over UDP; 'exec': runs a program of yours, and exit status 0 means up.
  type TEXT NOT NULL,

  -- The port to check. NULL: the port of the virtual server or, if that is NULL too, the usual port
  -- of the type: 80, 443 or 53.
  port INTEGER
    CONSTRAINT "monitor.port is 1 to 65535, or NULL" CHECK (port BETWEEN 1 AND 65535),

  -- http and https: the path to request, with its query, such as '/health?full=1'. NULL: '/'.
  -- exec: the program, relative to the directory that pdns-stickyd was given, such as 'check-db'.
  path TEXT
    CONSTRAINT "monitor.path has 1 to 1024 characters" CHECK (length(path) BETWEEN 1 AND 1024)
    CONSTRAINT "monitor.path is plain ASCII without spaces"
      CHECK (path NOT GLOB '*[^!-~]*' AND instr(path, char(0)) = 0),

  -- http and https: the Host header, and the name that TLS requests and verifies. NULL: the name of
  -- the server if it has one, else the address. tcp with tls: that name, without a port. dns: the
  -- name to ask for.
  host TEXT
    CONSTRAINT "monitor.host is one word of 1 to 255 ASCII characters, or NULL"
      CHECK (length(host) BETWEEN 1 AND 255 AND host NOT GLOB '*[^!-~]*'
             AND instr(host, char(0)) = 0),

  -- dns: the type to ask for: 'A', 'AAAA', 'NS', 'SOA', 'TXT', 'MX', 'CNAME', 'PTR', 'SRV', 'CAA',
  -- 'NAPTR', 'DS', 'DNSKEY', 'SVCB' or 'HTTPS'. See rcode and answer for the reply that means up.
  query TEXT NOT NULL DEFAULT 'A',

  -- http and https: the lowest and the highest status that mean up. Redirects are not followed.
  status_min INTEGER NOT NULL DEFAULT 200
    CONSTRAINT "monitor.status_min is 100 to 599" CHECK (status_min BETWEEN 100 AND 599),
  status_max INTEGER NOT NULL DEFAULT 399
    CONSTRAINT "monitor.status_max is 100 to 599" CHECK (status_max BETWEEN 100 AND 599)
    CONSTRAINT "monitor.status_max is not below status_min" CHECK (status_max >= status_min),

  -- http and https: a regular expression (PCRE2) that the body must match. NULL: any body, and it is
  -- not read.
  body TEXT
    CONSTRAINT "monitor.body has 1 to 1024 characters, or is NULL"
      CHECK (length(body) BETWEEN 1 AND 1024 AND instr(body, char(0)) = 0),

  -- tcp: what to send after connecting, such as 'PING\r\n' (\r, \n, \t, \\ and \xHH as in C). NULL:
  -- nothing.
  send TEXT
    CONSTRAINT "monitor.send has 1 to 1024 characters, or is NULL"
      CHECK (length(send) BETWEEN 1 AND 1024 AND instr(send, char(0)) = 0),

  -- tcp: a regular expression (PCRE2) that the reply must match. NULL: to connect is enough.
  expect TEXT
    CONSTRAINT "monitor.expect has 1 to 1024 characters, or is NULL"
      CHECK (length(expect) BETWEEN 1 AND 1024 AND instr(expect, char(0)) = 0),

  -- https, and tcp with tls: 1: the certificate must be valid for the host. 0: any certificate will
  -- do.
  verify INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "monitor.verify is 0 or 1" CHECK (verify IN (0, 1)),

  -- The time from one check of a target to the next, 1 to 3600 seconds.
  interval INTEGER NOT NULL DEFAULT 10
    CONSTRAINT "monitor.interval is 1 to 3600 seconds" CHECK (interval BETWEEN 1 AND 3600),

  -- The time after which a check without a reply fails, 1 to 60 seconds.
  timeout INTEGER NOT NULL DEFAULT 3
    CONSTRAINT "monitor.timeout is 1 to 60 seconds" CHECK (timeout BETWEEN 1 AND 60)
    CONSTRAINT "monitor.timeout is not longer than the interval" CHECK (timeout <= interval),

  -- How many checks in a row must succeed before a target that was down counts as up, and how many
  -- must fail before one that was up counts as down, 1 to 100.
  rise INTEGER NOT NULL DEFAULT 2
    CONSTRAINT "monitor.rise is 1 to 100 checks" CHECK (rise BETWEEN 1 AND 100),
  fall INTEGER NOT NULL DEFAULT 3
    CONSTRAINT "monitor.fall is 1 to 100 checks" CHECK (fall BETWEEN 1 AND 100),

  -- http and https: 'GET' or 'HEAD'. HEAD asks for the status alone: after a GET, a check that does
  -- not read the body closes the connection early, and servers with large pages log that.
  http_method TEXT NOT NULL DEFAULT 'GET',

  -- http and https: more headers, one a line, such as 'Authorization: Bearer x'. They replace those
  -- of the same name that are sent anyway: Accept and User-Agent. NULL: none.
  headers TEXT
    CONSTRAINT "monitor.headers has 1 to 4096 characters, or is NULL"
      CHECK (length(headers) BETWEEN 1 AND 4096)
    CONSTRAINT "monitor.headers is plain ASCII in lines: no tab or carriage return"
      CHECK (headers NOT GLOB '*[^ -~' || char(10) || ']*' AND instr(headers, char(0)) = 0),

  -- tcp, http and https: what is sent ahead of everything else, for servers that expect it from a
  -- load balancer. 0: nothing. 1: a header of the PROXY protocol, version 1. 2: of version 2, for tcp
  -- alone. It names the addresses and ports of the check's own connection.
  proxy INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "monitor.proxy is 0 to 2" CHECK (proxy BETWEEN 0 AND 2),

  -- tcp: 1: a TLS handshake comes before send, expect and steps, as IMAPS and LDAPS need it. host and
  -- verify count as for https. 0: no TLS.
  tls INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "monitor.tls is 0 or 1" CHECK (tls IN (0, 1)),

  -- tcp: what to send and to expect in several steps, one a line, in place of send and expect. A line
  -- is 'send ' and a text as in column send, or 'expect ' and an expression as in column expect. An
  -- expression searches what has arrived since the one before it matched, and ^ and $ match at each
  -- line. It is waited for, so one that must not match, (?!...), must be on the last line. NULL:
  -- send and expect.
  --   UPDATE monitor SET expect = NULL, steps =
  --   'expect ^220 .*\n
  --   send EHLO ns1.example.com\r\n
  --   expect (?m)^250 .*\n
  --   send QUIT\r\n' WHERE name = 'smtp';
  steps TEXT
    CONSTRAINT "monitor.steps has 1 to 4096 characters, or is NULL"
      CHECK (length(steps) BETWEEN 1 AND 4096)
    CONSTRAINT "monitor.steps has no control characters but newlines"
      CHECK (steps NOT GLOB '*[' || char(1, 45, 9, 11, 45, 31, 127) || ']*'
             AND instr(steps, char(0)) = 0),

  -- dns: the response code that means up: 'NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP' or
  -- 'REFUSED'. With the first one, the reply must have at least one record.
  rcode TEXT NOT NULL DEFAULT 'NOERROR',

  -- dns: a regular expression (PCRE2) that one record of the reply must match, as column content of
  -- table record has it: '^192\.0\.2\.1$', '^10 mail\.example\.com$'. NULL: any record will do.
  answer TEXT
    CONSTRAINT "monitor.answer has 1 to 1024 characters, or is NULL"
      CHECK (length(answer) BETWEEN 1 AND 1024 AND instr(answer, char(0)) = 0),

  -- All types but exec: the address of this machine to check from, which must be of the same family
  -- as the address that is checked. NULL: what the system chooses.
  source TEXT
    CONSTRAINT "monitor.source is an address like 192.0.2.1 or 2001:db8::1, or NULL"
      CHECK (length(source) BETWEEN 2 AND 45 AND instr(source, char(0)) = 0
             AND source NOT GLOB '*[^0-9A-Fa-f:.]*'
             AND (source GLOB '*:*:*'
                  OR (source GLOB '[0-9]*.*.*.[0-9]*' AND source NOT GLOB '*[^0-9.]*'
                      AND length(source) - length(replace(source, '.', '')) = 3))),

  -- exec: what the program is given after the address and the port: words that are separated by
  -- spaces. No shell reads them. NULL: nothing.
  arguments TEXT
    CONSTRAINT "monitor.arguments has 1 to 1024 characters, or is NULL"
      CHECK (length(arguments) BETWEEN 1 AND 1024)
    CONSTRAINT "monitor.arguments has no control characters"
      CHECK (arguments NOT GLOB '*[' || char(1, 45, 31, 127) || ']*'
             AND instr(arguments, char(0)) = 0),

  -- 0: of a virtual server with ipv4 and ipv6, only ipv4 is checked, and both are given while it is
  -- up. 1: both are checked, each with a verdict of its own. The server is up while one of them
  -- is; the other one is not given then (see virtual_server_metric). Without effect on servers
  -- that have one address or a check_address, and on controllers.
  each_family INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "monitor.each_family is 0 or 1" CHECK (each_family IN (0, 1))
) STRICT;

-----------------------------------------------------------------------------------------------
-- controller_metric, virtual_server_metric: measured values, one row for each value. 'availability'
-- is 1 (up) or 0 (down); no row means up. A virtual server is down if its own or its controller's
-- is 0. 'rtt' is a round trip time in milliseconds. pdns-stickyd writes these two for every target
-- that has a monitor. Other names are yours: pool.metric names the one that method 'least'
-- compares.
--
-- 'availability-ipv4' and 'availability-ipv6' of a virtual server are 0 while that address of it is
-- down; no row means up. It has an effect while the server is up, with its other address: a resolver
-- that is sent there keeps its mapping, and gets for the family that is down the first of these that
-- there is: an address of another server of the same controller in the pool; of another server of
-- the pool; of its fallback pools; and else, with the fallback 'any', the address that is down, or
-- none. The same holds if the two addresses are two rows of one controller, and one row is down.
-- pdns-stickyd writes these metrics, 'rtt-ipv4' and 'rtt-ipv6' where monitor.each_family is 1. Then
-- 'availability' is 1 while one of the two is, and 'rtt' is the lower one of the addresses that are
-- up.
--
-- To take a site down by hand:
--
--   INSERT INTO controller_metric (controller_id, name, value)
--     SELECT id, 'availability', 0 FROM controller WHERE name = 'ams'
--     ON CONFLICT (controller_id, name)
--       DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at;
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller_metric (
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- 'availability', 'rtt', or another word of 1 to 32 lower-case letters, digits, '_' and '-'.
  name TEXT NOT NULL
    CONSTRAINT "controller_metric.name is a word of 1 to 32 lower-case letters, digits, _ and -"
      CHECK (length(name) BETWEEN 1 AND 32 AND name NOT GLOB '*[^a-z0-9_-]*'),
  value REAL NOT NULL,

  -- When it was measured. Default: now.
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
    CONSTRAINT "virtual_server_metric.name is a word of 1 to 32 lower-case letters, digits, _ and -"
      CHECK (length(name) BETWEEN 1 AND 32 AND name NOT GLOB '*[^a-z0-9_-]*'),
  value REAL NOT NULL,
  measured_at INTEGER NOT NULL DEFAULT (unixepoch())
    CONSTRAINT "virtual_server_metric.measured_at is Unix seconds, 0 to 253402300799"
      CHECK (measured_at BETWEEN 0 AND 253402300799),

  PRIMARY KEY (virtual_server_id, name),
  CONSTRAINT "the metric availability is 0 or 1" CHECK (name <> 'availability' OR value IN (0, 1)),
  CONSTRAINT "the metric rtt is 0 or more milliseconds" CHECK (name <> 'rtt' OR value >= 0),
  CONSTRAINT "the metrics availability-ipv4 and availability-ipv6 are 0 or 1"
    CHECK (name NOT GLOB 'availability-ipv[46]' OR value IN (0, 1))
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- controller_verdict, virtual_server_verdict: what the monitors found. Only pdns-stickyd writes
-- these tables, together with the metrics 'availability' and 'rtt' of the same target. The view
-- "health" shows them with names. To take a site out of service by hand, change its state.
--
-- A virtual server has one row or, where each of its addresses is checked (monitor.each_family), one
-- for each.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS controller_verdict (
  controller_id INTEGER PRIMARY KEY REFERENCES controller (id) ON DELETE CASCADE,

  -- 'up' or 'down', by the rise and fall of the monitor.
  state TEXT NOT NULL,

  -- How the last check ended: 'ok'; 'timeout'; 'refused': nobody listens; 'unreachable': no route;
  -- 'closed': the connection ended too early; 'tls': the TLS handshake failed; 'protocol': not a
  -- reply of this protocol; 'status': not the expected HTTP status, DNS response code or exit status;
  -- 'content': the reply does not match; 'internal': pdns-stickyd itself failed; 'no-tls': the server
  -- does not speak TLS; 'untrusted': nobody who is trusted has signed the certificate; 'expired': the
  -- certificate is no longer or not yet valid; 'wrong-name': it is for another host; 'unresolved':
  -- the name of the server has no address.
  reason TEXT NOT NULL,

  -- When the target got this state, and when it was last checked.
  since INTEGER NOT NULL
    CONSTRAINT "controller_verdict.since is Unix seconds, 0 to 253402300799"
      CHECK (since BETWEEN 0 AND 253402300799),
  checked_at INTEGER NOT NULL
    CONSTRAINT "controller_verdict.checked_at is Unix seconds, 0 to 253402300799"
      CHECK (checked_at BETWEEN 0 AND 253402300799),

  -- How many times the state has changed.
  flaps INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "controller_verdict.flaps is 0 or more" CHECK (flaps >= 0)
) STRICT;

CREATE TABLE IF NOT EXISTS virtual_server_verdict (
  virtual_server_id INTEGER NOT NULL REFERENCES virtual_server (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.since is Unix seconds, 0 to 253402300799"
      CHECK (since BETWEEN 0 AND 253402300799),
  checked_at INTEGER NOT NULL
    CONSTRAINT "virtual_server_verdict.checked_at is Unix seconds, 0 to 253402300799"
      CHECK (checked_at BETWEEN 0 AND 253402300799),
  flaps INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "virtual_server_verdict.flaps is 0 or more" CHECK (flaps >= 0),

  -- Of which address: 'ipv4' or 'ipv6'; '': of the server.
  family TEXT NOT NULL DEFAULT ''
    CONSTRAINT "virtual_server_verdict.family is ipv4, ipv6 or empty"
      CHECK (family = '' OR family GLOB 'ipv[46]'),

  PRIMARY KEY (virtual_server_id, family)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- topology: which controllers are close to which resolvers, for method 'topology'. The longest
-- network that contains the resolver is tried first, then shorter ones, then its autonomous system,
-- its country and its continent, and at last the default. Controllers without a server that is up are
-- skipped. Table geo_database lists the files that tell the country of an address.
--
--   INSERT INTO topology (cidr, controller_id)
--     SELECT '198.51.100.0/24', id FROM controller WHERE name = 'fra';
--   INSERT INTO topology (country, controller_id, preference)
--     SELECT 'DE', id, 20 FROM controller WHERE name = 'ams';
--   INSERT INTO topology (controller_id)  -- the default, for those that no other row decides
--     SELECT id FROM controller WHERE name = 'nyc';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS topology (
  id INTEGER PRIMARY KEY,

  -- One of cidr, country, continent and asn is given, or none: such a row is the default, which
  -- counts where no other row decides. A network of all addresses, 0.0.0.0/0, would come before
  -- every country. cidr is a network or a single address: '198.51.100.0/24', '2001:db8::/32'.
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

  -- The ISO 3166 code of the country, two capital letters: 'DE'.
  country TEXT
    CONSTRAINT "topology.country is two capital letters: DE"
      CHECK (length(country) = 2 AND country GLOB '[A-Z][A-Z]'),

  -- 'AF' Africa, 'AN' Antarctica, 'AS' Asia, 'EU' Europe, 'NA' North America, 'OC' Oceania or
  -- 'SA' South America.
  continent TEXT
    CONSTRAINT "topology.continent is one of AF, AN, AS, EU, NA, OC, SA"
      CHECK (continent IN ('AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA')),

  -- The number of the autonomous system, 1 to 4294967295.
  asn INTEGER
    CONSTRAINT "topology.asn is 1 to 4294967295" CHECK (asn BETWEEN 1 AND 4294967295),

  -- The controller that is close to them.
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- If several controllers are close, the lowest preference wins, as with MX records. Controllers
  -- with equal preference share the resolvers. 0 to 65535.
  preference INTEGER NOT NULL DEFAULT 10
    CONSTRAINT "topology.preference is 0 to 65535" CHECK (preference BETWEEN 0 AND 65535)
) STRICT;

-----------------------------------------------------------------------------------------------
-- geo_database: files in the MaxMind DB format that tell the country, continent and autonomous
-- system of an address. All files are searched, because these data often come in two files. A file
-- that was replaced is reopened.
--
--   INSERT INTO geo_database VALUES ('/var/lib/GeoIP/GeoLite2-Country.mmdb');
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS geo_database (
  -- An absolute path. The user that PowerDNS runs as must be able to read the file.
  path TEXT NOT NULL PRIMARY KEY
    CONSTRAINT "geo_database.path is absolute, of 2 to 4095 characters: /var/lib/GeoIP/x.mmdb"
      CHECK (length(path) BETWEEN 2 AND 4095 AND path GLOB '/*')
    CONSTRAINT "geo_database.path has no control characters"
      CHECK (path NOT GLOB '*[' || char(1, 45, 31, 127) || ']*' AND instr(path, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- path_metric: round trip times between networks of resolvers and controllers, for method 'rtt'. A
-- program of yours that measures them writes this table. The longest network that contains the
-- resolver counts. Name servers that share mappings tell each other what was measured there; of
-- two values the later one stays.
--
--   INSERT INTO path_metric (network, controller_id, rtt)
--     SELECT '198.51.100.0/24', id, 12.5 FROM controller WHERE name = 'fra'
--     ON CONFLICT (network, controller_id)
--       DO UPDATE SET rtt = excluded.rtt, measured_at = excluded.measured_at;
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS path_metric (
  -- The network with its prefix length, in the one spelling that is looked up: lower case, without
  -- leading zeros, all bits after the prefix 0: '192.0.2.0/24', '2001:db8::/48', '192.0.2.53/32'.
  network TEXT NOT NULL
    CONSTRAINT "path_metric.network is a network in lower case: 192.0.2.0/24, 2001:db8::/48"
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
    CONSTRAINT "path_metric.network has no leading zeros: 192.0.2.0/24, not 192.000.002.000/24"
      CHECK (':' || network NOT GLOB '*[:./]0[0-9a-f]*' AND network NOT GLOB '*::0/*')
    CONSTRAINT "path_metric.network has no bits after its prefix: 192.0.2.0/24, not 192.0.2.1/24"
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

  -- The round trip time, 0 or more milliseconds.
  rtt REAL NOT NULL
    CONSTRAINT "path_metric.rtt is 0 or more milliseconds" CHECK (rtt >= 0),

  -- When it was measured. Default: now. Values older than the setting path_metric_max_age are
  -- ignored.
  measured_at INTEGER NOT NULL DEFAULT (unixepoch())
    CONSTRAINT "path_metric.measured_at is Unix seconds, 0 to 253402300799"
      CHECK (measured_at BETWEEN 0 AND 253402300799),

  -- While name servers share: the one that measured it, by its share.node. 0: it was measured here.
  -- Triggers set it to 0 when you write the row.
  origin INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "path_metric.origin is 0 to 65535" CHECK (origin BETWEEN 0 AND 65535),

  -- While name servers share, the place of what was measured here among all that was, in the order
  -- in which peers are told. Triggers set it. 0: peers are not told.
  changed INTEGER NOT NULL DEFAULT 0,

  -- Computed from the network: its prefix length, and whether it is IPv6 (1) or IPv4 (0).
  bits INTEGER AS (CAST(substr(network, instr(network, '/') + 1) AS INTEGER)) VIRTUAL,
  ipv6 INTEGER AS (instr(network, ':') > 0) VIRTUAL,

  PRIMARY KEY (network, controller_id)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- ldns_group: resolvers that count as one client, for example all resolvers of a provider, any of
-- which may ask for its users. All rows with the same name form one group. Its mapping is the row
-- 'group:NAME' of persistence.
--
--   INSERT INTO ldns_group (cidr, name)
--     VALUES ('10.1.0.0/16', 'office'), ('2001:db8:ff::/48', 'office');
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS ldns_group (
  -- A network or a single address: '10.1.0.0/16', '2001:db8:ff::/48', '192.0.2.53'.
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
      CHECK (name NOT GLOB '*[' || char(1, 45, 32, 127, 45, 159) || ']*'
             AND instr(name, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- pin: clients that are sent to one site while it is up, whatever their mapping and the pool's
-- method say. While it is down or disabled they are treated like all others, and they return when it
-- does. At a site that drains a pin holds. The mapping of a pinned client is not touched. The view
-- "pinned" shows what each pin does now.
--
-- A client is pinned by its whole network: the address of the resolver or, in a pool with client
-- 'ecs', the client network that it reports, whatever prefix the pool has. Of several pins the one
-- with the longest network counts; a group counts with the row of ldns_group that contains the
-- resolver.
--
--   INSERT INTO pin (network, pool_id, controller_id, comment)
--     SELECT '198.51.100.0/24', p.id, c.id, 'slow path to ams, ticket 4711'
--       FROM pool AS p, controller AS c WHERE p.name = 'web' AND c.name = 'fra';
--   INSERT INTO pin (ldns_group, controller_id, until)  -- in all pools, for a day
--     SELECT 'office', id, unixepoch() + 86400 FROM controller WHERE name = 'ams';
--   DELETE FROM pin WHERE network = '198.51.100.0/24';
--
-- A pin that can never match is rejected. One that can no longer match, because a server or a group
-- was deleted, stays without effect until they are there again; `status` names it. A pin goes with
-- its pool and its controller.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS pin (
  id INTEGER PRIMARY KEY,

  -- The clients: either network, a network or a single address such as '198.51.100.0/24',
  -- '2001:db8:7::/48' or '192.0.2.53'; or ldns_group, the name of a group of resolvers. All clients
  -- are '0.0.0.0/0' and '::/0', a pin each. A client network that is only partly in the network of a
  -- pin is not pinned by it.
  network TEXT COLLATE NOCASE
    CONSTRAINT "pin.network is a network or an address like 192.0.2.0/24 or 2001:db8::53"
      CHECK (length(network) BETWEEN 2 AND 49 AND network NOT GLOB '*[^0-9A-Fa-f:./]*'
             AND instr(network, char(0)) = 0
             AND (network GLOB '*:*:*'
                  OR (network GLOB '[0-9]*.[0-9]*.[0-9]*.[0-9]*' AND network NOT GLOB '*[^0-9./]*'
                      AND length(network) - length(replace(network, '.', '')) = 3)))
    CONSTRAINT "pin.network ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
      CHECK (instr(network, '/') = 0
             OR (substr(network, instr(network, '/') + 1) GLOB '[0-9]*'
                 AND substr(network, instr(network, '/') + 1) NOT GLOB '*[^0-9]*'
                 AND CAST(substr(network, instr(network, '/') + 1) AS INTEGER)
                     <= iif(instr(network, ':'), 128, 32))),
  ldns_group TEXT,

  -- The pool in which the clients are pinned. For the names of this pool, and for those of pools that
  -- fall back on it once it is its turn. Which pool keeps the mappings does not matter. NULL: all
  -- pools in which the controller has a virtual server; there a pin of the pool for the same network
  -- comes first.
  pool_id INTEGER REFERENCES pool (id) ON DELETE CASCADE,

  -- The site to which they are sent.
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- When the pin ends, in Unix seconds. NULL: it does not end. An INSERT of one that is over is
  -- rejected. An UPDATE is not: it ends the pin.
  --   UPDATE pin SET until = unixepoch() WHERE network = '198.51.100.0/24';
  until INTEGER
    CONSTRAINT "pin.until is Unix seconds, 0 to 253402300799, or NULL"
      CHECK (until BETWEEN 0 AND 253402300799),

  -- Why, for people: `explain` and the view show it. NULL: nothing.
  comment TEXT
    CONSTRAINT "pin.comment has 1 to 255 characters, or is NULL"
      CHECK (length(comment) BETWEEN 1 AND 255)
    CONSTRAINT "pin.comment has no control characters"
      CHECK (comment NOT GLOB '*[' || char(1, 45, 31, 127, 45, 159) || ']*'
             AND instr(comment, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- setting: limits and switches. A new database contains all of them, with their defaults. If a row
-- is missing, its default counts.
--
--   SELECT * FROM setting;
--   UPDATE setting SET value = 10 WHERE name = 'checkpoint_interval';
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS setting (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

-- The settings, each with its default (value), its lowest and highest value, and its unit. See "The
-- words that columns take" below: triggers insert each new row of setting here to have it checked.
CREATE VIEW IF NOT EXISTS allowed_setting (name, value, least, most, unit) AS VALUES
  -- The time between two checkpoints, which copy the pages in FILE-wal to FILE.
  ('checkpoint_interval', 5, 1, 3600, 'seconds'),
  -- The time between two rounds of the sweep, which deletes expired mappings.
  ('sweep_interval', 1, 1, 3600, 'seconds'),
  -- How many rows each transaction of a round examines.
  ('sweep_batch', 1000, 10, 100000, 'rows'),
  -- The size of the file above which no new mappings are stored. 1024 hold some 16 million.
  ('max_megabytes', 1024, 1, 1048576, 'megabytes'),
  -- How many mappings each process writes per second. A burst may contain ten times as many.
  ('max_writes_per_second', 2000, 1, 1000000, 'mappings'),
  -- The age above which methods ignore a metric of a controller or a virtual server.
  ('metric_max_age', 60, 1, 86400, 'seconds'),
  -- The same for a row of path_metric.
  ('path_metric_max_age', 86400, 1, 31536000, 'seconds'),
  -- If more than this percentage of all targets begin to fail within brake_window, pdns-stickyd
  -- suspects its own network and engages the brake: no target goes down. 0: it never does. See
  -- pdns-stickyd(8).
  ('brake_percent', 50, 0, 100, 'percent'),
  -- The time within which they begin to fail.
  ('brake_window', 30, 1, 3600, 'seconds'),
  -- How many checks pdns-stickyd runs at the same time.
  ('max_checks', 1000, 1, 10000, 'checks'),
  -- How far ahead of this server's clock a mapping of a peer may have been decided. One from
  -- further ahead is taken only when its time has come: the clock of one of the two is wrong.
  ('share_skew', 10, 1, 3600, 'seconds'),
  -- How long expired mappings are kept while mappings are shared. A peer may have extended them.
  ('share_grace', 60, 0, 86400, 'seconds'),
  -- The time between two comparisons of the whole table with each peer.
  ('share_walk', 3600, 1, 604800, 'seconds'),
  -- How many rows of each peer's log, and of its round trip times, are taken per second. The
  -- comparison of the tables is not limited.
  ('share_rows_per_second', 20000, 10, 1000000, 'rows'),
  -- How many changes wait in share_change when they cannot be handed over. If there are more, the
  -- oldest ones are dropped, and peers find these rows by comparing.
  ('share_outbox_rows', 1000000, 10, 1000000000, 'rows'),
  -- How often pdns-stickyd looks for changes to hand over; with more than two peers, less often.
  ('share_poll_ms', 10, 1, 10000, 'milliseconds'),
  -- How many name servers must find a target down before it counts as down. If fewer are heard, all
  -- of those must. 0: each server goes by its own checks.
  ('share_quorum', 0, 0, 64, 'servers'),
  -- The version of PowerDNS, 100 * major + minor: 501 for 5.1. From 501 on, records may have type
  -- WALLET, and HTTPS and SVCB records the parameter ohttp and a port in quotes.
  ('powerdns_version', 407, 407, 9999, '(100 * major + minor)');

CREATE TRIGGER IF NOT EXISTS allowed_setting_name INSTEAD OF INSERT ON allowed_setting
WHEN NOT EXISTS (SELECT 1 FROM allowed_setting WHERE name = NEW.name) BEGIN
  SELECT RAISE(ABORT,
    'setting.name must be one of checkpoint_interval, sweep_interval, sweep_batch, max_megabytes, max_writes_per_second, metric_max_age, path_metric_max_age, brake_percent, brake_window, max_checks, share_skew, share_grace, share_walk, share_rows_per_second, share_outbox_rows, share_poll_ms, share_quorum, powerdns_version');
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
  SELECT RAISE(ABORT, 'share_skew must be 1 to 3600 seconds')
   WHERE NEW.name = 'share_skew';
  SELECT RAISE(ABORT, 'share_grace must be 0 to 86400 seconds')
   WHERE NEW.name = 'share_grace';
  SELECT RAISE(ABORT, 'share_walk must be 1 to 604800 seconds')
   WHERE NEW.name = 'share_walk';
  SELECT RAISE(ABORT, 'share_rows_per_second must be 10 to 1000000 rows')
   WHERE NEW.name = 'share_rows_per_second';
  SELECT RAISE(ABORT, 'share_outbox_rows must be 10 to 1000000000 rows')
   WHERE NEW.name = 'share_outbox_rows';
  SELECT RAISE(ABORT, 'share_poll_ms must be 1 to 10000 milliseconds')
   WHERE NEW.name = 'share_poll_ms';
  SELECT RAISE(ABORT, 'share_quorum must be 0 to 64 servers')
   WHERE NEW.name = 'share_quorum';
  SELECT RAISE(ABORT, 'powerdns_version must be 407 to 9999 (100 * major + minor)')
   WHERE NEW.name = 'powerdns_version';
END;

INSERT OR IGNORE INTO setting (name, value) SELECT name, value FROM allowed_setting;

-----------------------------------------------------------------------------------------------
-- persistence: the mappings. pdns-sticky stores them here some milliseconds after its answers. The
-- view "mapping" shows them with names. To release a resolver, delete its row:
--
--   DELETE FROM persistence
--     WHERE pool_id = (SELECT id FROM pool WHERE name = 'web') AND ldns = '192.0.2.53';
--
-- Your changes count at once. A statement that changes at least one row also discards the mappings,
-- of all resolvers, that were not stored yet: otherwise one could appear after you have deleted all.
-- A resolver whose mapping was discarded is decided anew. A DELETE that finds no row does nothing:
-- a mapping that was not stored yet is stored after it. The command "forget" of pdns-stickyctl(8) finds
-- both.
--
-- Nearly every new resolver adds a row, so this table has no further index. Its triggers are for
-- your changes; pdns-sticky writes without them. An expired row has no effect, and the sweep deletes
-- it.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS persistence (
  -- The pool that was asked, or the pool whose mappings it shares.
  pool_id INTEGER NOT NULL REFERENCES pool (id) ON DELETE CASCADE,

  -- Whom the mapping is for: an address, '192.0.2.53' or '2001:db8::53'; a network, '192.0.2.0/24',
  -- if the pool has a shorter prefix; a reported client network, 'ecs:198.51.100.0/24'; or a group
  -- of resolvers, 'group:office'.
  ldns TEXT NOT NULL
    CONSTRAINT "persistence.ldns has 1 to 128 characters" CHECK (length(ldns) BETWEEN 1 AND 128),

  -- Where the resolver is sent.
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- The pool's method when the mapping was made. While the pool has another method, the mapping is
  -- not live.
  method TEXT NOT NULL
    CONSTRAINT "persistence.method is a word of 1 to 32 lower-case letters and hyphens"
      CHECK (length(method) BETWEEN 1 AND 32 AND method NOT GLOB '*[^a-z-]*'),

  -- When the mapping was made or, with persistence_timer 'sliding', last extended.
  timestamp INTEGER NOT NULL
    CONSTRAINT "persistence.timestamp is Unix seconds, 0 to 253402300799"
      CHECK (timestamp BETWEEN 0 AND 253402300799),

  -- For how many seconds after timestamp it lasts.
  ttl INTEGER NOT NULL
    CONSTRAINT "persistence.ttl is 0 to 2147483647 seconds" CHECK (ttl BETWEEN 0 AND 2147483647),

  -- While mappings are shared: the place of this decision among all about the same resolver. Of two
  -- rows, the one with the higher number stays. It is Unix milliseconds * 4096, or more if the
  -- decision replaced one with a higher number. Triggers set it, whatever you write here. 0: made
  -- while nothing was shared, and not shared since.
  decided INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "persistence.decided is 0 or more" CHECK (decided >= 0),

  -- The name server that decided, by its share.node. Triggers set it, too.
  origin INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "persistence.origin is 0 to 65535" CHECK (origin BETWEEN 0 AND 65535),

  -- Of a mapping of another name server: how many milliseconds after its decision it was here. It
  -- means nothing in a mapping that was decided here.
  lag_ms INTEGER,

  -- The controller from which a failure moved the resolver; pool.failback says whether it goes back
  -- there. Further failures do not change it. NULL: no failure has moved it, or it is back. A home
  -- that is disabled, or has no server in the pool, counts as none as long as that is so; one that
  -- is draining takes nobody back while it drains; one that was deleted is none. A resolver that
  -- leaves a draining site because that fails gets no home.
  home_id INTEGER
    CONSTRAINT "persistence.home_id is 1 to 2147483647, or NULL"
      CHECK (home_id BETWEEN 1 AND 2147483647),

  PRIMARY KEY (pool_id, ldns)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- site_state: the sites that went down in a pool, a row for each pool and controller. Triggers write
-- it when what counts as up changes: with the metrics 'availability' and those of addresses, and when
-- a server is added, moved, enabled or disabled. View site shows it.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS site_state (
  pool_id INTEGER NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  controller_id INTEGER NOT NULL REFERENCES controller (id) ON DELETE CASCADE,

  -- Since when one of the controller's servers in the pool has been up without a break, in Unix
  -- seconds; or since when the site was resumed, if that was later. NULL: it is down.
  up_since INTEGER
    CONSTRAINT "site_state.up_since is Unix seconds, 0 to 253402300799, or NULL"
      CHECK (up_since BETWEEN 0 AND 253402300799),

  -- In a pool with failback 'manual': since when it has been held. NULL: it is not held.
  held_since INTEGER
    CONSTRAINT "site_state.held_since is Unix seconds, 1 to 253402300799, or NULL"
      CHECK (held_since BETWEEN 1 AND 253402300799),

  PRIMARY KEY (pool_id, controller_id)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- share: one row, which says whether this name server shares its mappings with others, so that a
-- resolver gets the same site from all of them. pdns-stickyd does it, over the nats-server that
-- runs beside each name server. Every name server has its own database, with the same names of
-- pools and controllers, and a row in peer for each of the others.
--
--   UPDATE share SET node = 1, name = 'ns1', url = 'tls://192.0.2.1:4222',
--     ca = '/etc/pdns-sticky/ca.crt', certificate = '/etc/pdns-sticky/server.crt',
--     key = '/etc/pdns-sticky/server.key';
--   UPDATE share SET node = 0;  -- share nothing any more; changes and deletions are forgotten
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share (
  id INTEGER PRIMARY KEY CONSTRAINT "share has one row" CHECK (id = 1),

  -- The number of this name server, 1 to 65535, which no other one has. 0: nothing is shared.
  node INTEGER NOT NULL DEFAULT 0
    CONSTRAINT "share.node is 1 to 65535, or 0 to share nothing" CHECK (node BETWEEN 0 AND 65535),

  -- The name of this server in its certificate (CN): 'ns1'. NULL: it has none.
  name TEXT
    CONSTRAINT "share.name is a word of 1 to 64 letters, digits, dots, hyphens and underscores"
      CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'
             AND instr(name, char(0)) = 0),

  -- Drawn when this database was made, so that peers notice that it was lost and made anew.
  incarnation INTEGER NOT NULL DEFAULT (random()),

  -- Where the file was then: the machine and the inode. In a copy of the file pdns-stickyd draws
  -- another incarnation, so that two servers do not count their batches under the same one. NULL
  -- since sharing began anew: peers were not told of what changed before, so they have to compare.
  place TEXT,

  -- The number of the last batch of changes that was handed over in this incarnation. pdns-stickyd
  -- writes it.
  batch INTEGER NOT NULL DEFAULT 0,

  -- The nats-server of this name server, where its changes are published.
  url TEXT NOT NULL DEFAULT 'nats://127.0.0.1:4222'
    CONSTRAINT "share.url is like nats://127.0.0.1:4222 or tls://ns1.example.com:4222"
      CHECK (length(url) <= 1000 AND (url GLOB 'nats://?*' OR url GLOB 'tls://?*')
             AND url NOT GLOB '*[^!-~]*' AND instr(url, char(0)) = 0),

  -- Files in PEM format: the certificate of the authority (CA) that signed all others, the
  -- certificate of this server, and its key. They are used with every nats-server. NULL:
  -- connections are not encrypted.
  ca TEXT
    CONSTRAINT "share.ca is the full path of a file: /etc/pdns-sticky/ca.pem, or NULL"
      CHECK (length(ca) <= 1000 AND ca GLOB '/?*' AND instr(ca, char(0)) = 0),
  certificate TEXT
    CONSTRAINT "share.certificate is the full path of a file: /etc/pdns-sticky/ns1.pem, or NULL"
      CHECK (length(certificate) <= 1000 AND certificate GLOB '/?*'
             AND instr(certificate, char(0)) = 0),
  key TEXT
    CONSTRAINT "share.key is the full path of a file: /etc/pdns-sticky/ns1.key, or NULL"
      CHECK (length(key) <= 1000 AND key GLOB '/?*' AND instr(key, char(0)) = 0),

  -- The persistence.decided that the last INSERT OR REPLACE has overwritten, if that was later than
  -- now; else 0. Triggers write it.
  replaced INTEGER NOT NULL DEFAULT 0,

  -- The node of a peer, the primary, that decides the configuration of this server. Its zones,
  -- records, controllers, pools, virtual servers, balanced names, monitors, groups of resolvers,
  -- pins and topology are taken over here whenever they change, and changes of these tables here are
  -- rejected. 0 or NULL: this server has a configuration of its own.
  --   UPDATE share SET follow = 1;  -- the peer with node 1
  --   UPDATE share SET follow = 0;  -- goes on with what it has, and can be changed again
  follow INTEGER DEFAULT 0
    CONSTRAINT "share.follow is the node of a peer, or 0 to follow nobody"
      CHECK (follow BETWEEN 0 AND 65535),

  CONSTRAINT "share.ca, share.certificate and share.key are set together, or all NULL"
    CHECK ((ca IS NULL) = (certificate IS NULL) AND (ca IS NULL) = (key IS NULL))
) STRICT;

INSERT OR IGNORE INTO share (id) VALUES (1);

-----------------------------------------------------------------------------------------------
-- peer: the other name servers that share mappings with this one. A server that is not listed here
-- is not listened to.
--
--   INSERT INTO peer (node, name, url) VALUES (2, 'ns2', 'tls://198.51.100.1:4222');
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS peer (
  -- Its share.node.
  node INTEGER NOT NULL PRIMARY KEY
    CONSTRAINT "peer.node is 1 to 65535" CHECK (node BETWEEN 1 AND 65535),

  -- Its name, which must be in the certificate of its nats-server if connections are encrypted.
  name TEXT NOT NULL UNIQUE
    CONSTRAINT "peer.name is a word of 1 to 64 letters, digits, dots, hyphens and underscores"
      CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'
             AND instr(name, char(0)) = 0),

  -- Its nats-server, from which its changes are read.
  url TEXT NOT NULL
    CONSTRAINT "peer.url is like nats://192.0.2.53:4222 or tls://ns2.example.com:4222"
      CHECK (length(url) <= 1000 AND (url GLOB 'nats://?*' OR url GLOB 'tls://?*')
             AND url NOT GLOB '*[^!-~]*' AND instr(url, char(0)) = 0)
) STRICT;

-----------------------------------------------------------------------------------------------
-- share_cursor: how far the changes of each peer have been read. Only pdns-stickyd writes here. A
-- row that you delete is made anew; the changes that the peer still keeps are then read once more.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_cursor (
  node INTEGER NOT NULL PRIMARY KEY REFERENCES peer (node) ON DELETE CASCADE,

  -- When the peer's stream was created, in Unix nanoseconds, and the last message that was read.
  created INTEGER NOT NULL DEFAULT 0,
  sequence INTEGER NOT NULL DEFAULT 0,

  -- The peer's share.incarnation, and the number of the last batch that was read.
  incarnation INTEGER NOT NULL DEFAULT 0,
  batch INTEGER NOT NULL DEFAULT 0
) STRICT;

-----------------------------------------------------------------------------------------------
-- share_change: mappings that were changed here and have to be handed over to the peers. Whoever
-- changes a mapping adds a row; pdns-stickyd reads the mapping itself, and deletes the row when it
-- was handed over. Empty while nothing is shared.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_change (
  stamp INTEGER PRIMARY KEY,  -- in the order of the changes
  pool_id INTEGER NOT NULL,
  ldns TEXT NOT NULL,
  noted_ms INTEGER NOT NULL  -- Unix milliseconds
) STRICT;

-----------------------------------------------------------------------------------------------
-- share_deleted: mappings that were deleted before they had expired, here or on a peer. A row stays
-- for its ttl plus a day, so that a peer that was away learns of the deletion and does not bring the
-- mapping back. pdns-sticky and the triggers of persistence write here.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_deleted (
  pool_id INTEGER NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
  ldns TEXT NOT NULL,
  decided INTEGER NOT NULL,    -- see persistence.decided
  origin INTEGER NOT NULL,     -- the name server where it was deleted
  timestamp INTEGER NOT NULL,  -- when, in Unix seconds
  ttl INTEGER NOT NULL,        -- that of the mapping

  PRIMARY KEY (pool_id, ldns)
) STRICT, WITHOUT ROWID;

-----------------------------------------------------------------------------------------------
-- share_moved: mappings that a decision of a peer has replaced here, by which a resolver was moved
-- to another controller, the last 4096 of them. pdns-stickyd writes here, and explain shows it.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_moved (
  number INTEGER PRIMARY KEY,  -- in their order

  -- The mapping, and persistence.decided of the one that replaced it.
  pool_id INTEGER NOT NULL,
  ldns TEXT NOT NULL,
  decided INTEGER NOT NULL,

  -- Where the resolver was sent before, and who had decided that.
  controller_id INTEGER NOT NULL,
  origin INTEGER NOT NULL
) STRICT;

-----------------------------------------------------------------------------------------------
-- share_state, peer_state: how sharing goes, here and with each peer. pdns-stickyd writes these
-- tables each second. A time of 0 means never. What is counted is counted from the start of
-- pdns-stickyd on.
--
--   SELECT name, connected, unixepoch() - heard_at AS heard_s, newer, problem
--     FROM peer LEFT JOIN peer_state USING (node);
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_state (
  id INTEGER PRIMARY KEY CONSTRAINT "share_state has one row" CHECK (id = 1),
  written_at INTEGER NOT NULL,

  -- 1: connected to the nats-server of this name server.
  connected INTEGER NOT NULL,

  -- How many changes wait in share_change, since when, and how many were dropped.
  waiting INTEGER NOT NULL,
  oldest_at INTEGER NOT NULL,
  dropped INTEGER NOT NULL,

  -- 1: another server has the same node. Nothing is handed over then.
  copied INTEGER NOT NULL,

  -- Why it is not connected, or what the nats-server refused; '' when all is well.
  problem TEXT NOT NULL,

  -- What is wrong with the files of share, or that nobody reads our changes; '' when all is well.
  warning TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS peer_state (
  node INTEGER NOT NULL PRIMARY KEY REFERENCES peer (node) ON DELETE CASCADE,
  written_at INTEGER NOT NULL,

  -- 1: connected to the nats-server of the peer.
  connected INTEGER NOT NULL,

  -- When the peer was heard last, how far its clock is ahead of ours, and the time from a decision
  -- there to the row here.
  heard_at INTEGER NOT NULL,
  clock_offset_ms INTEGER NOT NULL,
  lag_ms INTEGER NOT NULL,

  -- What became of its rows: written; known already; older than ours; decided in the future; a
  -- resolver was moved to another controller (those are among the newer ones); the pool or the
  -- controller is unknown here, and one of the names; there was no room. These count mappings and
  -- round trip times.
  newer INTEGER NOT NULL,
  known INTEGER NOT NULL,
  older INTEGER NOT NULL,
  future INTEGER NOT NULL,
  moved INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  unknown_name TEXT NOT NULL,
  no_room INTEGER NOT NULL,

  -- Of the newer ones, those that are no mappings, but round trip times (path_metric).
  paths INTEGER NOT NULL,

  -- Its messages that were malformed or not its own.
  refused INTEGER NOT NULL,

  -- When the last comparison of the whole tables ended, and 1 while one goes on.
  equal_at INTEGER NOT NULL,
  walking INTEGER NOT NULL,

  -- 1: its zones, records, pools, controllers, virtual servers, balanced names, groups of resolvers
  -- or topology are not the same as here. And the first row of those that differ, such as
  --   only there: pool ["web","modulus",30,...]
  -- with the columns that answers depend on, and names in place of ids; '': not known yet.
  differs INTEGER NOT NULL,
  difference TEXT NOT NULL,

  -- '' when all is well.
  problem TEXT NOT NULL
) STRICT;

-----------------------------------------------------------------------------------------------
-- share_follow: how following the primary goes (share.follow). pdns-stickyd writes here. The row is
-- about the primary that its node names, and there is none while nobody is followed.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS share_follow (
  id INTEGER PRIMARY KEY CONSTRAINT "share_follow has one row" CHECK (id = 1),
  node INTEGER NOT NULL,

  -- The revision of the configuration that was taken over last, 16 digits 0 to f, or '': none yet.
  -- It is a hash of all rows. And when that was; 0: never.
  revision TEXT NOT NULL,
  taken_at INTEGER NOT NULL,

  -- When the primary last announced its revision; 0: not since pdns-stickyd was started.
  heard_at INTEGER NOT NULL,

  -- Why its configuration was not taken over; '' when all is well.
  problem TEXT NOT NULL
) STRICT;

-----------------------------------------------------------------------------------------------
-- peer_verdict: what each peer has found out about its targets. pdns-stickyd writes here what it
-- hears. The view health shows the rows of peers that were heard within 10 seconds. A peer whose
-- brake is engaged has no rows: its verdicts do not count (see brake_percent).
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS peer_verdict (
  node INTEGER NOT NULL REFERENCES peer (node) ON DELETE CASCADE,

  -- The target, by names. '' and 0: it is the controller itself, not a virtual server.
  pool TEXT NOT NULL,
  controller TEXT NOT NULL,
  position INTEGER NOT NULL,

  -- 'up' or 'down', and when the peer was first heard to say so.
  state TEXT NOT NULL,
  heard_at INTEGER NOT NULL,

  -- As in virtual_server_verdict. Of a server with a row for each address there is also one for the
  -- server: 'up' while one of them is.
  family TEXT NOT NULL DEFAULT '',

  PRIMARY KEY (node, pool, controller, position, family)
) STRICT, WITHOUT ROWID;

-- The values that the triggers give to a decision that is made now.
CREATE VIEW IF NOT EXISTS share_now (node, now_ms, decided, replaced) AS
SELECT node, now_ms, now_ms * 4096, replaced
  FROM (SELECT node, replaced,
               CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms
          FROM share);

-----------------------------------------------------------------------------------------------
-- revision: one row of numbers that change with every committed change of the tables named below. A
-- process reads them with each question, and reads the tables again when a number differs from the
-- last one. Only the triggers at the end of this file write here. They draw random numbers: a
-- counter would repeat a value after a backup was restored, and a process that had seen that value
-- before would keep the wrong rows.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS revision (
  id INTEGER PRIMARY KEY CONSTRAINT "revision has one row" CHECK (id = 1),

  -- Changes with zone, record, controller, pool, virtual_server, balanced_name, monitor,
  -- ldns_group, pin and setting.
  configuration INTEGER NOT NULL,

  -- Changes when a metric 'availability', or that of an address, is inserted, deleted or set to
  -- another value, and with site_state.
  metrics INTEGER NOT NULL,

  -- Changes with topology and geo_database.
  topology INTEGER NOT NULL,

  -- Changes when anybody but pdns-sticky changes persistence.
  mappings INTEGER NOT NULL,

  -- Which database this is. It never changes, and a copy has the same number.
  identity INTEGER NOT NULL
) STRICT;

INSERT OR IGNORE INTO revision (id, configuration, metrics, topology, mappings, identity)
  VALUES (1, random(), random(), random(), random(), random());

-----------------------------------------------------------------------------------------------
-- configuration_change: the last updates of controller, pool and virtual_server, some 256 to 320,
-- each with the revision of the configuration before and after it. A process that finds its own
-- revision here reads only the rows that were updated since. In all other cases it reads
-- everything. Only the triggers at the end of this file write here.
-----------------------------------------------------------------------------------------------
CREATE TABLE IF NOT EXISTS configuration_change (
  number INTEGER PRIMARY KEY,  -- in the order of the changes

  -- revision.configuration before this change and after it.
  previous INTEGER NOT NULL,
  revision INTEGER NOT NULL DEFAULT (random()),

  -- The row that was updated. All NULL: more than one row may have changed, as with a new position.
  controller_id INTEGER,
  pool_id INTEGER,
  virtual_server_id INTEGER
) STRICT;

-----------------------------------------------------------------------------------------------
-- Indexes. The unique ones prevent a duplicate record in a zone, two rows of topology for the same
-- controller and the same network, country, continent or autonomous system, and two pins of a pool
-- for the same network or group.
-----------------------------------------------------------------------------------------------
CREATE UNIQUE INDEX IF NOT EXISTS record_once ON record (zone_id, name, type, content);
CREATE UNIQUE INDEX IF NOT EXISTS record_once_without_zone ON record (name, type, content)
  WHERE zone_id IS NULL;
CREATE INDEX IF NOT EXISTS record_name ON record (name);
CREATE INDEX IF NOT EXISTS virtual_server_place ON virtual_server (pool_id, position);
CREATE INDEX IF NOT EXISTS virtual_server_controller ON virtual_server (controller_id, pool_id);
CREATE INDEX IF NOT EXISTS virtual_server_name ON virtual_server (pool_id) WHERE name IS NOT NULL;
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
CREATE UNIQUE INDEX IF NOT EXISTS topology_default ON topology (controller_id)
  WHERE cidr IS NULL AND country IS NULL AND continent IS NULL AND asn IS NULL;
CREATE INDEX IF NOT EXISTS topology_controller ON topology (controller_id);
CREATE UNIQUE INDEX IF NOT EXISTS pin_network ON pin (network, pool_id)
  WHERE network IS NOT NULL AND pool_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS pin_network_in_all_pools ON pin (network)
  WHERE network IS NOT NULL AND pool_id IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS pin_group ON pin (ldns_group, pool_id)
  WHERE ldns_group IS NOT NULL AND pool_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS pin_group_in_all_pools ON pin (ldns_group)
  WHERE ldns_group IS NOT NULL AND pool_id IS NULL;
CREATE INDEX IF NOT EXISTS pin_controller ON pin (controller_id);
CREATE INDEX IF NOT EXISTS pin_pool ON pin (pool_id);
CREATE INDEX IF NOT EXISTS path_metric_bits ON path_metric (ipv6, bits);
CREATE INDEX IF NOT EXISTS path_metric_changed ON path_metric (changed) WHERE changed > 0;
CREATE INDEX IF NOT EXISTS path_metric_origin ON path_metric (origin, measured_at)
  WHERE origin > 0;

-----------------------------------------------------------------------------------------------
-- View server_up: what is up of each virtual server by its own metrics. The views server and mapping
-- show it.
--
-- virtual_server_id
-- ipv4, ipv6         its addresses, without one that is down
-- server             1: up; 0: down, because its availability is 0 or all its addresses are down
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS server_up (virtual_server_id, ipv4, ipv6, server) AS
SELECT
  id, ipv4, ipv6,
  NOT EXISTS (SELECT 1 FROM virtual_server_metric AS a
               WHERE a.virtual_server_id = living.id AND a.name = 'availability' AND a.value = 0)
    AND coalesce(name, ipv4, ipv6) IS NOT NULL
FROM (
  SELECT v.id, v.name,
         iif(EXISTS (SELECT 1 FROM virtual_server_metric AS a
                      WHERE a.virtual_server_id = v.id AND a.name = 'availability-ipv4'
                        AND a.value = 0), NULL, v.ipv4) AS ipv4,
         iif(EXISTS (SELECT 1 FROM virtual_server_metric AS a
                      WHERE a.virtual_server_id = v.id AND a.name = 'availability-ipv6'
                        AND a.value = 0), NULL, v.ipv6) AS ipv6
    FROM virtual_server AS v
) AS living;

-----------------------------------------------------------------------------------------------
-- View site_held: the sites that are held, whether they are up or not. The views server, mapping and
-- site show it.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS site_held (pool_id, controller_id, held_since) AS
SELECT s.pool_id, s.controller_id, s.held_since
  FROM site_state AS s
  JOIN pool AS p ON p.id = s.pool_id
  JOIN pool AS k ON k.id = coalesce(p.persistence_pool_id, p.id)
 WHERE s.held_since IS NOT NULL AND k.failback = 'manual';

-----------------------------------------------------------------------------------------------
-- View site_up: whether each site is up in each pool, by what was measured. A server that is disabled
-- does not count. View site and the triggers of site_state use it.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS site_up (pool_id, controller_id, up) AS
SELECT v.pool_id, v.controller_id,
       max(u.server)
         AND NOT EXISTS (SELECT 1 FROM controller_metric AS a
                          WHERE a.controller_id = v.controller_id AND a.name = 'availability'
                            AND a.value = 0)
  FROM virtual_server AS v
  JOIN server_up AS u ON u.virtual_server_id = v.id
 WHERE v.state <> 'disabled'
 GROUP BY v.pool_id, v.controller_id;

-----------------------------------------------------------------------------------------------
-- View site: the sites of each pool, since when they are up, and which are held. To let a site that
-- is held take resolvers again, in all pools or in one:
--
--   UPDATE site SET held = 0 WHERE controller = 'ams';
--   UPDATE site SET held = 0 WHERE controller = 'ams' AND pool = 'web';
--
-- Before it is up again, this permits its return. If it goes down once more, it is held once more.
-- While each site of a pool is held or down, the pool's fallback counts, where 'any' takes one that
-- is held, too.
--
-- up          1 if one of its servers is up by what was measured, else 0
-- up_since    since when: year-month-day hour:minute:second, UTC; NULL: it is down, or never was
-- held        1: it is held (pool.failback 'manual'), else 0
-- held_since  since when
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS site (pool, controller, up, up_since, held, held_since) AS
SELECT
  p.name,
  c.name,
  u.up,
  strftime('%Y-%m-%d %H:%M:%S', s.up_since, 'unixepoch'),
  h.held_since IS NOT NULL,
  strftime('%Y-%m-%d %H:%M:%S', h.held_since, 'unixepoch')
FROM site_up AS u
JOIN pool AS p ON p.id = u.pool_id
JOIN controller AS c ON c.id = u.controller_id
LEFT JOIN site_state AS s ON s.pool_id = u.pool_id AND s.controller_id = u.controller_id
LEFT JOIN site_held AS h ON h.pool_id = u.pool_id AND h.controller_id = u.controller_id
ORDER BY p.name, c.name;

CREATE TRIGGER IF NOT EXISTS site_resume INSTEAD OF UPDATE ON site BEGIN
  SELECT RAISE(ABORT,
    'of view site, held alone can be set, to 0: UPDATE site SET held = 0 WHERE controller = ''ams''')
   WHERE NEW.held IS NOT 0
      OR (NEW.pool, NEW.controller, NEW.up) <> (OLD.pool, OLD.controller, OLD.up)
      OR NEW.up_since IS NOT OLD.up_since OR NEW.held_since IS NOT OLD.held_since;
  UPDATE site_state
     SET held_since = NULL, up_since = iif(up_since IS NULL, NULL, unixepoch())
   WHERE held_since IS NOT NULL
     AND pool_id = (SELECT id FROM pool WHERE name = OLD.pool)
     AND controller_id = (SELECT id FROM controller WHERE name = OLD.controller);
END;

-----------------------------------------------------------------------------------------------
-- View server: the virtual servers with the names of their pools and controllers.
--
--   SELECT * FROM server WHERE pool = 'web';
--
-- answer  its addresses, or its name
-- state   the more restrictive one of its own state and that of its controller
-- up      'yes', 'server down', 'controller down', or 'ipv4 down' or 'ipv6 down' where only this
--         address of the server is; 'held' if it would be up, but nobody has resumed its site, see
--         view site
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS server
  (pool, position, controller, answer, weight, state, up) AS
SELECT
  p.name,
  v.position,
  c.name,
  coalesce(v.name, trim(coalesce(v.ipv4, '') || ' ' || coalesce(v.ipv6, ''))),
  v.weight,
  CASE
    WHEN 'disabled' IN (v.state, c.state) THEN 'disabled'
    WHEN 'draining' IN (v.state, c.state) THEN 'draining'
    ELSE 'enabled'
  END,
  CASE
    WHEN EXISTS (SELECT 1 FROM controller_metric AS a
                  WHERE a.controller_id = c.id AND a.name = 'availability' AND a.value = 0)
      THEN 'controller down'
    WHEN u.server = 0 THEN 'server down'
    WHEN EXISTS (SELECT 1 FROM site_held AS h
                  WHERE h.pool_id = v.pool_id AND h.controller_id = v.controller_id) THEN 'held'
    WHEN u.ipv4 IS NOT v.ipv4 THEN 'ipv4 down'
    WHEN u.ipv6 IS NOT v.ipv6 THEN 'ipv6 down'
    ELSE 'yes'
  END
FROM virtual_server AS v
JOIN server_up AS u ON u.virtual_server_id = v.id
JOIN pool AS p ON p.id = v.pool_id
JOIN controller AS c ON c.id = v.controller_id
ORDER BY p.name, v.position;

-----------------------------------------------------------------------------------------------
-- View pinned: the pins, and what each of them does now.
--
--   SELECT * FROM pinned WHERE holds <> 'yes';
--
-- id          of the pin
-- client      the network, or 'group NAME'
-- pool        NULL: all pools in which the controller has a virtual server
-- controller  to which the clients are sent
-- until       UTC; NULL: it does not end
-- left_s      seconds until then; NULL likewise
-- holds       'yes'; 'over'; 'no group': ldns_group has no such name; 'no server': the controller
--             has no virtual server there; 'disabled': it is, or all its servers there are;
--             'controller down'; 'server down'; 'held': see view site. Of a pin of all pools, 'yes'
--             if it holds in one
-- comment     as it was written
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS pinned
  (id, client, pool, controller, until, left_s, holds, comment) AS
SELECT
  n.id,
  coalesce(n.network, 'group ' || n.ldns_group),
  p.name,
  c.name,
  strftime('%Y-%m-%d %H:%M', n.until, 'unixepoch'),
  max(n.until - unixepoch(), 0),
  CASE
    WHEN n.until <= unixepoch() THEN 'over'
    WHEN n.ldns_group IS NOT NULL
     AND n.ldns_group NOT IN (SELECT name FROM ldns_group) THEN 'no group'
    WHEN NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      WHERE v.controller_id = n.controller_id
                        AND v.pool_id = coalesce(n.pool_id, v.pool_id)) THEN 'no server'
    WHEN c.state = 'disabled'
      OR NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      WHERE v.controller_id = n.controller_id
                        AND v.pool_id = coalesce(n.pool_id, v.pool_id)
                        AND v.state <> 'disabled') THEN 'disabled'
    WHEN EXISTS (SELECT 1 FROM controller_metric AS a
                  WHERE a.controller_id = c.id AND a.name = 'availability' AND a.value = 0)
      THEN 'controller down'
    WHEN NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      JOIN server_up AS u ON u.virtual_server_id = v.id
                      WHERE v.controller_id = n.controller_id
                        AND v.pool_id = coalesce(n.pool_id, v.pool_id)
                        AND v.state <> 'disabled' AND u.server) THEN 'server down'
    WHEN NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      JOIN server_up AS u ON u.virtual_server_id = v.id
                      WHERE v.controller_id = n.controller_id
                        AND v.pool_id = coalesce(n.pool_id, v.pool_id)
                        AND v.state <> 'disabled' AND u.server
                        AND (v.pool_id, v.controller_id) NOT IN
                            (SELECT pool_id, controller_id FROM site_held)) THEN 'held'
    ELSE 'yes'
  END,
  n.comment
FROM pin AS n
JOIN controller AS c ON c.id = n.controller_id
LEFT JOIN pool AS p ON p.id = n.pool_id
ORDER BY p.name, c.name, n.id;

-----------------------------------------------------------------------------------------------
-- View health: what is checked, and the results. A server whose addresses are each checked has two
-- rows.
--
--   SELECT * FROM health WHERE state <> 'up';
--
-- pool, controller  of the virtual server; pool is NULL for a controller itself
-- address           the address and port that are checked: '192.0.2.80:443', '[2001:db8::80]:443';
--                   or the name that is resolved for it, and the port
-- monitor           how it is checked; NULL if it no longer is
-- state             'up', 'down', or 'unknown' before the first verdict
-- reason            how the last check ended
-- since, checked    when it got this state, and when it was last checked: month-day
--                   hour:minute:second, UTC
-- age_s             seconds since the last check; if this is much more than the interval of the
--                   monitor, pdns-stickyd is not running
-- rtt               the round trip time in milliseconds, smoothed
-- flaps             how many times the state has changed
-- counts            'up' or 'down': what answers go by. It differs from state when other name servers
--                   have found something else (setting share_quorum)
-- peers             what other name servers say, such as 'ns2 down, ns3 up'
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS health
  (pool, controller, address, monitor, state, reason, since, checked, age_s, rtt, flaps, counts,
   peers) AS
SELECT
  t.pool,
  t.controller,
  CASE WHEN t.port IS NULL THEN t.address
       WHEN t.address LIKE '%:%' THEN '[' || t.address || ']:' || t.port
       ELSE t.address || ':' || t.port END,
  t.monitor,
  coalesce(t.state, 'unknown'),
  t.reason,
  strftime('%Y-%m-%d %H:%M:%S', t.since, 'unixepoch'),
  strftime('%Y-%m-%d %H:%M:%S', t.checked_at, 'unixepoch'),
  max(unixepoch() - t.checked_at, 0),
  round(t.rtt, 1),
  t.flaps,
  CASE t.availability WHEN 0 THEN 'down' ELSE 'up' END,
  (SELECT group_concat(said, ', ')
     FROM (SELECT p.name || ' ' || q.state AS said
             FROM peer AS p
             JOIN peer_state AS s ON s.node = p.node
             JOIN peer_verdict AS q ON q.node = p.node
            WHERE s.heard_at > unixepoch() - 10 AND q.pool = coalesce(t.pool, '')
              AND q.controller = t.controller AND q.position = coalesce(t.position, 0)
              AND q.family = t.family
            ORDER BY p.node))
FROM (
  SELECT o.*, m.name AS monitor,
         CASE WHEN m.type <> 'icmp' THEN
           coalesce(m.port, o.own_port,
                    CASE m.type WHEN 'http' THEN 80 WHEN 'https' THEN 443 WHEN 'dns' THEN 53 END)
         END AS port
    FROM (
      SELECT p.name AS pool, v.position AS position, f.family AS family, c.name AS controller,
             CASE f.family
               WHEN '' THEN coalesce(v.check_address, v.ipv4, v.ipv6, v.name)
               WHEN 'ipv4' THEN v.ipv4
               ELSE v.ipv6
             END AS address,
             v.port AS own_port, w.id AS monitor_id,
             d.state AS state, d.reason AS reason, d.since AS since, d.checked_at AS checked_at,
             (SELECT value FROM virtual_server_metric
               WHERE virtual_server_id = v.id AND name = 'rtt' || f.suffix) AS rtt,
             d.flaps AS flaps,
             (SELECT value FROM virtual_server_metric
               WHERE virtual_server_id = v.id AND name = 'availability' || f.suffix) AS availability
        FROM virtual_server AS v
        JOIN pool AS p ON p.id = v.pool_id
        JOIN controller AS c ON c.id = v.controller_id
        LEFT JOIN monitor AS w
          ON w.id = coalesce(v.monitor_id, p.monitor_id) AND v.checked = 1
        JOIN (SELECT '' AS family, '' AS suffix
               UNION ALL SELECT 'ipv4', '-ipv4'
               UNION ALL SELECT 'ipv6', '-ipv6') AS f
          ON (f.family <> '') = (coalesce(w.each_family, 0) AND v.check_address IS NULL
                                 AND v.ipv4 IS NOT NULL AND v.ipv6 IS NOT NULL)
          OR EXISTS (SELECT 1 FROM virtual_server_verdict AS e
                      WHERE e.virtual_server_id = v.id AND e.family = f.family)
        LEFT JOIN virtual_server_verdict AS d
          ON d.virtual_server_id = v.id AND d.family = f.family
       UNION ALL
      SELECT NULL, NULL, '', c.name, c.address, NULL, c.monitor_id, d.state, d.reason, d.since,
             d.checked_at,
             (SELECT value FROM controller_metric WHERE controller_id = c.id AND name = 'rtt'),
             d.flaps,
             (SELECT value FROM controller_metric
               WHERE controller_id = c.id AND name = 'availability')
        FROM controller AS c
        LEFT JOIN controller_verdict AS d ON d.controller_id = c.id
    ) AS o
    LEFT JOIN monitor AS m ON m.id = o.monitor_id
) AS t
WHERE t.monitor_id IS NOT NULL OR t.state IS NOT NULL
ORDER BY t.pool, t.position, t.controller, t.family;

-----------------------------------------------------------------------------------------------
-- View mapping: the mappings with names, with times as text, and whether they are live.
--
--   SELECT * FROM mapping WHERE pool = 'web' AND ldns = '192.0.2.53';
--   SELECT controller, count(*) FROM mapping WHERE live = 'yes' GROUP BY controller;
--   DELETE FROM mapping WHERE pool = 'web' AND ldns = '192.0.2.53';  -- deletes from persistence
--
-- Mappings that were not stored yet are not shown, and a DELETE that finds no row does nothing, see
-- table persistence.
--
-- pool        the pool of the mapping; pools that only share it have no rows of their own
-- address     the address of the controller
-- answer      the addresses or names of the controller's servers in this pool. Disabled servers are
--             left out, and so are servers and addresses that are down unless all of them are. Several
--             servers are separated by ' or '
-- since       when the mapping was made or last extended: year-month-day hour:minute, UTC
-- until       when it expires
-- left_s      seconds until then, 0 if it has expired
-- live        'yes' if it is live in this pool or in one that shares its mappings, or the first of
--             these reasons that applies:
--             'pool shares mappings': this pool uses those of another one now
--             'expired'
--             'method changed'
--             'controller gone'
--             'controller disabled'
--             'no server': all of the controller's servers in this pool are disabled, or there are
--             none
--             'server down': none of its servers is up. If all servers of the pool are down and
--             its fallback is 'any', the mapping is used nevertheless
--             'held': one would be up, but nobody has resumed the site, see view site
-- home        the controller from which a failure moved the resolver, see persistence.home_id
--
-- CROSS JOIN makes SQLite read pool first, so that a WHERE on ldns, with or without pool, can use
-- the primary key of persistence.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS mapping
  (pool, ldns, controller, address, answer, method, since, until, left_s, live, home) AS
SELECT
  p.name,
  m.ldns,
  c.name,
  c.address,
  (SELECT coalesce(group_concat(coalesce(name, trim(living)), ' or ') FILTER (WHERE server),
                   group_concat(coalesce(name, trim(addresses)), ' or '))
     FROM (SELECT v.name, u.server,
                  coalesce(u.ipv4, '') || ' ' || coalesce(u.ipv6, '') AS living,
                  coalesce(v.ipv4, '') || ' ' || coalesce(v.ipv6, '') AS addresses
             FROM virtual_server AS v
             JOIN server_up AS u ON u.virtual_server_id = v.id
            WHERE v.pool_id = m.pool_id AND v.controller_id = m.controller_id
              AND v.state <> 'disabled'
            ORDER BY v.position)),
  m.method,
  strftime('%Y-%m-%d %H:%M', m.timestamp, 'unixepoch'),
  strftime('%Y-%m-%d %H:%M', min(m.timestamp + m.ttl, 253402300799), 'unixepoch'),
  max(m.timestamp + m.ttl - unixepoch(), 0),
  CASE
    WHEN p.persistence_pool_id IS NOT NULL THEN 'pool shares mappings'
    WHEN m.timestamp + m.ttl <= unixepoch() THEN 'expired'
    WHEN m.method <> p.method THEN 'method changed'
    WHEN c.id IS NULL THEN 'controller gone'
    WHEN c.state = 'disabled' THEN 'controller disabled'
    WHEN NOT EXISTS (SELECT 1 FROM controller_metric AS a
                      WHERE a.controller_id = c.id AND a.name = 'availability' AND a.value = 0)
     AND EXISTS (SELECT 1 FROM virtual_server AS v
                  JOIN server_up AS u ON u.virtual_server_id = v.id
                  WHERE v.controller_id = m.controller_id
                    AND v.pool_id IN (SELECT m.pool_id
                                       UNION ALL SELECT s.id FROM pool AS s
                                                  WHERE s.persistence_pool_id = m.pool_id)
                    AND v.state <> 'disabled' AND u.server
                    AND NOT EXISTS (SELECT 1 FROM site_held AS h
                                     WHERE h.pool_id = v.pool_id
                                       AND h.controller_id = v.controller_id))
      THEN 'yes'
    WHEN NOT EXISTS (SELECT 1 FROM virtual_server AS v
                      WHERE v.pool_id = m.pool_id AND v.controller_id = m.controller_id
                        AND v.state <> 'disabled') THEN 'no server'
    WHEN EXISTS (SELECT 1 FROM site_held AS h
                  WHERE h.pool_id = m.pool_id AND h.controller_id = m.controller_id)
     AND (SELECT up FROM site_up AS u
           WHERE u.pool_id = m.pool_id AND u.controller_id = m.controller_id) THEN 'held'
    ELSE 'server down'
  END,
  (SELECT name FROM controller WHERE id = m.home_id)
FROM pool AS p
CROSS JOIN persistence AS m ON m.pool_id = p.id
LEFT JOIN controller AS c ON c.id = m.controller_id;

CREATE TRIGGER IF NOT EXISTS mapping_delete INSTEAD OF DELETE ON mapping BEGIN
  DELETE FROM persistence
   WHERE pool_id = (SELECT id FROM pool WHERE name = OLD.pool) AND ldns = OLD.ldns;
END;

-----------------------------------------------------------------------------------------------
-- The words that columns take: one view for each list. To read one:
--
--   SELECT word FROM allowed_method;
--
-- When a row is written, a trigger of its table inserts the word into the view, to have it checked.
-- Nothing is stored there. If the word is not in the view, a trigger of the view rejects the row
-- with a message that names the words that are. These lists will grow, and a migration can drop a
-- view and create it again with its trigger. A CHECK could not be changed.
-----------------------------------------------------------------------------------------------

-- For controller.state and virtual_server.state.
CREATE VIEW IF NOT EXISTS allowed_state (word) AS VALUES ('enabled'), ('draining'), ('disabled');
CREATE TRIGGER IF NOT EXISTS allowed_state_check INSTEAD OF INSERT ON allowed_state
WHEN NOT EXISTS (SELECT 1 FROM allowed_state WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'state must be one of enabled, draining, disabled');
END;

-- For pool.method and pool.alternate_method.
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

-- For pool.failback.
CREATE VIEW IF NOT EXISTS allowed_failback (word) AS
  VALUES ('stay'), ('return'), ('delayed'), ('manual');
CREATE TRIGGER IF NOT EXISTS allowed_failback_check INSTEAD OF INSERT ON allowed_failback
WHEN NOT EXISTS (SELECT 1 FROM allowed_failback WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'pool.failback must be one of stay, return, delayed, manual');
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
  VALUES ('A'), ('AAAA'), ('NS'), ('SOA'), ('TXT'), ('MX'), ('CNAME'), ('PTR'), ('SRV'), ('CAA'),
         ('NAPTR'), ('DS'), ('DNSKEY'), ('SVCB'), ('HTTPS');
CREATE TRIGGER IF NOT EXISTS allowed_query_check INSTEAD OF INSERT ON allowed_query
WHEN NOT EXISTS (SELECT 1 FROM allowed_query WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT,
    'monitor.query must be one of A, AAAA, NS, SOA, TXT, MX, CNAME, PTR, SRV, CAA, NAPTR, DS, DNSKEY, SVCB, HTTPS');
END;

-- For monitor.rcode.
CREATE VIEW IF NOT EXISTS allowed_rcode (word) AS
  VALUES ('NOERROR'), ('FORMERR'), ('SERVFAIL'), ('NXDOMAIN'), ('NOTIMP'), ('REFUSED');
CREATE TRIGGER IF NOT EXISTS allowed_rcode_check INSTEAD OF INSERT ON allowed_rcode
WHEN NOT EXISTS (SELECT 1 FROM allowed_rcode WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT,
    'monitor.rcode must be one of NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED');
END;

-- For monitor.http_method.
CREATE VIEW IF NOT EXISTS allowed_http_method (word) AS VALUES ('GET'), ('HEAD');
CREATE TRIGGER IF NOT EXISTS allowed_http_method_check INSTEAD OF INSERT ON allowed_http_method
WHEN NOT EXISTS (SELECT 1 FROM allowed_http_method WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'monitor.http_method must be one of GET, HEAD');
END;

-- For controller_verdict.state and virtual_server_verdict.state.
CREATE VIEW IF NOT EXISTS allowed_verdict (word) AS VALUES ('up'), ('down');
CREATE TRIGGER IF NOT EXISTS allowed_verdict_check INSTEAD OF INSERT ON allowed_verdict
WHEN NOT EXISTS (SELECT 1 FROM allowed_verdict WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT, 'the state of a verdict must be one of up, down');
END;

-- For controller_verdict.reason and virtual_server_verdict.reason.
CREATE VIEW IF NOT EXISTS allowed_reason (word) AS
  VALUES ('ok'), ('timeout'), ('refused'), ('unreachable'), ('closed'), ('tls'), ('protocol'),
         ('status'), ('content'), ('unresolved'), ('internal'), ('no-tls'), ('untrusted'),
         ('expired'), ('wrong-name');
CREATE TRIGGER IF NOT EXISTS allowed_reason_check INSTEAD OF INSERT ON allowed_reason
WHEN NOT EXISTS (SELECT 1 FROM allowed_reason WHERE word = NEW.word) BEGIN
  SELECT RAISE(ABORT,
    'reason must be one of ok, timeout, refused, unreachable, closed, tls, protocol, status, content, unresolved, internal, no-tls, untrusted, expired, wrong-name');
END;

-- The columns that a type of monitor requires, and those that it does not use. This view is always
-- empty.
CREATE VIEW IF NOT EXISTS allowed_monitor
  (type, port, path, host, body, send, expect, http_method, headers, proxy, tls, steps, rcode, answer,
   source, arguments) AS
  SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL
   WHERE 0;
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
  SELECT RAISE(ABORT, 'monitor.host is only for http, https, dns, and tcp with tls')
   WHERE NEW.host IS NOT NULL AND NEW.type NOT IN ('http', 'https', 'dns')
     AND (NEW.type, NEW.tls) <> ('tcp', 1);
  SELECT RAISE(ABORT, 'monitor.host of tcp has no port and no brackets: imap.example.com, ::1')
   WHERE NEW.type = 'tcp'
     AND (NEW.host GLOB '[[]*' OR (NEW.host GLOB '*:*' AND NEW.host NOT GLOB '*:*:*'));
  SELECT RAISE(ABORT, 'monitor.host of http and https has an IPv6 address in brackets: [2001:db8::1]')
   WHERE NEW.type IN ('http', 'https') AND NEW.host GLOB '*:*:*' AND NEW.host NOT GLOB '[[]*';
  SELECT RAISE(ABORT, 'monitor.host is required for dns: it is the name to ask for')
   WHERE NEW.type = 'dns' AND NEW.host IS NULL;
  SELECT RAISE(ABORT, 'monitor.body is only for http and https')
   WHERE NEW.body IS NOT NULL AND NEW.type NOT IN ('http', 'https');
  SELECT RAISE(ABORT, 'monitor.send is only for tcp')
   WHERE NEW.send IS NOT NULL AND NEW.type <> 'tcp';
  SELECT RAISE(ABORT, 'monitor.expect is only for tcp')
   WHERE NEW.expect IS NOT NULL AND NEW.type <> 'tcp';
  SELECT RAISE(ABORT, 'monitor.http_method is only for http and https')
   WHERE NEW.http_method <> 'GET' AND NEW.type NOT IN ('http', 'https');
  SELECT RAISE(ABORT, 'monitor.body needs http_method GET: a reply to HEAD has no body')
   WHERE NEW.http_method = 'HEAD' AND NEW.body IS NOT NULL;
  SELECT RAISE(ABORT, 'monitor.headers is only for http and https')
   WHERE NEW.headers IS NOT NULL AND NEW.type NOT IN ('http', 'https');
  SELECT RAISE(ABORT, 'a line of monitor.headers is a name, a colon, a space and a value: Accept: */*')
   WHERE EXISTS (SELECT 1 FROM json_each('["' || replace(replace(replace(rtrim(
                   NEW.headers, char(10)), '\', '\\'), '"', '\"'), char(10), '","') || '"]') AS line
                  WHERE line.value NOT GLOB '[A-Za-z0-9]*: *[^ ]*'
                     OR substr(line.value, 1, instr(line.value, ': ') - 1) GLOB '*[^A-Za-z0-9_-]*');
  SELECT RAISE(ABORT,
    'monitor.headers has no Host, which is column host, Content-Length or Transfer-Encoding')
   WHERE char(10) || NEW.headers LIKE '%' || char(10) || 'Host:%'
      OR char(10) || NEW.headers LIKE '%' || char(10) || 'Content-Length:%'
      OR char(10) || NEW.headers LIKE '%' || char(10) || 'Transfer-Encoding:%';
  SELECT RAISE(ABORT, 'monitor.proxy is only for tcp, http and https')
   WHERE NEW.proxy <> 0 AND NEW.type NOT IN ('tcp', 'http', 'https');
  SELECT RAISE(ABORT, 'monitor.proxy 2 is only for tcp: http and https send version 1')
   WHERE NEW.proxy = 2 AND NEW.type IN ('http', 'https');
  SELECT RAISE(ABORT, 'monitor.tls is only for tcp')
   WHERE NEW.tls <> 0 AND NEW.type <> 'tcp';
  SELECT RAISE(ABORT, 'monitor.steps is only for tcp')
   WHERE NEW.steps IS NOT NULL AND NEW.type <> 'tcp';
  SELECT RAISE(ABORT, 'monitor.steps takes the place of send and expect, which must be NULL')
   WHERE NEW.steps IS NOT NULL AND (NEW.send IS NOT NULL OR NEW.expect IS NOT NULL);
  SELECT RAISE(ABORT, 'a line of monitor.steps is send or expect, a space and a text')
   WHERE EXISTS (SELECT 1 FROM json_each('["' || replace(replace(replace(rtrim(
                   NEW.steps, char(10)), '\', '\\'), '"', '\"'), char(10), '","') || '"]') AS line
                  WHERE line.value NOT GLOB 'send ?*' AND line.value NOT GLOB 'expect ?*');
  SELECT RAISE(ABORT, 'monitor.rcode is only for dns')
   WHERE NEW.rcode <> 'NOERROR' AND NEW.type <> 'dns';
  SELECT RAISE(ABORT, 'monitor.answer is only for dns')
   WHERE NEW.answer IS NOT NULL AND NEW.type <> 'dns';
  SELECT RAISE(ABORT, 'monitor.answer needs rcode NOERROR: no other reply has the records')
   WHERE NEW.answer IS NOT NULL AND NEW.rcode <> 'NOERROR';
  SELECT RAISE(ABORT, 'monitor.source is not for exec: give the program an argument')
   WHERE NEW.source IS NOT NULL AND NEW.type = 'exec';
  SELECT RAISE(ABORT, 'monitor.arguments is only for exec')
   WHERE NEW.arguments IS NOT NULL AND NEW.type <> 'exec';
END;

-- What makes a pin that can match somebody. A trigger inserts a row of pin here whenever what it is
-- for, its pool or its controller is written. This view is always empty.
CREATE VIEW IF NOT EXISTS allowed_pin (network, ldns_group, pool_id, controller_id) AS
SELECT NULL, NULL, NULL, NULL WHERE 0;
CREATE TRIGGER IF NOT EXISTS allowed_pin_check INSTEAD OF INSERT ON allowed_pin BEGIN
  SELECT RAISE(ABORT, 'pin needs network or ldns_group, and not both')
   WHERE (NEW.network IS NULL) = (NEW.ldns_group IS NULL);
  SELECT RAISE(ABORT, 'pin.pool_id is not the id of a pool')
   WHERE NEW.pool_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pool WHERE id = NEW.pool_id);
  SELECT RAISE(ABORT, 'pin.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
  SELECT RAISE(ABORT, 'pin.ldns_group is not the name of a group: see table ldns_group')
   WHERE NEW.ldns_group IS NOT NULL  -- NULL is not in an empty table
     AND NEW.ldns_group NOT IN (SELECT name FROM ldns_group);
  SELECT RAISE(ABORT,
    'pin.network is not an address that a client can have: for all of them, pin 0.0.0.0/0 and ::/0')
   WHERE NEW.network IN ('0.0.0.0', '0.0.0.0/32', '::', '::/128');
  -- The four numbers of an IPv4 network: CAST reads up to the dot, the rest follows it.
  SELECT RAISE(ABORT, 'pin.network has a number above 255: no client has such an address')
    FROM (SELECT *, substr(c, instr(c, '.') + 1) AS d
            FROM (SELECT *, substr(b, instr(b, '.') + 1) AS c
                    FROM (SELECT NEW.network AS a,
                                 substr(NEW.network, instr(NEW.network, '.') + 1) AS b)))
   WHERE NEW.network NOT GLOB '*:*'
     AND max(CAST(a AS INTEGER), CAST(b AS INTEGER), CAST(c AS INTEGER), CAST(d AS INTEGER)) > 255;
  SELECT RAISE(ABORT, 'pin.network has bits after its prefix: 192.0.2.0/24, not 192.0.2.1/24')
    FROM (SELECT *, substr(c, instr(c, '.') + 1) AS d
            FROM (SELECT *, substr(b, instr(b, '.') + 1) AS c
                    FROM (SELECT NEW.network AS a,
                                 substr(NEW.network, instr(NEW.network, '.') + 1) AS b,
                                 CAST(substr(NEW.network, instr(NEW.network, '/') + 1) AS INTEGER)
                                   AS bits)))
   WHERE NEW.network GLOB '*/*'
     AND iif(NEW.network GLOB '*:*',
             -- Of IPv6, the last sixteen bits. The program looks at the others, too.
             bits <= 112 AND NEW.network NOT GLOB '*:[0:]/*' AND NEW.network NOT GLOB '*.*',
             ((CAST(a AS INTEGER) << 24) + (CAST(b AS INTEGER) << 16) + (CAST(c AS INTEGER) << 8)
              + CAST(d AS INTEGER)) & ((1 << (32 - bits)) - 1));
  SELECT RAISE(ABORT, 'pin.controller_id has no virtual server in this pool: the pin never matches')
   WHERE NEW.pool_id IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM virtual_server
                      WHERE controller_id = NEW.controller_id AND pool_id = NEW.pool_id);
  SELECT RAISE(ABORT, 'pin.controller_id has no virtual server in any pool: the pin never matches')
   WHERE NOT EXISTS (SELECT 1 FROM virtual_server WHERE controller_id = NEW.controller_id);
END;

-- What servers with names (virtual_server.name) rule out. Triggers insert a pool here whose servers or
-- fallback pool have changed; or a balanced name with its pool, if the name, its records or its zone
-- have. `above` are the pools that fall back on the pool, `below` those on which it falls back; both
-- contain itself. This view is always empty.
CREATE VIEW IF NOT EXISTS allowed_answer (pool_id, name) AS SELECT NULL, NULL WHERE 0;
CREATE TRIGGER IF NOT EXISTS allowed_answer_check INSTEAD OF INSERT ON allowed_answer
WHEN EXISTS (SELECT 1 FROM virtual_server WHERE name IS NOT NULL) BEGIN
  SELECT RAISE(ABORT,
    'a pool and its fallback pools have servers with addresses or servers with names, not both')
   WHERE NEW.name IS NULL AND EXISTS (
     WITH RECURSIVE above (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.id FROM above CROSS JOIN pool AS p ON p.fallback_pool_id = above.id),
     below (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.fallback_pool_id FROM below CROSS JOIN pool AS p ON p.id = below.id)
     SELECT 1
      WHERE (EXISTS (SELECT 1 FROM above CROSS JOIN virtual_server AS v ON v.pool_id = above.id
                      WHERE v.name IS NOT NULL)
             AND EXISTS (SELECT 1 FROM below CROSS JOIN virtual_server AS v ON v.pool_id = below.id
                          WHERE v.name IS NULL))
         OR (EXISTS (SELECT 1 FROM below CROSS JOIN virtual_server AS v ON v.pool_id = below.id
                      WHERE v.name IS NOT NULL)
             AND EXISTS (SELECT 1 FROM above CROSS JOIN virtual_server AS v ON v.pool_id = above.id
                          WHERE v.name IS NULL)));
  SELECT RAISE(ABORT,
    'a balanced name is a CNAME if its pool has servers with names: it cannot have other records, delete or disable them first')
   WHERE EXISTS (
     WITH RECURSIVE above (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.id FROM above CROSS JOIN pool AS p ON p.fallback_pool_id = above.id),
     below (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.fallback_pool_id FROM below CROSS JOIN pool AS p ON p.id = below.id),
     names (name) AS (
       SELECT NEW.name WHERE NEW.name IS NOT NULL
        UNION ALL
       SELECT b.name FROM above CROSS JOIN balanced_name AS b ON b.pool_id = above.id
        WHERE NEW.name IS NULL)
     SELECT 1 FROM names CROSS JOIN record AS r ON r.name = names.name COLLATE NOCASE
      WHERE r.disabled = 0
        AND EXISTS (SELECT 1 FROM below CROSS JOIN virtual_server AS v ON v.pool_id = below.id
                     WHERE v.name IS NOT NULL));
  SELECT RAISE(ABORT,
    'a balanced name is a CNAME if its pool has servers with names: it cannot be the apex of a zone')
   WHERE EXISTS (
     WITH RECURSIVE above (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.id FROM above CROSS JOIN pool AS p ON p.fallback_pool_id = above.id),
     below (id) AS (
       SELECT NEW.pool_id
        UNION
       SELECT p.fallback_pool_id FROM below CROSS JOIN pool AS p ON p.id = below.id),
     names (name) AS (
       SELECT NEW.name WHERE NEW.name IS NOT NULL
        UNION ALL
       SELECT b.name FROM above CROSS JOIN balanced_name AS b ON b.pool_id = above.id
        WHERE NEW.name IS NULL)
     SELECT 1 FROM names CROSS JOIN zone AS z ON z.name = names.name COLLATE NOCASE
      WHERE EXISTS (SELECT 1 FROM below CROSS JOIN virtual_server AS v ON v.pool_id = below.id
                     WHERE v.name IS NOT NULL));
END;

-----------------------------------------------------------------------------------------------
-- Triggers that keep the tables consistent. INSERT OR REPLACE and UPDATE OR REPLACE delete rows
-- without firing delete triggers. So the triggers for inserts and for new names look for rows that
-- refer to a row that is gone.
-----------------------------------------------------------------------------------------------

-- Zones and their records.

CREATE TRIGGER IF NOT EXISTS zone_insert AFTER INSERT ON zone BEGIN
  SELECT RAISE(ABORT, 'this would replace a zone that has records: use UPDATE instead of REPLACE')
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
  SELECT RAISE(ABORT, 'zone.id cannot be changed: insert a new zone and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS zone_rename AFTER UPDATE OF name ON zone BEGIN
  SELECT RAISE(ABORT, 'this would replace a zone that has records: use UPDATE instead of REPLACE')
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
  SELECT RAISE(ABORT, 'record.zone_id is not the id of a zone')
   WHERE NEW.zone_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM zone WHERE id = NEW.zone_id);
  SELECT RAISE(ABORT, 'record.name is not in its zone: write the full name, www.example.com')
    FROM zone
   WHERE id = NEW.zone_id AND name <> '.' AND NEW.name <> name COLLATE NOCASE
     AND substr(NEW.name, -length(name) - 1) <> '.' || name COLLATE NOCASE;
  SELECT RAISE(ABORT,
    'a balanced name cannot have A, AAAA or CNAME records: its pool answers these')
   WHERE NEW.disabled = 0 AND NEW.type IN ('A', 'AAAA', 'CNAME')
     AND EXISTS (SELECT 1 FROM balanced_name WHERE name = NEW.name COLLATE NOCASE);
END;

CREATE TRIGGER IF NOT EXISTS record_update AFTER UPDATE ON record BEGIN
  SELECT RAISE(ABORT, 'record.zone_id is not the id of a zone')
   WHERE NEW.zone_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM zone WHERE id = NEW.zone_id);
  SELECT RAISE(ABORT, 'record.name is not in its zone: write the full name, www.example.com')
    FROM zone
   WHERE id = NEW.zone_id AND name <> '.' AND NEW.name <> name COLLATE NOCASE
     AND substr(NEW.name, -length(name) - 1) <> '.' || name COLLATE NOCASE;
  SELECT RAISE(ABORT,
    'a balanced name cannot have A, AAAA or CNAME records: its pool answers these')
   WHERE NEW.disabled = 0 AND NEW.type IN ('A', 'AAAA', 'CNAME')
     AND EXISTS (SELECT 1 FROM balanced_name WHERE name = NEW.name COLLATE NOCASE);
END;

-- Controllers. Deleting one also deletes its metrics, verdict, topology, round trip times, pins and
-- mappings.

CREATE TRIGGER IF NOT EXISTS controller_insert AFTER INSERT ON controller BEGIN
  SELECT RAISE(ABORT,
    'this would replace a controller that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM pin WHERE controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_update BEFORE UPDATE ON controller
WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT,
    'controller.id cannot be changed: insert a new controller and delete this one');
END;

-- REPLACE takes the place of another row only if the name has changed, and looking for what it leaves
-- behind is slow. The same holds for pools and monitors.
CREATE TRIGGER IF NOT EXISTS controller_rename AFTER UPDATE OF name ON controller
WHEN NEW.name <> OLD.name BEGIN
  SELECT RAISE(ABORT,
    'this would replace a controller that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE controller_id NOT IN (SELECT id FROM controller));
  DELETE FROM controller_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM controller_verdict WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM topology WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM path_metric WHERE controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM pin WHERE controller_id NOT IN (SELECT id FROM controller);
END;

-- As for a virtual server, see virtual_server_checked_anew.
CREATE TRIGGER IF NOT EXISTS controller_checked_anew AFTER UPDATE OF address ON controller
WHEN NEW.address IS NOT OLD.address BEGIN
  DELETE FROM controller_metric
   WHERE controller_id = NEW.id AND name IN ('availability', 'rtt')
     AND EXISTS (SELECT 1 FROM controller_verdict WHERE controller_id = NEW.id);
  DELETE FROM controller_verdict WHERE controller_id = NEW.id;
END;

CREATE TRIGGER IF NOT EXISTS controller_delete BEFORE DELETE ON controller BEGIN
  SELECT RAISE(ABORT, 'the controller still has virtual servers: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE controller_id = OLD.id);
  DELETE FROM controller_metric WHERE controller_id = OLD.id;
  DELETE FROM controller_verdict WHERE controller_id = OLD.id;
  DELETE FROM topology WHERE controller_id = OLD.id;
  DELETE FROM path_metric WHERE controller_id = OLD.id;
  DELETE FROM pin WHERE controller_id = OLD.id;
END;

-- A mapping whose pool or controller is gone leaves no row in share_deleted.
CREATE TRIGGER IF NOT EXISTS controller_deleted AFTER DELETE ON controller BEGIN
  DELETE FROM persistence WHERE controller_id = OLD.id;
  DELETE FROM site_state WHERE controller_id = OLD.id;
END;

-- Pools. Deleting one also deletes its pins and mappings.

CREATE TRIGGER IF NOT EXISTS pool_insert AFTER INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'this would replace a pool that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM balanced_name WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool
                  WHERE id <> NEW.id AND fallback_pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool
                  WHERE id <> NEW.id AND persistence_pool_id NOT IN (SELECT id FROM pool));
  SELECT RAISE(ABORT, 'pool.fallback_pool_id is the pool itself: use NULL for no other pool')
   WHERE NEW.fallback_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.fallback_pool_id is not the id of a pool')
   WHERE NEW.fallback_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
    'pool.fallback_pool_id leads back to this pool: fallback pools must not form a loop')
   WHERE NEW.id IN (WITH RECURSIVE chain (id) AS (
                      SELECT NEW.fallback_pool_id
                       UNION
                      SELECT p.fallback_pool_id FROM pool AS p JOIN chain USING (id))
                    SELECT id FROM chain);
  SELECT RAISE(ABORT,
    'pool.persistence_pool_id is the pool itself: use NULL for mappings of its own')
   WHERE NEW.persistence_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.persistence_pool_id is not the id of a pool')
   WHERE NEW.persistence_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
    'pool.persistence_pool_id is a pool that shares the mappings of a third: use that one')
    FROM pool WHERE id = NEW.persistence_pool_id AND persistence_pool_id IS NOT NULL;
  SELECT RAISE(ABORT, 'other pools share the mappings of this pool, so it must have its own')
   WHERE NEW.persistence_pool_id IS NOT NULL
     AND EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = NEW.id);
  DELETE FROM pin WHERE pool_id NOT IN (SELECT id FROM pool);
END;

CREATE TRIGGER IF NOT EXISTS pool_update BEFORE UPDATE ON pool WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'pool.id cannot be changed: insert a new pool and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS pool_rename AFTER UPDATE OF name ON pool
WHEN NEW.name <> OLD.name BEGIN
  SELECT RAISE(ABORT, 'this would replace a pool that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM balanced_name WHERE pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool WHERE fallback_pool_id NOT IN (SELECT id FROM pool))
      OR EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id NOT IN (SELECT id FROM pool));
  DELETE FROM pin WHERE pool_id NOT IN (SELECT id FROM pool);
END;

CREATE TRIGGER IF NOT EXISTS pool_refer
AFTER UPDATE OF fallback_pool_id, persistence_pool_id ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.fallback_pool_id is the pool itself: use NULL for no other pool')
   WHERE NEW.fallback_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.fallback_pool_id is not the id of a pool')
   WHERE NEW.fallback_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
    'pool.fallback_pool_id leads back to this pool: fallback pools must not form a loop')
   WHERE NEW.id IN (WITH RECURSIVE chain (id) AS (
                      SELECT NEW.fallback_pool_id
                       UNION
                      SELECT p.fallback_pool_id FROM pool AS p JOIN chain USING (id))
                    SELECT id FROM chain);
  SELECT RAISE(ABORT,
    'pool.persistence_pool_id is the pool itself: use NULL for mappings of its own')
   WHERE NEW.persistence_pool_id = NEW.id;
  SELECT RAISE(ABORT, 'pool.persistence_pool_id is not the id of a pool')
   WHERE NEW.persistence_pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT,
    'pool.persistence_pool_id is a pool that shares the mappings of a third: use that one')
    FROM pool WHERE id = NEW.persistence_pool_id AND persistence_pool_id IS NOT NULL;
  SELECT RAISE(ABORT, 'other pools share the mappings of this pool, so it must have its own')
   WHERE NEW.persistence_pool_id IS NOT NULL
     AND EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = NEW.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_delete BEFORE DELETE ON pool BEGIN
  SELECT RAISE(ABORT, 'the pool still has virtual servers: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE pool_id = OLD.id);
  SELECT RAISE(ABORT, 'the pool still has balanced names: delete or move them first')
   WHERE EXISTS (SELECT 1 FROM balanced_name WHERE pool_id = OLD.id);
  SELECT RAISE(ABORT,
    'this pool is the fallback of another pool: change its fallback_pool_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE fallback_pool_id = OLD.id);
  SELECT RAISE(ABORT,
    'another pool shares the mappings of this pool: change its persistence_pool_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE persistence_pool_id = OLD.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_deleted AFTER DELETE ON pool BEGIN
  DELETE FROM pin WHERE pool_id = OLD.id;
  DELETE FROM persistence WHERE pool_id = OLD.id;
  DELETE FROM share_deleted WHERE pool_id = OLD.id;
  DELETE FROM site_state WHERE pool_id = OLD.id;
END;

-- Virtual servers and balanced names. Deleting a virtual server also deletes its metrics and its
-- verdict.

CREATE TRIGGER IF NOT EXISTS virtual_server_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.position is taken by another server of this pool')
   WHERE EXISTS (SELECT 1 FROM virtual_server
                  WHERE pool_id = NEW.pool_id AND position = NEW.position AND id <> NEW.id);
  SELECT RAISE(ABORT, 'a virtual server needs ipv4 or ipv6, or both, or a name')
   WHERE NEW.ipv4 IS NULL AND NEW.ipv6 IS NULL AND NEW.name IS NULL;
  SELECT RAISE(ABORT, 'a virtual server with a name cannot have ipv4 or ipv6')
   WHERE NEW.name IS NOT NULL AND (NEW.ipv4 IS NOT NULL OR NEW.ipv6 IS NOT NULL);
  SELECT RAISE(ABORT, 'virtual_server.pool_id is not the id of a pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'virtual_server.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
  DELETE FROM virtual_server_verdict
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_update BEFORE UPDATE ON virtual_server
WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'virtual_server.id cannot be changed: insert a new one and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_move
AFTER UPDATE OF pool_id, controller_id, position ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.pool_id is not the id of a pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'virtual_server.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
  DELETE FROM virtual_server_verdict
   WHERE virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_address
AFTER UPDATE OF ipv4, ipv6, name ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'a virtual server needs ipv4 or ipv6, or both, or a name')
   WHERE NEW.ipv4 IS NULL AND NEW.ipv6 IS NULL AND NEW.name IS NULL;
  SELECT RAISE(ABORT, 'a virtual server with a name cannot have ipv4 or ipv6')
   WHERE NEW.name IS NOT NULL AND (NEW.ipv4 IS NOT NULL OR NEW.ipv6 IS NOT NULL);
END;

-- What was found out about another address or port says nothing about this one. Metrics without a
-- verdict are somebody else's.
CREATE TRIGGER IF NOT EXISTS virtual_server_checked_anew
AFTER UPDATE OF port, checked ON virtual_server
WHEN NEW.checked = 0
  OR (NEW.port IS NOT OLD.port
      AND NOT EXISTS (SELECT 1 FROM monitor
                       WHERE id = coalesce(NEW.monitor_id, (SELECT monitor_id FROM pool
                                                             WHERE id = NEW.pool_id))
                         AND (port IS NOT NULL OR type = 'icmp')))
BEGIN
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id = NEW.id
     AND name IN ('availability', 'rtt', 'availability-ipv4', 'rtt-ipv4', 'availability-ipv6',
                  'rtt-ipv6')
     AND EXISTS (SELECT 1 FROM virtual_server_verdict WHERE virtual_server_id = NEW.id);
  DELETE FROM virtual_server_verdict WHERE virtual_server_id = NEW.id;
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_moved
AFTER UPDATE OF ipv4, ipv6, check_address, name ON virtual_server BEGIN
  DELETE FROM virtual_server_metric
   WHERE virtual_server_id = NEW.id
     AND EXISTS (SELECT 1 FROM virtual_server_verdict AS d
                  WHERE d.virtual_server_id = NEW.id
                    AND virtual_server_metric.name
                        IN ('availability', 'rtt', 'availability-' || d.family, 'rtt-' || d.family)
                    AND CASE d.family
                          WHEN 'ipv4' THEN NEW.ipv4 IS NOT OLD.ipv4
                          WHEN 'ipv6' THEN NEW.ipv6 IS NOT OLD.ipv6
                          ELSE coalesce(NEW.check_address, NEW.ipv4, NEW.ipv6, NEW.name)
                               IS NOT coalesce(OLD.check_address, OLD.ipv4, OLD.ipv6, OLD.name)
                        END);
  DELETE FROM virtual_server_verdict
   WHERE virtual_server_id = NEW.id
     AND CASE family
           WHEN 'ipv4' THEN NEW.ipv4 IS NOT OLD.ipv4
           WHEN 'ipv6' THEN NEW.ipv6 IS NOT OLD.ipv6
           ELSE coalesce(NEW.check_address, NEW.ipv4, NEW.ipv6, NEW.name)
                IS NOT coalesce(OLD.check_address, OLD.ipv4, OLD.ipv6, OLD.name)
         END;
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_delete BEFORE DELETE ON virtual_server BEGIN
  DELETE FROM virtual_server_metric WHERE virtual_server_id = OLD.id;
  DELETE FROM virtual_server_verdict WHERE virtual_server_id = OLD.id;
END;

CREATE TRIGGER IF NOT EXISTS balanced_name_insert AFTER INSERT ON balanced_name BEGIN
  SELECT RAISE(ABORT, 'balanced_name.pool_id is not the id of a pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'this name has A, AAAA or CNAME records: delete or disable them first')
   WHERE EXISTS (SELECT 1 FROM record
                  WHERE name = NEW.name COLLATE NOCASE AND disabled = 0
                    AND type IN ('A', 'AAAA', 'CNAME'));
END;

CREATE TRIGGER IF NOT EXISTS balanced_name_update AFTER UPDATE ON balanced_name BEGIN
  SELECT RAISE(ABORT, 'balanced_name.pool_id is not the id of a pool')
   WHERE NEW.pool_id NOT IN (SELECT id FROM pool);
  SELECT RAISE(ABORT, 'this name has A, AAAA or CNAME records: delete or disable them first')
   WHERE EXISTS (SELECT 1 FROM record
                  WHERE name = NEW.name COLLATE NOCASE AND disabled = 0
                    AND type IN ('A', 'AAAA', 'CNAME'));
END;

-- Monitors, and the columns monitor_id.

CREATE TRIGGER IF NOT EXISTS monitor_insert AFTER INSERT ON monitor BEGIN
  SELECT RAISE(ABORT, 'this would replace a monitor that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER IF NOT EXISTS monitor_update BEFORE UPDATE ON monitor WHEN NEW.id <> OLD.id BEGIN
  SELECT RAISE(ABORT, 'monitor.id cannot be changed: insert a new monitor and delete this one');
END;

CREATE TRIGGER IF NOT EXISTS monitor_rename AFTER UPDATE OF name ON monitor
WHEN NEW.name <> OLD.name BEGIN
  SELECT RAISE(ABORT, 'this would replace a monitor that is in use: use UPDATE instead of REPLACE')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id NOT IN (SELECT id FROM monitor))
      OR EXISTS (SELECT 1 FROM controller WHERE monitor_id NOT IN (SELECT id FROM monitor));
END;

CREATE TRIGGER IF NOT EXISTS monitor_delete BEFORE DELETE ON monitor BEGIN
  SELECT RAISE(ABORT, 'a pool still uses the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM pool WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a virtual server still uses the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id = OLD.id);
  SELECT RAISE(ABORT, 'a controller still uses the monitor: change its monitor_id first')
   WHERE EXISTS (SELECT 1 FROM controller WHERE monitor_id = OLD.id);
END;

CREATE TRIGGER IF NOT EXISTS pool_monitor_insert AFTER INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id is not the id of a monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS pool_monitor_update AFTER UPDATE OF monitor_id ON pool BEGIN
  SELECT RAISE(ABORT, 'pool.monitor_id is not the id of a monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_monitor_insert AFTER INSERT ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id is not the id of a monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_monitor_update
AFTER UPDATE OF monitor_id ON virtual_server BEGIN
  SELECT RAISE(ABORT, 'virtual_server.monitor_id is not the id of a monitor')
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
  SELECT RAISE(ABORT, 'controller.monitor_id is not the id of a monitor')
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
  SELECT RAISE(ABORT, 'controller.monitor_id is not the id of a monitor')
   WHERE NEW.monitor_id IS NOT NULL AND NEW.monitor_id NOT IN (SELECT id FROM monitor);
END;

-- Metrics.

CREATE TRIGGER IF NOT EXISTS controller_metric_insert AFTER INSERT ON controller_metric BEGIN
  SELECT RAISE(ABORT, 'controller_metric.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_metric_update
AFTER UPDATE OF controller_id ON controller_metric BEGIN
  SELECT RAISE(ABORT, 'controller_metric.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_metric_insert AFTER INSERT ON virtual_server_metric
BEGIN
  SELECT RAISE(ABORT, 'virtual_server_metric.virtual_server_id is not the id of a virtual server')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_metric_update
AFTER UPDATE OF virtual_server_id ON virtual_server_metric BEGIN
  SELECT RAISE(ABORT, 'virtual_server_metric.virtual_server_id is not the id of a virtual server')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

-- Verdicts.

CREATE TRIGGER IF NOT EXISTS controller_verdict_insert AFTER INSERT ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS controller_verdict_update
AFTER UPDATE OF controller_id ON controller_verdict BEGIN
  SELECT RAISE(ABORT, 'controller_verdict.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_insert
AFTER INSERT ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT, 'virtual_server_verdict.virtual_server_id is not the id of a virtual server')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_verdict_update
AFTER UPDATE OF virtual_server_id ON virtual_server_verdict BEGIN
  SELECT RAISE(ABORT, 'virtual_server_verdict.virtual_server_id is not the id of a virtual server')
   WHERE NEW.virtual_server_id NOT IN (SELECT id FROM virtual_server);
END;

-- Sites: what goes down, comes up, and is held (site_state). Whatever may change that inserts the pool
-- and the controller into the view below, which is always empty; its trigger compares what counts as
-- up now with what is written. A site without a server that is not disabled stays as it is.
CREATE VIEW IF NOT EXISTS site_changed (pool_id, controller_id) AS SELECT NULL, NULL WHERE 0;
CREATE TRIGGER IF NOT EXISTS site_changed_insert INSTEAD OF INSERT ON site_changed BEGIN
  UPDATE site_state
     SET up_since = NULL,
         held_since = coalesce(held_since, (
           SELECT unixepoch() FROM pool AS p
             JOIN pool AS k ON k.id = coalesce(p.persistence_pool_id, p.id)
            WHERE p.id = NEW.pool_id AND k.failback = 'manual'))
   WHERE pool_id = NEW.pool_id AND controller_id = NEW.controller_id AND up_since IS NOT NULL
     AND EXISTS (SELECT 1 FROM site_up AS u
                  WHERE u.pool_id = NEW.pool_id AND u.controller_id = NEW.controller_id
                    AND NOT u.up);
  INSERT INTO site_state (pool_id, controller_id, held_since)
    SELECT u.pool_id, u.controller_id, iif(k.failback = 'manual', unixepoch(), NULL)
      FROM site_up AS u
      JOIN pool AS p ON p.id = u.pool_id
      JOIN pool AS k ON k.id = coalesce(p.persistence_pool_id, p.id)
     WHERE u.pool_id = NEW.pool_id AND u.controller_id = NEW.controller_id AND NOT u.up
       AND NOT EXISTS (SELECT 1 FROM site_state
                        WHERE pool_id = NEW.pool_id AND controller_id = NEW.controller_id);
  UPDATE site_state SET up_since = unixepoch()
   WHERE pool_id = NEW.pool_id AND controller_id = NEW.controller_id AND up_since IS NULL
     AND EXISTS (SELECT 1 FROM site_up AS u
                  WHERE u.pool_id = NEW.pool_id AND u.controller_id = NEW.controller_id AND u.up);
END;

-- What is inserted first, for each target that is checked, is mostly that it is up.
CREATE TRIGGER IF NOT EXISTS site_controller_metric_insert AFTER INSERT ON controller_metric
WHEN NEW.name = 'availability'
 AND (NEW.value = 0
      OR EXISTS (SELECT 1 FROM site_state
                  WHERE controller_id = NEW.controller_id AND up_since IS NULL)) BEGIN
  INSERT INTO site_changed
    SELECT DISTINCT pool_id, controller_id FROM virtual_server
     WHERE controller_id = NEW.controller_id;
END;
CREATE TRIGGER IF NOT EXISTS site_controller_metric_update AFTER UPDATE ON controller_metric
WHEN 'availability' IN (OLD.name, NEW.name)
 AND (NEW.controller_id, NEW.name, NEW.value)
     <> (OLD.controller_id, OLD.name, OLD.value) BEGIN
  INSERT INTO site_changed
    SELECT DISTINCT pool_id, controller_id FROM virtual_server
     WHERE controller_id IN (OLD.controller_id, NEW.controller_id);
END;
CREATE TRIGGER IF NOT EXISTS site_controller_metric_delete AFTER DELETE ON controller_metric
WHEN OLD.name = 'availability' BEGIN
  INSERT INTO site_changed
    SELECT DISTINCT pool_id, controller_id FROM virtual_server
     WHERE controller_id = OLD.controller_id;
END;

CREATE TRIGGER IF NOT EXISTS site_virtual_server_metric_insert
AFTER INSERT ON virtual_server_metric
WHEN NEW.name IN ('availability', 'availability-ipv4', 'availability-ipv6')
 AND (NEW.value = 0
      OR EXISTS (SELECT 1 FROM virtual_server AS v
                  JOIN site_state AS s
                    ON s.pool_id = v.pool_id AND s.controller_id = v.controller_id
                  WHERE v.id = NEW.virtual_server_id AND s.up_since IS NULL)) BEGIN
  INSERT INTO site_changed
    SELECT pool_id, controller_id FROM virtual_server WHERE id = NEW.virtual_server_id;
END;
CREATE TRIGGER IF NOT EXISTS site_virtual_server_metric_update
AFTER UPDATE ON virtual_server_metric
WHEN (OLD.name IN ('availability', 'availability-ipv4', 'availability-ipv6')
      OR NEW.name IN ('availability', 'availability-ipv4', 'availability-ipv6'))
 AND (NEW.virtual_server_id, NEW.name, NEW.value)
     <> (OLD.virtual_server_id, OLD.name, OLD.value) BEGIN
  INSERT INTO site_changed
    SELECT pool_id, controller_id FROM virtual_server
     WHERE id IN (OLD.virtual_server_id, NEW.virtual_server_id);
END;
CREATE TRIGGER IF NOT EXISTS site_virtual_server_metric_delete
AFTER DELETE ON virtual_server_metric
WHEN OLD.name IN ('availability', 'availability-ipv4', 'availability-ipv6') BEGIN
  INSERT INTO site_changed
    SELECT pool_id, controller_id FROM virtual_server WHERE id = OLD.virtual_server_id;
END;

CREATE TRIGGER IF NOT EXISTS site_virtual_server_insert AFTER INSERT ON virtual_server
WHEN EXISTS (SELECT 1 FROM site_state
              WHERE pool_id = NEW.pool_id AND controller_id = NEW.controller_id
                AND up_since IS NULL) BEGIN
  INSERT INTO site_changed VALUES (NEW.pool_id, NEW.controller_id);
END;
CREATE TRIGGER IF NOT EXISTS site_virtual_server_update
AFTER UPDATE OF pool_id, controller_id, ipv4, ipv6, name, state ON virtual_server BEGIN
  INSERT INTO site_changed VALUES (NEW.pool_id, NEW.controller_id);
  INSERT INTO site_changed
    SELECT OLD.pool_id, OLD.controller_id
     WHERE (OLD.pool_id, OLD.controller_id) <> (NEW.pool_id, NEW.controller_id);
END;
CREATE TRIGGER IF NOT EXISTS site_virtual_server_delete AFTER DELETE ON virtual_server BEGIN
  INSERT INTO site_changed VALUES (OLD.pool_id, OLD.controller_id);
END;

-- A pool that becomes 'manual' holds the sites that are down now. One that no longer is holds none,
-- and they have been up from now on.
CREATE TRIGGER IF NOT EXISTS site_failback AFTER UPDATE OF failback ON pool
WHEN NEW.failback <> OLD.failback BEGIN
  UPDATE site_state
     SET up_since = iif(up_since IS NULL OR held_since IS NULL, up_since, unixepoch()),
         held_since = iif(NEW.failback = 'manual' AND up_since IS NULL, unixepoch(), NULL)
   WHERE pool_id IN (SELECT id FROM pool
                      WHERE coalesce(persistence_pool_id, id) = NEW.id);
END;
CREATE TRIGGER IF NOT EXISTS site_persistence_pool AFTER UPDATE OF persistence_pool_id ON pool
WHEN NEW.persistence_pool_id IS NOT NULL
 AND NEW.persistence_pool_id IS NOT OLD.persistence_pool_id BEGIN
  UPDATE site_state
     SET held_since = (SELECT coalesce(site_state.held_since, unixepoch()) FROM pool
                        WHERE id = NEW.persistence_pool_id AND failback = 'manual')
   WHERE pool_id = NEW.id AND (held_since IS NOT NULL OR up_since IS NULL);
END;

-- Topology and round trip times.

CREATE TRIGGER IF NOT EXISTS topology_insert AFTER INSERT ON topology BEGIN
  SELECT RAISE(ABORT, 'topology needs one of cidr, country, continent, asn, or none for the default')
   WHERE (NEW.cidr IS NOT NULL) + (NEW.country IS NOT NULL) + (NEW.continent IS NOT NULL)
         + (NEW.asn IS NOT NULL) > 1;
  SELECT RAISE(ABORT, 'topology.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS topology_update AFTER UPDATE ON topology BEGIN
  SELECT RAISE(ABORT, 'topology needs one of cidr, country, continent, asn, or none for the default')
   WHERE (NEW.cidr IS NOT NULL) + (NEW.country IS NOT NULL) + (NEW.continent IS NOT NULL)
         + (NEW.asn IS NOT NULL) > 1;
  SELECT RAISE(ABORT, 'topology.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS path_metric_insert AFTER INSERT ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

CREATE TRIGGER IF NOT EXISTS path_metric_update AFTER UPDATE OF controller_id ON path_metric BEGIN
  SELECT RAISE(ABORT, 'path_metric.controller_id is not the id of a controller')
   WHERE NEW.controller_id NOT IN (SELECT id FROM controller);
END;

-- Pins.

CREATE TRIGGER IF NOT EXISTS pin_insert AFTER INSERT ON pin BEGIN
  INSERT INTO allowed_pin VALUES (NEW.network, NEW.ldns_group, NEW.pool_id, NEW.controller_id);
  SELECT RAISE(ABORT, 'pin.until is in the past: the pin never matches')
   WHERE NEW.until <= unixepoch();
END;

CREATE TRIGGER IF NOT EXISTS pin_update
AFTER UPDATE OF network, ldns_group, pool_id, controller_id ON pin BEGIN
  INSERT INTO allowed_pin VALUES (NEW.network, NEW.ldns_group, NEW.pool_id, NEW.controller_id);
END;

-- Sharing. With share.node = 0 a change of a mapping is not noted.

CREATE TRIGGER IF NOT EXISTS share_delete BEFORE DELETE ON share BEGIN
  SELECT RAISE(ABORT, 'the row of share cannot be deleted: set node to 0 to share nothing');
END;

CREATE TRIGGER IF NOT EXISTS share_node AFTER UPDATE OF node ON share WHEN NEW.node <> OLD.node
BEGIN
  SELECT RAISE(ABORT, 'share.node is the number of a peer: see table peer')
   WHERE NEW.node IN (SELECT node FROM peer);
END;

-- What was measured here before is to be told, too. Of mappings no changes were noted, so pdns-stickyd
-- draws another incarnation, for which all peers compare their tables with ours.
CREATE TRIGGER IF NOT EXISTS share_begin AFTER UPDATE OF node ON share
WHEN NEW.node <> 0 AND OLD.node = 0 BEGIN
  UPDATE share SET place = NULL;
  UPDATE path_metric SET changed = own.place
    FROM (SELECT network, controller_id,
                 (SELECT decided FROM share_now) + row_number() OVER () AS place
            FROM path_metric WHERE origin = 0) AS own
   WHERE path_metric.network = own.network AND path_metric.controller_id = own.controller_id;
END;

CREATE TRIGGER IF NOT EXISTS share_end AFTER UPDATE OF node ON share
WHEN NEW.node = 0 AND OLD.node <> 0 BEGIN
  UPDATE path_metric SET changed = 0 WHERE changed > 0;
  DELETE FROM share_change;
  DELETE FROM share_deleted;
  DELETE FROM share_moved;
  DELETE FROM share_state;
  DELETE FROM share_follow;
  DELETE FROM peer_state;
  DELETE FROM peer_verdict;
END;

CREATE TRIGGER IF NOT EXISTS share_follow_peer AFTER UPDATE OF follow ON share
WHEN NEW.follow <> 0 BEGIN
  SELECT RAISE(ABORT, 'share.follow is not the node of a peer: see table peer')
   WHERE NEW.follow NOT IN (SELECT node FROM peer);
END;

CREATE TRIGGER IF NOT EXISTS share_follow_end AFTER UPDATE OF follow ON share
WHEN coalesce(NEW.follow, 0) = 0 BEGIN
  DELETE FROM share_follow;
END;

CREATE TRIGGER IF NOT EXISTS peer_followed_update AFTER UPDATE OF node ON peer
WHEN OLD.node = (SELECT follow FROM share) AND NEW.node <> OLD.node BEGIN
  SELECT RAISE(ABORT, 'this server follows the peer: UPDATE share SET follow = 0 first');
END;
CREATE TRIGGER IF NOT EXISTS peer_followed_delete BEFORE DELETE ON peer
WHEN OLD.node = (SELECT follow FROM share) BEGIN
  SELECT RAISE(ABORT, 'this server follows the peer: UPDATE share SET follow = 0 first');
END;

CREATE TRIGGER IF NOT EXISTS peer_insert AFTER INSERT ON peer BEGIN
  SELECT RAISE(ABORT, 'peer.node is share.node, the number of this server itself')
   WHERE NEW.node = (SELECT node FROM share);
  SELECT RAISE(ABORT, 'there are 64 peers already, which is the most')
   WHERE (SELECT count(*) FROM peer) > 64;
  DELETE FROM share_cursor WHERE node NOT IN (SELECT node FROM peer);
  DELETE FROM peer_state WHERE node NOT IN (SELECT node FROM peer);
  DELETE FROM peer_verdict WHERE node NOT IN (SELECT node FROM peer);
END;

CREATE TRIGGER IF NOT EXISTS peer_update AFTER UPDATE ON peer BEGIN
  SELECT RAISE(ABORT, 'peer.node is share.node, the number of this server itself')
   WHERE NEW.node = (SELECT node FROM share);
  DELETE FROM share_cursor WHERE node NOT IN (SELECT node FROM peer);
  DELETE FROM peer_state WHERE node NOT IN (SELECT node FROM peer);
  DELETE FROM peer_verdict WHERE node NOT IN (SELECT node FROM peer);
END;

CREATE TRIGGER IF NOT EXISTS peer_delete AFTER DELETE ON peer BEGIN
  DELETE FROM share_cursor WHERE node = OLD.node;
  DELETE FROM peer_state WHERE node = OLD.node;
  DELETE FROM peer_verdict WHERE node = OLD.node;
END;

-- No trigger runs for the row that INSERT OR REPLACE overwrites. This matters only if that row was
-- decided on a server whose clock is ahead: the new row must have a higher number all the same, and
-- the next row must not.
CREATE TRIGGER IF NOT EXISTS persistence_replace BEFORE INSERT ON persistence
WHEN (SELECT node FROM share) <> 0
 AND ((SELECT replaced FROM share) <> 0
      OR (SELECT decided FROM persistence WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns)
         >= (SELECT decided FROM share_now)) BEGIN
  UPDATE share SET replaced = coalesce(
    (SELECT decided FROM persistence WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns), 0);
END;

CREATE TRIGGER IF NOT EXISTS persistence_insert AFTER INSERT ON persistence
WHEN (SELECT node FROM share) <> 0 BEGIN
  UPDATE persistence SET (decided, origin) = (
    SELECT max(now.decided, now.replaced + 1,
               coalesce((SELECT decided + 1 FROM share_deleted
                          WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns), 0)), now.node
      FROM share_now AS now)
   WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns;
  DELETE FROM share_deleted WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns;
  INSERT INTO share_change (pool_id, ldns, noted_ms)
    SELECT NEW.pool_id, NEW.ldns, now_ms FROM share_now;
END;

CREATE TRIGGER IF NOT EXISTS persistence_key BEFORE UPDATE OF pool_id, ldns ON persistence
WHEN (NEW.pool_id, NEW.ldns) <> (OLD.pool_id, OLD.ldns) AND (SELECT node FROM share) <> 0 BEGIN
  SELECT RAISE(ABORT,
    'pool_id and ldns of a shared mapping cannot be changed: insert a new row and delete this one');
END;

-- A later timestamp extends a mapping. Anything else is a new decision. One of the time before
-- sharing that is extended gets the lowest number: it must not replace what a peer has decided. A
-- decision about a mapping that was shared before counts for more than that, also while nothing is
-- shared: peers still have the older one.
CREATE TRIGGER IF NOT EXISTS persistence_update
AFTER UPDATE OF controller_id, method, timestamp, ttl, home_id ON persistence
WHEN (NEW.controller_id, NEW.method, NEW.timestamp, NEW.ttl, coalesce(NEW.home_id, 0))
     <> (OLD.controller_id, OLD.method, OLD.timestamp, OLD.ttl, coalesce(OLD.home_id, 0))
 AND ((SELECT node FROM share) <> 0 OR OLD.decided <> 0) BEGIN
  UPDATE persistence SET (decided, origin) = (
    SELECT iif((NEW.controller_id, NEW.method, NEW.ttl, coalesce(NEW.home_id, 0))
                 = (OLD.controller_id, OLD.method, OLD.ttl, coalesce(OLD.home_id, 0))
               AND NEW.timestamp > OLD.timestamp, 1, max(now.decided, OLD.decided + 1)), now.node
      FROM share_now AS now)
   WHERE pool_id = NEW.pool_id AND ldns = NEW.ldns
     AND ((NEW.controller_id, NEW.method, NEW.ttl, coalesce(NEW.home_id, 0))
            <> (OLD.controller_id, OLD.method, OLD.ttl, coalesce(OLD.home_id, 0))
          OR NEW.timestamp < OLD.timestamp OR OLD.decided = 0);
  INSERT INTO share_change (pool_id, ldns, noted_ms)
    SELECT NEW.pool_id, NEW.ldns, now_ms FROM share_now WHERE node <> 0;
END;

CREATE TRIGGER IF NOT EXISTS persistence_delete AFTER DELETE ON persistence
WHEN (SELECT node FROM share) <> 0 AND OLD.timestamp + OLD.ttl > unixepoch()
 AND EXISTS (SELECT 1 FROM pool WHERE id = OLD.pool_id)
 AND EXISTS (SELECT 1 FROM controller WHERE id = OLD.controller_id) BEGIN
  INSERT OR REPLACE INTO share_deleted (pool_id, ldns, decided, origin, timestamp, ttl)
    SELECT OLD.pool_id, OLD.ldns, max(now.decided, OLD.decided + 1), now.node, unixepoch(), OLD.ttl
      FROM share_now AS now;
  INSERT INTO share_change (pool_id, ldns, noted_ms)
    SELECT OLD.pool_id, OLD.ldns, now_ms FROM share_now;
END;

-- Whoever writes a round trip time with triggers has measured it here.
CREATE TRIGGER IF NOT EXISTS path_metric_measured AFTER INSERT ON path_metric
WHEN (SELECT node FROM share) <> 0 BEGIN
  UPDATE path_metric SET origin = 0, changed = (
    SELECT max(decided, coalesce((SELECT max(changed) FROM path_metric WHERE changed > 0), 0) + 1)
      FROM share_now)
   WHERE network = NEW.network AND controller_id = NEW.controller_id;
END;

CREATE TRIGGER IF NOT EXISTS path_metric_measured_again
AFTER UPDATE OF network, controller_id, rtt, measured_at ON path_metric
WHEN (NEW.network, NEW.controller_id, NEW.rtt, NEW.measured_at)
     <> (OLD.network, OLD.controller_id, OLD.rtt, OLD.measured_at)
 AND (OLD.origin <> 0 OR (SELECT node FROM share) <> 0) BEGIN
  UPDATE path_metric SET origin = 0, changed = (
    SELECT iif(node = 0, 0, max(decided,
             coalesce((SELECT max(changed) FROM path_metric WHERE changed > 0), 0) + 1))
      FROM share_now)
   WHERE network = NEW.network AND controller_id = NEW.controller_id;
END;

-- Servers with names: see view allowed_answer above.

CREATE TRIGGER IF NOT EXISTS zone_answer_insert AFTER INSERT ON zone BEGIN
  INSERT INTO allowed_answer SELECT pool_id, name FROM balanced_name WHERE name = NEW.name;
END;
CREATE TRIGGER IF NOT EXISTS zone_answer_update AFTER UPDATE OF name ON zone BEGIN
  INSERT INTO allowed_answer SELECT pool_id, name FROM balanced_name WHERE name = NEW.name;
END;

CREATE TRIGGER IF NOT EXISTS record_answer_insert AFTER INSERT ON record BEGIN
  INSERT INTO allowed_answer SELECT pool_id, name FROM balanced_name WHERE name = NEW.name;
END;
CREATE TRIGGER IF NOT EXISTS record_answer_update
AFTER UPDATE OF name, disabled ON record BEGIN
  INSERT INTO allowed_answer SELECT pool_id, name FROM balanced_name WHERE name = NEW.name;
END;

CREATE TRIGGER IF NOT EXISTS pool_answer_insert AFTER INSERT ON pool BEGIN
  INSERT INTO allowed_answer VALUES (NEW.id, NULL);
END;
CREATE TRIGGER IF NOT EXISTS pool_answer_update AFTER UPDATE OF fallback_pool_id ON pool BEGIN
  INSERT INTO allowed_answer VALUES (NEW.id, NULL);
END;

CREATE TRIGGER IF NOT EXISTS virtual_server_answer_insert AFTER INSERT ON virtual_server BEGIN
  INSERT INTO allowed_answer VALUES (NEW.pool_id, NULL);
END;
CREATE TRIGGER IF NOT EXISTS virtual_server_answer_update
AFTER UPDATE OF pool_id, name ON virtual_server BEGIN
  INSERT INTO allowed_answer VALUES (NEW.pool_id, NULL);
END;

CREATE TRIGGER IF NOT EXISTS balanced_name_answer_insert AFTER INSERT ON balanced_name BEGIN
  INSERT INTO allowed_answer VALUES (NEW.pool_id, NEW.name);
END;
CREATE TRIGGER IF NOT EXISTS balanced_name_answer_update AFTER UPDATE ON balanced_name BEGIN
  INSERT INTO allowed_answer VALUES (NEW.pool_id, NEW.name);
END;

-- Words and settings: see "The words that columns take" above.

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
  INSERT INTO allowed_failback VALUES (NEW.failback);
END;
CREATE TRIGGER IF NOT EXISTS pool_allowed_update
AFTER UPDATE OF method, alternate_method, persistence_timer, client, fallback, failback ON pool BEGIN
  INSERT INTO allowed_method VALUES (NEW.method);
  INSERT INTO allowed_method
    SELECT NEW.alternate_method WHERE NEW.alternate_method IS NOT NULL;
  INSERT INTO allowed_timer VALUES (NEW.persistence_timer);
  INSERT INTO allowed_client VALUES (NEW.client);
  INSERT INTO allowed_fallback VALUES (NEW.fallback);
  INSERT INTO allowed_failback VALUES (NEW.failback);
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
  INSERT INTO allowed_rcode VALUES (NEW.rcode);
  INSERT INTO allowed_http_method VALUES (NEW.http_method);
  INSERT INTO allowed_monitor
    VALUES (NEW.type, NEW.port, NEW.path, NEW.host, NEW.body, NEW.send, NEW.expect,
            NEW.http_method, NEW.headers, NEW.proxy, NEW.tls, NEW.steps, NEW.rcode, NEW.answer,
            NEW.source, NEW.arguments);
END;
CREATE TRIGGER IF NOT EXISTS monitor_allowed_update AFTER UPDATE ON monitor BEGIN
  INSERT INTO allowed_monitor_type VALUES (NEW.type);
  INSERT INTO allowed_query VALUES (NEW.query);
  INSERT INTO allowed_rcode VALUES (NEW.rcode);
  INSERT INTO allowed_http_method VALUES (NEW.http_method);
  INSERT INTO allowed_monitor
    VALUES (NEW.type, NEW.port, NEW.path, NEW.host, NEW.body, NEW.send, NEW.expect,
            NEW.http_method, NEW.headers, NEW.proxy, NEW.tls, NEW.steps, NEW.rcode, NEW.answer,
            NEW.source, NEW.arguments);
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
-- What a follower rejects: changes of the tables that its primary decides (share.follow). RAISE
-- takes no text that is put together, so the name of the primary is told by an error of json_each(),
-- which quotes a path that does not begin with $. Unlike json_extract() it is for everybody, also for
-- a connection that does not trust the schema (PRAGMA trusted_schema = OFF).
--
-- pdns-stickyd sets follow to 0 within the transaction in which it takes over a configuration, so
-- that all other triggers check the rows.
-----------------------------------------------------------------------------------------------
CREATE VIEW IF NOT EXISTS follow_refusal (text) AS
  SELECT coalesce((SELECT name FROM peer WHERE node = s.follow), 'node ' || s.follow)
         || ' decides the configuration of this server: make the change there,'
         || ' or stop following with UPDATE share SET follow = 0'
    FROM share AS s WHERE s.follow <> 0 AND s.node <> 0;

CREATE TRIGGER IF NOT EXISTS follow_zone_insert BEFORE INSERT ON zone
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_zone_update BEFORE UPDATE ON zone
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_zone_delete BEFORE DELETE ON zone
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_record_insert BEFORE INSERT ON record
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_record_update BEFORE UPDATE ON record
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_record_delete BEFORE DELETE ON record
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_controller_insert BEFORE INSERT ON controller
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_controller_update BEFORE UPDATE ON controller
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_controller_delete BEFORE DELETE ON controller
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_pool_insert BEFORE INSERT ON pool
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_pool_update BEFORE UPDATE ON pool
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_pool_delete BEFORE DELETE ON pool
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_virtual_server_insert BEFORE INSERT ON virtual_server
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_virtual_server_update BEFORE UPDATE ON virtual_server
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_virtual_server_delete BEFORE DELETE ON virtual_server
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_balanced_name_insert BEFORE INSERT ON balanced_name
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_balanced_name_update BEFORE UPDATE ON balanced_name
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_balanced_name_delete BEFORE DELETE ON balanced_name
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_monitor_insert BEFORE INSERT ON monitor
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_monitor_update BEFORE UPDATE ON monitor
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_monitor_delete BEFORE DELETE ON monitor
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_ldns_group_insert BEFORE INSERT ON ldns_group
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_ldns_group_update BEFORE UPDATE ON ldns_group
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_ldns_group_delete BEFORE DELETE ON ldns_group
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_pin_insert BEFORE INSERT ON pin
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_pin_update BEFORE UPDATE ON pin
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_pin_delete BEFORE DELETE ON pin
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

CREATE TRIGGER IF NOT EXISTS follow_topology_insert BEFORE INSERT ON topology
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_topology_update BEFORE UPDATE ON topology
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;
CREATE TRIGGER IF NOT EXISTS follow_topology_delete BEFORE DELETE ON topology
WHEN EXISTS (SELECT 1 FROM follow_refusal) BEGIN
  SELECT 1 FROM follow_refusal AS r, json_each('{}', r.text);
END;

-----------------------------------------------------------------------------------------------
-- Triggers that change the revision.
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
  INSERT INTO configuration_change (previous, controller_id)
    VALUES ((SELECT configuration FROM revision),
            iif(NEW.id = OLD.id AND NEW.name = OLD.name COLLATE BINARY, NEW.id, NULL));
END;
CREATE TRIGGER IF NOT EXISTS revision_controller_delete AFTER DELETE ON controller BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_pool_insert AFTER INSERT ON pool BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_pool_update AFTER UPDATE ON pool BEGIN
  INSERT INTO configuration_change (previous, pool_id)
    VALUES ((SELECT configuration FROM revision),
            iif(NEW.id = OLD.id AND NEW.name = OLD.name COLLATE BINARY
                AND NEW.fallback_pool_id IS OLD.fallback_pool_id
                AND NEW.persistence_pool_id IS OLD.persistence_pool_id, NEW.id, NULL));
END;
CREATE TRIGGER IF NOT EXISTS revision_pool_delete AFTER DELETE ON pool BEGIN
  UPDATE revision SET configuration = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_virtual_server_insert AFTER INSERT ON virtual_server BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_update AFTER UPDATE ON virtual_server BEGIN
  INSERT INTO configuration_change (previous, virtual_server_id)
    VALUES ((SELECT configuration FROM revision),
            iif((NEW.id, NEW.pool_id, NEW.position) = (OLD.id, OLD.pool_id, OLD.position),
                NEW.id, NULL));
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

CREATE TRIGGER IF NOT EXISTS revision_pin_insert AFTER INSERT ON pin BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_pin_update AFTER UPDATE ON pin BEGIN
  UPDATE revision SET configuration = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_pin_delete AFTER DELETE ON pin BEGIN
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

-- An update is a change of one row if the row stays in its place. One with another name or position
-- may have replaced other rows (UPDATE OR REPLACE), for which no trigger runs.
CREATE TRIGGER IF NOT EXISTS revision_configuration_change_insert
AFTER INSERT ON configuration_change BEGIN
  UPDATE revision SET configuration = NEW.revision;
  DELETE FROM configuration_change
   WHERE NEW.number % 64 = 0 AND number <= NEW.number - 256;  -- now and then, since it takes time
END;

CREATE TRIGGER IF NOT EXISTS revision_persistence_insert AFTER INSERT ON persistence BEGIN
  UPDATE revision SET mappings = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_persistence_update AFTER UPDATE ON persistence BEGIN
  UPDATE revision SET mappings = random();
END;

-- What is deleted with its pool or controller says nothing about other mappings that are not
-- written yet. Those of the pool or controller are dropped by whoever writes them.
CREATE TRIGGER IF NOT EXISTS revision_persistence_delete AFTER DELETE ON persistence
WHEN EXISTS (SELECT 1 FROM pool WHERE id = OLD.pool_id)
 AND EXISTS (SELECT 1 FROM controller WHERE id = OLD.controller_id) BEGIN
  UPDATE revision SET mappings = random();
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
WHEN NEW.name IN ('availability', 'availability-ipv4', 'availability-ipv6') BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_metric_update
AFTER UPDATE ON virtual_server_metric
WHEN (OLD.name IN ('availability', 'availability-ipv4', 'availability-ipv6')
      OR NEW.name IN ('availability', 'availability-ipv4', 'availability-ipv6'))
 AND (NEW.virtual_server_id, NEW.name, NEW.value)
     <> (OLD.virtual_server_id, OLD.name, OLD.value) BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_metric_delete
AFTER DELETE ON virtual_server_metric
WHEN OLD.name IN ('availability', 'availability-ipv4', 'availability-ipv6') BEGIN
  UPDATE revision SET metrics = random();
END;

CREATE TRIGGER IF NOT EXISTS revision_site_state_insert AFTER INSERT ON site_state BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_site_state_update AFTER UPDATE ON site_state BEGIN
  UPDATE revision SET metrics = random();
END;
CREATE TRIGGER IF NOT EXISTS revision_site_state_delete AFTER DELETE ON site_state BEGIN
  UPDATE revision SET metrics = random();
END;

-- A server that moves to another site or pool has another history.
CREATE TRIGGER IF NOT EXISTS revision_virtual_server_site
AFTER UPDATE OF pool_id, controller_id ON virtual_server
WHEN (NEW.pool_id, NEW.controller_id) <> (OLD.pool_id, OLD.controller_id) BEGIN
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
  SELECT RAISE(ABORT,
    'the row of revision cannot be deleted: without it no process would notice a change');
END;

UPDATE OR ROLLBACK temp.target SET decided = 1;
DROP TABLE IF EXISTS temp.target;

COMMIT;

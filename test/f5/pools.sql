-- The configuration of a BIG-IP DNS, for pdns-sticky. Read it before you use it: a comment with
-- a star says what has no counterpart here, or another meaning. Then, for a database of
-- schema.sql that has none of these names yet:
--
--   sqlite3 -bail /var/lib/pdns-sticky/sticky.sqlite <FILE
--
-- It is one transaction. If a statement fails, nothing is imported.

BEGIN IMMEDIATE;
CREATE TEMP TABLE import (
  found INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 1
    CONSTRAINT "a statement failed, see above: nothing was imported" CHECK (complete)
);
INSERT INTO temp.import (found)
  SELECT (SELECT count(*) FROM monitor) + (SELECT count(*) FROM controller)
         + (SELECT count(*) FROM pool) + (SELECT count(*) FROM virtual_server)
         + (SELECT count(*) FROM balanced_name) + (SELECT count(*) FROM topology);

-------------------------------------------------------------------------------
-- Monitors. BIG-IP does not verify certificates (verify 0), takes one success for up (rise 1),
--   and checks the A and the AAAA member of a site each (each_family).
-------------------------------------------------------------------------------
-- the monitor /Common/tcp of every BIG-IP
INSERT INTO monitor (name, type, interval, timeout, rise, fall, each_family)
  VALUES ('tcp', 'tcp', 30, 5, 1, 4, 1);

-------------------------------------------------------------------------------
-- Controllers: the servers that pools need
-------------------------------------------------------------------------------
-- gtm server /Common/s1, line 4
-- * in the data center /Common/dc1
INSERT INTO controller (name, address)
  VALUES ('s1', '192.0.2.1');
-- gtm server /Common/s2, line 5
-- * in the data center /Common/dc2
INSERT INTO controller (name, address)
  VALUES ('s2', '192.0.2.2');
-- stands for the addresses of fallback-ip, which belong to no server
INSERT INTO controller (name)
  VALUES ('fallback-ip');

-------------------------------------------------------------------------------
-- Pools and their virtual servers. A mapping is one of a pool, not of a name: names with one pool
--   share it. Where a fallback-mode is return-to-dns or none, the BIND of the BIG-IP answered
--   when all servers were down. There is none here: fallback 'any' gives one of the servers as if
--   all were up, and 'none' no address.
-------------------------------------------------------------------------------

-- gtm pool a /Common/p1, line 6; gtm pool a /Common/p2, line 7
-- * pool-lb-mode ratio: these pools are one here, since a name has one pool; the weights are the
--   shares of the pools times 100, split among their members
-- * fallback-mode return-to-dns: fallback 'any', see above
-- * /Common/p2 has the ttl 30: the first counts
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, monitor_id)
  VALUES ('ratio.example.com', 'ratio', 15, 0, 'any', (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 150
    FROM pool AS p, controller AS c
   WHERE p.name = 'ratio.example.com' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 2, '192.0.2.12', 80, 50
    FROM pool AS p, controller AS c
   WHERE p.name = 'ratio.example.com' AND c.name = 's1';
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 3, '192.0.2.21', 80, 100
    FROM pool AS p, controller AS c
   WHERE p.name = 'ratio.example.com' AND c.name = 's2';

-- gtm pool a /Common/p2, line 7; gtm pool a /Common/fixed, line 10
-- * pool-lb-mode round-robin: these pools are one here, since a name has one pool
-- * fallback-mode none: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('turns.example.com', 'round-robin', 30, 0, 'any');
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'turns.example.com' AND c.name = 's2';
-- fallback-ip
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, checked)
  SELECT p.id, c.id, 2, '203.0.113.7', 0
    FROM pool AS p, controller AS c
   WHERE p.name = 'turns.example.com' AND c.name = 'fallback-ip';

-- gtm pool a /Common/p2, line 7
-- * fallback-mode none: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('p2', 'round-robin', 30, 0, 'any');
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p2' AND c.name = 's2';

-- gtm pool a /Common/first, line 8
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, fallback_pool_id)
  VALUES ('first', 'failover', 30, 0, 'any', (SELECT id FROM pool WHERE name = 'p2'));
-- member s1:v1, line 8
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.11', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'first' AND c.name = 's1';
-- member s2:v1, line 8
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'first' AND c.name = 's2';

-- gtm pool a /Common/p1, line 6; gtm pool a /Common/p2, line 7
-- * pool-lb-mode topology: these pools are one here, since a name has one pool; table topology
--   leads to the controllers of each of them. Among servers that are equally close, their weight
--   counts
-- * fallback-mode return-to-dns: fallback 'any', see above
-- * /Common/p2 has the ttl 30: the first counts
-- * topology-prefer-edns0-client-subnet: the client network counts for mappings, too; PowerDNS
--   needs edns-subnet-processing=yes
INSERT INTO pool (name, method, alternate_method, ttl, persistence_ttl, client, fallback, monitor_id)
  VALUES ('near.example.com', 'topology', 'round-robin', 15, 0, 'ecs', 'any', (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'near.example.com' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.12', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'near.example.com' AND c.name = 's1';
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 3, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'near.example.com' AND c.name = 's2';

-- gtm pool a /Common/first, line 8
-- * fallback-mode return-to-dns: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('first.2', 'failover', 30, 0, 'any');
-- member s1:v1, line 8
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.11', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'first.2' AND c.name = 's1';
-- member s2:v1, line 8
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'first.2' AND c.name = 's2';

-- gtm pool a /Common/p1, line 6
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, fallback_pool_id, monitor_id)
  VALUES ('p1', 'ratio', 15, 0, 'any', (SELECT id FROM pool WHERE name = 'first.2'), (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.12', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1' AND c.name = 's1';

-- gtm pool a /Common/p2, line 7
-- * fallback-mode none: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('p2.2', 'round-robin', 30, 3600, 'any');
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p2.2' AND c.name = 's2';

-- gtm pool a /Common/p1, line 6
-- * a resolver that was sent to the next pool comes back as soon as a server of this one is up;
--   BIG-IP keeps it there until its persistence ends
-- * a mapping leads to a controller, not to a virtual server: where controller s1 has several in
--   this pool, modulus chooses among them
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, fallback_pool_id, monitor_id)
  VALUES ('p1.2', 'ratio', 15, 3600, 'any', (SELECT id FROM pool WHERE name = 'p2.2'), (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.2' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.12', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.2' AND c.name = 's1';

-- gtm pool a /Common/p1, line 6
-- * fallback-mode return-to-dns: fallback 'any', see above
-- * as pool p1.2, but with other addresses, or other pools to fall back on: both share their
--   mappings
-- * a mapping leads to a controller, not to a virtual server: where controller s1 has several in
--   this pool, modulus chooses among them
INSERT INTO pool (name, method, ttl, persistence_ttl, persistence_pool_id, fallback, monitor_id)
  VALUES ('p1.3', 'ratio', 15, 3600, (SELECT id FROM pool WHERE name = 'p1.2'), 'any', (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.3' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.12', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.3' AND c.name = 's1';

-- gtm pool a /Common/p1, line 6
-- * fallback-mode return-to-dns: fallback 'any', see above
-- * as pool p1.2, but with another persistence: they share no mappings
-- * a mapping leads to a controller, not to a virtual server: where controller s1 has several in
--   this pool, modulus chooses among them
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, monitor_id)
  VALUES ('p1.4', 'ratio', 15, 60, 'any', (SELECT id FROM monitor WHERE name = 'tcp'));
-- member s1:v1, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 1, '192.0.2.11', 80, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.4' AND c.name = 's1';
-- member s1:v2, line 6
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 2, '192.0.2.12', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p1.4' AND c.name = 's1';

-- gtm pool a /Common/fixed, line 10; gtm pool aaaa /Common/fixed, line 11
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('fixed', 'failover', 30, 0, 'any');
-- fallback-ip
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, checked)
  SELECT p.id, c.id, 1, '203.0.113.7', '2001:db8::7', 0
    FROM pool AS p, controller AS c
   WHERE p.name = 'fixed' AND c.name = 'fallback-ip';

-- gtm pool aaaa /Common/p6, line 9
-- * fallback-mode return-to-dns: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('p6', 'round-robin', 30, 0, 'any');
-- member s1:v6, line 9
INSERT INTO virtual_server (pool_id, controller_id, position, ipv6, port)
  SELECT p.id, c.id, 1, '2001:db8::11', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p6' AND c.name = 's1';

-- gtm pool a /Common/p2, line 7; gtm pool aaaa /Common/p6, line 9
-- * fallback-mode none: fallback 'any', see above
-- * not every server has both addresses: A and AAAA are one decision here, so a resolver that is
--   sent to a server with one address gets no other
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('p2.3', 'round-robin', 30, 0, 'any');
-- member s2:v1, line 7
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.21', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p2.3' AND c.name = 's2';
-- member s1:v6, line 9
INSERT INTO virtual_server (pool_id, controller_id, position, ipv6, port)
  SELECT p.id, c.id, 2, '2001:db8::11', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'p2.3' AND c.name = 's1';

-------------------------------------------------------------------------------
-- Balanced names: wide IPs and their aliases. Their zones are not part of the import: see the
--   manual of table balanced_name.
-------------------------------------------------------------------------------
INSERT INTO balanced_name (name, pool_id)
  SELECT 'ratio.example.com', id FROM pool WHERE name = 'ratio.example.com';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'turns.example.com', id FROM pool WHERE name = 'turns.example.com';
-- mixed.example.com: gtm wideip a /Common/mixed.example.com, line 15
-- * pool-lb-mode round-robin: a name has one pool here, and these choose in ways that one pool
--   cannot; the first pool is used here, and the others when it is down
INSERT INTO balanced_name (name, pool_id)
  SELECT 'mixed.example.com', id FROM pool WHERE name = 'first';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'near.example.com', id FROM pool WHERE name = 'near.example.com';
-- split.example.com: gtm wideip a /Common/split.example.com, line 17
-- * pool-lb-mode topology: table topology leads to controllers, and several of these pools have
--   servers of the same one (as with split DNS); the first pool is used here, and the others when
--   it is down
INSERT INTO balanced_name (name, pool_id)
  SELECT 'split.example.com', id FROM pool WHERE name = 'p1';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'chain.example.com', id FROM pool WHERE name = 'p1.2';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'alone.example.com', id FROM pool WHERE name = 'p1.3';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'short.example.com', id FROM pool WHERE name = 'p1.4';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'fixed.example.com', id FROM pool WHERE name = 'fixed';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'six.example.com', id FROM pool WHERE name = 'p6';
-- bind.example.com: gtm wideip a /Common/bind.example.com, line 24
-- * not imported: no pool of it can answer; what the BIND of the BIG-IP answered belongs in the
--   zone
-- * pool /Common/bind is left out: it leaves all answers to the BIND of the BIG-IP; these records
--   belong in the zone
INSERT INTO balanced_name (name, pool_id)
  SELECT 'both.example.com', id FROM pool WHERE name = 'p2.3';

-------------------------------------------------------------------------------
-- Topology. The highest score is the lowest preference. BIG-IP compares the scores of all records
--   that match; here the longest network that has a row decides, then the country, the continent
--   and the default. The rows count for all pools with method topology, whichever of them a
--   record named.
-------------------------------------------------------------------------------
-- ldns: subnet 198.51.100.0/24 server: pool /Common/p2, score 5, line 27
INSERT INTO topology (cidr, controller_id, preference)
  SELECT '198.51.100.0/24', id, 10
    FROM controller WHERE name = 's2';

UPDATE OR ROLLBACK temp.import SET complete = (found + 56 =
         (SELECT count(*) FROM monitor) + (SELECT count(*) FROM controller)
         + (SELECT count(*) FROM pool) + (SELECT count(*) FROM virtual_server)
         + (SELECT count(*) FROM balanced_name) + (SELECT count(*) FROM topology));
DROP TABLE temp.import;
COMMIT;

-------------------------------------------------------------------------------
-- Summary
-------------------------------------------------------------------------------
-- Read: data centers 2, servers 2, pools 7, wide IPs 14, monitors 0, topology records 1, regions
--   0, other gtm objects 0.
-- Written: controllers 3, pools 14, virtual servers 26, balanced names 11, monitors 1, rows of
--   topology 1.
-- Names left out or disabled: 1. Comments with a star: 29.
-- Virtual servers without a check: 12. They count as up until they get one, such as:
--   INSERT INTO monitor (name, type) VALUES ('connect', 'tcp');
--   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'connect')
--     WHERE monitor_id IS NULL;

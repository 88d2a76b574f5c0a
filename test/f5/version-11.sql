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
-- the monitor /Common/gateway_icmp of every BIG-IP
INSERT INTO monitor (name, type, interval, timeout, rise, fall, each_family)
  VALUES ('gateway_icmp', 'icmp', 30, 5, 1, 4, 1);

-------------------------------------------------------------------------------
-- Controllers: the servers that pools need
-------------------------------------------------------------------------------
-- gtm server /Common/lb, line 2
-- * in the data center /Common/one
INSERT INTO controller (name, address)
  VALUES ('lb', '192.0.2.1');

-------------------------------------------------------------------------------
-- Pools and their virtual servers. A mapping is one of a pool, not of a name: names with one pool
--   share it. Where a fallback-mode is return-to-dns or none, the BIND of the BIG-IP answered
--   when all servers were down. There is none here: fallback 'any' gives one of the servers as if
--   all were up, and 'none' no address.
-------------------------------------------------------------------------------

-- gtm pool a /Common/web, line 15
-- * fallback-mode global-availability: with all servers down, one of them is given as if all were
--   up
-- * not every server has both addresses: A and AAAA are one decision here, so a resolver that is
--   sent to a server with one address gets no other
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, monitor_id)
  VALUES ('web', 'topology', 30, 0, 'any', (SELECT id FROM monitor WHERE name = 'gateway_icmp'));
-- member /Common/lb:192.0.2.80:http, line 20
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '192.0.2.80', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'web' AND c.name = 'lb';
-- member /Common/lb:2001:db8::80.80, line 23
INSERT INTO virtual_server (pool_id, controller_id, position, ipv6, port)
  SELECT p.id, c.id, 2, '2001:db8::80', 80
    FROM pool AS p, controller AS c
   WHERE p.name = 'web' AND c.name = 'lb';

-------------------------------------------------------------------------------
-- Balanced names: wide IPs and their aliases. Their zones are not part of the import: see the
--   manual of table balanced_name.
-------------------------------------------------------------------------------
INSERT INTO balanced_name (name, pool_id)
  SELECT 'web.example.com', id FROM pool WHERE name = 'web';

UPDATE OR ROLLBACK temp.import SET complete = (found + 6 =
         (SELECT count(*) FROM monitor) + (SELECT count(*) FROM controller)
         + (SELECT count(*) FROM pool) + (SELECT count(*) FROM virtual_server)
         + (SELECT count(*) FROM balanced_name) + (SELECT count(*) FROM topology));
DROP TABLE temp.import;
COMMIT;

-------------------------------------------------------------------------------
-- Summary
-------------------------------------------------------------------------------
-- Read: data centers 1, servers 1, pools 1, wide IPs 1, monitors 0, topology records 0, regions
--   0, other gtm objects 0.
-- Written: controllers 1, pools 1, virtual servers 2, balanced names 1, monitors 1, rows of
--   topology 0.
-- Names left out or disabled: 0. Comments with a star: 3.

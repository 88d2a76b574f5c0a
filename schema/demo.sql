-- An example for a new database:
--
--   sqlite3 FILE < schema.sql
--   sqlite3 FILE < demo.sql
--
-- Three sites, Amsterdam, Frankfurt and New York, offer a web service and an API under
-- example.com. All addresses are from ranges that are reserved for documentation.
-- A database that already contains a zone, a controller or a pool is not changed.

BEGIN IMMEDIATE;

CREATE TEMP TABLE target (
  fits INTEGER NOT NULL,
  decided INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "the example is for an empty database; nothing was changed"
    CHECK (fits OR NOT decided)
);
INSERT INTO temp.target (fits)
  SELECT NOT EXISTS (SELECT 1 FROM zone)
     AND NOT EXISTS (SELECT 1 FROM controller)
     AND NOT EXISTS (SELECT 1 FROM pool);

-- The zone and its plain records. The last field of the SOA says how long resolvers may cache "no
-- such name" and "no such record". It is small, so that a mistake is forgotten within a minute.
-- ns1 and ns2 are inside the zone, so their addresses are here. The parent zone needs them, too,
-- as glue.
INSERT INTO zone (id, name) VALUES (1, 'example.com');
INSERT INTO record (zone_id, name, type, ttl, content) VALUES
  (1, 'example.com', 'SOA', 3600,
   'ns1.example.com hostmaster.example.com 1 3600 600 604800 60'),
  (1, 'example.com', 'NS', 86400, 'ns1.example.com'),
  (1, 'example.com', 'NS', 86400, 'ns2.example.com'),
  (1, 'ns1.example.com', 'A', 86400, '192.0.2.2'),
  (1, 'ns1.example.com', 'AAAA', 86400, '2001:db8:1::2'),
  (1, 'ns2.example.com', 'A', 86400, '198.51.100.2'),
  (1, 'ns2.example.com', 'AAAA', 86400, '2001:db8:2::2'),
  (1, 'example.com', 'MX', 3600, '10 mail.example.com'),
  (1, 'example.com', 'TXT', 3600, '"v=spf1 mx -all"'),
  (1, 'mail.example.com', 'A', 3600, '192.0.2.25'),
  (1, 'mail.example.com', 'AAAA', 3600, '2001:db8:1::25');

-- One controller for each site.
INSERT INTO controller (id, name, address) VALUES
  (1, 'ams', '192.0.2.1'),
  (2, 'fra', '198.51.100.1'),
  (3, 'nyc', '203.0.113.1');

-- Pool web: resolvers may cache an answer for 30 seconds, and stay on their site for an hour.
INSERT INTO pool (id, name, ttl, persistence_ttl) VALUES (1, 'web', 30, 3600);

-- Pool api: all resolvers of an IPv4 /24 are one client, whose mapping expires after an hour
-- without a question. If no server of this pool is up, one of pool web is chosen. If those are
-- down, too, column fallback of pool web decides: one of its servers, as if all were up.
INSERT INTO pool (id, name, persistence_timer, ipv4_prefix, fallback_pool_id) VALUES
  (2, 'api', 'sliding', 24, 1);

-- Pool web is offered by all three sites over IPv4 and IPv6, pool api by two of them over IPv4.
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, port) VALUES
  (1, 1, 1, '192.0.2.80', '2001:db8:1::80', 443),
  (1, 2, 2, '198.51.100.80', '2001:db8:2::80', 443),
  (1, 3, 3, '203.0.113.80', '2001:db8:3::80', 443),
  (2, 1, 1, '192.0.2.81', NULL, 443),
  (2, 3, 2, '203.0.113.81', NULL, 443);

-- Two names have pool web and so share its mappings: a resolver gets the same site for both.
INSERT INTO balanced_name (name, pool_id) VALUES
  ('www.example.com', 1),
  ('shop.example.com', 1),
  ('api.example.com', 2);

-- A balanced name may have records of other types, here for mail to orders@shop.example.com.
INSERT INTO record (zone_id, name, type, ttl, content) VALUES
  (1, 'shop.example.com', 'MX', 3600, '10 mail.example.com');

-- The resolvers of the office count as one client. Its mapping is the row 'group:office'.
INSERT INTO ldns_group (cidr, name) VALUES
  ('10.1.0.0/16', 'office'),
  ('2001:db8:ff::/48', 'office');

UPDATE OR ROLLBACK temp.target SET decided = 1;
DROP TABLE IF EXISTS temp.target;

COMMIT;

-- To try while PowerDNS serves this file:
--
--   sqlite3 -box FILE "SELECT * FROM server"
--   sqlite3 -box FILE "SELECT * FROM mapping"
--   sqlite3 FILE "UPDATE controller SET state = 'draining' WHERE name = 'fra'"
--   sqlite3 FILE "UPDATE controller SET state = 'enabled' WHERE name = 'fra'"

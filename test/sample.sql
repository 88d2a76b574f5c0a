-- The configuration that dialogues and integration tests begin with: schema.sql, then this file.
--
-- Recorded outputs and test/integration/sample.py quote it, so it stays as it is when
-- schema/demo.sql changes. What only one test needs, that test adds.

BEGIN IMMEDIATE;

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

INSERT INTO controller (id, name, address) VALUES
  (1, 'ams', '192.0.2.1'),
  (2, 'fra', '198.51.100.1'),
  (3, 'nyc', '203.0.113.1');

-- web: two names, three sites, both families, by modulus; one hour from the first question on.
INSERT INTO pool (id, name, ttl, persistence_ttl) VALUES (1, 'web', 30, 3600);
INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6, port) VALUES
  (1, 1, 1, 1, '192.0.2.80', '2001:db8:1::80', 443),
  (2, 1, 2, 2, '198.51.100.80', '2001:db8:2::80', 443),
  (3, 1, 3, 3, '203.0.113.80', '2001:db8:3::80', 443);
INSERT INTO balanced_name (name, pool_id) VALUES
  ('www.example.com', 1),
  ('shop.example.com', 1);
INSERT INTO record (zone_id, name, type, ttl, content) VALUES
  (1, 'shop.example.com', 'MX', 3600, '10 mail.example.com');

-- api: two sites, IPv4 only; a /24 is one client; falls back to web: its own fallback never counts.
INSERT INTO pool (id, name, persistence_timer, ipv4_prefix, fallback, fallback_pool_id) VALUES
  (2, 'api', 'sliding', 24, 'servfail', 1);
INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, port) VALUES
  (4, 2, 1, 1, '192.0.2.81', 443),
  (5, 2, 3, 2, '203.0.113.81', 443);
INSERT INTO balanced_name (name, pool_id) VALUES ('api.example.com', 2);

-- Resolvers that are one client.
INSERT INTO ldns_group (cidr, name) VALUES
  ('10.1.0.0/16', 'office'),
  ('2001:db8:ff::/48', 'office');

COMMIT;

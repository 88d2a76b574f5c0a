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
-- Settings
-------------------------------------------------------------------------------
-- * synchronization yes: name servers share mappings through pdns-stickyd: see pdns-stickyd(8)
-- * topology-longest-match no: here the longest network always comes first, whatever the order of
--   the records

-------------------------------------------------------------------------------
-- Monitors. BIG-IP does not verify certificates (verify 0), takes one success for up (rise 1),
--   and checks the A and the AAAA member of a site each (each_family).
-------------------------------------------------------------------------------
-- gtm monitor http /Common/web, line 21
INSERT INTO monitor (name, type, port, path, host, status_min, status_max, headers, interval, timeout, rise, fall, each_family)
  VALUES ('web', 'http', 8080, '/health?full=1', 'www.example.com', 200, 200, 'X-Check: gtm''s', 10, 4, 1, 4, 1);
-- gtm monitor tcp /Common/smtp, line 38
INSERT INTO monitor (name, type, send, expect, interval, timeout, rise, fall, each_family)
  VALUES ('smtp', 'tcp', 'QUIT\r\n', '(?i)^220 ', 5, 5, 1, 4, 1);
-- gtm monitor https /Common/shop, line 30
-- * cipherlist DEFAULT: a check of TLS has no key, ciphers or versions of its own
-- * recv is searched for in the body, not in the headers
INSERT INTO monitor (name, type, path, status_min, status_max, body, verify, interval, timeout, rise, fall, each_family)
  VALUES ('shop', 'https', '/stock', 100, 599, '(?i)in stock', 0, 30, 5, 1, 4, 1);
-- * left out: gtm monitor external /Common/script, line 45: nothing that is imported is checked
--   by it
-- * left out: gtm monitor https /Common/unused, line 51: nothing that is imported is checked by
--   it

-------------------------------------------------------------------------------
-- Controllers: the servers that pools need
-------------------------------------------------------------------------------
-- gtm server /Common/lb-nyc, line 93
-- * in the data center /Common/New York
-- * "It's the second "site"; DROP TABLE pool; --"
-- * monitor /Common/bigip: iQuery tells BIG-IP DNS the state of virtual servers; here they are
--   not checked until they get a monitor of table monitor
INSERT INTO controller (name, address)
  VALUES ('lb-nyc', '198.51.100.1');
-- gtm server /Common/lb-ams, line 54
-- * in the data center /Common/ams
-- * contact Operations, location Amsterdam: there is no such column
-- * virtual-server-discovery disabled: virtual servers are not discovered here
-- * monitor /Common/bigip: iQuery tells BIG-IP DNS the state of virtual servers; here they are
--   not checked until they get a monitor of table monitor
INSERT INTO controller (name, address)
  VALUES ('lb-ams', '192.0.2.1');
-- stands for the addresses of fallback-ip, which belong to no server
INSERT INTO controller (name)
  VALUES ('fallback-ip');
-- generic hosts of gtm datacenter /Common/sin, line 11
-- * generic host /Common/host-1
-- * monitor /Common/gateway_icmp, too: a server has one check here
-- * generic host /Common/host-2, disabled
INSERT INTO controller (name, state)
  VALUES ('sin', 'disabled');
-- stands for the host of that name
INSERT INTO controller (name)
  VALUES ('a.cdn.example.net');
-- stands for the host of that name
INSERT INTO controller (name)
  VALUES ('b.cdn.example.net');
-- * left out: gtm server /Common/idle, line 145: no pool that is imported has a member of it

-------------------------------------------------------------------------------
-- Pools and their virtual servers. A mapping is one of a pool, not of a name: names with one pool
--   share it. Where a fallback-mode is return-to-dns or none, the BIND of the BIG-IP answered
--   when all servers were down. There is none here: fallback 'any' gives one of the servers as if
--   all were up, and 'none' no address.
-------------------------------------------------------------------------------

-- gtm pool a /Common/www, line 149; gtm pool aaaa /Common/www, line 168
-- * max-answers-returned 2: a resolver gets the address of one site
-- * qos-hops 11, qos-rtt 75: there is no quality-of-service score here
-- * load-balancing-mode lowest-round-trip-time: nothing here probes resolvers; 'rtt' goes by
--   table path_metric, which a program of yours fills, and else by the round trip times of the
--   health checks
-- * fallback-mode ratio: with all servers down, one of them is given as if all were up
-- * /Common/www has the ttl 20: the first counts
-- * its AAAA records had load-balancing-mode topology: A and AAAA are one decision here, by that
--   of the A records
-- * monitor /Common/tcp, too: a server has one check here
INSERT INTO pool (name, method, alternate_method, ttl, persistence_ttl, ipv4_prefix, fallback, monitor_id)
  VALUES ('www', 'rtt', 'topology', 60, 7200, 20, 'any', (SELECT id FROM monitor WHERE name = 'web'));
-- member /Common/lb-nyc:www, line 159; and /Common/lb-nyc:www6, line 174
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, port)
  SELECT p.id, c.id, 1, '198.51.100.80', '2001:db8:2::80', 443
    FROM pool AS p, controller AS c
   WHERE p.name = 'www' AND c.name = 'lb-nyc';
-- member /Common/lb-ams:/Common/www, line 155; and /Common/lb-ams:/Common/www6, line 171
-- * limit-max-bps 1000, limit-max-bps-status enabled: there are no limits of this kind here
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6, port, weight)
  SELECT p.id, c.id, 2, '192.0.2.80', '2001:db8:1::80', 443, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'www' AND c.name = 'lb-ams';

-- gtm pool a /Common/www, line 149
-- * max-answers-returned 2: a resolver gets the address of one site
-- * qos-hops 11, qos-rtt 75: there is no quality-of-service score here
-- * load-balancing-mode lowest-round-trip-time: nothing here probes resolvers; 'rtt' goes by
--   table path_metric, which a program of yours fills, and else by the round trip times of the
--   health checks
-- * fallback-mode ratio: with all servers down, one of them is given as if all were up
-- * monitor /Common/tcp, too: a server has one check here
-- * as pool www, but with other addresses, or other pools to fall back on: both share their
--   mappings
INSERT INTO pool (name, method, alternate_method, ttl, persistence_ttl, ipv4_prefix, persistence_pool_id, fallback, monitor_id)
  VALUES ('www.2', 'rtt', 'topology', 60, 7200, 20, (SELECT id FROM pool WHERE name = 'www'), 'any', (SELECT id FROM monitor WHERE name = 'web'));
-- member /Common/lb-nyc:www, line 159
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port)
  SELECT p.id, c.id, 1, '198.51.100.80', 443
    FROM pool AS p, controller AS c
   WHERE p.name = 'www.2' AND c.name = 'lb-nyc';
-- member /Common/lb-ams:/Common/www, line 155
-- * limit-max-bps 1000, limit-max-bps-status enabled: there are no limits of this kind here
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, weight)
  SELECT p.id, c.id, 2, '192.0.2.80', 443, 3
    FROM pool AS p, controller AS c
   WHERE p.name = 'www.2' AND c.name = 'lb-ams';

-- the fallback-ip of the pool that falls back on this one
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('sorry-fallback-ip', 'failover', 30, 0, 'any');
-- fallback-ip
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, checked)
  SELECT p.id, c.id, 1, '203.0.113.99', 0
    FROM pool AS p, controller AS c
   WHERE p.name = 'sorry-fallback-ip' AND c.name = 'fallback-ip';

-- gtm pool a /Common/sorry, line 190
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback, fallback_pool_id)
  VALUES ('sorry', 'round-robin', 30, 0, 'any', (SELECT id FROM pool WHERE name = 'sorry-fallback-ip'));
-- member /Common/host-1:mail, line 194
-- * verify-member-availability disabled: it is not checked and counts as up
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, monitor_id, checked)
  SELECT p.id, c.id, 1, '203.0.113.25', 25, (SELECT id FROM monitor WHERE name = 'smtp'), 0
    FROM pool AS p, controller AS c
   WHERE p.name = 'sorry' AND c.name = 'sin';
-- member /Common/host-2:mail, line 195
-- * verify-member-availability disabled: it is not checked and counts as up
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, state, checked)
  SELECT p.id, c.id, 2, '203.0.113.26', 25, 'disabled', 0
    FROM pool AS p, controller AS c
   WHERE p.name = 'sorry' AND c.name = 'sin';

-- gtm pool a /Common/shop, line 180
-- * load-balancing-mode static-persistence: a hash of the resolver's address as before, but
--   another one: most resolvers get another server than from the BIG-IP
-- * drop-packet: an error instead of silence, so that a resolver asks another name server at
--   once; counts only in the last pool of the chain
INSERT INTO pool (name, method, ttl, persistence_ttl, ipv4_prefix, fallback, fallback_pool_id)
  VALUES ('shop', 'rendezvous', 30, 0, 24, 'servfail', (SELECT id FROM pool WHERE name = 'sorry'));
-- member /Common/lb-ams:/Common/shop, line 184
-- * depends-on: the availability of a server depends on its own check alone: let that check what
--   it needs
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, monitor_id, check_address)
  SELECT p.id, c.id, 1, '192.0.2.81', 8443, (SELECT id FROM monitor WHERE name = 'shop'), '10.0.0.81'
    FROM pool AS p, controller AS c
   WHERE p.name = 'shop' AND c.name = 'lb-ams';
-- member /Common/lb-nyc:shop, line 185
-- * monitor /Common/web, too: a server has one check here
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, state, monitor_id)
  SELECT p.id, c.id, 2, '198.51.100.81', 443, 'disabled', (SELECT id FROM monitor WHERE name = 'shop')
    FROM pool AS p, controller AS c
   WHERE p.name = 'shop' AND c.name = 'lb-nyc';

-- gtm pool a /Common/shop, line 180
-- * load-balancing-mode static-persistence: a hash of the resolver's address as before, but
--   another one: most resolvers get another server than from the BIG-IP
-- * drop-packet: an error instead of silence, so that a resolver asks another name server at once
INSERT INTO pool (name, method, ttl, persistence_ttl, ipv4_prefix, fallback)
  VALUES ('shop.2', 'rendezvous', 30, 0, 24, 'servfail');
-- member /Common/lb-ams:/Common/shop, line 184
-- * depends-on: the availability of a server depends on its own check alone: let that check what
--   it needs
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, monitor_id, check_address)
  SELECT p.id, c.id, 1, '192.0.2.81', 8443, (SELECT id FROM monitor WHERE name = 'shop'), '10.0.0.81'
    FROM pool AS p, controller AS c
   WHERE p.name = 'shop.2' AND c.name = 'lb-ams';
-- member /Common/lb-nyc:shop, line 185
-- * monitor /Common/web, too: a server has one check here
INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, port, state, monitor_id)
  SELECT p.id, c.id, 2, '198.51.100.81', 443, 'disabled', (SELECT id FROM monitor WHERE name = 'shop')
    FROM pool AS p, controller AS c
   WHERE p.name = 'shop.2' AND c.name = 'lb-nyc';

-- gtm pool cname /Common/cdn, line 212
-- * fallback-mode return-to-dns: fallback 'any', see above
INSERT INTO pool (name, method, ttl, persistence_ttl, fallback)
  VALUES ('cdn', 'ratio', 30, 0, 'any');
-- member a.cdn.example.net, line 215
INSERT INTO virtual_server (pool_id, controller_id, position, name, weight)
  SELECT p.id, c.id, 1, 'a.cdn.example.net', 2
    FROM pool AS p, controller AS c
   WHERE p.name = 'cdn' AND c.name = 'a.cdn.example.net';
-- member b.cdn.example.net., line 219
INSERT INTO virtual_server (pool_id, controller_id, position, name)
  SELECT p.id, c.id, 2, 'b.cdn.example.net'
    FROM pool AS p, controller AS c
   WHERE p.name = 'cdn' AND c.name = 'b.cdn.example.net';
-- * left out: gtm pool a /Common/unused, line 200: no wide IP uses it

-------------------------------------------------------------------------------
-- Balanced names: wide IPs and their aliases. Their zones are not part of the import: see the
--   manual of table balanced_name.
-------------------------------------------------------------------------------
-- www.example.com: gtm wideip a /Common/www.example.com, line 224; gtm wideip aaaa
--   /Common/www.example.com, line 242
-- * rules: iRules have no counterpart: see what they do
INSERT INTO balanced_name (name, pool_id)
  SELECT 'www.example.com', id FROM pool WHERE name = 'www';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'www.example.org', id FROM pool WHERE name = 'www';
-- *.www.example.com: alias of www.example.com
-- * a wildcard of DNS (RFC 4592): it does not count for names that exist, or that have names
--   below them
INSERT INTO balanced_name (name, pool_id)
  SELECT '*.www.example.com', id FROM pool WHERE name = 'www';
-- w?w.example.com: alias of www.example.com
-- * not imported: a wildcard is the first label here, and a whole one: *.example.com
-- www6.example.com: alias of www.example.com
-- * an alias of type aaaa alone; here it has both types
INSERT INTO balanced_name (name, pool_id)
  SELECT 'www6.example.com', id FROM pool WHERE name = 'www';
INSERT INTO balanced_name (name, pool_id)
  SELECT 'static.example.com', id FROM pool WHERE name = 'www.2';
-- shop.example.com: gtm wideip a /Common/shop.example.com, line 264
-- * pool /Common/empty is left out: it has no members
INSERT INTO balanced_name (name, pool_id)
  SELECT 'shop.example.com', id FROM pool WHERE name = 'shop';
-- old.example.com: gtm wideip a /Common/old.example.com, line 276, is disabled
-- INSERT INTO balanced_name (name, pool_id)
--   SELECT 'old.example.com', id FROM pool WHERE name = 'shop.2';
-- none.example.com: gtm wideip a /Common/none.example.com, line 282
-- * not imported: no pool of it can answer; what the BIND of the BIG-IP answered belongs in the
--   zone
-- * pool /Common/empty is left out: it has no members
INSERT INTO balanced_name (name, pool_id)
  SELECT 'cdn.example.com', id FROM pool WHERE name = 'cdn';

-------------------------------------------------------------------------------
-- Topology. The highest score is the lowest preference. BIG-IP compares the scores of all records
--   that match; here the longest network that has a row decides, then the country, the continent
--   and the default. The rows count for all pools with method topology, whichever of them a
--   record named.
-------------------------------------------------------------------------------
-- * countries and continents need a file that knows them: INSERT INTO geo_database VALUES
--   ('/var/lib/GeoIP/GeoLite2-Country.mmdb');
-- ldns: region /Common/office server: datacenter /Common/ams, score 100, line 313
-- * not country FR: left out of the region: give what is in it its own rows
-- * state US/New York: table topology has networks, autonomous systems (asn), countries and
--   continents: left out
INSERT INTO topology (continent, controller_id, preference)
  SELECT 'EU', id, 10
    FROM controller WHERE name = 'lb-ams';
INSERT INTO topology (country, controller_id, preference)
  SELECT 'DE', id, 10
    FROM controller WHERE name = 'lb-ams';
INSERT INTO topology (cidr, controller_id, preference)
  SELECT '2001:db8:99::/48', id, 10
    FROM controller WHERE name = 'lb-ams';
INSERT INTO topology (cidr, controller_id, preference)
  SELECT '10.0.0.0/8', id, 10
    FROM controller WHERE name = 'lb-ams';
-- ldns: country DE server: pool /Common/www, score 50, line 317
INSERT INTO topology (country, controller_id, preference)
  SELECT 'DE', id, 20
    FROM controller WHERE name = 'lb-nyc';
-- ldns: not continent EU server: not datacenter /Common/ams, score 10, line 321
-- * not continent EU: everybody else: the default, which counts for those without another row
INSERT INTO topology (controller_id, preference)
  SELECT id, 30
    FROM controller WHERE name = 'lb-nyc';
INSERT INTO topology (controller_id, preference)
  SELECT id, 30
    FROM controller WHERE name = 'sin';
-- ldns: isp /Common/AOL server: subnet 198.51.100.0/24, score 1, line 325
-- * isp /Common/AOL: table topology has networks, autonomous systems (asn), countries and
--   continents: left out
-- * it has no rows that are not there already
-- ldns: subnet 0.0.0.0/0 server: country US, score 1, line 328
-- * country US: where a server is, is not known here: left out; name the controllers instead
-- * no controller here stands for these servers: left out

-------------------------------------------------------------------------------
-- Not imported
-------------------------------------------------------------------------------
-- * gtm pool mx /Common/mail, line 205: its records belong in the zone, or into table record
-- * gtm wideip mx /Common/example.com, line 287: its records belong in the zone, or into table
--   record
-- * gtm rule /Common/redirect, line 331: iRules have no counterpart
-- * gtm listener /Common/dns, line 338: the addresses that PowerDNS listens on are its setting
--   local-address

UPDATE OR ROLLBACK temp.import SET complete = (found + 43 =
         (SELECT count(*) FROM monitor) + (SELECT count(*) FROM controller)
         + (SELECT count(*) FROM pool) + (SELECT count(*) FROM virtual_server)
         + (SELECT count(*) FROM balanced_name) + (SELECT count(*) FROM topology));
DROP TABLE temp.import;
COMMIT;

-------------------------------------------------------------------------------
-- Summary
-------------------------------------------------------------------------------
-- Read: data centers 3, servers 5, pools 7, wide IPs 7, monitors 5, topology records 5, regions
--   2, other gtm objects 4.
-- Written: controllers 6, pools 7, virtual servers 13, balanced names 7, monitors 3, rows of
--   topology 7.
-- Names left out or disabled: 3. Comments with a star: 63.
-- Virtual servers without a check: 5. They count as up until they get one, such as:
--   INSERT INTO monitor (name, type) VALUES ('connect', 'tcp');
--   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'connect')
--     WHERE monitor_id IS NULL;

/*
 * What configurations become: the samples of test/f5 as a whole, and single properties in rows.
 * Each result is read by SQLite into a database of schema.sql. With UNIT_UPDATE_F5 in the
 * environment, the samples' results are written anew.
 */
#include "f5/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

static const char *const samples[] = {"sites", "pools", "version-11"};

/* A server of two virtual servers and a pool, for rows that need them. */
#define SITE                                                                                       \
    "gtm datacenter dc { }\n"                                                                      \
    "gtm server s { datacenter dc virtual-servers { v { destination 192.0.2.80:80 } } }\n"         \
    "gtm pool a p { members { s:v { } } }\n"
#define SITE_LINES 3

static void import_text(const char *text, struct buffer *out)
{
    struct error error = {0};
    if (f5_import(text, strlen(text), out, &error) != 0)
        buffer_add_text(out, error.text);
}

static void sample_path(const char *name, const char *ending, char path[static PLACE_PATH_MAX])
{
    snprintf(path, PLACE_PATH_MAX, TEST_F5 "/%s.%s", name, ending);
}

static void write_text(const char *path, const struct buffer *text)
{
    FILE *file = fopen(path, "w");
    if (CHECK(file != NULL, "%s", path)) {
        fwrite(text->data, 1, text->length, file);
        fclose(file);
    }
}

static void samples_become_what_is_written(void)
{
    for (size_t i = 0; i < COUNT(samples); i++) {
        char path[PLACE_PATH_MAX];
        struct buffer text = {0}, sql = {0}, expected = {0};
        sample_path(samples[i], "conf", path);
        read_file(path, &text);
        import_text(buffer_text(&text), &sql);
        sample_path(samples[i], "sql", path);
        if (getenv("UNIT_UPDATE_F5"))
            write_text(path, &sql);
        read_file(path, &expected);
        CHECK(strcmp(buffer_text(&sql), buffer_text(&expected)) == 0,
              "%s differs; UNIT_UPDATE_F5=1 writes it anew", path);
        buffer_release(&text);
        buffer_release(&sql);
        buffer_release(&expected);
    }
}

static void run_sample(struct place *place, const char *name)
{
    char path[PLACE_PATH_MAX];
    sample_path(name, "sql", path);
    place_run_file(place, path);
}

static void the_database_takes_all_samples(void)
{
    static const struct {
        const char *sample, *sql;
        int64_t count;
    } rows[] = {
        {"sites", "SELECT count(*) FROM controller", 6},
        {"sites", "SELECT count(*) FROM balanced_name", 7},
        {"sites", "SELECT count(*) FROM virtual_server WHERE ipv4 NOTNULL AND ipv6 NOTNULL", 2},
        {"sites", "SELECT count(*) FROM pool WHERE persistence_pool_id NOTNULL", 1},
        {"sites",
         "SELECT count(*) FROM topology WHERE cidr ISNULL AND country ISNULL"
         " AND continent ISNULL",
         2},
        {"pools", "SELECT count(*) FROM pool", 14},
        {"pools", "SELECT count(*) FROM pool WHERE fallback_pool_id NOTNULL", 3},
        {"version-11", "SELECT count(*) FROM virtual_server", 2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place place;
        place_init(&place);
        run_sample(&place, rows[i].sample);
        CHECK_INTEGER(place_number(&place, rows[i].sql), rows[i].count, "row %zu", i);
        place_release(&place);
    }
}

/* The sqlite3 shell goes on after an error unless it has -bail. */
static void what_does_not_fit_is_not_half_imported(void)
{
    struct place place;
    struct buffer sql = {0};
    char path[PLACE_PATH_MAX];
    char command[4 * PLACE_PATH_MAX];
    place_init(&place);
    place_run(&place, "INSERT INTO controller (name) VALUES ('LB-NYC')");
    place_close_shell(&place);
    sample_path("sites", "sql", path);
    for (int bail = 0; bail <= 1; bail++) {
        snprintf(command, sizeof command, "sqlite3 %s %s <%s >%s.out 2>&1", bail ? "-bail" : "",
                 place.path, path, place.path);
        CHECK(system(command) != 0, "it is said");
        place_open_shell(&place);
        CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM controller"), 1, "bail %d", bail);
        CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM pool"), 0, "bail %d", bail);
        place_close_shell(&place);
    }
    place_open_shell(&place);
    buffer_release(&sql);
    place_release(&place);
}

/* A configuration, a query that is made of what became of it, and the number that it gives. */
struct row {
    const char *text, *sql;
    int64_t number;
};

static void check_row(struct place *place, const struct row *row, size_t i)
{
    static const char emptied[] =
        "DELETE FROM balanced_name; DELETE FROM topology; DELETE FROM virtual_server;"
        "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL;"
        "DELETE FROM pool; DELETE FROM controller; DELETE FROM monitor;";
    struct buffer sql = {0};
    import_text(row->text, &sql);
    if (CHECK(strstr(buffer_text(&sql), "BEGIN IMMEDIATE"), "row %zu: %s", i, buffer_text(&sql)))
        place_run(place, buffer_text(&sql));
    CHECK_INTEGER(place_number(place, row->sql), row->number, "row %zu", i);
    place_run(place, emptied);
    buffer_release(&sql);
}

static void check_rows(const struct row *rows, size_t count)
{
    struct place place;
    place_init(&place);
    for (size_t i = 0; i < count; i++)
        check_row(&place, &rows[i], i);
    place_release(&place);
}

#define WIDEIP(properties) "gtm wideip a w.example.com { pools { p } " properties " }\n"

#define TWO_POOLS(first, second)                                                                   \
    "gtm datacenter dc { }\n"                                                                      \
    "gtm server t { datacenter dc virtual-servers { v { destination 192.0.2.81:80 } } }\n"         \
    "gtm pool a one { members { t:v { } } " first " }\n"                                           \
    "gtm pool a two { " second " }\n"                                                              \
    "gtm wideip a w.example.com { pool-lb-mode global-availability"                                \
    " pools { one { order 0 } two { order 1 } } }\n"

static void wide_ips_become_names_and_persistence(void)
{
    static const struct row rows[] = {
        {SITE WIDEIP(""), "SELECT persistence_ttl FROM pool", 0},
        {SITE WIDEIP("persistence enabled"), "SELECT persistence_ttl FROM pool", 3600},
        {SITE WIDEIP("persistence enabled ttl-persistence 4294967295"),
         "SELECT persistence_ttl FROM pool", 2147483647},
        {SITE WIDEIP("persistence enabled persist-cidr-ipv4 16 persist-cidr-ipv6 48"),
         "SELECT ipv4_prefix * 1000 + ipv6_prefix FROM pool", 16048},
        {SITE WIDEIP("aliases { a.example.com A.example.com w.example.com b.example.com. }"),
         "SELECT count(*) FROM balanced_name", 3},
        {SITE WIDEIP("aliases { *.example.com w*.example.com a.*.com ?.example.com }"),
         "SELECT count(*) FROM balanced_name", 2},
        {SITE WIDEIP("disabled"), "SELECT count(*) FROM balanced_name", 0},
        {SITE WIDEIP("pool-lb-mode topology"), "SELECT method = 'round-robin' FROM pool", 1},
        {SITE WIDEIP("") "gtm wideip aaaa w.example.com { disabled }\n",
         "SELECT count(*) FROM balanced_name", 1},
        {SITE WIDEIP("") "gtm wideip a /Other/W.example.com { pools { p } }\n",
         "SELECT count(*) FROM balanced_name", 1},
        {TWO_POOLS("", "members { t:v }"), "SELECT count(fallback_pool_id) FROM pool", 1},
        {TWO_POOLS("", "members { t:v } disabled"), "SELECT count(fallback_pool_id) FROM pool", 0},
        {TWO_POOLS("", "members { t:v { disabled } }"), "SELECT count(fallback_pool_id) FROM pool",
         0},
        {TWO_POOLS("disabled", "members { t:v }"), "SELECT count(fallback_pool_id) FROM pool", 1},
        {TWO_POOLS("disabled", "members { t:v } disabled"), "SELECT count(*) FROM pool", 1},
        {SITE "gtm wideip a o'reilly.example { pools { p } }\n",
         "SELECT count(*) FROM balanced_name WHERE name = 'o''reilly.example'", 1},
    };
    check_rows(rows, COUNT(rows));
}

#define IN_POOL(properties)                                                                        \
    "gtm datacenter dc { }\n"                                                                      \
    "gtm server s { datacenter dc virtual-servers { v { destination 192.0.2.80:80 } } }\n"         \
    "gtm server t { datacenter dc virtual-servers { v { destination 192.0.2.81:80 } } }\n"         \
    "gtm pool a p { members { s:v { ratio 7 member-order 1 } t:v { member-order 0 } } " properties \
    " }\n"                                                                                         \
    "gtm wideip a w.example.com { pools { p } }\n"

#define METHOD(word, method)                                                                       \
    {IN_POOL("load-balancing-mode " word), "SELECT method = '" method "' FROM pool", 1}

static void pools_keep_their_methods(void)
{
    static const struct row rows[] = {
        METHOD("round-robin", "round-robin"),
        METHOD("ratio", "ratio"),
        METHOD("global-availability", "failover"),
        METHOD("topology", "topology"),
        METHOD("static-persistence", "rendezvous"),
        METHOD("lowest-round-trip-time", "rtt"),
        METHOD("quality-of-service", "rtt"),
        METHOD("fewest-hops", "rtt"),
        METHOD("least-connections", "least"),
        METHOD("packet-rate", "least"),
        METHOD("kilobytes-per-second", "least"),
        METHOD("cpu", "least"),
        METHOD("completion-rate", "round-robin"),
        METHOD("virtual-server-capacity", "ratio"),
        METHOD("virtual-server-score", "ratio"),
        {IN_POOL("load-balancing-mode topology alternate-mode global-availability"),
         "SELECT alternate_method = 'failover' FROM pool", 1},
        {IN_POOL("load-balancing-mode topology alternate-mode none"),
         "SELECT alternate_method ISNULL FROM pool", 1},
        {IN_POOL("load-balancing-mode ratio alternate-mode global-availability"),
         "SELECT alternate_method ISNULL FROM pool", 1},
        {IN_POOL("fallback-mode drop-packet"), "SELECT fallback = 'servfail' FROM pool", 1},
        {IN_POOL("alternate-mode drop-packet"), "SELECT fallback = 'servfail' FROM pool", 1},
        {IN_POOL("fallback-mode none"), "SELECT fallback = 'any' FROM pool", 1},
        {IN_POOL("fallback-mode fallback-ip fallback-ip 192.0.2.99"), "SELECT count(*) FROM pool",
         2},
        {IN_POOL("fallback-mode fallback-ip"), "SELECT count(*) FROM pool", 1},
        {IN_POOL("load-balancing-mode fallback-ip fallback-ip 192.0.2.99"),
         "SELECT count(*) FROM virtual_server WHERE ipv4 = '192.0.2.99' AND checked = 0", 1},
        {IN_POOL("load-balancing-mode return-to-dns"), "SELECT count(*) FROM balanced_name", 0},
        {IN_POOL("load-balancing-mode drop-packet"), "SELECT count(*) FROM balanced_name", 0},
        {IN_POOL("disabled"), "SELECT count(*) FROM virtual_server WHERE state = 'disabled'", 2},
        {IN_POOL("ttl 4294967295"), "SELECT ttl FROM pool", 2147483647},
        {IN_POOL("verify-member-availability disabled"), "SELECT sum(checked) FROM virtual_server",
         0},
        {IN_POOL(""), "SELECT weight FROM virtual_server WHERE position = 2", 7},
        {IN_POOL("load-balancing-mode static-persistence"),
         "SELECT max(weight) FROM virtual_server", 1},
        {IN_POOL("members none"), "SELECT count(*) FROM virtual_server", 2},
        {IN_POOL("an-unknown-one { a { b } }"), "SELECT count(*) FROM virtual_server", 2},
    };
    check_rows(rows, COUNT(rows));
}

#define IN_SERVER(server, virtual)                                                                 \
    "gtm datacenter dc { }\n"                                                                      \
    "gtm server s { datacenter dc " server                                                         \
    " virtual-servers { v { " virtual " } } }\n"                                                   \
                                      "gtm pool a p { members { s:v { } } }\n"                     \
                                      "gtm wideip a w.example.com { pools { p } }\n"
#define DESTINATION "destination 192.0.2.80:80"

static void servers_keep_their_addresses(void)
{
    static const struct row rows[] = {
        {IN_SERVER("", "destination 192.0.2.80:https"), "SELECT port FROM virtual_server", 443},
        {IN_SERVER("", "destination 192.0.2.80%12:8080"),
         "SELECT port FROM virtual_server WHERE ipv4 = '192.0.2.80'", 8080},
        {IN_SERVER("", "destination 192.0.2.80:0"), "SELECT port ISNULL FROM virtual_server", 1},
        {IN_SERVER("", "destination /Common/192.0.2.80:any"), "SELECT count(*) FROM virtual_server",
         1},
        {IN_SERVER("", DESTINATION " translation-address 10.0.0.1 translation-port http"),
         "SELECT port FROM virtual_server WHERE check_address = '10.0.0.1'", 80},
        {IN_SERVER("", DESTINATION " translation-address none"),
         "SELECT check_address ISNULL FROM virtual_server", 1},
        {IN_SERVER("", DESTINATION " disabled"), "SELECT state = 'disabled' FROM virtual_server",
         1},
        {IN_SERVER("disabled", DESTINATION), "SELECT state = 'disabled' FROM controller", 1},
        {IN_SERVER("product generic-host", DESTINATION), "SELECT name = 'dc' FROM controller", 1},
        {IN_SERVER("product generic-host disabled", DESTINATION),
         "SELECT state = 'enabled' FROM controller", 1},
        {IN_SERVER("product bigip", DESTINATION), "SELECT name = 's' FROM controller", 1},
        {IN_SERVER("devices { d { addresses { 192.0.2.1 { } 192.0.2.2 { } } } }", DESTINATION),
         "SELECT address = '192.0.2.1' FROM controller", 1},
        {IN_SERVER("monitor /Common/bigip", DESTINATION), "SELECT count(*) FROM monitor", 0},
        {IN_SERVER("monitor tcp", DESTINATION),
         "SELECT count(*) FROM virtual_server WHERE monitor_id NOTNULL", 1},
    };
    check_rows(rows, COUNT(rows));
}

#define MONITOR(type, properties)                                                                  \
    IN_SERVER("monitor m", DESTINATION) "gtm monitor " type " m { " properties " }\n"

static void monitors_become_checks(void)
{
    static const struct row rows[] = {
        {MONITOR("tcp", ""),
         "SELECT type = 'tcp' AND send ISNULL AND interval = 30 AND fall = 4"
         " AND rise = 1 AND timeout = 5 FROM monitor",
         1},
        {MONITOR("http", ""),
         "SELECT path = '/' AND status_min = 100 AND status_max = 599 FROM"
         " monitor",
         1},
        {MONITOR("http", "send \"GET /a HTTP/1.0\\r\\n\" recv \"HTTP/1.1 204\""),
         "SELECT path = '/a' AND status_min = 204 AND status_max = 204 FROM monitor", 1},
        {MONITOR("https", "send \"HEAD /\" recv 200"),
         "SELECT http_method = 'HEAD' AND verify = 0 AND status_max = 200 FROM monitor", 1},
        {MONITOR("http", "recv \"HTTP/1.(0|1) (200|302)\""), "SELECT status_max FROM monitor", 599},
        {MONITOR("http", "recv \"(ok\""), "SELECT count(body) FROM monitor", 0},
        {MONITOR("tcp", "send x recv \"(ok\""), "SELECT count(expect) FROM monitor", 0},
        {MONITOR("http", "recv ok reverse enabled"),
         "SELECT body = '(?is)^(?!.*(?:ok))' FROM monitor", 1},
        {MONITOR("http", "send \"GET / HTTP/1.1\\r\\nHost: a.example\\r\\nX: y\\r\\nZ: 1\""),
         "SELECT host = 'a.example' AND headers = 'X: y' || char(10) || 'Z: 1' FROM monitor", 1},
        {MONITOR("http", "send \"GET / HTTP/1.1\\r\\nHost: 2001:db8::1\\r\\nbad\\r\\nA:b\\r\\n\""),
         "SELECT host ISNULL AND headers ISNULL FROM monitor", 1},
        {MONITOR("http", "send \"POST / HTTP/1.0\\r\\n\\r\\n\" recv ok"),
         "SELECT type = 'tcp' AND send = 'POST / HTTP/1.0\\r\\n\\r\\n' AND expect = '(?i)ok' FROM"
         " monitor",
         1},
        {MONITOR("https", "send \"POST / HTTP/1.0\""), "SELECT type = 'tcp' AND tls FROM monitor",
         1},
        {MONITOR("tcp", "send none recv none"), "SELECT send ISNULL AND expect ISNULL FROM monitor",
         1},
        {MONITOR("tcp-half-open", "send x"), "SELECT type = 'tcp' AND send ISNULL FROM monitor", 1},
        {MONITOR("tcp", "destination *:8080"), "SELECT port FROM monitor", 8080},
        {MONITOR("tcp", "destination 10.1.1.1:99"),
         "SELECT m.port FROM monitor AS m, virtual_server WHERE check_address = '10.1.1.1'", 99},
        {MONITOR("gateway-icmp", "destination *.47"),
         "SELECT type = 'icmp' AND port ISNULL FROM"
         " monitor",
         1},
        {MONITOR("external", "run /Common/a.sh args \"-x 1\""),
         "SELECT type = 'exec' AND path = 'a.sh' AND arguments = '-x 1' FROM monitor", 1},
        {MONITOR("external", ""), "SELECT count(*) FROM monitor", 0},
        {MONITOR("udp", ""), "SELECT count(*) FROM monitor", 0},
        {MONITOR("mysql", ""), "SELECT type = 'tcp' FROM monitor", 1},
        {MONITOR("http", "interval 5000 timeout 86400 probe-timeout 900"),
         "SELECT interval = 3600 AND timeout = 60 AND fall = 24 FROM monitor", 1},
        {MONITOR("http", "interval 1 timeout 86400"), "SELECT fall FROM monitor", 100},
        {MONITOR("tcp",
                 "defaults-from n") "gtm monitor tcp n { defaults-from m recv up interval 7 }\n",
         "SELECT interval FROM monitor WHERE expect = '(?i)up'", 7},
        {IN_SERVER("monitor https_head_f5", DESTINATION),
         "SELECT http_method = 'HEAD' FROM monitor", 1},
        {IN_SERVER("monitor min 1 of { tcp gateway_icmp }", DESTINATION),
         "SELECT count(*) FROM monitor WHERE type = 'tcp'", 1},
        {IN_SERVER("monitor /Common/missing", DESTINATION), "SELECT count(*) FROM monitor", 0},
    };
    check_rows(rows, COUNT(rows));
}

#define TOPOLOGY(record) SITE WIDEIP("") "gtm topology " record " { score 5 }\n"

static void topology_becomes_rows(void)
{
    static const struct row rows[] = {
        {TOPOLOGY("ldns: subnet 10.0.0.0/8 server: pool p"),
         "SELECT preference FROM topology WHERE cidr = '10.0.0.0/8'", 10},
        {TOPOLOGY("ldns: subnet 2001:DB8::/32 server: datacenter dc"),
         "SELECT count(*) FROM topology WHERE cidr = '2001:db8::/32'", 1},
        {TOPOLOGY("ldns: subnet ::/0 server: datacenter dc"), "SELECT cidr ISNULL FROM topology",
         1},
        {TOPOLOGY("ldns: country DE server: subnet 192.0.2.0/24"),
         "SELECT country = 'DE' FROM topology", 1},
        {TOPOLOGY("ldns: country -- server: pool p"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: continent EU server: pool p"), "SELECT continent = 'EU' FROM topology", 1},
        {TOPOLOGY("ldns: continent XX server: pool p"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: state \"US/New York\" server: pool p"), "SELECT count(*) FROM topology",
         0},
        {TOPOLOGY("ldns: region r server: pool p"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: not country DE server: pool p"),
         "SELECT country ISNULL AND cidr ISNULL FROM topology", 1},
        {TOPOLOGY("ldns: country DE server: not pool p"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: pool p server: pool p"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: country DE server: country DE"), "SELECT count(*) FROM topology", 0},
        {TOPOLOGY("ldns: country DE server: pool p") "gtm topology ldns: country DE server: "
                                                     "datacenter dc { score 9 }\n",
         "SELECT sum(preference) FROM topology", 10},
        {TOPOLOGY("ldns: region r server: region r") "gtm region r { region-members { country DE { "
                                                     "} not country FR { } datacenter dc { } } }\n",
         "SELECT country = 'DE' FROM topology", 1},
    };
    check_rows(rows, COUNT(rows));
}

static void what_is_wrong_is_told_with_its_line(void)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "there is no gtm object in the input: give the file bigip_gtm.conf or the output of"
             " `tmsh list gtm`"},
        {"ltm pool x { }\n", "there is no gtm object in the input: give the file bigip_gtm.conf or"
                             " the output of `tmsh list gtm`"},
        {SITE "gtm pool a p { }\n", "line 4: gtm pool a /Common/p is already on line 3"},
        {SITE "gtm pool a q { ttl x }\n", "line 4: ttl is a number of 0 to 4294967295, not 'x'"},
        {SITE "gtm pool a q {\n\n  ttl\n}\n", "line 6: ttl has no value"},
        {SITE "gtm pool a q {\n  members\n}\n", "line 5: members has no block in braces"},
        {SITE "gtm pool a q { load-balancing-mode best }\n",
         "line 4: load-balancing-mode 'best' is not known"},
        {SITE "gtm pool a q { fallback-ip x }\n", "line 4: fallback-ip is an address, not 'x'"},
        {SITE "gtm pool a q { verify-member-availability maybe }\n",
         "line 4: verify-member-availability is enabled or disabled, not 'maybe'"},
        {SITE "gtm pool a q {\n  members {\n    s:w { }\n  }\n}\n",
         "line 6: the input has no virtual server 's:w', of which pool /Common/q is made; give all"
         " of bigip_gtm.conf, with those of other partitions"},
        {SITE "gtm pool aaaa q { members { s:v } }\n",
         "line 4: the address of 's:v' is not for pool aaaa /Common/q"},
        {SITE "gtm wideip a w { pools { q } }\n",
         "line 4: the input has no pool a /Common/q; give all of bigip_gtm.conf, with those of"
         " other partitions"},
        {SITE "gtm wideip a w..x { pools { p } }\n", "line 4: 'w..x' is not a domain name"},
        {SITE "gtm wideip a w { pools { p } aliases { http://x } }\n",
         "line 4: 'http://x' is not a domain name"},
        {SITE "gtm wideip a w { pools { p } pool-lb-mode best }\n",
         "line 4: pool-lb-mode 'best' is not known"},
        {SITE "gtm wideip a w { pools { p } persist-cidr-ipv4 33 }\n",
         "line 4: persist-cidr-ipv4 is a number of 0 to 32, not '33'"},
        {SITE "gtm server t { virtual-servers { } }\n",
         "line 4: the server /Common/t has no data center"},
        {SITE "gtm server t { datacenter dc virtual-servers { v { } } }\n",
         "line 4: the virtual server 'v' has no destination"},
        {SITE "gtm server t { datacenter dc\n virtual-servers { v { destination x:1 } } }\n",
         "line 5: destination is an address and a port, like 192.0.2.80:443, not 'x:1'"},
        {SITE "gtm topology subnet x { }\n",
         "line 4: a topology record begins with 'ldns:' and a condition"},
        {SITE "gtm topology ldns: subnet x server: pool p { }\n",
         "line 4: 'x' is not a subnet like 192.0.2.0/24"},
        {SITE "gtm topology ldns: country DE { }\n",
         "line 4: a topology record has 'server:' and a condition"},
        {SITE "gtm topology ldns: planet x server: pool p { }\n",
         "line 4: 'planet' is not what a topology record has"},
        {SITE "gtm pool { }\n", "line 4: gtm pool with 2 words before the '{'"},
        {SITE "gtm pool cname c { members { localhost { } } }\n"
              "gtm wideip cname w.example { pools { c } }\n",
         "line 4: 'localhost' is not a full host name"},
        {SITE WIDEIP("") "gtm region r { region-members { region r { } } }\n"
                         "gtm topology ldns: region r server: pool p { }\n",
         "line 5: more than 16 regions within each other"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer out = {0};
        import_text(rows[i].text, &out);
        CHECK_TEXT(buffer_text(&out), rows[i].error, "row %zu", i);
        buffer_release(&out);
    }
}

/* A region that holds the next one many times would take forever. */
static void regions_in_regions_have_a_limit(void)
{
    struct buffer text = {0}, out = {0};
    buffer_add_text(&text, SITE WIDEIP(""));
    for (int i = 0; i < 12; i++) {
        buffer_printf(&text, "gtm region r%d { region-members {", i);
        for (int j = 0; j < 40; j++)
            buffer_printf(&text, " region r%d { }", i + 1);
        buffer_add_text(&text, " } }\n");
    }
    buffer_add_text(&text, "gtm region r12 { }\ngtm topology ldns: region r0 server: pool p { }\n");
    import_text(buffer_text(&text), &out);
    CHECK_TEXT(buffer_text(&out),
               "line 18: the regions up to this record are too many, or too deep in each other",
               "forty times each");
    buffer_release(&text);
    buffer_release(&out);
}

static void without_memory_nothing_is_printed(void)
{
    char path[PLACE_PATH_MAX];
    struct buffer text = {0};
    bool failed = true;
    size_t n = 1;
    sample_path("pools", "conf", path);
    read_file(path, &text);
    for (; failed && n < 100000; n++) {
        struct buffer out = {0};
        struct error error = {0};
        memory_fail_at(n);
        int code = f5_import(text.data, text.length, &out, &error);
        failed = memory_fail_end();
        CHECK(code == (failed ? ERR_NOMEM : 0) && error.code == code, "allocation %zu: %d", n,
              code);
        CHECK(!failed || out.length == 0, "allocation %zu: printed", n);
        buffer_release(&out);
    }
    CHECK(n > 200 && n < 100000, "%zu allocations", n);
    buffer_release(&text);
}

static const CU_TestInfo tests[] = {
    {"samples become what is written", samples_become_what_is_written},
    {"the database takes all samples", the_database_takes_all_samples},
    {"what does not fit is not half imported", what_does_not_fit_is_not_half_imported},
    {"wide IPs become names and persistence", wide_ips_become_names_and_persistence},
    {"pools keep their methods", pools_keep_their_methods},
    {"servers keep their addresses", servers_keep_their_addresses},
    {"monitors become checks", monitors_become_checks},
    {"topology becomes rows", topology_becomes_rows},
    {"what is wrong is told with its line", what_is_wrong_is_told_with_its_line},
    {"regions in regions have a limit", regions_in_regions_have_a_limit},
    {"without memory nothing is printed", without_memory_nothing_is_printed},
    CU_TEST_INFO_NULL,
};

const struct suite suite_f5_import = {"f5_import", tests};

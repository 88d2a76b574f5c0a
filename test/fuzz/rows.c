#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "store/clock.h"

/* Times stand far from the present, so that nothing expires while it is looked at. */
#define FAR_S 100000

/* What goes into a column. */
enum value {
    VALUE_ID,
    VALUE_ID_OR_NULL,
    VALUE_NAME,
    VALUE_TYPE,
    VALUE_CONTENT,
    VALUE_TTL,
    VALUE_FLAG,
    VALUE_WORD,
    VALUE_ADDRESS,
    VALUE_STATE,
    VALUE_METHOD,
    VALUE_TIMER,
    VALUE_CLIENT,
    VALUE_BITS,
    VALUE_FALLBACK,
    VALUE_IPV4,
    VALUE_IPV6,
    VALUE_NUMBER,
    VALUE_METRIC,
    VALUE_REAL,
    VALUE_TIME,
    VALUE_CIDR,
    VALUE_SETTING,
    VALUE_KEY,
};

#define COLUMNS_MAX 13

static const struct table {
    const char *name, *key; /* the column by which a row is found */
    struct column {
        const char *name;
        enum value value;
    } columns[COLUMNS_MAX];
} tables[] = {
    {"zone", "id", {{"id", VALUE_ID}, {"name", VALUE_NAME}}},
    {"record",
     "id",
     {{"id", VALUE_ID},
      {"zone_id", VALUE_ID_OR_NULL},
      {"name", VALUE_NAME},
      {"type", VALUE_TYPE},
      {"content", VALUE_CONTENT},
      {"ttl", VALUE_TTL},
      {"disabled", VALUE_FLAG}}},
    {"controller",
     "id",
     {{"id", VALUE_ID}, {"name", VALUE_WORD}, {"address", VALUE_ADDRESS}, {"state", VALUE_STATE}}},
    {"pool",
     "id",
     {{"id", VALUE_ID},
      {"name", VALUE_WORD},
      {"method", VALUE_METHOD},
      {"ttl", VALUE_TTL},
      {"persistence_ttl", VALUE_TTL},
      {"persistence_timer", VALUE_TIMER},
      {"persistence_pool_id", VALUE_ID_OR_NULL},
      {"client", VALUE_CLIENT},
      {"ipv4_prefix", VALUE_BITS},
      {"ipv6_prefix", VALUE_BITS},
      {"fallback", VALUE_FALLBACK},
      {"fallback_pool_id", VALUE_ID_OR_NULL}}},
    {"virtual_server",
     "id",
     {{"id", VALUE_ID},
      {"pool_id", VALUE_ID},
      {"controller_id", VALUE_ID},
      {"position", VALUE_NUMBER},
      {"ipv4", VALUE_IPV4},
      {"ipv6", VALUE_IPV6},
      {"weight", VALUE_NUMBER},
      {"state", VALUE_STATE}}},
    {"balanced_name", "pool_id", {{"name", VALUE_NAME}, {"pool_id", VALUE_ID}}},
    {"controller_metric",
     "controller_id",
     {{"controller_id", VALUE_ID}, {"name", VALUE_METRIC}, {"value", VALUE_REAL}}},
    {"virtual_server_metric",
     "virtual_server_id",
     {{"virtual_server_id", VALUE_ID}, {"name", VALUE_METRIC}, {"value", VALUE_REAL}}},
    {"ldns_group", "name", {{"cidr", VALUE_CIDR}, {"name", VALUE_WORD}}},
    {"setting", "name", {{"name", VALUE_SETTING}, {"value", VALUE_NUMBER}}},
    {"persistence",
     "pool_id",
     {{"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"controller_id", VALUE_ID},
      {"method", VALUE_METHOD},
      {"timestamp", VALUE_TIME},
      {"ttl", VALUE_TTL}}},
};

/* INSERT, INSERT OR REPLACE, DELETE, and an UPDATE for each column. */
enum { INSERT, REPLACE, DELETE, UPDATE, STATEMENTS = UPDATE + COLUMNS_MAX };

static sqlite3_stmt *statements[COUNT(tables)][STATEMENTS];

static const char *const beginnings[] = {
    /* A zone with two pools over three sites, as in the example. */
    "INSERT INTO zone (id, name) VALUES (1, 'example.com');"
    "INSERT INTO record (id, zone_id, name, type, content) VALUES"
    " (1, 1, 'example.com', 'SOA', 'ns.example.com h.example.com 1 3600 600 604800 60'),"
    " (2, 1, 'example.com', 'NS', 'ns.example.com'), (3, 1, 'a.b.example.com', 'A', '192.0.2.2');"
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'nyc');"
    "INSERT INTO pool (id, name) VALUES (1, 'web');"
    "INSERT INTO pool (id, name, persistence_timer, ipv4_prefix, fallback, fallback_pool_id)"
    " VALUES (2, 'api', 'sliding', 24, 'servfail', 1);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', '2001:db8:1::80'),"
    " (2, 1, 2, 2, '198.51.100.80', '2001:db8:2::80'), (3, 1, 3, 3, '203.0.113.80', NULL),"
    " (4, 2, 1, 1, '192.0.2.81', NULL), (5, 2, 3, 2, '203.0.113.81', NULL);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2);"
    "INSERT INTO ldns_group (cidr, name) VALUES ('10.1.0.0/16', 'office');",
    /* Names of a zone that lies elsewhere, for client networks, and mappings shared. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name, client) VALUES (1, 'web', 'ecs');"
    "INSERT INTO pool (id, name, persistence_pool_id, fallback) VALUES (2, 'api', 1, 'none');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) VALUES"
    " (1, 1, 1, 1, '192.0.2.80'), (2, 1, 2, 2, '198.51.100.80'),"
    " (3, 2, 1, 1, '192.0.2.81'), (4, 2, 2, 2, '198.51.100.81'), (5, 2, 1, 3, '192.0.2.82');"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2);"
    "INSERT INTO record (id, name, type, content) VALUES (1, 'www.example.com', 'MX', '0 .');",
    /* Servers that are down, at the zone's own name too, and clients that are all one. */
    "INSERT INTO zone (id, name) VALUES (1, 'example.com');"
    "INSERT INTO record (id, zone_id, name, type, content) VALUES"
    " (1, 1, 'example.com', 'SOA', 'ns.example.com h.example.com 1 3600 600 604800 60');"
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name, fallback) VALUES (1, 'web', 'servfail'), (2, 'api', 'none');"
    "INSERT INTO pool (id, name, client, ipv4_prefix, ipv6_prefix) VALUES (3, 'one', 'ecs', 0, 0);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', NULL), (2, 2, 1, 1, '192.0.2.81', NULL),"
    " (3, 3, 2, 1, '192.0.2.82', NULL), (4, 3, 2, 2, NULL, '2001:db8::82');"
    "INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'availability', 0);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('example.com', 1),"
    " ('api.example.com', 2), ('www.example.com', 3);",
    "",
};

void rows_prepare(sqlite3 *connection)
{
    char sql[1024];
    for (size_t t = 0; t < COUNT(tables); t++) {
        const struct table *table = &tables[t];
        char columns[512] = "", places[128] = "";
        for (size_t c = 0; c < COLUMNS_MAX && table->columns[c].name; c++) {
            snprintf(sql, sizeof sql, "%s%s", c ? ", " : "", table->columns[c].name);
            strcat(columns, sql);
            strcat(places, c ? ", ?" : "?");
            snprintf(sql, sizeof sql, "UPDATE %s SET %s = ? WHERE %s = ?", table->name,
                     table->columns[c].name, table->key);
            sqlite3_prepare_v2(connection, sql, -1, &statements[t][UPDATE + c], NULL);
            REQUIRE(statements[t][UPDATE + c], "%s: %s", sql, sqlite3_errmsg(connection));
        }
        for (int i = INSERT; i <= DELETE; i++) {
            if (i == DELETE)
                snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s = ?", table->name, table->key);
            else
                snprintf(sql, sizeof sql, "INSERT %sINTO %s (%s) VALUES (%s)",
                         i == REPLACE ? "OR REPLACE " : "", table->name, columns, places);
            sqlite3_prepare_v2(connection, sql, -1, &statements[t][i], NULL);
            REQUIRE(statements[t][i], "%s: %s", sql, sqlite3_errmsg(connection));
        }
    }
}

void rows_reset(sqlite3 *connection, struct input *input)
{
    scratch_run(connection,
                "DELETE FROM persistence; DELETE FROM record; DELETE FROM zone;"
                "DELETE FROM balanced_name; DELETE FROM virtual_server; DELETE FROM controller;"
                "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL;"
                "DELETE FROM pool; DELETE FROM ldns_group; DELETE FROM setting;"
                "INSERT INTO setting VALUES ('max_writes_per_second', 1000000);"
                "DELETE FROM sqlite_sequence;");
    scratch_run(connection, beginnings[input_below(input, COUNT(beginnings))]);
}

/* ---- values */

#define PICK(input, words) ((words)[input_below((input), COUNT(words))])

void rows_name(struct input *input, char text[static ROWS_NAME_MAX])
{
    static const char *const labels[] = {
        "www",   "api",
        "a",     "b",
        "*",     "A",
        "ns",    "_sip._udp",
        "\\032", "\\000",
        "x\\.y", "\\\\",
        "\\255", "xn--nxasmq6b",
        "-",     "a\\",
        "",      "sixty-three-letters-are-as-many-as-one-label-of-a-name-can-hold"};
    static const char *const zones[] = {"example.com",  "example.com", "Example.COM", "com", "",
                                        "b.example.com"};
    size_t count = input_below(input, 8), length = 0;
    if (count == 7) { /* any text */
        input_text(input, text, 256);
        return;
    }
    if (count == 6) { /* as long as a name can be, or a little longer */
        for (size_t i = 0; i < 3; i++)
            length += (size_t)sprintf(text + length, "%s.", labels[COUNT(labels) - 1]);
        length += (size_t)sprintf(text + length, "%.*s", (int)(40 + input_below(input, 10)),
                                  labels[COUNT(labels) - 1]);
        sprintf(text + length, ".example.com");
        return;
    }
    text[0] = '\0';
    for (size_t i = 0; i < (count > 3 ? 1 : count); i++)
        length += (size_t)sprintf(text + length, "%s.", PICK(input, labels));
    strcat(text, PICK(input, zones));
    length = strlen(text);
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    if (text[0] == '\0')
        strcpy(text, ".");
}

/* A content that may be right for the type bound before it, or any text. */
static void put_content(struct input *input, char text[static ROWS_NAME_MAX])
{
    static const char *const contents[] = {
        "192.0.2.1",
        "2001:db8::1",
        "ns.example.com h.example.com 1 3600 600 604800 60",
        "10 mail.example.com",
        "  0  . ",
        "\"v=spf1 -all\"",
        "\"a\" \"b\\\"c\\003\"",
        "www.example.com.",
        "0 5 5060 sip.example.com",
        "1 . alpn=h2,h3 port=443 ipv4hint=192.0.2.1 no-default-alpn",
        "0 www.example.com alpn=h2",
        "0 issue \"ca.example.net\"",
        "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.com",
        "12345 13 2 00ff 00FF",
        "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d",
        "\\# 3 010203",
        "\\# 0",
        "3 1 1 abcdef",
        ".",
        "\\\\\\.\\032.example.com",
    };
    size_t choice = input_below(input, COUNT(contents) + 4);
    if (choice < COUNT(contents))
        strcpy(text, contents[choice]);
    else if (choice == COUNT(contents))
        rows_name(input, text);
    else
        input_text(input, text, ROWS_NAME_MAX);
}

static void put_address(struct input *input, char text[static ROWS_NAME_MAX], int family)
{
    static const char *const odd[] = {
        "0.0.0.0", "255.255.255.255", "::", "::ffff:192.0.2.9", "1.2.3", "01.2.3.4"};
    unsigned a = input_byte(input), b = input_byte(input);
    if (a > 250)
        strcpy(text, odd[b % COUNT(odd)]);
    else if (family == 4)
        sprintf(text, "192.0.%u.%u", a % 4, b);
    else
        sprintf(text, "2001:db8:%x::%x", a % 4, b);
}

static void put_cidr(struct input *input, char text[static ROWS_NAME_MAX])
{
    int family = input_below(input, 2) ? 6 : 4;
    put_address(input, text, family);
    sprintf(text + strlen(text), "/%u", input_byte(input) % (family == 4 ? 34U : 130U));
}

/* persistence.ldns: an address, a network, a client network, a group, or any text. */
static void put_key(struct input *input, char text[static ROWS_NAME_MAX])
{
    static const char *const keys[] = {
        "192.0.2.10",          "192.0.2.0/24",        "2001:db8::53", "group:office",
        "ecs:198.51.100.0/24", "ecs:2001:db8:1::/48", "10.1.2.3",     "fe80::1"};
    size_t choice = input_below(input, COUNT(keys) + 2);
    if (choice < COUNT(keys))
        strcpy(text, keys[choice]);
    else
        input_text(input, text, 160);
}

static int64_t put_number(struct input *input, enum value value)
{
    static const int64_t ttls[] = {3600, 0, 1, 30, 2147483647, 604800};
    static const int64_t bits[] = {32, 24, 0, 1, 31, 128, 64, 127, 48, 8};
    int64_t now = clock_unix_s() / FAR_S * FAR_S;
    int64_t times[] = {now, now - FAR_S, now - 40 * FAR_S, now + 4 * FAR_S, 0, 253402300799};
    switch (value) {
    case VALUE_TTL:
        return PICK(input, ttls);
    case VALUE_BITS:
        return PICK(input, bits);
    case VALUE_TIME:
        return PICK(input, times);
    case VALUE_FLAG:
        return input_below(input, 8) == 7;
    case VALUE_NUMBER:
        return 1 + (int64_t)input_below(input, 6) * 700;
    default:
        return 1 + (int64_t)input_below(input, 6);
    }
}

static bool is_number(enum value value)
{
    return value == VALUE_ID || value == VALUE_ID_OR_NULL || value == VALUE_TTL ||
           value == VALUE_BITS || value == VALUE_TIME || value == VALUE_FLAG ||
           value == VALUE_NUMBER;
}

static void put_text(struct input *input, enum value value, char text[static ROWS_NAME_MAX])
{
    static const char *const types[] = {
        "A",         "AAAA", "SOA",   "NS",    "MX",  "TXT",   "CNAME", "SRV",
        "HTTPS",     "CAA",  "NAPTR", "DS",    "PTR", "TLSA",  "SVCB",  "DNSKEY",
        "TYPE65280", "ANY",  "TYPE1", "DNAME", "SPF", "ALIAS", "LOC",   "TYPE65534"};
    static const char *const words[] = {"ams", "fra", "web", "api", "office", "a'b;\"c"};
    static const char *const states[] = {"enabled", "draining", "disabled"};
    static const char *const methods[] = {"modulus", "modulus", "modulus", "rtt"};
    static const char *const timers[] = {"fixed", "sliding"};
    static const char *const clients[] = {"ldns", "ecs"};
    static const char *const fallbacks[] = {"any", "none", "servfail"};
    static const char *const metrics[] = {"availability", "availability", "rtt", "load"};
    static const char *const settings[] = {"checkpoint_interval", "sweep_interval", "sweep_batch",
                                           "max_megabytes"};
    switch (value) {
    case VALUE_NAME:
        rows_name(input, text);
        break;
    case VALUE_TYPE:
        strcpy(text, PICK(input, types));
        break;
    case VALUE_CONTENT:
        put_content(input, text);
        break;
    case VALUE_WORD:
        if (input_below(input, 8) == 7)
            input_text(input, text, 80);
        else
            strcpy(text, PICK(input, words));
        break;
    case VALUE_STATE:
        strcpy(text, PICK(input, states));
        break;
    case VALUE_METHOD:
        strcpy(text, PICK(input, methods));
        break;
    case VALUE_TIMER:
        strcpy(text, PICK(input, timers));
        break;
    case VALUE_CLIENT:
        strcpy(text, PICK(input, clients));
        break;
    case VALUE_FALLBACK:
        strcpy(text, PICK(input, fallbacks));
        break;
    case VALUE_METRIC:
        strcpy(text, PICK(input, metrics));
        break;
    case VALUE_SETTING:
        strcpy(text, PICK(input, settings));
        break;
    case VALUE_CIDR:
        put_cidr(input, text);
        break;
    case VALUE_KEY:
        put_key(input, text);
        break;
    default:
        put_address(input, text, value == VALUE_IPV6 ? 6 : 4);
    }
}

static void bind(sqlite3_stmt *statement, int place, struct input *input, enum value value)
{
    char text[ROWS_NAME_MAX];
    bool nullable = value == VALUE_ID_OR_NULL || value == VALUE_IPV4 || value == VALUE_IPV6 ||
                    value == VALUE_ADDRESS;
    if (nullable && input_below(input, 3) == 0)
        sqlite3_bind_null(statement, place);
    else if (value == VALUE_REAL)
        sqlite3_bind_double(statement, place, (double)input_below(input, 3) - 0.0);
    else if (is_number(value))
        sqlite3_bind_int64(statement, place, put_number(input, value));
    else {
        put_text(input, value, text);
        sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
    }
}

static enum value key_value(const struct table *table)
{
    for (size_t c = 0; c < COLUMNS_MAX && table->columns[c].name; c++)
        if (strcmp(table->columns[c].name, table->key) == 0)
            return table->columns[c].value;
    return VALUE_ID;
}

void rows_change(struct input *input, size_t count)
{
    /* Inserts are as many as all the others, or the tables would stay empty. */
    static const int kinds[] = {INSERT, INSERT, INSERT, REPLACE, UPDATE, UPDATE, DELETE};
    for (; count > 0 && input->next < input->end; count--) {
        const struct table *table = &PICK(input, tables);
        sqlite3_stmt **of_table = statements[table - tables];
        int kind = PICK(input, kinds);
        size_t columns = 0;
        while (columns < COLUMNS_MAX && table->columns[columns].name)
            columns++;
        if (kind == INSERT || kind == REPLACE)
            for (size_t c = 0; c < columns; c++)
                bind(of_table[kind], (int)c + 1, input, table->columns[c].value);
        else if (kind == DELETE)
            bind(of_table[DELETE], 1, input, key_value(table));
        else {
            size_t c = input_below(input, columns);
            kind = UPDATE + (int)c;
            bind(of_table[kind], 1, input, table->columns[c].value);
            bind(of_table[kind], 2, input, key_value(table));
        }
        sqlite3_step(of_table[kind]);
        sqlite3_reset(of_table[kind]);
    }
}

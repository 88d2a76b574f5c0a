/*
 * Any contents of the database that its CHECKs and triggers let in, then questions for the names in
 * it. PowerDNS takes every line; who asks twice, or asks another coprocess, gets the same answer;
 * what is the same for everybody is marked so and nothing else is; a question without client and a
 * transfer write no row; a resolver that has a mapping keeps its answer when servers are added; and
 * a change counts at once.
 *
 * Input: which beginning, how many changes, the changes (rows.h), then who asks.
 */
#include <stdio.h>
#include <string.h>

#include "dialogue.h"
#include "fuzz.h"
#include "rows.h"
#include "store/clock.h"

#define NAMES_MAX 10
#define TEXT_MAX 65536
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_EXISTS 65534 /* stands for "this name exists", with a TTL of its own */

/* Two coprocesses on one file, and the shell. */
static struct dialogue here, there;
static sqlite3 *shell;
static sqlite3_stmt *names_of_tables, *data_version, *long_mappings, *several_servers;

static sqlite3_stmt *prepared(const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(shell, sql, -1, &statement, NULL);
    REQUIRE(statement, "%s: %s", sql, sqlite3_errmsg(shell));
    return statement;
}

static void prepare(void)
{
    const char *path = scratch_database();
    shell = scratch_open(path);
    scratch_run(shell, "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 200");
    rows_prepare(shell);
    names_of_tables = prepared("SELECT name FROM balanced_name UNION SELECT name FROM zone"
                               " UNION SELECT name FROM record LIMIT 40");
    data_version = prepared("PRAGMA data_version");
    /* Mappings for long, if the pool of a name falls back to no other pool. */
    long_mappings = prepared("SELECT count(*) FROM persistence"
                             " WHERE timestamp + ttl > ?2 + 1000"
                             " AND EXISTS (SELECT 1 FROM balanced_name JOIN pool ON id = pool_id"
                             " WHERE balanced_name.name = ?1 COLLATE NOCASE"
                             " AND fallback_pool_id IS NULL)");
    several_servers = prepared("SELECT count(*) FROM (SELECT 1 FROM virtual_server"
                               " GROUP BY pool_id, controller_id HAVING count(*) > 1)");
    dialogue_open(&here, path);
    dialogue_open(&there, path);
}

static int64_t number_of(sqlite3_stmt *statement)
{
    int64_t number = -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return number;
}

static void change_rows(struct input *input)
{
    scratch_run(shell, "BEGIN IMMEDIATE");
    rows_reset(shell, input);
    rows_change(input, input_below(input, 32));
    scratch_run(shell, "COMMIT");
}

/* Names of the tables, and what lies above and below them; as PowerDNS would write them. */
static size_t collect_names(struct input *input, char names[static NAMES_MAX][NAME_TEXT_SIZE])
{
    char text[ROWS_NAME_MAX + 8];
    struct wire_name wire;
    size_t count = 0;
    while (count < NAMES_MAX - 1 && sqlite3_step(names_of_tables) == SQLITE_ROW) {
        static const char *const ways[] = {"%s", "%s", "%s", "below.%s", "*.%s"};
        const char *name = (const char *)sqlite3_column_text(names_of_tables, 0);
        snprintf(text, sizeof text, ways[input_below(input, COUNT(ways))], name);
        const char *dot = input_below(input, 6) == 5 ? strchr(text, '.') : NULL;
        const char *start = dot && dot[1] ? dot + 1 : text;
        if (!powerdns_read_name(start, strlen(start), &wire))
            powerdns_write_name(&wire, names[count++]);
    }
    sqlite3_reset(names_of_tables);
    rows_name(input, text);
    if (!powerdns_read_name(text, strlen(text), &wire))
        powerdns_write_name(&wire, names[count++]);
    return count;
}

struct asker {
    const char *remote, *subnet;
};

static const struct asker askers[] = {
    {"192.0.2.10", "192.0.2.10/32"},      {"192.0.2.11", "192.0.2.11/32"},
    {"2001:db8::53", "2001:db8::53/128"}, {"10.1.2.3", "10.1.2.3/32"},
    {"192.0.2.10", "198.51.100.0/24"},    {"192.0.2.10", "2001:db8:1::/48"},
    {"203.0.113.7", "0.0.0.0/0"},         {"::ffff:192.0.2.10", "::/0"},
    {"fe80::1%eth0", "fe80::1/128"},      {"255.255.255.255", "128.0.0.0/1"},
    {"invalid address", "192.0.2.0/24"},
};
static const struct asker nobody = {"0.0.0.0", "0.0.0.0/0"};

static void ask(struct dialogue *dialogue, const char *name, const char *type, int zone_id,
                const struct asker *asker)
{
    int abi = dialogue->abi;
    if (abi >= 3)
        dialogue_sayf(dialogue, "Q\t%s\tIN\t%s\t%d\t%s\t127.0.0.1\t%s", name, type, zone_id,
                      asker->remote, asker->subnet);
    else
        dialogue_sayf(dialogue, "Q\t%s\tIN\t%s\t%d\t%s%s", name, type, zone_id, asker->remote,
                      abi == 2 ? "\t127.0.0.1" : "");
    REQUIRE(dialogue->asked.verb == ASKED_QUESTION, "a bad question for %s", name);
}

/* The records of the last answer that `wanted` says, each in a line of its own. */
static void write_records(const struct dialogue *dialogue,
                          bool (*wanted)(const struct powerdns_line *record), char *text)
{
    const struct reply *reply = &dialogue->reply;
    char *end = text + TEXT_MAX - 1;
    for (size_t i = 0; i < reply->count; i++) {
        const struct powerdns_line *record = &reply->records[i];
        if (!wanted(record) || (size_t)(end - text) < record->length + 1)
            continue;
        memcpy(text, record->text, record->length);
        text += record->length;
        *text++ = '\n';
    }
    strcpy(text, reply->failed ? "F" : "");
}

static bool all(const struct powerdns_line *record)
{
    (void)record;
    return true;
}

static bool for_everybody(const struct powerdns_line *record)
{
    return record->scope_bits == 0;
}

static bool is_balanced(const char *name)
{
    static sqlite3_stmt *statement;
    char text[NAME_TEXT_SIZE];
    struct wire_name asked, other;
    bool found = false;
    powerdns_read_name(name, strlen(name), &asked);
    if (!statement)
        statement = prepared("SELECT name FROM balanced_name");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(text, sizeof text, "%s", sqlite3_column_text(statement, 0));
        found |= !powerdns_read_name(text, strlen(text), &other) && wire_name_equal(&asked, &other);
    }
    sqlite3_reset(statement);
    return found;
}

/* Addresses of balanced names are for one client, and nothing else is. */
static void check_scopes(const struct dialogue *dialogue, const char *name, bool balanced)
{
    for (size_t i = 0; dialogue->abi >= 3 && i < dialogue->reply.count; i++) {
        const struct powerdns_line *record = &dialogue->reply.records[i];
        bool address = record->type == TYPE_A || record->type == TYPE_AAAA;
        REQUIRE(record->scope_bits == 0 || balanced, "%s has a scope and is not balanced: %s", name,
                shown(record->text, record->length));
        REQUIRE(record->scope_bits > 0 || !address || !balanced,
                "%s is balanced and its address has no scope: %s", name,
                shown(record->text, record->length));
    }
}

/* Asked again, and by another coprocess, the answer is the same. */
static void check_repetition(const char *name, const char *type, int zone_id,
                             const struct asker *asker)
{
    static char first[TEXT_MAX], again[TEXT_MAX];
    ask(&here, name, type, zone_id, asker);
    write_records(&here, all, first);
    ask(&here, name, type, zone_id, asker);
    write_records(&here, all, again);
    REQUIRE(strcmp(first, again) == 0, "%s %s by %s: first %s, then %s", name, type, asker->remote,
            shown(first, strlen(first)), shown(again, strlen(again)));
    ask(&there, name, type, zone_id, asker);
    write_records(&there, all, again);
    REQUIRE(strcmp(first, again) == 0, "%s %s by %s: here %s, there %s", name, type, asker->remote,
            shown(first, strlen(first)), shown(again, strlen(again)));
}

static void check_name(struct input *input, const char *name)
{
    static const char *const types[] = {"ANY", "A", "AAAA", "SOA", "NS", "MX", "TXT", "TYPE65534"};
    static char plain[TEXT_MAX], other[TEXT_MAX];
    const struct asker *asker = &askers[input_below(input, COUNT(askers))];
    int zone_id = input_below(input, 4) == 3 ? (int)input_below(input, 4) : -1;
    bool balanced = is_balanced(name);
    check_repetition(name, types[input_below(input, COUNT(types))], zone_id, asker);
    check_repetition(name, "ANY", -1, asker);
    ask(&here, name, "ANY", -1, asker);
    check_scopes(&here, name, balanced);
    bool failed = here.reply.failed;
    write_records(&here, for_everybody, plain);
    int64_t version = number_of(data_version);
    ask(&here, name, "ANY", -1, &nobody);
    REQUIRE(!here.reply.failed, "FAIL for nobody: %s", name);
    check_scopes(&here, name, balanced);
    write_records(&here, for_everybody, other);
    REQUIRE(failed || here.abi < 3 || strcmp(plain, other) == 0,
            "for everybody, but not the same for nobody: %s: %s and %s", name,
            shown(plain, strlen(plain)), shown(other, strlen(other)));
    ask(&here, name, "SOA", -1, &nobody);
    REQUIRE(number_of(data_version) == version, "a question without client wrote: %s", name);
    ask(&here, name, "SOA", -1, asker);
    ask(&here, name, "A", zone_id, &nobody);
    REQUIRE(number_of(data_version) == version, "a question without client wrote: %s", name);
}

static void check_transfers(const char *name)
{
    int64_t version = number_of(data_version);
    for (int zone_id = -1; zone_id <= 6; zone_id++)
        if (here.abi >= 4)
            dialogue_sayf(&here, "AXFR\t%d\t%s", zone_id, name);
        else
            dialogue_sayf(&here, "AXFR\t%d", zone_id);
    if (here.abi == 5) {
        dialogue_sayf(&here, "CMD\tstatus");
        dialogue_sayf(&here, "CMD\texplain %s 192.0.2.10", name);
    }
    REQUIRE(number_of(data_version) == version, "a transfer or a command wrote: %s", name);
}

/*
 * Asking again changes nothing. Then more servers, of a new controller, last in every pool: a
 * resolver whose question made the only mapping there is stays at its site, though the choice for a
 * new one is now another; where a site has one server, it stays at that.
 */
static void check_sticking(struct input *input, const char *name)
{
    static char first[TEXT_MAX], again[TEXT_MAX];
    const struct asker *asker = &askers[input_below(input, COUNT(askers))];
    scratch_run(shell, "DELETE FROM persistence");
    ask(&here, name, "ANY", -1, asker);
    write_records(&here, all, first);
    ask(&there, name, "ANY", -1, asker);
    write_records(&there, all, again);
    REQUIRE(strcmp(first, again) == 0, "%s by %s: first %s, then %s", name, asker->remote,
            shown(first, strlen(first)), shown(again, strlen(again)));
    sqlite3_bind_text(long_mappings, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(long_mappings, 2, clock_unix_s());
    if (number_of(long_mappings) != 1)
        return;
    scratch_run(shell, "INSERT INTO controller (id, name) VALUES (77, 'one site more');"
                       "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)"
                       " SELECT id, 77, 77777, '198.18.0.1', '2001:db8:ffff::1' FROM pool");
    ask(&there, name, "ANY", -1, asker);
    write_records(&there, all, again);
    bool stays =
        number_of(several_servers) > 0 ? !strstr(again, "198.18.0.1") : strcmp(first, again) == 0;
    REQUIRE(stays, "%s by %s did not stick: first %s, then %s", name, asker->remote,
            shown(first, strlen(first)), shown(again, strlen(again)));
}

/* What is committed counts from the next question on: here, all TTLs. */
static void check_change(struct input *input, const char *name)
{
    const uint32_t ttl_s = 100 + input_byte(input);
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE pool SET ttl = %u; UPDATE record SET ttl = %u", ttl_s, ttl_s);
    ask(&here, name, "ANY", -1, &askers[0]);
    scratch_run(shell, sql);
    ask(&here, name, "ANY", -1, &askers[0]);
    for (size_t i = 0; i < here.reply.count; i++)
        REQUIRE(here.reply.records[i].ttl_s == ttl_s || here.reply.records[i].type == TYPE_EXISTS,
                "TTL %u is not seen: %s", ttl_s,
                shown(here.reply.records[i].text, here.reply.records[i].length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char names[NAMES_MAX][NAME_TEXT_SIZE];
    struct input input = {data, data + size};
    if (!shell)
        prepare();
    change_rows(&input);
    int abi = 5 - (int)input_below(&input, 8) % 5;
    dialogue_sayf(&here, "HELO\t%d", abi);
    dialogue_sayf(&there, "HELO\t%d", abi);
    size_t count = collect_names(&input, names);
    for (size_t i = 0; i < count; i++)
        check_name(&input, names[i]);
    if (count > 0) {
        check_transfers(names[count - 1]);
        check_sticking(&input, names[input_below(&input, count)]);
        check_change(&input, names[input_below(&input, count)]);
    }
    responder_rest(here.responder);
    responder_rest(there.responder);
    return 0;
}

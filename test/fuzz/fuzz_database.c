/*
 * Any contents of the database that its CHECKs and triggers let in, then questions for the names in
 * it. PowerDNS takes every line; who asks twice, or asks another coprocess, gets the same answer;
 * what is the same for everybody is marked so and nothing else is; a question without client and a
 * transfer write no row; who gets an address gets that of a server which may have new clients, as
 * explain says beforehand, and is remembered; a resolver that has a mapping keeps its answer when
 * servers are added and numbers move; a change counts at once; and what is shared can be taken by
 * others, page after page, and is known when it is told again.
 *
 * Input: which beginning, how many changes, the changes (rows.h), then who asks.
 */
#include <stdio.h>
#include <string.h>

#include "core/configuration/snapshot.h"
#include "core/sharing/row_problem.h"
#include "dialogue.h"
#include "fuzz.h"
#include "oracle.h"
#include "program/command/command.h"
#include "rows.h"
#include "store/sharing/sharing.h"
#include "store/store.h"
#include "system/clock.h"
#include "values.h"

#define NAMES_MAX 10
#define WRITE_WAIT_MS 10000
#define TEXT_MAX 65536
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_EXISTS 65280 /* stands for "this name exists", with a TTL of its own */

/* Two coprocesses on one file, and the shell. */
static struct dialogue here, there;
static sqlite3 *shell;
static sqlite3_stmt *names_of_tables, *data_version, *all_mappings, *long_mappings;
static sqlite3_stmt *several_servers;

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
    /* A database of a newer version has methods that this program does not know. */
    scratch_run(shell, "DROP TRIGGER pool_allowed_insert; DROP TRIGGER pool_allowed_update");
    rows_prepare(shell);
    names_of_tables = prepared("SELECT name FROM balanced_name UNION SELECT name FROM zone"
                               " UNION SELECT name FROM record LIMIT 40");
    data_version = prepared("PRAGMA data_version");
    all_mappings = prepared("SELECT count(*) FROM persistence");
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

/* Mappings are stored some time after the answer, here at once. */
static void store_mappings_of(const struct dialogue *dialogue)
{
    REQUIRE(store_unwritten(responder_store(dialogue->responder), WRITE_WAIT_MS) == 0,
            "mappings cannot be stored");
}

static int64_t number_of(sqlite3_stmt *statement)
{
    int64_t number = -1;
    store_mappings_of(&here);
    store_mappings_of(&there);
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
    char text[VALUE_TEXT_MAX + 8];
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
    value_name(input, text);
    if (!powerdns_read_name(text, strlen(text), &wire))
        powerdns_write_name(&wire, names[count++]);
    return count;
}

struct asker {
    const char *remote, *subnet;
    bool unknown; /* PowerDNS writes no such thing */
};

static const struct asker askers[] = {
    {"192.0.2.10", "192.0.2.10/32", false},      {"192.0.2.11", "192.0.2.11/32", false},
    {"2001:db8::53", "2001:db8::53/128", false}, {"10.1.2.3", "10.1.2.3/32", false},
    {"192.0.2.10", "198.51.100.0/24", false},    {"192.0.2.10", "2001:db8:1::/48", false},
    {"203.0.113.7", "0.0.0.0/0", false},         {"::ffff:192.0.2.10", "::/0", false},
    {"fe80::1%eth0", "fe80::1/128", false},      {"255.255.255.255", "128.0.0.0/1", false},
    {"invalid address", "192.0.2.0/24", true},
};
static const struct asker nobody = {"0.0.0.0", "0.0.0.0/0", false};

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

/* Says what the program may do with a name; false if it is not balanced. */
static bool look(const char *name, struct decision_inputs *ret_inputs, struct outlook *ret_outlook)
{
    struct error error = {0};
    struct name parsed;
    bool below;
    if (name_parse(name, strlen(name), &parsed) != 0)
        return false;
    int code = responder_begin(here.responder, ret_inputs, &error);
    REQUIRE(code == 0, "the database cannot be read: %s", error.text);
    const struct name_entry *entry = snapshot_find(ret_inputs->snapshot, &parsed, &below);
    responder_end(here.responder);
    if (!entry || !entry->pool)
        return false;
    *ret_outlook = oracle_look(ret_inputs, entry->pool);
    return true;
}

/* By turns, each question gets another server, unless a mapping says that it was asked before. */
static bool is_steady(const char *name, const struct asker *asker)
{
    struct decision_inputs inputs;
    struct outlook outlook;
    return !look(name, &inputs, &outlook) || !outlook.by_turns || (outlook.kept && !asker->unknown);
}

/* Asked again, and by another coprocess, the answer is the same. */
static void check_repetition(const char *name, const char *type, int zone_id,
                             const struct asker *asker)
{
    static char first[TEXT_MAX], again[TEXT_MAX];
    if (!is_steady(name, asker)) {
        ask(&here, name, type, zone_id, asker);
        return;
    }
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
    static const char *const types[] = {"ANY", "A", "AAAA", "SOA", "NS", "MX", "TXT", "TYPE0"};
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

/* ---- choices */

/* The last field of a record's line. */
static const char *content_of(const struct powerdns_line *record, char *text, size_t size)
{
    const char *start = record->text + record->length;
    while (start > record->text && start[-1] != '\t')
        start--;
    snprintf(text, size, "%.*s", (int)(record->text + record->length - start), start);
    return text;
}

/* What `here` answered for a balanced name. */
struct choice {
    const char *ipv4, *ipv6; /* NULL: no such address */
    char texts[2][64];
};

static void read_choice(struct choice *ret_choice)
{
    *ret_choice = (struct choice){.ipv4 = NULL};
    for (size_t i = 0; i < here.reply.count; i++) {
        const struct powerdns_line *record = &here.reply.records[i];
        if (record->type == TYPE_A)
            ret_choice->ipv4 = content_of(record, ret_choice->texts[0], 64);
        if (record->type == TYPE_AAAA)
            ret_choice->ipv6 = content_of(record, ret_choice->texts[1], 64);
    }
}

/* Prints what would be answered; that writes nothing, takes no turn, and is of any ABI. */
static void explain(const char *name, const struct asker *asker, struct buffer *out)
{
    char text[NAME_TEXT_SIZE + 128];
    int64_t version = number_of(data_version);
    buffer_clear(out);
    snprintf(text, sizeof text, "explain %s%s -- %s %s", here.abi >= 3 ? "--ecs " : "",
             here.abi >= 3 ? asker->subnet : "", name, asker->remote);
    command_run_text(here.responder, here.database, text, out);
    REQUIRE(number_of(data_version) == version, "%s wrote", text);
}

/* The addresses of the answer, or that it failed, were foretold. */
static void check_explained(const char *name, struct buffer *out)
{
    const char *text = buffer_text(out);
    char line[128], content[64];
    REQUIRE(here.reply.failed == (strstr(text, "\nanswer: SERVFAIL\n") != NULL),
            "%s: %sfailed after %s", name, here.reply.failed ? "" : "not ",
            shown(text, out->length));
    for (size_t i = 0; i < here.reply.count; i++) {
        const struct powerdns_line *record = &here.reply.records[i];
        if (record->type != TYPE_A && record->type != TYPE_AAAA)
            continue;
        snprintf(line, sizeof line, " %u %s %s", record->ttl_s,
                 record->type == TYPE_A ? "A" : "AAAA",
                 content_of(record, content, sizeof content));
        REQUIRE(strstr(text, line), "%s: answered%s after %s", name, line,
                shown(text, out->length));
    }
}

/* It is a server that may have this client, or there is none and the fallback is followed. */
static void check_allowed(const char *name, const struct outlook *outlook,
                          const struct choice *choice, bool mapped)
{
    const struct pool *pool = outlook->way[0];
    if (here.reply.failed)
        REQUIRE(oracle_allows_failure(outlook), "%s, pool %s: FAIL", name, pool->name);
    else if (!choice->ipv4 && !choice->ipv6)
        REQUIRE(oracle_allows_nothing(outlook), "%s, pool %s: no address", name, pool->name);
    else
        REQUIRE(oracle_allows(outlook, choice->ipv4, choice->ipv6, mapped),
                "%s, pool %s: %s and %s", name, pool->name, choice->ipv4 ? choice->ipv4 : "-",
                choice->ipv6 ? choice->ipv6 : "-");
}

/* The first question of a client made the one mapping that was to be made. */
static void check_remembered(const char *name, const struct outlook *outlook,
                             const struct choice *choice, const struct asker *asker)
{
    static sqlite3_stmt *such;
    const struct pool *pool;
    const struct virtual_server *server = oracle_chosen(outlook, choice->ipv4, choice->ipv6, &pool);
    int64_t count = number_of(all_mappings);
    REQUIRE(count <= 1, "%s: %lld mappings by one question", name, (long long)count);
    REQUIRE(count == 0 || choice->ipv4 || choice->ipv6, "%s: a mapping to nothing", name);
    if (!server || asker->unknown || outlook->pins)
        return;
    bool kept = pool->persistence_pool->persistence_ttl_s > 0 && !oracle_forgets(outlook, pool);
    if (!such)
        such = prepared("SELECT count(*) FROM persistence"
                        " WHERE pool_id = ? AND controller_id = ? AND method = ?");
    sqlite3_bind_int64(such, 1, pool->persistence_pool->id);
    sqlite3_bind_int64(such, 2, server->controller->id);
    sqlite3_bind_text(such, 3, pool->persistence_pool->method->name, -1, SQLITE_STATIC);
    REQUIRE(number_of(such) == kept, "%s: %lld mappings by pool %s", name, (long long)count,
            pool->name);
}

/* Takes the server that was answered out of service. */
static void strike(const struct choice *choice, size_t way)
{
    static const char *const ways[] = {
        "INSERT OR REPLACE INTO virtual_server_metric (virtual_server_id, name, value)"
        " SELECT id, 'availability', 0 FROM virtual_server WHERE ? IN (ipv4, ipv6)",
        "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
        " SELECT controller_id, 'availability', 0 FROM virtual_server WHERE ? IN (ipv4, ipv6)",
        "UPDATE virtual_server SET state = 'disabled' WHERE ? IN (ipv4, ipv6)",
        "UPDATE controller SET state = 'draining' WHERE id IN"
        " (SELECT controller_id FROM virtual_server WHERE ? IN (ipv4, ipv6))"};
    static sqlite3_stmt *statements[COUNT(ways)];
    sqlite3_stmt **statement = &statements[way % COUNT(ways)];
    if (!*statement)
        *statement = prepared(ways[way % COUNT(ways)]);
    sqlite3_bind_text(*statement, 1, choice->ipv4 ? choice->ipv4 : choice->ipv6, -1, SQLITE_STATIC);
    sqlite3_step(*statement);
    sqlite3_reset(*statement);
}

/*
 * A client without mapping, whose server is then taken away, so many times. It is told what explain
 * says, and never of a server that is not to have it while there is another.
 */
static void check_choices(struct input *input, const char *name, size_t strikes)
{
    static struct buffer explained;
    const struct asker *asker = &askers[input_below(input, COUNT(askers))];
    struct decision_inputs inputs;
    struct outlook outlook;
    struct choice choice;
    scratch_run(shell, "DELETE FROM persistence");
    for (size_t i = 0; i <= strikes && look(name, &inputs, &outlook); i++) {
        bool mapped = number_of(all_mappings) > 0;
        explain(name, asker, &explained);
        ask(&here, name, "ANY", -1, asker);
        read_choice(&choice);
        check_allowed(name, &outlook, &choice, mapped);
        if (!asker->unknown)
            check_explained(name, &explained);
        if (i == 0)
            check_remembered(name, &outlook, &choice, asker);
        if (i == strikes || (!choice.ipv4 && !choice.ipv6))
            return;
        strike(&choice, input_byte(input));
    }
}

/* What was measured is another, and who is near to whom. */
static const char other_numbers[] =
    "UPDATE virtual_server_metric SET value = 1000 - value WHERE value BETWEEN 0 AND 1000"
    " AND name <> 'availability';"
    "UPDATE controller_metric SET value = 1000 - value WHERE value BETWEEN 0 AND 1000"
    " AND name <> 'availability';"
    "UPDATE path_metric SET rtt = 1000 - rtt WHERE rtt <= 1000;"
    "UPDATE topology SET preference = 65535 - preference;"
    "UPDATE OR IGNORE topology SET controller_id = (SELECT min(id) FROM controller);";

/* More servers, of a new controller, last in every pool. */
static const char more_servers[] =
    "INSERT INTO controller (id, name) VALUES (77, 'one site more');"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, ipv6)"
    " SELECT id, 77, 77777, '198.18.0.1', '2001:db8:ffff::1' FROM pool";

/*
 * Asking again changes nothing. Nor do other numbers, for a resolver whose question made the only
 * mapping there is, whatever is chosen for a new one now. With more servers it stays at its site;
 * where a site has one server, it stays at that.
 */
static void check_sticking(struct input *input, const char *name)
{
    static char first[TEXT_MAX], again[TEXT_MAX];
    const struct asker *asker = &askers[input_below(input, COUNT(askers))];
    scratch_run(shell, "DELETE FROM persistence");
    ask(&here, name, "ANY", -1, asker);
    write_records(&here, all, first);
    sqlite3_bind_text(long_mappings, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(long_mappings, 2, clock_unix_s());
    if (number_of(long_mappings) != 1)
        return;
    scratch_run(shell, other_numbers);
    ask(&there, name, "ANY", -1, asker);
    write_records(&there, all, again);
    REQUIRE(strcmp(first, again) == 0, "%s by %s: first %s, then %s", name, asker->remote,
            shown(first, strlen(first)), shown(again, strlen(again)));
    scratch_run(shell, more_servers);
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

/* ---------------------------------------------------------------- what shares */

#define PAGE_ROWS 7

static int64_t now_ms(void)
{
    return clock_unix_s() * 1000;
}

/* Either it is done, or there are words that say why not. */
static bool done(int code, const struct error *error, const char *what)
{
    REQUIRE(code == error->code && (code == 0 || error->text[0]), "%s: code %d, but error %d: %s",
            what, code, error->code, error->text);
    return code == 0;
}

/* Page after page goes forward, holds what can be shared, and has the digest that others compute.
 */
static void check_pages(struct sharing *sharing)
{
    static struct shared_row room[PAGE_ROWS];
    struct shared_rows rows = {.rows = room, .capacity = PAGE_ROWS};
    struct shared_place after = {"", ""};
    struct error error = {0};
    uint64_t digest;
    int64_t count;
    for (bool last = false; !last;) {
        if (!done(sharing_page(sharing, &after, now_ms(), &rows, &last, &error), &error, "a page"))
            return;
        uint64_t sum = 0;
        struct shared_place to = after;
        for (size_t i = 0; i < rows.count; i++) {
            const struct shared_row *row = &room[i];
            const char *problem = shared_row_problem(row);
            int order = strcmp(row->pool, to.pool);
            REQUIRE(!problem, "a row that cannot be shared: %s", problem);
            REQUIRE(order > 0 || (order == 0 && strcmp(row->key, to.key) > 0), "%s %s after %s %s",
                    row->pool, row->key, to.pool, to.key);
            strcpy(to.pool, row->pool);
            strcpy(to.key, row->key);
            sum += shared_row_digest(row);
        }
        int code = sharing_digest(sharing, &after, last ? NULL : &to, PAGE_ROWS, now_ms(), &digest,
                                  &count, &error);
        if (done(code, &error, "a digest"))
            REQUIRE(digest == sum && count == (int64_t)rows.count, "%lld rows, and %zu in the page",
                    (long long)count, rows.count);
        REQUIRE(last || rows.count > 0, "an empty page that is not the last one");
        after = to;
    }
}

/* What was measured here is told once, in order. */
static void check_paths(struct sharing *sharing)
{
    static struct shared_path paths[PAGE_ROWS];
    struct error error = {0};
    int64_t after = 0, to, place = 0;
    size_t count;
    if (!done(sharing_last_path(sharing, &place, &error), &error, "the last path"))
        return;
    for (bool last = false; !last; after = to) {
        int code = sharing_read_paths(sharing, after, now_ms(), paths, PAGE_ROWS, &count, &to,
                                      &last, &error);
        if (!done(code, &error, "paths"))
            return;
        REQUIRE(count <= PAGE_ROWS && (last || to > after) && to <= place, "%zu, up to %lld", count,
                (long long)to);
        for (size_t i = 0; i < count; i++)
            REQUIRE(!shared_path_problem(&paths[i]), "%s", shared_path_problem(&paths[i]));
    }
    int64_t kept = -1;
    struct share_counts counts = {0};
    done(sharing_apply_paths(sharing, 2, paths, count, now_ms(), &kept, &counts, &error), &error,
         "taking paths");
    REQUIRE(counts.newer == 0 || count > 0, "%lld of none are newer", (long long)counts.newer);
}

static int merge(struct sharing *sharing, const struct shared_rows *rows,
                 const struct share_cursor *cursor, struct share_counts *counts,
                 struct error *error)
{
    struct share_delivery delivery = {
        .rows = rows->rows, .count = rows->count, .cursor = cursor, .counts = counts};
    int code = sharing_apply(sharing, &delivery, 1, now_ms(), error);
    REQUIRE(delivery.written == (code == 0), "written, with code %d", code);
    return code;
}

/* Rows that are told again are known, whatever stands there. */
static void check_merging(struct sharing *sharing)
{
    static struct shared_row room[PAGE_ROWS];
    struct shared_rows rows = {.rows = room, .capacity = PAGE_ROWS};
    struct share_cursor cursor = {.node = 2};
    struct share_counts counts = {0};
    struct error error = {0};
    int64_t stamp = 0, waiting, oldest_ms;
    bool last, more;
    if (done(sharing_cursor(sharing, 2, &cursor, &error), &error, "a cursor") &&
        done(sharing_page(sharing, &(struct shared_place){"", ""}, now_ms(), &rows, &last, &error),
             &error, "a page") &&
        done(merge(sharing, &rows, &cursor, &counts, &error), &error, "merging"))
        REQUIRE(counts.known == (int64_t)rows.count, "%lld of %zu are known",
                (long long)counts.known, rows.count);
    if (!done(sharing_count_changes(sharing, &waiting, &oldest_ms, &error), &error, "counting"))
        return;
    if (done(sharing_read_changes(sharing, &rows, &stamp, &more, &error), &error, "changes"))
        for (size_t i = 0; i < rows.count; i++)
            REQUIRE(!shared_row_problem(&room[i]), "%s", shared_row_problem(&room[i]));
    done(sharing_forget_changes(sharing, stamp, 1, &error), &error, "forgetting");
}

/* What the thread of pdns-stickyd does with the tables, and what `status` says of them. */
static void check_sharing(void)
{
    static struct sharing *sharing;
    static struct buffer status;
    struct share_setup setup;
    struct error error = {0};
    struct share_swept swept;
    const struct share_sweep sweep = {now_ms(), 1, true};
    uint64_t digest, again;
    if (!sharing)
        REQUIRE(sharing_new(here.database, &sharing) == 0, "no memory");
    buffer_clear(&status);
    command_run_text(here.responder, here.database, "status", &status);
    REQUIRE(status.length > 0, "no status");
    if (!done(sharing_load(sharing, &setup, &error), &error, "the setup"))
        return;
    check_pages(sharing);
    check_paths(sharing);
    check_merging(sharing);
    if (done(sharing_configuration_digest(sharing, &digest, &error), &error, "a digest") &&
        done(sharing_configuration_digest(sharing, &again, &error), &error, "again"))
        REQUIRE(digest == again, "another configuration");
    done(sharing_sweep(sharing, &sweep, &swept, &error), &error, "sweeping");
    check_pages(sharing);
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
    for (size_t i = 0; i < count; i++)
        check_choices(&input, names[i], 0);
    if (count > 0) {
        check_transfers(names[count - 1]);
        check_choices(&input, names[input_below(&input, count)], 3);
        check_sticking(&input, names[input_below(&input, count)]);
        check_change(&input, names[input_below(&input, count)]);
    }
    check_sharing();
    responder_idle(here.responder);
    responder_idle(there.responder);
    return 0;
}

/*
 * The remote backend's protocol. Any bytes at all, cut into lines: each gets exactly one reply, and
 * PowerDNS takes it. Questions that are well made, put in both protocols: both give the same
 * records. On the sample database with a few records that are hard to write, all servers up.
 *
 * Input: a byte that says which, then the bytes, or questions as pick_question() reads them.
 */
#include <stdio.h>
#include <string.h>

#include "dialect/json.h"
#include "dialogue.h"
#include "fuzz.h"
#include "powerdns_reply.h"
#include "values.h"

#define REQUEST_MAX 8192

static struct dialogue dialogue; /* the same in the pipe protocol, and the program behind both */
static struct service service;
static struct json json;
static struct powerdns_reply reply;
static sqlite3 *shell;

/* What JSON writes in its own way: odd bytes, quotes, escapes, and no UTF-8. */
static const char hard_records[] =
    "INSERT INTO record (zone_id, name, type, content) VALUES"
    " (1, 'hard.example.com', 'TXT', '\"a \\\"quoted\\\" \\\\ text / \\255\"'),"
    " (1, 'hard.example.com', 'TXT', CAST(x'22ff205cff205c5cff017f22' AS TEXT)),"
    " (1, 'hard.example.com', 'TXT', CAST(x'22c3bcff22' AS TEXT)),"
    " (1, 'a\\032b\\.c.example.com', 'MX', '10 x\\.y.example.com'),"
    " (1, 'leaf.between.example.com', 'SRV', '0 5 5060 sip.example.com'),"
    " (1, 'cut.example.com', 'NS', 'ns.cut.example.com'),"
    " (1, '\\255.cut.example.com', 'A', '192.0.2.1');";

static void zones(void *context, struct answer *answer)
{
    responder_zones(((struct dialogue *)context)->responder, answer);
}

static void prepare(void)
{
    const char *path = scratch_database();
    shell = scratch_open(path);
    scratch_run_file(shell, "../test/sample.sql");
    scratch_run(shell, "PRAGMA synchronous = OFF");
    scratch_run(shell, hard_records);
    scratch_run(shell, "INSERT INTO pool (name) VALUES (CAST(x'62ff' AS TEXT))");
    dialogue_open(&dialogue, path);
    service = dialogue.service;
    service.zones = zones;
    json_init(&json, &service);
}

static void say(const char *text, size_t length)
{
    struct line line = {text, length, length > LINE_LENGTH_MAX, '\0'};
    struct buffer *out = &dialogue.reply.text;
    buffer_clear(out);
    json_handle(&json, &line, out);
    const char *problem = powerdns_read_reply(buffer_text(out), out->length, &reply);
    REQUIRE(!problem, "%s: %s", problem, shown(buffer_text(out), out->length));
}

static void say_lines(struct input *input)
{
    while (input->next < input->end) {
        const char *start = (const char *)input->next;
        const char *newline = memchr(start, '\n', (size_t)(input->end - input->next));
        size_t length = newline ? (size_t)(newline - start) : (size_t)(input->end - input->next);
        say(start, length);
        bool object = memchr(start, '{', length) && memchr(start, '}', length);
        REQUIRE(object || reply.result == RESULT_NONE, "a result for %s", shown(start, length));
        input->next += length + (newline != NULL);
    }
}

struct pick {
    char name[VALUE_TEXT_MAX];
    const char *type, *remote, *subnet;
    int zone_id;
};

/* Four bytes and a name. */
static void pick_question(struct input *input, struct pick *ret_pick)
{
    static const char *const types[] = {"ANY", "ANY", "A",  "AAAA",  "SOA", "NS",
                                        "TXT", "MX",  "DS", "TYPE0", "SRV", "nonsense"};
    static const char *const remotes[] = {"192.0.2.10", "2001:db8::53", "0.0.0.0",
                                          "10.1.2.3",   "fe80::1%eth0", "invalid"};
    static const char *const subnets[] = {"192.0.2.10/32", "198.51.100.0/24", "0.0.0.0/0",
                                          "::/0",          "2001:db8::/32",   "x"};
    static const char *const names[] = {"www.example.com",       "shop.example.com",
                                        "api.example.com",       "example.com",
                                        "hard.example.com",      "a\\032b\\.c.example.com",
                                        "between.example.com",   "cut.example.com",
                                        "\\255.cut.example.com", "."};
    static const int zone_ids[] = {-1, 1, 7, 0, INT32_MAX, INT32_MIN};
    size_t name = input_below(input, 2 * COUNT(names));
    if (name < COUNT(names))
        strcpy(ret_pick->name, names[name]);
    else
        value_name(input, ret_pick->name);
    ret_pick->type = types[input_below(input, COUNT(types))];
    ret_pick->remote = remotes[input_below(input, COUNT(remotes))];
    ret_pick->subnet = subnets[input_below(input, COUNT(subnets))];
    ret_pick->zone_id = zone_ids[input_below(input, COUNT(zone_ids))];
}

/* PowerDNS writes a name in printable ASCII. */
static bool is_printable(const char *text)
{
    size_t i = 0;
    while (text[i] > ' ' && text[i] <= '~')
        i++;
    return i > 0 && text[i] == '\0';
}

static void say_question(const struct pick *pick)
{
    static char request[REQUEST_MAX], name[2 * VALUE_TEXT_MAX];
    char *out = name;
    for (const char *c = pick->name; *c; c++) {
        if (*c == '"' || *c == '\\')
            *out++ = '\\';
        *out++ = *c;
    }
    *out = '\0';
    int length = snprintf(request, sizeof request,
                          "{\"method\": \"lookup\", \"parameters\": {\"local\": \"::1\","
                          " \"qname\": \"%s\", \"qtype\": \"%s\", \"real-remote\": \"%s\","
                          " \"remote\": \"%s\", \"zone-id\": %d}}",
                          name, pick->type, pick->subnet, pick->remote, pick->zone_id);
    say(request, (size_t)length);
    REQUIRE(reply.result == RESULT_ARRAY && (reply.count == 0 || !reply.rows[0].is_zone),
            "no records for %s", request);
}

/* The content of a line is its last field, of MX and SRV the last two. */
static bool content_equal(const struct powerdns_line *line, const char *content)
{
    size_t length = strlen(content);
    if (length > line->length)
        return false;
    const char *there = line->text + line->length - length;
    for (size_t i = 0; i < length; i++)
        if (there[i] != content[i] && !(there[i] == '\t' && content[i] == ' '))
            return false;
    return there[-1] == '\t';
}

/* JSON escapes bytes that are not UTF-8; the pipe protocol does not. */
static bool is_ascii(const struct powerdns_line *line)
{
    for (size_t i = 0; i < line->length; i++)
        if ((uint8_t)line->text[i] >= 0x80)
            return false;
    return true;
}

/* What stands in the pipe protocol for PowerDNS's type 0, a name without records. */
#define TYPE_EMPTY_IN_PIPE 65280

static bool same_record(const struct powerdns_row *row, const struct powerdns_line *line)
{
    if (!wire_name_equal(&row->owner, &line->owner) || row->ttl_s != line->ttl_s ||
        row->zone_id != line->zone_id || row->scope_bits != line->scope_bits)
        return false;
    if (row->type == 0)
        return line->type == TYPE_EMPTY_IN_PIPE && content_equal(line, "\\# 0");
    return row->type == line->type && row->authoritative == line->authoritative &&
           (!is_ascii(line) || content_equal(line, row->content));
}

static void compare(const struct pick *pick)
{
    const struct reply *other = &dialogue.reply;
    REQUIRE(reply.failed == other->failed && (reply.failed || reply.count == other->count),
            "%zu records here and %zu there for %s %s", reply.count, other->count, pick->name,
            pick->type);
    for (size_t i = 0; i < other->count; i++) {
        const struct powerdns_row *row = &reply.rows[i];
        const struct powerdns_line *line = &other->records[i];
        REQUIRE(same_record(row, line), "another record than %s", shown(line->text, line->length));
    }
}

static void ask_in_both(struct input *input)
{
    struct pick pick;
    pick_question(input, &pick);
    if (!is_printable(pick.name))
        return;
    dialogue.abi = dialogue.pipe.abi = 5;
    say_question(&pick);
    dialogue_sayf(&dialogue, "Q\t%s\tIN\t%s\t%d\t%s\t::1\t%s", pick.name, pick.type, pick.zone_id,
                  pick.remote, pick.subnet);
    compare(&pick);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    if (!shell)
        prepare();
    if (input_below(&input, 2) == 0)
        say_lines(&input);
    else
        while (input.next < input.end)
            ask_in_both(&input);
    responder_idle(dialogue.responder);
    scratch_run(shell, "DELETE FROM persistence");
    return 0;
}

/*
 * Reads a zone file with PowerDNS's own zone2json, and puts its records into the database. What is
 * left out is named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dns/name.h"
#include "core/dns/rdata.h"
#include "program/command/json_output.h"
#include "program/control/control.h"
#include "store/sqlite/zone_import.h"
#include "system/run_program.h"

/* A large zone is read within seconds. */
#define READ_LIMIT_MS 300000
#define READ_MAX ((size_t)512 << 20)

struct importing {
    const struct command_call *call;
    struct name zone;
    int64_t powerdns; /* the setting powerdns_version, which says what contents are valid */
    struct imported_record *records;
    size_t count;
    struct arena texts;
    json_t *left_out; /* objects with name, type and reason */
};

/* ---------------------------------------------------------------- records */

static void leave_out(struct importing *importing, const char *name, const char *type,
                      const char *reason)
{
    json_array_append_new(importing->left_out,
                          json_pack("{s:o, s:o, s:o}", "name", json_text(name), "type",
                                    json_text(type), "reason", json_text(reason)));
}

static void reject(void *context, const struct imported_record *record, const char *reason)
{
    leave_out(context, record->name, record->type, reason);
}

/* Whoever signs a zone makes these from it. */
static bool is_of_signer(const char *type)
{
    static const char *const types[] = {"RRSIG",  "NSEC", "NSEC3",  "NSEC3PARAM",
                                        "DNSKEY", "CDS",  "CDNSKEY"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* The content as the table has it: zone2json writes the priority of some types apart. */
static const char *content_of(struct importing *importing, const char *type, const char *content,
                              json_int_t priority)
{
    struct buffer text = {0};
    if (strcmp(type, "MX") == 0 || strcmp(type, "SRV") == 0)
        buffer_printf(&text, "%lld ", (long long)priority);
    buffer_add_text(&text, content);
    const char *copy = text.failed ? NULL : arena_copy(&importing->texts, text.data, text.length);
    buffer_release(&text);
    return copy;
}

/* Why a record is not imported, or NULL. */
static const char *reason_against(const struct importing *importing, const struct name *name,
                                  const struct imported_record *record, struct error *error)
{
    const struct name *zone = &importing->zone;
    if (!name_key_within(name->key, name->key_length, zone->key, zone->key_length))
        return "it is not in the zone";
    if (is_of_signer(record->type))
        return "whoever signs the zone makes it anew";
    return rdata_check(record->type, record->content, importing->powerdns, error) == 0
               ? NULL
               : error->text;
}

/* Takes an object of zone2json as a record, or notes why it is left out. 0 or ERR_NOMEM. */
static int take_record(struct importing *importing, json_t *object)
{
    const char *owner = "", *type = "", *content = "";
    json_int_t ttl = 0, priority = 0;
    struct error error = {0};
    struct name name;
    if (json_unpack(object, "{s:s, s:s, s:s, s:I, s?I}", "name", &owner, "type", &type, "content",
                    &content, "ttl", &ttl, "prio", &priority) != 0 ||
        name_parse(owner, strlen(owner), &name) != 0) {
        leave_out(importing, owner, type, "its name is not valid");
        return 0;
    }
    struct imported_record record = {
        .name = arena_copy(&importing->texts, name.text, strlen(name.text)),
        .type = arena_copy(&importing->texts, type, strlen(type)),
        .content = content_of(importing, type, content, priority),
        .ttl_s = ttl};
    if (!record.name || !record.type || !record.content)
        return ERR_NOMEM;
    const char *reason = reason_against(importing, &name, &record, &error);
    if (reason)
        leave_out(importing, record.name, record.type, reason);
    else
        importing->records[importing->count++] = record;
    return 0;
}

/* PowerDNS finds no zone without its SOA record. */
static int check_soa(const struct importing *importing, struct error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < importing->count; i++)
        count += strcmp(importing->records[i].type, "SOA") == 0 &&
                 strcmp(importing->records[i].name, importing->zone.text) == 0;
    return count == 1 ? 0
                      : error_set(error, ERR_INVAL,
                                  "the file has %zu valid SOA records for %s in place of one;"
                                  " nothing imported",
                                  count, importing->zone.text);
}

static int take_records(struct importing *importing, json_t *zone)
{
    const json_t *list = json_object_get(zone, "records");
    int code = 0;
    importing->records = calloc(json_array_size(list) + 1, sizeof *importing->records);
    if (!importing->records)
        return ERR_NOMEM;
    for (size_t i = 0; code == 0 && i < json_array_size(list); i++)
        code = take_record(importing, json_array_get(list, i));
    return code;
}

/* ---------------------------------------------------------------- the file */

/* zone2json says what is wrong on its last line. */
static const char *last_line(struct buffer *errors)
{
    while (errors->length > 0 && errors->data[errors->length - 1] == '\n')
        buffer_truncate(errors, errors->length - 1);
    const char *start = strrchr(buffer_text(errors), '\n');
    return start ? start + 1 : buffer_text(errors);
}

static int run_zone2json(const char *program, const char *file, const char *zone,
                         struct buffer *output, struct error *error)
{
    struct buffer zone_option = {0}, name_option = {0}, errors = {0};
    int status = 0, code = ERR_NOMEM;
    buffer_printf(&zone_option, "--zone=%s", file);
    buffer_printf(&name_option, "--zone-name=%s", zone);
    if (!zone_option.failed && !name_option.failed) {
        const char *const arguments[] = {program, zone_option.data, name_option.data, NULL};
        code =
            run_program_apart(arguments, READ_LIMIT_MS, READ_MAX, output, &errors, &status, error);
    }
    if (code == 0 && status != 0)
        code = error_set(error, ERR_INVAL, "%s", last_line(&errors));
    buffer_release(&zone_option);
    buffer_release(&name_option);
    buffer_release(&errors);
    return code;
}

/* The zone as zone2json prints it; to be released. */
static int read_zone(const char *file, const char *zone, json_t **ret_zone, struct error *error)
{
    struct buffer output = {0};
    json_error_t problem;
    if (access(file, R_OK) != 0)
        return error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    char *program = run_program_find("zone2json");
    if (!program)
        return error_set(error, ERR_NOTFOUND,
                         "there is no zone2json, which reads zone files: install pdns-server");
    int code = run_zone2json(program, file, zone, &output, error);
    if (code == 0) {
        *ret_zone =
            json_loadb(buffer_text(&output), output.length, JSON_DISABLE_EOF_CHECK, &problem);
        if (!*ret_zone)
            code = error_set(error, ERR_INVAL, "zone2json: %s", problem.text);
    }
    buffer_release(&output);
    free(program);
    return code;
}

/* ---------------------------------------------------------------- the command */

static void print_result(const struct importing *importing, size_t count)
{
    const struct command_call *call = importing->call;
    size_t left_out = json_array_size(importing->left_out);
    if (call->json) {
        json_output(json_pack("{s:o, s:I, s:O}", "zone", json_text(importing->zone.text),
                              "imported", (json_int_t)count, "left_out", importing->left_out),
                    call->out);
        return;
    }
    buffer_printf(call->out, "zone %s: %zu record%s imported, %zu left out\n", importing->zone.text,
                  count, count == 1 ? "" : "s", left_out);
    for (size_t i = 0; i < left_out; i++) {
        const json_t *record = json_array_get(importing->left_out, i);
        buffer_printf(call->out, "  %s %s: %s\n",
                      json_string_value(json_object_get(record, "name")),
                      json_string_value(json_object_get(record, "type")),
                      json_string_value(json_object_get(record, "reason")));
    }
}

static int import(struct importing *importing, struct error *error)
{
    const struct command_call *call = importing->call;
    struct decision_inputs inputs;
    json_t *zone = NULL;
    size_t count = 0;
    int code = responder_begin(call->responder, &inputs, error);
    if (code != 0)
        return code;
    importing->powerdns = inputs.snapshot->settings.powerdns_version;
    responder_end(call->responder);
    code = read_zone(call->words[1], importing->zone.text, &zone, error);
    if (code == 0)
        code = take_records(importing, zone);
    if (code == 0)
        code = check_soa(importing, error);
    if (code == 0) {
        const struct zone_import what = {.zone = importing->zone.text,
                                         .records = importing->records,
                                         .count = importing->count,
                                         .replaces = command_value(call, "replace", 0) != NULL,
                                         .reject = reject,
                                         .context = importing};
        code = store_import_zone(call->database, &what, &count, error);
    }
    json_decref(zone);
    if (code == 0)
        print_result(importing, count);
    return code == 0 ? 0 : error_set(error, code, "%s", error_text(code));
}

static enum command_result run_import_zone(const struct command_call *call)
{
    struct importing importing = {.call = call, .left_out = json_array()};
    struct error error = {0};
    const char *zone = call->words[2];
    enum command_result result = COMMAND_OK;
    if (name_parse(zone, strlen(zone), &importing.zone) != 0)
        result = command_misused(call, "%s is not a domain name", zone);
    else if (import(&importing, &error) != 0)
        result = command_failed(call, &error);
    json_decref(importing.left_out);
    arena_release(&importing.texts);
    free(importing.records);
    return result;
}

static const struct command_option options[] = {
    {"replace", NULL, "exchange all records of a zone that is there", false},
    {NULL, NULL, NULL, false},
};

const struct command command_import_zone = {
    .name = "import-zone",
    .arguments = "FILE NAME",
    .summary = "put the records of a zone file into the database",
    .least = 3,
    .most = 3,
    .options = options,
    .has_json = true,
    .run = run_import_zone,
};

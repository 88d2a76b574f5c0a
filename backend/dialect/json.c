/*
 * A table of methods, each with a handler that reads the parameters, asks the service and writes
 * the result. Parameters of unexpected types count as missing.
 */
#include "dialect/json.h"

#include <string.h>

#include "dialect/json_write.h"
#include "json/json_read.h"

#define RESULT "{\"result\":"

/* The result of a failed lookup: PowerDNS cannot read its content as an address. */
#define FAILED_RECORD                                                                              \
    "{\"qtype\":\"A\",\"qname\":\".\",\"content\":\"lookup failed\",\"ttl\":0,\"domain_id\":-1,"   \
    "\"auth\":1,\"scopeMask\":0}"

/* The result when the zones cannot be listed: PowerDNS finds no name in it. */
#define FAILED_ZONE "{\"id\":-1}"

/* A constant, so that it can be sent without memory. */
#define NO_RESULT "{\"error\":\"not understood, or out of memory\"}\n"

/* Writes a record, or facts about the zone whose SOA record it is. */
typedef void writer(const struct answer_record *record, struct buffer *out);

struct text {
    const char *start; /* NUL-terminated */
    size_t length;
};

/* A string parameter; empty if it is missing or of another type. */
static struct text text_of(const json_t *parameters, const char *name)
{
    const json_t *value = json_object_get(parameters, name);
    if (!json_is_string(value))
        return (struct text){"", 0};
    return (struct text){json_string_value(value), json_string_length(value)};
}

static bool read_name(const json_t *parameters, const char *key, struct name *ret_name)
{
    struct text text = text_of(parameters, key);
    return name_parse(text.start, text.length, ret_name) == 0;
}

/* A zone id; if it is missing, any zone is meant. */
static bool read_zone_id(const json_t *parameters, const char *name, int32_t *ret_id)
{
    const json_t *value = json_object_get(parameters, name);
    json_int_t id = value ? json_integer_value(value) : ZONE_ID_ANY;
    if ((value && !json_is_integer(value)) || id < INT32_MIN || id > INT32_MAX)
        return false;
    *ret_id = (int32_t)id;
    return true;
}

static bool read_type(const json_t *parameters, char ret_type[static RECORD_TYPE_MAX])
{
    struct text type = text_of(parameters, "qtype");
    if (type.length == 0 || type.length >= RECORD_TYPE_MAX)
        return false;
    memcpy(ret_type, type.start, type.length + 1);
    return true;
}

/*
 * `remote` is the LDNS, `real-remote` the client subnet. What is not an address means that there is
 * no client.
 */
static void read_source(const json_t *parameters, struct source *ret_source)
{
    struct text remote = text_of(parameters, "remote");
    struct text subnet = text_of(parameters, "real-remote");
    *ret_source = (struct source){0};
    (void)address_parse(remote.start, remote.length, &ret_source->remote);
    (void)prefix_parse(subnet.start, subnet.length, &ret_source->subnet);
}

static bool read_question(const json_t *parameters, struct question *ret_question)
{
    read_source(parameters, &ret_question->source);
    return read_name(parameters, "qname", &ret_question->name) &&
           read_type(parameters, ret_question->type) &&
           read_zone_id(parameters, "zone-id", &ret_question->zone_id);
}

/* In a reply with a result, PowerDNS logs these with priority info. */
static void add_notices(struct json *json, struct buffer *out)
{
    const char *text = json->service->next_notice(json->service->context);
    if (!text)
        return;
    buffer_add_text(out, ",\"log\":[");
    json_write_text(text, out);
    while ((text = json->service->next_notice(json->service->context))) {
        buffer_add_char(out, ',');
        json_write_text(text, out);
    }
    buffer_add_char(out, ']');
}

static void add_end(struct json *json, struct buffer *out)
{
    add_notices(json, out);
    buffer_add_text(out, "}\n");
}

/*
 * Writes the answer's records as an array, one at a time: those of a whole zone would take much
 * memory.
 */
static void add_records(struct json *json, writer *write, struct buffer *out)
{
    const char *before = "";
    buffer_add_char(out, '[');
    for (size_t i = 0; i < json->answer.count; i++) {
        const struct answer_record *record = &json->answer.records[i];
        if (!answer_record_is_sound(record)) {
            json->service->notify(json->service->context, ANSWER_LACKS_RECORD);
            continue;
        }
        buffer_add_text(out, before);
        write(record, out);
        before = ",";
    }
    buffer_add_char(out, ']');
}

static void initialize(struct json *json, const json_t *parameters, struct buffer *out)
{
    (void)json, (void)parameters;
    buffer_add_text(out, RESULT "true}\n");
}

static void refuse(struct json *json, const json_t *parameters, struct buffer *out)
{
    (void)json, (void)parameters;
    buffer_add_text(out, RESULT "false}\n");
}

static void lookup(struct json *json, const json_t *parameters, struct buffer *out)
{
    struct question question;
    answer_clear(&json->answer);
    if (read_question(parameters, &question))
        json->service->answer(json->service->context, &question, &json->answer);
    else
        answer_fail(&json->answer);
    buffer_add_text(out, RESULT);
    if (json->answer.failed)
        buffer_add_text(out, "[" FAILED_RECORD "]");
    else
        add_records(json, json_write_record, out);
    add_end(json, out);
}

/* A failure cannot be told by a record here: PowerDNS would take it for a record of the zone. */
static void list(struct json *json, const json_t *parameters, struct buffer *out)
{
    struct name name;
    int32_t zone_id;
    answer_clear(&json->answer);
    if (read_name(parameters, "zonename", &name) && read_zone_id(parameters, "domain_id", &zone_id))
        json->service->list(json->service->context, zone_id, &name, &json->answer);
    if (json->answer.failed) {
        buffer_add_text(out, NO_RESULT);
        return;
    }
    buffer_add_text(out, RESULT);
    add_records(json, json_write_record, out);
    add_end(json, out);
}

static void get_all_domains(struct json *json, const json_t *parameters, struct buffer *out)
{
    (void)parameters;
    answer_clear(&json->answer);
    json->service->zones(json->service->context, &json->answer);
    buffer_add_text(out, RESULT);
    if (json->answer.failed)
        buffer_add_text(out, "[" FAILED_ZONE "]");
    else
        add_records(json, json_write_zone, out);
    add_end(json, out);
}

/* Writes facts about the zone called `name`, or false if it is not in this database. */
static void tell_of_zone(struct json *json, const json_t *parameters, writer *write,
                         struct buffer *out)
{
    struct question question = {.type = "SOA", .zone_id = ZONE_ID_ANY};
    answer_clear(&json->answer);
    if (read_name(parameters, "name", &question.name))
        json->service->answer(json->service->context, &question, &json->answer);
    if (json->answer.failed) {
        buffer_add_text(out, NO_RESULT);
        return;
    }
    buffer_add_text(out, RESULT);
    if (json->answer.count > 0)
        write(&json->answer.records[0], out);
    else
        buffer_add_text(out, "false");
    add_end(json, out);
}

static void get_domain_info(struct json *json, const json_t *parameters, struct buffer *out)
{
    tell_of_zone(json, parameters, json_write_zone, out);
}

/* Zones of this database have no metadata. */
static void write_empty_object(const struct answer_record *soa, struct buffer *out)
{
    (void)soa;
    buffer_add_text(out, "{}");
}

static void write_empty_array(const struct answer_record *soa, struct buffer *out)
{
    (void)soa;
    buffer_add_text(out, "[]");
}

static void get_all_metadata(struct json *json, const json_t *parameters, struct buffer *out)
{
    tell_of_zone(json, parameters, write_empty_object, out);
}

static void get_metadata(struct json *json, const json_t *parameters, struct buffer *out)
{
    tell_of_zone(json, parameters, write_empty_array, out);
}

static void run_command(struct json *json, const json_t *parameters, struct buffer *out)
{
    struct buffer printed = {0};
    json->service->command(json->service->context, text_of(parameters, "query").start, &printed);
    buffer_add_text(out, RESULT);
    json_write_text(printed.failed ? "out of memory\n" : buffer_text(&printed), out);
    buffer_add_text(out, "}\n");
    buffer_release(&printed);
}

typedef void handler(struct json *json, const json_t *parameters, struct buffer *out);

static const struct method {
    const char *name;
    handler *handle;
} methods[] = {
    {"initialize", initialize},
    {"lookup", lookup},
    {"APILookup", lookup}, /* since 5.0; its parameter for disabled records does not matter here */
    {"list", list},
    {"getAllDomains", get_all_domains},
    {"getDomainInfo", get_domain_info},
    {"getAllDomainMetadata", get_all_metadata},
    {"getDomainMetadata", get_metadata},
    {"directBackendCmd", run_command},
};

/* NULL for methods that write, for those of DNSSEC keys, and for unknown ones. */
static handler *find_method(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].handle;
    return refuse;
}

void json_init(struct json *json, const struct service *service)
{
    *json = (struct json){.service = service};
}

void json_release(struct json *json)
{
    answer_release(&json->answer);
    arena_release(&json->arena);
}

void json_handle(struct json *json, const struct line *line, struct buffer *out)
{
    size_t start = out->length;
    static const struct json_limits unlimited = {0};
    const json_t *request = NULL;
    if (!line->too_long)
        (void)json_read(line->text, line->length, &unlimited, &json->arena, &request, NULL);
    const json_t *method = json_object_get(request, "method");
    if (json_is_string(method))
        find_method(json_string_value(method))(json, json_object_get(request, "parameters"), out);
    else
        buffer_add_text(out, NO_RESULT);
    arena_reset(&json->arena);
    if (out->failed) { /* an incomplete reply is worse than none */
        out->failed = false;
        buffer_truncate(out, start);
        buffer_add_text(out, NO_RESULT);
    }
}

#include "share/jetstream.h"

#include <jansson.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

#define STATE(created, first, last)                                                                \
    "{\"type\":\"x\",\"created\":\"" created "\",\"state\":{\"first_seq\":" #first                 \
    ",\"last_seq\":" #last "}}"

static void the_bounds_of_a_log_are_read(void)
{
    static const struct {
        const char *text;
        int64_t created, first, last;
    } rows[] = {
        {STATE("1970-01-01T00:00:01Z", 1, 9), 1000000000, 1, 9},
        {STATE("1970-01-01T00:00:01.5Z", 5, 4), 1500000000, 5, 4},
        {STATE("2024-05-01T10:00:00.123456789Z", 1, 9), 1714557600123456789, 1, 9},
        {STATE("2024-05-01T10:00:00.000000001Z", 1, 9), 1714557600000000001, 1, 9},
        {STATE("2024-05-01T10:00:00Z", 0, 0), 1714557600000000000, 1, 0},
        {STATE("2024-05-01T10:00:00Z", 0, 7), 1714557600000000000, 8, 7},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct transport_bounds bounds = {0};
        struct error error = {0};
        CHECK_INTEGER(jetstream_parse_bounds(rows[i].text, strlen(rows[i].text), &bounds, &error),
                      0, "%s", rows[i].text);
        CHECK_INTEGER(bounds.created, rows[i].created, "%s", rows[i].text);
        CHECK_INTEGER(bounds.first, rows[i].first, "%s", rows[i].text);
        CHECK_INTEGER(bounds.last, rows[i].last, "%s", rows[i].text);
    }
}

static void other_replies_are_refused(void)
{
    static const struct {
        const char *text;
        int code;
        const char *words;
    } rows[] = {
        {"{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not found\"}}",
         ERR_NOTFOUND, "JetStream: stream not found"},
        {"{\"error\":{\"code\":500,\"err_code\":10047,\"description\":\"no storage\"}}", ERR_INVAL,
         "JetStream: no storage"},
        {"{\"error\":7}", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"{\"error\":{\"description\":7}}", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"{", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"[]", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"{}", ERR_INVAL, "JetStream: a reply that is not understood"},
        {"{\"created\":\"2024-05-01T10:00:00Z\"}", ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("2024-05-01T10:00:00+01:00", 1, 9), ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("2024-05-01T10:00:00.1234567891Z", 1, 9), ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("9999-05-01T10:00:00Z", 1, 9), ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("yesterday", 1, 9), ERR_INVAL, "JetStream: a reply that is not understood"},
        {STATE("2024-05-01T10:00:00Z", -1, 9), ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("2024-05-01T10:00:00Z", 1, -9), ERR_INVAL,
         "JetStream: a reply that is not understood"},
        {STATE("2024-05-01T10:00:00Z", 0, 9223372036854775807), ERR_INVAL,
         "JetStream: a reply that is not understood"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct transport_bounds bounds = {.last = 77};
        struct error error = {0};
        CHECK_INTEGER(jetstream_parse_bounds(rows[i].text, strlen(rows[i].text), &bounds, &error),
                      rows[i].code, "%s", rows[i].text);
        CHECK_TEXT(error.text, rows[i].words, "%s", rows[i].text);
        CHECK_INTEGER(bounds.last, 77, "untouched by %s", rows[i].text);
    }
}

static void an_acknowledgement_is_whatever_is_no_error(void)
{
    const char *good = "{\"stream\":\"STICKY\",\"seq\":7}";
    const char *bad = "{\"error\":{\"description\":\"no storage\"}}";
    struct error error = {0};
    CHECK_INTEGER(jetstream_parse_done(good, strlen(good), &error), 0, "done");
    CHECK_INTEGER(jetstream_parse_done(bad, strlen(bad), &error), ERR_INVAL, "refused");
    CHECK_TEXT(error.text, "JetStream: no storage", "why");
}

static void requests_are_json(void)
{
    struct buffer text = {0};
    jetstream_read_text(&text, "_INBOX.x", 42);
    json_t *make = json_loads(jetstream_make_text(), 0, NULL);
    json_t *read = json_loads(buffer_text(&text), 0, NULL);
    const json_t *configuration = json_object_get(read, "config");
    CHECK_TEXT(json_string_value(json_object_get(make, "name")), "STICKY", "the log");
    CHECK_INTEGER(json_integer_value(json_object_get(make, "max_bytes")), 256 << 20, "its size");
    CHECK_TEXT(json_string_value(json_object_get(configuration, "deliver_subject")), "_INBOX.x",
               "where to");
    CHECK_INTEGER(json_integer_value(json_object_get(configuration, "opt_start_seq")), 42,
                  "from where");
    json_decref(make);
    json_decref(read);
    buffer_release(&text);
}

static const CU_TestInfo tests[] = {
    {"the bounds of a log are read", the_bounds_of_a_log_are_read},
    {"other replies are refused", other_replies_are_refused},
    {"an acknowledgement is whatever is no error", an_acknowledgement_is_whatever_is_no_error},
    {"requests are JSON", requests_are_json},
    CU_TEST_INFO_NULL,
};

const struct suite suite_jetstream = {"jetstream", tests};

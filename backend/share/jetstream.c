#include "share/jetstream.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* err_code of a reply: there is no such stream. */
#define STREAM_NOT_FOUND 10059

#define NS_PER_S INT64_C(1000000000)

const char *jetstream_make_text(void)
{
    /* max_age in nanoseconds: an hour. */
    return "{\"name\":\"STICKY\",\"subjects\":[\"" LOG_SUBJECT "\"],"
           "\"retention\":\"limits\",\"storage\":\"file\",\"discard\":\"old\",\"num_replicas\":1,"
           "\"max_age\":3600000000000,\"max_bytes\":268435456,\"max_msgs\":-1,"
           "\"max_consumers\":-1,\"max_msg_size\":-1}";
}

void jetstream_read_text(struct buffer *out, const char *subject, int64_t from)
{
    /* Times are in nanoseconds. What nobody listens to any more is removed after five seconds. */
    buffer_printf(out,
                  "{\"stream_name\":\"STICKY\",\"config\":{\"deliver_subject\":\"%s\","
                  "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":%" PRId64 ","
                  "\"ack_policy\":\"none\",\"replay_policy\":\"instant\",\"max_deliver\":1,"
                  "\"flow_control\":true,\"idle_heartbeat\":1000000000,"
                  "\"inactive_threshold\":5000000000,\"num_replicas\":1,\"mem_storage\":true}}",
                  subject, from);
}

/* Like 2024-05-01T10:00:00.123456789Z, with up to nine digits after the point, or without any. */
static bool parse_time(const char *text, int64_t *ret_ns)
{
    struct tm tm = {0};
    const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!at)
        return false;
    int64_t fraction = 0, unit = NS_PER_S;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
            fraction = fraction * 10 + (*at - '0');
            unit /= 10;
        }
    if (strcmp(at, "Z") != 0 || tm.tm_year < 70 || tm.tm_year > 200)
        return false;
    *ret_ns = (int64_t)timegm(&tm) * NS_PER_S + fraction * unit;
    return true;
}

/* The reply, without a fault in it; or NULL with `error` set, to ERR_NOTFOUND if that is it. */
static json_t *parse(const char *text, size_t length, struct error *error)
{
    json_t *reply = json_loadb(text, length, 0, NULL);
    const json_t *fault = json_object_get(reply, "error");
    if (json_is_object(reply) && !fault)
        return reply;
    const char *description = json_string_value(json_object_get(fault, "description"));
    json_int_t number = json_integer_value(json_object_get(fault, "err_code"));
    error_set(error, number == STREAM_NOT_FOUND ? ERR_NOTFOUND : ERR_INVAL, "JetStream: %s",
              description ? description : "a reply that is not understood");
    json_decref(reply);
    return NULL;
}

int jetstream_parse_bounds(const char *text, size_t length, struct transport_bounds *ret_bounds,
                           struct error *error)
{
    struct error fault = {0};
    json_t *reply = parse(text, length, &fault);
    if (!reply)
        return error_set(error, fault.code, "%s", fault.text);
    const char *created = json_string_value(json_object_get(reply, "created"));
    const json_t *state = json_object_get(reply, "state");
    struct transport_bounds bounds = {
        .first = json_integer_value(json_object_get(state, "first_seq")),
        .last = json_integer_value(json_object_get(state, "last_seq")),
        .readers = json_integer_value(json_object_get(state, "consumer_count")),
    };
    if (bounds.first == 0 && bounds.last < INT64_MAX)
        bounds.first = bounds.last + 1;
    bool is_valid = created && state && parse_time(created, &bounds.created) && bounds.first > 0 &&
                    bounds.first <= SEQUENCE_MAX && bounds.last >= 0 && bounds.last < SEQUENCE_MAX;
    json_decref(reply);
    if (!is_valid)
        return error_set(error, ERR_INVAL, "JetStream: a reply that is not understood");
    *ret_bounds = bounds;
    return 0;
}

int jetstream_parse_done(const char *text, size_t length, struct error *error)
{
    struct error fault = {0};
    json_t *reply = parse(text, length, &fault);
    json_decref(reply);
    return reply ? 0 : error_set(error, ERR_INVAL, "%s", fault.text);
}

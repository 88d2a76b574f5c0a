/*
 * The heads of messages. What is an unsigned 64-bit number in C is a text of hexadecimal digits on
 * the wire, since JSON's numbers are signed in jansson.
 */
#include "share/wire.h"

#include <jansson.h>
#include <string.h>

#include "core/sharing/row_problem.h"
#include "json/json_read.h"
#include "share/wire_members.h"
#include "share/wire_rows.h"

/* Of numbers that only grow. */
#define COUNT_MAX (INT64_C(1) << 62)

/* A time as the greatest `decided` has it. */
#define CLOCK_MAX_MS (SHARED_DECIDED_MAX / ENTRY_TICKS)

/*
 * What reading may allocate: several times what the largest valid message needs. A megabyte of
 * empty objects would take ten times as much.
 */
#define READ_MEMORY_MAX (8 << 20)

#define HEX_DIGITS 16

/* The longest vote: both names, each octet escaped, and the rest; with the ends of both lists. */
#define VOTE_BYTES_MAX (4 * ROW_NAME_MAX + 128)

/* ---------------------------------------------------------------- writing */

void wire_begin(struct buffer *out, const char *kind)
{
    buffer_printf(out, "{\"v\":%d,\"kind\":\"%s\"", WIRE_VERSION, kind);
}

void wire_add_number(struct buffer *out, const char *member, int64_t number)
{
    buffer_printf(out, ",\"%s\":%lld", member, (long long)number);
}

static void add_flag(struct buffer *out, const char *member, bool flag)
{
    buffer_printf(out, ",\"%s\":%s", member, flag ? "true" : "false");
}

void wire_add_digest(struct buffer *out, const char *member, uint64_t digest)
{
    buffer_printf(out, ",\"%s\":\"%016llx\"", member, (unsigned long long)digest);
}

static void add_place(struct buffer *out, const char *member, const struct shared_place *place)
{
    buffer_printf(out, ",\"%s\":[", member);
    wire_write_text(out, place->pool);
    buffer_add_char(out, ',');
    wire_write_text(out, place->key);
    buffer_add_char(out, ']');
}

void wire_write_batch(struct buffer *out, const struct wire_batch *batch,
                      const struct shared_row *rows, size_t count)
{
    wire_begin(out, "batch");
    wire_add_number(out, "node", batch->node);
    wire_add_number(out, "incarnation", batch->incarnation);
    wire_add_number(out, "number", batch->number);
    wire_add_number(out, "acknowledged", batch->acknowledged);
    wire_rows_write(out, rows, count);
    buffer_add_char(out, '}');
}

/* A name that no server can have is not told, and not taken. */
static bool is_vote(const struct vote *vote)
{
    return shared_is_controller(vote->controller) && (!vote->pool[0] || shared_is_pool(vote->pool));
}

static void add_vote(struct buffer *out, const struct vote *vote)
{
    buffer_add_char(out, '[');
    wire_write_text(out, vote->pool);
    buffer_add_char(out, ',');
    wire_write_text(out, vote->controller);
    buffer_printf(out, ",%lld,%s", (long long)vote->position,
                  vote->state == VERDICT_UP ? "true" : "false");
    if (vote->family != FAMILY_NONE)
        buffer_printf(out, ",\"%s\"", target_family_word(vote->family));
    buffer_add_char(out, ']');
}

/* Those on addresses, or the others. */
static void add_votes(struct buffer *out, const struct ballot *ballot, enum verdict_state state,
                      bool on_addresses, const char **separator)
{
    for (size_t i = 0; i < ballot->count && out->length < WIRE_BYTES_MAX - VOTE_BYTES_MAX; i++) {
        const struct vote *vote = &ballot->votes[i];
        if (vote->state != state || (vote->family != FAMILY_NONE) != on_addresses || !is_vote(vote))
            continue;
        buffer_add_text(out, *separator);
        add_vote(out, vote);
        *separator = ",";
    }
}

/* What is down is told first, as there may be no room for all. */
static void add_list(struct buffer *out, const struct ballot *ballot, bool on_addresses,
                     const char *member)
{
    const char *separator = "";
    buffer_printf(out, ",\"%s\":[", member);
    add_votes(out, ballot, VERDICT_DOWN, on_addresses, &separator);
    add_votes(out, ballot, VERDICT_UP, on_addresses, &separator);
    buffer_add_char(out, ']');
}

/* Votes on addresses have a member of their own, which older versions ignore. */
static void add_ballot(struct buffer *out, const struct ballot *ballot)
{
    bool has_addresses = false;
    for (size_t i = 0; i < ballot->count; i++)
        has_addresses |= ballot->votes[i].family != FAMILY_NONE;
    add_flag(out, "brake", ballot->brake);
    add_list(out, ballot, false, "votes");
    if (has_addresses)
        add_list(out, ballot, true, "address_votes");
}

void wire_write_beat(struct buffer *out, const struct wire_beat *beat, const struct ballot *ballot)
{
    wire_begin(out, "beat");
    wire_add_number(out, "node", beat->node);
    wire_add_number(out, "incarnation", beat->incarnation);
    wire_add_number(out, "clock", beat->clock_ms);
    wire_add_number(out, "batch", beat->batch);
    wire_add_number(out, "waiting", beat->rows);
    wire_add_digest(out, "configuration", beat->configuration);
    if (beat->path > 0 && beat->path <= COUNT_MAX)
        wire_add_number(out, "path", beat->path);
    if (beat->process > 0)
        wire_add_number(out, "process", beat->process);
    if (ballot)
        add_ballot(out, ballot);
    buffer_add_char(out, '}');
}

void wire_write_question(struct buffer *out, const struct wire_question *question)
{
    if (question->paths) {
        wire_begin(out, "path-question");
        wire_add_number(out, "after", question->path);
    } else {
        wire_begin(out, "question");
        add_place(out, "after", &question->after);
        add_flag(out, "rows", question->rows);
    }
    buffer_add_char(out, '}');
}

void wire_write_answer(struct buffer *out, const struct wire_answer *answer,
                       const struct shared_row *rows, size_t count)
{
    static const struct shared_place nowhere = {0};
    wire_begin(out, "answer");
    add_place(out, "to", answer->last ? &nowhere : &answer->to);
    add_flag(out, "last", answer->last);
    wire_add_digest(out, "digest", answer->digest);
    wire_add_number(out, "count", answer->count);
    wire_rows_write(out, rows, count);
    buffer_add_char(out, '}');
}

void wire_write_paths(struct buffer *out, const struct wire_paths *paths)
{
    wire_begin(out, "paths");
    wire_add_number(out, "to", paths->to);
    add_flag(out, "last", paths->last);
    wire_paths_write(out, paths->paths, paths->count);
    buffer_add_char(out, '}');
}

/* ---------------------------------------------------------------- reading */

/* Each reads one member. 0, or ERR_INVAL with `error` set. */
int wire_read_member(const json_t *message, const char *member, int64_t least, int64_t most,
                     int64_t *ret_number, struct error *error)
{
    if (wire_read_number(json_object_get(message, member), least, most, ret_number))
        return 0;
    return error_set(error, ERR_INVAL, "'%s' is not an integer of %lld to %lld", member,
                     (long long)least, (long long)most);
}

static int read_flag(const json_t *message, const char *member, bool *ret_flag, struct error *error)
{
    const json_t *value = json_object_get(message, member);
    if (!json_is_boolean(value))
        return error_set(error, ERR_INVAL, "'%s' is not true or false", member);
    *ret_flag = json_is_true(value);
    return 0;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_digest(const json_t *value, uint64_t *ret_digest)
{
    char text[HEX_DIGITS + 1];
    uint64_t digest = 0;
    if (!wire_read_text(value, sizeof text, text) || strlen(text) != HEX_DIGITS)
        return false;
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        if (digit(text[i]) < 0)
            return false;
        digest = digest << 4 | (uint64_t)digit(text[i]);
    }
    *ret_digest = digest;
    return true;
}

int wire_read_digest(const json_t *message, const char *member, uint64_t *ret_digest,
                     struct error *error)
{
    if (parse_digest(json_object_get(message, member), ret_digest))
        return 0;
    return error_set(error, ERR_INVAL, "'%s' is not a text of %d digits 0 to f", member,
                     HEX_DIGITS);
}

static int read_place(const json_t *message, const char *member, struct shared_place *ret_place,
                      struct error *error)
{
    const json_t *value = json_object_get(message, member);
    if (json_array_size(value) != 2 ||
        !wire_read_text(json_array_get(value, 0), sizeof ret_place->pool, ret_place->pool) ||
        !wire_read_text(json_array_get(value, 1), sizeof ret_place->key, ret_place->key))
        return error_set(error, ERR_INVAL, "'%s' is not the names of a pool and a key", member);
    const char *problem = shared_place_problem(ret_place);
    return problem ? error_set(error, ERR_INVAL, "'%s': %s", member, problem) : 0;
}

static bool is_of_kind(const json_t *message, const char *kind)
{
    const char *found = json_string_value(json_object_get(message, "kind"));
    return found && strcmp(found, kind) == 0;
}

/* Any kind of message. It is valid until the arena is reset. */
static int open_any(const char *text, size_t length, struct arena *arena,
                    const json_t **ret_message, struct error *error)
{
    static const struct json_limits limits = {JSON_REJECT_DUPLICATES, READ_MEMORY_MAX};
    const json_t *message;
    int64_t version;
    if (length > WIRE_BYTES_MAX)
        return error_set(error, ERR_INVAL, "longer than %d octets", WIRE_BYTES_MAX);
    int code = json_read(text, length, &limits, arena, &message, error);
    if (code != 0)
        return code;
    code = wire_read_member(message, "v", WIRE_VERSION, WIRE_VERSION, &version, error);
    if (code == 0)
        *ret_message = message;
    return code;
}

int wire_open(const char *text, size_t length, const char *kind, struct arena *arena,
              const json_t **ret_message, struct error *error)
{
    int code = open_any(text, length, arena, ret_message, error);
    if (code == 0 && !is_of_kind(*ret_message, kind))
        code = error_set(error, ERR_INVAL, "'kind' is not '%s'", kind);
    return code;
}

static int read_batch(const json_t *message, struct wire_batch *batch, struct error *error)
{
    int code = wire_read_member(message, "node", 1, NODE_MAX, &batch->node, error);
    if (code == 0)
        code = wire_read_member(message, "incarnation", INT64_MIN, INT64_MAX, &batch->incarnation,
                                error);
    if (code == 0)
        code = wire_read_member(message, "number", 1, COUNT_MAX, &batch->number, error);
    if (code == 0)
        code = wire_read_member(message, "acknowledged", 0, batch->number - 1, &batch->acknowledged,
                                error);
    return code;
}

int wire_read_batch(const char *text, size_t length, struct wire_batch *ret_batch,
                    struct wire_rows *rows, struct error *error)
{
    const json_t *message = NULL;
    struct wire_batch batch;
    rows->count = 0;
    int code = wire_open(text, length, "batch", &rows->memory, &message, error);
    if (code == 0)
        code = read_batch(message, &batch, error);
    if (code == 0)
        code = wire_rows_read(message, rows, error);
    arena_reset(&rows->memory);
    if (code == 0)
        *ret_batch = batch;
    return code;
}

static int read_beat(const json_t *message, struct wire_beat *beat, struct error *error)
{
    int code = wire_read_member(message, "node", 1, NODE_MAX, &beat->node, error);
    if (code == 0)
        code = wire_read_member(message, "incarnation", INT64_MIN, INT64_MAX, &beat->incarnation,
                                error);
    if (code == 0)
        code = wire_read_member(message, "clock", 0, CLOCK_MAX_MS, &beat->clock_ms, error);
    if (code == 0)
        code = wire_read_member(message, "batch", 0, COUNT_MAX, &beat->batch, error);
    if (code == 0)
        code = wire_read_member(message, "waiting", 0, COUNT_MAX, &beat->rows, error);
    if (code == 0)
        code = wire_read_digest(message, "configuration", &beat->configuration, error);
    beat->path = beat->process = 0; /* an older version does not tell them */
    if (code == 0 && json_object_get(message, "path"))
        code = wire_read_member(message, "path", 1, COUNT_MAX, &beat->path, error);
    if (code == 0 && json_object_get(message, "process"))
        code = wire_read_member(message, "process", 1, INT64_MAX, &beat->process, error);
    return code;
}

/* The family of a vote on an address. */
static bool read_family(const json_t *value, enum address_family *ret_family)
{
    return json_is_string(value) && target_family_parse(json_string_value(value), ret_family) &&
           *ret_family != FAMILY_NONE;
}

static bool read_vote(const json_t *value, bool on_address, struct vote *vote)
{
    const json_t *up = json_array_get(value, 3);
    vote->family = FAMILY_NONE;
    if (json_array_size(value) != (on_address ? 5 : 4) || !json_is_boolean(up) ||
        (on_address && !read_family(json_array_get(value, 4), &vote->family)) ||
        !wire_read_text(json_array_get(value, 0), sizeof vote->pool, vote->pool) ||
        !wire_read_text(json_array_get(value, 1), sizeof vote->controller, vote->controller) ||
        !wire_read_number(json_array_get(value, 2), 0, COUNT_MAX, &vote->position))
        return false;
    vote->state = json_is_true(up) ? VERDICT_UP : VERDICT_DOWN;
    return is_vote(vote);
}

static int read_votes(const json_t *votes, bool on_addresses, struct ballot *ballot,
                      struct error *error)
{
    size_t count = json_array_size(votes);
    if (!json_is_array(votes) || count > BALLOT_VOTES_MAX - ballot->count)
        return error_set(error, ERR_INVAL, "'votes' is not an array of at most %d",
                         BALLOT_VOTES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct vote *vote = ballot_add(ballot);
        if (!vote)
            return error_set(error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
        if (!read_vote(json_array_get(votes, i), on_addresses, vote))
            return error_set(error, ERR_INVAL, "vote %zu is not a target and its state", i);
    }
    return 0;
}

/* An older version tells neither. */
static int read_ballot(const json_t *message, struct ballot *ballot, struct error *error)
{
    if (!json_object_get(message, "votes") && !json_object_get(message, "brake"))
        return 0;
    int code = read_flag(message, "brake", &ballot->brake, error);
    const json_t *on_addresses = json_object_get(message, "address_votes");
    if (code == 0)
        code = read_votes(json_object_get(message, "votes"), false, ballot, error);
    if (code == 0 && on_addresses)
        code = read_votes(on_addresses, true, ballot, error);
    ballot_sort(ballot);
    return code;
}

int wire_read_beat(const char *text, size_t length, struct wire_beat *ret_beat,
                   struct ballot *ballot, struct error *error)
{
    const json_t *message = NULL;
    struct arena arena = {0};
    struct wire_beat beat;
    int code = wire_open(text, length, "beat", &arena, &message, error);
    if (code == 0)
        code = read_beat(message, &beat, error);
    ballot->count = 0;
    ballot->brake = false;
    if (code == 0)
        code = read_ballot(message, ballot, error);
    if (code != 0)
        ballot->count = 0;
    arena_release(&arena);
    if (code == 0)
        *ret_beat = beat;
    return code;
}

static int read_question(const json_t *message, struct wire_question *question, struct error *error)
{
    question->paths = is_of_kind(message, "path-question");
    if (question->paths)
        return wire_read_member(message, "after", 0, COUNT_MAX, &question->path, error);
    if (!is_of_kind(message, "question"))
        return error_set(error, ERR_INVAL, "'kind' is not 'question'");
    int code = read_place(message, "after", &question->after, error);
    return code == 0 ? read_flag(message, "rows", &question->rows, error) : code;
}

int wire_read_question(const char *text, size_t length, struct wire_question *ret_question,
                       struct error *error)
{
    const json_t *message = NULL;
    struct arena arena = {0};
    struct wire_question question = {0};
    int code = open_any(text, length, &arena, &message, error);
    if (code == 0)
        code = read_question(message, &question, error);
    arena_release(&arena);
    if (code == 0)
        *ret_question = question;
    return code;
}

static int read_answer(const json_t *message, struct wire_answer *answer, struct error *error)
{
    int code = read_place(message, "to", &answer->to, error);
    if (code == 0)
        code = read_flag(message, "last", &answer->last, error);
    if (code == 0 && !answer->last && !answer->to.pool[0])
        code = error_set(error, ERR_INVAL, "'to' is empty, but there is more");
    if (code == 0)
        code = wire_read_digest(message, "digest", &answer->digest, error);
    if (code == 0)
        code = wire_read_member(message, "count", 0, COUNT_MAX, &answer->count, error);
    return code;
}

int wire_read_answer(const char *text, size_t length, struct wire_answer *ret_answer,
                     struct wire_rows *rows, struct error *error)
{
    const json_t *message = NULL;
    struct wire_answer answer;
    rows->count = 0;
    int code = wire_open(text, length, "answer", &rows->memory, &message, error);
    if (code == 0)
        code = read_answer(message, &answer, error);
    if (code == 0)
        code = wire_rows_read(message, rows, error);
    arena_reset(&rows->memory);
    if (code == 0)
        *ret_answer = answer;
    return code;
}

int wire_read_paths(const char *text, size_t length, struct wire_paths *paths, struct error *error)
{
    const json_t *message = NULL;
    struct arena arena = {0};
    paths->count = 0;
    int code = wire_open(text, length, "paths", &arena, &message, error);
    if (code == 0)
        code = wire_read_member(message, "to", 0, COUNT_MAX, &paths->to, error);
    if (code == 0)
        code = read_flag(message, "last", &paths->last, error);
    if (code == 0)
        code = wire_paths_read(message, paths, error);
    arena_release(&arena);
    return code;
}

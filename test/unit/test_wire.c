#include "share/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

/* ---------------------------------------------------------------- random messages */

static int64_t random_within(uint64_t *state, int64_t most)
{
    switch (random_below(state, 4)) {
    case 0:
        return 0;
    case 1:
        return most;
    default:
        return (int64_t)(random_next(state) % ((uint64_t)most + 1));
    }
}

/* 1 to `most` characters of 1 to 4 octets, and those that JSON escapes. */
static void random_name(uint64_t *state, size_t most, char *text)
{
    static const char *const characters[] = {
        "a",
        "b",
        "Z",
        "7",
        "-",
        ".",
        ":",
        "/",
        "\"",
        "\\",
        "'",
        "{",
        "\xc3\xbc",
        "\xe2\x82\xac",
        "\xf0\x9f\x8c\x8d",
    };
    size_t count = 1 + random_below(state, most);
    *text = '\0';
    while (count-- > 0)
        strcat(text, characters[random_below(state, COUNT(characters))]);
}

static void random_row(uint64_t *state, struct shared_row *row)
{
    static const char *const methods[] = {"modulus", "rtt", "round-robin",
                                          "abcdefghijklmnopqrstuvwxyz-abcde"};
    memset(row, 0, sizeof *row);
    random_name(state, 1 + random_below(state, 64), row->pool);
    random_name(state, 17, row->key);
    row->entry.decided = random_within(state, INT64_C(1) << 62);
    row->entry.origin = random_within(state, NODE_MAX);
    row->entry.gone = random_below(state, 4) == 0;
    row->entry.timestamp_s = random_within(state, INT64_C(253402300799));
    row->entry.ttl_s = random_within(state, INT32_MAX);
    if (row->entry.gone)
        return;
    random_name(state, 1 + random_below(state, 64), row->entry.controller);
    strcpy(row->entry.method, methods[random_below(state, COUNT(methods))]);
    if (random_below(state, 4) == 0)
        random_name(state, 1 + random_below(state, 64), row->entry.home);
}

/* Some have the names of the one before them, as most in life have. */
static void random_rows(uint64_t *state, struct shared_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        random_row(state, &rows[i]);
        if (i > 0 && random_below(state, 2) == 0)
            strcpy(rows[i].pool, rows[i - 1].pool);
        if (i > 0 && random_below(state, 2) == 0 && rows[i].entry.gone == rows[i - 1].entry.gone)
            strcpy(rows[i].entry.controller, rows[i - 1].entry.controller);
    }
}

static void check_row(const struct shared_row *read, const struct shared_row *written, size_t i)
{
    const struct entry *a = &read->entry, *b = &written->entry;
    CHECK_TEXT(read->pool, written->pool, "row %zu", i);
    CHECK_TEXT(read->key, written->key, "row %zu", i);
    CHECK_INTEGER(a->decided, b->decided, "row %zu", i);
    CHECK_INTEGER(a->origin, b->origin, "row %zu", i);
    CHECK_INTEGER(a->gone, b->gone, "row %zu", i);
    CHECK_INTEGER(a->timestamp_s, b->timestamp_s, "row %zu", i);
    CHECK_INTEGER(a->ttl_s, b->ttl_s, "row %zu", i);
    CHECK_TEXT(a->controller, b->controller, "row %zu", i);
    CHECK_TEXT(a->method, b->method, "row %zu", i);
    CHECK_TEXT(a->home, b->home, "row %zu", i);
}

static void check_rows(const struct wire_rows *read, const struct shared_row *rows, size_t count)
{
    if (!CHECK_INTEGER((int64_t)read->count, (int64_t)count, "rows"))
        return;
    for (size_t i = 0; i < count; i++)
        check_row(&read->rows[i], &rows[i], i);
}

/* ---------------------------------------------------------------- round trips */

#define ROUNDS 200

static struct shared_row some[WIRE_ROWS_MAX];

static int read_batch(const struct buffer *text, struct wire_batch *batch, struct wire_rows *rows,
                      struct error *error)
{
    return wire_read_batch(buffer_text(text), text->length, batch, rows, error);
}

static void check_batch(const struct wire_batch *batch, size_t count)
{
    struct buffer text = {0};
    struct wire_batch read = {0};
    struct wire_rows rows = {0};
    struct error error = {0};
    wire_write_batch(&text, batch, some, count);
    CHECK(!text.failed && text.length <= WIRE_BYTES_MAX, "%zu octets", text.length);
    if (CHECK_INTEGER(read_batch(&text, &read, &rows, &error), 0, "%s", error.text)) {
        CHECK_INTEGER(read.node, batch->node, "node");
        CHECK_INTEGER(read.incarnation, batch->incarnation, "incarnation");
        CHECK_INTEGER(read.number, batch->number, "number");
        CHECK_INTEGER(read.acknowledged, batch->acknowledged, "acknowledged");
        check_rows(&rows, some, count);
    }
    wire_rows_release(&rows);
    buffer_release(&text);
}

static void a_batch_is_read_as_it_was_written(void)
{
    uint64_t state = 1;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t count = random_below(&state, 30);
        struct wire_batch batch = {1 + random_within(&state, NODE_MAX - 1),
                                   (int64_t)random_next(&state), 1, 0};
        batch.number += random_within(&state, (INT64_C(1) << 62) - 1);
        batch.acknowledged = random_within(&state, batch.number - 1);
        random_rows(&state, some, count);
        check_batch(&batch, count);
    }
}

static void a_batch_without_rows_is_a_batch(void)
{
    const struct wire_batch batch = {1, INT64_MIN, 1, 0};
    check_batch(&batch, 0);
}

/* The longest texts of each kind, all names different. */
static void the_longest_rows_fit(void)
{
    const struct wire_batch batch = {NODE_MAX, INT64_MIN, INT64_C(1) << 62, (INT64_C(1) << 62) - 1};
    for (size_t i = 0; i < WIRE_BATCH_MAX; i++) {
        struct shared_row *row = &some[i];
        row->entry = (struct entry){.decided = INT64_C(1) << 62,
                                    .origin = NODE_MAX,
                                    .timestamp_s = INT64_C(253402300799),
                                    .ttl_s = INT32_MAX};
        snprintf(row->pool, sizeof row->pool, "%04zu", i);
        for (size_t c = 4; c < 64; c++)
            strcat(row->pool, "\xf0\x9f\x8c\x8d");
        strcpy(row->entry.controller, row->pool);
        strcpy(row->entry.home, row->pool);
        memset(row->key, '"', sizeof row->key - 1);
        row->key[sizeof row->key - 1] = '\0';
        snprintf(row->entry.method, sizeof row->entry.method, "%c%c%c", (char)('a' + i % 10),
                 (char)('a' + i / 10 % 10), (char)('a' + i / 100));
        strcat(row->entry.method, "abcdefghijklmnopqrstuvwxyz---");
    }
    check_batch(&batch, WIRE_BATCH_MAX);
}

static void rows_that_no_peer_would_take_are_left_out(void)
{
    struct buffer text = {0};
    struct wire_batch batch = {1, 1, 1, 0};
    struct wire_rows rows = {0};
    struct error error = {0};
    uint64_t state = 2;
    random_rows(&state, some, 4);
    strcpy(some[0].pool, "no\xff"
                         "text");
    some[2].entry.ttl_s = -1;
    wire_write_batch(&text, &batch, some, 4);
    CHECK_INTEGER(read_batch(&text, &batch, &rows, &error), 0, "%s", error.text);
    if (CHECK_INTEGER((int64_t)rows.count, 2, "what is left")) {
        check_row(&rows.rows[0], &some[1], 1);
        check_row(&rows.rows[1], &some[3], 3);
    }
    wire_rows_release(&rows);
    buffer_release(&text);
}

static void random_vote(uint64_t *state, struct vote *vote)
{
    *vote = (struct vote){.state = random_below(state, 2) ? VERDICT_UP : VERDICT_DOWN};
    random_name(state, 64, vote->controller);
    if (random_below(state, 4) == 0)
        return;
    random_name(state, 64, vote->pool);
    vote->position = random_within(state, 100);
    vote->family = (enum address_family)random_below(state, 3);
}

static void a_beat_is_read_as_it_was_written(void)
{
    uint64_t state = 3;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct buffer text = {0};
        struct error error = {0};
        const struct wire_beat beat = {
            1 + random_within(&state, NODE_MAX - 1), (int64_t)random_next(&state),
            random_within(&state, INT64_C(1) << 50), random_within(&state, INT64_C(1) << 62),
            random_within(&state, INT64_C(1) << 62), random_next(&state),
            random_within(&state, INT64_C(1) << 62), random_within(&state, INT64_MAX - 1)};
        struct wire_beat read = {0};
        struct ballot votes = {.brake = random_below(&state, 2)}, again = {0};
        for (uint64_t count = random_below(&state, 9); count > 0; count--)
            random_vote(&state, ballot_add(&votes));
        ballot_sort(&votes);
        wire_write_beat(&text, &beat, &votes);
        CHECK_INTEGER(wire_read_beat(buffer_text(&text), text.length, &read, &again, &error), 0,
                      "%s", error.text);
        CHECK(memcmp(&read, &beat, sizeof beat) == 0, "%s", buffer_text(&text));
        CHECK(ballot_equal(&votes, &again), "%s", buffer_text(&text));
        free(votes.votes);
        free(again.votes);
        buffer_release(&text);
    }
}

static void a_question_is_read_as_it_was_written(void)
{
    uint64_t state = 4;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct buffer text = {0};
        struct error error = {0};
        struct wire_question question = {.rows = random_below(&state, 2)}, read = {0};
        question.paths = random_below(&state, 4) == 0;
        question.path = question.paths ? random_within(&state, INT64_C(1) << 62) : 0;
        question.rows &= !question.paths;
        if (!question.paths && random_below(&state, 4) > 0)
            random_name(&state, 64, question.after.pool);
        if (question.after.pool[0] && random_below(&state, 4) > 0)
            random_name(&state, 17, question.after.key);
        wire_write_question(&text, &question);
        CHECK_INTEGER(wire_read_question(buffer_text(&text), text.length, &read, &error), 0, "%s",
                      error.text);
        CHECK_TEXT(read.after.pool, question.after.pool, "pool");
        CHECK_TEXT(read.after.key, question.after.key, "key");
        CHECK_INTEGER(read.rows, question.rows, "rows");
        CHECK_INTEGER(read.paths, question.paths, "paths");
        CHECK_INTEGER(read.path, question.path, "path");
        buffer_release(&text);
    }
}

static void random_path(uint64_t *state, struct shared_path *path)
{
    *path = (struct shared_path){.measured_at_s = random_within(state, INT64_C(253402300799))};
    snprintf(path->network, sizeof path->network, "%d.0.0.0/8", (int)random_below(state, 256));
    random_name(state, 64, path->controller);
    path->rtt_ms = (double)random_next(state) / (double)UINT64_MAX *
                   (random_below(state, 2) ? SHARED_RTT_MAX_MS : 1e-9);
}

static struct wire_paths written_paths, read_paths;

static void round_trip_times_are_read_as_they_were_written(void)
{
    uint64_t state = 6;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct buffer text = {0};
        struct error error = {0};
        written_paths.to = random_within(&state, INT64_C(1) << 62);
        written_paths.last = random_below(&state, 2);
        written_paths.count = random_below(&state, 30);
        for (size_t i = 0; i < written_paths.count; i++)
            random_path(&state, &written_paths.paths[i]);
        wire_write_paths(&text, &written_paths);
        CHECK_INTEGER(wire_read_paths(buffer_text(&text), text.length, &read_paths, &error), 0,
                      "%s", error.text);
        CHECK(read_paths.to == written_paths.to && read_paths.last == written_paths.last, "head");
        CHECK_INTEGER((int64_t)read_paths.count, (int64_t)written_paths.count, "count");
        for (size_t i = 0; i < read_paths.count; i++) {
            const struct shared_path *a = &read_paths.paths[i], *b = &written_paths.paths[i];
            CHECK_TEXT(a->network, b->network, "network");
            CHECK_TEXT(a->controller, b->controller, "controller");
            CHECK(a->rtt_ms == b->rtt_ms && a->measured_at_s == b->measured_at_s, "numbers");
        }
        buffer_release(&text);
    }
}

static void the_longest_round_trip_times_fit(void)
{
    struct buffer text = {0};
    struct error error = {0};
    written_paths = (struct wire_paths){.to = INT64_C(1) << 62, .count = WIRE_PATHS_MAX};
    for (size_t i = 0; i < WIRE_PATHS_MAX; i++) {
        struct shared_path *path = &written_paths.paths[i];
        strcpy(path->network, "2001:db8:1111:2222:3333:4444:5555:6666/128");
        snprintf(path->controller, sizeof path->controller, "%04zu", i);
        for (size_t c = 4; c < 64; c++)
            strcat(path->controller, "\xf0\x9f\x8c\x8d");
        path->rtt_ms = 1.0 / 3 * 1e-7;
        path->measured_at_s = INT64_C(253402300799);
    }
    wire_write_paths(&text, &written_paths);
    CHECK(!text.failed && text.length <= WIRE_BYTES_MAX, "%zu octets", text.length);
    CHECK_INTEGER(wire_read_paths(buffer_text(&text), text.length, &read_paths, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER((int64_t)read_paths.count, WIRE_PATHS_MAX, "all of them");
    written_paths.paths[1].rtt_ms = -1;
    strcpy(written_paths.paths[2].network, "192.0.2.1/24");
    buffer_truncate(&text, 0);
    wire_write_paths(&text, &written_paths);
    CHECK_INTEGER(wire_read_paths(buffer_text(&text), text.length, &read_paths, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER((int64_t)read_paths.count, WIRE_PATHS_MAX - 2, "those that a peer would take");
    buffer_release(&text);
}

static void an_answer_is_read_as_it_was_written(void)
{
    uint64_t state = 5;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct buffer text = {0};
        struct error error = {0};
        struct wire_rows rows = {0};
        struct wire_answer answer = {.last = random_below(&state, 2),
                                     .digest = random_next(&state)};
        struct wire_answer read = {0};
        size_t count = random_below(&state, 20);
        random_rows(&state, some, count);
        answer.count = random_within(&state, INT64_C(1) << 62);
        random_name(&state, 64, answer.to.pool);
        random_name(&state, 17, answer.to.key);
        wire_write_answer(&text, &answer, some, count);
        CHECK_INTEGER(wire_read_answer(buffer_text(&text), text.length, &read, &rows, &error), 0,
                      "%s", error.text);
        CHECK_TEXT(read.to.pool, answer.last ? "" : answer.to.pool, "pool");
        CHECK_TEXT(read.to.key, answer.last ? "" : answer.to.key, "key");
        CHECK_INTEGER(read.last, answer.last, "last");
        CHECK(read.digest == answer.digest, "digest");
        CHECK_INTEGER(read.count, answer.count, "count");
        check_rows(&rows, some, count);
        wire_rows_release(&rows);
        buffer_release(&text);
    }
}

/* ---------------------------------------------------------------- what is refused */

/* Messages in single quotes, to be read more easily. */
#define BATCH                                                                                      \
    "{'v':1,'kind':'batch','node':7,'incarnation':-5,'number':3,'acknowledged':2,"                 \
    "'rows':[[0,'192.0.2.1',7000000000000000,7,1700000000,3600,1,0],"                              \
    "[1,'::1',8000000000000000,65535,1700000001,60]],"                                             \
    "'pools':['web','api'],'controllers':['fra','ams'],'methods':['modulus']}"
#define BEAT                                                                                       \
    "{'v':1,'kind':'beat','node':7,'incarnation':5,'clock':1700000000000,'batch':3,'waiting':0,"   \
    "'configuration':'0123456789abcdef'}"
#define QUESTION "{'v':1,'kind':'question','after':['web','192.0.2.1'],'rows':true}"
#define ANSWER                                                                                     \
    "{'v':1,'kind':'answer','to':['web','192.0.2.1'],'last':false,'digest':'00000000000000ff',"    \
    "'count':1,'rows':[],'pools':[],'controllers':[],'methods':[]}"

/* A message in which one piece is replaced by another; NULL: none is. */
struct change {
    const char *from, *to, *problem; /* "": none */
};

static void make_changed(const char *message, const struct change *change, struct buffer *out)
{
    const char *place = change->from ? strstr(message, change->from) : message;
    buffer_clear(out);
    if (!CHECK(place != NULL, "%s is not there", change->from))
        return;
    buffer_add(out, message, (size_t)(place - message));
    if (change->from) {
        buffer_add_text(out, change->to);
        place += strlen(change->from);
    }
    buffer_add_text(out, place);
    for (size_t i = 0; i < out->length; i++)
        if (out->data[i] == '\'')
            out->data[i] = '"';
}

/* Reads any message; there are no rows when it is refused. */
static int read_any(const char *kind, const char *text, size_t length, struct error *error)
{
    struct wire_rows rows = {.count = 4711};
    struct wire_batch batch;
    struct wire_beat beat;
    struct ballot ballot = {0};
    struct wire_question question;
    struct wire_answer answer;
    int code;
    if (strcmp(kind, "batch") == 0)
        code = wire_read_batch(text, length, &batch, &rows, error);
    else if (strcmp(kind, "beat") == 0)
        code = wire_read_beat(text, length, &beat, &ballot, error);
    else if (strcmp(kind, "question") == 0)
        code = wire_read_question(text, length, &question, error);
    else if (strcmp(kind, "paths") == 0)
        code = wire_read_paths(text, length, &read_paths, error);
    else
        code = wire_read_answer(text, length, &answer, &rows, error);
    if (code != 0)
        CHECK(rows.count == 0 || rows.count == 4711, "%zu rows", rows.count);
    CHECK(code == 0 || ballot.count == 0, "%zu votes", ballot.count);
    free(ballot.votes);
    wire_rows_release(&rows);
    return code;
}

static void check_changes(const char *kind, const char *message, const struct change *changes,
                          size_t count)
{
    struct buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        make_changed(message, &changes[i], &text);
        int code = read_any(kind, buffer_text(&text), text.length, &error);
        CHECK_INTEGER(code, changes[i].problem[0] ? ERR_INVAL : 0, "%s", buffer_text(&text));
        CHECK_TEXT(error.text, changes[i].problem, "%s", buffer_text(&text));
    }
    buffer_release(&text);
}

#define NO_NODE "'node' is not an integer of 1 to 65535"
#define NO_GOOD_NUMBER "'number' is not an integer of 1 to 4611686018427387904"
#define NO_VERSION "'v' is not an integer of 1 to 1"

static void a_head_that_is_not_valid_is_refused(void)
{
    static const struct change batch[] = {
        {NULL, NULL, ""},
        {"'v':1", "'new':[1,{'x':null}],'v':1", ""},
        {"'v':1,", "", NO_VERSION},
        {"'v':1", "'v':2", NO_VERSION},
        {"'v':1", "'v':'1'", NO_VERSION},
        {"'v':1", "'v':1.0", NO_VERSION},
        {"'v':1", "'v':true", NO_VERSION},
        {"'batch'", "'beat'", "'kind' is not 'batch'"},
        {"'batch'", "'batches'", "'kind' is not 'batch'"},
        {"'batch'", "1", "'kind' is not 'batch'"},
        {"'kind':'batch',", "", "'kind' is not 'batch'"},
        {"'node':7,", "", NO_NODE},
        {"'node':7", "'node':0", NO_NODE},
        {"'node':7", "'node':-1", NO_NODE},
        {"'node':7", "'node':65536", NO_NODE},
        {"'node':7", "'node':null", NO_NODE},
        {"'node':7", "'node':7e0", NO_NODE},
        {"'node':7", "'node':[7]", NO_NODE},
        {"'incarnation':-5,", "",
         "'incarnation' is not an integer of -9223372036854775808 to 9223372036854775807"},
        {"-5", "9223372036854775807", ""},
        {"-5", "-9223372036854775808", ""},
        {"'number':3", "'number':0", NO_GOOD_NUMBER},
        {"'number':3", "'number':4611686018427387905", NO_GOOD_NUMBER},
        {"'number':3,", "", NO_GOOD_NUMBER},
        {"'acknowledged':2", "'acknowledged':0", ""},
        {"'acknowledged':2", "'acknowledged':3", "'acknowledged' is not an integer of 0 to 2"},
        {"'acknowledged':2", "'acknowledged':-1", "'acknowledged' is not an integer of 0 to 2"},
    };
    check_changes("batch", BATCH, batch, COUNT(batch));
}

static void what_is_no_json_is_refused(void)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"{'v'", "{'v':1,'v'"},
        {"{'v'", "{v"},
        {"]}", "]"},
        {"]}", "]}x"},
        {"]}", "],}"},
        {"-5", "9223372036854775808"},
        {"-5", "NaN"},
        {"-5", "-"},
        {"'web'", "'we\xff'"},
        {"'web'", "'we\\u0000'"},
        {"'web'", "'we\\ud800'"},
    };
    struct buffer text = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct change change = {rows[i].from, rows[i].to, NULL};
        struct error error = {0};
        make_changed(BATCH, &change, &text);
        CHECK_INTEGER(read_any("batch", buffer_text(&text), text.length, &error), ERR_INVAL, "%s",
                      buffer_text(&text));
        CHECK(strncmp(error.text, "octet ", 6) == 0, "%s: %s", error.text, buffer_text(&text));
    }
    buffer_release(&text);
}

static void what_is_no_message_is_refused(void)
{
    static const char *const kinds[] = {"batch", "beat", "question", "answer"};
    static const char *const texts[] = {
        "", "\0", "1", "[]", "{}", "[{}", "\xef\xbb\xbf{}", "null", "'v'", "[[[[[[[["};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t j = 0; j < COUNT(texts); j++) {
            struct error error = {0};
            CHECK_INTEGER(read_any(kinds[i], texts[j], strlen(texts[j]), &error), ERR_INVAL,
                          "%s %zu", kinds[i], j);
            CHECK(error.text[0] != '\0', "%s %zu", kinds[i], j);
        }
}

#define NO_POOL "row 0: its pool is not the index of a name"
#define NO_KEY "row 0: its key is not a text of at most 70 octets"
#define NO_NUMBER "row 0: one of its numbers is not an integer"
#define NO_VOTES "'votes' is not an array of at most 2000"
#define NO_VOTE "vote 0 is not a target and its state"
#define ADDRESS_VOTE(vote) "abcdef','brake':false,'votes':[],'address_votes':[[" vote "]]"
#define VOTE(vote) "abcdef','brake':false,'votes':[[" vote "]]"
#define TEXT_71 "0123456789012345678901234567890123456789012345678901234567890123456789x"

static void a_row_that_is_not_valid_is_refused(void)
{
    static const struct change batch[] = {
        {"[0,", "0,[0,", "row 0: it is not an array of 6 or 8"},
        {"[0,", "{},[0,", "row 0: it is not an array of 6 or 8"},
        {"[0,", "[],[0,", "row 0: it is not an array of 6 or 8"},
        {",1,0]", ",1]", "row 0: it is not an array of 6 or 8"},
        {",1,0]", ",1,0,0]", "row 0: it is not an array of 6 or 8"},
        {"1700000001,60", "1700000001", "row 1: it is not an array of 6 or 8"},
        {"[[0,", "[[2,", NO_POOL},
        {"[[0,", "[[-1,", NO_POOL},
        {"[[0,", "[[9223372036854775807,", NO_POOL},
        {"[[0,", "[['web',", NO_POOL},
        {"[[0,", "[[0.0,", NO_POOL},
        {"['web'", "[0", NO_POOL},
        {"'192.0.2.1'", "1", NO_KEY},
        {"192.0.2.1", TEXT_71, NO_KEY},
        {"192.0.2.1", "", "row 0: its key is empty, or has control characters"},
        {"192.0.2.1", "a\\nb", "row 0: its key is empty, or has control characters"},
        {"7000000000000000", "'7'", NO_NUMBER},
        {"7000000000000000", "7.5", NO_NUMBER},
        {"7000000000000000", "4611686018427387904", ""},
        {"7000000000000000", "4611686018427387905", "row 0: its decided is not 0 to 2^62"},
        {"7000000000000000", "-1", "row 0: its decided is not 0 to 2^62"},
        {"65535", "null", "row 1: one of its numbers is not an integer"},
        {"65535", "0", ""},
        {"65535", "65536", "row 1: its origin is not 0 to 65535"},
        {"1700000001", "false", "row 1: one of its numbers is not an integer"},
        {"1700000001", "253402300799", ""},
        {"1700000001", "253402300800", "row 1: its timestamp is not 0 to 253402300799"},
        {",60]", ",[60]]", "row 1: one of its numbers is not an integer"},
        {",60]", ",2147483647]", ""},
        {",60]", ",2147483648]", "row 1: its ttl is not 0 to 2147483647"},
        {",1,0]", ",2,0]", "row 0: its controller is not the index of a name"},
        {",1,0]", ",'ams',0]", "row 0: its controller is not the index of a name"},
        {",1,0]", ",1,1]", "row 0: its method is not the index of a name"},
        {",1,0]", ",1,null]", "row 0: its method is not the index of a name"},
        {"'web'", "'a b'",
         "row 0: its pool is not 1 to 64 characters without spaces and control characters"},
        {"'web'", "''",
         "row 0: its pool is not 1 to 64 characters without spaces and control characters"},
        {"'ams'", "'a\\u007f'",
         "row 0: its controller is not 1 to 64 characters without control characters"},
        {"'ams'", "''",
         "row 0: its controller is not 1 to 64 characters without control characters"},
        {"'modulus'", "'MODULUS'",
         "row 0: its method is not a word of 1 to 32 lower-case letters and hyphens"},
        {"'modulus'", "''",
         "row 0: its method is not a word of 1 to 32 lower-case letters and hyphens"},
        {"'modulus'", "'abcdefghijklmnopqrstuvwxyzabcdefg'",
         "row 0: its method is not the index of a name"},
        {"'pools':[", "'pools':7,'x':[", "'pools' is not an array of at most 4000"},
        {"'controllers':[", "'x':[", "'controllers' is not an array of at most 4000"},
        {"'methods':['modulus']", "'methods':{}", "'methods' is not an array of at most 4000"},
        {"'rows':[", "'rows':null,'x':[", "'rows' is not an array of at most 4000"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[0,0]],'home_names':['nyc']", ""},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[],'home_names':[]", ""},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[0,0]]",
         "'homes' or 'home_names' is not an array of at most 4000"},
        {"'methods':['modulus']", "'methods':['modulus'],'home_names':['nyc']",
         "'homes' or 'home_names' is not an array of at most 4000"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':7,'home_names':[]",
         "'homes' or 'home_names' is not an array of at most 4000"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[0],'home_names':['nyc']",
         "home 0: it is not the index of a row, and a home"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[0]],'home_names':['nyc']",
         "home 0: it is not the index of a row, and a home"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[2,0]],'home_names':['nyc']",
         "home 0: it is not the index of a row, and a home"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[-1,0]],'home_names':['nyc']",
         "home 0: it is not the index of a row, and a home"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[0,1]],'home_names':['nyc']",
         "home 0: it is not the index of a name"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[1,0]],'home_names':['nyc']",
         "home 0: it is deleted, but leads to a site"},
        {"'methods':['modulus']", "'methods':['modulus'],'homes':[[0,0]],'home_names':['a\\tb']",
         "home 0: its home is not 1 to 64 characters without control characters"},
    };
    check_changes("batch", BATCH, batch, COUNT(batch));
}

#define NO_DIGEST "'configuration' is not a text of 16 digits 0 to f"

static void a_beat_that_is_not_valid_is_refused(void)
{
    static const struct change beat[] = {
        {NULL, NULL, ""},
        {"'beat'", "'batch'", "'kind' is not 'beat'"},
        {"'node':7", "'node':65536", NO_NODE},
        {"'incarnation':5", "'incarnation':true",
         "'incarnation' is not an integer of -9223372036854775808 to 9223372036854775807"},
        {"1700000000000", "1125899906842624", ""},
        {"1700000000000", "1125899906842625", "'clock' is not an integer of 0 to 1125899906842624"},
        {"1700000000000", "-1", "'clock' is not an integer of 0 to 1125899906842624"},
        {"'batch':3", "'batch':-1", "'batch' is not an integer of 0 to 4611686018427387904"},
        {"'waiting':0", "'waiting':-1", "'waiting' is not an integer of 0 to 4611686018427387904"},
        {"0123456789abcdef", "ffffffffffffffff", ""},
        {"0123456789abcdef", "0123456789abcde", NO_DIGEST},
        {"0123456789abcdef", "0123456789abcdef0", NO_DIGEST},
        {"0123456789abcdef", "0123456789ABCDEF", NO_DIGEST},
        {"0123456789abcdef", "0x23456789abcdef", NO_DIGEST},
        {"0123456789abcdef", " 123456789abcdef", NO_DIGEST},
        {"0123456789abcdef", "0123456789abcde/", NO_DIGEST},
        {"0123456789abcdef", "0123456789abcde:", NO_DIGEST},
        {"'0123456789abcdef'", "17", NO_DIGEST},
        {"abcdef'", "abcdef','brake':true,'votes':[]", ""},
        {"abcdef'", "abcdef','brake':false,'votes':[['web','ams',1,true],['','ams',0,false]]", ""},
        {"abcdef'", "abcdef','brake':true", NO_VOTES},
        {"abcdef'",
         "abcdef','brake':false,'votes':[],"
         "'address_votes':[['web','ams',1,true,'ipv4'],['web','ams',1,false,'ipv6']]",
         ""},
        {"abcdef'", "abcdef','brake':false,'votes':[],'address_votes':{}", NO_VOTES},
        {"abcdef'", ADDRESS_VOTE("'web','ams',1,true"), NO_VOTE},
        {"abcdef'", ADDRESS_VOTE("'web','ams',1,true,''"), NO_VOTE},
        {"abcdef'", ADDRESS_VOTE("'web','ams',1,true,'ipv5'"), NO_VOTE},
        {"abcdef'", ADDRESS_VOTE("'web','ams',1,true,4"), NO_VOTE},
        {"abcdef'", VOTE("'web','ams',1,true,'ipv4'"), NO_VOTE},
        {"abcdef'", "abcdef','votes':[]", "'brake' is not true or false"},
        {"abcdef'", "abcdef','brake':1,'votes':[]", "'brake' is not true or false"},
        {"abcdef'", "abcdef','brake':true,'votes':{}", NO_VOTES},
        {"abcdef'", VOTE("'web','ams',1"), NO_VOTE},
        {"abcdef'", VOTE("'web','ams',1,true,0"), NO_VOTE},
        {"abcdef'", VOTE("'web','ams',1,'up'"), NO_VOTE},
        {"abcdef'", VOTE("'web','ams',-1,true"), NO_VOTE},
        {"abcdef'", VOTE("'web','ams','1',true"), NO_VOTE},
        {"abcdef'", VOTE("'web','',1,true"), NO_VOTE},
        {"abcdef'", VOTE("'w b','ams',1,true"), NO_VOTE},
        {"abcdef'", VOTE("7,'ams',1,true"), NO_VOTE},
        {"abcdef'", VOTE("'web','" TEXT_71 "',1,true"), NO_VOTE},
    };
    check_changes("beat", BEAT, beat, COUNT(beat));
}

#define NO_PLACE "'after' is not the names of a pool and a key"

static void a_question_that_is_not_valid_is_refused(void)
{
    static const struct change question[] = {
        {NULL, NULL, ""},
        {"'question'", "'answer'", "'kind' is not 'question'"},
        {"'web','192.0.2.1'", "'',''", ""},
        {"'web','192.0.2.1'", "'web',''", ""},
        {"'web','192.0.2.1'", "'web'", NO_PLACE},
        {"'web','192.0.2.1'", "'web','',''", NO_PLACE},
        {"'web','192.0.2.1'", "1,2", NO_PLACE},
        {"'web','192.0.2.1'", "'web','" TEXT_71 "'", NO_PLACE},
        {"['web','192.0.2.1']", "'web'", NO_PLACE},
        {"'web'", "''",
         "'after': its pool is not 1 to 64 characters without spaces and control characters"},
        {"192", "\\t", "'after': its key has control characters"},
        {"'rows':true", "'rows':false", ""},
        {"'rows':true", "'rows':1", "'rows' is not true or false"},
        {",'rows':true", "", "'rows' is not true or false"},
    };
    check_changes("question", QUESTION, question, COUNT(question));
}

#define PATHS                                                                                      \
    "{'v':1,'kind':'paths','to':9,'last':true,'paths':[['192.0.2.0/24',0,12.5,1700000000]],"       \
    "'controllers':['ams']}"

static void round_trip_times_that_are_not_valid_are_refused(void)
{
#define NO_ARRAYS "'paths' or 'controllers' is not an array of at most 1000"
#define NO_NETWORK "path 0: its network is not written like 192.0.2.0/24 or 2001:db8::/48"
#define NO_RTT "path 0: its rtt is not 0 to 3600000"
#define NO_RTT_NUMBER "path 0: its rtt or measured_at is not a number"
    static const struct change paths[] = {
        {NULL, NULL, ""},
        {"'paths','to'", "'answer','to'", "'kind' is not 'paths'"},
        {"'to':9", "'to':-1", "'to' is not an integer of 0 to 4611686018427387904"},
        {"'last':true", "'last':1", "'last' is not true or false"},
        {"'controllers':['ams']", "'controllers':'ams'", NO_ARRAYS},
        {"[['192.0.2.0/24',0,12.5,1700000000]]", "{}", NO_ARRAYS},
        {"[['192.0.2.0/24',0,12.5,1700000000]]", "[]", ""},
        {",1700000000]", ",1,1]", "path 0: it is not an array of 4"},
        {",1700000000]", "]", "path 0: it is not an array of 4"},
        {"['192.0.2.0/24',0,12.5,1700000000]", "null", "path 0: it is not an array of 4"},
        {"'192.0.2.0/24'", "5", "path 0: its network is not a text of at most 49 octets"},
        {"'192.0.2.0/24'", "'192.0.2.0/24                                      '",
         "path 0: its network is not a text of at most 49 octets"},
        {"192.0.2.0/24", "2001:db8::/32", ""},
        {"192.0.2.0/24", "::/0", ""},
        {"192.0.2.0/24", "192.0.2.1/32", ""},
        {"192.0.2.0/24", "192.0.2.1", NO_NETWORK},
        {"192.0.2.0/24", "192.0.2.1/24", NO_NETWORK},
        {"192.0.2.0/24", "192.0.2.0/33", NO_NETWORK},
        {"192.0.2.0/24", "192.0.02.0/24", NO_NETWORK},
        {"192.0.2.0/24", "2001:DB8::/32", NO_NETWORK},
        {"192.0.2.0/24", "::ffff:192.0.2.0/120", NO_NETWORK},
        {"192.0.2.0/24", "", NO_NETWORK},
        {",0,12.5", ",1,12.5", "path 0: its controller is not the index of a name"},
        {",0,12.5", ",-1,12.5", "path 0: its controller is not the index of a name"},
        {"'ams'", "''",
         "path 0: its controller is not 1 to 64 characters without control"
         " characters"},
        {"12.5", "0", ""},
        {"12.5", "3600000", ""},
        {"12.5", "3600000.5", NO_RTT},
        {"12.5", "-1", NO_RTT},
        {"12.5", "1e308", NO_RTT},
        {"12.5", "'1'", NO_RTT_NUMBER},
        {"12.5", "null", NO_RTT_NUMBER},
        {"1700000000", "1.5", NO_RTT_NUMBER},
        {"1700000000", "-1", "path 0: its measured_at is not 0 to 253402300799"},
        {"1700000000", "253402300800", "path 0: its measured_at is not 0 to 253402300799"},
    };
    check_changes("paths", PATHS, paths, COUNT(paths));
}

static void an_answer_that_is_not_valid_is_refused(void)
{
    static const struct change answer[] = {
        {NULL, NULL, ""},
        {"'answer'", "'question'", "'kind' is not 'answer'"},
        {"'web','192.0.2.1'", "'',''", "'to' is empty, but there is more"},
        {"['web','192.0.2.1'],'last':false", "['',''],'last':true", ""},
        {"['web','192.0.2.1']", "null", "'to' is not the names of a pool and a key"},
        {"'last':false", "'last':0", "'last' is not true or false"},
        {"00000000000000ff", "ff", "'digest' is not a text of 16 digits 0 to f"},
        {"'count':1", "'count':-1", "'count' is not an integer of 0 to 4611686018427387904"},
        {"'rows':[]", "'rows':[0]", "row 0: it is not an array of 6 or 8"},
        {"'rows':[]", "'rows':{}", "'rows' is not an array of at most 4000"},
    };
    check_changes("answer", ANSWER, answer, COUNT(answer));
}

/* ---------------------------------------------------------------- sizes and memory */

static const struct wire_batch a_batch = {1, 1, 1, 0};

/* A batch in which a member has so many elements. */
static void make_long(struct buffer *text, const char *member, const char *element, size_t count)
{
    buffer_clear(text);
    buffer_printf(text,
                  "{\"v\":1,\"kind\":\"batch\",\"node\":1,\"incarnation\":1,\"number\":1,"
                  "\"acknowledged\":0,\"%s\":[",
                  member);
    for (size_t i = 0; i < count; i++)
        buffer_printf(text, "%s%s", i > 0 ? "," : "", element);
    buffer_add_char(text, ']');
    for (size_t i = 0; i < 4; i++) {
        static const char *const members[] = {"rows", "pools", "controllers", "methods"};
        if (strcmp(members[i], member) != 0)
            buffer_printf(text, ",\"%s\":[%s]", members[i], i > 0 ? "\"a\"" : "");
    }
    buffer_add_char(text, '}');
}

static void a_message_has_at_most_so_many_rows_names_and_octets(void)
{
    static const struct {
        const char *member, *element;
        size_t count;
        const char *problem;
    } rows[] = {
        {"rows", "[0,\"k\",0,0,0,0]", WIRE_ROWS_MAX, ""},
        {"rows", "[0,\"k\",0,0,0,0]", WIRE_ROWS_MAX + 1, "'rows' is not an array of at most 4000"},
        {"pools", "\"a\"", WIRE_ROWS_MAX, ""},
        {"pools", "\"a\"", WIRE_ROWS_MAX + 1, "'pools' is not an array of at most 4000"},
        {"controllers", "\"a\"", WIRE_ROWS_MAX + 1,
         "'controllers' is not an array of at most 4000"},
        {"methods", "\"a\"", WIRE_ROWS_MAX + 1, "'methods' is not an array of at most 4000"},
        {"x", "[]", 300000, "takes more than 8388608 octets of memory"},
        {"x", "{}", 300000, "takes more than 8388608 octets of memory"},
        {"x", "0", 500000, "takes more than 8388608 octets of memory"},
        {"x", "0", 600000, "longer than 1048576 octets"},
    };
    struct buffer text = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error = {0};
        make_long(&text, rows[i].member, rows[i].element, rows[i].count);
        CHECK_INTEGER(read_any("batch", buffer_text(&text), text.length, &error),
                      rows[i].problem[0] ? ERR_INVAL : 0, "row %zu", i);
        CHECK_TEXT(error.text, rows[i].problem, "row %zu", i);
    }
    buffer_release(&text);
}

static void deep_nesting_is_refused(void)
{
    struct buffer text = {0};
    struct error error = {0};
    while (text.length < 100000)
        buffer_add_char(&text, '[');
    CHECK_INTEGER(read_any("batch", buffer_text(&text), text.length, &error), ERR_INVAL, "nested");
    buffer_release(&text);
}

static void without_memory_nothing_is_read(void)
{
    struct buffer text = {0};
    uint64_t state = 6;
    random_rows(&state, some, 20);
    wire_write_batch(&text, &a_batch, some, 20);
    size_t n = 0;
    for (bool failed = true; failed && n < 1000;) {
        struct wire_batch batch;
        struct wire_rows rows = {0};
        struct error error = {0};
        memory_fail_at(++n);
        int code = read_batch(&text, &batch, &rows, &error);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK_INTEGER(error.code, code, "allocation %zu", n);
        CHECK_INTEGER((int64_t)rows.count, failed ? 0 : 20, "allocation %zu", n);
        wire_rows_release(&rows);
    }
    CHECK(n > 1 && n < 1000, "%zu allocations", n);
    buffer_release(&text);
}

static void without_memory_the_buffer_fails(void)
{
    struct buffer text = {0};
    memory_fail_at(1);
    wire_write_batch(&text, &a_batch, some, 20);
    CHECK(memory_fail_end() && text.failed, "a batch");
    buffer_release(&text);
}

static const CU_TestInfo tests[] = {
    {"a batch is read as it was written", a_batch_is_read_as_it_was_written},
    {"a batch without rows is a batch", a_batch_without_rows_is_a_batch},
    {"the longest rows fit", the_longest_rows_fit},
    {"rows that no peer would take are left out", rows_that_no_peer_would_take_are_left_out},
    {"a beat is read as it was written", a_beat_is_read_as_it_was_written},
    {"a question is read as it was written", a_question_is_read_as_it_was_written},
    {"round trip times are read as they were written",
     round_trip_times_are_read_as_they_were_written},
    {"the longest round trip times fit", the_longest_round_trip_times_fit},
    {"round trip times that are not valid are refused",
     round_trip_times_that_are_not_valid_are_refused},
    {"an answer is read as it was written", an_answer_is_read_as_it_was_written},
    {"a head that is not valid is refused", a_head_that_is_not_valid_is_refused},
    {"what is no JSON is refused", what_is_no_json_is_refused},
    {"what is no message is refused", what_is_no_message_is_refused},
    {"a row that is not valid is refused", a_row_that_is_not_valid_is_refused},
    {"a beat that is not valid is refused", a_beat_that_is_not_valid_is_refused},
    {"a question that is not valid is refused", a_question_that_is_not_valid_is_refused},
    {"an answer that is not valid is refused", an_answer_that_is_not_valid_is_refused},
    {"a message has at most so many rows, names and octets",
     a_message_has_at_most_so_many_rows_names_and_octets},
    {"deep nesting is refused", deep_nesting_is_refused},
    {"without memory nothing is read", without_memory_nothing_is_read},
    {"without memory the buffer fails", without_memory_the_buffer_fails},
    CU_TEST_INFO_NULL,
};
const struct suite suite_wire = {"wire", tests};

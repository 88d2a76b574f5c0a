/*
 * The asking side has at most one open question, and recognizes late answers to earlier ones by
 * their numbers. A question without a valid answer is asked again after a pause. The answering
 * side, at the end, halves a page until it fits in a message.
 */
#include "program/sharing/walk.h"

#include <string.h>

/* After a question without an answer, or an answer that makes no sense, the next one comes later.
 */
#define RETRY_MS 1000
#define REFUSED_RETRY_MS 10000

/* After a page that was not equal and brought nothing new, such as rows of unknown pools. */
#define FRUITLESS_MS 100

void walk_release(struct walk *walk)
{
    wire_rows_release(&walk->answer_rows);
    *walk = (struct walk){0};
}

void walk_begin(struct walk *walk)
{
    int64_t question = walk->question, ended_unix_ms = walk->ended_unix_ms;
    int64_t refused = walk->refused;
    walk_release(walk);
    walk->running = true;
    walk->question = question + 1; /* an answer to an old one is none */
    walk->ended_unix_ms = ended_unix_ms;
    walk->refused = refused;
}

static int compare_places(const struct shared_place *a, const struct shared_place *b)
{
    int pools = strcmp(a->pool, b->pool);
    return pools != 0 ? pools : strcmp(a->key, b->key);
}

static void ask(struct walk *walk, struct transport *transport)
{
    struct buffer text = {0};
    wire_write_question(&text,
                        &(struct wire_question){.after = walk->after, .rows = walk->wants_rows});
    walk->question++;
    walk->asked = !text.failed &&
                  transport_ask(transport, walk->question, buffer_text(&text), text.length) == 0;
    buffer_release(&text);
}

/* Asks for the page after this one, while the rows of this one are still to be written. */
static void go_on(struct walk *walk, struct transport *transport, bool wants_rows)
{
    if (walk->answer.last)
        return;
    walk->after = walk->answer.to;
    walk->wants_rows = wants_rows;
    ask(walk, transport);
}

/* Compares a page with ours. 0 or a code with `error` set. */
static int compare_page(const struct walk *walk, struct sharing *sharing, int64_t now_unix_ms,
                        bool *ret_equal, struct error *error)
{
    uint64_t digest;
    int64_t count;
    int code = sharing_digest(sharing, &walk->after, walk->answer.last ? NULL : &walk->answer.to,
                              walk->answer.count, now_unix_ms, &digest, &count, error);
    if (code == 0)
        *ret_equal = digest == walk->answer.digest && count == walk->answer.count;
    return code;
}

/* A page that is not equal is asked for once more, with its rows. */
static int follow_answer(struct walk *walk, struct transport *transport, struct sharing *sharing,
                         int64_t now_unix_ms, struct error *error)
{
    bool equal, had_rows = walk->wants_rows;
    int code = compare_page(walk, sharing, now_unix_ms, &equal, error);
    if (code != 0)
        return code;
    walk->asked = false;
    if (equal || had_rows) {
        walk->has_answer = had_rows && !equal;
        go_on(walk, transport, !equal);
        if (walk->answer.last && !walk->has_answer)
            walk->running = false;
    } else {
        walk->wants_rows = true;
        ask(walk, transport);
    }
    return 0;
}

/*
 * A walk goes forward, or a peer could keep us at it for ever. And a page has its size, or each of
 * many could be compared with a whole table.
 */
static bool makes_sense(const struct walk *walk)
{
    return walk->answer.count <= WIRE_ROWS_MAX &&
           (walk->answer.last || compare_places(&walk->answer.to, &walk->after) > 0);
}

/* Reads the answer to the open question, if it has come. */
static bool read_answer(struct walk *walk, struct transport *transport, int64_t now_ms)
{
    struct transport_message message;
    int64_t number;
    while (transport_next_answer(transport, 0, WALK_QUESTION_MAX, &number, &message)) {
        if (number != walk->question || !walk->asked)
            continue;
        walk->asked = false;
        if (message.length == 0) {
            walk->retry_ms = now_ms + RETRY_MS;
            continue;
        }
        if (wire_read_answer(message.bytes, message.length, &walk->answer, &walk->answer_rows,
                             NULL) == 0 &&
            makes_sense(walk))
            return true;
        walk->refused++;
        walk->retry_ms = now_ms + REFUSED_RETRY_MS;
    }
    return false;
}

/* Writes the rows of the last answer. They stay, if they cannot be written now. */
static int write_rows(struct walk *walk, struct sharing *sharing, int64_t now_ms,
                      int64_t now_unix_ms, struct share_counts *counts, struct error *error)
{
    int64_t newer = counts->newer;
    struct share_delivery page = {
        .rows = walk->answer_rows.rows, .count = walk->answer_rows.count, .counts = counts};
    int code = sharing_apply(sharing, &page, 1, now_unix_ms, error);
    if (code != 0)
        return code;
    walk->has_answer = false;
    if (counts->newer == newer)
        walk->retry_ms = now_ms + FRUITLESS_MS;
    if (walk->answer.last)
        walk->running = false;
    return 0;
}

bool walk_run(struct walk *walk, struct transport *transport, struct sharing *sharing,
              int64_t now_ms, int64_t now_unix_ms, struct share_counts *counts, struct error *error)
{
    if (!walk->running || !transport_is_connected(transport))
        return false;
    if (walk->has_answer && write_rows(walk, sharing, now_ms, now_unix_ms, counts, error) != 0)
        return false;
    bool may_go_on = walk->running && now_ms >= walk->retry_ms;
    if (may_go_on && !walk->asked)
        ask(walk, transport);
    if (may_go_on && read_answer(walk, transport, now_ms) &&
        follow_answer(walk, transport, sharing, now_unix_ms, error) != 0)
        walk->retry_ms = now_ms + RETRY_MS; /* our table could not be read: ask again */
    if (!walk->running) {
        walk->ended_unix_ms = now_unix_ms;
        wire_rows_release(&walk->answer_rows);
    }
    return walk->has_answer;
}

static uint64_t digest_of(const struct shared_rows *rows)
{
    uint64_t digest = 0;
    for (size_t i = 0; i < rows->count; i++)
        digest += shared_row_digest(&rows->rows[i]);
    return digest;
}

/* As many rows as fit into a message; the page ends where they end. */
static void write_page(const struct wire_question *question, struct shared_rows *page, bool last,
                       struct buffer *out)
{
    for (;; page->count /= 2, last = false) {
        struct wire_answer answer = {
            .last = last, .digest = digest_of(page), .count = (int64_t)page->count};
        if (page->count > 0) {
            const struct shared_row *end = &page->rows[page->count - 1];
            memcpy(answer.to.pool, end->pool, sizeof answer.to.pool);
            memcpy(answer.to.key, end->key, sizeof answer.to.key);
        }
        wire_write_answer(out, &answer, page->rows, question->rows ? page->count : 0);
        if (out->failed || out->length <= WIRE_BYTES_MAX || page->count < 2)
            return;
        buffer_truncate(out, 0);
    }
}

void walk_answer(struct sharing *sharing, const struct wire_question *question, int64_t now_unix_ms,
                 struct shared_rows *room, struct buffer *out, struct error *error)
{
    bool last;
    if (sharing_page(sharing, &question->after, now_unix_ms, room, &last, error) == 0)
        write_page(question, room, last, out);
}

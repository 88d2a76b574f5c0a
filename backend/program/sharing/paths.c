/*
 * One page at a time: paths_ask() asks for it, paths_take() looks for the answer and writes its
 * rows; only then is the next one asked for. `after` moves forward only when rows were written; a
 * page that cannot be written now is kept and written later. The answering side is at the end.
 */
#include "program/sharing/paths.h"

#include <stdlib.h>

#include "program/sharing/walk.h"

/* After a question without an answer, or an answer that makes no sense. */
#define RETRY_MS 1000
#define REFUSED_RETRY_MS 10000

/* After a page that brought nothing new. */
#define FRUITLESS_MS 100

/* After some were left out for now: those from the future, and those without room. */
#define LEFT_OUT_MS 60000

/* What a page costs beside its rows: so many for a transaction, and one for so many octets. */
#define PAGE_ROWS 4
#define OCTETS_PER_ROW 1000

/* How long the count of rows holds: others may delete and replace some. */
#define COUNT_MS 10000

/* Its questions have higher numbers than those of the walk, which asks the same peer. */
#define FIRST_QUESTION (WALK_QUESTION_MAX + 1)

void paths_release(struct path_reader *reader)
{
    free(reader->page);
    *reader = (struct path_reader){0};
}

/* The answer to an open question is none then. */
void paths_restart(struct path_reader *reader)
{
    reader->after = reader->restart_ms = 0;
    reader->has_page = reader->asked = false;
    reader->question++;
}

void paths_restart_later(struct path_reader *reader, int64_t now_ms)
{
    if (reader->restart_ms > now_ms + LEFT_OUT_MS)
        reader->restart_ms = now_ms + LEFT_OUT_MS;
}

/* A reading goes forward, or a peer could keep us at it for ever. */
static bool makes_sense(const struct path_reader *reader)
{
    return reader->page->last || reader->page->to > reader->after;
}

static void read_answer(struct path_reader *reader, const struct transport_message *message,
                        int64_t now_ms)
{
    if (message->length == 0) {
        reader->retry_ms = now_ms + RETRY_MS;
        return;
    }
    reader->cost = PAGE_ROWS + (int64_t)message->length / OCTETS_PER_ROW;
    reader->has_page = wire_read_paths(message->bytes, message->length, reader->page, NULL) == 0 &&
                       makes_sense(reader);
    if (reader->has_page)
        return;
    reader->refused++;
    reader->retry_ms = now_ms + REFUSED_RETRY_MS;
}

/* Every question gets an answer, be it an empty one. */
static void look_for_answer(struct path_reader *reader, struct transport *transport, int64_t now_ms)
{
    struct transport_message message;
    int64_t number;
    while (transport_next_answer(transport, FIRST_QUESTION, INT64_MAX, &number, &message)) {
        if (number != FIRST_QUESTION + reader->question || !reader->asked)
            continue;
        reader->asked = false;
        read_answer(reader, &message, now_ms);
    }
}

/* Where there are no more, all that the peer has told of was read, also what is gone since. */
static void go_on(struct path_reader *reader)
{
    const struct wire_paths *page = reader->page;
    if (page->to > reader->after)
        reader->after = page->to;
    if (page->last && reader->asked_up_to > reader->after)
        reader->after = reader->asked_up_to;
    reader->has_page = false;
}

int paths_take(struct path_reader *reader, struct transport *transport, struct sharing *sharing,
               int64_t origin, int64_t now_ms, int64_t now_unix_ms, int64_t *allowance,
               struct share_counts *counts, struct error *error)
{
    int64_t newer = counts->newer;
    look_for_answer(reader, transport, now_ms);
    if (!reader->has_page)
        return 0;
    if (reader->counted_ms == 0 || now_ms - reader->counted_ms >= COUNT_MS) {
        reader->kept = -1;
        reader->counted_ms = now_ms;
    }
    int code = sharing_apply_paths(sharing, origin, reader->page->paths, reader->page->count,
                                   now_unix_ms, &reader->kept, counts, error);
    if (code != 0)
        return code;
    *allowance -= reader->cost + (int64_t)reader->page->count;
    if (counts->newer == newer)
        reader->retry_ms = now_ms + FRUITLESS_MS;
    go_on(reader);
    return 0;
}

void paths_ask(struct path_reader *reader, struct transport *transport, int64_t now_ms,
               int64_t every_ms)
{
    struct buffer text = {0};
    if (reader->restart_ms > now_ms + every_ms) /* the setting is less than it was */
        reader->restart_ms = now_ms + every_ms;
    if (reader->restart_ms != 0 && now_ms >= reader->restart_ms)
        paths_restart(reader);
    if (reader->asked || reader->has_page || reader->told <= reader->after ||
        now_ms < reader->retry_ms || !transport_is_connected(transport))
        return;
    if (!reader->page)
        reader->page = malloc(sizeof *reader->page);
    if (!reader->page)
        return;
    if (reader->restart_ms == 0)
        reader->restart_ms = now_ms + every_ms;
    wire_write_question(&text, &(struct wire_question){.paths = true, .path = reader->after});
    reader->question++;
    reader->asked_up_to = reader->told;
    reader->asked = !text.failed && transport_ask(transport, FIRST_QUESTION + reader->question,
                                                  buffer_text(&text), text.length) == 0;
    buffer_release(&text);
}

void paths_answer(struct sharing *sharing, const struct wire_question *question,
                  int64_t now_unix_ms, struct wire_paths *page, struct buffer *out,
                  struct error *error)
{
    if (sharing_read_paths(sharing, question->path, now_unix_ms, page->paths, WIRE_PATHS_MAX,
                           &page->count, &page->to, &page->last, error) == 0)
        wire_write_paths(out, page);
}

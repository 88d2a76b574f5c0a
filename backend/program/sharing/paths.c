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

void paths_release(struct path_reading *reading)
{
    free(reading->page);
    *reading = (struct path_reading){0};
}

/* The answer to an open question is none then. */
void paths_restart(struct path_reading *reading)
{
    reading->after = reading->restart_ms = 0;
    reading->has_page = reading->asked = false;
    reading->question++;
}

void paths_restart_later(struct path_reading *reading, int64_t now_ms)
{
    if (reading->restart_ms > now_ms + LEFT_OUT_MS)
        reading->restart_ms = now_ms + LEFT_OUT_MS;
}

/* A reading goes forward, or a peer could keep us at it for ever. */
static bool makes_sense(const struct path_reading *reading)
{
    return reading->page->last || reading->page->to > reading->after;
}

static void read_answer(struct path_reading *reading, const struct transport_message *message,
                        int64_t now_ms)
{
    if (message->length == 0) {
        reading->retry_ms = now_ms + RETRY_MS;
        return;
    }
    reading->cost = PAGE_ROWS + (int64_t)message->length / OCTETS_PER_ROW;
    reading->has_page =
        wire_read_paths(message->bytes, message->length, reading->page, NULL) == 0 &&
        makes_sense(reading);
    if (reading->has_page)
        return;
    reading->refused++;
    reading->retry_ms = now_ms + REFUSED_RETRY_MS;
}

/* Every question gets an answer, be it an empty one. */
static void look_for_answer(struct path_reading *reading, struct transport *transport,
                            int64_t now_ms)
{
    struct transport_message message;
    int64_t number;
    while (transport_next_answer(transport, FIRST_QUESTION, INT64_MAX, &number, &message)) {
        if (number != FIRST_QUESTION + reading->question || !reading->asked)
            continue;
        reading->asked = false;
        read_answer(reading, &message, now_ms);
    }
}

/* Where there are no more, all that the peer has told of was read, also what is gone since. */
static void go_on(struct path_reading *reading)
{
    const struct wire_paths *page = reading->page;
    if (page->to > reading->after)
        reading->after = page->to;
    if (page->last && reading->asked_up_to > reading->after)
        reading->after = reading->asked_up_to;
    reading->has_page = false;
}

int paths_take(struct path_reading *reading, struct transport *transport, struct sharing *sharing,
               int64_t origin, int64_t now_ms, int64_t now_unix_ms, int64_t *allowance,
               struct share_counts *counts, struct error *error)
{
    int64_t newer = counts->newer;
    look_for_answer(reading, transport, now_ms);
    if (!reading->has_page)
        return 0;
    if (reading->counted_ms == 0 || now_ms - reading->counted_ms >= COUNT_MS) {
        reading->kept = -1;
        reading->counted_ms = now_ms;
    }
    int code = sharing_apply_paths(sharing, origin, reading->page->paths, reading->page->count,
                                   now_unix_ms, &reading->kept, counts, error);
    if (code != 0)
        return code;
    *allowance -= reading->cost + (int64_t)reading->page->count;
    if (counts->newer == newer)
        reading->retry_ms = now_ms + FRUITLESS_MS;
    go_on(reading);
    return 0;
}

void paths_ask(struct path_reading *reading, struct transport *transport, int64_t now_ms,
               int64_t every_ms)
{
    struct buffer text = {0};
    if (reading->restart_ms > now_ms + every_ms) /* the setting is less than it was */
        reading->restart_ms = now_ms + every_ms;
    if (reading->restart_ms != 0 && now_ms >= reading->restart_ms)
        paths_restart(reading);
    if (reading->asked || reading->has_page || reading->told <= reading->after ||
        now_ms < reading->retry_ms || !transport_is_connected(transport))
        return;
    if (!reading->page)
        reading->page = malloc(sizeof *reading->page);
    if (!reading->page)
        return;
    if (reading->restart_ms == 0)
        reading->restart_ms = now_ms + every_ms;
    wire_write_question(&text, &(struct wire_question){.paths = true, .path = reading->after});
    reading->question++;
    reading->asked_up_to = reading->told;
    reading->asked = !text.failed && transport_ask(transport, FIRST_QUESTION + reading->question,
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

#include "program/sharing/follower.h"

#include <stdio.h>

#include "system/clock.h"

/* When SQLite's lock was not to be had. */
#define BUSY_MS 50

/* After a copy there is a pause of so many times the work that it was: a peer decides how many. */
#define PAUSES 10

/*
 * But after one that was taken over, no longer than this: on a busy machine a copy takes seconds,
 * and somebody may wait for the next change.
 */
#define TAKEN_PAUSE_MAX_MS 10000

static bool take_over(struct copy_reader *reader, const struct feed_turn *turn, struct error *error)
{
    const struct share_copy copy = copy_reader_copy(reader);
    struct error why = {0};
    char text[ERROR_TEXT_MAX + 64];
    int64_t begun_ms = clock_monotonic_ms();
    int code = sharing_take_copy(turn->sharing, copy_reader_peer(reader)->node, copy.revision,
                                 copy.text, copy.length, turn->now_unix_ms, &why);
    int64_t pause_ms = (clock_monotonic_ms() - begun_ms) * PAUSES;
    if (code == ERR_BUSY) {
        copy_reader_pause(reader, BUSY_MS);
        return false;
    }
    if (code == 0) {
        copy_reader_drop(reader, pause_ms < TAKEN_PAUSE_MAX_MS ? pause_ms : TAKEN_PAUSE_MAX_MS);
        return true;
    }
    snprintf(text, sizeof text, "its configuration is refused: %s", why.text);
    copy_reader_refuse(reader, text, pause_ms);
    if (code != ERR_INVAL && code != ERR_NOTFOUND)
        error_set(error, code, "%s", why.text);
    return false;
}

bool follower_run(struct copy_reader *reader, const struct feed_turn *turn, struct error *error)
{
    return copy_reader_run(reader, turn, error) == COPY_READ && take_over(reader, turn, error);
}

void follower_note(const struct copy_reader *reader, const struct feed_turn *turn,
                   struct error *error)
{
    sharing_note_follow(turn->sharing, copy_reader_peer(reader)->node, copy_reader_heard_ms(reader),
                        copy_reader_problem(reader), error);
}

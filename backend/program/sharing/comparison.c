#include "program/sharing/comparison.h"

#include "system/clock.h"

/* So long a peer may take to tell its configuration. */
#define READ_MS 30000

/* From one comparison to the next: so many times the work that it was, and at least as long. */
#define PAUSES 10
#define PAUSE_MS 5000

static void stop(struct comparison *comparison, int64_t pause_ms)
{
    copy_reader_close(comparison->reader);
    comparison->reader = NULL;
    comparison->next_ms = clock_monotonic_ms() + (pause_ms > PAUSE_MS ? pause_ms : PAUSE_MS);
}

void comparison_end(struct comparison *comparison)
{
    copy_reader_close(comparison->reader);
    *comparison = (struct comparison){0};
}

static void begin(struct comparison *comparison, struct feed *const *feeds, size_t count,
                  const struct feed_turn *turn, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = (comparison->next + i) % count;
        if (!feeds[place] || !feed_differs_anew(feeds[place], turn))
            continue;
        copy_reader_open(feed_peer(feeds[place]), turn->setup, &comparison->reader, error);
        comparison->begun_ms = turn->now_ms;
        comparison->next = place + 1;
        return;
    }
}

static struct feed *find_feed(const struct comparison *comparison, struct feed *const *feeds,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (feeds[i] && share_peer_equal(feed_peer(feeds[i]), copy_reader_peer(comparison->reader)))
            return feeds[i];
    return NULL;
}

/* What is no copy is not read again before it changes. */
static void compare(struct comparison *comparison, struct feed *feed, const struct feed_turn *turn,
                    struct error *error)
{
    char text[SHARE_DIFFERENCE_MAX] = "";
    struct error why = {0};
    const struct share_copy copy = copy_reader_copy(comparison->reader);
    int64_t begun_ms = clock_monotonic_ms();
    int code = sharing_copy_difference(turn->sharing, &copy, text, sizeof text, &why);
    if (code == 0 || code == ERR_INVAL)
        feed_note_difference(feed, turn, text);
    else
        error_set(error, code, "%s", why.text);
    stop(comparison, (clock_monotonic_ms() - begun_ms) * PAUSES);
}

void comparison_run(struct comparison *comparison, struct feed *const *feeds, size_t count,
                    const struct feed_turn *turn, struct error *error)
{
    if (!comparison->reader) {
        if (turn->now_ms >= comparison->next_ms)
            begin(comparison, feeds, count, turn, error);
        return;
    }
    struct feed *feed = find_feed(comparison, feeds, count);
    if (!feed || !feed_differs_anew(feed, turn) || turn->now_ms - comparison->begun_ms >= READ_MS) {
        stop(comparison, 0);
        return;
    }
    enum copy_state state = copy_reader_run(comparison->reader, turn, error);
    if (state == COPY_READ)
        compare(comparison, feed, turn, error);
    else if (state == COPY_SAME) /* it has changed since its last beat */
        stop(comparison, 0);
}

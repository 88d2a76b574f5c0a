#include "program/daemon/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/daemon/walk.h"

/* For so long a turn takes in messages before others have theirs. */
#define MESSAGES_PER_TURN 64

/* A peer that is not heard for so long is not asked. */
#define HEARD_MS 10000

/* After rows were left out for now, the walk that brings them comes so much later. */
#define LEFT_OUT_WALK_MS 60000

/* A batch that the peer says to have handed over is here within milliseconds, or is lost. */
#define LOST_END_MS 5000

/* How often its verdicts are written again: the database may have been replaced. */
#define BALLOT_MS 10000

/* Two incarnations that take turns within this time are two servers. */
#define COPY_MS 10000

struct feed {
    struct share_peer peer;
    struct transport *transport;
    struct share_cursor cursor;
    bool has_cursor;
    bool tailing;            /* the log is being read from the cursor on */
    int64_t bounds_number;   /* of the bounds that were looked at last */
    int64_t sequence_before; /* of the cursor, when these came */
    struct wire_batch batch; /* one that is read, but not written yet */
    struct wire_rows rows;
    int64_t batch_sequence;            /* 0: there is none */
    int64_t missing_batch, missing_ms; /* that the log does not have, and since when; 0: none */
    int64_t allowance;                 /* rows that may be taken in now */
    int64_t allowed_ms;                /* when it was last added to */
    struct walk walk;
    int64_t walk_ms; /* monotonic: when the next one is due; 0: now */
    int64_t heard_ms;
    int64_t other_incarnation, other_ms; /* the one before, and when it was heard */
    bool copied;
    struct wire_beat beat;
    struct ballot *ballot; /* what it says of its targets, and when it is to be written */
    int64_t ballot_ms;
    struct share_peer_state state;
    uint64_t configuration; /* ours, when it was last looked at */
    int64_t unknown_before; /* rows of unknown names, when the last walk began */
};

static const char *path_or_null(const char *path)
{
    return *path ? path : NULL;
}

int feed_open(const struct share_peer *peer, const struct share_setup *setup,
              struct feed **ret_feed, struct error *error)
{
    const struct transport_options options = {
        .url = peer->url,
        .peer_name = peer->name,
        .ca = path_or_null(setup->ca),
        .certificate = path_or_null(setup->certificate),
        .key = path_or_null(setup->key),
    };
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return error_set(error, ERR_NOMEM, "out of memory");
    feed->peer = *peer;
    feed->state.node = peer->node;
    int code = transport_open(&options, &feed->transport, error);
    if (code == 0)
        *ret_feed = feed;
    else
        free(feed);
    return code;
}

void feed_close(struct feed *feed)
{
    if (!feed)
        return;
    transport_close(feed->transport);
    wire_rows_release(&feed->rows);
    walk_release(&feed->walk);
    ballot_free(feed->ballot);
    free(feed);
}

bool feed_is_of(const struct feed *feed, const struct share_peer *peer)
{
    return feed->peer.node == peer->node && strcmp(feed->peer.url, peer->url) == 0 &&
           strcmp(feed->peer.name, peer->name) == 0;
}

/* ---------------------------------------------------------------- beats */

/* A peer's database that was replaced has a new incarnation; two that take turns are two. */
static void note_incarnation(struct feed *feed, int64_t incarnation, int64_t now_ms)
{
    if (feed->heard_ms != 0 && incarnation != feed->beat.incarnation) {
        feed->copied = incarnation == feed->other_incarnation && now_ms - feed->other_ms < COPY_MS;
        feed->other_incarnation = feed->beat.incarnation;
        feed->other_ms = now_ms;
        feed->walk_ms = 0;
    } else if (now_ms - feed->other_ms >= COPY_MS) {
        feed->copied = false;
    }
}

/* Keeps the ballot for the table, and gives a copy to the main thread. */
static void take_ballot(struct feed *feed, const struct feed_turn *turn, struct ballot *ballot)
{
    ballot->node = feed->peer.node;
    ballot->heard_ms = turn->now_ms;
    struct ballot *copy = ballot_copy(ballot);
    if (copy)
        ballot_box_hand_in(turn->box, copy);
    if (!ballot_equal(feed->ballot, ballot))
        feed->ballot_ms = 0;
    ballot_free(feed->ballot);
    feed->ballot = ballot;
}

/* With its brake on, what it says does not count. */
static int write_ballot(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    const struct ballot nothing = {.node = feed->peer.node};
    if (!feed->ballot || (feed->ballot_ms != 0 && turn->now_ms - feed->ballot_ms < BALLOT_MS))
        return 0;
    int code = sharing_write_ballot(turn->sharing, feed->ballot->brake ? &nothing : feed->ballot,
                                    turn->now_unix_ms, error);
    if (code == 0)
        feed->ballot_ms = turn->now_ms;
    return code;
}

static void take_beats(struct feed *feed, const struct feed_turn *turn)
{
    struct transport_message message;
    struct wire_beat beat;
    while (transport_next_beat(feed->transport, &message)) {
        struct ballot *ballot = ballot_new();
        if (!ballot)
            return;
        if (wire_read_beat(message.bytes, message.length, &beat, ballot, NULL) != 0 ||
            beat.node != feed->peer.node) {
            ballot_free(ballot);
            feed->state.refused++;
            continue;
        }
        take_ballot(feed, turn, ballot);
        note_incarnation(feed, beat.incarnation, turn->now_ms);
        feed->beat = beat;
        feed->heard_ms = turn->now_ms;
        feed->state.heard_ms = turn->now_unix_ms;
        feed->state.clock_offset_ms = beat.clock_ms - turn->now_unix_ms;
    }
}

/* ---------------------------------------------------------------- where to read its log */

/*
 * A log that was made anew, or that is shorter than what was read of it already, is another one.
 * What it held meanwhile is not known, so the tables are compared. `last` was true before we heard
 * of it, so it is compared with where the cursor stood before that was asked.
 */
static bool is_another_log(const struct feed *feed, const struct transport_bounds *bounds)
{
    return bounds->created != feed->cursor.created || bounds->last < feed->sequence_before;
}

static void read_from(struct feed *feed, int64_t sequence)
{
    feed->cursor.sequence = feed->sequence_before = sequence;
    transport_tail(feed->transport, sequence + 1);
    feed->tailing = true;
    feed->batch_sequence = 0;
}

static void follow_bounds(struct feed *feed)
{
    struct transport_bounds bounds;
    if (!transport_bounds(feed->transport, &bounds) || bounds.number == feed->bounds_number)
        return;
    feed->bounds_number = bounds.number;
    int64_t begin = bounds.first > 0 ? bounds.first - 1 : 0;
    if (is_another_log(feed, &bounds)) {
        feed->cursor.created = bounds.created;
        feed->walk_ms = 0;
        read_from(feed, begin);
    } else if (begin > feed->cursor.sequence) { /* it has expired before it was read */
        feed->walk_ms = 0;
        read_from(feed, begin);
    } else if (!feed->tailing) {
        read_from(feed, feed->cursor.sequence);
    }
    feed->sequence_before = feed->cursor.sequence;
}

/*
 * The log was read to its end, and for a while the peer has told of a batch that was not in it: its
 * end was lost.
 */
static void look_for_lost_end(struct feed *feed, int64_t now_ms)
{
    bool missing = feed->heard_ms != 0 && feed->beat.incarnation == feed->cursor.incarnation &&
                   feed->beat.batch > feed->cursor.batch;
    if (!missing || feed->missing_batch == 0)
        feed->missing_ms = now_ms;
    feed->missing_batch = missing ? feed->beat.batch : 0;
    if (missing && now_ms - feed->missing_ms >= LOST_END_MS) {
        feed->walk_ms = 0;
        feed->cursor.batch = feed->beat.batch; /* noticed once; the walk brings what it held */
    }
}

static int load_cursor(struct feed *feed, struct sharing *sharing, struct error *error)
{
    int code = sharing_cursor(sharing, feed->peer.node, &feed->cursor, error);
    feed->has_cursor = code == 0;
    return code;
}

/* ---------------------------------------------------------------- its batches */

/* A second's rows at once at most. */
static void add_allowance(struct feed *feed, const struct feed_turn *turn)
{
    int64_t rate = turn->setup->settings.share_rows_per_second;
    int64_t passed_ms = turn->now_ms - feed->allowed_ms;
    if (passed_ms <= 0)
        return;
    feed->allowed_ms = turn->now_ms;
    feed->allowance += passed_ms >= 1000 ? rate : rate * passed_ms / 1000;
    if (feed->allowance > rate)
        feed->allowance = rate;
}

/* Reads the next batch, if there is one. What is not of this peer is refused, and passed over. */
static bool read_batch(struct feed *feed)
{
    struct transport_message message;
    while (transport_next(feed->transport, &message)) {
        if (message.sequence <= feed->cursor.sequence)
            continue;
        if (wire_read_batch(message.bytes, message.length, &feed->batch, &feed->rows, NULL) == 0 &&
            feed->batch.node == feed->peer.node) {
            feed->batch_sequence = message.sequence;
            return true;
        }
        feed->state.refused++;
        feed->cursor.sequence = message.sequence;
    }
    return false;
}

/*
 * Batches of which we know by their numbers that we have not seen them. The first one that we see
 * of a peer may come after others, or after changes that were dropped since our first walk.
 */
static void note_gap(struct feed *feed)
{
    const struct share_cursor *cursor = &feed->cursor;
    bool is_first = cursor->incarnation == 0;
    bool is_same = is_first || cursor->incarnation == feed->batch.incarnation;
    if (!is_same || feed->batch.acknowledged > (is_first ? 0 : cursor->batch))
        feed->walk_ms = 0;
}

static void note_lag(struct feed *feed, const struct feed_turn *turn)
{
    int64_t decided = 0;
    for (size_t i = 0; i < feed->rows.count; i++)
        if (feed->rows.rows[i].entry.decided > decided)
            decided = feed->rows.rows[i].entry.decided;
    if (decided > 0)
        feed->state.lag_ms = turn->now_unix_ms - decided / ENTRY_TICKS;
}

/* Rows that were left out for now: those from the future, and those for which there was no room. */
static int64_t left_out(const struct feed *feed)
{
    return feed->state.counts.future + feed->state.counts.no_room;
}

static void walk_again(struct feed *feed, int64_t before, int64_t now_ms)
{
    if (left_out(feed) > before && feed->walk_ms > now_ms + LEFT_OUT_WALK_MS)
        feed->walk_ms = now_ms + LEFT_OUT_WALK_MS;
}

static int write_batch(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    const struct shared_rows rows = {
        .rows = feed->rows.rows, .count = feed->rows.count, .capacity = feed->rows.count};
    struct share_cursor cursor = feed->cursor;
    int64_t before = left_out(feed);
    cursor.sequence = feed->batch_sequence;
    cursor.incarnation = feed->batch.incarnation;
    cursor.batch = feed->batch.number;
    int code =
        sharing_apply(turn->sharing, &rows, &cursor, turn->now_unix_ms, &feed->state.counts, error);
    if (code != 0)
        return code;
    note_gap(feed);
    note_lag(feed, turn);
    walk_again(feed, before, turn->now_ms);
    feed->cursor = cursor;
    feed->allowance -= (int64_t)rows.count;
    feed->batch_sequence = 0;
    return 0;
}

static bool take_batches(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    add_allowance(feed, turn);
    for (int i = 0; i < MESSAGES_PER_TURN && feed->allowance > 0; i++) {
        if (feed->batch_sequence == 0 && !read_batch(feed))
            return false;
        if (write_batch(feed, turn, error) != 0)
            return false;
    }
    return feed->allowance > 0;
}

/* ---------------------------------------------------------------- the walk */

static bool run_walk(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    int64_t before = left_out(feed);
    if (turn->configuration != feed->configuration &&
        feed->state.counts.unknown > feed->unknown_before)
        feed->walk_ms = 0; /* what was missing may be there now */
    feed->configuration = turn->configuration;
    bool heard = feed->heard_ms != 0 && turn->now_ms - feed->heard_ms < HEARD_MS;
    if (!heard)
        return false;
    if (!feed->walk.running && turn->now_ms >= feed->walk_ms) {
        walk_begin(&feed->walk, turn->now_unix_ms);
        feed->unknown_before = feed->state.counts.unknown;
        feed->walk_ms = turn->now_ms + turn->setup->settings.share_walk_s * 1000;
    }
    bool more = walk_run(&feed->walk, feed->transport, turn->sharing, turn->now_ms,
                         turn->now_unix_ms, &feed->state.counts, error);
    walk_again(feed, before, turn->now_ms);
    return more;
}

/* ---------------------------------------------------------------- all of it */

bool feed_run(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    take_beats(feed, turn);
    if (write_ballot(feed, turn, error) != 0)
        return false;
    if (!feed->has_cursor && load_cursor(feed, turn->sharing, error) != 0)
        return false;
    follow_bounds(feed);
    bool more = feed->tailing && take_batches(feed, turn, error);
    if (!more)
        look_for_lost_end(feed, turn->now_ms);
    return run_walk(feed, turn, error) || more;
}

void feed_state(const struct feed *feed, const struct feed_turn *turn,
                struct share_peer_state *ret_state)
{
    *ret_state = feed->state;
    ret_state->connected = transport_is_connected(feed->transport);
    ret_state->walking = feed->walk.running;
    ret_state->equal_ms = feed->walk.ended_unix_ms;
    ret_state->configuration = feed->beat.configuration;
    const char *problem = transport_problem(feed->transport);
    if (feed->copied)
        problem = "two servers say that they are this node: one is a copy of the other";
    else if (!*problem && feed->ballot && feed->ballot->brake)
        problem = "its own network is suspected, so what it finds down does not count"
                  " (brake_percent)";
    snprintf(ret_state->problem, sizeof ret_state->problem, "%s", problem);
    (void)turn;
}

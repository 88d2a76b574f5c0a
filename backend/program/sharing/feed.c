/*
 * One section for each thing that comes from a peer: beats, where its log begins and ends, batches,
 * the walk, round trip times. A section that finds that rows may be missing does not fetch them
 * itself: it makes a walk due (walk_ms = 0), which compares the tables.
 */
#include "program/sharing/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/health/quorum.h"
#include "program/sharing/paths.h"
#include "program/sharing/walk.h"
#include "system/clock.h"

/*
 * So many rows are read before they are written, unless there are no more. Each transaction has to
 * wait for the lock, so many small batches cost as much time as one that is large.
 */
#define ROWS_AT_ONCE 1000

/* After rows were left out for now, the walk that brings them comes so much later. */
#define LEFT_OUT_WALK_MS 60000

/* After something that may come again each second, or change more (feed_compare_soon()). */
#define SOON_WALK_MS 5000

/* A batch that the peer says to have handed over is here within milliseconds, or is lost. */
#define LOST_END_MS 5000

/* How often its verdicts are written again: the database may have been replaced. */
#define BALLOT_MS 10000

/*
 * What a message costs of share_rows_per_second at least: so many rows for the transaction, and one
 * for so many octets. So a peer cannot keep us busy with messages that have no rows.
 */
#define MESSAGE_ROWS 4
#define OCTETS_PER_ROW 1000

/*
 * After a walk there is a pause of ten times the work that it was, within these bounds. A peer can
 * tell of gaps and of new databases as often as it likes.
 */
#define WALK_PAUSES 10
#define WALK_PAUSE_MIN_MS 500
#define WALK_PAUSE_MAX_MS 60000

/* Batches that are read and not written yet. */
struct pending {
    struct shared_row *rows; /* owned */
    size_t count, capacity;
    struct share_cursor cursor; /* when they are written; sequence 0: there are none */
    bool gap;                   /* some batches before or between them are missing */
};

struct feed {
    struct share_peer peer;
    struct transport *transport;
    struct share_cursor cursor;
    bool has_cursor;
    bool tailing;            /* the log is being read from the cursor on */
    int64_t bounds_number;   /* of the bounds that were looked at last */
    int64_t sequence_before; /* of the cursor, when these came */
    struct wire_rows read;   /* rows of the batch that was read last */
    struct pending pending;
    int64_t missing_batch, missing_ms; /* that the log does not have, and since when; 0: none */
    int64_t allowance;                 /* rows that may be taken in now */
    int64_t allowed_ms;                /* when it was last added to */
    int64_t left_out_before;           /* left_out() before what is pending was written */
    struct path_reader paths;
    struct walk walk;
    int64_t walk_ms;      /* monotonic: when the next one is due; 0: now */
    int64_t walk_work_ms; /* what this one, or the last, has cost */
    int64_t walk_not_before_ms;
    int64_t heard_ms;
    int64_t other_incarnation, other_ms; /* the one before, and when it was heard */
    bool copied;
    bool was_replaced;                 /* its database, since feed_take_replaced() */
    int64_t other_node, other_node_ms; /* that its beats told last in place of its own */
    struct wire_beat beat;
    struct ballot *ballot; /* what it says of its targets, and when it is to be written */
    int64_t ballot_ms;
    struct share_peer_state state;
    uint64_t configuration; /* ours, when it was last looked at */
    int64_t unknown_before; /* rows of unknown names, when the last walk began */
    struct {
        uint64_t here, there; /* the configurations that `text` is about */
        char text[SHARE_DIFFERENCE_MAX];
    } difference;
};

int feed_open(const struct share_peer *peer, const struct share_setup *setup,
              struct feed **ret_feed, struct error *error)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return error_set(error, ERR_NOMEM, "out of memory");
    feed->peer = *peer;
    feed->state.node = peer->node;
    int code = feed_connect(peer, setup, &feed->transport, error);
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
    wire_rows_release(&feed->read);
    free(feed->pending.rows);
    walk_release(&feed->walk);
    paths_release(&feed->paths);
    ballot_free(feed->ballot);
    free(feed);
}

const struct share_peer *feed_peer(const struct feed *feed)
{
    return &feed->peer;
}

int feed_connect(const struct share_peer *peer, const struct share_setup *setup,
                 struct transport **ret_transport, struct error *error)
{
    const struct transport_options options = {
        .url = peer->url,
        .peer_name = peer->name,
        .ca = setup->ca,
        .certificate = setup->certificate,
        .key = setup->key,
    };
    return transport_open(&options, ret_transport, error);
}

/* ---------------------------------------------------------------- beats */

/* A peer's database that was replaced has a new incarnation; two that take turns are two. */
static void note_incarnation(struct feed *feed, int64_t incarnation, int64_t now_ms)
{
    int64_t before = feed->heard_ms != 0 ? feed->beat.incarnation : feed->cursor.incarnation;
    feed->was_replaced |= before != 0 && before != incarnation;
    if (feed->heard_ms != 0 && incarnation != feed->beat.incarnation) {
        feed->copied =
            incarnation == feed->other_incarnation && now_ms - feed->other_ms < FEED_COPY_MS;
        feed->other_incarnation = feed->beat.incarnation;
        feed->other_ms = now_ms;
        feed->walk_ms = 0;
        paths_restart(&feed->paths);
    } else if (now_ms - feed->other_ms >= FEED_COPY_MS) {
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

/*
 * A clock was set, ours or the peer's. What one of us kept out as of the future may be true now.
 */
static void note_offset(struct feed *feed, const struct feed_turn *turn, int64_t offset_ms)
{
    int64_t moved_ms = offset_ms - feed->state.clock_offset_ms;
    int64_t skew_ms = turn->setup->settings.share_skew_s * 1000;
    if (feed->heard_ms != 0 && (moved_ms > skew_ms || moved_ms < -skew_ms)) {
        feed->walk_ms = 0;
        paths_restart(&feed->paths);
    }
    feed->state.clock_offset_ms = offset_ms;
}

static void note_other_node(struct feed *feed, int64_t node, int64_t now_ms)
{
    feed->other_node = node;
    feed->other_node_ms = now_ms;
}

static void take_beats(struct feed *feed, const struct feed_turn *turn)
{
    struct transport_message message;
    struct wire_beat beat;
    while (transport_next_beat(feed->transport, &message)) {
        struct ballot *ballot = ballot_new();
        if (!ballot)
            return;
        bool is_beat = wire_read_beat(message.bytes, message.length, &beat, ballot, NULL) == 0;
        if (!is_beat || beat.node != feed->peer.node) {
            ballot_free(ballot);
            feed->state.refused++;
            if (is_beat)
                note_other_node(feed, beat.node, turn->now_ms);
            continue;
        }
        take_ballot(feed, turn, ballot);
        note_incarnation(feed, beat.incarnation, turn->now_ms);
        note_offset(feed, turn, beat.clock_ms - turn->now_unix_ms);
        feed->beat = beat;
        feed->paths.told = beat.path;
        feed->heard_ms = turn->now_ms;
        feed->state.heard_ms = turn->now_unix_ms;
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

static void empty_pending(struct feed *feed)
{
    feed->pending.count = 0;
    feed->pending.cursor.sequence = 0;
    feed->pending.gap = false;
}

static void read_from(struct feed *feed, int64_t sequence)
{
    feed->cursor.sequence = feed->sequence_before = sequence;
    transport_tail(feed->transport, sequence + 1);
    feed->tailing = true;
    empty_pending(feed);
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
 * end was lost. That may be all that this database of the peer has ever written to it.
 */
static void look_for_lost_end(struct feed *feed, int64_t now_ms)
{
    bool is_same = feed->beat.incarnation == feed->cursor.incarnation;
    bool missing = feed->heard_ms != 0 && feed->beat.batch > (is_same ? feed->cursor.batch : 0);
    if (!missing || feed->missing_batch == 0)
        feed->missing_ms = now_ms;
    feed->missing_batch = missing ? feed->beat.batch : 0;
    if (missing && now_ms - feed->missing_ms >= LOST_END_MS) {
        feed->walk_ms = 0;
        feed->cursor.incarnation = feed->beat.incarnation;
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
    int64_t added = passed_ms >= 1000 ? rate : rate * passed_ms / 1000;
    if (added == 0) /* with a low rate, a row takes several turns to come */
        return;
    feed->allowed_ms = turn->now_ms;
    feed->allowance += added;
    if (feed->allowance > rate)
        feed->allowance = rate;
}

/* How far the log has been read. */
static struct share_cursor *reached(struct feed *feed)
{
    return feed->pending.cursor.sequence != 0 ? &feed->pending.cursor : &feed->cursor;
}

/*
 * Says whether by the numbers of a batch there are others before it that we have not seen. The
 * first one that we see of a peer may come after others, or after changes that were dropped since
 * our first walk.
 */
static bool shows_gap(const struct share_cursor *before, const struct wire_batch *batch)
{
    bool is_first = before->incarnation == 0;
    bool is_same = is_first || before->incarnation == batch->incarnation;
    return !is_same || batch->acknowledged > (is_first ? 0 : before->batch);
}

static bool add_rows(struct pending *pending, const struct wire_rows *rows)
{
    if (rows->count > pending->capacity - pending->count) {
        size_t capacity = 2 * (pending->count + rows->count);
        struct shared_row *larger = realloc(pending->rows, capacity * sizeof *larger);
        if (!larger)
            return false;
        pending->rows = larger;
        pending->capacity = capacity;
    }
    if (rows->count > 0)
        memcpy(pending->rows + pending->count, rows->rows, rows->count * sizeof *rows->rows);
    pending->count += rows->count;
    return true;
}

/* Adds a message of the log to what is to be written. False for one that is not of this peer. */
static bool add_message(struct feed *feed, const struct transport_message *message)
{
    struct wire_batch batch;
    struct share_cursor cursor = *reached(feed);
    if (wire_read_batch(message->bytes, message->length, &batch, &feed->read, NULL) != 0 ||
        batch.node != feed->peer.node || !add_rows(&feed->pending, &feed->read))
        return false;
    feed->pending.gap |= shows_gap(&cursor, &batch);
    cursor.sequence = message->sequence;
    cursor.incarnation = batch.incarnation;
    cursor.batch = batch.number;
    feed->pending.cursor = cursor;
    return true;
}

/* Reads what has come. What is refused is passed over. Says whether there is anything to write. */
static bool read_batches(struct feed *feed)
{
    struct transport_message message;
    while (feed->allowance > 0 && feed->pending.count < ROWS_AT_ONCE &&
           transport_next(feed->transport, &message)) {
        if (message.sequence <= reached(feed)->sequence)
            continue;
        feed->allowance -= MESSAGE_ROWS + (int64_t)message.length / OCTETS_PER_ROW;
        if (add_message(feed, &message))
            continue;
        feed->state.refused++;
        reached(feed)->sequence = message.sequence;
    }
    return feed->pending.cursor.sequence != 0;
}

static void note_lag(struct feed *feed, const struct feed_turn *turn)
{
    int64_t decided = 0;
    for (size_t i = 0; i < feed->pending.count; i++)
        if (feed->pending.rows[i].entry.decided > decided)
            decided = feed->pending.rows[i].entry.decided;
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

bool feed_receive(struct feed *feed, const struct feed_turn *turn,
                  struct share_delivery *ret_delivery)
{
    struct pending *pending = &feed->pending;
    if (!feed->tailing || feed->allowance <= 0)
        return false;
    if (!read_batches(feed)) {
        look_for_lost_end(feed, turn->now_ms);
        return false;
    }
    feed->left_out_before = left_out(feed);
    *ret_delivery = (struct share_delivery){.rows = pending->rows,
                                            .count = pending->count,
                                            .cursor = &pending->cursor,
                                            .counts = &feed->state.counts};
    return true;
}

void feed_settle(struct feed *feed, const struct feed_turn *turn,
                 const struct share_delivery *delivery)
{
    const struct pending *pending = &feed->pending;
    if (!delivery->written)
        return;
    if (pending->gap)
        feed->walk_ms = 0;
    note_lag(feed, turn);
    walk_again(feed, feed->left_out_before, turn->now_ms);
    feed->cursor = pending->cursor;
    feed->allowance -= (int64_t)pending->count;
    empty_pending(feed);
}

/* ---------------------------------------------------------------- the walk */

static int64_t walk_pause_ms(int64_t work_ms)
{
    int64_t pause_ms = work_ms * WALK_PAUSES;
    if (pause_ms < WALK_PAUSE_MIN_MS)
        return WALK_PAUSE_MIN_MS;
    return pause_ms > WALK_PAUSE_MAX_MS ? WALK_PAUSE_MAX_MS : pause_ms;
}

/* The next walk is due then at the latest; the setting may be less than it was at the last one. */
static int64_t latest_walk_ms(const struct feed_turn *turn)
{
    return turn->now_ms + turn->setup->settings.share_walk_s * 1000;
}

static bool run_walk(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    int64_t before = left_out(feed);
    if (turn->configuration != feed->configuration &&
        feed->state.counts.unknown > feed->unknown_before) {
        feed->walk_ms = 0; /* what was missing may be there now */
        paths_restart(&feed->paths);
    }
    feed->configuration = turn->configuration;
    if (!feed_is_heard(feed, turn))
        return false;
    if (feed->walk_ms > latest_walk_ms(turn))
        feed->walk_ms = latest_walk_ms(turn);
    if (!feed->walk.running && turn->now_ms >= feed->walk_ms &&
        turn->now_ms >= feed->walk_not_before_ms) {
        feed->walk_work_ms = 0;
        walk_begin(&feed->walk);
        feed->unknown_before = feed->state.counts.unknown;
        feed->walk_ms = latest_walk_ms(turn);
    }
    bool was_running = feed->walk.running;
    int64_t begun_ms = clock_monotonic_ms();
    bool more = walk_run(&feed->walk, feed->transport, turn->sharing, turn->now_ms,
                         turn->now_unix_ms, &feed->state.counts, error);
    if (was_running) {
        int64_t now_ms = clock_monotonic_ms();
        feed->walk_work_ms += now_ms - begun_ms;
        feed->walk_not_before_ms = now_ms + walk_pause_ms(feed->walk_work_ms);
    }
    walk_again(feed, before, turn->now_ms);
    return more;
}

/* ---------------------------------------------------------------- round trip times */

static int read_paths(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    int64_t before = left_out(feed);
    int code =
        paths_take(&feed->paths, feed->transport, turn->sharing, feed->peer.node, turn->now_ms,
                   turn->now_unix_ms, &feed->allowance, &feed->state.counts, error);
    if (code != 0)
        return code;
    if (left_out(feed) > before)
        paths_restart_later(&feed->paths, turn->now_ms);
    if (feed->allowance > 0)
        paths_ask(&feed->paths, feed->transport, turn->now_ms,
                  turn->setup->settings.share_walk_s * 1000);
    return 0;
}

/* ---------------------------------------------------------------- all of it */

void feed_listen(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    take_beats(feed, turn);
    add_allowance(feed, turn);
    if (write_ballot(feed, turn, error) != 0)
        return;
    if (!feed->has_cursor && load_cursor(feed, turn->sharing, error) != 0)
        return;
    follow_bounds(feed);
}

bool feed_ask(struct feed *feed, const struct feed_turn *turn, struct error *error)
{
    return read_paths(feed, turn, error) == 0 && run_walk(feed, turn, error);
}

void feed_compare_soon(struct feed *feed, int64_t now_ms)
{
    if (feed->walk_ms > now_ms + SOON_WALK_MS)
        feed->walk_ms = now_ms + SOON_WALK_MS;
}

bool feed_is_heard(const struct feed *feed, const struct feed_turn *turn)
{
    return feed->heard_ms != 0 && turn->now_ms - feed->heard_ms < QUORUM_HEARD_MS;
}

bool feed_is_ahead(const struct feed *feed, const struct feed_turn *turn)
{
    int64_t there_ms = feed->beat.clock_ms + (turn->now_ms - feed->heard_ms);
    return there_ms - turn->now_unix_ms > turn->setup->settings.share_skew_s * 1000;
}

bool feed_take_replaced(struct feed *feed)
{
    bool was_replaced = feed->was_replaced;
    feed->was_replaced = false;
    return was_replaced;
}

static bool differs(const struct feed *feed, const struct feed_turn *turn)
{
    return feed->heard_ms != 0 && feed->beat.configuration != turn->configuration;
}

bool feed_differs_anew(const struct feed *feed, const struct feed_turn *turn)
{
    return differs(feed, turn) && feed_is_heard(feed, turn) &&
           (feed->difference.here != turn->configuration ||
            feed->difference.there != feed->beat.configuration);
}

void feed_note_difference(struct feed *feed, const struct feed_turn *turn, const char *text)
{
    feed->difference.here = turn->configuration;
    feed->difference.there = feed->beat.configuration;
    snprintf(feed->difference.text, sizeof feed->difference.text, "%s", text);
}

static void describe_problem(const struct feed *feed, const struct feed_turn *turn, char *ret_text,
                             size_t size)
{
    const char *problem = transport_problem(feed->transport);
    if (feed->copied)
        snprintf(ret_text, size,
                 "two servers say that they are this node: one is a copy of the other");
    else if (feed->other_node != 0 && turn->now_ms - feed->other_node_ms < QUORUM_HEARD_MS)
        snprintf(ret_text, size,
                 "its server says that it is node %" PRId64
                 "%s: compare share.node there with peer.node",
                 feed->other_node,
                 feed->other_node == turn->setup->node ? ", which is this server" : "");
    else if (transport_may_write(feed->transport))
        snprintf(ret_text, size,
                 "its nats-server lets this server write to its log: see permissions in nats.conf");
    else if (!*problem && feed->ballot && feed->ballot->brake)
        snprintf(ret_text, size,
                 "its own network is suspected, so what it finds down does not count"
                 " (brake_percent)");
    else
        snprintf(ret_text, size, "%.255s", problem);
}

void feed_state(const struct feed *feed, const struct feed_turn *turn,
                struct share_peer_state *ret_state)
{
    *ret_state = feed->state;
    ret_state->connected = transport_is_connected(feed->transport);
    ret_state->walking = feed->walk.running;
    ret_state->equal_ms = feed->walk.ended_unix_ms;
    ret_state->differs = differs(feed, turn);
    snprintf(ret_state->difference, sizeof ret_state->difference, "%s",
             ret_state->differs && !feed_differs_anew(feed, turn) ? feed->difference.text : "");
    ret_state->refused += feed->walk.refused + feed->paths.refused;
    describe_problem(feed, turn, ret_state->problem, sizeof ret_state->problem);
}

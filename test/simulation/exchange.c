/* What name servers tell each other: batches in logs, beats, and walks. */
#include <string.h>

#include "world.h"

/* -------------------------------------------------------------- the log */

void log_begin(struct world *world, struct log *log)
{
    log->created = ++world->counter;
    log->first = 1;
    log->last = 0;
}

void log_lose_tail(struct log *log, size_t count)
{
    for (; count > 0 && log->last >= log->first; count--)
        log->last--;
}

void log_expire(struct log *log, size_t count)
{
    for (; count > 0 && log->last >= log->first; count--)
        log->first++;
}

static void log_append(struct log *log, const struct message *message)
{
    log->last++;
    log->messages[log->last % LOG_MAX] = *message;
    if (log->last - log->first >= LOG_MAX)
        log->first++;
}

/* -------------------------------------------------------------- what was changed here */

static void forget_changes(struct server *server, size_t count)
{
    server->changes -= count;
    memmove(server->outbox, server->outbox + count, server->changes * sizeof *server->outbox);
}

/* A batch of this number will never be in the log, and whoever has not seen it walks. */
static void leave_gap(struct world *world, struct server *server)
{
    server->number = server->acknowledged = ++world->counter;
}

void outbox_note(struct world *world, struct server *server, size_t key)
{
    if (server->changes == OUTBOX_MAX) {
        say(world, "node %d drops a change", (int)server->node);
        server_take_back(world, server, server->outbox[0].key);
        forget_changes(server, 1);
        leave_gap(world, server);
    }
    server->outbox[server->changes].stamp = ++server->stamp;
    server->outbox[server->changes].key = key;
    server->changes++;
}

static bool has_row(const struct message *message, size_t key)
{
    for (size_t i = 0; i < message->count; i++)
        if (message->rows[i].key == key)
            return true;
    return false;
}

/* The current rows of the keys that changed longest ago; returns the stamp of the last one. */
static int64_t read_changes(struct world *world, struct server *server, struct message *ret_message)
{
    int64_t stamp = 0;
    for (size_t i = 0; i < server->changes && ret_message->count < BATCH_KEYS; i++) {
        size_t key = server->outbox[i].key;
        stamp = server->outbox[i].stamp;
        if (!server->rows[key].filled || has_row(ret_message, key))
            continue;
        server_take_back(world, server, key);
        ret_message->rows[ret_message->count].key = key;
        ret_message->rows[ret_message->count].version = server->rows[key].version;
        ret_message->count++;
    }
    return stamp;
}

bool server_hand_over(struct world *world, struct server *server, bool arrives)
{
    if (server->waiting.is || server->changes == 0 || !server->log_runs)
        return false;
    /* A number is never used twice, even by a sharer that starts anew. */
    server->number =
        world->mutant == MUTANT_NUMBERS_RESTART ? server->number + 1 : ++world->counter;
    struct message message = {.incarnation = server->incarnation,
                              .number = server->number,
                              .acknowledged = server->acknowledged};
    server->waiting.stamp = read_changes(world, server, &message);
    server->waiting.is = true;
    server->waiting.arrived = arrives;
    server->waiting.number = server->number;
    if (arrives)
        log_append(&server->log, &message);
    say(world, "node %d hands over %lld: %zu rows%s", (int)server->node, (long long)message.number,
        message.count, arrives ? "" : ", in vain");
    return true;
}

void server_end_waiting(struct world *world, struct server *server, bool acknowledges)
{
    if (!server->waiting.is)
        return;
    server->waiting.is = false;
    if (!server->waiting.arrived || !acknowledges)
        return;
    size_t count = 0;
    while (count < server->changes && server->outbox[count].stamp <= server->waiting.stamp)
        count++;
    forget_changes(server, count);
    if (server->waiting.number > server->acknowledged)
        server->acknowledged = server->waiting.number;
    say(world, "node %d: %lld is in its log", (int)server->node, (long long)server->waiting.number);
}

void server_restart(struct world *world, struct server *server)
{
    say(world, "node %d starts its sharer anew", (int)server->node);
    server->waiting.is = false;
    if (world->mutant == MUTANT_NUMBERS_RESTART)
        server->number = server->acknowledged = 0;
    for (size_t i = 0; i < SERVERS_MAX; i++)
        server->feeds[i] =
            (struct feed){.stored = server->feeds[i].stored, .current = server->feeds[i].stored};
}

/* -------------------------------------------------------------- what comes from others */

bool can_hear(const struct server *server, const struct server *peer)
{
    return server != peer && server->side == peer->side && peer->log_runs;
}

static struct feed *feed_of(struct server *server, const struct server *peer)
{
    return &server->feeds[peer->node - 1];
}

/* While a walk is owed, the cursor in the database stays where it is: a restart finds the hole
 * again. */
static void store_position(const struct world *world, struct feed *feed)
{
    if (!feed->walking || world->mutant == MUTANT_CURSOR_FIRST)
        feed->stored = feed->current;
}

void feed_begin_walk(struct server *server, struct server *peer)
{
    struct feed *feed = feed_of(server, peer);
    feed->walking = true;
    feed->wants_rows = false;
    feed->place = 0;
}

static void owe_walk(struct world *world, struct server *server, struct server *peer)
{
    if (world->mutant == MUTANT_NO_GAPS || world->mutant == MUTANT_NO_WALK)
        return;
    say(world, "node %d owes node %d a walk", (int)server->node, (int)peer->node);
    feed_begin_walk(server, peer);
}

/* Reads on from the end of a log that is not the one it was, or behind what has expired. */
static void check_bounds(struct world *world, struct server *server, struct server *peer)
{
    struct position *position = &feed_of(server, peer)->current;
    const struct log *log = &peer->log;
    if (position->created != log->created || position->sequence > log->last) {
        *position =
            (struct position){log->created, log->last, peer->incarnation, peer->acknowledged};
        owe_walk(world, server, peer);
    } else if (position->sequence + 1 < log->first) {
        position->sequence = log->first - 1;
        owe_walk(world, server, peer);
    }
}

/* A beat says what the log should have told, and counts only for who has read all of it. */
static void hear_beat(struct world *world, struct server *server, struct server *peer)
{
    struct position *position = &feed_of(server, peer)->current;
    if (position->sequence != peer->log.last)
        return;
    if (position->incarnation != peer->incarnation) {
        position->incarnation = peer->incarnation;
        position->batch = peer->acknowledged;
        owe_walk(world, server, peer);
    } else if (peer->acknowledged > position->batch) {
        position->batch = peer->acknowledged;
        owe_walk(world, server, peer);
    }
}

void feed_look(struct world *world, struct server *server, struct server *peer)
{
    check_bounds(world, server, peer);
    hear_beat(world, server, peer);
    store_position(world, feed_of(server, peer));
}

static void hear_batch(struct world *world, struct server *server, struct server *peer,
                       const struct message *message)
{
    struct position *position = &feed_of(server, peer)->current;
    bool other = position->incarnation != message->incarnation;
    if (other || message->acknowledged > position->batch)
        owe_walk(world, server, peer);
    position->incarnation = message->incarnation;
    if (other || message->number > position->batch)
        position->batch = message->number;
    for (size_t i = 0; i < message->count; i++)
        server_hear(world, server, message->rows[i].key, &message->rows[i].version);
}

bool feed_read(struct world *world, struct server *server, struct server *peer)
{
    struct feed *feed = feed_of(server, peer);
    check_bounds(world, server, peer);
    bool more = feed->current.sequence < peer->log.last;
    if (more) {
        feed->current.sequence++;
        hear_batch(world, server, peer, &peer->log.messages[feed->current.sequence % LOG_MAX]);
    }
    store_position(world, feed);
    return more;
}

/* -------------------------------------------------------------- walks */

static bool is_told(const struct world *world, const struct server *server, size_t key)
{
    const struct slot *row = &server->rows[key];
    return row->filled && !entry_is_over(&row->version.entry, server_clock_ms(world, server),
                                         world_grace_s(world));
}

/* Where the page after `place` ends: the key behind its last row, or KEYS. */
static size_t page_end(const struct world *world, const struct server *server, size_t place)
{
    size_t rows = 0, key = place;
    for (; key < KEYS && rows < PAGE_KEYS; key++)
        rows += is_told(world, server, key);
    return key;
}

static uint64_t digest(const struct world *world, const struct server *server, size_t from,
                       size_t to)
{
    uint64_t total = 0;
    for (size_t key = from; key < to; key++) {
        if (!is_told(world, server, key))
            continue;
        struct shared_row row = {.pool = "web", .key = {(char)('a' + key)}};
        row.entry = server->rows[key].version.entry;
        total += shared_row_digest(&row);
    }
    return total;
}

static void end_walk(struct world *world, struct feed *feed)
{
    feed->walking = false;
    store_position(world, feed);
}

/* One question and its answer: a digest, or the rows when the digests differed. */
void feed_walk(struct world *world, struct server *server, struct server *peer)
{
    struct feed *feed = feed_of(server, peer);
    if (!feed->walking)
        return;
    size_t end = page_end(world, peer, feed->place);
    if (!feed->wants_rows &&
        digest(world, server, feed->place, end) != digest(world, peer, feed->place, end)) {
        feed->wants_rows = true;
        return;
    }
    for (size_t key = feed->place; key < end && feed->wants_rows; key++)
        if (is_told(world, peer, key))
            server_hear(world, server, key, &peer->rows[key].version);
    feed->wants_rows = false;
    feed->place = end;
    if (end == KEYS)
        end_walk(world, feed);
}

/*
 * All work is done in turns (take_turn(), near the end), and no turn waits for the network. The
 * sections: reading the setup and opening connections, handing over changes in batches, what is
 * done each second (beats, sweep, state), and the thread. What comes from one peer is in feed.c.
 */
#include "program/sharing/sharer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/health/quorum.h"
#include "program/sharing/comparison.h"
#include "program/sharing/feed.h"
#include "program/sharing/follower.h"
#include "program/sharing/paths.h"
#include "program/sharing/walk.h"
#include "share/certificate.h"
#include "share/transport.h"
#include "share/wire.h"
#include "store/sharing/sharing.h"
#include "system/clock.h"
#include "system/thread.h"

/* How often the setup is read again, and how often that is done while nothing is shared. */
#define SETUP_MS 500

/* Beats, what is to be seen, and the sweep. */
#define BEAT_MS 1000

/* How often the files for TLS are looked at. */
#define FILES_MS 10000

/* So long each peer may take to begin to read our log. */
#define READERS_MS 30000

/* So often what has come of peers is written before a turn goes on to other things. */
#define WRITES_PER_TURN 4

/* A peer may tell of ever new databases. All peers are compared for it no more often than this. */
#define REPLACED_MS 30000

/* A batch collects changes for no longer than this, unless share_poll_ms is more. */
#define BATCH_PAUSE_MAX_MS 100

/* The longest pause between two turns: others ask, and wait for beats. */
#define TURN_PAUSE_MAX_MS 100

/* Questions that are answered in one turn. */
#define QUESTIONS_PER_TURN 4

/* How long the end waits for connections that are being closed. */
#define END_MS 500

#define PROBLEMS_MAX 16

struct sharer {
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* of the problems */
    struct error problems[PROBLEMS_MAX];
    size_t problem_count;

    /* All else is the thread's. */
    struct sharing *sharing;
    struct ballot_box *box;
    struct ballot *ours; /* what was found out here, for the beats; NULL: nothing yet */
    struct share_setup setup;
    bool has_setup;
    int64_t setup_ms, beat_ms;
    int64_t files_ms;    /* when they were looked at; 0: never */
    int64_t readers_ms;  /* since when our log has too few readers; 0: it has enough */
    int64_t replaced_ms; /* not before are new databases of peers looked for again */
    char files_problem[256];
    struct transport *home;
    struct feed *feeds[SHARE_PEERS_MAX]; /* by the order of setup.peers */
    struct copy_reader *primary;         /* the peer that is followed, or NULL */
    struct comparison comparison;
    struct shared_rows batch_rows, page_rows;
    struct wire_paths *page_paths; /* like page_rows, for answers */
    int64_t answers_ms;            /* monotonic: no question is answered before */
    bool has_changed;              /* there may be changes to hand over */
    bool handing_over;             /* a batch is on its way */
    int64_t look_ms;               /* monotonic: no batch is read before */
    int64_t batch, stamp;          /* its number, and that of its last change */
    int64_t process;               /* a random number, by which we know our own beats; 0: none */
    int64_t started_unix_ms;
    int64_t copied_ms; /* when another server with our node was last heard */
    uint64_t configuration;
    int64_t path; /* how far what was measured here goes, see sharing_last_path() */
    struct share_state state;
};

static void add_problem(struct sharer *sharer, const struct error *error)
{
    if (error->code == 0)
        return;
    pthread_mutex_lock(&sharer->mutex);
    if (sharer->problem_count < PROBLEMS_MAX)
        sharer->problems[sharer->problem_count++] = *error;
    pthread_mutex_unlock(&sharer->mutex);
}

bool sharer_take_problem(struct sharer *sharer, struct error *ret_error)
{
    pthread_mutex_lock(&sharer->mutex);
    bool found = sharer->problem_count > 0;
    if (found)
        *ret_error = sharer->problems[--sharer->problem_count];
    pthread_mutex_unlock(&sharer->mutex);
    return found;
}

/* ---------------------------------------------------------------- the setup */

static void close_all(struct sharer *sharer)
{
    for (size_t i = 0; i < SHARE_PEERS_MAX; i++) {
        feed_close(sharer->feeds[i]);
        sharer->feeds[i] = NULL;
    }
    copy_reader_close(sharer->primary);
    sharer->primary = NULL;
    comparison_end(&sharer->comparison);
    transport_close(sharer->home);
    sharer->home = NULL;
    sharer->handing_over = false;
}

/* Who we are, and how we connect; where it changes, all connections are made anew. */
static bool same_self(const struct share_setup *a, const struct share_setup *b)
{
    return a->node == b->node && a->incarnation == b->incarnation &&
           strcmp(a->name, b->name) == 0 && strcmp(a->url, b->url) == 0 &&
           strcmp(a->ca, b->ca) == 0 && strcmp(a->certificate, b->certificate) == 0 &&
           strcmp(a->key, b->key) == 0;
}

static void open_home(struct sharer *sharer)
{
    const struct share_setup *setup = &sharer->setup;
    struct error error = {0};
    const struct transport_options options = {
        .url = setup->url,
        .peer_name = setup->name,
        .ca = setup->ca,
        .certificate = setup->certificate,
        .key = setup->key,
        .is_home = true,
    };
    transport_open(&options, &sharer->home, &error);
    snprintf(sharer->state.problem, sizeof sharer->state.problem, "%.255s",
             error.code != 0 ? error.text : "");
    add_problem(sharer, &error);
    /* A number that was used and not acknowledged before a restart must not come again. */
    int64_t now_ms = clock_unix_ms();
    sharer->batch = setup->batch > now_ms ? setup->batch : now_ms;
    sharer->has_changed = true;
}

/* The feed of a peer, out of those that there were, or a new one. */
static struct feed *feed_for(struct sharer *sharer, struct feed *old[],
                             const struct share_peer *peer)
{
    struct feed *feed = NULL;
    struct error error = {0};
    for (size_t i = 0; i < SHARE_PEERS_MAX; i++)
        if (old[i] && share_peer_equal(feed_peer(old[i]), peer)) {
            feed = old[i];
            old[i] = NULL;
            return feed;
        }
    if (feed_open(peer, &sharer->setup, &feed, &error) != 0)
        add_problem(sharer, &error);
    return feed;
}

static void follow_peers(struct sharer *sharer)
{
    struct feed *old[SHARE_PEERS_MAX];
    memcpy(old, sharer->feeds, sizeof old);
    memset(sharer->feeds, 0, sizeof sharer->feeds);
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        sharer->feeds[i] = feed_for(sharer, old, &sharer->setup.peers[i]);
    for (size_t i = 0; i < SHARE_PEERS_MAX; i++)
        feed_close(old[i]);
}

/* The peer whose configuration this server takes over; NULL: none. */
static const struct share_peer *find_primary(const struct share_setup *setup)
{
    for (size_t i = 0; i < setup->peer_count; i++)
        if (setup->follow != 0 && setup->peers[i].node == setup->follow)
            return &setup->peers[i];
    return NULL;
}

static void follow_primary(struct sharer *sharer)
{
    struct error error = {0};
    const struct share_peer *primary = find_primary(&sharer->setup);
    if (sharer->primary &&
        (!primary || !share_peer_equal(copy_reader_peer(sharer->primary), primary))) {
        copy_reader_close(sharer->primary);
        sharer->primary = NULL;
    }
    if (primary && !sharer->primary &&
        copy_reader_open(primary, &sharer->setup, &sharer->primary, &error) != 0)
        add_problem(sharer, &error);
}

static void report_restored(struct sharer *sharer)
{
    struct error error = {0};
    error_set(&error, ERR_CORRUPT,
              "the database is as it was some time ago: its mappings are compared with those of"
              " all peers");
    add_problem(sharer, &error);
}

/*
 * Where it cannot be read, what was set up before goes on. How far the peers were read stands in
 * the database, so after a backup was restored all begins anew, as after a start.
 */
static void follow_setup(struct sharer *sharer, int64_t now_ms)
{
    struct share_setup setup;
    struct error error = {0};
    if (sharer->setup_ms != 0 && now_ms - sharer->setup_ms < SETUP_MS)
        return;
    sharer->setup_ms = now_ms;
    if (sharing_load(sharer->sharing, &setup, &error) != 0) {
        if (error.code != ERR_BUSY)
            add_problem(sharer, &error);
        return;
    }
    bool is_same = sharer->has_setup && same_self(&sharer->setup, &setup) && !setup.restored;
    sharer->has_setup = true;
    sharer->setup = setup;
    if (setup.restored)
        report_restored(sharer);
    if (!is_same) {
        close_all(sharer);
        sharer->files_ms = sharer->readers_ms = 0;
    }
    ballot_box_set_peers(sharer->box, setup.node == 0 ? 0 : (int)setup.peer_count);
    if (setup.node == 0)
        return;
    if (!sharer->home)
        open_home(sharer);
    follow_peers(sharer);
    follow_primary(sharer);
}

/* ---------------------------------------------------------------- handing over */

/* The changes are forgotten once they are in the log; until that is so, they are given again. */
static bool finish_batch(struct sharer *sharer, struct error *error)
{
    enum append_state state = transport_append_state(sharer->home);
    if (state == APPEND_WAITING)
        return false;
    if (state == APPEND_DONE &&
        sharing_forget_changes(sharer->sharing, sharer->stamp, sharer->batch, error) != 0)
        return false;
    if (state == APPEND_DONE)
        sharer->setup.batch = sharer->batch;
    sharer->handing_over = false;
    return true;
}

/*
 * Every server gets the batches of all others, and each costs it about as much as its rows. So the
 * more servers there are, the longer a batch collects: each server receives about two in
 * share_poll_ms.
 */
static int64_t batch_pause_ms(const struct sharer *sharer)
{
    int64_t poll_ms = sharer->setup.settings.share_poll_ms;
    int64_t pause_ms = poll_ms * (int64_t)sharer->setup.peer_count / 2;
    if (pause_ms > BATCH_PAUSE_MAX_MS)
        pause_ms = BATCH_PAUSE_MAX_MS;
    return pause_ms > poll_ms ? pause_ms : poll_ms;
}

static void give_batch(struct sharer *sharer)
{
    struct buffer text = {0};
    const struct wire_batch batch = {.node = sharer->setup.node,
                                     .incarnation = sharer->setup.incarnation,
                                     .number = sharer->batch + 1,
                                     .acknowledged = sharer->setup.batch};
    wire_write_batch(&text, &batch, sharer->batch_rows.rows, sharer->batch_rows.count);
    if (!text.failed && transport_append(sharer->home, buffer_text(&text), text.length) == 0) {
        sharer->batch++;
        sharer->handing_over = true;
    }
    buffer_release(&text);
}

static bool hand_over(struct sharer *sharer, int64_t now_ms, struct error *error)
{
    if (!sharer->home || (sharer->handing_over && !finish_batch(sharer, error)))
        return false;
    if (!sharer->has_changed || sharer->state.copied || now_ms < sharer->look_ms ||
        !transport_may_append(sharer->home))
        return false;
    bool more;
    if (sharing_read_changes(sharer->sharing, &sharer->batch_rows, &sharer->stamp, &more, error) !=
        0)
        return false;
    sharer->look_ms = more ? now_ms : now_ms + batch_pause_ms(sharer);
    if (sharer->stamp == 0)
        sharer->has_changed = false;
    else if (sharer->batch_rows.count > 0)
        give_batch(sharer);
    else
        return sharing_forget_changes(sharer->sharing, sharer->stamp, sharer->setup.batch, error) ==
               0;
    return false;
}

/* ---------------------------------------------------------------- each second */

/*
 * A beat with our node that is not ours: of a copy of this database, or of a clone of this machine,
 * which has the same incarnation. What a process before this one has sent does not count.
 */
static bool is_of_copy(const struct sharer *sharer, const struct wire_beat *beat)
{
    bool is_clone = beat->process != 0 && sharer->process != 0 &&
                    beat->process != sharer->process && beat->clock_ms > sharer->started_unix_ms;
    return beat->node == sharer->setup.node &&
           (beat->incarnation != sharer->setup.incarnation || is_clone);
}

/* Our own beats come back to us. */
static void listen_at_home(struct sharer *sharer, int64_t now_ms)
{
    struct transport_message message;
    struct wire_beat beat;
    struct ballot ballot = {0};
    while (transport_next_beat(sharer->home, &message))
        if (wire_read_beat(message.bytes, message.length, &beat, &ballot, NULL) == 0 &&
            is_of_copy(sharer, &beat))
            sharer->copied_ms = now_ms;
    free(ballot.votes);
    sharer->state.copied = sharer->copied_ms != 0 && now_ms - sharer->copied_ms < FEED_COPY_MS;
}

static void send_beat(struct sharer *sharer, int64_t now_unix_ms)
{
    struct buffer text = {0};
    const struct wire_beat beat = {.node = sharer->setup.node,
                                   .incarnation = sharer->setup.incarnation,
                                   .clock_ms = now_unix_ms,
                                   .batch = sharer->setup.batch,
                                   .rows = sharer->state.waiting,
                                   .configuration = sharer->configuration,
                                   .path = sharer->path,
                                   .process = sharer->process};
    wire_write_beat(&text, &beat, sharer->ours);
    if (!text.failed)
        transport_beat(sharer->home, buffer_text(&text), text.length);
    buffer_release(&text);
}

/* What is found out here is told at once, so that the others don't decide without it. */
static void tell_ballot(struct sharer *sharer, int64_t now_unix_ms)
{
    struct ballot *ours = ballot_box_take_ours(sharer->box);
    if (!ours)
        return;
    ballot_free(sharer->ours);
    sharer->ours = ours;
    if (sharer->home)
        send_beat(sharer, now_unix_ms);
}

static void compare_soon(struct sharer *sharer, int64_t now_ms)
{
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i])
            feed_compare_soon(sharer->feeds[i], now_ms);
}

/*
 * Where most peers say that it is later, what they have told is not of the future. While none is
 * heard, nobody can say.
 */
static bool clock_is_right(const struct sharer *sharer, const struct feed_turn *turn)
{
    size_t heard = 0, ahead = 0;
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i] && feed_is_heard(sharer->feeds[i], turn)) {
            heard++;
            ahead += feed_is_ahead(sharer->feeds[i], turn);
        }
    return heard > 0 && 2 * ahead <= heard;
}

/*
 * Changes that are dropped get the number of a batch that is never sent: peers see that one is
 * missing, and compare tables.
 */
static void sweep(struct sharer *sharer, const struct feed_turn *turn, struct error *error)
{
    struct share_swept swept = {0};
    const struct share_sweep sweep = {.now_ms = turn->now_unix_ms,
                                      .batch = sharer->batch + 1,
                                      .clock_is_right = clock_is_right(sharer, turn)};
    sharing_sweep(sharer->sharing, &sweep, &swept, error);
    if (swept.dropped > 0) {
        sharer->state.dropped += swept.dropped;
        sharer->setup.batch = ++sharer->batch;
    }
    if (swept.taken_back > 0) {
        sharer->has_changed = true;
        compare_soon(sharer, turn->now_ms);
    }
}

static void look_at_files(struct sharer *sharer, const struct feed_turn *turn)
{
    const struct share_setup *setup = &sharer->setup;
    const struct certificate_files files = {
        .ca = setup->ca, .certificate = setup->certificate, .key = setup->key, .name = setup->name};
    if (sharer->files_ms != 0 && turn->now_ms - sharer->files_ms < FILES_MS)
        return;
    sharer->files_ms = turn->now_ms;
    certificate_check(&files, turn->now_unix_ms / 1000, sharer->files_problem,
                      sizeof sharer->files_problem);
}

/* Peers that we hear should read our log as well; those whose table peer lacks us do not. */
static void count_readers(struct sharer *sharer, const struct share_peer_state *peers, size_t count,
                          const struct feed_turn *turn)
{
    struct transport_bounds bounds;
    size_t heard = 0, last = 0;
    for (size_t i = 0; i < count; i++)
        if (turn->now_unix_ms - peers[i].heard_ms < QUORUM_HEARD_MS) {
            heard++;
            last = i;
        }
    bool known = sharer->home && transport_bounds(sharer->home, &bounds);
    if (!known || bounds.readers >= (int64_t)heard)
        sharer->readers_ms = 0;
    else if (sharer->readers_ms == 0)
        sharer->readers_ms = turn->now_ms;
    sharer->state.warning[0] = '\0';
    if (sharer->readers_ms == 0 || turn->now_ms - sharer->readers_ms < READERS_MS)
        return;
    if (heard == 1)
        snprintf(sharer->state.warning, sizeof sharer->state.warning,
                 "node %" PRId64 " does not read our changes: is this server in its table peer?",
                 peers[last].node);
    else
        snprintf(sharer->state.warning, sizeof sharer->state.warning,
                 "of %zu peers that are heard, %" PRId64 " read our changes: is this server in"
                 " table peer of each of them?",
                 heard, bounds.readers);
}

static void write_state(struct sharer *sharer, const struct feed_turn *turn, struct error *error)
{
    struct share_peer_state peers[SHARE_PEERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i])
            feed_state(sharer->feeds[i], turn, &peers[count++]);
    struct share_state *state = &sharer->state;
    look_at_files(sharer, turn);
    count_readers(sharer, peers, count, turn);
    if (*sharer->files_problem)
        memcpy(state->warning, sharer->files_problem, sizeof state->warning);
    state->connected = sharer->home && transport_is_connected(sharer->home);
    if (sharer->home)
        snprintf(state->problem, sizeof state->problem, "%s", transport_problem(sharer->home));
    sharing_write_state(sharer->sharing, state, peers, count, turn->now_unix_ms, error);
}

/*
 * What a peer told before its database was lost may have come to some of its peers only, and it
 * cannot tell the others any more. So the tables of all are compared.
 */
static void follow_replaced(struct sharer *sharer, int64_t now_ms)
{
    bool was_replaced = false;
    if (now_ms < sharer->replaced_ms)
        return;
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i])
            was_replaced |= feed_take_replaced(sharer->feeds[i]);
    if (!was_replaced)
        return;
    sharer->replaced_ms = now_ms + REPLACED_MS;
    compare_soon(sharer, now_ms);
}

static void each_second(struct sharer *sharer, const struct feed_turn *turn, struct error *error)
{
    if (sharer->beat_ms != 0 && turn->now_ms - sharer->beat_ms < BEAT_MS)
        return;
    sharer->beat_ms = turn->now_ms;
    if (turn->now_unix_ms < sharer->started_unix_ms) /* the clock was ahead then */
        sharer->started_unix_ms = turn->now_unix_ms;
    sharing_configuration_digest(sharer->sharing, &sharer->configuration, error);
    sweep(sharer, turn, error);
    sharing_count_changes(sharer->sharing, &sharer->state.waiting, &sharer->state.oldest_ms, error);
    sharing_last_path(sharer->sharing, &sharer->path, error);
    if (sharer->home) {
        listen_at_home(sharer, turn->now_ms);
        send_beat(sharer, turn->now_unix_ms);
    }
    write_state(sharer, turn, error);
    if (sharer->primary)
        follower_note(sharer->primary, turn, error);
}

/* ---------------------------------------------------------------- the thread */

/* Appends nothing for one that is malformed. */
static void answer(struct sharer *sharer, const struct transport_message *message,
                   int64_t now_unix_ms, struct buffer *out, struct error *error)
{
    struct wire_question question;
    if (wire_read_question(message->bytes, message->length, &question, NULL) != 0)
        copy_answer(sharer->sharing, &sharer->setup, message, out, error);
    else if (question.paths)
        paths_answer(sharer->sharing, &question, now_unix_ms, sharer->page_paths, out, error);
    else
        walk_answer(sharer->sharing, &question, now_unix_ms, &sharer->page_rows, out, error);
}

/* For no more than half of the time, however many questions there are. */
static void answer_questions(struct sharer *sharer, int64_t now_unix_ms, struct error *error)
{
    int64_t begun_ms = clock_monotonic_ms();
    if (sharer->state.copied || begun_ms < sharer->answers_ms)
        return;
    struct transport_message question;
    struct buffer text = {0};
    for (int i = 0;
         i < QUESTIONS_PER_TURN && sharer->home && transport_next_question(sharer->home, &question);
         i++) {
        buffer_truncate(&text, 0);
        answer(sharer, &question, now_unix_ms, &text, error);
        if (!text.failed && text.length > 0)
            transport_answer(sharer->home, buffer_text(&text), text.length);
    }
    buffer_release(&text);
    int64_t ended_ms = clock_monotonic_ms();
    sharer->answers_ms = ended_ms + (ended_ms - begun_ms);
}

/* Writes what has come of all peers. True when all of it is written, and more may have come. */
static bool write_deliveries(struct sharer *sharer, const struct feed_turn *turn,
                             struct error *error)
{
    struct share_delivery deliveries[SHARE_PEERS_MAX];
    struct feed *feeds[SHARE_PEERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i] && feed_receive(sharer->feeds[i], turn, &deliveries[count]))
            feeds[count++] = sharer->feeds[i];
    if (count == 0)
        return false;
    int code = sharing_apply(turn->sharing, deliveries, count, turn->now_unix_ms, error);
    for (size_t i = 0; i < count; i++)
        feed_settle(feeds[i], turn, &deliveries[i]);
    return code == 0;
}

/* True when there is more to do at once. */
static bool run_feeds(struct sharer *sharer, const struct feed_turn *turn, struct error *error)
{
    bool more = true;
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i])
            feed_listen(sharer->feeds[i], turn, error);
    follow_replaced(sharer, turn->now_ms);
    for (int i = 0; more && i < WRITES_PER_TURN; i++)
        more = write_deliveries(sharer, turn, error);
    for (size_t i = 0; i < sharer->setup.peer_count; i++)
        if (sharer->feeds[i])
            more |= feed_ask(sharer->feeds[i], turn, error);
    return more;
}

/* One look at everything. True when there is more to do at once. */
static bool take_turn(struct sharer *sharer)
{
    const struct feed_turn turn = {.sharing = sharer->sharing,
                                   .setup = &sharer->setup,
                                   .now_ms = clock_monotonic_ms(),
                                   .now_unix_ms = clock_unix_ms(),
                                   .configuration = sharer->configuration,
                                   .box = sharer->box};
    struct error error = {0};
    sharing_begin_turn(sharer->sharing);
    follow_setup(sharer, turn.now_ms);
    if (!sharer->has_setup || sharer->setup.node == 0)
        return false;
    sharer->has_changed |= sharing_has_changed(sharer->sharing);
    bool more = hand_over(sharer, turn.now_ms, &error);
    more |= run_feeds(sharer, &turn, &error);
    if (sharer->primary && follower_run(sharer->primary, &turn, &error))
        compare_soon(sharer, turn.now_ms);
    comparison_run(&sharer->comparison, sharer->feeds, sharer->setup.peer_count, &turn, &error);
    answer_questions(sharer, turn.now_unix_ms, &error);
    tell_ballot(sharer, turn.now_unix_ms);
    each_second(sharer, &turn, &error);
    if (error.code != ERR_BUSY) /* then the next turn does it */
        add_problem(sharer, &error);
    return more;
}

static void pause_ms(int64_t wait_ms)
{
    nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000},
              NULL);
}

static int64_t turn_pause_ms(const struct sharer *sharer)
{
    int64_t poll_ms = sharer->setup.settings.share_poll_ms;
    if (!sharer->has_setup || sharer->setup.node == 0)
        return SETUP_MS;
    return poll_ms < TURN_PAUSE_MAX_MS ? poll_ms : TURN_PAUSE_MAX_MS;
}

static void *run(void *context)
{
    struct sharer *sharer = context;
    while (!atomic_load(&sharer->stopping)) {
        if (!take_turn(sharer))
            pause_ms(turn_pause_ms(sharer));
    }
    close_all(sharer);
    return NULL;
}

static bool make_room(struct shared_rows *rows, size_t capacity)
{
    rows->rows = calloc(capacity, sizeof *rows->rows);
    rows->capacity = rows->rows ? capacity : 0;
    return rows->rows != NULL;
}

static void free_sharer(struct sharer *sharer)
{
    sharing_free(sharer->sharing);
    ballot_free(sharer->ours);
    free(sharer->batch_rows.rows);
    free(sharer->page_rows.rows);
    free(sharer->page_paths);
    pthread_mutex_destroy(&sharer->mutex);
    free(sharer);
}

static int64_t draw_process(void)
{
    uint64_t number;
    return getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number
               ? (int64_t)(number & INT64_MAX)
               : 0;
}

int sharer_start(const char *path, struct ballot_box *box, struct sharer **ret_sharer)
{
    struct sharer *sharer = calloc(1, sizeof *sharer);
    if (!sharer)
        return ERR_NOMEM;
    sharer->box = box;
    sharer->process = draw_process();
    sharer->started_unix_ms = clock_unix_ms();
    pthread_mutex_init(&sharer->mutex, NULL);
    sharer->page_paths = malloc(sizeof *sharer->page_paths);
    int code = sharer->page_paths && make_room(&sharer->batch_rows, WIRE_BATCH_MAX) &&
                       make_room(&sharer->page_rows, WIRE_ROWS_MAX)
                   ? sharing_new(path, &sharer->sharing)
                   : ERR_NOMEM;
    if (code == 0 && !thread_start(run, sharer, &sharer->thread))
        code = ERR_IO;
    if (code == 0)
        *ret_sharer = sharer;
    else
        free_sharer(sharer);
    return code;
}

void sharer_stop(struct sharer *sharer)
{
    if (!sharer)
        return;
    atomic_store(&sharer->stopping, true);
    pthread_join(sharer->thread, NULL);
    transport_await_end(END_MS);
    free_sharer(sharer);
}

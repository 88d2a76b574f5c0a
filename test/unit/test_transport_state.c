/*
 * What a transport does next after events that a real server brings about rarely. No thread and no
 * server; times are made up.
 */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "share/jetstream.h"
#include "share/transport_parts.h"
#include "suites.h"
#include "system/clock.h"

#define NOW INT64_C(1000000)

#define BOUNDS(created, first, last)                                                               \
    "{\"created\":\"" created "\",\"state\":{\"first_seq\":" #first ",\"last_seq\":" #last "}}"
#define MONDAY "2024-05-06T10:00:00Z"
#define TUESDAY "2024-05-07T10:00:00Z"

static struct transport *new_transport(bool is_home)
{
    struct transport *transport = calloc(1, sizeof *transport);
    pthread_mutex_init(&transport->mutex, NULL);
    pthread_cond_init(&transport->changed, NULL);
    transport->is_home = is_home;
    return transport;
}

static void release(struct transport *transport)
{
    message_queue_clear(&transport->outbox);
    message_queue_clear(&transport->log);
    message_queue_clear(&transport->asked);
    message_queue_clear(&transport->beats);
    free(transport->taken);
    free(transport->question);
    pthread_cond_destroy(&transport->changed);
    pthread_mutex_destroy(&transport->mutex);
    free(transport);
}

/* Does what it wants to do; `subject` is the last thing that was sent, or NULL. */
static struct task settle(struct transport *transport, int64_t now_ms, char *subject)
{
    struct task task;
    subject[0] = '\0';
    while ((task = transport_next_task(transport, now_ms)).kind == TASK_SEND) {
        strcpy(subject, task.message->subject);
        free(task.message);
    }
    return task;
}

static struct task next(struct transport *transport, int64_t now_ms)
{
    char subject[64];
    return settle(transport, now_ms, subject);
}

static void tell_bounds(struct transport *transport, const char *text, int64_t now_ms)
{
    transport_replied(transport, "info", text, strlen(text), now_ms);
}

/* A transport that reads the log from 5 on. */
static struct transport *new_reader(void)
{
    struct transport *transport = new_transport(false);
    transport_connected(transport, NOW);
    transport_tail(transport, 5);
    CHECK_INTEGER(next(transport, NOW).kind, TASK_WAIT, "the log is not known yet");
    tell_bounds(transport, BOUNDS(MONDAY, 1, 4), NOW);
    struct task task = next(transport, NOW);
    CHECK_INTEGER(task.kind, TASK_READ, "it is known");
    CHECK_INTEGER(task.from, 5, "from");
    return transport;
}

static void bounds_are_asked_for_each_second(void)
{
    struct transport *transport = new_transport(false);
    char subject[64];
    transport_connected(transport, NOW);
    settle(transport, NOW, subject);
    CHECK_TEXT(subject, JETSTREAM_INFO, "at once");
    CHECK_INTEGER(next(transport, NOW).until_ms, NOW + 200, "soon, until they are known");
    tell_bounds(transport, BOUNDS(MONDAY, 1, 4), NOW);
    transport->info_due_ms = NOW;
    for (int64_t now_ms = NOW; now_ms < NOW + 5000; now_ms += 1000) {
        struct task task = settle(transport, now_ms, subject);
        CHECK_TEXT(subject, JETSTREAM_INFO, "asked");
        CHECK_INTEGER(task.until_ms, now_ms + 1000, "and again later");
        settle(transport, now_ms + 999, subject);
        CHECK_TEXT(subject, "", "not before");
    }
    release(transport);
}

static void only_the_owner_makes_a_log_that_is_missing(void)
{
    const char *missing = "{\"error\":{\"err_code\":10059,\"description\":\"stream not found\"}}";
    char subject[64];
    for (int is_home = 0; is_home < 2; is_home++) {
        struct transport *transport = new_transport(is_home);
        transport_connected(transport, NOW);
        settle(transport, NOW, subject);
        tell_bounds(transport, missing, NOW);
        settle(transport, NOW, subject);
        CHECK_TEXT(subject, is_home ? JETSTREAM_MAKE : "", "home: %d", is_home);
        CHECK_TEXT(transport->refusal, is_home ? "" : "JetStream: stream not found", "home: %d",
                   is_home);
        release(transport);
    }
}

static void a_gap_has_the_log_read_again_from_there(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    transport_read(transport, 5, 1, "five", 4, NOW);
    transport_read(transport, 7, 3, "seven", 5, NOW);
    transport_read(transport, 8, 4, "eight", 5, NOW);
    CHECK_INTEGER(next(transport, NOW).kind, TASK_STOP_READING, "stale");
    CHECK_INTEGER(next(transport, NOW).kind, TASK_WAIT, "not at once");
    struct task task = next(transport, NOW + 1000);
    CHECK_INTEGER(task.kind, TASK_READ, "again");
    CHECK_INTEGER(task.from, 6, "from");
    CHECK(transport_next(transport, &message), "what came before it");
    CHECK_INTEGER(message.sequence, 5, "what came before it");
    CHECK(!transport_next(transport, &message), "nothing else");
    release(transport);
}

static void what_was_read_already_is_left_out(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    transport_read(transport, 4, 1, "four", 4, NOW);
    transport_read(transport, 5, 2, "five", 4, NOW);
    CHECK(transport_next(transport, &message), "one");
    CHECK_INTEGER(message.sequence, 5, "the right one");
    CHECK(!transport_next(transport, &message), "no more");
    release(transport);
}

static void patience_doubles_until_something_comes(void)
{
    struct transport *transport = new_reader();
    int64_t now_ms = NOW;
    static const int64_t expected[] = {1500, 3000, 6000, 12000, 24000, 48000, 60000, 60000};
    for (size_t i = 0; i < COUNT(expected); i++) {
        tell_bounds(transport, BOUNDS(MONDAY, 1, 9), now_ms);
        CHECK_INTEGER(next(transport, now_ms + expected[i] - 1).kind, TASK_WAIT, "%zu", i);
        now_ms += expected[i];
        CHECK_INTEGER(next(transport, now_ms).kind, TASK_STOP_READING, "%zu", i);
        CHECK_INTEGER(next(transport, now_ms).kind, TASK_READ, "%zu", i);
    }
    transport_read(transport, 5, 1, "five", 4, now_ms);
    tell_bounds(transport, BOUNDS(MONDAY, 1, 9), now_ms);
    CHECK_INTEGER(next(transport, now_ms + 1500).kind, TASK_STOP_READING, "short again");
    release(transport);
}

static void an_idle_log_is_waited_for(void)
{
    static const char *const rows[] = {
        BOUNDS(MONDAY, 1, 4),  /* all was read */
        BOUNDS(MONDAY, 1, 2),  /* shorter than what was read: the caller sees it */
        BOUNDS(MONDAY, 10, 9), /* all has expired */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct transport *transport = new_reader();
        for (int64_t now_ms = NOW; now_ms < NOW + 100000; now_ms += 1000) {
            tell_bounds(transport, rows[i], now_ms);
            CHECK_INTEGER(next(transport, now_ms).kind, TASK_WAIT, "%s", rows[i]);
        }
        release(transport);
    }
}

static void another_log_is_not_read_unasked(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    transport_read(transport, 5, 1, "five", 4, NOW);
    transport_disconnected(transport, "gone");
    transport_connected(transport, NOW);
    tell_bounds(transport, BOUNDS(TUESDAY, 1, 9), NOW);
    CHECK_INTEGER(next(transport, NOW).kind, TASK_WAIT, "not read");
    CHECK(!transport_next(transport, &message), "what is left of the other is gone");
    transport_tail(transport, 1);
    CHECK_INTEGER(next(transport, NOW).kind, TASK_READ, "asked");
    release(transport);
}

static void what_nobody_takes_stops_the_reading(void)
{
    static char bytes[1 << 20];
    struct transport *transport = new_reader();
    struct transport_message message;
    int64_t sequence = 5;
    while (!transport->tail.is_full && sequence < 100) {
        transport_read(transport, sequence, sequence - 4, bytes, sizeof bytes, NOW);
        sequence++;
    }
    CHECK_INTEGER(sequence, 5 + LOG_BYTES_MAX / (1 << 20) + 1, "there is a limit");
    CHECK_INTEGER(next(transport, NOW).kind, TASK_STOP_READING, "full");
    CHECK_INTEGER(next(transport, NOW + 60000).kind, TASK_WAIT, "still full");
    CHECK(transport_next(transport, &message), "taken");
    CHECK_INTEGER(next(transport, NOW + 60000).kind, TASK_WAIT, "one is not enough");
    CHECK(transport_next(transport, &message), "taken");
    struct task task = next(transport, NOW + 60000);
    CHECK_INTEGER(task.kind, TASK_READ, "there is room");
    CHECK_INTEGER(task.from, 5 + LOG_BYTES_MAX / (1 << 20), "from");
    release(transport);
}

static void oversized_messages_arrive_empty(void)
{
    static char bytes[TRANSPORT_BYTES_MAX + 1];
    struct transport *transport = new_reader();
    struct transport_message message;
    int64_t id;
    transport_read(transport, 5, 1, bytes, sizeof bytes, NOW);
    CHECK(transport_next(transport, &message) && message.length == 0, "of the log");
    transport_heard_beat(transport, bytes, sizeof bytes);
    CHECK(transport_next_beat(transport, &message) && message.length == 0, "a beat");
    transport_asked(transport, "_INBOX.x", bytes, sizeof bytes, clock_monotonic_ms());
    CHECK(transport_next_question(transport, &message) && message.length == 0, "a question");
    CHECK_INTEGER(transport_ask(transport, 7, "?", 1), 0, "asked");
    transport_replied(transport, "answer.1", bytes, sizeof bytes, NOW);
    CHECK(transport_next_answer(transport, 0, INT64_MAX, &id, &message) && message.length == 0,
          "an answer");
    release(transport);
}

static void answers_go_to_inboxes_only(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    static const char *const rows[] = {"sticky.log", "$JS.API.STREAM.DELETE.STICKY", "_INBOX", ""};
    for (size_t i = 0; i < COUNT(rows); i++) {
        transport_asked(transport, rows[i], "?", 1, clock_monotonic_ms());
        CHECK(!transport_next_question(transport, &message), "%s", rows[i]);
    }
    char subject[64];
    transport_flow_control(transport, "sticky.walk");
    settle(transport, NOW, subject);
    CHECK_TEXT(subject, "", "no flow control");
    transport_flow_control(transport, "$JS.FC.STICKY.x.y");
    settle(transport, NOW, subject);
    CHECK_TEXT(subject, "$JS.FC.STICKY.x.y", "flow control");
    release(transport);
}

static void a_question_that_waited_too_long_is_not_answered(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    int64_t now_ms = clock_monotonic_ms();
    transport_asked(transport, "_INBOX.x", "old", 3, now_ms - TRANSPORT_TIMEOUT_MS - 1);
    transport_asked(transport, "_INBOX.x", "new", 3, now_ms);
    CHECK(transport_next_question(transport, &message) && memcmp(message.bytes, "new", 3) == 0,
          "the second one");
    CHECK(!transport_next_question(transport, &message), "no more");
    release(transport);
}

static void numbers_that_no_log_has_are_refused(void)
{
    static const int64_t rows[] = {0, -1, INT64_MIN, SEQUENCE_MAX + 1, INT64_MAX};
    struct transport *transport = new_reader();
    struct transport_message message;
    for (size_t i = 0; i < COUNT(rows); i++) {
        transport_read(transport, rows[i], 1, "x", 1, NOW);
        CHECK(!transport_next(transport, &message), "%lld", (long long)rows[i]);
    }
    release(transport);
}

static void floods_are_limited(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    int count = 0;
    for (int i = 0; i < 10000; i++) {
        transport_asked(transport, "_INBOX.x", "?", 1, clock_monotonic_ms());
        transport_heard_beat(transport, i < 9999 ? "old" : "new", 3);
        transport_flow_control(transport, "$JS.FC.STICKY.x.y");
    }
    CHECK_INTEGER((int64_t)transport->outbox.count, OUTBOX_COUNT_MAX, "to be sent");
    while (transport_next_question(transport, &message))
        count++;
    CHECK_INTEGER(count, ASKED_COUNT_MAX, "questions");
    CHECK_INTEGER((int64_t)transport->beats.count, BEATS_MAX, "beats");
    while (transport_next_beat(transport, &message))
        count = memcmp(message.bytes, "new", 3);
    CHECK_INTEGER(count, 0, "the newest is there");
    release(transport);
}

static void a_lost_connection_fails_what_waits(void)
{
    struct transport *transport = new_reader();
    struct transport_message message;
    int64_t id = 0;
    CHECK_INTEGER(transport_append(transport, "x", 1), 0, "given");
    CHECK_INTEGER(transport_ask(transport, 7, "?", 1), 0, "asked");
    transport_disconnected(transport, "the line\n is cut");
    CHECK_INTEGER(transport_append_state(transport), APPEND_FAILED, "failed");
    CHECK(transport_next_answer(transport, 0, INT64_MAX, &id, &message), "answered");
    CHECK_INTEGER(id, 7, "which");
    CHECK_INTEGER((int64_t)message.length, 0, "empty");
    CHECK_INTEGER(transport_append(transport, "x", 1), ERR_BUSY, "no connection");
    CHECK_INTEGER(transport_ask(transport, 8, "?", 1), ERR_BUSY, "no connection");
    CHECK_TEXT(transport_problem(transport), "the line  is cut", "why");
    tell_bounds(transport, BOUNDS(MONDAY, 1, 4), NOW);
    CHECK(!transport->has_bounds, "a reply that comes too late");
    release(transport);
}

static void a_late_acknowledgement_is_that_of_its_message(void)
{
    const char *done = "{\"stream\":\"STICKY\",\"seq\":7}";
    struct transport *transport = new_reader();
    CHECK_INTEGER(transport_append(transport, "x", 1), 0, "given");
    CHECK_INTEGER(transport_append(transport, "x", 1), ERR_BUSY, "it waits");
    transport_disconnected(transport, "gone");
    transport_connected(transport, NOW);
    tell_bounds(transport, BOUNDS(MONDAY, 1, 4), NOW);
    CHECK_INTEGER(transport_append(transport, "y", 1), 0, "given");
    transport_replied(transport, "append.1", done, strlen(done), NOW);
    CHECK_INTEGER(transport_append_state(transport), APPEND_WAITING, "the first");
    transport_replied(transport, "append.2", done, strlen(done), NOW);
    CHECK_INTEGER(transport_append_state(transport), APPEND_DONE, "the second");
    transport_replied(transport, "append.2", NULL, 0, NOW);
    CHECK_INTEGER(transport_append_state(transport), APPEND_DONE, "once");
    release(transport);
}

/* A server whose disk is full refuses each, and logs that. */
static void what_was_refused_is_given_again_after_a_second(void)
{
    const char *refused = "{\"error\":{\"err_code\":10077,\"description\":\"no space left\"}}";
    struct transport *transport = new_reader();
    int64_t now_ms = clock_monotonic_ms();
    CHECK(transport_may_append(transport), "at first");
    CHECK_INTEGER(transport_append(transport, "x", 1), 0, "given");
    CHECK(!transport_may_append(transport), "it waits");
    transport_replied(transport, "append.1", refused, strlen(refused), now_ms);
    CHECK_INTEGER(transport_append_state(transport), APPEND_FAILED, "refused");
    CHECK(!transport_may_append(transport), "not at once");
    CHECK_INTEGER(transport_append(transport, "x", 1), ERR_BUSY, "not at once");
    CHECK_INTEGER(transport->append_not_before_ms, now_ms + 1000, "a second later");
    transport->append_not_before_ms = now_ms;
    CHECK(transport_may_append(transport), "then");
    CHECK_INTEGER(transport_append(transport, "x", 1), 0, "given");
    release(transport);
}

static void a_server_that_lets_us_in_and_stands_still_is_not_well(void)
{
    struct transport *transport = new_transport(true);
    transport_disconnected(transport, "the server does not answer");
    transport_connected(transport, NOW);
    CHECK(!transport_is_connected(transport), "it has done nothing yet");
    CHECK_TEXT(transport_problem(transport), "the server does not answer", "still");
    transport_heard(transport, NOW + 1);
    CHECK(transport_is_connected(transport), "it shows life");
    CHECK_TEXT(transport_problem(transport), "", "nothing");
    transport_disconnected(transport, "gone");
    transport_heard(transport, NOW + 2);
    CHECK_TEXT(transport_problem(transport), "gone", "what comes late changes nothing");
    release(transport);
}

static void a_log_that_is_turned_off_is_told_from_one_that_never_was(void)
{
    struct transport *transport = new_transport(true);
    transport_connected(transport, NOW);
    transport_replied(transport, "info", NULL, 0, NOW);
    CHECK_TEXT(transport->refusal, "JetStream is not enabled on this server or for this user",
               "never");
    tell_bounds(transport, BOUNDS(MONDAY, 1, 4), NOW);
    transport_replied(transport, "info", NULL, 0, NOW);
    CHECK_TEXT(transport->refusal, "JetStream is no longer enabled: see the log of nats-server",
               "no longer");
    release(transport);
}

static const CU_TestInfo tests[] = {
    {"bounds are asked for each second", bounds_are_asked_for_each_second},
    {"only the owner makes a log that is missing", only_the_owner_makes_a_log_that_is_missing},
    {"a gap has the log read again from there", a_gap_has_the_log_read_again_from_there},
    {"what was read already is left out", what_was_read_already_is_left_out},
    {"patience doubles until something comes", patience_doubles_until_something_comes},
    {"an idle log is waited for", an_idle_log_is_waited_for},
    {"another log is not read unasked", another_log_is_not_read_unasked},
    {"what nobody takes stops the reading", what_nobody_takes_stops_the_reading},
    {"oversized messages arrive empty", oversized_messages_arrive_empty},
    {"answers go to inboxes only", answers_go_to_inboxes_only},
    {"a question that waited too long is not answered",
     a_question_that_waited_too_long_is_not_answered},
    {"numbers that no log has are refused", numbers_that_no_log_has_are_refused},
    {"floods are limited", floods_are_limited},
    {"a lost connection fails what waits", a_lost_connection_fails_what_waits},
    {"a late acknowledgement is that of its message",
     a_late_acknowledgement_is_that_of_its_message},
    {"what was refused is given again after a second",
     what_was_refused_is_given_again_after_a_second},
    {"a server that lets us in and stands still is not well",
     a_server_that_lets_us_in_and_stands_still_is_not_well},
    {"a log that is turned off is told from one that never was",
     a_log_that_is_turned_off_is_told_from_one_that_never_was},
    CU_TEST_INFO_NULL,
};

const struct suite suite_transport_state = {"transport_state", tests};

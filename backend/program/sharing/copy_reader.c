/*
 * Puts the parts together in one buffer. Each question tells the revision and how many bytes of it
 * are here, so the answering side (the last section) remembers nothing about its readers. After a
 * part that does not continue the text, all of it is dropped and read again.
 */
#include "program/sharing/copy_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "share/transport.h"
#include "share/wire_copy.h"
#include "system/clock.h"

/* From an answer that says that nothing has changed, or from none, to the next question. */
#define ASK_MS 1000

/* After a copy that was refused. */
#define REFUSED_MS 10000

/* Parts that are put together. */
struct collected {
    struct buffer text;
    uint64_t revision;
    int64_t length; /* when it is complete; 0: there is none */
};

struct copy_reader {
    struct share_peer peer;
    struct transport *transport;
    struct collected collected;
    bool asked;       /* a question is open */
    int64_t question; /* its number */
    int64_t retry_ms; /* monotonic: nothing is asked or given out before */
    int64_t heard_unix_ms;
    bool same; /* the last answer said so */
    char problem[256];
};

int copy_reader_open(const struct share_peer *peer, const struct share_setup *setup,
                     struct copy_reader **ret_reader, struct error *error)
{
    struct copy_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(error, ERR_NOMEM, "out of memory");
    reader->peer = *peer;
    int code = feed_connect(peer, setup, &reader->transport, error);
    if (code == 0)
        *ret_reader = reader;
    else
        free(reader);
    return code;
}

static void forget_collected(struct copy_reader *reader)
{
    buffer_release(&reader->collected.text);
    reader->collected = (struct collected){0};
}

void copy_reader_close(struct copy_reader *reader)
{
    if (!reader)
        return;
    transport_close(reader->transport);
    forget_collected(reader);
    free(reader);
}

const struct share_peer *copy_reader_peer(const struct copy_reader *reader)
{
    return &reader->peer;
}

int64_t copy_reader_heard_ms(const struct copy_reader *reader)
{
    return reader->heard_unix_ms;
}

const char *copy_reader_problem(const struct copy_reader *reader)
{
    if (!*reader->problem && !transport_is_connected(reader->transport))
        return transport_problem(reader->transport);
    return reader->problem;
}

/* ---------------------------------------------------------------- what was read */

struct share_copy copy_reader_copy(const struct copy_reader *reader)
{
    const struct collected *collected = &reader->collected;
    return (struct share_copy){.revision = collected->revision,
                               .text = buffer_text(&collected->text),
                               .length = collected->text.length};
}

static void wait_for(struct copy_reader *reader, int64_t pause_ms, int64_t least_ms)
{
    reader->retry_ms = clock_monotonic_ms() + (pause_ms > least_ms ? pause_ms : least_ms);
}

void copy_reader_pause(struct copy_reader *reader, int64_t pause_ms)
{
    wait_for(reader, pause_ms, 0);
}

void copy_reader_drop(struct copy_reader *reader, int64_t pause_ms)
{
    reader->problem[0] = '\0';
    wait_for(reader, pause_ms, ASK_MS);
    forget_collected(reader);
}

void copy_reader_refuse(struct copy_reader *reader, const char *why, int64_t pause_ms)
{
    snprintf(reader->problem, sizeof reader->problem, "%.255s", why);
    wait_for(reader, pause_ms, REFUSED_MS);
    forget_collected(reader);
}

/* ---------------------------------------------------------------- asking */

static void ask(struct copy_reader *reader, const struct feed_turn *turn, struct error *error)
{
    struct buffer text = {0};
    struct wire_copy_question question = {.revision = reader->collected.revision,
                                          .offset = (int64_t)reader->collected.text.length};
    if (question.offset == 0 &&
        sharing_copy_revision(turn->sharing, &question.revision, error) != 0)
        return;
    wire_write_copy_question(&text, &question);
    reader->question++;
    reader->asked = !text.failed && transport_ask(reader->transport, reader->question,
                                                  buffer_text(&text), text.length) == 0;
    buffer_release(&text);
}

/* Begins with the first part, or goes on; false when the part belongs nowhere. */
static bool collect(struct copy_reader *reader, const struct wire_part *part)
{
    struct collected *collected = &reader->collected;
    if (part->offset == 0) {
        forget_collected(reader);
        collected->revision = part->revision;
        collected->length = part->length;
    }
    if (part->count == 0 || part->revision != collected->revision ||
        part->length != collected->length || part->offset != (int64_t)collected->text.length)
        return false;
    buffer_add(&collected->text, part->bytes, part->count);
    return !collected->text.failed;
}

static void take_part(struct copy_reader *reader, const struct wire_part *part)
{
    char why[128];
    if (part->follows != 0) {
        snprintf(why, sizeof why,
                 "it follows another server itself, node %" PRId64 ", and so cannot be followed",
                 part->follows);
        copy_reader_refuse(reader, why, 0);
        reader->retry_ms = clock_monotonic_ms() + ASK_MS;
    } else if (part->length == 0) {
        reader->same = true;
        copy_reader_drop(reader, 0);
    } else if (part->length > COPY_BYTES_MAX) {
        snprintf(why, sizeof why, "its configuration is larger than %d MiB, and is refused",
                 COPY_BYTES_MAX >> 20);
        copy_reader_refuse(reader, why, 0);
    } else if (!collect(reader, part)) {
        copy_reader_refuse(reader, "it has sent parts that do not belong together", 0);
    }
}

static void take_answer(struct copy_reader *reader, const struct feed_turn *turn,
                        const struct transport_message *message)
{
    struct wire_part part;
    struct error why = {0};
    char text[ERROR_TEXT_MAX + 64];
    if (message->length == 0) {
        wait_for(reader, 0, ASK_MS);
        return;
    }
    if (wire_read_part(message->bytes, message->length, &part, &why) != 0) {
        snprintf(text, sizeof text, "it has sent a malformed part: %s", why.text);
        copy_reader_refuse(reader, text, 0);
    } else if (part.node != reader->peer.node) {
        copy_reader_refuse(reader, "its server says that it is another node", 0);
    } else {
        reader->heard_unix_ms = turn->now_unix_ms;
        take_part(reader, &part);
    }
}

static void take_answers(struct copy_reader *reader, const struct feed_turn *turn)
{
    struct transport_message message;
    int64_t number;
    while (transport_next_answer(reader->transport, 0, INT64_MAX, &number, &message)) {
        if (!reader->asked || number != reader->question)
            continue;
        reader->asked = false;
        take_answer(reader, turn, &message);
    }
}

static bool is_complete(const struct collected *collected)
{
    return collected->length > 0 && (int64_t)collected->text.length == collected->length;
}

enum copy_state copy_reader_run(struct copy_reader *reader, const struct feed_turn *turn,
                                struct error *error)
{
    reader->same = false;
    take_answers(reader, turn);
    if (reader->same)
        return COPY_SAME;
    if (clock_monotonic_ms() < reader->retry_ms)
        return COPY_WAITS;
    if (is_complete(&reader->collected))
        return COPY_READ;
    if (!reader->asked && transport_is_connected(reader->transport))
        ask(reader, turn, error);
    return COPY_WAITS;
}

/* ---------------------------------------------------------------- the other side */

static void fill_part(const struct share_copy *copy, const struct wire_copy_question *question,
                      struct wire_part *part)
{
    bool has_it = question->revision == copy->revision;
    size_t offset = has_it ? (size_t)question->offset : 0;
    part->revision = copy->revision;
    if (has_it && offset == 0)
        return;
    part->length = (int64_t)copy->length;
    if (!copy->text || offset >= copy->length)
        return;
    part->offset = (int64_t)offset;
    part->bytes = copy->text + offset;
    part->count = copy->length - offset < WIRE_PART_MAX ? copy->length - offset : WIRE_PART_MAX;
}

void copy_answer(struct sharing *sharing, const struct share_setup *setup,
                 const struct transport_message *question, struct buffer *out, struct error *error)
{
    struct wire_copy_question asked;
    struct share_copy copy;
    struct wire_part part = {.node = setup->node, .follows = setup->follow};
    if (wire_read_copy_question(question->bytes, question->length, &asked, NULL) != 0)
        return;
    if (setup->follow == 0) {
        if (sharing_copy(sharing, &copy, error) != 0)
            return;
        fill_part(&copy, &asked, &part);
    }
    wire_write_part(out, &part);
}

#include "program/daemon/follower.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "share/transport.h"
#include "share/wire_copy.h"
#include "store/sharing/sharing_copy.h"
#include "system/clock.h"

/* From an answer that says that nothing has changed, or from none, to the next question. */
#define ASK_MS 1000

/* After a copy that was refused. */
#define REFUSED_MS 10000

/* When SQLite's lock was not to be had. */
#define BUSY_MS 50

/* After a copy there is a pause of so many times the work that it was: a peer decides how many. */
#define PAUSES 10

/* Parts that are put together. */
struct collected {
    struct buffer text;
    uint64_t revision;
    int64_t length; /* when it is complete; 0: there is none */
};

struct follower {
    struct share_peer primary;
    struct transport *transport;
    struct collected collected;
    bool asked;       /* a question is open */
    int64_t question; /* its number */
    int64_t retry_ms; /* monotonic: nothing is asked or written before */
    int64_t heard_unix_ms;
    char problem[256];
};

int follower_open(const struct share_peer *primary, const struct share_setup *setup,
                  struct follower **ret_follower, struct error *error)
{
    struct follower *follower = calloc(1, sizeof *follower);
    if (!follower)
        return error_set(error, ERR_NOMEM, "out of memory");
    follower->primary = *primary;
    int code = feed_connect(primary, setup, &follower->transport, error);
    if (code == 0)
        *ret_follower = follower;
    else
        free(follower);
    return code;
}

static void forget_collected(struct follower *follower)
{
    buffer_release(&follower->collected.text);
    follower->collected = (struct collected){0};
}

void follower_close(struct follower *follower)
{
    if (!follower)
        return;
    transport_close(follower->transport);
    forget_collected(follower);
    free(follower);
}

bool follower_is_of(const struct follower *follower, const struct share_peer *primary)
{
    return feed_same_peer(&follower->primary, primary);
}

/* ---------------------------------------------------------------- asking */

static void refuse(struct follower *follower, int64_t now_ms, const char *why)
{
    snprintf(follower->problem, sizeof follower->problem, "%.255s", why);
    follower->retry_ms = now_ms + REFUSED_MS;
    forget_collected(follower);
}

static void ask(struct follower *follower, const struct feed_turn *turn, struct error *error)
{
    struct buffer text = {0};
    struct wire_copy_question question = {.revision = follower->collected.revision,
                                          .offset = (int64_t)follower->collected.text.length};
    if (question.offset == 0 &&
        sharing_copy_revision(turn->sharing, &question.revision, error) != 0)
        return;
    wire_write_copy_question(&text, &question);
    follower->question++;
    follower->asked = !text.failed && transport_ask(follower->transport, follower->question,
                                                    buffer_text(&text), text.length) == 0;
    buffer_release(&text);
}

/* Begins with the first part, or goes on; false when the part belongs nowhere. */
static bool collect(struct follower *follower, const struct wire_part *part)
{
    struct collected *collected = &follower->collected;
    if (part->offset == 0) {
        forget_collected(follower);
        collected->revision = part->revision;
        collected->length = part->length;
    }
    if (part->count == 0 || part->revision != collected->revision ||
        part->length != collected->length || part->offset != (int64_t)collected->text.length)
        return false;
    buffer_add(&collected->text, part->bytes, part->count);
    return !collected->text.failed;
}

static void take_part(struct follower *follower, const struct wire_part *part, int64_t now_ms)
{
    char why[128];
    if (part->follows != 0) {
        snprintf(why, sizeof why,
                 "it follows another server itself, node %" PRId64 ", and so cannot be followed",
                 part->follows);
        refuse(follower, now_ms, why);
        follower->retry_ms = now_ms + ASK_MS;
    } else if (part->length == 0) {
        follower->problem[0] = '\0';
        follower->retry_ms = now_ms + ASK_MS;
        forget_collected(follower);
    } else if (part->length > COPY_BYTES_MAX) {
        snprintf(why, sizeof why, "its configuration is larger than %d MiB, and is refused",
                 COPY_BYTES_MAX >> 20);
        refuse(follower, now_ms, why);
    } else if (!collect(follower, part)) {
        refuse(follower, now_ms, "it has sent parts that do not belong together");
    }
}

static void take_answer(struct follower *follower, const struct feed_turn *turn,
                        const struct transport_message *message)
{
    struct wire_part part;
    struct error why = {0};
    char text[ERROR_TEXT_MAX + 64];
    if (message->length == 0) {
        follower->retry_ms = turn->now_ms + ASK_MS;
        return;
    }
    if (wire_read_part(message->bytes, message->length, &part, &why) != 0) {
        snprintf(text, sizeof text, "it has sent a malformed part: %s", why.text);
        refuse(follower, turn->now_ms, text);
    } else if (part.node != follower->primary.node) {
        refuse(follower, turn->now_ms, "its server says that it is another node");
    } else {
        follower->heard_unix_ms = turn->now_unix_ms;
        take_part(follower, &part, turn->now_ms);
    }
}

static void take_answers(struct follower *follower, const struct feed_turn *turn)
{
    struct transport_message message;
    int64_t number;
    while (transport_next_answer(follower->transport, 0, INT64_MAX, &number, &message)) {
        if (!follower->asked || number != follower->question)
            continue;
        follower->asked = false;
        take_answer(follower, turn, &message);
    }
}

/* ---------------------------------------------------------------- taking over */

static bool is_complete(const struct collected *collected)
{
    return collected->length > 0 && (int64_t)collected->text.length == collected->length;
}

static bool take_over(struct follower *follower, const struct feed_turn *turn, struct error *error)
{
    const struct collected *collected = &follower->collected;
    struct error why = {0};
    char text[ERROR_TEXT_MAX + 64];
    int64_t begun_ms = clock_monotonic_ms();
    int code = sharing_take_copy(turn->sharing, follower->primary.node, collected->revision,
                                 buffer_text(&collected->text), collected->text.length,
                                 turn->now_unix_ms, &why);
    int64_t ended_ms = clock_monotonic_ms();
    if (code == ERR_BUSY) {
        follower->retry_ms = ended_ms + BUSY_MS;
        return false;
    }
    int64_t pause_ms = (ended_ms - begun_ms) * PAUSES;
    if (code == 0) {
        follower->problem[0] = '\0';
        follower->retry_ms = ended_ms + (pause_ms > ASK_MS ? pause_ms : ASK_MS);
        forget_collected(follower);
        return true;
    }
    snprintf(text, sizeof text, "its configuration is refused: %s", why.text);
    refuse(follower, ended_ms, text);
    if (pause_ms > REFUSED_MS)
        follower->retry_ms = ended_ms + pause_ms;
    if (code != ERR_INVAL && code != ERR_NOTFOUND)
        error_set(error, code, "%s", why.text);
    return false;
}

bool follower_run(struct follower *follower, const struct feed_turn *turn, struct error *error)
{
    bool taken = false;
    take_answers(follower, turn);
    if (turn->now_ms < follower->retry_ms)
        return false;
    if (is_complete(&follower->collected))
        taken = take_over(follower, turn, error);
    else if (!follower->asked && transport_is_connected(follower->transport))
        ask(follower, turn, error);
    return taken;
}

void follower_note(struct follower *follower, const struct feed_turn *turn, struct error *error)
{
    const char *problem = follower->problem;
    if (!*problem && !transport_is_connected(follower->transport))
        problem = transport_problem(follower->transport);
    sharing_note_follow(turn->sharing, follower->primary.node, follower->heard_unix_ms, problem,
                        error);
}

/* ---------------------------------------------------------------- the primary */

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

void follower_answer(struct sharing *sharing, const struct share_setup *setup,
                     const struct transport_message *question, struct buffer *out,
                     struct error *error)
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

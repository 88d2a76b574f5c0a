#include "play.h"

static void give(const struct play *play, struct answer *answer)
{
    for (size_t i = 0; i < play->count; i++)
        answer_add(answer, &play->records[i]);
    if (play->fails)
        answer_fail(answer);
}

static void answer(void *context, const struct question *question, struct answer *ret_answer)
{
    struct play *play = context;
    char remote[ADDRESS_TEXT_MAX], subnet[PREFIX_TEXT_MAX];
    buffer_printf(&play->asked, "%s %s %d %s %s", question->name.text, question->type,
                  question->zone_id, address_format(&question->source.remote, remote),
                  prefix_format(&question->source.subnet, subnet));
    give(play, ret_answer);
}

static void list(void *context, int32_t zone_id, const struct name *name, struct answer *ret_answer)
{
    struct play *play = context;
    buffer_printf(&play->asked, "list %d %s", zone_id, name ? name->text : "(no name)");
    give(play, ret_answer);
}

static void zones(void *context, struct answer *ret_answer)
{
    struct play *play = context;
    buffer_add_text(&play->asked, "zones");
    give(play, ret_answer);
}

static void command(void *context, const char *text, struct buffer *out)
{
    struct play *play = context;
    buffer_printf(&play->asked, "command <%s>", text);
    buffer_add_text(out, play->printed ? play->printed : "");
}

static const char *next_notice(void *context)
{
    struct play *play = context;
    return play->notice < PLAY_NOTICES_MAX ? play->notices[play->notice++] : NULL;
}

static void notify(void *context, const char *text)
{
    struct play *play = context;
    play->notified = text;
}

void play_init(struct play *play)
{
    *play = (struct play){0};
    play->service = (struct service){.context = play,
                                     .answer = answer,
                                     .list = list,
                                     .zones = zones,
                                     .command = command,
                                     .next_notice = next_notice,
                                     .notify = notify};
}

void play_release(struct play *play)
{
    buffer_release(&play->asked);
}

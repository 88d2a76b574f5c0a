#include "dialect/conversation.h"

/* The first byte of a line that is not a blank. */
static char first_byte_of(const struct line *line)
{
    if (line->too_long)
        return line->first_byte;
    return line_first_byte(line->text, line->length);
}

void conversation_init(struct conversation *conversation, const struct service *service)
{
    conversation->dialect = DIALECT_NONE;
    pipe_init(&conversation->pipe, service);
    json_init(&conversation->json, service);
}

void conversation_release(struct conversation *conversation)
{
    pipe_release(&conversation->pipe);
    json_release(&conversation->json);
}

void conversation_handle(struct conversation *conversation, const struct line *line,
                         struct buffer *out)
{
    if (conversation->dialect == DIALECT_NONE)
        conversation->dialect = first_byte_of(line) == '{' ? DIALECT_JSON : DIALECT_PIPE;
    if (conversation->dialect == DIALECT_JSON)
        json_handle(&conversation->json, line, out);
    else
        pipe_handle(&conversation->pipe, line, out);
}

#include "share/wire_copy.h"

#include <string.h>

#include "core/sharing/entry.h"
#include "share/wire.h"
#include "share/wire_members.h"

/* The longest question, and the longest head of a part: whatever is longer is none. */
#define HEAD_MAX 512

/* Of octets; far above what anybody takes. */
#define OFFSET_MAX (INT64_C(1) << 40)

void wire_write_copy_question(struct buffer *out, const struct wire_copy_question *question)
{
    wire_begin(out, "copy");
    wire_add_digest(out, "revision", question->revision);
    wire_add_number(out, "offset", question->offset);
    buffer_add_char(out, '}');
}

void wire_write_part(struct buffer *out, const struct wire_part *part)
{
    wire_begin(out, "part");
    wire_add_number(out, "node", part->node);
    wire_add_number(out, "follows", part->follows);
    wire_add_digest(out, "revision", part->revision);
    wire_add_number(out, "length", part->length);
    wire_add_number(out, "offset", part->offset);
    buffer_add_text(out, "}\n");
    if (part->count > 0)
        buffer_add(out, part->bytes, part->count);
}

int wire_read_copy_question(const char *text, size_t length,
                            struct wire_copy_question *ret_question, struct error *error)
{
    const json_t *message = NULL;
    struct arena arena = {0};
    struct wire_copy_question question;
    if (length > HEAD_MAX)
        return error_set(error, ERR_INVAL, "longer than %d octets", HEAD_MAX);
    int code = wire_open(text, length, "copy", &arena, &message, error);
    if (code == 0)
        code = wire_read_digest(message, "revision", &question.revision, error);
    if (code == 0)
        code = wire_read_member(message, "offset", 0, OFFSET_MAX, &question.offset, error);
    arena_release(&arena);
    if (code == 0)
        *ret_question = question;
    return code;
}

static int read_head(const json_t *message, struct wire_part *part, struct error *error)
{
    int code = wire_read_member(message, "node", 1, NODE_MAX, &part->node, error);
    if (code == 0)
        code = wire_read_member(message, "follows", 0, NODE_MAX, &part->follows, error);
    if (code == 0)
        code = wire_read_digest(message, "revision", &part->revision, error);
    if (code == 0)
        code = wire_read_member(message, "length", 0, OFFSET_MAX, &part->length, error);
    if (code == 0)
        code = wire_read_member(message, "offset", 0, part->length, &part->offset, error);
    return code;
}

int wire_read_part(const char *text, size_t length, struct wire_part *ret_part, struct error *error)
{
    const json_t *message = NULL;
    struct arena arena = {0};
    struct wire_part part = {0};
    size_t searched = length < HEAD_MAX ? length : HEAD_MAX;
    const char *end = searched > 0 ? memchr(text, '\n', searched) : NULL;
    if (!end)
        return error_set(error, ERR_INVAL, "no line of at most %d octets", HEAD_MAX);
    int code = wire_open(text, (size_t)(end - text), "part", &arena, &message, error);
    if (code == 0)
        code = read_head(message, &part, error);
    arena_release(&arena);
    if (code != 0)
        return code;
    part.bytes = end + 1;
    part.count = length - (size_t)(part.bytes - text);
    if (part.count > WIRE_PART_MAX || (int64_t)part.count > part.length - part.offset)
        return error_set(error, ERR_INVAL, "more octets than belong to the copy");
    *ret_part = part;
    return 0;
}

#include "core/dns/question.h"

#include <stdlib.h>

#include "core/base/vector.h"

#define SCOPE_BITS_MAX 128

bool answer_text_is_sound(const char *text)
{
    const char *c = text;
    while (*c && (*c < '\t' || *c > '\r'))
        c++;
    return *c == '\0' && c > text && c[-1] != ' ';
}

bool answer_record_is_sound(const struct answer_record *record)
{
    return record->ttl_s <= INT32_MAX && record->scope_bits <= SCOPE_BITS_MAX &&
           answer_text_is_sound(record->owner) && answer_text_is_sound(record->type) &&
           answer_text_is_sound(record->content);
}

void answer_clear(struct answer *answer)
{
    answer->failed = false;
    answer->count = 0;
    arena_reset(&answer->texts);
}

void answer_release(struct answer *answer)
{
    free(answer->records);
    arena_release(&answer->texts);
    *answer = (struct answer){0};
}

void answer_fail(struct answer *answer)
{
    answer->failed = true;
    answer->count = 0;
}

void answer_add(struct answer *answer, const struct answer_record *record)
{
    if (answer->failed)
        return;
    struct answer_record *place = VECTOR_ADD(answer->records, answer->count, answer->capacity);
    if (place)
        *place = *record;
    else
        answer_fail(answer);
}

#include "core/question.h"

#include <stdlib.h>

#include "core/vector.h"

void answer_clear(struct answer *answer)
{
    answer->failed = false;
    answer->count = 0;
}

void answer_release(struct answer *answer)
{
    free(answer->records);
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

#include "f5/text_index.h"

#include <stdint.h>
#include <string.h>

#include "core/base/hash.h"

#define FIRST_CAPACITY 64

struct text_slot {
    const char *name; /* NULL: free */
    void *object;
};

/* The slot of a name, or the free one where it belongs. */
static struct text_slot *slot_of(const struct text_index *index, const char *name)
{
    size_t at = hash_mix(0, text_hash(name)) & (index->capacity - 1);
    while (index->slots[at].name && strcmp(index->slots[at].name, name) != 0)
        at = (at + 1) & (index->capacity - 1);
    return &index->slots[at];
}

void *text_index_find(const struct text_index *index, const char *name)
{
    return index->capacity == 0 ? NULL : slot_of(index, name)->object;
}

static int grow(struct f5_work *work, struct text_index *index)
{
    struct text_index grown = {
        .count = index->count,
        .capacity = index->capacity ? 2 * index->capacity : FIRST_CAPACITY,
    };
    grown.slots = work_alloc(work, grown.capacity * sizeof *grown.slots);
    if (!grown.slots)
        return ERR_NOMEM;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].name)
            *slot_of(&grown, index->slots[i].name) = index->slots[i];
    *index = grown;
    return 0;
}

int text_index_add(struct f5_work *work, struct text_index *index, const char *name,
                   const void *object)
{
    if (2 * index->count >= index->capacity && grow(work, index) != 0)
        return ERR_NOMEM;
    *slot_of(index, name) = (struct text_slot){name, (void *)(uintptr_t)object};
    index->count++;
    return 0;
}

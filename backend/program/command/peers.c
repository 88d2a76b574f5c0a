#include "program/command/peers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"
#include "program/command/json_output.h"

struct gathering {
    const char *pool;
    struct peers *peers;
};

/* NULL stays NULL. */
static const char *keep(struct peers *peers, const char *text)
{
    return text ? arena_copy(&peers->texts, text, strlen(text)) : NULL;
}

static void add_row(void *context, const struct peers_row *row)
{
    const struct gathering *gathering = context;
    struct peers *peers = gathering->peers;
    if (row->pool && gathering->pool && strcmp(row->pool, gathering->pool) != 0)
        return;
    struct peers_row *place = VECTOR_ADD(peers->rows, peers->count, peers->capacity);
    if (!place)
        return;
    *place = (struct peers_row){.pool = keep(peers, row->pool),
                                .controller = keep(peers, row->controller),
                                .address = keep(peers, row->address),
                                .state = keep(peers, row->state),
                                .counts = keep(peers, row->counts),
                                .peers = keep(peers, row->peers)};
    if (!place->controller || !place->state || !place->counts || !place->peers)
        peers->count--;
}

void peers_gather(struct store *store, const char *pool, struct peers *ret_peers)
{
    *ret_peers = (struct peers){0};
    (void)store_each_peers_row(store, add_row, &(struct gathering){pool, ret_peers}, NULL);
}

void peers_release(struct peers *peers)
{
    free(peers->rows);
    arena_release(&peers->texts);
    *peers = (struct peers){0};
}

void peers_print(const struct peers *peers, struct buffer *out)
{
    for (size_t i = 0; i < peers->count; i++) {
        const struct peers_row *row = &peers->rows[i];
        buffer_add_text(out, "  ");
        if (row->pool)
            buffer_printf(out, "pool %s, ", row->pool);
        buffer_printf(out, "%s%s %s: %s here, %s; counts as %s\n", row->pool ? "" : "controller ",
                      row->controller, row->address ? row->address : "-", row->state, row->peers,
                      row->counts);
    }
}

json_t *peers_json(const struct peers *peers)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < peers->count; i++) {
        const struct peers_row *row = &peers->rows[i];
        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "pool", json_text(row->pool), "site",
                            json_text(row->controller), "address", json_text(row->address), "here",
                            json_text(row->state), "peers", json_text(row->peers), "counts_as",
                            json_text(row->counts)));
    }
    return rows;
}

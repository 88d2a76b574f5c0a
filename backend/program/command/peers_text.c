#include "program/command/peers_text.h"

#include <string.h>

#include "store/monitoring.h"

struct printing {
    const char *pool;
    struct buffer *out;
};

static void print_row(void *context, const struct peers_row *row)
{
    const struct printing *printing = context;
    if (row->pool && printing->pool && strcmp(row->pool, printing->pool) != 0)
        return;
    buffer_add_text(printing->out, "  ");
    if (row->pool)
        buffer_printf(printing->out, "pool %s, ", row->pool);
    buffer_printf(printing->out, "%s%s %s: %s here, %s; counts as %s\n",
                  row->pool ? "" : "controller ", row->controller,
                  row->address ? row->address : "-", row->state, row->peers, row->counts);
}

void peers_text_print(struct store *store, const char *pool, struct buffer *out)
{
    struct printing printing = {pool, out};
    (void)store_each_peers_row(store, print_row, &printing, NULL);
}

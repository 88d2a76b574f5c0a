#include "program/command/holds.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/* The pools in which a site is held. */
struct held {
    const struct pool *pool, *last; /* the first and the last of them */
    size_t count;
    int64_t since_s; /* the first time */
};

/* Adds those of a pool to `held`, which is by controller.index. */
static void look_in(const struct pool *pool, const struct availability *availability,
                    struct held *held)
{
    int64_t since_s;
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        struct held *site = &held[server->controller->index];
        if (virtual_server_state(server) == STATE_DISABLED || site->last == pool ||
            !availability_server_held(availability, server, &since_s))
            continue;
        if (site->count++ == 0)
            site->pool = pool;
        if (site->count == 1 || since_s < site->since_s)
            site->since_s = since_s;
        site->last = pool;
    }
}

/* As in SQL. */
static void add_quoted(struct buffer *out, const char *text)
{
    buffer_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buffer_add_char(out, '\'');
        buffer_add_char(out, *text);
    }
    buffer_add_char(out, '\'');
}

static void add_time(struct buffer *out, int64_t unix_s)
{
    const time_t seconds = (time_t)unix_s;
    struct tm time;
    char text[64] = "";
    if (gmtime_r(&seconds, &time))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &time);
    buffer_add_text(out, text);
}

static int add_sentence(const struct controller *controller, const struct held *held,
                        struct problems *problems)
{
    struct buffer text = {0};
    buffer_printf(&text, "%s is up, but held in ", controller->name);
    if (held->count > 1)
        buffer_printf(&text, "%zu pools, the first is ", held->count);
    buffer_printf(&text, "%s%s since ", held->count > 1 ? "" : "pool ", held->pool->name);
    add_time(&text, held->since_s);
    buffer_add_text(&text, " UTC; to resume it: UPDATE site SET held = 0 WHERE controller = ");
    add_quoted(&text, controller->name);
    if (held->count == 1) {
        buffer_add_text(&text, " AND pool = ");
        add_quoted(&text, held->pool->name);
    }
    int code = text.failed ? ERR_NOMEM : problems_add(problems, "%s", buffer_text(&text));
    buffer_release(&text);
    return code;
}

int holds_add(const struct snapshot *snapshot, const struct availability *availability,
              const struct pool *first, struct problems *problems)
{
    int code = 0;
    if (!availability || !availability->sites)
        return 0;
    struct held *held = calloc(snapshot->controller_count + 1, sizeof *held);
    if (!held)
        return ERR_NOMEM;
    for (const struct pool *pool = first; pool; pool = pool->fallback_pool)
        look_in(pool, availability, held);
    for (size_t i = 0; !first && i < snapshot->pool_count; i++)
        look_in(&snapshot->pools[i], availability, held);
    for (size_t i = 0; code == 0 && i < snapshot->controller_count; i++)
        if (held[i].count > 0)
            code = add_sentence(&snapshot->controllers[i], &held[i], problems);
    free(held);
    return code;
}

/* What a name server does alone: answering, storing, deleting, sweeping, and hearing of others. */
#include <string.h>

#include "world.h"

static const char *const sites[SITES] = {"fra", "nyc", "sin"};
static const int64_t ttls_s[] = {2, 5, 30, 300, 3600, 86400};

#define COUNT(array) (sizeof(array) / sizeof *(array))

int64_t server_clock_ms(const struct world *world, const struct server *server)
{
    return world->now_ms + server->offset_ms;
}

int64_t world_grace_s(const struct world *world)
{
    return world->mutant == MUTANT_NO_GRACE ? 0 : GRACE_S;
}

static bool has_ended(const struct entry *entry, int64_t now_ms)
{
    return entry_end_s(entry) <= now_ms / 1000;
}

static bool is_live(const struct slot *slot, int64_t now_ms)
{
    return slot->filled && !slot->version.entry.gone && !has_ended(&slot->version.entry, now_ms);
}

/* What an asker finds: a claim counts before the row. NULL: nothing. */
static const struct slot *found(const struct server *server, size_t key)
{
    if (server->claims[key].filled)
        return &server->claims[key];
    return server->rows[key].filled ? &server->rows[key] : NULL;
}

/* A decision that is made now. `known` may be NULL. */
static struct version decide(struct world *world, const struct server *server, size_t key,
                             const struct slot *known, bool gone)
{
    int64_t now_ms = server_clock_ms(world, server);
    struct version version = {.decision = decision_add(world, key, known ? known->seen : 0)};
    struct entry *entry = &version.entry;
    entry->decided = entry_decide(now_ms, known ? known->version.entry.decided : 0);
    if (world->mutant == MUTANT_CLOCK_ALONE)
        entry->decided = now_ms * ENTRY_TICKS;
    entry->origin = server->node;
    entry->gone = gone;
    entry->timestamp_s = now_ms / 1000;
    if (gone) {
        entry->ttl_s = known->version.entry.ttl_s;
        return version;
    }
    entry->ttl_s = ttls_s[world_below(world, COUNT(ttls_s))];
    strcpy(entry->controller, sites[world_below(world, SITES)]);
    strcpy(entry->method, "modulus");
    return version;
}

static void claim(struct world *world, struct server *server, size_t key,
                  const struct version *version)
{
    server->claims[key] = (struct slot){0};
    slot_put(world, server, &server->claims[key], key, version);
    greatest_count(world, server, key, version);
    say(world, "node %d claims key %zu: decision %zu, %s at %lld for %lld s", (int)server->node,
        key, version->decision, version->entry.controller, (long long)version->entry.timestamp_s,
        (long long)version->entry.ttl_s);
}

static void refresh(struct world *world, struct server *server, size_t key,
                    const struct slot *known)
{
    int64_t now_ms = server_clock_ms(world, server);
    struct version version = known->version;
    if (!world->sliding || now_ms / 1000 <= version.entry.timestamp_s)
        return;
    entry_refresh(&version.entry, server->node, now_ms / 1000);
    if (world->mutant == MUTANT_REFRESH_DECIDES)
        version.entry.decided = entry_decide(now_ms, version.entry.decided);
    claim(world, server, key, &version);
}

void server_ask(struct world *world, struct server *server, size_t key, bool move)
{
    const struct slot *known = found(server, key);
    if (known && !move && is_live(known, server_clock_ms(world, server))) {
        refresh(world, server, key, known);
        return;
    }
    if (world->decision_count == DECISIONS_MAX)
        return;
    struct version version = decide(world, server, key, known, false);
    claim(world, server, key, &version);
}

/* A row that counts no more is as good as swept. */
static const struct entry *standing(const struct world *world, const struct server *server,
                                    size_t key)
{
    const struct slot *slot = &server->rows[key];
    bool counts =
        slot->filled &&
        !entry_is_over(&slot->version.entry, server_clock_ms(world, server), world_grace_s(world));
    return counts ? &slot->version.entry : NULL;
}

static void put_row(struct world *world, struct server *server, size_t key,
                    const struct version *version)
{
    if (!standing(world, server, key))
        server->rows[key].recent = 0;
    slot_put(world, server, &server->rows[key], key, version);
}

void server_store(struct world *world, struct server *server, size_t key)
{
    struct slot *slot = &server->claims[key];
    if (!slot->filled)
        return;
    slot->filled = false;
    struct version version = slot->version;
    const struct entry *row = standing(world, server, key);
    if (row && entry_compare(&version.entry, row) <= 0 && world->mutant != MUTANT_WRITER_OVERWRITES)
        return;
    put_row(world, server, key, &version);
    outbox_note(world, server, key);
}

void server_delete(struct world *world, struct server *server, size_t key)
{
    struct slot *row = &server->rows[key];
    if (!row->filled || row->version.entry.gone || world->decision_count == DECISIONS_MAX)
        return;
    struct version version = decide(world, server, key, row, true);
    greatest_count(world, server, key, &version);
    slot_put(world, server, row, key, &version);
    outbox_note(world, server, key);
    say(world, "node %d deletes key %zu: decision %zu", (int)server->node, key, version.decision);
}

void server_sweep(struct world *world, struct server *server)
{
    for (size_t key = 0; key < KEYS; key++) {
        struct slot *row = &server->rows[key];
        if (!row->filled || standing(world, server, key))
            continue;
        say(world, "node %d sweeps key %zu: decision %zu", (int)server->node, key,
            row->version.decision);
        row->filled = false;
        row->recent = 0;
        if (server->offset_ms > HONEST_MS)
            greatest_retreat(world, key);
    }
}

/* The peers' beats say whether our clock is right. While it is not, no row is judged by it. */
static bool is_right(const struct server *server)
{
    return server->offset_ms >= -HONEST_MS && server->offset_ms <= HONEST_MS;
}

bool server_take_back(struct world *world, struct server *server, size_t key)
{
    struct slot *row = &server->rows[key];
    int64_t now_ms = server_clock_ms(world, server);
    if (!row->filled || !is_right(server) || world->mutant == MUTANT_NO_TAKING_BACK ||
        !entry_is_future(&row->version.entry, now_ms, SKEW_MS))
        return false;
    say(world, "node %d takes back decision %zu", (int)server->node, row->version.decision);
    entry_take_back(&row->version.entry, now_ms, SKEW_MS);
    greatest_retreat(world, key);
    return true;
}

void server_set_clock(struct world *world, struct server *server, int64_t offset_ms)
{
    bool was_right = is_right(server);
    if (offset_ms != server->offset_ms)
        say(world, "node %d: clock %+lld ms", (int)server->node, (long long)offset_ms);
    server->offset_ms = offset_ms;
    for (size_t key = 0; key < KEYS && !was_right; key++)
        if (server_take_back(world, server, key))
            outbox_note(world, server, key);
}

void server_wipe(struct world *world, struct server *server)
{
    say(world, "node %d loses its database", (int)server->node);
    memset(server->rows, 0, sizeof server->rows);
    memset(server->claims, 0, sizeof server->claims);
    memset(server->feeds, 0, sizeof server->feeds);
    server->changes = 0;
    server->number = server->acknowledged = 0;
    server->waiting.is = false;
    server->incarnation = ++world->counter;
    world->wiped = true;
    for (size_t key = 0; key < KEYS; key++)
        greatest_retreat(world, key);
}

void server_begin_with(struct world *world, struct server *server, size_t key)
{
    struct version version = decide(world, server, key, NULL, false);
    version.entry.decided = version.entry.origin = 0;
    world->decisions[version.decision].unshared = true;
    slot_put(world, server, &server->rows[key], key, &version);
    greatest_count(world, server, key, &version);
}

static bool was_decided_by(const struct entry *entry, int64_t now_ms)
{
    return entry->decided / ENTRY_TICKS <= now_ms;
}

static enum entry_fate judge(const struct world *world, const struct entry *told,
                             const struct entry *row, int64_t now_ms)
{
    int64_t skew_ms = world->mutant == MUTANT_NO_GUARD ? INT64_MAX : SKEW_MS;
    if (world->mutant == MUTANT_EXPIRED_LOSES && row &&
        has_ended(told, now_ms) != has_ended(row, now_ms))
        return has_ended(told, now_ms) ? ENTRY_OLDER : ENTRY_NEWER;
    enum entry_fate fate = entry_judge(told, row, now_ms, skew_ms);
    bool believed =
        world->mutant == MUTANT_DECISION_GUARD && was_decided_by(told, now_ms + SKEW_MS);
    return fate == ENTRY_FUTURE && believed ? ENTRY_NEWER : fate;
}

void server_hear(struct world *world, struct server *server, size_t key, const struct version *told)
{
    int64_t now_ms = server_clock_ms(world, server);
    if (entry_is_over(&told->entry, now_ms, world_grace_s(world)))
        return;
    switch (judge(world, &told->entry, standing(world, server, key), now_ms)) {
    case ENTRY_NEWER:
        say(world, "node %d takes decision %zu for key %zu", (int)server->node, told->decision,
            key);
        put_row(world, server, key, told);
        count_move(world, server, key);
        break;
    case ENTRY_FUTURE:
        say(world, "node %d refuses decision %zu: future", (int)server->node, told->decision);
        world->refused++;
        break;
    case ENTRY_KNOWN:
    case ENTRY_OLDER:
        break;
    }
}

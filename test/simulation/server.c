/* What a name server does alone: answering, storing, deleting, sweeping, and hearing of others. */
#include <string.h>

#include "core/sticky/failback.h"
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

/* SITES: there is none of that name. */
static size_t site_number(const char *name)
{
    size_t site = 0;
    while (site < SITES && strcmp(sites[site], name) != 0)
        site++;
    return site;
}

static bool is_lacked(const struct server *server, const char *name)
{
    size_t site = site_number(name);
    return site < SITES && server->lacks[site];
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

/* A decision that is made now. `known` may be NULL; without a site, it is a deletion. */
static struct version decide(struct world *world, const struct server *server, size_t key,
                             const struct slot *known, const char *site, const char *home)
{
    bool gone = !site;
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
    strcpy(entry->controller, site);
    strcpy(entry->method, "modulus");
    strcpy(entry->home, strcmp(home, site) != 0 ? home : "");
    strcpy(world->decisions[version.decision].home, entry->home);
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
    if (world->mutant == MUTANT_REFRESH_FORGETS)
        version.entry.home[0] = '\0';
    claim(world, server, key, &version);
}

/* Any that is up and known here; NULL: there is none. */
static const char *choose_site(struct world *world, const struct server *server)
{
    size_t up[SITES], count = 0;
    for (size_t site = 0; site < SITES; site++)
        if (!server->sites[site].down && !server->lacks[site])
            up[count++] = site;
    return count > 0 ? sites[up[world_below(world, count)]] : NULL;
}

/* The number of the home to which a client goes now, else SITES. */
static size_t home_to_go(const struct world *world, const struct server *server,
                         const struct entry *entry, bool is_down)
{
    size_t site = site_number(entry->home);
    if (site == SITES || server->lacks[site])
        return SITES;
    const struct home home = {.state = server->sites[site].down ? HOME_DOWN : HOME_UP,
                              .up_since_s = server->sites[site].up_since_s};
    const struct mapping mapping = {.decided = entry->decided};
    int64_t left_s = world->mutant == MUTANT_HOME_AT_ONCE ? 0 : mapping_decided_s(&mapping);
    enum failback_verdict verdict =
        failback_judge(&world->pool, &home, left_s, server_clock_ms(world, server) / 1000);
    return failback_is_due(verdict, is_down ? MAPPING_SERVERS_DOWN : MAPPING_LIVE) ? site : SITES;
}

static void count_return(struct world *world, struct server *server, size_t site, size_t key)
{
    if (++server->sites[site].returns[key] > 1 && !world->was_off)
        world->returned_twice = true;
}

static void take(struct world *world, struct server *server, size_t key, const struct slot *known,
                 const char *site, const char *home)
{
    if (!site || world->decision_count == DECISIONS_MAX)
        return;
    struct version version = decide(world, server, key, known, site, home);
    claim(world, server, key, &version);
}

/* Of a mapping that has time left. */
static void follow(struct world *world, struct server *server, size_t key, const struct slot *known)
{
    const struct entry entry = known->version.entry;
    size_t site = site_number(entry.controller);
    bool is_down = server->sites[site].down;
    size_t home = home_to_go(world, server, &entry, is_down);
    if (home < SITES) {
        if (!is_down)
            count_return(world, server, home, key);
        take(world, server, key, known, sites[home], "");
    } else if (is_down) {
        bool has_home = *entry.home && !is_lacked(server, entry.home);
        take(world, server, key, known, choose_site(world, server),
             has_home ? entry.home : entry.controller);
    } else {
        refresh(world, server, key, known);
    }
}

static void fail_site(struct world *world, struct server *server, const char *name)
{
    server->sites[site_number(name)].down = true;
    say(world, "node %d finds %s down", (int)server->node, name);
}

void server_ask(struct world *world, struct server *server, size_t key, bool fails)
{
    const struct slot *known = found(server, key);
    if (known && is_live(known, server_clock_ms(world, server))) {
        if (fails)
            fail_site(world, server, known->version.entry.controller);
        follow(world, server, key, known);
        return;
    }
    take(world, server, key, known, choose_site(world, server), "");
}

/* A second goes by, so that what is decided then is later by the seconds, too. */
void server_recover(struct world *world, struct server *server, size_t site)
{
    if (!server->sites[site].down)
        return;
    server->sites[site].down = false;
    server->sites[site].up_since_s = server_clock_ms(world, server) / 1000;
    memset(server->sites[site].returns, 0, sizeof server->sites[site].returns);
    world->now_ms += 1000;
    say(world, "node %d finds %s up", (int)server->node, sites[site]);
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
    struct version version = decide(world, server, key, row, NULL, "");
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
    world->was_off |= offset_ms != 0;
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
    struct version version = decide(world, server, key, NULL, sites[world_below(world, SITES)], "");
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
    struct entry like_row = *told;
    if (world->mutant == MUTANT_HOME_IGNORED && row)
        strcpy(like_row.home, row->home);
    enum entry_fate fate = entry_judge(&like_row, row, now_ms, skew_ms);
    bool believed =
        world->mutant == MUTANT_DECISION_GUARD && was_decided_by(told, now_ms + SKEW_MS);
    return fate == ENTRY_FUTURE && believed ? ENTRY_NEWER : fate;
}

void server_hear(struct world *world, struct server *server, size_t key, const struct version *told)
{
    int64_t now_ms = server_clock_ms(world, server);
    struct version taken = *told;
    if (entry_is_over(&told->entry, now_ms, world_grace_s(world)))
        return;
    if (is_lacked(server, told->entry.home)) {
        world->has_lacked = true;
        taken.entry.home[0] = '\0';
    }
    if (is_lacked(server, told->entry.controller)) {
        world->has_lacked = true;
        return;
    }
    switch (judge(world, &taken.entry, standing(world, server, key), now_ms)) {
    case ENTRY_NEWER:
        say(world, "node %d takes decision %zu for key %zu", (int)server->node, told->decision,
            key);
        put_row(world, server, key, &taken);
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

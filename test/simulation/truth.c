/* What no server can know, and what has to hold when all have met. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31;
}

size_t world_below(struct world *world, size_t limit)
{
    return (size_t)(random_next(&world->seed) % limit);
}

void say(const struct world *world, const char *format, ...)
{
    if (!world->trace)
        return;
    printf("    %lld.%03d  ", (long long)(world->now_ms / 1000), (int)(world->now_ms % 1000));
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    putchar('\n');
}

/* -------------------------------------------------------------- decisions */

size_t decision_add(struct world *world, size_t key, uint64_t seen)
{
    size_t number = world->decision_count++;
    world->decisions[number] = (struct decision){key, seen | UINT64_C(1) << number, false, ""};
    return number;
}

/* What a server whose clock is far ahead made or did away with counts for nothing. */
static bool is_ahead(const struct server *server)
{
    return server->offset_ms > HONEST_MS;
}

static void raise_greatest(struct greatest *greatest, const struct version *version)
{
    if (greatest->known && entry_compare(&version->entry, &greatest->version.entry) <= 0)
        return;
    greatest->known = true;
    greatest->version = *version;
}

void greatest_count(struct world *world, const struct server *server, size_t key,
                    const struct version *version)
{
    if (is_ahead(server))
        greatest_retreat(world, key);
    else
        raise_greatest(&world->greatest[key], version);
}

static void raise_by_slot(struct world *world, size_t key, const struct slot *slot)
{
    if (slot->filled && !entry_is_future(&slot->version.entry, world->now_ms, SKEW_MS + HONEST_MS))
        raise_greatest(&world->greatest[key], &slot->version);
}

void greatest_retreat(struct world *world, size_t key)
{
    world->greatest[key] = (struct greatest){0};
    for (size_t i = 0; i < world->server_count; i++) {
        raise_by_slot(world, key, &world->servers[i].rows[key]);
        raise_by_slot(world, key, &world->servers[i].claims[key]);
    }
}

void greatest_count_rows(struct world *world)
{
    for (size_t key = 0; key < KEYS; key++)
        for (size_t i = 0; i < world->server_count; i++)
            raise_by_slot(world, key, &world->servers[i].rows[key]);
}

void slot_put(struct world *world, struct server *server, struct slot *slot, size_t key,
              const struct version *version)
{
    slot->filled = true;
    slot->version = *version;
    slot->seen |= world->decisions[version->decision].seen;
    slot->recent |= world->decisions[version->decision].seen;
    if (is_ahead(server))
        greatest_retreat(world, key);
    else
        raise_by_slot(world, key, slot); /* a clock that was ahead may have made it */
}

/* -------------------------------------------------------------- moves */

/* The site that a server's clients are sent to, or "". */
static const char *answer(const struct world *world, const struct server *server, size_t key)
{
    const struct slot *row = &server->rows[key];
    const struct entry *entry = &row->version.entry;
    bool live =
        row->filled && !entry->gone && entry_end_s(entry) > server_clock_ms(world, server) / 1000;
    return live ? entry->controller : "";
}

static void remember_answer(struct world *world, size_t i, size_t key, const char *site)
{
    snprintf(world->answers[i][key], SITE_NAME_MAX, "%s", site);
}

/*
 * Decisions that may still replace what stands in a row. One that was made while nothing was shared
 * is refreshed to another place in the order once.
 */
static size_t count_unheard(const struct world *world, size_t key, uint64_t heard)
{
    size_t count = 0;
    for (size_t i = 0; i < world->decision_count; i++) {
        const struct decision *decision = &world->decisions[i];
        count += decision->key == key && (decision->unshared || !(heard & UINT64_C(1) << i));
    }
    return count;
}

/*
 * A client moves at most once for each decision that its server has not heard of yet; where it has
 * none, the first one is no move. So N sides of a partition that decided once each give N - 1
 * moves.
 */
void watch_moves(struct world *world)
{
    memset(world->moved, 0, sizeof world->moved);
    for (size_t key = 0; key < KEYS; key++) {
        for (size_t i = 0; i < world->server_count; i++) {
            struct server *server = &world->servers[i];
            struct slot *row = &server->rows[key];
            bool counts =
                row->filled && !entry_is_over(&row->version.entry, server_clock_ms(world, server),
                                              world_grace_s(world));
            size_t unheard = count_unheard(world, key, counts ? row->recent : 0);
            remember_answer(world, i, key, answer(world, server, key));
            world->moves_allowed[i][key] = unheard > 0 && !counts ? unheard - 1 : unheard;
        }
    }
}

void count_move(struct world *world, const struct server *server, size_t key)
{
    size_t i = (size_t)server->node - 1;
    const char *before = world->answers[i][key], *now = answer(world, server, key);
    if (!*now || strcmp(before, now) == 0)
        return;
    world->moved[i][key] += *before != 0;
    remember_answer(world, i, key, now);
}

/* -------------------------------------------------------------- checks */

/* The row that counts; NULL: none. */
static const struct version *counting(const struct world *world, size_t i, size_t key)
{
    const struct server *server = &world->servers[i];
    const struct slot *row = &server->rows[key];
    bool over =
        row->filled && entry_is_over(&row->version.entry, world->now_ms, world_grace_s(world));
    return row->filled && !over ? &row->version : NULL;
}

static bool same(const struct version *a, const struct version *b)
{
    return a && b ? entry_compare(&a->entry, &b->entry) == 0 : a == b;
}

static bool are_equal(const struct world *world, size_t key)
{
    for (size_t i = 1; i < world->server_count; i++)
        if (!same(counting(world, 0, key), counting(world, i, key)))
            return false;
    return true;
}

/* Whether all servers should still have the greatest entry, whatever their clocks were. */
static bool is_kept(const struct world *world, const struct greatest *greatest)
{
    return greatest->known &&
           !entry_is_over(&greatest->version.entry, world->now_ms + 2 * HONEST_MS, GRACE_S);
}

/* All that was ever decided counts: nothing was lost, and no clock was far off. */
static bool is_exact(const struct world *world)
{
    return !world->wiped && !world->was_hour;
}

const char *check_before_walk(const struct world *world)
{
    if (!is_exact(world) || world->has_lacked || world->mutant == MUTANT_NO_WALK)
        return NULL;
    for (size_t key = 0; key < KEYS; key++)
        if (is_kept(world, &world->greatest[key]) && !are_equal(world, key))
            return "what the logs hold, or tell of, is not equal without another walk";
    return NULL;
}

static bool was_undone(const struct world *world, size_t key)
{
    size_t winner = world->greatest[key].version.decision;
    for (size_t i = 0; i < world->decision_count; i++)
        if (i != winner && world->decisions[i].key == key &&
            world->decisions[i].seen & UINT64_C(1) << winner)
            return true;
    return false;
}

static const char *check_greatest(const struct world *world, size_t key)
{
    const struct greatest *greatest = &world->greatest[key];
    const struct version *row = counting(world, 0, key);
    if (!is_kept(world, greatest))
        return NULL;
    if (!row && entry_end_s(&greatest->version.entry) <= world->now_ms / 1000)
        return NULL;
    int order = row ? entry_compare(&row->entry, &greatest->version.entry) : -1;
    if (order < 0)
        return "an entry was lost though it was the greatest";
    if (!is_exact(world))
        return NULL;
    if (order > 0)
        return "an entry came from nowhere";
    return was_undone(world, key) ? "a decision was undone by one that it knew" : NULL;
}

static const char *check_moves(const struct world *world, size_t key)
{
    if (world->was_hour)
        return NULL;
    for (size_t i = 0; i < world->server_count; i++)
        if (world->moved[i][key] > world->moves_allowed[i][key])
            return "a client moved more often than there were decisions";
    return NULL;
}

static const char *check_key(const struct world *world, size_t key)
{
    if (!are_equal(world, key))
        return "tables are not equal";
    const struct version *row = counting(world, 0, key);
    if (row && entry_is_future(&row->entry, world->now_ms, SKEW_MS))
        return "an entry of the future stands";
    if (row && !world->has_lacked &&
        strcmp(row->entry.home, world->decisions[row->decision].home) != 0)
        return "a home was forgotten";
    const char *wrong = check_greatest(world, key);
    return wrong ? wrong : check_moves(world, key);
}

const char *check_at_end(const struct world *world)
{
    if (is_exact(world) && world->refused > 0)
        return "honest servers refused each other";
    if (world->returned_twice)
        return "one recovery brought a client home twice";
    for (size_t key = 0; key < KEYS; key++) {
        const char *wrong = check_key(world, key);
        if (wrong)
            return wrong;
    }
    return NULL;
}

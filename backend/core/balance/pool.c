/*
 * The words of each enum, in the order of its values, so that a word's index is its value; then
 * short questions about pools and servers. The states go from the least to the most restrictive, so
 * the effective one is the greater.
 */
#include "core/balance/pool.h"

#include "core/base/word.h"

static const char *const state_words[] = {"enabled", "draining", "disabled"};
static const char *const fallback_words[] = {"any", "none", "servfail"};
static const char *const client_words[] = {"ldns", "ecs"};
static const char *const timer_words[] = {"fixed", "sliding"};
static const char *const failback_words[] = {"stay", "return", "delayed", "manual"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

bool state_parse(const char *word, enum state *ret_state)
{
    size_t index;
    if (!word_find(state_words, COUNT(state_words), word, &index))
        return false;
    *ret_state = (enum state)index;
    return true;
}

bool fallback_parse(const char *word, enum fallback *ret_fallback)
{
    size_t index;
    if (!word_find(fallback_words, COUNT(fallback_words), word, &index))
        return false;
    *ret_fallback = (enum fallback)index;
    return true;
}

bool client_kind_parse(const char *word, enum client_kind *ret_kind)
{
    size_t index;
    if (!word_find(client_words, COUNT(client_words), word, &index))
        return false;
    *ret_kind = (enum client_kind)index;
    return true;
}

bool persistence_timer_parse(const char *word, enum persistence_timer *ret_timer)
{
    size_t index;
    if (!word_find(timer_words, COUNT(timer_words), word, &index))
        return false;
    *ret_timer = (enum persistence_timer)index;
    return true;
}

bool failback_parse(const char *word, enum failback *ret_failback)
{
    size_t index;
    if (!word_find(failback_words, COUNT(failback_words), word, &index))
        return false;
    *ret_failback = (enum failback)index;
    return true;
}

const char *state_word(enum state state)
{
    return state_words[state];
}

const char *fallback_word(enum fallback fallback)
{
    return fallback_words[fallback];
}

const char *client_kind_word(enum client_kind kind)
{
    return client_words[kind];
}

const char *persistence_timer_word(enum persistence_timer timer)
{
    return timer_words[timer];
}

const char *failback_word(enum failback failback)
{
    return failback_words[failback];
}

unsigned pool_prefix_bits(const struct pool *pool, enum address_family family)
{
    return family == FAMILY_IPV4 ? pool->ipv4_prefix_bits : pool->ipv6_prefix_bits;
}

bool pool_has_names(const struct pool *pool)
{
    while (pool->server_count == 0 && pool->fallback_pool)
        pool = pool->fallback_pool;
    return pool->server_count > 0 && pool->servers[0].name;
}

const char *virtual_server_text(const struct virtual_server *server)
{
    if (server->ipv4)
        return server->ipv4;
    return server->ipv6 ? server->ipv6 : server->name;
}

const char *family_type(enum address_family family)
{
    return family == FAMILY_IPV4 ? "A" : "AAAA";
}

const char *virtual_server_address(const struct virtual_server *server, enum address_family family)
{
    return family == FAMILY_IPV4 ? server->ipv4 : server->ipv6;
}

enum state virtual_server_state(const struct virtual_server *server)
{
    enum state own = server->state, controllers = server->controller->state;
    return own > controllers ? own : controllers;
}

enum state pool_site_state(const struct pool *pool, const struct controller *controller)
{
    enum state least = STATE_DISABLED;
    for (size_t i = 0; i < pool->server_count; i++) {
        enum state state = virtual_server_state(&pool->servers[i]);
        if (pool->servers[i].controller == controller && state < least)
            least = state;
    }
    return least;
}

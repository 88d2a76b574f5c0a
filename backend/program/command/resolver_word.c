#include "program/command/resolver_word.h"

#include <stdio.h>
#include <string.h>

struct resolver_word resolver_word_read(const char *text)
{
    struct resolver_word word = {.text = text, .kind = strncmp(text, "ecs:", 4) == 0 ? "ecs:" : ""};
    const char *address = text + strlen(word.kind);
    word.is_prefix = prefix_parse(address, strlen(address), &word.prefix) == 0;
    return word;
}

bool resolver_word_is_network(const struct resolver_word *word)
{
    return word->is_prefix && word->prefix.bits < family_bits(word->prefix.address.family);
}

bool resolver_word_is_group(const struct resolver_word *word)
{
    return strncmp(word->text, "group:", 6) == 0;
}

static void prefix_key(const struct resolver_word *word, const struct prefix *prefix,
                       char ret_key[static CLIENT_KEY_MAX])
{
    char text[PREFIX_TEXT_MAX];
    snprintf(ret_key, CLIENT_KEY_MAX, "%s%s", word->kind, prefix_format(prefix, text));
}

void resolver_word_key(const struct resolver_word *word, char ret_key[static CLIENT_KEY_MAX])
{
    prefix_key(word, &word->prefix, ret_key);
}

void resolver_word_client_key(const struct resolver_word *word, const struct snapshot *snapshot,
                              const struct pool *pool, char ret_key[static CLIENT_KEY_MAX])
{
    const struct source source = {.remote = word->prefix.address};
    struct client client;
    client_identify(&source, pool, &snapshot->groups, &client);
    memcpy(ret_key, client.key, sizeof client.key);
}

bool resolver_word_around(const struct resolver_word *word, const struct pool *pool,
                          char ret_key[static CLIENT_KEY_MAX])
{
    unsigned bits = pool_prefix_bits(pool, word->prefix.address.family);
    if (bits >= word->prefix.bits)
        return false;
    const struct prefix client = prefix_of(&word->prefix.address, bits);
    prefix_key(word, &client, ret_key);
    return true;
}

void resolver_word_range(const struct resolver_word *word, char ret_after[static CLIENT_KEY_MAX],
                         char ret_before[static CLIENT_KEY_MAX])
{
    char start[PREFIX_TEXT_MAX];
    prefix_start(&word->prefix, start);
    size_t length = (size_t)snprintf(ret_after, CLIENT_KEY_MAX, "%s%s", word->kind, start);
    strcpy(ret_before, length > 0 ? ret_after : "~");
    if (length > 0)
        ret_before[length - 1]++;
}

bool resolver_word_covers(const void *context, const char *key)
{
    const struct resolver_word *word = context, found = resolver_word_read(key);
    return found.is_prefix && strcmp(found.kind, word->kind) == 0 &&
           found.prefix.bits >= word->prefix.bits &&
           prefix_contains(&word->prefix, &found.prefix.address);
}

static void add_key(struct resolver_keys *keys, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->keys[i], key) == 0)
            return;
    if (length > 0 && length < CLIENT_KEY_MAX)
        memcpy(keys->keys[keys->count++], key, length + 1);
}

void resolver_word_keys(const struct resolver_word *word, const struct snapshot *snapshot,
                        const struct pool *pool, struct resolver_keys *ret_keys)
{
    char key[CLIENT_KEY_MAX];
    ret_keys->count = 0;
    if (resolver_word_is_network(word)) {
        if (resolver_word_around(word, pool, key))
            add_key(ret_keys, key);
        return;
    }
    add_key(ret_keys, word->text); /* SQL may have put it in as it is */
    if (word->is_prefix) {
        resolver_word_key(word, key);
        add_key(ret_keys, key);
    }
    if (word->is_prefix && !*word->kind) {
        resolver_word_client_key(word, snapshot, pool, key);
        add_key(ret_keys, key);
    }
}

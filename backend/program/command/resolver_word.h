/*
 * What an operator calls a resolver, and the keys of mappings that it means.
 *
 * The word is an address, a network, either of them behind `ecs:`, or `group:` and a name. The key
 * of an address is worked out for each pool, since some use networks or groups as clients. A
 * network stands for all keys inside it and, in pools of larger networks, for the one around it.
 * Plain values; the text stays the caller's.
 */
#ifndef STICKY_PROGRAM_COMMAND_RESOLVER_WORD_H
#define STICKY_PROGRAM_COMMAND_RESOLVER_WORD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/balance/client.h"
#include "core/configuration/snapshot.h"

struct resolver_word {
    const char *text, *kind; /* `kind` is what the keys begin with: "" or "ecs:" */
    bool is_prefix;          /* an address or a network behind that */
    struct prefix prefix;
};

struct resolver_word resolver_word_read(const char *text);
bool resolver_word_is_network(const struct resolver_word *word);
bool resolver_word_is_group(const struct resolver_word *word);

/* The key of the word itself, in the canonical form of keys. Of a prefix. */
void resolver_word_key(const struct resolver_word *word, char ret_key[static CLIENT_KEY_MAX]);

/* The key by which a resolver with this address is known in a pool. */
void resolver_word_client_key(const struct resolver_word *word, const struct snapshot *snapshot,
                              const struct pool *pool, char ret_key[static CLIENT_KEY_MAX]);

/* Of a network: the key around it, where the clients of a pool are larger. False: they are not. */
bool resolver_word_around(const struct resolver_word *word, const struct pool *pool,
                          char ret_key[static CLIENT_KEY_MAX]);

/*
 * Of a network: texts before and behind all keys inside, in the order of their octets; and whether
 * a key between them is one. `word` is a struct resolver_word.
 */
void resolver_word_range(const struct resolver_word *word, char ret_after[static CLIENT_KEY_MAX],
                         char ret_before[static CLIENT_KEY_MAX]);
bool resolver_word_covers(const void *word, const char *key);

/* The single keys that a word means in a pool, each once; of a network, besides those inside. */
#define RESOLVER_KEYS_MAX 3
struct resolver_keys {
    size_t count;
    char keys[RESOLVER_KEYS_MAX][CLIENT_KEY_MAX];
};
void resolver_word_keys(const struct resolver_word *word, const struct snapshot *snapshot,
                        const struct pool *pool, struct resolver_keys *ret_keys);

#endif

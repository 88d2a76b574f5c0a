/*
 * The command `forget`, as PowerDNS can reach it: deletes the rows of the keys that the operator's
 * word means.
 */
#include <inttypes.h>
#include <string.h>

#include "program/command/command.h"
#include "program/command/resolver_word.h"
#include "system/clock.h"

/* PowerDNS waits for 2000 ms, and a command has to be read and answered, too. */
#define WAIT_MS 1200

/* What is to be done, and how far it is. */
struct forgetting {
    const struct command_call *call;
    int64_t until_ms; /* monotonic: so long the writer is waited for, in all */
    int64_t count;
};

/* Deletes the rows of a key; pool_id 0: in all pools. */
static int forget_key(struct forgetting *forgetting, const char *key, int64_t pool_id,
                      struct error *error)
{
    int64_t gone = 0;
    int code = store_forget(responder_store(forgetting->call->responder), key, pool_id,
                            forgetting->until_ms, &gone, error);
    forgetting->count += gone;
    return code;
}

/* Deletes the rows whose key is the operator's word, in the canonical form of keys and as it is. */
static int forget_word(struct forgetting *forgetting, const struct resolver_word *word,
                       const struct pool *pool, struct error *error)
{
    char key[CLIENT_KEY_MAX];
    int64_t pool_id = pool ? pool->persistence_pool->id : 0;
    if (!word->is_prefix)
        return forget_key(forgetting, word->text, pool_id, error);
    resolver_word_key(word, key);
    int code = forget_key(forgetting, key, pool_id, error);
    if (code == 0 && strcmp(key, word->text) != 0) /* SQL may have put it in */
        code = forget_key(forgetting, word->text, pool_id, error);
    return code;
}

/* Says whether mappings of a pool are meant; those that it shares are another pool's. */
static bool is_meant(const struct pool *pool, const struct pool *only)
{
    return pool->persistence_pool == pool && (!only || only->persistence_pool == pool);
}

/*
 * Deletes the rows of an address: its key differs between pools, since some use networks or groups.
 */
static int forget_address(struct forgetting *forgetting, const struct decision_inputs *inputs,
                          const struct resolver_word *word, const struct pool *only,
                          struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < inputs->snapshot->pool_count; i++) {
        const struct pool *pool = &inputs->snapshot->pools[i];
        char key[CLIENT_KEY_MAX];
        if (!is_meant(pool, only))
            continue;
        resolver_word_client_key(word, inputs->snapshot, pool, key);
        code = forget_key(forgetting, key, pool->id, error);
    }
    return code;
}

/* Deletes the rows of all addresses and networks in a network. */
static int forget_inside(struct forgetting *forgetting, const struct resolver_word *word,
                         const struct pool *pool, struct error *error)
{
    char after[CLIENT_KEY_MAX], before[CLIENT_KEY_MAX];
    struct key_range range = {
        .after = after, .before = before, .matches = resolver_word_covers, .context = word};
    int64_t gone = 0;
    resolver_word_range(word, after, before);
    int code = store_forget_range(responder_store(forgetting->call->responder), pool->id, &range,
                                  forgetting->until_ms, forgetting->call->from_shell, &gone, error);
    forgetting->count += gone;
    return code;
}

/* Where the clients of a pool are larger networks, that is the one in which the network lies. */
static int forget_around(struct forgetting *forgetting, const struct resolver_word *word,
                         const struct pool *pool, struct error *error)
{
    char key[CLIENT_KEY_MAX];
    if (!resolver_word_around(word, pool, key))
        return 0;
    return forget_key(forgetting, key, pool->id, error);
}

static int forget_network(struct forgetting *forgetting, const struct decision_inputs *inputs,
                          const struct resolver_word *word, const struct pool *only,
                          struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < inputs->snapshot->pool_count; i++) {
        const struct pool *pool = &inputs->snapshot->pools[i];
        if (!is_meant(pool, only))
            continue;
        code = forget_around(forgetting, word, pool, error);
        if (code == 0)
            code = forget_inside(forgetting, word, pool, error);
    }
    return code;
}

static int forget(struct forgetting *forgetting, const struct resolver_word *word,
                  const struct decision_inputs *inputs, const struct pool *pool,
                  struct error *error)
{
    if (resolver_word_is_network(word))
        return forget_network(forgetting, inputs, word, pool, error);
    int code = forget_word(forgetting, word, pool, error);
    if (code == 0 && word->is_prefix && !*word->kind)
        code = forget_address(forgetting, inputs, word, pool, error);
    return code;
}

static enum command_result run_forget(const struct command_call *call)
{
    struct decision_inputs inputs;
    struct error error = {0};
    const struct pool *pool = NULL;
    const struct resolver_word word = resolver_word_read(call->words[1]);
    struct forgetting forgetting = {.call = call, .until_ms = clock_monotonic_ms() + WAIT_MS};
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (call->count > 2 &&
        command_find_pool(call, inputs.snapshot, call->words[2], &pool) != COMMAND_OK) {
        responder_end(call->responder);
        return COMMAND_FAILED;
    }
    int code = forget(&forgetting, &word, &inputs, pool, &error);
    int64_t count = forgetting.count;
    responder_end(call->responder);
    if (code == 0 && count == 0 && !word.is_prefix && !resolver_word_is_group(&word))
        return command_failure(
            call, "%s is not an address, a network or a group, and has no mapping", word.text);
    if (code != 0 && count > 0)
        return command_failure(call, "%" PRId64 " mapping%s forgotten, and then: %s", count,
                               count == 1 ? "" : "s", error.text);
    if (code != 0)
        return command_failed(call, &error);
    buffer_printf(call->out, "%" PRId64 " mapping%s forgotten\n", count, count == 1 ? "" : "s");
    return COMMAND_OK;
}

const struct command command_forget = {
    .name = "forget",
    .arguments = "LDNS [POOL]",
    .summary = "delete the mappings of a resolver, or of all in a network",
    .least = 2,
    .most = 3,
    .run = run_forget,
};

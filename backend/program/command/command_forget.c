#include <inttypes.h>
#include <string.h>

#include "program/command/command.h"

/* The client's key in a pool's mappings, which may be a network or a group. */
static void key_in_pool(const struct decision_inputs *inputs, const struct pool *pool,
                        const struct address *ldns, struct client *ret_client)
{
    struct source source = {.remote = *ldns};
    client_identify(&source, pool, &inputs->snapshot->groups, ret_client);
}

/* The word of the operator, in the canonical form of keys. */
static void canonical_key(const char *word, struct buffer *ret_key)
{
    struct prefix prefix;
    char text[PREFIX_TEXT_MAX];
    const char *address = word;
    if (strncmp(word, "ecs:", 4) == 0) {
        address = word + 4;
        buffer_add_text(ret_key, "ecs:");
    }
    if (prefix_parse(address, strlen(address), &prefix) == 0)
        address = prefix_format(&prefix, text);
    buffer_add_text(ret_key, address);
}

/* Deletes the rows whose key is the operator's word. */
static int forget_key(const struct command_call *call, const char *word, const struct pool *pool,
                      int64_t *count, struct error *error)
{
    struct buffer key = {0};
    int64_t gone = 0;
    canonical_key(word, &key);
    int code = key.failed ? error_set(error, ERR_NOMEM, "out of memory")
                          : store_forget(responder_store(call->responder), key.data,
                                         pool ? pool->persistence_pool->id : 0, &gone, error);
    buffer_release(&key);
    *count += gone;
    return code;
}

/*
 * Deletes the rows of an address: its key differs between pools, since some use networks or groups.
 */
static int forget_address(const struct command_call *call, const struct decision_inputs *inputs,
                          const struct address *ldns, const struct pool *only, int64_t *count,
                          struct error *error)
{
    for (size_t i = 0; i < inputs->snapshot->pool_count; i++) {
        const struct pool *pool = &inputs->snapshot->pools[i];
        struct client client;
        int64_t gone = 0;
        if (pool->persistence_pool != pool || (only && only->persistence_pool != pool))
            continue;
        key_in_pool(inputs, pool, ldns, &client);
        int code =
            store_forget(responder_store(call->responder), client.key, pool->id, &gone, error);
        if (code != 0)
            return code;
        *count += gone;
    }
    return 0;
}

enum command_result command_forget(const struct command_call *call)
{
    struct decision_inputs inputs;
    struct error error = {0};
    const struct pool *pool = NULL;
    struct address ldns;
    int64_t count = 0;
    const char *word = call->words[1];
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (call->count > 2 && !(pool = snapshot_pool_named(inputs.snapshot, call->words[2]))) {
        responder_end(call->responder);
        buffer_printf(call->out, "there is no pool %s\n", call->words[2]);
        return COMMAND_FAILED;
    }
    int code = forget_key(call, word, pool, &count, &error);
    if (code == 0 && address_parse(word, strlen(word), &ldns) == 0)
        code = forget_address(call, &inputs, &ldns, pool, &count, &error);
    responder_end(call->responder);
    if (code != 0)
        return command_failed(call, &error);
    buffer_printf(call->out, "%" PRId64 " mapping%s forgotten\n", count, count == 1 ? "" : "s");
    return COMMAND_OK;
}

/*
 * The command `forget`: turns the operator's word into keys of mappings, and deletes their rows.
 * The key of an address is worked out for each pool, since some use networks or groups as clients.
 * A network stands for all keys inside it and, in pools of larger networks, for the one around it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "program/command/command.h"
#include "system/clock.h"

/* PowerDNS waits for 2000 ms, and a command has to be read and answered, too. */
#define WAIT_MS 1200

/* What is to be done, and how far it is. */
struct forgetting {
    const struct command_call *call;
    int64_t until_ms; /* monotonic: so long the writer is waited for, in all */
    int64_t count;
};

/* The client's key in a pool's mappings, which may be a network or a group. */
static void key_in_pool(const struct decision_inputs *inputs, const struct pool *pool,
                        const struct address *ldns, struct client *ret_client)
{
    struct source source = {.remote = *ldns};
    client_identify(&source, pool, &inputs->snapshot->groups, ret_client);
}

/* The operator's word: the key of a mapping, or a network with many. */
struct word {
    const char *text, *kind; /* `kind` is what the keys begin with: "" or "ecs:" */
    bool is_prefix;          /* an address or a network behind that */
    struct prefix prefix;
};

static struct word read_word(const char *text)
{
    struct word word = {.text = text, .kind = strncmp(text, "ecs:", 4) == 0 ? "ecs:" : ""};
    const char *address = text + strlen(word.kind);
    word.is_prefix = prefix_parse(address, strlen(address), &word.prefix) == 0;
    return word;
}

static bool is_network(const struct word *word)
{
    return word->is_prefix && word->prefix.bits < family_bits(word->prefix.address.family);
}

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

/* Writes the key of a prefix. */
static void prefix_key(const struct word *word, const struct prefix *prefix,
                       char ret_key[static CLIENT_KEY_MAX])
{
    char text[PREFIX_TEXT_MAX];
    snprintf(ret_key, CLIENT_KEY_MAX, "%s%s", word->kind, prefix_format(prefix, text));
}

/* Deletes the rows whose key is the operator's word, in the canonical form of keys and as it is. */
static int forget_word(struct forgetting *forgetting, const struct word *word,
                       const struct pool *pool, struct error *error)
{
    char key[CLIENT_KEY_MAX];
    int64_t pool_id = pool ? pool->persistence_pool->id : 0;
    if (!word->is_prefix)
        return forget_key(forgetting, word->text, pool_id, error);
    prefix_key(word, &word->prefix, key);
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
                          const struct word *word, const struct pool *only, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < inputs->snapshot->pool_count; i++) {
        const struct pool *pool = &inputs->snapshot->pools[i];
        struct client client;
        if (!is_meant(pool, only))
            continue;
        key_in_pool(inputs, pool, &word->prefix.address, &client);
        code = forget_key(forgetting, client.key, pool->id, error);
    }
    return code;
}

static bool lies_within(const void *context, const char *key)
{
    const struct word *word = context, found = read_word(key);
    return found.is_prefix && strcmp(found.kind, word->kind) == 0 &&
           found.prefix.bits >= word->prefix.bits &&
           prefix_contains(&word->prefix, &found.prefix.address);
}

/* Deletes the rows of all addresses and networks in a network. */
static int forget_inside(struct forgetting *forgetting, const struct word *word,
                         const struct pool *pool, struct error *error)
{
    char start[PREFIX_TEXT_MAX], after[CLIENT_KEY_MAX], before[CLIENT_KEY_MAX];
    struct key_range range = {
        .after = after, .before = before, .matches = lies_within, .context = word};
    int64_t gone = 0;
    prefix_start(&word->prefix, start);
    size_t length = (size_t)snprintf(after, sizeof after, "%s%s", word->kind, start);
    strcpy(before, length > 0 ? after : "~");
    if (length > 0)
        before[length - 1]++;
    int code = store_forget_range(responder_store(forgetting->call->responder), pool->id, &range,
                                  forgetting->until_ms, forgetting->call->from_shell, &gone, error);
    forgetting->count += gone;
    return code;
}

/* Where the clients of a pool are larger networks, that is the one in which the network lies. */
static int forget_around(struct forgetting *forgetting, const struct word *word,
                         const struct pool *pool, struct error *error)
{
    unsigned bits = pool_prefix_bits(pool, word->prefix.address.family);
    char key[CLIENT_KEY_MAX];
    if (bits >= word->prefix.bits)
        return 0;
    struct prefix client = prefix_of(&word->prefix.address, bits);
    prefix_key(word, &client, key);
    return forget_key(forgetting, key, pool->id, error);
}

static int forget_network(struct forgetting *forgetting, const struct decision_inputs *inputs,
                          const struct word *word, const struct pool *only, struct error *error)
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

static int forget(struct forgetting *forgetting, const struct word *word,
                  const struct decision_inputs *inputs, const struct pool *pool,
                  struct error *error)
{
    if (is_network(word))
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
    const struct word word = read_word(call->words[1]);
    struct forgetting forgetting = {.call = call, .until_ms = clock_monotonic_ms() + WAIT_MS};
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (call->count > 2 && !(pool = snapshot_pool_named(inputs.snapshot, call->words[2]))) {
        responder_end(call->responder);
        return command_failure(call, "there is no pool %s", call->words[2]);
    }
    int code = forget(&forgetting, &word, &inputs, pool, &error);
    int64_t count = forgetting.count;
    responder_end(call->responder);
    if (code == 0 && count == 0 && !word.is_prefix && strncmp(word.text, "group:", 6) != 0)
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

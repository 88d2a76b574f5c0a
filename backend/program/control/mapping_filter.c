#include "program/control/mapping_filter.h"

#include <string.h>

#include "core/base/decimal.h"

bool read_count(const struct command_call *call, const char *option, int64_t *ret_count)
{
    const char *text = command_value(call, option, 0);
    if (!text || decimal_parse(text, strlen(text), 0, INT64_MAX, ret_count))
        return true;
    command_misused(call, "--%s is a number, 0 or more: %s", option, text);
    return false;
}

enum command_result find_pool(const struct command_call *call, const struct snapshot *snapshot,
                              const char *name, const struct pool **ret_pool)
{
    const struct pool *pool = snapshot_pool_named(snapshot, name);
    if (!pool)
        return command_failure(call, "there is no pool %s", name);
    *ret_pool = pool;
    return COMMAND_OK;
}

enum command_result find_site(const struct command_call *call, const struct snapshot *snapshot,
                              const char *name, const struct controller **ret_site)
{
    const struct controller *site = snapshot_controller_named(snapshot, name);
    if (!site)
        return command_failure(call, "there is no site %s", name);
    *ret_site = site;
    return COMMAND_OK;
}

static enum command_result read_resolver(const struct command_call *call, const char *word,
                                         struct mapping_filter *filter)
{
    if (!word)
        return COMMAND_OK;
    filter->has_resolver = true;
    filter->resolver = resolver_word_read(word);
    if (filter->resolver.is_prefix || resolver_word_is_group(&filter->resolver))
        return COMMAND_OK;
    return command_misused(call, "%s is not an address, a network or a group", word);
}

static enum command_result read_names(const struct command_call *call, const char *pool_name,
                                      struct mapping_filter *filter)
{
    const char *site_name = command_value(call, "site", 0);
    const struct pool *pool = NULL;
    const struct controller *site = NULL;
    struct decision_inputs inputs;
    struct error error = {0};
    enum command_result result = COMMAND_OK;
    if (!pool_name && !site_name)
        return COMMAND_OK;
    if (responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    if (pool_name && (result = find_pool(call, inputs.snapshot, pool_name, &pool)) == COMMAND_OK)
        filter->pool_id = pool->id;
    if (result == COMMAND_OK && site_name &&
        (result = find_site(call, inputs.snapshot, site_name, &site)) == COMMAND_OK)
        filter->site_id = site->id;
    responder_end(call->responder);
    return result;
}

/* What a word says, or an option in its place. False, with the error printed: both do. */
static bool word_or_option(const struct command_call *call, const char *option, const char **word)
{
    const char *value = command_value(call, option, 0);
    if (*word && value) {
        command_misused(call, "--%s says again what %s says", option, *word);
        return false;
    }
    *word = value ? value : *word;
    return true;
}

enum command_result mapping_filter_read(const struct command_call *call, const char *resolver,
                                        const char *pool, struct mapping_filter *ret_filter)
{
    *ret_filter = (struct mapping_filter){.expiring_s = -1};
    if (!word_or_option(call, "ldns", &resolver) || !word_or_option(call, "pool", &pool) ||
        !read_count(call, "expiring", &ret_filter->expiring_s))
        return COMMAND_USAGE;
    enum command_result result = read_resolver(call, resolver, ret_filter);
    return result == COMMAND_OK ? read_names(call, pool, ret_filter) : result;
}

bool mapping_filter_matches(const struct mapping_filter *filter, const struct mapping *mapping,
                            int64_t now_s)
{
    if (filter->site_id != 0 && mapping->controller_id != filter->site_id)
        return false;
    if (filter->expiring_s < 0)
        return true;
    int64_t left_s = mapping_left_s(mapping, now_s);
    return left_s > 0 && left_s <= filter->expiring_s;
}

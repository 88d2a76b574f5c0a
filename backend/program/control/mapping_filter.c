#include "program/control/mapping_filter.h"

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
    if (pool_name &&
        (result = command_find_pool(call, inputs.snapshot, pool_name, &pool)) == COMMAND_OK)
        filter->pool_id = pool->id;
    if (result == COMMAND_OK && site_name &&
        (result = command_find_site(call, inputs.snapshot, site_name, &site)) == COMMAND_OK)
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
        !command_count(call, "expiring", &ret_filter->expiring_s))
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

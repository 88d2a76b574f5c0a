/*
 * The command `forget` of the shell: that of PowerDNS, and with options all mappings that a filter
 * means.
 */
#include <inttypes.h>

#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/mapping_tour.h"
#include "program/control/progress.h"

struct forgetting {
    const struct command_call *call;
    const struct mapping_filter *filter;
    struct progress progress;
    bool dry_run;
    int64_t count;
    int64_t first_count; /* of the first tour, if there were more */
    bool is_again;
};

/* The mapping may be another one by now, which is not meant. */
struct meant {
    const struct mapping_filter *filter;
    int64_t now_s;
};

static enum mapping_fate forget_meant(const void *context, const struct mapping *mapping,
                                      struct mapping *ret_wanted)
{
    const struct meant *meant = context;
    (void)ret_wanted;
    return mapping && mapping_filter_matches(meant->filter, mapping, meant->now_s) ? MAPPING_GOES
                                                                                   : MAPPING_STAYS;
}

static int forget_one(void *context, const struct visited_mapping *visited, struct error *error)
{
    struct forgetting *forgetting = context;
    const struct meant meant = {forgetting->filter, visited->inputs->now_s};
    const struct mapping_judge judge = {forget_meant, &meant};
    int code = 0;
    if (!forgetting->dry_run)
        code = store_change(responder_store(forgetting->call->responder), visited->pool->id,
                            visited->key, &judge, 0, true, error);
    forgetting->count += code == 0;
    return code == ERR_NOTFOUND ? 0 : code;
}

static bool show_progress(void *context, int64_t read)
{
    struct forgetting *forgetting = context;
    if (progress_is_due(&forgetting->progress))
        progress_show(&forgetting->progress, "%" PRId64 " mappings read, %" PRId64 " forgotten",
                      read, forgetting->count);
    return true;
}

/* What others have made come back does not count twice. */
static void begin_again(void *context)
{
    struct forgetting *forgetting = context;
    if (!forgetting->is_again)
        forgetting->first_count = forgetting->count;
    forgetting->is_again = true;
}

static void print(const struct forgetting *forgetting, int64_t count)
{
    const struct command_call *call = forgetting->call;
    if (call->json)
        json_output(json_pack("{s:I, s:b}", "forgotten", (json_int_t)count, "dry_run",
                              (int)forgetting->dry_run),
                    call->out);
    else
        buffer_printf(call->out, "%" PRId64 " mapping%s %sforgotten\n", count,
                      count == 1 ? "" : "s", forgetting->dry_run ? "would be " : "");
}

static enum command_result forget_filtered(const struct command_call *call,
                                           const struct mapping_filter *filter)
{
    struct forgetting forgetting = {
        .call = call, .filter = filter, .dry_run = command_value(call, "dry-run", 0) != NULL};
    const struct tour_guide guide = {
        .visit = forget_one, .pause = show_progress, .context = &forgetting};
    struct error error = {0};
    progress_begin(&forgetting.progress);
    int code = forgetting.dry_run
                   ? mapping_tour(call, filter, &guide, &error)
                   : mapping_tour_of_changes(call, filter, &guide, begin_again, &error);
    progress_clear(&forgetting.progress);
    int64_t count = forgetting.is_again ? forgetting.first_count : forgetting.count;
    if (code != 0 && count > 0)
        return command_failure(call, "%" PRId64 " mapping%s forgotten, and then: %s", count,
                               count == 1 ? "" : "s", error.text);
    if (code != 0)
        return command_failed(call, &error);
    print(&forgetting, count);
    return COMMAND_OK;
}

/* All mappings of all pools are not forgotten by mistake. */
static bool means_something(const struct mapping_filter *filter)
{
    return filter->pool_id != 0 || filter->site_id != 0 || filter->has_resolver ||
           filter->expiring_s >= 0;
}

static enum command_result run_forget(const struct command_call *call)
{
    struct mapping_filter filter;
    if (call->option_count == 0 && call->count > 1)
        return command_forget.run(call);
    enum command_result result =
        mapping_filter_read(call, call->count > 1 ? call->words[1] : NULL,
                            call->count > 2 ? call->words[2] : NULL, &filter);
    if (result != COMMAND_OK)
        return result;
    if (!means_something(&filter))
        return command_misused(call, "which mappings: LDNS, --pool, --site, --ldns or --expiring?");
    return forget_filtered(call, &filter);
}

static const struct command_option options[] = {
    OPTION_POOL,
    OPTION_SITE,
    OPTION_LDNS,
    OPTION_EXPIRING,
    {"dry-run", NULL, "only count them", false},
    {NULL, NULL, NULL, false},
};

const struct command command_forget_many = {
    .name = "forget",
    .arguments = "[LDNS [POOL]]",
    .summary = "delete mappings: of a resolver, of a network, or by options",
    .least = 1,
    .most = 3,
    .options = options,
    .has_json = true,
    .run = run_forget,
};

/*
 * The commands `list` and `export`: print mappings while they are read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/mapping_json.h"
#include "program/control/mapping_tour.h"
#include "program/control/progress.h"

/* An address of IPv4 with its prefix, or a short one of IPv6. */
#define KEY_WIDTH 18
/* An address of each family, unless they are long. */
#define ANSWER_WIDTH 28

/* What a mapping is shown with, besides its columns. */
struct listed {
    const struct controller *site; /* NULL: it is gone */
    bool live;
    const char *why;               /* it is not */
    const struct controller *home; /* from which a failure moved the client; NULL: none */
    const struct controller
        *pinned; /* where a pin sends the client while it is up; NULL: nowhere */
    const char *ipv4, *ipv6, *name;
    int64_t age_s, left_s;
};

/* ---------------------------------------------------------------- gathering */

static bool is_live_in(const struct visited_mapping *visited, const struct pool *pool,
                       struct listed *listed, enum mapping_state *ret_state)
{
    const struct decision_inputs *inputs = visited->inputs;
    const struct virtual_server *server;
    struct client client;
    *ret_state = visited_state(visited, pool, &server);
    if (*ret_state != MAPPING_LIVE)
        return false;
    client_of_key(visited->key, &client);
    const struct selection selection = {.pool = pool, .client = &client, .now_s = inputs->now_s};
    listed->name = server->name;
    listed->ipv4 = choose_address(&selection, inputs->availability, server, FAMILY_IPV4);
    listed->ipv6 = choose_address(&selection, inputs->availability, server, FAMILY_IPV6);
    return true;
}

/* A mapping that is of no use in its own pool may be of use in one that shares it. */
static bool is_live_elsewhere(const struct visited_mapping *visited, struct listed *listed)
{
    const struct snapshot *snapshot = visited->inputs->snapshot;
    enum mapping_state state;
    if (visited->asked != visited->pool)
        return false;
    for (size_t i = 0; i < snapshot->pool_count; i++)
        if (snapshot->pools[i].persistence_pool == visited->pool &&
            is_live_in(visited, &snapshot->pools[i], listed, &state))
            return true;
    return false;
}

/* A pin counts before the mapping, so what this says matters more than whether it is live. */
static const struct controller *pin_of(const struct visited_mapping *visited)
{
    const struct snapshot *snapshot = visited->inputs->snapshot;
    struct client client;
    struct source source;
    client_of_key(visited->key, &client);
    if (client_group(&client) && client_source(visited->key, &snapshot->groups, &source))
        client_identify(&source, visited->asked, &snapshot->groups, &client);
    const struct pin *pin = client.known ? pins_find(&snapshot->pins, visited->asked, &client,
                                                     &snapshot->groups, visited->inputs->now_s)
                                         : NULL;
    return pin ? pin->controller : NULL;
}

static void gather(const struct visited_mapping *visited, struct listed *ret_listed)
{
    const struct mapping *mapping = visited->mapping;
    enum mapping_state state;
    *ret_listed = (struct listed){
        .site = snapshot_controller(visited->inputs->snapshot, mapping->controller_id),
        .home = snapshot_controller(visited->inputs->snapshot, mapping->home_id),
        .pinned = pin_of(visited),
        .age_s = mapping_age_s(mapping, visited->inputs->now_s),
        .left_s = mapping_left_s(mapping, visited->inputs->now_s)};
    if (visited->pool->persistence_pool != visited->pool) {
        ret_listed->why = "pool shares mappings";
        return;
    }
    ret_listed->live = is_live_in(visited, visited->asked, ret_listed, &state) ||
                       is_live_elsewhere(visited, ret_listed);
    if (!ret_listed->live)
        ret_listed->why = mapping_state_text(state);
    else if (!client_key_can_match(visited->key, visited->pool,
                                   &visited->inputs->snapshot->groups)) {
        ret_listed->live = false;
        ret_listed->why = "no client has such a key";
    }
}

/* ---------------------------------------------------------------- printing */

/* So that columns stand below each other, as wide as the longest name. */
struct widths {
    size_t pool, site; /* 0: not known yet */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void measure(const struct snapshot *snapshot, struct widths *ret_widths)
{
    struct widths widths = {1, 1};
    for (size_t i = 0; i < snapshot->pool_count; i++)
        widths.pool = larger(widths.pool, text_characters(snapshot->pools[i].name));
    for (size_t i = 0; i < snapshot->controller_count; i++)
        widths.site = larger(widths.site, text_characters(snapshot->controllers[i].name));
    *ret_widths = widths;
}

/* "192.0.2.80 2001:db8:1::80", one of the two, a name, or "-". */
static void print_answer(const struct listed *listed, struct buffer *out)
{
    size_t start = out->length;
    const char *parts[] = {listed->name, listed->ipv4, listed->ipv6};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i])
            buffer_printf(out, "%s%s", out->length > start ? " " : "", parts[i]);
    if (out->length == start)
        buffer_add_char(out, '-');
    size_t length = out->length - start;
    buffer_printf(out, "%*s", length < ANSWER_WIDTH ? (int)(ANSWER_WIDTH - length) : 0, "");
}

static void print_text(const struct visited_mapping *visited, const struct listed *listed,
                       const struct widths *widths, struct buffer *out)
{
    buffer_add_column(out, visited->pool->name, widths->pool);
    buffer_add_text(out, "  ");
    buffer_add_column(out, visited->key, KEY_WIDTH); /* that of a group can have any letters */
    buffer_add_text(out, "  ");
    buffer_add_column(out, listed->site ? listed->site->name : "-", widths->site);
    buffer_add_text(out, "  ");
    print_answer(listed, out);
    buffer_printf(out, "  %-7s  %5" PRId64 " s old  %5" PRId64 " s left  %s",
                  visited->mapping->method, listed->age_s, listed->left_s,
                  listed->live ? "live" : listed->why);
    if (listed->home)
        buffer_printf(out, ", home %s", listed->home->name);
    if (listed->pinned)
        buffer_printf(out, ", pinned to %s", listed->pinned->name);
    buffer_add_char(out, '\n');
}

static json_t *answer_json(const struct listed *listed)
{
    json_t *answer = json_array();
    if (listed->name)
        json_array_append_new(answer, json_text(listed->name));
    if (listed->ipv4)
        json_array_append_new(answer, json_text(listed->ipv4));
    if (listed->ipv6)
        json_array_append_new(answer, json_text(listed->ipv6));
    return answer;
}

static void print_json(const struct visited_mapping *visited, const struct listed *listed,
                       struct buffer *out)
{
    json_t *value =
        mapping_json(visited->inputs->snapshot, visited->pool, visited->key, visited->mapping);
    json_object_set_new(value, "pinned", json_text(listed->pinned ? listed->pinned->name : NULL));
    json_object_set_new(value, "address", json_text(listed->site ? listed->site->address : NULL));
    json_object_set_new(value, "answer", answer_json(listed));
    json_object_set_new(value, "age_s", json_integer(listed->age_s));
    json_object_set_new(value, "left_s", json_integer(listed->left_s));
    json_object_set_new(value, "live", json_boolean(listed->live));
    json_object_set_new(value, "why", json_text(listed->why));
    json_output(value, out);
}

/* ---------------------------------------------------------------- list */

struct listing {
    const struct command_call *call;
    struct progress progress;
    struct widths widths;
    int64_t limit, count; /* limit -1: none */
    bool is_export;
    int64_t left_out; /* of the export: nobody could import them */
    FILE *file;       /* of the export; NULL: standard output */
    bool has_failed;  /* to write */
};

static int list_one(void *context, const struct visited_mapping *visited, struct error *error)
{
    struct listing *listing = context;
    struct listed listed;
    (void)error;
    if (listing->limit == 0)
        return TOUR_END;
    if (listing->widths.pool == 0)
        measure(visited->inputs->snapshot, &listing->widths);
    gather(visited, &listed);
    if (listing->call->json)
        print_json(visited, &listed, listing->call->out);
    else
        print_text(visited, &listed, &listing->widths, listing->call->out);
    return ++listing->count == listing->limit ? TOUR_END : 0;
}

static void show_progress(struct listing *listing, int64_t read)
{
    if (progress_is_due(&listing->progress))
        progress_show(&listing->progress, "%" PRId64 " mappings read, %" PRId64 " %s", read,
                      listing->count, listing->is_export ? "exported" : "listed");
}

/* Between two parts what there is is printed, so that a reader has it at once. */
static bool print_part(void *context, int64_t read)
{
    struct listing *listing = context;
    struct buffer *out = listing->call->out;
    if (out->length > 0 && !listing->file) {
        progress_clear(&listing->progress);
        listing->has_failed = !listing->call->flush(out);
    } else if (out->length > 0) {
        listing->has_failed =
            out->failed || fwrite(out->data, 1, out->length, listing->file) != out->length;
        buffer_clear(out);
    }
    show_progress(listing, read);
    return !listing->has_failed;
}

/* The tour. 0, or an exit status with the error printed. */
static enum command_result
go_through(struct listing *listing, const struct mapping_filter *filter,
           int (*visit)(void *context, const struct visited_mapping *visited, struct error *error))
{
    const struct tour_guide guide = {.visit = visit, .pause = print_part, .context = listing};
    struct error error = {0};
    progress_begin(&listing->progress);
    int code = mapping_tour(listing->call, filter, &guide, &error);
    if (listing->file && !listing->has_failed)
        print_part(listing, 0);
    progress_clear(&listing->progress);
    return code < 0 ? command_failed(listing->call, &error) : COMMAND_OK;
}

static enum command_result run_list(const struct command_call *call)
{
    struct mapping_filter filter;
    struct listing listing = {.call = call, .limit = -1};
    if (!command_count(call, "limit", &listing.limit))
        return COMMAND_USAGE;
    enum command_result result = mapping_filter_read(call, NULL, NULL, &filter);
    if (result != COMMAND_OK)
        return result;
    filter.with_unused = true;
    result = go_through(&listing, &filter, list_one);
    if (result == COMMAND_OK && !call->json && !listing.has_failed)
        buffer_printf(call->out, "%" PRId64 " mapping%s\n", listing.count,
                      listing.count == 1 ? "" : "s");
    return result;
}

static const struct command_option list_options[] = {
    OPTION_POOL,
    OPTION_SITE,
    OPTION_LDNS,
    OPTION_EXPIRING,
    {"limit", "NUMBER", "no more than so many", false},
    {NULL, NULL, NULL, false},
};

const struct command command_list_mappings = {
    .name = "list",
    .arguments = "",
    .summary = "show mappings: who is sent where, and for how long",
    .least = 1,
    .most = 1,
    .options = list_options,
    .has_json = true,
    .run = run_list,
};

/* ---------------------------------------------------------------- export */

static int export_one(void *context, const struct visited_mapping *visited, struct error *error)
{
    struct listing *listing = context;
    const struct controller *site =
        snapshot_controller(visited->inputs->snapshot, visited->mapping->controller_id);
    (void)error;
    if (!site ||
        !client_key_can_match(visited->key, visited->pool, &visited->inputs->snapshot->groups)) {
        listing->left_out++;
        return 0;
    }
    json_output(
        mapping_json(visited->inputs->snapshot, visited->pool, visited->key, visited->mapping),
        listing->call->out);
    listing->count++;
    return 0;
}

static enum command_result cannot_write(const struct command_call *call, const char *path)
{
    return command_failure(call, "%s cannot be written: %s", path, strerror(errno));
}

/* Exports to a file that is opened as `opened`, and then called `path`. */
static enum command_result export_as(struct listing *listing, const struct mapping_filter *filter,
                                     const char *opened, const char *path)
{
    const struct command_call *call = listing->call;
    listing->file = fopen(opened, "we");
    if (!listing->file)
        return cannot_write(call, opened);
    enum command_result result = go_through(listing, filter, export_one);
    bool closed = fclose(listing->file) == 0;
    bool renamed = opened == path || result != COMMAND_OK;
    if (result == COMMAND_OK &&
        (listing->has_failed || !closed || (!renamed && rename(opened, path) != 0)))
        result = cannot_write(call, path);
    if (result != COMMAND_OK && opened != path)
        remove(opened);
    return result;
}

/*
 * Under another name until it is complete, so that nobody takes a part for the whole. A device or a
 * pipe is written to as it is, and a link stays one.
 */
static enum command_result export_to(struct listing *listing, const struct mapping_filter *filter,
                                     const char *path)
{
    struct stat status;
    struct buffer part = {0};
    char *real = realpath(path, NULL); /* NULL: it does not exist */
    const char *target = real ? real : path;
    enum command_result result;
    if (real && stat(real, &status) == 0 && !S_ISREG(status.st_mode)) {
        result = export_as(listing, filter, path, path);
    } else {
        buffer_printf(&part, "%s-part", target);
        result = part.failed ? command_failure(listing->call, "out of memory")
                             : export_as(listing, filter, part.data, target);
    }
    buffer_release(&part);
    free(real);
    return result;
}

static enum command_result run_export(const struct command_call *call)
{
    struct mapping_filter filter;
    struct listing listing = {.call = call, .limit = -1, .is_export = true};
    enum command_result result = mapping_filter_read(call, NULL, NULL, &filter);
    if (result != COMMAND_OK)
        return result;
    bool is_file = call->count > 1 && strcmp(call->words[1], "-") != 0;
    if (is_file)
        result = export_to(&listing, &filter, call->words[1]);
    else
        result = go_through(&listing, &filter, export_one);
    if (listing.left_out > 0)
        command_failure(call,
                        "note: left out %" PRId64 " mapping%s to a site that is gone, or of a key"
                        " that no resolver has",
                        listing.left_out, listing.left_out == 1 ? "" : "s");
    if (result == COMMAND_OK && is_file)
        buffer_printf(call->out, "%" PRId64 " mapping%s exported\n", listing.count,
                      listing.count == 1 ? "" : "s");
    return result;
}

static const struct command_option export_options[] = {
    OPTION_POOL, OPTION_SITE, OPTION_LDNS, OPTION_EXPIRING, {NULL, NULL, NULL, false},
};

const struct command command_export = {
    .name = "export",
    .arguments = "[FILE]",
    .summary = "write mappings as lines of JSON, for import",
    .least = 1,
    .most = 2,
    .options = export_options,
    .run = run_export,
};

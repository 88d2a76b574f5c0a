/*
 * Shows the sites again and again, and what has changed since it was started. On a terminal the
 * screen is refreshed in place; elsewhere each picture follows the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/decimal.h"
#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/sites.h"
#include "system/clock.h"

#define INTERVAL_DEFAULT_S 2
#define INTERVAL_MAX_S 3600

/* So many changes and problems are shown. */
#define CHANGES_MAX 10
#define PROBLEMS_MAX 5

/* For most names of sites; a longer one moves the rest of its line. */
#define SITE_WIDTH 24

/* Terminals without a size are those of 1978 (ECMA-48 has the sequences). */
#define ROWS_DEFAULT 24
#define HOME "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"
#define RESET "\033[0m"

struct change {
    int64_t at_s;
    char text[256];
};

/* What a site was at the last look. */
struct seen_site {
    int64_t id;
    enum site_health health;
};

struct watching {
    const struct command_call *call;
    bool is_terminal, has_colour;
    int64_t interval_s, pictures; /* how many are still wanted; -1: no end */
    struct seen_site *seen;
    size_t seen_count;
    bool has_looked;
    struct change changes[CHANGES_MAX]; /* the last one first */
    size_t change_count;
    uint64_t decisions; /* of all processes, at the last look */
    int64_t looked_ms;
    double decisions_per_s; /* negative: not known yet */
};

/* ---------------------------------------------------------------- what has changed */

static void add_change(struct watching *watching, int64_t now_s, const struct site *site,
                       enum site_health before)
{
    size_t kept = watching->change_count < CHANGES_MAX ? watching->change_count : CHANGES_MAX - 1;
    struct change *change = &watching->changes[0];
    memmove(change + 1, change, kept * sizeof *change);
    watching->change_count = kept + 1;
    change->at_s = now_s;
    snprintf(change->text, sizeof change->text, "%s: %s, was %s%s%s", site->controller->name,
             site_health_word(site->health), site_health_word(before),
             site->down_s >= 0 && site->health >= SITE_PARTLY_DOWN ? "; " : "",
             site->down_s >= 0 && site->health >= SITE_PARTLY_DOWN ? reason_word(site->reason)
                                                                   : "");
}

static const struct seen_site *find_seen(const struct watching *watching, int64_t id)
{
    for (size_t i = 0; i < watching->seen_count; i++)
        if (watching->seen[i].id == id)
            return &watching->seen[i];
    return NULL;
}

/* 0 or ERR_NOMEM. */
static int note_sites(struct watching *watching, const struct sites *sites, int64_t now_s)
{
    struct seen_site *seen = calloc(sites->count + 1, sizeof *seen);
    if (!seen)
        return ERR_NOMEM;
    for (size_t i = 0; i < sites->count; i++) {
        const struct site *site = &sites->sites[i];
        const struct seen_site *before = find_seen(watching, site->controller->id);
        if (before && before->health != site->health)
            add_change(watching, now_s, site, before->health);
        seen[i] = (struct seen_site){site->controller->id, site->health};
    }
    free(watching->seen);
    watching->seen = seen;
    watching->seen_count = sites->count;
    return 0;
}

/* Mappings that are made, moved and extended; the count belongs to the shared memory. */
static void note_decisions(struct watching *watching, const struct store *store)
{
    uint64_t decisions = store_decisions(store);
    int64_t now_ms = clock_monotonic_ms(), passed_ms = now_ms - watching->looked_ms;
    watching->decisions_per_s = -1;
    if (watching->has_looked && passed_ms > 0 && decisions >= watching->decisions)
        watching->decisions_per_s =
            1000.0 * (double)(decisions - watching->decisions) / (double)passed_ms;
    watching->decisions = decisions;
    watching->looked_ms = now_ms;
    watching->has_looked = true;
}

/* ---------------------------------------------------------------- the picture */

static const char *colour_of(const struct watching *watching, enum site_health health)
{
    static const char *const colours[] = {
        [SITE_UP] = "\033[32m",          [SITE_DRAINING] = "\033[33m", [SITE_DISABLED] = "\033[2m",
        [SITE_PARTLY_DOWN] = "\033[33m", [SITE_DOWN] = "\033[1;31m",
    };
    return watching->has_colour ? colours[health] : "";
}

static void end_line(const struct watching *watching, struct buffer *out)
{
    buffer_add_text(out, watching->is_terminal ? END_OF_LINE "\n" : "\n");
}

static void format_time(int64_t unix_s, char text[static 16])
{
    const time_t seconds = (time_t)unix_s;
    struct tm time;
    text[0] = '\0';
    if (gmtime_r(&seconds, &time))
        strftime(text, 16, "%H:%M:%S", &time);
}

static void print_site(const struct watching *watching, const struct sites *sites,
                       const struct site *site, struct buffer *out)
{
    double share = sites->live_mappings > 0
                       ? 100.0 * (double)site->live_mappings / (double)sites->live_mappings
                       : 0;
    buffer_add_column(out, site->controller->name, SITE_WIDTH);
    buffer_printf(out, " %s%-12s%s %5zu/%-5zu %12" PRId64 " %6.1f %%",
                  colour_of(watching, site->health), site_health_word(site->health),
                  watching->has_colour ? RESET : "", site->servers_up, site->servers,
                  site->live_mappings, share);
    if (site->health == SITE_DRAINING && site->live_mappings > 0)
        buffer_printf(out, "  the last ends in %" PRId64 " s", site->last_ends_in_s);
    else if (site->servers_held > 0)
        buffer_printf(out, "  %zu held until resumed", site->servers_held);
    else if (site->down_s >= 0)
        buffer_printf(out, "  %s for %" PRId64 " s", reason_word(site->reason), site->down_s);
    end_line(watching, out);
}

/* The lines that are left for sites on a terminal: the rest of the picture comes first. */
static size_t rows_for_sites(const struct watching *watching, const struct status *status)
{
    struct winsize size = {.ws_row = ROWS_DEFAULT};
    size_t problems = status->problems.count < PROBLEMS_MAX ? status->problems.count : PROBLEMS_MAX;
    size_t others = 6 + problems + watching->change_count;
    if (!watching->is_terminal)
        return SIZE_MAX;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        size.ws_row = ROWS_DEFAULT;
    return size.ws_row > others + 3 ? size.ws_row - others : 3;
}

static void print_sites(const struct watching *watching, const struct status *status,
                        const struct sites *sites, struct buffer *out)
{
    size_t rows = rows_for_sites(watching, status), shown = 0;
    buffer_printf(out, "%-*s %-12s %11s %12s %8s", SITE_WIDTH, "site", "state", "servers up",
                  "mappings", "share");
    end_line(watching, out);
    /* What is wrong must not be what is left out. */
    for (int bad = 1; bad >= 0; bad--)
        for (size_t i = 0; i < sites->count; i++) {
            bool is_bad = sites->sites[i].health >= SITE_PARTLY_DOWN;
            if (is_bad == (bad == 1) && shown < rows) {
                print_site(watching, sites, &sites->sites[i], out);
                shown++;
            }
        }
    if (shown < sites->count) {
        buffer_printf(out, "... and %zu more", sites->count - shown);
        end_line(watching, out);
    }
}

static void print_rest(const struct watching *watching, const struct status *status,
                       struct buffer *out)
{
    char time[16];
    if (watching->decisions_per_s >= 0)
        buffer_printf(out, "%.1f mappings a second are made, moved or extended; ",
                      watching->decisions_per_s);
    buffer_printf(out, "%s%" PRId64 " are live",
                  status->counts.mappings_partial ? "more than " : "",
                  status->counts.live_mappings);
    end_line(watching, out);
    for (size_t i = 0; i < status->problems.count && i < PROBLEMS_MAX; i++) {
        buffer_printf(out, "problem: %s", status->problems.lines[i]);
        end_line(watching, out);
    }
    if (status->problems.count > PROBLEMS_MAX) {
        buffer_printf(out, "... and %zu more problems", status->problems.count - PROBLEMS_MAX);
        end_line(watching, out);
    }
    for (size_t i = 0; i < watching->change_count; i++) {
        format_time(watching->changes[i].at_s, time);
        buffer_printf(out, "%s  %s", time, watching->changes[i].text);
        end_line(watching, out);
    }
}

static void print_picture(const struct watching *watching, const struct status *status,
                          const struct sites *sites, struct buffer *out)
{
    char time[16];
    format_time(status->now_s, time);
    if (watching->is_terminal)
        buffer_add_text(out, HOME);
    buffer_printf(out, "%s  %s UTC", status->database.path, time);
    end_line(watching, out);
    print_sites(watching, status, sites, out);
    print_rest(watching, status, out);
    buffer_add_text(out, watching->is_terminal ? END_OF_SCREEN : "\n");
}

static json_t *changes_json(const struct watching *watching)
{
    json_t *list = json_array();
    for (size_t i = 0; i < watching->change_count; i++)
        json_array_append_new(list,
                              json_pack("{s:I, s:o}", "time", (json_int_t)watching->changes[i].at_s,
                                        "text", json_text(watching->changes[i].text)));
    return list;
}

static json_t *sites_json(const struct sites *sites)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sites->count; i++) {
        const struct site *site = &sites->sites[i];
        json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "site",
                      json_text(site->controller->name), "health", site_health_word(site->health),
                      "state", state_word(site->controller->state), "servers",
                      (json_int_t)site->servers, "servers_up", (json_int_t)site->servers_up,
                      "servers_held", (json_int_t)site->servers_held, "live_mappings",
                      (json_int_t)site->live_mappings, "last_ends_in_s",
                      (json_int_t)site->last_ends_in_s, "reason",
                      json_text(site->down_s >= 0 ? reason_word(site->reason) : NULL), "down_s",
                      site->down_s >= 0 ? json_integer(site->down_s) : json_null()));
    }
    return list;
}

static void print_json(const struct watching *watching, const struct status *status,
                       const struct sites *sites, struct buffer *out)
{
    json_output(json_pack("{s:I, s:I, s:o, s:o, s:o, s:o}", "time", (json_int_t)status->now_s,
                          "live_mappings", (json_int_t)status->counts.live_mappings,
                          "decisions_per_second",
                          watching->decisions_per_s >= 0 ? json_real(watching->decisions_per_s)
                                                         : json_null(),
                          "sites", sites_json(sites), "problems", json_lines(&status->problems),
                          "changes", changes_json(watching)),
                out);
}

/* ---------------------------------------------------------------- again and again */

/* Gathers and prints one picture. 0, or a code with `error` set. */
static int look(struct watching *watching, struct error *error)
{
    struct responder *responder = watching->call->responder;
    struct buffer *out = watching->call->out;
    struct decision_inputs inputs;
    struct status status;
    struct sites sites = {0};
    int code = responder_begin(responder, &inputs, error);
    if (code != 0)
        return code;
    code = status_gather(responder, &inputs, watching->call->database, 0, &status, error);
    if (code == 0)
        code = sites_gather(&status, inputs.snapshot, &sites);
    if (code == 0)
        code = note_sites(watching, &sites, status.now_s);
    if (code == 0) {
        note_decisions(watching, responder_store(responder));
        if (watching->call->json)
            print_json(watching, &status, &sites, out);
        else
            print_picture(watching, &status, &sites, out);
    }
    sites_release(&sites);
    status_release(&status);
    responder_end(responder);
    return code;
}

/* A database that cannot be read now may be back at the next look. */
static void print_failure(const struct watching *watching, const struct error *error)
{
    struct buffer *out = watching->call->out;
    if (watching->is_terminal)
        buffer_add_text(out, HOME);
    buffer_add_text(out, error->text);
    end_line(watching, out);
    buffer_add_text(out, watching->is_terminal ? END_OF_SCREEN : "");
}

static enum command_result watch(struct watching *watching)
{
    enum command_result result = COMMAND_OK;
    for (;;) {
        struct error error = {0};
        int code = look(watching, &error);
        result = code == 0 ? COMMAND_OK : COMMAND_FAILED;
        if (code != 0 && watching->pictures == 1)
            return command_failed(watching->call, &error);
        if (code != 0)
            print_failure(watching, &error);
        if (!watching->call->flush(watching->call->out))
            return COMMAND_OK; /* nobody looks any more */
        if (watching->pictures > 0 && --watching->pictures == 0)
            return result;
        nanosleep(&(struct timespec){.tv_sec = watching->interval_s}, NULL);
    }
}

static bool read_number(const struct command_call *call, const char *option, int64_t most,
                        int64_t *number)
{
    const char *text = command_value(call, option, 0);
    return !text || decimal_parse(text, strlen(text), 1, most, number);
}

static enum command_result run_watch(const struct command_call *call)
{
    bool is_terminal = isatty(STDOUT_FILENO) && !call->json;
    struct watching watching = {.call = call,
                                .is_terminal = is_terminal,
                                .has_colour = is_terminal && !getenv("NO_COLOR"),
                                .interval_s = INTERVAL_DEFAULT_S,
                                .pictures = -1,
                                .decisions_per_s = -1};
    if (!read_number(call, "interval", INTERVAL_MAX_S, &watching.interval_s))
        return command_misused(call, "--interval takes 1 to %d seconds", INTERVAL_MAX_S);
    if (!read_number(call, "count", INT32_MAX, &watching.pictures))
        return command_misused(call, "--count takes a number from 1 on");
    if (is_terminal)
        buffer_add_text(call->out, "\033[2J");
    enum command_result result = watch(&watching);
    free(watching.seen);
    return result;
}

static const struct command_option options[] = {
    {"interval", "SECONDS", "between two looks; 2 by default", false},
    {"count", "N", "end after so many looks", false},
    {NULL, NULL, NULL, false},
};

const struct command command_watch = {
    .name = "watch",
    .arguments = "",
    .summary = "show the sites, their mappings and what changes, until Ctrl-C",
    .least = 1,
    .most = 1,
    .options = options,
    .has_json = true,
    .run = run_watch,
};

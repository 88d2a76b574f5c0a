/*
 * Prints what `check` finds, as text or as JSON; program/review finds it.
 */
#include <jansson.h>
#include <string.h>

#include "program/review/review.h"
#include "program/command/json_output.h"
#include "program/control/control.h"

#define POWERDNS_CONF "/etc/powerdns/pdns.conf"

/* Text is no wider, unless a word is. */
#define WIDTH 100
#define INDENT 2

/* ---------------------------------------------------------------- text */

/* A sentence in lines that are indented. */
static void print_wrapped(const char *text, struct buffer *out)
{
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > 0 && column + 1 + length > WIDTH) {
            buffer_add_char(out, '\n');
            column = 0;
        }
        column += column == 0 ? INDENT : 1;
        buffer_printf(out, "%*s%.*s", column == INDENT ? INDENT : 1, "", (int)length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
    buffer_add_char(out, '\n');
}

static void print_head(const struct review *review, struct buffer *out)
{
    if (*review->version.text)
        buffer_printf(out, "PowerDNS %s", review->version.text);
    else
        buffer_add_text(out, "PowerDNS of an unknown version");
    buffer_printf(out, ", run as %s\n", review->user ? review->user : "an unknown user");
    buffer_printf(out, "configuration %s\ndatabase %s\n", review->conf, review->database);
}

static void print_line(const struct review_finding *finding, struct buffer *out)
{
    if (finding->place == REVIEW_CONF && finding->file_line > 0)
        buffer_printf(out, "  %s, line %d: %s\n", finding->file, finding->file_line, finding->line);
    else if (finding->place == REVIEW_CONF)
        buffer_printf(out, "  %s: %s\n", finding->file, finding->line);
    else if (finding->place != REVIEW_NOWHERE)
        buffer_printf(out, "  %s: %s\n", review_place_word(finding->place), finding->line);
}

static void print_finding(const struct review_finding *finding, struct buffer *out)
{
    buffer_printf(out, "\n%s (%s)\n", finding->name, review_effect_text(finding->effect));
    print_wrapped(finding->text, out);
    print_line(finding, out);
}

static void print_text(const struct review *review, struct buffer *out)
{
    print_head(review, out);
    for (size_t i = 0; i < review->count; i++)
        print_finding(&review->findings[i], out);
    if (review->unchecked.count > 0)
        buffer_add_text(out, "\nnot checked\n");
    for (size_t i = 0; i < review->unchecked.count; i++)
        print_wrapped(review->unchecked.lines[i], out);
    if (review->count == 0)
        buffer_add_text(out, "\nno findings\n");
    else
        buffer_printf(out, "\n%zu finding%s\n", review->count, review->count == 1 ? "" : "s");
}

/* ---------------------------------------------------------------- JSON */

static json_t *json_of_finding(const struct review_finding *finding)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", finding->name, "effect",
                     review_effect_word(finding->effect), "text", json_text(finding->text), "place",
                     json_text(review_place_word(finding->place)), "line", json_text(finding->line),
                     "file", json_text(finding->file), "file_line",
                     finding->file_line > 0 ? json_integer(finding->file_line) : json_null());
}

static json_t *json_of_findings(const struct review *review)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < review->count; i++)
        json_array_append_new(findings, json_of_finding(&review->findings[i]));
    if (json_array_size(findings) == review->count)
        return findings;
    json_decref(findings);
    return NULL;
}

static json_t *json_of(const struct review *review)
{
    const char *version = *review->version.text ? review->version.text : NULL;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "powerdns", json_text(version), "user",
                     json_text(review->user), "configuration", json_text(review->conf), "database",
                     json_text(review->database), "findings", json_of_findings(review), "unchecked",
                     json_lines(&review->unchecked));
}

/* ---------------------------------------------------------------- the command */

static enum command_result run_check(const struct command_call *call)
{
    const char *conf = command_value(call, "powerdns", 0);
    const struct review_sources sources = {.conf = conf ? conf : POWERDNS_CONF,
                                           .database = call->database,
                                           .responder = call->responder};
    struct review review;
    int code = review_gather(&sources, &review);
    if (code == 0 && call->json)
        json_output(json_of(&review), call->out);
    else if (code == 0)
        print_text(&review, call->out);
    bool found = review.count > 0;
    review_release(&review);
    if (code != 0)
        return command_failure(call, "%s", error_text(code));
    return found ? COMMAND_FAILED : COMMAND_OK;
}

static const struct command_option options[] = {
    {"powerdns", "FILE", "pdns.conf; by default " POWERDNS_CONF, false},
    {NULL, NULL, NULL, false},
};

const struct command command_check = {
    .name = "check",
    .arguments = "",
    .summary = "name what breaks stickiness or costs speed",
    .least = 1,
    .most = 1,
    .options = options,
    .has_json = true,
    .run = run_check,
};

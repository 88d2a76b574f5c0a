/*
 * The command `import`: reads lines of JSON twice, first to see whether all of them can be taken,
 * then to take them.
 *
 * A mapping that is there stays unless the line's has a later timestamp. So what was imported
 * before, or made meanwhile, is left alone, and after a kill the same command goes on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/mapping_json.h"
#include "program/control/mapping_tour.h"
#include "program/control/progress.h"

#define STANDARD_INPUT "-"

/* The longest line, with NUL: a mapping takes some hundred octets. */
#define LINE_MAX_OCTETS (16 << 10)

/* Lines for which the configuration is looked at once. */
#define LINES_AT_ONCE 500

/* So many invalid lines are named. */
#define NAMED_MAX 20

/* So often the file is gone through because others change mappings. */
#define PASSES_MAX 10

struct counts {
    int64_t imported, same, newer, expired, invalid;
};

struct importing {
    const struct command_call *call;
    const char *name; /* of the file, for messages */
    FILE *file;
    bool partial, is_dry; /* dry: the first pass */
    int64_t line;
    struct counts counts;
    struct progress progress;
    struct arena arena;
    struct decision_inputs inputs;
    bool begun; /* a transaction, with these inputs */
    struct error error;
};

/* ---------------------------------------------------------------- one mapping */

/* What stands there is compared with what is wanted, and the result is told. */
enum finding { FOUND_OTHER, FOUND_SAME, FOUND_NEWER };

struct wanted {
    const struct mapping *mapping;
    enum finding *finding;
};

static bool is_same(const struct mapping *a, const struct mapping *b)
{
    return a->controller_id == b->controller_id && a->timestamp_s == b->timestamp_s &&
           a->ttl_s == b->ttl_s && strcmp(a->method, b->method) == 0;
}

static enum mapping_fate judge_import(const void *context, const struct mapping *mapping,
                                      struct mapping *ret_wanted)
{
    const struct wanted *wanted = context;
    *wanted->finding = FOUND_OTHER;
    if (mapping && is_same(mapping, wanted->mapping))
        *wanted->finding = FOUND_SAME;
    else if (mapping && mapping->timestamp_s >= wanted->mapping->timestamp_s)
        *wanted->finding = FOUND_NEWER;
    *ret_wanted = *wanted->mapping;
    return *wanted->finding == FOUND_OTHER ? MAPPING_BECOMES : MAPPING_STAYS;
}

static int import_mapping(struct importing *importing, const struct mapping_line *line)
{
    struct counts *counts = &importing->counts;
    enum finding finding;
    const struct wanted wanted = {&line->mapping, &finding};
    const struct mapping_judge judge = {judge_import, &wanted};
    if (mapping_left_s(&line->mapping, importing->inputs.now_s) == 0) {
        counts->expired++;
        return 0;
    }
    if (importing->is_dry)
        return 0;
    int code = store_change(responder_store(importing->call->responder), line->pool_id, line->ldns,
                            &judge, 0, true, &importing->error);
    if (code != 0 && code != ERR_NOTFOUND)
        return code;
    counts->imported += code == 0;
    counts->same += code != 0 && finding == FOUND_SAME;
    counts->newer += code != 0 && finding == FOUND_NEWER;
    return 0;
}

/* ---------------------------------------------------------------- lines */

static void name_problem(struct importing *importing, const char *problem)
{
    if (++importing->counts.invalid <= NAMED_MAX)
        command_failure(importing->call, "%s:%" PRId64 ": %s", importing->name, importing->line,
                        problem);
    else if (importing->counts.invalid == NAMED_MAX + 1)
        command_failure(importing->call, "%s: other lines are invalid, too", importing->name);
}

/*
 * In the second pass, a line that is invalid was told of in the first one, or became so since then.
 */
static int take_invalid(struct importing *importing, const struct error *problem)
{
    if (importing->is_dry || importing->partial) {
        if (importing->is_dry)
            name_problem(importing, problem->text);
        return 0;
    }
    return error_set(&importing->error, ERR_INVAL, "%s:%" PRId64 ": %s", importing->name,
                     importing->line, problem->text);
}

static int take_line(struct importing *importing, const char *text, size_t length)
{
    struct mapping_line line;
    struct error problem = {0};
    arena_reset(&importing->arena);
    int code = mapping_json_read(text, length, &importing->arena, &line, &problem);
    if (code == 0)
        code = mapping_json_check(&line, importing->inputs.snapshot, importing->inputs.now_s,
                                  &problem);
    if (code == 0)
        return import_mapping(importing, &line);
    return code == ERR_INVAL ? take_invalid(importing, &problem)
                             : error_set(&importing->error, code, "%s", problem.text);
}

/* Of the file: false at its end. A line that is too long is read to its end. */
static bool read_line(struct importing *importing, char text[static LINE_MAX_OCTETS],
                      size_t *ret_length, bool *ret_too_long)
{
    size_t length = 0;
    int c;
    *ret_too_long = false;
    while ((c = getc(importing->file)) != EOF && c != '\n') {
        if (length < LINE_MAX_OCTETS)
            text[length++] = (char)c;
        else
            *ret_too_long = true;
    }
    *ret_length = length;
    return c != EOF || length > 0;
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r", text[i]))
            return false;
    return true;
}

static void end_part(struct importing *importing)
{
    if (importing->begun)
        responder_end(importing->call->responder);
    importing->begun = false;
}

/* Now and then, the configuration of the moment, and a word about how far it is. */
static int begin_part(struct importing *importing)
{
    if (importing->begun && importing->line % LINES_AT_ONCE != 0)
        return 0;
    end_part(importing);
    if (progress_is_due(&importing->progress))
        progress_show(&importing->progress, "%" PRId64 " lines %s", importing->line,
                      importing->is_dry ? "checked" : "read");
    int code = responder_begin(importing->call->responder, &importing->inputs, &importing->error);
    importing->begun = code == 0;
    return code;
}

static int go_through(struct importing *importing)
{
    char text[LINE_MAX_OCTETS];
    size_t length;
    bool too_long;
    int code = 0;
    rewind(importing->file);
    importing->line = 0;
    while (code == 0 && read_line(importing, text, &length, &too_long)) {
        code = begin_part(importing);
        importing->line++;
        if (code == 0 && too_long)
            code = take_invalid(importing, &(struct error){.text = "the line is too long"});
        else if (code == 0 && !is_blank(text, length))
            code = take_line(importing, text, length);
    }
    end_part(importing);
    if (code == 0 && ferror(importing->file))
        code = error_set(&importing->error, ERR_IO, "%s cannot be read", importing->name);
    return code;
}

/* ---------------------------------------------------------------- both passes */

/* Again, where changes were dropped because others have changed mappings. */
static int import_all(struct importing *importing)
{
    const struct command_call *call = importing->call;
    struct counts first = {0};
    bool same = false;
    int code = 0;
    for (int pass = 0; code == 0 && !same && pass < PASSES_MAX; pass++) {
        int64_t revision = 0;
        importing->counts = (struct counts){.invalid = importing->counts.invalid};
        code = mappings_revision_now(call, &revision, &importing->error);
        if (code == 0)
            code = go_through(importing);
        if (code == 0)
            code = mappings_settle(call, revision, &same, &importing->error);
        if (pass == 0)
            first = importing->counts;
    }
    importing->counts = first;
    if (code == 0 && !same)
        code = error_set(&importing->error, ERR_BUSY,
                         "others change mappings all the time; try again");
    return code;
}

static void print_part(struct buffer *out, int64_t count, const char *one, const char *many)
{
    if (count > 0)
        buffer_printf(out, ", %" PRId64 " %s", count, count == 1 ? one : many);
}

static void print(const struct importing *importing)
{
    const struct counts *counts = &importing->counts;
    struct buffer *out = importing->call->out;
    if (importing->call->json) {
        json_output(json_pack("{s:I, s:I, s:I, s:I, s:I}", "imported", (json_int_t)counts->imported,
                              "same", (json_int_t)counts->same, "newer", (json_int_t)counts->newer,
                              "expired", (json_int_t)counts->expired, "invalid",
                              (json_int_t)counts->invalid),
                    out);
        return;
    }
    buffer_printf(out, "%" PRId64 " mapping%s imported", counts->imported,
                  counts->imported == 1 ? "" : "s");
    print_part(out, counts->same, "was there already", "were there already");
    print_part(out, counts->newer, "newer one stays", "newer ones stay");
    print_part(out, counts->expired, "had expired", "had expired");
    print_part(out, counts->invalid, "invalid line", "invalid lines");
    buffer_add_char(out, '\n');
}

static enum command_result run_passes(struct importing *importing)
{
    const struct command_call *call = importing->call;
    importing->is_dry = true;
    int code = go_through(importing);
    importing->is_dry = false;
    if (code == 0 && importing->counts.invalid > 0 && !importing->partial)
        return command_failure(call, "%" PRId64 " invalid line%s: nothing is imported",
                               importing->counts.invalid,
                               importing->counts.invalid == 1 ? "" : "s");
    if (code == 0)
        code = import_all(importing);
    progress_clear(&importing->progress);
    if (code != 0 && importing->counts.imported > 0)
        return command_failure(call, "%" PRId64 " imported, and then: %s",
                               importing->counts.imported, importing->error.text);
    if (code != 0)
        return command_failed(call, &importing->error);
    print(importing);
    return importing->counts.invalid > 0 ? COMMAND_FAILED : COMMAND_OK;
}

/* ---------------------------------------------------------------- the file */

/* What cannot be read twice, such as a pipe, becomes a file without a name. NULL: it cannot. */
static FILE *copy_of(FILE *source)
{
    char block[1 << 16];
    size_t length;
    FILE *copy = tmpfile();
    while (copy && (length = fread(block, 1, sizeof block, source)) > 0)
        if (fwrite(block, 1, length, copy) != length)
            break;
    if (copy && (ferror(source) || ferror(copy) || fflush(copy) != 0)) {
        fclose(copy);
        copy = NULL;
    }
    return copy;
}

static FILE *open_file(const char *name)
{
    struct stat status;
    FILE *file = strcmp(name, STANDARD_INPUT) == 0 ? stdin : fopen(name, "re");
    if (!file || (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode)))
        return file;
    if (S_ISDIR(status.st_mode))
        errno = EISDIR;
    FILE *copy = S_ISDIR(status.st_mode) ? NULL : copy_of(file);
    if (file != stdin)
        fclose(file);
    return copy;
}

static enum command_result run_import(const struct command_call *call)
{
    struct importing importing = {
        .call = call, .name = call->words[1], .partial = command_value(call, "partial", 0) != NULL};
    importing.file = open_file(importing.name);
    if (!importing.file)
        return command_failure(call, "%s cannot be read: %s", importing.name, strerror(errno));
    progress_begin(&importing.progress);
    enum command_result result = run_passes(&importing);
    progress_clear(&importing.progress);
    arena_release(&importing.arena);
    fclose(importing.file);
    return result;
}

static const struct command_option options[] = {
    {"partial", NULL, "import the valid lines, though others are invalid", false},
    {NULL, NULL, NULL, false},
};

const struct command command_import = {
    .name = "import",
    .arguments = "FILE",
    .summary = "read mappings that export wrote; - is standard input",
    .least = 2,
    .most = 2,
    .options = options,
    .has_json = true,
    .run = run_import,
};

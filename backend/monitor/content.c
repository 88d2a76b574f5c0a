/*
 * Searches with PCRE2. All bytes stay in one buffer, and each search of a pattern begins at the
 * same place, since a match may begin in bytes that came earlier. Searches are limited in steps and
 * memory, and there is a new one only when the buffer has grown by a certain share.
 */
#include "monitor/content.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* Memory for one search, in KiB. */
#define HEAP_KIB_MAX 1024

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    bool waits; /* what arrives later may undo a match */
};

static void free_pattern(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_match_data_free(pattern->data);
    pcre2_code_free(pattern->code);
    free(pattern);
}

/* 0; ERR_INVAL with what is wrong; ERR_NOMEM. */
static int compile(const char *text, uint32_t options, pcre2_code **ret_code, const char *column,
                   struct error *error)
{
    int problem;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[128] = "";
    *ret_code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                              options | PCRE2_DOTALL | PCRE2_NEVER_UTF, &problem, &at, NULL);
    if (*ret_code)
        return 0;
    if (problem == PCRE2_ERROR_HEAP_FAILED)
        return error_set(error, ERR_NOMEM, "out of memory");
    pcre2_get_error_message(problem, why, sizeof why);
    return error_set(error, ERR_INVAL, "%s '%s' is not a regular expression: %s (at character %zu)",
                     column, text, (const char *)why, at + 1);
}

int content_refuse(const char *column, const char *pattern, struct error *error)
{
    pcre2_code *code;
    int result = compile(pattern, 0, &code, column, error);
    pcre2_code_free(code);
    return result;
}

/*
 * Says whether a match may be undone by what arrives later: the pattern wants that something is not
 * there, or that nothing follows. One that only has such characters waits too, which does no harm.
 */
static bool has_to_wait(const char *text, bool has_end)
{
    static const char *const ends[] = {"$", "\\Z", "\\z"};
    bool waits = strstr(text, "(?!") || strstr(text, "(?<!");
    for (size_t i = 0; !waits && has_end && i < sizeof ends / sizeof *ends; i++)
        waits = strstr(text, ends[i]) != NULL;
    return waits;
}

int content_init(struct content *content, const char *text)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);
    uint32_t options = content->by_line ? PCRE2_MULTILINE : 0;
    int code = pattern ? compile(text, options, &pattern->code, "", NULL) : ERR_NOMEM;
    content->next_look = content->bytes.length + 1;
    content->pattern = pattern;
    if (code != 0)
        return code;
    pattern->data = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    pattern->limits = pcre2_match_context_create(NULL);
    if (!pattern->data || !pattern->limits)
        return ERR_NOMEM;
    pcre2_set_match_limit(pattern->limits, CONTENT_STEPS_MAX);
    pcre2_set_heap_limit(pattern->limits, HEAP_KIB_MAX);
    pattern->waits = has_to_wait(text, content->has_end);
    return 0;
}

int content_next(struct content *content, const char *text)
{
    if (content->pattern && content->pattern->data)
        content->from = pcre2_get_ovector_pointer(content->pattern->data)[1];
    free_pattern(content->pattern);
    content->pattern = NULL;
    return content_init(content, text);
}

void content_release(struct content *content)
{
    free_pattern(content->pattern);
    buffer_release(&content->bytes);
    *content = (struct content){0};
}

bool content_matches(const struct content *content)
{
    const struct pattern *pattern = content->pattern;
    return pattern && pattern->limits &&
           pcre2_match(pattern->code, (PCRE2_SPTR)buffer_text(&content->bytes),
                       content->bytes.length, content->from, 0, pattern->data,
                       pattern->limits) >= 0;
}

bool content_waits(const struct content *content)
{
    return content->pattern && content->pattern->waits;
}

/* There must be something to be searched: even a pattern that matches nothing wants an answer. */
enum content_state content_look(const struct content *content)
{
    if (!content_waits(content) && content->bytes.length > content->from &&
        content_matches(content))
        return CONTENT_MATCHES;
    return content->bytes.length < CONTENT_MAX ? CONTENT_MORE : CONTENT_FULL;
}

/*
 * A target that sends single bytes must not make us search everything for each: it is searched
 * again when it has grown by a sixteenth. The rest is searched when the answer or the time ends.
 */
enum content_state content_add(struct content *content, const void *bytes, size_t count)
{
    size_t room = CONTENT_MAX - content->bytes.length;
    buffer_add(&content->bytes, bytes, count < room ? count : room);
    if (content->bytes.failed)
        return CONTENT_FAILED;
    if (content->bytes.length < content->next_look)
        return CONTENT_MORE;
    content->next_look = content->bytes.length + content->bytes.length / 16 + 1;
    if (content->next_look > CONTENT_MAX)
        content->next_look = CONTENT_MAX;
    return content_look(content);
}

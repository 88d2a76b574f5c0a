/*
 * Matches a pattern with regexec(), in a form that takes linear time, and as rarely as possible
 * while the content grows.
 */
#include "monitor/content.h"

#include <ctype.h>
#include <string.h>

/*
 * regexec() tries a pattern at every position, so one like "a.*b" takes quadratic time: five
 * seconds for 64 KiB. Anchored at the beginning, it passes over the text once. A dot would not do
 * here, since it does not match NUL.
 */
#define ANYWHERE "^([^a]|a)*("

static int compile(const char *before, const char *pattern, const char *after, regex_t *ret_regex)
{
    struct buffer text = {0};
    buffer_add_text(&text, before);
    buffer_add_text(&text, pattern);
    buffer_add_text(&text, after);
    int problem =
        text.failed ? REG_ESPACE : regcomp(ret_regex, buffer_text(&text), REG_EXTENDED | REG_NOSUB);
    buffer_release(&text);
    return problem;
}

static bool has_back_reference(const char *pattern)
{
    for (const char *c = strchr(pattern, '\\'); c && c[1] != '\0'; c = strchr(c + 2, '\\'))
        if (isdigit((unsigned char)c[1]))
            return true;
    return false;
}

/*
 * regcomp() takes an unmatched parenthesis literally, but here it would close the group around the
 * pattern.
 */
static int refuse_stray_parenthesis(const char *column, const char *pattern, struct error *error)
{
    regex_t regex;
    int problem = compile("(", pattern, "", &regex);
    if (problem == REG_ESPACE)
        return error_set(error, ERR_NOMEM, "out of memory");
    if (problem != 0)
        return 0;
    regfree(&regex);
    return error_set(error, ERR_INVAL, "%s '%s' has an unmatched ')'; write \\) for the character",
                     column, pattern);
}

int content_refuse(const char *column, const char *pattern, struct error *error)
{
    regex_t regex;
    char why[128];
    int problem = compile("", pattern, "", &regex);
    if (problem == REG_ESPACE)
        return error_set(error, ERR_NOMEM, "out of memory");
    if (problem != 0) {
        regerror(problem, &regex, why, sizeof why);
        return error_set(error, ERR_INVAL, "%s '%s' is not an extended regular expression: %s",
                         column, pattern, why);
    }
    regfree(&regex);
    if (has_back_reference(pattern))
        return error_set(error, ERR_INVAL, "%s '%s' has a back reference, which is not allowed",
                         column, pattern);
    return refuse_stray_parenthesis(column, pattern, error);
}

int content_init(struct content *content, const char *pattern)
{
    int code = content_refuse("", pattern, NULL);
    if (code != 0)
        return code;
    content->compiled = compile(ANYWHERE, pattern, ")", &content->regex) == 0;
    content->next_look = 1;
    return content->compiled ? 0 : ERR_NOMEM;
}

void content_release(struct content *content)
{
    if (content->compiled)
        regfree(&content->regex);
    buffer_release(&content->bytes);
    *content = (struct content){0};
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
    if (content_matches(content))
        return CONTENT_MATCHES;
    return content->bytes.length < CONTENT_MAX ? CONTENT_MORE : CONTENT_FULL;
}

bool content_matches(const struct content *content)
{
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)content->bytes.length};
    return content->compiled &&
           regexec(&content->regex, buffer_text(&content->bytes), 1, &range, REG_STARTEND) == 0;
}

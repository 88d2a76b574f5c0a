/*
 * The scanner cuts the text into words, braces and line ends; the reader makes items of them. What
 * is skipped goes through the same scanner, without keeping words.
 */
#include "f5/document.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"

enum token { TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_LINE_END, TOKEN_END };

struct scanner {
    struct f5_work *work;
    const char *at, *end;
    int line;
    bool skipping;    /* words are not kept */
    const char *word; /* the last one */
    /* Words of the items that are being read, the outer ones first. */
    const char **words;
    size_t word_count, word_capacity;
    size_t items; /* so far */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return is_space(c) || c == '\n' || c == '{' || c == '}';
}

/* Skips spaces and comments. */
static void skip_spaces(struct scanner *scanner)
{
    while (scanner->at < scanner->end && is_space(*scanner->at))
        scanner->at++;
    if (scanner->at < scanner->end && *scanner->at == '#')
        while (scanner->at < scanner->end && *scanner->at != '\n')
            scanner->at++;
}

/* Takes one character into a word, if words are kept. */
static void take(struct scanner *scanner, char *word, size_t *length)
{
    scanner->line += *scanner->at == '\n';
    if (word)
        word[(*length)++] = *scanner->at;
    scanner->at++;
}

/*
 * In quotes, only a quote and a backslash are escaped: \r and \n are part of what a monitor sends.
 */
static int scan_quoted(struct scanner *scanner, char *word, size_t *length)
{
    int line = scanner->line;
    scanner->at++;
    while (scanner->at < scanner->end && *scanner->at != '"') {
        if (*scanner->at == '\\' && scanner->end - scanner->at > 1 &&
            (scanner->at[1] == '"' || scanner->at[1] == '\\'))
            scanner->at++;
        take(scanner, word, length);
    }
    if (scanner->at == scanner->end)
        return work_error(scanner->work, line, "the quote is not closed");
    scanner->at++;
    return 0;
}

/* The next character, behind a backslash if one stands before it. */
static const char *next_of(const char *at, const char *end)
{
    return *at == '\\' && end - at > 1 ? at + 2 : at + 1;
}

/* How many characters a word is written with; what it says is not longer. */
static size_t written_length(const struct scanner *scanner)
{
    const char *at = scanner->at, *end = scanner->end;
    if (*at == '"') {
        for (at++; at < end && *at != '"';)
            at = next_of(at, end);
        at += at < end;
    }
    while (at < end && !ends_word(*at))
        at = next_of(at, end);
    return (size_t)(at - scanner->at);
}

static int scan_word(struct scanner *scanner)
{
    char *word = NULL;
    size_t length = 0;
    int code = 0;
    if (!scanner->skipping && !(word = work_alloc(scanner->work, written_length(scanner) + 1)))
        return ERR_NOMEM;
    if (*scanner->at == '"')
        code = scan_quoted(scanner, word, &length);
    while (code == 0 && scanner->at < scanner->end && !ends_word(*scanner->at)) {
        if (*scanner->at == '\\' && scanner->end - scanner->at > 1)
            scanner->at++;
        take(scanner, word, &length);
    }
    scanner->word = word;
    return code;
}

static int scan(struct scanner *scanner, enum token *ret_token)
{
    skip_spaces(scanner);
    if (scanner->at == scanner->end) {
        *ret_token = TOKEN_END;
        return 0;
    }
    switch (*scanner->at) {
    case '\n':
        scanner->line++;
        scanner->at++;
        *ret_token = TOKEN_LINE_END;
        return 0;
    case '{':
    case '}':
        *ret_token = *scanner->at++ == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
        return 0;
    default:
        *ret_token = TOKEN_WORD;
        return scan_word(scanner);
    }
}

static int not_closed(struct scanner *scanner, int line)
{
    return work_error(scanner->work, line, "the block that begins here is not closed");
}

/* Tcl: a brace counts unless a backslash stands before it, in quotes and in comments too. */
static int skip_script(struct scanner *scanner, int line)
{
    for (int depth = 1; scanner->at < scanner->end; scanner->at++) {
        char c = *scanner->at;
        if (c == '\\' && scanner->end - scanner->at > 1)
            c = *++scanner->at;
        else if (c == '{')
            depth++;
        else if (c == '}' && --depth == 0) {
            scanner->at++;
            return 0;
        }
        if (c == '\n')
            scanner->line++;
    }
    return not_closed(scanner, line);
}

static int skip_block(struct scanner *scanner, int line)
{
    enum token token = TOKEN_OPEN;
    int code = 0;
    scanner->skipping = true;
    for (int depth = 1; code == 0 && depth > 0;) {
        code = scan(scanner, &token);
        if (code == 0 && token == TOKEN_END)
            code = not_closed(scanner, line);
        depth += token == TOKEN_OPEN;
        depth -= token == TOKEN_CLOSE;
    }
    scanner->skipping = false;
    return code;
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words;
}

/* Says whether a stanza is read; all others are skipped. */
static bool is_read(const struct f5_item *stanza)
{
    static const char *const kinds[] = {"datacenter", "server",          "pool",
                                        "wideip",     "region",          "topology",
                                        "monitor",    "global-settings", NULL};
    return stanza->word_count > 1 && strcmp(stanza->words[0], "gtm") == 0 &&
           is_one_of(stanza->words[1], kinds);
}

/* Says whether a stanza is Tcl: `ltm rule NAME`, `cli script NAME`, `sys icall script NAME`. */
static bool is_script(const struct f5_item *stanza)
{
    static const char *const kinds[] = {"rule", "script", "template", "irule", NULL};
    for (size_t i = 1; i + 1 < stanza->word_count && i < 3; i++)
        if (is_one_of(stanza->words[i], kinds))
            return true;
    return false;
}

/* Keeps the words from `first` on as those of an item, and forgets them. */
static int keep_words(struct scanner *scanner, size_t first, struct f5_item *item)
{
    item->word_count = scanner->word_count - first;
    item->words = work_alloc(scanner->work, (item->word_count + 1) * sizeof *item->words);
    if (!item->words)
        return ERR_NOMEM;
    if (item->word_count > 0)
        memcpy(item->words, scanner->words + first, item->word_count * sizeof *item->words);
    scanner->word_count = first;
    return 0;
}

/* Reads words up to another token, of which the first one has been read if `token` is a word. */
static int read_words(struct scanner *scanner, enum token *token, struct f5_item *item)
{
    size_t first = scanner->word_count;
    int code = 0;
    while (code == 0 && *token == TOKEN_WORD) {
        const char **place =
            VECTOR_ADD(scanner->words, scanner->word_count, scanner->word_capacity);
        if (!place)
            return error_set(scanner->work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
        *place = scanner->word;
        code = scan(scanner, token);
    }
    return code == 0 ? keep_words(scanner, first, item) : code;
}

static int new_item(struct scanner *scanner, struct list *items, struct f5_item **ret_item)
{
    struct f5_item *item = work_alloc(scanner->work, sizeof *item);
    if (!item || list_add(scanner->work, items, item) != 0)
        return ERR_NOMEM;
    if (scanner->items++ == F5_ITEMS_MAX)
        return work_error(scanner->work, scanner->line, "there are more than %d items before this",
                          F5_ITEMS_MAX);
    item->line = scanner->line;
    *ret_item = item;
    return 0;
}

static int read_block(struct scanner *scanner, int depth, struct f5_item *parent);

/* Reads an item; `token` is its first token, and the one behind it afterwards. */
static int read_item(struct scanner *scanner, int depth, struct f5_item *parent, enum token *token)
{
    struct f5_item *item;
    int code = new_item(scanner, &parent->items, &item);
    if (code == 0)
        code = read_words(scanner, token, item);
    if (code != 0 || *token != TOKEN_OPEN)
        return code;
    code = read_block(scanner, depth + 1, item);
    return code == 0 ? scan(scanner, token) : code;
}

/* Reads the items of a block up to its closing brace. */
static int read_block(struct scanner *scanner, int depth, struct f5_item *parent)
{
    enum token token;
    if (depth > F5_DEPTH_MAX)
        return work_error(scanner->work, scanner->line, "more than %d blocks within each other",
                          F5_DEPTH_MAX);
    parent->has_block = true;
    int code = scan(scanner, &token);
    while (code == 0 && token != TOKEN_CLOSE) {
        if (token == TOKEN_END)
            return not_closed(scanner, parent->line);
        if (token == TOKEN_LINE_END)
            code = scan(scanner, &token);
        else
            code = read_item(scanner, depth, parent, &token);
    }
    return code;
}

static int read_stanza(struct scanner *scanner, struct list *stanzas)
{
    struct f5_item *stanza;
    enum token token = TOKEN_WORD;
    int code = new_item(scanner, stanzas, &stanza);
    if (code == 0)
        code = read_words(scanner, &token, stanza);
    if (code != 0)
        return code;
    if (token != TOKEN_OPEN)
        return work_error(scanner->work, stanza->line,
                          "no '{' on the line of '%s'; an object is a line like"
                          " 'gtm pool a /Common/web {' and what follows it",
                          stanza->words[0]);
    if (is_read(stanza))
        return read_block(scanner, 1, stanza);
    stanza->has_block = true;
    return is_script(stanza) ? skip_script(scanner, stanza->line)
                             : skip_block(scanner, stanza->line);
}

static int read_stanzas(struct scanner *scanner, struct list *stanzas)
{
    enum token token;
    int code;
    while ((code = scan(scanner, &token)) == 0 && token != TOKEN_END) {
        if (token == TOKEN_OPEN || token == TOKEN_CLOSE)
            return work_error(scanner->work, scanner->line,
                              token == TOKEN_OPEN ? "'{' without words before it"
                                                  : "'}' without a '{' before it");
        if (token == TOKEN_WORD && (code = read_stanza(scanner, stanzas)) != 0)
            return code;
    }
    return code;
}

static int check_bytes(struct f5_work *work, const char *text, size_t length)
{
    const char *nul = length ? memchr(text, '\0', length) : NULL;
    int line = 1;
    if (!nul)
        return 0;
    for (const char *at = text; at < nul; at++)
        line += *at == '\n';
    return work_error(work, line, "a NUL byte: this is not text");
}

int f5_document_read(struct f5_work *work, const char *text, size_t length,
                     struct list *ret_stanzas)
{
    struct scanner scanner = {.work = work, .at = text, .end = text + length, .line = 1};
    struct list stanzas = {0};
    int code = check_bytes(work, text, length);
    if (code == 0)
        code = read_stanzas(&scanner, &stanzas);
    free(scanner.words);
    if (code == 0)
        *ret_stanzas = stanzas;
    return code;
}

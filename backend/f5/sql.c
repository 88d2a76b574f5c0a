#include "f5/sql.h"

#include <string.h>

/* The width of a comment. */
#define COLUMNS 98

void sql_text(struct buffer *out, const char *text)
{
    if (!text) {
        buffer_add_text(out, "NULL");
        return;
    }
    buffer_add_char(out, '\'');
    for (const char *at = text; *at; at++) {
        if (*at == '\'')
            buffer_add_char(out, '\'');
        buffer_add_char(out, *at);
    }
    buffer_add_char(out, '\'');
}

void sql_address(struct buffer *out, const struct address *address)
{
    char text[ADDRESS_TEXT_MAX];
    sql_text(out, address->family == FAMILY_NONE ? NULL : address_format(address, text));
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* The next word of a text; `*text` is behind it afterwards. Its length is 0 at the end. */
static size_t next_word(const char **text, const char **ret_word)
{
    while (**text && is_blank(**text))
        ++*text;
    *ret_word = *text;
    while (**text && !is_blank(**text))
        ++*text;
    return (size_t)(*text - *ret_word);
}

void sql_comment(struct buffer *out, const char *text)
{
    const char *word, *begin = "-- ";
    size_t column = 0;
    for (size_t length; (length = next_word(&text, &word)) > 0;) {
        if (column > 0 && column + 1 + length > COLUMNS) {
            buffer_add_char(out, '\n');
            column = 0;
        }
        const char *before = column > 0 ? " " : begin;
        buffer_add_text(out, before);
        buffer_add(out, word, length);
        column += strlen(before) + length;
        begin = "--   ";
    }
    if (column > 0)
        buffer_add_char(out, '\n');
}

void sql_columns_release(struct sql_columns *columns)
{
    buffer_release(&columns->names);
    buffer_release(&columns->values);
}

static void add_name(struct sql_columns *columns, const char *name)
{
    if (columns->names.length > 0) {
        buffer_add_text(&columns->names, ", ");
        buffer_add_text(&columns->values, ", ");
    }
    buffer_add_text(&columns->names, name);
}

void sql_add_text(struct sql_columns *columns, const char *name, const char *text)
{
    add_name(columns, name);
    sql_text(&columns->values, text);
}

void sql_add_number(struct sql_columns *columns, const char *name, int64_t number)
{
    add_name(columns, name);
    buffer_add_integer(&columns->values, number);
}

void sql_add_address(struct sql_columns *columns, const char *name, const struct address *address)
{
    add_name(columns, name);
    sql_address(&columns->values, address);
}

void sql_add_id(struct sql_columns *columns, const char *column, const char *table,
                const char *name)
{
    add_name(columns, column);
    buffer_printf(&columns->values, "(SELECT id FROM %s WHERE name = ", table);
    sql_text(&columns->values, name);
    buffer_add_char(&columns->values, ')');
}

void sql_add_raw(struct sql_columns *columns, const char *name, const char *expression)
{
    add_name(columns, name);
    buffer_add_text(&columns->values, expression);
}

/* Begins an INSERT up to its values, and empties the columns. */
static void begin_insert(struct buffer *out, const char *table, struct sql_columns *columns,
                         const char *before)
{
    buffer_printf(out, "INSERT INTO %s (%s)\n  %s", table, buffer_text(&columns->names), before);
    buffer_add(out, buffer_text(&columns->values), columns->values.length);
    out->failed |= columns->names.failed || columns->values.failed;
    buffer_clear(&columns->names);
    buffer_clear(&columns->values);
}

void sql_insert(struct buffer *out, const char *table, struct sql_columns *columns)
{
    begin_insert(out, table, columns, "VALUES (");
    buffer_add_text(out, ");\n");
}

void sql_insert_from(struct buffer *out, const char *table, struct sql_columns *columns,
                     const char *from)
{
    begin_insert(out, table, columns, "SELECT ");
    buffer_printf(out, "\n    FROM %s", from);
}

#include "program/command/supposing.h"

#include <string.h>

#include "core/balance/method.h"
#include "core/base/decimal.h"
#include "core/dns/name.h"
#include "program/command/json_output.h"

#define DEFAULT_WEIGHT 1

static const struct {
    const char *option;
    enum supposed_kind kind;
    const char *value; /* of a state */
    const char *text;  /* what is said of it */
} kinds[] = {
    {"down", SUPPOSED_DOWN, NULL, "is down"},
    {"up", SUPPOSED_UP, NULL, "is up"},
    {"drain", SUPPOSED_STATE, "draining", "drains"},
    {"enable", SUPPOSED_STATE, "enabled", "is enabled"},
    {"disable", SUPPOSED_STATE, "disabled", "is disabled"},
    {"method", SUPPOSED_METHOD, NULL, "has method"},
    {"add-server", SUPPOSED_SERVER, NULL, "is another server,"},
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* Cuts a text at a separator, and gives what follows it; NULL, with nothing cut, if there is none.
 */
static char *cut(char *text, char separator)
{
    char *found = strchr(text, separator);
    if (!found)
        return NULL;
    *found = '\0';
    return found + 1;
}

static bool is_host_name(const char *text)
{
    struct name name;
    return name_parse(text, strlen(text), &name) == 0;
}

/* "ADDRESS[,WEIGHT]" */
static enum command_result read_server(const struct command_call *call, char *text,
                                       struct supposed_change *change)
{
    struct address address;
    const char *weight = text ? cut(text, ',') : NULL;
    change->value = text;
    change->weight = DEFAULT_WEIGHT;
    if (!text || (address_parse(text, strlen(text), &address) != 0 && !is_host_name(text)))
        return command_misused(call, "--add-server takes POOL/SITE=ADDRESS[,WEIGHT]");
    if (weight && !decimal_parse(weight, strlen(weight), 0, WEIGHT_MAX, &change->weight))
        return command_misused(call, "--add-server: the weight is 0 to %d", WEIGHT_MAX);
    return COMMAND_OK;
}

static enum command_result read_method(const struct command_call *call, char *text,
                                       struct supposed_change *change)
{
    change->value = text;
    if (!text)
        return command_misused(call, "--method takes POOL/METHOD");
    if (!method_find(text))
        return command_misused(call, "--method: there is no method %s", text);
    return COMMAND_OK;
}

static enum command_result read_change(const struct command_call *call, char *text,
                                       struct supposed_change *change)
{
    char *behind = cut(text, '/');
    change->pool = behind ? text : NULL;
    change->site = behind ? behind : text;
    if (!*text || (behind && (!*behind || *behind == '=')))
        return command_misused(call, "a name is missing in SITE, POOL/SITE or POOL/METHOD");
    if (change->kind == SUPPOSED_METHOD) {
        change->site = NULL;
        return read_method(call, behind, change);
    }
    if (change->kind != SUPPOSED_SERVER)
        return COMMAND_OK;
    return read_server(call, behind ? cut(behind, '=') : NULL, change);
}

/* The kind of an option, or KINDS if it supposes nothing. */
static size_t kind_of(const struct given_option *given)
{
    size_t kind = 0;
    while (kind < KINDS && strcmp(kinds[kind].option, given->option->name) != 0)
        kind++;
    return kind;
}

/* Copies the values, since they are cut into words; the buffer grows only here. */
static bool copy_values(const struct command_call *call, struct buffer *texts)
{
    for (int i = 0; i < call->option_count; i++)
        if (call->options[i].value)
            buffer_add(texts, call->options[i].value, strlen(call->options[i].value) + 1);
    return !texts->failed;
}

enum command_result supposing_read(const struct command_call *call, struct supposing *ret_supposing)
{
    enum command_result result = COMMAND_OK;
    *ret_supposing = (struct supposing){0};
    if (!copy_values(call, &ret_supposing->texts))
        return command_failure(call, "out of memory");
    char *text = ret_supposing->texts.data;
    for (int i = 0; result == COMMAND_OK && i < call->option_count; i++) {
        const struct given_option *given = &call->options[i];
        size_t kind = kind_of(given);
        struct supposed_change *change = &ret_supposing->changes[ret_supposing->count];
        if (kind < KINDS) {
            *change =
                (struct supposed_change){.kind = kinds[kind].kind, .value = kinds[kind].value};
            result = read_change(call, text, change);
            ret_supposing->count++;
            if (change->kind == SUPPOSED_METHOD && change->value)
                ret_supposing->needs_topology |= strcmp(change->value, method_topology.name) == 0;
        }
        if (given->value)
            text += strlen(given->value) + 1;
    }
    return result;
}

void supposing_release(struct supposing *supposing)
{
    buffer_release(&supposing->texts);
}

static size_t kind_of_change(const struct supposed_change *change)
{
    size_t kind = 0;
    while (kinds[kind].kind != change->kind ||
           (kinds[kind].value && strcmp(kinds[kind].value, change->value) != 0))
        kind++;
    return kind;
}

static void print_change(const struct supposed_change *change, struct buffer *out)
{
    size_t kind = kind_of_change(change);
    if (change->pool)
        buffer_printf(out, "%s%s", change->pool, change->site ? "/" : "");
    buffer_printf(out, "%s %s", change->site ? change->site : "", kinds[kind].text);
    if (!kinds[kind].value && change->value)
        buffer_printf(out, " %s", change->value);
}

void supposing_print(const struct supposing *supposing, struct buffer *out)
{
    for (size_t i = 0; i < supposing->count; i++) {
        buffer_add_text(out, i == 0 ? "supposing: " : "; ");
        print_change(&supposing->changes[i], out);
    }
    if (supposing->count > 0)
        buffer_add_char(out, '\n');
}

json_t *supposing_json(const struct supposing *supposing)
{
    json_t *list = json_array();
    for (size_t i = 0; i < supposing->count; i++) {
        const struct supposed_change *change = &supposing->changes[i];
        size_t kind = kind_of_change(change);
        json_t *value = json_pack("{s:s, s:o, s:o}", "what", kinds[kind].option, "pool",
                                  json_text(change->pool), "site", json_text(change->site));
        if (!kinds[kind].value && change->value)
            json_object_set_new(value, "value", json_text(change->value));
        if (change->kind == SUPPOSED_SERVER)
            json_object_set_new(value, "weight", json_integer(change->weight));
        json_array_append_new(list, value);
    }
    return list;
}

/* A row that the database would reject, or that makes its pool unusable, was not meant. */
static int check_usable(const struct problems *before, const struct supposition *supposition,
                        struct error *error)
{
    const struct problems *after = &supposition->snapshot->problems;
    for (size_t i = 0; i < after->count; i++)
        if (!problems_has(before, after->lines[i]))
            return error_set(error, ERR_INVAL, "that cannot be: %s", after->lines[i]);
    return 0;
}

int supposing_apply(const struct supposing *supposing, const struct store *store,
                    struct decision_inputs *inputs, struct supposition *ret_supposition,
                    struct error *error)
{
    *ret_supposition = (struct supposition){0};
    if (supposing->count == 0)
        return 0;
    int code = store_suppose(store, supposing->changes, supposing->count, ret_supposition, error);
    if (code != 0)
        return code;
    code = check_usable(&inputs->snapshot->problems, ret_supposition, error);
    if (code != 0) {
        supposition_release(ret_supposition);
        return code;
    }
    inputs->snapshot = ret_supposition->snapshot;
    inputs->availability = ret_supposition->availability;
    return 0;
}

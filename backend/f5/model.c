/*
 * The kinds of objects, and what all of them have. Each kind is read by the file that is named
 * after it.
 */
#include "f5/model.h"

#include <string.h>
#include <strings.h>

#include "core/base/decimal.h"
#include "f5/model_parts.h"

/* What /Common/ is for: BIG-IP also writes names without it. */
#define COMMON "/Common/"

static const char *const record_words[RECORD_KINDS] = {"a", "aaaa", "cname"};

const char *model_record_word(size_t record)
{
    return record_words[record];
}

bool model_record_find(const char *word, enum f5_record *ret_record)
{
    for (size_t i = 0; i < RECORD_KINDS; i++) {
        if (strcasecmp(record_words[i], word) == 0) {
            *ret_record = (enum f5_record)i;
            return true;
        }
    }
    return false;
}

const char *model_path(struct f5_work *work, const char *word)
{
    return *word == '/' ? word : work_printf(work, COMMON "%s", word);
}

const char *model_leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int model_object_init(struct f5_work *work, const struct f5_item *item, size_t word,
                      struct f5_object *ret_object)
{
    const char *path = model_path(work, item->words[word]);
    if (!path)
        return ERR_NOMEM;
    *ret_object = (struct f5_object){.path = path, .line = item->line};
    return 0;
}

int take_enabled(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_object *any = object;
    (void)work;
    (void)property;
    any->disabled = false;
    return 0;
}

int take_disabled(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_object *any = object;
    (void)work;
    (void)property;
    any->disabled = true;
    return 0;
}

int take_description(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_object *any = object;
    (void)work;
    any->description = property->values[0];
    return 0;
}

static int add_monitor(struct f5_work *work, const char *word, struct f5_monitors *monitors)
{
    const char *path = model_path(work, word);
    return path ? list_add(work, &monitors->paths, path) : ERR_NOMEM;
}

/* The monitors in the block of `min 1 of { A B }`. */
static int add_block(struct f5_work *work, const struct f5_item *item, struct f5_monitors *monitors)
{
    int code = 0;
    for (size_t i = 0; item && code == 0 && i < item->items.count; i++) {
        const struct f5_item *line = item->items.items[i];
        for (size_t j = 0; code == 0 && j < line->word_count; j++)
            code = add_monitor(work, line->words[j], monitors);
    }
    return code;
}

int model_monitors(struct f5_work *work, const struct f5_property *property,
                   struct f5_monitors *ret_monitors)
{
    struct f5_monitors monitors = {.all = !property->item};
    int code = add_block(work, property->item, &monitors);
    for (size_t i = 0; code == 0 && monitors.all && i < property->count; i += 2)
        if (strcmp(property->values[i], "none") != 0)
            code = add_monitor(work, property->values[i], &monitors);
    if (code == 0)
        *ret_monitors = monitors;
    return code;
}

int model_address(const char *text, struct address *ret_address)
{
    const char *slash = strrchr(text, '/');
    const char *start = slash ? slash + 1 : text;
    if (strcmp(start, "any") == 0 || strcmp(start, "any6") == 0 || strcmp(start, "none") == 0 ||
        strcmp(start, "*") == 0) {
        *ret_address = (struct address){0};
        return 0;
    }
    return address_parse(start, strcspn(start, "%"), ret_address); /* %2 is a route domain */
}

static int parse_port(const char *text, int64_t *ret_port)
{
    static const struct {
        const char *name;
        int64_t port;
    } names[] = {
        {"any", 0},     {"*", 0},       {"ftp", 21},   {"ssh", 22},    {"telnet", 23},
        {"smtp", 25},   {"domain", 53}, {"http", 80},  {"pop3", 110},  {"ntp", 123},
        {"imap", 143},  {"snmp", 161},  {"ldap", 389}, {"https", 443}, {"ldaps", 636},
        {"imaps", 993}, {"pop3s", 995}, {"sip", 5060}, {"sips", 5061}, {"webcache", 8080},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, text) == 0) {
            *ret_port = names[i].port;
            return 0;
        }
    }
    return decimal_parse(text, strlen(text), 0, 65535, ret_port) ? 0 : ERR_INVAL;
}

int model_destination(const char *text, struct address *ret_address, int64_t *ret_port)
{
    const char *colon = strrchr(text, ':'), *dot = strrchr(text, '.');
    bool is_ipv6 = colon && strchr(text, ':') != colon;
    const char *end = is_ipv6 || !colon ? dot : colon;
    char address[ADDRESS_TEXT_MAX + 256];
    if (!end || (size_t)(end - text) >= sizeof address)
        return ERR_INVAL;
    memcpy(address, text, (size_t)(end - text));
    address[end - text] = '\0';
    if (model_address(address, ret_address) != 0)
        return ERR_INVAL;
    return parse_port(end + 1, ret_port);
}

static const char *key_of(struct f5_work *work, const char *kind, const char *path)
{
    return work_printf(work, "%s %s", kind, path);
}

void *f5_model_find(struct f5_work *work, const struct f5_model *model, const char *kind,
                    const char *path)
{
    const char *key = key_of(work, kind, path);
    return key ? text_index_find(&model->by_path, key) : NULL;
}

int model_add(struct f5_work *work, struct f5_model *model, struct list *list, const char *kind,
              struct f5_object *object)
{
    const char *key = kind ? key_of(work, kind, object->path) : NULL;
    if (!key)
        return ERR_NOMEM;
    const struct f5_object *other = text_index_find(&model->by_path, key);
    if (other)
        return work_error(work, object->line, "gtm %s is already on line %d", key, other->line);
    int code = text_index_add(work, &model->by_path, key, object);
    return code == 0 ? list_add(work, list, object) : code;
}

static int take_bits(struct f5_work *work, const struct f5_property *property, int64_t most,
                     int64_t *ret_bits)
{
    return f5_property_number(work, property, most, ret_bits);
}

static int take_static_ipv4(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_model *model = object;
    return take_bits(work, property, 32, &model->static_ipv4_bits);
}

static int take_static_ipv6(struct f5_work *work, void *object, const struct f5_property *property)
{
    struct f5_model *model = object;
    return take_bits(work, property, 128, &model->static_ipv6_bits);
}

static int take_longest_match(struct f5_work *work, void *object,
                              const struct f5_property *property)
{
    struct f5_model *model = object;
    bool on = true;
    int code = f5_property_switch(work, property, &on);
    if (code == 0 && !on)
        code = note_add(work, &model->notes,
                        "topology-longest-match no: here the longest network always comes first,"
                        " whatever the order of the records");
    return code;
}

static const struct f5_property_rule settings_rules[] = {
    {"static-persist-cidr-ipv4", SHAPE_VALUE, take_static_ipv4, NULL},
    {"static-persist-cidr-ipv6", SHAPE_VALUE, take_static_ipv6, NULL},
    {"topology-longest-match", SHAPE_VALUE, take_longest_match, NULL},
    {"drain-persistent-requests", SHAPE_VALUE, NULL,
     "a disabled server has no mappings here; set its state to 'draining' to keep them"},
    {"metrics-collection-protocols", SHAPE_BLOCK, NULL, NULL},
    {"addresses", SHAPE_BLOCK, NULL, NULL},
    {"synchroniz*", SHAPE_VALUE, NULL,
     "name servers share mappings through pdns-stickyd: see pdns-stickyd(8)"},
    {"iquery-*", SHAPE_VALUE, NULL, "there is no iQuery here"},
};

static int read_settings(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    static const struct f5_property_table table = F5_TABLE(settings_rules);
    return f5_properties_read(work, item, &table, model, &model->notes);
}

static const struct {
    const char *word;
    size_t least, most; /* words of the header */
    int (*read)(struct f5_work *work, const struct f5_item *item, struct f5_model *model);
} kinds[] = {
    {"datacenter", 3, 3, model_read_datacenter},
    {"server", 3, 3, model_read_server},
    {"pool", 3, 4, model_read_pool},
    {"wideip", 3, 4, model_read_wideip},
    {"monitor", 4, 4, model_read_monitor},
    {"region", 3, 3, model_read_region},
    {"topology", 3, SIZE_MAX, model_read_record},
    {"global-settings", 2, SIZE_MAX, read_settings},
};

static int read_stanza(struct f5_work *work, const struct f5_item *item, struct f5_model *model)
{
    if (item->word_count < 2 || strcmp(item->words[0], "gtm") != 0)
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].word, item->words[1]) != 0)
            continue;
        if (item->word_count < kinds[i].least || item->word_count > kinds[i].most)
            return work_error(work, item->line, "gtm %s with %zu words before the '{'",
                              kinds[i].word, item->word_count);
        return kinds[i].read(work, item, model);
    }
    return list_add(work, &model->others, item);
}

int f5_model_read(struct f5_work *work, const struct list *stanzas, struct f5_model *ret_model)
{
    struct f5_model model = {.static_ipv4_bits = 32, .static_ipv6_bits = 128};
    int code = 0;
    for (size_t i = 0; code == 0 && i < stanzas->count; i++)
        code = read_stanza(work, stanzas->items[i], &model);
    if (code == 0)
        code = model_link_servers(work, &model);
    if (code == 0)
        code = model_link_pools(work, &model);
    if (code == 0)
        code = model_link_wideips(work, &model);
    if (code == 0)
        *ret_model = model;
    return code;
}

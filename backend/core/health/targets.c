/*
 * A set of targets: built from rows, sorted by key, shared by reference count, and compared with
 * the set that it replaces.
 */
#include "core/health/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/vector.h"
#include "core/base/word.h"

/*
 * Of a target's name, with NUL; a longer one is truncated. Names of pools and controllers have 64
 * characters at most.
 */
#define NAME_MAX_BYTES 512

/* Of an address, or of the host name of a controller, with a port and NUL. */
#define PLACE_MAX_BYTES 272

struct targets {
    unsigned users;
    struct arena arena; /* monitors and texts */
    struct monitor **monitors;
    size_t monitor_count, monitor_capacity;
    struct target *list;
    size_t count, capacity;
    struct problems problems;
};

int targets_new(struct targets **ret_targets)
{
    struct targets *targets = calloc(1, sizeof *targets);
    if (!targets)
        return ERR_NOMEM;
    targets->users = 1;
    *ret_targets = targets;
    return 0;
}

struct targets *targets_retain(struct targets *targets)
{
    targets->users++;
    return targets;
}

void targets_release(struct targets *targets)
{
    if (!targets || --targets->users > 0)
        return;
    arena_release(&targets->arena);
    free(targets->monitors);
    free(targets->list);
    problems_release(&targets->problems);
    free(targets);
}

/* Replaces a text, which may be NULL, by a copy in the arena; false without memory. */
static bool own(struct targets *targets, const char **text)
{
    if (*text && !(*text = arena_copy(&targets->arena, *text, strlen(*text))))
        return false;
    return true;
}

int targets_add_monitor(struct targets *targets, const struct monitor *monitor)
{
    struct monitor *copy = arena_alloc(&targets->arena, sizeof *copy);
    if (!copy)
        return ERR_NOMEM;
    *copy = *monitor;
    if (!own(targets, &copy->name) || !own(targets, &copy->path) || !own(targets, &copy->host) ||
        !own(targets, &copy->query) || !own(targets, &copy->body) || !own(targets, &copy->send) ||
        !own(targets, &copy->expect) || !own(targets, &copy->headers) ||
        !own(targets, &copy->steps) || !own(targets, &copy->rcode) ||
        !own(targets, &copy->answer) || !own(targets, &copy->arguments))
        return ERR_NOMEM;
    struct monitor **place =
        VECTOR_ADD(targets->monitors, targets->monitor_count, targets->monitor_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = copy;
    return 0;
}

static const struct monitor *find_monitor(const struct targets *targets, int64_t id)
{
    size_t first = 0, end = targets->monitor_count; /* sorted by id */
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (targets->monitors[middle]->id == id)
            return targets->monitors[middle];
        if (targets->monitors[middle]->id < id)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

/* The address and the port that is checked, if there is one. */
static void name_place(const struct target_row *row, uint16_t port,
                       char place[static PLACE_MAX_BYTES])
{
    const char *known = row->address ? row->address : row->host;
    const char *address = known ? known : "no address";
    if (port == 0 || !known)
        snprintf(place, PLACE_MAX_BYTES, "%s", address);
    else
        snprintf(place, PLACE_MAX_BYTES, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, port);
}

static void name_row(const struct target_row *row, const char *place,
                     char name[static NAME_MAX_BYTES])
{
    const char *controller = row->controller ? row->controller : "?";
    if (row->key.kind == TARGET_SERVER)
        snprintf(name, NAME_MAX_BYTES, "pool %s, controller %s, %s", row->pool ? row->pool : "?",
                 controller, place);
    else
        snprintf(name, NAME_MAX_BYTES, "controller %s, %s", controller, place);
}

static bool is_of_another_family(const struct address *source, const struct address *address)
{
    return source->family != FAMILY_NONE && source->family != address->family;
}

int targets_add(struct targets *targets, const struct target_row *row)
{
    char name[NAME_MAX_BYTES], place[PLACE_MAX_BYTES], source[ADDRESS_TEXT_MAX];
    struct target target = {.key = row->key,
                            .monitor = find_monitor(targets, row->monitor_id),
                            .host = row->host,
                            .port = (uint16_t)row->port,
                            .name = name,
                            .place = place,
                            .pool = row->pool ? row->pool : "",
                            .controller = row->controller ? row->controller : "",
                            .position = row->position};
    name_place(row, target.monitor ? monitor_port(target.monitor, target.port) : 0, place);
    name_row(row, place, name);
    if (!target.monitor)
        return problems_add(&targets->problems,
                            "%s: not checked, because its monitor cannot be used", name);
    bool is_resolved = row->host && !row->address;
    if (!is_resolved &&
        (!row->address || address_parse(row->address, strlen(row->address), &target.address) != 0))
        return problems_add(&targets->problems,
                            "%s: not checked, because monitor %s needs a numeric address", name,
                            target.monitor->name);
    if (!is_resolved && is_of_another_family(&target.monitor->source, &target.address))
        return problems_add(&targets->problems,
                            "%s: not checked, because monitor %s checks from %s, an address of the"
                            " other family",
                            name, target.monitor->name,
                            address_format(&target.monitor->source, source));
    if (target.monitor->type == CHECK_TCP && monitor_port(target.monitor, target.port) == 0)
        return problems_add(&targets->problems,
                            "%s: not checked, because neither it nor monitor %s has a port", name,
                            target.monitor->name);
    if (!own(targets, &target.name) || !own(targets, &target.place) ||
        !own(targets, &target.pool) || !own(targets, &target.controller) ||
        !own(targets, &target.host))
        return ERR_NOMEM;
    struct target *added = VECTOR_ADD(targets->list, targets->count, targets->capacity);
    if (!added)
        return ERR_NOMEM;
    *added = target;
    return 0;
}

int targets_refuse_monitor(struct targets *targets, const char *name, const char *why)
{
    return problems_add(&targets->problems, "monitor %s cannot be used: %s", name, why);
}

static const char *const family_words[] = {
    [FAMILY_NONE] = "", [FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6"};

const char *target_family_word(enum address_family family)
{
    return family_words[family];
}

bool target_family_parse(const char *word, enum address_family *ret_family)
{
    size_t index;
    if (!word_find(family_words, sizeof family_words / sizeof *family_words, word, &index))
        return false;
    *ret_family = (enum address_family)index;
    return true;
}

int target_key_compare(const struct target_key *a, const struct target_key *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->family > b->family) - (a->family < b->family);
}

static int compare_targets(const void *a, const void *b)
{
    const struct target *left = a, *right = b;
    return target_key_compare(&left->key, &right->key);
}

void targets_finish(struct targets *targets)
{
    if (targets->count > 0)
        qsort(targets->list, targets->count, sizeof *targets->list, compare_targets);
}

size_t targets_count(const struct targets *targets)
{
    return targets->count;
}

const struct target *targets_at(const struct targets *targets, size_t index)
{
    return &targets->list[index];
}

const struct target *targets_find(const struct targets *targets, const struct target_key *key)
{
    const struct target wanted = {.key = *key};
    if (targets->count == 0)
        return NULL;
    return bsearch(&wanted, targets->list, targets->count, sizeof wanted, compare_targets);
}

size_t targets_monitor_count(const struct targets *targets)
{
    return targets->monitor_count;
}

const struct monitor *targets_monitor_at(const struct targets *targets, size_t index)
{
    return targets->monitors[index];
}

const struct problems *targets_problems(const struct targets *targets)
{
    return &targets->problems;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Id and name do not matter: they change nothing about the check. */
static bool monitor_equal(const struct monitor *a, const struct monitor *b)
{
    return a->type == b->type && a->port == b->port && same_text(a->path, b->path) &&
           same_text(a->host, b->host) && same_text(a->query, b->query) &&
           a->status_min == b->status_min && a->status_max == b->status_max &&
           same_text(a->body, b->body) && same_text(a->send, b->send) &&
           same_text(a->expect, b->expect) && a->verify == b->verify &&
           a->interval_s == b->interval_s && a->timeout_s == b->timeout_s && a->rise == b->rise &&
           a->fall == b->fall && a->http_method == b->http_method &&
           same_text(a->headers, b->headers) && a->proxy == b->proxy && a->tls == b->tls &&
           same_text(a->steps, b->steps) && same_text(a->rcode, b->rcode) &&
           same_text(a->answer, b->answer) && address_equal(&a->source, &b->source) &&
           same_text(a->arguments, b->arguments);
}

bool target_equal(const struct target *a, const struct target *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address) &&
           same_text(a->host, b->host) && monitor_equal(a->monitor, b->monitor);
}

bool target_is_elsewhere(const struct target *before, const struct target *after)
{
    if (!address_equal(&before->address, &after->address) || !same_text(before->host, after->host))
        return true;
    return before->port != after->port &&
           monitor_port(after->monitor, before->port) != monitor_port(after->monitor, after->port);
}

static enum target_change compare_one(const struct target *before, const struct target *after)
{
    if (target_equal(before, after))
        return TARGET_SAME;
    return target_is_elsewhere(before, after) ? TARGET_REPLACED : TARGET_CHANGED;
}

void targets_compare(const struct targets *before, const struct targets *after,
                     void (*tell)(void *context, enum target_change change,
                                  const struct target *before, const struct target *after),
                     void *context)
{
    size_t old = 0, new = 0, old_count = before ? before->count : 0;
    size_t new_count = after ? after->count : 0;
    while (old < old_count || new < new_count) {
        const struct target *left = old < old_count ? &before->list[old] : NULL;
        const struct target *right = new < new_count ? &after->list[new] : NULL;
        int order = !left ? 1 : !right ? -1 : target_key_compare(&left->key, &right->key);
        if (order < 0)
            tell(context, TARGET_REMOVED, left, NULL);
        else if (order > 0)
            tell(context, TARGET_ADDED, NULL, right);
        else
            tell(context, compare_one(left, right), left, right);
        old += order <= 0;
        new += order >= 0;
    }
}

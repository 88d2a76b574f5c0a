/*
 * Topology. BIG-IP scores each server by the first record that matches, and takes the highest
 * score; here a resolver's longest network decides, then its country, its continent and the
 * default. So a score becomes a preference: the highest score is the lowest preference.
 */
#include <stdlib.h>
#include <string.h>

#include "f5/plan_parts.h"

/* Regions in regions. */
#define REGIONS_MAX 16

/* The preference of the highest score, and the step to the next one. */
#define PREFERENCE_STEP 10

/* Conditions and servers that are looked at: some seconds. Regions in regions can ask for more. */
#define STEPS_MAX 20000000

struct placing {
    struct f5_work *work;
    struct f5_plan *plan;
    struct f5_model *model;
    struct text_index seen; /* of "COLUMN VALUE CONTROLLER": struct f5_place */
    struct list scores;     /* int64_t, the highest first */
    struct f5_planned_record *record;
    bool *chosen; /* by the index of a controller */
    size_t steps;
};

static int compare_scores(const void *left, const void *right)
{
    int64_t a = **(int64_t *const *)left, b = **(int64_t *const *)right;
    return a > b ? -1 : a < b;
}

/* All scores that occur, the highest first. */
static int sort_scores(struct placing *placing)
{
    const struct list *records = &placing->model->records;
    for (size_t i = 0; i < records->count; i++) {
        struct f5_topology_record *record = records->items[i];
        if (list_add(placing->work, &placing->scores, &record->score) != 0)
            return ERR_NOMEM;
    }
    struct list *scores = &placing->scores;
    size_t kept = 0;
    if (scores->count > 1)
        qsort(scores->items, scores->count, sizeof *scores->items, compare_scores);
    for (size_t i = 0; i < scores->count; i++)
        if (kept == 0 || *(int64_t *)scores->items[kept - 1] != *(int64_t *)scores->items[i])
            scores->items[kept++] = scores->items[i];
    scores->count = kept;
    return 0;
}

static int64_t preference_of(const struct placing *placing, int64_t score)
{
    const struct list *scores = &placing->scores;
    size_t low = 0, high = scores->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (*(int64_t *)scores->items[middle] >= score)
            low = middle;
        else
            high = middle;
    }
    int64_t preference = (int64_t)(low + 1) * PREFERENCE_STEP;
    return preference > 65535 ? 65535 : preference;
}

/* Counts what is looked at. */
static int step(struct placing *placing, size_t count)
{
    placing->steps += count;
    if (placing->steps <= STEPS_MAX)
        return 0;
    return work_error(placing->work, placing->record->record->object.line,
                      "the regions up to this record are too many, or too deep in each other");
}

static int say(struct placing *placing, const struct f5_condition *condition, const char *why)
{
    return note_add(placing->work, &placing->record->notes, "%s%s %s: %s",
                    condition->negated ? "not " : "", condition->kind, condition->value, why);
}

/* Adds a row, unless the controller is there already: then the better preference counts. */
static int add_place(struct placing *placing, const char *column, const char *value,
                     const struct f5_controller *controller)
{
    int64_t preference = preference_of(placing, placing->record->record->score);
    const char *key =
        work_printf(placing->work, "%s %s %zu", column ? column : "", value, controller->index);
    struct f5_place *place = key ? text_index_find(&placing->seen, key) : NULL;
    if (!key)
        return ERR_NOMEM;
    if (place) {
        place->preference = place->preference < preference ? place->preference : preference;
        return 0;
    }
    if (placing->plan->places++ == F5_PLACES_MAX)
        return work_error(placing->work, placing->record->record->object.line,
                          "this record makes more than %d rows of topology", F5_PLACES_MAX);
    if (!(place = work_alloc(placing->work, sizeof *place)))
        return ERR_NOMEM;
    *place = (struct f5_place){column, value, controller, preference};
    placing->plan->needs_geo |= column && strcmp(column, "cidr") != 0;
    int code = text_index_add(placing->work, &placing->seen, key, place);
    return code == 0 ? list_add(placing->work, &placing->record->places, place) : code;
}

static int add_places(struct placing *placing, const char *column, const char *value)
{
    const struct list *controllers = &placing->plan->controllers;
    int code = 0;
    for (size_t i = 0; code == 0 && i < controllers->count; i++)
        if (placing->chosen[i])
            code = add_place(placing, column, value, controllers->items[i]);
    return code;
}

static int add_subnet(struct placing *placing, const struct f5_condition *condition)
{
    char text[PREFIX_TEXT_MAX];
    if (condition->subnet.bits == 0) {
        int code = say(placing, condition, "all addresses: the default, which counts last");
        return code == 0 ? add_places(placing, NULL, "") : code;
    }
    const char *value = work_copy(placing->work, prefix_format(&condition->subnet, text));
    return value ? add_places(placing, "cidr", value) : ERR_NOMEM;
}

static bool is_upper_pair(const char *value)
{
    return strlen(value) == 2 && value[0] >= 'A' && value[0] <= 'Z' && value[1] >= 'A' &&
           value[1] <= 'Z';
}

static int add_continent(struct placing *placing, const struct f5_condition *condition)
{
    static const char *const known[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], condition->value) == 0)
            return add_places(placing, "continent", known[i]);
    return say(placing, condition, "there is no row for an unknown continent; the default counts");
}

static int add_condition(struct placing *placing, const struct f5_condition *condition, int depth);

/* The region of a condition; NULL, which is said, if the input has none. 0 or an error. */
static int find_region(struct placing *placing, const struct f5_condition *condition, int depth,
                       const struct f5_region **ret_region)
{
    *ret_region = f5_model_find(placing->work, placing->model, "region", condition->value);
    if (!*ret_region)
        return say(placing, condition, "the region is not in the input: left out");
    return depth < REGIONS_MAX ? 0
                               : work_error(placing->work, (*ret_region)->object.line,
                                            "more than %d regions within each other", REGIONS_MAX);
}

static int add_region(struct placing *placing, const struct f5_condition *condition, int depth)
{
    const struct f5_region *region;
    int code = find_region(placing, condition, depth, &region);
    if (code != 0 || !region)
        return code;
    for (size_t i = 0; code == 0 && i < region->conditions.count; i++) {
        code = step(placing, 1 + placing->plan->controllers.count);
        if (code == 0)
            code = add_condition(placing, region->conditions.items[i], depth + 1);
    }
    return code;
}

/* Adds the rows for the resolvers of a condition. In a region, pools and data centers are targets.
 */
static int add_condition(struct placing *placing, const struct f5_condition *condition, int depth)
{
    if (condition->where == WHERE_POOL || condition->where == WHERE_DATACENTER)
        return depth > 0 ? 0 : say(placing, condition, "is no place of a resolver: left out");
    if (condition->negated && depth > 0)
        return say(placing, condition, "left out of the region: give what is in it its own rows");
    if (condition->negated) {
        int code = say(placing, condition,
                       "everybody else: the default, which counts for those without another row");
        return code == 0 ? add_places(placing, NULL, "") : code;
    }
    switch (condition->where) {
    case WHERE_SUBNET:
        return add_subnet(placing, condition);
    case WHERE_COUNTRY:
        return is_upper_pair(condition->value)
                   ? add_places(placing, "country", condition->value)
                   : say(placing, condition, "there is no such country code; the default counts");
    case WHERE_CONTINENT:
        return add_continent(placing, condition);
    case WHERE_REGION:
        return add_region(placing, condition, depth);
    default:
        return say(placing, condition,
                   "table topology has networks, autonomous systems (asn), countries and"
                   " continents: left out");
    }
}

static void choose_server(struct placing *placing, const struct f5_server *server)
{
    if (server->controller)
        placing->chosen[server->controller->index] = true;
}

static void choose_pool(struct placing *placing, const char *path)
{
    static const char *const kinds[] = {"pool a", "pool aaaa"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct f5_pool *pool = f5_model_find(placing->work, placing->model, kinds[i], path);
        for (size_t j = 0; pool && j < pool->members.count; j++)
            choose_server(placing, ((struct f5_member *)pool->members.items[j])->server);
    }
}

/* The servers of a data center, or with a virtual server in a subnet. */
static void choose_servers(struct placing *placing, const struct f5_condition *condition)
{
    const struct list *servers = &placing->model->servers;
    for (size_t i = 0; i < servers->count; i++) {
        const struct f5_server *server = servers->items[i];
        if (condition->where == WHERE_DATACENTER) {
            if (strcmp(server->datacenter->object.path, condition->value) == 0)
                choose_server(placing, server);
            continue;
        }
        for (size_t j = 0; j < server->virtual_servers.count; j++) {
            const struct f5_virtual_server *one = server->virtual_servers.items[j];
            if (prefix_contains(&condition->subnet, &one->address))
                choose_server(placing, server);
        }
    }
}

static int choose(struct placing *placing, const struct f5_condition *condition, int depth);

static int choose_region(struct placing *placing, const struct f5_condition *condition, int depth)
{
    const struct f5_region *region;
    int code = find_region(placing, condition, depth, &region);
    if (code != 0 || !region)
        return code;
    for (size_t i = 0; code == 0 && i < region->conditions.count; i++) {
        const struct f5_condition *member = region->conditions.items[i];
        code = step(placing, 1 + placing->model->servers.count);
        if (code == 0 && !member->negated)
            code = choose(placing, member, depth + 1);
    }
    return code;
}

/* Marks the controllers that a condition leads to. */
static int choose(struct placing *placing, const struct f5_condition *condition, int depth)
{
    switch (condition->where) {
    case WHERE_POOL:
        choose_pool(placing, condition->value);
        return 0;
    case WHERE_DATACENTER:
    case WHERE_SUBNET:
        choose_servers(placing, condition);
        return 0;
    case WHERE_REGION:
        return choose_region(placing, condition, depth);
    default:
        return depth > 0 ? 0
                         : say(placing, condition,
                               "where a server is, is not known here: left out; name the"
                               " controllers instead");
    }
}

static bool is_any_chosen(const struct placing *placing)
{
    for (size_t i = 0; i < placing->plan->controllers.count; i++)
        if (placing->chosen[i])
            return true;
    return false;
}

/* `server: not X`: all controllers but those. */
static void negate(struct placing *placing)
{
    for (size_t i = 0; i < placing->plan->controllers.count; i++) {
        const struct f5_controller *controller = placing->plan->controllers.items[i];
        placing->chosen[i] = controller->is_site && !placing->chosen[i];
    }
}

static const char *record_text(struct f5_work *work, const struct f5_topology_record *record)
{
    return work_printf(work, "ldns: %s%s %s server: %s%s %s, score %lld, line %d",
                       record->ldns.negated ? "not " : "", record->ldns.kind, record->ldns.value,
                       record->server.negated ? "not " : "", record->server.kind,
                       record->server.value, (long long)record->score, record->object.line);
}

static int place_record(struct placing *placing, const struct f5_topology_record *record)
{
    size_t count = placing->plan->controllers.count;
    struct f5_planned_record *planned = work_alloc(placing->work, sizeof *planned);
    if (!planned || !(planned->from = record_text(placing->work, record)))
        return ERR_NOMEM;
    planned->record = record;
    placing->record = planned;
    memset(placing->chosen, 0, count * sizeof *placing->chosen);
    int code = list_add(placing->work, &placing->plan->records, planned);
    if (code == 0)
        code = plan_copy_notes(placing->work, &record->object, &planned->notes);
    if (code == 0)
        code = choose(placing, &record->server, 0);
    if (code == 0 && record->server.negated && record->server.where != WHERE_ELSE)
        negate(placing);
    if (code != 0)
        return code;
    if (!is_any_chosen(placing))
        return note_add(placing->work, &planned->notes,
                        "no controller here stands for these servers: left out");
    code = add_condition(placing, &record->ldns, 0);
    if (code == 0 && planned->places.count == 0)
        code =
            note_add(placing->work, &planned->notes, "it has no rows that are not there already");
    return code;
}

int plan_topology(struct f5_work *work, struct f5_plan *plan, struct f5_model *model)
{
    struct placing placing = {.work = work, .plan = plan, .model = model};
    placing.chosen = work_alloc(work, (plan->controllers.count + 1) * sizeof *placing.chosen);
    int code = placing.chosen ? sort_scores(&placing) : ERR_NOMEM;
    for (size_t i = 0; code == 0 && i < model->records.count; i++)
        code = place_record(&placing, model->records.items[i]);
    return code;
}

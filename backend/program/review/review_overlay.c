/*
 * The zones of the other backend, of which those in gsqlite3 can be looked at: whether each
 * balanced name has a stand-in there, and who has which zone.
 */
#include <stdlib.h>
#include <string.h>

#include "core/sticky/without_client.h"
#include "program/review/review_parts.h"
#include "store/powerdns_zones.h"

/* So many names are told one by one; who has forgotten more has forgotten all. */
#define NAMES_TOLD_MAX 10

/* From 5.0 on `pdnsutil add-record` takes full names; before, those within the zone. */
#define FULL_NAMES 500

/* The backends that may have records, besides pdns-sticky. */
static bool has_records(const struct review_scene *scene, const struct backend *backend)
{
    return backend != scene->backends.sticky && !backend_finds_nothing(&scene->conf, backend);
}

/* Opens the zones of a backend; NULL: they cannot be read, which is told where `tells`. */
static struct powerdns_zones *open_zones(struct review_scene *scene, const struct backend *backend,
                                         bool tells)
{
    struct powerdns_zones *zones = NULL;
    struct error error = {0};
    const char *path = backend_setting(&scene->conf, backend, "database", NULL);
    if (strcmp(backend->module, "gsqlite3") != 0)
        error_set(&error, ERR_INVAL, "only those of gsqlite3 are");
    else
        (void)powerdns_zones_open(path, &zones, &error);
    if (!zones && tells)
        review_skip(scene, "stand-ins and zones in %s are not read: %s", backend->prefix,
                    error.text);
    return zones;
}

/* Tells when something could not be read, and closes. */
static void close_zones(struct review_scene *scene, struct powerdns_zones *zones)
{
    struct error error = {0};
    if (zones && powerdns_zones_error(zones, &error) != 0)
        review_skip(scene, "%s in the other backend: %s", scene->topic->name, error.text);
    powerdns_zones_close(zones);
}

/* ---------------------------------------------------------------- stand-ins */

struct stand_ins {
    struct review_scene *scene;
    struct powerdns_zones *zones;
    const char *prefix;  /* of the backend that they are in */
    size_t told, untold; /* names */
};

/* A command that adds a record to the zone, and another that makes the names between. */
static const char *adding(struct stand_ins *ins, const char *zone, const char *name,
                          const char *type, const char *content)
{
    struct review_scene *scene = ins->scene;
    int length = (int)(strlen(name) - strlen(zone)) - 1;
    if (scene->version >= FULL_NAMES)
        length = (int)strlen(name);
    return review_text(scene, "pdnsutil add-record %s '%.*s' %s '%s' && pdnsutil rectify-zone %s",
                       zone, length, name, type, content, zone);
}

/* A type that the name has here, and the stand-in lacks. */
static void look_at_type(struct stand_ins *ins, const struct name_entry *entry, const char *zone,
                         const char *type, const char *content)
{
    if (powerdns_zones_have_record(ins->zones, entry->text, type))
        return;
    ins->told++;
    review_find(ins->scene, REVIEW_SHELL, adding(ins, zone, entry->text, type, content),
                "the stand-in of %s in %s has no record of type %s: the NSEC records of secondaries"
                " deny it to resolvers that use them again",
                entry->text, ins->prefix, type);
}

/* The extra records, each type once. */
static void look_at_records(struct stand_ins *ins, const struct name_entry *entry, const char *zone)
{
    for (size_t i = 0; i < entry->record_count; i++) {
        size_t first = 0;
        while (strcmp(entry->records[first].type, entry->records[i].type) != 0)
            first++;
        if (first == i)
            look_at_type(ins, entry, zone, entry->records[i].type, entry->records[i].content);
    }
}

static void look_at_types(struct stand_ins *ins, const struct name_entry *entry, const char *zone,
                          const struct offer *offer)
{
    if (offer->name)
        return;
    if (offer->ipv4)
        look_at_type(ins, entry, zone, "A", offer->ipv4);
    if (offer->ipv6)
        look_at_type(ins, entry, zone, "AAAA", offer->ipv6);
    look_at_records(ins, entry, zone);
}

/* What stands in for the name: any record of one site. */
static const char *first_record(struct stand_ins *ins, const struct name_entry *entry,
                                const char *zone, const struct offer *offer)
{
    if (offer->name)
        return adding(ins, zone, entry->text, "CNAME", review_text(ins->scene, "%s.", offer->name));
    if (offer->ipv4)
        return adding(ins, zone, entry->text, "A", offer->ipv4);
    return offer->ipv6 ? adding(ins, zone, entry->text, "AAAA", offer->ipv6) : NULL;
}

static void look_at_name(struct stand_ins *ins, const struct name_entry *entry)
{
    struct review_scene *scene = ins->scene;
    struct common_offer common;
    const char *zone = powerdns_zones_find(ins->zones, entry->text);
    if (ins->told >= NAMES_TOLD_MAX) {
        ins->untold++;
        return;
    }
    if (!zone) {
        ins->told++;
        review_find(scene, REVIEW_NOWHERE, NULL,
                    "%s is in none of the zones of %s, nor of this database, so PowerDNS refuses"
                    " questions for it",
                    entry->text, ins->prefix);
    } else if (zone == entry->text) {
        ins->told++;
        review_find(scene, REVIEW_NOWHERE, NULL,
                    "%s is the apex of a zone of %s, where SOA and NS are: it cannot be balanced",
                    entry->text, ins->prefix);
    } else if (!powerdns_zones_have_record(ins->zones, entry->text, NULL)) {
        struct offer offer = offer_of_one_site(&scene->inputs, entry->pool);
        const char *line = first_record(ins, entry, zone, &offer);
        ins->told++;
        review_find(scene, line ? REVIEW_SHELL : REVIEW_NOWHERE, line,
                    "%s has no stand-in in %s: the names between it and %s do not exist, and"
                    " secondaries do not know it",
                    entry->text, ins->prefix, zone);
    } else {
        offer_common_to_all(&scene->inputs, entry->pool, &common);
        look_at_types(ins, entry, zone, &common.offer);
    }
}

static void look_at_names(struct review_scene *scene, struct powerdns_zones *zones,
                          const struct backend *backend)
{
    const struct snapshot *snapshot = scene->inputs.snapshot;
    struct stand_ins ins = {.scene = scene, .zones = zones, .prefix = backend->prefix};
    for (size_t i = 0; i < snapshot->name_count; i++)
        if (snapshot->names[i].pool && !snapshot->names[i].zone)
            look_at_name(&ins, &snapshot->names[i]);
    if (ins.untold > 0)
        review_find(scene, REVIEW_NOWHERE, NULL, "%zu more balanced names were not looked at",
                    ins.untold);
}

/* Only of one other backend: of several, each may have the zones of some names. */
void review_stand_ins(struct review_scene *scene)
{
    const struct backend *other = NULL;
    size_t count = 0;
    for (size_t i = 0; i < scene->backends.count; i++) {
        if (!has_records(scene, &scene->backends.list[i]))
            continue;
        other = &scene->backends.list[i];
        count++;
    }
    if (count > 1)
        review_skip(scene, "stand-ins, since they may be in any of %zu backends", count);
    if (count != 1)
        return;
    struct powerdns_zones *zones = open_zones(scene, other, true);
    if (zones)
        look_at_names(scene, zones, other);
    close_zones(scene, zones);
}

/* ---------------------------------------------------------------- zones */

/* A zone belongs to the first backend that has it. */
static void look_at_zones(struct review_scene *scene, struct powerdns_zones *zones,
                          const struct backend *backend)
{
    const struct snapshot *snapshot = scene->inputs.snapshot;
    for (size_t i = 0; i < snapshot->zone_count; i++) {
        const char *name = snapshot->zones[i].name;
        if (!powerdns_zones_have(zones, name))
            continue;
        if (backend < scene->backends.sticky)
            review_find_setting(scene, REVIEW_STICKINESS, "launch", review_launch_in_order(scene),
                                "zone %s is in this database and in %s, which launch names first:"
                                " PowerDNS takes it from there, and never asks pdns-sticky for"
                                " its names",
                                name, backend->prefix);
        else
            review_find(scene, REVIEW_SQL,
                        review_text(scene,
                                    "DELETE FROM record WHERE zone_id = %d; DELETE FROM zone"
                                    " WHERE id = %d",
                                    (int)snapshot->zones[i].id, (int)snapshot->zones[i].id),
                        "zone %s is in this database and in %s: PowerDNS takes it from the first"
                        " backend, and never asks %s for that zone again",
                        name, backend->prefix, backend->prefix);
    }
}

void review_zone_twice(struct review_scene *scene)
{
    for (size_t i = 0; i < scene->backends.count; i++) {
        const struct backend *backend = &scene->backends.list[i];
        if (!has_records(scene, backend))
            continue;
        struct powerdns_zones *zones = open_zones(scene, backend, false);
        if (zones)
            look_at_zones(scene, zones, backend);
        close_zones(scene, zones);
    }
}

/* ---------------------------------------------------------------- DNSSEC */

void review_dnssec(struct review_scene *scene)
{
    for (size_t i = 0; i < scene->backends.count; i++) {
        const struct backend *backend = &scene->backends.list[i];
        const char *text = backend_setting(&scene->conf, backend, "dnssec", NULL);
        bool is_off = text && (strcmp(text, "no") == 0 || strcmp(text, "off") == 0);
        if (backend == scene->backends.sticky || !is_off)
            continue;
        struct powerdns_zones *zones = open_zones(scene, backend, false);
        int64_t count = zones ? powerdns_zones_signed(zones) : 0;
        const char *name = review_text(scene, "%s-dnssec", backend->prefix);
        if (count > 0)
            review_find_setting(scene, REVIEW_ANSWERS, name, "yes",
                                "%s is %s, and %lld zone%s there %s DNSSEC keys: PowerDNS answers"
                                " without signatures",
                                name, text, (long long)count, count == 1 ? "" : "s",
                                count == 1 ? "has" : "have");
        close_zones(scene, zones);
    }
}

/*
 * Gathers what an operator should look at, as sentences: about the database, rows that cannot be
 * used, the configuration, the monitor and sharing.
 */
#include <inttypes.h>
#include <string.h>

#include "core/sticky/contradictions.h"
#include "program/command/holds.h"
#include "program/command/status_parts.h"

/* A flood that ended this long ago is no longer a problem. */
#define REFUSED_SHOWN_MS (10 * 60 * 1000)

/* 0 or ERR_NOMEM. */
static int add_all(const struct problems *from, struct problems *problems)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < from->count; i++)
        code = problems_add(problems, "%s", from->lines[i]);
    return code;
}

/* 0 or ERR_NOMEM. */
static int add_of_database(const struct status *status, struct problems *problems)
{
    const struct status_database *database = &status->database;
    const struct status_limits *limits = &status->limits;
    int code = 0;
    if (database->read_only)
        code = problems_add(problems, "%s", database->read_only);
    if (code == 0 && database->owner_wanted != 0 && !database->read_only)
        code = problems_add(problems,
                            "%s belongs to root and its directory to uid %ld: if PowerDNS runs as"
                            " that user, it stores no mappings",
                            database->path, (long)database->owner_wanted);
    if (code == 0 && database->without_log)
        code = problems_add(problems, "%s: %s", database->path, database->without_log);
    if (code == 0 && status->counts.unwritten > 0)
        code = problems_add(problems,
                            "%zu mapping%s in %s-claims cannot be stored now: the database is"
                            " locked, its disk is full, or the process that stores them is stopped",
                            status->counts.unwritten, status->counts.unwritten == 1 ? "" : "s",
                            database->path);
    if (code == 0 && status->counts.unmatched > 0)
        code = problems_add(problems,
                            "%" PRId64 " mapping%s can never be found, by the pool's prefixes and"
                            " kind of client; the first is %s in pool %s",
                            status->counts.unmatched, status->counts.unmatched == 1 ? "" : "s",
                            status->counts.unmatched_key, status->counts.unmatched_pool->name);
    if (code == 0 && status->database.locked)
        code = problems_add(problems, "%s: somebody keeps a transaction open that writes",
                            database->path);
    if (code == 0 && limits->claims_full)
        code = problems_add(problems, "%s-claims is full: some new mappings are not kept",
                            database->path);
    if (code == 0 && limits->full)
        code = problems_add(problems, "%s: %s", database->path, limits->full);
    if (code == 0 && limits->refused_ago_ms >= 0 && limits->refused_ago_ms < REFUSED_SHOWN_MS)
        code = problems_add(
            problems,
            "more new mappings than max_writes_per_second: some were not stored %" PRId64 " s ago",
            limits->refused_ago_ms / 1000);
    if (code == 0 && status->maintenance.log_is_blocked)
        code = problems_add(problems,
                            "%s-wal is large, because a process keeps a transaction open that reads"
                            " the database",
                            database->path);
    return code;
}

/* 0 or ERR_NOMEM. */
static int add_of_pins(const struct status_counts *counts, struct problems *problems)
{
    char text[PIN_TEXT_MAX];
    const struct pin *first = counts->first_over;
    if (!first)
        return 0;
    pin_format(first, text);
    if (counts->pins_over == 1)
        return problems_add(problems, "pin %" PRId64 " (%s) is over: delete it", first->id, text);
    return problems_add(problems,
                        "%zu pins are over, the first is pin %" PRId64 " (%s): delete them",
                        counts->pins_over, first->id, text);
}

/* 0 or ERR_NOMEM. */
static int add_of_topology(const struct topology_loader *loader, struct problems *problems)
{
    const char *problem;
    int code = 0;
    for (size_t i = 0; code == 0 && loader && (problem = topology_loader_problem(loader, i)); i++)
        code = problems_add(problems, "%s", problem);
    return code;
}

int status_gather_problems(struct responder *responder, const struct decision_inputs *inputs,
                           const struct problems *others, struct status *status)
{
    const struct snapshot *snapshot = inputs->snapshot;
    struct problems *problems = &status->problems;
    bool has_paths = store_has_path_metrics(responder_store(responder));
    int code = add_of_database(status, problems);
    if (code == 0)
        code = add_all(&snapshot->problems, problems);
    if (code == 0)
        code = add_of_pins(&status->counts, problems);
    if (code == 0)
        code = add_of_topology(responder_topology_loader(responder), problems);
    if (code == 0)
        code = holds_add(snapshot, inputs->availability, NULL, problems);
    if (code == 0)
        code = status_add_pool_problems(inputs, has_paths, problems);
    if (code == 0)
        code = contradictions_add(snapshot, problems);
    return code == 0 ? add_all(others, problems) : code;
}

#include "program/answer/responder.h"

#include <limits.h>
#include <sqlite3.h>
#include <string.h>

#include "fixture.h"
#include "store/sqlite/queries.h"
#include "store/store_parts.h"
#include "suites.h"

/*
 * A responder that is asked for a client without a mapping. Whenever the table has been looked at
 * for it, before the decision, somebody else commits `sql`.
 */
struct stall {
    struct place place;
    struct responder *responder;
    const char *sql;
    int times; /* so often at most */
    int commits;
};

#define CLIENT "192.0.2.10"
#define NAME "www.example.com"

static int commit_on_find(unsigned event, void *context, void *statement, void *text)
{
    struct stall *stall = context;
    (void)event, (void)text;
    if (stall->commits < stall->times &&
        strcmp(sqlite3_sql(statement), query_texts[QUERY_MAPPING_FIND]) == 0) {
        stall->commits++;
        place_run(&stall->place, stall->sql);
    }
    return 0;
}

static void ask(struct stall *stall, struct answer *answer)
{
    struct question question = {
        .type = "A", .zone_id = ZONE_ID_ANY, .source.remote = {FAMILY_IPV4, {192, 0, 2, 10}}};
    CHECK_INTEGER(name_parse(NAME, strlen(NAME), &question.name), 0, "name");
    answer_clear(answer);
    responder_answer(stall->responder, &question, answer);
}

static void stall_begin(struct stall *stall, struct answer *answer, const char *before)
{
    place_init_served(&stall->place);
    CHECK_INTEGER(responder_new(stall->place.path, &stall->responder), 0, "responder_new");
    ask(stall, answer); /* opens the database */
    store_unwritten(responder_store(stall->responder), 1000);
    place_run(&stall->place, "DELETE FROM persistence");
    place_run(&stall->place, before);
    sqlite3_trace_v2(responder_store(stall->responder)->database.connection, SQLITE_TRACE_STMT,
                     commit_on_find, stall);
}

static void stall_end(struct stall *stall, struct answer *answer)
{
    answer_release(answer);
    responder_free(stall->responder);
    place_release(&stall->place);
}

/* The row of the client once it is written; 0: there is none. */
static int64_t mapped_to(struct stall *stall)
{
    store_unwritten(responder_store(stall->responder), 1000);
    return place_number(&stall->place, "SELECT coalesce(max(controller_id), 0) FROM persistence"
                                       " WHERE ldns = '" CLIENT "'");
}

static const char *logged(struct stall *stall)
{
    const char *line = log_queue_take(responder_log_queue(stall->responder));
    return line ? line : "";
}

#define DOWN(id)                                                                                   \
    "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"                        \
    " VALUES (" #id ", 'availability', 0);"
#define UP(id) "DELETE FROM controller_metric WHERE controller_id = " #id ";"
#define MAP(id)                                                                                    \
    "INSERT OR REPLACE INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"    \
    " VALUES (1, '" CLIENT "', " #id ", 'modulus', unixepoch(), 3600);"

static const struct {
    const char *what, *before, *meanwhile, *address;
    int64_t controller;
} changes[] = {
    {"the only site that was up goes down", DOWN(1), UP(1) DOWN(2), "192.0.2.1", 1},
    {"the same for the other one", DOWN(2), UP(2) DOWN(1), "192.0.2.2", 2},
    {"another server maps the client to a site that has come back", DOWN(1), UP(1) MAP(1),
     "192.0.2.1", 1},
    {"the operator disables the chosen site", DOWN(1),
     UP(1) "UPDATE virtual_server SET state = 'disabled' WHERE controller_id = 2", "192.0.2.1", 1},
};

static void what_changes_before_a_mapping_is_claimed_is_obeyed(void)
{
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct stall stall = {.sql = changes[i].meanwhile, .times = 1};
        struct answer answer = {0};
        stall_begin(&stall, &answer, changes[i].before);
        ask(&stall, &answer);
        CHECK_INTEGER(stall.commits, 1, "%s", changes[i].what);
        if (CHECK_INTEGER((int64_t)answer.count, 1, "%s", changes[i].what))
            CHECK_TEXT(answer.records[0].content, changes[i].address, "%s", changes[i].what);
        CHECK_INTEGER(mapped_to(&stall), changes[i].controller, "%s", changes[i].what);
        CHECK_TEXT(logged(&stall), "", "%s", changes[i].what);
        stall_end(&stall, &answer);
    }
}

/* So there is an answer, and none that would bind anybody. */
static void what_changes_all_the_time_is_told(void)
{
    struct stall stall = {.sql = "UPDATE pool SET ttl = (ttl + 1) % 60", .times = INT_MAX};
    struct answer answer = {0};
    stall_begin(&stall, &answer, "");
    ask(&stall, &answer);
    CHECK_INTEGER((int64_t)answer.count, 1, "an answer");
    CHECK(strstr(logged(&stall), "changes all the time"), "told");
    stall.times = 0;
    CHECK_INTEGER(mapped_to(&stall), 0, "nothing is kept");
    ask(&stall, &answer);
    CHECK(mapped_to(&stall) != 0, "kept when nothing changes");
    stall_end(&stall, &answer);
}

static const CU_TestInfo tests[] = {
    {"what changes before a mapping is claimed is obeyed",
     what_changes_before_a_mapping_is_claimed_is_obeyed},
    {"what changes all the time is told", what_changes_all_the_time_is_told},
    CU_TEST_INFO_NULL,
};

const struct suite suite_responder = {"responder", tests};

#include "core/health/quorum.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW_MS 1000000

static struct ballot *make_ballot(int64_t node, bool brake, enum verdict_state state)
{
    struct ballot *ballot = ballot_new();
    ballot->node = node;
    ballot->brake = brake;
    ballot->heard_ms = NOW_MS;
    if (state == VERDICT_NONE)
        return ballot;
    *ballot_add(ballot) = (struct vote){"web", "ams", 1, state, FAMILY_NONE};
    ballot_sort(ballot);
    return ballot;
}

static enum verdict_state state_of(char letter)
{
    return letter == 'u' || letter == 'U'   ? VERDICT_UP
           : letter == 'd' || letter == 'D' ? VERDICT_DOWN
                                            : VERDICT_NONE;
}

/*
 * What the servers say, this one first: u up, d down, - nothing; a capital letter: its brake is on.
 */
static const struct {
    int64_t needed;
    const char *say;
    enum verdict_state state;
} rows[] = {
    /* each believes itself */
    {0, "d", VERDICT_DOWN},
    {0, "uddd", VERDICT_UP},
    {0, "duuu", VERDICT_DOWN},
    {0, "-ddd", VERDICT_NONE},
    /* one is enough */
    {1, "uu", VERDICT_UP},
    {1, "du", VERDICT_DOWN},
    {1, "ud", VERDICT_DOWN},
    /* two of two, and two of three */
    {2, "du", VERDICT_UP},
    {2, "ud", VERDICT_UP},
    {2, "dd", VERDICT_DOWN},
    {2, "udd", VERDICT_DOWN},
    {2, "duu", VERDICT_UP},
    /* with fewer votes than are needed, all of them */
    {2, "d", VERDICT_DOWN},
    {2, "u", VERDICT_UP},
    {64, "dd", VERDICT_DOWN},
    {64, "du", VERDICT_UP},
    /* who does not check the target has no vote on it */
    {2, "d-", VERDICT_DOWN},
    {2, "-d", VERDICT_DOWN},
    {2, "-du", VERDICT_UP},
    {2, "--", VERDICT_NONE},
    /* nor has a server whose brake is on */
    {2, "dU", VERDICT_DOWN},
    {2, "Ud", VERDICT_DOWN},
    {2, "uD", VERDICT_UP},
    {2, "duU", VERDICT_UP},
    {2, "dDD", VERDICT_DOWN},
    /* when all brakes are on, each believes itself */
    {2, "UD", VERDICT_UP},
    {2, "DU", VERDICT_DOWN},
};

static void a_target_counts_as_down_when_enough_servers_say_so(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct quorum quorum = {.needed = rows[i].needed};
        const char *say = rows[i].say;
        for (size_t peer = 1; say[peer]; peer++)
            quorum_hear(&quorum, make_ballot((int64_t)peer, say[peer] == 'U' || say[peer] == 'D',
                                             state_of(say[peer])));
        bool brake = *say == 'U' || *say == 'D';
        CHECK_INTEGER(quorum_decide(&quorum,
                                    &(struct vote){"web", "ams", 1, state_of(*say), FAMILY_NONE},
                                    brake),
                      rows[i].state, "%s, %d needed", say, (int)rows[i].needed);
        quorum_release(&quorum);
    }
}

static void the_last_ballot_of_a_peer_counts(void)
{
    struct quorum quorum = {.needed = 2};
    CHECK(quorum_hear(&quorum, make_ballot(2, false, VERDICT_UP)), "the first");
    CHECK(!quorum_hear(&quorum, make_ballot(2, false, VERDICT_UP)), "the same again");
    CHECK(quorum_hear(&quorum, make_ballot(2, false, VERDICT_DOWN)), "another one");
    CHECK(quorum_hear(&quorum, make_ballot(2, true, VERDICT_DOWN)), "with the brake on");
    CHECK(quorum_hear(&quorum, make_ballot(3, false, VERDICT_NONE)), "an empty one");
    CHECK_INTEGER((int64_t)quorum.count, 2, "peers");
    quorum_release(&quorum);
}

static void a_peer_that_is_not_heard_any_more_has_no_vote(void)
{
    struct quorum quorum = {.needed = 2};
    quorum_hear(&quorum, make_ballot(2, false, VERDICT_UP));
    quorum_hear(&quorum, make_ballot(3, false, VERDICT_UP));
    quorum.ballots[1]->heard_ms += 1;
    CHECK(!quorum_forget(&quorum, NOW_MS + QUORUM_HEARD_MS - 1), "both are heard");
    CHECK(quorum_forget(&quorum, NOW_MS + QUORUM_HEARD_MS), "one is not");
    CHECK(quorum.count == 1 && quorum.ballots[0]->node == 3, "the other one is");
    CHECK(quorum_forget(&quorum, NOW_MS + QUORUM_HEARD_MS + 1), "nobody is");
    CHECK_INTEGER(
        quorum_decide(&quorum, &(struct vote){"web", "ams", 1, VERDICT_DOWN, FAMILY_NONE}, false),
        VERDICT_DOWN, "it believes itself");
    quorum_release(&quorum);
}

static void votes_are_complete_when_all_were_heard_or_time_has_passed(void)
{
    struct quorum quorum = {.needed = 2, .peers = 1, .began_ms = NOW_MS};
    CHECK(!quorum_is_complete(&quorum, NOW_MS), "nobody was heard");
    CHECK(quorum_is_complete(&quorum, NOW_MS + QUORUM_HEARD_MS), "time has passed");
    quorum_hear(&quorum, make_ballot(2, false, VERDICT_UP));
    CHECK(quorum_is_complete(&quorum, NOW_MS), "all were heard");
    quorum.peers = 2;
    CHECK(!quorum_is_complete(&quorum, NOW_MS), "there is another one");
    quorum.needed = 0;
    CHECK(quorum_is_complete(&quorum, NOW_MS), "nobody is asked");
    quorum_release(&quorum);
}

static void there_are_no_more_peers_than_the_schema_allows(void)
{
    struct quorum quorum = {.needed = 2};
    for (int64_t node = 1; node <= QUORUM_PEERS_MAX; node++)
        CHECK(quorum_hear(&quorum, make_ballot(node, false, VERDICT_UP)), "%d", (int)node);
    CHECK(!quorum_hear(&quorum, make_ballot(65, false, VERDICT_UP)), "one more");
    CHECK_INTEGER((int64_t)quorum.count, QUORUM_PEERS_MAX, "peers");
    quorum_release(&quorum);
}

/* ---------------------------------------------------------------- ballots */

static const struct vote some[] = {
    {"", "ams", 0, VERDICT_DOWN, FAMILY_NONE},    {"web", "ams", 1, VERDICT_UP, FAMILY_NONE},
    {"web", "ams", 1, VERDICT_UP, FAMILY_IPV4},   {"web", "ams", 1, VERDICT_DOWN, FAMILY_IPV6},
    {"web", "ams", 2, VERDICT_DOWN, FAMILY_NONE}, {"api", "fra", 1, VERDICT_UP, FAMILY_NONE},
};

static enum verdict_state vote_of(const struct ballot *ballot, const char *pool,
                                  const char *controller, int64_t position,
                                  enum address_family family)
{
    struct vote target = {.position = position, .family = family};
    strcpy(target.pool, pool);
    strcpy(target.controller, controller);
    return ballot_find(ballot, &target);
}

static void a_vote_is_found_by_the_names_of_its_target(void)
{
    struct ballot *ballot = ballot_new();
    CHECK_INTEGER(ballot_find(ballot, &some[1]), VERDICT_NONE, "none");
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        *ballot_add(ballot) = some[i];
    ballot_sort(ballot);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        CHECK_INTEGER(ballot_find(ballot, &some[i]), some[i].state, "%zu", i);
    CHECK_INTEGER(vote_of(ballot, "web", "ams", 3, FAMILY_NONE), VERDICT_NONE, "another position");
    CHECK_INTEGER(vote_of(ballot, "web", "fra", 1, FAMILY_NONE), VERDICT_NONE, "another pool");
    CHECK_INTEGER(vote_of(ballot, "", "fra", 0, FAMILY_NONE), VERDICT_NONE, "a server");
    CHECK_INTEGER(vote_of(ballot, "web", "ams", 2, FAMILY_IPV4), VERDICT_NONE, "its address");
    ballot_free(ballot);
}

static void a_copy_says_the_same(void)
{
    struct ballot *ballot = ballot_new(), *copy = ballot_copy(ballot);
    CHECK(ballot_equal(ballot, copy), "empty");
    CHECK(ballot_equal(NULL, NULL) && !ballot_equal(ballot, NULL), "none");
    ballot_free(copy);
    *ballot_add(ballot) = some[0];
    copy = ballot_copy(ballot);
    CHECK(ballot_equal(ballot, copy), "a copy");
    copy->votes[0].state = VERDICT_UP;
    CHECK(!ballot_equal(ballot, copy), "another state");
    ballot_free(copy);
    copy = ballot_copy(ballot);
    copy->brake = true;
    CHECK(!ballot_equal(ballot, copy), "the brake");
    ballot_free(copy);
    ballot_free(ballot);
}

static void a_ballot_has_a_limit(void)
{
    struct ballot *ballot = ballot_new();
    for (int i = 0; i < BALLOT_VOTES_MAX; i++)
        if (CHECK(ballot_add(ballot) != NULL, "%d", i))
            ballot->votes[i] = some[0];
    CHECK(ballot_add(ballot) == NULL, "one more");
    ballot_free(ballot);
    ballot_free(NULL);
}

static const CU_TestInfo tests[] = {
    {"a target counts as down when enough servers say so",
     a_target_counts_as_down_when_enough_servers_say_so},
    {"the last ballot of a peer counts", the_last_ballot_of_a_peer_counts},
    {"a peer that is not heard any more has no vote",
     a_peer_that_is_not_heard_any_more_has_no_vote},
    {"votes are complete when all were heard or time has passed",
     votes_are_complete_when_all_were_heard_or_time_has_passed},
    {"there are no more peers than the schema allows",
     there_are_no_more_peers_than_the_schema_allows},
    {"a vote is found by the names of its target", a_vote_is_found_by_the_names_of_its_target},
    {"a copy says the same", a_copy_says_the_same},
    {"a ballot has a limit", a_ballot_has_a_limit},
    CU_TEST_INFO_NULL,
};

const struct suite suite_quorum = {"quorum", tests};

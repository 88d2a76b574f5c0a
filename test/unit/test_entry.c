#include "core/sharing/entry.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW_MS (SCENE_NOW_S * INT64_C(1000))
#define NOW (NOW_MS * ENTRY_TICKS)
#define SKEW_MS 10000

/* The limits of the schema. */
#define TIMESTAMP_MAX INT64_C(253402300799)
#define TTL_MAX INT64_C(2147483647)

/* -------------------------------------------------------------- the order */

#define RANDOM_CASES 200000

static int64_t one_of(uint64_t *seed, const int64_t *values, size_t count)
{
    return values[random_below(seed, count)];
}

/* So few values of each member that entries are often equal in most of them. */
static struct entry random_entry(uint64_t *seed)
{
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, NOW, NOW + 1, INT64_MAX};
    static const char *const words[] = {"", "fra", "fra1", "nyc", "\xc3\xa9", "z"};
    struct entry entry;
    memset(&entry, (int)random_below(seed, 256), sizeof entry); /* what follows a NUL is nothing */
    entry.decided = one_of(seed, numbers, random_below(seed, 2) ? 1 : COUNT(numbers));
    entry.origin = (int64_t)random_below(seed, 2);
    entry.gone = random_below(seed, 2);
    entry.timestamp_s = one_of(seed, numbers, random_below(seed, 2) ? 1 : COUNT(numbers));
    entry.ttl_s = (int64_t)random_below(seed, 2);
    strcpy(entry.controller, words[random_below(seed, COUNT(words))]);
    strcpy(entry.method, words[random_below(seed, COUNT(words))]);
    strcpy(entry.home, words[random_below(seed, COUNT(words))]);
    return entry;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static bool same(const struct entry *a, const struct entry *b)
{
    return a->decided == b->decided && a->origin == b->origin && a->gone == b->gone &&
           a->timestamp_s == b->timestamp_s && a->ttl_s == b->ttl_s &&
           strcmp(a->controller, b->controller) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->home, b->home) == 0;
}

static void the_members_count_one_after_the_other(void)
{
    /* Each is greater than the one before it, by the member that is named. */
    static const struct {
        const char *by;
        struct entry entry;
    } rows[] = {
        {"", {INT64_MIN, 0, false, 0, 0, "", "", ""}},
        {"decided", {0, 9, true, 9, 9, "z", "z", ""}},
        {"decided", {1, 0, false, 0, 0, "", "", ""}},
        {"home", {1, 0, false, 0, 0, "", "", "ams"}},
        {"home, by octets", {1, 0, false, 0, 0, "", "", "fra"}},
        {"method", {1, 0, false, 0, 0, "", "modulus", ""}},
        {"controller", {1, 0, false, 0, 0, "fra", "", ""}},
        {"controller, by octets", {1, 0, false, 0, 0, "nyc", "", ""}},
        {"controller, beyond ASCII", {1, 0, false, 0, 0, "\xc3\xa9", "", ""}},
        {"ttl", {1, 0, false, 0, 1, "", "", ""}},
        {"timestamp", {1, 0, false, 1, 0, "", "", ""}},
        {"gone", {1, 0, true, 0, 0, "", "", ""}},
        {"origin", {1, 1, false, 0, 0, "", "", ""}},
        {"origin", {1, NODE_MAX, false, 0, 0, "", "", ""}},
        {"decided", {2, 0, false, INT64_MIN, INT64_MIN, "", "", ""}},
        {"decided", {INT64_MAX, 0, false, 0, 0, "", "", ""}},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(rows); j++)
            CHECK_INTEGER(sign(entry_compare(&rows[i].entry, &rows[j].entry)), (i > j) - (i < j),
                          "rows %zu and %zu: %s", i, j, rows[i > j ? i : j].by);
}

static void the_order_is_total(void)
{
    uint64_t seed = 17;
    for (size_t i = 0; i < RANDOM_CASES; i++) {
        struct entry a = random_entry(&seed), b = random_entry(&seed), c = random_entry(&seed);
        int ab = entry_compare(&a, &b), bc = entry_compare(&b, &c), ac = entry_compare(&a, &c);
        CHECK(sign(entry_compare(&b, &a)) == -sign(ab), "case %zu: antisymmetric", i);
        CHECK((ab == 0) == same(&a, &b), "case %zu: 0 for the same entry alone", i);
        CHECK(!(ab <= 0 && bc <= 0) || ac <= 0, "case %zu: transitive", i);
        CHECK(!(ab >= 0 && bc >= 0) || ac >= 0, "case %zu: transitive", i);
    }
}

/* What stands after an entry was told, at a time when all of them are in the past. */
static struct entry merged(const struct entry *standing, const struct entry *told)
{
    return entry_judge(told, standing, INT64_MAX, 0) == ENTRY_NEWER ? *told : *standing;
}

static void the_greatest_depends_neither_on_order_nor_on_repetitions(void)
{
    uint64_t seed = 18;
    for (size_t i = 0; i < RANDOM_CASES; i++) {
        struct entry a = random_entry(&seed), b = random_entry(&seed), c = random_entry(&seed);
        struct entry ab = merged(&a, &b), ba = merged(&b, &a), bc = merged(&b, &c);
        CHECK(same(&ab, &ba), "case %zu: commutative", i);
        ab = merged(&ab, &c), bc = merged(&a, &bc);
        CHECK(same(&ab, &bc), "case %zu: associative", i);
        ab = merged(&bc, &b);
        CHECK(same(&ab, &bc), "case %zu: idempotent", i);
    }
}

/* -------------------------------------------------------------- decisions and judgements */

static void a_decision_counts_for_more_than_what_it_knew(void)
{
    static const struct {
        int64_t now_ms, known, decided;
    } rows[] = {
        {NOW_MS, 0, NOW},
        {NOW_MS, NOW - 1, NOW},
        {NOW_MS, NOW, NOW + 1},
        {NOW_MS, NOW + 1, NOW + 2},
        {NOW_MS, NOW + 3600 * 1000 * INT64_C(4096), NOW + 3600 * 1000 * INT64_C(4096) + 1},
        {NOW_MS, -5, NOW},
        {0, 0, 1},
        {0, 41, 42},
        {-1, 0, 1},
        {-1, -7, 1},
        {-1, INT64_MIN, 1},
        {INT64_MIN, INT64_MIN, 1},
        {INT64_MIN, 0, 1},
        {INT64_MAX / ENTRY_TICKS, 0, INT64_MAX - 4095},
        {INT64_MAX / ENTRY_TICKS + 1, 0, INT64_MAX},
        {INT64_MAX, 0, INT64_MAX},
        {NOW_MS, INT64_MAX - 1, INT64_MAX},
        {NOW_MS, INT64_MAX, INT64_MAX}, /* there is nothing later */
        {TIMESTAMP_MAX * 1000, 0, TIMESTAMP_MAX * 1000 * ENTRY_TICKS},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(entry_decide(rows[i].now_ms, rows[i].known), rows[i].decided, "row %zu", i);
}

static struct entry decided_at(int64_t decided, int64_t timestamp_s)
{
    return (struct entry){.decided = decided,
                          .origin = 1,
                          .timestamp_s = timestamp_s,
                          .ttl_s = 3600,
                          .controller = "fra",
                          .method = "modulus"};
}

static void a_refresh_moves_the_timestamp_alone(void)
{
    static const struct {
        int64_t decided, origin, timestamp_s, now_s, ret_decided, ret_origin, ret_timestamp_s;
    } rows[] = {
        {NOW, 1, 100, 150, NOW, 1, 150}, {NOW, 1, 100, 100, NOW, 1, 100},
        {NOW, 1, 100, 99, NOW, 1, 100},                               /* the clock was set back */
        {1, 1, 100, 150, 1, 1, 150},     {0, 0, 100, 150, 1, 7, 150}, /* not shared before */
        {0, 0, 100, 99, 1, 7, 100},      {NOW, 1, INT64_MIN, INT64_MAX, NOW, 1, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry = {.decided = rows[i].decided,
                              .origin = rows[i].origin,
                              .timestamp_s = rows[i].timestamp_s,
                              .ttl_s = 60};
        entry_refresh(&entry, 7, rows[i].now_s);
        CHECK_INTEGER(entry.decided, rows[i].ret_decided, "row %zu", i);
        CHECK_INTEGER(entry.origin, rows[i].ret_origin, "row %zu", i);
        CHECK_INTEGER(entry.timestamp_s, rows[i].ret_timestamp_s, "row %zu", i);
    }
}

static void what_is_told_is_compared_with_what_stands(void)
{
    const int64_t far = NOW + (SKEW_MS + 1) * INT64_C(4096);
    const int64_t limit_s = SCENE_NOW_S + SKEW_MS / 1000;
    const struct {
        int64_t told, told_timestamp_s, standing, standing_timestamp_s; /* 0: nothing stands */
        enum entry_fate fate;
    } rows[] = {
        {NOW, SCENE_NOW_S, 0, 0, ENTRY_NEWER},
        {NOW, SCENE_NOW_S, NOW - 1, SCENE_NOW_S, ENTRY_NEWER},
        {NOW, SCENE_NOW_S, NOW, SCENE_NOW_S, ENTRY_KNOWN},
        {NOW, SCENE_NOW_S, NOW + 1, SCENE_NOW_S, ENTRY_OLDER},
        {NOW, SCENE_NOW_S, NOW, SCENE_NOW_S - 1, ENTRY_NEWER},
        {NOW, SCENE_NOW_S, NOW, SCENE_NOW_S + 1, ENTRY_OLDER},
        {1, 1, 0, 0, ENTRY_NEWER}, /* it ended long ago, which does not matter */
        {far - 1, SCENE_NOW_S, 0, 0, ENTRY_NEWER},
        {far, SCENE_NOW_S, 0, 0, ENTRY_FUTURE},
        {far, SCENE_NOW_S, NOW, SCENE_NOW_S, ENTRY_FUTURE},
        {far, SCENE_NOW_S, far, SCENE_NOW_S, ENTRY_KNOWN},
        {far, SCENE_NOW_S, far + 1, SCENE_NOW_S, ENTRY_OLDER},
        {NOW, limit_s, NOW, SCENE_NOW_S, ENTRY_NEWER},
        {NOW, limit_s + 1, NOW, SCENE_NOW_S, ENTRY_FUTURE},
        {NOW, TIMESTAMP_MAX, 0, 0, ENTRY_FUTURE},
        {NOW, INT64_MAX, 0, 0, ENTRY_FUTURE},
        {NOW, INT64_MIN, 0, 0, ENTRY_NEWER},
        {INT64_MAX, 0, 0, 0, ENTRY_FUTURE},
        {INT64_MIN, 0, 0, 0, ENTRY_NEWER},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry told = decided_at(rows[i].told, rows[i].told_timestamp_s);
        struct entry standing = decided_at(rows[i].standing, rows[i].standing_timestamp_s);
        bool nothing = rows[i].standing_timestamp_s == 0;
        CHECK_INTEGER(entry_judge(&told, nothing ? NULL : &standing, NOW_MS, SKEW_MS), rows[i].fate,
                      "row %zu", i);
    }
}

static void the_clock_of_the_guard_may_be_anything(void)
{
    static const struct {
        int64_t now_ms, skew_ms;
        bool future; /* what was decided at NOW */
    } rows[] = {
        {INT64_MAX, INT64_MAX, false},
        {INT64_MAX, 0, false},
        {INT64_MIN, 0, true},
        {INT64_MIN, INT64_MIN, true},
        {INT64_MIN, INT64_MAX, true},
        {0, INT64_MAX, false},
        {NOW_MS, 0, false},
        {NOW_MS - 1, 0, true},
        {NOW_MS - 10, 10, false},
        {NOW_MS + 10, -10, false},
        {NOW_MS + 10, -11, true},
    };
    struct entry entry = decided_at(NOW, SCENE_NOW_S);
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(entry_is_future(&entry, rows[i].now_ms, rows[i].skew_ms), rows[i].future,
                      "row %zu", i);
}

static void a_future_entry_is_taken_back_to_the_present(void)
{
    const int64_t far = NOW + (SKEW_MS + 1) * INT64_C(4096);
    const int64_t limit_s = SCENE_NOW_S + SKEW_MS / 1000;
    const struct {
        int64_t decided, timestamp_s, ret_decided, ret_timestamp_s;
    } rows[] = {
        {NOW, SCENE_NOW_S - 5, NOW, SCENE_NOW_S - 5}, {far - 1, limit_s, far - 1, limit_s},
        {far, SCENE_NOW_S - 5, 1, SCENE_NOW_S - 5},   {NOW, limit_s + 1, NOW, SCENE_NOW_S},
        {INT64_MAX, INT64_MAX, 1, SCENE_NOW_S},       {0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry = decided_at(rows[i].decided, rows[i].timestamp_s);
        entry_take_back(&entry, NOW_MS, SKEW_MS);
        CHECK_INTEGER(entry.decided, rows[i].ret_decided, "row %zu", i);
        CHECK_INTEGER(entry.timestamp_s, rows[i].ret_timestamp_s, "row %zu", i);
        CHECK(!entry_is_future(&entry, NOW_MS, SKEW_MS), "row %zu", i);
    }
}

/* -------------------------------------------------------------- the end */

static void an_entry_ends_with_its_ttl_and_a_tombstone_a_day_later(void)
{
    static const struct {
        int64_t timestamp_s, ttl_s, end_s, tombstone_end_s;
    } rows[] = {
        {SCENE_NOW_S, 3600, SCENE_NOW_S + 3600, SCENE_NOW_S + 3600 + 86400},
        {SCENE_NOW_S, 0, SCENE_NOW_S, SCENE_NOW_S + 86400},
        {SCENE_NOW_S, -60, SCENE_NOW_S - 60, SCENE_NOW_S - 60 + 86400},
        {TIMESTAMP_MAX, TTL_MAX, TIMESTAMP_MAX + TTL_MAX, TIMESTAMP_MAX + TTL_MAX + 86400},
        {INT64_MAX, 0, INT64_MAX, INT64_MAX},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MAX - 86399, 0, INT64_MAX - 86399, INT64_MAX},
        {INT64_MAX, -1, INT64_MAX - 1, INT64_MAX},
        {INT64_MIN, 1, INT64_MIN + 1, INT64_MIN + 86401},
        {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN + 86400},
        {INT64_MIN, INT64_MAX, -1, 86399},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry = {.timestamp_s = rows[i].timestamp_s, .ttl_s = rows[i].ttl_s};
        CHECK_INTEGER(entry_end_s(&entry), rows[i].end_s, "row %zu", i);
        entry.gone = true;
        CHECK_INTEGER(entry_end_s(&entry), rows[i].tombstone_end_s, "row %zu, deleted", i);
    }
}

static void an_entry_is_over_a_grace_after_its_end(void)
{
    static const struct {
        int64_t timestamp_s, ttl_s, now_ms, grace_s;
        bool over;
    } rows[] = {
        {SCENE_NOW_S, 10, NOW_MS + 10000, 0, true},
        {SCENE_NOW_S, 10, NOW_MS + 9999, 0, false},
        {SCENE_NOW_S, 10, NOW_MS + 69999, 60, false},
        {SCENE_NOW_S, 10, NOW_MS + 70000, 60, true},
        {INT64_MAX, INT64_MAX, NOW_MS, 60, false},
        {INT64_MIN, INT64_MIN, INT64_MIN / 1000 * 1000, 0, true},
        {SCENE_NOW_S, 10, INT64_MAX, 60, true},
        {SCENE_NOW_S, 10, INT64_MIN, 60, false},
        {SCENE_NOW_S, INT64_MAX, INT64_MAX, INT64_MAX, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct entry entry = {.timestamp_s = rows[i].timestamp_s, .ttl_s = rows[i].ttl_s};
        CHECK_INTEGER(entry_is_over(&entry, rows[i].now_ms, rows[i].grace_s), rows[i].over,
                      "row %zu", i);
    }
}

/* -------------------------------------------------------------- digests */

static void each_member_of_a_row_changes_its_digest(void)
{
    const struct shared_row row = {"web", "192.0.2.1", {NOW, 1, false, 5, 7, "fra", "modulus", ""}};
    struct shared_row changed[] = {row, row, row, row, row, row, row, row, row, row, row};
    strcpy(changed[1].pool, "web2");
    strcpy(changed[2].key, "192.0.2.2");
    changed[3].entry.decided++;
    changed[4].entry.origin++;
    changed[5].entry.gone = true;
    changed[6].entry.timestamp_s++;
    changed[7].entry.ttl_s++;
    strcpy(changed[8].entry.controller, "nyc");
    strcpy(changed[9].entry.method, "rtt");
    strcpy(changed[10].entry.home, "nyc");
    for (size_t i = 0; i < COUNT(changed); i++)
        for (size_t j = 0; j < i; j++)
            CHECK(shared_row_digest(&changed[i]) != shared_row_digest(&changed[j]),
                  "rows %zu and %zu", i, j);
}

/* Servers of all versions have to agree on it. */
static void a_digest_is_the_same_for_ever(void)
{
    struct shared_row row;
    memset(&row, 'x', sizeof row); /* what follows a NUL is nothing */
    strcpy(row.pool, "web");
    strcpy(row.key, "192.0.2.1");
    row.entry.decided = NOW;
    row.entry.origin = 1;
    row.entry.gone = false;
    row.entry.timestamp_s = SCENE_NOW_S;
    row.entry.ttl_s = 3600;
    strcpy(row.entry.controller, "fra");
    strcpy(row.entry.method, "modulus");
    row.entry.home[0] = '\0';
    CHECK(shared_row_digest(&row) == UINT64_C(0x3cdfdd3ba4612465), "%016llx",
          (unsigned long long)shared_row_digest(&row));
    strcpy(row.entry.home, "ams");
    CHECK(shared_row_digest(&row) == UINT64_C(0xcc9fcfe9e2c66607), "%016llx",
          (unsigned long long)shared_row_digest(&row));
}

static const CU_TestInfo tests[] = {
    {"the members count one after the other", the_members_count_one_after_the_other},
    {"the order is total", the_order_is_total},
    {"the greatest depends neither on order nor on repetitions",
     the_greatest_depends_neither_on_order_nor_on_repetitions},
    {"a decision counts for more than what it knew", a_decision_counts_for_more_than_what_it_knew},
    {"a refresh moves the timestamp alone", a_refresh_moves_the_timestamp_alone},
    {"what is told is compared with what stands", what_is_told_is_compared_with_what_stands},
    {"the clock of the guard may be anything", the_clock_of_the_guard_may_be_anything},
    {"a future entry is taken back to the present", a_future_entry_is_taken_back_to_the_present},
    {"an entry ends with its ttl and a tombstone a day later",
     an_entry_ends_with_its_ttl_and_a_tombstone_a_day_later},
    {"an entry is over a grace after its end", an_entry_is_over_a_grace_after_its_end},
    {"each member of a row changes its digest", each_member_of_a_row_changes_its_digest},
    {"a digest is the same for ever", a_digest_is_the_same_for_ever},
    CU_TEST_INFO_NULL,
};

const struct suite suite_entry = {"entry", tests};

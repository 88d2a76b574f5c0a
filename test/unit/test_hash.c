#include "core/base/hash.h"

#include "fixture.h"
#include "suites.h"

/* The published values of FNV-1a, 64 bits. */
static void texts_have_their_published_hashes(void)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        {"", 0xcbf29ce484222325},       {"a", 0xaf63dc4c8601ec8c},     {"b", 0xaf63df4c8601f1a5},
        {"foobar", 0x85944171f73967e8}, {"fooba", 0xcac165afa2fef40a}, {"\xff", 0xaf64724c8602eb6e},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(text_hash(rows[i].text) == rows[i].hash, "%s: %016llx", rows[i].text,
              (unsigned long long)text_hash(rows[i].text));
}

static void numbers_are_stirred_the_same_way_for_ever(void)
{
    static const struct {
        uint64_t hash, number, mixed;
    } rows[] = {
        {0, 0, 0x58dfac02e5a73766},           {0, 1, 0x1f36c2c35fb42f48},
        {1, 0, 0x21724bb42da9e1c0},           {UINT64_MAX, UINT64_MAX, 0xb88515b97e8880cc},
        {3221225994, 11, 0xf4ef102100f32123},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(hash_mix(rows[i].hash, rows[i].number) == rows[i].mixed, "row %zu: %016llx", i,
              (unsigned long long)hash_mix(rows[i].hash, rows[i].number));
}

/* One bit of the number changes about half of the bits, whichever it is. */
static void each_bit_counts_for_all(void)
{
    for (int bit = 0; bit < 64; bit++) {
        int changed = 0;
        for (uint64_t n = 0; n < 1000; n++)
            changed += __builtin_popcountll(hash_mix(1, n) ^ hash_mix(1, n ^ UINT64_C(1) << bit));
        CHECK(changed > 30000 && changed < 34000, "bit %d: %d of 64000", bit, changed);
    }
}

static const CU_TestInfo tests[] = {
    {"texts have their published hashes", texts_have_their_published_hashes},
    {"numbers are stirred the same way for ever", numbers_are_stirred_the_same_way_for_ever},
    {"each bit counts for all", each_bit_counts_for_all},
    CU_TEST_INFO_NULL,
};

const struct suite suite_hash = {"hash", tests};

#include "core/hash.h"

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

static const CU_TestInfo tests[] = {
    {"texts have their published hashes", texts_have_their_published_hashes},
    CU_TEST_INFO_NULL,
};

const struct suite suite_hash = {"hash", tests};

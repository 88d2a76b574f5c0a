#include "store/sqlite/migrate.h"

#include <string.h>

#include "fixture.h"
#include "store/sqlite/database.h"
#include "suites.h"

static int migrate(struct place *place, int64_t *from, int64_t *to, struct error *error)
{
    *error = (struct error){0};
    return store_migrate(place->path, place->directory, from, to, error);
}

static void migrations_run_in_order_and_each_whole_or_not_at_all(void)
{
    struct place place;
    struct error error;
    int64_t from = 0, to = 0;
    place_init(&place);
    CHECK_INTEGER(migrate(&place, &from, &to, &error), 0, "%s", error.text);
    CHECK(from == 1 && to == 1, "nothing to do");
    place_write(&place, "2.sql", "CREATE TABLE two (id INTEGER);\nINSERT INTO two VALUES (2)");
    place_write(&place, "3.sql",
                "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (3);");
    place_write(&place, "5.sql", "CREATE TABLE five (id INTEGER);");
    CHECK_INTEGER(migrate(&place, &from, &to, &error), ERR_INTERNAL, "3.sql is broken");
    CHECK(strstr(error.text, "3.sql") && strstr(error.text, "nowhere"), "%s", error.text);
    CHECK_INTEGER(place_number(&place, "PRAGMA user_version"), 2, "2.sql stays");
    CHECK_INTEGER(place_number(&place, "SELECT id FROM two"), 2, "2.sql stays");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0,
                  "nothing of 3.sql");
    place_write(&place, "3.sql", "CREATE TABLE three (id INTEGER);");
    CHECK_INTEGER(migrate(&place, &from, &to, &error), 0, "%s", error.text);
    CHECK(from == 2 && to == 3, "from %lld to %lld", (long long)from, (long long)to);
    CHECK_INTEGER(place_number(&place, "PRAGMA user_version"), 3, "not over the gap to 5.sql");
    CHECK_INTEGER(migrate(&place, &from, &to, &error), 0, "%s", error.text);
    CHECK(from == 3 && to == 3, "done already");
    place_release(&place);
}

static void a_foreign_file_is_not_migrated(void)
{
    struct place place;
    struct error error;
    int64_t from, to;
    place_init(&place);
    place_write(&place, "2.sql", "CREATE TABLE two (id INTEGER);");
    place_run(&place, "PRAGMA application_id = 1");
    CHECK_INTEGER(migrate(&place, &from, &to, &error), ERR_FOREIGN, "foreign");
    CHECK_INTEGER(place_number(&place, "PRAGMA user_version"), DATABASE_VERSION, "untouched");
    place_release(&place);
}

static const CU_TestInfo tests[] = {
    {"migrations run in order, and each whole or not at all",
     migrations_run_in_order_and_each_whole_or_not_at_all},
    {"a foreign file is not migrated", a_foreign_file_is_not_migrated},
    CU_TEST_INFO_NULL,
};

const struct suite suite_migrate = {"migrate", tests};

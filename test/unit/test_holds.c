#include "program/command/holds.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define SINCE_S 1700000000 /* 2023-11-14 22:13:20 */

static struct scene scene;

static void hold(int64_t server_id, int64_t since_s)
{
    const struct site_history history = {.up_since_s = since_s, .held_since_s = since_s};
    CHECK_INTEGER(
        availability_set_site(scene.availability, scene_server(&scene, server_id), &history), 0,
        "held");
}

static void check(const char *pool, const char *expected, const char *what)
{
    struct problems problems = {0};
    CHECK_INTEGER(holds_add(scene.snapshot, scene.availability,
                            pool ? scene_pool(&scene, pool) : NULL, &problems),
                  0, "%s", what);
    CHECK_INTEGER((int64_t)problems.count, expected != NULL, "%s", what);
    if (expected && problems.count == 1)
        CHECK_TEXT(problems.lines[0], expected, "%s", what);
    problems_release(&problems);
}

#define IN_WEB                                                                                     \
    "lyon is up, but held in pool web since 2023-11-14 22:13:20 UTC; to resume it: "               \
    "UPDATE site SET held = 0 WHERE controller = 'lyon' AND pool = 'web'"

static void each_held_site_is_told_with_what_resumes_it(void)
{
    scene_init(&scene, &three_sites);
    check(NULL, NULL, "no history");
    hold(12, 0);
    check(NULL, NULL, "a history alone");
    hold(12, SINCE_S);
    check(NULL, IN_WEB, "one pool");
    check("web", IN_WEB, "that pool");
    check("spare", NULL, "another pool");
    scene_pool(&scene, "spare")->fallback_pool = scene_pool(&scene, "web");
    check("spare", IN_WEB, "its fallback pool");
    scene_set_server_down(&scene, 12, true);
    check(NULL, NULL, "down anyway");
    scene_set_server_down(&scene, 12, false);
    scene_server(&scene, 12)->state = STATE_DISABLED;
    check(NULL, NULL, "disabled");
    scene_release(&scene);
}

static void a_site_is_told_once_for_all_of_its_pools(void)
{
    scene_init(&scene, &three_sites);
    scene_controller(&scene, 2)->name = "l'yon";
    scene_server(&scene, 21)->controller = scene_controller(&scene, 2);
    scene_server(&scene, 13)->controller = scene_controller(&scene, 2);
    hold(12, SINCE_S + 9);
    hold(13, SINCE_S + 9);
    hold(21, SINCE_S);
    check(NULL,
          "l'yon is up, but held in 2 pools, the first is web since 2023-11-14 22:13:20 UTC; to "
          "resume it: UPDATE site SET held = 0 WHERE controller = 'l''yon'",
          "two pools, and two servers in one");
    scene_release(&scene);
}

static void without_memory_nothing_is_told(void)
{
    scene_init(&scene, &three_sites);
    hold(12, SINCE_S);
    for (size_t n = 1;; n++) {
        struct problems problems = {0};
        memory_fail_at(n);
        int code = holds_add(scene.snapshot, scene.availability, NULL, &problems);
        bool failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        problems_release(&problems);
        if (!failed)
            break;
    }
    scene_release(&scene);
}

static const CU_TestInfo tests[] = {
    {"each held site is told with what resumes it", each_held_site_is_told_with_what_resumes_it},
    {"a site is told once for all of its pools", a_site_is_told_once_for_all_of_its_pools},
    {"without memory nothing is told", without_memory_nothing_is_told},
    CU_TEST_INFO_NULL,
};

const struct suite suite_holds = {"holds", tests};

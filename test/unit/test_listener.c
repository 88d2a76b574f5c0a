#include "program/server/listener.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* A directory of its own for each test, and a path for a socket in it. */
struct spot {
    char directory[32];
    char path[64];
};

static bool spot_make(struct spot *spot)
{
    strcpy(spot->directory, "/tmp/listener-XXXXXX");
    if (!CHECK(mkdtemp(spot->directory), "a directory"))
        return false;
    snprintf(spot->path, sizeof spot->path, "%s/socket", spot->directory);
    return true;
}

static void spot_remove(const struct spot *spot)
{
    unlink(spot->path);
    CHECK_INTEGER(rmdir(spot->directory), 0, "nothing else is left in %s", spot->directory);
}

static struct sockaddr_un socket_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    return address;
}

/* 0 or the errno of connecting. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = socket_address(path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    int problem = connect(client, (const void *)&address, sizeof address) == 0 ? 0 : errno;
    close(client);
    return problem;
}

/* What a program that was killed leaves behind. */
static void leave_stale(const char *path)
{
    struct sockaddr_un address = socket_address(path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INTEGER(bind(descriptor, (const void *)&address, sizeof address), 0, "bind");
    close(descriptor);
}

static void one_can_connect_to_what_was_made(void)
{
    struct spot spot;
    struct listener listener;
    struct stat status;
    if (!spot_make(&spot))
        return;
    if (CHECK_INTEGER(listener_make(spot.path, NULL, &listener, NULL), 0, "it is made")) {
        CHECK(stat(spot.path, &status) == 0 && S_ISSOCK(status.st_mode), "a socket");
        CHECK_INTEGER(status.st_mode & 07777, 0660, "for owner and group");
        CHECK_INTEGER(status.st_gid, getegid(), "our own group");
        CHECK_INTEGER(connect_to(spot.path), 0, "connect");
        CHECK(listener_is_ours(&listener), "ours");
        listener_remove(&listener);
        listener_close(&listener);
        CHECK_INTEGER(connect_to(spot.path), ENOENT, "removed");
    }
    spot_remove(&spot);
}

static void the_mask_of_the_process_stays_as_it_was(void)
{
    struct spot spot;
    struct listener listener;
    mode_t before = umask(0077);
    if (spot_make(&spot) &&
        CHECK_INTEGER(listener_make(spot.path, NULL, &listener, NULL), 0, "it is made")) {
        listener_remove(&listener);
        listener_close(&listener);
        spot_remove(&spot);
    }
    CHECK_INTEGER(umask(before), 0077, "after");
}

static void a_stale_socket_is_replaced(void)
{
    struct spot spot;
    struct listener listener;
    if (!spot_make(&spot))
        return;
    leave_stale(spot.path);
    CHECK_INTEGER(connect_to(spot.path), ECONNREFUSED, "nobody is there");
    if (CHECK_INTEGER(listener_make(spot.path, NULL, &listener, NULL), 0, "it is made")) {
        CHECK_INTEGER(connect_to(spot.path), 0, "connect");
        listener_close(&listener);
    }
    spot_remove(&spot);
}

static void a_live_socket_is_left_alone(void)
{
    struct spot spot;
    struct listener first, second = {.descriptor = -2};
    struct error error = {0};
    if (!spot_make(&spot))
        return;
    if (CHECK_INTEGER(listener_make(spot.path, NULL, &first, NULL), 0, "the first")) {
        CHECK_INTEGER(listener_make(spot.path, NULL, &second, &error), ERR_BUSY, "the second");
        CHECK(strstr(error.text, spot.path) && strstr(error.text, "another process listens"), "%s",
              error.text);
        CHECK_INTEGER(second.descriptor, -2, "untouched");
        CHECK_INTEGER(connect_to(spot.path), 0, "the first is still there");
        listener_close(&first);
    }
    spot_remove(&spot);
}

static void what_is_no_socket_is_left_alone(void)
{
    struct spot spot;
    struct listener listener;
    struct error error = {0};
    if (!spot_make(&spot))
        return;
    FILE *file = fopen(spot.path, "w");
    if (CHECK(file, "a file")) {
        fclose(file);
        CHECK_INTEGER(listener_make(spot.path, NULL, &listener, &error), ERR_FOREIGN, "refused");
        CHECK(strstr(error.text, "is not a socket"), "%s", error.text);
        CHECK_INTEGER(access(spot.path, F_OK), 0, "still there");
    }
    spot_remove(&spot);
}

/* Another service may have replaced ours, if somebody deleted the file. */
static void a_socket_of_somebody_else_is_not_removed(void)
{
    struct spot spot;
    struct listener listener, other;
    if (!spot_make(&spot))
        return;
    if (CHECK_INTEGER(listener_make(spot.path, NULL, &listener, NULL), 0, "ours")) {
        unlink(spot.path);
        if (CHECK_INTEGER(listener_make(spot.path, NULL, &other, NULL), 0, "the other's")) {
            listener_remove(&listener);
            CHECK_INTEGER(connect_to(spot.path), 0, "the other's is still there");
            listener_close(&other);
        }
        listener_close(&listener);
    }
    spot_remove(&spot);
}

static void impossible_paths_are_refused_with_a_reason(void)
{
    char longest[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const struct {
        const char *path, *group;
        int code;
        const char *words;
    } rows[] = {
        {"", NULL, ERR_INVAL, "the path of a socket has 1 to 107 characters"},
        {longest, NULL, ERR_INVAL, "the path of a socket has 1 to 107 characters"},
        {"/nonexistent/socket", NULL, ERR_IO, "its directory cannot be opened"},
        {"/dev/null/socket", NULL, ERR_IO, "its directory cannot be opened"},
        {"/tmp/socket", "no such group", ERR_INVAL, "there is no group no such group"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listener listener;
        struct error error = {0};
        CHECK_INTEGER(listener_make(rows[i].path, rows[i].group, &listener, &error), rows[i].code,
                      "row %zu", i);
        CHECK(strstr(error.text, rows[i].words), "row %zu: %s", i, error.text);
    }
}

static void the_group_that_is_named_owns_the_socket(void)
{
    struct spot spot;
    struct listener listener;
    struct stat status;
    const struct group *own = getgrgid(getegid());
    if (!own || !spot_make(&spot))
        return;
    if (CHECK_INTEGER(listener_make(spot.path, own->gr_name, &listener, NULL), 0, "it is made")) {
        CHECK(stat(spot.path, &status) == 0 && status.st_gid == getegid(), "%s", own->gr_name);
        listener_close(&listener);
    }
    spot_remove(&spot);
}

static void nothing_is_inherited_unless_somebody_says_so(void)
{
    struct listener listener;
    struct error error = {0};
    unsetenv("LISTEN_FDS");
    CHECK_INTEGER(listener_inherit(NULL, &listener, &error), ERR_NOTFOUND, "nothing");
    CHECK_INTEGER(error.code, 0, "and no error");
}

static void without_memory_nothing_is_made(void)
{
    struct spot spot;
    struct listener listener;
    struct error error = {0};
    if (!spot_make(&spot))
        return;
    memory_fail_at(1);
    int code = listener_make(spot.path, NULL, &listener, &error);
    if (CHECK(memory_fail_end(), "it allocates"))
        CHECK_INTEGER(code, ERR_NOMEM, "%s", error.text);
    CHECK_INTEGER(connect_to(spot.path), ENOENT, "no socket");
    spot_remove(&spot);
}

static const CU_TestInfo tests[] = {
    {"one can connect to what was made", one_can_connect_to_what_was_made},
    {"the mask of the process stays as it was", the_mask_of_the_process_stays_as_it_was},
    {"a stale socket is replaced", a_stale_socket_is_replaced},
    {"a live socket is left alone", a_live_socket_is_left_alone},
    {"what is no socket is left alone", what_is_no_socket_is_left_alone},
    {"a socket of somebody else is not removed", a_socket_of_somebody_else_is_not_removed},
    {"impossible paths are refused with a reason", impossible_paths_are_refused_with_a_reason},
    {"the group that is named owns the socket", the_group_that_is_named_owns_the_socket},
    {"nothing is inherited unless somebody says so", nothing_is_inherited_unless_somebody_says_so},
    {"without memory nothing is made", without_memory_nothing_is_made},
    CU_TEST_INFO_NULL,
};

const struct suite suite_listener = {"listener", tests};

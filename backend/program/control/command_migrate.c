#include <stdio.h>
#include <unistd.h>

#include "program/control/control.h"
#include "store/sqlite/database.h"
#include "store/sqlite/migrate.h"

/* Says whether the directory has the file that makes a version. */
static bool leads_to(const char *directory, int64_t version)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%lld.sql", directory, (long long)version);
    return access(path, F_OK) == 0;
}

static enum command_result migrate(const struct command_call *call)
{
    struct error error = {0};
    const char *directory = call->count > 1 ? call->words[1] : MIGRATIONS_PATH;
    int64_t from, to;
    if (store_migrate(call->database, directory, &from, &to, &error) != 0)
        return command_failed(call, &error);
    if (to > DATABASE_VERSION && !leads_to(directory, to))
        return command_failure(call, "%s is of version %lld, and this program knows version %d",
                               call->database, (long long)to, DATABASE_VERSION);
    if (to < DATABASE_VERSION)
        return command_failure(call, "%s is of version %lld, and %s has nothing that leads to %d",
                               call->database, (long long)to, directory, DATABASE_VERSION);
    if (from == 0 && to > 0)
        buffer_printf(call->out, "%s, made from a dump, is of version %lld\n", call->database,
                      (long long)to);
    else if (from == to)
        buffer_printf(call->out, "%s is of version %lld already\n", call->database, (long long)to);
    else
        buffer_printf(call->out, "%s: version %lld became %lld\n", call->database, (long long)from,
                      (long long)to);
    return COMMAND_OK;
}

const struct command command_migrate = {
    .name = "migrate",
    .arguments = "[DIRECTORY]",
    .summary = "bring the database to the version of this program",
    .least = 1,
    .most = 2,
    .run = migrate,
};

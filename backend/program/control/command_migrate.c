#include "program/control/control.h"
#include "store/sqlite/migrate.h"

static enum command_result migrate(const struct command_call *call)
{
    struct error error = {0};
    const char *directory = call->count > 1 ? call->words[1] : MIGRATIONS_PATH;
    int64_t from, to;
    if (store_migrate(call->database, directory, &from, &to, &error) != 0)
        return command_failed(call, &error);
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

/*
 * Makes the database, and says what to do next.
 */
#include <stdlib.h>
#include <string.h>

#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/owner.h"
#include "store/sqlite/whole_file.h"

static int create(void *context, struct error *error)
{
    const struct command_call *call = context;
    const char *schema = command_value(call, "schema", 0);
    return store_create(call->database, schema ? schema : SCHEMA_PATH, error);
}

static void print_next(const struct command_call *call, const struct owner *owner)
{
    char *found = realpath(call->database, NULL); /* who starts PowerDNS is elsewhere */
    const char *path = found ? found : call->database;
    buffer_printf(call->out, "%s is made, for user %s. What to do next:\n", path, owner->name);
    if (strcmp(owner->name, OWNER_DEFAULT) != 0)
        buffer_printf(call->out,
                      "- PowerDNS has to run as %s (setuid in pdns.conf), since others cannot"
                      " write the database.\n",
                      owner->name);
    buffer_printf(call->out,
                  "- Put the backend into pdns.conf. The samples are in %s:\n"
                  "    launch=pipe\n"
                  "    pipe-command=%s --database %s\n"
                  "    pipe-abi-version=5\n"
                  "- Put in zones, sites, pools and names with sqlite3; see README, \"Your first"
                  " balanced name\".\n"
                  "- Start pdns-stickyd, which checks the sites: systemctl enable --now"
                  " pdns-stickyd\n"
                  "- Look whether all is well: pdns-stickyctl --database %s check\n",
                  CONF_PATH, PROGRAM_PATH, path, path);
    free(found);
}

static enum command_result run_init(const struct command_call *call)
{
    struct owner owner;
    struct error error = {0};
    if (owner_find(call->database, command_value(call, "user", 0), &owner, &error) != 0 ||
        owner_work(&owner, call->database, create, (void *)(uintptr_t)call, &error) != 0)
        return command_failed(call, &error);
    if (call->json)
        json_output(json_pack("{s:o, s:o}", "database", json_text(call->database), "owner",
                              json_text(owner.name)),
                    call->out);
    else
        print_next(call, &owner);
    return COMMAND_OK;
}

static const struct command_option options[] = {
    {"user", "USER",
     "the user that PowerDNS runs as; by default the owner of the directory, or pdns", false},
    {"schema", "FILE", "a schema.sql other than the installed one", false},
    {NULL, NULL, NULL, false},
};

const struct command command_init = {
    .name = "init",
    .arguments = "",
    .summary = "make an empty database, and say what to do next",
    .least = 1,
    .most = 1,
    .options = options,
    .has_json = true,
    .run = run_init,
};

/*
 * Copies the database to a file, and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program/command/json_output.h"
#include "program/control/control.h"
#include "program/control/owner.h"
#include "store/sqlite/whole_file.h"

/* So long mappings that were just decided are waited for; the backup is good without them. */
#define WRITE_WAIT_MS 2000

/* Monitors may have passwords. */
#define BACKUP_MASK 077

static enum command_result done(const struct command_call *call, const char *what)
{
    if (call->json)
        json_output(json_pack("{s:o, s:o}", "database", json_text(call->database), "file",
                              json_text(call->words[1])),
                    call->out);
    else
        buffer_printf(call->out, "%s %s %s\n", call->database, what, call->words[1]);
    return COMMAND_OK;
}

static enum command_result run_backup(const struct command_call *call)
{
    struct error error = {0};
    size_t unwritten;
    /* A database that cannot be read is reported below. */
    (void)responder_wait_stored(call->responder, WRITE_WAIT_MS, &unwritten, NULL);
    mode_t before = umask(BACKUP_MASK);
    int code = store_back_up(call->database, call->words[1], &error);
    umask(before);
    return code == 0 ? done(call, "is copied to") : command_failed(call, &error);
}

const struct command command_backup = {
    .name = "backup",
    .arguments = "FILE",
    .summary = "copy the database to a new file, while it is served",
    .least = 2,
    .most = 2,
    .has_json = true,
    .run = run_backup,
};

static int make_empty(void *context, struct error *error)
{
    const char *path = context;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    close(descriptor);
    return 0;
}

/* Onto a machine that has lost its database: its owner gets an empty file. */
static int make_missing(const char *path, bool *ret_made, struct error *error)
{
    struct owner owner;
    *ret_made = false;
    if (access(path, F_OK) == 0)
        return 0;
    int code = owner_find(path, NULL, &owner, error);
    if (code == 0)
        code = owner_work(&owner, path, make_empty, (void *)(uintptr_t)path, error);
    *ret_made = code == 0;
    return code;
}

static enum command_result run_restore(const struct command_call *call)
{
    struct error error = {0};
    bool made;
    int code = make_missing(call->database, &made, &error);
    if (code == 0)
        code = store_restore(call->database, call->words[1], &error);
    if (code != 0 && made)
        unlink(call->database);
    return code == 0 ? done(call, "is now as it was in") : command_failed(call, &error);
}

const struct command command_restore = {
    .name = "restore",
    .arguments = "FILE",
    .summary = "make the database what it was in a backup, while it is served",
    .least = 2,
    .most = 2,
    .has_json = true,
    .run = run_restore,
};

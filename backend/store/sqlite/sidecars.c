#include "store/sqlite/sidecars.h"

#include "core/base/buffer.h"

static bool look_at(const char *path, const char *suffix, struct stat *ret_status)
{
    struct buffer name = {0};
    buffer_add_text(&name, path);
    buffer_add_text(&name, suffix);
    bool found = !name.failed && stat(name.data, ret_status) == 0;
    buffer_release(&name);
    return found;
}

void sidecars_look(struct sidecars *sidecars, const char *path)
{
    sidecars->known =
        look_at(path, "-wal", &sidecars->log) && look_at(path, "-shm", &sidecars->index);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

enum sidecars_state sidecars_check(struct sidecars *sidecars, const char *path)
{
    struct stat log, index;
    if (!sidecars->known)
        return SIDECARS_SAME;
    if (!look_at(path, "-shm", &index) || !same_file(&index, &sidecars->index) ||
        index.st_size < sidecars->index.st_size)
        return SIDECARS_INDEX_GONE;
    if (!look_at(path, "-wal", &log) || !same_file(&log, &sidecars->log))
        return SIDECARS_LOG_GONE;
    sidecars->index = index; /* it grows */
    return SIDECARS_SAME;
}

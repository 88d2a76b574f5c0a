#include "mmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buffer.h"
#include "fixture.h"

#define MADE_MAX 64

/* What was made so far. The texts are the caller's literals. */
static struct made {
    const char *options, *lines;
    struct buffer file;
} made[MADE_MAX];
static size_t made_count;

static void make(const char *path, const char *options, const char *lines)
{
    char command[1024];
    snprintf(command, sizeof command, "%s %s %s", TEST_MMDB, options, path);
    FILE *writer = popen(command, "w");
    if (!CHECK(writer != NULL, "%s", command))
        return;
    fputs(lines, writer);
    CHECK_INTEGER(pclose(writer), 0, "%s", command);
    if (made_count == MADE_MAX)
        return;
    struct made *one = &made[made_count++];
    *one = (struct made){.options = options, .lines = lines};
    read_file(path, &one->file);
}

static void write_again(const char *path, const struct made *one)
{
    char fresh[PLACE_PATH_MAX + sizeof ".new"];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (!CHECK(file != NULL, "%s", fresh))
        return;
    fwrite(buffer_text(&one->file), 1, one->file.length, file);
    CHECK_INTEGER(fclose(file), 0, "%s", fresh);
    CHECK_INTEGER(rename(fresh, path), 0, "%s", path);
}

void mmdb_write(const char *path, const char *options, const char *lines)
{
    for (size_t i = 0; i < made_count; i++)
        if (strcmp(made[i].options, options) == 0 && strcmp(made[i].lines, lines) == 0) {
            write_again(path, &made[i]);
            return;
        }
    make(path, options, lines);
}

/*
 * The machine: its clock, and systemd's units.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "program/review/review_parts.h"
#include "system/run_program.h"

/* systemd answers within milliseconds, unless the machine stalls. */
#define SYSTEMCTL_MS 20000

/* Where sd_booted(3) looks, too. */
#define SYSTEMD_RUNS "/run/systemd/system"

/* ---------------------------------------------------------------- units */

/* The value of a line NAME=VALUE of what was printed; "" if there is none. */
static const char *property(struct review_scene *scene, const char *output, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = output; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            return review_text(scene, "%.*s", (int)strcspn(line + length + 1, "\n"),
                               line + length + 1);
    }
    return "";
}

/* The word that follows a mark in a text, up to a space or a semicolon; "" without the mark. */
static const char *word_after(struct review_scene *scene, const char *text, const char *mark)
{
    const char *found = strstr(text, mark);
    if (!found)
        return "";
    found += strlen(mark);
    found += *found == ' ' || *found == '=';
    return review_text(scene, "%.*s", (int)strcspn(found, " ;\""), found);
}

static struct review_unit read_unit(struct review_scene *scene, const char *systemctl,
                                    const char *name)
{
    const char *const arguments[] = {
        systemctl, "show",
        "--property=LoadState,ActiveState,UnitFileState,User,ExecStart,Environment", name, NULL};
    struct review_unit unit = {.user = "", .command = "", .database = ""};
    struct buffer output = {0};
    struct error error = {0};
    if (run_program(arguments, NULL, SYSTEMCTL_MS, &output, &error) != 0) {
        review_skip(scene, "the unit %s: %s", name, error.text);
    } else {
        const char *text = buffer_text(&output);
        unit.loaded = strcmp(property(scene, text, "LoadState"), "loaded") == 0;
        unit.active = strcmp(property(scene, text, "ActiveState"), "active") == 0;
        unit.disabled = strcmp(property(scene, text, "UnitFileState"), "disabled") == 0;
        unit.user = property(scene, text, "User");
        unit.command = property(scene, text, "ExecStart");
        unit.database = word_after(scene, unit.command, "--database");
        if (!*unit.database)
            unit.database =
                word_after(scene, property(scene, text, "Environment"), "PDNS_STICKY_DATABASE=");
    }
    buffer_release(&output);
    return unit;
}

/*
 * The unit of the PowerDNS that reads this pdns.conf: of pdns-NAME.conf it is pdns@NAME, which
 * PowerDNS's packages have for virtual configurations (config-name).
 */
static const char *powerdns_unit(struct review_scene *scene)
{
    static const char before[] = "pdns-", after[] = ".conf";
    const char *slash = strrchr(scene->sources->conf, '/');
    const char *name = slash ? slash + 1 : scene->sources->conf;
    size_t length = strlen(name), around = strlen(before) + strlen(after);
    if (length <= around || strncmp(name, before, strlen(before)) != 0 ||
        strcmp(name + length - strlen(after), after) != 0)
        return "pdns.service";
    return review_text(scene, "pdns@%.*s.service", (int)(length - around), name + strlen(before));
}

void review_read_units(struct review_scene *scene)
{
    char *systemctl = access(SYSTEMD_RUNS, F_OK) == 0 ? run_program_find("systemctl") : NULL;
    if (!systemctl)
        return;
    scene->has_units = true;
    scene->powerdns = read_unit(scene, systemctl, powerdns_unit(scene));
    scene->daemon = read_unit(scene, systemctl, "pdns-stickyd.service");
    scene->service = read_unit(scene, systemctl, "pdns-sticky.service");
    scene->socket = read_unit(scene, systemctl, "pdns-sticky.socket");
    free(systemctl);
}

const char *review_exec_directory(struct review_scene *scene)
{
    return word_after(scene, scene->daemon.command, "--exec-directory");
}

static void look_at_unit(struct review_scene *scene, const struct review_unit *unit,
                         const char *name, const char *what)
{
    const char *line = review_text(scene, "systemctl enable --now %s", name);
    if (!unit->loaded)
        review_find(scene, REVIEW_NOWHERE, NULL, "systemd has no unit %s: %s", name, what);
    else if (!unit->active)
        review_find(scene, REVIEW_SHELL, line, "the unit %s is not active: %s", name, what);
    else if (unit->disabled)
        review_find(scene, REVIEW_SHELL, line,
                    "the unit %s is not enabled, so it does not run after a restart: %s", name,
                    what);
}

static bool needs_daemon(const struct review_scene *scene)
{
    return scene->database_error.code == 0 &&
           (scene->status.sharing.node != 0 ||
            (scene->targets && targets_count(scene->targets) > 0));
}

static void look_at_database(struct review_scene *scene)
{
    const char *used = scene->daemon.database;
    if (*used && !review_is_same_file(used, scene->sources->database))
        review_find_as(scene, REVIEW_WARNING, REVIEW_SHELL, "systemctl edit pdns-stickyd",
                       "the unit pdns-stickyd uses the database %s, and this has looked at %s",
                       used, scene->sources->database);
}

void review_units(struct review_scene *scene)
{
    if (!scene->has_units)
        return;
    look_at_unit(scene, &scene->powerdns, powerdns_unit(scene), "it is PowerDNS");
    if (scene->backends.way == WAY_REMOTE_UNIX)
        look_at_unit(scene, &scene->socket, "pdns-sticky.socket",
                     "PowerDNS connects to this socket");
    if (needs_daemon(scene)) {
        look_at_unit(scene, &scene->daemon, "pdns-stickyd",
                     "it checks the health of the sites and shares mappings");
        look_at_database(scene);
    }
}

/* ---------------------------------------------------------------- clock */

/* While nothing is shared, a clock that is wrong by the same amount all the time does no harm. */
void review_clock(struct review_scene *scene)
{
    struct timex state = {0};
    if (scene->status.sharing.node == 0)
        return;
    if (adjtimex(&state) < 0)
        review_skip(scene, "whether the clock is synchronized");
    else if (state.status & STA_UNSYNC)
        review_find(scene, REVIEW_SHELL, "systemctl enable --now systemd-timesyncd",
                    "the clock is not synchronized by NTP, and mappings are shared: one that was"
                    " decided ahead of a peer's clock is not taken there until its time has come");
}

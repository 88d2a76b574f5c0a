/*
 * What the topics of review.c are looked up in, and how they tell what they have found.
 *
 * A topic is a function that adds a finding for each thing that is wrong. It is called only if what
 * it needs is there (enum review_need).
 */
#ifndef STICKY_PROGRAM_REVIEW_REVIEW_PARTS_H
#define STICKY_PROGRAM_REVIEW_REVIEW_PARTS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "core/health/targets.h"
#include "program/review/backends.h"
#include "program/review/review.h"
#include "program/command/status.h"

/* A user with the groups that count for access to files. */
struct review_user {
    bool known;
    const char *name;
    uid_t user;
    gid_t group;
    gid_t *groups; /* with `group` */
    int group_count;
};

/* A unit of systemd, as `systemctl show` tells it. */
struct review_unit {
    bool loaded, active;
    bool disabled;        /* it is not started with the machine, and could be */
    const char *user;     /* "" if it names none */
    const char *command;  /* its ExecStart */
    const char *database; /* that its command or environment names; "" if neither does */
};

/*
 * The files of a database and, last, their directory, as they were before the database was opened:
 * opening it makes what is missing, and root's SQLite gives it the owner of the database.
 */
struct review_file {
    const char *path;
    struct stat status;
};

#define REVIEW_FILES_MAX 6

struct review_files {
    struct review_file list[REVIEW_FILES_MAX];
    size_t count; /* 0: there is no database */
};

struct review_scene {
    const struct review_sources *sources;
    struct pdns_conf conf;
    struct error conf_error; /* why it could not be read; code 0: it was */
    struct backends backends;
    struct error version_error;
    int version;    /* that defaults are taken from */
    bool has_units; /* systemd runs this machine, and the units were read */
    struct review_unit powerdns, daemon, service, socket;
    struct review_user powerdns_user; /* whom PowerDNS runs as */
    struct review_files files;
    struct review_user user;       /* who has to own the database: it, or the service */
    struct error database_error;   /* why it could not be read; code 0: it was */
    struct decision_inputs inputs; /* valid unless it was not */
    struct status status;
    struct targets *targets; /* NULL: could not be read */
    /* What a topic is being looked at for. */
    const struct review_topic *topic;
    struct review *review;
};

/* What a topic needs to be looked at. */
enum review_need {
    NEEDS_CONF = 1,     /* pdns.conf was read */
    NEEDS_BACKEND = 2,  /* and it launches pdns-sticky */
    NEEDS_DATABASE = 4, /* the database was read */
    NEEDS_OVERLAY = 8,  /* another backend is launched, too */
};

struct review_topic {
    const char *name;
    enum review_effect effect;
    unsigned needs;
    void (*look)(struct review_scene *scene);
};

/* ---------------------------------------------------------------- telling */

/* A text of the review; "" with `failed` set when memory is short. */
const char *review_text(struct review_scene *scene, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text as SQL writes it, between quotes. */
const char *review_quoted(struct review_scene *scene, const char *text);

/* Adds a finding whose line, which may be NULL, goes to a place other than pdns.conf. */
void review_find(struct review_scene *scene, enum review_place place, const char *line,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same with another effect than that of the topic. */
void review_find_as(struct review_scene *scene, enum review_effect effect, enum review_place place,
                    const char *line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Adds a finding about a setting of pdns.conf, with the value that it should have. */
void review_find_setting(struct review_scene *scene, enum review_effect effect, const char *name,
                         const char *wanted, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Tells what cannot be looked at. */
void review_skip(struct review_scene *scene, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---------------------------------------------------------------- settings of pdns.conf */

/*
 * A setting of the server, as it is written or by default. PowerDNS reads a number as strtol()
 * does, and an empty one as 0; every text but `no` and `off` as yes.
 */
const char *review_setting(const struct review_scene *scene, const char *name);
long review_number(const struct review_scene *scene, const char *name);
bool review_is_on(const struct review_scene *scene, const char *name);

/*
 * Says whether a balanced name is in a zone of another backend, so that two backends have to agree
 * on it. True, too, if that is not known.
 */
bool review_shares_zones(const struct review_scene *scene);

/* The value of `launch` with the backends in order: who finds nothing, pdns-sticky, the rest. */
const char *review_launch_in_order(struct review_scene *scene);

/* ---------------------------------------------------------------- users */

/* Finds a user by name or number. False: there is none. */
bool review_find_user(struct review *review, const char *name, struct review_user *ret_user);
void review_user_release(struct review_user *user);

/* What the user may do: bits of R_OK, W_OK and X_OK, by mode and owner alone. Root may all. */
bool review_user_may(const struct review_user *user, const char *path, int bits);

/*
 * The first directory above a path that the user may not go through, from the root on, copied to
 * `ret_directory`. False: there is none.
 */
bool review_user_is_kept_out(const struct review_user *user, const char *path,
                             char ret_directory[static 4096]);

/* ---------------------------------------------------------------- files */

/* Looks for the files of the database. To be called before it is opened. */
void review_find_files(struct review_scene *scene);

/* ---------------------------------------------------------------- systemd */

/* Reads the units, if systemd runs this machine. */
void review_read_units(struct review_scene *scene);

/* The directory of programs that pdns-stickyd's unit names; "": none. */
const char *review_exec_directory(struct review_scene *scene);

/* ---------------------------------------------------------------- the topics, by file */

/* review_settings.c: pdns.conf */
void review_pdns_conf(struct review_scene *scene);
void review_launch(struct review_scene *scene);
void review_launch_order(struct review_scene *scene);
void review_launch_metadata(struct review_scene *scene);
void review_abi_version(struct review_scene *scene);
void review_zone_cache(struct review_scene *scene);
void review_consistent_backends(struct review_scene *scene);
void review_cache_ttl(struct review_scene *scene);
void review_query_cache_ttl(struct review_scene *scene);
void review_negquery_cache_ttl(struct review_scene *scene);
void review_edns_subnet(struct review_scene *scene);
void review_svc_autohints(struct review_scene *scene);
void review_distributor_threads(struct review_scene *scene);
void review_receiver_threads(struct review_scene *scene);
void review_reuseport(struct review_scene *scene);
void review_timeout(struct review_scene *scene);
void review_pipe_regex(struct review_scene *scene);
void review_remote_dnssec(struct review_scene *scene);
void review_structured_logging(struct review_scene *scene);
void review_loglevel(struct review_scene *scene);

/* review_files.c: the program, the socket, and the files of the database */
void review_program(struct review_scene *scene);
void review_socket(struct review_scene *scene);
void review_database_path(struct review_scene *scene);
void review_owner(struct review_scene *scene);
void review_mode(struct review_scene *scene);
void review_file_system(struct review_scene *scene);
void review_disk(struct review_scene *scene);

/* review_machine.c: clock and units */
void review_clock(struct review_scene *scene);
void review_units(struct review_scene *scene);

/* review_rows.c: the rows of the database */
void review_database(struct review_scene *scene);
void review_monitors(struct review_scene *scene);
void review_persistence_ttl(struct review_scene *scene);
void review_unused_rows(struct review_scene *scene);
void review_powerdns_version(struct review_scene *scene);

/* review_overlay.c: the zones of the other backend */
void review_stand_ins(struct review_scene *scene);
void review_zone_twice(struct review_scene *scene);
void review_dnssec(struct review_scene *scene);

/* Says whether two paths lead to one file; of files that do not exist, whether they are equal. */
bool review_is_same_file(const char *a, const char *b);

/* The kind of a file system on which SQLite's log does not work, by statfs(2); NULL: it does. */
const char *review_network_file_system(unsigned long type);

#endif

/*
 * Files: the program that PowerDNS starts or the socket that it connects to, and those of the
 * database with the disk that they are on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "program/review/review_parts.h"
#include "system/run_program.h"

/* Printing a version takes a moment; on a machine that stalls, some seconds. */
#define VERSION_MS 20000

/* Mappings are stored while there are 8 MB and as much as FILE-wal has; this is time to act. */
#define DISK_MIN_MB 64

#define MB ((uint64_t)1024 * 1024)

/* ---------------------------------------------------------------- the program */

/* What PowerDNS does not understand in its command; NULL: nothing. */
static const char *find_misunderstanding(const struct backends *backends)
{
    for (size_t i = 0; i < backends->word_count; i++)
        if (strpbrk(backends->words[i], "\"'"))
            return "a quote is part of the word that it is in";
    for (size_t i = 0; i < backends->word_count; i++)
        if (!*backends->words[i])
            return "two spaces in a row make an empty word";
    return NULL;
}

/* Why PowerDNS cannot start the program; "": it can, as far as can be seen. */
static const char *why_not_started(struct review_scene *scene, const char *path,
                                   const char **ret_line)
{
    const struct review_user *user = &scene->powerdns_user;
    struct stat status;
    char directory[4096];
    *ret_line = NULL;
    if (*path != '/')
        return "is no absolute path, and PowerDNS does not search for programs";
    if (stat(path, &status) != 0)
        return review_text(scene, "cannot be found: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return "is not a program";
    if (user->known && review_user_is_kept_out(user, path, directory)) {
        *ret_line = review_text(scene, "chmod a+x %s", directory);
        return review_text(scene, "is in %s, which %s may not enter", directory, user->name);
    }
    if (user->known ? review_user_may(user, path, X_OK) : access(path, X_OK) == 0)
        return "";
    *ret_line = review_text(scene, "chmod a+rx %s", path);
    return user->known ? review_text(scene, "may not be run by %s", user->name) : "may not be run";
}

/* As the user that PowerDNS runs it as, since the program may be that user's. */
static void compare_version(struct review_scene *scene, const char *path)
{
    const struct review_user *user = &scene->powerdns_user;
    const struct run_as as = {.user = user->user, .group = user->group};
    const char *const arguments[] = {path, "--version", NULL};
    const char expected[] = "pdns-sticky " PACKAGE_VERSION;
    struct buffer output = {0};
    struct error error = {0};
    bool is_root = geteuid() == 0;
    if (is_root && !user->known) {
        review_skip(scene, "the version of %s: it is not known whom to run it as", path);
        return;
    }
    int code = run_program(arguments, is_root ? &as : NULL, VERSION_MS, &output, &error);
    const char *text = buffer_text(&output);
    size_t length = strcspn(text, "\n");
    if (code != 0 || strncmp(text, "pdns-sticky ", strlen("pdns-sticky ")) != 0)
        review_skip(scene, "the version of %s%s%s", path, code != 0 ? ": " : "",
                    code != 0 ? error.text : "");
    else if (length != strlen(expected) || memcmp(text, expected, length) != 0)
        review_find_as(scene, REVIEW_WARNING, REVIEW_NOWHERE, NULL,
                       "%s is %.*s, and this is version " PACKAGE_VERSION
                       ": what is found here may not hold for it",
                       path, (int)length, text);
    buffer_release(&output);
}

void review_program(struct review_scene *scene)
{
    const struct backends *backends = &scene->backends;
    if (backends->way != WAY_PIPE && backends->way != WAY_REMOTE_PIPE)
        return;
    const char *line, *path = backends->word_count > 0 ? backends->words[0] : "";
    const char *misunderstood = find_misunderstanding(backends);
    if (!*path || misunderstood) {
        review_find(
            scene, REVIEW_NOWHERE, NULL,
            "the command of %s is not what it looks like: PowerDNS splits it at every single"
            " space, and %s",
            backends->sticky->prefix, misunderstood ? misunderstood : "there is none");
        return;
    }
    const char *problem = why_not_started(scene, path, &line);
    if (*problem)
        review_find(scene, line ? REVIEW_SHELL : REVIEW_NOWHERE, line,
                    "%s %s, so PowerDNS does not start", path, problem);
    else
        compare_version(scene, path);
}

/* ---------------------------------------------------------------- the socket */

#define SOCKET_LINE "systemctl enable --now pdns-sticky.socket"

/* 0 with a descriptor to close; or the errno of connecting to it. */
static int connect_to(const char *path, int *ret_descriptor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return errno;
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        int problem = errno;
        close(descriptor);
        return problem;
    }
    *ret_descriptor = descriptor;
    return 0;
}

/* The process that listens on a socket; 0: not known. */
static pid_t find_listener(const char *path)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    int descriptor;
    if (connect_to(path, &descriptor) != 0)
        return 0;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        peer.pid = 0;
    close(descriptor);
    return peer.pid;
}

static bool is_refused(const char *path)
{
    int descriptor, problem = connect_to(path, &descriptor);
    if (problem == 0)
        close(descriptor);
    return problem == ECONNREFUSED;
}

void review_socket(struct review_scene *scene)
{
    const char *path = scene->backends.socket;
    const struct review_user *user = &scene->powerdns_user;
    struct stat status;
    char directory[4096];
    if (scene->backends.way != WAY_REMOTE_UNIX)
        return;
    if (!path || *path != '/')
        review_find(scene, REVIEW_NOWHERE, NULL,
                    "remote-connection-string names no socket by an absolute path");
    else if (stat(path, &status) != 0)
        review_find(scene, REVIEW_SHELL, SOCKET_LINE, "%s: %s; without it PowerDNS does not start",
                    path, strerror(errno));
    else if (!S_ISSOCK(status.st_mode))
        review_find(scene, REVIEW_NOWHERE, NULL, "%s is not a socket", path);
    else if (user->known && review_user_is_kept_out(user, path, directory))
        review_find(scene, REVIEW_SHELL, review_text(scene, "chmod a+x %s", directory),
                    "%s is in %s, which %s may not enter", path, directory, user->name);
    else if (user->known && !review_user_may(user, path, W_OK))
        review_find(scene, REVIEW_SHELL, review_text(scene, "chown %s %s", user->name, path),
                    "%s may not connect to %s, by its owner and mode", user->name, path);
    else if (is_refused(path))
        review_find(scene, REVIEW_SHELL, SOCKET_LINE,
                    "nobody listens on %s, so questions get SERVFAIL", path);
}

/* ---------------------------------------------------------------- the database's files */

bool review_is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    if (stat(a, &of_a) == 0 && stat(b, &of_b) == 0)
        return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    return strcmp(a, b) == 0;
}

/* The words of /proc/PID/NAME, which NUL octets end; they point into `text`. */
static void read_words(pid_t process, const char *name, char *text, size_t size,
                       struct backends *ret_words)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)process, name);
    FILE *stream = fopen(path, "re");
    size_t length = stream ? fread(text, 1, size - 1, stream) : 0;
    text[length] = '\0';
    for (const char *word = text; word < text + length; word += strlen(word) + 1)
        if (ret_words->word_count < COMMAND_WORDS_OF_BACKEND_MAX)
            ret_words->words[ret_words->word_count++] = word;
    if (stream)
        fclose(stream);
}

/* The database of the service that was started without systemd; NULL: it cannot be told. */
static const char *database_of_listener(struct review_scene *scene)
{
    struct backends command = {0};
    char text[4096];
    pid_t process = scene->backends.socket ? find_listener(scene->backends.socket) : 0;
    if (process <= 1)
        return NULL;
    read_words(process, "cmdline", text, sizeof text, &command);
    const char *database = backends_database(&command);
    return database ? review_text(scene, "%s", database) : NULL;
}

/* Of the service, its unit tells; or else its command line. */
static const char *database_of_service(struct review_scene *scene)
{
    const char *of_unit = scene->has_units ? scene->service.database : "";
    return *of_unit ? of_unit : database_of_listener(scene);
}

void review_database_path(struct review_scene *scene)
{
    const char *looked_at = scene->sources->database;
    const char *used = scene->backends.way == WAY_REMOTE_UNIX ? database_of_service(scene)
                                                              : backends_database(&scene->backends);
    if (!used)
        review_skip(scene,
                    "whether PowerDNS's pdns-sticky uses %s: pdns.conf does not say which database"
                    " it uses",
                    looked_at);
    else if (!review_is_same_file(used, looked_at))
        review_find(scene, REVIEW_SHELL,
                    review_text(scene, "pdns-stickyctl --database %s check", used),
                    "PowerDNS's pdns-sticky uses the database %s, and this has looked at %s", used,
                    looked_at);
}

static void add_file(struct review_scene *scene, const char *path)
{
    struct review_files *files = &scene->files;
    struct review_file *file = &files->list[files->count];
    if (stat(path, &file->status) != 0)
        return;
    file->path = review_text(scene, "%s", path);
    files->count++;
}

/* Follows symbolic links, since the other files are beside the file itself. */
void review_find_files(struct review_scene *scene)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", "-claims"};
    char *real = realpath(scene->sources->database, NULL);
    if (!real)
        return;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        add_file(scene, review_text(scene, "%s%s", real, suffixes[i]));
    *strrchr(real, '/') = '\0';
    add_file(scene, *real ? real : "/");
    free(real);
}

static bool is_directory(const struct review_file *file)
{
    return S_ISDIR(file->status.st_mode);
}

static void look_at_owner(struct review_scene *scene, const struct review_file *file)
{
    const struct review_user *user = &scene->user;
    if (file->status.st_uid == user->user || user->user == 0)
        return;
    if (is_directory(file) && review_user_may(user, file->path, W_OK | X_OK))
        return;
    review_find(scene, REVIEW_SHELL, review_text(scene, "chown %s %s", user->name, file->path),
                "%s belongs to uid %ld, and pdns-sticky runs as %s: %s", file->path,
                (long)file->status.st_uid, user->name,
                is_directory(file) ? "it cannot make the files beside the database"
                                   : "it stores no mappings");
}

void review_owner(struct review_scene *scene)
{
    for (size_t i = 0; scene->user.known && i < scene->files.count; i++)
        look_at_owner(scene, &scene->files.list[i]);
}

static void look_at_mode(struct review_scene *scene, const struct review_file *file)
{
    const struct review_user *user = &scene->user;
    mode_t mode = file->status.st_mode, wanted = S_IRUSR | S_IWUSR;
    wanted |= is_directory(file) ? S_IXUSR : 0;
    if (user->known && file->status.st_uid == user->user && user->user != 0 &&
        (mode & wanted) != wanted)
        review_find(
            scene, REVIEW_SHELL,
            review_text(scene, "chmod u+rw%s %s", is_directory(file) ? "x" : "", file->path),
            "%s has mode %04o: its owner %s may not write it, so no mappings are stored",
            file->path, (unsigned)mode & 07777, user->name);
    if ((mode & S_IWOTH) && !(is_directory(file) && (mode & S_ISVTX)))
        review_find_as(scene, REVIEW_WARNING, REVIEW_SHELL,
                       review_text(scene, "chmod o-w %s", file->path),
                       "%s has mode %04o: every user of this machine may change where resolvers"
                       " are sent",
                       file->path, (unsigned)mode & 07777);
}

void review_mode(struct review_scene *scene)
{
    const struct review_files *files = &scene->files;
    char directory[4096];
    for (size_t i = 0; i < files->count; i++)
        look_at_mode(scene, &files->list[i]);
    if (files->count > 0 && scene->user.known &&
        review_user_is_kept_out(&scene->user, files->list[0].path, directory))
        review_find_as(scene, REVIEW_ANSWERS, REVIEW_SHELL,
                       review_text(scene, "chmod o+x %s", directory),
                       "%s is below %s, which %s may not enter", files->list[0].path, directory,
                       scene->user.name);
}

/* ---------------------------------------------------------------- the disk */

/* Numbers of linux/magic.h and statfs(2); some are in no header. */
const char *review_network_file_system(unsigned long type)
{
    static const struct {
        unsigned long type;
        const char *name;
    } systems[] = {
        {0x6969, "NFS"},        {0x517b, "SMB"},      {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},
        {0x01021997, "9P"},     {0x5346414f, "AFS"},  {0x00c36400, "Ceph"}, {0x0bd00bd0, "Lustre"},
        {0x65735546, "FUSE"},   {0x73757245, "Coda"}, {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"},
        {0x786f4256, "vboxsf"}, {0x6b414653, "AFS"},
    };
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        if (systems[i].type == (type & 0xffffffff))
            return systems[i].name;
    return NULL;
}

void review_file_system(struct review_scene *scene)
{
    const struct review_files *files = &scene->files;
    struct statfs status;
    if (files->count == 0 || statfs(files->list[0].path, &status) != 0)
        return;
    const char *kind = review_network_file_system((unsigned long)status.f_type);
    if (kind)
        review_find(
            scene, REVIEW_NOWHERE, NULL,
            "%s is on a file system of type %s: SQLite's log needs memory that all processes"
            " of one machine share; move the database to a local disk",
            files->list[0].path, kind);
}

void review_disk(struct review_scene *scene)
{
    const struct review_files *files = &scene->files;
    struct statvfs status;
    if (files->count == 0 || statvfs(files->list[0].path, &status) != 0 || status.f_blocks == 0)
        return;
    uint64_t free_mb = (uint64_t)status.f_bavail * status.f_frsize / MB;
    if (free_mb < DISK_MIN_MB)
        review_find(
            scene, REVIEW_NOWHERE, NULL,
            "the disk of %s has %llu MB left: new mappings are stored only while it has 8 MB"
            " and as much as %s-wal has",
            files->list[0].path, (unsigned long long)free_mb, files->list[0].path);
}

/*
 * The file of claims: what it promises to several processes, some of which are killed, and what it
 * makes of files that are not its own. That the writer brings claims into the table is tested with
 * the store and with the real program.
 */
#include "store/claims/claims.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "store/claims/claims_file.h"
#include "store/claims/claims_parts.h"
#include "suites.h"
#include "system/clock.h"
#include "system/page_guard.h"

#define DATABASE_NUMBER 4711

/* For another process that makes the file. */
#define WAIT_MS 500

static struct place place;
static struct lock_file lock_file;
static struct stat database;
static char claims_path[PLACE_PATH_MAX + 8];

static struct claims *open_claims(int64_t number, int expected, struct lock_file *lock)
{
    struct claims *claims = NULL;
    struct error error = {0};
    int code = claims_open(place.path, &database, number, lock, WAIT_MS, &claims, &error);
    CHECK_INTEGER(code, expected, "opening: %s", error.text);
    CHECK_INTEGER(error.code, code, "a failure comes with a text");
    return claims;
}

static struct claims *begin(void)
{
    page_guard_install();
    place_init(&place);
    stat(place.path, &database);
    snprintf(claims_path, sizeof claims_path, "%s-claims", place.path);
    lock_file.descriptor = -1;
    CHECK_INTEGER(lock_file_open(&lock_file, place.path, true, &database), 0, "lock file");
    return open_claims(DATABASE_NUMBER, 0, &lock_file);
}

static void end(struct claims *claims)
{
    claims_close(claims);
    lock_file_close(&lock_file);
    place_release(&place);
}

static struct mapping mapping_to(int64_t controller_id)
{
    return (struct mapping)MAPPING(controller_id, "modulus", SCENE_NOW_S, 3600);
}

static struct claim claim_of(int64_t controller_id)
{
    return (struct claim){.maps = true, .wanted = mapping_to(controller_id), .revision = 7};
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static bool no(void *context)
{
    (void)context;
    return false;
}

static int put(struct claims *claims, const char *key, const struct mapping *known,
               int64_t controller_id)
{
    struct claim claim = claim_of(controller_id);
    return claims_put(claims, 1, key, known, &claim, yes, NULL);
}

/* The controller that is claimed, 0 for none. */
static int64_t found(struct claims *claims, const char *key)
{
    struct claim claim;
    return claims_find(claims, 1, key, &claim) == 0 ? claim.wanted.controller_id : 0;
}

static struct taken_claims taken;

static size_t take(struct claims *claims, bool all)
{
    claims_take(claims, all, &taken);
    return taken.count;
}

static void what_is_put_is_found_by_everybody(void)
{
    struct claims *claims = begin();
    struct lock_file other_lock = {.descriptor = -1};
    CHECK_INTEGER(lock_file_open(&other_lock, place.path, false, NULL), 0, "lock file");
    struct claims *other = open_claims(DATABASE_NUMBER, 0, &other_lock);
    CHECK_INTEGER(found(claims, "192.0.2.1"), 0, "nothing at first");
    CHECK_INTEGER(put(claims, "192.0.2.1", NULL, 2), 0, "put");
    CHECK_INTEGER(found(other, "192.0.2.1"), 2, "through another opening");
    CHECK_INTEGER(found(other, "192.0.2.10"), 0, "another key");
    struct claim claim;
    CHECK_INTEGER(claims_find(other, 2, "192.0.2.1", &claim), ERR_NOTFOUND, "another pool");
    CHECK_INTEGER(claims_find(other, 1, "192.0.2.1", &claim), 0, "this pool");
    struct mapping wanted = mapping_to(2);
    CHECK(mapping_equal(&claim.wanted, &wanted), "all of the mapping");
    CHECK_INTEGER(claim.revision, 7, "revision");
    CHECK(claim.maps, "flags");
    CHECK_INTEGER((int64_t)claims_count(other), 1, "count");
    claims_close(other);
    lock_file_close(&other_lock);
    end(claims);
}

static void a_claim_is_lost_to_one_that_was_not_known(void)
{
    struct claims *claims = begin();
    struct mapping two = mapping_to(2), three = mapping_to(3);
    CHECK_INTEGER(put(claims, "k", NULL, 2), 0, "the first");
    CHECK_INTEGER(put(claims, "k", NULL, 3), ERR_NOTFOUND, "who knew of none");
    CHECK_INTEGER(put(claims, "k", &three, 3), ERR_NOTFOUND, "who knew another one");
    CHECK_INTEGER(found(claims, "k"), 2, "the first stays");
    CHECK_INTEGER(put(claims, "k", &two, 3), 0, "who knew it");
    CHECK_INTEGER(found(claims, "k"), 3, "is replaced");
    CHECK_INTEGER((int64_t)claims_count(claims), 1, "one claim");
    end(claims);
}

static void without_a_claim_the_table_decides(void)
{
    struct claims *claims = begin();
    struct claim claim = claim_of(2);
    struct mapping row = mapping_to(1);
    CHECK_INTEGER(claims_put(claims, 1, "k", &row, &claim, no, NULL), ERR_NOTFOUND, "it has moved");
    CHECK_INTEGER(found(claims, "k"), 0, "nothing was put");
    CHECK_INTEGER(claims_put(claims, 1, "k", &row, &claim, yes, NULL), 0, "it is as it was");
    CHECK_INTEGER((int64_t)take(claims, false), 1, "taken");
    end(claims);
}

/* Somebody has changed the table between two decisions: the older one does not count. */
static void a_claim_of_another_revision_is_none(void)
{
    struct claims *claims = begin();
    struct mapping two = mapping_to(2), row = mapping_to(1);
    struct claim newer = claim_of(3);
    newer.revision = 8;
    put(claims, "k", NULL, 2);
    CHECK_INTEGER(claims_put(claims, 1, "k", &two, &newer, no, NULL), ERR_NOTFOUND,
                  "which of the two is newer is not known");
    CHECK_INTEGER(found(claims, "k"), 2, "nothing was put");
    CHECK_INTEGER(claims_put(claims, 1, "k", &row, &newer, yes, NULL), 0, "the new one is");
    CHECK_INTEGER(found(claims, "k"), 3, "it is there");
    end(claims);
}

static void what_is_settled_is_gone(void)
{
    struct claims *claims = begin();
    put(claims, "a", NULL, 2);
    put(claims, "b", NULL, 2);
    CHECK_INTEGER((int64_t)take(claims, false), 2, "both");
    CHECK_INTEGER((int64_t)take(claims, false), 0, "nothing has changed since");
    CHECK_INTEGER((int64_t)take(claims, true), 2, "but both are there");
    claims_settle(claims, &taken.claims[0]);
    CHECK_INTEGER((int64_t)claims_count(claims), 1, "one is left");
    claims_settle(claims, &taken.claims[0]);
    CHECK_INTEGER((int64_t)claims_count(claims), 1, "settling it again does nothing");
    claims_settle(claims, &taken.claims[1]);
    CHECK_INTEGER((int64_t)claims_count(claims), 0, "none is left");
    end(claims);
}

static void a_claim_that_was_replaced_meanwhile_stays(void)
{
    struct claims *claims = begin();
    struct mapping two = mapping_to(2);
    put(claims, "k", NULL, 2);
    take(claims, false);
    CHECK_INTEGER(put(claims, "k", &two, 3), 0, "replaced while it is being written");
    claims_settle(claims, &taken.claims[0]);
    CHECK_INTEGER(found(claims, "k"), 3, "the new one stays");
    CHECK_INTEGER((int64_t)take(claims, false), 1, "and is to be written");
    claims_settle(claims, &taken.claims[0]);
    CHECK_INTEGER((int64_t)claims_count(claims), 0, "settled");
    end(claims);
}

static void a_slot_that_was_used_anew_is_not_settled(void)
{
    struct claims *claims = begin();
    struct taken_claim old;
    put(claims, "k", NULL, 2);
    take(claims, false);
    old = taken.claims[0];
    claims_settle(claims, &old);
    put(claims, "k", NULL, 3);
    claims_settle(claims, &old); /* by a writer that was stopped all the time */
    CHECK_INTEGER(found(claims, "k"), 3, "it belongs to another claim now");
    end(claims);
}

static void deleting_is_a_claim_too(void)
{
    struct claims *claims = begin();
    struct mapping two = mapping_to(2);
    struct claim claim, none = {.revision = 7};
    put(claims, "k", NULL, 2);
    CHECK_INTEGER(claims_put(claims, 1, "k", NULL, &none, yes, NULL), ERR_NOTFOUND, "not known");
    CHECK_INTEGER(claims_put(claims, 1, "k", &two, &none, no, NULL), 0, "of what is known");
    CHECK_INTEGER(claims_find(claims, 1, "k", &claim), 0, "it is found");
    CHECK(!claim.maps, "and says that there is no mapping");
    CHECK_INTEGER(put(claims, "k", NULL, 3), 0, "a new decision");
    CHECK_INTEGER(claims_find(claims, 1, "k", &claim), 0, "it is found");
    CHECK(claim.maps, "which maps");
    CHECK_INTEGER(claim.wanted.controller_id, 3, "which leads there");
    end(claims);
}

/* The place of the claim that stands there. */
static int64_t decided(struct claims *claims)
{
    struct claim claim;
    return claims_find(claims, 1, "k", &claim) == 0 ? claim.wanted.decided : -1;
}

static int put_decided(struct claims *claims, const struct mapping *known, bool maps,
                       int64_t decided_at)
{
    struct claim claim = claim_of(2);
    claim.maps = maps;
    claim.wanted.decided = decided_at;
    claim.wanted.origin = 7;
    return claims_put(claims, 1, "k", known, &claim, yes, NULL);
}

static void a_decision_is_later_than_the_claim_that_it_replaces(void)
{
    struct claims *claims = begin();
    struct mapping two = mapping_to(2);
    two.origin = 7;
    put_decided(claims, NULL, true, two.decided = 10);
    CHECK_INTEGER(decided(claims), 10, "the first");
    CHECK_INTEGER(put_decided(claims, &two, true, 10), 0, "extended");
    CHECK_INTEGER(decided(claims), 10, "an extension keeps its place");
    CHECK_INTEGER(put_decided(claims, &two, false, 11), 0, "forgotten");
    CHECK_INTEGER(decided(claims), 11, "it is later anyway");
    CHECK_INTEGER(put_decided(claims, NULL, true, 11), 0, "in the same moment");
    CHECK_INTEGER(decided(claims), 12, "it replaced one that it did not see");
    two.decided = 12;
    CHECK_INTEGER(put_decided(claims, &two, false, 0), 0, "when nothing is shared any more");
    CHECK_INTEGER(decided(claims), 0, "there is no place");
    end(claims);
}

static void a_full_bucket_takes_no_more(void)
{
    struct claims *claims = begin();
    char key[32];
    int code = 0, made = 0;
    for (; code == 0 && made < CLAIMS_BUCKETS * CLAIMS_SLOTS; made += code == 0) {
        snprintf(key, sizeof key, "key %d", made);
        code = put(claims, key, NULL, 1);
    }
    CHECK_INTEGER(code, ERR_LIMIT, "after %d claims", made);
    CHECK(made > CLAIMS_BUCKETS * CLAIMS_SLOTS / 8, "many fit before: %d", made);
    CHECK(claims_are_full(claims), "it is full");
    size_t all = 0;
    do {
        take(claims, false);
        all += taken.count;
        for (size_t i = 0; i < taken.count; i++)
            claims_settle(claims, &taken.claims[i]);
    } while (taken.more);
    CHECK_INTEGER((int64_t)all, made, "all are taken, a batch at a time");
    CHECK(!claims_are_full(claims), "it is not full any more");
    CHECK_INTEGER(put(claims, key, NULL, 1), 0, "there is room again");
    end(claims);
}

static void keys_have_a_length(void)
{
    struct claims *claims = begin();
    struct claim claim;
    char key[CLAIMS_KEY_MAX + 1];
    memset(key, 'x', sizeof key);
    key[CLAIMS_KEY_MAX] = '\0';
    CHECK_INTEGER(put(claims, key, NULL, 1), ERR_INVAL, "too long");
    CHECK_INTEGER(claims_find(claims, 1, key, &claim), ERR_NOTFOUND, "too long");
    key[CLAIMS_KEY_MAX - 1] = '\0';
    CHECK_INTEGER(put(claims, key, NULL, 1), 0, "the longest");
    CHECK_INTEGER(found(claims, key), 1, "the longest");
    take(claims, false);
    CHECK_TEXT(taken.claims[0].key, key, "the longest");
    end(claims);
}

/* A pipe's end on which a child says that it is where it should be. */
static int reached;

static bool stay(void *context)
{
    (void)context;
    (void)!write(reached, "x", 1);
    for (;;)
        pause();
    return true;
}

/* A child that holds the bucket of a key. */
static pid_t hold(struct claims *claims, const char *key)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        struct claim claim = claim_of(9);
        claim.revision = -1; /* unlike any that may be there */
        reached = ends[1];
        claims_put(claims, 1, key, NULL, &claim, stay, NULL);
        _exit(0);
    }
    CHECK_INTEGER(read(ends[0], &byte, 1), 1, "the child holds the bucket");
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void a_killed_process_leaves_no_bucket_locked(void)
{
    struct claims *claims = begin();
    struct claim claim;
    put(claims, "k", NULL, 1);
    pid_t child = hold(claims, "k");
    for (int i = 0; i < 1000; i++) /* which would take minutes if each of them waited long */
        CHECK_INTEGER(claims_find(claims, 1, "k", &claim), ERR_BUSY, "as long as it is held");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_INTEGER(found(claims, "k"), 1, "its owner is dead");
    struct mapping known = mapping_to(1);
    CHECK_INTEGER(put(claims, "k", &known, 2), 0, "the next one goes on");
    CHECK_INTEGER(found(claims, "k"), 2, "as if nothing had been");
    end(claims);
}

static void a_bucket_that_is_held_and_empty_is_not_waited_for(void)
{
    struct claims *claims = begin();
    struct claim claim;
    pid_t child = hold(claims, "k");
    int64_t began_ms = clock_monotonic_ms();
    CHECK_INTEGER(claims_find(claims, 1, "k", &claim), ERR_NOTFOUND, "there is no claim in it");
    CHECK(clock_monotonic_ms() - began_ms < CLAIMS_WAIT_MS, "that is seen at once");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    put(claims, "k", NULL, 1);
    CHECK_INTEGER(found(claims, "k"), 1, "a claim shows");
    take(claims, false);
    claims_settle(claims, &taken.claims[0]);
    child = hold(claims, "k");
    CHECK_INTEGER(claims_find(claims, 1, "k", &claim), ERR_NOTFOUND, "it is empty again");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    end(claims);
}

static void one_of_two_is_found_when_the_other_is_written(void)
{
    struct claims *claims = begin();
    for (int i = 0; i <= CLAIMS_BUCKETS; i++) { /* at least two of them are in one bucket */
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        put(claims, key, NULL, i + 1);
    }
    take(claims, false);
    for (size_t i = 0; i + 1 < taken.count; i += 2)
        claims_settle(claims, &taken.claims[i]);
    for (size_t i = 0; i < taken.count; i++)
        CHECK_INTEGER(
            found(claims, taken.claims[i].key),
            i % 2 == 0 && i + 1 < taken.count ? 0 : taken.claims[i].claim.wanted.controller_id,
            "%s", taken.claims[i].key);
    end(claims);
}

static void the_writer_passes_a_bucket_that_is_held(void)
{
    struct claims *claims = begin();
    pid_t child = hold(claims, "held");
    if (put(claims, "k", NULL, 2) == ERR_BUSY) /* the same bucket, by chance */
        put(claims, "another", NULL, 2);
    CHECK_INTEGER((int64_t)take(claims, true), 1, "what is free is taken");
    CHECK(!taken.more, "there is no sense in asking again at once");
    CHECK(claims_have_changed(claims), "but it is looked at next time");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    take(claims, true);
    CHECK(!claims_have_changed(claims), "all could be looked at");
    end(claims);
}

static void who_waits_is_woken(void)
{
    struct claims *claims = begin();
    uint32_t seen = claims_made(claims);
    pid_t child = fork();
    if (child == 0) {
        while (atomic_load(&claims->map->writer_waits) == 0)
            usleep(1000);
        put(claims, "k", NULL, 2);
        _exit(0);
    }
    while (claims_made(claims) == seen)
        claims_wait(claims, seen, 60000);
    waitpid(child, NULL, 0);
    CHECK_INTEGER(found(claims, "k"), 2, "it was woken by this claim");
    claims_wait(claims, seen, 60000); /* returns at once, as one was made since */
    end(claims);
}

static void what_the_writer_says_is_known(void)
{
    struct claims *claims = begin();
    CHECK_INTEGER(claims_alive_ms(claims), 0, "no writer yet");
    CHECK_INTEGER(claims_bound(claims), CLAIMS_FREE, "no bound yet");
    claims_set_alive(claims, 123456);
    claims_set_bound(claims, CLAIMS_TABLE_FULL);
    CHECK_INTEGER(claims_alive_ms(claims), 123456, "its sign of life");
    CHECK_INTEGER(claims_bound(claims), CLAIMS_TABLE_FULL, "its bound");
    end(claims);
}

/* Changes bytes of the file, as a stranger would. */
static void overwrite(off_t at, const void *bytes, size_t count)
{
    int file = open(claims_path, O_WRONLY | O_CLOEXEC);
    CHECK_INTEGER(pwrite(file, bytes, count, at), (int64_t)count, "overwriting");
    close(file);
}

static void a_damaged_claim_is_none(void)
{
    struct claims *claims = begin();
    put(claims, "k", NULL, 2);
    take(claims, true);
    off_t at = (off_t)offsetof(
        struct claims_map,
        buckets[taken.claims[0].bucket].slots[taken.claims[0].slot].values[0].wanted.controller_id);
    overwrite(at, "\3", 1);
    CHECK_INTEGER(found(claims, "k"), 0, "it does not say what was claimed");
    CHECK_INTEGER((int64_t)take(claims, true), 0, "it is not written");
    CHECK_INTEGER(put(claims, "k", NULL, 1), 0, "its place is used again");
    CHECK_INTEGER(found(claims, "k"), 1, "its place is used again");
    end(claims);
}

static void claims_outlive_all_processes(void)
{
    struct claims *claims = begin();
    put(claims, "k", NULL, 2);
    claims_close(claims);
    claims = open_claims(DATABASE_NUMBER, 0, &lock_file);
    CHECK_INTEGER(found(claims, "k"), 2, "whoever comes next finds it");
    CHECK_INTEGER((int64_t)take(claims, false), 1, "and has to write it");
    end(claims);
}

/* What is there before it is opened, made from a good file; the claim in it is gone afterwards. */
static void copy_it(void)
{
    char command[6 * PLACE_PATH_MAX];
    snprintf(command, sizeof command, "cp '%s' '%s-x' && mv '%s-x' '%s'", claims_path, claims_path,
             claims_path, claims_path);
    CHECK_INTEGER(system(command), 0, "cp");
}

static void cut_it(void)
{
    CHECK_INTEGER(truncate(claims_path, 5000), 0, "truncate");
}

static void empty_it(void)
{
    CHECK_INTEGER(truncate(claims_path, 0), 0, "truncate");
}

static void spoil_magic(void)
{
    overwrite(0, "garbage!", 8);
}

static void spoil_boot(void)
{
    overwrite(offsetof(struct claims_map, head.start), "another start of it", MACHINE_START_BYTES);
}

static void delete_it(void)
{
    unlink(claims_path);
}

static void change_format(void)
{
    uint32_t format = CLAIMS_FORMAT + 1;
    overwrite(offsetof(struct claims_map, head.format), &format, sizeof format);
}

static void change_mutex(void)
{
    uint32_t bytes = sizeof(pthread_mutex_t) + 8;
    overwrite(offsetof(struct claims_map, head.mutex_bytes), &bytes, sizeof bytes);
}

static void nothing(void)
{
}

static const struct {
    const char *what;
    void (*change)(void);
    int64_t number;   /* of the database that opens it */
    bool others_stay; /* while a process uses it, this one is not replaced */
    const char *told; /* NULL: nothing is said */
} strangers[] = {
    {"a copy", copy_it, DATABASE_NUMBER, false, "was a copy and"},
    {"cut", cut_it, DATABASE_NUMBER, false, "was damaged and"},
    {"empty", empty_it, DATABASE_NUMBER, false, "was damaged and"},
    {"garbage", spoil_magic, DATABASE_NUMBER, false, "was damaged and"},
    {"of another start of the machine", spoil_boot, DATABASE_NUMBER, true, NULL},
    {"deleted", delete_it, DATABASE_NUMBER, false, NULL},
    {"of another database", nothing, DATABASE_NUMBER + 1, false, "was of another database and"},
    {"of another format", change_format, DATABASE_NUMBER, true, "was of another version"},
    {"with mutexes of another size", change_mutex, DATABASE_NUMBER, true, "was of another version"},
};

/* Whoever opens the file after that has replaced nothing. */
static void check_what_is_told(const struct claims *claims, const char *what, const char *told)
{
    struct error error = {0};
    int code = claims_replaced(claims, &error);
    CHECK_INTEGER(code, told ? ERR_IO : 0, "%s: a replacement is told", what);
    CHECK(!told || strstr(error.text, told), "%s: %s", what, error.text);
    struct lock_file other = {.descriptor = -1};
    lock_file_open(&other, place.path, false, NULL);
    struct claims *second = open_claims(claims->map->head.database, 0, &other);
    CHECK_INTEGER(claims_replaced(second, NULL), 0, "%s: once", what);
    claims_close(second);
    lock_file_close(&other);
}

static void a_file_that_does_not_fit_is_replaced(void)
{
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct claims *claims = begin();
        put(claims, "k", NULL, 2);
        claims_close(claims);
        strangers[i].change();
        claims = open_claims(strangers[i].number, 0, &lock_file);
        if (CHECK(claims, "%s", strangers[i].what)) {
            CHECK_INTEGER(found(claims, "k"), 0, "%s: what it had is not ours", strangers[i].what);
            CHECK_INTEGER(put(claims, "k", NULL, 1), 0, "%s: it can be used", strangers[i].what);
            CHECK(claims_are_current(claims), "%s", strangers[i].what);
            check_what_is_told(claims, strangers[i].what, strangers[i].told);
        }
        end(claims);
    }
}

static void a_file_in_use_is_left_or_left_behind(void)
{
    for (size_t i = 0; i < COUNT(strangers); i++) {
        struct claims *claims = begin();
        struct lock_file other = {.descriptor = -1};
        lock_file_open(&other, place.path, false, NULL);
        strangers[i].change();
        bool stays = strangers[i].others_stay;
        struct claims *second = open_claims(strangers[i].number, stays ? ERR_BUSY : 0, &other);
        CHECK(!second == stays, "%s", strangers[i].what);
        if (!stays)
            CHECK(!claims_are_current(claims), "%s: its users see it", strangers[i].what);
        claims_close(second);
        lock_file_close(&other);
        end(claims);
    }
}

static void all_claims_can_be_looked_through(void)
{
    struct claims *claims = begin();
    static struct taken_claims found;
    const struct mapping mapping = {.controller_id = 1, .method = "modulus"};
    const struct claim claim = {.maps = true, .wanted = mapping};
    bool seen[3000] = {false};
    uint32_t bucket = 0;
    size_t count = 0, parts = 0;
    for (int i = 0; i < (int)COUNT(seen); i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        CHECK_INTEGER(claims_put(claims, 1, key, NULL, &claim, yes, NULL), 0, "%s", key);
    }
    for (; claims_look_through(claims, &bucket, &found); parts++)
        for (size_t i = 0; i < found.count; i++, count++)
            seen[strtol(found.claims[i].key, NULL, 10)] = true;
    CHECK_INTEGER((int64_t)count, COUNT(seen), "each once");
    CHECK(parts >= 3, "in parts: %zu", parts);
    for (size_t i = 0; i < COUNT(seen); i++)
        CHECK(seen[i], "claim %zu", i);
    CHECK_INTEGER((int64_t)claims_count(claims), COUNT(seen), "they stay");
    end(claims);
}

static void a_file_that_cannot_be_made_is_told_of(void)
{
    struct claims *claims = begin();
    claims_close(claims);
    unlink(claims_path);
    CHECK_INTEGER(mkdir(claims_path, 0700), 0, "a directory in its place");
    CHECK(open_claims(DATABASE_NUMBER, ERR_IO, &lock_file) == NULL, "it is no file");
    rmdir(claims_path);
    CHECK_INTEGER(symlink("/etc/passwd", claims_path), 0, "a link in its place");
    CHECK(open_claims(DATABASE_NUMBER, ERR_IO, &lock_file) == NULL, "links are not followed");
    unlink(claims_path);
    end(NULL);
}

static void who_finds_it_being_made_waits_or_goes_on_without(void)
{
    struct claims *claims = begin();
    struct lock_file other = {.descriptor = -1};
    struct error error = {0};
    claims_close(claims);
    claims = NULL;
    unlink(claims_path);
    CHECK_INTEGER(lock_file_open(&other, place.path, false, NULL), 0, "another process");
    CHECK(lock_file_take(&other, LOCK_CLAIMS_MADE), "it makes the file");
    for (int wait_ms = 0; wait_ms <= 100; wait_ms += 100) {
        int64_t begun_ms = clock_monotonic_ms();
        int code = claims_open(place.path, &database, DATABASE_NUMBER, &lock_file, wait_ms, &claims,
                               &error);
        CHECK_INTEGER(code, ERR_BUSY, "without waiting for longer than %d ms", wait_ms);
        CHECK(clock_monotonic_ms() - begun_ms >= wait_ms, "it waits for %d ms", wait_ms);
    }
    CHECK(lock_file_take(&other, LOCK_CLAIMS_USED), "nothing is held afterwards");
    lock_file_close(&other);
    end(open_claims(DATABASE_NUMBER, 0, &lock_file));
}

static void without_memory_there_are_no_claims(void)
{
    for (size_t n = 1; n < 20; n++) {
        struct claims *claims = begin();
        struct error error = {0};
        claims_close(claims);
        claims = NULL;
        memory_fail_at(n);
        int code = claims_open(place.path, &database, DATABASE_NUMBER, &lock_file, WAIT_MS, &claims,
                               &error);
        bool failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        end(claims);
        if (!failed)
            break;
    }
}

static const CU_TestInfo tests[] = {
    {"what is put is found by everybody", what_is_put_is_found_by_everybody},
    {"a claim is lost to one that was not known", a_claim_is_lost_to_one_that_was_not_known},
    {"without a claim the table decides", without_a_claim_the_table_decides},
    {"a claim of another revision is none", a_claim_of_another_revision_is_none},
    {"what is settled is gone", what_is_settled_is_gone},
    {"a claim that was replaced meanwhile stays", a_claim_that_was_replaced_meanwhile_stays},
    {"a slot that was used anew is not settled", a_slot_that_was_used_anew_is_not_settled},
    {"deleting is a claim too", deleting_is_a_claim_too},
    {"a decision is later than the claim that it replaces",
     a_decision_is_later_than_the_claim_that_it_replaces},
    {"a full bucket takes no more", a_full_bucket_takes_no_more},
    {"keys have a length", keys_have_a_length},
    {"a killed process leaves no bucket locked", a_killed_process_leaves_no_bucket_locked},
    {"a bucket that is held and empty is not waited for",
     a_bucket_that_is_held_and_empty_is_not_waited_for},
    {"one of two is found when the other is written",
     one_of_two_is_found_when_the_other_is_written},
    {"the writer passes a bucket that is held", the_writer_passes_a_bucket_that_is_held},
    {"who waits is woken", who_waits_is_woken},
    {"what the writer says is known", what_the_writer_says_is_known},
    {"a damaged claim is none", a_damaged_claim_is_none},
    {"claims outlive all processes", claims_outlive_all_processes},
    {"a file that does not fit is replaced", a_file_that_does_not_fit_is_replaced},
    {"a file in use is left, or left behind", a_file_in_use_is_left_or_left_behind},
    {"all claims can be looked through", all_claims_can_be_looked_through},
    {"a file that cannot be made is told of", a_file_that_cannot_be_made_is_told_of},
    {"who finds it being made waits or goes on without",
     who_finds_it_being_made_waits_or_goes_on_without},
    {"without memory there are no claims", without_memory_there_are_no_claims},
    CU_TEST_INFO_NULL,
};

const struct suite suite_claims = {"claims", tests};

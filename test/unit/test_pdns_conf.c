#include "program/review/pdns_conf.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "program/review/backends.h"
#include "suites.h"

/* The settings that were read, as NAME=VALUE@LINE, one after the other; or what is wrong. */
static void describe(const struct pdns_conf *conf, const struct error *error, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < conf->count; i++)
        buffer_printf(out, "%s%s=%s@%d", i ? " " : "", conf->values[i].name, conf->values[i].text,
                      conf->values[i].line);
    if (error->code != 0)
        buffer_printf(out, "%s%s", conf->count > 0 ? " " : "", error->text);
}

static void lines_are_read_as_powerdns_reads_them(void)
{
    static const struct {
        const char *text, *read;
    } rows[] = {
        {"", ""},
        {"\n\n", ""},
        {"a=1", "a=1@1"},
        {"a=1\nb=2\n", "a=1@1 b=2@2"},
        {"a=1\r\nb=2\r\n", "a=1@1 b=2@2"},
        {"  a \t=\t 1 2  \n", "a=1 2@1"},
        {"a=1\na=2\n", "a=2@2"},
        {"a\n", "a=@1"},
        {"a=\n", "a=@1"},
        {"=1\n", ""},
        {"a==1\n", "a==1@1"},
        {"a=b=c\n", "a=b=c@1"},
        {"a='1' \"2\"\n", "a='1' \"2\"@1"},
        /* comments */
        {"# a=1\n", ""},
        {"  # a=1\n", ""},
        {"a=1 # one\n", "a=1@1"},
        {"a=1#one\n", "a=1#one@1"},
        {"a=1\t#\n", "a=1@1"},
        {"a=1#2 # the first one counts\n", "a=1#2 # the first one counts@1"},
        /* lines that go on */
        {"a=1\\\n2\nb=3\n", "a=12@1 b=3@3"},
        {"a=1\\  \n 2\n", "a=1 2@1"},
        {"# a=1\\\nb=2\nc=3\n", "c=3@3"},
        {"a=1\\", ""},
        {"a=1\nb=2\\\n", "a=1@1"},
        {"\\\n\\\na=1\n", "a=1@1"},
        /* what is added */
        {"a=1\na+=2\n", "a=1, 2@2"},
        {"a=\na+=2\na += 3\n", "a=2, 3@3"},
        {"launch+=pipe\n",
         "f, line 1: launch+= comes before any launch=, so PowerDNS does not start"},
        {"\na=1\nsetuid+=2\nc=3\n",
         "a=1@2 f, line 3: setuid+= comes before any setuid=, so PowerDNS does not start"},
        {"allow-axfr-ips+=192.0.2.1\n", "allow-axfr-ips=192.0.2.1@1"},
        {"cache-ttl+=5\n", "cache-ttl=20, 5@1"},
        {"a=b+=c\n", "a=b=c@1"},
    };
    struct buffer read = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pdns_conf conf = {0};
        struct error error = {0};
        int code = pdns_conf_add(&conf, "f", rows[i].text, strlen(rows[i].text), &error);
        CHECK_INTEGER(code, error.code, "%s", rows[i].text);
        describe(&conf, &error, &read);
        CHECK_TEXT(buffer_text(&read), rows[i].read, "%s", rows[i].text);
        pdns_conf_release(&conf);
    }
    buffer_release(&read);
}

static void a_nul_octet_ends_a_line_early(void)
{
    static const char text[] = "a=1\0 2\nb=3\n";
    struct pdns_conf conf = {0};
    struct error error = {0};
    struct buffer read = {0};
    CHECK_INTEGER(pdns_conf_add(&conf, "f", text, sizeof text - 1, &error), 0, "%s", error.text);
    describe(&conf, &error, &read);
    CHECK_TEXT(buffer_text(&read), "a=1@1 b=3@2", "two settings");
    buffer_release(&read);
    pdns_conf_release(&conf);
}

/* A file that includes a directory with these files; the last one includes another, in vain. */
static void write_files(const struct place *place, struct buffer *ret_text)
{
    char path[PLACE_PATH_MAX];
    place_write(place, "B.conf", "b=1\nboth=B\n");
    place_write(place, "a.conf", "a=1\nboth=a\ninclude-dir=/nowhere\n");
    place_write(place, ".hidden.conf", "c=1\n");
    place_write(place, "d.conf~", "d=1\n");
    place_name(place, "pdns", path);
    buffer_clear(ret_text);
    buffer_printf(ret_text, "both=main\ninclude-dir=%s\n", place->directory);
    place_write(place, "pdns", buffer_text(ret_text));
}

static void included_files_follow_in_the_order_of_their_names(void)
{
    struct place place;
    struct pdns_conf conf;
    struct error error = {0};
    struct buffer text = {0};
    char path[PLACE_PATH_MAX];
    place_init(&place);
    write_files(&place, &text);
    place_name(&place, "pdns", path);
    CHECK_INTEGER(pdns_conf_read(path, &conf, &error), 0, "%s", error.text);
    CHECK_TEXT(pdns_conf_find(&conf, "both")->text, "B", "the last one");
    CHECK_INTEGER(pdns_conf_find(&conf, "both")->line, 2, "its line");
    CHECK(strstr(pdns_conf_find(&conf, "both")->file, "/B.conf"), "its file");
    CHECK(pdns_conf_find(&conf, "a") && pdns_conf_find(&conf, "b"), "both were read");
    CHECK(!pdns_conf_find(&conf, "c") && !pdns_conf_find(&conf, "d"), "the others were not");
    CHECK_TEXT(pdns_conf_find(&conf, "include-dir")->text, "/nowhere", "and has no effect");
    pdns_conf_release(&conf);
    buffer_release(&text);
    place_release(&place);
}

static void what_cannot_be_read_is_told(void)
{
    struct place place;
    struct pdns_conf conf;
    struct error error = {0};
    char path[PLACE_PATH_MAX];
    place_init(&place);
    place_name(&place, "none", path);
    CHECK_INTEGER(pdns_conf_read(path, &conf, &error), ERR_IO, "no file");
    CHECK(strstr(error.text, "none cannot be read: No such file"), "%s", error.text);
    pdns_conf_release(&conf);
    error = (struct error){0};
    CHECK_INTEGER(pdns_conf_read(place.directory, &conf, &error), ERR_IO, "a directory");
    pdns_conf_release(&conf);
    place_release(&place);
}

static void a_file_without_an_end_is_refused(void)
{
    struct pdns_conf conf;
    struct error error = {0};
    CHECK_INTEGER(pdns_conf_read("/dev/zero", &conf, &error), ERR_INVAL, "%s", error.text);
    pdns_conf_release(&conf);
}

/* ---------------------------------------------------------------- backends */

/* What was understood of a configuration. */
static void describe_backends(const struct backends *backends, struct buffer *out)
{
    static const char *const ways[] = {"none", "pipe", "remote pipe", "unix"};
    buffer_clear(out);
    for (size_t i = 0; i < backends->count; i++)
        buffer_printf(out, "%s%s%s ", backends->list[i].module,
                      &backends->list[i] == backends->sticky ? "*" : "",
                      backends->list[i].prefix + strlen(backends->list[i].module));
    buffer_printf(out, "%s", ways[backends->way]);
    for (size_t i = 0; i < backends->word_count; i++)
        buffer_printf(out, " [%s]", backends->words[i]);
    if (backends->socket)
        buffer_printf(out, " at %s", backends->socket);
    if (backends->timeout)
        buffer_printf(out, " in %s", backends->timeout);
    if (backends_database(backends))
        buffer_printf(out, " of %s", backends_database(backends));
}

static void backends_are_those_of_launch(void)
{
    static const struct {
        const char *text, *read;
    } rows[] = {
        {"", "none"},
        {"launch=bind, gmysql\n", "bind gmysql none"},
        {"launch=pipe\n", "pipe* pipe [] in 2000"},
        {"launch=pipe\npipe-command=/p  -d f\n", "pipe* pipe [/p] [] [-d] [f] in 2000 of f"},
        {"launch=pipe:x\npipe-command=/a\npipe-x-command=/b\npipe-x-timeout=7\n",
         "pipe*-x pipe [/b] in 7"},
        {"launch=pipe\npipe-command=/p --database=f --database g\n",
         "pipe* pipe [/p] [--database=f] [--database] [g] in 2000 of g"},
        {"launch=pipe\npipe-command=/p --database\n", "pipe* pipe [/p] [--database] in 2000"},
        {"launch=pipe:a,pipe:b\npipe-a-command=/other\npipe-b-command=/pdns-sticky\n",
         "pipe-a pipe*-b pipe [/pdns-sticky] in 2000"},
        {"launch=gsqlite3:meta,remote gsqlite3\nremote-connection-string=unix:path=/s,timeout=9\n",
         "gsqlite3-meta remote* gsqlite3 unix at /s in 9"},
        {"launch=remote\nremote-connection-string=pipe:command=/p -d f,timeout=9\n",
         "remote* remote pipe [/p] [-d] [f] in 9 of f"},
        {"launch=remote\nremote-connection-string=http:url=http://x/\n", "remote* none in 2000"},
        {"launch=remote\n", "remote* none in 2000"},
        {"launch=remote\nremote-connection-string=unix:path\n", "remote* unix in 2000"},
        {"launch=,:,,pipe\n", "pipe* pipe [] in 2000"},
    };
    struct buffer read = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pdns_conf conf = {0};
        struct backends backends;
        CHECK_INTEGER(pdns_conf_add(&conf, "f", rows[i].text, strlen(rows[i].text), NULL), 0, "%s",
                      rows[i].text);
        CHECK_INTEGER(backends_read(&conf, &backends), 0, "%s", rows[i].text);
        describe_backends(&backends, &read);
        CHECK_TEXT(buffer_text(&read), rows[i].read, "%s", rows[i].text);
        backends_release(&backends);
        pdns_conf_release(&conf);
    }
    buffer_release(&read);
}

static void more_backends_than_there_is_room_for_are_left_out(void)
{
    struct buffer text = {0};
    struct pdns_conf conf = {0};
    struct backends backends;
    buffer_add_text(&text, "launch=pipe");
    for (int i = 0; i < 2 * BACKENDS_MAX; i++)
        buffer_printf(&text, ",gsqlite3:%d", i);
    CHECK_INTEGER(pdns_conf_add(&conf, "f", text.data, text.length, NULL), 0, "add");
    CHECK_INTEGER(backends_read(&conf, &backends), 0, "read");
    CHECK_INTEGER((int64_t)backends.count, BACKENDS_MAX, "no more");
    CHECK(backends_are_overlay(&backends), "there are others");
    backends_release(&backends);
    pdns_conf_release(&conf);
    buffer_release(&text);
}

/* ---------------------------------------------------------------- memory */

static int read_all(const char *text, struct pdns_conf *conf, struct backends *backends)
{
    int code = pdns_conf_add(conf, "f", text, strlen(text), NULL);
    return code != 0 ? code : backends_read(conf, backends);
}

static void without_memory_nothing_is_made_up(void)
{
    static const char text[] = "launch=pipe:a\nlaunch+=gsqlite3\npipe-a-command=/p -d f\n";
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct pdns_conf conf = {0};
        struct backends backends = {0};
        memory_fail_at(n);
        int code = read_all(text, &conf, &backends);
        failed = memory_fail_end();
        CHECK(code == ERR_NOMEM || backends.count == 2, "allocation %zu", n);
        backends_release(&backends);
        pdns_conf_release(&conf);
    }
}

static CU_TestInfo tests[] = {
    {"lines are read as PowerDNS reads them", lines_are_read_as_powerdns_reads_them},
    {"a NUL octet ends a line early", a_nul_octet_ends_a_line_early},
    {"included files follow in the order of their names",
     included_files_follow_in_the_order_of_their_names},
    {"what cannot be read is told", what_cannot_be_read_is_told},
    {"a file without an end is refused", a_file_without_an_end_is_refused},
    {"backends are those of launch", backends_are_those_of_launch},
    {"more backends than there is room for are left out",
     more_backends_than_there_is_room_for_are_left_out},
    {"without memory nothing is made up", without_memory_nothing_is_made_up},
    CU_TEST_INFO_NULL,
};

const struct suite suite_pdns_conf = {"pdns_conf", tests};

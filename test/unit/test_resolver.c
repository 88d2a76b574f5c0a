/*
 * Lookups of a name server that runs in the same event loop, of the answers that it gives and of
 * files that name it. Real checks of names are in test/integration/test_probes_names.py.
 */
#include "monitor/resolver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

/* Longer than any lookup here, in case one is never done. */
#define GUARD_S 20

/* Answers A questions with 192.0.2.7, AAAA questions with nothing. */
struct desk {
    struct event_base *base;
    int descriptor;
    struct event *reader;
    uint16_t port;
    size_t questions;
    bool has_address;
    bool is_nowhere;    /* the address is 0.0.0.0 */
    bool refuses_edns;  /* FORMERR */
    bool drops_edns;    /* no answer */
    size_t cut;         /* so many answers are cut off before the address */
    struct place place; /* for files */
    int done;
    struct address found; /* FAMILY_NONE: it has no address */
};

static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7};

static void on_question(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct desk *desk = context;
    uint8_t bytes[512];
    struct sockaddr_storage source;
    socklen_t size = sizeof source;
    ssize_t length =
        recvfrom(descriptor, bytes, sizeof bytes - sizeof record, 0, (void *)&source, &size);
    if (!CHECK(length > 16, "a question"))
        return;
    bool has_edns = bytes[11] == 1;
    length -= has_edns ? 11 : 0;
    bytes[11] = 0;
    desk->questions++;
    if (desk->drops_edns && has_edns)
        return;
    bytes[2] |= 0x80; /* it is an answer */
    if (desk->refuses_edns && has_edns) {
        bytes[3] |= 1;
    } else if (desk->questions <= desk->cut) {
        bytes[2] |= 2;
    } else if (desk->has_address && bytes[length - 3] == 1) {
        bytes[7] = 1;
        memcpy(bytes + length, record, sizeof record);
        length += (ssize_t)sizeof record;
        if (desk->is_nowhere)
            memset(bytes + length - 4, 0, 4);
    }
    sendto(descriptor, bytes, (size_t)length, 0, (void *)&source, size);
}

static void desk_init(struct desk *desk)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *desk = (struct desk){.base = event_base_new(), .has_address = true};
    place_init(&desk->place);
    desk->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK_INTEGER(bind(desk->descriptor, (void *)&address, size), 0, "bind");
    getsockname(desk->descriptor, (void *)&address, &size);
    desk->port = ntohs(address.sin_port);
    desk->reader = event_new(desk->base, desk->descriptor, EV_READ | EV_PERSIST, on_question, desk);
    event_add(desk->reader, NULL);
}

static void desk_release(struct desk *desk)
{
    event_free(desk->reader);
    close(desk->descriptor);
    event_base_free(desk->base);
    place_release(&desk->place);
}

static void on_done(void *context, const struct address *address)
{
    struct desk *desk = context;
    desk->done++;
    desk->found = address ? *address : (struct address){.family = FAMILY_NONE};
    event_base_loopbreak(desk->base);
}

/* A file with these lines, in which @ is the port; its path. */
static const char *write_file(struct desk *desk, const char *lines,
                              char path[static PLACE_PATH_MAX])
{
    struct buffer text = {0};
    for (const char *c = lines; *c; c++)
        if (*c == '@')
            buffer_printf(&text, "%u", desk->port);
        else
            buffer_add_char(&text, *c);
    place_write(&desk->place, "resolv.conf", buffer_text(&text));
    place_name(&desk->place, "resolv.conf", path);
    buffer_release(&text);
    return path;
}

static void look_up(struct desk *desk, const char *lines, enum address_family family)
{
    char path[PLACE_PATH_MAX];
    struct lookup *lookup = NULL;
    const struct timeval guard = {.tv_sec = GUARD_S};
    desk->done = 0;
    CHECK_INTEGER(lookup_begin(desk->base, write_file(desk, lines, path), "lb.cloud.example",
                               family, on_done, desk, &lookup),
                  0, "%s", lines);
    CHECK_INTEGER(desk->done, 0, "not from there");
    event_base_loopexit(desk->base, &guard);
    event_base_dispatch(desk->base);
    CHECK_INTEGER(desk->done, 1, "%s", lines);
    lookup_end(lookup);
}

static void a_file_names_the_servers(void)
{
    static const char *const files[] = {
        "nameserver [127.0.0.1]:@\n",
        "nameserver\t[127.0.0.1]:@",
        "# nameserver 192.0.2.1\n;x\n\nsearch a.example\nnameserver   [127.0.0.1]:@ # ours\n",
        "nameserver x\nnameserver [::1\nnameserver []:1\nnameserver [127.0.0.1]:0\n"
        "nameserver [127.0.0.1]:65536\nnameserver [127.0.0.1]:1x\nnameserver [127.0.0.1]:@\n",
        /* Nobody listens at the first two; the fourth is not asked. */
        "nameserver [127.0.0.1]:1\nnameserver [::1]:1\nnameserver [127.0.0.1]:@\n"
        "nameserver [127.0.0.1]:2\n",
    };
    const struct address expected = address_of("192.0.2.7");
    for (size_t i = 0; i < COUNT(files); i++) {
        struct desk desk;
        desk_init(&desk);
        look_up(&desk, files[i], FAMILY_NONE);
        CHECK(address_equal(&desk.found, &expected), "file %zu", i);
        CHECK_INTEGER((int64_t)desk.questions, 1, "file %zu", i);
        desk_release(&desk);
    }
}

static void a_name_without_addresses_was_asked_for_both_kinds(void)
{
    struct desk desk;
    desk_init(&desk);
    desk.has_address = false;
    look_up(&desk, "nameserver [127.0.0.1]:@\n", FAMILY_NONE);
    CHECK_INTEGER(desk.found.family, FAMILY_NONE, "none");
    CHECK_INTEGER((int64_t)desk.questions, 2, "A and AAAA");
    desk_release(&desk);
}

static void an_answer_that_was_cut_off_does_not_mean_that_there_is_no_address(void)
{
    struct desk desk;
    desk_init(&desk);
    desk.cut = 1;
    look_up(&desk, "nameserver [127.0.0.1]:@\nnameserver [127.0.0.1]:@\n", FAMILY_NONE);
    CHECK_INTEGER(desk.found.family, FAMILY_IPV4, "the other server knows it");
    CHECK_INTEGER((int64_t)desk.questions, 2, "one each");
    desk_release(&desk);
}

static void a_server_that_refuses_edns_is_asked_without_it(void)
{
    struct desk desk;
    desk_init(&desk);
    desk.refuses_edns = true;
    look_up(&desk, "nameserver [127.0.0.1]:@\n", FAMILY_NONE);
    CHECK_INTEGER(desk.found.family, FAMILY_IPV4, "found");
    CHECK_INTEGER((int64_t)desk.questions, 2, "with and without");
    desk_release(&desk);
    desk_init(&desk);
    desk.drops_edns = true;
    look_up(&desk, "nameserver [127.0.0.1]:@\n", FAMILY_NONE);
    CHECK_INTEGER(desk.found.family, FAMILY_IPV4, "found after a silence");
    desk_release(&desk);
}

static void nowhere_is_no_address(void)
{
    struct desk desk;
    desk_init(&desk);
    desk.is_nowhere = true;
    look_up(&desk, "nameserver [127.0.0.1]:@\n", FAMILY_NONE);
    CHECK_INTEGER(desk.found.family, FAMILY_NONE, "0.0.0.0");
    CHECK_INTEGER((int64_t)desk.questions, 2, "A and AAAA");
    desk_release(&desk);
}

static void a_lookup_for_one_family_asks_for_that_alone(void)
{
    static const struct {
        enum address_family family, found;
        bool has_address;
    } rows[] = {
        {FAMILY_IPV4, FAMILY_IPV4, true},
        {FAMILY_IPV4, FAMILY_NONE, false},
        {FAMILY_IPV6, FAMILY_NONE, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct desk desk;
        desk_init(&desk);
        desk.has_address = rows[i].has_address;
        look_up(&desk, "nameserver [127.0.0.1]:@\n", rows[i].family);
        CHECK_INTEGER(desk.found.family, rows[i].found, "row %zu", i);
        CHECK_INTEGER((int64_t)desk.questions, 1, "row %zu", i);
        desk_release(&desk);
    }
}

static void a_lookup_that_was_ended_is_never_done(void)
{
    struct desk desk;
    char path[PLACE_PATH_MAX];
    desk_init(&desk);
    write_file(&desk, "nameserver [127.0.0.1]:@\n", path);
    for (int i = 0; i < 20; i++) {
        struct lookup *lookup = NULL;
        CHECK_INTEGER(
            lookup_begin(desk.base, path, "a.example", FAMILY_NONE, on_done, &desk, &lookup), 0,
            "%d", i);
        if (i % 2)
            event_base_loop(desk.base, EVLOOP_ONCE); /* the server answers */
        lookup_end(lookup);
    }
    event_base_loop(desk.base, EVLOOP_NONBLOCK);
    CHECK_INTEGER(desk.done, 0, "done");
    lookup_end(NULL);
    desk_release(&desk);
}

static void what_is_no_name_is_not_looked_up(void)
{
    static const char *const names[] = {"a..example", ".a"};
    struct desk desk;
    struct lookup *lookup = NULL;
    desk_init(&desk);
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK_INTEGER(
            lookup_begin(desk.base, "/nonexistent", names[i], FAMILY_NONE, on_done, &desk, &lookup),
            ERR_INVAL, "%s", names[i]);
    for (size_t n = 1; n <= 2; n++) {
        memory_fail_at(n);
        CHECK_INTEGER(lookup_begin(desk.base, "/nonexistent", "a.example", FAMILY_NONE, on_done,
                                   &desk, &lookup),
                      ERR_NOMEM, "allocation %zu", n);
        CHECK(memory_fail_end(), "allocation %zu", n);
    }
    CHECK(!lookup, "nothing is made");
    desk_release(&desk);
}

static const CU_TestInfo tests[] = {
    {"a file names the servers", a_file_names_the_servers},
    {"a name without addresses was asked for both kinds",
     a_name_without_addresses_was_asked_for_both_kinds},
    {"an answer that was cut off does not mean that there is no address",
     an_answer_that_was_cut_off_does_not_mean_that_there_is_no_address},
    {"a server that refuses EDNS is asked without it",
     a_server_that_refuses_edns_is_asked_without_it},
    {"nowhere is no address", nowhere_is_no_address},
    {"a lookup for one family asks for that alone", a_lookup_for_one_family_asks_for_that_alone},
    {"a lookup that was ended is never done", a_lookup_that_was_ended_is_never_done},
    {"what is no name is not looked up", what_is_no_name_is_not_looked_up},
    CU_TEST_INFO_NULL,
};

const struct suite suite_resolver = {"resolver", tests};

/*
 * Many resolvers that ask a DNS server over UDP, a closed loop: as many questions are under way as
 * the window says, and each reply lets the next one go.
 *
 *   load --port N [OPTION...]      numbers as one JSON object
 *
 *   --seconds N     of measuring (2.5), after --warm-up N seconds that do not count (0.5)
 *   --window N      questions under way (64)
 *   --crowd N       so many resolvers are known to the server (1000000)
 *   --first N       where in the crowd's order to begin (0)
 *   --strangers     resolvers that are not known; each asks once
 *   --stuck         each answer must be the server that its resolver's mapping names
 *   --a-alone       only A; otherwise A, AAAA and HTTPS as 55, 35 and 10 of a hundred
 *
 * Each question comes with a PROXY header (version 2), from which the server takes the resolver's
 * address. It carries EDNS padding too: PowerDNS 4.7 takes such a question to be longer than it is,
 * by its PROXY header, and its packet cache would find no two questions alike.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "histogram.h"
#include "resolvers.h"

#define WINDOW_MAX 256
#define SERVERS 3
#define LOST_NS 1000000000ULL /* after so long a reply will not come */
#define POLL_MS 50
#define FASTEST 80000ULL /* questions in a second, more than any contender answers */
#define CYCLE 200000ULL  /* known resolvers that ask in turn, until the time is over */
#define PACKET_MAX 256
#define REPLY_MAX 1500

enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_HTTPS = 65 };

struct options {
    uint16_t port;
    double seconds, warm_up;
    uint64_t crowd, first;
    size_t window;
    bool strangers, stuck, a_alone;
};

/* One question: who, what, and which server the answer must name; 0 for any. */
struct question {
    uint8_t address[16];
    bool ipv6;
    uint8_t type, server;
};

/* A place for one question under way. Its reply carries the slot and its turn in the DNS ID. */
struct slot {
    bool busy;
    uint8_t turn;
    uint64_t sent_ns;
    const struct question *question;
    uint8_t packet[PACKET_MAX];
};

struct load {
    struct options options;
    struct question *questions;
    uint64_t question_count, asked, wrong, lost;
    int socket;
    struct slot slots[WINDOW_MAX];
    struct histogram times;
};

static const uint8_t proxy_start[] = "\r\n\r\n\0\r\nQUIT\n\x21";
static const uint8_t question_name[] = "\3www\5bench\7example"; /* and the root's zero */

/* OPT: 1232 octets may come back; one option, padding (12) of 64 zeros. */
static const uint8_t edns[11 + 4 + 64] = {0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0,
                                          0, 0, 68, 0,         12,          0, 64};

static void choose_question(const struct load *load, const struct crowd *crowd, uint64_t index,
                            struct question *ret_question)
{
    struct resolver resolver;
    uint64_t number = 0, percent = scramble(index) % 100, step = load->options.first + index;
    if (load->options.strangers)
        crowd_stranger(crowd, step, &resolver);
    else
        number = crowd_known(crowd, step, &resolver);
    *ret_question = (struct question){.ipv6 = resolver.ipv6, .type = TYPE_A};
    memcpy(ret_question->address, resolver.address, sizeof resolver.address);
    if (load->options.stuck)
        ret_question->server = (uint8_t)(1 + number % SERVERS);
    if (!load->options.a_alone && percent >= 55)
        ret_question->type = percent < 90 ? TYPE_AAAA : TYPE_HTTPS;
}

static void prepare(struct load *load)
{
    const struct options *options = &load->options;
    struct crowd crowd;
    double seconds = options->seconds + options->warm_up;
    load->question_count = options->strangers ? (uint64_t)(seconds * (double)FASTEST) : CYCLE;
    load->questions = calloc(load->question_count, sizeof *load->questions);
    if (!load->questions)
        fail("out of memory");
    crowd_init(&crowd, options->crowd);
    for (uint64_t i = 0; i < load->question_count; i++)
        choose_question(load, &crowd, i, &load->questions[i]);
}

static uint8_t *add(uint8_t *end, const void *bytes, size_t count)
{
    memcpy(end, bytes, count);
    return end + count;
}

static uint8_t *add_proxy_header(uint8_t *end, const struct question *question)
{
    static const uint8_t ports[] = {53053 >> 8, 53053 & 0xff, 0, 53};
    static const uint8_t destination[16] = {0x20, 0x01, 0x0d, 0xb8};
    uint8_t size = question->ipv6 ? 16 : 4;
    uint8_t family[] = {question->ipv6 ? 0x22 : 0x12, 0, (uint8_t)(2 * size + sizeof ports)};
    end = add(end, proxy_start, sizeof proxy_start - 1);
    end = add(end, family, sizeof family);
    end = add(end, question->address, size);
    end = add(end, destination, size);
    return add(end, ports, sizeof ports);
}

/* Returns the length of the packet. */
static size_t write_packet(const struct question *question, size_t slot, uint8_t turn,
                           uint8_t *packet)
{
    const uint8_t header[] = {turn, (uint8_t)slot, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    const uint8_t type[] = {0, question->type, 0, 1};
    uint8_t *end = add_proxy_header(packet, question);
    end = add(end, header, sizeof header);
    end = add(end, question_name, sizeof question_name);
    end = add(end, type, sizeof type);
    end = add(end, edns, sizeof edns);
    return (size_t)(end - packet);
}

static bool is_over(const struct load *load)
{
    return load->options.strangers && load->asked >= load->question_count;
}

/* Gives every free slot its next question and sends them all. */
static void send_questions(struct load *load)
{
    static struct mmsghdr messages[WINDOW_MAX];
    static struct iovec parts[WINDOW_MAX];
    unsigned count = 0;
    uint64_t now_ns = clock_ns();
    for (size_t i = 0; i < load->options.window && !is_over(load); i++) {
        struct slot *slot = &load->slots[i];
        if (slot->busy)
            continue;
        slot->question = &load->questions[load->asked++ % load->question_count];
        slot->turn++;
        slot->busy = true;
        slot->sent_ns = now_ns;
        parts[count].iov_base = slot->packet;
        parts[count].iov_len = write_packet(slot->question, i, slot->turn, slot->packet);
        messages[count].msg_hdr = (struct msghdr){.msg_iov = &parts[count], .msg_iovlen = 1};
        count++;
    }
    /* What is not sent is lost, and counted as that. */
    if (count > 0 && sendmmsg(load->socket, messages, count, 0) < 0 && errno != EAGAIN)
        fail("questions cannot be sent: %s", strerror(errno));
}

/* Server n of the pool has the addresses 192.0.2.8n and 2001:db8::8n. */
static bool names_server(const struct question *question, const uint8_t *address, size_t length)
{
    static const uint8_t ipv4[] = {192, 0, 2};
    static const uint8_t ipv6[15] = {0x20, 0x01, 0x0d, 0xb8};
    bool is_ipv6 = question->type == TYPE_AAAA;
    size_t network = is_ipv6 ? sizeof ipv6 : sizeof ipv4;
    if (length != network + 1 || memcmp(address, is_ipv6 ? ipv6 : ipv4, network) != 0)
        return false;
    int server = address[network] - (is_ipv6 ? 0x80 : 80);
    return server >= 1 && server <= SERVERS &&
           (question->server == 0 || server == question->server);
}

/* NOERROR; one record that is right, or none where HTTPS was asked. */
static bool is_right(const struct question *question, const uint8_t *reply, size_t length)
{
    enum { HEADER = 12, QUESTION = HEADER + sizeof question_name + 4, FIXED = 12 };
    if (length < QUESTION || (reply[3] & 0x0f) != 0 || reply[6] != 0)
        return false;
    if (question->type == TYPE_HTTPS)
        return reply[7] == 0;
    const uint8_t *record = reply + QUESTION; /* owner as a pointer, type, class, TTL, length */
    if (reply[7] != 1 || length < QUESTION + FIXED || record[3] != question->type)
        return false;
    size_t size = record[11];
    return length >= QUESTION + FIXED + size && names_server(question, record + FIXED, size);
}

static void take_reply(struct load *load, const uint8_t *reply, size_t length, uint64_t now_ns)
{
    struct slot *slot =
        length >= 2 && reply[1] < load->options.window ? &load->slots[reply[1]] : NULL;
    if (!slot || !slot->busy || slot->turn != reply[0])
        return; /* the reply to a question that was given up */
    slot->busy = false;
    histogram_add(&load->times, now_ns - slot->sent_ns);
    if (!is_right(slot->question, reply, length))
        load->wrong++;
}

static void receive_replies(struct load *load)
{
    static uint8_t replies[WINDOW_MAX][REPLY_MAX];
    static struct iovec parts[WINDOW_MAX];
    static struct mmsghdr messages[WINDOW_MAX];
    struct pollfd input = {.fd = load->socket, .events = POLLIN};
    if (poll(&input, 1, POLL_MS) <= 0)
        return;
    for (size_t i = 0; i < WINDOW_MAX; i++) {
        parts[i] = (struct iovec){replies[i], REPLY_MAX};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(load->socket, messages, WINDOW_MAX, MSG_DONTWAIT, NULL);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        fail("replies cannot be read: %s", strerror(errno));
    uint64_t now_ns = clock_ns();
    for (int i = 0; i < count; i++)
        take_reply(load, replies[i], messages[i].msg_len, now_ns);
}

static void give_up_the_lost(struct load *load)
{
    uint64_t now_ns = clock_ns();
    for (size_t i = 0; i < load->options.window; i++) {
        struct slot *slot = &load->slots[i];
        if (slot->busy && now_ns - slot->sent_ns > LOST_NS) {
            slot->busy = false;
            load->lost++;
        }
    }
}

/* Asks until then, or until the strangers are used up; returns when that was. */
static uint64_t ask_until(struct load *load, uint64_t end_ns)
{
    uint64_t now_ns;
    while ((now_ns = clock_ns()) < end_ns && !is_over(load)) {
        send_questions(load);
        receive_replies(load);
        give_up_the_lost(load);
    }
    return now_ns;
}

/* Waits for what is still under way. */
static void drain(struct load *load)
{
    for (size_t i = 0; i < load->options.window; i++)
        while (load->slots[i].busy) {
            receive_replies(load);
            give_up_the_lost(load);
        }
}

static void report(const struct load *load, double seconds)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50_ms", 0.5}, {"p99_ms", 0.99}, {"p999_ms", 0.999}};
    printf("{\"asked\": %llu, \"per_second\": %.1f, \"lost\": %llu, \"wrong\": %llu",
           (unsigned long long)load->asked, (double)load->times.count / seconds,
           (unsigned long long)load->lost, (unsigned long long)load->wrong);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        printf(", \"%s\": %.3f", quantiles[i].name,
               (double)histogram_quantile_ns(&load->times, quantiles[i].share) / 1e6);
    printf(", \"longest_ms\": %.3f}\n", (double)load->times.longest_ns / 1e6);
}

static void connect_to_server(struct load *load)
{
    int size = 1 << 20;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(load->options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    load->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(load->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(load->socket, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("no socket: %s", strerror(errno));
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},    {"seconds", required_argument, NULL, 's'},
        {"warm-up", required_argument, NULL, 'u'}, {"window", required_argument, NULL, 'w'},
        {"crowd", required_argument, NULL, 'n'},   {"first", required_argument, NULL, 'f'},
        {"strangers", no_argument, NULL, 'x'},     {"stuck", no_argument, NULL, 'k'},
        {"a-alone", no_argument, NULL, 'a'},       {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options = (struct options){.seconds = 2.5, .warm_up = 0.5, .window = 64, .crowd = 1000000};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        double number = optarg ? strtod(optarg, NULL) : 0;
        if (option == 'p')
            ret_options->port = (uint16_t)number;
        else if (option == 's')
            ret_options->seconds = number;
        else if (option == 'u')
            ret_options->warm_up = number;
        else if (option == 'w')
            ret_options->window = (size_t)number;
        else if (option == 'n')
            ret_options->crowd = (uint64_t)number;
        else if (option == 'f')
            ret_options->first = (uint64_t)number;
        else if (option == '?')
            exit(64);
        ret_options->strangers |= option == 'x';
        ret_options->stuck |= option == 'k';
        ret_options->a_alone |= option == 'a';
    }
    if (ret_options->port == 0 || ret_options->window == 0 || ret_options->window > WINDOW_MAX)
        fail("usage: load --port N [OPTION...]");
}

int main(int argc, char **argv)
{
    static struct load load;
    parse(argc, argv, &load.options);
    prepare(&load);
    connect_to_server(&load);
    uint64_t start_ns = clock_ns();
    start_ns = ask_until(&load, start_ns + (uint64_t)(load.options.warm_up * 1e9));
    memset(&load.times, 0, sizeof load.times);
    load.lost = 0;
    uint64_t end_ns = ask_until(&load, start_ns + (uint64_t)(load.options.seconds * 1e9));
    double seconds = (double)(end_ns - start_ns) / 1e9;
    struct histogram measured = load.times;
    drain(&load);
    load.times = measured;
    report(&load, seconds);
    return EXIT_SUCCESS;
}

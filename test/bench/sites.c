/*
 * The sites that a monitor checks: takes connections to any address of 127.0.0.0/8 on one port, and
 * closes them.
 *
 *   sites PORT INTERVAL_S VICTIM_PORT VICTIMS
 *
 * At each line on standard input it begins to count anew; at its end it prints, as one JSON object,
 * how many connections there were, and for each address how far the time between two of them was
 * from the interval. Victims are listeners of their own, 127.2.0.1 and so on; a line with a number
 * ends that one, and the time is printed, in nanoseconds of the monotonic clock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "histogram.h"

#define ADDRESSES 65536 /* told apart by their last two bytes */
#define VICTIMS_MAX 256
#define SLICE_NS 100000000ULL

static struct {
    uint64_t interval_ns, slice_began_ns;
    uint64_t last_ns[ADDRESSES];
    struct histogram deviation;
    uint64_t connections, in_slice, most_in_slice;
    int epoll, victims[VICTIMS_MAX];
} sites;

static int listen_at(const char *address, int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &name.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 4096) != 0)
        fail("%s port %d: %s", address, port, strerror(errno));
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(sites.epoll, EPOLL_CTL_ADD, listener, &event);
    return listener;
}

static void count_in_slice(uint64_t now_ns)
{
    if (now_ns - sites.slice_began_ns >= SLICE_NS) {
        sites.slice_began_ns = now_ns - now_ns % SLICE_NS;
        sites.in_slice = 0;
    }
    if (++sites.in_slice > sites.most_in_slice)
        sites.most_in_slice = sites.in_slice;
}

static void count(int connection)
{
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    uint64_t now_ns = clock_ns();
    if (getsockname(connection, (struct sockaddr *)&name, &length) != 0)
        return;
    uint64_t *last_ns = &sites.last_ns[ntohl(name.sin_addr.s_addr) % ADDRESSES];
    if (*last_ns != 0) {
        uint64_t passed_ns = now_ns - *last_ns;
        histogram_add(&sites.deviation, passed_ns > sites.interval_ns
                                            ? passed_ns - sites.interval_ns
                                            : sites.interval_ns - passed_ns);
    }
    *last_ns = now_ns;
    sites.connections++;
    count_in_slice(now_ns);
}

static void accept_all(int listener, bool counted)
{
    int connection;
    while ((connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if (counted)
            count(connection);
        close(connection);
    }
}

static void print(void)
{
    const double ms = 1e6;
    printf("{\"connections\": %" PRIu64 ", \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f,"
           " \"most_in_100_ms\": %" PRIu64 "}\n",
           sites.connections, (double)histogram_quantile_ns(&sites.deviation, 0.5) / ms,
           (double)histogram_quantile_ns(&sites.deviation, 0.99) / ms,
           (double)sites.deviation.longest_ns / ms, sites.most_in_slice);
}

/* What the last intervals began with is kept, so that the next deviation is a whole one. */
static void begin_anew(void)
{
    memset(&sites.deviation, 0, sizeof sites.deviation);
    sites.connections = sites.most_in_slice = sites.in_slice = 0;
}

static void end_victim(int number)
{
    if (number < 1 || number >= VICTIMS_MAX || sites.victims[number] < 0)
        fail("there is no victim %d", number);
    close(sites.victims[number]);
    sites.victims[number] = -1;
    printf("%" PRIu64 "\n", clock_ns());
    fflush(stdout);
}

/* False at the end of the input. */
static bool obey(void)
{
    char line[32];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0)
        return false;
    line[length] = '\0';
    if (line[0] == '\n')
        begin_anew();
    else
        end_victim(atoi(line));
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        fail("usage: sites PORT INTERVAL_S VICTIM_PORT VICTIMS");
    sites.epoll = epoll_create1(EPOLL_CLOEXEC);
    sites.interval_ns = strtoull(argv[2], NULL, 10) * 1000000000ULL;
    int listener = listen_at("0.0.0.0", atoi(argv[1]));
    for (int i = 1; i <= atoi(argv[4]) && i < VICTIMS_MAX; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.2.0.%d", i);
        sites.victims[i] = listen_at(address, atoi(argv[3]));
    }
    struct epoll_event input = {.events = EPOLLIN, .data.fd = STDIN_FILENO}, events[64];
    epoll_ctl(sites.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (;;) {
        int ready = epoll_wait(sites.epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != STDIN_FILENO)
                accept_all(events[i].data.fd, events[i].data.fd == listener);
            else if (!obey()) {
                print();
                return 0;
            }
        }
    }
}

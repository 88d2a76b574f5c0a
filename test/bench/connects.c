/*
 * The least that a monitor can do: connects to each of a number of addresses once in an interval,
 * evenly spread, and closes. No verdict, no database.
 *
 *   connects PORT TARGETS INTERVAL_S SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"

static void begin(int epoll, int port, uint32_t number)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(0x7f010000U + number)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.fd = connection};
    if (connection < 0)
        fail("socket: %s", strerror(errno));
    if (connect(connection, (struct sockaddr *)&name, sizeof name) != 0 && errno != EINPROGRESS)
        close(connection);
    else
        epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &event);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        fail("usage: connects PORT TARGETS INTERVAL_S SECONDS");
    int port = atoi(argv[1]), epoll = epoll_create1(EPOLL_CLOEXEC);
    uint32_t targets = (uint32_t)strtoul(argv[2], NULL, 10), next = 0;
    uint64_t step_ns = strtoull(argv[3], NULL, 10) * 1000000000ULL / targets;
    uint64_t due_ns = clock_ns(), end_ns = due_ns + strtoull(argv[4], NULL, 10) * 1000000000ULL;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = timer}, events[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    while (clock_ns() < end_ns) {
        for (; due_ns <= clock_ns(); due_ns += step_ns)
            begin(epoll, port, next++ % targets);
        struct itimerspec at = {.it_value = {.tv_sec = (time_t)(due_ns / 1000000000ULL),
                                             .tv_nsec = (long)(due_ns % 1000000000ULL)}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd != timer)
                close(events[i].data.fd);
    }
    return 0;
}

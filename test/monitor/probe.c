/*
 * Runs checks by hand, for test/integration/test_probes.py:
 *
 *   probe address=127.0.0.1 type=http port=8080 path=/health body='^ok'
 *
 * The keys are the columns of the table `monitor`, and address, target_name (to be resolved by the
 * file resolv_conf), other (an address that every second
 * check goes to), target_port (of the target), exec_directory and ca_file. What the prober refuses
 * is said in a line that begins with "cannot: ". Then comes "REASON RTT_MS", or, with count=N, each
 * reason with how often it came, and the time of the processor for one check in microseconds;
 * at_once=N of them run at a time.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "monitor/prober.h"

#define EXIT_USAGE 64

struct run {
    struct event_base *base;
    struct prober *prober;
    struct prober_options options;
    struct monitor monitor;
    struct check check, other;
    long count, at_once, left, running;
    struct check_result last;
    long reasons[REASON_COUNT];
};

static void start_more(struct run *run);

static void on_result(void *context, const struct check_result *result)
{
    struct run *run = context;
    run->last = *result;
    run->reasons[result->reason]++;
    run->running--;
    start_more(run);
    if (run->running == 0)
        event_base_loopbreak(run->base);
}

static void start_more(struct run *run)
{
    struct probe *probe;
    while (run->left > 0 && run->running < run->at_once) {
        bool is_second = run->left-- % 2 == 1 && run->other.address.family != FAMILY_NONE;
        const struct check *check = is_second ? &run->other : &run->check;
        run->running++;
        if (prober_start(run->prober, check, on_result, run, &probe) != 0)
            abort();
    }
}

/* Texts by their keys. */
static const char **text_of(struct run *run, const char *key)
{
    struct monitor *monitor = &run->monitor;
    const struct {
        const char *key, **text;
    } rows[] = {
        {"name", &monitor->name},           {"path", &monitor->path},
        {"host", &monitor->host},           {"query", &monitor->query},
        {"body", &monitor->body},           {"send", &monitor->send},
        {"expect", &monitor->expect},       {"exec_directory", &run->options.exec_directory},
        {"ca_file", &run->options.ca_file}, {"headers", &monitor->headers},
        {"steps", &monitor->steps},         {"rcode", &monitor->rcode},
        {"answer", &monitor->answer},       {"arguments", &monitor->arguments},
        {"target_name", &run->check.name},  {"resolv_conf", &run->options.resolv_conf},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].key, key) == 0)
            return rows[i].text;
    return NULL;
}

static bool set_number(struct run *run, const char *key, long value)
{
    struct monitor *monitor = &run->monitor;
    if (strcmp(key, "port") == 0)
        monitor->port = (uint16_t)value;
    else if (strcmp(key, "target_port") == 0)
        run->check.port = (uint16_t)value;
    else if (strcmp(key, "status_min") == 0)
        monitor->status_min = (int)value;
    else if (strcmp(key, "status_max") == 0)
        monitor->status_max = (int)value;
    else if (strcmp(key, "verify") == 0)
        monitor->verify = value != 0;
    else if (strcmp(key, "proxy") == 0)
        monitor->proxy = (enum proxy_header)value;
    else if (strcmp(key, "tls") == 0)
        monitor->tls = value != 0;
    else if (strcmp(key, "timeout") == 0)
        monitor->timeout_s = (uint32_t)value;
    else if (strcmp(key, "count") == 0)
        run->count = value;
    else if (strcmp(key, "at_once") == 0)
        run->at_once = value;
    else
        return false;
    return true;
}

static bool set(struct run *run, const char *key, const char *value)
{
    const char **text = text_of(run, key);
    if (text) {
        *text = value;
        return true;
    }
    if (strcmp(key, "type") == 0)
        return check_type_parse(value, &run->monitor.type);
    if (strcmp(key, "address") == 0)
        return address_parse(value, strlen(value), &run->check.address) == 0;
    if (strcmp(key, "source") == 0)
        return address_parse(value, strlen(value), &run->monitor.source) == 0;
    if (strcmp(key, "http_method") == 0)
        return http_method_parse(value, &run->monitor.http_method);
    if (strcmp(key, "other") == 0)
        return address_parse(value, strlen(value), &run->other.address) == 0;
    return set_number(run, key, atol(value));
}

static bool set_all(struct run *run, int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (!equals)
            return false;
        *equals = '\0';
        if (!set(run, arguments[i], equals + 1)) {
            fprintf(stderr, "probe: %s=%s\n", arguments[i], equals + 1);
            return false;
        }
    }
    return true;
}

static void print(const struct run *run, clock_t used)
{
    if (run->count == 1) {
        printf("%s %.3f\n", reason_word(run->last.reason), run->last.rtt_ms);
        return;
    }
    for (size_t i = 0; i < sizeof run->reasons / sizeof *run->reasons; i++)
        if (run->reasons[i] > 0)
            printf("%s %ld\n", reason_word((enum reason)i), run->reasons[i]);
    printf("cpu_us %.1f\n", (double)used * 1e6 / CLOCKS_PER_SEC / (double)run->count);
}

static void check_all(struct run *run)
{
    struct error error;
    const char *refused = prober_refusal(run->prober, &run->monitor, &error);
    if (refused)
        printf("cannot: %s\n", refused);
    run->left = run->count;
    clock_t begin = clock();
    start_more(run);
    event_base_dispatch(run->base);
    print(run, clock() - begin);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct run run = {
        .count = 1,
        .at_once = 1,
        .monitor = {
            .name = "test", .status_min = 200, .status_max = 399, .verify = true, .timeout_s = 3}};
    run.check.monitor = run.other.monitor = &run.monitor;
    signal(SIGPIPE, SIG_IGN);
    if (!set_all(&run, argc - 1, argv + 1))
        return EXIT_USAGE;
    run.base = event_base_new();
    if (prober_new(run.base, &run.options, &run.prober, &error) != 0) {
        fprintf(stderr, "probe: %s\n", error.text);
        return EXIT_FAILURE;
    }
    check_all(&run);
    prober_free(run.prober);
    event_base_free(run.base);
    libevent_global_shutdown();
    return EXIT_SUCCESS;
}

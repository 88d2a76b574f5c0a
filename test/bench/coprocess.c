#include "coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define HELO "HELO\t5\n"

/* PowerDNS's own patience is 2 seconds. */
#define PATIENCE_MS 10000

uint64_t coprocess_cpu_ns(const struct coprocess *coprocess)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(coprocess->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        fail("the coprocess has ended");
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

uint64_t coprocess_main_cpu_ns(const struct coprocess *coprocess)
{
    char path[64];
    unsigned long long run_ns;
    int pid = (int)coprocess->pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%llu", &run_ns) != 1)
        fail("%s: %s", path, strerror(errno));
    fclose(file);
    return run_ns;
}

static void become(char *const argv[], const int in[2], const int out[2])
{
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execv(argv[0], argv);
    _exit(127);
}

/* The answer ends with the line END or FAIL; HELO's is any line. */
static size_t find_end(const struct coprocess *coprocess, bool any_line)
{
    const char *start = coprocess->bytes, *end, *stop = start + coprocess->length;
    while ((end = memchr(start, '\n', (size_t)(stop - start)))) {
        if (any_line || strncmp(start, "END\n", 4) == 0 || strncmp(start, "FAIL\n", 5) == 0)
            return (size_t)(end + 1 - coprocess->bytes);
        start = end + 1;
    }
    return 0;
}

static void fill(struct coprocess *coprocess)
{
    size_t room = sizeof coprocess->bytes - coprocess->length;
    ssize_t count = read(coprocess->out, coprocess->bytes + coprocess->length, room);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        fail("the coprocess has ended instead of answering");
    if (count > 0)
        coprocess->length += (size_t)count;
}

/* Lets go of the answer that was looked at last. */
static void drop_answer(struct coprocess *coprocess)
{
    coprocess->length -= coprocess->answer_length;
    memmove(coprocess->bytes, coprocess->bytes + coprocess->answer_length, coprocess->length);
    coprocess->answer_length = 0;
}

static void await_answer(struct coprocess *coprocess, bool any_line)
{
    while ((coprocess->answer_length = find_end(coprocess, any_line)) == 0)
        fill(coprocess);
}

static void tell(struct coprocess *coprocess, const char *text, size_t length)
{
    if (write(coprocess->in, text, length) != (ssize_t)length)
        fail("the coprocess does not read: %s", strerror(errno));
}

void coprocess_start(struct coprocess *coprocess, char *const argv[])
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        fail("no pipe: %s", strerror(errno));
    coprocess->length = coprocess->answer_length = 0;
    uint64_t start_ns = clock_ns();
    coprocess->pid = vfork();
    if (coprocess->pid == 0)
        become(argv, in, out);
    if (coprocess->pid < 0)
        fail("no process: %s", strerror(errno));
    close(in[0]);
    close(out[1]);
    coprocess->in = in[1];
    coprocess->out = out[0];
    tell(coprocess, HELO, strlen(HELO));
    await_answer(coprocess, true);
    coprocess->banner_ns = clock_ns() - start_ns;
    if (strncmp(coprocess->bytes, "OK\t", 3) != 0)
        fail("%s does not greet", argv[0]);
}

const char *coprocess_ask(struct coprocess *coprocess, const char *line, size_t length)
{
    drop_answer(coprocess);
    tell(coprocess, line, length);
    await_answer(coprocess, false);
    coprocess->bytes[coprocess->answer_length - 1] = '\0';
    return coprocess->bytes;
}

static void set_blocking(int descriptor, bool blocking)
{
    int flags = fcntl(descriptor, F_GETFL);
    fcntl(descriptor, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* Judges all answers that are there; returns how many. */
static size_t judge_answers(struct coprocess *coprocess,
                            void (*judge)(void *context, const char *answer), void *context)
{
    size_t answers = 0, used = 0, length = coprocess->length;
    char *start = coprocess->bytes, *stop = start + length, *end;
    for (char *line = start; (end = memchr(line, '\n', (size_t)(stop - line))); line = end + 1) {
        if (*line != 'E' && *line != 'F')
            continue;
        *end = '\0';
        judge(context, start);
        start = end + 1;
        used = (size_t)(start - coprocess->bytes);
        answers++;
    }
    coprocess->answer_length = used;
    drop_answer(coprocess);
    return answers;
}

static size_t count_lines(const struct coprocess_lines *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines->length; i++)
        count += lines->text[i] == '\n';
    return count;
}

void coprocess_ask_all(struct coprocess *coprocess, const struct coprocess_lines *lines,
                       void (*judge)(void *context, const char *answer), void *context)
{
    size_t told = 0, open = count_lines(lines);
    drop_answer(coprocess);
    set_blocking(coprocess->in, false);
    while (open > 0) {
        short writing = told < lines->length ? POLLOUT : 0;
        struct pollfd ends[2] = {{.fd = coprocess->out, .events = POLLIN},
                                 {.fd = writing ? coprocess->in : -1, .events = writing}};
        if (poll(ends, 2, PATIENCE_MS) <= 0)
            fail("the coprocess does not answer");
        if (ends[1].revents) {
            ssize_t count = write(coprocess->in, lines->text + told, lines->length - told);
            told += count > 0 ? (size_t)count : 0;
        }
        if (ends[0].revents) {
            fill(coprocess);
            open -= judge_answers(coprocess, judge, context);
        }
    }
    set_blocking(coprocess->in, true);
}

long coprocess_memory_kib(const struct coprocess *coprocess, const char *key)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)coprocess->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        fail("%s: %s", path, strerror(errno));
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = atol(line + strlen(key) + 1);
    fclose(file);
    return value;
}

void coprocess_end(struct coprocess *coprocess)
{
    close(coprocess->in);
    close(coprocess->out);
    if (waitpid(coprocess->pid, NULL, 0) != coprocess->pid)
        fail("the coprocess cannot be waited for: %s", strerror(errno));
}

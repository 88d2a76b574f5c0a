/*
 * The coprocess that does nothing: what is left of pdns-sticky when the work is taken out, and so
 * the limit that PowerDNS's protocols set, the pipe backend's and the remote backend's JSON. One
 * read() and one write() for each question, and the same answer to everybody.
 *
 *   nothing                  a coprocess
 *   nothing --socket PATH    a service, with a process for each connection
 *
 * Its JSON is as long as pdns-sticky's, for PowerDNS reads each byte of that by itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME "www.bench.example"
#define ZONE "bench.example"
#define SOA_CONTENT "ns1." ZONE " hostmaster." ZONE " 1 3600 600 604800 60"

/* ---------------------------------------------------------------- the pipe protocol */

#define DATA(scope, owner, type, ttl) "DATA\t" scope "\t1\t" owner "\tIN\t" type "\t" ttl "\t1\t"

static const char banner[] = "OK\tnothing\n";
static const char nothing[] = "END\n";
static const char soa[] = DATA("0", ZONE, "SOA", "3600") SOA_CONTENT "\nEND\n";
static const char addresses[] =
    DATA("1", NAME, "A", "30") "192.0.2.81\n" DATA("1", NAME, "AAAA", "30") "2001:db8::81\nEND\n";

static int begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *pipe_answer_to(const char *line)
{
    if (begins(line, "HELO\t"))
        return banner;
    if (begins(line, "Q\t" ZONE "\tIN\tSOA\t"))
        return soa;
    if (begins(line, "Q\t" NAME "\tIN\tANY\t"))
        return addresses;
    return nothing;
}

/* ---------------------------------------------------------------- JSON */

#define RESULT(value) "{\"result\":" value "}\n"
#define RECORD(scope, owner, type, ttl, content)                                                   \
    "{\"qtype\":\"" type "\",\"qname\":\"" owner "\",\"content\":\"" content "\",\"ttl\":" ttl     \
    ",\"domain_id\":1,\"auth\":1,\"scopeMask\":" scope "}"
#define DOMAIN "{\"id\":1,\"zone\":\"" ZONE "\",\"kind\":\"native\",\"serial\":1}"
#define LOOKUP(name, type) "\"qname\": \"" name ".\", \"qtype\": \"" type "\""
#define OF_ZONE(method) "\"" method "\", \"parameters\": {\"name\": \"" ZONE ".\""

/* The first whose part the line has; PowerDNS writes all lines alike. */
static const struct {
    const char *part, *answer;
} json_answers[] = {
    {LOOKUP(NAME, "ANY"), RESULT("[" RECORD("1", NAME, "A", "30", "192.0.2.81") "," RECORD(
                              "1", NAME, "AAAA", "30", "2001:db8::81") "]")},
    {LOOKUP(ZONE, "SOA"), RESULT("[" RECORD("0", ZONE, "SOA", "3600", SOA_CONTENT) "]")},
    {"\"lookup\"", RESULT("[]")},
    {"\"initialize\"", RESULT("true")},
    {"\"getAllDomains\"", RESULT("[" DOMAIN "]")},
    {OF_ZONE("getDomainInfo"), RESULT(DOMAIN)},
    {OF_ZONE("getAllDomainMetadata"), RESULT("{}")},
    {OF_ZONE("getDomainMetadata"), RESULT("[]")},
};

static const char *json_answer_to(const char *line)
{
    for (size_t i = 0; i < sizeof json_answers / sizeof *json_answers; i++)
        if (strstr(line, json_answers[i].part))
            return json_answers[i].answer;
    return RESULT("false");
}

/* ---------------------------------------------------------------- either */

static void tell(int out, const char *answer)
{
    size_t length = strlen(answer);
    if (write(out, answer, length) != (ssize_t)length)
        exit(EXIT_FAILURE);
}

/* Answers the lines that are whole; returns how many bytes those were. */
static size_t answer_lines(char *bytes, size_t count, int out)
{
    char *start = bytes, *end;
    while ((end = memchr(start, '\n', count - (size_t)(start - bytes)))) {
        *end = '\0';
        tell(out, *start == '{' ? json_answer_to(start) : pipe_answer_to(start));
        start = end + 1;
    }
    return (size_t)(start - bytes);
}

/* Until the input ends. */
static void converse(int in, int out)
{
    static char bytes[65536];
    size_t kept = 0;
    ssize_t count;
    while ((count = read(in, bytes + kept, sizeof bytes - kept)) > 0) {
        kept += (size_t)count;
        size_t used = answer_lines(bytes, kept, out);
        memmove(bytes, bytes + used, kept - used);
        kept -= used;
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (bind(listener, (const void *)&address, sizeof address) != 0 ||
        listen(listener, SOMAXCONN) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return listener;
}

static void serve(int listener)
{
    int connection;
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the processes */
    while ((connection = accept(listener, NULL, NULL)) >= 0) {
        if (fork() == 0) {
            close(listener);
            converse(connection, connection);
            exit(EXIT_SUCCESS);
        }
        close(connection);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--socket") == 0)
        serve(listen_at(argv[2]));
    else
        converse(STDIN_FILENO, STDOUT_FILENO);
    return EXIT_SUCCESS;
}

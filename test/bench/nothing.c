/*
 * The coprocess that does nothing: what is left of pdns-sticky when the work is taken out, and so
 * the limit that PowerDNS's pipe protocol sets. One read() and one write() for each question, and
 * the same answer to everybody.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "www.bench.example"
#define ZONE "bench.example"
#define DATA(scope, owner, type, ttl) "DATA\t" scope "\t1\t" owner "\tIN\t" type "\t" ttl "\t1\t"

static const char banner[] = "OK\tnothing\n";
static const char nothing[] = "END\n";
static const char soa[] =
    DATA("0", ZONE, "SOA", "3600") "ns1." ZONE " hostmaster." ZONE " 1 3600 600 604800 60\nEND\n";
static const char addresses[] =
    DATA("1", NAME, "A", "30") "192.0.2.81\n" DATA("1", NAME, "AAAA", "30") "2001:db8::81\nEND\n";

static int begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *answer_to(const char *line)
{
    if (begins(line, "HELO\t"))
        return banner;
    if (begins(line, "Q\t" ZONE "\tIN\tSOA\t"))
        return soa;
    if (begins(line, "Q\t" NAME "\tIN\tANY\t"))
        return addresses;
    return nothing;
}

static void tell(const char *answer)
{
    size_t length = strlen(answer);
    if (write(STDOUT_FILENO, answer, length) != (ssize_t)length)
        exit(EXIT_FAILURE);
}

/* Answers the lines that are whole; returns how many bytes those were. */
static size_t answer_lines(char *bytes, size_t count)
{
    char *start = bytes, *end;
    while ((end = memchr(start, '\n', count - (size_t)(start - bytes)))) {
        *end = '\0';
        tell(answer_to(start));
        start = end + 1;
    }
    return (size_t)(start - bytes);
}

int main(void)
{
    static char bytes[65536];
    size_t kept = 0;
    for (;;) {
        ssize_t count = read(STDIN_FILENO, bytes + kept, sizeof bytes - kept);
        if (count <= 0)
            return EXIT_SUCCESS;
        kept += (size_t)count;
        size_t used = answer_lines(bytes, kept);
        memmove(bytes, bytes + used, kept - used);
        kept -= used;
    }
}

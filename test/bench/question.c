#include "question.h"

#include <stdio.h>
#include <string.h>

/* Server n of the pool has the address 192.0.2.8n. */
#define ADDRESS "\t192.0.2.8"

size_t question_write(const struct resolver *resolver, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "Q\twww.bench.example\tIN\tANY\t1\t%s\t127.0.0.1\t%s/%s\n",
                            resolver->text, resolver->text, resolver->ipv6 ? "128" : "32");
}

int answer_server(const char *answer)
{
    const char *address = strstr(answer, ADDRESS);
    int server = address ? address[strlen(ADDRESS)] - '0' : 0;
    return server >= 1 && server <= SERVERS ? server : 0;
}

#include "monitor/dns_question.h"

#include <string.h>
#include <sys/random.h>

/* Octets of the head: a bit of the flags, and the number of questions. */
#define RECURSION_DESIRED_AT 2
#define QUESTIONS_AT 5

size_t dns_question_write(const char *name, int type, uint8_t ret_question[static NS_PACKETSZ])
{
    uint8_t *owner = ret_question + NS_HFIXEDSZ;
    const uint8_t *end = owner;
    memset(ret_question, 0, NS_HFIXEDSZ);
    if (ns_name_pton(name, owner, NS_MAXCDNAME) < 0 ||
        ns_name_skip(&end, owner + NS_MAXCDNAME) != 0 ||
        getrandom(ret_question, NS_INT16SZ, GRND_NONBLOCK) != NS_INT16SZ)
        return 0;
    ret_question[RECURSION_DESIRED_AT] = 1;
    ret_question[QUESTIONS_AT] = 1;
    uint8_t *rest = owner + (end - owner);
    ns_put16((unsigned)type, rest);
    ns_put16(ns_c_in, rest + NS_INT16SZ);
    return (size_t)(rest + 2 * NS_INT16SZ - ret_question);
}

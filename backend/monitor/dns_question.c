#include "monitor/dns_question.h"

#include <string.h>
#include <sys/random.h>

/* Octets of the head: a bit of the flags, and the number of questions. */
#define RECURSION_DESIRED_AT 2
#define QUESTIONS_AT 5
#define ADDITIONAL_AT 11

/* An OPT record of the root, without options: type, size of answers, flags, length. */
#define OPT_LENGTH 11

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

size_t dns_question_add_edns(uint8_t question[static NS_PACKETSZ], size_t length,
                             unsigned answer_max)
{
    if (length > NS_PACKETSZ - OPT_LENGTH)
        return length;
    uint8_t *record = question + length;
    memset(record, 0, OPT_LENGTH);
    ns_put16(ns_t_opt, record + 1);
    ns_put16(answer_max, record + 1 + NS_INT16SZ);
    question[ADDITIONAL_AT] = 1;
    return length + OPT_LENGTH;
}

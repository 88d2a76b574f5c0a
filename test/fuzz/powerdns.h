/*
 * What PowerDNS makes of our answers: a second reading of its rules, from its source and from
 * nothing of the program, to hold the program against.
 *
 * After auth-4.7.3: modules/pipebackend/pipebackend.cc (PipeBackend::get), coprocess.cc,
 * pdns/dnsname.cc, pdns/dnslabeltext.rl, pdns/rcpgenerator.cc, pdns/dnsrecords.cc and
 * pdns/dnsparser.cc. Stricter in one way: what PowerDNS would take but read as something else than
 * it says (a number with letters behind it, a field too many) counts as refused.
 */
#ifndef TEST_FUZZ_POWERDNS_H
#define TEST_FUZZ_POWERDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_NAME_MAX 255

/* A name as labels with their lengths, in small letters, the root's 0 at the end. */
struct wire_name {
    uint8_t bytes[WIRE_NAME_MAX];
    size_t length;
};

/* Every byte escaped and dots between the labels, with NUL. */
#define NAME_TEXT_SIZE (4 * WIRE_NAME_MAX)

/* NULL, or what is wrong with it. */
const char *powerdns_read_name(const char *text, size_t length, struct wire_name *ret_name);

/* As PowerDNS writes a name into a question; returns `text`. */
const char *powerdns_write_name(const struct wire_name *name, char text[static NAME_TEXT_SIZE]);

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b);

/* The number of a type, 0 for a word that is none. */
unsigned powerdns_type(const char *word, size_t length);

/* NULL, or why PowerDNS cannot make a record of this type and content. */
const char *powerdns_read_content(unsigned type, const char *content, size_t length);

enum powerdns_kind { POWERDNS_DATA, POWERDNS_LOG, POWERDNS_END, POWERDNS_FAIL };

/* Most of it for DATA alone; texts point into the line. */
struct powerdns_line {
    enum powerdns_kind kind;
    const char *text; /* the line itself, without its newline */
    size_t length;
    struct wire_name owner;
    unsigned type;
    unsigned scope_bits;
    bool authoritative;
    uint32_t ttl_s;
    int32_t zone_id;
};

/* Reads a line of an answer to Q or AXFR. NULL, or why it breaks the conversation. */
const char *powerdns_read_line(const char *text, size_t length, int abi,
                               struct powerdns_line *ret_line);

#endif

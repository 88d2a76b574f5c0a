/*
 * The resolvers (LDNSs) that ask in the benchmark: as many as wanted, each its own address, spread
 * over all of IPv4 and the global part of IPv6. Every fourth has an IPv6 address.
 *
 * A crowd of N has the resolvers 0 to N-1, and any number of generations. Generation 0 is what
 * database.c writes mappings for; the others are strangers who live between them, never the same
 * twice. All is arithmetic: nothing is kept, and the same numbers give the same addresses in every
 * program of the benchmark.
 *
 * Call crowd_init() first. Nothing here can fail.
 */
#ifndef BENCH_RESOLVERS_H
#define BENCH_RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVER_TEXT_MAX 24 /* "2a02:1234:5678:9abc::53" and its end */

struct crowd {
    uint64_t count;                         /* a multiple of 4 */
    uint64_t ipv4_stride, ipv6_stride;      /* addresses from one resolver to the next */
    uint8_t first_octets[223], octets[256]; /* in the order of their texts: 1, 10, 100, 101 ... */
};

struct resolver {
    bool ipv6;
    uint8_t address[16]; /* IPv4: the first four */
    char text[RESOLVER_TEXT_MAX];
};

void crowd_init(struct crowd *crowd, uint64_t count);

/* The resolver of that number in that generation. */
void crowd_member(const struct crowd *crowd, uint64_t number, uint64_t generation,
                  struct resolver *ret_resolver);

/* The step-th to ask: all of a generation in an order far from the table's, then the next one. */
void crowd_stranger(const struct crowd *crowd, uint64_t step, struct resolver *ret_resolver);

/* The same, always of generation 0; returns its number. */
uint64_t crowd_known(const struct crowd *crowd, uint64_t step, struct resolver *ret_resolver);

/*
 * A walk through generation 0 in the order of the texts, which is the table's: crowd_next() until
 * it says false.
 */
struct crowd_walk {
    struct {
        uint64_t index, number;
        struct resolver resolver;
    } next[2]; /* of each family */
};
void crowd_walk_init(const struct crowd *crowd, struct crowd_walk *walk);
bool crowd_next(const struct crowd *crowd, struct crowd_walk *walk, uint64_t *ret_number,
                struct resolver *ret_resolver);

/* A number that looks like chance and is always the same. */
uint64_t scramble(uint64_t number);

#endif

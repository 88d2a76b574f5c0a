#include "resolvers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_ADDRESSES (223ULL << 24) /* 1.0.0.0 to 223.255.255.255 */

/*
 * 2xxx:xxxx:xxxx::53, as resolvers' addresses look. No group begins with a zero, so that texts are
 * in the order of numbers.
 */
#define IPV6_GROUP 0x1000ULL
#define IPV6_GROUPS (0x10000ULL - IPV6_GROUP)
#define IPV6_ADDRESSES (0x1000ULL * IPV6_GROUPS * IPV6_GROUPS)

/* A prime, and prime to every crowd that is a round number. */
#define STEP 2654435761ULL

uint64_t scramble(uint64_t number)
{
    number += 0x9e3779b97f4a7c15ULL;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9ULL;
    number = (number ^ (number >> 27)) * 0x94d049bb133111ebULL;
    return number ^ (number >> 31);
}

static int compare_as_text(const void *left, const void *right)
{
    char texts[2][4];
    snprintf(texts[0], sizeof texts[0], "%u", *(const uint8_t *)left);
    snprintf(texts[1], sizeof texts[1], "%u", *(const uint8_t *)right);
    return strcmp(texts[0], texts[1]);
}

void crowd_init(struct crowd *crowd, uint64_t count)
{
    crowd->count = count;
    crowd->ipv4_stride = IPV4_ADDRESSES / (count / 4 * 3);
    crowd->ipv6_stride = IPV6_ADDRESSES / (count / 4);
    for (size_t i = 0; i < sizeof crowd->octets; i++)
        crowd->octets[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof crowd->first_octets; i++)
        crowd->first_octets[i] = (uint8_t)(i + 1);
    qsort(crowd->octets, sizeof crowd->octets, 1, compare_as_text);
    qsort(crowd->first_octets, sizeof crowd->first_octets, 1, compare_as_text);
}

/* The place among all addresses: one for each stride, at random within it. */
static uint64_t place_of(uint64_t index, uint64_t stride, uint64_t generation)
{
    return index * stride + (scramble(index) + generation) % stride;
}

static void make_ipv4(const struct crowd *crowd, uint64_t place, struct resolver *ret_resolver)
{
    uint8_t *address = ret_resolver->address;
    address[0] = crowd->first_octets[place >> 24];
    for (int i = 1; i < 4; i++)
        address[i] = crowd->octets[(place >> (24 - 8 * i)) & 0xff];
    snprintf(ret_resolver->text, sizeof ret_resolver->text, "%u.%u.%u.%u", address[0], address[1],
             address[2], address[3]);
}

static void make_ipv6(uint64_t place, struct resolver *ret_resolver)
{
    unsigned groups[3] = {(unsigned)(0x2000 + place / (IPV6_GROUPS * IPV6_GROUPS)),
                          (unsigned)(IPV6_GROUP + place / IPV6_GROUPS % IPV6_GROUPS),
                          (unsigned)(IPV6_GROUP + place % IPV6_GROUPS)};
    for (int i = 0; i < 3; i++) {
        ret_resolver->address[2 * i] = (uint8_t)(groups[i] >> 8);
        ret_resolver->address[2 * i + 1] = (uint8_t)groups[i];
    }
    ret_resolver->address[15] = 0x53;
    snprintf(ret_resolver->text, sizeof ret_resolver->text, "%x:%x:%x::53", groups[0], groups[1],
             groups[2]);
}

void crowd_member(const struct crowd *crowd, uint64_t number, uint64_t generation,
                  struct resolver *ret_resolver)
{
    *ret_resolver = (struct resolver){.ipv6 = number % 4 == 3};
    if (ret_resolver->ipv6)
        make_ipv6(place_of(number / 4, crowd->ipv6_stride, generation), ret_resolver);
    else
        make_ipv4(crowd, place_of(number / 4 * 3 + number % 4, crowd->ipv4_stride, generation),
                  ret_resolver);
}

static uint64_t number_of_step(const struct crowd *crowd, uint64_t step)
{
    return step % crowd->count * (STEP % crowd->count) % crowd->count;
}

void crowd_stranger(const struct crowd *crowd, uint64_t step, struct resolver *ret_resolver)
{
    crowd_member(crowd, number_of_step(crowd, step), 1 + step / crowd->count, ret_resolver);
}

uint64_t crowd_known(const struct crowd *crowd, uint64_t step, struct resolver *ret_resolver)
{
    uint64_t number = number_of_step(crowd, step);
    crowd_member(crowd, number, 0, ret_resolver);
    return number;
}

static void look_ahead(const struct crowd *crowd, struct crowd_walk *walk, bool ipv6)
{
    uint64_t index = walk->next[ipv6].index++;
    uint64_t number = ipv6 ? index * 4 + 3 : index / 3 * 4 + index % 3;
    walk->next[ipv6].number = number;
    if (number < crowd->count)
        crowd_member(crowd, number, 0, &walk->next[ipv6].resolver);
}

void crowd_walk_init(const struct crowd *crowd, struct crowd_walk *walk)
{
    *walk = (struct crowd_walk){0};
    look_ahead(crowd, walk, false);
    look_ahead(crowd, walk, true);
}

bool crowd_next(const struct crowd *crowd, struct crowd_walk *walk, uint64_t *ret_number,
                struct resolver *ret_resolver)
{
    bool has_ipv4 = walk->next[0].number < crowd->count;
    bool has_ipv6 = walk->next[1].number < crowd->count;
    bool ipv6 = !has_ipv4 ||
                (has_ipv6 && strcmp(walk->next[1].resolver.text, walk->next[0].resolver.text) < 0);
    if (!has_ipv4 && !has_ipv6)
        return false;
    *ret_number = walk->next[ipv6].number;
    *ret_resolver = walk->next[ipv6].resolver;
    look_ahead(crowd, walk, ipv6);
    return true;
}

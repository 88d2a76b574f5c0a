/*
 * The load balancing modes of BIG-IP, and the methods that do the same or come close.
 */
#ifndef STICKY_F5_MODE_H
#define STICKY_F5_MODE_H

#include <stdbool.h>

enum f5_mode_kind {
    MODE_METHOD,      /* chooses among the members */
    MODE_FALLBACK_IP, /* answers with pool.fallback-ip */
    MODE_DNS,         /* return-to-dns, and none: leaves it to the BIND of the BIG-IP */
    MODE_DROP,        /* drop-packet */
};

struct f5_mode {
    const char *word;
    enum f5_mode_kind kind;
    const char *method; /* of ours, for MODE_METHOD */
    const char *metric; /* for 'least' */
    bool undecided;     /* it may not find a member: then the alternate mode decides */
    const char *note;   /* what is different; NULL: nothing */
};

/* The mode of a word, or NULL. */
const struct f5_mode *f5_mode_find(const char *word);

#endif

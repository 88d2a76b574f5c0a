/*
 * The mappings that a change of states is about: how many are left at a site, a server or a pool,
 * and when the last of them ends; and the pins that lead there.
 */
#ifndef STICKY_PROGRAM_CONTROL_LEFTOVER_H
#define STICKY_PROGRAM_CONTROL_LEFTOVER_H

#include "program/command/command.h"

/* In one pool that has a server of the targets. */
struct leftover_pool {
    int64_t id;
    char name[ROW_NAME_MAX];
    int64_t mappings, last_ends_in_s;
    bool is_sliding; /* each question postpones the end */
    int64_t pins;    /* that lead there */
    bool has_server; /* one that is not disabled is left in the pool */
};

struct leftover {
    struct leftover_pool *pools; /* owned */
    size_t count;
    int64_t mappings, last_ends_in_s; /* of all */
};

/*
 * Counts, which takes as long as reading all mappings of these pools. `disabled`: the targets are
 * disabled, and those are counted that would be live if they were not. 0, or a code with `error`
 * set. Must be released.
 */
int leftover_count(const struct command_call *call, const struct state_target *targets,
                   size_t target_count, bool disabled, struct leftover *ret_leftover,
                   struct error *error);
void leftover_release(struct leftover *leftover);

#endif

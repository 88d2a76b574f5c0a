/*
 * One receiver thread of a PowerDNS with its coprocess: in it the honest resolvers ask at their
 * pace, each question alone, and in between a flood of forged ones, many in one write.
 *
 * Start, ask in as many phases as wanted, end; the coprocess stays the same. asker_begin() returns
 * at once, asker_wait() when the phase is over. What goes wrong ends the program.
 */
#ifndef BENCH_ASKER_H
#define BENCH_ASKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "coprocess.h"
#include "histogram.h"
#include "question.h"

/* Forged resolvers in one write. */
#define FORGED_AT_ONCE 64

/* Who has a mapping before anything is asked. */
struct honest {
    char question[QUESTION_BYTES_MAX];
    size_t length;
    int server;
};

/* What all askers of a phase share; it outlives the phase. */
struct phase {
    const struct honest *honest;
    const struct crowd *crowd;
    uint64_t honest_count;
    uint64_t honest_pace_ns, forged_pace_ns; /* of each asker, from one write to the next */
    _Atomic uint64_t *forged_step; /* in the crowd's order, of the next who asks; NULL: no flood */
    uint64_t forged_end;           /* that step ends the phase, if `over` does not */
    atomic_bool over;
};

struct tally {
    uint64_t honest, moved, forged, forged_wrong;
    /* Log lines: that tell of max_megabytes, of max_writes_per_second, of anything else. */
    uint64_t full_notices, rate_notices, other_notices;
    struct histogram times;  /* of honest questions */
    uint64_t longest_gap_ns; /* from one answer to the next, honest and forged */
};

struct asker {
    struct coprocess coprocess;
    struct phase *phase;
    struct tally tally; /* of this phase */
    pthread_t thread;
    uint64_t next_honest, answered_ns;
};

void asker_start(struct asker *asker, char *const argv[], uint64_t first_honest);
void asker_begin(struct asker *asker, struct phase *phase);
void asker_wait(struct asker *asker);
void asker_end(struct asker *asker);

#endif

/*
 * Which mappings a command is about: what the options --pool, --site, --ldns and --expiring say.
 *
 * A filter has ids, not pointers into a snapshot, so it holds while the configuration changes.
 */
#ifndef STICKY_PROGRAM_CONTROL_MAPPING_FILTER_H
#define STICKY_PROGRAM_CONTROL_MAPPING_FILTER_H

#include "program/command/command.h"
#include "program/command/resolver_word.h"

struct mapping_filter {
    int64_t pool_id; /* the pool that is asked, which may share another's mappings; 0: all */
    int64_t site_id; /* 0: all */
    bool has_resolver;
    struct resolver_word resolver;
    int64_t expiring_s; /* only those that end within so many seconds, but have not; -1: all */
    bool with_unused;   /* also those of pools that share another's mappings now */
};

/* The options, for the lists of commands that take a filter. */
#define OPTION_POOL {"pool", "POOL", "only mappings that this pool uses", false}
#define OPTION_SITE {"site", "SITE", "only mappings to this site", false}
#define OPTION_LDNS {"ldns", "NET", "only of an address, a network or group:NAME", false}
#define OPTION_EXPIRING {"expiring", "SECONDS", "only mappings that end within this time", false}

/*
 * Reads the options of a call. `resolver` and `pool` stand for --ldns and --pool where the call has
 * words in their place; NULL: it has none. Prints what is wrong.
 */
enum command_result mapping_filter_read(const struct command_call *call, const char *resolver,
                                        const char *pool, struct mapping_filter *ret_filter);

/* Says whether a mapping that the resolver's word covers is meant by the rest of the filter. */
bool mapping_filter_matches(const struct mapping_filter *filter, const struct mapping *mapping,
                            int64_t now_s);

#endif

/*
 * Options that say what is to be supposed, as `explain` and `what-if` have them: --down SITE and
 * their like.
 */
#ifndef STICKY_PROGRAM_COMMAND_SUPPOSING_H
#define STICKY_PROGRAM_COMMAND_SUPPOSING_H

#include <jansson.h>

#include "program/command/command.h"
#include "store/suppose.h"

/* Where an option names a site: SITE, or POOL/SITE for its servers in one pool. */
#define SUPPOSED_PLACE "[POOL/]SITE"

/* For the tables of options. */
#define OPTION_DOWN {"down", SUPPOSED_PLACE, "as if it were down", true}
#define OPTION_UP {"up", SUPPOSED_PLACE, "as if it were up", true}
#define OPTION_DRAIN {"drain", SUPPOSED_PLACE, "as if it drained", true}
#define OPTION_ENABLE {"enable", SUPPOSED_PLACE, "as if it were enabled", true}
#define OPTION_DISABLE {"disable", SUPPOSED_PLACE, "as if it were disabled", true}
#define OPTION_METHOD {"method", "POOL/METHOD", "as if the pool had this method", true}
#define OPTION_ADD_SERVER                                                                          \
    {"add-server", "POOL/SITE=ADDRESS[,WEIGHT]", "as if the pool had this server, too", true}

struct supposing {
    struct supposed_change changes[COMMAND_WORDS_MAX];
    size_t count;
    bool needs_topology; /* a supposed method goes by it */
    struct buffer texts; /* that the changes point to */
};

/*
 * Reads those options of a call, in their order. Valid as long as the call. COMMAND_OK, or how the
 * command has to end, with an error printed. Must be released in either case.
 */
enum command_result supposing_read(const struct command_call *call,
                                   struct supposing *ret_supposing);
void supposing_release(struct supposing *supposing);

/* Prints "supposing: ams is down; web/fra drains" and a newline; nothing if nothing is supposed. */
void supposing_print(const struct supposing *supposing, struct buffer *out);

/* The same as a list: {"what": "drain", "pool": "web", "site": "fra"}; of some, a "value", too. */
json_t *supposing_json(const struct supposing *supposing);

/*
 * Replaces configuration and availability of the inputs by what is supposed; does nothing if that
 * is nothing. 0, or a code with `error` set. The supposition must outlive the inputs.
 */
int supposing_apply(const struct supposing *supposing, const struct store *store,
                    struct decision_inputs *inputs, struct supposition *ret_supposition,
                    struct error *error);

#endif

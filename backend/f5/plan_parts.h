/*
 * What the files of the plan share.
 */
#ifndef STICKY_F5_PLAN_PARTS_H
#define STICKY_F5_PLAN_PARTS_H

#include "f5/plan.h"

/*
 * A name that no other row of the table has: the given one without what the database does not
 * allow, and with a number if it is taken. NULL: no memory.
 */
const char *plan_name(struct f5_work *work, struct text_index *taken, const char *wanted,
                      bool spaces);

/* A path as a name: without /Common/, or with its folders. NULL: no memory. */
const char *plan_path_name(struct f5_work *work, const char *path);

/* The text in lower case; NULL: no memory. */
char *plan_lower(struct f5_work *work, const char *text);

/* "gtm KIND PATH, line N". NULL: no memory. */
const char *plan_from(struct f5_work *work, const char *kind, const struct f5_object *object);

/* Copies the comments on an object, and its description. 0 or ERR_NOMEM. */
int plan_copy_notes(struct f5_work *work, const struct f5_object *object, struct list *notes);

/* The controller of a server; made when it is needed. */
int plan_controller(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
                    struct f5_server *server, struct f5_controller **ret_controller);

/* A controller that no server of the input stands for. */
int plan_new_controller(struct f5_work *work, struct f5_plan *plan, const char *wanted,
                        const char *from, struct f5_controller **ret_controller);

/*
 * The check that stands for the monitors; NULL: there is none. What else there is of them is said
 * in `notes`.
 */
int plan_check(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
               const struct f5_monitors *monitors, struct list *notes, struct f5_check **ret_check);

/* Says whether all answers of a pool are its fallback IP. */
bool plan_is_fixed(const struct f5_pool *pool);

/* The mode that answers when no member of a pool is up. */
const struct f5_mode *plan_end(const struct f5_pool *pool);

/* How a name is answered: the pools of its wide IPs, and their persistence. */
struct f5_part {
    struct f5_pool *a, *aaaa, *cname; /* those that are not there are NULL */
    int64_t ratio;                    /* among the parts of a stage */
};

/* What becomes one pool. */
struct f5_stage {
    struct list parts;         /* struct f5_part; one, or all pools of a wide IP */
    enum f5_spread spread;     /* over the parts, if there are several */
    struct address ipv4, ipv6; /* a fallback IP in place of parts */
    const char *name;          /* of such a stage */
    int64_t ttl_s;             /* likewise */
};

struct f5_answering {
    const struct f5_wideip *wideip; /* the one whose settings count */
    struct list stages;             /* struct f5_stage, the first choice first */
    struct list notes;
};

/* The first pool of the chain, made or found; NULL if there are no stages. */
int plan_pools(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
               const struct f5_answering *answering, struct f5_planned_pool **ret_pool);

/* Fills the rows of a pool. */
int plan_rows(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
              const struct f5_stage *stage, struct f5_planned_pool *pool);

/* The stages of the pools of wide IPs; each of the three may be NULL. */
int plan_stages(struct f5_work *work, const struct f5_wideip *a, const struct f5_wideip *aaaa,
                const struct f5_wideip *cname, struct f5_answering *ret_answering);

int plan_names(struct f5_work *work, struct f5_plan *plan, struct f5_model *model);
int plan_topology(struct f5_work *work, struct f5_plan *plan, struct f5_model *model);

#endif

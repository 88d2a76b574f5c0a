/*
 * How sharing goes, as pdns-stickyd has written it into the tables `share_state` and `peer_state`:
 * for whoever shows it.
 */
#ifndef STICKY_STORE_SHARING_VIEW_H
#define STICKY_STORE_SHARING_VIEW_H

#include "core/sticky/mapping.h"
#include "store/sharing/sharing.h"
#include "store/store.h"

struct share_peer_view {
    char name[ROW_NAME_MAX];
    bool written;                  /* there is a row of `peer_state`; else the state is zeros */
    struct share_peer_state state; /* with times of whole seconds */
};

/* Whom this server follows, and how that goes. */
struct share_follow_view {
    int64_t node; /* 0: nobody, and the rest is zeros */
    char name[ROW_NAME_MAX];
    char revision[17]; /* "": nothing was taken over yet */
    int64_t taken_s;   /* Unix time; 0: never */
    int64_t heard_s;   /* likewise */
    char problem[256];
};

struct share_view {
    int64_t node; /* 0: nothing is shared, and the rest is zeros */
    char name[ROW_NAME_MAX];
    int64_t written_s; /* Unix time of the last look at `state`; 0: never */
    struct share_state state;
    struct share_follow_view follow;
    struct share_peer_view *peers;
    size_t peer_count;
};

/*
 * Reads it in the transaction that is begun. 0, or a code with `error` set and nothing to release.
 * Where there is nothing to share, that costs one look at one row.
 */
int store_read_sharing(struct store *store, struct share_view *ret_view, struct error *error);

/* How a mapping came to be here. */
struct mapping_history {
    int64_t decided_ms;             /* Unix time; 0: it is not known */
    char by[ROW_NAME_MAX];          /* the name server that decided: "ns2", or "name server 7" */
    bool has_lag;                   /* it came from a peer, */
    int64_t lag_ms;                 /* so much later */
    bool has_replaced;              /* and moved the resolver here, from this controller, */
    char replaced[ROW_NAME_MAX];    /* "": which is gone */
    char replaced_by[ROW_NAME_MAX]; /* where this one had decided so */
};

/*
 * Reads that of a mapping in the transaction that is begun. ERR_NOTFOUND when it was made while
 * nothing was shared; 0, or a code with `error` set.
 */
int store_read_history(struct store *store, int64_t pool_id, const char *key,
                       const struct mapping *mapping, struct mapping_history *ret_history,
                       struct error *error);

/* Takes zeros. */
void share_view_release(struct share_view *view);

#endif

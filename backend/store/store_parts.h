/*
 * What a store is made of, for the files in this folder.
 */
#ifndef STICKY_STORE_STORE_PARTS_H
#define STICKY_STORE_STORE_PARTS_H

#include "store/claims/claims_file.h"
#include "store/limits.h"
#include "store/maintenance/maintenance.h"
#include "store/sqlite/database.h"
#include "store/store.h"

struct store {
    struct database database;
    struct maintenance maintenance;
    struct limits limits;
    int64_t now_ms;            /* monotonic, of the last store_begin() */
    int64_t stuck_until_ms;    /* monotonic: see STUCK_RETRY_MS */
    unsigned begun;            /* so many transactions */
    struct revision revision;  /* of the transaction that is begun */
    struct revision given;     /* by the last store_begin() */
    bool outdated;             /* see store_is_outdated() */
    int64_t kept_until_ms;     /* monotonic: then it is begun anew */
    int64_t mappings_revision; /* column `mappings` of table `revision`, the same */
    int64_t node;              /* of table `share`, the same */
    struct claims *claims;     /* NULL: not open */
    struct error claims_error; /* why they are not */
    struct error claims_loss;  /* that the file was changed or did not fit; to be told */
    int64_t claims_look_ms; /* monotonic: then it is looked whether the file is as it should be */
    int64_t claims_opening; /* of the database, for which they were opened */
    bool uses_claims;       /* somebody asks for mappings */
    bool has_waited;        /* for claims that are being made, since they were open */
    bool has_claimed;       /* claims were made that may not be written yet */
    int lost;               /* claims in a row that met a commit of others */
    unsigned changes;       /* by operators, so many */
    bool is_monitor;        /* holds LOCK_MONITOR */
};

/*
 * Goes on in a new transaction if anybody may have committed since this one began. 0, or a code
 * with `error` set.
 */
int store_renew(struct store *store, struct error *error);

/* Writes claims from here if there is no writer. */
void store_write_claims(struct store *store);

/* 0, or why nothing can be claimed at all, with `error` set. */
int store_check_open(struct store *store, struct error *error);

/* The same, and the limits on new mappings. */
int store_check_writable(struct store *store, bool adds_row, struct error *error);

/*
 * Claims what the judge wants. 0; ERR_NOTFOUND where nothing is to be changed; ERR_LIMIT while
 * there is no room for another claim; or another code; with `error` set but for ERR_NOTFOUND.
 */
int store_claim_change(struct store *store, int64_t pool_id, const char *key,
                       const struct mapping_judge *judge, struct error *error);

/* A judge that lets any mapping go, and what it claims. */
extern const struct mapping_judge store_forgets_any;
int store_claim_deletion(struct store *store, int64_t pool_id, const char *key,
                         struct error *error);

/* Gives the writer a moment, or does its work where there is none. */
void store_let_write(struct store *store);

/* 0, or ERR_LIMIT with `error` set when this claim would be one too many. */
int store_check_limits(struct store *store, bool adds_row, struct error *error);

#endif

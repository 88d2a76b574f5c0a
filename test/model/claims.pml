/*
 * The protocol of claims, for the model checker spin: all that can happen to one client of one
 * pool. The rules are those of backend/store/claims/claims.h; each part names the code that it
 * stands for. `run`, beside this file, has the list of searches.
 *
 *   asker      a thread that answers questions: find() and claim() of store/mappings.c
 *   forgetter  store_forget()
 *   writer     claim_rows_write(); two of them are one that was stopped, and its stand-in
 *   sweeper    sweep_run()
 *   operator   somebody who changes the table with sqlite3
 *   clock      mappings end, or are due for a refresh
 *   judge      says what has to hold when nobody has anything left to do
 *
 * Without it are what stops claims altogether, such as a full bucket, a damaged file or a database
 * that nobody can write, and what one client does to others.
 *
 * An atomic block is one step. It reads or changes one thing that processes share: a claim under
 * its mutex, the table in a transaction, the wal-index. Between two steps anybody may go on, and
 * before each step the process may be killed.
 *
 * A process sets its variables back as soon as it needs them no more. That has no meaning, but
 * there are fewer states to search.
 */

/* ---------------------------------------------------------------- what a search is about */

#ifndef QUESTIONS
#define QUESTIONS 3     /* so many are asked, of both askers together */
#endif
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef KILLS
#define KILLS 0         /* so many processes are killed, at any step */
#endif
#ifndef DELETE
#define DELETE 0        /* the operator deletes the row, if there is one, and others with it */
#endif
#ifndef INSERT
#define INSERT 0        /* or says what it is: INSERT or UPDATE */
#endif
#ifndef ELSEWHERE
#define ELSEWHERE 0     /* or changes the row of another client */
#endif
#ifndef FORGET
#define FORGET 0        /* somebody forgets the client */
#endif
#ifndef DUE
#define DUE 0           /* the row of the beginning is due for a refresh */
#endif
#ifndef LATER
#define LATER 0         /* mappings become due for a refresh at some moment */
#endif
#ifndef END
#define END 0           /* mappings end at that moment */
#endif
#ifndef SWEEP
#define SWEEP 0         /* rows that have ended are deleted */
#endif

/* Mutants: in each of them one rule is broken, and a search has to find that. */
#define CLAIMS_OVER_ANY    1    /* a claim replaces one that the decision did not know */
#define CLAIMS_UNSEEN      2    /* a claim is made though the table may have changed */
#define CLAIMS_UNLOCKED    3    /* a claim is made without the mutex */
#define REREADS_ROW_ONLY   4    /* the row is read once more, but not the revision */
#define LOOKS_AT_TABLE     5    /* the table is read before the claims are looked at */
#define LOOKS_ONCE         6    /* claims are not looked at again in a new transaction */
#define LOOKS_LATE         7    /* the wal-index is looked at after the transaction began */
#define FOLLOWS_ANY        8    /* a claim of another revision is followed */
#define MUTEX_STAYS        9    /* a mutex stays held when its owner is killed */
#define TAKES_EARLY       10    /* the writer takes claims before it has SQLite's lock */
#define TAKES_TOLD        11    /* it takes only claims of which it was told */
#define WRITES_ANY        12    /* it writes claims of any revision */
#define TELLS             13    /* what it writes changes the revision */
#define SETTLES_EARLY     14    /* it takes a claim out before it commits */
#define SETTLES_ANY       15    /* it takes out whatever claim is there */
#define SWEEPS_LATE       16    /* a row is deleted though it may have been written anew */
#define CHANGES_SILENTLY  17    /* the operator's change does not change the revision */
#define FORGETS_HASTILY   18    /* forgetting does not wait until the row is written */
#define FORGETS_ONCE      19    /* it does not look whether the revision is still the same */
#define MARKS_LATE        20    /* a bucket is said to be in use after the claim is made */
#define EMPTIES_UNLOCKED  21    /* it is said to be empty without its mutex */
#ifndef MUTANT
#define MUTANT 0
#endif
#define IS(mutant) (MUTANT == mutant)

/* ---------------------------------------------------------------- mappings */

/*
 * A site, and the time when it was chosen, as one number. Askers choose site 0 or 1. Only the row
 * of the beginning has site 2, so that it can be told from all others.
 */
#define NONE 0
#define MAPPING(site, made) (1 + (site) + 3 * (made))
#define SITE(mapping)       (((mapping) - 1) % 3)
#define MADE(mapping)       (((mapping) - 1) / 3)
#define FIRST_SITE 2

byte time = DUE;
byte ended;     /* mappings that were made before bind nobody */
#define BINDS(mapping, since) ((mapping) != NONE && MADE(mapping) >= (since))

/* ---------------------------------------------------------------- what processes share */

#define NOBODY    0
#define ASKER     1     /* and 2 */
#define FORGETTER 3
#define WRITER    4     /* and 5 */

/* The database: the row, the number that the changes of others change, and who may write. */
byte row, revision, sqlite_lock;

/*
 * By process: the wal-index is as it was when the process began its transaction, so nobody has
 * committed since, and what it would read in it is what stands in the table.
 */
bool current[4];

inline commit() {
    current[ASKER] = false;
    current[ASKER + 1] = false;
    current[FORGETTER] = false
}

/*
 * The file of claims: one slot, the mutex of its bucket, what is said of it without the mutex, and
 * the mark that tells the writer.
 */
typedef claim {
    byte number;        /* 0: there is no claim */
    byte wanted;        /* NONE: there is to be no row */
    byte revision       /* as the decision has read it */
};
claim slot;
byte last_number, mutex;
bool is_empty = true, changed;

inline copy(it, ret_copy) {
    ret_copy.number = it.number;
    ret_copy.wanted = it.wanted;
    ret_copy.revision = it.revision
}

inline clear(it) {
    it.number = 0;
    it.wanted = NONE;
    it.revision = 0
}

/* SIGKILL. The system gives back the mutex and SQLite's lock, if the process held them. */
byte kills = KILLS;
#define MAY_DIE if :: true :: kills > 0 -> kills--; goto killed fi

inline release(lock, me) {
    if
    :: lock == me -> lock = NOBODY
    :: else
    fi
}

/* ---------------------------------------------------------------- what has to hold */

/*
 * `truth` is a table that everybody sees at once, by revision: a claim changes the truth of its
 * revision, and when the operator changes the table, then what it says becomes the truth of the
 * next. So claims that were not written by then are void.
 *
 *   1. A claim replaces the mapping that its decision knew, and no other.
 *   2. An answer was the truth at some moment between the question and the answer.
 *   3. When forgetting has ended, the row of the beginning is gone.
 *   4. In the end the row is the truth, the slot is free, and nothing is held.
 *
 * From this follows that two questions have one answer if nothing came between them, that each
 * answer becomes a row, and that what the operator said is so. A mapping that binds nobody is as
 * good as none.
 */
byte truth[6];
#define BINDING(mapping) (BINDS(mapping, ended) -> (mapping) : NONE)

/* By asker: which sites were the truth since it was asked. 0: it is not asked now. */
byte true_sites[3];
#define IS_ASKED 1
#define BIT(mapping) ((mapping) == NONE -> 0 : 2 << SITE(mapping))
#define ADD_BIT(sites, mapping) sites = (sites -> sites | BIT(mapping) : 0)

inline becomes_true(in_revision, mapping) {
    truth[in_revision] = mapping;
    ADD_BIT(true_sites[ASKER], mapping);
    ADD_BIT(true_sites[ASKER + 1], mapping)
}

byte questions = QUESTIONS;
byte busy;      /* so many processes have something left to do */

/* ---------------------------------------------------------------- to find a mapping */

/*
 * Begins to read, unless nobody has committed since it did so (begin() of store.c): looks at the
 * wal-index, then begins the transaction. What is committed between the two is read, but the
 * process takes it for something that it has not read.
 */
inline begin(me) {
    atomic {
        !current[me] -> MAY_DIE;
        if
        :: IS(LOOKS_LATE) -> known = row; transaction = revision
        :: else -> current[me] = true
        fi
    };
    atomic {
        MAY_DIE;
        if
        :: IS(LOOKS_LATE) -> current[me] = true
        :: else -> known = row; transaction = revision
        fi;
        printf("%d begins to read: row %d, revision %d\n", me, known, transaction)
    }
}

/* store_renew() and find_row() */
inline read_row(me) {
    if
    :: atomic { current[me] -> MAY_DIE; known = row }
    :: begin(me)
    fi
}

/* A claim of another revision is void: the row counts. */
#define COUNTS(claim) (claim.number != 0 && (claim.revision == transaction || IS(FOLLOWS_ANY)))

/*
 * find(): `known` is what is found. If the revision changed after a claim was looked at, another
 * one may be there by now.
 */
inline find(me) {
    if
    :: IS(LOOKS_AT_TABLE) -> read_row(me)
    :: else
    fi;
    do
    :: atomic {
           is_empty || mutex == NOBODY -> MAY_DIE;
           if
           :: is_empty -> clear(found)    /* without the mutex */
           :: !is_empty -> copy(slot, found)
           fi;
           printf("%d looks at claim %d\n", me, found.number);
           if
           :: COUNTS(found) -> known = found.wanted; clear(found); break
           :: !COUNTS(found) && IS(LOOKS_AT_TABLE) -> clear(found); break
           :: else -> looked_in = transaction
           fi
       };
       if
       :: atomic { current[me] -> MAY_DIE; known = row; clear(found); looked_in = 0; break }
       :: begin(me);
          if
          :: found.number == 0 || transaction == looked_in || IS(LOOKS_ONCE) ->
             known = (COUNTS(found) -> found.wanted : known);
             clear(found); looked_in = 0;
             break
          :: else
          fi
       fi
    od
}

/* ---------------------------------------------------------------- to claim one */

/*
 * claim() and claims_put(): `wanted` for `known`, decided in the transaction that is begun. With a
 * claim of that revision in the slot, it has to want what is known. Otherwise the table has to be
 * as it was read. Where it may not be, the claim is lost, or the table is read once more
 * (is_still_seen()).
 */
inline put(me) {
    atomic {
        mutex == NOBODY -> MAY_DIE;
        if
        :: IS(CLAIMS_UNLOCKED)
        :: else -> mutex = me
        fi;
        decided_in = transaction;
        if
        :: slot.number != 0 && slot.revision == transaction ->
           claimed = (slot.wanted == known || IS(CLAIMS_OVER_ANY))
        :: else ->
           claimed = (current[me] || IS(CLAIMS_UNSEEN));
           if
           :: !claimed -> reread = true
           :: true
           fi
        fi
    };
    if
    :: reread ->
       before = known;
       begin(me);
       claimed = (known == before && (transaction == decided_in || IS(REREADS_ROW_ONLY)));
       known = before
    :: else
    fi;
    if
    :: claimed ->
       atomic {
           MAY_DIE;
           is_empty = IS(MARKS_LATE) && is_empty
       };
       atomic {
           MAY_DIE;
           assert(BINDING(truth[decided_in]) == BINDING(known));    /* 1 */
           becomes_true(decided_in, wanted);
           last_number++;
           slot.number = last_number;
           slot.wanted = wanted;
           slot.revision = decided_in;
           printf("%d claims %d for %d: claim %d\n", me, wanted, known, last_number)
       };
       atomic { MAY_DIE; changed = true; is_empty = false }
    :: else
    fi;
    atomic {
        MAY_DIE;
        mutex = NOBODY;
        decided_in = 0;
        before = NONE;
        reread = false
    }
}

/* What is left of a process that ends, or is killed. */
inline end_process(me) {
    if
    :: IS(MUTEX_STAYS)
    :: else -> release(mutex, me)
    fi;
    current[me] = false;
    transaction = 0; looked_in = 0; decided_in = 0;
    known = NONE; wanted = NONE; before = NONE;
    clear(found);
    reread = false; claimed = false
}

/* ---------------------------------------------------------------- who claims */

/* One that was killed is started again, and asked the next question. */
proctype asker(byte me) {
    byte transaction, looked_in, decided_in;    /* revisions */
    byte known, wanted, before;                 /* mappings */
    byte today, since;                          /* the times by which a question is answered */
    claim found;
    bool reread, claimed, refreshes;

question:
    atomic {
        if
        :: questions > 0 -> questions--
        :: else -> goto done
        fi;
        today = time;
        since = ended;
        true_sites[me] = IS_ASKED | BIT(BINDING(truth[revision]));
        printf("%d is asked\n", me);
        if
        :: current[me] -> goto look
        :: else -> transaction = 0
        fi
    };
    begin(me);
look:
    find(me);
    if
    :: BINDS(known, since) && MADE(known) >= today ->
       wanted = known;
       goto answer
    :: BINDS(known, since) && MADE(known) < today ->
       refreshes = true;
       wanted = MAPPING(SITE(known), today)
    :: else ->
       if
       :: wanted = MAPPING(0, today)
       :: wanted = MAPPING(1, today)
       fi
    fi;
    put(me);
    if
    :: claimed || refreshes     /* a refresh that is lost changes nothing */
    :: else -> known = NONE; wanted = NONE; goto look
    fi;
answer:
    atomic {
        printf("%d answers %d\n", me, wanted);
        assert(true_sites[me] & BIT(wanted));   /* 2 */
        true_sites[me] = 0;
        known = NONE; wanted = NONE;
        today = 0; since = 0;
        claimed = false; refreshes = false;
        goto question
    };
killed:
    atomic {
        printf("%d is killed\n", me);
        end_process(me);
        true_sites[me] = 0;
        today = 0; since = 0;
        refreshes = false;
        goto question
    };
done:
    atomic { end_process(me); busy-- }
}

/*
 * Claims that there is no mapping, and waits until no claim is left: then this one was written, or
 * others that were made over it. If the operator came between, it may have been dropped, and is
 * made again.
 */
proctype forgetter(byte me) {
    byte transaction, looked_in, decided_in, claimed_in;
    byte known, wanted, before;
    claim found;
    bool reread, claimed;

    begin(me);
look:
    find(me);
    if
    :: known == NONE -> goto done
    :: else
    fi;
    claimed_in = transaction;
    put(me);
    known = NONE;
    if
    :: !claimed -> goto look
    :: else -> claimed = false
    fi;
    atomic {
        mutex == NOBODY && (slot.number == 0 || slot.wanted != NONE && IS(FORGETS_HASTILY)) ->
        MAY_DIE
    };
    read_row(me);
    if
    :: transaction != claimed_in && !IS(FORGETS_ONCE) -> goto look
    :: else
    fi;
    assert(known == NONE || SITE(known) != FIRST_SITE);     /* 3 */
    goto done;
killed:
    printf("%d is killed\n", me);
done:
    atomic { end_process(me); claimed_in = 0; busy-- }
}

/* ---------------------------------------------------------------- who writes to the table */

/* Told by `changed`, or by a look at all claims from time to time. */
#define HAS_WORK (changed || slot.number != 0 && !IS(TAKES_TOLD))

/* claims_settle() */
inline settle(me) {
    atomic {
        mutex == NOBODY -> MAY_DIE;
        if
        :: slot.number == taken.number || IS(SETTLES_ANY) -> clear(slot)
        :: else
        fi;
        mutex = (slot.number == 0 && !IS(EMPTIES_UNLOCKED) -> me : NOBODY);
        emptied = (slot.number == 0);
        printf("%d settles claim %d\n", me, taken.number)
    };
    if
    :: emptied -> atomic { MAY_DIE; is_empty = true; emptied = false; release(mutex, me) }
    :: else
    fi
}

proctype writer(byte me) {
    claim taken;
    bool emptied;

end:
    atomic {
        HAS_WORK && (sqlite_lock == NOBODY || IS(TAKES_EARLY)) -> MAY_DIE;
        if
        :: IS(TAKES_EARLY)
        :: else -> sqlite_lock = me
        fi
    };
    atomic { MAY_DIE; changed = false };
    atomic { mutex == NOBODY -> MAY_DIE; copy(slot, taken) };
    if
    :: IS(SETTLES_EARLY) -> settle(me)
    :: else
    fi;
    atomic {
        sqlite_lock == me || sqlite_lock == NOBODY -> MAY_DIE;  /* NOBODY: with TAKES_EARLY */
        if
        :: taken.number != 0 && (taken.revision == revision || IS(WRITES_ANY)) ->
           row = taken.wanted;
           commit();
           if
           :: IS(TELLS) -> revision++; truth[revision] = truth[revision - 1]
           :: else
           fi
        :: else
        fi;
        sqlite_lock = NOBODY;
        taken.wanted = NONE;
        taken.revision = 0;
        printf("%d has written claim %d: row %d\n", me, taken.number, row)
    };
    settle(me);
    atomic { clear(taken); goto end };
killed:
    atomic {
        printf("%d is killed\n", me);
        release(sqlite_lock, me);
        release(mutex, me);
        emptied = false;
        clear(taken);
        goto end
    }
}

/* Looks without a lock, then deletes what has ended. The revision stays, as with the writer. */
proctype sweeper() {
end:
    atomic { row != NONE && BINDING(row) == NONE };
    atomic {
        sqlite_lock == NOBODY ->
        if
        :: row != NONE && (BINDING(row) == NONE || IS(SWEEPS_LATE)) ->
           row = NONE;
           commit();
           printf("the row is swept\n")
        :: else
        fi;
        goto end
    }
}

/* A DELETE that finds no row writes nothing. */
proctype operator() {
    atomic {
        sqlite_lock == NOBODY ->
        busy--;
        if
        :: DELETE && row != NONE -> row = NONE
        :: DELETE && row == NONE -> printf("the operator deletes nothing\n"); goto done
        :: INSERT -> row = MAPPING(0, time)
        :: INSERT -> row = MAPPING(1, time)
        :: ELSEWHERE
        fi;
        commit();
        if
        :: IS(CHANGES_SILENTLY)
        :: else -> revision++
        fi;
        becomes_true(revision, row);
        printf("the operator changes the table: row %d\n", row)
    };
done:
    skip
}

/* ---------------------------------------------------------------- time, and the end */

proctype clock() {
    atomic {
        time++;
        ended = (END -> time : ended);
        printf("time goes on\n");
        busy--
    }
}

proctype judge() {
    atomic {
        timeout ->
        assert(busy == 0);      /* nobody waits for ever */
        assert(mutex == NOBODY && sqlite_lock == NOBODY);       /* 4 */
        assert(slot.number == 0);
        assert(BINDING(row) == BINDING(truth[revision]))
    }
}

init {
    atomic {
        if
        :: row = NONE
        :: row = MAPPING(FIRST_SITE, 0)
        fi;
        truth[0] = row;
        run asker(ASKER);
        run asker(ASKER + 1);
        run writer(WRITER);
        busy = 2 + FORGET + LATER + (DELETE || INSERT || ELSEWHERE);
        if :: WRITERS == 2 -> run writer(WRITER + 1) :: else fi;
        if :: FORGET -> run forgetter(FORGETTER) :: else fi;
        if :: SWEEP -> run sweeper() :: else fi;
        if :: DELETE || INSERT || ELSEWHERE -> run operator() :: else fi;
        if :: LATER -> run clock() :: else fi;
        run judge()
    }
}

/*
 * The protocol of claims (backend/store/claims/claims.h), for spin: one client of one pool.
 *
 *   asker      a thread that answers: find() and claim() of store/mappings.c, claims_put()
 *   writer     claim_rows_write(); two of them are a writer that was stopped and its stand-in
 *   operator   DELETE FROM persistence in the shell
 *   forgetter  store_forget()
 *   events     the mappings made so far stop binding (END=1), or are due for a refresh (END=2)
 *   rest       what has to hold when nobody has anything left to do
 *
 * A mapping is a site and a time of two values, so two decisions may be equal as they may be in one
 * second. Each atomic block is one step; MAY_DIE is SIGKILL before it. `current` is
 * !wal_index_moved(), `held` is that the number in the slot is the one that was taken.
 *
 * early, late, cuts, said and steady are of the model alone: which DELETE or forget a decision
 * knew of, and the site that was answered since the last event.
 *
 * Switches: WRITE (0: a claim is written whatever the row is; 1: as the program does; 2: the row
 * must be one of two), REREAD_DELETIONS, LOOK_AGAIN, KILLS, WRITERS, ASKS, END, SWEEP, DELETE,
 * FORGET.
 */
#ifndef ASKS
#define ASKS 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef WRITE          /* 0 upsert, 1 as written, 2 two candidates */
#define WRITE 1
#endif
#define NONE 0
#define MAPPING(site, at) (1 + (site) + 2 * (at))
#define SITE(m) (((m) - 1) % 2)
#define AT(m) (((m) - 1) / 2)
#define BINDS(m) ((m) != NONE && AT(m) >= ended)

typedef claim {
    bit used; bit maps; bit deletes;
    byte wanted; byte seen; byte maybe; byte deletions;
    byte early; byte late
};
byte mutex; byte db_lock;
claim slot; bit changed;
bit held[3];        /* by writer: the claim it took is still there, under its number */
byte row; byte row_early; byte row_late; byte deletions;
bit current[3];
byte ended; byte now;
byte kills = KILLS;
byte cuts; byte said; bit steady[2];

#define MAY_DIE if :: true :: kills > 0 -> kills--; goto killed fi
#define EVENT said = 0; steady[0] = 0; steady[1] = 0
#define COMMITTED current[0] = 0; current[1] = 0; current[2] = 0; db_lock = 0

#define SHOW printf("      row %d (deletions %d) slot{%d: maps %d deletes %d wanted %d seen %d maybe %d deletions %d} ended %d said %d cuts %d\n",row,deletions,slot.used,slot.maps,slot.deletes,slot.wanted,slot.seen,slot.maybe,slot.deletions,ended,said,cuts)
inline say(m) {
    if :: BINDS(m) -> assert(said == 0 || said == 1 + SITE(m)); said = 1 + SITE(m) :: else fi }

inline clear(it) { it.used = 0; it.maps = 0; it.deletes = 0; it.wanted = 0; it.seen = 0; it.maybe = 0; it.deletions = 0; it.early = 0; it.late = 0 }
inline copy(from, into) { into.used = from.used; into.maps = from.maps; into.deletes = from.deletes; into.wanted = from.wanted; into.seen = from.seen; into.maybe = from.maybe; into.deletions = from.deletions; into.early = from.early; into.late = from.late }
inline set_row(to, how_early, how_late) { row = to; if :: row == NONE -> row_early = 0; row_late = 0 :: else -> row_early = how_early; row_late = how_late fi }

inline renew(who) { if :: current[who] -> skip :: else -> current[who] = 1; read = row; dels = deletions fi }

proctype asker(byte me) {
    byte asks; byte start; byte known; byte wanted;
    byte read; byte dels; /* the transaction */
    claim looked;
    bit refresh; byte early; byte late; bit ok; bit maps;
question:
    atomic {
        early = 0; late = 0; known = 0; wanted = 0; refresh = 0; ok = 0; start = 0; maps = 0; clear(looked);
        if :: asks == ASKS -> current[me] = 0; read = 0; dels = 0; goto done :: else fi;
        asks++; start = cuts; renew(me)
    }
again:
    atomic {
        mutex == 0; MAY_DIE;
        printf("A%d looks\n", me); SHOW;
        steady[me] = 1; refresh = 0; known = 0;
        copy(slot, looked);
        if :: looked.used && looked.deletions == dels ->
                if :: looked.maps -> known = looked.wanted;
                     if :: dels == deletions -> say(known) :: else fi
                :: else -> known = NONE fi;
                clear(looked);
                goto decide
        :: else fi
    }
    atomic { MAY_DIE;
        ok = current[me]; renew(me);
        printf("A%d renews\n", me); SHOW;
        if
#ifdef LOOK_AGAIN
        :: looked.used && !ok -> ok = 0; clear(looked); goto again
        :: looked.used && ok && looked.deletes -> known = NONE
#else
        :: looked.used && looked.deletions != dels && looked.deletes -> known = NONE
        :: looked.used && looked.maps && looked.deletions == dels -> known = looked.wanted;
                if :: steady[me] -> say(known) :: else fi
        :: looked.used && !looked.maps && looked.deletions == dels -> known = NONE
#endif
        :: else -> known = read;
            if :: BINDS(read) && steady[me] -> say(read) :: else fi
        fi;
        ok = 0; clear(looked) }
decide:
    atomic {
        if :: BINDS(known) && AT(known) == now -> goto question
        :: BINDS(known) && AT(known) != now -> refresh = 1; wanted = MAPPING(SITE(known), now)
        :: else -> if :: wanted = MAPPING(0, now) :: wanted = MAPPING(1, now) fi; early = start fi
    }
    atomic {
        mutex == 0; MAY_DIE;
        looked.deletions = dels; /* of the claim to be */
        if :: slot.used && slot.deletions == dels -> ok = (known == (slot.maps -> slot.wanted : NONE))
        :: else ->
            if :: ok = current[me]
#ifndef NO_REREAD
            :: !current[me] ->
                renew(me); ok = (read == known);
#ifdef REREAD_DELETIONS
                ok = ok && looked.deletions == dels
#endif
#endif
            fi
        fi;
        if :: !ok && refresh -> goto question
        :: !ok && !refresh -> clear(looked); goto again
        :: else -> mutex = 1 + me; printf("A%d may put %d for %d\n", me, wanted, known); SHOW fi
    }
    atomic {
        MAY_DIE;
        if :: slot.used && slot.deletions == looked.deletions -> skip
        :: else -> slot.seen = known; slot.maybe = NONE fi;
        if :: !refresh -> late = cuts
        :: refresh && slot.used && slot.deletions == looked.deletions -> late = slot.late; early = slot.early
        :: else -> late = row_late; early = row_early fi;
        slot.deletes = slot.used && slot.deletes;
        slot.used = 1; held[1] = 0; held[2] = 0; slot.maps = 1; slot.wanted = wanted;
        slot.deletions = looked.deletions; slot.early = early; early = 0; 
        slot.late = late; if :: slot.deletions == deletions && !refresh -> say(wanted) :: else fi;
        printf("A%d has put\n", me); SHOW
    }
    atomic { MAY_DIE; changed = 1 }
    atomic { MAY_DIE; mutex = 0; goto question }
killed:
    atomic { printf("A%d killed\n", me); if :: mutex == 1 + me -> mutex = 0 :: else fi; current[me] = 0; goto question }
done: skip
}

proctype forgetter() {
    byte dels;
    atomic { dels = deletions }
    atomic { mutex == 0 -> MAY_DIE; mutex = 3 }
    atomic { MAY_DIE;
        if :: slot.used -> skip
        :: else -> slot.seen = NONE; slot.maybe = NONE fi;
        slot.used = 1; held[1] = 0; held[2] = 0; slot.maps = 0; slot.wanted = NONE; slot.deletes = 1; slot.deletions = dels;
        slot.early = 0; slot.late = 0;
        cuts++; EVENT; printf("forget has put\n"); SHOW }
    atomic { MAY_DIE; changed = 1 }
    atomic { mutex = 0; goto done }
killed: atomic { if :: mutex == 3 -> mutex = 0 :: else fi }
done: atomic { dels = 0 }
}

proctype writer(byte me) {
    claim taken; byte written; bit marked; byte new; bit write; bit drop;
begin:
    atomic { held[me] = 0; clear(taken); written = 0; marked = 0; new = 0; write = 0; drop = 0 };
end_idle:
    do
    :: atomic { db_lock == 0 && (changed || slot.used) -> db_lock = me; printf("W%d begins\n", me) };
        atomic { MAY_DIE; marked = changed; changed = 0; if :: !marked -> marked = slot.used :: else fi };
        atomic { mutex == 0; MAY_DIE; if :: marked && slot.used -> copy(slot, taken); held[me] = 1; printf("W%d takes\n", me); SHOW :: else -> db_lock = 0; goto begin fi };
        /* what is going to be the row */
        atomic {
            new = (taken.deletes -> NONE : row);
            drop = taken.maps && taken.deletions != deletions;
#if WRITE == 0
            write = taken.maps && !drop;
#elif WRITE == 1
            write = taken.maps && !drop && (taken.seen != NONE && !taken.deletes -> new == taken.seen : new == NONE);
#else
            write = taken.maps && !drop && (new == NONE || new == taken.seen || new == taken.maybe);
#endif
            if :: write -> new = taken.wanted :: else fi
        };
#if WRITE == 2
        atomic { mutex == 0; MAY_DIE; if :: slot.used -> slot.seen = row; slot.maybe = new :: else fi };
#endif
        atomic { MAY_DIE;
            if :: drop -> assert(taken.early < cuts) :: else fi;
            if :: write -> set_row(new, taken.early, taken.late) :: else -> set_row(new, row_early, row_late) fi;
            if :: write || taken.deletes -> COMMITTED :: else -> db_lock = 0 fi;
            written = (taken.maps -> row : NONE);
            printf("W%d commits\n", me); SHOW };
        atomic { mutex == 0; MAY_DIE;
            if
            :: slot.used && held[me] ->
                if :: drop -> EVENT :: else fi;
                held[1] = 0; held[2] = 0;
                clear(slot)
#if WRITE == 1
            :: slot.used && !held[me] ->
                slot.deletes = 0; slot.seen = written
#endif
            :: else fi; printf("W%d has settled\n", me); SHOW;
            goto begin }
#ifdef SWEEP
    :: atomic { db_lock == 0 && row != NONE && !BINDS(row) -> set_row(NONE, 0, 0); COMMITTED; printf("W%d sweeps\n", me); SHOW }
#endif
    od;
killed:
    atomic { printf("W%d killed\n", me); if :: db_lock == me -> db_lock = 0 :: else fi; goto begin }
}

init {
    atomic {
        if :: row = NONE :: row = MAPPING(0, 0) fi;
        run asker(0); run asker(1); run writer(1);
#if WRITERS > 1
        run writer(2);
#endif
#ifdef DELETE
        run operator();
#endif
#ifdef FORGET
        run forgetter();
#endif
#ifdef END
        run events();
#endif
        run rest()
    }
}
#ifdef DELETE
proctype operator() {
    atomic { db_lock == 0 -> if :: row != NONE -> set_row(NONE, 0, 0); deletions++; cuts++; EVENT; COMMITTED :: else fi; printf("DELETE\n"); SHOW }
}
#endif
#ifdef END
proctype events() { atomic { now++;
#if END == 1
 ended = now; EVENT; printf("END\n"); SHOW
#endif
 } }
#endif
proctype rest() {
    timeout;
    atomic {
    assert(!slot.used && mutex == 0 && db_lock == 0);
    assert(said == 0 || (row != NONE && SITE(row) == said - 1));
    assert(row == NONE || row_late == cuts)
    }
}

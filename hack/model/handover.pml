/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hand-over: the table and the specs are separate objects, changed by compare-and-swap, read through caches as stale as they like.
 *
 * One lane, two workers, two controllers that both believe they lead. A worker's informer may show it the spec before the newest again;
 * its process may restart while the handler goes on with a call; worker 0 may be told to stop (resigned) or be known to have stopped; a
 * ConvoyWorker may be deleted by hand and is re-created empty. No broker and no time here: nothing but the protocol keeps owners apart.
 *
 * Safety: no worker opens the lane while another one runs it or has a handler busy with it.
 * Progress (settles): when the adversary rests, a living worker that is not leaving owns the lane and runs it. */
#include "common.h"

#ifndef MOVES
#define MOVES 1               /* voluntary moves */
#endif
#ifndef LEADERS
#define LEADERS 2             /* controllers that believe they lead */
#endif
#ifndef RESTARTS
#define RESTARTS 1            /* worker processes that die while the handler goes on */
#endif
#ifndef LAGS
#define LAGS 0                /* reads of the spec before the newest */
#endif
#ifndef DELETIONS
#define DELETIONS 0           /* ConvoyWorkers deleted by hand */
#endif
#ifndef STOPS
#define STOPS 0               /* worker 0: told to stop, or known to have stopped */
#endif

#ifdef MUT_TABLE_WITHOUT_CAS
#define TABLE_UNCHANGED true
#else
#define TABLE_UNCHANGED (rev == t_rev)
#endif
/* An acknowledgement counts only for the revision that it answers. */
#ifdef MUT_ANY_ACK
#define ACKNOWLEDGED (!held[owner])
#else
#define ACKNOWLEDGED (obs[owner] >= since && !held[owner])
#endif
#ifdef MUT_GRANT_WITHOUT_ACK
#define RELEASED true
#else
#define RELEASED ACKNOWLEDGED
#endif
#ifdef MUT_RESIGNED_UNHEARD
#define RESIGNED(w) false
#else
#define RESIGNED(w) resigned[w]
#endif
/* A spec is written only with a newer table revision ... */
#ifdef MUT_OLDER_SPEC_WRITTEN
#define NEWER(w) true
#else
#define NEWER(w) (rev > srev[w])
#endif
/* ... and by compare-and-swap on the object. Revisions only grow within one object, so revision and generation stand for the version. */
#ifdef MUT_SPEC_WITHOUT_CAS
#define SPEC_UNCHANGED(w) true
#else
#define SPEC_UNCHANGED(w) (gen[w] == sp_gen[w] && ver[w] == sp_ver[w])
#endif
#ifdef MUT_OLDER_SPEC_WRITTEN
#define NEXT_VERSION(w) (sp_ver[w] + 1)
#define MAY_WRITE(w) (sp_ver[w] < 4)
#else
#define NEXT_VERSION(w) rev
#define MAY_WRITE(w) true
#endif
/* A revoke always writes the spec, also one that lacks the lane already: without a revision to answer there is no acknowledgement. */
#ifdef MUT_REVOKE_NEED_NOT_WRITE
#define CHANGED(w) (WANT(w) != shas[w])
#else
#define CHANGED(w) (WANT(w) != shas[w] || (state == RELEASING && owner == w))
#endif
/* A ConvoyWorker that is empty, new or re-created, says nothing about what its pod has seen: the table is read live after it. */
#ifdef MUT_EMPTY_SPEC_FROM_CACHE
#define LIVE_TABLE(w) true
#else
#define LIVE_TABLE(w) (srev[w] > 0 || live[w])
#endif
#ifdef MUT_SPEC_GOES_BACK
#define READABLE(r) true
#else
#define READABLE(r) (r >= seen[w])
#endif
#ifdef MUT_RESTART_FROM_CACHE
#define RESTART_REVISION old_rev[w]
#define RESTART_HAS old_has[w]
#else
#define RESTART_REVISION sp_rev[w]
#define RESTART_HAS sp_has[w]
#endif
/* A restarted process opens nothing and reports nothing as released while a call of its predecessor may run. */
#ifdef MUT_NO_RESTART_BARRIER
#define BARRIER(w) false
#else
#define BARRIER(w) orphan[w]
#endif
#ifdef MUT_RELEASE_BEFORE_CALLS_END
#define DRAINED(w) true
#else
#define DRAINED(w) (!busy[w])
#endif

byte t_rev = 1, t_state = OWNED, t_owner, t_since;          /* the lane table */
byte sp_gen[2], sp_ver[2], sp_rev[2]; bool sp_has[2];       /* specs: object, version, table revision, lane granted */
byte old_rev[2]; bool old_has[2];                           /* the spec before, that a lagging watch may show */
byte st_obs[2]; bool st_held[2], st_resigned[2];            /* statuses */
bool gone[2];                                               /* the pod is known to have stopped (kubelet's word) */

byte seen[2]; bool has[2], running[2], leaving[2], exited[2];  /* worker processes */
bool busy[2], orphan[2];                                    /* handlers: a call of the lane may be running; of a dead process */

byte moves = MOVES, restarts = RESTARTS, lags = LAGS, deletions = DELETIONS, stops = STOPS;

inline write_table(s, o) { t_rev++; t_state = s; t_owner = o; rev = t_rev; state = s; owner = o }

inline read_worker(w) {
  gen[w] = sp_gen[w]; ver[w] = sp_ver[w]; srev[w] = sp_rev[w]; shas[w] = sp_has[w];
  obs[w] = st_obs[w]; held[w] = st_held[w]; resigned[w] = st_resigned[w]; dead[w] = gone[w];
  live[w] = (sp_rev[w] > 0)
}
#define WORKER_CHANGED(w) (gen[w] != sp_gen[w] || ver[w] != sp_ver[w] || obs[w] != st_obs[w] || held[w] != st_held[w] || resigned[w] != st_resigned[w] || dead[w] != gone[w])

#define WANT(w) (state == OWNED && owner == w)
#define MAY_PROJECT(w) (rev > 0 && MAY_WRITE(w) && !dead[w] && SPEC_UNCHANGED(w) && NEWER(w) && CHANGED(w) && LIVE_TABLE(w))
inline project(w) {
  old_rev[w] = sp_rev[w]; old_has[w] = sp_has[w];
  sp_ver[w] = NEXT_VERSION(w); sp_rev[w] = rev; sp_has[w] = WANT(w);
  gen[w] = sp_gen[w]; ver[w] = sp_ver[w]; srev[w] = rev; shas[w] = WANT(w); live[w] = true
}

proctype controller() {
  byte rev, state, owner, since;                            /* cached table */
  byte gen[2], ver[2], srev[2], obs[2]; bool shas[2], held[2], resigned[2], dead[2];  /* cached workers */
  bool live[2];                                             /* the table was read after an empty ConvoyWorker */
end:
  do
  :: d_step { rev != t_rev || !live[0] || !live[1] ->
       rev = t_rev; state = t_state; owner = t_owner; since = t_since; live[0] = true; live[1] = true }
  :: d_step { WORKER_CHANGED(0) -> read_worker(0) }
  :: d_step { WORKER_CHANGED(1) -> read_worker(1) }
  :: d_step { state == OWNED && TABLE_UNCHANGED && moves > 0 ->
       moves--; write_table(RELEASING, owner); t_since = t_rev; since = t_rev }
  /* grant: the old owner's answer, its resignation or its known stop */
  :: d_step { state != UNOWNED && TABLE_UNCHANGED && (dead[owner] || RESIGNED(owner) || (state == RELEASING && RELEASED)) ->
       if :: owner == 0 || dead[0] || resigned[0] -> write_table(OWNED, 1) :: else -> write_table(OWNED, 0) fi;
       t_since = 0; since = 0 }
  /* project the cached table into a worker's spec */
  :: d_step { MAY_PROJECT(0) -> project(0) }
  :: d_step { MAY_PROJECT(1) -> project(1) }
  od
}

#define ALIVE(w) (!gone[w] && !exited[w])
proctype worker(byte w) {
end:
  do
  :: d_step { ALIVE(w) && sp_rev[w] != seen[w] && READABLE(sp_rev[w]) -> seen[w] = sp_rev[w]; has[w] = sp_has[w] }
  :: d_step { ALIVE(w) && has[w] && !running[w] && !leaving[w] && !BARRIER(w) ->
       assert(!running[1 - w] && !busy[1 - w] && !busy[w]);
       running[w] = true }
  :: d_step { ALIVE(w) && (!has[w] || leaving[w]) && running[w] && DRAINED(w) -> running[w] = false }
  :: d_step { ALIVE(w) && (has[w] && !leaving[w]) == running[w] && !BARRIER(w) && (st_obs[w] != seen[w] || st_held[w] != running[w]) ->
       st_obs[w] = seen[w]; st_held[w] = running[w] }
  :: d_step { ALIVE(w) && leaving[w] && !running[w] && !BARRIER(w) && !st_resigned[w] -> st_resigned[w] = true; exited[w] = true }
  od
}

/* starts calls again and again while the worker runs the lane; the handler ends them */
proctype caller(byte w) {
end:
  do
  :: d_step { running[w] && has[w] && !leaving[w] && !busy[w] -> busy[w] = true }
  :: d_step { busy[w] -> busy[w] = false; orphan[w] = false }
  od
}

proctype adversary(byte w) {
end:
  do
  :: d_step { lags > 0 && ALIVE(w) && old_rev[w] != seen[w] && READABLE(old_rev[w]) -> lags--; seen[w] = old_rev[w]; has[w] = old_has[w] }
  :: d_step { restarts > 0 && ALIVE(w) && sp_rev[w] > 0 -> restarts--; running[w] = false; orphan[w] = busy[w]; seen[w] = RESTART_REVISION; has[w] = RESTART_HAS }
  :: d_step { deletions > 0 -> deletions--; sp_gen[w]++; sp_ver[w] = 0; sp_rev[w] = 0; sp_has[w] = false;
       old_rev[w] = 0; old_has[w] = false; st_obs[w] = 0; st_held[w] = false; st_resigned[w] = false }
  :: d_step { stops > 0 && w == 0 && !leaving[w] && !gone[w] -> stops--; leaving[w] = true }
  :: d_step { stops > 0 && w == 0 && !gone[w] -> stops--; gone[w] = true; running[w] = false; busy[w] = false; orphan[w] = false; seen[w] = 0; has[w] = false }
  od
}

#define SETTLED (t_state == OWNED && running[t_owner] && !gone[t_owner] && !leaving[t_owner])
ltl settles { <>[] SETTLED }

init {
  atomic {
    sp_ver[0] = 1; sp_rev[0] = 1; sp_has[0] = true; st_obs[0] = 1; st_held[0] = true; seen[0] = 1; has[0] = true; running[0] = true;
    run controller();
    if :: LEADERS > 1 -> run controller() :: else fi;
    run worker(0); run worker(1); run caller(0); run caller(1); run adversary(0); run adversary(1)
  }
}

/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Restart: worker processes come and go beside a handler that outlives them, in discrete time.
 *
 * One lane, two workers, one controller that writes the table and projects it into the specs step by step (stale caches are the business of
 * handover.pml). The process of worker 0 may die at any instant and is started again; whether the handler is restarted with it
 * (RestartAllContainers honoured) is chosen at the start. It may be told to stop, and be started again after it has resigned; its
 * ConvoyWorker may be deleted by hand, with all that its status said.
 *
 * Safety: the key has one call at a time; its tokens (lane epoch, incarnation) never go back and never name two processes.
 * Progress (settles): when the adversary rests, a worker that has not resigned owns the lane and runs it. */
#include "common.h"

#ifndef MOVES
#define MOVES 2               /* voluntary moves */
#endif
#ifndef RESTARTS
#define RESTARTS 2            /* deaths of the process of worker 0 */
#endif
#ifndef DELETIONS
#define DELETIONS 1           /* its ConvoyWorker deleted by hand */
#endif
#ifndef TERMINATIONS
#define TERMINATIONS 1        /* it is told to stop */
#endif
#define TIMEOUT 2

#ifdef MUT_NO_BARRIER
#define BARRIER_TIME 0
#elif defined(MUT_SHORT_BARRIER)
#define BARRIER_TIME (TIMEOUT - 1)
#else
#define BARRIER_TIME TIMEOUT
#endif
/* Evidence of a predecessor lives and dies with the pod; a status may be deleted. */
#ifdef MUT_PREDECESSOR_ONLY_IN_STATUS
#define PREDECESSOR(w) (st_inc[w] > 0)
#else
#define PREDECESSOR(w) marker[w]
#endif
#ifdef MUT_BARRIER_REPORTS
#define MAY_REPORT(w) true
#else
#define MAY_REPORT(w) (barrier[w] == 0)
#endif
#ifdef MUT_RESIGN_DURING_BARRIER
#define MAY_RESIGN(w) (!running[w])
#elif defined(MUT_RESIGN_BEFORE_DRAINED)
#define MAY_RESIGN(w) (barrier[w] == 0)
#else
#define MAY_RESIGN(w) (barrier[w] == 0 && !running[w])
#endif
#ifdef MUT_RESIGNED_REOPENS
#define RESIGNED_BEFORE(w) false
#elif defined(MUT_RESIGNED_ONLY_IN_STATUS)
#define RESIGNED_BEFORE(w) st_resigned[w]
#else
#define RESIGNED_BEFORE(w) (st_resigned[w] || pod_resigned[w])
#endif
/* After a deletion the resignation is reported again: it is the evidence that moves the lane. */
#ifdef MUT_RESIGNED_NOT_REPEATED
#define REPEATS_RESIGNED(w) false
#else
#define REPEATS_RESIGNED(w) true
#endif
/* The broker knows an incarnation that the status has forgotten. */
#ifdef MUT_FORGOTTEN_INCARNATION
#define RAISED(w) inc[w]
#else
#define RAISED(w) MAX(inc[w], record_inc + 1)
#endif

byte t_rev = 1, t_state = OWNED, t_owner, t_since, t_epoch = 1;
byte sp_rev[2], sp_epoch[2]; bool sp_has[2];
byte st_obs[2], st_inc[2]; bool st_held[2], st_resigned[2];
bool knows_resigned[2];                                     /* the controller has seen it, and may act on it at any time */
byte record_epoch, record_inc, record_owner = NOBODY;      /* the broker's epoch record */

bool marker[2], pod_resigned[2];                            /* what a process leaves in its pod for the next one */
bool up[2], loaded[2], leaving[2];                          /* process started; live read done, incarnation raised; told to stop */
byte seen[2], inc[2], barrier[2], epoch[2];
bool has[2], running[2];
byte run_epoch[2];

byte busy[2]; bool orphan[2];                               /* the handler's call, ticks left; its process has died */
bool handler_restarts;                                      /* all containers restart with the worker */
byte key_token, key_worker; bool key_alive;                 /* the last token that reached the key; whose; its process still lives */

byte moves = MOVES, restarts = RESTARTS, deletions = DELETIONS, terminations = TERMINATIONS;

#define TOKEN(w) (run_epoch[w] * 8 + inc[w])
#define READY(w) (up[w] && loaded[w])
#define WANT(w) (t_state == OWNED && t_owner == w)
#define PROJECTS(w) (sp_rev[w] < t_rev && (sp_has[w] != WANT(w) || (WANT(w) && sp_epoch[w] != t_epoch) || (t_state == RELEASING && t_owner == w && sp_rev[w] < t_since)))
inline project(w) { sp_rev[w] = t_rev; sp_has[w] = WANT(w); sp_epoch[w] = (WANT(w) -> t_epoch : 0) }

proctype controller() {
end:
  do
  :: d_step { t_state == OWNED && moves > 0 -> moves--; t_rev++; t_state = RELEASING; t_since = t_rev }
  :: d_step { (t_state == RELEASING && st_obs[t_owner] >= t_since && !st_held[t_owner]) || knows_resigned[t_owner] ->
       t_rev++; t_state = OWNED; t_epoch++; t_since = 0;
       if :: t_owner == 1 && !knows_resigned[0] -> t_owner = 0 :: else -> t_owner = 1 fi }
  :: d_step { PROJECTS(0) -> project(0) }
  :: d_step { PROJECTS(1) -> project(1) }
  :: d_step { st_resigned[0] && !knows_resigned[0] -> knows_resigned[0] = true }
  od
}

inline process_gone(w) {
  up[w] = false; loaded[w] = false; leaving[w] = false; seen[w] = 0; inc[w] = 0; barrier[w] = 0; epoch[w] = 0; has[w] = false;
  running[w] = false; run_epoch[w] = 0;
  if
  :: handler_restarts -> busy[w] = 0
  :: else -> orphan[w] = (busy[w] > 0)
  fi;
  if :: key_worker == w -> key_alive = false :: else fi
}

proctype worker(byte w) {
end:
  do
  :: d_step { !up[w] ->
       up[w] = true;
       barrier[w] = (PREDECESSOR(w) && !handler_restarts -> BARRIER_TIME : 0);
       marker[w] = true }
  :: d_step { up[w] && !loaded[w] && !RESIGNED_BEFORE(w) ->
       loaded[w] = true; seen[w] = sp_rev[w]; has[w] = sp_has[w]; epoch[w] = sp_epoch[w];
       st_inc[w] = st_inc[w] + 1; inc[w] = st_inc[w] }
  :: d_step { up[w] && !loaded[w] && RESIGNED_BEFORE(w) && REPEATS_RESIGNED(w) && !st_resigned[w] -> st_resigned[w] = true }
  :: d_step { READY(w) && sp_rev[w] > seen[w] -> seen[w] = sp_rev[w]; has[w] = sp_has[w]; epoch[w] = sp_epoch[w] }
  /* open: the epoch record is written before anything else */
  :: d_step { READY(w) && has[w] && !leaving[w] && !running[w] && barrier[w] == 0 &&
       (record_epoch < epoch[w] || (record_epoch == epoch[w] && record_owner == w)) ->
       if
       :: record_epoch == epoch[w] -> inc[w] = RAISED(w); st_inc[w] = inc[w]
       :: else
       fi;
       record_epoch = epoch[w]; record_inc = inc[w]; record_owner = w;
       running[w] = true; run_epoch[w] = epoch[w] }
  :: d_step { READY(w) && running[w] && (!has[w] || leaving[w] || epoch[w] != run_epoch[w]) && (busy[w] == 0 || orphan[w]) ->
       running[w] = false; run_epoch[w] = 0 }
  :: d_step { READY(w) && MAY_REPORT(w) && (st_obs[w] != seen[w] || st_held[w] != running[w]) -> st_obs[w] = seen[w]; st_held[w] = running[w] }
  :: d_step { READY(w) && leaving[w] && MAY_RESIGN(w) && !st_resigned[w] -> pod_resigned[w] = true; st_resigned[w] = true }
  od
}

#ifdef PROGRESS
byte calls = 1;
#else
#define calls 1
#endif
proctype caller(byte w) {
end:
  do
  :: d_step { calls > 0 && READY(w) && running[w] && has[w] && !leaving[w] && (busy[w] == 0 || orphan[w]) ->
#ifdef PROGRESS
       calls--;
#endif
       assert(busy[0] == 0 && busy[1] == 0);
       assert(TOKEN(w) > key_token || (TOKEN(w) == key_token && key_alive && key_worker == w));
       key_token = TOKEN(w); key_worker = w; key_alive = true;
       busy[w] = TIMEOUT; orphan[w] = false }
  :: d_step { busy[w] > 0 -> busy[w] = 0; orphan[w] = false }
  od
}

inline tick(t) { if :: t > 0 -> t-- :: else fi }
proctype clock() {
end:
  do
  :: d_step { busy[0] > 0 || busy[1] > 0 || barrier[0] > 0 ->
       tick(busy[0]); tick(busy[1]); tick(barrier[0]);
       if :: busy[0] == 0 -> orphan[0] = false :: else fi }
  od
}

proctype adversary() {
end:
  do
  :: d_step { restarts > 0 && up[0] -> restarts--; process_gone(0) }
  :: d_step { terminations > 0 && up[0] && !leaving[0] -> terminations--; leaving[0] = true }
  :: d_step { deletions > 0 -> deletions--; sp_rev[0] = 0; sp_has[0] = false; sp_epoch[0] = 0; st_obs[0] = 0; st_inc[0] = 0; st_held[0] = false; st_resigned[0] = false }
  od
}

#define SETTLED (t_state == OWNED && READY(t_owner) && running[t_owner] && run_epoch[t_owner] == t_epoch && !leaving[t_owner])
ltl settles { <>[] SETTLED }

init {
  atomic {
    if :: handler_restarts = true :: handler_restarts = false fi;
    sp_rev[0] = 1; sp_has[0] = true; sp_epoch[0] = 1;
    run controller(); run clock(); run worker(0); run worker(1); run caller(0); run caller(1); run adversary()
  }
}

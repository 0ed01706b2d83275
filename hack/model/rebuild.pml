/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rebuild: the table is lost, or comes back as it was at a revision older than what some worker has been told.
 *
 * One lane, three workers, a leader that works with what is live, and a deposed one that holds a copy of the table from any instant and may
 * project it at any later one. Worker 0 may vanish with its ConvoyWorker while its process lives. The leader notices an old table before it
 * writes it again. That a quarantine outlasts every hold and call below its epoch is shown by takeover.pml and taken for granted here.
 *
 * With -DRECREATED worker 0 is a stranger to begin with, left over from a deleted pool of the same name, and runs the lane at a high epoch.
 *
 * Safety: no two workers have a call of the lane's key at the handler.
 * Progress (settles): when the adversary rests, a worker owns the lane and runs it at the table's epoch. */
#include "common.h"

#ifndef MOVES
#define MOVES 2               /* voluntary moves */
#endif
#ifndef VANISHINGS
#define VANISHINGS 0          /* worker 0 vanishes with its ConvoyWorker */
#endif
#ifndef LOSSES
#define LOSSES 1              /* the table is deleted, or restored */
#endif
#define N 3

/* states of the lane in a worker */
#define IDLE 0
#define OPENING 1
#define FENCING 2
#define RUNNING 3

/* A lane without a claimant may be run by somebody unknown. */
#ifdef MUT_UNCLAIMED_NOT_FORCED
#define UNCLAIMED_FORCED false
#else
#define UNCLAIMED_FORCED true
#endif
/* Nor is it known whether a claimant that does not run yet was granted the lane by force. */
#ifdef MUT_CLAIMED_NOT_FORCED
#define CLAIMED_FORCED false
#else
#define CLAIMED_FORCED (!(st_running[t_owner] && st_epoch[t_owner] == t_epoch))
#endif
/* A refusal says that somebody else has opened the lane. */
#ifdef MUT_REFUSED_NOT_FORCED
#define REFUSAL_FORCES false
#else
#define REFUSAL_FORCES true
#endif
/* It is evidence by itself: this worker will never hold the lane at that epoch. */
#ifdef MUT_REFUSAL_UNHEARD
#define HEARD false
#else
#define HEARD true
#endif
/* The record names the worker: two histories may have granted the same epoch to different ones. */
#ifdef MUT_RECORD_WITHOUT_WORKER
#define RECORD_ADMITS(w) (record_epoch <= run_epoch[w])
#else
#define RECORD_ADMITS(w) (record_epoch < run_epoch[w] || (record_epoch == run_epoch[w] && record_owner == w))
#endif
#define CLAIM(w) MAX((sp_has[w] -> sp_epoch[w] : 0), st_epoch[w])
/* The lost history may hold revisions and grants that nobody has seen yet and that a deposed leader projects later: the new one starts a jump
 * above them. An epoch is never above the revision that granted it, so the jump puts the epochs of unclaimed lanes above them, too. */
#define JUMP 8
#ifdef MUT_REVISION_NOT_RAISED
#define REBUILT_REVISION (t_exists -> t_rev + 1 : 1)
#elif defined(MUT_REVISION_WITHOUT_JUMP)
#define REBUILT_REVISION (listed_rev + 1)
#else
#define REBUILT_REVISION (listed_rev + JUMP)
#endif
#ifdef MUT_UNCLAIMED_EPOCH_WITHOUT_JUMP
#define UNCLAIMED_EPOCH 0
#else
#define UNCLAIMED_EPOCH t_rev
#endif
#ifdef MUT_OLD_TABLE_TRUSTED
#define OLD false
#else
#define OLD (t_rev < WORLD)
#endif

bool same;                                                          /* the table is as the rebuilder has read it */
bool t_exists = true; byte t_rev = 1, t_state = OWNED, t_owner, t_since, t_epoch = 1; bool t_forced;
byte b_rev, b_state, b_owner, b_since, b_epoch; bool b_forced;      /* a backup of the table */
byte d_rev, d_owner = NOBODY, d_epoch; bool d_forced;               /* the deposed leader's copy: the lane's owner, or nobody */
byte record_epoch, record_owner = NOBODY;                          /* the broker's epoch record */

bool exists[N];                                                     /* pod and ConvoyWorker are there */
byte sp_rev[N], sp_epoch[N]; bool sp_has[N], sp_forced[N];
byte st_obs[N], st_epoch[N], st_floor[N]; bool st_running[N];       /* statuses: observed, epoch held (0: none), floor of a refusal, Running */
byte seen[N], epoch[N]; bool has[N], forced[N];                     /* worker processes */
byte state[N], run_epoch[N]; bool run_forced[N];
bool busy[N];                                                       /* handlers */

bool granted_1;
byte moves = MOVES, losses = LOSSES, vanishings = VANISHINGS;

#define REVISION(w) (exists[w] -> MAX(sp_rev[w], st_obs[w]) : 0)
#define WORLD MAX(REVISION(0), MAX(REVISION(1), REVISION(2)))
#define SOUND (t_exists && !OLD)
#define WANT(w) (t_state == OWNED && t_owner == w)
#define RECORD_MINE(w) (record_epoch == run_epoch[w] && record_owner == w)

inline project(w) { sp_rev[w] = t_rev; sp_has[w] = WANT(w); sp_epoch[w] = (WANT(w) -> t_epoch : 0); sp_forced[w] = (WANT(w) && t_forced) }
inline project_copy(w) { sp_rev[w] = d_rev; sp_has[w] = (d_owner == w); sp_epoch[w] = (d_owner == w -> d_epoch : 0); sp_forced[w] = (d_owner == w && d_forced) }
#define PROJECTS(w) (SOUND && exists[w] && sp_rev[w] < t_rev && \
  (sp_has[w] != WANT(w) || (WANT(w) && sp_epoch[w] != t_epoch) || (t_state == RELEASING && t_owner == w && sp_rev[w] < t_since)))

#define INHERITED (t_forced && !(st_running[t_owner] && st_epoch[t_owner] == t_epoch))
#define ACKNOWLEDGED (t_state == RELEASING && st_obs[t_owner] >= t_since && st_epoch[t_owner] == 0)
#define REFUSED (t_state == OWNED && st_floor[t_owner] > 0 && sp_epoch[t_owner] == t_epoch && seen[t_owner] == sp_rev[t_owner])
inline grant_to(w) { t_rev++; t_state = OWNED; t_epoch++; t_owner = w; t_since = 0; same = false }
inline grant() {
  if                          /* 1 and 2 are alike until one of them has been granted the lane: that is 1 */
  :: exists[0] -> grant_to(0)
  :: grant_to(1); granted_1 = true
  :: granted_1 -> grant_to(2)
  fi
}

proctype leader() {
end:
  do
  :: d_step { SOUND && t_state == OWNED && moves > 0 -> moves--; t_rev++; t_state = RELEASING; t_since = t_rev; same = false }
  :: d_step { SOUND && t_state == OWNED && t_forced && !INHERITED -> t_rev++; t_forced = false; same = false }
  :: atomic { SOUND && t_state == UNOWNED -> grant() }
  :: atomic { SOUND && t_state != UNOWNED && exists[t_owner] && ACKNOWLEDGED -> t_forced = INHERITED; grant() }
  :: atomic { SOUND && t_state != UNOWNED && exists[t_owner] && REFUSED && HEARD -> t_forced = (REFUSAL_FORCES || INHERITED); t_epoch = MAX(t_epoch, st_floor[t_owner]); grant() }
  :: atomic { SOUND && t_state != UNOWNED && !exists[t_owner] -> t_forced = true; grant() }
  :: d_step { PROJECTS(0) -> project(0) }
  :: d_step { PROJECTS(1) -> project(1) }
  :: d_step { PROJECTS(2) -> project(2) }
  od
}

/* Rebuilding reads the table, then the workers, and writes by compare-and-swap on the table as it was read: what the workers say is then
 * younger than the loss. Workers read first may speak of the time before it. */
#ifdef MUT_WORKERS_READ_FIRST
#define MAY_LIST true
#define TABLE_AS_READ true
#else
#define MAY_LIST (same && !listed)
#define TABLE_AS_READ same
#endif
inline list(w) {
  if :: exists[w] && REVISION(w) > listed_rev -> listed_rev = REVISION(w) :: else fi;
  if :: exists[w] && CLAIM(w) > listed_epoch -> listed_epoch = CLAIM(w); listed_owner = w :: else fi
}
inline forget_list() { listed = false; listed_rev = 0; listed_epoch = 0; listed_owner = NOBODY }

proctype rebuilder() {
  byte listed_rev, listed_epoch, listed_owner = NOBODY; bool listed;
end:
  do
  :: d_step { !same && (!t_exists || OLD) -> same = true }
  :: d_step { MAY_LIST -> forget_list(); listed = true; list(0); list(1); list(2) }
  :: d_step { listed && !TABLE_AS_READ -> forget_list() }
  :: d_step { listed && TABLE_AS_READ && (!t_exists || t_rev < listed_rev) ->
       t_rev = REBUILT_REVISION; t_exists = true; t_since = 0;
       if
       :: listed_owner != NOBODY -> t_state = OWNED; t_owner = listed_owner; t_epoch = listed_epoch; t_forced = CLAIMED_FORCED
       :: else -> t_state = UNOWNED; t_owner = 0; t_epoch = UNCLAIMED_EPOCH; t_forced = UNCLAIMED_FORCED
       fi;
       same = false; forget_list() }
  od
}

/* A leader that has been deposed, with the table of any one instant. */
proctype deposed() {
end:
  do
  :: d_step { d_rev == 0 && t_exists -> d_rev = t_rev; d_owner = (t_state == OWNED -> t_owner : NOBODY); d_epoch = t_epoch; d_forced = t_forced }
  :: d_step { d_rev > sp_rev[0] && exists[0] && sp_has[0] != (d_owner == 0) -> project_copy(0) }
  :: d_step { d_rev > sp_rev[1] && sp_has[1] != (d_owner == 1) -> project_copy(1) }
  :: d_step { d_rev > sp_rev[2] && sp_has[2] != (d_owner == 2) -> project_copy(2) }
  od
}

inline opening(w) { state[w] = OPENING; run_epoch[w] = epoch[w]; run_forced[w] = forced[w] }
inline close(w) { state[w] = IDLE; run_epoch[w] = 0; run_forced[w] = false }
/* refused, or fenced later on: the floor is reported, unless a newer grant is to be opened */
inline refused(w) {
  if
  :: !has[w] -> close(w)
  :: has[w] && epoch[w] == run_epoch[w] -> st_floor[w] = record_epoch; close(w)
  :: has[w] && epoch[w] != run_epoch[w] -> opening(w)
  fi
}
#define BELOW(w, o) (busy[o] || (state[o] == RUNNING && !RECORD_MINE(o)))

proctype worker(byte w) {
end:
  do
  :: d_step { exists[w] && sp_rev[w] > seen[w] -> seen[w] = sp_rev[w]; has[w] = sp_has[w]; epoch[w] = sp_epoch[w]; forced[w] = sp_forced[w]; st_floor[w] = 0;
       if :: has[w] && state[w] == IDLE -> opening(w) :: else fi }
  :: d_step { state[w] == OPENING ->
       if
       :: RECORD_ADMITS(w) -> record_epoch = run_epoch[w]; record_owner = w; state[w] = (run_forced[w] -> FENCING : RUNNING); run_forced[w] = false
       :: else -> refused(w)
       fi }
  :: d_step { state[w] == FENCING && RECORD_MINE(w) && !BELOW(w, (w + 1) % N) && !BELOW(w, (w + 2) % N) -> state[w] = RUNNING }
  :: d_step { state[w] >= FENCING && (!has[w] || epoch[w] != run_epoch[w]) && !busy[w] -> close(w); if :: has[w] -> opening(w) :: else fi }
  :: d_step { state[w] >= FENCING && !RECORD_MINE(w) && !busy[w] -> refused(w) }
  :: d_step { exists[w] && (st_obs[w] != seen[w] || st_epoch[w] != run_epoch[w] || st_running[w] != (state[w] == RUNNING)) ->
       st_obs[w] = seen[w]; st_epoch[w] = run_epoch[w]; st_running[w] = (state[w] == RUNNING) }
  od
}

#ifdef PROGRESS
byte calls = 1;
#define MAY_CALL (calls > 0)
#define CALLED calls--
#else
#define MAY_CALL true
#define CALLED skip
#endif
proctype caller(byte w) {
end:
  do
  :: d_step { MAY_CALL && state[w] == RUNNING && has[w] && epoch[w] == run_epoch[w] && !busy[w] ->
       CALLED;
       assert(!busy[(w + 1) % N] && !busy[(w + 2) % N]);
       busy[w] = true }
  :: d_step { busy[w] -> busy[w] = false }
  od
}

proctype adversary() {
end:
  do
  :: d_step { b_rev == 0 && t_exists -> b_rev = t_rev; b_state = t_state; b_owner = t_owner; b_since = t_since; b_epoch = t_epoch; b_forced = t_forced }
  :: d_step { losses > 0 && t_exists && b_rev > 0 && b_rev < WORLD -> losses--; same = false;
       t_rev = b_rev; t_state = b_state; t_owner = b_owner; t_since = b_since; t_epoch = b_epoch; t_forced = b_forced }
  :: d_step { losses > 0 && t_exists -> losses--; same = false;
       t_exists = false; t_rev = 0; t_state = UNOWNED; t_owner = 0; t_since = 0; t_epoch = 0; t_forced = false }
  :: d_step { vanishings > 0 && exists[0] -> vanishings--; exists[0] = false;
       sp_rev[0] = 0; sp_has[0] = false; sp_epoch[0] = 0; sp_forced[0] = false; st_obs[0] = 0; st_epoch[0] = 0; st_floor[0] = 0; st_running[0] = false }
  od
}

#define SETTLED (t_exists && t_state == OWNED && exists[t_owner] && state[t_owner] == RUNNING && run_epoch[t_owner] == t_epoch && RECORD_MINE(t_owner))
ltl settles { <>[] SETTLED }

init {
  atomic {
    exists[1] = true; exists[2] = true; sp_rev[0] = 1; sp_rev[1] = 1; sp_rev[2] = 1;
#ifdef RECREATED
    t_state = UNOWNED; t_epoch = 0;
    state[0] = RUNNING; run_epoch[0] = 5; has[0] = true; epoch[0] = 5; seen[0] = 9; record_epoch = 5; record_owner = 0;
#else
    exists[0] = true; sp_has[0] = true; sp_epoch[0] = 1;
#endif
    run leader(); run rebuilder(); run deposed();
    run worker(0); run worker(1); run worker(2); run caller(0); run caller(1); run caller(2); run adversary()
  }
}

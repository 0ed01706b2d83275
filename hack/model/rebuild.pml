/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rebuild: the table is lost, or a copy of it from any earlier instant is put back.
 *
 * One lane, two or three workers, a leader that works with what is live, and a deposed one that holds the table of any one instant and may
 * project it at any later one. A table that is made anew is empty and, like one put back, names another object than its own: it is rebuilt
 * from what workers were told and say. So is one that workers are ahead of. Worker 0 may vanish with its ConvoyWorker while its process lives;
 * the ConvoyWorker of another may be deleted by hand, and is made again, empty.
 *
 * That a quarantine outlasts every hold and call below its epoch is shown by takeover.pml and taken for granted here: who waits one out, waits
 * until nobody else can have a call.
 *
 * With -DSILENT worker 0 runs the lane, was not heard, and the leader that is deposed has granted the lane to worker 1 by force and told nobody
 * yet. With -DRECREATED=e worker 0 is a stranger to begin with, left over from a deleted pool of the same name, and runs the lane at epoch e;
 * with -DLATE, too, it has been granted the lane by force and comes to open it at any later instant. With -DRESTORED the copy is put back into
 * the object itself, as when an API server is put back: safety is not claimed then, and not looked at.
 *
 * Safety: no two workers may have a call of the lane's key at the handler. With -DLEMMAS also two of the lemmas of controllers/DESIGN.md: no
 * revision comes twice, and no grant has an epoch that was granted before.
 * Progress (settles): when the adversary rests, a worker owns the lane and runs it at the table's epoch. */
#include "common.h"

#ifndef N
#define N 3                   /* workers */
#endif
#ifndef MOVES
#define MOVES 1               /* voluntary moves */
#endif
#ifndef VANISHINGS
#define VANISHINGS 0          /* worker 0 vanishes with its ConvoyWorker */
#endif
#ifndef DELETIONS
#define DELETIONS 0           /* the ConvoyWorker of worker 1 is deleted by hand */
#endif
#ifndef COPIES
#define COPIES 1              /* the deposed leader has read the table at any one instant */
#endif
#ifndef LOSSES
#define LOSSES 1              /* the table is deleted, or put back from a copy */
#endif

/* states of the lane in a worker; a status says OPENING for all in which the lane is held and not Running */
#define CLOSED 0
#define OPENING 1
#define FENCING 2
#define RUNNING 3             /* and Draining, once the grant is unwanted or superseded: calls may run */
#define REFUSED 4
#define HOLDS(s) ((s) != CLOSED && (s) != REFUSED)

/* A lane without a claimant may be run by somebody unknown. */
#ifdef MUT_UNCLAIMED_NOT_FORCED
#define UNCLAIMED_FORCED false
#else
#define UNCLAIMED_FORCED true
#endif
/* Nor is it known whether somebody has a later grant than the claimant, or that one had it by force. */
#ifdef MUT_CLAIMED_NOT_FORCED
#define CLAIMED_FORCED false
#else
#define CLAIMED_FORCED true
#endif
/* What a claimant runs proves nothing of others: only an epoch granted since the rebuild is above all of theirs. */
#ifdef MUT_CLAIMED_PLAIN_WHEN_RUNNING
#define GRANTED true
#else
#define GRANTED (t_epoch > t_rebuilt)
#endif
/* Of a pool that looks new a worker may run on. The first epoch need not wait: the broker has a record that refuses it. */
#ifdef MUT_NEW_LANE_PLAIN
#define NEW_FORCED false
#else
#define NEW_FORCED true
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
/* The record names the worker: a rebuilt table may give a claimant the epoch of another. */
#ifdef MUT_RECORD_WITHOUT_WORKER
#define RECORD_ADMITS(w) (record_epoch <= run_epoch[w])
#else
#define RECORD_ADMITS(w) (record_epoch < run_epoch[w] || RECORD_MINE(w))
#endif
/* The lost history may hold revisions and grants that nobody has seen yet and that a deposed leader projects later: the new one starts above
 * every table that was ever written. The resource version of the object that is written over says how far that is. Where epochs come from
 * elsewhere it does not, and what was seen has to do. */
#define JUMP 8
#ifdef MUT_REVISION_ABOVE_THE_SEEN
#define REBUILT_REVISION (listed_rev + 1)
#else
#define REBUILT_REVISION (listed_rev > written -> listed_rev + JUMP : written + 1)
#endif
/* An epoch is never above the revision that granted it, so that what is granted above the rebuilt revision is above every lost grant. */
#ifdef MUT_EPOCH_NOT_ABOVE_THE_LOST
#define NEXT_EPOCH (t_epoch + 1)
#else
#define NEXT_EPOCH (MAX(t_epoch, t_rebuilt) + 1)
#endif
/* Of a table that names another object only revision and epoch are read. */
#if defined(MUT_COPY_BELIEVED) || defined(RESTORED)
#define BELIEVED 1
#else
#define BELIEVED 0
#endif
/* A worker that knows more than the table tells of a history that is lost. */
#ifdef MUT_TABLE_BEHIND_TRUSTED
#define NOTICED false
#else
#define NOTICED true
#endif
bool t_foreign;                                                     /* the table names another object than its own: it is to be rebuilt */
byte t_rev = 1, t_state = OWNED, t_owner, t_since, t_epoch = 1, t_rebuilt; bool t_forced;
byte written = 1;                                                   /* the highest revision that any table has had */
bool same;                                                          /* the table is as the rebuilder has read it */
byte b_rev, b_epoch;                                                /* a copy of the table, to be put back */
byte d_rev, d_owner = NOBODY, d_epoch, d_blind = NOBODY; bool d_waits;  /* the deposed leader's copy: the lane's owner, or nobody */
byte record_epoch, record_owner = NOBODY;                           /* the broker's epoch record */

bool exists[N];                                                     /* pod and ConvoyWorker are there */
byte sp_rev[N], sp_epoch[N]; bool sp_waits[N];                      /* specs: revision, epoch granted (0: none) */
byte st_obs[N], st_state[N], st_epoch[N], st_floor[N];              /* statuses: observed, the lane's state, its epoch, floor of a refusal */
byte seen[N], epoch[N]; bool waits[N];                              /* worker processes: newest spec */
byte state[N], run_epoch[N], floor[N]; bool run_waits[N];           /* and the lane */

bool granted_1;
byte moves = MOVES, losses = LOSSES, vanishings = VANISHINGS, deletions = DELETIONS, copies = COPIES;

#ifdef LEMMAS
byte granted;                                                       /* the highest epoch that any table has granted */
#define CHECK_REVISION assert(t_rev > written)
#define CHECK_EPOCH assert(t_epoch > granted); granted = t_epoch
#else
#define CHECK_REVISION skip
#define CHECK_EPOCH skip
#endif

#define REVISION(w) MAX(sp_rev[w], st_obs[w])
#define UNKNOWN(w, e) ((e) > t_epoch || ((e) == t_epoch && t_state != UNOWNED && t_owner != w))
#define AHEAD(w) (NOTICED && exists[w] && \
  (REVISION(w) > t_rev || (sp_epoch[w] > 0 && UNKNOWN(w, sp_epoch[w])) || (HOLDS(st_state[w]) && UNKNOWN(w, st_epoch[w]))))
#if N == 3
#define BEHIND (AHEAD(0) || AHEAD(1) || AHEAD(2))
#else
#define BEHIND (AHEAD(0) || AHEAD(1))
#endif
#define SOUND (!t_foreign && !BEHIND)
#define WANT(w) (t_state == OWNED && t_owner == w)
#define WAITS (t_forced && t_epoch > 1)
#define RECORD_MINE(w) (record_epoch == run_epoch[w] && record_owner == w)

/* A worker whose mailbox takes a spec of this revision. What the deposed leader can write to nobody it forgets. */
#define TAKES(w, revision) (exists[w] && (revision) > REVISION(w))
#if N == 3
#define SOMEBODY_TAKES(revision) (TAKES(0, revision) || TAKES(1, revision) || TAKES(2, revision))
#else
#define SOMEBODY_TAKES(revision) (TAKES(0, revision) || TAKES(1, revision))
#endif
inline forget() { if :: SOMEBODY_TAKES(d_rev) :: else -> d_rev = 0; d_owner = NOBODY; d_epoch = 0; d_waits = false; d_blind = NOBODY fi }
inline project(w) { sp_rev[w] = t_rev; sp_epoch[w] = (WANT(w) -> t_epoch : 0); sp_waits[w] = (WANT(w) && WAITS); forget() }
inline project_copy(w) { sp_rev[w] = d_rev; sp_epoch[w] = (d_owner == w -> d_epoch : 0); sp_waits[w] = (d_owner == w && d_waits); forget() }
#define OUT_OF_DATE(w) (sp_rev[w] == 0 || sp_rev[w] < t_rebuilt || sp_epoch[w] != (WANT(w) -> t_epoch : 0) || sp_waits[w] != (WANT(w) && WAITS) || \
  (t_state == RELEASING && t_owner == w && sp_rev[w] < t_since))
#define PROJECTS(w) (SOUND_BY(w) && sp_rev[w] < t_rev && OUT_OF_DATE(w))
/* A spec of the table's revision that says something else is another table's: only a newer revision can mend it. */
#define OVERWRITTEN(w) (SOUND_BY(w) && sp_rev[w] == t_rev && OUT_OF_DATE(w))
#define PROJECTS_COPY(w) (TAKES(w, d_rev) && d_blind != w)

#define INHERITED (t_forced && !(st_state[t_owner] == RUNNING && st_epoch[t_owner] == t_epoch && GRANTED))
#define REFUSAL (t_state != UNOWNED && st_state[t_owner] == REFUSED && st_epoch[t_owner] == t_epoch && HEARD)
#define ACKNOWLEDGED (t_state == RELEASING && st_obs[t_owner] >= t_since && !HOLDS(st_state[t_owner]))
inline next() { t_rev++; CHECK_REVISION; written = MAX(written, t_rev); same = false }
inline grant_to(w) { next(); t_state = OWNED; t_epoch = NEXT_EPOCH; t_owner = w; t_since = 0; CHECK_EPOCH }
inline grant() {
  if                          /* 1 and 2 are alike until one of them has been granted the lane: that is 1 */
  :: exists[0] -> grant_to(0)
  :: grant_to(1); granted_1 = true
#if N == 3
  :: granted_1 -> grant_to(2)
#endif
  fi
}

/* The leader's view of other workers than the one it decides by may lag: it need not have noticed that one of those is ahead. */
#define SOUND_BY(w) (!t_foreign && exists[w] && !AHEAD(w))

proctype leader() {
end:
  do
  :: d_step { !t_foreign && t_state == OWNED && moves > 0 -> moves--; next(); t_forced = INHERITED; t_state = RELEASING; t_since = t_rev }
  :: d_step { SOUND_BY(t_owner) && t_state != UNOWNED && t_forced && !INHERITED -> next(); t_forced = false }
  :: atomic { !t_foreign && t_state == UNOWNED -> grant() }
  :: atomic { SOUND_BY(t_owner) && REFUSAL -> t_forced = (REFUSAL_FORCES || t_forced); t_epoch = MAX(t_epoch, st_floor[t_owner]); grant() }
  :: atomic { SOUND_BY(t_owner) && !REFUSAL && ACKNOWLEDGED -> t_forced = INHERITED; grant() }
  :: atomic { !t_foreign && t_state != UNOWNED && !exists[t_owner] -> t_forced = true; grant() }
  :: d_step { OVERWRITTEN(0) || OVERWRITTEN(1) -> next() }
  :: d_step { PROJECTS(0) -> project(0) }
  :: d_step { PROJECTS(1) -> project(1) }
#if N == 3
  :: d_step { PROJECTS(2) -> project(2) }
#endif
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
/* The highest epoch claims the lane. Of two workers with the same one the first is asked to open it again, above both. */
inline claim(w, e) {
  if
  :: e > listed_epoch -> listed_epoch = e; listed_owner = w
  :: e > 0 && e == listed_epoch && listed_owner != w -> listed_seen = MAX(listed_seen, e + 1)
  :: else
  fi;
  listed_seen = MAX(listed_seen, e)
}
inline list(w) {
  if
  :: exists[w] ->
     listed_rev = MAX(listed_rev, REVISION(w));
     claim(w, sp_epoch[w]);
     if
     :: HOLDS(st_state[w]) -> claim(w, st_epoch[w])
     :: else -> listed_seen = MAX(listed_seen, MAX(st_epoch[w], st_floor[w]))
     fi
  :: else
  fi
}
inline forget_list() { listed = false; listed_rev = 0; listed_epoch = 0; listed_seen = 0; listed_owner = NOBODY }

proctype rebuilder() {
  byte listed_rev, listed_epoch, listed_seen, listed_owner = NOBODY; bool listed;
end:
  do
  :: d_step { !same && !SOUND -> same = true }
  :: d_step { MAY_LIST -> forget_list(); listed = true; list(0); list(1);
#if N == 3
       list(2)
#endif
     }
  :: d_step { listed && !TABLE_AS_READ -> forget_list() }
  :: d_step { listed && TABLE_AS_READ && !SOUND ->
       listed_seen = MAX(listed_seen, t_epoch);
       listed_rev = MAX(listed_rev, MAX(t_rev, listed_seen));
       t_rev = REBUILT_REVISION; CHECK_REVISION; written = MAX(written, t_rev); t_rebuilt = t_rev; t_foreign = false; t_since = 0;
       t_epoch = listed_seen;
       if
       :: listed_owner != NOBODY -> t_state = OWNED; t_owner = listed_owner; t_forced = CLAIMED_FORCED
       :: else -> t_state = UNOWNED; t_owner = 0; t_forced = UNCLAIMED_FORCED
       fi;
       same = false; forget_list() }
  od
}

/* A leader that has been deposed, with the table of any one instant. */
proctype deposed() {
end:
  do
  :: d_step { copies > 0 && d_rev == 0 && !t_foreign && SOMEBODY_TAKES(t_rev) ->
       copies--; d_rev = t_rev; d_owner = (t_state == OWNED -> t_owner : NOBODY); d_epoch = (t_state == OWNED -> t_epoch : 0); d_waits = (t_state == OWNED && WAITS) }
  :: d_step { PROJECTS_COPY(0) -> project_copy(0) }
  :: d_step { PROJECTS_COPY(1) -> project_copy(1) }
#if N == 3
  :: d_step { PROJECTS_COPY(2) -> project_copy(2) }
#endif
  od
}

#define UNWANTED(w) (epoch[w] == 0 || epoch[w] > run_epoch[w])
inline close(w) { state[w] = CLOSED; run_epoch[w] = 0; run_waits[w] = false; floor[w] = 0 }
inline open(w) { if :: epoch[w] > 0 -> state[w] = OPENING; run_epoch[w] = epoch[w]; run_waits[w] = waits[w] :: else fi }
inline refuse(w) { state[w] = REFUSED; floor[w] = record_epoch; run_waits[w] = false }
#if N == 3
#define ALONE(w) (state[(w + 1) % 3] != RUNNING && state[(w + 2) % 3] != RUNNING)
#else
#define ALONE(w) (state[1 - w] != RUNNING)
#endif
#ifdef RESTORED
#define CHECK_ALONE(w) skip
#else
#define CHECK_ALONE(w) assert(ALONE(w))
#endif
#define SAYS(w) (state[w] == FENCING || (state[w] == RUNNING && UNWANTED(w)) -> OPENING : state[w])

proctype worker(byte w) {
end:
  do
  :: d_step { exists[w] && sp_rev[w] > seen[w] -> seen[w] = sp_rev[w]; epoch[w] = sp_epoch[w]; waits[w] = sp_waits[w];
       if :: state[w] != CLOSED && state[w] != RUNNING && UNWANTED(w) -> close(w) :: else fi;
       if :: state[w] == CLOSED -> open(w) :: else fi }
  :: d_step { state[w] == OPENING ->
       if
       :: !RECORD_ADMITS(w) -> refuse(w)
       :: else -> record_epoch = run_epoch[w]; record_owner = w;
          if
          :: run_waits[w] -> state[w] = FENCING; run_waits[w] = false
          :: else -> CHECK_ALONE(w); state[w] = RUNNING
          fi
       fi }
  :: d_step { state[w] == FENCING && RECORD_MINE(w) && ALONE(w) -> state[w] = RUNNING }
  :: d_step { state[w] == FENCING && !RECORD_MINE(w) -> refuse(w) }
  :: d_step { state[w] == RUNNING && (UNWANTED(w) || !RECORD_MINE(w)) -> close(w); open(w) }
  :: d_step { exists[w] && (st_obs[w] != seen[w] || st_state[w] != SAYS(w) || st_epoch[w] != run_epoch[w] || st_floor[w] != floor[w]) ->
       st_obs[w] = seen[w]; st_state[w] = SAYS(w); st_epoch[w] = run_epoch[w]; st_floor[w] = floor[w] }
  od
}

inline blank(w) { sp_rev[w] = 0; sp_epoch[w] = 0; sp_waits[w] = false; st_obs[w] = 0; st_state[w] = CLOSED; st_epoch[w] = 0; st_floor[w] = 0 }
inline lose() { losses--; same = false; t_rev = 0; t_foreign = true; t_state = UNOWNED; t_owner = 0; t_since = 0; t_epoch = 0; t_rebuilt = 0; t_forced = false }

proctype adversary() {
#if BELIEVED
  byte b_state, b_owner, b_since, b_rebuilt; bool b_forced;
#endif
end:
  do
  :: d_step { losses > 0 && b_rev == 0 && !t_foreign -> b_rev = t_rev; b_epoch = t_epoch;
#if BELIEVED
       b_state = t_state; b_owner = t_owner; b_since = t_since; b_rebuilt = t_rebuilt; b_forced = t_forced
#endif
     }
  :: d_step { losses > 0 && b_rev > 0 -> lose(); t_rev = b_rev; t_epoch = b_epoch; b_rev = 0; b_epoch = 0;
#if BELIEVED
       t_foreign = false; t_state = b_state; t_owner = b_owner; t_since = b_since; t_rebuilt = b_rebuilt; t_forced = b_forced
#endif
     }
  :: d_step { losses > 0 && (b_rev == 0 || losses > 1) -> lose() }
  :: d_step { vanishings > 0 && exists[0] -> vanishings--; exists[0] = false; blank(0) }
  :: d_step { deletions > 0 -> deletions--; granted_1 = true; blank(1); if :: d_rev > 0 -> d_blind = 1 :: else fi }
  od
}

#define SETTLED (!t_foreign && t_state == OWNED && exists[t_owner] && state[t_owner] == RUNNING && run_epoch[t_owner] == t_epoch && RECORD_MINE(t_owner))
ltl settles { <>[] SETTLED }

init {
  atomic {
    exists[0] = true; exists[1] = true; sp_rev[0] = 1; sp_rev[1] = 1; sp_epoch[0] = 1;
#if N == 3
    exists[2] = true; sp_rev[2] = 1;
#endif
#ifdef SILENT
    t_rev = 2; written = 2; t_owner = 1; t_epoch = 2; t_forced = true; granted_1 = true;
    seen[0] = 1; epoch[0] = 1; state[0] = RUNNING; run_epoch[0] = 1; record_epoch = 1; record_owner = 0;
    st_obs[0] = 1; st_state[0] = RUNNING; st_epoch[0] = 1;
    d_rev = 2; d_owner = 1; d_epoch = 2; d_waits = true; copies = COPIES - 1;
#endif
#ifdef RECREATED
    t_state = UNOWNED; t_epoch = 0; t_forced = NEW_FORCED; exists[0] = false; sp_rev[0] = 0; sp_epoch[0] = 0;
    seen[0] = 9; epoch[0] = RECREATED; run_epoch[0] = RECREATED;
#ifdef LATE
    state[0] = OPENING; run_waits[0] = true;
#else
    state[0] = RUNNING; record_epoch = RECREATED; record_owner = 0;
#endif
#endif
#ifdef LEMMAS
    granted = t_epoch;
#endif
    run leader(); run rebuilder(); run deposed(); run adversary(); run worker(0); run worker(1);
#if N == 3
    run worker(2);
#endif
  }
}

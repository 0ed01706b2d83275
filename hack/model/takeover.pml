/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Take-over: lost pods, forced grants, hold, fence, quarantine and epochs, in discrete time.
 *
 * One lane with one key, three workers, one controller. The controller writes the table and the specs that follow from it in one step
 * and reads fresh statuses (stale caches are the business of handover.pml); workers read, report and talk to the broker as late as they like.
 * Time is a clock process that counts all running timers down together; everything else takes no time and may happen any number of times
 * between two ticks. So a hold, a quarantine and a call are intervals, and no process sees another one's clock.
 *
 * Safety: no two calls of the key run at once, and no worker sends a lower epoch than the key has seen; excepted is the one stale call of a
 * process frozen between its check and its call, whose epoch is lower.
 * Progress (settles): once the adversary has spent its budget, the lane is owned by a worker that runs it at the table's epoch. */
#include "common.h"

#ifndef DISTURBANCES
#define DISTURBANCES 2        /* lost pods, stops, restarts, frozen processes */
#endif
#ifndef REVOKES
#define REVOKES 1             /* voluntary moves */
#endif
#ifndef RETURNS
#define RETURNS 0             /* unreachable nodes come back */
#endif
#define N 3
#define FENCE 2
#define TIMEOUT 2

/* What the API says about a pod. Only STOPPED is the kubelet's word; COLLECTED (phase Failed by pod garbage collection, kept by the
 * finalizer), ABSENT (force deleted) and UNREACHABLE say nothing about its processes. */
#define PRESENT 0
#define STOPPED 1
#define COLLECTED 2
#define ABSENT 3
#define UNREACHABLE 4
/* The last three are told apart by no rule unless a switch trusts one, so one stands for all. */
#ifdef MUT_TRUST_PHASE
#define CLAIM COLLECTED
#elif defined(MUT_TRUST_ABSENCE)
#define CLAIM ABSENT
#else
#define CLAIM UNREACHABLE
#endif

/* states of the lane in a worker */
#define IDLE 0
#define OPENING 1
#define FENCING 2
#define RUNNING 3

/* a worker's request at the broker, an open or a confirmation; both are a compare-and-swap on the epoch record */
#define NONE 0
#define SENT 1
#define ACCEPTED 2
#define REFUSED 3

#ifdef MUT_TRUST_PHASE
#define KNOWN_STOPPED(w) (claim[w] == STOPPED || claim[w] == COLLECTED)
#elif defined(MUT_TRUST_ABSENCE)
#define KNOWN_STOPPED(w) (claim[w] == STOPPED || claim[w] == ABSENT)
#else
#define KNOWN_STOPPED(w) (claim[w] == STOPPED)
#endif
#ifdef MUT_LOST_NEVER_TAKEN
#define LOST(w) false
#else
#define LOST(w) (claim[w] >= COLLECTED && !KNOWN_STOPPED(w))
#endif
#ifdef MUT_LOST_NOT_FORCED
#define FORCE_LOST false
#else
#define FORCE_LOST LOST(t_owner)
#endif
/* A forced grant stays forced, for the next owner too, until its owner has reported Running at that epoch. */
#ifdef MUT_FORCED_NOT_INHERITED
#define INHERITED false
#elif defined(MUT_FORCED_CLEARED_BY_OPEN)
#define INHERITED (t_forced && record_epoch != t_epoch)
#else
#define INHERITED (t_forced && st_running[t_owner] != t_epoch)
#endif
#ifdef MUT_EPOCH_REUSED
#define NEXT_EPOCH(f) ((f) -> t_epoch : t_epoch + 1)
#else
#define NEXT_EPOCH(f) (t_epoch + 1)
#endif
#ifdef MUT_QUARANTINE_WITHOUT_TIMEOUT
#define QUARANTINE FENCE
#elif defined(MUT_QUARANTINE_WITHOUT_FENCE)
#define QUARANTINE TIMEOUT
#else
#define QUARANTINE (FENCE + TIMEOUT)
#endif
#ifdef MUT_QUARANTINE_FROM_SEND
#define SEND_QUARANTINE(w) quarantine[w] = QUARANTINE
#define QUARANTINE_LEFT(w) quarantine[w]
#else
#define SEND_QUARANTINE(w)
#define QUARANTINE_LEFT(w) QUARANTINE
#endif
#ifdef MUT_HOLD_FROM_ANSWER
#define HOLD_CONFIRMED(w) FENCE
#else
#define HOLD_CONFIRMED(w) sent_hold[w]
#endif
/* Nobody takes a lane from worker 2 by force, so its hold is left out. */
#ifdef MUT_NO_HOLD
#define MAY_START(w) true
#else
#define MAY_START(w) (hold[w] > 0 || w == 2)
#endif
/* A cancelled or timed-out call is not over: the key stays held until the handler has answered or call start + timeout. */
#ifdef MUT_CANCELLED_IS_OVER
#define KEY_HELD(w) (busy[w] > 0 && hold[w] > 0)
#else
#define KEY_HELD(w) (busy[w] > 0)
#endif
#ifdef MUT_NO_BROKER_FENCE
#define RECORD_ADMITS(w) true
#else
#define RECORD_ADMITS(w) (record_epoch < run_epoch[w] || (record_epoch == run_epoch[w] && record_owner == w))
#endif
/* Whether an open is forced belongs to the grant that it opens: a later spec, without the lane, says nothing about it. */
#ifdef MUT_FORCED_FROM_LATEST_SPEC
#define QUARANTINED(w) forced[w]
#elif defined(MUT_RESTART_SKIPS_QUARANTINE)
#define QUARANTINED(w) (run_forced[w] && !restarted[w])
#else
#define QUARANTINED(w) run_forced[w]
#endif
#define ACKNOWLEDGED(w) (ACTS(w) && fresh[w] && state[w] == IDLE)

byte t_state = OWNED, t_owner, t_epoch = 1; bool t_forced;  /* the lane in the table */
byte record_epoch, record_owner = NOBODY;                  /* the broker's epoch record of the lane */
byte sp_epoch[N]; bool sp_has[N], sp_forced[N];            /* specs */
bool fresh[N];                                             /* the worker has read its spec as it is */
byte st_running[N];                                        /* statuses: the epoch at which the lane was last Running */

bool alive[N]; byte claim[N];                              /* the pod's processes, and what the API says of them */
byte epoch[N]; bool has[N], forced[N];                     /* the worker's memory of its spec */
byte state[N], run_epoch[N], hold[N], quarantine[N];
byte request[N], sent_hold[N];                             /* what is left of the hold that an answer would confirm, counted from the sending */
bool run_forced[N], frozen[N], restarted[N];

byte busy[N], call_epoch[N]; bool stale[N];                /* the handler: ticks that its call may still go on */
byte key_epoch;                                            /* the highest epoch that has reached the key */

byte disturbances = DISTURBANCES, revokes = REVOKES;

#define OVERLAPS(w, o) (busy[o] > 0 && !(stale[o] && call_epoch[o] < run_epoch[w]))

/* late: the call was decided on before the process froze */
inline call(w, late) {
  assert(late || run_epoch[w] >= key_epoch);
  if
  :: run_epoch[w] >= key_epoch ->
     assert(busy[w] == 0);
     assert(late || (!OVERLAPS(w, (w + 1) % N) && !OVERLAPS(w, (w + 2) % N)));
     assert(!late || !(busy[(w + 1) % N] > 0 && call_epoch[(w + 1) % N] == run_epoch[w]));
     key_epoch = run_epoch[w];
     if                       /* it is answered within its time, or as late as the contract allows */
     :: skip
     :: busy[w] = TIMEOUT; call_epoch[w] = run_epoch[w]; stale[w] = late
     fi
  :: else -> skip             /* the handler rejects it by its epoch */
  fi
}

inline running(w) { state[w] = RUNNING; st_running[w] = run_epoch[w]; run_forced[w] = false }
inline close(w) { state[w] = IDLE; run_epoch[w] = 0; run_forced[w] = false; hold[w] = 0; quarantine[w] = 0 }
inline forget(w) {
  close(w);
  request[w] = NONE; sent_hold[w] = 0; frozen[w] = false; epoch[w] = 0; has[w] = false; forced[w] = false; fresh[w] = false
}

#define ACTS(w) (alive[w] && !frozen[w])
inline write_spec(w, h, e, f) { sp_has[w] = h; sp_epoch[w] = e; sp_forced[w] = f; fresh[w] = false }

inline grant_to(w, f) {
  t_epoch = NEXT_EPOCH(f); t_forced = f;
  if :: sp_has[t_owner] -> write_spec(t_owner, false, 0, false) :: else fi;
  t_state = OWNED; t_owner = w;
  write_spec(w, true, t_epoch, t_forced)
}

proctype controller() {
  byte f;
end:
  do
  :: d_step { t_state == OWNED && revokes > 0 ->
       revokes--; t_state = RELEASING; write_spec(t_owner, false, 0, false) }
  :: d_step { t_state == OWNED && t_forced && st_running[t_owner] == t_epoch && !LOST(t_owner) -> t_forced = INHERITED }
  :: atomic { KNOWN_STOPPED(t_owner) || LOST(t_owner) || (t_state == RELEASING && ACKNOWLEDGED(t_owner)) ->
       f = (INHERITED || (FORCE_LOST && !(t_state == RELEASING && ACKNOWLEDGED(t_owner))));
       if                     /* workers 1 and 2 differ only in what may befall them: the disturbed one first */
       :: t_owner != 1 && claim[1] == PRESENT -> grant_to(1, f)
       :: t_owner != 0 && claim[0] == PRESENT -> grant_to(0, f)
       :: t_owner == 1 || claim[1] != PRESENT -> grant_to(2, f)
       fi;
       f = 0 }
  od
}

/* The worker's steps for the lane. A spec that grants it is opened at once (it may have been read as late as it likes). */
proctype lane(byte w) {
end:
  do
  :: d_step { ACTS(w) && !fresh[w] -> fresh[w] = true; has[w] = sp_has[w]; epoch[w] = sp_epoch[w]; forced[w] = sp_forced[w] }
  :: d_step { ACTS(w) && fresh[w] && has[w] && state[w] == IDLE ->
       state[w] = OPENING; run_epoch[w] = epoch[w]; run_forced[w] = forced[w];
       request[w] = SENT; sent_hold[w] = FENCE; SEND_QUARANTINE(w) }
  :: d_step { ACTS(w) && request[w] == ACCEPTED ->
       hold[w] = HOLD_CONFIRMED(w); sent_hold[w] = 0; request[w] = NONE;
       if
       :: state[w] == OPENING && QUARANTINED(w) -> state[w] = FENCING; quarantine[w] = QUARANTINE_LEFT(w)
       :: state[w] == OPENING && !QUARANTINED(w) -> running(w)
       :: else
       fi }
  :: d_step { ACTS(w) && request[w] == REFUSED -> close(w); request[w] = NONE; sent_hold[w] = 0; has[w] = false }
  :: d_step { ACTS(w) && state[w] == FENCING && quarantine[w] == 0 -> running(w) }
  :: d_step { ACTS(w) && fresh[w] && !has[w] && request[w] == NONE && (state[w] == FENCING || (state[w] == RUNNING && !KEY_HELD(w))) -> close(w) }
  od
}

/* What a worker does again and again: start calls, confirm its hold. Fairness here is between processes, not between a process's steps, so
 * the progress check bounds the repetitions; otherwise a worker could confirm for ever and never read its spec. */
#ifdef PROGRESS
byte repetitions = 3;
#define AGAIN (repetitions > 0)
#define REPEATED repetitions--
#else
#define AGAIN true
#define REPEATED skip
#endif
proctype repeats(byte w) {
end:
  do
  :: atomic { AGAIN && ACTS(w) && has[w] && state[w] == RUNNING && MAY_START(w) && !KEY_HELD(w) -> REPEATED; call(w, false) }
  :: d_step { AGAIN && ACTS(w) && state[w] >= FENCING && request[w] == NONE && hold[w] < FENCE && w != 2 -> REPEATED; request[w] = SENT; sent_hold[w] = FENCE }
  od
}

proctype broker() {
end:
  do
  :: d_step { request[0] == SENT -> if :: RECORD_ADMITS(0) -> record_epoch = run_epoch[0]; record_owner = 0; request[0] = ACCEPTED :: else -> request[0] = REFUSED fi }
  :: d_step { request[1] == SENT -> if :: RECORD_ADMITS(1) -> record_epoch = run_epoch[1]; record_owner = 1; request[1] = ACCEPTED :: else -> request[1] = REFUSED fi }
  :: d_step { request[2] == SENT -> if :: RECORD_ADMITS(2) -> record_epoch = run_epoch[2]; record_owner = 2; request[2] = ACCEPTED :: else -> request[2] = REFUSED fi }
  od
}

inline tick(t) { if :: t > 0 -> t-- :: else fi }
inline tick_worker(w) {
  tick(hold[w]); tick(quarantine[w]); tick(sent_hold[w]);
  if :: busy[w] == 1 -> busy[w] = 0; call_epoch[w] = 0; stale[w] = false :: busy[w] > 1 -> busy[w]-- :: else fi
}
#define TIMED(w) (hold[w] > 0 || quarantine[w] > 0 || sent_hold[w] > 0 || busy[w] > 0)
proctype clock() {
end:
  do
  :: d_step { TIMED(0) || TIMED(1) || TIMED(2) -> tick_worker(0); tick_worker(1); tick_worker(2) }
  od
}

/* Worker 2 is left alone, so that somebody can take over. */
proctype adversary(byte w) {
end:
  do
  :: d_step { disturbances > 0 && claim[w] == PRESENT -> disturbances--; claim[w] = CLAIM }
  :: d_step { claim[w] >= COLLECTED && alive[w] -> alive[w] = false; forget(w); busy[w] = 0; call_epoch[w] = 0; stale[w] = false }
  :: d_step { RETURNS && claim[w] == UNREACHABLE && alive[w] -> claim[w] = PRESENT }                  /* the node is back */
  :: d_step { disturbances > 0 && claim[w] == PRESENT -> disturbances--; claim[w] = STOPPED; alive[w] = false; forget(w); busy[w] = 0; call_epoch[w] = 0; stale[w] = false }
  :: d_step { disturbances > 0 && alive[w] && claim[w] == PRESENT && state[w] != IDLE ->   /* all containers of the pod restart */
       disturbances--; forget(w); restarted[w] = true; busy[w] = 0; call_epoch[w] = 0; stale[w] = false }
  :: d_step { disturbances > 0 && w == 0 && ACTS(w) && has[w] && state[w] == RUNNING && MAY_START(w) && !KEY_HELD(w) -> disturbances--; frozen[w] = true }
  :: atomic { frozen[w] -> frozen[w] = false; call(w, true) }
  od
}

#define SETTLED (t_state == OWNED && alive[t_owner] && state[t_owner] == RUNNING && run_epoch[t_owner] == t_epoch && !t_forced)
ltl settles { <>[] SETTLED }

init {
  atomic {
    alive[0] = true; alive[1] = true; alive[2] = true;
    sp_has[0] = true; sp_epoch[0] = 1;
    run controller(); run broker(); run clock();
    run lane(0); run lane(1); run lane(2);
    run repeats(0); run repeats(1); run repeats(2);
    run adversary(0); run adversary(1)
  }
}

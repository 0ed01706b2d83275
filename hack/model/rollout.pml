/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rollout and scale-down: whom the Deployment deletes.
 *
 * Two slots, two old pods, up to two new ones with room for one surge pod (maxSurge 1, maxUnavailable 0). The ReplicaSet controller works
 * from a view of the pods that may lag (one watch, so it is a state that once was), the Deployment controller from statuses that lag behind
 * that view; their arithmetic and the order of victims follow Kubernetes. Containers of a pod may turn unready while it serves. A slot's lanes
 * are one thing here: how they are handed over is the business of the other models.
 * With -DSCALE_DOWN there is no rollout: one of the two slots is to go. With -DBROKEN the containers of new pods never get ready.
 *
 * Safety: no pod that holds lanes is deleted.
 * Progress (settles): the rollout ends with both slots on new, serving pods that hold their lanes; with -DSCALE_DOWN one pod is
 * left and serves; with -DBROKEN the old pods go on serving. */
#include "common.h"

#ifndef FLAPS
#define FLAPS 1               /* containers turn unready and back */
#endif
#ifdef SCALE_DOWN
#define OLD_TARGET 2
#define NEW_TARGET 0
#else
#define OLD_TARGET 0
#define NEW_TARGET 2
#endif
#define REPLICAS 2
#define PODS 4
#define IS_NEW(p) (p >= 2)

#ifdef MUT_GATE_BEFORE_DRAIN
#define MAY_CLOSE(p) true
#else
#define MAY_CLOSE(p) (!HOLDS(p))
#endif
/* The old gate turns False before the new one turns True: in between nobody more than needed is ready. */
#ifdef MUT_NEW_GATE_FIRST
#define MAY_OPEN true
#elif defined(MUT_NEW_GATE_WAITS_FOR_DELETION)
#define MAY_OPEN (!(UNBOUND(0) && exists[0]) && !(UNBOUND(1) && exists[1]))
#else
#define MAY_OPEN (!(UNBOUND(0) && gate[0]) && !(UNBOUND(1) && gate[1]))
#endif
/* A drained pod is the cheapest, in a rollout too: a serving pod whose containers are unready competes with it. */
#ifdef MUT_DRAINED_NOT_CHEAPEST
#define CHEAP(p) true
#define CHEAPEN(p) skip
#else
#define CHEAP(p) cheap[p]
#define CHEAPEN(p) cheap[p] = true
#endif
#ifdef MUT_SLOT_WITHOUT_READY_POD
#define SURGE_READY(p) true
#else
#define SURGE_READY(p) containers[p]
#endif
/* The ReplicaSet is shrunk once its status shows that its view has the drained pod, not ready and cheapest. A count of ready pods does not show
 * which one is not ready; a label of the pod template, taken off the drained pod last, does: fullyLabeledReplicas counts who still has it. */
#ifdef MUT_SHRINK_BEFORE_SEEN
#define SEEN_DRAINED true
#elif defined(MUT_READY_COUNT_TRUSTED)
#define SEEN_DRAINED (s_ready_old <= (READY(0) -> 1 : 0))
#else
#define SEEN_DRAINED (s_labelled <= 1)
#endif

bool exists[PODS], containers[PODS], gate[PODS], cheap[PODS];       /* pods */
byte slot[2], holder[2];                                            /* the pod a slot is bound to; the pod that holds its lanes */
bool leaving, labelled_1 = true;                                    /* scale-down: slot 1 is to go; pod 1 has all labels of its template */
bool v_exists[PODS], v_ready[PODS], v_cheap[PODS], v_labelled_1 = true;  /* the ReplicaSet controller's view */
byte s_ready_old = 2, s_ready_new, s_labelled = 2;                  /* the statuses it has written */
byte r_old = 2, r_new;                                              /* what the Deployment asks of the two ReplicaSets */
byte flaps = FLAPS;

#define HOLDS(p) (holder[0] == p || holder[1] == p)
#define UNBOUND(p) (slot[0] != p && slot[1] != p)
#define READY(p) (exists[p] && containers[p] && gate[p])
#define MOVING (holder[0] != slot[0] || holder[1] != slot[1] || (UNBOUND(0) && gate[0]) || (UNBOUND(1) && gate[1]))

inline fill(p) { if :: slot[0] < 2 -> slot[0] = p :: slot[1] < 2 -> slot[1] = p fi }
#define FILLS(p) (exists[p] && SURGE_READY(p) && UNBOUND(p) && !MOVING && (slot[0] < 2 || slot[1] < 2))
#define CHEAPENS(p) (exists[p] && UNBOUND(p) && MAY_CLOSE(p) && !CHEAP(p) && !IS_NEW(p))
#define CLOSES(p) (exists[p] && UNBOUND(p) && gate[p] && MAY_CLOSE(p) && CHEAP(p))
#define OPENS(p) (exists[p] && !UNBOUND(p) && !gate[p] && MAY_OPEN)

proctype operator() {
end:
  do
  :: atomic { FILLS(2) -> fill(2) }
  :: atomic { FILLS(3) -> fill(3) }
  :: d_step { holder[0] == NOBODY && slot[0] != NOBODY && containers[slot[0]] -> holder[0] = slot[0] }
  :: d_step { holder[1] == NOBODY && !leaving && slot[1] != NOBODY && containers[slot[1]] -> holder[1] = slot[1] }
  :: d_step { CHEAPENS(0) -> CHEAPEN(0) }
  :: d_step { CHEAPENS(1) -> CHEAPEN(1) }
  :: d_step { CLOSES(0) -> gate[0] = false }
  :: d_step { CLOSES(1) -> gate[1] = false }
  :: d_step { OPENS(2) -> gate[2] = true }
  :: d_step { OPENS(3) -> gate[3] = true }
#ifdef SCALE_DOWN
  :: d_step { !leaving -> leaving = true }
  :: d_step { leaving && holder[1] == NOBODY && slot[1] != NOBODY -> slot[1] = NOBODY }   /* its lanes are spread */
  :: d_step { leaving && slot[1] == NOBODY && !gate[1] && exists[1] && labelled_1 -> labelled_1 = false }
  :: d_step { leaving && slot[1] == NOBODY && r_old == 2 && !gate[1] && SEEN_DRAINED -> r_old = 1 }
#endif
  od
}

/* a worker gives its lanes back once it has been asked, as late as it likes */
proctype drain(byte s) {
end:
  do
  :: d_step { holder[s] != NOBODY && (holder[s] != slot[s] || (leaving && s == 1)) -> holder[s] = NOBODY }
  od
}

#define COUNT_OLD ((v_exists[0] -> 1 : 0) + (v_exists[1] -> 1 : 0))
#define COUNT_NEW ((v_exists[2] -> 1 : 0) + (v_exists[3] -> 1 : 0))
#define LABELLED ((v_exists[0] -> 1 : 0) + (v_exists[1] && v_labelled_1 -> 1 : 0))
#define READY_OLD ((v_ready[0] -> 1 : 0) + (v_ready[1] -> 1 : 0))
#define READY_NEW ((v_ready[2] -> 1 : 0) + (v_ready[3] -> 1 : 0))
/* The order of victims: not ready before ready, then the cheapest; age and the like may decide either way. */
#define BEFORE(p, q) (!v_ready[p] && v_ready[q] || (v_ready[p] == v_ready[q] && v_cheap[p] && !v_cheap[q]))
inline delete(p) {
  assert(!HOLDS(p));
  exists[p] = false; containers[p] = false; gate[p] = false; cheap[p] = false; v_exists[p] = false; v_ready[p] = false; v_cheap[p] = false
}
inline create(p) { exists[p] = true; v_exists[p] = true }
inline view(p) { v_exists[p] = exists[p]; v_ready[p] = READY(p); v_cheap[p] = cheap[p] }
#define UNSEEN(p) (v_exists[p] != exists[p] || v_ready[p] != READY(p) || v_cheap[p] != cheap[p])

proctype replicasets() {
end:
  do
  :: d_step { UNSEEN(0) || UNSEEN(1) || UNSEEN(2) || UNSEEN(3) || v_labelled_1 != labelled_1 -> v_labelled_1 = labelled_1; view(0); view(1); view(2); view(3) }
  :: d_step { s_ready_old != READY_OLD || s_ready_new != READY_NEW || s_labelled != LABELLED -> s_labelled = LABELLED; s_ready_old = READY_OLD; s_ready_new = READY_NEW }
  :: d_step { COUNT_OLD > r_old && v_exists[0] && !(v_exists[1] && BEFORE(1, 0)) -> delete(0) }
  :: d_step { COUNT_OLD > r_old && v_exists[1] && !(v_exists[0] && BEFORE(0, 1)) -> delete(1) }
  :: d_step { COUNT_NEW < r_new && !exists[2] -> create(2) }
  :: d_step { COUNT_NEW < r_new && exists[2] && !exists[3] -> create(3) }
  od
}

/* The rolling update of a Deployment, from the asked-for sizes and the statuses. */
#define ALL (r_old + r_new)
#define UNAVAILABLE_NEW (r_new - s_ready_new)
#define SPARE (ALL - REPLICAS - UNAVAILABLE_NEW)
proctype deployment() {
end:
  do
  :: d_step { r_new < NEW_TARGET && ALL < REPLICAS + 1 -> r_new++ }
  :: d_step { r_old > OLD_TARGET && SPARE > 0 && r_old > s_ready_old -> r_old-- }               /* the unhealthy first */
  :: d_step { r_old > OLD_TARGET && SPARE > 0 && s_ready_old + s_ready_new > REPLICAS -> r_old-- }
  od
}

proctype kubelet(byte p) {
end:
  do
  :: d_step { exists[p] && !containers[p] -> containers[p] = true }
  od
}
proctype adversary(byte p) {
end:
  do
  :: d_step { flaps > 0 && exists[p] && containers[p] -> flaps--; containers[p] = false }
  od
}

#define SERVES(s) (slot[s] != NOBODY && holder[s] == slot[s] && READY(slot[s]))
#ifdef SCALE_DOWN
#define SETTLED (SERVES(0) && slot[1] == NOBODY && !exists[1])
#elif defined(BROKEN)
#define SETTLED (SERVES(0) && SERVES(1) && slot[0] < 2 && slot[1] < 2)
#else
#define SETTLED (SERVES(0) && SERVES(1) && slot[0] >= 2 && slot[1] >= 2 && !exists[0] && !exists[1])
#endif
ltl settles { <>[] SETTLED }

init {
  atomic {
    exists[0] = true; containers[0] = true; gate[0] = true; v_exists[0] = true; v_ready[0] = true;
    exists[1] = true; containers[1] = true; gate[1] = true; v_exists[1] = true; v_ready[1] = true;
    slot[1] = 1; holder[1] = 1;
    run operator(); run drain(0); run drain(1); run replicasets(); run deployment();
    run kubelet(0); run kubelet(1);
#ifndef BROKEN
    run kubelet(2); run kubelet(3);
#endif
    run adversary(0); run adversary(1); run adversary(2); run adversary(3)
  }
}

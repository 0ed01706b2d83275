/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces that every model shares: the states of a lane in the table, and small words. */
#define UNOWNED 0
#define OWNED 1
#define RELEASING 2

#define NOBODY 9

#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Spin's weak fairness is about endless runs: a run in which nothing more can happen is not one, and would pass the check unseen. So in a
 * progress check time goes on. */
#ifdef PROGRESS
active proctype idle() {
  do
  :: _nr_pr > 0
  od
}
#endif

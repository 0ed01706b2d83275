/* Copyright The Convoy Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces that every model shares: the states of a lane in the table, and small words. */
#define UNOWNED 0
#define OWNED 1
#define RELEASING 2

#define NOBODY 9

#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* A progress check comes in two forms. FAIR: every endless run in which each process that can always move does move, settles; Spin's
 * weak fairness is about endless runs alone, a run in which nothing more can happen would pass it unseen, so time goes on. RESTS (cheaper, and
 * stronger): every run, fair or not, comes to an end, and the end is settled; for models in which nothing repeats for ever. */
#if defined(PROGRESS) && !defined(RESTS)
active proctype idle() {
  do
  :: _nr_pr > 0
  od
}
#endif

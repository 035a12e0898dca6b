/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TUNE_H
#define EXAMPLES_TUNE_H

/*
 * Learning rates of a grid, 1, 2 and 5 to the decade. A rate that is ahead early may go unstable late, so the runs are
 * judged by their loss at the end of the whole horizon:
 *
 *   1. every rate, for a hundredth of the horizon and 500 steps
 *   2. the rate that did best there and the two below it, for all of the horizon; for methods with adaptive rates,
 * which large ones do not make unstable, one above it too
 *   3. as long as the smallest rate of a kind is the best one, or all have diverged, the next two below
 */

#include "team.h"

typedef struct tuned {
    member *list;
    int count;
} tuned;

/* Find and run the rates of `count` prototypes, whose numbers become the kinds of the members. To be freed with
 * tune_free(), also on failure. False: s->message says why. */
bool tune(study *s, double p, const member *prototypes, int count, tuned *out);
void tune_free(tuned *t);

/* Of one kind, the run with the least loss at the end, of those at rates below all that diverge; NULL if there is none.
 * `coarse`: of the rates 1 and 5 to the decade only, which is the grid of the paper. */
const member *tune_best(const tuned *t, int kind, bool coarse);

/* The best of each kind from 0 up. False: every rate of one diverged. */
bool tune_winners(study *s, const tuned *t, int count, const member **best);

/* Add runs to those of `t`: `extra` members, which become the list's. False: s->message says why. */
bool tune_add(study *s, double p, const member *extra, int count, tuned *t);

/* State how each run ended, for those who want to see how they were judged. */
void tune_list(study *s, const tuned *t, double optimum);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TUNE_H
#define EXAMPLES_TUNE_H

/*
 * Learning rates of a grid, 1, 2 and 5 to the decade. A rate that is ahead early may go unstable late, so the runs are
 * judged by their loss at the end of the whole horizon:
 *
 *   1. every rate, for a hundredth of the horizon and 500 steps
 *   2. the rate that did best there and the next smaller ones, `rates` in all, for all of the horizon; for methods with
 *      adaptive rates, which large ones do not make unstable, from the next larger one down
 */

#include "team.h"

/* Find and run the rates of each prototype. `out` has room for count * rates members, rates to a prototype, largest
 * first; their kinds are the prototypes' numbers. False: s->message says why. */
bool tune(study *s, double p, const member *prototypes, int count, int rates, member *out);

/* Of one kind, the run with the least loss at the end, NULL if all diverged. `coarse`: of the rates 1 and 5 to the
 * decade only, which is the grid of the paper. */
const member *tune_best(const member *members, int count, int kind, bool coarse);

/* State how each run ended, for those who want to see how they were judged. */
void tune_list(study *s, const member *members, int count, double optimum);

#endif

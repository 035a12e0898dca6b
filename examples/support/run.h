/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_RUN_H
#define EXAMPLES_RUN_H

/* One training run, and the loss that it had on the way. */

#include "curve.h"
#include "job.h"

typedef struct run {
    const method *how;
    double depth, lr, seconds;
    bool searched, diverged;
    int64_t steps; /* that were taken */
    curve loss;    /* recorded over steps */
} run;

/* A run by `how` at `depth` that has taken no step, with the learning rate of the job. */
run run_new(const job *j, const method *how, double depth);

/*
 * Search for its learning rate if it has none, on all threads that the job allows; if none of the grid serves, it is
 * the smallest. The objective is that of all data. False: `message` says what failed.
 */
bool run_find_rate(run *r, const job *j, dopt_objective *objective, char message[256]);

/* What dopt_fit() is told for it. */
dopt_fit_options run_options(const run *r, const job *j);

/*
 * Train all runs and record them, several side by side. The results do not depend on how many. After an interrupt
 * the runs have been saved, and `message` says so.
 */
bool runs_train(run *runs, int count, const job *j, const dopt_objective *objective, char message[256]);
void run_free(run *r);

/* Loss at a step, or at the last recorded one before it: of a run that has ended, its last; NaN if it diverged. */
double run_loss_at(const run *r, int64_t step);

#endif

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

/*
 * Set up a run by `how` at `depth`: if the job gives no learning rate, search for it, on all threads that the job
 * allows. The objective is that of all data. False: `message` says what failed.
 */
bool run_prepare(run *r, const job *j, const method *how, double depth, dopt_objective *objective, char message[256]);

/* What dopt_fit() is told for it. */
dopt_fit_options run_options(const run *r, const job *j);

/*
 * Train all runs and record them, several side by side. The results do not depend on how many. After an interrupt
 * the runs have been saved, and `message` says so.
 */
bool runs_train(run *runs, int count, const job *j, const dopt_objective *objective, char message[256]);
void run_free(run *r);

/* Loss at a step, or at the last recorded one before it; NaN if it ended earlier. */
double run_loss_at(const run *r, int64_t step);

#endif

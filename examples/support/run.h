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
 * Train by `how` at `depth`: search for the learning rate if the job gives none, then run once more and record. The
 * objective is that of all data. False: `message` says what failed.
 */
bool run_train(run *r, const job *j, const method *how, double depth, dopt_objective *objective, char message[256]);
void run_free(run *r);

/* Loss at a step, or at the last recorded one before it; NaN if it ended earlier. */
double run_loss_at(const run *r, int64_t step);

#endif

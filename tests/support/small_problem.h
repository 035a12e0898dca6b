/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_SMALL_PROBLEM_H
#define DEPTHOPT_TESTS_SMALL_PROBLEM_H

/* Least squares with one output, and a bowl of one number. */

#include "support/support.h"

enum { SMALL_ROWS = 60, SMALL_COLS = 4 };

typedef struct small_problem {
    double x[SMALL_ROWS * SMALL_COLS], y[SMALL_ROWS];
    dopt_loss *loss;
    dopt_objective *objective;
} small_problem;

void small_problem_begin(small_problem *p, const char *test);
void small_problem_end(small_problem *p);

/* For dopt_objective_create_custom(): L = (w - 1)^2 / 2. */
dopt_status small_bowl(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *user);

#endif

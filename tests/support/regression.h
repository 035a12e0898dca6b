/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_REGRESSION_H
#define DEPTHOPT_TESTS_REGRESSION_H

/* A small ill-conditioned regression, like that of the paper in miniature, for the tests of its claims. */

#include "support/support.h"

enum { REGRESSION_ROWS = 120, REGRESSION_COLS = 8 };

typedef struct regression {
    double x[REGRESSION_ROWS * REGRESSION_COLS], y[REGRESSION_ROWS * 2];
    ptrdiff_t outputs;
    dopt_loss *loss;
    dopt_objective *objective; /* the plain mean of |error|^p */
} regression;

/* Correlated features of unit variance; one or two outputs of unit variance with a little noise. */
void regression_make(dopt_rng *rng, double p, ptrdiff_t outputs, regression *out);
void regression_free(regression *r);

/* Loss at the end of a run at the best learning rate of 1, 2, 5 to the decade; `best_lr` may be NULL. */
double regression_tuned(regression *r, dopt_fit_options options, double *best_lr);

#endif

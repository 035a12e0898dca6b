/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_SINGLE_H
#define DEPTHOPT_OBJECTIVE_SINGLE_H

/* Objectives with one output and an elementwise loss: value and gradient from one pass over X, on several threads. */

#include <stdbool.h>

#include <depthopt/objective.h>

typedef struct dopt__single dopt__single;

/* X m x d, y m x 1; allocator, threads, rows_read and rows_step of the options count. NULL: no memory. */
dopt__single *dopt__single_create(dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                                  const dopt_objective_options *options);
void dopt__single_destroy(dopt__single *single); /* may be NULL */

/* Threads that it works with. */
int dopt__single_threads(const dopt__single *single);

/*
 * The sum of the losses over the rows of the batch at w (1 x d, dtype of X, any layout), and if wanted of their
 * gradients: d doubles, in the workspace.
 */
double dopt__single_eval(dopt__single *single, dopt_cmat w, const dopt_batch *batch, bool want_grad,
                         const double **grad);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_FEW_H
#define DEPTHOPT_OBJECTIVE_FEW_H

/*
 * Objectives with few outputs and an elementwise loss: value and gradient from one pass over X, on several threads.
 */

#include <stdbool.h>

#include <depthopt/objective.h>

typedef struct dopt__few dopt__few;

/* Whether this is faster than products of matrices for k outputs of d features. */
bool dopt__few_pays(ptrdiff_t k, ptrdiff_t d);

/* X m x d, y m x k; allocator, threads, rows_read and rows_step of the options count. NULL: no memory. */
dopt__few *dopt__few_create(dopt_cmat x, dopt_cmat y, const dopt_loss *loss, const dopt_objective_options *options);
void dopt__few_destroy(dopt__few *few); /* may be NULL */

/* Threads that it works with. */
int dopt__few_threads(const dopt__few *few);

/*
 * The sum of the losses over the rows of the batch at w (k x d, dtype of X, any layout), and if wanted of their
 * gradients: k x d doubles, in the workspace.
 */
double dopt__few_eval(dopt__few *few, dopt_cmat w, const dopt_batch *batch, bool want_grad, const double **grad);

#endif

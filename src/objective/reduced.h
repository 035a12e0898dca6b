/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_REDUCED_H
#define DEPTHOPT_OBJECTIVE_REDUCED_H

/* The squared loss of a data set without the data: O(k d^2) an evaluation, whatever the number of rows. */

#include <stdbool.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>

typedef struct dopt__reduced dopt__reduced;

/* X m x d and Y m x k, read once. NULL: no memory. */
dopt__reduced *dopt__reduced_create(dopt_cmat x, dopt_cmat y, const dopt_allocator *allocator);

/* A second user of the same reduction, with workspace of its own. NULL: no memory. */
dopt__reduced *dopt__reduced_share(dopt__reduced *reduced);
void dopt__reduced_destroy(dopt__reduced *reduced); /* may be NULL */

/* Whether it can pay to reduce m rows. */
bool dopt__reduced_pays(ptrdiff_t m, ptrdiff_t d, ptrdiff_t k);

/* Returns ||X W^T - Y||_F^2; if `grad` is not NULL, X^T (X W^T - Y) as k rows of d doubles to it. */
double dopt__reduced_eval(dopt__reduced *reduced, dopt_cmat w, double *grad);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_DATA_H
#define DEPTHOPT_OBJECTIVE_DATA_H

/* The objective of a data set: loss(X W^T, Y) / m, and dL/dW = dZ^T X, by blocks of rows. */

#include <stdbool.h>

#include <depthopt/objective.h>

#include "objective/reduced.h"
#include "objective/few.h"

typedef struct dopt__data {
    dopt_cmat x, y;
    const dopt_loss *loss; /* borrowed */
    dopt_objective_options options;
    dopt__reduced *reduced; /* what full batches are evaluated by, or NULL */
    dopt__few *few;         /* few outputs and an elementwise loss; else NULL, and the rest is in use */
    ptrdiff_t block_rows;
    void *memory;
    dopt_mat z;          /* block_rows x k: predictions, then slopes */
    dopt_mat x_rows;     /* block_rows x d: gathered rows */
    dopt_mat y_rows;     /* block_rows x k */
    dopt_mat grad;       /* k x d, double: the sum */
    dopt_mat block_grad; /* k x d, dtype of X: the part of a block; data NULL if products add to the sum */
} dopt__data;

/*
 * The workspace. False: no memory. `data` has x, y, loss and options, and no workspace yet; `like` has the
 * reduction to share, or is NULL.
 */
bool dopt__data_prepare(dopt__data *data, const dopt__data *like, const dopt_allocator *allocator);
void dopt__data_release(dopt__data *data, const dopt_allocator *allocator);

/* What is found at a w: the value, and the gradient, scale * sum; `sum` stays in the workspace. */
typedef struct dopt__evaluation {
    double value, scale;
    dopt_cmat sum; /* k x d, double */
} dopt__evaluation;

dopt_status dopt__data_eval(dopt__data *data, dopt_cmat w, const dopt_batch *batch, bool want_grad,
                            dopt__evaluation *out);

/* The same for some outputs of an elementwise loss, by products: their part of the value, and of the sum. */
dopt_status dopt__data_eval_outputs(dopt__data *data, dopt_cmat w, const dopt_batch *batch, ptrdiff_t first,
                                    ptrdiff_t count, bool want_grad, dopt__evaluation *out);

#endif

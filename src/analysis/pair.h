/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_ANALYSIS_PAIR_H
#define DEPTHOPT_ANALYSIS_PAIR_H

/* A matrix and a gradient of a caller, checked and copied to double. */

#include <depthopt/mat.h>
#include <depthopt/status.h>

typedef struct dopt__pair {
    dopt_mat w, grad, room; /* k x d, packed rows, float64; room: for a result */
} dopt__pair;

/* depth in [1, inf], w and grad finite and of one shape and dtype. To be freed with dopt__pair_free(). */
dopt_status dopt__pair_read(const char *func, double depth, dopt_cmat w, dopt_cmat grad, dopt__pair *out);
void dopt__pair_free(dopt__pair *pair);

#endif

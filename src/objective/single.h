/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_SINGLE_H
#define DEPTHOPT_OBJECTIVE_SINGLE_H

/* The two halves of a gradient with one output, on rows of double that stay in cache between them. */

#include <stddef.h>

/* z_i = rows[i] . w for i = 0 ... count - 1. */
void dopt__single_predict(ptrdiff_t count, const double *const *rows, ptrdiff_t d, const double *w, double *z);

/* grad += sum_i slope_i rows[i]. */
void dopt__single_pull(ptrdiff_t count, const double *const *rows, ptrdiff_t d, const double *slope, double *grad);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_JACOBI_H
#define DEPTHOPT_LINALG_JACOBI_H

#include <stdbool.h>

#include <depthopt/mat.h>

/*
 * One-sided Jacobi: rotate the rows of `rows` (k x d) against each other until they are orthogonal, and order them by
 * norm, ascending. `ut` (k x k) becomes the orthogonal matrix with new rows = ut old rows, and norms the k norms. Both
 * are float64, row-major. Rows that are zero to within rounding, of norm at most `zero`, are left as they are.
 *
 * Returns false if the rows are not orthogonal after many sweeps, which no matrix is known to need.
 */
bool dopt__jacobi(dopt_mat rows, dopt_mat ut, double *norms, double zero);

#endif

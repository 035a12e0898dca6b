/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_EIGH_H
#define DEPTHOPT_LINALG_EIGH_H

/*
 * Symmetric eigendecomposition by the first driver that converges: divide and conquer can fail where MRRR does not, and
 * the reverse. Small matrices go through QL, which no thread of BLAS slows down.
 */

#include <stddef.h>

typedef enum dopt__eigh_driver {
    DOPT__EIGH_DIVIDE = 1, /* or QL, where that is faster */
    DOPT__EIGH_MRRR = 2,   /* syevr */
    DOPT__EIGH_NONE = 0    /* neither converged */
} dopt__eigh_driver;

/*
 * a: n x n, row-major, its upper triangle counts; lost. values ascend; row i of vectors is the eigenvector of value i.
 * work and iwork: dopt__eigen_doubles(n), dopt__eigen_ints(n). `allowed` is a sum of the drivers that may be tried, all
 * of them but in tests of what happens when one fails. Returns the one that did it.
 */
dopt__eigh_driver dopt__eigh(ptrdiff_t n, double *a, double *values, double *vectors, double *work, int *iwork,
                             unsigned allowed);

#endif

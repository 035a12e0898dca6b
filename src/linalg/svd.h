/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SVD_H
#define DEPTHOPT_LINALG_SVD_H

/*
 * The basis (U, s, V) of a wide matrix, k <= d: w = U diag(s) V^T with U k x k, V d x k.
 *
 * One workspace, sized at creation; the result stays in it until the next call.
 */

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

typedef enum dopt__svd_method {
    DOPT__SVD_NESTED = 0,
    DOPT__SVD_LAPACK = 1
} dopt__svd_method;

typedef enum dopt__svd_route {
    DOPT__ROUTE_NESTED = 0,      /* every eigendecomposition by syevd */
    DOPT__ROUTE_NESTED_MRRR = 1, /* one at least by syevr */
    DOPT__ROUTE_LAPACK = 2,      /* gesdd */
    DOPT__ROUTE_JACOBI = 3
} dopt__svd_route;

typedef struct dopt__svd dopt__svd;

/* Workspace for k x d, k <= d. NULL: no memory. */
dopt__svd *dopt__svd_create(ptrdiff_t k, ptrdiff_t d, dopt__svd_method method, const dopt_allocator *allocator);
void dopt__svd_destroy(dopt__svd *svd);
size_t dopt__svd_bytes(const dopt__svd *svd);

/*
 * Decompose w: k x d, finite, float64 or float32, any layout. Singular values ascend; the last `rank` of them
 * are not zero, and only these have a row in vt.
 */
dopt_status dopt__svd_compute(dopt__svd *svd, dopt_cmat w);

/* The result, in the workspace. */
ptrdiff_t dopt__svd_rank(const dopt__svd *svd);
const double *dopt__svd_values(const dopt__svd *svd); /* k of them, ascending */
dopt_mat dopt__svd_u(dopt__svd *svd);                 /* k x k: column i belongs to value i */
dopt_mat dopt__svd_vt(dopt__svd *svd);                /* k x d: row i belongs to value i; rows before k - rank are junk */
dopt__svd_route dopt__svd_route_taken(const dopt__svd *svd);

#endif

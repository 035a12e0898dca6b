/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SVD_H
#define DEPTHOPT_LINALG_SVD_H

/*
 * The basis (U, s, V) of a wide matrix, k <= d: w = U diag(s) V^T with U k x k, V d x k.
 *
 * One workspace, sized at creation; the result stays in it until the next call.
 */

#include <stdbool.h>
#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>

typedef enum dopt__svd_method { DOPT__SVD_NESTED, DOPT__SVD_LAPACK } dopt__svd_method;

typedef enum dopt__svd_route {
    DOPT__ROUTE_NESTED,      /* every eigendecomposition by syevd */
    DOPT__ROUTE_NESTED_MRRR, /* one at least by syevr */
    DOPT__ROUTE_LAPACK,      /* gesdd */
    DOPT__ROUTE_JACOBI
} dopt__svd_route;

/* The drivers that may be tried; one-sided Jacobi always may. */
enum {
    DOPT__SVD_ALLOW_GESDD = 4, /* beside those of dopt__eigh_driver */
    DOPT__SVD_ALLOW_ALL = 7
};

typedef struct dopt__svd dopt__svd;

/* Workspace for k x d, k <= d, k <= DOPT__ORDER_MAX. NULL: no memory. */
dopt__svd *dopt__svd_create(ptrdiff_t k, ptrdiff_t d, dopt__svd_method method, const dopt_allocator *allocator);
void dopt__svd_destroy(dopt__svd *svd);
size_t dopt__svd_bytes(const dopt__svd *svd);

/*
 * Decompose w: k x d, finite, float64 or float32, any layout. Values first ... first + rank - 1 are not zero, and only
 * these have a row in vt; all have a column in u. `largest` is max |w_ij|, which every caller has at hand. False: no
 * method converged.
 */
bool dopt__svd_compute(dopt__svd *svd, dopt_cmat w, double largest);

/*
 * What may be left out from now on; nested method only. Where all values exceed `flat_ratio` times the largest, vt is
 * not formed: rank is k, and the values are the roots of the eigenvalues of w w^T, which costs them 1 / flat_ratio eps
 * at most; INFINITY: never. With `narrow`, the result for a float32 w is accurate to a multiple of float32's rounding.
 */
void dopt__svd_relax(dopt__svd *svd, double flat_ratio, bool narrow);
bool dopt__svd_has_vt(const dopt__svd *svd);

/* The result, in the workspace. */
ptrdiff_t dopt__svd_first(const dopt__svd *svd);
ptrdiff_t dopt__svd_rank(const dopt__svd *svd);
const double *dopt__svd_values(const dopt__svd *svd); /* k of them: sorted to within rounding, up or down */
dopt_mat dopt__svd_u(const dopt__svd *svd);           /* k x k: column i belongs to value i */
dopt_mat dopt__svd_vt(const dopt__svd *svd);          /* rank x d: row i belongs to value first + i */
dopt__svd_route dopt__svd_route_taken(const dopt__svd *svd);

/* Memory of the workspace that is free for the caller between two calls of dopt__svd_compute(). */
dopt_mat dopt__svd_wide_scratch(const dopt__svd *svd);   /* k x d, packed rows */
dopt_mat dopt__svd_square_scratch(const dopt__svd *svd); /* k x k, packed rows */
dopt_mat dopt__svd_spare_scratch(const dopt__svd *svd);  /* k x k, packed rows */
dopt_mat dopt__svd_vt_scratch(const dopt__svd *svd);     /* k x d, packed rows: where vt is, once it is not needed */

/* For tests of the ways around: only these drivers, a sum, are tried from now on. */
void dopt__svd_allow(dopt__svd *svd, unsigned drivers);

#endif

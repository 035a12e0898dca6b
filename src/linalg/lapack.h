/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_LAPACK_H
#define DEPTHOPT_LINALG_LAPACK_H

/*
 * The LAPACK drivers that the library uses, on row-major arrays without gaps and caller-owned workspace.
 *
 * Each returns false when LAPACK reports failure or a result is not finite: on the systems seen so far, info == 0
 * proves nothing. Arguments are finite: gesdd hangs on an infinity, syevr on a NaN.
 */

#include <stdbool.h>
#include <stddef.h>

#include <depthopt/mat.h>

/* Largest order that LAPACK can count the workspace of divide and conquer for. */
#define DOPT__ORDER_MAX 32766

/* Workspace that serves every eigensolver of order n. */
size_t dopt__eigen_doubles(ptrdiff_t n);
size_t dopt__eigen_ints(ptrdiff_t n);

/*
 * Divide and conquer, n >= 2. The upper triangle of a counts; a survives. Values ascend; row i of z is the eigenvector
 * of value i. What LAPACK's syevd does, but with a faster way back from the tridiagonal matrix.
 */
bool dopt__divide(ptrdiff_t n, const double *a, double *values, double *z, double *work, int *iwork);

/*
 * The same in two halves. The first ends with the eigenvectors of the tridiagonal matrix; the second turns some of
 * them, rows z and `more`, each of any dtype, into those of a. In between, the first n^2 + 2n doubles of `work` must
 * stay. `scratch`: 3 n block + block^2 doubles with a block of n / 8, at least 8 and at most 64.
 */
bool dopt__divide_start(ptrdiff_t n, const double *a, double *values, double *z, double *work, int *iwork);
bool dopt__divide_finish(ptrdiff_t n, const double *work, dopt_mat z, dopt_mat more, double *scratch);

/* MRRR. As above, but a is lost. */
bool dopt__syevr(ptrdiff_t n, double *a, double *values, double *z, double *work, int *iwork);

/* Workspace of dopt__gesdd. */
size_t dopt__gesdd_doubles(ptrdiff_t k, ptrdiff_t d);
size_t dopt__gesdd_ints(ptrdiff_t k);

/* a = u diag(values) vt for k <= d: values descend; u is k x k, vt k x d; a is lost. */
bool dopt__gesdd(ptrdiff_t k, ptrdiff_t d, double *a, double *values, double *u, double *vt, double *work,
                 size_t doubles, int *iwork);

/* Workspace of dopt__orthonormal_rows. */
size_t dopt__qr_doubles(ptrdiff_t k);

/*
 * Replace the rows of a (k x d, k <= d) by the orthonormal ones that Gram and Schmidt would make of them, first row
 * first; the sign of each is such that it has a positive product with the row it came from.
 */
bool dopt__orthonormal_rows(ptrdiff_t k, ptrdiff_t d, double *a, double *work);

#endif

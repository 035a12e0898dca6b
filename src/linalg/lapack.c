/* SPDX-License-Identifier: MIT */
/*
 * The door to LAPACKE.
 *
 * LAPACK is column-major, so it sees the transpose of a row-major array: a lower triangle as an upper one, eigenvectors
 * that it stores as columns as our rows, and a^T = vt^T diag(values) u^T, whose factors are exactly our row-major u and
 * vt. The *_work routines in column-major order neither allocate nor copy.
 */

#include <assert.h>
#include <math.h>

#include <lapacke.h>

#include "linalg/lapack.h"

/* Columns that a blocked QR factorisation takes at a time, in its workspace. */
enum { qr_block = 64 };

static bool all_finite(const double *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

size_t dopt__eigen_doubles(ptrdiff_t n)
{
    const size_t order = (size_t)n;
    return 1 + 32 * order + 2 * order * order; /* syevd: 1 + 6n + 2n^2; syevr: 26n */
}

size_t dopt__eigen_ints(ptrdiff_t n)
{
    return 3 + 12 * (size_t)n; /* syevd: 3 + 5n; syevr: 10n, and 2n for the supports of the vectors */
}

bool dopt__syevd(ptrdiff_t n, double *a, double *values, double *work, int *iwork)
{
    assert(n >= 1 && n <= DOPT__ORDER_MAX);
    const int order = (int)n;
    const lapack_int info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', order, a, order, values, work,
                                                1 + 6 * order + 2 * order * order, iwork, 3 + 5 * order);
    assert(info >= 0);
    return info == 0 && all_finite(values, n);
}

bool dopt__syevr(ptrdiff_t n, double *a, double *values, double *z, double *work, int *iwork)
{
    assert(n >= 1 && n <= DOPT__ORDER_MAX);
    const int order = (int)n;
    lapack_int found = 0;
    const lapack_int info =
        LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'A', 'U', order, a, order, 0.0, 0.0, 0, 0, 0.0, &found, values, z,
                            order, iwork + 10 * n, work, 26 * order, iwork, 10 * order);
    assert(info >= 0);
    return info == 0 && found == order && all_finite(values, n);
}

size_t dopt__gesdd_doubles(ptrdiff_t k, ptrdiff_t d)
{
    double best = 0.0, unused = 0.0;
    int none = 0;
    const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, &unused, (int)d, &unused,
                                                &unused, (int)d, &unused, (int)k, &best, -1, &none);
    assert(info == 0);
    (void)info;
    return (size_t)best;
}

size_t dopt__gesdd_ints(ptrdiff_t k)
{
    return 8 * (size_t)k;
}

bool dopt__gesdd(ptrdiff_t k, ptrdiff_t d, double *a, double *values, double *u, double *vt, double *work,
                 size_t doubles, int *iwork)
{
    assert(k >= 1 && k <= d);
    const int count = doubles > INT32_MAX ? INT32_MAX : (int)doubles;
    const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, a, (int)d, values, vt, (int)d, u,
                                                (int)k, work, count, iwork);
    assert(info >= 0);
    return info == 0 && all_finite(values, k);
}

size_t dopt__qr_doubles(ptrdiff_t k)
{
    return (size_t)k * (2 + qr_block); /* reflectors' scalars, signs, and blocks */
}

bool dopt__orthonormal_rows(ptrdiff_t k, ptrdiff_t d, double *a, double *work)
{
    assert(k >= 1 && k <= d);
    double *tau = work, *sign = work + k, *blocks = work + 2 * k;
    const int rows = (int)d, columns = (int)k, count = qr_block * columns;
    if (LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, columns, a, rows, tau, blocks, count) != 0)
        return false;
    for (ptrdiff_t i = 0; i < k; i++)
        sign[i] = a[i * d + i] < 0.0 ? -1.0 : 1.0;
    if (LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, rows, columns, columns, a, rows, tau, blocks, count) != 0)
        return false;
    for (ptrdiff_t i = 0; i < k; i++)
        for (ptrdiff_t j = 0; j < d; j++)
            a[i * d + j] *= sign[i];
    return true;
}

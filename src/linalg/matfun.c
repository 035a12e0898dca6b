/* SPDX-License-Identifier: MIT */
/*
 * a^power = F^T F with F = diag(lambda^(power/2)) E^T and a = E diag(lambda) E^T, which is symmetric and positive
 * semidefinite to the last bit. Matrices with extreme entries are scaled by a power of two on the way: no rounding.
 */

#include <depthopt/matfun.h>

#include <float.h>
#include <math.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/blas.h"
#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"

typedef struct workspace {
    double *a, *vectors, *values, *work;
    int *iwork;
} workspace;

/* The symmetric part of the n x n `a` must be all there is of it. */
static dopt_status check_symmetric(const char *func, const double *a, ptrdiff_t n, double largest)
{
    const double tolerance = (double)n * DBL_EPSILON * largest;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < i; j++)
            if (!(fabs(a[i * n + j] - a[j * n + i]) <= tolerance))
                return dopt__fail(DOPT_ERR_INVALID, func,
                                  "a is not symmetric: elements (%td, %td) and (%td, %td) differ by %g "
                                  "times the largest, at most n eps is allowed",
                                  i, j, j, i, fabs(a[i * n + j] - a[j * n + i]) / largest);
    return DOPT_OK;
}

static void symmetrise(double *a, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i] = 0.5 * a[i * n + j] + 0.5 * a[j * n + i];
}

/* Row i of the eigenvectors times lambda_i^(power / 2). */
static dopt_status scale_vectors(const char *func, workspace ws, ptrdiff_t n, double power, int exponent)
{
    double top = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        top = fmax(top, fabs(ws.values[i]));
    for (ptrdiff_t i = 0; i < n; i++) {
        const double lambda = ldexp(ws.values[i], exponent);
        if (ws.values[i] < -(double)n * DBL_EPSILON * top)
            return dopt__fail(DOPT_ERR_NUMERICAL, func, "a has the eigenvalue %g, must be positive semidefinite",
                              lambda);
        const double factor = pow(fmax(lambda, 0.0), 0.5 * power);
        if (!isfinite(factor))
            return dopt__fail(DOPT_ERR_NUMERICAL, func, "the eigenvalue %g to the power %g overflows", lambda, power);
        for (ptrdiff_t j = 0; j < n; j++)
            ws.vectors[i * n + j] *= factor;
    }
    return DOPT_OK;
}

static dopt_status power_of(const char *func, workspace ws, dopt_cmat a, double power, dopt_mat out)
{
    const ptrdiff_t n = a.rows;
    const double largest = dopt__max_abs(a);
    const dopt_mat work = dopt_mat_f64(ws.a, n, n);
    int exponent = 0;
    if (largest < 1e-140 || largest > 1e140)
        (void)frexp(largest, &exponent);
    dopt__copy(ldexp(1.0, -exponent / 2), a, work);
    dopt__copy(ldexp(1.0, -(exponent - exponent / 2)), dopt_const(work), work);
    DOPT_TRY(check_symmetric(func, ws.a, n, dopt__max_abs(dopt_const(work))));
    symmetrise(ws.a, n);
    if (!dopt__eigh(n, ws.a, ws.values, ws.vectors, ws.work, ws.iwork, DOPT__EIGH_DIVIDE | DOPT__EIGH_MRRR))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "no eigendecomposition of the %td x %td matrix converged", n, n);
    DOPT_TRY(scale_vectors(func, ws, n, power, exponent));

    dopt__syrk_upper(dopt_ctransposed(dopt_cmat_f64(ws.vectors, n, n)), work);
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < i; j++)
            ws.a[i * n + j] = ws.a[j * n + i];
    const double limit = out.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX;
    if (!(dopt__max_abs(dopt_const(work)) <= limit))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "a to the power %g overflows", power);
    dopt__copy(1.0, dopt_const(work), out);
    return DOPT_OK;
}

dopt_status dopt_sym_power(dopt_cmat a, double power, dopt_mat out)
{
    DOPT_TRY(dopt__check_view(__func__, "a", a));
    DOPT_REQUIRE(a.rows == a.cols, DOPT_ERR_SHAPE, "a is %td x %td, must be square", a.rows, a.cols);
    DOPT_REQUIRE(a.rows <= DOPT__ORDER_MAX, DOPT_ERR_INVALID, "a is %td x %td, must be of order at most %d", a.rows,
                 a.cols, DOPT__ORDER_MAX);
    DOPT_TRY(dopt__check_matrix(__func__, "out", dopt_const(out), a.rows, a.cols, a.dtype));
    DOPT_TRY(dopt__check_apart_or_same(__func__, "out", dopt_const(out), "a", a));
    DOPT_REQUIRE(isfinite(power) && power >= 0.0, DOPT_ERR_INVALID, "power is %g, must be in [0, inf)", power);
    DOPT_TRY(dopt__check_finite(__func__, "a", a));

    const ptrdiff_t n = a.rows;
    const size_t order = (size_t)n, square = order * order;
    workspace ws = { 0 };
    ws.a = dopt__alloc(NULL, 2 * square + order + dopt__eigen_doubles(n), sizeof *ws.a);
    ws.iwork = dopt__alloc(NULL, dopt__eigen_ints(n), sizeof *ws.iwork);
    dopt_status status = DOPT_ERR_NOMEM;
    if (ws.a && ws.iwork) {
        ws.vectors = ws.a + square;
        ws.values = ws.vectors + square;
        ws.work = ws.values + order;
        status = power_of(__func__, ws, a, power, out);
    } else
        (void)dopt__fail(status, __func__, "no memory for matrices of order %td", n);
    dopt__release(NULL, ws.a);
    dopt__release(NULL, ws.iwork);
    return status;
}

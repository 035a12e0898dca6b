/* SPDX-License-Identifier: MIT */
/*
 * The basis (U, s, V) that P is diagonal in: found anew, or kept while it fits.
 *
 * For orthonormal U (k x k) and V (d x p), D = U^T W V and Y = U^T W,
 *
 *     ||W||^2 = sum_i D_ii^2 + sum_{i != j} D_ij^2 + (||Y||^2 - ||D||^2),
 *
 * and the last two terms are what W lacks of being U diag(D) V^T. The last one, W outside of V, is known only to the
 * rounding of the two norms, so that is added to it; it is zero where V is square.
 *
 * P is more sensitive than W where G points along small singular values. How much more is seen when a basis has to go:
 * P is then computed with the old one and with the new one. Between two such looks it changes little.
 */

#include "e2e/basis.h"

#include <float.h>
#include <math.h>

#include "base/check.h"
#include "base/log.h"
#include "linalg/blas.h"
#include "linalg/scan.h"

static dopt_status take_values(dopt_e2e *e2e, const char *func)
{
    const double *values = dopt__svd_values(e2e->svd);
    e2e->top = 0.0;
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        e2e->top = fmax(e2e->top, values[i]);
    if (!isfinite(e2e->top))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "the largest singular value of w overflows");
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        e2e->s[i] = e2e->top > 0.0 ? values[i] / e2e->top : 0.0;
    return DOPT_OK;
}

dopt_status dopt__basis_refresh(dopt_e2e *e2e, const char *func, dopt_cmat w, double largest, bool spare_v, bool narrow)
{
    static const dopt_e2e_route routes[] = { DOPT_E2E_ROUTE_NESTED, DOPT_E2E_ROUTE_NESTED_MRRR, DOPT_E2E_ROUTE_SVD,
                                             DOPT_E2E_ROUTE_JACOBI };
    /* s to 1 / 0.25 eps is as good as the 4 eps that W itself may be off by. */
    static const double flat = 0.25;
    e2e->has_basis = false;
    e2e->refreshes++;
    dopt__svd_relax(e2e->svd, spare_v ? flat : INFINITY, narrow);
    if (!dopt__svd_compute(e2e->svd, w, largest))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w (%td x %td) converged", e2e->rows,
                          e2e->cols);
    e2e->route = routes[dopt__svd_route_taken(e2e->svd)];
    if (e2e->route == DOPT_E2E_ROUTE_NESTED_MRRR)
        dopt__log(&e2e->options.logger, DOPT_LOG_WARNING, "%s: divide and conquer did not converge, MRRR did", func);
    if (e2e->route == DOPT_E2E_ROUTE_JACOBI)
        dopt__log(&e2e->options.logger, DOPT_LOG_WARNING, "%s: LAPACK did not converge, one-sided Jacobi did", func);
    DOPT_TRY(take_values(e2e, func));
    e2e->has_basis = dopt__svd_has_vt(e2e->svd);
    e2e->is_narrow = narrow && w.dtype == DOPT_F32;
    return DOPT_OK;
}

static double element(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

/* The squares off the diagonal of D, whose columns belong to rows first, first + 1, ... */
static double off_diagonal(dopt_cmat m, ptrdiff_t first)
{
    double off = 0.0;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++) {
            const double x = r == first + c ? 0.0 : element(m, r, c);
            off += x * x;
        }
    return off;
}

/* s and s_1 from the diagonal of D; false if an element is not positive. */
static bool take_diagonal(dopt_e2e *e2e, dopt_cmat m)
{
    const ptrdiff_t k = e2e->small, rank = m.cols, first = dopt__svd_first(e2e->svd);
    double top = 0.0;
    for (ptrdiff_t i = 0; i < rank; i++) {
        const double s = element(m, first + i, i);
        if (!(s > 0.0))
            return false;
        top = fmax(top, s);
    }
    for (ptrdiff_t i = 0; i < k; i++)
        e2e->s[i] = i < first || i >= first + rank ? 0.0 : element(m, i, i - first) / top;
    e2e->top = top;
    return true;
}

/* The test itself. */
static dopt__fit_of_basis test(dopt_e2e *e2e, dopt_cmat w, dopt_cmat u, dopt_cmat vt, dopt_mat y, dopt_mat m,
                               double *lacking)
{
    const double eps = w.dtype == DOPT_F32 ? FLT_EPSILON : DBL_EPSILON;
    if (vt.rows == 0)
        return DOPT__BASIS_USELESS;
    dopt__gemm(1.0, dopt_ctransposed(u), w, 0.0, y);
    dopt__gemm(1.0, dopt_const(y), dopt_ctransposed(vt), 0.0, m);
    const double whole = pow(dopt__norm(dopt_const(y)), 2.0), within = pow(dopt__norm(dopt_const(m)), 2.0);
    double off = off_diagonal(dopt_const(m), dopt__svd_first(e2e->svd));
    if (vt.rows < vt.cols)
        off += fmax(0.0, whole - within) + 8.0 * (double)e2e->small * eps * whole;
    *lacking = sqrt(off / whole);
    if (!take_diagonal(e2e, dopt_const(m)))
        return DOPT__BASIS_USELESS;
    return e2e->sensitivity * *lacking <= e2e->options.refresh_tolerance ? DOPT__BASIS_SERVES : DOPT__BASIS_MISSES;
}

dopt__fit_of_basis dopt__basis_test(dopt_e2e *e2e, dopt_cmat w, dopt_cmat u, dopt_cmat vt, dopt_mat y, dopt_mat m,
                                    double *lacking)
{
    /* After the second failed test in a row 2 calls go without one, after the third and all others 4. */
    static const int doublings_max = 3;
    if (e2e->untested > 0) {
        e2e->untested--;
        return DOPT__BASIS_USELESS;
    }
    const dopt__fit_of_basis fit = test(e2e, w, u, vt, y, m, lacking);
    e2e->misses = fit == DOPT__BASIS_SERVES ? 0 : e2e->misses < doublings_max ? e2e->misses + 1 : doublings_max;
    e2e->untested = e2e->misses > 1 ? 1 << (e2e->misses - 1) : 0;
    if (fit == DOPT__BASIS_SERVES)
        e2e->route = DOPT_E2E_ROUTE_REUSED;
    return fit;
}

void dopt__basis_learn(dopt_e2e *e2e, double error, double lacking)
{
    /* It may rise again before the next look: not less than the least, and slowly down. A jump tells nothing. */
    static const double least = 2.0;
    if (error < 1.0)
        e2e->sensitivity = fmax(least, fmax(error / lacking, 0.5 * e2e->sensitivity));
}

/* SPDX-License-Identifier: MIT */
/*
 * The end-to-end preconditioner in one basis.
 *
 * With the SVD W = U diag(s) V^T, every term of P_W(G) is diagonal in (U, V), so P = U (K o (U^T G V)) V^T over all of
 * V. Of V, only the columns that belong to nonzero s are known (V here, d x p); on the others, K is K(s_r, 0) = null_r:
 *
 *     Y = U^T G,  B = Y V,  M = (K - null 1^T) o B,  P = U (M V^T + diag(null) Y)
 *
 * five products with the one that makes V^T. U and V come from W itself. The matrices of the printed formula would do
 * in exact arithmetic, but there a zero singular value comes back from W W^T as eps, and eps^(1/N) is not small.
 *
 * K and null are formed from s / s_1, and s_1^(2-2/N) is a factor of the last product: nothing overflows on the way
 * that is not in the result. W with more rows than columns is handled as its transpose: P_{W^T}(G^T) = P_W(G)^T.
 */

#include <depthopt/e2e.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "e2e/closed_form.h"
#include "e2e/kernel.h"
#include "e2e/move.h"
#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"
#include "linalg/svd.h"

struct dopt_e2e {
    dopt_e2e_options options;
    ptrdiff_t rows, cols, small; /* small: the lesser of the two */
    double depth;
    dopt__svd *svd;           /* NULL for a single row or column */
    double *s, *null, *table; /* s / s_1, null_r / s_1^(2-2/N), and scratch: small, small, 2 small */
    dopt_e2e_route route;
};

static dopt_status read_options(const char *func, const dopt_e2e_options *options, dopt_e2e_options *out)
{
    const dopt_e2e_options defaults = DOPT_E2E_OPTIONS_INIT;
    *out = defaults;
    DOPT_TRY(dopt__read_options(func, options, sizeof defaults, sizeof defaults, out));
    if (out->method != DOPT_E2E_NESTED && out->method != DOPT_E2E_SVD)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->method is %d, must be DOPT_E2E_NESTED or DOPT_E2E_SVD",
                          (int)out->method);
    return dopt__check_allocator(func, &out->allocator);
}

static bool allocate(dopt_e2e *e2e)
{
    const ptrdiff_t rows = e2e->rows, cols = e2e->cols;
    const dopt_allocator *allocator = &e2e->options.allocator;
    const dopt__svd_method method = e2e->options.method == DOPT_E2E_SVD ? DOPT__SVD_LAPACK : DOPT__SVD_NESTED;
    if (e2e->small == 1)
        return true;
    e2e->svd = dopt__svd_create(e2e->small, rows < cols ? cols : rows, method, allocator);
    e2e->s = dopt__alloc(allocator, 4 * (size_t)e2e->small, sizeof *e2e->s);
    if (!e2e->svd || !e2e->s)
        return false;
    e2e->null = e2e->s + e2e->small;
    e2e->table = e2e->null + e2e->small;
    return true;
}

dopt_status dopt_e2e_create(ptrdiff_t rows, ptrdiff_t cols, double depth, const dopt_e2e_options *options,
                            dopt_e2e **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_REQUIRE(rows >= 1 && rows <= DOPT__EXTENT_MAX, DOPT_ERR_INVALID, "rows is %td, must be in [1, %d]", rows,
                 DOPT__EXTENT_MAX);
    DOPT_REQUIRE(cols >= 1 && cols <= DOPT__EXTENT_MAX, DOPT_ERR_INVALID, "cols is %td, must be in [1, %d]", cols,
                 DOPT__EXTENT_MAX);
    DOPT_REQUIRE(rows <= DOPT__ORDER_MAX || cols <= DOPT__ORDER_MAX, DOPT_ERR_INVALID,
                 "rows is %td and cols is %td, the smaller must be at most %d", rows, cols, DOPT__ORDER_MAX);
    DOPT_REQUIRE(depth >= 1.0, DOPT_ERR_INVALID, "depth is %g, must be in [1, inf]", depth);
    dopt_e2e_options known;
    DOPT_TRY(read_options(__func__, options, &known));

    dopt_e2e *e2e = dopt__alloc(&known.allocator, 1, sizeof *e2e);
    DOPT_REQUIRE(e2e, DOPT_ERR_NOMEM, "no memory for the handle");
    e2e->options = known;
    e2e->rows = rows;
    e2e->cols = cols;
    e2e->small = rows < cols ? rows : cols;
    e2e->depth = depth;
    if (!allocate(e2e)) {
        dopt_e2e_destroy(&e2e);
        return dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for the workspace of %td x %td matrices", rows, cols);
    }
    *out = e2e;
    return DOPT_OK;
}

void dopt_e2e_destroy(dopt_e2e **e2e)
{
    if (!e2e || !*e2e)
        return;
    const dopt_allocator allocator = (*e2e)->options.allocator;
    dopt__svd_destroy((*e2e)->svd);
    dopt__release(&allocator, (*e2e)->s);
    dopt__release(&allocator, *e2e);
    *e2e = NULL;
}

/* One look at a matrix: it must be finite, and its largest magnitude is needed. */
static dopt_status scan(const char *func, const char *name, dopt_cmat m, double *largest)
{
    *largest = dopt__max_abs(m);
    return isfinite(*largest) ? DOPT_OK : dopt__check_finite(func, name, m);
}

/* The basis of a wide w into the workspace, s / s_1 into e2e->s; s_1 to *top. */
static dopt_status decompose(dopt_e2e *e2e, const char *func, dopt_cmat w, double largest, double *top)
{
    static const dopt_e2e_route routes[] = { DOPT_E2E_ROUTE_NESTED, DOPT_E2E_ROUTE_NESTED_MRRR, DOPT_E2E_ROUTE_SVD,
                                             DOPT_E2E_ROUTE_JACOBI };
    if (!dopt__svd_compute(e2e->svd, w, largest))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w (%td x %td) converged", e2e->rows,
                          e2e->cols);
    e2e->route = routes[dopt__svd_route_taken(e2e->svd)];
    if (e2e->route == DOPT_E2E_ROUTE_NESTED_MRRR)
        dopt__log(&e2e->options.logger, DOPT_LOG_WARNING, "%s: divide and conquer did not converge, MRRR did", func);
    if (e2e->route == DOPT_E2E_ROUTE_JACOBI)
        dopt__log(&e2e->options.logger, DOPT_LOG_WARNING, "%s: LAPACK did not converge, one-sided Jacobi did", func);

    const double *values = dopt__svd_values(e2e->svd);
    *top = 0.0;
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        *top = fmax(*top, values[i]);
    if (!isfinite(*top))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "the largest singular value of w overflows");
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        e2e->s[i] = *top > 0.0 ? values[i] / *top : 0.0;
    return DOPT_OK;
}

/* Y <- M V^T + diag(null) Y with M = (K - null 1^T) o (Y V): what is left of P but U and the scale. */
static void multiply_by_kernel(dopt_e2e *e2e, dopt_mat y)
{
    const ptrdiff_t k = e2e->small, first = dopt__svd_first(e2e->svd), rank = dopt__svd_rank(e2e->svd);
    const dopt_cmat vt = dopt_const(dopt__svd_vt(e2e->svd));
    const dopt_mat m = dopt_mat_f64(dopt__svd_square_scratch(e2e->svd).data, k, rank);
    const bool complete = rank == vt.cols; /* V spans everything: no null space */
    for (ptrdiff_t r = 0; r < k; r++)
        e2e->null[r] = complete ? 0.0 : dopt__kernel_null(e2e->s[r], e2e->depth);
    if (rank > 0) {
        dopt__gemm(1.0, dopt_const(y), dopt_ctransposed(vt), 0.0, m);
        dopt__kernel_apply(k, first, rank, e2e->s, e2e->null, e2e->depth, m.data, e2e->table);
    }
    for (ptrdiff_t r = 0; r < k && !complete; r++) {
        const dopt_mat row = dopt_mat_f64((double *)y.data + r * y.cols, 1, y.cols);
        dopt__copy(e2e->null[r], dopt_const(row), row);
    }
    if (rank > 0)
        dopt__gemm(1.0, dopt_const(m), vt, complete ? 0.0 : 1.0, y);
}

/* Y = U^T G. A float32 G is widened in panels that fit the square scratch. */
static void rotate_gradient(dopt_e2e *e2e, dopt_cmat grad, dopt_mat y)
{
    const dopt_cmat ut = dopt_ctransposed(dopt_const(dopt__svd_u(e2e->svd)));
    if (grad.dtype == DOPT_F64) {
        dopt__gemm(1.0, ut, grad, 0.0, y);
        return;
    }
    const ptrdiff_t k = e2e->small;
    for (ptrdiff_t at = 0; at < y.cols; at += k) {
        const ptrdiff_t width = y.cols - at < k ? y.cols - at : k;
        const dopt_mat panel = dopt_mat_f64(dopt__svd_square_scratch(e2e->svd).data, k, width);
        const dopt_cmat part = {
            (const float *)grad.data + at * grad.col_stride, k, width, grad.row_stride, grad.col_stride, DOPT_F32
        };
        const dopt_mat target = { (double *)y.data + at, k, width, y.row_stride, 1, DOPT_F64 };
        dopt__copy(1.0, part, panel);
        dopt__gemm(1.0, ut, dopt_const(panel), 0.0, target);
    }
}

/* The last product, straight into a float64 result that cannot overflow, else by way of a look at it. */
static dopt_status finish(dopt_e2e *e2e, dopt__move move, dopt_cmat y, double factor)
{
    const dopt_cmat u = dopt_const(dopt__svd_u(e2e->svd));
    const bool is_float = move.out.dtype == DOPT_F32;
    const double extent = sqrt((double)e2e->rows) * sqrt((double)e2e->cols), norm = extent * move.largest_grad;
    const double bound =
        fabs(move.keep) * move.largest_w + fabs(factor) * (isinf(e2e->depth) ? 1.0 : e2e->depth) * norm;
    if (!is_float && bound < 1e300) {
        dopt__gemm(factor, u, y, move.keep, move.out);
        return DOPT_OK;
    }
    const dopt_mat result = dopt__svd_vt_scratch(e2e->svd);
    if (move.keep != 0.0)
        dopt__copy(move.keep, move.w, result);
    dopt__gemm(factor, u, y, move.keep != 0.0 ? 1.0 : 0.0, result);
    if (!(dopt__max_abs(dopt_const(result)) <= (is_float ? (double)FLT_MAX : DBL_MAX)))
        return dopt__fail(DOPT_ERR_NUMERICAL, move.func, "the result, or an eigenvalue of P, overflows");
    dopt__copy(1.0, dopt_const(result), move.out);
    return DOPT_OK;
}

static dopt_status precondition(dopt_e2e *e2e, dopt__move move)
{
    if (e2e->rows > e2e->cols) {
        move.w = dopt_ctransposed(move.w);
        move.grad = dopt_ctransposed(move.grad);
        move.out = dopt_transposed(move.out);
    }
    double top;
    DOPT_TRY(decompose(e2e, move.func, move.w, move.largest_w, &top));
    const dopt_mat y = dopt__svd_wide_scratch(e2e->svd);
    rotate_gradient(e2e, move.grad, y);
    multiply_by_kernel(e2e, y);
    return finish(e2e, move, dopt_const(y), move.rate * dopt__kernel_scale(top, e2e->depth));
}

static dopt_status run(dopt_e2e *e2e, dopt__move move)
{
    if (e2e->small == 1 && e2e->depth != 1.0 && dopt__closed_fast(move, e2e->depth)) {
        e2e->route = DOPT_E2E_ROUTE_CLOSED_FORM;
        return DOPT_OK;
    }
    DOPT_TRY(scan(move.func, "w", move.w, &move.largest_w));
    DOPT_TRY(scan(move.func, "grad", move.grad, &move.largest_grad));
    if (e2e->depth != 1.0 && e2e->small > 1)
        return precondition(e2e, move);
    DOPT_TRY(e2e->depth == 1.0 ? dopt__closed_identity(move) : dopt__closed_vector(move, e2e->depth));
    e2e->route = e2e->depth == 1.0 ? DOPT_E2E_ROUTE_IDENTITY : DOPT_E2E_ROUTE_CLOSED_FORM;
    return DOPT_OK;
}

dopt_status dopt_e2e_apply(dopt_e2e *e2e, dopt_cmat w, dopt_cmat grad, dopt_mat out)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_TRY(dopt__check_matrix(__func__, "w", w, e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "out", dopt_const(out), e2e->rows, e2e->cols, w.dtype));
    const dopt__move move = { .func = __func__, .w = w, .grad = grad, .out = out, .keep = 0.0, .rate = 1.0 };
    return run(e2e, move);
}

dopt_status dopt_e2e_update(dopt_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, double weight_decay)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_TRY(dopt__check_matrix(__func__, "w", dopt_const(w), e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, e2e->rows, e2e->cols, w.dtype));
    DOPT_REQUIRE(lr >= 0.0 && isfinite(lr), DOPT_ERR_INVALID, "lr is %g, must be in [0, inf)", lr);
    DOPT_REQUIRE(weight_decay >= 0.0 && isfinite(weight_decay), DOPT_ERR_INVALID,
                 "weight_decay is %g, must be in [0, inf)", weight_decay);
    const double factors = isinf(e2e->depth) ? 1.0 : e2e->depth; /* that decay; the limit is per unit of lr N */
    const dopt__move move = { .func = __func__,
                              .w = dopt_const(w),
                              .grad = grad,
                              .out = w,
                              .keep = 1.0 - lr * weight_decay * factors,
                              .rate = -lr };
    return run(e2e, move);
}

static int descending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* Singular values of w into `values`, descending. */
static dopt_status singular_values(dopt_e2e *e2e, const char *func, dopt_cmat w, double *values)
{
    double largest, top;
    DOPT_TRY(scan(func, "w", w, &largest));
    if (e2e->small == 1) {
        values[0] = dopt__norm(w);
        e2e->route = DOPT_E2E_ROUTE_CLOSED_FORM;
        return DOPT_OK;
    }
    DOPT_TRY(decompose(e2e, func, e2e->rows > e2e->cols ? dopt_ctransposed(w) : w, largest, &top));
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        values[i] = dopt__svd_values(e2e->svd)[i];
    qsort(values, (size_t)e2e->small, sizeof *values, descending);
    return DOPT_OK;
}

dopt_status dopt_e2e_spectrum(dopt_e2e *e2e, dopt_cmat w, double *sigma, double *eigenvalues)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_TRY(dopt__check_matrix(__func__, "w", w, e2e->rows, e2e->cols, w.dtype));
    double single, *s = e2e->small == 1 ? &single : e2e->s;
    DOPT_TRY(singular_values(e2e, __func__, w, s));
    const double top = dopt__kernel(s[0], s[0], e2e->depth);
    DOPT_REQUIRE(isfinite(s[0]) && (isfinite(top) || !eigenvalues), DOPT_ERR_NUMERICAL, "an eigenvalue overflows");
    for (ptrdiff_t i = 0; i < e2e->small && sigma; i++)
        sigma[i] = s[i];
    for (ptrdiff_t r = 0; r < e2e->rows && eigenvalues; r++)
        for (ptrdiff_t c = 0; c < e2e->cols; c++)
            eigenvalues[r * e2e->cols + c] =
                dopt__kernel(r < e2e->small ? s[r] : 0.0, c < e2e->small ? s[c] : 0.0, e2e->depth);
    return DOPT_OK;
}

dopt_e2e_route dopt_e2e_route_taken(const dopt_e2e *e2e)
{
    return e2e ? e2e->route : DOPT_E2E_ROUTE_NONE;
}

size_t dopt_e2e_workspace_bytes(const dopt_e2e *e2e)
{
    if (!e2e)
        return 0;
    const size_t tables = e2e->s ? 4 * (size_t)e2e->small * sizeof *e2e->s : 0;
    return sizeof *e2e + tables + dopt__svd_bytes(e2e->svd);
}

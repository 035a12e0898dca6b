/* SPDX-License-Identifier: MIT */
/* The public door of the preconditioner: checks, the choice of the form, getters. product.c has the algebra. */

#include <depthopt/e2e.h>

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "e2e/basis.h"
#include "e2e/closed_form.h"
#include "e2e/e2e_state.h"
#include "e2e/kernel.h"
#include "e2e/product.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"

static dopt_status read_options(const char *func, const dopt_e2e_options *options, dopt_e2e_options *out)
{
    static const char *const methods[] = { "nested", "svd" };
    const dopt_e2e_options defaults = DOPT_E2E_OPTIONS_INIT;
    *out = defaults;
    DOPT_TRY(dopt__read_options(func, options, DOPT__SIZE_THROUGH(dopt_e2e_options, refresh_tolerance), sizeof defaults,
                                out));
    DOPT_TRY(dopt__check_choice(func, "options->method", (int)out->method, 2, methods));
    if (!(out->refresh_tolerance >= 0.0 && out->refresh_tolerance < 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->refresh_tolerance is %g, must be in [0, 1)",
                          out->refresh_tolerance);
    return dopt__check_allocator(func, &out->allocator);
}

/* Before any is known (basis.c). */
static const double first_sensitivity = 4.0;

static bool allocate(dopt_e2e *e2e)
{
    const ptrdiff_t rows = e2e->rows, cols = e2e->cols;
    const dopt_allocator *allocator = &e2e->options.allocator;
    const dopt__svd_method method = e2e->options.method == DOPT_E2E_SVD ? DOPT__SVD_LAPACK : DOPT__SVD_NESTED;
    if (e2e->small == 1)
        return true;
    e2e->svd = dopt__svd_create(e2e->small, rows < cols ? cols : rows, method, allocator);
    e2e->s = dopt__alloc(allocator, 4 * (size_t)e2e->small, sizeof *e2e->s);
    const bool keeps = e2e->options.refresh_tolerance > 0.0;
    if (keeps)
        e2e->guess = dopt__alloc(allocator, (size_t)rows * (size_t)cols, sizeof *e2e->guess);
    if (!e2e->svd || !e2e->s || (keeps && !e2e->guess))
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
    e2e->sensitivity = first_sensitivity;
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
    dopt__release(&allocator, (*e2e)->guess);
    dopt__release(&allocator, *e2e);
    *e2e = NULL;
}

/* One look at a matrix: it must be finite, and its largest magnitude is needed. */
static dopt_status scan(const char *func, const char *name, dopt_cmat m, double *largest)
{
    *largest = dopt__max_abs(m);
    return isfinite(*largest) ? DOPT_OK : dopt__check_finite(func, name, m);
}

/* A tall w is handled as its transpose: P_{W^T}(G^T) = P_W(G)^T. */
static dopt__move made_wide(dopt__move move)
{
    if (move.w.rows > move.w.cols) {
        move.w = dopt_ctransposed(move.w);
        move.grad = dopt_ctransposed(move.grad);
        move.out = dopt_transposed(move.out);
    }
    return move;
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
        return dopt__product(e2e, made_wide(move));
    DOPT_TRY(e2e->depth == 1.0 ? dopt__closed_identity(move) : dopt__closed_vector(move, e2e->depth));
    e2e->route = e2e->depth == 1.0 ? DOPT_E2E_ROUTE_IDENTITY : DOPT_E2E_ROUTE_CLOSED_FORM;
    return DOPT_OK;
}

dopt_status dopt_e2e_apply(dopt_e2e *e2e, dopt_cmat w, dopt_cmat grad, dopt_mat out)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_HOLD(e2e);
    DOPT_TRY(dopt__check_matrix(__func__, "w", w, e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "out", dopt_const(out), e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_apart_or_same(__func__, "out", dopt_const(out), "w", w));
    DOPT_TRY(dopt__check_apart_or_same(__func__, "out", dopt_const(out), "grad", grad));
    const dopt__move move = { .func = __func__, .w = w, .grad = grad, .out = out, .keep = 0.0, .rate = 1.0 };
    return run(e2e, move);
}

dopt_status dopt_e2e_update(dopt_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, double weight_decay)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_HOLD(e2e);
    DOPT_TRY(dopt__check_matrix(__func__, "w", dopt_const(w), e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, e2e->rows, e2e->cols, w.dtype));
    DOPT_TRY(dopt__check_apart(__func__, "w", dopt_const(w), "grad", grad));
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
    double largest;
    DOPT_TRY(scan(func, "w", w, &largest));
    if (e2e->small == 1) {
        values[0] = dopt__norm(w);
        e2e->route = DOPT_E2E_ROUTE_CLOSED_FORM;
        return DOPT_OK;
    }
    DOPT_TRY(dopt__basis_refresh(e2e, func, e2e->rows > e2e->cols ? dopt_ctransposed(w) : w, largest, false, false));
    for (ptrdiff_t i = 0; i < e2e->small; i++)
        values[i] = dopt__svd_values(e2e->svd)[i];
    qsort(values, (size_t)e2e->small, sizeof *values, descending);
    return DOPT_OK;
}

dopt_status dopt_e2e_spectrum(dopt_e2e *e2e, dopt_cmat w, double *sigma, double *eigenvalues)
{
    DOPT_REQUIRE(e2e, DOPT_ERR_INVALID, "e2e is NULL, must be a handle");
    DOPT_HOLD(e2e);
    DOPT_TRY(dopt__check_matrix(__func__, "w", w, e2e->rows, e2e->cols, w.dtype));
    double single = 0.0, *s = e2e->small == 1 ? &single : e2e->s;
    DOPT_TRY(singular_values(e2e, __func__, w, s));
    const double top = dopt__kernel(s[0], s[0], e2e->depth);
    DOPT_REQUIRE(isfinite(s[0]), DOPT_ERR_NUMERICAL, "sigma overflows: w has the norm %g", s[0]);
    DOPT_REQUIRE(isfinite(top) || !eigenvalues, DOPT_ERR_NUMERICAL,
                 "eigenvalues[0] overflows at depth %g: w has the singular value %g", e2e->depth, s[0]);
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

int64_t dopt_e2e_refreshes(const dopt_e2e *e2e)
{
    return e2e ? e2e->refreshes : 0;
}

size_t dopt_e2e_workspace_bytes(const dopt_e2e *e2e)
{
    if (!e2e)
        return 0;
    const size_t tables = e2e->s ? 4 * (size_t)e2e->small * sizeof *e2e->s : 0;
    const size_t guess = e2e->guess ? (size_t)e2e->rows * (size_t)e2e->cols * sizeof *e2e->guess : 0;
    return sizeof *e2e + tables + guess + dopt__svd_bytes(e2e->svd);
}

double dopt_e2e_kernel(double a, double b, double depth)
{
    return dopt__kernel(a, b, depth);
}

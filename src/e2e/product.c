/* SPDX-License-Identifier: MIT */
/*
 * P_W(G) from the basis of W.
 *
 * With the SVD W = U diag(s) V^T, every term of P_W(G) is diagonal in (U, V), so P = U (K o (U^T G V)) V^T over all of
 * V. Of V, only the columns that belong to nonzero s are known (V here, d x p); on the others, K is K(s_r, 0) = null_r:
 *
 *     Y = U^T G,  B = Y V,  M = (K - null 1^T) o B,  P = U (M V^T + diag(null) Y)
 *
 * five products with the one that makes V^T. Where the values are close together, V^T = diag(1/s) U^T W can be inserted
 * and the squares of 1/s do no harm. Of the products with all columns, three are left:
 *
 *     H = G W^T,  M = (K - null 1^T) o (U^T H U) diag(s)^-2,  P = (U M U^T) W + (U diag(null) U^T) G
 *
 * K and null are formed from s / s_1, and s_1^(2-2/N) is a factor of the last product: nothing overflows on the way
 * that is not in the result.
 *
 * float32: the products with all columns are float32's, the decomposition and K are float64's. Extreme numbers, whose
 * products float32 could not hold, go through float64 as a whole.
 */

#include "e2e/product.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "e2e/basis.h"
#include "e2e/kernel.h"
#include "linalg/blas.h"
#include "linalg/scan.h"

/* V is spared from this ratio of columns to rows on: two wide products less, five square ones more. */
static const double wide_enough = 2.5;

/* The basis, and memory for the products, in the dtype of the products. */
typedef struct factors {
    dopt_cmat u, vt; /* k x k, rank x d */
    dopt_mat y, m;   /* k x d, k x rank */
} factors;

static dopt_mat matrix(void *data, ptrdiff_t offset, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? dopt_mat_f64((double *)data + offset, rows, cols)
                             : dopt_mat_f32((float *)data + offset, rows, cols);
}

/*
 * float64: U and V are where the decomposition left them. float32: copies; y and V^T share the wide scratch, U and M
 * the spare one.
 */
static factors factors_of(const dopt_e2e *e2e, dopt_dtype dtype)
{
    const dopt_mat u = dopt__svd_u(e2e->svd), vt = dopt__svd_vt(e2e->svd);
    const ptrdiff_t k = e2e->small, d = vt.cols, rank = vt.rows;
    void *wide = dopt__svd_wide_scratch(e2e->svd).data, *spare = dopt__svd_spare_scratch(e2e->svd).data;
    factors f = { dopt_const(u), dopt_const(vt), matrix(wide, 0, k, d, dtype),
                  dopt_mat_f64(dopt__svd_square_scratch(e2e->svd).data, k, rank) };
    if (dtype == DOPT_F64)
        return f;
    const dopt_mat narrow_u = matrix(spare, 0, k, k, DOPT_F32), narrow_vt = matrix(wide, k * d, rank, d, DOPT_F32);
    dopt__copy(1.0, dopt_ctransposed(dopt_const(u)), narrow_u);
    if (rank > 0)
        dopt__copy(1.0, dopt_const(vt), narrow_vt);
    f.u = dopt_ctransposed(dopt_const(narrow_u));
    f.vt = dopt_const(narrow_vt);
    f.m = matrix(spare, k * k, k, rank, DOPT_F32);
    return f;
}

/* M <- (K - null 1^T) o M; null_r = 0 where V has no null space. */
static void apply_kernel(dopt_e2e *e2e, dopt_mat m, bool complete)
{
    const ptrdiff_t k = e2e->small, first = dopt__svd_first(e2e->svd);
    const dopt_mat wide = dopt_mat_f64(dopt__svd_square_scratch(e2e->svd).data, k, m.cols);
    for (ptrdiff_t r = 0; r < k; r++)
        e2e->null[r] = complete ? 0.0 : dopt__kernel_null(e2e->s[r], e2e->depth);
    if (m.cols == 0)
        return;
    if (m.dtype == DOPT_F32)
        dopt__copy(1.0, dopt_const(m), wide);
    dopt__kernel_apply(k, first, m.cols, e2e->s, e2e->null, e2e->depth, wide.data, e2e->table);
    if (m.dtype == DOPT_F32)
        dopt__copy(1.0, dopt_const(wide), m);
}

/* Row r of y times factor_r. */
static void scale_rows(const double *factor, dopt_mat y)
{
    for (ptrdiff_t r = 0; r < y.rows; r++) {
        const dopt_mat row = matrix(y.data, r * y.cols, 1, y.cols, y.dtype);
        dopt__copy(factor[r], dopt_const(row), row);
    }
}

/* Y <- M V^T + diag(null) Y with M = (K - null 1^T) o (Y V): what is left of P but U and the scale. */
static void multiply_by_kernel(dopt_e2e *e2e, factors f)
{
    const ptrdiff_t rank = f.vt.rows;
    const bool complete = rank == f.vt.cols; /* V spans everything: no null space */
    if (rank > 0)
        dopt__gemm(1.0, dopt_const(f.y), dopt_ctransposed(f.vt), 0.0, f.m);
    apply_kernel(e2e, f.m, complete);
    if (!complete)
        scale_rows(e2e->null, f.y);
    if (rank > 0)
        dopt__gemm(1.0, dopt_const(f.m), f.vt, complete ? 0.0 : 1.0, f.y);
}

/* Y = U^T G. Where G is narrower than the products it is widened in panels that fit the square scratch. */
static void rotate_gradient(const dopt_e2e *e2e, dopt_cmat grad, factors f)
{
    const dopt_cmat ut = dopt_ctransposed(f.u);
    if (grad.dtype == f.y.dtype) {
        dopt__gemm(1.0, ut, grad, 0.0, f.y);
        return;
    }
    const ptrdiff_t k = e2e->small;
    for (ptrdiff_t at = 0; at < f.y.cols; at += k) {
        const ptrdiff_t width = f.y.cols - at < k ? f.y.cols - at : k;
        const dopt_mat panel = dopt_mat_f64(dopt__svd_square_scratch(e2e->svd).data, k, width);
        const dopt_cmat part = {
            (const float *)grad.data + at * grad.col_stride, k, width, grad.row_stride, grad.col_stride, DOPT_F32
        };
        const dopt_mat target = { (double *)f.y.data + at, k, width, f.y.row_stride, 1, DOPT_F64 };
        dopt__copy(1.0, part, panel);
        dopt__gemm(1.0, ut, dopt_const(panel), 0.0, target);
    }
}

/* The last product, straight into the result where that cannot overflow, else by way of a look at it. */
static dopt_status finish(dopt_e2e *e2e, dopt__move move, factors f, double factor)
{
    const double extent = sqrt((double)e2e->rows) * sqrt((double)e2e->cols), norm = extent * move.largest_grad;
    const double bound =
        fabs(move.keep) * move.largest_w + fmax(1.0, fabs(factor)) * (isinf(e2e->depth) ? 1.0 : e2e->depth) * norm;
    if (f.y.dtype == move.out.dtype && (f.y.dtype == DOPT_F32 || bound < 1e300)) {
        dopt__gemm(factor, f.u, dopt_const(f.y), move.keep, move.out);
        return DOPT_OK;
    }
    const dopt_mat result = dopt__svd_vt_scratch(e2e->svd);
    e2e->has_basis = false;
    if (move.keep != 0.0)
        dopt__copy(move.keep, move.w, result);
    dopt__gemm(factor, f.u, dopt_const(f.y), move.keep != 0.0 ? 1.0 : 0.0, result);
    if (!(dopt__max_abs(dopt_const(result)) <= (move.out.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX)))
        return dopt__move_overflows(move);
    dopt__copy(1.0, dopt_const(result), move.out);
    return DOPT_OK;
}

/* A = factor U M U^T + keep I to the square scratch, with M <- (K - null 1^T) o (U^T H U) diag(s)^-2. */
static dopt_mat form_left(dopt_e2e *e2e, dopt_mat h, double factor, double keep)
{
    const ptrdiff_t k = e2e->small;
    const dopt_cmat u = dopt_const(dopt__svd_u(e2e->svd)), ut = dopt_ctransposed(u);
    const dopt_mat square = dopt__svd_square_scratch(e2e->svd), spare = dopt__svd_spare_scratch(e2e->svd);
    double *m = square.data;
    dopt__gemm(1.0, ut, dopt_const(h), 0.0, spare);
    dopt__gemm(1.0, dopt_const(spare), u, 0.0, square);
    apply_kernel(e2e, square, false);
    for (ptrdiff_t c = 0; c < k; c++)
        e2e->table[c] = 1.0 / (e2e->s[c] * e2e->top) / (e2e->s[c] * e2e->top);
    for (ptrdiff_t i = 0; i < k * k; i++)
        m[i] *= e2e->table[i % k];
    dopt__gemm(1.0, u, dopt_const(square), 0.0, spare);
    dopt__gemm(factor, dopt_const(spare), ut, 0.0, square);
    for (ptrdiff_t i = 0; i < k; i++)
        m[i * (k + 1)] += keep;
    return square;
}

/* C = factor U diag(null) U^T to the spare scratch, by way of the wide one. */
static dopt_mat form_right(const dopt_e2e *e2e, double factor)
{
    const ptrdiff_t k = e2e->small;
    const dopt_mat u = dopt__svd_u(e2e->svd), spare = dopt__svd_spare_scratch(e2e->svd);
    const dopt_mat scaled = dopt_mat_f64(dopt__svd_wide_scratch(e2e->svd).data, k, k); /* diag(null) U^T */
    dopt__copy(1.0, dopt_ctransposed(dopt_const(u)), scaled);
    scale_rows(e2e->null, scaled);
    dopt__gemm(factor, dopt_const(u), dopt_const(scaled), 0.0, spare);
    return spare;
}

/* out = A W + C G, the products with all columns in the dtype of W and G. `out` may be either of them. */
static void combine(const dopt_e2e *e2e, dopt__move move, dopt_mat a, dopt_mat c)
{
    const ptrdiff_t k = e2e->small, d = move.w.cols;
    void *wide = dopt__svd_wide_scratch(e2e->svd).data;
    const bool by_columns = move.out.row_stride == 1;
    const dopt_mat result =
        by_columns ? dopt_transposed(matrix(wide, 0, d, k, move.w.dtype)) : matrix(wide, 0, k, d, move.w.dtype);
    if (move.w.dtype == DOPT_F32) { /* the other half of the wide scratch holds both */
        const dopt_mat narrow_a = matrix(wide, k * d, k, k, DOPT_F32),
                       narrow_c = matrix(wide, k * (d + k), k, k, DOPT_F32);
        dopt__copy(1.0, dopt_const(a), narrow_a);
        dopt__copy(1.0, dopt_const(c), narrow_c);
        a = narrow_a;
        c = narrow_c;
    }
    dopt__gemm(1.0, dopt_const(a), move.w, 0.0, result);
    dopt__gemm(1.0, dopt_const(c), move.grad, 1.0, result);
    dopt__copy(1.0, dopt_const(result), move.out);
}

static double factor_of(const dopt_e2e *e2e, dopt__move move)
{
    return move.rate * dopt__kernel_scale(e2e->top, e2e->depth);
}

/* Without V. */
static dopt_status without_v(dopt_e2e *e2e, dopt__move move)
{
    const ptrdiff_t k = e2e->small;
    const double factor = factor_of(e2e, move);
    const dopt_mat square = dopt__svd_square_scratch(e2e->svd), wide = dopt__svd_wide_scratch(e2e->svd);
    const dopt_mat narrow = matrix(wide.data, 0, k, k, DOPT_F32);
    if (move.w.dtype == DOPT_F64)
        dopt__gemm(1.0, move.grad, dopt_ctransposed(move.w), 0.0, square);
    else {
        dopt__gemm(1.0, move.grad, dopt_ctransposed(move.w), 0.0, narrow);
        dopt__copy(1.0, dopt_const(narrow), square);
    }
    const dopt_mat a = form_left(e2e, square, factor, move.keep), c = form_right(e2e, factor);
    combine(e2e, move, a, c);
    return DOPT_OK;
}

/*
 * Numbers whose products, d or N of them, are far from overflow and underflow in their dtype. A rate may be small where
 * what it loses is lost beside keep W anyway.
 */
static bool ordinary(const dopt_e2e *e2e, dopt__move move)
{
    const double high = move.w.dtype == DOPT_F32 ? 1e8 : 1e80, low = 1.0 / high;
    const double depth = isinf(e2e->depth) ? 1.0 : e2e->depth, extent = (double)move.w.cols;
    return move.largest_w >= low && move.largest_w <= high && move.largest_grad >= low && move.largest_grad <= high &&
           (fabs(move.rate) >= low || fabs(move.keep) >= low) && fabs(move.rate) * depth * extent <= high &&
           fabs(move.keep) <= high;
}

/* P by a kept basis that does not serve any more, to look at its error once there is another. */
static dopt_mat guess_of(dopt_e2e *e2e, dopt_cmat grad, factors f)
{
    const dopt_mat guess = matrix(e2e->guess, 0, f.y.rows, f.y.cols, f.y.dtype);
    rotate_gradient(e2e, grad, f);
    multiply_by_kernel(e2e, f);
    dopt__gemm(dopt__kernel_scale(e2e->top, e2e->depth), f.u, dopt_const(f.y), 0.0, guess);
    return guess;
}

/* Its relative error, INFINITY where P is 0; Y of the new basis is used up. || U Y - guess || = || Y - U^T guess ||. */
static double error_of(const dopt_e2e *e2e, dopt_mat guess, factors f)
{
    const double norm = dopt__norm(dopt_const(f.y));
    if (norm == 0.0) /* without 0 / 0, which may trap */
        return INFINITY;
    dopt__gemm(-1.0 / dopt__kernel_scale(e2e->top, e2e->depth), dopt_ctransposed(f.u), dopt_const(guess), 1.0, f.y);
    return dopt__norm(dopt_const(f.y)) / norm;
}

/* The products with a basis that is there. */
static dopt_status multiply(dopt_e2e *e2e, dopt__move move, factors f)
{
    rotate_gradient(e2e, move.grad, f);
    multiply_by_kernel(e2e, f);
    return finish(e2e, move, f, factor_of(e2e, move));
}

static dopt_status decompose(dopt_e2e *e2e, dopt__move move, bool is_ordinary)
{
    const bool wide = (double)move.w.cols > wide_enough * (double)e2e->small, keeps = e2e->guess != NULL;
    return dopt__basis_refresh(e2e, move.func, move.w, move.largest_w, wide && is_ordinary && !keeps, is_ordinary);
}

dopt_status dopt__product(dopt_e2e *e2e, dopt__move move)
{
    const bool is_ordinary = ordinary(e2e, move);
    const dopt_dtype dtype = is_ordinary ? move.w.dtype : DOPT_F64;
    dopt__fit_of_basis fit = DOPT__BASIS_USELESS;
    dopt_mat guess = dopt_mat_none();
    double lacking = 0.0;
    if (e2e->guess && is_ordinary && e2e->has_basis && !(e2e->is_narrow && dtype == DOPT_F64)) {
        const factors f = factors_of(e2e, dtype);
        fit = dopt__basis_test(e2e, move.w, f.u, f.vt, f.y, f.m, &lacking);
        if (fit == DOPT__BASIS_SERVES)
            return multiply(e2e, move, f);
        if (fit == DOPT__BASIS_MISSES)
            guess = guess_of(e2e, move.grad, f);
    }
    DOPT_TRY(decompose(e2e, move, is_ordinary));
    if (!dopt__svd_has_vt(e2e->svd))
        return without_v(e2e, move);
    const factors f = factors_of(e2e, dtype);
    DOPT_TRY(multiply(e2e, move, f));
    if (guess.data)
        dopt__basis_learn(e2e, error_of(e2e, guess, f), lacking);
    return DOPT_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * The SVD from symmetric eigendecompositions alone, without the loss of digits that squaring W brings.
 *
 *     R <- W;  no row taken yet
 *     while R has rows:
 *         R R^T = E diag(lambda) E^T
 *         Z = E^T R:  a row z_i of Z with lambda_i near lambda_1 is s_i v_i^T to full accuracy; take those
 *         R <- the other rows of Z, orthogonal to what has been taken
 *
 * The eigenvalues of R R^T carry an error of eps lambda_1, so an s_i far below s_1 is lost in it; but the rows that are
 * left span the right space, and are small, so the next level starts from their own size. A plain level takes the rows
 * down to a twentieth of the largest.
 *
 * A corrected level (refine.c) reaches down four decades, where the rows of Z are orthogonal to about eps (s_1 / s_i)^2
 * only, by one more rotation of Z and E. It costs about three products, so it is for spectra that would take many plain
 * levels.
 *
 * The last rows of vt and ut hold what has been taken, the first `left` rows what has not: eigenvalues ascend.
 */

#include "linalg/nested.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/blas.h"
#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/levels.h"
#include "linalg/scan.h"
#include "linalg/svd_workspace.h"

/* From this order on, a level in float32 is worth it. */
enum { narrow_min = 128 };

static dopt_mat rows(double *data, ptrdiff_t first, ptrdiff_t end, ptrdiff_t cols)
{
    return dopt_mat_f64(data + first * cols, end - first, cols);
}

/* Z <- Z - (Z V) V^T, for rows first ... end - 1 of Z and rows taken ... last - 1 of V^T. */
static void project(dopt__svd *svd, ptrdiff_t first, ptrdiff_t end, ptrdiff_t taken, ptrdiff_t last)
{
    const dopt_mat z = rows(svd->vt, first, end, svd->d), v = rows(svd->vt, taken, last, svd->d);
    const dopt_mat inner = dopt_mat_f64(svd->square, z.rows, v.rows);
    if (z.rows == 0 || v.rows == 0)
        return;
    dopt__gemm(1.0, dopt_const(z), dopt_ctransposed(dopt_const(v)), 0.0, inner);
    dopt__gemm(-1.0, dopt_const(inner), dopt_const(v), 1.0, z);
}

static double trace(const double *a, ptrdiff_t n)
{
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        sum += a[i * n + i];
    return sum;
}

/* target <- vectors target, by way of scratch. */
static void rotate_rows(dopt_cmat vectors, dopt_mat target, double *scratch)
{
    const dopt_mat copy = dopt_mat_f64(scratch, target.rows, target.cols);
    memcpy(scratch, target.data, (size_t)(target.rows * target.cols) * sizeof *scratch);
    dopt__gemm(1.0, vectors, dopt_const(copy), 0.0, target);
}

/* Norms of rows cut ... left - 1 are the singular values, and the rows are made unit vectors. */
static void normalise(dopt__svd *svd, ptrdiff_t cut, ptrdiff_t left)
{
    for (ptrdiff_t i = cut; i < left; i++) {
        const dopt_mat row = rows(svd->vt, i, i + 1, svd->d);
        svd->values[i] = dopt__norm(dopt_const(row));
        dopt__copy(1.0 / svd->values[i], dopt_const(row), row);
    }
}

/* R R^T = E diag(values) E^T for the Gram matrix in `square`; E^T to vectors. */
static bool decompose_level(dopt__svd *svd, ptrdiff_t left, double *vectors)
{
    const dopt__eigh_driver driver =
        dopt__eigh(left, svd->square, svd->values, vectors, svd->work, svd->iwork, svd->allowed);
    if (driver == DOPT__EIGH_MRRR)
        svd->route = DOPT__ROUTE_NESTED_MRRR;
    return driver != DOPT__EIGH_NONE;
}

/*
 * Take the rows that this level's eigendecomposition gives. `before`: the largest value of the level before. Returns
 * how many are left.
 */
static ptrdiff_t take(dopt__svd *svd, ptrdiff_t left, double zero, double before, double *vectors)
{
    const ptrdiff_t plain = dopt__level_plain(svd->values, left);
    const dopt_cmat rest = dopt_const(rows(svd->vt, 0, plain, svd->d));
    const double top = sqrt(svd->values[left - 1]);
    ptrdiff_t cut = plain;
    if (plain > left / 4 && !(dopt__norm(rest) <= zero) && dopt__refine(svd, left, vectors, &cut)) {
        normalise(svd, plain, left);
        project(svd, cut, plain, plain, left);
        project(svd, cut, dopt__level_rounded(svd->values, cut, plain, top, before), left, svd->k);
    }
    if (left < svd->k)
        rotate_rows(dopt_cmat_f64(vectors, left, left), rows(svd->ut, 0, left, svd->k), svd->wide);
    normalise(svd, cut, cut < plain ? plain : left);
    return cut;
}

/* The values are close together: the roots of the eigenvalues have all digits that matter, and V can be done without.
 */
static bool is_flat(dopt__svd *svd)
{
    const ptrdiff_t k = svd->k;
    if (!(svd->values[0] > svd->flat_ratio * svd->flat_ratio * svd->values[k - 1]))
        return false;
    for (ptrdiff_t i = 0; i < k; i++)
        svd->values[i] = sqrt(svd->values[i]);
    svd->has_vt = false;
    return true;
}

/* Of R R^T = E diag(values) E^T, what a first level in float32 has done. */
typedef enum narrow_level {
    NARROW_NOTHING,
    NARROW_DECOMPOSED, /* values and E^T, in float64: too many rows are left for more */
    NARROW_TAKEN       /* the level as a whole */
} narrow_level;

/*
 * E^T, rows from `cut` on by way of float32, and where V is wanted those rows of Z, which become V^T. False: before Z.
 */
static bool take_narrow(dopt__svd *svd, dopt_cmat narrow, ptrdiff_t cut)
{
    const ptrdiff_t k = svd->k, d = svd->d, taken = k - cut;
    double *scratch = svd->work + k * k + 2 * k;
    const dopt_mat e = rows(svd->ut, cut, k, k);
    const dopt_mat e32 = dopt_mat_f32((float *)(void *)svd->spare + k * k, taken, k); /* the second half */
    const dopt_mat z32 = dopt_mat_f32((float *)(void *)(svd->wide + cut * d), taken, d);
    dopt__copy(1.0, dopt_const(e), e32);
    if (!dopt__divide_finish(k, svd->work, rows(svd->ut, 0, cut, k), e32, scratch))
        return false;
    dopt__copy(1.0, dopt_const(e32), e);
    if (!svd->has_vt)
        return true;
    dopt__gemm(1.0, dopt_cmat_f64(svd->ut, cut, k), dopt_cmat_f64(svd->vt, k, d), 0.0, dopt_mat_f64(svd->wide, cut, d));
    dopt__gemm(1.0, dopt_const(e32), narrow, 0.0, z32);
    memcpy(svd->vt, svd->wide, (size_t)(cut * d) * sizeof *svd->vt);
    for (ptrdiff_t i = cut; i < k; i++) {
        const dopt_mat row = dopt_mat_f32((float *)z32.data + (i - cut) * d, 1, d);
        svd->values[i] = sqrt(svd->values[i]);
        dopt__copy(1.0 / dopt__norm(dopt_const(row)), dopt_const(row), rows(svd->vt, i, i + 1, d));
    }
    return true;
}

/*
 * A first level for w in float32, whose copy in float64 is in vt. Rows near the largest need E^T and Z to float32's
 * rounding only, at half of the cost; the rows that are left, a few, are as accurate as ever.
 */
static narrow_level first_in_float32(dopt__svd *svd, dopt_cmat narrow, ptrdiff_t *left)
{
    const ptrdiff_t k = svd->k;
    if (k < narrow_min || !(svd->allowed & DOPT__EIGH_DIVIDE) ||
        !dopt__divide_start(k, svd->square, svd->values, svd->ut, svd->work, svd->iwork))
        return NARROW_NOTHING;
    const ptrdiff_t cut = is_flat(svd) ? 0 : dopt__level_plain(svd->values, k);
    if (cut > k / 4)
        return dopt__divide_finish(k, svd->work, rows(svd->ut, 0, k, k), rows(svd->ut, k, k, k),
                                   svd->work + k * k + 2 * k)
                   ? NARROW_DECOMPOSED
                   : NARROW_NOTHING;
    if (take_narrow(svd, narrow, cut)) {
        *left = cut;
        return NARROW_TAKEN;
    }
    svd->has_vt = true;
    return NARROW_NOTHING;
}

/* One level of R, which is w or, in place, the first rows of vt. Returns how many rows are left; -1: no convergence. */
static ptrdiff_t one_level(dopt__svd *svd, dopt_cmat w, dopt_cmat narrow, ptrdiff_t left, double zero, double before)
{
    const bool first = left == svd->k, in_place = !first || w.data == svd->vt;
    double *vectors = first ? svd->ut : svd->vectors;
    const dopt_mat z = rows(svd->vt, 0, left, svd->d);
    narrow_level done = NARROW_NOTHING;
    if (first && narrow.data)
        done = first_in_float32(svd, narrow, &left);
    if (done == NARROW_TAKEN)
        return left;
    if (done == NARROW_NOTHING && !decompose_level(svd, left, vectors))
        return -1;
    if (first && is_flat(svd))
        return 0;
    if (in_place)
        rotate_rows(dopt_cmat_f64(vectors, left, left), z, svd->wide);
    else
        dopt__gemm(1.0, dopt_cmat_f64(vectors, left, left), w, 0.0, z);
    return take(svd, left, zero, before, vectors);
}

bool dopt__nested(dopt__svd *svd, dopt_cmat w, dopt_cmat narrow)
{
    const ptrdiff_t k = svd->k;
    ptrdiff_t left = k;
    double zero = 0.0;   /* rows of this norm are the rounding of zero rows */
    double before = 0.0; /* the largest value of the level before */
    svd->route = DOPT__ROUTE_NESTED;
    while (left > 0) {
        const dopt_cmat r = left == k ? w : dopt_const(rows(svd->vt, 0, left, svd->d));
        project(svd, 0, left, left, svd->k);
        dopt__syrk_upper(r, dopt_mat_f64(svd->square, left, left));
        const double norm = sqrt(trace(svd->square, left));
        if (left == k)
            zero = (double)svd->d * DBL_EPSILON * norm;
        if (norm <= zero)
            break;
        const ptrdiff_t last = left - 1;
        left = one_level(svd, w, narrow, left, zero, before);
        if (left < 0)
            return false;
        before = svd->values[last];
    }
    for (ptrdiff_t i = 0; i < left; i++)
        svd->values[i] = 0.0;
    svd->first = left;
    svd->rank = k - left;
    return true;
}

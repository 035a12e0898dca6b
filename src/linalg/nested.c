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
 * A corrected level reaches down four decades. The rows of Z are then orthogonal only to about eps (s_1 / s_i)^2; one
 * first-order rotation I + X, X skew, of Z and of E with it mends that,
 *
 *     X_ij = z_i^T z_j / (||z_j||^2 - ||z_i||^2),
 *
 * unless two rows of nearly equal norm are not orthogonal: those need a rotation that is not small, and the level is
 * taken as a plain one. Rotating what is left together with what is taken, instead of projecting it, keeps U diag(s)
 * V^T equal to W: a projection over four decades would cut off 1e4 eps.
 *
 * The last rows of vt and ut hold what has been taken, the first `left` rows what has not: eigenvalues ascend.
 */

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/blas.h"
#include "linalg/eigh.h"
#include "linalg/scan.h"
#include "linalg/svd_workspace.h"

/* A plain level takes s_i > 0.05 s_1, a corrected one s_i > 1e-4 s_1. */
static const double plain_ratio = 0.05, corrected_ratio = 1e-4;

/* The rotation of a corrected level is this small, or is not taken. Its square is carried along; its cube is not. */
static const double rotation_max = 1e-5;

/* Rows with a smaller cosine are orthogonal. */
static const double orthogonal = 1e-15;

static dopt_mat rows(double *data, ptrdiff_t first, ptrdiff_t end, ptrdiff_t cols)
{
    return dopt_mat_f64(data + first * cols, end - first, cols);
}

/* R <- R - (R V) V^T, for the V taken so far. */
static void project(dopt__svd *svd, ptrdiff_t left)
{
    const dopt_mat r = rows(svd->vt, 0, left, svd->d), v = rows(svd->vt, left, svd->k, svd->d);
    const dopt_mat inner = dopt_mat_f64(svd->square, left, svd->k - left);
    dopt__gemm(1.0, dopt_const(r), dopt_ctransposed(dopt_const(v)), 0.0, inner);
    dopt__gemm(-1.0, dopt_const(inner), dopt_const(v), 1.0, r);
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

/* target <- target + x^T target, by way of scratch. */
static void rotate_a_little(dopt_cmat x, dopt_mat target, double *scratch)
{
    const dopt_mat copy = dopt_mat_f64(scratch, target.rows, target.cols);
    memcpy(scratch, target.data, (size_t)(target.rows * target.cols) * sizeof *scratch);
    dopt__gemm(1.0, dopt_ctransposed(x), dopt_const(copy), 1.0, target);
}

/* First of the ascending values that a level takes. */
static ptrdiff_t first_above(const double *values, ptrdiff_t n, double ratio)
{
    double top = values[n - 1];
    for (ptrdiff_t i = 0; i < n; i++)
        top = fmax(top, values[i]);
    ptrdiff_t first = n - 1;
    while (first > 0 && values[first - 1] > ratio * ratio * top)
        first--;
    return first;
}

/*
 * Turn the Gram matrix of the rows of Z (lower triangle) into the rotation X that makes rows cut ... n - 1 orthogonal
 * to all others. `norms` are its diagonal. False: not a small one.
 */
static bool small_rotation(double *x, const double *norms, ptrdiff_t n, ptrdiff_t cut)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        x[i * n + i] = 0.0;
        for (ptrdiff_t j = 0; j < i; j++) {
            const double t = x[i * n + j];
            double angle = 0.0;
            if (i >= cut && fabs(t) > orthogonal * sqrt(norms[i]) * sqrt(norms[j]))
                angle = t / (norms[j] - norms[i]);
            if (!(fabs(angle) <= rotation_max))
                return false;
            x[i * n + j] = angle;
            x[j * n + i] = -angle;
        }
    }
    return true;
}

/* Try to take rows cut ... left - 1 by a corrected level. `vectors` are E^T. Returns cut, or `left`: not possible. */
static ptrdiff_t correct(dopt__svd *svd, ptrdiff_t left, double *vectors)
{
    const ptrdiff_t n = left;
    const dopt_mat z = rows(svd->vt, 0, n, svd->d), x = dopt_mat_f64(svd->square, n, n);
    double *norms = svd->values, *second = svd->work, *scratch = svd->work + n * n;

    dopt__syrk_lower(1.0, dopt_const(z), 0.0, x);
    for (ptrdiff_t i = 0; i < n; i++)
        norms[i] = svd->square[i * n + i];
    const ptrdiff_t cut = first_above(norms, n, corrected_ratio);
    if (!small_rotation(svd->square, norms, n, cut))
        return left;
    memcpy(second, svd->square, (size_t)(n * n) * sizeof *second);
    dopt__gemm(0.5, dopt_const(x), dopt_const(x), 1.0, dopt_mat_f64(second, n, n));
    const dopt_cmat rotation = dopt_cmat_f64(second, n, n);
    rotate_a_little(rotation, z, svd->wide);
    rotate_a_little(rotation, dopt_mat_f64(vectors, n, n), scratch);
    return cut;
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

/* V <- V - V (V^T V - I) / 2: what the rotation left of order eps. */
static void orthonormalise(dopt__svd *svd, ptrdiff_t cut, ptrdiff_t left)
{
    const ptrdiff_t n = left - cut;
    const dopt_mat v = rows(svd->vt, cut, left, svd->d), gram = dopt_mat_f64(svd->square, n, n);
    const dopt_mat copy = dopt_mat_f64(svd->wide, n, svd->d);
    dopt__gemm(1.0, dopt_const(v), dopt_ctransposed(dopt_const(v)), 0.0, gram);
    for (ptrdiff_t i = 0; i < n; i++)
        svd->square[i * n + i] -= 1.0;
    memcpy(svd->wide, v.data, (size_t)(n * svd->d) * sizeof *svd->wide);
    dopt__gemm(-0.5, dopt_const(gram), dopt_const(copy), 1.0, v);
}

/* Z = E^T R into the first rows of vt, and U <- U E. On the first level R is w, and U is E itself. */
static bool rotate_level(dopt__svd *svd, dopt_cmat w, ptrdiff_t left, double *vectors)
{
    const dopt__eigh_driver driver =
        dopt__eigh(left, svd->square, svd->values, vectors, svd->work, svd->iwork, svd->allowed);
    if (driver == DOPT__EIGH_NONE)
        return false;
    if (driver == DOPT__EIGH_MRRR)
        svd->route = DOPT__ROUTE_NESTED_MRRR;
    const dopt_cmat et = dopt_cmat_f64(vectors, left, left);
    if (left == svd->k)
        dopt__gemm(1.0, et, w, 0.0, rows(svd->vt, 0, left, svd->d));
    else
        rotate_rows(et, rows(svd->vt, 0, left, svd->d), svd->wide);
    return true;
}

/* Take the rows that this level's eigendecomposition gives. Returns how many are left. */
static ptrdiff_t take(dopt__svd *svd, ptrdiff_t left, double *vectors)
{
    const ptrdiff_t plain = first_above(svd->values, left, plain_ratio);
    ptrdiff_t cut = left;
    if (plain > left / 4)
        cut = correct(svd, left, vectors);
    const bool corrected = cut < left;
    if (!corrected)
        cut = plain;
    if (left < svd->k)
        rotate_rows(dopt_cmat_f64(vectors, left, left), rows(svd->ut, 0, left, svd->k), svd->work);
    normalise(svd, cut, left);
    if (corrected)
        orthonormalise(svd, cut, left);
    return cut;
}

bool dopt__nested(dopt__svd *svd, dopt_cmat w)
{
    const ptrdiff_t k = svd->k;
    ptrdiff_t left = k;
    double zero = 0.0; /* rows of this norm are the rounding of zero rows */
    svd->route = DOPT__ROUTE_NESTED;
    while (left > 0) {
        const bool first = left == k;
        double *vectors = first ? svd->ut : svd->vectors;
        if (!first)
            project(svd, left);
        const dopt_cmat r = first ? w : dopt_const(rows(svd->vt, 0, left, svd->d));
        dopt__syrk_lower(1.0, r, 0.0, dopt_mat_f64(svd->square, left, left));
        const double norm = sqrt(trace(svd->square, left));
        if (first)
            zero = (double)svd->d * DBL_EPSILON * norm;
        if (norm <= zero)
            break;
        if (!rotate_level(svd, w, left, vectors))
            return false;
        left = take(svd, left, vectors);
    }
    for (ptrdiff_t i = 0; i < left; i++)
        svd->values[i] = 0.0;
    svd->first = left;
    svd->rank = k - left;
    return true;
}

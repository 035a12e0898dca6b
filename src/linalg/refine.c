/* SPDX-License-Identifier: MIT */
/*
 * More accurate singular vectors from the approximate ones that a Gram matrix gives.
 *
 * With l_i = ||z_i||^2, one small rotation exp(-X), X skew, of Z and of E^T with it makes the rows orthogonal,
 *
 *     X_ij = z_i^T z_j / (l_j - l_i),
 *
 * as long as X is small. The largest rows, which a plain level takes, are orthogonal enough as they are. Of X only the
 * rows T are wanted that the level takes below them; by its symmetry the rows R that it leaves follow from those. To
 * second order,
 *
 *     T' = T - X_TT T - X_TR R + (X_TT X_TR R - X_T X_T^T T) / 2,   R' = R + X_TR^T (T + T') / 2.
 *
 * E^T needs all of it, or it would not stay orthogonal. Z could do without R': R is made orthogonal to T' by a
 * projection before the next level, which is the same but for ||X_TR||^2 ||R||, below rounding.
 *
 * The rows are then orthogonal to ||X||^2. Where that shows, for a few rows of T next to R, the same is done again, and
 * there R has to follow at once.
 *
 * Rows of nearly equal norm that are not orthogonal need a rotation that is not small: they form clusters, and each
 * cluster is first rotated by the eigenvectors of its own Gram matrix, which has all digits, since the rows are of one
 * size.
 */

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/blas.h"
#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/levels.h"
#include "linalg/nested.h"
#include "linalg/scan.h"

/* What the functions of this file hand on. The Gram matrix of Z and X share their memory. */
typedef struct level {
    dopt__svd *svd;
    ptrdiff_t n, cut;           /* T: rows cut ... n - 1, R: the rows before */
    ptrdiff_t order;            /* of E; rows n ... order - 1, a plain level's, are not touched */
    double *vectors, *gram, *l; /* E^T; n x n, rows T; n */
    int *group;                 /* clusters have numbers >= 0, all other rows -1 */
} level;

static dopt_mat part(double *data, ptrdiff_t row, ptrdiff_t col, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t stride)
{
    const dopt_mat m = { data + row * stride + col, rows, cols, stride, 1, DOPT_F64 };
    return m;
}

/* z_i^T z_j for i in T and j < i, and l for all of T. The rows R keep their eigenvalues for l: those are close. */
static void find_gram(level *v)
{
    const ptrdiff_t n = v->n, cut = v->cut, d = v->svd->d, taken = n - cut;
    const dopt_cmat t = dopt_const(part(v->svd->vt, cut, 0, taken, d, d));
    if (cut > 0)
        dopt__gemm(1.0, t, dopt_ctransposed(dopt_cmat_f64(v->svd->vt, cut, d)), 0.0,
                   part(v->gram, cut, 0, taken, cut, n));
    dopt__syrk_upper(t, dopt_transposed(part(v->gram, cut, cut, taken, taken, n)));
    for (ptrdiff_t i = cut; i < n; i++)
        v->l[i] = v->gram[i * n + i];
}

/* The largest z_i^T z_j between two rows of T. */
static double largest_product(const level *v)
{
    double largest = 0.0;
    for (ptrdiff_t i = v->cut; i < v->n; i++)
        for (ptrdiff_t j = v->cut; j < i; j++)
            largest = fmax(largest, fabs(v->gram[i * v->n + j]));
    return largest;
}

/* The first row of R that row i of T forms a cluster with; the cut if there is none. */
static ptrdiff_t first_linked(const level *v, ptrdiff_t i)
{
    const double *row = v->gram + i * v->n;
    ptrdiff_t j = 0;
    while (j < v->cut && !dopt__level_linked(row[j], v->l[i], v->l[j]))
        j++;
    return j;
}

/* Rows of a cluster that can be turned: its blocks go to `spare`, the eigensolver's work to `wide`. */
static ptrdiff_t largest_cluster(const level *v)
{
    ptrdiff_t m = v->n / 2;
    while (m > 1 && dopt__eigen_doubles(m) > (size_t)v->svd->k * (size_t)v->svd->d)
        m--;
    return m;
}

/* Group the rows from the cut on into clusters, raising the cut where that cannot be done. */
static void find_clusters(level *v)
{
    for (ptrdiff_t i = v->cut; i < v->n; i++)
        v->group[i] = (int)first_linked(v, i);
    v->cut = dopt__level_clusters(v->l, v->cut, v->n, largest_product(v), largest_cluster(v), v->group);
}

/* Rows first ... first + q.rows - 1 of a matrix with `cols` columns: rows <- q rows, by way of scratch. */
static void rotate_group(dopt_cmat q, double *data, ptrdiff_t first, ptrdiff_t cols, double *scratch)
{
    const dopt_mat rows = dopt_mat_f64(data + first * cols, q.rows, cols);
    memcpy(scratch, rows.data, (size_t)(q.rows * cols) * sizeof *scratch);
    dopt__gemm(1.0, q, dopt_cmat_f64(scratch, q.rows, cols), 0.0, rows);
}

/* The Gram matrix of the rows that q has turned: what they have with the rows before them and behind them. */
static void rotate_gram(const level *v, dopt_cmat q, ptrdiff_t first)
{
    const ptrdiff_t n = v->n, m = q.rows, behind = n - first - m;
    const dopt_mat rows = part(v->gram, first, 0, m, first, n), cols = part(v->gram, first + m, first, behind, m, n);
    const dopt_mat copy = dopt_mat_f64(v->svd->wide, m, first), copy_cols = dopt_mat_f64(v->svd->wide, behind, m);
    if (first > 0) {
        dopt__copy(1.0, dopt_const(rows), copy);
        dopt__gemm(1.0, q, dopt_const(copy), 0.0, rows);
    }
    if (behind > 0) {
        dopt__copy(1.0, dopt_const(cols), copy_cols);
        dopt__gemm(1.0, dopt_const(copy_cols), dopt_ctransposed(q), 0.0, cols);
    }
}

/* Rotate a cluster by the eigenvectors of its Gram matrix, from which its mean is taken for the sake of its digits. */
static bool turn_cluster(level *v, ptrdiff_t first, ptrdiff_t m)
{
    dopt__svd *svd = v->svd;
    double *block = svd->spare, *q = block + m * m, *values = svd->values + first, mean = 0.0;
    for (ptrdiff_t i = 0; i < m; i++) {
        for (ptrdiff_t j = 0; j <= i; j++)
            block[j * m + i] = v->gram[(first + i) * v->n + first + j];
        mean += block[i * m + i] / (double)m;
    }
    for (ptrdiff_t i = 0; i < m; i++)
        block[i * m + i] -= mean;
    if (!dopt__eigh(m, block, values, q, svd->work, svd->iwork, svd->allowed))
        return false;
    for (ptrdiff_t i = 0; i < m; i++)
        values[i] += mean;
    rotate_group(dopt_cmat_f64(q, m, m), svd->vt, first, svd->d, svd->wide);
    rotate_group(dopt_cmat_f64(q, m, m), v->vectors, first, v->order, svd->wide);
    rotate_gram(v, dopt_cmat_f64(q, m, m), first);
    return true;
}

static bool turn_clusters(level *v)
{
    for (ptrdiff_t first = v->cut, end; first < v->n; first = end) {
        for (end = first + 1; end < v->n && dopt__level_together(v->group, first, end);)
            end++;
        if (end - first > 1 && !turn_cluster(v, first, end - first))
            return false;
    }
    return true;
}

/* Row i of X from that of the Gram matrix, zero within clusters. Returns its largest element. */
static double form_row(const level *v, ptrdiff_t i)
{
    double *row = v->gram + i * v->n, largest = 0.0;
    for (ptrdiff_t j = 0; j < i; j++)
        row[j] = dopt__level_angle(row[j], v->l[i], v->l[j]);
    for (ptrdiff_t j = i - 1; j >= v->cut && dopt__level_together(v->group, i, j); j--)
        row[j] = 0.0;
    row[i] = 0.0;
    for (ptrdiff_t j = 0; j < i; j++)
        largest = fabs(row[j]) <= largest ? largest : fabs(row[j]);
    return largest;
}

/* Turn the rows T of the Gram matrix into those of X. Returns its largest element; *end: where the last small rows
 * start. */
static double form_rotation(const level *v, ptrdiff_t *end)
{
    const ptrdiff_t n = v->n;
    double largest = 0.0;
    *end = v->cut;
    for (ptrdiff_t i = v->cut; i < n; i++) {
        const double size = form_row(v, i);
        if (dopt__level_again(size))
            *end = i + 1;
        largest = size <= largest ? largest : size;
        for (ptrdiff_t j = v->cut; j < i; j++)
            v->gram[j * n + i] = -v->gram[i * n + j];
    }
    return largest;
}

/* The second order of the rotation in the rows of T before `end`: -X_T X_T^T / 2 and, behind it, X_TT X_TR / 2. */
static void form_second_order(const level *v, ptrdiff_t end)
{
    const ptrdiff_t cut = v->cut, corner = end - cut;
    double *second = v->svd->spare;
    if (corner == 0)
        return;
    const dopt_cmat x = dopt_const(part(v->gram, cut, 0, corner, v->n, v->n));
    dopt__gemm(-0.5, x, dopt_ctransposed(x), 0.0, dopt_mat_f64(second, corner, corner));
    if (cut > 0)
        dopt__gemm(0.5, dopt_const(part(v->gram, cut, cut, corner, corner, v->n)),
                   dopt_const(part(v->gram, cut, 0, corner, cut, v->n)), 0.0,
                   dopt_mat_f64(second + corner * corner, corner, cut));
}

/* T <- T', to second order for the rows before `end`; the old T is in `wide`. */
static void rotate_taken(const level *v, double *data, ptrdiff_t cols, ptrdiff_t end)
{
    const ptrdiff_t n = v->n, cut = v->cut, taken = n - cut, corner = end - cut;
    const dopt_mat t = dopt_mat_f64(data + cut * cols, taken, cols), near = dopt_mat_f64(t.data, corner, cols);
    const dopt_cmat old = dopt_cmat_f64(v->svd->wide, taken, cols), old_near = dopt_cmat_f64(old.data, corner, cols);
    const dopt_cmat r = dopt_cmat_f64(data, cut, cols);
    dopt__gemm(-1.0, dopt_const(part(v->gram, cut, cut, taken, taken, n)), old, 1.0, t);
    if (cut > 0)
        dopt__gemm(-1.0, dopt_const(part(v->gram, cut, 0, taken, cut, n)), r, 1.0, t);
    if (corner > 0)
        dopt__gemm(1.0, dopt_cmat_f64(v->svd->spare, corner, corner), old_near, 1.0, near);
    if (corner > 0 && cut > 0)
        dopt__gemm(1.0, dopt_cmat_f64(v->svd->spare + corner * corner, corner, cut), r, 1.0, near);
}

/* Rotate the rows of `data`; those of R only by the first `rest` rows of T. */
static void rotate_matrix(const level *v, double *data, ptrdiff_t cols, ptrdiff_t end, ptrdiff_t rest)
{
    const ptrdiff_t n = v->n, cut = v->cut;
    double *t = data + cut * cols, *middle = v->svd->wide;
    memcpy(middle, t, (size_t)((n - cut) * cols) * sizeof *t);
    rotate_taken(v, data, cols, end);
    if (cut == 0 || rest == 0)
        return;
    for (ptrdiff_t i = 0; i < rest * cols; i++)
        middle[i] = (middle[i] + t[i]) / 2.0;
    dopt__gemm(1.0, dopt_ctransposed(dopt_const(part(v->gram, cut, 0, rest, cut, n))),
               dopt_cmat_f64(middle, rest, cols), 1.0, dopt_mat_f64(data, cut, cols));
}

/* One rotation; *end as from form_rotation(). False: not a small one. */
static bool rotate(const level *v, ptrdiff_t *end)
{
    if (!dopt__level_small(form_rotation(v, end)))
        return false;
    form_second_order(v, *end);
    rotate_matrix(v, v->vectors, v->order, *end, v->n - v->cut);
    rotate_matrix(v, v->svd->vt, v->svd->d, *end, *end - v->cut);
    return true;
}

bool dopt__refine(dopt__svd *svd, ptrdiff_t order, double *vectors, ptrdiff_t *cut)
{
    level v = {
        svd, *cut, dopt__level_reach(svd->values, order), order, vectors, svd->square, svd->values, svd->group
    };
    ptrdiff_t end;
    if (v.cut >= v.n)
        return false;
    find_gram(&v);
    find_clusters(&v);
    if (v.cut >= *cut || !turn_clusters(&v) || !rotate(&v, &end))
        return false;
    *cut = v.cut;
    if (end > v.cut) {
        v.n = end;
        find_gram(&v);
        return rotate(&v, &end);
    }
    return true;
}

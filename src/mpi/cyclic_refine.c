/* SPDX-License-Identifier: MIT */
/*
 * A corrected level over ranks: the formulas of src/linalg/refine.c, where they are derived. With X zero outside of the
 * rows T,
 *
 *     T' = T - X Z + S Z,   R' = R + X_TR^T (T + T') / 2,
 *
 * for Z of all rows, R and then T, and S = (X_TT X_TR, -X X^T) / 2, which is formed where X is not small enough for its
 * square to be rounding. E^T likewise; it is E that is stored here, so all is transposed there.
 */

#include <math.h>
#include <string.h>

#include "linalg/levels.h"
#include "mpi/agree.h"
#include "mpi/cyclic_basis.h"

/* The Gram matrix of Z and X share the memory of `square`. */
typedef struct level {
    dopt__basis *b;
    const char *func;
    ptrdiff_t n, cut;        /* T: rows cut ... n - 1, R: the rows before */
    ptrdiff_t order;         /* of E; rows n ... order - 1, a plain level's, are not touched */
    dopt__cyclic spare, old; /* k x k: the memory of y and of wide */
    double *l;               /* squares of the norms of rows; those of R keep their eigenvalues: they are close */
} level;

static dopt__cyclic square_at(const dopt__basis *b, double *at)
{
    dopt__cyclic m = b->square;
    m.at = at;
    return m;
}

/* Of the elements (i, j) here, those with i in T: local rows, and columns 0 ... n - 1. */
typedef struct range {
    ptrdiff_t from, to, cols, stride;
} range;

static range rows_taken(const level *v)
{
    const dopt__grid *grid = &v->b->grid;
    const range r = { dopt__cyclic_rows_before(grid, v->cut), dopt__cyclic_rows_before(grid, v->n),
                      dopt__cyclic_cols_before(grid, v->n), v->b->square.local_rows };
    return r;
}

/* z_i^T z_j for i in T and j < i, and l for all of T. */
static dopt_status find_gram(level *v)
{
    dopt__basis *b = v->b;
    const ptrdiff_t cut = v->cut, taken = v->n - cut;
    const range r = rows_taken(v);
    const dopt__part t = dopt__part_of(&b->vt, cut, 0);
    if (cut > 0)
        dopt__cyclic_gemm(taken, cut, b->d, 1.0, t, dopt__part_transposed(&b->vt, 0, 0), 0.0,
                          dopt__part_of(&b->square, cut, 0));
    dopt__cyclic_syrk(taken, b->d, t, dopt__part_of(&b->square, cut, cut));
    memset(v->l + cut, 0, (size_t)taken * sizeof *v->l);
    for (ptrdiff_t j = 0; j < r.cols; j++)
        for (ptrdiff_t i = r.from; i < r.to; i++)
            if (dopt__cyclic_row(&b->grid, i) == dopt__cyclic_col(&b->grid, j))
                v->l[dopt__cyclic_row(&b->grid, i)] = b->square.at[i + j * r.stride];
    return dopt__basis_add_up(b, v->func, v->l + cut, taken);
}

/* For each row of T, the first row of R that it forms a cluster with, to `group`, and the largest product within T. */
static dopt_status find_links(const level *v, double *product)
{
    dopt__basis *b = v->b;
    const range r = rows_taken(v);
    const int taken = (int)(v->n - v->cut);
    *product = 0.0;
    for (ptrdiff_t i = v->cut; i < v->n; i++)
        b->group[i] = (int)v->cut;
    for (ptrdiff_t j = 0; j < r.cols; j++)
        for (ptrdiff_t i = r.from; i < r.to; i++) {
            const ptrdiff_t row = dopt__cyclic_row(&b->grid, i), col = dopt__cyclic_col(&b->grid, j);
            const double t = b->square.at[i + j * r.stride];
            if (col < b->group[row] && dopt__level_linked(t, v->l[row], v->l[col]))
                b->group[row] = (int)col;
            if (col >= v->cut && col < row)
                *product = fmax(*product, fabs(t));
        }
    DOPT__MPI_TRY(
        dopt__mpi_status(v->func, MPI_Allreduce(MPI_IN_PLACE, b->group + v->cut, taken, MPI_INT, MPI_MIN, b->comm)));
    return dopt__mpi_status(v->func, MPI_Allreduce(MPI_IN_PLACE, product, 1, MPI_DOUBLE, MPI_MAX, b->comm));
}

/* Rows first ... first + m - 1 of vt, or columns of E, to the same place of another matrix. */
static void copy_rows(const dopt__basis *b, ptrdiff_t first, ptrdiff_t m, double *to)
{
    const ptrdiff_t from = dopt__cyclic_rows_before(&b->grid, first), rows = b->vt.local_rows,
                    some = dopt__cyclic_rows_before(&b->grid, first + m) - from;
    for (ptrdiff_t j = 0; j < b->vt.local_cols; j++)
        memcpy(to + from + j * rows, b->vt.at + from + j * rows, (size_t)some * sizeof *to);
}

static void copy_cols(const dopt__basis *b, ptrdiff_t first, ptrdiff_t m, double *to)
{
    const ptrdiff_t from = dopt__cyclic_cols_before(&b->grid, first), rows = b->vectors.local_rows,
                    some = dopt__cyclic_cols_before(&b->grid, first + m) - from;
    memcpy(to + from * rows, b->vectors.at + from * rows, (size_t)(some * rows) * sizeof *to);
}

/* Rotate a cluster by the eigenvectors of its Gram matrix, from which its mean is taken for the sake of its digits. */
static dopt_status turn_cluster(const level *v, ptrdiff_t first, ptrdiff_t m)
{
    dopt__basis *b = v->b;
    const dopt__grid *grid = &b->grid;
    const dopt__cyclic *q = &v->old;
    double mean = 0.0;
    for (ptrdiff_t i = first; i < first + m; i++)
        mean += v->l[i] / (double)m;
    dopt__cyclic_add(m, m, 1.0, dopt__part_of(&b->square, first, first), 0.0, dopt__part_of(&v->spare, 0, 0));
    for (ptrdiff_t j = 0; j < dopt__cyclic_cols_before(grid, m); j++)
        for (ptrdiff_t i = 0; i < dopt__cyclic_rows_before(grid, m); i++)
            if (dopt__cyclic_row(grid, i) == dopt__cyclic_col(grid, j))
                v->spare.at[i + j * v->spare.local_rows] -= mean;
    DOPT__MPI_TRY(dopt__basis_decompose(b, v->func, m, &v->spare, b->norms, q));
    copy_rows(b, first, m, b->y.at);
    dopt__cyclic_gemm(m, b->d, m, 1.0, dopt__part_transposed(q, 0, 0), dopt__part_of(&b->y, first, 0), 0.0,
                      dopt__part_of(&b->vt, first, 0));
    copy_cols(b, first, m, v->spare.at);
    dopt__cyclic_gemm(v->order, m, m, 1.0, dopt__part_of(&v->spare, 0, first), dopt__part_of(q, 0, 0), 0.0,
                      dopt__part_of(&b->vectors, 0, first));
    return DOPT_OK;
}

static dopt_status turn_clusters(level *v)
{
    bool turned = false;
    for (ptrdiff_t first = v->cut, end; first < v->n; first = end) {
        for (end = first + 1; end < v->n && dopt__level_together(v->b->group, first, end);)
            end++;
        if (end - first == 1)
            continue;
        DOPT__MPI_TRY(turn_cluster(v, first, end - first));
        turned = true;
    }
    return turned ? find_gram(v) : DOPT_OK;
}

/* The magnitudes of X, or infinity for what is none, row by row to `norms`. */
static dopt_status largest_angles(const level *v)
{
    dopt__basis *b = v->b;
    const range r = rows_taken(v);
    memset(b->norms, 0, (size_t)v->n * sizeof *b->norms);
    for (ptrdiff_t j = 0; j < r.cols; j++)
        for (ptrdiff_t i = r.from; i < r.to; i++) {
            const double size = fabs(b->square.at[i + j * r.stride]);
            double *largest = b->norms + dopt__cyclic_row(&b->grid, i);
            *largest = isnan(size) ? INFINITY : fmax(*largest, size);
        }
    return dopt__mpi_status(
        v->func, MPI_Allreduce(MPI_IN_PLACE, b->norms + v->cut, (int)(v->n - v->cut), MPI_DOUBLE, MPI_MAX, b->comm));
}

/*
 * Turn the rows T of the Gram matrix into those of X, zero within clusters. *small: they may be used; *end: where the
 * last rows start whose squares are rounding.
 */
static dopt_status form_rotation(const level *v, bool *small, ptrdiff_t *end)
{
    dopt__basis *b = v->b;
    const range r = rows_taken(v);
    const ptrdiff_t taken = v->n - v->cut;
    for (ptrdiff_t j = 0; j < r.cols; j++)
        for (ptrdiff_t i = r.from; i < r.to; i++) {
            const ptrdiff_t row = dopt__cyclic_row(&b->grid, i), col = dopt__cyclic_col(&b->grid, j);
            double *x = b->square.at + i + j * r.stride;
            const bool none = col >= row || (col >= v->cut && dopt__level_together(b->group, row, col));
            *x = none ? 0.0 : dopt__level_angle(*x, v->l[row], v->l[col]);
        }
    DOPT__MPI_TRY(largest_angles(v));
    *small = true;
    *end = v->cut;
    for (ptrdiff_t i = v->cut; i < v->n; i++) {
        *small = *small && dopt__level_small(b->norms[i]);
        if (dopt__level_again(b->norms[i]))
            *end = i + 1;
    }
    const dopt__part x = dopt__part_of(&b->square, v->cut, v->cut), copy = dopt__part_of(&v->spare, v->cut, v->cut);
    dopt__cyclic_add(taken, taken, 1.0, x, 0.0, copy);
    dopt__cyclic_add(taken, taken, -1.0, dopt__part_transposed(&v->spare, v->cut, v->cut), 1.0, x);
    return DOPT_OK;
}

/* S for the rows of T before `end`, to the same rows of `spare`. */
static void form_second_order(const level *v, ptrdiff_t end)
{
    const ptrdiff_t cut = v->cut, corner = end - cut;
    const dopt__cyclic *x = &v->b->square;
    if (corner == 0)
        return;
    dopt__cyclic_gemm(corner, corner, v->n, -0.5, dopt__part_of(x, cut, 0), dopt__part_transposed(x, cut, 0), 0.0,
                      dopt__part_of(&v->spare, cut, cut));
    if (cut > 0)
        dopt__cyclic_gemm(corner, cut, corner, 0.5, dopt__part_of(x, cut, cut), dopt__part_of(x, cut, 0), 0.0,
                          dopt__part_of(&v->spare, cut, 0));
}

/* to <- (to + from) / 2, this many numbers from an offset on. */
static void average(double *to, const double *from, ptrdiff_t offset, ptrdiff_t count)
{
    for (ptrdiff_t i = offset; i < offset + count; i++)
        to[i] = (to[i] + from[i]) / 2.0;
}

/* Rotate Z; of T only the rows before `end` are of consequence for R. */
static void rotate_rows(const level *v, ptrdiff_t end)
{
    const dopt__basis *b = v->b;
    const dopt__cyclic *old = &b->wide;
    const ptrdiff_t cut = v->cut, near = end - cut, rows = b->vt.local_rows;
    const dopt__part t = dopt__part_of(&b->vt, cut, 0), z = dopt__part_of(old, 0, 0);
    memcpy(old->at, b->vt.at, (size_t)(rows * b->vt.local_cols) * sizeof *old->at);
    dopt__cyclic_gemm(v->n - cut, b->d, v->n, -1.0, dopt__part_of(&b->square, cut, 0), z, 1.0, t);
    if (near == 0)
        return;
    dopt__cyclic_gemm(near, b->d, end, 1.0, dopt__part_of(&v->spare, cut, 0), z, 1.0, t);
    if (cut == 0)
        return;
    const ptrdiff_t from = dopt__cyclic_rows_before(&b->grid, cut);
    for (ptrdiff_t j = 0; j < b->vt.local_cols; j++)
        average(old->at + j * rows, b->vt.at + j * rows, from, dopt__cyclic_rows_before(&b->grid, end) - from);
    dopt__cyclic_gemm(cut, b->d, near, 1.0, dopt__part_transposed(&b->square, cut, 0), dopt__part_of(old, cut, 0), 1.0,
                      dopt__part_of(&b->vt, 0, 0));
}

/* Rotate E. */
static void rotate_vectors(const level *v, ptrdiff_t end)
{
    const dopt__basis *b = v->b;
    const ptrdiff_t cut = v->cut, taken = v->n - cut, near = end - cut, rows = b->vectors.local_rows;
    const dopt__part t = dopt__part_of(&b->vectors, 0, cut), e = dopt__part_of(&v->old, 0, 0);
    memcpy(v->old.at, b->vectors.at, (size_t)(rows * b->vectors.local_cols) * sizeof *v->old.at);
    dopt__cyclic_gemm(v->order, taken, v->n, -1.0, e, dopt__part_transposed(&b->square, cut, 0), 1.0, t);
    if (near > 0)
        dopt__cyclic_gemm(v->order, near, end, 1.0, e, dopt__part_transposed(&v->spare, cut, 0), 1.0, t);
    if (cut == 0)
        return;
    const ptrdiff_t from = dopt__cyclic_cols_before(&b->grid, cut), to = dopt__cyclic_cols_before(&b->grid, v->n);
    average(v->old.at, b->vectors.at, from * rows, (to - from) * rows);
    dopt__cyclic_gemm(v->order, cut, taken, 1.0, dopt__part_of(&v->old, 0, cut), dopt__part_of(&b->square, cut, 0), 1.0,
                      dopt__part_of(&b->vectors, 0, 0));
}

/* One rotation, if it is a small one; *end as from form_rotation(). */
static dopt_status rotate(const level *v, bool *small, ptrdiff_t *end)
{
    DOPT__MPI_TRY(form_rotation(v, small, end));
    if (!*small)
        return DOPT_OK;
    form_second_order(v, *end);
    rotate_vectors(v, *end);
    rotate_rows(v, *end);
    return DOPT_OK;
}

dopt_status dopt__basis_refine(dopt__basis *b, const char *func, ptrdiff_t order, ptrdiff_t *cut)
{
    level v = { b,
                func,
                *cut,
                dopt__level_reach(b->values, order),
                order,
                square_at(b, b->y.at),
                square_at(b, b->wide.at),
                b->values };
    double product;
    bool small;
    ptrdiff_t end;
    if (v.cut >= v.n)
        return DOPT_OK;
    DOPT__MPI_TRY(find_gram(&v));
    DOPT__MPI_TRY(find_links(&v, &product));
    v.cut = dopt__level_clusters(v.l, v.cut, v.n, product, v.n / 2, b->group);
    if (v.cut >= *cut)
        return DOPT_OK;
    DOPT__MPI_TRY(turn_clusters(&v));
    DOPT__MPI_TRY(rotate(&v, &small, &end));
    if (!small)
        return DOPT_OK;
    *cut = v.cut;
    if (end == v.cut)
        return DOPT_OK;
    v.n = end;
    DOPT__MPI_TRY(find_gram(&v));
    DOPT__MPI_TRY(rotate(&v, &small, &end));
    return small ? DOPT_OK : dopt_fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w converged");
}

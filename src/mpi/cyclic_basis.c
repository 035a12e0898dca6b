/* SPDX-License-Identifier: MIT */
/*
 * The nested decomposition of src/linalg/nested.c, over ranks, in plain levels:
 *
 *     R <- W;  no row taken yet
 *     while R has rows:
 *         R <- R - (R V) V^T
 *         R R^T = E diag(lambda) E^T
 *         Z = E^T R:  rows with lambda_i near lambda_1 are s_i v_i^T to full accuracy; take those
 *         R <- the other rows of Z;  U <- U E likewise
 *
 * A level takes what is above a twentieth of its largest value, so a spectrum over many decades takes one level for
 * each 1.3 of them. All that is not a matrix, values and norms, is the same on all ranks, and so is every decision.
 */

#include "mpi/cyclic_basis.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "mpi/agree.h"

/* As in nested.c: a level takes s_i > 0.05 s_1, but for values within a cluster. */
static const double plain_ratio = 0.05, cluster_gap = 1.01;

ptrdiff_t dopt__cyclic_row(const dopt__grid *grid, ptrdiff_t local_row)
{
    return (local_row / grid->block * grid->rows + grid->row) * grid->block + local_row % grid->block;
}

ptrdiff_t dopt__cyclic_col(const dopt__grid *grid, ptrdiff_t local_col)
{
    return (local_col / grid->block * grid->cols + grid->col) * grid->block + local_col % grid->block;
}

static size_t elements(const dopt__cyclic *m)
{
    return (size_t)m->local_rows * (size_t)m->local_cols;
}

static dopt__part part(const dopt__cyclic *m, ptrdiff_t row, char transposed)
{
    const dopt__part p = { m, row, transposed };
    return p;
}

/* Rows 0 ... left - 1 of vt lose what they have along the rows that are taken. */
static void project(dopt__basis *b, ptrdiff_t left)
{
    const ptrdiff_t taken = b->k - left;
    if (taken == 0)
        return;
    dopt__cyclic_gemm(left, taken, b->d, 1.0, part(&b->vt, 0, 'N'), part(&b->vt, left, 'T'), 0.0,
                      part(&b->square, 0, 'N'));
    dopt__cyclic_gemm(left, b->d, taken, -1.0, part(&b->square, 0, 'N'), part(&b->vt, left, 'N'), 1.0,
                      part(&b->vt, 0, 'N'));
}

static dopt_status add_up(const dopt__basis *b, const char *func, double *sums, ptrdiff_t count)
{
    return dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, sums, (int)count, MPI_DOUBLE, MPI_SUM, b->comm));
}

static dopt_status trace(const dopt__basis *b, const char *func, ptrdiff_t n, double *sum)
{
    *sum = 0.0;
    for (ptrdiff_t j = 0; j < b->square.local_cols; j++)
        for (ptrdiff_t i = 0; i < b->square.local_rows; i++) {
            const ptrdiff_t row = dopt__cyclic_row(&b->grid, i);
            if (row < n && row == dopt__cyclic_col(&b->grid, j))
                *sum += b->square.at[i + j * b->square.local_rows];
        }
    return add_up(b, func, sum, 1);
}

/* First of the ascending eigenvalues that a level takes: not one in the middle of a cluster. */
static ptrdiff_t cut_of(const double *values, ptrdiff_t n)
{
    ptrdiff_t first = n - 1;
    while (first > 0 && values[first - 1] > plain_ratio * plain_ratio * values[n - 1])
        first--;
    for (ptrdiff_t i = first; i > 0 && i < n; i++)
        if (values[i] > cluster_gap * values[i - 1])
            return i;
    return first;
}

/* Z = E^T R in place of R, and U E in place of U, or E itself at the first level. */
static void rotate(dopt__basis *b, ptrdiff_t left)
{
    memcpy(b->wide.at, b->vt.at, elements(&b->vt) * sizeof *b->vt.at);
    dopt__cyclic_gemm(left, b->d, left, 1.0, part(&b->vectors, 0, 'T'), part(&b->wide, 0, 'N'), 0.0,
                      part(&b->vt, 0, 'N'));
    if (left == b->k) {
        memcpy(b->u.at, b->vectors.at, elements(&b->u) * sizeof *b->u.at);
        return;
    }
    memcpy(b->square.at, b->u.at, elements(&b->u) * sizeof *b->u.at);
    dopt__cyclic_gemm(b->k, left, left, 1.0, part(&b->square, 0, 'N'), part(&b->vectors, 0, 'N'), 0.0,
                      part(&b->u, 0, 'N'));
}

/* Norms of rows cut ... left - 1 are the singular values, and the rows are made unit vectors. */
static dopt_status normalise(dopt__basis *b, const char *func, ptrdiff_t cut, ptrdiff_t left)
{
    const ptrdiff_t rows = b->vt.local_rows;
    memset(b->norms, 0, (size_t)b->k * sizeof *b->norms);
    for (ptrdiff_t j = 0; j < b->vt.local_cols; j++)
        for (ptrdiff_t i = 0; i < rows; i++)
            b->norms[dopt__cyclic_row(&b->grid, i)] += b->vt.at[i + j * rows] * b->vt.at[i + j * rows];
    DOPT__MPI_TRY(add_up(b, func, b->norms, b->k));
    for (ptrdiff_t i = cut; i < left; i++) {
        b->values[i] = sqrt(b->norms[i]);
        if (!(b->values[i] > 0.0 && isfinite(b->values[i])))
            return dopt_fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w converged");
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t row = dopt__cyclic_row(&b->grid, i);
        for (ptrdiff_t j = 0; j < b->vt.local_cols && row >= cut && row < left; j++)
            b->vt.at[i + j * rows] /= b->values[row];
    }
    return DOPT_OK;
}

/* R R^T = E diag(values) E^T; all ranks see the same values, and whether all of them have converged. */
static dopt_status decompose(dopt__basis *b, const char *func, ptrdiff_t left)
{
    int fine = dopt__cyclic_eigh(left, &b->square, b->values, &b->vectors, b->work, b->doubles, b->iwork, b->ints);
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, &fine, 1, MPI_INT, MPI_MIN, b->comm)));
    if (!fine)
        return dopt_fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w converged");
    return dopt__mpi_status(func, MPI_Bcast(b->values, (int)left, MPI_DOUBLE, 0, b->comm));
}

/* U of a matrix of no rank at all is any basis. */
static void set_identity(dopt__basis *b)
{
    for (ptrdiff_t j = 0; j < b->u.local_cols; j++)
        for (ptrdiff_t i = 0; i < b->u.local_rows; i++)
            b->u.at[i + j * b->u.local_rows] = dopt__cyclic_row(&b->grid, i) == dopt__cyclic_col(&b->grid, j);
}

dopt_status dopt__basis_find(dopt__basis *b, const char *func)
{
    ptrdiff_t left = b->k;
    double zero = 0.0; /* rows of this norm are the rounding of zero rows */
    set_identity(b);
    while (left > 0) {
        double squares;
        project(b, left);
        dopt__cyclic_syrk(left, &b->vt, &b->square);
        DOPT__MPI_TRY(trace(b, func, left, &squares));
        const double norm = sqrt(squares);
        if (left == b->k)
            zero = (double)b->d * DBL_EPSILON * norm;
        if (norm <= zero)
            break;
        DOPT__MPI_TRY(decompose(b, func, left));
        const ptrdiff_t cut = cut_of(b->values, left);
        rotate(b, left);
        DOPT__MPI_TRY(normalise(b, func, cut, left));
        left = cut;
    }
    for (ptrdiff_t i = 0; i < left; i++)
        b->values[i] = 0.0;
    b->first = left;
    b->rank = b->k - left;
    return DOPT_OK;
}

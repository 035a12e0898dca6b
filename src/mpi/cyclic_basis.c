/* SPDX-License-Identifier: MIT */
/*
 * The nested decomposition of src/linalg/nested.c, over ranks:
 *
 *     R <- W;  no row taken yet
 *     while R has rows:
 *         R <- R - (R V) V^T
 *         R R^T = E diag(lambda) E^T
 *         Z = E^T R:  rows with lambda_i near lambda_1 are s_i v_i^T to full accuracy; take those
 *         R <- the other rows of Z;  U <- U E likewise
 *
 * with the same plain and corrected levels. All that is not a matrix, values and norms, is the same on all ranks, and
 * so is every decision (src/linalg/levels.c).
 */

#include "mpi/cyclic_basis.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/levels.h"
#include "mpi/agree.h"

ptrdiff_t dopt__cyclic_row(const dopt__grid *grid, ptrdiff_t local_row)
{
    return (local_row / grid->block * grid->rows + grid->row) * grid->block + local_row % grid->block;
}

ptrdiff_t dopt__cyclic_col(const dopt__grid *grid, ptrdiff_t local_col)
{
    return (local_col / grid->block * grid->cols + grid->col) * grid->block + local_col % grid->block;
}

ptrdiff_t dopt__cyclic_rows_before(const dopt__grid *grid, ptrdiff_t n)
{
    return dopt__grid_share(n, grid->block, grid->row, grid->rows);
}

ptrdiff_t dopt__cyclic_cols_before(const dopt__grid *grid, ptrdiff_t n)
{
    return dopt__grid_share(n, grid->block, grid->col, grid->cols);
}

static size_t elements(const dopt__cyclic *m)
{
    return (size_t)m->local_rows * (size_t)m->local_cols;
}

/* Z <- Z - (Z V) V^T, for rows first ... end - 1 of Z and rows taken ... last - 1 of V^T. */
static void project(dopt__basis *b, ptrdiff_t first, ptrdiff_t end, ptrdiff_t taken, ptrdiff_t last)
{
    const dopt__part z = dopt__part_of(&b->vt, first, 0), inner = dopt__part_of(&b->square, 0, 0);
    if (end == first || last == taken)
        return;
    dopt__cyclic_gemm(end - first, last - taken, b->d, 1.0, z, dopt__part_transposed(&b->vt, taken, 0), 0.0, inner);
    dopt__cyclic_gemm(end - first, b->d, last - taken, -1.0, inner, dopt__part_of(&b->vt, taken, 0), 1.0, z);
}

dopt_status dopt__basis_add_up(const dopt__basis *b, const char *func, double *sums, ptrdiff_t count)
{
    return dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, sums, (int)count, MPI_DOUBLE, MPI_SUM, b->comm));
}

static dopt_status trace(const dopt__basis *b, const char *func, ptrdiff_t n, double *sum)
{
    const ptrdiff_t rows = dopt__cyclic_rows_before(&b->grid, n), cols = dopt__cyclic_cols_before(&b->grid, n);
    *sum = 0.0;
    for (ptrdiff_t j = 0; j < cols; j++)
        for (ptrdiff_t i = 0; i < rows; i++)
            if (dopt__cyclic_row(&b->grid, i) == dopt__cyclic_col(&b->grid, j))
                *sum += b->square.at[i + j * b->square.local_rows];
    return dopt__basis_add_up(b, func, sum, 1);
}

/* Squares of the norms of rows 0 ... n - 1 of vt, on every rank. */
static dopt_status square_norms(dopt__basis *b, const char *func, ptrdiff_t n)
{
    const ptrdiff_t rows = b->vt.local_rows, some = dopt__cyclic_rows_before(&b->grid, n);
    memset(b->norms, 0, (size_t)n * sizeof *b->norms);
    for (ptrdiff_t j = 0; j < b->vt.local_cols; j++)
        for (ptrdiff_t i = 0; i < some; i++)
            b->norms[dopt__cyclic_row(&b->grid, i)] += b->vt.at[i + j * rows] * b->vt.at[i + j * rows];
    return dopt__basis_add_up(b, func, b->norms, n);
}

/* Norms of rows cut ... left - 1 are the singular values, and the rows are made unit vectors. */
static dopt_status normalise(dopt__basis *b, const char *func, ptrdiff_t cut, ptrdiff_t left)
{
    const ptrdiff_t rows = b->vt.local_rows, from = dopt__cyclic_rows_before(&b->grid, cut),
                    to = dopt__cyclic_rows_before(&b->grid, left);
    DOPT__MPI_TRY(square_norms(b, func, left));
    for (ptrdiff_t i = cut; i < left; i++) {
        b->values[i] = sqrt(b->norms[i]);
        if (!(b->values[i] > 0.0 && isfinite(b->values[i])))
            return dopt_fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w converged");
    }
    for (ptrdiff_t j = 0; j < b->vt.local_cols; j++)
        for (ptrdiff_t i = from; i < to; i++)
            b->vt.at[i + j * rows] /= b->values[dopt__cyclic_row(&b->grid, i)];
    return DOPT_OK;
}

dopt_status dopt__basis_decompose(dopt__basis *b, const char *func, ptrdiff_t n, const dopt__cyclic *a, double *values,
                                  const dopt__cyclic *vectors)
{
    int fine = dopt__cyclic_eigh(n, a, values, vectors, b->work, b->doubles, b->iwork, b->ints);
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Allreduce(MPI_IN_PLACE, &fine, 1, MPI_INT, MPI_MIN, b->comm)));
    if (!fine)
        return dopt_fail(DOPT_ERR_NUMERICAL, func, "no decomposition of w converged");
    return dopt__mpi_status(func, MPI_Bcast(values, (int)n, MPI_DOUBLE, 0, b->comm));
}

/* U of a matrix of no rank at all is any basis. */
static void set_identity(dopt__basis *b)
{
    for (ptrdiff_t j = 0; j < b->u.local_cols; j++)
        for (ptrdiff_t i = 0; i < b->u.local_rows; i++)
            b->u.at[i + j * b->u.local_rows] = dopt__cyclic_row(&b->grid, i) == dopt__cyclic_col(&b->grid, j);
}

/* Z = E^T R in place of R. */
static void rotate_rows(dopt__basis *b, ptrdiff_t left)
{
    memcpy(b->wide.at, b->vt.at, elements(&b->vt) * sizeof *b->vt.at);
    dopt__cyclic_gemm(left, b->d, left, 1.0, dopt__part_transposed(&b->vectors, 0, 0), dopt__part_of(&b->wide, 0, 0),
                      0.0, dopt__part_of(&b->vt, 0, 0));
}

/* U E in place of U, or E itself at the first level. */
static void rotate_left(dopt__basis *b, ptrdiff_t left)
{
    if (left == b->k) {
        memcpy(b->u.at, b->vectors.at, elements(&b->u) * sizeof *b->u.at);
        return;
    }
    memcpy(b->square.at, b->u.at, elements(&b->u) * sizeof *b->u.at);
    dopt__cyclic_gemm(b->k, left, left, 1.0, dopt__part_of(&b->square, 0, 0), dopt__part_of(&b->vectors, 0, 0), 0.0,
                      dopt__part_of(&b->u, 0, 0));
}

/* A corrected level below the plain one, which takes rows from `plain` on, where that leaves many rows that are not
 * zero. */
static dopt_status correct(dopt__basis *b, const char *func, ptrdiff_t left, ptrdiff_t plain, double zero,
                           ptrdiff_t *cut)
{
    double rest = 0.0;
    if (plain <= left / 4)
        return DOPT_OK;
    DOPT__MPI_TRY(square_norms(b, func, left));
    for (ptrdiff_t i = 0; i < plain; i++)
        rest += b->norms[i];
    return sqrt(rest) <= zero ? DOPT_OK : dopt__basis_refine(b, func, left, cut);
}

/*
 * Take the rows that this level's eigendecomposition gives; *cut: how many are left. `before`: the largest value of the
 * level before.
 */
static dopt_status take(dopt__basis *b, const char *func, ptrdiff_t left, double zero, double before, ptrdiff_t *cut)
{
    const ptrdiff_t plain = dopt__level_plain(b->values, left);
    const double top = sqrt(b->values[left - 1]);
    *cut = plain;
    DOPT__MPI_TRY(correct(b, func, left, plain, zero, cut));
    const bool corrected = *cut < plain;
    if (corrected) {
        DOPT__MPI_TRY(normalise(b, func, plain, left));
        project(b, *cut, plain, plain, left);
        project(b, *cut, dopt__level_rounded(b->values, *cut, plain, top, before), left, b->k);
    }
    rotate_left(b, left);
    return normalise(b, func, *cut, corrected ? plain : left);
}

dopt_status dopt__basis_find(dopt__basis *b, const char *func)
{
    ptrdiff_t left = b->k;
    double zero = 0.0;   /* rows of this norm are the rounding of zero rows */
    double before = 0.0; /* the largest value of the level before */
    set_identity(b);
    while (left > 0) {
        double squares;
        project(b, 0, left, left, b->k);
        dopt__cyclic_syrk(left, b->d, dopt__part_of(&b->vt, 0, 0), dopt__part_of(&b->square, 0, 0));
        DOPT__MPI_TRY(trace(b, func, left, &squares));
        const double norm = sqrt(squares);
        if (left == b->k)
            zero = (double)b->d * DBL_EPSILON * norm;
        if (norm <= zero)
            break;
        DOPT__MPI_TRY(dopt__basis_decompose(b, func, left, &b->square, b->values, &b->vectors));
        rotate_rows(b, left);
        const ptrdiff_t last = left - 1;
        DOPT__MPI_TRY(take(b, func, left, zero, before, &left));
        before = b->values[last];
    }
    for (ptrdiff_t i = 0; i < left; i++)
        b->values[i] = 0.0;
    b->first = left;
    b->rank = b->k - left;
    return DOPT_OK;
}

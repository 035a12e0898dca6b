/* SPDX-License-Identifier: MIT */
/*
 * The basis over ranks from within: U and V orthogonal, and U diag(s) V^T the matrix it was found for, to a multiple of
 * its order's rounding. What P can show of it is less: there the errors of small values are small.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "check.h"
#include "mpi/cyclic_basis.h"

enum { k = 300, d = 320 };

static int rank, ranks;

static double *numbers(size_t count)
{
    double *m = calloc(count + 1, sizeof *m);
    CHECK(m);
    return m;
}

static dopt__cyclic matrix(const dopt__grid *grid, ptrdiff_t rows, ptrdiff_t cols)
{
    dopt__cyclic m = dopt__cyclic_over(grid, rows, cols, NULL);
    m.at = numbers((size_t)(m.local_rows * m.local_cols));
    return m;
}

/* ||A||_F, or ||A - I||_F, for a part of A. */
static double distance(const dopt__basis *b, const dopt__cyclic *a, ptrdiff_t rows, ptrdiff_t cols, bool from_identity)
{
    double square = 0.0;
    for (ptrdiff_t j = 0; j < dopt__cyclic_cols_before(&b->grid, cols); j++)
        for (ptrdiff_t i = 0; i < dopt__cyclic_rows_before(&b->grid, rows); i++) {
            const bool diagonal = dopt__cyclic_row(&b->grid, i) == dopt__cyclic_col(&b->grid, j);
            const double x = a->at[i + j * a->local_rows] - (from_identity && diagonal ? 1.0 : 0.0);
            square += x * x;
        }
    CHECK(dopt__basis_add_up(b, "test", &square, 1) == DOPT_OK);
    return sqrt(square);
}

static dopt__basis open_basis(int grid_rows, int block)
{
    dopt__basis b = { .comm = MPI_COMM_WORLD, .k = k, .d = d };
    dopt__grid_open(b.comm, grid_rows, ranks / grid_rows, false, block, &b.grid);
    b.u = matrix(&b.grid, k, k);
    b.square = matrix(&b.grid, k, k);
    b.vectors = matrix(&b.grid, k, k);
    b.vt = matrix(&b.grid, k, d);
    b.wide = matrix(&b.grid, k, d);
    b.y = matrix(&b.grid, k, d);
    dopt__cyclic_eigh_room(&b.square, &b.doubles, &b.ints);
    b.values = numbers(k);
    b.norms = numbers(k);
    b.work = numbers(b.doubles);
    b.iwork = calloc(b.ints + k, sizeof *b.iwork);
    CHECK(b.iwork);
    b.group = b.iwork + b.ints;
    return b;
}

static void close_basis(dopt__basis *b)
{
    double *const all[] = { b->u.at, b->square.at, b->vectors.at, b->vt.at, b->wide.at,
                            b->y.at, b->values,    b->norms,      b->work };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(b->iwork);
    dopt__grid_close(&b->grid);
}

/* Random orthonormal columns times s times orthonormal rows: the same on all ranks. */
static void make_whole(const double *s, double *whole)
{
    dopt_rng rng = dopt_rng_init(8, 0);
    double *u = numbers((size_t)k * k), *v = numbers((size_t)k * d);
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(u, k, k), 1.0) == DOPT_OK);
    CHECK(dopt_rng_fill_normal(&rng, dopt_mat_f64(v, k, d), 1.0) == DOPT_OK);
    double *const bases[] = { u, v };
    for (int which = 0; which < 2; which++) { /* Gram and Schmidt, twice */
        const ptrdiff_t n = which == 0 ? k : d;
        for (ptrdiff_t i = 0; i < k; i++)
            for (int again = 0; again < 2; again++) {
                double *row = bases[which] + i * n, square = 0.0;
                for (ptrdiff_t j = 0; j < i; j++) {
                    const double *other = bases[which] + j * n;
                    double along = 0.0;
                    for (ptrdiff_t c = 0; c < n; c++)
                        along += row[c] * other[c];
                    for (ptrdiff_t c = 0; c < n; c++)
                        row[c] -= along * other[c];
                }
                for (ptrdiff_t c = 0; c < n; c++)
                    square += row[c] * row[c];
                for (ptrdiff_t c = 0; c < n; c++)
                    row[c] /= sqrt(square);
            }
    }
    for (ptrdiff_t i = 0; i < k; i++)
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < d; c++)
                whole[r * d + c] += s[i] * u[i * k + r] * v[i * d + c];
    free(u);
    free(v);
}

/* Within the limits that tests/test_svd.c has for one machine; the largest value is 1. */
static void check_basis(const char *name, const double *whole, double limit, int grid_rows, int block)
{
    dopt__basis b = open_basis(grid_rows, block);
    for (ptrdiff_t j = 0; j < b.vt.local_cols; j++)
        for (ptrdiff_t i = 0; i < b.vt.local_rows; i++)
            b.vt.at[i + j * b.vt.local_rows] = whole[dopt__cyclic_row(&b.grid, i) * d + dopt__cyclic_col(&b.grid, j)];
    CHECK(dopt__basis_find(&b, "test") == DOPT_OK);
    const dopt__part u = dopt__part_of(&b.u, 0, 0), square = dopt__part_of(&b.square, 0, 0),
                     wide = dopt__part_of(&b.wide, 0, 0), vt = dopt__part_of(&b.vt, b.first, 0);
    dopt__cyclic_gemm(k, k, k, 1.0, dopt__part_transposed(&b.u, 0, 0), u, 0.0, square);
    const double of_u = distance(&b, &b.square, k, k, true);
    dopt__cyclic_gemm(b.rank, b.rank, d, 1.0, vt, dopt__part_transposed(&b.vt, b.first, 0), 0.0, square);
    const double of_v = distance(&b, &b.square, b.rank, b.rank, true);
    for (ptrdiff_t j = 0; j < b.vectors.local_cols; j++) /* U diag(s) */
        for (ptrdiff_t i = 0; i < b.vectors.local_rows; i++)
            b.vectors.at[i + j * b.vectors.local_rows] =
                b.u.at[i + j * b.u.local_rows] * b.values[dopt__cyclic_col(&b.grid, j)];
    dopt__cyclic_gemm(k, d, b.rank, 1.0, dopt__part_of(&b.vectors, 0, b.first), vt, 0.0, wide);
    for (ptrdiff_t j = 0; j < b.wide.local_cols; j++)
        for (ptrdiff_t i = 0; i < b.wide.local_rows; i++)
            b.wide.at[i + j * b.wide.local_rows] -=
                whole[dopt__cyclic_row(&b.grid, i) * d + dopt__cyclic_col(&b.grid, j)];
    const double of_w = distance(&b, &b.wide, k, d, false);
    if (rank == 0 && (getenv("DEPTHOPT_VERBOSE") || !(fmax(of_u, fmax(of_v, of_w)) <= limit)))
        (void)printf("%s, %d rows of ranks, block %d: U %.3g, V %.3g, W %.3g of %.3g\n", name, grid_rows, block, of_u,
                     of_v, of_w, limit);
    CHECK(of_u <= limit && of_v <= limit && of_w <= limit);
    close_basis(&b);
}

static void check_spectrum(const char *name, double (*value)(ptrdiff_t), double tolerance)
{
    double s[k], *whole = numbers((size_t)k * d);
    for (ptrdiff_t i = 0; i < k; i++)
        s[i] = value(i);
    make_whole(s, whole);
    check_basis(name, whole, tolerance * d * DBL_EPSILON, 1, 16);
    check_basis(name, whole, tolerance * d * DBL_EPSILON, ranks, 7);
    free(whole);
}

static double plain(ptrdiff_t i)
{
    return 1.0 - 0.5 * (double)i / k;
}

static double graded(ptrdiff_t i)
{
    return pow(10.0, -10.0 * (double)i / k);
}

static double groups(ptrdiff_t i)
{
    return pow(10.0, -9.0 * (double)(i / 6 * 6) / k);
}

/* Values that all but coincide, far below the largest and above the rest, and some zeros. */
static double cluster(ptrdiff_t i)
{
    return i < 80 ? 1.0 - 0.01 * (double)i : i < 200 ? 3e-4 * (1.0 + 1e-9 * (double)i) : i < 280 ? 1e-8 : 0.0;
}

/* The second level takes rows far below its largest, which carry the rounding of what the first one took. */
static double steps(ptrdiff_t i)
{
    return i < 100 ? 1.0 - 0.004 * (double)i : (i < 200 ? 1e-8 : 1e-12) * pow(1.014, (double)(50 - i % 100));
}

/* Rows around the reach of a corrected level, as close as they may be without forming clusters. */
static double dense(ptrdiff_t i)
{
    return i < 60 ? 1.0 - 0.01 * (double)i : 1e-5 * pow(1.06, (double)(180 - i));
}

int main(int argc, char **argv)
{
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    check_spectrum("plain", plain, 10.0);
    check_spectrum("graded", graded, 10.0);
    check_spectrum("groups", groups, 60.0); /* 29 on one machine too */
    check_spectrum("cluster", cluster, 30.0);
    check_spectrum("steps", steps, 10.0);
    check_spectrum("dense", dense, 10.0);
    (void)MPI_Finalize();
    return 0;
}

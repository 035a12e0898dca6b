/* SPDX-License-Identifier: MIT */
/*
 * The door to LAPACKE.
 *
 * LAPACK is column-major, so it sees the transpose of a row-major array: an upper triangle as a lower one, eigenvectors
 * that it stores as columns as our rows, and a^T = vt^T diag(values) u^T, whose factors are exactly our row-major u and
 * vt. The *_work routines in column-major order neither allocate nor copy.
 */

#include <assert.h>
#include <math.h>
#include <string.h>

#include <lapacke.h>

#include "linalg/blas.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"

/* Columns that a blocked QR factorisation takes at a time, in its workspace. */
enum { qr_block = 64 };

static bool all_finite(const double *x, ptrdiff_t n)
{
    return dopt__all_finite(dopt_cmat_f64(x, 1, n));
}

size_t dopt__eigen_doubles(ptrdiff_t n)
{
    const size_t order = (size_t)n;
    return 1 + 32 * order + 2 * order * order; /* divide: n^2, and n^2 + 6n or 32n; syevr: 26n; QL: n^2 + 3n */
}

size_t dopt__eigen_ints(ptrdiff_t n)
{
    return 3 + 12 * (size_t)n; /* stedc: 3 + 5n; syevr: 10n, and 2n for the supports of the vectors */
}

/* Reflectors that the back-transformation takes at a time. */
enum { block_max = 64 };

static int block_of(int n)
{
    return n < 64 ? 8 : n < 512 ? n / 8 : block_max;
}

/* Reflectors at ... at + v.cols - 1 of sytrd into the columns of v, with their zeros and ones. */
static void write_reflectors(ptrdiff_t n, const double *a, ptrdiff_t at, dopt_mat v)
{
    for (ptrdiff_t j = 0; j < v.cols; j++) {
        double *column = (double *)v.data + j * v.rows;
        memset(column, 0, (size_t)j * sizeof *column);
        column[j] = 1.0;
        memcpy(column + j + 1, a + (at + j) * n + at + j + 2, (size_t)(v.rows - j - 1) * sizeof *column);
    }
}

/* A matrix at *memory, which moves on; columns contiguous. */
static dopt_mat next_matrix(double **memory, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype)
{
    const dopt_mat m = { *memory, rows, cols, 1, rows, dtype };
    *memory += dtype == DOPT_F64 ? rows * cols : (rows * cols + 1) / 2;
    return m;
}

/* A float64 matrix in the dtype asked for: itself, or a copy at *memory. */
static dopt_cmat in_dtype(dopt_mat m, dopt_dtype dtype, double **memory)
{
    if (dtype == DOPT_F64)
        return dopt_const(m);
    const dopt_mat copy = next_matrix(memory, m.rows, m.cols, dtype);
    dopt__copy(1.0, dopt_const(m), copy);
    return dopt_const(copy);
}

/*
 * The upper triangle T of H_1 H_2 ... = I - V T V^T: t_j = -tau_j T (V^T v_j) above the diagonal, tau_j on it. larft
 * goes through V vector by vector, and OpenBLAS's starts threads for each.
 */
static void form_triangle(dopt_cmat v, const double *tau, dopt_mat t)
{
    dopt__gemm(1.0, dopt_ctransposed(v), v, 0.0, t);
    for (ptrdiff_t j = 0; j < t.cols; j++) {
        double *column = (double *)t.data + j * t.rows, product[block_max];
        memcpy(product, column, (size_t)j * sizeof *column);
        memset(column, 0, (size_t)t.rows * sizeof *column);
        for (ptrdiff_t i = 0; i < j; i++)
            for (ptrdiff_t r = 0; r <= i; r++)
                column[r] -= tau[j] * product[i] * ((const double *)t.data)[i * t.rows + r];
        column[j] = tau[j];
    }
}

/* Of rows z, the columns that a block of reflectors turns: part <- part (I - V T V^T)^T, in the dtype of z. */
static void turn_rows(dopt_mat z, ptrdiff_t first, dopt_mat v, dopt_mat t, double *memory)
{
    const ptrdiff_t size = z.dtype == DOPT_F64 ? 8 : 4;
    if (z.rows == 0)
        return;
    const dopt_mat part = { (char *)z.data + first * size, z.rows, v.rows, z.row_stride, 1, z.dtype };
    const dopt_cmat vz = in_dtype(v, z.dtype, &memory), tz = in_dtype(t, z.dtype, &memory);
    const dopt_mat inner = dopt_transposed(next_matrix(&memory, v.cols, z.rows, z.dtype));
    const dopt_mat turned = dopt_transposed(next_matrix(&memory, v.cols, z.rows, z.dtype));
    dopt__gemm(1.0, dopt_const(part), vz, 0.0, inner);
    dopt__gemm(1.0, dopt_const(inner), dopt_ctransposed(tz), 0.0, turned);
    dopt__gemm(-1.0, dopt_const(turned), dopt_ctransposed(vz), 1.0, part);
}

/*
 * Rows z_i <- Q z_i for the Q of sytrd, of z and of `more`: blocks of reflectors as I - V T V^T (Schreiber and Van
 * Loan), last block first. V is written out, so that all is done by gemm: ormtr reaches half of that speed.
 */
static void back_transform(ptrdiff_t n, const double *a, const double *tau, dopt_mat z, dopt_mat more, double *work)
{
    const ptrdiff_t reflectors = n - 1, nb = block_of((int)n);
    for (ptrdiff_t at = (reflectors - 1) / nb * nb; at >= 0; at -= nb) {
        const ptrdiff_t count = reflectors - at < nb ? reflectors - at : nb, rows = n - 1 - at;
        double *memory = work;
        const dopt_mat v = next_matrix(&memory, rows, count, DOPT_F64),
                       t = next_matrix(&memory, count, count, DOPT_F64);
        write_reflectors(n, a, at, v);
        form_triangle(dopt_const(v), tau + at, t);
        turn_rows(z, at + 1, v, t, memory);
        turn_rows(more, at + 1, v, t, memory);
    }
}

bool dopt__divide_start(ptrdiff_t n, const double *a, double *values, double *z, double *work, int *iwork)
{
    assert(n >= 2 && n <= DOPT__ORDER_MAX);
    const int order = (int)n, count = 1 + 4 * order + order * order;
    double *reduced = work, *off = reduced + n * n, *tau = off + n, *rest = tau + n;
    for (ptrdiff_t i = 0; i < n; i++)
        memcpy(reduced + i * n + i, a + i * n + i, (size_t)(n - i) * sizeof *a);
    lapack_int info = LAPACKE_dsytrd_work(LAPACK_COL_MAJOR, 'L', order, reduced, order, values, off, tau, rest,
                                          count > 30 * order ? count : 30 * order);
    assert(info >= 0);
    if (info != 0)
        return false;
    info = LAPACKE_dstedc_work(LAPACK_COL_MAJOR, 'I', order, values, off, z, order, rest, count, iwork, 3 + 5 * order);
    assert(info >= 0);
    return info == 0 && all_finite(values, n);
}

bool dopt__divide_finish(ptrdiff_t n, const double *work, dopt_mat z, dopt_mat more, double *scratch)
{
    back_transform(n, work, work + n * n + n, z, more, scratch);
    return dopt__all_finite(dopt_const(z)) && dopt__all_finite(dopt_const(more));
}

bool dopt__divide(ptrdiff_t n, const double *a, double *values, double *z, double *work, int *iwork)
{
    return dopt__divide_start(n, a, values, z, work, iwork) &&
           dopt__divide_finish(n, work, dopt_mat_f64(z, n, n), dopt_mat_f64(z, 0, n), work + n * n + 2 * n);
}

bool dopt__syevr(ptrdiff_t n, double *a, double *values, double *z, double *work, int *iwork)
{
    assert(n >= 1 && n <= DOPT__ORDER_MAX);
    const int order = (int)n;
    lapack_int found = 0;
    const lapack_int info =
        LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'A', 'L', order, a, order, 0.0, 0.0, 0, 0, 0.0, &found, values, z,
                            order, iwork + 10 * n, work, 26 * order, iwork, 10 * order);
    assert(info >= 0);
    return info == 0 && found == order && all_finite(values, n) && all_finite(z, n * n);
}

size_t dopt__gesdd_doubles(ptrdiff_t k, ptrdiff_t d)
{
    const double least = (double)k * (4.0 * (double)k + 7.0);
    double best = 0.0, unused = 0.0;
    int none = 0;
    const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, &unused, (int)d, &unused,
                                                &unused, (int)d, &unused, (int)k, &best, -1, &none);
    return (size_t)(info == 0 && best > least && isfinite(best) ? best : least);
}

size_t dopt__gesdd_ints(ptrdiff_t k)
{
    return 8 * (size_t)k;
}

bool dopt__gesdd(ptrdiff_t k, ptrdiff_t d, double *a, double *values, double *u, double *vt, double *work,
                 size_t doubles, int *iwork)
{
    assert(k >= 1 && k <= d);
    const int count = doubles > INT32_MAX ? INT32_MAX : (int)doubles;
    const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, a, (int)d, values, vt, (int)d, u,
                                                (int)k, work, count, iwork);
    assert(info >= 0);
    return info == 0 && all_finite(values, k) && all_finite(u, k * k) && all_finite(vt, k * d);
}

size_t dopt__qr_doubles(ptrdiff_t k)
{
    return (size_t)k * (2 + qr_block); /* reflectors' scalars, signs, and blocks */
}

bool dopt__orthonormal_rows(ptrdiff_t k, ptrdiff_t d, double *a, double *work)
{
    assert(k >= 1 && k <= d);
    double *tau = work, *sign = work + k, *blocks = work + 2 * k;
    const int rows = (int)d, columns = (int)k, count = qr_block * columns;
    if (LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, columns, a, rows, tau, blocks, count) != 0)
        return false;
    for (ptrdiff_t i = 0; i < k; i++)
        sign[i] = a[i * d + i] < 0.0 ? -1.0 : 1.0;
    if (LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, rows, columns, columns, a, rows, tau, blocks, count) != 0)
        return false;
    for (ptrdiff_t i = 0; i < k; i++)
        for (ptrdiff_t j = 0; j < d; j++)
            a[i * d + j] *= sign[i];
    return all_finite(a, k * d);
}

/* SPDX-License-Identifier: MIT */
/*
 * The door to CBLAS. A product is called in the storage order of its result, and an operand stored the
 * other way round goes in as a transpose, so no layout costs a copy.
 */

#include <assert.h>
#include <stdbool.h>

#include <cblas.h>

#include "linalg/blas.h"

/* Up to this order all of a a^T costs less than half of it: syrk has no kernels for small sizes. */
enum { gemm_rows = 24 };

/* Row-major when it can be seen so; a single row or column may be both. */
static bool row_major(dopt_cmat m)
{
    return m.col_stride == 1 && m.row_stride >= m.cols;
}

static int leading(dopt_cmat m)
{
    return (int)(row_major(m) ? m.row_stride : m.col_stride);
}

void dopt__gemm(double alpha, dopt_cmat a, dopt_cmat b, double beta, dopt_mat c)
{
    assert(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows);
    assert(a.dtype == c.dtype && b.dtype == c.dtype);
    const bool by_rows = row_major(dopt_const(c));
    const CBLAS_ORDER order = by_rows ? CblasRowMajor : CblasColMajor;
    const CBLAS_TRANSPOSE ta = row_major(a) == by_rows ? CblasNoTrans : CblasTrans;
    const CBLAS_TRANSPOSE tb = row_major(b) == by_rows ? CblasNoTrans : CblasTrans;
    const int m = (int)c.rows, n = (int)c.cols, k = (int)a.cols, ldc = leading(dopt_const(c));
    if (c.dtype == DOPT_F64)
        cblas_dgemm(order, ta, tb, m, n, k, alpha, a.data, leading(a), b.data, leading(b), beta, c.data, ldc);
    else
        cblas_sgemm(order, ta, tb, m, n, k, (float)alpha, a.data, leading(a), b.data, leading(b), (float)beta, c.data,
                    ldc);
}

void dopt__syrk_upper(dopt_cmat a, dopt_mat c)
{
    assert(c.rows == c.cols && a.rows == c.rows && a.dtype == c.dtype);
    if (a.rows <= gemm_rows) {
        dopt__gemm(1.0, a, dopt_ctransposed(a), 0.0, c);
        return;
    }
    const bool by_rows = row_major(dopt_const(c));
    const CBLAS_ORDER order = by_rows ? CblasRowMajor : CblasColMajor;
    const CBLAS_TRANSPOSE t = row_major(a) == by_rows ? CblasNoTrans : CblasTrans;
    const int n = (int)c.rows, k = (int)a.cols, ldc = leading(dopt_const(c));
    if (c.dtype == DOPT_F64)
        cblas_dsyrk(order, CblasUpper, t, n, k, 1.0, a.data, leading(a), 0.0, c.data, ldc);
    else
        cblas_ssyrk(order, CblasUpper, t, n, k, 1.0F, a.data, leading(a), 0.0F, c.data, ldc);
}

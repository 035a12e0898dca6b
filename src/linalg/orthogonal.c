/* SPDX-License-Identifier: MIT */
/*
 * The Q of a Gaussian matrix is uniformly distributed once the diagonal of R is made positive (Mezzadri, "How to
 * generate random matrices from the classical compact groups", 2007).
 */

#include <assert.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/lapack.h"
#include "linalg/orthogonal.h"
#include "linalg/scan.h"

dopt_status dopt__orthonormalise(dopt_mat m, const dopt_allocator *allocator)
{
    assert(m.dtype == DOPT_F64);
    const dopt_mat wide = m.rows <= m.cols ? m : dopt_transposed(m);
    const ptrdiff_t k = wide.rows, d = wide.cols;
    double *rows = dopt__alloc(allocator, (size_t)k * (size_t)d + dopt__qr_doubles(k), sizeof *rows);
    if (!rows)
        return dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for a %td x %td factorisation", k, d);
    dopt__copy(1.0, dopt_const(wide), dopt_mat_f64(rows, k, d));
    const bool done = dopt__orthonormal_rows(k, d, rows, rows + k * d);
    if (done)
        dopt__copy(1.0, dopt_cmat_f64(rows, k, d), wide);
    dopt__release(allocator, rows);
    return done ? DOPT_OK : dopt__fail(DOPT_ERR_NUMERICAL, __func__, "the QR factorisation failed");
}

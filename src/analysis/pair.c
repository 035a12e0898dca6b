/* SPDX-License-Identifier: MIT */
#include "analysis/pair.h"

#include "base/check.h"
#include "base/memory.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"

dopt_status dopt__pair_read(const char *func, double depth, dopt_cmat w, dopt_cmat grad, dopt__pair *out)
{
    if (!(depth >= 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "depth is %g, must be in [1, inf]", depth);
    DOPT_TRY(dopt__check_view(func, "w", w));
    DOPT_TRY(dopt__check_matrix(func, "grad", grad, w.rows, w.cols, w.dtype));
    if (w.rows > DOPT__ORDER_MAX && w.cols > DOPT__ORDER_MAX)
        return dopt__fail(DOPT_ERR_SHAPE, func, "w is %td x %td, the smaller extent must be at most %d", w.rows, w.cols,
                          DOPT__ORDER_MAX);
    DOPT_TRY(dopt__check_finite(func, "w", w));
    DOPT_TRY(dopt__check_finite(func, "grad", grad));
    const size_t elements = (size_t)w.rows * (size_t)w.cols;
    double *memory = dopt__alloc(NULL, 3 * elements, sizeof *memory);
    if (!memory)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for three %td x %td matrices", w.rows, w.cols);
    out->w = dopt_mat_f64(memory, w.rows, w.cols);
    out->grad = dopt_mat_f64(memory + elements, w.rows, w.cols);
    out->room = dopt_mat_f64(memory + 2 * elements, w.rows, w.cols);
    dopt__copy(1.0, w, out->w);
    dopt__copy(1.0, grad, out->grad);
    return DOPT_OK;
}

void dopt__pair_free(dopt__pair *pair)
{
    dopt__release(NULL, pair->w.data);
}

/* SPDX-License-Identifier: MIT */
/* P_W(G) = s^{2-2/N} G + the rest, s the smallest singular value: every eigenvalue of P_W is at least s^{2-2/N}. */

#include <depthopt/analysis.h>

#include <depthopt/e2e.h>

#include "analysis/pair.h"
#include "base/check.h"
#include "base/memory.h"
#include "e2e/kernel.h"
#include "linalg/scan.h"

/* pair->room <- P_w(grad), *smallest <- the smallest singular value of w. */
static dopt_status pull(double depth, dopt__pair *pair, dopt_e2e **e2e, double *sigma, double *smallest)
{
    const ptrdiff_t k = pair->w.rows, d = pair->w.cols;
    DOPT_TRY(dopt_e2e_create(k, d, depth, NULL, e2e));
    DOPT_TRY(dopt_e2e_apply(*e2e, dopt_const(pair->w), dopt_const(pair->grad), pair->room));
    DOPT_TRY(dopt_e2e_spectrum(*e2e, dopt_const(pair->w), sigma, NULL));
    *smallest = sigma[(k < d ? k : d) - 1];
    return DOPT_OK;
}

static dopt_status check_momentum(const char *func, dopt_cmat w, dopt_cmat grad, dopt_cmat momentum)
{
    DOPT_TRY(dopt__check_matrix(func, "momentum", momentum, w.rows, w.cols, w.dtype));
    DOPT_TRY(dopt__check_apart(func, "momentum", momentum, "w", w));
    return dopt__check_apart_or_same(func, "momentum", momentum, "grad", grad);
}

dopt_status dopt_analysis_split(double depth, dopt_cmat w, dopt_cmat grad, double *rate, dopt_mat momentum)
{
    dopt__pair pair;
    dopt_e2e *e2e = NULL;
    double smallest = 0.0;
    DOPT_REQUIRE(rate, DOPT_ERR_INVALID, "rate is NULL, must point to a number");
    DOPT_TRY(dopt__pair_read(__func__, depth, w, grad, &pair));
    dopt_status status = DOPT_OK;
    if (momentum.data)
        status = check_momentum(__func__, w, grad, dopt_const(momentum));
    double *sigma = dopt__alloc(NULL, (size_t)(w.rows < w.cols ? w.rows : w.cols), sizeof *sigma);
    if (status == DOPT_OK && !sigma)
        status = dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for the singular values");
    if (status == DOPT_OK)
        status = dopt__within(__func__, pull(depth, &pair, &e2e, sigma, &smallest));
    if (status == DOPT_OK) {
        *rate = dopt__kernel_null(smallest, depth);
        double *to = pair.room.data;
        const double *g = pair.grad.data;
        for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
            to[i] -= *rate * g[i];
        if (momentum.data)
            dopt__copy(1.0, dopt_const(pair.room), momentum);
    }
    dopt_e2e_destroy(&e2e);
    dopt__release(NULL, sigma);
    dopt__pair_free(&pair);
    return status;
}

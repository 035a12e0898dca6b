/* SPDX-License-Identifier: MIT */
/* What needs the singular values of a matrix: the margin, and the speed of each value. */

#include <depthopt/analysis.h>

#include <math.h>
#include <stdlib.h>

#include "analysis/pair.h"
#include "base/check.h"
#include "base/memory.h"
#include "e2e/kernel.h"
#include "linalg/scan.h"
#include "linalg/svd.h"

/* The wide one of m and its transpose. */
static dopt_mat wide_of(dopt_mat m)
{
    return m.rows <= m.cols ? m : dopt_transposed(m);
}

/* The basis of a wide matrix of finite doubles. */
static dopt_status decompose(const char *func, dopt_mat wide, dopt__svd **svd)
{
    *svd = dopt__svd_create(wide.rows, wide.cols, DOPT__SVD_NESTED, NULL);
    if (!*svd)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the decomposition of a %td x %td matrix", wide.rows,
                          wide.cols);
    if (!dopt__svd_compute(*svd, dopt_const(wide), dopt__max_abs(dopt_const(wide))))
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "no decomposition of the %td x %td matrix converged", wide.rows,
                          wide.cols);
    return DOPT_OK;
}

dopt_status dopt_analysis_margin(dopt_cmat w, dopt_cmat target, double *margin)
{
    dopt__pair pair;
    dopt__svd *svd = NULL;
    DOPT_REQUIRE(margin, DOPT_ERR_INVALID, "margin is NULL, must point to a number");
    DOPT_TRY(dopt__check_view(__func__, "w", w));
    DOPT_TRY(dopt__check_matrix(__func__, "target", target, w.rows, w.cols, w.dtype));
    DOPT_TRY(dopt__check_finite(__func__, "target", target));
    DOPT_TRY(dopt__pair_read(__func__, 1.0, w, target, &pair));
    const dopt_status status = decompose(__func__, wide_of(pair.grad), &svd);
    if (status == DOPT_OK) {
        const double *values = dopt__svd_values(svd), *a = pair.w.data, *b = pair.grad.data;
        double *difference = pair.room.data, least = values[0];
        for (ptrdiff_t i = 1; i < wide_of(pair.w).rows; i++)
            least = fmin(least, values[i]);
        for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
            difference[i] = a[i] - b[i];
        *margin = least - dopt__norm(dopt_const(pair.room));
    }
    dopt__svd_destroy(svd);
    dopt__pair_free(&pair);
    return status;
}

typedef struct triple {
    double sigma, rate;
} triple;

static int descending(const void *a, const void *b)
{
    const double x = ((const triple *)a)->sigma, y = ((const triple *)b)->sigma;
    return (x < y) - (x > y);
}

/* u_i^T G v_i; all views wide. */
static double pull_along(const dopt__svd *svd, ptrdiff_t i, dopt_cmat grad)
{
    const dopt_mat u = dopt__svd_u(svd), vt = dopt__svd_vt(svd);
    const double *left = u.data, *right = vt.data, *g = grad.data;
    double sum = 0.0;
    for (ptrdiff_t r = 0; r < grad.rows; r++) {
        double row = 0.0;
        for (ptrdiff_t c = 0; c < grad.cols; c++)
            row += g[r * grad.row_stride + c * grad.col_stride] *
                   right[(i - dopt__svd_first(svd)) * vt.row_stride + c * vt.col_stride];
        sum += left[r * u.row_stride + i * u.col_stride] * row;
    }
    return sum;
}

static void fill_triples(const dopt__svd *svd, dopt_cmat grad, double depth, triple *out)
{
    const ptrdiff_t first = dopt__svd_first(svd), rank = dopt__svd_rank(svd);
    const double *values = dopt__svd_values(svd);
    for (ptrdiff_t i = 0; i < grad.rows; i++) {
        out[i].sigma = values[i];
        if (i < first || i >= first + rank || values[i] == 0.0)
            out[i].rate = depth > 1.0 ? 0.0 : NAN;
        else
            out[i].rate = -dopt__kernel(values[i], values[i], depth) * pull_along(svd, i, grad);
    }
    qsort(out, (size_t)grad.rows, sizeof *out, descending);
}

dopt_status dopt_analysis_sigma_rates(double depth, dopt_cmat w, dopt_cmat grad, double *sigma, double *rates)
{
    dopt__pair pair;
    dopt__svd *svd = NULL;
    DOPT_REQUIRE(rates, DOPT_ERR_INVALID, "rates is NULL, must point to min(rows, cols) numbers");
    DOPT_TRY(dopt__pair_read(__func__, depth, w, grad, &pair));
    const dopt_mat wide = wide_of(pair.w);
    dopt_status status = decompose(__func__, wide, &svd);
    triple *triples = dopt__alloc(NULL, (size_t)wide.rows, sizeof *triples);
    if (status == DOPT_OK && !triples)
        status = dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for %td singular values", wide.rows);
    if (status == DOPT_OK) {
        fill_triples(svd, dopt_const(wide_of(pair.grad)), depth, triples);
        for (ptrdiff_t i = 0; i < wide.rows; i++) {
            rates[i] = triples[i].rate;
            if (sigma)
                sigma[i] = triples[i].sigma;
        }
    }
    dopt__release(NULL, triples);
    dopt__svd_destroy(svd);
    dopt__pair_free(&pair);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Softmax cross-entropy of one row, with t = max z:
 *
 *     l = t + log sum_c exp(z_c - t) - sum_c y_c z_c = log sum_c exp(z_c - t) - sum_c y_c (z_c - t)      (sum y = 1)
 *     dl/dz_c = exp(z_c - t) / sum - y_c
 */

#include <math.h>

#include "base/check.h"
#include "loss/loss_state.h"

const dopt__loss_kind dopt__loss_softmax_ce = { "softmax_ce", NULL, NULL, NULL };
const dopt__loss_kind dopt__loss_custom = { "custom", NULL, NULL, NULL };

static double get(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

static void set(dopt_mat m, ptrdiff_t r, ptrdiff_t c, double value)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    if (m.dtype == DOPT_F64)
        ((double *)m.data)[at] = value;
    else
        ((float *)m.data)[at] = (float)value;
}

static double row_sum(dopt_cmat z, dopt_cmat y, ptrdiff_t r, double weight, dopt_mat dz)
{
    double top = -INFINITY, sum = 0.0, along = 0.0;
    for (ptrdiff_t c = 0; c < z.cols; c++)
        top = fmax(top, get(z, r, c));
    for (ptrdiff_t c = 0; c < z.cols; c++) {
        const double shifted = get(z, r, c) - top;
        sum += exp(shifted);
        along += get(y, r, c) * shifted;
    }
    for (ptrdiff_t c = 0; c < z.cols && dz.data; c++)
        set(dz, r, c, weight * (exp(get(z, r, c) - top) / sum - get(y, r, c)));
    return log(sum) - along;
}

double dopt__softmax_sum(dopt_cmat z, dopt_cmat y, double weight, dopt_mat dz)
{
    double sum = 0.0;
    for (ptrdiff_t r = 0; r < z.rows; r++)
        sum += row_sum(z, y, r, weight, dz);
    return weight * sum;
}

dopt_status dopt__softmax_check(const char *func, const char *name, dopt_cmat y)
{
    const double tolerance = y.dtype == DOPT_F64 ? 1e-9 : 1e-5; /* of probabilities that were computed */
    for (ptrdiff_t r = 0; r < y.rows; r++) {
        double sum = 0.0;
        for (ptrdiff_t c = 0; c < y.cols; c++) {
            const double target = get(y, r, c);
            if (target < 0.0)
                return dopt__fail(DOPT_ERR_INVALID, func, "%s[%td, %td] is %g, must be >= 0 for softmax_ce", name, r, c,
                                  target);
            sum += target;
        }
        if (fabs(sum - 1.0) > tolerance)
            return dopt__fail(DOPT_ERR_INVALID, func, "row %td of %s sums to %.9g, must be 1 for softmax_ce", r, name,
                              sum);
    }
    return DOPT_OK;
}

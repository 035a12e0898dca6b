/* SPDX-License-Identifier: MIT */
/*
 * w^{t+1} = (1 - gamma^t) w^t - rho^t g^t, unrolled: with the coefficient a^t of some past gradient in w^t,
 * a^{t+1} = (1 - gamma^t) a^t, and the weight of that gradient in step t is -gamma^t times what it has in w^t.
 */

#include <depthopt/analysis.h>

#include <math.h>

#include "base/check.h"

static dopt_status check_history(const char *func, double lr, ptrdiff_t steps, const double *hidden,
                                 const double *slope)
{
    if (!(lr >= 0.0 && isfinite(lr)))
        return dopt__fail(DOPT_ERR_INVALID, func, "lr is %g, must be in [0, inf)", lr);
    if (steps < 1 || steps >= DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_INVALID, func, "steps is %td, must be in [1, %d)", steps, DOPT__EXTENT_MAX);
    if (!hidden || !slope)
        return dopt__fail(DOPT_ERR_INVALID, func, "%s is NULL, must point to %td numbers", hidden ? "slope" : "hidden",
                          steps);
    for (ptrdiff_t t = 0; t < steps; t++) {
        if (!isfinite(hidden[t]) || !isfinite(slope[t]))
            return dopt__fail(DOPT_ERR_NONFINITE, func, "%s[%td] is %g, must be finite",
                              isfinite(hidden[t]) ? "slope" : "hidden", t, isfinite(hidden[t]) ? slope[t] : hidden[t]);
        if (hidden[t] == 0.0)
            return dopt__fail(DOPT_ERR_INVALID, func, "hidden[%td] is 0, must not be 0", t);
    }
    return DOPT_OK;
}

dopt_status dopt_analysis_memory(double lr, ptrdiff_t steps, const double *hidden, const double *slope,
                                 dopt_mat weights)
{
    DOPT_TRY(check_history(__func__, lr, steps, hidden, slope));
    DOPT_TRY(dopt__check_matrix(__func__, "weights", dopt_const(weights), steps, steps + 1, DOPT_F64));
    DOPT_TRY(dopt__check_apart(__func__, "weights", dopt_const(weights), "hidden", dopt_cmat_f64(hidden, 1, steps)));
    DOPT_TRY(dopt__check_apart(__func__, "weights", dopt_const(weights), "slope", dopt_cmat_f64(slope, 1, steps)));
    double *out = weights.data;
    const ptrdiff_t down = weights.row_stride, right = weights.col_stride;
    for (ptrdiff_t tau = 0; tau <= steps; tau++) {
        double present = 1.0; /* of w^1, or of -g^tau once it is known, in w^t */
        for (ptrdiff_t t = 1; t <= steps; t++) {
            const double gamma = lr * slope[t - 1] / hidden[t - 1], rho = lr * hidden[t - 1] * hidden[t - 1];
            double *to = &out[(t - 1) * down + tau * right];
            if (t < tau) {
                *to = 0.0;
            } else if (t == tau) {
                *to = present = rho;
            } else {
                *to = (tau == 0 ? gamma : -gamma) * present;
                present *= 1.0 - gamma;
            }
        }
    }
    return DOPT_OK;
}

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_MOVE_H
#define DEPTHOPT_E2E_MOVE_H

#include <depthopt/mat.h>

#include "base/check.h"

/* What apply and update ask for alike: out = keep w + rate P_w(grad). `out` may be `w` or `grad`. */
typedef struct dopt__move {
    const char *func; /* the public function, for messages */
    dopt_cmat w, grad;
    dopt_mat out;
    double keep, rate;
    double largest_w, largest_grad; /* max |w_ij|, max |grad_ij| */
} dopt__move;

/* The failure of a move whose result does not fit its dtype. */
static inline dopt_status dopt__move_overflows(dopt__move move)
{
    if (move.rate > 0.0) /* apply: keep is 0, rate 1 */
        return dopt__fail(DOPT_ERR_NUMERICAL, move.func,
                          "out overflows, or an eigenvalue of P: w holds numbers of size %g, grad of %g",
                          move.largest_w, move.largest_grad);
    return dopt__fail(DOPT_ERR_NUMERICAL, move.func,
                      "the new w overflows, or an eigenvalue of P: w holds numbers of size %g, grad of %g, lr is %g",
                      move.largest_w, move.largest_grad, -move.rate);
}

#endif

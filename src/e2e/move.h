/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_MOVE_H
#define DEPTHOPT_E2E_MOVE_H

#include <depthopt/mat.h>

/* What apply and update ask for alike: out = keep w + rate P_w(grad). `out` may be `w` or `grad`. */
typedef struct dopt__move {
    const char *func; /* the public function, for messages */
    dopt_cmat w, grad;
    dopt_mat out;
    double keep, rate;
    double largest_w, largest_grad; /* max |w_ij|, max |grad_ij| */
} dopt__move;

#endif

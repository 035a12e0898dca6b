/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_NET_CHAIN_H
#define DEPTHOPT_NET_CHAIN_H

/* The product W_N ... W_1 and its derivative, on checked arguments. */

#include "net/net_state.h"

/* w = W_N ... W_1. */
void dopt__chain_product(const dopt_net *net, dopt_mat w);

/* The gradients of the net, from grad = dL/dW. */
void dopt__chain_backward(dopt_net *net, dopt_cmat grad);

#endif

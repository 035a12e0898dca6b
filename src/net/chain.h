/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_NET_CHAIN_H
#define DEPTHOPT_NET_CHAIN_H

/* The product W_N ... W_1 and its derivative, on checked arguments. */

#include "net/net_state.h"

/* w = W_N ... W_1. */
void dopt__chain_product(const dopt_net *net, dopt_mat w);

/*
 * The gradients of the net, from grad = dL/dW. With `thin`, those that are an outer product of two vectors are left as
 * that; dopt__chain_form() forms them.
 */
void dopt__chain_backward(dopt_net *net, dopt_cmat grad, bool thin);
void dopt__chain_form(dopt_net *net, int j);

#endif

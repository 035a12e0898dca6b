/* SPDX-License-Identifier: MIT */
/*
 * Predictions and backpropagation on rows of X.
 *
 * Through the activations, a block of rows at a time:     a_0 = x, a_j = a_{j-1} W_j^T;  t_N = dz, t_{j-1} = t_j W_j,
 *                                                         dL/dW_j = sum over blocks t_j^T a_{j-1},  dx = t_0
 * Or on W, which costs the chain once, whatever m is:     z = x W^T;  G = dz^T x, dx = dz W
 *
 * Whichever takes fewer flops. The bias starts the outputs, z = 1 b^T, and its gradient is 1^T dz.
 */

#include <depthopt/net.h>

#include <stdbool.h>

#include "base/check.h"
#include "linalg/blas.h"
#include "net/chain.h"
#include "net/net_state.h"

static dopt_cmat block_of(dopt_cmat m, ptrdiff_t first, ptrdiff_t count)
{
    const size_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const char *data = (const char *)m.data + (size_t)(first * m.row_stride) * size;
    const dopt_cmat block = { data, count, m.cols, m.row_stride, m.col_stride, m.dtype };
    return block;
}

static dopt_mat writable_block_of(dopt_mat m, ptrdiff_t first, ptrdiff_t count)
{
    const size_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    char *data = (char *)m.data + (size_t)(first * m.row_stride) * size;
    const dopt_mat block = { data, count, m.cols, m.row_stride, m.col_stride, m.dtype };
    return block;
}

static dopt_cmat factor_of(const dopt_net *net, int j)
{
    return dopt_const(net->layers[j].factor);
}

/* What the products are added to: the bias on each row, or nothing; returns the beta that says so. */
static double start_outputs(const dopt_net *net, dopt_mat z)
{
    if (!net->bias.data)
        return 0.0;
    for (ptrdiff_t at = 0; at < z.rows; at += net->block_rows) {
        const ptrdiff_t count = z.rows - at < net->block_rows ? z.rows - at : net->block_rows;
        const dopt_cmat ones = { net->ones.data, count, 1, 1, count, net->dtype };
        dopt__gemm(1.0, ones, dopt_const(net->bias), 0.0, writable_block_of(z, at, count));
    }
    return 1.0;
}

static void pull_bias(dopt_net *net, dopt_cmat dz)
{
    for (ptrdiff_t at = 0; at < dz.rows && net->bias.data; at += net->block_rows) {
        const ptrdiff_t count = dz.rows - at < net->block_rows ? dz.rows - at : net->block_rows;
        const dopt_cmat ones = { net->ones.data, 1, count, count, 1, net->dtype };
        dopt__gemm(1.0, ones, block_of(dz, at, count), at == 0 ? 0.0 : 1.0, net->bias_grad);
    }
}

/* The activations a_last of a block; a_0 is x. */
static dopt_cmat activate(const dopt_net *net, dopt_cmat x, int last)
{
    dopt_cmat a = x;
    for (int j = 1; j <= last; j++) {
        const dopt_mat next = dopt__net_slot(net, j, x.rows);
        dopt__gemm(1.0, a, dopt_ctransposed(factor_of(net, j)), 0.0, next);
        a = dopt_const(next);
    }
    return a;
}

dopt_net_cost dopt_net_costs(const dopt_net *net, ptrdiff_t m)
{
    dopt_net_cost cost = { 0 };
    if (!net)
        return cost;
    const double rows = (double)m, whole = (double)dopt__net_inputs(net) * (double)dopt__net_outputs(net);
    const dopt__layer *top = &net->layers[net->depth], *bottom = &net->layers[1];
    const double top_size = (double)top->width * (double)top->factor.cols;
    const double bottom_size = (double)bottom->width * (double)bottom->factor.cols;
    cost.product = net->product.flops;
    cost.backward = net->backward.flops;
    cost.forward_by_rows = 2.0 * rows * net->weights;
    cost.forward_on_w = cost.product + 2.0 * rows * whole;
    cost.backprop_by_rows = 6.0 * rows * net->weights - 2.0 * rows * (top_size + bottom_size);
    cost.backprop_on_w = cost.backward + 2.0 * rows * whole;
    return cost;
}

static bool forward_on_w(const dopt_net *net, ptrdiff_t m)
{
    const dopt_net_cost cost = dopt_net_costs(net, m);
    return net->collapsed.data && cost.forward_on_w < cost.forward_by_rows;
}

/* dL/dX takes one more product: with W_1, or with the collapsed W. */
static bool backprop_on_w(const dopt_net *net, ptrdiff_t m, bool dx)
{
    dopt_net_cost cost = dopt_net_costs(net, m);
    if (dx) {
        cost.backprop_on_w += cost.forward_on_w;
        cost.backprop_by_rows += 2.0 * (double)m * (double)net->layers[1].width * (double)dopt__net_inputs(net);
    }
    return net->collapsed.data && cost.backprop_on_w < cost.backprop_by_rows;
}

dopt_status dopt_net_forward(dopt_net *net, dopt_cmat x, dopt_mat z)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_TRY(dopt__check_view(__func__, "x", x));
    DOPT_TRY(dopt__check_matrix(__func__, "x", x, x.rows, dopt__net_inputs(net), net->dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "z", dopt_const(z), x.rows, dopt__net_outputs(net), net->dtype));
    DOPT_TRY(dopt__check_apart(__func__, "z", dopt_const(z), "x", x));
    const double beta = start_outputs(net, z);
    net->kept_rows = 0;
    if (forward_on_w(net, x.rows)) {
        dopt__chain_product(net, net->collapsed);
        dopt__gemm(1.0, x, dopt_ctransposed(dopt_const(net->collapsed)), beta, z);
        return DOPT_OK;
    }
    if (net->keeps_activations && x.rows <= net->block_rows)
        net->kept_rows = x.rows;
    for (ptrdiff_t at = 0; at < x.rows; at += net->block_rows) {
        const ptrdiff_t count = x.rows - at < net->block_rows ? x.rows - at : net->block_rows;
        const dopt_cmat a = activate(net, block_of(x, at, count), net->depth - 1);
        dopt__gemm(1.0, a, dopt_ctransposed(factor_of(net, net->depth)), beta, writable_block_of(z, at, count));
    }
    return DOPT_OK;
}

/* Add a block's part to the gradients, beta = 1, or start them with it, beta = 0. */
static void pull_block(dopt_net *net, dopt_cmat x, dopt_cmat dz, dopt_mat dx, double beta)
{
    if (net->kept_rows == 0)
        (void)activate(net, x, net->depth - 1);
    dopt_cmat flow = dz;
    for (int j = net->depth; j >= 1; j--) {
        net->layers[j].thin = false;
        const dopt_cmat a = j == 1 ? x : dopt_const(dopt__net_slot(net, j - 1, x.rows));
        dopt__gemm(1.0, dopt_ctransposed(flow), a, beta, net->layers[j].grad);
        if (j == 1 && !dx.data)
            return;
        const dopt_mat next = j == 1 ? dx : dopt__net_buffer(net, j, x.rows, net->layers[j - 1].width);
        dopt__gemm(1.0, flow, factor_of(net, j), 0.0, next);
        flow = dopt_const(next);
    }
}

static dopt_status check_dx(const char *func, dopt_cmat x, dopt_cmat dz, dopt_cmat dx)
{
    DOPT_TRY(dopt__check_matrix(func, "dx", dx, x.rows, x.cols, x.dtype));
    DOPT_TRY(dopt__check_apart(func, "dx", dx, "dz", dz));
    return dopt__check_apart_or_same(func, "dx", dx, "x", x);
}

dopt_status dopt_net_backprop(dopt_net *net, dopt_cmat x, dopt_cmat dz, dopt_mat dx)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_TRY(dopt__check_view(__func__, "x", x));
    DOPT_TRY(dopt__check_matrix(__func__, "x", x, x.rows, dopt__net_inputs(net), net->dtype));
    DOPT_TRY(dopt__check_matrix(__func__, "dz", dz, x.rows, dopt__net_outputs(net), net->dtype));
    if (dx.data)
        DOPT_TRY(check_dx(__func__, x, dz, dopt_const(dx)));
    pull_bias(net, dz);
    if (net->kept_rows != x.rows)
        net->kept_rows = 0;
    if (net->kept_rows == 0 && backprop_on_w(net, x.rows, dx.data != NULL)) {
        dopt__gemm(1.0, dopt_ctransposed(dz), x, 0.0, net->collapsed);
        dopt__chain_backward(net, dopt_const(net->collapsed), false);
        if (dx.data) {
            dopt__chain_product(net, net->collapsed);
            dopt__gemm(1.0, dz, dopt_const(net->collapsed), 0.0, dx);
        }
        return DOPT_OK;
    }
    for (ptrdiff_t at = 0; at < x.rows; at += net->block_rows) {
        const ptrdiff_t count = x.rows - at < net->block_rows ? x.rows - at : net->block_rows;
        const dopt_mat target = dx.data ? writable_block_of(dx, at, count) : dx;
        pull_block(net, block_of(x, at, count), block_of(dz, at, count), target, at == 0 ? 0.0 : 1.0);
    }
    net->kept_rows = 0;
    return DOPT_OK;
}

/* SPDX-License-Identifier: MIT */
/* From a net to the one of depth 1 that computes the same: multiplied in float64, rounded once. */

#include <depthopt/net.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/scan.h"
#include "net/chain.h"
#include "net/net_state.h"

/* A net with the same factors in float64. */
static dopt_status create_double(const dopt_net *net, dopt_net **out)
{
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    options.allocator = net->allocator;
    options.block_rows = 1;
    ptrdiff_t *dims = dopt__alloc(&net->allocator, (size_t)net->depth + 1, sizeof *dims);
    if (!dims)
        return DOPT_ERR_NOMEM;
    for (int j = 0; j <= net->depth; j++)
        dims[j] = net->layers[j].width;
    const dopt_status status = dopt_net_create(DOPT_F64, net->depth, dims, &options, out);
    dopt__release(&net->allocator, dims);
    for (int j = 1; j <= net->depth && status == DOPT_OK; j++)
        dopt__copy(1.0, dopt_const(net->layers[j].factor), (*out)->layers[j].factor);
    return status;
}

/* w = the product, computed in float64. */
static dopt_status multiply(const dopt_net *net, dopt_mat w)
{
    if (net->dtype == DOPT_F64) {
        dopt__chain_product(net, w);
        return DOPT_OK;
    }
    dopt_net *twin = NULL;
    double *product = dopt__alloc(&net->allocator, (size_t)w.rows * (size_t)w.cols, sizeof *product);
    const dopt_status status = product ? create_double(net, &twin) : DOPT_ERR_NOMEM;
    if (status == DOPT_OK) {
        const dopt_mat wide = dopt_mat_f64(product, w.rows, w.cols);
        dopt__chain_product(twin, wide);
        dopt__copy(1.0, dopt_const(wide), w);
    }
    dopt_net_destroy(&twin);
    dopt__release(&net->allocator, product);
    return status;
}

dopt_status dopt_net_collapse(dopt_net *net)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    if (net->depth == 1)
        return DOPT_OK;
    const ptrdiff_t dims[] = { dopt__net_inputs(net), dopt__net_outputs(net) };
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    options.allocator = net->allocator;
    options.block_rows = net->block_rows;
    options.bias = net->bias.data != NULL;
    options.keep_activations = net->keeps_activations;
    options.penalty = net->layers[1].above.data != NULL;
    dopt_net *plain = NULL;
    dopt_status status = dopt_net_create(net->dtype, 1, dims, &options, &plain);
    if (status == DOPT_OK)
        status = multiply(net, plain->layers[1].factor);
    if (status == DOPT_OK && net->bias.data)
        dopt__copy(1.0, dopt_const(net->bias), plain->bias);
    if (status == DOPT_OK) {
        const dopt_net deep = *net;
        (void)dopt__take(&plain->busy); /* as `net` is, before and after */
        *net = *plain;
        *plain = deep;
    }
    dopt_net_destroy(&plain);
    return status == DOPT_OK ? status
                             : dopt__fail(status, __func__, "no memory for a net of %td x %td", dims[1], dims[0]);
}

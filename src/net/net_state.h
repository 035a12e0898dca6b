/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_NET_NET_STATE_H
#define DEPTHOPT_NET_NET_STATE_H

/* What a net is made of, and its workspace. Layer j has the width n_j and, but for j = 0, the factor W_j. */

#include <stdbool.h>
#include <stddef.h>

#include <depthopt/net.h>

#include "base/busy.h"
#include "net/plan.h"

typedef struct dopt__layer {
    ptrdiff_t width;       /* n_j */
    dopt_mat factor, grad; /* n_j x n_{j-1}; data NULL at j = 0 */
    void *slot;            /* room for block_rows x n_j elements: the activations */
    bool thin;             /* grad is not formed: its memory holds a and b one after the other, and it is a b^T */
    dopt_mat above, below; /* n_j x n_j, for the penalty: A_j and B_j, see penalty.c; data NULL without it */
} dopt__layer;

struct dopt_net {
    dopt__busy busy;
    dopt_allocator allocator;
    dopt_dtype dtype;
    int depth;
    dopt__layer *layers;
    double weights; /* sum_j n_j n_{j-1} */
    dopt__plan product, backward;
    ptrdiff_t block_rows; /* rows of X that are taken at a time */
    void *buffers[2];     /* room for block_rows x max_j n_j elements each */
    void *spare[2];       /* room for max_j n_j elements each */
    dopt_mat collapsed;   /* k x d; data NULL where working on W can never pay */
    bool keeps_activations;
    ptrdiff_t kept_rows;      /* rows whose activations are in the slots; 0: none */
    dopt_mat bias, bias_grad; /* 1 x k; data NULL without a bias */
    dopt_mat ones;            /* 1 x block_rows; data NULL without a bias */
    void *scratch;            /* room for the largest factor between two others, for the penalty */
    void *numbers;            /* the memory of all this */
};

static inline ptrdiff_t dopt__net_inputs(const dopt_net *net)
{
    return net->layers[0].width;
}

static inline ptrdiff_t dopt__net_outputs(const dopt_net *net)
{
    return net->layers[net->depth].width;
}

/* rows x cols elements without gaps at `data`. */
static inline dopt_mat dopt__net_view(const dopt_net *net, void *data, ptrdiff_t rows, ptrdiff_t cols)
{
    const dopt_mat m = { data, rows, cols, cols, 1, net->dtype };
    return m;
}

/* Of a thin gradient: a, n_j x 1, and b^T, 1 x n_{j-1}. */
static inline dopt_mat dopt__net_thin_column(const dopt__layer *layer)
{
    const dopt_mat a = { layer->grad.data, layer->grad.rows, 1, 1, 1, layer->grad.dtype };
    return a;
}

static inline dopt_mat dopt__net_thin_row(const dopt__layer *layer)
{
    const size_t size = layer->grad.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const ptrdiff_t n = layer->grad.cols;
    const dopt_mat b = { (char *)layer->grad.data + (size_t)layer->grad.rows * size, 1, n, n, 1, layer->grad.dtype };
    return b;
}

/* The workspace of layer j: rows x n_j, rows <= block_rows. */
static inline dopt_mat dopt__net_slot(const dopt_net *net, int j, ptrdiff_t rows)
{
    return dopt__net_view(net, net->layers[j].slot, rows, net->layers[j].width);
}

/* One of two buffers, taken in turn: `turn` is any number >= 0. */
static inline dopt_mat dopt__net_buffer(const dopt_net *net, int turn, ptrdiff_t rows, ptrdiff_t cols)
{
    return dopt__net_view(net, net->buffers[turn % 2], rows, cols);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A chain of products along the tree of its plan (plan.h).
 *
 * A join is C = B A, with A and B factors or joins below it. Upwards, the products; downwards, with dC = dL/dC,
 *
 *     dA = B^T dC,  dB = dC A^T,
 *
 * from the root, where dC is dL/dW, to the factors. Each product of a part of the chain, and each derivative with
 * respect to one, is computed once. The root itself is formed only where W is wanted.
 */

#include "net/chain.h"

#include "linalg/scan.h"
#include "linalg/thin.h"

/* The lower or upper part of a join: a join, or the factor of layer j. */
static dopt_cmat product_of(const dopt_net *net, const dopt__plan *plan, int join, int j)
{
    return dopt_const(join >= 0 ? plan->joins[join].product : net->layers[j].factor);
}

/* The gradient of a part: a b, to the join it is, or to the factor of layer j. */
static void set_grad(dopt_net *net, const dopt__plan *plan, int join, int j, dopt_cmat a, dopt_cmat b, bool thin)
{
    dopt__layer *layer = &net->layers[j];
    if (join >= 0) {
        dopt__multiply(a, b, plan->joins[join].grad);
        return;
    }
    layer->thin = thin && a.cols == 1 && a.rows > 1 && b.cols > 1;
    if (layer->thin) {
        dopt__copy(1.0, a, dopt__net_thin_column(layer));
        dopt__copy(1.0, b, dopt__net_thin_row(layer));
    } else {
        dopt__multiply(a, b, layer->grad);
    }
}

static dopt_cmat lower_of(const dopt_net *net, const dopt__plan *plan, const dopt__join *c)
{
    return product_of(net, plan, c->lower, c->middle);
}

static dopt_cmat upper_of(const dopt_net *net, const dopt__plan *plan, const dopt__join *c)
{
    return product_of(net, plan, c->upper, c->high);
}

/* The products of all joins but the root, which is the last one. */
static void go_up(const dopt_net *net, const dopt__plan *plan)
{
    for (int i = 0; i + 1 < plan->count; i++) {
        const dopt__join *c = &plan->joins[i];
        dopt__multiply(upper_of(net, plan, c), lower_of(net, plan, c), c->product);
    }
}

void dopt__chain_product(const dopt_net *net, dopt_mat w)
{
    const dopt__plan *plan = &net->product;
    if (plan->count == 0) {
        dopt__copy(1.0, dopt_const(net->layers[1].factor), w);
        return;
    }
    const dopt__join *root = &plan->joins[plan->count - 1];
    go_up(net, plan);
    dopt__multiply(upper_of(net, plan, root), lower_of(net, plan, root), w);
}

void dopt__chain_backward(dopt_net *net, dopt_cmat grad, bool thin)
{
    const dopt__plan *plan = &net->backward;
    if (plan->count == 0)
        dopt__copy(1.0, grad, net->layers[1].grad);
    go_up(net, plan);
    for (int i = plan->count - 1; i >= 0; i--) {
        const dopt__join *c = &plan->joins[i];
        const dopt_cmat flow = i == plan->count - 1 ? grad : dopt_const(c->grad);
        const dopt_cmat lower = lower_of(net, plan, c), upper = upper_of(net, plan, c);
        set_grad(net, plan, c->lower, c->middle, dopt_ctransposed(upper), flow, thin);
        set_grad(net, plan, c->upper, c->high, flow, dopt_ctransposed(lower), thin);
    }
}

void dopt__chain_form(dopt_net *net, int j)
{
    dopt__layer *layer = &net->layers[j];
    if (!layer->thin)
        return;
    const ptrdiff_t rows = layer->grad.rows, cols = layer->grad.cols;
    const dopt_mat a = dopt__net_view(net, net->spare[0], rows, 1), b = dopt__net_view(net, net->spare[1], 1, cols);
    dopt__copy(1.0, dopt_const(dopt__net_thin_column(layer)), a);
    dopt__copy(1.0, dopt_const(dopt__net_thin_row(layer)), b);
    dopt__multiply(dopt_const(a), dopt_const(b), layer->grad);
    layer->thin = false;
}

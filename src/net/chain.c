/* SPDX-License-Identifier: MIT */
/*
 * A chain of products, multiplied from a pivot outwards.
 *
 * Let m be a layer and r = n_m its width. Two arms start there, and both are chains of factors A_1, A_2, ...:
 *
 *     down  A_i = W_{m-i+1}         up  A_i = W_{m+i}^T         P_i = A_1 ... A_i,  r rows each
 *
 * so that, P without an index being the whole of an arm, W = P_up^T P_down, and the gradients of one arm follow
 * from those of W by
 *
 *     T_last = P_other dL/dW (transposed for the arm upwards),  T_{i-1} = T_i A_i^T,  dL/dA_i = P_{i-1}^T T_i.
 *
 * An arm of no factors has P = I, and no product is spent on it. All matrices have r rows, so the pivot should be
 * narrow: the top of the net if k is small, the bottom if d is, or a bottleneck between them. Three products per
 * factor are the price, 3 N - 4 in all, whichever pivot is taken; their sizes decide.
 */

#include "net/chain.h"

#include <stdbool.h>

#include "linalg/blas.h"
#include "linalg/scan.h"

typedef struct arm {
    const dopt_net *net;
    int pivot, length;
    bool up;
} arm;

static arm arm_down(const dopt_net *net, int pivot)
{
    const arm a = { net, pivot, pivot, false };
    return a;
}

static arm arm_up(const dopt_net *net, int pivot)
{
    const arm a = { net, pivot, net->depth - pivot, true };
    return a;
}

/* The layer at which A_i ends. */
static int layer_of(arm a, int i)
{
    return a.up ? a.pivot + i : a.pivot - i;
}

static ptrdiff_t width_of(arm a, int i)
{
    return a.net->layers[layer_of(a, i)].width;
}

/* The layer whose factor is A_i. */
static const dopt__layer *owner_of(arm a, int i)
{
    return &a.net->layers[a.up ? a.pivot + i : a.pivot - i + 1];
}

static dopt_mat oriented(arm a, dopt_mat m)
{
    return a.up ? dopt_transposed(m) : m;
}

static dopt_cmat factor_of(arm a, int i)
{
    return dopt_const(oriented(a, owner_of(a, i)->factor));
}

static dopt_mat grad_of(arm a, int i)
{
    return oriented(a, owner_of(a, i)->grad);
}

/* P_i for i >= 1: the first is a factor, the others are in the slots. */
static dopt_cmat partial(arm a, int i)
{
    return i == 1 ? factor_of(a, 1) : dopt_const(dopt__net_slot(a.net, layer_of(a, i), width_of(a, 0)));
}

/* Compute P_2 ... P_last. */
static void extend(arm a, int last)
{
    for (int i = 2; i <= last; i++)
        dopt__gemm(1.0, partial(a, i - 1), factor_of(a, i), 0.0, dopt__net_slot(a.net, layer_of(a, i), width_of(a, 0)));
}

/* W = P, or P^T, of the only arm. */
static void product_of_arm(arm a, dopt_mat w)
{
    const dopt_mat out = oriented(a, w);
    extend(a, a.length - 1);
    if (a.length == 1)
        dopt__copy(1.0, factor_of(a, 1), out);
    else
        dopt__gemm(1.0, partial(a, a.length - 1), factor_of(a, a.length), 0.0, out);
}

void dopt__chain_product(const dopt_net *net, dopt_mat w)
{
    const arm down = arm_down(net, net->product.pivot), up = arm_up(net, net->product.pivot);
    if (up.length == 0) {
        product_of_arm(down, w);
    } else if (down.length == 0) {
        product_of_arm(up, w);
    } else {
        extend(down, down.length);
        extend(up, up.length);
        dopt__gemm(1.0, dopt_ctransposed(partial(up, up.length)), partial(down, down.length), 0.0, w);
    }
}

/* Where T_i goes: T_1 is the gradient of A_1 itself. */
static dopt_mat flow_target(arm a, int i)
{
    return i == 1 ? grad_of(a, 1) : dopt__net_buffer(a.net, i, width_of(a, 0), width_of(a, i));
}

/* Gradients of an arm; the partial products of both are there. */
static void pull(arm a, arm other, dopt_cmat grad)
{
    dopt_cmat flow = a.up ? dopt_ctransposed(grad) : grad;
    if (other.length > 0) {
        const dopt_mat seed = flow_target(a, a.length);
        dopt__gemm(1.0, partial(other, other.length), flow, 0.0, seed);
        flow = dopt_const(seed);
    } else if (a.length == 1) {
        dopt__copy(1.0, flow, grad_of(a, 1));
    }
    for (int i = a.length; i > 1; i--) {
        const dopt_mat next = flow_target(a, i - 1);
        dopt__gemm(1.0, dopt_ctransposed(partial(a, i - 1)), flow, 0.0, grad_of(a, i));
        dopt__gemm(1.0, flow, dopt_ctransposed(factor_of(a, i)), 0.0, next);
        flow = dopt_const(next);
    }
}

void dopt__chain_backward(dopt_net *net, dopt_cmat grad)
{
    const arm down = arm_down(net, net->backward.pivot), up = arm_up(net, net->backward.pivot);
    /* Only the other arm needs the last partial product. */
    extend(down, up.length > 0 ? down.length : down.length - 1);
    extend(up, down.length > 0 ? up.length : up.length - 1);
    if (down.length > 0)
        pull(down, up, grad);
    if (up.length > 0)
        pull(up, down, grad);
}

static double flops_of(double m, double n, double k)
{
    return 2.0 * m * n * k;
}

/* Of P_i = P_{i-1} A_i, and of each other product with A_i. */
static double step_flops(arm a, int i)
{
    return flops_of((double)width_of(a, 0), (double)width_of(a, i - 1), (double)width_of(a, i));
}

/* Of P_2 to the last. */
static double extend_flops(arm a)
{
    double sum = 0.0;
    for (int i = 2; i <= a.length; i++)
        sum += step_flops(a, i);
    return sum;
}

/* Of P_up^T P_down, and of each product of an arm with dL/dW. */
static double joint_flops(arm down, arm up)
{
    return flops_of((double)width_of(down, 0), (double)width_of(down, down.length), (double)width_of(up, up.length));
}

static double product_flops(arm down, arm up)
{
    const double joint = down.length > 0 && up.length > 0 ? joint_flops(down, up) : 0.0;
    return extend_flops(down) + extend_flops(up) + joint;
}

static double backward_flops(arm down, arm up)
{
    const double steps = 3.0 * (extend_flops(down) + extend_flops(up));
    const arm longer = down.length > 0 ? down : up;
    if (down.length > 0 && up.length > 0)
        return steps + 2.0 * joint_flops(down, up);
    return longer.length > 1 ? steps - step_flops(longer, longer.length) : steps;
}

/* The cheapest pivot, the narrower of two that cost the same; none wider than k and d, to bound the workspace. */
static dopt__plan cheapest(const dopt_net *net, double (*flops)(arm, arm))
{
    const ptrdiff_t d = dopt__net_inputs(net), k = dopt__net_outputs(net), widest = k < d ? k : d;
    const int end = k < d ? net->depth : 0;
    dopt__plan best = { end, flops(arm_down(net, end), arm_up(net, end)) };
    for (int m = 0; m <= net->depth; m++) {
        if (net->layers[m].width > widest)
            continue;
        const double cost = flops(arm_down(net, m), arm_up(net, m));
        const bool narrower = net->layers[m].width < net->layers[best.pivot].width;
        if (cost < best.flops || (cost == best.flops && narrower)) {
            best.pivot = m;
            best.flops = cost;
        }
    }
    return best;
}

dopt__plan dopt__plan_product(const dopt_net *net)
{
    return cheapest(net, product_flops);
}

dopt__plan dopt__plan_backward(const dopt_net *net)
{
    return cheapest(net, backward_flops);
}

/* SPDX-License-Identifier: MIT */
/*
 * The penalty weight/2 ||W||_F^2 on the product W = W_N ... W_1, without the product.
 *
 *     A_j = (W_N ... W_{j+1})^T (W_N ... W_{j+1}):   A_{N-1} = W_N^T W_N,  A_{j-1} = W_j^T (A_j W_j)
 *     B_j = (W_j ... W_1) (W_j ... W_1)^T:           B_1 = W_1 W_1^T,      B_j = (W_j B_{j-1}) W_j^T
 *     d/dW_j = weight A_j W_j B_{j-1}                A_N = I, B_0 = I
 *     ||W||_F^2 = trace(A_j B_j) = <A_j, B_j>        any hidden j
 *
 * For two factors and a hidden width of n <= k this is one Gram matrix of W_1 and one product of its size, where
 * forming W and its gradient would be three such products.
 */

#include <math.h>

#include "base/check.h"
#include "linalg/blas.h"
#include "linalg/lines.h"
#include "linalg/scan.h"
#include "net/chain.h"
#include "net/net_state.h"

/* g = a a^T, in full. */
static void gram(dopt_cmat a, dopt_mat g)
{
    dopt__syrk_upper(a, g);
    for (ptrdiff_t r = 1; r < g.rows; r++)
        for (ptrdiff_t c = 0; c < r; c++)
            if (g.dtype == DOPT_F64)
                ((double *)g.data)[r * g.cols + c] = ((const double *)g.data)[c * g.cols + r];
            else
                ((float *)g.data)[r * g.cols + c] = ((const float *)g.data)[c * g.cols + r];
}

/* sum of a_rc b_rc, in double */
static double inner(dopt_cmat a, dopt_cmat b)
{
    const dopt__walk walk = dopt__walk_along(a);
    double sum = 0.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++) {
        double of_line = 0.0;
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_a[DOPT__PIECE], of_b[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *x = dopt__load(a, piece, of_a), *y = dopt__load(b, piece, of_b);
            for (ptrdiff_t i = 0; i < piece.count; i++)
                of_line += x[i] * y[i];
        }
        sum += of_line;
    }
    return sum;
}

static dopt_cmat factor_of(const dopt_net *net, int j)
{
    return dopt_const(net->layers[j].factor);
}

/* A_j W_j for a factor between two hidden layers. */
static dopt_cmat weighted(const dopt_net *net, int j)
{
    const dopt_cmat factor = factor_of(net, j);
    const dopt_mat out = dopt__net_view(net, net->scratch, factor.rows, factor.cols);
    dopt__gemm(1.0, dopt_const(net->layers[j].above), factor, 0.0, out);
    return dopt_const(out);
}

static void fill_above(const dopt_net *net)
{
    gram(dopt_ctransposed(factor_of(net, net->depth)), net->layers[net->depth - 1].above);
    for (int j = net->depth - 1; j > 1; j--)
        dopt__gemm(1.0, dopt_ctransposed(factor_of(net, j)), weighted(net, j), 0.0, net->layers[j - 1].above);
}

static void fill_below(const dopt_net *net)
{
    gram(factor_of(net, 1), net->layers[1].below);
    for (int j = 2; j < net->depth; j++) {
        const dopt_cmat factor = factor_of(net, j);
        const dopt_mat product = dopt__net_view(net, net->scratch, factor.rows, factor.cols);
        dopt__gemm(1.0, factor, dopt_const(net->layers[j - 1].below), 0.0, product);
        dopt__gemm(1.0, dopt_const(product), dopt_ctransposed(factor), 0.0, net->layers[j].below);
    }
}

static void add_gradients(dopt_net *net, double weight)
{
    const dopt__layer *layers = net->layers;
    const int top = net->depth;
    dopt__gemm(weight, dopt_const(layers[1].above), factor_of(net, 1), 1.0, layers[1].grad);
    for (int j = 2; j < top; j++)
        dopt__gemm(weight, weighted(net, j), dopt_const(layers[j - 1].below), 1.0, layers[j].grad);
    dopt__gemm(weight, factor_of(net, top), dopt_const(layers[top - 1].below), 1.0, layers[top].grad);
}

/* At depth 1 the gradient is weight W. */
static void add_plain(dopt_net *net, double weight)
{
    const dopt_mat grad = net->layers[1].grad;
    const dopt__walk walk = dopt__walk_along(dopt_const(grad));
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_w[DOPT__PIECE], of_g[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *w = dopt__load(factor_of(net, 1), piece, of_w);
            (void)dopt__load(dopt_const(grad), piece, of_g); /* in place, or into the buffer that the target is */
            double *g = dopt__target(grad, piece, of_g);
            for (ptrdiff_t i = 0; i < piece.count; i++)
                g[i] += weight * w[i];
            dopt__store(grad, piece, g);
        }
}

dopt_status dopt_net_penalty(dopt_net *net, double weight, double *value)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_REQUIRE(weight >= 0.0 && isfinite(weight), DOPT_ERR_INVALID, "weight is %g, must be in [0, inf)", weight);
    DOPT_REQUIRE(net->depth == 1 || net->layers[1].above.data, DOPT_ERR_INVALID,
                 "the net has no room for it, must be created with options.penalty = 1");
    double square;
    for (int j = 1; j <= net->depth; j++)
        dopt__chain_form(net, j);
    if (net->depth == 1) {
        const double norm = dopt__norm(factor_of(net, 1));
        square = norm * norm;
        add_plain(net, weight);
    } else {
        fill_above(net);
        fill_below(net);
        square = inner(dopt_const(net->layers[1].above), dopt_const(net->layers[1].below));
        add_gradients(net, weight);
    }
    if (value)
        *value = 0.5 * weight * square;
    return DOPT_OK;
}

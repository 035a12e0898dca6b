/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_NET_H
#define DEPTHOPT_NET_H

/**
 * @file depthopt/net.h
 * Factored linear networks: W = W_N ... W_1.
 *
 * A net of depth N holds N factors, W_j of shape n_j x n_{j-1}, with n_0 = d inputs and n_N = k outputs.
 * It computes the same map as the single k x d end-to-end matrix W, and learns it along another path;
 * docs/math/e2e.md has the theory. On request it has one bias b, added to the outputs, so that it can be
 * the dense layer of a network; docs/guides/your-own-network.md shows how.
 *
 *     product    W = W_N ... W_1                      what the factors amount to
 *     backward   dL/dW -> dL/dW_j                     full batch: work on W, whatever the number of rows
 *     forward    Z = X W^T + b, on rows of X          minibatches
 *     backprop   X, dL/dZ -> dL/dW_j, dL/db and dL/dX
 *     penalty    weight/2 ||W||^2 -> its part of dL/dW_j
 *     collapse   the net becomes one of depth 1       what to deploy
 *
 * Factors and gradients are row-major arrays without gaps, owned by the net, borrowed through
 * dopt_net_factor() and dopt_net_grad(); write to the factors as you like between calls.
 *
 * A balanced net has W_{j+1}^T W_{j+1} = W_j W_j^T for all j. Gradient descent with a small step keeps it
 * so, and then W moves by the end-to-end rule (depthopt/e2e.h).
 */

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/rng.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * A factored linear network.
 *
 * Thread safety: one thread at a time per handle, the functions that take a const net included (they use
 * its workspace), or the second call fails with DOPT_ERR_BUSY; distinct handles are independent.
 * docs/threads.md says it for each function.
 */
typedef struct dopt_net dopt_net;

/** Start from DOPT_NET_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_net_options {
    size_t struct_size;       /**< Set by the initializer. */
    dopt_allocator allocator; /**< Default: malloc and free. */
    ptrdiff_t block_rows;     /**< Rows of X that forward and backprop take at a time, in [1, 1048576];
                                   sets their workspace. Default 0: 256. */
    int bias;                 /**< 1: a bias, zero at first. Default 0: none. */
    int keep_activations;     /**< 1: a backprop that follows a forward on as many rows, at most block_rows,
                                   takes the activations from it instead of computing them again. It is
                                   then up to you that X and the factors are the same. Default 0. */
    int penalty;              /**< 1: workspace for dopt_net_penalty(). Default 0: it fails. */
} dopt_net_options;

/** Initializer of dopt_net_options: all defaults. */
#define DOPT_NET_OPTIONS_INIT { sizeof(dopt_net_options), { NULL, NULL, NULL }, 0, 0, 0, 0 }

/** Largest depth of a net. */
#define DOPT_NET_DEPTH_MAX 1024

/**
 * Create a net with all factors and gradients zero, and all that loops need: forward, backward, backprop, product,
 * penalty and the steps allocate nothing.
 *
 * @param[in]  dtype    element type of factors, gradients and of every view passed later
 * @param[in]  depth    N in [1, DOPT_NET_DEPTH_MAX]
 * @param[in]  dims     depth + 1 numbers: dims[0] = d inputs, ..., dims[depth] = k outputs; each in
 *                      [1, 2147483647]; not kept
 * @param[in]  options  NULL for the defaults; not kept
 * @param[out] out      the new net, to be freed with dopt_net_destroy(); untouched on failure
 *
 * Memory: factors and gradients, sum_j n_j n_{j-1} elements each; workspace of about 2 block_rows sum_j n_j
 * elements; and two matrices for each partial product of the cheapest order of the chain. For penalties, 2 n_j^2
 * of each hidden layer and the largest factor but the first and the last.
 * Cost: depth^3 / 6 operations to find that order.
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or a value is out of range
 * @retval DOPT_ERR_DTYPE    `dtype` is none of dopt_dtype
 * @retval DOPT_ERR_VERSION  `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM    no memory, or the sizes overflow
 */
DOPT_API dopt_status dopt_net_create(dopt_dtype dtype, int depth, const ptrdiff_t dims[],
                                     const dopt_net_options *options, dopt_net **out);

/** Free `*net` and set it to NULL. `net` and `*net` may be NULL. */
DOPT_API void dopt_net_destroy(dopt_net **net);

/** Number of factors N; 0 if `net` is NULL. */
DOPT_API int dopt_net_depth(const dopt_net *net);

/** Element type of the factors; DOPT_F64 if `net` is NULL. */
DOPT_API dopt_dtype dopt_net_dtype(const dopt_net *net);

/** Width n_j, j = 0 (inputs d) ... depth (outputs k); 0 if `net` is NULL or `j` is out of range. */
DOPT_API ptrdiff_t dopt_net_width(const dopt_net *net, int j);

/**
 * Factor W_j, j = 1 ... depth: an n_j x n_{j-1} view, borrowed and writable, valid until the net is
 * destroyed. `data` is NULL if `net` is NULL or `j` is out of range.
 */
DOPT_API dopt_mat dopt_net_factor(dopt_net *net, int j);

/** Gradient dL/dW_j that the last backward or backprop left, j = 1 ... depth; as dopt_net_factor(). `data` is NULL
 * too while the net is in use by another call. */
DOPT_API dopt_mat dopt_net_grad(dopt_net *net, int j);

/** Bias b: a 1 x k view, as dopt_net_factor(); `data` is NULL for a net without one. No init changes it. */
DOPT_API dopt_mat dopt_net_bias(dopt_net *net);

/** Gradient dL/db that the last backprop left; dopt_net_backward() does not know it. As dopt_net_bias(). */
DOPT_API dopt_mat dopt_net_bias_grad(dopt_net *net);

/**
 * All factors i.i.d. N(0, stddev^2): near-zero initialisation for a small `stddev`, such as 0.01.
 *
 * @param[in,out] rng     advanced; factors are drawn in the order j = 1 ... depth
 * @param[in]     stddev  finite, >= 0
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or `stddev` is out of range
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_init_normal(dopt_net *net, dopt_rng *rng, double stddev);

/**
 * All factors `scale` on the diagonal and 0 elsewhere, rectangular ones too. Balanced when all widths
 * are at least min(k, d).
 *
 * @param[in] scale  finite
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL, or `scale` is not finite
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_init_identity(dopt_net *net, double scale);

/**
 * All factors `scale` times a random matrix with orthonormal rows or columns, uniformly distributed.
 *
 * @param[in,out] rng    advanced
 * @param[in]     scale  finite
 *
 * Memory: allocates and frees the largest factor three times over, in double. Overwrites the gradients.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, or `scale` is not finite
 * @retval DOPT_ERR_NOMEM      no memory; the factors are untouched
 * @retval DOPT_ERR_BUSY       `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_init_orthogonal(dopt_net *net, dopt_rng *rng, double scale);

/**
 * Factors whose product is `w0` and which are exactly balanced.
 *
 * With the thin SVD w0 = U S V^T: W_N = U S^{1/N}, W_j = S^{1/N}, W_1 = S^{1/N} V^T, zero-padded to the
 * widths, which may be larger than min(k, d) but not smaller than the rank of w0.
 *
 * @param[in] w0  k x d, finite, dtype of the net, any layout; an array of yours, none of the net's (not checked)
 *
 * Accuracy: the product is w0 and the imbalance is 0, each to a small multiple of
 * max(k, d) eps times the norms, eps that of the net's dtype.
 * Cost: one SVD. Memory: allocates and frees O(k d) doubles.
 * Source: Procedure 1 of Arora, Cohen, Golowich, Hu, arXiv:1810.02281.
 * On failure the factors are untouched.
 *
 * @retval DOPT_ERR_INVALID    `net` is NULL
 * @retval DOPT_ERR_SHAPE      `w0` is not k x d, or a hidden width is smaller than its rank
 * @retval DOPT_ERR_DTYPE      `w0` has another dtype than the net
 * @retval DOPT_ERR_NONFINITE  `w0` holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  no decomposition converged
 * @retval DOPT_ERR_NOMEM      no memory
 * @retval DOPT_ERR_BUSY       `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_init_balanced(dopt_net *net, dopt_cmat w0);

/**
 * The end-to-end matrix: w = W_N ... W_1.
 *
 * @param[out] w  k x d, dtype of the net; must not overlap the factors, a factor of depth 1 included; untouched on
 *                failure
 *
 * Cost: the chain is multiplied in its cheapest order, 2 min(k, d) sum_j n_j n_{j-1} flops at most.
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL, or `w` overlaps a factor
 * @retval DOPT_ERR_SHAPE    `w` is not a k x d view
 * @retval DOPT_ERR_DTYPE    `w` has another dtype than the net
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_product(const dopt_net *net, dopt_mat w);

/**
 * Collapse in place: the net becomes one of depth 1 whose factor is the product, and whose bias is the same.
 *
 * What is left predicts the same and costs no more than a plain matrix. The product is computed in float64
 * whatever the dtype, and rounded once. Views from before the call are invalid after it; gradients are zero.
 * At depth 1 the call does nothing.
 *
 * Memory: allocates the new net, and for float32 the factors in float64 until it returns.
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL
 * @retval DOPT_ERR_NOMEM    no memory; the net is as before
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_collapse(dopt_net *net);

/**
 * Chain rule: from G = dL/dW to all dL/dW_j = (W_N ... W_{j+1})^T G (W_{j-1} ... W_1)^T.
 *
 * Overwrites the gradients that dopt_net_grad() shows.
 *
 * @param[in] grad  k x d, finite, dtype of the net; an array of yours, none of the net's (not checked)
 *
 * Cost: partial products are shared, in the cheapest order: 6 min(k, d) sum_j n_j n_{j-1} flops at most.
 *
 * @retval DOPT_ERR_INVALID    `net` is NULL
 * @retval DOPT_ERR_SHAPE      `grad` is not a k x d view
 * @retval DOPT_ERR_DTYPE      `grad` has another dtype than the net
 * @retval DOPT_ERR_NONFINITE  `grad` holds a NaN or an infinity
 * @retval DOPT_ERR_BUSY       `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_backward(dopt_net *net, dopt_cmat grad);

/**
 * Predictions on rows: z = x W^T + b = x W_1^T ... W_N^T + b, each row with the bias, if there is one.
 *
 * @param[in]  x  m x d, one example a row; any m, any layout: a batch inside a larger array needs no copy
 * @param[out] z  m x k; must not overlap `x`; untouched on failure
 *
 * Cost: whichever is cheaper by flops: layer by layer, 2 m sum_j n_j n_{j-1}, or collapse first.
 * Non-finite numbers in `x` or the factors pass through to `z`.
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL, or `z` overlaps `x`
 * @retval DOPT_ERR_SHAPE    `x` is not m x d, or `z` not m x k
 * @retval DOPT_ERR_DTYPE    a view has another dtype than the net
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_forward(dopt_net *net, dopt_cmat x, dopt_mat z);

/**
 * Backpropagation: from dL/dZ to all dL/dW_j, and to dL/dX if wanted.
 *
 * Overwrites the gradients that dopt_net_grad() and dopt_net_bias_grad() show. Needs no forward call before
 * it: activations are computed again block by block, so nothing of size m is kept; the option
 * keep_activations changes that.
 *
 * @param[in]  x   m x d
 * @param[in]  dz  m x k, dL/dZ
 * @param[out] dx  m x d, dL/dX; `data` NULL (dopt_mat_none()): not wanted; may be `x` itself, must not overlap `x`
 *                 otherwise, nor `dz`
 *
 * Cost: whichever is cheaper by flops: through the activations, about 6 m sum_j n_j n_{j-1}, or through
 * G = dz^T x and dopt_net_backward(), which is better when m is large.
 * Non-finite numbers pass through to the gradients.
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL, or `dx` overlaps `dz`, or `x` without being it
 * @retval DOPT_ERR_SHAPE    the views do not fit each other or the net
 * @retval DOPT_ERR_DTYPE    a view has another dtype than the net
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_backprop(dopt_net *net, dopt_cmat x, dopt_cmat dz, dopt_mat dx);

/** Flops of the ways that a net can take, for some rows of X; see dopt_net_costs(). */
typedef struct dopt_net_cost {
    double product;          /**< dopt_net_product(): the cheapest order, found by dynamic programming. */
    double backward;         /**< dopt_net_backward(), likewise, partial products shared. */
    double forward_by_rows;  /**< dopt_net_forward() through the activations, ... */
    double forward_on_w;     /**< ... and by the collapsed W. */
    double backprop_by_rows; /**< dopt_net_backprop() without dx, through the activations, ... */
    double backprop_on_w;    /**< ... and from dL/dW. */
} dopt_net_cost;

/**
 * What forward and backprop choose by: the cheaper of two ways is taken. All zero for NULL.
 *
 * @param[in] m  rows of X
 *
 * By the collapsed W is not considered where W is three times as large as all factors, or larger.
 */
DOPT_API dopt_net_cost dopt_net_costs(const dopt_net *net, ptrdiff_t m);

/**
 * Penalty on the end-to-end matrix: value = weight/2 ||W_N ... W_1||_F^2, and its gradients are added to
 * those that the net holds. The bias is not part of it.
 *
 * With A_j = (W_N ... W_{j+1})^T (W_N ... W_{j+1}) and B_j = (W_j ... W_1) (W_j ... W_1)^T, n_j x n_j each,
 * the gradient of W_j is weight A_j W_j B_{j-1} and ||W||_F^2 = <A_j, B_j>. So neither W nor anything else
 * of its size is formed. A penalty on the factors instead, weight/2 sum_j ||W_j||_F^2, is what
 * DOPT_WEIGHT_DECAY of an optimizer does (depthopt/optim.h).
 *
 * @param[in]  weight  finite, >= 0
 * @param[out] value   NULL: not wanted; untouched on failure
 *
 * Cost: at depth 2 n_1 (n_1 (3 d + 3 k)) flops; at depth N about 6 sum_j n_j^2 (n_{j-1} + n_{j+1}) over the
 * hidden layers. Worth it where these are no wider than k or d. Allocates nothing.
 * Accuracy: the value to a few n_j eps, summed in double.
 *
 * @retval DOPT_ERR_INVALID  `net` is NULL or was created without the option `penalty`, or `weight` is out of
 *                           range
 * @retval DOPT_ERR_BUSY     `net` is in use by another call
 */
DOPT_API dopt_status dopt_net_penalty(dopt_net *net, double weight, double *value);

/**
 * How far from balanced: max_j || W_{j+1}^T W_{j+1} - W_j W_j^T ||_F, 0 at depth 1.
 *
 * Cost: 2 sum_j n_j^2 (n_{j+1} + n_{j-1}) flops.
 *
 * @return >= 0; NaN if `net` is NULL or in use by another call, or a factor is not finite
 */
DOPT_API double dopt_net_imbalance(const dopt_net *net);

DOPT_END_DECLS

#endif

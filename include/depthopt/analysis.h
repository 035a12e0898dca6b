/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_ANALYSIS_H
#define DEPTHOPT_ANALYSIS_H

/**
 * @file depthopt/analysis.h
 * What depth does to a training run, in numbers.
 *
 *     split        a step of the end-to-end rule = adaptive learning rate + pull along directions already taken
 *     memory       depth 2 as gradient descent with an adaptive rate and a weight for every past gradient
 *     circulation  the integral of the rule's field around a closed curve: not 0, so it is no gradient
 *     margin       how much nearer than singular W is to its target: what convergence at a known rate needs
 *     sigma_rates  the speed of each singular value of W along the flow
 *
 * Notation as in depthopt/e2e.h: W is k x d, G = dL/dW, N the depth, P_W(G) the preconditioned gradient.
 *
 * None of this is needed to train. Every function is a function of its arguments alone; those that need memory
 * allocate and free it within the call (malloc, or the allocator of the options).
 *
 * Thread safety: any thread, any time.
 *
 * Sources: Arora, Cohen, Hazan, ICML 2018 (split, memory, circulation: Claim 2, Observation 1, Theorem 2); Arora,
 * Cohen, Golowich, Hu, arXiv:1810.02281 (margin); Arora, Cohen, Hu, Luo, arXiv:1905.13655 (sigma_rates).
 */

#include <stddef.h>
#include <stdint.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * The two parts of a step, P_w(grad) = rate * grad + momentum.
 *
 * For k = 1 (or d = 1) these are the parts of Claim 2: rate = ||w||^{2-2/N}, the adaptive learning rate, and
 * momentum = (N - 1) rate times the projection of grad on w. For other shapes rate = s^{2-2/N} with s the smallest of
 * the min(k, d) singular values: what every direction moves with at least; the rest of P_w, which momentum comes from,
 * is positive semidefinite too, and larger the more a direction is present in w. For N = INFINITY, of the limit of
 * P / N: rate is 0.
 *
 * @param[in]  depth     N, a real number >= 1, or INFINITY
 * @param[in]  w, grad   k x d, finite, same dtype; any layout
 * @param[out] rate      not NULL; untouched on failure
 * @param[out] momentum  k x d, same dtype; may be `grad` itself, must not overlap it otherwise, nor `w`; untouched on
 *                       failure; `data` NULL (dopt_mat_none()): not wanted
 *
 * Cost: one dopt_e2e_apply() and one dopt_e2e_spectrum(). Accuracy: momentum to a few eps ||P_w(grad)||.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, `depth` is out of range, or `momentum` overlaps `w` or `grad`
 * @retval DOPT_ERR_SHAPE, DOPT_ERR_DTYPE, DOPT_ERR_NONFINITE, DOPT_ERR_NUMERICAL  as dopt_e2e_apply()
 * @retval DOPT_ERR_NOMEM      no memory
 */
DOPT_API dopt_status dopt_analysis_split(double depth, dopt_cmat w, dopt_cmat grad, double *rate, dopt_mat momentum);

/**
 * Depth 2 with a scalar hidden layer, w = w_2 w_1, as a memory of past gradients (Observation 1).
 *
 * Gradient descent on (w_1, w_2) moves w, but for a term lr^2 (dL/dw_2) (dL/dw_1), by
 *
 *     w^{t+1} = w^t - rho^t g^t - gamma^t w^t,    rho^t = lr (w_2^t)^2,    gamma^t = lr (dL/dw_2)^t / w_2^t
 *
 * with g^t = dL/dw. Written out in the gradients g^1 ... g^t that it has seen, and in the start w^1,
 *
 *     w^{t+1} = w^t - sum_{tau=1..t} weights[t][tau] g^tau - weights[t][0] w^1
 *     weights[t][t]   = rho^t
 *     weights[t][tau] = -gamma^t rho^tau prod_{j=tau+1..t-1} (1 - gamma^j)      (mu^{(t,tau)})
 *     weights[t][0]   =  gamma^t prod_{j=1..t-1} (1 - gamma^j)
 *
 * While |w_2| grows gamma is negative, and every past gradient still pulls.
 *
 * @param[in]  lr      learning rate, finite, >= 0
 * @param[in]  steps   T >= 1
 * @param[in]  hidden  T numbers: w_2^t, t = 1 ... T; finite, not 0
 * @param[in]  slope   T numbers: dL/dw_2 at step t, that is w_1^t . g^t; finite
 * @param[out] weights T x (T + 1), float64, any layout: row t - 1 belongs to step t, column tau to g^tau, column 0 to
 *                     w^1; 0 for tau > t; overlaps neither `hidden` nor `slope`; untouched on failure
 *
 * Cost: O(T^2). Accuracy: each weight to a few T eps.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, a value is out of range, or `weights` overlaps what is read
 * @retval DOPT_ERR_SHAPE      `weights` is not T x (T + 1)
 * @retval DOPT_ERR_DTYPE      `weights` is not float64
 * @retval DOPT_ERR_NONFINITE  `hidden` or `slope` holds a NaN or an infinity
 */
DOPT_API dopt_status dopt_analysis_memory(double lr, ptrdiff_t steps, const double *hidden, const double *slope,
                                          dopt_mat weights);

/**
 * A gradient field of yours: grad <- dL/dW at w.
 *
 * @param[in]  w     k x d, float64, row-major without gaps
 * @param[out] grad  the same
 * @param[in]  user  as given
 *
 * @return DOPT_OK, or a failure, which the calling function hands on
 */
typedef dopt_status (*dopt_gradient_fn)(dopt_cmat w, dopt_mat grad, void *user);

/** Start from DOPT_CIRCULATION_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_circulation_options {
    size_t struct_size;       /**< Set by the initializer. */
    double depth;             /**< N, real >= 1, or INFINITY for the field of the limit of P / N. Default 3. */
    double inner;             /**< Radius of the inner half circle, > 0. Default 0.3. */
    double outer;             /**< Radius of the outer one, finite, > inner. Default 1.1. */
    double tolerance;         /**< Wanted error, relative to the sum of |parts|, in (0, 1). Default 1e-12. */
    dopt_allocator allocator; /**< Default: malloc and free. */
} dopt_circulation_options;

/** Initializer of dopt_circulation_options: all defaults. */
#define DOPT_CIRCULATION_OPTIONS_INIT { sizeof(dopt_circulation_options), 3.0, 0.3, 1.1, 1e-12, { NULL, NULL, NULL } }

/** A line integral around the curve. A plain value, frozen (docs/abi.md). */
typedef struct dopt_circulation {
    double value;        /**< The integral. */
    double error;        /**< Estimate of its error, on the safe side: quadrature and rounding. */
    double parts[4];     /**< Of the four pieces of the curve; they sum to `value`. */
    int64_t evaluations; /**< Of the gradient. */
} dopt_circulation;

/**
 * Integrate F(W) = P_W(dL/dW) around a closed curve (Theorem 2).
 *
 * If F were the gradient of some function (of a regularised loss, say) the integral would be 0. The curve lies in a
 * plane: with e = G(0) / ||G(0)|| and f of unit length across it,
 *
 *     1. straight from -outer e to -inner e           2. half a circle of radius `inner`, through f, to inner e
 *     3. straight from inner e to outer e             4. half a circle of radius `outer`, through f, back
 *
 * For a constant gradient of length 1 the integral is 2 (N-1)(N-2)/(3N-2) (outer^{3-2/N} - inner^{3-2/N}): positive for
 * N > 2, 0 for N = 1 and 2. Near W = 0 any continuous gradient that does not vanish there is nearly constant, so for
 * N > 2 and small radii the integral is positive.
 *
 * @param[in]  rows, cols  k and d, k d >= 2; as dopt_e2e_create()
 * @param[in]  gradient    dL/dW, smooth on the curve; called in this thread
 * @param[in]  options     NULL for the defaults; not kept
 * @param[out] out         untouched on failure
 *
 * f is the coordinate direction that e has least of, made orthogonal to e. Adaptive Gauss-Kronrod quadrature (7, 15):
 * where the tolerance is out of reach of rounding, `error` says so.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, or a value is out of range
 * @retval DOPT_ERR_NUMERICAL  the gradient at 0 is 0: the theorem has nothing to say
 * @retval DOPT_ERR_NONFINITE  the gradient is not finite somewhere on the curve
 * @retval DOPT_ERR_VERSION    `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM      no memory
 * @retval any status that `gradient` returned
 */
DOPT_API dopt_status dopt_analysis_circulation(ptrdiff_t rows, ptrdiff_t cols, dopt_gradient_fn gradient, void *user,
                                               const dopt_circulation_options *options, dopt_circulation *out);

/**
 * Deficiency margin: the largest c with ||w - target||_F <= sigma_min(target) - c.
 *
 * Positive: every matrix no farther from the target than w has all its min(k, d) singular values >= c. On
 * L(W) = 1/2 ||W - target||_F^2 + const, gradient flow on balanced factors that starts at w then converges at least
 * like L(t) <= L(0) exp(-2 c^{2(N-1)/N} t), and gradient descent with a small step as fast but for the factor 2.
 *
 * @param[in]  w, target  k x d, finite, same dtype; any layout
 * @param[out] margin     sigma_min(target) - ||w - target||_F; negative: there is no margin; untouched on failure
 *
 * Cost: the singular values of `target`. Memory: allocates and frees O(k d) doubles.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL
 * @retval DOPT_ERR_SHAPE, DOPT_ERR_DTYPE  the views do not fit each other
 * @retval DOPT_ERR_NONFINITE  w or target holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  no decomposition converged
 * @retval DOPT_ERR_NOMEM      no memory
 */
DOPT_API dopt_status dopt_analysis_margin(dopt_cmat w, dopt_cmat target, double *margin);

/**
 * Singular values of w, and their speed under the end-to-end flow W' = -P_W(G):
 *
 *     sigma_r' = -N sigma_r^{2-2/N} <G, u_r v_r^T>
 *
 * Large ones are sped up and small ones held back, which makes depth favour low rank. For N = INFINITY, of
 * W' = -lim P/N: -sigma_r^2 <G, u_r v_r^T>.
 *
 * @param[in]  depth    N, a real number >= 1, or INFINITY
 * @param[in]  w, grad  k x d, finite, same dtype; any layout
 * @param[out] sigma    min(k, d) numbers, descending; NULL: not wanted; untouched on failure
 * @param[out] rates    min(k, d) numbers; for singular values that are 0, 0 if N > 1 and NaN if N = 1 (the vectors are
 *                      not determined); of equal ones only the sum is determined; untouched on failure
 *
 * Cost: one decomposition and two products. Memory: allocates and frees O(k d) doubles.
 *
 * @retval as dopt_analysis_split()
 */
DOPT_API dopt_status dopt_analysis_sigma_rates(double depth, dopt_cmat w, dopt_cmat grad, double *sigma, double *rates);

DOPT_END_DECLS

#endif

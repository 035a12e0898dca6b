/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_H
#define DEPTHOPT_E2E_H

/**
 * @file depthopt/e2e.h
 * The preconditioner that depth puts on a linear map.
 *
 * Gradient descent on balanced factors W = W_N ... W_1 (k x d) moves W, to first order in the step, along
 * -P_W(G) with G = dL/dW and
 *
 *     P_W(G) = sum_{j=1..N} [W W^T]^{(j-1)/N}  G  [W^T W]^{(N-j)/N}        (power 0 is the identity)
 *
 * This module evaluates P_W without ever forming the factors, for any real depth N >= 1. With the SVD
 * W = U diag(s) V^T it is
 *
 *     P_W(G) = U (K o (U^T G V)) V^T,    K_rc = (s_r^2 - s_c^2) / (s_r^{2/N} - s_c^{2/N}),
 *                                        K_rr = N s_r^{2-2/N}
 *
 * so the cost does not depend on N, N need not be an integer, and N = INFINITY stands for the limit of
 * P_W / N, where K_rc is the logarithmic mean of s_r^2 and s_c^2. At N = 1, P_W(G) = G.
 *
 * W = 0 is a fixed point for every N > 1, as it is for the factors: start from somewhere else, with singular
 * values of 0.1 to 1, say: from the product of random factors (dopt_net_init_normal(), dopt_net_product()) or a
 * multiple of the identity.
 *
 * Source: Arora, Cohen, Hazan, "On the Optimization of Deep Networks: Implicit Acceleration by
 * Overparameterization", ICML 2018, Theorem 1 and Claims 1 and 2. Derivations: docs/math/e2e.md.
 */

#include <stddef.h>
#include <stdint.h>

#include <depthopt/alloc.h>
#include <depthopt/log.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * Workspace for one shape and one depth. With the default options it carries nothing from call to call but the
 * record of what it did; see dopt_e2e_options.refresh_tolerance.
 *
 * Thread safety: one thread at a time per handle, or the second call fails with DOPT_ERR_BUSY; distinct handles
 * are independent. docs/threads.md says it for each function.
 */
typedef struct dopt_e2e dopt_e2e;

/** How the basis (U, s, V) of W is found. */
typedef enum dopt_e2e_method {
    DOPT_E2E_NESTED = 0, /**< Nested symmetric eigendecompositions: the accuracy of an SVD, at less cost. */
    DOPT_E2E_SVD = 1     /**< LAPACK's divide-and-conquer SVD. */
} dopt_e2e_method;

/** What a call really did; see dopt_e2e_route_taken(). */
typedef enum dopt_e2e_route {
    DOPT_E2E_ROUTE_NONE = 0,        /**< No successful call so far. */
    DOPT_E2E_ROUTE_IDENTITY = 1,    /**< N = 1: nothing to decompose. */
    DOPT_E2E_ROUTE_CLOSED_FORM = 2, /**< k = 1 or d = 1 (Claim 2). */
    DOPT_E2E_ROUTE_NESTED = 3,      /**< Nested eigendecompositions, all by divide and conquer. */
    DOPT_E2E_ROUTE_NESTED_MRRR = 4, /**< The same, but for one at least MRRR had to step in. */
    DOPT_E2E_ROUTE_SVD = 5,         /**< LAPACK's SVD. */
    DOPT_E2E_ROUTE_JACOBI = 6,      /**< One-sided Jacobi: the last resort, slow and always convergent. */
    DOPT_E2E_ROUTE_REUSED = 7       /**< The basis of an earlier call; see refresh_tolerance. */
} dopt_e2e_route;

/** Start from DOPT_E2E_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_e2e_options {
    size_t struct_size;       /**< Set by the initializer. */
    dopt_e2e_method method;   /**< Default DOPT_E2E_NESTED. */
    dopt_allocator allocator; /**< Default: malloc and free. */
    dopt_logger logger;       /**< Told when a fallback had to step in. Default: silent. */
    /**
     * In [0, 1). 0, the default: every call decomposes its w. Above 0 it is about the relative error of a call that
     * is accepted: the handle keeps the last basis (U, V) and first tests whether it still fits, by what U^T w V has
     * off its diagonal, what of w lies outside of the span of V, and how much either has meant for P so far. If it
     * fits, the call costs six products, whatever the depth (DOPT_E2E_ROUTE_REUSED). If not, it costs two for the
     * test, a decomposition with its products, and five to see what error the old basis would have made; after
     * failed tests, some calls decompose without one. So:
     *
     * - Start with 0.1, or 0.01 where steps are tiny, and compare dopt_e2e_refreshes() with the number of calls:
     *   above a half, take 0. How often w is decomposed depends on how far it turns from step to step, and so
     *   on the learning rate, more than on its size. Square w gain most; where the sides differ by more than
     *   2.5 times, compare the times.
     * - Along all training runs that were looked at the relative error of a call was at most 1.7 times the
     *   tolerance (docs/numerics.md); that is no bound. Weights drift from the exact run's by some per cent over
     *   hundreds of steps at 0.1.
     * - For k != d, tolerances below about 12 sqrt(n eps), n the smaller side, eps that of the dtype, never reuse a
     *   basis: for n = 40, 1.1e-6 in float64 and 0.026 in float32.
     * - The result depends on the earlier calls of the handle, which holds k d doubles more.
     */
    double refresh_tolerance;
} dopt_e2e_options;

/** Initializer of dopt_e2e_options, for its declaration: all defaults. */
#define DOPT_E2E_OPTIONS_INIT                                                                          \
    { sizeof(dopt_e2e_options), DOPT_E2E_NESTED, { NULL, NULL, NULL }, { NULL, NULL }, 0.0 }

/**
 * Create the workspace for k x d matrices at depth N. The only call of this module that allocates.
 *
 * @param[in]  rows     k >= 1
 * @param[in]  cols     d >= 1; the smaller of k and d at most 32766 (what LAPACK can count)
 * @param[in]  depth    N, a real number >= 1, or INFINITY for the limit of P/N
 * @param[in]  options  NULL for the defaults; not kept
 * @param[out] out      the new handle, to be freed with dopt_e2e_destroy(); untouched on failure
 *
 * Memory: with n the smaller and m the larger side, 2 n m + 4 n^2 doubles and some 50 n (with DOPT_E2E_SVD,
 * 2 n m + 6 n^2); see dopt_e2e_workspace_bytes(). Nothing but the handle for k = 1 or d = 1.
 *
 * @retval DOPT_ERR_INVALID  `out` is NULL, or a value is out of range
 * @retval DOPT_ERR_VERSION  `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM    no memory, or the sizes overflow
 */
DOPT_API dopt_status dopt_e2e_create(ptrdiff_t rows, ptrdiff_t cols, double depth,
                                     const dopt_e2e_options *options, dopt_e2e **out);

/** Free `*e2e` and set it to NULL. `e2e` and `*e2e` may be NULL. */
DOPT_API void dopt_e2e_destroy(dopt_e2e **e2e);

/**
 * out = P_w(grad); for N = INFINITY, the limit of P_w(grad) / N.
 *
 * @param[in]  w     k x d, finite; any layout, float64 or float32
 * @param[in]  grad  k x d, finite, same dtype; any layout
 * @param[out] out   k x d, same dtype; any layout; may be `w` or `grad` itself, but not overlap them
 *                   otherwise (depthopt/mat.h); untouched on failure
 *
 * Cost, with n the smaller and m the larger side, whatever N: one n x n product from n x m, one symmetric
 * eigendecomposition of order n, and five products n x n x m. Where m > 2.5 n and the singular values are within
 * a factor of 4 of each other, three of these and five of n x n x n. Up to 1.5 times that for singular values
 * that span ten decades. A basis that is reused: six products (dopt_e2e_options.refresh_tolerance). O(k d), two
 * passes over w and grad, for k = 1 or d = 1.
 *
 * Accuracy: `out` is P_{w + E}(grad) to rounding, with ||E|| <= c m eps ||w||: backward stable, as from
 * an SVD. Where w is nearly rank deficient and N > 2, P itself is not Lipschitz in w, so no method can
 * promise more. docs/numerics.md has measurements against 60-digit arithmetic.
 *
 * float32: w is decomposed in float64, and the products with grad are float32's: the error is a small multiple
 * of sqrt(m) eps_32 times the largest eigenvalue of P times ||grad||_F. It halves the memory of your arrays, and
 * takes from all of the time of float64 (n = 100) to about three quarters of it (n = 500 and above). Numbers
 * beyond 1e8 or below 1e-8 go through float64 as a whole.
 *
 * @retval DOPT_ERR_INVALID    `e2e` or a data pointer is NULL, or `out` overlaps `w` or `grad`
 * @retval DOPT_ERR_SHAPE      a view is not a k x d view
 * @retval DOPT_ERR_DTYPE      the views differ in dtype
 * @retval DOPT_ERR_NONFINITE  w or grad holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  no decomposition converged, or the result overflows, or N ||grad||, or an
 *                             eigenvalue of P
 * @retval DOPT_ERR_BUSY       `e2e` is in use by another call
 */
DOPT_API dopt_status dopt_e2e_apply(dopt_e2e *e2e, dopt_cmat w, dopt_cmat grad, dopt_mat out);

/**
 * One step of the end-to-end update rule (Theorem 1), in place:
 *
 *     w <- (1 - lr * weight_decay * N) w - lr * P_w(grad)
 *
 * For N = INFINITY, the limit as lr shrinks like 1/N: w <- (1 - lr * weight_decay) w - lr * lim P_w(grad)/N.
 *
 * @param[in,out] w             k x d, finite; untouched on failure
 * @param[in]     grad          k x d, finite, dL/dW at w; must not overlap `w`
 * @param[in]     lr            learning rate, finite, >= 0; see below
 * @param[in]     weight_decay  lambda of the factors' weight decay, finite, >= 0
 *
 * P multiplies a gradient by up to N s_1^{2-2/N}, its largest eigenvalue (dopt_e2e_spectrum(); s_1^2 for N = INFINITY),
 * so descent is stable up to lr = 2 / (that times the largest curvature of L), and the bound falls as s_1 grows. For
 * the same reason a w whose singular values are far below 1 moves slowly at first.
 *
 * Cost, accuracy and statuses as dopt_e2e_apply(); DOPT_ERR_INVALID also for a value out of range, and for a `grad`
 * that overlaps `w`. The step is folded into the last product: it costs nothing beside it.
 *
 * @retval DOPT_ERR_BUSY  `e2e` is in use by another call
 */
DOPT_API dopt_status dopt_e2e_update(dopt_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr,
                                     double weight_decay);

/**
 * Singular values of w, and the eigenvalues of its preconditioner (Claim 1).
 *
 * P_w as a linear map on k x d matrices is symmetric positive semidefinite; its eigenvectors are u_r v_c^T,
 * r = 1 ... k, c = 1 ... d (all of U, all of V), and the eigenvalue of that pair is K_rc, with s = 0 past
 * min(k, d): K_rc = s_r^{2-2/N} when s_c = 0; when both are 0 it is 0 for N > 1 and 1 for N = 1. r and c count
 * singular values in descending order, not rows and columns of w. For N = INFINITY they are those of lim P/N, and
 * 0 where s_r or s_c is.
 *
 * @param[in]  w            k x d, finite, float64 or float32
 * @param[out] sigma        min(k, d) singular values, descending; NULL: not wanted; overlaps neither `w` nor
 *                          `eigenvalues` (not checked)
 * @param[out] eigenvalues  k * d numbers, element (r, c) at r * d + c; NULL: not wanted; likewise
 *
 * Cost: one decomposition, and k d evaluations of K.
 *
 * @retval DOPT_ERR_INVALID, DOPT_ERR_SHAPE, DOPT_ERR_DTYPE, DOPT_ERR_NONFINITE, DOPT_ERR_NUMERICAL
 *         as dopt_e2e_apply(); the outputs are untouched
 * @retval DOPT_ERR_BUSY  `e2e` is in use by another call
 */
DOPT_API dopt_status dopt_e2e_spectrum(dopt_e2e *e2e, dopt_cmat w, double *sigma, double *eigenvalues);

/** How the last successful call found its result; DOPT_E2E_ROUTE_NONE before any, or for NULL. */
DOPT_API dopt_e2e_route dopt_e2e_route_taken(const dopt_e2e *e2e);

/** Decompositions so far, failed ones and those of dopt_e2e_spectrum() included; 0 for NULL. */
DOPT_API int64_t dopt_e2e_refreshes(const dopt_e2e *e2e);

/** Bytes that the handle holds, its workspace included; 0 for NULL. */
DOPT_API size_t dopt_e2e_workspace_bytes(const dopt_e2e *e2e);

/**
 * An eigenvalue of P_W / of the limit of P_W / N, for singular values a and b (0 in the null space):
 * K = (a^2 - b^2) / (a^{2/N} - b^{2/N}), and N a^{2-2/N} at a = b.
 *
 * @param[in] a, b   finite, >= 0
 * @param[in] depth  N >= 1, or INFINITY
 *
 * Accuracy: a few eps. Thread safety: any thread, any time.
 */
DOPT_API double dopt_e2e_kernel(double a, double b, double depth);

DOPT_END_DECLS

#endif

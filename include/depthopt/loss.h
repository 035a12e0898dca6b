/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LOSS_H
#define DEPTHOPT_LOSS_H

/**
 * @file depthopt/loss.h
 * Losses of predictions Z against targets Y, both m x k, one example a row.
 *
 *     value = weight * (1/m) * sum_i l(z_i, y_i)        dz_i = weight * (1/m) * dl/dz_i
 *
 * with z_i, y_i the rows. For the elementwise losses, l sums over the k outputs; r = z - y:
 *
 *     kind        l(z, y)                                              default weight   targets
 *     lp          |r|^p, any real p >= 1                               1/p              any
 *     squared     r^2                                                  1/2              any
 *     huber       r^2/2 if |r| <= delta, else delta (|r| - delta/2)    1                any
 *     logistic    log(1 + exp(-y z))                                   1                -1 or +1
 *     softmax_ce  log sum_c exp(z_c) - sum_c y_c z_c                   1                rows >= 0 that sum to 1
 *     custom      yours                                                1                any
 *
 * At r = 0 the derivative of |r|^p for p = 1 is taken as 0. Sums are in double for either dtype, over
 * blocks in a fixed order.
 */

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * A loss. Immutable once created.
 *
 * Thread safety: any number of threads may evaluate one loss at the same time (a custom loss if its
 * callback allows it).
 */
typedef struct dopt_loss dopt_loss;

/** Start from DOPT_LOSS_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_loss_options {
    size_t struct_size;       /**< Set by the initializer. */
    double weight;            /**< Factor of the loss, finite, > 0. Default 0: the kind's default weight. */
    dopt_allocator allocator; /**< Default: malloc and free. */
} dopt_loss_options;

/** Initializer of dopt_loss_options: all defaults. */
#define DOPT_LOSS_OPTIONS_INIT { sizeof(dopt_loss_options), 0.0, { NULL, NULL, NULL } }

/**
 * A loss of yours on a block of rows.
 *
 * @param[in]  z      b x k predictions: some of the rows, as many as it suits the caller
 * @param[in]  y      b x k targets of the same rows
 * @param[out] sum    the SUM of l over the b rows, neither divided by m nor weighted
 * @param[out] dz     b x k derivatives of that sum, dl/dz; `data` NULL: not wanted
 * @param[in]  user   as given at creation
 *
 * @return DOPT_OK, or a failure, which the calling function hands on to its caller, with what dopt_fail() recorded
 */
typedef dopt_status (*dopt_loss_fn)(dopt_cmat z, dopt_cmat y, double *sum, dopt_mat dz, void *user);

/**
 * Create a loss. One function for each kind.
 *
 * @param[in]  p        exponent, finite, >= 1
 * @param[in]  options  NULL for the defaults; not kept
 * @param[out] out      the new loss, to be freed with dopt_loss_destroy(); untouched on failure
 *
 * @retval DOPT_ERR_INVALID  `out` or `fn` is NULL, or a value is out of range
 * @retval DOPT_ERR_VERSION  `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM    no memory
 */
DOPT_API dopt_status dopt_loss_create_lp(double p, const dopt_loss_options *options, dopt_loss **out);
/** See dopt_loss_create_lp(). */
DOPT_API dopt_status dopt_loss_create_squared(const dopt_loss_options *options, dopt_loss **out);
/** See dopt_loss_create_lp(); `delta`: where the loss turns from square to linear, finite, > 0. */
DOPT_API dopt_status dopt_loss_create_huber(double delta, const dopt_loss_options *options, dopt_loss **out);
/** See dopt_loss_create_lp(). */
DOPT_API dopt_status dopt_loss_create_logistic(const dopt_loss_options *options, dopt_loss **out);
/** See dopt_loss_create_lp(). */
DOPT_API dopt_status dopt_loss_create_softmax_ce(const dopt_loss_options *options, dopt_loss **out);
/** See dopt_loss_create_lp(); `fn` and its argument `user` are kept, and `fn` is not NULL. */
DOPT_API dopt_status dopt_loss_create_custom(dopt_loss_fn fn, void *user, const dopt_loss_options *options,
                                             dopt_loss **out);

/** Free `*loss` and set it to NULL. `loss` and `*loss` may be NULL. */
DOPT_API void dopt_loss_destroy(dopt_loss **loss);

/** "lp", "squared", "huber", "logistic", "softmax_ce" or "custom"; "" for NULL. A static string. */
DOPT_API const char *dopt_loss_name(const dopt_loss *loss);

/** The weight in force; 0 for NULL. */
DOPT_API double dopt_loss_weight(const dopt_loss *loss);

/** p of lp (2 for squared), delta of huber; 0 for the others and for NULL. */
DOPT_API double dopt_loss_parameter(const dopt_loss *loss);

/**
 * Value and derivative of a loss.
 *
 * @param[in]  z      m x k, finite
 * @param[in]  y      m x k, finite, same dtype; targets as in the table above
 * @param[out] value  mean loss; NULL: not wanted; untouched on failure
 * @param[out] dz     m x k, same dtype, d value / dz; `data` NULL (dopt_mat_none()): not wanted; may be `z`
 *                    itself, must not overlap `z` otherwise, nor `y`; untouched on failure, unless a custom callback
 *                    fails half-way
 *
 * A value or derivative that overflows is returned as infinity.
 *
 * Cost: one pass, plus one to check z and y. Allocates nothing.
 * Accuracy: value and each dz to a few eps of the dtype, plus m eps for the sum.
 *
 * @retval DOPT_ERR_INVALID    `loss` is NULL, y holds a target that the loss does not allow, or `dz` overlaps `y`,
 *                             or `z` without being it
 * @retval DOPT_ERR_SHAPE      the views are not all m x k
 * @retval DOPT_ERR_DTYPE      the views differ in dtype
 * @retval DOPT_ERR_NONFINITE  z or y holds a NaN or an infinity
 */
DOPT_API dopt_status dopt_loss_eval(const dopt_loss *loss, dopt_cmat z, dopt_cmat y, double *value,
                                    dopt_mat dz);

DOPT_END_DECLS

#endif

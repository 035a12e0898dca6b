/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OPTIM_H
#define DEPTHOPT_OPTIM_H

/**
 * @file depthopt/optim.h
 * Update rules on blocks of parameters.
 *
 * An optimizer moves a list of matrices ("blocks") against their gradients. Elementwise, with p the
 * parameter, g its gradient plus weight_decay * p (or, with DOPT_DECOUPLED = 1, g the gradient alone and
 * p <- (1 - lr * weight_decay) p first), t = 1, 2, ... the step, and all state zero at first unless said:
 *
 *     gd        p -= lr g
 *     momentum  v = momentum v + g;             p -= lr v                              (heavy ball)
 *     nesterov  v = momentum v + g;             p -= lr (g + momentum v)
 *     adagrad   a += g^2, a = accumulator at t = 0;  p -= lr g / (sqrt(a) + epsilon)
 *     adadelta  a = rho a + (1 - rho) g^2;      u = g sqrt(b + epsilon) / sqrt(a + epsilon);
 *               b = rho b + (1 - rho) u^2;      p -= lr u
 *     rmsprop   a = rho a + (1 - rho) g^2;      p -= lr g / (sqrt(a) + epsilon)
 *     adam      m = beta1 m + (1 - beta1) g;    a = beta2 a + (1 - beta2) g^2;
 *               p -= lr (m / (1 - beta1^t)) / (sqrt(a / (1 - beta2^t)) + epsilon)
 *     group_rmsprop  a = rho a + (1 - rho) ||g||^2, one number for all blocks together;
 *                    p -= lr g / (sqrt(a / (1 - rho^t)) + epsilon)
 *
 * group_rmsprop only sets the length of the step, so a step of it is one of gradient descent with another
 * learning rate: it leaves balanced factors as balanced as gradient descent would.
 *
 * Frameworks differ in where epsilon stands and in what the accumulators start from. These are PyTorch's
 * formulas; TensorFlow's adagrad starts from accumulator 0.1, and its rmsprop has epsilon under the root.
 *
 *     hyperparameter     kinds                       default                            range
 *     DOPT_LR            all                         1e-2; adadelta 1, adam and         [0, inf)
 *                                                    group_rmsprop 1e-3
 *     DOPT_WEIGHT_DECAY  all                         0                                  [0, inf)
 *     DOPT_DECOUPLED     all                         0                                  0 or 1
 *     DOPT_MOMENTUM      momentum, nesterov          0.9                                [0, 1)
 *     DOPT_RHO           adadelta, rmsprop,          0.9, 0.99,                         [0, 1)
 *                        group_rmsprop               0.99
 *     DOPT_BETA1         adam                        0.9                                [0, 1)
 *     DOPT_BETA2         adam                        0.999                              [0, 1)
 *     DOPT_EPSILON       adagrad, adadelta,          1e-10, 1e-6,                       (0, inf)
 *                        rmsprop, adam,              1e-8, 1e-8,
 *                        group_rmsprop               1e-4
 *     DOPT_ACCUMULATOR   adagrad                     0                                  [0, inf)
 *
 * Sources: Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013; Duchi, Hazan, Singer 2011;
 * Zeiler 2012; Tieleman, Hinton 2012; Kingma, Ba 2015; decoupled weight decay: Loshchilov, Hutter 2019;
 * group_rmsprop: Arora, Cohen, Hu, Luo 2019.
 */

#include <stddef.h>
#include <stdint.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/net.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/** Update rules. */
typedef enum dopt_optim_kind {
    DOPT_OPTIM_GD = 0,
    DOPT_OPTIM_MOMENTUM = 1,
    DOPT_OPTIM_NESTEROV = 2,
    DOPT_OPTIM_ADAGRAD = 3,
    DOPT_OPTIM_ADADELTA = 4,
    DOPT_OPTIM_RMSPROP = 5,
    DOPT_OPTIM_ADAM = 6,
    DOPT_OPTIM_GROUP_RMSPROP = 7
} dopt_optim_kind;

/** Hyperparameters; the table above says which kinds have which. */
typedef enum dopt_hyper {
    DOPT_LR = 0,
    DOPT_WEIGHT_DECAY = 1,
    DOPT_DECOUPLED = 2,
    DOPT_MOMENTUM = 3,
    DOPT_RHO = 4,
    DOPT_BETA1 = 5,
    DOPT_BETA2 = 6,
    DOPT_EPSILON = 7,
    DOPT_ACCUMULATOR = 8
} dopt_hyper;

/** Number of dopt_hyper values in this release; kinds are counted by dopt_optim_kind_count(). */
#define DOPT_HYPER_COUNT 9

/** A hyperparameter and its value, for lists of them. */
typedef struct dopt_hyper_value {
    dopt_hyper hyper; /**< Which one. */
    double value;     /**< Within its range. */
} dopt_hyper_value;

/**
 * An optimizer: a rule, its hyperparameters, and its state for one list of blocks.
 *
 * The state belongs to the shapes that the first step (or dopt_optim_prepare()) saw; later steps must
 * bring the same list: as many blocks, of the same shapes, dtypes and layouts.
 *
 * Thread safety: one thread at a time per handle, or the second call fails with DOPT_ERR_BUSY; distinct handles
 * are independent. docs/threads.md says it for each function.
 */
typedef struct dopt_optim dopt_optim;

/** Number of update rules in this release: kinds run from 0 to this number less one. */
DOPT_API int dopt_optim_kind_count(void);

/** "gd", "momentum", ...; "" for a value out of range. A static string. */
DOPT_API const char *dopt_optim_kind_name(dopt_optim_kind kind);

/**
 * The kind of that name.
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or there is no such name (the message lists them); `*out`
 *                           is untouched
 */
DOPT_API dopt_status dopt_optim_kind_by_name(const char *name, dopt_optim_kind *out);

/** "lr", "weight_decay", ...; "" for a value out of range. A static string. */
DOPT_API const char *dopt_hyper_name(dopt_hyper hyper);

/**
 * Create an optimizer with the default hyperparameters and malloc.
 *
 * @param[in]  kind  the rule, for good; the rest is set by dopt_optim_set()
 * @param[out] out  to be freed with dopt_optim_destroy(); untouched on failure
 *
 * @retval DOPT_ERR_INVALID  `out` is NULL, or `kind` is unknown
 * @retval DOPT_ERR_NOMEM    no memory
 */
DOPT_API dopt_status dopt_optim_create(dopt_optim_kind kind, dopt_optim **out);

/** The same with an allocator of yours; NULL: malloc and free. DOPT_ERR_INVALID also for one with a single callback. */
DOPT_API dopt_status dopt_optim_create_with(dopt_optim_kind kind, const dopt_allocator *allocator,
                                            dopt_optim **out);

/** Free `*optim` and set it to NULL. `optim` and `*optim` may be NULL. */
DOPT_API void dopt_optim_destroy(dopt_optim **optim);

/** Kind of an optimizer; DOPT_OPTIM_GD for NULL. */
DOPT_API dopt_optim_kind dopt_optim_get_kind(const dopt_optim *optim);

/** Steps taken since creation or the last reset; 0 for NULL. */
DOPT_API int64_t dopt_optim_steps(const dopt_optim *optim);

/**
 * Set a hyperparameter. Takes effect from the next step; DOPT_ACCUMULATOR only before the first one or
 * after a reset.
 *
 * @retval DOPT_ERR_INVALID  `optim` is NULL, the kind has no such hyperparameter, or `value` is out of range
 * @retval DOPT_ERR_BUSY     `optim` is in use by another call
 */
DOPT_API dopt_status dopt_optim_set(dopt_optim *optim, dopt_hyper hyper, double value);

/** Value of a hyperparameter; NaN if the kind has none of that name, or for NULL. */
DOPT_API double dopt_optim_get(const dopt_optim *optim, dopt_hyper hyper);

/** What a hyperparameter may be. */
typedef struct dopt_hyper_bounds {
    double initial; /**< Default value. */
    double lower;   /**< Smallest value. */
    double upper;   /**< Largest value; may be INFINITY. */
    int lower_open; /**< 1: `lower` itself is not allowed. */
    int upper_open; /**< 1: `upper` itself is not allowed. */
} dopt_hyper_bounds;

/**
 * Default and range of a hyperparameter of a kind.
 *
 * @retval DOPT_ERR_INVALID  `out` is NULL, or the kind has no such hyperparameter; `*out` is untouched
 */
DOPT_API dopt_status dopt_optim_bounds(dopt_optim_kind kind, dopt_hyper hyper, dopt_hyper_bounds *out);

/**
 * Allocate the state for a list of blocks now, so that no step allocates. Without this call the first step
 * does it. A second call with another list is an error; with the same list it does nothing.
 *
 * @param[in] blocks  number of blocks, >= 1
 * @param[in] params  `blocks` views; only shape, layout and dtype matter; not kept
 *
 * Memory: as many elements as the blocks have, times 0 (gd, group_rmsprop), 1 (momentum, nesterov,
 * adagrad, rmsprop) or 2 (adadelta, adam), in the dtype of each block.
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or `blocks` < 1
 * @retval DOPT_ERR_SHAPE    a view is not valid, or the list differs from the one that the state is for
 * @retval DOPT_ERR_DTYPE    as SHAPE, for the dtype
 * @retval DOPT_ERR_NOMEM    no memory
 * @retval DOPT_ERR_BUSY     `optim` is in use by another call
 */
DOPT_API dopt_status dopt_optim_prepare(dopt_optim *optim, int blocks, const dopt_mat *params);

/**
 * dopt_optim_prepare() for the factors of a net, and its bias after them, if it has one.
 *
 * @retval as dopt_optim_prepare(); DOPT_ERR_INVALID if a handle is NULL
 * @retval DOPT_ERR_BUSY  `optim` or `net` is in use by another call
 */
DOPT_API dopt_status dopt_optim_prepare_net(dopt_optim *optim, dopt_net *net);

/**
 * A part of the state, to save it and to put it back: one matrix per block and state, and of a kind whose blocks share
 * a number (group_rmsprop) that number too. Together with dopt_optim_set_steps() it makes an optimizer go on in another
 * process as it would have here, bit by bit.
 *
 * @param[in] block  from 0 up, or -1 for what the blocks share
 * @param[in] state  from 0 up
 *
 * @return a view to read and write between steps, shape and dtype those of the block (1 x 1 and float64 where shared),
 *         elements without gaps; data NULL if there is no such state, or no list of blocks yet (dopt_optim_prepare()).
 *         Borrowed from `optim`.
 */
DOPT_API dopt_mat dopt_optim_state(dopt_optim *optim, int block, int state);

/**
 * Say how many steps have been taken, for a state that was put back.
 *
 * @retval DOPT_ERR_INVALID  `optim` is NULL, or `steps` < 0
 * @retval DOPT_ERR_BUSY     `optim` is in use by another call
 */
DOPT_API dopt_status dopt_optim_set_steps(dopt_optim *optim, int64_t steps);

/** Back to t = 0 and zero state, as if just created; hyperparameters and memory stay. NULL, or in use by another
 * call: nothing. */
DOPT_API void dopt_optim_reset(dopt_optim *optim);

/**
 * One step on a list of parameters of yours.
 *
 * @param[in]     blocks  number of blocks, the same at every step
 * @param[in,out] params  `blocks` views, moved in place; untouched on failure. A block overlaps neither its gradient
 *                        nor (this is not checked) anything of another block
 * @param[in]     grads   `blocks` views of the same shapes and dtypes, any layout, finite
 *
 * Cost: one pass over parameters, gradients and state, plus one over the gradients to check them.
 * Allocates on the first step at most; see dopt_optim_prepare().
 * Accuracy: elementwise in double, rounded once to the dtype.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, `blocks` < 1, or a block overlaps its gradient
 * @retval DOPT_ERR_SHAPE      a view does not fit its gradient, or the list is not the one of the first step
 * @retval DOPT_ERR_DTYPE      as SHAPE, for the dtype
 * @retval DOPT_ERR_NONFINITE  a gradient holds a NaN or an infinity
 * @retval DOPT_ERR_NOMEM      no memory for the state (first step only)
 * @retval DOPT_ERR_BUSY       `optim` is in use by another call
 */
DOPT_API dopt_status dopt_optim_apply(dopt_optim *optim, int blocks, const dopt_mat *params,
                                      const dopt_cmat *grads);

/**
 * One step on every factor of a net, from the gradient of the end-to-end matrix:
 * dopt_net_backward() and dopt_optim_apply() on the factors. A bias moves along the gradient that is in
 * dopt_net_bias_grad(): dL/dW does not determine it.
 *
 * @param[in,out] net   factors moved, gradients overwritten; factors untouched on failure
 * @param[in]     grad  dL/dW at the net's product, k x d, dtype of the net, finite
 *
 * @retval as dopt_net_backward() and dopt_optim_apply()
 */
DOPT_API dopt_status dopt_step(dopt_optim *optim, dopt_net *net, dopt_cmat grad);

/**
 * One step on every factor and the bias, from the gradients that the net holds already (after
 * dopt_net_backprop()).
 *
 * @retval as dopt_optim_apply()
 */
DOPT_API dopt_status dopt_optim_apply_net(dopt_optim *optim, dopt_net *net);

DOPT_END_DECLS

#endif

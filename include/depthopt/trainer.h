/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TRAINER_H
#define DEPTHOPT_TRAINER_H

/**
 * @file depthopt/trainer.h
 * A training run, one step at a time.
 *
 * A trainer joins an objective, a model (how W moves), an optimizer, a learning-rate schedule and stopping
 * rules. dopt_fit() (depthopt/fit.h) is the loop around it; drive it yourself to look at W between steps.
 *
 *     model     W is                      one step                                        per step
 *     direct    a k x d matrix            optimizer on W                                  one gradient
 *     factored  the product of N factors  optimizer on every factor                       one gradient, chain products
 *     e2e       a k x d matrix            optimizer on W, from P_W(dL/dW); with gd, the   one gradient, one
 *                                         end-to-end update rule                          preconditioner
 *
 * Each step evaluates value and gradient at the present W, checks the stopping rules against them, calls
 * the callback, and moves W.
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <depthopt/alloc.h>
#include <depthopt/log.h>
#include <depthopt/mat.h>
#include <depthopt/net.h>
#include <depthopt/objective.h>
#include <depthopt/optim.h>
#include <depthopt/schedule.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/** How W moves. */
typedef enum dopt_model {
    DOPT_MODEL_DIRECT = 0,   /**< W itself: depth 1. */
    DOPT_MODEL_FACTORED = 1, /**< W = W_N ... W_1, the factors are trained. */
    DOPT_MODEL_E2E = 2       /**< W itself, by the end-to-end preconditioner of depth N. */
} dopt_model;

/** Where a run starts. NORMAL, IDENTITY and BALANCED draw factors of the given depth and width whatever the
 * model, and direct and e2e models start from their product: models of one seed start at the same W. A depth
 * that is no integer is rounded for this purpose, and INFINITY counts as 2. */
typedef enum dopt_init {
    DOPT_INIT_GIVEN = 0,    /**< The caller's W; a factored model takes balanced factors of it. */
    DOPT_INIT_NORMAL = 1,   /**< Factors i.i.d. N(0, init_std^2). */
    DOPT_INIT_IDENTITY = 2, /**< Ones on the diagonals of the factors, plus N(0, init_std^2). */
    DOPT_INIT_BALANCED = 3  /**< A k x d matrix drawn from N(0, init_std^2), factored in balance. */
} dopt_init;

/** Why a run ended. Not an error: see dopt_status for those. */
typedef enum dopt_stop_reason {
    DOPT_STOP_NONE = 0,     /**< It has not: the next step can be taken. */
    DOPT_STOP_STEPS = 1,    /**< max_steps taken. */
    DOPT_STOP_TARGET = 2,   /**< value <= target. */
    DOPT_STOP_VALUE = 3,    /**< |last value - value| <= value_tolerance max(|value|, |last value|). */
    DOPT_STOP_GRADIENT = 4, /**< ||dL/dW||_F <= gradient_tolerance. */
    DOPT_STOP_STEP = 5,     /**< ||W - last W||_F <= step_tolerance ||W||_F. */
    DOPT_STOP_SECONDS = 6,  /**< Time is up. */
    DOPT_STOP_CALLBACK = 7, /**< The callback asked for it. */
    DOPT_STOP_DIVERGED = 8  /**< W, value or gradient left the finite numbers; W holds the last finite weights. */
} dopt_stop_reason;

/** "steps", "target", ...; "unknown" for a value out of range. A static string. */
DOPT_API const char *dopt_stop_reason_string(dopt_stop_reason reason);

/** What the callback sees: the state before the step is taken. */
typedef struct dopt_event {
    int64_t step;         /**< Steps taken so far: 0 at the first call. */
    double value;         /**< L(W), of the batch if there are batches. */
    double gradient_norm; /**< ||dL/dW||_F, likewise. */
    double lr;            /**< Learning rate of the step that comes. */
    dopt_cmat w;          /**< The present W; borrowed for the call. */
} dopt_event;

/** Called once a step; return non-zero to stop. */
typedef int (*dopt_callback)(const dopt_event *event, void *user);

/** Start from DOPT_FIT_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_fit_options {
    size_t struct_size; /**< Set by the initializer. */

    dopt_model model; /**< Default DOPT_MODEL_E2E. */
    double depth;     /**< N. e2e: real >= 1 or INFINITY; factored: an integer in [1, 1024]; direct: only
                           used by the initialisation, as an integer. Default 2. */
    ptrdiff_t width;  /**< Hidden width of the factors, for the factored model and for the initialisation.
                           Default 0: min(k, d). */
    dopt_init init;   /**< Default DOPT_INIT_GIVEN. W = 0 is a fixed point of every N > 1: a run from there ends with
                           DOPT_OK, where it began, and a warning to the logger. */
    double init_std;  /**< >= 0. Default 0.01. */

    dopt_optim_kind optimizer;        /**< Default DOPT_OPTIM_GD. */
    double lr;                        /**< Learning rate, finite, > 0. Default 0: the optimizer's default. */
    double weight_decay;              /**< Of each factor, >= 0; the e2e model sees N times as much, as Theorem 1
                                           says. Default 0. */
    const dopt_hyper_value *hypers;   /**< Others than lr and weight_decay, which are refused here; NULL: defaults.
                                           Each once. Not kept. */
    int hyper_count;                  /**< Their number. Default 0. */
    dopt_schedule schedule;           /**< Default: constant. */

    ptrdiff_t batch_size; /**< Rows a step; 0, the default, or >= m: all. Otherwise each epoch visits every row
                               once in an order that depends on (seed, epoch) alone; the last batch of an
                               epoch may be smaller. An epoch is (m + batch_size - 1) / batch_size steps.
                               With batches the stopping rules see value and gradient of one batch, so noise
                               ends runs: stop by a callback on validation data instead. An objective without
                               examples takes none. */
    uint64_t seed;        /**< Of initialisation and batches. Default 0. */

    int64_t max_steps;         /**< >= 0. Default 1000. */
    double target;             /**< Stop at value <= target. Default -INFINITY: never. */
    double value_tolerance;    /**< >= 0. Default 0: off. */
    double gradient_tolerance; /**< >= 0. Default 0: off; but a gradient of exactly 0 ends the run where nothing else
                                    would move W: on all rows, without weight decay and momentum. */
    double step_tolerance;     /**< >= 0. Default 0: off. Not during a warm-up: small steps count as arrived. */
    double max_seconds;        /**< > 0. Default INFINITY. Checked once a step. */

    dopt_callback callback; /**< Default NULL. To keep the best W, copy event->w. */
    void *user;             /**< Its argument. */
    dopt_logger logger;     /**< Told of a start that no step moves, and of decompositions that took a way around.
                                 Default: silent. */
    dopt_allocator allocator; /**< Default: malloc and free. */
} dopt_fit_options;

/** Initializer of dopt_fit_options: all defaults. */
#define DOPT_FIT_OPTIONS_INIT                                                                              \
    { sizeof(dopt_fit_options), DOPT_MODEL_E2E, 2.0, 0, DOPT_INIT_GIVEN, 0.01, DOPT_OPTIM_GD, 0.0, 0.0,    \
      NULL, 0, { DOPT_SCHEDULE_CONSTANT, 0, 0, 0.0 }, 0, 0, 1000, -INFINITY, 0.0, 0.0, 0.0, INFINITY,      \
      NULL, NULL, { NULL, NULL }, { NULL, NULL, NULL } }

/** How a run went. `value`, `gradient_norm`: of the batch if there are batches. */
typedef struct dopt_report {
    dopt_stop_reason reason; /**< DOPT_STOP_NONE while running. */
    int64_t steps;           /**< Steps taken; for DIVERGED, the step whose result was not finite is not counted. */
    double value;            /**< L at the last W that was evaluated; NaN before the first evaluation. */
    double gradient_norm;    /**< ||dL/dW||_F there. */
    double best_value;       /**< Smallest value seen: with batches, of the luckiest batch. */
    int64_t best_step;       /**< Steps taken when it was seen. */
    double seconds;          /**< Wall time since creation. */
    dopt_route route;        /**< How the objective evaluates all rows: what `reduction` came to. */
} dopt_report;

/**
 * A training run.
 *
 * Thread safety: one thread at a time per handle, or the second call fails with DOPT_ERR_BUSY; so does a step whose
 * objective is in use by another thread. While the callback runs the trainer is in use, its objective and its net
 * are not. docs/threads.md says it for each function.
 */
typedef struct dopt_trainer dopt_trainer;

/**
 * Set up a run: allocate, draw the initial weights, and write them to w.
 *
 * @param[in]     objective  borrowed until the trainer is destroyed
 * @param[in]     options    NULL for the defaults; not kept
 * @param[in,out] w          k x d, dtype of the objective, any layout; borrowed until the trainer is destroyed.
 *                           On entry the start if init is GIVEN; from then on the trainer's W. Do not write to
 *                           it while the trainer lives. Untouched on failure.
 * @param[out]    out        to be freed with dopt_trainer_destroy(); untouched on failure
 *
 * Cost: the start; for a factored model with GIVEN or BALANCED one SVD. Memory, from options->allocator: two k x d
 * matrices, the optimizer's state, and the net of a factored model or the workspace of dopt_e2e_create().
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, or a value is out of range
 * @retval DOPT_ERR_SHAPE      `w` is not k x d, or `width` is smaller than the rank of the given W
 * @retval DOPT_ERR_DTYPE      `w` has another dtype than the objective
 * @retval DOPT_ERR_NONFINITE  the start holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  no decomposition of the start converged
 * @retval DOPT_ERR_VERSION    `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM      no memory
 */
DOPT_API dopt_status dopt_trainer_create(dopt_objective *objective, const dopt_fit_options *options,
                                         dopt_mat w, dopt_trainer **out);

/** Free `*trainer` and set it to NULL; w keeps its last value. `trainer` and `*trainer` may be NULL. */
DOPT_API void dopt_trainer_destroy(dopt_trainer **trainer);

/**
 * Evaluate, check the stopping rules, call the callback, and move W once.
 *
 * After the run has ended it does nothing more, and returns DOPT_OK.
 *
 * @param[out] reason  DOPT_STOP_NONE if W was moved and the run goes on, else why it ended; may be NULL
 *
 * Cost: one dopt_objective_eval() and one move of the model (see the table above). Allocates nothing.
 *
 * @retval DOPT_ERR_INVALID    `trainer` is NULL
 * @retval any status that a custom objective returned; DOPT_ERR_NUMERICAL if no decomposition converged. W
 *         is what it was before the step.
 * @retval DOPT_ERR_BUSY       `trainer` is in use by another call
 */
DOPT_API dopt_status dopt_trainer_step(dopt_trainer *trainer, dopt_stop_reason *reason);

/** How the run stands; all zero with reason NONE for NULL. */
DOPT_API dopt_report dopt_trainer_report(const dopt_trainer *trainer);

/** The net of a factored model, borrowed; NULL for the others. Do not write to its factors. */
DOPT_API dopt_net *dopt_trainer_net(dopt_trainer *trainer);

DOPT_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_SCHEDULE_H
#define DEPTHOPT_SCHEDULE_H

/**
 * @file depthopt/schedule.h
 * Learning rates over time.
 */

#include <stdint.h>

#include <depthopt/api.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/** Shape of a schedule. With t = step - warmup, T = period, f = factor, lr the base learning rate: */
typedef enum dopt_schedule_kind {
    DOPT_SCHEDULE_CONSTANT = 0,    /**< lr */
    DOPT_SCHEDULE_STEP = 1,        /**< lr f^floor(t / T) */
    DOPT_SCHEDULE_EXPONENTIAL = 2, /**< lr f^(t / T) */
    DOPT_SCHEDULE_COSINE = 3,      /**< lr (f + (1 - f) (1 + cos(pi min(t, T) / T)) / 2): lr f from t = T on. With f = 0
                                        W stands still then, until a stopping rule ends the run. */
    DOPT_SCHEDULE_INVERSE_TIME = 4 /**< lr / (1 + f t / T) */
} dopt_schedule_kind;

/** A schedule; all zero is a constant learning rate without warm-up. A plain value, frozen (docs/abi.md). */
typedef struct dopt_schedule {
    dopt_schedule_kind kind; /**< Default DOPT_SCHEDULE_CONSTANT. */
    int64_t warmup;          /**< Steps of linear warm-up before t = 0, lr (step + 1) / warmup; >= 0. Default 0. */
    int64_t period;          /**< T >= 1 steps; ignored by CONSTANT. */
    double factor;           /**< f: in (0, 1] for STEP and EXPONENTIAL, [0, 1] for COSINE (what is left at
                                  the end), >= 0 for INVERSE_TIME; ignored by CONSTANT. */
} dopt_schedule;

/**
 * Learning rate of a step.
 *
 * @param[in] schedule  NULL: constant
 * @param[in] lr        base learning rate
 * @param[in] step      0, 1, 2, ...; a negative one counts as 0
 *
 * @return the learning rate; NaN if the schedule's fields are out of range
 *
 * Thread safety: any thread, any time.
 */
DOPT_API double dopt_schedule_lr(const dopt_schedule *schedule, double lr, int64_t step);

/**
 * Check the fields of a schedule.
 *
 * Thread safety: any thread, any time.
 *
 * @retval DOPT_ERR_INVALID  `schedule` is NULL, or a field is out of range
 */
DOPT_API dopt_status dopt_schedule_check(const dopt_schedule *schedule);

DOPT_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_H
#define DEPTHOPT_FIT_H

/**
 * @file depthopt/fit.h
 * Train in one call.
 */

#include <depthopt/mat.h>
#include <depthopt/objective.h>
#include <depthopt/status.h>
#include <depthopt/trainer.h>

DOPT_BEGIN_DECLS

/**
 * Minimise an objective over W.
 *
 * A loop over dopt_trainer_step() until it says why it ended.
 *
 * @param[in]     objective  see depthopt/objective.h
 * @param[in]     options    see dopt_fit_options (depthopt/trainer.h); NULL for the defaults; not kept
 * @param[in,out] w          k x d, dtype of the objective: the start, if options->init is GIVEN, and the result.
 *                           A run that diverged leaves the last finite weights, one that failed at a step
 *                           those before that step.
 * @param[out]    report     how it went; may be NULL; untouched if the run could not start
 *
 * Cost and memory: those of a dopt_trainer, which lives for the call.
 * Thread safety: one thread at a time per objective; runs on different objectives are independent.
 *
 * @retval as dopt_trainer_create() and dopt_trainer_step(), in whose place the message names dopt_fit. Divergence is
 *         not an error: it is DOPT_STOP_DIVERGED in the report.
 */
DOPT_API dopt_status dopt_fit(dopt_objective *objective, const dopt_fit_options *options, dopt_mat w,
                              dopt_report *report);

DOPT_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LR_SEARCH_H
#define DEPTHOPT_LR_SEARCH_H

/**
 * @file depthopt/lr_search.h
 * Choose a learning rate by trying a grid.
 *
 * The candidates are run over the whole horizon, since a rate that is ahead early may go unstable later,
 * and the one with the smallest value at its end wins: the value of the objective itself, so of the training data. To
 * judge by other data, call dopt_fit() for each rate. Runs that diverge are out, and end when they do: when a number is
 * not finite, or when the value, of a batch if there are batches, has grown to a million times what that of all data
 * was at the start.
 */

#include <stddef.h>
#include <stdint.h>

#include <depthopt/mat.h>
#include <depthopt/objective.h>
#include <depthopt/status.h>
#include <depthopt/trainer.h>

DOPT_BEGIN_DECLS

/** What became of one candidate. */
typedef struct dopt_lr_trial {
    double lr;               /**< The candidate. */
    double value;            /**< L of all data at the end of its run; INFINITY if it diverged. */
    dopt_stop_reason reason; /**< Why it ended. */
    int64_t steps;           /**< Steps taken. */
} dopt_lr_trial;

/**
 * Run `count` candidates and choose.
 *
 * @param[in]  objective  each run works on a clone of it, on one thread
 * @param[in]  options    of every run, but for `lr`; the callback is called from several threads if `threads` is
 *                        not 1, the logger by the search alone; NULL for the defaults
 * @param[in]  w0         k x d: the start if options->init is GIVEN, else only its shape matters
 * @param[in]  count      number of candidates, >= 1
 * @param[in]  grid       `count` learning rates, each finite and > 0
 * @param[in]  threads    runs side by side, in [1, 256]; 0: as many as there are processors. The answer does
 *                        not depend on it, unless `max_seconds` or the callback ends runs.
 * @param[out] trials     `count` results in the order of the grid; NULL: not wanted; untouched on failure
 * @param[out] best       index of the winner, the smaller learning rate in a tie; untouched on failure
 *
 * Memory: each running candidate has its own W, optimizer and workspace, so that at most `threads` of them are there at
 * a time. Runs by DOPT_ROUTE_PRODUCTS call the BLAS side by side, which is best on one thread then
 * (OPENBLAS_NUM_THREADS=1); by DOPT_ROUTE_PASS they do not call it.
 *
 * Cost: `count` runs, of which those that diverge end early, and one evaluation on all rows for each.
 * Thread safety: one thread at a time per objective, whose clones share its data and loss; a callback of either must
 * bear several threads if `threads` is not 1.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, or a value is out of range
 * @retval DOPT_ERR_SHAPE, DOPT_ERR_DTYPE  `w0` is not k x d, or of another dtype than the data
 * @retval DOPT_ERR_NUMERICAL  every candidate diverged: try smaller ones
 * @retval as dopt_fit()       if a run could not be carried out
 */
DOPT_API dopt_status dopt_lr_search(dopt_objective *objective, const dopt_fit_options *options, dopt_cmat w0, int count,
                                    const double *grid, int threads, dopt_lr_trial *trials, int *best);

DOPT_END_DECLS

#endif

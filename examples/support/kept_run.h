/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_KEPT_RUN_H
#define EXAMPLES_KEPT_RUN_H

/*
 * The files of a run of lp_regression, two beside each other: FILE-METHOD-DEPTH, the trainer's checkpoint, and the same
 * with .curve, what was asked for, its learning rate and the losses recorded so far. The curve is written first:
 * whenever the process ends, it reaches at least as far as the checkpoint.
 */

#include "keep.h"
#include "run.h"

/* FILE-METHOD-DEPTH, with something appended. */
enum { KEPT_PATH = 4096 };
void kept_run_path(const run *r, const job *j, const char *suffix, char path[KEPT_PATH]);

/* The learning rate and the losses of a run of before, if there is one to go on with and it is of the same job.
 * False: `message` says what failed, or which option differs. */
bool kept_run_curve(run *r, const job *j, char message[KEEP_MESSAGE]);

/* Go on from the checkpoint if there is one, and forget what was recorded after it. */
dopt_status kept_run_resume(run *r, const job *j, dopt_trainer *trainer);

/* Save the curve, or both. False: `message` says what failed. */
bool kept_run_save_curve(const run *r, const job *j, char message[KEEP_MESSAGE]);
bool kept_run_save(const run *r, const job *j, const dopt_trainer *trainer, char message[KEEP_MESSAGE]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_KEEP_H
#define EXAMPLES_KEEP_H

/*
 * Runs that outlive their process. For each run there are two files beside each other: FILE-METHOD-DEPTH, the trainer's
 * checkpoint, and the same with .curve, its learning rate and the losses recorded so far. The curve is written first:
 * whenever the process ends, it reaches at least as far as the checkpoint.
 */

#include "run.h"

/* From now on an interrupt (SIGINT, SIGTERM) is noted, and runs are to save and end. */
void keep_watch(void);
bool keep_interrupted(void);

/* The learning rate and the losses of a run of before. False: there are none. */
bool keep_read_curve(run *r, const job *j);

/* Go on from the checkpoint if there is one, and forget what was recorded after it. */
dopt_status keep_resume(run *r, const job *j, dopt_trainer *trainer);

/* Save both. False: `message` says what failed. */
bool keep_save(const run *r, const job *j, const dopt_trainer *trainer, char message[256]);

#endif

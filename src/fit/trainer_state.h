/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_TRAINER_STATE_H
#define DEPTHOPT_FIT_TRAINER_STATE_H

/* What a run is made of; src/checkpoint saves and restores it. Needs POSIX's struct timespec. */

#include <stdbool.h>
#include <time.h>

#include <depthopt/trainer.h>

#include "base/busy.h"
#include "fit/model.h"

struct dopt_trainer {
    dopt__busy busy;
    dopt_fit_options options;
    dopt_objective *objective;
    dopt__model model;
    dopt_mat w;          /* the caller's */
    dopt_mat last, grad; /* like w, without gaps */
    ptrdiff_t *rows;     /* of a batch; NULL: all rows */
    double base_lr;
    double before; /* the value one step ago */
    bool seen;     /* w has had a finite value */
    dopt_report report;
    struct timespec start;
    double seconds_before; /* of the run before it was resumed here */
};

/* dopt_trainer_create() and dopt_trainer_step() of a trainer that is not in use, on behalf of `func`. */
dopt_status dopt__trainer_create(const char *func, dopt_objective *objective, const dopt_fit_options *options,
                                 dopt_mat w, dopt_trainer **out);
dopt_status dopt__trainer_step(const char *func, dopt_trainer *trainer, dopt_stop_reason *reason);

#endif

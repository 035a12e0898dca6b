/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_TRAINER_STATE_H
#define DEPTHOPT_FIT_TRAINER_STATE_H

/* What a run is made of; src/checkpoint saves and restores it. Needs POSIX's struct timespec. */

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
    dopt_report report;
    struct timespec start;
    double seconds_before; /* of the run before it was resumed here */
};

#endif

/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include <depthopt/fit.h>

#include "base/check.h"
#include "fit/trainer_state.h"

dopt_status dopt_fit(dopt_objective *objective, const dopt_fit_options *options, dopt_mat w, dopt_report *report)
{
    dopt_trainer *trainer = NULL;
    dopt_stop_reason reason = DOPT_STOP_NONE;
    DOPT_TRY(dopt__trainer_create(__func__, objective, options, w, &trainer));
    dopt_status status = DOPT_OK;
    while (status == DOPT_OK && reason == DOPT_STOP_NONE)
        status = dopt__trainer_step(__func__, trainer, &reason);
    if (report)
        *report = dopt_trainer_report(trainer);
    dopt_trainer_destroy(&trainer);
    return status;
}

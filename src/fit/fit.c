/* SPDX-License-Identifier: MIT */
#include <depthopt/fit.h>

#include "base/check.h"

dopt_status dopt_fit(dopt_objective *objective, const dopt_fit_options *options, dopt_mat w, dopt_report *report)
{
    dopt_trainer *trainer = NULL;
    dopt_stop_reason reason = DOPT_STOP_NONE;
    DOPT_TRY(dopt_trainer_create(objective, options, w, &trainer));
    dopt_status status = DOPT_OK;
    while (status == DOPT_OK && reason == DOPT_STOP_NONE)
        status = dopt_trainer_step(trainer, &reason);
    if (report)
        *report = dopt_trainer_report(trainer);
    dopt_trainer_destroy(&trainer);
    return status;
}

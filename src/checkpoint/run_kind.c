/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "checkpoint/run_kind.h"

#include <stdio.h>

#include "fit/trainer_state.h"

static const char *const models[] = {
    [DOPT_MODEL_DIRECT] = "direct", [DOPT_MODEL_FACTORED] = "factored", [DOPT_MODEL_E2E] = "e2e"
};

static const char *const schedules[] = { [DOPT_SCHEDULE_CONSTANT] = "constant",
                                         [DOPT_SCHEDULE_STEP] = "step",
                                         [DOPT_SCHEDULE_EXPONENTIAL] = "exponential",
                                         [DOPT_SCHEDULE_COSINE] = "cosine",
                                         [DOPT_SCHEDULE_INVERSE_TIME] = "inverse_time" };

static void set(dopt__word *word, const char *option, const char *value)
{
    word->option = option;
    (void)snprintf(word->value, sizeof word->value, "%s", value);
}

int dopt__run_kind(const dopt_trainer *trainer, dopt__word out[DOPT__WORDS_MAX])
{
    const dopt_fit_options *o = &trainer->options;
    set(&out[0], "model", models[o->model]);
    set(&out[1], "optimizer", dopt_optim_kind_name(o->optimizer));
    set(&out[2], "schedule", schedules[o->schedule.kind]);
    if (!trainer->model.net)
        return 3;
    out[3].option = "depth";
    (void)snprintf(out[3].value, sizeof out[3].value, "%d", dopt_net_depth(trainer->model.net));
    return 4;
}

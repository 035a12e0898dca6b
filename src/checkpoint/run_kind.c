/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "checkpoint/run_kind.h"

#include <stdio.h>

#include "fit/options.h"
#include "fit/trainer_state.h"
#include "optim/schedule.h"

static void set(dopt__word *word, const char *option, const char *value)
{
    word->option = option;
    (void)snprintf(word->value, sizeof word->value, "%s", value);
}

int dopt__run_kind(const dopt_trainer *trainer, dopt__word out[DOPT__WORDS_MAX])
{
    const dopt_fit_options *o = &trainer->options;
    set(&out[0], "model", dopt__model_names[o->model]);
    set(&out[1], "optimizer", dopt_optim_kind_name(o->optimizer));
    set(&out[2], "schedule", dopt__schedule_names[o->schedule.kind]);
    if (!trainer->model.net)
        return 3;
    out[3].option = "depth";
    (void)snprintf(out[3].value, sizeof out[3].value, "%d", dopt_net_depth(trainer->model.net));
    return 4;
}

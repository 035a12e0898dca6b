/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_RUN_KIND_H
#define DEPTHOPT_CHECKPOINT_RUN_KIND_H

/*
 * The options that decide which tensors a checkpoint has, as words: "model", "optimizer", "schedule" and, of factors,
 * "depth". They stand at the front of the file and are compared first, so that a run of another kind is called that.
 */

#include <depthopt/status.h>
#include <depthopt/trainer.h>

enum { DOPT__WORDS_MAX = 4 };

typedef struct dopt__word {
    const char *option;
    char value[24];
} dopt__word;

/* Those of a trainer; returns how many. */
int dopt__run_kind(const dopt_trainer *trainer, dopt__word out[DOPT__WORDS_MAX]);

#endif

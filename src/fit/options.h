/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_OPTIONS_H
#define DEPTHOPT_FIT_OPTIONS_H

#include <depthopt/trainer.h>

/* By dopt_model. */
extern const char *const dopt__model_names[DOPT_MODEL_E2E + 1];

/* The caller's options over the defaults, every field checked. */
dopt_status dopt__fit_options(const char *func, const dopt_fit_options *options, dopt_fit_options *out);

#endif

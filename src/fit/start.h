/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_START_H
#define DEPTHOPT_FIT_START_H

#include <depthopt/trainer.h>

/*
 * Where a run starts: writes it to `start` (like the caller's w, which counts if init is GIVEN), and for a factored
 * model makes the net. *net is NULL otherwise.
 */
dopt_status dopt__start(const char *func, const dopt_fit_options *options, dopt_cmat w, dopt_mat start, dopt_net **net);

/* Told to the logger: this start is a W = 0 that no step moves. `w` counts if init is GIVEN. */
void dopt__warn_of_rest(const char *func, const dopt_fit_options *options, dopt_cmat w);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_CLONE_H
#define DEPTHOPT_OBJECTIVE_CLONE_H

#include <depthopt/objective.h>

/* dopt_objective_clone() on another number of threads. */
dopt_status dopt__objective_clone_on(const dopt_objective *objective, int threads, dopt_objective **out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_SHARED_H
#define DEPTHOPT_OBJECTIVE_SHARED_H

/* What trainers ask of an objective that several processes evaluate together; nothing happens for the others. */

#include <depthopt/objective.h>

/* *choice becomes the largest over the processes, where one of them watches. */
dopt_status dopt__objective_agree(dopt_objective *objective, int *choice);

/* This process may stop by itself, or not. */
void dopt__objective_watch(dopt_objective *objective, int on);

#endif

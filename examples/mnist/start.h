/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_START_H
#define EXAMPLES_START_H

#include <stddef.h>

#include <depthopt/depthopt.h>

/* N(0, stddev^2) numbers, those beyond two standard deviations drawn again: the tutorial's initialisation. */
void truncated_normal(dopt_rng *rng, double stddev, float *out, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_PUBLISHED_H
#define EXAMPLES_PUBLISHED_H

#include "team.h"

/*
 * Points of the figures of Arora, Cohen, Hazan, "On the Optimization of Deep Networks: Implicit Acceleration by
 * Overparameterization", ICML 2018, read off the pictures with an error of 1 to 3 %: distance from the optimum, y,
 * after x iterations.
 */
typedef struct published {
    const char *figure, *curve;
    double x, y;
} published;

/* Ends with a NULL figure. */
extern const published published_points[];

/* State our distances beside the published ones of that figure, curves matched by the members' names. Only on the
 * paper's data. For each curve, the steps that we need to come as far over the published ones too: where that is the
 * same number along the curve, the published run is ours with another axis of time. */
void published_compare(study *s, const char *figure, int count, const member *const *members, double optimum);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_CURVE_H
#define EXAMPLES_CURVE_H

/* A growing list of points, such as the loss over the steps of a run. */

#include <stdbool.h>
#include <stddef.h>

typedef struct curve {
    size_t count, capacity;
    double *x, *y;
} curve;

/* False: out of memory. */
bool curve_add(curve *c, double x, double y);

/* y at x, or at the last point before it; NaN before the first point. */
double curve_at(const curve *c, double x);

/* The last x; NaN before the first point. */
double curve_end(const curve *c);

void curve_free(curve *c);

#endif

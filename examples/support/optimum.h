/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_OPTIMUM_H
#define EXAMPLES_OPTIMUM_H

#include "table.h"

/* The least mean of |x_i . w - y_i|^p over w, by other means than the runs that are measured against it. */
typedef struct optimum {
    double value;
    double gap;     /* what Newton's method still expects to gain, relative to the value */
    bool certified; /* the gap is below 1e-9, or the fit is exact */
    int iterations;
} optimum;

/* False: out of memory. */
bool optimum_find(const table *t, double p, optimum *out);

#endif

/* SPDX-License-Identifier: MIT */
#include "curve.h"

#include <math.h>
#include <stdlib.h>

bool curve_add(curve *c, double x, double y)
{
    if (c->count == c->capacity) {
        const size_t capacity = c->capacity ? 2 * c->capacity : 256;
        double *xs = realloc(c->x, capacity * sizeof *xs);
        if (xs)
            c->x = xs;
        double *ys = realloc(c->y, capacity * sizeof *ys);
        if (ys)
            c->y = ys;
        if (!xs || !ys)
            return false;
        c->capacity = capacity;
    }
    c->x[c->count] = x;
    c->y[c->count++] = y;
    return true;
}

double curve_at(const curve *c, double x)
{
    double y = NAN;
    for (size_t i = 0; i < c->count && c->x[i] <= x; i++)
        y = c->y[i];
    return y;
}

double curve_end(const curve *c)
{
    return c->count > 0 ? c->x[c->count - 1] : NAN;
}

void curve_free(curve *c)
{
    const curve none = { 0 };
    free(c->x);
    free(c->y);
    *c = none;
}

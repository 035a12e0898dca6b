/* SPDX-License-Identifier: MIT */
#include "standardise.h"

#include <float.h>
#include <math.h>

/* x[i * stride] <- (x - mean) / deviation. False, and nothing done, if there is no variation. */
static bool standardise_column(double *x, ptrdiff_t n, ptrdiff_t stride)
{
    long double sum = 0.0L, squares = 0.0L;
    double top = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum += (long double)x[i * stride];
        top = fmax(top, fabs(x[i * stride]));
    }
    const long double mean = sum / (long double)n;
    for (ptrdiff_t i = 0; i < n; i++)
        squares += ((long double)x[i * stride] - mean) * ((long double)x[i * stride] - mean);
    const long double deviation = sqrtl(squares / (long double)n);
    if (!((double)deviation > 1e4 * DBL_EPSILON * top))
        return false;
    for (ptrdiff_t i = 0; i < n; i++)
        x[i * stride] = (double)(((long double)x[i * stride] - mean) / deviation);
    return true;
}

ptrdiff_t standardise(table *t, bool *dropped)
{
    const ptrdiff_t all = t->cols;
    ptrdiff_t kept = 0;
    for (ptrdiff_t c = 0; c < all; c++) {
        dropped[c] = !standardise_column(t->x + c, t->rows, all);
        kept += !dropped[c];
    }
    double *to = t->x; /* close the gaps, row after row: the target is never ahead of the source */
    for (ptrdiff_t i = 0; i < t->rows; i++)
        for (ptrdiff_t c = 0; c < all; c++)
            if (!dropped[c])
                *to++ = t->x[i * all + c];
    t->cols = kept;
    return standardise_column(t->y, t->rows, 1) && kept > 0 ? all - kept : -1;
}

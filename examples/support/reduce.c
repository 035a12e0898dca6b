/* SPDX-License-Identifier: MIT */
/* With [X y] = Q R, || X w - y || = || R [w; -1] ||. */
#include "reduce.h"

#include <math.h>
#include <stdlib.h>

#include <lapacke.h>

/* The rows of the triangle, scaled so that their mean is that over the rows of t. `a`: column-major. */
static void take_triangle(const table *t, const double *a, table *out)
{
    const double scale = sqrt((double)out->rows / (double)t->rows);
    for (ptrdiff_t i = 0; i < out->rows; i++) {
        for (ptrdiff_t c = i; c < t->cols; c++)
            out->x[i * t->cols + c] = scale * a[c * t->rows + i];
        out->y[i] = scale * a[t->cols * t->rows + i];
    }
}

bool reduce_rows(const table *t, table *out)
{
    const ptrdiff_t m = t->rows, d = t->cols;
    double *a = m > d + 1 ? malloc((size_t)m * (size_t)(d + 1) * sizeof *a) : NULL;
    double *tau = calloc((size_t)d + 1, sizeof *tau);
    const bool made = table_allocate((size_t)d + 1, (size_t)d, out);
    bool good = a && tau && made;
    if (good) {
        for (ptrdiff_t i = 0; i < m; i++) {
            for (ptrdiff_t c = 0; c < d; c++)
                a[c * m + i] = t->x[i * d + c];
            a[d * m + i] = t->y[i];
        }
        good = LAPACKE_dgeqrf(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)(d + 1), a, (lapack_int)m, tau) == 0;
    }
    if (good)
        take_triangle(t, a, out);
    else if (made)
        table_free(out);
    free(a);
    free(tau);
    return good;
}

/* SPDX-License-Identifier: MIT */
/*
 * One-sided Jacobi (Hestenes 1958): slow, free of LAPACK, and convergent where the drivers give up.
 *
 * Each rotation makes one pair of rows orthogonal; the larger of the two comes last (de Rijk 1989), which both sorts
 * the rows and makes the sweeps converge. A pair counts as orthogonal when its cosine is at the level of the rounding
 * of the inner product.
 */

#include <float.h>
#include <math.h>

#include "linalg/jacobi.h"

enum { sweeps_max = 60 };

static double *row(dopt_mat m, ptrdiff_t i)
{
    return (double *)m.data + i * m.row_stride;
}

static double inner(const double *x, const double *y, ptrdiff_t n)
{
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* (x, y) <- (c x - s y, s x + c y) */
static void rotate(double *x, double *y, ptrdiff_t n, double c, double s)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a = x[i], b = y[i];
        x[i] = c * a - s * b;
        y[i] = s * a + c * b;
    }
}

/* Make rows i < j orthogonal, the larger one last. True if there was something to do. */
static bool rotate_pair(dopt_mat rows, dopt_mat ut, ptrdiff_t i, ptrdiff_t j, double zero)
{
    double *x = row(rows, i), *y = row(rows, j);
    const ptrdiff_t n = rows.cols;
    const double xx = inner(x, x, n), yy = inner(y, y, n), xy = inner(x, y, n);
    const bool orthogonal =
        sqrt(fmin(xx, yy)) <= zero || fabs(xy) <= sqrt((double)n) * DBL_EPSILON * sqrt(xx) * sqrt(yy);
    if (orthogonal && xx <= yy)
        return false;
    double c = 0.0, s = 1.0; /* a quarter turn: swap the rows */
    if (!orthogonal) {
        const double cotangent = (yy - xx) / (2.0 * xy);
        const double t = 1.0 / (cotangent + copysign(sqrt(1.0 + cotangent * cotangent), cotangent));
        c = 1.0 / sqrt(1.0 + t * t);
        s = t * c;
        if (xx > yy) { /* the small rotation leaves the larger row first: turn by a quarter more */
            const double small = s;
            s = c;
            c = -small;
        }
    }
    rotate(x, y, n, c, s);
    rotate(row(ut, i), row(ut, j), ut.cols, c, s);
    return true;
}

bool dopt__jacobi(dopt_mat rows, dopt_mat ut, double *norms, double zero)
{
    for (ptrdiff_t i = 0; i < ut.rows; i++)
        for (ptrdiff_t j = 0; j < ut.cols; j++)
            row(ut, i)[j] = i == j ? 1.0 : 0.0;
    bool turned = true;
    for (int sweep = 0; turned && sweep < sweeps_max; sweep++) {
        turned = false;
        for (ptrdiff_t i = 0; i + 1 < rows.rows; i++)
            for (ptrdiff_t j = i + 1; j < rows.rows; j++)
                turned |= rotate_pair(rows, ut, i, j, zero);
    }
    for (ptrdiff_t i = 0; i < rows.rows; i++)
        norms[i] = sqrt(inner(row(rows, i), row(rows, i), rows.cols));
    return !turned;
}

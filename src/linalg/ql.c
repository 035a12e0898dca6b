/* SPDX-License-Identifier: MIT */
/*
 * ql.h, compiled once for each instruction set; the sums have the same eight lanes in all.
 *
 * Eigenvectors are rows throughout, so that both the reflections and the rotations of QL work on contiguous memory.
 */

#include "linalg/ql.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/line_vectors.h"

enum { iterations_max = 60 };

typedef double vector __attribute__((vector_size(vector_bytes)));

/* In eight lanes. */
static double dot(const double *x, const double *y, ptrdiff_t n)
{
    enum { width = vector_bytes / 8 };
    vector sum[parts] = { { 0 } };
    double lane[8];
    ptrdiff_t i = 0;
    for (; i + 8 <= n; i += 8) {
        UNROLL
        for (ptrdiff_t j = 0; j < parts; j++) {
            vector a, b;
            memcpy(&a, x + i + j * width, sizeof a);
            memcpy(&b, y + i + j * width, sizeof b);
            sum[j] += a * b;
        }
    }
    memcpy(lane, sum, sizeof lane);
    for (int j = 0; i < n; i++, j++)
        lane[j] += x[i] * y[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* y <- y + c x */
static void add(double c, const double *x, double *y, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] += c * x[i];
}

/* The reflector I - tau v v^T that sends x (n) to (beta, 0, ...); v overwrites x. Returns tau. */
static double reflector(double *x, ptrdiff_t n, double *beta)
{
    const double tail = dot(x + 1, x + 1, n - 1);
    *beta = x[0];
    if (tail == 0.0)
        return 0.0;
    *beta = -copysign(sqrt(x[0] * x[0] + tail), x[0]);
    const double top = x[0] - *beta;
    for (ptrdiff_t i = 1; i < n; i++)
        x[i] /= top;
    x[0] = 1.0;
    return -top / *beta;
}

/* a <- H a H on the trailing part of order m = n - j - 1, for the reflector in row j; p: m of scratch. */
static void reflect_both(double *a, ptrdiff_t n, ptrdiff_t j, double tau, double *p)
{
    const ptrdiff_t m = n - j - 1;
    const double *v = a + j * n + j + 1;
    double *block = a + (j + 1) * n + j + 1;
    for (ptrdiff_t i = 0; i < m; i++)
        p[i] = tau * dot(block + i * n, v, m);
    add(-0.5 * tau * dot(p, v, m), v, p, m);
    for (ptrdiff_t i = 0; i < m; i++) {
        double *row = block + i * n;
        const double vi = v[i], pi = p[i];
        for (ptrdiff_t c = 0; c < m; c++)
            row[c] -= vi * p[c] + pi * v[c];
    }
}

/* a to tridiagonal form, d and e; its rows keep the reflectors, their tau goes to tau. */
static void reduce(double *a, ptrdiff_t n, double *d, double *e, double *tau, double *p)
{
    for (ptrdiff_t j = 0; j + 1 < n; j++) {
        d[j] = a[j * n + j];
        tau[j] = reflector(a + j * n + j + 1, n - j - 1, &e[j]);
        if (tau[j] != 0.0)
            reflect_both(a, n, j, tau[j], p);
    }
    d[n - 1] = a[n * n - 1];
}

/* Q^T of the reduction, Q = H_0 H_1 ...: rows of Q^T <- rows times H_j, from the last reflector to the first. */
static void accumulate(const double *a, ptrdiff_t n, const double *tau, double *q)
{
    memset(q, 0, (size_t)(n * n) * sizeof *q);
    for (ptrdiff_t i = 0; i < n; i++)
        q[i * n + i] = 1.0;
    for (ptrdiff_t j = n - 2; j >= 0; j--) {
        const double *v = a + j * n + j + 1;
        const ptrdiff_t m = n - j - 1;
        for (ptrdiff_t r = j + 1; r < n; r++) {
            double *row = q + r * n + j + 1;
            add(-tau[j] * dot(row, v, m), v, row, m);
        }
    }
}

/* (x, y) <- (c x - s y, s x + c y) */
static void rotate(double *restrict x, double *restrict y, ptrdiff_t n, double c, double s)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a = x[i], b = y[i];
        x[i] = c * a - s * b;
        y[i] = s * a + c * b;
    }
}

/* One implicit QL step with Wilkinson's shift on rows l ... m of the tridiagonal matrix. */
static void ql_step(ptrdiff_t l, ptrdiff_t m, double *d, double *e, double *q, ptrdiff_t n)
{
    const double half = (d[l + 1] - d[l]) / (2.0 * e[l]);
    double g = d[m] - d[l] + e[l] / (half + copysign(sqrt(half * half + 1.0), half));
    double s = 1.0, c = 1.0, p = 0.0;
    for (ptrdiff_t i = m - 1; i >= l; i--) {
        const double f = s * e[i], b = c * e[i], r = sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0.0) { /* underflow: the matrix has split */
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const double t = (d[i] - g) * s + 2.0 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        rotate(q + i * n, q + (i + 1) * n, n, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

/* First m >= l at which the tridiagonal matrix splits. */
static ptrdiff_t split_after(ptrdiff_t l, ptrdiff_t n, const double *d, const double *e)
{
    ptrdiff_t m = l;
    while (m + 1 < n && !(fabs(e[m]) <= DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1]))))
        m++;
    return m;
}

static void sort(double *values, double *vectors, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i + 1 < n; i++) {
        ptrdiff_t least = i;
        for (ptrdiff_t j = i + 1; j < n; j++)
            if (values[j] < values[least])
                least = j;
        if (least == i)
            continue;
        const double value = values[i];
        values[i] = values[least];
        values[least] = value;
        for (ptrdiff_t c = 0; c < n; c++) {
            const double x = vectors[i * n + c];
            vectors[i * n + c] = vectors[least * n + c];
            vectors[least * n + c] = x;
        }
    }
}

static bool solve(ptrdiff_t n, const double *a, double *values, double *vectors, double *work)
{
    double *reduced = work, *e = work + n * n, *tau = e + n, *p = tau + n;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = i; j < n; j++)
            reduced[i * n + j] = reduced[j * n + i] = a[i * n + j];
    reduce(reduced, n, values, e, tau, p);
    accumulate(reduced, n, tau, vectors);
    e[n - 1] = 0.0;
    for (ptrdiff_t l = 0; l < n; l++)
        for (int iteration = 0;; iteration++) {
            const ptrdiff_t m = split_after(l, n, values, e);
            if (m == l)
                break;
            if (iteration == iterations_max)
                return false;
            ql_step(l, m, values, e, vectors, n);
        }
    for (ptrdiff_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    sort(values, vectors, n);
    return true;
}

const dopt__ql_solver DOPT__NAMED(dopt__ql_solver) = { solve };

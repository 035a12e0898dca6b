/* SPDX-License-Identifier: MIT */
/*
 * Two ways to K, neither of which divides differences of powers: where a and b are close, those have no digits left.
 *
 * A small integer N: the sum itself, in t = s^{2/N}. All terms are positive, and it needs no transcendental function.
 *
 *     q_0 = 1,  q_j = q_{j-1} t_a + t_b^j,  K = q_{N-1}
 *
 * Any other N: with h = max(a, b) and l = log(min(a, b) / h) <= 0,
 *
 *     K = h^{2-2/N} expm1(2l) / expm1(2l/N),    N = INFINITY: K = h^2 expm1(2l) / (2l)
 *
 * in which an error of l hardly matters, since both expm1 see the same l.
 */

#include "e2e/kernel.h"

#include <math.h>
#include <stdbool.h>

/* Up to this N the sum is faster than two expm1, and its N roundings are harmless. */
static const double sum_max = 16.0;

/* Columns that the sum takes at a time: they fill the vector registers. */
enum { lanes = 8 };

/* expm1(2l) / expm1(2l/N), or its limit; l <= 0. */
static double ratio(double l, double depth)
{
    const double below = isinf(depth) ? 2.0 * l : expm1(2.0 * l / depth);
    if (below == 0.0) /* l = 0, or as good as */
        return isinf(depth) ? 1.0 : depth;
    return expm1(2.0 * l) / below;
}

/* 2 - 2/N is not a double, and for an s far from 1 its rounding shows: s^(x + dx) = s^x (1 + dx log s). */
double dopt__kernel_scale(double s, double depth)
{
    if (isinf(depth))
        return s * s;
    const double y = 2.0 / depth, dy = fma(-y, depth, 2.0) / depth;
    const double x = 2.0 - y, dx = ((2.0 - x) - y) - dy;
    return s > 0.0 ? pow(s, x) * (1.0 + dx * log(s)) : pow(s, x);
}

double dopt__kernel_null(double s, double depth)
{
    return isinf(depth) ? 0.0 : dopt__kernel_scale(s, depth);
}

double dopt__kernel(double a, double b, double depth)
{
    const double high = fmax(a, b), low = fmin(a, b);
    if (low == 0.0)
        return dopt__kernel_null(high, depth);
    return dopt__kernel_scale(high, depth) * ratio(log(low / high), depth);
}

/* One row of the sum for columns c ... c + lanes - 1. */
static void sum_lanes(double a, const double *b, double null, int depth, double *m)
{
    double q[lanes], power[lanes];
    for (int i = 0; i < lanes; i++)
        q[i] = power[i] = 1.0;
    for (int j = 1; j < depth; j++)
        for (int i = 0; i < lanes; i++) {
            power[i] *= b[i];
            q[i] = q[i] * a + power[i];
        }
    for (int i = 0; i < lanes; i++)
        m[i] *= q[i] - null;
}

static void apply_sum(ptrdiff_t k, ptrdiff_t rank, const double *t, const double *b, const double *null, int depth,
                      double *m)
{
    for (ptrdiff_t r = 0; r < k; r++) {
        double *row = m + r * rank;
        ptrdiff_t c = 0;
        for (; c + lanes <= rank; c += lanes)
            sum_lanes(t[r], b + c, null[r], depth, row + c);
        if (c == rank)
            continue;
        double tail[lanes] = { 0 }, base[lanes] = { 0 };
        for (ptrdiff_t i = c; i < rank; i++) {
            tail[i - c] = row[i];
            base[i - c] = b[i];
        }
        sum_lanes(t[r], base, null[r], depth, tail);
        for (ptrdiff_t i = c; i < rank; i++)
            row[i] = tail[i - c];
    }
}

/* K is symmetric: each pair is evaluated once. Rows with s_r = 0 have K = h^{2-2/N}, and null_r = 0. */
static void apply_logs(ptrdiff_t k, ptrdiff_t first, ptrdiff_t rank, const double *l, const double *scale,
                       const double *null, double depth, double *m)
{
    for (ptrdiff_t r = 0; r < k; r++) {
        const bool is_null = r < first || r >= first + rank;
        for (ptrdiff_t c = first; c < first + rank; c++) {
            if (is_null)
                m[r * rank + c - first] *= isinf(depth) ? 0.0 : scale[c];
            else if (c <= r) {
                const double value = fmax(scale[r], scale[c]) * ratio(-fabs(l[r] - l[c]), depth);
                m[r * rank + c - first] *= value - null[r];
                if (c < r)
                    m[c * rank + r - first] *= value - null[c];
            }
        }
    }
}

void dopt__kernel_apply(ptrdiff_t k, ptrdiff_t first, ptrdiff_t rank, const double *s, const double *null, double depth,
                        double *m, double *table)
{
    if (depth <= sum_max && depth == floor(depth)) {
        for (ptrdiff_t i = 0; i < k; i++)
            table[i] = pow(s[i], 2.0 / depth);
        apply_sum(k, rank, table, table + first, null, (int)depth, m);
        return;
    }
    double *logs = table, *scale = table + k;
    for (ptrdiff_t i = 0; i < k; i++) {
        logs[i] = s[i] > 0.0 ? log(s[i]) : 0.0;
        scale[i] = dopt__kernel_scale(s[i], depth);
    }
    apply_logs(k, first, rank, logs, scale, null, depth, m);
}

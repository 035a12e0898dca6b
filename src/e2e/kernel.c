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

#include "e2e/kernel_tiles.h"

/* Up to this N the sum is faster than two expm1, and its N roundings are harmless. */
static const double sum_max = 16.0;

/* From here on expm1(2l/N) is 2l/N. */
static const double linear_min = 1e17;

/* expm1(2l) / expm1(2l/N), or its limit; l <= 0. */
static double ratio(double l, double depth)
{
    const double factor = isinf(depth) ? 1.0 : depth;
    if (depth >= linear_min)
        return l == 0.0 ? factor : factor * (expm1(2.0 * l) / (2.0 * l));
    const double below = expm1(2.0 * l / depth);
    return below == 0.0 ? depth : expm1(2.0 * l) / below; /* l = 0, or as good as */
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

/* K(0, s_c) for the rows whose own value is zero: before `first`, and after the last of `rank`. */
static void apply_null_rows(ptrdiff_t k, ptrdiff_t first, ptrdiff_t rank, const double *s, double depth, double *m)
{
    for (ptrdiff_t r = 0; r < k; r++)
        for (ptrdiff_t c = 0; c < rank && (r < first || r >= first + rank); c++)
            m[r * rank + c] *= dopt__kernel_null(s[first + c], depth);
}

void dopt__kernel_apply(ptrdiff_t k, ptrdiff_t first, ptrdiff_t rank, const double *s, const double *null, double depth,
                        double *m, double *table)
{
    const dopt__kernel_tiles *tiles = DOPT__BY_ISA(dopt__kernel_tiles, dopt__cpu_isa());
    double *logs = table, *scale = table + rank, *block = m + first * rank;
    if (depth <= sum_max && depth == floor(depth)) {
        for (ptrdiff_t i = 0; i < rank; i++)
            table[i] = pow(s[first + i], 2.0 / depth);
        tiles->by_sum(rank, (int)depth, table, null + first, block, rank);
    } else {
        for (ptrdiff_t i = 0; i < rank; i++) {
            logs[i] = log(s[first + i]);
            scale[i] = dopt__kernel_scale(s[first + i], depth);
        }
        tiles->by_logs(rank, depth, logs, scale, null + first, block, rank);
    }
    if (rank < k)
        apply_null_rows(k, first, rank, s, depth, m);
}

/* SPDX-License-Identifier: MIT */
/*
 * kernel_tiles.h, compiled once for each instruction set. Plain loops without branches, which the compiler turns into
 * vectors; expm1() has to be our own for that.
 */

#include "e2e/kernel_tiles.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { tile = 32 };

typedef double tile_row[tile];

/* From this depth on expm1(x / N) is x / N, and N a factor; infinite depth has the factor 1. */
static const double linear_min = 1e17;

/*
 * exp(x) - 1 for x <= 0 to about one unit in the last place: with k = round(x / log 2) and r = x - k log 2,
 * 2^k (exp(r) - 1) + (2^k - 1), and the Taylor series of exp(r) - 1, whose rest is below 2^-54 at |r| = log(2) / 2.
 */
static inline double expm1_of(double x)
{
    static const double shifter = 0x1.8p52, ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
    x = x < -60.0 ? -60.0 : x;
    const double shifted = x * 0x1.71547652b82fep0 + shifter, k = shifted - shifter; /* k in the low bits too */
    const double r = (x - k * ln2_high) - k * ln2_low;
    double q = 1.0 / 6227020800.0;
    q = q * r + 1.0 / 479001600.0;
    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power * (r + r * r * q) + (power - 1.0);
}

/* One row of K by the sum: q_0 = 1, q_j = q_{j-1} t_a + t_b^j. */
static inline void sum_row(int depth, double a, const double *t, ptrdiff_t count, double *out)
{
    double b[tile], q[tile], power[tile];
    for (ptrdiff_t i = 0; i < tile; i++) {
        b[i] = i < count ? t[i] : 0.0;
        q[i] = power[i] = 1.0;
    }
    for (int j = 1; j < depth; j++)
        for (int i = 0; i < tile; i++) {
            power[i] *= b[i];
            q[i] = q[i] * a + power[i];
        }
    memcpy(out, q, sizeof q);
}

/*
 * One row by logarithms: max(scale_a, scale_b) expm1(2l) / expm1(2l/N) with l = -|l_a - l_b|. An l below 1e-20 is as
 * good as 0, and is no special case.
 */
static inline void log_row(double depth, double a, double scale_a, const double *l, const double *scale,
                           ptrdiff_t count, double *out)
{
    const double inverse = 1.0 / depth, factor = isinf(depth) ? 1.0 : depth;
    double high[tile], x[tile];
    for (ptrdiff_t i = 0; i < tile; i++) {
        const double twice = i < count ? -2.0 * fabs(a - l[i]) : 0.0, of_b = i < count ? scale[i] : 0.0;
        x[i] = twice < -1e-20 ? twice : -1e-20;
        high[i] = of_b > scale_a ? of_b : scale_a;
    }
    if (depth < linear_min)
        for (int i = 0; i < tile; i++)
            out[i] = high[i] * (expm1_of(x[i]) / expm1_of(x[i] * inverse));
    else
        for (int i = 0; i < tile; i++)
            out[i] = factor * high[i] * (expm1_of(x[i]) / x[i]);
}

/* Rows r ... of m and columns c ... times the tile; and, off the diagonal, its mirror image. */
static inline void multiply_tile(tile_row *value, ptrdiff_t r, ptrdiff_t rows, ptrdiff_t c, ptrdiff_t cols,
                                 const double *null, double *m, ptrdiff_t stride)
{
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j++)
            m[(r + i) * stride + c + j] *= value[i][j] - null[r + i];
    for (ptrdiff_t j = 0; j < cols && c < r; j++)
        for (ptrdiff_t i = 0; i < rows; i++)
            m[(c + j) * stride + r + i] *= value[i][j] - null[c + j];
}

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b)
{
    return a < b ? a : b;
}

static void by_sum(ptrdiff_t n, int depth, const double *t, const double *null, double *m, ptrdiff_t stride)
{
    tile_row value[tile];
    for (ptrdiff_t r = 0; r < n; r += tile)
        for (ptrdiff_t c = 0; c <= r; c += tile) {
            const ptrdiff_t rows = least(tile, n - r), cols = least(tile, n - c);
            for (ptrdiff_t i = 0; i < rows; i++)
                sum_row(depth, t[r + i], t + c, cols, value[i]);
            multiply_tile(value, r, rows, c, cols, null, m, stride);
        }
}

static void by_logs(ptrdiff_t n, double depth, const double *l, const double *scale, const double *null, double *m,
                    ptrdiff_t stride)
{
    tile_row value[tile];
    for (ptrdiff_t r = 0; r < n; r += tile)
        for (ptrdiff_t c = 0; c <= r; c += tile) {
            const ptrdiff_t rows = least(tile, n - r), cols = least(tile, n - c);
            for (ptrdiff_t i = 0; i < rows; i++)
                log_row(depth, l[r + i], scale[r + i], l + c, scale + c, cols, value[i]);
            multiply_tile(value, r, rows, c, cols, null, m, stride);
        }
}

const dopt__kernel_tiles DOPT__NAMED(dopt__kernel_tiles) = { by_sum, by_logs };

/* SPDX-License-Identifier: MIT */
/*
 * Both are out = keep w + along (scale w) + b grad with a few numbers: one pass, after one that reads for Claim 2's
 * inner products. Those are taken of w and grad scaled to size 1 by powers of two, so that no square of a tiny weight
 * is lost; `along` is the coefficient of w so scaled, which is of the size of the result where that of w itself may not
 * be a number.
 *
 * Whether the result can overflow is decided by a bound; where it might, a pass that writes nothing comes first.
 *
 * All that care is for the rare case. Contiguous vectors whose squares are ordinary numbers, which their sums tell,
 * need one pass that reads and one that writes.
 */

#include "e2e/closed_form.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "e2e/kernel.h"
#include "linalg/lines.h"
#include "linalg/scan_kernels.h"

/* out = keep w + along (scale w) + b grad */
typedef struct combination {
    double keep, along, scale, b;
} combination;

/* Write the combination or, where `write` is false, only look at it. Returns whether all of it fits the dtype. */
static bool combine(combination c, dopt__move move, bool write)
{
    const double limit = move.out.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX;
    const dopt__walk walk = dopt__walk_along(dopt_const(move.out));
    bool fits = true;
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_w[DOPT__PIECE], of_grad[DOPT__PIECE], of_out[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *w = dopt__load(move.w, piece, of_w), *grad = dopt__load(move.grad, piece, of_grad);
            double *out = write ? dopt__target(move.out, piece, of_out) : of_out;
            for (ptrdiff_t i = 0; i < piece.count; i++)
                out[i] = c.keep * w[i] + c.along * (c.scale * w[i]) + c.b * grad[i];
            if (write)
                dopt__store(move.out, piece, out);
            else
                for (ptrdiff_t i = 0; i < piece.count; i++)
                    fits = fits && fabs(out[i]) <= limit;
        }
    return fits;
}

static dopt_status combine_if_it_fits(combination c, dopt__move move)
{
    const double limit = move.out.dtype == DOPT_F32 ? (double)FLT_MAX : DBL_MAX;
    const double bound =
        fabs(c.keep) * move.largest_w + fabs(c.along) * (c.scale * move.largest_w) + fabs(c.b) * move.largest_grad;
    if (!(bound <= 0.25 * limit) && !combine(c, move, false))
        return dopt__move_overflows(move);
    (void)combine(c, move, true);
    return DOPT_OK;
}

dopt_status dopt__closed_identity(dopt__move move)
{
    const combination c = { move.keep, 0.0, 1.0, move.rate };
    return combine_if_it_fits(c, move);
}

/* A power of two, with an inverse, that brings a number of this size near 1; 1 for 0. */
static double scale_of(double largest)
{
    int exponent = 0;
    (void)frexp(largest, &exponent);
    return ldexp(1.0, exponent < -1000 ? 1000 : exponent > 1000 ? -1000 : -exponent);
}

/* Squares of ordinary vectors; their products with ordinary rates are far from overflow too. */
static const double ordinary_min = 1e-180, ordinary_max = 1e180;

static bool ordinary(double x)
{
    return x >= ordinary_min && x <= ordinary_max;
}

static bool contiguous(dopt_cmat m)
{
    return (m.rows == 1 ? m.col_stride : m.row_stride) == 1;
}

/* rate |w|^{2-2/N} (u u^T g (N - 1) + g) as a w + b g with the two numbers. */
static combination plain_combination(dopt__move move, double depth, dopt__pair_sums sums)
{
    const double factor = move.rate * dopt__kernel_scale(sqrt(sums.ww), depth);
    const double along = (isinf(depth) ? 1.0 : depth - 1.0) * factor * (sums.wg / sums.ww);
    const combination c = { move.keep + along, 0.0, 1.0, isinf(depth) ? 0.0 : factor };
    return c;
}

bool dopt__closed_fast(dopt__move move, double depth)
{
    const dopt__scan_kernels *kernels = DOPT__BY_ISA(dopt__scan_kernels, dopt__cpu_isa());
    const ptrdiff_t n = move.w.rows * move.w.cols;
    const bool is_float = move.w.dtype == DOPT_F32;
    if (!contiguous(move.w) || !contiguous(move.grad) || !contiguous(dopt_const(move.out)))
        return false;
    const dopt__pair_sums sums = is_float ? kernels->sums_f32(move.w.data, move.grad.data, n)
                                          : kernels->sums_f64(move.w.data, move.grad.data, n);
    if (!ordinary(sums.ww) || !ordinary(sums.gg) || !isfinite(sums.wg))
        return false;
    const combination c = plain_combination(move, depth, sums);
    const double limit = is_float ? (double)FLT_MAX : DBL_MAX;
    if (!(fabs(c.keep) * sqrt(sums.ww) + fabs(c.b) * sqrt(sums.gg) <= 0.25 * limit))
        return false;
    if (is_float)
        kernels->combine_f32(c.keep, move.w.data, c.b, move.grad.data, n, move.out.data);
    else
        kernels->combine_f64(c.keep, move.w.data, c.b, move.grad.data, n, move.out.data);
    return true;
}

typedef struct products {
    double ww, wg; /* sum w_i^2, sum w_i g_i, of scaled numbers */
} products;

static double sum_of(const double lane[8])
{
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static products inner_products(dopt__move move, double scale_w, double scale_grad)
{
    const dopt__walk walk = dopt__walk_along(move.w);
    products sum = { 0.0, 0.0 };
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_w[DOPT__PIECE], of_grad[DOPT__PIECE], ww[8] = { 0 }, wg[8] = { 0 };
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *w = dopt__load(move.w, piece, of_w), *grad = dopt__load(move.grad, piece, of_grad);
            for (ptrdiff_t i = 0; i < piece.count; i += 8)
                for (ptrdiff_t j = 0; j < (piece.count - i < 8 ? piece.count - i : 8); j++) {
                    const double x = scale_w * w[i + j];
                    ww[j] += x * x;
                    wg[j] += x * (scale_grad * grad[i + j]);
                }
            sum.ww += sum_of(ww);
            sum.wg += sum_of(wg);
        }
    return sum;
}

dopt_status dopt__closed_vector(dopt__move move, double depth)
{
    combination c = { move.keep, 0.0, 1.0, 0.0 };
    if (move.largest_w == 0.0)
        return combine_if_it_fits(c, move);
    const double scale_grad = scale_of(move.largest_grad);
    c.scale = scale_of(move.largest_w);
    const products sum = inner_products(move, c.scale, scale_grad);
    const double scaled_norm = sqrt(sum.ww), factor = dopt__kernel_scale(scaled_norm / c.scale, depth);
    const double projection = sum.wg / sum.ww; /* u^T g / |w|, both scaled */
    c.along = move.rate * (isinf(depth) ? factor : (depth - 1.0) * factor) / scale_grad * projection;
    c.b = isinf(depth) ? 0.0 : move.rate * factor;
    return combine_if_it_fits(c, move);
}

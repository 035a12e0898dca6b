/* SPDX-License-Identifier: MIT */
/*
 * Both are out = keep w + along (scale w) + b grad with a few numbers: one pass, after one that reads for Claim 2's
 * inner products. Those are taken of w and grad scaled to size 1 by powers of two, so that no square of a tiny weight
 * is lost; `along` is the coefficient of w so scaled, which is of the size of the result where that of w itself may not
 * be a number.
 *
 * Whether the result can overflow is decided by a bound; where it might, a pass that writes nothing comes first.
 */

#include "e2e/closed_form.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "e2e/kernel.h"
#include "linalg/lines.h"

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
        return dopt__fail(DOPT_ERR_NUMERICAL, move.func, "the result, or an eigenvalue of P, overflows");
    (void)combine(c, move, true);
    return DOPT_OK;
}

dopt_status dopt__closed_identity(dopt__move move)
{
    const combination c = { move.keep, 0.0, 1.0, move.rate };
    return combine_if_it_fits(c, move);
}

/* A power of two that brings a number of this size near 1; 1 for 0. */
static double scale_of(double largest)
{
    int exponent = 0;
    (void)frexp(largest, &exponent);
    return ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
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

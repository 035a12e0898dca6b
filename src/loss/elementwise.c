/* SPDX-License-Identifier: MIT */
/*
 * Losses that act on each element by itself, on arrays of double.
 *
 * Sums run in eight lanes: a fixed order, that vector registers of any width can follow.
 */

#include "loss/loss_state.h"
#include "loss/terms.h"

enum { lanes = 8 };

static inline double sum_terms(dopt__term_fn term, double parameter, ptrdiff_t count, const double *z, const double *y,
                               double *slope)
{
    double lane[lanes] = { 0.0 };
    ptrdiff_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (int j = 0; j < lanes; j++) {
            double value;
            slope[i + j] = term(parameter, z[i + j], y[i + j], &value);
            lane[j] += value;
        }
    for (; i < count; i++) {
        double value;
        slope[i] = term(parameter, z[i], y[i], &value);
        lane[i % lanes] += value;
    }
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static double piece_lp(double p, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    if (p == 4.0)
        return sum_terms(dopt__term_lp4, p, count, z, y, slope);
    if (p == 2.0)
        return sum_terms(dopt__term_lp2, p, count, z, y, slope);
    if (p == 1.0)
        return sum_terms(dopt__term_lp1, p, count, z, y, slope);
    if (p == 3.0)
        return sum_terms(dopt__term_lp3, p, count, z, y, slope);
    if (p == 6.0)
        return sum_terms(dopt__term_lp6, p, count, z, y, slope);
    return sum_terms(dopt__term_lp, p, count, z, y, slope);
}

static double piece_squared(double unused, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(dopt__term_lp2, unused, count, z, y, slope);
}

static double piece_huber(double delta, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(dopt__term_huber, delta, count, z, y, slope);
}

static double piece_logistic(double unused, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(dopt__term_logistic, unused, count, z, y, slope);
}

static int is_label(double target)
{
    return target == 1.0 || target == -1.0;
}

const dopt__loss_kind dopt__loss_lp = { "lp", piece_lp, NULL, NULL };
const dopt__loss_kind dopt__loss_squared = { "squared", piece_squared, NULL, NULL };
const dopt__loss_kind dopt__loss_huber = { "huber", piece_huber, NULL, NULL };
const dopt__loss_kind dopt__loss_logistic = { "logistic", piece_logistic, is_label, "-1 or +1" };

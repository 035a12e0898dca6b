/* SPDX-License-Identifier: MIT */
/*
 * Losses that act on each element by itself, on arrays of double.
 *
 * Sums run in eight lanes: a fixed order, that vector registers of any width can follow. Powers with p = 1, 2, 3, 4
 * need no pow, and the others one: |r|^(p-1), times |r|.
 */

#include <math.h>

#include "loss/loss_state.h"

enum { lanes = 8 };

/* One loss: l into *value, dl/dz returned. */
typedef double (*term_fn)(double parameter, double z, double y, double *value);

static inline double sum_terms(term_fn term, double parameter, ptrdiff_t count, const double *z, const double *y,
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

static inline double sign(double x)
{
    return (double)(x > 0.0) - (double)(x < 0.0);
}

static inline double term_lp1(double p, double z, double y, double *value)
{
    (void)p;
    *value = fabs(z - y);
    return sign(z - y);
}

static inline double term_lp2(double p, double z, double y, double *value)
{
    const double r = z - y;
    (void)p;
    *value = r * r;
    return 2.0 * r;
}

static inline double term_lp3(double p, double z, double y, double *value)
{
    const double r = z - y, square = r * r;
    (void)p;
    *value = square * fabs(r);
    return copysign(3.0 * square, r);
}

static inline double term_lp4(double p, double z, double y, double *value)
{
    const double r = z - y, square = r * r;
    (void)p;
    *value = square * square;
    return 4.0 * square * r;
}

static inline double term_lp(double p, double z, double y, double *value)
{
    const double r = z - y, power = pow(fabs(r), p - 1.0);
    *value = power * fabs(r);
    return p * power * sign(r);
}

static double piece_lp(double p, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    if (p == 4.0)
        return sum_terms(term_lp4, p, count, z, y, slope);
    if (p == 2.0)
        return sum_terms(term_lp2, p, count, z, y, slope);
    if (p == 1.0)
        return sum_terms(term_lp1, p, count, z, y, slope);
    if (p == 3.0)
        return sum_terms(term_lp3, p, count, z, y, slope);
    return sum_terms(term_lp, p, count, z, y, slope);
}

static double piece_squared(double unused, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(term_lp2, unused, count, z, y, slope);
}

static inline double term_huber(double delta, double z, double y, double *value)
{
    const double r = z - y, size = fabs(r);
    *value = size <= delta ? 0.5 * r * r : delta * (size - 0.5 * delta);
    return size <= delta ? r : copysign(delta, r);
}

static double piece_huber(double delta, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(term_huber, delta, count, z, y, slope);
}

/* log(1 + exp(-t)) = max(-t, 0) + log1p(exp(-|t|)) never overflows; e / (1 + e) is the smaller of the two sides. */
static inline double term_logistic(double unused, double z, double y, double *value)
{
    const double t = y * z, e = exp(-fabs(t));
    (void)unused;
    *value = fmax(-t, 0.0) + log1p(e);
    return -y * (t >= 0.0 ? e : 1.0) / (1.0 + e);
}

static double piece_logistic(double unused, ptrdiff_t count, const double *z, const double *y, double *slope)
{
    return sum_terms(term_logistic, unused, count, z, y, slope);
}

static int is_label(double target)
{
    return target == 1.0 || target == -1.0;
}

const dopt__loss_kind dopt__loss_lp = { "lp", piece_lp, NULL, NULL };
const dopt__loss_kind dopt__loss_squared = { "squared", piece_squared, NULL, NULL };
const dopt__loss_kind dopt__loss_huber = { "huber", piece_huber, NULL, NULL };
const dopt__loss_kind dopt__loss_logistic = { "logistic", piece_logistic, is_label, "-1 or +1" };

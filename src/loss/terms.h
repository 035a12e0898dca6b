/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LOSS_TERMS_H
#define DEPTHOPT_LOSS_TERMS_H

/*
 * The elementwise losses, one element at a time: l into *value, dl/dz returned.
 *
 * Powers with p = 1, 2, 3, 4 need no pow, and the others one: |r|^(p-1), times |r|.
 */

#include <math.h>

typedef double (*dopt__term_fn)(double parameter, double z, double y, double *value);

static inline double dopt__sign(double x)
{
    return (double)(x > 0.0) - (double)(x < 0.0);
}

static inline double dopt__term_lp1(double p, double z, double y, double *value)
{
    (void)p;
    *value = fabs(z - y);
    return dopt__sign(z - y);
}

static inline double dopt__term_lp2(double p, double z, double y, double *value)
{
    const double r = z - y;
    (void)p;
    *value = r * r;
    return 2.0 * r;
}

static inline double dopt__term_lp3(double p, double z, double y, double *value)
{
    const double r = z - y, square = r * r;
    (void)p;
    *value = square * fabs(r);
    return copysign(3.0 * square, r);
}

static inline double dopt__term_lp4(double p, double z, double y, double *value)
{
    const double r = z - y, square = r * r;
    (void)p;
    *value = square * square;
    return 4.0 * square * r;
}

static inline double dopt__term_lp6(double p, double z, double y, double *value)
{
    const double r = z - y, square = r * r, fourth = square * square;
    (void)p;
    *value = fourth * square;
    return 6.0 * fourth * r;
}

static inline double dopt__term_lp(double p, double z, double y, double *value)
{
    const double r = z - y, power = pow(fabs(r), p - 1.0);
    *value = power * fabs(r);
    return p * power * dopt__sign(r);
}

static inline double dopt__term_huber(double delta, double z, double y, double *value)
{
    const double r = z - y, size = fabs(r);
    *value = size <= delta ? 0.5 * r * r : delta * (size - 0.5 * delta);
    return size <= delta ? r : copysign(delta, r);
}

/* log(1 + exp(-t)) = max(-t, 0) + log1p(exp(-|t|)) never overflows; e / (1 + e) is the smaller of the two sides. */
static inline double dopt__term_logistic(double unused, double z, double y, double *value)
{
    const double t = y * z, e = exp(-fabs(t));
    (void)unused;
    *value = fmax(-t, 0.0) + log1p(e);
    return -y * (t >= 0.0 ? e : 1.0) / (1.0 + e);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Damped Newton by weighted least squares: with r = X w - y and a_i = (r_i^2 + s^2)^{(p-2)/2}, the step solves
 *
 *     min || sqrt(a) (X step + r / c) ||,   c = p - 1 for p >= 2 (Newton), 1 for p < 2 (a majorant: always downhill)
 *
 * by a rank-revealing QR (LAPACK's gelsy). The smoothing s is 0 for p >= 2; below, it shrinks as the steps get small.
 */
#include "optimum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>

enum { iterations_max = 200 };

typedef struct state {
    const table *t;
    double p, smoothing;
    double *w, *r, *step, *image; /* image: X step */
    double *a, *b;                /* weighted X and right-hand side */
    lapack_int *pivot;
} state;

static double mean_power(const state *s, double length)
{
    long double sum = 0.0L;
    for (ptrdiff_t i = 0; i < s->t->rows; i++)
        sum += powl(fabsl((long double)s->r[i] + (long double)length * s->image[i]), (long double)s->p);
    return (double)(sum / (long double)s->t->rows);
}

static void multiply(const table *t, const double *w, double *out)
{
    for (ptrdiff_t i = 0; i < t->rows; i++) {
        double sum = 0.0;
        for (ptrdiff_t c = 0; c < t->cols; c++)
            sum += t->x[i * t->cols + c] * w[c];
        out[i] = sum;
    }
}

/* The step, and X times it. Column-major, as LAPACK wants it. */
static bool solve(state *s)
{
    const ptrdiff_t m = s->t->rows, d = s->t->cols, ld = m > d ? m : d;
    const double c = s->p >= 2.0 ? s->p - 1.0 : 1.0;
    lapack_int rank;
    memset(s->b, 0, (size_t)ld * sizeof *s->b);
    for (ptrdiff_t i = 0; i < m; i++) {
        const double size = s->r[i] * s->r[i] + s->smoothing * s->smoothing;
        const double root = s->p == 2.0 ? 1.0 : size == 0.0 ? 0.0 : pow(size, 0.25 * (s->p - 2.0));
        s->b[i] = -root * s->r[i] / c;
        for (ptrdiff_t k = 0; k < d; k++)
            s->a[k * m + i] = root * s->t->x[i * d + k];
    }
    memset(s->pivot, 0, (size_t)d * sizeof *s->pivot);
    const lapack_int info = LAPACKE_dgelsy(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)d, 1, s->a, (lapack_int)m, s->b,
                                           (lapack_int)ld, s->pivot, 1e-13, &rank);
    memcpy(s->step, s->b, (size_t)d * sizeof *s->step);
    multiply(s->t, s->step, s->image);
    return info == 0;
}

/* -(gradient . step), the first-order gain of a full step. */
static double expected_gain(const state *s)
{
    long double sum = 0.0L;
    for (ptrdiff_t i = 0; i < s->t->rows; i++)
        sum -= (long double)(s->p * pow(fabs(s->r[i]), s->p - 1.0) * copysign(1.0, s->r[i])) * s->image[i];
    return (double)(sum / (long double)s->t->rows);
}

/* Halve the step until it gains a part of what it should. Returns its length, 0 if there is nothing to gain. */
static double line_search(const state *s, double value, double gain, double *next)
{
    for (double length = 1.0; length > 1e-10; length *= 0.5) {
        *next = mean_power(s, length);
        if (*next <= value - 1e-4 * length * gain && *next < value)
            return length;
    }
    *next = value;
    return 0.0;
}

static void iterate(state *s, optimum *out)
{
    out->value = mean_power(s, 0.0);
    out->gap = INFINITY;
    for (out->iterations = 0; out->iterations < iterations_max; out->iterations++) {
        double next;
        if (!solve(s))
            break;
        const double gain = expected_gain(s);
        out->gap = fabs(gain) / fmax(out->value, 1e-300);
        const double length = line_search(s, out->value, gain, &next);
        for (ptrdiff_t c = 0; c < s->t->cols; c++)
            s->w[c] += length * s->step[c];
        multiply(s->t, s->w, s->r);
        for (ptrdiff_t i = 0; i < s->t->rows; i++)
            s->r[i] -= s->t->y[i];
        const double before = out->value;
        out->value = next;
        if (s->smoothing > 1e-9 && before - next < 1e-6 * before)
            s->smoothing *= 0.1;
        else if (length == 0.0 || (s->smoothing <= 1e-9 && out->gap < 1e-13))
            break;
    }
    out->certified = out->gap < 1e-9 || out->value < 1e-24; /* the target has variance 1: an exact fit */
}

bool optimum_find(const table *t, double p, optimum *out)
{
    const size_t m = (size_t)t->rows, d = (size_t)t->cols, longer = m > d ? m : d;
    state s = { .t = t, .p = p, .smoothing = p < 2.0 ? 0.1 : 0.0 };
    double *numbers = calloc(2 * d + 2 * m + m * d + longer, sizeof *numbers);
    s.pivot = calloc(d, sizeof *s.pivot);
    if (numbers && s.pivot) {
        s.w = numbers;
        s.step = s.w + d;
        s.r = s.step + d;
        s.image = s.r + m;
        s.a = s.image + m;
        s.b = s.a + m * d;
        for (size_t i = 0; i < m; i++)
            s.r[i] = -t->y[i];
        iterate(&s, out);
    }
    const bool done = numbers && s.pivot;
    free(numbers);
    free(s.pivot);
    return done;
}

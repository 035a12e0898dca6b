/* SPDX-License-Identifier: MIT */
/* The formulas of optim.h, one function each, and the table that names them; compiled once for each instruction set. */

#include "optim/rules.h"

#include <math.h>

static void gd(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR];
    (void)state;
    for (ptrdiff_t i = 0; i < count; i++)
        p[i] -= lr * g[i];
}

static void momentum(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], mu = step->hyper[DOPT_MOMENTUM];
    double *v = state[0];
    for (ptrdiff_t i = 0; i < count; i++) {
        v[i] = mu * v[i] + g[i];
        p[i] -= lr * v[i];
    }
}

static void nesterov(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], mu = step->hyper[DOPT_MOMENTUM];
    double *v = state[0];
    for (ptrdiff_t i = 0; i < count; i++) {
        v[i] = mu * v[i] + g[i];
        p[i] -= lr * (g[i] + mu * v[i]);
    }
}

static void adagrad(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], epsilon = step->hyper[DOPT_EPSILON];
    double *a = state[0];
    for (ptrdiff_t i = 0; i < count; i++) {
        a[i] += g[i] * g[i];
        p[i] -= lr * g[i] / (sqrt(a[i]) + epsilon);
    }
}

static void adadelta(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], rho = step->hyper[DOPT_RHO], epsilon = step->hyper[DOPT_EPSILON];
    double *a = state[0], *b = state[1];
    for (ptrdiff_t i = 0; i < count; i++) {
        a[i] = rho * a[i] + (1.0 - rho) * g[i] * g[i];
        const double u = g[i] * (sqrt(b[i] + epsilon) / sqrt(a[i] + epsilon));
        b[i] = rho * b[i] + (1.0 - rho) * u * u;
        p[i] -= lr * u;
    }
}

static void rmsprop(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], rho = step->hyper[DOPT_RHO], epsilon = step->hyper[DOPT_EPSILON];
    double *a = state[0];
    for (ptrdiff_t i = 0; i < count; i++) {
        a[i] = rho * a[i] + (1.0 - rho) * g[i] * g[i];
        p[i] -= lr * g[i] / (sqrt(a[i]) + epsilon);
    }
}

static void adam(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR], epsilon = step->hyper[DOPT_EPSILON];
    const double beta1 = step->hyper[DOPT_BETA1], beta2 = step->hyper[DOPT_BETA2];
    double *m = state[0], *a = state[1];
    for (ptrdiff_t i = 0; i < count; i++) {
        m[i] = beta1 * m[i] + (1.0 - beta1) * g[i];
        a[i] = beta2 * a[i] + (1.0 - beta2) * g[i] * g[i];
        p[i] -= lr * (m[i] / step->correction1) / (sqrt(a[i] / step->correction2) + epsilon);
    }
}

static void group_rmsprop(const dopt__step *step, ptrdiff_t count, double *p, const double *g, double *const state[])
{
    const double lr = step->hyper[DOPT_LR] / (step->scale + step->hyper[DOPT_EPSILON]);
    (void)state;
    for (ptrdiff_t i = 0; i < count; i++)
        p[i] -= lr * g[i];
}

/*                          lr    decay  decoupled  momentum  rho   beta1  beta2  epsilon  accumulator */
const dopt__rule_table DOPT__NAMED(dopt__rule_table) = { {
    { "gd", 0, gd, { 1e-2, 0.0, 0.0, NAN, NAN, NAN, NAN, NAN, NAN }, 0 },
    { "momentum", 1, momentum, { 1e-2, 0.0, 0.0, 0.9, NAN, NAN, NAN, NAN, NAN }, 0 },
    { "nesterov", 1, nesterov, { 1e-2, 0.0, 0.0, 0.9, NAN, NAN, NAN, NAN, NAN }, 0 },
    { "adagrad", 1, adagrad, { 1e-2, 0.0, 0.0, NAN, NAN, NAN, NAN, 1e-10, 0.0 }, 0 },
    { "adadelta", 2, adadelta, { 1.0, 0.0, 0.0, NAN, 0.9, NAN, NAN, 1e-6, NAN }, 0 },
    { "rmsprop", 1, rmsprop, { 1e-2, 0.0, 0.0, NAN, 0.99, NAN, NAN, 1e-8, NAN }, 0 },
    { "adam", 2, adam, { 1e-3, 0.0, 0.0, NAN, NAN, 0.9, 0.999, 1e-8, NAN }, 0 },
    { "group_rmsprop", 0, group_rmsprop, { 1e-3, 0.0, 0.0, NAN, 0.99, NAN, NAN, 1e-4, NAN }, 1 },
} };

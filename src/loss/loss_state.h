/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LOSS_LOSS_STATE_H
#define DEPTHOPT_LOSS_LOSS_STATE_H

/* What a loss is made of, and what a kind of loss brings. To add a kind: one of these, and a create function. */

#include <depthopt/loss.h>

/* l and dl/dz of an array; returns the sum. `parameter` is p, delta, or unused. `slope` may be z itself. */
typedef double (*dopt__piece_fn)(double parameter, ptrdiff_t count, const double *z, const double *y, double *slope);

typedef struct dopt__loss_kind {
    const char *name;
    dopt__piece_fn piece;          /* elementwise kinds; NULL for the others */
    int (*allowed)(double target); /* elementwise restriction of the targets; NULL: none */
    const char *targets;           /* its wording */
} dopt__loss_kind;

struct dopt_loss {
    dopt_allocator allocator;
    const dopt__loss_kind *kind;
    double parameter, weight;
    dopt_loss_fn fn; /* custom */
    void *user;
};

extern const dopt__loss_kind dopt__loss_lp, dopt__loss_squared, dopt__loss_huber, dopt__loss_logistic;
extern const dopt__loss_kind dopt__loss_softmax_ce, dopt__loss_custom;

/* The sum of l over rows, and dl/dz, for softmax. */
double dopt__softmax_sum(dopt_cmat z, dopt_cmat y, double weight, dopt_mat dz);

/* Rows of y are >= 0 and sum to 1. */
dopt_status dopt__softmax_check(const char *func, const char *name, dopt_cmat y);

#endif

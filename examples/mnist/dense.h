/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_DENSE_H
#define EXAMPLES_DENSE_H

/*
 * A dense layer whose matrix learns in one of three ways, all of them depthopt nets with a bias:
 *
 *     plain      one matrix
 *     factored   W = W_N ... W_1, N - 1 square factors after the first
 *     e2e        one matrix W that moves as factors would: W <- W - lr P_W(V), V = momentum V + dL/dW
 */

#include <stdbool.h>
#include <stddef.h>

#include <depthopt/depthopt.h>

#include "../support/keep.h"

typedef enum rule { RULE_PLAIN = 0, RULE_FACTORED = 1, RULE_E2E = 2, RULE_COUNT = 3 } rule;

/* What the L2 penalty, weight/2 times a squared norm, is on. */
typedef enum penalty { PENALTY_NONE = 0, PENALTY_PRODUCT = 1, PENALTY_FACTORS = 2, PENALTY_COUNT = 3 } penalty;

typedef struct dense_options {
    rule how;
    double depth; /* N; ignored by plain */
    penalty on;   /* product: W, whatever it is made of */
    double weight, momentum;
    double stddev, factor_stddev; /* of the first factor, and of the others */
    double bias;
    double
        refresh_tolerance; /* of dopt_e2e_options: e2e decomposes W anew when it has turned by this much; 0: always */
} dense_options;

typedef struct dense {
    dense_options options;
    dopt_net *net;
    dopt_optim *optim; /* of the factors and the bias; with e2e, of the bias alone */
    dopt_e2e *e2e;
    float *velocity;
    double product_penalty; /* weight/2 ||W||^2 at the last dense_penalize() */
} dense;

/* All of these return false on failure, and dopt_last_error() says what it was. */
bool dense_create(dense *l, int inputs, int outputs, int batch, const dense_options *options, dopt_rng *rng);
bool dense_forward(dense *l, const float *x, int rows, float *z);
bool dense_backward(dense *l, const float *x, const float *dz, int rows, float *dx); /* dx NULL: not wanted */
bool dense_penalize(dense *l); /* add the gradient of a penalty on the product; the optimizer does the others */
bool dense_step(dense *l, double lr);
void dense_destroy(dense *l);

/* Save or load what the steps have changed. */
void dense_keep(dense *l, keep *k);

/* The penalty where the last gradient was taken, that of the bias included; 0 for none. */
double dense_penalty(const dense *l);

/* Numbers that are learned. */
size_t dense_parameters(const dense *l);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_FIT_MODEL_H
#define DEPTHOPT_FIT_MODEL_H

/*
 * A model is the only thing that knows how W moves. To add one: a row in the table of model.c and a value of
 * dopt_model.
 */

#include <depthopt/e2e.h>
#include <depthopt/trainer.h>

typedef struct dopt__model {
    dopt_model kind;
    dopt_allocator allocator;
    dopt_logger logger;
    dopt_optim *optim;
    dopt_net *net;   /* factored */
    dopt_e2e *e2e;   /* e2e */
    dopt_mat pulled; /* e2e with another rule than gd: P_W(dL/dW) */
    double depth, weight_decay;
} dopt__model;

/*
 * A model for k x d matrices like w, with all the memory that its steps need. `net` holds the factors that a factored
 * model starts from, and becomes the model's; the others take none.
 */
dopt_status dopt__model_create(const dopt_fit_options *options, dopt_net *net, dopt_mat w, dopt__model *out);
void dopt__model_destroy(dopt__model *model);

/*
 * w <- one step against grad. DOPT_ERR_NONFINITE, and DOPT_ERR_NUMERICAL where `*overflow` is set, mean that the step
 * leaves the finite numbers.
 */
dopt_status dopt__model_move(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr, int *overflow);

#endif

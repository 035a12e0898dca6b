/* SPDX-License-Identifier: MIT */
#include "dense.h"

#include <stdlib.h>
#include <string.h>

#include "start.h"

static size_t size_of(dopt_mat m)
{
    return (size_t)m.rows * (size_t)m.cols;
}

static bool create_net(dense *l, int inputs, int outputs, int batch)
{
    const int depth = l->options.how == RULE_FACTORED ? (int)l->options.depth : 1;
    ptrdiff_t dims[DOPT_NET_DEPTH_MAX + 1];
    dopt_net_options options = DOPT_NET_OPTIONS_INIT;
    options.block_rows = batch;
    options.bias = options.keep_activations = 1;
    options.penalty = l->options.on == PENALTY_PRODUCT;
    dims[0] = inputs;
    for (int j = 1; j <= depth; j++)
        dims[j] = outputs;
    return dopt_net_create(DOPT_F32, depth, dims, &options, &l->net) == DOPT_OK;
}

/* The weight decay of the optimizer is the gradient of a penalty on its blocks: on W, where W is one of them. */
static double decay_of(const dense_options *o)
{
    const bool in_blocks = o->on == PENALTY_FACTORS || (o->on == PENALTY_PRODUCT && o->how == RULE_PLAIN);
    return in_blocks ? o->weight : 0.0;
}

static bool create_optim(dense *l)
{
    const dense_options *o = &l->options;
    const dopt_mat bias = dopt_net_bias(l->net);
    const bool made = dopt_optim_create(DOPT_OPTIM_MOMENTUM, &l->optim) == DOPT_OK &&
                      dopt_optim_set(l->optim, DOPT_MOMENTUM, o->momentum) == DOPT_OK &&
                      dopt_optim_set(l->optim, DOPT_WEIGHT_DECAY, decay_of(o)) == DOPT_OK;
    if (o->how != RULE_E2E)
        return made && dopt_optim_prepare_net(l->optim, l->net) == DOPT_OK;
    const dopt_mat w = dopt_net_factor(l->net, 1);
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.refresh_tolerance = o->refresh_tolerance;
    l->velocity = calloc(size_of(w), sizeof *l->velocity);
    return made && l->velocity && dopt_optim_prepare(l->optim, 1, &bias) == DOPT_OK &&
           dopt_e2e_create(w.rows, w.cols, o->depth, &options, &l->e2e) == DOPT_OK;
}

bool dense_create(dense *l, int inputs, int outputs, int batch, const dense_options *options, dopt_rng *rng)
{
    memset(l, 0, sizeof *l);
    l->options = *options;
    if (!create_net(l, inputs, outputs, batch))
        return false;
    for (int j = 1; j <= dopt_net_depth(l->net); j++) {
        const dopt_mat factor = dopt_net_factor(l->net, j);
        truncated_normal(rng, j == 1 ? options->stddev : options->factor_stddev, factor.data, size_of(factor));
    }
    float *bias = dopt_net_bias(l->net).data;
    for (int i = 0; i < outputs; i++)
        bias[i] = (float)options->bias;
    return create_optim(l);
}

void dense_destroy(dense *l)
{
    dopt_e2e_destroy(&l->e2e);
    dopt_optim_destroy(&l->optim);
    dopt_net_destroy(&l->net);
    free(l->velocity);
    memset(l, 0, sizeof *l);
}

static dopt_cmat rows_of(const float *x, int rows, const dopt_net *net, int layer)
{
    return dopt_cmat_f32(x, rows, dopt_net_width(net, layer));
}

bool dense_forward(dense *l, const float *x, int rows, float *z)
{
    const dopt_mat out = dopt_mat_f32(z, rows, dopt_net_width(l->net, dopt_net_depth(l->net)));
    return dopt_net_forward(l->net, rows_of(x, rows, l->net, 0), out) == DOPT_OK;
}

/* to += factor from */
static void add(double factor, dopt_mat from, dopt_mat to)
{
    const float *x = from.data, f = (float)factor;
    float *y = to.data;
    for (size_t i = 0; i < size_of(to); i++)
        y[i] += f * x[i];
}

bool dense_backward(dense *l, const float *x, const float *dz, int rows, float *dx)
{
    const dopt_cmat xs = rows_of(x, rows, l->net, 0), dzs = rows_of(dz, rows, l->net, dopt_net_depth(l->net));
    const dopt_mat dxs = dx ? dopt_mat_f32(dx, rows, xs.cols) : dopt_mat_none();
    return dopt_net_backprop(l->net, xs, dzs, dxs) == DOPT_OK;
}

bool dense_penalize(dense *l)
{
    if (l->options.on != PENALTY_PRODUCT || l->options.how == RULE_PLAIN)
        return true;
    add(l->options.weight, dopt_net_bias(l->net), dopt_net_bias_grad(l->net));
    return dopt_net_penalty(l->net, l->options.weight, &l->product_penalty) == DOPT_OK;
}

/*
 * V = momentum V + dL/dW, W <- W - lr P_W(V). Weight decay of the factors is the rule's own; momentum would make its
 * steps 1 / (1 - momentum) times as long, and the rule has none, so the decay is.
 */
static bool step_e2e(dense *l, double lr)
{
    const dopt_mat w = dopt_net_factor(l->net, 1), grad = dopt_net_grad(l->net, 1), bias = dopt_net_bias(l->net);
    const dopt_cmat bias_grad = dopt_const(dopt_net_bias_grad(l->net));
    const float momentum = (float)l->options.momentum, *g = grad.data;
    for (size_t i = 0; i < size_of(w); i++)
        l->velocity[i] = momentum * l->velocity[i] + g[i];
    const double decay = l->options.on == PENALTY_FACTORS ? l->options.weight / (1.0 - l->options.momentum) : 0.0;
    return dopt_optim_apply(l->optim, 1, &bias, &bias_grad) == DOPT_OK &&
           dopt_e2e_update(l->e2e, w, dopt_cmat_f32(l->velocity, w.rows, w.cols), lr, decay) == DOPT_OK;
}

bool dense_step(dense *l, double lr)
{
    if (dopt_optim_set(l->optim, DOPT_LR, lr) != DOPT_OK)
        return false;
    return l->e2e ? step_e2e(l, lr) : dopt_optim_apply_net(l->optim, l->net) == DOPT_OK;
}

void dense_keep(dense *l, keep *k)
{
    for (int j = 1; j <= dopt_net_depth(l->net); j++)
        keep_matrix(k, dopt_net_factor(l->net, j));
    keep_matrix(k, dopt_net_bias(l->net));
    keep_optim(k, l->optim);
    if (l->velocity)
        keep_bytes(k, l->velocity, size_of(dopt_net_factor(l->net, 1)) * sizeof *l->velocity);
}

static double square(dopt_mat m)
{
    const float *x = m.data;
    double sum = 0.0;
    for (size_t i = 0; i < size_of(m); i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

double dense_penalty(const dense *l)
{
    const dense_options *o = &l->options;
    if (o->on == PENALTY_NONE)
        return 0.0;
    double sum = 0.5 * o->weight * square(dopt_net_bias(l->net));
    if (o->on == PENALTY_PRODUCT && o->how == RULE_FACTORED)
        return sum + l->product_penalty;
    for (int j = 1; j <= dopt_net_depth(l->net); j++)
        sum += 0.5 * o->weight * square(dopt_net_factor(l->net, j));
    return sum;
}

size_t dense_parameters(const dense *l)
{
    size_t sum = size_of(dopt_net_bias(l->net));
    for (int j = 1; j <= dopt_net_depth(l->net); j++)
        sum += size_of(dopt_net_factor(l->net, j));
    return sum;
}

/* SPDX-License-Identifier: MIT */
/* direct: the rule on W.  factored: the rule on the factors.  e2e: the rule on W, from P_W(dL/dW). */

#include "fit/model.h"

#include <math.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/scan.h"

static dopt_status prepare_direct(dopt__model *model, dopt_mat w)
{
    return dopt_optim_prepare(model->optim, 1, &w);
}

static dopt_status move_direct(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr)
{
    DOPT_TRY(dopt_optim_set(model->optim, DOPT_LR, lr));
    return dopt_optim_apply(model->optim, 1, &w, &grad);
}

static dopt_status prepare_factored(dopt__model *model, dopt_mat w)
{
    (void)w;
    return dopt_optim_prepare_net(model->optim, model->net);
}

static dopt_status move_factored(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr)
{
    DOPT_TRY(dopt_optim_set(model->optim, DOPT_LR, lr));
    DOPT_TRY(dopt_step(model->optim, model->net, grad));
    return dopt_net_product(model->net, w);
}

static dopt_status prepare_e2e(dopt__model *model, dopt_mat w)
{
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.allocator = model->allocator;
    options.logger = model->logger;
    DOPT_TRY(dopt_e2e_create(w.rows, w.cols, model->depth, &options, &model->e2e));
    if (dopt_optim_get_kind(model->optim) == DOPT_OPTIM_GD)
        return DOPT_OK;
    const dopt_mat packed = { NULL, w.rows, w.cols, w.cols, 1, w.dtype };
    model->pulled = packed;
    model->pulled.data = dopt__alloc(&model->allocator, (size_t)w.rows * (size_t)w.cols,
                                     w.dtype == DOPT_F64 ? sizeof(double) : sizeof(float));
    if (!model->pulled.data)
        return dopt__fail(DOPT_ERR_NOMEM, "dopt__model_create", "no memory for a %td x %td gradient", w.rows, w.cols);
    return dopt_optim_prepare(model->optim, 1, &w);
}

static dopt_status move_e2e(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr)
{
    if (!model->pulled.data)
        return dopt_e2e_update(model->e2e, w, grad, lr, model->weight_decay);
    DOPT_TRY(dopt_e2e_apply(model->e2e, dopt_const(w), grad, model->pulled));
    return move_direct(model, w, dopt_const(model->pulled), lr);
}

static const struct {
    dopt_status (*prepare)(dopt__model *model, dopt_mat w);
    dopt_status (*move)(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr);
} kinds[] = {
    [DOPT_MODEL_DIRECT] = { prepare_direct, move_direct },
    [DOPT_MODEL_FACTORED] = { prepare_factored, move_factored },
    [DOPT_MODEL_E2E] = { prepare_e2e, move_e2e },
};

static dopt_status set_up(dopt__model *model, const dopt_fit_options *options, dopt_mat w)
{
    DOPT_TRY(dopt_optim_create_with(options->optimizer, &options->allocator, &model->optim));
    for (int i = 0; i < options->hyper_count; i++)
        DOPT_TRY(dopt_optim_set(model->optim, options->hypers[i].hyper, options->hypers[i].value));
    const double factors = model->kind == DOPT_MODEL_E2E && isfinite(model->depth) ? model->depth : 1.0;
    if (options->weight_decay > 0.0)
        DOPT_TRY(dopt_optim_set(model->optim, DOPT_WEIGHT_DECAY, factors * options->weight_decay));
    return kinds[model->kind].prepare(model, w);
}

dopt_status dopt__model_create(const dopt_fit_options *options, dopt_net *net, dopt_mat w, dopt__model *out)
{
    const dopt__model made = { .kind = options->model,
                               .allocator = options->allocator,
                               .logger = options->logger,
                               .net = net,
                               .depth = options->depth,
                               .weight_decay = options->weight_decay };
    *out = made;
    return set_up(out, options, w);
}

void dopt__model_destroy(dopt__model *model)
{
    dopt_optim_destroy(&model->optim);
    dopt_net_destroy(&model->net);
    dopt_e2e_destroy(&model->e2e);
    dopt__release(&model->allocator, model->pulled.data);
    model->pulled.data = NULL;
}

/* Whether N lr ||w||^{2-2/N} ||grad|| comes near the largest number of the dtype. */
static int may_overflow(const dopt__model *model, dopt_cmat w, dopt_cmat grad, double lr)
{
    const double depth = isfinite(model->depth) ? model->depth : 1.0;
    const double power = isfinite(model->depth) ? 2.0 - 2.0 / model->depth : 2.0;
    const double size = log(dopt__norm(w)) * power + log(dopt__norm(grad)) + log(depth * fmax(lr, 1.0));
    return !(size < (w.dtype == DOPT_F64 ? 690.0 : 80.0));
}

dopt_status dopt__model_move(dopt__model *model, dopt_mat w, dopt_cmat grad, double lr, int *overflow)
{
    const dopt_status status = kinds[model->kind].move(model, w, grad, lr);
    *overflow = status == DOPT_ERR_NUMERICAL && may_overflow(model, dopt_const(w), grad, lr);
    return status;
}

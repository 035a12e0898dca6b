/* SPDX-License-Identifier: MIT */
/*
 * One pass over parameters, gradients and state, in pieces of double.
 *
 * The state of a block is stored as the block is walked, line after line, in the block's dtype. Gradients are checked
 * before anything moves, so that a bad one leaves parameters and state as they were.
 */

#include "optim/optim_state.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/finite.h"
#include "linalg/line_kernels.h"
#include "linalg/lines.h"
#include "linalg/scan.h"
#include "net/chain.h"

static dopt_status create(const char *func, dopt_optim_kind kind, const dopt_allocator *allocator, dopt_optim **out)
{
    if (!out)
        return dopt__fail(DOPT_ERR_INVALID, func, "out is NULL, must point to a handle");
    DOPT_TRY(dopt__check_kind(func, "kind", kind));
    if (allocator)
        DOPT_TRY(dopt__check_allocator(func, allocator));
    dopt_optim *optim = dopt__alloc(allocator, 1, sizeof *optim);
    if (!optim)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the handle");
    const dopt__rule *rule = dopt__rule_of(kind);
    if (allocator)
        optim->allocator = *allocator;
    optim->kind = kind;
    optim->rule = rule;
    for (int i = 0; i < DOPT_HYPER_COUNT; i++)
        optim->hyper[i] = rule->initial[i];
    *out = optim;
    return DOPT_OK;
}

dopt_status dopt_optim_create(dopt_optim_kind kind, dopt_optim **out)
{
    return create(__func__, kind, NULL, out);
}

dopt_status dopt_optim_create_with(dopt_optim_kind kind, const dopt_allocator *allocator, dopt_optim **out)
{
    return create(__func__, kind, allocator, out);
}

static void release_blocks(dopt_optim *optim, dopt__block *blocks, int count)
{
    for (int i = 0; i < count && blocks; i++)
        for (int s = 0; s < DOPT__STATES_MAX; s++)
            dopt__release(&optim->allocator, blocks[i].state[s]);
    dopt__release(&optim->allocator, blocks);
}

static void release_views(dopt_optim *optim)
{
    dopt__release(&optim->allocator, optim->params);
    dopt__release(&optim->allocator, optim->grads);
    optim->params = NULL;
    optim->grads = NULL;
}

void dopt_optim_destroy(dopt_optim **optim)
{
    if (!optim || !*optim)
        return;
    const dopt_allocator allocator = (*optim)->allocator;
    release_blocks(*optim, (*optim)->block, (*optim)->blocks);
    release_views(*optim);
    dopt__release(&allocator, *optim);
    *optim = NULL;
}

dopt_optim_kind dopt_optim_get_kind(const dopt_optim *optim)
{
    return optim ? optim->kind : DOPT_OPTIM_GD;
}

int64_t dopt_optim_steps(const dopt_optim *optim)
{
    return optim ? optim->steps : 0;
}

double dopt_optim_get(const dopt_optim *optim, dopt_hyper hyper)
{
    const int index = (int)hyper;
    return optim && index >= 0 && index < DOPT_HYPER_COUNT ? optim->hyper[index] : NAN;
}

static void fill_states(dopt_optim *optim)
{
    const bool accumulates = !isnan(optim->hyper[DOPT_ACCUMULATOR]);
    for (int i = 0; i < optim->blocks; i++)
        for (int s = 0; s < optim->rule->states; s++)
            dopt__fill(dopt__optim_state_of(&optim->block[i], s), accumulates ? optim->hyper[DOPT_ACCUMULATOR] : 0.0);
}

dopt_status dopt_optim_set(dopt_optim *optim, dopt_hyper hyper, double value)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_TRY(dopt__check_hyper(__func__, "", optim->kind, hyper, value));
    DOPT_REQUIRE(hyper != DOPT_ACCUMULATOR || optim->steps == 0, DOPT_ERR_INVALID,
                 "accumulator is set after %lld steps, must be set before the first one or after a reset",
                 (long long)optim->steps);
    optim->hyper[hyper] = value;
    if (hyper == DOPT_ACCUMULATOR)
        fill_states(optim);
    return DOPT_OK;
}

dopt_mat dopt_optim_state(dopt_optim *optim, int block, int state)
{
    if (!optim || !optim->block || block < -1 || block >= optim->blocks || state < 0)
        return dopt_mat_none();
    if (block < 0)
        return optim->rule->grouped && state == 0 ? dopt_mat_f64(&optim->square, 1, 1) : dopt_mat_none();
    return state < optim->rule->states ? dopt__optim_state_of(&optim->block[block], state) : dopt_mat_none();
}

dopt_status dopt_optim_set_steps(dopt_optim *optim, int64_t steps)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_REQUIRE(steps >= 0, DOPT_ERR_INVALID, "steps is %lld, must be >= 0", (long long)steps);
    optim->steps = steps;
    return DOPT_OK;
}

void dopt_optim_reset(dopt_optim *optim)
{
    if (!optim)
        return;
    DOPT_HOLD_OR(optim, );
    optim->steps = 0;
    optim->square = 0.0;
    fill_states(optim);
}

static bool walks_by_rows(dopt_mat m)
{
    return dopt__walk_along(dopt_const(m)).by_rows;
}

static dopt_status check_block(const char *func, const dopt__block *b, dopt_mat p, int i)
{
    if (p.dtype != b->dtype)
        return dopt__fail(DOPT_ERR_DTYPE, func, "params[%d] has another dtype than at first", i);
    if (p.rows != b->rows || p.cols != b->cols)
        return dopt__fail(DOPT_ERR_SHAPE, func, "params[%d] is %td x %td, was %td x %td at first", i, p.rows, p.cols,
                          b->rows, b->cols);
    if (walks_by_rows(p) != b->by_rows)
        return dopt__fail(DOPT_ERR_SHAPE, func, "params[%d] is stored by %s, was stored by %s at first", i,
                          b->by_rows ? "columns" : "rows", b->by_rows ? "rows" : "columns");
    return DOPT_OK;
}

static bool allocate_states(dopt_optim *optim, dopt__block *b, dopt_mat p)
{
    const size_t size = p.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    b->rows = p.rows;
    b->cols = p.cols;
    b->dtype = p.dtype;
    b->by_rows = walks_by_rows(p);
    for (int s = 0; s < optim->rule->states; s++) {
        b->state[s] = dopt__alloc(&optim->allocator, (size_t)p.rows * (size_t)p.cols, size);
        if (!b->state[s])
            return false;
    }
    return true;
}

/* Make the state for these blocks, or check that it is for them. The views are valid. */
static dopt_status bind(dopt_optim *optim, const char *func, int blocks, const dopt_mat *params)
{
    if (optim->block) {
        if (blocks != optim->blocks)
            return dopt__fail(DOPT_ERR_SHAPE, func, "blocks is %d, was %d at first", blocks, optim->blocks);
        for (int i = 0; i < blocks; i++)
            DOPT_TRY(check_block(func, &optim->block[i], params[i], i));
        return DOPT_OK;
    }
    dopt__block *made = dopt__alloc(&optim->allocator, (size_t)blocks, sizeof *made);
    bool complete = made != NULL;
    for (int i = 0; i < blocks && complete; i++)
        complete = allocate_states(optim, &made[i], params[i]);
    if (!complete) {
        release_blocks(optim, made, blocks);
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the state of %d blocks", blocks);
    }
    optim->block = made;
    optim->blocks = blocks;
    fill_states(optim);
    return DOPT_OK;
}

/* The checks of a step name a block only when it is refused: then they are made again, with the name. */
typedef dopt_status (*check_fn)(const char *func, const char *name, dopt_cmat block, dopt_cmat like);

static dopt_status check_at(check_fn check, const char *func, const char *array, int i, dopt_cmat block, dopt_cmat like)
{
    char name[32];
    if (check(func, array, block, like) == DOPT_OK)
        return DOPT_OK;
    (void)snprintf(name, sizeof name, "%s[%d]", array, i);
    return check(func, name, block, like);
}

static dopt_status check_param(const char *func, const char *name, dopt_cmat param, dopt_cmat like)
{
    (void)like;
    return dopt__check_view(func, name, param);
}

static dopt_status check_params(const char *func, int blocks, const dopt_mat *params)
{
    if (blocks < 1)
        return dopt__fail(DOPT_ERR_INVALID, func, "blocks is %d, must be >= 1", blocks);
    if (!params)
        return dopt__fail(DOPT_ERR_INVALID, func, "params is NULL, must point to %d views", blocks);
    for (int i = 0; i < blocks; i++)
        DOPT_TRY(check_at(check_param, func, "params", i, dopt_const(params[i]), dopt_const(params[i])));
    return DOPT_OK;
}

dopt_status dopt_optim_prepare(dopt_optim *optim, int blocks, const dopt_mat *params)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_TRY(check_params(__func__, blocks, params));
    return bind(optim, __func__, blocks, params);
}

/* All at once: no decay, arrays of double without gaps. */
static bool move_flat(const dopt_optim *optim, const dopt__step *step, const dopt__block *b, dopt_mat p, dopt_cmat g)
{
    const dopt_cmat params = dopt__flat(dopt_const(p)), grad = dopt__flat(g);
    const bool along = params.rows == 1 && grad.rows == 1 &&
                       (p.rows == 1 || p.cols == 1 || walks_by_rows(p) == dopt__walk_along(g).by_rows);
    if (!along || p.dtype != DOPT_F64 || params.col_stride != 1 || grad.col_stride != 1 ||
        step->hyper[DOPT_WEIGHT_DECAY] != 0.0)
        return false;
    double *states[DOPT__STATES_MAX] = { NULL };
    for (int s = 0; s < optim->rule->states; s++)
        states[s] = b->state[s];
    optim->rule->apply(step, params.cols, p.data, grad.data, states);
    return true;
}

static void move_pieces(const dopt_optim *optim, const dopt__step *step, const dopt__block *b, dopt_mat p, dopt_cmat g)
{
    const dopt__walk walk = dopt__walk_along(dopt_const(p));
    const double decay = step->hyper[DOPT_WEIGHT_DECAY];
    const bool decoupled = step->hyper[DOPT_DECOUPLED] == 1.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_p[DOPT__PIECE], of_g[DOPT__PIECE], of_s[DOPT__STATES_MAX][DOPT__PIECE];
            double *states[DOPT__STATES_MAX] = { NULL };
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *grad = dopt__load(g, piece, of_g);
            (void)dopt__load(dopt_const(p), piece, of_p); /* in place, or into the buffer that the target is */
            double *x = dopt__target(p, piece, of_p);
            if (decay != 0.0 && !decoupled) {
                for (ptrdiff_t i = 0; i < piece.count; i++)
                    of_g[i] = grad[i] + decay * x[i];
                grad = of_g;
            }
            for (ptrdiff_t i = 0; i < piece.count && decay != 0.0 && decoupled; i++)
                x[i] *= 1.0 - step->hyper[DOPT_LR] * decay;
            for (int s = 0; s < optim->rule->states; s++) {
                (void)dopt__load(dopt_const(dopt__optim_state_of(b, s)), piece, of_s[s]);
                states[s] = dopt__target(dopt__optim_state_of(b, s), piece, of_s[s]);
            }
            optim->rule->apply(step, piece.count, x, grad, states);
            dopt__store(p, piece, x);
            for (int s = 0; s < optim->rule->states; s++)
                dopt__store(dopt__optim_state_of(b, s), piece, states[s]);
        }
}

/* sum (g + decay p)^2 of a block. */
static double square_of(dopt_mat p, dopt_cmat g, double decay)
{
    const dopt__walk walk = dopt__walk_along(dopt_const(p));
    double sum = 0.0;
    for (ptrdiff_t line = 0; line < walk.lines; line++)
        for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
            double of_p[DOPT__PIECE], of_g[DOPT__PIECE];
            const dopt__piece piece = dopt__piece_of(walk, line, at);
            const double *x = dopt__load(dopt_const(p), piece, of_p), *grad = dopt__load(g, piece, of_g);
            for (ptrdiff_t i = 0; i < piece.count; i++)
                sum += (grad[i] + decay * x[i]) * (grad[i] + decay * x[i]);
        }
    return sum;
}

/* The part of a grouped rule that looks at all blocks at once. */
static void update_group(dopt_optim *optim, dopt__step *step, const dopt_mat *params, const dopt_cmat *grads)
{
    const double rho = optim->hyper[DOPT_RHO];
    const double decay = optim->hyper[DOPT_DECOUPLED] == 1.0 ? 0.0 : optim->hyper[DOPT_WEIGHT_DECAY];
    double sum = 0.0;
    for (int i = 0; i < optim->blocks; i++)
        sum += square_of(params[i], grads[i], decay);
    optim->square = rho * optim->square + (1.0 - rho) * sum;
    const double correction = rho > 0.0 ? -expm1((double)(optim->steps + 1) * log(rho)) : 1.0;
    step->scale = sqrt(optim->square / correction);
}

static dopt__step step_of(const dopt_optim *optim)
{
    dopt__step step = { .scale = 1.0 };
    for (int i = 0; i < DOPT_HYPER_COUNT; i++)
        step.hyper[i] = optim->hyper[i];
    const double t = (double)(optim->steps + 1);
    if (!isnan(optim->hyper[DOPT_BETA1])) {
        step.correction1 = optim->hyper[DOPT_BETA1] > 0.0 ? -expm1(t * log(optim->hyper[DOPT_BETA1])) : 1.0;
        step.correction2 = optim->hyper[DOPT_BETA2] > 0.0 ? -expm1(t * log(optim->hyper[DOPT_BETA2])) : 1.0;
    }
    return step;
}

static dopt_status check_grad(const char *func, const char *name, dopt_cmat grad, dopt_cmat param)
{
    DOPT_TRY(dopt__check_matrix(func, name, grad, param.rows, param.cols, param.dtype));
    DOPT_TRY(dopt__check_apart(func, "the block of params", param, name, grad));
    return dopt__require_finite(func, name, grad);
}

static void move_block(const dopt_optim *optim, const dopt__step *step, int i, dopt_mat param, dopt_cmat grad)
{
    if (!move_flat(optim, step, &optim->block[i], param, grad))
        move_pieces(optim, step, &optim->block[i], param, grad);
}

static dopt_status apply(dopt_optim *optim, const char *func, int blocks, const dopt_mat *params,
                         const dopt_cmat *grads)
{
    assert(params && grads);
    for (int i = 0; i < blocks; i++)
        DOPT_TRY(check_at(check_grad, func, "grads", i, grads[i], dopt_const(params[i])));
    DOPT_TRY(bind(optim, func, blocks, params));
    dopt__step step = step_of(optim);
    if (optim->rule->grouped)
        update_group(optim, &step, params, grads);
    for (int i = 0; i < blocks; i++)
        move_block(optim, &step, i, params[i], grads[i]);
    optim->steps++;
    return DOPT_OK;
}

dopt_status dopt_optim_apply(dopt_optim *optim, int blocks, const dopt_mat *params, const dopt_cmat *grads)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_TRY(check_params(__func__, blocks, params));
    DOPT_REQUIRE(grads, DOPT_ERR_INVALID, "grads is NULL, must point to %d views", blocks);
    return apply(optim, __func__, blocks, params, grads);
}

static dopt_status make_views(dopt_optim *optim, const char *func, int blocks)
{
    if (optim->params)
        return DOPT_OK;
    optim->params = dopt__alloc(&optim->allocator, (size_t)blocks, sizeof *optim->params);
    optim->grads = dopt__alloc(&optim->allocator, (size_t)blocks, sizeof *optim->grads);
    if (optim->params && optim->grads)
        return DOPT_OK;
    release_views(optim);
    return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for %d views", blocks);
}

/* Views of all factors and gradients of a net, and of its bias, if there is one. */
static dopt_status bind_net(dopt_optim *optim, const char *func, dopt_net *net)
{
    const int depth = dopt_net_depth(net), blocks = depth + (dopt_net_bias(net).data != NULL);
    if (optim->block && optim->blocks != blocks)
        return dopt__fail(DOPT_ERR_SHAPE, func, "the net has %d blocks, the state is for %d", blocks, optim->blocks);
    DOPT_TRY(make_views(optim, func, blocks));
    for (int j = 1; j <= depth; j++) {
        optim->params[j - 1] = dopt_net_factor(net, j);
        optim->grads[j - 1] = dopt_const(net->layers[j].grad);
    }
    if (blocks > depth) {
        optim->params[depth] = dopt_net_bias(net);
        optim->grads[depth] = dopt_const(dopt_net_bias_grad(net));
    }
    const dopt_status status = bind(optim, func, blocks, optim->params);
    if (!optim->block) /* the next net may have more blocks */
        release_views(optim);
    return status;
}

dopt_status dopt_optim_prepare_net(dopt_optim *optim, dopt_net *net)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_HOLD(net);
    return bind_net(optim, __func__, net);
}

dopt_status dopt_optim_apply_net(dopt_optim *optim, dopt_net *net)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_HOLD(net);
    DOPT_TRY(bind_net(optim, __func__, net));
    for (int j = 1; j <= net->depth; j++)
        dopt__chain_form(net, j);
    return apply(optim, __func__, optim->blocks, optim->params, optim->grads);
}

/* a b^T is finite, as the product of its largest numbers is. */
static bool thin_is_finite(const dopt__layer *layer)
{
    const double a = dopt__max_abs(dopt_const(dopt__net_thin_column(layer)));
    return isfinite(a) && isfinite(a * dopt__max_abs(dopt_const(dopt__net_thin_row(layer))));
}

/* W -= lr a b^T, row by row; what gd does with the gradient formed. */
static void move_thin(const dopt_optim *optim, const dopt__layer *layer)
{
    const double *a = dopt__net_thin_column(layer).data;
    const dopt__line_kernels *kernels = &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[DOPT_F64];
    for (ptrdiff_t r = 0; r < layer->factor.rows; r++)
        kernels->lower(layer->factor.cols, dopt__net_thin_row(layer).data, a + r, optim->hyper[DOPT_LR],
                       (double *)layer->factor.data + r * layer->factor.cols);
}

/* Gradient descent, with outer products left as they are: they are as large as the factors. */
static dopt_status step_thin(dopt_optim *optim, const char *func, dopt_net *net)
{
    for (int j = 1; j <= net->depth; j++) {
        if (net->layers[j].thin && !thin_is_finite(&net->layers[j]))
            dopt__chain_form(net, j); /* to find the place */
        if (!net->layers[j].thin)
            DOPT_TRY(
                check_at(check_grad, func, "grads", j - 1, optim->grads[j - 1], dopt_const(net->layers[j].factor)));
    }
    const dopt__step step = step_of(optim);
    for (int j = 1; j <= net->depth; j++)
        if (net->layers[j].thin)
            move_thin(optim, &net->layers[j]);
        else
            move_block(optim, &step, j - 1, net->layers[j].factor, optim->grads[j - 1]);
    optim->steps++;
    return DOPT_OK;
}

dopt_status dopt_step(dopt_optim *optim, dopt_net *net, dopt_cmat grad)
{
    DOPT_REQUIRE(optim, DOPT_ERR_INVALID, "optim is NULL, must be a handle");
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(optim);
    DOPT_HOLD(net);
    DOPT_TRY(bind_net(optim, __func__, net));
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, dopt_net_width(net, net->depth), dopt_net_width(net, 0),
                                net->dtype));
    DOPT_TRY(dopt__require_finite(__func__, "grad", grad));
    const bool thin = optim->kind == DOPT_OPTIM_GD && optim->hyper[DOPT_WEIGHT_DECAY] == 0.0 &&
                      net->dtype == DOPT_F64 && !net->bias.data;
    dopt__chain_backward(net, grad, thin);
    return thin ? step_thin(optim, __func__, net) : apply(optim, __func__, optim->blocks, optim->params, optim->grads);
}

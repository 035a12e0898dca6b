/* SPDX-License-Identifier: MIT */
/*
 * One step: evaluate at the present W, decide whether to stop, tell the callback, move.
 *
 * `last` keeps the W of the step before: where the new one turns out to have no finite value, the run ends there.
 */
#define _POSIX_C_SOURCE 200809L

#include "fit/trainer_state.h"

#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/memory.h"
#include "fit/options.h"
#include "fit/start.h"
#include "linalg/scan.h"
#include "objective/shared.h"

const char *dopt_stop_reason_string(dopt_stop_reason reason)
{
    switch (reason) {
    case DOPT_STOP_NONE: return "none";
    case DOPT_STOP_STEPS: return "steps";
    case DOPT_STOP_TARGET: return "target";
    case DOPT_STOP_VALUE: return "value";
    case DOPT_STOP_GRADIENT: return "gradient";
    case DOPT_STOP_STEP: return "step";
    case DOPT_STOP_SECONDS: return "seconds";
    case DOPT_STOP_CALLBACK: return "callback";
    case DOPT_STOP_DIVERGED: return "diverged";
    }
    return "unknown";
}

static double seconds_since(struct timespec start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
}

/* A matrix like w, without gaps. */
static dopt_mat matrix_like(const dopt_trainer *trainer, dopt_mat w)
{
    dopt_mat m = { NULL, w.rows, w.cols, w.cols, 1, w.dtype };
    m.data = dopt__alloc(&trainer->options.allocator, (size_t)w.rows * (size_t)w.cols,
                         w.dtype == DOPT_F64 ? sizeof(double) : sizeof(float));
    return m;
}

static dopt_status allocate(dopt_trainer *trainer, const char *func, dopt_mat w)
{
    const ptrdiff_t m = dopt_objective_examples(trainer->objective), batch = trainer->options.batch_size;
    trainer->last = matrix_like(trainer, w);
    trainer->grad = matrix_like(trainer, w);
    if (batch > 0 && batch < m)
        trainer->rows = dopt__alloc(&trainer->options.allocator, (size_t)batch, sizeof *trainer->rows);
    if (!trainer->last.data || !trainer->grad.data || (batch > 0 && batch < m && !trainer->rows))
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for %td x %td weights", w.rows, w.cols);
    return DOPT_OK;
}

static dopt_status set_up(dopt_trainer *trainer, const char *func, dopt_mat w)
{
    dopt_hyper_bounds lr;
    dopt_net *net = NULL;
    DOPT_TRY(allocate(trainer, func, w));
    DOPT_TRY(dopt_optim_bounds(trainer->options.optimizer, DOPT_LR, &lr));
    trainer->base_lr = trainer->options.lr > 0.0 ? trainer->options.lr : lr.initial;
    DOPT_TRY(dopt__start(func, &trainer->options, dopt_const(w), trainer->last, &net));
    dopt__warn_of_rest(func, &trainer->options, dopt_const(w));
    DOPT_TRY(dopt__model_create(&trainer->options, net, w, &trainer->model));
    trainer->options.hypers = NULL;
    trainer->w = w;
    dopt__copy(1.0, dopt_const(trainer->last), w);
    trainer->report.value = trainer->report.gradient_norm = trainer->before = NAN;
    trainer->report.best_value = INFINITY;
    trainer->report.route = dopt_objective_route(trainer->objective);
    dopt__objective_watch(trainer->objective, trainer->options.callback || isfinite(trainer->options.max_seconds));
    clock_gettime(CLOCK_MONOTONIC, &trainer->start);
    return DOPT_OK;
}

dopt_status dopt__trainer_create(const char *func, dopt_objective *objective, const dopt_fit_options *options,
                                 dopt_mat w, dopt_trainer **out)
{
    if (!objective)
        return dopt__fail(DOPT_ERR_INVALID, func, "objective is NULL, must be a handle");
    const bool any_dtype = dopt_objective_examples(objective) == 0;
    DOPT_TRY(dopt__check_matrix(func, "w", dopt_const(w), dopt_objective_rows(objective),
                                dopt_objective_cols(objective), any_dtype ? w.dtype : dopt_objective_dtype(objective)));
    dopt_fit_options known;
    DOPT_TRY(dopt__fit_options(func, options, &known));
    if (known.batch_size > 0 && dopt_objective_examples(objective) == 0)
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "options->batch_size is %td, must be 0 for an objective without examples "
                          "(dopt_objective_create_kind() gives it some)",
                          known.batch_size);
    dopt_trainer *trainer = dopt__alloc(&known.allocator, 1, sizeof *trainer);
    if (!trainer)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the handle");
    trainer->options = known;
    trainer->objective = objective;
    trainer->model.allocator = known.allocator;
    const dopt_status status = dopt__within(func, set_up(trainer, func, w));
    if (status != DOPT_OK)
        dopt_trainer_destroy(&trainer);
    else
        *out = trainer;
    return status;
}

dopt_status dopt_trainer_create(dopt_objective *objective, const dopt_fit_options *options, dopt_mat w,
                                dopt_trainer **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    return dopt__trainer_create(__func__, objective, options, w, out);
}

void dopt_trainer_destroy(dopt_trainer **trainer)
{
    if (!trainer || !*trainer)
        return;
    const dopt_allocator allocator = (*trainer)->options.allocator;
    dopt__model_destroy(&(*trainer)->model);
    dopt__release(&allocator, (*trainer)->last.data);
    dopt__release(&allocator, (*trainer)->grad.data);
    dopt__release(&allocator, (*trainer)->rows);
    dopt__release(&allocator, *trainer);
    *trainer = NULL;
}

/* The rows of a step: each epoch visits every row once, in an order of its own. */
static dopt_status batch_of(const dopt_trainer *trainer, dopt_batch *batch)
{
    const int64_t m = dopt_objective_examples(trainer->objective), size = trainer->options.batch_size;
    const int64_t per_epoch = (m + size - 1) / size;
    const int64_t epoch = trainer->report.steps / per_epoch, first = trainer->report.steps % per_epoch * size;
    batch->rows = trainer->rows;
    batch->first = 0;
    batch->count = (ptrdiff_t)(m - first < size ? m - first : size);
    return dopt_rng_permute_rows(trainer->options.seed, (uint64_t)epoch, (ptrdiff_t)m, (ptrdiff_t)first, batch->count,
                                 trainer->rows);
}

/* || w - last ||_F. */
static double step_size(const dopt_trainer *trainer)
{
    double sum = 0.0;
    const dopt_mat w = trainer->w, last = trainer->last;
    for (ptrdiff_t r = 0; r < w.rows; r++)
        for (ptrdiff_t c = 0; c < w.cols; c++) {
            const ptrdiff_t a = r * w.row_stride + c * w.col_stride, b = r * last.row_stride + c;
            const double x = w.dtype == DOPT_F64
                                 ? ((const double *)w.data)[a] - ((const double *)last.data)[b]
                                 : (double)((const float *)w.data)[a] - (double)((const float *)last.data)[b];
            sum = hypot(sum, x);
        }
    return sum;
}

/* Whether a gradient of 0 means that nothing will move any more: not if other rows, decay or momentum would. */
static bool rests_at_zero(const dopt_trainer *trainer)
{
    const dopt_fit_options *o = &trainer->options;
    const bool momentum =
        o->optimizer == DOPT_OPTIM_MOMENTUM || o->optimizer == DOPT_OPTIM_NESTEROV || o->optimizer == DOPT_OPTIM_ADAM;
    return !trainer->rows && o->weight_decay == 0.0 && !momentum;
}

/* The stopping rules of dopt_stop_reason, at a W that has just been evaluated. */
static dopt_stop_reason stop_reason(const dopt_trainer *trainer)
{
    const dopt_fit_options *o = &trainer->options;
    const dopt_report *r = &trainer->report;
    if (r->value <= o->target)
        return DOPT_STOP_TARGET;
    if (r->gradient_norm <= o->gradient_tolerance && (o->gradient_tolerance > 0.0 || rests_at_zero(trainer)))
        return DOPT_STOP_GRADIENT;
    if (o->value_tolerance > 0.0 && r->steps > 0 &&
        fabs(trainer->before - r->value) <= o->value_tolerance * fmax(fabs(trainer->before), fabs(r->value)))
        return DOPT_STOP_VALUE;
    if (o->step_tolerance > 0.0 && r->steps > 0 &&
        step_size(trainer) <= o->step_tolerance * dopt__norm(dopt_const(trainer->w)))
        return DOPT_STOP_STEP;
    if (r->steps >= o->max_steps)
        return DOPT_STOP_STEPS;
    return r->seconds >= o->max_seconds ? DOPT_STOP_SECONDS : DOPT_STOP_NONE;
}

/* End the run at the last W that had a finite value. `moved`: W is no longer it. */
static void diverge(dopt_trainer *trainer, bool moved)
{
    if (moved)
        dopt__copy(1.0, dopt_const(trainer->last), trainer->w);
    if (moved && trainer->report.steps > 0)
        trainer->report.steps--;
    trainer->report.reason = DOPT_STOP_DIVERGED;
}

static dopt_status evaluate(dopt_trainer *trainer)
{
    dopt_batch batch;
    double value;
    dopt_report *report = &trainer->report;
    if (trainer->rows)
        DOPT_TRY(batch_of(trainer, &batch));
    DOPT_TRY(dopt_objective_eval(trainer->objective, dopt_const(trainer->w), trainer->rows ? &batch : NULL, &value,
                                 trainer->grad));
    trainer->seen = true;
    report->value = value;
    report->gradient_norm = dopt__norm(dopt_const(trainer->grad));
    if (value < report->best_value) {
        report->best_value = value;
        report->best_step = report->steps;
    }
    return DOPT_OK;
}

static bool callback_stops(dopt_trainer *trainer, double lr)
{
    const dopt_event event = { trainer->report.steps, trainer->report.value, trainer->report.gradient_norm, lr,
                               dopt_const(trainer->w) };
    return trainer->options.callback && trainer->options.callback(&event, trainer->options.user) != 0;
}

static dopt_status move(dopt_trainer *trainer, double lr)
{
    int overflow;
    dopt__copy(1.0, dopt_const(trainer->w), trainer->last);
    const dopt_status status = dopt__model_move(&trainer->model, trainer->w, dopt_const(trainer->grad), lr, &overflow);
    if (status == DOPT_OK) {
        trainer->before = trainer->report.value;
        trainer->seen = false;
        trainer->report.steps++;
    } else if (status == DOPT_ERR_NONFINITE || overflow) {
        diverge(trainer, false);
    } else {
        return status;
    }
    return DOPT_OK;
}

/* Clocks and callbacks may tell processes that train together different things. */
static dopt_status agree(dopt_trainer *trainer)
{
    int reason = (int)trainer->report.reason;
    DOPT_TRY(dopt__objective_agree(trainer->objective, &reason));
    trainer->report.reason = (dopt_stop_reason)reason;
    return DOPT_OK;
}

static dopt_status take_step(dopt_trainer *trainer)
{
    dopt_report *report = &trainer->report;
    const dopt_status status = evaluate(trainer);
    report->seconds = trainer->seconds_before + seconds_since(trainer->start);
    if (status == DOPT_ERR_NONFINITE) {
        diverge(trainer, !trainer->seen);
        return DOPT_OK;
    }
    if (status != DOPT_OK)
        return status;
    report->reason = stop_reason(trainer);
    const double lr = dopt_schedule_lr(&trainer->options.schedule, trainer->base_lr, report->steps);
    if (callback_stops(trainer, lr) && report->reason == DOPT_STOP_NONE)
        report->reason = DOPT_STOP_CALLBACK;
    DOPT_TRY(agree(trainer));
    return report->reason == DOPT_STOP_NONE ? move(trainer, lr) : DOPT_OK;
}

dopt_status dopt__trainer_step(const char *func, dopt_trainer *trainer, dopt_stop_reason *reason)
{
    if (trainer->report.reason == DOPT_STOP_NONE)
        DOPT_TRY(dopt__within(func, take_step(trainer)));
    if (reason)
        *reason = trainer->report.reason;
    return DOPT_OK;
}

dopt_status dopt_trainer_step(dopt_trainer *trainer, dopt_stop_reason *reason)
{
    DOPT_REQUIRE(trainer, DOPT_ERR_INVALID, "trainer is NULL, must be a handle");
    DOPT_HOLD(trainer);
    return dopt__trainer_step(__func__, trainer, reason);
}

dopt_report dopt_trainer_report(const dopt_trainer *trainer)
{
    const dopt_report none = { 0 };
    return trainer ? trainer->report : none;
}

dopt_net *dopt_trainer_net(dopt_trainer *trainer)
{
    return trainer ? trainer->model.net : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "fit/options.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "optim/rules.h"
#include "optim/schedule.h"

const char *const dopt__model_names[] = { "direct", "factored", "e2e" };

static dopt_status check_range(const char *func, const char *name, double value, double lower)
{
    if (!(value >= lower && isfinite(value)))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->%s is %g, must be in [%g, inf)", name, value, lower);
    return DOPT_OK;
}

static dopt_status check_model(const char *func, const dopt_fit_options *o)
{
    static const char *const inits[] = { "given", "normal", "identity", "balanced" };
    DOPT_TRY(dopt__check_choice(func, "options->model", (int)o->model, DOPT_MODEL_E2E + 1, dopt__model_names));
    DOPT_TRY(dopt__check_choice(func, "options->init", (int)o->init, DOPT_INIT_BALANCED + 1, inits));
    if (!(o->depth >= 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->depth is %g, must be in [1, inf]", o->depth);
    if (o->model == DOPT_MODEL_FACTORED && (o->depth != floor(o->depth) || o->depth > DOPT_NET_DEPTH_MAX))
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "options->depth is %g, must be an integer in [1, %d] for a factored model", o->depth,
                          DOPT_NET_DEPTH_MAX);
    if (o->width < 0 || o->width > DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->width is %td, must be in [0, %d]", o->width,
                          DOPT__EXTENT_MAX);
    return check_range(func, "init_std", o->init_std, 0.0);
}

static dopt_status check_hyper(const char *func, int i, const dopt_fit_options *o)
{
    const dopt_hyper_value *h = &o->hypers[i];
    char where[40];
    (void)snprintf(where, sizeof where, "options->hypers[%d]: ", i);
    DOPT_TRY(dopt__check_hyper(func, where, o->optimizer, h->hyper, h->value));
    if (h->hyper == DOPT_LR || h->hyper == DOPT_WEIGHT_DECAY)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->hypers[%d] is %s, which is options->%s", i,
                          dopt_hyper_name(h->hyper), dopt_hyper_name(h->hyper));
    for (int j = 0; j < i; j++)
        if (o->hypers[j].hyper == h->hyper)
            return dopt__fail(DOPT_ERR_INVALID, func, "options->hypers[%d] is %s, which hypers[%d] is already", i,
                              dopt_hyper_name(h->hyper), j);
    return DOPT_OK;
}

static dopt_status check_optimizer(const char *func, const dopt_fit_options *o)
{
    DOPT_TRY(dopt__check_kind(func, "options->optimizer", o->optimizer));
    if (!(o->lr >= 0.0 && isfinite(o->lr)))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->lr is %g, must be in (0, inf), or 0 for the default",
                          o->lr);
    DOPT_TRY(check_range(func, "weight_decay", o->weight_decay, 0.0));
    if (o->hyper_count < 0 || (o->hyper_count > 0 && !o->hypers))
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "options->hyper_count is %d and options->hypers is %s, must be the length of an array",
                          o->hyper_count, o->hypers ? "not NULL" : "NULL");
    for (int i = 0; i < o->hyper_count; i++)
        DOPT_TRY(check_hyper(func, i, o));
    return dopt__check_schedule(func, "options->schedule.", &o->schedule);
}

static dopt_status check_stops(const char *func, const dopt_fit_options *o)
{
    if (o->batch_size < 0)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->batch_size is %td, must be >= 0", o->batch_size);
    if (o->max_steps < 0)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->max_steps is %lld, must be >= 0", (long long)o->max_steps);
    if (isnan(o->target))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->target is nan, must be a number or -INFINITY");
    DOPT_TRY(check_range(func, "value_tolerance", o->value_tolerance, 0.0));
    DOPT_TRY(check_range(func, "gradient_tolerance", o->gradient_tolerance, 0.0));
    DOPT_TRY(check_range(func, "step_tolerance", o->step_tolerance, 0.0));
    if (!(o->max_seconds > 0.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->max_seconds is %g, must be in (0, inf]", o->max_seconds);
    return DOPT_OK;
}

dopt_status dopt__fit_options(const char *func, const dopt_fit_options *options, dopt_fit_options *out)
{
    const dopt_fit_options defaults = DOPT_FIT_OPTIONS_INIT;
    *out = defaults;
    DOPT_TRY(dopt__read_options(func, options, DOPT__SIZE_THROUGH(dopt_fit_options, allocator), sizeof defaults, out));
    DOPT_TRY(check_model(func, out));
    DOPT_TRY(check_optimizer(func, out));
    DOPT_TRY(check_stops(func, out));
    return dopt__check_allocator(func, &out->allocator);
}

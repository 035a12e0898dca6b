/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "checkpoint/numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "fit/trainer_state.h"
#include "optim/optim_state.h"

/* In the order of the file. Hyperparameters that the optimizer has follow. */
enum {
    STEPS,
    OPTIM_STEPS,
    OPTIM_SQUARE,
    REASON,
    VALUE,
    BEFORE,
    GRADIENT_NORM,
    BEST_VALUE,
    BEST_STEP,
    SECONDS,
    DEPTH,
    LR,
    WEIGHT_DECAY,
    SCHEDULE_WARMUP,
    SCHEDULE_PERIOD,
    SCHEDULE_FACTOR,
    BATCH_SIZE,
    EXAMPLES,
    SEED,
    HYPERS
};

static const struct {
    const char *name;
    dopt__number_type type;
    bool option;
} table[HYPERS] = {
    [STEPS] = { "steps", DOPT__I64, false },
    [OPTIM_STEPS] = { "optim.steps", DOPT__I64, false },
    [OPTIM_SQUARE] = { "optim.square", DOPT__DOUBLE, false },
    [REASON] = { "reason", DOPT__I64, false },
    [VALUE] = { "value", DOPT__DOUBLE, false },
    [BEFORE] = { "value_before", DOPT__DOUBLE, false },
    [GRADIENT_NORM] = { "gradient_norm", DOPT__DOUBLE, false },
    [BEST_VALUE] = { "best_value", DOPT__DOUBLE, false },
    [BEST_STEP] = { "best_step", DOPT__I64, false },
    [SECONDS] = { "seconds", DOPT__DOUBLE, false },
    [DEPTH] = { "option.depth", DOPT__DOUBLE, true },
    [LR] = { "option.lr", DOPT__DOUBLE, true },
    [WEIGHT_DECAY] = { "option.weight_decay", DOPT__DOUBLE, true },
    [SCHEDULE_WARMUP] = { "option.schedule.warmup", DOPT__I64, true },
    [SCHEDULE_PERIOD] = { "option.schedule.period", DOPT__I64, true },
    [SCHEDULE_FACTOR] = { "option.schedule.factor", DOPT__DOUBLE, true },
    [BATCH_SIZE] = { "option.batch_size", DOPT__I64, true },
    [EXAMPLES] = { "examples", DOPT__I64, true },
    [SEED] = { "option.seed", DOPT__U64, true },
};

static void gather_state(const dopt_trainer *trainer, dopt__number *out)
{
    const dopt_report *r = &trainer->report;
    out[STEPS].is.i = r->steps;
    out[OPTIM_STEPS].is.i = dopt_optim_steps(trainer->model.optim);
    out[OPTIM_SQUARE].is.f = trainer->model.optim->square;
    out[REASON].is.i = r->reason;
    out[VALUE].is.f = r->value;
    out[BEFORE].is.f = trainer->before;
    out[GRADIENT_NORM].is.f = r->gradient_norm;
    out[BEST_VALUE].is.f = r->best_value;
    out[BEST_STEP].is.i = r->best_step;
    out[SECONDS].is.f = r->seconds;
}

static void gather_options(const dopt_trainer *trainer, dopt__number *out)
{
    const dopt_fit_options *o = &trainer->options;
    out[DEPTH].is.f = o->depth;
    out[LR].is.f = trainer->base_lr;
    out[WEIGHT_DECAY].is.f = o->weight_decay;
    out[SCHEDULE_WARMUP].is.i = o->schedule.warmup;
    out[SCHEDULE_PERIOD].is.i = o->schedule.period;
    out[SCHEDULE_FACTOR].is.f = o->schedule.factor;
    out[BATCH_SIZE].is.i = trainer->rows ? o->batch_size : 0;
    out[EXAMPLES].is.i = dopt_objective_examples(trainer->objective);
    out[SEED].is.u = o->seed;
}

int dopt__numbers_of(const dopt_trainer *trainer, dopt__number *out)
{
    int count = HYPERS;
    memset(out, 0, DOPT__NUMBERS_MAX * sizeof *out);
    for (int i = 0; i < HYPERS; i++) {
        (void)snprintf(out[i].name, sizeof out[i].name, "%s", table[i].name);
        out[i].type = table[i].type;
        out[i].option = table[i].option;
    }
    gather_state(trainer, out);
    gather_options(trainer, out);
    for (int h = DOPT_LR + 1; h < DOPT_HYPER_COUNT; h++) { /* each step sets lr itself */
        const double value = dopt_optim_get(trainer->model.optim, (dopt_hyper)h);
        if (isnan(value))
            continue;
        dopt__number *n = &out[count++];
        (void)snprintf(n->name, sizeof n->name, "hyper.%s", dopt_hyper_name((dopt_hyper)h));
        n->type = DOPT__DOUBLE;
        n->option = true;
        n->is.f = value;
    }
    return count;
}

static dopt_status differs(const char *func, const dopt__number *mine, const dopt__number *theirs)
{
    char a[32], b[32];
    const dopt__number *of[2] = { theirs, mine };
    char *text[2] = { a, b };
    for (int i = 0; i < 2; i++)
        if (mine->type == DOPT__DOUBLE)
            (void)snprintf(text[i], sizeof a, "%.17g", of[i]->is.f);
        else if (mine->type == DOPT__I64)
            (void)snprintf(text[i], sizeof a, "%lld", (long long)of[i]->is.i);
        else
            (void)snprintf(text[i], sizeof a, "%llu", (unsigned long long)of[i]->is.u);
    return dopt__fail(DOPT_ERR_INVALID, func, "the checkpoint's %s is %s, the trainer's is %s, must be equal",
                      mine->name, a, b);
}

static bool stands_somewhere(const dopt__number *n)
{
    return n[STEPS].is.i >= 0 && n[STEPS].is.i < INT64_MAX && n[OPTIM_STEPS].is.i >= 0 &&
           n[OPTIM_STEPS].is.i <= n[STEPS].is.i + 1 && n[OPTIM_SQUARE].is.f >= 0.0 &&
           n[REASON].is.i >= DOPT_STOP_NONE && n[REASON].is.i <= DOPT_STOP_DIVERGED && n[BEST_STEP].is.i >= 0 &&
           n[BEST_STEP].is.i <= n[STEPS].is.i && n[SECONDS].is.f >= 0.0 && isfinite(n[SECONDS].is.f);
}

dopt_status dopt__numbers_check(const char *func, int count, const dopt__number *mine, const dopt__number *theirs)
{
    for (int i = 0; i < count; i++)
        if (mine[i].option && mine[i].is.u != theirs[i].is.u /* of any type */)
            return differs(func, &mine[i], &theirs[i]);
    if (!stands_somewhere(theirs))
        return dopt__fail(
            DOPT_ERR_FORMAT, func, "the checkpoint stands at no step of a run: steps %lld, reason %lld, best_step %lld",
            (long long)theirs[STEPS].is.i, (long long)theirs[REASON].is.i, (long long)theirs[BEST_STEP].is.i);
    return DOPT_OK;
}

void dopt__numbers_restore(dopt_trainer *trainer, const dopt__number *theirs)
{
    dopt_report *r = &trainer->report;
    r->steps = theirs[STEPS].is.i;
    trainer->model.optim->steps = theirs[OPTIM_STEPS].is.i;
    trainer->model.optim->square = theirs[OPTIM_SQUARE].is.f;
    trainer->seen = theirs[REASON].is.i != DOPT_STOP_NONE; /* a run stops where it has looked */
    r->reason = theirs[REASON].is.i == DOPT_STOP_DIVERGED ? DOPT_STOP_DIVERGED : DOPT_STOP_NONE;
    r->value = theirs[VALUE].is.f;
    trainer->before = theirs[BEFORE].is.f;
    r->gradient_norm = theirs[GRADIENT_NORM].is.f;
    r->best_value = theirs[BEST_VALUE].is.f;
    r->best_step = theirs[BEST_STEP].is.i;
    r->seconds = trainer->seconds_before = theirs[SECONDS].is.f;
    (void)clock_gettime(CLOCK_MONOTONIC, &trainer->start);
}

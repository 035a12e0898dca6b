/* SPDX-License-Identifier: MIT */
#include "optim/schedule.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/check.h"

static const double pi = 3.14159265358979323846;

const char *const dopt__schedule_names[] = { "constant", "step", "exponential", "cosine", "inverse_time" };

static dopt_status check_factor(const char *func, const char *where, const dopt_schedule *s)
{
    static const char *const ranges[] = { "", "(0, 1]", "(0, 1]", "[0, 1]", "[0, inf)" }; /* by kind */
    const double f = s->factor;
    const bool from_zero = s->kind == DOPT_SCHEDULE_COSINE || s->kind == DOPT_SCHEDULE_INVERSE_TIME;
    const bool above = from_zero ? f >= 0.0 : f > 0.0;
    const bool below = s->kind == DOPT_SCHEDULE_INVERSE_TIME ? isfinite(f) : f <= 1.0;
    if (!above || !below)
        return dopt__fail(DOPT_ERR_INVALID, func, "%sfactor is %g, must be in %s for %s", where, f, ranges[s->kind],
                          dopt__schedule_names[s->kind]);
    return DOPT_OK;
}

static dopt_status unknown_kind(const char *func, const char *where, dopt_schedule_kind kind)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%skind", where);
    return dopt__check_choice(func, name, (int)kind, DOPT_SCHEDULE_INVERSE_TIME + 1, dopt__schedule_names);
}

/* At every step too: words are put together only where they are needed. */
dopt_status dopt__check_schedule(const char *func, const char *where, const dopt_schedule *s)
{
    if ((int)s->kind < 0 || (int)s->kind > DOPT_SCHEDULE_INVERSE_TIME)
        return unknown_kind(func, where, s->kind);
    if (s->warmup < 0)
        return dopt__fail(DOPT_ERR_INVALID, func, "%swarmup is %lld, must be >= 0", where, (long long)s->warmup);
    if (s->kind == DOPT_SCHEDULE_CONSTANT)
        return DOPT_OK;
    if (s->period < 1)
        return dopt__fail(DOPT_ERR_INVALID, func, "%speriod is %lld, must be >= 1 for %s", where, (long long)s->period,
                          dopt__schedule_names[s->kind]);
    return check_factor(func, where, s);
}

dopt_status dopt_schedule_check(const dopt_schedule *schedule)
{
    DOPT_REQUIRE(schedule, DOPT_ERR_INVALID, "schedule is NULL, must point to a schedule");
    return dopt__check_schedule(__func__, "schedule->", schedule);
}

double dopt_schedule_lr(const dopt_schedule *schedule, double lr, int64_t step)
{
    if (!schedule)
        return lr;
    if (dopt__check_schedule(__func__, "schedule->", schedule) != DOPT_OK)
        return NAN;
    const int64_t now = step < 0 ? 0 : step;
    if (now < schedule->warmup)
        return lr * (double)(now + 1) / (double)schedule->warmup;
    if (schedule->kind == DOPT_SCHEDULE_CONSTANT)
        return lr; /* its period may be 0 */
    const int64_t t = now - schedule->warmup;
    const int64_t whole = t / schedule->period;
    const double periods = (double)t / (double)schedule->period, f = schedule->factor;
    switch (schedule->kind) {
    case DOPT_SCHEDULE_CONSTANT: break;
    case DOPT_SCHEDULE_STEP: return lr * pow(f, (double)whole);
    case DOPT_SCHEDULE_EXPONENTIAL: return lr * pow(f, periods);
    case DOPT_SCHEDULE_COSINE: return lr * (f + (1.0 - f) * 0.5 * (1.0 + cos(pi * fmin(periods, 1.0))));
    case DOPT_SCHEDULE_INVERSE_TIME: return lr / (1.0 + f * periods);
    }
    return NAN;
}

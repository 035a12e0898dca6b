/* SPDX-License-Identifier: MIT */
#include <depthopt/schedule.h>

#include <math.h>

#include "base/check.h"

static const double pi = 3.14159265358979323846;

static dopt_status check(const char *func, const dopt_schedule *s)
{
    const int kind = (int)s->kind;
    if (kind < DOPT_SCHEDULE_CONSTANT || kind > DOPT_SCHEDULE_INVERSE_TIME)
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->kind is %d, must be one of dopt_schedule_kind", kind);
    if (s->warmup < 0)
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->warmup is %lld, must be >= 0", (long long)s->warmup);
    if (kind == DOPT_SCHEDULE_CONSTANT)
        return DOPT_OK;
    if (s->period < 1)
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->period is %lld, must be >= 1", (long long)s->period);
    const int decays = kind == DOPT_SCHEDULE_STEP || kind == DOPT_SCHEDULE_EXPONENTIAL;
    if (decays && !(s->factor > 0.0 && s->factor <= 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->factor is %g, must be in (0, 1]", s->factor);
    if (kind == DOPT_SCHEDULE_COSINE && !(s->factor >= 0.0 && s->factor <= 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->factor is %g, must be in [0, 1]", s->factor);
    if (kind == DOPT_SCHEDULE_INVERSE_TIME && !(s->factor >= 0.0 && isfinite(s->factor)))
        return dopt__fail(DOPT_ERR_INVALID, func, "schedule->factor is %g, must be in [0, inf)", s->factor);
    return DOPT_OK;
}

dopt_status dopt_schedule_check(const dopt_schedule *schedule)
{
    DOPT_REQUIRE(schedule, DOPT_ERR_INVALID, "schedule is NULL, must point to a schedule");
    return check(__func__, schedule);
}

double dopt_schedule_lr(const dopt_schedule *schedule, double lr, int64_t step)
{
    if (!schedule)
        return lr;
    if (check(__func__, schedule) != DOPT_OK)
        return NAN;
    const int64_t now = step < 0 ? 0 : step;
    if (now < schedule->warmup)
        return lr * (double)(now + 1) / (double)schedule->warmup;
    const int64_t t = now - schedule->warmup;
    const double periods = (double)t / (double)schedule->period, f = schedule->factor;
    switch (schedule->kind) {
    case DOPT_SCHEDULE_CONSTANT: return lr;
    case DOPT_SCHEDULE_STEP: return lr * pow(f, (double)(t / schedule->period));
    case DOPT_SCHEDULE_EXPONENTIAL: return lr * pow(f, periods);
    case DOPT_SCHEDULE_COSINE: return lr * (f + (1.0 - f) * 0.5 * (1.0 + cos(pi * fmin(periods, 1.0))));
    case DOPT_SCHEDULE_INVERSE_TIME: return lr / (1.0 + f * periods);
    }
    return NAN;
}

/* SPDX-License-Identifier: MIT */
#include "tune.h"

#include <math.h>
#include <stdlib.h>

enum { grid_size = 24 };

/* 1e-7, 2e-7, 5e-7, ..., 5. */
static double rate_of(int i)
{
    static const double digits[] = { 1.0, 2.0, 5.0 };
    return digits[i % 3] * pow(10.0, i / 3 - 7);
}

static void make(const member *prototype, int kind, double lr, int64_t steps, member *out)
{
    *out = *prototype;
    out->kind = kind;
    out->options.lr = lr;
    out->options.max_steps = steps;
}

/* The rate with the least loss at the end; 0 if all diverged. */
static int best_of(const member *probes)
{
    int best = 0;
    for (int i = 1; i < grid_size; i++)
        if (team_final(&probes[i]) < team_final(&probes[best]))
            best = i;
    return best;
}

bool tune(study *s, double p, const member *prototypes, int count, int rates, member *out)
{
    member *probes = calloc((size_t)(count * grid_size), sizeof *probes);
    if (!probes)
        return study_fail(s, "out of memory");
    for (int i = 0; i < count * grid_size; i++) {
        const member *prototype = &prototypes[i / grid_size];
        make(prototype, i / grid_size, rate_of(i % grid_size), prototype->options.max_steps / 100 + 500, &probes[i]);
    }
    bool good = team_run(s, "learning rates", p, probes, count * grid_size);
    for (int i = 0; i < count * rates && good; i++) {
        const member *prototype = &prototypes[i / rates];
        const int above = prototype->options.optimizer != DOPT_OPTIM_GD;
        const int at = best_of(probes + i / rates * grid_size) + above - i % rates;
        make(prototype, i / rates,
             rate_of(at < 0           ? 0
                     : at < grid_size ? at
                                      : grid_size - 1),
             prototype->options.max_steps, &out[i]);
    }
    team_free(probes, count * grid_size);
    free(probes);
    return good && team_run(s, "training", p, out, count * rates);
}

static bool is_coarse(double lr)
{
    const double digit = lr / pow(10.0, floor(log10(lr * 1.0000001)));
    return fabs(digit - 2.0) > 0.1;
}

const member *tune_best(const member *members, int count, int kind, bool coarse)
{
    const member *best = NULL;
    for (int i = 0; i < count; i++)
        if (members[i].kind == kind && !(coarse && !is_coarse(members[i].options.lr)) && !members[i].diverged &&
            (!best || team_final(&members[i]) < team_final(best)))
            best = &members[i];
    return best;
}

void tune_list(study *s, const member *members, int count, double optimum)
{
    char what[128];
    for (int i = 0; i < count; i++) {
        const member *m = &members[i];
        (void)snprintf(what, sizeof what, "%s, lr %g: %s", m->name, m->options.lr,
                       m->diverged ? "diverges after so many steps" : "distance at the end");
        study_number(s, what, m->diverged ? (double)m->steps : team_final(m) - optimum);
    }
}

/* SPDX-License-Identifier: MIT */
#include "tune.h"

#include <math.h>
#include <stdlib.h>

enum { grid_size = 24, rounds_max = 5, kinds_max = 32 };

/* 1e-7, 2e-7, 5e-7, ..., 5. */
static double rate_of(int i)
{
    static const double digits[] = { 1.0, 2.0, 5.0 };
    return digits[i % 3] * pow(10.0, i / 3 - 7);
}

static member with_rate(const member *prototype, int kind, int rate, int64_t steps)
{
    member m = *prototype;
    m.kind = kind;
    m.options.lr = rate_of(rate);
    m.options.max_steps = steps;
    return m;
}

bool tune_add(study *s, double p, const member *extra, int count, tuned *t)
{
    member *longer = realloc(t->list, (size_t)(t->count + count) * sizeof *longer);
    if (!longer)
        return study_fail(s, "out of memory");
    t->list = longer;
    for (int i = 0; i < count; i++)
        longer[t->count + i] = extra[i];
    t->count += count;
    return team_run(s, "training", p, longer + t->count - count, count);
}

/* top[kind]: the number of the rate that is best in a short run. */
static bool probe(study *s, double p, const member *prototypes, int count, int *top)
{
    tuned probes = { NULL, 0 };
    member *all = calloc((size_t)(count * grid_size), sizeof *all);
    bool good = all || study_fail(s, "out of memory");
    for (int i = 0; i < count * grid_size && good; i++) {
        const member *prototype = &prototypes[i / grid_size];
        all[i] = with_rate(prototype, i / grid_size, i % grid_size, prototype->options.max_steps / 100 + 500);
    }
    good = good && tune_add(s, p, all, count * grid_size, &probes);
    for (int kind = 0; kind < count && good; kind++) {
        const member *best = tune_best(&probes, kind, false);
        top[kind] = best ? (int)(best - probes.list) % grid_size : 0;
        top[kind] += prototypes[kind].options.optimizer != DOPT_OPTIM_GD && top[kind] + 1 < grid_size;
    }
    tune_free(&probes);
    free(all);
    return good;
}

/* Whether a smaller rate than those tried might be better. */
static bool open_below(const tuned *t, int kind, int lowest)
{
    const member *best = tune_best(t, kind, false);
    return lowest > 0 && (!best || best->options.lr < 1.001 * rate_of(lowest));
}

bool tune(study *s, double p, const member *prototypes, int count, tuned *out)
{
    const tuned none = { NULL, 0 };
    int lowest[kinds_max];
    *out = none;
    if (!probe(s, p, prototypes, count, lowest))
        return false;
    for (int round = 0; round < rounds_max; round++) {
        member next[4 * kinds_max];
        int size = 0;
        for (int kind = 0; kind < count; kind++) {
            const int adaptive = prototypes[kind].options.optimizer != DOPT_OPTIM_GD;
            const int width = round > 0 ? 2 : 3 + adaptive, from = lowest[kind] + (round == 0);
            if (round > 0 && !open_below(out, kind, lowest[kind]))
                continue;
            for (int i = 1; i <= width && from - i >= 0; i++) {
                next[size++] = with_rate(&prototypes[kind], kind, from - i, prototypes[kind].options.max_steps);
                lowest[kind] = from - i;
            }
        }
        if (size == 0)
            return true;
        if (!tune_add(s, p, next, size, out))
            return false;
    }
    return true;
}

void tune_free(tuned *t)
{
    const tuned none = { NULL, 0 };
    team_free(t->list, t->count);
    free(t->list);
    *t = none;
}

static bool is_coarse(double lr)
{
    const double digit = lr / pow(10.0, floor(log10(lr * 1.0000001)));
    return fabs(digit - 2.0) > 0.1;
}

/* Whether a rate of its kind that is no larger diverges: what survives above that has been thrown somewhere by luck. */
static bool beyond_stability(const tuned *t, const member *m)
{
    for (int i = 0; i < t->count; i++) {
        const member *other = &t->list[i];
        if (other->kind == m->kind && other->diverged && other->options.lr <= m->options.lr)
            return true;
    }
    return false;
}

const member *tune_best(const tuned *t, int kind, bool coarse)
{
    const member *best = NULL;
    for (int i = 0; i < t->count; i++) {
        const member *m = &t->list[i];
        if (m->kind == kind && !(coarse && !is_coarse(m->options.lr)) && !beyond_stability(t, m) &&
            (!best || team_final(m) < team_final(best)))
            best = m;
    }
    return best;
}

bool tune_winners(study *s, const tuned *t, int count, const member **best)
{
    for (int kind = 0; kind < count; kind++) {
        best[kind] = tune_best(t, kind, false);
        for (int i = 0; i < t->count && !best[kind]; i++)
            if (t->list[i].kind == kind)
                return study_fail(s, "%s: every learning rate diverged", t->list[i].name);
    }
    return true;
}

void tune_list(study *s, const tuned *t, double optimum)
{
    char what[128];
    for (int i = 0; i < t->count; i++) {
        const member *m = &t->list[i];
        (void)snprintf(what, sizeof what, "%s, lr %g: %s", m->name, m->options.lr,
                       m->diverged ? "diverges after so many steps" : "distance at the end");
        study_number(s, what, m->diverged ? (double)m->steps : team_final(m) - optimum);
    }
}

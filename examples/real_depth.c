/* SPDX-License-Identifier: MIT */
/*
 * Beyond the paper: depth as a real number. The end-to-end rule from depth 1 to 10 in steps of a half, and of infinite
 * depth (the limit of P / N), all from the same small W, each at its best learning rate: the loss over depth.
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/tune.h"

enum { depths = 20, rates = 4 };

/* 1, 1.5, ..., 10, infinity. */
static double depth_of(int i)
{
    return i == depths - 1 ? INFINITY : 1.0 + 0.5 * i;
}

static member prototype(const study *s, int i)
{
    char name[32];
    (void)snprintf(name, sizeof name, "depth %g", depth_of(i));
    member m = team_member(s, i, DOPT_MODEL_E2E, depth_of(i), 0.0, name);
    m.options.init = DOPT_INIT_BALANCED;
    return m;
}

/* The least loss over depth, and the runs of a few depths. */
static bool draw(study *s, const member *const *best, const curve *over_depth, double least)
{
    static const int shown[] = { 0, 1, 2, 4, 8, 18, 19 };
    figure f;
    curve limit = { 0 };
    const double y = over_depth->y[depths - 1];
    curve finite = *over_depth;
    finite.count = depths - 1;
    if (!curve_add(&limit, 1.0, y) || !curve_add(&limit, 10.0, y))
        return study_fail(s, "out of memory");
    bool good = figure_begin(&f, s, "real_depth", "The loss that a depth reaches", "depth", "loss - optimum", "");
    if (good) {
        figure_curve(&f, "depth N", &finite, 0.0);
        figure_curve(&f, "infinite depth", &limit, 0.0);
        good = figure_end(&f) &&
               figure_begin(&f, s, "real_depth_runs", "Runs at real depths", "steps", "loss - optimum", "xy");
    }
    curve_free(&limit);
    for (size_t i = 0; i < sizeof shown / sizeof *shown && good; i++)
        figure_members(&f, "", 1, &best[shown[i]], least);
    return good && figure_end(&f);
}

static bool judge(study *s, const member *const *best, double least, curve *over_depth)
{
    char what[128];
    double lowest = INFINITY;
    int at = 0, rises = 0;
    for (int i = 0; i < depths; i++) {
        const double distance = team_final(best[i]) - least;
        (void)snprintf(what, sizeof what, "%s, lr %g: distance at the end", best[i]->name, best[i]->options.lr);
        study_number(s, what, distance);
        if (!curve_add(over_depth, depth_of(i), distance))
            return study_fail(s, "out of memory");
        rises += i > 0 && i <= 4 && !(distance < 1.02 * over_depth->y[i - 1]);
        if (distance < lowest) {
            lowest = distance;
            at = i;
        }
    }
    study_claim(s, verdict_of(rises == 0, over_depth->y[4] < over_depth->y[0]),
                "Depth acts continuously: from 1 to 3 in steps of a half, more depth is faster",
                "l_%g, distance after %lld steps at depth 1, 1.5, 2, 2.5, 3: %.4g, %.4g, %.4g, %.4g, %.4g", s->p,
                (long long)s->steps, over_depth->y[0], over_depth->y[1], over_depth->y[2], over_depth->y[3],
                over_depth->y[4]);
    study_claim(s, over_depth->y[depths - 1] < over_depth->y[0] ? HOLDS : FAILS,
                "The limit of infinite depth trains, and faster than depth 1",
                "infinite depth %.4g, depth 1 %.4g, depth 10 %.4g; the best is depth %g with %.4g",
                over_depth->y[depths - 1], over_depth->y[0], over_depth->y[depths - 2], depth_of(at), lowest);
    return true;
}

static bool run_study(study *s)
{
    member prototypes[depths], *members = calloc(depths * rates, sizeof *members);
    const member *best[depths];
    curve over_depth = { 0 };
    optimum least;
    for (int i = 0; i < depths; i++)
        prototypes[i] = prototype(s, i);
    if (!members || !optimum_find(&s->t, s->p, &least)) {
        free(members);
        return study_fail(s, "out of memory");
    }
    bool good = tune(s, s->p, prototypes, depths, rates, members);
    for (int i = 0; i < depths && good; i++) {
        best[i] = tune_best(members, depths * rates, i, false);
        good = best[i] || study_fail(s, "depth %g: every learning rate diverged", depth_of(i));
    }
    good = good && judge(s, best, least.value, &over_depth) && draw(s, best, &over_depth, least.value);
    curve_free(&over_depth);
    team_free(members, depths * rates);
    free(members);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = {
        .name = "real_depth",
        .about = "The end-to-end rule at depths from 1 to 10 in steps of a half, and of infinite depth.",
        .steps = 100000,
        .quick = 2000,
        .p = 4.0,
        .data = true,
        .run = run_study
    };
    return study_main(argc, argv, &plan);
}

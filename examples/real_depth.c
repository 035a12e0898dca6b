/* SPDX-License-Identifier: MIT */
/*
 * Beyond the paper: depth as a real number. The end-to-end rule from depth 1 to 10 in steps of a half, and of infinite
 * depth (the limit of P / N), all from the same small W, each at its best learning rate: the loss over depth.
 *
 * Rates that differ by a factor of two would make a jagged curve, so the best of the grid is refined.
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/tune.h"

enum { depths = 20 };

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

/* Rates above the best of the grid and below the next one. */
static bool refine(study *s, tuned *runs)
{
    enum { finer = 3 };
    static const double factors[finer] = { 1.25, 1.5, 1.75 };
    member extra[depths * finer];
    for (int i = 0; i < depths * finer; i++) {
        const member *best = tune_best(runs, i / finer, false);
        if (!best)
            return study_fail(s, "depth %g: every learning rate diverged", depth_of(i / finer));
        extra[i] = prototype(s, i / finer);
        extra[i].options.lr = best->options.lr * factors[i % finer];
    }
    return tune_add(s, s->p, extra, depths * finer, runs);
}

/* The least loss of c W_0 over c: what a W that only ever moves along itself can reach. */
static bool best_on_ray(study *s, double *out)
{
    const ptrdiff_t d = s->t.cols;
    const member first = prototype(s, 0);
    dopt_fit_options options = first.options;
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    double *w = calloc((size_t)(2 * d), sizeof *w), low = -100.0, high = 100.0, values[2] = { 0.0 };
    options.max_steps = 0;
    options.lr = 1.0;
    bool good = w && study_objective(s, s->p, &loss, &objective) &&
                dopt_fit(objective, &options, dopt_mat_f64(w, 1, d), NULL) == DOPT_OK;
    for (int i = 0; i < 200 && good; i++) { /* convex in c: thirds */
        const double at[2] = { low + (high - low) / 3.0, high - (high - low) / 3.0 };
        for (int k = 0; k < 2 && good; k++) {
            for (ptrdiff_t c = 0; c < d; c++)
                w[d + c] = at[k] * w[c];
            good = dopt_objective_eval(objective, dopt_cmat_f64(w + d, 1, d), NULL, &values[k], dopt_mat_none()) ==
                   DOPT_OK;
        }
        *(values[0] < values[1] ? &high : &low) = values[0] < values[1] ? at[1] : at[0];
    }
    *out = values[0];
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    free(w);
    return good || study_fail_library(s);
}

/* The least loss over depth, and the runs of a few depths. */
static bool draw(study *s, const member *const *best, const curve *over_depth, double least)
{
    static const int shown[] = { 0, 1, 2, 4, 8, 18, 19 };
    figure f;
    curve finite = *over_depth;
    finite.count = depths - 1;
    bool good = figure_begin(&f, s, "real_depth", "The loss that a depth reaches", "depth", "loss - optimum", "");
    if (good) {
        figure_curve(&f, "end-to-end rule of depth N", &finite, 0.0);
        good = figure_end(&f) &&
               figure_begin(&f, s, "real_depth_runs", "Runs at real depths", "steps", "loss - optimum", "xy");
    }
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
    double ray;
    if (!best_on_ray(s, &ray))
        return false;
    study_number(s, "best depth", depth_of(at));
    study_number(s, "best depth: distance at the end", lowest);
    const double limit = over_depth->y[depths - 1], bound = ray - least;
    study_claim(
        s, verdict_of(limit >= bound * (1.0 - 1e-6), limit < 1.05 * bound),
        "In the limit of infinite depth one output only moves along itself, and cannot learn more than its length",
        "distance %.6g at the end; the best multiple of the first W has %.6g; depth 10 has %.4g", limit, bound,
        over_depth->y[depths - 2]);
    return true;
}

static bool run_study(study *s)
{
    member prototypes[depths];
    const member *best[depths];
    tuned runs;
    curve over_depth = { 0 };
    optimum least;
    for (int i = 0; i < depths; i++)
        prototypes[i] = prototype(s, i);
    if (!optimum_find(&s->t, s->p, &least))
        return study_fail(s, "out of memory");
    const bool good = tune(s, s->p, prototypes, depths, &runs) && refine(s, &runs) &&
                      tune_winners(s, &runs, depths, best) && team_told_apart(s, depths, best, least.value) &&
                      judge(s, best, least.value, &over_depth) && draw(s, best, &over_depth, least.value);
    curve_free(&over_depth);
    tune_free(&runs);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "real_depth",
                              .about = "The rule at depths from 1 to 10 in steps of a half, and at infinite depth.",
                              .steps = 50000,
                              .quick = 1000,
                              .p = 4.0,
                              .data = true,
                              .keeps = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}

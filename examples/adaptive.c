/* SPDX-License-Identifier: MIT */
/*
 * Figures 3 and 4: depth against methods with adaptive learning rates, on the mean of error^4.
 *
 *   left   AdaGrad, AdaDelta, and RMSprop, on the plain model; gradient descent on a network of depth 3
 *   right  Adam on the plain model and on networks of depth 2 and 3, for a fifth of the steps
 *
 * Each at its best learning rate; other hyperparameters as in TensorFlow at the time.
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/optimum.h"
#include "support/published.h"
#include "support/tune.h"

enum { methods = 7, first_adam = 4 };

static const dopt_hyper_value adagrad[] = { { DOPT_ACCUMULATOR, 0.1 } };
static const dopt_hyper_value adadelta[] = { { DOPT_RHO, 0.95 }, { DOPT_EPSILON, 1e-8 } };
static const dopt_hyper_value rmsprop[] = { { DOPT_RHO, 0.9 }, { DOPT_EPSILON, 1e-10 } };

static const struct {
    const char *name;
    dopt_optim_kind optimizer;
    double depth;
    const dopt_hyper_value *hypers;
    int hyper_count;
} table_of[methods] = {
    { "adagrad", DOPT_OPTIM_ADAGRAD, 1.0, adagrad, 1 }, { "adadelta", DOPT_OPTIM_ADADELTA, 1.0, adadelta, 2 },
    { "rmsprop", DOPT_OPTIM_RMSPROP, 1.0, rmsprop, 2 }, { "depth 3, gd", DOPT_OPTIM_GD, 3.0, NULL, 0 },
    { "adam, depth 1", DOPT_OPTIM_ADAM, 1.0, NULL, 0 }, { "adam, depth 2", DOPT_OPTIM_ADAM, 2.0, NULL, 0 },
    { "adam, depth 3", DOPT_OPTIM_ADAM, 3.0, NULL, 0 },
};

static member prototype(const study *s, int i)
{
    const double depth = table_of[i].depth;
    member m = team_member(s, i, depth == 1.0 ? DOPT_MODEL_DIRECT : DOPT_MODEL_FACTORED, depth == 1.0 ? 2.0 : depth,
                           0.0, table_of[i].name);
    m.options.optimizer = table_of[i].optimizer;
    m.options.hypers = table_of[i].hypers;
    m.options.hyper_count = table_of[i].hyper_count;
    if (i == 3)
        m.options.init_std = 0.05; /* as in figure 2 */
    if (i >= first_adam)
        m.options.max_steps = s->steps / 5;
    return m;
}

static double distance_at(const member *m, double step, double optimum_value)
{
    return team_loss_at(m, step) - optimum_value;
}

static void judge(study *s, const member *const *best, double optimum_value)
{
    const int64_t steps = s->steps / 5;
    const double end = (double)s->steps, fifth = (double)steps;
    double at[methods];
    for (int i = 0; i < methods; i++)
        at[i] = distance_at(best[i], i < first_adam ? end : fifth, optimum_value);
    const double deep = distance_at(best[3], fifth, optimum_value);
    study_claim(s, verdict_of(at[3] < at[0], at[3] < at[1]),
                "Gradient descent at depth 3 gets ahead of AdaGrad and AdaDelta on the plain model (figure 4, left)",
                "distance after %.0f steps: depth 3 %.4g; AdaGrad %.4g, AdaDelta %.4g, RMSprop %.4g", end, at[3], at[0],
                at[1], at[2]);
    study_claim(s, at[4] < deep ? HOLDS : FAILS, "Adam on the plain model is faster than gradient descent with depth",
                "distance after %.0f steps: Adam %.4g, gradient descent at depth 3 %.4g", fifth, at[4], deep);
    study_claim(s, verdict_of(at[5] < at[4], at[6] < at[4]), "Depth accelerates Adam too (figure 4, right)",
                "distance after %.0f steps at depth 1, 2, 3: %.4g, %.4g, %.4g", fifth, at[4], at[5], at[6]);
}

static bool draw(study *s, const char *name, const char *title, const char *figure_name, int count,
                 const member *const *best, double optimum_value)
{
    figure f;
    if (!figure_begin(&f, s, name, title, "steps", "loss - optimum", "xy"))
        return false;
    figure_members(&f, figure_name, count, best, optimum_value);
    return figure_end(&f);
}

static bool run_study(study *s)
{
    member prototypes[methods];
    const member *best[methods];
    tuned runs;
    optimum least;
    for (int i = 0; i < methods; i++)
        prototypes[i] = prototype(s, i);
    if (!optimum_find(&s->t, 4.0, &least))
        return study_fail(s, "out of memory");
    bool good = tune(s, 4.0, prototypes, methods, &runs) && tune_winners(s, &runs, methods, best);
    if (good) {
        tune_list(s, &runs, least.value);
        good = team_told_apart(s, methods, best, least.value);
    }
    if (good) {
        published_compare(s, "4 left", first_adam, best, least.value);
        published_compare(s, "4 right", methods - first_adam, best + first_adam, least.value);
        judge(s, best, least.value);
        good = draw(s, "adaptive", "l_4: adaptive methods and depth 3", "4 left", first_adam, best, least.value) &&
               draw(s, "adam", "l_4: Adam and depth", "4 right", methods - first_adam, best + first_adam, least.value);
    }
    tune_free(&runs);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "adaptive",
                              .about =
                                  "Depth against AdaGrad, AdaDelta, RMSprop and Adam, and on top of Adam: figure 4.",
                              .steps = 1000000,
                              .quick = 5000,
                              .data = true,
                              .keeps = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
